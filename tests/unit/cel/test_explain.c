/* Conditions taken apart: which parts decided, and that the parts say together what the whole says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/cel/explain.h"
#include "core/json/scan.h"

static const char VALUE[] = "{\"a\":12,\"b\":\"x y\",\"t\":true,\"f\":false,\"n\":null,\"list\":[1,2],\"m\":{\"k\":3}}";
static const struct cel_header HEADERS[] = {{VX_SPAN_LITERAL("h"), VX_SPAN_LITERAL("v")}};

struct bench {
    struct vx_arena arena;
    struct cel_slots slots;
    struct json_value *values;
    struct cel_event event;
    struct cel_frame frame;
};

/* Fills the slots of the event that `value` is. */
static void set_event(struct bench *b, const char *value)
{
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    for (uint32_t i = 0; i < b->slots.count; i++)
        json_paths_add(paths, b->slots.paths[i], i);
    json_paths_seal(paths);
    b->values = VX_ARENA_ARRAY(&b->arena, struct json_value, b->slots.count + 1);
    b->event = (struct cel_event){.topic = VX_SPAN_LITERAL("games"),
                                  .value = vx_span_str(value),
                                  .headers = HEADERS,
                                  .header_count = 1,
                                  .slots = b->values};
    b->frame = (struct cel_frame){.event = &b->event, .arena = &b->arena};
    if (b->slots.count && value)
        assert_int_equal(json_scan(scanner, paths, b->event.value, b->values, NULL), VX_OK);
    json_scanner_free(scanner);
    json_paths_free(paths);
}

static void done(struct bench *b)
{
    cel_slots_done(&b->slots);
    vx_arena_done(&b->arena);
}

static const struct cel_expr *parse(struct bench *b, const char *text)
{
    const struct cel_expr *expr;
    struct cel_error error;
    if (cel_parse(&b->arena, vx_span_str(text), cel_env_event(), &expr, &error) != VX_OK)
        fail_msg("%s: %s", text, error.message);
    return expr;
}

static void print_seen(const struct cel_seen *seen, struct vx_buf *out)
{
    vx_buf_printf(out, "%.*s %s %.*s", VX_SPAN_ARG(seen->text), seen->failure.at ? "fails" : "is",
                  VX_SPAN_ARG(seen->failure.at ? seen->failure : seen->value));
}

/* "holds | part is true (seen is 1, seen is 2) | …" */
static void explain(const char *text, const char *value, struct vx_buf *out)
{
    struct bench b = {0};
    struct cel_reasons why;
    const struct cel_explain *e = cel_explain_new(&b.arena, parse(&b, text), &b.slots);
    set_event(&b, value);
    cel_explain(e, &b.frame, &why);
    vx_buf_str(out, why.failed ? "fails" : why.holds ? "holds" : "no");
    for (size_t i = 0; i < why.count; i++) {
        vx_buf_str(out, " | ");
        print_seen(&why.at[i].part, out);
        for (size_t k = 0; k < why.at[i].seen_count; k++) {
            vx_buf_str(out, k ? ", " : " (");
            print_seen(&why.at[i].seen[k], out);
        }
        vx_buf_str(out, why.at[i].seen_count ? ")" : "");
    }
    done(&b);
}

