/* Macros: what they give over lists and maps, constant or of an event; who absorbs failures; what their names mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event.h"

struct row {
    const char *expr, *expected;
};

/* The event of every row. */
static const char event[] =
    "{\"items\":[{\"price\":5,\"name\":\"a\",\"tags\":[\"x\",\"y\"]},{\"price\":12,\"name\":\"b\",\"tags\":[\"z\"]},"
    "{\"name\":\"c\\n\"}],\"nums\":[1,2,3,4],\"mixed\":[1,\"a\",2.5,null,true],\"empty\":[],\"none\":{},"
    "\"map\":{\"k1\":1,\"k2\":2,\"k\\u0033\":3},\"twice\":{\"a\":1,\"b\":2,\"a\":3},\"n\":7,\"text\":\"t\"}";

static void run(const struct row *rows, size_t count)
{
    const struct event ev = {.key = "k1", .json = event};
    for (size_t i = 0; i < count; i++) {
        const char *got = eval_text(rows[i].expr, &ev);
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].expr);
        assert_string_equal(got, rows[i].expected);
    }
}

#define RUN(rows) run(rows, sizeof rows / sizeof *rows)

static void all_and_exists_are_logic_over_elements(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.nums.all(x, x > 0)", "true"},
        {"event.nums.all(x, x > 1)", "false"},
        {"event.nums.exists(x, x == 3)", "true"},
        {"event.nums.exists(x, x == 3.0)", "true"},
        {"event.nums.exists(x, x == 9)", "false"},
        {"event.nums.exists(x, 3 < x)", "true"},
        {"event.empty.all(x, x > 0)", "true"},
        {"event.empty.exists(x, x > 0)", "false"},
        {"event.empty.all(x, 1 / 0 > 0)", "true"},
        {"event.items.exists(x, x.name == \"c\\n\")", "true"},
        {"event.items.exists(x, x.name == \"b\" && x.price > 10)", "true"},
        {"event.items.exists(x, x.tags[0] == \"z\")", "true"},
        {"event.items.exists(x, x.tags == [\"z\"])", "true"},
        {"event.items.all(x, has(x.name))", "true"},
        {"event.items.all(x, has(x.price))", "false"},
        {"event.mixed.exists(x, x == null)", "true"},
        {"event.mixed.exists(x, x == true)", "true"},
        {"event.mixed.exists(x, x != 1)", "true"},
        {"event.nums.exists(x, x > 3) && event.nums.all(x, x < 5)", "true"},
        {"!event.nums.exists(x, x > 4)", "true"},
        {"headers.all(h, h != \"\")", "true"},
        {"[1, 2, 3].all(e, e > 0)", "true"},
        {"{\"a\": event.n}.all(k, k == \"a\")", "true"},
    };
    RUN(rows);
}

static void one_that_decides_is_enough_whatever_fails(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.items.exists(x, x.price > 10)", "true"},
        {"event.items.exists(x, x.price > 100)", "error 24: no such key: price"},
        {"event.items.all(x, x.price > 100)", "false"},
        {"event.items.all(x, x.price > 1)", "error 21: no such key: price"},
        {"event.mixed.exists(x, x > 2)", "true"},
        {"event.mixed.exists(x, x > 3)", "error 24: no matching overload for string > int"},
        {"event.mixed.all(x, x > 1)", "false"},
        {"event.nums.exists(x, 1 / (x - 1) > 10)", "error 23: division by zero"},
        {"event.nums.exists(x, 1 / (x - 3) == 1)", "true"},
        {"event.nums.all(x, x)", "error 18: the condition must be bool, not int"},
        {"event.mixed.exists(x, x)", "true"},
        {"event.items.all(x, x.price > 1) || event.n == 7", "true"},
        {"event.items.exists(x, x.price > 100) && event.n == 8", "false"},
    };
    RUN(rows);
}

static void exists_one_counts_and_a_failure_is_one(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.nums.exists_one(x, x == 2)", "true"},
        {"event.nums.exists_one(x, x > 2)", "false"},
        {"event.nums.exists_one(x, x > 4)", "false"},
        {"event.nums.existsOne(x, x == 2)", "true"},
        {"event.nums.existsOne(i, x, x == i + 1 && i > 2)", "true"},
        {"event.items.exists_one(x, x.price == 5)", "error 28: no such key: price"},
        {"event.mixed.exists_one(x, x > 0)", "error 28: no matching overload for string > int"},
    };
    RUN(rows);
}

