/* Leases, and the state of a member. Runs on the caller's thread.
 *
 * All of it may be repeated after a lost answer: a lease that was granted unseen expires by itself, and revoking twice is
 * revoking once. The shortest lease etcd grants is 2 s.
 */
#include <inttypes.h>

#include "core/etcd/client.h"
#include "core/etcd/request.h"

/* Enough for one frozen endpoint and a good one; whoever keeps a lease alive comes again anyway. */
enum { KEEPALIVE_DEADLINE_MS = 5000 };

static enum vx_status run_lease(struct etcd *etcd, struct call *call, int64_t *lease, int64_t *ttl_s,
                                struct vx_err *err)
{
    json_t *root = NULL;
    call->repeatable = true;
    call->needs_leader = true;
    enum vx_status status = call_run(etcd, call, &root, NULL, err);
    if (status)
        return status;
    if (!answer_lease(root, lease, ttl_s))
        status = call_unreadable(etcd, err);
    json_decref(root);
    return status;
}

enum vx_status etcd_lease_grant(struct etcd *etcd, int64_t ttl_s, int64_t *lease, struct vx_err *err)
{
    struct call call = {.path = "/v3/lease/grant", .deadline_ms = ETCD_DEADLINE_MS};
    request_lease_grant(&call.body, ttl_s);
    int64_t id, granted_s;
    enum vx_status status = run_lease(etcd, &call, &id, &granted_s, err);
    if (!status && id == 0)
        status = call_unreadable(etcd, err);
    if (!status)
        *lease = id;
    return status;
}

enum vx_status etcd_lease_keepalive(struct etcd *etcd, int64_t lease, struct vx_err *err)
{
    struct call call = {.path = "/v3/lease/keepalive", .deadline_ms = KEEPALIVE_DEADLINE_MS};
    request_lease(&call.body, lease);
    int64_t id, ttl_s;
    enum vx_status status = run_lease(etcd, &call, &id, &ttl_s, err);
    if (!status && id != lease)
        status = call_unreadable(etcd, err);
    /* A lease that is gone is answered like any other, only without a TTL. */
    if (!status && ttl_s <= 0)
        status = vx_err_set(err, VX_ENOTFOUND, "the lease %" PRId64 " has expired", lease);
    return status;
}

enum vx_status etcd_lease_revoke(struct etcd *etcd, int64_t lease, struct vx_err *err)
{
    /* It would expire anyway: not worth a long wait. */
    struct call call = {.path = "/v3/lease/revoke", .deadline_ms = ETCD_CALL_TIMEOUT_MS};
    request_lease(&call.body, lease);
    int64_t id, ttl_s;
    enum vx_status status = run_lease(etcd, &call, &id, &ttl_s, err);
    return status == VX_ENOTFOUND ? VX_OK : status;
}

/* From 3.6 on a member's status is for administrators; but who is refused by a member that was told to want a leader knows
 * that there is one. */
static enum vx_status status_of_a_secretive_member(struct etcd *etcd, struct etcd_status *out, struct vx_err *err)
{
    struct call ask = {.path = "/v3/maintenance/status",
                       .repeatable = true,
                       .needs_leader = true,
                       .deadline_ms = ETCD_CALL_TIMEOUT_MS};
    vx_buf_str(&ask.body, "{}");
    json_t *root = NULL;
    struct answer_error error;
    enum vx_status status = call_run(etcd, &ask, &root, &error, err);
    if (!status)
        json_decref(root);
    else if (status != VX_EDENIED || error.code != ANSWER_DENIED)
        return status;
    *out = (struct etcd_status){.has_leader = true};
    return VX_OK;
}

enum vx_status etcd_status(struct etcd *etcd, struct etcd_status *out, struct vx_err *err)
{
    struct call ask = {.path = "/v3/maintenance/status", .repeatable = true, .deadline_ms = ETCD_CALL_TIMEOUT_MS};
    vx_buf_str(&ask.body, "{}");
    struct etcd_status result = {0};
    json_t *root = NULL;
    struct answer_error error;
    enum vx_status status = call_run(etcd, &ask, &root, &error, err);
    if (status == VX_EDENIED && error.code == ANSWER_DENIED)
        return status_of_a_secretive_member(etcd, out, err);
    if (status)
        return status;
    if (!answer_status_of_member(root, &result))
        status = call_unreadable(etcd, err);
    json_decref(root);
    if (status)
        return status;
    struct call alarms = {.path = "/v3/maintenance/alarm", .repeatable = true, .deadline_ms = ETCD_CALL_TIMEOUT_MS};
    vx_buf_str(&alarms.body, "{\"action\":\"GET\"}");
    /* Without a leader there is no list of alarms, and has_leader says enough. */
    if (result.has_leader) {
        status = call_run(etcd, &alarms, &root, NULL, err);
        /* Who may not ask for alarms knows the rest all the same. */
        if (status == VX_EDENIED)
            status = VX_OK;
        else if (status)
            return status;
        else if (!answer_alarms(root, &result.no_space))
            status = call_unreadable(etcd, err);
        json_decref(root);
    }
    vx_buf_done(&alarms.body);
    if (!status)
        *out = result;
    return status;
}
