/* The worker's partitions: how each is opened, read, run for a turn, and let go of.
 *
 *     order ──> open ──> turn: read its queue, steer, decide, say what it has come to ──> close ──> the consumer
 *                                                  └── move (worker_move.c) ──> another worker
 *
 * Thread: the worker's; on_partition_queue() comes from threads of librdkafka. Owns the lanes. A lane whose partition was
 * taken away while records were on their way lives on, unseen, until they are back: they may borrow its bytes.
 * Invariant: a queue is read only while its lane has room.
 */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/worker_private.h"

/* From a thread of librdkafka: a partition's queue is not empty any more. */
static void on_partition_queue(rd_kafka_t *rk, void *opaque)
{
    struct worker_lane *wl = opaque;
    (void)rk;
    atomic_store(&wl->ready, true);
    worker_nudge(wl->w);
}

struct worker_lane *worker_find_lane(struct worker *w, uint32_t id)
{
    uint32_t slot = worker_slot(id);
    struct worker_lane *wl = slot < w->lane_room ? w->lanes[slot] : NULL;
    return wl && wl->lane->id == id ? wl : NULL;
}

struct worker_lane *worker_lane_of(struct worker *w, const struct assignment *a)
{
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i] && w->lanes[i]->assignment == a)
            return w->lanes[i];
    return NULL;
}

void worker_listen(struct worker_lane *wl, bool on)
{
    rd_kafka_queue_cb_event_enable(wl->assignment->queue, on ? on_partition_queue : NULL, on ? wl : NULL);
}

static uint32_t free_slot(struct worker *w)
{
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (!w->lanes[i])
            return i;
    uint32_t slot = w->lane_room;
    vx_assert(slot < WORKER_LANES_MAX);
    w->lane_room = slot ? slot * 2 : 16;
    w->lanes = realloc(w->lanes, w->lane_room * sizeof(struct worker_lane *));
    vx_assert(w->lanes != NULL);
    memset(w->lanes + slot, 0, (w->lane_room - slot) * sizeof(struct worker_lane *));
    return slot;
}

uint32_t worker_add_lane(struct worker *w, struct worker_lane *wl)
{
    uint32_t slot = free_slot(w);
    w->lanes[slot] = wl;
    wl->w = w;
    return (++w->generation & 0xffff) << 14 | slot;
}

void worker_open_lane(struct worker *w, struct assignment *a)
{
    const struct router_settings *s = w->setup.settings;
    struct worker_lane *wl = calloc(1, sizeof *wl);
    vx_assert(wl != NULL);
    wl->assignment = a;
    uint32_t id = worker_add_lane(w, wl);
    wl->lane = lane_new(&worker_ops, w, a->topic, a->partition, id, (size_t)s->window_events, (size_t)s->window_bytes,
                        &a->ledger.course);
    wl->average_bytes = 1024;
    wl->events_counter = metrics_counter(w->setup.metrics, METRIC_EVENTS, a->topic, NULL);
    wl->dead_letters_counter = metrics_counter(w->setup.metrics, METRIC_DEAD_LETTERS, a->topic, NULL);
    wl->conditions_counter = metrics_counter(w->setup.metrics, METRIC_CONDITIONS, a->topic, NULL);
    atomic_init(&wl->ready, true);
    wl->exact.on = a->ledger.exact;
    wl->exact.sent = -1;
    worker_exact_steer(w, wl);
    worker_listen(wl, true);
}

void worker_begin_close(struct worker *w, struct assignment *a, int64_t deadline_ms)
{
    struct worker_lane *wl = worker_lane_of(w, a);
    if (!wl) {
        w->setup.on_closed(w->setup.ctx, a);
        return;
    }
    if (w->moving.lane == wl)
        worker_end_move(w);
    if (!atomic_load(&a->gone)) /* else the queue may be read for its next owner */
        worker_listen(wl, false);
    lane_close(wl->lane);
    if (deadline_ms <= vx_clock_ms()) /* it is somebody else's */
        lane_abandon(wl->lane);
    wl->close_ms = deadline_ms;
}

/* Tells the consumer what the lane has come to; at once where something has to go on record before it can go on. */
static void publish(struct worker_lane *wl)
{
    struct assignment *a = wl->assignment;
    const struct lane *l = wl->lane;
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    bool ask = ledger_write(&a->ledger, l, COURSE_AHEAD + wl->ahead * WORKER_UNTIL_MS / WORKER_AHEAD_MS);
    a->depth_events = window_count(&l->window);
    a->depth_bytes = l->window.bytes;
    a->hold = l->state == LANE_HELD && l->announced ? l->hold : HOLD_NONE;
    if (a->hold != HOLD_NONE)
        memcpy(a->message, l->message, sizeof a->message);
    pthread_mutex_unlock(&a->lock);
    if (ask)
        wl->w->setup.on_course(wl->w->setup.ctx);
}

/* Hears from the consumer what is on record. */
static void hear(struct worker_lane *wl)
{
    struct assignment *a = wl->assignment;
    if (wl->exact.on) /* what is not committed leaves no trace: nothing has to be on record before it is decided */
        lane_recorded(wl->lane, wl->lane->course.version, INT64_MAX);
    if (!a || wl->exact.on || !atomic_load_explicit(&a->news, memory_order_relaxed))
        return;
    pthread_mutex_lock(&a->lock);
    atomic_store_explicit(&a->news, false, memory_order_relaxed);
    ledger_hear(&a->ledger, wl->lane);
    pthread_mutex_unlock(&a->lock);
}

