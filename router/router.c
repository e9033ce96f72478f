/* The router as a whole: makes the parts, ties them together, takes them apart.
 *
 * Order of starting: destinations, workers, consumer (joins nothing yet), admin, etcd, store, follower (whose first
 * release makes the consumer join), presence. Stopping: admin, follower, consumer (drains, commits, leaves), presence,
 * workers, then what they used.
 *
 * Thread: the main thread; on_release on the follower's, the answers of the admin port on its own. What is shared is
 * thread-safe by itself, but `follower`, which workers may want while it is stopped.
 */
#include "router/router.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/store.h"
#include "router/admin/admin.h"
#include "router/follow/cache.h"
#include "router/follow/follower.h"
#include "router/io/consumer.h"
#include "router/io/lifeline.h"
#include "router/report.h"
#include "router/subscription.h"

enum {
    REPORT_MS = 100,      /* at most this often when something changed: `apply` waits for it */
    ADMISSION_MS = 5000,  /* after which a router that could not register joins all the same */
    REPORT_MAX_MS = 2000, /* and at least this often, for the counters */
};

struct router {
    const struct router_settings *settings;
    char instance[17];
    int64_t started_ms; /* wall clock */
    int64_t began_ms;   /* the same, monotonic */
    struct metrics *metrics;
    struct destinations *destinations;
    struct worker **workers;
    size_t worker_count;
    struct consumer *consumer;
    struct admin *admin;
    struct etcd *etcd;
    struct store *store;
    struct follower *follower;
    struct store_presence *presence;
    struct subscription *subscription;
    pthread_mutex_t lock; /* of `follower`, against workers */
    atomic_bool changed;
    int64_t reported_ms;
    bool was_joined, was_ready;
    bool *hung; /* by worker: said so */
};

/* --- callbacks --------------------------------------------------------------------------------------------------- */

static void on_destinations(void *ctx)
{
    struct router *r = ctx;
    for (size_t i = 0; i < r->worker_count; i++)
        if (r->workers[i])
            worker_wake(r->workers[i]);
    atomic_store(&r->changed, true);
}

static void on_closed(void *ctx, struct assignment *a)
{
    consumer_on_closed(((struct router *)ctx)->consumer, a);
}

static struct rd_kafka_consumer_group_metadata_s *group(void *ctx)
{
    return consumer_group(((struct router *)ctx)->consumer);
}

static bool committed(void *ctx, struct rd_kafka_topic_partition_list_s *list, int timeout_ms)
{
    return consumer_committed(((struct router *)ctx)->consumer, list, timeout_ms);
}

static void on_course(void *ctx)
{
    consumer_on_course(((struct router *)ctx)->consumer);
}

static void on_want(void *ctx, uint32_t release)
{
    struct router *r = ctx;
    pthread_mutex_lock(&r->lock);
    if (r->follower) /* else it stops, and with it what wants the release */
        follower_want(r->follower, release);
    pthread_mutex_unlock(&r->lock);
}

/* An older release that a worker wants; all get it, since others may want it too. */
static void on_older(void *ctx, uint32_t release, struct table *t)
{
    struct router *r = ctx;
    struct adoption *a = t ? adoption_new(t, 0, r->metrics) : NULL;
    for (size_t i = 0; i < r->worker_count; i++)
        worker_post_older(r->workers[i], release, a ? adoption_ref(a) : NULL);
    adoption_unref(a);
}

static void on_topics(void *ctx, const struct vx_strings *topics)
{
    subscription_list(((struct router *)ctx)->subscription, topics);
}

/* A release to run: asks about its destinations ahead of the first record, then swaps, then subscribes. Workers have
 * the table before the first event of a topic that it adds; a topic that it drops is held until it is revoked. */
static void on_release(void *ctx, struct table *t, uint64_t generation)
{
    struct router *r = ctx;
    size_t count;
    const char *const *names = table_destinations(t, &count);
    for (size_t i = 0; i < count; i++)
        destinations_get(r->destinations, vx_span_str(names[i]));
    struct adoption *a = adoption_new(t, generation, r->metrics);
    for (size_t i = 0; i < r->worker_count; i++)
        worker_post(r->workers[i], adoption_ref(a));
    adoption_unref(a);
    int64_t list_ms = table_has_patterns(t) ? subscription_list_interval_ms(r->settings) : 0;
    subscription_follow(r->subscription, t); /* first: listing is for its patterns */
    destinations_list(r->destinations, list_ms, on_topics);
    atomic_store(&r->changed, true);
}

static void on_change(void *ctx)
{
    atomic_store(&((struct router *)ctx)->changed, true);
}

static void on_refused(void *ctx, const char *message)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    subscription_refuse(((struct router *)ctx)->subscription);
    vx_log(VX_LOG_ERROR, "presence.refused", "reason=%s", vx_log_quote(message, quoted));
}

