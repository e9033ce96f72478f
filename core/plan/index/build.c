/* Clauses → the tree of accesses. The thread that builds the table.
 *
 *     file(items)   few: a leaf, tried in order
 *                   else each under the access it shares with most others:
 *                     key    all its equalities, up to four, the places with most constants first
 *                     member else a value inside a list
 *                     range  else a range, or a prefix of many lengths
 *                     tail   else a suffix
 *                     among  else a range that a value inside a list is in
 *                     member else a text that a string contains, a pattern that it matches
 *                     leaf   else: what has none of these
 *
 * What is found under a key, or in one node of a segment tree, is filed again, over the literals that are left. An item is
 * a clause with the literals that are used up on the way; it may stand in several places (a set of values, a range that
 * takes several segments). Invariant: whatever way an item is reached, its used literals hold.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

enum {
    LEAF_MAX = 8,           /* items that are not worth an access */
    ACCESS_MIN = 3,         /* items of one kind among more that are */
    RANGES_NESTED_MIN = 32, /* items in a node of a segment tree that are worth another segment tree */
};

static uint32_t file(struct index_builder *b, struct item *items, uint32_t count, bool in_range);

static uint32_t item_rule(const struct index_builder *b, const struct item *item)
{
    return b->clauses.at[item->clause].rule;
}

/* ---- leaves ---- */

static uint32_t add_word(struct index_builder *b, uint32_t word)
{
    *INDEX_VEC_MORE(&b->words) = word;
    vx_assert(b->words.count < INDEX_NOTHING);
    return b->words.count - 1;
}

/* Adds the clause with the literals that are left; returns where it stands. */
static uint32_t add_clause(struct index_builder *b, const struct item *item)
{
    struct collected_clause *from = &b->clauses.at[item->clause];
    uint32_t at = add_word(b, from->rule), count = 0;
    add_word(b, 0);
    for (uint32_t n = 0; n < from->literal_count; n++) {
        const struct literal *literal = item_literal(b, item, n);
        if (item_is_used(item, n))
            continue;
        add_word(b, index_literal_head(literal));
        add_word(b, literal->a);
        add_word(b, literal->b);
        count++;
    }
    b->words.at[at + 1] = count;
    from->kept = at + 1;
    from->kept_used = item->used;
    return at;
}

/* The one made last for the same clause is used again where it is the same: in a segment tree an item stands in many
 * nodes. */
static bool is_kept(const struct index_builder *b, const struct item *item)
{
    const struct collected_clause *from = &b->clauses.at[item->clause];
    return from->kept && from->kept_used == item->used;
}

static uint32_t keep_clause(struct index_builder *b, const struct item *item)
{
    return is_kept(b, item) ? b->clauses.at[item->clause].kept - 1 : add_clause(b, item);
}

/* In a node, where one of a literal or none is not worth going elsewhere. */
static void put_clause(struct index_builder *b, const struct item *item)
{
    uint32_t at = b->clauses.at[item->clause].kept - 1;
    if (!is_kept(b, item) || b->words.at[at + 1] < 2) {
        add_clause(b, item);
        return;
    }
    add_word(b, item_rule(b, item));
    add_word(b, INDEX_ELSEWHERE);
    add_word(b, at);
}

/* ---- blocks ---- */

/* The literal that is left of an item, where it is one, and a range; else NULL. */
static const struct literal *lone_range(const struct index_builder *b, const struct item *item)
{
    uint32_t count = b->clauses.at[item->clause].literal_count, left = UINT32_MAX;
    for (uint32_t n = 0; n < count; n++) {
        if (item_is_used(item, n))
            continue;
        if (left != UINT32_MAX || item_literal(b, item, n)->kind != LITERAL_RANGE)
            return NULL;
        left = n;
    }
    return left == UINT32_MAX ? NULL : item_literal(b, item, left);
}

