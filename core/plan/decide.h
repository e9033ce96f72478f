/* The one function that decides a route: event in, records out. The router, simulate, explain and the checks of what is
 * published all call it. Pure: no socket, no clock, no thread; the same input gives the same answer every time.
 *
 *     event ── scan wanted fields once ── first rule that matches ── its pipelines, each on a copy of its own ── records
 *                                         (match: all: every one)
 *                                          └─ hand-over: the rules of another routing, instead
 *
 * An attempt at an event is all or nothing per pipeline: a pipeline that fails emits nothing but its dead letter.
 *
 * `match: all`: the rules that match run one after the other, in their order, each on the event as it came; their records
 * follow each other. A rule that drops adds nothing and stops nobody. `otherwise` runs when none matches. The event is
 * stuck, or refused as a whole (too_many, too_costly), for all of its rules together.
 *
 * Hand-over: the rules of the other routing decide as if they stood there, by its own `match` and its own `otherwise`; the
 * event does not come back. Its `dead_letter` counts, and where it has none, that of the routing it was handed over by.
 * What is refused before or beyond any rule (not_json, too_many, too_costly) goes to the dead letters of the topic's routing.
 *
 * Cost per event: no heap once warm, no lock, no clock, and never more than DECIDE_STEPS_MAX steps of evaluation: an event
 * that would take more is refused as a whole. Never is a condition taken for false because others spent the budget. It
 * counts what is evaluated: a rule index evaluates less than the plain loop, so it can decide events that the loop alone
 * would refuse; it never decides one otherwise than the loop.
 */
#ifndef VX_PLAN_DECIDE_H
#define VX_PLAN_DECIDE_H

#include "core/cel/cel.h"
#include "core/plan/table.h"

enum {
    DECIDE_RECORDS_MAX = 1024,                 /* records out of one event; beyond: the event is refused (too_many) */
    DECIDE_KEEP_BYTES = 4 * 1024 * 1024,       /* scratch memory kept between events */
    DECIDE_VALUE_MAX_BYTES = 64 * 1024 * 1024, /* what `set` may make of a value; beyond: the stage fails */
    /* Evaluation steps of all conditions, filters and templates of one event together; beyond: the event is refused
     * (too_costly). Ten expressions that each take all they may (CEL_STEPS_MAX); about 0.2 s. */
    DECIDE_STEPS_MAX = 10 * CEL_STEPS_MAX,
};

/* Names the release that decided a record; whoever produces it adds the header. */
#define DECIDE_RELEASE_HEADER "veltrix-release"

/* Scratch of one worker. One thread. */
struct decider;
struct decider *decider_new(void);
void decider_free(struct decider *d);
/* Who watches what decide() does from now on (trace.h); NULL, as at first: nobody, at the cost of one look per routing,
 * pipeline and stage. Borrowed. */
struct decide_trace;
void decider_trace(struct decider *d, const struct decide_trace *trace);

/* Why an event or one of its pipelines was refused; labels are metric labels and the dead letter's class. */
/*    name                  label                text for people */
#define DECIDE_REASON_LIST(X)                                                                                          \
    X(REASON_NONE, "none", "")                                                                                         \
    X(REASON_NOT_JSON, "not_json", "the value is not JSON, or nested too deep")                                        \
    X(REASON_STAGE_FAILED, "stage_failed", "a stage failed")                                                           \
    X(REASON_TOPIC_NOT_ALLOWED, "topic_not_allowed", "the topic is not in the emit's allow list")                      \
    X(REASON_TOO_MANY, "too_many", "more records than one event may become")                                           \
    X(REASON_TOO_COSTLY, "too_costly", "its rules and stages take more evaluation steps than one event may")           \
    X(REASON_RECORD_REFUSED, "record_refused", "the broker can never accept the record")                               \
    X(REASON_BY_RULE, "by_rule", "the rule sends it to the dead letters")
