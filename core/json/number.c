/* Numbers: text to int64 and double. Any thread.
 *
 * A double of up to 19 digits whose digits, as an integer, are exact in a double and whose power of ten is too needs
 * one correctly rounded operation (W. D. Clinger, "How to read floating point numbers accurately", 1990). All others go
 * to the C library, in the C locale whatever the process has set. */
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/json/number.h"
#include "core/json/text.h"
#include "core/json/value.h"

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    vx_assert(c_locale != (locale_t)0);
}

locale_t json_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    return c_locale;
}

bool json_int64(struct json_value number, int64_t *out)
{
    const char *p = number.at, *end = p + number.len;
    if (number.kind != JSON_KIND_INT)
        return false;
    bool negative = p < end && *p == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative, value = 0;
    for (p += negative; p < end; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* A number of any length by strtod, from a copy on the stack. What lies between two doubles has at most 767 significant
 * digits (their midpoints); a digit beyond that can only say "a little more", which one more digit says as well. */
static double by_library(const char *p, const char *end)
{
    enum { KEPT = 780 };
    char text[KEPT + 32];
    size_t n = 0, kept = 0;
    int64_t power = 0, exponent = 0;
    bool fraction = false, more = false;
    if (*p == '-')
        text[n++] = *p++;
    for (; p < end && (json_is_digit(*p) || *p == '.'); p++) {
        if (*p == '.') {
            fraction = true;
        } else if (kept == 0 && *p == '0') {
            power -= fraction;
        } else if (kept < KEPT) {
            text[n++] = *p;
            kept++;
            power -= fraction;
        } else {
            more |= *p != '0';
            power += !fraction;
        }
    }
    if (kept == 0 || more) {
        text[n++] = more ? '1' : '0';
        power -= more;
    }
    if (end - p >= 2) {
        bool down = p[1] == '-';
        for (p += 1 + (p[1] == '-' || p[1] == '+'); p < end && exponent < INT32_MAX; p++)
            exponent = exponent * 10 + (*p - '0');
        power += down ? -exponent : exponent;
    }
    snprintf(text + n, sizeof text - n, "e%lld", (long long)power);
    return strtod_l(text, NULL, json_c_locale());
}

double json_double(struct json_value number)
{
    enum { DIGITS_MAX = 19, EXACT_POWER = 22 };
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *p = number.at, *end = p + number.len;
    bool negative = p < end && *p == '-', fraction = false;
    uint64_t digits = 0;
    int count = 0, power = 0;
    for (p += negative; p < end && count <= DIGITS_MAX; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        if (!json_is_digit(*p))
            break;
        digits = digits * 10 + (uint64_t)(*p - '0');
        count += count > 0 || digits != 0; /* not by `digits` alone, which the 20th may wrap to 0 */
        power -= fraction;
    }
    if (end - p >= 2 && (*p == 'e' || *p == 'E')) {
        bool down = p[1] == '-';
        int exponent = 0;
        for (p += 1 + (p[1] == '-' || p[1] == '+'); p < end && exponent < 1000; p++)
            exponent = exponent * 10 + (*p - '0');
        power += down ? -exponent : exponent;
    }
    if (p < end || count > DIGITS_MAX || digits > (uint64_t)1 << 53 || power < -EXACT_POWER || power > EXACT_POWER)
        return by_library(number.at, end);
    double value = (double)digits;
    value = power < 0 ? value / powers[-power] : value * powers[power];
    return negative ? -value : value;
}
