/* Timestamps and durations: as text, in arithmetic, by the calendar and in time zones. */
#include "functions.h"

#include <stdio.h>
#include <string.h>

static void timestamps_are_read_as_rfc_3339(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"timestamp('2009-02-13T23:31:30Z')", "timestamp(\"2009-02-13T23:31:30Z\")"},
        {"timestamp('2009-02-13t23:31:30z')", "timestamp(\"2009-02-13T23:31:30Z\")"},
        {"timestamp('2009-02-13T23:31:30.5+01:00')", "timestamp(\"2009-02-13T22:31:30.5Z\")"},
        {"timestamp('2009-02-13T23:31:30-23:59')", "timestamp(\"2009-02-14T23:30:30Z\")"},
        {"timestamp('2009-02-13T23:31:30.123456789Z')", "timestamp(\"2009-02-13T23:31:30.123456789Z\")"},
        {"timestamp('2009-02-13T23:31:30.1234567899Z')", "timestamp(\"2009-02-13T23:31:30.123456789Z\")"},
        {"timestamp('2009-02-13T23:31:30.000Z')", "timestamp(\"2009-02-13T23:31:30Z\")"},
        {"timestamp('1969-12-31T23:59:59.75Z')", "timestamp(\"1969-12-31T23:59:59.75Z\")"},
        {"timestamp('2000-02-29T00:00:00Z')", "timestamp(\"2000-02-29T00:00:00Z\")"},
        {"timestamp('0001-01-01T00:00:00Z')", "timestamp(\"0001-01-01T00:00:00Z\")"},
        {"timestamp('9999-12-31T23:59:59.999999999Z')", "timestamp(\"9999-12-31T23:59:59.999999999Z\")"},
        {"timestamp(timestamp('2009-02-13T23:31:30Z'))", "timestamp(\"2009-02-13T23:31:30Z\")"},
        {"timestamp(1234567890)", "timestamp(\"2009-02-13T23:31:30Z\")"},
        {"timestamp(-62135596800)", "timestamp(\"0001-01-01T00:00:00Z\")"},
        {"timestamp(253402300799)", "timestamp(\"9999-12-31T23:59:59Z\")"},
        {"int(timestamp('2009-02-13T23:31:30.9Z'))", "1234567890"},
        {"string(timestamp('0999-02-13T03:01:00.10Z'))", "\"0999-02-13T03:01:00.1Z\""},
        {"timestamp(253402300800)", "error: int 253402300800 is not a timestamp of the years 1 to 9999 (in seconds)"},
        {"timestamp(-62135596801)", "error: int -62135596801 is not a timestamp of the years 1 to 9999 (in seconds)"},
    };
    CHECK(rows);
}

static void what_is_no_timestamp_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "2009-02-13",
        "2009-02-13T23:31:30",
        "2009-02-13 23:31:30Z",
        "2009-02-13T23:31Z",
        "2009-02-13T23:31:30.Z",
        "2009-02-13T23:31:30,5Z",
        "2009-02-13T23:31:30+0100",
        "2009-02-13T23:31:30+01",
        "2009-02-13T23:31:30+24:00",
        "2009-02-13T23:31:30+01:60",
        "2009-02-13T23:31:30ZZ",
        " 2009-02-13T23:31:30Z",
        "2009-13-13T23:31:30Z",
        "2009-00-13T23:31:30Z",
        "2009-02-00T23:31:30Z",
        "2009-02-29T23:31:30Z",
        "1900-02-29T23:31:30Z",
        "2009-04-31T23:31:30Z",
        "2009-02-13T24:00:00Z",
        "2009-02-13T23:60:00Z",
        "2009-02-13T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "+009-01-01T00:00:00Z",
    };
    static const char *const outside[] = {
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    char expr[128], expected[256];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(expr, sizeof expr, "timestamp('%s')", texts[i]);
        snprintf(expected, sizeof expected, "error: string \"%s\" is not a timestamp (RFC 3339: 2009-02-13T23:31:30Z)",
                 texts[i]);
        check_functions(&(struct function_row){expr, expected}, 1);
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        snprintf(expr, sizeof expr, "timestamp('%s')", outside[i]);
        snprintf(expected, sizeof expected, "error: string \"%s\" is not a timestamp of the years 1 to 9999",
                 outside[i]);
        check_functions(&(struct function_row){expr, expected}, 1);
    }
}

