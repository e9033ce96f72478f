/* Addresses: what configsvc may listen on and which Host or Origin a request may name. Pure. */
#ifndef VX_CONFIGSVC_LISTEN_H
#define VX_CONFIGSVC_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

enum { LISTEN_TEXT_SIZE = 64 };

struct listen_address {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } at;
    socklen_t len;
};

/* Reads "127.0.0.1:9643", "localhost:9643" or "[::1]:9643". VX_EINVAL: not an address with a port. VX_EDENIED: not of the
 * loopback. */
VX_MUSTCHECK enum vx_status listen_load(const char *text, struct listen_address *out, struct vx_err *err);
/* Writes it back as text. */
void listen_print(const struct listen_address *address, char text[LISTEN_TEXT_SIZE]);
/* True for a Host header that names this machine: localhost, 127.x.y.z or [::1], with or without a port. */
bool listen_host_allowed(const char *host);
/* The same for an Origin header: "http://" and such a host. */
bool listen_origin_allowed(const char *origin);

#endif
