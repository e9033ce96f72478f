/* Exactly once: a router's transactions, and how they end at the broker. In a schedule either every partition takes part
 * or none does; one producer, and no record is refused for itself (the producer of suspects is not simulated).
 *
 *     records ──> broker, unseen by readers ──> commit with the offsets, if the group still knows the member ──> seen
 *                                          └──> abort: as if they had never been
 *
 * The order of things is that of router/io/worker_exact.c; what is in a transaction is the product's transaction.h. */
#include "world.h"

enum { TX_MS = 100 };

/* The offset that a commit now would leave; -1: none, or none that is new. */
static int64_t moved_to(const struct sim_lane *sl)
{
    int32_t epoch;
    int64_t offset = window_passed_offset(&sl->lane->window, &epoch);
    return offset >= 0 && offset != sl->ledger.committed ? offset : -1;
}

bool exact_is_open(const struct sim_lane *sl)
{
    return sl->ledger.exact && sl->assigned && (sl->sent >= 0 || moved_to(sl) >= 0);
}

bool exact_takes(const struct sim_router *r)
{
    return r->tx.state == TRANSACTION_READY || r->tx.state == TRANSACTION_OPEN;
}

/* A record came back from the broker. */
void exact_report(struct sim_router *r, const struct sim_report *report)
{
    transaction_report(&r->tx, &(struct transaction_report){.ticket = report->ticket,
                                                            .ack = report->ack,
                                                            .why = report->ack == LANE_ACK_OK ? NULL : "no"});
    if (report->ack != LANE_ACK_OK)
        return;
    vx_assert(r->tx_flight_count < SIM_TX);
    r->tx_flights[r->tx_flight_count++] = report->flight;
}

static bool is_half(struct sim_lane *sl)
{
    const struct window_entry *e = window_next(&sl->lane->window);
    return e && e->pending > 0;
}

static bool waits(const struct sim_lane *sl)
{
    const struct lane *l = sl->lane;
    return l->state == LANE_CLOSING || l->state == LANE_BACKING || l->alone || window_room(&l->window) == 0;
}

static bool is_done(void *ctx, uint32_t lane_id)
{
    struct sim_router *r = ctx;
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && r->lanes[i].lane->id == lane_id)
            return r->lanes[i].committed_here;
    return false;
}

static void tell(void *ctx, const struct transaction_report *report, enum lane_ack ack)
{
    struct sim_router *r = ctx;
    for (int i = 0; i < SIM_LANES; i++)
        if (r->lanes[i].lane && r->lanes[i].lane->id == lane_ticket_id(report->ticket)) {
            lane_ack(r->lanes[i].lane, report->ticket, ack, false, report->why);
            return;
        }
    sim_fail(r->world, "router %d: a transaction ends and its lane is gone", r->number);
}

/* It ended; `group`: nobody knows how but the group. */
static void end(struct sim_router *r, bool committed, bool group)
{
    static const struct transaction_ops ops = {.is_done = is_done, .tell = tell};
    TRACE(r->world, "router %d: its transaction is %s", r->number,
          group       ? "unsure"
          : committed ? "committed"
                      : "aborted");
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane)
            continue;
        int64_t sent = sl->sent;
        sl->sent = -1;
        sl->committed_here = sent >= 0 && (group ? r->world->partitions[sl->partition].committed >= sent : committed);
        if (sl->committed_here && sl->assigned)
            ledger_commit_exact(&sl->ledger, sent);
    }
    r->tx_flight_count = 0;
    transaction_settle(&r->tx, &ops, r);
}

static void abort_it(struct sim_router *r)
{
    r->world->disturbed = true;
    broker_purge(r);
    end(r, false, false);
}

static void begin_commit(struct sim_router *r)
{
    struct sim_request *q = &r->tx_request;
    bool lost = r->member == 0;
    *q = (struct sim_request){.transaction = true, .member = r->member, .generation = r->generation};
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane)
            continue;
        bool here = sl->assigned && !sl->gone;
        int64_t offset = here ? moved_to(sl) : -1;
        lost |= !here && sl->lane->window.outstanding > 0;
        if (offset < 0)
            continue;
        sl->sent = offset;
        q->partitions |= 1u << sl->partition;
        q->commits[sl->partition].offset = offset;
        course_print(&sl->lane->course, offset, course_until(&sl->lane->course, offset),
                     q->commits[sl->partition].text);
    }
    if (lost || !q->partitions) {
        if (r->tx.state == TRANSACTION_OPEN)
            abort_it(r);
        for (int i = 0; i < SIM_LANES; i++)
            r->lanes[i].sent = -1;
        return;
    }
    r->tx.state = TRANSACTION_ENDING;
    r->tx_sent = r->tx_answered = false;
    TRACE(r->world, "router %d: its transaction is to be committed", r->number);
}

/* The helper: all records are there, then the offsets, then the commit. */
static void go_on_ending(struct sim_router *r)
{
    if (r->tx_answered) {
        end(r, r->tx_committed, r->tx_unsure);
        return;
    }
    if (r->tx_sent || r->producer.outstanding || r->request_count == SIM_QUEUE)
        return;
    if (r->tx.doomed) {
        abort_it(r);
        return;
    }
    r->requests[r->request_count++] = r->tx_request;
    r->tx_sent = true;
}

void exact_turn(struct sim_router *r)
{
    bool hurry = false, moved = false;
    if (r->tx.state == TRANSACTION_ENDING) {
        go_on_ending(r);
        return;
    }
    for (int i = 0; i < SIM_LANES; i++) {
        struct sim_lane *sl = &r->lanes[i];
        if (!sl->lane)
            continue;
        bool outstanding = sl->lane->window.outstanding > 0;
        if (outstanding && (!sl->assigned || sl->gone))
            transaction_doom(&r->tx, "a partition of it was lost");
        if (outstanding && is_half(sl) && r->world->bug != BUG_HALF_EVENT)
            transaction_doom(&r->tx, "not all records of an event could be sent");
        bool has_moved = sl->assigned && moved_to(sl) >= 0;
        moved |= has_moved;
        hurry |= (has_moved || outstanding) && waits(sl);
    }
    if (r->tx.doomed)
        abort_it(r);
    else if (hurry || transaction_due(&r->tx, r->world->now_ms, TX_MS) || (moved && r->tx.state == TRANSACTION_READY))
        begin_commit(r);
}

/* At the broker: all of it or nothing. */
void exact_commit(struct sim_router *r, const struct sim_request *q, bool known)
{
    struct sim_world *w = r->world;
    bool lost = of16(w, w->mix.commit_lost), stored = known && (!lost || draw(w, 2));
    for (int i = 0; i < r->tx_flight_count && stored; i++)
        check_append(w, &r->tx_flights[i]);
    for (int i = 0; i < w->mix.partitions && stored; i++) {
        struct sim_partition *p = &w->partitions[i];
        if (!(q->partitions & 1u << i))
            continue;
        TRACE(w, "group: member %u commits %d of partition %d with its records: %s", q->member,
              (int)q->commits[i].offset, i, q->commits[i].text);
        check_commit(w, q->member, i, &q->commits[i]);
        p->committed = q->commits[i].offset;
        memcpy(p->text, q->commits[i].text, sizeof p->text);
    }
    r->tx_answered = true;
    r->tx_committed = stored;
    r->tx_unsure = lost;
    if (lost && w->bug == BUG_UNSURE_ABORTED)
        r->tx_unsure = r->tx_committed = false;
}
