/* What the files of core/store share. */
#ifndef VX_STORE_INTERNAL_H
#define VX_STORE_INTERNAL_H

#include "core/store/record.h"
#include "core/store/store.h"

struct store {
    struct etcd *etcd; /* borrowed */
    char fleet[64];
};

/* A random id of 32 hex digits: of a request, of a waiter. */
void store_random_id(char out[RECORD_ID_SIZE]);
/* `text` may be NULL (then ""). VX_EINVAL when it is not UTF-8 or longer than `max_bytes`; `what` names it. */
VX_MUSTCHECK enum vx_status store_check_text(const char *text, const char *what, size_t max_bytes, struct vx_err *err);
/* The value read by one GET of a transaction; NULL when the key does not exist. */
const struct etcd_kv *store_got(const struct etcd_txn_result *result, size_t get);

/* The comparison that every write under the lock makes: it is still ours. The key lives in the arena. */
struct etcd_compare lock_compare(const struct store_lock *lock, struct vx_arena *arena);
/* `now` is the lock's key as read (NULL: nobody holds it). Ours: false. Else err says who has it, and true. */
bool lock_was_lost(const struct store_lock *lock, const struct etcd_kv *now, struct vx_err *err);

/* A manifest out of its key; VX_ECORRUPT when it is unreadable or another's. */
VX_MUSTCHECK enum vx_status release_load(const struct store *store, struct vx_arena *arena, const struct etcd_kv *kv,
                                         struct store_manifest *out, struct vx_err *err);
/* A pointer out of its key (NULL: there is none, generation 0). */
VX_MUSTCHECK enum vx_status pointer_load(const struct store *store, const struct etcd_kv *kv, uint64_t cluster_id,
                                         struct store_pointer *out, char request_id[RECORD_ID_SIZE],
                                         struct vx_err *err);

/* The follower with another interval than STORE_REREAD_MS, for tests. */
VX_MUSTCHECK enum vx_status follow_start_every(struct store *store, const struct store_follow_ops *ops, void *ctx,
                                               int64_t reread_ms, struct store_follow **out, struct vx_err *err);

#endif
