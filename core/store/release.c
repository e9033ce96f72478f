/* Reading releases: head, manifests, objects, history. Any thread; results live in the caller's arena.
 *
 * Nothing is believed that can be checked: a manifest must be readable and name itself, an object must have the hash that it
 * is named by. What is broken is named, so that an operator can find it.
 */
#include <inttypes.h>

#include "core/store/internal.h"
#include "core/store/keys.h"

enum {
    BATCH_BYTES = 4 << 20, /* objects read by one transaction, about */
    BATCH_COUNT = 128
};

enum vx_status store_head(struct store *store, uint32_t *number, int64_t *mod_revision, struct vx_err *err)
{
    struct vx_arena arena = {0};
    struct etcd_range range;
    uint32_t head = 0;
    int64_t revision = 0;
    enum vx_status status =
        etcd_get(store->etcd, &arena, keys_head(&arena, store->fleet), ETCD_LINEARIZABLE, &range, err);
    if (!status) {
        revision = range.kvs[0].mod_revision;
        if (!record_number_load(range.kvs[0].value, &head))
            status = vx_err_set(
                err, VX_ECORRUPT, "the head of fleet %s is `%.*s` in etcd, which is not a release number", store->fleet,
                (int)(range.kvs[0].value.len < 40 ? range.kvs[0].value.len : 40), range.kvs[0].value.at);
    } else if (status == VX_ENOTFOUND) {
        status = VX_OK;
    }
    vx_arena_done(&arena);
    if (status)
        return status;
    *number = head;
    if (mod_revision)
        *mod_revision = revision;
    return VX_OK;
}

enum vx_status release_load(const struct store *store, struct vx_arena *arena, const struct etcd_kv *kv,
                            struct store_manifest *out, struct vx_err *err)
{
    struct vx_span digits = keys_last_part(kv->key);
    uint32_t number = 0;
    struct store_manifest manifest;
    if (!record_number_load(digits, &number) || !record_manifest_load(arena, kv->value, &manifest) ||
        manifest.number != number)
        return vx_err_set(err, VX_ECORRUPT,
                          "the manifest of release %" PRIu32 " of fleet %s is corrupt in etcd (key %.*s)", number,
                          store->fleet, VX_SPAN_ARG(kv->key));
    *out = manifest;
    return VX_OK;
}

enum vx_status store_manifest(struct store *store, struct vx_arena *arena, uint32_t number, struct store_manifest *out,
                              struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_range range;
    enum vx_status status =
        etcd_get(store->etcd, &scratch, keys_release(&scratch, store->fleet, number), ETCD_LINEARIZABLE, &range, err);
    if (status == VX_ENOTFOUND)
        vx_err_set(err, status, "release %" PRIu32 " does not exist", number);
    if (!status)
        status = release_load(store, arena, &range.kvs[0], out, err);
    vx_arena_done(&scratch);
    return status;
}

/* --- objects ----------------------------------------------------------------------------------------------------- */

static enum vx_status verify(const struct store_manifest *manifest, const struct store_entry *entry,
                             struct vx_span text, struct vx_err *err)
{
    char sha256[VX_SHA256_HEX_SIZE];
    vx_sha256_hex(text, sha256);
    if (text.len == entry->size && strcmp(sha256, entry->sha256) == 0)
        return VX_OK;
    return vx_err_set(err, VX_ECORRUPT,
                      "object %s in etcd is corrupt: it is the %s `%s` of release %" PRIu32
                      ", and its %zu bytes have the hash %s",
                      entry->sha256, entry->kind, entry->name, manifest->number, text.len, sha256);
}

/* Reads the objects of some entries by one transaction. */
static enum vx_status read_batch(struct store *store, struct vx_arena *arena, struct store_manifest *manifest,
                                 struct store_entry **wanted, size_t count, struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_op ops[BATCH_COUNT] = {0};
    struct etcd_txn txn = {.then = ops, .then_count = count, .repeatable = true};
    for (size_t i = 0; i < count; i++)
        ops[i] = (struct etcd_op){.kind = ETCD_GET, .key = keys_object(&scratch, store->fleet, wanted[i]->sha256)};
    struct etcd_txn_result result;
    enum vx_status status = etcd_txn(store->etcd, &scratch, &txn, &result, err);
    for (size_t i = 0; i < count && !status; i++) {
        const struct etcd_kv *kv = store_got(&result, i);
        if (!kv)
            status = vx_err_set(err, VX_ECORRUPT, "object %s is missing in etcd: it is the %s `%s` of release %" PRIu32,
                                wanted[i]->sha256, wanted[i]->kind, wanted[i]->name, manifest->number);
        else
            status = verify(manifest, wanted[i], kv->value, err);
        if (!status)
            wanted[i]->text = vx_arena_span(arena, kv->value);
    }
    vx_arena_done(&scratch);
    return status;
}

enum vx_status store_objects(struct store *store, struct vx_arena *arena, struct store_manifest *manifest,
                             struct vx_span (*have)(void *ctx, const char *sha256), void *ctx, struct vx_err *err)
{
    struct store_entry *wanted[BATCH_COUNT];
    size_t count = 0, bytes = 0;
    enum vx_status status = VX_OK;
    for (size_t i = 0; i < manifest->entry_count && !status; i++) {
        struct store_entry *entry = &manifest->entries[i];
        struct vx_span text = have ? have(ctx, entry->sha256) : vx_span(NULL, 0);
        if (text.at && verify(manifest, entry, text, NULL) == VX_OK) {
            entry->text = vx_arena_span(arena, text);
            continue;
        }
        if (count == BATCH_COUNT || (count && bytes + entry->size > BATCH_BYTES)) {
            status = read_batch(store, arena, manifest, wanted, count, err);
            count = bytes = 0;
        }
        wanted[count++] = entry;
        bytes += entry->size;
    }
    if (!status && count)
        status = read_batch(store, arena, manifest, wanted, count, err);
    return status;
}

/* --- history ----------------------------------------------------------------------------------------------------- */

enum vx_status store_history(struct store *store, struct vx_arena *arena, uint32_t before, size_t limit,
                             struct store_manifest **out, size_t *count, struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_range_options options = {.limit = (int64_t)limit, .descending = true};
    if (before)
        options.before = keys_release(&scratch, store->fleet, before);
    struct etcd_range range = {0};
    enum vx_status status = VX_OK;
    if (limit)
        status = etcd_list(store->etcd, &scratch, keys_releases(&scratch, store->fleet), &options, &range, err);
    struct store_manifest *list = VX_ARENA_ARRAY(arena, struct store_manifest, range.count);
    for (size_t i = 0; i < range.count && !status; i++)
        status = release_load(store, arena, &range.kvs[i], &list[i], err);
    vx_arena_done(&scratch);
    if (status)
        return status;
    *out = list;
    *count = range.count;
    return VX_OK;
}
