/* The consumer's client is replaced by a new one, which reads certificates and keys anew: librdkafka reads them when a
 * client is made, and never again.
 *
 *     SIGHUP ──> a new client, and does it reach a broker? ──> drain all, commit ──> close the old one ──> subscribe
 *
 * Only a static member (KIP-345, `instance_id`) does this. Closed, it stays in its group, and whoever comes with the same
 * group.instance.id before the session ends is given its partitions without a rebalance; any other member would cost its
 * neighbours two of them. The old client is closed first: under KIP-848 a broker refuses the second one while the first is
 * there.
 *
 * Thread: the consumer's; what is left of an old client goes away in a thread of its own, since messages of partitions
 * that could not be drained in time hold it up. Invariant: a new client that reaches no broker replaces nothing. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/consumer_private.h"
#include "router/io/lifeline.h"
#include "router/io/properties.h"

enum {
    REACH_MS = 5000, /* for the new client's first connection */
    REACH_STEP_MS = 500,
    POLL_MS = 20,
};

/* A client that was replaced. */
struct consumer_old {
    rd_kafka_t *rk;
    pthread_t thread;
    struct consumer_old *next;
};

rd_kafka_t *consumer_new_client(struct consumer *c, const struct vx_pairs *kafka, char *why, size_t size)
{
    const struct router_settings *s = c->setup.settings;
    rd_kafka_conf_t *conf = properties_new(PROPERTIES_CONSUMER, kafka);
    properties_set(conf, "group.id", s->fleet);
    properties_set(conf, "auto.offset.reset", "earliest");
    if (s->instance_id)
        properties_set(conf, "group.instance.id", s->instance_id);
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_rebalance_cb(conf, consumer_on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, consumer_on_commit);
    return lifeline_new(RD_KAFKA_CONSUMER, conf, why, size);
}

void consumer_destroy_client(rd_kafka_t *rk)
{
    lifeline_destroy(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void *destroy(void *arg)
{
    struct consumer_old *old = arg;
    consumer_destroy_client(old->rk);
    return NULL;
}

/* The old client lets go of its partitions, which are drained; it does not leave the group. With dead brokers closing has been
 * seen to hang: at the deadline it is replaced all the same, and the session is what ends it. */
static void close_client(struct consumer *c, int64_t deadline_ms)
{
    c->closing = true;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(c->rk, c->queue);
    if (error)
        rd_kafka_error_destroy(error);
    else
        while (!rd_kafka_consumer_closed(c->rk) && !atomic_load(&c->stopping) && vx_clock_ms() < deadline_ms)
            consumer_poll(c, POLL_MS);
    consumer_drop_all(c);
}

static void swap(struct consumer *c, rd_kafka_t *rk)
{
    struct consumer_old *old = calloc(1, sizeof *old);
    vx_assert(old != NULL);
    pthread_rwlock_wrlock(&c->client);
    consumer_drop_client(c);
    old->rk = c->rk;
    c->rk = rk;
    rd_kafka_poll_set_consumer(rk);
    c->queue = rd_kafka_queue_get_consumer(rk);
    pthread_rwlock_unlock(&c->client);
    c->closing = c->answered = c->committing = false;
    vx_assert(pthread_create(&old->thread, NULL, destroy, old) == 0);
    old->next = c->old;
    c->old = old;
}

/* Does it reach a broker, with what it has read? */
static rd_kafka_t *new_that_works(struct consumer *c, const struct vx_pairs *kafka)
{
    char why[256], quoted[VX_LOG_QUOTE_SIZE];
    const rd_kafka_metadata_t *md;
    rd_kafka_t *rk = consumer_new_client(c, kafka, why, sizeof why);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int ms = 0; rk && err && ms < REACH_MS && !atomic_load(&c->stopping); ms += REACH_STEP_MS)
        err = rd_kafka_metadata(rk, 0, NULL, &md, REACH_STEP_MS);
    if (rk && !err) {
        rd_kafka_metadata_destroy(md);
        return rk;
    }
    vx_log(VX_LOG_ERROR, "renewal.failed", "client=consumer reason=%s",
           vx_log_quote(rk ? rd_kafka_err2str(err) : why, quoted));
    if (rk)
        consumer_destroy_client(rk);
    return NULL;
}

void consumer_hand_over(struct consumer *c)
{
    const struct vx_pairs *kafka = atomic_exchange(&c->fresh, NULL);
    rd_kafka_t *rk = kafka && !atomic_load(&c->failed) ? new_that_works(c, kafka) : NULL;
    if (!rk)
        return;
    int64_t now_ms = vx_clock_ms();
    consumer_close_all(c, now_ms + c->setup.settings->drain_timeout_ms);
    close_client(c, vx_clock_ms() + c->setup.settings->drain_timeout_ms);
    if (atomic_load(&c->stopping)) { /* meanwhile: the old one is what leaves */
        consumer_destroy_client(rk);
        return;
    }
    swap(c, rk);
    consumer_subscribe_again(c);
    vx_log(VX_LOG_INFO, "consumer.renewed", "took_ms=%lld", (long long)(vx_clock_ms() - now_ms));
}

void consumer_bury(struct consumer *c)
{
    for (struct consumer_old *next; c->old; c->old = next) {
        next = c->old->next;
        pthread_join(c->old->thread, NULL);
        free(c->old);
    }
}
