/* The simulated world: a few routers, the broker between whose topics they route, the group that shares the partitions
 * out, the etcd that names the release, the disks, the clock and the network. One thread; every choice is drawn from one
 * seed, so a seed is a schedule and replays step by step.
 *
 *     etcd.c ──pointers──> follow ──tables──> the product's workers <──partitions── shell.c <──offsets── group.c
 *                                                 │ records
 *                                             client.c ──batches──> broker.c ──what got in──> check.c: every promise kept?
 *
 * What runs is the product's: the workers with their lanes, windows and producers (at least once, of suspects, of
 * transactions and their helpers), the registry of destinations, placement, ledger, follow, wants, the text of the last
 * good copy, and decide() over tables compiled from generated configs (fleet.c). What is simulated is what the product
 * finds outside: threads, clocks and chance (hooks.c), librdkafka (client.c), Kafka, etcd, files. The consumer is the one
 * thread that is written here again (shell.c): it keeps to the order in which the product's does things.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <librdkafka/rdkafka.h>
#include <string.h>

#include "router/follow/follow.h"
#include "router/follow/wants.h"
#include "router/io/wish.h"
#include "router/io/worker_private.h"
#include "router/subscription.h"

enum {
    SIM_PARTITIONS = 3, /* of the source topics, at most; numbered through */
    SIM_SOURCES = 2,    /* source topics; the second one is made some time, and taken by patterns */
    SIM_EVENTS = 48,    /* of a partition, at most */
    SIM_ROUTERS = 3,
    SIM_WORKERS = 3,   /* of a router, at most */
    SIM_RELEASES = 12, /* of a family, numbered from 1; the last one routes everything and never gets stuck */
    SIM_TEMPLATES = 32,
    SIM_RECORDS = 16, /* of one event under one release */
    SIM_TOPICS = 5,   /* destinations; the last one takes the dead letters */
    SIM_DLQ = SIM_TOPICS - 1,
    SIM_SPREAD = 4,                       /* partitions of a destination at most; the last one has one */
    SIM_LINES = SIM_DLQ * SIM_SPREAD + 1, /* destination partitions */
    SIM_ASSIGNMENTS = 24,                 /* of a router, those that its worker has yet to let go of included */
    SIM_GHOSTS = 64,                      /* destination partitions for which a producer that is no more left records */
    SIM_GHOST_RECORDS = 12,
    SIM_THREADS = 32,          /* of a router's registry and helpers */
    SIM_QUEUE = 64,            /* messages between a router and the group */
    SIM_EVENT_BYTES = 320,     /* that an event holds in its window, where sizes do not matter */
    SIM_BATCH_BYTES = 1000000, /* of a producer's batch, as librdkafka has it */
    SIM_TOPIC_BYTES = 17000,   /* in a schedule with sizes: what a batch for the first two destinations may hold */
};

/* Planted errors: what the test of the test must find, and by which words of a check. */
#define SIM_BUG_LIST(X)                                                                                                \
    X(BUG_NONE, "none", "")                                                                                            \
    X(BUG_STORE_BEFORE_ACK, "store_before_ack", "is not done")    /* what was handed over is committed */              \
    X(BUG_ACK_AFTER_REVOKE, "ack_after_revoke", "is not its own") /* a partition given up is committed for */          \
    X(BUG_DROP_ON_REVOKE, "drop_on_revoke", "is not done")        /* what is on its way at a revoke counts as done */  \
    X(BUG_OVERTAKING_FAILURE, "overtaking_failure", "first occurs after") /* of a refused batch, by what is behind */  \
    X(BUG_LOST_FAILURE, "lost_failure", "is not done")                    /* a failed record counts as delivered */    \
    X(BUG_HALF_TABLE, "half_table", "is not what release")  /* one attempt, the decisions of two releases */           \
    X(BUG_OLD_POINTER, "old_pointer", "after generation")   /* a pointer that fell is obeyed */                        \
    X(BUG_COURSE_AT_SEND, "course_at_send", "occurs after") /* a course counts as recorded when its commit is sent */  \
    X(BUG_TORN_COPY, "torn_copy", "believes a copy")        /* the last good copy is believed unverified */            \
    X(BUG_NO_BOUND, "no_bound", "a window holds")           /* events are read whatever the window holds */            \
    X(BUG_NO_FENCE, "no_fence", "is not its own")           /* transactions without the group's generation */          \
    X(BUG_HALF_EVENT, "half_event", "is doubled")           /* half of an event's records are in a transaction */      \
    X(BUG_UNSURE_ABORTED, "unsure_aborted", "is doubled")   /* an end that nobody told is taken for an abort */        \
    X(BUG_OPEN_TOGETHER, "open_together", "occurs after")   /* a producer's first record does not go alone */          \
    X(BUG_RANDOM_PLACE, "random_place", "occurs after")     /* what is sent again goes to another partition */         \
    X(BUG_NO_DRAIN, "no_drain", "offset falls")             /* `delivery` changes with a commit on its way */          \
    X(BUG_SWAP_UNDRAINED, "swap_undrained", "")             /* or with records on their way */                         \
    X(BUG_SWAP_HANDED, "swap_handed", "occurs after")       /* what a transaction aborted counts as on record */       \
    X(BUG_SWAP_UNSAID, "swap_unsaid", "occurs after")       /* what came before it is not said in its commit */        \
    X(BUG_STAY_LARGE, "stay_large", "batches of")           /* batches that are refused are not made smaller */        \
    X(BUG_SUSPECT_LOST, "suspect_lost", "is not done")      /* what is refused alone counts as delivered */            \
    X(BUG_MOVE_UNDRAINED, "move_undrained", "occurs after") /* another worker goes on before all is acknowledged */    \
    X(BUG_MOVE_UNSETTLED, "move_unsettled", "offset falls") /* or while its offset is in a transaction */              \
    X(BUG_CLOSE_ASTRAY, "close_astray", "not have it")      /* or who had it before is told to let go */               \
    X(BUG_DEAF, "deaf", "is lost")                          /* topics that are new are not looked for */
