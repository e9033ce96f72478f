/* Patching: what changes, what stays byte for byte, what is refused and in which words. */
#include "help.h"

#include "core/json/patch.h"

enum { EDITS_MAX = 6 };

struct edit {
    const char *path;
    const char *value; /* NULL: remove */
};

static enum vx_status apply(struct vx_buf *out, struct vx_span text, const struct edit *edits, struct vx_err *err)
{
    struct help_path paths[EDITS_MAX];
    struct json_edit list[EDITS_MAX];
    size_t count = 0;
    for (; count < EDITS_MAX && edits[count].path; count++)
        list[count] = (struct json_edit){help_path(&paths[count], edits[count].path), vx_span_str(edits[count].value)};
    return json_patch(out, text, list, count, err);
}

struct row {
    const char *text;
    struct edit edits[EDITS_MAX];
    const char *result;
};

static void check_rows(const struct row *rows, size_t count)
{
    struct json_scanner *scanner = json_scanner_new();
    for (size_t i = 0; i < count; i++) {
        struct vx_buf out = {0};
        struct vx_err err = {0};
        vx_buf_str(&out, "before|");
        if (apply(&out, help_guarded(rows[i].text, strlen(rows[i].text)), rows[i].edits, &err))
            fail_msg("%s: refused: %s", rows[i].text, err.message);
        if (strncmp(out.at, "before|", 7) != 0 || strcmp(out.at + 7, rows[i].result) != 0)
            fail_msg("%s: got %s, expected %s", rows[i].text, out.at + 7, rows[i].result);
        assert_int_equal(json_scan(scanner, NULL, vx_span(out.at + 7, out.len - 7), NULL, NULL), VX_OK);
        vx_buf_done(&out);
    }
    json_scanner_free(scanner);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof rows[0])

static void set_replaces_a_value_and_nothing_else(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":1}", {{"a", "2"}}, "{\"a\":2}"},
        {" { \"a\" : 1.50 ,\n\t\"b\" : \"x\" } ", {{"a", "{}"}}, " { \"a\" : {} ,\n\t\"b\" : \"x\" } "},
        {" { \"a\" : 1.50 ,\n\t\"b\" : \"x\" } ", {{"b", "null"}}, " { \"a\" : 1.50 ,\n\t\"b\" : null } "},
        {"{\"a\":{\"b\":{\"c\":1e2,\"d\":[]}}}", {{"a.b.c", "7"}}, "{\"a\":{\"b\":{\"c\":7,\"d\":[]}}}"},
        {"{\"a\":[1,{\"b\":2},3]}", {{"a[1].b", "\"x\""}}, "{\"a\":[1,{\"b\":\"x\"},3]}"},
        {"[1, 2 ,3]", {{"[0]", "4"}, {"[2]", "5"}}, "[4, 2 ,5]"},
        {"{\"a\":\"long \\\" text\",\"b\":1}", {{"a", "0"}}, "{\"a\":0,\"b\":1}"},
        {"{\"\\u0061\":1}", {{"a", "2"}}, "{\"\\u0061\":2}"},
        {"{\"a\":{\"b\":1},\"c\":2}", {{"c", "3"}, {"a.b", "4"}}, "{\"a\":{\"b\":4},\"c\":3}"},
        {"{\"a\":1}", {{NULL, NULL}}, "{\"a\":1}"},
        {"5", {{NULL, NULL}}, "5"},
    };
    CHECK_ROWS(rows);
}

static void set_adds_behind_the_last_member(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", {{"a", "1"}}, "{\"a\":1}"},
        {"{ }", {{"a", "1"}}, "{\"a\":1 }"},
        {" {\n} ", {{"a", "1"}, {"b", "2"}}, " {\"a\":1,\"b\":2\n} "},
        {"{\"a\":1}", {{"b", "2"}}, "{\"a\":1,\"b\":2}"},
        {"{ \"a\" : 1 }", {{"c", "2"}, {"b", "3"}}, "{ \"a\" : 1,\"c\":2,\"b\":3 }"},
        {"{\"a\":1}", {{"<x \"y\">", "2"}}, "{\"a\":1,\"x \\\"y\\\"\":2}"},
        {"{\"a\":[1,2]}", {{"b", "2"}}, "{\"a\":[1,2],\"b\":2}"},
        {"{\"a\":{\"x\":1},\"z\":0}", {{"a.y", "2"}}, "{\"a\":{\"x\":1,\"y\":2},\"z\":0}"},
        {"[{}]", {{"[0].a", "1"}}, "[{\"a\":1}]"},
        {"{\"a\":1}", {{"a", "9"}, {"b", "2"}}, "{\"a\":9,\"b\":2}"},
    };
    CHECK_ROWS(rows);
}

