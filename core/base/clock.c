/* The clocks and the one spelling of a point in time. Any thread; no state. */
#include "core/base/clock.h"

#include <stdio.h>
#include <time.h>

#include "core/base/err.h"

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    vx_assert(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t vx_clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t vx_clock_ms(void)
{
    return vx_clock_us() / 1000;
}

int64_t vx_clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

const char *vx_time_print(int64_t wall_ms, char text[VX_TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    int ms = (int)(wall_ms % 1000);
    if (ms < 0) {
        ms += 1000;
        seconds -= 1;
    }
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(text, VX_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        text[0] = '-';
        text[1] = '\0';
        return text;
    }
    size_t n = 0;
    while (text[n])
        n++;
    snprintf(text + n, VX_TIME_TEXT_SIZE - n, ".%03dZ", ms);
    return text;
}
