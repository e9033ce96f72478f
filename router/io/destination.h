/* A destination as the brokers describe it: whether it is there, how many partitions it has, and how often it became
 * another one under the same name.
 *
 * An incarnation ends when the topic is seen gone, with fewer partitions than before, or with another id (KIP-516; from
 * brokers that know ids). What is on its way to one is lost or stuck when the next one is there, and what a producer knows
 * about its partitions is not true any more.
 *
 * Pure: no clock, no thread of its own, no Kafka.
 */
#ifndef ROUTER_IO_DESTINATION_H
#define ROUTER_IO_DESTINATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/io/agenda.h"

enum destination_state { DESTINATION_UNKNOWN, DESTINATION_THERE, DESTINATION_MISSING, DESTINATION_FORBIDDEN };

struct destination_id {
    uint64_t high, low; /* both 0: not known */
};

struct destination {
    atomic_int state;                 /* enum destination_state; written under the registry's lock, read by anybody */
    const char *name;                 /* owned; the rest is the registry's */
    atomic_int partition_count;       /* 0: not known */
    atomic_uint incarnation;          /* how many of that name were before it, as far as known */
    atomic_size_t batch_record_bytes; /* records above are sent alone: whether a broker takes them is not known */
    struct destination_id id;
    bool seen;               /* it was there when it was asked about last */
    int tries;               /* answers in a row that were not "there" */
    struct agenda_entry due; /* when it is asked about next */
    struct destination *next;
};

/* What the brokers said. */
struct destination_answer {
    enum destination_state state; /* DESTINATION_UNKNOWN: nobody answered */
    int partition_count;          /* of one that is there */
    bool gone;                    /* it was missing, though it may be there again */
    struct destination_id id;
};

/* Takes an answer in. True: its state is another one, or it is another incarnation. Under the registry's lock. */
bool destination_take(struct destination *e, const struct destination_answer *answer);
/* A broker told a producer how many partitions it has; > 0. Any thread. */
void destination_resize(struct destination *e, int partition_count);

#endif
