/* Watches, from outside and for every contender alike, how a process fills topics.
 *
 *     bench_watch BROKERS PID COUNT SECONDS TOPIC:PARTITIONS...
 *
 * Again and again it asks the broker for the ends of all partitions and the kernel for the CPU time and memory of the process,
 * until the topics hold COUNT records. What a process used for its events is the difference of two samples, which flow_lib.py
 * chooses: start-up is left out, what was read ahead is not, and nothing depends on what a contender says of itself. Prints
 * one JSON line:
 *
 *     {"samples": [[seconds, records, cpu_s, rss_mib], ...], "peak_mib": n, "topics": {name: records, ...},
 *      "last": {"headers": n, "key": bool, "bytes": n}}      last: a record of one of the topics
 *
 * A process that is stopped, so that it does not begin before it is watched, goes on after the first samples.
 * Exit: 0 done, 1 the process ended or SECONDS passed before (the line is printed all the same), 2 usage or Kafka.
 * Of transactions only what is committed counts; their markers count as records (one per transaction and partition). */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Often while nothing has come: the sample before the first record is where counting begins. */
enum {
    IDLE_SAMPLE_MS = 10,
    IDLE_SAMPLES = 5,
    SAMPLE_MS = 25,
    ASK_TIMEOUT_MS = 10000,
    TOPICS_MAX = 64,
    FAILURES_MAX = 500
};

struct topic {
    const char *name;
    int partitions;
    int64_t records;
    int32_t some_partition; /* one that has records, and its end */
    int64_t some_end;
};

struct watch {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct topic topics[TOPICS_MAX];
    int topic_count;
    pid_t pid;
    char trouble[256];
};

static void check(int failed, const char *text)
{
    if (failed) {
        fprintf(stderr, "bench_watch: %s\n", text);
        exit(2);
    }
}

/* The clock `clock` now. */
static double clock_s(clockid_t clock)
{
    struct timespec ts;
    return clock_gettime(clock, &ts) ? -1 : (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Nanoseconds of all threads; /proc/PID/stat rounds the same counter to 10 ms. Negative: the process is gone. */
static double cpu_s(pid_t pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) ? -1 : clock_s(clock);
}

static double memory_mib(pid_t pid, const char *name)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    if (file)
        fclose(file);
    return (double)kib / 1024;
}

static struct topic *find(struct watch *w, const char *name)
{
    for (int i = 0; i < w->topic_count; i++)
        if (strcmp(w->topics[i].name, name) == 0)
            return &w->topics[i];
    return NULL;
}

/* Asks for all ends in one request a broker; the number of records, or -1. */
static int64_t count(struct watch *w)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (int i = 0; i < w->topic_count; i++) {
        w->topics[i].records = 0;
        for (int p = 0; p < w->topics[i].partitions; p++)
            rd_kafka_topic_partition_list_add(list, w->topics[i].name, p)->offset = RD_KAFKA_OFFSET_SPEC_LATEST;
    }
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(w->rk, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    rd_kafka_error_t *error =
        rd_kafka_AdminOptions_set_isolation_level(options, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED);
    check(error != NULL, "isolation level");
    rd_kafka_ListOffsets(w->rk, list, options, w->queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(w->queue, ASK_TIMEOUT_MS);
    check(!event, "the broker does not say where its topics end");
    if (rd_kafka_event_error(event)) { /* a topic so new that not every part of the broker knows it */
        snprintf(w->trouble, sizeof w->trouble, "%s", rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_topic_partition_list_destroy(list);
        return -1;
    }
    const rd_kafka_ListOffsets_result_t *result = rd_kafka_event_ListOffsets_result(event);
    size_t info_count = 0;
    const rd_kafka_ListOffsetsResultInfo_t **infos = rd_kafka_ListOffsets_result_infos(result, &info_count);
    int64_t sum = 0;
    for (size_t i = 0; i < info_count; i++) {
        const rd_kafka_topic_partition_t *end = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
        struct topic *topic = find(w, end->topic);
        if (end->err || !topic || end->offset <= 0)
            continue;
        topic->records += end->offset;
        topic->some_partition = end->partition;
        topic->some_end = end->offset;
        sum += end->offset;
    }
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_topic_partition_list_destroy(list);
    return sum;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const char *brokers)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    check(rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text) != RD_KAFKA_CONF_OK, text);
    if (type == RD_KAFKA_CONSUMER)
        check(rd_kafka_conf_set(conf, "group.id", "bench-watch", text, sizeof text) != RD_KAFKA_CONF_OK, text);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    check(!rk, text);
    return rk;
}

