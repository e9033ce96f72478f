/* Deciding. A worker's thread, with the worker's decider; what comes out is valid until the next decide().
 *
 *     topic ──> route ──(not JSON)──────────────────────────────> dead letter of the routing, or stuck
 *                 └─ scan ─ match ─> action ─ drop
 *                                      ├───── dead letter of the routing, or stuck
 *                                      └───── pipeline, pipeline, … each: records, filtered, or its dead letter, or stuck
 *
 * Invariant: a decision whose outcome is OUTCOME_STUCK has no records; records of a pipeline that failed are gone but for
 * its dead letter.
 */
#include "core/plan/decide.h"

#include <stdlib.h>

#include "core/plan/deadletter.h"
#include "core/plan/run.h"
#include "core/plan/stage/stage.h"

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
    free(d->slots);
    free(d->changed_slots);
    vx_buf_done(&d->scratch);
    json_scanner_free(d->scanner);
    vx_arena_done(&d->arena);
    free(d);
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
    d->record_count = 0;
    d->failed_conditions = 0;
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

static void stuck(struct decider *d, struct decision *out)
{
    d->record_count = 0;
    out->outcome = OUTCOME_STUCK;
}

/* The whole event is refused: its dead letter is the routing's. Nothing else comes out of it. */
static void refuse_event(struct decider *d, const struct route *route, const struct cel_event *ev,
                         enum decide_reason reason, const char *message, const char *stage, struct decision *out)
{
    out->reason = reason;
    out->message = message;
    d->record_count = 0;
    if (!route->dead_letter) {
        stuck(d, out);
        return;
    }
    struct deadletter why = {route->dead_letter, reason, message, stage, NULL, UINT32_MAX};
    deadletter_make(&why, ev, &d->arena, &d->records[d->record_count++]);
    out->outcome = OUTCOME_DEAD_LETTER;
}

static void refuse_not_json(struct decider *d, const struct route *route, const struct cel_event *ev, size_t at,
                            struct decision *out)
{
    const char *message = vx_arena_printf(&d->arena, "routing %s: the value is not JSON, at byte %zu", route->name, at);
    refuse_event(d, route, ev, REASON_NOT_JSON, message, vx_arena_printf(&d->arena, "%s/json", route->name), out);
}

static void refuse_by_rule(struct decider *d, const struct route *route, const struct rule *rule,
                           const struct cel_event *ev, struct decision *out)
{
    bool otherwise = rule == &route->otherwise;
    const char *message =
        vx_arena_printf(&d->arena,
                        otherwise ? "routing %s: no rule matches, and `%s` sends the event to the dead letters"
                                  : "routing %s: rule `%s` sends the event to the dead letters",
                        route->name, rule->name);
    const char *stage = vx_arena_printf(&d->arena, otherwise ? "%s/%s" : "%s/rules[%s]", route->name, rule->name);
    refuse_event(d, route, ev, REASON_BY_RULE, message, stage, out);
}

/* Puts the dead letter of a failed attempt in the place of its records. False: there is no topic for it. */
static bool add_deadletter(const struct run *run, size_t first_record)
{
    struct decider *d = run->decider;
    d->record_count = first_record;
    const char *topic = run->answers->dead_letter ? run->answers->dead_letter : run->route->dead_letter;
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

static bool has_output(const struct decider *d)
{
    for (size_t i = 0; i < d->record_count; i++) {
        if (!d->records[i].dead_letter)
            return true;
    }
    return false;
}

static void run_pipelines(struct decider *d, const struct table *t, const struct route *route,
                          const struct action *action, const struct cel_event *ev, struct decision *out)
{
    struct decide_pipeline *done = VX_ARENA_ARRAY(&d->arena, struct decide_pipeline, action->pipeline_count);
    out->pipelines = done;
    for (size_t i = 0; i < action->pipeline_count; i++) {
        struct run run;
        size_t first_record = d->record_count;
        run_init(&run, d, t, route, ev, action->pipelines[i]);
        enum run_flow flow = pipeline_run(&run, action->pipelines[i]);
        done[i].pipeline = action->pipelines[i]->number;
        done[i].filtered = flow == RUN_ENDED;
        out->pipeline_count = i + 1;
        bool full = flow == RUN_FAILED && (run.reason == REASON_TOO_MANY || first_record == DECIDE_RECORDS_MAX);
        if (flow == RUN_FAILED) {
            done[i].reason = run.reason;
            note(out, run.reason, run.message);
        }
        if (full) {
            refuse_event(d, route, ev, REASON_TOO_MANY,
                         vx_arena_printf(&d->arena, "routing %s: the event becomes more than %d records", route->name,
                                         DECIDE_RECORDS_MAX),
                         vx_arena_printf(&d->arena, "%s/records", route->name), out);
            return;
        }
        if (flow == RUN_FAILED && !add_deadletter(&run, first_record)) {
            stuck(d, out);
            return;
        }
    }
    out->outcome = has_output(d) ? OUTCOME_EMITTED : d->record_count ? OUTCOME_DEAD_LETTER : OUTCOME_FILTERED;
}

static void decide_route(struct decider *d, const struct table *t, const struct route *route,
                         const struct cel_event *ev, struct decision *out)
{
    size_t error_at = 0;
    if (route->parsed && !ev->value.at) {
        for (size_t i = 0; i < route->slot_count; i++)
            d->slots[route->slots[i]] = (struct json_value){0};
    } else if (route->parsed && json_scan(d->scanner, route->paths, ev->value, d->slots, &error_at)) {
        refuse_not_json(d, route, ev, error_at, out);
        return;
    }
    struct cel_frame frame = {.event = ev, .arena = &d->arena};
    const struct rule *rule = match(route, &frame, &d->failed_conditions);
    out->rule = rule->number;
    switch (rule->action.kind) {
    case ACTION_DROP:
        out->outcome = OUTCOME_DROPPED;
        break;
    case ACTION_DEAD_LETTER:
        refuse_by_rule(d, route, rule, ev, out);
        break;
    case ACTION_RUN:
        run_pipelines(d, t, route, &rule->action, ev, out);
        break;
    }
}

void decide(struct decider *d, const struct table *t, const struct cel_event *ev, struct decision *out)
{
    begin(d, t);
    *out = (struct decision){.outcome = OUTCOME_UNROUTED, .rule = UINT32_MAX};
    const struct route *route = table_route(t, ev->topic);
    if (route) {
        struct cel_event source = *ev;
        source.slots = d->slots;
        decide_route(d, t, route, &source, out);
    }
    out->records = d->records;
    out->record_count = d->record_count;
    out->failed_conditions = d->failed_conditions;
}

bool decide_refused(struct decider *d, const struct table *t, const struct cel_event *ev, uint32_t pipeline,
                    const char *message, struct decide_record *record)
{
    const struct route *route = table_route(t, ev->topic);
    const struct pipeline *called = pipeline < t->pipeline_count ? &t->pipelines[pipeline] : NULL;
    const char *topic = called && called->dead_letter ? called->dead_letter : route ? route->dead_letter : NULL;
    if (!topic)
        return false;
    const char *owner = called ? called->name : route->name;
    struct deadletter why = {
        .topic = topic,
        .reason = REASON_RECORD_REFUSED,
        .message = vx_arena_str(&d->arena, message),
        .stage = vx_arena_printf(&d->arena, "%s/produce", owner),
        .called = called ? called->name : NULL,
        .pipeline = pipeline,
    };
    deadletter_make(&why, ev, &d->arena, record);
    return true;
}
