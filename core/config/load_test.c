/* Test documents: an event as YAML → its bytes, and what is expected of it. Load-time only; any one thread; what comes out
 * lives in the set's arena. Invariant: a case that was loaded without a finding has a topic that a routing claims, and
 * compares something.
 */
#include "core/config/load_test.h"

#include "core/base/b64.h"
#include "core/config/check.h"
#include "core/config/pattern.h"

static struct test_bytes *bytes_at(const struct vx_field *f, const struct config_node *node, void *base)
{
    struct test_bytes *bytes = (struct test_bytes *)((char *)base + f->offset);
    if (!bytes->node)
        bytes->node = node;
    return bytes;
}

void load_given_json(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct test_bytes *bytes = bytes_at(f, node, base);
    struct vx_buf json = {0};
    if (value_json(l, node, &json) && !vx_span_is(vx_buf_view(&json), "null"))
        bytes->bytes = vx_arena_span(l->arena, vx_buf_view(&json));
    vx_buf_done(&json);
}

static bool is_null(const struct config_node *node)
{
    return node->kind == CONFIG_SCALAR && node->scalar == CONFIG_NULL && !node->refused;
}

void load_given_text(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct test_bytes *bytes = bytes_at(f, node, base);
    if (!is_null(node))
        load_text(l, f->name, node, "a text, or null", &bytes->bytes);
}

void load_given_base64(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct test_bytes *bytes = bytes_at(f, node, base);
    struct vx_span text;
    struct vx_buf decoded = {0};
    if (is_null(node) || !load_text(l, f->name, node, "a text in base64, or null", &text))
        return;
    if (vx_b64_decode(&decoded, text))
        bytes->bytes = vx_arena_span(l->arena, vx_span(vx_buf_text(&decoded), decoded.len));
    else
        load_error(l, node, "`%s` must be a text in base64, or null", f->name);
    vx_buf_done(&decoded);
}

void load_test_headers(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct test_headers *headers = (struct test_headers *)((char *)base + f->offset);
    if (node->refused)
        return;
    if (node->kind != CONFIG_MAPPING) {
        load_error(l, node, "`%s` must be a mapping of names to texts, not %s", f->name, load_node_name(node));
        return;
    }
    headers->at = VX_ARENA_ARRAY(l->arena, struct cel_header, node->count);
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *item = &node->items[i];
        struct cel_header *header = &headers->at[headers->count];
        const char *name = vx_arena_span(l->arena, node->keys[i].text).at;
        header->name = node->keys[i].text;
        header->value = vx_span(NULL, 0);
        if (is_null(item) || load_text(l, name, item, "a text, or null", &header->value))
            headers->count++;
    }
}

/* Of `value` and its sisters there may be one; the second one is reported. */
static void check_one_value(struct loader *l, const struct config_node *node)
{
    const struct config_node *first = NULL;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *key = &node->keys[i];
        if (!vx_span_starts_with(key->text, VX_SPAN_LITERAL("value")))
            continue;
        if (first)
            load_error(l, key, "`%.*s` cannot stand beside `%.*s`", VX_SPAN_ARG(key->text), VX_SPAN_ARG(first->text));
        first = first ? first : key;
    }
}

void load_given(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct config_given *given = (struct config_given *)((char *)base + f->offset);
    struct test_event event = {0};
    if (!load_rows(l, f->custom, node, &event))
        return;
    check_one_value(l, node);
    *given = (struct config_given){.node = node,
                                   .value = event.value.bytes,
                                   .key = event.key.bytes,
                                   .headers = event.headers.at,
                                   .header_count = event.headers.count,
                                   .timestamp_ms = event.timestamp_ms,
                                   .partition = event.partition,
                                   .offset = event.offset};
}

