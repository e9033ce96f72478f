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

/* What a place has to have, as a guard compares it (index_guard_word()). */
struct hull {
    int64_t least, most;
};

static const struct hull nothing = {INT64_MAX, INT64_MIN};

static void widen(struct hull *hull, int64_t least, int64_t most)
{
    hull->least = least < hull->least ? least : hull->least;
    hull->most = most > hull->most ? most : hull->most;
}

/* The whole parts of a range; false where it is no range of numbers, or one of numbers too large. */
static bool hull_of_range(const struct index_builder *b, const struct literal *literal, struct hull *hull)
{
    const struct cel_key *first, *last;
    if (!index_range_keys(b, literal, &first, &last))
        return false;
    *hull = (struct hull){first ? first->whole : INT32_MIN, last ? last->whole : INT32_MAX};
    return hull->least >= INT32_MIN && hull->most <= INT32_MAX && hull->least <= hull->most;
}

/* The whole parts, or the heads, of the constants that the place may equal; false where these are not all numbers of the
 * size, or not all strings. */
static bool hull_of_ids(const struct index_builder *b, const struct literal *literal, struct hull *hull, bool *text)
{
    const struct cel_key *constants = b->subjects.at[literal->subject].constants;
    uint32_t count = literal->kind == LITERAL_IDS ? literal->b : 1;
    *hull = nothing;
    for (uint32_t i = 0; i < count; i++) {
        const struct cel_key *key = &constants[(count > 1 ? b->sets.at[literal->a + i] : literal->a) - 1];
        bool is_text = key->kind == CEL_KEY_STRING;
        if ((i > 0 && is_text != *text) || (!is_text && key->kind != CEL_KEY_NUMBER))
            return false;
        if (!is_text && (key->whole < INT32_MIN || key->whole > INT32_MAX))
            return false;
        *text = is_text;
        int64_t word = is_text ? (int64_t)index_text_head(key->text) : key->whole;
        widen(hull, word, word);
    }
    return true;
}

/* The place, as in index_access.guards, that a literal needs a value of; false where it is none. Looking at it ahead must
 * neither fail nor count. */
static bool guard_of(const struct index_builder *b, const struct item *item, uint32_t n, uint32_t *guard,
                     struct hull *hull)
{
    const struct literal *literal = item_literal(b, item, n);
    const struct index_subject *subject = &b->subjects.at[literal->subject];
    bool text = false;
    if (literal->kind > LITERAL_RANGE || literal->negated || item_is_used(item, n) || !subject->certain)
        return false;
    if (literal->kind == LITERAL_RANGE ? !hull_of_range(b, literal, hull) : !hull_of_ids(b, literal, hull, &text))
        return false;
    *guard = subject->slot << 1 | text;
    return true;
}

/* True when a literal of the item is guarded by this, and what it needs. */
static bool is_guarded(const struct index_builder *b, const struct item *item, uint32_t wanted, struct hull *hull)
{
    uint32_t guard;
    for (uint32_t n = 0; n < b->clauses.at[item->clause].literal_count; n++) {
        if (guard_of(b, item, n, &guard, hull) && guard == wanted)
            return true;
    }
    return false;
}

/* The place that most of the items could be guarded by; INDEX_NO_POSITION: none. */
static uint32_t most_asked(const struct index_builder *b, const struct item *items, uint32_t count)
{
    INDEX_VEC(uint32_t) asked = {0};
    uint32_t guard, best = INDEX_NO_POSITION, most = 0;
    struct hull hull;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t n = 0; n < b->clauses.at[items[i].clause].literal_count; n++) {
            if (guard_of(b, &items[i], n, &guard, &hull))
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
            struct hull hull;
            if (!is_guarded(b, &left[i], guard, &hull))
                left[kept++] = left[i];
        }
        bare = kept;
    }
    free(left);
    if (bare > count / BARE_SHARE)
        to->guard_count = 0;
}

bool guards_fill(struct index_builder *b, const struct index_access *access, const struct item *items, uint32_t count,
                 uint32_t at)
{
    struct hull hulls[INDEX_GUARDS_MAX] = {nothing, nothing, nothing};
    for (uint32_t i = 0; i < count; i++) {
        struct hull hull = nothing;
        uint32_t k = 0;
        while (k < access->guard_count && !is_guarded(b, &items[i], access->guards[k], &hull))
            k++;
        if (k == access->guard_count)
            return false;
        widen(&hulls[k], hull.least, hull.most);
    }
    for (uint32_t k = 0; k < access->guard_count; k++) {
        if (hulls[k].most < hulls[k].least) /* one value, which is next to none */
            hulls[k].least = hulls[k].most = access->guards[k] & 1 ? UINT32_MAX : INT32_MAX;
        b->words.at[at + 1 + 2 * k] = (uint32_t)hulls[k].least;
        b->words.at[at + 2 + 2 * k] = (uint32_t)(hulls[k].most - hulls[k].least);
    }
    return true;
}
