/* Looking inside JSON text that json_scan() has accepted. Pure functions, any thread; nothing is kept between calls.
 *
 * The text is trusted to be JSON, but no loop trusts it to end: every step is bounded by the container's last byte, so
 * that a wrong value is the worst that a wrong text can cause. */
#include "core/json/value.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/base/err.h"
#include "core/json/text.h"

/* The first quote or backslash at or behind `p`, or `end`. */
static inline const char *find_mark(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        unsigned bits = (unsigned)_mm_movemask_epi8(marks);
        if (bits)
            return p + __builtin_ctz(bits);
    }
#endif
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* The closing quote of the string whose text begins at `p`, or `end`. */
static inline const char *string_end(const char *p, const char *end, bool *escaped)
{
    *escaped = false;
    for (;;) {
        p = find_mark(p, end);
        if (p >= end || *p == '"')
            return p;
        *escaped = true;
        p = end - p > 2 ? p + 2 : end;
    }
}

/* The first quote or bracket at or behind `p`, or `end`. Bit 0x20 is all that tells [] from {}. */
static inline const char *find_edge(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
        __m128i edges = _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
        edges = _mm_or_si128(edges, _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
        unsigned bits = (unsigned)_mm_movemask_epi8(edges);
        if (bits)
            return p + __builtin_ctz(bits);
    }
#endif
    while (p < end && *p != '"' && (*p | 0x20) != '{' && (*p | 0x20) != '}')
        p++;
    return p;
}

/* Behind the container that opens at `p`, or `end`. */
static const char *container_end(const char *p, const char *end)
{
    size_t depth = 0;
    bool escaped;
    while ((p = find_edge(p, end)) < end) {
        if (*p == '"') {
            p = string_end(p + 1, end, &escaped);
            if (p < end)
                p++;
        } else if ((*p++ | 0x20) == '{') {
            depth++;
        } else if (--depth == 0) {
            return p;
        }
    }
    return end;
}

/* Behind the number at `p`, or `end`. */
static inline const char *number_end(const char *p, const char *end, enum json_kind *kind)
{
    *kind = JSON_KIND_INT;
    if (*p == '-')
        p++;
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
        __m128i letter = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('e'));
        __m128i point = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('.')), letter);
        __m128i sign = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('+')), _mm_cmpeq_epi8(v, _mm_set1_epi8('-')));
        digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
        unsigned points = (unsigned)_mm_movemask_epi8(point);
        unsigned ends = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(digit, sign), point));
        unsigned len = (unsigned)__builtin_ctz(ends);
        if (points & ((1u << len) - 1))
            *kind = JSON_KIND_DOUBLE;
        if (len < 16)
            return p + len;
    }
#endif
    for (; p < end && !json_ends_scalar(*p); p++)
        if (*p == '.' || *p == 'e' || *p == 'E')
            *kind = JSON_KIND_DOUBLE;
    return p;
}

/* Behind the number or literal at `p`, or `end`. */
static inline const char *scalar_end(const char *p, const char *end, enum json_kind *kind)
{
    static const uint8_t literals[256] = {['n'] = JSON_KIND_NULL, ['t'] = JSON_KIND_TRUE, ['f'] = JSON_KIND_FALSE};
    *kind = (enum json_kind)literals[(unsigned char)*p];
    if (*kind == JSON_KIND_MISSING)
        return number_end(p, end, kind);
    while (p < end && !json_ends_scalar(*p))
        p++;
    return p;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && json_class(*p) == JSON_BLANK)
        p++;
    return p;
}

/* Reads the value at `p` (p < end) and returns what is behind it. */
static const char *read_value(const char *p, const char *end, struct json_value *v)
{
    const char *behind;
    enum json_kind kind;
    *v = (struct json_value){.at = p};
    if (*p == '"') {
        kind = JSON_KIND_STRING;
        v->at = p + 1;
        behind = string_end(p + 1, end, &v->escaped);
        v->len = (uint32_t)(behind - v->at);
        behind += behind < end;
    } else {
        if (json_class(*p) == JSON_OPEN) {
            kind = *p == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
            behind = container_end(p, end);
        } else {
            behind = scalar_end(p, end, &kind);
        }
        v->len = (uint32_t)(behind - p);
    }
    v->kind = (uint8_t)kind;
    return behind;
}

struct json_iter json_iter(struct json_value container)
{
    struct json_iter it = {.object = container.kind == JSON_KIND_OBJECT};
    if ((it.object || container.kind == JSON_KIND_ARRAY) && container.len >= 2) {
        it.at = container.at + 1;
        it.end = container.at + container.len - 1;
    }
    return it;
}

bool json_next(struct json_iter *it)
{
    const char *p = skip_blanks(it->at, it->end);
    if (p < it->end && *p == ',')
        p = skip_blanks(p + 1, it->end);
    if (p >= it->end)
        return false;
    if (it->object) {
        p = skip_blanks(read_value(p, it->end, &it->key), it->end);
        if (p < it->end && *p == ':')
            p = skip_blanks(p + 1, it->end);
        if (it->key.kind != JSON_KIND_STRING || p >= it->end)
            return false;
    }
    it->at = read_value(p, it->end, &it->value);
    return it->at > p;
}

