/* The rule index finds exactly the rules that trying one after the other finds. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/plan/index/index.h"
#include "core/plan/match.h"
#include "core/plan/run.h"
#include "index_case.h"

/* VELTRIX_INDEX_CASES=n asks for more than what fits a test run. */
enum { CASES = 2000000, EVENTS = 100 };

static void the_index_finds_what_the_loop_finds(void **state)
{
    (void)state;
    const char *wanted = getenv("VELTRIX_INDEX_CASES");
    uint64_t cases = 0, limit = wanted ? strtoull(wanted, NULL, 10) : CASES;
    struct vx_buf report = {0};
    for (uint64_t seed = 1; cases < limit; seed++) {
        struct index_draw draw = {.seed = seed * 0x9e3779b97f4a7c15ull | 1};
        uint32_t rules = seed % 50 == 0 ? 300 : seed % 5 == 0 ? 60 : 12;
        if (!index_case_run(&draw, rules, EVENTS, &report, &cases))
            fail_msg("seed %llu: %s", (unsigned long long)seed, vx_buf_text(&report));
    }
    vx_buf_done(&report);
}

static void the_same_expression_is_evaluated_once(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "event.a + 1 == 2 && event.b == 1",        "event.a + 1 == 2 && event.b == 2",
        "event.a + 1 == 2 && event.b == 3",        "event.a + 1 == 2 && event.b == 4",
        "event.a + 1 == 2 ? false : event.b == 5",
    };
    struct table *t = table_of_conditions(conditions, 5, false);
    assert_int_equal(t->routes[0].index->group.test_count, 1);
    table_unref(t);
}

/* Steps that deciding one event took. */
static uint64_t steps_of(const struct table *t, const char *value, const char *rule)
{
    struct decider *d = decider_new();
    struct decision out = decide_value(d, t, vx_span_str(value));
    assert_string_equal(t->rules[out.rule].name, rule);
    uint64_t steps = DECIDE_STEPS_MAX - d->steps_left;
    decider_free(d);
    return steps;
}

static void what_one_routing_has_found_out_the_next_one_knows(void **state)
{
    (void)state;
    struct table *alone = table_of("kind: routing\nname: r\ntopics: [in]\nrules:\n"
                                   "  - { name: no, when: event.a + 1 == 2 && event.b == 2, drop: true }\n"
                                   "  - { name: one, when: event.a + 1 == 2 && event.b == 3, drop: true }\n"
                                   "  - { name: two, when: event.b > 7, drop: true }\n"
                                   "  - { name: won, when: event.a + 1 == 2 && event.b == 1, drop: true }\n"
                                   "otherwise: { drop: true }\n");
    struct table *both = table_of("kind: routing\nname: r\ntopics: [in]\nrules:\n"
                                  "  - { name: no, when: event.a + 1 == 2 && event.b == 2, drop: true }\n"
                                  "  - { name: over, when: event.a + 1 == 2 && event.b == 1, routing: s }\n"
                                  "otherwise: { drop: true }\n---\n"
                                  "kind: routing\nname: s\nrules:\n"
                                  "  - { name: one, when: event.a + 1 == 2 && event.b == 3, drop: true }\n"
                                  "  - { name: two, when: event.b > 7, drop: true }\n"
                                  "  - { name: won, when: event.a + 1 == 2 && event.b == 1, drop: true }\n"
                                  "otherwise: { drop: true }\n");
    assert_int_equal(both->routes[0].index->group.test_count, 1);
    assert_ptr_equal(both->routes[0].index->group.tests, both->routes[1].index->group.tests);
    static const char value[] = "{\"a\":1,\"b\":1}";
    assert_true(steps_of(alone, value, "won") > 0);
    assert_int_equal(steps_of(both, value, "won"), steps_of(alone, value, "won"));
    table_unref(alone);
    table_unref(both);
}

/* Two topics' routings hand over to a third, one of them twice and to a fourth: each answers for itself, whatever the
 * others have asked of the event. */
