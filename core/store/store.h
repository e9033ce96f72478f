/* What Veltrix keeps in etcd: objects, releases, head, pointer, presence, locks, audit.
 *
 * The only place that knows key names (store/keys.h) and the JSON of each record. It knows keys and bytes, not what a
 * config means. Every rule of the design's "etcd layout" is enforced here, by the transactions, not by the callers.
 * Layout: /veltrix/v1/<fleet>/objects|releases|head|pointer|heartbeat|rollouts|routers|locks|gc|audit
 *
 * Calls block (etcd.h has the deadlines); any thread, also several at once, unless said otherwise. Results live in the
 * arena of the call.
 */
#ifndef VX_STORE_STORE_H
#define VX_STORE_STORE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/etcd/etcd.h"

enum {
    STORE_LOCK_TTL_S = 10,     /* the edit lock's lease */
    STORE_PRESENCE_TTL_S = 10, /* a router's lease */
    STORE_REREAD_MS = 30000,   /* the pointer is read linearizably this often (jittered by a quarter) */
    STORE_RELEASES_KEPT = 200, /* newest releases that are never swept */
    STORE_OBJECT_MAX_BYTES = 1024 * 1024,
    STORE_RELEASE_ENTRIES_MAX = 4096, /* documents of one release */
    STORE_NAME_SIZE = 128,            /* fleet and router names, with NUL */
    STORE_FORMER_MAX = 8,             /* clusters that a pointer goes on with; the oldest gives way */
};

struct store;

/* `fleet`: 1 to 63 of [a-z0-9-], starting with a letter or digit; copied. `etcd` is borrowed and must outlive it. */
VX_MUSTCHECK enum vx_status store_new(struct etcd *etcd, const char *fleet, struct store **out, struct vx_err *err);
void store_free(struct store *store);
const char *store_fleet(const struct store *store);
bool store_fleet_name_valid(const char *name);

/* --- releases ---------------------------------------------------------------------------------------------------- */

/* One document of a release. */
struct store_entry {
    const char *kind; /* "routing", "processing", "fleet" */
    const char *name;
    const char *path; /* the file it came from, relative to its folder; for messages */
    int line;         /* the line of that file on which the document's text begins, from 1 */
    char sha256[VX_SHA256_HEX_SIZE];
    size_t size;
    struct vx_span text; /* its bytes; empty in a manifest that was read without objects */
};

struct store_manifest {
    uint32_t number; /* from 1 */
    uint32_t parent; /* the head it was made on; 0 for the first */
    const char *author;
    const char *message;
    const char *request_id; /* of the publisher; makes a lost answer recognisable */
    int64_t time_ms;        /* wall clock */
    int language;           /* version of the config language it needs */
    struct store_entry *entries;
    size_t entry_count;
};

enum { STORE_LANGUAGE = 1 };

/* The newest release's number; 0 when there is none. `mod_revision` may be NULL. */
VX_MUSTCHECK enum vx_status store_head(struct store *store, uint32_t *number, int64_t *mod_revision,
                                       struct vx_err *err);
/* The manifest of release `number`, without texts. VX_ENOTFOUND: "release 7 does not exist". */
VX_MUSTCHECK enum vx_status store_manifest(struct store *store, struct vx_arena *arena, uint32_t number,
                                           struct store_manifest *out, struct vx_err *err);
/* Reads the texts of all entries and verifies each against its hash: VX_ECORRUPT names the object. `have` (may be NULL)
 * is asked first, so that objects already at hand are not read again; what it returns is verified too, and read from etcd
 * where it is wrong. */
VX_MUSTCHECK enum vx_status store_objects(struct store *store, struct vx_arena *arena, struct store_manifest *manifest,
                                          struct vx_span (*have)(void *ctx, const char *sha256), void *ctx,
                                          struct vx_err *err);
/* Manifests, newest first, without texts, at most `limit`, all below `before` (0: from the head). */
VX_MUSTCHECK enum vx_status store_history(struct store *store, struct vx_arena *arena, uint32_t before, size_t limit,
                                          struct store_manifest **out, size_t *count, struct vx_err *err);