static void missing_parents_become_one_object(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", {{"a.x", "1"}, {"a.y", "2"}}, "{\"a\":{\"x\":1,\"y\":2}}"},
        {"{\"b\":0}", {{"a.x", "1"}, {"c", "3"}, {"a.y", "2"}}, "{\"b\":0,\"a\":{\"x\":1,\"y\":2},\"c\":3}"},
        {"{}", {{"a.b.c.d", "1"}, {"a.b.e", "2"}, {"a.f", "3"}}, "{\"a\":{\"b\":{\"c\":{\"d\":1},\"e\":2},\"f\":3}}"},
        {"{\"a\":{}}", {{"a.b.c", "1"}, {"a.b.d", "2"}}, "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}"},
        {"{}", {{"a.x", "1"}, {"a.y", NULL}, {"b.z", NULL}}, "{\"a\":{\"x\":1}}"},
        {"[{}]", {{"[0].a.b", "1"}}, "[{\"a\":{\"b\":1}}]"},
    };
    CHECK_ROWS(rows);
}

static void remove_takes_its_comma_along(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{ \"a\":1, \"b\":2 }", {{"a", NULL}}, "{ \"b\":2 }"},
        {"{ \"a\":1, \"b\":2 }", {{"b", NULL}}, "{ \"a\":1 }"},
        {"{ \"a\":1 , \"b\":2 , \"c\":3 }", {{"b", NULL}}, "{ \"a\":1 , \"c\":3 }"},
        {"{ \"a\":1 , \"b\":2 , \"c\":3 }", {{"a", NULL}, {"b", NULL}}, "{ \"c\":3 }"},
        {"{ \"a\":1 , \"b\":2 , \"c\":3 }", {{"b", NULL}, {"c", NULL}}, "{ \"a\":1 }"},
        {"{ \"a\":1 , \"b\":2 , \"c\":3 }", {{"a", NULL}, {"c", NULL}}, "{ \"b\":2 }"},
        {"{ \"a\":1 , \"b\":2 }", {{"a", NULL}, {"b", NULL}}, "{  }"},
        {"{\"a\":1}", {{"a", NULL}}, "{}"},
        {"{\"a\":{\"b\":{\"c\":1}}}", {{"a.b.c", NULL}}, "{\"a\":{\"b\":{}}}"},
        {"{\"a\":{\"b\":1,\"c\":2}}", {{"a.b", NULL}}, "{\"a\":{\"c\":2}}"},
        {"{\"a\":1,\"b\":2}", {{"a", NULL}, {"c", "3"}}, "{\"b\":2,\"c\":3}"},
        {"{\"a\":1,\"b\":2}", {{"b", NULL}, {"c", "3"}}, "{\"a\":1,\"c\":3}"},
        {"{ \"a\":1 }", {{"a", NULL}, {"c", "3"}}, "{ \"c\":3 }"},
        {"{\"a\":1,\"b\":2}", {{"a", NULL}, {"b", NULL}, {"c", "3"}, {"d", "4"}}, "{\"c\":3,\"d\":4}"},
        {"{\"a\":1,\"b\":2,\"c\":{\"d\":3}}", {{"a", NULL}, {"b", "9"}, {"c.d", NULL}}, "{\"b\":9,\"c\":{}}"},
    };
    CHECK_ROWS(rows);
}

