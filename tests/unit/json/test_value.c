/* Looking inside values: members, elements, iteration, strings, numbers. */
#include "comma.h"
#include "help.h"

#include <inttypes.h>
#include <math.h>

/* The root of a text that the scanner accepts. The text lies before unreadable memory. */
static struct json_value root_of(const char *text)
{
    struct help_path h;
    struct json_scanner *scanner = json_scanner_new();
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, help_path(&h, ""), 0);
    json_paths_seal(paths);
    struct json_value v;
    if (json_scan(scanner, paths, help_guarded(text, strlen(text)), &v, NULL))
        fail_msg("not JSON: %s", text);
    json_paths_free(paths);
    json_scanner_free(scanner);
    return v;
}

static void assert_text(struct json_value v, const char *text)
{
    if (!text)
        assert_int_equal(v.kind, JSON_KIND_MISSING);
    else if (!vx_span_is(json_text(v), text))
        fail_msg("got %.*s, expected %s", VX_SPAN_ARG(json_text(v)), text);
}

static void members_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *value;
    } rows[] = {
        {"{\"a\":1,\"b\":[2,{\"a\":3}],\"c\":\"x\"}", "a", "1"},
        {"{\"a\":1,\"b\":[2,{\"a\":3}],\"c\":\"x\"}", "b", "[2,{\"a\":3}]"},
        {"{\"a\":1,\"b\":[2,{\"a\":3}],\"c\":\"x\"}", "c", "\"x\""},
        {"{\"a\":1,\"b\":[2,{\"a\":3}],\"c\":\"x\"}", "d", NULL},
        {"{ \"a\" :\n1 , \"b\" : true }", "b", "true"},
        {"{\"a\":1,\"a\":2}", "a", "2"},
        {"{\"\\u0061\":1}", "a", "1"},
        {"{\"a\\\"}\":\"]}\\\"\",\"b\":1}", "b", "1"},
        {"{\"a\\\"}\":\"]}\\\"\",\"b\":1}", "a\"}", "\"]}\\\"\""},
        {"{\"\":0}", "", "0"},
        {"{}", "a", NULL},
        {"[1]", "a", NULL},
        {"\"a\"", "a", NULL},
        {"1", "a", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_text(json_member(root_of(rows[i].text), vx_span_str(rows[i].key)), rows[i].value);
    assert_text(json_member((struct json_value){.kind = JSON_KIND_MISSING}, VX_SPAN_LITERAL("a")), NULL);
}

static void elements_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t index;
        const char *value;
    } rows[] = {
        {"[1,[2,3],{\"a\":[4]},\"x,]\",-5e2]", 0, "1"},
        {"[1,[2,3],{\"a\":[4]},\"x,]\",-5e2]", 1, "[2,3]"},
        {"[1,[2,3],{\"a\":[4]},\"x,]\",-5e2]", 2, "{\"a\":[4]}"},
        {"[1,[2,3],{\"a\":[4]},\"x,]\",-5e2]", 3, "\"x,]\""},
        {"[1,[2,3],{\"a\":[4]},\"x,]\",-5e2]", 4, "-5e2"},
        {"[1,[2,3],{\"a\":[4]},\"x,]\",-5e2]", 5, NULL},
        {"[ ]", 0, NULL},
        {"{\"0\":1}", 0, NULL},
        {"[\"0123456789 0123456789\\\\\",null]", 1, "null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_text(json_element(root_of(rows[i].text), rows[i].index), rows[i].value);
}

static void iteration_shows_every_member_in_order(void **state)
{
    (void)state;
    struct json_iter it = json_iter(root_of("{ \"b\" : 1 , \"a\":[],\"b\":{\"c\":0} }"));
    static const char *const keys[] = {"\"b\"", "\"a\"", "\"b\""}, *const values[] = {"1", "[]", "{\"c\":0}"};
    for (int i = 0; i < 3; i++) {
        assert_true(json_next(&it));
        assert_text(it.key, keys[i]);
        assert_text(it.value, values[i]);
    }
    assert_false(json_next(&it));
    assert_false(json_next(&it));
    it = json_iter(root_of("[\"\"]"));
    assert_true(json_next(&it));
    assert_int_equal(it.key.kind, JSON_KIND_MISSING);
    assert_text(it.value, "\"\"");
    assert_false(json_next(&it));
    it = json_iter(root_of("\"text\""));
    assert_false(json_next(&it));
}

static void values_that_are_read_are_those_that_are_scanned(void **state)
{
    (void)state;
    struct json_value v = root_of("[null,true,false,0,1.0,1E5,\"a\\t\",\"a\",[],{}]");
    static const uint8_t kinds[] = {JSON_KIND_NULL,   JSON_KIND_TRUE,   JSON_KIND_FALSE,  JSON_KIND_INT,
                                    JSON_KIND_DOUBLE, JSON_KIND_DOUBLE, JSON_KIND_STRING, JSON_KIND_STRING,
                                    JSON_KIND_ARRAY,  JSON_KIND_OBJECT};
    for (size_t i = 0; i < sizeof kinds; i++) {
        assert_int_equal(json_element(v, i).kind, kinds[i]);
        assert_int_equal(json_element(v, i).escaped, i == 6);
    }
}

static void count_is_of_elements_and_distinct_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {"[]", 0},
        {"[ ]", 0},
        {"[1]", 1},
        {"[1,1,[2,3]]", 3},
        {"{}", 0},
        {"{\"a\":1}", 1},
        {"{\"a\":1,\"b\":2}", 2},
        {"{\"a\":1,\"b\":2,\"a\":3}", 2},
        {"{\"a\":1,\"\\u0061\":2}", 1},
        {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2,\"\":0}", 2},
        {"{\"\\u0061b\":1,\"a\\u0062\":2,\"\\u0061\":3,\"ab\":4}", 2},
        {"\"abc\"", 0},
        {"5", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(json_count(root_of(rows[i].text), NULL), rows[i].count);
    struct vx_buf text = {0};
    vx_buf_char(&text, '{');
    for (int i = 0; i < 2000; i++)
        vx_buf_printf(&text, "\"key%d\":%d,", i % 1500, i);
    vx_buf_str(&text, "\"\\u006bey0\":0}");
    struct json_value v = {.at = text.at, .len = (uint32_t)text.len, .kind = JSON_KIND_OBJECT};
    struct vx_arena scratch = {0};
    assert_int_equal(json_count(v, &scratch), 1500);
    vx_arena_done(&scratch);
    vx_buf_done(&text);
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded;
        size_t len;
    } rows[] = {
        {"\"\"", "", 0},
        {"\"plain\"", "plain", 5},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\u00e9\\u20ac\\ud83d\\uDE00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
        {"\"\\ud83d\"", "\xef\xbf\xbd", 3},
        {"\"\\ude00\"", "\xef\xbf\xbd", 3},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx", 4},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4},
        {"\"\\ud83d\\u0041\"",
         "\xef\xbf\xbd"
         "A",
         4},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7},
        {"\"\\\\u0041\"", "\\u0041", 6},
        {"\"\xc3\xa9\\n\xe2\x82\xac\"", "\xc3\xa9\n\xe2\x82\xac", 6},
    };
    struct vx_arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_value v = root_of(rows[i].text);
        struct vx_span expected = vx_span(rows[i].decoded, rows[i].len), decoded = json_unescape(v, &arena);
        if (!vx_span_equal(decoded, expected))
            fail_msg("%s: got %.*s", rows[i].text, VX_SPAN_ARG(decoded));
        assert_int_equal(decoded.at == v.at, !v.escaped);
        assert_true(json_string_equal(v, expected));
        if (expected.len) {
            assert_false(json_string_equal(v, vx_span(expected.at, expected.len - 1)));
            assert_false(json_string_equal(v, vx_span("", 0)));
        }
        char longer[32];
        memcpy(longer, expected.at, expected.len);
        longer[expected.len] = 'x';
        assert_false(json_string_equal(v, vx_span(longer, expected.len + 1)));
    }
    vx_arena_done(&arena);
}

