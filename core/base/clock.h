/* The two clocks. What decides takes time as a parameter; only what acts calls these. */
#ifndef VX_BASE_CLOCK_H
#define VX_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic time; never goes back, means nothing across machines. */
int64_t vx_clock_ms(void);
int64_t vx_clock_us(void);

/* Wall-clock time since the epoch, for people and for records. */
int64_t vx_clock_wall_ms(void);

enum { VX_TIME_TEXT_SIZE = 32 };
/* Writes "2026-11-21T03:00:00.123Z" (RFC 3339, UTC, milliseconds) into `text` and returns it. */
const char *vx_time_print(int64_t wall_ms, char text[VX_TIME_TEXT_SIZE]);

#endif
