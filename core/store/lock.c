/* The edit lock: one editor at a time, those who wait in a queue, by name.
 *
 *     locks/edit                     who has it      {create_revision is the fencing token}
 *     locks/edit.queue/<random>      who waits       {in the order of create_revision}
 *
 * Both are leased to the process that wrote them, so a dead editor or waiter is gone after its lease. Whoever finds the
 * lock free and itself first in the queue (or nobody in it) takes it by a transaction that compares that it is free. The
 * watch is only a hint to look again. None of this makes a write safe: a holder may sleep past its lease. What makes it safe
 * is that every write under the lock compares the lock's create_revision in its own transaction.
 *
 * One keep-alive thread for each lock object; the rest runs on the caller's thread.
 * Invariant: `revision` never changes after store_lock_acquire().
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/etcd/wait.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum {
    KEEPALIVE_MS = STORE_LOCK_TTL_S * 1000 / 3,
    KEEPALIVE_AGAIN_MS = 500, /* after one that failed */
    LOOK_AGAIN_MS = 3000,     /* a waiter looks this often without a hint */
    NAMES_MAX_BYTES = 160     /* of waiters in a message */
};

struct store_lock {
    struct store *store;
    int64_t lease;
    int64_t revision; /* create_revision of locks/edit; 0 until it is ours */
    char *record;     /* JSON */

    pthread_t keeper;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    bool lease_lost;
    bool hint; /* lock or queue changed */
};

/* What one look at lock and queue found. */
struct view {
    const struct etcd_kv *lock;     /* NULL: free */
    const struct etcd_kv **waiters; /* by create_revision */
    size_t waiter_count;
    int64_t revision; /* of the store */
};

/* --- looking ----------------------------------------------------------------------------------------------------- */

static int by_create_revision(const void *a, const void *b)
{
    int64_t x = (*(const struct etcd_kv *const *)a)->create_revision;
    int64_t y = (*(const struct etcd_kv *const *)b)->create_revision;
    return (x > y) - (x < y);
}

static enum vx_status look(struct store *store, struct vx_arena *arena, struct view *out, struct vx_err *err)
{
    struct etcd_op then[] = {
        {.kind = ETCD_GET, .key = keys_lock(arena, store->fleet)},
        {.kind = ETCD_GET, .key = keys_lock_queue(arena, store->fleet), .prefix = true},
    };
    struct etcd_txn txn = {.then = then, .then_count = 2, .repeatable = true};
    struct etcd_txn_result result;
    enum vx_status status = etcd_txn(store->etcd, arena, &txn, &result, err);
    if (status)
        return status;
    const struct etcd_range *queue = &result.gets[1];
    struct view view = {.lock = store_got(&result, 0), .waiter_count = queue->count, .revision = result.revision};
    view.waiters = VX_ARENA_ARRAY(arena, const struct etcd_kv *, queue->count);
    for (size_t i = 0; i < queue->count; i++)
        view.waiters[i] = &queue->kvs[i];
    qsort(view.waiters, view.waiter_count, sizeof(struct etcd_kv *), by_create_revision);
    *out = view;
    return VX_OK;
}

static struct record_editor editor_of(struct vx_arena *arena, const struct etcd_kv *kv)
{
    struct record_editor editor = {.who = "an unreadable record", .purpose = ""};
    (void)record_editor_load(arena, kv->value, &editor);
    return editor;
}

