/* Few fields, few constants, and both sides draw from the same, so that most comparisons are close calls: the same number
 * as int, double and uint, numbers around 2^53 and 2^63, strings that begin and end alike, escapes, repeated keys, wrong
 * types, null and missing, headers that are not UTF-8.
 */
#include "index_random.h"

uint32_t index_draw(struct index_draw *d, uint32_t below)
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

#define PICK(d, list) list[index_draw(d, sizeof list / sizeof *list)]

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
    "event.b.lowerAscii()",
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
    "\"a text of many bytes\"",
    "\"A text of many bytes\"",
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
    "event.l.exists(x, x > $)",
    "event.l.exists(x, $ >= x || x == @)",
    "event.l.exists(x, x >= $ && x < @)",
    "event.l.exists(x, x < $) && event.l.exists(x, x > @)",
    "event.l.exists(y, y.d <= $)",
    "event.l.exists(y, !(y.d < $))",
    "event.l.exists(y, y.d == $ && y.e < @)",
    "event.l.exists(y, y.exists(z, z > $))",
    "event.l.exists(x, x[0] < $)",
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
    uint32_t what = index_draw(d, 13 + regexes);
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
        return vx_arena_printf(arena, "event.%c %s %u", 'a' + (char)index_draw(d, 2), PICK(d, tests),
                               index_draw(d, 12));
    default:
        return vx_arena_printf(arena, "%s == \"%c\"", place, 'a' + (char)index_draw(d, 3));
    }
}

struct term *random_term(struct index_draw *d, struct vx_arena *arena, int depth, bool regexes)
{
    uint32_t what = depth > 0 ? index_draw(d, 8) : 0;
    struct term *term;
    if (what < 3)
        return new_term(arena, 'a', random_atom(d, arena, regexes));
    term = new_term(arena, what <= 4 ? '&' : what == 5 ? '|' : what == 6 ? '!' : index_draw(d, 2) ? '?' : '=', NULL);
    term->count = term->kind == '?' ? 3 : term->kind == '!' || term->kind == '=' ? 1 : 2 + (int)index_draw(d, 2);
    for (int i = 0; i < term->count; i++)
        term->kids[i] = random_term(d, arena, depth - 1, regexes);
    return term;
}

void term_print(const struct term *term, struct vx_buf *out)
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
        term_print(term->kids[i], out);
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
        "\"a text of MANY bytes\"",
        "\"\\u0041 text of many bytes\"",
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

/* Few, so that a list often holds two that the same condition asks for. */
static const char *random_element(struct index_draw *d)
{
    static const char *const elements[] = {
        "1", "2", "\"a\"", "\"b\"", "\"ab\"", "true", "{\"d\":1,\"e\":2}", "{\"d\":\"a\",\"e\":1}", "[1,\"a\"]", "1.5",
    };
    return index_draw(d, 3) ? PICK(d, elements) : random_value(d);
}

void random_event_make(struct index_draw *d, struct vx_arena *arena, struct random_event *ev)
{
    static const char *const keys[] = {"a", "b", "c", "x y", "l", "a", "b", "\\u0061", "d"};
    static const char *const names[] = {"h", "i", "h"};
    static const struct vx_span values[] = {VX_SPAN_LITERAL("a"),    VX_SPAN_LITERAL("ab"),      VX_SPAN_LITERAL("B"),
                                            VX_SPAN_LITERAL("\xff"), VX_SPAN_LITERAL(""),        {NULL, 0},
                                            VX_SPAN_LITERAL("b"),    VX_SPAN_LITERAL("\xc3\xa9")};
    static const char *const wholes[] = {"1", "\"a\"", "true", "false", "null", "[]", "[1]", "{}"};
    static const char *const topics[] = {"a", "ab", "b", "in"};
    static const int64_t times[] = {0, 1000, 1001, 999, -1, -1000};
    *ev = (struct random_event){
        .topic = PICK(d, topics), .partition = (int32_t)index_draw(d, 4), .offset = index_draw(d, 12)};
    ev->timestamp_ms = PICK(d, times);
    uint32_t shape = index_draw(d, 24);
    ev->tombstone = shape == 0;
    ev->whole = shape == 1 ? PICK(d, wholes) : NULL;
    for (int n = (int)index_draw(d, MEMBERS_MAX); ev->member_count < n;) {
        const char *key = PICK(d, keys);
        bool list = strcmp(key, "l") == 0 && index_draw(d, 4) > 0;
        ev->members[ev->member_count++] = list ? vx_arena_printf(arena, "\"%s\":[%s,%s,%s]", key, random_element(d),
                                                                 random_element(d), random_element(d))
                                               : vx_arena_printf(arena, "\"%s\":%s", key, random_value(d));
    }
    for (int n = (int)index_draw(d, HEADERS_MAX); ev->header_count < n;)
        ev->headers[ev->header_count++] = (struct cel_header){vx_span_str(PICK(d, names)), PICK(d, values)};
    ev->key = PICK(d, values);
}

void random_event_print(const struct random_event *ev, struct vx_buf *out)
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
