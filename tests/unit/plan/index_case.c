/* Random rule sets × random events, index against loop.
 *
 * Few fields, few constants, and both sides draw from the same, so that most comparisons are close calls: the same number
 * as int, double and uint, numbers around 2^53 and 2^63, strings that begin and end alike, escapes, repeated keys, wrong
 * types, null and missing, headers that are not UTF-8.
 */
#include "index_case.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/cel/predicate.h"
#include "core/cel/regex.h"
#include "core/json/write.h"
#include "core/plan/decide.h"
#include "core/plan/match.h"
#include "core/plan/simulate.h"

enum { KIDS_MAX = 3, MEMBERS_MAX = 10, HEADERS_MAX = 4, RULES_MAX = 300, IMPLICATIONS_MAX = 64 };

/* A condition, as a tree that can be made smaller. */
struct term {
    char kind; /* 'a' atom, '&', '|', '!', '?', '=' (kid == true) */
    const char *text;
    struct term *kids[KIDS_MAX];
    int count;
};

struct random_event {
    const char *members[MEMBERS_MAX];
    int member_count;
    const char *whole; /* instead of an object; NULL: the members */
    bool tombstone;
    struct cel_header headers[HEADERS_MAX];
    int header_count;
    struct vx_span key;
    const char *topic;
    int32_t partition;
    int64_t offset, timestamp_ms;
};

struct random_rules {
    struct term *terms[RULES_MAX];
    uint32_t count;
    bool all;
};

static uint32_t draw(struct index_draw *d, uint32_t below)
{
    if (d->at < d->end) {
        uint32_t value = *d->at++;
        if (below > 256 && d->at < d->end)
            value = value << 8 | *d->at++;
        return value % below;
    }
    if (d->seed == 0)
        return 0;
    d->seed = d->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(d->seed >> 33) % below;
}

#define PICK(d, list) list[draw(d, sizeof list / sizeof *list)]

/* ---- conditions ---- */

static const char *const fields[] = {
    "event.a", "event.b", "event.c", "event.c.d", "event[\"x y\"]", "event.l[0]", "event.l", "event.c.e", "event",
};
static const char *const places[] = {
    "event.a",
    "event.b",
    "event.c",
    "event.a",
    "event.b",
    "event.a",
    "event.c.d",
    "event[\"x y\"]",
    "headers.h",
    "headers[\"i\"]",
    "key",
    "topic",
    "event.l[0]",
    "partition",
    "offset",
    "event.a.lowerAscii()",
    "headers.h.lowerAscii()",
};
static const char *const constants[] = {
    "0",
    "1",
    "2",
    "3",
    "-1",
    "5",
    "1.0",
    "1.5",
    "2.5",
    "-0.0",
    "5u",
    "1u",
    "1e300",
    "0.1",
    "7",
    "10",
    "9007199254740993",
    "9007199254740992.0",
    "9223372036854775807",
    "9223372036854775808.0",
    "18446744073709551615u",
    "-9223372036854775808",
    "4611686018427387904",
    "4611686018427387903",
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "\"ab\"",
    "\"abc\"",
    "\"b\"",
    "\"B\"",
    "\"aB\"",
    "\"bc\"",
    "\"c\"",
    "\"\\u00e9\"",
    "\"a\\n\"",
    "\"\\uFFFD\"",
    "[1]",
    "{\"d\": 1}",
    "b\"a\"",
    "\"x\\u00ff\"",
};
static const char *const texts[] = {"\"\"",  "\"a\"",  "\"ab\"",      "\"abc\"",  "\"b\"",
                                    "\"c\"", "\"bc\"", "\"\\u00e9\"", "\"a\\n\"", "\"\\U0010FFFF\""};
