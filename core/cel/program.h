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
#include "core/cel/ops.h"

enum cel_node_op {
    NODE_CONST,
    NODE_FAIL,
    NODE_SLOT,     /* the event's field in slot `slot` */
    NODE_HAS_SLOT, /* has() of the field in `slot`, whose parent is in `parent` */
    NODE_COMPARE,  /* the field in `slot` against field->constant, by `test` */
    NODE_HEADER,   /* the header `name` */
    NODE_VAR,
    NODE_BINDING,
    NODE_AND,
    NODE_OR,
    NODE_COND,
    NODE_LIST,
    NODE_MAP,
    NODE_CALL, /* from here on: strict */
    NODE_SELECT,
    NODE_HAS,
};

enum cel_test { TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE };

/* What NODE_SLOT, NODE_HAS_SLOT and NODE_COMPARE refer to. */
struct cel_field {
    struct json_path path;     /* for messages */
    struct cel_value constant; /* NODE_COMPARE; never a double that is NaN */
};

struct cel_node {
    uint8_t op;      /* enum cel_node_op */
    uint8_t test;    /* COMPARE: enum cel_test */
    uint8_t style;   /* CALL: enum cel_style, for messages */
    uint8_t argc;    /* CALL */
    bool mixed;      /* CALL: an int may meet a double */
    uint32_t size;   /* nodes of the sub-expression, this one included */
    uint32_t offset; /* in the expression's text */
    union {
        uint32_t count;  /* AND, OR, LIST, MAP: arguments */
        uint32_t spine;  /* strict: how many strict nodes stand in a row from here */
        uint32_t parent; /* HAS_SLOT */
        uint32_t number; /* BINDING */
    };
    union {
        uint32_t slot;
        uint32_t name_len;
        uint32_t op_count; /* CALL: overloads from `ops` on; 0: ops[0] it is, no look at the types */
    };
    union {
        const struct cel_value *constant;
        const struct cel_field *field;
        const struct cel_variable *variable;
        const struct cel_op *ops;
        const char *text; /* the name of SELECT, HAS, HEADER; the message of FAIL */
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

static inline struct vx_span cel_node_name(const struct cel_node *node)
{
    return vx_span(node->text, node->name_len);
}

#endif
