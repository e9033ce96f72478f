/* Other spellings of bytes: base64.encode, base64.decode (cel-go's ext.Encoders), and hash(), which is ours. A worker's
 * thread; what is made goes to the arena of the call.
 *
 * hash(x) is for sampling: `hash(key) % 100 < 5` takes the same five of a hundred keys on every machine, in every
 * version and whatever rules stand around it. It is XXH64 with seed 0, its top bit cut off (0 to 2^63 - 1, so that `%`
 * is never negative), over these bytes: of bytes, they themselves; of everything else, the UTF-8 of string(x). So a
 * user id that comes as 42 in one event and as "42" in the next is one id.
 */
#include "core/base/b64.h"
#include "core/base/hash.h"
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

CEL_OP(cel_b64_encode)
{
    struct vx_span data = args[0].s;
    char *text = cel_make_text(call, vx_b64_length(data));
    if (!text)
        return false;
    *out = cel_string_value(vx_span(text, vx_b64_write(data, text)));
    return true;
}

/* Padding may be missing as a whole, not in part. */
CEL_OP(cel_b64_decode)
{
    struct vx_span text = cel_decoded(call, args[0]);
    size_t len = 0;
    char *data = cel_make_text(call, text.len);
    if (!data)
        return false;
    bool padded = text.len > 0 && text.at[text.len - 1] == '=';
    if ((padded && text.len % 4 != 0) || !vx_b64_read(text, data, &len))
        return cel_fail_about(call, FAIL_CONVERT, "base64 text", args[0]);
    *out = (struct cel_value){.type = CEL_BYTES, .s = {data, len}};
    return true;
}

enum { INT_TEXT_SIZE = 24 };

/* The digits of an int as string() has them, without printf: keys of events are often numbers. */
static struct vx_span print_int(struct cel_value v, char text[INT_TEXT_SIZE])
{
    bool minus = v.type == CEL_INT && v.i < 0;
    uint64_t left = minus ? 0 - v.u : v.u;
    char *at = text + INT_TEXT_SIZE;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (minus)
        *--at = '-';
    return vx_span(at, (size_t)(text + INT_TEXT_SIZE - at));
}

CEL_OP(cel_hash)
{
    char digits[INT_TEXT_SIZE];
    struct vx_span bytes;
    if (args[0].type == CEL_BYTES)
        bytes = args[0].s;
    else if (args[0].type == CEL_STRING)
        bytes = cel_decoded(call, args[0]);
    else if (args[0].type == CEL_INT || args[0].type == CEL_UINT)
        bytes = print_int(args[0], digits);
    else if (!cel_text_of(args[0], call->arena, &bytes))
        return cel_fail_about(call, FAIL_CONVERT, "value that hash() takes", args[0]);
    cel_spend(call, bytes.len / 64);
    *out = (struct cel_value){.type = CEL_INT, .i = (int64_t)(vx_hash64(bytes) & INT64_MAX)};
    return true;
}
