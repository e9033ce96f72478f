/* The first pass with AVX2: two vectors of 32 bytes a block. Any thread. Compiled with -mavx2 -mpclmul -mbmi -mpopcnt.
 */
#ifdef __AVX2__
#include <immintrin.h>

#include "core/json/index.h"
#include "core/json/index_utf8.h"

struct block {
    __m256i low, high;
};

static inline struct block block_load(const char *p)
{
    const __m256i *at = (const __m256i *)(const void *)p;
    return (struct block){_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}

static inline uint64_t bits(__m256i low, __m256i high)
{
    /* Through unsigned: a mask of int would be sign-extended. */
    return (unsigned)_mm256_movemask_epi8(low) | (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

static inline uint64_t equal(const struct block *b, char c)
{
    __m256i x = _mm256_set1_epi8(c);
    return bits(_mm256_cmpeq_epi8(b->low, x), _mm256_cmpeq_epi8(b->high, x));
}

static inline uint64_t block_quotes(const struct block *b)
{
    return equal(b, '"');
}

static inline uint64_t block_blanks(const struct block *b)
{
    return equal(b, ' ');
}

/* The same 16 bytes in both halves of a vector, which is what a shuffle of bytes looks up in. */
static inline __m256i table(__m128i entries)
{
    return _mm256_broadcastsi128_si256(entries);
}

/* Of the structural characters the lower half of the byte tells which it is, when bit 0x20 is set ([] become {}). 0x0C
 * and 0x1A become comma and colon by that; the loop takes control characters out. */
static inline __m256i structure(__m256i v)
{
    const __m256i marks = table(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    return _mm256_cmpeq_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_shuffle_epi8(marks, v));
}

static inline uint64_t block_structure(const struct block *b)
{
    return bits(structure(b->low), structure(b->high));
}

/* As signed bytes, control characters and non-ASCII are what is below 0x20. */
static inline __m256i below_space(__m256i v)
{
    return _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v);
}

static inline bool block_is_rare(const struct block *b)
{
    const __m256i backslash = _mm256_set1_epi8('\\');
    __m256i low = _mm256_or_si256(below_space(b->low), _mm256_cmpeq_epi8(b->low, backslash));
    __m256i high = _mm256_or_si256(below_space(b->high), _mm256_cmpeq_epi8(b->high, backslash));
    return _mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0;
}

static inline struct rare block_rare(const struct block *b)
{
    uint64_t high = bits(b->low, b->high);
    uint64_t control = bits(below_space(b->low), below_space(b->high)) & ~high;
    return (struct rare){
        .backslash = equal(b, '\\'),
        .control = control,
        .blank = control ? equal(b, '\t') | equal(b, '\n') | equal(b, '\r') : 0,
        .high = high,
    };
}

/* `v` moved up by n bytes, with the last ones of the vector before it in front. */
#define BEHIND(v, before, n) _mm256_alignr_epi8(v, _mm256_permute2x128_si256(before, v, 0x21), 16 - (n))

static inline __m256i look_up(const uint8_t entries[16], __m256i halves)
{
    return _mm256_shuffle_epi8(table(_mm_loadu_si128((const __m128i *)(const void *)entries)), halves);
}

/* Not zero where a byte does not fit those before it. */
static inline __m256i utf8_errors(__m256i v, __m256i before)
{
    const __m256i half = _mm256_set1_epi8(0x0f);
    __m256i first = BEHIND(v, before, 1);
    __m256i errors = look_up(utf8_by_first_high, _mm256_and_si256(_mm256_srli_epi16(first, 4), half));
    errors = _mm256_and_si256(errors, look_up(utf8_by_first_low, _mm256_and_si256(first, half)));
    errors = _mm256_and_si256(errors, look_up(utf8_by_second_high, _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));
    /* Bit 7 where a code point of three or four bytes began two or three before: there two that go on are right, and
     * must be. */
    __m256i third = _mm256_subs_epu8(BEHIND(v, before, 2), _mm256_set1_epi8(0xe0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(BEHIND(v, before, 3), _mm256_set1_epi8(0xf0 - 0x80));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(errors, must);
}

static inline bool block_is_utf8(const struct block *b, const char *before)
{
    __m256i last = _mm256_setzero_si256();
    if (before)
        last = _mm256_inserti128_si256(last, _mm_loadu_si128((const __m128i *)(const void *)before), 1);
    __m256i errors = _mm256_or_si256(utf8_errors(b->low, last), utf8_errors(b->high, b->low));
    return _mm256_testz_si256(errors, errors);
}

static inline uint64_t prefix_xor(uint64_t m)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)m), _mm_set1_epi8(-1), 0));
}

/* Of a byte of a mask: the numbers of its bits, one a byte. */
#define AT(m, i, above) ((above) << (8 * ((m) >> (i)&1)) | (uint64_t)(i) * ((m) >> (i)&1))
#define ROW(m) AT(m, 0, AT(m, 1, AT(m, 2, AT(m, 3, AT(m, 4, AT(m, 5, AT(m, 6, AT(m, 7, (uint64_t)0))))))))
#define ROWS_4(m) ROW(m), ROW((m) + 1), ROW((m) + 2), ROW((m) + 3)
#define ROWS_16(m) ROWS_4(m), ROWS_4((m) + 4), ROWS_4((m) + 8), ROWS_4((m) + 12)
#define ROWS_64(m) ROWS_16(m), ROWS_16((m) + 16), ROWS_16((m) + 32), ROWS_16((m) + 48)
static const uint64_t rows[256] = {ROWS_64(0), ROWS_64(64), ROWS_64(128), ROWS_64(192)};

/* A loop that ends where the bits do is mispredicted once a block. Up to eight are cheapest written as if they were
 * eight; more, eight bits of the mask at a time by table, all of them: where each eight go follows from the sums of the
 * bytes' counts, so that none waits for the one before. */
static inline uint32_t *put_tokens(uint32_t *to, uint32_t base, uint64_t bits)
{
    unsigned count = (unsigned)__builtin_popcountll(bits);
    if (count <= 8) {
        for (unsigned i = 0; i < 8; i++) {
            to[i] = base + (uint32_t)_tzcnt_u64(bits); /* 64 where there is none */
            bits = _blsr_u64(bits);
        }
        return to + count;
    }
    uint64_t sums = bits - (bits >> 1 & 0x5555555555555555);
    sums = (sums & 0x3333333333333333) + (sums >> 2 & 0x3333333333333333);
    sums = ((sums + (sums >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101;
    __m256i from = _mm256_set1_epi32((int)base);
    uint32_t *at = to;
    for (unsigned i = 0; i < BLOCK_BYTES; i += 8) {
        const void *row = &rows[bits >> i & 0xff];
        __m256i numbers = _mm256_cvtepu8_epi32(_mm_loadl_epi64(row));
        _mm256_storeu_si256((__m256i *)(void *)at, _mm256_add_epi32(numbers, from));
        from = _mm256_add_epi32(from, _mm256_set1_epi32(8));
        at = to + (sums >> i & 0xff);
    }
    return to + count;
}

#include "core/json/index_body.h"

void json_index_avx2(struct json_index *index, struct vx_span text)
{
    index_blocks(index, text);
}
#endif
