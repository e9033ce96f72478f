/* A wall clock that a test sets for one program: preloaded, it adds the seconds in the file VELTRIX_TEST_CLOCK (eight
 * bytes, mapped, to be changed at any time) to what the program sees of CLOCK_REALTIME. A wait until a time of that clock
 * ends when the set clock says so, as the kernel has it: at once when it is set forward, an hour later when it is set
 * back by one. That is what C11's cnd_timedwait waits by, and librdkafka with it. CLOCK_MONOTONIC is left alone.
 *
 * Any thread; no state but the mapping.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_NS = 20000000 }; /* how late a wait may notice that the clock was set */

static _Atomic int64_t still; /* where there is no file: never set */
static _Atomic int64_t *shift_s = &still;

__attribute__((constructor)) static void init(void)
{
    const char *path = getenv("VELTRIX_TEST_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift_s, PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        shift_s = at;
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    long status = syscall(SYS_clock_gettime, clock, out);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += *shift_s;
    return (int)status;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec ts;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    *out = (struct timeval){.tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}

int timespec_get(struct timespec *out, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, out) == 0 ? base : 0;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    static _Atomic(int (*)(cnd_t *, mtx_t *, const struct timespec *)) next;
    if (!next)
        next = (int (*)(cnd_t *, mtx_t *, const struct timespec *))dlsym(RTLD_NEXT, "cnd_timedwait");
    for (;;) {
        struct timespec now, slice;
        clock_gettime(CLOCK_REALTIME, &now);
        if (!is_before(&now, until))
            return thrd_timedout;
        syscall(SYS_clock_gettime, CLOCK_REALTIME, &slice);
        slice.tv_nsec += SLICE_NS;
        if (slice.tv_nsec >= 1000000000) {
            slice.tv_sec++;
            slice.tv_nsec -= 1000000000;
        }
        int status = next(cond, mutex, &slice);
        if (status != thrd_timedout)
            return status;
    }
}
