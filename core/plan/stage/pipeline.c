/* pipeline: the same event goes through another pipeline and on; its filter ends it for the caller too. The called
 * pipeline's dead-letter topic, if it has one, answers for what happens inside. Cycles and depth are checked by
 * config_load(). Load: any thread; run: a worker. */
#include "core/plan/stage/stage.h"

static void call_compile(struct compiler *c, const struct config_stage *from, struct stage *stage, struct reads *reads)
{
    (void)reads; /* what the called pipeline reads is collected with it */
    stage->calls = compiler_pipeline(c, from->pipeline);
}

static enum run_flow call_run(struct run *run, const struct stage *stage)
{
    const struct pipeline *answers = run->answers;
    if (stage->calls->dead_letter)
        run->answers = stage->calls;
    enum run_flow flow = pipeline_run(run, stage->calls);
    if (flow != RUN_FAILED)
        run->answers = answers;
    return flow;
}

const struct stage_kind stage_pipeline = {"pipeline", call_compile, call_run};