static const char *const leftovers[] = {
    "event.a + 1 == 2",
    "event.a == event.b",
    "event.a < event.b",
    "size(event.a) > 1",
    "event.l.exists(x, x == \"a\")",
    "event.l.exists(x, x == 1 || x == \"b\")",
    "event.l.all(x, x > 0)",
    "event.a in event.l",
    "\"d\" in event.c",
    "event.a in {\"a\": 1}",
    "event.b.matches(\"^a.c$\")",
    "event.a.matches(\"^ab\")",
    "event.a.matches(\"b\")",
    "event.a % 2 == 0",
    "1 / event.a > 0",
    "event.?a.orValue(1) == 1",
    "event.a in [event.b, 1]",
    "string(event.a) == \"1\"",
    "event.a.b.c == 1",
    "event.c == {\"d\": 1}",
    "timestamp > timestamp(\"1970-01-01T00:00:01Z\")",
    "timestamp == timestamp(\"1970-01-01T00:00:01.001Z\")",
    "timestamp <= timestamp(\"1970-01-01T00:00:00.9999Z\")",
    "timestamp in [timestamp(\"1970-01-01T00:00:01Z\"), timestamp(\"1969-12-31T23:59:59.999Z\")]",
    "size(headers) > 1",
    "\"h\" in headers",
    "\"i\" in headers",
    "size(value) > 10",
    "has(headers.h)",
    "event.a[0] == 1",
    "key_bytes == b\"a\"",
};

/* $ and @: constants. */
static const char *const exists[] = {
    "event.l.exists(x, x == $)",
    "event.l.exists(x, x == $ || @ == x)",
    "event.l.exists(y, y.d == $)",
    "event.l.exists(y, y.d in [$, @])",
    "event.l.exists(y, y.d == $ && y.e == @)",
    "event.l.exists(y, !(y.d != $))",
    "event.l.exists(y, y.exists(z, z == $))",
    "event.l.exists(y, y.d.exists(z, z == $ || z[0] == @))",
    "event.l.exists(x, x)",
    "event.l.exists(x, !x || x == @)",
    "event.c.exists(x, x == $)",
    "!event.l.exists(x, x == $)",
    "event.l.exists(x, x == $ ? true : x == @)",
    "event.l.exists(x, event.c.exists(y, x == $))",
    "event.l.exists(x, x[0] == $)",
    "event.l.exists_one(x, x == $)",
    "event.l.exists(i, x, x == $)",
    "event.l.exists(x, x > 1)",
    "event.l.exists(x, has(x.d) && x.d == $)",
    "event.l.exists(x, x.startsWith(\"a\") || x == $)",
};
static const char *const patterns[] = {
    "^a.c$", "^ab", "b$", "a", "^b$", "^[a-c]+$", "(?i)^AB$", "^$", ".*", "x|bc", "a\\\\n", "[^a]", "^(ab|b)",
};

static struct term *new_term(struct vx_arena *arena, char kind, const char *text)
{
    struct term *term = VX_ARENA_NEW(arena, struct term);
    term->kind = kind;
    term->text = text;
    return term;
}

static const char *filled(struct vx_arena *arena, const char *pattern, const char *first, const char *second)
{
    struct vx_buf text = {0};
    for (const char *p = pattern; *p; p++) {
        if (*p == '$' || *p == '@')
            vx_buf_str(&text, *p == '$' ? first : second);
        else
            vx_buf_char(&text, *p);
    }
    const char *kept = vx_arena_str(arena, vx_buf_text(&text));
    vx_buf_done(&text);
    return kept;
}

