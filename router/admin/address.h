/* "host:port" as text to a socket address. Any thread. */
#ifndef ROUTER_ADMIN_ADDRESS_H
#define ROUTER_ADMIN_ADDRESS_H

#include <sys/socket.h>

#include <stdbool.h>

#include "core/base/err.h"

/* Resolves numeric addresses, and names by the system's resolver when `resolve`. */
VX_MUSTCHECK enum vx_status address_load(const char *text, bool resolve, struct sockaddr_storage *out,
                                         struct vx_err *err);

#endif
