/* Reading keys and transactions. Runs on the caller's thread; results live in the caller's arena.
 *
 * A list is read in pages at one revision, so that it is one state of the store. When that revision is compacted away under
 * the reader, it begins again. The page size follows the size of what was read: no answer of more than a few MiB.
 */
#include "core/etcd/client.h"
#include "core/etcd/request.h"

enum {
    OPS_MAX = 128, /* etcd's default; the same in 3.4 to 3.6 */
    PAGE_FIRST = 8,
    PAGE_MAX = 1000,
    PAGE_BYTES = 4 << 20,
    LIST_RESTARTS = 3
};

static enum vx_status check_key(struct vx_span key, struct vx_err *err)
{
    return key.len ? VX_OK : vx_err_set(err, VX_EINVAL, "an etcd key is empty");
}

/* One range request. */
static enum vx_status read_range(struct etcd *etcd, struct vx_arena *arena, const struct request_range *range,
                                 int64_t deadline_ms, struct etcd_range *out, bool *more, struct answer_error *error,
                                 struct vx_err *err)
{
    struct call call = {
        .path = "/v3/kv/range", .repeatable = true, .needs_leader = !range->serializable, .deadline_ms = deadline_ms};
    request_range(&call.body, range);
    json_t *root = NULL;
    enum vx_status status = call_run(etcd, &call, &root, error, err);
    if (status)
        return status;
    struct etcd_range read;
    if (answer_range(root, arena, &read, more))
        *out = read;
    else
        status = call_unreadable(etcd, err);
    json_decref(root);
    return status;
}

enum vx_status etcd_get_within(struct etcd *etcd, struct vx_arena *arena, struct vx_span key, enum etcd_read read,
                               int64_t deadline_ms, struct etcd_range *out, struct vx_err *err)
{
    enum vx_status status = check_key(key, err);
    if (status)
        return status;
    struct request_range range = {.key = key, .serializable = read == ETCD_SERIALIZABLE};
    bool more;
    status = read_range(etcd, arena, &range, deadline_ms, out, &more, NULL, err);
    if (status)
        return status;
    if (out->count == 0)
        return vx_err_set(err, VX_ENOTFOUND, "etcd has no key %.*s", VX_SPAN_ARG(key));
    return VX_OK;
}

