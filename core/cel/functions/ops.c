/* The table of operators and functions. A new function is a row here and an implementation in the file of its kind.
 *
 * Any thread; immutable. Rows of one name and style stand together: an overload is picked by walking them, and its
 * number of arguments counts like their types.
 */
#include "core/cel/functions/ops.h"

#include <stdio.h>

#include "core/base/diag.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/syntax/macro.h"

#define B MASK_BOOL
#define I MASK_INT
#define U MASK_UINT
#define D MASK_DOUBLE
#define S MASK_STRING
#define Y MASK_BYTES
#define N MASK_NUMBER
#define L MASK_LIST
#define M MASK_MAP
#define T MASK_TIMESTAMP
#define R MASK_DURATION
#define O MASK_OPTIONAL
#define ANY MASK_ANY
#define BOTH (STYLE_GLOBAL | STYLE_RECEIVER)

#define ARITH(name, left, right, result, call)                                                                         \
    {                                                                                                                  \
        name, STYLE_INFIX, OP_ARITH, 2, {left, right}, result, call                                                    \
    }
#define MIXED(name, left, right, call)                                                                                 \
    {                                                                                                                  \
        name, STYLE_INFIX, OP_ARITH | OP_MIXED, 2, {left, right}, D, call                                              \
    }
#define INFIX(name, left, right, result, call)                                                                         \
    {                                                                                                                  \
        name, STYLE_INFIX, 0, 2, {left, right}, result, call                                                           \
    }
#define ORDER(name, call)                                                                                              \
    INFIX(name, N, N, B, call), INFIX(name, S, S, B, call), INFIX(name, Y, Y, B, call), INFIX(name, B, B, B, call),    \
        INFIX(name, T, T, B, call), INFIX(name, R, R, B, call)
#define METHOD(name, arg, result, call)                                                                                \
    {                                                                                                                  \
        name, STYLE_RECEIVER, 0, 2, {S, arg}, result, call                                                             \
    }
#define CONVERT(name, from, to, call)                                                                                  \
    {                                                                                                                  \
        name, STYLE_GLOBAL, 0, 1, {from}, to, call                                                                     \
    }
#define METHOD_1(name, on, result, call)                                                                               \
    {                                                                                                                  \
        name, STYLE_RECEIVER, 0, 1, {on}, result, call                                                                 \
    }
#define METHOD_3(name, second, third, result, call)                                                                    \
    {                                                                                                                  \
        name, STYLE_RECEIVER, 0, 3, {S, second, third}, result, call                                                   \
    }
/* Of a timestamp, in UTC and in a time zone. */
#define GETTER(name, call)                                                                                             \
    METHOD_1(name, T, I, call),                                                                                        \
    {                                                                                                                  \
        name, STYLE_RECEIVER, OP_ZONE, 2, {T, S}, I, call##_in                                                         \
    }
#define NUMERIC(name, from, to, call)                                                                                  \
    {                                                                                                                  \
        name, STYLE_GLOBAL, OP_ARITH, 1, {from}, to, call                                                              \
    }
/* Of a double, and of an int or uint where the types are only known at run time. */
#define REAL(name, to, call)                                                                                           \
    CONVERT(name, D, to, call),                                                                                        \
    {                                                                                                                  \
        name, STYLE_GLOBAL, OP_MIXED, 1, {I | U}, to, call                                                             \
    }
#define BITS(name, left, right, call)                                                                                  \
    {                                                                                                                  \
        name, STYLE_GLOBAL, 0, 2, {left, right}, left, call                                                            \
    }

