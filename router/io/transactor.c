/* The transactional producer's helper thread. See transactor.h.
 *
 * Thread: the public functions are the worker's; wait_for_job() and what it calls are the helper's. The lock guards the
 * hand-over (job, answered); everything else belongs to whoever has the producer. Invariant: the helper has it exactly
 * while `busy`; only transactor_give_up() purges its queue then, which any thread may.
 */
#include "router/io/transactor.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"

enum { AGAIN_MS = 100 };

static const char given_up[] = "a destination is gone, or has fewer partitions";

enum job { JOB_NONE, JOB_REGISTER, JOB_COMMIT, JOB_ABORT };

struct transactor {
    struct transactor_setup setup;
    struct producer *producer;
    rd_kafka_t *rk; /* its handle */
    struct transaction transaction;
    bool begun; /* there is a transaction at librdkafka */
    bool busy;  /* the helper has it; the worker's own */
    bool stopped;
    struct targets targets;      /* of the transaction; the worker's own */
    _Atomic int64_t given_up_ms; /* monotonic; 0: not */

    pthread_t thread;
    pthread_mutex_t lock; /* of the next three */
    pthread_cond_t wake;
    enum job job;
    bool answered, stopping;

    /* of the job */
    rd_kafka_topic_partition_list_t *offsets; /* owned; NULL: none */
    rd_kafka_consumer_group_metadata_t *group;
    enum transactor_end end;
    bool registered;
    bool fenced;
    char why[256];
};

/* --- the helper -------------------------------------------------------------------------------------------------- */

static bool is_stopping(struct transactor *x)
{
    pthread_mutex_lock(&x->lock);
    bool stopping = x->stopping;
    pthread_mutex_unlock(&x->lock);
    return stopping;
}

/* Lets a moment pass, unless it is to stop. */
static void pause_before_again(struct transactor *x)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += AGAIN_MS * 1000000L;
    ts.tv_sec += ts.tv_nsec / 1000000000L;
    ts.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&x->lock);
    if (!x->stopping)
        pthread_cond_timedwait(&x->wake, &x->lock, &ts);
    pthread_mutex_unlock(&x->lock);
}

enum outcome { DONE, TO_ABORT, FAILED };

/* What a call's error means; NULL and errors that another try may mend are DONE and, unless it is to stop, retried by
 * the caller: `*again`. */
static enum outcome judge(struct transactor *x, rd_kafka_error_t *error, bool *again)
{
    *again = false;
    if (!error)
        return DONE;
    enum outcome outcome = FAILED;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    snprintf(x->why, sizeof x->why, "%s", rd_kafka_error_string(error));
    if (rd_kafka_error_is_fatal(error))
        x->fenced = code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                    code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    else if (rd_kafka_error_txn_requires_abort(error))
        outcome = TO_ABORT;
    else
        *again = rd_kafka_error_is_retriable(error) && !is_stopping(x);
    if (*again) /* the worker does not poll what the helper has, and these calls do so only for reports */
        rd_kafka_poll(x->rk, 0);
    rd_kafka_error_destroy(error);
    return outcome;
}

/* One that was given up: drops what came back into the queue since. True when it has had its time. */
static bool give_up_again(struct transactor *x)
{
    int64_t given_up_ms = atomic_load(&x->given_up_ms);
    if (!given_up_ms)
        return false;
    rd_kafka_purge(x->rk, RD_KAFKA_PURGE_F_QUEUE);
    return vx_clock_ms() - given_up_ms >= TRANSACTOR_GIVE_UP_MS;
}

static enum outcome send_offsets(struct transactor *x)
{
    enum outcome outcome;
    bool again;
    do
        outcome =
            judge(x, rd_kafka_send_offsets_to_transaction(x->rk, x->offsets, x->group, TRANSACTOR_CALL_MS), &again);
    while (again && !give_up_again(x));
    return outcome;
}

static enum outcome commit(struct transactor *x)
{
    enum outcome outcome;
    bool again;
    do
        outcome = judge(x, rd_kafka_commit_transaction(x->rk, TRANSACTOR_CALL_MS), &again);
    while (again && !give_up_again(x));
    return outcome;
}

/* An abort that fails for another reason than time is tried again as a whole, as librdkafka has it. */
static enum outcome abort_all(struct transactor *x)
{
    enum outcome outcome;
    bool again;
    do
        outcome = judge(x, rd_kafka_abort_transaction(x->rk, TRANSACTOR_CALL_MS), &again);
    while ((again || (outcome == TO_ABORT && !is_stopping(x))) && !give_up_again(x));
    return outcome == DONE ? DONE : FAILED;
}

