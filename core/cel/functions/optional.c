/* Optionals, as cel-go has them (its library `optional`): a value or nothing, so that a field that may be missing need
 * not be asked for twice.
 *
 * A worker's thread; an optional's value is copied to the arena of the call. `event.?a` that is answered at once
 * (`.orValue(0)`, hasValue()) makes no optional at all, see program.c. Once optional, always optional: what is selected
 * from an optional is one. A dead end, of whatever kind, is nothing: a key that is missing, an index out of range, a
 * number that was to be a map.
 */
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

#include <math.h>

/* Looks for `key`; *found says whether there is such a thing. */
static bool look(struct cel_call *call, struct cel_value container, struct cel_value key, bool *found,
                 struct cel_value *value)
{
    bool number = key.type == CEL_INT || key.type == CEL_UINT || key.type == CEL_DOUBLE;
    *found = false;
    if (container.type == CEL_MAP)
        return cel_map_get(call, container, key, found, value);
    if (container.type != CEL_LIST || !number)
        return true;
    if (key.type == CEL_DOUBLE ? !(key.d >= 0 && key.d < 9007199254740992.0 && key.d == floor(key.d))
                               : key.type == CEL_INT && key.i < 0)
        return true;
    if (!cel_charge(call, cel_length_cost(container)))
        return false;
    *found = cel_list_get(container, key.type == CEL_DOUBLE ? (uint64_t)key.d : key.u, value);
    return true;
}

bool cel_select_optional(struct cel_call *call, struct cel_value container, struct cel_value key, struct cel_value *out)
{
    bool found;
    struct cel_value value;
    if (container.type == CEL_OPTIONAL && !container.some) {
        *out = container;
        return true;
    }
    if (container.type == CEL_OPTIONAL)
        container = *container.some;
    return look(call, container, key, &found, &value) && cel_make_optional(call, found ? &value : NULL, out);
}

CEL_OP(cel_index_optional)
{
    return cel_select_optional(call, args[0], args[1], out);
}

CEL_OP(cel_optional_of)
{
    return cel_make_optional(call, &args[0], out);
}

CEL_OP(cel_optional_none)
{
    (void)args;
    return cel_make_optional(call, NULL, out);
}

/* True for 0, "", [], {}, false, null and nothing: what a field has that was never set. */
static bool is_zero(struct cel_call *call, struct cel_value v)
{
    switch (v.type) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !v.boolean;
    case CEL_INT:
    case CEL_UINT:
        return v.u == 0;
    case CEL_DOUBLE:
        return v.d == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return !v.is_json && v.s.len == 0; /* what has an escape is not empty */
    case CEL_LIST:
        return v.is_json ? json_element(v.json, 0).kind == JSON_KIND_MISSING : v.list.count == 0;
    case CEL_MAP:
        return cel_map_count(call, v) == 0;
    case CEL_DURATION:
        return v.time.seconds == 0 && v.time.nanos == 0;
    case CEL_OPTIONAL:
        return !v.some;
    default:
        return false;
    }
}

CEL_OP(cel_optional_of_non_zero)
{
    if (!cel_charge(call, cel_length_cost(args[0])))
        return false;
    return cel_make_optional(call, is_zero(call, args[0]) ? NULL : &args[0], out);
}

CEL_OP(cel_optional_has_value)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = args[0].some != NULL};
    return true;
}

CEL_OP(cel_optional_value)
{
    if (!args[0].some)
        return cel_fail(call, "optional.none() has no value");
    *out = *args[0].some;
    return true;
}
