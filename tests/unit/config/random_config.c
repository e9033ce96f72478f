/* Random releases; see random_config.h. */
#include "random_config.h"
#include "help.h"

enum { PIPELINES = 4 };

static bool chance(uint64_t *seed, uint32_t in)
{
    return random_below(seed, in) == 0;
}

/* A text as a scalar in a style that can hold it. */
static void text(uint64_t *seed, const char *value, int depth, struct vx_buf *out)
{
    bool simple = value[0] && !strpbrk(value, "\"'\\\n:#{}[]!*&?|>%@`,~") && value[0] != ' ' && value[0] != '-' &&
                  strcmp(value, "true") && strcmp(value, "12");
    switch (random_below(seed, 4)) {
    case 0:
        if (simple) {
            vx_buf_str(out, value);
            break;
        } /* fall through */
    case 1:
        if (!strchr(value, '\n')) {
            vx_buf_char(out, '\'');
            for (const char *p = value; *p; p++)
                vx_buf_printf(out, *p == '\'' ? "''" : "%c", *p);
            vx_buf_char(out, '\'');
            break;
        } /* fall through */
    case 2:
        if (value[0] && value[0] != ' ' && value[0] != '\n' && value[strlen(value) - 1] != '\n' && depth > 0) {
            vx_buf_printf(out, "|-\n%*s", depth, "");
            for (const char *p = value; *p; p++) {
                vx_buf_char(out, *p);
                if (*p == '\n')
                    vx_buf_printf(out, "%*s", depth, "");
            }
            break;
        } /* fall through */
    default:
        vx_buf_char(out, '"');
        for (const char *p = value; *p; p++) {
            if (*p == '\n')
                vx_buf_str(out, "\\n");
            else
                vx_buf_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        }
        vx_buf_char(out, '"');
    }
}

static const char *pick(uint64_t *seed, const char *const *from, size_t count)
{
    return from[random_below(seed, (uint32_t)count)];
}
#define PICK(seed, array) pick((seed), (array), sizeof(array) / sizeof *(array))

static const char *const conditions[] = {"event.type == \"a\"",
                                         "!has(event.x)",
                                         "event.n > 3 && headers[\"x-y\"] == 'z'",
                                         "event.a\n  == 1",
                                         "topic == \"a # b\"",
                                         "event.list[0].x in [1, 2]",
                                         "event.m == {\"a\": 1}.a",
                                         "size(key) > 0 ? event.b : event.c"};
static const char *const texts[] = {
    "EUR",          "",           "no", "true", "12", "a: b", "x #y", "${event.a}", "f-${event.a + \"}\"}", "$${x}",
    "\xc3\xbc ber", "two\nlines", "'",  "\"",   "\\"};
static const char *const raws[] = {"1",
                                   "-2.50",
                                   "0x1F",
                                   "null",
                                   "~",
                                   "true",
                                   "[]",
                                   "{}",
                                   "1e3",
                                   "[1, \"a\", null]",
                                   "{ \"a b\": 1, c: [x] }",
                                   "[\"${event.a}\"]"};
static const char *const paths[] = {"event.a",          "event.b.c", "event[\"x y\"]", "event.list[0]", "headers.h-1",
                                    "headers[\"h 2\"]", "key"};

static void value(uint64_t *seed, const char *path, struct vx_buf *out)
{
    if (path[0] == 'e' && chance(seed, 2))
        vx_buf_str(out, PICK(seed, raws));
    else
        text(seed, PICK(seed, texts), 10, out);
}

static void stage_set(uint64_t *seed, struct vx_buf *out)
{
    bool first = true;
    vx_buf_str(out, "  - set:\n");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!first && chance(seed, 2))
            continue;
        vx_buf_printf(out, chance(seed, 2) ? "      %s: " : "      '%s': ", paths[i]);
        value(seed, paths[i], out);
        vx_buf_str(out, chance(seed, 4) && out->at[out->len - 1] == '\'' ? " # note\n" : "\n");
        first = false;
    }
}

