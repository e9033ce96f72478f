/* The log: logfmt, one line per event, one write(2) per line, to standard error.
 *
 *     vx_log(VX_LOG_INFO, "release.adopted", "release=%u was=%u took_ms=%lld", 42, 41, 3LL);
 *     ts=2026-11-21T03:00:00.123Z level=info event=release.adopted release=42 was=41 took_ms=3
 *
 * `event` is noun.verb and an interface: stable, listed in the README. error = a person must act; warn = degraded, heals
 * itself; info = life cycle; debug = per batch, never per event. Never a payload, never a secret. Only router/ and
 * configsvc/ log; core/ returns errors. Any thread.
 */
#ifndef VX_BASE_LOG_H
#define VX_BASE_LOG_H

#include <stdbool.h>

#include "core/base/span.h"

enum vx_log_level { VX_LOG_ERROR, VX_LOG_WARN, VX_LOG_INFO, VX_LOG_DEBUG };

/* Lines above `level` are not written (default info). */
void vx_log_set_level(enum vx_log_level level);
/* Sets `level` from "error", "warn", "info" or "debug"; false when it is none of them. */
bool vx_log_level_load(const char *text, enum vx_log_level *level);
bool vx_log_enabled(enum vx_log_level level);

/* `fmt` is the rest of the line (may be ""): key=value pairs. Quote values from outside with vx_log_quote. */
void vx_log(enum vx_log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

enum { VX_LOG_QUOTE_SIZE = 1024 };
/* Writes `text` as a logfmt value: bare where that is safe, else in double quotes with escapes, cut with "..." at the
 * size. Returns `out`. */
const char *vx_log_quote(const char *text, char out[VX_LOG_QUOTE_SIZE]);

#endif
