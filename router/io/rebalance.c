/* Partitions come and go. Cooperative: only what changes is in the list.
 *
 *     assign:  answered ── where to begin ── a queue of its own ── incremental_assign ── a worker (begin.c)
 *     revoke:  workers stop reading, drain ── commit ── incremental_unassign ── let go
 *
 * Thread: the consumer's, inside its poll. The group waits meanwhile, so everything here has a deadline. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/consumer_private.h"

enum {
    REVOKE_MAX_MS = 60000, /* well inside max.poll.interval.ms */
    COMMIT_TIMEOUT_MS = 5000,
    HUNG_MS = 5000,  /* beyond the deadline, after which a worker is given up */
    ANSWER_MS = 500, /* of the time for leaving, kept for the answer to the last commit */
};

void consumer_note_error(rd_kafka_error_t *error, const char *step)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    if (!error)
        return;
    vx_log(VX_LOG_ERROR, "rebalance.failed", "step=%s error=%s", step,
           vx_log_quote(rd_kafka_error_string(error), quoted));
    rd_kafka_error_destroy(error);
}

/* librdkafka reads nothing while it waits for the answer, so it has it at once, and the partitions when they begin. */
static void assign(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    for (int i = 0; i < list->cnt; i++)
        consumer_expect(c, list->elems[i].topic, list->elems[i].partition);
    c->begin_ms = vx_clock_ms();
    consumer_note_error(rd_kafka_incremental_assign(c->rk, none), "assign");
    rd_kafka_topic_partition_list_destroy(none);
    rd_kafka_yield(c->rk); /* the poll ends */
}

/* --- revoke ------------------------------------------------------------------------------------------------------ */

static bool is_in(const rd_kafka_topic_partition_list_t *list, const struct assignment *a)
{
    return !list || rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)list, a->topic, a->partition);
}

/* Asks the workers to let go of the partitions in `list` (NULL: of all), and waits until they have. */
static void drain(struct consumer *c, const rd_kafka_topic_partition_list_t *list, int64_t deadline_ms)
{
    pthread_mutex_lock(&c->lock);
    for (struct assignment *a = c->assignments; a; a = a->next)
        if (is_in(list, a) && !a->closed)
            worker_close(a, consumer_bound(c, deadline_ms));
    for (struct assignment *a = c->assignments; a; a = a->next)
        while (is_in(list, a) && !a->closed && vx_clock_ms() < consumer_bound(c, deadline_ms) + HUNG_MS)
            consumer_wait(c, consumer_bound(c, deadline_ms) + HUNG_MS);
    for (struct assignment *a = c->assignments; a; a = a->next)
        if (is_in(list, a))
            atomic_store(&a->gone, true);
    pthread_mutex_unlock(&c->lock);
}

static void free_assignment(struct assignment *a)
{
    if (a->queue)
        rd_kafka_queue_destroy(a->queue);
    pthread_mutex_destroy(&a->lock);
    free((char *)a->topic);
    free(a);
}

/* Forgets the partitions in `list` (NULL: all). One that a hung worker still has is not freed under it. */
static void drop(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    pthread_mutex_lock(&c->lock);
    for (struct assignment **at = &c->assignments; *at;) {
        struct assignment *a = *at;
        if (!is_in(list, a)) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        if (a->closed)
            free_assignment(a);
        else
            vx_log(VX_LOG_ERROR, "worker.hung", "topic=%s partition=%d", a->topic, a->partition);
    }
    pthread_mutex_unlock(&c->lock);
}

/* librdkafka does not know those yet that were not begun. */
static void unassign(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *begun = rd_kafka_topic_partition_list_copy(list);
    for (const struct assignment *a = c->assignments; a; a = a->next)
        if (!a->queue)
            rd_kafka_topic_partition_list_del(begun, a->topic, a->partition);
    consumer_note_error(rd_kafka_incremental_unassign(c->rk, begun), "unassign");
    rd_kafka_topic_partition_list_destroy(begun);
}

static void revoke(struct consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(c->rk);
    int64_t wait_ms = c->setup.settings->drain_timeout_ms;
    int64_t now_ms = vx_clock_ms();
    /* somebody else may have them already: nothing to wait for, and nothing to commit */
    int64_t deadline_ms = lost ? now_ms : now_ms + (wait_ms < REVOKE_MAX_MS ? wait_ms : REVOKE_MAX_MS);
    drain(c, list, deadline_ms);
    if (!lost)
        consumer_commit_now(c, list, vx_clock_ms() + COMMIT_TIMEOUT_MS);
    unassign(c, list);
    for (int i = 0; i < list->cnt; i++)
        vx_log(VX_LOG_INFO, "partition.revoked", "topic=%s partition=%d lost=%s took_ms=%lld", list->elems[i].topic,
               list->elems[i].partition, lost ? "true" : "false", (long long)(vx_clock_ms() - now_ms));
    drop(c, list);
}

void consumer_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct consumer *c = opaque;
    /* A client that closes adds a rebalance of its own to one that is in the queue, takes the answer to the first for
     * both, and ends: the answer to the second would wait for it for ever. All is drained and committed by then. */
    if (c->answered)
        return;
    c->answered = c->closing;
    consumer_settle(c);
    switch (err) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        /* one that comes while leaving is taken only to be given back: a client that closes finds no offsets any more */
        if (atomic_load(&c->stopping) || c->closing)
            consumer_note_error(rd_kafka_incremental_assign(rk, list), "assign");
        else
            assign(c, list);
        break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        revoke(c, list);
        break;
    default:
        vx_log(VX_LOG_ERROR, "rebalance.failed", "error=%s", rd_kafka_err2name(err));
        rd_kafka_assign(rk, NULL);
    }
}

void consumer_close_all(struct consumer *c, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - vx_clock_ms();
    drain(c, NULL, deadline_ms - (left_ms > 2 * ANSWER_MS ? ANSWER_MS : left_ms / 2));
    consumer_commit_now(c, NULL, deadline_ms);
}

void consumer_drop_all(struct consumer *c)
{
    drop(c, NULL);
}
