/* A sealed set of wanted paths, as the scanner's walk reads it: a trie. Private to core/json. */
#ifndef VX_JSON_PATHS_H
#define VX_JSON_PATHS_H

#include "core/base/arena.h"
#include "core/json/scan.h"

struct json_child {
    struct vx_span key; /* or, of an array's children: */
    uint32_t index;
    const struct json_node *node;
};

/* One place that a path names or leads through. The slots of a node and of all below it stand together in
 * json_paths.slots: [slots_at, slots_below) its own, [slots_below, slots_end) of those below. */
struct json_node {
    uint64_t filter;               /* bit json_key_bit() of every key */
    const struct json_child *keys; /* members of an object; sorted by nothing */
    const uint32_t *buckets;       /* hash table of 1 + indexes into `keys`, 0 is free; NULL where there are few keys */
    const struct json_child *elems; /* elements of an array, sorted by index */
    uint32_t key_count;
    uint32_t bucket_mask;
    uint32_t elem_count;
    uint32_t slots_at, slots_below, slots_end;
};

struct json_paths {
    struct vx_arena arena;  /* owns all below */
    struct json_node *root; /* after _seal */
    const uint32_t *slots;  /* slot numbers, ordered by node */
    struct wanted *wanted;  /* what was added, the last first */
    uint32_t wanted_count;
};

/* A quick sum of a key, for the filter: its length, first and last byte. `p` must have a byte before and behind it
 * where the key is empty (in a text these are its quotes). */
static inline uint64_t json_key_bit(const char *p, size_t len)
{
    uint32_t first = (unsigned char)*p, last = (unsigned char)(p + len)[-1];
    uint32_t sum = (uint32_t)len * 0x85ebca6bu + first * 0x9e3779b1u + last * 0xc2b2ae35u;
    return (uint64_t)1 << (sum >> 26);
}

/* The child `key` (unescaped) of `node`, or NULL. */
const struct json_node *json_node_find(const struct json_node *node, struct vx_span key);

#endif
