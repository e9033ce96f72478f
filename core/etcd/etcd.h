/* A client of etcd's v3 JSON gateway, 3.4 to 3.6.
 *
 * One thread and one curl multi handle carry all unary calls and all watches of a process. Calls block their caller up to
 * a deadline; watch callbacks run on the client's thread and must not block. Endpoints are a list: the choice is sticky
 * and moves on after a transport error, a deadline or "unavailable" (facts: failover policy). A request is sent again on
 * another endpoint only where that is safe: reads always, writes when the caller says that its guards make it safe.
 *
 * Keys and values are bytes; base64 and JSON stay inside.
 */
#ifndef VX_ETCD_ETCD_H
#define VX_ETCD_ETCD_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/span.h"

enum {
    ETCD_CALL_TIMEOUT_MS = 3000,       /* one try of a unary call */
    ETCD_DEADLINE_MS = 10000,          /* a unary call with all its tries */
    ETCD_WATCH_CREATED_MS = 3000,      /* until a watch says it is created */
    ETCD_WATCH_CANARY_MS = 10000,      /* a watch's liveness is proved this often on its endpoint */
    ETCD_VALUE_MAX_BYTES = 1024 * 1024 /* a larger value is refused here, before etcd does */
};

struct etcd;

struct etcd_config {
    const char *const *endpoints; /* "http://host:port"; at least one */
    size_t endpoint_count;
    const char *user; /* NULL without auth */
    const char *password;
    /* PEM files for https endpoints; NULL: the system's CAs, no client certificate, the key stands in cert_file. Each new
     * connection reads them again: a renewed certificate needs no call. */
    const char *ca_file, *cert_file, *key_file;
    int64_t canary_ms; /* 0: ETCD_WATCH_CANARY_MS; tests are in a hurry */
};

/* Says what is wrong with a config without connecting: the endpoints' form, files that cannot be read or used. */
VX_MUSTCHECK enum vx_status etcd_config_check(const struct etcd_config *config, struct vx_err *err);
/* Checks the config and starts the thread; connects to nothing yet. */
VX_MUSTCHECK enum vx_status etcd_new(const struct etcd_config *config, struct etcd **out, struct vx_err *err);
/* Ends and frees all watches that are left, fails calls under way with VX_ECANCELED, joins the thread. */
void etcd_free(struct etcd *etcd);
/* From now on every call fails with VX_ECANCELED at once, those under way too: the first step of stopping quickly while
 * etcd is away. Watches go on until they are freed. Any thread, also twice. */
void etcd_cancel(struct etcd *etcd);
/* The user's password from now on (copied), where there is a user: the next token is asked for with it. What runs goes on
 * with the token it has; what etcd has refused meanwhile is tried again by itself. Any thread. */
void etcd_set_password(struct etcd *etcd, const char *password);
/* The endpoint in use, for messages and status; static until etcd_free(). */
const char *etcd_endpoint(const struct etcd *etcd);

struct etcd_kv {
    struct vx_span key;
    struct vx_span value;
    int64_t create_revision;
    int64_t mod_revision;
    int64_t version;
    int64_t lease;
};

struct etcd_range {
    int64_t revision; /* of the store when it was read */
    uint64_t cluster_id;
    struct etcd_kv *kvs; /* in the arena of the call */
    size_t count;        /* kvs returned */
    int64_t total;       /* keys in the range, also beyond `limit` */
};

enum etcd_read { ETCD_LINEARIZABLE, ETCD_SERIALIZABLE };

/* One key. VX_ENOTFOUND when it does not exist (then `revision` and `cluster_id` of *out are still set). */
VX_MUSTCHECK enum vx_status etcd_get(struct etcd *etcd, struct vx_arena *arena, struct vx_span key, enum etcd_read read,
                                     struct etcd_range *out, struct vx_err *err);

/* The same in at most `deadline_ms` instead of ETCD_DEADLINE_MS: for who comes again anyway. */
VX_MUSTCHECK enum vx_status etcd_get_within(struct etcd *etcd, struct vx_arena *arena, struct vx_span key,
                                            enum etcd_read read, int64_t deadline_ms, struct etcd_range *out,
                                            struct vx_err *err);

struct etcd_range_options {
    int64_t limit;    /* 0: all */
    int64_t revision; /* 0: now */
    bool keys_only;
    bool descending;       /* by key */
    struct vx_span start;  /* the least key wanted (inclusive), within the prefix; none: from the first */
    struct vx_span before; /* the end (exclusive), within the prefix; none: to the last */
    enum etcd_read read;
};
/* All keys that begin with `prefix`, by key, paged inside so that no answer gets huge. */
VX_MUSTCHECK enum vx_status etcd_list(struct etcd *etcd, struct vx_arena *arena, struct vx_span prefix,
                                      const struct etcd_range_options *options, struct etcd_range *out,
                                      struct vx_err *err);