static const char *random_atom(struct index_draw *d, struct vx_arena *arena, bool regexes)
{
    static const char *const scalars[] = {"1", "2", "\"a\"", "\"ab\"", "\"b\"", "\"d\"", "1.0", "true", "null", "1.5"};
    static const char *const tests[] = {"==", "!=", "<", "<=", ">", ">=", "==", "=="};
    static const char *const methods[] = {"startsWith", "endsWith", "contains", "startsWith"};
    static const char *const prefixes[] = {"event.a", "event.b", "event.c.d", "event.c.e", "event.c", "headers.h"};
    const char *place = PICK(d, places);
    uint32_t what = draw(d, 13 + regexes);
    switch (what) {
    case 12:
        return filled(arena, PICK(d, exists), PICK(d, scalars), PICK(d, scalars));
    case 13:
        return vx_arena_printf(arena, "%s.matches(\"%s\")", PICK(d, places), PICK(d, patterns));
    case 0:
    case 1:
    case 2:
        return vx_arena_printf(arena, "%s %s %s", place, PICK(d, tests), PICK(d, constants));
    case 3:
        return vx_arena_printf(arena, "%s %s %s", PICK(d, constants), PICK(d, tests), place);
    case 4:
        return vx_arena_printf(arena, "%s in [%s, %s, %s]", place, PICK(d, constants), PICK(d, constants),
                               PICK(d, constants));
    case 5:
    case 6:
        return vx_arena_printf(arena, "%s.%s(%s)", place, PICK(d, methods), PICK(d, texts));
    case 7:
        return vx_arena_printf(arena, "has(%s)", PICK(d, prefixes));
    case 8:
        return PICK(d, leftovers);
    case 9:
        return PICK(d, fields);
    case 10:
        return vx_arena_printf(arena, "event.%c %s %u", 'a' + (char)draw(d, 2), PICK(d, tests), draw(d, 12));
    default:
        return vx_arena_printf(arena, "%s == \"%c\"", place, 'a' + (char)draw(d, 3));
    }
}

static struct term *random_term(struct index_draw *d, struct vx_arena *arena, int depth, bool regexes)
{
    uint32_t what = depth > 0 ? draw(d, 8) : 0;
    struct term *term;
    if (what < 3)
        return new_term(arena, 'a', random_atom(d, arena, regexes));
    term = new_term(arena, what <= 4 ? '&' : what == 5 ? '|' : what == 6 ? '!' : draw(d, 2) ? '?' : '=', NULL);
    term->count = term->kind == '?' ? 3 : term->kind == '!' || term->kind == '=' ? 1 : 2 + (int)draw(d, 2);
    for (int i = 0; i < term->count; i++)
        term->kids[i] = random_term(d, arena, depth - 1, regexes);
    return term;
}

static void print_term(const struct term *term, struct vx_buf *out)
{
    static const char *const begins[] = {['&'] = "(", ['|'] = "(", ['!'] = "!(", ['?'] = "(", ['='] = "(("};
    static const char *const ends[] = {['&'] = ")", ['|'] = ")", ['!'] = ")", ['?'] = ")", ['='] = ") == true)"};
    if (term->kind == 'a') {
        vx_buf_str(out, term->text);
        return;
    }
    vx_buf_str(out, begins[(int)term->kind]);
    for (int i = 0; i < term->count; i++) {
        if (i > 0)
            vx_buf_str(out, term->kind == '&' ? " && " : term->kind == '|' ? " || " : i == 1 ? " ? " : " : ");
        print_term(term->kids[i], out);
    }
    vx_buf_str(out, ends[(int)term->kind]);
}

/* ---- events ---- */

static const char *random_value(struct index_draw *d)
{
    static const char *const values[] = {
        "0",
        "1",
        "2",
        "3",
        "-1",
        "5",
        "7",
        "10",
        "1.0",
        "1.5",
        "2.5",
        "-0",
        "-0.0",
        "1e0",
        "15e-1",
        "1e300",
        "1e999",
        "0.1",
        "9007199254740993",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "9223372036854775807.0",
        "18446744073709551615",
        "-9223372036854775808",
        "-9223372036854775809",
        "4611686018427387904",
        "4611686018427387904.0",
        "null",
        "true",
        "false",
        "\"\"",
        "\"a\"",
        "\"ab\"",
        "\"abc\"",
        "\"b\"",
        "\"B\"",
        "\"aB\"",
        "\"bc\"",
        "\"c\"",
        "\"\\u0061\"",
        "\"\\u0061b\"",
        "\"a\\n\"",
        "\"\\u00e9\"",
        "\"\xc3\xa9\"",
        "\"\\ud800\"",
        "\"abcabc\"",
        "\"A\"",
        "[]",
        "[1]",
        "[\"a\",2]",
        "[\"b\"]",
        "{}",
        "{\"d\":1}",
        "{\"d\":\"a\"}",
        "{\"d\":null}",
        "{\"d\":1,\"d\":\"ab\"}",
        "{\"e\":1}",
        "{\"d\":1.0}",
        "{\"b\":{\"c\":1}}",
        "1",
        "2",
        "\"a\"",
        "\"b\"",
    };
    return PICK(d, values);
}