static void map_and_filter_make_lists(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.nums.map(x, x * x)", "[1, 4, 9, 16]"},
        {"event.nums.map(x, x > 2, x * 10)", "[30, 40]"},
        {"event.nums.filter(x, x % 2 == 0)", "[2, 4]"},
        {"event.empty.map(x, x)", "[]"},
        {"event.items.map(x, x.name)", "[\"a\", \"b\", \"c\\n\"]"},
        {"event.items.map(x, has(x.tags), x.tags)", "[[\"x\", \"y\"], [\"z\"]]"},
        {"event.items.filter(x, has(x.price)).map(x, x.price)", "[5, 12]"},
        {"event.items.map(x, x.price)", "error 21: no such key: price"},
        {"event.items.filter(x, x.price > 1)", "error 24: no such key: price"},
        {"event.items.filter(x, x.name == \"a\")[0].price", "5"},
        {"event.items.filter(x, has(x.price)).size() == 2", "true"},
        {"event.map.map(k, k)", "[\"k1\", \"k2\", \"k3\"]"},
        {"event.map.filter(k, k != \"k1\")", "[\"k2\", \"k3\"]"},
        {"event.twice.map(k, k)", "[\"b\", \"a\"]"},
        {"event.mixed.map(x, type(x))", "[int, string, double, null_type, bool]"},
        {"event.nums.map(x, x) == event.nums", "true"},
        {"event.nums.map(x, x) + [5]", "[1, 2, 3, 4, 5]"},
        {"3 in event.nums.map(x, x + 1)", "true"},
        {"event.nums.filter(x, true).filter(x, x > 1).map(x, -x)", "[-2, -3, -4]"},
    };
    RUN(rows);
}

static void two_names_are_index_and_element_or_key_and_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.nums.all(i, x, x == i + 1)", "true"},
        {"event.nums.exists(i, x, i == 3 && x == 4)", "true"},
        {"event.map.all(k, v, v > 0 && k.startsWith(\"k\"))", "true"},
        {"event.map.exists(k, v, v == 3 && k == \"k3\")", "true"},
        {"event.twice.all(k, v, v > 1)", "true"},
        {"event.nums.transformList(i, x, x * i)", "[0, 2, 6, 12]"},
        {"event.nums.transformList(i, x, i > 1, x)", "[3, 4]"},
        {"event.map.transformList(k, v, v)", "[1, 2, 3]"},
        {"event.map.transformMap(k, v, v + 1)", "{\"k1\": 2, \"k2\": 3, \"k3\": 4}"},
        {"event.map.transformMap(k, v, v > 2, v)", "{\"k3\": 3}"},
        {"event.nums.transformMap(i, x, x)", "{0: 1, 1: 2, 2: 3, 3: 4}"},
        {"event.map.transformMapEntry(k, v, {v: k})", "{1: \"k1\", 2: \"k2\", 3: \"k3\"}"},
        {"event.map.transformMapEntry(k, v, v > 2, {v: k})", "{3: \"k3\"}"},
        {"event.map.transformMapEntry(k, v, {1: k})", "error 10: repeated key: 1"},
        {"event.nums.transformMapEntry(i, x, dyn(i))", "error 11: expected a map of new entries, not int"},
        {"[10, 20].transformList(i, x, i + x)", "[10, 21]"},
    };
    RUN(rows);
}

static void names_shadow_from_the_inside_out(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.nums.map(x, [10].map(x, x))", "[[10], [10], [10], [10]]"},
        {"event.nums.map(x, [x].map(y, x + y))", "[[2], [4], [6], [8]]"},
        {"event.nums.map(x, [x].map(y, [y].map(x, x + y)))", "[[[2]], [[4]], [[6]], [[8]]]"},
        {"event.nums.map(x, [x, 9].map(x, x))[0]", "[1, 9]"},
        {"event.nums.map(event, event + 1)", "[2, 3, 4, 5]"},
        {"event.nums.map(topic, topic)[0]", "1"},
        {"event.nums.map(topic, .topic)[0]", "\"games\""},
        {"event.nums.map(size, size + size([1]))", "[2, 3, 4, 5]"},
        {"event.items.exists(x, cel.bind(n, x.name, x.tags.exists(t, t == \"z\" && n == \"b\")))", "true"},
        {"event.items.map(x, x.name)[0] + event.nums.map(x, string(x))[0]", "\"a1\""},
        {"event.nums.exists(x, x == 1) || x", "refused 32+1: unknown variable `x`"},
    };
    RUN(rows);
}