static void routings_that_share_what_they_know_answer_for_themselves(void **state)
{
    (void)state;
    struct table *t = table_of("kind: routing\nname: a\ntopics: [in]\nmatch: all\nrules:\n"
                               "  - { name: a1, when: event.a > 1 && event.b + 1 > 2, routing: c }\n"
                               "  - { name: a2, when: event.s.startsWith('x'), drop: true }\n"
                               "  - { name: a3, when: event.b == 2 || event.b + 1 > 2, routing: c }\n"
                               "  - { name: a4, when: event.a == 1, routing: d }\n"
                               "otherwise: { drop: true }\n---\n"
                               "kind: routing\nname: b\ntopics: [other]\nrules:\n"
                               "  - { name: b1, when: event.a > 0 && event.s == 'x', routing: c }\n"
                               "  - { name: b2, when: event.b + 1 > 2, routing: d }\n"
                               "  - { name: b3, when: 'event.s > \"m\"', drop: true }\n"
                               "otherwise: { drop: true }\n---\n"
                               "kind: routing\nname: c\nrules:\n"
                               "  - { name: c1, when: 'event.b + 1 > 2 && event.a in [1, 3]', drop: true }\n"
                               "  - { name: c2, when: event.s.contains('y') || event.a > 2, drop: true }\n"
                               "  - { name: c3, routing: d }\n"
                               "otherwise: { drop: true }\n---\n"
                               "kind: routing\nname: d\nmatch: all\nrules:\n"
                               "  - { name: d1, when: event.s.startsWith('x'), drop: true }\n"
                               "  - { name: d2, when: event.b + 1 > 2, drop: true }\n"
                               "  - { name: d3, when: event.a > 2, drop: true }\n"
                               "otherwise: { drop: true }\n");
    static const char *const texts[] = {"x", "xy", "y", "n", ""};
    struct decider *d = decider_new();
    struct match_index *indexes[4];
    for (int i = 0; i < 2 * 5 * 5 * 5; i++) {
        char value[64];
        uint32_t rules[32];
        struct cel_event ev = {.topic = i % 2 ? VX_SPAN_LITERAL("in") : VX_SPAN_LITERAL("other")};
        snprintf(value, sizeof value, "{\"a\":%d,\"b\":%d,\"s\":\"%s\"}", i / 2 % 5, i / 10 % 5, texts[i / 50]);
        ev.value = vx_span_str(value);
        struct decision out;
        decide(d, t, &ev, &out);
        size_t count = out.rule_count;
        assert_in_range(count, 1, 32);
        for (size_t k = 0; k < count; k++)
            rules[k] = out.rules[k].rule;
        for (size_t k = 0; k < 4; k++) {
            indexes[k] = t->routes[k].index;
            assert_non_null(indexes[k]);
            t->routes[k].index = NULL;
        }
        decide(d, t, &ev, &out);
        for (size_t k = 0; k < 4; k++)
            t->routes[k].index = indexes[k];
        assert_int_equal(out.rule_count, count);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(out.rules[k].rule, rules[k]);
    }
    decider_free(d);
    table_unref(t);
}

/* A group whose conditions ask nothing has no literals at all. */
static void conditions_that_ask_nothing_are_filed(void **state)
{
    (void)state;
    static const char *const conditions[] = {"false", "1 == 2", "true", "2 > 1"};
    struct table *t = table_of_conditions(conditions, 4, true);
    struct decider *d = decider_new();
    struct decision out = decide_value(d, t, VX_SPAN_LITERAL("{}"));
    assert_int_equal(out.rule_count, 2);
    assert_int_equal(out.rules[0].rule, 2);
    decider_free(d);
    table_unref(t);
}

/* What a rule's program has just said is not asked again, however much ran before. */
static void a_condition_that_is_one_program_is_evaluated_once(void **state)
{
    (void)state;
    struct vx_buf value = {0};
    vx_buf_str(&value, "{\"l\":[0");
    for (int i = 0; i < 40000; i++)
        vx_buf_str(&value, ",1");
    vx_buf_str(&value, "]}");
    uint64_t steps[2];
    for (int all = 0; all < 2; all++) {
        static const char *const conditions[] = {
            "event.l.map(x, x + 1).size() > 1", "event.l.map(x, x + 2).size() > 1", "event.l.map(x, x + 3).size() > 1",
            "event.l.map(x, x + 4).size() > 1", "event.l.map(x, x + 5).size() > 1", "event.l.map(x, x + 6).size() > 1",
        };
        struct table *t = table_of_conditions(conditions, 6, all);
        struct decider *d = decider_new();
        struct decision out = decide_value(d, t, vx_buf_view(&value));
        assert_int_equal(out.rule_count, all ? 6 : 1);
        steps[all] = DECIDE_STEPS_MAX - d->steps_left;
        decider_free(d);
        table_unref(t);
    }
    assert_true(steps[0] > 0);
    assert_int_equal(steps[1], 6 * steps[0]);
    vx_buf_done(&value);
}

static void a_condition_that_exhausts_its_budget_is_false_in_both(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "event.s.contains(\"x0\") || event.s.contains(\"x1\") || event.s.contains(\"x2\") || event.s.contains(\"x3\") "
        "|| "
        "event.s.contains(\"x4\") || event.s.contains(\"x5\") || event.s.contains(\"x6\") || event.s.contains(\"x7\") "
        "|| "
        "event.a == 1",
        "event.a == 2",
        "event.a == 3",
        "event.a in [1, 4]",
        "event.a == 5",
    };
    struct table *t = table_of_conditions(conditions, 5, false);
    struct decider *d = decider_new();
    struct vx_buf value = {0};
    vx_buf_str(&value, "{\"a\":1,\"s\":\"");
    for (int i = 0; i < 1000000; i++)
        vx_buf_str(&value, "\\n");
    vx_buf_str(&value, "\"}");
    struct decision out = decide_value(d, t, vx_buf_view(&value));
    assert_int_equal(out.rule, 3);
    out = decide_value(d, t, VX_SPAN_LITERAL("{\"a\":1,\"s\":\"\\n\"}"));
    assert_int_equal(out.rule, 0);
    vx_buf_done(&value);
    decider_free(d);
    table_unref(t);
}

