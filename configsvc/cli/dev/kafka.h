/* What feed needs of Kafka: sending events, and reading what comes out of topics from now on. One thread. */
#ifndef VX_CLI_KAFKA_H
#define VX_CLI_KAFKA_H

#include "configsvc/cli/dev/events.h"
#include "core/cel/cel.h"

enum {
    KAFKA_CALL_MS = 10000, /* metadata, watermarks, topic creation */
    KAFKA_PARTITIONS = 4,  /* of a topic that dev creates on a real broker */
    KAFKA_SEND_MS = 30000, /* an event that is not taken for so long is given up */
};

struct kafka_ops {
    /* An event of kafka_send() was taken by the broker, or not (`error` says why). */
    void (*on_sent)(void *ctx, size_t number, int32_t partition, int64_t offset, int64_t timestamp_ms,
                    const char *error);
    /* A record came out of a watched topic. Borrowed during the call. */
    void (*on_record)(void *ctx, const struct cel_event *record);
};

struct kafka;
VX_MUSTCHECK enum vx_status kafka_open(const char *brokers, const struct kafka_ops *ops, void *ctx, struct kafka **out,
                                       struct vx_err *err);
void kafka_close(struct kafka *k);

/* Makes sure that each topic exists: the embedded broker makes those that are asked for; on another they are created. */
VX_MUSTCHECK enum vx_status kafka_ensure_topics(struct kafka *k, const char *const *topics, size_t count,
                                                struct vx_err *err);
/* Reads all partitions of these topics from their present ends. */
VX_MUSTCHECK enum vx_status kafka_watch(struct kafka *k, const char *const *topics, size_t count, struct vx_err *err);
/* Sends an event; on_sent gets `number`. */
VX_MUSTCHECK enum vx_status kafka_send(struct kafka *k, const char *topic, const struct events_item *item,
                                       size_t number, struct vx_err *err);
/* Serves both callbacks for at most `timeout_ms`; true when something came. */
bool kafka_poll(struct kafka *k, int timeout_ms);

#endif
