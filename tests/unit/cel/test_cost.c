/* What an expression may cost: the bound at load, the budget of an evaluation, and that the one holds the other. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cel/cel.h"
#include "core/json/scan.h"
#include "event.h"

static void walks_over_one_list_pass_and_walks_inside_walks_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *expected;
    } rows[] = {
        {"event.items.exists(x, x.price > 10 && x.name == \"a\" && x.kind in [\"a\", \"b\"])", "ok"},
        {"event.items.filter(x, x.price > 10).map(x, x.name).exists(x, x.startsWith(\"a\"))", "ok"},
        {"event.items.all(i, event.region == i.region)", "ok"},
        {"event.items.exists(x, x == event.wanted || x.id == key)", "ok"},
        /* the lists inside the elements of one list hold no more than the event */
        {"event.orders.exists(o, o.items.exists(i, i.tags.exists(t, t == \"a\")))", "ok"},
        {"event.orders.exists(o, cel.bind(name, o.name, o.items.exists(i, i.name == name)))", "ok"},
        {"event.orders.map(o, o.items.filter(i, i.price > 1).size()).exists(n, n > 3)", "ok"},
        {"event.items.exists(x, [1, 2, 3].exists(y, y == x))", "ok"},
        {"event.map.all(k, v, v > 0)", "ok"},
        {"\"a\" in event.tags && \"b\" in event.tags", "ok"},
        {"event.a == event.b && event.c == event.d && event.e + event.f + event.g == event.h", "ok"},
        {"event.text.split(\",\").exists(p, p == \"a\")", "ok"},
        {"cel.bind(l, event.items, l.exists(x, x == 1) && l.exists(x, x == 2))", "ok"},
        /* every element of one list for every element of another */
        {"event.items.exists(x, event.tags.exists(t, t == x.tag))",
         "refused 33+6: exists() may take 10000 rounds of up to 20024 steps here, and 1000000 steps are allowed in "
         "all; "
         "do not walk the event again for every element: bind what stays the same before (cel.bind), or take both "
         "names of a map (k, v)"},
        {"event.items.all(x, x in event.tags)",
         "refused 12+3: all() may take 10000 rounds of up to 20027 steps here, and 1000000 steps are allowed in all; "
         "do not walk the event again for every element: bind what stays the same before (cel.bind), or take both "
         "names of a map (k, v)"},
        {"event.map.all(k, event.map[k] > 0)",
         "refused 10+3: all() may take 10000 rounds of up to 20026 steps here, and 1000000 steps are allowed in all; "
         "do not walk the event again for every element: bind what stays the same before (cel.bind), or take both "
         "names of a map (k, v)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = load_text(rows[i].expr, strlen(rows[i].expr));
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].expr);
        assert_string_equal(got, rows[i].expected);
    }
}

static void what_is_too_much_in_sum_is_refused_too(void **state)
{
    (void)state;
    struct vx_buf buf = {0};
    for (int i = 0; i < 60; i++)
        vx_buf_printf(&buf, "%sevent.l%d.exists(x, x == %d)", i ? " || " : "", i, i);
    const char *got = load_text(vx_buf_text(&buf), buf.len);
    assert_true(strstr(got, "this may take ") && strstr(got, ", and 1000000 are allowed; split it into several"));
    vx_buf_done(&buf);
}

static uint64_t cost_of(const char *text)
{
    struct vx_arena arena = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    assert_int_equal(cel_parse(&arena, vx_span_str(text), cel_env_event(), &expr, &error), VX_OK);
    uint64_t cost = cel_expr_cost(expr);
    vx_arena_done(&arena);
    return cost;
}

