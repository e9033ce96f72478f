/* Builds and takes apart key names. Any thread; no state. */
#include "core/store/keys.h"

#include <inttypes.h>

#include "core/store/store.h"

static struct vx_span key_of(struct vx_arena *arena, const char *fleet, const char *rest, const char *last)
{
    return vx_span_str(vx_arena_printf(arena, KEYS_ROOT "%s/%s%s", fleet, rest, last));
}

struct vx_span keys_object(struct vx_arena *arena, const char *fleet, const char *sha256)
{
    return key_of(arena, fleet, "objects/", sha256);
}

struct vx_span keys_release(struct vx_arena *arena, const char *fleet, uint32_t number)
{
    return key_of(arena, fleet, "releases/", vx_arena_printf(arena, "%010" PRIu32, number));
}

struct vx_span keys_releases(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "releases/", "");
}

struct vx_span keys_head(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "head", "");
}

struct vx_span keys_pointer(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "pointer", "");
}

struct vx_span keys_gc(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "gc", "");
}

struct vx_span keys_router(struct vx_arena *arena, const char *fleet, const char *id)
{
    return key_of(arena, fleet, "routers/", id);
}

struct vx_span keys_routers(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "routers/", "");
}

struct vx_span keys_lock(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "locks/edit", "");
}

struct vx_span keys_lock_queue(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "locks/edit.queue/", "");
}

struct vx_span keys_lock_waiter(struct vx_arena *arena, const char *fleet, const char *id)
{
    return key_of(arena, fleet, "locks/edit.queue/", id);
}

struct vx_span keys_audit(struct vx_arena *arena, const char *fleet, int64_t time_ms, const char *id)
{
    return key_of(arena, fleet, "audit/", vx_arena_printf(arena, "%020" PRId64 "-%s", time_ms, id));
}

struct vx_span keys_audits(struct vx_arena *arena, const char *fleet)
{
    return key_of(arena, fleet, "audit/", "");
}

bool keys_fleet_of(struct vx_span key, struct vx_span *fleet)
{
    struct vx_span root = VX_SPAN_LITERAL(KEYS_ROOT);
    if (!vx_span_starts_with(key, root))
        return false;
    const char *name = key.at + root.len;
    const char *end = memchr(name, '/', key.len - root.len);
    if (!end || end == name)
        return false;
    *fleet = vx_span(name, (size_t)(end - name));
    return true;
}

struct vx_span keys_last_part(struct vx_span key)
{
    const char *slash = key.len ? memrchr(key.at, '/', key.len) : NULL;
    if (!slash)
        return key;
    return vx_span(slash + 1, (size_t)(key.at + key.len - slash - 1));
}

bool keys_name_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len < STORE_NAME_SIZE && name[0] != '.' && strspn(name, allowed) == len;
}

bool store_fleet_name_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t len = strlen(name);
    return len > 0 && len < 64 && name[0] != '-' && strspn(name, allowed) == len;
}
