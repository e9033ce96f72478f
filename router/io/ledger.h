/* The ledger of an assignment: what its worker says may be committed, and what of it the group has taken.
 *
 *     lane ──ledger_write──> offset, course, until ──ledger_offer──> commit ──> group
 *     lane <──ledger_hear─── recorded <──────────────ledger_accept──── its answer
 *
 * Where delivery is exactly once, transactions carry the offsets (transaction.h) and none is offered here.
 *
 * Two rules. An offset is offered only when the lane's window has passed it (or where the lane began: a course has to
 * stand somewhere). What the lane may decide next (course.h) comes back from an accepted commit only, never from one
 * that was sent.
 *
 * Pure: no clock, no thread, no Kafka. Where worker and consumer are two threads, the assignment's lock is held.
 */
#ifndef ROUTER_IO_LEDGER_H
#define ROUTER_IO_LEDGER_H

#include "router/io/lane.h"

struct ledger {
    /* what the worker writes: */
    bool draining;        /* it shall be `exact`: what is to be committed goes on record first */
    bool exact;           /* its offsets go with transactions: nothing is offered here */
    int64_t committable;  /* -1: nothing new since the assignment */
    int32_t leader_epoch; /* of the event before it */
    struct course course; /* before the first ledger_write(): what it begins with */
    int64_t until;        /* for the next commit: nothing from here on is decided before it is acknowledged */
    bool final;           /* nothing more is decided: `until` is exact */
    bool unrecorded;      /* the next commit says something new, whatever its offset */
    uint64_t asked;       /* version of the course that a commit was asked for */
    bool asked_until;     /* there was something unrecorded when it was asked for last */

    /* what the consumer writes: */
    int64_t committed;      /* offset last committed; -1: none. Where `exact`, by a transaction */
    bool answered;          /* nothing is on its way: the last commit offered was taken, or none was ever offered */
    uint64_t sent;          /* version of the course in the last commit sent */
    int64_t sent_until;     /* and its `until` */
    uint64_t recorded;      /* version of the course in the last commit that was acknowledged */
    int64_t recorded_until; /* and its `until` */
};

/* A commit of one partition. */
struct ledger_commit {
    int64_t offset;
    int32_t leader_epoch;        /* -1: unknown */
    char text[COURSE_TEXT_SIZE]; /* its metadata */
};

/* An assignment that begins at `offset` (negative: not known yet) with `course`. `found`: nothing is committed yet, and
 * where it begins is to be committed before the first event is read. */
void ledger_init(struct ledger *g, const struct course *course, int64_t offset, bool found, int32_t leader_epoch);
/* Writes down what the lane has come to. `ahead`: how far beyond what was delivered `until` shall lie. True: something
 * has to go on record before the lane can go on, and no commit was asked for yet. */
VX_MUSTCHECK bool ledger_write(struct ledger *g, const struct lane *l, int64_t ahead);
/* What to commit now; false: nothing new. */
VX_MUSTCHECK bool ledger_offer(struct ledger *g, struct ledger_commit *out);
/* Changes how offsets go. To transactions: false while a commit is on its way, or still to be made, which may not come
 * behind one of a transaction; then one is offered. */
VX_MUSTCHECK bool ledger_set_exact(struct ledger *g, bool exact);
/* The last commit offered was taken, at `offset`. */
void ledger_accept(struct ledger *g, int64_t offset);
/* Where `exact`: a transaction committed `offset`. */
void ledger_commit_exact(struct ledger *g, int64_t offset);
/* Tells the lane what is on record. */
void ledger_hear(const struct ledger *g, struct lane *l);

#endif
