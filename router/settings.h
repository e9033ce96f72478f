/* What router.conf says: how this one router runs. What it routes comes from the fleet's release, never from here. */
#ifndef ROUTER_SETTINGS_H
#define ROUTER_SETTINGS_H

#include "core/config/settings.h"
#include "core/config/settings_shared.h"

struct router_settings {
    const char *fleet;
    const char *id;          /* never NULL: the host name by default */
    const char *instance_id; /* of static membership in the consumer group; NULL: none */
    struct settings_etcd etcd;
    struct vx_pairs kafka; /* librdkafka's properties; "consumer." and "producer." before a name: for one client only */
    int64_t workers_count; /* never 0: one for two cores by default */
    int64_t producers_count; /* of each worker */
    const char *admin;       /* "host:port" */
    const char *state_dir;   /* where the last good copy is kept; NULL: nowhere */
    int64_t window_events;   /* undone events of one partition at most */
    int64_t window_bytes;    /* bytes of undone events of one partition, after which no more are read */
    int64_t drain_timeout_ms;
    int64_t commit_interval_ms;
    int64_t transaction_interval_ms; /* of topics that are delivered exactly once */
    int64_t worker_timeout_ms;       /* after which a worker that does not move is hung */
    int log_level;                   /* enum vx_log_level */
};

extern const struct vx_field router_fields[];

/* Loads and checks `path`; texts live in `arena`. All findings go to `diags`, those of Kafka's properties included (by
 * librdkafka itself, in a dry run). VX_EINVAL or VX_EIO when there is an error. */
VX_MUSTCHECK enum vx_status router_settings_load(const char *path, struct router_settings *out, struct vx_arena *arena,
                                                 struct vx_diags *diags);

struct etcd_config;
/* The section `etcd` as the client takes it; borrows from `settings`. */
struct etcd_config router_settings_etcd(const struct router_settings *settings);

#endif
