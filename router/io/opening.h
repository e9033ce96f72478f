/* Which partitions of a destination know the producer.
 *
 * A broker watches over the sequence of a producer only once it knows it in that partition, and takes any batch until
 * then. So the first record to each partition goes alone: nothing follows it before it is back.
 *
 *     NONE ── sent ──> FIRST ── the broker took it ──> KNOWN
 *       ^                └── it failed ─┐
 *       └───────────────────────────────┘
 *
 * A topic that is deleted and made again knows nobody. Its number of incarnations (destination.h) says so: what is on its
 * way to the one before comes back first, then all begins anew.
 *
 * Pure: no clock, no thread, no Kafka.
 */
#ifndef ROUTER_IO_OPENING_H
#define ROUTER_IO_OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one producer and one destination; all zero at first. */
struct opening {
    uint8_t *states; /* of each partition; owned */
    int32_t count;
    unsigned incarnation; /* of the destination that they are about */
    size_t outstanding;   /* records on their way to it */
};

/* May a record for the partition be sent now? No: one that is on its way has to come back first. */
bool opening_may(const struct opening *o, unsigned incarnation, int32_t partition);
/* It was. */
void opening_sent(struct opening *o, unsigned incarnation, int32_t partition);
/* It came back; `taken`: the broker has it. A partition < 0 is none. */
void opening_back(struct opening *o, int32_t partition, bool taken);
/* Is the first record of the partition on its way? */
bool opening_is_first(const struct opening *o, int32_t partition);
void opening_done(struct opening *o);

#endif
