/* New strings out of old ones: lowerAscii, upperAscii, trim, replace, split, join, reverse, strings.quote, as cel-go's
 * ext.Strings has them.
 *
 * A worker's thread. What is made goes to the arena of the call, and its whole length is paid for before it is asked
 * for (cel_make_text()), so that no chain of replacements outgrows the budget. What comes out as it went in is not
 * copied.
 */
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

#include "core/base/utf8.h"

static bool give_string(struct cel_value *out, struct vx_span s)
{
    *out = cel_string_value(s);
    return true;
}

/* ---- one string ---- */

/* Flips the case of the letters from `first` to `first` + 25. */
static bool flip_case(struct cel_call *call, struct cel_value v, char first, struct cel_value *out)
{
    struct vx_span s = cel_decoded(call, v);
    size_t i = 0;
    while (i < s.len && (unsigned char)(s.at[i] - first) >= 26)
        i++;
    if (i == s.len)
        return cel_charge(call, s.len / 64) && give_string(out, s);
    char *text = cel_make_text(call, s.len);
    if (!text)
        return false;
    for (i = 0; i < s.len; i++)
        text[i] = (char)(s.at[i] ^ ((unsigned char)(s.at[i] - first) < 26 ? 0x20 : 0));
    return give_string(out, vx_span(text, s.len));
}

CEL_OP(cel_lower_ascii)
{
    return flip_case(call, args[0], 'A', out);
}

CEL_OP(cel_upper_ascii)
{
    return flip_case(call, args[0], 'a', out);
}

