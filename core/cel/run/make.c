/* Making lists, maps and optionals of other values, within bounds.
 *
 * A worker's thread; what is made stands in the arena of the call, or where the caller put it. Invariant: a value made
 * here is at most CEL_VALUE_DEPTH_MAX levels deep (JSON inside has JSON's own limit) and its text about as long as
 * `bytes` says, at most CEL_VALUE_MAX_BYTES.
 */
#include "core/cel/check/types.h"
#include "core/cel/values.h"

enum { SCALAR_BYTES = 8 };

/* The text of a value is about that long. */
static uint64_t bytes_of(struct cel_value v)
{
    if (v.is_json)
        return v.json.len;
    uint64_t bytes = 0;
    switch (v.type) {
    case CEL_STRING:
    case CEL_BYTES:
        return v.s.len;
    case CEL_MAP:
        for (size_t i = 0; v.is_headers && i < v.headers.count; i++)
            bytes += v.headers.at[i].name.len + v.headers.at[i].value.len;
        return v.is_headers ? bytes : v.bytes;
    case CEL_LIST:
    case CEL_OPTIONAL:
        return v.bytes;
    default:
        return SCALAR_BYTES;
    }
}

/* Counts `v` into what is being made of it. */
static bool hold(struct cel_call *call, struct cel_value *made, struct cel_value v)
{
    uint64_t bytes = made->bytes + bytes_of(v) + 2;
    bool made_too = !v.is_json && (v.type == CEL_LIST || v.type == CEL_MAP || v.type == CEL_OPTIONAL);
    if (made_too && v.depth >= made->depth)
        made->depth = (uint8_t)(v.depth + 1);
    if (made->depth > CEL_VALUE_DEPTH_MAX)
        return cel_fail(call, "a value is nested too deep");
    if (bytes > CEL_VALUE_MAX_BYTES)
        return cel_fail(call, "a value is larger than 16 MiB");
    made->bytes = (uint32_t)bytes;
    return true;
}

bool cel_make_list(struct cel_call *call, const struct cel_value *cells, size_t count, struct cel_value *out)
{
    struct cel_value list = {.type = CEL_LIST, .depth = 1, .list = {cells, count}};
    if (!cel_charge(call, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!hold(call, &list, cells[i]))
            return false;
    }
    *out = list;
    return true;
}

bool cel_make_optional(struct cel_call *call, const struct cel_value *some, struct cel_value *out)
{
    struct cel_value optional = {.type = CEL_OPTIONAL, .depth = 1};
    if (some) {
        struct cel_value *held = VX_ARENA_NEW(call->arena, struct cel_value);
        *held = *some;
        optional.some = held;
        if (!hold(call, &optional, *held))
            return false;
    }
    *out = optional;
    return true;
}

/* Order of two keys of a map, of any two types that keys may have; 0 where they are the same key. */
static int order_keys(struct cel_call *call, struct cel_value a, struct cel_value b)
{
    int left = a.type == CEL_UINT ? CEL_INT : a.type, right = b.type == CEL_UINT ? CEL_INT : b.type;
    return left != right ? left - right : (int)cel_order_of(call, a, b);
}

/* What a sort moves about instead of an entry. */
struct handle {
    uint64_t head; /* of a string: its first 8 bytes as a number, which sort as the bytes do */
    uint32_t at;   /* in the entries */
};

static uint64_t head_of(struct cel_value key)
{
    unsigned char bytes[8] = {0};
    if (key.type != CEL_STRING || key.s.len == 0)
        return 0;
    memcpy(bytes, key.s.at, key.s.len < sizeof bytes ? key.s.len : sizeof bytes);
    uint64_t head;
    memcpy(&head, bytes, sizeof head);
    return __builtin_bswap64(head);
}

static bool comes_after(struct cel_call *call, const struct cel_entry *entries, struct handle a, struct handle b)
{
    const struct cel_value *left = &entries[a.at].key, *right = &entries[b.at].key;
    if (a.head != b.head && left->type == CEL_STRING && right->type == CEL_STRING)
        return a.head > b.head;
    return order_keys(call, *left, *right) > 0;
}

