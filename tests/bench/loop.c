/* The reference of `scripts/bench flow` and `latency`: what librdkafka alone needs to move the same bytes.
 *
 *     bench_loop [-h] [-p PRODUCERS] [-X [consumer.|producer.]PROPERTY=VALUE]... BROKERS GROUP IN PARTITIONS OUT...
 *
 * Consume from IN, produce each record to one of the topics OUT (of PARTITIONS each) with its key, idempotent, acks=all, at
 * least once; no JSON, no routing. Until SIGTERM, which it leaves by in order. flow_watch.c measures it from outside.
 *   -h  adds one header, as the router does with `provenance: header`
 *   -p  so many producers, each of which owns some of the destination partitions (order holds); one unless told
 *
 * Client settings are the router's own, from its properties.c, but for the prefetch: there it is for each partition's queue,
 * here one queue holds all, so that the bounds are for all.
 * One thread; a ring of offsets per partition keeps "contiguous and acknowledged", which is all that at-least-once needs.
 */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "router/io/properties.h"

enum { PARTITIONS_MAX = 64, RING = 1 << 17, OUTS_MAX = 64, PRODUCERS_MAX = 32, PAIRS_MAX = 64, COMMIT_MS = 1000 };

struct ring {
    int64_t base; /* everything below is acknowledged */
    int64_t stored;
    uint8_t done[RING];
};

static struct ring *rings[PARTITIONS_MAX];
static volatile sig_atomic_t stopping;

struct loop {
    const char *in;
    const char *names[OUTS_MAX];
    int out_count, partition_count, producer_count;
    int header;
    rd_kafka_t *consumer;
    rd_kafka_t *producers[PRODUCERS_MAX];
    rd_kafka_topic_t *outs[PRODUCERS_MAX][OUTS_MAX];
    uint64_t sent, acked;
};

static struct loop loop = {.producer_count = 1};

static void check(int failed, const char *text)
{
    if (failed) {
        fprintf(stderr, "bench_loop: %s\n", text);
        exit(2);
    }
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
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
    loop.acked++;
}