static void integers_are_exact_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"7", true, 7},
        {"-12", true, -12},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999999", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = 99;
        assert_int_equal(json_int64(root_of(rows[i].text), &value), rows[i].fits);
        assert_true(value == (rows[i].fits ? rows[i].value : 99));
    }
}

static void doubles_are_the_nearest(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "0",
        "-0",
        "-0.0",
        "1",
        "0.1",
        "-0.3",
        "1.5",
        "123.456",
        "1e22",
        "1e23",
        "123456789012345678",
        "9007199254740993",
        "9007199254740992",
        "0.000001",
        "1e-22",
        "1e-23",
        "4.35",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "5e-324",
        "2e-324",
        "3e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e309",
        "-1e400",
        "1e-400",
        "0e999999999",
        "0.0000000000000000000000000000000000000000000000001e49",
        "1000000000000000000000000000000000000000000000000e-48",
        "9355950000000000000."
        "00000000000000000000000000000000001844674407370955161600000184467440737095516161844674407370955161407370955161"
        "61844674407370955161600018446744073709551616600000184467440737095516161844674407370955161407370955161618446744"
        "07370955161600018446744073709551616018446744073709556744516161844674407370955161407370955161618446744073709551"
        "61600018446744073709551616018446744073709551611616000184467440737095001844674407370955161600184467440737095516"
        "16001844674407370955116816446744073709551616000184407370955161601844674407370955161618446744073709551616000184"
        "46744075369107516016116160001844674407370950018446744073709551616001844674407370955161600184467440737095516161"
        "84467440737095516160001844955161616000184467440753691075160018446744073709",
        "6.0221409e+23",
        "37.78",
        "-122.4194155",
        "3.14159265358979323846",
        "8.41e21",
        "9007199254740993e0",
        "0.30000000000000004",
        "-9223372036854.7758080",
        "92233720368547758080",
        "184467440737095516160e-5",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "12345678901234567890e1",
        "0.00000000000000000001",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double expected = strtod(rows[i], NULL), got = json_double(root_of(rows[i]));
        if (memcmp(&expected, &got, sizeof got) != 0)
            fail_msg("%s: got %.17g, expected %.17g", rows[i], got, expected);
    }
    uint64_t seed = 20261121;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        uint64_t whole = help_below(&seed, 1000000), fraction = help_random(&seed) >> help_below(&seed, 64);
        int len = snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, i & 1 ? "-" : "", whole,
                           (int)help_below(&seed, 18) + 1, fraction);
        if (i & 2)
            snprintf(text + len, sizeof text - (size_t)len, "e%d", (int)help_below(&seed, 60) - 30);
        struct json_value v = {.at = text, .len = (uint32_t)strlen(text), .kind = JSON_KIND_DOUBLE};
        double expected = strtod(text, NULL), got = json_double(v);
        if (memcmp(&expected, &got, sizeof got) != 0)
            fail_msg("%s: got %.17g, expected %.17g", text, got, expected);
    }
}

