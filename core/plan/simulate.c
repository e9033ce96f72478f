/* Envelopes in, decisions out. Any one thread; what a line needs lies in the arena of `struct simulate` until the next
 * line. Invariant: what is printed is read back as the same bytes; where JSON in a line could not do that (not JSON, line
 * breaks or blanks around it, the text null), it is base64.
 */
#include "core/plan/simulate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/b64.h"
#include "core/base/diag.h"
#include "core/base/utf8.h"
#include "core/json/scan.h"
#include "core/json/write.h"
#include "core/plan/compiled.h"

struct simulate {
    struct vx_arena arena;
    struct vx_buf scratch;
    struct json_scanner *scanner;
    struct json_paths *root; /* the whole value, in slot 0 */
};

struct simulate *simulate_new(void)
{
    struct simulate *s = calloc(1, sizeof *s);
    vx_assert(s != NULL);
    s->scanner = json_scanner_new();
    s->root = json_paths_new();
    json_paths_add(s->root, (struct json_path){NULL, 0}, 0);
    json_paths_seal(s->root);
    return s;
}

void simulate_free(struct simulate *s)
{
    if (!s)
        return;
    json_paths_free(s->root);
    json_scanner_free(s->scanner);
    vx_buf_done(&s->scratch);
    vx_arena_done(&s->arena);
    free(s);
}

/* Decodes a base64 string into the arena; at == NULL where it is none. */
static struct vx_span load_base64(struct simulate *s, struct json_value v)
{
    vx_buf_clear(&s->scratch);
    if (v.kind != JSON_KIND_STRING || !vx_b64_decode(&s->scratch, json_unescape(v, &s->arena)))
        return vx_span(NULL, 0);
    return vx_arena_span(&s->arena, vx_buf_view(&s->scratch));
}

static enum vx_status load_int(struct json_value v, int64_t min, int64_t max, const char *name, int64_t *out,
                               struct vx_err *err)
{
    int64_t number;
    if (v.kind != JSON_KIND_INT || !json_int64(v, &number) || number < min || number > max)
        return vx_err_set(err, VX_EINVAL, "\"%s\" must be an integer from %" PRId64 " to %" PRId64, name, min, max);
    *out = number;
    return VX_OK;
}

static enum vx_status load_header(struct simulate *s, const struct json_iter *it, struct cel_header *header,
                                  struct vx_err *err)
{
    header->name = json_unescape(it->key, &s->arena);
    header->value = vx_span(NULL, 0);
    if (it->value.kind == JSON_KIND_NULL)
        return VX_OK;
    if (it->value.kind == JSON_KIND_STRING) {
        header->value = json_unescape(it->value, &s->arena);
        return VX_OK;
    }
    if (it->value.kind == JSON_KIND_OBJECT)
        header->value = load_base64(s, json_member(it->value, VX_SPAN_LITERAL("base64")));
    if (!header->value.at)
        return vx_err_set(err, VX_EINVAL, "header \"%.*s\" must be a string, null, or {\"base64\": text}",
                          VX_SPAN_ARG(header->name));
    return VX_OK;
}

static enum vx_status load_headers(struct simulate *s, struct json_value v, struct cel_event *ev, struct vx_err *err)
{
    if (v.kind != JSON_KIND_OBJECT)
        return vx_err_set(err, VX_EINVAL, "\"headers\" must be an object");
    size_t count = 0;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        count++;
    struct cel_header *headers = VX_ARENA_ARRAY(&s->arena, struct cel_header, count);
    ev->headers = headers;
    ev->header_count = count;
    for (struct json_iter it = json_iter(v); json_next(&it); headers++) {
        enum vx_status status = load_header(s, &it, headers, err);
        if (status)
            return status;
    }
    return VX_OK;
}

enum member { TOPIC, KEY, KEY_BASE64, HEADERS, TIMESTAMP, PARTITION, OFFSET, VALUE, VALUE_BASE64, MEMBER_COUNT };
static const char *const MEMBERS[MEMBER_COUNT] = {"topic",     "key",    "key_base64", "headers",     "timestamp",
                                                  "partition", "offset", "value",      "value_base64"};

static enum vx_status load_bytes(struct simulate *s, struct json_value v, const char *name, struct vx_span *out,
                                 struct vx_err *err)
{
    *out = load_base64(s, v);
    return out->at ? VX_OK : vx_err_set(err, VX_EINVAL, "\"%s\" must be a string of base64", name);
}

