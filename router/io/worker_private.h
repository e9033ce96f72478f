/* Inside the worker: shared by worker.c (the thread), worker_lanes.c (its partitions), worker_move.c (partitions that
 * change workers), worker_exact.c (transactions) and worker_ops.c (how an event is seen, sent and counted). */
#ifndef ROUTER_IO_WORKER_PRIVATE_H
#define ROUTER_IO_WORKER_PRIVATE_H

#include "router/io/placement.h"
#include "router/io/producer.h"
#include "router/io/releases.h"
#include "router/io/share.h"
#include "router/io/transactor.h"
#include "router/io/worker.h"

enum {
    WORKER_EVENT_OVERHEAD = 256, /* bytes that an event holds beside its key and value */
    WORKER_SAMPLE_MS = 500,      /* over which what comes in is measured */
    WORKER_AHEAD_MS =
        200, /* a change of release is planned this far ahead of what comes in: several times what a commit
                               takes, beside a busy broker too, and less than an abort may take */
    WORKER_AGAIN_MS = 100,  /* before a record is tried again that was not taken for no reason that is known to end */
    WORKER_UNTIL_MS = 4000, /* for so long commits may go unanswered before a busy partition waits for them */
};

enum order_kind { ORDER_ASSIGN, ORDER_CLOSE, ORDER_MOVE, ORDER_TAKE, ORDER_OLDER, ORDER_RENEW, ORDER_STOP };
struct order {
    enum order_kind kind;
    struct adoption *adoption;     /* OLDER; NULL: it is not to be had */
    uint32_t release;              /* OLDER */
    const struct vx_pairs *kafka;  /* RENEW */
    struct assignment *assignment; /* ASSIGN, CLOSE, MOVE */
    int64_t deadline_ms;           /* CLOSE */
    struct worker *to;             /* MOVE */
    struct worker_lane *lane;      /* TAKE; its owner's from now on */
    size_t from;                   /* TAKE: number of the worker that had it */
    int64_t began_ms;              /* TAKE: when it was asked for; monotonic */
    struct order *next;
};

/* What a lane waits for whose record was not taken (LANE_AGAIN). */
struct worker_wait {
    enum {
        WAIT_NOT,     /* nothing: it changes its producer before it is run again */
        WAIT_OPENING, /* the first record to the partition */
        WAIT_ALONE,   /* the producer of suspects */
        WAIT_MOMENT,  /* time, or another destination */
    } kind;
    const struct producer_topic *topic; /* OPENING; borrowed while `made` is the worker's */
    unsigned made;                      /* OPENING */
    struct destination *destination;    /* OPENING, MOMENT; borrowed from the registry */
    int32_t partition, partition_count; /* OPENING, MOMENT: where it was placed, and among how many */
    int64_t until_ms;                   /* MOMENT; monotonic */
};

struct worker_lane {
    struct worker *w;
    struct lane *lane;             /* owned */
    struct assignment *assignment; /* NULL once the consumer has it back */
    atomic_bool ready;             /* its queue may hold events; set by librdkafka's threads */
    int64_t close_ms;              /* deadline of closing, monotonic */
    struct worker_wait wait;       /* meaningful while the lane is to be decided again */
    int64_t held_ms, remind_ms;    /* since when it is held; when to say so again; monotonic */
    size_t average_bytes;          /* of an event, in the last batch */
    int64_t sample_ms;             /* when `sample_events` was taken; monotonic */
    uint64_t sample_events;
    int64_t sample_before; /* events of the sample before */
    int64_t wait_us;       /* since when a change of release keeps it waiting; 0: it does not */
    int64_t ahead;         /* events expected within WORKER_AHEAD_MS; 0: nothing comes in */
    struct worker_exact_lane {
        bool on;               /* its records and offsets go with transactions */
        bool wanted;           /* the release in force says so: where it differs the partition is drained */
        bool alone;            /* through the producer of suspects */
        bool committed_here;   /* by the end of a transaction that is being settled */
        int64_t alone_till_ms; /* monotonic; 0: a record of it was never refused */
        int64_t sent;          /* offset in the commit under way; -1: it is in none */
    } exact;
    uint32_t events_counter, dead_letters_counter, conditions_counter;
};

/* One of a worker's two transactional producers. */
struct worker_exact {
    struct transactor *x; /* NULL until wanted, and while none could be made */
    char id[256];         /* transactional.id */
    int64_t retry_ms;     /* not made before; monotonic */
    int64_t commit_ms;    /* when offsets are committed though there are no records; monotonic */
    int64_t look_ms;      /* when it is looked whether its destinations are still there; monotonic */
    unsigned asked;       /* how often the registry was asked about those of the transaction under way */
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

    _Atomic size_t load; /* partitions given and not to be closed */

