/* What feed needs of Kafka. The only file besides broker.c that knows librdkafka here. One thread: callbacks run inside
 * kafka_poll() and kafka_send(). */
#include "configsvc/cli/dev/kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"

struct kafka {
    rd_kafka_t *producer, *consumer;
    struct kafka_ops ops;
    void *ctx;
    struct vx_arena arena; /* the headers of one record */
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct kafka *k = opaque;
    rd_kafka_timestamp_type_t type;
    (void)rk;
    k->ops.on_sent(k->ctx, (size_t)(uintptr_t)m->_private, m->partition, m->offset,
                   rd_kafka_message_timestamp(m, &type), m->err ? rd_kafka_err2str(m->err) : NULL);
}

/* The library's own log would mix with our output; what matters comes back as errors. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const char *brokers, struct kafka *k, char *errstr, size_t size)
{
    static const char *const common[][2] = {{"broker.address.family", "v4"}, {"socket.nagle.disable", "true"}};
    static const char *const producer[][2] = {{"partitioner", "murmur2_random"}, {"linger.ms", "2"}, {"acks", "all"}};
    static const char *const consumer[][2] = {{"group.id", "veltrix-feed"},          {"enable.auto.commit", "false"},
                                              {"fetch.wait.max.ms", "10"},           {"fetch.queue.backoff.ms", "1"},
                                              {"isolation.level", "read_committed"}, {"auto.offset.reset", "earliest"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, errstr, size) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; ok && i < sizeof common / sizeof common[0]; i++)
        ok = rd_kafka_conf_set(conf, common[i][0], common[i][1], errstr, size) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; ok && type == RD_KAFKA_PRODUCER && i < sizeof producer / sizeof producer[0]; i++)
        ok = rd_kafka_conf_set(conf, producer[i][0], producer[i][1], errstr, size) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; ok && type == RD_KAFKA_CONSUMER && i < sizeof consumer / sizeof consumer[0]; i++)
        ok = rd_kafka_conf_set(conf, consumer[i][0], consumer[i][1], errstr, size) == RD_KAFKA_CONF_OK;
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", KAFKA_SEND_MS);
    if (ok && type == RD_KAFKA_PRODUCER) {
        ok = rd_kafka_conf_set(conf, "message.timeout.ms", timeout, errstr, size) == RD_KAFKA_CONF_OK;
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_t *rk = ok ? rd_kafka_new(type, conf, errstr, size) : NULL;
    if (!rk)
        rd_kafka_conf_destroy(conf);
    return rk;
}

enum vx_status kafka_open(const char *brokers, const struct kafka_ops *ops, void *ctx, struct kafka **out,
                          struct vx_err *err)
{
    char errstr[512] = "";
    struct kafka *k = calloc(1, sizeof *k);
    vx_assert(k != NULL);
    k->ops = *ops;
    k->ctx = ctx;
    k->producer = open_client(RD_KAFKA_PRODUCER, brokers, k, errstr, sizeof errstr);
    k->consumer = k->producer ? open_client(RD_KAFKA_CONSUMER, brokers, k, errstr, sizeof errstr) : NULL;
    if (!k->consumer) {
        kafka_close(k);
        return vx_err_set(err, VX_EINVAL, "no Kafka client for %s: %s", brokers, errstr);
    }
    rd_kafka_poll_set_consumer(k->consumer);
    *out = k;
    return VX_OK;
}

void kafka_close(struct kafka *k)
{
    if (!k)
        return;
    if (k->consumer) {
        rd_kafka_consumer_close(k->consumer);
        rd_kafka_destroy(k->consumer);
    }
    if (k->producer) {
        rd_kafka_purge(k->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(k->producer);
    }
    vx_arena_done(&k->arena);
    free(k);
}

/* How many partitions a topic has; 0 when it is not there. */
static enum vx_status partition_count(struct kafka *k, const char *topic, int *count, struct vx_err *err)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(k->producer, topic, NULL);
    if (!rkt)
        return vx_err_set(err, VX_EINVAL, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_resp_err_t e = rd_kafka_metadata(k->producer, 0, rkt, &md, KAFKA_CALL_MS);
    rd_kafka_topic_destroy(rkt);
    if (e)
        return vx_err_set(err, VX_EUNAVAILABLE, "Kafka says nothing about topic %s: %s", topic, rd_kafka_err2str(e));
    *count = md->topic_cnt == 1 && !md->topics[0].err ? md->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(md);
    return VX_OK;
}

