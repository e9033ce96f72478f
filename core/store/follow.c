/* Following the pointer.
 *
 *      client's thread: watch ──copies pointers into a queue──> follower's thread ──> on_pointer, on_state
 *                                                                  ^  linearizable read at the start, every
 *                                                                  └─ STORE_REREAD_MS, after compaction and loss
 *
 * The watch is fast, the reading is sure: what a read finds is handed on too, and where the connected watch had not told it
 * a second later, that is said. Nothing is ordered or judged here: a restored snapshot shows as another cluster id or a
 * falling generation, and what to do about it is the receiver's business.
 *
 * The queue and the flags are guarded by `mutex`; callbacks run on the follower's thread without it, one at a time.
 * Invariant: pointers are handed on in the order in which they were read or watched.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/etcd/wait.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum {
    GRACE_MS = 1000,    /* for the watch to tell what a read has found */
    READ_MS = 4000,     /* for one read: enough for a frozen endpoint and a good one */
    AGAIN_MIN_MS = 200, /* after a read that failed */
    AGAIN_MAX_MS = 5000
};

/* A pointer that the watch has told; or one that cannot be read. */
struct told {
    struct told *next;
    bool readable;
    struct store_pointer pointer;
    char reason[512]; /* unless readable */
};

struct store_follow {
    struct store *store;
    struct store_follow_ops ops;
    void *ctx;
    int64_t reread_every_ms;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct told *first, **last;
    bool stopping;
    bool must_read; /* the watch waits for a full read */
    bool connected; /* the watch is */
    bool state_is_new;
    char reason[512];
    int64_t told_revision; /* the newest that the watch has told */

    /* The thread's own. */
    struct etcd_watch *watch;
    bool state_was_told, told_connected;
    char told_reason[512];
    int64_t handed_revision;  /* up to which what was handed on is true */
    int64_t existed_revision; /* mod_revision of the last pointer handed on that existed */
    uint64_t cluster_id;      /* of what was read last; 0: nothing yet */
    unsigned failures;        /* reads that failed, in a row */
    int64_t read_ms;          /* when the next read is due */
};

/* --- the client's thread ----------------------------------------------------------------------------------------- */

static void on_events(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    struct store_follow *follow = ctx;
    const struct etcd_event *event = &events[count - 1]; /* of one key there is one event in a revision */
    struct told *told = calloc(1, sizeof *told);
    vx_assert(told != NULL);
    struct vx_err err;
    told->readable = pointer_load(follow->store, event->deleted ? NULL : &event->kv, cluster_id, &told->pointer, NULL,
                                  &err) == VX_OK;
    if (told->readable)
        told->pointer.mod_revision = revision; /* a deletion has one, too */
    else
        memcpy(told->reason, err.message, sizeof told->reason);
    pthread_mutex_lock(&follow->mutex);
    *follow->last = told;
    follow->last = &told->next;
    follow->told_revision = revision;
    pthread_cond_signal(&follow->changed);
    pthread_mutex_unlock(&follow->mutex);
}

static void on_compacted(void *ctx, int64_t compact_revision)
{
    (void)compact_revision;
    struct store_follow *follow = ctx;
    pthread_mutex_lock(&follow->mutex);
    follow->must_read = true;
    pthread_cond_signal(&follow->changed);
    pthread_mutex_unlock(&follow->mutex);
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    struct store_follow *follow = ctx;
    pthread_mutex_lock(&follow->mutex);
    follow->connected = connected;
    follow->state_is_new = true;
    size_t len = strnlen(reason, sizeof follow->reason - 1);
    memcpy(follow->reason, reason, len);
    follow->reason[len] = '\0';
    pthread_cond_signal(&follow->changed);
    pthread_mutex_unlock(&follow->mutex);
}

/* --- the follower's thread --------------------------------------------------------------------------------------- */

/* Told when it is news: a read that fails again and again for one reason is one sentence. */
static void tell_state(struct store_follow *follow, bool connected, const char *reason)
{
    if (follow->state_was_told && follow->told_connected == connected && strcmp(follow->told_reason, reason) == 0)
        return;
    follow->state_was_told = true;
    follow->told_connected = connected;
    snprintf(follow->told_reason, sizeof follow->told_reason, "%s", reason);
    if (follow->ops.on_state)
        follow->ops.on_state(follow->ctx, connected, follow->told_reason);
}