static const struct cel_op table[] = {
    ARITH("+", I, I, I, cel_add_int),
    ARITH("+", U, U, U, cel_add_uint),
    ARITH("+", D, D, D, cel_add_double),
    ARITH("+", S, S, S, cel_add_text),
    ARITH("+", Y, Y, Y, cel_add_text),
    ARITH("+", L, L, L, cel_add_list),
    ARITH("+", T, R, T, cel_add_time),
    ARITH("+", R, T, T, cel_add_time),
    ARITH("+", R, R, R, cel_add_duration),
    MIXED("+", I, D, cel_add_double),
    MIXED("+", D, I, cel_add_double),
    ARITH("-", I, I, I, cel_sub_int),
    ARITH("-", U, U, U, cel_sub_uint),
    ARITH("-", D, D, D, cel_sub_double),
    ARITH("-", T, T, R, cel_sub_duration),
    ARITH("-", T, R, T, cel_sub_time),
    ARITH("-", R, R, R, cel_sub_duration),
    MIXED("-", I, D, cel_sub_double),
    MIXED("-", D, I, cel_sub_double),
    ARITH("*", I, I, I, cel_mul_int),
    ARITH("*", U, U, U, cel_mul_uint),
    ARITH("*", D, D, D, cel_mul_double),
    MIXED("*", I, D, cel_mul_double),
    MIXED("*", D, I, cel_mul_double),
    ARITH("/", I, I, I, cel_div_int),
    ARITH("/", U, U, U, cel_div_uint),
    ARITH("/", D, D, D, cel_div_double),
    MIXED("/", I, D, cel_div_double),
    MIXED("/", D, I, cel_div_double),
    ARITH("%", I, I, I, cel_mod_int),
    ARITH("%", U, U, U, cel_mod_uint),
    {"-", STYLE_PREFIX, OP_ARITH, 1, {I}, I, cel_neg_int},
    {"-", STYLE_PREFIX, OP_ARITH, 1, {D}, D, cel_neg_double},
    {"!", STYLE_PREFIX, 0, 1, {B}, B, cel_not},
    INFIX("==", ANY, ANY, B, cel_eq),
    INFIX("!=", ANY, ANY, B, cel_ne),
    ORDER("<", cel_lt),
    ORDER("<=", cel_le),
    ORDER(">", cel_gt),
    ORDER(">=", cel_ge),
    INFIX("in", ANY, L, B, cel_in_list),
    INFIX("in", ANY, M, B, cel_in_map),
    {"[]", STYLE_INDEX, 0, 2, {L, N}, ANY, cel_index_list},
    {"[]", STYLE_INDEX, 0, 2, {M, N | B | S}, ANY, cel_index_map},
    {"[]", STYLE_INDEX, 0, 2, {O, N | B | S}, O, cel_index_optional},
    {"[?]", STYLE_INDEX, 0, 2, {ANY, N | B | S}, O, cel_index_optional},

    {"optional.of", STYLE_GLOBAL, OP_WRAP, 1, {ANY}, O, cel_optional_of},
    {"optional.none", STYLE_GLOBAL, 0, 0, {0}, O, cel_optional_none},
    {"optional.ofNonZeroValue", STYLE_GLOBAL, OP_WRAP, 1, {ANY}, O, cel_optional_of_non_zero},
    {"hasValue", STYLE_RECEIVER, 0, 1, {O}, B, cel_optional_has_value},
    {"value", STYLE_RECEIVER, OP_INSIDE, 1, {O}, ANY, cel_optional_value},

    {"size", BOTH, 0, 1, {S}, I, cel_size_string},
    {"size", BOTH, 0, 1, {Y}, I, cel_size_bytes},
    {"size", BOTH, 0, 1, {L}, I, cel_size_list},
    {"size", BOTH, 0, 1, {M}, I, cel_size_map},
    METHOD("contains", S, B, cel_contains),
    METHOD("startsWith", S, B, cel_starts_with),
    METHOD("endsWith", S, B, cel_ends_with),

    CONVERT("dyn", ANY, ANY, cel_same),
    CONVERT("type", ANY, MASK_TYPE, cel_type_of),
    CONVERT("int", I, I, cel_same),
    CONVERT("int", U, I, cel_int_of_uint),
    CONVERT("int", D, I, cel_int_of_double),
    CONVERT("int", S, I, cel_int_of_string),
    CONVERT("int", T, I, cel_int_of_timestamp),
    CONVERT("uint", U, U, cel_same),
    CONVERT("uint", I, U, cel_uint_of_int),
    CONVERT("uint", D, U, cel_uint_of_double),
    CONVERT("uint", S, U, cel_uint_of_string),
    CONVERT("double", D, D, cel_same),
    CONVERT("double", I | U, D, cel_double_of_number),
    CONVERT("double", S, D, cel_double_of_string),
    CONVERT("string", S, S, cel_same),
    CONVERT("string", MASK_TEXT & ~MASK_STRING, S, cel_string_of),
    CONVERT("bool", B, B, cel_same),
    CONVERT("bool", S, B, cel_bool_of_string),
    CONVERT("bytes", Y, Y, cel_same),
    CONVERT("bytes", S, Y, cel_bytes_of_string),

    {"matches", BOTH, 0, 2, {S, S}, B, cel_matches},
    CONVERT("timestamp", T, T, cel_same),
    CONVERT("timestamp", S, T, cel_timestamp_of_string),
    CONVERT("timestamp", I, T, cel_timestamp_of_int),
    CONVERT("duration", R, R, cel_same),
    CONVERT("duration", S, R, cel_duration_of_string),
    GETTER("getFullYear", cel_get_full_year),
    GETTER("getMonth", cel_get_month),
    GETTER("getDate", cel_get_date),
    GETTER("getDayOfMonth", cel_get_day_of_month),
    GETTER("getDayOfWeek", cel_get_day_of_week),
    GETTER("getDayOfYear", cel_get_day_of_year),
    METHOD_1("getHours", R, I, cel_hours_of),
    GETTER("getHours", cel_get_hours),
    METHOD_1("getMinutes", R, I, cel_minutes_of),
    GETTER("getMinutes", cel_get_minutes),
    METHOD_1("getSeconds", R, I, cel_seconds_of),
    GETTER("getSeconds", cel_get_seconds),
    METHOD_1("getMilliseconds", R, I, cel_milliseconds_of),
    GETTER("getMilliseconds", cel_get_milliseconds),

    METHOD("charAt", I, S, cel_char_at),
    METHOD("indexOf", S, I, cel_index_of),
    METHOD_3("indexOf", S, I, I, cel_index_of_from),
    METHOD("lastIndexOf", S, I, cel_last_index_of),
    METHOD_3("lastIndexOf", S, I, I, cel_last_index_of_from),
    METHOD("substring", I, S, cel_substring_from),
    METHOD_3("substring", I, I, S, cel_substring),
    METHOD_1("lowerAscii", S, S, cel_lower_ascii),
    METHOD_1("upperAscii", S, S, cel_upper_ascii),
    METHOD_1("trim", S, S, cel_trim),
    METHOD_1("reverse", S, S, cel_reverse),
    METHOD_3("replace", S, S, S, cel_replace),
    {"replace", STYLE_RECEIVER, 0, 4, {S, S, S, I}, S, cel_replace_some},
    METHOD("split", S, L, cel_split),
    METHOD_3("split", S, I, L, cel_split_some),
    METHOD_1("join", L, S, cel_join),
    {"join", STYLE_RECEIVER, 0, 2, {L, S}, S, cel_join_with},
    CONVERT("strings.quote", S, S, cel_quote),

    {"math.greatest", STYLE_GLOBAL, OP_VARIADIC | OP_ARITH, 1, {N}, N, cel_same},
    {"math.greatest", STYLE_GLOBAL, OP_VARIADIC | OP_INSIDE, 1, {L}, N, cel_greatest},
    {"math.least", STYLE_GLOBAL, OP_VARIADIC | OP_ARITH, 1, {N}, N, cel_same},
    {"math.least", STYLE_GLOBAL, OP_VARIADIC | OP_INSIDE, 1, {L}, N, cel_least},
    NUMERIC("math.abs", I, I, cel_abs_int),
    NUMERIC("math.abs", U, U, cel_same),
    NUMERIC("math.abs", D, D, cel_abs_double),
    NUMERIC("math.sign", I, I, cel_sign_int),
    NUMERIC("math.sign", U, U, cel_sign_uint),
    NUMERIC("math.sign", D, D, cel_sign_double),
    REAL("math.ceil", D, cel_ceil),
    REAL("math.floor", D, cel_floor),
    REAL("math.round", D, cel_round),
    REAL("math.trunc", D, cel_trunc),
    REAL("math.isNaN", B, cel_is_nan),
    REAL("math.isInf", B, cel_is_inf),
    REAL("math.isFinite", B, cel_is_finite),
    CONVERT("math.sqrt", N, D, cel_sqrt),
    BITS("math.bitAnd", I, I, cel_bit_and),
    BITS("math.bitAnd", U, U, cel_bit_and),
    BITS("math.bitOr", I, I, cel_bit_or),
    BITS("math.bitOr", U, U, cel_bit_or),
    BITS("math.bitXor", I, I, cel_bit_xor),
    BITS("math.bitXor", U, U, cel_bit_xor),
    CONVERT("math.bitNot", I, I, cel_bit_not),
    CONVERT("math.bitNot", U, U, cel_bit_not),
    BITS("math.bitShiftLeft", I, I, cel_bit_shift_left),
    BITS("math.bitShiftLeft", U, I, cel_bit_shift_left),
    BITS("math.bitShiftRight", I, I, cel_bit_shift_right),
    BITS("math.bitShiftRight", U, I, cel_bit_shift_right),

    CONVERT("base64.encode", Y, S, cel_b64_encode),
    CONVERT("base64.decode", S, Y, cel_b64_decode),
    CONVERT("hash", MASK_TEXT, I, cel_hash),

    CONVERT("ip", S, MASK_IP, cel_ip_of_string),
    METHOD_1("ip", MASK_CIDR, MASK_IP, cel_ip_of_cidr),
    CONVERT("isIP", S, B, cel_is_ip),
    CONVERT("ip.isCanonical", S, B, cel_is_canonical),
    METHOD_1("family", MASK_IP, I, cel_family),
    METHOD_1("isUnspecified", MASK_IP, B, cel_is_unspecified),
    METHOD_1("isLoopback", MASK_IP, B, cel_is_loopback),
    METHOD_1("isLinkLocalMulticast", MASK_IP, B, cel_is_link_local_multicast),
    METHOD_1("isLinkLocalUnicast", MASK_IP, B, cel_is_link_local_unicast),
    METHOD_1("isGlobalUnicast", MASK_IP, B, cel_is_global_unicast),
    CONVERT("cidr", S, MASK_CIDR, cel_cidr_of_string),
    CONVERT("isCIDR", S, B, cel_is_cidr),
    {"containsIP", STYLE_RECEIVER, 0, 2, {MASK_CIDR, MASK_IP}, B, cel_contains_ip},
    {"containsIP", STYLE_RECEIVER, 0, 2, {MASK_CIDR, S}, B, cel_contains_ip_string},
    {"containsCIDR", STYLE_RECEIVER, 0, 2, {MASK_CIDR, MASK_CIDR}, B, cel_contains_cidr},
    {"containsCIDR", STYLE_RECEIVER, 0, 2, {MASK_CIDR, S}, B, cel_contains_cidr_string},
    METHOD_1("prefixLength", MASK_CIDR, I, cel_prefix_length),
    METHOD_1("masked", MASK_CIDR, MASK_CIDR, cel_masked),
};

