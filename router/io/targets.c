/* See targets.h. Thread: the worker's; the registry's thread changes what destinations say meanwhile. */
#include "router/io/targets.h"

#include <stddef.h>

void targets_add(struct targets *t, struct target *target, struct destination *destination, int32_t partition)
{
    if (!target->destination) {
        *target = (struct target){
            .destination = destination,
            .partition = partition,
            .incarnation = atomic_load_explicit(&destination->incarnation, memory_order_relaxed),
            .next = t->first,
        };
        t->first = target;
    }
    if (partition > target->partition)
        target->partition = partition;
}

const struct destination *targets_gone(const struct targets *t)
{
    for (const struct target *target = t->first; target; target = target->next) {
        struct destination *d = target->destination;
        /* the count, too: it may have become less between placing the first record and sending it */
        if (atomic_load(&d->incarnation) != target->incarnation ||
            target->partition >= atomic_load(&d->partition_count))
            return d;
    }
    return NULL;
}

void targets_clear(struct targets *t)
{
    for (struct target *target = t->first, *next; target; target = next) {
        next = target->next;
        *target = (struct target){0};
    }
    t->first = NULL;
}
