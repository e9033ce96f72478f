/* Formulas → clauses: a disjunction of conjunctions, merged where predicates speak of the same place.
 *
 * Multiplying out is bounded (predicate.h): what would explode is left out of a clause, which then says `whole`: its
 * predicates are necessary, and the condition itself decides. That is right because leaving a conjunct out only makes a
 * clause weaker, and the condition is true only where some clause of its full form is.
 *
 * Load time, any one thread; results in the caller's arena.
 */
#include "core/cel/analysis/analysis.h"
#include "core/cel/regex/regex.h"

#include <stdlib.h>

enum { MERGE_MAX = 64 }; /* predicates of a clause that are merged, each with each */

/* ---- keys ---- */

static int by_key(const void *a, const void *b)
{
    return cel_key_compare(a, b);
}

static bool keys_have(const struct cel_predicate *in, const struct cel_key *key)
{
    return in->count > 0 && bsearch(key, in->keys, in->count, sizeof *key, by_key) != NULL;
}

/* Of two ranges' ends the one that leaves less. `side` is 1 for low ends, -1 for high ones. */
static void tighten(struct cel_key *key, uint8_t *bound, const struct cel_key *other, uint8_t other_bound, int side)
{
    if (other_bound == CEL_BOUND_NONE)
        return;
    int order = *bound == CEL_BOUND_NONE ? -1 : side * cel_key_compare(key, other);
    if (order < 0 || (order == 0 && other_bound == CEL_BOUND_OPEN)) {
        *key = *other;
        *bound = other_bound;
    }
}

static bool in_range(const struct cel_predicate *range, const struct cel_key *key)
{
    if (key->kind != range->keys[0].kind)
        return false;
    int low = cel_key_compare(key, &range->keys[0]), high = cel_key_compare(key, &range->keys[1]);
    return (range->low_bound == CEL_BOUND_NONE || low > 0 || (low == 0 && range->low_bound == CEL_BOUND_CLOSED)) &&
           (range->high_bound == CEL_BOUND_NONE || high < 0 || (high == 0 && range->high_bound == CEL_BOUND_CLOSED));
}

static bool text_holds(const struct cel_predicate *p, struct vx_span text)
{
    struct vx_span part = p->keys[0].text;
    if (p->kind == CEL_PREDICATE_MATCHES)
        return cel_regex_match(p->regex, NULL, text);
    if (p->kind == CEL_PREDICATE_PREFIX)
        return vx_span_starts_with(text, part);
    if (p->kind == CEL_PREDICATE_SUFFIX)
        return vx_span_ends_with(text, part);
    return part.len == 0 || (text.len >= part.len && memmem(text.at, text.len, part.at, part.len));
}

static bool is_text(const struct cel_predicate *p)
{
    return p->kind >= CEL_PREDICATE_PREFIX && p->kind <= CEL_PREDICATE_MATCHES;
}

/* True when `p`, which is no EXPR, holds where the value at its place is `key`. */
static bool admits(const struct cel_predicate *p, const struct cel_key *key)
{
    switch (p->kind) {
    case CEL_PREDICATE_IN:
        return keys_have(p, key) != p->negated;
    case CEL_PREDICATE_RANGE:
        return in_range(p, key);
    case CEL_PREDICATE_HAS:
        return !p->negated;
    default:
        return key->kind == CEL_KEY_STRING && text_holds(p, key->text) != p->negated;
    }
}

/* ---- two predicates of one place ---- */

static const struct cel_predicate *with_keys(struct vx_arena *arena, const struct cel_predicate *p,
                                             struct cel_key *keys, uint32_t count)
{
    struct cel_predicate *made = VX_ARENA_NEW(arena, struct cel_predicate);
    *made = *p;
    made->keys = keys;
    made->count = count;
    return made;
}

