/* Guesses for messages. Load time; nothing allocates. */
#include "core/cel/check/hint.h"

#include <stdio.h>

#include "core/cel/syntax/lexer.h"

static bool is_name(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool cel_hint_hyphen(struct vx_span text, size_t minus, char hint[CEL_HINT_SIZE], size_t *from, size_t *to)
{
    if (minus == 0 || minus + 1 >= text.len || text.at[minus] != '-' || !is_name(text.at[minus - 1]) ||
        !is_name(text.at[minus + 1]))
        return false;
    size_t name = minus, path, end = minus;
    while (name > 0 && (is_name(text.at[name - 1]) || (text.at[name - 1] == '-' && is_name(text.at[name]))))
        name--;
    if (name < 2 || text.at[name - 1] != '.' || (!is_name(text.at[name - 2]) && text.at[name - 2] != ']'))
        return false;
    for (path = name - 1; path > 0 && (is_name(text.at[path - 1]) || text.at[path - 1] == '.');)
        path--;
    while (end < text.len &&
           (is_name(text.at[end]) || (text.at[end] == '-' && end + 1 < text.len && is_name(text.at[end + 1]))))
        end++;
    struct vx_span whole = vx_span(text.at + path, end - path), before = vx_span(text.at + path, name - 1 - path);
    struct vx_span field = vx_span(text.at + name, end - name);
    snprintf(hint, CEL_HINT_SIZE, "`%.*s` is a subtraction; write %.*s[\"%.*s\"]", CEL_QUOTE(whole), CEL_QUOTE(before),
             CEL_QUOTE(field));
    *from = path;
    *to = end;
    return true;
}