/* A transaction: if every comparison holds, all of `then` happens, else all of `otherwise`. At most 128 of each. */
enum etcd_target { ETCD_CREATE_REVISION, ETCD_MOD_REVISION, ETCD_VERSION, ETCD_VALUE };
enum etcd_result { ETCD_EQUAL, ETCD_GREATER, ETCD_LESS, ETCD_NOT_EQUAL };
struct etcd_compare {
    struct vx_span key;
    enum etcd_target target;
    enum etcd_result result;
    int64_t number;       /* unless target is ETCD_VALUE */
    struct vx_span value; /* target ETCD_VALUE */
};
enum etcd_op_kind { ETCD_PUT, ETCD_DELETE, ETCD_GET };
struct etcd_op {
    enum etcd_op_kind kind;
    struct vx_span key;
    struct vx_span value; /* PUT */
    int64_t lease;        /* PUT; 0: none */
    bool prefix;          /* DELETE, GET: every key that begins with `key` */
    bool keys_only;       /* GET: without values */
};
struct etcd_txn {
    const struct etcd_compare *compares;
    size_t compare_count;
    const struct etcd_op *then;
    size_t then_count;
    const struct etcd_op *otherwise;
    size_t otherwise_count;
    bool repeatable; /* its guards make sending it twice safe: retried after a lost answer */
};
/* A repeatable transaction of three whole arrays. */
#define ETCD_GUARDED_TXN(compares_, then_, otherwise_)                                                                 \
    {                                                                                                                  \
        .compares = (compares_), .compare_count = sizeof(compares_) / sizeof *(compares_), .then = (then_),            \
        .then_count = sizeof(then_) / sizeof *(then_), .otherwise = (otherwise_),                                      \
        .otherwise_count = sizeof(otherwise_) / sizeof *(otherwise_), .repeatable = true                               \
    }
struct etcd_txn_result {
    bool succeeded;
    int64_t revision;
    uint64_t cluster_id;
    struct etcd_range *gets; /* one per GET of the branch taken, in order; in the arena */
    size_t get_count;
};
VX_MUSTCHECK enum vx_status etcd_txn(struct etcd *etcd, struct vx_arena *arena, const struct etcd_txn *txn,
                                     struct etcd_txn_result *out, struct vx_err *err);

/* Keys put with a lease are gone `ttl_s` seconds after its last keepalive. Never sent twice: a lease whose answer was lost
 * ends by itself. */
VX_MUSTCHECK enum vx_status etcd_lease_grant(struct etcd *etcd, int64_t ttl_s, int64_t *lease, struct vx_err *err);
/* VX_ENOTFOUND when the lease is lost. */
VX_MUSTCHECK enum vx_status etcd_lease_keepalive(struct etcd *etcd, int64_t lease, struct vx_err *err);
VX_MUSTCHECK enum vx_status etcd_lease_revoke(struct etcd *etcd, int64_t lease, struct vx_err *err);

/* A watch of one key or prefix from `start_revision` on. It reconnects by itself, on any endpoint, without a gap. */
struct etcd_watch;
struct etcd_event {
    bool deleted;
    struct etcd_kv kv; /* borrowed during the callback */
};
struct etcd_watch_ops {
    /* Every change, in order of revision; all of one revision in one call. */
    void (*on_events)(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id);
    /* What the watch has missed is gone: history was compacted past where it stood, or this is another history (the
     * cluster id changed, the revision fell: a restored snapshot; then `compact_revision` is 0). Read everything again; the
     * watch goes on from `next_revision` given to etcd_watch_resume(). Until then it is silent. */
    void (*on_compacted)(void *ctx, int64_t compact_revision);
    /* Connected (again), or lost; for status and logs. `reason` says why when lost. */
    void (*on_state)(void *ctx, bool connected, const char *reason);
};
/* `key`, `ops` are copied; callbacks on the client's thread until etcd_watch_free() returns. */
struct etcd_watch *etcd_watch_new(struct etcd *etcd, struct vx_span key, bool prefix, int64_t start_revision,
                                  const struct etcd_watch_ops *ops, void *ctx);
/* After on_compacted, or whenever the caller knows better (it found another history): goes on from `next_revision`. Any
 * thread, also from a callback. */
void etcd_watch_resume(struct etcd_watch *watch, int64_t next_revision);
/* Not from a callback. */
void etcd_watch_free(struct etcd_watch *watch);

/* Is one endpoint alive, of which version, does it see a leader? For `check` commands and messages. To a user who may not
 * ask, etcd does not tell all (3.6: version and alarms are for administrators): what is not told is "" and false. */
struct etcd_status {
    char version[32];
    bool has_leader;
    bool no_space; /* the NOSPACE alarm is raised */
};
VX_MUSTCHECK enum vx_status etcd_status(struct etcd *etcd, struct etcd_status *out, struct vx_err *err);

#endif
