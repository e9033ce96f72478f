/* Constants → the table by which values find them. Built on the thread that builds the index, then immutable. */
#include "core/plan/index/ids.h"

enum {
    SMALL = 512,          /* constants of which the table may be emptier, so that the first slot mostly decides */
    FEW = 32,             /* constants of which the table is as small as a filter would be */
    FILTER_BITS = 16,     /* per constant */
    FILTER_MAX = 1 << 19, /* words, of which a hash names one by the bits it has left */
};

static void add_filter(struct vx_arena *arena, struct index_ids *ids, const struct index_words *constants,
                       uint32_t count)
{
    uint32_t size = 1;
    while (size < count / (64 / FILTER_BITS) && size < FILTER_MAX)
        size *= 2;
    uint64_t *filter = VX_ARENA_ARRAY(arena, uint64_t, size);
    ids->filter = filter;
    ids->filter_mask = size - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = index_words_hash(&constants[i]);
        filter[hash >> 12 & ids->filter_mask] |= index_filter_bits(hash);
    }
}

struct index_ids index_ids_new(struct vx_arena *arena, const struct cel_key *keys, uint32_t count)
{
    struct index_ids ids = {0};
    uint32_t size = 4, room = count <= SMALL ? 4 * count : 2 * count;
    if (count == 0)
        return ids;
    while (size < room)
        size *= 2;
    struct index_slot *slots = VX_ARENA_ARRAY(arena, struct index_slot, size);
    struct index_words *constants = VX_ARENA_ARRAY(arena, struct index_words, count);
    for (uint32_t i = 0; i < count; i++) {
        struct cel_key key = keys[i];
        if (key.kind == CEL_KEY_STRING && key.text.len > INDEX_WORD_BYTES)
            key.text = vx_arena_span(arena, key.text);
        constants[i] = index_words_of(&key, (struct vx_span){0});
        uint32_t hash = index_words_hash(&constants[i]), at = hash & (size - 1);
        while (slots[at].id)
            at = (at + 1) & (size - 1);
        slots[at] = (struct index_slot){hash, i + 1};
    }
    if (count > FEW)
        add_filter(arena, &ids, constants, count);
    ids.slots = slots;
    ids.constants = constants;
    ids.mask = size - 1;
    return ids;
}
