/* The first pass with SSE2, which every x86-64 has: four vectors of 16 bytes a block. Any thread. */
#ifdef __SSE2__
#include <emmintrin.h>

#include "core/json/index.h"

struct block {
    __m128i v[4];
};

static inline struct block block_load(const char *p)
{
    const __m128i *at = (const __m128i *)(const void *)p;
    return (struct block){
        {_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2), _mm_loadu_si128(at + 3)}};
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
    return bits(_mm_cmpeq_epi8(b->v[0], x), _mm_cmpeq_epi8(b->v[1], x), _mm_cmpeq_epi8(b->v[2], x),
                _mm_cmpeq_epi8(b->v[3], x));
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
    return bits(structure(b->v[0]), structure(b->v[1]), structure(b->v[2]), structure(b->v[3]));
}

/* As signed bytes, control characters and non-ASCII are what is below 0x20. */
static inline __m128i unusual(__m128i v)
{
    return _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}

static inline bool block_is_rare(const struct block *b)
{
    __m128i any = _mm_or_si128(_mm_or_si128(unusual(b->v[0]), unusual(b->v[1])),
                               _mm_or_si128(unusual(b->v[2]), unusual(b->v[3])));
    return _mm_movemask_epi8(any) != 0;
}

static inline struct rare block_rare(const struct block *b)
{
    __m128i low = _mm_set1_epi8(0x20);
    uint64_t high = bits(b->v[0], b->v[1], b->v[2], b->v[3]);
    uint64_t below = bits(_mm_cmplt_epi8(b->v[0], low), _mm_cmplt_epi8(b->v[1], low), _mm_cmplt_epi8(b->v[2], low),
                          _mm_cmplt_epi8(b->v[3], low));
    uint64_t control = below & ~high;
    return (struct rare){
        .backslash = equal(b, '\\'),
        .control = control,
        .blank = control ? equal(b, '\t') | equal(b, '\n') | equal(b, '\r') : 0,
        .high = high,
    };
}

#include "core/json/index_body.h"

void json_index_sse2(struct json_index *index, struct vx_span text)
{
    index_blocks(index, text);
}
#endif
