/* Values as JSON, as text and as literals; equality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cel/cel.h"
#include "core/cel/values.h"
#include "core/json/scan.h"

/* The value of an expression, and its writings. */
struct row {
    const char *expr, *json, *text; /* NULL: has none */
};

static struct cel_value value_of(struct vx_arena *arena, const char *text, const struct json_value *root)
{
    struct cel_slots slots = {0};
    struct cel_value v = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    struct cel_event event = {.slots = root, .timestamp_ms = -1, .key = {"\xff", 1}, .value = {"0", 1}};
    struct cel_frame frame = {.event = &event, .arena = arena};
    assert_int_equal(cel_parse(arena, vx_span_str(text), cel_env_event(), &expr, &error), VX_OK);
    assert_int_equal(cel_eval(cel_compile(arena, expr, &slots), &frame, &v), VX_OK);
    cel_slots_done(&slots);
    return v;
}

static void values_are_written_as_json_and_as_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"null", "null", NULL},
        {"true", "true", "true"},
        {"-5", "-5", "-5"},
        {"18446744073709551615u", "18446744073709551615", "18446744073709551615"},
        {"1.0", "1.0", "1"},
        {"-0.0", "-0.0", "-0"},
        {"0.1", "0.1", "0.1"},
        {"1e100", "1e+100", "1e+100"},
        {"5e-324", "5e-324", "5e-324"},
        {"1234567.125", "1234567.125", "1234567.125"},
        {"1e20", "1e+20", "100000000000000000000"},
        {"0.000001", "1e-06", "0.000001"},
        {"0.00000012", "1.2e-07", "1.2e-7"},
        {"double(\"nan\")", NULL, NULL},
        {"double(\"inf\")", NULL, NULL},
        {"\"a\\\"\\n\"", "\"a\\\"\\n\"", "a\"\n"},
        {"b\"abc\"", "\"YWJj\"", "abc"},
        {"b\"\\xff\"", "\"/w==\"", NULL},
        {"timestamp", "\"1969-12-31T23:59:59.999Z\"", "1969-12-31T23:59:59.999Z"},
        {"[1, \"a\", [null], {}]", "[1,\"a\",[null],{}]", NULL},
        {"{\"a\": 1.5, \"b\": [true]}", "{\"a\":1.5,\"b\":[true]}", NULL},
        {"{1: 2}", NULL, NULL},
        {"[{1: 2}]", NULL, NULL},
        {"[1, double(\"nan\")]", NULL, NULL},
        {"int", NULL, NULL},
        {"[type(1)]", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        struct vx_buf buf = {0};
        struct cel_value v = value_of(&arena, rows[i].expr, NULL);
        vx_buf_str(&buf, ">");
        assert_int_equal(cel_write_json(v, &buf), rows[i].json != NULL);
        assert_string_equal(vx_buf_text(&buf) + 1, rows[i].json ? rows[i].json : "");
        vx_buf_clear(&buf);
        assert_int_equal(cel_write_text(v, &buf), rows[i].text != NULL);
        assert_string_equal(vx_buf_text(&buf), rows[i].text ? rows[i].text : "");
        vx_buf_done(&buf);
        vx_arena_done(&arena);
    }
}

/* Scans a JSON text into its root. */
static struct json_value scan(const char *text)
{
    struct json_value root;
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    json_paths_add(paths, (struct json_path){0}, 0);
    json_paths_seal(paths);
    assert_int_equal(json_scan(scanner, paths, vx_span_str(text), &root, NULL), VX_OK);
    json_scanner_free(scanner);
    json_paths_free(paths);
    return root;
}

/* Text of as few digits as read back; no more than three attempts find them, also where a double has few bits. */
static void a_double_is_spelt_as_short_as_it_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 4000; i++) {
        char text[CEL_DOUBLE_TEXT_SIZE + 1], other[48];
        double d;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        /* every magnitude; then every count of bits of a subnormal one, the highest and the lowest of it first */
        uint64_t bits = i < 2000 ? seed >> 2 : seed >> (12 + i % 52);
        bits = i >= 2000 && i < 2052   ? (uint64_t)1 << (i - 2000)
               : i >= 2052 && i < 2104 ? ((uint64_t)1 << (i - 2052)) - 1
                                       : bits;
        memcpy(&d, &bits, sizeof d);
        if (d == 0 || d != d || d - d != 0)
            continue;
        size_t len = cel_print_double(d, text), digits = 0;
        text[len] = '\0';
        assert_true(strtod(text, NULL) == d);
        char *end = strpbrk(text, "e"), *from = text + strspn(text, "0.");
        end = end ? end : text + len;
        while (end > from && (end[-1] == '0' || end[-1] == '.'))
            end--;
        for (char *p = from; p < end; p++)
            digits += *p != '.';
        if (digits > 1) {
            snprintf(other, sizeof other, "%.*e", (int)digits - 2, d);
            assert_true(strtod(other, NULL) != d);
        }
    }
}

static void json_values_keep_their_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"b\" : 1.50, \"a\":[1 , 2]}", "[ ]", "\"a\\/b\\u00e9\"", "12", "null", "true"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vx_buf buf = {0};
        assert_true(cel_write_json(cel_from_json(scan(texts[i])), &buf));
        assert_string_equal(vx_buf_text(&buf), texts[i]);
        vx_buf_done(&buf);
    }
}