/* Takes `mutex` and gives it back; hands on all that the watch has told. */
static void hand_on(struct store_follow *follow)
{
    pthread_mutex_lock(&follow->mutex);
    bool state_is_new = follow->state_is_new, connected = follow->connected;
    char reason[sizeof follow->reason];
    memcpy(reason, follow->reason, sizeof reason);
    follow->state_is_new = false;
    struct told *told = follow->first;
    follow->first = NULL;
    follow->last = &follow->first;
    pthread_mutex_unlock(&follow->mutex);
    if (state_is_new)
        tell_state(follow, connected, reason);
    while (told) {
        struct told *next = told->next;
        if (told->pointer.mod_revision <= follow->handed_revision && told->readable) {
            /* A read was faster. */
        } else if (told->readable) {
            follow->handed_revision = told->pointer.mod_revision;
            if (told->pointer.generation)
                follow->existed_revision = told->pointer.mod_revision;
            follow->ops.on_pointer(follow->ctx, &told->pointer, false);
        } else {
            tell_state(follow, connected, told->reason);
        }
        free(told);
        told = next;
    }
}

/* Did the watch tell `revision`, within a grace if it is connected? *missed: it is connected and did not. */
static bool watch_has_told(struct store_follow *follow, int64_t revision, bool *missed)
{
    int64_t until_ms = vx_clock_ms() + GRACE_MS;
    pthread_mutex_lock(&follow->mutex);
    while (follow->told_revision < revision && follow->connected && !follow->stopping && !follow->must_read &&
           vx_clock_ms() < until_ms)
        (void)wait_until(&follow->changed, &follow->mutex, until_ms);
    bool told = follow->told_revision >= revision;
    *missed = !told && follow->connected && !follow->must_read;
    pthread_mutex_unlock(&follow->mutex);
    return told;
}

static int64_t jittered(int64_t ms)
{
    return ms - ms / 4 + arc4random_uniform((uint32_t)(ms / 2 + 1));
}

static void watch_from(struct store_follow *follow, int64_t revision)
{
    static const struct etcd_watch_ops ops = {
        .on_events = on_events, .on_compacted = on_compacted, .on_state = on_state};
    struct vx_arena arena = {0};
    if (follow->watch)
        etcd_watch_resume(follow->watch, revision);
    else
        follow->watch = etcd_watch_new(follow->store->etcd, keys_pointer(&arena, follow->store->fleet), false, revision,
                                       &ops, follow);
    vx_arena_done(&arena);
}

/* Does what was read belong to another history than what was handed on (a restored snapshot)? */
static bool is_another_history(const struct store_follow *follow, const struct etcd_range *range)
{
    if (!follow->cluster_id)
        return false;
    return range->cluster_id != follow->cluster_id || range->revision < follow->handed_revision ||
           (range->count && range->kvs[0].mod_revision < follow->existed_revision);
}

static void hand_on_read(struct store_follow *follow, const struct etcd_range *range,
                         const struct store_pointer *pointer, bool resync)
{
    bool missed = false;
    bool newer = pointer->mod_revision > follow->handed_revision;
    /* What is on its way through the watch is handed on from there, in its order. */
    bool told = newer && !resync && watch_has_told(follow, pointer->mod_revision, &missed);
    hand_on(follow);
    if (told || (follow->handed_revision > range->revision && !resync))
        return;
    follow->handed_revision = range->revision;
    if (pointer->generation)
        follow->existed_revision = pointer->mod_revision;
    follow->ops.on_pointer(follow->ctx, pointer, missed);
}

/* The watch begins, again or for the first time, behind what was read. */
static void resynchronise(struct store_follow *follow, const struct etcd_range *range)
{
    pthread_mutex_lock(&follow->mutex);
    follow->must_read = false;
    follow->told_revision = 0;
    pthread_mutex_unlock(&follow->mutex);
    watch_from(follow, range->revision + 1);
}

