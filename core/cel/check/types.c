/* Static types as sets of run-time types. Load time, any one thread; joined types live in the arena of the expression.
 * Invariant: a mask is never empty, and `key` and `elem` mean something only where the mask has a list, a map or
 * an optional. */
#include "core/cel/check/types.h"

#include <stdio.h>

const struct cel_stype cel_stype_any = {MASK_ANY, true, NULL, NULL};
const struct cel_stype cel_stype_string = {MASK_STRING, false, NULL, NULL};
const struct cel_stype cel_stype_json = {MASK_JSON, true, &cel_stype_string, &cel_stype_json};

static const struct {
    const char *name;       /* as type() gives it */
    const char *short_name; /* as people say it */
} type_names[] = {
    [CEL_DYN] = {"dyn", "dyn"},
    [CEL_NULL] = {"null_type", "null"},
    [CEL_BOOL] = {"bool", "bool"},
    [CEL_INT] = {"int", "int"},
    [CEL_UINT] = {"uint", "uint"},
    [CEL_DOUBLE] = {"double", "double"},
    [CEL_STRING] = {"string", "string"},
    [CEL_BYTES] = {"bytes", "bytes"},
    [CEL_LIST] = {"list", "list"},
    [CEL_MAP] = {"map", "map"},
    [CEL_TIMESTAMP] = {"google.protobuf.Timestamp", "timestamp"},
    [CEL_DURATION] = {"google.protobuf.Duration", "duration"},
    [CEL_TYPE] = {"type", "type"},
    [CEL_OPTIONAL] = {"optional_type", "optional"},
    [CEL_IP] = {"net.IP", "ip"},
    [CEL_CIDR] = {"net.CIDR", "cidr"},
};

const char *cel_type_name(enum cel_type type)
{
    return type_names[type].name;
}

const char *cel_type_short(enum cel_type type)
{
    return type_names[type].short_name;
}

struct cel_stype cel_stype_of(uint32_t mask)
{
    return (struct cel_stype){.mask = mask, .dyn = mask == MASK_ANY};
}

static const struct cel_stype *join_inner(struct vx_arena *arena, const struct cel_stype *a, const struct cel_stype *b)
{
    if (!a || !b || a == b)
        return a == b ? a : NULL;
    struct cel_stype *joined = VX_ARENA_NEW(arena, struct cel_stype);
    *joined = cel_stype_join(arena, *a, *b);
    return joined;
}

struct cel_stype cel_stype_join(struct vx_arena *arena, struct cel_stype a, struct cel_stype b)
{
    const uint32_t containers = MASK_LIST | MASK_MAP | MASK_OPTIONAL;
    struct cel_stype joined = {.mask = a.mask | b.mask, .dyn = a.dyn || b.dyn};
    if (!(a.mask & containers) || !(b.mask & containers)) {
        const struct cel_stype *one = a.mask & containers ? &a : &b;
        joined.key = one->key;
        joined.elem = one->elem;
    } else {
        joined.key = join_inner(arena, a.key, b.key);
        joined.elem = join_inner(arena, a.elem, b.elem);
    }
    return joined;
}

struct cel_stype cel_stype_optional(struct vx_arena *arena, struct cel_stype inner)
{
    struct cel_stype *elem = VX_ARENA_NEW(arena, struct cel_stype);
    *elem = inner;
    return (struct cel_stype){.mask = MASK_OPTIONAL, .elem = elem};
}

struct cel_stype cel_stype_inside(struct cel_stype container)
{
    return container.elem ? *container.elem : cel_stype_any;
}

bool cel_stype_comparable(struct cel_stype a, struct cel_stype b)
{
    if (a.dyn || b.dyn || ((a.mask & MASK_NUMBER) && (b.mask & MASK_NUMBER)))
        return true;
    if (!(a.mask & b.mask))
        return false;
    if (a.mask != b.mask || (a.mask != MASK_LIST && a.mask != MASK_MAP && a.mask != MASK_OPTIONAL))
        return true;
    if (a.mask == MASK_MAP && a.key && b.key && !cel_stype_comparable(*a.key, *b.key))
        return false;
    return !a.elem || !b.elem || cel_stype_comparable(*a.elem, *b.elem);
}

enum cel_type cel_stype_single(struct cel_stype type)
{
    if (type.mask & (type.mask - 1))
        return CEL_DYN;
    return (enum cel_type)__builtin_ctz(type.mask);
}

static void print(struct cel_stype type, char *text, size_t size)
{
    uint32_t mask = type.mask == MASK_NULL ? type.mask : type.mask & ~(uint32_t)MASK_NULL;
    enum cel_type single = cel_stype_single(cel_stype_of(mask));
    char key[CEL_STYPE_TEXT_SIZE], elem[CEL_STYPE_TEXT_SIZE];
    if ((single == CEL_LIST || single == CEL_OPTIONAL) && type.elem && size > 16) {
        print(*type.elem, elem, size / 2);
        snprintf(text, size, "%s(%s)", cel_type_short(single), elem);
    } else if (single == CEL_MAP && type.key && type.elem && size > 16) {
        print(*type.key, key, size / 3);
        print(*type.elem, elem, size / 3);
        snprintf(text, size, "map(%s, %s)", key, elem);
    } else {
        bool number = single == CEL_DYN && !(mask & ~(uint32_t)MASK_NUMBER);
        snprintf(text, size, "%s", number ? "number" : cel_type_short(single));
    }
}

const char *cel_stype_print(struct cel_stype type, char text[CEL_STYPE_TEXT_SIZE])
{
    print(type, text, CEL_STYPE_TEXT_SIZE);
    return text;
}
