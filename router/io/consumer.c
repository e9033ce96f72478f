/* The consumer's thread: polls the group's queue, commits, and follows the subscription. What happens when partitions
 * come and go is in rebalance.c, where they begin in begin.c, how they are spread over the workers in balance.c, commits
 * are in commit.c, and how its client is replaced is in handover.c.
 *
 * Thread: run() and all callbacks of librdkafka's consumer. Others only leave a wish (subscription, stop) under the
 * lock. Owns the handle and all assignments. Invariant: an assignment is in the list from before it is given to its
 * worker until after the worker has let go of it.
 */
#include "router/io/consumer.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/consumer_private.h"
#include "router/io/properties.h"

enum {
    POLL_MS = 100,
    CLOSE_POLL_MS = 50,
    NAME_MS = 1000, /* within which a coordinator that is there has named a new member */
    CLOSE_MS = 500, /* of the time for leaving, kept for the close */
};

void consumer_wait(struct consumer *c, int64_t until_ms)
{
    struct timespec ts = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_cond_timedwait(&c->closed, &c->lock, &ts);
}

/* From another thread: its poll ends. */
static void wake(struct consumer *c)
{
    pthread_rwlock_rdlock(&c->client);
    rd_kafka_queue_yield(c->queue);
    pthread_rwlock_unlock(&c->client);
}

void consumer_on_closed(void *consumer, struct assignment *a)
{
    struct consumer *c = consumer;
    pthread_mutex_lock(&c->lock);
    a->closed = true;
    pthread_cond_signal(&c->closed);
    pthread_mutex_unlock(&c->lock);
}

/* --- the subscription -------------------------------------------------------------------------------------------- */

void consumer_on_course(void *consumer)
{
    struct consumer *c = consumer;
    atomic_store(&c->hurry, true);
    wake(c);
}

void consumer_follow(struct consumer *c, const struct table *t, const struct vx_strings *there)
{
    struct wish *wish = wish_new(t, there), *old;
    pthread_mutex_lock(&c->lock);
    old = c->wish;
    c->wish = wish;
    pthread_mutex_unlock(&c->lock);
    wish_free(old);
    wake(c);
}

/* What librdkafka does by itself when a committed offset has expired is a property of the topic's handle, fixed when
 * the name is first seen; so a handle with the routing's `start` is made before the subscription and kept. */
static void pin_topic(struct consumer *c, const char *name, enum config_start start)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(c->rk);
    char text[256];
    vx_assert(rd_kafka_topic_conf_set(conf, "auto.offset.reset", start == CONFIG_LATEST ? "latest" : "earliest", text,
                                      sizeof text) == RD_KAFKA_CONF_OK);
    for (size_t i = 0; i < c->pin_count; i++)
        if (strcmp(rd_kafka_topic_name(c->pins[i]), name) == 0) {
            rd_kafka_topic_conf_destroy(conf);
            return;
        }
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, name, conf);
    if (!rkt) {
        rd_kafka_topic_conf_destroy(conf);
        return;
    }
    c->pins = realloc(c->pins, (c->pin_count + 1) * sizeof(rd_kafka_topic_t *));
    vx_assert(c->pins != NULL);
    c->pins[c->pin_count++] = rkt;
}

static void subscribe_to(struct consumer *c, const struct wish *wish)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)wish->count);
    for (size_t i = 0; i < wish->count; i++) {
        pin_topic(c, wish->names[i], wish->starts[i]);
        rd_kafka_topic_partition_list_add(list, wish->names[i], RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t err = wish->count ? rd_kafka_subscribe(c->rk, list) : rd_kafka_unsubscribe(c->rk);
    rd_kafka_topic_partition_list_destroy(list);
    vx_log(err ? VX_LOG_ERROR : VX_LOG_INFO, "subscription.changed", "topics=%zu%s%s", wish->count,
           err ? " error=" : "", err ? rd_kafka_err2name(err) : "");
}

void consumer_subscribe_again(struct consumer *c)
{
    if (c->topics && c->topics->count > 0)
        subscribe_to(c, c->topics);
}

/* A release that changes no topics changes no subscription, and so causes no rebalance. */
static void subscribe(struct consumer *c)
{
    pthread_mutex_lock(&c->lock);
    struct wish *wish = c->wish, *was = c->topics;
    c->wish = NULL;
    if (wish)
        c->topics = wish;
    pthread_mutex_unlock(&c->lock);
    if (!wish)
        return;
    if (!wish_is_same(was, wish))
        subscribe_to(c, wish);
    wish_free(was);
}

enum config_start consumer_start_of(const struct consumer *c, const char *topic)
{
    int i = wish_find(c->topics, topic);
    return i < 0 ? CONFIG_EARLIEST : c->topics->starts[i];
}

bool consumer_is_exact(const struct consumer *c, const char *topic)
{
    int i = wish_find(c->topics, topic);
    return i >= 0 && c->topics->deliveries[i] == CONFIG_EXACTLY_ONCE;
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void note_message(const rd_kafka_message_t *m)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    const char *topic = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    if (m->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        vx_log(VX_LOG_WARN, "topic.missing", "topic=%s error=%s", topic,
               vx_log_quote(rd_kafka_message_errstr(m), quoted));
    else if (m->err)
        vx_log(VX_LOG_WARN, "consumer.error", "code=%s error=%s", rd_kafka_err2name(m->err),
               vx_log_quote(rd_kafka_message_errstr(m), quoted));
}

void consumer_poll(struct consumer *c, int timeout_ms)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, timeout_ms);
    if (!m)
        return;
    note_message(m);
    rd_kafka_message_destroy(m);
}

