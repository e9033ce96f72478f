/* The one table of operators and functions: a row per overload. It drives the checker (which overloads are possible,
 * what they give, what is near a misspelt name), the folding of constants and the evaluator.
 */
#ifndef VX_CEL_OPS_H
#define VX_CEL_OPS_H

#include "core/cel/failure.h"
#include "core/cel/types.h"

enum { CEL_ARGS_MAX = 4 };

enum cel_style {
    STYLE_INFIX = 1,     /* a + b */
    STYLE_PREFIX = 2,    /* -a */
    STYLE_INDEX = 4,     /* a[b] */
    STYLE_GLOBAL = 8,    /* size(a) */
    STYLE_RECEIVER = 16, /* a.size() */
};

enum cel_op_flags {
    OP_MIXED = 1, /* our extension: only where a static type is dyn */
    OP_ARITH = 2, /* the result is dyn where an argument is */
};

struct cel_op {
    const char *name;
    uint8_t style; /* enum cel_style, may be several */
    uint8_t flags; /* enum cel_op_flags */
    uint8_t argc;
    uint32_t args[CEL_ARGS_MAX]; /* masks of types */
    uint32_t result;             /* mask of types */
    /* Computes; false with the failure recorded. NULL: CEL has it, we do not have it yet. */
    bool (*call)(struct cel_call *call, const struct cel_value *args, struct cel_value *out);
};

/* The overloads of one name: rows that stand together in the table. */
struct cel_ops {
    const struct cel_op *first; /* NULL: no such name */
    size_t count;
};

/* Load time; cost: the length of the table. */
struct cel_ops cel_ops_find(struct vx_span name, enum cel_style style);
/* The name nearest to a misspelt one, or NULL. */
const char *cel_ops_nearest(struct vx_span name, enum cel_style style);

/* The overload for these values, or NULL. `mixed`: rows of OP_MIXED count too. */
const struct cel_op *cel_ops_pick(struct cel_ops ops, const struct cel_value *args, bool mixed);

/* Writes "string + int", "size(int)", "int.startsWith(string)" for a message; returns `text`. */
enum { CEL_CALL_TEXT_SIZE = 160 };
const char *cel_ops_print(const char *name, enum cel_style style, const char *const *types, size_t argc,
                          char text[CEL_CALL_TEXT_SIZE]);

/* The implementations, by file. */
#define CEL_OP(name) bool name(struct cel_call *call, const struct cel_value *args, struct cel_value *out)
/* math.c */
CEL_OP(cel_add_int);
CEL_OP(cel_add_uint);
CEL_OP(cel_add_double);
CEL_OP(cel_sub_int);
CEL_OP(cel_sub_uint);
CEL_OP(cel_sub_double);
CEL_OP(cel_mul_int);
CEL_OP(cel_mul_uint);
CEL_OP(cel_mul_double);
CEL_OP(cel_div_int);
CEL_OP(cel_div_uint);
CEL_OP(cel_div_double);
CEL_OP(cel_mod_int);
CEL_OP(cel_mod_uint);
CEL_OP(cel_neg_int);
CEL_OP(cel_neg_double);
CEL_OP(cel_not);
/* compare.c */
CEL_OP(cel_eq);
CEL_OP(cel_ne);
CEL_OP(cel_lt);
CEL_OP(cel_le);
CEL_OP(cel_gt);
CEL_OP(cel_ge);
/* container.c */
CEL_OP(cel_index_list);
CEL_OP(cel_index_map);
CEL_OP(cel_in_list);
CEL_OP(cel_in_map);
CEL_OP(cel_add_list);
CEL_OP(cel_size_list);
CEL_OP(cel_size_map);
/* strings.c */
CEL_OP(cel_add_text);
CEL_OP(cel_size_string);
CEL_OP(cel_size_bytes);
CEL_OP(cel_contains);
CEL_OP(cel_starts_with);
CEL_OP(cel_ends_with);
/* convert.c */
CEL_OP(cel_same);
CEL_OP(cel_type_of);
CEL_OP(cel_int_of_uint);
CEL_OP(cel_int_of_double);
CEL_OP(cel_int_of_string);
CEL_OP(cel_int_of_timestamp);
CEL_OP(cel_uint_of_int);
CEL_OP(cel_uint_of_double);
CEL_OP(cel_uint_of_string);
CEL_OP(cel_double_of_number);
CEL_OP(cel_double_of_string);
CEL_OP(cel_string_of);
CEL_OP(cel_bool_of_string);
CEL_OP(cel_bytes_of_string);

#endif