static void random_event(struct index_draw *d, struct vx_arena *arena, struct random_event *ev)
{
    static const char *const keys[] = {"a", "b", "c", "x y", "l", "a", "b", "\\u0061", "d"};
    static const char *const names[] = {"h", "i", "h"};
    static const struct vx_span values[] = {VX_SPAN_LITERAL("a"),    VX_SPAN_LITERAL("ab"),      VX_SPAN_LITERAL("B"),
                                            VX_SPAN_LITERAL("\xff"), VX_SPAN_LITERAL(""),        {NULL, 0},
                                            VX_SPAN_LITERAL("b"),    VX_SPAN_LITERAL("\xc3\xa9")};
    static const char *const wholes[] = {"1", "\"a\"", "true", "false", "null", "[]", "[1]", "{}"};
    static const char *const topics[] = {"a", "ab", "b", "in"};
    static const int64_t times[] = {0, 1000, 1001, 999, -1, -1000};
    *ev = (struct random_event){.topic = PICK(d, topics), .partition = (int32_t)draw(d, 4), .offset = draw(d, 12)};
    ev->timestamp_ms = PICK(d, times);
    uint32_t shape = draw(d, 24);
    ev->tombstone = shape == 0;
    ev->whole = shape == 1 ? PICK(d, wholes) : NULL;
    for (int n = (int)draw(d, MEMBERS_MAX); ev->member_count < n;) {
        const char *key = PICK(d, keys);
        bool list = strcmp(key, "l") == 0 && draw(d, 4) > 0;
        ev->members[ev->member_count++] =
            list ? vx_arena_printf(arena, "\"%s\":[%s,%s,%s]", key, random_value(d), random_value(d), random_value(d))
                 : vx_arena_printf(arena, "\"%s\":%s", key, random_value(d));
    }
    for (int n = (int)draw(d, HEADERS_MAX); ev->header_count < n;)
        ev->headers[ev->header_count++] = (struct cel_header){vx_span_str(PICK(d, names)), PICK(d, values)};
    ev->key = PICK(d, values);
}

static void print_value(const struct random_event *ev, struct vx_buf *out)
{
    if (ev->whole) {
        vx_buf_str(out, ev->whole);
        return;
    }
    vx_buf_char(out, '{');
    for (int i = 0; i < ev->member_count; i++)
        vx_buf_printf(out, "%s%s", i ? "," : "", ev->members[i]);
    vx_buf_char(out, '}');
}

static struct cel_event as_event(const struct random_event *ev, struct vx_buf *value)
{
    vx_buf_clear(value);
    print_value(ev, value);
    return (struct cel_event){.topic = vx_span_str(ev->topic),
                              .partition = ev->partition,
                              .offset = ev->offset,
                              .timestamp_ms = ev->timestamp_ms,
                              .key = ev->key,
                              .value = ev->tombstone ? (struct vx_span){0} : vx_buf_view(value),
                              .headers = ev->headers,
                              .header_count = (size_t)ev->header_count};
}

/* ---- both answers ---- */

/* Where rule `a` holds, `b` does: what the warnings about rules that never match rest on. */
struct implication {
    uint32_t a, b;
};

/* The rule set as a table: a routing made by hand, so that a hundred thousand of them need no YAML. */
struct both {
    struct vx_arena arena; /* of the config */
    struct vx_arena frame;
    struct config_set set;
    struct table *t;
    struct route *route;
    struct json_scanner *scanner;
    struct match_scratch *scratch;
    struct cel_scratch *regex;
    struct json_value *slots;
    struct vx_buf value, text;
    struct implication implications[IMPLICATIONS_MAX];
    size_t implication_count;
};

