/* Collecting what decide() tells into steps. Any one thread; everything of one event lies in the arena of `struct explain`.
 *
 * The config_set the table was compiled from has what the table has not: texts of conditions, disabled rules, owners.
 * Routes and pipelines of a table stand in the order of the set's routings and processings, stages and rules in theirs.
 */
#include "core/plan/explain_private.h"

#include <stdlib.h>

#include "core/plan/stage/stage.h"

static struct explain_step *add_step(struct explain *x, enum explain_step_kind kind)
{
    if (x->count == x->room) {
        struct explain_step *old = x->steps;
        x->room = x->room ? x->room * 2 : 32;
        x->steps = VX_ARENA_ARRAY(&x->arena, struct explain_step, x->room);
        if (x->count)
            memcpy(x->steps, old, x->count * sizeof *old);
    }
    x->steps[x->count] = (struct explain_step){.kind = kind};
    return &x->steps[x->count++];
}

static const struct config_routing *config_of(const struct explain *x, const struct route *route)
{
    return &x->set->routings[route - x->table->routes];
}

/* The route that has the rule with this number. */
static const struct route *route_of(const struct explain *x, uint32_t number)
{
    const struct route *routes = x->table->routes;
    size_t i = x->table->route_count - 1;
    while (routes[i].first_rule > number)
        i--;
    return &routes[i];
}

/* ---- conditions ---- */

/* Fills the values of all `slots` from an event's value, as a router's one pass over it would. */
static const struct json_value *scan(struct explain *x, const struct cel_slots *slots, struct vx_span value)
{
    struct json_value *values = VX_ARENA_ARRAY(&x->arena, struct json_value, slots->count + 1);
    if (!slots->count || !value.at)
        return values;
    struct json_paths *paths = json_paths_new();
    for (uint32_t i = 0; i < slots->count; i++)
        json_paths_add(paths, slots->paths[i], i);
    json_paths_seal(paths);
    /* What is not JSON was refused before any condition was looked at; what is nested too deep has no fields to show. */
    if (json_scan(x->scanner, paths, value, values, NULL) != VX_OK)
        memset(values, 0, slots->count * sizeof *values);
    json_paths_free(paths);
    return values;
}

/* Explains conditions[0..count) of one event; NULL entries are left out. */
static void explain_conditions(struct explain *x, const struct cel_event *ev, const struct cel_expr *const *conditions,
                               size_t count, struct cel_reasons *out)
{
    struct cel_slots slots = {0};
    const struct cel_explain **taken = VX_ARENA_ARRAY(&x->arena, const struct cel_explain *, count);
    for (size_t i = 0; i < count; i++) {
        if (conditions[i])
            taken[i] = cel_explain_new(&x->arena, conditions[i], &slots);
    }
    struct cel_event seen = *ev;
    struct cel_frame frame = {.event = &seen, .arena = &x->arena};
    seen.slots = scan(x, &slots, ev->value);
    for (size_t i = 0; i < count; i++) {
        if (taken[i])
            cel_explain(taken[i], &frame, &out[i]);
    }
    cel_slots_done(&slots);
}

/* ---- rules ---- */

static void on_routing(void *ctx, const struct route *route, const struct rule *rule)
{
    struct explain *x = ctx;
    struct explain_step *step = add_step(x, EXPLAIN_ROUTING);
    (void)rule;
    step->routing = config_of(x, route);
    step->rules = VX_ARENA_ARRAY(&x->arena, struct explain_rule, step->routing->rule_count);
    for (size_t i = 0; i < step->routing->rule_count; i++) {
        step->rules[i].config = &step->routing->rules[i];
        step->rules[i].verdict = step->rules[i].config->enabled ? EXPLAIN_BEHIND : EXPLAIN_DISABLED;
    }
}

static void on_rule(void *ctx, const struct rule *rule, enum trace_verdict verdict)
{
    static const enum explain_verdict verdicts[] = {
        [TRACE_NO] = EXPLAIN_NO, [TRACE_YES] = EXPLAIN_MATCHES, [TRACE_FAILED] = EXPLAIN_FAILS};
    struct explain *x = ctx;
    struct explain_step *step = &x->steps[x->count - 1]; /* its routing's: nothing comes between */
    step->rules[rule->number - route_of(x, rule->number)->first_rule].verdict = verdicts[verdict];
}

/* The reasons of all rules of a routing that were looked at, with one pass over the event. */
static void explain_rules(struct explain *x, struct explain_step *step)
{
    size_t count = step->routing->rule_count;
    const struct cel_expr **conditions = VX_ARENA_ARRAY(&x->arena, const struct cel_expr *, count);
    struct cel_reasons *why = VX_ARENA_ARRAY(&x->arena, struct cel_reasons, count);
    for (size_t i = 0; i < count; i++) {
        if (step->rules[i].verdict != EXPLAIN_DISABLED && step->rules[i].verdict != EXPLAIN_BEHIND)
            conditions[i] = step->rules[i].config->when.cel;
    }
    explain_conditions(x, x->ev, conditions, count, why);
    for (size_t i = 0; i < count; i++)
        step->rules[i].why = why[i];
}

static void on_taken(void *ctx, const struct rule *rule)
{
    struct explain *x = ctx;
    const struct route *route = route_of(x, rule->number);
    if (x->steps[x->count - 1].kind == EXPLAIN_ROUTING)
        explain_rules(x, &x->steps[x->count - 1]);
    struct explain_step *step = add_step(x, EXPLAIN_TAKEN);
    step->routing = config_of(x, route);
    step->rule = rule == &route->otherwise ? NULL : &step->routing->rules[rule->number - route->first_rule];
    step->action = step->rule ? &step->rule->action : &step->routing->otherwise;
}

