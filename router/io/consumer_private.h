/* Inside the consumer: shared by consumer.c (the thread), begin.c, balance.c, rebalance.c, commit.c and handover.c. */
#ifndef ROUTER_IO_CONSUMER_PRIVATE_H
#define ROUTER_IO_CONSUMER_PRIVATE_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>

#include "router/io/consumer.h"
#include "router/io/wish.h"

struct consumer {
    struct consumer_setup setup;
    pthread_t thread;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* of the group: rebalances, errors */
    pthread_rwlock_t client; /* of these two, where other threads use them; only the consumer's own replaces them */
    _Atomic(const struct vx_pairs *) fresh; /* what a new client is to be made of (borrowed); NULL: none is wanted */
    struct consumer_old *old;               /* clients that were replaced */
    atomic_bool stopping, joined, failed;
    int64_t deadline_ms; /* of leaving; set before `stopping` */
    bool left;           /* the group, cleanly */
    bool closing;        /* the client was told to close */
    bool answered;       /* and a rebalance was answered since */

    pthread_mutex_t lock;  /* of the list of assignments, `closed` in them, wish, topics */
    pthread_cond_t closed; /* an assignment was closed by its worker */
    struct assignment *assignments;
    struct wish *wish;   /* newest, not subscribed to yet */
    struct wish *topics; /* subscribed to */

    rd_kafka_topic_t **pins; /* handles that hold a topic's auto.offset.reset */
    size_t pin_count;
    bool committing;    /* a commit is on its way */
    int64_t commit_ms;  /* when to commit next, monotonic */
    int64_t begin_ms;   /* when to begin partitions that wait; INT64_MAX: none does */
    int64_t balance_ms; /* when to look how they are spread over the workers, monotonic */
    atomic_bool hurry;  /* commit at once: a course is to be put on record */
};

/* A deadline, or that of leaving where it is earlier: nothing that a rebalance waits for outlasts a process that was told
 * to stop. */
static inline int64_t consumer_bound(struct consumer *c, int64_t deadline_ms)
{
    return atomic_load(&c->stopping) && c->deadline_ms < deadline_ms ? c->deadline_ms : deadline_ms;
}
/* Where to begin in a topic without a committed offset; earliest when it is not subscribed to. */
enum config_start consumer_start_of(const struct consumer *c, const char *topic);
/* Is the topic delivered exactly once, as far as this thread knows? The worker has the last word. */
bool consumer_is_exact(const struct consumer *c, const char *topic);
/* Waits for an assignment to be closed, at most until `until_ms`; under the lock. */
void consumer_wait(struct consumer *c, int64_t until_ms);

/* Serves what is in the group's queue, for so long at most. */
void consumer_poll(struct consumer *c, int timeout_ms);
/* Subscribes the client, which is a new one, to the topics that the one before had. */
void consumer_subscribe_again(struct consumer *c);
/* Lets go of what hangs on the client, so that it can be destroyed. */
void consumer_drop_client(struct consumer *c);

/* handover.c */
/* A client of this member; NULL, and why: librdkafka refuses the properties. */
rd_kafka_t *consumer_new_client(struct consumer *c, const struct vx_pairs *kafka, char *why, size_t size);
/* Ends a client, closed or not: it is not closed here, which would wait for ever for brokers that are away. */
void consumer_destroy_client(rd_kafka_t *rk);
/* Replaces the client where one is wanted. */
void consumer_hand_over(struct consumer *c);
/* Waits until those that were replaced are gone; after the workers have been stopped. */
void consumer_bury(struct consumer *c);

/* begin.c */
/* A partition is assigned; it waits for consumer_begin(). */
void consumer_expect(struct consumer *c, const char *topic, int32_t partition);
/* Begins those partitions that wait and of which it is known where; the others are held until the next call, at
 * `begin_ms`. */
void consumer_begin(struct consumer *c);

/* balance.c */
/* The worker for a partition that begins. */
size_t consumer_choose_worker(const struct consumer *c);
/* Partitions come or go: none is moved for a while. */
void consumer_settle(struct consumer *c);
/* Moves a partition to another worker where they are uneven and it is time to look. */
void consumer_balance(struct consumer *c);

/* rebalance.c */
void consumer_note_error(rd_kafka_error_t *error, const char *step);
void consumer_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
                           void *opaque);
/* Drains and commits all partitions until the deadline; a part of the time is kept for the commit. */
void consumer_close_all(struct consumer *c, int64_t deadline_ms);
/* Frees all assignments. */
void consumer_drop_all(struct consumer *c);

/* commit.c */
/* Commits what is new, without waiting. */
void consumer_commit(struct consumer *c);
/* Commits what is new of the assignments that are closed (all of `list`, or of all where it is NULL) and waits for the
 * answer until the deadline, or that of leaving. */
void consumer_commit_now(struct consumer *c, const rd_kafka_topic_partition_list_t *list, int64_t deadline_ms);
void consumer_on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque);
void consumer_measure_lag(struct consumer *c);
struct assignment *consumer_find(struct consumer *c, const char *topic, int32_t partition);

#endif
