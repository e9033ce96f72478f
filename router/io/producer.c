/* The producer. Its file is the only one that knows what librdkafka's error codes mean for a record.
 *
 * Thread: its worker's. Owns the handle and its topics. Invariant: `outstanding` is the number of records handed over
 * and not reported; every one of them is reported exactly once, at the latest by producer_free().
 */
#include "router/io/producer.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "router/io/lifeline.h"
#include "router/io/properties.h"

enum { BUCKETS = 256, PURGE_TIMEOUT_MS = 30000, ASK_TIMEOUT_MS = 500 };

struct producer {
    struct producer_setup setup;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* its reports */
    struct producer_topic *buckets[BUCKETS];
    size_t outstanding;
    size_t outstanding_bytes;
    size_t records_max; /* librdkafka's own bounds */
    size_t bytes_max;
    size_t batch_bytes;
    size_t too_large; /* records of batches that were: how many, and how many bytes of key and value */
    size_t too_large_bytes;
    struct destination *too_large_for; /* the last one's; NULL: there is none */
    bool broken;
    char why[256];
    size_t served; /* reports of the call under way */
};

/* What a failed delivery means. Codes not listed are nobody's fault: again. */
static enum lane_ack fate(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return LANE_ACK_OK;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD:
        return LANE_ACK_REFUSED;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return LANE_ACK_DESTINATION;
    default:
        return LANE_ACK_AGAIN;
    }
}

static bool is_main(const struct producer *p)
{
    return !p->setup.alone && !p->setup.transactional_id;
}

