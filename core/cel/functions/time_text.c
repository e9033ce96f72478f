/* The calendar, and timestamps and durations as text. Any thread; no state, and no call into the C library's calendar:
 * that one knows a process-wide time zone and writes year 1 as "1".
 *
 * Invariant: a timestamp made here is in [CEL_TIMESTAMP_MIN_S, CEL_TIMESTAMP_MAX_S + 1), a duration fits 64 bits of
 * nanoseconds (about 292 years), which are cel-spec's ranges.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/cel/functions/time.h"

/* ---- the calendar ---- */

/* 400 years, counted from a first of March so that a leap day ends its year: H. Hinnant, "chrono-Compatible Low-Level
 * Date Algorithms". */
enum { ERA_DAYS = 146097, ERA_YEARS = 400, EPOCH_DAYS = 719468 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t cel_days_of(struct cel_date date)
{
    int64_t year = date.year - (date.month <= 2), era = floor_div(year, ERA_YEARS), in_era = year - era * ERA_YEARS;
    int64_t in_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAYS;
}

struct cel_date cel_date_of(int64_t days)
{
    int64_t from = days + EPOCH_DAYS, era = floor_div(from, ERA_DAYS), in_era = from - era * ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100), month = (5 * in_year + 2) / 153;
    struct cel_date date = {.day = (int)(in_year - (153 * month + 2) / 5 + 1)};
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = year + era * ERA_YEARS + (date.month <= 2);
    return date;
}

int cel_weekday_of(int64_t days)
{
    return (int)(days - 7 * floor_div(days + 4, 7) + 4); /* 1970-01-01 was a Thursday */
}

int64_t cel_split_days(int64_t seconds, int32_t *second_of_day)
{
    int64_t days = floor_div(seconds, CEL_DAY_S);
    *second_of_day = (int32_t)(seconds - days * CEL_DAY_S);
    return days;
}

/* ---- text to time ---- */

/* Reads exactly `count` digits at `*at`, a number from `least` to `most`. */
static bool read_number(struct vx_span s, size_t *at, size_t count, int least, int most, int *number)
{
    int n = 0;
    if (s.len - *at < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        char c = s.at[*at + i];
        if (c < '0' || c > '9')
            return false;
        n = 10 * n + c - '0';
    }
    *at += count;
    *number = n;
    return n >= least && n <= most;
}

static bool read_char(struct vx_span s, size_t *at, char lower, char upper)
{
    bool there = *at < s.len && (s.at[*at] == lower || s.at[*at] == upper);
    *at += there;
    return there;
}

static bool read_date(struct vx_span s, size_t *at, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!read_number(s, at, 4, 0, 9999, &year) || !read_char(s, at, '-', '-') ||
        !read_number(s, at, 2, 1, 12, &month) || !read_char(s, at, '-', '-') || !read_number(s, at, 2, 1, 31, &day))
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    *days = cel_days_of((struct cel_date){year, month, day});
    return day <= lengths[month - 1] + (month == 2 && leap);
}

static bool read_clock(struct vx_span s, size_t *at, int *second_of_day, int32_t *nanos)
{
    int hour, minute, second;
    if (!read_number(s, at, 2, 0, 23, &hour) || !read_char(s, at, ':', ':') || !read_number(s, at, 2, 0, 59, &minute) ||
        !read_char(s, at, ':', ':') || !read_number(s, at, 2, 0, 59, &second))
        return false;
    *second_of_day = 3600 * hour + 60 * minute + second;
    *nanos = 0;
    if (!read_char(s, at, '.', '.'))
        return true;
    size_t from = *at;
    for (int32_t unit = CEL_SECOND_NS / 10; *at < s.len && s.at[*at] >= '0' && s.at[*at] <= '9'; unit /= 10)
        *nanos += unit * (s.at[(*at)++] - '0');
    return *at > from;
}

/* "Z" or "+02:00" */
static bool read_suffix(struct vx_span s, size_t *at, int *east)
{
    int hours, minutes;
    *east = 0;
    if (read_char(s, at, 'z', 'Z'))
        return true;
    bool minus = *at < s.len && s.at[*at] == '-';
    if (!read_char(s, at, '+', '-') || !read_number(s, at, 2, 0, 23, &hours) || !read_char(s, at, ':', ':') ||
        !read_number(s, at, 2, 0, 59, &minutes))
        return false;
    *east = (minus ? -60 : 60) * (60 * hours + minutes);
    return true;
}

bool cel_timestamp_make(int64_t seconds, int32_t nanos, struct cel_value *out)
{
    if (seconds < CEL_TIMESTAMP_MIN_S || seconds > CEL_TIMESTAMP_MAX_S)
        return false;
    *out = (struct cel_value){.type = CEL_TIMESTAMP, .time = {seconds, nanos}};
    return true;
}

const char *cel_timestamp_read(struct vx_span s, struct cel_value *out)
{
    size_t at = 0;
    int64_t days;
    int second_of_day, east;
    int32_t nanos;
    if (!read_date(s, &at, &days) || !read_char(s, &at, 't', 'T') || !read_clock(s, &at, &second_of_day, &nanos) ||
        !read_suffix(s, &at, &east) || at != s.len)
        return "timestamp (RFC 3339: 2009-02-13T23:31:30Z)";
    return cel_timestamp_make(days * CEL_DAY_S + second_of_day - east, nanos, out) ? NULL
                                                                                   : "timestamp of the years 1 to 9999";
}

