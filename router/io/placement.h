/* Placement: the partition of its destination that a record goes to. A function of the record and of the number of
 * partitions alone, so that an event that is sent again, by this router or by the next owner of its partition, goes where
 * it went before and nothing that was behind it is before it there.
 *
 *  - With a key: a hash of it, the one that the property `partitioner` of librdkafka names; without one murmur2 as in the
 *    Java clients, an empty key included.
 *  - Without a key: by where its event stood. PLACEMENT_RUN events in a row of a source partition go to one partition, so
 *    that batches fill, and the runs are spread evenly. Partitioners whose name does not end in _random take the missing
 *    key for an empty one, as librdkafka has it.
 *
 * Pure; any thread.
 */
#ifndef ROUTER_IO_PLACEMENT_H
#define ROUTER_IO_PLACEMENT_H

#include "core/base/buf.h"

enum { PLACEMENT_RUN = 64 };

struct placement;

/* The placement of that name of librdkafka's property `partitioner`; NULL is the default. NULL where there is none: it is
 * not known, or `random`, which is another one each time. */
const struct placement *placement_find(const char *partitioner);
/* 0 to `partition_count` - 1; `partition_count` > 0. `key.at` is NULL without a key; `partition` and `offset` are those of
 * the event that the record is made of. */
int32_t placement_choose(const struct placement *placement, struct vx_span key, int32_t partition, int64_t offset,
                         int32_t partition_count);

#endif
