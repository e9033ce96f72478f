/* Conditions, and what CEL says about an expression inside a scalar. Load-time only; any one thread.
 *
 * A ` #` inside a plain scalar is a comment for YAML: the expression that arrives is cut. It shows as an open quote or
 * bracket at its end with a `#` behind it in the file.
 */
#include "core/config/load.h"

/* True when a quote, a bracket or a `${` of the text is not closed. */
static bool unbalanced(struct vx_span text)
{
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quote) {
            i += c == '\\';
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (strchr("([{", c) && c) {
            depth++;
        } else if (strchr(")]}", c) && c) {
            depth--;
        }
    }
    return quote || depth > 0;
}

/* True when a comment follows the scalar on its last line. */
static bool comment_behind(const struct config_node *scalar, size_t *at)
{
    struct vx_span text = scalar->file->text;
    size_t p = scalar->end;
    while (p < text.len && (text.at[p] == ' ' || text.at[p] == '\t'))
        p++;
    *at = p;
    return p < text.len && p > scalar->end && text.at[p] == '#';
}

void load_cel_error(struct loader *l, const struct config_node *scalar, const struct cel_error *error)
{
    size_t at;
    if (scalar->style == CONFIG_PLAIN && unbalanced(scalar->text) && comment_behind(scalar, &at)) {
        struct config_node comment = *scalar;
        comment.begin = at;
        comment.end = at + 1;
        for (size_t i = scalar->begin; i < at; i++)
            comment.line += scalar->file->text.at[i] == '\n';
        load_error(l, &comment,
                   "` #` begins a comment in YAML, so the expression ends before it; put all of it in quotes");
        return;
    }
    load_error_at(l, scalar, error->offset, error->len, "%s", error->message);
}

void load_condition(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_expr *out = (struct config_expr *)((char *)base + field->offset);
    struct cel_error error = {0};
    if (node->refused)
        return;
    if (node->kind != CONFIG_SCALAR) {
        load_error(l, node, "`%s` must be a condition, not %s; one that begins with `{` or `[` needs quotes",
                   field->name, load_node_name(node));
        return;
    }
    size_t blank = 0;
    while (blank < node->text.len && strchr(" \t\r\n", node->text.at[blank]))
        blank++;
    if (blank == node->text.len || node->scalar == CONFIG_NULL) {
        load_error(l, node, "`%s` is empty; write a condition or leave the key out", field->name);
        return;
    }
    *out = (struct config_expr){.node = node, .text = node->text};
    if (cel_parse(l->arena, node->text, l->env, &out->cel, &error) != VX_OK) {
        load_cel_error(l, node, &error);
        return;
    }
    enum cel_type type = cel_expr_type(out->cel);
    if (type != CEL_BOOL && type != CEL_DYN)
        load_error(l, node, "`%s` must be true or false; this is always of type %s", field->name, cel_type_name(type));
    else if (!cel_expr_may_be(out->cel, CEL_BOOL))
        load_error(l, node, "`%s` must be true or false, which this never is", field->name);
}

/* Both below take a config_value at their offset. */
void load_value(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    value_load(l, field->name, node, (struct config_value *)((char *)base + field->offset));
}

void load_topic(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_value *out = (struct config_value *)((char *)base + field->offset);
    struct vx_span text;
    if (!load_text(l, field->name, node, "a topic name", &text) || !value_load(l, field->name, node, out))
        return;
    if (out->kind == CONFIG_VALUE_CONSTANT) {
        if (!field_topic_valid(out->text))
            load_error(l, node,
                       "`%s` must be a topic name (at most %d of a-z, A-Z, 0-9, `.`, `_` and `-`), not \"%.*s\"",
                       field->name, VX_TOPIC_MAX_BYTES, VX_SPAN_ARG(out->text));
        return;
    }
    enum cel_type type = value_type(out);
    if (type != CEL_STRING && type != CEL_DYN)
        load_error(l, node, "`%s` must be a text; this expression is always of type %s", field->name,
                   cel_type_name(type));
    else if (type == CEL_DYN && !cel_expr_may_be(cel_template_single(out->cel), CEL_STRING))
        load_error(l, node, "`%s` must be a text, which this expression never is", field->name);
    struct vx_span prefix = cel_template_prefix(out->cel);
    for (size_t i = 0; i < prefix.len; i++) {
        struct vx_span byte = vx_span(prefix.at + i, 1);
        if (field_topic_valid(byte) || prefix.at[i] == '.')
            continue;
        load_error(l, node, "\"%.*s...\" can never be a topic name; allowed are a-z, A-Z, 0-9, `.`, `_` and `-`",
                   VX_SPAN_ARG(prefix));
        break;
    }
}

/* True for bytes that can stand inside a name or a number. */
static bool wordy(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The length of the string literal whose quote is at `p`. */
static size_t literal(const char *p, const char *end)
{
    char quote = *p;
    bool triple = end - p >= 6 && p[1] == quote && p[2] == quote;
    const char *at = p + (triple ? 3 : 1);
    while (at < end) {
        if (*at == '\\') {
            at += 2;
        } else if (*at == quote && (!triple || (end - at >= 3 && at[1] == quote && at[2] == quote))) {
            at += triple ? 3 : 1;
            break;
        } else {
            at++;
        }
    }
    return (size_t)((at < end ? at : end) - p);
}

struct vx_span config_expr_canonical(struct vx_arena *arena, struct vx_span text)
{
    struct vx_buf out = {0};
    const char *p = text.at ? text.at : "", *end = p + text.len;
    bool gap = false;
    while (p < end) {
        if (strchr(" \t\r\n\f", *p) && *p) {
            gap = true;
            p++;
            continue;
        }
        if (*p == '/' && p + 1 < end && p[1] == '/') {
            while (p < end && *p != '\n')
                p++;
            continue;
        }
        size_t len = *p == '"' || *p == '\'' ? literal(p, end) : 1;
        /* one blank stays where two words, or what may be an escape prefix of a literal, would grow together */
        if (gap && out.len > 0 && wordy(out.at[out.len - 1]) && (wordy(*p) || len > 1))
            vx_buf_char(&out, ' ');
        vx_buf_add(&out, p, len);
        p += len;
        gap = false;
    }
    struct vx_span canonical = vx_arena_span(arena, vx_buf_view(&out));
    vx_buf_done(&out);
    return canonical;
}
