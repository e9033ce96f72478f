/* Against jansson, a strict parser of other origin: random texts, sound and damaged, from a fixed seed. The same texts
 * are accepted, on every instruction set with the same fault; the same values are found under random paths; patches
 * give the tree that the same edits give there.
 *
 * Where jansson goes another way, it is not asked: numbers that overflow and an escaped NUL in a key (it says so by its
 * error code), lone surrogates in escapes, and a NUL byte, which it takes behind a number.
 *
 * The first argument multiplies the number of texts: json_jansson 20. */
#include "random.h"

#include "tree.h"

enum { STEPS_MAX = 5, SLOTS = 6 };

static struct json_scanner *scanner;
static struct vx_arena arena;
static int rounds = 1;

struct random_path {
    struct json_step steps[STEPS_MAX];
    size_t count;
};

/* A path that mostly leads through what is there. */
static void random_path(struct random_path *path, const json_t *tree, uint64_t *seed)
{
    static const char *const keys[] = {
        "a", "b", "c", "ab", "", "\xc3\xa9", "a\"b", "new", "a_rather_long_key_of_more_than_sixteen_bytes"};
    path->count = 0;
    for (size_t n = 1 + help_below(seed, STEPS_MAX); n > 0; n--) {
        bool index = json_is_array(tree) ? help_below(seed, 20) > 0 : help_below(seed, 20) == 0;
        struct json_step *step = &path->steps[path->count++];
        *step = (struct json_step){.is_index = index, .index = (uint32_t)help_below(seed, 5)};
        if (!index)
            step->key = vx_span_str(RANDOM_PICK(seed, keys));
        tree = index ? json_array_get(tree, step->index) : json_object_get(tree, step->key.at);
    }
}

/* Scans on every instruction set; all must agree. Returns the status, slots filled. */
static enum vx_status scan_everywhere(const struct json_paths *paths, struct vx_span text, struct json_value *slots)
{
    enum vx_status status = VX_OK;
    size_t fault = 0;
    bool first = true;
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        struct json_value mine[SLOTS];
        memset(mine, 0, sizeof mine); /* padding too, for memcmp */
        size_t my_fault = 0;
        enum vx_status my_status = json_scan(scanner, paths, text, mine, &my_fault);
        bool agrees =
            first || (my_status == status && my_fault == fault && (status || !memcmp(mine, slots, sizeof mine)));
        if (!agrees || my_fault > text.len)
            fail_msg("%s: status %d, fault %zu; before %d, %zu: %.*s", help_isas[isa], my_status, my_fault, status,
                     fault, VX_SPAN_ARG(text));
        first = false;
        status = my_status;
        fault = my_fault;
        memcpy(slots, mine, sizeof mine);
    }
    return status;
}

/* What stands before the first fault is the beginning of some JSON text, and what stands behind it does not matter (an
 * escape, a literal or a code point is judged as a whole). */
static void check_fault(struct vx_span text)
{
    enum { TOKEN_BYTES = 12 }; /* a literal and an escape that clings to it */
    size_t fault = 0, again = 0;
    assert_int_equal(json_scan(scanner, NULL, text, NULL, &fault), VX_EINVAL);
    bool sound = !json_scan(scanner, NULL, vx_span(text.at, fault), NULL, &again) || again == fault;
    if (!sound)
        fail_msg("fault %zu, but %zu without what follows: %.*s", fault, again, VX_SPAN_ARG(text));
    struct vx_span cut = vx_span(text.at, text.len > fault + TOKEN_BYTES ? fault + TOKEN_BYTES : text.len);
    if (!json_scan(scanner, NULL, cut, NULL, &again) || again != fault)
        fail_msg("fault %zu, but %zu when cut behind it: %.*s", fault, again, VX_SPAN_ARG(text));
}

static void check_text(struct vx_span given, bool damaged, uint64_t *seed, int *accepted)
{
    struct vx_span text = help_guarded(given.at, given.len);
    json_error_t error;
    json_t *tree = tree_load(text, &error);
    struct random_path path[SLOTS];
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, (struct json_path){0}, 0);
    for (uint32_t i = 1; i < SLOTS; i++) {
        random_path(&path[i], tree, seed);
        json_paths_add(paths, (struct json_path){path[i].steps, path[i].count}, i);
    }
    json_paths_seal(paths);
    struct json_value slots[SLOTS];
    enum vx_status status = scan_everywhere(paths, text, slots);
    json_paths_free(paths);
    if ((status == VX_OK) != (tree != NULL) && (!damaged || !tree_says_nothing(!tree, &error, text)))
        fail_msg("%s, jansson says %s: %.*s", status ? "refused" : "accepted", tree ? "yes" : error.text,
                 VX_SPAN_ARG(text));
    for (uint32_t i = 0; i < SLOTS && tree && !status; i++)
        if (!tree_same(slots[i], i ? tree_find(tree, path[i].steps, path[i].count) : tree, &arena))
            fail_msg("slot %u differs: %.*s", i, VX_SPAN_ARG(text));
    if (status)
        check_fault(text);
    *accepted += tree != NULL;
    json_decref(tree);
    vx_arena_reset(&arena, 1 << 20);
}

