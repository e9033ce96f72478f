/* Guards: what stands under a key is looked at only where one of few places has a value that could matter to it.
 *
 *     clauses under a key ──> per guarded place the least and the greatest value that any of them asks for
 *
 * Which clauses there are, and what each asks, differs from key to key, and a processor cannot guess it; that mostly none
 * of them holds it can. The thread that builds the table.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

enum {
    GUARDED_MIN = 4, /* items that are worth it */
    BARE_SHARE = 2,  /* of so many items one may have nothing that is guarded */
};

/* Of a range the least and the greatest whole part; false where it is no range of numbers, or one of numbers too large. */
static bool wholes_of(const struct index_builder *b, const struct literal *literal, int64_t *least, int64_t *most)
{
    const struct index_bounds *bounds = &b->subjects.at[literal->subject].bounds;
    *least = INT32_MIN;
    *most = INT32_MAX;
    if (literal->b > 2 * bounds->numbers + 1 || literal->b <= literal->a)
        return false;
    if (literal->a > 0)
        *least = bounds->keys[(literal->a - 1) / 2].whole;
    if (literal->b <= 2 * bounds->numbers)
        *most = bounds->keys[(literal->b - 1) / 2].whole;
    return *least >= INT32_MIN && *least <= INT32_MAX && *most >= INT32_MIN && *most <= INT32_MAX;
}

/* The place, as in index_access.guards, that a literal needs a value of; false where it is none. Reading it ahead must
 * neither fail nor count. */
static bool guard_of(const struct index_builder *b, const struct item *item, uint32_t n, uint32_t *guard)
{
    const struct literal *literal = item_literal(b, item, n);
    int64_t least, most;
    if (literal->kind > LITERAL_RANGE || literal->negated || item_is_used(item, n) ||
        !b->subjects.at[literal->subject].certain)
        return false;
    if (literal->kind == LITERAL_RANGE && !wholes_of(b, literal, &least, &most))
        return false;
    *guard = literal->subject << 1 | (literal->kind != LITERAL_RANGE);
    return true;
}

static const struct literal *guarded_literal(const struct index_builder *b, const struct item *item, uint32_t wanted)
{
    uint32_t guard;
    for (uint32_t n = 0; n < b->clauses.at[item->clause].literal_count; n++) {
        if (guard_of(b, item, n, &guard) && guard == wanted)
            return item_literal(b, item, n);
    }
    return NULL;
}

/* The place that most of the items could be guarded by; INDEX_NO_POSITION: none. */
static uint32_t most_asked(const struct index_builder *b, const struct item *items, uint32_t count)
{
    INDEX_VEC(uint32_t) asked = {0};
    uint32_t guard, best = INDEX_NO_POSITION, most = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t n = 0; n < b->clauses.at[items[i].clause].literal_count; n++) {
            if (guard_of(b, &items[i], n, &guard))
                *INDEX_VEC_MORE(&asked) = guard;
        }
    }
    if (asked.count > 1)
        qsort(asked.at, asked.count, sizeof *asked.at, number_order);
    for (uint32_t at = 0, end; at < asked.count; at = end) {
        for (end = at + 1; end < asked.count && asked.at[end] == asked.at[at]; end++)
            ;
        if (end - at > most) {
            most = end - at;
            best = asked.at[at];
        }
    }
    free(asked.at);
    return best;
}

void guards_choose(const struct index_builder *b, const struct item *items, uint32_t count, struct index_access *to)
{
    uint32_t bare = count;
    to->guard_count = 0;
    if (count < GUARDED_MIN)
        return;
    struct item *left = calloc(count, sizeof *left);
    vx_assert(left != NULL);
    memcpy(left, items, count * sizeof *left);
    while (bare > 0 && to->guard_count < INDEX_GUARDS_MAX) {
        uint32_t guard = most_asked(b, left, bare), kept = 0;
        if (guard == INDEX_NO_POSITION)
            break;
        to->guards[to->guard_count++] = guard;
        for (uint32_t i = 0; i < bare; i++) {
            if (!guarded_literal(b, &left[i], guard))
                left[kept++] = left[i];
        }
        bare = kept;
    }
    free(left);
    if (bare > count / BARE_SHARE)
        to->guard_count = 0;
}

/* What one place has to have. */
struct hull {
    int64_t least, most;
};

static void widen(const struct index_builder *b, const struct literal *literal, struct hull *hull)
{
    int64_t first = literal->a, last = literal->a;
    if (literal->kind == LITERAL_IDS) { /* sorted */
        first = b->sets.at[literal->a];
        last = b->sets.at[literal->a + literal->b - 1];
    } else if (literal->kind == LITERAL_RANGE) {
        wholes_of(b, literal, &first, &last);
    }
    hull->least = first < hull->least ? first : hull->least;
    hull->most = last > hull->most ? last : hull->most;
}

bool guards_fill(struct index_builder *b, const struct index_access *access, const struct item *items, uint32_t count,
                 uint32_t at)
{
    struct hull hulls[INDEX_GUARDS_MAX];
    for (uint32_t k = 0; k < access->guard_count; k++)
        hulls[k] = (struct hull){INT32_MAX, INT32_MIN};
    for (uint32_t i = 0; i < count; i++) {
        const struct literal *literal = NULL;
        for (uint32_t k = 0; k < access->guard_count && !literal; k++) {
            literal = guarded_literal(b, &items[i], access->guards[k]);
            if (literal)
                widen(b, literal, &hulls[k]);
        }
        if (!literal)
            return false;
    }
    for (uint32_t k = 0; k < access->guard_count; k++) {
        if (hulls[k].most < hulls[k].least)
            hulls[k].most = hulls[k].least; /* INT32_MAX is next to nothing */
        b->words.at[at + 1 + 2 * k] = (uint32_t)hulls[k].least;
        b->words.at[at + 2 + 2 * k] = (uint32_t)(hulls[k].most - hulls[k].least);
    }
    return true;
}
