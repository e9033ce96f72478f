/* Places in strings: charAt, indexOf, lastIndexOf, substring, as cel-go's ext.Strings has them. Places are counted in
 * code points from 0; strings are UTF-8, so that finding one costs a walk.
 *
 * A worker's thread; nothing allocates but the decoding of escaped JSON: what is cut out of a string stays where it is.
 */
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

#include "core/base/utf8.h"

static bool give_int(struct cel_value *out, size_t i)
{
    *out = (struct cel_value){.type = CEL_INT, .i = (int64_t)i};
    return true;
}

static bool give_not_found(struct cel_value *out)
{
    *out = (struct cel_value){.type = CEL_INT, .i = -1};
    return true;
}

static bool give_string(struct cel_value *out, const char *at, size_t len)
{
    *out = cel_string_value(vx_span(at, len));
    return true;
}

static bool is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The byte at which code point `place` begins, s.len where it is the end; false where it is neither. */
static bool find_place(struct vx_span s, int64_t place, size_t *at)
{
    size_t i = 0;
    if (place < 0 || (uint64_t)place > s.len)
        return false;
    for (; i < s.len; i++) {
        if (is_start(s.at[i]) && place-- == 0)
            break;
    }
    *at = i;
    return i < s.len || place == 0;
}

static size_t char_len(struct vx_span s, size_t at)
{
    size_t end = at + 1;
    while (end < s.len && !is_start(s.at[end]))
        end++;
    return end - at;
}

static bool out_of_range(struct cel_call *call, struct cel_value place)
{
    return cel_fail_about(call, FAIL_INDEX, NULL, place);
}

/* The text of a string that is going to be walked. */
static bool text_to_walk(struct cel_call *call, struct cel_value v, struct vx_span *s)
{
    *s = cel_decoded(call, v);
    return cel_charge(call, s->len / 64);
}

CEL_OP(cel_char_at)
{
    struct vx_span s;
    size_t at;
    if (!text_to_walk(call, args[0], &s))
        return false;
    if (!find_place(s, args[1].i, &at))
        return out_of_range(call, args[1]);
    return give_string(out, s.at + at, at < s.len ? char_len(s, at) : 0);
}

CEL_OP(cel_substring_from)
{
    struct vx_span s;
    size_t from;
    if (!text_to_walk(call, args[0], &s))
        return false;
    if (!find_place(s, args[1].i, &from))
        return out_of_range(call, args[1]);
    return give_string(out, s.at + from, s.len - from);
}

CEL_OP(cel_substring)
{
    struct vx_span s;
    size_t from, to;
    if (!text_to_walk(call, args[0], &s))
        return false;
    if (args[1].i > args[2].i)
        return cel_fail(call, "a substring cannot end before it begins");
    if (!find_place(s, args[1].i, &from))
        return out_of_range(call, args[1]);
    if (!find_place(vx_span(s.at + from, s.len - from), args[2].i - args[1].i, &to))
        return out_of_range(call, args[2]);
    return give_string(out, s.at + from, to);
}

/* The place of the first `part` from byte `from` on, which is code point `place`. */
static bool find_first(struct cel_call *call, struct vx_span s, size_t from, int64_t place, struct vx_span part,
                       struct cel_value *out)
{
    size_t left = s.len - from;
    if (part.len == 0)
        return give_int(out, (size_t)place);
    const char *found = part.len <= left ? memmem(s.at + from, left, part.at, part.len) : NULL;
    cel_spend(call, part.len / 64);
    if (!found)
        return give_not_found(out);
    size_t between = (size_t)(found - (s.at + from));
    return give_int(out, (size_t)place + vx_utf8_count(vx_span(s.at + from, between)));
}

CEL_OP(cel_index_of)
{
    struct vx_span s;
    return text_to_walk(call, args[0], &s) && find_first(call, s, 0, 0, cel_decoded(call, args[1]), out);
}

CEL_OP(cel_index_of_from)
{
    struct vx_span s, part = cel_decoded(call, args[1]);
    size_t from;
    if (!text_to_walk(call, args[0], &s))
        return false;
    if (args[2].i < 0)
        return out_of_range(call, args[2]);
    if (!find_place(s, args[2].i, &from)) /* behind the end */
        return part.len ? give_not_found(out) : give_int(out, vx_utf8_count(s));
    return find_first(call, s, from, args[2].i, part, out);
}

/* The place of the last `part` that begins in the first `last` + 1 bytes. Backwards, from one candidate to the next:
 * its first byte decides where to look, and every look is paid for. */
static bool find_last(struct cel_call *call, struct vx_span s, size_t last, struct vx_span part, struct cel_value *out)
{
    const char *found = NULL;
    if (part.len > s.len)
        return give_not_found(out);
    if (last > s.len - part.len)
        last = s.len - part.len;
    for (size_t end = last + 1; end > 0;) {
        const char *at = memrchr(s.at, part.at[0], end);
        if (!at)
            break;
        if (!cel_charge(call, 1 + part.len / 64))
            return false;
        if (memcmp(at, part.at, part.len) == 0) {
            found = at;
            break;
        }
        end = (size_t)(at - s.at);
    }
    return found ? give_int(out, vx_utf8_count(vx_span(s.at, (size_t)(found - s.at)))) : give_not_found(out);
}

CEL_OP(cel_last_index_of)
{
    struct vx_span s, part = cel_decoded(call, args[1]);
    if (!text_to_walk(call, args[0], &s))
        return false;
    return part.len ? find_last(call, s, s.len, part, out) : give_int(out, vx_utf8_count(s));
}

CEL_OP(cel_last_index_of_from)
{
    struct vx_span s, part = cel_decoded(call, args[1]);
    size_t last;
    if (!text_to_walk(call, args[0], &s))
        return false;
    if (args[2].i < 0)
        return out_of_range(call, args[2]);
    bool inside = find_place(s, args[2].i, &last);
    if (part.len == 0)
        return give_int(out, inside ? (size_t)args[2].i : vx_utf8_count(s));
    return inside && last < s.len ? find_last(call, s, last, part, out) : give_not_found(out);
}
