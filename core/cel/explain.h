/* Why a condition gave what it gave: the parts of it that decided, each with the values it looked at.
 *
 *     event.type == "purchase" && event.amount >= 1000
 *       ──> event.amount >= 1000 is false, having seen event.amount = 12
 *
 * Of `&&` and `||` those operands decided that settle it: the first false one of an `&&` that is false, all of one that is
 * true, those that failed of one that fails; of `c ? a : b` the condition and the branch it chose. Everything else is a
 * part as it stands.
 *
 * Thread: taking apart is load time, any one thread; the result is immutable, lives in the caller's arena, and borrows
 * from the expression. Explaining is for people: it is not bounded in memory as evaluation is.
 */
#ifndef VX_CEL_EXPLAIN_H
#define VX_CEL_EXPLAIN_H

#include "core/cel/cel.h"

enum { CEL_EXPLAIN_SEEN_MAX = 16 }; /* values shown of one part; more are left out */

/* A value that was looked at. */
struct cel_seen {
    struct vx_span text;    /* of the sub-expression, as written */
    struct vx_span value;   /* as a literal: 12, "EUR"; at NULL where it failed */
    struct vx_span failure; /* why it failed: "no such key: amount"; at NULL else */
};

/* A part that decided: what it gave, and what it looked at. */
struct cel_reason {
    struct cel_seen part;
    const struct cel_seen *seen; /* none where the part is all there is to see */
    size_t seen_count;
};

struct cel_reasons {
    bool holds;  /* it is the bool true */
    bool failed; /* it gave no bool */
    const struct cel_reason *at;
    size_t count;
};

struct cel_explain;
/* Takes `expr` apart; the fields of the event that its parts read are added to `slots`. */
const struct cel_explain *cel_explain_new(struct vx_arena *arena, const struct cel_expr *expr, struct cel_slots *slots);
/* Explains it for the event of `frame`, whose slots are numbered by the `slots` of cel_explain_new(). The result lies in
 * the frame's arena. */
void cel_explain(const struct cel_explain *explain, struct cel_frame *frame, struct cel_reasons *out);

#endif
