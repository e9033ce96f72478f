/* Commits: what the workers say is done becomes the group's offsets.
 *
 * Explicit commits rather than librdkafka's own timer, so that each carries the partition's course and the leader epoch,
 * and so that a commit is only for partitions that are assigned. They are made at an interval, and at once when a course
 * is to be put on record.
 *
 * Thread: the consumer's. Invariant: an offset is committed only when the worker's window has passed it. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/consumer_private.h"

enum {
    COMMIT_AGAIN_MS = 50,
    LOOK_MS = 200, /* between two looks, while a commit is waited for, whether the process is to stop */
};

struct assignment *consumer_find(struct consumer *c, const char *topic, int32_t partition)
{
    struct assignment *a = c->assignments;
    while (a && (a->partition != partition || strcmp(a->topic, topic) != 0))
        a = a->next;
    return a;
}

static void add(struct assignment *a, rd_kafka_topic_partition_list_t *list)
{
    struct ledger_commit commit;
    pthread_mutex_lock(&a->lock);
    bool wanted = ledger_offer(&a->ledger, &commit);
    pthread_mutex_unlock(&a->lock);
    if (!wanted)
        return;
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, a->topic, a->partition);
    p->offset = commit.offset;
    rd_kafka_topic_partition_set_leader_epoch(p, commit.leader_epoch);
    p->metadata_size = strlen(commit.text);
    p->metadata = strdup(commit.text); /* the list frees it */
    vx_assert(p->metadata != NULL);
}

/* What is new, of the partitions of `of` or of all. */
static rd_kafka_topic_partition_list_t *collect(struct consumer *c, const rd_kafka_topic_partition_list_t *of)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    pthread_mutex_lock(&c->lock);
    for (struct assignment *a = c->assignments; a; a = a->next)
        if (!of || rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)of, a->topic, a->partition))
            add(a, list);
    pthread_mutex_unlock(&c->lock);
    return list;
}

/* While the group rebalances commits are refused: nothing is wrong, only early. */
static bool is_early(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || err == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
           err == RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH;
}

/* Remembers what was accepted. The error: of the whole, or of one of its partitions. */
static rd_kafka_resp_err_t note(struct consumer *c, rd_kafka_resp_err_t err,
                                const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct assignment *a = consumer_find(c, p->topic, p->partition);
        if (a && !err && !p->err) {
            pthread_mutex_lock(&a->lock);
            ledger_accept(&a->ledger, p->offset);
            atomic_store_explicit(&a->news, true, memory_order_relaxed);
            struct worker *w = a->w; /* one that is given it meanwhile looks by itself */
            pthread_mutex_unlock(&a->lock);
            if (w)
                worker_nudge(w);
        } else if (!err && p->err) {
            err = p->err;
        }
    }
    if (is_early(err))
        c->commit_ms = vx_clock_ms() + COMMIT_AGAIN_MS;
    if (err && err != RD_KAFKA_RESP_ERR__NO_OFFSET)
        vx_log(is_early(err) ? VX_LOG_DEBUG : VX_LOG_WARN, "commit.failed", "partitions=%d error=%s",
               list ? list->cnt : 0, rd_kafka_err2name(err));
    return err;
}

void consumer_on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct consumer *c = opaque;
    (void)rk;
    c->committing = false;
    note(c, err, list);
}

void consumer_commit(struct consumer *c)
{
    if (atomic_load(&c->failed))
        return;
    if (c->committing) {
        atomic_store(&c->hurry, true); /* when its answer is there */
        return;
    }
    rd_kafka_topic_partition_list_t *list = collect(c, NULL);
    if (list->cnt > 0)
        c->committing = rd_kafka_commit(c->rk, list, 1) == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
}

/* The answer, until the deadline, or that of a process that is told to stop meanwhile; NULL: none came. */
static rd_kafka_event_t *wait_for_answer(struct consumer *c, rd_kafka_queue_t *queue, int64_t deadline_ms)
{
    rd_kafka_event_t *event = NULL;
    for (int64_t left_ms; !event && (left_ms = consumer_bound(c, deadline_ms) - vx_clock_ms()) > 0;)
        event = rd_kafka_queue_poll(queue, (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
    return event;
}

/* One commit and its answer. */
static rd_kafka_resp_err_t commit_list(struct consumer *c, const rd_kafka_topic_partition_list_t *list,
                                       rd_kafka_queue_t *queue, int64_t deadline_ms)
{
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(c->rk, list, queue, NULL, NULL);
    rd_kafka_event_t *event = err ? NULL : wait_for_answer(c, queue, deadline_ms);
    if (!event) {
        err = err ? err : RD_KAFKA_RESP_ERR__TIMED_OUT;
        vx_log(VX_LOG_WARN, "commit.failed", "partitions=%d error=%s", list->cnt, rd_kafka_err2name(err));
        return err;
    }
    err = note(c, rd_kafka_event_error(event), rd_kafka_event_topic_partition_list(event));
    rd_kafka_event_destroy(event);
    return err;
}

/* There is no next commit that would make good for a refused one, so one that is early is sent again: a neighbour that
 * joins or leaves at this moment must not double what is done here. */
void consumer_commit_now(struct consumer *c, const rd_kafka_topic_partition_list_t *of, int64_t deadline_ms)
{
    /* a queue of its own: the plain synchronous call has no deadline */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
    bool again = !atomic_load(&c->failed);
    while (again && vx_clock_ms() < consumer_bound(c, deadline_ms)) {
        rd_kafka_topic_partition_list_t *list = collect(c, of);
        again = list->cnt > 0 && is_early(commit_list(c, list, queue, deadline_ms)) && !rd_kafka_assignment_lost(c->rk);
        rd_kafka_topic_partition_list_destroy(list);
        if (again)
            rd_kafka_queue_poll(queue, COMMIT_AGAIN_MS); /* nothing comes: only the time passes */
    }
    rd_kafka_queue_destroy(queue);
}

void consumer_measure_lag(struct consumer *c)
{
    pthread_mutex_lock(&c->lock);
    for (struct assignment *a = c->assignments; a; a = a->next) {
        int64_t low, high;
        if (rd_kafka_get_watermark_offsets(c->rk, a->topic, a->partition, &low, &high) || high < 0)
            continue;
        pthread_mutex_lock(&a->lock);
        int64_t at = a->ledger.committable >= 0 ? a->ledger.committable : a->ledger.committed;
        a->lag = at >= 0 && high >= at ? high - at : at < 0 && low >= 0 && high == low ? 0 : a->lag;
        pthread_mutex_unlock(&a->lock);
    }
    pthread_mutex_unlock(&c->lock);
}
