/* Requests of etcd's v3 JSON gateway as JSON text. Pure.
 *
 * The gateway ignores field names that it does not know: a typo would silently mean something else. So every name stands
 * in this module once, and its test compares whole texts. Keys and values are base64 with padding, 64-bit numbers are
 * strings, names are snake_case (but `TTL` and `ID`): understood by 3.4 to 3.6.
 */
#ifndef VX_ETCD_REQUEST_H
#define VX_ETCD_REQUEST_H

#include "core/base/buf.h"
#include "core/etcd/etcd.h"

struct request_range {
    struct vx_span key;
    struct vx_span end; /* exclusive; none: the one key */
    int64_t limit;      /* 0: all */
    int64_t revision;   /* 0: now */
    bool keys_only;
    bool descending;   /* by key */
    bool newest_first; /* by mod revision */
    bool serializable;
};

/* Each appends one request to `out`. */
void request_range(struct vx_buf *out, const struct request_range *range);
void request_txn(struct vx_buf *out, const struct etcd_txn *txn);
void request_lease_grant(struct vx_buf *out, int64_t ttl_s);
/* For keepalive and revoke. */
void request_lease(struct vx_buf *out, int64_t lease);
/* `end`: none for one key. */
void request_watch(struct vx_buf *out, struct vx_span key, struct vx_span end, int64_t start_revision);
void request_authenticate(struct vx_buf *out, const char *user, const char *password);

/* Appends the end of the range of all keys that begin with `prefix`. */
void request_prefix_end(struct vx_buf *out, struct vx_span prefix);

#endif
