/* The difference of two releases, as an operator reads it. */
#include "core/config/diff.h"
#include "help.h"

static const char base[] = "kind: routing\nname: r\ntopics: [a, b]\nrules:\n"
                           "  - { name: one, when: 'event.x == 1', pipeline: p }\n"
                           "  - { name: two, when: 'event.x == 2', drop: true }\n"
                           "  - { name: three, when: 'event.x == 3', pipelines: [p, q] }\n"
                           "otherwise: { pipeline: q }\n"
                           "---\nkind: processing\nname: p\nstages:\n  - filter: event.n > 0\n  - set: { event.a: 1, "
                           "headers.h: x }\n  - emit: { topic: out }\n"
                           "---\nkind: processing\nname: q\nstages:\n  - emit: { topic: archive }\n";

/* `base` with every `from` replaced by `to` (pairs, ended by NULL); the caller frees it. */
static char *edit(const char *const *pairs)
{
    struct vx_buf text = {0};
    vx_buf_str(&text, base);
    for (; pairs[0]; pairs += 2) {
        struct vx_buf out = {0};
        const char *at = vx_buf_text(&text), *found = strstr(at, pairs[0]);
        if (!found)
            fail_msg("no %s", pairs[0]);
        vx_buf_add(&out, at, (size_t)(found - at));
        vx_buf_str(&out, pairs[1]);
        vx_buf_str(&out, found + strlen(pairs[0]));
        vx_buf_done(&text);
        text = out;
    }
    return vx_buf_take(&text);
}

static void expect(const char *before, const char *after, const char *expected)
{
    struct config_set *a = before ? load_good(before) : NULL, *b = after ? load_good(after) : NULL;
    struct config_diff diff;
    struct vx_buf text = {0};
    config_diff(a, b, &diff);
    config_diff_print(&diff, &text, false);
    assert_string_equal(vx_buf_text(&text), expected);
    vx_buf_done(&text);
    config_diff_done(&diff);
    config_set_free(a);
    config_set_free(b);
}

struct diff_case {
    const char *pairs[7];
    const char *expected;
};