/* What an evaluation of `text` took. */
static uint64_t steps_of(const char *text, struct vx_span json)
{
    struct vx_arena arena = {0}, scratch = {0};
    struct cel_slots slots = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    struct json_value values[16] = {{0}};
    struct cel_value out;
    assert_int_equal(cel_parse(&arena, vx_span_str(text), cel_env_event(), &expr, &error), VX_OK);
    const struct cel_program *program = cel_compile(&arena, expr, &slots);
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    assert_true(slots.count <= 16);
    for (uint32_t i = 0; i < slots.count; i++)
        json_paths_add(paths, slots.paths[i], i);
    json_paths_seal(paths);
    assert_int_equal(json_scan(scanner, paths, json, values, NULL), VX_OK);
    struct cel_event event = {.value = json, .slots = values, .key = VX_SPAN_LITERAL("k"), .topic = json};
    event.topic.len = 1;
    struct cel_frame frame = {.event = &event, .arena = &scratch};
    if (cel_eval(program, &frame, &out) != VX_OK)
        assert_null(strstr(frame.failure, "too many steps"));
    json_scanner_free(scanner);
    json_paths_free(paths);
    cel_slots_done(&slots);
    vx_arena_done(&scratch);
    vx_arena_done(&arena);
    return CEL_STEPS_MAX - frame.steps_left;
}

static void an_evaluation_takes_no_more_than_the_bound(void **state)
{
    (void)state;
    static const char *const exprs[] = {
        "event.a == 1",
        "event.a == 1 && event.b == \"x\" || has(event.c)",
        "event.?z.y.orValue(3) + 1",
        "event.nums.exists(x, x == 5000)",
        "event.nums.exists(x, x * 2 + 1 == 5000)",
        "event.nums.map(x, x + 1)",
        "event.nums.filter(x, x > 100).map(x, x * 2).exists(x, x < 0)",
        "event.items.exists(x, x.id == 9999 && x.n == \"no\")",
        "event.items.all(x, x.id >= 0 && x.tags.all(t, t != \"zz\"))",
        "event.items.exists(x, x.id in [1000, 1001, 1002, 1003, 1004])",
        "event.items.map(x, x.tags)",
        "event.items.map(x, {\"id\": x.id, ?\"no\": x.?no})",
        "event.items.transformMap(i, x, x.id)",
        "event.map.all(k, v, v >= 0)",
        "event.map.all(k, k != \"\")",
        "5000 in event.nums",
        "event.nums.map(x, x) == event.nums.filter(x, true)",
        "event.nums.map(x, x) + event.nums.map(x, x + 1)",
        "size(event.nums) + size(event.map) + event.items.size()",
        "event.nums[1999] + event.nums[event.a]",
        "event.map.transformMap(k, v, v) == event.map.transformMap(k, v, v)",
        "event.items.transformMapEntry(i, x, {x.n + string(i): x.id})",
        "event.nums.exists(x, string(x * 1.1) == \"a\")",
        "event.nums.exists(x, string(x) == \"a\")",
        "string(bytes(event.s)) == \"a\"",
        "[1, 2, event.a].map(x, x + 1).exists(x, x > 9)",
        "cel.bind(n, event.nums, n.exists(x, x < 0) || n.exists(x, x > 9999))",
        "event.items.exists_one(x, event.a == x.id)",
        "event.s + event.s + key == topic",
        "event.s.contains(\"zz\") || event.s.startsWith(\"a\") || size(event.s) > 5",
    };
    struct vx_buf json = {0};
    vx_buf_str(&json, "{\"a\":1,\"b\":\"y\",\"s\":\"some text\",\"nums\":[");
    for (int i = 0; i < 2000; i++)
        vx_buf_printf(&json, "%s%d", i ? "," : "", i);
    vx_buf_str(&json, "],\"items\":[");
    for (int i = 0; i < 800; i++)
        vx_buf_printf(&json, "%s{\"id\":%d,\"n\":\"x\",\"tags\":[\"a\",\"b\"]}", i ? "," : "", i);
    vx_buf_str(&json, "],\"map\":{");
    for (int i = 0; i < 1000; i++)
        vx_buf_printf(&json, "%s\"k%d\":%d", i ? "," : "", i, i);
    vx_buf_str(&json, "}}");
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
        uint64_t cost = cost_of(exprs[i]), steps = steps_of(exprs[i], vx_buf_view(&json));
        if (steps > cost)
            print_error("%s: %llu steps, bound %llu\n", exprs[i], (unsigned long long)steps, (unsigned long long)cost);
        assert_true(steps <= cost);
        assert_true(cost <= CEL_STEPS_MAX);
    }
    vx_buf_done(&json);
}

