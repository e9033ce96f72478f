/* How clauses may be filed: which of their literals make a key, a range or a search, which clauses share one, and which
 * need not be filed at all. The thread that builds the table.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

enum {
    COMBINED_MAX = 64,   /* keys that one item is filed under, when it has several equalities with sets */
    JOIN_SHARE = 4,      /* so many times more items */
    ACCESSES_MAX = 16,   /* of one node, before rare sets of places are given up for single places */
    LEFT_OUT_MAX = 1024, /* items among which some may be left out; of more the likes meet further down */
    COMPARED_MAX = 16,   /* items before it that an item is compared with */
    IMPLIED_MAX = 4096,  /* pairs of literals of two items that are compared */
};

int number_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

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

/* Places with many constants first: what equals none of them spares the look-up of the rest. */
static bool is_before(const struct index_builder *b, uint32_t x, uint32_t y)
{
    uint32_t of_x = b->subjects.at[x].constant_count, of_y = b->subjects.at[y].constant_count;
    return of_x != of_y ? of_x > of_y : x < y;
}

/* A key of at most COMBINED_MAX values, its places in one order, so that equal sets of places look alike. */
static void finish_key(const struct index_builder *b, struct way *way)
{
    uint64_t combined = 1, keys = 1; /* the key has to fit 32 bits, see index_access.scales */
    uint8_t kept = 0;
    for (uint8_t i = 0; i < way->width; i++) {
        uint32_t size = literal_values(item_literal(b, &way->item, way->literals[i]));
        bool twice = false;
        for (uint8_t k = 0; k < kept; k++)
            twice |= way->subjects[k] == way->subjects[i];
        uint64_t more = keys * (b->subjects.at[way->subjects[i]].constant_count + (uint64_t)1);
        if (twice || more > UINT32_MAX || (kept > 0 && combined * size > COMBINED_MAX))
            continue;
        combined *= size;
        keys = more;
        way->subjects[kept] = way->subjects[i];
        way->literals[kept++] = way->literals[i];
    }
    way->width = kept;
    for (uint8_t i = 1; i < kept; i++) {
        for (uint8_t k = i; k > 0 && is_before(b, way->subjects[k], way->subjects[k - 1]); k--) {
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
    uint32_t range = UINT32_MAX, tail = UINT32_MAX, element = UINT32_MAX, text = UINT32_MAX, among = UINT32_MAX;
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
        else if (literal->kind == LITERAL_AMONG)
            among = n;
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
    else if (ranges && among != UINT32_MAX)
        one_place(b, &way, ACCESS_AMONG, among);
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

/* True when every place of key `small` is in key `big`, which has more. */
static bool is_part_of(const struct way *small, const struct way *big)
{
    uint8_t found = 0;
    for (uint8_t i = 0; i < big->width && found < small->width; i++)
        found += big->subjects[i] == small->subjects[found];
    return small->kind == ACCESS_KEY && big->kind == ACCESS_KEY && found == small->width && small->width < big->width;
}

/* Leaves of an item's key the places that `to` has. */
static void narrow(struct way *way, const struct way *to)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < way->width && kept < to->width; i++) {
        if (way->subjects[i] != to->subjects[kept])
            continue;
        way->subjects[kept] = way->subjects[i];
        way->literals[kept++] = way->literals[i];
    }
    way->width = kept;
    for (uint8_t i = kept; i < INDEX_WIDTH_MAX; i++)
        way->subjects[i] = INDEX_NO_POSITION;
}

/* Another set of places is another look-up for every event: items whose key has a part that many more items have as their
 * key go there too, and what is left of theirs is tried, or filed, below. */
void ways_join(struct way *ways, uint32_t count)
{
    for (uint32_t at = 0, end; at < count; at = end) {
        const struct way *best = NULL;
        end = way_end(ways, at, count);
        for (uint32_t other = 0, other_end; other < count; other = other_end) {
            other_end = way_end(ways, other, count);
            if ((other_end - other) / JOIN_SHARE >= end - at && is_part_of(&ways[other], &ways[at]) &&
                (!best || ways[other].width > best->width))
                best = &ways[other];
        }
        struct way to = best ? *best : ways[at];
        for (uint32_t i = at; best && i < end; i++)
            narrow(&ways[i], &to);
    }
    qsort(ways, count, sizeof *ways, way_order);
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

/* ---- what is not filed ---- */

/* True when all literals of an item hold. */
static bool is_certain(const struct index_builder *b, const struct item *item)
{
    uint32_t left = b->clauses.at[item->clause].literal_count;
    return left <= ITEM_LITERALS_MAX && (uint32_t)__builtin_popcountll(item->used) == left;
}

static bool literal_implies(const struct literal *x, const struct literal *y)
{
    if (x->kind != y->kind || x->negated != y->negated || x->subject != y->subject)
        return false;
    if (x->kind == LITERAL_RANGE || x->kind == LITERAL_AMONG)
        return y->a <= x->a && x->b <= y->b;
    return x->a == y->a && x->b == y->b;
}

/* True when, as far as it is easy to see, what is left of `x` holds only where what is left of `y` does. */
static bool item_implies(const struct index_builder *b, const struct item *x, const struct item *y)
{
    uint32_t of_x = b->clauses.at[x->clause].literal_count, of_y = b->clauses.at[y->clause].literal_count;
    if ((uint64_t)of_x * of_y > IMPLIED_MAX)
        return false;
    for (uint32_t n = 0; n < of_y; n++) {
        bool implied = item_is_used(y, n);
        for (uint32_t k = 0; k < of_x && !implied; k++)
            implied = !item_is_used(x, k) && literal_implies(item_literal(b, x, k), item_literal(b, y, n));
        if (!implied)
            return false;
    }
    return true;
}

/* Each is compared with a few of those before it. */
uint32_t items_leave_out(const struct index_builder *b, struct item *items, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool never = false;
        for (uint32_t k = kept; count <= LEFT_OUT_MAX && k-- > 0 && kept - k <= COMPARED_MAX && !never;)
            never = item_implies(b, &items[i], &items[k]);
        if (!never)
            items[kept++] = items[i];
        if (!never && is_certain(b, &items[i]))
            break;
    }
    return kept;
}
