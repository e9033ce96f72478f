/* The pointer: what the fleet runs. One small key, moved by transactions that compare the revision it was read at.
 *
 * Activation also compares the edit lock; abort, rollback and an accepted restore do not, so that nothing can stand in
 * their way. A move whose answer was lost is sent again; when its guard then fails, the request id in the pointer tells
 * whether it was our own first sending. Any thread.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum { GOT_POINTER, GOT_RELEASE, GOT_LOCK };

enum vx_status pointer_load(const struct store *store, const struct etcd_kv *kv, uint64_t cluster_id,
                            struct store_pointer *out, char request_id[RECORD_ID_SIZE], struct vx_err *err)
{
    struct store_pointer pointer = {0};
    char id[RECORD_ID_SIZE] = "";
    if (kv && !record_pointer_load(kv->value, &pointer, id))
        return vx_err_set(err, VX_ECORRUPT, "the pointer of fleet %s is corrupt in etcd: `%.*s`", store->fleet,
                          (int)(kv->value.len < 100 ? kv->value.len : 100), kv->value.at);
    pointer.mod_revision = kv ? kv->mod_revision : 0;
    pointer.cluster_id = cluster_id;
    *out = pointer;
    if (request_id)
        memcpy(request_id, id, sizeof id);
    return VX_OK;
}

enum vx_status store_pointer_read(struct store *store, struct store_pointer *out, struct vx_err *err)
{
    struct vx_arena arena = {0};
    struct etcd_range range;
    enum vx_status status =
        etcd_get(store->etcd, &arena, keys_pointer(&arena, store->fleet), ETCD_LINEARIZABLE, &range, err);
    if (!status || status == VX_ENOTFOUND)
        status = pointer_load(store, status ? NULL : &range.kvs[0], range.cluster_id, out, NULL, err);
    vx_arena_done(&arena);
    return status;
}

/* --- moving it --------------------------------------------------------------------------------------------------- */

static enum vx_status moved_by_another(const struct store_pointer *now, const struct store_pointer *seen,
                                       struct vx_err *err)
{
    char time[VX_TIME_TEXT_SIZE];
    if (now->generation == 0)
        return vx_err_set(err, VX_ECONFLICT, "the pointer was deleted meanwhile; you have seen generation %" PRIu64,
                          seen->generation);
    return vx_err_set(err, VX_ECONFLICT,
                      "%s moved the pointer to release %" PRIu32 " at %s (generation %" PRIu64
                      "); you have seen generation %" PRIu64,
                      *now->by ? now->by : "somebody", now->stable, vx_time_print(now->time_ms, time), now->generation,
                      seen->generation);
}

/* A guard failed; or it was our own first sending that made it fail. */
static enum vx_status move_failed(struct store *store, const struct store_lock *lock,
                                  const struct etcd_txn_result *result, const struct store_pointer *seen,
                                  uint32_t release, const char *request_id, struct store_pointer *out,
                                  struct vx_err *err)
{
    struct store_pointer now;
    char id[RECORD_ID_SIZE];
    enum vx_status status = pointer_load(store, store_got(result, GOT_POINTER), result->cluster_id, &now, id, err);
    if (status)
        return status;
    if (strcmp(id, request_id) == 0) {
        *out = now;
        return VX_OK;
    }
    if (!store_got(result, GOT_RELEASE))
        return vx_err_set(err, VX_ENOTFOUND, "release %" PRIu32 " does not exist", release);
    if (now.mod_revision != seen->mod_revision)
        return moved_by_another(&now, seen, err);
    if (lock && lock_was_lost(lock, store_got(result, GOT_LOCK), err))
        return VX_ECONFLICT;
    return vx_err_set(err, VX_ECONFLICT,
                      "the pointer of fleet %s was not moved: something changed meanwhile; try again", store->fleet);
}

/* The pointer that follows on `seen`. */
static struct store_pointer after(const struct store_pointer *seen, uint32_t release)
{
    struct store_pointer next = {.generation = seen->generation + 1, .stable = release};
    memcpy(next.former, seen->former, sizeof next.former);
    return next;
}

