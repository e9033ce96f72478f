/* Regular expressions: what is refused and where, which patterns are plain, sets, scratch, and matches() in expressions. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/cel/regex/regex.h"
#include "event.h"

/* ---- patterns ---- */

static const char *refusal(const char *pattern, size_t len)
{
    static char text[512];
    struct vx_arena arena = {0};
    const struct cel_regex *regex;
    struct cel_error error;
    enum vx_status status = cel_regex_new(&arena, vx_span(pattern, len), &regex, &error);
    if (status == VX_OK)
        snprintf(text, sizeof text, "ok");
    else
        snprintf(text, sizeof text, "%s %zu+%zu: %s", vx_status_label(status), error.offset, error.len, error.message);
    vx_arena_done(&arena);
    return text;
}

static void what_is_refused_is_shown_inside_the_pattern(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *refusal;
    } rows[] = {
        {"ab(", "invalid 2+1: missing closing )"},
        {"ab)", "invalid 2+1: unexpected )"},
        {"x[a-", "invalid 1+3: missing closing ]"},
        {"x[b-a]", "invalid 2+3: the range ends before it begins: `b-a`"},
        {"x[[:alhpa:]]", "invalid 2+9: unknown class: `[:alhpa:]`"},
        {"*a", "invalid 0+1: nothing to repeat stands before: `*`"},
        {"a**", "invalid 2+1: a repetition of a repetition; put the first one into (?:…): `*`"},
        {"a{3,2}", "invalid 1+5: not a count of repetitions (0 to 1000, in order): `{3,2}`"},
        {"a{1001}", "invalid 1+6: not a count of repetitions (0 to 1000, in order): `{1001}`"},
        {"(a{100}){11}", "invalid 8+4: nested counts of repetitions multiply to more than 1000: `{11}`"},
        {"a\\", "invalid 1+1: nothing is behind the backslash: `\\`"},
        {"a\\y", "invalid 1+2: unknown escape: `\\y`"},
        {"(a)\\1", "invalid 3+2: back-references are not supported: `\\1`"},
        {"a\\Z", "invalid 1+2: unknown escape; the end of the text is \\z: `\\Z`"},
        {"a\\C", "invalid 1+2: single bytes are not supported: `\\C`"},
        {"\\x4g", "invalid 0+3: not a code point in hexadecimal, as in \\x41 or \\x{1F600}: `\\x4`"},
        {"\\x{110000}", "invalid 0+9: no code point is above 10FFFF: `\\x{110000`"},
        {"a(?=b)", "invalid 1+3: look-ahead and look-behind are not supported: `(?=`"},
        {"(?<!b)a", "invalid 0+3: look-ahead and look-behind are not supported: `(?<`"},
        {"(?>a)", "invalid 0+3: unknown kind of group: `(?>`"},
        {"(?i", "invalid 0+3: missing closing ): `(?i`"},
        {"(?P<a-b>c)", "invalid 0+8: the name of a group is letters, digits and _: `(?P<a-b>`"},
        {"\\p{Greke}", "invalid 0+9: unknown Unicode class `Greke`; did you mean `Greek`?"},
        {"\\p{Greek", "invalid 0+8: missing } behind the name: `\\p{Greek`"},
        {"é[", "invalid 2+1: missing closing ]"},
        {"\xff", "invalid 0+1: the pattern is not UTF-8"},
        {"(?m)(?:^a|b)+", "unsupported 7+1: ^ and $ of lines cannot be translated inside a repetition"},
        {"((\\pL{10}){10}){10}",
         "unsupported 0+19: too large with its repetitions written out: at most 5000 characters (\\pL alone is 660)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(refusal(rows[i].pattern, strlen(rows[i].pattern)), rows[i].refusal);
}

static void size_and_nesting_are_limited(void **state)
{
    (void)state;
    char text[2 * CEL_REGEX_TEXT_MAX_BYTES];
    memset(text, 'a', sizeof text);
    assert_string_equal(refusal(text, CEL_REGEX_TEXT_MAX_BYTES), "ok");
    assert_string_equal(refusal(text, CEL_REGEX_TEXT_MAX_BYTES + 1),
                        "invalid 4096+1: a pattern has at most 4096 bytes");
    memset(text, '(', 1000);
    assert_string_equal(refusal(text, 1000), "invalid 128+1: groups are nested too deep: at most 128");
    memset(text, '(', 128);
    memset(text + 128, ')', 128);
    assert_string_equal(refusal(text, 256), "ok");
    for (size_t i = 0; i < CEL_REGEX_TEXT_MAX_BYTES; i++)
        text[i] = i % 2 ? '$' : 'a'; /* anchors everywhere */
    assert_string_equal(refusal(text, CEL_REGEX_TEXT_MAX_BYTES), "ok");
}

static void plain_patterns_are_recognised(void **state)
{
    (void)state;
    static const char *const names[] = {"no", "always", "never", "equal", "prefix", "suffix", "part"};
    static const struct {
        const char *pattern, *plain, *literal;
    } rows[] = {
        {"abc", "part", "abc"},
        {"^abc", "prefix", "abc"},
        {"abc$", "suffix", "abc"},
        {"^abc$", "equal", "abc"},
        {"\\Aabc\\z", "equal", "abc"},
        {"^abc.*", "prefix", "abc"},
        {".*abc.*", "part", "abc"},
        {".*abc$", "suffix", "abc"},
        {"^.*abc", "no", NULL}, /* in the first line only */
        {"abc.*$", "no", NULL}, /* in the last line only */
        {"^abc.*$", "no", NULL},
        {"(?s)^.*abc", "part", "abc"},
        {"(?s)abc.*$", "part", "abc"},
        {"(?s)^abc.*$", "prefix", "abc"},
        {"(?s)^.*abc.*$", "part", "abc"},
        {"(?s)^.*abc$", "suffix", "abc"},
        {"(?m)^abc", "no", NULL},
        {"(?m)abc$", "no", NULL},
        {"a\\.b\\$", "part", "a.b$"},
        {"\\Qa.b$\\E", "part", "a.b$"},
        {"(abc)", "part", "abc"},
        {"^(?:a(b)c)$", "equal", "abc"},
        {"[a]b\\x63", "part", "abc"},
        {"x*abc?", "part", "ab"},
        {"a{1}bc", "part", "abc"},
        {"é😀", "part", "é😀"},
        {"(?i)12", "part", "12"},
        {"(?i)abc", "no", NULL},
        {"a.c", "no", NULL},
        {"a|b", "no", NULL},
        {"\\babc", "no", NULL},
        {"", "always", NULL},
        {".*", "always", NULL},
        {"^", "always", NULL},
        {"$", "always", NULL},
        {"^.*", "always", NULL},
        {"^$", "equal", ""},
        {"^.*$", "no", NULL}, /* a newline ends it */
        {"(?s)^.*$", "always", NULL},
        {"(", "no", NULL},
        {"\\x{d800}", "never", NULL},
        {"[^\\x00-\\x{10FFFF}]", "never", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        struct vx_span literal = {0};
        enum cel_regex_plain plain = cel_regex_classify(&arena, vx_span_str(rows[i].pattern), &literal);
        if (strcmp(names[plain], rows[i].plain) != 0)
            fail_msg("`%s` is %s, not %s", rows[i].pattern, names[plain], rows[i].plain);
        assert_true(vx_span_equal(literal, vx_span_str(rows[i].literal)));
        vx_arena_done(&arena);
    }
}

static void plain_patterns_never_reach_libhs(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    const struct cel_regex *regex;
    assert_int_equal(cel_regex_new(&arena, vx_span_str("^abc"), &regex, NULL), VX_OK);
    assert_null(regex->database);
    assert_int_equal(cel_regex_new(&arena, vx_span_str("^a.c"), &regex, NULL), VX_OK);
    assert_non_null(regex->database);
    assert_int_equal(cel_regex_new(&arena, vx_span_str("a\\bb"), &regex, NULL), VX_OK);
    assert_int_equal(regex->plain, CEL_REGEX_NEVER);
    vx_arena_done(&arena);
}

/* ---- tables ---- */

static const struct cel_regex *regex_of(struct cel_slots *slots, struct vx_arena *arena, const char *pattern)
{
    struct vx_arena own = {0}; /* the table's copy must not need it any more */
    const struct cel_regex *regex;
    assert_int_equal(cel_regex_new(&own, vx_span_str(pattern), &regex, NULL), VX_OK);
    regex = cel_slots_regex(slots, arena, regex);
    vx_arena_done(&own);
    return regex;
}

static void a_table_has_each_pattern_once(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    const struct cel_regex *first[100];
    char pattern[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            snprintf(pattern, sizeof pattern, i % 2 ? "a%d" : "^a+%d", i);
            const struct cel_regex *regex = regex_of(&slots, &arena, pattern);
            if (round == 0)
                first[i] = regex;
            assert_ptr_equal(regex, first[i]);
            assert_true(cel_regex_match(regex, NULL, vx_span_str(pattern + (i % 2 ? 0 : 1))) == (i % 2 == 1));
        }
    }
    cel_slots_done(&slots);
    vx_arena_done(&arena);
}

struct found {
    unsigned count, sum;
};

/* What one release may hold is limited by what compiling it takes; the same pattern counts once, a plain one not at all. */
static void the_patterns_of_a_release_are_compiled_once_and_have_a_limit(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cel_regex_pool *pool = cel_regex_pool_new();
    const struct cel_regex *first, *again, *other;
    struct cel_error error = {0};
    assert_int_equal(cel_regex_shared(pool, &arena, VX_SPAN_LITERAL("a[0-9]+b"), &first, &error), VX_OK);
    assert_int_equal(cel_regex_shared(pool, &arena, VX_SPAN_LITERAL("a[0-9]+b"), &again, &error), VX_OK);
    assert_ptr_equal(first, again);
    assert_int_equal(cel_regex_shared(pool, &arena, VX_SPAN_LITERAL("a(b"), &other, &error), VX_EINVAL);
    enum vx_status status = VX_OK;
    int count = 0;
    for (; status == VX_OK && count < 1000; count++) {
        char pattern[64];
        snprintf(pattern, sizeof pattern, "^%d$", count);
        assert_int_equal(cel_regex_shared(pool, &arena, vx_span_str(pattern), &other, &error), VX_OK);
        snprintf(pattern, sizeof pattern, "^%d[ab]{1000}[ab]{1000}", count);
        status = cel_regex_shared(pool, &arena, vx_span_str(pattern), &other, &error);
    }
    assert_int_equal(status, VX_ELIMIT);
    assert_int_equal(count, 10);
    assert_non_null(strstr(error.message, "may weigh 60000 together: this one of 2001 characters"));
    assert_non_null(strstr(error.message, "contains()"));
    assert_int_equal(cel_regex_shared(pool, &arena, VX_SPAN_LITERAL("a[0-9]+b"), &again, &error), VX_OK);
    assert_ptr_equal(first, again);
    cel_regex_pool_free(pool);
    vx_arena_done(&arena);
}

static void on_match(void *ctx, uint32_t number)
{
    struct found *found = ctx;
    found->count++;
    found->sum += number;
}

static void a_set_finds_every_pattern_that_matches_once(void **state)
{
    (void)state;
    static const char *const patterns[] = {"a.c", "^abc$", "b+", "(?i)ABC", "^$", "[^a-c]", "", "x|c$", "a.c"};
    static const struct {
        const char *subject;
        unsigned count, sum;
    } rows[] = {{"abc", 7, 0 + 1 + 2 + 3 + 6 + 7 + 8},
                {"", 2, 4 + 6},
                {"xyz", 3, 5 + 6 + 7},
                {"abcabc", 6, 0 + 2 + 3 + 6 + 7 + 8}};
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    struct cel_scratch *scratch = cel_scratch_new();
    const struct cel_regex *regexes[9];
    for (size_t i = 0; i < 9; i++)
        regexes[i] = regex_of(&slots, &arena, patterns[i]);
    const struct cel_regex_set *set = cel_regex_set_new(&slots, regexes, 9);
    const struct cel_regex_set *none = cel_regex_set_new(&slots, regexes, 0);
    cel_scratch_fit(scratch, &slots);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct found found = {0};
        cel_regex_set_scan(none, scratch, vx_span_str(rows[i].subject), on_match, &found);
        assert_int_equal(found.count, 0);
        cel_regex_set_scan(set, scratch, vx_span_str(rows[i].subject), on_match, &found);
        assert_int_equal(found.count, rows[i].count);
        assert_int_equal(found.sum, rows[i].sum);
    }
    assert_true(cel_regex_set_bytes(set) > cel_regex_set_bytes(none));
    cel_scratch_free(scratch);
    cel_slots_done(&slots);
    vx_arena_done(&arena);
}