/* The keys of `in` that `other` admits. */
static const struct cel_predicate *filtered(struct vx_arena *arena, const struct cel_predicate *in,
                                            const struct cel_predicate *other)
{
    struct cel_key *keys = VX_ARENA_ARRAY(arena, struct cel_key, in->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->count; i++) {
        if (admits(other, &in->keys[i]))
            keys[count++] = in->keys[i];
    }
    return with_keys(arena, in, keys, count);
}

static const struct cel_predicate *united(struct vx_arena *arena, const struct cel_predicate *a,
                                          const struct cel_predicate *b)
{
    struct cel_key *keys = VX_ARENA_ARRAY(arena, struct cel_key, (size_t)a->count + b->count);
    if (a->count)
        memcpy(keys, a->keys, a->count * sizeof *keys);
    if (b->count)
        memcpy(keys + a->count, b->keys, b->count * sizeof *keys);
    return with_keys(arena, a, keys, cel_keys_sort(keys, a->count + b->count));
}

static const struct cel_predicate *intersected(struct vx_arena *arena, const struct cel_predicate *a,
                                               const struct cel_predicate *b)
{
    struct cel_key *keys = VX_ARENA_ARRAY(arena, struct cel_key, 2);
    struct cel_predicate *made = VX_ARENA_NEW(arena, struct cel_predicate);
    memcpy(keys, a->keys, 2 * sizeof *keys);
    *made = *a;
    made->keys = keys;
    tighten(&keys[0], &made->low_bound, &b->keys[0], b->low_bound, 1);
    tighten(&keys[1], &made->high_bound, &b->keys[1], b->high_bound, -1);
    return made;
}

static bool range_empty(const struct cel_predicate *p)
{
    if (p->low_bound == CEL_BOUND_NONE || p->high_bound == CEL_BOUND_NONE)
        return false;
    int order = cel_key_compare(&p->keys[0], &p->keys[1]);
    return order > 0 || (order == 0 && (p->low_bound == CEL_BOUND_OPEN || p->high_bound == CEL_BOUND_OPEN));
}

static bool is_set(const struct cel_predicate *p)
{
    return p->kind == CEL_PREDICATE_IN && !p->negated;
}

/* The kind of value that a range or a test of text needs; NONE: any. */
static uint8_t needs_kind(const struct cel_predicate *p)
{
    return p->kind == CEL_PREDICATE_RANGE ? p->keys[0].kind : is_text(p) ? CEL_KEY_STRING : CEL_KEY_NONE;
}

/* Both are tests of text. What begins (ends, contains) with a longer text does so with what that begins with. */
static bool text_implies(const struct cel_predicate *a, const struct cel_predicate *b)
{
    if (a->negated != b->negated)
        return false;
    if (a->kind == CEL_PREDICATE_MATCHES || b->kind == CEL_PREDICATE_MATCHES)
        return a->kind == b->kind && vx_span_equal(a->keys[0].text, b->keys[0].text);
    if (a->negated)
        return a->kind == b->kind && text_holds(a, b->keys[0].text);
    return (a->kind == b->kind || b->kind == CEL_PREDICATE_CONTAINS) && text_holds(b, a->keys[0].text);
}

/* Both are tests of text: true when no text passes both. */
static bool text_excludes(const struct cel_predicate *a, const struct cel_predicate *b)
{
    if (a->negated != b->negated) {
        struct cel_predicate refused = a->negated ? *a : *b;
        refused.negated = false;
        return text_implies(a->negated ? b : a, &refused);
    }
    bool ends = a->kind == b->kind && (a->kind == CEL_PREDICATE_PREFIX || a->kind == CEL_PREDICATE_SUFFIX);
    return ends && !a->negated && !text_holds(a, b->keys[0].text) && !text_holds(b, a->keys[0].text);
}

enum join { JOIN_NOT, JOIN_ONE, JOIN_NEVER };

