/* The HTTP side of the API: connections, bodies and their limits, who may ask, the reply. The only file of configsvc that
 * knows libmicrohttpd.
 *
 *     connection (a thread each) ── head: Host, Origin, type, size ── body ── routes_find ── routes_call ── reply
 *
 * A thread per connection, because handlers wait for etcd: a slow client, or one that sends half a request, holds its own
 * thread only and is cut off after API_IDLE_S. A `struct call` belongs to its connection's thread from on_request() to
 * on_completed(); the api's counters are atomics or under its lock, everything else in it is immutable while it runs.
 */
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "configsvc/api/listen.h"
#include "configsvc/api/routes.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/utf8.h"

enum { AUTHOR_MAX_BYTES = 100 };

/* The classes that replies are counted in. */
enum { CLASS_2XX, CLASS_4XX, CLASS_5XX, CLASS_COUNT };
static const char *const class_names[] = {"2xx", "4xx", "5xx"};

struct api {
    struct MHD_Daemon *daemon;
    struct etcd *etcd;
    const char *name;
    char address[LISTEN_TEXT_SIZE];
    pthread_mutex_t lock;       /* guards running */
    pthread_cond_t idle;        /* running fell to 0 */
    int running;                /* requests between first byte and last */
    atomic_size_t bodies_bytes; /* held by all of them */
    atomic_bool stopping;
    atomic_uint_fast64_t answered[CLASS_COUNT];
};

/* One request. */
struct call {
    struct api *api;
    struct vx_buf body;
    size_t counted_bytes; /* of api->bodies_bytes */
    bool started;         /* the head has been looked at */
    bool too_large;
    bool overloaded;
    int64_t began_ms;
};

/* --- replies --------------------------------------------------------------------------------------------------------- */

static enum MHD_Result send_reply(struct call *call, struct MHD_Connection *connection, struct reply *re,
                                  const char *allow, bool close)
{
    size_t len = re->body.len;
    unsigned status = (unsigned)re->status;
    if (!re->type)
        vx_buf_char(&re->body, '\n');
    len = re->body.len;
    char *text = vx_buf_take(&re->body);
    struct MHD_Response *response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    vx_assert(response != NULL);
    MHD_add_response_header(response, "Content-Type", re->type ? re->type : "application/json; charset=utf-8");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (allow && allow[0])
        MHD_add_response_header(response, "Allow", allow);
    if (close || atomic_load(&call->api->stopping))
        MHD_add_response_header(response, "Connection", "close");
    atomic_fetch_add(&call->api->answered[status < 400 ? CLASS_2XX : status < 500 ? CLASS_4XX : CLASS_5XX], 1);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void write_metrics(struct api *api, struct vx_buf *out)
{
    vx_buf_str(out, "# HELP veltrix_configsvc_info The version that runs.\n# TYPE veltrix_configsvc_info gauge\n");
    vx_buf_printf(out, "veltrix_configsvc_info{version=\"%s\"} 1\n", VELTRIX_VERSION);
    vx_buf_str(out, "# HELP veltrix_configsvc_replies_total Replies by class of HTTP status.\n"
                    "# TYPE veltrix_configsvc_replies_total counter\n");
    for (int i = 0; i < CLASS_COUNT; i++)
        vx_buf_printf(out, "veltrix_configsvc_replies_total{code=\"%s\"} %llu\n", class_names[i],
                      (unsigned long long)atomic_load(&api->answered[i]));
    pthread_mutex_lock(&api->lock);
    int running = api->running;
    pthread_mutex_unlock(&api->lock);
    vx_buf_printf(out,
                  "# HELP veltrix_configsvc_requests_running Requests under way.\n"
                  "# TYPE veltrix_configsvc_requests_running gauge\n"
                  "veltrix_configsvc_requests_running %d\n",
                  running);
    vx_buf_printf(out,
                  "# HELP veltrix_configsvc_bodies_bytes Request bodies held in memory.\n"
                  "# TYPE veltrix_configsvc_bodies_bytes gauge\n"
                  "veltrix_configsvc_bodies_bytes %zu\n",
                  atomic_load(&api->bodies_bytes));
}

/* --- requests -------------------------------------------------------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Is the body announced as JSON? A page of another origin cannot announce that without asking first. */
static bool is_json(const char *type)
{
    size_t n = strlen("application/json");
    return type && strncasecmp(type, "application/json", n) == 0 && (!type[n] || type[n] == ';' || type[n] == ' ');
}

/* What can be refused on seeing the head alone. False with the reply filled. */
static bool check_head(struct MHD_Connection *connection, const char *method, struct reply *re)
{
    const char *host = header(connection, "Host"), *origin = header(connection, "Origin");
    const char *length = header(connection, "Content-Length");
    if ((host && !listen_host_allowed(host)) || (origin && !listen_origin_allowed(origin))) {
        reply_error(re, 403, "forbidden", NULL, "only requests to this machine, from this machine, are answered");
        return false;
    }
    if (strcmp(method, "POST") == 0 && !is_json(header(connection, "Content-Type"))) {
        reply_error(re, 415, "unsupported_media_type", NULL, "a POST needs the header Content-Type: application/json");
        return false;
    }
    if (length && strtoull(length, NULL, 10) > API_BODY_MAX_BYTES) {
        reply_error(re, 413, "too_large", NULL, "the body is larger than %d MiB", API_BODY_MAX_BYTES / (1024 * 1024));
        return false;
    }
    return true;
}

/* Takes a piece of the body. What exceeds a limit is thrown away; the reply says so when the rest has come. */
static void take_body(struct call *call, const char *data, size_t len)
{
    if (call->too_large || call->overloaded)
        return;
    call->too_large = call->body.len + len > API_BODY_MAX_BYTES;
    call->overloaded = atomic_fetch_add(&call->api->bodies_bytes, len) + len > API_BODIES_MAX_BYTES;
    call->counted_bytes += len;
    if (!call->too_large && !call->overloaded)
        vx_buf_add(&call->body, data, len);
    else
        vx_buf_done(&call->body);
}

static enum MHD_Result add_query(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct request *rq = ctx;
    if (rq->query_count == REQUEST_QUERY_MAX)
        return MHD_NO;
    rq->query[rq->query_count++] = (struct request_pair){name, value ? value : ""};
    return MHD_YES;
}

static void fill_client(struct MHD_Connection *connection, struct request *rq)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char host[NI_MAXHOST] = "unknown";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
                    host, sizeof host, NULL, 0, NI_NUMERICHOST);
    rq->client = vx_arena_str(&rq->arena, host);
}

