/* The worker's thread: its loop and its orders. What it decides is in lane.c; its partitions are in worker_lanes.c, its
 * producers in worker_producers.c, transactions in worker_exact.c, and how an event is seen and counted in worker_ops.c.
 *
 * Thread: run() and everything it calls; worker_post, _assign, _close, _move, _wake from others. Owns its lanes, producers and
 * decider. Invariant: orders and releases take effect between two turns, never within one.
 */
#include "router/io/worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/worker_private.h"

enum { SLEEP_MS = 100 };

void worker_order(struct worker *w, const struct order *order)
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

void worker_on_producer_wake(void *worker)
{
    wake(worker);
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void take_orders(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct order *o = w->orders, *next;
    w->orders = NULL;
    pthread_mutex_unlock(&w->lock);
    for (; o; o = next) {
        next = o->next;
        if (o->kind == ORDER_ASSIGN)
            worker_open_lane(w, o->assignment);
        else if (o->kind == ORDER_CLOSE)
            worker_begin_close(w, o->assignment, o->deadline_ms);
        else if (o->kind == ORDER_MOVE)
            worker_begin_move(w, o->assignment, o->to);
        else if (o->kind == ORDER_TAKE)
            worker_take_lane(w, o);
        else if (o->kind == ORDER_OLDER)
            releases_came(&w->releases, o->release, o->adoption);
        else if (o->kind == ORDER_RENEW)
            w->fresh = o->kafka;
        else
            w->stopping = true;
        free(o);
    }
}

static bool is_used(void *ctx, uint32_t release)
{
    struct worker *w = ctx;
    bool used = false;
    for (uint32_t i = 0; i < w->lane_room && !used; i++)
        used = w->lanes[i] && lane_uses(w->lanes[i]->lane, release);
    return used;
}

static void take_release(struct worker *w)
{
    struct adoption *a = atomic_exchange(&w->mail, NULL);
    if (!a)
        return;
    int64_t began_us = vx_clock_us();
    bool other = releases_adopt(&w->releases, a);
    worker_exact_adopt(w);
    atomic_store_explicit(&w->release, table_release(a->t), memory_order_relaxed);
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i]) {
            if (other)
                lane_forget(w->lanes[i]->lane, table_release(a->t));
            worker_exact_steer(w, w->lanes[i]);
            lane_steer(w->lanes[i]->lane, w->lanes[i]->exact.on ? 0 : w->lanes[i]->ahead);
            lane_retry(w->lanes[i]->lane, true);
        }
    metrics_add(w->setup.metrics, w->setup.number, w->wait_counter, (uint64_t)(vx_clock_us() - began_us));
}

static bool work(struct worker *w, int64_t now_ms)
{
    bool retry = atomic_exchange(&w->destinations_changed, false);
    bool busy = worker_serve_producers(w, now_ms);
    busy |= worker_exact_turn(w, now_ms);
    struct share share = {0, 0};
    for (uint32_t i = 0; i < w->lane_room; i++) {
        if (retry && w->lanes[i])
            lane_retry(w->lanes[i]->lane, false);
        busy |= w->lanes[i] && worker_turn(w, i, now_ms);
        size_t events = w->lanes[i] ? worker_shared_events(w->lanes[i]) : 0;
        share.lanes += events > 0;
        share.events += events;
    }
    w->share = share;
    if (w->moving.lane)
        worker_move_turn(w, now_ms);
    releases_drop(&w->releases, is_used, w);
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

bool worker_round(struct worker *w)
{
    atomic_store(&w->wake_sent, false);
    take_release(w);
    take_orders(w);
    int64_t now_ms = vx_clock_ms();
    atomic_store_explicit(&w->moved_ms, now_ms, memory_order_relaxed);
    return work(w, now_ms);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "worker-%zu", w->setup.number);
    pthread_setname_np(pthread_self(), name);
    while (!w->stopping)
        if (!worker_round(w))
            doze(w);
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
    w->producer_count = (size_t)setup->settings->producers_count;
    enum vx_status st = worker_make_producers(w, err);
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
    worker_order(w, &(struct order){.kind = ORDER_STOP});
    pthread_join(w->thread, NULL);
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i]) {
            if (w->lanes[i]->assignment)
                worker_listen(w->lanes[i], false);
            lane_close(w->lanes[i]->lane);
        }
    worker_free_producers(w);
    worker_exact_done(w);
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i]) {
            lane_free(w->lanes[i]->lane);
            free(w->lanes[i]);
        }
    free(w->lanes);
    releases_done(&w->releases);
    adoption_unref(atomic_exchange(&w->mail, NULL));
    for (struct order *o = w->orders, *next; o; o = next) {
        next = o->next;
        adoption_unref(o->adoption);
        if (o->lane)
            lane_free(o->lane->lane);
        free(o->lane);
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
    worker_order(w, &(struct order){.kind = ORDER_OLDER, .release = release, .adoption = a});
}

uint32_t worker_release(const struct worker *w)
{
    return atomic_load_explicit(&w->release, memory_order_relaxed);
}

void worker_assign(struct worker *w, struct assignment *a)
{
    pthread_mutex_lock(&a->lock);
    a->w = w;
    pthread_mutex_unlock(&a->lock);
    w->load++;
    worker_order(w, &(struct order){.kind = ORDER_ASSIGN, .assignment = a});
}

void worker_close(struct assignment *a, int64_t deadline_ms)
{
    pthread_mutex_lock(&a->lock);
    if (!a->closing)
        a->w->load--;
    a->closing = true;
    worker_order(a->w, &(struct order){.kind = ORDER_CLOSE, .assignment = a, .deadline_ms = deadline_ms});
    pthread_mutex_unlock(&a->lock);
}

void worker_renew(struct worker *w, const struct vx_pairs *kafka)
{
    worker_order(w, &(struct order){.kind = ORDER_RENEW, .kafka = kafka});
}

int64_t worker_moved_ms(const struct worker *w)
{
    return atomic_load_explicit(&w->moved_ms, memory_order_relaxed);
}

size_t worker_load(const struct worker *w)
{
    return w->load;
}
