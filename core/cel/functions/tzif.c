/* One zone of the tz database: reading its file, and the offset from UTC at a time.
 *
 *     transitions   t0 ────── t1 ── … ── tn ────────────>
 *     type 0 ──────>│ types[0] │  …    │ the footer's rule, year after year
 *
 * RFC 8536 describes file and footer; the footer is a TZ string of POSIX (IEEE Std 1003.1, 8.3) with hours from -167 to
 * 167. Load time for reading, any thread for tz_offset(); nothing here has state. Files are checked as far as they are
 * used: a broken one is refused, it cannot mislead.
 */
#include "core/cel/functions/tzif.h"

#include <stdlib.h>

#include "core/cel/functions/time.h"

enum { HEADER_BYTES = 44, TYPE_BYTES = 6, RULE_HOURS_MAX = 167, OFFSET_MAX_S = 26 * 3600 };

/* ---- the footer ---- */

struct reader {
    const char *at, *end;
};

static bool read_char(struct reader *r, char c)
{
    bool there = r->at < r->end && *r->at == c;
    r->at += there;
    return there;
}

static bool read_number(struct reader *r, int least, int most, int *number)
{
    const char *from = r->at;
    int n = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - from < 4)
        n = 10 * n + *r->at++ - '0';
    *number = n;
    return r->at > from && n >= least && n <= most;
}

