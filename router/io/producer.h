/* A producer: hands records to librdkafka and gives their fates back. A worker has two:
 *  - the main one, idempotent and gapless: a refused batch is fatal for it, so that nothing behind it gets in before
 *    it. A broker watches over that only once it knows the producer in that partition, and takes any batch until then
 *    (after producer.id.expiration.ms without a record, a day, again): the first record of each partition goes alone;
 *  - one for records that are sent alone (suspects, retries of doubtful destinations), a batch each, made when first
 *    needed.
 * Records do not time out; a broker that is away is back-pressure (producer_has_room).
 *
 * Thread: the worker's; only on_wake comes from a thread of librdkafka.
 */
#ifndef ROUTER_IO_PRODUCER_H
#define ROUTER_IO_PRODUCER_H

#include "core/config/field.h"
#include "router/io/destinations.h"
#include "router/io/lane.h"
#include "router/io/opening.h"
#include "router/io/targets.h"
#include "router/metrics.h"

enum {
    PRODUCER_BATCH_MIN_BYTES = 16384, /* batches are not made smaller than this for topics that take less */
};

struct producer;
struct rd_kafka_s;

/* A destination as one producer knows it. */
struct producer_topic {
    const char *name;                /* owned */
    struct destination *destination; /* borrowed from the registry; NULL beyond its limit */
    void *rkt;                       /* rd_kafka_topic_t, owned */
    uint32_t counter;                /* of METRIC_RECORDS */
    int asked_count;                 /* partitions that were found when a record's one was unknown here; 0: never */
    bool doubted;
    struct opening opening; /* of the main producer only */
    struct target target;   /* of a transaction; its owner's */
    struct producer_topic *next;
};

struct producer_setup {
    const struct vx_pairs *kafka;
    struct destinations *destinations;
    struct metrics *metrics;
    bool alone;
    const char *transactional_id; /* NULL: none */
    size_t batch_bytes;           /* the largest batch; 0: as configured */
    /* A record came back; `why` is NULL when it is well. */
    void (*on_report)(void *ctx, uint64_t ticket, enum lane_ack ack, bool alone, const char *why,
                      struct producer_topic *topic);
    /* There are reports to serve; from any thread. */
    void (*on_wake)(void *ctx);
    void *ctx;
    void *report_ctx; /* of on_report, where it is not `ctx` */
};

/* `setup` is copied, what it points to is borrowed until producer_free(). VX_EINVAL: librdkafka refuses the properties. */
VX_MUSTCHECK enum vx_status producer_new(const struct producer_setup *setup, struct producer **out, struct vx_err *err);
/* Purges what is on its way, reports it as LANE_ACK_AGAIN, and frees. NULL is fine. */
void producer_free(struct producer *p);

/* The destination of that name; made when new. */
struct producer_topic *producer_topic(struct producer *p, struct vx_span name);

struct producer_record {
    const struct decide_record *record;
    int64_t timestamp_ms;   /* -1: none; 0 is sent as 1 */
    struct vx_span release; /* value of the header veltrix-release; empty: no header */
    uint64_t ticket;
    int32_t partition;       /* of the destination */
    int32_t partition_count; /* that it has, as the record was placed */
    bool lend;               /* the value's bytes live until the report */
    /* The event's, where the record has its headers as they came and no other record of it is still to be sent: they are
     * taken from it. They are its again where the record is not sent. NULL: they are copied. */
    struct rd_kafka_message_s *headers_from;
};
/* Is the first record to that partition on its way, or one to an earlier incarnation of the topic? */
bool producer_is_opening(const struct producer_topic *topic, int32_t partition);
/* LANE_ALONE, of the main producer only: no record of this size is known to get there. LANE_AGAIN also while
 * producer_is_opening(). */
enum lane_sent producer_send(struct producer *p, struct producer_topic *topic, const struct producer_record *r);

/* Gives the reports that are there to on_report; returns how many. */
size_t producer_serve(struct producer *p);
/* True when the records of one more event may be handed over. */
bool producer_has_room(const struct producer *p);
/* May one of `sharers` that has `records` of `bytes` in all on their way hand over more? Always while less than half of
 * the room is taken; then only up to its share of the other half, so that what waits for a destination that blocks
 * leaves room for the others. */
bool producer_shares_room(const struct producer *p, size_t sharers, size_t records, size_t bytes);
/* True after a fatal error: make a new one. `*why` (may be NULL) gets librdkafka's words, valid until freed. */
bool producer_is_broken(struct producer *p, const char **why);
/* After a fatal error: the batch size that will do, when a batch of several records was refused (a topic may take less
 * than batch.size, and then refuses records that are fine); else the one it has. */
size_t producer_batch_bytes(const struct producer *p);
/* After a fatal error: tells the registry of a record that was too large in a batch of its own. */
void producer_learn(const struct producer *p);
/* The same of a transactional one, at the end of each transaction: true when a smaller batch size will do. */
bool producer_shrinks(struct producer *p);
size_t producer_outstanding(const struct producer *p);
/* librdkafka's handle, for transactions. */
struct rd_kafka_s *producer_handle(struct producer *p);
/* Everything that is on its way comes back now, as LANE_ACK_AGAIN where it is not known to have got there. */
void producer_purge(struct producer *p);

#endif
