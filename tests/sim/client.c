/* librdkafka, as far as the worker and what it owns call it: configurations, producers (their transactions are in
 * transactions.c), the queues of partitions. What needs no client (lists, hashes of partitioners, texts of errors) is
 * librdkafka's own.
 *
 *     produceva ──> line of a destination partition <── broker.c ──> reports ──poll──> the product
 *
 * One thread; a client belongs to the router whose code made it. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/io/inquiry.h"
#include "world.h"

struct rd_kafka_headers_s {
    size_t count;
    uint32_t release; /* of veltrix-release; 0: it is not there */
};

void line_add(struct sim_line *line, const struct sim_flight *f)
{
    if (line->count == line->room) {
        line->room = line->room ? line->room * 2 : 16;
        line->at = realloc(line->at, (size_t)line->room * sizeof line->at[0]);
        vx_assert(line->at != NULL);
    }
    line->at[line->count++] = *f;
}

void line_cut(struct sim_line *line, int n)
{
    line->count -= n;
    memmove(line->at, line->at + n, (size_t)line->count * sizeof line->at[0]);
}

void client_report(rd_kafka_t *rk, const struct sim_flight *f, rd_kafka_resp_err_t err)
{
    line_add(&rk->reports, f);
    rk->reports.at[rk->reports.count - 1].err = err;
}

/* --- configurations ----------------------------------------------------------------------------------------------- */

rd_kafka_conf_t *rd_kafka_conf_new(void)
{
    rd_kafka_conf_t *conf = calloc(1, sizeof *conf);
    vx_assert(conf != NULL);
    conf->queue_records = 100000;
    conf->batch_bytes = SIM_BATCH_BYTES;
    conf->batch_records = 10000;
    return conf;
}

void rd_kafka_conf_destroy(rd_kafka_conf_t *conf)
{
    free(conf);
}

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *errstr,
                                      size_t errstr_size)
{
    (void)errstr, (void)errstr_size;
    if (strcmp(name, "queue.buffering.max.messages") == 0)
        conf->queue_records = strtoul(value, NULL, 10);
    else if (strcmp(name, "queue.buffering.max.kbytes") == 0)
        conf->queue_bytes = strtoul(value, NULL, 10);
    else if (strcmp(name, "batch.size") == 0)
        conf->batch_bytes = strtoul(value, NULL, 10);
    else if (strcmp(name, "batch.num.messages") == 0)
        conf->batch_records = strtoul(value, NULL, 10);
    else if (strcmp(name, "enable.gapless.guarantee") == 0)
        conf->gapless = strcmp(value, "true") == 0;
    else if (strcmp(name, "transactional.id") == 0)
        snprintf(conf->transactional_id, sizeof conf->transactional_id, "%s", value);
    return RD_KAFKA_CONF_OK;
}

rd_kafka_conf_res_t rd_kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *dest, size_t *dest_size)
{
    size_t n = strcmp(name, "queue.buffering.max.messages") == 0 ? conf->queue_records
               : strcmp(name, "queue.buffering.max.kbytes") == 0 ? conf->queue_bytes
               : strcmp(name, "batch.size") == 0                 ? conf->batch_bytes
                                                                 : 10000;
    *dest_size = (size_t)snprintf(dest, *dest_size, "%zu", n) + 1;
    return RD_KAFKA_CONF_OK;
}

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque)
{
    conf->opaque = opaque;
}

void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf,
                                 void (*on_report)(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque))
{
    conf->on_report = on_report;
}

void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf,
                              void (*log)(const rd_kafka_t *rk, int level, const char *fac, const char *buf))
{
    (void)conf, (void)log;
}

void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf,
                                void (*on_error)(rd_kafka_t *rk, int err, const char *reason, void *opaque))
{
    (void)conf, (void)on_error;
}

const rd_kafka_conf_t *rd_kafka_conf(rd_kafka_t *rk)
{
    return &rk->conf;
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *errstr, size_t errstr_size)
{
    (void)type, (void)errstr, (void)errstr_size;
    rd_kafka_t *rk = calloc(1, sizeof *rk);
    vx_assert(rk != NULL);
    rk->r = sim_now;
    rk->conf = *conf;
    free(conf);
    rk->worker = sim_now->at;
    rk->next = sim_now->clients;
    sim_now->clients = rk;
    check_client(rk);
    return rk;
}