/* What one record of the first topic that has any looks like: was the job done as it should? */
static void print_last(struct watch *w, const char *brokers)
{
    struct topic *topic = w->topics;
    while (topic < w->topics + w->topic_count && topic->some_end == 0)
        topic++;
    if (topic == w->topics + w->topic_count)
        return;
    rd_kafka_t *rk = open_client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    /* Three before the end: the very last may be a transaction's marker. */
    rd_kafka_topic_partition_list_add(list, topic->name, topic->some_partition)->offset =
        topic->some_end > 3 ? topic->some_end - 3 : 0;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, ASK_TIMEOUT_MS);
    if (m && !m->err) {
        rd_kafka_headers_t *headers = NULL;
        size_t header_count = rd_kafka_message_headers(m, &headers) ? 0 : rd_kafka_header_cnt(headers);
        printf(", \"last\": {\"headers\": %zu, \"key\": %s, \"bytes\": %zu}", header_count,
               m->key_len ? "true" : "false", m->len);
    }
    if (m)
        rd_kafka_message_destroy(m);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

/* Samples until there are `wanted` records; true when there are. */
static bool watch(struct watch *w, int64_t wanted, double seconds_max)
{
    double start = clock_s(CLOCK_MONOTONIC), peak = 0, seconds = 0;
    int64_t records = 0, before = 0;
    printf("{\"samples\": [");
    for (int n = 0, failed = 0; records < wanted && seconds < seconds_max;) {
        int64_t now = count(w);
        seconds = clock_s(CLOCK_MONOTONIC) - start;
        double cpu = cpu_s(w->pid), high = memory_mib(w->pid, "VmHWM");
        if (cpu < 0)
            break;
        check(now < 0 && ++failed > FAILURES_MAX, w->trouble);
        if (now >= 0) {
            records = now;
            before = n ? before : records;
            peak = high > peak ? high : peak;
            printf("%s[%.4f, %lld, %.6f, %.1f]", n ? ", " : "", seconds, (long long)records, cpu,
                   memory_mib(w->pid, "VmRSS"));
            if (++n == IDLE_SAMPLES)
                kill(w->pid, SIGCONT);
        }
        usleep((records == before ? IDLE_SAMPLE_MS : SAMPLE_MS) * 1000);
    }
    printf("], \"peak_mib\": %.1f", peak);
    return records >= wanted;
}

int main(int argc, char **argv)
{
    check(argc < 6, "usage: bench_watch BROKERS PID COUNT SECONDS TOPIC:PARTITIONS...");
    struct watch w = {.pid = atoi(argv[2])};
    for (int i = 5; i < argc; i++) {
        char *partitions = strrchr(argv[i], ':');
        check(!partitions || i - 5 >= TOPICS_MAX, "TOPIC:PARTITIONS, at most 64 of them");
        *partitions = '\0';
        w.topics[w.topic_count++] = (struct topic){.name = argv[i], .partitions = atoi(partitions + 1)};
    }
    w.rk = open_client(RD_KAFKA_PRODUCER, argv[1]);
    w.queue = rd_kafka_queue_new(w.rk);
    bool done = watch(&w, atoll(argv[3]), atof(argv[4]));
    printf(", \"topics\": {");
    for (int i = 0; i < w.topic_count; i++)
        printf("%s\"%s\": %lld", i ? ", " : "", w.topics[i].name, (long long)w.topics[i].records);
    printf("}");
    print_last(&w, argv[1]);
    printf("}\n");
    rd_kafka_queue_destroy(w.queue);
    rd_kafka_destroy(w.rk);
    return !done;
}
