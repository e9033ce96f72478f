/* Why an event goes where it goes: every rule with the values that decided, the stages with what they changed, the records.
 * What `veltrix explain` shows.
 *
 *     event ── decide(), watched (trace.h) ──> struct explain: steps in order ──> text | JSON
 *
 * It is decide() itself that decides; beside it the conditions are taken apart (core/cel/explain.h) and evaluated again
 * for people. Any one thread; nothing here is made for speed.
 */
#ifndef VX_PLAN_EXPLAIN_H
#define VX_PLAN_EXPLAIN_H

#include "core/base/buf.h"
#include "core/cel/explain.h"
#include "core/plan/decide.h"

enum explain_verdict {
    EXPLAIN_NO,
    EXPLAIN_MATCHES,
    EXPLAIN_FAILS,    /* the condition failed, which counts as no */
    EXPLAIN_DISABLED, /* `enabled: false` */
    EXPLAIN_BEHIND,   /* not looked at: one before it matched */
};

struct explain_rule {
    const struct config_rule *config;
    enum explain_verdict verdict;
    struct cel_reasons why; /* of what was looked at and has a condition */
};

/* What a stage did to one place of the event. */
struct explain_change {
    struct vx_span path;          /* as written: "event.total", "headers.x", "key" */
    struct vx_span before, after; /* JSON of `event` places, plain text else; at NULL: not there */
    bool is_json;
};

enum explain_step_kind {
    EXPLAIN_ROUTING,  /* its rules begin to decide */
    EXPLAIN_TAKEN,    /* a rule or `otherwise` takes the event */
    EXPLAIN_PIPELINE, /* one that the rule calls begins */
    EXPLAIN_STAGE,
};

struct explain_step {
    enum explain_step_kind kind;
    const struct config_routing *routing; /* ROUTING, TAKEN */
    struct explain_rule *rules;           /* ROUTING: all of them, in order */
    const struct config_rule *rule;       /* TAKEN; NULL: `otherwise` */
    const struct config_action *action;   /* TAKEN */
    const char *pipeline;                 /* PIPELINE, STAGE: its name */
    const struct config_stage *stage;     /* STAGE */
    uint32_t number;                      /* STAGE: in its pipeline, from 1 */
    unsigned depth;                       /* STAGE: of pipelines inside pipelines */
    bool ends;                            /* STAGE: a filter that did not hold */
    const char *failure;                  /* STAGE: why it failed, or NULL */
    struct cel_reasons why;               /* STAGE: of a filter with a condition */
    struct explain_change *changes;       /* STAGE: set, remove */
    size_t change_count;
    const struct decide_record *emitted; /* STAGE: emit */
};

struct explain;
/* `t` must be compiled from `set`; both are borrowed. */
struct explain *explain_new(const struct config_set *set, const struct table *t);
void explain_free(struct explain *x);

/* Decides `ev` and explains it. What is returned lives, as does `ev`, until the next call. */
void explain_event(struct explain *x, const struct cel_event *ev);
const struct explain_step *explain_steps(const struct explain *x, size_t *count);
const struct decision *explain_decision(const struct explain *x);

/* Appends it for people, with ANSI colours if asked; and as one JSON object with a newline. */
void explain_print(const struct explain *x, bool color, struct vx_buf *out);
void explain_print_json(const struct explain *x, struct vx_buf *out);

#endif
