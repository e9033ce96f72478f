/* The core schema of YAML 1.2: which plain scalars are null, booleans and numbers. Everything else is a string: `no`,
 * `yes`, `on`, 1_000, 0777 with a leading zero is the decimal number it looks like. Load-time only; no state. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/config/yaml.h"

static bool one_of(struct vx_span text, const char *const *words)
{
    for (; *words; words++) {
        if (vx_span_is(text, *words))
            return true;
    }
    return false;
}

static size_t digits(struct vx_span text, size_t at, const char *allowed)
{
    size_t n = 0;
    while (at + n < text.len && text.at[at + n] && strchr(allowed, text.at[at + n]))
        n++;
    return n;
}

/* 12, -12, 0o14, 0xc; one beyond int64 is left to the floats. */
static bool resolve_int(struct config_node *scalar)
{
    struct vx_span t = scalar->text;
    const char *allowed = "0123456789";
    int base = 10;
    size_t at = t.len > 0 && (t.at[0] == '-' || t.at[0] == '+');
    if (t.len > 2 && t.at[0] == '0' && (t.at[1] == 'o' || t.at[1] == 'x')) {
        base = t.at[1] == 'o' ? 8 : 16;
        allowed = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
        at = 2;
    }
    size_t n = digits(t, at, allowed);
    if (n == 0 || at + n != t.len)
        return false;
    errno = 0;
    scalar->integer = strtoll(base == 10 ? t.at : t.at + 2, NULL, base);
    scalar->number = (double)scalar->integer;
    return errno == 0;
}

static bool resolve_float(struct config_node *scalar)
{
    static const char *const infinities[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                             "+.INF", "-.inf", "-.Inf", "-.INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    struct vx_span t = scalar->text;
    if (one_of(t, infinities) || one_of(t, nans)) {
        scalar->number = one_of(t, nans) ? (double)NAN : t.at[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    size_t at = t.len > 0 && (t.at[0] == '-' || t.at[0] == '+');
    size_t whole = digits(t, at, "0123456789"), fraction = 0;
    at += whole;
    if (at < t.len && t.at[at] == '.') {
        fraction = digits(t, at + 1, "0123456789");
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < t.len && (t.at[at] == 'e' || t.at[at] == 'E')) {
        at++;
        at += at < t.len && (t.at[at] == '-' || t.at[at] == '+');
        size_t exponent = digits(t, at, "0123456789");
        if (exponent == 0)
            return false;
        at += exponent;
    }
    if (at != t.len)
        return false;
    scalar->number = strtod(t.at, NULL);
    return true;
}

void yaml_resolve(struct config_node *scalar)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    scalar->scalar = CONFIG_STRING;
    if (scalar->style != CONFIG_PLAIN)
        return;
    if (one_of(scalar->text, nulls)) {
        scalar->scalar = CONFIG_NULL;
    } else if (one_of(scalar->text, trues) || one_of(scalar->text, falses)) {
        scalar->scalar = CONFIG_BOOL;
        scalar->boolean = one_of(scalar->text, trues);
    } else if (resolve_int(scalar)) {
        scalar->scalar = CONFIG_INT;
    } else if (resolve_float(scalar)) {
        scalar->scalar = CONFIG_FLOAT;
    }
}
