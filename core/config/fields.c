/* The fields that configs name, found by going the ways that events go. Load-time only; any one thread. Routings and
 * pipelines that were seen are not visited again, so that cost is what stands in the documents, once. */
#include "core/config/fields.h"

#include <stdlib.h>

struct fields {
    const struct config_set *set;
    config_fields_fn *use;
    void *ctx;
    const struct config_node *scalar; /* that the expression at hand stands in */
    bool *routings_seen, *pipelines_seen;
};

static bool same_step(const struct json_step *a, const struct json_step *b)
{
    return a->is_index == b->is_index && (a->is_index ? a->index == b->index : vx_span_equal(a->key, b->key));
}

/* Does one of them hold the other, or is it the same? */
static bool overlap(struct json_path a, struct json_path b)
{
    for (size_t i = 0; i < a.count && i < b.count; i++)
        if (!same_step(&a.steps[i], &b.steps[i]))
            return false;
    return true;
}

static bool is_made(const struct config_set *set, struct json_path path)
{
    for (size_t i = 0; i < set->processing_count; i++)
        for (size_t k = 0; k < set->processings[i].stage_count; k++) {
            const struct config_stage *stage = &set->processings[i].stages[k];
            for (size_t n = 0; n < stage->set_count; n++)
                if (stage->set[n].path.root == CONFIG_EVENT && overlap(stage->set[n].path.path, path))
                    return true;
        }
    return false;
}

static void tell(void *ctx, struct json_path path, size_t offset, size_t len)
{
    struct fields *f = ctx;
    if (!is_made(f->set, path))
        f->use(f->ctx, path, f->scalar, offset, len);
}

static void visit_condition(struct fields *f, const struct config_expr *expr)
{
    f->scalar = expr->node;
    if (expr->cel)
        cel_expr_fields(expr->cel, tell, f);
}

static void visit_value(struct fields *f, const struct config_value *value)
{
    f->scalar = value->node;
    if (value->kind == CONFIG_VALUE_TEMPLATE)
        cel_template_fields(value->cel, tell, f);
    for (size_t i = 0; i < value->count; i++)
        visit_value(f, &value->items[i]);
}

static void visit_pipeline(struct fields *f, const char *name);

static void visit_stage(struct fields *f, const struct config_stage *stage)
{
    visit_condition(f, &stage->filter);
    for (size_t i = 0; i < stage->set_count; i++)
        visit_value(f, &stage->set[i].value);
    for (size_t i = 0; i < stage->remove_count; i++) {
        const struct config_path *path = &stage->remove[i];
        f->scalar = path->node;
        if (path->root == CONFIG_EVENT)
            tell(f, path->path, 0, path->text.len);
    }
    if (stage->kind == CONFIG_PIPELINE)
        visit_pipeline(f, stage->pipeline);
    if (stage->kind != CONFIG_EMIT)
        return;
    visit_value(f, &stage->emit.topic);
    if (stage->emit.has_key)
        visit_value(f, &stage->emit.key);
}

/* Pipelines in pipelines are at most CONFIG_CALL_DEPTH_MAX deep. */
static void visit_pipeline(struct fields *f, const char *name)
{
    const struct config_processing *p = config_find_processing(f->set, name);
    size_t index = (size_t)(p - f->set->processings);
    if (f->pipelines_seen[index])
        return;
    f->pipelines_seen[index] = true;
    for (size_t i = 0; i < p->stage_count; i++)
        visit_stage(f, &p->stages[i]);
}

static void visit_routing(struct fields *f, const struct config_routing *routing);

static void visit_action(struct fields *f, const struct config_action *action)
{
    for (size_t i = 0; i < action->pipeline_count; i++)
        visit_pipeline(f, action->pipelines[i]);
    if (action->kind == CONFIG_HAND_OVER)
        visit_routing(f, config_find_routing(f->set, action->routing));
}

static void visit_routing(struct fields *f, const struct config_routing *routing)
{
    size_t index = (size_t)(routing - f->set->routings);
    if (f->routings_seen[index])
        return;
    f->routings_seen[index] = true;
    for (size_t i = 0; i < routing->rule_count; i++) {
        if (!routing->rules[i].enabled)
            continue;
        visit_condition(f, &routing->rules[i].when);
        visit_action(f, &routing->rules[i].action);
    }
    visit_action(f, &routing->otherwise);
}

void config_fields(const struct config_set *set, const struct config_routing *routing, config_fields_fn *use, void *ctx)
{
    struct fields f = {.set = set, .use = use, .ctx = ctx};
    f.routings_seen = calloc(set->routing_count + 1, sizeof *f.routings_seen);
    f.pipelines_seen = calloc(set->processing_count + 1, sizeof *f.pipelines_seen);
    vx_assert(f.routings_seen != NULL && f.pipelines_seen != NULL);
    visit_routing(&f, routing);
    free(f.routings_seen);
    free(f.pipelines_seen);
}
