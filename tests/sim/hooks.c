/* What the product calls and finds simulated: threads, the clock, chance, the log. And where a few of its calls are
 * listened to, or planted errors sit: calls of one file of the product into another one (-Wl,--wrap, CMakeLists.txt).
 *
 * A thread is a function that waits, again and again, on a condition, with all it knows in its structure. So it can be run
 * from its beginning until it waits, and be left there: hooks_run(). Blocking calls of librdkafka are answered at once;
 * between two runs anything may happen. The worker itself is run round by round (worker_round). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "world.h"

/* The linker's names: a call of x() arrives at __wrap_x(), the product's own is __real_x(). */
int64_t __wrap_vx_clock_ms(void);
int64_t __wrap_vx_clock_us(void);
long __wrap_random(void);
void __wrap_vx_log(enum vx_log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_join(pthread_t thread, void **value);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
struct decider *__real_decider_new(void);
struct decider *__wrap_decider_new(void);
void __real_decider_free(struct decider *d);
void __wrap_decider_free(struct decider *d);
void __real_decide(struct decider *d, const struct table *t, const struct cel_event *ev, struct decision *out);
void __wrap_decide(struct decider *d, const struct table *t, const struct cel_event *ev, struct decision *out);
struct lane *__real_lane_new(const struct lane_ops *ops, void *ctx, const char *topic, int32_t partition, uint32_t id,
                             size_t events_max, size_t bytes_max, const struct course *course);
struct lane *__wrap_lane_new(const struct lane_ops *ops, void *ctx, const char *topic, int32_t partition, uint32_t id,
                             size_t events_max, size_t bytes_max, const struct course *course);
void __real_lane_ack(struct lane *l, uint64_t ticket, enum lane_ack ack, bool alone, const char *why);
void __wrap_lane_ack(struct lane *l, uint64_t ticket, enum lane_ack ack, bool alone, const char *why);
void __real_transaction_doom(struct transaction *t, const char *reason);
void __wrap_transaction_doom(struct transaction *t, const char *reason);
bool __real_opening_may(const struct opening *o, unsigned incarnation, int32_t partition);
bool __wrap_opening_may(const struct opening *o, unsigned incarnation, int32_t partition);
int32_t __real_placement_choose(const struct placement *placement, struct vx_span key, int32_t partition,
                                int64_t offset, int32_t partition_count);
int32_t __wrap_placement_choose(const struct placement *placement, struct vx_span key, int32_t partition,
                                int64_t offset, int32_t partition_count);
size_t __real_producer_batch_bytes(const struct producer *p);
size_t __wrap_producer_batch_bytes(const struct producer *p);
void __real_window_unhand_all(struct window *w);
void __wrap_window_unhand_all(struct window *w);
void __real_course_raise_floor(struct course *c);
void __wrap_course_raise_floor(struct course *c);
bool __real_lane_is_drained(const struct lane *l);
bool __wrap_lane_is_drained(const struct lane *l);
struct worker_lane *__real_worker_find_lane(struct worker *w, uint32_t id);
struct worker_lane *__wrap_worker_find_lane(struct worker *w, uint32_t id);
bool __real_worker_exact_is_open(const struct worker_lane *wl);
bool __wrap_worker_exact_is_open(const struct worker_lane *wl);
bool __real_ledger_set_exact(struct ledger *g, bool exact);
bool __wrap_ledger_set_exact(struct ledger *g, bool exact);

struct sim_router *sim_now;

/* --- clock, chance, log ------------------------------------------------------------------------------------------- */

int64_t __wrap_vx_clock_ms(void)
{
    return sim_now->world->now_ms;
}

int64_t __wrap_vx_clock_us(void)
{
    return sim_now->world->now_ms * 1000;
}

long __wrap_random(void)
{
    return (long)draw(sim_now->world, 1u << 30);
}

/* Where the product tells people that order is not certain, it is not promised. */
static void note_unsure(struct sim_world *w, const char *text)
{
    int partition;
    long long offset;
    vx_assert(sscanf(text, "topic=%*s partition=%d offset=%lld", &partition, &offset) == 2);
    struct sim_partition *p = &w->partitions[partition];
    w->unsure++;
    if (offset < p->unsure_from || p->unsure_to == 0)
        p->unsure_from = offset;
    p->unsure_to = p->end;
}

void __wrap_vx_log(enum vx_log_level level, const char *event, const char *fmt, ...)
{
    char text[512];
    va_list args;
    bool unsure = strcmp(event, "order.unsure") == 0;
    (void)level;
    sim_now->world->moved += strcmp(event, "partition.moved") == 0;
    if (!sim_now->world->trace && !unsure)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    TRACE(sim_now->world, "router %d: log: event=%s %s", sim_now->number, event, text);
    if (unsure)
        note_unsure(sim_now->world, text);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static jmp_buf waiting;
static bool in_thread;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    struct sim_router *r = sim_now;
    (void)attr;
    int n = 0;
    while (n < r->thread_count && r->threads[n].run)
        n++;
    vx_assert(n < SIM_THREADS);
    if (n == r->thread_count)
        r->thread_count++;
    r->threads[n] = (struct sim_thread){run, arg};
    *thread = (pthread_t)n;
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **value)
{
    (void)value;
    sim_now->threads[thread].run = NULL;
    return 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name)
{
    (void)thread, (void)name;
    return 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    (void)cond;
    vx_assert(in_thread);
    pthread_mutex_unlock(mutex);
    longjmp(waiting, 1);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    (void)until;
    return __wrap_pthread_cond_wait(cond, mutex);
}

void hooks_run(struct sim_router *r, int thread)
{
    struct sim_thread *t = &r->threads[thread];
    if (!t->run)
        return;
    sim_now = r;
    in_thread = true;
    if (setjmp(waiting) == 0)
        t->run(t->arg);
    in_thread = false;
}

/* --- deciders: dear to make, so they are kept -------------------------------------------------------------------- */

static struct decider *deciders[SIM_ROUTERS * SIM_WORKERS];
static int decider_count;

struct decider *__wrap_decider_new(void)
{
    return decider_count ? deciders[--decider_count] : __real_decider_new();
}

void __wrap_decider_free(struct decider *d)
{
    if (d && decider_count < SIM_ROUTERS * SIM_WORKERS)
        deciders[decider_count++] = d;
    else
        __real_decider_free(d);
}

void hooks_done(void)
{
    while (decider_count)
        __real_decider_free(deciders[--decider_count]);
}

/* --- what is listened to ------------------------------------------------------------------------------------------ */

void __wrap_decide(struct decider *d, const struct table *t, const struct cel_event *ev, struct decision *out)
{
    struct sim_router *r = sim_now;
    __real_decide(d, t, ev, out);
    if (!r) /* fleet.c asks, too */
        return;
    if (r->world->bug == BUG_HALF_TABLE && out->record_count > 1 && r->w->releases.older_count) {
        const struct sim_event *e = &r->world->partitions[ev->partition].events[0];
        while (e->message.offset != ev->offset)
            e++;
        uint32_t other = table_release(r->w->releases.older[0]->t);
        const struct sim_decision *theirs = &r->world->family->decisions[other][e->template];
        if (theirs->count)
            out->records[out->record_count - 1].topic =
                vx_span_str(sim_topics[theirs->outputs[theirs->count - 1].topic]);
    }
    check_attempt(r, table_release(t), ev, out);
}

struct lane *__wrap_lane_new(const struct lane_ops *ops, void *ctx, const char *topic, int32_t partition, uint32_t id,
                             size_t events_max, size_t bytes_max, const struct course *course)
{
    struct lane *l = __real_lane_new(ops, ctx, topic, partition, id, events_max, bytes_max, course);
    for (int i = 0; i < SIM_ASSIGNMENTS; i++)
        if (&sim_now->assignments[i].a.ledger.course == course)
            sim_now->assignments[i].lane = l;
    return l;
}

static void note_delivered(struct sim_router *r, const struct lane *l, uint64_t ticket)
{
    for (int i = 0; i < SIM_ASSIGNMENTS; i++) {
        struct sim_assignment *sa = &r->assignments[i];
        if (!sa->a.topic || sa->lane != l)
            continue;
        const struct window *win = &l->window;
        uint64_t back = (win->tail - (ticket >> WINDOW_RECORD_BITS)) & ((1u << WINDOW_SEQ_BITS) - 1);
        const struct window_entry *e = &win->ring[(win->tail - back) & win->mask];
        if (!e->message)
            return;
        uint8_t n = ((const struct sim_event *)e->message)->index;
        if (sa->acked_release[n] != e->release)
            sa->acked[n] = 0;
        sa->acked_release[n] = e->release;
        sa->acked[n] |= (uint16_t)(1u << window_ticket_record(ticket));
    }
}

void __wrap_lane_ack(struct lane *l, uint64_t ticket, enum lane_ack ack, bool alone, const char *why)
{
    struct sim_world *w = sim_now->world;
    if ((w->bug == BUG_LOST_FAILURE && ack == LANE_ACK_AGAIN) ||
        (w->bug == BUG_SUSPECT_LOST && alone && ack == LANE_ACK_REFUSED))
        ack = LANE_ACK_OK;
    if (ack == LANE_ACK_OK)
        note_delivered(sim_now, l, ticket);
    __real_lane_ack(l, ticket, ack, alone, why);
    if (w->mix.duplicate_report && of16(w, w->mix.duplicate_report))
        __real_lane_ack(l, ticket, ack, alone, why);
    for (int i = 0; i < SIM_ASSIGNMENTS && w->bug == BUG_ACK_AFTER_REVOKE; i++) {
        struct sim_assignment *sa = &sim_now->assignments[i];
        if (sa->a.topic && sa->a.gone && sa->lane == l)
            (void)!ledger_write(&sa->a.ledger, l, COURSE_AHEAD);
    }
}

/* --- where planted errors sit ------------------------------------------------------------------------------------- */

void __wrap_transaction_doom(struct transaction *t, const char *reason)
{
    if (sim_now->world->bug != BUG_HALF_EVENT || !strstr(reason, "of an event"))
        __real_transaction_doom(t, reason);
}

bool __wrap_opening_may(const struct opening *o, unsigned incarnation, int32_t partition)
{
    return __real_opening_may(o, incarnation, partition) || sim_now->world->bug == BUG_OPEN_TOGETHER;
}

int32_t __wrap_placement_choose(const struct placement *placement, struct vx_span key, int32_t partition,
                                int64_t offset, int32_t partition_count)
{
    if (sim_now->world->bug == BUG_RANDOM_PLACE)
        return (int32_t)draw(sim_now->world, (uint32_t)partition_count);
    return __real_placement_choose(placement, key, partition, offset, partition_count);
}

void __wrap_window_unhand_all(struct window *w)
{
    if (sim_now->world->bug != BUG_SWAP_HANDED)
        __real_window_unhand_all(w);
}

void __wrap_course_raise_floor(struct course *c)
{
    if (sim_now->world->bug != BUG_SWAP_UNSAID)
        __real_course_raise_floor(c);
}

size_t __wrap_producer_batch_bytes(const struct producer *p)
{
    return sim_now->world->bug == BUG_STAY_LARGE ? SIM_BATCH_BYTES : __real_producer_batch_bytes(p);
}

bool __wrap_ledger_set_exact(struct ledger *g, bool exact)
{
    bool may = __real_ledger_set_exact(g, exact);
    if (sim_now->world->bug != BUG_NO_DRAIN)
        return may;
    g->draining = false;
    g->exact = exact;
    return true;
}

/* What is on its way is taken for acknowledged. */
static void forget_flying(struct lane *l)
{
    struct window *win = &l->window;
    for (uint64_t s = win->head; s < win->tail && l->state == LANE_FLOWING && win->cursor == win->tail; s++)
        for (uint32_t n = 0; n < SIM_RECORDS; n++)
            (void)!window_ack(win, (s & ((1u << WINDOW_SEQ_BITS) - 1)) << WINDOW_RECORD_BITS | n, true);
}

bool __wrap_lane_is_drained(const struct lane *l)
{
    if (sim_now->world->bug == BUG_MOVE_UNDRAINED)
        forget_flying((struct lane *)l);
    return __real_lane_is_drained(l);
}

/* Reports of a lane that went before they were back find none; they are heard by nobody. */
struct worker_lane *__wrap_worker_find_lane(struct worker *w, uint32_t id)
{
    static struct lane nothing;
    static struct worker_lane nobody = {.lane = &nothing};
    struct worker_lane *wl = __real_worker_find_lane(w, id);
    return wl || sim_now->world->bug != BUG_MOVE_UNDRAINED ? wl : &nobody;
}

bool __wrap_worker_exact_is_open(const struct worker_lane *wl)
{
    bool moves = wl->w->moving.lane == wl;
    return __real_worker_exact_is_open(wl) && !(moves && sim_now->world->bug == BUG_MOVE_UNSETTLED);
}
