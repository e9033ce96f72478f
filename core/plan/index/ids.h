/* Which of a subject's constants a value equals, found with one look-up. Private to this folder.
 *
 *     value ── two words and a tag ── hash ──> slots ──> constants, as words too
 *
 * Most strings have no more than sixteen bytes: then the words are the string, and neither hashing nor comparing has to
 * look at how long it is, which a processor cannot guess. Numbers are words anyway. Of longer strings the words are a hash
 * and the place of the text.
 *
 * Cost of a look-up: one multiplication, a slot or two of 8 bytes and, where there is something to find, 24 bytes.
 */
#ifndef VX_PLAN_INDEX_IDS_H
#define VX_PLAN_INDEX_IDS_H

#include "core/base/arena.h"
#include "core/cel/analysis/key.h"

enum {
    INDEX_NO_ID = 0, /* a value that equals no constant */
    INDEX_WORD_BYTES = 16,
};

struct index_slot {
    uint32_t hash;
    uint32_t id; /* INDEX_NO_ID: free */
};

struct index_words {
    union {
        uint64_t words[2];
        struct {
            uint64_t hash;
            const char *text;
        };
    };
    uint64_t tag; /* kind, and of a string its length */
};

struct index_ids {
    const struct index_slot *slots;      /* open addressing by index_words_hash(); NULL: there are no constants */
    const struct index_words *constants; /* constant `id` is constants[id - 1] */
    /* Of many constants: two bits of a word for each, so that most values that equal none are known by few bytes. */
    const uint64_t *filter; /* NULL: few */
    uint32_t mask, filter_mask;
};

static inline uint64_t index_filter_bits(uint32_t hash)
{
    return (uint64_t)1 << (hash & 63) | (uint64_t)1 << (hash >> 6 & 63);
}

/* Of sorted keys; texts of long ones are copied into the arena. */
struct index_ids index_ids_new(struct vx_arena *arena, const struct cel_key *keys, uint32_t count);

static inline bool index_words_are_long(const struct index_words *w)
{
    return w->tag - ((uint64_t)CEL_KEY_STRING << 56) - INDEX_WORD_BYTES - 1 < (uint64_t)1 << 55;
}

/* From INDEX_WORD_BYTES - n on: which of a string's words are its n bytes. */
static const unsigned char index_words_ones[2 * INDEX_WORD_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* True when so many bytes can be read from `at` on, of those `around`. */
static inline bool index_is_inside(const char *at, size_t count, struct vx_span around)
{
    return around.len >= count && (uintptr_t)at - (uintptr_t)around.at <= around.len - count;
}

/* `around`: bytes that may be read; of a string inside it sixteen are taken at once. */
static inline struct index_words index_words_of(const struct cel_key *key, struct vx_span around)
{
    struct index_words w = {.words = {0, 0}, .tag = (uint64_t)key->kind << 56};
    if (key->kind == CEL_KEY_STRING) {
        size_t len = key->text.len;
        uint64_t mask[2];
        w.tag |= len;
        if (len > INDEX_WORD_BYTES) {
            w.hash = vx_hash64(key->text);
            w.text = key->text.at;
        } else if (index_is_inside(key->text.at, INDEX_WORD_BYTES, around)) {
            memcpy(w.words, key->text.at, sizeof w.words);
            memcpy(mask, index_words_ones + INDEX_WORD_BYTES - len, sizeof mask);
            w.words[0] &= mask[0];
            w.words[1] &= mask[1];
        } else if (len > 0) {
            memcpy(w.words, key->text.at, len);
        }
    } else if (key->kind == CEL_KEY_NUMBER) {
        w.words[0] = (uint64_t)key->whole;
        memcpy(&w.words[1], &key->rest, sizeof key->rest);
    }
    return w;
}

/* Never 0. A product of the two halves, as wyhash (Wang Yi) folds them. */
static inline uint32_t index_words_fold(uint64_t first, uint64_t second)
{
    unsigned __int128 product = (unsigned __int128)(first ^ 0xa0761d6478bd642full) * (second ^ 0xe7037ed1a0b428dbull);
    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64)) | (uint32_t)1 << 31;
}

