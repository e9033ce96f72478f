/* Deciding. A worker's thread, with the worker's decider; what comes out is valid until the next decide().
 *
 *     topic ──> route ──(not JSON)──────────────────────────────> dead letter of the routing, or stuck
 *                 │       (too_many, too_costly: as soon as it is known, in place of all the rest)
 *                 └─ scan ─ match ─> each rule: drop
 *                             ^        ├─────── dead letter of the routing, or stuck
 *                             │        ├─────── pipeline, pipeline, … each: records, filtered, or its dead letter, or stuck
 *                             └────────┴─────── hand-over: the rules of another route
 *
 * Invariant: a decision whose outcome is OUTCOME_STUCK has no records; records of a pipeline that failed are gone but for
 * its dead letter.
 */
#include "core/plan/decide.h"

#include <stdlib.h>

#include "core/cel/regex/regex.h"
#include "core/plan/deadletter.h"
#include "core/plan/run.h"
#include "core/plan/stage/stage.h"
#include "core/plan/trace.h"

/* The arena begins with one block of this size, so that an event of ordinary size needs no other. */
enum { ARENA_FIRST_BYTES = 256 * 1024 };

struct decider *decider_new(void)
{
    struct decider *d = calloc(1, sizeof *d);
    vx_assert(d != NULL);
    d->scanner = json_scanner_new();
    d->records = calloc(DECIDE_RECORDS_MAX, sizeof *d->records);
    vx_assert(d->records != NULL);
    vx_arena_bytes(&d->arena, ARENA_FIRST_BYTES);
    d->match = match_scratch_new();
    d->regex = cel_scratch_new();
    return d;
}

void decider_free(struct decider *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->value_room; i++)
        vx_buf_done(&d->values[i]);
    free(d->values);
    free(d->records);
    free(d->rules);
    free(d->pipelines);
    free(d->slots);
    free(d->changed_slots);
    vx_buf_done(&d->scratch);
    match_scratch_free(d->match);
    cel_scratch_free(d->regex);
    json_scanner_free(d->scanner);
    vx_arena_done(&d->arena);
    free(d);
}

void decider_trace(struct decider *d, const struct decide_trace *trace)
{
    d->trace = trace;
}

const char *decide_reason_label(enum decide_reason reason)
{
    static const char *const labels[] = {
#define X(name, label, text) label,
        DECIDE_REASON_LIST(X)
#undef X
    };
    return labels[reason];
}

static void begin(struct decider *d, const struct table *t)
{
    vx_arena_reset(&d->arena, DECIDE_KEEP_BYTES);
    size_t kept = 0;
    for (size_t i = 0; i < d->value_used; i++) {
        kept += d->values[i].size;
        if (kept > DECIDE_KEEP_BYTES)
            vx_buf_done(&d->values[i]);
    }
    d->value_used = 0;
    if (d->scratch.size > DECIDE_KEEP_BYTES)
        vx_buf_done(&d->scratch);
    cel_scratch_fit(d->regex, &t->slots);
    d->record_count = 0;
    d->rule_count = 0;
    d->pipeline_count = 0;
    d->failed_conditions = 0;
    d->steps_left = DECIDE_STEPS_MAX;
    if (t->slots.count > d->slot_room) {
        d->slot_room = t->slots.count;
        d->slots = realloc(d->slots, d->slot_room * sizeof *d->slots);
        d->changed_slots = realloc(d->changed_slots, d->slot_room * sizeof *d->changed_slots);
        vx_assert(d->slots != NULL && d->changed_slots != NULL);
    }
}

/* Notes the first refusal of the event. */
static void note(struct decision *out, enum decide_reason reason, const char *message)
{
    if (out->reason == REASON_NONE) {
        out->reason = reason;
        out->message = message;
    }
}

/* One event on its way through the rules. */
struct course {
    struct decider *d;
    const struct table *table;
    const struct route *entry;  /* of its topic */
    const struct cel_event *ev; /* as it came, scanned */
    struct match match;
    struct decision *out;
};

/* Nothing comes out, and its partition has to stop. Returns false: the event is done with. */
static bool stuck(struct course *c)
{
    c->d->record_count = 0;
    c->out->outcome = OUTCOME_STUCK;
    return false;
}

/* The whole event is refused: its dead letter is that of its topic's routing. Nothing else comes out of it. */
static bool refuse_event(struct course *c, enum decide_reason reason, const char *message, const char *stage)
{
    c->out->reason = reason;
    c->out->message = message;
    c->d->record_count = 0;
    if (!c->entry->dead_letter)
        return stuck(c);
    struct deadletter why = {c->entry->dead_letter, reason, message, stage, NULL, UINT32_MAX};
    deadletter_make(&why, c->ev, &c->d->arena, &c->d->records[c->d->record_count++]);
    c->out->outcome = OUTCOME_DEAD_LETTER;
    return false;
}

