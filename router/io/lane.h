/* A lane: one assigned partition, from its assignment to its revocation. The deciding core of a worker.
 *
 *     delivered events ──> window ──> attempt: decide, check destinations, produce ──> records on their way
 *                            ^                                                             │
 *                            └───────────────── acknowledgements, failures <───────────────┘
 *
 * Order. Records of one source partition into one destination partition are in source order, counting first
 * occurrences:
 *  - Events are decided one after another; nothing behind an event is decided before all its records were handed over.
 *  - A destination must be known to exist before the first record to it is handed over, so an event whose destination
 *    is missing holds the lane before anything can overtake it.
 *  - A record that fails after it was handed over stops the lane (BACKING). When nothing of the lane is on its way any
 *    more it goes back to the first event that is not done and decides again from there; done events are not repeated.
 *    That nothing behind the failed record got into the same destination partition is the producer's promise: it is
 *    idempotent and gapless, so a refused batch is fatal for it and the broker refuses what is in flight behind it.
 *  - The broker refuses batches, not records: the events of a refused batch are suspects, and are sent again one at a
 *    time, each in a batch of its own, with nothing else of the lane on its way. Only a record that is refused alone is
 *    refused for good; its dead letter takes its place. Dead letters are therefore in the order in which the records
 *    were refused; against dead letters of events that were refused before producing, a later one may be first.
 *
 * One release decides an attempt: the one that the lane's course names for the event (see course.h), which is the one in
 * force but for events that an owner before may have decided, and for a moment after a change. What an earlier attempt
 * under the same release got through is not sent again; under another release the whole event is. An event that was
 * handed over and came back is decided again by the release that decided it: events behind it went where that release
 * sent them, and must not have overtaken it there. Where an older release is not to be had any more, or does not get an
 * event through, the release in force decides it.
 *
 * A lane that cannot go on is held: it decides nothing and reads nothing, keeps its events, and says why; neighbours go
 * on. It is tried again when the destination is there (lane_retry) or a release is adopted.
 *
 * Pure: events in, actions out through lane_ops; no clock, no thread, no Kafka. All calls from the owner's thread.
 */
#ifndef ROUTER_IO_LANE_H
#define ROUTER_IO_LANE_H

#include "core/plan/decide.h"
#include "router/io/course.h"
#include "router/io/window.h"

enum lane_state {
    LANE_FLOWING,
    LANE_BACKING, /* waits until nothing is on its way, then goes back */
    LANE_HELD,    /* see hold */
    LANE_CLOSING, /* decides nothing more but the rest of an event that is half there; takes acknowledgements */
};

/*    name               label          again when */
#define LANE_HOLD_LIST(X)                                                                                              \
    X(HOLD_NONE, "none")                                                                                               \
    X(HOLD_LOOKUP, "lookup")               /* the destination is being looked up: a moment */                          \
    X(HOLD_MISSING, "destination_missing") /* the destination does not exist, or has no such partition */              \
    X(HOLD_FORBIDDEN, "destination_forbidden")                                                                         \
    X(HOLD_STUCK, "stuck")       /* refused, and there is no dead-letter topic: until a release changes it */          \
    X(HOLD_UNROUTED, "unrouted") /* the release in force does not route the topic: until it is revoked */              \
    X(HOLD_UNBEGUN, "unbegun")   /* where it begins is not known yet: no lane has it */
enum lane_hold {
#define X(name, label) name,
    LANE_HOLD_LIST(X)
#undef X
        HOLD_COUNT
};
const char *lane_hold_label(enum lane_hold hold);

/* What became of a record that was handed to produce(). */
enum lane_sent {
    LANE_SENT,
    LANE_REFUSED, /* it can never be accepted (too large): nothing was sent */
    LANE_ALONE,   /* it may be refused, and a batch with it: to be sent alone; nothing was sent */
    LANE_AGAIN,   /* not now: the producer is full or broken, the destination just vanished: nothing was sent. Decided
                     again when may_again() says so */
};

/* How a record came back. */
enum lane_ack {
    LANE_ACK_OK,
    LANE_ACK_REFUSED,     /* the broker refused it, or the batch it was in, for good */
    LANE_ACK_DESTINATION, /* its destination is missing or forbidden */
    LANE_ACK_AGAIN,       /* not delivered, or nobody knows; nothing is wrong with it */
};

/* Is a release at hand? */
enum lane_release {
    LANE_RELEASE_HERE,
    LANE_RELEASE_COMING, /* it is being fetched; lane_run() again then */
    LANE_RELEASE_GONE,   /* it is not to be had */
};

struct lane;

