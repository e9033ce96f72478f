/* One file of the tz database: TZif, RFC 8536. For zone.c and its tests. */
#ifndef VX_CEL_TZIF_H
#define VX_CEL_TZIF_H

#include "core/base/arena.h"

/* When the clocks change each year: Mmonth.week.weekday, Jday (1 to 365, never a leap day) or day (0 to 365). */
struct tz_rule {
    char kind; /* 'M', 'J' or 'D' */
    int month, week, weekday;
    int day;
    int32_t time_s; /* local seconds since midnight; may be negative or more than a day */
};

struct tz {
    const int64_t *times;   /* transitions, in order, seconds since the epoch */
    const uint8_t *types;   /* types[i] holds from times[i] on; indices of `offsets` */
    size_t count;           /* of transitions */
    const int32_t *offsets; /* seconds east of UTC, by type; type 0 holds before the first transition */
    /* What holds after the last transition: the footer. */
    bool has_rule;        /* else the last transition's type goes on */
    bool has_dst;         /* the rules below, else `standard` for ever */
    int32_t standard_s;   /* seconds east of UTC */
    int32_t daylight_s;   /* the same, from `start` to `end` of each year */
    struct tz_rule start; /* in standard time */
    struct tz_rule end;   /* in daylight time */
};

/* Reads a file's bytes; what it keeps is copied into `arena`. False: not a TZif file of version 2 or newer, or one that
 * contradicts itself. */
bool tz_read(struct vx_arena *arena, struct vx_span file, struct tz *out);
/* Reads a POSIX TZ string ("CET-1CEST,M3.5.0,M10.5.0/3") into the fields from has_rule on. */
bool tz_read_rule(struct vx_span text, struct tz *out);
/* Seconds east of UTC at `at`. */
int32_t tz_offset(const struct tz *tz, int64_t at);

#endif