static enum vx_status load_member(struct simulate *s, enum member member, struct json_value v, struct cel_event *ev,
                                  struct vx_err *err)
{
    int64_t partition = 0;
    switch (member) {
    case TOPIC:
        if (v.kind != JSON_KIND_STRING)
            break;
        ev->topic = json_unescape(v, &s->arena);
        return VX_OK;
    case KEY:
        if (v.kind != JSON_KIND_STRING && v.kind != JSON_KIND_NULL)
            break;
        ev->key = v.kind == JSON_KIND_STRING ? json_unescape(v, &s->arena) : vx_span(NULL, 0);
        return VX_OK;
    case KEY_BASE64:
        return load_bytes(s, v, MEMBERS[member], &ev->key, err);
    case HEADERS:
        return load_headers(s, v, ev, err);
    case TIMESTAMP:
        return load_int(v, INT64_MIN, INT64_MAX, MEMBERS[member], &ev->timestamp_ms, err);
    case PARTITION:
        if (load_int(v, 0, INT32_MAX, MEMBERS[member], &partition, err))
            return VX_EINVAL;
        ev->partition = (int32_t)partition;
        return VX_OK;
    case OFFSET:
        return load_int(v, 0, INT64_MAX, MEMBERS[member], &ev->offset, err);
    case VALUE:
        ev->value = v.kind == JSON_KIND_NULL ? vx_span(NULL, 0) : json_text(v);
        return VX_OK;
    case VALUE_BASE64:
        return load_bytes(s, v, MEMBERS[member], &ev->value, err);
    case MEMBER_COUNT:
        break;
    }
    return vx_err_set(err, VX_EINVAL, "\"%s\" must be a string%s", MEMBERS[member], member == KEY ? " or null" : "");
}

/* A key or a value that is told twice, in two ways: which of them is meant? */
static enum vx_status check_once(const bool *seen, struct vx_err *err)
{
    static const enum member pairs[][2] = {{KEY, KEY_BASE64}, {VALUE, VALUE_BASE64}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (seen[pairs[i][0]] && seen[pairs[i][1]])
            return vx_err_set(err, VX_EINVAL, "there are \"%s\" and \"%s\"; one of them is enough",
                              MEMBERS[pairs[i][0]], MEMBERS[pairs[i][1]]);
    }
    return VX_OK;
}

static enum vx_status load_any(struct simulate *s, const struct json_iter *it, struct cel_event *ev, bool *seen,
                               struct vx_err *err)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        if (!json_string_equal(it->key, vx_span_str(MEMBERS[i])))
            continue;
        seen[i] = true;
        return load_member(s, (enum member)i, it->value, ev, err);
    }
    struct vx_span name = json_unescape(it->key, &s->arena);
    const char *near = vx_nearest(name, MEMBERS, MEMBER_COUNT);
    return vx_err_set(err, VX_EINVAL, "unknown member \"%.*s\"%s%s%s", VX_SPAN_ARG(name),
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

enum vx_status simulate_load(struct simulate *s, struct vx_span line, const struct cel_event *defaults,
                             struct cel_event *ev, struct vx_err *err)
{
    struct json_value root;
    size_t error_at = 0;
    struct cel_event loaded = {0};
    bool seen[MEMBER_COUNT] = {false};
    if (defaults) {
        loaded.topic = defaults->topic;
        loaded.partition = defaults->partition;
        loaded.offset = defaults->offset;
        loaded.timestamp_ms = defaults->timestamp_ms;
    }
    vx_arena_reset(&s->arena, DECIDE_KEEP_BYTES);
    if (json_scan(s->scanner, s->root, line, &root, &error_at) != VX_OK)
        return vx_err_set(err, VX_EINVAL, "the line is %s, at byte %zu",
                          json_is_too_deep(line, error_at) ? "nested too deep" : "not JSON", error_at);
    if (root.kind != JSON_KIND_OBJECT)
        return vx_err_set(err, VX_EINVAL, "the line is not a JSON object");
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        enum vx_status status = load_any(s, &it, &loaded, seen, err);
        if (status)
            return status;
    }
    if (check_once(seen, err) != VX_OK)
        return VX_EINVAL;
    if (!loaded.topic.at)
        return vx_err_set(err, VX_EINVAL, "\"topic\" is missing");
    *ev = loaded;
    return VX_OK;
}

