/* The insides of the client. Internal to core/etcd. */
#ifndef VX_ETCD_CLIENT_H
#define VX_ETCD_CLIENT_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/etcd/answer.h"
#include "core/etcd/etcd.h"
#include "core/etcd/http.h"

struct etcd {
    /* Set once. */
    char **endpoints; /* "http://host:port" */
    size_t endpoint_count;
    char *user; /* NULL without auth */
    char *ca_file, *cert_file, *key_file;
    int64_t canary_ms;
    pthread_t thread;
    void *multi; /* CURLM; the client's thread, but for waking it */

    _Atomic size_t current; /* the endpoint in use; sticky until it fails */

    pthread_mutex_t mutex;  /* guards what follows */
    pthread_cond_t changed; /* a call was canceled, the last caller left, a watch was closed */
    struct http *posted;    /* newest first */
    struct etcd_watch *new_watches;
    size_t caller_count; /* threads inside of a call */
    bool canceled;       /* calls fail */
    bool stopping;       /* the thread ends */
    char *password;      /* NULL without auth */
    char *token;         /* of auth; NULL: none yet */
    bool auth_is_off;    /* etcd said that there is no auth, though we have a user */

    /* The client's thread. */
    struct http *active;
    struct etcd_watch *watches;
};

/* Hands an exchange to the client's thread; false when calls are canceled. */
bool client_post(struct etcd *etcd, struct http *http);
void client_wake(struct etcd *etcd);
/* The endpoint to use now; and: that one failed, use another. */
size_t client_endpoint(struct etcd *etcd);
void client_endpoint_failed(struct etcd *etcd, size_t endpoint);
/* A copy of the token for an exchange, or NULL. *needed: there is none, and one must be fetched first. */
char *client_token(struct etcd *etcd, bool *needed);
/* Appends the request for a token. */
void client_ask_token(struct etcd *etcd, struct vx_buf *out);
/* The answer to "authenticate" (NULL: auth is off there); and: this token is not good any more. */
void client_token_set(struct etcd *etcd, const char *token);
void client_token_drop(struct etcd *etcd, const char *token);

/* The time to wait before try `attempt` (from 0), jittered, at most `max_ms`. */
int64_t client_backoff_ms(unsigned attempt, int64_t max_ms);

/* One unary call with all its tries. */
struct call {
    const char *path;
    struct vx_buf body; /* freed by call_run() */
    bool repeatable;    /* sending it again after a lost answer is safe */
    bool needs_leader;
    int64_t deadline_ms; /* from now */
};
/* Blocks. On success *root is a reference to the answer. On an error that etcd itself answered, *error (may be NULL) is it. */
VX_MUSTCHECK enum vx_status call_run(struct etcd *etcd, struct call *call, json_t **root, struct answer_error *error,
                                     struct vx_err *err);
/* The endpoint answered something that cannot be read. */
enum vx_status call_unreadable(struct etcd *etcd, struct vx_err *err);

/* Moves watches on; called on the client's thread after whatever happened. Returns when it must be called again at the
 * latest (vx_clock_ms()). */
int64_t watch_tick(struct etcd_watch *watch, int64_t now_ms);
/* On the client's thread, when it ends. */
void watch_close(struct etcd_watch *watch);
/* The list of watches is the client's; their insides are in watch_private.h. */
struct etcd_watch **watch_next(struct etcd_watch *watch);
bool watch_is_closed(const struct etcd_watch *watch);
void watch_destroy(struct etcd_watch *watch);

#endif
