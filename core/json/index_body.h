/* The loop of the first pass, the same for every instruction set: included by index_<isa>.c, which defines before
 *
 *     struct block                              64 bytes of text, loaded
 *     struct block block_load(const char *p)
 *     uint64_t block_quotes(const struct block *b)   one bit per byte, bit 0 is the first
 *     uint64_t block_structure(const struct block *b)   {}[]:,
 *     uint64_t block_blanks(const struct block *b)   the space only
 *     bool block_is_rare(const struct block *b)      has a backslash, a control character (\t \r \n too) or non-ASCII
 *     struct rare block_rare(const struct block *b)
 *
 * Most blocks are not rare: then only quotes, structure and spaces matter. The rest is looked at byte by byte, but only
 * the bytes that are unusual.
 */
#ifndef VX_JSON_INDEX_BODY_H
#define VX_JSON_INDEX_BODY_H

#include "core/base/utf8.h"
#include "core/json/index.h"
#include "core/json/text.h"

/* What a block leaves to the next one. */
struct carry {
    uint64_t in_string; /* all ones when the block ended inside a string */
    uint64_t scalar;    /* 1 when its last byte belongs to a scalar */
    size_t escape_end;  /* offset behind the last escaped byte */
    size_t utf8_end;    /* offset behind the last checked code point */
};

/* Bit n is the xor of bits 0..n: between an opening quote (inclusive) and its closing one (exclusive) it is 1. */
static inline uint64_t prefix_xor(uint64_t m)
{
    m ^= m << 1;
    m ^= m << 2;
    m ^= m << 4;
    m ^= m << 8;
    m ^= m << 16;
    m ^= m << 32;
    return m;
}

static inline void lower(size_t *fault, size_t at)
{
    if (at < *fault)
        *fault = at;
}

/* Checks every escape that begins in this block. Returns the bits of the escaped bytes. */
static uint64_t check_escapes(struct vx_span text, size_t base, uint64_t backslash, struct carry *carry, size_t *fault)
{
    uint64_t escaped = carry->escape_end > base; /* the last byte of the block before was a backslash */
    for (; backslash; backslash &= backslash - 1) {
        size_t at = base + (size_t)__builtin_ctzll(backslash);
        if (at < carry->escape_end)
            continue; /* itself escaped */
        if (!json_escape_valid(text.at + at, text.at + text.len))
            lower(fault, at);
        carry->escape_end = at + 2;
        if (at + 1 - base < BLOCK_BYTES)
            escaped |= (uint64_t)1 << (at + 1 - base);
    }
    return escaped;
}

/* Checks every code point that begins in this block. */
static void check_utf8(struct vx_span text, size_t base, uint64_t high, struct carry *carry, size_t *fault)
{
    for (; high; high &= high - 1) {
        size_t at = base + (size_t)__builtin_ctzll(high);
        if (at < carry->utf8_end)
            continue; /* inside a code point already checked */
        int len;
        if (vx_utf8_decode(text.at + at, text.at + text.len, &len) < 0) {
            lower(fault, at);
            return;
        }
        carry->utf8_end = at + (size_t)len;
    }
}

static inline uint32_t *add_tokens(uint32_t *to, size_t base, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        *to++ = (uint32_t)base + (uint32_t)__builtin_ctzll(bits);
    return to;
}

static inline void index_blocks(struct json_index *index, struct vx_span text)
{
    struct carry carry = {0};
    uint32_t *to = index->tokens;
    size_t fault = JSON_NO_FAULT;
    char tail[BLOCK_BYTES];
    index->escapes = false;
    for (size_t base = 0; base < text.len && fault == JSON_NO_FAULT; base += BLOCK_BYTES) {
        const char *p = text.at + base;
        if (text.len - base < BLOCK_BYTES) {
            memset(tail, ' ', BLOCK_BYTES);
            p = memcpy(tail, p, text.len - base);
        }
        struct block b = block_load(p);
        uint64_t quotes = block_quotes(&b);
        bool rare = block_is_rare(&b) || carry.escape_end > base;
        if (carry.in_string && !quotes && !rare)
            continue;
        uint64_t blanks = block_blanks(&b), controls = 0;
        if (rare) {
            struct rare r = block_rare(&b);
            quotes &= ~check_escapes(text, base, r.backslash, &carry, &fault);
            check_utf8(text, base, r.high, &carry, &fault);
            blanks |= r.blank;
            controls = r.control;
            index->escapes |= r.backslash != 0;
        }
        uint64_t string = prefix_xor(quotes) ^ carry.in_string;
        if (controls & string)
            lower(&fault, base + (size_t)__builtin_ctzll(controls & string));
        uint64_t structure = block_structure(&b) & ~string;
        uint64_t scalar = ~(structure | blanks | quotes | string);
        uint64_t tokens = structure | (quotes & string) | (scalar & ~(scalar << 1 | carry.scalar));
        if (fault != JSON_NO_FAULT) /* it is in this block */
            tokens &= ((uint64_t)1 << (fault - base)) - 1;
        to = add_tokens(to, base, tokens);
        carry.in_string = string >> 63 ? ~(uint64_t)0 : 0;
        carry.scalar = scalar >> 63;
    }
    if (carry.in_string && fault == JSON_NO_FAULT)
        fault = text.len;
    index->count = (size_t)(to - index->tokens);
    index->fault = fault;
    *to = (uint32_t)(fault == JSON_NO_FAULT ? text.len : fault);
}

#endif