static enum vx_status create_topic(struct kafka *k, const char *topic, struct vx_err *err)
{
    char errstr[256] = "";
    rd_kafka_NewTopic_t *nt = rd_kafka_NewTopic_new(topic, KAFKA_PARTITIONS, -1, errstr, sizeof errstr);
    if (!nt)
        return vx_err_set(err, VX_EINVAL, "topic %s: %s", topic, errstr);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->producer);
    rd_kafka_CreateTopics(k->producer, &nt, 1, NULL, queue);
    rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, KAFKA_CALL_MS);
    rd_kafka_resp_err_t e = ev ? rd_kafka_event_error(ev) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t n = 0;
    const rd_kafka_topic_result_t **results =
        ev && !e ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n) : NULL;
    if (n == 1)
        e = rd_kafka_topic_result_error(results[0]);
    if (ev)
        rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(nt);
    if (e && e != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return vx_err_set(err, VX_EUNAVAILABLE, "topic %s cannot be created: %s", topic, rd_kafka_err2str(e));
    return VX_OK;
}

enum vx_status kafka_ensure_topics(struct kafka *k, const char *const *topics, size_t count, struct vx_err *err)
{
    for (size_t i = 0; i < count; i++) {
        int64_t deadline = vx_clock_ms() + KAFKA_CALL_MS;
        bool created = false;
        for (int partitions = 0; partitions == 0;) {
            enum vx_status status = partition_count(k, topics[i], &partitions, err);
            if (status == VX_OK && partitions == 0 && !created) {
                status = create_topic(k, topics[i], err);
                created = true;
            }
            if (status != VX_OK)
                return status;
            if (vx_clock_ms() > deadline)
                return vx_err_set(err, VX_ETIMEOUT, "topic %s does not come into being", topics[i]);
            if (partitions == 0)
                rd_kafka_poll(k->producer, 50);
        }
    }
    return VX_OK;
}

enum vx_status kafka_watch(struct kafka *k, const char *const *topics, size_t count, struct vx_err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    enum vx_status status = VX_OK;
    for (size_t i = 0; i < count && status == VX_OK; i++) {
        int partitions = 0;
        status = partition_count(k, topics[i], &partitions, err);
        for (int p = 0; p < partitions && status == VX_OK; p++) {
            int64_t low, high;
            rd_kafka_resp_err_t e =
                rd_kafka_query_watermark_offsets(k->producer, topics[i], p, &low, &high, KAFKA_CALL_MS);
            if (e)
                status = vx_err_set(err, VX_EUNAVAILABLE, "the end of topic %s is not known: %s", topics[i],
                                    rd_kafka_err2str(e));
            else
                rd_kafka_topic_partition_list_add(list, topics[i], p)->offset = high;
        }
    }
    if (status == VX_OK) {
        rd_kafka_resp_err_t e = rd_kafka_assign(k->consumer, list);
        if (e)
            status = vx_err_set(err, VX_EUNAVAILABLE, "the outputs cannot be read: %s", rd_kafka_err2str(e));
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

enum vx_status kafka_send(struct kafka *k, const char *topic, const struct events_item *item, size_t number,
                          struct vx_err *err)
{
    for (;;) {
        rd_kafka_headers_t *headers = rd_kafka_headers_new(item->header_count);
        for (size_t i = 0; i < item->header_count; i++)
            rd_kafka_header_add(headers, item->headers[i].name.at, (ssize_t)item->headers[i].name.len,
                                item->headers[i].value.at, (ssize_t)item->headers[i].value.len);
        rd_kafka_resp_err_t e =
            rd_kafka_producev(k->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(item->key.at, item->key.len),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)item->value.at, item->value.len),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
                              RD_KAFKA_V_OPAQUE((void *)(uintptr_t)number), RD_KAFKA_V_END);
        if (!e)
            return VX_OK;
        rd_kafka_headers_destroy(headers);
        if (e != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return vx_err_set(err, VX_EIO, "an event cannot be sent to %s: %s", topic, rd_kafka_err2str(e));
        rd_kafka_poll(k->producer, 10);
    }
}

static void hand_over(struct kafka *k, const rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers;
    struct cel_event record = {
        .topic = vx_span_str(rd_kafka_topic_name(m->rkt)),
        .partition = m->partition,
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, &type),
        .key = vx_span(m->key, m->key_len),
        .value = vx_span(m->payload, m->len),
    };
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        struct cel_header *copies = VX_ARENA_ARRAY(&k->arena, struct cel_header, rd_kafka_header_cnt(headers));
        const char *name;
        const void *value;
        size_t len;
        while (rd_kafka_header_get_all(headers, record.header_count, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR)
            copies[record.header_count++] = (struct cel_header){vx_span_str(name), vx_span(value, len)};
        record.headers = copies;
    }
    k->ops.on_record(k->ctx, &record);
    vx_arena_reset(&k->arena, SIZE_MAX);
}

bool kafka_poll(struct kafka *k, int timeout_ms)
{
    bool came = rd_kafka_poll(k->producer, 0) > 0;
    rd_kafka_message_t *m = rd_kafka_consumer_poll(k->consumer, came ? 0 : timeout_ms);
    for (int n = 0; m; n++) {
        if (!m->err) {
            hand_over(k, m);
            came = true;
        }
        rd_kafka_message_destroy(m);
        m = n < 1000 ? rd_kafka_consumer_poll(k->consumer, 0) : NULL;
    }
    return came;
}
