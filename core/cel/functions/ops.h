/* The one table of operators and functions: a row per overload. It drives the checker (which overloads are possible,
 * what they give, what is near a misspelt name), the folding of constants and the evaluator.
 */
#ifndef VX_CEL_OPS_H
#define VX_CEL_OPS_H

#include "core/cel/run/failure.h"
#include "core/cel/check/types.h"

enum { CEL_ARGS_MAX = 4 };

enum cel_style {
    STYLE_INFIX = 1,     /* a + b */
    STYLE_PREFIX = 2,    /* -a */
    STYLE_INDEX = 4,     /* a[b] */
    STYLE_GLOBAL = 8,    /* size(a) */
    STYLE_RECEIVER = 16, /* a.size() */
};

enum cel_op_flags {
    OP_MIXED = 1,     /* our extension: only where a static type is dyn */
    OP_ARITH = 2,     /* the result is dyn where an argument is */
    OP_INSIDE = 4,    /* the result is what is inside the first argument: an element, a map's value, an optional's */
    OP_WRAP = 8,      /* the result, a list or an optional, holds what the arguments are */
    OP_VARIADIC = 16, /* of one argument, a list of numbers: several are put into one: math.greatest(1, 2) */
    OP_ZONE = 32,     /* the last argument names a time zone */
};

struct cel_op {
    const char *name;
    uint8_t style; /* enum cel_style, may be several */
    uint8_t flags; /* enum cel_op_flags */
    uint8_t argc;
    uint32_t args[CEL_ARGS_MAX]; /* masks of types */
    uint32_t result;             /* mask of types */
    /* Computes; false with the failure recorded. */
    bool (*call)(struct cel_call *call, const struct cel_value *args, struct cel_value *out);
};

/* The overloads of one name: rows that stand together in the table. */
struct cel_ops {
    const struct cel_op *first; /* NULL: no such name */
    size_t count;
};

/* Load time; cost: the length of the table. */
struct cel_ops cel_ops_find(struct vx_span name, enum cel_style style);
/* True where functions are called `space.name`, as in math.greatest(). */
bool cel_ops_namespace(struct vx_span space);
/* The name nearest to a misspelt one, of a function or a macro, or NULL. */
const char *cel_ops_nearest(struct vx_span name, enum cel_style style);

/* The overload for these values, or NULL. `mixed`: rows of OP_MIXED count too. */
const struct cel_op *cel_ops_pick(struct cel_ops ops, const struct cel_value *args, size_t argc, bool mixed);

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
/* optional.c */
CEL_OP(cel_index_optional);
CEL_OP(cel_optional_of);
CEL_OP(cel_optional_none);
CEL_OP(cel_optional_of_non_zero);
CEL_OP(cel_optional_has_value);
CEL_OP(cel_optional_value);
/* regex_check.c */
CEL_OP(cel_matches);
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
/* time.c */
CEL_OP(cel_timestamp_of_string);
CEL_OP(cel_timestamp_of_int);
CEL_OP(cel_duration_of_string);
CEL_OP(cel_add_time);
CEL_OP(cel_add_duration);
CEL_OP(cel_sub_time);
CEL_OP(cel_sub_duration);
CEL_OP(cel_get_full_year);
CEL_OP(cel_get_full_year_in);
CEL_OP(cel_get_month);
CEL_OP(cel_get_month_in);
CEL_OP(cel_get_date);
CEL_OP(cel_get_date_in);
CEL_OP(cel_get_day_of_month);
CEL_OP(cel_get_day_of_month_in);
CEL_OP(cel_get_day_of_week);
CEL_OP(cel_get_day_of_week_in);
CEL_OP(cel_get_day_of_year);
CEL_OP(cel_get_day_of_year_in);
CEL_OP(cel_get_hours);
CEL_OP(cel_get_hours_in);
CEL_OP(cel_get_minutes);
CEL_OP(cel_get_minutes_in);
CEL_OP(cel_get_seconds);
CEL_OP(cel_get_seconds_in);
CEL_OP(cel_get_milliseconds);
CEL_OP(cel_get_milliseconds_in);
CEL_OP(cel_hours_of);
CEL_OP(cel_minutes_of);
CEL_OP(cel_seconds_of);
CEL_OP(cel_milliseconds_of);
/* search.c */
CEL_OP(cel_char_at);
CEL_OP(cel_substring_from);
CEL_OP(cel_substring);
CEL_OP(cel_index_of);
CEL_OP(cel_index_of_from);
CEL_OP(cel_last_index_of);
CEL_OP(cel_last_index_of_from);
/* rewrite.c */
CEL_OP(cel_lower_ascii);
CEL_OP(cel_upper_ascii);
CEL_OP(cel_trim);
CEL_OP(cel_reverse);
CEL_OP(cel_quote);
CEL_OP(cel_replace);
CEL_OP(cel_replace_some);
CEL_OP(cel_split);
CEL_OP(cel_split_some);
CEL_OP(cel_join);
CEL_OP(cel_join_with);
/* math_ext.c */
CEL_OP(cel_ceil);
CEL_OP(cel_floor);
CEL_OP(cel_round);
CEL_OP(cel_trunc);
CEL_OP(cel_sqrt);
CEL_OP(cel_abs_double);
CEL_OP(cel_sign_double);
CEL_OP(cel_is_nan);
CEL_OP(cel_is_inf);
CEL_OP(cel_is_finite);
CEL_OP(cel_abs_int);
CEL_OP(cel_sign_int);
CEL_OP(cel_sign_uint);
CEL_OP(cel_bit_and);
CEL_OP(cel_bit_or);
CEL_OP(cel_bit_xor);
CEL_OP(cel_bit_not);
CEL_OP(cel_bit_shift_left);
CEL_OP(cel_bit_shift_right);
CEL_OP(cel_greatest);
CEL_OP(cel_least);
/* encoders.c */
CEL_OP(cel_b64_encode);
CEL_OP(cel_b64_decode);
CEL_OP(cel_hash);
/* net.c */
CEL_OP(cel_ip_of_string);
CEL_OP(cel_cidr_of_string);
CEL_OP(cel_is_ip);
CEL_OP(cel_is_cidr);
CEL_OP(cel_is_canonical);
CEL_OP(cel_is_unspecified);
CEL_OP(cel_is_loopback);
CEL_OP(cel_is_link_local_multicast);
CEL_OP(cel_is_link_local_unicast);
CEL_OP(cel_is_global_unicast);
CEL_OP(cel_family);
CEL_OP(cel_prefix_length);
CEL_OP(cel_ip_of_cidr);
CEL_OP(cel_masked);
CEL_OP(cel_contains_ip);
CEL_OP(cel_contains_ip_string);
CEL_OP(cel_contains_cidr);
CEL_OP(cel_contains_cidr_string);

#endif
