/* A request and its reply as the handlers see them: no HTTP library, no sockets. One request, one thread. */
#ifndef VX_CONFIGSVC_REQUEST_H
#define VX_CONFIGSVC_REQUEST_H

#include "configsvc/api/api.h"
#include "configsvc/wire/wire.h"
#include "core/store/store.h"

enum { REQUEST_QUERY_MAX = 16, REQUEST_LIST_DEFAULT = 50, REQUEST_LIST_MAX = 1000 };

struct request_pair {
    const char *name;
    const char *value; /* "" for a parameter without one */
};

struct request {
    struct vx_arena arena; /* everything below lives here or outlives the request */
    struct etcd *etcd;
    const char *replica; /* api_config.name */
    struct store *store; /* of the path's {fleet}; NULL for routes without one */
    const char *release; /* the path's {release}: a number, "running" or "head"; NULL without one */
    struct request_pair query[REQUEST_QUERY_MAX];
    size_t query_count;
    struct json_value body; /* an object; JSON_KIND_MISSING for GET and DELETE */
    const char *author;     /* field `author`, else header X-Veltrix-Author, else "unknown" */
    const char *client;     /* its address: "127.0.0.1" */
    const char *metrics;    /* the server's counters as Prometheus text, for GET /metrics */
};

struct reply {
    int status;
    const char *type;   /* NULL: application/json */
    struct vx_buf body; /* handlers of JSON begin with wire_open(&reply->body, NULL, '{') */
};

/* The value of a query parameter, or NULL. */
const char *request_query(const struct request *rq, const char *name);
/* The query parameter `limit`, 1 to REQUEST_LIST_MAX; REQUEST_LIST_DEFAULT without one. */
size_t request_limit(const struct request *rq);

/* Replaces what the reply holds by {"error": {"code", "message", "findings"}}; `findings` may be NULL. */
void reply_error(struct reply *re, int status, const char *code, const struct vx_diags *findings, const char *fmt, ...)
    VX_PRINTF(5, 6);
/* The same for a status of core/: the HTTP status follows from the code. */
void reply_failure(struct reply *re, const struct vx_err *err);

/* Finds the number of a release that a caller names: "7", "running" or "head"; `release` 0 means there is none yet. */
VX_MUSTCHECK enum vx_status request_release(struct request *rq, const char *text, uint32_t *release,
                                            struct vx_err *err);

/* Appends an audit entry; a failure is logged, because the change it tells of has happened. */
void request_audit(struct request *rq, const char *action, const char *fmt, ...) VX_PRINTF(3, 4);

#endif
