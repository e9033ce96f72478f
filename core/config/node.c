/* Nodes: how a member is found, and where a byte of a decoded scalar stands in the file. Load-time only; any one thread.
 *
 * The second is an alignment of two texts, the raw one in the file and the decoded one: what is not blank stands in both
 * in the same order; blanks may be fewer on one side (indentation, folding); escapes are decoded as they are met. So one
 * walk serves all five styles, and is exact for every byte that is not blank.
 *
 *     raw      "a \u003e\n        b"        decoded      a > b
 */
#include "core/config/node.h"

#include "core/base/utf8.h"

enum { QUOTED_MAX_BYTES = 2000 }; /* a longer line is not shown */

const struct config_node *config_node_find(const struct config_node *mapping, const char *key)
{
    for (size_t i = 0; mapping && mapping->kind == CONFIG_MAPPING && i < mapping->count; i++) {
        if (vx_span_is(mapping->keys[i].text, key))
            return &mapping->items[i];
    }
    return NULL;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex(struct vx_span text, size_t at, int digits)
{
    int code = 0;
    for (int i = 0; i < digits && at + (size_t)i < text.len; i++) {
        char c = text.at[at + (size_t)i];
        code = code * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
}

/* The code point that the escape at `raw.at[at]` (a backslash) stands for, -1 for an escaped line break; `used`: its bytes. */
static int escape(struct vx_span raw, size_t at, size_t *used)
{
    static const char names[] = "0abtnvfre \"/\\N_LP";
    static const int codes[] = {0, 7, 8, 9, 10, 11, 12, 13, 27, ' ', '"', '/', '\\', 0x85, 0xa0, 0x2028, 0x2029};
    char c = at + 1 < raw.len ? raw.at[at + 1] : 0;
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    *used = 2 + (size_t)digits;
    if (digits)
        return hex(raw, at + 2, digits);
    if (c == '\t')
        return '\t';
    const char *name = c ? strchr(names, c) : NULL;
    return name ? codes[name - names] : -1;
}

/* One step over the raw text at `at`: its length there, and the bytes it decodes to (blank: 0, they align by themselves). */
static size_t step(const struct config_node *scalar, struct vx_span raw, size_t at, size_t *decoded)
{
    size_t used = 1;
    *decoded = 1;
    if (blank(raw.at[at])) {
        *decoded = 0;
    } else if (scalar->style == CONFIG_SINGLE_QUOTED && raw.at[at] == '\'') {
        used = 2;
    } else if (scalar->style == CONFIG_DOUBLE_QUOTED && raw.at[at] == '\\') {
        int code = escape(raw, at, &used);
        char bytes[4];
        *decoded = code < 0 || (code < 0x80 && blank((char)code)) ? 0 : (size_t)vx_utf8_encode((uint32_t)code, bytes);
    }
    return used;
}

/* The byte of the file at which byte `offset` of the decoded text begins. */
static size_t raw_offset(const struct config_node *scalar, size_t offset)
{
    struct vx_span raw = vx_span(scalar->file->text.at + scalar->begin, scalar->end - scalar->begin);
    size_t at = 0, d = 0;
    if (scalar->style == CONFIG_SINGLE_QUOTED || scalar->style == CONFIG_DOUBLE_QUOTED)
        at = 1;
    if (scalar->style == CONFIG_LITERAL || scalar->style == CONFIG_FOLDED) {
        while (at < raw.len && raw.at[at] != '\n')
            at++;
    }
    while (d < offset && at < raw.len) {
        size_t decoded, used;
        if (blank(scalar->text.at[d])) {
            used = step(scalar, raw, at, &decoded);
            at += decoded == 0 ? used : 0;
            d++;
            continue;
        }
        used = step(scalar, raw, at, &decoded);
        at += used;
        d += decoded;
    }
    /* the blanks before a byte that is not blank may be more than the decoded ones */
    while (offset < scalar->text.len && !blank(scalar->text.at[offset]) && at < raw.len) {
        size_t decoded, used = step(scalar, raw, at, &decoded);
        if (decoded > 0)
            break;
        at += used;
    }
    return scalar->begin + (at < raw.len ? at : raw.len);
}

/* Fills the place of the bytes begin..end of the file. */
static void place(const struct config_node *node, size_t begin, size_t end, struct vx_diag *at)
{
    struct vx_span text = node->file->text;
    size_t line_begin = begin, line_end = begin;
    while (line_begin > 0 && text.at[line_begin - 1] != '\n')
        line_begin--;
    while (line_end < text.len && text.at[line_end] != '\n')
        line_end++;
    at->file = node->file->path;
    at->line = node->line;
    for (size_t i = node->begin; i < begin; i++)
        at->line += text.at[i] == '\n';
    if (line_end > line_begin && text.at[line_end - 1] == '\r')
        line_end--;
    if (line_begin == 0 && vx_span_starts_with(text, VX_SPAN_LITERAL("\xef\xbb\xbf")))
        line_begin = 3; /* an error may be about the mark itself */
    begin = begin < line_begin ? line_begin : begin;
    size_t stop = end < line_end ? end : line_end;
    at->column = (int)vx_utf8_count(vx_span(text.at + line_begin, begin - line_begin)) + 1;
    at->width = stop > begin ? (int)vx_utf8_count(vx_span(text.at + begin, stop - begin)) : 1;
    at->quoted = vx_span(text.at + line_begin, line_end - line_begin);
    if (at->quoted.len > QUOTED_MAX_BYTES)
        at->quoted = (struct vx_span){0};
}

void config_node_locate(const struct config_node *scalar, size_t offset, size_t len, struct vx_diag *at)
{
    struct vx_span text = scalar->text;
    if (offset > text.len)
        offset = text.len;
    if (offset + len > text.len)
        len = text.len - offset;
    if (text.len == 0) {
        place(scalar, scalar->begin, scalar->end, at);
        return;
    }
    if (offset == text.len) { /* behind the end: behind the last byte that is not blank */
        size_t last = text.len - 1;
        while (last > 0 && blank(text.at[last]))
            last--;
        while (last > 0 && ((unsigned char)text.at[last] & 0xc0) == 0x80)
            last--;
        size_t begin = raw_offset(scalar, last), decoded;
        struct vx_span raw = vx_span(scalar->file->text.at, scalar->end);
        size_t used = begin < scalar->end ? step(scalar, raw, begin, &decoded) : 0;
        while (begin + used < scalar->end && ((unsigned char)raw.at[begin + used] & 0xc0) == 0x80)
            used++;
        place(scalar, begin + used, begin + used, at);
        return;
    }
    size_t begin = raw_offset(scalar, offset);
    size_t end = len > 0 ? raw_offset(scalar, offset + len - 1) : begin;
    if (len > 0 && end < scalar->end) {
        size_t decoded;
        end += step(scalar, vx_span(scalar->file->text.at, scalar->end), end, &decoded);
        while (end < scalar->end && ((unsigned char)scalar->file->text.at[end] & 0xc0) == 0x80)
            end++;
    }
    place(scalar, begin, end, at);
}

void config_node_place(const struct config_node *node, struct vx_diag *at)
{
    size_t end = node->end;
    char first = node->begin < node->file->text.len ? node->file->text.at[node->begin] : 0;
    if (node->kind != CONFIG_SCALAR && first != '{' && first != '[')
        end = node->kind == CONFIG_MAPPING && node->count > 0 ? node->keys[0].end : node->begin + 1;
    else if (node->style == CONFIG_LITERAL || node->style == CONFIG_FOLDED)
        end = node->begin + 1;
    place(node, node->begin, end, at);
}
