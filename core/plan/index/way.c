/* How clauses may be filed: which of their literals make a key, a range or a search, and which clauses share one. The thread
 * that builds the table.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

enum {
    COMBINED_MAX = 64, /* keys that one item is filed under, when it has several equalities with sets */
    ACCESSES_MAX = 16, /* of one node, before rare sets of places are given up for single places */
};

int item_order(const void *a, const void *b)
{
    const struct item *x = a, *y = b; /* clauses are numbered in the order of their rules */
    return (x->clause > y->clause) - (x->clause < y->clause);
}

static uint32_t usable(const struct index_builder *b, const struct item *item)
{
    uint32_t count = b->clauses.at[item->clause].literal_count;
    return count < ITEM_LITERALS_MAX ? count : ITEM_LITERALS_MAX;
}

uint32_t literal_values(const struct literal *literal)
{
    bool set = literal->kind == LITERAL_IDS || (literal->kind == LITERAL_MEMBER && literal->b > 0);
    return set ? literal->b : 1;
}

/* Places with many constants first, so that the key tells most. */
static void add_to_key(const struct index_builder *b, struct way *way, uint32_t n)
{
    const struct literal *literal = item_literal(b, &way->item, n);
    uint32_t constants = b->subjects.at[literal->subject].constant_count, at = way->width;
    while (at > 0 && b->subjects.at[way->subjects[at - 1]].constant_count < constants)
        at--;
    if (at == INDEX_WIDTH_MAX)
        return;
    for (uint32_t i = way->width < INDEX_WIDTH_MAX ? way->width : INDEX_WIDTH_MAX - 1; i > at; i--) {
        way->subjects[i] = way->subjects[i - 1];
        way->literals[i] = way->literals[i - 1];
    }
    way->subjects[at] = literal->subject;
    way->literals[at] = (uint8_t)n;
    way->width += way->width < INDEX_WIDTH_MAX;
}

/* A key of at most COMBINED_MAX values, its places by number, so that equal sets of places look alike. */
static void finish_key(const struct index_builder *b, struct way *way)
{
    uint64_t combined = 1;
    uint8_t kept = 0;
    for (uint8_t i = 0; i < way->width; i++) {
        uint32_t size = literal_values(item_literal(b, &way->item, way->literals[i]));
        bool twice = false;
        for (uint8_t k = 0; k < kept; k++)
            twice |= way->subjects[k] == way->subjects[i];
        if (twice || (kept > 0 && combined * size > COMBINED_MAX))
            continue;
        combined *= size;
        way->subjects[kept] = way->subjects[i];
        way->literals[kept++] = way->literals[i];
    }
    way->width = kept;
    for (uint8_t i = 1; i < kept; i++) {
        for (uint8_t k = i; k > 0 && way->subjects[k] < way->subjects[k - 1]; k--) {
            uint32_t subject = way->subjects[k];
            uint8_t literal = way->literals[k];
            way->subjects[k] = way->subjects[k - 1];
            way->literals[k] = way->literals[k - 1];
            way->subjects[k - 1] = subject;
            way->literals[k - 1] = literal;
        }
    }
    for (uint8_t i = kept; i < INDEX_WIDTH_MAX; i++)
        way->subjects[i] = INDEX_NO_POSITION;
}

static void one_place(const struct index_builder *b, struct way *way, enum access_kind kind, uint32_t n)
{
    way->kind = (uint8_t)kind;
    way->width = 1;
    way->subjects[0] = item_literal(b, &way->item, n)->subject;
    way->literals[0] = (uint8_t)n;
    for (int i = 1; i < INDEX_WIDTH_MAX; i++)
        way->subjects[i] = INDEX_NO_POSITION;
}

struct way way_of(const struct index_builder *b, struct item item, bool ranges)
{
    struct way way = {.item = item};
    uint32_t range = UINT32_MAX, tail = UINT32_MAX, element = UINT32_MAX, text = UINT32_MAX;
    for (uint32_t n = usable(b, &item); n-- > 0;) {
        const struct literal *literal = item_literal(b, &item, n);
        if (item.used >> n & 1 || literal->negated)
            continue;
        if (literal->kind <= LITERAL_IDS)
            add_to_key(b, &way, n);
        else if (literal->kind == LITERAL_RANGE)
            range = n;
        else if (literal->kind == LITERAL_TAIL)
            tail = n;
        else if (literal->kind == LITERAL_MEMBER && b->subjects.at[literal->subject].source == SOURCE_ELEMENTS)
            element = n;
        else if (literal->kind == LITERAL_MEMBER)
            text = n;
    }
    if (way.width > 0)
        finish_key(b, &way);
    else if (element != UINT32_MAX)
        one_place(b, &way, ACCESS_MEMBER, element);
    else if (ranges && range != UINT32_MAX)
        one_place(b, &way, ACCESS_RANGE, range);
    else if (ranges && tail != UINT32_MAX)
        one_place(b, &way, ACCESS_TAIL, tail);
    else if (text != UINT32_MAX)
        one_place(b, &way, ACCESS_MEMBER, text);
    else
        way.kind = WAY_LEAF;
    return way;
}

static int compare_ways(const struct way *x, const struct way *y)
{
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->kind == WAY_LEAF ? 0 : memcmp(x->subjects, y->subjects, sizeof x->subjects);
}

int way_order(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    int order = compare_ways(x, y);
    return order ? order : item_order(&x->item, &y->item);
}

uint32_t way_end(const struct way *ways, uint32_t from, uint32_t count)
{
    uint32_t end = from + 1;
    while (end < count && compare_ways(&ways[from], &ways[end]) == 0)
        end++;
    return end;
}

/* Too many different sets of places: those that few share give way to the one of their places that most items ask. */
void ways_simplify(const struct index_builder *b, struct way *ways, uint32_t count)
{
    uint32_t groups = 0, rare = count / ACCESSES_MAX;
    for (uint32_t at = 0; at < count; at = way_end(ways, at, count))
        groups++;
    if (groups <= ACCESSES_MAX)
        return;
    uint32_t *asked = calloc(b->subjects.count + 1, sizeof *asked);
    vx_assert(asked != NULL);
    for (uint32_t i = 0; i < count; i++) {
        for (uint8_t k = 0; k < ways[i].width; k++)
            asked[ways[i].subjects[k]]++;
    }
    for (uint32_t at = 0, end; at < count; at = end) {
        end = way_end(ways, at, count);
        if (ways[at].kind != ACCESS_KEY || ways[at].width < 2 || end - at > rare)
            continue;
        for (uint32_t i = at; i < end; i++) {
            uint8_t most = 0;
            for (uint8_t k = 1; k < ways[i].width; k++)
                most = asked[ways[i].subjects[k]] > asked[ways[i].subjects[most]] ? k : most;
            one_place(b, &ways[i], ACCESS_KEY, ways[i].literals[most]);
        }
    }
    free(asked);
    qsort(ways, count, sizeof *ways, way_order);
}