static void what_decided_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"event.a >= 1000", "no | event.a >= 1000 is false (event.a is 12)"},
        {"event.a < 1000 && event.b == 'x y'",
         "holds | event.a < 1000 is true (event.a is 12) | event.b == 'x y' is true (event.b is \"x y\")"},
        {"event.a < 1000 && event.a > 100 && event.b == 'q'", "no | event.a > 100 is false (event.a is 12)"},
        {"event.a == 1 || event.a == 12 || event.t", "holds | event.a == 12 is true (event.a is 12)"},
        {"event.a == 1 || event.f", "no | event.a == 1 is false (event.a is 12) | event.f is false"},
        {"event.none > 1", "fails | event.none > 1 fails no such key: none (event.none fails no such key: none)"},
        {"event.none > 1 && event.t",
         "fails | event.none > 1 fails no such key: none (event.none fails no such key: none)"},
        {"event.none > 1 && event.f", "no | event.f is false"},
        {"event.none > 1 || event.t", "holds | event.t is true"},
        {"event.none == 1 || event.a == 1 || event.gone",
         "fails | event.none == 1 fails no such key: none (event.none "
         "fails no such key: none) | event.gone fails no such key: gone"},
        {"!(event.a > 100)", "holds | (event.a > 100) is false (event.a is 12)"},
        {"!event.t", "no | event.t is true"},
        {"!event.a", "fails | event.a is 12"},
        {"event.a", "fails | event.a is 12"},
        {"event.t && event.a", "fails | event.a is 12"},
        {"event.a && event.f", "no | event.f is false"},
        {"has(event.m.k) && !has(event.m.q)", "holds | has(event.m.k) is true | has(event.m.q) is false"},
        {"event.t ? event.a == 1 : event.a == 12", "no | event.t is true | event.a == 1 is false (event.a is 12)"},
        {"event.f ? event.a == 1 : event.a == 12", "holds | event.f is false | event.a == 12 is true (event.a is 12)"},
        {"event.none ? event.t : event.f", "fails | event.none fails no such key: none"},
        {"event.a + event.m.k > 20",
         "no | event.a + event.m.k > 20 is false (event.a + event.m.k is 15, event.a is 12, "
         "event.m.k is 3)"},
        {"size(event.list) == 2",
         "holds | size(event.list) == 2 is true (size(event.list) is 2, event.list is [1, 2])"},
        {"event.list[0] == 1", "holds | event.list[0] == 1 is true (event.list[0] is 1)"},
        {"event.list[event.m.k] == 1", "fails | event.list[event.m.k] == 1 fails index out of range: 3 "
                                       "(event.list[event.m.k] fails index out of range: 3, event.list is [1, 2], "
                                       "event.m.k is 3)"},
        {"event.a in [11, 12]", "holds | event.a in [11, 12] is true (event.a is 12)"},
        {"headers.h.startsWith('v') && topic == 'games'", "holds | headers.h.startsWith('v') is true (headers.h is "
                                                          "\"v\") | topic == 'games' is true (topic is \"games\")"},
        {"event.list.exists(x, x > event.m.k)",
         "no | event.list.exists(x, x > event.m.k) is false (event.list is [1, 2])"},
        {"event.t && (event.f || event.a > 11) && (event.a > 1 || event.none)",
         "holds | event.t is true | event.a > 11 is true (event.a is 12) | event.a > 1 is true (event.a is 12)"},
        {"true", "holds | true is true"},
        {"1 > 2 || event.t", "holds | event.t is true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_buf out = {0};
        explain(cases[i].text, VALUE, &out);
        if (strcmp(vx_buf_text(&out), cases[i].want) != 0)
            print_error("%s\n", cases[i].text);
        assert_string_equal(vx_buf_text(&out), cases[i].want);
        vx_buf_done(&out);
    }
}

static void a_tombstone_says_why(void **state)
{
    (void)state;
    struct vx_buf out = {0};
    explain("event.a == 1 || has(event.b)", NULL, &out);
    assert_non_null(strstr(vx_buf_text(&out), "event.a fails no event: the value is null"));
    vx_buf_done(&out);
}

/* ---- the parts say what the whole says ---- */

static uint32_t below(uint64_t *seed, uint32_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 33) % n;
}

static void random_condition(uint64_t *seed, int depth, struct vx_buf *out)
{
    static const char *const atoms[] = {
        "event.a > 3",
        "event.t",
        "event.f",
        "event.none",
        "event.none == 1",
        "has(event.m.k)",
        "event.a",
        "event.n",
        "event.b.contains(' ')",
        "event.a / event.zero > 1",
        "size(event.b) > 1",
        "event.list[2] == 1",
        "headers.h == 'v'",
        "true",
        "false",
        "event.list.all(x, x > 0)",
    };
    uint32_t kind = depth > 0 ? below(seed, 5) : 4;
    if (kind == 4) {
        vx_buf_str(out, atoms[below(seed, sizeof atoms / sizeof *atoms)]);
        return;
    }
    vx_buf_str(out, kind == 3 ? "!(" : "(");
    random_condition(seed, depth - 1, out);
    for (uint32_t n = kind < 2 ? 1 + below(seed, 3) : 0; n > 0; n--) {
        vx_buf_str(out, kind ? " && " : " || ");
        random_condition(seed, depth - 1, out);
    }
    if (kind == 2) {
        vx_buf_str(out, " ? ");
        random_condition(seed, depth - 1, out);
        vx_buf_str(out, " : ");
        random_condition(seed, depth - 1, out);
    }
    vx_buf_char(out, ')');
}

static void parts_say_together_what_the_whole_says(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    struct vx_buf text = {0};
    size_t loaded = 0;
    for (int i = 0; i < 20000; i++) {
        struct bench b = {0};
        const struct cel_expr *expr;
        struct cel_error error;
        vx_buf_clear(&text);
        random_condition(&seed, 3, &text);
        if (cel_parse(&b.arena, vx_buf_view(&text), cel_env_event(), &expr, &error) == VX_OK) {
            struct cel_reasons why;
            const struct cel_program *program = cel_compile(&b.arena, expr, &b.slots);
            const struct cel_explain *e = cel_explain_new(&b.arena, expr, &b.slots);
            bool failed = false;
            set_event(&b, below(&seed, 8) ? VALUE : NULL);
            bool holds = cel_test(program, &b.frame, &failed);
            cel_explain(e, &b.frame, &why);
            if (why.holds != holds || why.failed != failed)
                print_error("%s\n", vx_buf_text(&text));
            assert_int_equal(why.holds, holds);
            assert_int_equal(why.failed, failed);
            assert_true(why.count > 0);
            loaded++;
        }
        done(&b);
    }
    assert_true(loaded > 10000);
    vx_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decided_is_named),
        cmocka_unit_test(a_tombstone_says_why),
        cmocka_unit_test(parts_say_together_what_the_whole_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
