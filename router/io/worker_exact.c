/* Exactly once: the worker's transactions, and which of its partitions take part.
 *
 *     lanes that are `on` ── records ──> main producer ────┐
 *          └── a record was refused ──> producer of suspects ──> commit: records, and the offsets of all lanes that
 *                                                                moved, with the group's metadata
 *
 * All lanes of one producer share its transaction: at an interval, or when a window is full or a partition goes, it is
 * committed; when a record fails it is aborted, and all of them go back to their first event that is not done. A record
 * that the broker refuses for good aborts everybody, so a lane that had one goes through the producer of suspects for a
 * while, where batches are of one record and each abort finds the one to blame: its dead letter takes its place. So a
 * partition full of such records disturbs its neighbours once in EXACT_ALONE_MS.
 *
 * An offset is in a commit only while its partition is this router's: the group's metadata is taken first, and `gone` is
 * looked at after, which the consumer sets before it joins the group anew. So metadata of a later generation never goes
 * with an offset of an earlier one, and with metadata of the earlier one the broker refuses the commit.
 *
 * Plain and transactional commits of one partition never overlap: a partition that changes sides has nothing on its way,
 * and its last offset is on record (ledger_set_exact).
 *
 * Thread: the worker's. Owns both transactors. Invariant: a lane changes its producer only with nothing on its way.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/base/log.h"
#include "router/io/worker_private.h"

enum {
    EXACT_ALONE_MS = 10000,   /* after a refused record; then it is tried with the others again */
    EXACT_RETRY_MS = 1000,    /* between two producers, where one fails */
    EXACT_ALONE_RECORDS = 50, /* of suspects in one transaction: what one that is refused sends back */
    EXACT_SAY_MS = 1000,      /* aborts of a worker are logged not more often */
    EXACT_LOOK_MS = 100,      /* between two looks at the destinations of a transaction */
    EXACT_ASK_MS = 1000, /* a transaction that takes longer asks about them, again after twice the time, and so on */
    EXACT_ASKS_MAX = 16,
};

static struct worker_exact *exact_of(struct worker *w, const struct worker_lane *wl)
{
    return &w->exact[wl->exact.alone];
}

/* --- a lane ------------------------------------------------------------------------------------------------------ */

void worker_exact_adopt(struct worker *w)
{
    size_t count;
    const struct table *t = w->releases.now->t;
    const struct table_topic *topics = table_topics(t, &count);
    w->has_exact = false;
    for (size_t i = 0; i < count; i++)
        w->has_exact |= topics[i].delivery == CONFIG_EXACTLY_ONCE;
}

void worker_exact_steer(struct worker *w, struct worker_lane *wl)
{
    const struct adoption *a = w->releases.now;
    struct vx_span topic = vx_span_str(wl->lane->topic);
    wl->exact.wanted = wl->exact.on;
    if (a && table_route(a->t, topic)) /* one that is not routed any more ends as it began */
        wl->exact.wanted = table_delivery(a->t, topic) == CONFIG_EXACTLY_ONCE;
}

static bool has_moved(const struct worker_lane *wl)
{
    int32_t epoch;
    int64_t offset = window_passed_offset(&wl->lane->window, &epoch);
    return offset >= 0 && offset != wl->assignment->ledger.committed;
}

bool worker_exact_is_open(const struct worker_lane *wl)
{
    return wl->exact.on && wl->assignment && (wl->exact.sent >= 0 || has_moved(wl));
}