/* How the value of an output is compared, by the key that says what it is. */
static enum config_compare compare_of(const struct config_node *node, const struct test_bytes *value)
{
    if (!value->node)
        return CONFIG_COMPARE_NOTHING;
    if (value->node == config_node_find(node, "value"))
        return value->bytes.at ? CONFIG_COMPARE_JSON : CONFIG_COMPARE_TOMBSTONE;
    if (value->node == config_node_find(node, "value_contains"))
        return value->bytes.at ? CONFIG_COMPARE_CONTAINS : CONFIG_COMPARE_TOMBSTONE;
    return CONFIG_COMPARE_BYTES;
}

void load_outputs(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct config_expect *expect = base;
    expect->has_outputs = true;
    if (node->kind == CONFIG_SEQUENCE && node->count == 0 && !node->refused)
        return;
    if (!load_list(l, f->name, node, "outputs", CONFIG_LIST_MAX))
        return;
    expect->outputs = VX_ARENA_ARRAY(l->arena, struct config_output, node->count);
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *item = &node->items[i];
        struct test_output keys = {0};
        if (!load_rows(l, f->custom, item, &keys))
            continue;
        check_one_value(l, item);
        expect->outputs[expect->output_count++] = (struct config_output){.node = item,
                                                                         .topic = keys.topic,
                                                                         .has_key = keys.key.node != NULL,
                                                                         .key = keys.key.bytes,
                                                                         .headers = keys.headers.at,
                                                                         .header_count = keys.headers.count,
                                                                         .compare = compare_of(item, &keys.value),
                                                                         .value = keys.value.bytes};
    }
}

void load_expected_dead_letter(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct config_expect *expect = base;
    expect->has_dead_letter = true;
    load_rows(l, f->custom, node, base);
}

void load_expect(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct config_expect *expect = (struct config_expect *)((char *)base + f->offset);
    *expect = (struct config_expect){.node = node, .outcome = CONFIG_OUTCOME_ANY};
    if (load_rows(l, f->custom, node, expect) && node->count == 0)
        load_error(l, node, "`expect` is empty: name `rule`, `outcome`, `outputs` or `dead_letter`");
}

void load_cases(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct config_test *test = base;
    if (!load_list(l, f->name, node, "cases", CONFIG_LIST_MAX))
        return;
    test->cases = VX_ARENA_ARRAY(l->arena, struct config_case, node->count);
    for (size_t i = 0; i < node->count; i++) {
        struct config_case *c = &test->cases[test->case_count];
        c->expect.outcome = CONFIG_OUTCOME_ANY;
        if (!load_rows(l, f->custom, &node->items[i], c))
            continue;
        c->node = &node->items[i];
        test->case_count++;
    }
}

void load_test(struct loader *l, const struct config_node *root, struct config_test *test)
{
    const struct config_node *given = config_node_find(root, "given"), *expect = config_node_find(root, "expect");
    const struct config_node *cases = config_node_find(root, "cases");
    if (cases && (given || expect))
        load_error(l, cases, "`cases` cannot stand beside `%s`: it belongs into a case", given ? "given" : "expect");
    else if (!cases && !given && !expect)
        load_error(l, root, "a test needs `cases`, or `given` and `expect`");
    else if (!cases && (!given || !expect))
        load_error(l, root, "a test needs `%s`", given ? "expect" : "given");
    if (!cases && given && expect) {
        test->cases = VX_ARENA_NEW(l->arena, struct config_case);
        test->cases[0] = test->only;
        test->cases[0].name = test->name;
        test->cases[0].node = root;
        test->case_count = 1;
    }
    for (size_t i = 0; i < test->case_count; i++) {
        struct config_case *c = &test->cases[i];
        if (!c->topic)
            c->topic = test->topic;
        if (!c->topic && !config_node_find(c->node, "topic") && !config_node_find(root, "topic"))
            load_error(l, c->node, "a case needs `topic`, in itself or in its document");
    }
}

/* --- checks against the configs --------------------------------------------------------------------------------------- */

static const struct config_node *find_node(const struct config_case *c, const struct config_test *test, const char *key)
{
    const struct config_node *node = config_node_find(c->node, key);
    return node ? node : config_node_find(test->node, key);
}

