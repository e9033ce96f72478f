/* Whether a topic's values must be JSON: whether any rule, stage or value that its events can meet looks at `event`.
 * Load-time only; any one thread. */
#include <stdlib.h>

#include "core/base/err.h"
#include "core/config/diff.h"

struct search {
    const struct config_set *set;
    bool *seen;    /* by index of the processing */
    bool *visited; /* by index of the routing */
};

static bool value_reads(const struct config_value *value)
{
    if (value->kind == CONFIG_VALUE_TEMPLATE)
        return cel_template_reads(value->cel, "event");
    for (size_t i = 0; i < value->count; i++) {
        if (value_reads(&value->items[i]))
            return true;
    }
    return false;
}

static bool stage_reads(const struct config_stage *stage)
{
    switch (stage->kind) {
    case CONFIG_FILTER:
        return stage->filter.cel && cel_expr_reads(stage->filter.cel, "event");
    case CONFIG_SET:
        for (size_t i = 0; i < stage->set_count; i++) {
            if (stage->set[i].path.root == CONFIG_EVENT || value_reads(&stage->set[i].value))
                return true;
        }
        return false;
    case CONFIG_REMOVE:
        for (size_t i = 0; i < stage->remove_count; i++) {
            if (stage->remove[i].root == CONFIG_EVENT)
                return true;
        }
        return false;
    case CONFIG_EMIT:
        return value_reads(&stage->emit.topic) || (stage->emit.has_key && value_reads(&stage->emit.key));
    default:
        return false;
    }
}

static bool pipeline_reads(struct search *s, const char *name)
{
    const struct config_processing *p = config_find_processing(s->set, name);
    if (!p || s->seen[p - s->set->processings])
        return false;
    s->seen[p - s->set->processings] = true;
    for (size_t i = 0; i < p->stage_count; i++) {
        if (p->stages[i].kind == CONFIG_PIPELINE ? pipeline_reads(s, p->stages[i].pipeline)
                                                 : stage_reads(&p->stages[i]))
            return true;
    }
    return false;
}

static bool routing_reads(struct search *s, const struct config_routing *routing);

static bool action_reads(struct search *s, const struct config_action *action)
{
    const struct config_routing *next =
        action->kind == CONFIG_HAND_OVER ? config_find_routing(s->set, action->routing) : NULL;
    if (next && routing_reads(s, next))
        return true;
    for (size_t i = 0; i < action->pipeline_count; i++) {
        if (pipeline_reads(s, action->pipelines[i]))
            return true;
    }
    return false;
}

static bool routing_reads(struct search *s, const struct config_routing *routing)
{
    bool *visited = &s->visited[routing - s->set->routings];
    if (*visited)
        return false;
    *visited = true;
    bool reads = action_reads(s, &routing->otherwise);
    for (size_t i = 0; i < routing->rule_count && !reads; i++) {
        const struct config_rule *rule = &routing->rules[i];
        reads = rule->enabled &&
                ((rule->when.cel && cel_expr_reads(rule->when.cel, "event")) || action_reads(s, &rule->action));
    }
    return reads;
}

bool config_routing_parses(const struct config_set *set, const struct config_routing *routing)
{
    struct search s = {set, calloc(set->processing_count + 1, sizeof(bool)),
                       calloc(set->routing_count + 1, sizeof(bool))};
    vx_assert(s.seen != NULL && s.visited != NULL);
    bool reads = routing_reads(&s, routing);
    free(s.seen);
    free(s.visited);
    return reads;
}
