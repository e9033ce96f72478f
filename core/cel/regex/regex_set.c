/* Sets of code points. Load time, any one thread; what is made lives in the caller's arena. */
#include "core/cel/regex/regex_set.h"

#include <stdlib.h>

#include "core/base/diag.h"

void regex_set_add(struct vx_arena *arena, struct regex_set *set, uint32_t lo, uint32_t hi)
{
    if (set->count == set->room) {
        uint32_t room = set->room ? 2 * set->room : 4;
        struct regex_range *ranges = VX_ARENA_ARRAY(arena, struct regex_range, room);
        if (set->count)
            memcpy(ranges, set->ranges, set->count * sizeof *ranges);
        set->ranges = ranges;
        set->room = room;
    }
    set->ranges[set->count++] = (struct regex_range){lo, hi};
}

void regex_set_merge(struct vx_arena *arena, struct regex_set *set, const struct regex_set *more)
{
    for (uint32_t i = 0; i < more->count; i++)
        regex_set_add(arena, set, more->ranges[i].lo, more->ranges[i].hi);
}

static int by_lo(const void *a, const void *b)
{
    const struct regex_range *x = a, *y = b;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

void regex_set_tidy(struct regex_set *set)
{
    uint32_t n = 0;
    if (set->count < 2)
        return;
    qsort(set->ranges, set->count, sizeof *set->ranges, by_lo);
    for (uint32_t i = 1; i < set->count; i++) {
        struct regex_range *last = &set->ranges[n], r = set->ranges[i];
        if (r.lo > last->hi + 1)
            set->ranges[++n] = r;
        else if (r.hi > last->hi)
            last->hi = r.hi;
    }
    set->count = n + 1;
}

struct regex_set regex_set_negated(struct vx_arena *arena, const struct regex_set *set)
{
    struct regex_set out = {0};
    uint32_t next = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->ranges[i].lo > next)
            regex_set_add(arena, &out, next, set->ranges[i].lo - 1);
        next = set->ranges[i].hi + 1;
    }
    if (next <= REGEX_RUNE_MAX)
        regex_set_add(arena, &out, next, REGEX_RUNE_MAX);
    return out;
}

struct regex_set regex_set_common(struct vx_arena *arena, const struct regex_set *a, const struct regex_set *b)
{
    struct regex_set out = {0};
    for (uint32_t i = 0, k = 0; i < a->count && k < b->count;) {
        struct regex_range x = a->ranges[i], y = b->ranges[k];
        uint32_t lo = x.lo > y.lo ? x.lo : y.lo, hi = x.hi < y.hi ? x.hi : y.hi;
        if (lo <= hi)
            regex_set_add(arena, &out, lo, hi);
        if (x.hi < y.hi)
            i++;
        else
            k++;
    }
    return out;
}

/* The next code point that is the same letter; itself when there is no other. */
static uint32_t fold_next(uint32_t rune)
{
    size_t low = 0, high = regex_fold_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct regex_fold *fold = &regex_folds[middle];
        if (rune < fold->lo)
            high = middle;
        else if (rune > fold->hi)
            low = middle + 1;
        else
            return (rune - fold->lo) % (uint32_t)fold->step == 0 ? rune + (uint32_t)fold->delta : rune;
    }
    return rune;
}

struct regex_set regex_set_folded(struct vx_arena *arena, const struct regex_set *set)
{
    struct regex_set out = {0};
    regex_set_merge(arena, &out, set);
    for (size_t f = 0, i = 0; f < regex_fold_count && i < set->count;) {
        const struct regex_fold *fold = &regex_folds[f];
        const struct regex_range *range = &set->ranges[i];
        uint32_t lo = fold->lo > range->lo ? fold->lo : range->lo, hi = fold->hi < range->hi ? fold->hi : range->hi;
        for (uint32_t rune = lo; rune <= hi; rune++) {
            for (uint32_t other = fold_next(rune); other != rune; other = fold_next(other))
                regex_set_add(arena, &out, other, other);
        }
        if (fold->hi < range->hi)
            f++;
        else
            i++;
    }
    regex_set_tidy(&out);
    return out;
}

bool regex_set_has(const struct regex_set *set, uint32_t rune)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (rune <= set->ranges[i].hi)
            return rune >= set->ranges[i].lo;
    }
    return false;
}

void regex_set_ascii(const struct regex_set *set, uint64_t bits[2])
{
    bits[0] = bits[1] = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t rune = set->ranges[i].lo; rune <= set->ranges[i].hi && rune < 0x80; rune++)
            bits[rune / 64] |= 1ull << rune % 64;
    }
}

bool regex_set_is_wide(const struct regex_set *set)
{
    uint32_t next = 0x80; /* the first that is not known to be inside */
    for (uint32_t i = 0; i < set->count && set->ranges[i].lo <= next; i++) {
        if (set->ranges[i].hi >= next)
            next = set->ranges[i].hi + 1;
        if (next >= 0xd800 && next <= 0xdfff)
            next = 0xe000; /* surrogates are no part of UTF-8 */
    }
    return next > REGEX_RUNE_MAX;
}

bool regex_set_named(struct vx_arena *arena, struct vx_span name, struct regex_set *set)
{
    bool found = false;
    *set = (struct regex_set){0};
    if (vx_span_is(name, "Any")) {
        regex_set_add(arena, set, 0, REGEX_RUNE_MAX);
        return true;
    }
    for (size_t i = 0; i < regex_group_count; i++) {
        const struct regex_group *group = &regex_groups[i];
        bool whole = vx_span_is(name, group->name);
        if (!whole && !(name.len == 1 && strlen(group->name) == 2 && group->name[0] == name.at[0]))
            continue;
        for (uint32_t k = 0; k < group->count; k++)
            regex_set_add(arena, set, group->ranges[k].lo, group->ranges[k].hi);
        found = true;
    }
    regex_set_tidy(set);
    return found;
}

const char *regex_set_nearest(struct vx_span name)
{
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < regex_group_count && count < sizeof names / sizeof *names; i++)
        names[count++] = regex_groups[i].name;
    return vx_nearest(name, names, count);
}
