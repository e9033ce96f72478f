/* Conditions → literals: every place gets a number, and so does every constant and every bound of it, so that what is left
 * of a predicate is a few integers. The thread that builds the table.
 *
 * Two passes over the clauses: the first gathers, per place, all constants and bounds; when they are sorted they have
 * their numbers, and the second makes the literals. Strings move into the index; the analysis may go.
 */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/cel/regex.h"
#include "core/plan/index/build.h"

enum { MANY_MIN = 4 }; /* texts, or patterns, that are worth one pass for all */

void *index_vec_grow(void *at, uint32_t *room, uint32_t count, size_t size)
{
    if (count <= *room)
        return at;
    vx_assert(count < UINT32_MAX / 2);
    *room = *room ? *room * 2 : 8;
    at = realloc(at, *room * size);
    vx_assert(at != NULL);
    return at;
}

/* ---- numbers for names ---- */

static void number_table_grow(struct number_table *t)
{
    struct number_table bigger = {.mask = t->slots ? 2 * t->mask + 1 : 15, .count = t->count};
    bigger.slots = calloc(bigger.mask + 1, sizeof *bigger.slots);
    vx_assert(bigger.slots != NULL);
    for (uint32_t i = 0; t->slots && i <= t->mask; i++) {
        if (!t->slots[i].id)
            continue;
        uint32_t at = t->slots[i].hash & bigger.mask;
        while (bigger.slots[at].id)
            at = (at + 1) & bigger.mask;
        bigger.slots[at] = t->slots[i];
    }
    free(t->slots);
    *t = bigger;
}

/* The number of the element for which `same` says yes, or a new one, the count of elements so far; *fresh says which. */
static uint32_t number_of(struct number_table *t, uint64_t hash, bool (*same)(const void *ctx, uint32_t number),
                          const void *ctx, bool *fresh)
{
    if (!t->slots || t->count * 2 > t->mask)
        number_table_grow(t);
    uint32_t low = (uint32_t)hash;
    for (uint32_t at = low & t->mask;; at = (at + 1) & t->mask) {
        struct index_slot *slot = &t->slots[at];
        if (slot->id && !(slot->hash == low && same(ctx, slot->id - 1)))
            continue;
        *fresh = slot->id == 0;
        if (*fresh)
            *slot = (struct index_slot){low, ++t->count};
        return slot->id - 1;
    }
}

struct place_query {
    const struct index_builder *b;
    const struct cel_place *place;
    enum index_source source;
};

static bool same_place(const void *ctx, uint32_t number)
{
    const struct place_query *query = ctx;
    const struct index_subject *subject = &query->b->subjects.at[number];
    return subject->source == query->source && cel_place_equal(&subject->place, query->place);
}

/* Moves a place into the index. */
static struct cel_place kept_place(struct index_builder *b, const struct cel_place *place, uint32_t slot)
{
    struct vx_arena *arena = &b->index->arena;
    struct cel_place kept = *place;
    struct json_step *steps = VX_ARENA_ARRAY(arena, struct json_step, place->inner.count);
    for (size_t i = 0; i < place->inner.count; i++) {
        steps[i] = place->inner.steps[i];
        if (!steps[i].is_index)
            steps[i].key = vx_arena_span(arena, steps[i].key);
    }
    kept.inner.steps = steps;
    if (place->kind == CEL_PLACE_FIELD)
        kept.path = b->c->table->slots.paths[slot];
    if (place->kind == CEL_PLACE_HEADER)
        kept.header = vx_arena_span(arena, place->header);
    return kept;
}

