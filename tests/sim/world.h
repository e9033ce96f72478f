/* The simulated world: a few routers, the broker between whose topics they route, the group that shares the partitions
 * out, the etcd that names the release, the disks, the clock and the network. One thread; every choice is drawn from one
 * seed, so a seed is a schedule and replays step by step.
 *
 *     etcd.c ──pointers──> follow ──tables──> shell.c: lanes of the product, driven as worker and consumer drive them
 *     group.c ──partitions, offsets──> shell.c ──records──> broker.c ──what got in──> check.c: is every promise kept?
 *
 * What decides is the product's: window, course, lane, ledger, releases, follow, wants, the text of the last good copy,
 * and decide() over tables compiled from generated configs (fleet.c). What is simulated is what the product finds outside:
 * threads, librdkafka, Kafka, etcd, files. shell.c keeps to the order in which the product's threads do things.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <string.h>

#include "router/follow/follow.h"
#include "router/follow/wants.h"
#include "router/io/ledger.h"
#include "router/io/releases.h"
#include "router/io/transaction.h"

enum {
    SIM_PARTITIONS = 3, /* of the source topic, at most */
    SIM_EVENTS = 48,    /* of a partition, at most */
    SIM_ROUTERS = 3,
    SIM_RELEASES = 12, /* of a family, numbered from 1; the last one routes everything and never gets stuck */
    SIM_TEMPLATES = 32,
    SIM_RECORDS = 16, /* of one event under one release */
    SIM_TOPICS = 5,   /* destinations; the last one takes the dead letters */
    SIM_DLQ = SIM_TOPICS - 1,
    SIM_LINES = SIM_DLQ * 2 + 1, /* destination partitions */
    SIM_LANES = 24,              /* of a router, those that only wait for their last records included */
    SIM_FLIGHTS = 192,           /* records on their way, of a router to one destination partition */
    SIM_OLDER = 64,              /* older releases that came and were not taken yet */
    SIM_TX = 4096,
    SIM_QUEUE = 64, /* messages between a router and the group */
};

/* Planted errors: what the test of the test must find. */
#define SIM_BUG_LIST(X)                                                                                                \
    X(BUG_NONE, "none")                                                                                                \
    X(BUG_STORE_BEFORE_ACK, "store_before_ack")     /* what was handed over is committed */                            \
    X(BUG_ACK_AFTER_REVOKE, "ack_after_revoke")     /* late acknowledgements are committed for a partition given up */ \
    X(BUG_DROP_ON_REVOKE, "drop_on_revoke")         /* what is on its way at a revoke counts as done */                \
    X(BUG_OVERTAKING_FAILURE, "overtaking_failure") /* what is behind a refused batch gets in before it */             \
    X(BUG_LOST_FAILURE, "lost_failure")             /* a failed record counts as delivered */                          \
    X(BUG_HALF_TABLE, "half_table")                 /* one attempt, the decisions of two releases */                   \
    X(BUG_OLD_POINTER, "old_pointer")               /* a pointer that fell is obeyed */                                \
    X(BUG_COURSE_AT_SEND, "course_at_send")         /* a course counts as recorded when its commit was sent */         \
    X(BUG_TORN_COPY, "torn_copy")                   /* the last good copy is believed unverified */                    \
    X(BUG_NO_BOUND, "no_bound")                     /* events are read whatever the window holds */                    \
    X(BUG_NO_FENCE, "no_fence")                     /* offsets go into a transaction without the group's generation */ \
    X(BUG_HALF_EVENT, "half_event")         /* a transaction is committed with half of an event's records in it */     \
    X(BUG_UNSURE_ABORTED, "unsure_aborted") /* a transaction whose end nobody told is taken for aborted */
enum sim_bug {
#define X(name, label) name,
    SIM_BUG_LIST(X)
#undef X
        BUG_COUNT
};
const char *sim_bug_label(enum sim_bug bug);

/* How much of what happens in a schedule: drawn once per seed, so that some schedules are all crashes and others have
 * none (swarm testing: Groce and others, 2012). Chances are per 1024 steps. */
struct sim_mix {
    int routers, partitions, events;
    int steps;
    int window_events, window_bytes; /* bounds of a window */
    int room;                        /* records that a producer takes; 0: no bound */
    int until_ahead;                 /* for ledger_write() */
    bool exact;                      /* delivery: exactly_once */
    int holes;                       /* of 16 offsets, how many are holes */
    int refuse;                      /* records of some templates are refused by some topics */
    int crash, freeze, expire, move;
    int kill_producer, missing, lookup;
    int full; /* of 1024 records, how many the producer does not take */
    int publish, rollback, bad, restore, etcd_away, corrupt;
    int watch_lost, watch_late; /* of 16 pointers */
    int commit_lost, early;     /* of 16 commits */
    int ends_unknown;           /* of 16 assignments */
    int damage_copy;            /* of 16 crashes */
    int duplicate_report;       /* of 16 reports */
    int slow;                   /* of 16 rounds of a worker, how many do not happen */
};

