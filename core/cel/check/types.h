/* Static types: what the checker knows about an expression before any event is seen.
 *
 * A type is the set of run-time types a value may have, as a bit mask; `key` (string or null) is two bits, an event
 * field every type that JSON has. An overload is possible when the masks meet, certain when the argument's mask lies
 * inside.
 */
#ifndef VX_CEL_TYPES_H
#define VX_CEL_TYPES_H

#include "core/cel/value.h"

enum {
    MASK_NULL = 1 << CEL_NULL,
    MASK_BOOL = 1 << CEL_BOOL,
    MASK_INT = 1 << CEL_INT,
    MASK_UINT = 1 << CEL_UINT,
    MASK_DOUBLE = 1 << CEL_DOUBLE,
    MASK_STRING = 1 << CEL_STRING,
    MASK_BYTES = 1 << CEL_BYTES,
    MASK_LIST = 1 << CEL_LIST,
    MASK_MAP = 1 << CEL_MAP,
    MASK_TIMESTAMP = 1 << CEL_TIMESTAMP,
    MASK_DURATION = 1 << CEL_DURATION,
    MASK_TYPE = 1 << CEL_TYPE,
    MASK_OPTIONAL = 1 << CEL_OPTIONAL,
    MASK_IP = 1 << CEL_IP,
    MASK_CIDR = 1 << CEL_CIDR,
    MASK_NUMBER = MASK_INT | MASK_UINT | MASK_DOUBLE,
    MASK_KEY = MASK_BOOL | MASK_INT | MASK_UINT | MASK_STRING, /* what may be the key of a map */
    MASK_TEXT = MASK_BOOL | MASK_NUMBER | MASK_STRING | MASK_BYTES | MASK_TIMESTAMP | MASK_DURATION | MASK_IP |
                MASK_CIDR, /* what string() takes */
    MASK_JSON = MASK_NULL | MASK_BOOL | MASK_INT | MASK_DOUBLE | MASK_STRING | MASK_LIST | MASK_MAP,
    MASK_ANY = (1 << CEL_TYPE_COUNT) - 1,
};

struct cel_stype {
    uint32_t mask;                /* 1 << enum cel_type for every type that is possible; never 0 */
    bool dyn;                     /* CEL's dyn: an int may meet a double in arithmetic */
    const struct cel_stype *key;  /* of a map's keys; NULL: anything */
    const struct cel_stype *elem; /* of a list's elements, a map's values, what an optional holds; NULL: anything */
};

extern const struct cel_stype cel_stype_any;  /* dyn */
extern const struct cel_stype cel_stype_json; /* a JSON value */
extern const struct cel_stype cel_stype_string;

/* Any value of these types; nothing is known of keys and elements. */
struct cel_stype cel_stype_of(uint32_t mask);
/* The type of something that is either an `a` or a `b`. */
struct cel_stype cel_stype_join(struct vx_arena *arena, struct cel_stype a, struct cel_stype b);
/* An optional that holds an `inner`. */
struct cel_stype cel_stype_optional(struct vx_arena *arena, struct cel_stype inner);
/* The type of what is found inside a value of type `container`. */
struct cel_stype cel_stype_inside(struct cel_stype container);
/* False when `a == b` can never be true. */
bool cel_stype_comparable(struct cel_stype a, struct cel_stype b);
/* The one run-time type, or CEL_DYN. */
enum cel_type cel_stype_single(struct cel_stype type);

enum { CEL_STYPE_TEXT_SIZE = 96 };
/* Writes "int", "list(string)", "dyn" for a message; returns `text`. */
const char *cel_stype_print(struct cel_stype type, char text[CEL_STYPE_TEXT_SIZE]);
/* "int", "timestamp": the name of a type in a message (type() says google.protobuf.Timestamp). */
const char *cel_type_short(enum cel_type type);

#endif