static void print_base64(struct vx_buf *out, struct vx_span bytes)
{
    vx_buf_char(out, '"');
    vx_b64_encode(out, bytes);
    vx_buf_char(out, '"');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* True when the bytes can stand in a line as JSON and be read back as they are; `is_json`: they are known to be JSON. */
static bool stands_as_json(struct simulate *s, struct vx_span value, bool is_json)
{
    struct json_value root;
    return value.len > 0 && !is_blank(value.at[0]) && !is_blank(value.at[value.len - 1]) &&
           !memchr(value.at, '\n', value.len) && !memchr(value.at, '\r', value.len) && !vx_span_is(value, "null") &&
           (is_json || json_scan(s->scanner, s->root, value, &root, NULL) == VX_OK);
}

static void print_value(struct simulate *s, struct vx_span value, bool is_json, struct vx_buf *out)
{
    if (!value.at) {
        vx_buf_str(out, "\"value\":null");
    } else if (stands_as_json(s, value, is_json)) {
        vx_buf_str(out, "\"value\":");
        vx_buf_span(out, value);
    } else {
        vx_buf_str(out, "\"value_base64\":");
        print_base64(out, value);
    }
}

static void print_key(struct vx_span key, struct vx_buf *out)
{
    if (!key.at) {
        vx_buf_str(out, "\"key\":null");
    } else if (vx_utf8_valid(key)) {
        vx_buf_str(out, "\"key\":");
        json_write_string(out, key);
    } else {
        vx_buf_str(out, "\"key_base64\":");
        print_base64(out, key);
    }
}

static void print_headers(const struct cel_header *headers, size_t count, struct vx_buf *out)
{
    vx_buf_str(out, "\"headers\":{");
    for (size_t i = 0; i < count; i++) {
        if (i)
            vx_buf_char(out, ',');
        json_write_string(out, vx_utf8_valid(headers[i].name) ? headers[i].name : VX_SPAN_LITERAL("?"));
        vx_buf_char(out, ':');
        if (!headers[i].value.at) {
            vx_buf_str(out, "null");
        } else if (vx_utf8_valid(headers[i].value)) {
            json_write_string(out, headers[i].value);
        } else {
            vx_buf_str(out, "{\"base64\":");
            print_base64(out, headers[i].value);
            vx_buf_char(out, '}');
        }
    }
    vx_buf_char(out, '}');
}

static void print_record(struct simulate *s, const struct decide_record *record, bool is_json, struct vx_buf *out)
{
    vx_buf_str(out, "{\"topic\":");
    json_write_string(out, record->topic);
    vx_buf_char(out, ',');
    print_key(record->key, out);
    vx_buf_char(out, ',');
    print_headers(record->headers, record->header_count, out);
    vx_buf_char(out, ',');
    print_value(s, record->value, is_json, out);
    vx_buf_char(out, '}');
}

const char *simulate_outcome(enum decide_outcome outcome)
{
    return config_outcomes[outcome];
}

/* The name of a rule, NULL for `otherwise` and where no rule was reached. */
static const char *rule_name(const struct table *t, uint32_t number)
{
    size_t count;
    const struct table_rule *rules = table_rules(t, &count);
    if (number >= count)
        return NULL;
    /* `otherwise` is the last one of its routing; a rule of that name would not be. */
    bool last = number + 1 == count || strcmp(rules[number + 1].routing, rules[number].routing) != 0;
    return last ? NULL : rules[number].name;
}

static void print_string_or_null(const char *text, struct vx_buf *out)
{
    if (text)
        json_write_string(out, vx_span_str(text));
    else
        vx_buf_str(out, "null");
}

/* The members that say which rule: its name, and its routing where that is not the topic's. */
static void print_rule(const struct table *t, const struct route *route, uint32_t number, struct vx_buf *out)
{
    size_t count;
    const struct table_rule *rules = table_rules(t, &count);
    vx_buf_str(out, "\"rule\":");
    print_string_or_null(rule_name(t, number), out);
    if (number < count && route && strcmp(rules[number].routing, route->name) != 0) {
        vx_buf_str(out, ",\"routing\":");
        json_write_string(out, vx_span_str(rules[number].routing));
    }
}

static void print_rules(const struct table *t, const struct route *route, const struct decision *decision,
                        struct vx_buf *out)
{
    bool first = true;
    vx_buf_str(out, ",\"rules\":[");
    for (size_t i = 0; i < decision->rule_count; i++) {
        if (decision->rules[i].hands_over)
            continue;
        vx_buf_str(out, first ? "{" : ",{");
        first = false;
        print_rule(t, route, decision->rules[i].rule, out);
        vx_buf_char(out, '}');
    }
    vx_buf_char(out, ']');
}

void simulate_print(struct simulate *s, const struct table *t, uint64_t n, const struct cel_event *ev,
                    const struct decision *decision, struct vx_buf *out)
{
    size_t count;
    const char *const *pipelines = table_pipelines(t, &count);
    const struct route *route = table_route(t, ev->topic);
    bool is_json = decision->rule != UINT32_MAX && route && route->parsed; /* deciding has checked the value */
    vx_buf_str(out, "{\"n\":");
    json_write_int(out, (int64_t)n);
    vx_buf_str(out, ",\"topic\":");
    json_write_string(out, ev->topic);
    vx_buf_char(out, ',');
    print_rule(t, route, decision->rule, out);
    if (decision->match_all)
        print_rules(t, route, decision, out);
    vx_buf_str(out, ",\"outcome\":\"");
    vx_buf_str(out, simulate_outcome(decision->outcome));
    vx_buf_str(out, "\",\"pipelines\":[");
    for (size_t i = 0; i < decision->pipeline_count; i++) {
        if (i)
            vx_buf_char(out, ',');
        json_write_string(out, vx_span_str(pipelines[decision->pipelines[i].pipeline]));
    }
    vx_buf_str(out, "],\"outputs\":[");
    for (size_t i = 0; i < decision->record_count; i++) {
        if (i)
            vx_buf_char(out, ',');
        print_record(s, &decision->records[i], is_json, out);
    }
    vx_buf_str(out, "],\"error\":");
    print_string_or_null(decision->reason == REASON_NONE ? NULL : decision->message, out);
    vx_buf_str(out, "}\n");
}