/* An event of a megabyte and more, made to hurt; every expression ends, with a value or for want of steps. */
static void nothing_stalls_a_worker(void **state)
{
    (void)state;
    static const char *const exprs[] = {
        "event.nums.exists(x, x < 0)",
        "event.nums.map(x, event.text + string(x))",
        "event.nums.map(x, event.text.contains(\"zzz\"))",
        "event.nums.map(x, event.esc + \"a\")",
        "event.nums.map(x, event.esc == \"zzz\")",
        "event.nums.map(x, event.text < event.text2)",
        "event.nums.map(x, event.text == event.text2)",
        "event.nums.map(x, bytes(event.text) == bytes(event.text2))",
        "event.nums.map(x, size(event.text))",
        "event.nums.map(x, event.digits)",
        "event.nums.map(x, event.digits == 1.0)",
        "event.nums.map(x, int(event.text))",
        "event.nums.map(x, [event.text, x])",
        "event.map.all(k, k == \"\")",
        "event.map.all(k, v, v == -1)",
        "event.map == event.map2",
        "event.map == event.twice",
        "event.twice.exists(k, k == \"\")",
        "event.deep == event.deep2",
        "event.nums.map(x, [x, x]).map(x, [x, x]).map(x, [x, x])",
    };
    struct vx_buf json = {0};
    vx_buf_str(&json, "{\"nums\":[0");
    for (int i = 0; i < 100000; i++)
        vx_buf_printf(&json, ",%d", i % 10);
    vx_buf_str(&json, "],\"map\":{\"a\":0");
    for (int i = 0; i < 20000; i++)
        vx_buf_printf(&json, ",\"k%d\":%d", i, i);
    vx_buf_str(&json, "},\"map2\":{\"a\":0");
    for (int i = 20000; i-- > 0;)
        vx_buf_printf(&json, ",\"k%d\":%d", i, i);
    vx_buf_str(&json, "},\"twice\":{\"k7\":0");
    for (int i = 20000; i-- > 0;)
        vx_buf_printf(&json, ",\"k%d\":%d", i, i);
    static const char *const texts[] = {"text\":\"", "text2\":\"", "esc\":\"", "digits\":1"};
    static const char *const parts[] = {"aaaaaaaa", "aaaaaaaa", "\\u0061", "00000000"};
    for (int t = 0; t < 4; t++) {
        vx_buf_printf(&json, t == 0 ? "},\"%s" : t < 3 ? "\",\"%s" : "\",\"%s", texts[t]);
        for (int i = 0; i < 40000; i++)
            vx_buf_str(&json, parts[t]);
    }
    for (int d = 0; d < 2; d++) {
        vx_buf_str(&json, d ? ",\"deep2\":" : ",\"deep\":");
        for (int i = 0; i < 500; i++)
            vx_buf_str(&json, "[[1],");
        vx_buf_str(&json, "1");
        for (int i = 0; i < 500; i++)
            vx_buf_str(&json, "]");
    }
    vx_buf_str(&json, "}");
    const struct event ev = {.json = vx_buf_text(&json)};
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
        bool fails = strcmp(test_text(exprs[i], &ev), "failed") == 0;
        (void)fails; /* the budget or the value: what counts is that it comes back */
    }
    vx_buf_done(&json);
}

