/* Tree → the pattern that libhs is given. Load time, any one thread.
 *
 * libhs runs on bytes, without its UTF-8 and Unicode modes: what a character is, which ones are letters and which are the
 * same in another case has been decided before (regex_parse.c), so nothing of it can differ. A set becomes the byte
 * sequences of its UTF-8:
 *
 *     [é-ó] → \xc3[\xa9-\xb3]       [^\n] → [\x00-\x09\x0b-\x7f\xc2-\xf4][\x80-\xbf]*       [^\n]* → [^\x0a]*
 *
 * The last two rest on the subject being well-formed UTF-8: whatever follows begins with a first byte, so a character
 * that is taken in part leads nowhere. Only \B looks between bytes: where the expression has one, characters are spelled
 * out. This way a `.` costs two states of libhs's machine instead of seven.
 */
#include <stdlib.h>

#include "core/base/utf8.h"
#include "core/cel/regex/regex_tree.h"

struct writer {
    struct vx_buf *out;
    bool whole; /* characters are taken as a whole */
};

enum place { IN_ALT, IN_CONCAT, IN_REPEAT }; /* what is around, and so what needs a group */

/* One byte: letters and digits as they are, bytes of UTF-8 too. */
static void put_byte(struct vx_buf *out, unsigned byte)
{
    bool plain = byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
    if (plain)
        vx_buf_char(out, (char)byte);
    else
        vx_buf_printf(out, "\\x%02x", byte);
}

/* Inside of brackets. */
static void put_range(struct vx_buf *out, unsigned lo, unsigned hi)
{
    put_byte(out, lo);
    if (hi > lo + 1)
        vx_buf_char(out, '-');
    if (hi > lo)
        put_byte(out, hi);
}

static void put_bytes(struct vx_buf *out, unsigned lo, unsigned hi)
{
    if (lo < hi)
        vx_buf_char(out, '[');
    put_range(out, lo, hi);
    if (lo < hi)
        vx_buf_char(out, ']');
}

/* The part of a set in ASCII, inside of brackets. */
static void put_ascii(struct vx_buf *out, const struct regex_set *set)
{
    for (uint32_t i = 0; i < set->count && set->ranges[i].lo < 0x80; i++)
        put_range(out, set->ranges[i].lo, set->ranges[i].hi < 0x80 ? set->ranges[i].hi : 0x7f);
}

/* ---- sets of code points as byte sequences ---- */

/* The range that holds `rune`, or the next one; NULL behind the last. */
static const struct regex_range *range_at(const struct regex_set *set, uint32_t rune)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (set->ranges[middle].hi < rune)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count ? &set->ranges[low] : NULL;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The last bytes of what is of the set in [lo, hi], which share the bytes before. */
static void put_last(struct vx_buf *out, const struct regex_set *set, uint32_t lo, uint32_t hi)
{
    vx_buf_char(out, '[');
    for (const struct regex_range *range; lo <= hi && (range = range_at(set, lo)) && range->lo <= hi;) {
        uint32_t from = range->lo > lo ? range->lo : lo;
        put_range(out, 0x80 | (from & 0x3f), 0x80 | (least(range->hi, hi) & 0x3f));
        lo = range->hi + 1;
    }
    vx_buf_char(out, ']');
}

/* What is of the set in [lo, hi], as alternatives by the byte that stands above `bits` bits and has `mark` and the bits
 * of `mask`. Blocks that are wholly inside share a branch. */
static void put_level(struct vx_buf *out, const struct regex_set *set, uint32_t lo, uint32_t hi, unsigned bits,
                      unsigned mark, unsigned mask)
{
    const char *separator = "";
    for (const struct regex_range *range; lo <= hi && (range = range_at(set, lo)) && range->lo <= hi;) {
        uint32_t block = (range->lo > lo ? range->lo : lo) >> bits, last = block;
        uint32_t from = block << bits > lo ? block << bits : lo, to = least(from | ((1u << bits) - 1), hi);
        vx_buf_str(out, separator);
        separator = "|";
        if (range->lo <= from && range->hi >= to) {
            while (to < hi && range->hi >= least(to + (1u << bits), hi)) {
                to = least(to + (1u << bits), hi);
                last++;
            }
            put_bytes(out, mark | (block & mask), mark | (last & mask));
            for (unsigned k = 0; k < bits; k += 6)
                vx_buf_str(out, "[\x80-\xbf]");
        } else {
            put_byte(out, mark | (block & mask));
            if (bits == 6) {
                put_last(out, set, from, to);
            } else {
                vx_buf_str(out, "(?:");
                put_level(out, set, from, to, bits - 6, 0x80, 0x3f);
                vx_buf_char(out, ')');
            }
        }
        lo = to + 1;
    }
}

/* A set that is neither ASCII alone nor wide. */
static void put_sequences(struct vx_buf *out, const struct regex_set *set)
{
    static const struct {
        uint32_t lo, hi;
        unsigned bits, mark;
    } lengths[] = {{0x80, 0x7ff, 6, 0xc0}, {0x800, 0xffff, 12, 0xe0}, {0x10000, 0x10ffff, 18, 0xf0}};
    const char *separator = "";
    if (set->ranges[0].lo < 0x80) {
        vx_buf_char(out, '[');
        put_ascii(out, set);
        vx_buf_char(out, ']');
        separator = "|";
    }
    for (size_t i = 0; i < 3; i++) {
        const struct regex_range *range = range_at(set, lengths[i].lo);
        if (!range || range->lo > lengths[i].hi)
            continue;
        vx_buf_str(out, separator);
        put_level(out, set, lengths[i].lo, lengths[i].hi, lengths[i].bits, lengths[i].mark, 0x3f);
        separator = "|";
    }
}

