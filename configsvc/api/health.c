/* For whoever watches over configsvc: alive, ready, counters. One request, one thread. */
#include "configsvc/api/routes.h"

void health_alive(struct request *rq, struct reply *re)
{
    wire_open(&re->body, NULL, '{');
    wire_str(&re->body, "status", "ok");
    wire_str(&re->body, "name", rq->replica);
    wire_str(&re->body, "version", VELTRIX_VERSION);
    wire_close(&re->body, '}');
}

/* Usable means: it answers, sees a leader, and takes writes. */
static enum vx_status etcd_usable(struct request *rq, struct etcd_status *status, struct vx_err *err)
{
    enum vx_status code = etcd_status(rq->etcd, status, err);
    if (code != VX_OK)
        return code;
    if (!status->has_leader)
        return vx_err_set(err, VX_EUNAVAILABLE, "etcd at %s has no leader", etcd_endpoint(rq->etcd));
    if (status->no_space)
        return vx_err_set(err, VX_ENOSPACE, "etcd at %s is out of space: compact, defragment, disarm its alarm",
                          etcd_endpoint(rq->etcd));
    return VX_OK;
}

void health_ready(struct request *rq, struct reply *re)
{
    struct etcd_status status = {0};
    struct vx_err err = {0};
    if (etcd_usable(rq, &status, &err) != VX_OK) {
        reply_error(re, 503, "unavailable", NULL, "%s", err.message);
        return;
    }
    wire_open(&re->body, NULL, '{');
    wire_str(&re->body, "status", "ready");
    wire_str(&re->body, "etcd", etcd_endpoint(rq->etcd));
    wire_str(&re->body, "etcd_version", status.version);
    wire_close(&re->body, '}');
}

void health_metrics(struct request *rq, struct reply *re)
{
    struct etcd_status status = {0};
    struct vx_err err = {0};
    bool usable = etcd_usable(rq, &status, &err) == VX_OK;
    re->type = "text/plain; version=0.0.4; charset=utf-8";
    vx_buf_str(&re->body, rq->metrics);
    vx_buf_printf(&re->body,
                  "# HELP veltrix_configsvc_etcd_up Whether etcd can be used.\n"
                  "# TYPE veltrix_configsvc_etcd_up gauge\n"
                  "veltrix_configsvc_etcd_up %d\n",
                  usable);
}
