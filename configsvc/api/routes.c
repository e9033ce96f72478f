/* The table of routes: what the API offers, and how a request finds its handler. Pure but for the handlers.
 *
 * Everything is JSON (UTF-8); times are RFC 3339 in UTC. A POST needs `Content-Type: application/json` and an object as
 * its body; unknown members and query parameters are refused. Host (and Origin, where there is one) must name this
 * machine. Who makes a change: member `author`, else header `X-Veltrix-Author`, else "unknown".
 *
 *   GET    /v1/fleets                          {"fleets": ["github", ...]}
 * and, below /v1/fleets/{fleet}:
 *   POST   /validate   {"documents": [D]}      200 {"valid": bool, "documents": n, "findings": [F]}
 *   POST   /releases   {"documents": [D], "message", "author"?, "expect_head"?: n, "request_id"?}
 *                                              201 {"release": n, "parent": n, "findings": [F]}
 *                                              422 invalid (with findings) · 409 conflict (who was faster, or has the lock)
 *   GET    /releases?limit=50&before=n         {"head": n, "running": n, "releases": [R]}, newest first
 *   GET    /releases/{release}?texts=1         R with "documents": [D + "sha256", "size"]; "text" only with texts=1
 *   GET    /diff?from=A&to=B&unified=1         {"from": n, "to": n, "changes": [C], "text", "unified"?}
 *   POST   /diff?from=A {"documents": [D]}     the same, from release A to the documents; "to" is 0
 *   GET    /pointer                            P; generation 0: nothing has been activated yet
 *   POST   /activate   {"release": n, "author"?, "expect_generation"?: n}       {"pointer": P, "was": n}
 *                                              404 no such release · 409 somebody else moved the pointer, or has the lock
 *   POST   /rollback   {"release"?: n, "author"?, "expect_generation"?: n}      the same, without the lock; without a
 *                                              release: the one that ran before the running one was activated
 *   POST   /accept-restore {"author"?, "expect_generation"?: n}      the same and "refusing": how many live routers did not
 *                                              obey an etcd that was restored or replaced; now they shall. 409 where none
 *   GET    /routers                            {"revision": n, "routers": [{"id", "instance", "host", "since",
 *                                              "since_revision", "report"}]}; report: the router's own object
 *                                              (router/report.c)
 *   GET    /routers?after=n&wait=ms            the same, when a router or the pointer has changed since revision n, or
 *                                              after so many milliseconds (at most 5000)
 *   GET    /lock                               {"held": bool, "holder", "purpose", "since", "revision", "waiters": [..]}
 *   DELETE /lock?revision=n                    {"broken": true}; with a revision only if that is still the holder's
 *   GET    /audit?limit=50                     {"entries": [{"time", "who", "action", "from", "detail"}]}, newest first
 * and for whoever watches over configsvc:
 *   GET    /healthz   GET /readyz (503 while etcd is not usable)   GET /metrics (Prometheus)
 *
 *   D  document  {"path", "text", "line"?: 1}    one file, or one document that began on that line of it
 *   F  finding   {"severity": "error"|"warning", "file", "line", "column", "width", "message", "quoted"}
 *   R  release   {"release", "parent", "author", "message", "time", "request_id", "language", "document_count"}
 *   C  change    {"kind": "added"|"removed"|"changed"|"moved"|"note", "config", "name", "where", "was", "now"}
 *   P  pointer   {"generation", "stable", "candidate", "weight", "shadow", "rollout", "by", "time"}
 *   A, B         a release: its number, `running`, `head` or, in diff, `empty`; {release} likewise but `empty`
 *
 * An error is {"error": {"code", "message", "findings": [F]}}. Codes and HTTP statuses: bad_request 400, forbidden 403,
 * not_found 404, no_such_route 404 (lists what there is), method_not_allowed 405 (with Allow), conflict 409, exists 409,
 * too_large 413, unsupported_media_type 415, invalid 422, limit 422, internal, corrupt and io 500, unavailable, denied
 * and overloaded 503, timeout 504, no_space 507.
 */
#include "configsvc/api/routes.h"

#include <stdio.h>

#define FLEET "/v1/fleets/{fleet}"

static const struct api_route table[] = {
    {"GET", "/v1/fleets", status_fleets, "", "", "the fleets that have anything"},
    {"POST", FLEET "/validate", releases_validate, "", "documents author", "what is wrong with these documents?"},
    {"POST", FLEET "/releases", releases_publish, "", "documents message author expect_head request_id",
     "publish documents as the next release"},
    {"GET", FLEET "/releases", releases_list, "limit before", "", "the releases, newest first"},
    {"GET", FLEET "/releases/{release}", releases_show, "texts", "", "one release and its documents"},
    {"GET", FLEET "/diff", releases_diff, "from to unified", "", "what changes between two releases"},
    {"POST", FLEET "/diff", releases_diff, "from unified", "documents author", "what documents would change"},
    {"GET", FLEET "/pointer", status_pointer, "", "", "what the fleet runs"},
    {"POST", FLEET "/activate", changes_activate, "", "release author expect_generation",
     "make a release the running one"},
    {"POST", FLEET "/rollback", changes_rollback, "", "release author expect_generation", "go back to a release"},
    {"POST", FLEET "/accept-restore", changes_accept_restore, "", "author expect_generation",
     "let the routers obey an etcd that was restored"},
    {"GET", FLEET "/routers", status_routers, "after wait", "", "the live routers and their reports"},
    {"GET", FLEET "/lock", status_lock, "", "", "who is publishing or activating"},
    {"DELETE", FLEET "/lock", changes_break_lock, "revision", "", "take the edit lock from its holder"},
    {"GET", FLEET "/audit", status_audit, "limit", "", "who did what, newest first"},
    {"GET", "/healthz", health_alive, "", "", "the process answers"},
    {"GET", "/readyz", health_ready, "", "", "etcd can be used"},
    {"GET", "/metrics", health_metrics, "", "", "counters for Prometheus"},
};
enum { ROUTE_COUNT = sizeof table / sizeof table[0] };

