/* What an expression may cost, see cel_expr_cost(). */
#ifndef VX_CEL_COST_H
#define VX_CEL_COST_H

#include "core/cel/syntax/tree.h"

/* The worst case of a checked tree, in steps, in *cost. False with `error` filled where that is more than an evaluation
 * has, in an environment that refuses at load. */
VX_MUSTCHECK bool cel_cost_check(const struct tree *root, const struct cel_env *env, uint64_t *cost,
                                 struct cel_error *error);

#endif
