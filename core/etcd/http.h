/* One HTTP exchange with one endpoint: a POST and its answer, whole or as a stream. Internal to core/etcd.
 *
 * Filled by whoever wants it, started, driven and ended on the client's thread. The body is borrowed until on_end. */
#ifndef VX_ETCD_HTTP_H
#define VX_ETCD_HTTP_H

#include <stdbool.h>

#include "core/base/buf.h"

struct etcd;

enum {
    HTTP_CONNECT_MS = 2000,
    HTTP_ANSWER_MAX_BYTES = 64 << 20 /* a larger answer, or a larger line of a stream, is not etcd's */
};

/* How it ended, as far as what follows depends on it. */
enum http_end {
    HTTP_ANSWERED,
    HTTP_REFUSED, /* the request was not sent */
    HTTP_BROKEN,  /* it may have been received; there is no whole answer */
    HTTP_TIMEOUT, /* the same, for lack of time */
    HTTP_CANCELED /* by us */
};

struct http {
    /* The request. */
    size_t endpoint;                   /* index */
    const char *path;                  /* static, "/v3/kv/range" */
    struct vx_span body;               /* borrowed until on_end */
    char *token;                       /* heap, freed by http_done(); NULL: none */
    bool needs_leader;                 /* fail at once where the member sees none */
    bool cancelable;                   /* ended by etcd_cancel() */
    bool once;                         /* never sent twice, not by libcurl on its own either */
    long timeout_ms;                   /* 0: none, for streams */
    void (*on_end)(struct http *http); /* on the client's thread; its last touch */
    void *ctx;

    /* The answer. A stream's owner takes bytes out of it as they come. */
    struct vx_buf answer;
    enum http_end end;
    bool late; /* its time was up, connected or not */
    long status;
    char reason[200]; /* unless HTTP_ANSWERED: what a person reads after "http://host:port: " */

    /* The client's thread. */
    bool active;
    void *easy;    /* CURL */
    void *headers; /* curl_slist */
    char error[256];
    struct http *next;
    struct http **link; /* what points at it in the list of the active ones */
};

/* Starts it; on_end comes later, never from here. */
void http_start(struct etcd *etcd, struct http *http);
/* Ends it; an exchange that is not active is left alone. Without `tell`, on_end is not called. */
void http_stop(struct etcd *etcd, struct http *http, enum http_end end, bool tell);
/* Drives all of them; ends those that are through. */
void http_drive(struct etcd *etcd);
/* Frees what the exchange owns; it must not be active. */
void http_done(struct http *http);

#endif