/* `next` says generation, release and former clusters. */
static enum vx_status move(struct store *store, const struct store_lock *lock, const struct store_pointer *seen,
                           struct store_pointer next, const char *by, struct store_pointer *out, struct vx_err *err)
{
    enum vx_status status = store_check_text(by, "the name of who moves the pointer", STORE_NAME_SIZE - 1, err);
    if (status)
        return status;
    struct vx_arena arena = {0};
    uint32_t release = next.stable;
    next.time_ms = vx_clock_wall_ms();
    snprintf(next.by, sizeof next.by, "%s", by ? by : "");
    char request_id[RECORD_ID_SIZE];
    store_random_id(request_id);
    struct vx_span pointer = keys_pointer(&arena, store->fleet), wanted = keys_release(&arena, store->fleet, release);
    struct etcd_compare compares[3] = {
        {.key = pointer, .target = ETCD_MOD_REVISION, .number = seen->mod_revision},
        {.key = wanted, .target = ETCD_CREATE_REVISION, .result = ETCD_GREATER, .number = 0},
    };
    struct etcd_op otherwise[3] = {[GOT_POINTER] = {.kind = ETCD_GET, .key = pointer},
                                   [GOT_RELEASE] = {.kind = ETCD_GET, .key = wanted, .keys_only = true}};
    struct etcd_op then[] = {
        {.kind = ETCD_PUT, .key = pointer, .value = record_pointer_print(&arena, &next, request_id)}};
    if (lock) {
        compares[2] = lock_compare(lock, &arena);
        otherwise[GOT_LOCK] = (struct etcd_op){.kind = ETCD_GET, .key = compares[2].key};
    }
    struct etcd_txn txn = {.compares = compares,
                           .compare_count = lock ? 3 : 2,
                           .then = then,
                           .then_count = 1,
                           .otherwise = otherwise,
                           .otherwise_count = lock ? 3 : 2,
                           .repeatable = true};
    struct etcd_txn_result result;
    status = etcd_txn(store->etcd, &arena, &txn, &result, err);
    if (!status && result.succeeded) {
        next.mod_revision = result.revision;
        next.cluster_id = result.cluster_id;
        *out = next;
    } else if (!status) {
        status = move_failed(store, lock, &result, seen, release, request_id, out, err);
    } else if (status == VX_ETIMEOUT || status == VX_EUNAVAILABLE) {
        vx_err_wrap(err, "whether the pointer was moved is not known (look at it)");
    }
    vx_arena_done(&arena);
    return status;
}

enum vx_status store_activate(struct store *store, struct store_lock *lock, const struct store_pointer *seen,
                              uint32_t release, const char *by, struct store_pointer *out, struct vx_err *err)
{
    vx_assert(lock != NULL);
    return move(store, lock, seen, after(seen, release), by, out, err);
}

enum vx_status store_rollback(struct store *store, const struct store_pointer *seen, uint32_t release, const char *by,
                              struct store_pointer *out, struct vx_err *err)
{
    return move(store, NULL, seen, after(seen, release), by, out, err);
}

static void add_former(struct store_pointer *p, uint64_t cluster_id)
{
    size_t i = 0;
    while (i < STORE_FORMER_MAX - 1 && p->former[i] && p->former[i] != cluster_id)
        i++;
    memmove(p->former + 1, p->former, i * sizeof p->former[0]);
    p->former[0] = cluster_id;
}

enum vx_status store_accept_restore(struct store *store, const struct store_pointer *seen, uint64_t generation,
                                    const uint64_t *former, size_t former_count, const char *by,
                                    struct store_pointer *out, struct vx_err *err)
{
    if (seen->generation == 0)
        return vx_err_set(err, VX_ENOTFOUND, "fleet %s has no pointer that could be accepted", store->fleet);
    struct store_pointer next = after(seen, seen->stable);
    if (next.generation <= generation)
        next.generation = generation + 1;
    for (size_t i = former_count; i-- > 0;)
        if (former[i] != seen->cluster_id)
            add_former(&next, former[i]);
    return move(store, NULL, seen, next, by, out, err);
}