static void one_scratch_serves_many_tables(void **state)
{
    (void)state;
    enum { TABLES = 6 };
    struct vx_arena arena = {0};
    struct cel_slots slots[TABLES] = {{0}}, none = {0};
    const struct cel_regex *regexes[TABLES];
    struct cel_scratch *scratch = cel_scratch_new();
    static const char *const patterns[TABLES] = {"a.c",     "[a-z]{3,200}x", "(foo|bar)+$", "^\\pL{1,3}-\\d+",
                                                 "x.{40}y", "(a+b?){2,9}z"};
    cel_scratch_fit(scratch, &none);
    for (int i = 0; i < TABLES; i++)
        regexes[i] = regex_of(&slots[i], &arena, patterns[i]);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TABLES; i++) {
            cel_scratch_fit(scratch, &slots[i]);
            assert_int_equal(cel_regex_match(regexes[i], scratch, vx_span_str("foobar")), i == 2);
            assert_int_equal(cel_regex_match(regexes[0], scratch, vx_span_str("xabcx")), true);
        }
    }
    cel_scratch_free(scratch);
    for (int i = 0; i < TABLES; i++)
        cel_slots_done(&slots[i]);
    vx_arena_done(&arena);
}

static void *match_often(void *arg)
{
    struct cel_slots *slots = arg;
    struct vx_arena arena = {0};
    struct cel_scratch *scratch = cel_scratch_new();
    const struct cel_regex *regex;
    vx_assert(cel_regex_new(&arena, vx_span_str("(foo|bar)+[0-9]$"), &regex, NULL) == VX_OK);
    regex = cel_slots_regex(slots, &arena, regex); /* found: nothing is written */
    cel_scratch_fit(scratch, slots);
    for (int i = 0; i < 10000; i++)
        vx_assert(cel_regex_match(regex, scratch, vx_span_str(i % 2 ? "foobar7" : "foobar")) == (i % 2));
    cel_scratch_free(scratch);
    vx_arena_done(&arena);
    return NULL;
}

