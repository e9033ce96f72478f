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

/* The clauses of an index's rules, up to one that takes whatever is left. Returns the length of the longest condition. */
static size_t analyse(struct index_builder *b, const struct collected_index *of)
{
    struct collected_rule *rules = &b->rules.at[of->rules_at];
    size_t longest = 1;
    for (uint32_t i = 0; i < of->index->rule_count; i++) {
        const struct config_expr *when = &rules[i].from->when;
        if (when->cel) {
            rules[i].clauses = cel_clauses_of(&b->analysis, when->cel, NULL);
            size_t length = cel_expr_text(when->cel).len;
            longest = length > longest ? length : longest;
        } else {
            rules[i].clauses = (struct cel_clauses){VX_ARENA_NEW(&b->analysis, struct cel_clause), 1};
        }
        const struct cel_clause *first = rules[i].clauses.clauses;
        if (!of->index->route->match_all && rules[i].clauses.count == 1 && first->count == 0 && !first->whole)
            break;
    }
    return longest;
}

static void analyse_all(struct index_builder *b)
{
    size_t longest = 1;
    for (uint32_t i = 0; i < b->indexes.count; i++) {
        size_t length = analyse(b, &b->indexes.at[i]);
        longest = length > longest ? length : longest;
    }
    /* A condition of n characters has fewer operators than that, and each costs a step and one more for every 16 bytes
     * it looks at: half the budget stays for programs. */
    b->group.heavy_bytes = longest < CEL_STEPS_MAX / 4 ? (CEL_STEPS_MAX / 2 / longest - 1) * 16 : 0;
    b->group.heavy_list_bytes = CEL_STEPS_MAX / 4 / longest;
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

static void add_clauses(struct index_builder *b, struct collected_index *to)
{
    const struct collected_rule *rules = &b->rules.at[to->rules_at];
    bool *confirm = VX_ARENA_ARRAY(b->arena, bool, to->index->rule_count);
    to->clauses_at = b->clauses.count;
    for (uint32_t i = 0; i < to->index->rule_count; i++) {
        bool expr = false;
        for (size_t k = 0; k < rules[i].clauses.count; k++) {
            add_clause(b, &rules[i], i, &rules[i].clauses.clauses[k]);
            expr |= b->clauses.at[b->clauses.count - 1].expr;
        }
        confirm[i] = expr && rules[i].clauses.count > 1;
    }
    to->clause_end = b->clauses.count;
    to->index->confirm = confirm;
}

void index_collect(struct index_builder *b)
{
    analyse_all(b);
    for_predicates(b, subject_weigh);
    for_predicates(b, subject_gather);
    subjects_finish(b);
    for (uint32_t i = 0; i < b->indexes.count; i++)
        add_clauses(b, &b->indexes.at[i]);
}
