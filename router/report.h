/* What a router says of itself: the presence report in etcd, /status and /metrics. Texts only; the caller gathers. */
#ifndef ROUTER_REPORT_H
#define ROUTER_REPORT_H

#include "router/follow/follower.h"
#include "router/io/consumer.h"
#include "router/metrics.h"

struct report {
    const struct router_settings *settings;
    const char *instance;
    int64_t started_ms; /* wall clock */
    bool joined;
    uint32_t workers_release; /* that every worker routes by; 0 when they differ or have none */
    size_t workers_hung;
    struct follower_status follower;
    struct consumer *consumer;
    struct destinations *destinations;
    struct metrics *metrics;
};

/* Appends the presence report: small, one JSON object. */
void report_presence(const struct report *r, struct vx_buf *out);
/* Appends /status: the same and every partition. */
void report_status(const struct report *r, struct vx_buf *out);
/* Appends /metrics. */
void report_metrics(const struct report *r, struct vx_buf *out);
/* Is it ready? Otherwise appends why not. */
bool report_ready(const struct report *r, struct vx_buf *out);

#endif
