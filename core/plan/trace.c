/* Telling what is decided. A worker's thread, or whichever calls decide(). Nothing here changes what is decided: the rules
 * are tested once more, by the plain loop, and stages are run as they always are.
 */
#include "core/plan/trace.h"

#include "core/plan/stage/stage.h"

void trace_rules(struct decider *d, const struct route *route, const struct cel_event *ev)
{
    struct cel_frame frame = {.event = ev, .arena = &d->arena};
    for (size_t i = 0; i < route->rule_count; i++) {
        const struct rule *rule = &route->rules[i];
        bool failed = false;
        bool holds = !rule->when || cel_test(rule->when, &frame, &failed);
        d->trace->on_rule(d->trace->ctx, rule, failed ? TRACE_FAILED : holds ? TRACE_YES : TRACE_NO);
        if (holds && !route->match_all)
            return;
    }
}

enum run_flow trace_step(struct run *run, const struct stage *stage)
{
    struct decider *d = run->decider;
    struct cel_event before = run->ev;
    struct trace_stage told = {.stage = stage, .depth = d->depth, .before = &before, .after = &run->ev};
    if (stage->calls) {
        d->trace->on_stage(d->trace->ctx, &told);
        d->depth++;
        enum run_flow flow = pipeline_step(run, stage);
        d->depth--;
        return flow;
    }
    size_t records = d->record_count;
    told.flow = pipeline_step(run, stage);
    told.emitted = d->record_count > records ? &d->records[records] : NULL;
    told.message = told.flow == RUN_FAILED ? run->message : NULL;
    d->trace->on_stage(d->trace->ctx, &told);
    return told.flow;
}
