/* filter: false ends the event here, done. A condition that fails is false and counted. Load: any thread; run: a worker. */
#include "core/plan/stage/stage.h"

static void filter_compile(struct compiler *c, const struct config_stage *from, struct stage *stage,
                           struct reads *reads)
{
    stage->program = compile_condition(c, &from->filter, reads);
}

static enum run_flow filter_run(struct run *run, const struct stage *stage)
{
    bool failed = false;
    bool holds = !stage->program || cel_test(stage->program, &run->frame, &failed);
    run->decider->failed_conditions += failed && !run->frame.absent;
    return holds ? RUN_NEXT : RUN_ENDED;
}

const struct stage_kind stage_filter = {"filter", filter_compile, filter_run};
