/* Values from the inside: order, equality, containers of any shape, text. For the files of this folder. */
#ifndef VX_CEL_VALUES_H
#define VX_CEL_VALUES_H

#include "core/cel/run/failure.h"

enum cel_order { CEL_LESS = -1, CEL_SAME = 0, CEL_GREATER = 1, CEL_UNORDERED = 2 };

/* The order of two values that `<` accepts: two numbers, or two of one of the other ordered types. UNORDERED: a NaN. */
enum cel_order cel_order_of(struct cel_call *call, struct cel_value a, struct cel_value b);
/* cel_equal() within the budget of `call`; false when that is spent. */
bool cel_equal_within(struct cel_call *call, struct cel_value a, struct cel_value b, bool *equal);

/* A walk over a list, however it is held. */
struct cel_list_iter {
    struct cel_value list;
    struct json_iter json;
    size_t at;
};
struct cel_list_iter cel_list_iter(struct cel_value list);
bool cel_list_next(struct cel_list_iter *it, struct cel_value *element);
size_t cel_list_count(struct cel_value list);
/* False: out of range. */
bool cel_list_get(struct cel_value list, uint64_t index, struct cel_value *element);

/* A walk over the distinct keys of a map. Cost of JSON: quadratic in its keys, unless it began with _walk, or
 * `last` is given. */
struct cel_map_iter {
    struct cel_value map;
    struct json_iter json;
    struct vx_arena *arena; /* for keys with escapes */
    size_t at;
    bool distinct;        /* JSON: no key is repeated */
    const uint64_t *last; /* JSON with repeated keys: which members count (json_last_keys); NULL: not known */
    uint64_t key_cost;    /* what every key is to be charged, set by _walk */
};
struct cel_map_iter cel_map_iter(struct cel_value map, struct vx_arena *arena);
/* The same within the budget of `call`, which pays for the text now; linear where no key is repeated, else n log n. False
 * when the budget is spent. */
bool cel_map_walk(struct cel_call *call, struct cel_value map, struct cel_map_iter *it);
bool cel_map_next(struct cel_map_iter *it, struct cel_value *key, struct cel_value *value);
size_t cel_map_count(struct cel_call *call, struct cel_value map);
/* The same where keys of JSON that come again are counted as often: at least as many. Linear. */
size_t cel_map_room(struct cel_call *call, struct cel_value map);
/* Finds `key`; *found says whether it is there. False with the failure recorded when the budget is spent, or when a
 * header that is not UTF-8 was to be read; with `value` NULL nothing is read. */
bool cel_map_get(struct cel_call *call, struct cel_value map, struct cel_value key, bool *found,
                 struct cel_value *value);
/* The last header of that name, or NULL. */
const struct cel_header *cel_header_find(const struct cel_header *headers, size_t count, struct vx_span name);
/* The value of a header: a string, or null. False when it is not UTF-8. */
bool cel_header_value(const struct cel_header *header, struct cel_value *value);

/* What an evaluation makes of other values is bounded, so that whoever walks a value (equality, copy, text) may recurse
 * and comes to an end: sharing makes `[x, x]` of `[y, y]` of … short to write and endless to read. */
enum { CEL_VALUE_DEPTH_MAX = 100, CEL_VALUE_MAX_BYTES = 16 << 20 };
/* A list of cells that stay where they are; an optional of a value that is copied. False where it is too deep or too
 * large, or the budget is spent. */
bool cel_make_list(struct cel_call *call, const struct cel_value *cells, size_t count, struct cel_value *out);
bool cel_make_optional(struct cel_call *call, const struct cel_value *some, struct cel_value *out);
/* container[key] as an optional: nothing where there is no such thing, of whatever reason. */
bool cel_select_optional(struct cel_call *call, struct cel_value container, struct cel_value key,
                         struct cel_value *out);
/* A map of entries that stay where they are; fails on a key of the wrong type and on a repeated one. */
bool cel_make_map(struct cel_call *call, const struct cel_entry *entries, size_t count, struct cel_value *out);
/* The entries of a map in the order of their keys, each key once, strings decoded; in the arena. False when the budget
 * is spent. */
bool cel_sort_map(struct cel_call *call, struct cel_value map, const struct cel_entry **entries, size_t *count);
/* container.name, and has(container.name). */
bool cel_select(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out);
bool cel_has(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out);

/* Room for `len` bytes of text, paid for: a step for every CEL_STEP_BYTES, so that one evaluation makes at most
 * CEL_STEPS_MAX times that (16 MB) of text, whatever it does. NULL, with the failure recorded, when the budget is
 * spent. */
enum { CEL_STEP_BYTES = 16 };
char *cel_make_text(struct cel_call *call, size_t len);

/* Looks up the time zone that a constant string names (an offset from UTC stays as it is). False: there is none; *near
 * is the name nearest to it, or NULL. Load time: the first call reads the tz database. */
bool cel_zone_resolve(struct cel_value *zone, const char **near);

/* What looking at a value as a whole costs beyond one step: walking JSON is byte by byte, a string sixteen at a time.
 * */
static inline uint64_t cel_length_cost(struct cel_value v)
{
    switch (v.type) {
    case CEL_LIST:
    case CEL_MAP:
        return v.is_json ? v.json.len / 16 : 0;
    case CEL_STRING:
    case CEL_BYTES:
        return (v.is_json ? v.json.len : v.s.len) / 64;
    default:
        return 0;
    }
}

static inline struct cel_value cel_string_value(struct vx_span s)
{
    return (struct cel_value){.type = CEL_STRING, .s = s};
}

/* cel_string() that pays for what it decodes: an event may hold a megabyte of escapes, an expression name it often. */
static inline struct vx_span cel_decoded(struct cel_call *call, struct cel_value v)
{
    if (!v.is_json)
        return v.s;
    cel_spend(call, v.json.len / 16);
    return cel_string(v, call->arena);
}

/* The text of a value as string() gives it, in place or in `arena`. False where cel_write_text() says false. */
bool cel_text_of(struct cel_value v, struct vx_arena *arena, struct vx_span *text);
/* The shortest decimal spelling that reads back as the same double; returns its length. */
enum { CEL_DOUBLE_TEXT_SIZE = 32, CEL_DOUBLE_TEXT_STEPS = 16 };
size_t cel_print_double(double d, char text[CEL_DOUBLE_TEXT_SIZE]);

/* A deep copy whose texts live in `arena`. `v` holds no JSON and no headers. */
struct cel_value cel_copy(struct cel_value v, struct vx_arena *arena);

#endif
