/* The path grammar of `set` and `remove`. What is refused, and how, is in tests/bad/path_*. */
#include "core/config/load.h"
#include "help.h"

/* A path as one text: steps in brackets, indexes bare, roots named. */
static void describe(const struct config_path *path, struct vx_buf *out)
{
    static const char *const roots[] = {[CONFIG_EVENT] = "event", [CONFIG_HEADER] = "header", [CONFIG_KEY] = "key"};
    vx_buf_str(out, roots[path->root]);
    if (path->root == CONFIG_HEADER)
        vx_buf_printf(out, "<%.*s>", VX_SPAN_ARG(path->header));
    for (size_t i = 0; i < path->path.count; i++) {
        const struct json_step *step = &path->path.steps[i];
        if (step->is_index)
            vx_buf_printf(out, "<#%u>", step->index);
        else
            vx_buf_printf(out, "<%.*s>", VX_SPAN_ARG(step->key));
    }
}

static void paths_are_read_as_the_grammar_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"event.a", "event<a>"},
        {"event.a.b_2.C", "event<a><b_2><C>"},
        {"event[\"x y\"].c", "event<x y><c>"},
        {"event['x\"y']", "event<x\"y>"},
        {"event.list[0]", "event<list><#0>"},
        {"event[2147483647]", "event<#2147483647>"},
        {"event[\"0\"]", "event<0>"},
        {"event[\"\"]", "event<>"},
        {"event[\"a\\\"\\\\\\/\\n\\u00fc\"]", "event<a\"\\/\n\xc3\xbc>"},
        {"event[\"\xe6\x9d\xb1\"]", "event<\xe6\x9d\xb1>"},
        {"headers.checked-by", "header<checked-by>"},
        {"headers.9-x", "header<9-x>"},
        {"headers[\"x y\"]", "header<x y>"},
        {"headers['a.b']", "header<a.b>"},
        {"key", "key"},
        {"event.in.true.key", "event<in><true><key>"},
        {"", NULL},
        {"Event.a", NULL},
        {"event .a", NULL},
        {"event.a ", NULL},
        {"event.[0]", NULL},
        {"event[-1]", NULL},
        {"event[ 0 ]", NULL},
        {"event[\"a\"", NULL},
        {"event[\"a\"]b", NULL},
        {"events.a", NULL},
        {"headersx", NULL},
        {"keyx", NULL},
        {".a", NULL},
        {"[0]", NULL},
    };
    struct vx_arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_path path;
        struct cel_error error;
        bool ok = path_parse(vx_span_str(cases[i].text), &arena, &path, &error);
        if (ok != (cases[i].expected != NULL))
            fail_msg("%s", cases[i].text);
        if (!ok) {
            assert_true(error.offset <= strlen(cases[i].text));
            assert_true(error.len >= 1);
            continue;
        }
        struct vx_buf text = {0};
        describe(&path, &text);
        assert_string_equal(vx_buf_text(&text), cases[i].expected);
        vx_buf_done(&text);
    }
    vx_arena_done(&arena);
}

static void paths_overlap_when_one_holds_the_other(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool overlap;
    } cases[] = {
        {"event.a", "event.a", true},
        {"event.a", "event[\"a\"].b", true},
        {"event.a.b", "event.a", true},
        {"event.a", "event.b", false},
        {"event.a.b", "event.a.c", false},
        {"event.a[0]", "event.a[1]", false},
        {"event.a[0]", "event.a[0].b", true},
        {"event.a[0]", "event.a[\"0\"]", false},
        {"headers.a", "headers[\"a\"]", true},
        {"headers.a", "headers.A", false},
        {"key", "key", true},
        {"key", "headers.key", false},
        {"event.key", "key", false},
    };
    struct vx_arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_path a, b;
        struct cel_error error;
        assert_true(path_parse(vx_span_str(cases[i].a), &arena, &a, &error));
        assert_true(path_parse(vx_span_str(cases[i].b), &arena, &b, &error));
        assert_int_equal(path_overlap(&a, &b), cases[i].overlap);
        assert_int_equal(path_overlap(&b, &a), cases[i].overlap);
    }
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_read_as_the_grammar_says),
        cmocka_unit_test(paths_overlap_when_one_holds_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
