/* Writing: strings, integers, doubles. */
#include "comma.h"
#include "help.h"

#include <float.h>
#include <math.h>

#include "core/json/write.h"

static void strings_are_escaped_where_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *written;
    } rows[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"\0\x1f\x7f", 3, "\"\\u0000\\u001f\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\\", 1, "\"\\\\\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vx_buf out = {0};
        json_write_string(&out, vx_span(rows[i].text, rows[i].len));
        assert_string_equal(vx_buf_text(&out), rows[i].written);
        vx_buf_done(&out);
    }
}

static void every_string_reads_back(void **state)
{
    (void)state;
    struct json_scanner *scanner = json_scanner_new();
    struct vx_arena arena = {0};
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        char text[100];
        size_t len = help_below(&seed, sizeof text);
        for (size_t n = 0; n < len; n++)
            text[n] = (char)help_below(&seed, 128);
        struct vx_buf out = {0};
        json_write_string(&out, vx_span(text, len));
        assert_int_equal(json_scan(scanner, NULL, vx_buf_view(&out), NULL, NULL), VX_OK);
        struct json_value v = {out.at + 1, (uint32_t)out.len - 2, JSON_KIND_STRING, true};
        assert_true(vx_span_equal(json_unescape(v, &arena), vx_span(text, len)));
        vx_buf_done(&out);
        vx_arena_reset(&arena, 1 << 16);
    }
    vx_arena_done(&arena);
    json_scanner_free(scanner);
}

static void integers_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *written;
    } rows[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {10, "10"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vx_buf out = {0};
        json_write_int(&out, rows[i].value);
        assert_string_equal(vx_buf_text(&out), rows[i].written);
        vx_buf_done(&out);
    }
}

static void doubles_are_written_short_and_stay_doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *written;
    } rows[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-12, "-12.0"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.5, "2.5"},
        {999999999999999, "999999999999999.0"},
        {1e15, "1e+15"},
        {1e16, "1e+16"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1e22, "1e+22"},
        {1e-5, "1e-05"},
        {0.001, "0.001"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1e23, "1e+23"},
        {1234.5678, "1234.5678"},
        {9007199254740993.0, "9007199254740992.0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vx_buf out = {0};
        json_write_double(&out, rows[i].value);
        assert_string_equal(vx_buf_text(&out), rows[i].written);
        vx_buf_done(&out);
    }
}

static void every_double_reads_back(void **state)
{
    (void)state;
    struct json_scanner *scanner = json_scanner_new();
    uint64_t seed = 5;
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = help_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i & 1)
            value = (double)(int64_t)(bits >> 20) / 1000;
        if (!isfinite(value))
            continue;
        struct vx_buf out = {0};
        json_write_double(&out, value);
        assert_int_equal(json_scan(scanner, NULL, vx_buf_view(&out), NULL, NULL), VX_OK);
        struct json_value v = {out.at, (uint32_t)out.len, JSON_KIND_DOUBLE, false};
        assert_true(json_double(v) == value);
        assert_non_null(strpbrk(out.at, ".e"));
        vx_buf_done(&out);
    }
    json_scanner_free(scanner);
}

static void doubles_do_not_care_for_the_locale(void **state)
{
    (void)state;
    comma_begin();
    struct vx_buf out = {0};
    json_write_double(&out, 0.5);
    setlocale(LC_ALL, "C");
    assert_string_equal(vx_buf_text(&out), "0.5");
    vx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_where_they_must),
        cmocka_unit_test(every_string_reads_back),
        cmocka_unit_test(integers_are_written),
        cmocka_unit_test(doubles_are_written_short_and_stay_doubles),
        cmocka_unit_test(every_double_reads_back),
        cmocka_unit_test(doubles_do_not_care_for_the_locale),
    };
    return cmocka_run_group_tests_name("json write", tests, NULL, NULL);
}