/* What a lane does to the world; `ctx` is its worker. */
struct lane_ops {
    /* Fills `ev` from a message; borrowed until the next call. */
    void (*view)(void *ctx, const struct lane *l, void *message, struct cel_event *ev);
    /* The number of the release in force, and the generation of the pointer that named it. */
    uint32_t (*release)(void *ctx);
    uint64_t (*generation)(void *ctx);
    /* Is another one at hand? What is not is fetched. */
    enum lane_release (*find_release)(void *ctx, uint32_t release);
    /* decide() and decide_refused() under a release at hand; the decision lives until the next call. */
    void (*decide)(void *ctx, uint32_t release, const struct cel_event *ev, struct decision *out);
    bool (*decide_refused)(void *ctx, uint32_t release, const struct cel_event *ev, const struct decide_record *refused,
                           const char *message, struct decide_record *out);
    /* True when the producer takes the records of one more event. */
    bool (*has_room)(void *ctx);
    /* Finds a destination: HOLD_NONE and a handle for produce(), or why it cannot be produced to (`*handle` NULL). */
    enum lane_hold (*destination)(void *ctx, struct vx_span topic, void **handle);
    /* Hands a record over; `ticket` comes back in lane_ack(). `alone`: in a batch of its own. */
    enum lane_sent (*produce)(void *ctx, void *handle, const struct decide_record *record, const struct cel_event *ev,
                              uint32_t release, uint64_t ticket, bool alone);
    /* Is what made the lane's last produce() say LANE_AGAIN over, as things are now? Not a report that may be missed: it is
     * asked at every lane_run() until it is true. Cheap. */
    bool (*may_again)(void *ctx, const struct lane *l);
    /* An event's decision is on its way, for the first time or again; for counters. */
    void (*on_decided)(void *ctx, struct lane *l, uint32_t release, const struct decision *d, bool again);
    /* A record that was refused for good became a dead letter of `pipeline`; for counters. */
    void (*on_dead_letter)(void *ctx, struct lane *l, uint32_t pipeline);
    /* The lane is held, or goes on; for logs and reports. Not called for HOLD_LOOKUP. */
    void (*on_held)(void *ctx, struct lane *l);
    void (*on_resumed)(void *ctx, struct lane *l);
    /* `release` should decide from `offset` on and cannot: order across the change is not certain; for logs. */
    void (*on_unsure)(void *ctx, struct lane *l, int64_t offset, uint32_t release, const char *why);
    void (*free_message)(void *message);
};

enum { LANE_MESSAGE_SIZE = 384 };

struct lane {
    struct window window;
    struct course course;
    const struct lane_ops *ops;
    void *ctx;
    const char *topic; /* owned */
    int32_t partition;
    uint32_t id; /* the ticket's upper bits: the owner's way back from a ticket to the lane */
    enum lane_state state;
    enum lane_hold hold;    /* why, as people were told; HOLD_NONE once it goes on */
    enum lane_hold blocked; /* why the last attempt ended: perhaps a look-up meanwhile */
    bool announced;         /* on_held was called for this hold */
    bool failed;            /* a record failed since the last going back */
    bool again;             /* produce() said LANE_AGAIN: nothing is decided before may_again() */
    bool taken_over;        /* what an owner before planned was looked at */
    bool by_old;            /* the attempt under way is decided by an older release than the one in force */
    bool old_failed;        /* and that release does not get it through */
    bool stays_half;        /* closing: what is half there stays so */
    bool alone;             /* the event attempted last was sent alone: nothing follows while it is on its way */
    char message[LANE_MESSAGE_SIZE]; /* why it is held, for people */
    char refusal[LANE_MESSAGE_SIZE]; /* the broker's last words about a refused record */
    int64_t delivered;               /* offset after the last event */
    uint64_t events_count;           /* delivered */
    uint64_t attempts_count;         /* above events_count by what was decided again */
};

/* A lane for an assignment that begins with `course`. `id` < 2^30, unique among the owner's lanes and not used again
 * soon. */
struct lane *lane_new(const struct lane_ops *ops, void *ctx, const char *topic, int32_t partition, uint32_t id,
                      size_t events_max, size_t bytes_max, const struct course *course);
/* Frees it and the events that are left. Nothing may be outstanding. */
void lane_free(struct lane *l);

/* How many events may be delivered now; 0 while there are undecided ones, or it is held or closing. */
size_t lane_room(const struct lane *l);
/* Takes an event over; follow with lane_run(). */
void lane_push(struct lane *l, void *message, int64_t offset, int32_t leader_epoch, size_t bytes);
/* Sets the course for the release in force where it is set for another one. `ahead`: offsets that are expected to come in
 * while the change is put on record; 0 when nothing comes in. Call after adoption, and then and again: what cannot be
 * changed now (a change is not on record yet) can be later. Cost when there is nothing to do: a few compares. */
void lane_steer(struct lane *l, int64_t ahead);
/* The number stands for another release from now on (etcd was restored): what attempts under it got through, or could not,
 * says nothing of the next one. What is on its way still counts for its events. */
void lane_forget(struct lane *l, uint32_t release);
/* True while an undone event was decided by `release`, or may have to be. */
bool lane_uses(struct lane *l, uint32_t release);
/* A commit with the course of `version` and `until` was acknowledged. Then lane_run(). */
void lane_recorded(struct lane *l, uint64_t version, int64_t until);
/* Nothing of it is under way, and nothing planned: no event is in its window, its course is on record, and from here on
 * one release decides, the one in force. So whoever goes on with it needs nothing of what its owner has. */
bool lane_is_drained(const struct lane *l);
/* Such a lane is another owner's from now on, as `id` there. Then lane_steer(). */
void lane_move(struct lane *l, void *ctx, uint32_t id);
/* True while events wait for a change of release to be on record, after others were decided. */
bool lane_awaits_record(struct lane *l);
/* Decides and produces as far as it gets. Call after pushes, acknowledgements, adoption, and when the producer has room
 * again. */
void lane_run(struct lane *l);
/* A record came back; `why` (may be NULL) says what the broker said. Late ones of a closing lane change no offset. */
void lane_ack(struct lane *l, uint64_t ticket, enum lane_ack ack, bool alone, const char *why);
/* Something changed for held lanes: with `adopted` a release (ends every hold), else a destination. Then lane_run(). */
void lane_retry(struct lane *l, bool adopted);
/* No event is decided any more; it drains while window.outstanding falls to 0. An event of which some records got there
 * and others could not be handed over is finished by lane_run(), or the next owner would double what is there. */
void lane_close(struct lane *l);
/* Is there such an event still? Of a closing lane with nothing outstanding. */
bool lane_is_half(struct lane *l);
/* No record is handed over any more. */
void lane_abandon(struct lane *l);

static inline uint32_t lane_ticket_id(uint64_t ticket)
{
    return (uint32_t)(ticket >> WINDOW_TICKET_BITS);
}

#endif
