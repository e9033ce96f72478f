/* Waiting for news of a fleet, for who would otherwise ask again and again.
 *
 *     revision of what was read ──> watches of routers/ and pointer from the next one on ──> the first event of either
 *
 * The caller's thread waits; the client's thread only sets a flag. Invariant: what happened after `revision` and before the
 * watches stood is told too, because they begin at that revision.
 */
#include "core/base/clock.h"
#include "core/etcd/wait.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

struct await {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool news;
};

static void tell(struct await *await)
{
    pthread_mutex_lock(&await->mutex);
    await->news = true;
    pthread_cond_signal(&await->changed);
    pthread_mutex_unlock(&await->mutex);
}

static void on_events(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    (void)events, (void)count, (void)revision, (void)cluster_id;
    tell(ctx);
}

/* What was missed may have been news: the caller reads anew and knows. */
static void on_compacted(void *ctx, int64_t compact_revision)
{
    (void)compact_revision;
    tell(ctx);
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    (void)ctx, (void)connected, (void)reason;
}

enum vx_status store_revision(struct store *store, int64_t *revision, struct vx_err *err)
{
    struct vx_arena arena = {0};
    struct etcd_range range;
    struct vx_span key = keys_pointer(&arena, store->fleet);
    enum vx_status status = etcd_get(store->etcd, &arena, key, ETCD_LINEARIZABLE, &range, err);
    if (status == VX_OK || status == VX_ENOTFOUND) {
        *revision = range.revision;
        status = VX_OK;
    }
    vx_arena_done(&arena);
    return status;
}

bool store_await(struct store *store, int64_t revision, int64_t timeout_ms)
{
    static const struct etcd_watch_ops ops = {
        .on_events = on_events, .on_compacted = on_compacted, .on_state = on_state};
    int64_t until_ms = vx_clock_ms() + timeout_ms;
    struct vx_arena arena = {0};
    struct await await = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    wait_init(&await.changed);
    struct etcd_watch *routers =
        etcd_watch_new(store->etcd, keys_routers(&arena, store->fleet), true, revision + 1, &ops, &await);
    struct etcd_watch *pointer =
        etcd_watch_new(store->etcd, keys_pointer(&arena, store->fleet), false, revision + 1, &ops, &await);
    pthread_mutex_lock(&await.mutex);
    while (!await.news && wait_until(&await.changed, &await.mutex, until_ms))
        continue;
    bool news = await.news;
    pthread_mutex_unlock(&await.mutex);
    etcd_watch_free(pointer);
    etcd_watch_free(routers);
    pthread_cond_destroy(&await.changed);
    vx_arena_done(&arena);
    return news;
}
