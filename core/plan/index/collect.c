/* Conditions → literals: every place gets a number, and so does every constant and every bound of it (subject.c), so that
 * what is left of a predicate is a few integers. The thread that builds the table.
 *
 * Two passes over the clauses: the first gathers, per place, all constants and bounds; when they are sorted they have
 * their numbers, and the second makes the literals.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

/* ---- literals ---- */

static int by_key(const void *a, const void *b)
{
    return cel_key_compare(a, b);
}

static uint32_t id_of(const struct index_subject *subject, const struct cel_key *key)
{
    const struct cel_key *found = bsearch(key, subject->constants, subject->constant_count, sizeof *key, by_key);
    vx_assert(found != NULL);
    return (uint32_t)(found - subject->constants) + 1;
}

/* [a, b) of a range: see index_bounds. */
static void range_positions(const struct index_bounds *bounds, const struct cel_predicate *p, struct literal *to)
{
    bool strings = p->keys[0].kind == CEL_KEY_STRING;
    uint32_t first = strings ? 2 * bounds->numbers + 1 : 0, count = strings ? bounds->strings : bounds->numbers;
    const struct cel_key *keys = bounds->keys + (strings ? bounds->numbers : 0);
    to->a = first;
    to->b = first + 2 * count + 1;
    if (p->low_bound != CEL_BOUND_NONE)
        to->a = first + bounds_position(keys, count, NULL, &p->keys[0]) + (p->low_bound == CEL_BOUND_OPEN);
    if (p->high_bound != CEL_BOUND_NONE)
        to->b = first + bounds_position(keys, count, NULL, &p->keys[1]) + (p->high_bound == CEL_BOUND_CLOSED);
}

/* `first`: the position of the least string. */
static void prefix_positions(struct index_builder *b, const struct index_bounds *bounds, uint32_t first,
                             struct vx_span text, struct literal *to)
{
    const struct cel_key *keys = bounds->keys + bounds->numbers;
    struct cel_key key = {.kind = CEL_KEY_STRING}, behind;
    key.text = text;
    to->a = first + bounds_position(keys, bounds->strings, NULL, &key);
    to->b = first + 2 * bounds->strings + 1;
    if (text_behind(&b->analysis, text, &behind))
        to->b = first + bounds_position(keys, bounds->strings, NULL, &behind);
}

/* Texts and patterns are sought one by one, by a test or a program, or all at once. */
static void many_literal(struct index_builder *b, const struct collected_rule *rule, const struct cel_predicate *p,
                         struct literal *to)
{
    const struct index_subject *subject = &b->subjects.at[to->subject];
    if (!subject_is_few(subject)) {
        to->kind = LITERAL_MEMBER;
        to->a = id_of(subject, &p->keys[0]);
    } else if (p->kind == CEL_PREDICATE_CONTAINS) {
        to->kind = LITERAL_CONTAINS;
        to->subject = subject->base;
        to->a = test_of_text(b, to->subject, p->keys[0].text);
    } else {
        *to = (struct literal){.kind = LITERAL_EXPR, .negated = p->negated, .a = test_of_expr(b, rule, p)};
    }
}

static void set_literal(struct index_builder *b, const struct index_subject *subject, const struct cel_predicate *p,
                        struct literal *to)
{
    bool many = subject->source == SOURCE_ELEMENTS;
    if (p->count == 1) {
        to->kind = many ? LITERAL_MEMBER : LITERAL_ID;
        to->a = id_of(subject, &p->keys[0]);
        return;
    }
    to->kind = many ? LITERAL_MEMBER : LITERAL_IDS;
    to->a = b->sets.count;
    to->b = p->count;
    for (uint32_t i = 0; i < p->count; i++) /* sorted as the constants are */
        *INDEX_VEC_MORE(&b->sets) = id_of(subject, &p->keys[i]);
}

static struct literal literal_of(struct index_builder *b, const struct collected_rule *rule,
                                 const struct cel_predicate *p)
{
    struct literal to = {.negated = p->negated};
    if (p->kind == CEL_PREDICATE_EXPR) {
        to.kind = LITERAL_EXPR;
        to.a = test_of_expr(b, rule, p);
        return to;
    }
    to.subject = subject_asked(b, p);
    const struct index_subject *subject = &b->subjects.at[to.subject];
    switch (p->kind) {
    case CEL_PREDICATE_IN:
        set_literal(b, subject, p, &to);
        break;
    case CEL_PREDICATE_RANGE:
        to.kind = subject->source == SOURCE_ELEMENTS ? LITERAL_AMONG : LITERAL_RANGE;
        range_positions(&subject->bounds, p, &to);
        break;
    case CEL_PREDICATE_PREFIX:
        if (subject->source == SOURCE_HEAD) {
            to.kind = LITERAL_ID;
            to.a = id_of(subject, &p->keys[0]);
            break;
        }
        to.kind = p->negated ? LITERAL_OUTSIDE : LITERAL_RANGE;
        prefix_positions(b, &subject->bounds, 2 * subject->bounds.numbers + 1, p->keys[0].text, &to);
        break;
    case CEL_PREDICATE_SUFFIX:
        to.kind = LITERAL_TAIL;
        prefix_positions(b, &subject->tails, 0, text_reversed(&b->analysis, p->keys[0].text), &to);
        break;
    case CEL_PREDICATE_CONTAINS:
    case CEL_PREDICATE_MATCHES:
        many_literal(b, rule, p, &to);
        break;
    default:
        to.kind = LITERAL_HAS;
        if (p->place.kind == CEL_PLACE_FIELD) {
            struct json_path parent = {p->place.path.steps, p->place.path.count - 1};
            to.a = cel_slots_add(&b->c->table->slots, &b->analysis, parent);
        }
    }
    return to;
}

