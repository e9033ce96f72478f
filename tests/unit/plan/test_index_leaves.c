/* What the rule index looks at last: guards, which let pass what may hold, and blocks, which hold where their ranges do. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "core/plan/index/index.h"

/* Reading ahead is not evaluating. */
static void what_is_read_ahead_fails_only_if_it_is_asked_for(void **state)
{
    (void)state;
    enum { RULES = 21 };
    static char texts[RULES][96];
    static const char *conditions[RULES] = {"event.k == \"z\""};
    for (uint32_t i = 1; i < RULES; i++) {
        if (i % 2)
            snprintf(texts[i], sizeof texts[i], "event.k == \"k%u\" && event.a > %u", i, i);
        else
            snprintf(texts[i], sizeof texts[i], "event.b.lowerAscii() == \"b%u\"", i);
        conditions[i] = texts[i];
    }
    static const struct {
        const char *value;
        uint32_t rule, failed;
    } cases[] = {
        {"{\"k\":\"z\",\"a\":\"text\",\"b\":1}", 0, 0},        {"{\"k\":\"k1\",\"a\":\"text\",\"b\":\"B2\"}", 2, 1},
        {"{\"k\":\"k1\",\"a\":\"text\",\"b\":1}", RULES, 2},   {"{\"k\":\"k1\",\"a\":2,\"b\":1}", 1, 0},
        {"{\"k\":\"none\",\"a\":\"text\",\"b\":1}", RULES, 1},
    };
    struct table *t = table_of_conditions(conditions, RULES, false);
    const struct match_index *index = t->routes[0].index;
    const uint32_t *root = &index->group.words[index->roots[0]];
    assert_int_equal(root[1], 2);
    assert_int_equal(index->group.accesses[root[2]].guard_count, 1);
    struct decider *d = decider_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decision out = decide_value(d, t, vx_span_str(cases[i].value));
        assert_int_equal(out.rule, cases[i].rule);
        assert_int_equal(out.failed_conditions, cases[i].failed);
    }
    decider_free(d);
    table_unref(t);
}

/* A guard is of whole parts, or of the heads of strings; what it cannot be sure of it lets pass. */
static void a_guard_lets_pass_whatever_may_hold(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "event.a > 97",
        "event.a >= 900.5 && event.a < 901",
        "event.a < -3.5",
        "event.a <= 2147483647",
        "event.a > 9000000000",
        "event.a >= -2147483648 && event.a < -7.25",
        "event.c == \"FR\"",
        "event.c in [\"DE\", \"IT\", \"NL\"]",
        "event.c == \"ES\" && event.a > 5",
        "event.d > \"m\"",
        "event.b == true",
        "event.a == 12.5",
        "event.c != \"FR\"",
        "!(event.a > 3)",
        "event.e.lowerAscii() == \"x\"",
        "event.a > 900.5 && event.a < 900.5",
        "event.c in [\"\", \"F\", \"FR\", \"\\u00e9t\\u00e9\"]",
        "event.c in [\"FRANCE\", \"FRANK\", \"z\"]",
        "event.c in [\"FR\", 12]",
        "event.c == 4294967296",
        "event.c in [-3, 0.5, 7]",
    };
    static const char *const of_a[] = {
        "97",  "97.5",       "98",           "900",  "900.5", "900.75", "901",         "-3.5",         "-4",
        "-7",  "2147483647", "2147483648",   "1e12", "-1e12", "-7.25",  "12.5",        "\"z\"",        "null",
        "[1]", "true",       "9000000000.5", "5",    "-8",    "3.0",    "-2147483648", "-2147483649.5"};
    static const char *const others[] = {"",
                                         ",\"c\":\"FR\"",
                                         ",\"c\":\"IT\"",
                                         ",\"c\":\"ES\",\"b\":true",
                                         ",\"c\":7,\"d\":\"n\"",
                                         ",\"e\":\"X\"",
                                         ",\"c\":\"\"",
                                         ",\"c\":\"F\"",
                                         ",\"c\":\"\\u0046R\"",
                                         ",\"c\":\"FRANCE\"",
                                         ",\"c\":\"FRAN\"",
                                         ",\"c\":\"\xc3\xa9t\xc3\xa9\"",
                                         ",\"c\":4294967296",
                                         ",\"c\":0.5",
                                         ",\"c\":-3",
                                         ",\"c\":[\"FR\"]",
                                         ",\"c\":null"};
    enum { ASKED = sizeof asked / sizeof *asked, KEYS = 40, EACH = 3, RULES = KEYS * EACH };
    static char texts[RULES][128];
    const char *conditions[RULES];
    uint32_t guarded = 0;
    for (uint32_t shift = 0; shift < ASKED; shift++) {
        for (uint32_t i = 0; i < RULES; i++) { /* mostly what can be guarded */
            uint32_t which = i / KEYS == 0 ? (i + shift) % ASKED : (i * 7 + shift) % 9;
            snprintf(texts[i], sizeof texts[i], "event.k == %u && %s", i % KEYS, asked[which]);
            conditions[i] = texts[i];
        }
        struct table *t = table_of_conditions(conditions, RULES, shift % 2);
        const struct match_index *index = t->routes[0].index;
        const uint32_t *root = &index->group.words[index->roots[0]];
        for (uint32_t i = 0; i < root[1]; i++)
            guarded += index->group.accesses[root[2] + i].guard_count;
        struct decider *d = decider_new();
        for (uint32_t i = 0; i < KEYS * sizeof of_a / sizeof *of_a * sizeof others / sizeof *others; i++) {
            char value[128];
            uint32_t a = i / KEYS % (sizeof of_a / sizeof *of_a), o = i / KEYS / (sizeof of_a / sizeof *of_a);
            snprintf(value, sizeof value, "{\"k\":%u,\"a\":%s%s}", i % KEYS, of_a[a], others[o]);
            struct decision by_index = decide_value(d, t, vx_span_str(value));
            struct match_index *set_aside = t->routes[0].index;
            t->routes[0].index = NULL;
            struct decision by_loop = decide_value(d, t, vx_span_str(value));
            t->routes[0].index = set_aside;
            if (by_index.rule != by_loop.rule || by_index.rule_count != by_loop.rule_count)
                fail_msg("%s, shift %u: rule %u of %zu, not %u of %zu", value, shift, by_index.rule,
                         by_index.rule_count, by_loop.rule, by_loop.rule_count);
        }
        decider_free(d);
        table_unref(t);
    }
    assert_true(guarded >= ASKED);
}

