/* Time zones: files that are read, files that are refused, rules for the years to come, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/cel/functions/time.h"
#include "core/cel/functions/tzif.h"
#include "core/cel/functions/zone.h"

static int64_t at(const char *text)
{
    struct cel_value v;
    assert_null(cel_timestamp_read(vx_span(text, strlen(text)), &v));
    return v.time.seconds;
}

static void rules_hold_for_every_year(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *at;
        int32_t offset;
    } rows[] = {
        {"UTC0", "2024-01-01T00:00:00Z", 0},
        {"<+0530>-5:30", "2024-01-01T00:00:00Z", 19800},
        {"<-03>3", "2024-01-01T00:00:00Z", -10800},
        {"LMT-0:09:21", "2024-01-01T00:00:00Z", 561},
        /* the last Sunday of March and October */
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T00:59:59Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00:00Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T00:59:59Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00:00Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "9999-07-01T00:00:00Z", 7200},
        /* the southern half: daylight over the new year */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-01-01T00:00:00Z", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-12-31T23:59:59Z", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-04-06T15:59:59Z", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-04-06T16:00:00Z", 36000},
        /* Dublin's winter is its daylight time, an hour back */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-01T00:00:00Z", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-07-01T00:00:00Z", 3600},
        /* hours before midnight and beyond a day */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z", -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", -3600},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2024-03-28T23:59:59Z", 7200},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2024-03-29T00:00:00Z", 10800},
        /* days of the year, with and without the leap day */
        {"XXX0YYY,J60/0,J61/0", "2024-02-29T12:00:00Z", 0},
        {"XXX0YYY,J60/0,J61/0", "2024-03-01T12:00:00Z", 3600},
        {"XXX0YYY,J60/0,J61/0", "2023-03-01T12:00:00Z", 3600},
        {"XXX0YYY,59/0,60/0", "2024-02-29T12:00:00Z", 3600},
        {"XXX0YYY,59/0,60/0", "2023-03-01T12:00:00Z", 3600},
        /* daylight time all year: RFC 8536, 3.3.1 */
        {"EST5EDT,0/0,J365/25", "2024-12-31T23:59:59Z", -14400},
        {"EST5EDT,0/0,J365/25", "2025-01-01T12:00:00Z", -14400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tz tz = {0};
        assert_true(tz_read_rule(vx_span(rows[i].rule, strlen(rows[i].rule)), &tz));
        if (tz_offset(&tz, at(rows[i].at)) != rows[i].offset)
            print_error("%s at %s\n", rows[i].rule, rows[i].at);
        assert_int_equal(tz_offset(&tz, at(rows[i].at)), rows[i].offset);
    }
}

static void broken_rules_are_refused(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "",
        "U0",
        "UTC",
        "UTC25",
        "UTC0:60",
        "<UTC0",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J5",
        "CET-1CEST,J366,J5",
        "CET-1CEST,366,5",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0 ",
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct tz tz = {0};
        if (tz_read_rule(vx_span(rules[i], strlen(rules[i])), &tz))
            print_error("%s\n", rules[i]);
        assert_false(tz_read_rule(vx_span(rules[i], strlen(rules[i])), &tz));
    }
}

/* ---- files ---- */

static void add_32(struct vx_buf *buf, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        vx_buf_char(buf, (char)(n >> shift));
}

