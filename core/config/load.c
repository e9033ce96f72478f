/* Mappings by rows: known keys are loaded by their row, unknown, later and missing ones reported; and the plain field
 * types. What a key holds beyond that is its shape's business (load_rule.c, load_stage.c, expr.c, value.c). Load-time
 * only; any one thread. The model that comes out is only used when nothing was reported.
 */
#include "core/config/load.h"
#include "core/config/pattern.h"

#include <stdarg.h>

/* True when enough was found: a release that is wrong throughout is said to be so by its first errors, and to look for
 * more places in long lines would take its time. */
static bool enough(const struct loader *l)
{
    return l->diags->error_count - l->errors_before >= CONFIG_FINDINGS_MAX || l->warning_count >= CONFIG_FINDINGS_MAX;
}

static void report(struct loader *l, struct vx_diag *at, const char *fmt, va_list args)
{
    struct vx_buf message = {0};
    vx_buf_vprintf(&message, fmt, args);
    vx_diags_add(l->diags, at, "%s", vx_buf_text(&message));
    vx_buf_done(&message);
}

static void report_node(struct loader *l, enum vx_severity severity, const struct config_node *node, const char *fmt,
                        va_list args)
{
    struct vx_diag at = {.severity = severity};
    if (enough(l))
        return;
    config_node_place(node, &at);
    report(l, &at, fmt, args);
}

void load_error(struct loader *l, const struct config_node *node, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    report_node(l, VX_ERROR, node, fmt, args);
    va_end(args);
}

void load_warning(struct loader *l, const struct config_node *node, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    report_node(l, VX_WARNING, node, fmt, args);
    va_end(args);
    l->warning_count++;
}

void load_error_at(struct loader *l, const struct config_node *scalar, size_t offset, size_t len, const char *fmt, ...)
{
    struct vx_diag at = {.severity = VX_ERROR};
    va_list args;
    if (enough(l))
        return;
    config_node_locate(scalar, offset, len, &at);
    va_start(args, fmt);
    report(l, &at, fmt, args);
    va_end(args);
}

const char *load_node_name(const struct config_node *node)
{
    static const char *const scalars[] = {
        [CONFIG_STRING] = "a text", [CONFIG_NULL] = "empty",     [CONFIG_BOOL] = "a boolean",
        [CONFIG_INT] = "a number",  [CONFIG_FLOAT] = "a number",
    };
    return node->kind == CONFIG_MAPPING    ? "a mapping"
           : node->kind == CONFIG_SEQUENCE ? "a list"
                                           : scalars[node->scalar];
}

bool load_text(struct loader *l, const char *name, const struct config_node *node, const char *must,
               struct vx_span *out)
{
    if (node->refused)
        return false;
    if (node->kind != CONFIG_SCALAR) {
        load_error(l, node, "`%s` must be %s, not %s", name, must, load_node_name(node));
        return false;
    }
    if (node->scalar == CONFIG_NULL) {
        load_error(l, node, "`%s` is empty; it must be %s", name, must);
        return false;
    }
    if (node->scalar != CONFIG_STRING) {
        load_error(l, node, "`%s` must be %s; %.*s is %s in YAML: write \"%.*s\"", name, must, VX_SPAN_ARG(node->text),
                   load_node_name(node), VX_SPAN_ARG(node->text));
        return false;
    }
    *out = node->text;
    return true;
}

bool load_list(struct loader *l, const char *name, const struct config_node *node, const char *of, size_t max)
{
    if (node->refused)
        return false;
    if (node->kind == CONFIG_SEQUENCE && node->count > 0 && node->count <= max)
        return true;
    if (node->kind == CONFIG_SEQUENCE && node->count > 0)
        load_error(l, &node->items[max], "`%s` has %zu items; at most %zu are allowed", name, node->count, max);
    else if (node->kind == CONFIG_SEQUENCE)
        load_error(l, node, "`%s` is empty; it must be a list of %s", name, of);
    else if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_STRING)
        load_error(l, node, "`%s` must be a list of %s: write [%.*s]", name, of, VX_SPAN_ARG(node->text));
    else
        load_error(l, node, "`%s` must be a list of %s, not %s", name, of, load_node_name(node));
    return false;
}

static void load_bool(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_BOOL)
        *(bool *)((char *)base + f->offset) = node->boolean;
    else if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_STRING)
        load_error(l, node, "`%s` must be true or false, not the text \"%.*s\"", f->name, VX_SPAN_ARG(node->text));
    else if (!node->refused)
        load_error(l, node, "`%s` must be true or false, not %s", f->name, load_node_name(node));
}