static void removing_what_is_not_there_changes_nothing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {" {\"a\" :1} ", {{"b", NULL}}, " {\"a\" :1} "},
        {"{\"a\":1}", {{"a.b", NULL}}, "{\"a\":1}"},
        {"{\"a\":null}", {{"a.b.c", NULL}}, "{\"a\":null}"},
        {"{\"a\":[1]}", {{"a.b", NULL}}, "{\"a\":[1]}"},
        {"{\"a\":{}}", {{"a[0]", NULL}}, "{\"a\":{}}"},
        {"[1]", {{"[1]", NULL}}, "[1]"},
        {"[]", {{"[0]", NULL}}, "[]"},
        {"5", {{"a", NULL}}, "5"},
        {"\"a\"", {{"[0]", NULL}}, "\"a\""},
    };
    CHECK_ROWS(rows);
}

static void array_indexes_are_those_of_the_text_as_it_was(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[0,1,2,3,4]", {{"[0]", NULL}}, "[1,2,3,4]"},
        {"[0,1,2,3,4]", {{"[4]", NULL}}, "[0,1,2,3]"},
        {"[0,1,2,3,4]", {{"[1]", NULL}, {"[3]", NULL}}, "[0,2,4]"},
        {"[0,1,2,3,4]", {{"[3]", NULL}, {"[1]", NULL}}, "[0,2,4]"},
        {"[0,1,2,3,4]", {{"[0]", NULL}, {"[1]", NULL}, {"[2]", "9"}}, "[9,3,4]"},
        {"[ 0 , 1 ]", {{"[0]", NULL}, {"[1]", NULL}}, "[  ]"},
        {"[{\"a\":1},{\"a\":2}]", {{"[0]", NULL}, {"[1].a", "3"}}, "[{\"a\":3}]"},
        {"{\"l\":[[1,2],[3]]}", {{"l[0][1]", NULL}, {"l[1][0]", NULL}}, "{\"l\":[[1],[]]}"},
    };
    CHECK_ROWS(rows);
}

static void repeated_keys(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":1,\"b\":2,\"a\":3}", {{"a", "9"}}, "{\"b\":2,\"a\":9}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", {{"a", NULL}}, "{\"b\":2}"},
        {"{\"a\":1,\"\\u0061\":3}", {{"a", NULL}}, "{}"},
        {"{\"a\":1,\"\\u0061\":3}", {{"a", "9"}}, "{\"\\u0061\":9}"},
        {"{\"b\":0,\"a\":1,\"a\":2,\"a\":3,\"c\":0}", {{"a", "9"}}, "{\"b\":0,\"a\":9,\"c\":0}"},
        {"{\"b\":0,\"a\":1,\"a\":2,\"a\":3}", {{"a", NULL}, {"d", "1"}}, "{\"b\":0,\"d\":1}"},
        {"{\"a\":{\"x\":1},\"a\":{\"x\":2}}", {{"a.x", "9"}}, "{\"a\":{\"x\":1},\"a\":{\"x\":9}}"},
        {"{\"a\":5,\"a\":{\"x\":2}}", {{"a.x", NULL}}, "{\"a\":5,\"a\":{}}"},
        {"{\"a\":5,\"a\":{\"x\":2}}", {{"a.y", "1"}}, "{\"a\":5,\"a\":{\"x\":2,\"y\":1}}"},
        {"{\"a\":{\"x\":1,\"x\":2}}", {{"a.x", "9"}}, "{\"a\":{\"x\":9}}"},
    };
    CHECK_ROWS(rows);
}