static void add_header(struct vx_buf *buf, uint32_t times, uint32_t types)
{
    vx_buf_add(buf, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    const uint32_t counts[] = {0, 0, 0, times, types, 4};
    for (int i = 0; i < 6; i++)
        add_32(buf, counts[i]);
}

/* Two transitions: to +1 h in 1970 and to +2 h a thousand seconds later; -600 s before; then `footer`. */
static void make_file(struct vx_buf *buf, const char *footer)
{
    add_header(buf, 0, 1);
    vx_buf_add(buf, "\0\0\0\0\0\0XXX", 10);
    add_header(buf, 2, 3);
    add_32(buf, 0), add_32(buf, 0);
    add_32(buf, 0), add_32(buf, 1000);
    vx_buf_add(buf, "\1\2", 2);
    add_32(buf, (uint32_t)-600), vx_buf_add(buf, "\0\0", 2);
    add_32(buf, 3600), vx_buf_add(buf, "\0\0", 2);
    add_32(buf, 7200), vx_buf_add(buf, "\1\0", 2);
    vx_buf_add(buf, "XXX", 4);
    vx_buf_printf(buf, "\n%s\n", footer);
}

static void a_file_gives_offsets_by_its_transitions_and_then_by_its_rule(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct vx_buf buf = {0};
    struct tz tz;
    make_file(&buf, "XXX-3");
    assert_true(tz_read(&arena, vx_buf_view(&buf), &tz));
    assert_int_equal(tz_offset(&tz, INT64_C(-62135596800)), -600);
    assert_int_equal(tz_offset(&tz, -1), -600);
    assert_int_equal(tz_offset(&tz, 0), 3600);
    assert_int_equal(tz_offset(&tz, 999), 3600);
    assert_int_equal(tz_offset(&tz, 1000), 10800);
    vx_buf_clear(&buf);
    make_file(&buf, "");
    assert_true(tz_read(&arena, vx_buf_view(&buf), &tz));
    assert_int_equal(tz_offset(&tz, 999), 3600);
    assert_int_equal(tz_offset(&tz, INT64_C(253402300799)), 7200);
    vx_buf_done(&buf);
    vx_arena_done(&arena);
}

/* Every file cut short anywhere, and every byte of it changed, is refused or read, and what was read gives an offset:
 * the sanitizers watch. */
static void broken_files_are_survived(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct vx_buf buf = {0};
    struct tz tz;
    make_file(&buf, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < buf.len; len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, buf.at, len);
        copy = realloc(copy, len ? len : 1);
        assert_false(tz_read(&arena, vx_span(copy, len), &tz));
        free(copy);
    }
    for (size_t i = 0; i < buf.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            char *copy = malloc(buf.len);
            memcpy(copy, buf.at, buf.len);
            copy[i] ^= (char)(1 << bit);
            if (tz_read(&arena, vx_span(copy, buf.len), &tz)) {
                tz_offset(&tz, INT64_C(-62135596800));
                tz_offset(&tz, 500);
                tz_offset(&tz, INT64_C(253402300799));
            }
            free(copy);
            vx_arena_reset(&arena, 1 << 16);
        }
    }
    vx_buf_done(&buf);
    vx_arena_done(&arena);
}

static void write_file(const char *dir, const char *name, const char *footer)
{
    char path[256];
    struct vx_buf buf = {0};
    if (footer)
        make_file(&buf, footer);
    else
        vx_buf_str(&buf, "# a list of zones\n");
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(buf.at, 1, buf.len, file), buf.len);
    fclose(file);
    vx_buf_done(&buf);
}

