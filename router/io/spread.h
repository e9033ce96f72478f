/* How partitions are spread over the workers of a router: which worker gets a new one, and when one is moved.
 *
 * By how many each has, not by what comes in: traffic changes from one minute to the next, and a spread that follows it
 * never comes to rest, while each move makes a partition wait until it is drained. Counts stay as they are between two
 * rebalances, and a difference of one cannot be mended: so moves come to an end by themselves.
 *
 * Pure.
 */
#ifndef ROUTER_IO_SPREAD_H
#define ROUTER_IO_SPREAD_H

#include <stdbool.h>
#include <stddef.h>

struct spread_worker {
    size_t load; /* partitions */
    bool moves;  /* its thread does */
};

/* The worker for a new partition: of those that move, if any does, the first of those that have fewest. */
size_t spread_least(const struct spread_worker *at, size_t count);
/* Does one of those that move have at least two more than another one of them? Then a partition goes from `*from`, which
 * has most, to `*to`, which has fewest. */
bool spread_is_uneven(const struct spread_worker *at, size_t count, size_t *from, size_t *to);

#endif
