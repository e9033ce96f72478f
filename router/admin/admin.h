/* The admin port: plain HTTP, read only.
 *
 *     /healthz   200 while the process works, 503 when a worker hangs
 *     /readyz    200 when it has a table, has joined its group and has begun its first partitions, else 503
 *                and why not
 *     /metrics   Prometheus text
 *     /status    JSON
 */
#ifndef ROUTER_ADMIN_ADMIN_H
#define ROUTER_ADMIN_ADMIN_H

#include "core/base/buf.h"
#include "core/base/err.h"

struct admin;

struct admin_setup {
    const char *address; /* "host:port", "[v6]:port", ":port" for every address; port 0 for any */
    /* All from the port's own thread; each appends its answer and returns true when it is good (200), else 503. */
    bool (*healthz)(void *ctx, struct vx_buf *out);
    bool (*readyz)(void *ctx, struct vx_buf *out);
    bool (*metrics)(void *ctx, struct vx_buf *out);
    bool (*status)(void *ctx, struct vx_buf *out);
    void *ctx;
};

/* Is it an address in the form above? */
VX_MUSTCHECK enum vx_status admin_address_check(const char *address, struct vx_err *err);
VX_MUSTCHECK enum vx_status admin_start(const struct admin_setup *setup, struct admin **out, struct vx_err *err);
void admin_stop(struct admin *a);
/* The port it listens on. */
uint16_t admin_port(const struct admin *a);

#endif