static bool implies(const struct cel_clauses *a, const struct cel_clauses *b)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t k = 0;
        while (k < b->count && !cel_clause_implies(&a->clauses[i], &b->clauses[k]))
            k++;
        if (k == b->count)
            return false;
    }
    return true;
}

static void find_implications(struct both *both, const struct config_routing *routing)
{
    struct cel_clauses clauses[16];
    uint32_t count = routing->rule_count < 16 ? (uint32_t)routing->rule_count : 16;
    both->implication_count = 0;
    for (uint32_t i = 0; i < count; i++)
        clauses[i] = cel_clauses_of(&both->arena, routing->rules[i].when.cel, NULL);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count && both->implication_count < IMPLICATIONS_MAX; k++) {
            if (i != k && clauses[i].count < 16 && clauses[k].count < 16 && implies(&clauses[i], &clauses[k]))
                both->implications[both->implication_count++] = (struct implication){i, k};
        }
    }
}

/* Conditions that the checker refuses are left out; terms[] keeps those that are in. */
static void both_init(struct both *both, struct random_rules *rules)
{
    static const char *topics[] = {"in"};
    struct vx_diags diags = {0};
    struct config_routing *routing = VX_ARENA_NEW(&both->arena, struct config_routing);
    uint32_t kept = 0;
    *routing = (struct config_routing){.name = "r", .topics = topics, .topic_count = 1};
    routing->match = rules->all ? CONFIG_MATCH_ALL : CONFIG_MATCH_FIRST;
    routing->otherwise.kind = CONFIG_DROP;
    routing->rules = VX_ARENA_ARRAY(&both->arena, struct config_rule, rules->count + 1);
    for (uint32_t i = 0; i < rules->count; i++) {
        struct config_rule *rule = &routing->rules[kept];
        vx_buf_clear(&both->text);
        print_term(rules->terms[i], &both->text);
        if (cel_parse(&both->arena, vx_buf_view(&both->text), cel_env_event(), &rule->when.cel, NULL) != VX_OK)
            continue;
        enum cel_type type = cel_expr_type(rule->when.cel);
        if (type != CEL_BOOL && type != CEL_DYN)
            continue;
        rules->terms[kept] = rules->terms[i];
        rule->name = vx_arena_printf(&both->arena, "r%u", kept++);
        rule->enabled = true;
        rule->action.kind = CONFIG_DROP;
    }
    routing->rule_count = rules->count = kept;
    find_implications(both, routing);
    both->set.routings = routing;
    both->set.routing_count = 1;
    vx_assert(table_new(&both->set, 1, &both->t, &diags) == VX_OK);
    vx_diags_done(&diags);
    both->route = &both->t->routes[0];
    cel_scratch_fit(both->regex, &both->t->slots);
    both->slots = calloc(both->t->slots.count + 1, sizeof *both->slots);
    vx_assert(both->slots != NULL);
}

static void both_done(struct both *both)
{
    free(both->slots);
    table_unref(both->t);
    vx_arena_done(&both->arena);
    both->slots = NULL;
    both->t = NULL;
    both->arena = (struct vx_arena){0};
}

static bool same_rules(struct match *m, const struct route *route)
{
    size_t counts[2];
    const struct rule *const *loop = match_all_loop(m, route, &counts[0]);
    const struct rule *const *index = match_all(m, route, &counts[1]);
    return counts[0] == counts[1] && memcmp(loop, index, counts[0] * sizeof *loop) == 0;
}

static bool implications_hold(struct both *both, struct match *m)
{
    for (size_t i = 0; i < both->implication_count; i++) {
        const struct rule *rules = both->route->rules;
        bool failed;
        if (cel_test(rules[both->implications[i].a].when, m->frame, &failed) &&
            !cel_test(rules[both->implications[i].b].when, m->frame, &failed))
            return false;
    }
    return true;
}