/* Drained: to the other side. */
static void change_sides(struct worker *w, struct worker_lane *wl)
{
    struct assignment *a = wl->assignment;
    if (!a || wl->lane->window.outstanding || wl->exact.sent >= 0)
        return;
    pthread_mutex_lock(&a->lock);
    /* what is done since the last turn the ledger does not know yet: it goes on record first, too */
    bool told = wl->lane->window.committable < 0 || wl->lane->window.committable == a->ledger.committable;
    bool changed = told && ledger_set_exact(&a->ledger, wl->exact.wanted);
    int64_t committed = a->ledger.committed;
    pthread_mutex_unlock(&a->lock);
    if (!changed)
        return;
    wl->exact.on = wl->exact.wanted;
    if (wl->exact.on) { /* what is not done yet may have got in, and the commits of transactions would not say so */
        course_raise_floor(&wl->lane->course);
    } else { /* from here on what is decided has to be on record again, what was aborted, too */
        window_unhand_all(&wl->lane->window);
        lane_recorded(wl->lane, wl->lane->course.version, committed >= 0 ? committed : wl->lane->course.begin);
    }
    vx_log(VX_LOG_INFO, "partition.delivery", "topic=%s partition=%d delivery=%s offset=%lld", wl->lane->topic,
           wl->lane->partition, wl->exact.on ? "exactly_once" : "at_least_once", (long long)committed);
    (void)w;
}

/* Through which producer it goes. */
static void choose_producer(struct worker_lane *wl, int64_t now_ms)
{
    if (wl->lane->window.outstanding == 0 && wl->exact.sent < 0)
        wl->exact.alone = now_ms < wl->exact.alone_till_ms;
}

bool worker_exact_may_run(struct worker *w, struct worker_lane *wl, int64_t now_ms)
{
    if (wl->exact.on != wl->exact.wanted) {
        change_sides(w, wl);
        return false;
    }
    if (!wl->exact.on)
        return true;
    choose_producer(wl, now_ms);
    struct worker_exact *e = exact_of(w, wl);
    return e->x && transactor_takes(e->x);
}

static bool is_full(const struct worker_exact *e)
{
    return transactor_transaction(e->x)->sent >= EXACT_ALONE_RECORDS;
}

bool worker_exact_has_room(const struct worker *w, const struct worker_lane *wl)
{
    const struct worker_exact *e = &w->exact[wl->exact.alone];
    return e->x && transactor_takes(e->x) && !(wl->exact.alone && is_full(e));
}

struct producer *worker_exact_producer(struct worker *w, const struct worker_lane *wl)
{
    return transactor_producer(exact_of(w, wl)->x);
}

enum lane_sent worker_exact_send(struct worker *w, struct worker_lane *wl, struct producer_topic *topic,
                                 const struct producer_record *r, bool alone)
{
    int64_t now_ms = atomic_load_explicit(&w->moved_ms, memory_order_relaxed);
    if (alone && !wl->exact.alone) {
        wl->exact.alone_till_ms = now_ms + EXACT_ALONE_MS;
        wl->wait.kind = WAIT_NOT;
        return LANE_AGAIN; /* the other producer, when nothing is on its way through this one */
    }
    return transactor_send(exact_of(w, wl)->x, topic, r, now_ms);
}

/* --- the end of a transaction ------------------------------------------------------------------------------------ */

/* Is half an event in it? */
static bool is_half(struct worker_lane *wl)
{
    const struct window_entry *e = window_next(&wl->lane->window);
    return e && e->pending > 0;
}

/* Does the lane wait for the end of its transaction? */
static bool waits(const struct worker_lane *wl)
{
    const struct lane *l = wl->lane;
    return l->state == LANE_CLOSING || l->state == LANE_BACKING || l->alone || wl->exact.on != wl->exact.wanted ||
           wl->w->moving.lane == wl || window_room(&l->window) == 0;
}

/* What the lanes of a producer ask of its transaction. */
struct wishes {
    bool hurry; /* one of them waits for its end */
    bool moved; /* there are offsets to commit */
};

static struct wishes look_at_lanes(struct worker *w, struct worker_exact *e)
{
    struct wishes wishes = {false, false};
    struct transaction *t = transactor_transaction(e->x);
    for (uint32_t i = 0; i < w->lane_room; i++) {
        struct worker_lane *wl = w->lanes[i];
        if (!wl || !wl->exact.on || exact_of(w, wl) != e)
            continue;
        bool outstanding = wl->lane->window.outstanding > 0;
        if (outstanding && (!wl->assignment || atomic_load(&wl->assignment->gone)))
            transaction_doom(t, "a partition of it was lost");
        if (outstanding && is_half(wl))
            transaction_doom(t, "not all records of an event could be sent");
        bool moved = wl->assignment && has_moved(wl);
        wishes.moved |= moved;
        wishes.hurry |= (moved || outstanding) && waits(wl);
    }
    return wishes;
}