/* Nobody knows whether it was committed but the group. */
static void look_up(struct transactor *x)
{
    while (!x->setup.committed(x->setup.ctx, x->offsets, TRANSACTOR_CALL_MS) && !is_stopping(x))
        pause_before_again(x);
}

static void forget_offsets(struct transactor *x)
{
    for (int i = 0; x->offsets && i < x->offsets->cnt; i++)
        x->offsets->elems[i].offset = -1;
}

static void run_commit(struct transactor *x)
{
    bool begun = x->begun || judge(x, rd_kafka_begin_transaction(x->rk), &(bool){false}) == DONE, asked = false;
    enum outcome outcome = begun ? send_offsets(x) : FAILED;
    if (outcome == DONE) {
        asked = true;
        outcome = commit(x);
    }
    if (outcome == DONE) {
        x->end = TRANSACTOR_COMMITTED;
        return;
    }
    if (outcome == TO_ABORT) {
        char why[sizeof x->why];
        memcpy(why, x->why, sizeof why);
        if (abort_all(x) == DONE) {
            memcpy(x->why, why, sizeof why);
            x->end = TRANSACTOR_ABORTED;
            return;
        }
    }
    x->end = TRANSACTOR_BROKEN;
    if (asked)
        look_up(x);
    else
        forget_offsets(x);
}

static void run_register(struct transactor *x)
{
    bool again;
    do
        x->registered = judge(x, rd_kafka_init_transactions(x->rk, TRANSACTOR_CALL_MS), &again) == DONE;
    while (again);
}

static void run_job(struct transactor *x, enum job job)
{
    if (job == JOB_REGISTER)
        run_register(x);
    else if (job == JOB_COMMIT)
        run_commit(x);
    else
        x->end = abort_all(x) == DONE ? TRANSACTOR_ABORTED : TRANSACTOR_BROKEN;
}