/* --- the edit lock ----------------------------------------------------------------------------------------------- */

/* Who holds or waits for the lock. */
struct store_lock_info {
    bool held;
    const char *holder;   /* "alice via configsvc-1" */
    const char *purpose;  /* "publish", "activate" */
    int64_t since_ms;     /* wall clock */
    int64_t revision;     /* create_revision: the fencing token */
    const char **waiters; /* in order */
    size_t waiter_count;
};
VX_MUSTCHECK enum vx_status store_lock_info(struct store *store, struct vx_arena *arena, struct store_lock_info *out,
                                            struct vx_err *err);

struct store_lock;
/* Takes the lock for `who`, waiting in the queue at most `wait_ms` (0: not at all); the lease is kept alive until release.
 * VX_ECONFLICT when somebody else holds it for that long; err names holder, purpose and since when. */
VX_MUSTCHECK enum vx_status store_lock_acquire(struct store *store, const char *who, const char *purpose,
                                               int64_t wait_ms, struct store_lock **out, struct vx_err *err);
/* Gives it back (best effort) and frees; NULL is fine. */
void store_lock_release(struct store_lock *lock);
/* Takes the lock away from its holder, if the holder is still `revision` (0: whoever it is); the holder's next guarded
 * write fails. VX_ENOTFOUND when nobody holds it. */
VX_MUSTCHECK enum vx_status store_lock_break(struct store *store, int64_t revision, struct vx_err *err);

/* --- publish, activate, rollback --------------------------------------------------------------------------------- */

/* Writes the objects that are missing, then manifest and head in one guarded transaction (see the design: publish).
 * In: entries with text, author, message, request_id; out: number, parent, time_ms, sha256s. `lock` must be held.
 * `expect_head` is the head that the author has seen (0: none; -1: whatever it is now).
 * VX_ECONFLICT: somebody published first (err says who and which release), or the lock was lost. */
VX_MUSTCHECK enum vx_status store_publish(struct store *store, struct store_lock *lock, int64_t expect_head,
                                          struct store_manifest *manifest, struct vx_err *err);

/* What the fleet runs. */
struct store_pointer {
    uint64_t generation; /* grows with every change; 0: there is no pointer yet */
    uint32_t stable;
    uint32_t candidate; /* 0: none */
    uint32_t weight;    /* 0..10000 of the events run under the candidate */
    bool shadow;
    char rollout[64];         /* id, "" without one */
    char by[STORE_NAME_SIZE]; /* who moved it */
    int64_t time_ms;          /* wall clock, when */
    int64_t mod_revision;     /* of the key, as read */
    uint64_t cluster_id;      /* of the etcd it was read from */
    uint64_t move_id;         /* drawn by whoever moved it: tells two pointers of one generation apart */
    uint64_t
        former[STORE_FORMER_MAX]; /* other clusters whose fleet this is by an operator's word (store_accept_restore),
                                          newest first; 0: no more */
};
/* No pointer yet is not an error: generation 0. */
VX_MUSTCHECK enum vx_status store_pointer_read(struct store *store, struct store_pointer *out, struct vx_err *err);
/* Makes `release` the stable one, under the lock, if the pointer is still the one in `seen`; `*out` is the new one.
 * VX_ECONFLICT says who moved it to what. VX_ENOTFOUND: the release does not exist. */
VX_MUSTCHECK enum vx_status store_activate(struct store *store, struct store_lock *lock,
                                           const struct store_pointer *seen, uint32_t release, const char *by,
                                           struct store_pointer *out, struct vx_err *err);
/* The same without a lock: abort and rollback compare the pointer only. */
VX_MUSTCHECK enum vx_status store_rollback(struct store *store, const struct store_pointer *seen, uint32_t release,
                                           const char *by, struct store_pointer *out, struct vx_err *err);
/* An operator's word after etcd was restored or replaced: what the pointer names is what the fleet shall run. The same
 * release under a generation above `generation`, the highest that a router has obeyed; `former` (at most
 * STORE_FORMER_MAX) are the clusters that routers know instead of this one, and stay in the pointer. Compares the
 * pointer only. VX_ENOTFOUND where there is none, or its release is not there. */
