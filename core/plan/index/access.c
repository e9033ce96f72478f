/* Items that are reached alike → an access: a table of keys, or a segment tree over positions. What is found there is filed
 * again, by build.c. The thread that builds the table.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

static uint32_t hash_size(uint32_t count)
{
    uint32_t size = 4;
    while (size < 2 * count)
        size *= 2;
    return size;
}

/* An item under one of its keys. */
struct filed {
    uint32_t key; /* RANGE, TAIL: a node of the segment tree */
    struct item item;
};

static int by_filed(const void *a, const void *b)
{
    const struct filed *x = a, *y = b;
    return x->key != y->key ? x->key > y->key ? 1 : -1 : item_order(&x->item, &y->item);
}

typedef INDEX_VEC(struct filed) filed_vec;

/* All combinations of the values of an item's key. */
static void file_keys(const struct index_builder *b, const struct way *way, const struct index_access *access,
                      filed_vec *out)
{
    struct filed filed = {.item = way->item};
    uint32_t at[INDEX_WIDTH_MAX] = {0};
    uint8_t digit = 0;
    for (uint8_t i = 0; i < way->width; i++)
        filed.item.used |= (uint64_t)1 << way->literals[i];
    while (digit < way->width) {
        filed.key = 0;
        for (uint8_t i = 0; i < way->width; i++) {
            const struct literal *literal = item_literal(b, &way->item, way->literals[i]);
            bool single = literal->kind == LITERAL_ID || (literal->kind == LITERAL_MEMBER && literal->b == 0);
            filed.key += access->scales[i] * (single ? literal->a : b->sets.at[literal->a + at[i]]);
        }
        *INDEX_VEC_MORE(out) = filed;
        for (digit = 0; digit < way->width; digit++) {
            if (++at[digit] < literal_values(item_literal(b, &way->item, way->literals[digit])))
                break;
            at[digit] = 0;
        }
    }
}

/* Items with the same key, or in the same node of a segment tree: filed by themselves. `guard`: of a key, where the words
 * of its guard stand, if it has any. */
static uint32_t file_equal(struct index_builder *b, filed_vec *all, uint32_t *at, const struct index_access *access,
                           uint32_t guard)
{
    uint32_t from = *at, count = 0;
    while (*at < all->count && all->at[*at].key == all->at[from].key)
        ++*at;
    struct item *items = calloc(*at - from, sizeof *items);
    vx_assert(items != NULL);
    for (uint32_t i = from; i < *at; i++) {
        if (count == 0 || items[count - 1].clause != all->at[i].item.clause)
            items[count++] = all->at[i].item;
    }
    bool guarded = access->guard_count > 0 && guards_fill(b, access, items, count, guard);
    uint32_t reference = index_file(b, items, count, access->kind > ACCESS_MEMBER);
    free(items);
    if (!guarded)
        return access->guard_count > 0 ? reference | INDEX_BARE : reference;
    b->words.at[guard] = reference;
    return guard;
}

/* Room for a guard of every key; where the first one is. */
static uint32_t add_guards(struct index_builder *b, const struct index_access *access)
{
    uint32_t at = b->words.count;
    for (uint32_t i = 0; access->guard_count > 0 && i < access->count * index_guard_words(access); i++)
        index_add_word(b, 0);
    return at;
}

static const uint32_t *dense_entries(struct index_builder *b, filed_vec *all, const struct index_access *access,
                                     uint32_t keys)
{
    uint32_t guard = add_guards(b, access);
    uint32_t *children = VX_ARENA_ARRAY(b->arena, uint32_t, keys);
    for (uint32_t i = 0; i < keys; i++)
        children[i] = INDEX_NOTHING;
    for (uint32_t at = 0; at < all->count;) {
        uint32_t key = all->at[at].key;
        children[key] = file_equal(b, all, &at, access, guard);
        guard += index_guard_words(access);
    }
    return children;
}

static const struct index_entry *hashed_entries(struct index_builder *b, filed_vec *all,
                                                const struct index_access *access)
{
    uint32_t mask = access->mask, guard = add_guards(b, access);
    struct index_entry *entries = VX_ARENA_ARRAY(b->arena, struct index_entry, mask + 1);
    for (uint32_t at = 0; at < all->count;) {
        uint32_t key = all->at[at].key, slot = index_hash_key(key) & mask;
        while (entries[slot].key)
            slot = (slot + 1) & mask;
        entries[slot] = (struct index_entry){key, file_equal(b, all, &at, access, guard)};
        guard += index_guard_words(access);
    }
    return entries;
}

/* As their keys have used up different literals, what counts is the items under the keys. */
static void choose_guards(const struct index_builder *b, const filed_vec *all, struct index_access *to)
{
    struct item *items = calloc(all->count + 1, sizeof *items);
    vx_assert(items != NULL);
    for (uint32_t i = 0; i < all->count; i++)
        items[i] = all->at[i].item;
    guards_choose(b, items, all->count, to);
    free(items);
}