static void *wait_for_job(void *arg)
{
    struct transactor *x = arg;
    pthread_setname_np(pthread_self(), "transactions");
    pthread_mutex_lock(&x->lock);
    for (;;) {
        while (x->job == JOB_NONE && !x->stopping)
            pthread_cond_wait(&x->wake, &x->lock);
        if (x->stopping)
            break;
        enum job job = x->job;
        pthread_mutex_unlock(&x->lock);
        run_job(x, job);
        pthread_mutex_lock(&x->lock);
        x->job = JOB_NONE;
        x->answered = true;
        x->setup.producer.on_wake(x->setup.producer.ctx);
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

/* --- the worker's side ------------------------------------------------------------------------------------------- */

static void give(struct transactor *x, enum job job)
{
    x->busy = true;
    pthread_mutex_lock(&x->lock);
    x->job = job;
    pthread_cond_signal(&x->wake);
    pthread_mutex_unlock(&x->lock);
}

/* The helper's answer, once. */
static bool take_answer(struct transactor *x)
{
    if (!x->busy)
        return false;
    pthread_mutex_lock(&x->lock);
    bool answered = x->answered;
    x->answered = false;
    pthread_mutex_unlock(&x->lock);
    x->busy = !answered;
    return answered;
}

static void on_report(void *ctx, uint64_t ticket, enum lane_ack ack, bool alone, const char *why,
                      struct producer_topic *topic)
{
    struct transactor *x = ctx;
    (void)alone;
    transaction_report(&x->transaction, &(struct transaction_report){
                                            .ticket = ticket, .why = why, .counter = topic->counter, .ack = ack});
}

enum vx_status transactor_new(const struct transactor_setup *setup, struct transactor **out, struct vx_err *err)
{
    struct transactor *x = calloc(1, sizeof *x);
    vx_assert(x != NULL);
    x->setup = *setup;
    struct producer_setup ps = setup->producer;
    ps.on_report = on_report;
    ps.report_ctx = x;
    enum vx_status st = producer_new(&ps, &x->producer, err);
    if (st != VX_OK) {
        free(x);
        return st;
    }
    x->rk = producer_handle(x->producer);
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&x->wake, &attr);
    pthread_condattr_destroy(&attr);
    vx_assert(pthread_create(&x->thread, NULL, wait_for_job, x) == 0);
    give(x, JOB_REGISTER);
    *out = x;
    return VX_OK;
}

static void drop_commit(struct transactor *x)
{
    if (x->offsets)
        rd_kafka_topic_partition_list_destroy(x->offsets);
    if (x->group)
        rd_kafka_consumer_group_metadata_destroy(x->group);
    x->offsets = NULL;
    x->group = NULL;
}

void transactor_stop(struct transactor *x)
{
    if (x->stopped)
        return;
    pthread_mutex_lock(&x->lock);
    x->stopping = x->stopped = true;
    pthread_cond_signal(&x->wake);
    pthread_mutex_unlock(&x->lock);
    pthread_join(x->thread, NULL);
}

void transactor_free(struct transactor *x)
{
    if (!x)
        return;
    transactor_stop(x);
    producer_free(x->producer);
    transaction_done(&x->transaction);
    drop_commit(x);
    pthread_cond_destroy(&x->wake);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

struct transaction *transactor_transaction(struct transactor *x)
{
    return &x->transaction;
}

struct producer *transactor_producer(struct transactor *x)
{
    return x->producer;
}

bool transactor_takes(const struct transactor *x)
{
    const struct transaction *t = &x->transaction;
    return !x->busy && !t->doomed && (t->state == TRANSACTION_READY || t->state == TRANSACTION_OPEN) &&
           producer_has_room(x->producer);
}

enum lane_sent transactor_send(struct transactor *x, struct producer_topic *topic, const struct producer_record *r,
                               int64_t now_ms)
{
    bool again;
    if (!x->begun) {
        /* a local matter: librdkafka asks no broker before the first record */
        if (judge(x, rd_kafka_begin_transaction(x->rk), &again) != DONE) {
            transaction_doom(&x->transaction, "it could not be begun");
            return LANE_AGAIN;
        }
        x->begun = true;
    }
    enum lane_sent sent = producer_send(x->producer, topic, r);
    if (sent != LANE_SENT)
        return sent;
    transaction_sent(&x->transaction, now_ms);
    targets_add(&x->targets, &topic->target, topic->destination, r->partition);
    return sent;
}

bool transactor_serve(struct transactor *x)
{
    if (x->transaction.state == TRANSACTION_STARTING && take_answer(x)) {
        x->transaction.state = x->registered ? TRANSACTION_READY : TRANSACTION_BROKEN;
        return true;
    }
    if (x->busy || x->transaction.state == TRANSACTION_BROKEN)
        return false;
    bool any = producer_serve(x->producer) > 0;
    const char *why;
    if (producer_is_broken(x->producer, &why))
        transaction_doom(&x->transaction, "the producer failed for good");
    return any;
}

void transactor_commit(struct transactor *x, rd_kafka_topic_partition_list_t *offsets,
                       rd_kafka_consumer_group_metadata_t *group)
{
    x->transaction.state = TRANSACTION_ENDING;
    x->offsets = offsets;
    x->group = group;
    give(x, JOB_COMMIT);
}

void transactor_abort(struct transactor *x)
{
    x->transaction.state = TRANSACTION_ENDING;
    if (x->transaction.reason)
        snprintf(x->why, sizeof x->why, "%s", x->transaction.reason);
    give(x, JOB_ABORT);
}

bool transactor_has_gone(const struct transactor *x)
{
    return targets_gone(&x->targets) != NULL;
}

void transactor_ask(struct transactor *x)
{
    for (const struct target *t = x->targets.first; t; t = t->next)
        destinations_ask(x->setup.producer.destinations, t->destination);
}

void transactor_give_up(struct transactor *x, int64_t now_ms)
{
    if (transactor_is_given_up(x))
        return;
    atomic_store(&x->given_up_ms, now_ms);
    if (x->busy)
        rd_kafka_purge(x->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
    else
        transaction_doom(&x->transaction, given_up);
}

bool transactor_is_given_up(const struct transactor *x)
{
    return atomic_load(&x->given_up_ms) != 0;
}

bool transactor_ended(struct transactor *x, enum transactor_end *end, const rd_kafka_topic_partition_list_t **offsets)
{
    if (x->transaction.state != TRANSACTION_ENDING || !take_answer(x))
        return false;
    /* what a broken producer still has comes back now */
    if (x->end == TRANSACTOR_BROKEN)
        producer_purge(x->producer);
    x->begun = false;
    targets_clear(&x->targets);
    if (x->end == TRANSACTOR_ABORTED && transactor_is_given_up(x))
        snprintf(x->why, sizeof x->why, "%s", given_up);
    *end = x->end;
    *offsets = x->offsets;
    return true;
}

void transactor_settled(struct transactor *x)
{
    drop_commit(x);
    if (x->end == TRANSACTOR_BROKEN)
        x->transaction.state = TRANSACTION_BROKEN;
}

const char *transactor_why(const struct transactor *x)
{
    return x->why;
}

bool transactor_is_fenced(const struct transactor *x)
{
    return x->fenced;
}