void rd_kafka_destroy_flags(rd_kafka_t *rk, int flags)
{
    (void)flags;
    rd_kafka_t **at = &rk->r->clients;
    while (*at != rk)
        at = &(*at)->next;
    *at = rk->next;
    vx_assert(rk->flying == 0 && rk->reports.count == 0);
    for (int i = 0; i < SIM_LINES; i++)
        free(rk->lines[i].at);
    free(rk->reports.at);
    free(rk->unseen.at);
    free(rk->offsets);
    free(rk);
}

rd_kafka_queue_t *rd_kafka_queue_get_main(rd_kafka_t *rk)
{
    (void)rk;
    return NULL; /* nobody has to be woken up: the worker's rounds come anyway */
}

void rd_kafka_queue_destroy(rd_kafka_queue_t *q)
{
    (void)q;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *rk, char *errstr, size_t errstr_size)
{
    if (!rk->fatal)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    snprintf(errstr, errstr_size, "it failed for good");
    return RD_KAFKA_RESP_ERR__FATAL;
}

static void give_report(rd_kafka_t *rk, const struct sim_flight *f)
{
    rd_kafka_message_t m = {.err = f->err,
                            .rkt = f->rkt,
                            .partition = f->line == SIM_LINES - 1 ? 0 : f->line % SIM_SPREAD,
                            .len = f->len,
                            .key_len = f->key_len,
                            ._private = (void *)(uintptr_t)f->ticket};
    rk->spoilt |= f->err != RD_KAFKA_RESP_ERR_NO_ERROR;
    rk->conf.on_report(rk, &m, rk->conf.opaque);
}

/* Those that wait for their time come later, but not where somebody waits for them. */
int rd_kafka_poll(rd_kafka_t *rk, int timeout_ms)
{
    struct sim_world *w = rk->r->world;
    int n = rk->reports.count;
    if (n && timeout_ms == 0 && !w->quiet && !rk->fatal)
        n = (int)draw(w, (uint32_t)n + 1);
    for (int i = 0; i < n; i++) {
        struct sim_flight f = rk->reports.at[i];
        give_report(rk, &f);
    }
    if (n)
        line_cut(&rk->reports, n);
    return n;
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *rk, int flags)
{
    if (flags & RD_KAFKA_PURGE_F_INFLIGHT)
        broker_haunt(rk);
    for (int i = 0; i < SIM_LINES; i++) {
        struct sim_line *line = &rk->lines[i];
        for (int k = 0; k < line->count; k++)
            client_report(rk, &line->at[k], RD_KAFKA_RESP_ERR__PURGE_INFLIGHT);
        rk->r->world->disturbed |= line->count > 0;
        rk->flying -= line->count;
        line->count = 0;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

rd_kafka_topic_conf_t *rd_kafka_default_topic_conf_dup(rd_kafka_t *rk)
{
    (void)rk;
    rd_kafka_topic_t *topic = calloc(1, sizeof *topic);
    vx_assert(topic != NULL);
    return (rd_kafka_topic_conf_t *)topic; /* the topic that it is for */
}

void rd_kafka_topic_conf_set_opaque(rd_kafka_topic_conf_t *conf, void *opaque)
{
    ((rd_kafka_topic_t *)conf)->opaque = opaque;
}

void rd_kafka_topic_conf_destroy(rd_kafka_topic_conf_t *conf)
{
    free(conf);
}

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *rk, const char *topic, rd_kafka_topic_conf_t *conf)
{
    rd_kafka_topic_t *rkt = conf ? (rd_kafka_topic_t *)conf : (rd_kafka_topic_t *)rd_kafka_default_topic_conf_dup(rk);
    rkt->rk = rk;
    rkt->number = sim_topic(vx_span_str(topic));
    return rkt;
}

void rd_kafka_topic_destroy(rd_kafka_topic_t *rkt)
{
    free(rkt);
}

void *rd_kafka_topic_opaque(const rd_kafka_topic_t *rkt)
{
    return rkt->opaque;
}

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only_rkt,
                                      const struct rd_kafka_metadata **out, int timeout_ms)
{
    struct sim_world *w = rk->r->world;
    (void)all_topics, (void)timeout_ms;
    if (!w->quiet && of16(w, w->mix.lookup))
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_metadata_t *md = calloc(1, sizeof *md + sizeof *md->topics);
    vx_assert(md != NULL);
    const struct sim_destination *d = &w->destinations[only_rkt->number];
    md->topics = (rd_kafka_metadata_topic_t *)(md + 1);
    md->topic_cnt = 1;
    md->topics[0].partition_cnt = d->missing ? 0 : d->spread;
    md->topics[0].err = d->missing ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : RD_KAFKA_RESP_ERR_NO_ERROR;
    rk->spread[only_rkt->number] = (uint8_t)md->topics[0].partition_cnt;
    *out = md;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *md)
{
    free((void *)md);
}

