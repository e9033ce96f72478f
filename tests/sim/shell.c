/* A router as the world sees it: its worker and what it owns, which are the product's and are run round by round; its
 * consumer; its life and death. The order of things in the consumer is that of the product's thread (router/io/consumer.c,
 * rebalance.c, commit.c); what is decided there is decided here by the same code. Between two passes anything may happen
 * elsewhere. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum {
    DRAIN_MS = 400,    /* for a partition that goes */
    COMMIT_MS = 600,   /* for the commit after it */
    INTERVAL_MS = 100, /* between commits */
    REFRESH_MS = 3000, /* of destinations */
};

/* --- the worker -------------------------------------------------------------------------------------------------- */

struct sim_assignment *shell_assignment(struct sim_router *r, int partition)
{
    for (int i = 0; i < SIM_ASSIGNMENTS; i++)
        if (r->assignments[i].a.topic && r->assignments[i].listed && r->assignments[i].a.partition == partition)
            return &r->assignments[i];
    return NULL;
}

/* Some of it is at the broker, and the next owner sends all of it. */
static bool is_half_done(const struct lane *l)
{
    const struct window *win = &l->window;
    for (uint64_t s = win->head; s != win->tail; s++) {
        const struct window_entry *e = &win->ring[s & win->mask];
        if (e->pending || e->acked || e->flags & WINDOW_DONE)
            return true;
    }
    return false;
}

static void on_closed(void *ctx, struct assignment *a)
{
    struct sim_router *r = ctx;
    struct sim_assignment *sa = (struct sim_assignment *)((char *)a - offsetof(struct sim_assignment, a));
    a->closed = true;
    if (!sa->lane)
        return; /* it came and went between two rounds */
    r->world->disturbed |= is_half_done(sa->lane);
    if (r->world->bug == BUG_DROP_ON_REVOKE && sa->lane->course.reached > a->ledger.committable)
        a->ledger.committable = sa->lane->course.reached;
    TRACE(r->world, "router %d: the worker lets go of partition %d, %zu records on their way", r->number, a->partition,
          sa->lane->window.outstanding);
}

static void on_course(void *ctx)
{
    ((struct sim_router *)ctx)->hurry = true;
}

static void on_want(void *ctx, uint32_t release)
{
    follower_want_older(ctx, release);
}

static rd_kafka_consumer_group_metadata_t *group(void *ctx)
{
    const struct sim_router *r = ctx;
    return r->member ? client_group(r) : NULL;
}

static bool committed(void *ctx, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    const struct sim_router *r = ctx;
    (void)timeout_ms;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset =
            r->world->bug == BUG_UNSURE_ABORTED ? -1 : r->world->partitions[list->elems[i].partition].committed;
    return true;
}

/* The consumer's, for the real subscription.c: what it is given is kept until its thread comes round. */
void consumer_follow(struct consumer *c, const struct table *t, const struct vx_strings *there)
{
    struct sim_router *r = (struct sim_router *)c;
    wish_free(r->wish);
    r->wish = wish_new(t, there);
}

static void on_destinations(void *ctx)
{
    const struct sim_router *r = ctx;
    for (int i = 0; i < r->world->mix.workers; i++)
        if (r->workers[i])
            worker_wake(r->workers[i]);
}

void worker_pass(struct sim_router *r, int number)
{
    struct sim_world *w = r->world;
    sim_now = r;
    r->at = number;
    r->w = r->workers[number];
    for (int i = 0; i < SIM_ASSIGNMENTS; i++)
        if (r->assignments[i].a.topic && (w->quiet || draw(w, 2)))
            client_tell_queue(&r->assignments[i].queue);
    worker_round(r->w);
    for (int i = 0; i < SIM_ASSIGNMENTS && w->bug == BUG_STORE_BEFORE_ACK; i++) {
        struct sim_assignment *sa = &r->assignments[i];
        if (sa->a.topic && sa->lane && !sa->a.closed && sa->lane->course.reached > sa->a.ledger.committable)
            sa->a.ledger.committable = sa->lane->course.reached;
    }
    for (uint32_t i = 0; i < r->w->lane_room && w->bug == BUG_SWAP_UNDRAINED; i++) {
        struct worker_lane *wl = r->w->lanes[i];
        if (wl && wl->assignment && wl->exact.on != wl->exact.wanted)
            wl->exact.on = wl->assignment->ledger.exact = wl->exact.wanted;
    }
    check_router(r);
}

void threads_pass(struct sim_router *r, bool all)
{
    if (!all && r->thread_count)
        hooks_run(r, (int)draw(r->world, (uint32_t)r->thread_count));
    for (int i = 0; i < r->thread_count && all; i++)
        hooks_run(r, i);
}