const struct api_route *routes_all(size_t *count)
{
    *count = ROUTE_COUNT;
    return table;
}

/* The next step of a path, without its slash; at == NULL at the end. */
static struct vx_span next_step(const char **path)
{
    if (**path != '/')
        return vx_span(NULL, 0);
    const char *begin = *path + 1;
    size_t len = strcspn(begin, "/");
    *path = begin + len;
    return vx_span(begin, len);
}

static bool path_matches(const char *pattern, const char *path, struct routes_match *out)
{
    struct vx_span fleet = {0}, release = {0};
    for (;;) {
        struct vx_span want = next_step(&pattern), have = next_step(&path);
        if (!want.at || !have.at) {
            if (want.at || have.at || *path)
                return false;
            break;
        }
        if (vx_span_is(want, "{fleet}"))
            fleet = have;
        else if (vx_span_is(want, "{release}"))
            release = have;
        else if (!vx_span_equal(want, have))
            return false;
        if (have.len == 0)
            return false;
    }
    out->fleet = fleet;
    out->release = release;
    return true;
}

void routes_find(const char *method, const char *path, struct routes_match *out)
{
    struct routes_match m = {0};
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!path_matches(table[i].pattern, path, &m))
            continue;
        size_t used = strlen(m.allow);
        snprintf(m.allow + used, sizeof m.allow - used, "%s%s", used ? ", " : "", table[i].method);
        if (strcmp(table[i].method, wanted) == 0)
            m.route = &table[i];
    }
    *out = m;
}

void routes_unknown(const struct routes_match *match, const char *method, const char *path, struct reply *re)
{
    if (match->allow[0]) {
        reply_error(re, 405, "method_not_allowed", NULL, "%s does not know %s; it knows %s", path, method,
                    match->allow);
        return;
    }
    struct vx_buf list = {0};
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        vx_buf_printf(&list, "%s%s %s", i ? ", " : "", table[i].method, table[i].pattern);
    reply_error(re, 404, "no_such_route", NULL, "there is no %s; there is: %s", path, vx_buf_text(&list));
    vx_buf_done(&list);
}

/* Is `name` one of the words of `known`? If not, says so with the nearest one. */
static bool check_name(struct vx_span name, const char *known, const char *what, struct reply *re)
{
    char words[256];
    const char *names[16];
    size_t count = 0;
    snprintf(words, sizeof words, "%s", known);
    for (char *save = NULL, *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (vx_span_is(name, w))
            return true;
        vx_assert(count < 16);
        names[count++] = w;
    }
    const char *near = vx_nearest(name, names, count);
    if (near)
        reply_error(re, 400, "bad_request", NULL, "unknown %s `%.*s`; did you mean `%s`?", what, VX_SPAN_ARG(name),
                    near);
    else
        reply_error(re, 400, "bad_request", NULL, "unknown %s `%.*s`; known: %s", what, VX_SPAN_ARG(name),
                    known[0] ? known : "none");
    return false;
}

/* Is a member of a body of the type it must have? A guard such as expect_head that was quietly left out because somebody
 * put it in quotes would let the very change through that it was to stop. null is as good as not there. */
static bool check_type(const char *name, struct json_value v, struct reply *re)
{
    static const struct {
        const char *name, *must;
        enum json_kind kind;
    } types[] = {
        {"author", "a text", JSON_KIND_STRING},     {"expect_generation", "a whole number", JSON_KIND_INT},
        {"message", "a text", JSON_KIND_STRING},    {"expect_head", "a whole number", JSON_KIND_INT},
        {"request_id", "a text", JSON_KIND_STRING},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        int64_t n = 0;
        if (strcmp(name, types[i].name) != 0 || v.kind == JSON_KIND_NULL)
            continue;
        if (v.kind == types[i].kind && (v.kind != JSON_KIND_INT || (json_int64(v, &n) && n >= 0)))
            return true;
        reply_error(re, 400, "bad_request", NULL, "`%s` must be %s%s", name, types[i].must,
                    types[i].kind == JSON_KIND_INT ? " from 0" : "");
        return false;
    }
    return true;
}

static bool check_names(const struct api_route *route, struct request *rq, struct reply *re)
{
    for (size_t i = 0; i < rq->query_count; i++)
        if (!check_name(vx_span_str(rq->query[i].name), route->query, "query parameter", re))
            return false;
    if (rq->body.kind != JSON_KIND_OBJECT)
        return true;
    for (struct json_iter it = json_iter(rq->body); json_next(&it);) {
        struct vx_span name = json_unescape(it.key, &rq->arena);
        if (!check_name(name, route->fields, "member", re) ||
            !check_type(vx_arena_span(&rq->arena, name).at, it.value, re))
            return false;
    }
    return true;
}

void routes_call(const struct routes_match *match, struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    if (!check_names(match->route, rq, re))
        return;
    if (match->release.at)
        rq->release = vx_arena_span(&rq->arena, match->release).at;
    if (match->fleet.at) {
        const char *fleet = vx_arena_span(&rq->arena, match->fleet).at;
        if (!store_fleet_name_valid(fleet)) {
            reply_error(re, 400, "bad_request", NULL,
                        "`%s` cannot be a fleet: 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit", fleet);
            return;
        }
        if (store_new(rq->etcd, fleet, &rq->store, &err) != VX_OK) {
            reply_failure(re, &err);
            return;
        }
    }
    re->status = 200;
    match->route->handle(rq, re);
    store_free(rq->store);
    rq->store = NULL;
}
