/* The stages of a pipeline: one row and one file each. To add a stage: its row in CONFIG's stages, a file here with a
 * compile and a run function, a line in the list below. Private to core/plan.
 */
#ifndef VX_PLAN_STAGE_STAGE_H
#define VX_PLAN_STAGE_STAGE_H

#include "core/plan/compiled.h"
#include "core/plan/run.h"

struct stage_kind {
    const char *name; /* as messages and headers say it: "set" */
    /* Fills stage->program and adds what the stage reads. Runs at load. */
    void (*compile)(struct compiler *c, const struct config_stage *from, struct stage *stage, struct reads *reads);
    /* Runs for an event, on a worker. Expressions see fresh slots where stage->reads_slots says so. */
    enum run_flow (*run)(struct run *run, const struct stage *stage);
};

struct stage {
    const struct stage_kind *kind;
    const struct pipeline *pipeline; /* it belongs to */
    uint32_t index;                  /* in it, from 0 */
    bool reads_slots;                /* its expressions look at fields of `event` */
    const void *program;             /* of its kind */
    const struct pipeline *calls;    /* of a `pipeline` stage, else NULL */
};

/* By enum config_stage_kind. */
extern const struct stage_kind stage_filter, stage_set, stage_remove, stage_pipeline, stage_emit;

#endif
