/* Latency through a contender: sends events at a steady rate, reads all outputs, and takes the difference on its own clock.
 *
 *     bench_latency BROKERS RATE WARM_S SECONDS SIZE IN:PARTITIONS|- OUT:PARTITIONS...
 *
 *     schedule ──> IN ──> contender ──> OUT... ──> read           `-`: straight into the outputs, no contender
 *
 * An event carries the time at which it was to be sent, not the time at which it was: a generator that is held up counts
 * as latency (no coordinated omission). Until the first one comes back a probe is sent every 50 ms; then WARM_S seconds
 * that are not measured, then SECONDS that are. The topics must be fresh. Prints one JSON line; `worst_ms` is the worst event
 * of each second, `late_ms` how late the generator itself was (99th percentile). Exit 1 when events are missing.
 *
 * Threads: main sends, another reads. What they share is atomic; the latencies are the reader's until it has ended. */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flow_events.h"

enum { OUTS_MAX = 64, BURSTS_A_SECOND = 200, READY_S = 120, MISSING_S = 20, PROBE_MS = 50 };
static const int64_t SECOND = 1000000000;

struct run {
    const char *brokers;
    int64_t rate, warm_s, seconds, size;
    const char *names[OUTS_MAX];
    int partitions[OUTS_MAX], out_count;
    int64_t epoch_ns; /* wall clock at monotonic zero, so that an event's time has 19 digits */
    uint64_t wanted;  /* measured events */
    float *late_ms;   /* of each measured event, when it was handed over */
    /* The reader's: */
    float *latency_ms;
    double *worst_ms;                    /* of each measured second */
    atomic_uint_fast64_t seen, received; /* all events; the measured ones */
    _Atomic int64_t measure_from;        /* scheduled time of the first measured event; 0: not yet known */
    atomic_bool stop;
};

static void check(int failed, const char *text)
{
    if (failed) {
        fprintf(stderr, "bench_latency: %s\n", text);
        exit(2);
    }
}

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * SECOND + ts.tv_nsec;
}

static int64_t now_ns(const struct run *r)
{
    return r->epoch_ns + monotonic_ns();
}

static void sleep_until(const struct run *r, int64_t when)
{
    int64_t at = when - r->epoch_ns;
    struct timespec ts = {.tv_sec = at / SECOND, .tv_nsec = at % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk, (void)opaque;
    check(message->err != 0, rd_kafka_err2str(message->err));
}

static rd_kafka_t *open_client(const struct run *r, rd_kafka_type_t type, const char *const *properties)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    check(rd_kafka_conf_set(conf, "bootstrap.servers", r->brokers, text, sizeof text) != RD_KAFKA_CONF_OK, text);
    for (; *properties; properties += 2)
        check(rd_kafka_conf_set(conf, properties[0], properties[1], text, sizeof text) != RD_KAFKA_CONF_OK, text);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    check(!rk, text);
    return rk;
}

static void take(struct run *r, const rd_kafka_message_t *message)
{
    int64_t sent = flow_event_sent(message->payload, message->len), from = atomic_load(&r->measure_from);
    check(sent < 0, "an output is not what was sent");
    atomic_fetch_add(&r->seen, 1);
    uint64_t n = atomic_load(&r->received);
    if (from == 0 || sent < from || n == r->wanted)
        return;
    double ms = (double)(now_ns(r) - sent) / 1e6;
    int64_t second = (sent - from) / SECOND;
    if (second < r->seconds && ms > r->worst_ms[second])
        r->worst_ms[second] = ms;
    r->latency_ms[n] = (float)ms;
    atomic_store(&r->received, n + 1);
}

