/* Functions of numbers: math.abs, math.greatest, math.bitAnd and their kin, as cel-go's ext.Math has them. A worker's
 * thread; nothing allocates.
 *
 * An int is taken for a double where only a double makes sense (math.floor(event.price) with a price of 5): an
 * extension of ours that counts where the static type is dyn, like arithmetic of an int and a double.
 */
#include <math.h>

#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

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

static bool give_bool(struct cel_value *out, bool yes)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = yes};
    return true;
}

static double real(struct cel_value v)
{
    return v.type == CEL_INT ? (double)v.i : v.type == CEL_UINT ? (double)v.u : v.d;
}

/* ---- doubles ---- */

#define REAL_OP(name, give, expression)                                                                                \
    CEL_OP(name)                                                                                                       \
    {                                                                                                                  \
        (void)call;                                                                                                    \
        double d = real(args[0]);                                                                                      \
        return give(out, expression);                                                                                  \
    }

REAL_OP(cel_ceil, give_double, ceil(d))
REAL_OP(cel_floor, give_double, floor(d))
REAL_OP(cel_round, give_double, round(d)) /* halves away from zero */
REAL_OP(cel_trunc, give_double, trunc(d))
REAL_OP(cel_sqrt, give_double, sqrt(d))
REAL_OP(cel_abs_double, give_double, fabs(d))
REAL_OP(cel_sign_double, give_double, isnan(d) ? d : (double)((d > 0) - (d < 0)))
REAL_OP(cel_is_nan, give_bool, isnan(d))
REAL_OP(cel_is_inf, give_bool, isinf(d))
REAL_OP(cel_is_finite, give_bool, isfinite(d))

/* ---- whole numbers ---- */

CEL_OP(cel_abs_int)
{
    return args[0].i == INT64_MIN ? cel_fail(call, "int overflow")
                                  : give_int(out, args[0].i < 0 ? -args[0].i : args[0].i);
}

CEL_OP(cel_sign_int)
{
    (void)call;
    return give_int(out, (args[0].i > 0) - (args[0].i < 0));
}

CEL_OP(cel_sign_uint)
{
    (void)call;
    return give_uint(out, args[0].u > 0);
}

/* The bits of an int are its two's complement. */
static bool give_bits(struct cel_value *out, struct cel_value like, uint64_t bits)
{
    return like.type == CEL_INT ? give_int(out, (int64_t)bits) : give_uint(out, bits);
}

CEL_OP(cel_bit_and)
{
    (void)call;
    return give_bits(out, args[0], args[0].u & args[1].u);
}

CEL_OP(cel_bit_or)
{
    (void)call;
    return give_bits(out, args[0], args[0].u | args[1].u);
}

CEL_OP(cel_bit_xor)
{
    (void)call;
    return give_bits(out, args[0], args[0].u ^ args[1].u);
}

CEL_OP(cel_bit_not)
{
    (void)call;
    return give_bits(out, args[0], ~args[0].u);
}

static bool shift_fits(struct cel_call *call, struct cel_value by)
{
    return by.i >= 0 || cel_fail_about(call, FAIL_CONVERT, "number of bits to shift by", by);
}

CEL_OP(cel_bit_shift_left)
{
    return shift_fits(call, args[1]) && give_bits(out, args[0], args[1].i < 64 ? args[0].u << args[1].i : 0);
}

/* Zeros come in from the left, for an int too. */
CEL_OP(cel_bit_shift_right)
{
    return shift_fits(call, args[1]) && give_bits(out, args[0], args[1].i < 64 ? args[0].u >> args[1].i : 0);
}

/* ---- the greatest and the least of several ---- */

/* The element that is `wanted` (CEL_GREATER, CEL_LESS) than all before it; of equal ones the first. */
static bool choose(struct cel_call *call, struct cel_value list, enum cel_order wanted, struct cel_value *out)
{
    struct cel_list_iter it = cel_list_iter(list);
    struct cel_value element, best = {0};
    for (bool first = true; cel_list_next(&it, &element); first = false) {
        if (!cel_charge(call, 1))
            return false;
        if (!(MASK_NUMBER >> element.type & 1))
            return cel_fail_about(call, FAIL_CONVERT, "number", element);
        enum cel_order order = first ? wanted : cel_order_of(call, element, best);
        if (order == CEL_UNORDERED)
            return cel_fail(call, "NaN has no order");
        if (order == wanted)
            best = element;
    }
    if (!best.type)
        return cel_fail(call, "an empty list has neither a greatest nor a least");
    *out = best;
    return true;
}

CEL_OP(cel_greatest)
{
    return choose(call, args[0], CEL_GREATER, out);
}

CEL_OP(cel_least)
{
    return choose(call, args[0], CEL_LESS, out);
}
