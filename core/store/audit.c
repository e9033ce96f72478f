/* The audit trail: append only, a key for each entry, named by its time. Any thread. */
#include "core/base/clock.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum { DETAIL_MAX_BYTES = 8192 };

enum vx_status store_audit_add(struct store *store, const struct store_audit *entry, struct vx_err *err)
{
    enum vx_status status = store_check_text(entry->who, "the author of an audit entry", 1024, err);
    if (!status)
        status = store_check_text(entry->action, "the action of an audit entry", 1024, err);
    if (!status)
        status = store_check_text(entry->from, "the origin of an audit entry", 1024, err);
    if (!status)
        status = store_check_text(entry->detail, "the detail of an audit entry", DETAIL_MAX_BYTES, err);
    if (status)
        return status;
    struct vx_arena arena = {0};
    char id[RECORD_ID_SIZE];
    store_random_id(id);
    struct store_audit full = {.time_ms = entry->time_ms ? entry->time_ms : vx_clock_wall_ms(),
                               .who = entry->who ? entry->who : "",
                               .action = entry->action ? entry->action : "",
                               .from = entry->from ? entry->from : "",
                               .detail = entry->detail ? entry->detail : ""};
    struct vx_span key = keys_audit(&arena, store->fleet, full.time_ms, id);
    struct etcd_compare compares[] = {{.key = key, .target = ETCD_CREATE_REVISION, .number = 0}};
    struct etcd_op then[] = {{.kind = ETCD_PUT, .key = key, .value = record_audit_print(&arena, &full)}};
    struct etcd_txn txn = {.compares = compares, .compare_count = 1, .then = then, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result;
    /* A guard that fails means that our first sending arrived: the id is random. */
    status = etcd_txn(store->etcd, &arena, &txn, &result, err);
    vx_arena_done(&arena);
    return status;
}

enum vx_status store_audit_list(struct store *store, struct vx_arena *arena, size_t limit, struct store_audit **out,
                                size_t *count, struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_range_options options = {.limit = (int64_t)limit, .descending = true};
    struct etcd_range range = {0};
    enum vx_status status = VX_OK;
    if (limit)
        status = etcd_list(store->etcd, &scratch, keys_audits(&scratch, store->fleet), &options, &range, err);
    struct store_audit *list = VX_ARENA_ARRAY(arena, struct store_audit, range.count);
    for (size_t i = 0; i < range.count && !status; i++)
        if (!record_audit_load(arena, range.kvs[i].value, &list[i]))
            status =
                vx_err_set(err, VX_ECORRUPT, "the audit entry %.*s is corrupt in etcd", VX_SPAN_ARG(range.kvs[i].key));
    vx_arena_done(&scratch);
    if (status)
        return status;
    *out = list;
    *count = range.count;
    return VX_OK;
}