/* The subject of most lone ranges of a node; few are compared, of many any will do. */
static uint32_t block_subject(const struct index_builder *b, const struct item *items, uint32_t count)
{
    uint32_t subject = INDEX_NO_POSITION, most = 0;
    for (uint32_t i = 0; i < count && i < LEAF_MAX; i++) {
        const struct literal *literal = lone_range(b, &items[i]);
        uint32_t same = 0;
        for (uint32_t k = i; k < count && literal; k++) {
            const struct literal *other = lone_range(b, &items[k]);
            same += other && other->subject == literal->subject;
        }
        if (same > most) {
            most = same;
            subject = literal->subject;
        }
    }
    return subject;
}

/* Puts the lone ranges of `subject` into blocks; keeps the other items. Returns how many blocks. */
static uint32_t put_blocks(struct index_builder *b, uint32_t subject, struct item *items, uint32_t *count)
{
    uint32_t kept = 0, put = 0, at = 0;
    for (uint32_t i = 0; i < *count; i++) {
        const struct literal *literal = lone_range(b, &items[i]);
        if (!literal || literal->subject != subject) {
            items[kept++] = items[i];
            continue;
        }
        if (put % INDEX_BLOCK == 0) {
            at = b->words.count;
            for (uint32_t k = 0; k < INDEX_BLOCK_WORDS; k++)
                add_word(b, k < INDEX_BLOCK ? UINT32_MAX : 0);
        }
        uint32_t *words = &b->words.at[at + put++ % INDEX_BLOCK];
        words[0] = item_rule(b, &items[i]);
        words[INDEX_BLOCK] = literal->a;
        words[2 * INDEX_BLOCK] = literal->b > literal->a ? literal->b - literal->a : 0;
    }
    *count = kept;
    return (put + INDEX_BLOCK - 1) / INDEX_BLOCK;
}

/* ---- accesses ---- */

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

/* Items with the same key, or in the same node of a segment tree: filed by themselves. */
static uint32_t file_equal(struct index_builder *b, filed_vec *all, uint32_t *at, bool in_range)
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
    uint32_t reference = file(b, items, count, in_range);
    free(items);
    return reference;
}

static const uint32_t *dense_entries(struct index_builder *b, filed_vec *all, uint32_t keys)
{
    uint32_t *children = VX_ARENA_ARRAY(&b->index->arena, uint32_t, keys);
    for (uint32_t i = 0; i < keys; i++)
        children[i] = INDEX_NOTHING;
    for (uint32_t at = 0; at < all->count;) {
        uint32_t key = all->at[at].key;
        children[key] = file_equal(b, all, &at, false);
    }
    return children;
}

static const struct index_entry *hashed_entries(struct index_builder *b, filed_vec *all, uint32_t mask)
{
    struct index_entry *entries = VX_ARENA_ARRAY(&b->index->arena, struct index_entry, mask + 1);
    for (uint32_t at = 0; at < all->count;) {
        uint32_t key = all->at[at].key, slot = index_hash_key(key) & mask;
        while (entries[slot].key)
            slot = (slot + 1) & mask;
        entries[slot] = (struct index_entry){key, file_equal(b, all, &at, false)};
    }
    return entries;
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
    uint32_t size = hash_size(distinct);
    if (to->kind == ACCESS_KEY && keys / (sizeof(struct index_entry) / sizeof *to->children) <= size)
        to->children = dense_entries(b, &all, keys);
    else
        to->entries = hashed_entries(b, &all, to->mask = size - 1);
    free(all.at);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
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
    qsort(cuts, n, sizeof *cuts, by_number);
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
    const uint32_t *from = bsearch(&literal->a, access->keys, access->count, sizeof *from, by_number);
    const uint32_t *to = bsearch(&literal->b, access->keys, access->count, sizeof *to, by_number);
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
    uint32_t *keys = VX_ARENA_ARRAY(&b->index->arena, uint32_t, to->count);
    memcpy(keys, cuts, to->count * sizeof *keys);
    free(cuts);
    to->keys = keys;
    to->mask = 1;
    while (to->mask < to->count)
        to->mask *= 2;
    uint32_t *children = VX_ARENA_ARRAY(&b->index->arena, uint32_t, 2 * (size_t)to->mask);
    for (uint32_t i = 0; i < 2 * to->mask; i++)
        children[i] = INDEX_NOTHING;
    to->mask--;
    for (uint32_t i = 0; i < count; i++)
        file_range(b, &ways[i], to, &all);
    if (all.count > 1)
        qsort(all.at, all.count, sizeof *all.at, by_filed);
    for (uint32_t at = 0; at < all.count;) {
        uint32_t node = all.at[at].key;
        children[node] = file_equal(b, &all, &at, true);
    }
    to->children = children;
    free(all.at);
}

