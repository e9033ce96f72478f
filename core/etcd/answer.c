/* Reads answers. Any thread; no state. Values that are missing are zero (proto3 leaves zeroes out), values of a wrong type
 * make the whole answer unreadable: one sticky flag, checked at the end. */
#include "core/etcd/answer.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/b64.h"

struct reader {
    struct vx_arena *arena;
    struct vx_buf scratch; /* for base64 */
    bool bad;
};

/* --- errors ------------------------------------------------------------------------------------------------------ */

static void copy_message(struct answer_error *error, const json_t *message)
{
    const char *text = json_is_string(message) ? json_string_value(message) : "an error without a message";
    size_t n = strlen(text) < sizeof error->message ? strlen(text) : sizeof error->message - 1;
    memcpy(error->message, text, n);
    error->message[n] = '\0';
}

static bool read_error(const json_t *root, struct answer_error *error)
{
    const json_t *inner = json_object_get(root, "error");
    const json_t *code = json_object_get(root, "code");
    const json_t *message = json_object_get(root, "message");
    if (!inner && !(code && message))
        return false;
    if (json_is_object(inner)) {
        code = json_object_get(inner, "code");
        code = code ? code : json_object_get(inner, "grpc_code");
        message = json_object_get(inner, "message");
    } else if (inner && !message) {
        message = inner;
    }
    json_int_t number = json_is_integer(code) ? json_integer_value(code) : ANSWER_UNKNOWN;
    error->code = number > 0 && number < 1000 ? (int)number : ANSWER_UNKNOWN;
    copy_message(error, message);
    return true;
}

enum answer_shape answer_parse(struct vx_span text, json_t **root, struct answer_error *error)
{
    json_t *all = text.len ? json_loadb(text.at, text.len, 0, NULL) : NULL;
    if (!json_is_object(all)) {
        json_decref(all);
        return ANSWER_GARBAGE;
    }
    enum answer_shape shape = ANSWER_GARBAGE;
    const json_t *result = json_object_get(all, "result");
    const json_t *body = result ? result : all;
    /* Every message has a header, but for that about alarms in 3.4, which may be empty altogether. */
    bool good = json_is_object(json_object_get(body, "header")) || json_object_get(body, "alarms") ||
                (json_is_object(body) && json_object_size(body) == 0);
    if (good) {
        *root = json_incref((json_t *)body);
        shape = ANSWER_GOOD;
    } else if (read_error(all, error)) {
        shape = ANSWER_ERROR;
    }
    json_decref(all);
    return shape;
}

static bool says(const struct answer_error *error, const char *text)
{
    return strstr(error->message, text) != NULL;
}

bool answer_refuses_common_name(struct vx_span text)
{
    struct vx_span start = VX_SPAN_LITERAL("CommonName of client");
    return vx_span_starts_with(text, start);
}

bool answer_is_no_leader(const struct answer_error *error)
{
    return error->code == ANSWER_UNAVAILABLE && says(error, "no leader");
}

bool answer_is_compacted(const struct answer_error *error)
{
    return error->code == ANSWER_OUT_OF_RANGE && says(error, "has been compacted");
}

bool answer_wants_token(const struct answer_error *error)
{
    return error->code == ANSWER_UNAUTHENTICATED ||
           (error->code == ANSWER_INVALID && says(error, "user name is empty")) ||
           (error->code == ANSWER_INVALID && says(error, "revision of auth store is old")) ||
           (error->code == ANSWER_DENIED && says(error, "invalid auth token"));
}

