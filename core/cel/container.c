/* What works on lists and maps: index, `in`, concatenation, size. A worker's thread; new lists go to the arena of the
 * call. An index of a list may be any number that is whole; a key of a map finds numbers across types. */
#include "core/cel/ops.h"
#include "core/cel/values.h"

#include <math.h>

static bool give_bool(struct cel_value *out, bool yes)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = yes};
    return true;
}

static bool give_count(struct cel_value *out, size_t count)
{
    *out = (struct cel_value){.type = CEL_INT, .i = (int64_t)count};
    return true;
}

CEL_OP(cel_index_list)
{
    uint64_t index = args[1].u;
    if (args[1].type == CEL_DOUBLE) {
        double d = args[1].d;
        if (!(d >= 0 && d < 9007199254740992.0 && d == floor(d)))
            return cel_fail_about(call, FAIL_INDEX, NULL, args[1]);
        index = (uint64_t)d;
    }
    if (args[1].type == CEL_INT && args[1].i < 0)
        return cel_fail_about(call, FAIL_INDEX, NULL, args[1]);
    if (!cel_charge(call, args[0].is_json ? args[0].json.len / 64 : 0))
        return false;
    return cel_list_get(args[0], index, out) || cel_fail_about(call, FAIL_INDEX, NULL, args[1]);
}

CEL_OP(cel_index_map)
{
    bool found;
    if (!cel_map_get(call, args[0], args[1], &found, out))
        return false;
    return found || cel_fail_about(call, FAIL_KEY, NULL, args[1]);
}

CEL_OP(cel_in_list)
{
    struct cel_list_iter it = cel_list_iter(args[1]);
    struct cel_value element;
    bool equal = false;
    while (!equal && cel_list_next(&it, &element)) {
        if (!cel_charge(call, 1) || !cel_equal_within(call, args[0], element, &equal))
            return false;
    }
    return give_bool(out, equal);
}

CEL_OP(cel_in_map)
{
    bool found;
    return cel_map_get(call, args[1], args[0], &found, NULL) && give_bool(out, found);
}

CEL_OP(cel_add_list)
{
    size_t counts[2] = {cel_list_count(args[0]), cel_list_count(args[1])};
    if (!cel_charge(call, counts[0] + counts[1]))
        return false;
    struct cel_value *cells = VX_ARENA_ARRAY(call->arena, struct cel_value, counts[0] + counts[1]);
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        struct cel_list_iter it = cel_list_iter(args[i]);
        while (cel_list_next(&it, &cells[at < counts[0] + counts[1] ? at : 0]))
            at++;
    }
    *out = (struct cel_value){.type = CEL_LIST, .list = {cells, at}};
    return true;
}

CEL_OP(cel_size_list)
{
    return cel_charge(call, args[0].is_json ? args[0].json.len / 64 : 0) && give_count(out, cel_list_count(args[0]));
}

CEL_OP(cel_size_map)
{
    return cel_charge(call, args[0].is_json ? args[0].json.len / 64 : 0) &&
           give_count(out, cel_map_count(call, args[0]));
}

/* Order of two keys of a map, of any two types that keys may have; 0 where they are the same key. */
static int order_keys(struct cel_call *call, struct cel_value a, struct cel_value b)
{
    int left = a.type == CEL_UINT ? CEL_INT : a.type, right = b.type == CEL_UINT ? CEL_INT : b.type;
    return left != right ? left - right : (int)cel_order_of(call, a, b);
}

/* Heap sort (Williams 1964): in place, no recursion, and never quadratic, whatever the keys. */
static void sort_keys(struct cel_call *call, struct cel_value *keys, size_t count)
{
    for (size_t start = count / 2, end = count; end > 1;) {
        if (start > 0) {
            start--;
        } else {
            struct cel_value last = keys[--end];
            keys[end] = keys[0];
            keys[0] = last;
        }
        for (size_t root = start, child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && order_keys(call, keys[child], keys[child + 1]) < 0)
                child++;
            if (order_keys(call, keys[root], keys[child]) >= 0)
                break;
            struct cel_value swap = keys[root];
            keys[root] = keys[child];
            keys[child] = swap;
        }
    }
}

bool cel_make_map(struct cel_call *call, const struct cel_entry *entries, size_t count, struct cel_value *out)
{
    struct cel_value *keys = VX_ARENA_ARRAY(call->arena, struct cel_value, count);
    if (!cel_charge(call, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        keys[i] = entries[i].key;
        if (keys[i].type == CEL_STRING) /* decoded once, not in every comparison */
            keys[i] = cel_string_value(cel_decoded(call, keys[i]));
        if (!(MASK_KEY >> keys[i].type & 1))
            return cel_fail_about(call, FAIL_CONVERT, "key of a map", keys[i]);
    }
    sort_keys(call, keys, count);
    for (size_t i = 1; i < count; i++) {
        if (order_keys(call, keys[i - 1], keys[i]) == 0)
            return cel_fail_about(call, FAIL_REPEATED, NULL, keys[i]);
    }
    *out = (struct cel_value){.type = CEL_MAP, .map = {entries, count}};
    return true;
}

bool cel_select(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out)
{
    bool found;
    if (container.type != CEL_MAP) {
        cel_fail_about(call, FAIL_FIELD, NULL, cel_string_value(name));
        call->failure.types[0] = container.type;
        return false;
    }
    if (!cel_map_get(call, container, cel_string_value(name), &found, out))
        return false;
    return found || cel_fail_about(call, FAIL_KEY, NULL, cel_string_value(name));
}

bool cel_has(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out)
{
    bool found;
    if (container.type != CEL_MAP) {
        cel_fail_about(call, FAIL_FIELD, NULL, cel_string_value(name));
        call->failure.types[0] = container.type;
        return false;
    }
    return cel_map_get(call, container, cel_string_value(name), &found, NULL) && give_bool(out, found);
}
