/* The log writer: builds a line on the stack and writes it with one write(2), so that lines of several threads never
 * mix. A line longer than LINE_SIZE is cut. The level is one relaxed atomic; nothing else is shared. */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"

enum { LINE_SIZE = 4096 };

static const char *const names[] = {"error", "warn", "info", "debug"};
static atomic_int enabled = VX_LOG_INFO;

void vx_log_set_level(enum vx_log_level level)
{
    atomic_store_explicit(&enabled, (int)level, memory_order_relaxed);
}

bool vx_log_level_load(const char *text, enum vx_log_level *level)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], text) == 0) {
            *level = (enum vx_log_level)i;
            return true;
        }
    return false;
}

bool vx_log_enabled(enum vx_log_level level)
{
    return (int)level <= atomic_load_explicit(&enabled, memory_order_relaxed);
}

void vx_log(enum vx_log_level level, const char *event, const char *fmt, ...)
{
    if (!vx_log_enabled(level))
        return;
    char line[LINE_SIZE], ts[VX_TIME_TEXT_SIZE];
    vx_time_print(vx_clock_wall_ms(), ts);
    int n = snprintf(line, sizeof line - 1, "ts=%s level=%s event=%s", ts, names[level], event);
    if (fmt[0] && n > 0 && (size_t)n < sizeof line - 2) {
        line[n++] = ' ';
        va_list args;
        va_start(args, fmt);
        int m = vsnprintf(line + n, sizeof line - 1 - (size_t)n, fmt, args);
        va_end(args);
        n += m > 0 ? m : 0;
    }
    if ((size_t)n > sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}

static bool is_bare(const char *text)
{
    if (!text[0])
        return false;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f)
            return false;
    return true;
}

const char *vx_log_quote(const char *text, char out[VX_LOG_QUOTE_SIZE])
{
    size_t n = 0, room = VX_LOG_QUOTE_SIZE - 12;
    if (is_bare(text) && strlen(text) < room)
        return strcpy(out, text);
    out[n++] = '"';
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (n >= room) {
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (*p == '"' || *p == '\\') {
            out[n++] = '\\';
            out[n++] = (char)*p;
        } else if (*p == '\n') {
            out[n++] = '\\';
            out[n++] = 'n';
        } else if (*p < ' ' || *p == 0x7f) {
            n += (size_t)snprintf(out + n, 5, "\\x%02x", *p);
        } else {
            out[n++] = (char)*p;
        }
    }
    out[n++] = '"';
    out[n] = '\0';
    return out;
}
