/* Subjects of which there are many values at once: elements of a list, texts in a string, patterns that match it. A worker's
 * thread. One pass finds all constants that are among them, and the positions of elements among the bounds; each is noted
 * once, in a list that accesses walk and in a mark that literals look at.
 */
#include "core/cel/regex/regex.h"
#include "core/plan/index/index.h"

enum {
    GRAM = 3,      /* bytes by which a text is looked for */
    FEW_KEYS = 16, /* of an object that are compared one by one */
};

/* Notes that a constant of a subject is among its values. */
static void note(struct search *s, uint32_t subject, uint32_t id)
{
    uint32_t at = s->index->group.subjects[subject].members_at;
    uint32_t *mark = &s->scratch->members[at + id - 1];
    if (*mark == s->epoch)
        return;
    *mark = s->epoch;
    s->scratch->found[at + s->scratch->readings[subject].found_count++] = id;
}

static void note_position(struct search *s, uint32_t number, const struct cel_key *key)
{
    const struct index_subject *subject = &s->index->group.subjects[number];
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
    for (uint32_t i = 0, next = 0; next < node->element_count && json_next(&it); i++) {
        if (node->children[next]->step.index == i)
            walk(s, node->children[next++], it.value);
    }
}

static int compare_steps(const struct json_step *x, const struct json_step *y)
{
    if (x->is_index != y->is_index)
        return x->is_index ? -1 : 1;
    return x->is_index ? (x->index > y->index) - (x->index < y->index) : vx_span_compare(x->key, y->key);
}

/* Where the child of that step is among the children, or would be. */
static uint32_t child_place(const struct index_inner *node, const struct json_step *step)
{
    uint32_t low = 0, high = node->child_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_steps(&node->children[middle]->step, step) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct index_inner *find_child(const struct index_inner *node, const struct json_step *step)
{
    uint32_t at = child_place(node, step);
    return at < node->child_count && compare_steps(&node->children[at]->step, step) == 0 ? node->children[at] : NULL;
}

/* Of a repeated key the last one counts, so what is found waits until the object has ended. */
static void walk_few_members(struct search *s, const struct index_inner *node, struct json_value object)
{
    struct json_value values[FEW_KEYS] = {{0}};
    struct index_inner *const *children = node->children + node->element_count;
    struct json_iter it = json_iter(object);
    uint32_t count = node->child_count - node->element_count;
    while (json_next(&it)) {
        for (uint32_t i = 0; i < count; i++) {
            if (json_string_equal(it.key, children[i]->step.key))
                values[i] = it.value;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].kind != JSON_KIND_MISSING)
            walk(s, children[i], values[i]);
    }
}

/* Each member is looked up, which is not as often as there are members and paths. */
static void walk_many_members(struct search *s, const struct index_inner *node, struct json_value object)
{
    const uint64_t *last = json_last_keys(object, s->frame->arena);
    struct json_iter it = json_iter(object);
    while (json_next(&it)) {
        if (!json_is_last_key(last, object, it.key))
            continue;
        struct json_step step = {.key = json_unescape(it.key, s->frame->arena)};
        const struct index_inner *child = find_child(node, &step);
        if (child)
            walk(s, child, it.value);
    }
}

/* Follows all inner paths at once. As the expressions do: a step that leads nowhere is a failure of that element, which
 * the others absorb; a map's elements are its keys. Recursion is bounded by the paths. */
static void walk(struct search *s, const struct index_inner *node, struct json_value value)
{
    if (node->subject != UINT32_MAX) {
        struct cel_key key;
        key_of_json(value, s->frame->arena, &key);
        const struct index_subject *subject = &s->index->group.subjects[node->subject];
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
    if (value.kind == JSON_KIND_ARRAY && node->element_count > 0)
        walk_elements(s, node, value);
    if (value.kind != JSON_KIND_OBJECT || node->child_count == node->element_count)
        return;
    if (node->child_count - node->element_count <= FEW_KEYS)
        walk_few_members(s, node, value);
    else
        walk_many_members(s, node, value);
}

/* ---- positions of elements ---- */

/* Shell, "A high-speed sorting procedure" (CACM 1959), with gaps as Gonnet and Baeza-Yates have them: nothing is allocated,
 * and the few that there mostly are cost no more than they would by insertion. */
static void sort(uint32_t *at, uint32_t count)
{
    for (uint32_t gap = count; gap > 1;) {
        gap = gap < 5 ? 1 : (uint32_t)((uint64_t)gap * 5 / 11);
        for (uint32_t i = gap; i < count; i++) {
            uint32_t value = at[i], k = i;
            for (; k >= gap && at[k - gap] > value; k -= gap)
                at[k] = at[k - gap];
            at[k] = value;
        }
    }
}

struct index_positions index_positions_of(struct search *s, uint32_t number)
{
    struct reading *r = index_members(s, number);
    const struct index_subject *subject = &s->index->group.subjects[number];
    uint32_t *at = &s->scratch->found[subject->members_at + subject->constant_count];
    if (!(r->known & READ_SORTED))
        sort(at, r->position_count);
    r->known |= READ_SORTED;
    return (struct index_positions){at, r->position_count};
}

uint32_t index_first_from(const uint32_t *sorted, uint32_t low, uint32_t high, uint32_t wanted)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sorted[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t index_climb_next(struct index_climb *c)
{
    const struct index_access *access = c->access;
    while (c->at == c->before) { /* where both paths are one, and at the root's parent */
        c->next = index_first_from(c->positions.at, c->next, c->positions.count, access->keys[c->segment]);
        if (c->next == c->positions.count)
            return 0;
        c->segment = index_first_from(access->keys, c->segment, access->count, c->positions.at[c->next] + 1);
        if (c->segment == access->count)
            return 0;
        c->before = c->leaf;
        c->leaf = c->at = access->mask + c->segment;
    }
    uint32_t at = c->at;
    c->at /= 2;
    c->before /= 2;
    return at;
}

/* ---- tries ---- */

/* All subjects of the list have a reading now. */
static void start(struct search *s, const struct index_inner *node)
{
    if (node->subject != UINT32_MAX) {
        s->scratch->readings[node->subject].epoch = s->epoch;
        s->scratch->readings[node->subject].known = 0;
        s->scratch->readings[node->subject].found_count = 0;
        s->scratch->readings[node->subject].position_count = 0;
    }
    if (node->any)
        start(s, node->any);
    for (uint32_t i = 0; i < node->child_count; i++)
        start(s, node->children[i]);
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
    struct index_inner *child = find_child(node, step);
    if (child)
        return child;
    if (node->child_count == node->child_room) {
        struct index_inner **old = node->children;
        node->child_room = node->child_room ? 2 * node->child_room : 4;
        node->children = VX_ARENA_ARRAY(arena, struct index_inner *, node->child_room);
        for (uint32_t i = 0; i < node->child_count; i++)
            node->children[i] = old[i];
    }
    uint32_t at = child_place(node, step);
    child = new_inner(arena, *step);
    memmove(&node->children[at + 1], &node->children[at], (node->child_count - at) * sizeof *node->children);
    node->children[at] = child;
    node->child_count++;
    node->element_count += step->is_index;
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
    const struct index_subject *subject = &s->index->group.subjects[number];
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
    const struct index_subject *subject = &s->index->group.subjects[number];
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
