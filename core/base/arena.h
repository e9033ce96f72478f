/* Bump allocation: many small objects with one lifetime, freed in one call.
 *
 * A table owns one arena; a worker owns one that it resets after each event (nothing is returned to the system then, so
 * a warm worker allocates nothing). Running out of memory kills the process (see style: die). One thread at a time.
 */
#ifndef VX_BASE_ARENA_H
#define VX_BASE_ARENA_H

#include <stddef.h>

#include "core/base/span.h"

struct vx_arena_block;

struct vx_arena {
    struct vx_arena_block *block; /* the block being filled; older ones hang behind it */
    struct vx_arena_block *spare; /* blocks kept by _reset for the next round */
    size_t used_bytes;            /* handed out since the last reset */
    size_t held_bytes;            /* asked from the system */
};

/* An arena of all zeroes is a valid, empty arena. */
void vx_arena_init(struct vx_arena *arena);
void vx_arena_done(struct vx_arena *arena);

/* Forgets everything handed out; keeps the memory (up to `keep_bytes`, the rest goes back). */
void vx_arena_reset(struct vx_arena *arena, size_t keep_bytes);

/* Returns `size` bytes aligned for any type, zeroed. Never NULL. A size of 0 gives a valid pointer. */
void *vx_arena_alloc(struct vx_arena *arena, size_t size);
/* The same, not zeroed and not aligned: for text. */
char *vx_arena_bytes(struct vx_arena *arena, size_t size);

/* Copies; the result is NUL-terminated behind its length. */
struct vx_span vx_arena_span(struct vx_arena *arena, struct vx_span s);
char *vx_arena_str(struct vx_arena *arena, const char *text);
char *vx_arena_printf(struct vx_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define VX_ARENA_NEW(arena, type) ((type *)vx_arena_alloc((arena), sizeof(type)))
#define VX_ARENA_ARRAY(arena, type, count) ((type *)vx_arena_alloc((arena), sizeof(type) * (size_t)(count)))

#endif
