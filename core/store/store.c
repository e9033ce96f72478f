/* The handle of one fleet's records, what its files share, and the list of fleets. Any thread; the handle never changes. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/utf8.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum vx_status store_new(struct etcd *etcd, const char *fleet, struct store **out, struct vx_err *err)
{
    if (!store_fleet_name_valid(fleet))
        return vx_err_set(
            err, VX_EINVAL,
            "`%.80s` is not the name of a fleet: expected 1 to 63 of a-z, 0-9 and -, not beginning with -", fleet);
    struct store *store = calloc(1, sizeof *store);
    vx_assert(store != NULL);
    store->etcd = etcd;
    memcpy(store->fleet, fleet, strlen(fleet) + 1);
    *out = store;
    return VX_OK;
}

void store_free(struct store *store)
{
    free(store);
}

const char *store_fleet(const struct store *store)
{
    return store->fleet;
}

void store_random_id(char out[RECORD_ID_SIZE])
{
    uint32_t parts[4];
    arc4random_buf(parts, sizeof parts);
    snprintf(out, RECORD_ID_SIZE, "%08x%08x%08x%08x", parts[0], parts[1], parts[2], parts[3]);
}

enum vx_status store_check_text(const char *text, const char *what, size_t max_bytes, struct vx_err *err)
{
    struct vx_span span = vx_span_str(text ? text : "");
    if (span.len > max_bytes)
        return vx_err_set(err, VX_EINVAL, "%s has %zu bytes; the limit is %zu", what, span.len, max_bytes);
    if (!vx_utf8_valid(span))
        return vx_err_set(err, VX_EINVAL, "%s is not UTF-8", what);
    return VX_OK;
}

const struct etcd_kv *store_got(const struct etcd_txn_result *result, size_t get)
{
    vx_assert(get < result->get_count);
    return result->gets[get].count ? &result->gets[get].kvs[0] : NULL;
}

enum vx_status store_fleets(struct etcd *etcd, struct vx_arena *arena, const char ***names, size_t *count,
                            struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_range_options options = {.limit = 1, .keys_only = true};
    const char **list = NULL;
    size_t used = 0, room = 0;
    enum vx_status status;
    for (;;) { /* one key a fleet: the next one asked for is behind all keys of the last one */
        struct etcd_range range;
        struct vx_span fleet;
        status = etcd_list(etcd, &scratch, VX_SPAN_LITERAL(KEYS_ROOT), &options, &range, err);
        if (status || range.count == 0)
            break;
        if (!keys_fleet_of(range.kvs[0].key, &fleet)) {
            options.start = vx_span_str(vx_arena_printf(&scratch, "%.*s%c", VX_SPAN_ARG(range.kvs[0].key), 1));
            continue;
        }
        if (used == room) {
            room = room ? room * 2 : 8;
            const char **longer = VX_ARENA_ARRAY(arena, const char *, room);
            if (used)
                memcpy(longer, list, used * sizeof *list);
            list = longer;
        }
        list[used++] = vx_arena_span(arena, fleet).at;
        options.start = vx_span_str(vx_arena_printf(&scratch, KEYS_ROOT "%.*s%c", VX_SPAN_ARG(fleet), '/' + 1));
    }
    vx_arena_done(&scratch);
    if (status)
        return status;
    *names = list;
    *count = used;
    return VX_OK;
}