enum sim_bug {
#define X(name, label, symptom) name,
    SIM_BUG_LIST(X)
#undef X
        BUG_COUNT
};
const char *sim_bug_symptom(enum sim_bug bug);
const char *sim_bug_label(enum sim_bug bug);

/* How much of what happens in a schedule: drawn once per seed, so that some schedules are all crashes and others have
 * none (swarm testing: Groce and others, 2012). Chances are per 1024 steps. */
struct sim_mix {
    int routers, partitions, events;
    int workers; /* of a router */
    int shift;   /* of 16 looks, how often a partition is to go to another worker */
    int steps;
    int window_events, window_bytes; /* bounds of a window */
    int room;                        /* records that a producer takes; 0: no bound */
    int producers;                   /* of a worker */
    int spread;                      /* partitions of each destination at first */
    int holes;                       /* of 16 offsets, how many are holes */
    bool far;                        /* and they are wider than what a course looks ahead */
    bool no_ids;                     /* brokers that tell no ids of topics */
    int refuse;                      /* records of some templates are refused by some topics */
    int crash, freeze, expire, move;
    int kill_producer, missing, lookup;
    int appear; /* the second source is made */
    int grow;   /* a destination gets another partition */
    int renew;  /* producers are made anew */
    int full;   /* of 1024 records, how many the producer does not take */
    int publish, rollback, bad, restore, etcd_away, corrupt;
    int watch_lost, watch_late; /* of 16 pointers */
    int commit_lost, early;     /* of 16 commits */
    int commit_late;            /* of 16 rounds of the group's coordinator, how many do not happen */
    int ends_unknown;           /* of 16 assignments */
    int damage_copy;            /* of 16 crashes */
    int duplicate_report;       /* of 16 reports */
    int slow;                   /* of 16 rounds of a worker, how many do not happen */
};

/* --- fleet.c: releases, and what each makes of each event -------------------------------------------------------- */

struct sim_output {
    uint8_t topic;
    bool dead;
    bool refused; /* by the broker, for good: its dead letter takes its place */
    uint64_t hash;
};

struct sim_decision {
    enum decide_outcome outcome;
    size_t count;
    struct sim_output outputs[SIM_RECORDS];
    bool stuck, stuck_if_refused; /* without a dead-letter topic: the event, a record of it that is refused */
};

struct sim_template {
    char key[8]; /* empty: none */
    struct vx_buf value;
    bool large;
};

struct sim_family {
    struct table *tables[SIM_RELEASES + 1]; /* NULL: does not compile */
    char *texts[SIM_RELEASES + 1];
    char sha256[SIM_RELEASES + 1][65];
    bool sized;                          /* values have sizes that matter to topics with a limit */
    bool keyless;                        /* half of the events have no key */
    bool exact;                          /* some of them deliver exactly once */
    bool patterns;                       /* some of them take sources by a pattern */
    bool takes_second[SIM_RELEASES + 1]; /* routes the second source */
    struct sim_template templates[SIM_TEMPLATES];
    struct sim_decision decisions[SIM_RELEASES + 1][SIM_TEMPLATES];
};

