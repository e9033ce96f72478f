/* What a lane does to the world, as its worker does it: how a Kafka message is seen as an event, how a record is sent,
 * what is counted and logged. See lane.h for when each is called.
 *
 * Thread: the worker's. Owns the scratch of headers. */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/worker_private.h"

static const char *const outcomes[] = {
    [OUTCOME_EMITTED] = "emitted",         [OUTCOME_FILTERED] = "filtered", [OUTCOME_DROPPED] = "dropped",
    [OUTCOME_DEAD_LETTER] = "dead_letter", [OUTCOME_STUCK] = "stuck",       [OUTCOME_UNROUTED] = "unrouted",
};

void worker_ops_init(struct worker *w)
{
    struct metrics *m = w->setup.metrics;
    w->again_counter = metrics_counter(m, METRIC_AGAIN, NULL, NULL);
    w->producers_counter = metrics_counter(m, METRIC_PRODUCERS, NULL, NULL);
    w->committed_counter = metrics_counter(m, METRIC_TRANSACTIONS, "committed", NULL);
    w->aborted_counter = metrics_counter(m, METRIC_TRANSACTIONS, "aborted", NULL);
    w->unsure_counter = metrics_counter(m, METRIC_UNSURE, NULL, NULL);
    w->wait_counter = metrics_counter(m, METRIC_RELEASE_WAIT, NULL, NULL);
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        w->outcome_counters[i] = metrics_counter(m, METRIC_OUTCOMES, outcomes[i], NULL);
    for (int i = 1; i < REASON_COUNT; i++)
        w->reason_counters[i] = metrics_counter(m, METRIC_REASONS, decide_reason_label((enum decide_reason)i), NULL);
    w->header_room = 16;
    w->headers = calloc(w->header_room, sizeof *w->headers);
    vx_assert(w->headers != NULL);
}

void worker_ops_done(struct worker *w)
{
    free(w->headers);
}

static void count(struct worker *w, uint32_t counter, uint64_t n)
{
    metrics_add(w->setup.metrics, w->setup.number, counter, n);
}

/* --- seeing ------------------------------------------------------------------------------------------------------ */

static void view_headers(struct worker *w, rd_kafka_message_t *m, struct cel_event *ev)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    size_t n = rd_kafka_header_cnt(headers);
    if (n > w->header_room) {
        w->header_room = n;
        w->headers = realloc(w->headers, n * sizeof *w->headers);
        vx_assert(w->headers != NULL);
    }
    for (size_t i = 0; i < n; i++) {
        const char *name;
        const void *value;
        size_t len;
        vx_assert(rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR);
        w->headers[i] = (struct cel_header){.name = vx_span_str(name), .value = vx_span(value, len)};
    }
    ev->headers = w->headers;
    ev->header_count = n;
}

static void view(void *ctx, const struct lane *l, void *message, struct cel_event *ev)
{
    struct worker *w = ctx;
    rd_kafka_message_t *m = message;
    rd_kafka_timestamp_type_t type;
    *ev = (struct cel_event){
        .topic = vx_span_str(l->topic),
        .partition = l->partition,
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, &type),
        .key = vx_span(m->key, m->key_len),
        .value = vx_span(m->payload, m->len),
    };
    view_headers(w, m, ev);
    w->message = m;
}

static void free_message(void *message)
{
    rd_kafka_message_destroy(message);
}

/* --- deciding ---------------------------------------------------------------------------------------------------- */

static uint32_t release(void *ctx)
{
    return atomic_load_explicit(&((struct worker *)ctx)->release, memory_order_relaxed);
}

static uint64_t generation(void *ctx)
{
    const struct worker *w = ctx;
    return w->releases.now ? w->releases.now->generation : 0;
}

static enum lane_release look_for_release(void *ctx, uint32_t number)
{
    struct worker *w = ctx;
    bool ask = false;
    enum lane_release there = releases_look(&w->releases, number, &ask);
    if (ask)
        w->setup.on_want(w->setup.ctx, number);
    return there;
}

static void decide_event(void *ctx, uint32_t number, const struct cel_event *ev, struct decision *out)
{
    struct worker *w = ctx;
    decide(w->d, releases_find(&w->releases, number)->t, ev, out);
    w->record_count = out->record_count;
}