static void sound_texts_are_accepted_with_the_same_values(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    uint64_t seed = 1;
    int accepted = 0, count = 20000 * rounds;
    for (int i = 0; i < count; i++) {
        random_text(&text, &seed);
        check_text(vx_buf_view(&text), false, &seed, &accepted);
    }
    assert_int_equal(accepted, count);
    vx_buf_done(&text);
}

static void damaged_texts_go_the_same_way(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    uint64_t seed = 2;
    int accepted = 0, count = 60000 * rounds;
    for (int i = 0; i < count; i++) {
        random_text(&text, &seed);
        random_damage(&text, &seed);
        check_text(vx_buf_view(&text), true, &seed, &accepted);
    }
    assert_in_range(accepted, count / 10, count - count / 10); /* the damage is of use */
    vx_buf_done(&text);
}

enum { EDITS_MAX = 5 };

struct edits {
    struct random_path path[EDITS_MAX];
    struct json_edit list[EDITS_MAX];
    struct vx_buf value[EDITS_MAX];
    size_t count;
};

static void random_edits(struct edits *edits, const json_t *tree, uint64_t *seed)
{
    edits->count = 0;
    for (size_t n = 1 + help_below(seed, EDITS_MAX); n > 0; n--) {
        size_t i = edits->count;
        bool clash = false;
        random_path(&edits->path[i], tree, seed);
        for (size_t j = 0; j < i; j++)
            clash |= tree_overlap((struct json_path){edits->path[i].steps, edits->path[i].count},
                                  (struct json_path){edits->path[j].steps, edits->path[j].count});
        if (clash)
            continue;
        edits->list[i] = (struct json_edit){.path = {edits->path[i].steps, edits->path[i].count}};
        if (help_below(seed, 2)) {
            vx_buf_clear(&edits->value[i]);
            random_value(&edits->value[i], seed, 2);
            edits->list[i].value = vx_buf_view(&edits->value[i]);
        }
        edits->count++;
    }
}

static struct json_value root_of(struct vx_span text)
{
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, (struct json_path){0}, 0);
    json_paths_seal(paths);
    struct json_value root;
    if (json_scan(scanner, paths, text, &root, NULL))
        fail_msg("the result is not JSON: %.*s", VX_SPAN_ARG(text));
    json_paths_free(paths);
    return root;
}

/* Members and elements of the root that no edit names keep their bytes and their order. */
static void check_untouched(struct vx_span before, struct vx_span after, const struct edits *edits)
{
    struct json_iter old = json_iter(root_of(before)), new = json_iter(root_of(after));
    for (uint32_t i = 0; json_next(&old); i++) {
        bool named = false;
        for (size_t j = 0; j < edits->count; j++) {
            const struct json_step *step = &edits->path[j].steps[0];
            named |= old.object ? !step->is_index && json_string_equal(old.key, step->key)
                                : step->is_index && step->index == i;
        }
        if (named)
            continue;
        bool found = false;
        while (!found && json_next(&new)) {
            bool same_key = !old.object || vx_span_equal(json_text(old.key), json_text(new.key));
            found = same_key && vx_span_equal(json_text(old.value), json_text(new.value));
        }
        if (!found)
            fail_msg("member %u was touched: %.*s", i, VX_SPAN_ARG(before));
    }
}

static void patches_give_the_tree_that_jansson_gives(void **state)
{
    (void)state;
    struct vx_buf text = {0}, out = {0};
    static struct edits edits;
    uint64_t seed = 3;
    int done = 0, count = 30000 * rounds;
    for (int i = 0; i < count; i++) {
        json_error_t error;
        random_text(&text, &seed);
        struct vx_span given = help_guarded(text.at, text.len);
        json_t *tree = tree_load(given, &error);
        random_edits(&edits, tree, &seed);
        vx_buf_clear(&out);
        struct vx_err err = {0};
        enum vx_status status = json_patch(&out, given, edits.list, edits.count, &err);
        bool possible = tree_patch(tree, edits.list, edits.count);
        if (possible != (status == VX_OK))
            fail_msg("%s: %s: %.*s", possible ? "refused" : "not refused", err.message, VX_SPAN_ARG(given));
        if (possible) {
            if (!tree_same(root_of(vx_buf_view(&out)), tree, &arena))
                fail_msg("%.*s became %s", VX_SPAN_ARG(given), vx_buf_text(&out));
            check_untouched(given, vx_buf_view(&out), &edits);
            done++;
        }
        json_decref(tree);
        vx_arena_reset(&arena, 1 << 20);
    }
    assert_in_range(done, count / 4, count);
    for (size_t i = 0; i < EDITS_MAX; i++)
        vx_buf_done(&edits.value[i]);
    vx_buf_done(&text);
    vx_buf_done(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_texts_are_accepted_with_the_same_values),
        cmocka_unit_test(damaged_texts_go_the_same_way),
        cmocka_unit_test(patches_give_the_tree_that_jansson_gives),
    };
    if (argc > 1)
        rounds = atoi(argv[1]);
    scanner = json_scanner_new();
    int failed = cmocka_run_group_tests_name("json jansson", tests, NULL, NULL);
    json_scanner_free(scanner);
    vx_arena_done(&arena);
    return failed;
}
