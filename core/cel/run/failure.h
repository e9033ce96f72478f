/* What an operation needs beside its arguments, and how it fails.
 *
 * A failure is recorded, not worded: `||` may absorb it, and a condition that fails on a million events must not
 * format a million sentences. cel_failure_text() words it when somebody asks.
 */
#ifndef VX_CEL_FAILURE_H
#define VX_CEL_FAILURE_H

#include "core/cel/cel.h"

enum cel_failure_kind {
    FAIL_TEXT,     /* `text` is the sentence */
    FAIL_KEY,      /* no such key: `subject` */
    FAIL_REPEATED, /* repeated key: `subject` */
    FAIL_INDEX,    /* index out of range: `subject` */
    FAIL_FIELD,    /* types[0] has no field `subject` */
    FAIL_HEADER,   /* header `subject` is not UTF-8 */
    FAIL_BOOL,     /* `text` takes bool, not `subject.type` */
    FAIL_TYPES,    /* no matching overload for `text` (`style`) of types[0..argc) */
    FAIL_SLOT,     /* the event has no `path` */
    FAIL_CONVERT,  /* `subject` is no `text` */
    FAIL_SUBJECT,  /* the macro `text` works on a list or a map (`style` 1: an optional), not on `subject.type` */
    FAIL_OPTIONAL, /* an optional is wanted, not `subject.type` */
    FAIL_ENTRY,    /* a map is wanted for the entries of a map, not `subject.type` */
};

struct cel_failure {
    uint8_t kind; /* enum cel_failure_kind */
    uint8_t style;
    uint8_t argc;
    uint8_t types[4];
    uint32_t offset;              /* where in the expression's text */
    const char *text;             /* static, or of the program */
    const struct json_path *path; /* of the program */
    struct cel_value subject;
};

struct cel_call {
    struct vx_arena *arena;      /* for what the operation makes */
    struct cel_scratch *scratch; /* for regular expressions; may be NULL */
    uint64_t steps;              /* left */
    struct cel_failure failure;
};

/* Record a failure and return false. */
bool cel_fail(struct cel_call *call, const char *text);
bool cel_fail_about(struct cel_call *call, enum cel_failure_kind kind, const char *text, struct cel_value subject);
bool cel_fail_types(struct cel_call *call, const char *name, uint8_t style, const struct cel_value *args, size_t argc);

/* The sentence, in `arena` or static. `event` may be NULL. Cost: may read the event again to find what is missing. */
const char *cel_failure_text(const struct cel_failure *failure, const struct cel_event *event, struct vx_arena *arena);

/* True when it failed because something is not there. */
static inline bool cel_failure_is_absence(const struct cel_failure *failure)
{
    return failure->kind == FAIL_SLOT || failure->kind == FAIL_KEY || failure->kind == FAIL_INDEX;
}

/* Takes `steps` from the budget; false when it is spent. */
static inline bool cel_charge(struct cel_call *call, uint64_t steps)
{
    if (__builtin_expect(call->steps < steps, 0)) {
        call->steps = 0;
        return cel_fail(call, "the evaluation takes too many steps");
    }
    call->steps -= steps;
    return true;
}

/* Takes what there is of `steps`; the next cel_charge() finds out. */
static inline void cel_spend(struct cel_call *call, uint64_t steps)
{
    call->steps -= call->steps < steps ? call->steps : steps;
}

#endif