/* Unicode's White_Space. */
static bool is_space(int32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

CEL_OP(cel_trim)
{
    struct vx_span s = cel_decoded(call, args[0]);
    const char *at = s.at, *end = s.at + s.len;
    int len;
    if (!cel_charge(call, s.len / 64))
        return false;
    while (at < end && is_space(vx_utf8_decode(at, end, &len)))
        at += len;
    while (end > at) {
        const char *last = end - 1;
        while (last > at && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        if (!is_space(vx_utf8_decode(last, end, &len)))
            break;
        end = last;
    }
    return give_string(out, vx_span(at, (size_t)(end - at)));
}

CEL_OP(cel_reverse)
{
    struct vx_span s = cel_decoded(call, args[0]);
    char *text = cel_make_text(call, s.len);
    size_t at = 0;
    if (!text)
        return false;
    for (int len; at < s.len; at += (size_t)len) {
        vx_utf8_decode(s.at + at, s.at + s.len, &len);
        memcpy(text + s.len - at - (size_t)len, s.at + at, (size_t)len);
    }
    return give_string(out, vx_span(text, s.len));
}

/* The letter behind the backslash of what has to be escaped, or 0. */
static char escape_of(char c)
{
    static const char letters[] = "\"\\\a\b\f\n\r\t\v", names[] = "\"\\abfnrtv";
    const char *letter = c ? strchr(letters, c) : NULL;
    return letter ? names[letter - letters] : '\0';
}

CEL_OP(cel_quote)
{
    struct vx_span s = cel_decoded(call, args[0]);
    size_t len = s.len + 2, n = 0;
    for (size_t i = 0; i < s.len; i++)
        len += escape_of(s.at[i]) != '\0';
    char *text = cel_make_text(call, len);
    if (!text)
        return false;
    text[n++] = '"';
    for (size_t i = 0; i < s.len; i++) {
        char letter = escape_of(s.at[i]);
        if (letter)
            text[n++] = '\\';
        text[n++] = letter ? letter : s.at[i];
    }
    text[n] = '"';
    return give_string(out, vx_span(text, len));
}

/* ---- replace and split ---- */

/* A walk from one `part` of a string to the next; an empty part stands before every code point and at the end. */
struct cuts {
    const char *at, *end; /* what is left */
    struct vx_span part;
    bool first; /* an empty part: before the first code point */
    uint64_t left;
};

static struct cuts cuts_of(struct vx_span s, struct vx_span part, int64_t limit)
{
    return (struct cuts){s.at, s.at + s.len, part, true, limit < 0 ? UINT64_MAX : (uint64_t)limit};
}

/* The text up to the next part, which is stepped over; false: there is none, or the limit is reached. */
static bool next_cut(struct cuts *cuts, struct vx_span *before)
{
    size_t left = (size_t)(cuts->end - cuts->at);
    const char *found;
    if (cuts->left == 0)
        return false;
    if (cuts->part.len > 0) {
        found = left >= cuts->part.len ? memmem(cuts->at, left, cuts->part.at, cuts->part.len) : NULL;
        if (!found)
            return false;
    } else {
        int len = 0;
        if (!cuts->first && left == 0)
            return false;
        if (!cuts->first)
            vx_utf8_decode(cuts->at, cuts->end, &len);
        found = cuts->at + len;
        cuts->first = false;
    }
    *before = vx_span(cuts->at, (size_t)(found - cuts->at));
    cuts->at = found + cuts->part.len;
    cuts->left--;
    return true;
}

/* How often it will be cut. */
static size_t count_cuts(struct cuts cuts)
{
    struct vx_span before;
    size_t count = 0;
    while (next_cut(&cuts, &before))
        count++;
    return count;
}

static char *append(char *to, struct vx_span s)
{
    if (s.len)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

static bool replace(struct cel_call *call, const struct cel_value *args, int64_t limit, struct cel_value *out)
{
    struct vx_span s = cel_decoded(call, args[0]), part = cel_decoded(call, args[1]), by = cel_decoded(call, args[2]);
    struct vx_span before;
    struct cuts cuts = cuts_of(s, part, limit);
    if (!cel_charge(call, (s.len + part.len) / 64))
        return false;
    size_t count = count_cuts(cuts), len;
    if (count == 0)
        return give_string(out, s);
    if (__builtin_mul_overflow(count, by.len, &len) || __builtin_add_overflow(len, s.len - count * part.len, &len))
        len = SIZE_MAX;
    if (!cel_charge(call, count))
        return false;
    char *text = cel_make_text(call, len), *to = text;
    if (!text)
        return false;
    while (next_cut(&cuts, &before))
        to = append(append(to, before), by);
    append(to, vx_span(cuts.at, (size_t)(cuts.end - cuts.at)));
    return give_string(out, vx_span(text, len));
}

CEL_OP(cel_replace)
{
    return replace(call, args, -1, out);
}

CEL_OP(cel_replace_some)
{
    return replace(call, args, args[3].i, out);
}

/* At most `limit` strings, the last one with all that is left; by an empty separator into code points. */
static bool split(struct cel_call *call, const struct cel_value *args, int64_t limit, struct cel_value *out)
{
    struct vx_span s = cel_decoded(call, args[0]), separator = cel_decoded(call, args[1]), before;
    bool nothing = limit == 0 || (s.len == 0 && separator.len == 0);
    struct cuts cuts = cuts_of(s, separator, limit < 0 ? -1 : limit - 1);
    if (nothing)
        return cel_make_list(call, NULL, 0, out);
    if (!cel_charge(call, (s.len + separator.len) / 64))
        return false;
    if (separator.len == 0) { /* a cut before the first or behind the last code point divides nothing */
        size_t most = vx_utf8_count(s) - 1;
        cuts.first = false;
        cuts.left = cuts.left < most ? cuts.left : most;
    }
    size_t count = count_cuts(cuts) + 1, n = 0;
    if (!cel_charge(call, count))
        return false;
    struct cel_value *cells = VX_ARENA_ARRAY(call->arena, struct cel_value, count);
    while (n + 1 < count && next_cut(&cuts, &before))
        cells[n++] = cel_string_value(before);
    cells[n++] = cel_string_value(vx_span(cuts.at, (size_t)(cuts.end - cuts.at)));
    return cel_make_list(call, cells, n, out);
}

CEL_OP(cel_split)
{
    return split(call, args, -1, out);
}

CEL_OP(cel_split_some)
{
    return split(call, args, args[2].i, out);
}

/* ---- join ---- */

static bool join(struct cel_call *call, struct cel_value list, struct vx_span separator, struct cel_value *out)
{
    if (!cel_charge(call, cel_length_cost(list)))
        return false;
    size_t count = cel_list_count(list), n = 0, len = 0;
    if (!cel_charge(call, count))
        return false;
    struct vx_span *parts = VX_ARENA_ARRAY(call->arena, struct vx_span, count);
    struct cel_list_iter it = cel_list_iter(list);
    for (struct cel_value element; n < count && cel_list_next(&it, &element); n++) {
        if (element.type != CEL_STRING)
            return cel_fail_about(call, FAIL_CONVERT, "string, which join() takes", element);
        parts[n] = cel_decoded(call, element);
        len += parts[n].len + (n > 0 ? separator.len : 0);
    }
    char *text = cel_make_text(call, len), *to = text;
    if (!text)
        return false;
    for (size_t i = 0; i < n; i++)
        to = append(i > 0 ? append(to, separator) : to, parts[i]);
    return give_string(out, vx_span(text, len));
}

CEL_OP(cel_join)
{
    return join(call, args[0], VX_SPAN_LITERAL(""), out);
}

CEL_OP(cel_join_with)
{
    return join(call, args[0], cel_decoded(call, args[1]), out);
}