/* The family of that number; made when first asked for, kept. The same for every seed that draws it. */
enum { SIM_FAMILIES = 64 };
const struct sim_family *sim_family(unsigned number);
void sim_families_free(void);
struct vx_span sim_key(const struct sim_template *t);
uint64_t sim_record_hash(struct vx_span value, struct vx_span key, size_t header_count, bool dead_letter);
/* The topic's number; -1: none of ours. */
int sim_topic(struct vx_span name);
bool sim_refuses(int topic, bool large);
extern const char *const sim_topics[SIM_TOPICS];
extern const char *const sim_sources[SIM_SOURCES];

/* --- broker.c: the destinations ---------------------------------------------------------------------------------- */

struct sim_event {
    rd_kafka_message_t message;     /* as every router reads it */
    uint32_t seen;                  /* destination partitions where it is */
    uint32_t decided;               /* releases that an attempt went through under */
    uint16_t got[SIM_RELEASES + 1]; /* records that got in, by release */
    uint8_t spread[SIM_TOPICS];     /* partitions that the topic had when it was sent there first; 0: it was not */
    uint8_t template;
    uint8_t partition;
    uint8_t index;
    bool excused; /* order is not promised: see README.md */
    bool plain;   /* at least once, it went outside of a transaction: it may be doubled */
};

struct sim_partition {
    int source;
    struct sim_event events[SIM_EVENTS];
    int count;           /* written */
    int64_t end;         /* offset of the next one */
    int last[SIM_LINES]; /* event that occurred first last, by destination partition; -1: none */
    int64_t unsure_from; /* order is not promised for events in [from, to): the product said so */
    int64_t unsure_to;
    int64_t committed; /* offset; -1: none */
    char text[COURSE_TEXT_SIZE];
    int checked;    /* events below are found done */
    uint32_t owner; /* member; 0: none */
    bool moving;    /* its owner was asked to give it up */
};

struct sim_flight {
    uint64_t ticket;
    struct sim_event *event;
    rd_kafka_topic_t *rkt;
    size_t len, key_len;
    rd_kafka_resp_err_t err; /* of a report */
    uint8_t release, record, line, topic;
    bool refused, dead;
    bool doomed;   /* its topic went away under it */
    bool appended; /* got in; the answer is on its way */
};

struct sim_line {
    struct sim_flight *at; /* owned */
    int count, room;
};

/* What a client has on its way for one partition when it ends: it may get in from its front, late. */
struct sim_ghost {
    struct sim_flight at[SIM_GHOST_RECORDS];
    int count;
};

/* A destination topic at the broker. */
struct sim_destination {
    bool missing;
    int spread; /* partitions */
    int incarnation;
};

/* --- client.c: librdkafka ---------------------------------------------------------------------------------------- */

