/* One attempt of one pipeline at one event: the working copy that its stages see and change. Private to core/plan.
 *
 *     source event ──borrow──> run.ev ── stage ── stage ── emit ──> decider.records
 *                                 │ set, remove: the value moves into a buffer of the decider, headers into its arena
 *                                 └ slots are of the value before the last change until an expression needs them again
 *
 * A worker's thread. Nothing here outlives the next decide().
 */
#ifndef VX_PLAN_RUN_H
#define VX_PLAN_RUN_H

#include "core/json/patch.h"
#include "core/plan/compiled.h"
#include "core/plan/decide.h"
#include "core/plan/match.h"

enum {
    RUN_MESSAGE_MAX_BYTES = 1024, /* a message for people is cut here */
};

struct decider {
    struct vx_arena arena;
    struct json_scanner *scanner;
    struct json_value *slots;         /* of the event as it came; numbered by the table */
    struct json_value *changed_slots; /* of a run's changed value */
    size_t slot_room;
    struct vx_buf scratch; /* for one expression's text at a time */
    struct vx_buf *values; /* changed values; the first value_used hold bytes of this event */
    size_t value_room, value_used;
    struct decide_record *records; /* DECIDE_RECORDS_MAX */
    size_t record_count;
    uint32_t failed_conditions;
    uint64_t steps_left;         /* of DECIDE_STEPS_MAX, for this event */
    struct match_scratch *match; /* of the rule index; see match.h */
    struct cel_scratch *regex;   /* of regular expressions; see core/cel/regex/regex.h */
    struct decide_rule *rules;   /* that took this event */
    size_t rule_room, rule_count;
    struct decide_pipeline *pipelines; /* that ran for this event */
    size_t pipeline_room, pipeline_count;
    const struct decide_trace *trace; /* NULL: nobody watches */
    unsigned depth;                   /* of called pipelines, for the trace */
};

enum { RUN_NO_BUFFER = -1 };

struct run {
    struct decider *decider;
    const struct table *table;
    const struct route *route;      /* of the event's topic */
    const char *dead_letter;        /* topic of the routing that called the pipeline, or NULL */
    const struct cel_event *source; /* as it came */
    const struct pipeline *called;  /* by the rule */
    const struct pipeline *answers; /* whose dead-letter topic counts now: the innermost that has one, else `called` */
    struct cel_event ev;            /* the working copy */
    struct cel_frame frame;         /* of `ev` */
    bool stale;                     /* ev.slots are of an older value */
    bool emitted;                   /* a record borrows ev.value */
    int buffer;                     /* of decider->values: holds ev.value */
    int spare;                      /* another one, free for the next change */

    const struct stage *failed_at; /* with `reason`: the stage that failed */
    enum decide_reason reason;
    const char *message;
};

/* Prepares an attempt of `pipeline` at an event of `route`; `source` has its slots. */
void run_init(struct run *run, struct decider *d, const struct table *t, const struct route *route,
              const char *dead_letter, const struct cel_event *source, const struct pipeline *pipeline);
/* Where this attempt's dead letters go now; NULL: nowhere. */
static inline const char *run_dead_letter(const struct run *run)
{
    return run->answers->dead_letter ? run->answers->dead_letter : run->dead_letter;
}

enum run_flow {
    RUN_NEXT,  /* on with the next stage */
    RUN_ENDED, /* a filter ended the event */
    RUN_FAILED /* run->reason says why */
};
/* pipeline.c: all stages of `pipeline` over the working copy. */
enum run_flow pipeline_run(struct run *run, const struct pipeline *pipeline);
/* One of them, with fresh slots where its expressions look at fields. */
enum run_flow pipeline_step(struct run *run, const struct stage *stage);

/* Notes that `stage` fails with a message of this shape: "pipeline P, stages[N] (KIND): …". Returns RUN_FAILED. */
enum run_flow run_fail(struct run *run, const struct stage *stage, enum decide_reason reason, const char *fmt, ...)
    VX_PRINTF(4, 5);

/* Scans the changed value again, so that expressions see it; only when run->stale. False: it is no JSON any more that
 * could be read (nested too deep). */
bool run_refresh(struct run *run);
/* Applies edits to the value; all or none. False with a message in `err`. */
bool run_patch(struct run *run, const struct json_edit *edits, size_t count, struct vx_err *err);
/* One header of that name with this value, where the first one stood. `name` must live as long as the table, `value` as
 * long as the decision. */
void run_set_header(struct run *run, struct vx_span name, struct vx_span value);
/* Removes every header of that name. */
void run_remove_header(struct run *run, struct vx_span name);
/* Adds a record of the working copy. False: too many. */
bool run_emit(struct run *run, struct vx_span topic, struct vx_span key);

#endif