enum vx_status answer_status(const struct answer_error *error)
{
    switch (error->code) {
    case ANSWER_CANCELED:
    case ANSWER_UNAVAILABLE:
        return VX_EUNAVAILABLE;
    case 13: /* "internal": what a stream over TLS ends with when its server stops */
        return says(error, "transport") || says(error, "stream") ? VX_EUNAVAILABLE : VX_EINTERNAL;
    case ANSWER_UNKNOWN: /* some paths lose the code of a time-out on the way through the gateway */
        return says(error, "deadline exceeded") || says(error, "timed out") ? VX_ETIMEOUT : VX_EINTERNAL;
    case ANSWER_INVALID:
        if (says(error, "too large") || says(error, "too many operations"))
            return VX_ELIMIT;
        return answer_wants_token(error) || says(error, "authentication failed") ? VX_EDENIED : VX_EINVAL;
    case ANSWER_DEADLINE:
        return VX_ETIMEOUT;
    case ANSWER_NOT_FOUND:
        return VX_ENOTFOUND;
    case ANSWER_DENIED:
    case ANSWER_UNAUTHENTICATED:
        return VX_EDENIED;
    case ANSWER_EXHAUSTED:
        if (says(error, "space exceeded"))
            return VX_ENOSPACE;
        return says(error, "too many requests") ? VX_EUNAVAILABLE : VX_ELIMIT;
    case ANSWER_PRECONDITION:
        return says(error, "already exists") ? VX_EEXIST : VX_EINVAL;
    case ANSWER_OUT_OF_RANGE:
        return VX_EINVAL;
    case ANSWER_UNIMPLEMENTED:
        return VX_EUNSUPPORTED;
    default:
        return VX_EINTERNAL;
    }
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* Decimal digits only, as the gateway writes them; no blanks, no sign but a minus where one may be. */
static bool digits_only(const char *text, bool may_be_negative)
{
    if (may_be_negative && *text == '-')
        text++;
    size_t n = strspn(text, "0123456789");
    return n > 0 && text[n] == '\0';
}

static int64_t read_int(struct reader *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return 0;
    if (json_is_integer(value))
        return json_integer_value(value);
    const char *text = json_string_value(value);
    if (!text || !digits_only(text, true)) {
        r->bad = true;
        return 0;
    }
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    r->bad |= errno != 0;
    return number;
}

static uint64_t read_uint(struct reader *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return (uint64_t)json_integer_value(value);
    const char *text = json_string_value(value);
    if (!text || !digits_only(text, false)) {
        r->bad = true;
        return 0;
    }
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    r->bad |= errno != 0;
    return number;
}

static bool read_bool(struct reader *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    r->bad |= value && !json_is_boolean(value);
    return json_is_true(value);
}

static struct vx_span read_bytes(struct reader *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return vx_span("", 0);
    vx_buf_clear(&r->scratch);
    struct vx_span text = vx_span(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || !vx_b64_decode(&r->scratch, text)) {
        r->bad = true;
        return vx_span("", 0);
    }
    return vx_arena_span(r->arena, vx_buf_view(&r->scratch));
}

/* The array `name` of an object; NULL (of size 0) when it is missing. */
static const json_t *read_array(struct reader *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    r->bad |= value && !json_is_array(value);
    return json_is_array(value) ? value : NULL;
}

static void read_kv(struct reader *r, const json_t *object, struct etcd_kv *out)
{
    r->bad |= !json_is_object(object);
    out->key = read_bytes(r, object, "key");
    out->value = read_bytes(r, object, "value");
    out->create_revision = read_int(r, object, "create_revision");
    out->mod_revision = read_int(r, object, "mod_revision");
    out->version = read_int(r, object, "version");
    out->lease = read_int(r, object, "lease");
}

static bool reader_done(struct reader *r)
{
    vx_buf_done(&r->scratch);
    return !r->bad;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void read_range(struct reader *r, const json_t *root, struct etcd_range *out)
{
    const json_t *header = json_object_get(root, "header");
    const json_t *kvs = read_array(r, root, "kvs");
    out->revision = read_int(r, header, "revision");
    out->cluster_id = read_uint(r, header, "cluster_id");
    out->total = read_int(r, root, "count");
    out->count = json_array_size(kvs);
    out->kvs = VX_ARENA_ARRAY(r->arena, struct etcd_kv, out->count);
    for (size_t i = 0; i < out->count; i++)
        read_kv(r, json_array_get(kvs, i), &out->kvs[i]);
}

bool answer_range(const json_t *root, struct vx_arena *arena, struct etcd_range *out, bool *more)
{
    struct reader r = {.arena = arena};
    read_range(&r, root, out);
    *more = read_bool(&r, root, "more");
    r.bad |= out->revision <= 0;
    return reader_done(&r);
}

bool answer_txn(const json_t *root, struct vx_arena *arena, const struct etcd_txn *txn, struct etcd_txn_result *out)
{
    struct reader r = {.arena = arena};
    const json_t *header = json_object_get(root, "header");
    const json_t *responses = read_array(&r, root, "responses");
    *out = (struct etcd_txn_result){
        .succeeded = read_bool(&r, root, "succeeded"),
        .revision = read_int(&r, header, "revision"),
        .cluster_id = read_uint(&r, header, "cluster_id"),
    };
    const struct etcd_op *ops = out->succeeded ? txn->then : txn->otherwise;
    size_t op_count = out->succeeded ? txn->then_count : txn->otherwise_count;
    r.bad |= json_array_size(responses) != op_count || out->revision <= 0;
    r.bad |= !out->succeeded && txn->compare_count == 0; /* nothing could fail */
    out->gets = VX_ARENA_ARRAY(arena, struct etcd_range, op_count);
    for (size_t i = 0; i < op_count && !r.bad; i++) {
        if (ops[i].kind != ETCD_GET)
            continue;
        const json_t *range = json_object_get(json_array_get(responses, i), "response_range");
        r.bad |= !json_is_object(range);
        struct etcd_range *get = &out->gets[out->get_count++];
        read_range(&r, range, get);
        get->revision = out->revision;
        get->cluster_id = out->cluster_id;
    }
    return reader_done(&r);
}

bool answer_lease(const json_t *root, int64_t *lease, int64_t *ttl_s)
{
    struct reader r = {0};
    *lease = read_int(&r, root, "ID");
    *ttl_s = read_int(&r, root, "TTL");
    return reader_done(&r);
}

bool answer_status_of_member(const json_t *root, struct etcd_status *out)
{
    struct reader r = {0};
    const char *version = json_string_value(json_object_get(root, "version"));
    r.bad |= !version || strlen(version) >= sizeof out->version;
    if (!r.bad)
        memcpy(out->version, version, strlen(version) + 1);
    out->has_leader = read_uint(&r, root, "leader") != 0;
    return reader_done(&r);
}

bool answer_alarms(const json_t *root, bool *no_space)
{
    struct reader r = {0};
    const json_t *alarms = read_array(&r, root, "alarms");
    *no_space = false;
    for (size_t i = 0; i < json_array_size(alarms); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(alarms, i), "alarm"));
        *no_space |= name && strcmp(name, "NOSPACE") == 0;
    }
    return reader_done(&r);
}