static void on_presence(void *ctx, bool present, const char *reason)
{
    struct router *r = ctx;
    char quoted[VX_LOG_QUOTE_SIZE];
    if (present && reason && reason[0])
        vx_log(VX_LOG_WARN, "presence.troubled", "reason=%s", vx_log_quote(reason, quoted));
    else if (present)
        vx_log(VX_LOG_INFO, "presence.registered", "instance=%s", r->instance);
    else
        vx_log(VX_LOG_WARN, "presence.lost", "reason=%s", vx_log_quote(reason ? reason : "", quoted));
    /* without etcd nobody can say no: routing goes on */
    subscription_admit(r->subscription);
}

/* --- reports ----------------------------------------------------------------------------------------------------- */

/* Since when a worker does not move, monotonic; 0: it does. */
static int64_t hung_since(const struct router *r, size_t i, int64_t now_ms)
{
    int64_t moved_ms = worker_moved_ms(r->workers[i]);
    return now_ms - moved_ms >= r->settings->worker_timeout_ms ? moved_ms : 0;
}

static void gather(struct router *r, struct report *out)
{
    *out = (struct report){
        .settings = r->settings,
        .instance = r->instance,
        .started_ms = r->started_ms,
        .joined = consumer_has_joined(r->consumer),
        .consumer = r->consumer,
        .destinations = r->destinations,
        .metrics = r->metrics,
    };
    if (r->follower)
        follower_status(r->follower, &out->follower);
    out->workers_release = worker_release(r->workers[0]);
    int64_t now_ms = vx_clock_ms();
    for (size_t i = 0; i < r->worker_count; i++) {
        if (worker_release(r->workers[i]) != out->workers_release)
            out->workers_release = 0;
        out->workers_hung += hung_since(r, i, now_ms) != 0;
    }
}

static bool answer_healthz(void *ctx, struct vx_buf *out)
{
    const struct router *r = ctx;
    bool good = true;
    int64_t now_ms = vx_clock_ms(), since_ms;
    for (size_t i = 0; i < r->worker_count; i++)
        if ((since_ms = hung_since(r, i, now_ms)) != 0) {
            vx_buf_printf(out, "worker %zu has not moved for %lld s\n", i, (long long)(now_ms - since_ms) / 1000);
            good = false;
        }
    if (consumer_has_failed(r->consumer)) {
        vx_buf_str(out, "the consumer has failed for good (event=consumer.failed): start this router again\n");
        good = false;
    }
    if (good)
        vx_buf_str(out, "ok\n");
    return good;
}

/* Says when a worker hangs and when it moves again. */
static void watch_workers(struct router *r, int64_t now_ms)
{
    for (size_t i = 0; i < r->worker_count; i++) {
        int64_t since_ms = hung_since(r, i, now_ms);
        if ((since_ms != 0) == r->hung[i])
            continue;
        r->hung[i] = !r->hung[i];
        atomic_store(&r->changed, true);
        if (since_ms)
            vx_log(VX_LOG_ERROR, "worker.hung", "worker=%zu silent_ms=%lld", i, (long long)(now_ms - since_ms));
        else
            vx_log(VX_LOG_WARN, "worker.moves", "worker=%zu", i);
    }
}

static bool answer_readyz(void *ctx, struct vx_buf *out)
{
    struct report report;
    gather(ctx, &report);
    return report_ready(&report, out);
}

static bool answer_metrics(void *ctx, struct vx_buf *out)
{
    struct report report;
    gather(ctx, &report);
    report_metrics(&report, out);
    return true;
}

static bool answer_status(void *ctx, struct vx_buf *out)
{
    struct report report;
    gather(ctx, &report);
    report_status(&report, out);
    return true;
}

void router_tick(struct router *r, int64_t now_ms)
{
    struct report report;
    watch_workers(r, now_ms);
    lifeline_tick(now_ms);
    int64_t age_ms = now_ms - r->reported_ms;
    if (now_ms - r->began_ms >= ADMISSION_MS)
        subscription_admit_unless_refused(r->subscription);
    if (consumer_has_joined(r->consumer) != r->was_joined) {
        r->was_joined = !r->was_joined;
        age_ms = REPORT_MAX_MS;
    }
    if (age_ms < REPORT_MAX_MS && !(atomic_load(&r->changed) && age_ms >= REPORT_MS))
        return;
    atomic_store(&r->changed, false);
    r->reported_ms = now_ms;
    gather(r, &report);
    bool ready = report_ready(&report, NULL);
    if (ready != r->was_ready)
        vx_log(VX_LOG_INFO, ready ? "router.ready" : "router.unready", "release=%u", report.follower.follow.running);
    r->was_ready = ready;
    struct vx_buf text = {0};
    report_presence(&report, &text);
    store_presence_report(r->presence, vx_buf_text(&text));
    vx_buf_done(&text);
}

void router_renew(struct router *r, const struct vx_pairs *kafka)
{
    for (size_t i = 0; i < r->worker_count; i++)
        worker_renew(r->workers[i], kafka);
    destinations_renew(r->destinations, kafka);
    consumer_renew(r->consumer, kafka);
}

void router_renew_etcd(struct router *r, const char *password)
{
    etcd_set_password(r->etcd, password);
}

