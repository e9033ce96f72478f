/* The loop of the first pass, the same for every instruction set: included by index_<isa>.c, which defines before
 *
 *     struct block                              64 bytes of text, loaded
 *     struct block block_load(const char *p)
 *     uint64_t block_quotes(const struct block *b)   one bit per byte, bit 0 is the first
 *     uint64_t block_structure(const struct block *b)   {}[]:, and perhaps some control characters
 *     uint64_t block_blanks(const struct block *b)   the space only
 *     bool block_is_rare(const struct block *b)      has a backslash, a control character (\t \r \n too) or non-ASCII
 *     struct rare block_rare(const struct block *b)
 *     bool block_is_utf8(const struct block *b, const char *before)   of the code points that it shows wholly; 16 bytes
 *                                                    stand at `before`, NULL in the first block. It may always say no:
 *                                                    then they are looked at one by one, which finds the place too
 *     uint64_t prefix_xor(uint64_t m)                bit n is the xor of bits 0..n
 *     uint32_t *put_tokens(uint32_t *to, uint32_t base, uint64_t bits)   base + n for every bit n; what is behind them.
 *                                                    May write up to 64 in all
 *
 * Most blocks are not rare: then only quotes, structure and spaces matter.
 */
#ifndef VX_JSON_INDEX_BODY_H
#define VX_JSON_INDEX_BODY_H

#include "core/base/utf8.h"
#include "core/json/index.h"
#include "core/json/text.h"

/* How far ahead memory is fetched, also behind the text: events of a batch stand one behind the other, and the processor,
 * which fetches ahead by itself, gives up while rules are searched. */
enum { AHEAD_BYTES = 1024 };

/* A first pass under way. */
struct pass {
    struct vx_span text;
    size_t base;       /* offset of the block in hand */
    size_t escape_end; /* offset behind the last escaped byte */
    size_t fault;
    bool escapes;
};

static inline void lower(size_t *fault, size_t at)
{
    if (at < *fault)
        *fault = at;
}

/* Checks every escape that begins in this block. Returns the bits of the escaped bytes. */
static inline uint64_t check_escapes(struct pass *pass, uint64_t backslash)
{
    const char *text = pass->text.at, *end = text + pass->text.len;
    uint64_t escaped = pass->escape_end > pass->base; /* the last byte of the block before was a backslash */
    for (; backslash; backslash &= backslash - 1) {
        size_t at = pass->base + (size_t)__builtin_ctzll(backslash);
        if (at < pass->escape_end)
            continue; /* itself escaped */
        if (!json_escape_valid(text + at, end))
            lower(&pass->fault, at);
        pass->escape_end = at + 2;
        if (at + 1 - pass->base < BLOCK_BYTES)
            escaped |= (uint64_t)1 << (at + 1 - pass->base);
    }
    return escaped;
}

/* Where the code point ends that began in the block before and reaches into the one at `base`, or `base`. All before is
 * sound. */
static inline size_t code_point_end(const char *text, size_t base)
{
    for (size_t at = base; at > 0 && base - at < 3;) {
        unsigned char c = (unsigned char)text[--at];
        size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        if (c < 0x80 || c >= 0xc0)
            return at + len > base ? at + len : base;
    }
    return base;
}

/* Checks every code point that begins in this block; `high` are its non-ASCII bytes. */
static inline void check_utf8(struct pass *pass, const struct block *b, uint64_t high)
{
    enum { LAST = 3 }; /* where a code point can begin that ends behind the block */
    const char *text = pass->text.at, *end = text + pass->text.len;
    size_t behind = high & 1 ? code_point_end(text, pass->base) : 0;
    if (block_is_utf8(b, pass->base ? text + pass->base - 16 : NULL)) {
        high &= ~(uint64_t)0 << (BLOCK_BYTES - LAST);
        while (high && (unsigned char)text[pass->base + (size_t)__builtin_ctzll(high)] < 0xc0)
            high &= high - 1;
    }
    for (int len; high; high &= high - 1) {
        size_t at = pass->base + (size_t)__builtin_ctzll(high);
        if (at < behind)
            continue; /* inside a code point already checked */
        if (vx_utf8_decode(text + at, end, &len) < 0) {
            lower(&pass->fault, at);
            return;
        }
        behind = at + (size_t)len;
    }
}

/* What a rare block has beside quotes, structure and spaces. */
struct unusual {
    uint64_t escaped;
    uint64_t blanks;
    uint64_t controls;
};

/* Out of line, with the block at `p` loaded again: so the common way keeps its registers. */
static __attribute__((noinline)) struct unusual check_rare(struct pass *pass, const char *p)
{
    struct block b = block_load(p);
    struct rare rare = block_rare(&b);
    struct unusual unusual = {check_escapes(pass, rare.backslash), rare.blank, rare.control};
    pass->escapes |= rare.backslash != 0;
    if (rare.high)
        check_utf8(pass, &b, rare.high);
    return unusual;
}

static inline void index_blocks(struct json_index *index, struct vx_span text)
{
    struct pass pass = {.text = text, .fault = JSON_NO_FAULT};
    uint64_t in_string = 0;  /* all ones when the block before ended inside a string */
    uint64_t scalar_end = 0; /* 1 when its last byte belongs to a scalar */
    uint32_t *to = index->tokens;
    char tail[BLOCK_BYTES];
    for (size_t base = 0; base < text.len; base += BLOCK_BYTES) {
        const char *p = text.at + base;
        __builtin_prefetch((const void *)((uintptr_t)p + AHEAD_BYTES));
        if (text.len - base < BLOCK_BYTES) {
            memset(tail, ' ', BLOCK_BYTES);
            p = memcpy(tail, p, text.len - base);
        }
        struct block b = block_load(p);
        uint64_t quotes = block_quotes(&b);
        bool rare = block_is_rare(&b) || pass.escape_end > base;
        if (in_string && !quotes && !rare)
            continue;
        struct unusual unusual = {0};
        if (rare) {
            pass.base = base;
            unusual = check_rare(&pass, p);
            quotes &= ~unusual.escaped;
        }
        uint64_t string = prefix_xor(quotes) ^ in_string;
        uint64_t structure = block_structure(&b) & ~(string | unusual.controls);
        uint64_t scalar = ~(structure | block_blanks(&b) | unusual.blanks | quotes | string);
        uint64_t tokens = structure | (quotes & string) | (scalar & ~(scalar << 1 | scalar_end));
        in_string = string >> 63 ? ~(uint64_t)0 : 0;
        scalar_end = scalar >> 63;
        if (rare) {
            if (unusual.controls & string)
                lower(&pass.fault, base + (size_t)__builtin_ctzll(unusual.controls & string));
            if (pass.fault != JSON_NO_FAULT) { /* it is in this block */
                to = put_tokens(to, (uint32_t)base, tokens & (((uint64_t)1 << (pass.fault - base)) - 1));
                break;
            }
        }
        to = put_tokens(to, (uint32_t)base, tokens);
    }
    if (in_string && pass.fault == JSON_NO_FAULT)
        pass.fault = text.len;
    index->escapes = pass.escapes;
    index->count = (size_t)(to - index->tokens);
    index->fault = pass.fault;
    *to = (uint32_t)(pass.fault == JSON_NO_FAULT ? text.len : pass.fault);
}

#endif