static void what_was_known_of_an_event_is_forgotten_when_epochs_begin_again(void **state)
{
    (void)state;
    static const char *const conditions[] = {"event.a == 1", "event.a.contains(\"x\")", "event.l.exists(x, x == 1)",
                                             "event.a + 1 == 3", "event.a > 5"};
    static const struct {
        const char *value;
        uint32_t rule;
    } cases[] = {{"{\"a\":1}", 0},      {"{\"a\":2}", 3}, {"{\"l\":[1]}", 2}, {"{\"l\":[2]}", 5},
                 {"{\"a\":\"xx\"}", 1}, {"{\"a\":6}", 4}, {"{\"a\":3}", 5}};
    struct table *t = table_of_conditions(conditions, 5, false);
    struct json_scanner *scanner = json_scanner_new();
    struct match_scratch *scratch = match_scratch_new();
    struct json_value slots[16];
    struct vx_arena arena = {0};
    assert_true(t->slots.count <= 16);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct cel_event ev = {
                .topic = VX_SPAN_LITERAL("in"), .value = vx_span_str(cases[i].value), .slots = slots};
            struct cel_frame frame = {.event = &ev, .arena = &arena};
            struct match m;
            assert_int_equal(json_scan(scanner, t->routes[0].paths, ev.value, slots, NULL), VX_OK);
            match_begin(&m, scratch, &t->routes[0], &frame);
            assert_int_equal(match_first(&m, &t->routes[0])->number, cases[i].rule);
        }
        scratch->epoch = ((uint32_t)1 << 30) - 4 - (uint32_t)round;
    }
    json_scanner_free(scanner);
    match_scratch_free(scratch);
    vx_arena_done(&arena);
    table_unref(t);
}

/* See decide.h: places, types and expressions, each once. */
static void what_failed_is_counted_once_per_event(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "event.a > 1",      "event.a > 2",
        "event.b == \"x\"", "event.b == \"y\" && event.a < 0",
        "event.a + 1 == 1", "event.s.contains(\"x\")",
    };
    static const struct {
        const char *value;
        uint32_t failed;
    } cases[] = {
        {"{\"a\":1,\"b\":1,\"s\":\"\"}", 0},
        {"{\"a\":\"1\",\"b\":1,\"s\":\"\"}", 2}, /* no number for `>`, none for `+` */
        {"{\"b\":1,\"s\":\"\"}", 0},             /* absence is no failure */
        {"{\"a\":1,\"b\":1,\"s\":1}", 1},
        {"{\"a\":1,\"s\":\"\"}", 0},
    };
    struct table *t = table_of_conditions(conditions, 6, false);
    struct decider *d = decider_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(decide_value(d, t, vx_span_str(cases[i].value)).failed_conditions, cases[i].failed);
    decider_free(d);
    table_unref(t);
}

/* What is found grows with what matches, not with the rules; so does the memory, with the predicates. */
static void many_rules_are_filed_not_listed(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "event.a == %u",
        "event.a > %u",
        "event.a > %u && event.a < 20000",
        "event.s.startsWith(\"p%u\")",
        "event.s.endsWith(\"p%u\")",
        "event.s.contains(\"part%u\")",
        "event.type == \"t\" && event.a >= %u",
        "event.l.exists(x, x.f == %u)",
        "event.l.exists(x, x.f > %u)",
    };
    enum { RULES = 2000 };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        static char texts[RULES][80];
        const char *conditions[RULES];
        for (unsigned k = 0; k < RULES; k++) {
            const char *mark = strstr(shapes[i], "%u");
            snprintf(texts[k], sizeof texts[k], "%.*s%u%s", (int)(mark - shapes[i]), shapes[i], k, mark + 2);
            conditions[k] = texts[k];
        }
        struct table *t = table_of_conditions(conditions, RULES, false);
        const struct match_index *index = t->routes[0].index;
        assert_true(t->indexes.held_bytes < 250 * (size_t)RULES);
        assert_true(index->most_clauses <= 16);
        table_unref(t);
    }
}

