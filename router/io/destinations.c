/* The registry of destinations and the thread that asks about them.
 *
 * Thread: destinations_get/doubt/confirm from any worker, under one lock, seldom (workers keep pointers); ask() on its
 * own thread, without the lock while it waits for a broker. Owns all entries until the end and a producer handle of its
 * own, so that a broker that creates topics on demand does so here as it would for any producer. Invariant: an entry
 * that is not "there" is on the agenda, unless it is being asked about.
 */
#include "router/io/destinations.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "router/io/inquiry.h"
#include "router/io/lifeline.h"
#include "router/io/properties.h"

enum { BUCKETS = 1024, REFRESH_SPACING_MS = 10, POLL_MS = 5000 };

struct destinations {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    size_t count;
    struct destination *buckets[BUCKETS];
    struct agenda agenda;              /* of those that are to be asked about */
    rd_kafka_t *rk;                    /* the thread's own while it runs */
    bool unanswered;                   /* the thread's own: its last question brought nothing */
    const struct vx_pairs *fresh;      /* under the lock: properties for a new client; NULL: none is wanted */
    int64_t refresh_interval_ms;       /* of asking about those that are there; 0: never */
    int64_t list_interval_ms, list_ms; /* of listing all topics; 0: never. When next, monotonic */
    void (*on_topics)(void *ctx, const struct vx_strings *topics);
    void (*on_change)(void *ctx);
    void *ctx;
};

static struct destination **find(struct destinations *d, struct vx_span name)
{
    struct destination **at = &d->buckets[vx_hash64(name) % BUCKETS];
    while (*at && !vx_span_is(name, (*at)->name))
        at = &(*at)->next;
    return at;
}

struct destination *destinations_get(struct destinations *d, struct vx_span name)
{
    pthread_mutex_lock(&d->lock);
    struct destination **at = find(d, name);
    if (!*at && d->count < DESTINATIONS_MAX) {
        *at = calloc(1, sizeof **at);
        vx_assert(*at != NULL);
        atomic_init(&(*at)->batch_record_bytes, DESTINATIONS_RECORD_BYTES);
        (*at)->name = strndup(name.at, name.len);
        vx_assert((*at)->name != NULL);
        d->count++;
        agenda_put(&d->agenda, &(*at)->due, 0);
        pthread_cond_signal(&d->wake);
    }
    struct destination *found = *at;
    pthread_mutex_unlock(&d->lock);
    return found;
}

/* 0.5 s, 1 s, 2 s ... 15 s, a quarter more or less. Under the lock. */
static void set_due(struct destinations *d, struct destination *e)
{
    int64_t wait = DESTINATIONS_RETRY_MIN_MS << (e->tries < 6 ? e->tries : 6);
    if (wait > DESTINATIONS_RETRY_MAX_MS)
        wait = DESTINATIONS_RETRY_MAX_MS;
    e->tries++;
    agenda_put(&d->agenda, &e->due, vx_clock_ms() + wait * 3 / 4 + random() % (wait / 2 + 1));
}

void destinations_ask(struct destinations *d, struct destination *destination)
{
    pthread_mutex_lock(&d->lock);
    if (atomic_load(&destination->state) == DESTINATION_THERE) {
        agenda_put(&d->agenda, &destination->due, vx_clock_ms());
        pthread_cond_signal(&d->wake);
    }
    pthread_mutex_unlock(&d->lock);
}

void destinations_doubt(struct destinations *d, struct destination *destination, enum destination_state state)
{
    pthread_mutex_lock(&d->lock);
    if (atomic_load(&destination->state) == DESTINATION_THERE) {
        atomic_store(&destination->state, (int)state);
        set_due(d, destination);
        pthread_cond_signal(&d->wake);
    }
    pthread_mutex_unlock(&d->lock);
}

void destinations_confirm(struct destinations *d, struct destination *destination)
{
    pthread_mutex_lock(&d->lock);
    destination->tries = 0;
    pthread_mutex_unlock(&d->lock);
}

/* A refused batch costs a producer, so what may be refused is tried alone first. Half of what was too large: compression
 * makes it uncertain, and each size that gets there raises the bound again. */
void destinations_learn(struct destination *destination, size_t bytes, bool taken)
{
    size_t known = atomic_load_explicit(&destination->batch_record_bytes, memory_order_relaxed);
    if (taken ? bytes > known : bytes <= known)
        atomic_store_explicit(&destination->batch_record_bytes, taken ? bytes : bytes / 2, memory_order_relaxed);
}

void destinations_missing(struct destinations *d, void (*each)(void *ctx, const char *name, bool forbidden), void *ctx)
{
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct destination *e = d->buckets[i]; e; e = e->next) {
            int state = atomic_load(&e->state);
            if (state == DESTINATION_MISSING || state == DESTINATION_FORBIDDEN)
                each(ctx, e->name, state == DESTINATION_FORBIDDEN);
        }
    pthread_mutex_unlock(&d->lock);
}

/* The destination that is due, or when one will be. Under the lock. */
static struct destination *next_due(struct destinations *d, int64_t *due_ms)
{
    struct agenda_entry *first = agenda_first(&d->agenda);
    *due_ms = first ? first->due_ms : INT64_MAX;
    if (*due_ms > vx_clock_ms())
        return NULL;
    return (struct destination *)((char *)first - offsetof(struct destination, due));
}