static void read_pointer(struct store_follow *follow, bool resync)
{
    struct vx_arena arena = {0};
    struct etcd_range range;
    struct store_pointer pointer;
    struct vx_err err = {0};
    enum vx_status status = etcd_get_within(follow->store->etcd, &arena, keys_pointer(&arena, follow->store->fleet),
                                            ETCD_LINEARIZABLE, READ_MS, &range, &err);
    bool read = !status || status == VX_ENOTFOUND;
    if (read) {
        resync |= is_another_history(follow, &range);
        follow->cluster_id = range.cluster_id;
        status = pointer_load(follow->store, status ? NULL : &range.kvs[0], range.cluster_id, &pointer, NULL, &err);
    }
    if (read && !status)
        hand_on_read(follow, &range, &pointer, resync);
    pthread_mutex_lock(&follow->mutex);
    bool connected = follow->connected;
    pthread_mutex_unlock(&follow->mutex);
    if (status && status != VX_ECANCELED)
        tell_state(follow, connected, err.message);
    else if (!status && connected && follow->told_reason[0])
        tell_state(follow, true, "");
    if (read && resync)
        resynchronise(follow, &range);
    vx_arena_done(&arena);
    follow->failures = read ? 0 : follow->failures + 1;
    int64_t again_ms = AGAIN_MIN_MS;
    for (unsigned i = 1; i < follow->failures && again_ms < AGAIN_MAX_MS; i++)
        again_ms *= 2;
    follow->read_ms = vx_clock_ms() + jittered(read ? follow->reread_every_ms : again_ms);
}

static void *follow_main(void *arg)
{
    struct store_follow *follow = arg;
    for (;;) {
        pthread_mutex_lock(&follow->mutex);
        /* A resync that failed waits for its turn like any read. */
        while (!follow->stopping && !follow->first && !follow->state_is_new &&
               !(follow->must_read && follow->failures == 0) && vx_clock_ms() < follow->read_ms)
            (void)wait_until(&follow->changed, &follow->mutex, follow->read_ms);
        bool stopping = follow->stopping, resync = follow->must_read || !follow->watch;
        bool read_is_due = vx_clock_ms() >= follow->read_ms || (resync && follow->failures == 0);
        pthread_mutex_unlock(&follow->mutex);
        if (stopping)
            return NULL;
        hand_on(follow);
        if (read_is_due)
            read_pointer(follow, resync);
    }
}

/* --- the owner's side -------------------------------------------------------------------------------------------- */

enum vx_status follow_start_every(struct store *store, const struct store_follow_ops *ops, void *ctx, int64_t reread_ms,
                                  struct store_follow **out, struct vx_err *err)
{
    (void)err;
    struct store_follow *follow = calloc(1, sizeof *follow);
    vx_assert(follow != NULL);
    follow->store = store;
    follow->ops = *ops;
    follow->ctx = ctx;
    follow->reread_every_ms = reread_ms;
    follow->last = &follow->first;
    pthread_mutex_init(&follow->mutex, NULL);
    wait_init(&follow->changed);
    vx_assert(pthread_create(&follow->thread, NULL, follow_main, follow) == 0);
    *out = follow;
    return VX_OK;
}

enum vx_status store_follow_start(struct store *store, const struct store_follow_ops *ops, void *ctx,
                                  struct store_follow **out, struct vx_err *err)
{
    return follow_start_every(store, ops, ctx, STORE_REREAD_MS, out, err);
}

void store_follow_stop(struct store_follow *follow)
{
    if (!follow)
        return;
    pthread_mutex_lock(&follow->mutex);
    follow->stopping = true;
    pthread_cond_signal(&follow->changed);
    pthread_mutex_unlock(&follow->mutex);
    pthread_join(follow->thread, NULL);
    etcd_watch_free(follow->watch);
    while (follow->first) {
        struct told *next = follow->first->next;
        free(follow->first);
        follow->first = next;
    }
    pthread_cond_destroy(&follow->changed);
    pthread_mutex_destroy(&follow->mutex);
    free(follow);
}
