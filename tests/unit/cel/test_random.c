/* Random expressions, from a fixed seed: what is folded at load is what the evaluator gives, no evaluation takes more
 * steps than its bound, and nothing crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/cel/cel.h"
#include "core/cel/env.h"
#include "core/json/scan.h"

enum { ROUNDS = 4000, DEPTH = 5, SLOTS_MAX = 64 };

static const char json[] = "{\"a\":3,\"b\":\"bb\",\"s\":\"\\u0041b\",\"nums\":[1,2,3,1.5,\"a\"],\"items\":[{\"a\":1},"
                           "{\"a\":\"x\",\"b\":[1]},{}],\"map\":{\"a\":1,\"b\":[2]},\"dup\":{\"a\":1,\"a\":2}}";

/* An expression being written. */
struct writer {
    uint64_t seed;
    bool constant; /* names nothing of the event */
    struct vx_buf text;
};

static unsigned pick(struct writer *w, unsigned count)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
    return (unsigned)((w->seed >> 33) % count);
}

#define PICK(w, words) words[pick(w, sizeof words / sizeof *words)]

static void write_expr(struct writer *w, int depth, int vars);

static void write_leaf(struct writer *w, int vars)
{
    static const char *const literals[] = {"1",
                                           "0",
                                           "-1",
                                           "2u",
                                           "1.5",
                                           "\"a\"",
                                           "true",
                                           "false",
                                           "null",
                                           "b\"x\"",
                                           "[]",
                                           "{}",
                                           "\"bb\"",
                                           "9223372036854775807",
                                           "optional.none()"};
    static const char *const fields[] = {"event.a",  "event.b",    "event.nums", "event.items", "event.map",
                                         "event.?a", "event.?x.y", "event",      "event.s",     "topic",
                                         "key",      "headers",    "offset",     "event.dup"};
    unsigned kind = pick(w, 3);
    if (kind == 0 && vars > 0)
        vx_buf_printf(&w->text, "v%u", pick(w, (unsigned)vars));
    else
        vx_buf_str(&w->text, kind == 1 && !w->constant ? PICK(w, fields) : PICK(w, literals));
}

static void write_list(struct writer *w, int depth, int vars)
{
    unsigned kind = pick(w, 5), count = pick(w, 7);
    if (kind < 2 && !w->constant) {
        vx_buf_str(&w->text, kind ? "event.nums" : "event.items");
    } else if (kind == 2) {
        write_expr(w, depth, vars);
    } else if (kind == 3) {
        vx_buf_str(&w->text, "{\"a\": ");
        write_expr(w, depth - 1, vars);
        vx_buf_str(&w->text, ", ?2: optional.of(");
        write_expr(w, depth - 1, vars);
        vx_buf_str(&w->text, ")}");
    } else {
        vx_buf_char(&w->text, '[');
        for (unsigned i = 0; i < count; i++) {
            vx_buf_str(&w->text, i ? ", " : "");
            write_expr(w, depth - 1, vars);
        }
        vx_buf_char(&w->text, ']');
    }
}

static void write_macro(struct writer *w, int depth, int vars)
{
    static const char *const one[] = {"all", "exists", "exists_one", "map", "filter"};
    static const char *const two[] = {"all",           "exists",       "existsOne",
                                      "transformList", "transformMap", "transformMapEntry"};
    bool pair = pick(w, 3) == 0;
    write_list(w, depth - 1, vars);
    if (pair)
        vx_buf_printf(&w->text, ".%s(v%d, v%d, ", PICK(w, two), vars, vars + 1);
    else
        vx_buf_printf(&w->text, ".%s(v%d, ", PICK(w, one), vars);
    write_expr(w, depth - 1, vars + 1 + pair);
    vx_buf_char(&w->text, ')');
}

/* `before` e `between` e `after` */
static void write_pair(struct writer *w, const char *before, const char *between, const char *after, int depth,
                       int vars)
{
    vx_buf_str(&w->text, before);
    write_expr(w, depth - 1, vars);
    vx_buf_str(&w->text, between);
    write_expr(w, depth - 1, vars);
    vx_buf_str(&w->text, after);
}

