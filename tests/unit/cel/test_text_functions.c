/* Functions of strings: the examples of cel-go's documentation of ext.Strings, places counted in code points, limits.
 * */
#include "functions.h"

#include <string.h>

static void char_at_counts_code_points(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'hello'.charAt(4)", "\"o\""},
        {"'hello'.charAt(0)", "\"h\""},
        {"'hello'.charAt(5)", "\"\""},
        {"'hello'.charAt(6)", "error: index out of range: 6"},
        {"'hello'.charAt(-1)", "error: index out of range: -1"},
        {"''.charAt(0)", "\"\""},
        {"''.charAt(1)", "error: index out of range: 1"},
        {"'a\303\251\360\237\230\200z'.charAt(1)", "\"\303\251\""},
        {"'a\303\251\360\237\230\200z'.charAt(2)", "\"\360\237\230\200\""},
        {"'a\303\251\360\237\230\200z'.charAt(3)", "\"z\""},
        {"'a\303\251\360\237\230\200z'.charAt(4)", "\"\""},
        {"'a\303\251\360\237\230\200z'.charAt(5)", "error: index out of range: 5"},
        {"'a'.charAt(9223372036854775807)", "error: index out of range: 9223372036854775807"},
    };
    CHECK(rows);
}

static void index_of_finds_the_first(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'hello mellow'.indexOf('')", "0"},
        {"'hello mellow'.indexOf('ello')", "1"},
        {"'hello mellow'.indexOf('jello')", "-1"},
        {"'hello mellow'.indexOf('', 2)", "2"},
        {"'hello mellow'.indexOf('', 12)", "12"},
        {"'hello mellow'.indexOf('', 20)", "12"},
        {"'hello mellow'.indexOf('ello', 2)", "7"},
        {"'hello mellow'.indexOf('ello', 7)", "7"},
        {"'hello mellow'.indexOf('ello', 8)", "-1"},
        {"'hello mellow'.indexOf('ello', 20)", "-1"},
        {"'hello mellow'.indexOf('ello', -1)", "error: index out of range: -1"},
        {"'a'.indexOf('abc')", "-1"},
        {"''.indexOf('')", "0"},
        {"''.indexOf('a')", "-1"},
        {"'\303\251\303\251x\303\251x'.indexOf('x')", "2"},
        {"'\303\251\303\251x\303\251x'.indexOf('x', 3)", "4"},
        {"'\303\251\303\251x\303\251x'.indexOf('\303\251x', 1)", "1"},
    };
    CHECK(rows);
}

static void last_index_of_finds_the_last_up_to_a_place(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'hello mellow'.lastIndexOf('')", "12"},
        {"'hello mellow'.lastIndexOf('ello')", "7"},
        {"'hello mellow'.lastIndexOf('jello')", "-1"},
        {"'hello mellow'.lastIndexOf('ello', 6)", "1"},
        {"'hello mellow'.lastIndexOf('ello', 7)", "7"},
        {"'hello mellow'.lastIndexOf('ello', 0)", "-1"},
        {"'hello mellow'.lastIndexOf('hello', 0)", "0"},
        {"'hello mellow'.lastIndexOf('ello', 11)", "7"},
        {"'hello mellow'.lastIndexOf('ello', 12)", "-1"},
        {"'hello mellow'.lastIndexOf('ello', 20)", "-1"},
        {"'hello mellow'.lastIndexOf('ello', -1)", "error: index out of range: -1"},
        {"'hello mellow'.lastIndexOf('', 3)", "3"},
        {"'hello mellow'.lastIndexOf('', 30)", "12"},
        {"'a'.lastIndexOf('abc')", "-1"},
        {"''.lastIndexOf('')", "0"},
        {"'aaaa'.lastIndexOf('aa')", "2"},
        {"'\303\251x\303\251x\303\251'.lastIndexOf('x')", "3"},
        {"'\303\251x\303\251x\303\251'.lastIndexOf('x', 2)", "1"},
        {"'\303\251x\303\251x\303\251'.lastIndexOf('\303\251')", "4"},
    };
    CHECK(rows);
}

static void substring_is_cut_by_code_points(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'tacocat'.substring(4)", "\"cat\""},
        {"'tacocat'.substring(0)", "\"tacocat\""},
        {"'tacocat'.substring(7)", "\"\""},
        {"'tacocat'.substring(0, 4)", "\"taco\""},
        {"'tacocat'.substring(4, 4)", "\"\""},
        {"'tacocat'.substring(7, 7)", "\"\""},
        {"'tacocat'.substring(-1)", "error: index out of range: -1"},
        {"'tacocat'.substring(8)", "error: index out of range: 8"},
        {"'tacocat'.substring(0, 8)", "error: index out of range: 8"},
        {"'tacocat'.substring(-1, 3)", "error: index out of range: -1"},
        {"'tacocat'.substring(2, 1)", "error: a substring cannot end before it begins"},
        {"'ta\303\251\360\237\230\200cat'.substring(2, 4)", "\"\303\251\360\237\230\200\""},
        {"'ta\303\251\360\237\230\200cat'.substring(3)", "\"\360\237\230\200cat\""},
    };
    CHECK(rows);
}

