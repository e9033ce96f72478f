/* The lexical side of a settings file: comments, strings and words as libconfuse's lexer takes them, with places.
 * Load-time only; any one thread.
 *
 * libconfuse replaces `${NAME}` in words and in double quotes while it reads, by "" where NAME is not set; so that is
 * looked for here, before it reads.
 */
#include "core/config/settings_text.h"

#include <stdlib.h>

#include "core/base/utf8.h"

enum { DEPTH_MAX = 8, ENV_NAME_SIZE = 128 };

struct scanner {
    const char *at, *end;
    struct settings_text *out;
    struct vx_arena *arena;
    struct vx_diags *diags;
    size_t room;
    bool failed;
};

enum token { END, WORD, EQUALS, OPEN, CLOSE, OTHER };

void settings_place(const struct settings_text *text, struct vx_span part, struct vx_diag *at)
{
    const char *begin = text->text.at, *p = begin, *end = begin + text->text.len;
    int line = 1;
    for (; p < part.at; p++) {
        if (*p == '\n') {
            line++;
            begin = p + 1;
        }
    }
    const char *stop = memchr(begin, '\n', (size_t)(end - begin));
    stop = stop ? stop : end;
    size_t width = part.at + part.len > stop ? (size_t)(stop - part.at) : part.len;
    *at = (struct vx_diag){
        .severity = VX_ERROR,
        .file = text->path,
        .line = line,
        .column = (int)vx_utf8_count(vx_span(begin, (size_t)(part.at - begin))) + 1,
        .width = (int)vx_utf8_count(vx_span(part.at, width)),
        .quoted = vx_span(begin, (size_t)(stop - begin)),
    };
}

void settings_place_line(const struct settings_text *text, int line, struct vx_diag *at)
{
    const char *p = text->text.at, *end = p + text->text.len;
    for (const char *next; line > 1 && p < end && (next = memchr(p, '\n', (size_t)(end - p))) != NULL; line--)
        p = next + 1;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    const char *stop = p;
    while (stop < end && *stop != '\n')
        stop++;
    settings_place(text, vx_span(p, (size_t)(stop - p)), at);
}

const struct settings_entry *settings_entry_find(const struct settings_text *text, const char *section, const char *key)
{
    for (size_t i = 0; i < text->count; i++) {
        if (vx_span_is(text->entries[i].key, key) && strcmp(text->entries[i].section, section) == 0)
            return &text->entries[i];
    }
    return NULL;
}

/* Reports the `${NAME}` at `p` when NAME is not set and has no `:-default`. Returns the byte behind its `}`. */
static const char *check_variable(struct scanner *s, const char *p)
{
    const char *close = memchr(p, '}', (size_t)(s->end - p));
    if (!close)
        return p + 2;
    struct vx_span body = vx_span(p + 2, (size_t)(close - p - 2));
    char name[ENV_NAME_SIZE] = "";
    if (body.len < sizeof name)
        memcpy(name, body.at, body.len);
    if (memmem(body.at, body.len, ":-", 2) || (name[0] && getenv(name)))
        return close + 1;
    struct vx_diag at;
    settings_place(s->out, vx_span(p, (size_t)(close + 1 - p)), &at);
    vx_diags_add(s->diags, &at, "environment variable `%.*s` is not set; set it, or write ${%.*s:-default}",
                 VX_SPAN_ARG(body), VX_SPAN_ARG(body));
    s->failed = true;
    return close + 1;
}

static void report_open(struct scanner *s, const char *begin, size_t len, const char *message)
{
    struct vx_diag at;
    settings_place(s->out, vx_span(begin, len), &at);
    vx_diags_add(s->diags, &at, "%s", message);
    s->failed = true;
}

static bool skip_blank(struct scanner *s)
{
    while (s->at < s->end) {
        char c = *s->at, next = s->at + 1 < s->end ? s->at[1] : 0;
        if (c == '#' || (c == '/' && next == '/')) {
            while (s->at < s->end && *s->at != '\n')
                s->at++;
        } else if (c == '/' && next == '*') {
            const char *close = memmem(s->at + 2, (size_t)(s->end - s->at - 2), "*/", 2);
            if (!close)
                report_open(s, s->at, 2, "this comment has no closing */");
            s->at = close ? close + 2 : s->end;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            s->at++;
        } else {
            return true;
        }
    }
    return false;
}

