/* Values from the inside: order, equality, containers of any shape, text. For the files of this folder. */
#ifndef VX_CEL_VALUES_H
#define VX_CEL_VALUES_H

#include "core/cel/failure.h"

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

/* A walk over the distinct keys of a map. Cost of JSON: quadratic in its keys. */
struct cel_map_iter {
    struct cel_value map;
    struct json_iter json;
    struct vx_arena *arena; /* for keys with escapes */
    size_t at;
};
struct cel_map_iter cel_map_iter(struct cel_value map, struct vx_arena *arena);
bool cel_map_next(struct cel_map_iter *it, struct cel_value *key, struct cel_value *value);
size_t cel_map_count(struct cel_call *call, struct cel_value map);
/* Finds `key`; *found says whether it is there. False with the failure recorded when the budget is spent, or when a
 * header that is not UTF-8 was to be read; with `value` NULL nothing is read. */
bool cel_map_get(struct cel_call *call, struct cel_value map, struct cel_value key, bool *found,
                 struct cel_value *value);
/* The last header of that name, or NULL. */
const struct cel_header *cel_header_find(const struct cel_header *headers, size_t count, struct vx_span name);
/* The value of a header: a string, or null. False when it is not UTF-8. */
bool cel_header_value(const struct cel_header *header, struct cel_value *value);

/* A map of entries that stay where they are; fails on a key of the wrong type and on a repeated one. */
bool cel_make_map(struct cel_call *call, const struct cel_entry *entries, size_t count, struct cel_value *out);
/* container.name, and has(container.name). */
bool cel_select(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out);
bool cel_has(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out);

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
enum { CEL_DOUBLE_TEXT_SIZE = 32 };
size_t cel_print_double(double d, char text[CEL_DOUBLE_TEXT_SIZE]);

/* A deep copy whose texts live in `arena`. `v` holds no JSON and no headers. */
struct cel_value cel_copy(struct cel_value v, struct vx_arena *arena);

#endif