/* The registry's questions (the product's inquiry.c is made of calls to librdkafka's admin client). */
void inquiry_ask(struct rd_kafka_s *rk, const char *name, bool seen, struct destination_answer *out)
{
    struct sim_world *w = rk->r->world;
    *out = (struct destination_answer){.state = DESTINATION_UNKNOWN};
    if (!w->quiet && of16(w, w->mix.lookup))
        return;
    const struct sim_destination *d = &w->destinations[sim_topic(vx_span_str(name))];
    out->state = d->missing ? DESTINATION_MISSING : DESTINATION_THERE;
    out->gone = d->missing;
    out->partition_count = d->missing ? 0 : d->spread;
    if (seen && !w->mix.no_ids)
        out->id = (struct destination_id){.high = 1, .low = (uint64_t)d->incarnation};
    TRACE(w, "router %d: %s is %s, %d partitions", rk->r->number, name, d->missing ? "missing" : "there", d->spread);
}

bool inquiry_reaches(struct rd_kafka_s *rk)
{
    (void)rk;
    return true;
}

void inquiry_list(struct rd_kafka_s *rk, void (*each)(void *ctx, const struct vx_strings *topics), void *ctx)
{
    struct sim_world *w = rk->r->world;
    const char *names[SIM_SOURCES + SIM_TOPICS];
    struct vx_strings topics = {.at = names};
    if (!w->quiet && of16(w, w->mix.lookup))
        return;
    names[topics.count++] = sim_sources[0];
    if (w->second && w->bug != BUG_DEAF)
        names[topics.count++] = sim_sources[1];
    for (int t = 0; t < SIM_TOPICS; t++)
        if (!w->destinations[t].missing)
            names[topics.count++] = sim_topics[t];
    each(ctx, &topics);
}

/* --- producing ---------------------------------------------------------------------------------------------------- */

rd_kafka_headers_t *rd_kafka_headers_new(size_t initial_count)
{
    (void)initial_count;
    rd_kafka_headers_t *h = calloc(1, sizeof *h);
    vx_assert(h != NULL);
    return h;
}

