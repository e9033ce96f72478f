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
    struct course course; /* before worker_assign(): what it begins with */
    int64_t until;        /* for the next commit: nothing from here on is decided before it is acknowledged */
    bool final;           /* nothing more is decided: `until` is exact */
    bool unrecorded;      /* the next commit says something new, whatever its offset */
    size_t depth_events, depth_bytes;
    enum lane_hold hold; /* HOLD_NONE while it goes on */
    char message[LANE_MESSAGE_SIZE];

    /* what the consumer writes: */
    uint64_t recorded; /* version of the course in the last commit that was acknowledged */
    int64_t recorded_until;
    atomic_bool news; /* these two are new to the worker */

    bool closed; /* under the consumer's lock: the worker has let go */

    int64_t committed; /* the consumer's own: offset last committed; -1: none */
    uint64_t sent;     /* version of the course in the last commit sent */
    int64_t sent_until;
    int64_t lag; /* events between the last commit and the end of the partition; -1: unknown */
    struct assignment *next;
};

#endif