static int by_cost(const void *a, const void *b)
{
    const struct literal *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->subject > y->subject) - (x->subject < y->subject);
}

static void add_clause(struct index_builder *b, const struct collected_rule *rule, uint32_t number,
                       const struct cel_clause *clause)
{
    struct collected_clause to = {.rule = number, .literals_at = b->literals.count};
    for (uint32_t i = 0; i < clause->count; i++) {
        struct literal literal = literal_of(b, rule, clause->predicates[i]);
        *INDEX_VEC_MORE(&b->literals) = literal;
        to.expr |= literal.kind == LITERAL_EXPR;
    }
    if (clause->whole) {
        struct literal literal = {.kind = LITERAL_EXPR, .a = test_of_expr(b, rule, NULL)};
        *INDEX_VEC_MORE(&b->literals) = literal;
        to.expr = true;
    }
    to.literal_count = b->literals.count - to.literals_at;
    if (to.literal_count > 1)
        qsort(b->literals.at + to.literals_at, to.literal_count, sizeof *b->literals.at, by_cost);
    *INDEX_VEC_MORE(&b->clauses) = to;
}

/* ---- conditions ---- */

/* Of what the plain loop looks at for a condition: is it elements of lists, is it headers? */
static void see_places(const struct cel_clauses *clauses, bool *elements, bool *headers)
{
    for (size_t k = 0; k < clauses->count; k++) {
        for (uint32_t n = 0; n < clauses->clauses[k].count; n++) {
            const struct cel_predicate *p = clauses->clauses[k].predicates[n];
            *elements |= p->kind != CEL_PREDICATE_EXPR && p->place.inner.count > 0;
            *headers |= p->kind != CEL_PREDICATE_EXPR && p->place.kind == CEL_PLACE_HEADER;
        }
    }
}

/* The clauses of an index's rules, up to one that takes whatever is left. */
static void analyse(struct index_builder *b, const struct collected_index *of)
{
    struct match_index *index = of->index;
    size_t longest = 1;
    bool elements = false;
    for (uint32_t i = 0; i < index->rule_count; i++) {
        struct collected_rule *rule = &b->rules.at[of->rules_at + i];
        const struct cel_expr *when = rule->from->when.cel;
        if (when) {
            rule->clauses = cel_clauses_of(&b->analysis, when, NULL);
            size_t length = cel_expr_text(when).len;
            longest = length > longest ? length : longest;
        } else {
            rule->clauses = (struct cel_clauses){VX_ARENA_NEW(&b->analysis, struct cel_clause), 1};
        }
        see_places(&rule->clauses, &elements, &index->headers);
        const struct cel_clause *first = rule->clauses.clauses;
        if (!index->route->match_all && rule->clauses.count == 1 && first->count == 0 && !first->whole)
            break;
    }
    /* A condition of n characters has fewer operators than that, and each costs a step and one more for every 16 bytes
     * it looks at: half the budget stays for programs. Every two bytes of a list may be an element, and cost a step. */
    if (elements)
        index->heavy_bytes = CEL_STEPS_MAX / 4 / longest;
    else if (longest < CEL_STEPS_MAX / 4)
        index->heavy_bytes = (CEL_STEPS_MAX / 2 / longest - 1) * 16;
}

static void for_predicates(struct index_builder *b, void (*see)(struct index_builder *, const struct cel_predicate *))
{
    for (uint32_t i = 0; i < b->rules.count; i++) {
        const struct cel_clauses *rule = &b->rules.at[i].clauses;
        for (size_t k = 0; k < rule->count; k++) {
            for (uint32_t n = 0; n < rule->clauses[k].count; n++)
                see(b, rule->clauses[k].predicates[n]);
        }
    }
}

/* Of a rule whose last clause was just added; `expr`: some of them have programs. */
static enum index_confirm confirm_of(const struct index_builder *b, const struct collected_rule *rule, bool expr)
{
    if (rule->clauses.count != 1)
        return expr ? CONFIRM_ALWAYS : CONFIRM_HEAVY;
    const struct collected_clause *clause = &b->clauses.at[b->clauses.count - 1];
    if (clause->literal_count != 1)
        return CONFIRM_HEAVY;
    const struct literal *literal = &b->literals.at[clause->literals_at];
    bool own = literal->kind == LITERAL_EXPR && !literal->negated &&
               vx_span_equal(b->tests.at[literal->a].text, cel_expr_text(rule->from->when.cel));
    return own ? CONFIRM_NEVER : CONFIRM_HEAVY;
}

static void add_clauses(struct index_builder *b, struct collected_index *to)
{
    uint8_t *confirm = VX_ARENA_ARRAY(b->arena, uint8_t, to->index->rule_count);
    to->clauses_at = b->clauses.count;
    for (uint32_t i = 0; i < to->index->rule_count; i++) {
        const struct collected_rule *rule = &b->rules.at[to->rules_at + i];
        bool expr = false;
        for (size_t k = 0; k < rule->clauses.count; k++) {
            add_clause(b, rule, i, &rule->clauses.clauses[k]);
            expr |= b->clauses.at[b->clauses.count - 1].expr;
        }
        confirm[i] = confirm_of(b, rule, expr);
    }
    to->clause_end = b->clauses.count;
    to->index->confirm = confirm;
}

void index_collect(struct index_builder *b)
{
    for (uint32_t i = 0; i < b->indexes.count; i++)
        analyse(b, &b->indexes.at[i]);
    for_predicates(b, subject_weigh);
    for_predicates(b, subject_gather);
    subjects_finish(b);
    for (uint32_t i = 0; i < b->indexes.count; i++)
        add_clauses(b, &b->indexes.at[i]);
}
