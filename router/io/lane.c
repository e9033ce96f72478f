/* The lane: decides which event is attempted next, what an acknowledgement means, when to go back and when to hold. See
 * lane.h for the rules of order; this file is their only implementation.
 *
 *              ┌──────────────── a record failed ───────────────┐
 *              v                                                │
 *          BACKING ── nothing on its way: window_back ──> FLOWING ── destination, dead letter, route missing ──> HELD
 *              ^                                             ^                                                     │
 *              └── records on their way or failed ───────────┴──────────── lane_retry ────────────────────────────┘
 *
 * Thread: its worker's. Owns its window and with it the events. Invariant: an event is attempted only when none of its
 * records is on its way.
 */
#include "router/io/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

static const char *const hold_labels[] = {
#define X(name, label) label,
    LANE_HOLD_LIST(X)
#undef X
};

const char *lane_hold_label(enum lane_hold hold)
{
    return (unsigned)hold < HOLD_COUNT ? hold_labels[hold] : "unknown";
}

struct lane *lane_new(const struct lane_ops *ops, void *ctx, const char *topic, int32_t partition, uint32_t id,
                      size_t events_max, size_t bytes_max, const struct course *course)
{
    struct lane *l = calloc(1, sizeof *l);
    vx_assert(l != NULL);
    window_init(&l->window, events_max, bytes_max, ops->free_message);
    l->ops = ops;
    l->ctx = ctx;
    l->topic = strdup(topic);
    vx_assert(l->topic != NULL);
    l->partition = partition;
    l->id = id;
    l->course = *course;
    l->delivered = course->begin;
    return l;
}

void lane_free(struct lane *l)
{
    if (!l)
        return;
    vx_assert(l->window.outstanding == 0);
    window_done(&l->window);
    free((char *)l->topic);
    free(l);
}

size_t lane_room(const struct lane *l)
{
    bool open = l->state == LANE_FLOWING && l->window.cursor == l->window.tail;
    return open ? window_room(&l->window) : 0;
}

void lane_push(struct lane *l, void *message, int64_t offset, int32_t leader_epoch, size_t bytes)
{
    window_push(&l->window, message, offset, leader_epoch, bytes);
    course_meet(&l->course, offset);
    l->delivered = offset + 1;
    l->events_count++;
}

static bool hold(struct lane *l, enum lane_hold why, const char *fmt, ...) VX_PRINTF(3, 4);

