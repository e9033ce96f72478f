/* Rules and actions: what a routing does with an event. Load-time only; any one thread. */
#include "core/base/hash.h"
#include "core/config/load.h"

/* Turns the keys that were given into the one action they must be; none or several are reported. */
static void choose(struct loader *l, const struct config_shape *shape, const struct config_node *node,
                   const struct action_keys *keys, struct config_action *out)
{
    const struct config_node *first = NULL;
    size_t given = 0;
    struct vx_buf choices = {0};
    for (const struct vx_field *f = shape->rows; f->name; f++) {
        if (f->flags & VX_FIELD_ONE_OF)
            vx_buf_printf(&choices, "%s`%s`", choices.len ? ", " : "", f->name);
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct vx_field *f = field_find(shape->rows, node->keys[i].text);
        if (!f || !(f->flags & VX_FIELD_ONE_OF))
            continue;
        if (given++ == 1)
            load_error(l, &node->keys[i], "%s takes one of %s; `%.*s` stands there already", shape->title,
                       vx_buf_text(&choices), VX_SPAN_ARG(first->text));
        first = first ? first : &node->keys[i];
    }
    if (given == 0)
        load_error(l, node, "%s needs one of %s", shape->title, vx_buf_text(&choices));
    vx_buf_done(&choices);
    *out = (struct config_action){.node = node};
    out->kind = keys->drop          ? CONFIG_DROP
                : keys->dead_letter ? CONFIG_DEAD_LETTER
                : keys->routing     ? CONFIG_HAND_OVER
                                    : CONFIG_RUN;
    out->routing = keys->routing;
    if (keys->pipeline) {
        out->pipelines = VX_ARENA_ARRAY(l->arena, const char *, 1);
        out->pipelines[0] = keys->pipeline;
        out->pipeline_count = 1;
    } else {
        out->pipelines = keys->pipelines.at;
        out->pipeline_count = keys->pipelines.count;
    }
}

static void check_twice(struct loader *l, const struct config_node *names)
{
    for (size_t i = 1; names && names->kind == CONFIG_SEQUENCE && i < names->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!vx_span_equal(names->items[i].text, names->items[k].text) || names->items[i].refused)
                continue;
            load_error(l, &names->items[i], "`%.*s` is listed twice", VX_SPAN_ARG(names->items[i].text));
            break;
        }
    }
}

static void load_rule(struct loader *l, const struct config_shape *shape, const struct config_node *node,
                      struct config_rule *out)
{
    size_t errors = l->diags->error_count;
    struct rule_keys keys = {0};
    if (load_rows(l, shape, node, &keys)) {
        choose(l, shape, node, &keys.action, &keys.rule.action);
        check_twice(l, config_node_find(node, "pipelines"));
    }
    *out = keys.rule;
    out->node = node;
    out->name = out->name ? out->name : "";
    if (l->diags->error_count > errors)
        out->enabled = false; /* checks of the whole leave out what is wrong already */
}

static void check_rule_names(struct loader *l, const struct config_routing *routing)
{
    size_t room = 16;
    while (room < routing->rule_count * 2)
        room *= 2;
    const struct config_rule **table = VX_ARENA_ARRAY(l->arena, const struct config_rule *, room);
    for (size_t i = 0; i < routing->rule_count; i++) {
        const struct config_rule *rule = &routing->rules[i];
        size_t at = vx_hash64(vx_span_str(rule->name)) & (room - 1);
        while (table[at] && strcmp(table[at]->name, rule->name) != 0)
            at = (at + 1) & (room - 1);
        if (!table[at])
            table[at] = rule;
        else if (rule->name[0])
            load_error(l, config_node_find(rule->node, "name"), "rule `%s` is defined twice; first on line %d",
                       rule->name, config_node_find(table[at]->node, "name")->line);
    }
}

void load_rules(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_routing *routing = base;
    if (node->kind == CONFIG_SEQUENCE && node->count == 0)
        return;
    if (!load_list(l, field->name, node, "rules", CONFIG_RULES_MAX))
        return;
    routing->rules = VX_ARENA_ARRAY(l->arena, struct config_rule, node->count);
    for (size_t i = 0; i < node->count; i++)
        load_rule(l, field->custom, &node->items[i], &routing->rules[routing->rule_count++]);
    check_rule_names(l, routing);
}

void load_otherwise(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base)
{
    struct config_routing *routing = base;
    struct action_keys keys = {0};
    if (node->kind == CONFIG_SCALAR && node->scalar == CONFIG_STRING && !node->refused) {
        const struct vx_field *f = field_find(field->custom->rows, node->text);
        bool flag = f && f->type == VX_FIELD_CUSTOM && f->custom->kind == CONFIG_SHAPE_TRUE;
        struct vx_span value = flag ? VX_SPAN_LITERAL("true") : node->text;
        load_error(l, node, "`otherwise` must be a mapping, not a text: write `otherwise: { %s: %.*s }`",
                   flag ? f->name : "pipeline", VX_SPAN_ARG(value));
        return;
    }
    if (!load_rows(l, field->custom, node, &keys))
        return;
    choose(l, field->custom, node, &keys, &routing->otherwise);
    check_twice(l, config_node_find(node, "pipelines"));
}
