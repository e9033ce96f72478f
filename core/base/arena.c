/* Bump allocator. Blocks double from 4 KiB to 256 KiB; a larger request gets a block of its own. The arena's owner is the
 * only thread that touches it. Invariant: block->used <= block->size. */
#include "core/base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"

enum { BLOCK_MIN_BYTES = 4096, BLOCK_MAX_BYTES = 1 << 18 };

struct vx_arena_block {
    struct vx_arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

void vx_arena_init(struct vx_arena *arena)
{
    memset(arena, 0, sizeof *arena);
}

static void free_blocks(struct vx_arena_block *block)
{
    while (block) {
        struct vx_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void vx_arena_done(struct vx_arena *arena)
{
    free_blocks(arena->block);
    free_blocks(arena->spare);
    vx_arena_init(arena);
}

void vx_arena_reset(struct vx_arena *arena, size_t keep_bytes)
{
    struct vx_arena_block *block = arena->block;
    arena->block = NULL;
    arena->used_bytes = 0;
    while (block) {
        struct vx_arena_block *next = block->next;
        if (arena->held_bytes > keep_bytes) {
            arena->held_bytes -= block->size;
            free(block);
        } else {
            block->used = 0;
            block->next = arena->spare;
            arena->spare = block;
        }
        block = next;
    }
}

static void add_block(struct vx_arena *arena, size_t need)
{
    struct vx_arena_block *block = arena->spare;
    if (block && block->size >= need) {
        arena->spare = block->next;
    } else {
        size_t size = arena->block ? arena->block->size * 2 : BLOCK_MIN_BYTES;
        if (size > BLOCK_MAX_BYTES)
            size = BLOCK_MAX_BYTES;
        if (size < need)
            size = need;
        block = malloc(sizeof *block + size);
        vx_assert(block != NULL);
        block->size = size;
        block->used = 0;
        arena->held_bytes += size;
    }
    block->next = arena->block;
    arena->block = block;
}

static void *take(struct vx_arena *arena, size_t size, size_t align)
{
    struct vx_arena_block *block = arena->block;
    size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;
    if (!block || size > block->size || at > block->size - size) {
        vx_assert(size <= SIZE_MAX / 2);
        add_block(arena, size);
        block = arena->block;
        at = 0;
    }
    block->used = at + size;
    arena->used_bytes += size;
    return block->bytes + at;
}

void *vx_arena_alloc(struct vx_arena *arena, size_t size)
{
    return memset(take(arena, size, alignof(max_align_t)), 0, size);
}

char *vx_arena_bytes(struct vx_arena *arena, size_t size)
{
    return take(arena, size, 1);
}

struct vx_span vx_arena_span(struct vx_arena *arena, struct vx_span s)
{
    char *copy = vx_arena_bytes(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return vx_span(copy, s.len);
}

char *vx_arena_str(struct vx_arena *arena, const char *text)
{
    return (char *)vx_arena_span(arena, vx_span_str(text)).at;
}

char *vx_arena_printf(struct vx_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    vx_assert(n >= 0);
    char *text = vx_arena_bytes(arena, (size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}
