/* Numbers: text to int64 and double. Any thread.
 *
 * A double of up to 19 digits whose digits, as an integer, are exact in a floating-point type and whose power of ten is
 * too needs one correctly rounded operation (W. D. Clinger, "How to read floating point numbers accurately", 1990). All
 * others go to the C library, in the C locale whatever the process has set. */
#include <float.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/json/number.h"
#include "core/json/text.h"
#include "core/json/value.h"

enum { EXACT_POWER = 22 }; /* the highest power of ten that a double holds exactly */

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
    enum { SAFE_DIGITS = 18 }; /* as many nines fit */
    const char *p = number.at, *end = p + number.len;
    if (number.kind != JSON_KIND_INT)
        return false;
    bool negative = p < end && *p == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative, value = 0;
    p += negative;
    for (const char *safe = end - p < SAFE_DIGITS ? end : p + SAFE_DIGITS; p < safe; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    for (; p < end; p++) {
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

/* True when eight bytes at `p` are all digits: their high half is 3, and adding 6 does not carry out of the low half.
 */
static inline bool are_eight_digits(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return ((v & 0xf0f0f0f0f0f0f0f0) | (((v + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) == 0x3333333333333333;
}

/* Eight digits at `p`: pairs, then fours, then all are put together in one multiplication each (D. Lemire, "Quickly
 * parsing eight digits", 2018). */
static inline uint64_t eight_digits(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    v = (v & 0x0f0f0f0f0f0f0f0f) * (10 << 8 | 1) >> 8;
    v = (v & 0x00ff00ff00ff00ff) * (100 << 16 | 1) >> 16;
    return (v & 0x0000ffff0000ffff) * ((uint64_t)10000 << 32 | 1) >> 32;
}

/* digits * 10^power; false when the result may not be the nearest double. `power` is within EXACT_POWER. */
static inline bool scale(uint64_t digits, int power, double *out)
{
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (digits <= (uint64_t)1 << 53) {
        double value = (double)digits;
        *out = power < 0 ? value / powers[-power] : value * powers[power];
        return true;
    }
#if LDBL_MANT_DIG == 64
    /* The same with 64 bits of mantissa, exact but for one rounding. A second one, to a double, goes wrong only where
     * the first has ended in the middle between two of them. */
    long double value = digits;
    uint64_t mantissa;
    value = power < 0 ? value / powers[-power] : value * powers[power];
    memcpy(&mantissa, &value, sizeof mantissa);
    *out = (double)value;
    return (mantissa & 0x7ff) != 0x400;
#else
    return false;
#endif
}

double json_double(struct json_value number)
{
    enum { DIGITS_MAX = 19 }; /* so many fit 64 bits */
    const char *p = number.at, *end = p + number.len, *point = NULL;
    bool negative = p < end && *p == '-';
    uint64_t digits = 0;
    p += negative;
    if (end - p > DIGITS_MAX + (number.kind == JSON_KIND_DOUBLE)) /* which has a point, or an e and a digit */
        return by_library(number.at, end);
    for (; p < end && json_is_digit(*p); p++)
        digits = digits * 10 + (uint64_t)(*p - '0');
    if (p < end && *p == '.') {
        point = ++p;
        if (end - p >= 8 && are_eight_digits(p)) {
            digits = digits * 100000000 + eight_digits(p);
            p += 8;
        }
        for (; p < end && json_is_digit(*p); p++)
            digits = digits * 10 + (uint64_t)(*p - '0');
    }
    int power = point ? (int)(point - p) : 0;
    if (end - p >= 2) { /* an exponent */
        bool down = p[1] == '-';
        int exponent = 0;
        for (p += 1 + (p[1] == '-' || p[1] == '+'); p < end && exponent < 1000; p++)
            exponent = exponent * 10 + (*p - '0');
        power += down ? -exponent : exponent;
    }
    double value;
    if (p < end || power < -EXACT_POWER || power > EXACT_POWER || !scale(digits, power, &value))
        return by_library(number.at, end);
    return negative ? -value : value;
}
