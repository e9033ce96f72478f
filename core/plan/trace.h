/* What decide() does, told while it does it: for explain, and for tests that hold it against itself. decide() is the same
 * function with and without; decider_trace() sets who watches.
 *
 *     on_routing  on_rule on_rule …  on_taken ── on_pipeline  on_stage on_stage …      (hand-over: on_routing …)
 *
 * Callbacks are all there, run inside decide(), and must not call it. What they are given is borrowed until they return,
 * but for rules, routes and pipelines, which are the table's, and for bytes of an event, which a later stage may write over.
 */
#ifndef VX_PLAN_TRACE_H
#define VX_PLAN_TRACE_H

#include "core/plan/run.h"

enum trace_verdict { TRACE_NO, TRACE_YES, TRACE_FAILED };

struct trace_stage {
    const struct stage *stage;
    unsigned depth; /* 0: of the pipeline that a rule called */
    enum run_flow flow;
    const struct cel_event *before, *after; /* the working copy; their slots may be of older values */
    const char *message;                    /* RUN_FAILED: why */
    const struct decide_record *emitted;    /* the record it made, or NULL */
};

struct decide_trace {
    void *ctx;
    /* The rules of `route` begin to decide; `rule`, of another routing, handed over to it, or NULL. */
    void (*on_routing)(void *ctx, const struct route *route, const struct rule *rule);
    /* What a condition says, by the plain loop: each rule up to the first that holds, or each (match: all). */
    void (*on_rule)(void *ctx, const struct rule *rule, enum trace_verdict verdict);
    /* A rule or `otherwise` takes the event: what match_first() or match_all() said. */
    void (*on_taken)(void *ctx, const struct rule *rule);
    /* The pipeline of a rule begins. */
    void (*on_pipeline)(void *ctx, const struct pipeline *pipeline);
    /* A stage is done; one that calls another pipeline: begins (RUN_NEXT). */
    void (*on_stage)(void *ctx, const struct trace_stage *stage);
};

/* What decide.c and pipeline.c call when somebody watches. */
void trace_rules(struct decider *d, const struct route *route, const struct cel_event *ev);
enum run_flow trace_step(struct run *run, const struct stage *stage);

#endif
