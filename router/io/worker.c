/* The worker's thread: its loop, its orders, its partitions. What it decides is in lane.c; how an event is seen and
 * counted is in worker_ops.c.
 *
 * Thread: run() and everything it calls; worker_post, _assign, _close, _wake from others. Owns its lanes, producers and
 * decider. A lane whose partition was taken away while records were on their way lives on, unseen, until they are back:
 * they may borrow its bytes. Invariant: a queue is read only while its lane has room.
 */
#include "router/io/worker.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/worker_private.h"

enum { SLEEP_MS = 100, PRODUCER_RETRY_MS = 1000 };

static void give_order(struct worker *w, const struct order *order)
{
    struct order *o = calloc(1, sizeof *o);
    vx_assert(o != NULL);
    *o = *order;
    pthread_mutex_lock(&w->lock);
    struct order **at = &w->orders;
    while (*at)
        at = &(*at)->next;
    *at = o;
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

static void wake(struct worker *w)
{
    /* many wake-ups, one signal: whoever finds the flag set knows that the worker has yet to look */
    if (atomic_exchange(&w->wake_sent, true))
        return;
    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void worker_nudge(struct worker *w)
{
    wake(w);
}

void worker_wake(struct worker *w)
{
    atomic_store(&w->destinations_changed, true);
    wake(w);
}

static void on_producer_wake(void *ctx)
{
    wake(ctx);
}

/* From a thread of librdkafka: a partition's queue is not empty any more. */
static void on_partition_queue(rd_kafka_t *rk, void *opaque)
{
    struct worker_lane *wl = opaque;
    (void)rk;
    atomic_store(&wl->ready, true);
    wake(wl->w);
}

/* --- lanes ------------------------------------------------------------------------------------------------------- */

struct worker_lane *worker_find_lane(struct worker *w, uint32_t id)
{
    uint32_t slot = id & (WORKER_LANES_MAX - 1);
    struct worker_lane *wl = slot < w->lane_room ? w->lanes[slot] : NULL;
    return wl && wl->lane->id == id ? wl : NULL;
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

static void open_lane(struct worker *w, struct assignment *a)
{
    uint32_t slot = free_slot(w);
    uint32_t id = (++w->generation & 0xffff) << 14 | slot;
    const struct router_settings *s = w->setup.settings;
    struct worker_lane *wl = calloc(1, sizeof *wl);
    vx_assert(wl != NULL);
    wl->w = w;
    wl->assignment = a;
    wl->lane = lane_new(&worker_ops, w, a->topic, a->partition, id, (size_t)s->window_events, (size_t)s->window_bytes,
                        &a->course);
    wl->asked = a->course.version;
    wl->average_bytes = 1024;
    wl->events_counter = metrics_counter(w->setup.metrics, METRIC_EVENTS, a->topic, NULL);
    wl->dead_letters_counter = metrics_counter(w->setup.metrics, METRIC_DEAD_LETTERS, a->topic, NULL);
    wl->conditions_counter = metrics_counter(w->setup.metrics, METRIC_CONDITIONS, a->topic, NULL);
    atomic_init(&wl->ready, true);
    w->lanes[slot] = wl;
    rd_kafka_queue_cb_event_enable(a->queue, on_partition_queue, wl);
}

static void begin_close(struct worker *w, struct assignment *a, int64_t deadline_ms)
{
    for (uint32_t i = 0; i < w->lane_room; i++) {
        struct worker_lane *wl = w->lanes[i];
        if (!wl || wl->assignment != a)
            continue;
        rd_kafka_queue_cb_event_enable(a->queue, NULL, NULL);
        lane_close(wl->lane);
        wl->close_ms = deadline_ms;
        return;
    }
    w->setup.on_closed(w->setup.ctx, a);
}

/* Tells the consumer what the lane has come to; at once where something has to go on record before it can go on. */
static void publish(struct worker_lane *wl)
{
    struct assignment *a = wl->assignment;
    const struct lane *l = wl->lane;
    const struct course *c = &l->course;
    if (!a)
        return;
    int64_t room = COURSE_AHEAD + wl->ahead * WORKER_UNTIL_MS / WORKER_AHEAD_MS;
    bool runs_out = c->reached > c->until - room / 2;
    pthread_mutex_lock(&a->lock);
    if (l->window.committable >= 0) {
        a->committable = l->window.committable;
        a->leader_epoch = l->window.leader_epoch;
    } else if (c->begin >= 0) { /* nothing is done, but a course has to stand somewhere */
        a->committable = c->begin;
    }
    if (a->course.version != c->version)
        a->course = *c;
    a->final = l->state == LANE_CLOSING;
    int64_t until = course_until(c, a->final ? c->reached : l->delivered + room);
    if (until > a->until || a->final) /* it never falls: events up to it may be decided while a commit is on its way */
        a->until = until;
    a->unrecorded = c->count > 0 && (course_is_pending(c) || runs_out || (a->final && until != c->until));
    a->depth_events = window_count(&l->window);
    a->depth_bytes = l->window.bytes;
    a->hold = l->state == LANE_HELD && l->announced ? l->hold : HOLD_NONE;
    if (a->hold != HOLD_NONE)
        memcpy(a->message, l->message, sizeof a->message);
    bool ask = a->unrecorded && !a->final && (wl->asked != c->version || !wl->asked_until);
    pthread_mutex_unlock(&a->lock);
    wl->asked = c->version;
    wl->asked_until = a->unrecorded;
    if (ask)
        wl->w->setup.on_course(wl->w->setup.ctx);
}

/* Hears from the consumer what is on record. */
static void hear(struct worker_lane *wl)
{
    struct assignment *a = wl->assignment;
    if (!a || !atomic_load_explicit(&a->news, memory_order_relaxed))
        return;
    pthread_mutex_lock(&a->lock);
    atomic_store_explicit(&a->news, false, memory_order_relaxed);
    lane_recorded(wl->lane, a->recorded, a->recorded_until);
    pthread_mutex_unlock(&a->lock);
}

/* Lets the consumer have the partition back when it is drained or out of time; frees the lane when it may. */
static void finish_closing(struct worker *w, uint32_t slot, int64_t now_ms)
{
    struct worker_lane *wl = w->lanes[slot];
    size_t outstanding = wl->lane->window.outstanding;
    if (wl->lane->state != LANE_CLOSING)
        return;
    if (wl->assignment && (outstanding == 0 || now_ms >= wl->close_ms)) {
        publish(wl);
        struct assignment *a = wl->assignment;
        wl->assignment = NULL;
        if (outstanding)
            vx_log(VX_LOG_WARN, "partition.undrained", "topic=%s partition=%d records=%zu", wl->lane->topic,
                   wl->lane->partition, outstanding);
        w->setup.on_closed(w->setup.ctx, a);
    }
    if (!wl->assignment && outstanding == 0) {
        lane_free(wl->lane);
        free(wl);
        w->lanes[slot] = NULL;
    }
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

static bool read_lane(struct worker *w, struct worker_lane *wl)
{
    struct lane *l = wl->lane;
    size_t room = lane_room(l);
    if (room == 0 || !atomic_load_explicit(&wl->ready, memory_order_relaxed) || !worker_has_room(w))
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
    if (got == (ssize_t)want)
        atomic_store(&wl->ready, true);
    metrics_add(w->setup.metrics, w->setup.number, wl->events_counter, events);
    return events > 0;
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void drop_release(struct worker *w, size_t i)
{
    adoption_unref(w->older[i]);
    w->older_count--;
    memmove(&w->older[i], &w->older[i + 1], (w->older_count - i) * sizeof(struct adoption *));
}

/* An older release came, or does not come. */
static void take_older(struct worker *w, uint32_t release, struct adoption *a)
{
    for (size_t i = 0; i < WORKER_WANTED_MAX; i++)
        if (w->wanted[i].release == release)
            w->wanted[i] = (struct worker_want){.release = a ? 0 : release, .gone = true};
    if (!a)
        return;
    if (w->older_count == WORKER_RELEASES_MAX)
        drop_release(w, 0);
    w->older[w->older_count++] = a;
}

static void take_orders(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct order *o = w->orders, *next;
    w->orders = NULL;
    pthread_mutex_unlock(&w->lock);
    for (; o; o = next) {
        next = o->next;
        if (o->kind == ORDER_ASSIGN)
            open_lane(w, o->assignment);
        else if (o->kind == ORDER_CLOSE)
            begin_close(w, o->assignment, o->deadline_ms);
        else if (o->kind == ORDER_OLDER)
            take_older(w, o->release, o->adoption);
        else if (o->kind == ORDER_RENEW)
            w->fresh = o->kafka;
        else
            w->stopping = true;
        free(o);
    }
}

/* An older release goes when nothing that it decided is left. */
static void drop_releases(struct worker *w)
{
    for (size_t i = w->older_count; i-- > 0;) {
        uint32_t release = table_release(w->older[i]->t);
        bool used = false;
        for (uint32_t k = 0; k < w->lane_room && !used; k++)
            used = w->lanes[k] && lane_uses(w->lanes[k]->lane, release);
        if (!used)
            drop_release(w, i);
    }
}

static void take_release(struct worker *w)
{
    struct adoption *a = atomic_exchange(&w->mail, NULL);
    if (!a)
        return;
    if (w->older_count == WORKER_RELEASES_MAX)
        drop_release(w, 0);
    if (w->adoption)
        w->older[w->older_count++] = w->adoption;
    w->adoption = a;
    atomic_store_explicit(&w->release, table_release(a->t), memory_order_relaxed);
    for (size_t i = 0; i < WORKER_WANTED_MAX; i++) /* what was not to be had may be now */
        if (w->wanted[i].gone)
            w->wanted[i].release = 0;
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i]) {
            lane_steer(w->lanes[i]->lane, w->lanes[i]->ahead);
            lane_retry(w->lanes[i]->lane, true);
        }
}

/* After a fatal error: a new producer. Its reports have sent every lane back to its first event that is not done. */
static void mend_producer(struct worker *w, struct producer **p, bool alone, int64_t now_ms)
{
    const char *why;
    char quoted[VX_LOG_QUOTE_SIZE];
    if (*p && producer_is_broken(*p, &why)) {
        vx_log(VX_LOG_WARN, "producer.recreated", "worker=%zu outstanding=%zu batch_bytes=%zu reason=%s",
               w->setup.number, producer_outstanding(*p), producer_batch_bytes(*p), vx_log_quote(why, quoted));
        metrics_add(w->setup.metrics, w->setup.number, w->producers_counter, 1);
        if (!alone)
            w->batch_bytes = producer_batch_bytes(*p);
        producer_free(*p);
        *p = NULL;
    }
    if (*p || (alone && !w->alone_wanted) || now_ms < w->producer_retry_ms)
        return;
    struct producer_setup setup = worker_producer_setup(w, alone, on_producer_wake);
    struct vx_err err;
    if (producer_new(&setup, p, &err) == VX_OK)
        return;
    *p = NULL;
    w->producer_retry_ms = now_ms + PRODUCER_RETRY_MS;
    vx_log(VX_LOG_ERROR, "producer.failed", "worker=%zu reason=%s", w->setup.number, vx_log_quote(err.message, quoted));
}

/* Measures what comes in, for changes of release. */
static void sample(struct worker_lane *wl, int64_t now_ms)
{
    int64_t time_ms = now_ms - wl->sample_ms;
    if (time_ms < WORKER_SAMPLE_MS)
        return;
    uint64_t events = wl->lane->events_count - wl->sample_events;
    wl->ahead = events ? (int64_t)events * WORKER_AHEAD_MS / time_ms + 1 : 0;
    wl->sample_ms = now_ms;
    wl->sample_events = wl->lane->events_count;
}

/* New producers, when nothing is on its way through the old ones. The first is made before the old ones go. */
static void renew_producers(struct worker *w)
{
    if (!w->fresh || (w->producer && producer_outstanding(w->producer)) || (w->alone && producer_outstanding(w->alone)))
        return;
    const struct vx_pairs *was = w->kafka;
    struct producer *p;
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    w->kafka = w->fresh;
    w->fresh = NULL;
    struct producer_setup setup = worker_producer_setup(w, false, on_producer_wake);
    if (producer_new(&setup, &p, &err) != VX_OK) {
        w->kafka = was;
        vx_log(VX_LOG_ERROR, "renewal.failed", "client=producer worker=%zu reason=%s", w->setup.number,
               vx_log_quote(err.message, quoted));
        return;
    }
    producer_free(w->producer);
    producer_free(w->alone);
    w->producer = p;
    w->alone = NULL; /* made again when it is wanted */
    vx_log(VX_LOG_INFO, "producer.renewed", "worker=%zu", w->setup.number);
}

static bool work(struct worker *w, int64_t now_ms)
{
    bool busy = false;
    bool retry = atomic_exchange(&w->destinations_changed, false);
    if (w->producer)
        busy |= producer_serve(w->producer) > 0;
    if (w->alone)
        busy |= producer_serve(w->alone) > 0;
    renew_producers(w);
    mend_producer(w, &w->producer, false, now_ms);
    mend_producer(w, &w->alone, true, now_ms);
    for (uint32_t i = 0; i < w->lane_room; i++) {
        struct worker_lane *wl = w->lanes[i];
        if (!wl)
            continue;
        if (retry)
            lane_retry(wl->lane, false);
        if (wl->assignment)
            busy |= read_lane(w, wl);
        hear(wl);
        sample(wl, now_ms);
        lane_steer(wl->lane, wl->ahead);
        lane_run(wl->lane);
        publish(wl);
        worker_remind(w, wl, now_ms);
        finish_closing(w, i, now_ms);
    }
    drop_releases(w);
    return busy;
}

static void doze(struct worker *w)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += SLEEP_MS * 1000000L;
    if (ts.tv_nsec >= 1000000000L) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->woken && pthread_cond_timedwait(&w->wake, &w->lock, &ts) == 0)
        ;
    w->woken = false;
    pthread_mutex_unlock(&w->lock);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "worker-%zu", w->setup.number);
    pthread_setname_np(pthread_self(), name);
    while (!w->stopping) {
        atomic_store(&w->wake_sent, false);
        take_release(w);
        take_orders(w);
        int64_t now_ms = vx_clock_ms();
        atomic_store_explicit(&w->moved_ms, now_ms, memory_order_relaxed);
        if (!work(w, now_ms))
            doze(w);
    }
    return NULL;
}