/* Redaction: a reader that takes the first of a repeated key must not find what was removed. */
static void remove_goes_through_every_repeated_key(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":{\"card\":1},\"a\":{}}", {{"a.card", NULL}}, "{\"a\":{},\"a\":{}}"},
        {"{\"a\":{\"card\":1},\"a\":5}", {{"a.card", NULL}}, "{\"a\":{},\"a\":5}"},
        {"{\"a\":{\"card\":1},\"\\u0061\":{\"card\":2}}", {{"a.card", NULL}}, "{\"a\":{},\"\\u0061\":{}}"},
        {"{\"a\":{\"card\":1,\"x\":0,\"card\":2},\"a\":{\"y\":0,\"card\":3}}",
         {{"a.card", NULL}},
         "{\"a\":{\"x\":0},\"a\":{\"y\":0}}"},
        {"{\"a\":{\"b\":{\"c\":1},\"b\":{\"c\":2}},\"a\":{\"b\":{\"c\":3},\"b\":0}}",
         {{"a.b.c", NULL}},
         "{\"a\":{\"b\":{},\"b\":{}},\"a\":{\"b\":{},\"b\":0}}"},
        {"{\"l\":[1,2],\"l\":[3],\"l\":[]}", {{"l[0]", NULL}}, "{\"l\":[2],\"l\":[],\"l\":[]}"},
        {"{\"l\":[0,{\"c\":1}],\"l\":[{\"c\":2},{\"d\":3,\"c\":4}]}",
         {{"l[1].c", NULL}},
         "{\"l\":[0,{}],\"l\":[{\"c\":2},{\"d\":3}]}"},
        {"[{\"a\":{\"c\":1},\"a\":{\"c\":2}}]", {{"[0].a.c", NULL}}, "[{\"a\":{},\"a\":{}}]"},
        {"{ \"a\" : { \"c\" : 1 , \"d\" : 2 } , \"a\" : { \"d\" : 3 , \"c\" : 4 } }",
         {{"a.c", NULL}},
         "{ \"a\" : { \"d\" : 2 } , \"a\" : { \"d\" : 3 } }"},
    };
    CHECK_ROWS(rows);
}

static void set_leaves_what_a_repeated_parent_hides(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":{\"x\":1,\"x\":2},\"a\":{}}", {{"a.x", "9"}}, "{\"a\":{\"x\":1,\"x\":2},\"a\":{\"x\":9}}"},
        {"{\"a\":{\"b\":{\"x\":1}},\"a\":{\"b\":5,\"b\":{\"x\":2,\"x\":3}}}",
         {{"a.b.x", "9"}},
         "{\"a\":{\"b\":{\"x\":1}},\"a\":{\"b\":5,\"b\":{\"x\":9}}}"},
        {"{\"l\":[1],\"l\":[2,3]}", {{"l[1]", "9"}}, "{\"l\":[1],\"l\":[2,9]}"},
        {"{\"a\":{\"x\":1,\"y\":2},\"a\":{\"y\":3}}",
         {{"a.x", "9"}, {"a.y", NULL}},
         "{\"a\":{\"x\":1},\"a\":{\"x\":9}}"},
        {"{\"a\":{\"y\":2},\"a\":{\"y\":3,\"z\":4}}",
         {{"a.y", NULL}, {"a.w.v", "9"}},
         "{\"a\":{},\"a\":{\"z\":4,\"w\":{\"v\":9}}}"},
    };
    CHECK_ROWS(rows);
}

static void many_repeated_keys_and_edits_fit(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct vx_buf text = {0}, out = {0};
    static struct json_edit edits[COUNT];
    static struct json_step steps[COUNT];
    static char keys[COUNT][16];
    vx_buf_char(&text, '{');
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        steps[i].key = vx_span_str(keys[i]);
        edits[i] = (struct json_edit){{&steps[i], 1}, i % 2 ? VX_SPAN_LITERAL("1") : vx_span(NULL, 0)};
        vx_buf_printf(&text, "\"k%d\":{},\"k%d\":[],\"k%d\":0,", i, i, i % 2 ? i : COUNT + i);
    }
    vx_buf_str(&text, "\"z\":0}");
    assert_int_equal(json_patch(&out, vx_buf_view(&text), edits, COUNT, NULL), VX_OK);
    vx_buf_clear(&text);
    vx_buf_char(&text, '{');
    for (int i = 0; i < COUNT; i++)
        vx_buf_printf(&text, i % 2 ? "\"k%d\":1," : "\"k%d\":0,", i % 2 ? i : COUNT + i);
    vx_buf_str(&text, "\"z\":0}");
    assert_string_equal(vx_buf_text(&out), vx_buf_text(&text));
    vx_buf_done(&text);
    vx_buf_done(&out);
}

