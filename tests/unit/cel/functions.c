/* Runs tables of function calls. */
#include "functions.h"

#include <stdio.h>
#include <string.h>

#include "core/cel/env.h"
#include "core/json/scan.h"

enum { LITERALS_MAX = 8, TEXT_SIZE = 8192 };

static char result[TEXT_SIZE];

static const char *literal(struct cel_value v)
{
    struct vx_buf buf = {0};
    cel_write_literal(v, &buf);
    snprintf(result, sizeof result, "%s", vx_buf_text(&buf));
    vx_buf_done(&buf);
    return result;
}

static const char *give(const char *expr, const struct cel_env *env, const struct cel_value *bindings)
{
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    const struct cel_expr *parsed;
    struct cel_error error;
    struct cel_value v;
    struct cel_frame frame = {.bindings = bindings, .arena = &arena};
    if (cel_parse(&arena, vx_span_str(expr), env, &parsed, &error) != VX_OK)
        snprintf(result, sizeof result, "error: %s", error.message);
    else if (cel_eval(cel_compile(&arena, parsed, &slots), &frame, &v) != VX_OK)
        snprintf(result, sizeof result, "error: %s", frame.failure);
    else
        literal(v);
    cel_slots_done(&slots);
    vx_arena_done(&arena);
    return result;
}

const char *give_text(const char *expr, bool folded)
{
    struct vx_arena arena = {0};
    struct cel_env *env = cel_env_bindings(&arena, NULL, 0);
    env->unfolded = !folded;
    give(expr, folded ? cel_env_none() : env, NULL);
    vx_arena_done(&arena);
    return result;
}

/* A JSON string of the same text, all of it as \u escapes, as an event would hold it. Its bytes must be ASCII. */
static struct cel_value escaped(struct vx_arena *arena, const char *at, size_t len)
{
    char *text = vx_arena_bytes(arena, 6 * len + 1);
    for (size_t i = 0; i < len; i++)
        sprintf(text + 6 * i, "\\u%04x", at[i]);
    return cel_from_json(
        (struct json_value){.at = text, .len = (uint32_t)(6 * len), .kind = JSON_KIND_STRING, .escaped = true});
}

/* Puts the names v0, v1, … where `expr` has plain string literals, their values into `values`. NULL: it has none, or
 * one that is not that plain. */
static const char *take_literals(struct vx_arena *arena, const char *expr, struct cel_value *values, size_t *count)
{
    struct vx_buf buf = {0};
    const char *text = NULL;
    *count = 0;
    for (const char *at = expr; *at; at++) {
        const char *end = *at == '\'' ? strchr(at + 1, '\'') : NULL;
        if (strchr("\"\\", *at) || (unsigned char)*at >= 0x80 || *count == LITERALS_MAX ||
            (*at == '\'' && (!end || (at > expr && strchr("br", at[-1])))))
            goto done;
        if (*at != '\'') {
            vx_buf_char(&buf, *at);
            continue;
        }
        if (end == at + 1 || memchr(at, '\\', (size_t)(end - at)))
            goto done;
        for (const char *p = at; p < end; p++) {
            if ((unsigned char)*p >= 0x80)
                goto done;
        }
        vx_buf_printf(&buf, "v%zu", *count);
        values[(*count)++] = escaped(arena, at + 1, (size_t)(end - at) - 1);
        at = end;
    }
    if (*count > 0)
        text = vx_arena_str(arena, vx_buf_text(&buf));
done:
    vx_buf_done(&buf);
    return text;
}

static const char *give_escaped(const char *expr)
{
    static const char *const names[] = {"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"};
    struct vx_arena arena = {0};
    struct cel_value values[LITERALS_MAX];
    size_t count;
    const char *text = take_literals(&arena, expr, values, &count), *got = NULL;
    if (text)
        got = give(text, cel_env_bindings(&arena, names, count), values);
    vx_arena_done(&arena);
    return got;
}

static void check(const struct function_row *row, const char *how, const char *got)
{
    if (strcmp(got, row->expected) != 0)
        print_error("%s (%s)\n", row->expr, how);
    assert_string_equal(got, row->expected);
}

void check_functions(const struct function_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(&rows[i], "folded", give_text(rows[i].expr, true));
        check(&rows[i], "not folded", give_text(rows[i].expr, false));
        const char *got = give_escaped(rows[i].expr);
        if (got)
            check(&rows[i], "escaped strings", got);
    }
}
