/* Evaluates what a test gives it, through the same steps as a router: parse, compile, scan, evaluate. */
#include "event.h"

#include <stdio.h>
#include <string.h>

#include "core/json/scan.h"

struct bench {
    struct vx_arena arena;
    struct cel_slots slots;
    struct json_value values[64];
    struct cel_event event;
    struct cel_frame frame;
};

static char result[4096];

static const char *refused(const struct cel_error *error)
{
    snprintf(result, sizeof result, "refused %zu+%zu: %s", error->offset, error->len, error->message);
    return result;
}

static const char *failed(const struct cel_frame *frame)
{
    snprintf(result, sizeof result, "error %zu: %s", frame->failure_offset, frame->failure);
    return result;
}

static const char *literal(struct cel_value v)
{
    struct vx_buf buf = {0};
    cel_write_literal(v, &buf);
    snprintf(result, sizeof result, "%s", vx_buf_text(&buf));
    vx_buf_done(&buf);
    return result;
}

/* Fills the event and its slots as json_scan() does; the value is copied so that a sanitizer sees every byte too
 * far. */
static void set_event(struct bench *b, const struct event *ev)
{
    vx_assert(b->slots.count <= 64);
    b->event = (struct cel_event){
        .topic = vx_span_str("games"), .partition = 3, .offset = 41, .timestamp_ms = 1234567890123, .slots = b->values};
    b->event.key = vx_span_str(ev->key);
    b->event.headers = ev->headers;
    b->event.header_count = ev->header_count;
    memset(b->values, 0, sizeof b->values);
    b->frame = (struct cel_frame){.event = &b->event, .arena = &b->arena};
    if (!ev->json)
        return;
    char *copy = vx_arena_bytes(&b->arena, strlen(ev->json));
    memcpy(copy, ev->json, strlen(ev->json));
    b->event.value = vx_span(copy, strlen(ev->json));
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    for (uint32_t i = 0; i < b->slots.count; i++)
        json_paths_add(paths, b->slots.paths[i], i);
    json_paths_seal(paths);
    vx_assert(json_scan(scanner, paths, b->event.value, b->values, NULL) == VX_OK);
    json_scanner_free(scanner);
    json_paths_free(paths);
}

static void done(struct bench *b)
{
    cel_slots_done(&b->slots);
    vx_arena_done(&b->arena);
}

static const struct cel_program *load(struct bench *b, const char *text, size_t len)
{
    const struct cel_expr *expr;
    struct cel_error error = {0};
    struct vx_arena own = {0}; /* the program must not need the expression any more */
    const struct cel_program *program = NULL;
    if (cel_parse(&own, vx_span(text, len), cel_env_event(), &expr, &error) != VX_OK)
        refused(&error);
    else
        program = cel_compile(&b->arena, expr, &b->slots);
    vx_arena_done(&own);
    return program;
}

const char *eval_text(const char *text, const struct event *ev)
{
    struct bench b = {0};
    struct cel_value v;
    const struct cel_program *program = load(&b, text, strlen(text));
    if (program) {
        set_event(&b, ev);
        if (cel_eval(program, &b.frame, &v) == VX_OK)
            literal(v);
        else
            failed(&b.frame);
    }
    done(&b);
    return result;
}

const char *test_text(const char *text, const struct event *ev)
{
    struct bench b = {0};
    const struct cel_program *program = load(&b, text, strlen(text));
    if (program) {
        bool fails;
        set_event(&b, ev);
        bool yes = cel_test(program, &b.frame, &fails);
        snprintf(result, sizeof result, "%s", fails ? "failed" : yes ? "true" : "false");
    }
    done(&b);
    return result;
}

const char *load_text(const char *text, size_t len)
{
    struct bench b = {0};
    char *copy = len ? memcpy(vx_arena_bytes(&b.arena, len), text, len) : NULL;
    if (load(&b, copy, len))
        snprintf(result, sizeof result, "ok");
    done(&b);
    return result;
}

const char *template_text(const char *text, const struct event *ev)
{
    struct bench b = {0};
    struct vx_arena own = {0};
    struct cel_value v;
    const struct cel_template *template;
    struct cel_error error;
    if (cel_template_parse(&own, vx_span_str(text), cel_env_event(), &template, &error) != VX_OK) {
        refused(&error);
    } else {
        const struct cel_template_program *program = cel_template_compile(&b.arena, template, &b.slots);
        set_event(&b, ev);
        if (cel_template_eval(program, &b.frame, &v) == VX_OK)
            literal(v);
        else
            failed(&b.frame);
    }
    vx_arena_done(&own);
    done(&b);
    return result;
}
