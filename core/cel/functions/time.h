/* Times: the calendar, and timestamps and durations as text. For the files of this folder. */
#ifndef VX_CEL_TIME_H
#define VX_CEL_TIME_H

#include "core/cel/value.h"

#define CEL_TIMESTAMP_MIN_S (-62135596800) /* 0001-01-01T00:00:00Z */
#define CEL_TIMESTAMP_MAX_S 253402300799   /* 9999-12-31T23:59:59Z, and any fraction behind it */

enum { CEL_DAY_S = 86400, CEL_SECOND_NS = 1000000000 };

/* A day of the proleptic Gregorian calendar. */
struct cel_date {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* Days since 1970-01-01, and back. `date` need not be checked: a 13th month is not allowed, a 40th day is. */
int64_t cel_days_of(struct cel_date date);
struct cel_date cel_date_of(int64_t days);
/* 0 is Sunday. */
int cel_weekday_of(int64_t days);
/* `seconds` since the epoch as days and the seconds of that day (0 to 86399). */
int64_t cel_split_days(int64_t seconds, int32_t *second_of_day);

/* Reads an RFC 3339 timestamp ("2009-02-13T23:31:30.5+01:00"; digits behind nanoseconds are cut off). NULL, or what it
 * is not, for FAIL_CONVERT. */
const char *cel_timestamp_read(struct vx_span s, struct cel_value *out);
/* Reads a duration: one or more of a decimal number and a unit (h m s ms us ns), with a sign in front ("-1h30m",
 * "1.5s"), or "0"; what is smaller than a nanosecond is cut off. */
const char *cel_duration_read(struct vx_span s, struct cel_value *out);
/* Reads an offset from UTC: "+02:00", "-8:30", "02:00"; less than a day. False: it is none. */
bool cel_offset_read(struct vx_span s, int32_t *seconds);

/* A duration of so many nanoseconds. */
struct cel_value cel_duration_of(int64_t nanos);
/* A timestamp, with nanos 0 to 999999999; false when it is out of range. */
bool cel_timestamp_make(int64_t seconds, int32_t nanos, struct cel_value *out);

/* A timestamp as RFC 3339 in UTC, a duration as seconds ("-1.5s"); returns the length. */
enum { CEL_TIME_TEXT_SIZE = 64 };
size_t cel_time_print(struct cel_value v, char text[CEL_TIME_TEXT_SIZE]);

#endif
