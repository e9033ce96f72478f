/* Macros: what looks like a method and is none, because its arguments are not values before the call begins.
 *
 *     list.exists(x, x > 1)     binds a name and runs its body for every element
 *     some.orValue(y)           looks at y only where it must
 *
 * One table says how each is written; the parser makes TREE_MACRO of it: args[0] is what stands before the dot, then the
 * bodies; the names it binds are in `vars`.
 */
#ifndef VX_CEL_MACRO_H
#define VX_CEL_MACRO_H

#include "core/base/arena.h"

enum cel_macro_kind {
    MACRO_ALL,
    MACRO_EXISTS,
    MACRO_EXISTS_ONE,
    MACRO_MAP, /* also transformList */
    MACRO_FILTER,
    MACRO_TRANSFORM_MAP,
    MACRO_TRANSFORM_ENTRY,
    MACRO_BIND, /* from here on: no list, at most one round */
    MACRO_OPT_MAP,
    MACRO_OPT_FLAT_MAP,
    MACRO_OR, /* from here on: no names */
    MACRO_OR_VALUE,
};

enum { CEL_MACRO_VARS_MAX = 2 };

struct cel_macro {
    const char *name;
    uint8_t kind;      /* enum cel_macro_kind */
    uint8_t var_count; /* names it binds: the element; or index and element, key and value */
    uint8_t argc;      /* arguments, the names included */
    bool filtered;     /* a condition stands before the last argument */
    const char *usage; /* how it is written, for messages */
};

/* Where a macro is used. */
struct cel_macro_use {
    const struct cel_macro *macro;
    struct vx_span vars[CEL_MACRO_VARS_MAX];
    uint8_t local; /* checked: the number of the first of its names in an evaluation */
};

struct tree;
struct cel_error;

/* What the call of a method is: a macro's tree where its name is a macro's, else the call itself. NULL with `error`
 * filled where a macro is written wrongly. */
struct tree *cel_macro_make(struct vx_arena *arena, struct tree *call, struct cel_error *error);

/* The first macro of that name, or NULL. */
const struct cel_macro *cel_macro_find(struct vx_span name);
/* The names of all macros, each once; returns how many, at most CEL_MACROS_MAX. */
enum { CEL_MACROS_MAX = 24 };
size_t cel_macro_names(const char *names[CEL_MACROS_MAX]);

#endif