static void access_key(struct index_builder *b, const struct way *ways, uint32_t count, struct index_access *to)
{
    filed_vec all = {0};
    uint32_t distinct = 0, keys = 1;
    for (uint32_t i = 0; i < to->width; i++) {
        to->scales[i] = keys;
        keys *= b->subjects.at[to->subjects[i]].constant_count + 1;
    }
    for (uint32_t i = 0; i < count; i++)
        file_keys(b, &ways[i], to, &all);
    qsort(all.at, all.count, sizeof *all.at, by_filed);
    for (uint32_t i = 0; i < all.count; i++)
        distinct += i == 0 || all.at[i].key != all.at[i - 1].key;
    to->count = distinct;
    if (to->kind == ACCESS_KEY)
        choose_guards(b, &all, to);
    uint32_t size = hash_size(distinct);
    if (to->kind == ACCESS_KEY && keys / (sizeof(struct index_entry) / sizeof *to->children) <= size) {
        to->children = dense_entries(b, &all, to, keys);
    } else {
        to->mask = size - 1;
        to->entries = hashed_entries(b, &all, to);
    }
    free(all.at);
}

/* The ends of all ranges, each once; returns how many. */
static uint32_t cut(const struct index_builder *b, const struct way *ways, uint32_t count, uint32_t *cuts)
{
    uint32_t n = 0, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct literal *literal = item_literal(b, &ways[i].item, ways[i].literals[0]);
        cuts[n++] = literal->a;
        cuts[n++] = literal->b;
    }
    qsort(cuts, n, sizeof *cuts, number_order);
    for (uint32_t i = 0; i < n; i++) {
        if (kept == 0 || cuts[kept - 1] != cuts[i])
            cuts[kept++] = cuts[i];
    }
    return kept;
}

/* Adds an item to the fewest nodes of the segment tree that make up its range. */
static void file_range(const struct index_builder *b, const struct way *way, const struct index_access *access,
                       filed_vec *out)
{
    const struct literal *literal = item_literal(b, &way->item, way->literals[0]);
    struct filed filed = {.item = way->item};
    uint32_t leaves = access->mask + 1, low, high;
    const uint32_t *from = bsearch(&literal->a, access->keys, access->count, sizeof *from, number_order);
    const uint32_t *to = bsearch(&literal->b, access->keys, access->count, sizeof *to, number_order);
    vx_assert(from != NULL && to != NULL);
    filed.item.used |= (uint64_t)1 << way->literals[0];
    low = leaves + (uint32_t)(from - access->keys);
    high = leaves + (uint32_t)(to - access->keys);
    for (; low < high; low /= 2, high /= 2) {
        if (low & 1) {
            filed.key = low++;
            *INDEX_VEC_MORE(out) = filed;
        }
        if (high & 1) {
            filed.key = --high;
            *INDEX_VEC_MORE(out) = filed;
        }
    }
}

static void access_range(struct index_builder *b, const struct way *ways, uint32_t count, struct index_access *to)
{
    filed_vec all = {0};
    uint32_t *cuts = calloc(2 * (size_t)count, sizeof *cuts);
    vx_assert(cuts != NULL);
    to->count = cut(b, ways, count, cuts);
    uint32_t *keys = VX_ARENA_ARRAY(b->arena, uint32_t, to->count);
    memcpy(keys, cuts, to->count * sizeof *keys);
    free(cuts);
    to->keys = keys;
    to->mask = 1;
    while (to->mask < to->count)
        to->mask *= 2;
    uint32_t *children = VX_ARENA_ARRAY(b->arena, uint32_t, 2 * (size_t)to->mask);
    for (uint32_t i = 0; i < 2 * to->mask; i++)
        children[i] = INDEX_NOTHING;
    to->mask--;
    for (uint32_t i = 0; i < count; i++)
        file_range(b, &ways[i], to, &all);
    if (all.count > 1)
        qsort(all.at, all.count, sizeof *all.at, by_filed);
    for (uint32_t at = 0; at < all.count;) {
        uint32_t node = all.at[at].key;
        children[node] = file_equal(b, &all, &at, to, 0);
    }
    to->children = children;
    free(all.at);
}

struct index_access index_make_access(struct index_builder *b, const struct way *ways, uint32_t count)
{
    struct index_access to = {.kind = ways->kind, .width = ways->width, .first_rule = UINT32_MAX};
    memcpy(to.subjects, ways->subjects, sizeof to.subjects);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rule = item_rule(b, &ways[i].item);
        to.first_rule = rule < to.first_rule ? rule : to.first_rule;
    }
    to.certain = b->subjects.at[to.subjects[0]].certain;
    if (to.kind <= ACCESS_MEMBER)
        access_key(b, ways, count, &to);
    else
        access_range(b, ways, count, &to);
    return to;
}