/* The body as JSON; an empty one is an empty object. False with the reply filled. */
static bool read_body(struct call *call, struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct vx_span text = call->body.len ? vx_buf_view(&call->body) : VX_SPAN_LITERAL("{}");
    if (wire_parse(text, &rq->body, &err) != VX_OK) {
        reply_error(re, 400, "bad_request", NULL, "the body is %s", err.message);
        return false;
    }
    if (rq->body.kind != JSON_KIND_OBJECT) {
        reply_error(re, 400, "bad_request", NULL, "the body must be a JSON object");
        return false;
    }
    return true;
}

/* Who asks. It becomes part of records and log lines of fixed size, so it is cut, between code points. */
static void fill_author(struct MHD_Connection *connection, struct request *rq)
{
    const char *author = wire_get_str(rq->body, "author", &rq->arena, NULL);
    if (!author || !author[0])
        author = header(connection, "X-Veltrix-Author");
    if (!author || !author[0] || !vx_utf8_valid(vx_span_str(author)))
        author = "unknown";
    size_t len = strlen(author);
    if (len > AUTHOR_MAX_BYTES)
        for (len = AUTHOR_MAX_BYTES; len > 0 && ((unsigned char)author[len] & 0xc0) == 0x80;)
            len--;
    char *copy = vx_arena_printf(&rq->arena, "%.*s", (int)len, author);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    rq->author = copy;
}