static void *read_outputs(void *arg)
{
    struct run *r = arg;
    /* What the consumer of a latency-bound service would set: no waiting for more bytes, no pause between fetches. */
    static const char *const properties[] = {"group.id",
                                             "bench-latency",
                                             "enable.auto.commit",
                                             "false",
                                             "fetch.min.bytes",
                                             "1",
                                             "fetch.wait.max.ms",
                                             "100",
                                             "fetch.queue.backoff.ms",
                                             "0",
                                             "socket.nagle.disable",
                                             "true",
                                             NULL};
    rd_kafka_t *rk = open_client(r, RD_KAFKA_CONSUMER, properties);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(96);
    for (int i = 0; i < r->out_count; i++)
        for (int p = 0; p < r->partitions[i]; p++)
            rd_kafka_topic_partition_list_add(all, r->names[i], p)->offset = 0;
    check(rd_kafka_assign(rk, all) != 0, "assign");
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_poll_set_consumer(rk);
    while (!atomic_load(&r->stop)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 100);
        if (!message)
            continue;
        if (!message->err)
            take(r, message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return NULL;
}

struct sender {
    struct run *r;
    rd_kafka_t *rk;
    rd_kafka_topic_t *in, *outs[OUTS_MAX]; /* in: NULL when it goes straight into the outputs */
    int partitions;                        /* of in */
    char *event;
};

/* Into `in` a burst goes to one partition after the other: few requests, so that what is measured is the contender. */
static void send_event(struct sender *s, uint64_t number, int64_t when)
{
    struct run *r = s->r;
    char key[FLOW_KEY_MAX];
    size_t key_len = flow_event(number, (size_t)r->size, when, s->event, key);
    int64_t burst = r->rate / BURSTS_A_SECOND ? r->rate / BURSTS_A_SECOND : 1;
    int32_t partition = s->in ? (int32_t)((int64_t)number / burst % s->partitions) : RD_KAFKA_PARTITION_UA;
    rd_kafka_topic_t *topic = s->in ? s->in : s->outs[number % (uint64_t)r->out_count];
    /* A full queue delays this event and those behind it, which counts: their times are the scheduled ones. */
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, s->event, (size_t)r->size, key, key_len, NULL)) {
        check(rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL, rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(s->rk, 10);
    }
}

static void wait_ready(struct sender *s)
{
    int64_t end = now_ns(s->r) + READY_S * SECOND;
    for (uint64_t n = 0; atomic_load(&s->r->seen) == 0; n++) {
        int64_t now = now_ns(s->r);
        check(now > end, "nothing came back");
        send_event(s, n, now);
        rd_kafka_poll(s->rk, PROBE_MS);
        sleep_until(s->r, now + PROBE_MS * SECOND / 1000);
    }
}

