/* Routes: one routing, compiled. Which fields its events are scanned for follows from what its rules, those of the
 * routings they hand over to, and the pipelines that all of them reach read; where nothing reads or changes `event`, the
 * values are not parsed at all. The thread that builds the table.
 */
#include <stdlib.h>

#include "core/plan/stage/stage.h"

void reads_done(struct reads *reads)
{
    free(reads->slots);
    *reads = (struct reads){0};
}

void reads_slot(void *ctx, uint32_t slot)
{
    struct reads *reads = ctx;
    if (reads->count == reads->room) {
        reads->room = reads->room ? reads->room * 2 : 16;
        reads->slots = realloc(reads->slots, reads->room * sizeof *reads->slots);
        vx_assert(reads->slots != NULL);
    }
    reads->slots[reads->count++] = slot;
}

void reads_program(struct reads *reads, const struct cel_program *program)
{
    size_t count;
    const uint32_t *slots = cel_program_slots(program, &count);
    for (size_t i = 0; i < count; i++)
        reads_slot(reads, slots[i]);
    if (cel_program_reads(program, "event"))
        reads->event = true;
}

void reads_merge(struct reads *into, const struct reads *from)
{
    for (size_t i = 0; i < from->count; i++)
        reads_slot(into, from->slots[i]);
    into->event |= from->event;
}

const struct cel_program *compile_condition(struct compiler *c, const struct config_expr *expr, struct reads *reads)
{
    if (!expr->cel)
        return NULL;
    const struct cel_program *program = cel_compile(&c->table->arena, expr->cel, &c->table->slots);
    reads_program(reads, program);
    return program;
}

struct json_path compile_path(struct compiler *c, struct json_path path)
{
    struct json_step *steps = VX_ARENA_ARRAY(&c->table->arena, struct json_step, path.count);
    for (size_t i = 0; i < path.count; i++) {
        steps[i] = path.steps[i];
        if (!steps[i].is_index)
            steps[i].key = vx_arena_span(&c->table->arena, steps[i].key);
    }
    return (struct json_path){steps, path.count};
}

static struct action compile_action(struct compiler *c, const struct config_action *from)
{
    static const enum action_kind kinds[] = {[CONFIG_RUN] = ACTION_RUN,
                                             [CONFIG_DROP] = ACTION_DROP,
                                             [CONFIG_DEAD_LETTER] = ACTION_DEAD_LETTER,
                                             [CONFIG_HAND_OVER] = ACTION_HAND_OVER};
    struct action action = {.kind = kinds[from->kind], .pipeline_count = from->pipeline_count};
    if (from->kind == CONFIG_HAND_OVER) {
        const struct config_routing *target = config_find_routing(c->set, from->routing);
        vx_assert(target != NULL); /* config_load() has found it */
        action.route = &c->table->routes[target - c->set->routings];
    }
    action.pipelines = VX_ARENA_ARRAY(&c->table->arena, const struct pipeline *, from->pipeline_count);
    for (size_t i = 0; i < from->pipeline_count; i++)
        action.pipelines[i] = compiler_pipeline(c, from->pipelines[i]);
    return action;
}

/* Adds what `pipeline` and those it calls read, each once: `seen` has a byte per pipeline. */
static void reach_pipeline(const struct compiler *c, const struct pipeline *pipeline, bool *seen, struct reads *reads)
{
    if (seen[pipeline->number])
        return;
    seen[pipeline->number] = true;
    reads_merge(reads, &c->pipeline_reads[pipeline->number]);
    for (size_t i = 0; i < pipeline->stage_count; i++) {
        if (pipeline->stages[i].calls)
            reach_pipeline(c, pipeline->stages[i].calls, seen, reads);
    }
}

static void reach_action(const struct compiler *c, const struct action *action, bool *seen, struct reads *reads)
{
    for (size_t i = 0; i < action->pipeline_count; i++)
        reach_pipeline(c, action->pipelines[i], seen, reads);
}