/* What can never be the first match is not there, and not looked at. */
static void a_rule_behind_a_wider_one_is_left_out(void **state)
{
    (void)state;
    enum { KEYS = 2, THRESHOLDS = 6 };
    static const struct {
        bool falling, all;
        uint32_t most;
    } cases[] = {{false, false, KEYS}, {true, false, THRESHOLDS}, {false, true, THRESHOLDS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char texts[KEYS * THRESHOLDS][64];
        const char *conditions[KEYS * THRESHOLDS];
        for (int k = 0; k < KEYS * THRESHOLDS; k++) {
            int threshold = cases[i].falling ? THRESHOLDS - k / KEYS : k / KEYS;
            snprintf(texts[k], sizeof texts[k], "event.a == %d && event.b > %d", k % KEYS, threshold);
            conditions[k] = texts[k];
        }
        struct table *t = table_of_conditions(conditions, KEYS * THRESHOLDS, cases[i].all);
        assert_int_equal(t->routes[0].index->most_clauses, cases[i].most);
        table_unref(t);
    }
}

/* Up to four lengths of prefixes are keys; beyond, prefixes are ranges. */
static void prefixes_of_few_lengths_are_keys(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "event.a.startsWith(\"a\")",    "event.a.startsWith(\"bb\")", "event.a.startsWith(\"ccc\")",
        "event.a.startsWith(\"dddd\")", "event.a.startsWith(\"ee\")", "event.a.startsWith(\"fffff\")",
    };
    for (size_t count = 5; count <= 6; count++) {
        struct table *t = table_of_conditions(conditions, count, false);
        const struct match_index *index = t->routes[0].index;
        uint32_t heads = 0;
        for (uint32_t i = 0; i < index->group.subject_count; i++)
            heads += index->group.subjects[i].source == SOURCE_HEAD;
        assert_int_equal(heads, count == 5 ? 4 : 0);
        table_unref(t);
    }
}

/* Short and long strings, numbers and the rest, inside readable bytes and at their end. */
static void a_value_finds_the_constant_that_it_equals(void **state)
{
    (void)state;
    enum { KEYS = 2000, LENGTHS = 40 };
    static struct cel_key keys[KEYS];
    static char bytes[KEYS + LENGTHS];
    struct vx_arena arena = {0};
    const struct vx_span around = vx_span(bytes, sizeof bytes);
    memset(bytes, 'x', sizeof bytes);
    for (uint32_t i = 0; i < sizeof bytes; i += 3)
        bytes[i] = (char)('a' + i % 7);
    for (uint32_t i = 0; i < KEYS; i++) {
        double half = (double)(i / 5) - 200.5;
        keys[i] = i % 5 == 0   ? cel_key_int(i / 5)
                  : i % 5 == 1 ? cel_key_double(half)
                               : cel_key_string(vx_span(bytes + i, i % LENGTHS));
    }
    keys[0] = (struct cel_key){.kind = CEL_KEY_NULL};
    keys[5] = (struct cel_key){.kind = CEL_KEY_TRUE};
    for (uint32_t known = 1; known <= KEYS; known = known == 1 ? 20 : 10 * known) {
        static struct cel_key sorted[KEYS];
        memcpy(sorted, keys, sizeof keys);
        uint32_t count = cel_keys_sort(sorted, known);
        struct index_ids ids = index_ids_new(&arena, sorted, count);
        for (uint32_t i = 0; i < KEYS; i++) {
            uint32_t wanted = INDEX_NO_ID;
            for (uint32_t k = 0; k < count; k++)
                wanted = cel_key_equal(&sorted[k], &keys[i]) ? k + 1 : wanted;
            assert_int_equal(index_ids_find(&ids, &keys[i], around), wanted);
            assert_int_equal(index_ids_find(&ids, &keys[i], (struct vx_span){0}), wanted);
        }
    }
    vx_arena_done(&arena);
}

/* Whatever the bytes: the words of a text, lower-cased, are the words of the text in lower case. */
static void capitals_are_found_as_small_letters(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    for (int byte = 0; byte < 256; byte++) {
        for (size_t len = 1; len <= INDEX_WORD_BYTES; len++) {
            char written[INDEX_WORD_BYTES + 1] = "Az@[`{\x80\xc1\xdaZaMm09", small[INDEX_WORD_BYTES];
            written[len - 1] = (char)byte;
            for (size_t i = 0; i < len; i++)
                small[i] = written[i] >= 'A' && written[i] <= 'Z' ? (char)(written[i] + 'a' - 'A') : written[i];
            struct cel_key key = cel_key_string(vx_span(written, len)), constant = cel_key_string(vx_span(small, len));
            struct index_ids ids = index_ids_new(&arena, &constant, 1);
            assert_int_equal(index_ids_find_lower(&ids, &key, vx_span(written, sizeof written)), 1);
            assert_int_equal(index_ids_find_lower(&ids, &key, (struct vx_span){0}), 1);
        }
        vx_arena_reset(&arena, 1 << 20);
    }
    vx_arena_done(&arena);
}

