/* The names of all keys. Nobody else spells them.
 *
 *     /veltrix/v1/<fleet>/objects/<sha256>     releases/<%010u>   head   pointer   heartbeat   rollouts/<id>
 *                         routers/<id>         locks/edit   locks/edit.queue/<id>   gc   audit/<%020d>-<random>
 *
 * Numbers are padded, so that the order of keys is the order of numbers. Results live in the arena.
 */
#ifndef VX_STORE_KEYS_H
#define VX_STORE_KEYS_H

#include "core/base/arena.h"

#define KEYS_ROOT "/veltrix/v1/"

/* The key, or where it says so the prefix, of each record of `fleet`. */
struct vx_span keys_object(struct vx_arena *arena, const char *fleet, const char *sha256);
struct vx_span keys_release(struct vx_arena *arena, const char *fleet, uint32_t number);
struct vx_span keys_releases(struct vx_arena *arena, const char *fleet); /* the prefix */
struct vx_span keys_head(struct vx_arena *arena, const char *fleet);
struct vx_span keys_pointer(struct vx_arena *arena, const char *fleet);
struct vx_span keys_gc(struct vx_arena *arena, const char *fleet);
struct vx_span keys_router(struct vx_arena *arena, const char *fleet, const char *id);
struct vx_span keys_routers(struct vx_arena *arena, const char *fleet);    /* the prefix */
struct vx_span keys_lock(struct vx_arena *arena, const char *fleet);       /* also the prefix of lock and queue */
struct vx_span keys_lock_queue(struct vx_arena *arena, const char *fleet); /* the prefix */
struct vx_span keys_lock_waiter(struct vx_arena *arena, const char *fleet, const char *id);
struct vx_span keys_audit(struct vx_arena *arena, const char *fleet, int64_t time_ms, const char *id);
struct vx_span keys_audits(struct vx_arena *arena, const char *fleet); /* the prefix */

/* The fleet in a key; false when the key is not ours. */
bool keys_fleet_of(struct vx_span key, struct vx_span *fleet);
/* What follows the last slash. */
struct vx_span keys_last_part(struct vx_span key);

/* A name that may stand in a key and in a log line: 1 to 127 of [A-Za-z0-9._-], not beginning with a dot. */
bool keys_name_valid(const char *name);

#endif
