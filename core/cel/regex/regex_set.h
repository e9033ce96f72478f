/* Sets of code points: what a class of a regular expression means. Load time only; sets live in an arena. */
#ifndef VX_CEL_REGEX_SET_H
#define VX_CEL_REGEX_SET_H

#include "core/base/arena.h"

enum { REGEX_RUNE_MAX = 0x10ffff };

struct regex_range {
    uint32_t lo, hi; /* both inside */
};

/* Ranges in order, neither touching nor overlapping once regex_set_tidy() has been there. */
struct regex_set {
    struct regex_range *ranges;
    uint32_t count, room;
};

/* Adds the code points lo to hi; the set is not tidy then. */
void regex_set_add(struct vx_arena *arena, struct regex_set *set, uint32_t lo, uint32_t hi);
void regex_set_merge(struct vx_arena *arena, struct regex_set *set, const struct regex_set *more);
/* Sorts and joins. The others below take tidy sets and give tidy ones. */
void regex_set_tidy(struct regex_set *set);
struct regex_set regex_set_negated(struct vx_arena *arena, const struct regex_set *set);
/* The set with every code point that is the same letter in another case (simple folding). */
struct regex_set regex_set_folded(struct vx_arena *arena, const struct regex_set *set);
struct regex_set regex_set_common(struct vx_arena *arena, const struct regex_set *a, const struct regex_set *b);
bool regex_set_has(const struct regex_set *set, uint32_t rune);
/* The part in ASCII as bits: bit n of [n / 64]. */
void regex_set_ascii(const struct regex_set *set, uint64_t bits[2]);
/* True when every code point that UTF-8 can hold and that is not ASCII is inside. */
bool regex_set_is_wide(const struct regex_set *set);

/* The category or script of that name ("L", "Lu", "Greek", "Any"); false when there is none. */
bool regex_set_named(struct vx_arena *arena, struct vx_span name, struct regex_set *set);
/* The name nearest to `name`, or NULL. */
const char *regex_set_nearest(struct vx_span name);

/* regex_unicode.c */
struct regex_group {
    const char *name;
    const struct regex_range *ranges;
    uint32_t count;
};
struct regex_fold {
    uint32_t lo, hi; /* every `step`th code point from `lo` to `hi` … */
    int32_t step;    /* 1 or 2 */
    int32_t delta;   /* … is the same letter as the one this far away */
};
extern const struct regex_group regex_groups[];
extern const size_t regex_group_count;
extern const struct regex_fold regex_folds[];
extern const size_t regex_fold_count;

#endif