VX_MUSTCHECK enum vx_status store_accept_restore(struct store *store, const struct store_pointer *seen,
                                                 uint64_t generation, const uint64_t *former, size_t former_count,
                                                 const char *by, struct store_pointer *out, struct vx_err *err);

/* --- following the pointer --------------------------------------------------------------------------------------- */

/* Watches the pointer, re-reads it every STORE_REREAD_MS, resynchronises after compaction and after loss. Callbacks run on
 * a thread of the follower's own and may block; never two at once. */
struct store_follow;
struct store_follow_ops {
    /* A pointer that was read or watched, also when it is the same as before (`found_by_reread`: the watch should have
     * told and did not). Ordering by generation is the receiver's decision (router/follow). */
    void (*on_pointer)(void *ctx, const struct store_pointer *pointer, bool found_by_reread);
    void (*on_state)(void *ctx, bool connected, const char *reason);
};
VX_MUSTCHECK enum vx_status store_follow_start(struct store *store, const struct store_follow_ops *ops, void *ctx,
                                               struct store_follow **out, struct vx_err *err);
void store_follow_stop(struct store_follow *follow);

/* --- presence ---------------------------------------------------------------------------------------------------- */

/* Keeps `routers/<id>` alive with the newest report. A second router with the same id is refused: on_refused, with host and
 * since when of the one that has it. Reconnects and writes again after a lost lease. Own thread. */
struct store_presence;
struct store_presence_ops {
    void (*on_refused)(void *ctx, const char *message);
    void (*on_state)(void *ctx, bool present, const char *reason);
};
/* `instance` is unique to this process (random), so that a router recognises its own record. */
VX_MUSTCHECK enum vx_status store_presence_start(struct store *store, const char *id, const char *instance,
                                                 const struct store_presence_ops *ops, void *ctx,
                                                 struct store_presence **out, struct vx_err *err);
/* Replaces the report (a JSON object as text, copied); written soon, newest wins; never blocks. */
void store_presence_report(struct store_presence *presence, const char *json);
/* Deletes the record (best effort, by revoking the lease) and stops. */
void store_presence_stop(struct store_presence *presence);

struct store_router {
    const char *id;
    const char *instance;
    const char *host;   /* where it runs */
    const char *report; /* JSON text of an object, as the router wrote it but for blanks */
    int64_t since_ms;   /* wall clock of the router, when it registered */
    int64_t since_revision;
};
VX_MUSTCHECK enum vx_status store_routers(struct store *store, struct vx_arena *arena, struct store_router **out,
                                          size_t *count, struct vx_err *err);

/* The revision of etcd now: what is read after this is at least as new. */
VX_MUSTCHECK enum vx_status store_revision(struct store *store, int64_t *revision, struct vx_err *err);
/* Waits until the pointer or a router's record has changed after `revision`; false when nothing did for `timeout_ms` (or
 * etcd was away: the caller's next read tells). Cost: two watches while it waits. */
bool store_await(struct store *store, int64_t revision, int64_t timeout_ms);

/* --- audit ------------------------------------------------------------------------------------------------------- */

struct store_audit {
    int64_t time_ms;
    const char *who;
    const char *action; /* "publish", "activate", "rollback", "accept-restore", "lock.break" */
    const char *from;   /* address or host it came from */
    const char *detail; /* a sentence: "release 42 (was 41): raise the threshold" */
};
VX_MUSTCHECK enum vx_status store_audit_add(struct store *store, const struct store_audit *entry, struct vx_err *err);
/* Newest first, at most `limit`. */
VX_MUSTCHECK enum vx_status store_audit_list(struct store *store, struct vx_arena *arena, size_t limit,
                                             struct store_audit **out, size_t *count, struct vx_err *err);

/* The fleets that have anything under the prefix. */
VX_MUSTCHECK enum vx_status store_fleets(struct etcd *etcd, struct vx_arena *arena, const char ***names, size_t *count,
                                         struct vx_err *err);

#endif
