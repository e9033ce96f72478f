/* Slots, what an expression reads and is known to give, the memory of an evaluation; and the vectors that must pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/cel/cel.h"
#include "core/json/scan.h"

/* "a.b[0] c": the paths of the slots, in order. */
static const char *paths_of(const struct cel_slots *slots)
{
    static char text[512];
    size_t n = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < slots->count; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, i ? " $" : "$");
        for (size_t k = 0; k < slots->paths[i].count; k++) {
            const struct json_step *step = &slots->paths[i].steps[k];
            if (step->is_index)
                n += (size_t)snprintf(text + n, sizeof text - n, "[%u]", step->index);
            else
                n += (size_t)snprintf(text + n, sizeof text - n, ".%.*s", VX_SPAN_ARG(step->key));
        }
    }
    return text;
}

static void the_longest_constant_path_is_a_slot(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *paths;
    } rows[] = {
        {"event.a.b == 1", "$.a.b"},
        {"event[\"x y\"].c + event.list[0].d", "$.x y.c $.list[0].d"},
        {"event.a[event.i].b", "$.a $.i"},
        {"event.a == event.b || event.a == 2", "$.a $.b"},
        {"has(event.a.b)", "$.a $.a.b"},
        {"has(event.a)", "$ $.a"},
        {"event", "$"},
        {"size(event)", "$"},
        {"event.a[-1]", "$.a"},
        {"event[headers.h].x", "$"},
        {"false && event.a == 1", ""},
        {"topic", ""},
        {"[event.a, event.b][0]", "$.a $.b"},
        {"event.l[1] == event.l[1u]", "$.l[1]"},
        {"event.l[\"1\"] == event.l[1]", "$.l.1 $.l[1]"},
        {"event.a ? event.b : event.c", "$.a $.b $.c"},
        {"(event.a == 1 ? event.b : event.c).d", "$.a $.b $.c"},
        {"event.?a.b.orValue(0)", "$.a.b $"},
        {"event.a.?b[1].c.orValue(event.d)", "$.a.b[1].c $.a $.d"},
        {"event.?a.b.hasValue()", "$.a.b $"},
        {"event.l.exists(x, x.y == event.z)", "$.l $.z"},
        {"event.l[0].m.map(x, x)", "$.l[0].m"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        struct cel_slots slots = {0};
        const struct cel_expr *expr;
        struct cel_error error;
        size_t count;
        assert_int_equal(cel_parse(&arena, vx_span_str(rows[i].expr), cel_env_event(), &expr, &error), VX_OK);
        const struct cel_program *program = cel_compile(&arena, expr, &slots);
        if (strncmp(rows[i].expr, "has", 3) != 0) /* there the parent may be numbered first or last */
            assert_string_equal(paths_of(&slots), rows[i].paths);
        cel_program_slots(program, &count);
        assert_int_equal(count, slots.count);
        cel_slots_done(&slots);
        vx_arena_done(&arena);
    }
}

static void equal_paths_share_a_slot(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    char key[16];
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            snprintf(key, sizeof key, "k%u", i / 2);
            struct json_step steps[2] = {{.key = vx_span_str(key)}, {.index = i, .is_index = true}};
            assert_int_equal(cel_slots_add(&slots, &arena, (struct json_path){steps, 2}), i);
        }
    }
    assert_int_equal(slots.count, 5000);
    assert_true(vx_span_is(slots.paths[4999].steps[0].key, "k2499"));
    cel_slots_done(&slots);
    vx_arena_done(&arena);
}

static void types_constants_and_reads_are_known_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *expr;
        enum cel_type type;
        bool constant, event, headers;
    } rows[] = {
        {"event.a == 1", CEL_BOOL, false, true, false},
        {"event.a", CEL_DYN, false, true, false},
        {"event.a * 1.5", CEL_DOUBLE, false, true, false},
        {"event.a * 2", CEL_DYN, false, true, false},
        {"event.a + \"x\"", CEL_STRING, false, true, false},
        {"1 + 2", CEL_INT, true, false, false},
        {"\"a\" + \"b\"", CEL_STRING, true, false, false},
        {"[1, 2]", CEL_LIST, true, false, false},
        {"{\"a\": [1]}.a[0]", CEL_INT, true, false, false},
        {"true || event.a", CEL_BOOL, true, false, false},
        {"true ? 1 : event.a", CEL_INT, true, false, false},
        {"event.a && headers.b == \"x\"", CEL_BOOL, false, true, true},
        {"topic", CEL_STRING, false, false, false},
        {"headers.a", CEL_DYN, false, false, true}, /* a string or null */
        {"has(headers.a)", CEL_BOOL, false, false, true},
        {"size(event.a)", CEL_INT, false, true, false},
        {"string(event.a)", CEL_STRING, false, true, false},
        {"timestamp", CEL_TIMESTAMP, false, false, false},
        {"type(event.a)", CEL_TYPE, false, true, false},
        {"event.a ? 1 : 2", CEL_INT, false, true, false},
        {"event.a ? 1 : \"x\"", CEL_DYN, false, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        struct cel_slots slots = {0};
        const struct cel_expr *expr;
        struct cel_error error;
        assert_int_equal(cel_parse(&arena, vx_span_str(rows[i].expr), cel_env_event(), &expr, &error), VX_OK);
        assert_int_equal(cel_expr_type(expr), rows[i].type);
        assert_int_equal(cel_expr_constant(expr) != NULL, rows[i].constant);
        assert_int_equal(cel_expr_reads(expr, "event"), rows[i].event);
        assert_int_equal(cel_expr_reads(expr, "headers"), rows[i].headers);
        assert_false(cel_expr_reads(expr, "nonsense"));
        assert_int_equal(cel_program_reads(cel_compile(&arena, expr, &slots), "event"), rows[i].event);
        cel_slots_done(&slots);
        vx_arena_done(&arena);
    }
}