/* `a` and `b` as one predicate in *a, if there is one (JOIN_ONE), or none that could be true (JOIN_NEVER). */
static enum join join(struct vx_arena *arena, const struct cel_predicate **a, const struct cel_predicate *b)
{
    const struct cel_predicate *x = *a;
    if (x->kind == CEL_PREDICATE_EXPR || b->kind == CEL_PREDICATE_EXPR) {
        if (x->kind != b->kind || !vx_span_equal(x->text, b->text))
            return JOIN_NOT;
        return x->negated == b->negated ? JOIN_ONE : JOIN_NEVER;
    }
    if (!cel_place_equal(&x->place, &b->place))
        return JOIN_NOT;
    bool many = x->place.inner.count > 0; /* values, so that `one is 1` and `one is 2` may both be true */
    if (!many && (is_set(x) || is_set(b))) {
        *a = is_set(x) ? filtered(arena, x, b) : filtered(arena, b, x);
        return (*a)->count ? JOIN_ONE : JOIN_NEVER;
    }
    if (!many && needs_kind(x) && needs_kind(b) && needs_kind(x) != needs_kind(b))
        return JOIN_NEVER;
    if (x->kind == CEL_PREDICATE_HAS || b->kind == CEL_PREDICATE_HAS) {
        /* All but a negated has() say that there is a value. */
        const struct cel_predicate *has = x->kind == CEL_PREDICATE_HAS ? x : b, *rest = has == x ? b : x;
        bool there = rest->kind != CEL_PREDICATE_HAS || !rest->negated;
        *a = rest;
        return there == !has->negated ? JOIN_ONE : JOIN_NEVER;
    }
    if (!many && x->kind == CEL_PREDICATE_IN && b->kind == CEL_PREDICATE_IN) {
        *a = united(arena, x, b);
        return JOIN_ONE;
    }
    if (!many && x->kind == CEL_PREDICATE_RANGE && b->kind == CEL_PREDICATE_RANGE) {
        *a = intersected(arena, x, b);
        return range_empty(*a) ? JOIN_NEVER : JOIN_ONE;
    }
    if (!many && is_text(x) && is_text(b) && text_excludes(x, b))
        return JOIN_NEVER;
    if (cel_predicate_implies(x, b))
        return JOIN_ONE;
    if (cel_predicate_implies(b, x)) {
        *a = b;
        return JOIN_ONE;
    }
    return JOIN_NOT;
}

/* False when the clause can never be true. */
static bool merge(struct vx_arena *arena, struct cel_clause *clause)
{
    for (uint32_t i = 0; i < clause->count; i++) {
        const struct cel_predicate *p = clause->predicates[i];
        if (p->kind == CEL_PREDICATE_IN && !p->negated && p->count == 0)
            return false;
    }
    if (clause->count > MERGE_MAX)
        return true;
    for (uint32_t i = 0; i < clause->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            enum join joined = join(arena, &clause->predicates[k], clause->predicates[i]);
            if (joined == JOIN_NEVER)
                return false;
            if (joined == JOIN_NOT)
                continue;
            /* What k has become may now meet others: i is taken out, and k takes its place. */
            clause->predicates[i] = clause->predicates[k];
            clause->count--;
            memmove(&clause->predicates[k], &clause->predicates[k + 1],
                    (clause->count - k) * sizeof *clause->predicates);
            i = k > 0 ? k - 1 : UINT32_MAX;
            break;
        }
    }
    return true;
}

/* ---- multiplying out ---- */

static struct cel_clauses whole_condition(struct vx_arena *arena)
{
    struct cel_clauses out = {VX_ARENA_NEW(arena, struct cel_clause), 1};
    out.clauses->whole = true;
    return out;
}

static struct cel_clauses any_of(struct vx_arena *arena, const struct cel_clauses *parts, uint32_t count)
{
    struct cel_clauses out = {0};
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += parts[i].count;
    if (total > CEL_CLAUSES_MAX)
        return whole_condition(arena);
    out.clauses = VX_ARENA_ARRAY(arena, struct cel_clause, total);
    for (uint32_t i = 0; i < count; i++) {
        for (size_t k = 0; k < parts[i].count; k++)
            out.clauses[out.count++] = parts[i].clauses[k];
    }
    return out;
}

