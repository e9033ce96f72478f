/* Reading an event for the index: each place at most once, each value turned into the small integers that all literals
 * compare. A worker's thread; escaped strings go to the frame's arena, and so do lower-cased ones, but for those of which
 * only the id is asked: most of them fit the words by which an id is found (ids.h), where they are lower-cased in passing.
 *
 * What is counted as failed: a place that was asked for and cannot be read; a value that ranges (or tests of text) were
 * asked of and that has no kind they could be of; a program that failed. Each once per event; absence is no failure.
 */
#include "core/base/utf8.h"
#include "core/cel/values.h"
#include "core/plan/index/index.h"
#include "core/plan/index/short.h"

static inline void read_json(struct json_value json, struct vx_span around, struct vx_arena *arena, struct cel_key *key)
{
    static const uint8_t kinds[] = {
        [JSON_KIND_MISSING] = CEL_KEY_NONE, [JSON_KIND_NULL] = CEL_KEY_NULL,   [JSON_KIND_FALSE] = CEL_KEY_FALSE,
        [JSON_KIND_TRUE] = CEL_KEY_TRUE,    [JSON_KIND_ARRAY] = CEL_KEY_OTHER, [JSON_KIND_OBJECT] = CEL_KEY_OTHER};
    int64_t i;
    switch (json.kind) {
    case JSON_KIND_STRING:
        *key = cel_key_string(json.escaped ? json_unescape(json, arena) : vx_span(json.at, json.len));
        break;
    case JSON_KIND_INT:
    case JSON_KIND_DOUBLE:
        if (index_short_number(json, around, key))
            break;
        if (json_int64(json, &i))
            *key = cel_key_int(i);
        else
            *key = cel_key_double(json_double(json));
        break;
    default:
        key->kind = kinds[json.kind];
    }
}

void key_of_json(struct json_value json, struct vx_arena *arena, struct cel_key *key)
{
    read_json(json, (struct vx_span){0}, arena, key);
}

static struct cel_key key_of_text(struct vx_span text)
{
    if (!text.at)
        return (struct cel_key){.kind = CEL_KEY_NULL};
    return vx_utf8_valid(text) ? cel_key_string(text) : (struct cel_key){0};
}

static struct cel_key key_of_time(int64_t ms)
{
    int64_t rest = ms % 1000;
    rest += rest < 0 ? 1000 : 0;
    return cel_key_time((ms - rest) / 1000, (int32_t)rest * 1000000);
}