/* True when index and loop give the same answer. */
static bool agree(struct both *both, const struct random_event *random)
{
    struct cel_event ev = as_event(random, &both->value);
    struct cel_frame frame = {.event = &ev, .arena = &both->frame, .scratch = both->regex};
    struct match m;
    ev.slots = both->slots;
    vx_arena_reset(&both->frame, 1 << 20);
    if (!ev.value.at)
        memset(both->slots, 0, both->t->slots.count * sizeof *both->slots);
    else if (both->route->parsed && json_scan(both->scanner, both->route->paths, ev.value, both->slots, NULL))
        vx_die(__FILE__, __LINE__, "a random event is JSON");
    match_begin(&m, both->scratch, both->route, &frame);
    if (!implications_hold(both, &m) || match_first(&m, both->route) != match_first_loop(&m, both->route))
        return false;
    return !both->route->match_all || same_rules(&m, both->route);
}

/* ---- making it small ---- */

static bool still_fails(struct both *both, const struct random_rules *rules, const struct random_event *ev)
{
    struct random_rules copy = *rules;
    both_init(both, &copy);
    bool fails = copy.count == rules->count && !agree(both, ev);
    both_done(both);
    return fails;
}

/* Tries each kid in the place of its parent. */
static bool shrink_term(struct both *both, struct random_rules *rules, struct term **at, const struct random_event *ev)
{
    struct term *term = *at;
    for (int i = 0; i < term->count; i++) {
        *at = term->kids[i];
        if (still_fails(both, rules, ev))
            return true;
    }
    *at = term;
    if (term->count > 2 && term->kind != '?') {
        term->count--;
        if (still_fails(both, rules, ev))
            return true;
        term->count++;
    }
    for (int i = 0; i < term->count; i++) {
        if (shrink_term(both, rules, &term->kids[i], ev))
            return true;
    }
    return false;
}

static bool shrink_rules(struct both *both, struct random_rules *rules, const struct random_event *ev)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        struct random_rules fewer = *rules;
        memmove(&fewer.terms[i], &fewer.terms[i + 1], (rules->count - i - 1) * sizeof *fewer.terms);
        fewer.count--;
        if (still_fails(both, &fewer, ev)) {
            *rules = fewer;
            return true;
        }
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        if (shrink_term(both, rules, &rules->terms[i], ev))
            return true;
    }
    return false;
}

static bool shrink_event(struct both *both, const struct random_rules *rules, struct random_event *ev)
{
    for (int i = 0; i < ev->member_count + ev->header_count; i++) {
        struct random_event less = *ev;
        int header = i - ev->member_count;
        if (header < 0) {
            memmove(&less.members[i], &less.members[i + 1], (size_t)(ev->member_count - i - 1) * sizeof *less.members);
            less.member_count--;
        } else {
            memmove(&less.headers[header], &less.headers[header + 1],
                    (size_t)(ev->header_count - header - 1) * sizeof *less.headers);
            less.header_count--;
        }
        if (still_fails(both, rules, &less)) {
            *ev = less;
            return true;
        }
    }
    return false;
}

/* ---- printing a failure ---- */

static void print_text(struct vx_buf *out, const char *name, struct vx_span text)
{
    vx_buf_printf(out, "\"%s\":", name);
    if (!text.at)
        vx_buf_str(out, "null");
    else
        json_write_string(out, text);
}

static void print_envelope(const struct random_event *ev, struct vx_buf *out)
{
    static const char hex[] = "/w=="; /* the one text of random_event() that is not UTF-8 */
    vx_buf_printf(out, "{\"topic\":\"in\",\"partition\":%d,\"offset\":%lld,\"timestamp\":%lld,", ev->partition,
                  (long long)ev->offset, (long long)ev->timestamp_ms);
    if (vx_span_is(ev->key, "\xff"))
        vx_buf_printf(out, "\"key_base64\":\"%s\"", hex);
    else
        print_text(out, "key", ev->key);
    vx_buf_str(out, ",\"headers\":{");
    for (int i = 0; i < ev->header_count; i++) {
        const struct cel_header *header = &ev->headers[i];
        vx_buf_str(out, i ? "," : "");
        if (vx_span_is(header->value, "\xff"))
            vx_buf_printf(out, "\"%.*s\":{\"base64\":\"%s\"}", VX_SPAN_ARG(header->name), hex);
        else
            print_text(out, header->name.at, header->value);
    }
    vx_buf_str(out, "},\"value\":");
    if (ev->tombstone)
        vx_buf_str(out, "null");
    else
        print_value(ev, out);
    vx_buf_str(out, "}\n");
}

