/* The table of operators and functions. A new function is a row here and an implementation in the file of its kind.
 *
 * Any thread; immutable. Rows of one name and style stand together: an overload is picked by walking them. Rows
 * without an implementation are what CEL has and Veltrix does not have yet: the checker says so instead of "unknown".
 */
#include "core/cel/ops.h"

#include <stdio.h>

#include "core/base/diag.h"
#include "core/cel/lexer.h"

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
#define NOT_YET(name, style)                                                                                           \
    {                                                                                                                  \
        name, style, 0, 0, {0}, ANY, NULL                                                                              \
    }

static const struct cel_op table[] = {
    ARITH("+", I, I, I, cel_add_int),
    ARITH("+", U, U, U, cel_add_uint),
    ARITH("+", D, D, D, cel_add_double),
    ARITH("+", S, S, S, cel_add_text),
    ARITH("+", Y, Y, Y, cel_add_text),
    ARITH("+", L, L, L, cel_add_list),
    MIXED("+", I, D, cel_add_double),
    MIXED("+", D, I, cel_add_double),
    ARITH("-", I, I, I, cel_sub_int),
    ARITH("-", U, U, U, cel_sub_uint),
    ARITH("-", D, D, D, cel_sub_double),
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

    NOT_YET("matches", BOTH),
    NOT_YET("all", STYLE_RECEIVER),
    NOT_YET("exists", STYLE_RECEIVER),
    NOT_YET("exists_one", STYLE_RECEIVER),
    NOT_YET("map", STYLE_RECEIVER),
    NOT_YET("filter", STYLE_RECEIVER),
    NOT_YET("timestamp", STYLE_GLOBAL),
    NOT_YET("duration", STYLE_GLOBAL),
    NOT_YET("getFullYear", STYLE_RECEIVER),
    NOT_YET("getMonth", STYLE_RECEIVER),
    NOT_YET("getDate", STYLE_RECEIVER),
    NOT_YET("getDayOfMonth", STYLE_RECEIVER),
    NOT_YET("getDayOfWeek", STYLE_RECEIVER),
    NOT_YET("getDayOfYear", STYLE_RECEIVER),
    NOT_YET("getHours", STYLE_RECEIVER),
    NOT_YET("getMinutes", STYLE_RECEIVER),
    NOT_YET("getSeconds", STYLE_RECEIVER),
    NOT_YET("getMilliseconds", STYLE_RECEIVER),
};

enum { TABLE_COUNT = sizeof table / sizeof *table };

struct cel_ops cel_ops_find(struct vx_span name, enum cel_style style)
{
    struct cel_ops ops = {0};
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        bool same = (table[i].style & style) && vx_span_is(name, table[i].name);
        if (same && !ops.first)
            ops.first = &table[i];
        if (!same && ops.first)
            break;
        ops.count += same;
    }
    return ops;
}

const char *cel_ops_nearest(struct vx_span name, enum cel_style style)
{
    const char *names[TABLE_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if ((table[i].style & style) && table[i].call)
            names[count++] = table[i].name;
    }
    return vx_nearest(name, names, count);
}

const struct cel_op *cel_ops_pick(struct cel_ops ops, const struct cel_value *args, bool mixed)
{
    for (size_t i = 0; i < ops.count; i++) {
        const struct cel_op *op = &ops.first[i];
        bool match = op->call && (mixed || !(op->flags & OP_MIXED));
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
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.70s[%.70s]", types[0], types[1]);
    else if (style == STYLE_RECEIVER)
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.40s.%.40s(%.70s)", types[0], name, list);
    else
        snprintf(text, CEL_CALL_TEXT_SIZE, "%.40s(%.100s)", name, list);
    return text;
}