static void add_offset(struct worker_lane *wl, rd_kafka_topic_partition_list_t *list)
{
    char text[COURSE_TEXT_SIZE] = "";
    int32_t epoch;
    const struct course *c = &wl->lane->course;
    int64_t offset = window_passed_offset(&wl->lane->window, &epoch);
    course_print(c, offset, course_until(c, offset), text);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, wl->lane->topic, wl->lane->partition);
    p->offset = wl->exact.sent = offset;
    rd_kafka_topic_partition_set_leader_epoch(p, epoch);
    p->metadata_size = strlen(text);
    p->metadata = strdup(text); /* the list frees it */
    vx_assert(p->metadata != NULL);
}

static void begin_commit(struct worker *w, struct worker_exact *e)
{
    rd_kafka_consumer_group_metadata_t *group = w->setup.group(w->setup.ctx);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    bool lost = !group;
    for (uint32_t i = 0; i < w->lane_room; i++) {
        struct worker_lane *wl = w->lanes[i];
        if (!wl || !wl->exact.on || exact_of(w, wl) != e)
            continue;
        bool here = wl->assignment && !atomic_load(&wl->assignment->gone);
        if (here && has_moved(wl))
            add_offset(wl, list);
        lost |= !here && wl->lane->window.outstanding > 0;
    }
    if (!lost && list->cnt > 0) {
        transactor_commit(e->x, list, group);
        return;
    }
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i] && exact_of(w, w->lanes[i]) == e)
            w->lanes[i]->exact.sent = -1;
    rd_kafka_topic_partition_list_destroy(list);
    if (group)
        rd_kafka_consumer_group_metadata_destroy(group);
    if (transactor_transaction(e->x)->state == TRANSACTION_OPEN)
        transactor_abort(e->x);
}

static bool is_done(void *ctx, uint32_t lane_id)
{
    const struct worker_lane *wl = worker_find_lane(ctx, lane_id);
    return wl && wl->exact.committed_here;
}

static void tell(void *ctx, const struct transaction_report *report, enum lane_ack ack)
{
    struct worker *w = ctx;
    struct worker_lane *wl = worker_find_lane(w, lane_ticket_id(report->ticket));
    vx_assert(wl != NULL);
    if (ack == LANE_ACK_REFUSED || ack == LANE_ACK_DESTINATION)
        wl->exact.alone_till_ms = atomic_load_explicit(&w->moved_ms, memory_order_relaxed) + EXACT_ALONE_MS;
    /* each alone, with a transaction of its own, would take minutes when the destination is there again; that the lane is
     * out of its neighbours' way is enough, and no batch is refused for good */
    if (ack == LANE_ACK_DESTINATION)
        ack = LANE_ACK_AGAIN;
    worker_tell(w, report->ticket, ack, wl->exact.alone, report->why, report->counter);
}

/* Whose records are committed, and what the group has now. */
static void mark_lanes(struct worker *w, struct worker_exact *e, enum transactor_end end,
                       const rd_kafka_topic_partition_list_t *offsets)
{
    for (uint32_t i = 0; i < w->lane_room; i++) {
        struct worker_lane *wl = w->lanes[i];
        if (!wl || exact_of(w, wl) != e)
            continue;
        int64_t sent = wl->exact.sent;
        wl->exact.sent = -1;
        wl->exact.committed_here = sent >= 0 && end == TRANSACTOR_COMMITTED;
        if (sent >= 0 && end == TRANSACTOR_BROKEN) {
            const rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(
                (rd_kafka_topic_partition_list_t *)offsets, wl->lane->topic, wl->lane->partition);
            wl->exact.committed_here = p && p->offset >= sent;
        }
        if (!wl->exact.committed_here)
            continue;
        if (!wl->assignment)
            continue;
        pthread_mutex_lock(&wl->assignment->lock);
        ledger_commit_exact(&wl->assignment->ledger, sent);
        pthread_mutex_unlock(&wl->assignment->lock);
    }
}

