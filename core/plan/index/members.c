/* Subjects of which there are many values at once: elements of a list, texts in a string, patterns that match it. A worker's
 * thread. One pass finds all constants that are among them, and the positions of elements among the bounds; each is noted
 * once, in a list that accesses walk and in a mark that literals look at.
 */
#include "core/cel/regex/regex.h"
#include "core/plan/index/index.h"

enum { GRAM = 3 }; /* bytes by which a text is looked for */

/* Notes that a constant of a subject is among its values. */
static void note(struct search *s, uint32_t subject, uint32_t id)
{
    uint32_t at = s->index->subjects[subject].members_at;
    uint32_t *mark = &s->scratch->members[at + id - 1];
    if (*mark == s->epoch)
        return;
    *mark = s->epoch;
    s->scratch->found[at + s->scratch->readings[subject].found_count++] = id;
}

static void note_position(struct search *s, uint32_t number, const struct cel_key *key)
{
    const struct index_subject *subject = &s->index->subjects[number];
    uint32_t position = index_position_of(&subject->bounds, key);
    if (position == INDEX_NO_POSITION)
        return;
    uint32_t at = subject->members_at + subject->constant_count;
    uint32_t *mark = &s->scratch->members[at + position];
    if (*mark == s->epoch)
        return;
    *mark = s->epoch;
    s->scratch->found[at + s->scratch->readings[number].position_count++] = position;
}

/* ---- elements ---- */

static void walk(struct search *s, const struct index_inner *node, struct json_value value);

static void walk_elements(struct search *s, const struct index_inner *node, struct json_value list)
{
    struct json_iter it = json_iter(list);
    for (uint32_t i = 0; i < node->elements && json_next(&it); i++) {
        for (const struct index_inner *child = node->child; child; child = child->sibling) {
            if (child->step.is_index && child->step.index == i)
                walk(s, child, it.value);
        }
    }
}

/* Of a repeated key the last one counts, so what is found waits until the object has ended. */
static void walk_members(struct search *s, const struct index_inner *node, struct json_value object)
{
    enum { FEW = 16 };
    struct json_value values[FEW] = {{0}};
    struct json_iter it = json_iter(object);
    uint32_t n = 0;
    while (node->child_count <= FEW && json_next(&it)) {
        n = 0;
        for (const struct index_inner *child = node->child; child; child = child->sibling, n++) {
            if (!child->step.is_index && json_string_equal(it.key, child->step.key))
                values[n] = it.value;
        }
    }
    n = 0;
    for (const struct index_inner *child = node->child; child; child = child->sibling, n++) {
        struct json_value value = (struct json_value){0};
        if (node->child_count <= FEW)
            value = values[n];
        else if (!child->step.is_index)
            value = json_member(object, child->step.key);
        if (value.kind != JSON_KIND_MISSING)
            walk(s, child, value);
    }
}

/* Follows all inner paths at once. As the expressions do: a step that leads nowhere is a failure of that element, which
 * the others absorb; a map's elements are its keys. Recursion is bounded by the paths. */
static void walk(struct search *s, const struct index_inner *node, struct json_value value)
{
    if (node->subject != UINT32_MAX) {
        struct cel_key key;
        key_of_json(value, s->frame->arena, &key);
        const struct index_subject *subject = &s->index->subjects[node->subject];
        uint32_t id = index_ids_find(&subject->ids, &key, s->frame->event->value);
        if (id != INDEX_NO_ID)
            note(s, node->subject, id);
        if (subject->bounds.numbers + subject->bounds.strings > 0)
            note_position(s, node->subject, &key);
    }
    if (node->any) {
        struct json_iter it = json_iter(value);
        while (json_next(&it))
            walk(s, node->any, it.object ? it.key : it.value);
    }
    if (node->child && value.kind == JSON_KIND_ARRAY)
        walk_elements(s, node, value);
    else if (node->child && value.kind == JSON_KIND_OBJECT)
        walk_members(s, node, value);
}

/* All subjects of the list have a reading now. */
static void start(struct search *s, const struct index_inner *node)
{
    if (node->subject != UINT32_MAX) {
        s->scratch->readings[node->subject].epoch = s->epoch;
        s->scratch->readings[node->subject].found_count = 0;
        s->scratch->readings[node->subject].position_count = 0;
    }
    if (node->any)
        start(s, node->any);
    for (const struct index_inner *child = node->child; child; child = child->sibling)
        start(s, child);
}

static struct index_inner *new_inner(struct vx_arena *arena, struct json_step step)
{
    struct index_inner *node = VX_ARENA_NEW(arena, struct index_inner);
    node->step = step;
    node->subject = UINT32_MAX;
    return node;
}

static struct index_inner *step_down(struct vx_arena *arena, struct index_inner *node, const struct json_step *step)
{
    if (cel_step_is_any(step)) {
        if (!node->any)
            node->any = new_inner(arena, *step);
        return node->any;
    }
    for (struct index_inner *child = node->child; child; child = child->sibling) {
        if (child->step.is_index == step->is_index &&
            (step->is_index ? child->step.index == step->index : vx_span_equal(child->step.key, step->key)))
            return child;
    }
    struct index_inner *child = new_inner(arena, *step);
    child->sibling = node->child;
    node->child = child;
    node->child_count++;
    if (step->is_index && step->index >= node->elements)
        node->elements = step->index + 1;
    return child;
}

