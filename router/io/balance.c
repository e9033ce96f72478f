/* Partitions stay spread over the workers: what comes goes to the one that has fewest, and where others went, so that one
 * worker has at least two more than another, one is moved at a time (spread.h says when, worker_move.c how).
 *
 *     uneven ──> one partition of the worker that has most ──> moved? ── pause ──> still uneven?
 *
 * Nothing is moved while something else is pending: partitions that are yet to begin, one that is being moved or closed;
 * nor within a pause after a rebalance, which is seldom alone. A partition that is asked to move is not read until it is
 * drained, or did not drain in time: so it is not asked again before a second, then two, four, up to a minute, and others
 * are asked first. A worker that hangs is given none, and cannot let go of any.
 *
 * Thread: the consumer's, between its polls. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "router/io/consumer_private.h"
#include "router/io/spread.h"

enum {
    HUNG_MS = 5000,   /* without a move, after which a worker is given no more partitions */
    PAUSE_MS = 500,   /* between two looks, and so between two moves */
    SETTLE_MS = 1000, /* after a rebalance */
    AGAIN_MS = 1000,  /* before a partition is asked to move again, the first time; then twice as long, and so on */
    AGAIN_DOUBLED_MAX = 6,
};

/* The caller frees it. */
static struct spread_worker *look_at_workers(const struct consumer *c)
{
    int64_t now_ms = vx_clock_ms();
    struct spread_worker *at = calloc(c->setup.worker_count, sizeof *at);
    vx_assert(at != NULL);
    for (size_t i = 0; i < c->setup.worker_count; i++) {
        const struct worker *w = c->setup.workers[i];
        at[i] = (struct spread_worker){.load = worker_load(w), .moves = now_ms - worker_moved_ms(w) < HUNG_MS};
    }
    return at;
}

size_t consumer_choose_worker(const struct consumer *c)
{
    struct spread_worker *at = look_at_workers(c);
    size_t worker = spread_least(at, c->setup.worker_count);
    free(at);
    return worker;
}

void consumer_settle(struct consumer *c)
{
    c->balance_ms = vx_clock_ms() + SETTLE_MS;
}

/* A partition of `w` that goes on, one of those that were asked to move the fewest times; NULL: none, or something is
 * pending. */
static struct assignment *choose(struct consumer *c, const struct worker *w, int64_t now_ms)
{
    struct assignment *best = NULL;
    for (struct assignment *a = c->assignments; a; a = a->next) {
        pthread_mutex_lock(&a->lock);
        bool pending = a->moving || a->closing || !a->w;
        bool fits = a->w == w && a->hold == HOLD_NONE && now_ms >= a->move_ms;
        pthread_mutex_unlock(&a->lock);
        if (pending)
            return NULL;
        if (fits && (!best || a->move_count < best->move_count))
            best = a;
    }
    return best;
}

void consumer_balance(struct consumer *c)
{
    size_t from, to;
    int64_t now_ms = vx_clock_ms();
    if (c->setup.worker_count < 2 || now_ms < c->balance_ms)
        return;
    c->balance_ms = now_ms + PAUSE_MS;
    struct spread_worker *at = look_at_workers(c);
    bool uneven = spread_is_uneven(at, c->setup.worker_count, &from, &to);
    free(at);
    struct assignment *a = uneven ? choose(c, c->setup.workers[from], now_ms) : NULL;
    if (!a)
        return;
    unsigned doubled = a->move_count < AGAIN_DOUBLED_MAX ? a->move_count : AGAIN_DOUBLED_MAX;
    a->move_ms = now_ms + ((int64_t)AGAIN_MS << doubled);
    a->move_count++;
    (void)!worker_move(a, c->setup.workers[to]);
}
