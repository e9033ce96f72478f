/* What is expected against what was decided. Pure; one thread. A difference is a line that names the place by its path,
 * says what was expected and what came. Invariant: what a case does not name is not compared. */
#include <inttypes.h>
#include <stdlib.h>

#include "configsvc/cli/test.h"
#include "configsvc/wire/wire.h"
#include "core/base/b64.h"
#include "core/base/utf8.h"
#include "core/json/write.h"
#include "core/plan/simulate.h"

enum { SHOWN_MAX_BYTES = 120 /* of a value in a difference */ };

/* What is compared right now; `path` grows and shrinks with the place. */
struct comparing {
    struct vx_arena *arena;
    struct vx_buf *out;
    struct vx_buf path;
    bool contains;
    size_t left; /* differences that are still shown */
};

/* Appends text that a person reads: cut, without control characters. */
static void show(struct vx_span text, struct vx_buf *out)
{
    size_t len = text.len;
    if (len > SHOWN_MAX_BYTES) {
        len = SHOWN_MAX_BYTES;
        while (len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
            len--;
    }
    vx_buf_printable(out, vx_span(text.at, len), "");
    if (len < text.len)
        vx_buf_printf(out, "… (%zu bytes)", text.len);
}

/* Begins a difference: "path: expected "; false when enough were shown. */
static bool differs(struct comparing *c)
{
    if (c->left == 0)
        return false;
    if (--c->left == 0) {
        vx_buf_str(c->out, "and more\n");
        return false;
    }
    vx_buf_printf(c->out, "%s: expected ", vx_buf_text(&c->path));
    return true;
}

static void differ(struct comparing *c, struct vx_span want, struct vx_span got)
{
    if (!differs(c))
        return;
    show(want, c->out);
    vx_buf_str(c->out, ", got ");
    show(got, c->out);
    vx_buf_char(c->out, '\n');
}

/* --- JSON -------------------------------------------------------------------------------------------------------------- */

static bool is_identifier(struct vx_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.at[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
        if (!letter && !(i > 0 && ch >= '0' && ch <= '9'))
            return false;
    }
    return name.len > 0;
}

/* Adds a step to the path; returns the length to cut it back to. */
static size_t enter_member(struct comparing *c, struct vx_span name)
{
    size_t before = c->path.len;
    if (is_identifier(name)) {
        vx_buf_char(&c->path, '.');
        vx_buf_span(&c->path, name);
    } else {
        vx_buf_char(&c->path, '[');
        json_write_string(&c->path, name);
        vx_buf_char(&c->path, ']');
    }
    return before;
}

static size_t enter_element(struct comparing *c, size_t index)
{
    size_t before = c->path.len;
    vx_buf_printf(&c->path, "[%zu]", index);
    return before;
}

static void leave(struct comparing *c, size_t before)
{
    c->path.len = before;
    c->path.at[before] = '\0';
}

static bool is_number(struct json_value v)
{
    return v.kind == JSON_KIND_INT || v.kind == JSON_KIND_DOUBLE;
}

/* Numbers are compared by value: 12 is 12.0. */
static bool same_number(struct json_value a, struct json_value b)
{
    int64_t x, y;
    if (a.kind == JSON_KIND_INT && b.kind == JSON_KIND_INT && json_int64(a, &x) && json_int64(b, &y))
        return x == y;
    return json_double(a) == json_double(b) || vx_span_equal(json_text(a), json_text(b));
}

static void compare_value(struct comparing *c, struct json_value want, struct json_value got);

static struct vx_span text_of(struct json_value v)
{
    return v.kind == JSON_KIND_MISSING ? VX_SPAN_LITERAL("nothing") : json_text(v);
}

/* An object's members by name, of a repeated one the last: values of tens of thousands of keys are looked up, too. */
struct member {
    struct vx_span name;
    struct json_value value;
};
struct members {
    struct member *at;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return vx_span_compare(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static struct members members_of(struct json_value object, struct vx_arena *arena)
{
    size_t room = 0;
    for (struct json_iter it = json_iter(object); json_next(&it);)
        room++;
    struct members m = {VX_ARENA_ARRAY(arena, struct member, room), 0};
    const uint64_t *last = json_last_keys(object, arena);
    for (struct json_iter it = json_iter(object); m.count < room && json_next(&it);) {
        if (json_is_last_key(last, object, it.key))
            m.at[m.count++] = (struct member){json_unescape(it.key, arena), it.value};
    }
    qsort(m.at, m.count, sizeof *m.at, by_name);
    return m;
}

static struct json_value find(const struct members *m, struct vx_span name)
{
    struct member wanted = {.name = name};
    const struct member *found = bsearch(&wanted, m->at, m->count, sizeof *m->at, by_name);
    return found ? found->value : (struct json_value){.kind = JSON_KIND_MISSING};
}

static void compare_objects(struct comparing *c, struct json_value want, struct json_value got)
{
    struct members wanted = members_of(want, c->arena), there = members_of(got, c->arena);
    for (struct json_iter it = json_iter(want); json_next(&it);) {
        struct vx_span name = json_unescape(it.key, c->arena);
        size_t before = enter_member(c, name);
        compare_value(c, find(&wanted, name), find(&there, name));
        leave(c, before);
    }
    if (c->contains)
        return;
    for (struct json_iter it = json_iter(got); json_next(&it);) {
        struct vx_span name = json_unescape(it.key, c->arena);
        size_t before = enter_member(c, name);
        if (find(&wanted, name).kind == JSON_KIND_MISSING)
            differ(c, VX_SPAN_LITERAL("nothing"), json_text(it.value));
        leave(c, before);
    }
}

static void compare_arrays(struct comparing *c, struct json_value want, struct json_value got)
{
    struct json_iter w = json_iter(want), g = json_iter(got);
    for (size_t i = 0;; i++) {
        bool more_want = json_next(&w), more_got = json_next(&g);
        if (!more_want && !more_got)
            return;
        const struct json_value none = {.kind = JSON_KIND_MISSING};
        size_t before = enter_element(c, i);
        compare_value(c, more_want ? w.value : none, more_got ? g.value : none);
        leave(c, before);
    }
}

static void compare_value(struct comparing *c, struct json_value want, struct json_value got)
{
    if (want.kind == JSON_KIND_OBJECT && got.kind == JSON_KIND_OBJECT) {
        compare_objects(c, want, got);
        return;
    }
    if (want.kind == JSON_KIND_ARRAY && got.kind == JSON_KIND_ARRAY) {
        compare_arrays(c, want, got);
        return;
    }
    bool same = want.kind == got.kind;
    if (is_number(want) && is_number(got))
        same = same_number(want, got);
    else if (same && want.kind == JSON_KIND_STRING)
        same = vx_span_equal(json_unescape(want, c->arena), json_unescape(got, c->arena));
    if (!same)
        differ(c, text_of(want), text_of(got));
}

static void compare_json(struct comparing *c, struct vx_span want, struct vx_span got)
{
    struct json_value w, g;
    struct vx_err err = {0};
    enum vx_status status = wire_parse(want, &w, &err);
    vx_assert(status == VX_OK); /* the loader wrote it */
    if (wire_parse(got, &g, &err) == VX_OK)
        compare_value(c, w, g);
    else
        differ(c, want, VX_SPAN_LITERAL("a value that is not JSON"));
}

void test_compare_json(struct vx_arena *arena, const char *path, struct vx_span want, struct vx_span got, bool contains,
                       struct vx_buf *out)
{
    struct comparing c = {.arena = arena, .out = out, .contains = contains, .left = TEST_DIFFERENCES_MAX + 1};
    vx_buf_str(&c.path, path);
    compare_json(&c, want, got);
    vx_buf_done(&c.path);
}

/* --- records ------------------------------------------------------------------------------------------------------------ */

/* Bytes as a person writes them in a test: as JSON text, or in base64. */
static struct vx_span spelled(struct comparing *c, struct vx_span bytes, const char *none)
{
    struct vx_buf text = {0};
    if (!bytes.at) {
        vx_buf_str(&text, none);
    } else if (vx_utf8_valid(bytes)) {
        json_write_string(&text, bytes);
    } else {
        vx_buf_str(&text, "base64 ");
        vx_b64_encode(&text, bytes);
    }
    struct vx_span copy = vx_arena_span(c->arena, vx_buf_view(&text));
    vx_buf_done(&text);
    return copy;
}

static void compare_bytes(struct comparing *c, struct vx_span want, struct vx_span got, const char *none)
{
    if ((want.at == NULL) != (got.at == NULL) || !vx_span_equal(want, got))
        differ(c, spelled(c, want, none), spelled(c, got, none));
}

static const struct cel_header *find_header(const struct decide_record *record, struct vx_span name)
{
    for (size_t i = record->header_count; i > 0; i--) /* the last of a repeated name counts */
        if (vx_span_equal(record->headers[i - 1].name, name))
            return &record->headers[i - 1];
    return NULL;
}

static void compare_headers(struct comparing *c, const struct config_output *want, const struct decide_record *got)
{
    for (size_t i = 0; i < want->header_count; i++) {
        const struct cel_header *header = find_header(got, want->headers[i].name);
        size_t outer = c->path.len;
        vx_buf_str(&c->path, ".headers");
        enter_member(c, want->headers[i].name);
        if (!header)
            compare_bytes(c, want->headers[i].value, vx_span(NULL, 0), "nothing");
        else if (!header->value.at)
            differ(c, spelled(c, want->headers[i].value, "nothing"), VX_SPAN_LITERAL("null"));
        else
            compare_bytes(c, want->headers[i].value, header->value, "nothing");
        leave(c, outer);
    }
}

static void compare_record(struct comparing *c, const struct config_output *want, const struct decide_record *got)
{
    size_t outer = c->path.len;
    if (want->topic && !vx_span_is(got->topic, want->topic)) {
        vx_buf_str(&c->path, ".topic");
        differ(c, vx_span_str(want->topic), got->topic);
        leave(c, outer);
    }
    if (want->has_key) {
        vx_buf_str(&c->path, ".key");
        compare_bytes(c, want->key, got->key, "none");
        leave(c, outer);
    }
    compare_headers(c, want, got);
    vx_buf_str(&c->path, ".value");
    c->contains = want->compare == CONFIG_COMPARE_CONTAINS;
    if (want->compare == CONFIG_COMPARE_BYTES || want->compare == CONFIG_COMPARE_TOMBSTONE)
        compare_bytes(c, want->value, got->value, "a tombstone");
    else if (want->compare != CONFIG_COMPARE_NOTHING && !got->value.at)
        differ(c, want->value, VX_SPAN_LITERAL("a tombstone"));
    else if (want->compare != CONFIG_COMPARE_NOTHING)
        compare_json(c, want->value, got->value);
    leave(c, outer);
}

static void compare_outputs(struct comparing *c, const struct config_expect *want, const struct decision *got)
{
    size_t count = 0;
    struct vx_buf topics = {0};
    for (size_t i = 0; i < got->record_count; i++) {
        const struct decide_record *record = &got->records[i];
        if (record->dead_letter)
            continue;
        vx_buf_printf(&topics, "%s%.*s", count ? ", " : "", VX_SPAN_ARG(record->topic));
        if (count < want->output_count) {
            size_t outer = c->path.len;
            vx_buf_str(&c->path, "outputs");
            enter_element(c, count);
            compare_record(c, &want->outputs[count], record);
            leave(c, outer);
        }
        count++;
    }
    if (count != want->output_count) {
        const char *list = count ? vx_arena_printf(c->arena, "%zu (%s)", count, vx_buf_text(&topics)) : "none";
        vx_buf_str(&c->path, "outputs");
        differ(c,
               vx_span_str(want->output_count ? vx_arena_printf(c->arena, "%zu", want->output_count)
                                              : vx_arena_str(c->arena, "none")),
               vx_span_str(list));
        leave(c, 0);
    }
    vx_buf_done(&topics);
}

/* --- the rest of a decision --------------------------------------------------------------------------------------------- */

static const char *reason_of(struct comparing *c, const struct decision *got, const struct decide_record *record)
{
    const struct cel_header *message = find_header(record, VX_SPAN_LITERAL("__connect.errors.exception.message"));
    struct vx_span text = message ? message->value : vx_span_str(got->message);
    return vx_arena_printf(c->arena, "%s (%.*s)", decide_reason_label(record->reason), VX_SPAN_ARG(text));
}

static bool has_reason(struct comparing *c, const struct config_expect *want, const struct decision *got,
                       const struct decide_record *record)
{
    return !want->dead_letter_reason || strcmp(want->dead_letter_reason, decide_reason_label(record->reason)) == 0 ||
           strstr(reason_of(c, got, record), want->dead_letter_reason);
}

/* Compares with the dead letter that fits best: the first that has all, else the first one. */
static void compare_dead_letter(struct comparing *c, const struct config_expect *want, const struct decision *got)
{
    const struct decide_record *first = NULL;
    for (size_t i = 0; i < got->record_count; i++) {
        const struct decide_record *record = &got->records[i];
        if (!record->dead_letter)
            continue;
        first = first ? first : record;
        bool topic = !want->dead_letter_topic || vx_span_is(record->topic, want->dead_letter_topic);
        if (want->has_dead_letter && topic && has_reason(c, want, got, record))
            return;
    }
    if (!first && !want->has_dead_letter)
        return;
    vx_buf_str(&c->path, "dead_letter");
    if (!want->has_dead_letter)
        differ(c, VX_SPAN_LITERAL("none"), vx_span_str(reason_of(c, got, first)));
    else if (!first)
        differ(c, VX_SPAN_LITERAL("one"), VX_SPAN_LITERAL("none"));
    if (first && want->dead_letter_topic && !vx_span_is(first->topic, want->dead_letter_topic)) {
        vx_buf_str(&c->path, ".topic");
        differ(c, vx_span_str(want->dead_letter_topic), first->topic);
        leave(c, strlen("dead_letter"));
    }
    if (first && want->dead_letter_reason && !has_reason(c, want, got, first)) {
        vx_buf_str(&c->path, ".reason");
        differ(c, vx_span_str(want->dead_letter_reason), vx_span_str(reason_of(c, got, first)));
    }
    leave(c, 0);
}

static const char *rule_text(const struct table *t, uint32_t number)
{
    size_t count;
    const struct table_rule *rules = table_rules(t, &count);
    return number < count ? rules[number].name : "no rule";
}

/* All rules that took the event but those that only handed it over. */
static void compare_rules(struct comparing *c, const struct table *t, const struct config_expect *want,
                          const struct decision *got)
{
    struct vx_buf wanted = {0}, came = {0};
    for (size_t i = 0; i < want->rule_count; i++)
        vx_buf_printf(&wanted, "%s%s", i ? ", " : "", want->rules[i]);
    for (size_t i = 0; i < got->rule_count; i++)
        if (!got->rules[i].hands_over)
            vx_buf_printf(&came, "%s%s", came.len ? ", " : "", rule_text(t, got->rules[i].rule));
    vx_buf_str(&c->path, "rules");
    if (strcmp(vx_buf_text(&wanted), vx_buf_text(&came)) != 0)
        differ(c, vx_buf_view(&wanted), came.len ? vx_buf_view(&came) : VX_SPAN_LITERAL("no rule"));
    leave(c, 0);
    vx_buf_done(&wanted);
    vx_buf_done(&came);
}

void test_compare(struct vx_arena *arena, const struct table *t, const struct config_expect *want,
                  const struct decision *got, struct vx_buf *out)
{
    struct comparing c = {.arena = arena, .out = out, .left = TEST_DIFFERENCES_MAX + 1};
    size_t before = out->len;
    vx_buf_str(&c.path, "rule");
    if (want->rule && strcmp(want->rule, rule_text(t, got->rule)) != 0)
        differ(&c, vx_span_str(want->rule), vx_span_str(rule_text(t, got->rule)));
    leave(&c, 0);
    if (want->rule_count)
        compare_rules(&c, t, want, got);
    vx_buf_str(&c.path, "outcome");
    if (want->outcome != CONFIG_OUTCOME_ANY && want->outcome != (int)got->outcome)
        differ(&c, vx_span_str(config_outcomes[want->outcome]), vx_span_str(simulate_outcome(got->outcome)));
    leave(&c, 0);
    if (want->has_outputs)
        compare_outputs(&c, want, got);
    if (want->has_outputs || want->has_dead_letter)
        compare_dead_letter(&c, want, got);
    bool said = want->has_outputs || want->has_dead_letter; /* with the dead letter */
    if (out->len > before && got->message && (!said || got->outcome == OUTCOME_STUCK)) {
        vx_buf_str(out, "the event was refused: ");
        show(vx_span_str(got->message), out);
        vx_buf_char(out, '\n');
    }
    vx_buf_done(&c.path);
}
