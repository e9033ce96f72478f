/* Wanted paths: collected one by one, then sealed into the trie that the scanner walks with. Built by one thread; after
 * json_paths_seal() immutable and shared. The set's arena owns everything.
 *
 * The paths are sorted, so that a node is a run of them that share their first steps; its own slots come first in the
 * run, those below it follow, and one array of slot numbers serves all nodes.
 */
#include "core/json/paths.h"

#include <stdlib.h>

#include "core/base/hash.h"

enum {
    FEW_KEYS = 8,     /* up to here comparing with each is cheaper than a hash */
    SUM_FACTORS = 64, /* that are tried: of fifteen keys mostly the second one will do, of fifty none */
};

struct wanted {
    struct wanted *next;
    struct json_path path;
    uint32_t slot;
};

struct json_paths *json_paths_new(void)
{
    struct json_paths *paths = calloc(1, sizeof *paths);
    vx_assert(paths != NULL);
    return paths;
}

void json_paths_free(struct json_paths *paths)
{
    if (!paths)
        return;
    vx_arena_done(&paths->arena);
    free(paths);
}

void json_paths_add(struct json_paths *paths, struct json_path path, uint32_t slot)
{
    vx_assert(!paths->root);
    if (path.count > JSON_DEPTH_MAX) /* no text has it, nor what its first steps name: enough of it to stay missing */
        path.count = JSON_DEPTH_MAX + 1;
    struct json_step *steps = VX_ARENA_ARRAY(&paths->arena, struct json_step, path.count);
    for (size_t i = 0; i < path.count; i++) {
        steps[i] = path.steps[i];
        if (!steps[i].is_index)
            steps[i].key = vx_arena_span(&paths->arena, steps[i].key);
    }
    struct wanted *w = VX_ARENA_NEW(&paths->arena, struct wanted);
    *w = (struct wanted){.next = paths->wanted, .path = {steps, path.count}, .slot = slot};
    paths->wanted = w;
    paths->wanted_count++;
}

/* Keys before indexes. */
static int compare_steps(const struct json_step *a, const struct json_step *b)
{
    if (a->is_index != b->is_index)
        return a->is_index ? 1 : -1;
    if (a->is_index)
        return (a->index > b->index) - (a->index < b->index);
    return vx_span_compare(a->key, b->key);
}