rd_kafka_resp_err_t rd_kafka_header_add(rd_kafka_headers_t *h, const char *name, ssize_t name_size, const void *value,
                                        ssize_t value_size)
{
    char text[16] = "";
    if (name_size == 15 && memcmp(name, "veltrix-release", 15) == 0) {
        memcpy(text, value, (size_t)value_size);
        h->release = (uint32_t)strtoul(text, NULL, 10);
    } else {
        h->count++;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_headers_destroy(rd_kafka_headers_t *h)
{
    free(h);
}

/* The record's event: the one that its lane is at. */
static struct sim_event *event_of(struct sim_router *r, uint64_t ticket)
{
    struct worker_lane *wl = worker_find_lane(r->w, lane_ticket_id(ticket));
    struct window_entry *e = wl ? window_next(&wl->lane->window) : NULL;
    return e ? e->message : NULL;
}

/* Why the record is not taken; 0: it is. */
static rd_kafka_resp_err_t look_at(rd_kafka_t *rk, int topic, int partition)
{
    struct sim_world *w = rk->r->world;
    if (rk->fatal)
        return RD_KAFKA_RESP_ERR__FATAL;
    if (!w->quiet && chance(w, w->mix.full)) {
        w->disturbed = true; /* half an event may be there when the partition goes */
        return RD_KAFKA_RESP_ERR__QUEUE_FULL;
    }
    if (!rk->spread[topic] || draw(w, 8) == 0) /* it hears of it by itself now and then */
        rk->spread[topic] = (uint8_t)w->destinations[topic].spread;
    return partition >= rk->spread[topic] ? RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION : RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *rk, const rd_kafka_vu_t *vus, size_t cnt)
{
    struct sim_router *r = rk->r;
    struct vx_span value = {0}, key = {0};
    rd_kafka_headers_t *headers = NULL;
    struct sim_flight f = {0};
    int partition = -1;
    for (size_t i = 0; i < cnt; i++) {
        switch (vus[i].vtype) {
        case RD_KAFKA_VTYPE_RKT:
            f.rkt = vus[i].u.rkt;
            break;
        case RD_KAFKA_VTYPE_PARTITION:
            partition = vus[i].u.i32;
            break;
        case RD_KAFKA_VTYPE_VALUE:
            value = vx_span(vus[i].u.mem.ptr, vus[i].u.mem.size);
            break;
        case RD_KAFKA_VTYPE_KEY:
            key = vx_span(vus[i].u.mem.ptr, vus[i].u.mem.size);
            break;
        case RD_KAFKA_VTYPE_OPAQUE:
            f.ticket = (uint64_t)(uintptr_t)vus[i].u.ptr;
            break;
        case RD_KAFKA_VTYPE_HEADERS:
            headers = vus[i].u.headers;
            break;
        default:
            break;
        }
    }
    f.topic = (uint8_t)f.rkt->number;
    rd_kafka_resp_err_t err = look_at(rk, f.topic, partition);
    if (err)
        return client_error(err);
    f.event = event_of(r, f.ticket);
    vx_assert(f.event != NULL);
    f.line = (uint8_t)(f.topic * SIM_SPREAD + partition);
    f.record = (uint8_t)window_ticket_record(f.ticket);
    f.release = headers ? (uint8_t)headers->release : 0;
    f.dead = f.topic == SIM_DLQ;
    f.len = value.len;
    f.key_len = key.len;
    f.refused = r->world->mix.refuse && !r->world->family->sized &&
                sim_refuses(f.topic, r->world->family->templates[f.event->template].large);
    check_produce(r, &f, sim_record_hash(value, key, headers ? headers->count : 0, f.dead),
                  rk->conf.transactional_id[0] == '\0');
    rd_kafka_headers_destroy(headers);
    line_add(&rk->lines[f.line], &f);
    rk->flying++;
    TRACE(r->world, "router %d: event %d/%d, release %u, record %u to %s %d%s%s", r->number, f.event->partition,
          (int)f.event->message.offset, f.release, f.record, sim_topics[f.topic], partition,
          rk->conf.batch_records == 1 ? ", alone" : "", rk->conf.transactional_id[0] ? ", in a transaction" : "");
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

void rd_kafka_queue_cb_event_enable(rd_kafka_queue_t *q, void (*on_event)(rd_kafka_t *rk, void *opaque), void *opaque)
{
    if (!q)
        return;
    q->on_event = on_event;
    q->opaque = opaque;
}

static int end_of(const struct rd_kafka_queue_s *q)
{
    return q->fence < 0 ? q->r->world->partitions[q->partition].count : q->fence;
}

void client_tell_queue(struct rd_kafka_queue_s *q)
{
    if (q->told || !q->on_event || q->next >= end_of(q))
        return;
    q->told = true;
    q->on_event(NULL, q->opaque);
}

/* What was fetched: perhaps not all that is there. */
ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *q, int timeout_ms, rd_kafka_message_t **messages, size_t size)
{
    struct sim_world *w = q->r->world;
    size_t n = 0, there = (size_t)(end_of(q) > q->next ? end_of(q) - q->next : 0);
    const struct sim_assignment *sa = (struct sim_assignment *)((char *)q - offsetof(struct sim_assignment, queue));
    (void)timeout_ms;
    if (sa->a.w != q->r->w)
        sim_fail(w, "partition %d is read by worker %d, which does not have it", q->partition, q->r->at);
    if (there && !w->quiet)
        there = 1 + draw(w, (uint32_t)there);
    while (n < there && n < size) {
        messages[n++] = &w->partitions[q->partition].events[q->next++].message;
        q->r->messages++;
    }
    if (n < size)
        q->told = false;
    return (ssize_t)n;
}

void rd_kafka_message_destroy(rd_kafka_message_t *m)
{
    (void)m;
    sim_now->messages--;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *m, rd_kafka_headers_t **headers)
{
    (void)m, (void)headers;
    return RD_KAFKA_RESP_ERR__NOENT;
}

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *m, rd_kafka_timestamp_type_t *type)
{
    (void)m;
    *type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
    return 1;
}

int32_t rd_kafka_message_leader_epoch(const rd_kafka_message_t *m)
{
    (void)m;
    return -1;
}
