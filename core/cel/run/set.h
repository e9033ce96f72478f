/* A set of constants: what `x in ["a", "b", …]` looks into, at the cost of one look however many there are. */
#ifndef VX_CEL_SET_H
#define VX_CEL_SET_H

#include "core/cel/run/failure.h"

enum { CEL_SET_MIN = 4 }; /* fewer are compared one by one */

struct cel_set;

/* False for a list that stays a list: few elements, or one that is neither null, bool, number nor string, or a number so
 * large that equality is not what it is worth (beyond 2^53). */
bool cel_set_fits(struct cel_value list);
/* The set of a list of constants, in `arena`; NULL where it does not fit. */
const struct cel_set *cel_set_new(struct vx_arena *arena, struct cel_value list);

/* `v in list`, by CEL's equality: 1, 1u and 1.0 are the same. Gives a bool; false when the budget is spent. */
bool cel_set_has(const struct cel_set *set, struct cel_call *call, struct cel_value v, struct cel_value *out);

#endif