/* Surrogates are no part of UTF-8: a set may hold them or not, whatever is shorter. */
static struct regex_set without_gap(const struct regex_set *set, struct regex_range *room)
{
    struct regex_set out = {.ranges = room};
    for (uint32_t i = 0; i < set->count; i++) {
        if (out.count && room[out.count - 1].hi >= 0xd7ff && set->ranges[i].lo <= 0xe000)
            room[out.count - 1].hi = set->ranges[i].hi;
        else
            room[out.count++] = set->ranges[i];
    }
    return out;
}

static void put_set(struct writer *w, const struct regex_set *set, enum place place)
{
    struct regex_range first = set->ranges[0];
    bool wide = regex_set_is_wide(set) && !w->whole;
    if (!wide && set->ranges[set->count - 1].hi < 0x80) {
        bool one = set->count == 1 && first.lo == first.hi;
        if (!one)
            vx_buf_char(w->out, '[');
        put_ascii(w->out, set);
        if (!one)
            vx_buf_char(w->out, ']');
        return;
    }
    if (!wide && set->count == 1 && first.lo == first.hi && place != IN_REPEAT) {
        char bytes[4];
        int len = vx_utf8_encode(first.lo, bytes);
        vx_buf_add(w->out, bytes, (size_t)len);
        return;
    }
    vx_buf_str(w->out, "(?:");
    if (wide) {
        vx_buf_char(w->out, '[');
        put_ascii(w->out, set);
        vx_buf_str(w->out, "\xc2-\xf4][\x80-\xbf]*");
    } else {
        struct regex_range *room = calloc(set->count, sizeof *room);
        vx_assert(room != NULL);
        struct regex_set whole = without_gap(set, room);
        put_sequences(w->out, &whole);
        free(room);
    }
    vx_buf_char(w->out, ')');
}

/* ---- the tree ---- */

static void put_node(struct writer *w, const struct regex_node *node, enum place place);

static void put_counts(struct vx_buf *out, uint32_t min, uint32_t max)
{
    if (max == REGEX_ENDLESS && min < 2)
        vx_buf_char(out, min ? '+' : '*');
    else if (max == REGEX_ENDLESS)
        vx_buf_printf(out, "{%u,}", min);
    else if (min == 0 && max == 1)
        vx_buf_char(out, '?');
    else if (min == max)
        vx_buf_printf(out, "{%u}", min);
    else
        vx_buf_printf(out, "{%u,%u}", min, max);
}

static void put_repeat(struct writer *w, const struct regex_node *node)
{
    const struct regex_node *child = node->children[0];
    if (child->kind != REGEX_SET || node->max != REGEX_ENDLESS || w->whole || !regex_set_is_wide(&child->set)) {
        put_node(w, child, IN_REPEAT);
        put_counts(w->out, node->min, node->max);
        return;
    }
    if (node->min > 0)
        put_node(w, child, IN_REPEAT);
    if (node->min > 1)
        put_counts(w->out, node->min, node->min);
    vx_buf_char(w->out, '[');
    put_ascii(w->out, &child->set);
    vx_buf_str(w->out, "\x80-\xff]*");
}

static void put_children(struct writer *w, const struct regex_node *node, enum place place)
{
    bool alt = node->kind == REGEX_ALT, group = place == IN_REPEAT || (alt && place == IN_CONCAT);
    if (group)
        vx_buf_str(w->out, "(?:");
    for (uint32_t i = 0; i < node->count; i++) {
        if (alt && i > 0)
            vx_buf_char(w->out, '|');
        put_node(w, node->children[i], alt ? IN_ALT : IN_CONCAT);
    }
    if (group)
        vx_buf_char(w->out, ')');
}

static void put_node(struct writer *w, const struct regex_node *node, enum place place)
{
    static const char *const places[] = {
        [REGEX_EMPTY] = "(?:)",     [REGEX_TEXT_BEGIN] = "\\A", [REGEX_TEXT_END] = "\\z",
        [REGEX_LINE_BEGIN] = "\\A", [REGEX_LINE_END] = "\\z", /* settled: there are none */
        [REGEX_WORD] = "\\b",       [REGEX_NOT_WORD] = "\\B"};
    bool group = place == IN_REPEAT && node->kind == REGEX_REPEAT;
    switch (node->kind) {
    case REGEX_SET:
        put_set(w, &node->set, place);
        return;
    case REGEX_CONCAT:
    case REGEX_ALT:
        put_children(w, node, place);
        return;
    case REGEX_REPEAT:
        if (group)
            vx_buf_str(w->out, "(?:");
        put_repeat(w, node);
        if (group)
            vx_buf_char(w->out, ')');
        return;
    default:
        vx_buf_str(w->out, places[node->kind]);
    }
}

void regex_write(const struct regex_node *node, struct vx_buf *out)
{
    struct writer w = {out, regex_holds(node, REGEX_NOT_WORD)};
    put_node(&w, node, IN_ALT);
}