enum vx_status store_lock_info(struct store *store, struct vx_arena *arena, struct store_lock_info *out,
                               struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct view view;
    enum vx_status status = look(store, &scratch, &view, err);
    if (!status) {
        struct store_lock_info info = {
            .held = view.lock, .holder = "", .purpose = "", .waiter_count = view.waiter_count};
        if (view.lock) {
            struct record_editor editor = editor_of(arena, view.lock);
            info.holder = editor.who;
            info.purpose = editor.purpose;
            info.since_ms = editor.since_ms;
            info.revision = view.lock->create_revision;
        }
        info.waiters = VX_ARENA_ARRAY(arena, const char *, view.waiter_count);
        for (size_t i = 0; i < view.waiter_count; i++)
            info.waiters[i] = editor_of(arena, view.waiters[i]).who;
        *out = info;
    }
    vx_arena_done(&scratch);
    return status;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

/* "alice via configsvc-1 has held it for publish since 2026-11-21T03:00:00.123Z" */
static const char *holder_text(struct vx_arena *arena, const struct etcd_kv *lock)
{
    struct record_editor editor = editor_of(arena, lock);
    char time[VX_TIME_TEXT_SIZE];
    return vx_arena_printf(arena, "%.100s has held it for %.60s since %s", editor.who, editor.purpose,
                           vx_time_print(editor.since_ms, time));
}

static enum vx_status refused(struct vx_arena *arena, const struct view *view, const char *own_id, struct vx_err *err)
{
    struct vx_buf names = {0};
    for (size_t i = 0; i < view->waiter_count && names.len < NAMES_MAX_BYTES; i++)
        if (!vx_span_is(keys_last_part(view->waiters[i]->key), own_id))
            vx_buf_printf(&names, "%s%.60s", names.len ? ", " : "", editor_of(arena, view->waiters[i]).who);
    if (view->lock)
        vx_err_set(err, VX_ECONFLICT, "the edit lock is taken: %s%s%s", holder_text(arena, view->lock),
                   names.len ? "; waiting: " : "", vx_buf_text(&names));
    else
        vx_err_set(err, VX_ECONFLICT, "the edit lock is about to be taken by who waits for it: %s",
                   names.len ? vx_buf_text(&names) : "others");
    vx_buf_done(&names);
    return VX_ECONFLICT;
}

struct etcd_compare lock_compare(const struct store_lock *lock, struct vx_arena *arena)
{
    return (struct etcd_compare){.key = keys_lock(arena, lock->store->fleet),
                                 .target = ETCD_CREATE_REVISION,
                                 .result = ETCD_EQUAL,
                                 .number = lock->revision};
}

bool lock_was_lost(const struct store_lock *lock, const struct etcd_kv *now, struct vx_err *err)
{
    if (now && now->create_revision == lock->revision)
        return false;
    struct vx_arena arena = {0};
    vx_err_set(err, VX_ECONFLICT, "the edit lock was lost and nothing was changed: %s",
               now ? holder_text(&arena, now) : "its lease expired, or somebody broke it; nobody holds it now");
    vx_arena_done(&arena);
    return true;
}

/* --- the lease --------------------------------------------------------------------------------------------------- */

static void *keeper_main(void *arg)
{
    struct store_lock *lock = arg;
    int64_t at_ms = vx_clock_ms() + KEEPALIVE_MS;
    pthread_mutex_lock(&lock->mutex);
    while (!lock->stopping && !lock->lease_lost) {
        if (vx_clock_ms() < at_ms) {
            (void)wait_until(&lock->changed, &lock->mutex, at_ms);
            continue;
        }
        pthread_mutex_unlock(&lock->mutex);
        enum vx_status status = etcd_lease_keepalive(lock->store->etcd, lock->lease, NULL);
        at_ms = vx_clock_ms() + (status ? KEEPALIVE_AGAIN_MS : KEEPALIVE_MS);
        pthread_mutex_lock(&lock->mutex);
        lock->lease_lost = status == VX_ENOTFOUND;
    }
    pthread_cond_broadcast(&lock->changed);
    pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

static enum vx_status lease_start(struct store_lock *lock, struct vx_err *err)
{
    enum vx_status status = etcd_lease_grant(lock->store->etcd, STORE_LOCK_TTL_S, &lock->lease, err);
    if (status)
        return status;
    lock->stopping = lock->lease_lost = false;
    vx_assert(pthread_create(&lock->keeper, NULL, keeper_main, lock) == 0);
    return VX_OK;
}

static void lease_stop(struct store_lock *lock)
{
    if (!lock->lease)
        return;
    pthread_mutex_lock(&lock->mutex);
    lock->stopping = true;
    pthread_cond_broadcast(&lock->changed);
    pthread_mutex_unlock(&lock->mutex);
    pthread_join(lock->keeper, NULL);
    /* Takes lock and place in the queue with it. When it fails, the lease expires instead. */
    (void)!etcd_lease_revoke(lock->store->etcd, lock->lease, NULL);
    lock->lease = 0;
}

/* --- taking ------------------------------------------------------------------------------------------------------ */

static enum vx_status enqueue(struct store_lock *lock, struct vx_arena *arena, const char *id, struct vx_err *err)
{
    struct vx_span key = keys_lock_waiter(arena, lock->store->fleet, id);
    struct etcd_compare compares[] = {{.key = key, .target = ETCD_CREATE_REVISION, .number = 0}};
    struct etcd_op then[] = {{.kind = ETCD_PUT, .key = key, .value = vx_span_str(lock->record), .lease = lock->lease}};
    struct etcd_txn txn = {.compares = compares, .compare_count = 1, .then = then, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result;
    return etcd_txn(lock->store->etcd, arena, &txn, &result, err);
}

/* Takes a lock that looked free. Sets `revision` where that worked; finding it taken is no error. */
static enum vx_status take(struct store_lock *lock, struct vx_arena *arena, const char *id, struct vx_err *err)
{
    struct vx_span key = keys_lock(arena, lock->store->fleet);
    struct etcd_compare compares[] = {{.key = key, .target = ETCD_CREATE_REVISION, .number = 0}};
    struct etcd_op then[] = {
        {.kind = ETCD_PUT, .key = key, .value = vx_span_str(lock->record), .lease = lock->lease},
        {.kind = ETCD_DELETE, .key = keys_lock_waiter(arena, lock->store->fleet, id)},
    };
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = key}};
    struct etcd_txn txn = ETCD_GUARDED_TXN(compares, then, otherwise);
    struct etcd_txn_result result;
    enum vx_status status = etcd_txn(lock->store->etcd, arena, &txn, &result, err);
    if (status)
        return status;
    const struct etcd_kv *now = result.succeeded ? NULL : store_got(&result, 0);
    if (result.succeeded)
        lock->revision = result.revision;
    else if (now && now->lease == lock->lease)
        lock->revision = now->create_revision; /* our first sending, whose answer was lost */
    return VX_OK;
}

static void on_change(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    (void)events, (void)count, (void)revision, (void)cluster_id;
    struct store_lock *lock = ctx;
    pthread_mutex_lock(&lock->mutex);
    lock->hint = true;
    pthread_cond_broadcast(&lock->changed);
    pthread_mutex_unlock(&lock->mutex);
}

static void on_compacted(void *ctx, int64_t compact_revision)
{
    (void)compact_revision; /* the watch stays silent; LOOK_AGAIN_MS does from now on */
    on_change(ctx, NULL, 0, 0, 0);
}

/* Waits for a hint; false when the lease was lost, and with it the place in the queue. */
static bool wait_for_change(struct store_lock *lock, int64_t until_ms)
{
    int64_t look_ms = vx_clock_ms() + LOOK_AGAIN_MS;
    if (look_ms > until_ms)
        look_ms = until_ms;
    pthread_mutex_lock(&lock->mutex);
    while (!lock->hint && !lock->lease_lost && vx_clock_ms() < look_ms)
        (void)wait_until(&lock->changed, &lock->mutex, look_ms);
    lock->hint = false;
    bool alive = !lock->lease_lost;
    pthread_mutex_unlock(&lock->mutex);
    return alive;
}

/* Looks, takes, queues or waits, until the lock is ours or the time is over. VX_ENOTFOUND: the lease was lost. */
static enum vx_status take_in_turn(struct store_lock *lock, int64_t until_ms, struct vx_err *err)
{
    static const struct etcd_watch_ops ops = {.on_events = on_change, .on_compacted = on_compacted};
    char id[RECORD_ID_SIZE];
    store_random_id(id);
    struct vx_arena arena = {0};
    struct etcd_watch *watch = NULL;
    bool queued = false;
    enum vx_status status = VX_OK;
    while (!status && !lock->revision) {
        struct view view;
        vx_arena_reset(&arena, 1 << 16);
        status = look(lock->store, &arena, &view, err);
        if (status)
            break;
        bool first = view.waiter_count == 0 || vx_span_is(keys_last_part(view.waiters[0]->key), id);
        bool in_time = vx_clock_ms() < until_ms;
        if (!view.lock && first) {
            status = take(lock, &arena, id, err);
            if (!status && !lock->revision && !in_time)
                status = look(lock->store, &arena, &view, err);
            if (lock->revision || status || in_time)
                continue;
        }
        if (!in_time) {
            status = refused(&arena, &view, id, err);
        } else if (!queued) {
            status = enqueue(lock, &arena, id, err);
            queued = true;
        } else {
            if (!watch)
                watch = etcd_watch_new(lock->store->etcd, keys_lock(&arena, lock->store->fleet), true,
                                       view.revision + 1, &ops, lock);
            if (!wait_for_change(lock, until_ms))
                status = vx_err_set(err, VX_ENOTFOUND, "the lease of a place in the queue was lost");
        }
    }
    etcd_watch_free(watch);
    vx_arena_done(&arena);
    return status;
}

static void lock_free(struct store_lock *lock)
{
    pthread_cond_destroy(&lock->changed);
    pthread_mutex_destroy(&lock->mutex);
    free(lock->record);
    free(lock);
}

enum vx_status store_lock_acquire(struct store *store, const char *who, const char *purpose, int64_t wait_ms,
                                  struct store_lock **out, struct vx_err *err)
{
    enum vx_status status = store_check_text(who, "the name of an editor", STORE_NAME_SIZE - 1, err);
    if (!status)
        status = store_check_text(purpose, "the purpose of a lock", STORE_NAME_SIZE - 1, err);
    if (status)
        return status;
    int64_t until_ms = vx_clock_ms() + wait_ms;
    struct store_lock *lock = calloc(1, sizeof *lock);
    vx_assert(lock != NULL);
    lock->store = store;
    pthread_mutex_init(&lock->mutex, NULL);
    wait_init(&lock->changed);
    struct vx_arena arena = {0};
    struct record_editor editor = {
        .who = who ? who : "somebody", .purpose = purpose ? purpose : "", .since_ms = vx_clock_wall_ms()};
    lock->record = strdup(record_editor_print(&arena, &editor).at);
    vx_assert(lock->record != NULL);
    vx_arena_done(&arena);
    do {
        lease_stop(lock);
        status = lease_start(lock, err);
        if (!status)
            status = take_in_turn(lock, until_ms, err);
    } while (status == VX_ENOTFOUND && vx_clock_ms() < until_ms);
    if (status == VX_ENOTFOUND)
        status = vx_err_set(err, VX_ECONFLICT, "the place in the queue of the edit lock was lost; try again");
    if (status) {
        lease_stop(lock);
        lock_free(lock);
        return status;
    }
    *out = lock;
    return VX_OK;
}

void store_lock_release(struct store_lock *lock)
{
    if (!lock)
        return;
    lease_stop(lock);
    lock_free(lock);
}

enum vx_status store_lock_break(struct store *store, int64_t revision, struct vx_err *err)
{
    struct vx_arena arena = {0};
    struct vx_span key = keys_lock(&arena, store->fleet);
    struct etcd_compare compares[] = {{.key = key,
                                       .target = ETCD_CREATE_REVISION,
                                       .result = revision ? ETCD_EQUAL : ETCD_GREATER,
                                       .number = revision}};
    struct etcd_op then[] = {{.kind = ETCD_DELETE, .key = key}};
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = key}};
    struct etcd_txn txn = {.compares = compares,
                           .compare_count = 1,
                           .then = then,
                           .then_count = 1,
                           .otherwise = otherwise,
                           .otherwise_count = 1,
                           .repeatable = revision != 0}; /* else it might break the next one's, too */
    struct etcd_txn_result result;
    enum vx_status status = etcd_txn(store->etcd, &arena, &txn, &result, err);
    if (!status && !result.succeeded) {
        const struct etcd_kv *now = store_got(&result, 0);
        status = now ? vx_err_set(err, VX_ECONFLICT, "the edit lock has changed hands: %s", holder_text(&arena, now))
                     : vx_err_set(err, VX_ENOTFOUND, "nobody holds the edit lock");
    }
    vx_arena_done(&arena);
    return status;
}
