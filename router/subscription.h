/* What the router subscribes to, and when: the topics of the newest release, once it may join its group and, where topics
 * are given by patterns, once the cluster's topics are known.
 *
 *     release ── subscription_follow ──┐
 *     topics of the cluster ── _list ──┼──> consumer_follow
 *     presence in etcd ── _admit ──────┘
 *
 * Any thread, one lock; subscription_list() from one thread only.
 */
#ifndef ROUTER_SUBSCRIPTION_H
#define ROUTER_SUBSCRIPTION_H

#include "core/config/field.h"
#include "core/plan/table.h"
#include "router/io/consumer.h"
#include "router/settings.h"

struct subscription;

/* Joins nothing yet. `consumer` is borrowed. */
struct subscription *subscription_new(struct consumer *consumer);
void subscription_free(struct subscription *s);

/* May it join its group? Not while another router of the fleet has its id: nobody could tell them apart. Once it was
 * admitted it stays so, whatever happens to its registration. */
void subscription_admit(struct subscription *s);
void subscription_refuse(struct subscription *s);
/* etcd does not even say that it is away: admitted, unless it was refused before. */
void subscription_admit_unless_refused(struct subscription *s);

/* A release to run; takes a reference. */
void subscription_follow(struct subscription *s, struct table *t);
/* The topics of the cluster (borrowed), for patterns. Says which topics a pattern takes that it did not take before. */
void subscription_list(struct subscription *s, const struct vx_strings *topics);
/* How often topics are to be listed: as often as librdkafka looks for new partitions. */
int64_t subscription_list_interval_ms(const struct router_settings *settings);

#endif