static void case_is_changed_in_ascii_only(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'TacoCat'.lowerAscii()", "\"tacocat\""},
        {"'TacoC\303\206t Xii'.lowerAscii()", "\"tacoc\303\206t xii\""},
        {"'already'.lowerAscii()", "\"already\""},
        {"''.lowerAscii()", "\"\""},
        {"'@AZ[`az{'.lowerAscii()", "\"@az[`az{\""},
        {"'TacoCat'.upperAscii()", "\"TACOCAT\""},
        {"'TacoC\303\246t Xii'.upperAscii()", "\"TACOC\303\246T XII\""},
        {"'@AZ[`az{'.upperAscii()", "\"@AZ[`AZ{\""},
    };
    CHECK(rows);
}

static void trim_takes_unicode_space(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'  \\ttrim\\n    '.trim()", "\"trim\""},
        {"'   '.trim()", "\"\""},
        {"''.trim()", "\"\""},
        {"' a b '.trim()", "\"a b\""},
        {"'\\u0009\\u000b\\u000c\\u000d\\u0085\\u00a0\\u1680trim\\u2000\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'."
         "trim()",
         "\"trim\""},
        {"'\\u180etrim\\u200b\\u200c\\u200d\\u2060\\ufeff'.trim()",
         "\"\341\240\216trim\342\200\213\342\200\214\342\200\215\342\201\240\357\273\277\""},
    };
    CHECK(rows);
}

static void replace_has_a_limit(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'hello hello'.replace('he', 'we')", "\"wello wello\""},
        {"'hello hello'.replace('he', 'we', -1)", "\"wello wello\""},
        {"'hello hello'.replace('he', 'we', 1)", "\"wello hello\""},
        {"'hello hello'.replace('he', 'we', 0)", "\"hello hello\""},
        {"'hello hello'.replace('he', 'we', 7)", "\"wello wello\""},
        {"'hello hello'.replace('xx', 'we')", "\"hello hello\""},
        {"'hello'.replace('l', '')", "\"heo\""},
        {"'hello'.replace('hello', '')", "\"\""},
        {"'aaa'.replace('aa', 'b')", "\"ba\""},
        {"''.replace('', 'x')", "\"x\""},
        {"'hi'.replace('', '_')", "\"_h_i_\""},
        {"'hi'.replace('', '_', 2)", "\"_h_i\""},
        {"'\303\251\303\251'.replace('', '_')", "\"_\303\251_\303\251_\""},
        {"'12 days 12 hours'.replace('{0}', '2')", "\"12 days 12 hours\""},
        {"'{0} days {0} hours'.replace('{0}', '2', 1).replace('{0}', '23')", "\"2 days 23 hours\""},
    };
    CHECK(rows);
}

static void split_has_a_limit(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'hello hello hello'.split(' ')", "[\"hello\", \"hello\", \"hello\"]"},
        {"'hello hello hello'.split(' ', 0)", "[]"},
        {"'hello hello hello'.split(' ', 1)", "[\"hello hello hello\"]"},
        {"'hello hello hello'.split(' ', 2)", "[\"hello\", \"hello hello\"]"},
        {"'hello hello hello'.split(' ', -1)", "[\"hello\", \"hello\", \"hello\"]"},
        {"'a,,b,'.split(',')", "[\"a\", \"\", \"b\", \"\"]"},
        {"''.split(',')", "[\"\"]"},
        {"''.split('')", "[]"},
        {"'abc'.split('')", "[\"a\", \"b\", \"c\"]"},
        {"'abc'.split('', 2)", "[\"a\", \"bc\"]"},
        {"'abc'.split('', 3)", "[\"a\", \"b\", \"c\"]"},
        {"'abc'.split('', 9)", "[\"a\", \"b\", \"c\"]"},
        {"'\303\251x'.split('')", "[\"\303\251\", \"x\"]"},
        {"'a-b'.split('-')[1]", "\"b\""},
        {"size('a-b-c'.split('-'))", "3"},
        {"'a-b-c'.split('-').join('+')", "\"a+b+c\""},
    };
    CHECK(rows);
}

static void join_takes_strings_alone(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"['hello', 'mellow'].join()", "\"hellomellow\""},
        {"['hello', 'mellow'].join(' ')", "\"hello mellow\""},
        {"[].join()", "\"\""},
        {"[].join('/')", "\"\""},
        {"['x'].join('/')", "\"x\""},
        {"['', ''].join('/')", "\"/\""},
        {"['x', 5].join('/')", "error: int 5 is not a string, which join() takes"},
    };
    CHECK(rows);
}

static void quote_escapes_what_a_terminal_would_obey(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"strings.quote('single-quote with \"double quote\"')",
         "\"\\\"single-quote with \\\\\\\"double quote\\\\\\\"\\\"\""},
        {"strings.quote(\"two escape sequences \\a\\n\")", "\"\\\"two escape sequences \\\\a\\\\n\\\"\""},
        {"strings.quote('verbatim')", "\"\\\"verbatim\\\"\""},
        {"strings.quote('')", "\"\\\"\\\"\""},
        {"strings.quote('\\\\ \\t\\r\\f\\b\\v') == \"\\\"\\\\\\\\ \\\\t\\\\r\\\\f\\\\b\\\\v\\\"\"", "true"},
        {"strings.quote('\360\237\230\200')", "\"\\\"\360\237\230\200\\\"\""},
    };
    CHECK(rows);
}

