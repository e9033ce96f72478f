/* The admin port over libmicrohttpd: one thread of its own, which also runs the callbacks; answers are small. Owns the
 * daemon. No state but the setup. */
#include "router/admin/admin.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "router/admin/address.h"

enum { CONNECTIONS_MAX = 32, IDLE_S = 10 };

struct admin {
    struct admin_setup setup;
    struct MHD_Daemon *daemon;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, const char *type, struct vx_buf *text)
{
    size_t len = text->len;
    struct MHD_Response *response = MHD_create_response_from_buffer(len, vx_buf_take(text), MHD_RESPMEM_MUST_FREE);
    vx_assert(response != NULL);
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **seen)
{
    const struct admin_setup *s = &((struct admin *)ctx)->setup;
    const struct {
        const char *url, *type;
        bool (*make)(void *ctx, struct vx_buf *out);
    } pages[] = {
        {"/healthz", "text/plain; charset=utf-8", s->healthz},
        {"/readyz", "text/plain; charset=utf-8", s->readyz},
        {"/metrics", "text/plain; version=0.0.4; charset=utf-8", s->metrics},
        {"/status", "application/json", s->status},
    };
    static int mark;
    (void)version, (void)upload;
    /* the first call announces the request; a body, which nobody asked for, is swallowed */
    if (!*seen) {
        *seen = &mark;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    struct vx_buf text = {0};
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        vx_buf_str(&text, "only GET here\n");
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, pages[0].type, &text);
    }
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(url, pages[i].url) == 0) {
            bool good = pages[i].make(s->ctx, &text);
            return answer(connection, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, pages[i].type, &text);
        }
    vx_buf_str(&text, "/healthz /readyz /metrics /status\n");
    return answer(connection, MHD_HTTP_NOT_FOUND, pages[0].type, &text);
}

enum vx_status admin_start(const struct admin_setup *setup, struct admin **out, struct vx_err *err)
{
    struct sockaddr_storage address;
    enum vx_status st = address_load(setup->address, true, &address, err);
    if (st != VX_OK)
        return st;
    struct admin *a = calloc(1, sizeof *a);
    vx_assert(a != NULL);
    a->setup = *setup;
    /* auto: epoll or poll; its default is select, which ends at 1024 open files */
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    a->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, a, MHD_OPTION_SOCK_ADDR, &address,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)IDLE_S, MHD_OPTION_END);
    if (!a->daemon) {
        free(a);
        return vx_err_set(err, VX_EIO, "admin: cannot listen on %s: %s", setup->address, strerror(errno));
    }
    *out = a;
    return VX_OK;
}

void admin_stop(struct admin *a)
{
    if (!a)
        return;
    MHD_stop_daemon(a->daemon);
    free(a);
}

uint16_t admin_port(const struct admin *a)
{
    return MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}