static void refuse_not_json(struct course *c, size_t at)
{
    struct vx_arena *arena = &c->d->arena;
    const char *name = c->entry->name;
    refuse_event(c, REASON_NOT_JSON,
                 json_is_too_deep(c->ev->value, at)
                     ? vx_arena_printf(arena, "routing %s: the value is nested deeper than %d levels, at byte %zu",
                                       name, JSON_DEPTH_MAX, at)
                     : vx_arena_printf(arena, "routing %s: the value is not JSON, at byte %zu", name, at),
                 vx_arena_printf(arena, "%s/json", name));
}

static bool refuse_too_many(struct course *c)
{
    struct vx_arena *arena = &c->d->arena;
    return refuse_event(c, REASON_TOO_MANY,
                        vx_arena_printf(arena, "routing %s: the event becomes more than %d records", c->entry->name,
                                        DECIDE_RECORDS_MAX),
                        vx_arena_printf(arena, "%s/records", c->entry->name));
}

/* The budget of the event is spent: what was evaluated last may have failed of that alone. */
static bool is_too_costly(const struct course *c)
{
    return c->d->steps_left == 0;
}

static bool refuse_too_costly(struct course *c)
{
    struct vx_arena *arena = &c->d->arena;
    return refuse_event(c, REASON_TOO_COSTLY,
                        vx_arena_printf(arena, "routing %s: the event takes more than %d evaluation steps",
                                        c->entry->name, DECIDE_STEPS_MAX),
                        vx_arena_printf(arena, "%s/steps", c->entry->name));
}

/* A rule sends the event to the dead letters. False: the event is done with. */
static bool refuse_by_rule(struct course *c, const struct route *route, const struct rule *rule, const char *topic)
{
    struct decider *d = c->d;
    bool otherwise = rule == &route->otherwise;
    const char *message =
        vx_arena_printf(&d->arena,
                        otherwise ? "routing %s: no rule matches, and `%s` sends the event to the dead letters"
                                  : "routing %s: rule `%s` sends the event to the dead letters",
                        route->name, rule->name);
    note(c->out, REASON_BY_RULE, message);
    if (!topic)
        return stuck(c);
    if (d->record_count == DECIDE_RECORDS_MAX)
        return refuse_too_many(c);
    struct deadletter why = {
        .topic = topic,
        .reason = REASON_BY_RULE,
        .message = message,
        .stage = vx_arena_printf(&d->arena, otherwise ? "%s/%s" : "%s/rules[%s]", route->name, rule->name),
        .pipeline = UINT32_MAX,
    };
    deadletter_make(&why, c->ev, &d->arena, &d->records[d->record_count++]);
    return true;
}

/* Puts the dead letter of a failed attempt in the place of its records. False: there is no topic for it. */
static bool add_deadletter(const struct run *run, size_t first_record)
{
    struct decider *d = run->decider;
    d->record_count = first_record;
    const char *topic = run_dead_letter(run);
    if (!topic)
        return false;
    const struct stage *stage = run->failed_at;
    struct deadletter why = {
        .topic = topic,
        .reason = run->reason,
        .message = run->message,
        .stage = vx_arena_printf(&d->arena, "%s/stages[%u].%s", stage->pipeline->name, stage->index, stage->kind->name),
        .called = run->called->name,
        .pipeline = run->answers->number,
    };
    deadletter_make(&why, run->source, &d->arena, &d->records[d->record_count++]);
    return true;
}

static struct decide_pipeline *add_pipeline(struct decider *d, const struct pipeline *pipeline)
{
    if (d->pipeline_count == d->pipeline_room) {
        d->pipeline_room = d->pipeline_room ? d->pipeline_room * 2 : 16;
        d->pipelines = realloc(d->pipelines, d->pipeline_room * sizeof *d->pipelines);
        vx_assert(d->pipelines != NULL);
    }
    d->pipelines[d->pipeline_count] = (struct decide_pipeline){.pipeline = pipeline->number};
    return &d->pipelines[d->pipeline_count++];
}

/* The pipelines of one rule; `dead_letter` is the topic of its routing. False: the event is done with. */
static bool run_pipelines(struct course *c, const struct action *action, const char *dead_letter)
{
    struct decider *d = c->d;
    for (size_t i = 0; i < action->pipeline_count; i++) {
        struct run run;
        size_t first_record = d->record_count;
        struct decide_pipeline *done = add_pipeline(d, action->pipelines[i]);
        if (d->trace)
            d->trace->on_pipeline(d->trace->ctx, action->pipelines[i]);
        run_init(&run, d, c->table, c->entry, dead_letter, c->ev, action->pipelines[i]);
        enum run_flow flow = pipeline_run(&run, action->pipelines[i]);
        if (is_too_costly(c)) {
            done->reason = REASON_TOO_COSTLY;
            return refuse_too_costly(c);
        }
        done->filtered = flow == RUN_ENDED;
        if (flow != RUN_FAILED)
            continue;
        done->reason = run.reason;
        note(c->out, run.reason, run.message);
        if (run.reason == REASON_TOO_MANY || first_record == DECIDE_RECORDS_MAX)
            return refuse_too_many(c);
        if (!add_deadletter(&run, first_record))
            return stuck(c);
    }
    return true;
}