/* ---- nodes ---- */

static int by_first_rule(const void *a, const void *b)
{
    const struct index_access *x = a, *y = b;
    return (x->first_rule > y->first_rule) - (x->first_rule < y->first_rule);
}

/* Of the ways' items, the subject of whose ranges more than half have one. */
static uint32_t asked_behind(const struct index_builder *b, const struct way *ways, uint32_t count)
{
    uint32_t subject = INDEX_NO_POSITION, votes = 0, n = 0; /* Boyer and Moore's majority */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            const struct collected_clause *clause = &b->clauses.at[ways[i].item.clause];
            for (uint32_t k = 0; k < clause->literal_count; k++) {
                const struct literal *literal = &b->literals.at[clause->literals_at + k];
                if (literal->kind != LITERAL_RANGE)
                    continue;
                if (pass == 1)
                    n += literal->subject == subject;
                else if (votes == 0)
                    subject = literal->subject, votes = 1;
                else
                    votes += literal->subject == subject ? 1 : UINT32_MAX;
            }
        }
    }
    return n > count / 2 && b->subjects.at[subject].certain ? subject : INDEX_NO_POSITION;
}

static struct index_access make_access(struct index_builder *b, const struct way *ways, uint32_t count)
{
    struct index_access to = {.kind = ways->kind, .width = ways->width, .first_rule = UINT32_MAX};
    memcpy(to.subjects, ways->subjects, sizeof to.subjects);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rule = item_rule(b, &ways[i].item);
        to.first_rule = rule < to.first_rule ? rule : to.first_rule;
    }
    to.certain = b->subjects.at[to.subjects[0]].certain;
    to.ahead = to.kind == ACCESS_KEY ? asked_behind(b, ways, count) : INDEX_NO_POSITION;
    if (to.kind <= ACCESS_MEMBER)
        access_key(b, ways, count, &to);
    else
        access_range(b, ways, count, &to);
    return to;
}

static uint32_t add_node(struct index_builder *b, struct item *leaf, uint32_t leaf_count, struct index_access *accesses,
                         uint32_t access_count)
{
    uint32_t subject = block_subject(b, leaf, leaf_count), at = add_word(b, 0);
    add_word(b, access_count);
    add_word(b, b->accesses.count);
    add_word(b, 0);
    add_word(b, subject);
    b->index->most_clauses = leaf_count > b->index->most_clauses ? leaf_count : b->index->most_clauses;
    if (leaf_count > 1)
        qsort(leaf, leaf_count, sizeof *leaf, item_order);
    if (subject != INDEX_NO_POSITION) {
        uint32_t blocks = put_blocks(b, subject, leaf, &leaf_count);
        b->words.at[at + 3] = blocks;
    }
    b->words.at[at] = leaf_count;
    for (uint32_t i = 0; i < leaf_count; i++)
        put_clause(b, &leaf[i]);
    if (access_count > 1)
        qsort(accesses, access_count, sizeof *accesses, by_first_rule);
    for (uint32_t i = 0; i < access_count; i++)
        *INDEX_VEC_MORE(&b->accesses) = accesses[i];
    return at;
}

static uint32_t file_many(struct index_builder *b, struct item *items, uint32_t count, bool ranges)
{
    struct way *ways = calloc(count, sizeof *ways);
    struct item *leaf = calloc(count, sizeof *leaf);
    INDEX_VEC(struct index_access) accesses = {0};
    uint32_t leaf_count = 0;
    vx_assert(ways != NULL && leaf != NULL);
    for (uint32_t i = 0; i < count; i++)
        ways[i] = way_of(b, items[i], ranges);
    qsort(ways, count, sizeof *ways, way_order);
    ways_simplify(b, ways, count);
    ways_join(ways, count);
    for (uint32_t at = 0, end; at < count; at = end) {
        end = way_end(ways, at, count);
        if (ways[at].kind == WAY_LEAF || end - at < ACCESS_MIN) {
            for (uint32_t i = at; i < end; i++)
                leaf[leaf_count++] = ways[i].item;
            continue;
        }
        struct index_access access = make_access(b, &ways[at], end - at);
        *INDEX_VEC_MORE(&accesses) = access;
    }
    uint32_t node = add_node(b, leaf, leaf_count, accesses.at, accesses.count);
    free(accesses.at);
    free(leaf);
    free(ways);
    return node;
}

