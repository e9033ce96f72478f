/* Arithmetic: cel-spec's, where every overflow is an error and so is division by zero of whole numbers. A worker's
 * thread; nothing allocates. The double rows also serve the mixed overloads (our extension): there one argument is an
 * int. */
#include "core/cel/functions/ops.h"

static bool give_int(struct cel_value *out, int64_t i)
{
    *out = (struct cel_value){.type = CEL_INT, .i = i};
    return true;
}

static bool give_uint(struct cel_value *out, uint64_t u)
{
    *out = (struct cel_value){.type = CEL_UINT, .u = u};
    return true;
}

static bool give_double(struct cel_value *out, double d)
{
    *out = (struct cel_value){.type = CEL_DOUBLE, .d = d};
    return true;
}

static double real(struct cel_value v)
{
    return v.type == CEL_INT ? (double)v.i : v.d;
}

#define INT_OP(name, builtin)                                                                                          \
    CEL_OP(name)                                                                                                       \
    {                                                                                                                  \
        int64_t i;                                                                                                     \
        return builtin(args[0].i, args[1].i, &i) ? cel_fail(call, "int overflow") : give_int(out, i);                  \
    }
#define UINT_OP(name, builtin)                                                                                         \
    CEL_OP(name)                                                                                                       \
    {                                                                                                                  \
        uint64_t u;                                                                                                    \
        return builtin(args[0].u, args[1].u, &u) ? cel_fail(call, "uint overflow") : give_uint(out, u);                \
    }
#define DOUBLE_OP(name, operator)                                                                                      \
    CEL_OP(name)                                                                                                       \
    {                                                                                                                  \
        (void)call;                                                                                                    \
        return give_double(out, real(args[0]) operator real(args[1]));                                                 \
    }

INT_OP(cel_add_int, __builtin_add_overflow)
INT_OP(cel_sub_int, __builtin_sub_overflow)
INT_OP(cel_mul_int, __builtin_mul_overflow)
UINT_OP(cel_add_uint, __builtin_add_overflow)
UINT_OP(cel_sub_uint, __builtin_sub_overflow)
UINT_OP(cel_mul_uint, __builtin_mul_overflow)
DOUBLE_OP(cel_add_double, +)
DOUBLE_OP(cel_sub_double, -)
DOUBLE_OP(cel_mul_double, *)

CEL_OP(cel_div_double)
{
    (void)call;
    double a = real(args[0]), b = real(args[1]);
    /* IEEE 754: by zero gives an infinity or NaN. Spelt out because C leaves it open. */
    if (b != 0)
        return give_double(out, a / b);
    bool minus = __builtin_signbit(a) != __builtin_signbit(b);
    if (a == 0 || a != a)
        return give_double(out, __builtin_nan(""));
    return give_double(out, minus ? -__builtin_inf() : __builtin_inf());
}

CEL_OP(cel_div_int)
{
    if (args[1].i == 0)
        return cel_fail(call, "division by zero");
    if (args[0].i == INT64_MIN && args[1].i == -1)
        return cel_fail(call, "int overflow");
    return give_int(out, args[0].i / args[1].i);
}

CEL_OP(cel_div_uint)
{
    return args[1].u == 0 ? cel_fail(call, "division by zero") : give_uint(out, args[0].u / args[1].u);
}

CEL_OP(cel_mod_int)
{
    if (args[1].i == 0)
        return cel_fail(call, "modulus by zero");
    if (args[0].i == INT64_MIN && args[1].i == -1)
        return cel_fail(call, "int overflow");
    return give_int(out, args[0].i % args[1].i);
}

CEL_OP(cel_mod_uint)
{
    return args[1].u == 0 ? cel_fail(call, "modulus by zero") : give_uint(out, args[0].u % args[1].u);
}

CEL_OP(cel_neg_int)
{
    return args[0].i == INT64_MIN ? cel_fail(call, "int overflow") : give_int(out, -args[0].i);
}

CEL_OP(cel_neg_double)
{
    (void)call;
    return give_double(out, -args[0].d);
}

CEL_OP(cel_not)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = !args[0].boolean};
    return true;
}
