/* What works on timestamps and durations: making them, arithmetic, and the getters with and without a time zone. A
 * worker's thread; nothing allocates but the decoding of an escaped argument.
 *
 * Nothing reads a clock. A zone is a number in the table of zone.h where the checker could look it up (value.zone),
 * else a name or an offset in a string of the event.
 */
#include "core/cel/functions/time.h"

#include "core/cel/functions/ops.h"
#include "core/cel/values.h"
#include "core/cel/functions/zone.h"

static const char timestamp_range[] = "timestamp out of range (years 1 to 9999)";
static const char duration_range[] = "duration out of range (292 years)";

static bool give_int(struct cel_value *out, int64_t i)
{
    *out = (struct cel_value){.type = CEL_INT, .i = i};
    return true;
}

/* ---- making ---- */

CEL_OP(cel_timestamp_of_string)
{
    const char *wanted = cel_timestamp_read(cel_decoded(call, args[0]), out);
    return !wanted || cel_fail_about(call, FAIL_CONVERT, wanted, args[0]);
}

CEL_OP(cel_timestamp_of_int)
{
    return cel_timestamp_make(args[0].i, 0, out) ||
           cel_fail_about(call, FAIL_CONVERT, "timestamp of the years 1 to 9999 (in seconds)", args[0]);
}

CEL_OP(cel_duration_of_string)
{
    struct vx_span s = cel_decoded(call, args[0]);
    cel_spend(call, s.len / 16);
    const char *wanted = cel_duration_read(s, out);
    return !wanted || cel_fail_about(call, FAIL_CONVERT, wanted, args[0]);
}

/* ---- arithmetic ---- */

static bool give_duration(struct cel_call *call, __int128 nanos, struct cel_value *out)
{
    if (nanos < INT64_MIN || nanos > INT64_MAX)
        return cel_fail(call, duration_range);
    *out = cel_duration_of((int64_t)nanos);
    return true;
}

static __int128 nanos_of(struct cel_value v)
{
    return (__int128)v.time.seconds * CEL_SECOND_NS + v.time.nanos;
}

static bool give_timestamp(struct cel_call *call, __int128 nanos, struct cel_value *out)
{
    __int128 seconds = nanos / CEL_SECOND_NS - (nanos % CEL_SECOND_NS < 0);
    if (seconds < CEL_TIMESTAMP_MIN_S || seconds > CEL_TIMESTAMP_MAX_S)
        return cel_fail(call, timestamp_range);
    return cel_timestamp_make((int64_t)seconds, (int32_t)(nanos - seconds * CEL_SECOND_NS), out);
}

/* timestamp + duration, duration + timestamp */
CEL_OP(cel_add_time)
{
    return give_timestamp(call, nanos_of(args[0]) + nanos_of(args[1]), out);
}

CEL_OP(cel_add_duration)
{
    return give_duration(call, nanos_of(args[0]) + nanos_of(args[1]), out);
}

CEL_OP(cel_sub_time)
{
    return give_timestamp(call, nanos_of(args[0]) - nanos_of(args[1]), out);
}

/* timestamp - timestamp, duration - duration */
CEL_OP(cel_sub_duration)
{
    return give_duration(call, nanos_of(args[0]) - nanos_of(args[1]), out);
}

/* ---- time zones ---- */

bool cel_zone_resolve(struct cel_value *zone, const char **near)
{
    const struct cel_zones *zones = cel_zones();
    int32_t ignored;
    *near = NULL;
    if (cel_offset_read(zone->s, &ignored))
        return true;
    zone->zone = cel_zones_find(zones, zone->s);
    if (!zone->zone)
        *near = cel_zones_nearest(zones, zone->s);
    return zone->zone > 0;
}

/* Seconds east of UTC at `at` in the zone that a string names. */
static bool read_zone(struct cel_call *call, struct cel_value zone, int64_t at, int32_t *east)
{
    const struct cel_zones *zones = cel_zones();
    uint16_t number = zone.zone;
    if (!number) {
        struct vx_span name = cel_decoded(call, zone);
        cel_spend(call, name.len / 16);
        if (cel_offset_read(name, east))
            return true;
        number = cel_zones_find(zones, name);
    }
    if (!number)
        return cel_fail_about(call, FAIL_CONVERT, "time zone (as in Europe/Paris, UTC, +02:00)", zone);
    *east = cel_zones_offset(zones, number, at);
    return true;
}

/* ---- getters ---- */

/* A timestamp as a clock on a wall shows it. */
struct wall {
    int64_t days;   /* since the epoch */
    int32_t second; /* of the day */
    int32_t nanos;
};

static struct wall wall_of(struct cel_value v, int32_t east)
{
    struct wall wall = {.nanos = v.time.nanos};
    wall.days = cel_split_days(v.time.seconds + east, &wall.second);
    return wall;
}

static int64_t year_of(struct wall wall)
{
    return cel_date_of(wall.days).year;
}

static int64_t month_of(struct wall wall)
{
    return cel_date_of(wall.days).month - 1;
}

static int64_t date_of(struct wall wall)
{
    return cel_date_of(wall.days).day;
}

static int64_t day_of_month_of(struct wall wall)
{
    return cel_date_of(wall.days).day - 1;
}

static int64_t day_of_week_of(struct wall wall)
{
    return cel_weekday_of(wall.days);
}

static int64_t day_of_year_of(struct wall wall)
{
    return wall.days - cel_days_of((struct cel_date){cel_date_of(wall.days).year, 1, 1});
}

static int64_t hours_of(struct wall wall)
{
    return wall.second / 3600;
}

static int64_t minutes_of(struct wall wall)
{
    return wall.second / 60 % 60;
}

static int64_t seconds_of(struct wall wall)
{
    return wall.second % 60;
}

static int64_t milliseconds_of(struct wall wall)
{
    return wall.nanos / 1000000;
}

/* A getter in UTC, and the same in the zone that its argument names. */
#define GETTER(name, part)                                                                                             \
    CEL_OP(cel_get_##name)                                                                                             \
    {                                                                                                                  \
        (void)call;                                                                                                    \
        return give_int(out, part(wall_of(args[0], 0)));                                                               \
    }                                                                                                                  \
    CEL_OP(cel_get_##name##_in)                                                                                        \
    {                                                                                                                  \
        int32_t east;                                                                                                  \
        return read_zone(call, args[1], args[0].time.seconds, &east) && give_int(out, part(wall_of(args[0], east)));   \
    }

GETTER(full_year, year_of)
GETTER(month, month_of)
GETTER(date, date_of)
GETTER(day_of_month, day_of_month_of)
GETTER(day_of_week, day_of_week_of)
GETTER(day_of_year, day_of_year_of)
GETTER(hours, hours_of)
GETTER(minutes, minutes_of)
GETTER(seconds, seconds_of)
GETTER(milliseconds, milliseconds_of)

/* Of a duration: the whole of it in hours, minutes, seconds, cut towards zero; but only its milliseconds within the
 * second: langdef.md has it so. */
CEL_OP(cel_hours_of)
{
    (void)call;
    return give_int(out, args[0].time.seconds / 3600);
}

CEL_OP(cel_minutes_of)
{
    (void)call;
    return give_int(out, args[0].time.seconds / 60);
}

CEL_OP(cel_seconds_of)
{
    (void)call;
    return give_int(out, args[0].time.seconds);
}

CEL_OP(cel_milliseconds_of)
{
    (void)call;
    return give_int(out, args[0].time.nanos / 1000000);
}
