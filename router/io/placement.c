/* Placement of records in the partitions of their destination. The hashes are librdkafka's own, so that they are the same
 * as in every other client that is set to them; its random choices are what is replaced. */
#include "router/io/placement.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#include "core/base/hash.h"

struct placement {
    const char *name;
    int32_t (*hash)(const rd_kafka_topic_t *rkt, const void *key, size_t len, int32_t count, void *, void *);
    enum { SPREAD_NONE, SPREAD_KEYLESS, SPREAD_EMPTY } spread; /* SPREAD_EMPTY: records whose key is empty, too */
};

/* The first is the default. */
static const struct placement placements[] = {
    {"murmur2_random", rd_kafka_msg_partitioner_murmur2, SPREAD_KEYLESS},
    {"murmur2", rd_kafka_msg_partitioner_murmur2, SPREAD_NONE},
    {"consistent_random", rd_kafka_msg_partitioner_consistent, SPREAD_EMPTY},
    {"consistent", rd_kafka_msg_partitioner_consistent, SPREAD_NONE},
    {"fnv1a_random", rd_kafka_msg_partitioner_fnv1a, SPREAD_KEYLESS},
    {"fnv1a", rd_kafka_msg_partitioner_fnv1a, SPREAD_NONE},
};

const struct placement *placement_find(const char *partitioner)
{
    for (size_t i = 0; partitioner && i < sizeof placements / sizeof placements[0]; i++)
        if (strcmp(partitioner, placements[i].name) == 0)
            return &placements[i];
    return partitioner ? NULL : &placements[0];
}

static bool is_spread(const struct placement *placement, struct vx_span key)
{
    return placement->spread != SPREAD_NONE && (!key.at || (placement->spread == SPREAD_EMPTY && key.len == 0));
}

int32_t placement_choose(const struct placement *placement, struct vx_span key, int32_t partition, int64_t offset,
                         int32_t partition_count)
{
    if (!is_spread(placement, key))
        return placement->hash(NULL, key.at ? key.at : "", key.len, partition_count, NULL, NULL);
    int64_t place[2] = {partition, offset / PLACEMENT_RUN};
    return (int32_t)(vx_hash64(vx_span((const char *)place, sizeof place)) % (uint64_t)partition_count);
}