static void workers_match_side_by_side(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    pthread_t threads[4];
    regex_of(&slots, &arena, "(foo|bar)+[0-9]$");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_often, &slots), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cel_slots_done(&slots);
    vx_arena_done(&arena);
}

/* ---- expressions ---- */

static const struct cel_header headers[] = {{VX_SPAN_LITERAL("x-region"), VX_SPAN_LITERAL("eu-west-1")},
                                            {VX_SPAN_LITERAL("x-null"), {0}},
                                            {VX_SPAN_LITERAL("x-bytes"), VX_SPAN_LITERAL("a\xff")}};
static const struct event event = {
    "{\"type\":\"purchase\",\"n\":5,\"name\":\"\\u0061\\u00e9\\n\",\"tags\":[\"red\",\"green\"]}", "key-7", headers, 3};

static void matches_is_a_search(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *result;
    } rows[] = {
        {"event.type.matches(\"p.r\")", "true"},
        {"matches(event.type, \"^p[a-z]+e$\")", "true"},
        {"event.type.matches(\"^urch\")", "false"},
        {"event.type.matches(\"^pur\")", "true"},
        {"event.name.matches(\"^aé$\")", "false"}, /* a newline is at its end */
        {"event.name.matches(r\"^aé\\s$\")", "true"},
        {"event.name.matches(r\"^..\\n$\")", "true"},
        {"headers[\"x-region\"].matches(\"^eu-(west|north)-[0-9]$\")", "true"},
        {"key.matches(\"-[0-9]\")", "true"},
        {"topic.matches(\"^g.mes$\")", "true"},
        {"event.tags[1].matches(\"gr(ee)n\")", "true"},
        {"event.tags.exists(t, t.matches(\"^r.d$\"))", "true"},
        {"(event.type + \"7\").matches(\"e[0-9]$\")", "true"},
        {"string(event.n).matches(\"^[0-9]$\")", "true"},
        {"event.type.matches(\"p\" + \".r\")", "true"},
        {"event.type.matches(\"\")", "true"},
        {"event.type.matches(\"(?i)PUR.HASE\")", "true"},
        {"event.missing.matches(\"a.c\") || true", "true"},
        {"event.n.matches(\"a.c\")", "error 8: no matching overload for int.matches(string)"},
        {"matches(event.n, \"abc\")", "error 0: no matching overload for matches(int, string)"},
        {"event.missing.matches(\"a.c\")", "error 6: no such key: missing"},
        {"headers[\"x-null\"].matches(\"a.c\")", "error 18: no matching overload for null.matches(string)"},
        {"headers[\"x-bytes\"].matches(\"a.c\")", "error 7: header x-bytes is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(eval_text(rows[i].expr, &event), rows[i].result) != 0)
            fail_msg("%s: %s", rows[i].expr, eval_text(rows[i].expr, &event));
    }
}