/* Lets the consumer have the partition back when it is drained or out of time; frees the lane when it may. */
static void finish_closing(struct worker *w, uint32_t slot, int64_t now_ms)
{
    struct worker_lane *wl = w->lanes[slot];
    size_t outstanding = wl->lane->window.outstanding;
    if (wl->lane->state != LANE_CLOSING)
        return;
    bool drained = outstanding == 0 && !worker_exact_is_open(wl) && !lane_is_half(wl->lane);
    if (wl->assignment && (drained || now_ms >= wl->close_ms)) {
        lane_abandon(wl->lane);
        publish(wl);
        struct assignment *a = wl->assignment;
        wl->assignment = NULL;
        if (outstanding)
            vx_log(VX_LOG_WARN, "partition.undrained", "topic=%s partition=%d records=%zu", wl->lane->topic,
                   wl->lane->partition, outstanding);
        w->setup.on_closed(w->setup.ctx, a);
    }
    if (!wl->assignment && outstanding == 0 && wl->exact.sent < 0) {
        lane_free(wl->lane);
        free(wl);
        w->lanes[slot] = NULL;
    }
}

/* Measures what comes in, for changes of release: over a sample and what is left of the one before, since under load events
 * come in bursts, an answer of the broker at a time. */
static void sample(struct worker_lane *wl, int64_t now_ms)
{
    int64_t time_ms = now_ms - wl->sample_ms, came = (int64_t)(wl->lane->events_count - wl->sample_events);
    if (time_ms >= WORKER_SAMPLE_MS) {
        wl->sample_before = time_ms < 2 * WORKER_SAMPLE_MS ? came * WORKER_SAMPLE_MS / time_ms : 0;
        wl->sample_ms = now_ms;
        wl->sample_events = wl->lane->events_count;
        came = time_ms = 0;
    }
    came += wl->sample_before * (WORKER_SAMPLE_MS - time_ms) / WORKER_SAMPLE_MS;
    wl->ahead = came * WORKER_AHEAD_MS / WORKER_SAMPLE_MS;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void note_read_error(struct worker_lane *wl, const rd_kafka_message_t *m)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return;
    vx_log(VX_LOG_WARN, "partition.error", "topic=%s partition=%d error=%s", wl->lane->topic, wl->lane->partition,
           vx_log_quote(rd_kafka_message_errstr(m), quoted));
}

/* Those of transactions are on their way until a commit, which is not soon, and those of a lane that is held are not. */
size_t worker_shared_events(const struct worker_lane *wl)
{
    return wl->exact.on || wl->lane->state == LANE_HELD ? 0 : window_count(&wl->lane->window);
}

/* How many more events the lane may have. */
static size_t room_of(const struct worker *w, const struct worker_lane *wl)
{
    size_t room = lane_room(wl->lane);
    size_t shared = wl->exact.on ? room : share_room(&w->share, window_count(&wl->lane->window), wl->average_bytes);
    return room < shared ? room : shared;
}

static bool read_lane(struct worker *w, struct worker_lane *wl)
{
    struct lane *l = wl->lane;
    size_t room = room_of(w, wl);
    if (room == 0 || !atomic_load_explicit(&wl->ready, memory_order_relaxed) || !worker_has_room(w, wl) ||
        atomic_load(&wl->assignment->gone))
        return false;
    size_t left = l->window.bytes_max > l->window.bytes ? l->window.bytes_max - l->window.bytes : 0;
    size_t fit = left / wl->average_bytes + 1;
    size_t want = room < fit ? room : fit;
    if (want > WORKER_BATCH_MAX)
        want = WORKER_BATCH_MAX;

    rd_kafka_message_t *messages[WORKER_BATCH_MAX];
    /* before the queue is read, so that what arrives meanwhile sets it again */
    atomic_store(&wl->ready, false);
    ssize_t got = rd_kafka_consume_batch_queue(wl->assignment->queue, 0, messages, want);
    size_t bytes = 0, events = 0;
    for (ssize_t i = 0; i < got; i++) {
        rd_kafka_message_t *m = messages[i];
        if (m->err) {
            note_read_error(wl, m);
            rd_kafka_message_destroy(m);
            continue;
        }
        size_t held = m->len + m->key_len + WORKER_EVENT_OVERHEAD;
        lane_push(l, m, m->offset, rd_kafka_message_leader_epoch(m), held);
        bytes += held;
        events++;
    }
    if (events)
        wl->average_bytes = bytes / events;
    w->share.events += wl->exact.on ? 0 : events;
    if (got == (ssize_t)want)
        atomic_store(&wl->ready, true);
    metrics_add(w->setup.metrics, w->setup.number, wl->events_counter, events);
    return events > 0;
}

/* How long a change of release keeps the lane from deciding what it has. */
static void time_wait(struct worker *w, struct worker_lane *wl)
{
    bool waits = lane_awaits_record(wl->lane);
    if (waits && !wl->wait_us) {
        wl->wait_us = vx_clock_us();
    } else if (!waits && wl->wait_us) {
        metrics_add(w->setup.metrics, w->setup.number, w->wait_counter, (uint64_t)(vx_clock_us() - wl->wait_us));
        wl->wait_us = 0;
    }
}

/* --- a turn ------------------------------------------------------------------------------------------------------ */

bool worker_turn(struct worker *w, uint32_t slot, int64_t now_ms)
{
    struct worker_lane *wl = w->lanes[slot];
    bool busy = wl->assignment && read_lane(w, wl);
    hear(wl);
    sample(wl, now_ms);
    lane_steer(wl->lane, wl->exact.on ? 0 : wl->ahead);
    if (worker_exact_may_run(w, wl, now_ms)) {
        w->current = wl;
        lane_run(wl->lane);
        w->current = NULL;
    }
    time_wait(w, wl);
    publish(wl);
    worker_remind(w, wl, now_ms);
    finish_closing(w, slot, now_ms);
    return busy;
}