bool answer_token(const json_t *root, struct vx_arena *arena, const char **token)
{
    const char *text = json_string_value(json_object_get(root, "token"));
    /* It goes into a header line as it is. */
    if (!text || !*text || strpbrk(text, "\r\n"))
        return false;
    *token = vx_arena_str(arena, text);
    return true;
}

bool answer_watch(const json_t *root, struct vx_arena *arena, struct answer_watch *out)
{
    struct reader r = {.arena = arena};
    const json_t *header = json_object_get(root, "header");
    const json_t *events = read_array(&r, root, "events");
    const char *reason = json_string_value(json_object_get(root, "cancel_reason"));
    *out = (struct answer_watch){
        .created = read_bool(&r, root, "created"),
        .canceled = read_bool(&r, root, "canceled"),
        .fragment = read_bool(&r, root, "fragment"),
        .compact_revision = read_int(&r, root, "compact_revision"),
        .revision = read_int(&r, header, "revision"),
        .cluster_id = read_uint(&r, header, "cluster_id"),
        .cancel_reason = vx_arena_str(arena, reason ? reason : ""),
        .count = json_array_size(events),
    };
    out->events = VX_ARENA_ARRAY(arena, struct etcd_event, out->count);
    for (size_t i = 0; i < out->count; i++) {
        const json_t *event = json_array_get(events, i);
        const char *type = json_string_value(json_object_get(event, "type"));
        out->events[i].deleted = type && strcmp(type, "DELETE") == 0;
        r.bad |= type && !out->events[i].deleted && strcmp(type, "PUT") != 0;
        read_kv(&r, json_object_get(event, "kv"), &out->events[i].kv);
        r.bad |= out->events[i].kv.mod_revision <= 0;
    }
    return reader_done(&r);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

bool answer_lines_next(struct answer_lines *lines, struct vx_span *line)
{
    const char *from = lines->bytes.at;
    if (lines->seen < lines->bytes.len) {
        const char *end = memchr(from + lines->seen, '\n', lines->bytes.len - lines->seen);
        if (end) {
            *line = vx_span(from + lines->taken, (size_t)(end - from) - lines->taken);
            lines->taken = lines->seen = (size_t)(end - from) + 1;
            return true;
        }
    }
    lines->bytes.len -= lines->taken;
    if (lines->taken && lines->bytes.len)
        memmove(lines->bytes.at, lines->bytes.at + lines->taken, lines->bytes.len);
    lines->taken = 0;
    lines->seen = lines->bytes.len;
    return false;
}

struct vx_span answer_lines_rest(const struct answer_lines *lines)
{
    return vx_span(lines->bytes.at ? lines->bytes.at + lines->taken : NULL, lines->bytes.len - lines->taken);
}
