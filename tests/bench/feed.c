/* Fills a topic for the benchmarks: records with a key and no headers, idempotent, as large batches.
 *
 *     bench_feed BROKERS TOPIC COUNT SIZE     events of flow_events.h, SIZE bytes each
 *     bench_feed BROKERS TOPIC - < LINES      each line is an event; the key is its number modulo 100,000
 *
 * Ends when all are acknowledged. One thread. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_events.h"

static uint64_t acked;

static void check(int failed, const char *text)
{
    if (failed) {
        fprintf(stderr, "bench_feed: %s\n", text);
        exit(2);
    }
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk, (void)opaque;
    check(message->err != 0, rd_kafka_err2str(message->err));
    acked++;
}

static rd_kafka_t *open_producer(const char *brokers)
{
    const char *const properties[] = {
        "bootstrap.servers", brokers, "enable.idempotence", "true", "linger.ms", "50", "partitioner",
        "murmur2_random",    NULL};
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (const char *const *p = properties; *p; p += 2)
        check(rd_kafka_conf_set(conf, p[0], p[1], text, sizeof text) != RD_KAFKA_CONF_OK, text);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    check(!rk, text);
    return rk;
}

static void send_event(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *event, size_t size, const char *key,
                       size_t key_len)
{
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, event, size, key, key_len, NULL)) {
        check(rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL, rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
}

int main(int argc, char **argv)
{
    int lines = argc == 4 && strcmp(argv[3], "-") == 0;
    check(argc != 5 && !lines, "usage: bench_feed BROKERS TOPIC COUNT SIZE | BROKERS TOPIC - < LINES");
    size_t size = lines ? 0 : strtoul(argv[4], NULL, 10), room = 0;
    uint64_t count = lines ? UINT64_MAX : strtoull(argv[3], NULL, 10), sent = 0;
    check(!lines && (size < FLOW_EVENT_MIN || size > FLOW_EVENT_MAX), "SIZE is 200 to 65536 bytes");
    rd_kafka_t *rk = open_producer(argv[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);
    char *event = lines ? NULL : malloc(size), key[FLOW_KEY_MAX];
    for (; sent < count; sent++) {
        size_t key_len;
        if (lines) {
            ssize_t got = getline(&event, &room, stdin);
            if (got < 0)
                break;
            size = (size_t)got - (event[got - 1] == '\n');
            key_len = (size_t)snprintf(key, sizeof key, "%u", (unsigned)(sent % FLOW_USERS));
        } else {
            key_len = flow_event(sent, size, 0, event, key);
        }
        send_event(rk, topic, event, size, key, key_len);
        rd_kafka_poll(rk, 0);
    }
    while (acked < sent)
        rd_kafka_poll(rk, 100);
    free(event);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return 0;
}
