/* See subscription.h. The lock guards all but `said`; `there` and `said` are written by the thread that lists topics
 * alone. Invariant: `waiting` means that `followed` or `there` is newer than what the consumer was told.
 */
#include "router/subscription.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "router/io/properties.h"

enum { LIST_MS = 30000 }; /* topics are listed for patterns, unless router.conf says otherwise */

enum admission { ADMISSION_OPEN, ADMISSION_REFUSED, ADMISSION_GRANTED };

struct subscription {
    struct consumer *consumer; /* borrowed */
    pthread_mutex_t lock;
    enum admission admission;
    struct table *followed; /* whose topics are subscribed to once it is admitted; NULL: none yet */
    bool waiting;           /* it is not subscribed to yet */
    struct vx_strings
        there;          /* owned: topics of the cluster, as last listed, sorted; none before, or without patterns */
    bool listed;        /* they were */
    struct table *said; /* the table of the last listing; NULL: none */
};

struct subscription *subscription_new(struct consumer *consumer)
{
    struct subscription *s = calloc(1, sizeof *s);
    vx_assert(s != NULL);
    s->consumer = consumer;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void free_there(struct subscription *s)
{
    for (size_t i = 0; i < s->there.count; i++)
        free((char *)s->there.at[i]);
    free(s->there.at);
    s->there = (struct vx_strings){0};
}

void subscription_free(struct subscription *s)
{
    if (!s)
        return;
    table_unref(s->followed);
    table_unref(s->said);
    free_there(s);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void subscribe(struct subscription *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->waiting && s->admission == ADMISSION_GRANTED && (s->listed || !table_has_patterns(s->followed))) {
        consumer_follow(s->consumer, s->followed, &s->there);
        s->waiting = false;
    }
    pthread_mutex_unlock(&s->lock);
}

static void admit(struct subscription *s, enum admission admission)
{
    pthread_mutex_lock(&s->lock);
    if (s->admission != ADMISSION_GRANTED)
        s->admission = admission;
    pthread_mutex_unlock(&s->lock);
    subscribe(s);
}

void subscription_admit(struct subscription *s)
{
    admit(s, ADMISSION_GRANTED);
}

void subscription_refuse(struct subscription *s)
{
    admit(s, ADMISSION_REFUSED);
}

void subscription_admit_unless_refused(struct subscription *s)
{
    pthread_mutex_lock(&s->lock);
    bool open = s->admission == ADMISSION_OPEN;
    pthread_mutex_unlock(&s->lock);
    if (open)
        admit(s, ADMISSION_GRANTED);
}

void subscription_follow(struct subscription *s, struct table *t)
{
    pthread_mutex_lock(&s->lock);
    table_unref(s->followed);
    s->followed = table_ref(t);
    s->waiting = true;
    pthread_mutex_unlock(&s->lock);
    subscribe(s);
}

/* What takes a topic that is not named: false when nothing does. */
static bool find_match(const struct table *t, const char *topic, struct table_match *out)
{
    size_t count;
    const struct table_topic *topics = table_topics(t, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, topic) == 0)
            return false;
    return table_match(t, vx_span_str(topic), out);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Says what takes a topic where that was not said before: `was` (NULL: nothing) is the table of the listing before. */
static void say_matched(const struct subscription *s, const struct table *t, const struct table *was, const char *topic)
{
    struct table_match match, before;
    char quoted[VX_LOG_QUOTE_SIZE];
    bool seen = false;
    if (!find_match(t, topic, &match))
        return;
    if (was && s->there.count > 0)
        seen = bsearch(&topic, s->there.at, s->there.count, sizeof *s->there.at, by_text) != NULL;
    if (seen && find_match(was, topic, &before) && strcmp(before.routing, match.routing) == 0 &&
        !before.other == !match.other)
        return;
    vx_log(VX_LOG_INFO, "topic.matched", "topic=%s routing=%s pattern=%s", topic, match.routing,
           vx_log_quote(match.pattern, quoted));
    if (match.other)
        vx_log(VX_LOG_WARN, "topic.contested", "topic=%s routing=%s other=%s detail=\"the first by name has it\"",
               topic, match.routing, match.other);
}

void subscription_list(struct subscription *s, const struct vx_strings *topics)
{
    struct vx_strings there = {.at = calloc(topics->count + 1, sizeof *there.at), .count = topics->count};
    vx_assert(there.at != NULL);
    pthread_mutex_lock(&s->lock);
    struct table *t = table_ref(s->followed);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < topics->count; i++) {
        say_matched(s, t, s->said, topics->at[i]);
        there.at[i] = strdup(topics->at[i]);
        vx_assert(there.at[i] != NULL);
    }
    qsort(there.at, there.count, sizeof *there.at, by_text);
    table_unref(s->said);
    s->said = t;
    pthread_mutex_lock(&s->lock);
    free_there(s);
    s->there = there;
    s->listed = s->waiting = true;
    pthread_mutex_unlock(&s->lock);
    subscribe(s);
}

int64_t subscription_list_interval_ms(const struct router_settings *settings)
{
    const char *text = properties_value(&settings->kafka, PROPERTIES_CONSUMER, "topic.metadata.refresh.interval.ms");
    int64_t interval_ms = text ? strtoll(text, NULL, 10) : 0;
    return interval_ms > 0 ? interval_ms : LIST_MS;
}
