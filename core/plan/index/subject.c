/* Subjects: the places that conditions ask about, each with all constants and bounds it is compared with; and the tests that
 * are made once per event. The thread that builds the table. Strings move into the index; the analysis may go.
 */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/cel/regex/regex.h"
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
    uint32_t head;
};

static bool same_place(const void *ctx, uint32_t number)
{
    const struct place_query *query = ctx;
    const struct index_subject *subject = &query->b->subjects.at[number];
    return subject->source == query->source && subject->head == query->head &&
           cel_place_equal(&subject->place, query->place);
}

/* Moves a place into the index. */
static struct cel_place kept_place(struct index_builder *b, const struct cel_place *place, uint32_t slot)
{
    struct vx_arena *arena = b->arena;
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
static uint32_t subject_of(struct index_builder *b, const struct cel_place *place, enum index_source source,
                           uint32_t head)
{
    struct place_query query = {b, place, source, head};
    struct index_subject subject = {.source = (uint8_t)source, .head = head};
    uint64_t hash = cel_place_hash(place) + source + (uint64_t)head * 31;
    bool fresh;
    uint32_t number = number_of(&b->subject_numbers, hash, same_place, &query, &fresh);
    if (!fresh)
        return number;
    if (place->kind == CEL_PLACE_FIELD) {
        uint32_t known = b->c->table->slots.count;
        subject.slot = cel_slots_add(&b->c->table->slots, b->arena, place->path);
        vx_assert(subject.slot < known); /* the rule's program reads it, so it is scanned */
    }
    subject.place = kept_place(b, place, subject.slot);
    subject.field = source == SOURCE_VALUE && place->kind == CEL_PLACE_FIELD;
    subject.certain = subject.field && !place->lower;
    *INDEX_VEC_MORE(&b->subjects) = subject;
    vx_assert(b->subjects.count <= INDEX_SUBJECTS_MAX);
    *INDEX_VEC_MORE(&b->collected) = (struct collected_subject){0};
    if (!subject.field && (place->lower || source >= SOURCE_HEAD)) {
        struct cel_place plain = subject.place;
        plain.lower &= source >= SOURCE_HEAD;
        uint32_t base = subject_of(b, &plain, SOURCE_VALUE, 0);
        b->subjects.at[number].base = base;
    }
    return number;
}

void subject_weigh(struct index_builder *b, const struct cel_predicate *p)
{
    if (p->kind != CEL_PREDICATE_PREFIX)
        return;
    uint32_t number = subject_of(b, &p->place, SOURCE_VALUE, 0), i = 0;
    struct collected_subject *to = &b->collected.at[number];
    while (i < to->head_count && i < INDEX_HEADS_MAX && to->heads[i] != p->keys[0].text.len)
        i++;
    if (i < INDEX_HEADS_MAX && i == to->head_count)
        to->heads[to->head_count++] = (uint32_t)p->keys[0].text.len;
    else if (i == INDEX_HEADS_MAX)
        to->head_count = INDEX_HEADS_MAX + 1;
}

/* The subject that a predicate asks. */
uint32_t subject_asked(struct index_builder *b, const struct cel_predicate *p)
{
    switch (p->kind) {
    case CEL_PREDICATE_CONTAINS:
        return subject_of(b, &p->place, SOURCE_PARTS, 0);
    case CEL_PREDICATE_MATCHES:
        return subject_of(b, &p->place, SOURCE_REGEXES, 0);
    case CEL_PREDICATE_PREFIX: {
        uint32_t whole = subject_of(b, &p->place, SOURCE_VALUE, 0);
        bool ranges = b->collected.at[whole].head_count > INDEX_HEADS_MAX;
        return ranges ? whole : subject_of(b, &p->place, SOURCE_HEAD, (uint32_t)p->keys[0].text.len);
    }
    default:
        return subject_of(b, &p->place, p->place.inner.count ? SOURCE_ELEMENTS : SOURCE_VALUE, 0);
    }
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
            .text = query.expr ? query.text : vx_arena_span(b->arena, query.text), .subject = query.subject};
    return number;
}

uint32_t test_of_text(struct index_builder *b, uint32_t subject, struct vx_span text)
{
    bool fresh;
    return test_of(b, (struct test_query){.text = text, .subject = subject}, &fresh);
}

uint32_t test_of_expr(struct index_builder *b, const struct collected_rule *rule, const struct cel_predicate *p)
{
    const struct cel_expr *expr = rule->from->when.cel;
    struct test_query query = {.text = p ? p->text : cel_expr_text(expr), .expr = true};
    bool fresh, whole = !p || vx_span_equal(p->text, cel_expr_text(expr));
    uint32_t number = test_of(b, query, &fresh);
    if (fresh)
        b->tests.at[number].program =
            whole ? rule->compiled->when : cel_predicate_compile(b->arena, expr, p, &b->c->table->slots);
    return number;
}

