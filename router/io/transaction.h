/* What is in a transaction: the ledger of its records until it has ended.
 *
 *     READY ── a record ──> OPEN ── due ──> ENDING ── committed ──> READY     its records are acknowledged
 *                             └── doomed ──> ENDING ── aborted ───> READY     they came back: decided again
 *
 * A record of a transaction is not delivered when the broker has it, but when the transaction is committed. So its
 * report is kept here and told to its lane at the end, as it ended; to the lane the transaction is a producer that takes
 * a little longer. The lane's window holds the events until then, which is what bounds the ledger: windows times records
 * of an event.
 *
 * Pure: no clock, no thread, no Kafka.
 */
#ifndef ROUTER_IO_TRANSACTION_H
#define ROUTER_IO_TRANSACTION_H

#include "router/io/lane.h"

enum {
    TRANSACTION_RECORDS_MAX = 100000, /* records after which it is committed without waiting for its time */
};

enum transaction_state {
    TRANSACTION_STARTING, /* its producer is being registered: takes nothing */
    TRANSACTION_READY,    /* nothing in it */
    TRANSACTION_OPEN,
    TRANSACTION_ENDING, /* takes nothing */
    TRANSACTION_BROKEN, /* its producer is of no use any more */
};

struct transaction_report {
    uint64_t ticket;
    const char *why;   /* NULL when it is well; static */
    uint32_t counter;  /* of METRIC_RECORDS */
    enum lane_ack ack; /* as the broker said */
};

struct transaction {
    enum transaction_state state;
    bool doomed;                        /* it can only be aborted */
    int64_t opened_ms;                  /* monotonic */
    size_t sent;                        /* records handed over */
    const char *reason;                 /* why it is doomed; static. NULL: it is not */
    struct transaction_report *reports; /* owned */
    size_t count, room;
};

/* A record was handed over; the first one opens it. */
void transaction_sent(struct transaction *t, int64_t now_ms);
/* A record came back from the broker; one that is not well dooms it. */
void transaction_report(struct transaction *t, const struct transaction_report *report);
/* It can only be aborted, for the first reason that is given. */
void transaction_doom(struct transaction *t, const char *reason);
/* Is it to be ended by its age or its size? */
bool transaction_due(const struct transaction *t, int64_t now_ms, int64_t interval_ms);
/* It has ended. Tells the fate of every record: `is_done` says whether those of a lane are committed; those that are not
 * come back as LANE_ACK_AGAIN, or as the broker refused them. Then it is ready, and empty. */
struct transaction_ops {
    bool (*is_done)(void *ctx, uint32_t lane_id);
    void (*tell)(void *ctx, const struct transaction_report *report, enum lane_ack ack);
};
void transaction_settle(struct transaction *t, const struct transaction_ops *ops, void *ctx);
void transaction_done(struct transaction *t);

#endif
