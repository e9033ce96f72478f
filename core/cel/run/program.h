/* A program: the nodes of an expression in one array, in prefix order, ready to be evaluated.
 *
 *     event.a + 1 < event.b      CALL <   CALL +   SLOT a   CONST 1   SLOT b
 *                                spine 2
 *
 * A node's first argument stands right behind it, the next one behind all of the first (`size`). Strict nodes that are
 * first arguments of each other stand in a row: the spine, evaluated in a loop from its end.
 */
#ifndef VX_CEL_PROGRAM_H
#define VX_CEL_PROGRAM_H

#include "core/cel/env.h"
#include "core/cel/syntax/macro.h"
#include "core/cel/functions/ops.h"

enum cel_node_op {
    NODE_CONST,
    NODE_FAIL,
    NODE_SLOT,     /* the event's field in slot `slot` */
    NODE_HAS_SLOT, /* has() of the field in `slot`, whose parent is in `parent` */
    NODE_OPT_SLOT, /* the field in `slot` as an optional; what must be there is in `parent` */
    NODE_SLOT_OR,  /* the field in `slot` or, where it is missing, the argument; what must be there is in `parent` */
    NODE_COMPARE,  /* the field in `slot` against field->constant, by `test` */
    NODE_COMPARE_LOCAL, /* field->path inside the name `number` against field->constant, by `test`; where that is not
                           settled at a glance (or fails), by the nodes of the same comparison behind it */
    NODE_HEADER,        /* the header `name` */
    NODE_VAR,
    NODE_BINDING,
    NODE_LOCAL, /* the name `number` of a macro around this place */
    NODE_AND,
    NODE_OR,
    NODE_COND,
    NODE_LIST,
    NODE_MAP,
    NODE_SPREAD,    /* inside LIST and as a value of MAP: what an optional holds, or nothing */
    NODE_CALL_NONE, /* a function of no arguments */
    NODE_CALL,      /* from here on: strict */
    NODE_IN_SET,    /* in a list of constants */
    NODE_MATCH,     /* matches() */
    NODE_SELECT,
    NODE_SELECT_OPTIONAL,
    NODE_HAS,
    NODE_MACRO,
};

enum cel_test { TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE };

/* Calls that eval_quick.c computes: comparisons, in the order of enum cel_test, and what may stand below them. */
enum cel_quick {
    QUICK_NOT,
    QUICK_EQ,
    QUICK_NE,
    QUICK_LT,
    QUICK_LE,
    QUICK_GT,
    QUICK_GE,
    QUICK_ADD,
    QUICK_SUB,
    QUICK_MUL,
    QUICK_SIZE,
};

/* What the nodes with a slot refer to. */
struct cel_field {
    struct json_path path;          /* for messages */
    const struct json_path *before; /* of `parent`, where that must be there; else NULL */
    struct cel_value constant;      /* COMPARE; never a double that is NaN. Else of type CEL_DYN */
};

/* slots.c: the field of a slot, with a constant or, NULL, without; each once as far as that is easily seen. */
const struct cel_field *cel_slots_field(struct cel_slots *slots, struct vx_arena *arena, uint32_t slot,
                                        const struct cel_value *constant);

struct cel_node {
    uint8_t op;      /* enum cel_node_op */
    uint8_t test;    /* COMPARE, COMPARE_LOCAL: enum cel_test; CALL: enum cel_quick */
    uint8_t style;   /* CALL, MATCH: enum cel_style, for messages */
    uint8_t argc;    /* CALL, MACRO: arguments, the first included */
    bool mixed;      /* CALL: an int may meet a double */
    uint32_t size;   /* nodes of the sub-expression, this one included */
    uint32_t offset; /* in the expression's text */
    union {
        uint32_t count;  /* AND, OR, LIST, MAP: arguments */
        uint32_t spine;  /* strict: how many strict nodes stand in a row from here */
        uint32_t parent; /* HAS_SLOT, OPT_SLOT, SLOT_OR */
        uint32_t number; /* BINDING, LOCAL, COMPARE_LOCAL */
    };
    union {
        uint32_t slot;
        uint32_t name_len;
        uint32_t op_count; /* CALL: overloads from `ops` on; 0: ops[0] it is, no look at the types */
        uint32_t local;    /* MACRO: the number of the first of its names */
    };
    union {
        const struct cel_value *constant;
        const struct cel_field *field;
        const struct cel_variable *variable;
        const struct cel_op *ops;
        const struct cel_set *set;     /* IN_SET */
        const struct cel_regex *regex; /* MATCH */
        const struct cel_macro *macro; /* MACRO */
        const char *text;              /* the name of SELECT, HAS, HEADER; the message of FAIL */
    };
};

struct cel_program {
    const struct cel_node *nodes;
    size_t count;
    const uint32_t *slots; /* what it reads, each once */
    size_t slot_count;
    uint64_t reads;
    const struct cel_env *env;
};

/* Names of macros around one place: two for every level of nesting. */
enum { CEL_LOCALS_MAX = CEL_MACRO_VARS_MAX * CEL_DEPTH_MAX };

/* Evaluates a program that reads no event, within the budget of `call`, which also gets the failure. Load time. */
bool cel_eval_call(const struct cel_program *program, struct cel_call *call, struct cel_value *out);

static inline struct vx_span cel_node_name(const struct cel_node *node)
{
    return vx_span(node->text, node->name_len);
}

#endif
