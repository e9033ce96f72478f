/* Names: every one that is used must be defined, every topic belongs to one routing. Load-time only; any one thread. */
#include <stdlib.h>

#include "core/config/check.h"

struct names {
    const char **at;
    size_t count;
    bool *used; /* by index of the processing */
};

const struct config_node *check_name_node(const struct config_node *node, const char *name)
{
    const struct config_node *one = config_node_find(node, "pipeline");
    const struct config_node *several = config_node_find(node, "pipelines");
    if (one && vx_span_is(one->text, name))
        return one;
    for (size_t i = 0; several && several->kind == CONFIG_SEQUENCE && i < several->count; i++) {
        if (vx_span_is(several->items[i].text, name))
            return &several->items[i];
    }
    return one ? one : several ? several : node;
}

static void check_pipeline(struct loader *l, const struct config_set *set, struct names *names,
                           const struct config_node *node, const char *name)
{
    const struct config_processing *p = config_find_processing(set, name);
    if (p) {
        names->used[p - set->processings] = true;
        return;
    }
    const char *near = vx_nearest(vx_span_str(name), names->at, names->count);
    load_error(l, check_name_node(node, name), "there is no pipeline `%s`%s%s%s", name, near ? "; did you mean `" : "",
               near ? near : "", near ? "`?" : "");
}

static void check_action(struct loader *l, const struct config_set *set, struct names *names,
                         const struct config_routing *routing, const struct config_action *action)
{
    for (size_t i = 0; i < action->pipeline_count; i++)
        check_pipeline(l, set, names, action->node, action->pipelines[i]);
    if (action->kind == CONFIG_DEAD_LETTER && !config_node_find(routing->node, "dead_letter"))
        load_error(l, config_node_find(action->node, "dead_letter"),
                   "routing `%s` has no `dead_letter` topic for these events", routing->name);
}

static int compare_topics(const void *a, const void *b)
{
    const struct check_topic *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    if (!c)
        c = (x->routing > y->routing) - (x->routing < y->routing);
    return c ? c : (x->node > y->node) - (x->node < y->node);
}

struct check_topic *check_topics(struct vx_arena *arena, const struct config_set *set, size_t *count)
{
    size_t n = 0;
    for (size_t i = 0; i < set->routing_count; i++)
        n += set->routings[i].topic_count;
    struct check_topic *topics = VX_ARENA_ARRAY(arena, struct check_topic, n);
    *count = 0;
    for (size_t i = 0; i < set->routing_count; i++) {
        const struct config_routing *r = &set->routings[i];
        const struct config_node *list = config_node_find(r->node, "topics");
        for (size_t k = 0, item = 0; k < r->topic_count; k++, item++) {
            while (item < list->count && !vx_span_is(list->items[item].text, r->topics[k]))
                item++; /* one that was refused */
            topics[(*count)++] = (struct check_topic){r->topics[k], r, &list->items[item]};
        }
    }
    if (*count)
        qsort(topics, *count, sizeof *topics, compare_topics);
    return topics;
}

static void check_claims(struct loader *l, const struct config_set *set)
{
    size_t count;
    const struct check_topic *topics = check_topics(l->arena, set, &count);
    for (size_t i = 1; i < count; i++) {
        const struct check_topic *first = &topics[i - 1], *second = &topics[i];
        if (strcmp(first->name, second->name) != 0)
            continue;
        if (first->routing == second->routing)
            load_error(l, second->node, "topic `%s` is listed twice", second->name);
        else
            load_error(l, second->node, "topic `%s` belongs to routing `%s` already (%s:%d); a topic has one routing",
                       second->name, first->routing->name, first->node->file->path, first->node->line);
    }
}

void check_names(struct loader *l, const struct config_set *set)
{
    struct names names = {VX_ARENA_ARRAY(l->arena, const char *, set->processing_count), set->processing_count,
                          VX_ARENA_ARRAY(l->arena, bool, set->processing_count)};
    for (size_t i = 0; i < set->processing_count; i++)
        names.at[i] = set->processings[i].name;
    for (size_t i = 0; i < set->routing_count; i++) {
        const struct config_routing *r = &set->routings[i];
        for (size_t k = 0; k < r->rule_count; k++)
            check_action(l, set, &names, r, &r->rules[k].action);
        if (r->otherwise.node)
            check_action(l, set, &names, r, &r->otherwise);
    }
    for (size_t i = 0; i < set->processing_count; i++) {
        const struct config_processing *p = &set->processings[i];
        for (size_t k = 0; k < p->stage_count; k++) {
            if (p->stages[k].kind == CONFIG_PIPELINE && p->stages[k].pipeline)
                check_pipeline(l, set, &names, p->stages[k].node, p->stages[k].pipeline);
        }
    }
    check_claims(l, set);
    for (size_t i = 0; i < set->processing_count && !load_failed(l); i++) {
        if (!names.used[i])
            load_warning(l, config_node_find(set->processings[i].node, "name"), "nothing uses pipeline `%s`",
                         names.at[i]);
    }
}
