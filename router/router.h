/* A running router: all its parts, started and stopped in order.
 *
 *     etcd ─ store ─ follower ──table──> workers ── destinations, producers
 *              │         └──topics─────> consumer ──assignments──> workers
 *              └ presence <── report ── everything; admin reads it too
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "router/settings.h"

struct router;

/* Starts everything. `settings` is borrowed. It joins its group when it has a release to run. */
VX_MUSTCHECK enum vx_status router_start(const struct router_settings *settings, struct router **out,
                                         struct vx_err *err);
/* What has to be done from time to time (the presence report); call it several times a second. */
void router_tick(struct router *r, int64_t now_ms);
/* New secrets and certificates: `kafka` (borrowed to the end) is for producers, which are made anew when what is on its
 * way is acknowledged, and for the user names and passwords of the others; no rebalance. */
void router_renew(struct router *r, const struct vx_pairs *kafka);
/* A new password of etcd's user (copied). */
void router_renew_etcd(struct router *r, const char *password);
/* Drains, commits, leaves the group, and frees; within about `drain_timeout`. False when it had to cut something short:
 * then the process should end without further ado. */
bool router_stop(struct router *r);

#endif
