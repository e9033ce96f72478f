/* matches() in an expression: the checker's part, which compiles the pattern, and the evaluator's.
 *
 * The pattern must be a constant: it is compiled when the expression is loaded, and an event brings none of its own. What
 * is wrong with it is shown inside the expression's text. Checking is at load; cel_match() is a worker's.
 */
#include "core/base/utf8.h"
#include "core/cel/check/check.h"
#include "core/cel/env.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/regex/regex.h"
#include "core/cel/values.h"

/* ---- places ---- */

/* How many bytes of the literal's source the escape at `at` takes, and how many bytes it stands for. */
static size_t escape_len(const char *at, size_t left, size_t *decoded)
{
    char bytes[4];
    uint32_t code = 0;
    char kind = left > 1 ? at[1] : 0;
    size_t len = kind == 'x' || kind == 'X' || (kind >= '0' && kind <= '3') ? 4
                 : kind == 'u'                                              ? 6
                 : kind == 'U'                                              ? 10
                                                                            : 2;
    bool octal = kind >= '0' && kind <= '3';
    *decoded = 1;
    if (len == 2 || len > left)
        return len < left ? len : left;
    for (size_t i = octal ? 1 : 2; i < len; i++) {
        char c = at[i], low = (char)(c | 0x20);
        code = code * (octal ? 8 : 16) + (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    *decoded = (size_t)vx_utf8_encode(code & 0x1fffff, bytes);
    return len;
}

/* Where byte `target` of a string literal's value stands in the literal's source; SIZE_MAX when it is not to be found. */
static size_t place_in_literal(struct vx_span source, size_t target)
{
    size_t at = 0, value = 0;
    bool raw = false;
    while (at < source.len && source.at[at] != '"' && source.at[at] != '\'')
        raw |= (source.at[at++] | 0x20) == 'r';
    if (at + 2 > source.len || at > 1)
        return SIZE_MAX;
    bool triple = source.len - at >= 6 && source.at[at] == source.at[at + 1] && source.at[at] == source.at[at + 2];
    at += triple ? 3 : 1;
    while (value < target && at < source.len) {
        size_t decoded = 1;
        at += !raw && source.at[at] == '\\' ? escape_len(source.at + at, source.len - at, &decoded) : 1;
        value += decoded;
    }
    return value == target && at < source.len ? at : SIZE_MAX;
}

/* `pattern`, the constant that `arg` is, is wrong as `error` says. */
static void refuse_pattern(struct checker *c, struct tree *node, const struct tree *arg, const struct cel_error *error)
{
    struct vx_span source = vx_span(c->text.at + arg->begin, arg->end - arg->begin);
    size_t from = place_in_literal(source, error->offset), to = place_in_literal(source, error->offset + error->len);
    size_t end = place_in_literal(source, arg->value.s.len); /* the closing quotes: or else it is not one literal */
    bool whole = end != SIZE_MAX && (source.len - end == 1 || source.len - end == 3);
    if (!whole || from == SIZE_MAX || to == SIZE_MAX || to <= from)
        cel_refuse(c, node, arg->begin, source.len, "bad regular expression, at byte %zu: %s", error->offset,
                   error->message);
    else
        cel_refuse(c, node, arg->begin + from, to - from, "bad regular expression: %s", error->message);
}

/* ---- checking ---- */

bool cel_check_matches(struct checker *c, struct tree *node)
{
    const struct tree *arg = node->args[1];
    struct cel_error error;
    if (arg->kind != TREE_CONST) {
        cel_refuse(c, node, arg->begin, arg->end - arg->begin,
                   "the pattern of matches() must be a constant: it is compiled when the expression is loaded");
        return false;
    }
    if (arg->value.type != CEL_STRING)
        return true; /* fails when it is evaluated */
    struct cel_regex_pool *shared = c->env->regexes;
    if ((shared ? cel_regex_shared(shared, c->arena, arg->value.s, &node->regex, &error)
                : cel_regex_new(c->arena, arg->value.s, &node->regex, &error)) == VX_OK)
        return true;
    refuse_pattern(c, node, arg, &error);
    return false;
}

/* For folding; what is left is compiled to cel_match(). */
CEL_OP(cel_matches)
{
    const struct cel_regex *regex;
    struct cel_error error;
    if (cel_regex_new(call->arena, args[1].s, &regex, &error) != VX_OK)
        return cel_fail(call, "bad regular expression");
    return cel_match(regex, call, STYLE_GLOBAL, args[0], out);
}

/* ---- evaluating ---- */

bool cel_match(const struct cel_regex *regex, struct cel_call *call, uint8_t style, struct cel_value subject,
               struct cel_value *out)
{
    if (subject.type != CEL_STRING) {
        struct cel_value args[2] = {subject, cel_string_value(regex->pattern)};
        return cel_fail_types(call, "matches", style, args, 2);
    }
    struct vx_span text = cel_decoded(call, subject);
    if (!cel_charge(call, text.len / 64))
        return false;
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = cel_regex_match(regex, call->scratch, text)};
    return true;
}