/* Not for long: what the client has to say is served between questions. */
static void wait_until(struct destinations *d, int64_t due_ms)
{
    int64_t poll_ms = vx_clock_ms() + POLL_MS;
    rd_kafka_poll(d->rk, 0);
    due_ms = due_ms < poll_ms ? due_ms : poll_ms;
    struct timespec ts = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
    pthread_cond_timedwait(&d->wake, &d->lock, &ts);
}

static rd_kafka_t *new_client(const struct vx_pairs *kafka, char *why, size_t size)
{
    return lifeline_new(RD_KAFKA_PRODUCER, properties_new(PROPERTIES_PRODUCER, kafka), why, size);
}

/* The new client first: where it cannot be made, the old one stays. */
static void renew(struct destinations *d, const struct vx_pairs *kafka)
{
    char why[256], quoted[VX_LOG_QUOTE_SIZE];
    rd_kafka_t *rk = new_client(kafka, why, sizeof why);
    if (!rk) {
        vx_log(VX_LOG_ERROR, "renewal.failed", "client=destinations reason=%s", vx_log_quote(why, quoted));
        return;
    }
    lifeline_destroy(d->rk, 0);
    d->rk = rk;
}

/* Until one that is there is asked about again. Under the lock. */
static int64_t refresh_after_ms(const struct destinations *d)
{
    int64_t spaced_ms = (int64_t)d->count * REFRESH_SPACING_MS;
    return d->refresh_interval_ms > spaced_ms ? d->refresh_interval_ms : spaced_ms;
}

/* Asks about one, and says when it is asked about next. Under the lock, but not while it waits. */
static void ask(struct destinations *d, struct destination *e)
{
    struct destination_answer answer = {.state = DESTINATION_UNKNOWN};
    bool seen = e->seen;
    agenda_drop(&d->agenda, &e->due);
    pthread_mutex_unlock(&d->lock);
    if (!d->unanswered || inquiry_reaches(d->rk))
        inquiry_ask(d->rk, e->name, seen, &answer);
    d->unanswered = answer.state == DESTINATION_UNKNOWN;
    pthread_mutex_lock(&d->lock);
    bool changed = destination_take(e, &answer);
    if (answer.state != DESTINATION_THERE)
        set_due(d, e);
    else if (!seen) /* for its id, when all new ones have been asked about */
        agenda_put(&d->agenda, &e->due, vx_clock_ms());
    else if (d->refresh_interval_ms && e->due.place == 0)
        agenda_put(&d->agenda, &e->due, vx_clock_ms() + refresh_after_ms(d));
    pthread_mutex_unlock(&d->lock);
    if (changed)
        d->on_change(d->ctx);
    pthread_mutex_lock(&d->lock);
}

static void *run(void *arg)
{
    struct destinations *d = arg;
    pthread_mutex_lock(&d->lock);
    while (!d->stopping) {
        int64_t due_ms;
        const struct vx_pairs *fresh = d->fresh;
        d->fresh = NULL;
        if (fresh) {
            pthread_mutex_unlock(&d->lock);
            renew(d, fresh);
            pthread_mutex_lock(&d->lock);
            continue;
        }
        if (d->list_interval_ms && vx_clock_ms() >= d->list_ms) {
            d->list_ms = vx_clock_ms() + d->list_interval_ms;
            pthread_mutex_unlock(&d->lock);
            inquiry_list(d->rk, d->on_topics, d->ctx);
            pthread_mutex_lock(&d->lock);
            continue;
        }
        struct destination *e = next_due(d, &due_ms);
        if (d->list_interval_ms && d->list_ms < due_ms)
            due_ms = d->list_ms;
        if (!e) {
            wait_until(d, due_ms);
            continue;
        }
        ask(d, e);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

enum vx_status destinations_start(const struct vx_pairs *kafka, void (*on_change)(void *ctx), void *ctx,
                                  struct destinations **out, struct vx_err *err)
{
    char text[256];
    rd_kafka_t *rk = new_client(kafka, text, sizeof text);
    if (!rk)
        return vx_err_set(err, VX_EINVAL, "kafka: %s", text);
    struct destinations *d = calloc(1, sizeof *d);
    vx_assert(d != NULL);
    d->rk = rk;
    d->on_change = on_change;
    d->ctx = ctx;
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &attr);
    pthread_condattr_destroy(&attr);
    vx_assert(pthread_create(&d->thread, NULL, run, d) == 0);
    *out = d;
    return VX_OK;
}

void destinations_renew(struct destinations *d, const struct vx_pairs *kafka)
{
    pthread_mutex_lock(&d->lock);
    d->fresh = kafka;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

void destinations_refresh(struct destinations *d, int64_t interval_ms)
{
    pthread_mutex_lock(&d->lock);
    d->refresh_interval_ms = interval_ms;
    pthread_mutex_unlock(&d->lock);
}

void destinations_list(struct destinations *d, int64_t interval_ms,
                       void (*on_topics)(void *ctx, const struct vx_strings *topics))
{
    pthread_mutex_lock(&d->lock);
    d->list_interval_ms = interval_ms;
    d->list_ms = vx_clock_ms();
    d->on_topics = on_topics;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

void destinations_stop(struct destinations *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
}

void destinations_free(struct destinations *d)
{
    if (!d)
        return;
    lifeline_destroy(d->rk, 0);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct destination *e = d->buckets[i], *next; e; e = next) {
            next = e->next;
            free((char *)e->name);
            free(e);
        }
    agenda_done(&d->agenda);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
