/* A router's presence: one leased key, kept alive with the newest report.
 *
 *      ABSENT ──create if absent──> PRESENT ──keepalive, reports──> ... ──lease lost──> ABSENT
 *        └── the key is another instance's: on_refused, try again until that one is gone
 *
 * One thread of its own does all calls and callbacks; store_presence_report() only leaves a text. A record that is already
 * ours (this very instance lost an answer, or its lease) is adopted. Every write compares the key's create_revision, so that
 * a router that slept past its lease does not write over its successor.
 * Invariant: a key is written only when it did not exist or was this instance's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/etcd/wait.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum {
    KEEPALIVE_MS = STORE_PRESENCE_TTL_S * 1000 / 3,
    AGAIN_MS = 1000,         /* after a failure or a refusal */
    REPORT_INTERVAL_MS = 100 /* between two reports; the newest wins */
};

struct store_presence {
    struct store *store;
    char id[STORE_NAME_SIZE];
    char instance[STORE_NAME_SIZE];
    char host[256];
    struct store_presence_ops ops;
    void *ctx;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    char *report; /* JSON text */
    uint64_t report_number;
    bool stopping;

    /* The thread's own. */
    bool present;
    int64_t lease;
    int64_t create_revision; /* of our key, while present */
    int64_t since_ms;        /* wall clock */
    uint64_t written_number; /* the report that etcd has */
    int64_t written_ms;      /* when it was written */
    int64_t keepalive_ms;    /* when the next one is due */
    int64_t refused_by;      /* create_revision of who has our id, as last told; 0: nobody */
    char reason[512];        /* as last told */
};

/* --- telling ----------------------------------------------------------------------------------------------------- */

static void tell_present(struct store_presence *presence)
{
    presence->present = true;
    presence->refused_by = 0;
    presence->reason[0] = '\0';
    if (presence->ops.on_state)
        presence->ops.on_state(presence->ctx, true, "");
}

/* Absent, or still present but in trouble: told when that is news. */
static void tell_trouble(struct store_presence *presence, bool present, const char *reason)
{
    bool news = presence->present != present || strcmp(presence->reason, reason) != 0;
    presence->present = present;
    snprintf(presence->reason, sizeof presence->reason, "%s", reason);
    if (news && presence->ops.on_state)
        presence->ops.on_state(presence->ctx, present, presence->reason);
}

static void tell_refused(struct store_presence *presence, const struct etcd_kv *kv, const struct store_router *other)
{
    if (presence->refused_by == kv->create_revision)
        return;
    presence->refused_by = kv->create_revision;
    char time[VX_TIME_TEXT_SIZE], message[512];
    if (other)
        snprintf(
            message, sizeof message,
            "router id `%.60s` is in use since %s by another process on host %.200s (instance %.60s): give each router "
            "its own id; trying again until that one is gone",
            presence->id, vx_time_print(other->since_ms, time), other->host, other->instance);
    else
        snprintf(message, sizeof message,
                 "router id `%.60s` has a record in etcd that cannot be read; trying again until it is gone",
                 presence->id);
    if (presence->ops.on_refused)
        presence->ops.on_refused(presence->ctx, message);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* The record with the newest report; *number is that report's. */
static struct vx_span record(struct store_presence *presence, struct vx_arena *arena, uint64_t *number)
{
    pthread_mutex_lock(&presence->mutex);
    const char *report = vx_arena_str(arena, presence->report);
    *number = presence->report_number;
    pthread_mutex_unlock(&presence->mutex);
    struct store_router router = {.id = presence->id,
                                  .instance = presence->instance,
                                  .host = presence->host,
                                  .since_ms = presence->since_ms,
                                  .report = report};
    return record_router_print(arena, &router);
}

/* Writes the record if `compare` holds. *now is the key otherwise (its kv NULL where there is none). */
static enum vx_status put_if(struct store_presence *presence, struct vx_arena *arena, enum etcd_target target,
                             int64_t revision, struct etcd_txn_result *result, struct vx_err *err)
{
    uint64_t number;
    struct vx_span key = keys_router(arena, presence->store->fleet, presence->id);
    struct etcd_compare compares[] = {{.key = key, .target = target, .number = revision}};
    struct etcd_op then[] = {
        {.kind = ETCD_PUT, .key = key, .value = record(presence, arena, &number), .lease = presence->lease}};
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = key}};
    struct etcd_txn txn = ETCD_GUARDED_TXN(compares, then, otherwise);
    enum vx_status status = etcd_txn(presence->store->etcd, arena, &txn, result, err);
    if (!status && result->succeeded) {
        presence->written_number = number;
        presence->written_ms = vx_clock_ms();
    }
    return status;
}