/* --- fleet.c: releases, and what each makes of each event -------------------------------------------------------- */

struct sim_output {
    uint8_t topic;
    uint8_t line; /* destination partition */
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
    char key[8];
    char value[96];
    bool large;
};

struct sim_family {
    struct table *tables[SIM_RELEASES + 1]; /* NULL: does not compile */
    char *texts[SIM_RELEASES + 1];
    char sha256[SIM_RELEASES + 1][65];
    struct sim_template templates[SIM_TEMPLATES];
    struct sim_decision decisions[SIM_RELEASES + 1][SIM_TEMPLATES];
};

/* The family of that number; made when first asked for, kept. The same for every seed that draws it. */
enum { SIM_FAMILIES = 48 };
const struct sim_family *sim_family(unsigned number);
void sim_families_free(void);
uint64_t sim_record_hash(const struct decide_record *record);
/* The topic's number; -1: none of ours. */
int sim_topic(struct vx_span name);
int sim_line(int topic, struct vx_span key);
bool sim_refuses(int topic, bool large);
extern const char *const sim_topics[SIM_TOPICS];

/* --- broker.c ---------------------------------------------------------------------------------------------------- */

struct sim_event {
    int64_t offset;
    uint32_t seen;                   /* destination partitions where it is */
    uint32_t decided;                /* releases that an attempt went through under */
    uint16_t got[SIM_RELEASES + 1];  /* records that got in, by release */
    uint16_t sent[SIM_RELEASES + 1]; /* records that were handed over */
    uint8_t template;
    uint8_t partition;
    uint8_t index;
    bool excused; /* order is not promised: an older release did not get it through */
    bool done;    /* was found done once */
};

struct sim_partition {
    struct sim_event events[SIM_EVENTS];
    int count;           /* written */
    int64_t end;         /* offset of the next one */
    int last[SIM_LINES]; /* event that occurred first last, by destination partition; -1: none */
    int64_t unsure_from; /* order is not promised for events in [from, to): said by on_unsure */
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
    uint8_t release, record, line, topic;
    bool alone, refused, dead;
    bool doomed;   /* its topic went away under it */
    bool appended; /* got in; the answer is on its way */
    bool free;     /* of the alone line: nothing */
};

struct sim_report {
    uint64_t ticket;
    enum lane_ack ack;
    bool alone;
    struct sim_flight flight;
};

struct sim_line {
    struct sim_flight at[SIM_FLIGHTS];
    int count;
};

struct sim_producer {
    struct sim_line lines[SIM_LINES];
    struct sim_line alone;
    struct sim_report reports[SIM_FLIGHTS * 2];
    int report_count;
    int outstanding;
    bool broken;
    bool alone_there, alone_wanted;
};

/* Records of producers that are no more: each line may get in from its front, late. */
struct sim_ghosts {
    struct sim_line line;
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

/* A partition as a router has it: the assignment, and the lane of its worker. */
struct sim_lane {
    struct lane *lane; /* NULL: unused slot */
    struct ledger ledger;
    int partition;
    int next;      /* event to read */
    int fence;     /* nothing from this one on is read: the group has let the router go; -1: none */
    bool assigned; /* the consumer has it, and its worker has not let go */
    bool listed;   /* the consumer's: it may be committed for */
    bool close;    /* ordered */
    bool news;
    int64_t sent;        /* offset in the transaction that is ending; -1: none */
    bool committed_here; /* by the transaction that ended */
    bool gone;           /* the consumer has given it up */
    int64_t close_ms;
    int64_t ahead;
    uint32_t acked_release[SIM_EVENTS];
    uint16_t acked[SIM_EVENTS]; /* records that were reported delivered to this lane, under that release */
};

enum sim_op_kind { OP_ASSIGN, OP_REVOKE, OP_LOST, OP_ANSWER };
struct sim_commit_part {
    int partition; /* -1: unused */
    struct ledger_commit commit;
};
struct sim_op {
    enum sim_op_kind kind;
    uint32_t partitions; /* bits */
    bool sync;           /* ANSWER: of the commit that is waited for */
    bool taken, early;
    int64_t offsets[SIM_PARTITIONS];
};
struct sim_request {
    bool give_up; /* else a commit */
    bool transaction;
    uint32_t generation; /* of the group, as its member knows it */
    bool sync;
    uint32_t member;
    uint32_t partitions;
    struct ledger_commit commits[SIM_PARTITIONS];
};

enum sim_consumer { CONSUMER_IDLE, CONSUMER_DRAINING, CONSUMER_COMMITTING };

struct sim_router {
    struct sim_world *world;
    int number;
    bool up;
    int64_t up_ms;                         /* when it comes back */
    int64_t frozen_ms;                     /* until then it does not move */
    uint32_t member;                       /* of the group; 0: none */
    bool expired;                          /* the group has let it go and it does not know */
    uint32_t generation, group_generation; /* of the group: as the member knows it, as the group does */
    unsigned lane_ids;

