/* Kafka properties. Any thread; no state.
 *
 * Three layers, later wins: defaults, the operator's, and what the promise rests on, which the operator cannot set.
 *
 * The defaults are measured. A small prefetch, here of each partition, is both faster and the back-pressure. A fetch that
 * waits for partitions which have nothing new holds up those that were full when it was sent, so it waits for a moment only.
 * Linger is 3 ms, which every batch waits here, for a request holds one; in the Java client, whose default is 5, a request
 * takes along what other partitions have, and a batch waits half of that. Over many partitions less is slower (5,000
 * events/s over 96 of them: p99 13 ms with 3, 25 with 2), over few it is more.
 */
#include "router/io/properties.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/diag.h"
#include "router/io/kafka_log.h"

struct setting {
    const char *name;
    const char *value;
};

static const struct setting consumer_defaults[] = {
    {"fetch.queue.backoff.ms", "1"},
    {"queued.min.messages", "2000"},
    {"queued.max.messages.kbytes", "2048"},
    {"fetch.wait.max.ms", "10"},
    {"allow.auto.create.topics", "false"},
    {"socket.nagle.disable", "true"},
    {"topic.metadata.refresh.interval.ms", "30000"},
    {NULL, NULL},
};

/* Of the classic protocol only: under KIP-848 (group.protocol = consumer) the broker assigns and sets the times. */
static const struct setting classic_defaults[] = {
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "1000"},
    {NULL, NULL},
};

static const struct setting classic_fixed[] = {
    {"partition.assignment.strategy", "cooperative-sticky"},
    {NULL, NULL},
};

static const struct setting producer_defaults[] = {
    {"linger.ms", "3"},
    {"queue.buffering.max.kbytes", "131072"},
    /* how large a record may be is the broker's to say; at its socket.request.max.bytes (100 MiB) it would say nothing */
    {"message.max.bytes", "100000000"},
    {"socket.nagle.disable", "true"},
    {"topic.metadata.propagation.max.ms", "5000"},
    /* what a router that is lost leaves open holds up readers and the next owner for so long */
    {"transaction.timeout.ms", "10000"},
    {NULL, NULL},
};

/* What the promise rests on. */
static const struct setting consumer_fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"isolation.level", "read_committed"},
    {NULL, NULL},
};

static const struct setting producer_fixed[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {NULL, NULL},
};

/* Properties that are not the operator's, and why. */
static const struct setting reserved[] = {
    {"group.id", "it is the name of the fleet"},
    {"group.instance.id", "it is `instance_id`, beside `kafka`"},
    {"enable.auto.commit", "offsets are committed when events are done"},
    {"enable.auto.offset.store", "offsets are committed when events are done"},
    {"auto.offset.reset", "it is `start` of a routing"},
    {"isolation.level", "aborted records are never read"},
    {"partition.assignment.strategy", "it is always cooperative-sticky"},
    {"enable.idempotence", "order rests on it"},
    {"enable.gapless.guarantee", "order rests on it"},
    {"acks", "it is always all"},
    {"request.required.acks", "it is always all"},
    {"message.timeout.ms", "records do not time out"},
    {"delivery.timeout.ms", "records do not time out"},
    {"transactional.id", "it is made of fleet, id and worker (`delivery: exactly_once` of a routing)"},
    {NULL, NULL},
};

static const char *strip(const char *name, enum properties_role *role, bool *both)
{
    *both = false;
    if (strncmp(name, "consumer.", 9) == 0) {
        *role = PROPERTIES_CONSUMER;
        return name + 9;
    }
    if (strncmp(name, "producer.", 9) == 0) {
        *role = PROPERTIES_PRODUCER;
        return name + 9;
    }
    *both = true;
    return name;
}

bool properties_is(const char *name, const char *property)
{
    enum properties_role role;
    bool both;
    return strcmp(strip(name, &role, &both), property) == 0;
}

/* Properties that are the broker's under KIP-848; librdkafka refuses them then. */
static const char *const classic_only[] = {"session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type", NULL};

const char *properties_value(const struct vx_pairs *pairs, enum properties_role role, const char *property)
{
    const char *value = NULL;
    for (size_t i = 0; i < pairs->count; i++) {
        enum properties_role only = role;
        bool both;
        const char *name = strip(pairs->at[i].name, &only, &both);
        if (only == role && strcmp(name, property) == 0)
            value = pairs->at[i].value;
    }
    return value;
}

bool properties_use_tls(const struct vx_pairs *pairs)
{
    const char *protocol = properties_value(pairs, PROPERTIES_PRODUCER, "security.protocol");
    return protocol && strcasestr(protocol, "ssl");
}

