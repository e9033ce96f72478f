/* Against jansson, a strict parser of other origin: random texts, sound and damaged, from a fixed seed. The same texts
 * are accepted, on every instruction set with the same fault; the same values are found under random paths; patches
 * give the tree that the same edits give there.
 *
 * Where jansson goes another way, it is not asked: numbers that overflow and an escaped NUL in a key (it says so by its
 * error code), lone surrogates in escapes, and a NUL byte, which it takes behind a number.
 *
 * The first argument multiplies the number of texts: json_jansson 20. */
#include "random.h"

#include <jansson.h>

#include "core/json/patch.h"

enum { STEPS_MAX = 5, SLOTS = 6 };

static struct json_scanner *scanner;
static struct vx_arena arena;
static int rounds = 1;

static json_t *load(struct vx_span text, json_error_t *error)
{
    return json_loadb(text.at ? text.at : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, error);
}

/* The value equals the tree, deeply. */
static bool same_value(struct json_value v, const json_t *tree)
{
    int64_t integer;
    switch (v.kind) {
    case JSON_KIND_MISSING:
        return tree == NULL;
    case JSON_KIND_NULL:
        return json_is_null(tree);
    case JSON_KIND_TRUE:
        return json_is_true(tree);
    case JSON_KIND_FALSE:
        return json_is_false(tree);
    case JSON_KIND_INT:
        return json_is_integer(tree) && json_int64(v, &integer) && integer == json_integer_value(tree);
    case JSON_KIND_DOUBLE:
        return json_is_real(tree) && json_double(v) == json_real_value(tree);
    case JSON_KIND_STRING:
        return json_is_string(tree) &&
               vx_span_equal(json_unescape(v, &arena), vx_span(json_string_value(tree), json_string_length(tree)));
    }
    if (v.kind == JSON_KIND_ARRAY) {
        if (!json_is_array(tree) || json_count(v, &arena) != json_array_size(tree))
            return false;
        for (size_t i = 0; i < json_array_size(tree); i++)
            if (!same_value(json_element(v, i), json_array_get(tree, i)))
                return false;
        return true;
    }
    const char *key;
    json_t *member;
    if (!json_is_object(tree) || json_count(v, &arena) != json_object_size(tree))
        return false;
    json_object_foreach((json_t *)(uintptr_t)tree, key,
                        member) if (!same_value(json_member(v, vx_span_str(key)), member)) return false;
    return true;
}

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

static json_t *find(json_t *tree, const struct json_step *steps, size_t count)
{
    for (size_t i = 0; i < count && tree; i++)
        tree = steps[i].is_index ? json_array_get(tree, steps[i].index) : json_object_get(tree, steps[i].key.at);
    return tree;
}

/* True when jansson's answer says nothing about the grammar. */
static bool is_its_own_way(bool refused, const json_error_t *error, struct vx_span text)
{
    if (!refused)
        return memchr(text.at, 0, text.len) != NULL;
    enum json_error_code code = json_error_code(error);
    if (code == json_error_numeric_overflow || code == json_error_null_byte_in_key)
        return true;
    for (size_t i = 0; i + 3 < text.len; i++) /* a surrogate in an escape */
        if (text.at[i] == '\\' && text.at[i + 1] == 'u' && (text.at[i + 2] | 0x20) == 'd' &&
            strchr("89abcdefABCDEF", text.at[i + 3]))
            return true;
    return false;
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
    json_t *tree = load(text, &error);
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
    if ((status == VX_OK) != (tree != NULL) && (!damaged || !is_its_own_way(!tree, &error, text)))
        fail_msg("%s, jansson says %s: %.*s", status ? "refused" : "accepted", tree ? "yes" : error.text,
                 VX_SPAN_ARG(text));
    for (uint32_t i = 0; i < SLOTS && tree && !status; i++)
        if (!same_value(slots[i], i ? find(tree, path[i].steps, path[i].count) : tree))
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

static bool same_step(const struct json_step *a, const struct json_step *b)
{
    return a->is_index == b->is_index && (a->is_index ? a->index == b->index : vx_span_equal(a->key, b->key));
}

/* One holds the other. */
static bool overlap(const struct random_path *a, const struct random_path *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!same_step(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

static void random_edits(struct edits *edits, const json_t *tree, uint64_t *seed)
{
    edits->count = 0;
    for (size_t n = 1 + help_below(seed, EDITS_MAX); n > 0; n--) {
        size_t i = edits->count;
        bool clash = false;
        random_path(&edits->path[i], tree, seed);
        for (size_t j = 0; j < i; j++)
            clash |= overlap(&edits->path[i], &edits->path[j]);
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

/* Sets in the tree as json_patch() is said to; false where it is said to refuse. */
static bool model_set(json_t *tree, const struct json_edit *edit)
{
    json_error_t error;
    const struct json_step *step = edit->path.steps;
    for (size_t left = edit->path.count; left > 0; left--, step++) {
        json_t *child = step->is_index ? json_array_get(tree, step->index) : json_object_get(tree, step->key.at);
        if (step->is_index ? !child : !json_is_object(tree))
            return false;
        if (left > 1 && child) {
            tree = child;
            continue;
        }
        child = left > 1 ? json_object() : load(edit->value, &error);
        assert_int_equal(step->is_index ? json_array_set_new(tree, step->index, child)
                                        : json_object_set_new(tree, step->key.at, child),
                         0);
        tree = child;
    }
    return true;
}

/* Higher indexes first, so that a removal does not move what the next one names. */
static int compare_removals(const void *x, const void *y)
{
    const struct json_edit *a = *(const struct json_edit *const *)x, *b = *(const struct json_edit *const *)y;
    for (size_t i = 0; i < a->path.count && i < b->path.count; i++) {
        const struct json_step *p = &a->path.steps[i], *q = &b->path.steps[i];
        int c = p->is_index != q->is_index ? p->is_index - q->is_index
                : p->is_index              ? (p->index < q->index) - (p->index > q->index)
                                           : vx_span_compare(p->key, q->key);
        if (c)
            return c;
    }
    return 0;
}

static bool model_patch(json_t *tree, const struct edits *edits)
{
    const struct json_edit *removals[EDITS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < edits->count; i++) {
        if (!edits->list[i].value.at)
            removals[count++] = &edits->list[i];
        else if (!model_set(tree, &edits->list[i]))
            return false;
    }
    qsort(removals, count, sizeof removals[0], compare_removals);
    for (size_t i = 0; i < count; i++) {
        const struct json_step *last = &removals[i]->path.steps[removals[i]->path.count - 1];
        json_t *parent = find(tree, removals[i]->path.steps, removals[i]->path.count - 1);
        if (last->is_index)
            json_array_remove(parent, last->index);
        else
            json_object_del(parent, last->key.at);
    }
    return true;
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
        json_t *tree = load(given, &error);
        random_edits(&edits, tree, &seed);
        vx_buf_clear(&out);
        struct vx_err err = {0};
        enum vx_status status = json_patch(&out, given, edits.list, edits.count, &err);
        bool possible = model_patch(tree, &edits);
        if (possible != (status == VX_OK))
            fail_msg("%s: %s: %.*s", possible ? "refused" : "not refused", err.message, VX_SPAN_ARG(given));
        if (possible) {
            if (!same_value(root_of(vx_buf_view(&out)), tree))
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
