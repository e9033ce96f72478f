/* The first pass in plain C, for machines without a vector path of their own and to test the others against. Any
 * thread.
 *
 * A table gives each byte a word with one bit per class, each in a lane of 8 bits; eight bytes, shifted and or-ed, give
 * eight bits of every class at once. */
#include "core/json/index.h"

enum { QUOTE, STRUCTURE, BLANK, BACKSLASH, CONTROL, CONTROL_BLANK, HIGH, CLASS_COUNT };

struct block {
    uint64_t of[CLASS_COUNT];
};

#define LANE(class) ((uint64_t)1 << (8 * (class)))
static const uint64_t lanes[256] = {
    [0x00 ... 0x08] = LANE(CONTROL),
    ['\t'] = LANE(CONTROL) | LANE(CONTROL_BLANK),
    ['\n'] = LANE(CONTROL) | LANE(CONTROL_BLANK),
    [0x0b ... 0x0c] = LANE(CONTROL),
    ['\r'] = LANE(CONTROL) | LANE(CONTROL_BLANK),
    [0x0e ... 0x1f] = LANE(CONTROL),
    [' '] = LANE(BLANK),
    ['"'] = LANE(QUOTE),
    ['\\'] = LANE(BACKSLASH),
    [','] = LANE(STRUCTURE),
    [':'] = LANE(STRUCTURE),
    ['['] = LANE(STRUCTURE),
    [']'] = LANE(STRUCTURE),
    ['{'] = LANE(STRUCTURE),
    ['}'] = LANE(STRUCTURE),
    [0x80 ... 0xff] = LANE(HIGH),
};

static inline struct block block_load(const char *p)
{
    struct block b = {{0}};
    for (int i = 0; i < 64; i += 8) {
        uint64_t word = 0;
        for (int j = 0; j < 8; j++)
            word |= lanes[(unsigned char)p[i + j]] << j;
        for (int k = 0; k < CLASS_COUNT; k++)
            b.of[k] |= (word >> (8 * k) & 0xff) << i;
    }
    return b;
}

static inline uint64_t block_quotes(const struct block *b)
{
    return b->of[QUOTE];
}

static inline uint64_t block_structure(const struct block *b)
{
    return b->of[STRUCTURE];
}

static inline uint64_t block_blanks(const struct block *b)
{
    return b->of[BLANK];
}

static inline bool block_is_rare(const struct block *b)
{
    return (b->of[BACKSLASH] | b->of[CONTROL] | b->of[HIGH]) != 0;
}

static inline struct rare block_rare(const struct block *b)
{
    return (struct rare){
        .backslash = b->of[BACKSLASH],
        .control = b->of[CONTROL],
        .blank = b->of[CONTROL_BLANK],
        .high = b->of[HIGH],
    };
}

static inline bool block_is_utf8(const struct block *b, const char *before)
{
    (void)b, (void)before;
    return false;
}

#define prefix_xor prefix_xor_by_shifts
#define put_tokens put_tokens_one_by_one
#include "core/json/index_body.h"

void json_index_portable(struct json_index *index, struct vx_span text)
{
    index_blocks(index, text);
}