static enum MHD_Result answer(struct call *call, struct MHD_Connection *connection, const char *url, const char *method)
{
    struct reply re = {0};
    struct request rq = {.etcd = call->api->etcd, .replica = call->api->name};
    struct vx_buf metrics = {0};
    struct routes_match match;
    routes_find(method, url, &match);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, &rq);
    fill_client(connection, &rq);
    if (call->too_large)
        reply_error(&re, 413, "too_large", NULL, "the body is larger than %d MiB", API_BODY_MAX_BYTES / (1024 * 1024));
    else if (call->overloaded)
        reply_error(&re, 503, "overloaded", NULL, "too many large requests at once: try again");
    else if (!match.route)
        routes_unknown(&match, method, url, &re);
    else if (strcmp(method, "POST") != 0 || read_body(call, &rq, &re)) {
        fill_author(connection, &rq);
        write_metrics(call->api, &metrics);
        rq.metrics = vx_buf_text(&metrics);
        routes_call(&match, &rq, &re);
    }
    vx_log(VX_LOG_DEBUG, "request.done", "method=%s status=%d took_ms=%lld", match.route ? method : "-", re.status,
           (long long)(vx_clock_ms() - call->began_ms));
    enum MHD_Result result = send_reply(call, connection, &re, re.status == 405 ? match.allow : NULL, false);
    vx_buf_done(&metrics);
    vx_arena_done(&rq.arena);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **slot)
{
    (void)version;
    struct call *call = *slot;
    if (!call) {
        call = calloc(1, sizeof *call);
        vx_assert(call != NULL);
        call->api = cls;
        call->began_ms = vx_clock_ms();
        pthread_mutex_lock(&call->api->lock);
        call->api->running++;
        pthread_mutex_unlock(&call->api->lock);
        *slot = call;
    }
    if (!call->started) {
        struct reply re = {0};
        call->started = true;
        return check_head(connection, method, &re) ? MHD_YES : send_reply(call, connection, &re, NULL, true);
    }
    if (*upload_len > 0) {
        take_body(call, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return answer(call, connection, url, method);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct api *api = cls;
    struct call *call = *slot;
    if (!call)
        return;
    atomic_fetch_sub(&api->bodies_bytes, call->counted_bytes);
    pthread_mutex_lock(&api->lock);
    if (--api->running == 0)
        pthread_cond_signal(&api->idle);
    pthread_mutex_unlock(&api->lock);
    vx_buf_done(&call->body);
    free(call);
    *slot = NULL;
}

static void on_library_log(void *cls, const char *fmt, va_list args)
{
    (void)cls;
    char text[512], quoted[VX_LOG_QUOTE_SIZE];
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    vx_log(VX_LOG_DEBUG, "http.note", "text=%s", vx_log_quote(text, quoted));
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static void release(struct api *api)
{
    pthread_cond_destroy(&api->idle);
    pthread_mutex_destroy(&api->lock);
    free(api);
}

enum vx_status api_start(const struct api_config *config, struct api **out, struct vx_err *err)
{
    struct listen_address address;
    enum vx_status status = listen_load(config->listen, &address, err);
    if (status != VX_OK)
        return status;
    struct api *api = calloc(1, sizeof *api);
    vx_assert(api != NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&api->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&api->lock, NULL);
    api->etcd = config->etcd;
    api->name = config->name;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
                     MHD_USE_ERROR_LOG | (address.at.sa.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    api->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, api, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
                                   NULL, MHD_OPTION_SOCK_ADDR, &address.at.sa, MHD_OPTION_NOTIFY_COMPLETED,
                                   on_completed, api, MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_MAX,
                                   MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_IDLE_S, MHD_OPTION_END);
    if (!api->daemon) {
        release(api);
        return vx_err_set(err, VX_EIO, "cannot listen on %s: is something else listening there?", config->listen);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (address.at.sa.sa_family == AF_INET6)
        address.at.in6.sin6_port = htons(info->port);
    else
        address.at.in4.sin_port = htons(info->port);
    listen_print(&address, api->address);
    *out = api;
    return VX_OK;
}

const char *api_address(const struct api *api)
{
    return api->address;
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    atomic_store(&api->stopping, true);
    MHD_socket listener = MHD_quiesce_daemon(api->daemon);
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += API_DRAIN_MS / 1000;
    pthread_mutex_lock(&api->lock);
    while (api->running > 0 && pthread_cond_timedwait(&api->idle, &api->lock, &deadline) == 0)
        continue;
    pthread_mutex_unlock(&api->lock);
    MHD_stop_daemon(api->daemon);
    if (listener != MHD_INVALID_SOCKET)
        close(listener);
    release(api);
}
