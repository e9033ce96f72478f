/* Makers and questions of regular expressions' trees. Load time, any one thread; nodes are shared, never changed. */
#include "core/cel/regex/regex_tree.h"

struct regex_node *regex_leaf(struct vx_arena *arena, enum regex_kind kind, uint32_t offset)
{
    struct regex_node *node = VX_ARENA_NEW(arena, struct regex_node);
    node->kind = kind;
    node->offset = offset;
    return node;
}

/* A node of `kind` over the children, those of the same kind opened. */
static struct regex_node *join(struct vx_arena *arena, enum regex_kind kind, struct regex_node *const *children,
                               uint32_t count)
{
    uint32_t n = 0, total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += children[i]->kind == kind ? children[i]->count : 1;
    struct regex_node *node = regex_leaf(arena, kind, count ? children[0]->offset : 0);
    node->children = VX_ARENA_ARRAY(arena, struct regex_node *, total);
    for (uint32_t i = 0; i < count; i++) {
        if (children[i]->kind != kind) {
            node->children[n++] = children[i];
            continue;
        }
        for (uint32_t k = 0; k < children[i]->count; k++)
            node->children[n++] = children[i]->children[k];
    }
    node->count = n;
    return node;
}

struct regex_node *regex_concat(struct vx_arena *arena, struct regex_node *const *children, uint32_t count)
{
    struct regex_node *node = join(arena, REGEX_CONCAT, children, count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->children[i]->kind == REGEX_NEVER)
            return node->children[i];
        if (node->children[i]->kind != REGEX_EMPTY)
            node->children[n++] = node->children[i];
    }
    node->count = n;
    if (n == 0)
        node->kind = REGEX_EMPTY;
    return n == 1 ? node->children[0] : node;
}

struct regex_node *regex_alt(struct vx_arena *arena, struct regex_node *const *children, uint32_t count)
{
    struct regex_node *node = join(arena, REGEX_ALT, children, count);
    uint32_t n = 0;
    bool empty = false;
    for (uint32_t i = 0; i < node->count; i++) {
        struct regex_node *child = node->children[i];
        if (child->kind == REGEX_NEVER || (child->kind == REGEX_EMPTY && empty))
            continue;
        empty |= child->kind == REGEX_EMPTY;
        node->children[n++] = child;
    }
    node->count = n;
    if (n == 0)
        node->kind = REGEX_NEVER;
    return n == 1 ? node->children[0] : node;
}

struct regex_node *regex_repeat(struct vx_arena *arena, struct regex_node *child, uint32_t min, uint32_t max)
{
    bool still = !regex_consumes(child); /* more of it is no more */
    if (max == 0 || (min == 0 && still))
        return regex_leaf(arena, REGEX_EMPTY, child->offset);
    if (child->kind == REGEX_NEVER)
        return min == 0 ? regex_leaf(arena, REGEX_EMPTY, child->offset) : child;
    if (still || (min == 1 && max == 1))
        return child;
    struct regex_node *node = regex_leaf(arena, REGEX_REPEAT, child->offset);
    node->min = min;
    node->max = max;
    node->count = 1;
    node->children = VX_ARENA_NEW(arena, struct regex_node *);
    node->children[0] = child;
    return node;
}

bool regex_consumes(const struct regex_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (regex_consumes(node->children[i]))
            return true;
    }
    return node->kind == REGEX_SET;
}

bool regex_nullable(const struct regex_node *node)
{
    bool all = true, any = false;
    for (uint32_t i = 0; i < node->count; i++) {
        bool one = regex_nullable(node->children[i]);
        all &= one;
        any |= one;
    }
    switch (node->kind) {
    case REGEX_SET:
    case REGEX_NEVER:
        return false;
    case REGEX_CONCAT:
        return all;
    case REGEX_ALT:
        return any;
    case REGEX_REPEAT:
        return node->min == 0 || all;
    default:
        return true;
    }
}

bool regex_matches_empty(const struct regex_node *node)
{
    bool all = true, any = false;
    for (uint32_t i = 0; i < node->count; i++) {
        bool one = regex_matches_empty(node->children[i]);
        all &= one;
        any |= one;
    }
    switch (node->kind) {
    case REGEX_SET:
    case REGEX_NEVER:
    case REGEX_WORD:
        return false;
    case REGEX_CONCAT:
        return all;
    case REGEX_ALT:
        return any;
    case REGEX_REPEAT:
        return node->min == 0 || all;
    default:
        return true;
    }
}

bool regex_holds(const struct regex_node *node, enum regex_kind kind)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (regex_holds(node->children[i], kind))
            return true;
    }
    return node->kind == kind;
}

struct regex_node *regex_simplified(struct vx_arena *arena, struct regex_node *node)
{
    if (node->kind != REGEX_CONCAT && node->kind != REGEX_ALT && node->kind != REGEX_REPEAT)
        return node;
    struct regex_node **children = VX_ARENA_ARRAY(arena, struct regex_node *, node->count);
    for (uint32_t i = 0; i < node->count; i++)
        children[i] = regex_simplified(arena, node->children[i]);
    if (node->kind == REGEX_ALT)
        return regex_alt(arena, children, node->count);
    if (node->kind == REGEX_CONCAT)
        return regex_concat(arena, children, node->count);
    return regex_repeat(arena, children[0], node->min, node->max);
}
