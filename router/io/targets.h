/* Where the records of a transaction go: its destinations, and of each the highest partition.
 *
 * In a transaction librdkafka asks for a partition that is not there any more until the record times out. Whether all of
 * them are still there is looked up here, so that the transaction is given up as soon as the registry knows better.
 *
 * Pure: no clock, no thread, no Kafka. Targets live in their owner's structures (producer.h).
 */
#ifndef ROUTER_IO_TARGETS_H
#define ROUTER_IO_TARGETS_H

#include "router/io/destination.h"

struct target {
    struct destination *destination; /* borrowed; NULL: not among the targets */
    int32_t partition;               /* the highest */
    unsigned incarnation;            /* of the destination, when its first record was sent */
    struct target *next;
};

struct targets {
    struct target *first;
};

/* A record was sent there. */
void targets_add(struct targets *t, struct target *target, struct destination *destination, int32_t partition);
/* Is one of them gone: deleted, made again, or left with fewer partitions? NULL: none is known to be. */
const struct destination *targets_gone(const struct targets *t);
/* Forgets them all. */
void targets_clear(struct targets *t);

#endif