/* A lease that lives, also while it waits for its id to become free. */
static enum vx_status ensure_lease(struct store_presence *presence, struct vx_err *err)
{
    enum vx_status status = VX_OK;
    if (presence->lease && vx_clock_ms() >= presence->keepalive_ms)
        status = etcd_lease_keepalive(presence->store->etcd, presence->lease, err);
    else if (presence->lease)
        return VX_OK;
    if (!presence->lease || status == VX_ENOTFOUND)
        status = etcd_lease_grant(presence->store->etcd, STORE_PRESENCE_TTL_S, &presence->lease, err);
    presence->keepalive_ms = vx_clock_ms() + KEEPALIVE_MS;
    return status;
}

/* Creates the record, or takes over our own. Not present afterwards and VX_OK: refused, and told. */
static enum vx_status enter(struct store_presence *presence, struct vx_arena *arena, struct vx_err *err)
{
    enum vx_status status = ensure_lease(presence, err);
    presence->since_ms = presence->since_ms ? presence->since_ms : vx_clock_wall_ms();
    struct etcd_txn_result result;
    if (!status)
        status = put_if(presence, arena, ETCD_CREATE_REVISION, 0, &result, err);
    if (status)
        return status;
    if (result.succeeded) {
        presence->create_revision = result.revision;
        tell_present(presence);
        return VX_OK;
    }
    const struct etcd_kv *kv = store_got(&result, 0);
    struct store_router other;
    bool readable = kv && record_router_load(arena, kv->value, &other);
    if (!kv || !readable || strcmp(other.instance, presence->instance) != 0) {
        if (kv)
            tell_refused(presence, kv, readable ? &other : NULL);
        return VX_OK;
    }
    struct etcd_txn_result adopted;
    status = put_if(presence, arena, ETCD_MOD_REVISION, kv->mod_revision, &adopted, err);
    if (!status && adopted.succeeded) {
        presence->create_revision = kv->create_revision;
        tell_present(presence);
    }
    return status;
}

/* Keeps the lease alive and writes a new report, whichever is due. */
static enum vx_status stay(struct store_presence *presence, struct vx_arena *arena, bool report_is_due,
                           struct vx_err *err)
{
    if (vx_clock_ms() >= presence->keepalive_ms) {
        enum vx_status status = etcd_lease_keepalive(presence->store->etcd, presence->lease, err);
        if (status)
            return status;
        presence->keepalive_ms = vx_clock_ms() + KEEPALIVE_MS;
    }
    struct etcd_txn_result result = {.succeeded = true};
    enum vx_status status = VX_OK;
    if (report_is_due)
        status = put_if(presence, arena, ETCD_CREATE_REVISION, presence->create_revision, &result, err);
    if (!status && !result.succeeded)
        status = vx_err_set(err, VX_ENOTFOUND, "the record of router `%s` was deleted", presence->id);
    if (!status && presence->reason[0])
        tell_present(presence);
    return status;
}

/* One step of the thread; returns when the next one is due. */
static int64_t step(struct store_presence *presence, bool report_is_due)
{
    struct vx_arena arena = {0};
    struct vx_err err = {0};
    bool was_present = presence->present;
    enum vx_status status = was_present ? stay(presence, &arena, report_is_due, &err) : enter(presence, &arena, &err);
    vx_arena_done(&arena);
    if (status == VX_ENOTFOUND) {
        /* The lease is gone, and with it the record: begin again at once. */
        presence->lease = 0;
        tell_trouble(presence, false, err.message);
        return vx_clock_ms() + (was_present ? 0 : AGAIN_MS);
    }
    if (status)
        tell_trouble(presence, presence->present, err.message);
    if (status || !presence->present)
        return vx_clock_ms() + AGAIN_MS;
    return presence->keepalive_ms;
}