static struct cel_clauses product(struct vx_arena *arena, struct cel_clauses a, struct cel_clauses b)
{
    struct cel_clauses out = {VX_ARENA_ARRAY(arena, struct cel_clause, a.count * b.count), 0};
    for (size_t i = 0; i < a.count; i++) {
        for (size_t k = 0; k < b.count; k++) {
            const struct cel_clause *x = &a.clauses[i], *y = &b.clauses[k];
            struct cel_clause *to = &out.clauses[out.count++];
            to->whole = x->whole | y->whole;
            to->predicates = VX_ARENA_ARRAY(arena, const struct cel_predicate *, x->count + y->count);
            if (x->count)
                memcpy(to->predicates, x->predicates, x->count * sizeof *x->predicates);
            if (y->count)
                memcpy(to->predicates + x->count, y->predicates, y->count * sizeof *y->predicates);
            to->count = x->count + y->count;
        }
    }
    return out;
}

static int by_count(const void *a, const void *b)
{
    const struct cel_clauses *x = a, *y = b;
    return (x->count > y->count) - (x->count < y->count);
}

/* The parts with few clauses first: what is left out is what explodes. All single clauses go into one at a time, without
 * copying it each time. */
static struct cel_clauses all_of(struct vx_arena *arena, struct cel_clauses *parts, uint32_t count)
{
    struct cel_clauses out = {VX_ARENA_NEW(arena, struct cel_clause), 1};
    uint32_t singles = 0, predicates = 0;
    qsort(parts, count, sizeof *parts, by_count);
    if (count > 0 && parts[0].count == 0)
        return (struct cel_clauses){0};
    for (; singles < count && parts[singles].count == 1; singles++)
        predicates += parts[singles].clauses->count;
    out.clauses->predicates = VX_ARENA_ARRAY(arena, const struct cel_predicate *, predicates);
    for (uint32_t i = 0; i < singles; i++) {
        const struct cel_clause *one = parts[i].clauses;
        if (one->count)
            memcpy(out.clauses->predicates + out.clauses->count, one->predicates, one->count * sizeof *one->predicates);
        out.clauses->count += one->count;
        out.clauses->whole |= one->whole;
    }
    for (uint32_t i = singles; i < count; i++) {
        if (out.count == 1 || out.count * parts[i].count <= CEL_PRODUCT_MAX) {
            out = product(arena, out, parts[i]);
            continue;
        }
        for (size_t k = 0; k < out.count; k++)
            out.clauses[k].whole = true;
    }
    return out;
}

static struct cel_clauses multiply(struct vx_arena *arena, const struct formula *f)
{
    struct cel_clauses out = {0};
    if (f->kind == FORMULA_FALSE)
        return out;
    if (f->kind == FORMULA_AND || f->kind == FORMULA_OR) {
        struct cel_clauses *parts = VX_ARENA_ARRAY(arena, struct cel_clauses, f->count);
        for (uint32_t i = 0; i < f->count; i++)
            parts[i] = multiply(arena, f->args[i]);
        return f->kind == FORMULA_AND ? all_of(arena, parts, f->count) : any_of(arena, parts, f->count);
    }
    out = (struct cel_clauses){VX_ARENA_NEW(arena, struct cel_clause), 1};
    if (f->kind == FORMULA_PREDICATE) {
        out.clauses->predicates = VX_ARENA_NEW(arena, const struct cel_predicate *);
        out.clauses->predicates[0] = f->predicate;
        out.clauses->count = 1;
    }
    return out;
}

struct cel_clauses clauses_make(struct vx_arena *arena, const struct formula *f, size_t *contradictions)
{
    struct cel_clauses out = multiply(arena, f);
    size_t kept = 0;
    for (size_t i = 0; i < out.count; i++) {
        if (merge(arena, &out.clauses[i]))
            out.clauses[kept++] = out.clauses[i];
        else
            ++*contradictions;
    }
    out.count = kept;
    return out;
}

