/* What is tried in order: clauses, as words, and the nodes that hold them. The thread that builds the table.
 *
 *     items ── left with one range of the subject that most ask ──> blocks     node: blocks, clauses, accesses
 *         └─── the others ───────────────────────────────────────> clauses
 */
#include <math.h>
#include <stdlib.h>

#include "core/plan/index/build.h"

enum { SUBJECTS_COUNTED = 8 }; /* items of a node whose subjects stand for all */

uint32_t index_add_word(struct index_builder *b, uint32_t word)
{
    *INDEX_VEC_MORE(&b->words) = word;
    vx_assert(b->words.count < INDEX_NOTHING);
    return b->words.count - 1;
}

/* Adds the clause with the literals that are left; returns where it stands. */
static uint32_t add_clause(struct index_builder *b, const struct item *item)
{
    struct collected_clause *from = &b->clauses.at[item->clause];
    uint32_t at = index_add_word(b, from->rule), count = 0;
    index_add_word(b, 0);
    for (uint32_t n = 0; n < from->literal_count; n++) {
        const struct literal *literal = item_literal(b, item, n);
        if (item_is_used(item, n))
            continue;
        index_add_word(b, index_literal_head(literal));
        index_add_word(b, literal->a);
        index_add_word(b, literal->b);
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

uint32_t index_keep_clause(struct index_builder *b, const struct item *item)
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
    index_add_word(b, item_rule(b, item));
    index_add_word(b, INDEX_ELSEWHERE);
    index_add_word(b, at);
}

/* ---- blocks ---- */

bool index_range_keys(const struct index_builder *b, const struct literal *literal, const struct cel_key **least,
                      const struct cel_key **most)
{
    *least = *most = NULL;
    if (literal->kind != LITERAL_RANGE)
        return false;
    const struct index_bounds *bounds = &b->subjects.at[literal->subject].bounds;
    if (literal->b > 2 * bounds->numbers + 1 || literal->b <= literal->a)
        return false;
    if (literal->a > 0)
        *least = &bounds->keys[(literal->a - 1) / 2];
    if (literal->b <= 2 * bounds->numbers)
        *most = &bounds->keys[(literal->b - 1) / 2];
    return true;
}

/* A range of numbers as doubles, both inside it. */
struct limits {
    double least, most;
};

/* False where doubles would not tell what is in the range and what is not. Within LIMIT_MAX a bound is a double, and so are
 * the ones next to it; a value beyond is not rounded into it. */
static bool limits_of(const struct index_builder *b, const struct literal *literal, struct limits *limits)
{
    const int64_t LIMIT_MAX = (int64_t)1 << 52;
    const struct cel_key *least, *most;
    if (!index_range_keys(b, literal, &least, &most) ||
        b->subjects.at[literal->subject].place.kind == CEL_PLACE_TIMESTAMP)
        return false;
    if ((least && llabs(least->whole) >= LIMIT_MAX) || (most && llabs(most->whole) >= LIMIT_MAX))
        return false;
    limits->least = least ? (double)least->whole + least->rest : -INFINITY;
    limits->most = most ? (double)most->whole + most->rest : INFINITY;
    if (least && literal->a % 2 == 0)
        limits->least = nextafter(limits->least, INFINITY);
    if (most && literal->b % 2 == 1)
        limits->most = nextafter(limits->most, -INFINITY);
    return true;
}

/* The literal that is left of an item, where it is one, and a range that fits a block; else NULL. */
static const struct literal *lone_range(const struct index_builder *b, const struct item *item, struct limits *limits)
{
    uint32_t count = b->clauses.at[item->clause].literal_count, left = UINT32_MAX;
    for (uint32_t n = 0; n < count; n++) {
        if (item_is_used(item, n))
            continue;
        if (left != UINT32_MAX || !limits_of(b, item_literal(b, item, n), limits))
            return NULL;
        left = n;
    }
    return left == UINT32_MAX ? NULL : item_literal(b, item, left);
}

/* The subject of most lone ranges of a node; few are compared, of many any will do. */
static uint32_t block_subject(const struct index_builder *b, const struct item *items, uint32_t count)
{
    uint32_t subject = INDEX_NO_POSITION, most = 0;
    struct limits limits;
    for (uint32_t i = 0; i < count && i < SUBJECTS_COUNTED; i++) {
        const struct literal *literal = lone_range(b, &items[i], &limits);
        uint32_t same = 0;
        for (uint32_t k = i; k < count && literal; k++) {
            const struct literal *other = lone_range(b, &items[k], &limits);
            same += other && other->subject == literal->subject;
        }
        if (same > most) {
            most = same;
            subject = literal->subject;
        }
    }
    return subject;
}

static void add_block(struct index_builder *b, const struct index_block *block)
{
    uint32_t words[INDEX_BLOCK_WORDS];
    memcpy(words, block, sizeof words);
    for (uint32_t i = 0; i < INDEX_BLOCK_WORDS; i++)
        index_add_word(b, words[i]);
}

/* Puts the lone ranges of `subject` into blocks; keeps the other items. Returns how many blocks. */
static uint32_t put_blocks(struct index_builder *b, uint32_t subject, struct item *items, uint32_t *count)
{
    uint32_t kept = 0, put = 0, filled = 0;
    struct index_block block;
    for (uint32_t i = 0; i < *count; i++) {
        struct limits limits;
        const struct literal *literal = lone_range(b, &items[i], &limits);
        if (!literal || literal->subject != subject) {
            items[kept++] = items[i];
            continue;
        }
        block.rules[filled] = item_rule(b, &items[i]);
        block.least[filled] = limits.least;
        block.most[filled] = limits.most;
        if (++filled == INDEX_BLOCK) {
            add_block(b, &block);
            put++;
            filled = 0;
        }
    }
    if (filled > 0) {
        for (; filled < INDEX_BLOCK; filled++) {
            block.rules[filled] = UINT32_MAX;
            block.least[filled] = INFINITY;
            block.most[filled] = -INFINITY;
        }
        add_block(b, &block);
        put++;
    }
    *count = kept;
    return put;
}

static int by_first_rule(const void *a, const void *b)
{
    const struct index_access *x = a, *y = b;
    return (x->first_rule > y->first_rule) - (x->first_rule < y->first_rule);
}

uint32_t index_add_node(struct index_builder *b, struct item *leaf, uint32_t leaf_count, struct index_access *accesses,
                        uint32_t access_count)
{
    uint32_t subject = block_subject(b, leaf, leaf_count), at = index_add_word(b, 0);
    index_add_word(b, access_count);
    index_add_word(b, b->accesses.count);
    index_add_word(b, 0);
    index_add_word(b, subject);
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
