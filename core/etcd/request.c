/* Builds requests. Any thread; no state. Invariant: what is appended is one JSON object. */
#include "core/etcd/request.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "core/base/b64.h"

/* "name":" with the comma that is due. */
static void put_name(struct vx_buf *out, const char *name)
{
    char last = out->len ? out->at[out->len - 1] : '{';
    vx_buf_printf(out, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", name);
}

static void put_bytes(struct vx_buf *out, const char *name, struct vx_span bytes)
{
    put_name(out, name);
    vx_buf_char(out, '"');
    vx_b64_encode(out, bytes);
    vx_buf_char(out, '"');
}

static void put_number(struct vx_buf *out, const char *name, int64_t number)
{
    put_name(out, name);
    vx_buf_printf(out, "\"%" PRId64 "\"", number);
}

static void put_word(struct vx_buf *out, const char *name, const char *word)
{
    put_name(out, name);
    vx_buf_printf(out, "\"%s\"", word);
}

static void put_true(struct vx_buf *out, const char *name, bool is)
{
    if (!is)
        return;
    put_name(out, name);
    vx_buf_str(out, "true");
}

static void open_object(struct vx_buf *out, const char *name)
{
    if (name)
        put_name(out, name);
    else if (out->len && out->at[out->len - 1] == '}')
        vx_buf_char(out, ',');
    vx_buf_char(out, '{');
}

void request_prefix_end(struct vx_buf *out, struct vx_span prefix)
{
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.at[len - 1] == 0xff)
        len--;
    if (len == 0) {
        vx_buf_char(out, '\0'); /* etcd's word for "to the end" */
        return;
    }
    vx_buf_add(out, prefix.at, len);
    out->at[out->len - 1]++;
}

void request_range(struct vx_buf *out, const struct request_range *range)
{
    open_object(out, NULL);
    put_bytes(out, "key", range->key);
    if (range->end.at)
        put_bytes(out, "range_end", range->end);
    if (range->limit)
        put_number(out, "limit", range->limit);
    if (range->revision)
        put_number(out, "revision", range->revision);
    if (range->descending || range->newest_first) {
        put_word(out, "sort_order", "DESCEND");
        put_word(out, "sort_target", range->newest_first ? "MOD" : "KEY");
    }
    put_true(out, "serializable", range->serializable);
    put_true(out, "keys_only", range->keys_only);
    vx_buf_char(out, '}');
}

static void put_compare(struct vx_buf *out, const struct etcd_compare *compare)
{
    static const char *const targets[] = {"CREATE", "MOD", "VERSION", "VALUE"};
    static const char *const fields[] = {"create_revision", "mod_revision", "version", "value"};
    static const char *const results[] = {"EQUAL", "GREATER", "LESS", "NOT_EQUAL"};
    open_object(out, NULL);
    put_bytes(out, "key", compare->key);
    put_word(out, "target", targets[compare->target]);
    put_word(out, "result", results[compare->result]);
    if (compare->target == ETCD_VALUE)
        put_bytes(out, fields[compare->target], compare->value);
    else
        put_number(out, fields[compare->target], compare->number);
    vx_buf_char(out, '}');
}

static void put_op(struct vx_buf *out, const struct etcd_op *op)
{
    static const char *const names[] = {"request_put", "request_delete_range", "request_range"};
    open_object(out, NULL);
    open_object(out, names[op->kind]);
    put_bytes(out, "key", op->key);
    if (op->kind == ETCD_PUT) {
        put_bytes(out, "value", op->value);
        if (op->lease)
            put_number(out, "lease", op->lease);
    } else if (op->prefix) {
        struct vx_buf end = {0};
        request_prefix_end(&end, op->key);
        put_bytes(out, "range_end", vx_buf_view(&end));
        vx_buf_done(&end);
    }
    if (op->kind == ETCD_GET)
        put_true(out, "keys_only", op->keys_only);
    vx_buf_str(out, "}}");
}

void request_txn(struct vx_buf *out, const struct etcd_txn *txn)
{
    open_object(out, NULL);
    put_name(out, "compare");
    vx_buf_char(out, '[');
    for (size_t i = 0; i < txn->compare_count; i++)
        put_compare(out, &txn->compares[i]);
    vx_buf_char(out, ']');
    put_name(out, "success");
    vx_buf_char(out, '[');
    for (size_t i = 0; i < txn->then_count; i++)
        put_op(out, &txn->then[i]);
    vx_buf_char(out, ']');
    put_name(out, "failure");
    vx_buf_char(out, '[');
    for (size_t i = 0; i < txn->otherwise_count; i++)
        put_op(out, &txn->otherwise[i]);
    vx_buf_str(out, "]}");
}

void request_lease_grant(struct vx_buf *out, int64_t ttl_s)
{
    open_object(out, NULL);
    put_number(out, "TTL", ttl_s);
    vx_buf_char(out, '}');
}

void request_lease(struct vx_buf *out, int64_t lease)
{
    open_object(out, NULL);
    put_number(out, "ID", lease);
    vx_buf_char(out, '}');
}

void request_watch(struct vx_buf *out, struct vx_span key, struct vx_span end, int64_t start_revision)
{
    open_object(out, NULL);
    open_object(out, "create_request");
    put_bytes(out, "key", key);
    if (end.at)
        put_bytes(out, "range_end", end);
    put_number(out, "start_revision", start_revision);
    put_true(out, "fragment", true);
    vx_buf_str(out, "}}");
}

void request_authenticate(struct vx_buf *out, const char *user, const char *password)
{
    json_t *root = json_pack("{s:s, s:s}", "name", user, "password", password);
    vx_assert(root != NULL);
    char *text = json_dumps(root, JSON_COMPACT);
    vx_assert(text != NULL);
    vx_buf_str(out, text);
    free(text);
    json_decref(root);
}
