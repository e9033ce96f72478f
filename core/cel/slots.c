/* The numbering of event fields. The owner's thread at load; the paths are read-only afterwards.
 *
 * `paths` and a hash index over it (open addressing, slot + 1, 0 is free) are one block of memory:
 *
 *     paths[0] … paths[room - 1] | index[0] … index[2 * room - 1]
 *
 * so that ten thousand rules find their fields without a scan. Invariant: room is a power of two, or 0.
 *
 * What programs hold of a field and the constant that it is compared with is shared too: rules ask the same of the same
 * field again and again.
 */
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/cel/run/program.h"
#include "core/cel/regex/regex.h"
#include "core/cel/values.h"

enum { ROOM_MIN = 16 };

static uint64_t hash_path(struct json_path path)
{
    uint64_t hash = path.count;
    for (size_t i = 0; i < path.count; i++) {
        const struct json_step *step = &path.steps[i];
        uint64_t part = step->is_index ? step->index + 1ull : vx_hash64(step->key);
        hash = (hash ^ part) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    return hash;
}

static bool equal_paths(struct json_path a, struct json_path b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        const struct json_step *x = &a.steps[i], *y = &b.steps[i];
        if (x->is_index != y->is_index || (x->is_index ? x->index != y->index : !vx_span_equal(x->key, y->key)))
            return false;
    }
    return true;
}

static uint32_t *index_of(const struct cel_slots *slots)
{
    return (uint32_t *)(slots->paths + slots->room);
}

/* The place in the index of `path`, or the free one where it belongs. */
static uint32_t *find_place(const struct cel_slots *slots, struct json_path path)
{
    uint32_t *index = index_of(slots), mask = 2 * slots->room - 1;
    uint32_t at = (uint32_t)hash_path(path) & mask;
    while (index[at] && !equal_paths(slots->paths[index[at] - 1], path))
        at = (at + 1) & mask;
    return &index[at];
}

static void grow(struct cel_slots *slots)
{
    struct cel_slots bigger = *slots;
    bigger.room = slots->room ? 2 * slots->room : ROOM_MIN;
    bigger.paths = calloc(bigger.room, sizeof *bigger.paths + 2 * sizeof(uint32_t));
    vx_assert(bigger.paths != NULL);
    for (uint32_t i = 0; i < slots->count; i++) {
        bigger.paths[i] = slots->paths[i];
        *find_place(&bigger, bigger.paths[i]) = i + 1;
    }
    free(slots->paths);
    *slots = bigger;
}

/* ---- fields with constants ---- */

/* Open addressing; a field is found by its path, whose steps stand in one place, and its constant. */
struct cel_field_pool {
    const struct cel_field **at;
    uint32_t mask, count;
};

static uint64_t hash_field(struct json_path path, const struct cel_value *constant)
{
    uint64_t hash = (uintptr_t)path.steps ^ (uint64_t)constant->type << 56;
    hash *= 0x9e3779b97f4a7c15ull;
    hash ^= constant->type == CEL_STRING ? vx_hash64(constant->s)
            : constant->type == CEL_BOOL ? constant->boolean
                                         : constant->u;
    hash *= 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 32;
}

/* The bits of a double, so that 0.0 and -0.0 differ. */
static bool same_constant(const struct cel_value *a, const struct cel_value *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == CEL_STRING)
        return a->zone == b->zone && vx_span_equal(a->s, b->s);
    return a->type == CEL_BOOL ? a->boolean == b->boolean : a->u == b->u;
}

static const struct cel_field **find_field(const struct cel_field_pool *pool, struct json_path path,
                                           const struct cel_value *constant)
{
    uint32_t at = (uint32_t)hash_field(path, constant) & pool->mask;
    while (pool->at[at] && (pool->at[at]->path.steps != path.steps || pool->at[at]->path.count != path.count ||
                            !same_constant(&pool->at[at]->constant, constant)))
        at = (at + 1) & pool->mask;
    return &pool->at[at];
}

static void grow_fields(struct cel_field_pool *pool)
{
    struct cel_field_pool bigger = {.mask = pool->at ? 2 * pool->mask + 1 : 63, .count = pool->count};
    bigger.at = calloc(bigger.mask + 1, sizeof *bigger.at);
    vx_assert(bigger.at != NULL);
    for (uint32_t i = 0; pool->at && i <= pool->mask; i++) {
        if (pool->at[i])
            *find_field(&bigger, pool->at[i]->path, &pool->at[i]->constant) = pool->at[i];
    }
    free(pool->at);
    *pool = bigger;
}

const struct cel_field *cel_slots_field(struct cel_slots *slots, struct vx_arena *arena, uint32_t slot,
                                        const struct cel_value *constant)
{
    static const struct cel_value none = {.type = CEL_DYN};
    const struct cel_field **place = NULL;
    constant = constant ? constant : &none;
    if (constant->type <= CEL_STRING) {
        if (!slots->fields) {
            slots->fields = calloc(1, sizeof *slots->fields);
            vx_assert(slots->fields != NULL);
        }
        if (!slots->fields->at || slots->fields->count > slots->fields->mask / 2)
            grow_fields(slots->fields);
        place = find_field(slots->fields, slots->paths[slot], constant);
        if (*place)
            return *place;
        slots->fields->count++;
    }
    struct cel_field *field = VX_ARENA_NEW(arena, struct cel_field);
    field->path = slots->paths[slot];
    field->constant = cel_copy(*constant, arena);
    if (place)
        *place = field;
    return field;
}

void cel_slots_settle(struct cel_slots *slots)
{
    if (slots->fields)
        free(slots->fields->at);
    free(slots->fields);
    slots->fields = NULL;
}

void cel_slots_done(struct cel_slots *slots)
{
    cel_slots_settle(slots);
    free(slots->paths);
    cel_regex_pool_free(slots->regexes);
    *slots = (struct cel_slots){0};
}

uint32_t cel_slots_add(struct cel_slots *slots, struct vx_arena *arena, struct json_path path)
{
    if (slots->count == slots->room)
        grow(slots);
    uint32_t *place = find_place(slots, path);
    if (*place)
        return *place - 1;
    struct json_step *steps = VX_ARENA_ARRAY(arena, struct json_step, path.count);
    for (size_t i = 0; i < path.count; i++) {
        steps[i] = path.steps[i];
        if (!steps[i].is_index)
            steps[i].key = vx_arena_span(arena, steps[i].key);
    }
    slots->paths[slots->count] = (struct json_path){steps, path.count};
    *place = ++slots->count;
    return slots->count - 1;
}
