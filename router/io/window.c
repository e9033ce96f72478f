/* The offset window. One thread: the worker that owns the partition.
 *
 * A ring of entries that doubles up to the bound; sequence numbers never wrap in practice (64 bits), a ticket carries
 * the low 24, which is unambiguous because a window holds far fewer events. Messages are freed as soon as their event
 * is done, not when the head gets there, so that one slow destination does not pin the memory of all others.
 *
 * Invariants: head <= cursor <= tail; every entry before head is done; `outstanding` is the sum of `pending`;
 * `committable` is one more than the offset of the entry before head.
 */
#include "router/io/window.h"

#include <stdlib.h>

#include "core/base/err.h"

enum { RING_MIN = 64 };

#define SEQ_MASK ((1u << WINDOW_SEQ_BITS) - 1)

void window_init(struct window *w, size_t events_max, size_t bytes_max, void (*free_message)(void *message))
{
    vx_assert(events_max >= 1 && events_max <= WINDOW_EVENTS_MAX);
    *w = (struct window){
        .ring = calloc(RING_MIN, sizeof *w->ring),
        .mask = RING_MIN - 1,
        .events_max = events_max,
        .bytes_max = bytes_max,
        .committable = -1,
        .leader_epoch = -1,
        .free_message = free_message,
    };
    vx_assert(w->ring != NULL);
}

static struct window_entry *entry(const struct window *w, uint64_t seq)
{
    return &w->ring[seq & w->mask];
}

void window_done(struct window *w)
{
    for (uint64_t s = w->head; s != w->tail; s++)
        if (entry(w, s)->message)
            w->free_message(entry(w, s)->message);
    free(w->ring);
    *w = (struct window){.committable = -1, .leader_epoch = -1};
}

size_t window_room(const struct window *w)
{
    return w->bytes < w->bytes_max ? w->events_max - window_count(w) : window_count(w) == 0;
}

static void grow(struct window *w)
{
    uint64_t mask = w->mask * 2 + 1;
    struct window_entry *ring = calloc((size_t)mask + 1, sizeof *ring);
    vx_assert(ring != NULL);
    for (uint64_t s = w->head; s != w->tail; s++)
        ring[s & mask] = *entry(w, s);
    free(w->ring);
    w->ring = ring;
    w->mask = mask;
}

void window_push(struct window *w, void *message, int64_t offset, int32_t leader_epoch, size_t bytes)
{
    vx_assert(window_count(w) < w->events_max);
    if (window_count(w) > w->mask)
        grow(w);
    *entry(w, w->tail++) =
        (struct window_entry){.message = message, .offset = offset, .leader_epoch = leader_epoch, .bytes = bytes};
    w->bytes += bytes;
}

struct window_entry *window_next(struct window *w)
{
    while (w->cursor != w->tail && entry(w, w->cursor)->flags & WINDOW_DONE)
        w->cursor++;
    return w->cursor != w->tail ? entry(w, w->cursor) : NULL;
}

uint64_t window_ticket(const struct window *w, uint32_t record)
{
    return (w->cursor & SEQ_MASK) << WINDOW_RECORD_BITS | record;
}

static uint64_t record_bit(uint32_t record)
{
    return record < WINDOW_TRACKED_RECORDS ? (uint64_t)1 << record : 0;
}

void window_sent(struct window *w, uint32_t record)
{
    struct window_entry *e = entry(w, w->cursor);
    e->flying |= record_bit(record);
    e->pending++;
    w->outstanding++;
}

static struct window_release *find_release(struct window *w, uint32_t release)
{
    for (size_t i = 0; i < WINDOW_RELEASES; i++)
        if (w->releases[i].release == release)
            return &w->releases[i];
    return NULL;
}

/* With more releases under way than there are places, the newest are not counted: they are then not kept either. */
static void hand(struct window *w, struct window_entry *e)
{
    struct window_release *r = find_release(w, e->release);
    if (!r && (r = find_release(w, 0)) != NULL)
        r->release = e->release;
    if (!r)
        return;
    r->count++;
    e->flags |= WINDOW_HANDED;
}

void window_unhand(struct window *w, struct window_entry *e)
{
    if (!(e->flags & WINDOW_HANDED))
        return;
    e->flags &= (uint8_t)~WINDOW_HANDED;
    struct window_release *r = find_release(w, e->release);
    vx_assert(r != NULL && r->count > 0);
    if (--r->count == 0)
        r->release = 0;
}

void window_unhand_all(struct window *w)
{
    for (uint64_t s = w->head; s != w->tail; s++)
        window_unhand(w, entry(w, s));
}

void window_forget(struct window *w, uint32_t release)
{
    for (uint64_t s = w->head; s != w->tail; s++) {
        struct window_entry *e = entry(w, s);
        if (e->release != release)
            continue;
        window_unhand(w, e);
        e->release = 0;
    }
}

bool window_uses(const struct window *w, uint32_t release)
{
    return release != 0 && find_release((struct window *)w, release) != NULL;
}

/* Frees the event when nothing is left to do, and moves the head over all that are done. */
static void settle(struct window *w, struct window_entry *e)
{
    if (e->pending || !(e->flags & WINDOW_PASSED) || e->flags & WINDOW_FAILED)
        return;
    e->flags |= WINDOW_DONE;
    window_unhand(w, e);
    w->bytes -= e->bytes;
    w->free_message(e->message);
    e->message = NULL;
    while (w->head != w->tail && entry(w, w->head)->flags & WINDOW_DONE) {
        w->committable = entry(w, w->head)->offset + 1;
        w->leader_epoch = entry(w, w->head)->leader_epoch;
        w->head++;
    }
    if (w->cursor < w->head) /* after going back: what was done then already */
        w->cursor = w->head;
}

void window_passed(struct window *w)
{
    struct window_entry *e = entry(w, w->cursor++);
    e->flags |= WINDOW_PASSED;
    if (!(e->flags & WINDOW_HANDED) && e->pending)
        hand(w, e);
    settle(w, e);
}

struct window_entry *window_ack(struct window *w, uint64_t ticket, bool ok)
{
    uint64_t seq = w->head + (((ticket >> WINDOW_RECORD_BITS) - w->head) & SEQ_MASK);
    if (seq >= w->tail || entry(w, seq)->pending == 0)
        return NULL;
    struct window_entry *e = entry(w, seq);
    uint64_t bit = record_bit(window_ticket_record(ticket));
    if (bit && !(e->flying & bit))
        return NULL;
    e->flying &= ~bit;
    e->pending--;
    w->outstanding--;
    if (!ok)
        e->flags |= WINDOW_FAILED;
    else
        e->acked |= bit;
    settle(w, e);
    return e;
}

int64_t window_passed_offset(const struct window *w, int32_t *leader_epoch)
{
    if (w->outstanding == 0 || w->cursor == w->head) {
        *leader_epoch = w->leader_epoch;
        return w->committable;
    }
    *leader_epoch = entry(w, w->cursor - 1)->leader_epoch;
    return entry(w, w->cursor - 1)->offset + 1;
}

void window_back(struct window *w)
{
    vx_assert(w->outstanding == 0);
    for (uint64_t s = w->head; s != w->cursor; s++)
        if (!(entry(w, s)->flags & WINDOW_DONE))
            entry(w, s)->flags &= (uint8_t) ~(WINDOW_PASSED | WINDOW_FAILED);
    if (w->cursor != w->tail)
        entry(w, w->cursor)->flags &= (uint8_t) ~(WINDOW_PASSED | WINDOW_FAILED);
    w->cursor = w->head;
}