/* The number of a subject; new ones may move the others. */
static uint32_t subject_of(struct index_builder *b, const struct cel_place *place, enum index_source source)
{
    struct place_query query = {b, place, source};
    struct index_subject subject = {.source = (uint8_t)source};
    bool fresh;
    uint32_t number = number_of(&b->subject_numbers, cel_place_hash(place) + source, same_place, &query, &fresh);
    if (!fresh)
        return number;
    if (place->kind == CEL_PLACE_FIELD) {
        uint32_t known = b->c->table->slots.count;
        subject.slot = cel_slots_add(&b->c->table->slots, &b->index->arena, place->path);
        vx_assert(subject.slot < known); /* the rule's program reads it, so it is scanned */
    }
    subject.place = kept_place(b, place, subject.slot);
    *INDEX_VEC_MORE(&b->subjects) = subject;
    *INDEX_VEC_MORE(&b->collected) = (struct collected_subject){0};
    b->index->elements |= source == SOURCE_ELEMENTS;
    b->index->headers |= place->kind == CEL_PLACE_HEADER;
    if (place->lower || source >= SOURCE_PARTS) {
        struct cel_place plain = subject.place;
        plain.lower &= source >= SOURCE_PARTS;
        uint32_t base = subject_of(b, &plain, SOURCE_VALUE);
        b->subjects.at[number].base = base;
    }
    return number;
}

/* The subject that a predicate asks. */
static uint32_t subject_asked(struct index_builder *b, const struct cel_predicate *p)
{
    return subject_of(b, &p->place,
                      p->kind == CEL_PREDICATE_CONTAINS  ? SOURCE_PARTS
                      : p->kind == CEL_PREDICATE_MATCHES ? SOURCE_REGEXES
                      : p->place.inner.count             ? SOURCE_ELEMENTS
                                                         : SOURCE_VALUE);
}

struct test_query {
    const struct index_builder *b;
    struct vx_span text;
    bool expr;
    uint32_t subject;
};

static bool same_test(const void *ctx, uint32_t number)
{
    const struct test_query *query = ctx;
    const struct index_test *test = &query->b->tests.at[number];
    return (test->program != NULL) == query->expr && test->subject == query->subject &&
           vx_span_equal(test->text, query->text);
}

/* The number of a test, and whether it is new. */
static uint32_t test_of(struct index_builder *b, struct test_query query, bool *fresh)
{
    uint64_t hash = vx_hash64(query.text) * 31 + query.subject;
    query.b = b;
    uint32_t number = number_of(&b->test_numbers, hash, same_test, &query, fresh);
    if (*fresh)
        *INDEX_VEC_MORE(&b->tests) = (struct index_test){
            .text = query.expr ? query.text : vx_arena_span(&b->index->arena, query.text), .subject = query.subject};
    return number;
}

/* A part of a condition, or (`p` is NULL) all of it. */
static uint32_t expr_test(struct index_builder *b, uint32_t rule, const struct cel_predicate *p)
{
    const struct rule *to = &b->index->route->rules[rule];
    const struct cel_expr *expr = b->from->rules[to->number - b->index->route->first_rule].when.cel;
    struct test_query query = {.text = p ? p->text : cel_expr_text(expr), .expr = true};
    bool fresh, whole = !p || vx_span_equal(p->text, cel_expr_text(expr));
    uint32_t number = test_of(b, query, &fresh);
    if (fresh)
        b->tests.at[number].program =
            whole ? to->when : cel_predicate_compile(&b->index->arena, expr, p, &b->c->table->slots);
    return number;
}

/* ---- first pass: constants and bounds ---- */

static struct cel_key kept_key(struct index_builder *b, struct cel_key key)
{
    if (key.kind == CEL_KEY_STRING)
        key.text = vx_arena_span(&b->index->arena, key.text);
    return key;
}

