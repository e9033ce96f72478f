/* Functions of numbers: the examples of cel-go's documentation of ext.Math, boundaries, and ints of an event. */
#include "functions.h"

#include <string.h>

static void greatest_and_least_compare_across_types(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"math.greatest(1)", "1"},
        {"math.greatest(1u, 2u)", "2u"},
        {"math.greatest(-42.0, -21.5, -100.0)", "-21.5"},
        {"math.greatest([-42.0, -21.5, -100.0])", "-21.5"},
        {"math.greatest(1, 2u, 1.5)", "2u"},
        {"math.greatest(3, 3.0)", "3"},
        {"math.greatest(3.0, 3)", "3.0"},
        {"math.greatest(9223372036854775807, 18446744073709551615u)", "18446744073709551615u"},
        {"math.greatest([5])", "5"},
        {"math.greatest([])", "error: an empty list has neither a greatest nor a least"},
        {"math.greatest(dyn('string'))", "error: no matching overload for math.greatest(string)"},
        {"math.greatest(1, dyn('string'))", "error: string \"string\" is not a number"},
        {"math.greatest([1, dyn(null)])", "error: null is not a number"},
        {"math.greatest(1.0, 0.0 / 0.0)", "error: NaN has no order"},
        {"math.least(1)", "1"},
        {"math.least(1u, 2u)", "1u"},
        {"math.least(-42.0, -21.5, -100.0)", "-100.0"},
        {"math.least([-42.0, -21.5, -100.0])", "-100.0"},
        {"math.least(1, 2, 3, 4, 5, 0, 7, 8, 9)", "0"},
        {"math.least(-1.0 / 0.0, 1)", "double(\"-Inf\")"},
        {"math.least(0.0 / 0.0)", "double(\"NaN\")"},
        {"math.least([0.0 / 0.0])", "double(\"NaN\")"},
        {"math.least([0.0 / 0.0, 1])", "error: NaN has no order"},
    };
    CHECK(rows);
}

static void doubles_are_rounded(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"math.ceil(1.2)", "2.0"},
        {"math.ceil(-1.2)", "-1.0"},
        {"math.floor(1.2)", "1.0"},
        {"math.floor(-1.2)", "-2.0"},
        {"math.round(1.2)", "1.0"},
        {"math.round(1.5)", "2.0"},
        {"math.round(-1.5)", "-2.0"},
        {"math.round(0.49999999999999994)", "0.0"},
        {"math.round(2.5)", "3.0"},
        {"math.trunc(-1.3)", "-1.0"},
        {"math.trunc(1.3)", "1.0"},
        {"math.floor(1e300)", "1e+300"},
        {"math.ceil(1.0 / 0.0)", "double(\"+Inf\")"},
        {"math.sqrt(81)", "9.0"},
        {"math.sqrt(985.25)", "31.388692231439016"},
        {"math.sqrt(-15)", "double(\"NaN\")"},
        {"math.sqrt(4u)", "2.0"},
    };
    CHECK(rows);
}

static void absolute_values_and_signs_keep_the_type(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"math.abs(-1)", "1"},
        {"math.abs(1)", "1"},
        {"math.abs(5u)", "5u"},
        {"math.abs(-2.5)", "2.5"},
        {"math.abs(9223372036854775807)", "9223372036854775807"},
        {"math.abs(-9223372036854775808)", "error: int overflow"},
        {"math.abs(0.0 / 0.0)", "double(\"NaN\")"},
        {"math.sign(-42)", "-1"},
        {"math.sign(0)", "0"},
        {"math.sign(42)", "1"},
        {"math.sign(0u)", "0u"},
        {"math.sign(42u)", "1u"},
        {"math.sign(-0.3)", "-1.0"},
        {"math.sign(-0.0)", "0.0"},
        {"math.sign(0.0 / 0.0)", "double(\"NaN\")"},
        {"math.isNaN(0.0 / 0.0)", "true"},
        {"math.isNaN(1.2)", "false"},
        {"math.isInf(1.0 / 0.0)", "true"},
        {"math.isInf(-1.0 / 0.0)", "true"},
        {"math.isInf(1.2)", "false"},
        {"math.isFinite(0.0 / 0.0)", "false"},
        {"math.isFinite(1.0 / 0.0)", "false"},
        {"math.isFinite(1.2)", "true"},
    };
    CHECK(rows);
}