static void send_all(struct sender *s)
{
    struct run *r = s->r;
    int64_t start = now_ns(r) + SECOND / 10, warm = r->warm_s * r->rate, count = warm + (int64_t)r->wanted;
    atomic_store(&r->measure_from, start + r->warm_s * SECOND);
    for (int64_t i = 0; i < count; i++) {
        int64_t when = start + i * SECOND / r->rate, now = now_ns(r);
        if (now < when) {
            rd_kafka_poll(s->rk, 0);
            sleep_until(r, when);
            now = now_ns(r);
        }
        send_event(s, (uint64_t)i, when);
        if (i >= warm)
            r->late_ms[i - warm] = (float)((double)(now - when) / 1e6);
    }
    rd_kafka_flush(s->rk, MISSING_S * 1000);
    int64_t end = now_ns(r) + MISSING_S * SECOND;
    while (atomic_load(&r->received) < r->wanted && now_ns(r) < end)
        sleep_until(r, now_ns(r) + SECOND / 100);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double percentile(const float *sorted, uint64_t count, double share)
{
    return count ? (double)sorted[(uint64_t)(share * (double)(count - 1))] : -1;
}

static void print(struct run *r)
{
    uint64_t n = atomic_load(&r->received);
    qsort(r->latency_ms, n, sizeof *r->latency_ms, by_size);
    qsort(r->late_ms, r->wanted, sizeof *r->late_ms, by_size);
    printf(
        "{\"rate\": %lld, \"events\": %llu, \"received\": %llu, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, "
        "\"p999_ms\": %.3f, \"max_ms\": %.3f, \"late_ms\": %.3f, \"worst_ms\": [",
        (long long)r->rate, (unsigned long long)r->wanted, (unsigned long long)n, percentile(r->latency_ms, n, 0.5),
        percentile(r->latency_ms, n, 0.9), percentile(r->latency_ms, n, 0.99), percentile(r->latency_ms, n, 0.999),
        percentile(r->latency_ms, n, 1), percentile(r->late_ms, r->wanted, 0.99));
    for (int64_t i = 0; i < r->seconds; i++)
        printf("%s%.3f", i ? ", " : "", r->worst_ms[i]);
    printf("]}\n");
}

/* NAME:PARTITIONS; the name is cut out of the argument. */
static int split(char *argument)
{
    char *colon = strrchr(argument, ':');
    check(!colon || atoi(colon + 1) < 1, "a topic is NAME:PARTITIONS");
    *colon = '\0';
    return atoi(colon + 1);
}

int main(int argc, char **argv)
{
    check(argc < 8 || argc - 7 > OUTS_MAX,
          "usage: bench_latency BROKERS RATE WARM_S SECONDS SIZE IN:PARTITIONS|- OUT:PARTITIONS...");
    struct run r = {.brokers = argv[1],
                    .rate = atoll(argv[2]),
                    .warm_s = atoll(argv[3]),
                    .seconds = atoll(argv[4]),
                    .size = atoll(argv[5])};
    check(r.rate < 1 || r.warm_s < 0 || r.seconds < 1 || r.size < FLOW_EVENT_MIN || r.size > FLOW_EVENT_MAX,
          "a rate of 1 or more, a second or more, 200 to 65536 bytes");
    for (int i = 7; i < argc; i++) {
        r.partitions[r.out_count] = split(argv[i]);
        r.names[r.out_count++] = argv[i];
    }
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    r.epoch_ns = wall.tv_sec * SECOND + wall.tv_nsec - monotonic_ns();
    r.wanted = (uint64_t)(r.rate * r.seconds);
    r.latency_ms = calloc(r.wanted, sizeof *r.latency_ms);
    r.late_ms = calloc(r.wanted, sizeof *r.late_ms);
    r.worst_ms = calloc((size_t)r.seconds, sizeof *r.worst_ms);
    check(!r.latency_ms || !r.late_ms || !r.worst_ms, "out of memory");
    /* Straight into the outputs: with the linger of the contenders' producers. */
    bool direct = strcmp(argv[6], "-") == 0;
    const char *const properties[] = {"enable.idempotence",   "true",        "linger.ms",
                                      direct ? "3" : "1",     "partitioner", "murmur2_random",
                                      "socket.nagle.disable", "true",        NULL};
    struct sender s = {.r = &r, .rk = open_client(&r, RD_KAFKA_PRODUCER, properties), .event = malloc((size_t)r.size)};
    if (!direct) {
        s.partitions = split(argv[6]);
        s.in = rd_kafka_topic_new(s.rk, argv[6], NULL);
    }
    for (int i = 0; direct && i < r.out_count; i++)
        s.outs[i] = rd_kafka_topic_new(s.rk, r.names[i], NULL);
    pthread_t reader;
    check(pthread_create(&reader, NULL, read_outputs, &r) != 0, "no thread");
    wait_ready(&s);
    send_all(&s);
    atomic_store(&r.stop, true);
    pthread_join(reader, NULL);
    print(&r);
    for (int i = 0; direct && i < r.out_count; i++)
        rd_kafka_topic_destroy(s.outs[i]);
    if (s.in)
        rd_kafka_topic_destroy(s.in);
    rd_kafka_destroy(s.rk);
    free(s.event);
    free(r.latency_ms);
    free(r.late_ms);
    free(r.worst_ms);
    return atomic_load(&r.received) < r.wanted;
}