/* What librdkafka does not recover from. The process stays: a twin that took its place must not be thrown out in turn. */
static void note_fatal(struct consumer *c)
{
    char why[256], quoted[VX_LOG_QUOTE_SIZE];
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(c->rk, why, sizeof why);
    if (!err || atomic_exchange(&c->failed, true))
        return;
    atomic_store(&c->joined, false);
    vx_log(VX_LOG_ERROR, "consumer.failed", "code=%s error=%s", rd_kafka_err2name(err), vx_log_quote(why, quoted));
    /* librdkafka goes on fetching, and whoever took its place does the same events */
    consumer_close_all(c, vx_clock_ms());
}

/* A member has the name that the coordinator gave it until its LeaveGroup is on its way. */
static bool is_member(struct consumer *c)
{
    char *id = rd_kafka_memberid(c->rk);
    bool is = id && *id;
    rd_kafka_mem_free(c->rk, id);
    return is;
}

/* Under KIP-848 nobody waits for a member that is gone; and one with an instance_id stays a member over a restart. */
static bool must_withdraw(const struct consumer *c)
{
    const struct router_settings *s = c->setup.settings;
    const char *protocol = properties_value(&s->kafka, PROPERTIES_CONSUMER, "group.protocol");
    bool classic = !protocol || strcmp(protocol, "consumer") != 0;
    return classic && !s->instance_id && c->topics && c->topics->count > 0 && !atomic_load(&c->failed);
}

/* Ends the membership while the client still takes part in the group.
 *
 * Closed while the answer to its JoinGroup is on its way, librdkafka goes without a LeaveGroup unless it has
 * partitions. The broker keeps the member then until its session times out, and no rebalance ends before that.
 * Meanwhile nobody can leave in order: a broker answers the requests of one connection in turn, so a commit waits
 * behind the JoinGroup. Also, closing with a rebalance in the queue puts a second one behind it (rebalance.c). To
 * unsubscribe does neither: it waits for the rebalance to end, and then leaves. */
