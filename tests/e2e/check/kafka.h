/* What veltrix-check does with Kafka: create topics, produce numbered events, read topics from beginning to end, wait for a
 * group to have committed everything. Errors print a sentence and end the process with 2: it is a test tool. */
#ifndef TESTS_E2E_CHECK_KAFKA_H
#define TESTS_E2E_CHECK_KAFKA_H

#include "check.h"

_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "name:partitions[:config=value...]"; a topic that exists already is fine. */
void kafka_create_topics(const char *brokers, char **topics, int count, int replicas);
void kafka_delete_topics(const char *brokers, char **topics, int count);

/* Every record now in `topic` (read_committed), in order of offset within its partition, copied into `arena`. */
void kafka_read(const char *brokers, const char *topic, struct vx_arena *arena,
                void (*add)(void *ctx, const struct check_record *record), void *ctx);

/* Waits until `group` has committed the end of every partition of `topics`; false after `timeout_s`. */
bool kafka_wait(const char *brokers, const char *group, char **topics, int count, int timeout_s);

struct kafka_load {
    const char *topic;
    const char *file;  /* JSON lines {"headers","key","value"}, or NULL: generated game events */
    uint64_t first_id; /* numbers from here on */
    uint64_t count;
    uint32_t keys; /* distinct keys of generated events; 0: they have none */
    uint32_t size; /* bytes of a generated value, at least */
    uint64_t rate; /* events a second; 0: as fast as it goes */
    uint64_t seed;
};
/* Produces with acks=all and idempotence; returns when everything is acknowledged. */
void kafka_produce(const char *brokers, const struct kafka_load *load);

/* Names of all topics that begin with one of the prefixes ("a*") or are named ("b"); into the arena. */
const char **kafka_topics(const char *brokers, char **patterns, int count, struct vx_arena *arena, size_t *found);

#endif
