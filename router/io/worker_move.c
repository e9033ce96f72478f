/* A partition goes from one worker of this router to another. The group hears nothing of it, nothing is read again, and
 * nothing is committed for it.
 *
 *     consumer ── worker_move ──> A: does not read its queue ── drained ──> B: has the lane, reads on
 *                                        └────── not in time ──> A reads on, as if nothing had been
 *
 * What goes is the lane itself, with its window, which is empty, and its course. Drained means that nothing of it is left
 * in what A has: every record is acknowledged and every event done, where it takes part in transactions the one with its
 * offsets has ended, what its course says is on record and names one release, which A and B have in force. So records of B
 * come behind those of A at every destination, though they have different producers, and B's transactions begin where A's
 * have ended. What B adopts at that very moment is steered to like any other release.
 *
 * Who has it is the assignment's `w`, under its lock, and the order by which B takes it over is given under the same lock.
 * An order to close it goes to `w` under that lock, too: so it finds the lane where it is, behind the order to take it, or
 * it comes first, and then the lane stays. No worker passes such an order on, and none answers for another.
 *
 * Thread: worker_move() the consumer's, the rest that of the worker. Owns nothing: a lane is A's, the order's, or B's.
 * Invariant: at most one worker is told when a partition's queue has something, and reads it; on the way none is. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/worker_private.h"

bool worker_move(struct assignment *a, struct worker *to)
{
    pthread_mutex_lock(&a->lock);
    bool may = a->w && a->w != to && !a->closing && !a->moving;
    if (may) {
        a->moving = true;
        worker_order(a->w, &(struct order){.kind = ORDER_MOVE, .assignment = a, .to = to});
    }
    pthread_mutex_unlock(&a->lock);
    return may;
}

/* The queue of the lane is read, by this worker; not one that is to be closed, which may be its next owner's by now. */
static void read_on(struct worker_lane *wl)
{
    struct assignment *a = wl->assignment;
    pthread_mutex_lock(&a->lock);
    a->moving = false;
    if (!a->closing)
        worker_listen(wl, true);
    pthread_mutex_unlock(&a->lock);
    atomic_store(&wl->ready, true);
}

/* --- the worker that has it -------------------------------------------------------------------------------------- */

void worker_begin_move(struct worker *w, struct assignment *a, struct worker *to)
{
    struct worker_lane *wl = worker_lane_of(w, a);
    pthread_mutex_lock(&a->lock);
    a->moving = wl && !w->moving.lane && !a->closing;
    bool begins = a->moving;
    if (begins)
        worker_listen(wl, false);
    pthread_mutex_unlock(&a->lock);
    if (!begins)
        return;
    atomic_store(&wl->ready, false);
    w->moving = (struct worker_moving){.lane = wl, .to = to, .began_ms = vx_clock_ms()};
}

void worker_end_move(struct worker *w)
{
    struct worker_lane *wl = w->moving.lane;
    w->moving.lane = NULL;
    read_on(wl);
}

static bool is_drained(const struct worker_lane *wl)
{
    return lane_is_drained(wl->lane) && wl->exact.on == wl->exact.wanted && !worker_exact_is_open(wl);
}

/* Unless it is to be closed, or the other one runs another release, which is over in a moment. From the order on the lane
 * is not ours to touch. */
static bool hand_over(struct worker *w)
{
    struct worker_lane *wl = w->moving.lane;
    struct worker *to = w->moving.to;
    struct assignment *a = wl->assignment;
    struct order order = {.kind = ORDER_TAKE, .lane = wl, .from = w->setup.number, .began_ms = w->moving.began_ms};
    pthread_mutex_lock(&a->lock);
    bool may = !a->closing && worker_release(w) == worker_release(to); /* after the close `to` may be gone */
    if (may) {
        w->moving.lane = NULL;
        w->lanes[worker_slot(wl->lane->id)] = NULL;
        w->load--;
        to->load++;
        a->w = to;
        worker_order(to, &order);
    }
    pthread_mutex_unlock(&a->lock);
    return may;
}

void worker_move_turn(struct worker *w, int64_t now_ms)
{
    if (is_drained(w->moving.lane) && hand_over(w))
        return;
    if (now_ms - w->moving.began_ms >= WORKER_MOVE_MS)
        worker_end_move(w);
}

/* --- the worker that gets it ------------------------------------------------------------------------------------- */

void worker_take_lane(struct worker *w, const struct order *order)
{
    struct worker_lane *wl = order->lane;
    lane_move(wl->lane, w, worker_add_lane(w, wl));
    wl->wait = (struct worker_wait){.kind = WAIT_NOT};
    worker_exact_steer(w, wl);
    lane_steer(wl->lane, 0); /* at once: what A had in force is perhaps not at hand here */
    vx_log(VX_LOG_INFO, "partition.moved", "topic=%s partition=%d from=%zu to=%zu took_ms=%lld", wl->lane->topic,
           wl->lane->partition, order->from, w->setup.number, (long long)(vx_clock_ms() - order->began_ms));
    read_on(wl);
}