enum decide_reason {
#define X(name, label, text) name,
    DECIDE_REASON_LIST(X)
#undef X
        REASON_COUNT
};
const char *decide_reason_label(enum decide_reason reason);

/* What became of one event. */
enum decide_outcome {
    OUTCOME_EMITTED,     /* at least one record that is not a dead letter */
    OUTCOME_FILTERED,    /* every pipeline's filters ended it */
    OUTCOME_DROPPED,     /* by every rule that took it, or otherwise: drop */
    OUTCOME_DEAD_LETTER, /* only dead letters */
    OUTCOME_STUCK,       /* refused, and there is no dead-letter topic: its partition has to stop; no records */
    OUTCOME_UNROUTED,    /* no routing claims its topic */
};

/* A record to produce. Its bytes belong to the event or to the decider, valid until the decider's next decide(). */
struct decide_record {
    struct vx_span topic;             /* NUL-terminated */
    struct vx_span key;               /* at == NULL: none */
    struct vx_span value;             /* at == NULL: tombstone */
    const struct cel_header *headers; /* without veltrix-release, also where the event came with it */
    size_t header_count;
    bool value_is_source;    /* `value` is the event's own, unchanged: it may be lent */
    bool headers_are_source; /* unchanged */
    bool dead_letter;
    enum decide_reason reason; /* of a dead letter */
    uint32_t pipeline;      /* number in table_pipelines() of the pipeline that answers for the record: the innermost on
                                * its way that has a dead-letter topic, else the one that the rule called; UINT32_MAX for a
                                * dead letter of the routing itself (not_json, by_rule, too_many, too_costly) */
    const char *refused_to; /* the dead-letter topic for this record, should the broker refuse it; NULL: none, or it is
                             * a dead letter itself */
};

/* A rule that took the event. */
struct decide_rule {
    uint32_t rule;   /* number in table_rules() */
    bool hands_over; /* what the rules of its routing do comes right behind it */
};

struct decide_pipeline {
    uint32_t pipeline;
    bool filtered;
    enum decide_reason reason; /* REASON_NONE: it ran to its end */
};

struct decision {
    enum decide_outcome outcome;
    uint32_t rule; /* the first of `rules` that does not hand over; UINT32_MAX when no rule was reached (not JSON,
                    * unrouted) */
    const struct decide_rule *rules; /* all that took it, in order; each `otherwise` included */
    size_t rule_count;
    bool match_all; /* a routing on its way has `match: all`: several rules may stand in `rules` */
    struct decide_record *records;
    size_t record_count;
    const struct decide_pipeline *pipelines; /* those that ran, in order */
    size_t pipeline_count;
    enum decide_reason reason; /* the first refusal, also when it became a dead letter */
    const char *message;       /* for people, when there is a reason: pipeline, stage and failure */
    /* Conditions that were false because they failed, of anything but absence: a field, key, element or header that is not
     * there makes a condition false, and is no failure (cel_test). Where few rules are tried one after the other, and of
     * filters: the conditions. Where there is an index, which evaluates what its search asks for and not rule after rule:
     * the places that were asked for and cannot be read (a header that is not UTF-8), those whose value has no type that
     * the comparisons of it could take (of this routing, and of those that hand over to the same), and the expressions
     * that failed; each once per event. So the number is no sum over rules; that it is 0 says that nothing which was
     * looked at failed. */
    uint32_t failed_conditions;
};

/* Decides `ev` (its `slots` are ignored; the decider fills its own). Never fails: what is wrong is in the decision. */
void decide(struct decider *d, const struct table *t, const struct cel_event *ev, struct decision *out);

/* The dead letter for a record of the last decision about `ev` that the broker refused for good; `out` lives as long as
 * that decision. False when there is no topic for it. */
bool decide_refused(struct decider *d, const struct table *t, const struct cel_event *ev,
                    const struct decide_record *refused, const char *message, struct decide_record *out);

#endif
