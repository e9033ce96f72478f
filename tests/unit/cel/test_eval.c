/* What expressions give on events: fields, missing and null, numbers, headers, failures and who absorbs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "event.h"

struct row {
    const char *expr, *event, *expected;
};

static void run(const struct row *rows, size_t count, const struct event *base)
{
    for (size_t i = 0; i < count; i++) {
        struct event ev = *base;
        ev.json = rows[i].event;
        const char *got = eval_text(rows[i].expr, &ev);
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s on %s\n", rows[i].expr, rows[i].event ? rows[i].event : "(tombstone)");
        assert_string_equal(got, rows[i].expected);
    }
}

#define RUN(rows) run(rows, sizeof rows / sizeof *rows, &(struct event){.key = "k1"})

static void fields_are_read_by_path(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.a.b", "{\"a\":{\"b\":7}}", "7"},
        {"event[\"x y\"].c", "{\"x y\":{\"c\":\"z\"}}", "\"z\""},
        {"event.list[1]", "{\"list\":[5,6]}", "6"},
        {"event.list[0].name", "{\"list\":[{\"name\":\"n\"}]}", "\"n\""},
        {"event[\"a\" + \"b\"]", "{\"ab\":1}", "1"},
        {"event.list[event.i]", "{\"list\":[5,6],\"i\":1}", "6"},
        {"event.list[event.i].n", "{\"list\":[5,{\"n\":8}],\"i\":1}", "8"},
        {"event[event.k]", "{\"k\":\"v\",\"v\":true}", "true"},
        {"event[event.k].x", "{\"k\":\"v\",\"v\":{\"x\":2}}", "2"},
        {"event", "[1, {\"a\" : null}]", "[1, {\"a\": null}]"},
        {"event", " 5 ", "5"},
        {"event.`x-y`", "{\"x-y\":3}", "3"},
        {"event.list[1u]", "{\"list\":[5,6]}", "6"},
        {"event.list[event.i]", "{\"list\":[5,6],\"i\":1.0}", "6"},
        {"(event.a).b", "{\"a\":{\"b\":7}}", "7"},
        {"event.in", "{\"in\":4}", "4"},
        {"{\"a\": event.x}.a", "{\"x\":4}", "4"},
        {"[event.x, 2][0]", "{\"x\":4}", "4"},
        {"size(event)", "{\"x\":4,\"y\":5,\"x\":6}", "2"},
    };
    RUN(rows);
}

static void missing_is_an_error_that_names_the_key(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.amount", "{}", "error 6: no such key: amount"},
        {"event.a.b", "{\"a\":{}}", "error 8: no such key: b"},
        {"event.a.b", "{}", "error 8: no such key: a"},
        {"event.a.b.c.d == 1", "{\"a\":{}}", "error 14: no such key: b"},
        {"event.a.b", "{\"a\":\"x\"}", "error 8: string has no field `b`"},
        {"event.a.b", "{\"a\":null}", "error 8: null has no field `b`"},
        {"event.a", "[1]", "error 6: list has no field `a`"},
        {"event.a", "7", "error 6: a number has no field `a`"},
        {"event.list[2]", "{\"list\":[1,2]}", "error 10: index out of range: 2"},
        {"event.list[0]", "{\"list\":{\"0\":1}}", "error 10: no such key: 0"},
        {"event.list[0]", "{\"list\":5}", "error 10: a number has no element [0]"},
        {"event.list[-1]", "{\"list\":[1]}", "error 10: index out of range: -1"},
        {"event.list[event.i]", "{\"list\":[1],\"i\":0.5}", "error 10: index out of range: 0.5"},
        {"event.map[event.i]", "{\"map\":{\"1\":1},\"i\":1}", "error 9: no such key: 1"},
        {"event.list[event.i]", "{\"list\":[1],\"i\":\"x\"}", "error 10: no matching overload for list[string]"},
        {"event[event.k].x", "{\"k\":\"v\",\"v\":5}", "error 15: int has no field `x`"},
        {"event[event.k].x", "{\"k\":\"v\",\"v\":{}}", "error 15: no such key: x"},
        {"event.a", NULL, "error 6: no event: the value is null"},
        {"event", NULL, "error 0: no event: the value is null"},
        {"has(event.a)", NULL, "error 10: no event: the value is null"},
    };
    RUN(rows);
}

static void null_is_a_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.a", "{\"a\":null}", "null"},
        {"event.a == null", "{\"a\":null}", "true"},
        {"event.a == null", "{\"a\":0}", "false"},
        {"event.a != null", "{\"a\":0}", "true"},
        {"event.a == null", "{}", "error 8: no such key: a"},
        {"event.a == 5", "{\"a\":null}", "false"},
        {"event.a < 5", "{\"a\":null}", "error 8: no matching overload for null < int"},
        {"event.a + 5", "{\"a\":null}", "error 8: no matching overload for null + int"},
        {"type(event.a)", "{\"a\":null}", "null_type"},
    };
    RUN(rows);
}

static void has_is_false_only_where_the_parent_is_a_map(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"has(event.a)", "{\"a\":1}", "true"},
        {"has(event.a)", "{\"a\":null}", "true"},
        {"has(event.a)", "{}", "false"},
        {"has(event.a.b)", "{\"a\":{\"b\":false}}", "true"},
        {"has(event.a.b)", "{\"a\":{}}", "false"},
        {"has(event.a.b)", "{}", "error 12: no such key: a"},
        {"has(event.a.b)", "{\"a\":3}", "error 12: a number has no field `b`"},
        {"has(event.a.b)", "{\"a\":[1]}", "error 12: list has no field `b`"},
        {"has(event.a)", "\"text\"", "error 10: string has no field `a`"},
        {"has(event.a) && has(event.a.b) && event.a.b == 2", "{\"a\":{\"b\":2}}", "true"},
        {"has(event.a.b) || true", "{}", "true"},
        {"!has(event.a)", "{}", "true"},
        {"has(event.l[event.i].x)", "{\"l\":[{\"x\":1}],\"i\":0}", "true"},
        {"has(event.l[event.i].x)", "{\"l\":[{}],\"i\":0}", "false"},
        {"has(event.l[event.i].x)", "{\"l\":[5],\"i\":0}", "error 21: int has no field `x`"},
        {"has(event.l[0].x)", "{\"l\":[{}]}", "false"},
        {"has({\"a\": event.x}.b)", "{\"x\":1}", "false"},
        {"\"a\" in event", "{\"a\":null}", "true"},
        {"\"b\" in event", "{\"a\":null}", "false"},
        {"\"b\" in event.a", "{\"a\":5}", "error 4: no matching overload for string in int"},
    };
    RUN(rows);
}

static void the_last_of_a_repeated_key_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.a", "{\"a\":1,\"a\":2}", "2"},
        {"event.a.b", "{\"a\":{\"b\":1},\"a\":{\"c\":1}}", "error 8: no such key: b"},
        {"has(event.a.b)", "{\"a\":{\"b\":1},\"a\":{\"c\":1}}", "false"},
        {"event[event.k]", "{\"k\":\"a\",\"a\":1,\"\\u0061\":9}", "9"},
        {"event", "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\": 2, \"a\": 3}"},
        {"event.x == event.y", "{\"x\":{\"a\":1,\"a\":2},\"y\":{\"a\":2}}", "true"},
        {"event.x == event.y", "{\"x\":{\"a\":2,\"a\":1},\"y\":{\"a\":2}}", "false"},
    };
    RUN(rows);
}

static void json_numbers_are_int_or_double_as_written(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"type(event.n)", "{\"n\":1}", "int"},
        {"type(event.n)", "{\"n\":1.0}", "double"},
        {"type(event.n)", "{\"n\":1e2}", "double"},
        {"type(event.n)", "{\"n\":-0}", "int"},
        {"event.n", "{\"n\":9223372036854775807}", "9223372036854775807"},
        {"event.n", "{\"n\":-9223372036854775808}", "-9223372036854775808"},
        {"event.n", "{\"n\":9223372036854775808}", "9223372036854776000.0"},
        {"event.n == 1", "{\"n\":1.0}", "true"},
        {"event.n == 1.0", "{\"n\":1}", "true"},
        {"event.n == 1u", "{\"n\":1}", "true"},
        {"event.n == 9007199254740993", "{\"n\":9007199254740992.0}", "false"},
        {"event.n < 9007199254740993", "{\"n\":9007199254740992.0}", "true"},
        {"event.n > 18446744073709551615u", "{\"n\":1e20}", "true"},
        {"event.n < 0u", "{\"n\":-1}", "true"},
        {"event.n >= 1000", "{\"n\":1000}", "true"},
        {"event.n >= 1000", "{\"n\":999.99}", "false"},
        {"1000 <= event.n", "{\"n\":1000}", "true"},
        {"1000 < event.n", "{\"n\":1000}", "false"},
        {"1000 > event.n", "{\"n\":999}", "true"},
        {"event.n == \"1\"", "{\"n\":1}", "false"},
        {"event.n != \"1\"", "{\"n\":1}", "true"},
        {"event.n > \"1\"", "{\"n\":1}", "error 8: no matching overload for int > string"},
        {"\"1\" < event.n", "{\"n\":1}", "error 4: no matching overload for int > string"},
        {"event.n == [1, 2.0]", "{\"n\":[1.0,2]}", "true"},
        {"event.n in [1, 2, 3]", "{\"n\":2.0}", "true"},
        {"event.n in [1, 2, 3]", "{\"n\":4}", "false"},
    };
    RUN(rows);
}

static void int_and_double_mix_only_where_a_type_is_dyn(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.price * event.qty", "{\"price\":1.5,\"qty\":3}", "4.5"},
        {"event.price * event.qty", "{\"price\":2,\"qty\":3}", "6"},
        {"event.price * 1.5 + 1", "{\"price\":2}", "4.0"},
        {"event.a - 1", "{\"a\":0.5}", "-0.5"},
        {"1 / event.a", "{\"a\":4.0}", "0.25"},
        {"dyn(1) + 1.5", "{}", "2.5"},
        {"event.a % 2", "{\"a\":5.0}", "error 8: no matching overload for double % int"},
        {"event.a + 1u", "{\"a\":1}", "refused 8+1: no matching overload for dyn + uint"},
        {"1 + 1.5", "{}",
         "refused 2+1: no matching overload for int + double; convert one side with int(), uint() or "
         "double()"},
        {"offset + 1.5", "{}",
         "refused 7+1: no matching overload for int + double; convert one side with int(), uint() "
         "or double()"},
        {"event.a + event.b", "{\"a\":9223372036854775807,\"b\":1}", "error 8: int overflow"},
        {"event.a - event.b", "{\"a\":-9223372036854775808,\"b\":1}", "error 8: int overflow"},
        {"event.a * event.b", "{\"a\":5000000000,\"b\":5000000000}", "error 8: int overflow"},
        {"-event.a", "{\"a\":-9223372036854775808}", "error 0: int overflow"},
        {"event.a / event.b", "{\"a\":-9223372036854775808,\"b\":-1}", "error 8: int overflow"},
        {"event.a % event.b", "{\"a\":-9223372036854775808,\"b\":-1}", "error 8: int overflow"},
        {"event.a / event.b", "{\"a\":1,\"b\":0}", "error 8: division by zero"},
        {"event.a % event.b", "{\"a\":1,\"b\":0}", "error 8: modulus by zero"},
        {"event.a / event.b", "{\"a\":1.0,\"b\":0}", "double(\"+Inf\")"},
        {"event.a / event.b", "{\"a\":0.0,\"b\":0}", "double(\"NaN\")"},
        {"event.a / event.b == event.a / event.b", "{\"a\":0.0,\"b\":0}", "false"},
        {"event.a / event.b != event.a / event.b", "{\"a\":0.0,\"b\":0}", "true"},
        {"event.a + event.b", "{\"a\":\"x\",\"b\":\"y\"}", "\"xy\""},
        {"event.a + event.b", "{\"a\":\"x\\n\",\"b\":\"\\u00e9\"}", "\"x\\n\303\251\""},
        {"event.a + [3]", "{\"a\":[1,2]}", "[1, 2, 3]"},
        {"event.a + event.b", "{\"a\":\"x\",\"b\":1}", "error 8: no matching overload for string + int"},
    };
    RUN(rows);
}

static void strings_compare_unescaped_and_count_code_points(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.s == \"a/b\"", "{\"s\":\"a\\/b\"}", "true"},
        {"event.s == \"\303\251\"", "{\"s\":\"\\u00e9\"}", "true"},
        {"event.s == event.t", "{\"s\":\"\\u00e9\",\"t\":\"\303\251\"}", "true"},
        {"event.s == event.t", "{\"s\":\"\\u00e9\",\"t\":\"\\u00E9\"}", "true"},
        {"event.s != event.t", "{\"s\":\"\\u00e9\",\"t\":\"\\u00e8\"}", "true"},
        {"event.s < event.t", "{\"s\":\"\\u00e8\",\"t\":\"\\u00e9\"}", "true"},
        {"event.s < \"b\"", "{\"s\":\"\\u0061\"}", "true"},
        {"event.s >= \"b\"", "{\"s\":\"a\"}", "false"},
        {"event.s in [\"x\", \"a/b\"]", "{\"s\":\"a\\/b\"}", "true"},
        {"\"a/b\" in event.l", "{\"l\":[\"a\\/b\"]}", "true"},
        {"size(event.s)", "{\"s\":\"\303\251\\u00e9x\"}", "3"},
        {"event.s.size()", "{\"s\":\"abc\"}", "3"},
        {"event.s.startsWith(\"a/\")", "{\"s\":\"a\\/b\"}", "true"},
        {"event.s.endsWith(\"/b\")", "{\"s\":\"a\\/b\"}", "true"},
        {"event.s.contains(\"/\")", "{\"s\":\"a\\/b\"}", "true"},
        {"event.s.contains(\"\")", "{\"s\":\"\"}", "true"},
        {"event.s.contains(event.t)", "{\"s\":\"abc\",\"t\":\"bc\"}", "true"},
        {"event.s.startsWith(\"a\")", "{\"s\":5}", "error 8: no matching overload for int.startsWith(string)"},
        {"size(event.s)", "{\"s\":5}", "error 0: no matching overload for size(int)"},
        {"event.s", "{\"s\":\"q\\\"\\u0001\"}", "\"q\\\"\\u0001\""},
        {"{event.s: 1}[\"a/b\"]", "{\"s\":\"a\\/b\"}", "1"},
        {"{event.s: 1, \"a/b\": 2}", "{\"s\":\"a\\/b\"}", "error 0: repeated key: a/b"},
        {"{event.s: 1}", "{\"s\":1.5}", "error 0: double 1.5 is not a key of a map"},
        {"{\"a/b\": 1}[event.s]", "{\"s\":\"a\\/b\"}", "1"},
        {"event.m[event.s]", "{\"s\":\"a\\/b\",\"m\":{\"a/b\":3}}", "3"},
    };
    RUN(rows);
}

static void conversions_check_their_range(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"int(event.x)", "{\"x\":\"42\"}", "42"},
        {"int(event.x)", "{\"x\":\"-9223372036854775808\"}", "-9223372036854775808"},
        {"int(event.x)", "{\"x\":\"9223372036854775808\"}", "error 0: string \"9223372036854775808\" is not an int"},
        {"int(event.x)", "{\"x\":\" 42\"}", "error 0: string \" 42\" is not an int"},
        {"int(event.x)", "{\"x\":\"\"}", "error 0: string \"\" is not an int"},
        {"int(event.x)", "{\"x\":-7.9}", "-7"},
        {"int(event.x)", "{\"x\":9223372036854775808.0}", "error 0: double 9223372036854776000 is not an int"},
        {"int(event.x)", "{\"x\":true}", "error 0: no matching overload for int(bool)"},
        {"uint(event.x)", "{\"x\":-1}", "error 0: int -1 is not a uint"},
        {"uint(event.x)", "{\"x\":\"18446744073709551615\"}", "18446744073709551615u"},
        {"uint(event.x)", "{\"x\":\"-1\"}", "error 0: string \"-1\" is not a uint"},
        {"double(event.x)", "{\"x\":\"1.5e3\"}", "1500.0"},
        {"double(event.x)", "{\"x\":\"0x10\"}", "error 0: string \"0x10\" is not a double"},
        {"double(event.x)", "{\"x\":\"1e999\"}", "error 0: string \"1e999\" is not a double"},
        {"double(event.x)", "{\"x\":\"-inf\"}", "double(\"-Inf\")"},
        {"double(event.x)", "{\"x\":\"+.5\"}", "0.5"},
        {"double(event.x)", "{\"x\":\"18446744073709552000\"}", "18446744073709552000.0"},
        {"double(event.x)", "{\"x\":\"-99999999999999999999\"}", "-100000000000000000000.0"},
        {"double(event.x)", "{\"x\":\"+12345678901234567890\"}", "12345678901234567000.0"},
        {"double(event.x)", "{\"x\":\"12345678901234567890.\"}", "12345678901234567000.0"},
        {"double(event.x)", "{\"x\":\"12345678901234567890123\"}", "1.2345678901234568e+22"},
        {"double(event.x)", "{\"x\":\".\"}", "error 0: string \".\" is not a double"},
        {"string(event.x)", "{\"x\":1.0}", "\"1\""},
        {"string(event.x)", "{\"x\":0.1}", "\"0.1\""},
        {"string(event.x)", "{\"x\":1e21}", "\"1e+21\""},
        {"string(event.x)", "{\"x\":123456789012.5}", "\"123456789012.5\""},
        {"string(event.x)", "{\"x\":1.5e-9}", "\"1.5e-9\""},
        {"string(event.x)", "{\"x\":[1]}", "error 0: no matching overload for string(list)"},
        {"bool(event.x)", "{\"x\":\"yes\"}", "error 0: string \"yes\" is not a bool"},
        {"bytes(event.x)", "{\"x\":\"a\\u00e9\"}", "b\"a\\xc3\\xa9\""},
        {"string(timestamp)", "{}", "\"2009-02-13T23:31:30.123Z\""},
        {"int(timestamp)", "{}", "1234567890"},
    };
    RUN(rows);
}

static void variables_have_their_meaning(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"topic", "{}", "\"games\""},
        {"partition", "{}", "3"},
        {"offset", "{}", "41"},
        {"timestamp", "{}", "timestamp(\"2009-02-13T23:31:30.123Z\")"},
        {"timestamp == timestamp", "{}", "true"},
        {"key", "{}", "\"k1\""},
        {"key_bytes", "{}", "b\"k1\""},
        {"value", "{}", "b\"{}\""},
        {"value", NULL, "null"},
        {"size(value)", "{}", "2"},
        {"size(value)", NULL, "error 0: no matching overload for size(null)"},
        {".topic", "{}", "\"games\""},
        {"topic == \"games\" && partition in [1, 3]", "{}", "true"},
        {"type(key) == string", "{}", "true"},
        {"google.protobuf.Timestamp == type(timestamp)", "{}", "true"},
    };
    RUN(rows);
}

static void a_key_may_be_missing_or_not_utf8(void **state)
{
    (void)state;
    struct event none = {.json = "{}"}, bad = {.json = "{}", .key = "\xff"};
    assert_string_equal(eval_text("key", &none), "null");
    assert_string_equal(eval_text("key == null", &none), "true");
    assert_string_equal(eval_text("key_bytes == null", &none), "true");
    assert_string_equal(eval_text("key.startsWith(\"a\")", &none),
                        "error 4: no matching overload for null.startsWith(string)");
    assert_string_equal(eval_text("key", &bad), "error 0: the key is not UTF-8");
    assert_string_equal(eval_text("key_bytes", &bad), "b\"\\xff\"");
    assert_string_equal(eval_text("string(key_bytes)", &bad), "error 0: bytes is not a UTF-8 string");
}

static void headers_are_a_map_of_strings(void **state)
{
    (void)state;
    static const struct cel_header headers[] = {
        {{"partner", 7}, {"first", 5}}, {{"x-region", 8}, {"eu-west", 7}}, {{"partner", 7}, {"last", 4}},
        {{"raw", 3}, {"\xff", 1}},      {{"empty", 5}, {"", 0}},           {{"null", 4}, {NULL, 0}},
    };
    static const struct row rows[] = {
        {"headers.partner", "{}", "\"last\""},
        {"headers[\"x-region\"]", "{}", "\"eu-west\""},
        {"headers[\"x-region\"].startsWith(\"eu-\")", "{}", "true"},
        {"headers[\"x-\" + event.h]", "{\"h\":\"region\"}", "\"eu-west\""},
        {"headers.`x-region`", "{}", "\"eu-west\""},
        {"has(headers.partner)", "{}", "true"},
        {"has(headers.other)", "{}", "false"},
        {"has(headers.raw)", "{}", "true"},
        {"\"x-region\" in headers", "{}", "true"},
        {"event.h in headers", "{\"h\":\"nope\"}", "false"},
        {"event.h in headers", "{\"h\":7}", "false"},
        {"size(headers)", "{}", "5"},
        {"headers.other", "{}", "error 8: no such key: other"},
        {"headers.raw", "{}", "error 8: header raw is not UTF-8"},
        {"headers.raw == \"a\" || true", "{}", "true"},
        {"headers[event.h]", "{\"h\":\"raw\"}", "error 7: header raw is not UTF-8"},
        {"headers.empty", "{}", "\"\""},
        {"headers.null", "{}", "null"},
        {"headers.partner", NULL, "\"last\""},
    };
    run(rows, sizeof rows / sizeof *rows, &(struct event){.headers = headers, .header_count = 6});
    assert_string_equal(eval_text("headers", &(struct event){.headers = headers, .header_count = 3}),
                        "{\"x-region\": \"eu-west\", \"partner\": \"last\"}");
    assert_string_equal(eval_text("headers == {\"partner\": \"last\", \"x-region\": \"eu-west\"}",
                                  &(struct event){.headers = headers, .header_count = 3}),
                        "true");
}

static void logic_absorbs_failures_on_either_side(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.x == 1 || event.a", "{\"a\":true}", "true"},
        {"event.a || event.x == 1", "{\"a\":true}", "true"},
        {"event.x == 1 && event.a", "{\"a\":false}", "false"},
        {"event.a && event.x == 1", "{\"a\":false}", "false"},
        {"event.x == 1 || event.a", "{\"a\":false}", "error 8: no such key: x"},
        {"event.x == 1 && event.y == 2", "{}", "error 8: no such key: x"},
        {"event.x == 1 || event.y == 2 || event.a", "{\"a\":true}", "true"},
        {"event.a && true", "{\"a\":5}", "error 6: the condition must be bool, not int"},
        {"event.a || event.b", "{\"a\":5,\"b\":true}", "true"},
        {"event.x == 1 ? 1 : 2", "{}", "error 8: no such key: x"},
        {"event.a ? 1 : event.x", "{\"a\":true}", "1"},
        {"event.a ? event.x : 2", "{\"a\":false}", "2"},
        {"event.a ? 1 : 2", "{\"a\":\"true\"}", "error 6: the condition must be bool, not string"},
        {"event.a == 1 ? \"one\" : event.a == 2 ? \"two\" : \"many\"", "{\"a\":2}", "\"two\""},
        {"!(event.x == 1) || true", "{}", "true"},
        {"1/0 > 0 || true", "{}", "true"},
        {"true || 1/0 > 0", "{}", "true"},
        {"false && 1/0 > 0", "{}", "false"},
        {"1/0 > 0 && event.a", "{\"a\":false}", "false"},
        {"event.a || 1/0 > 0", "{\"a\":false}", "error 12: division by zero"},
        {"event.a ? 1/0 : 2", "{\"a\":false}", "2"},
        {"(event.a == 1) == event.b", "{\"a\":1,\"b\":true}", "true"},
        {"(event.a == 1) == (event.b == 2)", "{\"a\":1,\"b\":3}", "false"},
        {"(1 == event.a) == event.b", "{\"a\":1,\"b\":true}", "true"},
        {"(event.a < 5) == event.b", "{\"a\":1,\"b\":true}", "true"},
        {"(event.a ? event.b : event.c).d", "{\"a\":true,\"b\":{\"d\":6}}", "6"},
        {"(true ? event.b : event.c).d", "{\"a\":true,\"b\":{\"d\":6}}", "6"},
    };
    RUN(rows);
}

static void a_condition_that_fails_is_false_and_says_so(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.a == 1", "{\"a\":1}", "true"},
        {"event.a == 1", "{\"a\":2}", "false"},
        {"event.a == 1", "{}", "failed"},
        {"event.a", "{\"a\":1}", "failed"},
        {"event.a", "{\"a\":true}", "true"},
        {"event.a == 1", NULL, "failed"},
        {"has(event.a)", "{}", "false"},
        {"topic", "{}", "failed"},
        {"event.a < 3", "{\"a\":\"x\"}", "failed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(test_text(rows[i].expr, &(struct event){.json = rows[i].event}), rows[i].expected);
}

static void chains_are_as_long_as_the_text_and_cost_no_stack(void **state)
{
    (void)state;
    struct vx_buf buf = {0}, json = {0};
    struct event ev = {.json = "{\"a\":1,\"t\":true}"};
    vx_buf_str(&buf, "event.a");
    for (int i = 0; i < 10000; i++)
        vx_buf_str(&buf, "+1");
    assert_string_equal(eval_text(vx_buf_text(&buf), &ev), "10001");
    vx_buf_clear(&buf);
    vx_buf_str(&buf, "event.t");
    for (int i = 0; i < 7000; i++)
        vx_buf_str(&buf, i % 2 ? "&&event.t" : "||false");
    assert_string_equal(eval_text(vx_buf_text(&buf), &ev), "true");
    vx_buf_clear(&buf);
    vx_buf_str(&buf, "event");
    for (int i = 0; i < 500; i++) {
        vx_buf_str(&buf, ".a");
        vx_buf_str(&json, "{\"a\":");
    }
    vx_buf_str(&json, "5");
    for (int i = 0; i < 500; i++)
        vx_buf_char(&json, '}');
    assert_string_equal(eval_text(vx_buf_text(&buf), &(struct event){.json = vx_buf_text(&json)}), "5");
    vx_buf_str(&buf, ".a");
    assert_string_equal(eval_text(vx_buf_text(&buf), &(struct event){.json = vx_buf_text(&json)}),
                        "error 1006: int has no field `a`");
    vx_buf_done(&buf);
    vx_buf_done(&json);
}

static void work_is_bounded_by_steps(void **state)
{
    (void)state;
    /* Two big maps are sorted to be compared, also where keys are repeated. */
    struct vx_buf json = {0};
    vx_buf_str(&json, "{\"twice\":{\"key7\":0,\"key7\":7},\"a\":{");
    for (int i = 0; i < 6000; i++)
        vx_buf_printf(&json, "%s\"key%d\":%d", i ? "," : "", i, i);
    vx_buf_str(&json, "},\"b\":{");
    for (int i = 6000; i-- > 0;)
        vx_buf_printf(&json, "\"key%d\":%d%s", i, i, i ? "," : "");
    vx_buf_str(&json, "},\"c\":{\"key7\":0");
    for (int i = 6000; i-- > 0;)
        vx_buf_printf(&json, ",\"key%d\":%d", i, i);
    vx_buf_str(&json, "}}");
    const struct event ev = {.json = vx_buf_text(&json)};
    assert_string_equal(eval_text("event.a == event.b", &ev), "true");
    assert_string_equal(eval_text("event.twice == {\"key7\": 7}", &ev), "true");
    assert_string_equal(eval_text("event.a == event.c", &ev), "true");
    vx_buf_clear(&json);
    vx_buf_str(&json, "{\"n\":[0");
    for (int i = 0; i < CEL_STEPS_MAX; i++)
        vx_buf_str(&json, ",0");
    vx_buf_str(&json, "]}");
    const struct event long_list = {.json = vx_buf_text(&json)};
    assert_string_equal(eval_text("event.n.all(x, x == 0)", &long_list),
                        "error 8: the evaluation takes too many steps");
    vx_buf_done(&json);
}