static void write_expr(struct writer *w, int depth, int vars)
{
    static const char *const operators[] = {
        " + ", " - ", " * ", " / ", " % ", " == ", " != ", " < ", " >= ", " in ", " && ", " || "};
    static const char *const calls[] = {"dyn(", "size(", "string(", "type(", "optional.ofNonZeroValue("};
    if (depth <= 0 || pick(w, 6) == 0) {
        write_leaf(w, vars);
        return;
    }
    switch (pick(w, 9)) {
    case 0:
    case 1:
    case 2:
        write_pair(w, "(", PICK(w, operators), ")", depth, vars);
        return;
    case 3:
        write_pair(w, "(true ? ", " : ", ")", depth, vars);
        return;
    case 4:
        write_pair(w, "optional.of(", ").orValue(", ")", depth, vars);
        return;
    case 5:
        vx_buf_str(&w->text, PICK(w, calls));
        write_expr(w, depth - 1, vars);
        vx_buf_char(&w->text, ')');
        return;
    case 6:
        write_list(w, depth - 1, vars);
        write_pair(w, pick(w, 2) ? "[" : "[?", " + ", "]", depth, vars);
        return;
    case 7:
        write_list(w, depth - 1, vars);
        vx_buf_str(&w->text, pick(w, 2) ? ".a" : ".?a");
        return;
    default:
        write_macro(w, depth, vars);
    }
}

/* What `text` gives, as a literal or an error; NULL where it is refused. */
static const char *run(struct vx_arena *arena, struct vx_span text, const struct cel_env *env)
{
    struct json_value values[SLOTS_MAX] = {{0}};
    struct cel_slots slots = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    struct cel_value out;
    if (cel_parse(arena, text, env, &expr, &error) != VX_OK)
        return NULL;
    const struct cel_program *program = cel_compile(arena, expr, &slots);
    struct cel_event event = {.topic = VX_SPAN_LITERAL("t"), .value = VX_SPAN_LITERAL(json), .slots = values};
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    assert_true(slots.count <= SLOTS_MAX);
    for (uint32_t i = 0; i < slots.count; i++)
        json_paths_add(paths, slots.paths[i], i);
    json_paths_seal(paths);
    assert_int_equal(json_scan(scanner, paths, event.value, values, NULL), VX_OK);
    struct cel_frame frame = {.event = &event, .arena = arena};
    struct vx_buf result = {0};
    if (cel_eval(program, &frame, &out) == VX_OK)
        cel_write_literal(out, &result);
    else
        vx_buf_str(&result, "error");
    uint64_t steps = CEL_STEPS_MAX - frame.steps_left;
    if (steps > cel_expr_cost(expr))
        fail_msg("%.*s: %llu steps, bound %llu", VX_SPAN_ARG(text), (unsigned long long)steps,
                 (unsigned long long)cel_expr_cost(expr));
    const char *copy = vx_arena_str(arena, vx_buf_text(&result));
    vx_buf_done(&result);
    json_scanner_free(scanner);
    json_paths_free(paths);
    cel_slots_done(&slots);
    return copy;
}

static void no_evaluation_takes_more_steps_than_its_bound(void **state)
{
    (void)state;
    struct writer w = {.seed = 1};
    int ran = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct vx_arena arena = {0};
        write_expr(&w, DEPTH, 0);
        ran += run(&arena, vx_buf_view(&w.text), cel_env_event()) != NULL;
        vx_buf_done(&w.text);
        vx_arena_done(&arena);
    }
    assert_true(ran > ROUNDS / 10);
}

static void constants_fold_to_what_they_evaluate_to(void **state)
{
    (void)state;
    struct writer w = {.seed = 2, .constant = true};
    for (int i = 0; i < ROUNDS; i++) {
        struct vx_arena arena = {0};
        struct cel_env *folded = cel_env_bindings(&arena, NULL, 0), *unfolded = cel_env_bindings(&arena, NULL, 0);
        unfolded->unfolded = true;
        write_expr(&w, DEPTH, 0);
        const char *left = run(&arena, vx_buf_view(&w.text), folded);
        const char *right = run(&arena, vx_buf_view(&w.text), unfolded);
        if (left && right && strcmp(left, right) != 0)
            fail_msg("%s: folded %s, evaluated %s", vx_buf_text(&w.text), left, right);
        vx_buf_done(&w.text);
        vx_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_evaluation_takes_more_steps_than_its_bound),
        cmocka_unit_test(constants_fold_to_what_they_evaluate_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
