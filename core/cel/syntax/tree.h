/* The tree of an expression: made by the parser, typed and folded in place by the checker, read by the compiler. Lives
 * in the arena of the expression.
 *
 * Nesting is bounded by the parser, but chains are not: `a + b + c …`, `a.b.c …` lean to the left as deep as they are
 * long. So every walk goes down the first arguments of *strict* nodes (the spine) in a loop, and recurses into the
 * rest.
 */
#ifndef VX_CEL_TREE_H
#define VX_CEL_TREE_H

#include "core/cel/cel.h"
#include "core/cel/syntax/macro.h"
#include "core/cel/functions/ops.h"
#include "core/cel/check/types.h"

enum tree_kind {
    TREE_CONST,  /* `value` */
    TREE_NAME,   /* an identifier, until the checker knows what it is */
    TREE_VAR,    /* variable number `variable` of the environment */
    TREE_FAIL,   /* always fails, with `message` */
    TREE_LOCAL,  /* the name of a macro, number `variable` */
    TREE_SELECT, /* strict: args[0].name */
    TREE_HAS,    /* strict: has(args[0].name) */
    TREE_CALL,   /* strict: an operator or a function; `name`, `style`, later `ops` */
    TREE_MACRO,  /* strict in its first argument; `use` */
    TREE_AND,    /* any number of args */
    TREE_OR,
    TREE_COND, /* args[0] ? args[1] : args[2] */
    TREE_LIST,
    TREE_MAP,    /* key, value, key, value, … */
    TREE_SPREAD, /* inside LIST and as a value of MAP: args[0] is an optional, and nothing where it holds nothing */
};

struct tree {
    uint8_t kind;         /* enum tree_kind */
    uint8_t style;        /* CALL: enum cel_style */
    uint8_t variable;     /* VAR, LOCAL */
    bool mixed;           /* CALL: an int may meet a double */
    bool exact;           /* CALL: the types are certain, ops.first is the one */
    bool optional;        /* SELECT, CALL of an index: `.?name`, `[?index]` */
    bool rooted;          /* NAME: `.name`, never the name of a macro */
    uint32_t offset, len; /* the bytes of the text to point at: the operator, the function's name, the field's name */
    uint32_t begin, end;  /* the bytes of the whole sub-expression */
    uint32_t count;       /* args */
    struct tree **args;
    struct tree *up;               /* the strict node this one is the first argument of, once checked */
    struct vx_span name;           /* NAME, SELECT, HAS, CALL, MACRO */
    const char *message;           /* FAIL */
    struct cel_macro_use *use;     /* MACRO */
    struct cel_ops ops;            /* CALL, checked: the overloads */
    const struct cel_regex *regex; /* CALL of matches(), checked: args[1], compiled */
    struct cel_stype type;         /* checked */
    struct cel_value value;        /* CONST */
};

static inline bool tree_is_strict(const struct tree *tree)
{
    return tree->kind >= TREE_SELECT && tree->kind <= TREE_MACRO;
}

/* Text → tree. NULL with `error` filled when it is not an expression. `text` must outlive the arena's tree. */
struct tree *cel_parse_tree(struct vx_arena *arena, struct vx_span text, struct cel_error *error);

/* Finds names and overloads, types and folds the tree in place. False with `error` filled when it is refused. */
VX_MUSTCHECK bool cel_check(struct vx_arena *arena, struct vx_span text, const struct cel_env *env, struct tree *root,
                            struct cel_error *error);

struct cel_expr {
    struct vx_span text;
    const struct cel_env *env;
    const struct tree *root;
    uint64_t reads; /* bit n: variable n of the environment */
    uint64_t cost;  /* steps, at most; see cost.c */
};

#endif
