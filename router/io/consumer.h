/* The consumer: one member of the fleet's consumer group, for all workers of this router.
 *
 *     release ── topics ──> subscription ──> rebalance ──> assignments ──> workers
 *                                               │               │
 *                  offsets and courses: where to begin    what may be committed ──> commits
 *
 * Cooperative rebalancing: partitions that stay are not disturbed. A partition that goes is drained first: its worker
 * stops reading, waits for what is on its way, and what is done is committed before it is given up.
 */
#ifndef ROUTER_IO_CONSUMER_H
#define ROUTER_IO_CONSUMER_H

#include "router/io/worker.h"

struct consumer;

struct consumer_setup {
    const struct router_settings *settings;
    struct worker *const *workers; /* borrowed; started */
    size_t worker_count;
};

/* Makes the client and its thread; it joins nothing before consumer_follow(). */
VX_MUSTCHECK enum vx_status consumer_start(const struct consumer_setup *setup, struct consumer **out,
                                           struct vx_err *err);
/* Subscribes to the topics of `t`, and to those of `there` (NULL: none) that its patterns take, where they differ from
 * those subscribed to. Any thread; returns at once. */
void consumer_follow(struct consumer *c, const struct table *t, const struct vx_strings *there);
/* The user name and password of `kafka` (borrowed to the end) are for connections from now on. Of a static member its
 * certificates and tokens, too: its client is replaced, which pauses its partitions for a moment and rebalances nobody.
 * Where the new one reaches no broker the old one stays. Any thread; returns at once. */
void consumer_renew(struct consumer *c, const struct vx_pairs *kafka);
/* Drains all partitions until `deadline_ms` (monotonic), commits, leaves the group. The thread ends. False when it
 * could not leave in time. */
bool consumer_leave(struct consumer *c, int64_t deadline_ms);
/* After consumer_leave() and after the workers have been stopped. */
void consumer_free(struct consumer *c);
/* The worker's `group` and `committed`. */
struct rd_kafka_consumer_group_metadata_s *consumer_group(struct consumer *c);
bool consumer_committed(struct consumer *c, struct rd_kafka_topic_partition_list_s *list, int timeout_ms);
/* The worker's on_closed and on_course; `consumer` is the struct consumer. */
void consumer_on_closed(void *consumer, struct assignment *a);
void consumer_on_course(void *consumer);

/* True once it is a member of its group and has begun all partitions of an assignment (which may be empty). Any thread. */
bool consumer_has_joined(const struct consumer *c);

/* True once librdkafka has given the consumer up for good (another process has its instance_id): it reads nothing until
 * the process is started again. Any thread. */
bool consumer_has_failed(const struct consumer *c);

/* A partition that it has; a copy. */
struct consumer_partition {
    const char *topic;
    int32_t partition;
    int64_t committed; /* -1: nothing since the assignment */
    int64_t lag;       /* -1: unknown */
    size_t depth_events, depth_bytes;
    enum lane_hold hold;
    const char *message;
};
/* Calls `each` for every partition; under a lock: be quick. Any thread. */
void consumer_each(struct consumer *c, void (*each)(void *ctx, const struct consumer_partition *p), void *ctx);

#endif
