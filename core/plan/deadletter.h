/* Dead letters: the event as it came, with the reason in its headers. Private to core/plan.
 *
 * The names are Kafka Connect's (`__connect.errors.*`), the values UTF-8 text:
 *     __connect.errors.topic, .partition, .offset     where the event was read
 *     __connect.errors.connector.name                 "veltrix"
 *     __connect.errors.stage                          "fraud-check/stages[2].set", "player-events/rules[cheater]", …
 *     __connect.errors.exception.class.name           the reason's label: "stage_failed"
 *     __connect.errors.exception.message              the message for people
 *     veltrix-pipeline                                the pipeline that the rule called; not for the routing's own
 */
#ifndef VX_PLAN_DEADLETTER_H
#define VX_PLAN_DEADLETTER_H

#include "core/plan/decide.h"

struct deadletter {
    const char *topic;
    enum decide_reason reason;
    const char *message;
    const char *stage;  /* where it failed, as above */
    const char *called; /* pipeline, or NULL */
    uint32_t pipeline;  /* for decide_record.pipeline */
};

/* Fills `record`; texts that are made lie in `arena`. Headers of an earlier dead letter give way to these. */
void deadletter_make(const struct deadletter *why, const struct cel_event *source, struct vx_arena *arena,
                     struct decide_record *record);

#endif
