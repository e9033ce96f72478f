/* Keys: scalars in the one form in which an index stores, hashes and compares them.
 *
 * Numbers are exact, whatever their type: whole + rest, where |rest| < 1 has the sign of the number. A timestamp is seconds
 * and nanoseconds.
 *
 * A double d is trunc(d) + (d - trunc(d)); both parts are exact (the fraction bits of d are a part of its mantissa). For
 * two numbers a < b either trunc(a) < trunc(b), or the wholes are the same and the rests decide: trunc is monotone. An int
 * is itself + 0. Hence ints and doubles compare exactly. A double beyond ±2^63 is cut to the nearest int64; constants are
 * taken only within ±2^62 (predicate.c), so it stays on its side of all of them. That also keeps away from the one place
 * where CEL's equality is not exact: INT64_MAX equals the double 2^63 (compare.c).
 *
 * Any thread; nothing allocates.
 */
#ifndef VX_CEL_KEY_H
#define VX_CEL_KEY_H

#include "core/base/hash.h"
#include "core/base/span.h"

enum cel_key_kind {
    CEL_KEY_NONE,  /* missing, or not to be read */
    CEL_KEY_OTHER, /* a list or a map */
    CEL_KEY_NULL,
    CEL_KEY_FALSE,
    CEL_KEY_TRUE,
    CEL_KEY_NUMBER,
    CEL_KEY_STRING,
};
struct cel_key {
    uint8_t kind; /* enum cel_key_kind */
    union {
        struct {
            int64_t whole;
            double rest;
        };
        struct vx_span text;
    };
};

static inline struct cel_key cel_key_int(int64_t i)
{
    struct cel_key key;
    key.kind = CEL_KEY_NUMBER;
    key.whole = i;
    key.rest = 0;
    return key;
}

/* `d` is not NaN. */
static inline struct cel_key cel_key_double(double d)
{
    struct cel_key key = cel_key_int(d > 0 ? INT64_MAX : INT64_MIN);
    if (d >= -9223372036854775808.0 && d < 9223372036854775808.0) {
        key.whole = (int64_t)d;
        key.rest = d - (double)key.whole + 0.0; /* -0.0 is 0.0, so that equal keys hash alike */
    }
    return key;
}

static inline struct cel_key cel_key_time(int64_t seconds, int32_t nanos)
{
    struct cel_key key = cel_key_int(seconds);
    key.rest = nanos;
    return key;
}

static inline struct cel_key cel_key_string(struct vx_span text)
{
    struct cel_key key;
    key.kind = CEL_KEY_STRING;
    key.text = text;
    return key;
}

/* <0, 0, >0; two numbers. */
static inline int cel_key_order_numbers(const struct cel_key *a, const struct cel_key *b)
{
    if (a->whole != b->whole)
        return a->whole < b->whole ? -1 : 1;
    return (a->rest > b->rest) - (a->rest < b->rest);
}

/* <0, 0, >0; numbers before strings, other kinds by kind alone. */
static inline int cel_key_compare(const struct cel_key *a, const struct cel_key *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == CEL_KEY_NUMBER)
        return cel_key_order_numbers(a, b);
    return a->kind == CEL_KEY_STRING ? vx_span_compare(a->text, b->text) : 0;
}

static inline bool cel_key_equal(const struct cel_key *a, const struct cel_key *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == CEL_KEY_STRING)
        return vx_span_equal(a->text, b->text);
    return a->kind != CEL_KEY_NUMBER || (a->whole == b->whole && a->rest == b->rest);
}

static inline uint64_t cel_key_mix(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15ull;
    return h ^ h >> 32;
}

/* Strings of up to 16 bytes, which most are, in two loads that may overlap. */
static inline uint64_t cel_key_hash_text(struct vx_span text)
{
    uint64_t a = 0, b = 0;
    if (text.len > 16)
        return vx_hash64(text);
    if (text.len >= 8) {
        memcpy(&a, text.at, 8);
        memcpy(&b, text.at + text.len - 8, 8);
    } else if (text.len >= 4) {
        uint32_t low, high;
        memcpy(&low, text.at, 4);
        memcpy(&high, text.at + text.len - 4, 4);
        a = low;
        b = high;
    } else if (text.len > 0) {
        a = (unsigned char)text.at[0];
        b = (uint64_t)(unsigned char)text.at[text.len / 2] << 8 | (unsigned char)text.at[text.len - 1];
    }
    return cel_key_mix(cel_key_mix(a ^ (uint64_t)text.len << 56) ^ b);
}

static inline uint64_t cel_key_hash(const struct cel_key *key)
{
    uint64_t rest;
    if (key->kind == CEL_KEY_STRING)
        return cel_key_hash_text(key->text);
    if (key->kind != CEL_KEY_NUMBER)
        return key->kind;
    memcpy(&rest, &key->rest, sizeof rest);
    return cel_key_mix(cel_key_mix((uint64_t)key->whole) ^ rest);
}

/* Sorts and drops doubles; returns how many are left. */
uint32_t cel_keys_sort(struct cel_key *keys, uint32_t count);

#endif
