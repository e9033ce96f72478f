/* Conversions between types, as cel-spec's langdef.md lists them. Out of range is an error, a fraction is cut towards
 * zero. A worker's thread; strings that are made go to the arena of the call. */
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

#include <ctype.h>
#include <math.h>
#include <strings.h>

enum {
    NUMBER_TEXT_MAX_BYTES = 1000,
    DOUBLE_TEXT_SHORT = 17, /* 15 digits, a sign and a point: found at the first attempt; others take up to three */
};

static bool no_conversion(struct cel_call *call, const char *wanted, struct cel_value v)
{
    return cel_fail_about(call, FAIL_CONVERT, wanted, v);
}

/* dyn(), and conversions of a type to itself */
CEL_OP(cel_same)
{
    (void)call;
    *out = args[0];
    return true;
}

CEL_OP(cel_type_of)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_TYPE, .named = args[0].type};
    return true;
}

static bool give_int(struct cel_value *out, int64_t i)
{
    *out = (struct cel_value){.type = CEL_INT, .i = i};
    return true;
}

CEL_OP(cel_int_of_uint)
{
    return args[0].u > INT64_MAX ? no_conversion(call, "int", args[0]) : give_int(out, args[0].i);
}

CEL_OP(cel_int_of_double)
{
    double d = args[0].d;
    /* The range is open: 2^63 is the double nearest to the largest int, and not an int. */
    bool fits = d > -9223372036854775808.0 && d < 9223372036854775808.0;
    return fits ? give_int(out, (int64_t)d) : no_conversion(call, "int", args[0]);
}

CEL_OP(cel_int_of_timestamp)
{
    (void)call;
    return give_int(out, args[0].time.seconds);
}

/* Reads [+-]digits; false when the text is anything else or does not fit. */
static bool read_digits(struct vx_span s, bool *minus, uint64_t *magnitude)
{
    size_t i = 0;
    *minus = s.len > 0 && s.at[0] == '-';
    i += *minus || (s.len > 0 && s.at[0] == '+');
    *magnitude = 0;
    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || __builtin_mul_overflow(*magnitude, (uint64_t)10, magnitude) ||
            __builtin_add_overflow(*magnitude, (uint64_t)(s.at[i] - '0'), magnitude))
            return false;
    }
    return true;
}

CEL_OP(cel_int_of_string)
{
    bool minus;
    uint64_t magnitude;
    if (!read_digits(cel_decoded(call, args[0]), &minus, &magnitude) || magnitude > (uint64_t)INT64_MAX + minus)
        return no_conversion(call, "int", args[0]);
    return give_int(out, (int64_t)(minus ? 0 - magnitude : magnitude));
}

static bool give_uint(struct cel_value *out, uint64_t u)
{
    *out = (struct cel_value){.type = CEL_UINT, .u = u};
    return true;
}

CEL_OP(cel_uint_of_int)
{
    return args[0].i < 0 ? no_conversion(call, "uint", args[0]) : give_uint(out, args[0].u);
}

CEL_OP(cel_uint_of_double)
{
    double d = args[0].d;
    bool fits = d >= 0 && d < 18446744073709551616.0;
    return fits ? give_uint(out, (uint64_t)d) : no_conversion(call, "uint", args[0]);
}

CEL_OP(cel_uint_of_string)
{
    bool minus;
    uint64_t magnitude;
    struct vx_span s = cel_decoded(call, args[0]);
    if (!read_digits(s, &minus, &magnitude) || !isdigit((unsigned char)s.at[0]))
        return no_conversion(call, "uint", args[0]);
    return give_uint(out, magnitude);
}

CEL_OP(cel_double_of_number)
{
    (void)call;
    double d = args[0].type == CEL_INT ? (double)args[0].i : args[0].type == CEL_UINT ? (double)args[0].u : args[0].d;
    *out = (struct cel_value){.type = CEL_DOUBLE, .d = d};
    return true;
}

static size_t skip_digits(struct vx_span s, size_t i)
{
    while (i < s.len && s.at[i] >= '0' && s.at[i] <= '9')
        i++;
    return i;
}

/* True for [+-] digits [. digits] [e [+-] digits] with a digit before the exponent. */
static bool is_decimal(struct vx_span s)
{
    size_t from = s.len > 0 && (s.at[0] == '-' || s.at[0] == '+');
    size_t i = skip_digits(s, from), digits = i - from;
    if (i < s.len && s.at[i] == '.') {
        from = i + 1;
        i = skip_digits(s, from);
        digits += i - from;
    }
    if (digits > 0 && i < s.len && (s.at[i] == 'e' || s.at[i] == 'E')) {
        from = i + 1;
        from += from < s.len && (s.at[from] == '-' || s.at[from] == '+');
        i = skip_digits(s, from);
        digits = i - from;
    }
    return digits > 0 && i == s.len;
}

/* inf, infinity, nan in any case, with a sign where it means something */
static bool read_special(struct vx_span s, double *d)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"inf", INFINITY},       {"+inf", INFINITY},       {"-inf", -INFINITY}, {"infinity", INFINITY},
                 {"+infinity", INFINITY}, {"-infinity", -INFINITY}, {"nan", NAN}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (s.len == strlen(words[i].text) && strncasecmp(s.at, words[i].text, s.len) == 0) {
            *d = words[i].value;
            return true;
        }
    }
    return false;
}

CEL_OP(cel_double_of_string)
{
    struct vx_span s = cel_decoded(call, args[0]);
    double d;
    if (!read_special(s, &d)) {
        if (s.len > NUMBER_TEXT_MAX_BYTES || !is_decimal(s))
            return no_conversion(call, "double", args[0]);
        size_t plus = s.at[0] == '+';
        bool whole = skip_digits(s, plus || s.at[0] == '-') == s.len; /* json_double() tells these apart, too */
        struct json_value number = {
            .at = s.at + plus, .len = (uint32_t)(s.len - plus), .kind = whole ? JSON_KIND_INT : JSON_KIND_DOUBLE};
        d = json_double(number);
        if (isinf(d))
            return no_conversion(call, "double", args[0]);
    }
    *out = (struct cel_value){.type = CEL_DOUBLE, .d = d};
    return true;
}

CEL_OP(cel_string_of)
{
    struct vx_span text;
    if (!cel_charge(call, args[0].type == CEL_DOUBLE ? CEL_DOUBLE_TEXT_STEPS : cel_length_cost(args[0])))
        return false;
    if (!cel_text_of(args[0], call->arena, &text))
        return no_conversion(call, "UTF-8 string", args[0]);
    if (args[0].type == CEL_DOUBLE && text.len > DOUBLE_TEXT_SHORT)
        cel_spend(call, 3 * CEL_DOUBLE_TEXT_STEPS);
    *out = cel_string_value(text);
    return true;
}

CEL_OP(cel_bool_of_string)
{
    static const char *const words[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                        "0", "f", "F", "false", "FALSE", "False"};
    struct vx_span s = cel_decoded(call, args[0]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (vx_span_is(s, words[i])) {
            *out = (struct cel_value){.type = CEL_BOOL, .boolean = i < 6};
            return true;
        }
    }
    return no_conversion(call, "bool", args[0]);
}

CEL_OP(cel_bytes_of_string)
{
    *out = (struct cel_value){.type = CEL_BYTES, .s = cel_decoded(call, args[0])};
    return true;
}