static void a_pattern_is_checked_when_it_is_loaded(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *result;
    } rows[] = {
        {"event.a.matches(\"a[b\")", "refused 18+2: bad regular expression: missing closing ]"},
        {"event.a.matches('x(')", "refused 18+1: bad regular expression: missing closing )"},
        {"event.a.matches(r\"\\d[\")", "refused 20+1: bad regular expression: missing closing ]"},
        {"event.a.matches(\"\\\\d[\")", "refused 20+1: bad regular expression: missing closing ]"},
        {"event.a.matches(\"\\u00e9\\x41[\")", "refused 27+1: bad regular expression: missing closing ]"},
        {"event.a.matches(\"\"\"x[\"\"\")", "refused 20+1: bad regular expression: missing closing ]"},
        {"event.a.matches(\"a\" + \"[\")", "refused 16+9: bad regular expression, at byte 1: missing closing ]"},
        {"matches(key, \"a\\\\q\")", "refused 15+3: bad regular expression: unknown escape: `\\q`"},
        {"event.a.matches(event.b)",
         "refused 16+7: the pattern of matches() must be a constant: it is compiled when the expression is loaded"},
        {"\"abc\".matches(key)",
         "refused 14+3: the pattern of matches() must be a constant: it is compiled when the expression is loaded"},
        {"event.a.matches(5)",
         "refused 8+7: no matching overload for dyn.matches(int); there is string.matches(string)"},
        {"partition.matches(\"5\")",
         "refused 10+7: no matching overload for int.matches(string); there is string.matches(string)"},
        {"value.matches(\"5\")",
         "refused 6+7: no matching overload for bytes.matches(string); there is string.matches(string)"},
        {"event.a.matches()", "refused 8+7: matches() takes 1 argument, not 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(load_text(rows[i].expr, strlen(rows[i].expr)), rows[i].result) != 0)
            fail_msg("%s: %s", rows[i].expr, load_text(rows[i].expr, strlen(rows[i].expr)));
    }
}