    /* the worker's own */
    bool stopping;
    struct releases releases;
    struct decider *d;
    struct producer *producers[WORKER_PRODUCERS_MAX]; /* NULL while it could not be made */
    size_t producer_count;
    unsigned producers_made; /* one more each time that one of them went */
    const struct placement *placement;
    struct producer *alone;       /* NULL until wanted */
    const struct vx_pairs *kafka; /* what producers are made of */
    const struct vx_pairs *fresh; /* and what they are to be made of as soon as nothing is on its way; NULL: the same */
    bool alone_wanted;
    struct worker_exact exact[2]; /* transactional: the main one, and the one for suspects, whose batches are of one */
    bool has_exact;               /* the release in force names a topic that is delivered exactly once */
    int64_t aborts_said_ms;       /* monotonic */
    unsigned aborts_unsaid;       /* since then */
    bool fenced; /* somebody else has a transactional.id of ours: ours are of this process from now on */
    struct worker_lane *current;        /* the lane that runs; NULL: none */
    struct rd_kafka_message_s *message; /* the event that was viewed last */
    size_t record_count;                /* of what was decided last */
    struct worker_moving {
        struct worker_lane *lane; /* being drained for another worker, not read meanwhile; NULL: none */
        struct worker *to;
        int64_t began_ms; /* monotonic */
    } moving;
    size_t batch_bytes; /* of the main producer; 0: as configured. Halved when a batch was refused for its size */
    int64_t producer_retry_ms;
    struct worker_lane **lanes; /* by slot; NULL: free */
    uint32_t lane_room;
    struct share share;         /* as of the last round, and what was read since */
    uint32_t generation;        /* of lanes, so that an id is not used again soon */
    struct cel_header *headers; /* scratch of view() */
    size_t header_room;
    uint32_t again_counter, producers_counter, unsure_counter, committed_counter, aborted_counter, wait_counter;
    uint32_t outcome_counters[8];
    uint32_t reason_counters[REASON_COUNT];
};

/* worker.c */
/* One round of its loop. True when there was something to do. The worker's thread; a simulator without threads. */
bool worker_round(struct worker *w);
/* Any thread; copies it. */
void worker_order(struct worker *w, const struct order *order);
void worker_on_producer_wake(void *worker);

/* worker_lanes.c */
struct worker_lane *worker_find_lane(struct worker *w, uint32_t id);
/* The lane of an assignment; NULL: it has none. */
struct worker_lane *worker_lane_of(struct worker *w, const struct assignment *a);
static inline uint32_t worker_slot(uint32_t id)
{
    return id & (WORKER_LANES_MAX - 1);
}
/* Puts a lane into a slot and returns the id that it has there. */
uint32_t worker_add_lane(struct worker *w, struct worker_lane *wl);
/* Whether librdkafka says that the partition's queue is not empty any more. After `false` it does not: it is not in the
 * middle of it either. */
void worker_listen(struct worker_lane *wl, bool on);
void worker_open_lane(struct worker *w, struct assignment *a);
void worker_begin_close(struct worker *w, struct assignment *a, int64_t deadline_ms);
/* One turn of a lane: reads, decides, says what it has come to, lets go. True when there was something to do. */
bool worker_turn(struct worker *w, uint32_t slot, int64_t now_ms);
/* The events of the lane that count where lanes share what may be on its way. */
size_t worker_shared_events(const struct worker_lane *wl);

/* worker_move.c */
/* Orders: to let another worker have a partition; to take one over. */
void worker_begin_move(struct worker *w, struct assignment *a, struct worker *to);
void worker_take_lane(struct worker *w, const struct order *order);
/* One turn of the lane that is being moved. */
void worker_move_turn(struct worker *w, int64_t now_ms);
/* It stays. */
void worker_end_move(struct worker *w);

/* worker_producers.c */
VX_MUSTCHECK enum vx_status worker_make_producers(struct worker *w, struct vx_err *err);
void worker_free_producers(struct worker *w);
/* Takes reports in, makes new ones where one is broken or the properties are new. True when there was something. */
bool worker_serve_producers(struct worker *w, int64_t now_ms);
/* For one more event of that lane. */
bool worker_producers_have_room(const struct worker *w, const struct worker_lane *wl);
/* Is what the lane waits for over? */
bool worker_may_again(const struct worker *w, const struct worker_lane *wl);
/* Which of `producer_count` owns a destination partition. */
size_t worker_owner_of(const char *topic, int32_t partition, size_t producer_count);
/* Fills in the destination partition of a record that `ev` leads to; the destination is known to be there. */
void worker_place(const struct worker *w, const struct producer_topic *topic, const struct cel_event *ev,
                  struct producer_record *r);
/* Sends through the producer that owns the destination partition. `topic` is the first one's. */
enum lane_sent worker_send_owned(struct worker *w, struct producer_topic *topic, const struct producer_record *r,
                                 struct worker_wait *wait);

/* worker_exact.c */
/* A release is in force. */
void worker_exact_adopt(struct worker *w);
/* A partition came, or a release is in force that may deliver it otherwise. */
void worker_exact_steer(struct worker *w, struct worker_lane *wl);
/* May the lane decide now? Changes how it is delivered, and through which producer, where that is due. */
bool worker_exact_may_run(struct worker *w, struct worker_lane *wl, int64_t now_ms);
/* Is there something of it that its transactions have still to say? */
bool worker_exact_is_open(const struct worker_lane *wl);
/* Begins and ends transactions. True when there was something to do. */
bool worker_exact_turn(struct worker *w, int64_t now_ms);
bool worker_exact_has_room(const struct worker *w, const struct worker_lane *wl);
struct producer *worker_exact_producer(struct worker *w, const struct worker_lane *wl);
enum lane_sent worker_exact_send(struct worker *w, struct worker_lane *wl, struct producer_topic *topic,
                                 const struct producer_record *r, bool alone);
/* New ones when they are next wanted; false: not yet, transactions are under way. */
bool worker_exact_drop(struct worker *w);
void worker_exact_done(struct worker *w);

/* worker_ops.c */
extern const struct lane_ops worker_ops;
void worker_ops_init(struct worker *w);
void worker_ops_done(struct worker *w);
struct producer_setup worker_producer_setup(struct worker *w, bool alone);
/* Do the producers take the records of one more event of that lane? */
bool worker_has_room(struct worker *w, const struct worker_lane *wl);
/* The fate of a record. */
void worker_tell(struct worker *w, uint64_t ticket, enum lane_ack ack, bool alone, const char *why, uint32_t counter);
/* Logs again what is held for long. */
void worker_remind(struct worker *w, struct worker_lane *wl, int64_t now_ms);

#endif
