/* Sorted keys, found in a step or two. Built on the thread that builds the table, then immutable; a worker searches.
 *
 * A binary search over ten thousand keys is a dozen steps, each a surprise to the processor and a line of memory. Most of
 * them are spared by a print of each key, a number in the same order: its leading bits say where among the prints to
 * look. Keys that share a print are left to the caller's search, so nothing is lost where prints tell little.
 *
 *     key ── 64 bits in order ── less those of the first key, cut to 32 ── leading bits ──> from[] ──> prints[] ──> keys
 */
#include "core/plan/index/index.h"

enum {
    PRINTS_MIN = 16, /* keys; fewer are found as fast without */
    WHOLE_BITS = 43, /* of a number's whole part; beyond, all have the same print */
    REST_BITS = 20,  /* of what is behind the point */
    SCAN_MAX = 8,    /* equal prints that are looked at one by one */
};

/* Wholes, then rests; a rest is between -1 and 1, but for times, where the print of all but the least is the same. */
static uint64_t print_number(const struct cel_key *key)
{
    const int64_t whole_max = ((int64_t)1 << WHOLE_BITS) - 1;
    const uint64_t rest_max = ((uint64_t)1 << REST_BITS) - 1;
    if (key->whole > whole_max)
        return UINT64_MAX;
    if (key->whole < -whole_max)
        return 0;
    double rest = (key->rest + 1) * (double)((uint64_t)1 << (REST_BITS - 1));
    uint64_t low = rest < 0 ? 0 : rest > (double)rest_max ? rest_max : (uint64_t)rest;
    return (uint64_t)(key->whole + whole_max) << REST_BITS | low;
}

/* Eight bytes behind the first `skip`. */
static uint64_t print_text(struct vx_span text, size_t skip)
{
    uint64_t print = 0;
    size_t len = text.len - skip < 8 ? text.len - skip : 8;
    if (len > 0)
        memcpy(&print, text.at + skip, len);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    print = __builtin_bswap64(print);
#endif
    return print;
}

static uint64_t print_of(const struct index_prints *p, const struct cel_key *key)
{
    return key->kind == CEL_KEY_NUMBER ? print_number(key) : print_text(key->text, p->common.len);
}

/* Of sorted strings it is what the first and the last have in common. */
static struct vx_span common_start(const struct cel_key *keys, uint32_t count)
{
    struct vx_span first = keys[0].text, last = keys[count - 1].text;
    size_t len = 0;
    while (len < first.len && len < last.len && first.at[len] == last.at[len])
        len++;
    return vx_span(first.at, len);
}

const struct index_prints *index_prints_new(struct vx_arena *arena, const struct cel_key *keys, uint32_t count)
{
    if (count < PRINTS_MIN)
        return NULL;
    struct index_prints *p = VX_ARENA_NEW(arena, struct index_prints);
    if (keys[0].kind == CEL_KEY_STRING)
        p->common = common_start(keys, count);
    p->count = count;
    p->low = print_of(p, &keys[0]);
    p->high = print_of(p, &keys[count - 1]);
    while ((p->high - p->low) >> p->cut > UINT32_MAX)
        p->cut++;
    while ((p->high - p->low) >> p->cut >> p->shift >= count)
        p->shift++;
    p->buckets = (uint32_t)((p->high - p->low) >> p->cut >> p->shift) + 1;
    uint32_t *prints = VX_ARENA_ARRAY(arena, uint32_t, count), *from = VX_ARENA_ARRAY(arena, uint32_t, p->buckets + 1);
    uint32_t bucket = 0;
    for (uint32_t i = 0; i < count; i++) {
        prints[i] = (uint32_t)((print_of(p, &keys[i]) - p->low) >> p->cut);
        while (bucket <= prints[i] >> p->shift)
            from[bucket++] = i;
    }
    from[bucket] = count;
    p->prints = prints;
    p->from = from;
    return p;
}

/* <0, 0, >0: the text is before all keys, among them as far as their common start says, behind them. */
static int compare_start(const struct index_prints *p, struct vx_span text)
{
    size_t len = text.len < p->common.len ? text.len : p->common.len;
    int order = len > 0 ? memcmp(text.at, p->common.at, len) : 0;
    return order ? order : text.len < p->common.len ? -1 : 0;
}

void index_prints_find(const struct index_prints *p, const struct cel_key *key, uint32_t *low, uint32_t *high)
{
    int start = key->kind == CEL_KEY_STRING ? compare_start(p, key->text) : 0;
    uint64_t print = start == 0 ? print_of(p, key) : 0;
    if (start < 0 || (start == 0 && print < p->low)) {
        *low = *high = 0;
        return;
    }
    if (start > 0 || print > p->high) {
        *low = *high = p->count;
        return;
    }
    uint32_t wanted = (uint32_t)((print - p->low) >> p->cut), bucket = wanted >> p->shift;
    uint32_t at = p->from[bucket], end = p->from[bucket + 1], left = end - at;
    while (left > 1) { /* which half is a surprise to the processor if it is a branch */
        uint32_t half = left / 2;
        at += p->prints[at + half - 1] < wanted ? half : 0;
        left -= half;
    }
    at += left > 0 && p->prints[at] < wanted;
    *low = at;
    while (at < end && p->prints[at] == wanted && at - *low < SCAN_MAX)
        at++;
    *high = at - *low < SCAN_MAX ? at : end;
}
