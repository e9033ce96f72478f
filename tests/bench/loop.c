/* The reference of `scripts/bench flow`: what librdkafka alone needs to move the same bytes.
 *
 *     bench_loop BROKERS GROUP IN COUNT header|plain OUT...
 *
 * Consume from IN, produce each record to one of the topics OUT with its key, idempotent, acks=all, offsets stored once a
 * record is acknowledged; no JSON, no routing, the same client settings as the router's. One thread; a ring of offsets per
 * partition keeps "contiguous and acknowledged", which is all that at-least-once needs. Prints a JSON line when COUNT
 * records are acknowledged.
 */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PARTITIONS = 64, RING = 1 << 17 };

struct ring {
    int64_t base;
    uint8_t done[RING];
    int64_t next;
};

static struct ring *rings[PARTITIONS];
static uint64_t acked;

static void check(int failed, const char *text)
{
    if (failed) {
        fprintf(stderr, "bench_loop: %s\n", text);
        exit(2);
    }
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const char *const *properties,
                               void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *))
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (; *properties; properties += 2)
        check(rd_kafka_conf_set(conf, properties[0], properties[1], text, sizeof text) != RD_KAFKA_CONF_OK, text);
    if (on_delivery)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    check(!rk, text);
    return rk;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk, (void)opaque;
    check(message->err != 0, rd_kafka_err2str(message->err));
    uint64_t place = (uint64_t)(uintptr_t)message->_private;
    struct ring *ring = rings[place >> 48];
    ring->done[(place & 0xffffffffffff) % RING] = 1;
    while (ring->done[ring->base % RING]) {
        ring->done[ring->base % RING] = 0;
        ring->base++;
    }
    acked++;
}

static void forward(rd_kafka_t *producer, rd_kafka_topic_t *out, const char *name, rd_kafka_message_t *message,
                    int header)
{
    if (!rings[message->partition]) {
        rings[message->partition] = calloc(1, sizeof(struct ring));
        rings[message->partition]->base = message->offset;
    }
    void *place = (void *)(uintptr_t)((uint64_t)message->partition << 48 | (uint64_t)message->offset);
    rd_kafka_resp_err_t err;
    do {
        err = header ? rd_kafka_producev(
                           producer, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_VALUE(message->payload, message->len),
                           RD_KAFKA_V_KEY(message->key, message->key_len), RD_KAFKA_V_HEADER("veltrix-release", "1", 1),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(place), RD_KAFKA_V_END)
              : rd_kafka_produce(out, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, message->payload, message->len,
                                 message->key, message->key_len, place)
                  ? rd_kafka_last_error()
                  : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (err)
            rd_kafka_poll(producer, 10);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    check(err != 0, rd_kafka_err2str(err));
}

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_s(struct rusage *usage)
{
    getrusage(RUSAGE_SELF, usage);
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    check(argc < 7, "usage: bench_loop BROKERS GROUP IN COUNT header|plain OUT...");
    const char *const consumer_conf[] = {"bootstrap.servers",
                                         argv[1],
                                         "group.id",
                                         argv[2],
                                         "auto.offset.reset",
                                         "earliest",
                                         "enable.auto.offset.store",
                                         "false",
                                         "fetch.queue.backoff.ms",
                                         "1",
                                         "queued.min.messages",
                                         "10000",
                                         "isolation.level",
                                         "read_committed",
                                         NULL};
    const char *const producer_conf[] = {
        "bootstrap.servers", argv[1], "enable.idempotence", "true", "linger.ms", "5", "partitioner",
        "murmur2_random",    NULL};
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, consumer_conf, NULL);
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, producer_conf, on_delivery);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[3], RD_KAFKA_PARTITION_UA);
    check(rd_kafka_subscribe(consumer, topics) != 0, "subscribe");
    rd_kafka_topic_t *outs[64];
    int out_count = argc - 6, header = strcmp(argv[5], "header") == 0;
    for (int i = 0; i < out_count && i < 64; i++)
        outs[i] = rd_kafka_topic_new(producer, argv[6 + i], NULL);
    uint64_t count = strtoull(argv[4], NULL, 10), taken = 0;
    struct rusage usage;
    double start = 0, cpu = 0;
    while (acked < count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, taken < count ? 10 : 0);
        for (int batch = 1; message; batch++) {
            if (!message->err) {
                if (taken++ == 0) {
                    start = now_s();
                    cpu = cpu_s(&usage);
                }
                int out = (int)((uint64_t)message->offset % (uint64_t)out_count);
                forward(producer, outs[out], argv[6 + out], message, header);
            }
            rd_kafka_message_destroy(message);
            message = batch < 1000 ? rd_kafka_consumer_poll(consumer, 0) : NULL;
        }
        rd_kafka_poll(producer, taken < count ? 0 : 10);
        for (int p = 0; p < PARTITIONS; p++)
            if (rings[p] && rings[p]->next != rings[p]->base) {
                rings[p]->next = rings[p]->base;
                rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
                rd_kafka_topic_partition_list_add(list, argv[3], p)->offset = rings[p]->base;
                rd_kafka_offsets_store(consumer, list);
                rd_kafka_topic_partition_list_destroy(list);
            }
    }
    double seconds = now_s() - start, used = cpu_s(&usage) - cpu;
    printf("{\"who\":\"loop-%s\",\"events\":%llu,\"seconds\":%.3f,\"events_per_s\":%.0f,\"cpu_s_per_million\":%.3f,"
           "\"rss_mib\":%.1f}\n",
           argv[5], (unsigned long long)count, seconds, (double)count / seconds, used * 1e6 / (double)count,
           (double)usage.ru_maxrss / 1024);
    rd_kafka_consumer_close(consumer);
    for (int i = 0; i < out_count && i < 64; i++)
        rd_kafka_topic_destroy(outs[i]);
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_destroy(consumer);
    rd_kafka_flush(producer, 10000);
    rd_kafka_destroy(producer);
    return 0;
}
