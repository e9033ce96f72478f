/* Order and equality of values, as cel-spec's langdef.md has them: numbers compare by what they are worth, whatever
 * their type; NaN equals nothing; lists and maps compare deeply; values of different types differ.
 *
 * An int and a double are compared exactly, with one exception that the conformance data asks for: the double 2^63 is
 * taken for the largest int, as it is the nearest double to it.
 *
 * Any thread. Cost is charged to the budget of the call: an event may hold two big maps.
 */
#include "core/cel/functions/net.h"
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

#include <math.h>

enum { SMALL_MAP = 8 };

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

#define ORDER(a, b) ((enum cel_order)(((a) > (b)) - ((a) < (b))))

static enum cel_order order_doubles(double a, double b)
{
    return isnan(a) || isnan(b) ? CEL_UNORDERED : ORDER(a, b);
}

static enum cel_order order_int_double(int64_t i, double d)
{
    if (isnan(d))
        return CEL_UNORDERED;
    if (d >= TWO_63)
        return d == TWO_63 && i == INT64_MAX ? CEL_SAME : CEL_LESS;
    if (d < -TWO_63)
        return CEL_GREATER;
    int64_t whole = (int64_t)d;
    double rest = d - (double)whole;
    return i != whole ? ORDER(i, whole) : ORDER(0, rest);
}

static enum cel_order order_uint_double(uint64_t u, double d)
{
    if (isnan(d))
        return CEL_UNORDERED;
    if (d >= TWO_64)
        return CEL_LESS;
    if (d < 0)
        return CEL_GREATER;
    uint64_t whole = (uint64_t)d;
    return u != whole ? ORDER(u, whole) : ORDER((double)whole, d);
}

static enum cel_order order_int_uint(int64_t i, uint64_t u)
{
    return i < 0 ? CEL_LESS : ORDER((uint64_t)i, u);
}

static enum cel_order flip(enum cel_order o)
{
    return o == CEL_LESS ? CEL_GREATER : o == CEL_GREATER ? CEL_LESS : o;
}

static enum cel_order order_numbers(struct cel_value a, struct cel_value b)
{
    if (a.type > b.type) /* INT < UINT < DOUBLE: three mixed cases instead of six */
        return flip(order_numbers(b, a));
    if (a.type == CEL_INT && b.type == CEL_INT)
        return ORDER(a.i, b.i);
    if (a.type == CEL_INT)
        return b.type == CEL_UINT ? order_int_uint(a.i, b.u) : order_int_double(a.i, b.d);
    if (a.type == CEL_UINT)
        return b.type == CEL_UINT ? ORDER(a.u, b.u) : order_uint_double(a.u, b.d);
    return order_doubles(a.d, b.d);
}

static bool is_number(struct cel_value v)
{
    return v.type == CEL_INT || v.type == CEL_UINT || v.type == CEL_DOUBLE;
}

/* What comparing two texts costs: they differ where the shorter one ends. */
static uint64_t shorter(struct cel_value a, struct cel_value b)
{
    uint64_t left = cel_length_cost(a), right = cel_length_cost(b);
    return left < right ? left : right;
}

enum cel_order cel_order_of(struct cel_call *call, struct cel_value a, struct cel_value b)
{
    int c;
    if (is_number(a))
        return order_numbers(a, b);
    switch (a.type) {
    case CEL_BOOL:
        return ORDER(a.boolean, b.boolean);
    case CEL_STRING:
    case CEL_BYTES:
        cel_spend(call, shorter(a, b));
        /* UTF-8 sorts by bytes as it does by code points. */
        c = vx_span_compare(cel_decoded(call, a), cel_decoded(call, b));
        return ORDER(c, 0);
    default:
        if (a.time.seconds != b.time.seconds)
            return ORDER(a.time.seconds, b.time.seconds);
        return ORDER(a.time.nanos, b.time.nanos);
    }
}

static bool equal_strings(struct cel_call *call, struct cel_value a, struct cel_value b)
{
    cel_spend(call, shorter(a, b));
    if (a.is_json && b.is_json)
        return json_string_equal(a.json, cel_decoded(call, b));
    if (a.is_json)
        return json_string_equal(a.json, b.s);
    return b.is_json ? json_string_equal(b.json, a.s) : vx_span_equal(a.s, b.s);
}

static bool equal_lists(struct cel_call *call, struct cel_value a, struct cel_value b, bool *equal)
{
    struct cel_list_iter left = cel_list_iter(a), right = cel_list_iter(b);
    struct cel_value x, y;
    *equal = true;
    while (*equal) {
        bool more = cel_list_next(&left, &x);
        if (cel_list_next(&right, &y) != more)
            *equal = false;
        else if (!more)
            break;
        else if (!cel_charge(call, 1 + cel_length_cost(x) + cel_length_cost(y)) || !cel_equal_within(call, x, y, equal))
            return false;
    }
    return true;
}