static void withdraw(struct consumer *c)
{
    int64_t name_ms = vx_clock_ms() + NAME_MS, until_ms = c->deadline_ms - CLOSE_MS;
    if (!must_withdraw(c))
        return;
    /* the first JoinGroup has no name to leave with; it is answered with one at once */
    while (!is_member(c) && vx_clock_ms() < (name_ms < until_ms ? name_ms : until_ms))
        consumer_poll(c, CLOSE_POLL_MS);
    if (!is_member(c) || vx_clock_ms() >= until_ms || rd_kafka_unsubscribe(c->rk) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    while (is_member(c) && vx_clock_ms() < until_ms)
        consumer_poll(c, CLOSE_POLL_MS);
}

/* Leaves the group, as long as the deadline lets it: consumer_close() has been seen to hang with dead brokers. */
static void leave(struct consumer *c)
{
    consumer_close_all(c, c->deadline_ms);
    withdraw(c);
    /* it may be closing already, to be replaced */
    rd_kafka_error_t *error = c->closing ? NULL : rd_kafka_consumer_close_queue(c->rk, c->queue);
    c->closing = true;
    if (error) {
        rd_kafka_error_destroy(error);
        return;
    }
    while (!rd_kafka_consumer_closed(c->rk) && vx_clock_ms() < c->deadline_ms)
        consumer_poll(c, CLOSE_POLL_MS);
    c->left = rd_kafka_consumer_closed(c->rk);
}

static void *run(void *arg)
{
    struct consumer *c = arg;
    int64_t interval_ms = c->setup.settings->commit_interval_ms, lag_ms = 0;
    c->commit_ms = vx_clock_ms() + interval_ms;
    while (!atomic_load(&c->stopping)) {
        subscribe(c);
        consumer_poll(c, POLL_MS);
        note_fatal(c);
        consumer_hand_over(c);
        int64_t now_ms = vx_clock_ms();
        if (now_ms >= c->begin_ms && !atomic_load(&c->failed) && !rd_kafka_assignment_lost(c->rk))
            consumer_begin(c);
        if (c->begin_ms == INT64_MAX && !atomic_load(&c->failed) && !rd_kafka_assignment_lost(c->rk))
            consumer_balance(c);
        bool hurry = !c->committing && atomic_exchange(&c->hurry, false);
        if (hurry || now_ms >= c->commit_ms) {
            c->commit_ms = now_ms + interval_ms;
            consumer_commit(c);
        }
        if (now_ms >= lag_ms) {
            consumer_measure_lag(c);
            lag_ms = now_ms + interval_ms;
        }
    }
    leave(c);
    return NULL;
}

/* --- from outside ------------------------------------------------------------------------------------------------ */

enum vx_status consumer_start(const struct consumer_setup *setup, struct consumer **out, struct vx_err *err)
{
    char text[256];
    struct consumer *c = calloc(1, sizeof *c);
    vx_assert(c != NULL);
    c->setup = *setup;
    c->begin_ms = INT64_MAX;
    c->rk = consumer_new_client(c, &setup->settings->kafka, text, sizeof text);
    if (!c->rk) {
        free(c);
        return vx_err_set(err, VX_EINVAL, "kafka: %s", text);
    }
    rd_kafka_poll_set_consumer(c->rk);
    c->queue = rd_kafka_queue_get_consumer(c->rk);
    pthread_rwlock_init(&c->client, NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->closed, &attr);
    pthread_condattr_destroy(&attr);
    vx_assert(pthread_create(&c->thread, NULL, run, c) == 0);
    *out = c;
    return VX_OK;
}

void consumer_renew(struct consumer *c, const struct vx_pairs *kafka)
{
    const char *user = properties_value(kafka, PROPERTIES_CONSUMER, "sasl.username");
    const char *password = properties_value(kafka, PROPERTIES_CONSUMER, "sasl.password");
    char quoted[VX_LOG_QUOTE_SIZE];
    pthread_rwlock_rdlock(&c->client);
    rd_kafka_error_t *error = user && password ? rd_kafka_sasl_set_credentials(c->rk, user, password) : NULL;
    pthread_rwlock_unlock(&c->client);
    if (error) {
        vx_log(VX_LOG_ERROR, "renewal.failed", "client=consumer reason=%s",
               vx_log_quote(rd_kafka_error_string(error), quoted));
        rd_kafka_error_destroy(error);
    }
    if (c->setup.settings->instance_id && properties_need_client(kafka)) {
        atomic_store(&c->fresh, kafka);
        wake(c);
    }
}

bool consumer_leave(struct consumer *c, int64_t deadline_ms)
{
    c->deadline_ms = deadline_ms;
    atomic_store(&c->stopping, true);
    wake(c);
    pthread_join(c->thread, NULL);
    return c->left;
}

void consumer_drop_client(struct consumer *c)
{
    for (size_t i = 0; i < c->pin_count; i++)
        rd_kafka_topic_destroy(c->pins[i]);
    free(c->pins);
    c->pins = NULL;
    c->pin_count = 0;
    rd_kafka_queue_destroy(c->queue);
}

void consumer_free(struct consumer *c)
{
    if (!c)
        return;
    consumer_drop_all(c);
    consumer_bury(c);
    consumer_drop_client(c);
    consumer_destroy_client(c->rk); /* a clean close was tried, with a deadline */
    wish_free(c->wish);
    wish_free(c->topics);
    pthread_cond_destroy(&c->closed);
    pthread_mutex_destroy(&c->lock);
    pthread_rwlock_destroy(&c->client);
    free(c);
}

struct rd_kafka_consumer_group_metadata_s *consumer_group(struct consumer *c)
{
    pthread_rwlock_rdlock(&c->client);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(c->rk);
    pthread_rwlock_unlock(&c->client);
    return group;
}

bool consumer_committed(struct consumer *c, struct rd_kafka_topic_partition_list_s *list, int timeout_ms)
{
    pthread_rwlock_rdlock(&c->client);
    bool known = rd_kafka_committed(c->rk, list, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_rwlock_unlock(&c->client);
    for (int i = 0; i < list->cnt; i++)
        known &= list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    return known;
}

bool consumer_has_joined(const struct consumer *c)
{
    return atomic_load(&c->joined);
}

bool consumer_has_failed(const struct consumer *c)
{
    return atomic_load(&c->failed);
}

void consumer_each(struct consumer *c, void (*each)(void *ctx, const struct consumer_partition *p), void *ctx)
{
    pthread_mutex_lock(&c->lock);
    for (struct assignment *a = c->assignments; a; a = a->next) {
        pthread_mutex_lock(&a->lock);
        struct consumer_partition p = {
            .topic = a->topic,
            .partition = a->partition,
            .committed = a->ledger.committed,
            .lag = a->lag,
            .depth_events = a->depth_events,
            .depth_bytes = a->depth_bytes,
            .hold = a->hold,
            .message = a->message,
        };
        each(ctx, &p);
        pthread_mutex_unlock(&a->lock);
    }
    pthread_mutex_unlock(&c->lock);
}
