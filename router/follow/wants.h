/* Older releases that workers want beside the one in force: which is to be fetched now, how often it is tried, and when
 * it is given up. Pure: the time goes in; the caller's lock. */
#ifndef ROUTER_FOLLOW_WANTS_H
#define ROUTER_FOLLOW_WANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    WANTS_MAX = 64,       /* at once; what is beyond is not to be had */
    WANTS_MS = 20000,     /* when etcd is away for so long, a release is given up */
    WANTS_AGAIN_MS = 200, /* between two tries */
};

struct want {
    uint32_t release;
    int64_t retry_ms, until_ms; /* monotonic */
};

/* All zero: none. */
struct wants {
    struct want at[WANTS_MAX];
    size_t count;
};

/* One more; one that is there already stays as it is. False: there are too many. */
VX_MUSTCHECK bool wants_add(struct wants *w, uint32_t release, int64_t now_ms);
/* Takes out one whose time has come: fetch it. False: there is none; `*until_ms` falls to when there may be one. */
VX_MUSTCHECK bool wants_take(struct wants *w, int64_t now_ms, struct want *out, int64_t *until_ms);
/* It was not to be fetched, for want of etcd: later again. False: it is given up. */
VX_MUSTCHECK bool wants_again(struct wants *w, const struct want *want, int64_t now_ms);

#endif
