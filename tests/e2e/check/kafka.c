/* The Kafka side of veltrix-check, apart from producing. One thread. */
#include "kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "load.h"
#include "router/io/lifeline.h"

enum { META_TIMEOUT_MS = 10000, SILENT_MS = 30000, POLL_MS = 1000 };

_Noreturn void fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("veltrix-check: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

rd_kafka_t *kafka_client(const char *brokers, rd_kafka_type_t type, const char *const *properties)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text) != RD_KAFKA_CONF_OK)
        fail("%s", text);
    for (; *properties; properties += 2)
        if (rd_kafka_conf_set(conf, properties[0], properties[1], text, sizeof text) != RD_KAFKA_CONF_OK)
            fail("%s", text);
    rd_kafka_t *rk = lifeline_new(type, conf, text, sizeof text);
    if (!rk)
        fail("%s", text);
    return rk;
}

void kafka_serve(rd_kafka_t *rk, int timeout_ms)
{
    rd_kafka_poll(rk, timeout_ms);
    lifeline_tick(vx_clock_ms());
}

static const char *const plain_client[] = {NULL};

static void check_topic_results(rd_kafka_event_t *event, rd_kafka_resp_err_t accepted)
{
    size_t n;
    if (!event)
        fail("the broker did not answer");
    const rd_kafka_topic_result_t **results =
        rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT
            ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n)
            : rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
        if (err && err != accepted)
            fail("topic %s: %s", rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(err));
    }
    rd_kafka_event_destroy(event);
}

/* NAME:PARTITIONS[:CONFIG=VALUE...] */
static rd_kafka_NewTopic_t *parse_topic(const char *text, int replicas)
{
    char *copy = strdup(text), *rest = NULL;
    const char *name = strtok_r(copy, ":", &rest), *partitions = strtok_r(NULL, ":", &rest);
    if (!name)
        fail("a topic without a name");
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions ? atoi(partitions) : 1, replicas, NULL, 0);
    rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
    for (char *config; (config = strtok_r(NULL, ":", &rest)) != NULL;) {
        char *value = strchr(config, '=');
        if (!value)
            fail("topic %s: `%s` is not CONFIG=VALUE", name, config);
        *value++ = '\0';
        rd_kafka_NewTopic_set_config(topic, config, value);
    }
    free(copy);
    return topic;
}

void kafka_create_topics(const char *brokers, char **topics, int count, int replicas)
{
    rd_kafka_t *rk = kafka_client(brokers, RD_KAFKA_PRODUCER, plain_client);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *wanted[64];
    if (count > 64)
        fail("at most 64 topics at once");
    for (int i = 0; i < count; i++)
        wanted[i] = parse_topic(topics[i], replicas);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char text[256];
    rd_kafka_AdminOptions_set_operation_timeout(options, META_TIMEOUT_MS, text, sizeof text);
    rd_kafka_CreateTopics(rk, wanted, (size_t)count, options, queue);
    check_topic_results(rd_kafka_queue_poll(queue, 3 * META_TIMEOUT_MS), RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy_array(wanted, (size_t)count);
    rd_kafka_queue_destroy(queue);
    lifeline_destroy(rk, 0);
}

void kafka_delete_topics(const char *brokers, char **topics, int count)
{
    rd_kafka_t *rk = kafka_client(brokers, RD_KAFKA_PRODUCER, plain_client);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopic_t *wanted[64];
    if (count > 64)
        fail("at most 64 topics at once");
    for (int i = 0; i < count; i++)
        wanted[i] = rd_kafka_DeleteTopic_new(topics[i]);
    rd_kafka_DeleteTopics(rk, wanted, (size_t)count, NULL, queue);
    check_topic_results(rd_kafka_queue_poll(queue, 3 * META_TIMEOUT_MS), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rd_kafka_DeleteTopic_destroy_array(wanted, (size_t)count);
    rd_kafka_queue_destroy(queue);
    lifeline_destroy(rk, 0);
}

static int find_partition_count(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *meta;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, rkt, &meta, META_TIMEOUT_MS);
    if (err)
        fail("metadata of %s: %s", topic, rd_kafka_err2str(err));
    int count = meta->topic_cnt == 1 && meta->topics[0].err == 0 ? meta->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(meta);
    rd_kafka_topic_destroy(rkt);
    return count;
}

const char **kafka_topics(const char *brokers, char **patterns, int count, struct vx_arena *arena, size_t *found)
{
    const struct rd_kafka_metadata *meta;
    rd_kafka_t *rk = kafka_client(brokers, RD_KAFKA_PRODUCER, plain_client);
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 1, NULL, &meta, META_TIMEOUT_MS);
    if (err)
        fail("metadata: %s", rd_kafka_err2str(err));
    const char **names = VX_ARENA_ARRAY(arena, const char *, meta->topic_cnt + 1);
    *found = 0;
    for (int i = 0; i < meta->topic_cnt; i++)
        for (int k = 0; k < count; k++) {
            struct vx_span name = vx_span_str(meta->topics[i].topic), pattern = vx_span_str(patterns[k]);
            bool prefix = pattern.len > 0 && pattern.at[pattern.len - 1] == '*';
            if (prefix ? vx_span_starts_with(name, vx_span(pattern.at, pattern.len - 1))
                       : vx_span_equal(name, pattern)) {
                names[(*found)++] = vx_arena_str(arena, name.at);
                break;
            }
        }
    rd_kafka_metadata_destroy(meta);
    lifeline_destroy(rk, 0);
    return names;
}