/* ---- constants and bounds ---- */

static struct cel_key kept_key(struct vx_arena *arena, struct cel_key key)
{
    if (key.kind == CEL_KEY_STRING)
        key.text = vx_arena_span(arena, key.text);
    return key;
}

struct vx_span text_reversed(struct vx_arena *arena, struct vx_span text)
{
    char *at = vx_arena_bytes(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        at[i] = text.at[text.len - 1 - i];
    return vx_span(at, text.len);
}

/* The first string behind all that begin with `text`; false when there is none. */
bool text_behind(struct vx_arena *arena, struct vx_span text, struct cel_key *key)
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
    keys[0].text = tail ? text_reversed(&b->analysis, text) : text;
    int count = 1 + text_behind(&b->analysis, keys[0].text, &keys[1]);
    for (int i = 0; i < count; i++) {
        if (tail)
            *INDEX_VEC_MORE(&to->tails) = keys[i];
        else
            *INDEX_VEC_MORE(&to->bounds) = keys[i];
    }
}

void subject_gather(struct index_builder *b, const struct cel_predicate *p)
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
        if (b->subjects.at[number].source == SOURCE_HEAD) {
            *INDEX_VEC_MORE(&to->constants) = p->keys[0];
            break;
        }
        /* fallthrough */
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

/* The keys sorted, in the arena. */
static const struct cel_key *finish_keys(struct vx_arena *arena, struct cel_key *from, uint32_t *count)
{
    *count = cel_keys_sort(from, *count);
    struct cel_key *keys = VX_ARENA_ARRAY(arena, struct cel_key, *count);
    for (uint32_t i = 0; i < *count; i++)
        keys[i] = kept_key(arena, from[i]);
    return keys;
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
bool subject_is_few(const struct index_subject *subject)
{
    return subject->constant_count < MANY_MIN;
}

static void finish_many(struct index_builder *b, struct index_subject *subject, struct collected_subject *from)
{
    bool one = subject->source == SOURCE_VALUE || subject->source == SOURCE_HEAD;
    if (one || (subject->source != SOURCE_ELEMENTS && subject_is_few(subject)))
        return;
    subject->members_at = b->group.member_count;
    b->group.member_count += subject->constant_count;
    if (subject->source == SOURCE_ELEMENTS)
        b->group.member_count += 2 * (subject->bounds.numbers + subject->bounds.strings + 1);
    if (subject->source == SOURCE_PARTS)
        subject->parts = index_parts_new(b->arena, subject->constants, subject->constant_count);
    if (subject->source == SOURCE_REGEXES)
        finish_regexes(b, subject, from);
}

static void finish_subject(struct index_builder *b, struct index_subject *subject, struct collected_subject *from)
{
    bool texts = subject->source == SOURCE_PARTS, looked_up = subject->source <= SOURCE_HEAD;
    struct vx_arena *arena = b->arena;
    subject->constants = finish_keys(texts ? arena : &b->analysis, from->constants.at, &from->constants.count);
    subject->constant_count = from->constants.count;
    if (looked_up)
        subject->ids = index_ids_new(arena, subject->constants, subject->constant_count);
    subject->bounds.keys = finish_keys(arena, from->bounds.at, &from->bounds.count);
    while (subject->bounds.numbers < from->bounds.count &&
           subject->bounds.keys[subject->bounds.numbers].kind == CEL_KEY_NUMBER)
        subject->bounds.numbers++;
    subject->bounds.strings = from->bounds.count - subject->bounds.numbers;
    subject->bounds.number_prints = index_prints_new(arena, subject->bounds.keys, subject->bounds.numbers);
    subject->bounds.string_prints =
        index_prints_new(arena, subject->bounds.keys + subject->bounds.numbers, subject->bounds.strings);
    subject->tails.keys = finish_keys(arena, from->tails.at, &from->tails.count);
    subject->tails.strings = from->tails.count;
    finish_many(b, subject, from);
    free(from->patterns.at);
    free(from->constants.at);
    free(from->bounds.at);
    free(from->tails.at);
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
            index_inner_add(b->arena, &roots[subject->slot], subject->place.inner, i);
    }
    for (uint32_t i = 0; i < b->subjects.count; i++) {
        if (b->subjects.at[i].source == SOURCE_ELEMENTS)
            b->subjects.at[i].inner = roots[b->subjects.at[i].slot];
    }
    free(roots);
}

void subjects_finish(struct index_builder *b)
{
    for (uint32_t i = 0; i < b->subjects.count; i++)
        finish_subject(b, &b->subjects.at[i], &b->collected.at[i]);
    finish_lists(b);
}
