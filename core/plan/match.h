/* Which rules take an event: the seam between deciding (decide.c), which asks, and the rule index (index/), which answers
 * fast. Private to core/plan.
 *
 *     decide ── match_begin(entry) ── match_first | match_all of `entry` ── … of each routing that it is handed over to
 *
 * What is right is defined by the plain loops, match_first_loop() and match_all_loop(): conditions are tested one after
 * the other, in the order of the rules, and a condition that fails is false. Whatever finds the same rules faster may
 * stand in match_first() and match_all(); trace and tests use the loops.
 *
 * All of them take their steps from the budget of the event (frame->budget). Where it is spent, what they answer counts
 * for nothing: the event is refused.
 *
 * Thread: a worker, with its own scratch. No heap once warm.
 */
#ifndef VX_PLAN_MATCH_H
#define VX_PLAN_MATCH_H

#include "core/plan/compiled.h"

/* What an index keeps between events, one per worker (decider.match). The plain loops keep nothing: NULL. */
struct match_scratch;
struct match_scratch *match_scratch_new(void);
void match_scratch_free(struct match_scratch *scratch);

/* Gives routes their indexes, which lie in an arena of the table. A route that one other hands on to (match_hands_on), and
 * that events reach on no other way, is searched with that one and has none of its own. Built last, when every route of the
 * table and every slot is there; of route n the typed trees are in c->set->routings[n], see route.first_rule. */
void match_indexes_make(struct compiler *c);
/* The rule that hands all that is left over to another routing, for the first match of both; NULL: there is none. */
const struct rule *match_hands_on(const struct route *route);

/* One event's search. */
struct match {
    struct match_scratch *scratch;   /* of the worker */
    const struct route *entry;       /* of the event's topic; `entry->index` may answer for every route it reaches */
    struct cel_frame *frame;         /* of the event as it came, scanned */
    const struct match_index *asked; /* the last that was asked for a first rule; NULL: none. Private to index/ */
    uint32_t best;                   /* its answer */
    uint64_t steps;                  /* of the programs that indexes ran. Private to index/ */
    /* Conditions that were evaluated and failed, not of absence (cel_test). The loops evaluate those before the rule that
     * is found (match_first) or all (match_all); an index may know without evaluating, or look at more. */
    uint32_t failed;
};
/* Before the first question about an event. */
void match_begin(struct match *m, struct match_scratch *scratch, const struct route *entry, struct cel_frame *frame);

/* The first rule of `route` whose condition holds; `otherwise` when none does. `route` is m->entry or reached from it. */
const struct rule *match_first(struct match *m, const struct route *route);
/* All rules of `route` whose conditions hold, in order; `otherwise` alone when none does. At least one; the array lies in
 * the frame's arena. */
const struct rule *const *match_all(struct match *m, const struct route *route, size_t *count);

/* The definitions. */
const struct rule *match_first_loop(struct match *m, const struct route *route);
const struct rule *const *match_all_loop(struct match *m, const struct route *route, size_t *count);

#endif
