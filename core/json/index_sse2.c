/* The first pass with SSE2, which every x86-64 has: four vectors of 16 bytes a block. Any thread. */
#ifdef __SSE2__
#include <emmintrin.h>

#include "core/json/index.h"

struct block {
    __m128i a, b, c, d;
};

static inline struct block block_load(const char *p)
{
    const __m128i *at = (const __m128i *)(const void *)p;
    return (struct block){_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2),
                          _mm_loadu_si128(at + 3)};
}

static inline uint64_t bits(__m128i a, __m128i b, __m128i c, __m128i d)
{
    /* Through unsigned: a mask of int would be sign-extended. */
    uint64_t low = (unsigned)_mm_movemask_epi8(a) | (unsigned)_mm_movemask_epi8(b) << 16;
    uint64_t high = (unsigned)_mm_movemask_epi8(c) | (unsigned)_mm_movemask_epi8(d) << 16;
    return low | high << 32;
}

static inline uint64_t equal(const struct block *b, char c)
{
    __m128i x = _mm_set1_epi8(c);
    return bits(_mm_cmpeq_epi8(b->a, x), _mm_cmpeq_epi8(b->b, x), _mm_cmpeq_epi8(b->c, x), _mm_cmpeq_epi8(b->d, x));
}

static inline uint64_t block_quotes(const struct block *b)
{
    return equal(b, '"');
}

static inline uint64_t block_blanks(const struct block *b)
{
    return equal(b, ' ');
}

/* Bit 0x20 is all that tells [] from {}. Comma and colon are compared as they are: 0x0C and 0x1A would fold to them. */
static inline __m128i structure(__m128i v)
{
    __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
    __m128i brackets =
        _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')), _mm_cmpeq_epi8(v, _mm_set1_epi8(':')));
    return _mm_or_si128(brackets, marks);
}

static inline uint64_t block_structure(const struct block *b)
{
    return bits(structure(b->a), structure(b->b), structure(b->c), structure(b->d));
}

/* As signed bytes, control characters and non-ASCII are what is below 0x20. */
static inline __m128i unusual(__m128i v)
{
    return _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}

static inline bool block_is_rare(const struct block *b)
{
    __m128i any = _mm_or_si128(_mm_or_si128(unusual(b->a), unusual(b->b)), _mm_or_si128(unusual(b->c), unusual(b->d)));
    return _mm_movemask_epi8(any) != 0;
}

static inline struct rare block_rare(const struct block *b)
{
    __m128i low = _mm_set1_epi8(0x20);
    uint64_t high = bits(b->a, b->b, b->c, b->d);
    uint64_t below = bits(_mm_cmplt_epi8(b->a, low), _mm_cmplt_epi8(b->b, low), _mm_cmplt_epi8(b->c, low),
                          _mm_cmplt_epi8(b->d, low));
    uint64_t control = below & ~high;
    return (struct rare){
        .backslash = equal(b, '\\'),
        .control = control,
        .blank = control ? equal(b, '\t') | equal(b, '\n') | equal(b, '\r') : 0,
        .high = high,
    };
}

static inline uint64_t less(const struct block *b, int limit)
{
    __m128i x = _mm_set1_epi8((char)limit); /* as signed bytes: 80..FF are below 00..7F */
    return bits(_mm_cmplt_epi8(b->a, x), _mm_cmplt_epi8(b->b, x), _mm_cmplt_epi8(b->c, x), _mm_cmplt_epi8(b->d, x));
}

/* The bytes that go on with a code point of the block before: bits 0, 1, 2. */
static inline uint64_t goes_on_from(const char *before)
{
    unsigned char third = (unsigned char)before[13], second = (unsigned char)before[14];
    unsigned char last = (unsigned char)before[15];
    uint64_t count = last >= 0xf0 ? 3 : last >= 0xe0 ? 2 : last >= 0xc0;
    if (second >= 0xe0 && count == 0)
        count = second >= 0xf0 ? 2 : 1;
    if (third >= 0xf0 && count == 0)
        count = 1;
    return ((uint64_t)1 << count) - 1;
}

/* By one mask per class of bytes; the look-up method (index_utf8.h) needs a shuffle of bytes. The bytes 80..BF must
 * stand behind leads, exactly, and behind four of the leads the first of them is limited (RFC 3629, section 4). */
static inline bool block_is_utf8(const struct block *b, const char *before)
{
    uint64_t high = bits(b->a, b->b, b->c, b->d);
    uint64_t below_90 = less(b, 0x90), below_a0 = less(b, 0xa0), below_c0 = less(b, 0xc0), below_c2 = less(b, 0xc2);
    uint64_t below_e0 = less(b, 0xe0), below_f0 = less(b, 0xf0), below_f5 = less(b, 0xf5);
    uint64_t must_go_on = (high & ~below_c0) << 1 | (high & ~below_e0) << 2 | (high & ~below_f0) << 3;
    if (before)
        must_go_on |= goes_on_from(before);
    uint64_t wrong = (below_c0 ^ must_go_on) | (below_c2 & ~below_c0) | (high & ~below_f5);
    wrong |= equal(b, (char)0xe0) << 1 & below_a0;
    wrong |= equal(b, (char)0xed) << 1 & ~below_a0;
    wrong |= equal(b, (char)0xf0) << 1 & below_90;
    wrong |= equal(b, (char)0xf4) << 1 & ~below_90;
    return wrong == 0;
}

#define prefix_xor prefix_xor_by_shifts
#define put_tokens put_tokens_one_by_one
#include "core/json/index_body.h"

void json_index_sse2(struct json_index *index, struct vx_span text)
{
    index_blocks(index, text);
}
#endif
