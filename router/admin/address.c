/* See address.h. No state. */
#include "router/admin/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/span.h"
#include "router/admin/admin.h"

static bool split(const char *text, char host[256], char port[8])
{
    const char *colon = strrchr(text, ':');
    if (!colon || strlen(colon + 1) > 5 || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtol(colon + 1, NULL, 10) > 65535)
        return false;
    struct vx_span h = vx_span(text, (size_t)(colon - text));
    if (h.len >= 2 && h.at[0] == '[' && h.at[h.len - 1] == ']')
        h = vx_span(h.at + 1, h.len - 2);
    else if (h.len && memchr(h.at, ':', h.len))
        return false; /* an IPv6 address without brackets */
    if (h.len >= 256)
        return false;
    memcpy(host, h.at, h.len);
    host[h.len] = '\0';
    strcpy(port, colon + 1);
    return true;
}

enum vx_status address_load(const char *text, bool resolve, struct sockaddr_storage *out, struct vx_err *err)
{
    char host[256], port[8];
    if (!split(text, host, port))
        return vx_err_set(err, VX_EINVAL, "`%s` is not an address: write host:port, \"127.0.0.1:9644\"", text);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | (resolve ? 0 : AI_NUMERICHOST)};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host[0] ? host : "0.0.0.0", port, &hints, &found);
    if (code == EAI_NONAME && !resolve)
        return VX_OK; /* a name: known when it is used */
    if (code != 0)
        return vx_err_set(err, VX_EINVAL, "`%s`: %s", text, gai_strerror(code));
    memset(out, 0, sizeof *out);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return VX_OK;
}

enum vx_status admin_address_check(const char *address, struct vx_err *err)
{
    struct sockaddr_storage unused;
    return address_load(address, false, &unused, err);
}