/* `[x, x]` of `[y, y]` of …: a few words, a value without end. */
static void shared_values_do_not_grow_without_end(void **state)
{
    (void)state;
    struct vx_buf buf = {0};
    const struct event ev = {.json = "{\"n\":[1]}"};
    vx_buf_str(&buf, "[event.n]");
    for (int i = 0; i < 40; i++)
        vx_buf_str(&buf, ".map(x, [x, x])");
    assert_true(strstr(eval_text(vx_buf_text(&buf), &ev), "a value is larger than 16 MiB") != NULL);
    vx_buf_done(&buf);
    vx_buf_str(&buf, "[[1]]");
    for (int i = 0; i < 40; i++)
        vx_buf_str(&buf, ".map(x, [x, x])");
    assert_true(strstr(load_text(vx_buf_text(&buf), buf.len), "a value is larger than 16 MiB") != NULL);
    vx_buf_done(&buf);
    vx_buf_str(&buf, "[event.n]");
    for (int i = 0; i < 120; i++)
        vx_buf_str(&buf, ".map(x, [x])");
    assert_true(strstr(eval_text(vx_buf_text(&buf), &ev), "a value is nested too deep") != NULL);
    vx_buf_done(&buf);
    vx_buf_str(&buf, "cel.bind(x0, [event.n], ");
    for (int i = 1; i < 40; i++)
        vx_buf_printf(&buf, "cel.bind(x%d, [x%d, x%d], ", i, i - 1, i - 1);
    vx_buf_str(&buf, "x39");
    for (int i = 0; i < 40; i++)
        vx_buf_char(&buf, ')');
    assert_true(strstr(eval_text(vx_buf_text(&buf), &ev), "a value is larger than 16 MiB") != NULL);
    vx_buf_done(&buf);
}

static void *compare_deep(void *text)
{
    const struct event ev = {.json = text};
    return strcmp(eval_text("event.a == event.b && [event.a] == [event.b]", &ev), "true") == 0 ? text : NULL;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SMALL_STACK_BYTES = 8 << 20 }; /* their frames are several times as large */
#else
enum { SMALL_STACK_BYTES = 1 << 20 };
#endif

/* As deep as JSON may be, with a stack of a mebibyte. */
static void deep_values_are_compared_on_a_small_stack(void **state)
{
    (void)state;
    static const char *const opens[] = {"[", "{\"k\":"}, *const closes[] = {"]", "}"};
    for (int kind = 0; kind < 2; kind++) {
        struct vx_buf json = {0};
        for (int side = 0; side < 2; side++) {
            vx_buf_str(&json, side ? ",\"b\":" : "{\"a\":");
            for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
                vx_buf_str(&json, opens[kind]);
            vx_buf_str(&json, "1");
            for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
                vx_buf_str(&json, closes[kind]);
        }
        vx_buf_str(&json, "}");
        pthread_attr_t attr;
        pthread_t thread;
        void *result = NULL;
        assert_int_equal(pthread_attr_init(&attr), 0);
        assert_int_equal(pthread_attr_setstacksize(&attr, SMALL_STACK_BYTES), 0);
        assert_int_equal(pthread_create(&thread, &attr, compare_deep, (void *)(uintptr_t)vx_buf_text(&json)), 0);
        pthread_join(thread, &result);
        pthread_attr_destroy(&attr);
        assert_non_null(result);
        vx_buf_done(&json);
    }
}

static void folding_is_bounded(void **state)
{
    (void)state;
    struct vx_buf buf = {0};
    vx_buf_str(&buf, "[0");
    for (int i = 1; i < 250; i++)
        vx_buf_printf(&buf, ", %d", i);
    vx_buf_str(&buf, "]");
    char *list = vx_buf_take(&buf);
    vx_buf_printf(&buf, "%s.map(x, %s.map(y, x * y)).size() == event.n", list, list);
    assert_string_equal(load_text(vx_buf_text(&buf), buf.len), "ok"); /* too much to fold, not to run */
    vx_buf_done(&buf);
    vx_buf_printf(&buf, "%s.all(x, %s.all(y, %s.all(z, x + y + z >= 0)))", list, list, list);
    assert_true(strstr(load_text(vx_buf_text(&buf), buf.len), "all() may take 250 rounds of up to ") != NULL);
    vx_buf_done(&buf);
    free(list);
}