/* One place is asked for equalities, parts and ranges, in whichever order. */
static void lower_case_is_compared_in_every_way(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "event.a.lowerAscii() == \"abc\"",
        "event.a.lowerAscii() == \"more than sixteen bytes\"",
        "event.a.lowerAscii().startsWith(\"pre\")",
        "event.a.lowerAscii().endsWith(\"end\")",
        "event.a.lowerAscii().contains(\"mid\")",
        "event.a.lowerAscii() >= \"x\" && event.a.lowerAscii() < \"y\"",
        "headers.h.lowerAscii() == \"abc\"",
        "key.lowerAscii() in [\"k\", \"more than sixteen bytes\"]",
        "event.a == \"PLAIN\"",
        "event.a.lowerAscii() != \"last\"",
    };
    static const struct {
        const char *value, *header, *key;
        uint32_t rule; /* 10: none; the place is not there, or no text */
    } cases[] = {
        {"{\"a\":\"aBc\"}", "", "", 0},
        {"{\"a\":\"\\u0041BC\"}", "", "", 0},
        {"{\"a\":\"MORE than Sixteen bytes\"}", "", "", 1},
        {"{\"a\":\"Prefix\"}", "", "", 2},
        {"{\"a\":\"PREFIX OF MORE THAN SIXTEEN\"}", "", "", 2},
        {"{\"a\":\"The End\"}", "", "", 3},
        {"{\"a\":\"aMidst\"}", "", "", 4},
        {"{\"a\":\"XY\"}", "", "", 5},
        {"{\"a\":\"LAST\"}", "ABC", "", 6},
        {"{}", "aBC", "K", 6},
        {"{\"a\":1}", "", "More Than Sixteen Bytes", 7},
        {"{\"a\":1}", "", "K", 7},
        {"{\"a\":\"PLAIN\"}", "", "", 8},
        {"{\"a\":\"other\"}", "", "", 9},
        {"{\"a\":\"Last\"}", "", "", 10},
        {"{\"a\":[\"abc\"]}", "", "", 10},
        {"{}", "", "", 10},
    };
    struct table *t = table_of_conditions(conditions, 10, false);
    struct decider *d = decider_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cel_header header = {VX_SPAN_LITERAL("h"), vx_span_str(cases[i].header)};
        struct cel_event ev = {.topic = VX_SPAN_LITERAL("in"),
                               .value = vx_span_str(cases[i].value),
                               .key = vx_span_str(cases[i].key),
                               .headers = &header,
                               .header_count = 1};
        struct decision out;
        decide(d, t, &ev, &out);
        assert_int_equal(out.rule, cases[i].rule);
    }
    decider_free(d);
    table_unref(t);
}

/* So many positions, evenly spread, lead to these nodes: those above a leaf that one of them is in, each once. */
static void climb_from(const struct index_access *access, uint32_t end, uint32_t step)
{
    uint32_t nodes = 2 * (access->mask + 1), count = 0, visits = 0;
    uint32_t *positions = calloc(end, sizeof *positions);
    bool *wanted = calloc(nodes, sizeof *wanted);
    assert_true(positions != NULL && wanted != NULL);
    for (uint32_t position = step / 2; position < end; position += step) {
        positions[count++] = position;
        uint32_t segment = index_first_from(access->keys, 0, access->count, position + 1);
        bool inside = segment > 0 && segment < access->count;
        for (uint32_t at = inside ? access->mask + segment : 0; at > 0; at /= 2)
            wanted[at] = true;
    }
    struct index_climb climb = {.access = access, .positions = {positions, count}};
    for (uint32_t at = index_climb_next(&climb); at > 0; at = index_climb_next(&climb)) {
        assert_in_range(at, 1, nodes - 1);
        assert_true(wanted[at]); /* and for the first time */
        wanted[at] = false;
        visits++;
    }
    for (uint32_t at = 0; at < nodes; at++)
        assert_false(wanted[at]);
    assert_in_range(visits, 0, nodes);
    free(positions);
    free(wanted);
}