static void print_config(const struct random_rules *rules, struct vx_buf *out)
{
    struct vx_buf text = {0};
    vx_buf_printf(out, "kind: routing\nname: r\ntopics: [in]\n%srules:\n", rules->all ? "match: all\n" : "");
    for (uint32_t i = 0; i < rules->count; i++) {
        vx_buf_clear(&text);
        print_term(rules->terms[i], &text);
        vx_buf_printf(out, "  - { name: r%u, when: '", i);
        for (size_t k = 0; k < text.len; k++) {
            vx_buf_str(out, text.at[k] == '\'' ? "'" : "");
            vx_buf_char(out, text.at[k]);
        }
        vx_buf_str(out, "', drop: true }\n");
    }
    vx_buf_str(out, "otherwise: { drop: true }\n");
    vx_buf_done(&text);
}

/* What decide() says with and without the index. */
static void print_decision(struct both *both, const struct random_event *random, struct vx_buf *out)
{
    struct decider *d = decider_new();
    struct simulate *s = simulate_new();
    struct decision decision;
    struct cel_event ev = as_event(random, &both->value);
    ev.topic = VX_SPAN_LITERAL("in");
    decide(d, both->t, &ev, &decision);
    simulate_print(s, both->t, 0, &ev, &decision, out);
    simulate_free(s);
    decider_free(d);
}

static void print_failure(struct both *both, struct random_rules *rules, const struct random_event *ev,
                          struct vx_buf *out)
{
    both_init(both, rules);
    struct match_index *index = both->route->index;
    vx_buf_printf(
        out,
        "index and plain loop disagree, or a rule that is said to imply another does not%s\n--- config/config.yaml\n",
        strcmp(ev->topic, "in") ? vx_arena_printf(&both->arena, " (on topic \"%s\")", ev->topic) : "");
    print_config(rules, out);
    vx_buf_str(out, "--- events.jsonl\n");
    print_envelope(ev, out);
    vx_buf_str(out, "--- decisions.jsonl (by the loop)\n");
    both->route->index = NULL;
    print_decision(both, ev, out);
    both->route->index = index;
    vx_buf_str(out, "--- by the index\n");
    print_decision(both, ev, out);
    both_done(both);
}

static void report_failure(struct both *both, struct random_rules *rules, struct random_event *ev, struct vx_buf *out)
{
    both_done(both);
    while (shrink_rules(both, rules, ev) || shrink_event(both, rules, ev)) {
    }
    print_failure(both, rules, ev, out);
}

bool index_case_run(struct index_draw *d, uint32_t rules_max, uint32_t events, struct vx_buf *report, uint64_t *cases)
{
    struct vx_arena arena = {0};
    struct both both = {.scanner = json_scanner_new(), .scratch = match_scratch_new(), .regex = cel_scratch_new()};
    struct random_rules rules = {.all = draw(d, 2)};
    struct random_event ev;
    bool good = true;
    bool regexes = draw(d, 40) == 0; /* they take long to load */
    rules.count = 1 + draw(d, rules_max < RULES_MAX ? rules_max : RULES_MAX);
    for (uint32_t i = 0; i < rules.count; i++)
        rules.terms[i] = random_term(d, &arena, (int)draw(d, 4), regexes);
    both_init(&both, &rules);
    for (uint32_t i = 0; i < events && good; i++) {
        random_event(d, &arena, &ev);
        good = agree(&both, &ev);
        ++*cases;
    }
    if (good)
        both_done(&both);
    else
        report_failure(&both, &rules, &ev, report);
    json_scanner_free(both.scanner);
    match_scratch_free(both.scratch);
    cel_scratch_free(both.regex);
    vx_buf_done(&both.value);
    vx_buf_done(&both.text);
    vx_arena_done(&both.frame);
    vx_arena_done(&arena);
    return good;
}