/* Two sorted runs, [from, middle) and [middle, to), into one. */
static void merge(struct cel_call *call, const struct cel_entry *entries, const struct handle *in, struct handle *out,
                  size_t from, size_t middle, size_t to)
{
    size_t left = from, right = middle;
    for (size_t i = from; i < to; i++) {
        bool take_right = left == middle || (right < to && comes_after(call, entries, in[left], in[right]));
        out[i] = in[take_right ? right++ : left++];
    }
}

/* Merge sort from the bottom up: no recursion, and never quadratic, whatever the keys. Strings are decoded. Charges a
 * quarter of a step for each of its comparisons; those that look at more than heads charge for the text themselves. */
static bool sort_entries(struct cel_call *call, struct cel_entry *entries, size_t count)
{
    unsigned rounds = count > 1 ? 64 - (unsigned)__builtin_clzll(count - 1) : 0;
    if (!cel_charge(call, count * rounds / 4))
        return false;
    struct handle *in = VX_ARENA_ARRAY(call->arena, struct handle, count);
    struct handle *out = VX_ARENA_ARRAY(call->arena, struct handle, count);
    struct cel_entry *old = VX_ARENA_ARRAY(call->arena, struct cel_entry, count);
    for (size_t i = 0; i < count; i++) {
        old[i] = entries[i];
        in[i] = (struct handle){head_of(entries[i].key), (uint32_t)i};
    }
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t from = 0; from < count; from += 2 * run) {
            size_t middle = from + run < count ? from + run : count;
            merge(call, old, in, out, from, middle, middle + run < count ? middle + run : count);
        }
        struct handle *swap = in;
        in = out;
        out = swap;
    }
    for (size_t i = 0; i < count; i++)
        entries[i] = old[in[i].at];
    return true;
}

bool cel_sort_map(struct cel_call *call, struct cel_value map, const struct cel_entry **entries, size_t *count)
{
    struct cel_map_iter it;
    size_t n = 0, room = cel_map_room(call, map);
    struct cel_entry *sorted = VX_ARENA_ARRAY(call->arena, struct cel_entry, room);
    if (!cel_map_walk(call, map, &it) || !cel_charge(call, room))
        return false;
    while (n < room && cel_map_next(&it, &sorted[n].key, &sorted[n].value)) {
        if (sorted[n].key.type == CEL_STRING)
            sorted[n].key = cel_string_value(cel_decoded(call, sorted[n].key));
        if (!cel_charge(call, it.key_cost))
            return false;
        n++;
    }
    if (!sort_entries(call, sorted, n))
        return false;
    *entries = sorted;
    *count = n;
    return true;
}

bool cel_make_map(struct cel_call *call, const struct cel_entry *entries, size_t count, struct cel_value *out)
{
    struct cel_value map = {.type = CEL_MAP, .depth = 1, .map = {entries, count}};
    struct cel_entry *sorted = VX_ARENA_ARRAY(call->arena, struct cel_entry, count);
    if (!cel_charge(call, 2 * count))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct cel_value key = entries[i].key;
        if (key.type == CEL_STRING) /* decoded once, not in every comparison */
            key = cel_string_value(cel_decoded(call, key));
        sorted[i].key = key;
        if (!(MASK_KEY >> key.type & 1))
            return cel_fail_about(call, FAIL_CONVERT, "key of a map", key);
        if (!hold(call, &map, key) || !hold(call, &map, entries[i].value))
            return false;
    }
    if (!sort_entries(call, sorted, count))
        return false;
    for (size_t i = 1; i < count; i++) {
        if (order_keys(call, sorted[i - 1].key, sorted[i].key) == 0)
            return cel_fail_about(call, FAIL_REPEATED, NULL, sorted[i].key);
    }
    *out = map;
    return true;
}
