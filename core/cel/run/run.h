/* An evaluation from the inside: what eval.c (nodes), eval_literal.c (lists, maps), eval_quick.c (numbers)
 * and eval_macro.c (macros) share. */
#ifndef VX_CEL_RUN_H
#define VX_CEL_RUN_H

#include "core/cel/run/program.h"

struct run {
    struct cel_call call;
    const struct cel_event *event;
    const struct cel_value *bindings;
    struct cel_numbers *numbers;
    uint64_t allowed;                        /* steps, to begin with */
    struct cel_value locals[CEL_LOCALS_MAX]; /* what names of macros stand for; valid while their macro runs */
};

enum answer { FAILED = -1, NO = 0, YES = 1 };

/* Any node → value. */
bool cel_run_eval(struct run *run, const struct cel_node *node, struct cel_value *out);
/* A condition → yes, no, failed: what && || ?: macros and rules need. */
enum answer cel_run_test(struct run *run, const struct cel_node *node);

/* Gives the failure just recorded its place; false. */
static inline bool cel_run_failed(struct run *run, const struct cel_node *node)
{
    run->call.failure.offset = node->offset;
    return false;
}

/* eval_quick.c: a CALL that is a QUICK_ comparison; false where it is not settled, and nothing has happened. */
bool cel_run_quick(struct run *run, const struct cel_node *node, enum answer *answer);

/* eval_literal.c: the values of LIST and MAP. */
bool cel_run_list(struct run *run, const struct cel_node *node, struct cel_value *out);
bool cel_run_map(struct run *run, const struct cel_node *node, struct cel_value *out);

/* eval_macro.c: runs the macro `node` over `value`, where its result goes too. */
bool cel_run_macro(struct run *run, const struct cel_node *node, struct cel_value *value);

#endif
