/* The table of routes and the search in it. Pure but for the handlers it calls. */
#ifndef VX_CONFIGSVC_ROUTES_H
#define VX_CONFIGSVC_ROUTES_H

#include "configsvc/api/request.h"

/* One row is the whole truth of a route. */
struct api_route {
    const char *method;  /* GET, POST, DELETE */
    const char *pattern; /* "/v1/fleets/{fleet}/releases/{release}" */
    void (*handle)(struct request *rq, struct reply *re);
    const char *query;  /* the parameters it knows, separated by blanks */
    const char *fields; /* the members its body may have, likewise */
    const char *help;
};

/* All routes. */
const struct api_route *routes_all(size_t *count);

/* What the path of a request names. */
struct routes_match {
    const struct api_route *route; /* NULL: none for this path and method */
    struct vx_span fleet, release; /* at == NULL: not in the pattern */
    char allow[64];                /* the methods that this path has, "GET, POST"; "" when no route has this path */
};
void routes_find(const char *method, const char *path, struct routes_match *out);

/* Checks query and body against the row, opens the fleet's store, calls the handler. `rq` has query, body, author and
 * client; the rest is filled here. */
void routes_call(const struct routes_match *match, struct request *rq, struct reply *re);
/* The reply for a path or method that has no route. */
void routes_unknown(const struct routes_match *match, const char *method, const char *path, struct reply *re);

/* Handlers: releases.c */
void releases_validate(struct request *rq, struct reply *re);
void releases_publish(struct request *rq, struct reply *re);
void releases_list(struct request *rq, struct reply *re);
void releases_show(struct request *rq, struct reply *re);
void releases_diff(struct request *rq, struct reply *re);
/* changes.c */
void changes_activate(struct request *rq, struct reply *re);
void changes_rollback(struct request *rq, struct reply *re);
void changes_accept_restore(struct request *rq, struct reply *re);
void changes_break_lock(struct request *rq, struct reply *re);
/* status.c */
void status_fleets(struct request *rq, struct reply *re);
void status_pointer(struct request *rq, struct reply *re);
void status_routers(struct request *rq, struct reply *re);
void status_lock(struct request *rq, struct reply *re);
void status_audit(struct request *rq, struct reply *re);
/* health.c */
void health_alive(struct request *rq, struct reply *re);
void health_ready(struct request *rq, struct reply *re);
void health_metrics(struct request *rq, struct reply *re);

/* Appends the members of a pointer to an open object. */
void status_write_pointer(struct vx_buf *out, const char *key, const struct store_pointer *pointer);

#endif
