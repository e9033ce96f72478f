/* Numbers of few characters, which most are: read from one word, without looking at how long they are, which a processor
 * cannot guess. Private to this folder.
 *
 * Cost: some thirty instructions, and a division where there is a point.
 */
#ifndef VX_PLAN_INDEX_SHORT_H
#define VX_PLAN_INDEX_SHORT_H

#include "core/cel/analysis/key.h"
#include "core/json/value.h"
#include "core/plan/index/ids.h"

enum { INDEX_SHORT_BYTES = 8 };

/* Eight digits of which the first stands in the lowest byte; a byte of 0 is a 0 too. Pairs, then fours, then all are put
 * together in one multiplication each (D. Lemire, "Quickly parsing eight digits", 2018). */
static inline uint32_t index_eight_digits(uint64_t v)
{
    v = (v & 0x0f0f0f0f0f0f0f0f) * (10 << 8 | 1) >> 8;
    v = (v & 0x00ff00ff00ff00ff) * (100 << 16 | 1) >> 16;
    return (uint32_t)((v & 0x0000ffff0000ffff) * ((uint64_t)10000 << 32 | 1) >> 32);
}

/* The first eight bytes of a number that has no more, and which of them, a bit each, are no digits; false where it has
 * more, or they cannot be read at once. `around`: bytes that may be read. */
static inline bool index_short_bytes(struct json_value number, struct vx_span around, uint64_t *bytes, uint64_t *others)
{
    uint64_t v;
    if (number.len > INDEX_SHORT_BYTES || !index_is_inside(number.at, INDEX_SHORT_BYTES, around))
        return false;
    memcpy(&v, number.at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    *bytes = v;
    /* Of a digit the high half is 3, of a point 2. */
    *others = ((v & 0xf0f0f0f0f0f0f0f0) ^ 0x3030303030303030) & ~(uint64_t)0 >> 8 * (INDEX_SHORT_BYTES - number.len);
    return true;
}

/* True when all but digits is a point that others stand before. */
static inline bool index_is_point(uint64_t others)
{
    uint32_t point = (uint32_t)__builtin_ctzll(others) & ~7u;
    return others == (uint64_t)0x10 << point && point > 0; /* else there are several, or a sign */
}

/* The key of a number that the scanner has taken; false where another way has to be gone: a number that is longer, less
 * than nothing, or has an exponent.
 * The same key as cel_key_int(json_int64()) or cel_key_double(json_double()): so few digits over so small a power of ten
 * are one rounding away from the double, whoever divides. */
static inline bool index_short_number(struct json_value number, struct vx_span around, struct cel_key *key)
{
    static const double powers[INDEX_SHORT_BYTES] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    uint64_t v, others;
    uint32_t len = number.len;
    if (!index_short_bytes(number, around, &v, &others))
        return false;
    key->kind = CEL_KEY_NUMBER;
    if (others == 0) {
        key->whole = index_eight_digits(v << 8 * (INDEX_SHORT_BYTES - len));
        key->rest = 0;
        return true;
    }
    if (!index_is_point(others))
        return false;
    uint32_t point = (uint32_t)__builtin_ctzll(others) & ~7u;
    uint64_t before = ((uint64_t)1 << point) - 1, without = (v & before) | (v >> 8 & ~before);
    len--;
    double value = (double)index_eight_digits(without << 8 * (INDEX_SHORT_BYTES - len)) / powers[len - point / 8];
    key->whole = index_eight_digits(v << (8 * INDEX_SHORT_BYTES - point)); /* does not wait for the division */
    key->rest = value - (double)key->whole;
    return true;
}

/* The same, but only the whole part. */
static inline bool index_short_whole(struct json_value number, struct vx_span around, uint32_t *whole)
{
    uint64_t v, others;
    if (!index_short_bytes(number, around, &v, &others) || (others && !index_is_point(others)))
        return false;
    uint32_t end = others ? (uint32_t)__builtin_ctzll(others) & ~7u : 8 * number.len;
    *whole = index_eight_digits(v << (8 * INDEX_SHORT_BYTES - end));
    return true;
}

#endif