static void durations_are_read_as_numbers_with_units(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"duration('1h30m')", "duration(\"5400s\")"},
        {"duration('0')", "duration(\"0s\")"},
        {"duration('-0')", "duration(\"0s\")"},
        {"duration('-1.5h')", "duration(\"-5400s\")"},
        {"duration('1h34us')", "duration(\"3600.000034s\")"},
        {"duration('-23.4s')", "duration(\"-23.4s\")"},
        {"duration('+1ns')", "duration(\"0.000000001s\")"},
        {"duration('1ms1\302\265s1\316\274s')", "duration(\"0.001002s\")"},
        {"duration('.5s')", "duration(\"0.5s\")"},
        {"duration('1.s')", "duration(\"1s\")"},
        {"duration('0.0000000019s')", "duration(\"0.000000001s\")"},
        {"duration('0.333333333333333333333333h')", "duration(\"1199.999999999s\")"},
        {"duration('9223372036.854775807s')", "duration(\"9223372036.854775807s\")"},
        {"duration('-9223372036.854775808s')", "duration(\"-9223372036.854775808s\")"},
        {"duration(duration('1s'))", "duration(\"1s\")"},
        {"string(duration('1m1ms'))", "\"60.001s\""},
        {"duration('9223372036.854775808s')",
         "error: string \"9223372036.854775808s\" is not a duration of at most 292 years"},
        {"duration('3000000h')", "error: string \"3000000h\" is not a duration of at most 292 years"},
        {"duration('99999999999999999999ns')",
         "error: string \"99999999999999999999ns\" is not a duration of at most 292 years"},
        {"duration('')", "error: string \"\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('-')", "error: string \"-\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('1')", "error: string \"1\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('s')", "error: string \"s\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('.s')", "error: string \".s\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('1d')", "error: string \"1d\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('1h-30m')", "error: string \"1h-30m\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('1 h')", "error: string \"1 h\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('1.2.3s')", "error: string \"1.2.3s\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
    };
    CHECK(rows);
}

static void arithmetic_stays_in_range(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"timestamp('2009-02-13T23:00:00Z') + duration('600s')", "timestamp(\"2009-02-13T23:10:00Z\")"},
        {"duration('600s') + timestamp('2009-02-13T23:00:00Z')", "timestamp(\"2009-02-13T23:10:00Z\")"},
        {"timestamp('2009-02-13T23:00:00.25Z') - duration('1.5s')", "timestamp(\"2009-02-13T22:59:58.75Z\")"},
        {"timestamp('1970-01-01T00:00:00Z') - duration('1ns')", "timestamp(\"1969-12-31T23:59:59.999999999Z\")"},
        {"timestamp('2009-02-13T23:31:00Z') - timestamp('2009-02-13T23:29:00.5Z')", "duration(\"119.5s\")"},
        {"timestamp('2009-02-13T23:29:00.5Z') - timestamp('2009-02-13T23:31:00Z')", "duration(\"-119.5s\")"},
        {"duration('1h') + duration('-30m')", "duration(\"1800s\")"},
        {"duration('1h') - duration('1h1ns')", "duration(\"-0.000000001s\")"},
        {"timestamp('9999-12-31T23:59:59Z') + duration('0.999999999s')",
         "timestamp(\"9999-12-31T23:59:59.999999999Z\")"},
        {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp out of range (years 1 to 9999)"},
        {"timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')",
         "error: timestamp out of range (years 1 to 9999)"},
        {"timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "error: timestamp out of range (years 1 to 9999)"},
        {"timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')",
         "error: duration out of range (292 years)"},
        {"duration('9223372036s') + duration('1s')", "error: duration out of range (292 years)"},
        {"duration('-9223372036s') - duration('1s')", "error: duration out of range (292 years)"},
        {"duration('-9223372036.854775808s') < duration('0')", "true"},
        {"timestamp('2009-02-13T23:00:00+01:00') == timestamp('2009-02-13T22:00:00Z')", "true"},
        {"timestamp('2009-02-13T23:00:00Z') in [timestamp('2009-02-13T23:00:00Z')]", "true"},
        {"duration('60s') == duration('1m')", "true"},
    };
    CHECK(rows);
}

