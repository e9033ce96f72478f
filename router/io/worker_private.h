/* Inside the worker: shared by worker.c (the thread) and worker_ops.c (how an event is seen, sent and counted). */
#ifndef ROUTER_IO_WORKER_PRIVATE_H
#define ROUTER_IO_WORKER_PRIVATE_H

#include "router/io/producer.h"
#include "router/io/worker.h"

enum {
    WORKER_RELEASES_MAX = 16,    /* older releases kept for events that are not done; beyond, the oldest goes */
    WORKER_EVENT_OVERHEAD = 256, /* bytes that an event holds beside its key and value */
    WORKER_WANTED_MAX = 64,      /* older releases that were asked for */
    WORKER_SAMPLE_MS = 50,       /* over which what comes in is measured */
    WORKER_AHEAD_MS = 100,       /* a change of release is planned this far ahead of what comes in: several times what a
                                    commit takes */
    WORKER_UNTIL_MS = 4000,      /* for so long commits may go unanswered before a busy partition waits for them */
};

enum order_kind { ORDER_ASSIGN, ORDER_CLOSE, ORDER_OLDER, ORDER_RENEW, ORDER_STOP };
struct order {
    enum order_kind kind;
    struct adoption *adoption;    /* OLDER; NULL: it is not to be had */
    uint32_t release;             /* OLDER */
    const struct vx_pairs *kafka; /* RENEW */
    struct assignment *assignment;
    int64_t deadline_ms;
    struct order *next;
};

struct worker_lane {
    struct worker *w;
    struct lane *lane;             /* owned */
    struct assignment *assignment; /* NULL once the consumer has it back */
    atomic_bool ready;             /* its queue may hold events; set by librdkafka's threads */
    int64_t close_ms;              /* deadline of closing, monotonic */
    int64_t held_ms, remind_ms;    /* since when it is held; when to say so again; monotonic */
    size_t average_bytes;          /* of an event, in the last batch */
    uint64_t asked;                /* version of the course that on_course() was called for */
    bool asked_until;              /* there was something unrecorded when it was called last */
    int64_t sample_ms;             /* when `sample_events` was taken; monotonic */
    uint64_t sample_events;
    int64_t ahead; /* events expected within WORKER_AHEAD_MS; 0: nothing comes in */
    uint32_t events_counter, dead_letters_counter, conditions_counter;
};

struct worker {
    struct worker_setup setup;
    pthread_t thread;

    _Atomic(struct adoption *) mail; /* the next release; NULL: none. Swapped by the poster, taken by the worker */
    _Atomic uint32_t release;        /* in force */
    _Atomic int64_t moved_ms;        /* when its loop last came round, monotonic */
    atomic_bool wake_sent;
    atomic_bool destinations_changed;

    pthread_mutex_t lock; /* of orders and woken */
    pthread_cond_t wake;
    bool woken;
    struct order *orders; /* in the order given */

    size_t load; /* partitions given; the consumer's thread */

    /* the worker's own */
    bool stopping;
    struct adoption *adoption;                   /* in force; NULL before the first */
    struct adoption *older[WORKER_RELEASES_MAX]; /* those before it, newest last, while events that they decided are not
                                                    done: such an event is decided again by its own release */
    size_t older_count;
    struct worker_want {
        uint32_t release; /* 0: unused */
        bool gone;        /* it is not to be had; else it is being fetched */
    } wanted[WORKER_WANTED_MAX];
    size_t wanted_count; /* ever; the place of the next one, wrapped */
    struct decider *d;
    struct producer *producer;    /* NULL while none could be made */
    struct producer *alone;       /* NULL until wanted */
    const struct vx_pairs *kafka; /* what producers are made of */
    const struct vx_pairs *fresh; /* and what they are to be made of as soon as nothing is on its way; NULL: the same */
    bool alone_wanted;
    size_t batch_bytes; /* of the main producer; 0: as configured. Halved when a batch was refused for its size */
    int64_t producer_retry_ms;
    struct worker_lane **lanes; /* by slot; NULL: free */
    uint32_t lane_room;
    uint32_t generation;        /* of lanes, so that an id is not used again soon */
    struct cel_header *headers; /* scratch of view() */
    size_t header_room;
    uint32_t again_counter, producers_counter, unsure_counter;
    uint32_t outcome_counters[8];
    uint32_t reason_counters[REASON_COUNT];
};

extern const struct lane_ops worker_ops;
void worker_ops_init(struct worker *w);
void worker_ops_done(struct worker *w);
struct producer_setup worker_producer_setup(struct worker *w, bool alone, void (*on_wake)(void *ctx));
bool worker_has_room(struct worker *w);
struct worker_lane *worker_find_lane(struct worker *w, uint32_t id);
/* Logs again what is held for long. */
void worker_remind(struct worker *w, struct worker_lane *wl, int64_t now_ms);

#endif