static void bits_are_those_of_twos_complement(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"math.bitOr(1u, 2u)", "3u"},
        {"math.bitOr(-2, -4)", "-2"},
        {"math.bitAnd(3u, 2u)", "2u"},
        {"math.bitAnd(3, 5)", "1"},
        {"math.bitAnd(-3, -5)", "-7"},
        {"math.bitXor(3u, 5u)", "6u"},
        {"math.bitXor(1, 3)", "2"},
        {"math.bitNot(1)", "-2"},
        {"math.bitNot(-1)", "0"},
        {"math.bitNot(0u)", "18446744073709551615u"},
        {"math.bitShiftLeft(1, 2)", "4"},
        {"math.bitShiftLeft(-1, 2)", "-4"},
        {"math.bitShiftLeft(1u, 2)", "4u"},
        {"math.bitShiftLeft(1u, 200)", "0u"},
        {"math.bitShiftLeft(1, 63)", "-9223372036854775808"},
        {"math.bitShiftLeft(1, 64)", "0"},
        {"math.bitShiftLeft(1, -1)", "error: int -1 is not a number of bits to shift by"},
        {"math.bitShiftRight(1024, 2)", "256"},
        {"math.bitShiftRight(1024u, 2)", "256u"},
        {"math.bitShiftRight(1024u, 64)", "0u"},
        {"math.bitShiftRight(-1024, 3)", "2305843009213693824"},
        {"math.bitShiftRight(-1, 63)", "1"},
        {"math.bitShiftRight(1u, -9223372036854775808)",
         "error: int -9223372036854775808 is not a number of bits to shift by"},
    };
    CHECK(rows);
}

static void an_int_of_an_event_is_a_double_where_only_that_makes_sense(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *event, *expected;
    } rows[] = {
        {"math.floor(event.price)", "{\"price\":5}", "5.0"},
        {"math.floor(event.price)", "{\"price\":5.5}", "5.0"},
        {"math.isFinite(event.price)", "{\"price\":5}", "true"},
        {"math.round(event.price)", "{\"price\":\"5\"}", "error 0: no matching overload for math.round(string)"},
        {"math.abs(event.price)", "{\"price\":-5}", "5"},
        {"math.abs(event.price)", "{\"price\":-5.5}", "5.5"},
        {"math.greatest(event.a, event.b, 3)", "{\"a\":1,\"b\":2.5}", "3"},
        {"math.greatest(event.a, event.b) * 1.5", "{\"a\":1,\"b\":2}", "3.0"},
        {"math.greatest(event.list)", "{\"list\":[1,7.5,-3]}", "7.5"},
        {"math.greatest(event.list)", "{\"list\":[1,\"7\"]}", "error 0: string \"7\" is not a number"},
        {"math.greatest(event.list)", "{\"list\":[]}", "error 0: an empty list has neither a greatest nor a least"},
        {"math.least(event.a)", "{\"a\":4}", "4"},
        {"math.floor(1)", "{}", "refused 0+10: no matching overload for math.floor(int); there is math.floor(double)"},
        {"math.floor(offset)", "{}",
         "refused 0+10: no matching overload for math.floor(int); there is math.floor(double)"},
        {"math.greatest()", "{}", "refused 0+13: math.greatest() takes at least 1 argument"},
        {"math.greatest('string')", "{}",
         "refused 0+13: no matching overload for math.greatest(string); there is math.greatest(number), "
         "math.greatest(list)"},
        {"math.greatest(event.a, key)", "{}", "refused 23+3: math.greatest() takes numbers, not string"},
        {"math.least([event.a, 'x'])", "{}", "refused 21+3: math.least() takes numbers, not string"},
        {"math.gratest(1, 2)", "{}", "refused 0+12: unknown function `math.gratest`; did you mean `math.greatest`?"},
        {"math.bitAnd(1, 2u)", "{}",
         "refused 0+11: no matching overload for math.bitAnd(int, uint); there is math.bitAnd(int, int), "
         "math.bitAnd(uint, uint)"},
        {"math", "{}", "refused 0+4: unknown variable `math`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = eval_text(rows[i].expr, &(struct event){.json = rows[i].event});
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s on %s\n", rows[i].expr, rows[i].event);
        assert_string_equal(got, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greatest_and_least_compare_across_types),
        cmocka_unit_test(doubles_are_rounded),
        cmocka_unit_test(absolute_values_and_signs_keep_the_type),
        cmocka_unit_test(bits_are_those_of_twos_complement),
        cmocka_unit_test(an_int_of_an_event_is_a_double_where_only_that_makes_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
