/* cel_vectors [--skip SECTION]... FILE...: runs test vectors of the Common Expression Language (format: the README
 * beside the data). Prints each failure, then "N passed, N failed" (", N skipped" where it applies). Exit 0, 1 with
 * failures, 2 when a file cannot be read.
 *
 * Vectors are evaluated as cel-spec's harness does: what a checker would refuse fails when it is evaluated, so that
 * `||` may absorb it. Each runs twice, with constants folded at load and without, so that both the checker and the
 * evaluator are tested. Values must agree in type as well: 1 is not 1u here.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/b64.h"
#include "core/cel/cel.h"
#include "core/cel/env.h"

enum { BINDINGS_MAX = 16, SKIP_MAX = 16 };

struct totals {
    int passed, failed, skipped;
};

static struct vx_span text_of(const json_t *string)
{
    return vx_span(json_string_value(string), json_string_length(string));
}

static struct cel_value load_value(struct vx_arena *arena, json_t *json);

static struct cel_value load_list(struct vx_arena *arena, json_t *items)
{
    size_t count = json_array_size(items);
    struct cel_value *cells = VX_ARENA_ARRAY(arena, struct cel_value, count);
    for (size_t i = 0; i < count; i++)
        cells[i] = load_value(arena, json_array_get(items, i));
    return (struct cel_value){.type = CEL_LIST, .list = {cells, count}};
}

static struct cel_value load_map(struct vx_arena *arena, json_t *items)
{
    size_t count = json_array_size(items);
    struct cel_entry *entries = VX_ARENA_ARRAY(arena, struct cel_entry, count);
    for (size_t i = 0; i < count; i++) {
        entries[i].key = load_value(arena, json_array_get(json_array_get(items, i), 0));
        entries[i].value = load_value(arena, json_array_get(json_array_get(items, i), 1));
    }
    return (struct cel_value){.type = CEL_MAP, .map = {entries, count}};
}

static struct cel_value load_bytes(struct vx_arena *arena, json_t *base64)
{
    struct vx_buf buf = {0};
    vx_assert(vx_b64_decode(&buf, text_of(base64)));
    struct cel_value v = {.type = CEL_BYTES, .s = vx_arena_span(arena, vx_buf_view(&buf))};
    vx_buf_done(&buf);
    return v;
}

static struct cel_value load_type(json_t *name)
{
    for (enum cel_type type = CEL_NULL; type <= CEL_TYPE; type++) {
        if (vx_span_is(text_of(name), cel_type_name(type)))
            return (struct cel_value){.type = CEL_TYPE, .named = (uint8_t)type};
    }
    return (struct cel_value){.type = CEL_TYPE};
}

static struct cel_value load_time(enum cel_type type, json_t *pair)
{
    struct cel_value v = {.type = (uint8_t)type};
    v.time.seconds = json_integer_value(json_array_get(pair, 0));
    v.time.nanos = (int32_t)json_integer_value(json_array_get(pair, 1));
    return v;
}

/* {"int": "1"} and its kin */
static struct cel_value load_value(struct vx_arena *arena, json_t *json)
{
    const char *kind = json_object_iter_key(json_object_iter(json));
    json_t *inside = json_object_iter_value(json_object_iter(json));
    const char *text = json_string_value(inside);
    struct vx_span type = vx_span_str(kind);
    if (vx_span_is(type, "int"))
        return (struct cel_value){.type = CEL_INT, .i = strtoll(text, NULL, 10)};
    if (vx_span_is(type, "uint"))
        return (struct cel_value){.type = CEL_UINT, .u = strtoull(text, NULL, 10)};
    if (vx_span_is(type, "double"))
        return (struct cel_value){.type = CEL_DOUBLE, .d = strtod(text, NULL)};
    if (vx_span_is(type, "string"))
        return (struct cel_value){.type = CEL_STRING, .s = vx_arena_span(arena, text_of(inside))};
    if (vx_span_is(type, "bytes"))
        return load_bytes(arena, inside);
    if (vx_span_is(type, "bool"))
        return (struct cel_value){.type = CEL_BOOL, .boolean = json_is_true(inside)};
    if (vx_span_is(type, "list"))
        return load_list(arena, inside);
    if (vx_span_is(type, "map"))
        return load_map(arena, inside);
    if (vx_span_is(type, "type"))
        return load_type(inside);
    if (vx_span_is(type, "timestamp") || vx_span_is(type, "duration"))
        return load_time(vx_span_is(type, "duration") ? CEL_DURATION : CEL_TIMESTAMP, inside);
    vx_assert(vx_span_is(type, "null"));
    return (struct cel_value){.type = CEL_NULL};
}