/* --- the consumer ------------------------------------------------------------------------------------------------ */

static void free_assignment(struct sim_assignment *sa)
{
    pthread_mutex_destroy(&sa->a.lock);
    *sa = (struct sim_assignment){0};
}

static void open_lane(struct sim_router *r, int partition)
{
    struct sim_world *w = r->world;
    struct sim_partition *p = &w->partitions[partition];
    struct sim_assignment *sa = NULL;
    for (int i = 0; i < SIM_ASSIGNMENTS && !sa; i++)
        if (!r->assignments[i].a.topic)
            sa = &r->assignments[i];
    vx_assert(sa != NULL);
    struct course course;
    int64_t end = of16(w, w->mix.ends_unknown) ? -1 : p->end;
    course_init(&course, -1);
    if (p->committed >= 0)
        course_load(&course, p->text, strlen(p->text), p->committed, end);
    *sa = (struct sim_assignment){.listed = true};
    sa->queue = (struct rd_kafka_queue_s){.r = r, .partition = partition, .fence = r->expired ? 0 : -1};
    while (sa->queue.next < p->count && p->events[sa->queue.next].message.offset < p->committed)
        sa->queue.next++;
    sa->a.topic = sim_sources[p->source];
    sa->a.partition = partition;
    sa->a.queue = &sa->queue;
    pthread_mutex_init(&sa->a.lock, NULL);
    ledger_init(&sa->a.ledger, &course, p->committed, false, -1);
    int at = wish_find(r->topics, sa->a.topic);
    sa->a.ledger.exact = at >= 0 && r->topics->deliveries[at] == CONFIG_EXACTLY_ONCE;
    sa->first = r->workers[w->mix.workers > 1 ? draw(w, (uint32_t)w->mix.workers) : 0];
    worker_assign(sa->first, &sa->a);
    TRACE(w, "router %d begins with partition %d at %d%s: %s", r->number, partition, (int)p->committed,
          sa->a.ledger.exact ? ", exactly once" : "", p->text);
}

/* What is new goes to the group. False: nothing is. */
static bool send_commit(struct sim_router *r, uint32_t of, bool sync)
{
    struct sim_world *w = r->world;
    struct sim_request q = {.sync = sync, .member = r->member};
    if (r->request_count == SIM_QUEUE)
        return false;
    for (int i = 0; i < SIM_ASSIGNMENTS; i++) {
        struct sim_assignment *sa = &r->assignments[i];
        if (!sa->a.topic || !sa->listed || !(of & 1u << sa->a.partition))
            continue;
        if (!ledger_offer(&sa->a.ledger, &q.commits[sa->a.partition]))
            continue;
        q.partitions |= 1u << sa->a.partition;
        if (w->bug == BUG_COURSE_AT_SEND) {
            ledger_accept(&sa->a.ledger, sa->a.ledger.committed);
            atomic_store(&sa->a.news, true);
        }
    }
    if (q.partitions)
        r->requests[r->request_count++] = q;
    return q.partitions != 0;
}

static void note(struct sim_router *r, const struct sim_op *op)
{
    struct sim_world *w = r->world;
    for (int i = 0; i < w->mix.partitions; i++) {
        struct sim_assignment *sa = op->partitions & 1u << i ? shell_assignment(r, i) : NULL;
        if (!sa || !op->taken)
            continue;
        ledger_accept(&sa->a.ledger, op->offsets[i]);
        atomic_store(&sa->a.news, true);
        worker_nudge(sa->a.w);
    }
    if (op->early)
        r->commit_ms = w->now_ms + INTERVAL_MS / 2;
}

static bool is_revoked(const struct sim_router *r, const struct sim_assignment *sa)
{
    return sa->a.topic && sa->listed && r->revoking & 1u << sa->a.partition;
}

static void begin_revoke(struct sim_router *r, const struct sim_op *op)
{
    struct sim_world *w = r->world;
    r->lost = op->kind == OP_LOST;
    r->revoking = op->partitions;
    r->deadline_ms = r->lost ? w->now_ms : w->now_ms + DRAIN_MS;
    TRACE(w, "router %d: partitions %#x %s", r->number, r->revoking, r->lost ? "are lost" : "are to be given up");
    for (int i = 0; i < SIM_ASSIGNMENTS; i++) {
        struct sim_assignment *sa = &r->assignments[i];
        if (!is_revoked(r, sa) || sa->a.closed)
            continue;
        sa->astray = w->bug == BUG_CLOSE_ASTRAY && sa->a.w != sa->first;
        if (sa->astray)
            sa->a.w = sa->first;
        worker_close(&sa->a, r->deadline_ms);
    }
    r->consumer = CONSUMER_DRAINING;
}

