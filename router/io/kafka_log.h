/* librdkafka's own words in our log, each said once in a while: a broker that is away makes every client repeat itself
 * several times a second. */
#ifndef ROUTER_IO_KAFKA_LOG_H
#define ROUTER_IO_KAFKA_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum {
    KAFKA_LOG_AGAIN_MS = 30000, /* a sentence is said again after this long */
    KAFKA_LOG_KEPT = 32,        /* sentences remembered; the one said longest ago makes room */
};

/* What was said lately. All zeroes is empty. */
struct kafka_log_memory {
    struct {
        uint64_t hash; /* of the text without its digits: addresses, counts and times vary */
        int64_t said_ms;
        unsigned unsaid_count; /* since then */
    } kept[KAFKA_LOG_KEPT];
};

/* True when `text` is to be said at `now_ms`; then `*unsaid_count` is how often it was kept back since the last time.
 * Pure but for `memory`; one thread at a time. */
bool kafka_log_says(struct kafka_log_memory *memory, const char *text, int64_t now_ms, unsigned *unsaid_count);

struct rd_kafka_s;
/* librdkafka's log callback. Any thread. */
void kafka_log(const struct rd_kafka_s *rk, int level, const char *facility, const char *text);

#endif