static void literals_read_back_as_the_same_value(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "true",
        "-5",
        "5u",
        "1.0",
        "1e+30",
        "0.1",
        "\"q\\\"\\\\\\n\\u0001\303\251\"",
        "b\"\\x00\\xffa\"",
        "[1, 2.5, [\"x\"]]",
        "{\"a\": 1, 2: [], true: {}}",
        "int",
        "google.protobuf.Timestamp",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vx_arena arena = {0};
        struct vx_buf buf = {0};
        cel_write_literal(value_of(&arena, texts[i], NULL), &buf);
        assert_string_equal(vx_buf_text(&buf), texts[i]);
        vx_buf_done(&buf);
        vx_arena_done(&arena);
    }
}

static void a_key_may_be_json_with_escapes(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct vx_buf buf = {0};
    struct json_value root = scan("\"a\\/b\"");
    assert_true(cel_write_json(value_of(&arena, "{event: 1}", &root), &buf));
    assert_string_equal(vx_buf_text(&buf), "{\"a\\/b\":1}");
    vx_buf_done(&buf);
    vx_arena_done(&arena);
}

/* Tens of thousands of keys are no work for minutes. */
static void of_a_repeated_key_the_last_is_written(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct vx_buf text = {0}, wanted = {0}, buf = {0};
    vx_buf_str(&wanted, "{");
    vx_buf_str(&text, "{\"a\":0");
    for (int i = 0; i < 30000; i++)
        vx_buf_printf(&text, ",\"k%d\":%d", i % 20000, i);
    for (int i = 10000; i < 30000; i++)
        vx_buf_printf(&wanted, "\"k%d\": %d, ", i % 20000, i);
    vx_buf_str(&text, ",\"\\u0061\":{\"b\":1,\"b\":2}}");
    vx_buf_str(&wanted, "\"a\": {\"b\": 2}}");
    struct json_value root = scan(vx_buf_text(&text));
    cel_write_literal(value_of(&arena, "event", &root), &buf);
    assert_string_equal(vx_buf_text(&buf), vx_buf_text(&wanted));
    vx_buf_done(&buf);
    vx_buf_done(&text);
    vx_buf_done(&wanted);
    vx_arena_done(&arena);
}

static void durations_have_a_spelling(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int32_t nanos;
        const char *text;
    } rows[] = {{1, 500000000, "1.5s"}, {0, -1, "-0.000000001s"}, {-3, 0, "-3s"}, {1000000, 0, "1000000s"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_buf buf = {0};
        struct cel_value v = {.type = CEL_DURATION, .time = {rows[i].seconds, rows[i].nanos}};
        assert_true(cel_write_text(v, &buf));
        assert_string_equal(vx_buf_text(&buf), rows[i].text);
        vx_buf_done(&buf);
    }
}

static void headers_that_are_not_utf8_are_no_json(void **state)
{
    (void)state;
    static const struct cel_header good[] = {{{"a", 1}, {"x", 1}}, {{"b", 1}, {NULL, 0}}, {{"a", 1}, {"y", 1}}};
    static const struct cel_header bad[] = {{{"a", 1}, {"\xff", 1}}}, name[] = {{{"\xff", 1}, {"a", 1}}};
    struct vx_buf buf = {0};
    struct cel_value v = {.type = CEL_MAP, .is_headers = true, .headers = {good, 3}};
    assert_true(cel_write_json(v, &buf));
    assert_string_equal(vx_buf_text(&buf), "{\"b\":null,\"a\":\"y\"}");
    v.headers.at = bad;
    v.headers.count = 1;
    assert_false(cel_write_json(v, &buf));
    v.headers.at = name;
    assert_false(cel_write_json(v, &buf));
    vx_buf_done(&buf);
}

static void equality_is_deep_and_across_number_types(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"1", "1.0", true},
        {"1u", "1", true},
        {"1", "true", false},
        {"[1, 2]", "[1.0, 2u]", true},
        {"[1, 2]", "[1]", false},
        {"{1: \"a\"}", "{1u: \"a\"}", true},
        {"{\"a\": 1}", "{\"a\": 1, \"b\": 2}", false},
        {"{\"a\": 1}", "{\"b\": 1}", false},
        {"double(\"nan\")", "double(\"nan\")", false},
        {"9007199254740993", "9007199254740992.0", false},
        {"18446744073709551615u", "18446744073709551616.0", false},
        {"b\"a\"", "\"a\"", false},
        {"null", "null", true},
        {"int", "uint", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        struct cel_value a = value_of(&arena, rows[i].a, NULL), b = value_of(&arena, rows[i].b, NULL);
        assert_int_equal(cel_equal(a, b), rows[i].equal);
        assert_int_equal(cel_equal(b, a), rows[i].equal);
        vx_arena_done(&arena);
    }
    assert_true(
        cel_equal(cel_from_json(scan("{\"a\":[1,\"\\u00e9\"],\"a\":[2]}")), cel_from_json(scan("{\"a\": [2.0]}"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_json_and_as_text),
        cmocka_unit_test(a_double_is_spelt_as_short_as_it_reads_back),
        cmocka_unit_test(json_values_keep_their_bytes),
        cmocka_unit_test(literals_read_back_as_the_same_value),
        cmocka_unit_test(a_key_may_be_json_with_escapes),
        cmocka_unit_test(of_a_repeated_key_the_last_is_written),
        cmocka_unit_test(durations_have_a_spelling),
        cmocka_unit_test(headers_that_are_not_utf8_are_no_json),
        cmocka_unit_test(equality_is_deep_and_across_number_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
