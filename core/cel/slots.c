/* The numbering of event fields. The owner's thread at load; the paths are read-only afterwards.
 *
 * `paths` and a hash index over it (open addressing, slot + 1, 0 is free) are one block of memory:
 *
 *     paths[0] … paths[room - 1] | index[0] … index[2 * room - 1]
 *
 * so that ten thousand rules find their fields without a scan. Invariant: room is a power of two, or 0.
 */
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/cel/regex.h"

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

void cel_slots_done(struct cel_slots *slots)
{
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