static struct vx_span reversed(struct vx_arena *arena, struct vx_span text)
{
    char *at = vx_arena_bytes(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        at[i] = text.at[text.len - 1 - i];
    return vx_span(at, text.len);
}

/* The first string behind all that begin with `text`; false when there is none. */
static bool behind_prefix(struct vx_arena *arena, struct vx_span text, struct cel_key *key)
{
    while (text.len > 0 && (unsigned char)text.at[text.len - 1] == 0xff)
        text.len--;
    if (text.len == 0)
        return false;
    char *at = vx_arena_bytes(arena, text.len);
    memcpy(at, text.at, text.len);
    at[text.len - 1]++;
    key->kind = CEL_KEY_STRING;
    key->text = vx_span(at, text.len);
    return true;
}

static void gather_prefix(struct index_builder *b, struct vx_span text, bool tail, struct collected_subject *to)
{
    struct cel_key keys[2] = {{.kind = CEL_KEY_STRING}, {0}};
    keys[0].text = tail ? reversed(&b->analysis, text) : text;
    int count = 1 + behind_prefix(&b->analysis, keys[0].text, &keys[1]);
    for (int i = 0; i < count; i++) {
        if (tail)
            *INDEX_VEC_MORE(&to->tails) = keys[i];
        else
            *INDEX_VEC_MORE(&to->bounds) = keys[i];
    }
}

static void gather(struct index_builder *b, const struct cel_predicate *p)
{
    if (p->kind == CEL_PREDICATE_EXPR)
        return;
    uint32_t number = subject_asked(b, p);
    struct collected_subject *to = &b->collected.at[number];
    switch (p->kind) {
    case CEL_PREDICATE_IN:
        for (uint32_t i = 0; i < p->count; i++)
            *INDEX_VEC_MORE(&to->constants) = p->keys[i];
        break;
    case CEL_PREDICATE_RANGE:
        if (p->low_bound != CEL_BOUND_NONE)
            *INDEX_VEC_MORE(&to->bounds) = p->keys[0];
        if (p->high_bound != CEL_BOUND_NONE)
            *INDEX_VEC_MORE(&to->bounds) = p->keys[1];
        break;
    case CEL_PREDICATE_PREFIX:
    case CEL_PREDICATE_SUFFIX:
        gather_prefix(b, p->keys[0].text, p->kind == CEL_PREDICATE_SUFFIX, to);
        break;
    case CEL_PREDICATE_MATCHES:
        *INDEX_VEC_MORE(&to->patterns) = (struct collected_regex){p->keys[0], p->regex};
        /* fallthrough */
    case CEL_PREDICATE_CONTAINS:
        *INDEX_VEC_MORE(&to->constants) = p->keys[0];
        break;
    default:
        break;
    }
}

static const struct cel_key *finish_keys(struct index_builder *b, struct cel_key *from, uint32_t *count)
{
    *count = cel_keys_sort(from, *count);
    struct cel_key *keys = VX_ARENA_ARRAY(&b->index->arena, struct cel_key, *count);
    for (uint32_t i = 0; i < *count; i++)
        keys[i] = kept_key(b, from[i]);
    return keys;
}

static void finish_ids(struct index_builder *b, struct index_subject *subject, uint32_t count)
{
    uint32_t size = 4;
    if (count == 0)
        return;
    while (size < 2 * count)
        size *= 2;
    struct index_slot *slots = VX_ARENA_ARRAY(&b->index->arena, struct index_slot, size);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = (uint32_t)cel_key_hash(&subject->constants[i]), at = hash & (size - 1);
        while (slots[at].id)
            at = (at + 1) & (size - 1);
        slots[at] = (struct index_slot){hash, i + 1};
    }
    subject->ids = slots;
    subject->id_mask = size - 1;
}

static int by_pattern(const void *a, const void *b)
{
    return cel_key_compare(&((const struct collected_regex *)a)->pattern,
                           &((const struct collected_regex *)b)->pattern);
}

/* The patterns in the order of the constants, each once. */
static void finish_regexes(struct index_builder *b, struct index_subject *subject, struct collected_subject *from)
{
    struct cel_slots *slots = &b->c->table->slots;
    const struct cel_regex **regexes = VX_ARENA_ARRAY(&b->analysis, const struct cel_regex *, from->patterns.count);
    uint32_t count = 0;
    qsort(from->patterns.at, from->patterns.count, sizeof *from->patterns.at, by_pattern);
    for (uint32_t i = 0; i < from->patterns.count; i++) {
        if (i == 0 || by_pattern(&from->patterns.at[i - 1], &from->patterns.at[i]) != 0)
            regexes[count++] = cel_slots_regex(slots, &b->c->table->arena, from->patterns.at[i].regex);
    }
    vx_assert(count == subject->constant_count);
    subject->regexes = cel_regex_set_new(slots, regexes, count);
}

/* Few texts, or patterns, are looked for one by one. */
static bool one_by_one(const struct index_subject *subject)
{
    return subject->constant_count < MANY_MIN;
}