static void refusals_speak_of_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct edit edits[EDITS_MAX];
        const char *message;
    } rows[] = {
        {"{\"a\":5}", {{"a.b", "1"}}, ".a is a number, not an object"},
        {"{\"a\":1.5}", {{"a.b.c", "1"}}, ".a is a number, not an object"},
        {"{\"a\":null}", {{"a.b", "1"}}, ".a is null, not an object"},
        {"{\"a\":true}", {{"a.b", "1"}}, ".a is a bool, not an object"},
        {"{\"a\":\"x\"}", {{"a.b", "1"}}, ".a is a string, not an object"},
        {"{\"a\":[]}", {{"a.b", "1"}}, ".a is an array, not an object"},
        {"{\"a\":{}}", {{"a[0]", "1"}}, ".a is an object, not an array"},
        {"{\"a\":{\"x y\":[{\"b\":0}]}}", {{"a.<x y>[0].b.c", "1"}}, ".a[\"x y\"][0].b is a number, not an object"},
        {"5", {{"a", "1"}}, " is a number, not an object"},
        {"[]", {{"a", "1"}}, " is an array, not an object"},
        {"{}", {{"[0]", "1"}}, " is an object, not an array"},
        {"[1,2]", {{"[2]", "1"}}, "[2] is behind the end of the array"},
        {"{\"a\":[]}", {{"a[0]", "1"}}, ".a[0] is behind the end of the array"},
        {"{\"a\":[]}", {{"a[0].b", "1"}}, ".a[0] is behind the end of the array"},
        {"{}", {{"a[0]", "1"}}, ".a is missing, and only objects are made"},
        {"{\"a\":{}}", {{"a.b.c[1].d", "1"}}, ".a.b.c is missing, and only objects are made"},
        {"{\"1a\":0}", {{"<1a>.b", "1"}}, "[\"1a\"] is a number, not an object"},
        {"{\"a\":{},\"a\":0}", {{"a.b", "1"}}, ".a is a number, not an object"},
        {"{\"z\":1,\"a\":0}", {{"z", "2"}, {"a.b", "1"}}, ".a is a number, not an object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vx_buf out = {0};
        struct vx_err err = {0};
        vx_buf_str(&out, "before");
        assert_int_equal(apply(&out, vx_span_str(rows[i].text), rows[i].edits, &err), VX_EINVAL);
        assert_string_equal(err.message, rows[i].message);
        assert_string_equal(vx_buf_text(&out), "before"); /* nothing half done is left */
        assert_int_equal(out.len, 6);
        assert_int_equal(apply(&out, vx_span_str(rows[i].text), rows[i].edits, NULL), VX_EINVAL);
        vx_buf_done(&out);
    }
}

static void paths_deeper_than_any_text_are_refused(void **state)
{
    (void)state;
    static struct json_step steps[JSON_DEPTH_MAX + 1];
    for (size_t i = 0; i <= JSON_DEPTH_MAX; i++)
        steps[i].key = VX_SPAN_LITERAL("a");
    struct json_edit edit = {{steps, JSON_DEPTH_MAX}, VX_SPAN_LITERAL("1")};
    struct json_scanner *scanner = json_scanner_new();
    struct vx_buf out = {0};
    struct vx_err err = {0};
    assert_int_equal(json_patch(&out, VX_SPAN_LITERAL("{}"), &edit, 1, &err), VX_OK);
    assert_int_equal(json_scan(scanner, NULL, vx_buf_view(&out), NULL, NULL), VX_OK);
    edit.path.count++;
    assert_int_equal(json_patch(&out, VX_SPAN_LITERAL("{}"), &edit, 1, &err), VX_EINVAL);
    vx_buf_done(&out);
    json_scanner_free(scanner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_replaces_a_value_and_nothing_else),
        cmocka_unit_test(set_adds_behind_the_last_member),
        cmocka_unit_test(missing_parents_become_one_object),
        cmocka_unit_test(remove_takes_its_comma_along),
        cmocka_unit_test(removing_what_is_not_there_changes_nothing),
        cmocka_unit_test(array_indexes_are_those_of_the_text_as_it_was),
        cmocka_unit_test(repeated_keys),
        cmocka_unit_test(remove_goes_through_every_repeated_key),
        cmocka_unit_test(set_leaves_what_a_repeated_parent_hides),
        cmocka_unit_test(many_repeated_keys_and_edits_fit),
        cmocka_unit_test(refusals_speak_of_the_place),
        cmocka_unit_test(paths_deeper_than_any_text_are_refused),
    };
    return cmocka_run_group_tests_name("json patch", tests, NULL, NULL);
}
