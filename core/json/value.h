/* A JSON value in place: where its text stands, and how to look inside without copying.
 *
 * Everything here assumes text that json_scan() has accepted; it reads, never checks, and never writes. Borrowed from
 * the event: valid as long as the event's bytes are. Any thread.
 */
#ifndef VX_JSON_VALUE_H
#define VX_JSON_VALUE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/span.h"

enum json_kind {
    JSON_KIND_MISSING, /* there is no such value */
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_INT,    /* written without fraction and exponent; may exceed int64 */
    JSON_KIND_DOUBLE, /* written with a fraction or an exponent */
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

struct json_value {
    const char *at; /* first byte of the value; of a string: the byte behind its opening quote */
    uint32_t len;   /* bytes of the value; of a string: without its quotes */
    uint8_t kind;   /* enum json_kind */
    bool escaped;   /* a string that contains a backslash */
};

/* The member `key` (unescaped) of an object, the last one where it is repeated; kind JSON_KIND_MISSING when there is
 * none or `object` is not an object. Cost: the length of the object. */
struct json_value json_member(struct json_value object, struct vx_span key);
/* The element `index` of an array; JSON_KIND_MISSING when there is none or it is not an array. */
struct json_value json_element(struct json_value array, size_t index);

/* Walks members of an object or elements of an array in the order written (repeated keys all come up):
 *     struct json_iter it = json_iter(v);
 *     while (json_next(&it)) use(it.key, it.value);
 */
struct json_iter {
    const char *at, *end;
    struct json_value key; /* JSON_KIND_STRING inside an object, JSON_KIND_MISSING inside an array */
    struct json_value value;
    bool object;
};
struct json_iter json_iter(struct json_value container);
bool json_next(struct json_iter *it);
/* Elements of an array, or distinct keys of an object. Cost: n log n in the members of an object; of more than 32 they are
 * sorted in `scratch`, which may be NULL for arrays. */
size_t json_count(struct json_value container, struct vx_arena *scratch);

/* Which members of an object count, of a repeated key the last: a bit per byte of the object, set where the text of the
 * member's key begins. Cost: n log n. Lies in `scratch`. */
const uint64_t *json_last_keys(struct json_value object, struct vx_arena *scratch);
static inline bool json_is_last_key(const uint64_t *last, struct json_value object, struct json_value key)
{
    size_t at = (size_t)(key.at - object.at);
    return last[at / 64] >> at % 64 & 1;
}

/* The text of a string: in place where nothing is escaped, else decoded into `arena`. A lone surrogate (legal in JSON,
 * not in UTF-8) becomes U+FFFD. */
struct vx_span json_unescape(struct json_value string, struct vx_arena *arena);
/* True when the unescaped text of a string equals `text`; allocates nothing. */
bool json_string_equal(struct json_value string, struct vx_span text);

/* The int64 of a JSON_KIND_INT; false when it does not fit (then it counts as a double). */
bool json_int64(struct json_value number, int64_t *out);
/* The nearest double of a JSON_KIND_INT or JSON_KIND_DOUBLE (correctly rounded; beyond the range: infinity). */
double json_double(struct json_value number);

/* The whole text of a value as it stands, quotes included. */
static inline struct vx_span json_text(struct json_value v)
{
    return v.kind == JSON_KIND_STRING ? vx_span(v.at - 1, (size_t)v.len + 2) : vx_span(v.at, v.len);
}

#endif