static inline uint32_t index_words_hash(const struct index_words *w)
{
    return index_words_fold(w->words[0] ^ w->tag, index_words_are_long(w) ? 0 : w->words[1]);
}

static inline bool index_words_equal(const struct index_words *x, const struct index_words *y)
{
    if (x->words[0] != y->words[0] || x->tag != y->tag)
        return false;
    return x->words[1] == y->words[1] ||
           (index_words_are_long(x) && memcmp(x->text, y->text, (size_t)(x->tag & ~(uint64_t)0 >> 8)) == 0);
}

/* Capitals of ASCII among eight bytes become small ones; the others, whatever they are, stay. */
static inline uint64_t index_word_lower(uint64_t word)
{
    const uint64_t each = 0x0101010101010101ull, low = word & 0x7f * each;
    uint64_t from_a = low + (0x80 - 'A') * each, behind_z = low + (0x7f - 'Z') * each;
    return word | (from_a & ~behind_z & ~word & 0x80 * each) >> 2;
}

static inline uint32_t index_words_find(const struct index_ids *ids, const struct index_words *words)
{
    uint32_t hash = index_words_hash(words);
    if (ids->filter && (index_filter_bits(hash) & ~ids->filter[hash >> 12 & ids->filter_mask]))
        return INDEX_NO_ID;
    for (uint32_t at = hash;; at++) {
        const struct index_slot *slot = &ids->slots[at & ids->mask];
        if (slot->hash == hash && index_words_equal(&ids->constants[slot->id - 1], words))
            return slot->id;
        if (slot->id == INDEX_NO_ID)
            return INDEX_NO_ID;
    }
}

static inline uint64_t index_word_at(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The same for a string of at most INDEX_WORD_BYTES from which so many may be read: what most values are, in few steps. */
static inline uint32_t index_ids_find_short(const struct index_ids *ids, struct vx_span text)
{
    const unsigned char *mask = index_words_ones + INDEX_WORD_BYTES - text.len;
    uint64_t first = index_word_at(text.at) & index_word_at(mask);
    uint64_t second = index_word_at(text.at + 8) & index_word_at(mask + 8);
    uint64_t tag = (uint64_t)CEL_KEY_STRING << 56 | text.len;
    uint32_t hash = index_words_fold(first ^ tag, second);
    if (ids->filter && (index_filter_bits(hash) & ~ids->filter[hash >> 12 & ids->filter_mask]))
        return INDEX_NO_ID;
    for (uint32_t at = hash;; at++) {
        const struct index_slot *slot = &ids->slots[at & ids->mask];
        const struct index_words *constant = &ids->constants[slot->id - 1];
        if (slot->hash == hash && constant->words[0] == first && constant->words[1] == second && constant->tag == tag)
            return slot->id;
        if (slot->id == INDEX_NO_ID)
            return INDEX_NO_ID;
    }
}

static inline uint32_t index_ids_find(const struct index_ids *ids, const struct cel_key *key, struct vx_span around)
{
    if (key->kind <= CEL_KEY_OTHER || !ids->slots)
        return INDEX_NO_ID;
    struct index_words words = index_words_of(key, around);
    return index_words_find(ids, &words);
}

/* The same for what becomes of a string of at most INDEX_WORD_BYTES in lower case. */
static inline uint32_t index_ids_find_lower(const struct index_ids *ids, const struct cel_key *key,
                                            struct vx_span around)
{
    if (!ids->slots)
        return INDEX_NO_ID;
    struct index_words words = index_words_of(key, around);
    words.words[0] = index_word_lower(words.words[0]);
    words.words[1] = index_word_lower(words.words[1]);
    return index_words_find(ids, &words);
}

#endif