static bool refused(void *ctx, uint32_t number, const struct cel_event *ev, const struct decide_record *record,
                    const char *message, struct decide_record *out)
{
    struct worker *w = ctx;
    return decide_refused(w->d, releases_find(&w->releases, number)->t, ev, record, message, out);
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

bool worker_has_room(struct worker *w, const struct worker_lane *wl)
{
    if (!w->releases.now || w->fresh)
        return false;
    if (wl->exact.on)
        return worker_exact_has_room(w, wl);
    return worker_producers_have_room(w, wl);
}

static bool has_room(void *ctx)
{
    return worker_has_room(ctx, ((struct worker *)ctx)->current);
}

static enum lane_hold destination(void *ctx, struct vx_span topic, void **handle)
{
    struct worker *w = ctx;
    struct producer *p = w->current->exact.on ? worker_exact_producer(w, w->current) : w->producers[0];
    struct producer_topic *t = producer_topic(p, topic);
    int state =
        t->destination ? atomic_load_explicit(&t->destination->state, memory_order_acquire) : DESTINATION_MISSING;
    *handle = t;
    switch (state) {
    case DESTINATION_THERE:
        return HOLD_NONE;
    case DESTINATION_MISSING:
        return HOLD_MISSING;
    case DESTINATION_FORBIDDEN:
        return HOLD_FORBIDDEN;
    default:
        return HOLD_LOOKUP;
    }
}

static enum lane_sent hand_over(struct worker *w, struct producer_topic *topic, const struct producer_record *r,
                                bool alone)
{
    struct worker_lane *wl = w->current;
    if (wl->exact.on)
        return worker_exact_send(w, wl, topic, r, alone);
    if (!alone)
        return worker_send_owned(w, topic, r, &wl->wait);
    w->alone_wanted = true;
    if (w->alone)
        return producer_send(w->alone, producer_topic(w->alone, r->record->topic), r);
    wl->wait.kind = WAIT_ALONE;
    return LANE_AGAIN;
}

/* The rest of what the lane waits for; its kind stands. */
static void set_wait(struct worker *w, const struct producer_topic *topic, const struct producer_record *r)
{
    struct worker_wait *wait = &w->current->wait;
    wait->destination = topic->destination;
    wait->partition = r->partition;
    wait->partition_count = r->partition_count;
    wait->until_ms = atomic_load_explicit(&w->moved_ms, memory_order_relaxed) + WORKER_AGAIN_MS;
}

static enum lane_sent produce(void *ctx, void *handle, const struct decide_record *record, const struct cel_event *ev,
                              uint32_t number, uint64_t ticket, bool alone)
{
    struct worker *w = ctx;
    const struct adoption *a = releases_find(&w->releases, number);
    struct producer_topic *topic = handle;
    struct producer_record r = {
        .record = record,
        .timestamp_ms = ev->timestamp_ms,
        .release = table_provenance(a->t) ? vx_span_str(a->release_text) : vx_span(NULL, 0),
        .ticket = ticket,
        .lend = record->value_is_source, /* its message stays until the report anyway */
    };
    if (record->headers_are_source && record->header_count > 0 && window_ticket_record(ticket) + 1 == w->record_count)
        r.headers_from = w->message;
    worker_place(w, topic, ev, &r);
    w->current->wait.kind = WAIT_MOMENT;
    enum lane_sent sent = hand_over(w, topic, &r, alone);
    if (sent == LANE_AGAIN)
        set_wait(w, topic, &r);
    return sent;
}

static bool may_again(void *ctx, const struct lane *l)
{
    const struct worker *w = ctx;
    (void)l;
    return worker_may_again(w, w->current);
}

void worker_tell(struct worker *w, uint64_t ticket, enum lane_ack ack, bool alone, const char *why, uint32_t counter)
{
    struct worker_lane *wl = worker_find_lane(w, lane_ticket_id(ticket));
    vx_assert(wl != NULL); /* a lane lives until all its records are back */
    if (ack == LANE_ACK_OK)
        count(w, counter, 1);
    else if (why)
        count(w, metrics_counter(w->setup.metrics, METRIC_FAILURES, why, NULL), 1);
    lane_ack(wl->lane, ticket, ack, alone, why);
}

static void on_report(void *ctx, uint64_t ticket, enum lane_ack ack, bool alone, const char *why,
                      struct producer_topic *topic)
{
    worker_tell(ctx, ticket, ack, alone, why, topic->counter);
}

struct producer_setup worker_producer_setup(struct worker *w, bool alone)
{
    return (struct producer_setup){
        .kafka = w->kafka,
        .destinations = w->setup.destinations,
        .metrics = w->setup.metrics,
        .alone = alone,
        .batch_bytes = alone ? 0 : w->batch_bytes,
        .on_report = on_report,
        .on_wake = worker_on_producer_wake,
        .ctx = w,
    };
}

/* --- counting and saying ----------------------------------------------------------------------------------------- */

static void on_decided(void *ctx, struct lane *l, uint32_t number, const struct decision *d, bool again)
{
    struct worker *w = ctx;
    const struct adoption *a = releases_find(&w->releases, number);
    struct worker_lane *wl = worker_find_lane(w, l->id);
    if (again) {
        count(w, w->again_counter, 1);
        return;
    }
    count(w, a->release_counter, 1);
    count(w, w->outcome_counters[d->outcome], 1);
    for (size_t i = 0; i < d->rule_count; i++)
        count(w, a->rules[d->rules[i].rule], 1);
    for (size_t i = 0; i < d->pipeline_count; i++) {
        const struct decide_pipeline *p = &d->pipelines[i];
        count(w, a->pipelines[p->pipeline], 1);
        if (p->filtered)
            count(w, a->filtered[p->pipeline], 1);
        if (p->reason != REASON_NONE)
            count(w, a->failed[p->pipeline], 1);
    }
    for (size_t i = 0; d->reason != REASON_NONE && i < d->record_count; i++)
        if (d->records[i].dead_letter) {
            count(w, wl->dead_letters_counter, 1);
            count(w, w->reason_counters[d->records[i].reason], 1);
        }
    if (d->failed_conditions)
        count(w, wl->conditions_counter, d->failed_conditions);
}

static void on_dead_letter(void *ctx, struct lane *l, uint32_t pipeline)
{
    struct worker *w = ctx;
    (void)pipeline;
    count(w, worker_find_lane(w, l->id)->dead_letters_counter, 1);
    count(w, w->reason_counters[REASON_RECORD_REFUSED], 1);
}

static void say_held(const struct lane *l, int64_t held_ms)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    bool stuck = l->hold == HOLD_STUCK;
    enum vx_log_level level = l->hold == HOLD_UNROUTED ? VX_LOG_INFO : stuck ? VX_LOG_ERROR : VX_LOG_WARN;
    vx_log(level, stuck ? "partition.stuck" : "partition.held",
           "topic=%s partition=%d reason=%s detail=%s events=%zu held_s=%lld", l->topic, l->partition,
           lane_hold_label(l->hold), vx_log_quote(l->message, quoted), window_count(&l->window),
           (long long)(held_ms / 1000));
}