static void changes_are_named_by_config_rule_and_key(void **state)
{
    (void)state;
    static const struct diff_case cases[] = {
        {{"event.x == 1", "event.x == 10"}, "  routing r\n  ~ rules[one].when: event.x == 1 → event.x == 10\n"},
        {{"  - { name: two, when: 'event.x == 2', drop: true }\n", ""},
         "  routing r\n  - rules[two]: when event.x == 2 → drop\n"},
        {{"  - { name: two,",
          "  - { name: new, when: 'event.x == 9', pipelines: [p, q], enabled: false }\n  - { name: two,"},
         "  routing r\n  + rules[new]: when event.x == 9 → pipelines [p, q] (not enabled)\n"},
        {{"pipeline: p }", "drop: true }"}, "  routing r\n  - rules[one].pipeline: p\n  + rules[one].drop: true\n"},
        {{"[p, q]", "[q]"}, "  routing r\n  - rules[three].pipelines: p\n"},
        {{"topics: [a, b]", "topics: [b, c]"}, "  routing r\n  - topics: a\n  + topics: c\n"},
        {{"otherwise: { pipeline: q }", "otherwise: { pipeline: p }"}, "  routing r\n  ~ otherwise.pipeline: q → p\n"},
        {{"topics: [a, b]", "topics: [a, b]\nstart: latest\nowner: me\ndead_letter: dlq"},
         "  routing r\n  + owner: me\n  ~ start: earliest → latest\n  + dead_letter: dlq\n"},
        {{"topics: [a, b]", "topics: [b, c]\ndelivery: exactly_once"},
         "  routing r\n  - topics: a\n  + topics: c\n  ~ delivery: at_least_once → exactly_once\n  ! topics[b]: "
         "at_least_once → exactly_once (each partition is drained before it changes)\n"},
        {{"event.n > 0", "event.n > 1"}, "  processing p\n  ~ stages[1].filter: event.n > 0 → event.n > 1\n"},
        {{"event.a: 1,", "event.a: \"1\", event.b: [x, {y: 1}],"},
         "  processing p\n  ~ stages[2].set.event.a: 1 → \"1\"\n  + stages[2].set.event.b: [x, {y: 1}]\n"},
        {{"  - filter: event.n > 0\n", "", "  - emit: { topic: out }\n",
          "  - emit: { topic: out }\n  - filter: event.n > 0\n"},
         "  processing p\n  > stages[3]: place 1 → 3\n"},
        {{"  - filter: event.n > 0\n", "  - remove: [event.z]\n  - filter: event.n > 0\n"},
         "  processing p\n  + stages[1]: {remove: [event.z]}\n"},
        {{"{ topic: out }", "{ topic: \"out-${event.x}\", allow: [\"out-*\"], key: k }"},
         "  processing p\n  ~ stages[3].emit.topic: out → out-${event.x}\n  + stages[3].emit.allow: out-*\n  + "
         "stages[3].emit.key: k\n"},
        {{"name: q\n", "name: q\ndescription: |\n  two\n  lines\n"},
         "  processing q\n  + description: \"two\\nlines\\n\"\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *after = edit(cases[i].pairs);
        expect(base, after, cases[i].expected);
        free(after);
    }
}

static void what_means_the_same_is_no_change(void **state)
{
    (void)state;
    static const struct diff_case cases[] = {
        {{"name: r\n", "name: \"r\" # a comment\n"}, ""},
        {{"topics: [a, b]", "topics:\n  - b\n  - a"}, ""},
        {{"'event.x == 1'", "|\n      event.x\n        ==   1 // one"}, ""},
        {{"pipeline: p }", "pipeline: p, enabled: true }"}, ""},
        {{"name: r\n", "name: r\nstart: earliest\n"}, ""},
        {{"{ event.a: 1, headers.h: x }", "{ 'headers.h': \"x\", event.a: 0x1 }"}, ""},
        {{"[p, q]", "[q, p]"}, ""},
        {{"event.n > 0", "event.n>0"}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* the literal block needs a block mapping around it */
        static const char *const block[] = {
            "  - { name: one, when: 'event.x == 1', pipeline: p }\n",
            "  - name: one\n    when: |\n      event.x\n        ==   1 // one\n    pipeline: p\n", NULL};
        char *after = edit(i == 2 ? block : cases[i].pairs);
        expect(base, after, "");
        free(after);
    }
}

static void blanks_inside_of_quotes_are_a_change(void **state)
{
    (void)state;
    expect("{ kind: routing, name: r, topics: [t], rules: [{ name: a, when: 'topic == \"a b\"', drop: true }], "
           "otherwise: { drop: true } }",
           "{ kind: routing, name: r, topics: [t], rules: [{ name: a, when: 'topic == \"a  b\"', drop: true }], "
           "otherwise: { drop: true } }",
           "  routing r\n  ~ rules[a].when: topic == \"a b\" → topic == \"a  b\"\n");
}

static void a_moved_rule_is_moved_and_nothing_else(void **state)
{
    (void)state;
    static const char *const pairs[] = {"  - { name: one, when: 'event.x == 1', pipeline: p }\n", "", "otherwise",
                                        "  - { name: one, when: 'event.x == 1', pipeline: p }\notherwise", NULL};
    char *after = edit(pairs);
    expect(base, after, "  routing r\n  > rules[one]: place 1 → 3\n");
    free(after);
}

static void as_few_rules_as_possible_are_moved(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        int order[40], count = 40;
        for (int i = 0; i < count; i++)
            order[i] = i;
        int moves = (int)random_below(&seed, 4);
        for (int m = 0; m < moves; m++) {
            int from = (int)random_below(&seed, 40), to = (int)random_below(&seed, 40), item = order[from];
            memmove(order + from, order + from + 1, sizeof *order * (size_t)(count - from - 1));
            memmove(order + to + 1, order + to, sizeof *order * (size_t)(count - to - 1));
            order[to] = item;
        }
        struct vx_buf before = {0}, after = {0};
        vx_buf_str(&before, "kind: routing\nname: r\ntopics: [t]\notherwise: { drop: true }\nrules:\n");
        vx_buf_str(&after, vx_buf_text(&before));
        for (int i = 0; i < count; i++) {
            vx_buf_printf(&before, "  - { name: r%d, when: 'event.x == %d', drop: true }\n", i, i);
            vx_buf_printf(&after, "  - { name: r%d, when: 'event.x == %d', drop: true }\n", order[i], order[i]);
        }
        struct config_set *a = load_good(vx_buf_text(&before)), *b = load_good(vx_buf_text(&after));
        struct config_diff diff;
        config_diff(a, b, &diff);
        assert_true(diff.count <= (size_t)moves);
        for (size_t i = 0; i < diff.count; i++)
            assert_int_equal(diff.changes[i].kind, CONFIG_MOVED);
        config_diff_done(&diff);
        config_set_free(a);
        config_set_free(b);
        vx_buf_done(&before);
        vx_buf_done(&after);
    }
}

static void configs_come_and_go(void **state)
{
    (void)state;
    expect(NULL, "kind: fleet\nname: f\n", "+ fleet f (test.yaml)\n");
    expect("kind: fleet\nname: f\n", NULL, "- fleet f (test.yaml)\n");
    expect("kind: fleet\nname: f\n", "kind: fleet\nname: g\n", "- fleet f (test.yaml)\n+ fleet g (test.yaml)\n");
    expect(NULL, NULL, "");
}

static void a_topic_that_begins_to_be_parsed_is_said(void **state)
{
    (void)state;
    static const char bytes[] = "{ kind: routing, name: r, topics: [t], rules: [{ name: a, when: 'headers.x == \"1\"', "
                                "drop: true }], otherwise: { drop: true } }";
    static const char json[] = "{ kind: routing, name: r, topics: [t], rules: [{ name: a, when: 'event.x == \"1\"', "
                               "drop: true }], otherwise: { drop: true } }";
    expect(bytes, json,
           "  routing r\n  ~ rules[a].when: headers.x == \"1\" → event.x == \"1\"\n"
           "  ! topics[t]: any bytes → JSON (its values must be JSON from now on; others go to the dead letter)\n");
    expect(json, bytes,
           "  routing r\n  ~ rules[a].when: event.x == \"1\" → headers.x == \"1\"\n"
           "  ! topics[t]: JSON → any bytes (its values are no longer looked into)\n");
}

static void hand_overs_and_match_are_keys_like_others(void **state)
{
    (void)state;
#define BELOW(when)                                                                                                    \
    "{ kind: routing, name: below, otherwise: { drop: true }, rules: [{ name: b, when: '" when "', drop: true }] }"
    static const char bytes[] = "{ kind: routing, name: r, topics: [t], rules: [{ name: a, routing: below }], "
                                "otherwise: { drop: true } }\n---\n" BELOW("headers.x == \"1\"");
    static const char json[] = "{ kind: routing, name: r, topics: [t], rules: [{ name: a, routing: below }], "
                               "otherwise: { drop: true } }\n---\n" BELOW("event.x == \"1\"");
    static const char all[] = "{ kind: routing, name: r, topics: [t], match: all, rules: [{ name: a, drop: true }], "
                              "otherwise: { drop: true } }";
    static const char first[] =
        "{ kind: routing, name: r, topics: [t], match: first, rules: [{ name: a, drop: true }], "
        "otherwise: { drop: true } }";
    static const char unsaid[] = "{ kind: routing, name: r, topics: [t], rules: [{ name: a, drop: true }], "
                                 "otherwise: { drop: true } }";
    /* a topic of a routing that did not change itself */
    expect(bytes, json,
           "  routing below\n  ~ rules[b].when: headers.x == \"1\" → event.x == \"1\"\n"
           "  routing r\n"
           "  ! topics[t]: any bytes → JSON (its values must be JSON from now on; others go to the dead letter)\n");
    expect(unsaid, all, "  routing r\n  ~ match: first → all\n");
    expect(all, first, "  routing r\n  ~ match: all → first\n");
    expect(first, unsaid, "");
    expect(unsaid, bytes,
           "+ routing below (test.yaml)\n"
           "  routing r\n  - rules[a].drop: true\n  + rules[a].routing: below\n");
}

static void long_values_stand_below_each_other(void **state)
{
    (void)state;
    expect("{ kind: fleet, name: f, description: 'A fleet whose description is so long that two of them do not fit on "
           "a line' }",
           "{ kind: fleet, name: f, description: 'Another description that is also so long that two do not fit on one "
           "line' }",
           "  fleet f\n  ~ description:\n      - A fleet whose description is so long that two of them do not fit on a "
           "line\n"
           "      + Another description that is also so long that two do not fit on one line\n");
}

static void a_value_speaks_to_no_terminal(void **state)
{
    (void)state;
    expect("{ kind: routing, name: r, topics: [t], rules: [{ name: a, when: \"event.x == '\\e[2J'\", drop: true }], "
           "otherwise: { drop: true } }",
           "{ kind: routing, name: r, topics: [t], rules: [{ name: a, when: \"event.x == '\\x9b2J'\", drop: true }], "
           "otherwise: { drop: true } }",
           "  routing r\n  ~ rules[a].when: event.x == '?[2J' → event.x == '?2J'\n");
}

static void unified(const char *before, const char *after, const char *expected)
{
    struct config_set *a = before ? load_good(before) : NULL, *b = after ? load_good(after) : NULL;
    struct vx_buf text = {0};
    config_diff_unified(a, b, &text);
    assert_string_equal(vx_buf_text(&text), expected);
    vx_buf_done(&text);
    config_set_free(a);
    config_set_free(b);
}

static void the_unified_diff_is_the_classic_one(void **state)
{
    (void)state;
    unified("kind: fleet\nname: f\n", "kind: fleet\nname: f\n", "");
    unified(NULL, "kind: fleet\nname: f\n",
            "--- /dev/null\n+++ b/test.yaml\n@@ -0,0 +1,2 @@\n+kind: fleet\n+name: f\n");
    unified("kind: fleet\nname: f\n", NULL,
            "--- a/test.yaml\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-kind: fleet\n-name: f\n");
    unified(
        "kind: fleet\n# 1\n# 2\n# 3\n# 4\nname: f\n# 5\n# 6\n# 7\n# 8\n# 9\n# 10\n# 11\n# 12\nowner: me\n",
        "kind: fleet\n# 1\n# 2\n# 3\n# 4\nname: f\nprovenance: none\n# 5\n# 6\n# 7\n# 8\n# 9\n# 10\n# 11\n# 12\nowner: "
        "you\n",
        "--- a/test.yaml\n+++ b/test.yaml\n@@ -4,6 +4,7 @@\n # 3\n # 4\n name: f\n+provenance: none\n # 5\n # 6\n # 7\n"
        "@@ -12,4 +13,4 @@\n # 10\n # 11\n # 12\n-owner: me\n+owner: you\n");
}

/* Applies a unified diff of one document to its lines; what `patch` would do. */
static void apply(const char *before, const char *diff, struct vx_buf *out)
{
    int line = 1;
    while (*diff && strncmp(diff, "@@", 2) != 0)
        diff = strchr(diff, '\n') + 1;
    while (*diff) {
        const char *end = strchr(diff, '\n');
        if (diff[0] == '@') {
            int from = atoi(diff + 4);
            for (; line < from && *before; line++) {
                const char *stop = strchr(before, '\n') + 1;
                vx_buf_add(out, before, (size_t)(stop - before));
                before = stop;
            }
        } else {
            if (diff[0] != '+') {
                assert_int_equal(strncmp(before, diff + 1, (size_t)(end - diff)), 0);
                before = strchr(before, '\n') + 1;
                line++;
            }
            if (diff[0] != '-')
                vx_buf_add(out, diff + 1, (size_t)(end - diff));
        }
        diff = end + 1;
    }
    vx_buf_str(out, before);
}

static void the_unified_diff_applies(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 300; round++) {
        struct vx_buf before = {0}, after = {0}, diff = {0}, applied = {0};
        vx_buf_str(&before, "kind: fleet\n");
        vx_buf_str(&after, "kind: fleet\n");
        for (int i = 0; i < 60; i++) {
            uint32_t what = random_below(&seed, 12);
            int number = (int)random_below(&seed, 5);
            if (what != 0)
                vx_buf_printf(&before, "# %d\n", number);
            if (what != 1)
                vx_buf_printf(&after, "# %d\n", what == 2 ? number + 100 : number);
        }
        vx_buf_str(&before, "name: f\n");
        vx_buf_str(&after, "name: f\n");
        struct config_set *a = load_good(vx_buf_text(&before)), *b = load_good(vx_buf_text(&after));
        config_diff_unified(a, b, &diff);
        apply(vx_buf_text(&before), vx_buf_text(&diff), &applied);
        assert_string_equal(vx_buf_text(&applied), vx_buf_text(&after));
        config_set_free(a);
        config_set_free(b);
        vx_buf_done(&before);
        vx_buf_done(&after);
        vx_buf_done(&diff);
        vx_buf_done(&applied);
    }
}