static int compare_wanted(const void *x, const void *y)
{
    const struct wanted *a = *(struct wanted *const *)x, *b = *(struct wanted *const *)y;
    for (size_t i = 0; i < a->path.count && i < b->path.count; i++) {
        int c = compare_steps(&a->path.steps[i], &b->path.steps[i]);
        if (c)
            return c;
    }
    if (a->path.count != b->path.count)
        return a->path.count < b->path.count ? -1 : 1;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

static void hash_keys(struct vx_arena *arena, struct json_node *node)
{
    uint32_t size = 16;
    while (size < 2 * node->key_count)
        size *= 2;
    uint32_t *buckets = VX_ARENA_ARRAY(arena, uint32_t, size);
    for (uint32_t i = 0; i < node->key_count; i++) {
        uint32_t at = (uint32_t)vx_hash64(node->keys[i].key) & (size - 1);
        while (buckets[at])
            at = (at + 1) & (size - 1);
        buckets[at] = i + 1;
    }
    node->buckets = buckets;
    node->bucket_mask = size - 1;
}

/* Notes the key of child `n` for those that have its sum; true when no other has. What stands around the quotes of an empty
 * key is unknown, so it may have any. */
static bool add_sum(struct json_node *node, uint32_t n)
{
    const struct vx_span key = node->keys[n].key;
    const char quoted[] = {'"', key.len ? key.at[0] : 0, '"'};
    const char *at = key.len > 1 ? key.at : &quoted[1];
    bool alone = true;
    uint32_t sum = key.len ? json_key_sum(at, key.len, node->sum_factor) : 0;
    for (uint32_t end = key.len ? sum + 1 : JSON_KEY_SUMS; sum < end; sum++) {
        alone &= node->sums[sum] == 0;
        node->sums[sum] = alone && n + 1 < JSON_KEYS_SEVERAL ? (uint8_t)(n + 1) : JSON_KEYS_SEVERAL;
    }
    return alone;
}

/* Tries factors until no two keys share a sum; where none is so good the last one stays. */
static void sum_keys(struct vx_arena *arena, struct json_node *node)
{
    uint32_t alone = 0;
    node->sums = VX_ARENA_ARRAY(arena, uint8_t, JSON_KEY_SUMS);
    for (uint32_t i = 0; i < SUM_FACTORS && alone < node->key_count; i++) {
        node->sum_factor = 0x9e3779b1u * (2 * i + 1); /* odd; the first is the golden ratio */
        memset(node->sums, 0, JSON_KEY_SUMS);
        alone = 0;
        for (uint32_t n = 0; n < node->key_count; n++)
            alone += add_sum(node, n);
    }
}

static struct json_child make_child(const struct json_step *step, const struct json_node *node)
{
    struct json_child child = {.key = step->key, .index = step->index, .node = node};
    if (!step->is_index && step->key.len) {
        size_t len = step->key.len < JSON_KEY_HEAD ? step->key.len : JSON_KEY_HEAD;
        memcpy(child.head, step->key.at, len);
        memset(child.mask, 0xff, len);
    }
    return child;
}

/* The node of sorted[from..to), which agree in their first `depth` steps. Recurses once per step of a path. */
static struct json_node *build(struct json_paths *paths, struct wanted **sorted, uint32_t from, uint32_t to,
                               size_t depth)
{
    struct json_node *node = VX_ARENA_NEW(&paths->arena, struct json_node);
    uint32_t below = from, child_count = 0;
    node->number = paths->node_count++;
    while (below < to && sorted[below]->path.count == depth)
        below++;
    node->slots_at = from;
    node->slots_below = below;
    node->slots_end = to;
    for (uint32_t i = below; i < to; i++)
        child_count +=
            i == below || compare_steps(&sorted[i - 1]->path.steps[depth], &sorted[i]->path.steps[depth]) != 0;
    struct json_child *children = VX_ARENA_ARRAY(&paths->arena, struct json_child, child_count);
    node->keys = children;
    for (uint32_t i = below, end; i < to; i = end, children++) {
        const struct json_step *step = &sorted[i]->path.steps[depth];
        for (end = i + 1; end < to && compare_steps(step, &sorted[end]->path.steps[depth]) == 0; end++)
            ;
        *children = make_child(step, build(paths, sorted, i, end, depth + 1));
        if (step->is_index) {
            node->elem_count++;
        } else {
            node->key_count++;
        }
    }
    node->elems = node->keys + node->key_count;
    if (node->key_count > 0)
        sum_keys(&paths->arena, node);
    if (node->key_count > FEW_KEYS)
        hash_keys(&paths->arena, node);
    return node;
}

void json_paths_seal(struct json_paths *paths)
{
    vx_assert(!paths->root);
    struct wanted **sorted = VX_ARENA_ARRAY(&paths->arena, struct wanted *, paths->wanted_count);
    uint32_t count = 0;
    for (struct wanted *w = paths->wanted; w; w = w->next)
        sorted[count++] = w;
    qsort(sorted, count, sizeof sorted[0], compare_wanted);
    uint32_t *slots = VX_ARENA_ARRAY(&paths->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++)
        slots[i] = sorted[i]->slot;
    paths->slots = slots;
    paths->root = build(paths, sorted, 0, count, 0);
}

const struct json_node *json_node_find(const struct json_node *node, struct vx_span key, const char *end)
{
    if (!node->buckets) {
        for (uint32_t i = 0; i < node->key_count; i++)
            if (json_child_is(&node->keys[i], key, end))
                return node->keys[i].node;
        return NULL;
    }
    for (uint32_t at = (uint32_t)vx_hash64(key);; at++) {
        uint32_t i = node->buckets[at & node->bucket_mask];
        if (!i)
            return NULL;
        if (json_child_is(&node->keys[i - 1], key, end))
            return node->keys[i - 1].node;
    }
}