enum { TABLE_COUNT = sizeof table / sizeof *table };

struct cel_ops cel_ops_find(struct vx_span name, enum cel_style style)
{
    struct cel_ops ops = {0};
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        bool same = (table[i].style & style) && name.len > 0 && table[i].name[0] == name.at[0] &&
                    vx_span_is(name, table[i].name);
        if (same && !ops.first)
            ops.first = &table[i];
        if (!same && ops.first)
            break;
        ops.count += same;
    }
    return ops;
}

bool cel_ops_namespace(struct vx_span space)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strncmp(table[i].name, space.at, space.len) == 0 && table[i].name[space.len] == '.')
            return true;
    }
    return false;
}

const char *cel_ops_nearest(struct vx_span name, enum cel_style style)
{
    const char *names[TABLE_COUNT + CEL_MACROS_MAX];
    size_t count = style == STYLE_RECEIVER ? cel_macro_names(names) : 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if ((table[i].style & style))
            names[count++] = table[i].name;
    }
    return vx_nearest(name, names, count);
}

const struct cel_op *cel_ops_pick(struct cel_ops ops, const struct cel_value *args, size_t argc, bool mixed)
{
    for (size_t i = 0; i < ops.count; i++) {
        const struct cel_op *op = &ops.first[i];
        bool match = op->argc == argc && (mixed || !(op->flags & OP_MIXED));
        for (size_t k = 0; k < op->argc && match; k++)
            match = op->args[k] >> args[k].type & 1;
        if (match)
            return op;
    }
    return NULL;
}

const char *cel_ops_print(const char *name, enum cel_style style, const char *const *types, size_t argc,
                          char text[CEL_CALL_TEXT_SIZE])
{
    char list[CEL_CALL_TEXT_SIZE] = "";
    size_t n = 0;
    for (size_t i = style == STYLE_RECEIVER; i < argc && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", types[i]);
    if (style == STYLE_INFIX)
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.70s %s %.70s", types[0], name, types[1]);
    else if (style == STYLE_PREFIX)
        snprintf(text, CEL_CALL_TEXT_SIZE, "%s%.140s", name, types[0]);
    else if (style == STYLE_INDEX)
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.70s[%s%.70s]", types[0], name[1] == '?' ? "?" : "", types[1]);
    else if (style == STYLE_RECEIVER)
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.40s.%.40s(%.70s)", types[0], name, list);
    else
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.40s(%.100s)", name, list);
    return text;
}