static rd_kafka_t *open_client(enum properties_role role, const struct vx_pairs *pairs)
{
    char text[512];
    rd_kafka_conf_t *conf = properties_new(role, pairs);
    if (role == PROPERTIES_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk =
        rd_kafka_new(role == PROPERTIES_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, text, sizeof text);
    check(!rk, text);
    return rk;
}

/* Which of several producers owns the key's partition; the partition as librdkafka itself would choose it. */
static int owner(int out, const rd_kafka_message_t *message, int32_t *partition)
{
    *partition = rd_kafka_msg_partitioner_murmur2_random(loop.outs[0][out], message->key, message->key_len,
                                                         loop.partition_count, NULL, NULL);
    return (out * loop.partition_count + *partition) % loop.producer_count;
}

static rd_kafka_resp_err_t produce(int n, int out, int32_t partition, rd_kafka_message_t *m, void *place)
{
    if (loop.header)
        return rd_kafka_producev(loop.producers[n], RD_KAFKA_V_RKT(loop.outs[n][out]), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_VALUE(m->payload, m->len), RD_KAFKA_V_KEY(m->key, m->key_len),
                                 RD_KAFKA_V_HEADER("veltrix-release", "1", 1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_OPAQUE(place), RD_KAFKA_V_END);
    if (rd_kafka_produce(loop.outs[n][out], partition, RD_KAFKA_MSG_F_COPY, m->payload, m->len, m->key, m->key_len,
                         place))
        return rd_kafka_last_error();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void forward(rd_kafka_message_t *message)
{
    check(message->partition >= PARTITIONS_MAX, "too many partitions");
    if (!rings[message->partition]) {
        rings[message->partition] = calloc(1, sizeof(struct ring));
        check(!rings[message->partition], "out of memory");
        rings[message->partition]->base = rings[message->partition]->stored = message->offset;
    }
    void *place = (void *)(uintptr_t)((uint64_t)message->partition << 48 | (uint64_t)message->offset);
    int out = (int)((uint64_t)message->offset % (uint64_t)loop.out_count), n = 0;
    int32_t partition = RD_KAFKA_PARTITION_UA;
    if (loop.producer_count > 1)
        n = owner(out, message, &partition);
    rd_kafka_resp_err_t err;
    while ((err = produce(n, out, partition, message, place)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(loop.producers[n], 10);
    check(err != 0, rd_kafka_err2str(err));
    loop.sent++;
}

static void store_offsets(void)
{
    for (int p = 0; p < PARTITIONS_MAX; p++) {
        if (!rings[p] || rings[p]->stored == rings[p]->base)
            continue;
        rings[p]->stored = rings[p]->base;
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, loop.in, p)->offset = rings[p]->base;
        rd_kafka_offsets_store(loop.consumer, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void run(void)
{
    for (int64_t committed = now_ms(); !stopping;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(loop.consumer, 10);
        for (int batch = 1; message; batch++) {
            if (!message->err)
                forward(message);
            rd_kafka_message_destroy(message);
            message = batch < 1000 ? rd_kafka_consumer_poll(loop.consumer, 0) : NULL;
        }
        for (int n = 0; n < loop.producer_count; n++)
            rd_kafka_poll(loop.producers[n], 0);
        if (now_ms() - committed >= COMMIT_MS) {
            committed = now_ms();
            store_offsets();
            rd_kafka_commit(loop.consumer, NULL, 1);
        }
    }
}

static void leave(void)
{
    for (int n = 0; n < loop.producer_count; n++)
        rd_kafka_flush(loop.producers[n], 10000);
    store_offsets();
    rd_kafka_commit(loop.consumer, NULL, 0);
    rd_kafka_consumer_close(loop.consumer);
    for (int n = 0; n < loop.producer_count; n++) {
        for (int i = 0; i < loop.out_count; i++)
            rd_kafka_topic_destroy(loop.outs[n][i]);
        rd_kafka_destroy(loop.producers[n]);
    }
    rd_kafka_destroy(loop.consumer);
    for (int p = 0; p < PARTITIONS_MAX; p++)
        free(rings[p]);
}

int main(int argc, char **argv)
{
    static struct vx_pair at[PAIRS_MAX] = {{.name = "consumer.auto.offset.reset", .value = "earliest"},
                                           {.name = "consumer.queued.min.messages", .value = "10000"},
                                           {.name = "consumer.queued.max.messages.kbytes", .value = "24576"}};
    struct vx_pairs pairs = {.at = at, .count = 3};
    for (int c; (c = getopt(argc, argv, "hp:X:")) != -1;) {
        if (c == 'h') {
            loop.header = 1;
        } else if (c == 'p') {
            loop.producer_count = atoi(optarg);
            check(loop.producer_count < 1 || loop.producer_count > PRODUCERS_MAX, "-p is 1 to 32");
        } else {
            char *value = c == 'X' ? strchr(optarg, '=') : NULL;
            check(!value || pairs.count > PAIRS_MAX - 3, "-X is PROPERTY=VALUE");
            *value = '\0';
            at[pairs.count++] = (struct vx_pair){.name = optarg, .value = value + 1};
        }
    }
    check(argc - optind < 5, "usage: bench_loop [-h] [-p N] [-X PROPERTY=VALUE]... BROKERS GROUP IN PARTITIONS OUT...");
    at[pairs.count++] = (struct vx_pair){.name = "bootstrap.servers", .value = argv[optind]};
    at[pairs.count++] = (struct vx_pair){.name = "consumer.group.id", .value = argv[optind + 1]};
    loop.in = argv[optind + 2];
    loop.partition_count = atoi(argv[optind + 3]);
    check(loop.partition_count < 1 || argc - optind - 4 > OUTS_MAX, "PARTITIONS is at least 1, OUT at most 64");
    for (int i = optind + 4; i < argc; i++)
        loop.names[loop.out_count++] = argv[i];
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    loop.consumer = open_client(PROPERTIES_CONSUMER, &pairs);
    for (int n = 0; n < loop.producer_count; n++) {
        loop.producers[n] = open_client(PROPERTIES_PRODUCER, &pairs);
        for (int i = 0; i < loop.out_count; i++)
            loop.outs[n][i] = rd_kafka_topic_new(loop.producers[n], loop.names[i], NULL);
    }
    rd_kafka_poll_set_consumer(loop.consumer);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, loop.in, RD_KAFKA_PARTITION_UA);
    check(rd_kafka_subscribe(loop.consumer, topics) != 0, "subscribe");
    rd_kafka_topic_partition_list_destroy(topics);
    run();
    leave();
    return 0;
}