static void lower(struct vx_arena *arena, struct reading *r)
{
    char *text = vx_arena_bytes(arena, r->key.text.len + 1);
    for (size_t i = 0; i < r->key.text.len; i++) {
        char c = r->key.text.at[i];
        text[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    r->key.text.at = text;
    r->known &= (uint8_t)~READ_MIXED;
}

/* The reading has the value as it stands. Only strings have a lower case; lists are not told from what cannot be read. */
static inline void expect_text(struct reading *r)
{
    if (r->key.kind == CEL_KEY_STRING)
        r->known = READ_MIXED;
    else
        r->key.kind = CEL_KEY_NONE;
}

/* What is not a field of the event. */
static void fetch_other(struct search *s, const struct index_subject *subject, struct reading *r)
{
    const struct cel_event *ev = s->frame->event;
    const struct cel_header *header;
    switch (subject->place.kind) {
    case CEL_PLACE_HEADER:
        header = cel_header_find(ev->headers, ev->header_count, subject->place.header);
        r->present = header != NULL;
        r->key = header ? key_of_text(header->value) : (struct cel_key){0};
        break;
    case CEL_PLACE_KEY:
        r->key = key_of_text(ev->key);
        break;
    case CEL_PLACE_TOPIC:
        r->key = cel_key_string(ev->topic);
        break;
    case CEL_PLACE_PARTITION:
        r->key = cel_key_int(ev->partition);
        break;
    case CEL_PLACE_OFFSET:
        r->key = cel_key_int(ev->offset);
        break;
    default:
        r->key = key_of_time(ev->timestamp_ms);
    }
}

static void fetch_head(struct search *s, const struct index_subject *subject, struct reading *r)
{
    struct reading *base = index_read(s, subject->base);
    r->present = reading_is_string(s, base); /* else it is counted there */
    r->key.kind = r->present ? CEL_KEY_OTHER : CEL_KEY_NONE;
    if (r->present && base->key.text.len >= subject->head)
        r->key = cel_key_string(vx_span(base->key.text.at, subject->head));
}

static inline void fetch(struct search *s, const struct index_subject *subject, struct reading *r)
{
    r->epoch = s->epoch;
    r->known = 0;
    r->present = true;
    if (subject->field) {
        read_json(s->frame->event->slots[subject->slot], s->frame->event->value, s->frame->arena, &r->key);
        r->present = r->key.kind != CEL_KEY_NONE;
        if (subject->certain)
            return;
        expect_text(r);
    } else if (subject->source == SOURCE_HEAD) {
        fetch_head(s, subject, r);
    } else if (subject->place.lower) {
        r->key = index_read(s, subject->base)->key;
        r->present = r->key.kind != CEL_KEY_NONE; /* else it is counted there, if at all */
        expect_text(r);
    } else {
        fetch_other(s, subject, r);
    }
    s->failed += r->present && r->key.kind == CEL_KEY_NONE;
}

void reading_fetch(struct search *s, uint32_t number, struct reading *r)
{
    fetch(s, &s->index->group.subjects[number], r);
}

/* Apart, because most that is asked for is not to be lower-cased. */
__attribute__((noinline)) static uint32_t find_mixed(struct search *s, const struct index_subject *subject,
                                                     struct reading *r)
{
    if (r->key.text.len <= INDEX_WORD_BYTES)
        return index_ids_find_lower(&subject->ids, &r->key, s->frame->event->value);
    lower(s->frame->arena, r);
    return index_ids_find(&subject->ids, &r->key, s->frame->event->value);
}

__attribute__((noinline)) static uint32_t find_any_id(struct search *s, const struct index_subject *subject,
                                                      struct reading *r)
{
    if (r->epoch != s->epoch)
        fetch(s, subject, r);
    r->known |= READ_ID;
    if (r->known & READ_MIXED)
        return r->id = find_mixed(s, subject, r);
    return r->id = index_ids_find(&subject->ids, &r->key, s->frame->event->value);
}

/* Most of what this is asked for is a short string that nobody has asked for yet: that in few steps, the rest apart. */
uint32_t reading_find_id(struct search *s, uint32_t number, struct reading *r)
{
    const struct index_subject *subject = &s->index->group.subjects[number];
    if (r->epoch == s->epoch || !subject->certain)
        return find_any_id(s, subject, r);
    const struct cel_event *ev = s->frame->event;
    const struct json_value json = ev->slots[subject->slot];
    if (json.kind != JSON_KIND_STRING || json.escaped || json.len > INDEX_WORD_BYTES ||
        !index_is_inside(json.at, INDEX_WORD_BYTES, ev->value) || !subject->ids.slots)
        return find_any_id(s, subject, r);
    r->epoch = s->epoch;
    r->known = READ_ID;
    r->present = true;
    r->key = cel_key_string(vx_span(json.at, json.len));
    return r->id = index_ids_find_short(&subject->ids, r->key.text);
}

uint32_t bounds_position(const struct cel_key *keys, uint32_t count, const struct index_prints *prints,
                         const struct cel_key *key)
{
    bool numbers = key->kind == CEL_KEY_NUMBER;
    uint32_t low = 0, high = count;
    if (prints)
        index_prints_find(prints, key, &low, &high); /* mostly finds that there is nothing left to compare */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = numbers ? cel_key_order_numbers(key, &keys[middle]) : vx_span_compare(key->text, keys[middle].text);
        if (order == 0)
            return 2 * middle + 1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 2 * low;
}

/* `bound` is stored backwards already. */
static int compare_backwards(struct vx_span text, struct vx_span bound)
{
    size_t n = text.len < bound.len ? text.len : bound.len;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)text.at[text.len - 1 - i] - (unsigned char)bound.at[i];
        if (c)
            return c;
    }
    return (text.len > bound.len) - (text.len < bound.len);
}

uint32_t tails_position(const struct cel_key *keys, uint32_t count, struct vx_span text)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_backwards(text, keys[middle].text);
        if (order == 0)
            return 2 * middle + 1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 2 * low;
}

uint32_t index_position_of(const struct index_bounds *bounds, const struct cel_key *key)
{
    const struct cel_key *strings = bounds->keys + bounds->numbers;
    if (key->kind == CEL_KEY_STRING)
        return 2 * bounds->numbers + 1 + bounds_position(strings, bounds->strings, bounds->string_prints, key);
    if (key->kind != CEL_KEY_NUMBER)
        return INDEX_NO_POSITION;
    if (bounds->numbers == 0 || key->whole < bounds->keys[0].whole) /* most values are below most thresholds */
        return 0;
    return bounds_position(bounds->keys, bounds->numbers, bounds->number_prints, key);
}

void reading_find_position(struct search *s, const struct index_subject *subject, struct reading *r)
{
    const struct index_bounds *bounds = &subject->bounds;
    r->known |= READ_POSITION;
    if (r->known & READ_MIXED)
        lower(s->frame->arena, r);
    r->position = index_position_of(bounds, &r->key);
    bool comparable = r->key.kind == CEL_KEY_NONE || /* counted already */
                      (r->key.kind == CEL_KEY_NUMBER && bounds->numbers > 0) ||
                      (r->key.kind == CEL_KEY_STRING && bounds->strings > 0);
    s->failed += !comparable;
}