static void say_aborted(struct worker *w, struct worker_exact *e, size_t records)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    int64_t now_ms = atomic_load_explicit(&w->moved_ms, memory_order_relaxed);
    metrics_add(w->setup.metrics, w->setup.number, w->aborted_counter, 1);
    w->aborts_unsaid++;
    if (now_ms - w->aborts_said_ms < EXACT_SAY_MS)
        return;
    vx_log(VX_LOG_WARN, "transaction.aborted", "worker=%zu aborts=%u records=%zu reason=%s", w->setup.number,
           w->aborts_unsaid, records, vx_log_quote(transactor_why(e->x), quoted));
    w->aborts_said_ms = now_ms;
    w->aborts_unsaid = 0;
}

static void drop_producer(struct worker *w, struct worker_exact *e, int64_t now_ms, bool failed)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    if (failed) {
        vx_log(VX_LOG_WARN, "producer.recreated", "worker=%zu outstanding=%zu batch_bytes=%zu reason=%s",
               w->setup.number, producer_outstanding(transactor_producer(e->x)),
               producer_batch_bytes(transactor_producer(e->x)), vx_log_quote(transactor_why(e->x), quoted));
        metrics_add(w->setup.metrics, w->setup.number, w->producers_counter, 1);
        e->retry_ms = now_ms + EXACT_RETRY_MS;
        w->fenced |= transactor_is_fenced(e->x);
    }
    transactor_free(e->x);
    e->x = NULL;
}

static bool take_end(struct worker *w, struct worker_exact *e, int64_t now_ms)
{
    static const struct transaction_ops ops = {.is_done = is_done, .tell = tell};
    enum transactor_end end;
    const rd_kafka_topic_partition_list_t *offsets;
    struct transaction *t = transactor_transaction(e->x);
    if (!transactor_ended(e->x, &end, &offsets))
        return false;
    size_t records = t->count;
    bool anew = transactor_is_given_up(e->x);
    mark_lanes(w, e, end, offsets);
    transaction_settle(t, &ops, w);
    transactor_settled(e->x);
    e->commit_ms = now_ms + w->setup.settings->commit_interval_ms;
    e->asked = 0;
    if (end == TRANSACTOR_COMMITTED) {
        metrics_add(w->setup.metrics, w->setup.number, w->committed_counter, 1);
    } else {
        say_aborted(w, e, records);
        size_t batch_bytes = producer_batch_bytes(transactor_producer(e->x));
        if (producer_shrinks(transactor_producer(e->x))) {
            w->batch_bytes = batch_bytes;
            anew = true;
        }
    }
    if (end == TRANSACTOR_BROKEN || anew)
        drop_producer(w, e, now_ms, end == TRANSACTOR_BROKEN);
    return true;
}

/* --- producers --------------------------------------------------------------------------------------------------- */

/* The main one is there as soon as a topic of the release is delivered exactly once, whoever has its partitions: a
 * forerunner of the same name may have left a transaction open, which holds up readers until it is ended. */
static bool is_wanted(struct worker *w, const struct worker_exact *e)
{
    if (e == &w->exact[0] && w->has_exact)
        return true;
    for (uint32_t i = 0; i < w->lane_room; i++)
        if (w->lanes[i] && (w->lanes[i]->exact.on || w->lanes[i]->exact.wanted) && exact_of(w, w->lanes[i]) == e)
            return true;
    return false;
}

/* A transactional.id that stays the same from one start of this router to the next, so that what it left open is ended;
 * where somebody else has it, two routers with one id, each would end the other's for ever: then one of this process. */
static void name_producer(struct worker *w, struct worker_exact *e)
{
    const struct router_settings *s = w->setup.settings;
    uint64_t random = 0;
    int n = snprintf(e->id, sizeof e->id, "veltrix-%s-%.128s-%zu%s", s->fleet, s->id, w->setup.number,
                     e == &w->exact[1] ? "-alone" : "");
    if (w->fenced && getrandom(&random, sizeof random, 0) == sizeof random)
        snprintf(e->id + n, sizeof e->id - (size_t)n, "-%016llx", (unsigned long long)random);
}