/* Ten thousand elements under ten thousand ranges: once per node, not once per element and node. */
static void elements_in_ranges_visit_each_node_once(void **state)
{
    (void)state;
    enum { RULES = 10000 };
    static const uint32_t steps[] = {1, 2, 3, 7, 100, 1000, 19999, 30000};
    static char texts[RULES][96];
    static const char *conditions[RULES];
    for (uint32_t i = 0; i < RULES; i++) {
        snprintf(texts[i], sizeof texts[i], "event.l.exists(x, x %c %u)", i % 2 ? '<' : '>', i);
        conditions[i] = texts[i];
    }
    struct table *t = table_of_conditions(conditions, RULES, true);
    const struct match_index *index = t->routes[0].index;
    const uint32_t *root = &index->group.words[index->roots[0]];
    assert_int_equal(root[1], 1);
    const struct index_access *access = &index->group.accesses[root[2]];
    assert_int_equal(access->kind, ACCESS_AMONG);
    const struct index_bounds *bounds = &index->group.subjects[access->subjects[0]].bounds;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        climb_from(access, 2 * bounds->numbers + 1, steps[i]);

    struct vx_buf value = {0};
    vx_buf_str(&value, "{\"l\":[");
    for (uint32_t i = 1000; i > 0; i--) /* backwards; many a one is there twice */
        vx_buf_printf(&value, "%u%s", i < 100 ? i / 2 * 2 + 1 : i, i == 1 ? "]}" : ",");
    struct decider *d = decider_new();
    assert_int_equal(decide_value(d, t, vx_buf_view(&value)).rule_count, 500 + RULES / 2 - 1);
    assert_int_equal(decide_value(d, t, VX_SPAN_LITERAL("{\"l\":[5001]}")).rule_count, RULES / 2);
    assert_int_equal(decide_value(d, t, VX_SPAN_LITERAL("{\"l\":[1,-5,99999]}")).rule_count, RULES);
    vx_buf_done(&value);
    decider_free(d);
    table_unref(t);
}

/* Of as many paths as there are rules an element has a few, and those are looked up; also among many members. */
static void members_of_elements_are_looked_up(void **state)
{
    (void)state;
    enum { RULES = 3000, MEMBERS = 30000, INDEXES = 3 };
    static char texts[RULES][64];
    static const char *conditions[RULES];
    static const struct {
        const char *value;
        uint32_t rule;
    } cases[] = {
        {"{\"l\":[{\"k7\":1,\"k2000\":2000}]}", 2000},
        {"{\"l\":[{\"k2000\":2000},{\"k9\":9}]}", 9},
        {"{\"l\":[{\"k2000\":2000,\"k2000\":0}]}", RULES},
        {"{\"l\":[{\"k2000\":0,\"k\\u00320\\u00300\":2000}]}", 2000},
        {"{\"l\":[[8,1]]}", 1},
        {"{\"l\":[[8,2,8,0]]}", RULES},
        {"{\"l\":[[8,8,8,8,8,8,8,8,2]]}", 2},
        {"{\"l\":[[0,1,8,8,8,8,8,8,2],{\"k0\":0}]}", 0},
        {"{\"l\":[\"k7\",7,null]}", RULES},
        {"{\"l\":{\"k7\":7}}", RULES},
    };
    for (uint32_t i = 0; i < RULES; i++) {
        if (i < INDEXES)
            snprintf(texts[i], sizeof texts[i], "event.l.exists(x, x[%u] == %u)", i * i * i, i);
        else
            snprintf(texts[i], sizeof texts[i], "event.l.exists(x, x.k%u == %u)", i, i);
        conditions[i] = texts[i];
    }
    struct table *t = table_of_conditions(conditions, RULES, false);
    struct decider *d = decider_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(decide_value(d, t, vx_span_str(cases[i].value)).rule, cases[i].rule);
    struct vx_buf value = {0};
    vx_buf_str(&value, "{\"l\":[{\"a\":0");
    for (uint32_t i = 0; i < MEMBERS; i++)
        vx_buf_printf(&value, ",\"k%u\":%u", i, i < 500 ? 0 : i);
    vx_buf_str(&value, "}]}");
    assert_int_equal(decide_value(d, t, vx_buf_view(&value)).rule, 500);
    vx_buf_done(&value);
    decider_free(d);
    table_unref(t);
}

static size_t count_programs(const char *condition)
{
    const char *conditions[] = {condition, "event.z == 1", "event.z == 2", "event.z == 3", "event.z == 4"};
    struct table *t = table_of_conditions(conditions, 5, true);
    const struct match_index *index = t->routes[0].index;
    size_t programs = 0;
    for (uint32_t i = 0; i < index->group.test_count; i++)
        programs += index->group.tests[i].program != NULL;
    table_unref(t);
    return programs;
}

