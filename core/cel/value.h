/* CEL values, small enough to pass by copy. Strings, lists and maps either lie in an arena or are still JSON text in
 * place, decoded only when somebody looks. */
#ifndef VX_CEL_VALUE_H
#define VX_CEL_VALUE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/json/value.h"

enum cel_type {
    CEL_DYN, /* only a static type: known at run time */
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST,
    CEL_MAP,
    CEL_TIMESTAMP,
    CEL_DURATION,
    CEL_TYPE,
    CEL_OPTIONAL,
    CEL_IP,
    CEL_CIDR,
    CEL_TYPE_COUNT,
};

struct cel_header;
struct cel_entry;
struct cel_net;

struct cel_value {
    uint8_t type;    /* enum cel_type, never CEL_DYN */
    bool is_json;    /* LIST, MAP: the text of `json`; STRING: an escaped JSON string, decode with cel_string() */
    bool is_headers; /* MAP: `headers`, the last of a repeated name counts */
    uint8_t depth;   /* LIST, MAP, OPTIONAL made by an evaluation: how deep such values stand in each other */
    union {
        uint32_t bytes; /* of the same: about the length of its text, what is shared counted as often as it comes up */
        uint32_t zone;  /* STRING: the number of the time zone it names (zone.h), found by the checker; else 0 */
    };
    union {
        bool boolean;
        int64_t i;
        uint64_t u;
        double d;
        struct vx_span s;       /* STRING (not is_json), BYTES */
        struct json_value json; /* is_json */
        struct {
            const struct cel_value *at;
            size_t count;
        } list;
        struct {
            const struct cel_entry *at;
            size_t count;
        } map;
        struct {
            const struct cel_header *at;
            size_t count;
        } headers;
        struct {
            int64_t seconds;
            int32_t nanos;
        } time;                       /* TIMESTAMP since the epoch, DURATION */
        uint8_t named;                /* TYPE: enum cel_type */
        const struct cel_value *some; /* OPTIONAL: what it holds, NULL for optional.none() */
        const struct cel_net *net;    /* IP, CIDR */
    };
};

struct cel_entry {
    struct cel_value key;
    struct cel_value value;
};

/* An address, or a block of addresses. */
struct cel_net {
    uint8_t address[16]; /* in network order; of IPv4 the first four */
    uint8_t bytes;       /* 4 or 16 */
    uint8_t prefix_bits; /* CIDR */
};

/* "int", "string", "list", …: the name as type() gives it. */
const char *cel_type_name(enum cel_type type);

/* A JSON value as CEL sees it: an int where it is written without fraction and exponent and fits int64, else a double.
 * `json.kind` must not be JSON_KIND_MISSING. */
struct cel_value cel_from_json(struct json_value json);
/* The text of a STRING value, decoded into `arena` where it is still escaped JSON. */
struct vx_span cel_string(struct cel_value v, struct vx_arena *arena);

/* CEL equality (numbers compare across types, lists and maps deeply). */
bool cel_equal(struct cel_value a, struct cel_value b);

/* Appends the value as JSON: what `set` writes into an event. Bytes become base64; timestamps, durations, addresses and
 * blocks what string() gives, uint a number. False, with nothing appended, for NaN, infinity, a type, a map with keys
 * that are not strings, or headers that are not UTF-8. */
bool cel_write_json(struct cel_value v, struct vx_buf *out);
/* Appends a value as text inside a text (`"fraud-${x}"`): string, bool, int, uint, double, timestamp, duration, ip,
 * cidr, and bytes that are UTF-8, as CEL's string() gives them; false for NaN, infinity and every other type. */
bool cel_write_text(struct cel_value v, struct vx_buf *out);
/* Appends the value as a CEL literal, for `eval` and explain: `"text"`, `12u`, `[1, 2]`, `timestamp("…")`. */
void cel_write_literal(struct cel_value v, struct vx_buf *out);

#endif
