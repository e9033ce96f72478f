/* What handlers share: reading parameters, saying what went wrong, the audit entry. One request, one thread. */
#include "configsvc/api/request.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"

const char *request_query(const struct request *rq, const char *name)
{
    for (size_t i = 0; i < rq->query_count; i++)
        if (strcmp(rq->query[i].name, name) == 0)
            return rq->query[i].value;
    return NULL;
}

size_t request_limit(const struct request *rq)
{
    const char *text = request_query(rq, "limit");
    long n = text ? strtol(text, NULL, 10) : 0;
    if (n < 1)
        return REQUEST_LIST_DEFAULT;
    return n > REQUEST_LIST_MAX ? REQUEST_LIST_MAX : (size_t)n;
}

void reply_error(struct reply *re, int status, const char *code, const struct vx_diags *findings, const char *fmt, ...)
{
    struct vx_buf message = {0};
    va_list args;
    va_start(args, fmt);
    vx_buf_vprintf(&message, fmt, args);
    va_end(args);
    struct vx_diags none = {0};
    vx_buf_clear(&re->body);
    re->status = status;
    re->type = NULL;
    wire_open(&re->body, NULL, '{');
    wire_open(&re->body, "error", '{');
    wire_str(&re->body, "code", code);
    wire_text(&re->body, "message", vx_buf_view(&message));
    wire_findings(&re->body, "findings", findings ? findings : &none);
    wire_close(&re->body, '}');
    wire_close(&re->body, '}');
    vx_buf_done(&message);
}

static int http_status(enum vx_status code)
{
    switch (code) {
    case VX_EINVAL:
    case VX_ELIMIT:
    case VX_EUNSUPPORTED:
        return 422;
    case VX_ENOTFOUND:
        return 404;
    case VX_EEXIST:
    case VX_ECONFLICT:
        return 409;
    case VX_ETIMEOUT:
        return 504;
    case VX_EUNAVAILABLE:
    case VX_EDENIED: /* etcd denies us; the caller has done nothing wrong */
    case VX_ECANCELED:
        return 503;
    case VX_ENOSPACE:
        return 507;
    default:
        return 500;
    }
}

void reply_failure(struct reply *re, const struct vx_err *err)
{
    const char *message = err->message[0] ? err->message : vx_status_text(err->code);
    reply_error(re, http_status(err->code), vx_status_label(err->code), NULL, "%s", message);
}

enum vx_status request_release(struct request *rq, const char *text, uint32_t *release, struct vx_err *err)
{
    size_t len = strlen(text);
    if (strcmp(text, "head") == 0)
        return store_head(rq->store, release, NULL, err);
    if (strcmp(text, "running") == 0) {
        struct store_pointer pointer;
        enum vx_status status = store_pointer_read(rq->store, &pointer, err);
        if (status == VX_OK)
            *release = pointer.generation ? pointer.stable : 0;
        return status;
    }
    if (len == 0 || len > 9 || strspn(text, "0123456789") != len || atol(text) == 0)
        return vx_err_set(err, VX_EINVAL, "`%s` is not a release: a number from 1, `running` or `head`", text);
    *release = (uint32_t)atol(text);
    return VX_OK;
}

void request_audit(struct request *rq, const char *action, const char *fmt, ...)
{
    struct vx_buf detail = {0};
    va_list args;
    va_start(args, fmt);
    vx_buf_vprintf(&detail, fmt, args);
    va_end(args);
    struct store_audit entry = {
        .time_ms = vx_clock_wall_ms(),
        .who = rq->author,
        .action = action,
        .from = rq->client,
        .detail = vx_buf_text(&detail),
    };
    struct vx_err err = {0};
    char who[VX_LOG_QUOTE_SIZE], what[VX_LOG_QUOTE_SIZE];
    vx_log(VX_LOG_INFO, "change.made", "fleet=%s action=%s who=%s from=%s detail=%s", store_fleet(rq->store), action,
           vx_log_quote(rq->author, who), rq->client, vx_log_quote(entry.detail, what));
    if (store_audit_add(rq->store, &entry, &err) != VX_OK)
        vx_log(VX_LOG_ERROR, "audit.failed", "fleet=%s action=%s reason=%s", store_fleet(rq->store), action,
               vx_log_quote(err.message, what));
    vx_buf_done(&detail);
}
