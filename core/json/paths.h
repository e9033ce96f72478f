/* A sealed set of wanted paths, as the scanner's walk reads it: a trie. Private to core/json. */
#ifndef VX_JSON_PATHS_H
#define VX_JSON_PATHS_H

#include "core/base/arena.h"
#include "core/json/scan.h"

enum {
    JSON_KEY_HEAD = 16,  /* bytes of a key that are compared at once */
    JSON_KEY_SUMS = 256, /* what keys are first told by */
    JSON_KEYS_SEVERAL = 255,
};

struct json_child {
    struct vx_span key; /* or, of an array's children, `index` */
    uint64_t head[2];   /* the first bytes of `key`, then zeroes */
    uint64_t mask[2];   /* which of them count */
    uint32_t index;
    const struct json_node *node;
};

/* One place that a path names or leads through. The slots of a node and of all below it stand together in
 * json_paths.slots: [slots_at, slots_below) its own, [slots_below, slots_end) of those below. */
struct json_node {
    const struct json_child *keys; /* members of an object; sorted by nothing */
    uint8_t *sums; /* by json_key_sum(): 0 where no key has it, 1 + the index into `keys` of the one that has, or
                      JSON_KEYS_SEVERAL; NULL: no keys */
    const uint32_t *buckets; /* hash table of 1 + indexes into `keys`, 0 is free; NULL where there are few keys */
    const struct json_child *elems; /* elements of an array, sorted by index */
    uint32_t number;                /* from 0, within the set */
    uint32_t sum_factor;            /* of json_key_sum(): mostly one by which no two keys share a sum */
    uint32_t key_count;
    uint32_t bucket_mask;
    uint32_t elem_count;
    uint32_t slots_at, slots_below, slots_end;
};

struct json_paths {
    struct vx_arena arena;  /* owns all below */
    struct json_node *root; /* after _seal */
    const uint32_t *slots;  /* slot numbers, ordered by node */
    uint32_t node_count;
    struct wanted *wanted; /* what was added, the last first */
    uint32_t wanted_count;
};

/* A quick sum of a key: of its first two bytes and its last two, which together differ mostly. `key` stands between quotes,
 * with a byte before these and one behind them: then what of it is shorter has quotes in its sum, and an empty key what
 * nobody knows. */
static inline uint32_t json_key_sum(const char *key, size_t len, uint32_t factor)
{
    uint16_t first, last;
    memcpy(&first, key, sizeof first);
    memcpy(&last, key + len - sizeof last, sizeof last);
    return ((uint32_t)first << 16 | last) * factor >> 24;
}

/* True when `child` is for `key`. Sixteen bytes at once are cheaper than a call of memcmp(), where they may be read: what
 * stands before `end` may. */
static inline bool json_child_is(const struct json_child *child, struct vx_span key, const char *end)
{
    uint64_t head[2];
    if (child->key.len != key.len)
        return false;
    if (end - key.at < JSON_KEY_HEAD)
        return vx_span_equal(child->key, key);
    memcpy(head, key.at, sizeof head);
    if (((head[0] ^ child->head[0]) & child->mask[0]) | ((head[1] ^ child->head[1]) & child->mask[1]))
        return false;
    return key.len <= JSON_KEY_HEAD || vx_span_equal(child->key, key);
}

/* The child `key` (unescaped) of `node`, or NULL. What stands before `end` may be read. */
const struct json_node *json_node_find(const struct json_node *node, struct vx_span key, const char *end);

#endif
