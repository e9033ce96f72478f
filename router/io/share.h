/* What the partitions of a worker may have on their way together.
 *
 * What has left the caches when it comes back costs a tenth more of a processor, so there is a bound for all of them. One
 * that has much to do gets what the others leave; one that comes late gets half an equal share at once, whatever the
 * others have.
 *
 * Pure.
 */
#ifndef ROUTER_IO_SHARE_H
#define ROUTER_IO_SHARE_H

#include <stddef.h>

enum {
    SHARE_EVENTS = 12000, /* of all: enough for half a million a second and a broker that takes 20 ms to answer */
    SHARE_BYTES = 16 * 1024 * 1024,
    SHARE_LEAST_EVENTS = 100, /* of one, also among very many */
};

struct share {
    size_t lanes;  /* that have events on their way */
    size_t events; /* of all */
};

/* How many more events a partition may have that has `count` of `event_bytes` (at least 1) each. SIZE_MAX: there is nobody
 * to share with. */
size_t share_room(const struct share *share, size_t count, size_t event_bytes);

#endif
