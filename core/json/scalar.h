/* Checks numbers and literals (RFC 8259, sections 3 and 6) at the speed of the scanner's walk. Private to core/json;
 * pure, any thread. Each looks at `p` and what follows up to a byte that ends it, which must be there to be read; more,
 * several bytes at a time, only before `end`. */
#ifndef VX_JSON_SCALAR_H
#define VX_JSON_SCALAR_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/json/text.h"
#include "core/json/value.h"

#ifdef __SSE2__
enum { JSON_DIGITS_AT_ONCE = 16 };
#else
enum { JSON_DIGITS_AT_ONCE = 8 };
#endif

/* How many digits stand at `p`, up to JSON_DIGITS_AT_ONCE, which are read. */
static inline unsigned json_digits(const char *p)
{
#ifdef __SSE2__
    __m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
    __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v);
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(digits));
#else
    uint64_t v;
    memcpy(&v, p, sizeof v);
    v ^= 0x3030303030303030;
    v = ((v + 0x7676767676767676) | v) & 0x8080808080808080; /* a sum's carry goes to bytes behind one that counts */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v ? (unsigned)__builtin_ctzll(v) / 8 : JSON_DIGITS_AT_ONCE;
#endif
}

/* For the last bytes of a text. */
static __attribute__((noinline)) const char *json_skip_digits_slowly(const char *p)
{
    while (json_is_digit(*p))
        p++;
    return p;
}

static inline const char *json_skip_digits(const char *p, const char *end)
{
    for (unsigned count = JSON_DIGITS_AT_ONCE; count == JSON_DIGITS_AT_ONCE; p += count) {
        if (__builtin_expect(end - p < JSON_DIGITS_AT_ONCE, 0))
            return json_skip_digits_slowly(p);
        count = json_digits(p);
    }
    return p;
}
/* The exponent behind the `e` before `p`; the same answer as json_check_number(). Rare. */
static __attribute__((noinline)) enum json_kind json_check_exponent(const char *p, const char *end, const char **stop)
{
    if (*p == '+' || *p == '-')
        p++;
    *stop = json_skip_digits(p, end);
    return *stop > p && json_ends_scalar(**stop) ? JSON_KIND_DOUBLE : JSON_KIND_MISSING;
}

/* Checks the number at `p`. Sets *stop behind it and returns its kind, or JSON_KIND_MISSING and *stop at the fault. */
static inline enum json_kind json_check_number(const char *p, const char *end, const char **stop)
{
    const char *digits = p + (*p == '-');
    enum json_kind kind = JSON_KIND_INT;
    p = json_skip_digits(digits, end);
    if (p - digits != 1 && (p == digits || *digits == '0')) {
        *stop = p == digits ? p : digits + 1; /* 01 */
        return JSON_KIND_MISSING;
    }
    if (*p == '.') {
        digits = ++p;
        p = json_skip_digits(p, end);
        kind = p == digits ? JSON_KIND_MISSING : JSON_KIND_DOUBLE;
    }
    *stop = p;
    if (json_ends_scalar(*p))
        return kind;
    if (kind != JSON_KIND_MISSING && (*p == 'e' || *p == 'E'))
        return json_check_exponent(p + 1, end, stop);
    return JSON_KIND_MISSING;
}

/* The same for a number or a literal. The fault of a literal is its first byte. */
static inline enum json_kind json_check_scalar(const char *p, const char *end, const char **stop)
{
    static const struct {
        char text[6];
        uint8_t len;
        uint8_t kind;
    } literals[] = {{"null", 4, JSON_KIND_NULL}, {"true", 4, JSON_KIND_TRUE}, {"false", 5, JSON_KIND_FALSE}};
    if (*p <= '9')
        return json_check_number(p, end, stop);
    *stop = p;
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        size_t len = literals[i].len;
        if (*p != literals[i].text[0])
            continue;
        if ((size_t)(end - p) < len || memcmp(p, literals[i].text, len) != 0 || !json_ends_scalar(p[len]))
            break;
        *stop = p + len;
        return (enum json_kind)literals[i].kind;
    }
    return JSON_KIND_MISSING;
}

#endif