struct rd_kafka_conf_s {
    size_t queue_records, queue_bytes, batch_bytes, batch_records;
    char transactional_id[256]; /* empty: none */
    bool gapless;
    void *opaque;
    void (*on_report)(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
};

struct rd_kafka_topic_s {
    rd_kafka_t *rk;
    int number; /* of the destination; -1: none of ours */
    void *opaque;
};

struct rd_kafka_s {
    struct sim_router *r;
    rd_kafka_t *next; /* of the router's */
    struct rd_kafka_conf_s conf;
    bool fatal;
    bool spoilt; /* a record that failed was reported since its transaction began, which cannot be committed */
    struct sim_line lines[SIM_LINES];
    int flying;                 /* in all of them */
    uint32_t known;             /* lines in which the broker has taken something of it, as bits */
    uint32_t forgotten;         /* and those whose topic was made again since */
    uint8_t spread[SIM_TOPICS]; /* partitions as it knows of them; 0: it does not */
    struct sim_line reports;
    struct sim_line unseen;      /* got in, within a transaction */
    struct sim_request *offsets; /* owned; of its transaction; NULL: none yet */
    int worker;                  /* whose it is, by number; 0, too, where it is no worker's */
};

/* The queue of an assigned partition, from which its worker reads. */
struct rd_kafka_queue_s {
    struct sim_router *r;
    int partition;
    int next;  /* event to read */
    int fence; /* nothing from this one on is read: the group has let the router go; -1: none */
    bool told; /* the worker knows that it is not empty */
    void (*on_event)(rd_kafka_t *rk, void *opaque);
    void *opaque;
};

/* --- etcd.c ------------------------------------------------------------------------------------------------------ */

struct sim_etcd {
    struct follow_pointer now;
    struct follow_pointer history[64]; /* everything that ever stood there */
    int history_count;
    uint64_t highest; /* generation */
    bool away;
    uint32_t bad;  /* releases that do not compile, as bits */
    int published; /* releases that exist: 1..published */
};

struct sim_watch {
    struct follow_pointer at[16];
    int count;
};

/* --- shell.c ----------------------------------------------------------------------------------------------------- */

/* An assigned partition. */
struct sim_assignment {
    struct assignment a; /* the product's; `topic` NULL: unused slot */
    struct rd_kafka_queue_s queue;
    struct lane *lane;    /* of the worker; NULL before it opened one */
    struct worker *first; /* that was given it */
    bool astray;          /* somebody else was told to let go of it (a planted error) */
    bool listed;          /* the consumer's: it may be committed for */
    uint32_t acked_release[SIM_EVENTS];
    uint16_t acked[SIM_EVENTS]; /* records that were reported delivered to its lane, under that release */
};

enum sim_op_kind { OP_ASSIGN, OP_REVOKE, OP_LOST, OP_ANSWER };
struct sim_op {
    enum sim_op_kind kind;
    uint32_t partitions; /* bits */
    bool sync;           /* ANSWER: of the commit that is waited for */
    bool taken, early;
    int64_t offsets[SIM_PARTITIONS];
};
struct sim_request {
    bool give_up;        /* else a commit */
    uint32_t generation; /* of the group, as its member knows it */
    bool sync;
    uint32_t member;
    uint32_t partitions;
    struct ledger_commit commits[SIM_PARTITIONS];
};

enum sim_consumer { CONSUMER_IDLE, CONSUMER_DRAINING, CONSUMER_COMMITTING };

/* A thread of the product that spends its life waiting: it is run from its beginning until it waits (hooks.c). */
struct sim_thread {
    void *(*run)(void *arg); /* NULL: it has ended */
    void *arg;
};

struct sim_router {
    struct sim_world *world;
    int number;
    bool up;
    int64_t up_ms;                         /* when it comes back */
    int64_t frozen_ms;                     /* until then it does not move */
    uint32_t member;                       /* of the group; 0: none */
    bool expired;                          /* the group has let it go and it does not know */
    uint32_t generation, group_generation; /* of the group: as the member knows it, as the group does */

    struct router_settings settings;
    struct vx_pair pairs[2]; /* its Kafka properties */
    char records_max[16];
    struct destinations *destinations;
    struct subscription *subscription;
    struct worker *workers[SIM_WORKERS]; /* NULL where it is not up */
    struct worker *w;                    /* whose code runs, or ran last */
    int at;                              /* its number */
    size_t too_large[SIM_WORKERS];       /* bytes of the smallest batch of several that was refused for it; 0: none */
    rd_kafka_t *clients;
    struct sim_thread threads[SIM_THREADS];
    int thread_count;
    struct sim_assignment assignments[SIM_ASSIGNMENTS];
    long messages; /* read and not freed */

    /* the attempt under way */
    struct sim_event *viewed;
    uint32_t attempt_release;
    uint16_t attempt_sent;

    /* the consumer */
    enum sim_consumer consumer;
    struct sim_op ops[SIM_QUEUE];
    int op_count;
    struct sim_request requests[SIM_QUEUE];
    int request_count;
    uint32_t revoking;
    bool lost;
    bool waiting;
    int64_t deadline_ms, commit_ms;
    bool committing, hurry;
    struct wish *wish, *topics; /* not subscribed to yet, and subscribed to; owned */
    uint32_t subscribed;        /* sources, as bits; the group's */

    /* the follower */
    struct follow follow;
    struct wants wants;
    struct sim_watch watch;
    int64_t reread_ms;
    bool loading, loading_older;
    struct want want;
    struct follow_pointer wanted; /* of the load */
    int64_t load_ms;
    uint64_t obeyed;               /* generation */
    struct follow_pointer writing; /* copy that is being written; generation 0: none */

