/* The offset window of one assigned partition: which delivered events are not done yet, and which offset may be
 * committed.
 *
 *      head             cursor           tail
 *       v                 v               v
 *     [done][sent][done][sent]|[to decide]...      committable = offset after the contiguous done prefix
 *
 * It owns each event from its delivery until it is done: its source bytes are what dead letters and second attempts are
 * made of. An event is done when the attempt at it went through (window_passed) and every record it led to is
 * acknowledged. Contiguous means contiguous over what was delivered: holes in offsets (compaction, aborted
 * transactions) do not count. A window lives for one assignment; a partition that comes back gets a new one.
 *
 * Pure: no clock, no thread, no Kafka. Cost per event and per acknowledgement: constant.
 */
#ifndef ROUTER_IO_WINDOW_H
#define ROUTER_IO_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WINDOW_SEQ_BITS = 24,                           /* of a sequence number that travels in a ticket */
    WINDOW_EVENTS_MAX = 1 << (WINDOW_SEQ_BITS - 2), /* the largest bound */
    WINDOW_RECORD_BITS = 10,                        /* of a record's number within its event */
    WINDOW_RELEASES = 16,        /* releases that undone events were decided by, which are kept count of */
    WINDOW_TRACKED_RECORDS = 64, /* records of one event whose fate is known one by one */
};

/* What a record carries through the producer and back: which event, which of its records. The bits above are free for
 * the window's owner. */
#define WINDOW_TICKET_BITS (WINDOW_SEQ_BITS + WINDOW_RECORD_BITS)

enum window_flags {
    WINDOW_PASSED = 1,    /* the attempt handed all its records over */
    WINDOW_DONE = 2,      /* nothing is left to do; the message is freed */
    WINDOW_FAILED = 4,    /* a record of this attempt failed */
    WINDOW_SUSPECT = 8,   /* the next attempt sends this event alone */
    WINDOW_COUNTED = 16,  /* its decision is in the counters */
    WINDOW_HOPELESS = 32, /* under `release` nothing will do: even its dead letter is refused */
    WINDOW_HANDED = 64, /* an attempt under `release` handed everything over: events behind it were decided after it */
};

struct window_entry {
    void *message; /* owned; NULL when done */
    int64_t offset;
    uint64_t flying;      /* bit n: record n is on its way */
    uint64_t acked;       /* bit n: record n of the attempt under `release` is acknowledged */
    uint64_t refused;     /* bit n: record n can never be accepted; its dead letter takes its place */
    size_t bytes;         /* held by the message */
    uint32_t release;     /* of the last attempt; 0: none */
    int32_t leader_epoch; /* -1: unknown */
    uint16_t pending;     /* records on their way */
    uint8_t flags;
};

/* How many undone events an attempt by this release handed over. */
struct window_release {
    uint32_t release; /* 0: unused */
    uint32_t count;
};

struct window {
    struct window_release releases[WINDOW_RELEASES];
    struct window_entry *ring; /* owned; entry of sequence s is ring[s & mask] */
    uint64_t mask;
    uint64_t head, cursor, tail; /* sequence numbers: first not done, next to decide, next to deliver */
    size_t bytes;                /* held by messages */
    size_t outstanding;          /* records on their way, of all entries */
    size_t events_max;
    size_t bytes_max;
    int64_t committable;  /* offset to commit; -1: nothing is done yet */
    int32_t leader_epoch; /* of the event before it */
    void (*free_message)(void *message);
};

/* An empty window that holds at most `events_max` (1..WINDOW_EVENTS_MAX) events and takes no more once `bytes_max`
 * bytes are held, so that it always takes one. */
void window_init(struct window *w, size_t events_max, size_t bytes_max, void (*free_message)(void *message));
/* Frees what is left. Where records borrow bytes of their events, call it when none is outstanding. */
void window_done(struct window *w);

/* How many events may be delivered now. */
size_t window_room(const struct window *w);
/* Takes a delivered event over. There must be room (bytes may go over once). */
void window_push(struct window *w, void *message, int64_t offset, int32_t leader_epoch, size_t bytes);

/* The next event to decide (those done already are skipped), or NULL. */
struct window_entry *window_next(struct window *w);
/* The ticket for record `record` of the event that window_next() gave. */
uint64_t window_ticket(const struct window *w, uint32_t record);
/* Record `record` of that event is on its way. */
void window_sent(struct window *w, uint32_t record);
/* The attempt at that event, by `e->release`, handed everything over: on to the next one. */
void window_passed(struct window *w);
/* The event is not that release's any more: another one may decide it. */
void window_unhand(struct window *w, struct window_entry *e);
/* The same of every event: of what was handed over nothing is left to be seen (its transaction was aborted). */
void window_unhand_all(struct window *w);
/* Events that were attempted under that release are as if they were under none: the next attempt begins anew. */
void window_forget(struct window *w, uint32_t release);
/* True while an undone event was handed over by an attempt of `release`. */
bool window_uses(const struct window *w, uint32_t release);

/* A record came back. Returns its event, borrowed until the next call, or NULL when the ticket is of no event here, or the
 * record is not on its way (it came back before).
 * With `ok` false the event will not be done before window_back() has it decided again. The entry's flags are the
 * caller's to add to; a done entry's message is gone. */
struct window_entry *window_ack(struct window *w, uint64_t ticket, bool ok);

/* Where a transaction of everything on its way would leave the partition: the offset after the last event that an attempt
 * passed, and the leader epoch of that event; -1 when there is none. Nothing may have failed since window_back(), unless
 * nothing is outstanding. */
int64_t window_passed_offset(const struct window *w, int32_t *leader_epoch);

/* Goes back to the first event that is not done. Nothing may be outstanding. */
void window_back(struct window *w);

static inline size_t window_count(const struct window *w)
{
    return (size_t)(w->tail - w->head);
}

static inline uint32_t window_ticket_record(uint64_t ticket)
{
    return (uint32_t)(ticket & ((1u << WINDOW_RECORD_BITS) - 1));
}

#endif