static void a_name_may_be_bound_to_anything(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"cel.bind(x, event.n, x * x)", "49"},
        {"cel.bind(x, 5, x * event.n)", "35"},
        {"cel.bind(x, event.nums, x.size() + x[0])", "5"},
        {"cel.bind(x, event.n, cel.bind(y, x + 1, x * y))", "56"},
        {"cel.bind(x, event.missing, true)", "error 18: no such key: missing"},
        {"cel.bind(x, [1, 2], x + [event.n])", "[1, 2, 7]"},
        {"cel.bind(x, 2, event.nums.filter(y, y > x))", "[3, 4]"},
        {"event.nums.filter(y, cel.bind(z, y * 2, z > 5))", "[3, 4]"},
    };
    RUN(rows);
}

static void constants_fold_inside_and_around(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[1, 2, 3].map(x, x * 2) == [2, 4, 6]", "true"},
        {"[1, 0].map(x, 1 / x)", "refused 16+1: division by zero"},
        {"[1, 0].exists(x, 1 / x == 1) && event.n == 7", "true"},
        {"[1, 0].map(x, 1 / x) == event.nums || event.n == 7", "true"},
        {"[3, 4].exists(x, x == event.n) || [1, 2].map(x, x + 1)[0] == 2", "true"},
        {"event.nums.map(x, x + (1 + 2 * 3))", "[8, 9, 10, 11]"},
        {"[1, 2].map(x, [3].map(y, x + y)) == [[4], [5]]", "true"},
    };
    RUN(rows);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.nums.exists(x)", "refused 11+9: exists() is written as in list.exists(x, x > 0)"},
        {"event.nums.map(x)", "refused 11+6: map() is written as in list.map(x, x + 1)"},
        {"event.nums.filter(x, true, x)", "refused 11+18: filter() is written as in list.filter(x, x > 0)"},
        {"event.nums.exists(x.y, true)", "refused 18+3: exists() begins with a name for what it looks at, as in "
                                         "list.exists(x, x > 0)"},
        {"event.nums.exists(.x, true)", "refused 19+1: exists() begins with a name for what it looks at, as in "
                                        "list.exists(x, x > 0)"},
        {"event.nums.exists(1, true)", "refused 18+1: exists() begins with a name for what it looks at, as in "
                                       "list.exists(x, x > 0)"},
        {"event.nums.all(x, x, true)", "refused 18+1: all() needs two different names, as in list.all(i, x, x > i)"},
        {"topic.exists(x, true)", "refused 6+6: exists() works on a list or a map, as in list.exists(x, x > 0), not "
                                  "on string"},
        {"offset.map(x, x)", "refused 7+3: map() works on a list or a map, as in list.map(x, x + 1), not on int"},
        {"event.nums.exists(x, topic)", "refused 21+5: the condition of `exists()` must be bool, not string"},
        {"event.nums.map(x, topic, x)", "refused 18+5: the condition of `map()` must be bool, not string"},
        {"event.nums.filter(x, offset)", "refused 21+6: the condition of `filter()` must be bool, not int"},
        {"event.map.transformMapEntry(k, v, topic)",
         "refused 34+5: the last argument of transformMapEntry() must be a map, not string"},
        {"event.nums.exist(x, true)", "refused 11+5: unknown function `exist`; did you mean `exists`?"},
        {"exists(event.nums, x, true)", "refused 0+6: exists() is called on a value, as in list.exists(x, x > 0)"},
        {"event.nums.exists(item, itm > 1)", "refused 24+3: unknown variable `itm`; did you mean `item`?"},
        {"headers.exists(h, h + 1 == 2)",
         "refused 20+1: no matching overload for string + int; there is int + int, string + string"},
        {"[1, 2].map(x, x.name)", "refused 16+4: int has no field `name`"},
        {"event.nums.map(x, \"a\").exists(t, t + 1 > 0)",
         "refused 35+1: no matching overload for string + int; there is int + int, string + string"},
        {"headers.all(k, v, v.size() > k)",
         "refused 27+1: no matching overload for int > string; there is number > number, string > string"},
        {"event.nums.all(i, x, i == \"a\")", "ok"},
        {"event.nums.map(x, x).startsWith(\"a\")",
         "refused 21+10: no matching overload for list(dyn).startsWith(string); there is string.startsWith(string)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = load_text(rows[i].expr, strlen(rows[i].expr));
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].expr);
        assert_string_equal(got, rows[i].expected);
    }
}

