/* The checker from the inside: what check.c (walk, names, fields) and the other check_*.c share. */
#ifndef VX_CEL_CHECK_H
#define VX_CEL_CHECK_H

#include "core/cel/syntax/tree.h"

/* A name that a macro binds, while its body is checked; the innermost first. */
struct scope {
    struct vx_span name;
    struct cel_stype type;
    const struct cel_value *constant; /* it stands for this; NULL: known at run time */
    uint8_t local;                    /* its number in an evaluation */
    const struct scope *outer;
};

struct checker {
    struct vx_arena *arena; /* the expression's */
    struct vx_span text;
    const struct cel_env *env;
    struct cel_error *error;
    bool failed;          /* refused: `error` says why, the tree is not to be used */
    struct cel_call call; /* for folding; no steps left: no folding */
    const struct scope *scope;
    uint8_t local_count; /* names of macros around the place being checked */
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

/* `node` becomes a copy of one of its arguments. */
void cel_become(struct tree *node, const struct tree *chosen);

/* True when `name` is a variable, or what a macro around this place binds. */
bool cel_is_named(const struct checker *c, struct vx_span name);

/* check_call.c */
/* Finds the overloads of a call's name, before its arguments are checked; refuses a name that is unknown. */
void cel_find_function(struct checker *c, struct tree *node);
/* Checks a call whose arguments are checked. */
void cel_check_call(struct checker *c, struct tree *node);
/* The type of a field or an element; optional where that was asked for with `?`, or anywhere before. */
struct cel_stype cel_type_inside(struct checker *c, const struct tree *node);

/* check_macro.c */
/* Checks a macro whose first argument is checked, and what is in it. */
void cel_check_macro(struct checker *c, struct tree *node);

/* regex_check.c: compiles the pattern of a call of matches(). False: refused. */
bool cel_check_matches(struct checker *c, struct tree *node);

/* check_branch.c */
/* An operand that must be bool: by its static type it is refused, by its constant value (`dyn(1)`) it fails. */
void cel_check_bool(struct checker *c, struct tree *arg, const char *what);
/* Each checks a node of its kind, and what is in it. */
void cel_check_logic(struct checker *c, struct tree *node);
void cel_check_cond(struct checker *c, struct tree *node);
void cel_check_list(struct checker *c, struct tree *node);
void cel_check_map(struct checker *c, struct tree *node);

#endif