static void constants_are_folded(void **state)
{
    (void)state;
    static const struct {
        const char *expr;
        bool value;
    } rows[] = {{"\"abc\".matches(\"a.c\")", true}, {"matches(\"abc\", \"^b\")", false}, {"\"\".matches(\"\")", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        const struct cel_expr *expr;
        assert_int_equal(cel_parse(&arena, vx_span_str(rows[i].expr), cel_env_none(), &expr, NULL), VX_OK);
        assert_non_null(cel_expr_constant(expr));
        assert_int_equal(cel_expr_constant(expr)->boolean, rows[i].value);
        vx_arena_done(&arena);
    }
}

/* Whatever is repeated in it, a pattern takes a time linear in the subject: a backtracking matcher would not return. */
static void no_pattern_backtracks(void **state)
{
    (void)state;
    static const char *const patterns[] = {"^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$",
                                           "^(([a-z])+.)+[A-Z]([a-z])+$"};
    static char subject[100001];
    struct vx_arena arena = {0};
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 1] = '!';
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        const struct cel_regex *regex;
        assert_int_equal(cel_regex_new(&arena, vx_span_str(patterns[i]), &regex, NULL), VX_OK);
        assert_false(cel_regex_match(regex, NULL, vx_span(subject, sizeof subject)));
    }
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_shown_inside_the_pattern),
        cmocka_unit_test(size_and_nesting_are_limited),
        cmocka_unit_test(plain_patterns_are_recognised),
        cmocka_unit_test(plain_patterns_never_reach_libhs),
        cmocka_unit_test(a_table_has_each_pattern_once),
        cmocka_unit_test(the_patterns_of_a_release_are_compiled_once_and_have_a_limit),
        cmocka_unit_test(a_set_finds_every_pattern_that_matches_once),
        cmocka_unit_test(one_scratch_serves_many_tables),
        cmocka_unit_test(workers_match_side_by_side),
        cmocka_unit_test(matches_is_a_search),
        cmocka_unit_test(a_pattern_is_checked_when_it_is_loaded),
        cmocka_unit_test(constants_are_folded),
        cmocka_unit_test(no_pattern_backtracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