static void numbers_of_any_length_are_rounded_as_strtod_does(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "%s%s", "-%s.%s", "0.000%s%s", "%s%se-1200", "0.%s%se900", "1%s.0%s", "9007199254740993%s.%s"};
    uint64_t seed = 7;
    for (int i = 0; i < 20000; i++) {
        char a[1500], b[1500], text[4096];
        size_t sizes[] = {1 + help_below(&seed, 1400), 1 + help_below(&seed, 1400)};
        bool zeroes = i % 3 == 0;
        for (size_t k = 0; k < sizes[0]; k++)
            a[k] = (char)('0' + (zeroes ? 0 : help_below(&seed, 10)));
        for (size_t k = 0; k < sizes[1]; k++)
            b[k] = (char)('0' + (zeroes && k + 1 < sizes[1] ? 0 : help_below(&seed, 10)));
        a[sizes[0]] = b[sizes[1]] = '\0';
        const char *shape = shapes[i % 7];
        const char *split = strstr(shape, "%s"), *rest = split + 2, *second = strstr(rest, "%s");
        snprintf(text, sizeof text, "%.*s%s%.*s%s%s", (int)(split - shape), shape, a, (int)(second - rest), rest, b,
                 second + 2);
        struct json_value v = {.at = text, .len = (uint32_t)strlen(text), .kind = JSON_KIND_DOUBLE};
        double expected = strtod(text, NULL), got = json_double(v);
        if (memcmp(&expected, &got, sizeof got) != 0)
            fail_msg("%s: got %.17g, expected %.17g", text, got, expected);
    }
}

static void numbers_do_not_care_for_the_locale(void **state)
{
    (void)state;
    comma_begin();
    double got = json_double(root_of("3.14159265358979323846264338327950288"));
    setlocale(LC_ALL, "C");
    assert_true(got == 3.14159265358979323846264338327950288);
}

/* Navigation trusts that the text is JSON, not that it ends: every prefix and every broken byte stays inside. */
static void broken_texts_do_not_lead_outside(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,2.5e3,-0,true,\"x\\n\\u00e9\"],\"b\\\"\":{\"c\":{},\"d\":[\"\\ud83d\\ude00\"]},\"e\":[[1],[2]]}";
    uint64_t seed = 7;
    struct vx_arena arena = {0};
    for (int i = 0; i < 20000; i++) {
        char broken[sizeof text];
        memcpy(broken, text, sizeof text);
        size_t len = i < (int)sizeof text ? (size_t)i : sizeof text - 1;
        for (int n = 0; i >= (int)sizeof text && n < 3; n++)
            broken[help_below(&seed, len)] = "{}[]\",:\\u1e\x80 "[help_below(&seed, 13)];
        struct vx_span guarded = help_guarded(broken, len);
        struct json_value v = {
            .at = guarded.at, .len = (uint32_t)len, .kind = i & 1 ? JSON_KIND_OBJECT : JSON_KIND_ARRAY};
        struct json_iter outer = json_iter(v);
        while (json_next(&outer)) {
            struct json_iter inner = json_iter(outer.value);
            while (json_next(&inner))
                (void)json_count(inner.value, &arena);
            int64_t integer;
            (void)json_int64(outer.value, &integer);
            (void)json_string_equal(outer.key, VX_SPAN_LITERAL("b\""));
            if (outer.value.kind == JSON_KIND_STRING)
                (void)json_unescape(outer.value, &arena);
        }
        (void)json_count(v, &arena);
        (void)json_member(v, VX_SPAN_LITERAL("e"));
        vx_arena_reset(&arena, 1 << 16);
    }
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(elements_are_found),
        cmocka_unit_test(iteration_shows_every_member_in_order),
        cmocka_unit_test(values_that_are_read_are_those_that_are_scanned),
        cmocka_unit_test(count_is_of_elements_and_distinct_keys),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(integers_are_exact_or_refused),
        cmocka_unit_test(doubles_are_the_nearest),
        cmocka_unit_test(numbers_of_any_length_are_rounded_as_strtod_does),
        cmocka_unit_test(numbers_do_not_care_for_the_locale),
        cmocka_unit_test(broken_texts_do_not_lead_outside),
    };
    return cmocka_run_group_tests_name("json value", tests, NULL, NULL);
}