    /* the worker */
    struct releases releases;
    struct adoption *mail;
    struct sim_lane lanes[SIM_LANES];
    struct sim_producer producer;
    uint8_t destinations[SIM_TOPICS]; /* enum lane_hold: what it thinks of them */
    bool destinations_changed;
    struct sim_event *viewed;
    uint32_t attempt_release;
    uint16_t attempt_sent;
    uint32_t older_came[SIM_OLDER];
    bool older_there[SIM_OLDER];
    int older_count;
    long messages; /* held by windows */

    /* its transaction, in a schedule of exactly_once */
    struct transaction tx;
    struct sim_flight tx_flights[SIM_TX]; /* records that readers do not see yet */
    int tx_flight_count;
    struct sim_request tx_request;
    bool tx_sent, tx_answered, tx_committed, tx_unsure;

    /* the consumer */
    enum sim_consumer consumer;
    struct sim_op ops[SIM_QUEUE];
    int op_count;
    struct sim_request requests[SIM_QUEUE];
    int request_count;
    uint32_t revoking;
    bool lost;
    bool answered, early; /* the commit that is waited for */
    bool waiting;
    int64_t deadline_ms, commit_ms;
    bool committing, hurry;

    /* the follower */
    struct follow follow;
    struct wants wants;
    struct sim_watch watch;
    int64_t reread_ms;
    bool loading, loading_older;
    struct want want;
    uint32_t load_release;
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
    bool missing[SIM_TOPICS];
    struct sim_ghosts ghosts[SIM_ROUTERS][2];
    struct sim_etcd etcd;
    uint32_t members;
    struct decider *decider;
    struct metrics *metrics;
    bool disturbed; /* something happened that may double records */
    long duplicates, appended, unsure, excused;
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

/* broker.c */
void broker_write(struct sim_world *w);
enum lane_sent broker_produce(struct sim_router *r, const struct sim_flight *f);
bool broker_has_room(const struct sim_router *r);
/* One thing happens between this router's producers and the broker. False: there is nothing to do. */
bool broker_move(struct sim_router *r);
/* The producer dies: what is on its way is reported, and may get in all the same. */
void broker_kill(struct sim_router *r, bool report);
/* What is on its way is dropped, and reported to its transaction. */
void broker_purge(struct sim_router *r);
bool broker_ghost(struct sim_world *w);
void broker_toggle(struct sim_world *w, int topic);

/* group.c */
void group_join(struct sim_router *r);
void group_balance(struct sim_world *w);
void group_expire(struct sim_router *r);
bool group_serve(struct sim_router *r);
void group_tell_lost(struct sim_router *r);

/* etcd.c */
void etcd_point(struct sim_world *w, uint32_t release);
void etcd_restore(struct sim_world *w);
void follower_begin(struct sim_router *r);
void follower_pass(struct sim_router *r);
bool follower_hear(struct sim_router *r);
void follower_want_older(struct sim_router *r, uint32_t release);
void follower_written(struct sim_router *r);

/* ops.c */
extern const struct lane_ops sim_ops;
extern struct sim_router *sim_freeing; /* whose windows free events: free_message() is told no more than the message */

/* shell.c */
void router_begin(struct sim_router *r);
void router_crash(struct sim_router *r);
void router_free(struct sim_router *r);
void worker_pass(struct sim_router *r);
void consumer_pass(struct sim_router *r);
void worker_report(struct sim_router *r, const struct sim_report *report);
struct sim_lane *shell_lane(struct sim_router *r, int partition);

/* exact.c */
bool exact_is_open(const struct sim_lane *sl);
bool exact_takes(const struct sim_router *r);
void exact_report(struct sim_router *r, const struct sim_report *report);
void exact_turn(struct sim_router *r);
void exact_commit(struct sim_router *r, const struct sim_request *q, bool known);

/* check.c: the promises. */
void sim_fail(struct sim_world *w, const char *fmt, ...) VX_PRINTF(2, 3);
void check_produce(struct sim_router *r, const struct sim_flight *f, const struct decide_record *record);
void check_decided(struct sim_router *r, struct sim_lane *sl, uint32_t release);
void check_append(struct sim_world *w, const struct sim_flight *f);
void check_commit(struct sim_world *w, uint32_t member, int partition, const struct ledger_commit *commit);
void check_adopted(struct sim_router *r, uint32_t release, uint64_t generation);
void check_copy(struct sim_router *r, const struct follow_pointer *p);
void check_router(struct sim_router *r);
bool check_is_done(const struct sim_world *w, const struct sim_event *e);
void check_end(struct sim_world *w);

/* schedule.c */
struct sim_result {
    bool failed;
    char failure[512];
    long steps;
    long appended, duplicates, unsure, excused;
};
void sim_run(uint64_t seed, enum sim_bug bug, bool trace, struct sim_result *out);
void sim_init(void);
void sim_done(void);

#endif