static void stage(uint64_t *seed, int pipeline, struct vx_buf *out)
{
    switch (random_below(seed, 5)) {
    case 0:
        vx_buf_str(out, "  - filter: ");
        text(seed, PICK(seed, conditions), 8, out);
        vx_buf_char(out, '\n');
        break;
    case 1:
        stage_set(seed, out);
        break;
    case 2:
        vx_buf_printf(out, "  - remove: [%s%s]\n", chance(seed, 2) ? "event.a, " : "",
                      chance(seed, 2) ? "headers.x" : "'event[\"q\"]'");
        break;
    case 3:
        if (pipeline + 1 < PIPELINES) {
            vx_buf_printf(out, "  - pipeline: p%d\n", pipeline + 1);
            break;
        } /* fall through */
    default:
        vx_buf_str(out, chance(seed, 2) ? "  - emit: { topic: \"x-${topic}\", allow: [x-y, \"x-*\"] }\n"
                                        : "  - emit:\n      key: ${event.id}\n      topic: out\n");
    }
}

static void rule(uint64_t *seed, int number, struct vx_buf *out)
{
    vx_buf_printf(out, "  - name: rule-%d\n", number);
    if (chance(seed, 4))
        vx_buf_str(out, "    owner: \"some: one\"\n");
    vx_buf_str(out, "    when: ");
    text(seed, PICK(seed, conditions), 8, out);
    vx_buf_char(out, '\n');
    if (chance(seed, 6))
        vx_buf_str(out, "    routing: handed\n");
    else if (chance(seed, 3))
        vx_buf_str(out, "    drop: true\n");
    else if (chance(seed, 2))
        vx_buf_printf(out, "    pipelines: [p0, p%d]\n", 1 + (int)random_below(seed, PIPELINES - 1));
    else
        vx_buf_printf(out, "    pipeline: p%d\n", (int)random_below(seed, PIPELINES));
    if (chance(seed, 3))
        vx_buf_printf(out, "    enabled: %s\n", chance(seed, 2) ? "true" : "false");
}

void random_config(uint64_t *seed, struct vx_buf *out)
{
    if (chance(seed, 2))
        vx_buf_printf(out, "kind: fleet\nname: f%s\n---\n", chance(seed, 2) ? "\nprovenance: none" : "");
    vx_buf_printf(out, "topics: [in-1%s]\nkind: routing\nname: r\n", chance(seed, 2) ? ", in-2" : "");
    if (chance(seed, 3))
        vx_buf_printf(out, "delivery: %s\n", chance(seed, 2) ? "exactly_once" : "at_least_once");
    if (chance(seed, 2))
        vx_buf_printf(out, "match: %s\n", chance(seed, 2) ? "all" : "first");
    if (chance(seed, 2))
        vx_buf_printf(out, "start: %s\n", chance(seed, 2) ? "latest" : "earliest");
    if (chance(seed, 2)) {
        vx_buf_str(out, "description: ");
        text(seed, PICK(seed, texts), 2, out);
        vx_buf_char(out, '\n');
    }
    uint32_t rules = random_below(seed, 6);
    vx_buf_str(out, rules ? "rules:\n" : "");
    for (uint32_t i = 0; i < rules; i++)
        rule(seed, (int)((i * 7 + 3) % 11), out);
    vx_buf_printf(out, "dead_letter: dead\notherwise: { %s }\n", chance(seed, 2) ? "pipeline: p1" : "drop: true");
    vx_buf_str(out, "---\nkind: routing\nname: handed\notherwise: { drop: true }\n");
    for (int p = 0; p < PIPELINES; p++) {
        vx_buf_printf(out, "---\nkind: processing\nname: p%d\nstages:\n", p);
        for (uint32_t n = random_below(seed, 5); n > 0; n--)
            stage(seed, p, out);
        vx_buf_str(out, "  - emit: { topic: end }\n");
        if (chance(seed, 3))
            vx_buf_str(out, "dead_letter: other\n");
    }
}