void formula_join_sets(struct vx_arena *arena, struct formula *f)
{
    bool negated = f->kind == FORMULA_AND;
    uint32_t kept = 0;
    for (uint32_t i = 0, end; i < f->count; i = end) {
        const struct cel_predicate *first = f->args[i]->predicate;
        size_t total = 0;
        for (end = i; end < f->count; end++) {
            const struct cel_predicate *p = f->args[end]->kind == FORMULA_PREDICATE ? f->args[end]->predicate : NULL;
            if (!p || p->kind != CEL_PREDICATE_IN || p->negated != negated ||
                !cel_place_equal(&p->place, &first->place))
                break;
            total += p->count;
        }
        if (end < i + 2 || total > UINT32_MAX) {
            end = i + 1;
            f->args[kept++] = f->args[i];
            continue;
        }
        struct cel_key *keys = VX_ARENA_ARRAY(arena, struct cel_key, total);
        uint32_t count = 0;
        for (uint32_t k = i; k < end; k++) {
            const struct cel_predicate *p = f->args[k]->predicate;
            memcpy(keys + count, p->keys, p->count * sizeof *keys);
            count += p->count;
        }
        struct formula *joined = VX_ARENA_NEW(arena, struct formula);
        joined->kind = FORMULA_PREDICATE;
        joined->predicate = with_keys(arena, first, keys, cel_keys_sort(keys, count));
        f->args[kept++] = joined;
    }
    f->count = kept;
}

/* ---- implication ---- */

static bool range_implies(const struct cel_predicate *a, const struct cel_predicate *b)
{
    struct cel_key low = a->keys[0], high = a->keys[1];
    uint8_t low_bound = a->low_bound, high_bound = a->high_bound;
    if (low.kind != b->keys[0].kind)
        return false;
    tighten(&low, &low_bound, &b->keys[0], b->low_bound, 1);
    tighten(&high, &high_bound, &b->keys[1], b->high_bound, -1);
    return low_bound == a->low_bound && high_bound == a->high_bound && cel_key_equal(&low, &a->keys[0]) &&
           cel_key_equal(&high, &a->keys[1]);
}

bool cel_predicate_implies(const struct cel_predicate *a, const struct cel_predicate *b)
{
    if (a->kind == CEL_PREDICATE_EXPR || b->kind == CEL_PREDICATE_EXPR)
        return a->kind == b->kind && a->negated == b->negated && vx_span_equal(a->text, b->text);
    if (!cel_place_equal(&a->place, &b->place))
        return false;
    if (is_set(a)) {
        for (uint32_t i = 0; i < a->count; i++) {
            if (!admits(b, &a->keys[i]))
                return false;
        }
        return true;
    }
    if (b->kind == CEL_PREDICATE_HAS)
        return a->kind == CEL_PREDICATE_HAS ? a->negated == b->negated : !b->negated;
    if (a->kind == CEL_PREDICATE_HAS)
        return false;
    if (b->kind == CEL_PREDICATE_IN) {
        /* Whatever a admits must be none of b's. */
        for (uint32_t i = 0; i < b->count; i++) {
            if (!b->negated || admits(a, &b->keys[i]))
                return false;
        }
        return b->negated;
    }
    if (a->kind == CEL_PREDICATE_RANGE && b->kind == CEL_PREDICATE_RANGE)
        return range_implies(a, b);
    return is_text(a) && is_text(b) && text_implies(a, b);
}

bool cel_clause_implies(const struct cel_clause *a, const struct cel_clause *b)
{
    if (b->whole)
        return false;
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t k = 0;
        while (k < a->count && !cel_predicate_implies(a->predicates[k], b->predicates[i]))
            k++;
        if (k == a->count)
            return false;
    }
    return true;
}
