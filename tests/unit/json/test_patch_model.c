/* Patches against a model: the text as a tree that keeps repeated keys and spellings, in which each edit is carried out
 * by itself, the plain way. What json_patch() writes is, blanks aside, what the tree then prints; and it refuses where
 * the tree cannot be changed. Few keys, so that most objects repeat one.
 *
 * The first argument multiplies the number of texts: json_patch_model 20. */
#include "random.h"

#include "core/json/patch.h"

enum { NODES_MAX = 2000, EDITS_MAX = 4, STEPS_MAX = 4 };

struct node {
    struct vx_span key;               /* as spelled, with its quotes; of an element: none */
    struct vx_span text;              /* of a scalar, or of a value that was set */
    struct node *first, *last, *next; /* children of a container, in order */
    char open;                        /* { or [; 0 where `text` counts */
    bool removed;
};

static struct node nodes[NODES_MAX];
static size_t node_count;
static int rounds = 1;

static struct node *node_new(struct node *parent)
{
    assert_true(node_count < NODES_MAX);
    struct node *node = &nodes[node_count++];
    *node = (struct node){.open = 0};
    if (parent) {
        *(parent->last ? &parent->last->next : &parent->first) = node;
        parent->last = node;
    }
    return node;
}

static const char *behind_string(const char *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

static const char *behind_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Reads the valid, NUL-terminated text at `p` into `node`. */
static const char *read_node(struct node *node, const char *p)
{
    const char *begin = p;
    if (*p == '{' || *p == '[') {
        node->open = *p;
        for (p = behind_blanks(p + 1); *p != '}' && *p != ']'; p = behind_blanks(p)) {
            if (*p == ',')
                p = behind_blanks(p + 1);
            struct node *child = node_new(node);
            if (node->open == '{') {
                const char *key = p;
                p = behind_string(p);
                child->key = vx_span(key, (size_t)(p - key));
                p = behind_blanks(p);
                p = behind_blanks(p + 1);
            }
            p = read_node(child, p);
        }
        return p + 1;
    }
    p = *p == '"' ? behind_string(p) : p + strcspn(p, ",]} \t\r\n");
    node->text = vx_span(begin, (size_t)(p - begin));
    return p;
}

static struct node *read_root(const char *text)
{
    struct node *root = node_new(NULL);
    read_node(root, behind_blanks(text));
    return root;
}

static void print_node(struct vx_buf *out, const struct node *node)
{
    if (!node->open) {
        vx_buf_span(out, node->text);
        return;
    }
    char separator = node->open;
    for (const struct node *child = node->first; child; child = child->next) {
        if (child->removed)
            continue;
        vx_buf_char(out, separator);
        separator = ',';
        if (node->open == '{') {
            vx_buf_span(out, child->key);
            vx_buf_char(out, ':');
        }
        print_node(out, child);
    }
    if (separator != ',')
        vx_buf_char(out, node->open);
    vx_buf_char(out, node->open == '{' ? '}' : ']');
}

/* The keys of these texts, each with its other spelling. */
static const struct {
    const char *key, *spelled[2];
} keys[] = {{"a", {"\"a\"", "\"\\u0061\""}}, {"b", {"\"b\"", "\"\\u0062\""}}, {"c\"", {"\"c\\\"\"", "\"c\\u0022\""}}};
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

static bool names(const struct json_step *step, const struct node *parent, const struct node *child, size_t number)
{
    if (step->is_index || parent->open == '[')
        return step->is_index && parent->open == '[' && step->index == number;
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (vx_span_is(step->key, keys[i].key))
            return vx_span_is(child->key, keys[i].spelled[0]) || vx_span_is(child->key, keys[i].spelled[1]);
    return false;
}

/* Every way that the path has. */
static void model_remove(struct node *node, const struct json_step *step, size_t left)
{
    size_t number = 0;
    for (struct node *child = node->first; child; child = child->next, number++) {
        if (!names(step, node, child, number))
            continue;
        if (left == 1)
            child->removed = true;
        else
            model_remove(child, step + 1, left - 1);
    }
}

/* The way that counts; false where there is none. */
static bool model_set(struct node *node, const struct json_step *step, size_t left, struct vx_span value)
{
    if (node->open != (step->is_index ? '[' : '{'))
        return false;
    struct node *last = NULL;
    size_t number = 0;
    for (struct node *child = node->first; child; child = child->next, number++) {
        if (!names(step, node, child, number))
            continue;
        if (last && left == 1)
            last->removed = true;
        last = child;
    }
    if (!last) {
        if (step->is_index)
            return false;
        last = node_new(node);
        for (size_t i = 0; i < KEY_COUNT; i++)
            if (vx_span_is(step->key, keys[i].key))
                last->key = vx_span_str(keys[i].spelled[0]);
        last->open = '{';
    }
    if (left > 1)
        return model_set(last, step + 1, left - 1, value);
    last->open = 0;
    last->text = value;
    return true;
}

static void random_tree(struct vx_buf *out, uint64_t *seed, int depth)
{
    size_t what = help_below(seed, depth > 0 ? 8 : 2);
    if (what < 2) {
        static const char *const scalars[] = {"1", "\"]}\"", "null", "-2.50e1", "\"\\\\\"", "\"\\\",\""};
        vx_buf_str(out, RANDOM_PICK(seed, scalars));
        return;
    }
    bool object = what < 6;
    vx_buf_char(out, object ? '{' : '[');
    random_blanks(out, seed);
    for (size_t i = 0, n = help_below(seed, 5); i < n; i++) {
        if (i)
            vx_buf_char(out, ',');
        random_blanks(out, seed);
        if (object) {
            vx_buf_str(out, keys[help_below(seed, KEY_COUNT)].spelled[help_below(seed, 4) == 0]);
            random_blanks(out, seed);
            vx_buf_char(out, ':');
            random_blanks(out, seed);
        }
        random_tree(out, seed, depth - 1);
        random_blanks(out, seed);
    }
    vx_buf_char(out, object ? '}' : ']');
}

/* One path that mostly fits the kinds of `root`. */
static size_t random_steps(struct json_step steps[STEPS_MAX], const struct node *root, uint64_t *seed)
{
    size_t count = 0;
    const struct node *node = root;
    for (size_t n = 1 + help_below(seed, STEPS_MAX); n > 0; n--) {
        bool index = (node && node->open == '[') != (help_below(seed, 20) == 0);
        struct json_step *step = &steps[count++];
        *step = (struct json_step){.is_index = index, .index = (uint32_t)help_below(seed, 3)};
        if (!index)
            step->key = vx_span_str(keys[help_below(seed, KEY_COUNT)].key);
        const struct node *child = node ? node->first : NULL;
        for (size_t number = 0; child && !names(step, node, child, number); number++)
            child = child->next;
        node = child;
    }
    return count;
}

/* One path holds the other, or is it. */
static bool overlap(struct json_path a, struct json_path b)
{
    for (size_t i = 0; i < a.count && i < b.count; i++) {
        const struct json_step *p = &a.steps[i], *q = &b.steps[i];
        if (p->is_index != q->is_index || (p->is_index ? p->index != q->index : !vx_span_equal(p->key, q->key)))
            return false;
    }
    return true;
}

/* Sets first: what is added stands in the order in which the edits speak of it, and a removal speaks of it too. */
static size_t random_edits(struct json_edit edits[EDITS_MAX], struct json_step steps[EDITS_MAX][STEPS_MAX],
                           const struct node *root, uint64_t *seed)
{
    size_t count = 0, tries = 1 + help_below(seed, EDITS_MAX), sets = help_below(seed, tries + 1);
    for (; tries > 0; tries--) {
        struct json_path path = {steps[count], random_steps(steps[count], root, seed)};
        bool clash = false;
        for (size_t i = 0; i < count; i++)
            clash |= overlap(path, edits[i].path);
        if (clash)
            continue;
        edits[count] = (struct json_edit){.path = path};
        if (count < sets)
            edits[count].value = VX_SPAN_LITERAL("{\"a\":7}");
        count++;
    }
    return count;
}

static void patches_print_what_the_model_prints(void **state)
{
    (void)state;
    struct vx_buf text = {0}, out = {0}, got = {0}, expected = {0};
    uint64_t seed = 4;
    int done = 0, changed = 0, count = 100000 * rounds;
    for (int i = 0; i < count; i++) {
        struct json_step steps[EDITS_MAX][STEPS_MAX];
        struct json_edit edits[EDITS_MAX];
        vx_buf_clear(&text);
        random_blanks(&text, &seed);
        random_tree(&text, &seed, 4);
        random_blanks(&text, &seed);
        node_count = 0;
        struct node *model = read_root(text.at);
        size_t edit_count = random_edits(edits, steps, model, &seed);
        vx_buf_clear(&out);
        enum vx_status status = json_patch(&out, help_guarded(text.at, text.len), edits, edit_count, NULL);
        bool possible = true;
        for (size_t k = 0; k < edit_count && possible; k++) {
            if (edits[k].value.at)
                possible = model_set(model, edits[k].path.steps, edits[k].path.count, edits[k].value);
            else
                model_remove(model, edits[k].path.steps, edits[k].path.count);
        }
        if (possible != (status == VX_OK))
            fail_msg("%s: %s", possible ? "refused" : "not refused", text.at);
        if (!possible)
            continue;
        done++;
        changed += !vx_span_equal(vx_buf_view(&out), vx_buf_view(&text));
        vx_buf_clear(&expected);
        print_node(&expected, model);
        vx_buf_clear(&got);
        print_node(&got, read_root(out.at));
        if (!vx_span_equal(vx_buf_view(&got), vx_buf_view(&expected)))
            fail_msg("%s became %s, expected %s", text.at, out.at, expected.at);
    }
    assert_in_range(done, count / 3, count);
    assert_in_range(changed, count / 5, count); /* the paths are of use */
    vx_buf_done(&text);
    vx_buf_done(&out);
    vx_buf_done(&got);
    vx_buf_done(&expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_print_what_the_model_prints),
    };
    if (argc > 1)
        rounds = atoi(argv[1]);
    return cmocka_run_group_tests_name("json patch model", tests, NULL, NULL);
}