    /* the disk */
    struct vx_buf copy;
    uint64_t copy_generation; /* of what was written last; 0: none, or damaged since */
};

struct sim_world {
    uint64_t seed, state;
    enum sim_bug bug;
    bool trace;
    bool quiet; /* no more faults */
    long step;
    int64_t now_ms;
    struct sim_mix mix;
    const struct sim_family *family;
    struct sim_partition partitions[SIM_PARTITIONS];
    struct sim_router routers[SIM_ROUTERS];
    struct sim_destination destinations[SIM_TOPICS];
    bool second; /* the second source is there */
    struct sim_ghost ghosts[SIM_GHOSTS];
    struct sim_etcd etcd;
    uint32_t members;
    struct metrics *metrics;
    bool disturbed; /* something happened that may double records */
    long duplicates, appended, unsure, excused, moved;
    bool failed;
    char failure[512];
};

/* draw.c */
uint32_t draw(struct sim_world *w, uint32_t below);
bool chance(struct sim_world *w, int of_1024);
bool of16(struct sim_world *w, int n);
void draw_mix(struct sim_world *w);
void sim_trace(struct sim_world *w, const char *fmt, ...) VX_PRINTF(2, 3);
#define TRACE(w, ...) ((w)->trace ? sim_trace((w), __VA_ARGS__) : (void)0)

/* hooks.c: what the product calls and finds simulated. */
extern struct sim_router *sim_now; /* whose code runs */
/* Runs a thread of the router until it waits. */
void hooks_run(struct sim_router *r, int thread);
void hooks_done(void);

/* transactions.c */
/* An error of a call that nothing more is to be said of. */
rd_kafka_error_t *client_error(rd_kafka_resp_err_t code);
/* What the router is in its group. */
rd_kafka_consumer_group_metadata_t *client_group(const struct sim_router *r);

/* client.c */
void client_report(rd_kafka_t *rk, const struct sim_flight *f, rd_kafka_resp_err_t err);
void line_add(struct sim_line *line, const struct sim_flight *f);
void line_cut(struct sim_line *line, int n);
/* The worker hears that its queue is not empty. */
void client_tell_queue(struct rd_kafka_queue_s *q);

/* broker.c */
void broker_write(struct sim_world *w);
/* One thing happens between a client of this router and the broker. False: there is nothing to do. */
bool broker_move(struct sim_router *r);
/* All that a client has on its way arrives and is answered. */
void broker_flush(rd_kafka_t *rk);
/* A client ends, or fails for good: what is on its way may get in all the same. */
void broker_haunt(rd_kafka_t *rk);
bool broker_ghost(struct sim_world *w);
/* Fails for good. */
void broker_break(rd_kafka_t *rk);
void broker_toggle(struct sim_world *w, int topic);
void broker_grow(struct sim_world *w, int topic);

/* group.c */
void group_join(struct sim_router *r);
void group_balance(struct sim_world *w);
void group_expire(struct sim_router *r);
bool group_serve(struct sim_router *r);
void group_tell_lost(struct sim_router *r);
/* May it send these offsets within a transaction? (KIP-447) */
bool group_knows(struct sim_router *r, uint32_t of_member, uint32_t of_generation);
/* They are committed. */
void group_store(struct sim_world *w, const struct sim_request *q);

/* etcd.c */
void etcd_point(struct sim_world *w, uint32_t release);
void etcd_restore(struct sim_world *w);
void follower_begin(struct sim_router *r);
void follower_pass(struct sim_router *r);
bool follower_hear(struct sim_router *r);
void follower_want_older(struct sim_router *r, uint32_t release);
void follower_written(struct sim_router *r);

/* shell.c */
void router_begin(struct sim_router *r);
void router_crash(struct sim_router *r);
void router_free(struct sim_router *r);
/* A round of one of its workers. */
void worker_pass(struct sim_router *r, int number);
/* A partition is to go to another worker. */
void consumer_shift(struct sim_router *r);
void consumer_pass(struct sim_router *r);
/* The registry, or a helper, does what it has to do. */
void threads_pass(struct sim_router *r, bool all);
struct sim_assignment *shell_assignment(struct sim_router *r, int partition);

/* check.c: the promises. */
void sim_fail(struct sim_world *w, const char *fmt, ...) VX_PRINTF(2, 3);
void check_attempt(struct sim_router *r, uint32_t release, const struct cel_event *ev, const struct decision *d);
void check_produce(struct sim_router *r, const struct sim_flight *f, uint64_t hash, bool plain);
void check_append(struct sim_world *w, const struct sim_flight *f);
void check_commit(struct sim_world *w, uint32_t member, int partition, const struct ledger_commit *commit);
void check_adopted(struct sim_router *r, uint32_t release, uint64_t generation);
void check_copy(struct sim_router *r, const struct follow_pointer *p);
void check_router(struct sim_router *r);
void check_client(const rd_kafka_t *rk);
bool check_is_done(const struct sim_world *w, const struct sim_event *e);
void check_end(struct sim_world *w);

/* schedule.c */
struct sim_result {
    bool failed;
    char failure[512];
    long steps;
    long appended, duplicates, unsure, excused, moved;
};
void sim_run(uint64_t seed, enum sim_bug bug, bool trace, struct sim_result *out);
void sim_init(void);
void sim_done(void);

#endif
