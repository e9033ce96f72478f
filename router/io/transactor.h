/* A transactional producer and the thread that waits for it.
 *
 *     worker: records ──> transaction ── commit or abort ──> helper: waits for the brokers ── end ──> worker
 *
 * The calls that register a producer and that end a transaction block until the brokers have answered. They are made by
 * a thread of their own, one of each producer, so that the worker's other partitions go on; those whose records are in
 * the transaction wait for its end. While the helper has the producer the worker does not touch it.
 *
 * Fencing (KIP-447). Offsets are sent with the metadata of the consumer group: a member that the group has given up
 * cannot commit, whatever its transactional.id. So that id need not name the partitions, and is one of each process,
 * worker and producer. It is the same one after a restart all the same: a router that comes back ends what its forerunner
 * left open at once, where the next owner and all readers would otherwise wait for transaction.timeout.ms.
 *
 * What a fatal error leaves unsure (was it committed?) is read from the group's committed offsets before anything is
 * decided again.
 */
#ifndef ROUTER_IO_TRANSACTOR_H
#define ROUTER_IO_TRANSACTOR_H

#include "router/io/producer.h"
#include "router/io/transaction.h"

enum {
    TRANSACTOR_CALL_MS = 2000,     /* of one blocking call, after which the helper looks whether it is to stop */
    TRANSACTOR_GIVE_UP_MS = 10000, /* within which one that was given up has ended; else its producer is broken */
};

struct rd_kafka_topic_partition_list_s;
struct rd_kafka_consumer_group_metadata_s;

struct transactor;

struct transactor_setup {
    struct producer_setup producer; /* `transactional_id` set; on_report and ctx are the transactor's own */
    /* Fills in the group's committed offsets (stable ones: none of a transaction that is under way); false when they are
     * not to be had in `timeout_ms`. From the helper. */
    bool (*committed)(void *ctx, struct rd_kafka_topic_partition_list_s *list, int timeout_ms);
    void *ctx;
};

/* How a transaction ended. */
enum transactor_end {
    TRANSACTOR_COMMITTED,
    TRANSACTOR_ABORTED,
    TRANSACTOR_BROKEN, /* the producer failed for good: make a new one. `offsets` says what the group has */
};

/* Makes the producer and begins to register it. As producer_new(). */
VX_MUSTCHECK enum vx_status transactor_new(const struct transactor_setup *setup, struct transactor **out,
                                           struct vx_err *err);
/* Ends the helper, which takes TRANSACTOR_CALL_MS at most; the producer is the worker's again. */
void transactor_stop(struct transactor *x);
/* Ends the helper, if it was not, and frees. What is in the transaction is dropped without a
 * word: settle it before. NULL is fine. */
void transactor_free(struct transactor *x);

/* Its parts, borrowed. */
struct transaction *transactor_transaction(struct transactor *x);
struct producer *transactor_producer(struct transactor *x);
/* True while records may be sent. */
bool transactor_takes(const struct transactor *x);
enum lane_sent transactor_send(struct transactor *x, struct producer_topic *topic, const struct producer_record *r,
                               int64_t now_ms);
/* Takes reports in. True when there were any. */
bool transactor_serve(struct transactor *x);
/* Commits what is in it with these offsets (taken over, like the group's metadata), or aborts it. */
void transactor_commit(struct transactor *x, struct rd_kafka_topic_partition_list_s *offsets,
                       struct rd_kafka_consumer_group_metadata_s *group);
void transactor_abort(struct transactor *x);
/* Is a destination gone that records of it are for, so that they may never get there? */
bool transactor_has_gone(const struct transactor *x);
/* Asks the registry about its destinations again. */
void transactor_ask(struct transactor *x);
/* Gives it up, also while it is being committed: drops what is not sent yet. It ends soon, as it can; what is on its way
 * is waited for, since a record that gets there after the end would stay in no transaction. Once given up, the producer is
 * to be made anew: what was dropped left gaps in its sequence, and it may believe in partitions that are not there. */
void transactor_give_up(struct transactor *x, int64_t now_ms);
bool transactor_is_given_up(const struct transactor *x);
/* True when it has ended: how, and the offsets that were to be committed (borrowed until transactor_settled(); NULL
 * after an abort that the worker asked for). Of TRANSACTOR_BROKEN those of the group stand in them, or -1 where nothing
 * was sent. Then settle its transaction, and transactor_settled(). */
bool transactor_ended(struct transactor *x, enum transactor_end *end,
                      const struct rd_kafka_topic_partition_list_s **offsets);
void transactor_settled(struct transactor *x);
/* Why it is broken, for people. */
const char *transactor_why(const struct transactor *x);
/* Another producer with its transactional.id was registered. */
bool transactor_is_fenced(const struct transactor *x);

#endif
