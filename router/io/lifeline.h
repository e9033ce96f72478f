/* A client of Kafka that has lost all its brokers, and has said nothing since, is told the bootstrap servers again.
 *
 * A broker that has just been started may answer a question for metadata with topics and no brokers. librdkafka (2.10 to
 * 2.15, its issue 5301) drops all brokers it knows then, raises ALL_BROKERS_DOWN, and cancels the bootstrap that this
 * calls for: from then on it asks nobody, for ever. In an ordinary outage it raises ALL_BROKERS_DOWN again with every
 * round of attempts; silence after it is either the end of the outage or that state. */
#ifndef ROUTER_IO_LIFELINE_H
#define ROUTER_IO_LIFELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_kafka_s;
struct rd_kafka_conf_s;

/* Longer than reconnect.backoff.max.ms, after which librdkafka tries, and complains, again. */
enum { LIFELINE_SILENT_MS = 15000 };

/* What is remembered of one client. All zeroes: it has lost nothing. */
struct lifeline_memory {
    int64_t down_ms; /* when it last said that all brokers are down, monotonic; 0: not since it was told */
};

/* Notes that all brokers are down. Pure, as the next one: one thread at a time. */
void lifeline_note(struct lifeline_memory *memory, int64_t now_ms);
/* True when the client is to be told, once for each silence: librdkafka keeps a list of what it was told. */
bool lifeline_is_due(struct lifeline_memory *memory, int64_t now_ms);

/* A client of this rd_kafka_type_t and configuration, which it owns in any case, watched until lifeline_destroy(). The
 * error callback is ours: its words go to our log, as librdkafka's do. Whoever has the client polls it, at least once in a
 * few seconds. NULL, and why in librdkafka's words: it refuses the configuration. Any thread. */
struct rd_kafka_s *lifeline_new(int type, struct rd_kafka_conf_s *conf, char *why, size_t size);
/* rd_kafka_destroy_flags() of one. Waits for lifeline_tick() where that has the client. Any thread. */
void lifeline_destroy(struct rd_kafka_s *rk, int flags);
/* Tells those that are due. About once a second, from one thread; talks to nobody. */
void lifeline_tick(int64_t now_ms);

#endif
