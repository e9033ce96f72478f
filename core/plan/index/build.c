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
        struct index_access access = index_make_access(b, &ways[at], end - at);
        *INDEX_VEC_MORE(&accesses) = access;
    }
    uint32_t node = index_add_node(b, leaf, leaf_count, accesses.at, accesses.count);
    free(accesses.at);
    free(leaf);
    free(ways);
    return node;
}

uint32_t index_file(struct index_builder *b, struct item *items, uint32_t count, bool in_range)
{
    if (!b->index->route->match_all)
        count = items_leave_out(b, items, count);
    if (count == 0)
        return INDEX_NOTHING;
    if (count == 1)
        return INDEX_CLAUSE | index_keep_clause(b, items);
    if (count <= LEAF_MAX)
        return index_add_node(b, items, count, NULL, 0);
    return file_many(b, items, count, !in_range || count >= RANGES_NESTED_MIN);
}

/* ---- the index ---- */

/* Few items of an index are worth an access only when it is the only one, and one look-up. */
static bool are_one_key(const struct index_builder *b, const struct item *items, uint32_t count)
{
    struct way first, way;
    for (uint32_t i = 0; i < count; i++) {
        way = way_of(b, items[i], false);
        first = i == 0 ? way : first;
        if (way.kind != ACCESS_KEY || memcmp(way.subjects, first.subjects, sizeof way.subjects) != 0)
            return false;
    }
    return count >= ACCESS_MIN;
}

/* A clause that may cost a program is tried when all that cost none are. */
static bool is_late(const struct index_builder *b, const struct collected_index *of, uint32_t clause)
{
    const struct collected_clause *c = &b->clauses.at[clause];
    return c->expr || of->index->confirm[c->rule] == CONFIRM_ALWAYS;
}

static uint32_t file_root(struct index_builder *b, const struct collected_index *from, bool expr)
{
    struct item *items = calloc(from->clause_end - from->clauses_at + 1, sizeof *items);
    uint32_t count = 0;
    vx_assert(items != NULL);
    for (uint32_t i = from->clauses_at; i < from->clause_end; i++) {
        if (is_late(b, from, i) == expr)
            items[count++].clause = i;
    }
    uint32_t reference = count <= LEAF_MAX && are_one_key(b, items, count) ? file_many(b, items, count, false)
                                                                           : index_file(b, items, count, false);
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

#define SETTLE_VEC(b, vec) settle((b)->arena, (vec)->at, (vec)->count * sizeof *(vec)->at)
#define SETTLE(b, name) SETTLE_VEC(b, &(b)->name)

/* Tables may be built on several threads. */
static uint64_t serials;

static void finish(struct index_builder *b)
{
    b->group.subject_count = b->subjects.count;
    for (uint32_t i = 0; i < b->subjects.count; i++) {
        if (b->subjects.at[i].source != SOURCE_PARTS)
            b->subjects.at[i].constants = NULL; /* they go with the analysis */
    }
    b->group.test_count = b->tests.count;
    b->group.subjects = SETTLE(b, subjects);
    b->group.tests = SETTLE(b, tests);
    b->group.sets = SETTLE(b, sets);
    b->group.words = SETTLE(b, words);
    b->group.accesses = SETTLE(b, accesses);
    for (uint32_t i = 0; i < b->indexes.count; i++) {
        struct match_index *index = b->indexes.at[i].index;
        index->group = b->group;
        index->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
    }
    free(b->collected.at);
    free(b->literals.at);
    free(b->clauses.at);
    free(b->subject_numbers.slots);
    free(b->test_numbers.slots);
    free(b->indexes.at);
    free(b->rules.at);
    vx_arena_done(&b->analysis);
}

void index_group_make(struct index_builder *b)
{
    index_collect(b);
    for (uint32_t i = 0; i < b->indexes.count; i++) {
        b->index = b->indexes.at[i].index;
        b->index->roots[0] = file_root(b, &b->indexes.at[i], false);
        b->index->roots[1] = file_root(b, &b->indexes.at[i], true);
    }
    finish(b);
}
