/* An assigned partition, as the consumer and the worker that has it share it.
 *
 *     consumer: makes it, commits what it says ──> worker: reads its queue, writes what may be committed ──> closed
 *
 * The consumer's thread makes and frees it; between assignment and on_closed it is also the worker's.
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
    struct worker *w;               /* NULL: not begun */

    pthread_mutex_t lock; /* of the ledger, and what the worker writes: */
    struct ledger ledger;
    size_t depth_events, depth_bytes;
    enum lane_hold hold; /* HOLD_NONE while it goes on */
    char message[LANE_MESSAGE_SIZE];

    atomic_bool news; /* a commit was accepted: new to the worker */

    atomic_bool gone; /* the consumer goes on without it, whatever its worker does: nothing of it may be committed */

    bool closed; /* under the consumer's lock: no worker has it */

    int64_t lag; /* the consumer's own: events between the last commit and the end of the partition; -1: unknown */
    struct assignment *next;
};

#endif
