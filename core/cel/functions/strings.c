/* What works on strings and bytes: concatenation, size, contains, startsWith, endsWith. A worker's thread; what is new
 * goes to the arena of the call. Strings of JSON are read in place, decoded only where they have escapes. */
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

#include "core/base/utf8.h"

static bool give_bool(struct cel_value *out, bool yes)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = yes};
    return true;
}

char *cel_make_text(struct cel_call *call, size_t len)
{
    if (call->steps < len / CEL_STEP_BYTES) {
        call->steps = 0;
        cel_fail(call, "the evaluation makes too much text");
        return NULL;
    }
    call->steps -= len / CEL_STEP_BYTES;
    return vx_arena_bytes(call->arena, len);
}

/* strings and bytes alike */
CEL_OP(cel_add_text)
{
    struct vx_span a = cel_decoded(call, args[0]), b = cel_decoded(call, args[1]);
    char *text = cel_make_text(call, a.len + b.len);
    if (!text)
        return false;
    if (a.len)
        memcpy(text, a.at, a.len);
    if (b.len)
        memcpy(text + a.len, b.at, b.len);
    *out = (struct cel_value){.type = args[0].type, .s = {text, a.len + b.len}};
    return true;
}

CEL_OP(cel_size_string)
{
    struct vx_span s = cel_decoded(call, args[0]);
    cel_spend(call, s.len / 64);
    *out = (struct cel_value){.type = CEL_INT, .i = (int64_t)vx_utf8_count(s)};
    return true;
}

CEL_OP(cel_size_bytes)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_INT, .i = (int64_t)args[0].s.len};
    return true;
}

CEL_OP(cel_contains)
{
    struct vx_span s = cel_decoded(call, args[0]), part = cel_decoded(call, args[1]);
    cel_spend(call, s.len / 64);
    return give_bool(out, part.len == 0 || (s.len >= part.len && memmem(s.at, s.len, part.at, part.len)));
}

CEL_OP(cel_starts_with)
{
    return give_bool(out, vx_span_starts_with(cel_decoded(call, args[0]), cel_decoded(call, args[1])));
}

CEL_OP(cel_ends_with)
{
    return give_bool(out, vx_span_ends_with(cel_decoded(call, args[0]), cel_decoded(call, args[1])));
}
