/* What there is: fleets, the pointer, routers, the lock, the audit. Reads only. One request, one thread. */
#include "configsvc/api/routes.h"

#include <stdlib.h>

enum { STATUS_WAIT_MAX_MS = 5000 /* well below API_DRAIN_MS, so that stopping does not cut it off */ };

void status_fleets(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    const char **names;
    size_t count;
    if (store_fleets(rq->etcd, &rq->arena, &names, &count, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    wire_open(&re->body, NULL, '{');
    wire_open(&re->body, "fleets", '[');
    for (size_t i = 0; i < count; i++)
        wire_str(&re->body, NULL, names[i]);
    wire_close(&re->body, ']');
    wire_close(&re->body, '}');
}

void status_write_pointer(struct vx_buf *out, const char *key, const struct store_pointer *pointer)
{
    wire_open(out, key, '{');
    wire_int(out, "generation", (int64_t)pointer->generation);
    wire_int(out, "stable", pointer->generation ? pointer->stable : 0);
    wire_int(out, "candidate", pointer->candidate);
    wire_int(out, "weight", pointer->weight);
    wire_bool(out, "shadow", pointer->shadow);
    wire_str(out, "rollout", pointer->rollout);
    wire_str(out, "by", pointer->by);
    wire_time(out, "time", pointer->time_ms);
    wire_close(out, '}');
}

void status_pointer(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_pointer pointer = {0};
    if (store_pointer_read(rq->store, &pointer, &err) != VX_OK)
        reply_failure(re, &err);
    else
        status_write_pointer(&re->body, NULL, &pointer);
}

/* `after`: waits until something is newer than what the caller has seen, at most `wait` milliseconds. */
static bool await_news(struct request *rq, struct reply *re)
{
    const char *after = request_query(rq, "after"), *wait = request_query(rq, "wait");
    const char *texts[] = {after, wait};
    if (!after && !wait)
        return true;
    for (size_t i = 0; i < 2; i++)
        if (!texts[i] || !texts[i][0] || strlen(texts[i]) > 18 || texts[i][strspn(texts[i], "0123456789")]) {
            reply_error(re, 400, "bad_request", NULL,
                        "`after` must be a revision that GET routers gave, and `wait` milliseconds");
            return false;
        }
    int64_t wait_ms = atoll(wait);
    store_await(rq->store, atoll(after), wait_ms < STATUS_WAIT_MAX_MS ? wait_ms : STATUS_WAIT_MAX_MS);
    return true;
}

void status_routers(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_router *routers;
    size_t count;
    int64_t revision;
    if (!await_news(rq, re))
        return;
    if (store_revision(rq->store, &revision, &err) != VX_OK ||
        store_routers(rq->store, &rq->arena, &routers, &count, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    wire_open(&re->body, NULL, '{');
    wire_int(&re->body, "revision", revision);
    wire_open(&re->body, "routers", '[');
    for (size_t i = 0; i < count; i++) {
        struct vx_span report = vx_span_str(routers[i].report);
        struct json_value checked;
        wire_open(&re->body, NULL, '{');
        wire_str(&re->body, "id", routers[i].id);
        wire_str(&re->body, "instance", routers[i].instance);
        wire_str(&re->body, "host", routers[i].host);
        wire_time(&re->body, "since", routers[i].since_ms);
        wire_int(&re->body, "since_revision", routers[i].since_revision);
        /* A router of another version may write anything: what is not JSON goes out as text. */
        if (wire_parse(report, &checked, NULL) == VX_OK)
            wire_raw(&re->body, "report", report);
        else
            wire_text(&re->body, "report", report);
        wire_close(&re->body, '}');
    }
    wire_close(&re->body, ']');
    wire_close(&re->body, '}');
}

void status_lock(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_lock_info info;
    if (store_lock_info(rq->store, &rq->arena, &info, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    wire_open(&re->body, NULL, '{');
    wire_bool(&re->body, "held", info.held);
    wire_str(&re->body, "holder", info.held ? info.holder : NULL);
    wire_str(&re->body, "purpose", info.held ? info.purpose : NULL);
    wire_time(&re->body, "since", info.held ? info.since_ms : 0);
    wire_int(&re->body, "revision", info.held ? info.revision : 0);
    wire_open(&re->body, "waiters", '[');
    for (size_t i = 0; i < info.waiter_count; i++)
        wire_str(&re->body, NULL, info.waiters[i]);
    wire_close(&re->body, ']');
    wire_close(&re->body, '}');
}

void status_audit(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_audit *list;
    size_t count;
    if (store_audit_list(rq->store, &rq->arena, request_limit(rq), &list, &count, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    wire_open(&re->body, NULL, '{');
    wire_open(&re->body, "entries", '[');
    for (size_t i = 0; i < count; i++) {
        wire_open(&re->body, NULL, '{');
        wire_time(&re->body, "time", list[i].time_ms);
        wire_str(&re->body, "who", list[i].who);
        wire_str(&re->body, "action", list[i].action);
        wire_str(&re->body, "from", list[i].from);
        wire_str(&re->body, "detail", list[i].detail);
        wire_close(&re->body, '}');
    }
    wire_close(&re->body, ']');
    wire_close(&re->body, '}');
}
