/* The first pass of the scanner: where the tokens of a text are, and whether its strings are sound. Private to
 * core/json.
 *
 * A token is a structural character `{}[]:,` outside strings, the opening quote of a string, or the first byte of what
 * is neither (a number, a literal, or junk). So between two tokens stand only the rest of the first one and white
 * space, and the second pass (scan.c) sees everything that a text can get wrong outside its strings. What strings can
 * get wrong is found here: control characters, escapes, UTF-8, a missing closing quote.
 *
 * One function per instruction set, all with the same result; a new one is a file (see index_body.h) and a row in
 * index.c.
 */
#ifndef VX_JSON_INDEX_H
#define VX_JSON_INDEX_H

#include "core/base/span.h"

#define JSON_NO_FAULT SIZE_MAX
enum { JSON_INDEX_SLACK = 65 }; /* tokens: the one behind the last, and what is written ahead of it a block at a time */

struct json_index {
    uint32_t *tokens; /* the caller's; room for one per byte of the text and JSON_INDEX_SLACK more */
    size_t count; /* tokens found: those before `fault`, in order; behind them stands one more, min(fault, length) */
    size_t fault; /* byte offset of the first fault of a string, or JSON_NO_FAULT */
    bool escapes; /* there is a backslash in the text */
};

/* Fills all but `tokens`. Reads nothing outside `text`, whose length fits uint32_t. */
typedef void json_index_fn(struct json_index *index, struct vx_span text);

json_index_fn json_index_avx512;
json_index_fn json_index_avx2;
json_index_fn json_index_sse2;
json_index_fn json_index_portable;

/* A block and its unusual bytes, one bit per byte; for index_<isa>.c and index_body.h. */
enum { BLOCK_BYTES = 64 };
struct rare {
    uint64_t backslash;
    uint64_t control; /* below 0x20 */
    uint64_t blank;   /* \t \r \n */
    uint64_t high;    /* 0x80 and above */
};

/* What several instruction sets do alike. Bit n is the xor of bits 0..n, in six shifts: */
static inline uint64_t prefix_xor_by_shifts(uint64_t m)
{
    m ^= m << 1;
    m ^= m << 2;
    m ^= m << 4;
    m ^= m << 8;
    m ^= m << 16;
    m ^= m << 32;
    return m;
}

static inline uint32_t *put_tokens_one_by_one(uint32_t *to, uint32_t base, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        *to++ = base + (uint32_t)__builtin_ctzll(bits);
    return to;
}

/* The function of the instruction set in use: the best that the machine has, unless json_scan_force() said
 * otherwise. */
json_index_fn *json_index_get(void);

#endif