static void *presence_main(void *arg)
{
    struct store_presence *presence = arg;
    int64_t due_ms = 0;
    pthread_mutex_lock(&presence->mutex);
    while (!presence->stopping) {
        int64_t now_ms = vx_clock_ms(), wake_ms = due_ms;
        bool news = presence->present && presence->report_number != presence->written_number && !presence->reason[0];
        if (news && presence->written_ms + REPORT_INTERVAL_MS < wake_ms)
            wake_ms = presence->written_ms + REPORT_INTERVAL_MS;
        if (now_ms < wake_ms) {
            (void)wait_until(&presence->changed, &presence->mutex, wake_ms);
            continue;
        }
        bool report_is_due = presence->report_number != presence->written_number;
        pthread_mutex_unlock(&presence->mutex);
        due_ms = step(presence, report_is_due);
        pthread_mutex_lock(&presence->mutex);
    }
    pthread_mutex_unlock(&presence->mutex);
    /* When it fails, the lease expires instead. */
    if (presence->lease)
        (void)!etcd_lease_revoke(presence->store->etcd, presence->lease, NULL);
    return NULL;
}

/* --- the owner's side -------------------------------------------------------------------------------------------- */

enum vx_status store_presence_start(struct store *store, const char *id, const char *instance,
                                    const struct store_presence_ops *ops, void *ctx, struct store_presence **out,
                                    struct vx_err *err)
{
    if (!keys_name_valid(id))
        return vx_err_set(err, VX_EINVAL,
                          "`%.80s` is not a router id: expected 1 to %d of letters, digits, `.`, `_` and `-`", id,
                          STORE_NAME_SIZE - 1);
    if (!keys_name_valid(instance))
        return vx_err_set(err, VX_EINVAL, "`%.80s` is not the name of an instance", instance);
    struct store_presence *presence = calloc(1, sizeof *presence);
    vx_assert(presence != NULL);
    presence->store = store;
    memcpy(presence->id, id, strlen(id) + 1);
    memcpy(presence->instance, instance, strlen(instance) + 1);
    if (gethostname(presence->host, sizeof presence->host - 1) != 0 || store_check_text(presence->host, "", 255, NULL))
        memcpy(presence->host, "unknown", sizeof "unknown");
    presence->ops = *ops;
    presence->ctx = ctx;
    presence->report = strdup("{}");
    vx_assert(presence->report != NULL);
    pthread_mutex_init(&presence->mutex, NULL);
    wait_init(&presence->changed);
    vx_assert(pthread_create(&presence->thread, NULL, presence_main, presence) == 0);
    *out = presence;
    return VX_OK;
}

void store_presence_report(struct store_presence *presence, const char *json)
{
    vx_assert(record_report_valid(json));
    char *copy = strdup(json);
    vx_assert(copy != NULL);
    pthread_mutex_lock(&presence->mutex);
    char *old = presence->report;
    presence->report = copy;
    presence->report_number++;
    pthread_cond_broadcast(&presence->changed);
    pthread_mutex_unlock(&presence->mutex);
    free(old);
}

void store_presence_stop(struct store_presence *presence)
{
    if (!presence)
        return;
    pthread_mutex_lock(&presence->mutex);
    presence->stopping = true;
    pthread_cond_broadcast(&presence->changed);
    pthread_mutex_unlock(&presence->mutex);
    pthread_join(presence->thread, NULL);
    pthread_cond_destroy(&presence->changed);
    pthread_mutex_destroy(&presence->mutex);
    free(presence->report);
    free(presence);
}

enum vx_status store_routers(struct store *store, struct vx_arena *arena, struct store_router **out, size_t *count,
                             struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_range range;
    enum vx_status status = etcd_list(store->etcd, &scratch, keys_routers(&scratch, store->fleet), NULL, &range, err);
    if (!status) {
        struct store_router *list = VX_ARENA_ARRAY(arena, struct store_router, range.count);
        for (size_t i = 0; i < range.count; i++) {
            /* A record that cannot be read is shown as such: one router must not hide the others. */
            if (!record_router_load(arena, range.kvs[i].value, &list[i]))
                list[i] = (struct store_router){.instance = "", .host = "", .report = "{}"};
            list[i].id = vx_arena_span(arena, keys_last_part(range.kvs[i].key)).at;
            list[i].since_revision = range.kvs[i].create_revision;
        }
        *out = list;
        *count = range.count;
    }
    vx_arena_done(&scratch);
    return status;
}
