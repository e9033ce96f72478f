/* Clients that lost all brokers and fell silent. See lifeline.h.
 *
 * Thread: on_error() in whichever polls a client; new and destroy in whichever owns it; tick on the main thread. The list is
 * the process's, since callbacks know a client only by its handle. Two locks: `telling` is held while librdkafka is told,
 * so that no client is destroyed meanwhile; `lock` guards the list, for moments only, and is the inner one. A callback
 * takes only that: it never waits for librdkafka. Invariant: a handle on the list is alive. */
#include "router/io/lifeline.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "router/io/kafka_log.h"

struct client {
    rd_kafka_t *rk; /* its owner's */
    struct lifeline_memory memory;
    struct client *next;
};

static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct client *clients;

void lifeline_note(struct lifeline_memory *m, int64_t now_ms)
{
    m->down_ms = now_ms;
}

bool lifeline_is_due(struct lifeline_memory *m, int64_t now_ms)
{
    if (!m->down_ms || now_ms - m->down_ms < LIFELINE_SILENT_MS)
        return false;
    m->down_ms = 0;
    return true;
}

/* Under the lock. */
static struct client **find(const rd_kafka_t *rk)
{
    struct client **at = &clients;
    while (*at && (*at)->rk != rk)
        at = &(*at)->next;
    return at;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    char text[512];
    (void)opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        pthread_mutex_lock(&lock);
        struct client *c = *find(rk);
        if (c)
            lifeline_note(&c->memory, vx_clock_ms());
        pthread_mutex_unlock(&lock);
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) /* librdkafka has logged it itself */
        return;
    snprintf(text, sizeof text, "%s: %s", rd_kafka_name(rk), reason);
    kafka_log(rk, 3, "ERROR", text);
}

rd_kafka_t *lifeline_new(int type, rd_kafka_conf_t *conf, char *why, size_t size)
{
    struct client *c = calloc(1, sizeof *c);
    vx_assert(c != NULL);
    rd_kafka_conf_set_error_cb(conf, on_error);
    c->rk = rd_kafka_new((rd_kafka_type_t)type, conf, why, size);
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        free(c);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    c->next = clients;
    clients = c;
    pthread_mutex_unlock(&lock);
    return c->rk;
}

void lifeline_destroy(rd_kafka_t *rk, int flags)
{
    pthread_mutex_lock(&telling);
    pthread_mutex_lock(&lock);
    struct client **at = find(rk), *c = *at;
    *at = c->next;
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&telling);
    free(c);
    rd_kafka_destroy_flags(rk, flags);
}

/* No name is looked up and nothing is sent here: librdkafka's own threads do that. */
static void tell(rd_kafka_t *rk)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    size_t size = 0;
    const rd_kafka_conf_t *conf = rd_kafka_conf(rk);
    vx_assert(rd_kafka_conf_get(conf, "bootstrap.servers", NULL, &size) == RD_KAFKA_CONF_OK);
    char *servers = calloc(1, size + 1);
    vx_assert(servers != NULL);
    vx_assert(rd_kafka_conf_get(conf, "bootstrap.servers", servers, &size) == RD_KAFKA_CONF_OK);
    vx_log(VX_LOG_INFO, "kafka.bootstrap", "client=%s added=%d", vx_log_quote(rd_kafka_name(rk), quoted),
           rd_kafka_brokers_add(rk, servers));
    free(servers);
}

static rd_kafka_t *next_due(int64_t now_ms)
{
    pthread_mutex_lock(&lock);
    struct client *c = clients;
    while (c && !lifeline_is_due(&c->memory, now_ms))
        c = c->next;
    rd_kafka_t *rk = c ? c->rk : NULL;
    pthread_mutex_unlock(&lock);
    return rk;
}

void lifeline_tick(int64_t now_ms)
{
    rd_kafka_t *rk;
    pthread_mutex_lock(&telling);
    while ((rk = next_due(now_ms)) != NULL)
        tell(rk);
    pthread_mutex_unlock(&telling);
}
