/* A worker: a thread that routes the events of the partitions it was given.
 *
 *     partition queues ──> batch ──> lanes: decide, produce ──> producer
 *                                      ^                           │
 *                                      └──── delivery reports ─────┘
 *
 * Workers share nothing but tables and destinations. Orders reach a worker through a short list under a lock, a release
 * by one atomic exchange; both take effect between batches.
 */
#ifndef ROUTER_IO_WORKER_H
#define ROUTER_IO_WORKER_H

#include "router/io/adoption.h"
#include "router/io/assignment.h"
#include "router/io/destinations.h"
#include "router/settings.h"

enum {
    WORKER_BATCH_MAX = 1000,  /* events read from one queue before others get their turn; larger costs cache misses */
    WORKER_REMIND_MS = 60000, /* a held partition is logged again this often */
    WORKER_LANES_MAX = 1 << 14,
    WORKER_MOVE_MS = 1000, /* within which a partition that is to move is drained, or it stays */
    WORKER_PRODUCERS_MAX = 16,
};

struct worker;
struct rd_kafka_consumer_group_metadata_s;
struct rd_kafka_topic_partition_list_s;

struct worker_setup {
    const struct router_settings *settings;
    struct metrics *metrics;
    struct destinations *destinations;
    size_t number; /* from 0; also its shard of the metrics */
    /* The worker has let go of an assignment; from its thread. */
    void (*on_closed)(void *ctx, struct assignment *a);
    /* A course is to be put on record: commit soon. From its thread. */
    void (*on_course)(void *ctx);
    /* An older release is needed: worker_post_older() when it is there, or not to be had. From its thread. */
    void (*on_want)(void *ctx, uint32_t release);
    /* What this router is in its consumer group now (rd_kafka_consumer_group_metadata_t; the caller's to destroy), and
     * the group's committed offsets, stable ones; false when they are not to be had in time. Any thread. */
    struct rd_kafka_consumer_group_metadata_s *(*group)(void *ctx);
    bool (*committed)(void *ctx, struct rd_kafka_topic_partition_list_s *list, int timeout_ms);
    void *ctx;
};

/* `setup` is copied, what it points to is borrowed until worker_stop(). Fails only as producer_new() does. */
VX_MUSTCHECK enum vx_status worker_start(const struct worker_setup *setup, struct worker **out, struct vx_err *err);
/* Ends the thread: what is on its way is purged, lanes that are left are closed without a word to the consumer. */
void worker_stop(struct worker *w);

/* The release to route by from the next batch on; takes the reference over. One poster. */
void worker_post(struct worker *w, struct adoption *a);
/* An older release that was wanted, the reference is taken over; NULL: `release` is not to be had. Any thread. */
void worker_post_older(struct worker *w, uint32_t release, struct adoption *a);
/* The release that the worker routes by; 0: none yet. Any thread. */
uint32_t worker_release(const struct worker *w);
/* Producers anew, from `kafka` (borrowed to the end), as soon as nothing is on its way; until then nothing is decided.
 * Where they cannot be made, the old ones stay. Any thread. */
void worker_renew(struct worker *w, const struct vx_pairs *kafka);
/* When its thread last moved, monotonic. Any thread. */
int64_t worker_moved_ms(const struct worker *w);
/* Gives it a partition; its queue must not be forwarded and is read from now on. */
void worker_assign(struct worker *w, struct assignment *a);
/* Whoever has the partition stops reading it, waits for what is on its way until `deadline_ms` (monotonic), then
 * on_closed. The consumer's thread. */
void worker_close(struct assignment *a, int64_t deadline_ms);
/* Whoever has the partition drains it and gives it to `to`, without a word to the group; where it is not drained within
 * WORKER_MOVE_MS, it stays. False: it is being moved already, or closed, or there. The consumer's thread; no worker may be
 * stopped before all partitions were closed. */
bool worker_move(struct assignment *a, struct worker *to);
/* How many partitions it was given and was not told to close. Any thread. */
size_t worker_load(const struct worker *w);
/* Wakes it up: destinations changed. Any thread. */
void worker_wake(struct worker *w);
/* Wakes it up: a commit was acknowledged. Any thread. */
void worker_nudge(struct worker *w);

#endif
