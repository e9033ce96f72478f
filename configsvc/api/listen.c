/* Addresses of the loopback. Without authentication, whoever can connect can change the fleet: so only this machine may,
 * and a browser on it only for pages that come from it (a foreign page could otherwise post here, or point a name of its
 * own at 127.0.0.1). Pure, any thread. */
#include "configsvc/api/listen.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Splits "host:port" or "[host]:port"; `port` is NULL when there is none. False when it is neither. */
static bool split(const char *text, char host[LISTEN_TEXT_SIZE], const char **port)
{
    const char *end;
    size_t skip = text[0] == '[';
    if (skip) {
        end = strchr(text, ']');
        if (!end || (end[1] != ':' && end[1] != '\0'))
            return false;
        *port = end[1] == ':' ? end + 2 : NULL;
    } else {
        end = text + strcspn(text, ":");
        *port = *end == ':' ? end + 1 : NULL;
        if (*port && strchr(*port, ':'))
            return false;
    }
    size_t len = (size_t)(end - text) - skip;
    if (len == 0 || len >= LISTEN_TEXT_SIZE)
        return false;
    memcpy(host, text + skip, len);
    host[len] = '\0';
    return true;
}

static bool port_load(const char *text, uint16_t *out)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len || atoi(text) > UINT16_MAX)
        return false;
    *out = (uint16_t)atoi(text);
    return true;
}

enum vx_status listen_load(const char *text, struct listen_address *out, struct vx_err *err)
{
    char host[LISTEN_TEXT_SIZE];
    const char *port_text;
    uint16_t port;
    struct listen_address a = {0};
    if (!split(text, host, &port_text) || !port_load(port_text, &port))
        return vx_err_set(err, VX_EINVAL, "`%s` is not an address with a port, such as 127.0.0.1:9643", text);
    const char *number = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (inet_pton(AF_INET, number, &a.at.in4.sin_addr) == 1) {
        a.at.in4.sin_family = AF_INET;
        a.at.in4.sin_port = htons(port);
        a.len = sizeof a.at.in4;
    } else if (inet_pton(AF_INET6, number, &a.at.in6.sin6_addr) == 1) {
        a.at.in6.sin6_family = AF_INET6;
        a.at.in6.sin6_port = htons(port);
        a.len = sizeof a.at.in6;
    } else {
        return vx_err_set(err, VX_EINVAL, "`%s` is not an address with a port, such as 127.0.0.1:9643", text);
    }
    bool loopback = a.at.sa.sa_family == AF_INET ? ntohl(a.at.in4.sin_addr.s_addr) >> 24 == 127
                                                 : IN6_IS_ADDR_LOOPBACK(&a.at.in6.sin6_addr);
    if (!loopback)
        return vx_err_set(
            err, VX_EDENIED,
            "will not listen on %s: there is no authentication yet, so only addresses of the loopback are "
            "allowed, such as 127.0.0.1:%u",
            text, port);
    *out = a;
    return VX_OK;
}

void listen_print(const struct listen_address *address, char text[LISTEN_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->at.sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->at.in6.sin6_addr, host, sizeof host);
        snprintf(text, LISTEN_TEXT_SIZE, "[%s]:%u", host, ntohs(address->at.in6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->at.in4.sin_addr, host, sizeof host);
        snprintf(text, LISTEN_TEXT_SIZE, "%s:%u", host, ntohs(address->at.in4.sin_port));
    }
}

bool listen_host_allowed(const char *host)
{
    char name[LISTEN_TEXT_SIZE];
    const char *port_text;
    uint16_t port;
    struct in_addr v4;
    struct in6_addr v6;
    if (!split(host, name, &port_text) || (port_text && !port_load(port_text, &port)))
        return false;
    if (host[0] == '[')
        return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    if (strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool listen_origin_allowed(const char *origin)
{
    return strncmp(origin, "http://", 7) == 0 && listen_host_allowed(origin + 7);
}