bool properties_need_client(const struct vx_pairs *pairs)
{
    const char *protocol = properties_value(pairs, PROPERTIES_CONSUMER, "security.protocol");
    const char *mechanism = properties_value(pairs, PROPERTIES_CONSUMER, "sasl.mechanisms");
    mechanism = mechanism ? mechanism : properties_value(pairs, PROPERTIES_CONSUMER, "sasl.mechanism");
    return (protocol && strcasestr(protocol, "ssl")) || (mechanism && strcasecmp(mechanism, "OAUTHBEARER") == 0);
}

enum properties_life properties_life(const char *name)
{
    enum properties_role role = PROPERTIES_CONSUMER;
    bool both;
    name = strip(name, &role, &both);
    if (strcmp(name, "sasl.username") == 0 || strcmp(name, "sasl.password") == 0)
        return PROPERTIES_LIVE;
    bool secret = strncmp(name, "ssl.", 4) == 0 || strncmp(name, "sasl.oauthbearer.", 17) == 0;
    return !secret                                ? PROPERTIES_RESTART
           : !both && role == PROPERTIES_CONSUMER ? PROPERTIES_CONSUMER_CLIENT
           : !both                                ? PROPERTIES_LIVE
                                                  : PROPERTIES_CLIENTS;
}

static bool is_classic(const struct vx_pairs *pairs)
{
    const char *protocol = properties_value(pairs, PROPERTIES_CONSUMER, "group.protocol");
    return !protocol || strcmp(protocol, "consumer") != 0;
}

/* "did you mean": the names that librdkafka itself lists, aliases included. */
static void suggest(const char *name, struct vx_err *err)
{
    char *text = NULL;
    size_t size = 0, count = 0;
    FILE *stream = open_memstream(&text, &size);
    vx_assert(stream != NULL);
    rd_kafka_conf_properties_show(stream);
    fclose(stream);
    const char **known = calloc(size / 8 + 1, sizeof *known);
    vx_assert(known != NULL);
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t len = strcspn(line, " |");
        if (len == 0 || !strchr(line, '|') || !memchr(line, '.', len))
            continue;
        line[len] = '\0';
        known[count++] = line;
    }
    const char *near = vx_nearest(vx_span_str(name), known, count);
    if (near)
        vx_err_set(err, VX_EINVAL, "librdkafka has no property `%s`; did you mean `%s`?", name, near);
    else
        vx_err_set(err, VX_EINVAL, "librdkafka has no property `%s`", name);
    free(known);
    free(text);
}

enum vx_status properties_check(const struct vx_pair *pair, const struct vx_pairs *all, struct vx_err *err)
{
    enum properties_role role;
    bool both;
    const char *name = strip(pair->name, &role, &both);
    for (const struct setting *r = reserved; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return vx_err_set(err, VX_EINVAL, "`%s` cannot be set: %s", name, r->value);
    for (size_t i = 0; classic_only[i] && !is_classic(all); i++)
        if (strcmp(classic_only[i], name) == 0)
            return vx_err_set(err, VX_EINVAL, "`%s` cannot be set with group.protocol = consumer: it is the broker's",
                              name);
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, pair->value, text, sizeof text);
    rd_kafka_conf_destroy(conf);
    if (result == RD_KAFKA_CONF_UNKNOWN)
        suggest(name, err);
    else if (result == RD_KAFKA_CONF_INVALID)
        vx_err_set(err, VX_EINVAL, "`%s`: %s", name, text);
    return result == RD_KAFKA_CONF_OK ? VX_OK : VX_EINVAL;
}

void properties_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    vx_assert(rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK);
}

static void set_all(rd_kafka_conf_t *conf, const struct setting *settings)
{
    for (; settings->name; settings++)
        properties_set(conf, settings->name, settings->value);
}

rd_kafka_conf_t *properties_new(enum properties_role role, const struct vx_pairs *pairs)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool classic = role == PROPERTIES_CONSUMER && is_classic(pairs);
    set_all(conf, role == PROPERTIES_CONSUMER ? consumer_defaults : producer_defaults);
    if (classic)
        set_all(conf, classic_defaults);
    for (size_t i = 0; i < pairs->count; i++) {
        enum properties_role only;
        bool both;
        const char *name = strip(pairs->at[i].name, &only, &both);
        if (both || only == role)
            properties_set(conf, name, pairs->at[i].value);
    }
    set_all(conf, role == PROPERTIES_CONSUMER ? consumer_fixed : producer_fixed);
    if (classic)
        set_all(conf, classic_fixed);
    rd_kafka_conf_set_log_cb(conf, kafka_log);
    return conf;
}
