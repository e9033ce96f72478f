/* A router as the world sees it: its worker, its consumer, its life and death. The order of things is that of the
 * product's threads (router/io/worker.c, consumer.c, rebalance.c, commit.c); what is decided there is decided here by the
 * same code. Between two passes anything may happen elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum {
    DRAIN_MS = 400,    /* for a partition that goes */
    COMMIT_MS = 600,   /* for the commit after it */
    INTERVAL_MS = 100, /* between commits */
    EVENT_BYTES = 100, /* that an event holds */
};

/* --- the worker -------------------------------------------------------------------------------------------------- */

struct sim_lane *shell_lane(struct sim_router *r, int partition)
{
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && r->lanes[i].listed && r->lanes[i].partition == partition)
            return &r->lanes[i];
    return NULL;
}

static struct sim_lane *lane_of(struct sim_router *r, uint64_t ticket)
{
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && r->lanes[i].lane->id == lane_ticket_id(ticket))
            return &r->lanes[i];
    return NULL;
}

void worker_report(struct sim_router *r, const struct sim_report *report)
{
    struct sim_world *w = r->world;
    struct sim_lane *sl = lane_of(r, report->ticket);
    if (!sl) {
        sim_fail(w, "router %d: a record came back and its lane is gone", r->number);
        return;
    }
    const struct sim_flight *f = &report->flight;
    r->producer.outstanding--;
    if (w->mix.exact) {
        exact_report(r, report);
        return;
    }
    enum lane_ack ack = report->ack;
    if (ack == LANE_ACK_DESTINATION)
        r->destinations[f->topic] = HOLD_MISSING;
    if (w->bug == BUG_LOST_FAILURE && ack == LANE_ACK_AGAIN)
        ack = LANE_ACK_OK;
    if (ack == LANE_ACK_OK) {
        uint8_t i = f->event->index;
        if (sl->acked_release[i] != f->release)
            sl->acked[i] = 0;
        sl->acked_release[i] = f->release;
        sl->acked[i] |= (uint16_t)(1u << f->record);
    }
    lane_ack(sl->lane, report->ticket, ack, report->alone, ack == LANE_ACK_OK ? NULL : "no");
    if (w->mix.duplicate_report && of16(w, w->mix.duplicate_report))
        lane_ack(sl->lane, report->ticket, ack, report->alone, ack == LANE_ACK_OK ? NULL : "no");
}

static void serve_reports(struct sim_router *r)
{
    struct sim_producer *p = &r->producer;
    int n = p->report_count ? (int)draw(r->world, (uint32_t)p->report_count + 1) : 0;
    if (r->world->quiet || p->broken)
        n = p->report_count;
    for (int i = 0; i < n; i++) {
        struct sim_report report = p->reports[i];
        worker_report(r, &report);
    }
    p->report_count -= n;
    memmove(p->reports, p->reports + n, (size_t)p->report_count * sizeof p->reports[0]);
}

static void mend_producer(struct sim_router *r)
{
    struct sim_producer *p = &r->producer;
    if (p->alone_wanted)
        p->alone_there = true;
    if (!p->broken)
        return;
    TRACE(r->world, "router %d: a new producer", r->number);
    broker_kill(r, true);
    serve_reports(r);
    for (int i = 0; i < p->report_count; i++)
        worker_report(r, &p->reports[i]);
    p->report_count = 0;
}

static void take_release(struct sim_router *r)
{
    struct adoption *a = r->mail;
    if (!a)
        return;
    r->mail = NULL;
    TRACE(r->world, "router %d adopts release %u", r->number, table_release(a->t));
    releases_adopt(&r->releases, a);
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane) {
            lane_steer(r->lanes[i].lane, r->lanes[i].ahead);
            lane_retry(r->lanes[i].lane, true);
        }
}

static void take_older(struct sim_router *r)
{
    for (int i = 0; i < r->older_count; i++) {
        uint32_t release = r->older_came[i];
        struct table *t = r->older_there[i] ? table_ref(r->world->family->tables[release]) : NULL;
        releases_came(&r->releases, release, t ? adoption_new(t, 0, r->world->metrics) : NULL);
    }
    r->older_count = 0;
}