/* Always false, so that an attempt can end with it. A hold for the same reason is announced once. */
static bool hold(struct lane *l, enum lane_hold why, const char *fmt, ...)
{
    char message[LANE_MESSAGE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    l->state = LANE_HELD;
    l->blocked = why;
    l->old_failed = l->by_old && why != HOLD_LOOKUP;
    if (l->old_failed || (why == HOLD_LOOKUP && l->announced))
        return false; /* nothing that people must know: another try follows, or it is held for what they know of */
    bool same = l->hold == why && strcmp(l->message, message) == 0;
    l->hold = why;
    memcpy(l->message, message, sizeof message);
    if (why != HOLD_LOOKUP && !(same && l->announced)) {
        l->announced = true;
        l->ops->on_held(l->ctx, l);
    }
    return false;
}

static uint64_t record_bit(size_t record)
{
    return record < WINDOW_TRACKED_RECORDS ? (uint64_t)1 << record : 0;
}

/* Puts the dead letter of record `i` in its place. */
static bool make_dead_letter(struct lane *l, const struct window_entry *e, const struct cel_event *ev,
                             struct decision *d, size_t i)
{
    struct decide_record dead;
    if (!l->ops->decide_refused(l->ctx, e->release, ev, &d->records[i], l->refusal, &dead))
        return hold(l, HOLD_STUCK, "%s, and there is no dead-letter topic for it", l->refusal);
    d->records[i] = dead;
    return true;
}

/* Every destination that the attempt needs, before its first record is handed over. */
static bool find_destinations(struct lane *l, const struct window_entry *e, const struct cel_event *ev,
                              struct decision *d, void **handles)
{
    for (size_t i = 0; i < d->record_count; i++) {
        if (e->acked & record_bit(i))
            continue;
        if (e->refused & record_bit(i) && !make_dead_letter(l, e, ev, d, i))
            return false;
        enum lane_hold why = l->ops->destination(l->ctx, d->records[i].topic, &handles[i]);
        if (why != HOLD_NONE)
            return hold(l, why, "%.*s", VX_SPAN_ARG(d->records[i].topic));
    }
    return true;
}

/* Refused before it was sent: the dead letter goes in its place at once. */
static bool replace_refused(struct lane *l, struct window_entry *e, const struct cel_event *ev, struct decision *d,
                            size_t i, void **handle)
{
    if (d->records[i].dead_letter || e->refused & record_bit(i))
        return hold(l, HOLD_STUCK, "the dead letter is refused too: %s", l->refusal);
    if (!make_dead_letter(l, e, ev, d, i))
        return false;
    enum lane_hold why = l->ops->destination(l->ctx, d->records[i].topic, handle);
    if (why != HOLD_NONE)
        return hold(l, why, "%.*s", VX_SPAN_ARG(d->records[i].topic));
    e->refused |= record_bit(i);
    return true;
}

static bool send_record(struct lane *l, struct window_entry *e, const struct cel_event *ev, struct decision *d,
                        size_t i, void *handle)
{
    bool alone = e->flags & WINDOW_SUSPECT;
    for (;;) {
        uint64_t ticket = (uint64_t)l->id << WINDOW_TICKET_BITS | window_ticket(&l->window, (uint32_t)i);
        enum lane_sent sent = l->ops->produce(l->ctx, handle, &d->records[i], ev, e->release, ticket, alone);
        if (sent == LANE_SENT) {
            window_sent(&l->window, (uint32_t)i);
            course_decided(&l->course, e->offset); /* half an attempt is one, too: a record of it may get in late */
            if (e->refused & record_bit(i))
                l->ops->on_dead_letter(l->ctx, l, d->records[i].pipeline);
            return true;
        }
        if (sent == LANE_AGAIN) {
            l->state = LANE_BACKING;
            l->again = true;
            return false;
        }
        if (sent == LANE_ALONE) {
            e->flags |= WINDOW_SUSPECT;
            if (l->window.outstanding) {
                l->state = LANE_BACKING;
                return false;
            }
            alone = l->alone = true;
            continue;
        }
        snprintf(l->refusal, sizeof l->refusal, "the record for %.*s is too large", VX_SPAN_ARG(d->records[i].topic));
        if (!replace_refused(l, e, ev, d, i, &handle))
            return false;
    }
}

/* One attempt, by one release, at the event under the cursor. True: all its records are on their way. */
static bool attempt_by(struct lane *l, struct window_entry *e, uint32_t release)
{
    const struct lane_ops *ops = l->ops;
    struct cel_event ev;
    struct decision d;
    void *handles[DECIDE_RECORDS_MAX];

    l->attempts_count++;
    ops->view(l->ctx, l, e->message, &ev);
    ops->decide(l->ctx, release, &ev, &d);
    if (d.outcome == OUTCOME_STUCK)
        return hold(l, HOLD_STUCK, "offset %lld: %s", (long long)e->offset, d.message ? d.message : "refused");
    if (d.outcome == OUTCOME_UNROUTED)
        return hold(l, HOLD_UNROUTED, "release %u does not route %s", release, l->topic);
    vx_assert(d.record_count <= DECIDE_RECORDS_MAX);
    if (e->release != release) {
        window_unhand(&l->window, e);
        e->release = release;
        e->acked = e->refused = 0;
        e->flags &= (uint8_t)~WINDOW_HOPELESS;
    }
    if (e->flags & WINDOW_HOPELESS)
        return hold(l, HOLD_STUCK, "offset %lld: %s", (long long)e->offset, l->refusal);
    if (!find_destinations(l, e, &ev, &d, handles))
        return false;
    for (size_t i = 0; i < d.record_count; i++)
        if (!(e->acked & record_bit(i)) && !send_record(l, e, &ev, &d, i, handles[i]))
            return false;
    ops->on_decided(l->ctx, l, release, &d, e->flags & WINDOW_COUNTED);
    e->flags |= WINDOW_COUNTED;
    return true;
}

/* --- which release ----------------------------------------------------------------------------------------------- */

/* From the event at `offset` on the release in force decides. */
static bool turn_at(struct lane *l, int64_t offset)
{
    return course_turn(&l->course, offset, l->ops->release(l->ctx), l->ops->generation(l->ctx));
}

/* The first look at what an owner before planned: a release that kills every owner is let go of. */
static void take_over(struct lane *l)
{
    struct course *c = &l->course;
    l->taken_over = true;
    uint32_t release = course_release(c, c->begin);
    if (c->begin >= c->floor || release == l->ops->release(l->ctx) || course_take_over(c))
        return;
    l->ops->on_unsure(l->ctx, l, c->begin, release, "owners before got nothing done under it");
    if (turn_at(l, c->begin))
        c->floor = c->begin;
}

void lane_steer(struct lane *l, int64_t ahead)
{
    struct course *c = &l->course;
    uint32_t now = l->ops->release(l->ctx);
    struct course_leg *last = course_last(c);
    if (c->begin < 0 || now == 0 || l->state == LANE_CLOSING)
        return;
    if (!l->taken_over)
        take_over(l);
    bool same = last && last->release == now;
    int64_t from = c->reached + (last && l->state == LANE_FLOWING ? ahead : 0);
    if (from < c->floor)
        from = c->floor;
    /* one change at a time: a second one before the first is on record would put off the moment at which either is; and
     * when less comes in, or nothing any more, a change that was planned for later is made sooner, or now */
    bool late = same && last->from > from + ahead && (ahead > 0 || window_count(&l->window) == 0);
    if (course_is_pending(c) || (same && !late))
        return;
    course_drop(c, l->window.committable >= 0 ? l->window.committable : c->begin);
    if (!course_turn(c, from, now, l->ops->generation(l->ctx)))
        return; /* too many releases under way: again when some of their events are done */
}

void lane_forget(struct lane *l, uint32_t release)
{
    window_forget(&l->window, release);
}

bool lane_uses(struct lane *l, uint32_t release)
{
    if (l->window.committable >= 0)
        course_drop(&l->course, l->window.committable);
    return window_uses(&l->window, release) || course_names(&l->course, release);
}

void lane_recorded(struct lane *l, uint64_t version, int64_t until)
{
    course_recorded(&l->course, version, until);
}

bool lane_awaits_record(struct lane *l)
{
    const struct window_entry *e = l->attempts_count ? window_next(&l->window) : NULL;
    return e && l->state == LANE_FLOWING && course_is_pending(&l->course) && !course_may(&l->course, e->offset) &&
           !(e->flags & WINDOW_HANDED);
}

bool lane_is_drained(const struct lane *l)
{
    const struct course *c = &l->course;
    const struct course_leg *last = c->count ? &c->legs[c->count - 1] : NULL;
    bool settled = !course_is_pending(c) && c->reached >= c->floor;
    bool by_one = !last || (last->from <= c->reached && last->release == l->ops->release(l->ctx));
    return l->state == LANE_FLOWING && window_count(&l->window) == 0 && settled && by_one;
}

void lane_move(struct lane *l, void *ctx, uint32_t id)
{
    vx_assert(window_count(&l->window) == 0 && l->window.outstanding == 0);
    l->ctx = ctx;
    l->id = id;
}

/* From this event on the release in force may decide: nobody has decided it, or anything behind it, before. */
static bool is_open(const struct lane *l, const struct window_entry *e)
{
    return e->offset >= l->course.floor && e->offset >= l->course.reached;
}

/* An attempt by an older release. False: it did not get the event through, and the one in force is to decide it. */
static bool attempt_by_old(struct lane *l, struct window_entry *e, uint32_t release, bool *sent)
{
    l->by_old = true;
    l->old_failed = false;
    *sent = attempt_by(l, e, release);
    l->by_old = false;
    if (!l->old_failed)
        return true;
    l->state = e->pending ? LANE_BACKING : LANE_FLOWING;
    window_unhand(&l->window, e);
    *sent = false;
    return e->pending || (is_open(l, e) && turn_at(l, e->offset)); /* the change is brought forward */
}

static bool attempt(struct lane *l, struct window_entry *e)
{
    uint32_t now = l->ops->release(l->ctx);
    bool handed = e->flags & WINDOW_HANDED, sent;
    uint32_t release = handed ? e->release : course_release(&l->course, e->offset);
    if (release == now)
        return attempt_by(l, e, now);
    switch (l->ops->find_release(l->ctx, release)) {
    case LANE_RELEASE_COMING:
        return false;
    case LANE_RELEASE_HERE:
        if (attempt_by_old(l, e, release, &sent))
            return sent;
        break;
    case LANE_RELEASE_GONE:
        if (handed)
            break;
        l->ops->on_unsure(l->ctx, l, e->offset, release, "it is not to be had");
        if (e->offset >= l->course.reached && turn_at(l, e->offset))
            return false;
    }
    return attempt_by(l, e, now);
}

static void resume(struct lane *l)
{
    l->hold = HOLD_NONE;
    if (l->announced) {
        l->announced = false;
        l->ops->on_resumed(l->ctx, l);
    }
}

/* The event of a closing lane that is half there; NULL: none, or it stays so. */
static struct window_entry *find_half(struct lane *l)
{
    if (l->state != LANE_CLOSING || l->stays_half || l->window.outstanding)
        return NULL;
    window_back(&l->window);
    struct window_entry *e = window_next(&l->window);
    return e && e->acked ? e : NULL;
}

bool lane_is_half(struct lane *l)
{
    return find_half(l) != NULL;
}

/* The rest of it; nothing else is decided. */
static void finish_half(struct lane *l)
{
    struct window_entry *e = find_half(l);
    if (!e || !l->ops->has_room(l->ctx) || (l->again && !l->ops->may_again(l->ctx, l)))
        return;
    int64_t offset = e->offset;
    l->again = false;
    l->state = LANE_FLOWING;
    if (attempt(l, e)) {
        course_decided(&l->course, offset);
        window_passed(&l->window);
    }
    l->stays_half = l->state == LANE_HELD && l->blocked != HOLD_LOOKUP; /* it would be waited for without end */
    l->state = LANE_CLOSING;
}

void lane_run(struct lane *l)
{
    if (l->state == LANE_CLOSING)
        finish_half(l);
    if (l->state == LANE_BACKING && l->window.outstanding == 0) {
        if (l->again && !l->ops->may_again(l->ctx, l))
            return;
        window_back(&l->window);
        l->failed = l->again = false;
        l->state = LANE_FLOWING;
    }
    struct window_entry *e;
    while (l->state == LANE_FLOWING && (e = window_next(&l->window)) != NULL) {
        bool wait_alone = l->alone || e->flags & WINDOW_SUSPECT;
        if ((wait_alone && l->window.outstanding) || !l->ops->has_room(l->ctx))
            return;
        if (!course_may(&l->course, e->offset) && !(e->flags & WINDOW_HANDED))
            return; /* lane_recorded() */
        l->alone = e->flags & WINDOW_SUSPECT;
        int64_t offset = e->offset;
        if (!attempt(l, e))
            return;
        course_decided(&l->course, offset);
        window_passed(&l->window);
        if (l->hold != HOLD_NONE)
            resume(l);
    }
}

static void note_refusal(struct lane *l, struct window_entry *e, uint64_t ticket, bool alone, const char *why)
{
    if (!alone) {
        e->flags |= WINDOW_SUSPECT;
        return;
    }
    uint64_t bit = record_bit(window_ticket_record(ticket));
    snprintf(l->refusal, sizeof l->refusal, "the broker refused a record: %s", why ? why : "no reason given");
    if (bit == 0 || e->refused & bit)
        e->flags |= WINDOW_HOPELESS;
    e->refused |= bit;
}

void lane_ack(struct lane *l, uint64_t ticket, enum lane_ack ack, bool alone, const char *why)
{
    struct window_entry *e = window_ack(&l->window, ticket, ack == LANE_ACK_OK);
    if (!e || ack == LANE_ACK_OK)
        return;
    if (ack == LANE_ACK_REFUSED)
        note_refusal(l, e, ticket, alone, why);
    else if (ack == LANE_ACK_DESTINATION)
        e->flags |= WINDOW_SUSPECT;
    l->failed = true;
    if (l->state == LANE_FLOWING)
        l->state = LANE_BACKING;
}

void lane_retry(struct lane *l, bool adopted)
{
    l->again = false; /* it may lead elsewhere now */
    bool ends = adopted || l->blocked == HOLD_LOOKUP || l->blocked == HOLD_MISSING || l->blocked == HOLD_FORBIDDEN;
    if (l->state == LANE_HELD && ends)
        l->state = l->failed || l->window.outstanding ? LANE_BACKING : LANE_FLOWING;
}

void lane_abandon(struct lane *l)
{
    l->stays_half = true;
}

void lane_close(struct lane *l)
{
    l->state = LANE_CLOSING;
    course_hand_over(&l->course);
}