static bool is_too_large(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* Was it the batch that was too large, not the record? As long as batches can be made smaller, that is tried first: to
 * send thousands of records one at a time takes minutes. A batch of one record teaches producer_learn(). */
static bool blames_batch(struct producer *p, struct producer_topic *topic, const rd_kafka_message_t *m)
{
    if (!is_too_large(m->err))
        return false;
    bool opens = is_main(p) && opening_is_first(&topic->opening, m->partition);
    if (opens && topic->destination) { /* a batch of one */
        destinations_learn(topic->destination, m->len + m->key_len, false);
        return true;
    }
    p->too_large++;
    p->too_large_bytes += m->len + m->key_len;
    p->too_large_for = topic->destination;
    return is_main(p) && topic->destination && p->batch_bytes > PRODUCER_BATCH_MIN_BYTES;
}

static void note_fatal(struct producer *p)
{
    if (!p->broken && rd_kafka_fatal_error(p->rk, p->why, sizeof p->why) != RD_KAFKA_RESP_ERR_NO_ERROR)
        p->broken = true;
}

static void doubt(struct producer *p, struct producer_topic *topic, rd_kafka_resp_err_t err)
{
    if (!topic->destination)
        return;
    topic->doubted = true;
    destinations_doubt(p->setup.destinations, topic->destination,
                       err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? DESTINATION_FORBIDDEN
                       : err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT           ? DESTINATION_UNKNOWN
                       : err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION       ? DESTINATION_UNKNOWN
                                                                           : DESTINATION_MISSING);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct producer *p = opaque;
    struct producer_topic *topic = rd_kafka_topic_opaque(m->rkt);
    enum lane_ack ack = fate(m->err);
    (void)rk;
    p->outstanding--;
    p->outstanding_bytes -= m->len + m->key_len;
    p->served++;
    if (ack == LANE_ACK_OK && topic->doubted && topic->destination) {
        topic->doubted = false;
        destinations_confirm(p->setup.destinations, topic->destination);
    }
    if (ack != LANE_ACK_OK)
        note_fatal(p);
    if (p->setup.alone && topic->destination && (ack == LANE_ACK_OK || is_too_large(m->err)))
        destinations_learn(topic->destination, m->len + m->key_len, ack == LANE_ACK_OK);
    /* what times out is of a transaction, in which librdkafka keeps asking for a partition that is not there any more */
    if (ack == LANE_ACK_DESTINATION || m->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        doubt(p, topic, m->err);
    /* the topic is there, with fewer partitions: nothing is wrong with the record, which goes elsewhere the next time */
    if (m->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || blames_batch(p, topic, m))
        ack = LANE_ACK_AGAIN;
    if (is_main(p))
        opening_back(&topic->opening, m->partition, ack == LANE_ACK_OK);
    p->setup.on_report(p->setup.report_ctx, (uint64_t)(uintptr_t)m->_private, ack, p->setup.alone,
                       ack == LANE_ACK_OK ? NULL : rd_kafka_err2str(m->err), topic);
}

static void on_queue(rd_kafka_t *rk, void *opaque)
{
    struct producer *p = opaque;
    (void)rk;
    p->setup.on_wake(p->setup.ctx);
}

static size_t number_of(rd_kafka_t *rk, const char *name)
{
    char text[64];
    size_t size = sizeof text;
    vx_assert(rd_kafka_conf_get(rd_kafka_conf(rk), name, text, &size) == RD_KAFKA_CONF_OK);
    return strtoull(text, NULL, 10);
}

/* A record of a transaction does not outlive it: what times out aborts it. Order does not rest on gaps being fatal, since
 * a transaction with a failed record cannot be committed. */
static void set_transactional(rd_kafka_conf_t *conf, const char *id)
{
    char text[64];
    size_t size = sizeof text;
    properties_set(conf, "transactional.id", id);
    vx_assert(rd_kafka_conf_get(conf, "transaction.timeout.ms", text, &size) == RD_KAFKA_CONF_OK);
    properties_set(conf, "message.timeout.ms", text);
}

enum vx_status producer_new(const struct producer_setup *setup, struct producer **out, struct vx_err *err)
{
    char text[256];
    struct producer *p = calloc(1, sizeof *p);
    vx_assert(p != NULL);
    p->setup = *setup;
    if (!p->setup.report_ctx)
        p->setup.report_ctx = p->setup.ctx;
    rd_kafka_conf_t *conf = properties_new(PROPERTIES_PRODUCER, setup->kafka);
    if (setup->alone) {
        properties_set(conf, "batch.num.messages", "1");
        properties_set(conf, "linger.ms", "0");
    }
    if (setup->transactional_id)
        set_transactional(conf, setup->transactional_id);
    else if (!setup->alone)
        properties_set(conf, "enable.gapless.guarantee", "true");
    if (setup->batch_bytes) {
        snprintf(text, sizeof text, "%zu", setup->batch_bytes);
        properties_set(conf, "batch.size", text);
    }
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    p->rk = lifeline_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!p->rk) {
        free(p);
        return vx_err_set(err, VX_EINVAL, "kafka: %s", text);
    }
    p->records_max = number_of(p->rk, "queue.buffering.max.messages");
    p->bytes_max = number_of(p->rk, "queue.buffering.max.kbytes") * 1024;
    p->batch_bytes = number_of(p->rk, "batch.size");
    p->queue = rd_kafka_queue_get_main(p->rk);
    rd_kafka_queue_cb_event_enable(p->queue, on_queue, p);
    *out = p;
    return VX_OK;
}

void producer_purge(struct producer *p)
{
    rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int64_t end_ms = vx_clock_ms() + PURGE_TIMEOUT_MS; p->outstanding && vx_clock_ms() < end_ms;)
        rd_kafka_poll(p->rk, 100);
    /* what is lent must not be freed under librdkafka */
    vx_assert(p->outstanding == 0);
}

struct rd_kafka_s *producer_handle(struct producer *p)
{
    return p->rk;
}

void producer_free(struct producer *p)
{
    if (!p)
        return;
    producer_purge(p);
    rd_kafka_queue_cb_event_enable(p->queue, NULL, NULL);
    rd_kafka_queue_destroy(p->queue);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct producer_topic *t = p->buckets[i], *next; t; t = next) {
            next = t->next;
            if (t->rkt)
                rd_kafka_topic_destroy(t->rkt);
            free((char *)t->name);
            opening_done(&t->opening);
            free(t);
        }
    lifeline_destroy(p->rk, 0);
    free(p);
}

