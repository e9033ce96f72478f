/* Kafka properties: what router.conf hands to librdkafka, what we set ourselves, and what would break the promise. */
#ifndef ROUTER_IO_PROPERTIES_H
#define ROUTER_IO_PROPERTIES_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/config/field.h"

/* A librdkafka configuration (rd_kafka_conf_t), so that headers need not include rdkafka.h. */
struct rd_kafka_conf_s;

enum properties_role { PROPERTIES_CONSUMER, PROPERTIES_PRODUCER };

/* True when `name`, with or without a client's prefix, is the property `property`. */
bool properties_is(const char *name, const char *property);
/* Is it a property that librdkafka knows, with a value it takes, and one that may be set beside the others of `all`?
 * `err` says what is wrong. */
VX_MUSTCHECK enum vx_status properties_check(const struct vx_pair *pair, const struct vx_pairs *all,
                                             struct vx_err *err);
/* The value that a client of that role gets for `property`, of what router.conf sets; NULL: nothing. */
const char *properties_value(const struct vx_pairs *pairs, enum properties_role role, const char *property);
/* Does a client of these properties use TLS? */
bool properties_use_tls(const struct vx_pairs *pairs);
/* Does what is read of them when a client is made have to be read again: certificates, keys, where tokens come from? */
bool properties_need_client(const struct vx_pairs *pairs);
/* When a change of a property takes effect. */
enum properties_life {
    PROPERTIES_RESTART,         /* at the next start */
    PROPERTIES_CONSUMER_CLIENT, /* with the next client of the consumer: now for a static member, else at the next start */
    PROPERTIES_CLIENTS,         /* now for producers, which are made anew; for the consumer with its next client */
    PROPERTIES_LIVE,            /* now */
};
enum properties_life properties_life(const char *name);
/* A new configuration of one client: our defaults, then `pairs`, then what must be as it is. The pairs are checked. */
struct rd_kafka_conf_s *properties_new(enum properties_role role, const struct vx_pairs *pairs);
/* Sets one more; dies when librdkafka refuses it. */
void properties_set(struct rd_kafka_conf_s *conf, const char *name, const char *value);

#endif