/* --- starting and stopping --------------------------------------------------------------------------------------- */

static enum vx_status start_kafka(struct router *r, struct vx_err *err)
{
    const struct router_settings *s = r->settings;
    enum vx_status st = destinations_start(&s->kafka, on_destinations, r, &r->destinations, err);
    if (st == VX_OK)
        destinations_refresh(r->destinations, subscription_list_interval_ms(s));
    for (size_t i = 0; st == VX_OK && i < (size_t)s->workers_count; i++) {
        struct worker_setup setup = {.settings = s,
                                     .metrics = r->metrics,
                                     .destinations = r->destinations,
                                     .number = i,
                                     .on_closed = on_closed,
                                     .on_course = on_course,
                                     .on_want = on_want,
                                     .group = group,
                                     .committed = committed,
                                     .ctx = r};
        st = worker_start(&setup, &r->workers[i], err);
        if (st == VX_OK)
            r->worker_count++;
    }
    struct consumer_setup setup = {.settings = s, .workers = r->workers, .worker_count = r->worker_count};
    if (st == VX_OK)
        st = consumer_start(&setup, &r->consumer, err);
    if (st == VX_OK)
        r->subscription = subscription_new(r->consumer);
    return st;
}

static enum vx_status start_admin(struct router *r, struct vx_err *err)
{
    struct admin_setup setup = {
        .address = r->settings->admin,
        .healthz = answer_healthz,
        .readyz = answer_readyz,
        .metrics = answer_metrics,
        .status = answer_status,
        .ctx = r,
    };
    return admin_start(&setup, &r->admin, err);
}

static enum vx_status start_etcd(struct router *r, struct vx_err *err)
{
    const struct router_settings *s = r->settings;
    struct etcd_config config = router_settings_etcd(s);
    static const struct store_presence_ops presence = {.on_refused = on_refused, .on_state = on_presence};
    struct follower_setup setup = {.fleet = s->fleet,
                                   .state_dir = s->state_dir,
                                   .on_release = on_release,
                                   .on_older = on_older,
                                   .on_change = on_change,
                                   .ctx = r};
    enum vx_status st = etcd_new(&config, &r->etcd, err);
    if (st == VX_OK)
        st = store_new(r->etcd, s->fleet, &r->store, err);
    if (st == VX_OK)
        st = store_presence_start(r->store, s->id, r->instance, &presence, r, &r->presence, err);
    setup.store = r->store;
    pthread_mutex_lock(&r->lock);
    if (st == VX_OK)
        st = follower_start(&setup, &r->follower, err);
    pthread_mutex_unlock(&r->lock);
    return st;
}

enum vx_status router_start(const struct router_settings *settings, struct router **out, struct vx_err *err)
{
    uint64_t random;
    struct router *r = calloc(1, sizeof *r);
    vx_assert(r != NULL);
    vx_assert(getrandom(&random, sizeof random, 0) == sizeof random);
    snprintf(r->instance, sizeof r->instance, "%016llx", (unsigned long long)random);
    srandom((unsigned)random);
    r->settings = settings;
    r->started_ms = vx_clock_wall_ms();
    r->began_ms = vx_clock_ms();
    pthread_mutex_init(&r->lock, NULL);
    r->metrics = metrics_new((size_t)settings->workers_count);
    r->workers = calloc((size_t)settings->workers_count, sizeof(struct worker *));
    r->hung = calloc((size_t)settings->workers_count, sizeof *r->hung);
    vx_assert(r->workers && r->hung);
    enum vx_status st = settings->state_dir ? cache_check(settings->state_dir, err) : VX_OK;
    if (st == VX_OK)
        st = start_kafka(r, err);
    if (st == VX_OK)
        st = start_etcd(r, err);
    if (st == VX_OK)
        st = start_admin(r, err);
    if (st == VX_OK) {
        *out = r;
        return VX_OK;
    }
    router_stop(r);
    return st;
}

bool router_stop(struct router *r)
{
    int64_t deadline_ms = vx_clock_ms() + r->settings->drain_timeout_ms;
    bool clean = true;
    admin_stop(r->admin);
    pthread_mutex_lock(&r->lock);
    struct follower *f = r->follower;
    r->follower = NULL;
    pthread_mutex_unlock(&r->lock);
    follower_stop(f);
    if (r->consumer)
        clean = consumer_leave(r->consumer, deadline_ms);
    store_presence_stop(r->presence);
    /* brokers that do not answer would hold up the rest for as long as they like */
    if (!clean)
        return false;
    destinations_stop(r->destinations);
    for (size_t i = 0; i < r->worker_count; i++)
        worker_stop(r->workers[i]);
    consumer_free(r->consumer);
    destinations_free(r->destinations);
    store_free(r->store);
    etcd_free(r->etcd);
    metrics_free(r->metrics);
    subscription_free(r->subscription);
    pthread_mutex_destroy(&r->lock);
    free(r->workers);
    free(r->hung);
    free(r);
    return clean;
}