static void read_lane(struct sim_router *r, struct sim_lane *sl)
{
    struct sim_world *w = r->world;
    struct sim_partition *p = &w->partitions[sl->partition];
    size_t room = lane_room(sl->lane);
    if (room == 0 || !r->releases.now || !broker_has_room(r))
        return;
    if (w->bug == BUG_NO_BOUND)
        room = sl->lane->window.events_max - window_count(&sl->lane->window);
    size_t left =
        sl->lane->window.bytes_max > sl->lane->window.bytes ? sl->lane->window.bytes_max - sl->lane->window.bytes : 0;
    size_t fit = left / EVENT_BYTES + 1, want = w->bug == BUG_NO_BOUND || room < fit ? room : fit;
    if (!w->quiet && want > 1)
        want = 1 + draw(w, (uint32_t)want);
    for (int end = sl->fence < 0 ? p->count : sl->fence; want > 0 && sl->next < end; want--) {
        struct sim_event *e = &p->events[sl->next++];
        r->messages++;
        lane_push(sl->lane, e, e->offset, -1, EVENT_BYTES);
    }
}

static void publish(struct sim_router *r, struct sim_lane *sl)
{
    struct sim_world *w = r->world;
    if (!sl->assigned)
        return;
    if (ledger_write(&sl->ledger, sl->lane, w->mix.until_ahead))
        r->hurry = true;
    if (w->bug == BUG_STORE_BEFORE_ACK && sl->lane->course.reached > sl->ledger.committable)
        sl->ledger.committable = sl->lane->course.reached;
}

static void finish_closing(struct sim_router *r, struct sim_lane *sl)
{
    struct sim_world *w = r->world;
    size_t outstanding = sl->lane->window.outstanding;
    if (sl->lane->state != LANE_CLOSING)
        return;
    bool drained = outstanding == 0 && !(w->mix.exact && exact_is_open(sl));
    if (sl->assigned && (drained || w->now_ms >= sl->close_ms)) {
        publish(r, sl);
        if (w->bug == BUG_DROP_ON_REVOKE && sl->lane->course.reached > sl->ledger.committable)
            sl->ledger.committable = sl->lane->course.reached;
        if (outstanding)
            w->disturbed = true;
        TRACE(w, "router %d: the worker lets go of partition %d, %zu records on their way", r->number, sl->partition,
              outstanding);
        sl->assigned = false;
    }
    if (!sl->assigned && !sl->listed && outstanding == 0 && sl->sent < 0) {
        sim_freeing = r;
        lane_free(sl->lane);
        *sl = (struct sim_lane){0};
    }
}

static bool is_used(void *ctx, uint32_t release)
{
    struct sim_router *r = ctx;
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && lane_uses(r->lanes[i].lane, release))
            return true;
    return false;
}

void worker_pass(struct sim_router *r)
{
    struct sim_world *w = r->world;
    sim_freeing = r;
    take_release(r);
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && r->lanes[i].close) {
            lane_close(r->lanes[i].lane);
            r->lanes[i].close = false;
        }
    take_older(r);
    bool retry = r->destinations_changed;
    r->destinations_changed = false;
    serve_reports(r);
    mend_producer(r);
    if (w->mix.exact)
        exact_turn(r);
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane)
            continue;
        if (retry)
            lane_retry(sl->lane, false);
        if (sl->assigned)
            read_lane(r, sl);
        if (w->mix.exact) /* what is not committed leaves no trace: nothing has to be on record before */
            lane_recorded(sl->lane, sl->lane->course.version, INT64_MAX);
        else if (sl->news && sl->assigned)
            ledger_hear(&sl->ledger, sl->lane);
        sl->news = false;
        if (draw(w, 4) == 0)
            sl->ahead = w->quiet ? 0 : draw(w, 12);
        lane_steer(sl->lane, sl->ahead);
        lane_run(sl->lane);
        publish(r, sl);
        finish_closing(r, sl);
    }
    releases_drop(&r->releases, is_used, r);
    check_router(r);
}

/* --- the consumer ------------------------------------------------------------------------------------------------ */

static void open_lane(struct sim_router *r, int partition)
{
    struct sim_world *w = r->world;
    struct sim_partition *p = &w->partitions[partition];
    struct sim_lane *sl = NULL;
    for (int i = 0; i < SIM_LANES && !sl; i++)
        if (!r->lanes[i].lane)
            sl = &r->lanes[i];
    vx_assert(sl != NULL);
    struct course course;
    int64_t end = of16(w, w->mix.ends_unknown) ? -1 : p->end;
    course_init(&course, -1);
    if (p->committed >= 0)
        course_load(&course, p->text, strlen(p->text), p->committed, end);
    *sl = (struct sim_lane){
        .partition = partition, .assigned = true, .listed = true, .fence = r->expired ? 0 : -1, .sent = -1};
    while (sl->next < p->count && p->events[sl->next].offset < p->committed)
        sl->next++;
    ledger_init(&sl->ledger, &course, p->committed, false, -1);
    if (w->mix.exact)
        vx_assert(ledger_set_exact(&sl->ledger, true));
    uint32_t id = (++r->lane_ids & 0xffff) << 14 | (uint32_t)(sl - r->lanes);
    size_t bytes = (size_t)w->mix.window_bytes;
    sl->lane = lane_new(&sim_ops, r, "in", partition, id, (size_t)w->mix.window_events, bytes, &sl->ledger.course);
    TRACE(w, "router %d begins with partition %d at %d: %s", r->number, partition, (int)p->committed, p->text);
}

