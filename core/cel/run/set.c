/* Sets of constants: a hash table of values, made at load, read by every worker.
 *
 * Open addressing with at least as many free places as values (Knuth, volume 3, 6.4); a hit is confirmed by CEL's own
 * equality, so the hash only has to be the same for values that are equal. Numbers hash by what they are worth; beyond
 * 2^53 ints and doubles are equal in ways that no hash follows, so lists with such constants stay lists.
 */
#include "core/cel/run/set.h"

#include <math.h>

#include "core/base/hash.h"
#include "core/cel/values.h"

#define TWO_53 9007199254740992.0

struct cel_set {
    const struct cel_value *values;
    const uint32_t *places; /* 1 + index into `values`; 0: free */
    uint32_t mask;
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ull;
    return x ^ (x >> 29);
}

/* False for a value that no constant of a set equals. */
static bool hash_of(struct cel_call *call, struct cel_value v, uint64_t *hash)
{
    struct vx_span s;
    switch (v.type) {
    case CEL_NULL:
        *hash = 1;
        return true;
    case CEL_BOOL:
        *hash = v.boolean ? 2 : 3;
        return true;
    case CEL_INT:
        *hash = mix(v.u);
        return v.i >= -(int64_t)TWO_53 && v.i <= (int64_t)TWO_53;
    case CEL_UINT:
        *hash = mix(v.u);
        return v.u <= (uint64_t)TWO_53;
    case CEL_DOUBLE:
        if (!(fabs(v.d) <= TWO_53))
            return false;
        *hash = v.d == floor(v.d) ? mix((uint64_t)(int64_t)v.d) : mix(v.u);
        return true;
    case CEL_STRING:
        s = cel_decoded(call, v);
        cel_spend(call, s.len / 64);
        *hash = vx_hash64(s);
        return true;
    default:
        return false;
    }
}

bool cel_set_fits(struct cel_value list)
{
    struct cel_call call = {.steps = UINT64_MAX};
    uint64_t hash;
    if (list.list.count < CEL_SET_MIN || list.list.count > UINT32_MAX / 4)
        return false;
    for (size_t i = 0; i < list.list.count; i++) {
        struct cel_value v = list.list.at[i];
        bool never = v.type == CEL_DOUBLE && isnan(v.d); /* equals nothing, not even itself */
        if (!never && !hash_of(&call, v, &hash))
            return false;
    }
    return true;
}

const struct cel_set *cel_set_new(struct vx_arena *arena, struct cel_value list)
{
    struct cel_call call = {.arena = arena, .steps = UINT64_MAX};
    uint32_t room = 2;
    uint64_t hash;
    if (!cel_set_fits(list))
        return NULL;
    while (room < 2 * list.list.count)
        room *= 2;
    struct cel_set *set = VX_ARENA_NEW(arena, struct cel_set);
    uint32_t *places = VX_ARENA_ARRAY(arena, uint32_t, room);
    struct cel_value copy = cel_copy(list, arena);
    *set = (struct cel_set){copy.list.at, places, room - 1};
    for (size_t i = 0; i < list.list.count; i++) {
        struct cel_value found = {0};
        if (!hash_of(&call, set->values[i], &hash) ||
            (cel_set_has(set, &call, set->values[i], &found) && found.boolean))
            continue;
        uint64_t at = hash & set->mask;
        while (places[at])
            at = (at + 1) & set->mask;
        places[at] = (uint32_t)i + 1;
    }
    return set;
}

bool cel_set_has(const struct cel_set *set, struct cel_call *call, struct cel_value v, struct cel_value *out)
{
    uint64_t hash;
    bool equal = false;
    if (hash_of(call, v, &hash)) {
        for (uint64_t at = hash & set->mask; set->places[at] && !equal; at = (at + 1) & set->mask) {
            if (!cel_charge(call, 1) || !cel_equal_within(call, v, set->values[set->places[at] - 1], &equal))
                return false;
        }
    }
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = equal};
    return true;
}