static void texts_that_have_nothing_in_common_are_replaced(void **state)
{
    (void)state;
    struct vx_buf before = {0}, after = {0}, diff = {0}, applied = {0};
    vx_buf_str(&before, "kind: fleet\nname: f\n");
    vx_buf_str(&after, "kind: fleet\nname: f\n");
    for (int i = 0; i < 20000; i++) {
        vx_buf_printf(&before, "# a%d\n", i);
        vx_buf_printf(&after, "# b%d\n", i);
    }
    struct config_set *a = load_good(vx_buf_text(&before)), *b = load_good(vx_buf_text(&after));
    config_diff_unified(a, b, &diff);
    apply(vx_buf_text(&before), vx_buf_text(&diff), &applied);
    assert_string_equal(vx_buf_text(&applied), vx_buf_text(&after));
    config_set_free(a);
    config_set_free(b);
    vx_buf_done(&before);
    vx_buf_done(&after);
    vx_buf_done(&diff);
    vx_buf_done(&applied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_named_by_config_rule_and_key),
        cmocka_unit_test(what_means_the_same_is_no_change),
        cmocka_unit_test(blanks_inside_of_quotes_are_a_change),
        cmocka_unit_test(a_moved_rule_is_moved_and_nothing_else),
        cmocka_unit_test(as_few_rules_as_possible_are_moved),
        cmocka_unit_test(configs_come_and_go),
        cmocka_unit_test(a_topic_that_begins_to_be_parsed_is_said),
        cmocka_unit_test(hand_overs_and_match_are_keys_like_others),
        cmocka_unit_test(long_values_stand_below_each_other),
        cmocka_unit_test(a_value_speaks_to_no_terminal),
        cmocka_unit_test(the_unified_diff_is_the_classic_one),
        cmocka_unit_test(the_unified_diff_applies),
        cmocka_unit_test(texts_that_have_nothing_in_common_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