static enum token quoted(struct scanner *s, char quote, struct vx_span *text)
{
    const char *begin = s->at++;
    while (s->at < s->end && *s->at != quote) {
        if (*s->at == '\\')
            s->at += s->at + 1 < s->end ? 2 : 1;
        else if (quote == '"' && s->at[0] == '$' && s->at + 1 < s->end && s->at[1] == '{')
            s->at = check_variable(s, s->at);
        else
            s->at++;
    }
    if (s->at >= s->end) {
        report_open(s, begin, 1, quote == '"' ? "this text has no closing \"" : "this text has no closing '");
        return END;
    }
    s->at++;
    *text = vx_span(begin + 1, (size_t)(s->at - begin - 2));
    return WORD;
}

/* The next token; `text` is what stands between quotes or the word. */
static enum token next(struct scanner *s, struct vx_span *text)
{
    if (!skip_blank(s))
        return END;
    const char *begin = s->at;
    switch (*begin) {
    case '=':
        s->at++;
        return EQUALS;
    case '{':
        s->at++;
        return OPEN;
    case '}':
        s->at++;
        return CLOSE;
    case '"':
    case '\'':
        return quoted(s, *begin, text);
    case '+':
        s->at += s->at + 1 < s->end && begin[1] == '=' ? 2 : 1;
        return EQUALS;
    case '$':
        if (begin + 1 < s->end && begin[1] == '{') {
            s->at = check_variable(s, begin);
            *text = vx_span(begin, (size_t)(s->at - begin));
            return WORD;
        }
    }
    while (s->at < s->end && !strchr(" #\"'\t\n\r={}()+,*", *s->at))
        s->at++;
    if (s->at == begin) {
        s->at++;
        return OTHER;
    }
    *text = vx_span(begin, (size_t)(s->at - begin));
    return WORD;
}

static void add(struct scanner *s, struct settings_entry entry)
{
    struct settings_text *out = s->out;
    if (out->count == s->room) {
        struct settings_entry *old = out->entries;
        s->room = s->room ? s->room * 2 : 32;
        out->entries = VX_ARENA_ARRAY(s->arena, struct settings_entry, s->room);
        if (out->count)
            memcpy(out->entries, old, out->count * sizeof *old);
    }
    out->entries[out->count++] = entry;
}

/* The value behind `=`: one word or a list in braces. False when it is neither. */
static bool value(struct scanner *s, struct vx_span *out)
{
    struct vx_span text;
    if (!skip_blank(s))
        return false;
    const char *begin = s->at;
    enum token t = next(s, &text);
    if (t == OPEN) {
        while ((t = next(s, &text)) == WORD || t == OTHER)
            continue;
        if (t != CLOSE)
            return false;
    } else if (t != WORD) {
        return false;
    }
    *out = vx_span(begin, (size_t)(s->at - begin));
    return true;
}

bool settings_scan(const char *path, struct vx_span text, struct vx_arena *arena, struct settings_text *out,
                   struct vx_diags *diags)
{
    *out = (struct settings_text){.path = path, .text = text};
    struct scanner s = {.at = text.at, .end = text.at + text.len, .out = out, .arena = arena, .diags = diags};
    const char *sections[DEPTH_MAX] = {""};
    struct vx_span opened[DEPTH_MAX] = {{0}};
    int depth = 0;
    struct vx_span key, ignored;
    for (;;) {
        enum token t = next(&s, &key);
        if (t == CLOSE && depth > 0) {
            depth--;
            continue;
        }
        if (t == END && depth > 0)
            report_open(&s, opened[depth].at, opened[depth].len, "this section has no closing }");
        if (t != WORD)
            break;
        t = next(&s, &ignored);
        struct settings_entry entry = {.section = sections[depth], .key = key, .is_section = t == OPEN};
        if (t == OPEN && depth + 1 < DEPTH_MAX) {
            const char *around = sections[depth];
            opened[depth + 1] = key;
            sections[++depth] = vx_arena_printf(arena, "%s%s%.*s", around, around[0] ? "/" : "", VX_SPAN_ARG(key));
        } else if (t != EQUALS || !value(&s, &entry.value)) {
            break;
        }
        add(&s, entry);
    }
    /* behind a fault of syntax places end, but the strings are still looked at: the lexer of libconfuse keeps its state
     * from one file to the next when a string does not end */
    while (next(&s, &ignored) != END)
        continue;
    return !s.failed;
}
