/* An assigned partition, as the consumer and the worker that has it share it.
 *
 *     consumer: makes it, commits what it says ──> worker: reads its queue, writes what may be committed ──> closed
 *
 * The consumer's thread makes and frees it; between assignment and on_closed it is also the worker's.
 */
#ifndef ROUTER_IO_ASSIGNMENT_H
#define ROUTER_IO_ASSIGNMENT_H

#include <pthread.h>

#include "router/io/lane.h"

struct rd_kafka_queue_s;

struct assignment {
    const char *topic; /* owned, with all the rest, by the consumer */
    int32_t partition;
    struct rd_kafka_queue_s *queue; /* read by the worker, destroyed by the consumer once closed */
    struct worker *w;

    pthread_mutex_t lock; /* of what the worker writes: */
    int64_t committable;  /* -1: nothing new since the assignment */
    int32_t leader_epoch;
    size_t depth_events, depth_bytes;
    enum lane_hold hold; /* HOLD_NONE while it goes on */
    char message[LANE_MESSAGE_SIZE];

    bool closed; /* under the consumer's lock: the worker has let go */

    int64_t committed; /* the consumer's own: offset last committed; -1: none */
    int64_t lag;       /* events between the last commit and the end of the partition; -1: unknown */
    struct assignment *next;
};

#endif
