/* The follower: the thread that does what follow.h decides. It reads releases from the store, verifies and compiles
 * them beside the running workers, hands them over, and keeps the last good copy. */
#ifndef ROUTER_FOLLOW_FOLLOWER_H
#define ROUTER_FOLLOW_FOLLOWER_H

#include "core/plan/table.h"
#include "core/store/store.h"
#include "router/follow/follow.h"

struct follower;

struct follower_setup {
    struct store *store;
    const char *fleet;
    const char *state_dir; /* NULL: no last good copy */
    /* A release to run; the table is the callee's. From the follower's thread. */
    void (*on_release)(void *ctx, struct table *t, uint64_t generation);
    /* A release that follower_want() asked for; the table is the callee's. NULL: it is not to be had. From the
     * follower's thread. */
    void (*on_older)(void *ctx, uint32_t release, struct table *t);
    /* The status changed. From any of its threads; be quick. */
    void (*on_change)(void *ctx);
    void *ctx;
};

/* Where it stands. */
struct follower_status {
    struct follow follow; /* a copy */
    bool connected;       /* to etcd */
    char disconnected_why[256];
    int64_t running_since_ms; /* wall clock */
    int64_t reload_ms;        /* wall clock of the last try to load a release; 0: none yet */
    bool reload_ok;
    uint64_t missed_count; /* pointers that the periodic read found and the watch should have told */
};

/* `setup` is copied, what it points to is borrowed until follower_stop(). The last good copy is read and verified before it
 * returns; callbacks may come before, too. Fails only as store_follow_start() does. */
VX_MUSTCHECK enum vx_status follower_start(const struct follower_setup *setup, struct follower **out,
                                           struct vx_err *err);
void follower_stop(struct follower *f);
/* Fetches and compiles a release that is not in force; on_older() follows. When etcd is away it is given up after
 * WANTS_MS (wants.h). Any thread; returns at once. */
void follower_want(struct follower *f, uint32_t release);
void follower_status(struct follower *f, struct follower_status *out);

#endif