/* ---- pipelines ---- */

static void on_pipeline(void *ctx, const struct pipeline *pipeline)
{
    add_step(ctx, EXPLAIN_PIPELINE)->pipeline = pipeline->name;
}

/* The text of a place in a value; at NULL where it is not. */
static struct vx_span place_of(struct explain *x, struct vx_span value, struct json_path path)
{
    struct json_value found = {0};
    if (!value.at)
        return vx_span(NULL, 0);
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, path, 0);
    json_paths_seal(paths);
    enum vx_status status = json_scan(x->scanner, paths, value, &found, NULL);
    json_paths_free(paths);
    if (status != VX_OK || found.kind == JSON_KIND_MISSING)
        return vx_span(NULL, 0);
    return vx_arena_span(&x->arena, json_text(found));
}

/* The values of all headers of that name, separated by commas; at NULL where there are none. */
static struct vx_span headers_of(struct explain *x, const struct cel_event *ev, struct vx_span name)
{
    struct vx_buf text = {0};
    bool any = false;
    for (size_t i = 0; i < ev->header_count; i++) {
        if (!vx_span_equal(ev->headers[i].name, name))
            continue;
        vx_buf_str(&text, any ? ", " : "");
        any = true;
        if (ev->headers[i].value.at)
            vx_buf_span(&text, ev->headers[i].value);
        else
            vx_buf_str(&text, "null");
    }
    struct vx_span kept = any ? vx_arena_span(&x->arena, vx_span(vx_buf_text(&text), text.len)) : vx_span(NULL, 0);
    vx_buf_done(&text);
    return kept;
}

static struct vx_span look(struct explain *x, const struct cel_event *ev, const struct config_path *path)
{
    switch (path->root) {
    case CONFIG_EVENT:
        return place_of(x, ev->value, path->path);
    case CONFIG_HEADER:
        return headers_of(x, ev, path->header);
    case CONFIG_KEY:
        break;
    }
    return ev->key.at ? vx_arena_span(&x->arena, ev->key) : ev->key;
}

static void explain_changes(struct explain *x, const struct trace_stage *told, struct explain_step *step)
{
    const struct config_stage *stage = step->stage;
    bool set = stage->kind == CONFIG_SET;
    size_t count = set ? stage->set_count : stage->remove_count;
    step->changes = VX_ARENA_ARRAY(&x->arena, struct explain_change, count);
    step->change_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct config_path *path = set ? &stage->set[i].path : &stage->remove[i];
        step->changes[i] = (struct explain_change){.path = path->text,
                                                   .before = look(x, told->before, path),
                                                   .after = look(x, told->after, path),
                                                   .is_json = path->root == CONFIG_EVENT};
    }
}

/* The message without the place it begins with, which the step shows anyway: "pipeline p, stages[0] (set): ". */
static const char *bare_message(struct explain *x, const struct trace_stage *told)
{
    const struct stage *stage = told->stage;
    const char *place = vx_arena_printf(&x->arena, "pipeline %s, stages[%u] (%s): ", stage->pipeline->name,
                                        stage->index, stage->kind->name);
    size_t len = strlen(place);
    return vx_arena_str(&x->arena, strncmp(told->message, place, len) == 0 ? told->message + len : told->message);
}

static void on_stage(void *ctx, const struct trace_stage *told)
{
    struct explain *x = ctx;
    struct explain_step *step = add_step(x, EXPLAIN_STAGE);
    const struct stage *stage = told->stage;
    step->pipeline = stage->pipeline->name;
    step->stage = &x->set->processings[stage->pipeline->number].stages[stage->index];
    step->number = stage->index + 1;
    step->depth = told->depth;
    step->ends = told->flow == RUN_ENDED;
    step->failure = told->flow == RUN_FAILED ? bare_message(x, told) : NULL;
    if (step->stage->kind == CONFIG_FILTER && step->stage->filter.cel && !step->failure)
        explain_conditions(x, told->before, &step->stage->filter.cel, 1, &step->why);
    if (!step->failure && (step->stage->kind == CONFIG_SET || step->stage->kind == CONFIG_REMOVE))
        explain_changes(x, told, step);
    if (told->emitted) {
        struct decide_record *record = VX_ARENA_NEW(&x->arena, struct decide_record);
        *record = *told->emitted; /* its bytes stay until the next event, its place may be taken by a dead letter */
        step->emitted = record;
    }
}

/* ---- the whole ---- */

struct explain *explain_new(const struct config_set *set, const struct table *t)
{
    struct explain *x = calloc(1, sizeof *x);
    vx_assert(x != NULL);
    x->set = set;
    x->table = t;
    x->decider = decider_new();
    x->scanner = json_scanner_new();
    x->trace = (struct decide_trace){x, on_routing, on_rule, on_taken, on_pipeline, on_stage};
    decider_trace(x->decider, &x->trace);
    return x;
}

void explain_free(struct explain *x)
{
    if (!x)
        return;
    decider_free(x->decider);
    json_scanner_free(x->scanner);
    vx_arena_done(&x->arena);
    free(x);
}

void explain_event(struct explain *x, const struct cel_event *ev)
{
    vx_arena_reset(&x->arena, DECIDE_KEEP_BYTES);
    x->steps = NULL;
    x->count = x->room = 0;
    x->ev = ev;
    decide(x->decider, x->table, ev, &x->decision);
}

const struct explain_step *explain_steps(const struct explain *x, size_t *count)
{
    *count = x->count;
    return x->steps;
}

const struct decision *explain_decision(const struct explain *x)
{
    return &x->decision;
}