static void give_up(struct sim_router *r)
{
    struct sim_world *w = r->world;
    r->consumer = CONSUMER_IDLE;
    if (!r->lost && r->request_count < SIM_QUEUE)
        r->requests[r->request_count++] = (struct sim_request){
            .give_up = true, .member = r->member, .generation = ++r->generation, .partitions = r->revoking};
    for (int i = 0; i < SIM_ASSIGNMENTS; i++) {
        struct sim_assignment *sa = &r->assignments[i];
        if (!is_revoked(r, sa))
            continue;
        sa->listed = w->bug == BUG_ACK_AFTER_REVOKE;
        if (!sa->listed && !sa->astray)
            free_assignment(sa);
    }
    TRACE(w, "router %d gives up %#x", r->number, r->revoking);
}

static bool is_drained(const struct sim_router *r)
{
    for (int i = 0; i < SIM_ASSIGNMENTS; i++)
        if (is_revoked(r, &r->assignments[i]) && !r->assignments[i].a.closed)
            return false;
    return true;
}

static void set_gone(struct sim_router *r)
{
    for (int i = 0; i < SIM_ASSIGNMENTS; i++)
        if (is_revoked(r, &r->assignments[i]))
            atomic_store(&r->assignments[i].a.gone, true);
}

static void commit_before_giving_up(struct sim_router *r)
{
    r->waiting = !r->lost && send_commit(r, r->revoking, true);
    r->consumer = CONSUMER_COMMITTING;
    if (!r->waiting)
        give_up(r);
}

/* Answers come in order; one that is waited for ends the waiting, and what stands before it is seen to later. */
static bool take_answer(struct sim_router *r, struct sim_op *out)
{
    for (int i = 0; i < r->op_count; i++)
        if (r->ops[i].kind == OP_ANSWER && r->ops[i].sync) {
            *out = r->ops[i];
            memmove(&r->ops[i], &r->ops[i + 1], (size_t)(--r->op_count - i) * sizeof *out);
            return true;
        }
    return false;
}

static void wait_for_commit(struct sim_router *r)
{
    struct sim_world *w = r->world;
    struct sim_op op;
    bool over = w->now_ms >= r->deadline_ms + COMMIT_MS || r->expired;
    if (take_answer(r, &op)) {
        note(r, &op);
        if (op.early && !over)
            commit_before_giving_up(r);
        else
            give_up(r);
    } else if (over) {
        give_up(r);
    }
}

static void serve_op(struct sim_router *r)
{
    struct sim_op op = r->ops[0];
    memmove(r->ops, r->ops + 1, (size_t)--r->op_count * sizeof op);
    switch (op.kind) {
    case OP_ASSIGN:
        for (int i = 0; i < r->world->mix.partitions; i++)
            if (op.partitions & 1u << i)
                open_lane(r, i);
        break;
    case OP_ANSWER:
        if (!op.sync)
            r->committing = false;
        note(r, &op);
        break;
    default:
        begin_revoke(r, &op);
    }
}

/* Whatever each worker has: the product's consumer does it only where they are uneven (balance.c). */
void consumer_shift(struct sim_router *r)
{
    struct sim_world *w = r->world;
    struct sim_assignment *sa = shell_assignment(r, (int)draw(w, (uint32_t)w->mix.partitions));
    struct worker *to = r->workers[draw(w, (uint32_t)w->mix.workers)];
    if (r->consumer != CONSUMER_IDLE || !sa || !worker_move(&sa->a, to))
        return;
    TRACE(w, "router %d: partition %d is to go to another worker", r->number, sa->a.partition);
}

static void subscribe(struct sim_router *r)
{
    if (!r->wish)
        return;
    if (!wish_is_same(r->topics, r->wish)) {
        r->subscribed = 0;
        for (int i = 0; i < SIM_SOURCES; i++)
            r->subscribed |= wish_find(r->wish, sim_sources[i]) >= 0 ? 1u << i : 0;
        TRACE(r->world, "router %d subscribes to sources %#x", r->number, r->subscribed);
    }
    wish_free(r->topics);
    r->topics = r->wish;
    r->wish = NULL;
}