static void an_environment_without_variables_knows_none(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    assert_int_equal(cel_parse(&arena, VX_SPAN_LITERAL("1 + 2 == 3"), cel_env_none(), &expr, &error), VX_OK);
    assert_int_equal(cel_parse(&arena, VX_SPAN_LITERAL("event.a"), cel_env_none(), &expr, &error), VX_EINVAL);
    assert_string_equal(error.message, "unknown variable `event`");
    vx_arena_done(&arena);
}

static void a_warm_evaluation_takes_no_memory_from_the_system(void **state)
{
    (void)state;
    static const char text[] =
        "event.s + \"-\" + string(event.n * 1.5) + string(timestamp) == \"x\" || "
        "[event.s, event.t] == event.l || event.missing == 1 || {event.s: 1}[event.s] == 2 || "
        "event.l.map(x, x + \"!\").exists(x, x == \"\") || event.?t.optMap(x, x + x) == optional.none()";
    static const char json[] = "{\"s\":\"a\\/b\",\"t\":\"\\u00e9\",\"n\":4,\"l\":[\"a/b\",\"x\"]}";
    struct vx_arena arena = {0}, scratch = {0};
    struct cel_slots slots = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    struct json_value values[8] = {{0}};
    assert_int_equal(cel_parse(&arena, VX_SPAN_LITERAL(text), cel_env_event(), &expr, &error), VX_OK);
    const struct cel_program *program = cel_compile(&arena, expr, &slots);
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    for (uint32_t i = 0; i < slots.count; i++)
        json_paths_add(paths, slots.paths[i], i);
    json_paths_seal(paths);
    struct cel_event event = {.value = VX_SPAN_LITERAL(json), .slots = values};
    struct cel_frame frame = {.event = &event, .arena = &scratch};
    size_t held = 0, used = 0;
    for (int i = 0; i < 1000; i++) {
        bool failed;
        assert_int_equal(json_scan(scanner, paths, event.value, values, NULL), VX_OK);
        assert_false(cel_test(program, &frame, &failed));
        assert_true(failed); /* event.missing */
        assert_null(frame.failure);
        if (i == 0) {
            held = scratch.held_bytes;
            used = scratch.used_bytes;
        }
        assert_int_equal(scratch.held_bytes, held);
        assert_int_equal(scratch.used_bytes, used);
        vx_arena_reset(&scratch, 1 << 20);
    }
    assert_true(used > 0 && frame.steps_left < CEL_STEPS_MAX);
    json_scanner_free(scanner);
    json_paths_free(paths);
    cel_slots_done(&slots);
    vx_arena_done(&scratch);
    vx_arena_done(&arena);
}

/* Runs bin/cel_vectors; its last line. */
static const char *run_vectors(const char *files)
{
    static char line[256];
    char command[4096], more[256];
    int n = snprintf(command, sizeof command, "cd '%s/conformance/cel' && '%s' %s 2>&1", VELTRIX_TEST_DATA, CEL_VECTORS,
                     files);
    assert_true(n > 0 && n < (int)sizeof command);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    line[0] = '\0';
    while (fgets(more, sizeof more, pipe))
        snprintf(line, sizeof line, "%s", more);
    pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static void all_conformance_vectors_pass(void **state)
{
    (void)state;
    assert_string_equal(run_vectors("*.json"), "745 passed, 0 failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_constant_path_is_a_slot),
        cmocka_unit_test(equal_paths_share_a_slot),
        cmocka_unit_test(types_constants_and_reads_are_known_at_load),
        cmocka_unit_test(an_environment_without_variables_knows_none),
        cmocka_unit_test(a_warm_evaluation_takes_no_memory_from_the_system),
        cmocka_unit_test(all_conformance_vectors_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