/* Small maps: every key of one is looked up in the other. */
static bool equal_small_maps(struct cel_call *call, struct cel_value a, struct cel_value b, bool *equal)
{
    struct cel_map_iter it;
    struct cel_value key, value, other;
    if (!cel_map_walk(call, a, &it))
        return false;
    while (*equal && cel_map_next(&it, &key, &value)) {
        bool found;
        if (!cel_charge(call, 1 + it.key_cost) || !cel_map_get(call, b, key, &found, &other))
            return false;
        *equal = found;
        if (found && !cel_equal_within(call, value, other, equal))
            return false;
    }
    return true;
}

/* What sorting the keys of JSON takes before they are decoded and sorted once more: repeated ones are looked for. */
static uint64_t json_sort_cost(struct cel_call *call, struct cel_value map)
{
    uint64_t count = map.is_json ? cel_map_room(call, map) : 0;
    return count > 1 ? count * (64 - (unsigned)__builtin_clzll(count - 1)) / 2 : 0;
}

/* Looking every key up would be quadratic: both are sorted. */
static bool equal_large_maps(struct cel_call *call, struct cel_value a, struct cel_value b, bool *equal)
{
    const struct cel_entry *left, *right;
    size_t left_count, right_count;
    if (!cel_charge(call, json_sort_cost(call, a) + json_sort_cost(call, b)))
        return false;
    if (!cel_sort_map(call, a, &left, &left_count) || !cel_sort_map(call, b, &right, &right_count))
        return false;
    *equal = left_count == right_count;
    for (size_t i = 0; i < left_count && *equal; i++) {
        if (!cel_charge(call, 1) || !cel_equal_within(call, left[i].key, right[i].key, equal))
            return false;
        if (*equal && !cel_equal_within(call, left[i].value, right[i].value, equal))
            return false;
    }
    return true;
}

static bool equal_maps(struct cel_call *call, struct cel_value a, struct cel_value b, bool *equal)
{
    if (!cel_charge(call, 1 + 2 * (cel_length_cost(a) + cel_length_cost(b))))
        return false;
    /* To tell repeated keys of JSON takes sorting them, which comparing large ones does anyway. */
    bool is_json = a.is_json || b.is_json;
    if (is_json && cel_map_room(call, a) > SMALL_MAP && cel_map_room(call, b) > SMALL_MAP)
        return equal_large_maps(call, a, b, equal);
    size_t count = cel_map_count(call, a);
    *equal = count == cel_map_count(call, b);
    if (!*equal)
        return true;
    return count <= SMALL_MAP ? equal_small_maps(call, a, b, equal) : equal_large_maps(call, a, b, equal);
}

bool cel_equal_within(struct cel_call *call, struct cel_value a, struct cel_value b, bool *equal)
{
    if (is_number(a) && is_number(b)) {
        *equal = order_numbers(a, b) == CEL_SAME;
        return true;
    }
    *equal = false;
    if (a.type != b.type)
        return true;
    switch (a.type) {
    case CEL_NULL:
        *equal = true;
        return true;
    case CEL_BOOL:
        *equal = a.boolean == b.boolean;
        return true;
    case CEL_STRING:
        *equal = equal_strings(call, a, b);
        return true;
    case CEL_BYTES:
        cel_spend(call, shorter(a, b));
        *equal = vx_span_equal(a.s, b.s);
        return true;
    case CEL_LIST:
        return equal_lists(call, a, b, equal);
    case CEL_MAP:
        return equal_maps(call, a, b, equal);
    case CEL_TYPE:
        *equal = a.named == b.named;
        return true;
    case CEL_OPTIONAL:
        if (a.some && b.some)
            return cel_charge(call, 1) && cel_equal_within(call, *a.some, *b.some, equal);
        *equal = !a.some && !b.some;
        return true;
    case CEL_IP:
    case CEL_CIDR:
        *equal = cel_net_equal(a.net, b.net);
        return true;
    default:
        *equal = a.time.seconds == b.time.seconds && a.time.nanos == b.time.nanos;
        return true;
    }
}

bool cel_equal(struct cel_value a, struct cel_value b)
{
    struct vx_arena arena = {0};
    struct cel_call call = {.arena = &arena, .steps = UINT64_MAX};
    bool equal;
    bool done = cel_equal_within(&call, a, b, &equal);
    vx_arena_done(&arena);
    return done && equal;
}

static bool give(struct cel_value *out, bool yes)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = yes};
    return true;
}

CEL_OP(cel_eq)
{
    bool equal;
    return cel_equal_within(call, args[0], args[1], &equal) && give(out, equal);
}

CEL_OP(cel_ne)
{
    bool equal;
    return cel_equal_within(call, args[0], args[1], &equal) && give(out, !equal);
}

CEL_OP(cel_lt)
{
    return give(out, cel_order_of(call, args[0], args[1]) == CEL_LESS);
}

CEL_OP(cel_le)
{
    enum cel_order o = cel_order_of(call, args[0], args[1]);
    return give(out, o == CEL_LESS || o == CEL_SAME);
}

CEL_OP(cel_gt)
{
    return give(out, cel_order_of(call, args[0], args[1]) == CEL_GREATER);
}

CEL_OP(cel_ge)
{
    enum cel_order o = cel_order_of(call, args[0], args[1]);
    return give(out, o == CEL_GREATER || o == CEL_SAME);
}