/* Files items, by rule and each clause once; returns the reference to where. */
static uint32_t file(struct index_builder *b, struct item *items, uint32_t count, bool in_range)
{
    if (!b->index->route->match_all)
        count = items_leave_out(b, items, count);
    if (count == 0)
        return INDEX_NOTHING;
    if (count == 1)
        return INDEX_CLAUSE | keep_clause(b, items);
    if (count <= LEAF_MAX)
        return add_node(b, items, count, NULL, 0);
    return file_many(b, items, count, !in_range || count >= RANGES_NESTED_MIN);
}

/* ---- the index ---- */

static uint32_t file_root(struct index_builder *b, bool expr)
{
    struct item *items = calloc(b->clauses.count + 1, sizeof *items);
    uint32_t count = 0;
    vx_assert(items != NULL);
    for (uint32_t i = 0; i < b->clauses.count; i++) {
        if ((b->clauses.at[i].expr || b->confirm[b->clauses.at[i].rule]) == expr)
            items[count++].clause = i;
    }
    uint32_t reference = file(b, items, count, false);
    free(items);
    return reference;
}

/* A copy in the index; the heap's is freed. */
static void *settle(struct vx_arena *arena, void *from, size_t bytes)
{
    void *to = vx_arena_alloc(arena, bytes);
    if (bytes > 0)
        memcpy(to, from, bytes);
    free(from);
    return to;
}

#define SETTLE_VEC(b, vec) settle(&(b)->index->arena, (vec)->at, (vec)->count * sizeof *(vec)->at)
#define SETTLE(b, name) SETTLE_VEC(b, &(b)->name)

static void finish(struct index_builder *b)
{
    struct match_index *index = b->index;
    index->subject_count = b->subjects.count;
    for (uint32_t i = 0; i < b->subjects.count; i++) {
        if (b->subjects.at[i].source != SOURCE_PARTS)
            b->subjects.at[i].constants = NULL; /* they go with the analysis */
    }
    index->test_count = b->tests.count;
    index->subjects = SETTLE(b, subjects);
    index->tests = SETTLE(b, tests);
    index->sets = SETTLE(b, sets);
    index->words = SETTLE(b, words);
    index->accesses = SETTLE(b, accesses);
    index->confirm = b->confirm;
    free(b->collected.at);
    free(b->literals.at);
    free(b->clauses.at);
    free(b->subject_numbers.slots);
    free(b->test_numbers.slots);
    free(b->compiled);
    free(b->from);
    vx_arena_done(&b->analysis);
}

/* Tables may be built on several threads. */
static uint64_t serials;

void match_index_free(struct match_index *index)
{
    if (!index)
        return;
    vx_arena_done(&index->arena);
    free(index);
}

struct match_index *index_make(struct compiler *c, const uint32_t *ways, const struct route *entry)
{
    struct index_builder b = {.c = c, .index = calloc(1, sizeof *b.index)};
    vx_assert(b.index != NULL);
    b.index->route = entry;
    b.index->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
    index_take_rules(&b, ways, entry);
    if (b.index->rule_count < INDEX_RULES_MIN) {
        free(b.compiled);
        free(b.from);
        match_index_free(b.index);
        return NULL;
    }
    b.confirm = VX_ARENA_ARRAY(&b.index->arena, bool, b.index->rule_count);
    index_collect(&b);
    b.index->roots[0] = file_root(&b, false);
    b.index->roots[1] = file_root(&b, true);
    finish(&b);
    return b.index;
}

size_t match_index_bytes(const struct match_index *index)
{
    return index ? sizeof *index + index->arena.held_bytes : 0;
}
