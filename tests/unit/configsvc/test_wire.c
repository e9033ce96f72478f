/* The JSON between configsvc and the CLI: what is written reads back, and bad input gets a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "configsvc/wire/wire.h"

static void writer_sets_commas_and_escapes(void **state)
{
    (void)state;
    struct vx_buf out = {0};
    wire_open(&out, NULL, '{');
    wire_str(&out, "a", "x\"{");
    wire_int(&out, "b", -7);
    wire_open(&out, "c", '[');
    wire_str(&out, NULL, "[");
    wire_str(&out, NULL, NULL);
    wire_open(&out, NULL, '{');
    wire_close(&out, '}');
    wire_bool(&out, NULL, true);
    wire_close(&out, ']');
    wire_time(&out, "d", 1000);
    wire_time(&out, "e", 0);
    wire_text(&out, "f",
              vx_span("a\xff"
                      "b",
                      3));
    wire_raw(&out, "g", VX_SPAN_LITERAL("{\"h\":1}"));
    wire_close(&out, '}');
    assert_string_equal(
        vx_buf_text(&out),
        "{\"a\":\"x\\\"{\",\"b\":-7,\"c\":[\"[\",null,{},true],\"d\":\"1970-01-01T00:00:01.000Z\",\"e\":null,"
        "\"f\":\"a\xef\xbf\xbd"
        "b\",\"g\":{\"h\":1}}");
    struct json_value root;
    assert_int_equal(wire_parse(vx_buf_view(&out), &root, NULL), VX_OK);
    vx_buf_done(&out);
}

static void what_is_not_json_has_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
    } table[] = {{"{\"a\":1,\n \"b\":x}", 2, 6}, {"", 1, 1}, {"{\"\xc3\xa9\":}", 1, 6}, {"{} x", 1, 4}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct json_value root;
        struct vx_err err = {0};
        assert_int_equal(wire_parse(vx_span_str(table[i].text), &root, &err), VX_EINVAL);
        assert_int_equal(err.line, table[i].line);
        assert_int_equal(err.column, table[i].column);
    }
}

static void members_of_other_types_count_as_missing(void **state)
{
    (void)state;
    struct json_value root;
    struct vx_arena arena = {0};
    const char *text =
        "{\"s\":\"x\",\"n\":12,\"d\":1.5,\"z\":null,\"t\":true,\"nul\":\"a\\u0000b\",\"big\":99999999999999999999}";
    assert_int_equal(wire_parse(vx_span_str(text), &root, NULL), VX_OK);
    assert_string_equal(wire_get_str(root, "s", &arena, "-"), "x");
    assert_string_equal(wire_get_str(root, "n", &arena, "-"), "-");
    assert_string_equal(wire_get_str(root, "z", &arena, "-"), "-");
    assert_string_equal(wire_get_str(root, "nul", &arena, "-"), "-");
    assert_int_equal(wire_get_int(root, "n", -1), 12);
    assert_int_equal(wire_get_int(root, "d", -1), -1);
    assert_int_equal(wire_get_int(root, "big", -1), -1);
    assert_int_equal(wire_get_int(root, "no", -1), -1);
    assert_true(wire_get_bool(root, "t", false));
    assert_true(wire_get_bool(root, "s", true));
    struct json_value none = {.kind = JSON_KIND_MISSING};
    assert_int_equal(wire_get(none, "x").kind, JSON_KIND_MISSING);
    vx_arena_done(&arena);
}

static void documents_must_have_the_shape_of_documents(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"{}", "`documents` must be a list of {\"path\", \"text\"}"},
        {"[]", "`documents` is empty: a release has at least one document"},
        {"[1]", "documents[0] must have `path` and `text`, both strings"},
        {"[{\"path\":\"a\"}]", "documents[0] must have `path` and `text`, both strings"},
        {"[{\"path\":\"a\",\"text\":\"\"},{\"path\":\"../a\",\"text\":\"\"}]",
         "documents[1]: `path` must be a relative path without `.` and `..`"},
        {"[{\"path\":\"/a\",\"text\":\"\"}]", "documents[0]: `path` must be a relative path without `.` and `..`"},
        {"[{\"path\":\"a\",\"text\":\"\",\"line\":0}]",
         "documents[0]: `line` must be a whole number from 1 to 1000000000"},
        {"[{\"path\":\"a\",\"text\":\"\",\"line\":1000000001}]",
         "documents[0]: `line` must be a whole number from 1 to 1000000000"},
        {"[{\"path\":\"a\",\"text\":\"\",\"line\":\"1\"}]",
         "documents[0]: `line` must be a whole number from 1 to 1000000000"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct json_value root;
        struct vx_err err = {0};
        struct vx_arena arena = {0};
        struct config_source *sources;
        size_t count;
        assert_int_equal(wire_parse(vx_span_str(table[i][0]), &root, NULL), VX_OK);
        assert_int_not_equal(wire_documents_load(root, &arena, &sources, &count, &err), VX_OK);
        assert_string_equal(err.message, table[i][1]);
        vx_arena_done(&arena);
    }
}

static void too_many_documents_are_refused(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    struct json_value root;
    struct vx_err err = {0};
    struct vx_arena arena = {0};
    struct config_source *sources;
    size_t count;
    wire_open(&text, NULL, '[');
    for (int i = 0; i <= WIRE_DOCUMENTS_MAX; i++)
        wire_int(&text, NULL, i);
    wire_close(&text, ']');
    assert_int_equal(wire_parse(vx_buf_view(&text), &root, NULL), VX_OK);
    assert_int_equal(wire_documents_load(root, &arena, &sources, &count, &err), VX_ELIMIT);
    assert_string_equal(err.message, "4097 documents are too many: a release has at most 4096");
    vx_arena_done(&arena);
    vx_buf_done(&text);
}

static void documents_survive_the_journey(void **state)
{
    (void)state;
    const struct config_source source = {
        .path = "dir/a.yaml",
        .text = VX_SPAN_LITERAL("# \"first\"\nkind: fleet\nname: f\n---\nkind: processing\nname: p\nstages:\n"
                                "  - emit: { topic: t }\n---\nkind: routing\nname: r\ntopics: [x]\nrules: []\n"
                                "otherwise: { pipeline: p }\n"),
        .first_line = 1,
    };
    struct vx_diags diags = {0};
    struct config_set *a, *b;
    struct vx_buf text = {0};
    struct json_value root;
    struct vx_arena arena = {0};
    struct config_source *sources;
    size_t count;
    assert_int_equal(config_load(&source, 1, &a, &diags), VX_OK);
    wire_documents(&text, NULL, a);
    assert_int_equal(wire_parse(vx_buf_view(&text), &root, NULL), VX_OK);
    assert_int_equal(wire_documents_load(root, &arena, &sources, &count, NULL), VX_OK);
    assert_int_equal(count, 3);
    assert_int_equal(config_load(sources, count, &b, &diags), VX_OK);
    assert_int_equal(b->document_count, a->document_count);
    for (size_t i = 0; i < a->document_count; i++) {
        assert_string_equal(a->documents[i].name, b->documents[i].name);
        assert_string_equal(a->documents[i].path, b->documents[i].path);
        assert_int_equal(a->documents[i].line, b->documents[i].line);
        assert_true(vx_span_equal(a->documents[i].text, b->documents[i].text));
    }
    config_set_free(a);
    config_set_free(b);
    vx_arena_done(&arena);
    vx_buf_done(&text);
    vx_diags_done(&diags);
}

static void findings_survive_the_journey(void **state)
{
    (void)state;
    struct vx_diags a = {0}, b = {0};
    struct vx_diag at = {.severity = VX_WARNING,
                         .file = "r.yaml",
                         .line = 3,
                         .column = 5,
                         .width = 4,
                         .quoted = VX_SPAN_LITERAL("    when: \"x\"")};
    struct vx_buf json = {0}, text = {0};
    struct json_value root;
    vx_diags_add(&a, &at, "a `quoted` \"thing\"");
    wire_findings(&json, NULL, &a);
    assert_string_equal(
        vx_buf_text(&json),
        "[{\"severity\":\"warning\",\"file\":\"r.yaml\",\"line\":3,\"column\":5,\"width\":4,\"message\":\"a "
        "`quoted` \\\"thing\\\"\",\"quoted\":\"    when: \\\"x\\\"\"}]");
    assert_int_equal(wire_parse(vx_buf_view(&json), &root, NULL), VX_OK);
    wire_findings_load(root, "folder", &b);
    vx_diags_print(&b, &text, false);
    assert_string_equal(vx_buf_text(&text), "folder/r.yaml:3:5: warning: a `quoted` \"thing\"\n"
                                            "    3 |     when: \"x\"\n"
                                            "      |     ^~~~\n");
    vx_buf_done(&json);
    vx_buf_done(&text);
    vx_diags_done(&a);
    vx_diags_done(&b);
}

static void findings_of_any_shape_do_no_harm(void **state)
{
    (void)state;
    static const char *const table[] = {"null", "{}", "[1, null, [], \"x\"]",
                                        "[{\"line\": -5, \"column\": 1e9, \"file\": 7}]"};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct json_value root;
        struct vx_diags diags = {0};
        struct vx_buf text = {0};
        assert_int_equal(wire_parse(vx_span_str(table[i]), &root, NULL), VX_OK);
        wire_findings_load(root, NULL, &diags);
        vx_diags_print(&diags, &text, true);
        vx_buf_done(&text);
        vx_diags_done(&diags);
    }
}

static void paths_stay_below_their_folder(void **state)
{
    (void)state;
    static const char *const yes[] = {"a", "a.yaml", "a/b/c.yaml", "..a/b..", "ä/ö.yaml"};
    static const char *const no[] = {"",     "/a",     "a/",    "a//b", ".",    "..",
                                     "../a", "a/../b", "a/./b", "a\nb", "a\\b", "\xff"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(wire_path_valid(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(wire_path_valid(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_sets_commas_and_escapes),
        cmocka_unit_test(what_is_not_json_has_a_place),
        cmocka_unit_test(members_of_other_types_count_as_missing),
        cmocka_unit_test(documents_must_have_the_shape_of_documents),
        cmocka_unit_test(too_many_documents_are_refused),
        cmocka_unit_test(documents_survive_the_journey),
        cmocka_unit_test(findings_survive_the_journey),
        cmocka_unit_test(findings_of_any_shape_do_no_harm),
        cmocka_unit_test(paths_stay_below_their_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
