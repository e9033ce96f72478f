/* How two JSON values differ, place by place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "configsvc/cli/test.h"

static void differences_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *want, *got;
        bool contains;
        const char *differences;
    } cases[] = {
        {"1", "1", false, ""},
        {"12", "12.0", false, ""},
        {"1e2", "100", false, ""},
        {"9007199254740993", "9007199254740992", false, "v: expected 9007199254740993, got 9007199254740992\n"},
        {"123456789012345678901", "123456789012345678901", false, ""},
        {"12", "\"12\"", false, "v: expected 12, got \"12\"\n"},
        {"null", "false", false, "v: expected null, got false\n"},
        {"\"\\u0041\"", "\"A\"", false, ""},
        {"\"a\"", "\"b\"", false, "v: expected \"a\", got \"b\"\n"},
        {"{\"a\":1,\"b\":[1,2]}", "{ \"b\" : [1, 2], \"a\" : 1 }", false, ""},
        {"{\"a\":{\"b\":[0,{\"c\":1}]}}", "{\"a\":{\"b\":[0,{\"c\":2}]}}", false, "v.a.b[1].c: expected 1, got 2\n"},
        {"{\"a\":1}", "{}", false, "v.a: expected 1, got nothing\n"},
        {"{}", "{\"a\":1}", false, "v.a: expected nothing, got 1\n"},
        {"{}", "{\"a\":1}", true, ""},
        {"{\"x y\":1,\"\":2,\"7\":3}", "{\"x y\":0}", false,
         "v[\"x y\"]: expected 1, got 0\nv[\"\"]: expected 2, got nothing\nv[\"7\"]: expected 3, got nothing\n"},
        {"[1,2,3]", "[1]", false, "v[1]: expected 2, got nothing\nv[2]: expected 3, got nothing\n"},
        {"[1]", "[1,2]", true, "v[1]: expected nothing, got 2\n"},
        {"[{\"a\":1}]", "[{\"a\":1,\"b\":2}]", true, ""},
        {"{\"a\":[]}", "{\"a\":{}}", false, "v.a: expected [], got {}\n"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}", false, ""}, /* of a repeated key the last one counts */
        {"1", "{", false, "v: expected 1, got a value that is not JSON\n"},
        {"1", "", false, "v: expected 1, got a value that is not JSON\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_arena arena = {0};
        struct vx_buf out = {0};
        test_compare_json(&arena, "v", vx_span_str(cases[i].want), vx_span_str(cases[i].got), cases[i].contains, &out);
        if (strcmp(vx_buf_text(&out), cases[i].differences) != 0)
            fail_msg("%s against %s:\n%s--- want\n%s", cases[i].want, cases[i].got, vx_buf_text(&out),
                     cases[i].differences);
        vx_buf_done(&out);
        vx_arena_done(&arena);
    }
}

/* Members are looked up by name, however many there are and in whatever order. */
static void objects_of_many_members_are_compared(void **state)
{
    enum { MEMBERS = 30000 };
    struct vx_arena arena = {0};
    struct vx_buf want = {0}, got = {0}, out = {0};
    (void)state;
    for (int i = 0; i < MEMBERS; i++) {
        vx_buf_printf(&want, "%s\"k%d\":%d", i ? "," : "{", i, i);
        vx_buf_printf(&got, "%s\"k%d\":%d", i ? "," : "{", MEMBERS - i, i == 5 ? -1 : MEMBERS - i);
    }
    vx_buf_char(&want, '}');
    vx_buf_char(&got, '}');
    test_compare_json(&arena, "v", vx_buf_view(&want), vx_buf_view(&got), false, &out);
    assert_string_equal(vx_buf_text(&out), "v.k0: expected 0, got nothing\nv.k29995: expected 29995, got -1\n"
                                           "v.k30000: expected nothing, got 30000\n");
    vx_buf_done(&want);
    vx_buf_done(&got);
    vx_buf_done(&out);
    vx_arena_done(&arena);
}

static void many_and_long_differences_are_cut(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct vx_buf want = {0}, got = {0}, out = {0};
    for (int i = 0; i < 100; i++) {
        vx_buf_printf(&want, "%s%d", i ? "," : "[", i);
        vx_buf_printf(&got, "%s%d", i ? "," : "[", -i - 1);
    }
    vx_buf_char(&want, ']');
    vx_buf_char(&got, ']');
    test_compare_json(&arena, "v", vx_buf_view(&want), vx_buf_view(&got), false, &out);
    size_t lines = 0;
    for (const char *p = vx_buf_text(&out); (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, TEST_DIFFERENCES_MAX + 1);
    assert_string_equal(out.at + out.len - 9, "and more\n");
    vx_buf_clear(&out);
    test_compare_json(&arena, "v", VX_SPAN_LITERAL("0"), vx_buf_view(&want), false, &out);
    assert_true(out.len < 200);
    assert_non_null(strstr(vx_buf_text(&out), "… (291 bytes)\n"));
    vx_buf_done(&want);
    vx_buf_done(&got);
    vx_buf_done(&out);
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_name_their_place),
        cmocka_unit_test(objects_of_many_members_are_compared),
        cmocka_unit_test(many_and_long_differences_are_cut),
    };
    return cmocka_run_group_tests_name("configsvc_compare", tests, NULL, NULL);
}