void index_inner_add(struct vx_arena *arena, struct index_inner **root, struct json_path path, uint32_t subject)
{
    if (!*root)
        *root = new_inner(arena, (struct json_step){0});
    struct index_inner *node = *root;
    for (size_t i = 0; i < path.count; i++)
        node = step_down(arena, node, &path.steps[i]);
    node->subject = subject;
}

/* ---- texts in a string ---- */

static inline uint32_t hash_gram(const char *at)
{
    uint32_t gram = (uint32_t)(unsigned char)at[0] << 16 | (uint32_t)(unsigned char)at[1] << 8 | (unsigned char)at[2];
    return gram * 0x9e3779b1u >> 8;
}

static bool stands_at(struct vx_span text, size_t at, struct vx_span part)
{
    return at + part.len <= text.len && memcmp(text.at + at, part.at, part.len) == 0;
}

static void find_parts(struct search *s, uint32_t number, struct vx_span text)
{
    const struct index_subject *subject = &s->index->subjects[number];
    const struct index_parts *parts = subject->parts;
    for (uint32_t i = 0; i < parts->short_count; i++) {
        struct vx_span part = subject->constants[parts->shorts[i] - 1].text;
        if (text.len >= part.len && memmem(text.at, text.len, part.at, part.len))
            note(s, number, parts->shorts[i]);
    }
    for (size_t i = 0; i + GRAM <= text.len; i++) {
        uint32_t bucket = hash_gram(text.at + i) & parts->mask;
        if (!(parts->filter[bucket / 64] >> bucket % 64 & 1))
            continue;
        for (uint32_t id = parts->buckets[bucket]; id; id = parts->next[id - 1]) {
            if (i >= parts->at[id - 1] && stands_at(text, i - parts->at[id - 1], subject->constants[id - 1].text))
                note(s, number, id);
        }
    }
}

const struct index_parts *index_parts_new(struct vx_arena *arena, const struct cel_key *texts, uint32_t count)
{
    struct index_parts *parts = VX_ARENA_NEW(arena, struct index_parts);
    uint32_t size = 256;
    while (size < 8 * count && size < 1 << 20)
        size *= 2;
    uint64_t *filter = VX_ARENA_ARRAY(arena, uint64_t, size / 64);
    uint32_t *buckets = VX_ARENA_ARRAY(arena, uint32_t, size), *next = VX_ARENA_ARRAY(arena, uint32_t, count);
    uint32_t *at = VX_ARENA_ARRAY(arena, uint32_t, count), *shorts = VX_ARENA_ARRAY(arena, uint32_t, count);
    *parts = (struct index_parts){filter, buckets, next, at, shorts, 0, size - 1};
    /* First how many texts have each three bytes (the counts stand in `buckets` for a while), then where each goes. */
    for (uint32_t id = 1; id <= count; id++) {
        struct vx_span text = texts[id - 1].text;
        for (size_t i = 0; i + GRAM <= text.len; i++)
            buckets[hash_gram(text.at + i) & parts->mask]++;
    }
    for (uint32_t id = 1; id <= count; id++) {
        struct vx_span text = texts[id - 1].text;
        uint32_t fewest = UINT32_MAX;
        at[id - 1] = UINT32_MAX;
        for (size_t i = 0; i + GRAM <= text.len && i < UINT32_MAX; i++) {
            uint32_t texts_there = buckets[hash_gram(text.at + i) & parts->mask];
            if (texts_there < fewest) {
                fewest = texts_there;
                at[id - 1] = (uint32_t)i;
            }
        }
        if (at[id - 1] == UINT32_MAX)
            shorts[parts->short_count++] = id;
    }
    memset(buckets, 0, size * sizeof *buckets);
    for (uint32_t id = 1; id <= count; id++) {
        if (at[id - 1] == UINT32_MAX)
            continue;
        uint32_t bucket = hash_gram(texts[id - 1].text.at + at[id - 1]) & parts->mask;
        filter[bucket / 64] |= (uint64_t)1 << bucket % 64;
        next[id - 1] = buckets[bucket];
        buckets[bucket] = id;
    }
    return parts;
}

/* ---- all three ---- */

struct matcher {
    struct search *s;
    uint32_t subject;
};

static void on_match(void *ctx, uint32_t number)
{
    struct matcher *matcher = ctx;
    note(matcher->s, matcher->subject, number + 1);
}

void reading_find_members(struct search *s, uint32_t number)
{
    const struct index_subject *subject = &s->index->subjects[number];
    if (subject->source == SOURCE_ELEMENTS) {
        struct json_value list = s->frame->event->slots[subject->slot];
        s->failed += list.kind != JSON_KIND_ARRAY && list.kind != JSON_KIND_OBJECT && list.kind != JSON_KIND_MISSING;
        start(s, subject->inner);
        walk(s, subject->inner, list);
        return;
    }
    struct matcher matcher = {s, number};
    struct reading *r = &s->scratch->readings[number], *base = index_read(s, subject->base);
    r->epoch = s->epoch;
    r->found_count = 0;
    if (!reading_is_string(s, base))
        return;
    if (subject->source == SOURCE_PARTS)
        find_parts(s, number, base->key.text);
    else
        cel_regex_set_scan(subject->regexes, s->frame->scratch, base->key.text, on_match, &matcher);
}
