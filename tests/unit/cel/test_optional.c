/* Optionals: what may be missing, asked for once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event.h"

struct row {
    const char *expr, *expected;
};

static const char event[] =
    "{\"a\":{\"b\":3,\"deep\":{\"er\":\"x\"}},\"list\":[1,{\"n\":2}],\"nul\":null,\"n\":7,\"zero\":0,\"i\":1,"
    "\"k\":\"b\",\"escaped\":\"\\u0041\"}";

static void run(const struct row *rows, size_t count, const char *json)
{
    static const struct cel_header headers[] = {{VX_SPAN_LITERAL("h"), VX_SPAN_LITERAL("v")}};
    const struct event ev = {.key = "k1", .json = json, .headers = headers, .header_count = 1};
    for (size_t i = 0; i < count; i++) {
        const char *got = eval_text(rows[i].expr, &ev);
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].expr);
        assert_string_equal(got, rows[i].expected);
    }
}

#define RUN(rows) run(rows, sizeof rows / sizeof *rows, event)

static void a_field_that_may_be_missing_is_asked_for_once(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.?a.b.orValue(0)", "3"},
        {"event.?a.c.orValue(0)", "0"},
        {"event.?x.b.orValue(0)", "0"},
        {"event.?x.y.z.orValue(event.n + 1)", "8"},
        {"event.?n.b.orValue(0)", "0"},
        {"event.?nul.b.orValue(0)", "0"},
        {"event.?nul.orValue(0)", "null"},
        {"event.?list[1].n.orValue(0)", "2"},
        {"event.?list[5].n.orValue(0)", "0"},
        {"event.?list.x.orValue(0)", "0"},
        {"event.a.?c.orValue(\"none\")", "\"none\""},
        {"event.x.?c.orValue(0)", "error 11: no such key: x"},
        {"event.n.?c.orValue(0)", "0"},
        {"event.list[?1].n.orValue(0)", "2"},
        {"event.list[?9].n.orValue(0)", "0"},
        {"event.a[?event.k].orValue(0)", "3"},
        {"event.a[?event.list].orValue(0)", "error 7: no matching overload for map[?list]"},
        {"event.list[?event.i].n.orValue(0)", "2"},
        {"event.list[?-1].orValue(0)", "0"},
        {"event[?\"a\"].b.orValue(0)", "3"},
        {"event.?escaped.orValue(\"\")", "\"A\""},
        {"event.?a.deep.er.orValue(\"\") == \"x\"", "true"},
        {"event.?x.orValue(0) > 5 || event.?n.orValue(0) > 5", "true"},
        {"headers.?h.orValue(\"\")", "\"v\""},
        {"headers.?nope.orValue(\"none\")", "\"none\""},
        {"headers[?\"nope\"].orValue(\"none\")", "\"none\""},
        {"{\"a\": event.n}.?a.orValue(0)", "7"},
        {"[event.n][?0].orValue(0)", "7"},
        {"event.?x.orValue(1 / 0)", "error 19: division by zero"},
        {"event.?n.orValue(1 / 0)", "7"},
    };
    RUN(rows);
}

static void without_an_event_there_is_nothing_to_be_missing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.?a.orValue(0)", "error 9: no event: the value is null"},
        {"event.?a.hasValue()", "error 7: no event: the value is null"},
    };
    run(rows, sizeof rows / sizeof *rows, NULL);
}

static void optionals_are_values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.?a.b", "optional.of(3)"},
        {"event.?x", "optional.none()"},
        {"event.?x == optional.none()", "true"},
        {"event.?n == optional.of(7)", "true"},
        {"event.?n == optional.of(8)", "false"},
        {"event.?n != optional.none()", "true"},
        {"event.?n == optional.of(7.0)", "true"},
        {"event.?n.hasValue()", "true"},
        {"event.?x.y.hasValue()", "false"},
        {"event.?n.value() + 1", "8"},
        {"event.?x.value()", "error 9: optional.none() has no value"},
        {"event.?x.or(event.?n).value()", "7"},
        {"event.?n.or(event.?x.y.z)", "optional.of(7)"},
        {"event.?x.or(event.?y).orValue(5)", "5"},
        {"optional.of(event.n)", "optional.of(7)"},
        {"optional.of(event.a).b", "optional.of(3)"},
        {"optional.of(event.a).?c", "optional.none()"},
        {"optional.of(event.list)[1].n", "optional.of(2)"},
        {"optional.none()", "optional.none()"},
        {"optional.ofNonZeroValue(event.zero)", "optional.none()"},
        {"optional.ofNonZeroValue(event.n)", "optional.of(7)"},
        {"optional.ofNonZeroValue(\"\")", "optional.none()"},
        {"optional.ofNonZeroValue([])", "optional.none()"},
        {"optional.ofNonZeroValue({})", "optional.none()"},
        {"optional.ofNonZeroValue(event.nul)", "optional.none()"},
        {"optional.ofNonZeroValue(event.list)", "optional.of([1, {\"n\": 2}])"},
        {"type(event.?x)", "optional_type"},
        {"type(event.?x) == optional_type", "true"},
        {"has(event.?a.b)", "true"},
        {"has(event.?a.c)", "false"},
        {"has(event.?x.y)", "false"},
        {"optional.of(optional.of(1)).value().value() + event.n", "8"},
    };
    RUN(rows);
}

static void opt_map_runs_only_where_there_is_a_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.?n.optMap(x, x * 2)", "optional.of(14)"},
        {"event.?x.optMap(x, 1 / 0)", "optional.none()"},
        {"event.?n.optMap(x, x / 0)", "error 21: division by zero"},
        {"event.?x.optMap(x, x * 2).orValue(1)", "1"},
        {"event.?a.optFlatMap(x, x.?b)", "optional.of(3)"},
        {"event.?a.optFlatMap(x, x.?c)", "optional.none()"},
        {"event.?n.optFlatMap(x, dyn(x))", "error 23: expected an optional, not int"},
        {"event.list.map(x, dyn(x)).map(x, optional.of(x).optMap(y, y))[0]", "optional.of(1)"},
    };
    RUN(rows);
}

static void optional_entries_are_left_out(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[?event.?x, ?event.?n, 3]", "[7, 3]"},
        {"[?event.?x]", "[]"},
        {"[1, ?optional.none(), 2]", "[1, 2]"},
        {"{?\"x\": event.?x, ?\"n\": event.?n, \"z\": 1}", "{\"n\": 7, \"z\": 1}"},
        {"{?\"x\": optional.none()}", "{}"},
        {"{?\"x\": optional.of(1), \"y\": 2}.x", "1"},
        {"[?dyn(event.n)]", "error 1: expected an optional, not int"},
        {"{\"a\": 1, ?\"a\": event.?n}", "error 0: repeated key: a"},
        {"{\"a\": 1, ?\"a\": event.?x}", "{\"a\": 1}"},
    };
    RUN(rows);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.n.orValue(0)", "refused 8+7: orValue() works on an optional, as in event.?a.orValue(0), not on dyn"},
        {"topic.orValue(\"\")",
         "refused 6+7: orValue() works on an optional, as in event.?a.orValue(0), not on string"},
        {"event.?n.orValue()", "refused 9+9: orValue() is written as in event.?a.orValue(0)"},
        {"event.?n.or(1)", "refused 12+1: the last argument of or() must be an optional, not int"},
        {"event.?n.optFlatMap(x, 1)", "refused 23+1: the last argument of optFlatMap() must be an optional, not int"},
        {"event.n.hasValue()", "refused 8+8: no matching overload for dyn.hasValue(); there is optional.hasValue()"},
        {"event.?n + 1",
         "refused 9+1: no matching overload for optional(dyn) + int; take what it holds with orValue(…)"},
        {"event.?n > 1",
         "refused 9+1: no matching overload for optional(dyn) > int; take what it holds with orValue(…)"},
        {"event.?n == 1",
         "refused 9+2: no matching overload for optional(dyn) == int; take what it holds with orValue(…)"},
        {"topic.?a", "refused 7+1: string has no field `a`"},
        {"topic[?0]", "refused 5+4: no matching overload for string[?int]"},
        {"[?topic]", "refused 2+5: what follows `?` here must be an optional, not string"},
        {"{?\"a\": 1}", "refused 7+1: what follows `?` here must be an optional, not int"},
        {"has(event.?a)", "refused 0+13: has() takes a field, as in has(event.a.b); of an optional field write: "
                          "event.?a.hasValue()"},
        {"optional.off(1)", "refused 0+12: unknown function `optional.off`; did you mean `optional.of`?"},
        {"optional.of()", "refused 0+11: optional.of() takes 1 argument, not 0"},
        {"optional.none(1)", "refused 0+13: optional.none() takes 0 arguments, not 1"},
        {"optional.none().value()", "refused 16+5: optional.none() has no value"},
        {"event.?", "refused 7+1: expected the name of a field after `?`"},
        {"event[?]", "refused 7+1: expected an expression after `?`, not `]`"},
        {"event.?a.b.c.orValue(0) > 1 && event.a[?0].orValue(true)", "ok"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = load_text(rows[i].expr, strlen(rows[i].expr));
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].expr);
        assert_string_equal(got, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_that_may_be_missing_is_asked_for_once),
        cmocka_unit_test(without_an_event_there_is_nothing_to_be_missing),
        cmocka_unit_test(optionals_are_values),
        cmocka_unit_test(opt_map_runs_only_where_there_is_a_value),
        cmocka_unit_test(optional_entries_are_left_out),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