/* Blocks compare doubles; what is no double is on the right side of every bound of theirs all the same. */
static void a_block_holds_where_its_ranges_do(void **state)
{
    (void)state;
    static const char *const bounds[] = {"0",
                                         "-0.0",
                                         "5e-324",
                                         "0.1",
                                         "0.3",
                                         "1",
                                         "-1",
                                         "900.55",
                                         "1e-7",
                                         "1e15",
                                         "-1e15",
                                         "4503599627370495",
                                         "4503599627370496",
                                         "4503599627370497",
                                         "-4503599627370496",
                                         "9007199254740993",
                                         "-9007199254740993",
                                         "1e18"};
    static const char *const beside[] = {"0.30000000000000004",
                                         "0.29999999999999999",
                                         "900.5500000000001",
                                         "900.55e0",
                                         "4503599627370495.5",
                                         "4503599627370496.5",
                                         "9007199254740992",
                                         "9007199254740994",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "1e300",
                                         "-1e300",
                                         "12345678901234567890123",
                                         "\"1\"",
                                         "null",
                                         "true",
                                         "[1]",
                                         "1e-320"};
    static const char *const operators[] = {">", ">=", "<", "<="};
    enum {
        BOUNDS = sizeof bounds / sizeof *bounds,
        BESIDE = sizeof beside / sizeof *beside,
        OPERATORS = sizeof operators / sizeof *operators,
        RULES = BOUNDS * OPERATORS
    };
    static char texts[RULES][96];
    const char *conditions[RULES];
    for (uint32_t i = 0; i < RULES; i++) { /* under one key, so that all are in blocks */
        snprintf(texts[i], sizeof texts[i], "event.k == 1 && event.a %s %s", operators[i % OPERATORS],
                 bounds[i / OPERATORS]);
        conditions[i] = texts[i];
    }
    struct table *t = table_of_conditions(conditions, RULES, true);
    struct decider *d = decider_new();
    for (uint32_t i = 0; i < BOUNDS + BESIDE; i++) {
        char value[96];
        uint32_t rules[RULES];
        snprintf(value, sizeof value, "{\"k\":1,\"a\":%s}", i < BOUNDS ? bounds[i] : beside[i - BOUNDS]);
        struct decision out = decide_value(d, t, vx_span_str(value));
        size_t count = out.rule_count, failed = out.failed_conditions;
        for (size_t k = 0; k < count; k++)
            rules[k] = out.rules[k].rule;
        struct match_index *set_aside = t->routes[0].index;
        t->routes[0].index = NULL;
        out = decide_value(d, t, vx_span_str(value));
        t->routes[0].index = set_aside;
        if (out.rule_count != count || (out.failed_conditions > 0) != (failed > 0))
            fail_msg("%s: %zu rules, not %zu", value, count, out.rule_count);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(rules[k], out.rules[k].rule);
    }
    decider_free(d);
    table_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_ahead_fails_only_if_it_is_asked_for),
        cmocka_unit_test(a_guard_lets_pass_whatever_may_hold),
        cmocka_unit_test(a_block_holds_where_its_ranges_do),
    };
    return cmocka_run_group_tests_name("plan_index_leaves", tests, NULL, NULL);
}