/* --- from outside ------------------------------------------------------------------------------------------------ */

enum vx_status worker_start(const struct worker_setup *setup, struct worker **out, struct vx_err *err)
{
    struct worker *w = calloc(1, sizeof *w);
    vx_assert(w != NULL);
    w->setup = *setup;
    w->kafka = &setup->settings->kafka;
    w->d = decider_new();
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    worker_ops_init(w);
    struct producer_setup ps = worker_producer_setup(w, false, on_producer_wake);
    enum vx_status st = producer_new(&ps, &w->producer, err);
    if (st == VX_OK) {
        atomic_store(&w->moved_ms, vx_clock_ms());
        vx_assert(pthread_create(&w->thread, NULL, run, w) == 0);
        *out = w;
        return VX_OK;
    }
    decider_free(w->d);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return st;
}

void worker_stop(struct worker *w)
{
    if (!w)
        return;
    give_order(w, &(struct order){.kind = ORDER_STOP});
    pthread_join(w->thread, NULL);
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i]) {
            if (w->lanes[i]->assignment)
                rd_kafka_queue_cb_event_enable(w->lanes[i]->assignment->queue, NULL, NULL);
            lane_close(w->lanes[i]->lane);
        }
    producer_free(w->producer);
    producer_free(w->alone);
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i]) {
            lane_free(w->lanes[i]->lane);
            free(w->lanes[i]);
        }
    free(w->lanes);
    adoption_unref(w->adoption);
    while (w->older_count)
        drop_release(w, 0);
    adoption_unref(atomic_exchange(&w->mail, NULL));
    for (struct order *o = w->orders, *next; o; o = next) {
        next = o->next;
        adoption_unref(o->adoption);
        free(o);
    }
    decider_free(w->d);
    worker_ops_done(w);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void worker_post(struct worker *w, struct adoption *a)
{
    adoption_unref(atomic_exchange(&w->mail, a));
    wake(w);
}

void worker_post_older(struct worker *w, uint32_t release, struct adoption *a)
{
    give_order(w, &(struct order){.kind = ORDER_OLDER, .release = release, .adoption = a});
}

uint32_t worker_release(const struct worker *w)
{
    return atomic_load_explicit(&w->release, memory_order_relaxed);
}

void worker_assign(struct worker *w, struct assignment *a)
{
    a->w = w;
    w->load++;
    give_order(w, &(struct order){.kind = ORDER_ASSIGN, .assignment = a});
}

void worker_close(struct worker *w, struct assignment *a, int64_t deadline_ms)
{
    w->load--;
    give_order(w, &(struct order){.kind = ORDER_CLOSE, .assignment = a, .deadline_ms = deadline_ms});
}

void worker_renew(struct worker *w, const struct vx_pairs *kafka)
{
    give_order(w, &(struct order){.kind = ORDER_RENEW, .kafka = kafka});
}

int64_t worker_moved_ms(const struct worker *w)
{
    return atomic_load_explicit(&w->moved_ms, memory_order_relaxed);
}

size_t worker_load(const struct worker *w)
{
    return w->load;
}