static void finish_many(struct index_builder *b, struct index_subject *subject, struct collected_subject *from)
{
    if (subject->source == SOURCE_VALUE || (subject->source != SOURCE_ELEMENTS && one_by_one(subject)))
        return;
    subject->members_at = b->index->member_count;
    b->index->member_count += subject->constant_count;
    if (subject->source == SOURCE_PARTS)
        subject->parts = index_parts_new(&b->index->arena, subject->constants, subject->constant_count);
    if (subject->source == SOURCE_REGEXES)
        finish_regexes(b, subject, from);
}

static void finish_subject(struct index_builder *b, struct index_subject *subject, struct collected_subject *from)
{
    subject->constants = finish_keys(b, from->constants.at, &from->constants.count);
    subject->constant_count = from->constants.count;
    finish_ids(b, subject, from->constants.count);
    subject->bounds.keys = finish_keys(b, from->bounds.at, &from->bounds.count);
    while (subject->bounds.numbers < from->bounds.count &&
           subject->bounds.keys[subject->bounds.numbers].kind == CEL_KEY_NUMBER)
        subject->bounds.numbers++;
    subject->bounds.strings = from->bounds.count - subject->bounds.numbers;
    subject->tails.keys = finish_keys(b, from->tails.at, &from->tails.count);
    subject->tails.strings = from->tails.count;
    finish_many(b, subject, from);
    free(from->patterns.at);
    free(from->constants.at);
    free(from->bounds.at);
    free(from->tails.at);
}

/* ---- second pass: literals ---- */

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
        to->a = first + bounds_position(keys, count, &p->keys[0]) + (p->low_bound == CEL_BOUND_OPEN);
    if (p->high_bound != CEL_BOUND_NONE)
        to->b = first + bounds_position(keys, count, &p->keys[1]) + (p->high_bound == CEL_BOUND_CLOSED);
}

/* `first`: the position of the least string. */
static void prefix_positions(struct index_builder *b, const struct index_bounds *bounds, uint32_t first,
                             struct vx_span text, struct literal *to)
{
    const struct cel_key *keys = bounds->keys + bounds->numbers;
    struct cel_key key = {.kind = CEL_KEY_STRING}, behind;
    key.text = text;
    to->a = first + bounds_position(keys, bounds->strings, &key);
    to->b = first + 2 * bounds->strings + 1;
    if (behind_prefix(&b->analysis, text, &behind))
        to->b = first + bounds_position(keys, bounds->strings, &behind);
}