bool cel_offset_read(struct vx_span s, int32_t *seconds)
{
    size_t at = s.len > 0 && (s.at[0] == '+' || s.at[0] == '-');
    size_t digits = at + 1 < s.len && s.at[at + 1] == ':' ? 1 : 2;
    int hours, minutes;
    if (!read_number(s, &at, digits, 0, 23, &hours) || !read_char(s, &at, ':', ':') ||
        !read_number(s, &at, 2, 0, 59, &minutes) || at != s.len)
        return false;
    *seconds = (s.at[0] == '-' ? -60 : 60) * (60 * hours + minutes);
    return true;
}

struct cel_value cel_duration_of(int64_t nanos)
{
    struct cel_value v = {.type = CEL_DURATION};
    v.time.seconds = nanos / CEL_SECOND_NS;
    v.time.nanos = (int32_t)(nanos % CEL_SECOND_NS);
    return v;
}

/* The nanoseconds of the unit at `*at`, which is stepped over; 0: none. */
static int64_t read_unit(struct vx_span s, size_t *at)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {{"h", 3600000000000}, {"ms", 1000000},     {"m", 60000000000},  {"s", CEL_SECOND_NS},
                 {"us", 1000},         {"\302\265s", 1000}, {"\316\274s", 1000}, {"ns", 1}};
    struct vx_span rest = vx_span(s.at + *at, s.len - *at);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (vx_span_starts_with(rest, vx_span_str(units[i].name))) {
            *at += strlen(units[i].name);
            return units[i].nanos;
        }
    }
    return 0;
}

/* What is left of the range is at most 2^63 nanoseconds, so that any more digits are too many. */
enum { FRACTION_DIGITS_MAX = 18 };

/* One "1.5h" at `*at`, added to `*nanos`. False: it is none; *over: it does not fit. */
static bool read_part(struct vx_span s, size_t *at, uint64_t *nanos, bool *over)
{
    uint64_t whole = 0, fraction = 0, scale = 1;
    size_t digits = 0;
    for (; *at < s.len && s.at[*at] >= '0' && s.at[*at] <= '9'; (*at)++, digits++)
        *over |= __builtin_mul_overflow(whole, (uint64_t)10, &whole) ||
                 __builtin_add_overflow(whole, (uint64_t)(s.at[*at] - '0'), &whole);
    if (read_char(s, at, '.', '.')) {
        for (int i = 0; *at < s.len && s.at[*at] >= '0' && s.at[*at] <= '9'; (*at)++, digits++, i++) {
            if (i < FRACTION_DIGITS_MAX) {
                fraction = 10 * fraction + (uint64_t)(s.at[*at] - '0');
                scale *= 10;
            }
        }
    }
    uint64_t unit = digits ? (uint64_t)read_unit(s, at) : 0;
    *over |= __builtin_mul_overflow(whole, unit, &whole) || __builtin_add_overflow(*nanos, whole, nanos) ||
             __builtin_add_overflow(*nanos, (uint64_t)((unsigned __int128)fraction * unit / scale), nanos);
    return unit > 0;
}

const char *cel_duration_read(struct vx_span s, struct cel_value *out)
{
    static const char expected[] = "duration (as in 1h30m, 1.5s, 500ms)";
    bool minus = s.len > 0 && s.at[0] == '-', over = false;
    size_t at = minus || (s.len > 0 && s.at[0] == '+');
    uint64_t nanos = 0;
    if (at == s.len)
        return expected;
    if (vx_span_is(vx_span(s.at + at, s.len - at), "0"))
        at = s.len;
    while (at < s.len) {
        if (!read_part(s, &at, &nanos, &over))
            return expected;
    }
    if (over || nanos > (uint64_t)INT64_MAX + minus)
        return "duration of at most 292 years";
    *out = cel_duration_of((int64_t)(minus ? 0 - nanos : nanos));
    return NULL;
}

/* ---- time to text ---- */

/* ".5", ".123456789" or nothing */
static int print_nanos(int nanos, char *text)
{
    int n = nanos ? sprintf(text, ".%09d", nanos) : 0;
    while (n > 0 && text[n - 1] == '0')
        n--;
    return n;
}

size_t cel_time_print(struct cel_value v, char text[CEL_TIME_TEXT_SIZE])
{
    int n;
    if (v.type == CEL_DURATION) {
        bool minus = v.time.seconds < 0 || v.time.nanos < 0;
        n = sprintf(text, "%s%llu", minus ? "-" : "",
                    minus ? 0 - (unsigned long long)v.time.seconds : (unsigned long long)v.time.seconds);
        n += print_nanos(abs(v.time.nanos), text + n);
        text[n++] = 's';
        return (size_t)n;
    }
    int32_t second;
    struct cel_date date = cel_date_of(cel_split_days(v.time.seconds, &second));
    n = sprintf(text, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)date.year, date.month, date.day, second / 3600,
                second / 60 % 60, second % 60);
    n += print_nanos(v.time.nanos, text + n);
    text[n++] = 'Z';
    return (size_t)n;
}