static void what_can_be_looked_up_needs_no_program(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        size_t programs;
    } cases[] = {
        {"event.a == 1 && event.b.c[\"d e\"][0] != \"x\"", 0},
        {"1u < event.a && !(event.a >= 2.5)", 0},
        {"event.a in [1, \"x\", null, true] || !(event.b in [2])", 0},
        {"event.flag && !event.other", 0},
        {"event.a.startsWith(\"x\") || event.a.endsWith(\"y\") || !event.a.contains(\"z\")", 0},
        {"event.a.matches(\"^abc\") || event.a.matches(\"abc$\") || event.a.matches(\"^abc$\")", 0},
        {"has(event.a.b) && !has(headers.x) && \"y\" in headers", 0},
        {"headers[\"x-y\"] == \"1\" && key == null && topic != \"t\" && partition < 3 && offset >= 7", 0},
        {"timestamp > timestamp(\"2020-01-01T00:00:00Z\")", 0},
        {"event.a.lowerAscii() == \"x\" && headers.h.lowerAscii().startsWith(\"y\")", 0},
        {"event.a == 1 ? event.b == 2 : event.c == 3", 0},
        {"(event.a == 1) == true && (event.b == 1) != true", 0},
        {"event.l.exists(x, x.f == \"c\" || x.g in [1, 2])", 0},
        {"event.l.exists(x, x.exists(y, y[0] == 1.5))", 0},
        {"event.l.exists(x, x.f > 1 || 2.5 >= x.g || !(x[0] < \"c\"))", 0},
        {"event.l.exists(x, x.f == 1 && x.g == 2)", 1},
        {"event.l.exists(x, x.f > 1 && x.f < 3)", 1}, /* of one element, not of two */
        {"event.a == event.b && event.c == 1", 1},
        {"event.a + 1 == 2", 1},
        {"event.a == [1]", 1},
        {"event.a == 9223372036854775807", 1}, /* beyond what compares exactly with every double */
        {"event.a.matches(\"a.c\")", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (count_programs(cases[i].condition) != cases[i].programs)
            fail_msg("%s: %zu programs", cases[i].condition, count_programs(cases[i].condition));
    }
}

/* Of conditions with more predicates than are compared with each other. */
static void an_empty_list_is_no_constant_however_long_the_condition(void **state)
{
    (void)state;
    static const char *const empty[] = {"event.x in []", "event.l.exists(x, x in [])"};
    for (size_t shape = 0; shape < 2; shape++) {
        struct vx_buf texts[12] = {0};
        const char *conditions[13];
        for (size_t i = 0; i < 12; i++) {
            vx_buf_str(&texts[i], empty[shape]);
            for (int k = 0; k < 70; k++)
                vx_buf_printf(&texts[i], " && event.f%d > %d", k, k == 69 ? 20 - (int)i : 0);
            conditions[i] = vx_buf_text(&texts[i]);
        }
        conditions[12] = "event.x in [\"p\", \"q\"]";
        struct table *t = table_of_conditions(conditions, 13, false);
        assert_true(t->routes[0].index->most_clauses <= 1);
        table_unref(t);
        for (size_t i = 0; i < 12; i++)
            vx_buf_done(&texts[i]);
    }
}

static void note_read(void *ctx, const struct config_read *read)
{
    vx_buf_printf(ctx, "%s:%.*s:%zu ", read->rule->name, (int)read->len, read->rule->when.text.at + read->offset,
                  read->path.count);
}

static void the_fields_that_rules_read_are_listed_with_their_places(void **state)
{
    (void)state;
    struct config_set *set = set_of(
        "kind: routing\nname: r\ntopics: [in]\nrules:\n"
        "  - { name: a, when: 'event.a.b[0] > 1 && event.l.exists(x, x.c == event.d)', drop: true }\n"
        "  - { name: b, when: 'event.e == 1 && has(event.f.g)', drop: true, enabled: false }\n"
        "  - { name: c, when: 'headers.h == \"x\" || has(event.f.g) || event[\"h i\"].size() > event.n', drop: true }\n"
        "otherwise: { drop: true }\n");
    struct vx_arena arena = {0};
    struct vx_buf out = {0};
    config_routing_reads(&set->routings[0], &arena, note_read, &out);
    assert_string_equal(vx_buf_text(&out), "a:event.d:1 a:event.l:1 a:event.a.b[0]:3 c:has(event.f.g):2 "
                                           "c:event.n:1 c:event[\"h i\"]:1 ");
    vx_buf_done(&out);
    vx_arena_done(&arena);
    config_set_free(set);
}

/* Sorted keys of many shapes: what prints narrow down is what a search of all finds. */
static void prints_of_keys_lead_where_a_search_leads(void **state)
{
    (void)state;
    enum { KEYS = 3000 };
    static struct cel_key keys[2 * KEYS];
    static char texts[2 * KEYS][24];
    struct vx_arena arena = {0};
    uint64_t r = 88172645463325252ull;
    for (int shape = 0; shape < 9; shape++) {
        for (uint32_t i = 0; i < 2 * KEYS; i++) {
            r ^= r << 13;
            r ^= r >> 7;
            r ^= r << 17;
            int64_t whole = (int64_t)r >> (r % 60);
            double d = (double)whole / 1024;
            int n = snprintf(texts[i], sizeof texts[i],
                             shape == 6   ? "user-%05u"
                             : shape == 7 ? "a-long-common-start-%x"
                                          : "%x",
                             (unsigned)(r % 99999));
            keys[i] = shape == 0   ? cel_key_int(whole % 5000)
                      : shape == 1 ? cel_key_int(whole)
                      : shape == 2 ? cel_key_double(d)
                      : shape == 3 ? cel_key_double((double)(r % 100000) / 100 - 300)
                      : shape == 4 ? cel_key_time(1700000000 + whole % 50, (int32_t)(r % 1000000000))
                      : shape == 5 ? cel_key_double(1e300 * (double)(whole % 3))
                                   : cel_key_string(vx_span(texts[i], (size_t)n));
        }
        uint32_t count = cel_keys_sort(keys, KEYS);
        const struct index_prints *prints = index_prints_new(&arena, keys, count);
        for (uint32_t i = 0; i < 2 * KEYS; i++) {
            if (i >= count && i < KEYS)
                continue;
            uint32_t found = bounds_position(keys, count, prints, &keys[i]);
            assert_int_equal(found, bounds_position(keys, count, NULL, &keys[i]));
        }
    }
    vx_arena_done(&arena);
}