static void copy_record(const rd_kafka_message_t *message, const char *topic, struct vx_arena *arena,
                        struct check_record *record)
{
    *record = (struct check_record){.topic = vx_span_str(topic),
                                    .partition = message->partition,
                                    .offset = message->offset,
                                    .timestamp_ms = rd_kafka_message_timestamp(message, NULL)};
    if (message->key)
        record->key = vx_arena_span(arena, vx_span(message->key, message->key_len));
    if (message->payload)
        record->value = vx_arena_span(arena, vx_span(message->payload, message->len));
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers))
        return;
    record->header_count = rd_kafka_header_cnt(headers);
    struct cel_header *copies = VX_ARENA_ARRAY(arena, struct cel_header, record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const char *name;
        const void *value;
        size_t len;
        rd_kafka_header_get_all(headers, i, &name, &value, &len);
        copies[i].name = vx_arena_span(arena, vx_span_str(name));
        if (value)
            copies[i].value = vx_arena_span(arena, vx_span(value, len));
    }
    record->headers = copies;
}

/* What comes next, also errors; NULL: nothing for SILENT_MS. */
static rd_kafka_message_t *next_message(rd_kafka_t *rk)
{
    for (int64_t end_ms = vx_clock_ms() + SILENT_MS; vx_clock_ms() < end_ms; lifeline_tick(vx_clock_ms())) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, POLL_MS);
        if (message)
            return message;
    }
    return NULL;
}

void kafka_read(const char *brokers, const char *topic, struct vx_arena *arena,
                void (*add)(void *ctx, const struct check_record *record), void *ctx)
{
    static const char *const properties[] = {"group.id",
                                             "veltrix-check",
                                             "enable.partition.eof",
                                             "true",
                                             "auto.offset.reset",
                                             "earliest",
                                             "enable.auto.commit",
                                             "false",
                                             "isolation.level",
                                             "read_committed",
                                             "fetch.wait.max.ms",
                                             "10",
                                             NULL};
    rd_kafka_t *rk = kafka_client(brokers, RD_KAFKA_CONSUMER, properties);
    int left = find_partition_count(rk, topic);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(left);
    for (int i = 0; i < left; i++)
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t err = left ? rd_kafka_assign(rk, all) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (err)
        fail("assign %s: %s", topic, rd_kafka_err2str(err));
    while (left > 0) {
        rd_kafka_message_t *message = next_message(rk);
        if (!message)
            fail("reading %s: nothing came for %d s", topic, SILENT_MS / 1000);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            left--;
        } else if (message->err) {
            if (message->err != RD_KAFKA_RESP_ERR__TRANSPORT && message->err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
                fail("reading %s: %s", topic, rd_kafka_message_errstr(message));
        } else {
            struct check_record record;
            copy_record(message, topic, arena, &record);
            add(ctx, &record);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_consumer_close(rk);
    lifeline_destroy(rk, 0);
}

static bool is_committed(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
    if (rd_kafka_committed(rk, list, META_TIMEOUT_MS))
        return false;
    for (int i = 0; i < list->cnt; i++) {
        int64_t low, high;
        rd_kafka_topic_partition_t *p = &list->elems[i];
        if (rd_kafka_query_watermark_offsets(rk, p->topic, p->partition, &low, &high, META_TIMEOUT_MS))
            return false;
        if (high > low && p->offset < high)
            return false;
    }
    return true;
}

bool kafka_wait(const char *brokers, const char *group, char **topics, int count, int timeout_s)
{
    const char *const properties[] = {"group.id", group, NULL};
    rd_kafka_t *rk = kafka_client(brokers, RD_KAFKA_CONSUMER, properties);
    int64_t deadline = vx_clock_ms() + (int64_t)timeout_s * 1000;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (int i = 0; i < count; i++)
        for (int k = find_partition_count(rk, topics[i]); k-- > 0;)
            rd_kafka_topic_partition_list_add(list, topics[i], k);
    bool done;
    while (!(done = is_committed(rk, list)) && vx_clock_ms() < deadline)
        kafka_serve(rk, 100);
    rd_kafka_topic_partition_list_destroy(list);
    lifeline_destroy(rk, 0);
    return done;
}
