/* Patterns that need no regular expression: what a comparison of bytes decides. Load time, any one thread.
 *
 * In a search, what may be empty at an edge without an anchor makes no difference: `.*abc.*` is `abc`. Behind an anchor it
 * does: `^.*abc` wants `abc` in the first line, because `.` is not a newline; only `(?s)^.*abc` is `abc`.
 */
#include "core/base/utf8.h"
#include "core/cel/regex/regex_tree.h"

static bool has_place(const struct regex_node *node)
{
    for (enum regex_kind kind = REGEX_TEXT_BEGIN; kind <= REGEX_NOT_WORD; kind++) {
        if (regex_holds(node, kind))
            return true;
    }
    return false;
}

/* Any number of any characters. */
static bool is_anything(const struct regex_node *node)
{
    if (node->kind != REGEX_REPEAT || node->min > 0 || node->max != REGEX_ENDLESS)
        return false;
    const struct regex_node *child = node->children[0];
    uint64_t ascii[2];
    if (child->kind != REGEX_SET || !regex_set_is_wide(&child->set))
        return false;
    regex_set_ascii(&child->set, ascii);
    return !~ascii[0] && !~ascii[1];
}

/* How many items to drop at an edge: item(0) is the outermost. */
static uint32_t droppable(struct regex_node *const *items, uint32_t count, int step, enum regex_kind anchor)
{
    uint32_t n = 0;
    while (n < count) {
        const struct regex_node *node = items[(int)n * step];
        if (node->kind == anchor && n + 1 < count && is_anything(items[((int)n + 1) * step]))
            n += 2;
        else if (regex_nullable(node) && !has_place(node))
            n++;
        else
            break;
    }
    return n;
}

struct regex_node *regex_trimmed(struct vx_arena *arena, struct regex_node *node)
{
    struct regex_node **items = node->kind == REGEX_CONCAT ? node->children : &node;
    uint32_t count = node->kind == REGEX_CONCAT ? node->count : 1;
    uint32_t head = droppable(items, count, 1, REGEX_TEXT_BEGIN);
    uint32_t tail = head < count ? droppable(items + count - 1, count - head, -1, REGEX_TEXT_END) : 0;
    return regex_concat(arena, items + head, count - head - tail);
}

enum cel_regex_plain regex_plain(struct vx_arena *arena, const struct regex_node *node, struct vx_span *literal)
{
    struct regex_node *const *items = node->kind == REGEX_CONCAT ? node->children : (struct regex_node *const *)&node;
    uint32_t count = node->kind == REGEX_CONCAT ? node->count : 1;
    if (node->kind == REGEX_NEVER)
        return CEL_REGEX_NEVER;
    if (node->kind == REGEX_EMPTY)
        return CEL_REGEX_ALWAYS;
    bool begin = items[0]->kind == REGEX_TEXT_BEGIN, end = false;
    items += begin;
    count -= begin;
    if (count && items[count - 1]->kind == REGEX_TEXT_END) {
        end = true;
        count--;
    }
    char *text = vx_arena_bytes(arena, 4 * (size_t)count + 1);
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct regex_set *set = &items[i]->set;
        if (items[i]->kind != REGEX_SET || set->count != 1 || set->ranges[0].lo != set->ranges[0].hi)
            return CEL_REGEX_NOT_PLAIN;
        if (set->ranges[0].lo >= 0xd800 && set->ranges[0].lo <= 0xdfff)
            return CEL_REGEX_NEVER; /* no string holds a surrogate */
        len += (size_t)vx_utf8_encode(set->ranges[0].lo, text + len);
    }
    if (!len && !(begin && end))
        return CEL_REGEX_ALWAYS;
    *literal = vx_span(text, len);
    return begin && end ? CEL_REGEX_EQUAL : begin ? CEL_REGEX_PREFIX : end ? CEL_REGEX_SUFFIX : CEL_REGEX_PART;
}

enum cel_regex_plain cel_regex_classify(struct vx_arena *arena, struct vx_span pattern, struct vx_span *literal)
{
    struct cel_error ignored;
    struct regex_node *node = pattern.len <= CEL_REGEX_TEXT_MAX_BYTES ? regex_parse(arena, pattern, &ignored) : NULL;
    if (!node)
        return CEL_REGEX_NOT_PLAIN;
    return regex_plain(arena, regex_trimmed(arena, regex_simplified(arena, node)), literal);
}

bool cel_regex_plain_match(enum cel_regex_plain plain, struct vx_span literal, struct vx_span subject)
{
    switch (plain) {
    case CEL_REGEX_EQUAL:
        return vx_span_equal(subject, literal);
    case CEL_REGEX_PREFIX:
        return vx_span_starts_with(subject, literal);
    case CEL_REGEX_SUFFIX:
        return vx_span_ends_with(subject, literal);
    case CEL_REGEX_PART:
        return subject.len >= literal.len && memmem(subject.at, subject.len, literal.at, literal.len);
    default:
        return plain == CEL_REGEX_ALWAYS;
    }
}