void consumer_pass(struct sim_router *r)
{
    struct sim_world *w = r->world;
    sim_now = r;
    if (r->consumer == CONSUMER_DRAINING) {
        if (!is_drained(r))
            return;
        set_gone(r);
        commit_before_giving_up(r);
        return;
    }
    if (r->consumer == CONSUMER_COMMITTING) {
        wait_for_commit(r);
        return;
    }
    subscribe(r);
    if (r->member == 0 && r->op_count == 0 && r->topics)
        group_join(r);
    if (r->op_count && (w->quiet || draw(w, 4)))
        serve_op(r);
    if (r->consumer != CONSUMER_IDLE || r->committing || r->member == 0 || !(r->hurry || w->now_ms >= r->commit_ms))
        return;
    r->hurry = false;
    r->commit_ms = w->now_ms + INTERVAL_MS;
    r->committing = send_commit(r, UINT32_MAX, false);
}

/* --- life and death ---------------------------------------------------------------------------------------------- */

static void make_settings(struct sim_router *r)
{
    const struct sim_world *w = r->world;
    bool unbound = w->bug == BUG_NO_BOUND;
    r->settings = (struct router_settings){.fleet = "sim",
                                           .id = "r",
                                           .producers_count = w->mix.producers,
                                           .window_events = w->mix.window_events,
                                           .window_bytes = unbound ? 1 << 30 : w->mix.window_bytes,
                                           .commit_interval_ms = INTERVAL_MS,
                                           .transaction_interval_ms = INTERVAL_MS};
    if (!w->mix.room)
        return;
    snprintf(r->records_max, sizeof r->records_max, "%d", w->mix.room);
    r->pairs[0] = (struct vx_pair){.name = "producer.queue.buffering.max.messages", .value = r->records_max};
    r->settings.kafka = (struct vx_pairs){.at = r->pairs, .count = 1};
}

void router_begin(struct sim_router *r)
{
    struct sim_world *w = r->world;
    struct vx_err err;
    TRACE(w, "router %d starts", r->number);
    if (r->member)
        group_expire(r); /* the group hears of the new one when the old one's time is up */
    sim_now = r;
    r->up = true;
    r->member = 0;
    r->expired = false;
    r->op_count = 0;
    r->request_count = 0;
    r->consumer = CONSUMER_IDLE;
    r->committing = r->hurry = r->waiting = false;
    r->subscribed = 0;
    memset(r->too_large, 0, sizeof r->too_large);
    r->commit_ms = w->now_ms;
    r->thread_count = 0;
    make_settings(r);
    vx_assert(destinations_start(&r->settings.kafka, on_destinations, r, &r->destinations, &err) == VX_OK);
    destinations_refresh(r->destinations, REFRESH_MS);
    r->subscription = subscription_new((struct consumer *)r);
    struct worker_setup setup = {.settings = &r->settings,
                                 .metrics = w->metrics,
                                 .destinations = r->destinations,
                                 .on_closed = on_closed,
                                 .on_course = on_course,
                                 .on_want = on_want,
                                 .group = group,
                                 .committed = committed,
                                 .ctx = r};
    for (int i = w->mix.workers; i-- > 0;) {
        setup.number = (size_t)(r->at = i);
        vx_assert(worker_start(&setup, &r->workers[i], &err) == VX_OK);
        r->threads[r->workers[i]->thread].run = NULL; /* worker_pass() */
    }
    r->w = r->workers[0];
    follower_begin(r);
}

/* All at once, as a process ends; what is on its way may get in late. */
void router_free(struct sim_router *r)
{
    if (!r->w)
        return;
    sim_now = r;
    for (int i = 0; i < r->world->mix.workers; i++) {
        r->at = i;
        r->w = r->workers[i];
        worker_stop(r->w);
        r->workers[i] = NULL;
    }
    destinations_stop(r->destinations);
    destinations_free(r->destinations);
    subscription_free(r->subscription);
    wish_free(r->wish);
    wish_free(r->topics);
    r->wish = r->topics = NULL;
    r->w = NULL;
    for (int i = 0; i < SIM_ASSIGNMENTS; i++)
        if (r->assignments[i].a.topic)
            free_assignment(&r->assignments[i]);
}

/* All that is left is what was written down: the copy, as it was before or after, and what the group has. */
void router_crash(struct sim_router *r)
{
    struct sim_world *w = r->world;
    TRACE(w, "router %d is killed", r->number);
    w->disturbed = true;
    if (draw(w, 2))
        follower_written(r);
    if (r->copy.len && of16(w, w->mix.damage_copy)) {
        r->copy.at[draw(w, (uint32_t)r->copy.len)] ^= (char)(1 + draw(w, 15));
        r->copy_generation = 0;
        TRACE(w, "router %d: its copy is damaged", r->number);
    }
    router_free(r);
    if (r->messages != 0)
        sim_fail(w, "router %d leaks %ld events", r->number, r->messages);
    r->up = false;
    r->up_ms = w->now_ms + draw(w, 3000);
    r->frozen_ms = 0;
}