/* "CET" or "<+03>" */
static bool read_abbreviation(struct reader *r)
{
    const char *from = r->at;
    if (read_char(r, '<')) {
        while (r->at < r->end && *r->at != '>')
            r->at++;
        return read_char(r, '>');
    }
    while (r->at < r->end && ((*r->at >= 'A' && *r->at <= 'Z') || (*r->at >= 'a' && *r->at <= 'z')))
        r->at++;
    return r->at - from >= 3;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool read_time(struct reader *r, int hours_max, int32_t *seconds)
{
    int hours, minutes = 0, rest = 0;
    bool minus = read_char(r, '-');
    if (!minus)
        read_char(r, '+');
    if (!read_number(r, 0, hours_max, &hours) || (read_char(r, ':') && !read_number(r, 0, 59, &minutes)) ||
        (read_char(r, ':') && !read_number(r, 0, 59, &rest)))
        return false;
    *seconds = (minus ? -1 : 1) * (3600 * hours + 60 * minutes + rest);
    return true;
}

static bool read_change(struct reader *r, struct tz_rule *rule)
{
    *rule = (struct tz_rule){.kind = 'D', .time_s = 2 * 3600};
    bool good;
    if (read_char(r, 'M')) {
        rule->kind = 'M';
        good = read_number(r, 1, 12, &rule->month) && read_char(r, '.') && read_number(r, 1, 5, &rule->week) &&
               read_char(r, '.') && read_number(r, 0, 6, &rule->weekday);
    } else if (read_char(r, 'J')) {
        rule->kind = 'J';
        good = read_number(r, 1, 365, &rule->day);
    } else {
        good = read_number(r, 0, 365, &rule->day);
    }
    return good && (!read_char(r, '/') || read_time(r, RULE_HOURS_MAX, &rule->time_s));
}

bool tz_read_rule(struct vx_span text, struct tz *out)
{
    struct reader reader = {text.at, text.at + text.len}, *r = &reader;
    int32_t west;
    if (!read_abbreviation(r) || !read_time(r, 24, &west))
        return false;
    out->standard_s = -west;
    out->has_rule = true;
    out->has_dst = r->at < r->end;
    if (!out->has_dst)
        return true;
    if (!read_abbreviation(r))
        return false;
    out->daylight_s = out->standard_s + 3600;
    if (r->at < r->end && *r->at != ',') {
        if (!read_time(r, 24, &west))
            return false;
        out->daylight_s = -west;
    }
    return read_char(r, ',') && read_change(r, &out->start) && read_char(r, ',') && read_change(r, &out->end) &&
           r->at == r->end;
}

/* Seconds since the epoch, by the local clock, at which `rule` strikes in `year`. */
static int64_t change_of(const struct tz_rule *rule, int64_t year)
{
    int64_t first = cel_days_of((struct cel_date){year, 1, 1}), day = first + rule->day;
    if (rule->kind == 'J') { /* February the 29th is never counted */
        bool leap = cel_days_of((struct cel_date){year + 1, 1, 1}) - first == 366;
        day = first + rule->day - (leap && rule->day >= 60 ? 0 : 1);
    } else if (rule->kind == 'M') {
        int64_t month = cel_days_of((struct cel_date){year, rule->month, 1});
        int64_t next = rule->month == 12 ? cel_days_of((struct cel_date){year + 1, 1, 1})
                                         : cel_days_of((struct cel_date){year, rule->month + 1, 1});
        day = month + (rule->weekday - cel_weekday_of(month) + 7) % 7 + 7 * (rule->week - 1);
        if (day >= next) /* the fifth means the last */
            day -= 7;
    }
    return day * CEL_DAY_S + rule->time_s;
}

static int32_t rule_offset(const struct tz *tz, int64_t at)
{
    int32_t ignored;
    if (!tz->has_dst)
        return tz->standard_s;
    int64_t year = cel_date_of(cel_split_days(at + tz->standard_s, &ignored)).year;
    int64_t start = change_of(&tz->start, year) - tz->standard_s, end = change_of(&tz->end, year) - tz->daylight_s;
    bool daylight = start < end ? at >= start && at < end : at >= start || at < end; /* the southern half */
    return daylight ? tz->daylight_s : tz->standard_s;
}

int32_t tz_offset(const struct tz *tz, int64_t at)
{
    size_t low = 0, high = tz->count; /* the transitions up to `at` are [0, low) in the end */
    if (tz->has_rule && (tz->count == 0 || at >= tz->times[tz->count - 1]))
        return rule_offset(tz, at);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tz->times[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return tz->offsets[low == 0 ? 0 : tz->types[low - 1]];
}

/* ---- the file ---- */

struct header {
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t read_32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t read_64(const char *p)
{
    return (int64_t)((uint64_t)read_32(p) << 32 | read_32(p + 4));
}

/* Reads the header at `at` of `file`; *data: where its data begins, *next: where they end. */
static bool read_header(struct vx_span file, size_t at, unsigned time_bytes, struct header *header, size_t *data,
                        size_t *next)
{
    if (file.len < at + HEADER_BYTES || memcmp(file.at + at, "TZif", 4) != 0 || file.at[at + 4] < '2')
        return false;
    const char *p = file.at + at + 20;
    *header =
        (struct header){read_32(p), read_32(p + 4), read_32(p + 8), read_32(p + 12), read_32(p + 16), read_32(p + 20)};
    uint64_t bytes = (uint64_t)header->time * (time_bytes + 1) + (uint64_t)header->type * TYPE_BYTES + header->chars +
                     (uint64_t)header->leap * (time_bytes + 4) + header->isstd + header->isut;
    *data = at + HEADER_BYTES;
    *next = *data + bytes;
    return bytes <= file.len - *data;
}

static bool read_types(struct vx_arena *arena, const struct header *header, const char *p, struct tz *out)
{
    int32_t *offsets = VX_ARENA_ARRAY(arena, int32_t, header->type);
    for (uint32_t i = 0; i < header->type; i++) {
        offsets[i] = (int32_t)read_32(p + (size_t)i * TYPE_BYTES);
        if (offsets[i] < -OFFSET_MAX_S || offsets[i] > OFFSET_MAX_S)
            return false;
    }
    out->offsets = offsets;
    return true;
}

static bool read_transitions(struct vx_arena *arena, const struct header *header, const char *p, struct tz *out)
{
    int64_t *times = VX_ARENA_ARRAY(arena, int64_t, header->time);
    uint8_t *types = (uint8_t *)vx_arena_bytes(arena, header->time + 1);
    const char *type_at = p + (size_t)header->time * 8;
    for (uint32_t i = 0; i < header->time; i++) {
        times[i] = read_64(p + (size_t)i * 8);
        types[i] = (uint8_t)type_at[i];
        if (types[i] >= header->type || (i > 0 && times[i] <= times[i - 1]))
            return false;
    }
    out->times = times;
    out->types = types;
    out->count = header->time;
    return true;
}

bool tz_read(struct vx_arena *arena, struct vx_span file, struct tz *out)
{
    struct header header;
    size_t data, next;
    *out = (struct tz){0};
    /* The first half is for old readers, with times of 32 bits. */
    if (!read_header(file, 0, 4, &header, &data, &next) || !read_header(file, next, 8, &header, &data, &next) ||
        header.type == 0 || header.type > 256 || header.leap > 0) /* leap seconds: not the time that events have */
        return false;
    if (!read_transitions(arena, &header, file.at + data, out) ||
        !read_types(arena, &header, file.at + data + (size_t)header.time * 9, out))
        return false;
    struct vx_span rest = vx_span(file.at + next, file.len - next);
    const char *end = rest.len > 1 ? memchr(rest.at + 1, '\n', rest.len - 1) : NULL;
    if (!end || rest.at[0] != '\n')
        return false;
    struct vx_span footer = vx_span(rest.at + 1, (size_t)(end - rest.at) - 1);
    return footer.len == 0 || tz_read_rule(footer, out);
}