/* Texts and patterns are sought one by one, by a test or a program, or all at once. */
static void many_literal(struct index_builder *b, uint32_t rule, const struct cel_predicate *p, struct literal *to)
{
    const struct index_subject *subject = &b->subjects.at[to->subject];
    bool fresh;
    if (!one_by_one(subject)) {
        to->kind = LITERAL_MEMBER;
        to->a = id_of(subject, &p->keys[0]);
    } else if (p->kind == CEL_PREDICATE_CONTAINS) {
        to->kind = LITERAL_CONTAINS;
        to->subject = subject->base;
        to->a = test_of(b, (struct test_query){.text = p->keys[0].text, .subject = to->subject}, &fresh);
    } else {
        *to = (struct literal){.kind = LITERAL_EXPR, .negated = p->negated, .a = expr_test(b, rule, p)};
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

static struct literal literal_of(struct index_builder *b, uint32_t rule, const struct cel_predicate *p)
{
    struct literal to = {.negated = p->negated};
    if (p->kind == CEL_PREDICATE_EXPR) {
        to.kind = LITERAL_EXPR;
        to.a = expr_test(b, rule, p);
        return to;
    }
    to.subject = subject_asked(b, p);
    const struct index_subject *subject = &b->subjects.at[to.subject];
    switch (p->kind) {
    case CEL_PREDICATE_IN:
        set_literal(b, subject, p, &to);
        break;
    case CEL_PREDICATE_RANGE:
        to.kind = LITERAL_RANGE;
        range_positions(&subject->bounds, p, &to);
        break;
    case CEL_PREDICATE_PREFIX:
        to.kind = p->negated ? LITERAL_OUTSIDE : LITERAL_RANGE;
        prefix_positions(b, &subject->bounds, 2 * subject->bounds.numbers + 1, p->keys[0].text, &to);
        break;
    case CEL_PREDICATE_SUFFIX:
        to.kind = LITERAL_TAIL;
        prefix_positions(b, &subject->tails, 0, reversed(&b->analysis, p->keys[0].text), &to);
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

static void add_clause(struct index_builder *b, uint32_t rule, const struct cel_clause *clause)
{
    struct collected_clause to = {.rule = rule, .literals_at = b->literals.count};
    for (uint32_t i = 0; i < clause->count; i++) {
        struct literal literal = literal_of(b, rule, clause->predicates[i]);
        *INDEX_VEC_MORE(&b->literals) = literal;
        to.expr |= literal.kind == LITERAL_EXPR;
    }
    if (clause->whole) {
        struct literal literal = {.kind = LITERAL_EXPR, .a = expr_test(b, rule, NULL)};
        *INDEX_VEC_MORE(&b->literals) = literal;
        to.expr = true;
    }
    to.literal_count = b->literals.count - to.literals_at;
    if (to.literal_count > 1)
        qsort(b->literals.at + to.literals_at, to.literal_count, sizeof *b->literals.at, by_cost);
    *INDEX_VEC_MORE(&b->clauses) = to;
}

/* ---- conditions ---- */

/* The clauses of all rules, up to one that takes whatever is left. */
static void analyse(struct index_builder *b)
{
    const struct route *route = b->index->route;
    struct cel_clauses *rules = VX_ARENA_ARRAY(&b->analysis, struct cel_clauses, route->rule_count);
    size_t longest = 1;
    b->rules = rules;
    for (size_t i = 0; i < route->rule_count; i++) {
        const struct config_rule *from = &b->from->rules[route->rules[i].number - route->first_rule];
        if (from->when.cel) {
            rules[i] = cel_clauses_of(&b->analysis, from->when.cel, NULL);
            size_t length = cel_expr_text(from->when.cel).len;
            longest = length > longest ? length : longest;
        } else {
            rules[i] = (struct cel_clauses){VX_ARENA_NEW(&b->analysis, struct cel_clause), 1};
        }
        b->rule_count = (uint32_t)i + 1;
        const struct cel_clause *first = rules[i].clauses;
        if (!route->match_all && rules[i].count == 1 && first->count == 0 && !first->whole)
            break;
    }
    /* A condition of n characters has fewer operators than that, and each costs a step and one more for every 16 bytes
     * it looks at: half the budget stays for programs. */
    b->index->heavy_bytes = longest < CEL_STEPS_MAX / 4 ? (CEL_STEPS_MAX / 2 / longest - 1) * 16 : 0;
    b->index->heavy_list_bytes = CEL_STEPS_MAX / 4 / longest;
}

/* One trie per list. */
static void finish_lists(struct index_builder *b)
{
    uint32_t slots = b->c->table->slots.count;
    struct index_inner **roots = calloc(slots + 1, sizeof *roots);
    vx_assert(roots != NULL);
    for (uint32_t i = 0; i < b->subjects.count; i++) {
        const struct index_subject *subject = &b->subjects.at[i];
        if (subject->source == SOURCE_ELEMENTS)
            index_inner_add(&b->index->arena, &roots[subject->slot], subject->place.inner, i);
    }
    for (uint32_t i = 0; i < b->subjects.count; i++) {
        if (b->subjects.at[i].source == SOURCE_ELEMENTS)
            b->subjects.at[i].inner = roots[b->subjects.at[i].slot];
    }
    free(roots);
}

void index_collect(struct index_builder *b)
{
    analyse(b);
    for (uint32_t i = 0; i < b->rule_count; i++) {
        for (size_t k = 0; k < b->rules[i].count; k++) {
            for (uint32_t n = 0; n < b->rules[i].clauses[k].count; n++)
                gather(b, b->rules[i].clauses[k].predicates[n]);
        }
    }
    for (uint32_t i = 0; i < b->subjects.count; i++)
        finish_subject(b, &b->subjects.at[i], &b->collected.at[i]);
    finish_lists(b);
    for (uint32_t i = 0; i < b->rule_count; i++) {
        bool expr = false;
        for (size_t k = 0; k < b->rules[i].count; k++) {
            add_clause(b, i, &b->rules[i].clauses[k]);
            expr |= b->clauses.at[b->clauses.count - 1].expr;
        }
        b->confirm[i] = expr && b->rules[i].count > 1;
    }
}
