/* Routes: one routing, compiled. Which fields its events are scanned for follows from what its rules and the pipelines
 * they reach read; where nothing reads or changes `event`, the values are not parsed at all. The thread that builds the
 * table.
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
    static const enum action_kind kinds[] = {
        [CONFIG_RUN] = ACTION_RUN, [CONFIG_DROP] = ACTION_DROP, [CONFIG_DEAD_LETTER] = ACTION_DEAD_LETTER};
    struct action action = {.kind = kinds[from->kind], .pipeline_count = from->pipeline_count};
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

/* Seals the paths of a parsed route. Slots of later routes are not numbered yet; they are none of this one's. */
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
        json_paths_add(route->paths, t->slots.paths[slot], slot);
    }
    json_paths_seal(route->paths);
    route->slots = slots;
    free(seen);
}

void route_compile(struct compiler *c, const struct config_routing *from, uint32_t first_rule, struct route *route)
{
    struct table *t = c->table;
    struct reads reads = {0};
    bool *seen = calloc(t->pipeline_count + 1, sizeof *seen);
    vx_assert(seen != NULL);

    route->name = vx_arena_str(&t->arena, from->name);
    route->dead_letter = from->dead_letter ? vx_arena_str(&t->arena, from->dead_letter) : NULL;
    route->topics = VX_ARENA_ARRAY(&t->arena, const char *, from->topic_count);
    route->topic_count = from->topic_count;
    for (size_t i = 0; i < from->topic_count; i++)
        route->topics[i] = vx_arena_str(&t->arena, from->topics[i]);

    struct rule *rules = VX_ARENA_ARRAY(&t->arena, struct rule, from->rule_count);
    for (size_t i = 0; i < from->rule_count; i++) {
        t->rules[first_rule + i] = (struct table_rule){route->name, vx_arena_str(&t->arena, from->rules[i].name)};
        if (!from->rules[i].enabled)
            continue;
        struct rule *rule = &rules[route->rule_count++];
        rule->name = t->rules[first_rule + i].name;
        rule->number = first_rule + (uint32_t)i;
        rule->when = compile_condition(c, &from->rules[i].when, &reads);
        rule->action = compile_action(c, &from->rules[i].action);
        reach_action(c, &rule->action, seen, &reads);
    }
    route->rules = rules;
    uint32_t last = first_rule + (uint32_t)from->rule_count;
    t->rules[last] = (struct table_rule){route->name, "otherwise"};
    route->otherwise = (struct rule){"otherwise", last, NULL, compile_action(c, &from->otherwise)};
    reach_action(c, &route->otherwise.action, seen, &reads);

    route->parsed = reads.event;
    if (route->parsed)
        compile_paths(c, &reads, route);
    reads_done(&reads);
    free(seen);
}

bool route_has_topic(const struct route *route, struct vx_span topic)
{
    for (size_t i = 0; i < route->topic_count; i++) {
        if (vx_span_is(topic, route->topics[i]))
            return true;
    }
    return false;
}