struct json_value json_member(struct json_value object, struct vx_span key)
{
    struct json_value found = {.kind = JSON_KIND_MISSING};
    if (object.kind != JSON_KIND_OBJECT)
        return found;
    struct json_iter it = json_iter(object);
    while (json_next(&it))
        if (json_string_equal(it.key, key))
            found = it.value;
    return found;
}

struct json_value json_element(struct json_value array, size_t index)
{
    if (array.kind == JSON_KIND_ARRAY) {
        struct json_iter it = json_iter(array);
        for (size_t i = 0; json_next(&it); i++)
            if (i == index)
                return it.value;
    }
    return (struct json_value){.kind = JSON_KIND_MISSING};
}

/* Byte order of the unescaped texts. */
static int compare_keys(const struct json_value *a, const struct json_value *b)
{
    if (!a->escaped && !b->escaped)
        return vx_span_compare(vx_span(a->at, a->len), vx_span(b->at, b->len));
    const char *p = a->at, *p_end = p + a->len, *q = b->at, *q_end = q + b->len;
    char p_text[4], q_text[4];
    int p_len = 0, q_len = 0, p_done = 0, q_done = 0;
    for (;;) {
        if (p_done == p_len)
            p_done = 0, p_len = p < p_end ? json_decode(&p, p_end, p_text) : 0;
        if (q_done == q_len)
            q_done = 0, q_len = q < q_end ? json_decode(&q, q_end, q_text) : 0;
        if (!p_len || !q_len)
            return (p_len > 0) - (q_len > 0);
        int c = (unsigned char)p_text[p_done++] - (unsigned char)q_text[q_done++];
        if (c)
            return c;
    }
}

static void sift_down(struct json_value *keys, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare_keys(&keys[child], &keys[child + 1]) < 0)
            child++;
        if (compare_keys(&keys[root], &keys[child]) >= 0)
            return;
        struct json_value swap = keys[root];
        keys[root] = keys[child];
        keys[child] = swap;
    }
}

/* Heapsort (Williams 1964): in place, while qsort() may ask for memory. */
static void sort_keys(struct json_value *keys, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(keys, i, count);
    for (size_t end = count; end-- > 1;) {
        struct json_value swap = keys[0];
        keys[0] = keys[end];
        keys[end] = swap;
        sift_down(keys, 0, end);
    }
}

/* Distinct keys of an object of `count` members: sorted, because comparing each with each would let one event of many
 * keys stall its worker. */
static size_t count_distinct(struct json_value object, size_t count, struct vx_arena *scratch)
{
    enum { FEW = 32 };
    struct json_value few[FEW], *keys = count <= FEW ? few : VX_ARENA_ARRAY(scratch, struct json_value, count);
    struct json_iter it = json_iter(object);
    size_t n = 0;
    while (n < count && json_next(&it))
        keys[n++] = it.key;
    sort_keys(keys, n);
    size_t distinct = n > 0;
    for (size_t i = 1; i < n; i++)
        distinct += compare_keys(&keys[i - 1], &keys[i]) != 0;
    return distinct;
}

size_t json_count(struct json_value container, struct vx_arena *scratch)
{
    size_t count = 0;
    struct json_iter it = json_iter(container);
    while (json_next(&it))
        count++;
    return container.kind == JSON_KIND_OBJECT && count > 1 ? count_distinct(container, count, scratch) : count;
}

const uint64_t *json_last_keys(struct json_value object, struct vx_arena *scratch)
{
    struct json_iter it = json_iter(object);
    size_t n = 0, members = 0;
    while (json_next(&it))
        members++;
    struct json_value *keys = VX_ARENA_ARRAY(scratch, struct json_value, members);
    uint64_t *last = VX_ARENA_ARRAY(scratch, uint64_t, object.len / 64 + 1);
    for (it = json_iter(object); n < members && json_next(&it);)
        keys[n++] = it.key;
    sort_keys(keys, n);
    for (size_t i = 0, next; i < n; i = next) { /* equal keys stand together, in any order */
        const char *at = keys[i].at;
        for (next = i + 1; next < n && compare_keys(&keys[i], &keys[next]) == 0; next++)
            at = keys[next].at > at ? keys[next].at : at;
        last[(size_t)(at - object.at) / 64] |= (uint64_t)1 << (size_t)(at - object.at) % 64;
    }
    return last;
}

struct vx_span json_unescape(struct json_value string, struct vx_arena *arena)
{
    if (!string.escaped)
        return vx_span(string.at, string.len);
    char *text = vx_arena_bytes(arena, string.len);
    return vx_span(text, json_decode_all(string.at, string.at + string.len, text));
}

bool json_string_equal(struct json_value string, struct vx_span text)
{
    if (!string.escaped)
        return vx_span_equal(vx_span(string.at, string.len), text);
    const char *p = string.at, *end = p + string.len;
    size_t done = 0;
    while (p < end) {
        char c[4];
        size_t len = (size_t)json_decode(&p, end, c);
        if (text.len - done < len || memcmp(text.at + done, c, len) != 0)
            return false;
        done += len;
    }
    return done == text.len;
}
