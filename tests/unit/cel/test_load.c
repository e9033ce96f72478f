/* What is refused at load, with its exact words and place; and that hostile text is survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event.h"

struct row {
    const char *text, *expected;
};

static void run(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = load_text(rows[i].text, strlen(rows[i].text));
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].text);
        assert_string_equal(got, rows[i].expected);
    }
}

#define RUN(rows) run(rows, sizeof rows / sizeof *rows)

static void syntax_errors_say_what_was_expected(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "refused 0+1: the expression is empty"},
        {"  // nothing", "refused 0+1: the expression is empty"},
        {"event.a &&", "refused 10+1: expected an expression after `&&`"},
        {"event.a == ", "refused 11+1: expected an expression after `==`"},
        {"&& event.a", "refused 0+2: expected an expression, not `&&`"},
        {"(event.a", "refused 8+1: expected `)` after `a`"},
        {"(event.a]", "refused 8+1: expected `)` after `a`, not `]`"},
        {"event.list[1", "refused 12+1: expected `]` after `1`"},
        {"event.", "refused 6+1: expected the name of a field after `.`"},
        {"event.5", "refused 5+2: expected an operator or the end after `event`, not `.5`"},
        {"event.\"x\"", "refused 6+3: expected the name of a field after `.`, not `\"x\"`"},
        {"[1, 2", "refused 5+1: expected `]` or `,` after `2`"},
        {"{1: 2", "refused 5+1: expected `}` or `,` after `2`"},
        {"{1}", "refused 2+1: expected `:` and a value after `1`, not `}`"},
        {"size(1,)", "refused 7+1: expected an expression after `,`, not `)`"},
        {"event.a ? 1", "refused 11+1: expected `:` after `1`"},
        {"event.a event.b", "refused 8+5: expected an operator or the end after `a`, not `event`"},
        {"event.a and event.b", "refused 8+3: `and` is not an operator; did you mean `&&`?"},
        {"event.a or event.b", "refused 8+2: `or` is not an operator; did you mean `||`?"},
        {"event.a = 1", "refused 8+1: `=` is not an operator; equality is `==`"},
        {"event.a & event.b", "refused 8+1: `&` is not an operator; did you mean `&&`?"},
        {"event.a | event.b", "refused 8+1: `|` is not an operator; did you mean `||`?"},
        {"event.a \303\251", "refused 8+2: unexpected character `\303\251`"},
        {"event.a # b", "refused 8+1: unexpected character `#`"},
        {"for + 1", "refused 0+3: `for` is a reserved word"},
        {"in", "refused 0+2: `in` is a reserved word"},
        {"Message{a: 1}", "refused 0+7: there are no messages here: `Message{` makes none"},
        {"event.`a", "refused 6+2: unterminated name in backquotes"},
    };
    RUN(rows);
}

static void literals_are_checked(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"key == \"abc", "refused 7+1: unterminated string"},
        {"key == 'abc\n'", "refused 7+1: unterminated string"},
        {"key == '''abc''", "refused 7+3: unterminated string"},
        {"key == r\"abc", "refused 7+2: unterminated string"},
        {"value == b'abc", "refused 9+2: unterminated bytes"},
        {"\"a\\\"", "refused 0+1: unterminated string"},
        {"\"ab\\q\"", "refused 3+2: `\\q` is not an escape of a string"},
        {"\"\\ud800\"", "refused 1+2: `\\u` is not an escape of a string"},
        {"\"\\U00110000\"", "refused 1+2: `\\U` is not an escape of a string"},
        {"\"\\x4\"", "refused 1+2: `\\x` is not an escape of a string"},
        {"\"\\400\"", "refused 1+2: `\\4` is not an escape of a string"},
        {"b\"\\u0041\"", "refused 2+2: `\\u` is not an escape of a bytes"},
        {"9223372036854775808", "refused 0+19: the number does not fit an int (64 bits, signed)"},
        {"-9223372036854775808", "ok"},
        {"-9223372036854775809", "refused 1+19: the number does not fit an int (64 bits, signed)"},
        {"18446744073709551615u", "ok"},
        {"18446744073709551616u", "refused 0+20: the number does not fit 64 bits"},
        {"0xffffffffffffffff1", "refused 0+19: the number does not fit 64 bits"},
        {"0x", "refused 0+2: `0x` is not a number"},
        {"12abc", "refused 0+5: `12abc` is not a number"},
        {"1e999", "refused 0+5: the number is too large for a double"},
        {"0x1F == 31 && .5 == 5e-1 && 1.5E+1 == 15.0", "ok"},
        {"r'\\d' == \"\\\\d\" && R\"\"\"a\nb\"\"\" == 'a\\nb' && br'\\x' == b'\\\\x'", "ok"},
        {"{1: 2, 3: 4,} == {3: 4, 1: 2} && [1, 2,] == [1, 2]", "ok"},
    };
    RUN(rows);
}

static void unknown_names_are_refused_with_what_is_near(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"evnt.type == 1", "refused 0+4: unknown variable `evnt`; did you mean `event`?"},
        {"header.partner == \"x\"", "refused 0+6: unknown variable `header`; did you mean `headers`?"},
        {"event.a == strng", "refused 11+5: unknown variable `strng`; did you mean `string`?"},
        {"foo", "refused 0+3: unknown variable `foo`"},
        {"event.a == purchase", "refused 11+8: unknown variable `purchase`"},
        {"size", "refused 0+4: `size` is a function: write size(…)"},
        {"sizes(event.a)", "refused 0+5: unknown function `sizes`; did you mean `size`?"},
        {"event.a.startswith(\"x\")", "refused 8+10: unknown function `startswith`; did you mean `startsWith`?"},
        {"frobnicate(1)", "refused 0+10: unknown function `frobnicate`"},
        {"startsWith(event.a, \"x\")", "refused 0+10: startsWith() is called on a value: write x.startsWith(…)"},
        {"event.a.int()", "refused 8+3: int() is not called on a value: write int(x)"},
        {"size(event.a, 1)", "refused 0+4: size() takes 1 argument, not 2"},
        {"size()", "refused 0+4: size() takes 1 argument, not 0"},
        {"event.a.contains()", "refused 8+8: contains() takes 1 argument, not 0"},
        {"headers.x-region == \"eu\"", "refused 0+16: unknown variable `region`: `headers.x-region` is a subtraction; "
                                       "write headers[\"x-region\"]"},
        {"headers.x-request-id == \"eu\"", "refused 0+20: unknown variable `request`: `headers.x-request-id` is a "
                                           "subtraction; write headers[\"x-request-id\"]"},
        {"1 == event.user.first-name",
         "refused 5+21: unknown variable `name`: `event.user.first-name` is a subtraction; "
         "write event.user[\"first-name\"]"},
        {"headers.content-type == \"x\"", "refused 0+20: `headers.content-type` is a subtraction; "
                                          "write headers[\"content-type\"]"},
        {"event.a - b", "refused 10+1: unknown variable `b`"},
        {"event.a-1 == 2", "ok"},
        {"event.a-offset == 2", "ok"},
    };
    RUN(rows);
}

static void types_that_fit_no_overload_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"topic + 1", "refused 6+1: no matching overload for string + int; there is int + int, string + string"},
        {"timestamp + 1",
         "refused 10+1: no matching overload for timestamp + int; there is int + int, timestamp + duration"},
        {"event.x + timestamp", "refused 8+1: no matching overload for dyn + timestamp"},
        {"size(5)",
         "refused 0+4: no matching overload for size(int); there is size(string), size(bytes), size(list), size(map)"},
        {"partition.startsWith(\"a\")",
         "refused 10+10: no matching overload for int.startsWith(string); there is string.startsWith(string)"},
        {"topic.startsWith(5)",
         "refused 6+10: no matching overload for string.startsWith(int); there is string.startsWith(string)"},
        {"-topic", "refused 0+1: no matching overload for -string; there is -int, -double"},
        {"!offset", "refused 0+1: no matching overload for !int; there is !bool"},
        {"topic == 5", "refused 6+2: no matching overload for string == int"},
        {"topic == null", "refused 6+2: no matching overload for string == null"},
        {"key == null", "ok"},
        {"key == 5", "refused 4+2: no matching overload for string == int"},
        {"key + 1", "refused 4+1: no matching overload for string + int; there is int + int, string + string"},
        {"offset == 5.0 && offset < 5u", "ok"},
        {"topic < 5", "refused 6+1: no matching overload for string < int; there is number < number, string < string"},
        {"topic in [1, 2]", "refused 6+2: no matching overload for string in list(int); there is dyn in map"},
        {"5 in headers", "refused 2+2: no matching overload for int in map(string, string); there is dyn in list"},
        {"5 in topic", "refused 2+2: no matching overload for int in string; there is dyn in list, dyn in map"},
        {"event.x in [1, \"a\", true]", "ok"},
        {"[1] == [\"a\"]", "refused 4+2: no matching overload for list(int) == list(string)"},
        {"topic[0]",
         "refused 5+3: no matching overload for string[int]; there is list[number], map[dyn], optional[dyn]"},
        {"[1, 2][\"a\"]",
         "refused 6+5: no matching overload for list(int)[string]; there is list[number], map[dyn], optional[dyn]"},
        {"topic.name", "refused 6+4: string has no field `name`"},
        {"has(topic.name)", "refused 10+4: string has no field `name`"},
        {"headers.a.b", "refused 10+1: string has no field `b`"},
        {"headers.a + 1", "refused 10+1: no matching overload for string + int; there is int + int, string + string"},
        {"topic && event.a", "refused 0+5: an operand of `&&` must be bool, not string"},
        {"event.a || partition", "refused 11+9: an operand of `||` must be bool, not int"},
        {"topic ? 1 : 2", "refused 0+5: the condition of `? :` must be bool, not string"},
        {"{1.5: 2}", "refused 1+3: a key of a map must be bool, int, uint or string, not double"},
        {"{event.a: 1, [1]: 2}", "refused 13+3: a key of a map must be bool, int, uint or string, not list(int)"},
        {"(event.a * 2) + \"x\"", "refused 14+1: no matching overload for number + string; there is int + int, double "
                                  "+ double, string + string"},
        {"event.a - 1 || event.b", "refused 0+11: an operand of `||` must be bool, not number"},
        {"size(event.a / 2)", "refused 0+4: no matching overload for size(number); there is size(string), size(bytes), "
                              "size(list), size(map)"},
        {"(event.a == 1) + 1", "refused 15+1: no matching overload for bool + int; there is int + int"},
        {"has(event)", "refused 0+10: has() takes a field, as in has(event.a.b)"},
        {"has(event.a, event.b)", "refused 0+21: has() takes a field, as in has(event.a.b)"},
        {"has(event[\"x y\"])", "refused 0+17: has() takes a field, as in has(event.a.b); for a key in brackets write: "
                                "key in map"},
    };
    RUN(rows);
}

static void what_can_only_fail_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 / 0", "refused 2+1: division by zero"},
        {"event.a + 1 / 0", "refused 12+1: division by zero"},
        {"[1, 2][5]", "refused 6+3: index out of range: 5"},
        {"{\"a\": 1}.b == event.x", "refused 9+1: no such key: b"},
        {"{1: event.a, 1u: event.b}", "refused 0+1: repeated key: 1"},
        {"int(\"x\") == event.a", "refused 0+3: string \"x\" is not an int"},
        {"9223372036854775807 + 1", "refused 20+1: int overflow"},
        {"1 / 0 > 0 && 2 / 0 > 0", "refused 2+1: division by zero"},
        {"1 / 0 > 0 && event.a", "ok"},
        {"1 / 0 > 0 || true", "ok"},
        {"false && 1 / 0 > 0", "ok"},
        {"event.a ? 1 / 0 : 2", "ok"},
        {"event.a ? 1 / 0 : [1][2]", "refused 12+1: division by zero"},
        {"true ? 1 / 0 : 2", "refused 9+1: division by zero"},
        {"false ? 1 / 0 : 2", "ok"},
    };
    RUN(rows);
}

static const char *repeated(const char *open, const char *middle, const char *close, int count)
{
    struct vx_buf buf = {0};
    for (int i = 0; i < count; i++)
        vx_buf_str(&buf, open);
    vx_buf_str(&buf, middle);
    for (int i = 0; i < count; i++)
        vx_buf_str(&buf, close);
    const char *got = load_text(vx_buf_text(&buf), buf.len);
    vx_buf_done(&buf);
    return got;
}

static void nesting_is_limited(void **state)
{
    (void)state;
    assert_string_equal(repeated("(", "1", ")", 63), "ok");
    assert_string_equal(repeated("(", "1", ")", 64), "refused 64+1: nested deeper than 64 levels");
    assert_string_equal(repeated("(", "1", ")", 30000), "refused 64+1: nested deeper than 64 levels");
    assert_string_equal(repeated("[", "1", "]", 30000), "refused 64+1: nested deeper than 64 levels");
    assert_string_equal(repeated("{1:", "1", "}", 10000), "refused 190+1: nested deeper than 64 levels");
    assert_string_equal(repeated("size(", "1", ")", 10000), "refused 320+4: nested deeper than 64 levels");
    assert_string_equal(repeated("!", "true", "", 60000), "refused 63+1: nested deeper than 64 levels");
    assert_string_equal(repeated("- ", "1", "", 30000), "refused 126+1: nested deeper than 64 levels");
    assert_string_equal(repeated("true ? 1 : ", "1", "", 5000), "refused 704+4: nested deeper than 64 levels");
    assert_string_equal(repeated("event[", "1", "]", 5000), "refused 384+5: nested deeper than 64 levels");
}

static void chains_are_not(void **state)
{
    (void)state;
    assert_string_equal(repeated("event.a + ", "1", "", 6000), "ok");
    assert_string_equal(repeated("event.a && ", "true", "", 5900), "ok");
    assert_string_equal(repeated("\"x\" + ", "\"x\"", "", 10000), "ok");
    assert_string_equal(repeated("", "event", ".a", 30000), "ok");
    assert_string_equal(repeated("", "event", "[0]", 20000), "ok");
    assert_string_equal(repeated("[", "event.a", ".size()]", 60), "ok");
    assert_string_equal(repeated("event.a, ", "1", "", 0), "ok");
}

static void text_that_is_too_long_or_not_utf8_is_refused(void **state)
{
    (void)state;
    static char text[CEL_TEXT_MAX_BYTES + 1];
    memset(text, ' ', sizeof text);
    text[0] = '1';
    assert_string_equal(load_text(text, CEL_TEXT_MAX_BYTES), "ok");
    assert_string_equal(load_text(text, CEL_TEXT_MAX_BYTES + 1),
                        "refused 65536+1: an expression has at most 65536 bytes");
    assert_string_equal(load_text("\"a\xff\"", 4), "refused 2+1: the expression is not UTF-8: byte 0xff");
    assert_string_equal(load_text("\"\xc3", 2), "refused 1+1: the expression is not UTF-8: byte 0xc3");
    assert_string_equal(load_text("1 \0+ 1", 6), "refused 2+1: unexpected byte 0x00");
    assert_string_equal(load_text("\"a\0b\" == key", 12), "ok");
    assert_string_equal(load_text("\"\\", 2), "refused 0+1: unterminated string");
    assert_string_equal(load_text("'''\\", 4), "refused 0+3: unterminated string");
}

static void long_names_are_cut_in_messages(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'n', sizeof text);
    const char *got = load_text(text, sizeof text);
    assert_string_equal(
        got, "refused 0+400: unknown variable `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn`");
    memset(text, ' ', sizeof text);
    text[0] = text[101] = '"';
    for (size_t i = 1; i < 101; i += 2)
        memcpy(text + i, "\303\251", 2);
    text[103] = '5';
    got = load_text(text, sizeof text);
    assert_true(strstr(got, "refused 103+1: expected an operator or the end after `\"\303\251") == got);
    assert_true(strstr(got, "\303\251`, not `5`") != NULL);
}

/* Every prefix and every byte replaced: nothing may crash, whatever is said. */
static void mutilated_text_is_survived(void **state)
{
    (void)state;
    static const char text[] = "has(event.a.b) && !(event[\"x y\"][0] in [1, 2.5e3, 0x1fu]) || {'k': b'\\xff'}.k == "
                               "value ? headers.`a-b`.startsWith(r'''x''') : -size(key) % 3 >= 1 // end";
    static const char bytes[] = "\0\"'`\\([{}]).?:&|=!-+/\xff\xc3 e0\n";
    char copy[sizeof text];
    for (size_t len = 0; len < sizeof text; len++)
        load_text(text, len);
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            memcpy(copy, text, sizeof text);
            copy[i] = bytes[k];
            load_text(copy, sizeof text - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax_errors_say_what_was_expected),
        cmocka_unit_test(literals_are_checked),
        cmocka_unit_test(unknown_names_are_refused_with_what_is_near),
        cmocka_unit_test(types_that_fit_no_overload_are_refused),
        cmocka_unit_test(what_can_only_fail_is_refused),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(chains_are_not),
        cmocka_unit_test(text_that_is_too_long_or_not_utf8_is_refused),
        cmocka_unit_test(long_names_are_cut_in_messages),
        cmocka_unit_test(mutilated_text_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