static void a_huge_map_of_repeated_keys_is_walked_within_the_budget(void **state)
{
    (void)state;
    enum { MEMBERS = 40000, SIZE = MEMBERS * 16 };
    static char json[2 * SIZE + 64];
    int n = snprintf(json, sizeof json, "{\"a\":{\"k0\":-1");
    for (int i = 0; i < MEMBERS; i++)
        n += snprintf(json + n, sizeof json - (size_t)n, ",\"k%d\":%d", i % (MEMBERS / 2), i);
    n += snprintf(json + n, sizeof json - (size_t)n, "},\"b\":{\"k0\":%d", MEMBERS / 2);
    for (int i = MEMBERS / 2; i < MEMBERS; i++)
        n += snprintf(json + n, sizeof json - (size_t)n, ",\"k%d\":%d", i - MEMBERS / 2, i);
    snprintf(json + n, sizeof json - (size_t)n, "}}");
    struct event ev = {.json = json};
    assert_string_equal(test_text("event.a.all(k, v, v >= 20000)", &ev), "true");
    assert_string_equal(test_text("event.a == event.b", &ev), "true");
    assert_string_equal(test_text("event.a.exists(k, v, v == -1)", &ev), "false");
}

/* The shorter ways of eval_quick.c and of comparisons in macros give what the nodes give: inside a list nothing is short. */
static void comparisons_of_numbers_are_the_same_however_they_are_computed(void **state)
{
    (void)state;
    static const char *const values[] = {"1",
                                         "-1",
                                         "2.5",
                                         "-0.0",
                                         "1e300",
                                         "9007199254740993",
                                         "9007199254740992.0",
                                         "9223372036854775807",
                                         "9223372036854775808",
                                         "\"abc\"",
                                         "\"h\u00e9\"",
                                         "\"\\u00e9\"",
                                         "null",
                                         "true",
                                         "[]"};
    static const char *const shapes[] = {
        "event.a * 2.0 %s event.b - 1",
        "event.a + event.b %s 3",
        "size(event.a) + 1 %s event.b",
        "event.a * 3 %s event.b",
        "event.a - event.missing %s 1",
        "event.a %s event.b",
        "event.a * 1.0 %s event.b * 4611686018427387904",
    };
    static const char *const inner[] = {
        "x.v %s 1.5", "x.v %s 1", "x.v %s -0.0", "x.v %s 0.0 / 0.0", "x.v %s 9007199254740992.0", "x.v[0] %s 2.5"};
    static const char *const tests[] = {"==", "!=", "<", "<=", ">", ">="};
    enum { VALUES = sizeof values / sizeof *values, SHAPES = sizeof shapes / sizeof *shapes, INNER = 6 };
    for (int n = 0; n < VALUES * VALUES * 6; n++) {
        char json[128], text[128], quick[160], slow[160], got[16];
        snprintf(json, sizeof json, "{\"a\":%s,\"b\":%s,\"l\":[{\"v\":%s}]}", values[n % VALUES],
                 values[n / VALUES % VALUES], values[n % VALUES]);
        struct event ev = {.json = json};
        for (int i = 0; i < SHAPES + INNER; i++) {
            const char *shape = i < SHAPES ? shapes[i] : inner[i - SHAPES], *at = strstr(shape, "%s");
            snprintf(text, sizeof text, "%.*s%s%s", (int)(at - shape), shape, tests[n / VALUES / VALUES], at + 2);
            snprintf(quick, sizeof quick, i < SHAPES ? "%s" : "event.l.exists(x, %s)", text);
            snprintf(slow, sizeof slow, i < SHAPES ? "[%s][0]" : "event.l.exists(x, [%s][0])", text);
            snprintf(got, sizeof got, "%s", test_text(quick, &ev));
            if (strcmp(got, test_text(slow, &ev)) != 0)
                fail_msg("%s of %s is %s, %s is not", quick, json, got, slow);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_huge_map_of_repeated_keys_is_walked_within_the_budget),
        cmocka_unit_test(comparisons_of_numbers_are_the_same_however_they_are_computed),
        cmocka_unit_test(fields_are_read_by_path),
        cmocka_unit_test(missing_is_an_error_that_names_the_key),
        cmocka_unit_test(null_is_a_value),
        cmocka_unit_test(has_is_false_only_where_the_parent_is_a_map),
        cmocka_unit_test(the_last_of_a_repeated_key_counts),
        cmocka_unit_test(json_numbers_are_int_or_double_as_written),
        cmocka_unit_test(int_and_double_mix_only_where_a_type_is_dyn),
        cmocka_unit_test(strings_compare_unescaped_and_count_code_points),
        cmocka_unit_test(conversions_check_their_range),
        cmocka_unit_test(variables_have_their_meaning),
        cmocka_unit_test(a_key_may_be_missing_or_not_utf8),
        cmocka_unit_test(headers_are_a_map_of_strings),
        cmocka_unit_test(logic_absorbs_failures_on_either_side),
        cmocka_unit_test(a_condition_that_fails_is_false_and_says_so),
        cmocka_unit_test(chains_are_as_long_as_the_text_and_cost_no_stack),
        cmocka_unit_test(work_is_bounded_by_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