static struct producer_topic *add_topic(struct producer *p, struct producer_topic **at, struct vx_span name)
{
    struct producer_topic *t = calloc(1, sizeof *t);
    vx_assert(t != NULL);
    t->name = strndup(name.at, name.len);
    vx_assert(t->name != NULL);
    t->destination = destinations_get(p->setup.destinations, name);
    t->counter = metrics_counter(p->setup.metrics, METRIC_RECORDS, t->name, NULL);
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(p->rk);
    rd_kafka_topic_conf_set_opaque(conf, t);
    t->rkt = rd_kafka_topic_new(p->rk, t->name, conf);
    if (!t->rkt) /* not a legal name: the registry will call it missing */
        rd_kafka_topic_conf_destroy(conf);
    *at = t;
    return t;
}

struct producer_topic *producer_topic(struct producer *p, struct vx_span name)
{
    struct producer_topic **at = &p->buckets[vx_hash64(name) % BUCKETS];
    while (*at && !vx_span_is(name, (*at)->name))
        at = &(*at)->next;
    return *at ? *at : add_topic(p, at, name);
}

/* The event's own list; NULL: it has others than the record, which are copied then. */
static rd_kafka_headers_t *take_headers(const struct producer_record *r)
{
    rd_kafka_headers_t *headers;
    if (!r->headers_from || rd_kafka_message_detach_headers(r->headers_from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    if (rd_kafka_header_cnt(headers) == r->record->header_count)
        return headers;
    rd_kafka_message_set_headers(r->headers_from, headers);
    return NULL;
}

/* The record is not sent: the event may be decided again, and its dead letter has its headers. */
static void give_headers_back(const struct producer_record *r, rd_kafka_headers_t *headers)
{
    if (r->release.len)
        (void)rd_kafka_header_remove(headers, DECIDE_RELEASE_HEADER);
    rd_kafka_message_set_headers(r->headers_from, headers);
}

static rd_kafka_headers_t *copy_headers(const struct producer_record *r)
{
    size_t count = r->record->header_count + (r->release.len > 0);
    if (count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(count);
    for (size_t i = 0; i < r->record->header_count; i++) {
        const struct cel_header *h = &r->record->headers[i];
        rd_kafka_header_add(headers, h->name.at, (ssize_t)h->name.len, h->value.at, (ssize_t)h->value.len);
    }
    return headers;
}

static rd_kafka_headers_t *make_headers(const struct producer_record *r, bool *taken)
{
    rd_kafka_headers_t *headers = take_headers(r);
    *taken = headers != NULL;
    if (!headers)
        headers = copy_headers(r);
    if (r->release.len)
        rd_kafka_header_add(headers, DECIDE_RELEASE_HEADER, sizeof DECIDE_RELEASE_HEADER - 1, r->release.at,
                            (ssize_t)r->release.len);
    return headers;
}

/* This handle asks for itself only every few minutes, and its view may be older than the registry's, or newer: now both
 * have the same. True when that tells of another number of partitions than the last time. */
static bool ask_again(struct producer *p, struct producer_topic *topic)
{
    const struct rd_kafka_metadata *md;
    if (rd_kafka_metadata(p->rk, 0, topic->rkt, &md, ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    bool there = md->topic_cnt == 1 && md->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    int count = there ? md->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(md);
    bool news = count > 0 && count != topic->asked_count;
    topic->asked_count = count;
    if (count > 0)
        destination_resize(topic->destination, count);
    return news;
}

/* Why librdkafka did not take the record. */
static enum lane_sent not_taken(struct producer *p, struct producer_topic *topic, rd_kafka_resp_err_t err)
{
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR__INVALID_ARG)
        return LANE_REFUSED;
    if (fate(err) == LANE_ACK_DESTINATION) {
        bool news = ask_again(p, topic);
        if (!news || err != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) /* else partitions were added, or are fewer */
            doubt(p, topic, err);
    }
    note_fatal(p);
    return LANE_AGAIN;
}

/* May a broker refuse it for its size, and with it the batch that it is in? */
static bool is_doubtful(const struct producer *p, const struct producer_topic *topic, size_t bytes)
{
    return is_main(p) && topic->destination &&
           bytes > atomic_load_explicit(&topic->destination->batch_record_bytes, memory_order_relaxed);
}

static unsigned incarnation_of(const struct producer_topic *topic)
{
    return topic->destination ? atomic_load_explicit(&topic->destination->incarnation, memory_order_relaxed) : 0;
}

bool producer_is_opening(const struct producer_topic *topic, int32_t partition)
{
    return !opening_may(&topic->opening, incarnation_of(topic), partition);
}

enum lane_sent producer_send(struct producer *p, struct producer_topic *topic, const struct producer_record *r)
{
    const struct decide_record *rec = r->record;
    if (is_doubtful(p, topic, rec->value.len + rec->key.len))
        return LANE_ALONE;
    unsigned incarnation = incarnation_of(topic);
    /* of a record that the window does not track all before it would be sent again: it goes unguarded */
    if (is_main(p) && !opening_may(&topic->opening, incarnation, r->partition) &&
        window_ticket_record(r->ticket) < WINDOW_TRACKED_RECORDS)
        return LANE_AGAIN;
    bool taken;
    rd_kafka_headers_t *headers = make_headers(r, &taken);
    rd_kafka_vu_t vus[8];
    size_t n = 0;
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->rkt};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)rec->value.at, rec->value.len}};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = r->lend ? 0 : RD_KAFKA_MSG_F_COPY};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)r->ticket};
    if (rec->key.at)
        vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)rec->key.at, rec->key.len}};
    /* for librdkafka 0 means now: the millisecond after is nearer */
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->timestamp_ms ? r->timestamp_ms : 1};
    vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = r->partition};
    if (headers)
        vus[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    rd_kafka_error_t *error = rd_kafka_produceva(p->rk, vus, n);
    if (!error) {
        if (is_main(p))
            opening_sent(&topic->opening, incarnation, r->partition);
        p->outstanding++;
        p->outstanding_bytes += rec->value.len + rec->key.len;
        return LANE_SENT;
    }
    rd_kafka_resp_err_t err = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (taken)
        give_headers_back(r, headers);
    else if (headers)
        rd_kafka_headers_destroy(headers);
    return not_taken(p, topic, err);
}