static void getters_count_from_zero_but_for_the_date(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"timestamp('2023-12-25T00:00:00Z').getDate()", "25"},
        {"timestamp('2023-12-25T00:00:00Z').getDate('America/Los_Angeles')", "24"},
        {"timestamp('2023-12-25T00:00:00Z').getDayOfMonth()", "24"},
        {"timestamp('2023-12-25T00:00:00Z').getDayOfMonth('America/Los_Angeles')", "23"},
        {"timestamp('2023-12-25T12:00:00Z').getDayOfWeek()", "1"},
        {"timestamp('1969-12-28T12:00:00Z').getDayOfWeek()", "0"},
        {"timestamp('0001-01-01T00:00:00Z').getDayOfWeek()", "1"},
        {"timestamp('2023-12-25T12:00:00Z').getDayOfYear()", "358"},
        {"timestamp('2024-12-31T23:59:59Z').getDayOfYear()", "365"},
        {"timestamp('2024-12-31T23:59:59Z').getDayOfYear('+00:01')", "0"},
        {"timestamp('2023-12-25T12:00:00Z').getFullYear()", "2023"},
        {"timestamp('2024-12-31T23:59:59Z').getFullYear('+00:01')", "2025"},
        {"timestamp('2023-12-25T12:00:00Z').getMonth()", "11"},
        {"timestamp('2023-12-25T12:00:00.500Z').getMilliseconds()", "500"},
        {"timestamp('1969-12-31T23:59:59.25Z').getMilliseconds()", "250"},
        {"timestamp('1969-12-31T23:59:59.25Z').getSeconds()", "59"},
        {"timestamp('2023-12-25T12:30:31Z').getHours()", "12"},
        {"timestamp('2023-12-25T12:30:31Z').getMinutes()", "30"},
        {"timestamp('2023-12-25T12:30:31Z').getSeconds()", "31"},
        {"timestamp('0001-01-01T00:00:00Z').getFullYear('-01:00')", "0"},
        {"duration('3h').getHours()", "3"},
        {"duration('-90m').getHours()", "-1"},
        {"duration('1h30m').getMinutes()", "90"},
        {"duration('1m30s').getSeconds()", "90"},
        {"duration('1.234s').getMilliseconds()", "234"},
        {"duration('-1.234s').getMilliseconds()", "-234"},
    };
    CHECK(rows);
}

static void zones_are_names_and_offsets(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"timestamp('2009-02-13T23:31:30Z').getHours('02:00')", "1"},
        {"timestamp('2009-02-13T23:31:30Z').getHours('+02:00')", "1"},
        {"timestamp('2009-02-13T23:31:30Z').getHours('-8:30')", "15"},
        {"timestamp('2009-02-13T23:31:30Z').getMinutes('-8:30')", "1"},
        {"timestamp('2009-02-13T23:31:30Z').getMinutes('Asia/Kathmandu')", "16"},
        {"timestamp('2009-02-13T23:31:30Z').getHours('UTC')", "23"},
        {"timestamp('2024-07-01T12:00:00Z').getHours('Europe/Paris')", "14"},
        {"timestamp('2024-01-01T12:00:00Z').getHours('Europe/Paris')", "13"},
        {"timestamp('2124-07-01T12:00:00Z').getHours('Europe/Paris')", "14"},
        {"timestamp('2124-01-01T12:00:00Z').getHours('Australia/Sydney')", "23"},
        {"timestamp('2124-07-01T12:00:00Z').getHours('Australia/Sydney')", "22"},
        {"timestamp('1800-01-01T12:00:00Z').getMinutes('Europe/Paris')", "9"},
        {"timestamp('2024-07-01T12:00:00Z').getHours('US/Pacific')", "5"},
    };
    static const struct function_row dynamic[] = {
        {"timestamp('2009-02-13T23:31:30Z').getHours(dyn('Europe') + '/Paris')", "0"},
        {"timestamp('2009-02-13T23:31:30Z').getHours(dyn('Europe') + '/Pariss')",
         "error: string \"Europe/Pariss\" is not a time zone (as in Europe/Paris, UTC, +02:00)"},
        {"timestamp('2009-02-13T23:31:30Z').getHours(dyn('') + '')",
         "error: string \"\" is not a time zone (as in Europe/Paris, UTC, +02:00)"},
    };
    CHECK(rows);
    for (size_t i = 0; i < sizeof dynamic / sizeof *dynamic; i++)
        assert_string_equal(give_text(dynamic[i].expr, false), dynamic[i].expected);
}

