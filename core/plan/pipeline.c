/* Pipelines: compiling their stages, and running them over a working copy. Compiling: the thread that builds the table;
 * running: a worker. A pipeline that calls another one runs it in place, on the same copy; config_load() has refused
 * cycles, and what one event may cost is bounded here, at load, by the number of stages it can run through.
 */
#include "core/plan/run.h"

#include <stdio.h>

#include "core/base/utf8.h"
#include "core/plan/stage/stage.h"
#include "core/plan/trace.h"

static const struct stage_kind *const KINDS[] = {
    [CONFIG_FILTER] = &stage_filter,     [CONFIG_SET] = &stage_set,   [CONFIG_REMOVE] = &stage_remove,
    [CONFIG_PIPELINE] = &stage_pipeline, [CONFIG_EMIT] = &stage_emit,
};

static void compile_stages(struct compiler *c, const struct config_processing *from, struct pipeline *pipeline,
                           struct reads *reads)
{
    struct stage *stages = VX_ARENA_ARRAY(&c->table->arena, struct stage, from->stage_count);
    for (size_t i = 0; i < from->stage_count; i++) {
        struct reads own = {0};
        stages[i].kind = KINDS[from->stages[i].kind];
        stages[i].pipeline = pipeline;
        stages[i].index = (uint32_t)i;
        stages[i].kind->compile(c, &from->stages[i], &stages[i], &own);
        stages[i].reads_slots = own.count > 0;
        reads_merge(reads, &own);
        reads_done(&own);
    }
    pipeline->stages = stages;
    pipeline->stage_count = from->stage_count;
}

/* Counts what an event runs through at most; called pipelines are counted first. Saturates. */
static uint32_t count_runs(struct pipeline *pipelines, struct pipeline *pipeline, int depth)
{
    vx_assert(depth <= CONFIG_CALL_DEPTH_MAX);
    if (pipeline->stage_runs)
        return pipeline->stage_runs;
    uint32_t runs = 0;
    for (size_t i = 0; i < pipeline->stage_count; i++) {
        const struct pipeline *called = pipeline->stages[i].calls;
        runs += 1 + (called ? count_runs(pipelines, &pipelines[called->number], depth + 1) : 0);
        if (runs > TABLE_STAGE_RUNS_MAX)
            runs = TABLE_STAGE_RUNS_MAX + 1;
    }
    pipeline->stage_runs = runs;
    return runs;
}

enum vx_status pipelines_compile(struct compiler *c)
{
    struct table *t = c->table;
    t->pipeline_count = c->set->processing_count;
    t->pipelines = VX_ARENA_ARRAY(&t->arena, struct pipeline, t->pipeline_count);
    t->pipeline_names = VX_ARENA_ARRAY(&t->arena, const char *, t->pipeline_count);
    /* Names first: a stage may call a pipeline that comes later. */
    for (size_t i = 0; i < t->pipeline_count; i++) {
        const struct config_processing *from = &c->set->processings[i];
        t->pipelines[i].name = t->pipeline_names[i] = vx_arena_str(&t->arena, from->name);
        t->pipelines[i].number = (uint32_t)i;
        if (from->dead_letter)
            t->pipelines[i].dead_letter = vx_arena_str(&t->arena, from->dead_letter);
    }
    for (size_t i = 0; i < t->pipeline_count; i++)
        compile_stages(c, &c->set->processings[i], &t->pipelines[i], &c->pipeline_reads[i]);

    enum vx_status status = VX_OK;
    for (size_t i = 0; i < t->pipeline_count; i++) {
        if (count_runs(t->pipelines, &t->pipelines[i], 0) <= TABLE_STAGE_RUNS_MAX)
            continue;
        struct vx_diag at = {.severity = VX_ERROR, .file = ""};
        if (c->set->processings[i].node)
            config_node_place(c->set->processings[i].node, &at);
        at.severity = VX_ERROR;
        vx_diags_add(c->diags, &at, "pipeline `%s` runs through more than %d stages, called pipelines included",
                     t->pipelines[i].name, TABLE_STAGE_RUNS_MAX);
        status = VX_ELIMIT;
    }
    return status;
}

enum run_flow pipeline_step(struct run *run, const struct stage *stage)
{
    if (run->stale && stage->reads_slots && !run_refresh(run))
        return run_fail(run, stage, REASON_STAGE_FAILED, "the changed event is nested too deep");
    return stage->kind->run(run, stage);
}

enum run_flow pipeline_run(struct run *run, const struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->stage_count; i++) {
        const struct stage *stage = &pipeline->stages[i];
        enum run_flow flow = run->decider->trace ? trace_step(run, stage) : pipeline_step(run, stage);
        if (flow != RUN_NEXT)
            return flow;
    }
    return RUN_NEXT;
}

/* Makes `text` valid UTF-8 in place: it becomes a header. */
static void mend(char *text)
{
    char *end = text + strlen(text);
    int len;
    for (char *p = text; p < end; p += len) {
        if (vx_utf8_decode(p, end, &len) < 0)
            *p = '?';
    }
}

enum run_flow run_fail(struct run *run, const struct stage *stage, enum decide_reason reason, const char *fmt, ...)
{
    char *text = vx_arena_bytes(&run->decider->arena, RUN_MESSAGE_MAX_BYTES);
    int n = snprintf(text, RUN_MESSAGE_MAX_BYTES, "pipeline %s, stages[%u] (%s): ", stage->pipeline->name, stage->index,
                     stage->kind->name);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + n, RUN_MESSAGE_MAX_BYTES - (size_t)n, fmt, args);
    va_end(args);
    mend(text);
    run->failed_at = stage;
    run->reason = reason;
    run->message = text;
    return RUN_FAILED;
}