/* Sets answer as lists do: the same rows with too few constants for a set, and with many. */
static void constants_are_looked_up_as_they_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *value, *in, *expected;
    } rows[] = {
        {"1", "[1, 2]", "true"},
        {"1.0", "[1, 2]", "true"},
        {"1", "[1u, 2.5]", "true"},
        {"1.5", "[1, 2]", "false"},
        {"2.5", "[1, 2.5]", "true"},
        {"-0.0", "[0, 2]", "true"},
        {"0", "[-0.0, 2]", "true"},
        {"-1", "[-1.0, 18446744073709551615u]", "true"},
        {"9007199254740993", "[9007199254740992.0, 1]", "false"},
        {"9007199254740992", "[9007199254740992.0, 1]", "true"},
        {"9223372036854775807", "[9223372036854775807, 1]", "true"},
        {"9223372036854775808", "[9223372036854775807, 1]", "true"}, /* the double nearest to it */
        {"9223372036854775808", "[1, 2]", "false"},
        {"1e300", "[1, 2]", "false"},
        {"\"a\"", "[\"a\", \"b\"]", "true"},
        {"\"\\u0061\"", "[\"a\", \"b\"]", "true"},
        {"\"c\"", "[\"a\", \"b\"]", "false"},
        {"\"1\"", "[1, 2]", "false"},
        {"true", "[true, 1]", "true"},
        {"true", "[false, 1]", "false"},
        {"null", "[null, 1]", "true"},
        {"null", "[0, \"\"]", "false"},
        {"[1]", "[1, 2]", "false"},
        {"{}", "[1, 2]", "false"},
        {"1", "[double(\"NaN\"), 1]", "true"},
        {"2", "[double(\"NaN\"), 1]", "false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[64], small[128], large[256];
        struct event ev = {.json = json};
        snprintf(json, sizeof json, "{\"x\":%s}", rows[i].value);
        snprintf(small, sizeof small, "event.x in %s", rows[i].in);
        snprintf(large, sizeof large, "event.x in %s + [\"f0\", \"f1\", 70, \"f3\", 71.5, 72u, \"f6\"]", rows[i].in);
        if (strcmp(eval_text(large, &ev), rows[i].expected) != 0)
            print_error("%s on %s\n", large, json);
        assert_string_equal(eval_text(small, &ev), rows[i].expected);
        assert_string_equal(eval_text(large, &ev), rows[i].expected);
    }
}

static void many_constants_cost_what_few_cost(void **state)
{
    (void)state;
    struct vx_buf few = {0}, many = {0};
    vx_buf_str(&few, "event.x in [\"a\", \"b\", \"c\", \"d\"]");
    vx_buf_str(&many, "event.x in [\"a\"");
    for (int i = 0; i < 5000; i++)
        vx_buf_printf(&many, ", \"n%d\"", i);
    vx_buf_str(&many, "]");
    struct vx_span json = VX_SPAN_LITERAL("{\"x\":\"n4999\"}");
    assert_true(steps_of(vx_buf_text(&many), json) <= steps_of(vx_buf_text(&few), json) + 8);
    assert_true(cost_of(vx_buf_text(&many)) == cost_of(vx_buf_text(&few)));
    vx_buf_done(&few);
    vx_buf_done(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_over_one_list_pass_and_walks_inside_walks_do_not),
        cmocka_unit_test(what_is_too_much_in_sum_is_refused_too),
        cmocka_unit_test(an_evaluation_takes_no_more_than_the_bound),
        cmocka_unit_test(nothing_stalls_a_worker),
        cmocka_unit_test(shared_values_do_not_grow_without_end),
        cmocka_unit_test(deep_values_are_compared_on_a_small_stack),
        cmocka_unit_test(folding_is_bounded),
        cmocka_unit_test(constants_are_looked_up_as_they_are_compared),
        cmocka_unit_test(many_constants_cost_what_few_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