bool reading_is_string(struct search *s, struct reading *r)
{
    if (r->known & READ_MIXED)
        lower(s->frame->arena, r);
    if (r->key.kind == CEL_KEY_STRING)
        return true;
    if (!(r->known & READ_TEXT_FAILED) && r->key.kind != CEL_KEY_NONE)
        s->failed++;
    r->known |= READ_TEXT_FAILED;
    return false;
}

void reading_find_tail(struct search *s, const struct index_subject *subject, struct reading *r)
{
    r->known |= READ_TAIL;
    r->tail = INDEX_NO_POSITION;
    if (reading_is_string(s, r))
        r->tail = tails_position(subject->tails.keys, subject->tails.strings, r->key.text);
}

/* ---- literals ---- */

static bool has_id(const struct match_index *index, const struct literal *literal, uint32_t id)
{
    const uint32_t *set = &index->group.sets[literal->a];
    uint32_t low = 0, high = literal->b;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (set[middle] == id)
            return true;
        if (set[middle] > id)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool is_member(struct search *s, const struct literal *literal)
{
    const struct index_subject *subject = &s->index->group.subjects[literal->subject];
    const uint32_t *members = &s->scratch->members[subject->members_at];
    bool member = false;
    index_members(s, literal->subject);
    if (literal->b == 0)
        member = members[literal->a - 1] == s->epoch;
    for (uint32_t i = 0; i < literal->b && !member; i++)
        member = members[s->index->group.sets[literal->a + i] - 1] == s->epoch;
    if (member || !literal->negated)
        return member && !literal->negated;
    return index_read(s, subject->base)->key.kind == CEL_KEY_STRING;
}

static bool is_among(struct search *s, const struct literal *literal)
{
    struct index_positions found = index_positions_of(s, literal->subject);
    uint32_t first = index_first_from(found.at, 0, found.count, literal->a);
    return first < found.count && found.at[first] < literal->b;
}

static bool present(struct search *s, const struct literal *literal)
{
    const struct reading *r = index_read(s, literal->subject);
    if (!literal->negated || r->present)
        return r->present && !literal->negated;
    return s->index->group.subjects[literal->subject].place.kind == CEL_PLACE_HEADER ||
           s->frame->event->slots[literal->a].kind == JSON_KIND_OBJECT;
}

static enum index_answer run_test(struct search *s, const struct literal *literal, const struct index_test *test)
{
    if (literal->kind == LITERAL_CONTAINS) {
        struct reading *r = index_read(s, literal->subject);
        if (!reading_is_string(s, r))
            return ANSWER_FAILED;
        struct vx_span text = r->key.text, part = test->text;
        bool yes = part.len == 0 || (text.len >= part.len && memmem(text.at, text.len, part.at, part.len));
        return yes ? ANSWER_YES : ANSWER_NO;
    }
    bool failed;
    bool yes = cel_test(test->program, s->frame, &failed);
    s->steps += CEL_STEPS_MAX - s->frame->steps_left;
    s->failed += failed && !s->frame->absent;
    return failed ? ANSWER_FAILED : yes ? ANSWER_YES : ANSWER_NO;
}

static bool test_holds(struct search *s, const struct literal *literal)
{
    uint32_t *known = &s->scratch->tests[literal->a];
    if (*known >> 2 != s->epoch)
        *known = s->epoch << 2 | run_test(s, literal, &s->index->group.tests[literal->a]);
    return (*known & 3) == (literal->negated ? ANSWER_NO : ANSWER_YES);
}

bool literal_holds(struct search *s, const struct literal *literal)
{
    uint32_t position; /* or id */
    struct reading *r;
    switch (literal->kind) {
    case LITERAL_ID:
    case LITERAL_IDS:
        r = index_read(s, literal->subject);
        if (r->key.kind == CEL_KEY_NONE)
            return false;
        position = index_id(s, literal->subject);
        return (literal->kind == LITERAL_ID ? position == literal->a : has_id(s->index, literal, position)) !=
               literal->negated;
    case LITERAL_RANGE:
        position = index_position(s, literal->subject);
        return position >= literal->a && position < literal->b;
    case LITERAL_OUTSIDE:
        position = index_position(s, literal->subject);
        return position != INDEX_NO_POSITION &&
               position > 2 * s->index->group.subjects[literal->subject].bounds.numbers &&
               !(position >= literal->a && position < literal->b);
    case LITERAL_MEMBER:
        return is_member(s, literal);
    case LITERAL_AMONG:
        return is_among(s, literal);
    case LITERAL_HAS:
        return present(s, literal);
    case LITERAL_TAIL:
        position = index_tail(s, literal->subject);
        return position != INDEX_NO_POSITION && (position >= literal->a && position < literal->b) != literal->negated;
    default:
        return test_holds(s, literal);
    }
}