/* Equal in value and in type, all the way down. */
static bool same(struct cel_value a, struct cel_value b)
{
    if (a.type != b.type)
        return false;
    if (a.type == CEL_DOUBLE)
        return (isnan(a.d) && isnan(b.d)) || (a.d == b.d && !signbit(a.d) == !signbit(b.d));
    if (!cel_equal(a, b))
        return false;
    for (size_t i = 0; a.type == CEL_LIST && i < a.list.count; i++) {
        if (!same(a.list.at[i], b.list.at[i]))
            return false;
    }
    for (size_t i = 0; a.type == CEL_MAP && i < a.map.count; i++) {
        bool found = false;
        for (size_t k = 0; k < b.map.count; k++)
            found |= same(a.map.at[i].key, b.map.at[k].key) && same(a.map.at[i].value, b.map.at[k].value);
        if (!found)
            return false;
    }
    return true;
}

/* Evaluates a vector's expression; false with `why`. */
static bool evaluate(struct vx_arena *arena, json_t *vector, bool folded, struct cel_value *out, const char **why)
{
    const char *names[BINDINGS_MAX], *name;
    struct cel_value values[BINDINGS_MAX];
    size_t count = 0;
    json_t *binding;
    json_object_foreach(json_object_get(vector, "bindings"), name, binding)
    {
        vx_assert(count < BINDINGS_MAX);
        names[count] = name;
        values[count++] = load_value(arena, binding);
    }
    struct cel_env *env = cel_env_bindings(arena, names, count);
    const struct cel_expr *expr;
    struct cel_error error;
    env->unfolded = !folded;
    if (cel_parse(arena, text_of(json_object_get(vector, "expr")), env, &expr, &error) != VX_OK) {
        *why = vx_arena_printf(arena, "%zu: %s", error.offset, error.message);
        return false;
    }
    struct cel_slots slots = {0};
    const struct cel_program *program = cel_compile(arena, expr, &slots);
    struct cel_frame frame = {.bindings = values, .arena = arena};
    bool good = cel_eval(program, &frame, out) == VX_OK;
    *why = frame.failure;
    cel_slots_done(&slots);
    return good;
}

static const char *literal(struct vx_arena *arena, struct cel_value v)
{
    struct vx_buf buf = {0};
    cel_write_literal(v, &buf);
    const char *text = vx_arena_str(arena, vx_buf_text(&buf));
    vx_buf_done(&buf);
    return text;
}

static bool run_vector(const char *file, json_t *vector, bool folded)
{
    struct vx_arena arena = {0};
    struct cel_value out = {0}, wanted = {0};
    const char *why = NULL, *got;
    json_t *value = json_object_get(vector, "value");
    bool good = evaluate(&arena, vector, folded, &out, &why), passed = good == (value != NULL);
    if (value) {
        wanted = load_value(&arena, value);
        passed = good && same(out, wanted);
    }
    if (!passed) {
        got = good ? literal(&arena, out) : vx_arena_printf(&arena, "error: %s", why);
        printf("%s: %s/%s%s: %s\n    gives %s\n    not   %s\n", file,
               json_string_value(json_object_get(vector, "section")),
               json_string_value(json_object_get(vector, "name")), folded ? "" : " (not folded)",
               json_string_value(json_object_get(vector, "expr")), got, value ? literal(&arena, wanted) : "an error");
    }
    vx_arena_done(&arena);
    return passed;
}

static bool run_file(const char *file, const char *const *skip, int skip_count, struct totals *totals)
{
    json_error_t error;
    json_t *vectors = json_load_file(file, JSON_ALLOW_NUL, &error), *vector;
    size_t n;
    if (!json_is_array(vectors)) {
        fprintf(stderr, "%s:%d: %s\n", file, error.line, vectors ? "not a list of vectors" : error.text);
        json_decref(vectors);
        return false;
    }
    json_array_foreach(vectors, n, vector)
    {
        struct vx_span section = text_of(json_object_get(vector, "section"));
        bool skipped = false;
        for (int i = 0; i < skip_count; i++)
            skipped |= vx_span_is(section, skip[i]);
        if (skipped)
            totals->skipped++;
        else if (run_vector(file, vector, true) && run_vector(file, vector, false))
            totals->passed++;
        else
            totals->failed++;
    }
    json_decref(vectors);
    return true;
}

int main(int argc, char **argv)
{
    const char *skip[SKIP_MAX];
    int skip_count = 0, files = 0;
    struct totals totals = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--skip") == 0 && i + 1 < argc && skip_count < SKIP_MAX) {
            skip[skip_count++] = argv[++i];
            continue;
        }
        files++;
        if (!run_file(argv[i], skip, skip_count, &totals))
            return 2;
    }
    if (files == 0) {
        fprintf(stderr, "usage: cel_vectors [--skip SECTION]... FILE...\n");
        return 2;
    }
    printf("%d passed, %d failed", totals.passed, totals.failed);
    if (totals.skipped)
        printf(", %d skipped", totals.skipped);
    printf("\n");
    return totals.failed > 0;
}
