/* Paths: the places that `set` and `remove` change. Load-time only; any one thread; texts live in the arena.
 *
 *     path    = "key" | "event" step+ | "headers" ( "." header | "[" string "]" )
 *     step    = "." name | "[" string "]" | "[" number "]"
 *     name    = [A-Za-z_] [A-Za-z0-9_]*        header = [A-Za-z0-9_-]+
 *     string  = "..." | '...' with the escapes of JSON, and \' and \"
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/base/utf8.h"
#include "core/config/load.h"

struct scan {
    const char *begin, *at, *end;
    struct vx_arena *arena;
    struct cel_error *error;
};

static bool fail(struct scan *s, const char *from, size_t len, const char *fmt, ...) VX_PRINTF(4, 5);
static bool fail(struct scan *s, const char *from, size_t len, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->error->message, sizeof s->error->message, fmt, args);
    va_end(args);
    s->error->offset = (size_t)(from - s->begin);
    s->error->len = len > 0 ? len : 1;
    return false;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct vx_span word(struct scan *s, bool header)
{
    const char *from = s->at;
    while (s->at < s->end &&
           (letter(*s->at) || (digit(*s->at) && (header || s->at > from)) || (header && *s->at == '-')))
        s->at++;
    return vx_span(from, (size_t)(s->at - from));
}

/* Four hex digits at s->at, or -1. */
static int hex4(const struct scan *s)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        char c = s->at + i < s->end ? s->at[i] : 0;
        int value = digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (value < 0)
            return -1;
        code = code * 16 + value;
    }
    return code;
}

/* The escape behind a backslash at s->at; appends what it stands for. */
static bool escape(struct scan *s, struct vx_buf *out)
{
    static const char from[] = "\"'\\/bfnrt", to[] = "\"'\\/\b\f\n\r\t";
    const char *begin = s->at++;
    const char *known = s->at < s->end ? strchr(from, *s->at) : NULL;
    if (known && *known) {
        s->at++;
        vx_buf_char(out, to[known - from]);
        return true;
    }
    int code = -1;
    if (s->at < s->end && *s->at == 'u') {
        s->at++;
        code = hex4(s);
    }
    if (code < 0 || (code >= 0xd800 && code < 0xe000))
        return fail(s, begin, 2, "unknown escape in a path; known are \\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t \\u0000");
    s->at += 4;
    char bytes[4];
    vx_buf_add(out, bytes, (size_t)vx_utf8_encode((uint32_t)code, bytes));
    return true;
}

static bool string(struct scan *s, struct vx_span *out)
{
    const char *begin = s->at;
    char quote = *s->at++;
    struct vx_buf text = {0};
    bool ok = true;
    while (ok && s->at < s->end && *s->at != quote) {
        if (*s->at == '\\')
            ok = escape(s, &text);
        else
            vx_buf_char(&text, *s->at++);
    }
    if (ok && s->at >= s->end)
        ok = fail(s, begin, 1, "this name has no closing %c", quote);
    s->at++;
    if (ok)
        *out = vx_arena_span(s->arena, vx_span(vx_buf_text(&text), text.len));
    vx_buf_done(&text);
    return ok;
}

/* `[...]` at s->at: a name in quotes, or a number. */
static bool bracket(struct scan *s, bool header, struct json_step *out)
{
    const char *begin = s->at++;
    if (s->at < s->end && (*s->at == '"' || *s->at == '\'')) {
        out->is_index = false;
        if (!string(s, &out->key))
            return false;
    } else if (!header && s->at < s->end && digit(*s->at)) {
        uint64_t index = 0;
        const char *from = s->at;
        while (s->at < s->end && digit(*s->at) && index <= UINT32_MAX)
            index = index * 10 + (uint64_t)(*s->at++ - '0');
        if (index > INT32_MAX)
            return fail(s, from, (size_t)(s->at - from), "an index is at most %d", INT32_MAX);
        out->is_index = true;
        out->index = (uint32_t)index;
    } else {
        return fail(s, s->at < s->end ? s->at : begin, 1, "expected a name in quotes%s behind `[`",
                    header ? "" : " or a number");
    }
    if (s->at >= s->end || *s->at != ']')
        return fail(s, begin, (size_t)(s->at - begin), "this `[` has no closing `]`");
    s->at++;
    return true;
}

