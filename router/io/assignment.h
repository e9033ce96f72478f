/* An assigned partition, as the consumer and the worker that has it share it.
 *
 *     consumer: makes it, commits what it says ──> worker: reads its queue, writes what may be committed ──> closed
 *                                                    └── moves it ──> another worker
 *
 * The consumer's thread makes and frees it; between assignment and on_closed it is also the worker's. Which worker's is
 * `w`: what is meant for whoever has it is given to `w` under the lock, and so is it itself (worker_move.c).
 */
#ifndef ROUTER_IO_ASSIGNMENT_H
#define ROUTER_IO_ASSIGNMENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "router/io/ledger.h"

struct rd_kafka_queue_s;

struct assignment {
    const char *topic; /* owned, with all the rest, by the consumer */
    int32_t partition;
    struct rd_kafka_queue_s *queue; /* read by the worker, destroyed by the consumer once closed; NULL: not begun */

    pthread_mutex_t lock; /* of all that follows up to `message` */
    struct worker *w;     /* that has it, or that it was given; NULL: not begun */
    bool closing;         /* `w` was told to close it: it moves no more */
    bool moving;          /* another worker is to have it, and does not have it yet */
    /* the ledger, and what the worker writes: */
    struct ledger ledger;
    size_t depth_events, depth_bytes;
    enum lane_hold hold; /* HOLD_NONE while it goes on */
    char message[LANE_MESSAGE_SIZE];

    atomic_bool news; /* a commit was accepted: new to the worker */

    atomic_bool gone; /* the consumer goes on without it, whatever its worker does: nothing of it may be committed */

    bool closed; /* under the consumer's lock: no worker has it */

    /* the consumer's own: */
    int64_t lag;         /* events between the last commit and the end of the partition; -1: unknown */
    unsigned move_count; /* how often it was asked to move */
    int64_t move_ms;     /* not asked again before; monotonic */
    struct assignment *next;
};

#endif
