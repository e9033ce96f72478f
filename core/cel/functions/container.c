/* What works on lists and maps: index, `in`, concatenation, size. A worker's thread; new lists go to the arena of the
 * call. An index of a list may be any number that is whole; a key of a map finds numbers across types. */
#include "core/cel/functions/ops.h"
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
    if (!cel_charge(call, cel_length_cost(args[0])))
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
        if (!cel_charge(call, 1 + cel_length_cost(element)) || !cel_equal_within(call, args[0], element, &equal))
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
    if (!cel_charge(call, cel_length_cost(args[0]) + cel_length_cost(args[1])))
        return false;
    size_t left = cel_list_count(args[0]), count = left + cel_list_count(args[1]), at = 0;
    if (!cel_charge(call, count))
        return false;
    struct cel_value *cells = VX_ARENA_ARRAY(call->arena, struct cel_value, count);
    for (int i = 0; i < 2; i++) {
        struct cel_list_iter it = cel_list_iter(args[i]);
        while (at < (i == 0 ? left : count) && cel_list_next(&it, &cells[at]))
            at++;
    }
    return cel_make_list(call, cells, count, out);
}

CEL_OP(cel_size_list)
{
    return cel_charge(call, cel_length_cost(args[0])) && give_count(out, cel_list_count(args[0]));
}

CEL_OP(cel_size_map)
{
    return cel_charge(call, 2 * cel_length_cost(args[0])) && give_count(out, cel_map_count(call, args[0]));
}

bool cel_select(struct cel_call *call, struct cel_value container, struct vx_span name, struct cel_value *out)
{
    bool found;
    if (container.type == CEL_OPTIONAL) /* once optional, always optional: event.?a.b */
        return cel_select_optional(call, container, cel_string_value(name), out);
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
    if (container.type == CEL_OPTIONAL && !container.some)
        return give_bool(out, false);
    if (container.type == CEL_OPTIONAL)
        container = *container.some;
    if (container.type != CEL_MAP) {
        cel_fail_about(call, FAIL_FIELD, NULL, cel_string_value(name));
        call->failure.types[0] = container.type;
        return false;
    }
    return cel_map_get(call, container, cel_string_value(name), &found, NULL) && give_bool(out, found);
}