/* `first` hands what is left on to `second`; `third` hands on to it too if it is `shared`. */
static struct table *table_of_three(bool shared)
{
    struct vx_buf yaml = {0};
    for (int i = 0; i < 3; i++) {
        vx_buf_printf(&yaml, "kind: routing\nname: %s\n%srules:\n",
                      i == 0   ? "first"
                      : i == 1 ? "second"
                               : "third",
                      i == 0   ? "topics: [in]\n"
                      : i == 2 ? "topics: [other]\n"
                               : "");
        for (int k = 0; k < 6; k++)
            vx_buf_printf(&yaml, "  - { name: r%d, when: event.a == %d && event.b > %d, drop: true }\n", k, k,
                          i == 1 ? 0 : 5);
        if (i == 0 || (i == 2 && shared))
            vx_buf_str(&yaml, "  - { name: on, routing: second }\n");
        vx_buf_printf(&yaml, "otherwise: { drop: true }\n%s", i < 2 ? "---\n" : "");
    }
    struct table *t = table_of(vx_buf_text(&yaml));
    vx_buf_done(&yaml);
    return t;
}

static void an_index_sees_through_the_hand_over_of_what_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t count;
        uint32_t rules[2];
    } cases[] = {
        {"{\"a\":2,\"b\":9}", 1, {2}},
        {"{\"a\":2,\"b\":1}", 2, {6, 10}},
        {"{\"a\":7,\"b\":1}", 2, {6, 14}},
        {"{\"b\":1}", 2, {6, 14}},
    };
    for (int shared = 0; shared < 2; shared++) {
        struct table *t = table_of_three(shared);
        struct decider *d = decider_new();
        assert_non_null(t->routes[0].index);
        assert_int_equal(t->routes[1].index != NULL, shared); /* by name: first, second, third */
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct decision out = decide_value(d, t, vx_span_str(cases[i].value));
            assert_int_equal(out.rule_count, cases[i].count);
            for (size_t k = 0; k < out.rule_count; k++)
                assert_int_equal(out.rules[k].rule, cases[i].rules[k]);
        }
        decider_free(d);
        table_unref(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_finds_what_the_loop_finds),
        cmocka_unit_test(prints_of_keys_lead_where_a_search_leads),
        cmocka_unit_test(an_index_sees_through_the_hand_over_of_what_is_left),
        cmocka_unit_test(the_same_expression_is_evaluated_once),
        cmocka_unit_test(what_one_routing_has_found_out_the_next_one_knows),
        cmocka_unit_test(routings_that_share_what_they_know_answer_for_themselves),
        cmocka_unit_test(conditions_that_ask_nothing_are_filed),
        cmocka_unit_test(a_condition_that_is_one_program_is_evaluated_once),
        cmocka_unit_test(a_condition_that_exhausts_its_budget_is_false_in_both),
        cmocka_unit_test(what_was_known_of_an_event_is_forgotten_when_epochs_begin_again),
        cmocka_unit_test(what_failed_is_counted_once_per_event),
        cmocka_unit_test(many_rules_are_filed_not_listed),
        cmocka_unit_test(a_rule_behind_a_wider_one_is_left_out),
        cmocka_unit_test(prefixes_of_few_lengths_are_keys),
        cmocka_unit_test(a_value_finds_the_constant_that_it_equals),
        cmocka_unit_test(capitals_are_found_as_small_letters),
        cmocka_unit_test(lower_case_is_compared_in_every_way),
        cmocka_unit_test(elements_in_ranges_visit_each_node_once),
        cmocka_unit_test(members_of_elements_are_looked_up),
        cmocka_unit_test(what_can_be_looked_up_needs_no_program),
        cmocka_unit_test(an_empty_list_is_no_constant_however_long_the_condition),
        cmocka_unit_test(the_fields_that_rules_read_are_listed_with_their_places),
    };
    return cmocka_run_group_tests_name("plan_index", tests, NULL, NULL);
}