static void on_held(void *ctx, struct lane *l)
{
    struct worker_lane *wl = worker_find_lane(ctx, l->id);
    int64_t now_ms = vx_clock_ms();
    if (wl->held_ms == 0)
        wl->held_ms = now_ms;
    wl->remind_ms = now_ms + WORKER_REMIND_MS;
    say_held(l, now_ms - wl->held_ms);
}

static void on_resumed(void *ctx, struct lane *l)
{
    struct worker_lane *wl = worker_find_lane(ctx, l->id);
    vx_log(VX_LOG_INFO, "partition.resumed", "topic=%s partition=%d held_s=%lld", l->topic, l->partition,
           (long long)((vx_clock_ms() - wl->held_ms) / 1000));
    wl->held_ms = 0;
}

static void on_unsure(void *ctx, struct lane *l, int64_t offset, uint32_t number, const char *why)
{
    struct worker *w = ctx;
    char quoted[VX_LOG_QUOTE_SIZE];
    count(w, w->unsure_counter, 1);
    vx_log(VX_LOG_WARN, "order.unsure", "topic=%s partition=%d offset=%lld release=%u running=%u reason=%s", l->topic,
           l->partition, (long long)offset, number, release(w), vx_log_quote(why, quoted));
}

void worker_remind(struct worker *w, struct worker_lane *wl, int64_t now_ms)
{
    (void)w;
    if (wl->lane->state != LANE_HELD || !wl->lane->announced || now_ms < wl->remind_ms)
        return;
    wl->remind_ms = now_ms + WORKER_REMIND_MS;
    say_held(wl->lane, now_ms - wl->held_ms);
}

const struct lane_ops worker_ops = {
    .view = view,
    .decide = decide_event,
    .decide_refused = refused,
    .release = release,
    .generation = generation,
    .find_release = look_for_release,
    .has_room = has_room,
    .destination = destination,
    .produce = produce,
    .may_again = may_again,
    .on_decided = on_decided,
    .on_dead_letter = on_dead_letter,
    .on_held = on_held,
    .on_resumed = on_resumed,
    .on_unsure = on_unsure,
    .free_message = free_message,
};