/* What is new goes to the group. False: nothing is. */
static bool send_commit(struct sim_router *r, uint32_t of, bool sync)
{
    struct sim_world *w = r->world;
    struct sim_request q = {.sync = sync, .member = r->member};
    if (r->request_count == SIM_QUEUE)
        return false;
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane || !sl->listed || !(of & 1u << sl->partition))
            continue;
        if (!ledger_offer(&sl->ledger, &q.commits[sl->partition]))
            continue;
        q.partitions |= 1u << sl->partition;
        if (w->bug == BUG_COURSE_AT_SEND) {
            ledger_accept(&sl->ledger, sl->ledger.committed);
            sl->news = true;
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
        struct sim_lane *sl = op->partitions & 1u << i ? shell_lane(r, i) : NULL;
        if (!sl || !op->taken)
            continue;
        ledger_accept(&sl->ledger, op->offsets[i]);
        sl->news = true;
    }
    if (op->early)
        r->commit_ms = w->now_ms + INTERVAL_MS / 2;
}

static void begin_revoke(struct sim_router *r, const struct sim_op *op)
{
    struct sim_world *w = r->world;
    r->lost = op->kind == OP_LOST;
    r->revoking = op->partitions;
    r->deadline_ms = r->lost ? w->now_ms : w->now_ms + DRAIN_MS;
    TRACE(w, "router %d: partitions %#x %s", r->number, r->revoking, r->lost ? "are lost" : "are to be given up");
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane || !sl->listed || !(r->revoking & 1u << sl->partition))
            continue;
        sl->close = true;
        sl->close_ms = r->deadline_ms;
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
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane || !sl->listed || !(r->revoking & 1u << sl->partition))
            continue;
        sl->gone = true;
        sl->listed = w->bug == BUG_ACK_AFTER_REVOKE && sl->lane->window.outstanding;
        sl->assigned = sl->listed;
    }
    TRACE(w, "router %d gives up %#x", r->number, r->revoking);
}

static bool is_drained(const struct sim_router *r)
{
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && r->lanes[i].listed && r->lanes[i].assigned && r->revoking & 1u << r->lanes[i].partition)
            return false;
    return true;
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

void consumer_pass(struct sim_router *r)
{
    struct sim_world *w = r->world;
    if (r->consumer == CONSUMER_DRAINING) {
        if (is_drained(r))
            commit_before_giving_up(r);
        return;
    }
    if (r->consumer == CONSUMER_COMMITTING) {
        wait_for_commit(r);
        return;
    }
    if (r->member == 0 && r->op_count == 0 && r->follow.running)
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

void router_begin(struct sim_router *r)
{
    struct sim_world *w = r->world;
    TRACE(w, "router %d starts", r->number);
    if (r->member)
        group_expire(r); /* the group hears of the new one when the old one's time is up */
    r->up = true;
    r->member = 0;
    r->expired = false;
    r->op_count = 0;
    r->request_count = 0;
    r->consumer = CONSUMER_IDLE;
    r->committing = r->hurry = r->waiting = false;
    r->commit_ms = w->now_ms;
    r->older_count = 0;
    memset(r->destinations, HOLD_NONE, sizeof r->destinations);
    r->producer.alone_there = r->producer.alone_wanted = false;
    r->tx.state = TRANSACTION_READY; /* its forerunner's, if it was not committed by now, is no more */
    r->tx_flight_count = 0;
    follower_begin(r);
}

void router_free(struct sim_router *r)
{
    sim_freeing = r;
    for (int i = 0; i < SIM_LANES; i++) {
        if (!r->lanes[i].lane)
            continue;
        r->lanes[i].lane->window.outstanding = 0; /* the dead wait for nobody */
        lane_free(r->lanes[i].lane);
        r->lanes[i] = (struct sim_lane){0};
    }
    transaction_done(&r->tx);
    releases_done(&r->releases);
    adoption_unref(r->mail);
    r->mail = NULL;
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
    broker_kill(r, false);
    router_free(r);
    if (r->messages != 0)
        sim_fail(w, "router %d leaks %ld events", r->number, r->messages);
    r->up = false;
    r->up_ms = w->now_ms + draw(w, 3000);
    r->frozen_ms = 0;
}