size_t producer_serve(struct producer *p)
{
    p->served = 0;
    rd_kafka_poll(p->rk, 0);
    return p->served;
}

bool producer_has_room(const struct producer *p)
{
    if (p->broken)
        return false;
    return p->outstanding == 0 ||
           (p->outstanding < p->records_max / 4 * 3 && p->outstanding_bytes < p->bytes_max / 4 * 3);
}

bool producer_shares_room(const struct producer *p, size_t sharers, size_t records, size_t bytes)
{
    size_t half_records = p->records_max / 8 * 3, half_bytes = p->bytes_max / 8 * 3; /* of what has_room() gives out */
    if (records == 0 || (p->outstanding < half_records && p->outstanding_bytes < half_bytes))
        return true;
    return records < half_records / sharers && bytes < half_bytes / sharers;
}

bool producer_is_broken(struct producer *p, const char **why)
{
    if (why)
        *why = p->why;
    return p->broken;
}

/* Half of what was refused: all of it in one batch was too much, whatever compression made of it. */
size_t producer_batch_bytes(const struct producer *p)
{
    size_t half = (p->too_large_bytes < p->batch_bytes ? p->too_large_bytes : p->batch_bytes) / 2;
    if (p->setup.alone || p->too_large <= 1 || p->batch_bytes <= PRODUCER_BATCH_MIN_BYTES)
        return p->batch_bytes;
    return half > PRODUCER_BATCH_MIN_BYTES ? half : PRODUCER_BATCH_MIN_BYTES;
}

void producer_learn(const struct producer *p)
{
    if (p->too_large == 1 && p->too_large_for)
        destinations_learn(p->too_large_for, p->too_large_bytes, false);
}

bool producer_shrinks(struct producer *p)
{
    bool shrinks = producer_batch_bytes(p) < p->batch_bytes;
    p->too_large = p->too_large_bytes = 0;
    return shrinks;
}

size_t producer_outstanding(const struct producer *p)
{
    return p->outstanding;
}