static void make_producer(struct worker *w, struct worker_exact *e, int64_t now_ms)
{
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    if (e->x || w->fresh || now_ms < e->retry_ms || !is_wanted(w, e))
        return;
    name_producer(w, e);
    struct transactor_setup setup = {
        .producer = worker_producer_setup(w, e == &w->exact[1]), .committed = w->setup.committed, .ctx = w->setup.ctx};
    setup.producer.transactional_id = e->id;
    if (transactor_new(&setup, &e->x, &err) == VX_OK)
        return;
    e->x = NULL;
    e->retry_ms = now_ms + EXACT_RETRY_MS;
    vx_log(VX_LOG_ERROR, "producer.failed", "worker=%zu reason=%s", w->setup.number, vx_log_quote(err.message, quoted));
}

/* Are the destinations of its records still there? librdkafka waits for a partition that is gone until the record times
 * out, and asks about the topic only when a broker refuses a record; so one that takes long asks the registry. */
static void look_at_destinations(struct worker_exact *e, int64_t now_ms)
{
    const struct transaction *t = transactor_transaction(e->x);
    if ((t->state != TRANSACTION_OPEN && t->state != TRANSACTION_ENDING) || now_ms < e->look_ms)
        return;
    e->look_ms = now_ms + EXACT_LOOK_MS;
    if (transactor_has_gone(e->x))
        transactor_give_up(e->x, now_ms);
    else if (e->asked < EXACT_ASKS_MAX && now_ms - t->opened_ms >= (int64_t)EXACT_ASK_MS << e->asked) {
        transactor_ask(e->x);
        e->asked++;
    }
}

/* Ends what is to be ended. */
static bool turn(struct worker *w, struct worker_exact *e, int64_t now_ms)
{
    struct transaction *t = transactor_transaction(e->x);
    if (take_end(w, e, now_ms))
        return true;
    bool busy = transactor_serve(e->x);
    look_at_destinations(e, now_ms);
    if (t->state == TRANSACTION_BROKEN) {
        drop_producer(w, e, now_ms, true);
        return busy;
    }
    if (t->state != TRANSACTION_OPEN && t->state != TRANSACTION_READY)
        return busy;
    struct wishes wishes = look_at_lanes(w, e);
    if (t->doomed)
        transactor_abort(e->x);
    else if (wishes.hurry || (e == &w->exact[1] && is_full(e)) ||
             transaction_due(t, now_ms, w->setup.settings->transaction_interval_ms) ||
             (wishes.moved && t->state == TRANSACTION_READY && now_ms >= e->commit_ms))
        begin_commit(w, e);
    return busy;
}

bool worker_exact_turn(struct worker *w, int64_t now_ms)
{
    bool busy = false;
    for (int i = 0; i < 2; i++) {
        make_producer(w, &w->exact[i], now_ms);
        if (w->exact[i].x)
            busy |= turn(w, &w->exact[i], now_ms);
    }
    return busy;
}

bool worker_exact_drop(struct worker *w)
{
    for (int i = 0; i < 2; i++) {
        enum transaction_state state = w->exact[i].x ? transactor_transaction(w->exact[i].x)->state : TRANSACTION_READY;
        if (state == TRANSACTION_OPEN || state == TRANSACTION_ENDING)
            return false;
    }
    for (int i = 0; i < 2; i++)
        if (w->exact[i].x)
            drop_producer(w, &w->exact[i], 0, false);
    return true;
}

static bool is_never(void *ctx, uint32_t lane_id)
{
    (void)ctx;
    (void)lane_id;
    return false;
}

void worker_exact_done(struct worker *w)
{
    static const struct transaction_ops ops = {.is_done = is_never, .tell = tell};
    for (int i = 0; i < 2; i++) {
        struct worker_exact *e = &w->exact[i];
        if (!e->x)
            continue;
        transactor_stop(e->x);
        producer_purge(transactor_producer(e->x));
        transaction_settle(transactor_transaction(e->x), &ops, w);
        transactor_free(e->x);
        e->x = NULL;
    }
}