static void reverse_keeps_code_points_whole(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"'gums'.reverse()", "\"smug\""},
        {"'John Smith'.reverse()", "\"htimS nhoJ\""},
        {"''.reverse()", "\"\""},
        {"'a\303\251\360\237\230\200'.reverse()", "\"\360\237\230\200\303\251a\""},
    };
    CHECK(rows);
}

static void strings_of_an_event_are_read_in_place_and_decoded_where_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *event, *expected;
    } rows[] = {
        {"event.s.lowerAscii() == 'eu-west'", "{\"s\":\"EU-West\"}", "true"},
        {"event.s.lowerAscii() == 'eu-west'", "{\"s\":\"EU\\u002dWest\"}", "true"},
        {"event.s.split(event.by)", "{\"s\":\"a\\u002cb,c\",\"by\":\"\\u002c\"}", "[\"a\", \"b\", \"c\"]"},
        {"event.list.join('-')", "{\"list\":[\"a\",\"\\u0062\"]}", "\"a-b\""},
        {"event.list.join('-')", "{\"list\":[\"a\",null]}", "error 11: null is not a string, which join() takes"},
        {"event.s.trim().size()", "{\"s\":\"\\u3000x\\n\"}", "1"},
        {"event.s.charAt(event.i)", "{\"s\":\"abc\",\"i\":1}", "\"b\""},
        {"event.s.charAt(event.i)", "{\"s\":\"abc\",\"i\":1.5}",
         "error 8: no matching overload for string.charAt(double)"},
        {"event.s.reverse()", "{\"s\":5}", "error 8: no matching overload for int.reverse()"},
        {"event.s.startsWith('a\\n')", "{\"s\":\"a\\nb\"}", "true"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = eval_text(rows[i].expr, &(struct event){.json = rows[i].event});
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s on %s\n", rows[i].expr, rows[i].event);
        assert_string_equal(got, rows[i].expected);
    }
}

static void text_that_grows_without_end_is_stopped(void **state)
{
    (void)state;
    static const char *const exprs[] = {
        "event.s.replace('', event.s).replace('', event.s).replace('', event.s).replace('', event.s)",
        "[event.s, event.s].join(event.s.replace('', event.s).replace('', event.s)).replace('', event.s)",
        "strings.quote(event.s.replace('', event.s).replace('', event.s).replace('', event.s))",
        "event.s.replace('', event.s).replace('', event.s).split('').join(event.s.replace('', event.s))",
    };
    struct vx_buf json = {0};
    vx_buf_str(&json, "{\"s\":\"");
    for (int i = 0; i < 600; i++)
        vx_buf_char(&json, 'x');
    vx_buf_str(&json, "\"}");
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
        const char *got = eval_text(exprs[i], &(struct event){.json = vx_buf_text(&json)});
        assert_non_null(strstr(got, "error "));
        assert_true(strstr(got, "too much text") || strstr(got, "too many steps"));
    }
    vx_buf_done(&json);
}

static void mistakes_are_refused_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"key.charAt()", "refused 4+6: charAt() takes 1 argument, not 0"},
        {"key.substring(1, 2, 3)", "refused 4+9: substring() takes 1 to 2 arguments, not 3"},
        {"key.substring('a')",
         "refused 4+9: no matching overload for string.substring(string); there is string.substring(int)"},
        {"key.lowerAsci()", "refused 4+9: unknown function `lowerAsci`; did you mean `lowerAscii`?"},
        {"lowerAscii(key)", "refused 0+10: lowerAscii() is called on a value: write x.lowerAscii(\342\200\246)"},
        {"strings.qoute(key)", "refused 0+13: unknown function `strings.qoute`; did you mean `strings.quote`?"},
        {"offset.reverse()", "refused 7+7: no matching overload for int.reverse(); there is string.reverse()"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(load_text(rows[i].text, strlen(rows[i].text)), rows[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(char_at_counts_code_points),
        cmocka_unit_test(index_of_finds_the_first),
        cmocka_unit_test(last_index_of_finds_the_last_up_to_a_place),
        cmocka_unit_test(substring_is_cut_by_code_points),
        cmocka_unit_test(case_is_changed_in_ascii_only),
        cmocka_unit_test(trim_takes_unicode_space),
        cmocka_unit_test(replace_has_a_limit),
        cmocka_unit_test(split_has_a_limit),
        cmocka_unit_test(join_takes_strings_alone),
        cmocka_unit_test(quote_escapes_what_a_terminal_would_obey),
        cmocka_unit_test(reverse_keeps_code_points_whole),
        cmocka_unit_test(strings_of_an_event_are_read_in_place_and_decoded_where_escaped),
        cmocka_unit_test(text_that_grows_without_end_is_stopped),
        cmocka_unit_test(mistakes_are_refused_at_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
