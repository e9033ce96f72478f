/* What etcd's v3 JSON gateway answers, read from JSON text. Pure.
 *
 * Whatever comes over the wire, also half of it or something that was never etcd, is an answer, an error or garbage; it
 * never crashes. The HTTP status is not looked at: it differs between versions and lies in streams. Shapes of errors:
 *
 *     {"error":"M","message":"M","code":5}                   3.4, 3.5, unary
 *     {"code":5,"message":"M"}                               3.6, unary
 *     {"error":{"grpc_code":14,"http_code":503,"message":"M","http_status":"Service Unavailable"}}   3.4, 3.5, in a stream
 *     {"error":{"code":14,"message":"M"}}                    3.6, in a stream
 */
#ifndef VX_ETCD_ANSWER_H
#define VX_ETCD_ANSWER_H

#include <jansson.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/etcd/etcd.h"

/* gRPC's codes, as far as we decide by them. */
enum answer_code {
    ANSWER_CANCELED = 1,
    ANSWER_UNKNOWN = 2,
    ANSWER_INVALID = 3,
    ANSWER_DEADLINE = 4,
    ANSWER_NOT_FOUND = 5,
    ANSWER_DENIED = 7,
    ANSWER_EXHAUSTED = 8,
    ANSWER_PRECONDITION = 9,
    ANSWER_OUT_OF_RANGE = 11,
    ANSWER_UNIMPLEMENTED = 12,
    ANSWER_UNAVAILABLE = 14,
    ANSWER_UNAUTHENTICATED = 16
};

struct answer_error {
    int code; /* enum answer_code, or another of gRPC's */
    char message[256];
};

enum answer_shape { ANSWER_GOOD, ANSWER_ERROR, ANSWER_GARBAGE };

/* Reads one object. ANSWER_GOOD: *root is what the request was answered (out of "result", where it is a stream's), and
 * looks like etcd's; json_decref() it. ANSWER_ERROR: *error is filled. Otherwise neither is touched. */
enum answer_shape answer_parse(struct vx_span text, json_t **root, struct answer_error *error);

/* What an error means to us. */
enum vx_status answer_status(const struct answer_error *error);
/* Is this text the gateway's refusal of a client certificate that has a common name, which it gives while there are users? */
bool answer_refuses_common_name(struct vx_span text);
#define ANSWER_COMMON_NAME                                                                                             \
    "it refuses a client certificate that has a common name (CN) while it has users: cert_file must be one without"
/* The one error that says that nothing was done, and is common. */
bool answer_is_no_leader(const struct answer_error *error);
bool answer_is_compacted(const struct answer_error *error);
/* A token is missing, unknown, older than the last change of users and roles (JWT), or sent though auth is off:
 * authenticate (again). */
bool answer_wants_token(const struct answer_error *error);

/* Each reads the answer to one kind of request into *out, texts into the arena; false when something in it is not what
 * etcd would send, then *out is not to be used. */
bool answer_range(const json_t *root, struct vx_arena *arena, struct etcd_range *out, bool *more);
bool answer_txn(const json_t *root, struct vx_arena *arena, const struct etcd_txn *txn, struct etcd_txn_result *out);
/* Grant: `ID` and `TTL`. Keepalive: a TTL of 0 means that the lease is lost. */
bool answer_lease(const json_t *root, int64_t *lease, int64_t *ttl_s);
bool answer_status_of_member(const json_t *root, struct etcd_status *out);
bool answer_alarms(const json_t *root, bool *no_space);
/* The token, in the arena. */
bool answer_token(const json_t *root, struct vx_arena *arena, const char **token);

/* One message of a watch. */
struct answer_watch {
    bool created;
    bool canceled;
    bool fragment; /* more of the same revision follows in the next message */
    int64_t compact_revision;
    int64_t revision;
    uint64_t cluster_id;
    const char *cancel_reason; /* "" without one */
    struct etcd_event *events;
    size_t count;
};
bool answer_watch(const json_t *root, struct vx_arena *arena, struct answer_watch *out);

/* Cuts a stream into its lines, however it is split on its way. */
struct answer_lines {
    struct vx_buf bytes;
    size_t taken; /* bytes of lines that were handed out */
    size_t seen;  /* bytes that hold no newline behind `taken`, so that a huge line is searched once */
};
/* The next whole line without its newline, valid until bytes are added; false when there is none yet. */
bool answer_lines_next(struct answer_lines *lines, struct vx_span *line);
/* What is left at the end of the stream: an error in a stream ends without a newline. */
struct vx_span answer_lines_rest(const struct answer_lines *lines);

#endif
