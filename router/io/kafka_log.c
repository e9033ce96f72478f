/* librdkafka's words, not more often than an operator can read them. Called from any of librdkafka's threads; one lock
 * around the memory of what was said, which is the process's. */
#include "router/io/kafka_log.h"

#include <pthread.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kafka_log_memory memory;

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash_without_digits(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < '0' || *p > '9')
            h = (h ^ *p) * 0x100000001b3u;
    return h;
}

bool kafka_log_says(struct kafka_log_memory *m, const char *text, int64_t now_ms, unsigned *unsaid_count)
{
    uint64_t hash = hash_without_digits(text);
    size_t oldest = 0, at = KAFKA_LOG_KEPT;
    for (size_t i = 0; i < KAFKA_LOG_KEPT; i++) {
        if (m->kept[i].hash == hash)
            at = i;
        if (m->kept[i].said_ms < m->kept[oldest].said_ms)
            oldest = i;
    }
    if (at < KAFKA_LOG_KEPT && now_ms - m->kept[at].said_ms < KAFKA_LOG_AGAIN_MS) {
        m->kept[at].unsaid_count++;
        return false;
    }
    *unsaid_count = at < KAFKA_LOG_KEPT ? m->kept[at].unsaid_count : 0;
    at = at < KAFKA_LOG_KEPT ? at : oldest;
    m->kept[at].hash = hash;
    m->kept[at].said_ms = now_ms;
    m->kept[at].unsaid_count = 0;
    return true;
}

void kafka_log(const struct rd_kafka_s *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    char quoted[VX_LOG_QUOTE_SIZE];
    unsigned unsaid_count;
    /* a property of the other client, which a shared section is bound to have */
    if (strcmp(facility, "CONFWARN") == 0)
        return;
    pthread_mutex_lock(&lock);
    bool says = kafka_log_says(&memory, text, vx_clock_ms(), &unsaid_count);
    pthread_mutex_unlock(&lock);
    if (says)
        vx_log(level <= 3   ? VX_LOG_WARN
               : level <= 6 ? VX_LOG_INFO
                            : VX_LOG_DEBUG,
               "kafka.log", "facility=%s text=%s unsaid=%u", facility, vx_log_quote(text, quoted), unsaid_count);
}
