/* The HTTP API of configsvc. What it offers is listed at the top of routes.c.
 *
 * Loopback only: there is no authentication yet, so it answers nobody but this machine, and only requests whose Host and
 * Origin name this machine (a web page somewhere else cannot reach it through the operator's browser).
 */
#ifndef VX_CONFIGSVC_API_H
#define VX_CONFIGSVC_API_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/etcd/etcd.h"

enum {
    API_BODY_MAX_BYTES = 64 * 1024 * 1024,    /* one request's body; beyond: 413 */
    API_BODIES_MAX_BYTES = 256 * 1024 * 1024, /* all bodies being held; beyond: 503 */
    API_CONNECTIONS_MAX = 256,                /* further ones are closed at once */
    API_IDLE_S = 30,                          /* a connection that says nothing for so long is closed */
    API_LOCK_WAIT_MS = 5000,                  /* a publisher queues this long for the edit lock */
    API_DRAIN_MS = 15000,                     /* requests under way at SIGTERM get this long to finish */
};

struct api_config {
    const char *listen; /* "127.0.0.1:9643", "[::1]:9643"; port 0: any free one */
    const char *name;   /* of this replica, in locks and the audit: "configsvc@host"; borrowed */
    struct etcd *etcd;  /* borrowed; must outlive it */
};

struct api;
/* Starts answering, on threads of its own. VX_EDENIED: the address is not of the loopback. VX_EIO: cannot listen. */
VX_MUSTCHECK enum vx_status api_start(const struct api_config *config, struct api **out, struct vx_err *err);
/* The address it listens on: "127.0.0.1:9643". */
const char *api_address(const struct api *api);
/* Accepts nothing new, lets running requests finish (at most API_DRAIN_MS), and frees. */
void api_stop(struct api *api);

#endif