static bool event_steps(struct scan *s, struct config_path *out)
{
    struct json_step steps[CONFIG_PATH_STEPS_MAX];
    size_t count = 0;
    while (s->at < s->end) {
        const char *from = s->at;
        struct json_step step = {0};
        if (count == CONFIG_PATH_STEPS_MAX)
            return fail(s, from, (size_t)(s->end - from), "a path has at most %d steps", CONFIG_PATH_STEPS_MAX);
        if (*s->at == '.') {
            s->at++;
            step.key = word(s, false);
            if (step.key.len == 0)
                return fail(s, s->at, 1, "expected a name behind `.`; any other name is written [\"...\"]");
        } else if (*s->at != '[') {
            return fail(s, from, 1, "`%.*s` cannot stand here; a name that holds it is written [\"...\"]",
                        1 + (int)(((unsigned char)*from >= 0xc0) + ((unsigned char)*from >= 0xe0) +
                                  ((unsigned char)*from >= 0xf0)),
                        from);
        } else if (!bracket(s, false, &step)) {
            return false;
        }
        steps[count++] = step;
    }
    if (count == 0)
        return fail(s, s->begin, (size_t)(s->end - s->begin),
                    "`event` names the whole event; name a place in it: event.a");
    struct json_step *kept = VX_ARENA_ARRAY(s->arena, struct json_step, count);
    for (size_t i = 0; i < count; i++) {
        kept[i] = steps[i];
        if (!kept[i].is_index)
            kept[i].key = vx_arena_span(s->arena, kept[i].key);
    }
    out->root = CONFIG_EVENT;
    out->path = (struct json_path){kept, count};
    return true;
}

static bool header_name(struct scan *s, struct config_path *out)
{
    static const struct vx_span reserved[] = {VX_SPAN_LITERAL("veltrix-"), VX_SPAN_LITERAL("__connect.errors.")};
    size_t all = (size_t)(s->end - s->begin);
    struct json_step step = {0};
    if (s->at == s->end)
        return fail(s, s->begin, all, "`headers` names all headers; name one: headers.a");
    if (*s->at == '[') {
        if (!bracket(s, true, &step))
            return false;
    } else {
        s->at++;
        step.key = word(s, true);
        if (s->at[-1] == '.')
            return fail(s, s->at, 1, "expected a name behind `.`; any other name is written [\"...\"]");
    }
    if (s->at < s->end)
        return fail(s, s->at, (size_t)(s->end - s->at),
                    "a header has no places in it; a name that holds this is written headers[\"...\"]");
    if (step.key.len == 0)
        return fail(s, s->begin, all, "a header needs a name");
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (vx_span_starts_with(step.key, reserved[i]))
            return fail(s, s->begin, all, "headers that begin with `%s` are written by Veltrix itself", reserved[i].at);
    }
    if (memchr(step.key.at, 0, step.key.len))
        return fail(s, s->begin, all, "the name of a header cannot hold a NUL character");
    out->root = CONFIG_HEADER;
    out->header = vx_arena_span(s->arena, step.key);
    return true;
}

bool path_parse(struct vx_span text, struct vx_arena *arena, struct config_path *out, struct cel_error *error)
{
    static const char *const roots[] = {"event", "headers", "key"};
    struct scan s = {text.at, text.at, text.at + text.len, arena, error};
    struct config_path path = {.text = text};
    struct vx_span root = word(&s, false);
    if (s.at < s.end && *s.at != '.' && *s.at != '[' && !vx_span_is(root, "event") && root.len > 0)
        root = vx_span(text.at, text.len);
    if (vx_span_is(root, "event")) {
        if (!event_steps(&s, &path))
            return false;
    } else if (vx_span_is(root, "headers")) {
        if (!header_name(&s, &path))
            return false;
    } else if (vx_span_is(root, "key")) {
        if (s.at < s.end)
            return fail(&s, s.at, (size_t)(s.end - s.at), "`key` has no places in it");
        path.root = CONFIG_KEY;
    } else {
        const char *near = vx_nearest(root, roots, sizeof roots / sizeof *roots);
        return fail(&s, text.at, root.len, "`%.*s` is not a place of an event: event.a, headers.a or key%s%s%s",
                    VX_SPAN_ARG(root), near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    }
    *out = path;
    return true;
}

bool path_load(struct loader *l, const struct config_node *node, struct config_path *out)
{
    struct cel_error error = {0};
    if (node->refused)
        return false;
    if (node->kind != CONFIG_SCALAR || node->text.len == 0) {
        load_error(l, node, "a place must be a text: event.a, headers.a or key");
        return false;
    }
    if (!path_parse(node->text, l->arena, out, &error)) {
        load_error_at(l, node, error.offset, error.len, "%s", error.message);
        return false;
    }
    out->node = node;
    return true;
}

bool path_overlap(const struct config_path *a, const struct config_path *b)
{
    if (a->root != b->root)
        return false;
    if (a->root == CONFIG_HEADER)
        return vx_span_equal(a->header, b->header);
    if (a->root == CONFIG_KEY)
        return true;
    for (size_t i = 0; i < a->path.count && i < b->path.count; i++) {
        const struct json_step *x = &a->path.steps[i], *y = &b->path.steps[i];
        if (x->is_index != y->is_index)
            return false;
        if (x->is_index ? x->index != y->index : !vx_span_equal(x->key, y->key))
            return false;
    }
    return true;
}