static void a_table_is_read_from_a_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"Area/Town", "Area/Deep/Town", "Plain", "zone.tab", "localtime", "right/Plain"};
    static const char *const dirs[] = {"Area", "right", "Area/Deep"};
    char dir[] = "/tmp/veltrix-zones-XXXXXX", path[256], from[256];
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, dirs[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        write_file(dir, files[i], i == 3 ? NULL : i == 0 ? "XXX-3" : "YYY-4");
    snprintf(from, sizeof from, "%s/Old", dir);
    assert_int_equal(symlink("Area/Town", from), 0);
    snprintf(path, sizeof path, "%s/Loop", dir);
    assert_int_equal(symlink(".", path), 0);

    struct cel_zones *zones = cel_zones_load(dir);
    uint16_t town = cel_zones_find(zones, VX_SPAN_LITERAL("Area/Town"));
    uint16_t old = cel_zones_find(zones, VX_SPAN_LITERAL("Old"));
    assert_true(town > 0 && old > 0);
    assert_int_equal(cel_zones_offset(zones, town, 5000), 10800);
    assert_int_equal(cel_zones_offset(zones, old, 5000), 10800);
    assert_int_equal(cel_zones_offset(zones, cel_zones_find(zones, VX_SPAN_LITERAL("Area/Deep/Town")), 5000), 14400);
    assert_int_equal(cel_zones_offset(zones, cel_zones_find(zones, VX_SPAN_LITERAL("UTC")), 5000), 0);
    static const char *const none[] = {"zone.tab", "localtime", "right/Plain", "area/town", "Area",
                                       "Area/",    "",          "../Plain"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(cel_zones_find(zones, vx_span_str(none[i])), 0);
    assert_string_equal(cel_zones_nearest(zones, VX_SPAN_LITERAL("Area/Twon")), "Area/Town");
    assert_null(cel_zones_nearest(zones, VX_SPAN_LITERAL("something else")));
    cel_zones_free(zones);

    unlink(from);
    unlink(path);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    for (size_t i = 3; i > 0; i--) {
        snprintf(path, sizeof path, "%s/%s", dir, dirs[i - 1]);
        rmdir(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void without_a_database_there_is_utc(void **state)
{
    (void)state;
    struct cel_zones *zones = cel_zones_load("/nonexistent");
    assert_int_equal(cel_zones_count(zones), 1);
    assert_int_equal(cel_zones_find(zones, VX_SPAN_LITERAL("Europe/Paris")), 0);
    assert_int_equal(cel_zones_offset(zones, cel_zones_find(zones, VX_SPAN_LITERAL("UTC")), 0), 0);
    cel_zones_free(zones);
    cel_zones_free(NULL);
}

/* This machine's zones against the C library's, which reads the same files in its own way. */
static void the_systems_zones_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Paris",   "Europe/Dublin",   "America/New_York",    "America/St_Johns",  "America/Sao_Paulo",
        "Asia/Kathmandu", "Asia/Jerusalem",  "Australia/Lord_Howe", "Africa/Casablanca", "America/Nuuk",
        "Pacific/Apia",   "Pacific/Chatham", "Antarctica/Troll",    "Asia/Tehran",       "Etc/GMT+12",
    };
    const struct cel_zones *zones = cel_zones();
    assert_true(cel_zones_count(zones) > 300);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint16_t zone = cel_zones_find(zones, vx_span_str(names[i]));
        assert_true(zone > 0);
        setenv("TZ", names[i], 1);
        tzset();
        uint64_t seed = 88172645463325252u + i;
        for (int n = 0; n < 3000; n++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            time_t t = (time_t)(seed % 8000000000u) - 2000000000; /* 1906 to 2160 */
            struct tm tm;
            localtime_r(&t, &tm);
            if (tm.tm_gmtoff != cel_zones_offset(zones, zone, t))
                print_error("%s at %lld\n", names[i], (long long)t);
            assert_int_equal(tm.tm_gmtoff, cel_zones_offset(zones, zone, t));
        }
    }
    unsetenv("TZ");
}

static void the_calendar_goes_both_ways(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 3000000; days += 17) {
        struct cel_date date = cel_date_of(days);
        time_t t = (time_t)(days * CEL_DAY_S);
        struct tm tm;
        gmtime_r(&t, &tm);
        assert_int_equal(date.year, tm.tm_year + 1900);
        assert_int_equal(date.month, tm.tm_mon + 1);
        assert_int_equal(date.day, tm.tm_mday);
        assert_int_equal(cel_weekday_of(days), tm.tm_wday);
        assert_int_equal(cel_days_of(date), days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hold_for_every_year),
        cmocka_unit_test(broken_rules_are_refused),
        cmocka_unit_test(a_file_gives_offsets_by_its_transitions_and_then_by_its_rule),
        cmocka_unit_test(broken_files_are_survived),
        cmocka_unit_test(a_table_is_read_from_a_folder),
        cmocka_unit_test(without_a_database_there_is_utc),
        cmocka_unit_test(the_systems_zones_agree_with_the_c_library),
        cmocka_unit_test(the_calendar_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
