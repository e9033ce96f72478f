/* What is tried in order: clauses, as words, and the nodes that hold them. The thread that builds the table.
 *
 *     items ── left with one range of the subject that most ask ──> blocks     node: blocks, clauses, accesses
 *         └─── the others ───────────────────────────────────────> clauses
 */
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
    for (uint32_t i = 0; i < count && i < SUBJECTS_COUNTED; i++) {
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
                index_add_word(b, k < INDEX_BLOCK ? UINT32_MAX : 0);
        }
        uint32_t *words = &b->words.at[at + put++ % INDEX_BLOCK];
        words[0] = item_rule(b, &items[i]);
        words[INDEX_BLOCK] = literal->a;
        words[2 * INDEX_BLOCK] = literal->b > literal->a ? literal->b - literal->a : 0;
    }
    *count = kept;
    return (put + INDEX_BLOCK - 1) / INDEX_BLOCK;
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
