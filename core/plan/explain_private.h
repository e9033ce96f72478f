/* What explain.c fills and explain_text.c and explain_json.c print. */
#ifndef VX_PLAN_EXPLAIN_PRIVATE_H
#define VX_PLAN_EXPLAIN_PRIVATE_H

#include "core/plan/explain.h"
#include "core/plan/trace.h"

struct explain {
    const struct config_set *set;
    const struct table *table;
    struct decider *decider;
    struct decide_trace trace;
    struct json_scanner *scanner;
    struct vx_arena arena; /* of one event */
    const struct cel_event *ev;
    struct decision decision;
    struct explain_step *steps; /* in the arena */
    size_t count, room;
};

#endif
