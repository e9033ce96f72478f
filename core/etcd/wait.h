/* Waiting on a condition until a moment of the monotonic clock. */
#ifndef VX_ETCD_WAIT_H
#define VX_ETCD_WAIT_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/base/err.h"

/* A condition for wait_until(). */
static inline void wait_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    vx_assert(pthread_condattr_init(&attr) == 0);
    vx_assert(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    vx_assert(pthread_cond_init(cond, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

/* Waits for a signal until `until_ms` (vx_clock_ms()); false when the time is over. Wakes for no reason now and then. */
static inline bool wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ms)
{
    struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    return pthread_cond_timedwait(cond, mutex, &at) != ETIMEDOUT;
}

#endif
