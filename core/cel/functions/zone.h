/* Time zones by name, from the system's tz database.
 *
 * A table is read once, as a whole, and immutable then: an event never waits for the disk, and a table of rules means
 * the same as long as the process lives. The process's own TZ plays no part.
 */
#ifndef VX_CEL_ZONE_H
#define VX_CEL_ZONE_H

#include "core/cel/value.h"

struct cel_zones;

/* The zones of this system (package tzdata): read by the first call, at load. Without tzdata there is UTC alone. */
const struct cel_zones *cel_zones(void);

/* The zones in the files under `dir` (TZif, RFC 8536); what is no such file is passed over. "UTC" is always there. */
struct cel_zones *cel_zones_load(const char *dir);
void cel_zones_free(struct cel_zones *zones);

/* The number of a zone, from 1; 0: there is none of that name. Names count as they are spelt: "Europe/Paris". */
uint16_t cel_zones_find(const struct cel_zones *zones, struct vx_span name);
/* The name nearest to a misspelt one, or NULL. */
const char *cel_zones_nearest(const struct cel_zones *zones, struct vx_span name);
/* Seconds east of UTC at `at` (seconds since the epoch) in zone number `zone`. Cost: a binary search. */
int32_t cel_zones_offset(const struct cel_zones *zones, uint16_t zone, int64_t at);
size_t cel_zones_count(const struct cel_zones *zones);

#endif