static void load_int(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct vx_buf must = {0};
    field_expect(f, &must);
    if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_INT && node->integer >= f->min && node->integer <= f->max)
        *(int64_t *)((char *)base + f->offset) = node->integer;
    else if (node->kind == CONFIG_SCALAR && node->scalar != CONFIG_NULL && !node->refused)
        load_error(l, node, "`%s` must be %s, not %.*s", f->name, vx_buf_text(&must), VX_SPAN_ARG(node->text));
    else if (!node->refused)
        load_error(l, node, "`%s` must be %s, not %s", f->name, vx_buf_text(&must), load_node_name(node));
    vx_buf_done(&must);
}

/* A scalar whose spelling is a text: names, topics, choices, durations. */
static void load_scalar(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    struct vx_buf must = {0}, hint = {0};
    struct vx_span text;
    field_expect(f, &must);
    if (load_text(l, f->name, node, vx_buf_text(&must), &text) && !field_load(f, text, l->arena, base)) {
        field_hint(f, text, &hint);
        load_error(l, node, "`%s` must be %s, not \"%.*s\"%s", f->name, vx_buf_text(&must), VX_SPAN_ARG(text),
                   vx_buf_text(&hint));
    }
    vx_buf_done(&must);
    vx_buf_done(&hint);
}

/* A list of texts, each loaded by `item`. */
static void load_texts(struct loader *l, const struct vx_field *item, const struct config_node *list,
                       struct vx_strings *out)
{
    out->at = VX_ARENA_ARRAY(l->arena, const char *, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const char *text = NULL;
        struct vx_err err;
        if (item->type == VX_FIELD_TOPIC && list->items[i].kind == CONFIG_SCALAR && pattern_is(list->items[i].text)) {
            if (pattern_check(list->items[i].text, &err) == VX_OK)
                text = vx_arena_span(l->arena, list->items[i].text).at;
            else
                load_error(l, &list->items[i], "topic pattern `%.*s`: %s", VX_SPAN_ARG(list->items[i].text),
                           err.message);
        } else {
            load_scalar(l, item, &list->items[i], &text);
        }
        if (text)
            out->at[out->count++] = text;
    }
}

void load_names(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    const struct vx_field item = {.name = f->name, .type = VX_FIELD_NAME};
    if (load_list(l, f->name, node, "names", CONFIG_LIST_MAX))
        load_texts(l, &item, node, (struct vx_strings *)((char *)base + f->offset));
}

void load_topics(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    const struct vx_field item = {.name = f->name, .type = VX_FIELD_TOPIC};
    if (load_list(l, f->name, node, "topic names", CONFIG_LIST_MAX))
        load_texts(l, &item, node, (struct vx_strings *)((char *)base + f->offset));
}

void load_true(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    if (node->refused)
        return;
    if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_BOOL && node->boolean)
        *(bool *)((char *)base + f->offset) = true;
    else
        load_error(l, node, "`%s` can only be true; leave it out where it should not be", f->name);
}

/* The kind was looked at before the rows were chosen. */
void load_kind(struct loader *l, const struct vx_field *f, const struct config_node *node, void *base)
{
    (void)l, (void)f, (void)node, (void)base;
}

static void load_field(struct loader *l, const struct vx_field *f, const struct config_node *key,
                       const struct config_node *node, void *base)
{
    switch (f->type) {
    case VX_FIELD_LATER:
        load_error(l, key, "`%s` is not supported yet", f->name);
        break;
    case VX_FIELD_CUSTOM:
        f->custom->load(l, f, node, base);
        break;
    case VX_FIELD_BOOL:
        load_bool(l, f, node, base);
        break;
    case VX_FIELD_INT:
        load_int(l, f, node, base);
        break;
    case VX_FIELD_TOPICS:
        load_topics(l, f, node, base);
        break;
    default:
        load_scalar(l, f, node, base);
    }
}

static void unknown_key(struct loader *l, const struct config_shape *shape, const struct config_node *key)
{
    const char *near = field_nearest(shape->rows, key->text);
    if (near)
        load_error(l, key, "unknown key `%.*s` in %s; did you mean `%s`?", VX_SPAN_ARG(key->text), shape->title, near);
    else
        load_error(l, key, "unknown key `%.*s` in %s", VX_SPAN_ARG(key->text), shape->title);
}

bool load_rows(struct loader *l, const struct config_shape *shape, const struct config_node *node, void *base)
{
    field_defaults(shape->rows, l->arena, base);
    if (node->refused)
        return false;
    if (node->kind != CONFIG_MAPPING) {
        load_error(l, node, "%s must be a mapping, not %s", shape->title, load_node_name(node));
        return false;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *key = &node->keys[i];
        const struct vx_field *f = field_find(shape->rows, key->text);
        if (key->refused)
            continue;
        if (f)
            load_field(l, f, key, &node->items[i], base);
        else
            unknown_key(l, shape, key);
    }
    for (const struct vx_field *f = shape->rows; f->name; f++) {
        if ((f->flags & VX_FIELD_REQUIRED) && !config_node_find(node, f->name))
            load_error(l, node, "%s needs `%s`", shape->title, f->name);
    }
    return true;
}
