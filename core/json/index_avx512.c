/* The first pass with AVX-512 and VBMI2: one vector a block, masks as they come. Any thread. Compiled with -mavx512bw
 * -mavx512vbmi2 -mpclmul -mbmi -mpopcnt.
 *
 * What pays is the list of tokens: the positions 0..63 that a mask names come together in one instruction, without a
 * loop whose end is mispredicted. */
#if defined __AVX512BW__ && defined __AVX512VBMI2__
#include <immintrin.h>

#include "core/json/index.h"
#include "core/json/index_utf8.h"

struct block {
    __m512i v;
};

static inline struct block block_load(const char *p)
{
    return (struct block){_mm512_loadu_si512(p)};
}

static inline uint64_t equal(const struct block *b, char c)
{
    return _mm512_cmpeq_epi8_mask(b->v, _mm512_set1_epi8(c));
}

static inline uint64_t block_quotes(const struct block *b)
{
    return equal(b, '"');
}

static inline uint64_t block_blanks(const struct block *b)
{
    return equal(b, ' ');
}

static inline uint64_t block_structure(const struct block *b)
{
    const __m512i marks = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    return _mm512_cmpeq_epi8_mask(_mm512_or_si512(b->v, _mm512_set1_epi8(0x20)), _mm512_shuffle_epi8(marks, b->v));
}

static inline uint64_t below_space(const struct block *b)
{
    return _mm512_cmplt_epi8_mask(b->v, _mm512_set1_epi8(0x20));
}

static inline bool block_is_rare(const struct block *b)
{
    return (below_space(b) | equal(b, '\\')) != 0;
}

static inline struct rare block_rare(const struct block *b)
{
    uint64_t high = _mm512_movepi8_mask(b->v), control = below_space(b) & ~high;
    return (struct rare){
        .backslash = equal(b, '\\'),
        .control = control,
        .blank = control ? equal(b, '\t') | equal(b, '\n') | equal(b, '\r') : 0,
        .high = high,
    };
}

/* `v` moved up by n bytes, with the last ones of the vector before it in front. */
#define BEHIND(v, before, n) _mm512_alignr_epi8(v, _mm512_alignr_epi64(v, before, 6), 16 - (n))

static inline __m512i look_up(const uint8_t entries[16], __m512i halves)
{
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)entries)), halves);
}

static inline bool block_is_utf8(const struct block *b, const char *before)
{
    const __m512i half = _mm512_set1_epi8(0x0f);
    __m512i v = b->v, last = _mm512_setzero_si512();
    if (before)
        last = _mm512_inserti32x4(last, _mm_loadu_si128((const __m128i *)(const void *)before), 3);
    __m512i first = BEHIND(v, last, 1);
    __m512i errors = look_up(utf8_by_first_high, _mm512_and_si512(_mm512_srli_epi16(first, 4), half));
    errors = _mm512_and_si512(errors, look_up(utf8_by_first_low, _mm512_and_si512(first, half)));
    errors = _mm512_and_si512(errors, look_up(utf8_by_second_high, _mm512_and_si512(_mm512_srli_epi16(v, 4), half)));
    /* Bit 7 where a code point of three or four bytes began two or three before: there two that go on are right, and
     * must be. */
    __m512i third = _mm512_subs_epu8(BEHIND(v, last, 2), _mm512_set1_epi8(0xe0 - 0x80));
    __m512i fourth = _mm512_subs_epu8(BEHIND(v, last, 3), _mm512_set1_epi8(0xf0 - 0x80));
    __m512i must = _mm512_and_si512(_mm512_or_si512(third, fourth), _mm512_set1_epi8((char)0x80));
    return _mm512_cmpneq_epi8_mask(errors, must) == 0;
}

static inline uint64_t prefix_xor(uint64_t m)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)m), _mm_set1_epi8(-1), 0));
}

static inline void put_sixteen(uint32_t *to, __m512i base, __m128i at)
{
    _mm512_storeu_si512(to, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(at)));
}

static inline uint32_t *put_tokens(uint32_t *to, uint32_t base, uint64_t bits)
{
    static const uint8_t numbers[BLOCK_BYTES] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                                 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                                 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i at = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(numbers)), from = _mm512_set1_epi32((int)base);
    int count = __builtin_popcountll(bits);
    put_sixteen(to, from, _mm512_castsi512_si128(at));
    if (count > 16) {
        put_sixteen(to + 16, from, _mm512_extracti32x4_epi32(at, 1));
        if (count > 32) {
            put_sixteen(to + 32, from, _mm512_extracti32x4_epi32(at, 2));
            put_sixteen(to + 48, from, _mm512_extracti32x4_epi32(at, 3));
        }
    }
    return to + count;
}

#include "core/json/index_body.h"

void json_index_avx512(struct json_index *index, struct vx_span text)
{
    index_blocks(index, text);
}
#endif