static void a_zone_of_the_event_is_looked_up(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *event, *expected;
    } rows[] = {
        {"timestamp.getHours(event.tz)", "{\"tz\":\"UTC\"}", "23"},
        {"timestamp.getHours(event.tz)", "{\"tz\":\"Europe/Paris\"}", "0"},
        {"timestamp.getHours(event.tz)", "{\"tz\":\"Europe\\/Paris\"}", "0"},
        {"timestamp.getHours(event.tz)", "{\"tz\":\"-08:30\"}", "15"},
        {"timestamp.getHours(event.tz)", "{\"tz\":\"../../etc/passwd\"}",
         "error 10: string \"../../etc/passwd\" is not a time zone (as in Europe/Paris, UTC, +02:00)"},
        {"timestamp.getHours(event.tz)", "{\"tz\":\"\"}",
         "error 10: string \"\" is not a time zone (as in Europe/Paris, UTC, +02:00)"},
        {"timestamp.getHours(event.tz)", "{\"tz\":5}", "error 10: no matching overload for timestamp.getHours(int)"},
        {"timestamp(event.at).getHours('Europe/Paris')", "{\"at\":\"2024-07-01T12:00:00Z\"}", "14"},
        {"timestamp - timestamp(event.at) > duration('1h')", "{\"at\":\"2009-02-13T22:00:00Z\"}", "true"},
        {"timestamp(event.at) > timestamp('2009-02-13T22:00:00Z')", "{\"at\":\"2009-02-13T22:00:00.1Z\"}", "true"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = eval_text(rows[i].expr, &(struct event){.json = rows[i].event});
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s on %s\n", rows[i].expr, rows[i].event);
        assert_string_equal(got, rows[i].expected);
    }
}

static void what_can_only_fail_is_refused_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"timestamp.getHours('Europe/Pari')",
         "refused 19+13: unknown time zone `Europe/Pari`; did you mean `Europe/Paris`?"},
        {"timestamp.getHours('europe/berlin')",
         "refused 19+15: unknown time zone `europe/berlin`; did you mean `Europe/Berlin`?"},
        {"timestamp.getHours('nowhere at all, really')", "refused 19+24: unknown time zone `nowhere at all, really`"},
        {"timestamp.getHours('')", "refused 19+2: unknown time zone ``"},
        {"timestamp.getHours('+24:00')", "refused 19+8: unknown time zone `+24:00`"},
        {"timestamp.getHours('localtime')", "refused 19+11: unknown time zone `localtime`"},
        {"timestamp.getHours(1)",
         "refused 10+8: no matching overload for timestamp.getHours(int); there is timestamp.getHours(string)"},
        {"timestamp.getHours('UTC', 'UTC')", "refused 10+8: getHours() takes 0 to 1 arguments, not 2"},
        {"timestamp + 1",
         "refused 10+1: no matching overload for timestamp + int; there is int + int, timestamp + duration"},
        {"timestamp + timestamp", "refused 10+1: no matching overload for timestamp + timestamp; there is timestamp + "
                                  "duration, duration + timestamp"},
        {"duration('1s') - timestamp", "refused 15+1: no matching overload for duration - timestamp; there is "
                                       "timestamp - timestamp, duration - duration"},
        {"duration('1x') < duration('1s')", "refused 0+8: string \"1x\" is not a duration (as in 1h30m, 1.5s, 500ms)"},
        {"duration('1s').getHours('UTC')",
         "refused 15+8: no matching overload for duration.getHours(string); there is timestamp.getHours(string)"},
        {"timestamp.getYear()", "refused 10+7: unknown function `getYear`"},
        {"timestamp.getHour()", "refused 10+7: unknown function `getHour`; did you mean `getHours`?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = load_text(rows[i].text, strlen(rows[i].text));
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].text);
        assert_string_equal(got, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_are_read_as_rfc_3339),
        cmocka_unit_test(what_is_no_timestamp_is_refused),
        cmocka_unit_test(durations_are_read_as_numbers_with_units),
        cmocka_unit_test(arithmetic_stays_in_range),
        cmocka_unit_test(getters_count_from_zero_but_for_the_date),
        cmocka_unit_test(zones_are_names_and_offsets),
        cmocka_unit_test(a_zone_of_the_event_is_looked_up),
        cmocka_unit_test(what_can_only_fail_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