enum vx_status etcd_get(struct etcd *etcd, struct vx_arena *arena, struct vx_span key, enum etcd_read read,
                        struct etcd_range *out, struct vx_err *err)
{
    return etcd_get_within(etcd, arena, key, read, ETCD_DEADLINE_MS, out, err);
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

/* The pages of a list as they come. */
struct pages {
    struct etcd_kv *kvs; /* in the arena */
    size_t count, room;
    size_t page; /* keys to ask for next */
    int64_t revision, total;
    uint64_t cluster_id;
};

static void add_page(struct pages *pages, struct vx_arena *arena, const struct etcd_range *page)
{
    if (pages->count + page->count > pages->room) {
        pages->room = (pages->count + page->count) * 2;
        struct etcd_kv *longer = VX_ARENA_ARRAY(arena, struct etcd_kv, pages->room);
        if (pages->count)
            memcpy(longer, pages->kvs, pages->count * sizeof *longer);
        pages->kvs = longer;
    }
    size_t bytes = 1;
    for (size_t i = 0; i < page->count; i++) {
        pages->kvs[pages->count++] = page->kvs[i];
        bytes += page->kvs[i].key.len + page->kvs[i].value.len + 100;
    }
    size_t fit = page->count ? PAGE_BYTES / (bytes / page->count + 1) : PAGE_MAX;
    pages->page = fit < 1 ? 1 : fit > PAGE_MAX ? PAGE_MAX : fit;
}

/* Moves the range past what was read: ascending its start, descending its end. */
static void next_page(const struct pages *pages, struct vx_arena *arena, struct request_range *range)
{
    struct vx_span last = pages->kvs[pages->count - 1].key;
    if (range->descending) {
        range->end = last;
        return;
    }
    char *after = vx_arena_bytes(arena, last.len + 1);
    memcpy(after, last.at, last.len);
    after[last.len] = '\0'; /* the least key that is greater */
    range->key = vx_span(after, last.len + 1);
}

static enum vx_status list_once(struct etcd *etcd, struct vx_arena *arena, struct request_range range, int64_t limit,
                                struct pages *pages, struct answer_error *error, struct vx_err *err)
{
    bool more = true;
    pages->page = range.keys_only ? PAGE_MAX : PAGE_FIRST;
    while (more && (limit == 0 || (int64_t)pages->count < limit)) {
        int64_t left = limit ? limit - (int64_t)pages->count : INT64_MAX;
        range.limit = (int64_t)pages->page < left ? (int64_t)pages->page : left;
        struct etcd_range page = {0};
        enum vx_status status = read_range(etcd, arena, &range, ETCD_DEADLINE_MS, &page, &more, error, err);
        if (status)
            return status;
        if (page.count == 0)
            more = false;
        if (!pages->revision) {
            pages->revision = range.revision ? range.revision : page.revision;
            pages->cluster_id = page.cluster_id;
            pages->total = page.total;
        }
        range.revision = pages->revision;
        add_page(pages, arena, &page);
        if (more)
            next_page(pages, arena, &range);
    }
    return VX_OK;
}

enum vx_status etcd_list(struct etcd *etcd, struct vx_arena *arena, struct vx_span prefix,
                         const struct etcd_range_options *options, struct etcd_range *out, struct vx_err *err)
{
    static const struct etcd_range_options none;
    options = options ? options : &none;
    enum vx_status status = check_key(prefix, err);
    if (status)
        return status;
    struct vx_buf end = {0};
    request_prefix_end(&end, prefix);
    struct request_range range = {.key = options->start.len ? options->start : prefix,
                                  .end = options->before.len ? options->before : vx_buf_view(&end),
                                  .revision = options->revision,
                                  .keys_only = options->keys_only,
                                  .descending = options->descending,
                                  .serializable = options->read == ETCD_SERIALIZABLE};
    struct pages pages = {0};
    struct answer_error error = {0};
    for (int i = 0; i <= LIST_RESTARTS; i++) {
        pages = (struct pages){0};
        status = list_once(etcd, arena, range, options->limit, &pages, &error, err);
        if (!status || options->revision || !answer_is_compacted(&error))
            break;
    }
    vx_buf_done(&end);
    if (status)
        return status;
    *out = (struct etcd_range){.revision = pages.revision,
                               .cluster_id = pages.cluster_id,
                               .kvs = pages.kvs,
                               .count = pages.count,
                               .total = pages.total};
    return VX_OK;
}

/* --- transactions ------------------------------------------------------------------------------------------------ */

static enum vx_status check_ops(const struct etcd_op *ops, size_t count, struct vx_err *err)
{
    if (count > OPS_MAX)
        return vx_err_set(err, VX_ELIMIT, "%zu operations in one etcd transaction; the limit is %d", count, OPS_MAX);
    for (size_t i = 0; i < count; i++) {
        enum vx_status status = check_key(ops[i].key, err);
        if (status)
            return status;
        if (ops[i].kind == ETCD_PUT && ops[i].value.len > ETCD_VALUE_MAX_BYTES)
            return vx_err_set(err, VX_ELIMIT, "the value of etcd key %.*s has %zu bytes; the limit is %d",
                              VX_SPAN_ARG(ops[i].key), ops[i].value.len, ETCD_VALUE_MAX_BYTES);
    }
    return VX_OK;
}

enum vx_status etcd_txn(struct etcd *etcd, struct vx_arena *arena, const struct etcd_txn *txn,
                        struct etcd_txn_result *out, struct vx_err *err)
{
    if (txn->compare_count > OPS_MAX)
        return vx_err_set(err, VX_ELIMIT, "%zu comparisons in one etcd transaction; the limit is %d",
                          txn->compare_count, OPS_MAX);
    enum vx_status status = check_ops(txn->then, txn->then_count, err);
    if (!status)
        status = check_ops(txn->otherwise, txn->otherwise_count, err);
    if (status)
        return status;
    struct call call = {
        .path = "/v3/kv/txn", .repeatable = txn->repeatable, .needs_leader = true, .deadline_ms = ETCD_DEADLINE_MS};
    request_txn(&call.body, txn);
    json_t *root = NULL;
    status = call_run(etcd, &call, &root, NULL, err);
    if (status)
        return status;
    struct etcd_txn_result result;
    if (answer_txn(root, arena, txn, &result))
        *out = result;
    else
        status = call_unreadable(etcd, err);
    json_decref(root);
    return status;
}