/* Does an entry of `topics`, a name or a pattern, take the topic? */
static bool takes(const char *entry, const char *topic)
{
    struct vx_err err;
    if (!pattern_is(vx_span_str(entry)))
        return strcmp(entry, topic) == 0;
    if (pattern_check(vx_span_str(entry), &err) != VX_OK)
        return true; /* reported already: who knows what it was to take */
    struct pattern *p = pattern_new(entry);
    bool yes = pattern_takes(p, vx_span_str(topic));
    pattern_free(p);
    return yes;
}

static void check_topic(struct loader *l, const struct check_topic *topics, size_t count,
                        const struct config_test *test, const struct config_case *c)
{
    const struct config_node *node = find_node(c, test, "topic");
    const char **names = VX_ARENA_ARRAY(l->arena, const char *, count);
    if (!c->topic || !node || c->expect.outcome >= 0)
        return; /* an outcome can be `unrouted`; where it is not, running the test says so */
    for (size_t i = 0; i < count; i++) {
        names[i] = topics[i].name;
        if (takes(names[i], c->topic))
            return;
    }
    const char *near = vx_nearest(vx_span_str(c->topic), names, count);
    load_error(l, node, "no routing has the topic `%s`%s%s%s", c->topic, near ? "; did you mean `" : "",
               near ? near : "", near ? "`?" : "");
}

static void check_rule(struct loader *l, const struct config_set *set, const char *wanted,
                       const struct config_node *node)
{
    const char *near = NULL;
    if (!wanted || strcmp(wanted, "otherwise") == 0)
        return;
    for (size_t i = 0; i < set->routing_count; i++) {
        const struct config_routing *r = &set->routings[i];
        const char **names = VX_ARENA_ARRAY(l->arena, const char *, r->rule_count);
        for (size_t k = 0; k < r->rule_count; k++) {
            names[k] = r->rules[k].name;
            if (strcmp(names[k], wanted) == 0)
                return;
        }
        near = near ? near : vx_nearest(vx_span_str(wanted), names, r->rule_count);
    }
    load_error(l, node, "there is no rule `%s`%s%s%s", wanted, near ? "; did you mean `" : "", near ? near : "",
               near ? "`?" : "");
}

static void check_rule_names(struct loader *l, const struct config_set *set, const struct config_expect *expect)
{
    const struct config_node *rules = config_node_find(expect->node, "rules");
    check_rule(l, set, expect->rule, config_node_find(expect->node, "rule"));
    for (size_t i = 0, item = 0; i < expect->rule_count; i++, item++) {
        while (item < rules->count && !vx_span_is(rules->items[item].text, expect->rules[i]))
            item++; /* one that was refused */
        check_rule(l, set, expect->rules[i], &rules->items[item]);
    }
}

static void check_twice(struct loader *l, const struct config_test *test)
{
    for (size_t i = 1; i < test->case_count; i++)
        for (size_t k = 0; k < i && test->cases[i].name; k++) {
            if (!test->cases[k].name || strcmp(test->cases[i].name, test->cases[k].name) != 0)
                continue;
            load_error(l, config_node_find(test->cases[i].node, "name"), "case `%s` is defined twice; first on line %d",
                       test->cases[i].name, test->cases[k].node->line);
            break;
        }
}

void check_tests(struct loader *l, const struct config_set *set)
{
    size_t count;
    if (set->test_count == 0)
        return;
    const struct check_topic *topics = check_topics(l->arena, set, &count);
    for (size_t i = 0; i < set->test_count; i++) {
        const struct config_test *test = &set->tests[i];
        for (size_t k = 0; k < i; k++) {
            if (strcmp(set->tests[k].name, test->name) != 0)
                continue;
            load_error(l, config_node_find(test->node, "name"), "test `%s` is defined twice; first in %s:%d",
                       test->name, set->tests[k].node->file->path, set->tests[k].node->line);
            break;
        }
        check_twice(l, test);
        for (size_t k = 0; k < test->case_count; k++) {
            check_topic(l, topics, count, test, &test->cases[k]);
            if (test->cases[k].expect.node)
                check_rule_names(l, set, &test->cases[k].expect);
        }
    }
}
