/* The last good copy: the release that ran last, on disk, so that a router can start while etcd is away.
 *
 * One text file, `<state_dir>/<fleet>.release`: pointer, entries with their texts, and a hash over all of it. It is
 * replaced whole: temporary file, fsync, rename, fsync of the directory. A copy that fails its hash is not used.
 */
#ifndef ROUTER_FOLLOW_CACHE_H
#define ROUTER_FOLLOW_CACHE_H

#include "core/base/buf.h"
#include "core/store/store.h"
#include "router/follow/follow.h"

enum { CACHE_MAX_BYTES = 256 * 1024 * 1024 };

struct cache_copy {
    struct follow_pointer pointer;
    struct store_entry *entries; /* with texts */
    size_t entry_count;
};

/* Writes `copy` for `fleet`. VX_ENOSPACE, VX_EDENIED, VX_EIO; the old copy is then still there. */
VX_MUSTCHECK enum vx_status cache_write(const char *dir, const char *fleet, const struct cache_copy *copy,
                                        struct vx_err *err);
/* Reads it into `arena`. VX_ENOTFOUND without one, VX_ECORRUPT when it is not what was written, VX_EIO. */
VX_MUSTCHECK enum vx_status cache_read(const char *dir, const char *fleet, struct vx_arena *arena,
                                       struct cache_copy *out, struct vx_err *err);
/* The text of a copy, and back: false when it is not what was printed for `fleet`. */
void cache_print(struct vx_buf *out, const char *fleet, const struct cache_copy *copy);
VX_MUSTCHECK bool cache_load(struct vx_span text, const char *fleet, struct vx_arena *arena, struct cache_copy *out);
/* Can a copy be written there? Creates the directory where only its last part is missing. */
VX_MUSTCHECK enum vx_status cache_check(const char *dir, struct vx_err *err);

#endif