static void add_rule(struct course *c, const struct rule *rule)
{
    struct decider *d = c->d;
    bool hands_over = rule->action.kind == ACTION_HAND_OVER;
    if (d->rule_count == d->rule_room) {
        d->rule_room = d->rule_room ? d->rule_room * 2 : 16;
        d->rules = realloc(d->rules, d->rule_room * sizeof *d->rules);
        vx_assert(d->rules != NULL);
    }
    d->rules[d->rule_count++] = (struct decide_rule){rule->number, hands_over};
    if (!hands_over && c->out->rule == UINT32_MAX)
        c->out->rule = rule->number;
    if (d->trace)
        d->trace->on_taken(d->trace->ctx, rule);
}

static bool decide_rules(struct course *c, const struct route *route, const struct rule *by, const char *dead_letter);

static bool decide_rule(struct course *c, const struct route *route, const struct rule *rule, const char *dead_letter)
{
    add_rule(c, rule);
    switch (rule->action.kind) {
    case ACTION_DROP:
        break;
    case ACTION_DEAD_LETTER:
        return refuse_by_rule(c, route, rule, dead_letter);
    case ACTION_RUN:
        return run_pipelines(c, &rule->action, dead_letter);
    case ACTION_HAND_OVER:
        return decide_rules(c, rule->action.route, rule, dead_letter);
    }
    return true;
}

/* The rules of one route; `dead_letter` is the topic of the routing whose rule `by` hands over to it. False: the event is
 * done with. Recursion: config_load() has refused cycles and more than CONFIG_CALL_DEPTH_MAX routings in a row. */
static bool decide_rules(struct course *c, const struct route *route, const struct rule *by, const char *dead_letter)
{
    if (route->dead_letter)
        dead_letter = route->dead_letter;
    if (c->d->trace) {
        c->d->trace->on_routing(c->d->trace->ctx, route, by);
        trace_rules(c->d, route, c->ev);
    }
    if (!route->match_all) {
        const struct rule *rule = match_first(&c->match, route);
        return is_too_costly(c) ? refuse_too_costly(c) : decide_rule(c, route, rule, dead_letter);
    }
    size_t count;
    const struct rule *const *rules = match_all(&c->match, route, &count);
    if (is_too_costly(c))
        return refuse_too_costly(c);
    c->out->match_all = true;
    for (size_t i = 0; i < count; i++) {
        if (!decide_rule(c, route, rules[i], dead_letter))
            return false;
    }
    return true;
}

static bool has_output(const struct decider *d)
{
    for (size_t i = 0; i < d->record_count; i++) {
        if (!d->records[i].dead_letter)
            return true;
    }
    return false;
}

static void decide_event(struct course *c)
{
    struct decider *d = c->d;
    const struct route *route = c->entry;
    size_t error_at = 0;
    if (route->parsed && !c->ev->value.at) {
        for (size_t i = 0; i < route->slot_count; i++)
            d->slots[route->slots[i]] = (struct json_value){0};
    } else if (route->parsed && json_scan(d->scanner, route->paths, c->ev->value, d->slots, &error_at)) {
        refuse_not_json(c, error_at);
        return;
    }
    struct cel_frame frame = {.event = c->ev, .arena = &d->arena, .scratch = d->regex, .budget = &d->steps_left};
    match_begin(&c->match, d->match, route, &frame);
    if (decide_rules(c, route, NULL, NULL))
        c->out->outcome = has_output(d)       ? OUTCOME_EMITTED
                          : d->record_count   ? OUTCOME_DEAD_LETTER
                          : d->pipeline_count ? OUTCOME_FILTERED
                                              : OUTCOME_DROPPED;
    d->failed_conditions += c->match.failed;
}

void decide(struct decider *d, const struct table *t, const struct cel_event *ev, struct decision *out)
{
    begin(d, t);
    *out = (struct decision){.outcome = OUTCOME_UNROUTED, .rule = UINT32_MAX};
    const struct route *route = table_route(t, ev->topic);
    if (route) {
        struct cel_event source = *ev;
        source.slots = d->slots;
        struct course c = {.d = d, .table = t, .entry = route, .ev = &source, .out = out};
        decide_event(&c);
    }
    out->records = d->records;
    out->record_count = d->record_count;
    out->rules = d->rules;
    out->rule_count = d->rule_count;
    out->pipelines = d->pipelines;
    out->pipeline_count = d->pipeline_count;
    out->failed_conditions = d->failed_conditions;
}

bool decide_refused(struct decider *d, const struct table *t, const struct cel_event *ev,
                    const struct decide_record *refused, const char *message, struct decide_record *out)
{
    if (!refused->refused_to)
        return false;
    const struct pipeline *answers = &t->pipelines[refused->pipeline];
    struct deadletter why = {
        .topic = refused->refused_to,
        .reason = REASON_RECORD_REFUSED,
        .message = vx_arena_str(&d->arena, message),
        .stage = vx_arena_printf(&d->arena, "%s/produce", answers->name),
        .called = answers->name,
        .pipeline = refused->pipeline,
    };
    deadletter_make(&why, ev, &d->arena, out);
    return true;
}
