/* The stages of a pipeline. Load-time only; any one thread. */
#include "core/config/load.h"

static void check_overlap(struct loader *l, const struct config_path *path, const struct config_path *before)
{
    if (path_overlap(path, before))
        load_error(l, path->node, "`%.*s` and `%.*s` touch the same place in one stage; use two stages",
                   VX_SPAN_ARG(before->text), VX_SPAN_ARG(path->text));
}

/* Headers and keys are texts: what can never be one is refused here. */
static void check_target(struct loader *l, const struct config_assignment *a)
{
    enum cel_type type = value_type(&a->value);
    if (a->path.root == CONFIG_EVENT)
        return;
    const char *what = a->path.root == CONFIG_KEY ? "the key" : "a header";
    if (type == CEL_NULL)
        load_error(l, a->value.node, "%s cannot be null; to take it away use `remove`", what);
    else if (type == CEL_LIST || type == CEL_MAP)
        load_error(l, a->value.node, "%s must be a text, not a %s", what, cel_type_name(type));
}

void load_set(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_stage *stage = base;
    if (node->refused)
        return;
    if (node->kind != CONFIG_MAPPING || node->count == 0) {
        load_error(l, node, "`%s` must be a mapping of places to values, as in event.currency: EUR", field->name);
        return;
    }
    if (node->count > CONFIG_LIST_MAX) {
        load_error(l, &node->keys[CONFIG_LIST_MAX], "`%s` has %zu items; at most %d are allowed", field->name,
                   node->count, CONFIG_LIST_MAX);
        return;
    }
    stage->set = VX_ARENA_ARRAY(l->arena, struct config_assignment, node->count);
    for (size_t i = 0; i < node->count; i++) {
        struct config_assignment a = {0};
        bool placed = path_load(l, &node->keys[i], &a.path);
        if (!value_load(l, field->name, &node->items[i], &a.value) || !placed)
            continue;
        check_target(l, &a);
        for (size_t k = 0; k < stage->set_count; k++)
            check_overlap(l, &a.path, &stage->set[k].path);
        stage->set[stage->set_count++] = a;
    }
}

void load_remove(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_stage *stage = base;
    if (!load_list(l, field->name, node, "places", CONFIG_LIST_MAX))
        return;
    stage->remove = VX_ARENA_ARRAY(l->arena, struct config_path, node->count);
    for (size_t i = 0; i < node->count; i++) {
        struct config_path path = {0};
        if (!path_load(l, &node->items[i], &path))
            continue;
        for (size_t k = 0; k < stage->remove_count; k++)
            check_overlap(l, &path, &stage->remove[k]);
        stage->remove[stage->remove_count++] = path;
    }
}

void load_allow(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_emit *emit = base;
    if (!load_list(l, field->name, node, "topic names, or prefixes ending in `*`", CONFIG_LIST_MAX))
        return;
    emit->allow = VX_ARENA_ARRAY(l->arena, struct vx_span, node->count);
    for (size_t i = 0; i < node->count; i++) {
        struct vx_span text, name;
        if (!load_text(l, field->name, &node->items[i], "a list of texts", &text))
            continue;
        name = text;
        bool prefix = text.len > 0 && text.at[text.len - 1] == '*';
        name.len -= prefix;
        if (!field_topic_valid(name) && !(prefix && (name.len == 0 || vx_span_is(name, ".") || vx_span_is(name, ".."))))
            load_error(l, &node->items[i], "\"%.*s\" is neither a topic name nor a prefix ending in `*`",
                       VX_SPAN_ARG(text));
        else
            emit->allow[emit->allow_count++] = text;
    }
}

/* True when a topic that begins with `prefix` can be what the entry of `allow` stands for. */
static bool compatible(struct vx_span entry, struct vx_span prefix)
{
    if (entry.len == 0 || entry.at[entry.len - 1] != '*')
        return vx_span_starts_with(entry, prefix);
    entry.len--;
    return vx_span_starts_with(entry, prefix) || vx_span_starts_with(prefix, entry);
}

static void check_allow(struct loader *l, const struct config_emit *emit, const struct config_node *node)
{
    const struct config_node *allow = config_node_find(node, "allow");
    const struct config_node *topic = config_node_find(node, "topic");
    if (!topic || !emit->topic.node)
        return;
    if (emit->topic.kind == CONFIG_VALUE_CONSTANT) {
        if (allow && emit->topic.text.at)
            load_error(l, allow, "`allow` is for a topic built per event; this one is always `%.*s`",
                       VX_SPAN_ARG(emit->topic.text));
        return;
    }
    if (!allow) {
        load_error(l, topic, "a topic built per event needs `allow`: the topics it may be, as in allow: [\"fraud-*\"]");
        return;
    }
    struct vx_span prefix = emit->topic.cel ? cel_template_prefix(emit->topic.cel) : (struct vx_span){0};
    size_t possible = 0;
    for (size_t i = 0; i < emit->allow_count; i++)
        possible += compatible(emit->allow[i], prefix);
    if (possible == 0 && emit->allow_count > 0)
        load_error(l, allow, "no topic that begins with \"%.*s\" is allowed here, so nothing could be sent",
                   VX_SPAN_ARG(prefix));
}

void load_emit(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_stage *stage = base;
    struct config_emit *emit = &stage->emit;
    if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_STRING && !node->refused) {
        load_error(l, node, "`emit` must be a mapping: write emit: { topic: \"%.*s\" }", VX_SPAN_ARG(node->text));
        return;
    }
    size_t errors = l->diags->error_count;
    if (!load_rows(l, field->custom, node, emit))
        return;
    emit->has_key = config_node_find(node, "key") != NULL;
    if (emit->has_key && emit->key.node) {
        enum cel_type type = value_type(&emit->key);
        if (type == CEL_LIST || type == CEL_MAP)
            load_error(l, emit->key.node, "a key must be a text, not a %s", cel_type_name(type));
    }
    if (l->diags->error_count == errors)
        check_allow(l, emit, node);
}

static bool load_stage(struct loader *l, const struct config_shape *shape, const struct config_node *node,
                       struct config_stage *out)
{
    const struct vx_field *chosen = NULL;
    *out = (struct config_stage){.node = node};
    if (node->kind == CONFIG_MAPPING && node->count != 1 && !node->refused) {
        struct vx_buf names = {0};
        for (const struct vx_field *f = shape->rows; f->name; f++) {
            if (f->type != VX_FIELD_LATER)
                vx_buf_printf(&names, "%s`%s`", names.len ? ", " : "", f->name);
        }
        if (node->count == 0)
            load_error(l, node, "a stage needs one of %s", vx_buf_text(&names));
        else
            load_error(l, &node->keys[1],
                       "a stage is one of %s; `%.*s` stands there already, so begin the next with `- `",
                       vx_buf_text(&names), VX_SPAN_ARG(node->keys[0].text));
        vx_buf_done(&names);
        return false;
    }
    if (!load_rows(l, shape, node, out))
        return false;
    chosen = field_find(shape->rows, node->keys[0].text);
    if (!chosen || chosen->type == VX_FIELD_LATER)
        return false;
    out->kind = (enum config_stage_kind)(chosen - shape->rows);
    return true;
}

void load_stages(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_processing *processing = base;
    if (!load_list(l, field->name, node, "stages", CONFIG_STAGES_MAX))
        return;
    processing->stages = VX_ARENA_ARRAY(l->arena, struct config_stage, node->count);
    for (size_t i = 0; i < node->count; i++) {
        if (load_stage(l, field->custom, &node->items[i], &processing->stages[processing->stage_count]))
            processing->stage_count++;
    }
}