/* Seals the paths of a parsed route. */
static void compile_paths(struct compiler *c, const struct reads *reads, struct route *route)
{
    struct table *t = c->table;
    uint32_t *slots = VX_ARENA_ARRAY(&t->arena, uint32_t, reads->count);
    bool *seen = calloc(t->slots.count + 1, sizeof *seen);
    vx_assert(seen != NULL);
    route->paths = json_paths_new();
    for (size_t i = 0; i < reads->count; i++) {
        uint32_t slot = reads->slots[i];
        if (seen[slot])
            continue;
        seen[slot] = true;
        slots[route->slot_count++] = slot;
        route->slot_end = slot >= route->slot_end ? slot + 1 : route->slot_end;
        json_paths_add(route->paths, t->slots.paths[slot], slot);
    }
    json_paths_seal(route->paths);
    route->slots = slots;
    free(seen);
}

static void compile_rules(struct compiler *c, const struct config_routing *from, struct route *route,
                          struct reads *reads)
{
    struct table *t = c->table;
    bool *seen = calloc(t->pipeline_count + 1, sizeof *seen);
    vx_assert(seen != NULL);
    struct rule *rules = VX_ARENA_ARRAY(&t->arena, struct rule, from->rule_count);
    for (size_t i = 0; i < from->rule_count; i++) {
        uint32_t number = route->first_rule + (uint32_t)i;
        t->rules[number] = (struct table_rule){route->name, vx_arena_str(&t->arena, from->rules[i].name)};
        if (!from->rules[i].enabled)
            continue;
        struct rule *rule = &rules[route->rule_count++];
        rule->name = t->rules[number].name;
        rule->number = number;
        rule->when = compile_condition(c, &from->rules[i].when, reads);
        rule->action = compile_action(c, &from->rules[i].action);
        reach_action(c, &rule->action, seen, reads);
    }
    route->rules = rules;
    uint32_t last = route->first_rule + (uint32_t)from->rule_count;
    t->rules[last] = (struct table_rule){route->name, "otherwise"};
    route->otherwise = (struct rule){"otherwise", last, NULL, compile_action(c, &from->otherwise)};
    reach_action(c, &route->otherwise.action, seen, reads);
    free(seen);
}

static void compile_route(struct compiler *c, const struct config_routing *from, struct route *route)
{
    struct table *t = c->table;
    route->name = vx_arena_str(&t->arena, from->name);
    route->match_all = from->match == CONFIG_MATCH_ALL;
    route->delivery = from->delivery;
    route->dead_letter = from->dead_letter ? vx_arena_str(&t->arena, from->dead_letter) : NULL;
    route->has_topics = !from->node || config_node_find(from->node, "topics");
    route->topics = VX_ARENA_ARRAY(&t->arena, const char *, from->topic_count);
    route->topic_count = from->topic_count;
    for (size_t i = 0; i < from->topic_count; i++)
        route->topics[i] = vx_arena_str(&t->arena, from->topics[i]);
    compile_rules(c, from, route, &c->route_reads[route - t->routes]);
}

/* Adds what the rules of `route` and of those they hand over to read, each routing once: `seen` has a byte per route. */
static void reach_route(const struct compiler *c, const struct route *route, bool *seen, struct reads *reads)
{
    size_t index = (size_t)(route - c->table->routes);
    if (seen[index])
        return;
    seen[index] = true;
    reads_merge(reads, &c->route_reads[index]);
    for (size_t i = 0; i < route->rule_count; i++) {
        if (route->rules[i].action.kind == ACTION_HAND_OVER)
            reach_route(c, route->rules[i].action.route, seen, reads);
    }
}

void routes_compile(struct compiler *c)
{
    struct table *t = c->table;
    uint32_t first_rule = 0;
    for (size_t i = 0; i < t->route_count; i++) {
        t->routes[i].first_rule = first_rule;
        compile_route(c, &c->set->routings[i], &t->routes[i]);
        first_rule += (uint32_t)c->set->routings[i].rule_count + 1;
    }
    bool *seen = calloc(t->route_count + 1, sizeof *seen);
    vx_assert(seen != NULL);
    for (size_t i = 0; i < t->route_count; i++) {
        struct route *route = &t->routes[i];
        struct reads reads = {0};
        if (!route->has_topics)
            continue;
        memset(seen, 0, t->route_count * sizeof *seen);
        reach_route(c, route, seen, &reads);
        route->parsed = reads.event;
        if (route->parsed)
            compile_paths(c, &reads, route);
        reads_done(&reads);
    }
    free(seen);
}
