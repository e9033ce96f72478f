/* The checker from the inside: what check.c (walk, names, overloads, fields) and check_branch.c share. */
#ifndef VX_CEL_CHECK_H
#define VX_CEL_CHECK_H

#include "core/cel/tree.h"

struct checker {
    struct vx_arena *arena; /* the expression's */
    struct vx_span text;
    const struct cel_env *env;
    struct cel_error *error;
    bool failed;          /* refused: `error` says why, the tree is not to be used */
    struct cel_call call; /* for folding; no steps left: no folding */
};

/* Types and folds a tree; recursion is bounded by its nesting. */
void cel_check_tree(struct checker *c, struct tree *top);

/* `node` makes no sense: the whole expression is refused, or this node fails when it is evaluated. */
void cel_refuse(struct checker *c, struct tree *node, size_t offset, size_t len, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Turns `node` into one that always fails, or into a constant. */
void cel_make_fail(struct tree *node, const char *message, uint32_t offset, uint32_t len);
void cel_make_const(struct tree *node, struct cel_value value);
/* What an operation on constants came to: `value`, or the failure in c->call. */
void cel_finish_fold(struct checker *c, struct tree *node, bool good, struct cel_value value);
bool cel_all_const(const struct tree *node);
/* A node that needs all its arguments fails when one of them can only fail: then true. */
bool cel_fails_by_arg(struct tree *node);

/* check_branch.c */
/* Each checks a node of its kind, and what is in it. */
void cel_check_logic(struct checker *c, struct tree *node);
void cel_check_cond(struct checker *c, struct tree *node);
void cel_check_list(struct checker *c, struct tree *node);
void cel_check_map(struct checker *c, struct tree *node);

#endif