static void a_subject_that_is_no_container_fails(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event.n.exists(x, true)", "error 8: exists() works on a list or a map, not on int"},
        {"event.text.map(x, x)", "error 11: map() works on a list or a map, not on string"},
        {"event.missing.all(x, true)", "error 6: no such key: missing"},
        {"event.n.exists(x, true) || event.n == 7", "true"},
    };
    RUN(rows);
}

static void a_header_that_is_not_utf8_fails_where_it_gets_a_name(void **state)
{
    (void)state;
    static const struct cel_header headers[] = {{VX_SPAN_LITERAL("good"), VX_SPAN_LITERAL("v")},
                                                {VX_SPAN_LITERAL("bad"), VX_SPAN_LITERAL("\xff")},
                                                {VX_SPAN_LITERAL("good"), VX_SPAN_LITERAL("w")},
                                                {VX_SPAN_LITERAL("null"), {NULL, 0}}};
    const struct event ev = {.json = "{}", .headers = headers, .header_count = 4};
    static const struct row rows[] = {
        {"headers.exists(k, k == \"bad\")", "true"},
        {"headers.map(k, k)", "[\"bad\", \"good\", \"null\"]"},
        {"headers.exists(k, v, v == \"w\")", "error 8: header bad is not UTF-8"},
        {"headers.filter(k, k != \"bad\").map(k, headers[k])", "[\"w\", null]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(eval_text(rows[i].expr, &ev), rows[i].expected);
}

/* Thousands of macros one after the other, and as deep as the parser lets them stand in each other. */
static void long_chains_and_deep_nests_are_survived(void **state)
{
    (void)state;
    const struct event ev = {.json = event};
    struct vx_buf buf = {0};
    vx_buf_str(&buf, "event.empty");
    for (int i = 0; i < 2000; i++)
        vx_buf_str(&buf, ".map(x, x)");
    const char *got = eval_text(vx_buf_text(&buf), &ev);
    assert_true(strstr(got, "may take") || strcmp(got, "[]") == 0);
    vx_buf_done(&buf);
    vx_buf_str(&buf, "[event.n]");
    for (int i = 0; i < 90; i++)
        vx_buf_str(&buf, ".map(x, x)");
    assert_string_equal(eval_text(vx_buf_text(&buf), &ev), "[7]");
    vx_buf_done(&buf);
    for (int i = 0; i < 60; i++)
        vx_buf_printf(&buf, "[%d].map(x%d, ", i, i);
    vx_buf_str(&buf, "x0 + x59 + event.n");
    for (int i = 0; i < 60; i++)
        vx_buf_char(&buf, ')');
    vx_buf_str(&buf, ".size()");
    assert_string_equal(eval_text(vx_buf_text(&buf), &ev), "1");
    vx_buf_done(&buf);
    for (int i = 0; i < 70; i++)
        vx_buf_str(&buf, "[1].all(x, ");
    assert_string_equal(load_text(vx_buf_text(&buf), buf.len), "refused 694+1: nested deeper than 64 levels");
    vx_buf_done(&buf);
}

/* Every prefix and every byte replaced: nothing may crash, whatever is said. */
static void mutilated_text_is_survived(void **state)
{
    (void)state;
    static const char text[] =
        "event.items.filter(x, x.?a.b.orValue([?x.c])[?0].optMap(y, y > 1).hasValue()).all(i, v, "
        "cel.bind(k, {?'a': v.?z}, i in [1, 2, 3, 4] && k.exists_one(q, q != 'a')))";
    static const char bytes[] = "\0\"'`([{}]).?:,&=!xv1 ";
    const struct event ev = {.json = event};
    char copy[sizeof text];
    for (size_t len = 0; len < sizeof text; len++)
        load_text(text, len);
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            memcpy(copy, text, sizeof text);
            copy[i] = bytes[k];
            if (bytes[k])
                test_text(copy, &ev);
            else
                load_text(copy, sizeof text - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_and_exists_are_logic_over_elements),
        cmocka_unit_test(one_that_decides_is_enough_whatever_fails),
        cmocka_unit_test(exists_one_counts_and_a_failure_is_one),
        cmocka_unit_test(map_and_filter_make_lists),
        cmocka_unit_test(two_names_are_index_and_element_or_key_and_value),
        cmocka_unit_test(names_shadow_from_the_inside_out),
        cmocka_unit_test(a_name_may_be_bound_to_anything),
        cmocka_unit_test(constants_fold_inside_and_around),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_subject_that_is_no_container_fails),
        cmocka_unit_test(mutilated_text_is_survived),
        cmocka_unit_test(a_header_that_is_not_utf8_fails_where_it_gets_a_name),
        cmocka_unit_test(long_chains_and_deep_nests_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
