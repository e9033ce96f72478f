/* Counters: what happened, by topic, by rule, by pipeline, by release, never multiplied.
 *
 * A counter has a number and, once named, keeps it for the life of the process, so that counts go on over releases.
 * Each worker has a shard: it alone adds to it, with plain relaxed stores; a scrape sums the shards. No lock on the hot
 * path.
 */
#ifndef ROUTER_METRICS_H
#define ROUTER_METRICS_H

#include <stdatomic.h>

#include "core/base/buf.h"

enum {
    METRICS_COUNTERS_MAX = 1 << 18, /* names beyond are counted together in one, "overflow" */
    METRICS_CHUNK = 1 << 10,
    METRICS_SHARDS_MAX = 257,
};

/*    family                 name                            labels               help */
#define METRICS_LIST(X)                                                                                                \
    X(METRIC_EVENTS, "veltrix_events_total", "topic", "Events read, by source topic.")                                 \
    X(METRIC_OUTCOMES, "veltrix_outcomes_total", "outcome", "Events by what became of them.")                          \
    X(METRIC_RECORDS, "veltrix_records_total", "topic", "Records acknowledged, by destination topic.")                 \
    X(METRIC_RULES, "veltrix_rule_events_total", "routing\1rule", "Events by the rule that took them.")                \
    X(METRIC_PIPELINES, "veltrix_pipeline_events_total", "pipeline", "Events that ran through a pipeline.")            \
    X(METRIC_FILTERED, "veltrix_pipeline_filtered_total", "pipeline", "Events that a filter of a pipeline ended.")     \
    X(METRIC_FAILED, "veltrix_pipeline_failed_total", "pipeline", "Events that a pipeline refused.")                   \
    X(METRIC_REASONS, "veltrix_refused_total", "reason", "Refusals by reason.")                                        \
    X(METRIC_DEAD_LETTERS, "veltrix_dead_letters_total", "topic", "Dead letters, by the source topic of the event.")   \
    X(METRIC_CONDITIONS, "veltrix_failed_conditions_total", "topic",                                                   \
      "Conditions that failed, by source topic; where rules are indexed, what failed in them, each once per event.")   \
    X(METRIC_RELEASES, "veltrix_release_events_total", "release", "Events decided, by release.")                       \
    X(METRIC_RELEASE_WAIT, "veltrix_release_wait_microseconds_total", "",                                              \
      "Microseconds that partitions with events at hand stood still for a change of release.")                         \
    X(METRIC_AGAIN, "veltrix_attempts_repeated_total", "", "Attempts at an event after the first.")                    \
    X(METRIC_FAILURES, "veltrix_delivery_failures_total", "error", "Records that came back undelivered.")              \
    X(METRIC_PRODUCERS, "veltrix_producers_recreated_total", "", "Producers made anew after a fatal error.")           \
    X(METRIC_TRANSACTIONS, "veltrix_transactions_total", "outcome", "Transactions by how they ended.")                 \
    X(METRIC_UNSURE, "veltrix_order_unsure_total", "",                                                                 \
      "Partitions whose uncommitted events could not be decided by the release that decided them before.")
enum metrics_family {
#define X(family, name, labels, help) family,
    METRICS_LIST(X)
#undef X
        METRICS_FAMILY_COUNT
};

struct metrics;
struct metrics *metrics_new(size_t shard_count);
void metrics_free(struct metrics *m);

/* The number of a counter; `a` and `b` are its label values (NULL where the family has fewer). Any thread; takes a
 * lock: not per event. */
uint32_t metrics_counter(struct metrics *m, enum metrics_family family, const char *a, const char *b);

/* Adds on the caller's shard; only one thread may use a shard. */
void metrics_add(struct metrics *m, size_t shard, uint32_t counter, uint64_t n);
/* The sum over all shards. */
uint64_t metrics_sum(struct metrics *m, uint32_t counter);
/* Appends all counters in Prometheus' text format. */
void metrics_print(struct metrics *m, struct vx_buf *out);
/* The sum over all counters of a family. */
uint64_t metrics_total(struct metrics *m, enum metrics_family family);

/* Appends `name{label="value",...} ` with the values escaped; for gauges. `pairs` are name, value, ..., NULL. */
void metrics_name(struct vx_buf *out, const char *name, const char *const *pairs);

#endif
