/* The checker of calls: which function or operator a name is, which overloads are possible for the types of its
 * arguments, what they give, and what it comes to where all of them are constant.
 *
 * Load time, any one thread; called by the walk in check.c, which checks the arguments.
 */
#include <stdio.h>

#include "core/cel/check/check.h"
#include "core/cel/env.h"
#include "core/cel/check/hint.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/regex/regex.h"
#include "core/cel/values.h"
#include "core/cel/functions/zone.h"

enum { NEAR_MAX = 4, NEAR_TEXT_SIZE = 256 };

/* `math.greatest(…)` is one name where there is such a function, or nothing else that `math` could be. */
static void join_namespace(struct checker *c, struct tree *node)
{
    const struct tree *space = node->args[0];
    char name[64];
    if (node->style != STYLE_RECEIVER || space->kind != TREE_NAME || space->name.len + node->name.len + 2 > sizeof name)
        return;
    int n = snprintf(name, sizeof name, "%.*s.%.*s", VX_SPAN_ARG(space->name), VX_SPAN_ARG(node->name));
    if (!cel_ops_find(vx_span(name, (size_t)n), STYLE_GLOBAL).first &&
        (!cel_ops_namespace(space->name) || cel_is_named(c, space->name)))
        return;
    node->name = vx_arena_span(c->arena, vx_span(name, (size_t)n));
    node->style = STYLE_GLOBAL;
    node->len += node->offset - space->begin;
    node->offset = space->begin;
    node->args++;
    node->count--;
}

/* math.greatest(1, 2, 3) is math.greatest([1, 2, 3]). */
static void join_arguments(struct checker *c, struct tree *node)
{
    if (!(node->ops.first->flags & OP_VARIADIC) || node->style != STYLE_GLOBAL || node->count < 2)
        return;
    struct tree *list = VX_ARENA_NEW(c->arena, struct tree), **args = VX_ARENA_NEW(c->arena, struct tree *);
    *list = (struct tree){.kind = TREE_LIST, .offset = node->offset, .len = node->len, .begin = node->args[0]->begin};
    list->end = node->end;
    list->args = node->args;
    list->count = node->count;
    args[0] = list;
    node->args = args;
    node->count = 1;
}

void cel_find_function(struct checker *c, struct tree *node)
{
    if (node->count > 0)
        join_namespace(c, node);
    enum cel_style other = node->style == STYLE_GLOBAL ? STYLE_RECEIVER : STYLE_GLOBAL;
    int len = (int)cel_quote_len(node->name);
    const char *name = node->name.at;
    node->ops = cel_ops_find(node->name, node->style);
    if (node->ops.first) {
        join_arguments(c, node);
        return;
    }
    const char *near = cel_ops_nearest(node->name, node->style);
    if (node->style == STYLE_GLOBAL && cel_macro_find(node->name))
        cel_refuse(c, node, node->offset, node->len, "%.*s() is called on a value, as in %s", len, name,
                   cel_macro_find(node->name)->usage);
    else if (node->style & (STYLE_GLOBAL | STYLE_RECEIVER) && cel_ops_find(node->name, other).first)
        cel_refuse(c, node, node->offset, node->len,
                   other == STYLE_RECEIVER ? "%.*s() is called on a value: write x.%.*s(…)"
                                           : "%.*s() is not called on a value: write %.*s(x)",
                   len, name, len, name);
    else if (near)
        cel_refuse(c, node, node->offset, node->len, "unknown function `%.*s`; did you mean `%s`?", len, name, near);
    else
        cel_refuse(c, node, node->offset, node->len, "unknown function `%.*s`", len, name);
}

/* Is the overload the call but for one argument? */
static bool is_near(const struct tree *node, const struct cel_op *op)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < node->count && op->argc == node->count; i++)
        others += (node->args[i]->type.mask & op->args[i]) == 0;
    return op->argc == node->count && others == 1 && !(op->flags & OP_MIXED);
}

/* Appends the overloads that are near, where they are few: what might have been meant. */
static void list_near(const struct tree *node, const char *name, char text[NEAR_TEXT_SIZE])
{
    size_t used = 0, listed = 0;
    text[0] = '\0';
    for (size_t i = 0; i < node->ops.count; i++) {
        const struct cel_op *op = &node->ops.first[i];
        char texts[CEL_ARGS_MAX][CEL_STYPE_TEXT_SIZE], call[CEL_CALL_TEXT_SIZE];
        const char *types[CEL_ARGS_MAX];
        if (!is_near(node, op))
            continue;
        for (uint32_t k = 0; k < node->count; k++)
            types[k] = cel_stype_print(cel_stype_of(op->args[k]), texts[k]);
        int len = snprintf(text + used, NEAR_TEXT_SIZE - used, "%s%s", listed ? ", " : "; there is ",
                           cel_ops_print(name, node->style, types, node->count, call));
        used += (size_t)len;
        if (++listed > NEAR_MAX || used >= NEAR_TEXT_SIZE) {
            text[0] = '\0';
            return;
        }
    }
}

static void refuse_overload(struct checker *c, struct tree *node)
{
    char texts[CEL_ARGS_MAX][CEL_STYPE_TEXT_SIZE], call[CEL_CALL_TEXT_SIZE], hint[CEL_HINT_SIZE], name[32];
    char near[NEAR_TEXT_SIZE];
    const char *types[CEL_ARGS_MAX];
    size_t from, to;
    uint32_t masks = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        types[i] = cel_stype_print(node->args[i]->type, texts[i]);
        masks |= node->args[i]->type.mask;
    }
    if (node->style == STYLE_INFIX && cel_hint_hyphen(c->text, node->offset, hint, &from, &to)) {
        cel_refuse(c, node, from, to - from, "%s", hint);
        return;
    }
    snprintf(name, sizeof name, "%.*s", VX_SPAN_ARG(node->name));
    cel_ops_print(name, node->style, types, node->count, call);
    list_near(node, name, near);
    bool numbers = node->style == STYLE_INFIX && !(masks & ~(uint32_t)MASK_NUMBER);
    const char *way_out = numbers && node->name.at[0] != '%' ? "; convert one side with int(), uint() or double()"
                          : node->args[0]->type.mask == MASK_OPTIONAL ? "; take what it holds with orValue(…)"
                                                                      : near;
    cel_refuse(c, node, node->offset, node->len, "no matching overload for %s%s", call, way_out);
}

/* False for what overloads cannot say: `"a" == 1` and `"a" in [1]` can never be true. */
static bool may_match(const struct tree *node)
{
    if (node->style != STYLE_INFIX)
        return true;
    struct cel_stype a = node->args[0]->type, b = node->args[1]->type;
    if (vx_span_is(node->name, "==") || vx_span_is(node->name, "!="))
        return cel_stype_comparable(a, b);
    if (!vx_span_is(node->name, "in") || b.dyn)
        return true;
    const struct cel_stype *inside = b.mask & MASK_MAP ? b.key : b.elem;
    return !inside || cel_stype_comparable(a, *inside);
}

struct cel_stype cel_type_inside(struct checker *c, const struct tree *node)
{
    struct cel_stype container = node->args[0]->type;
    bool is_optional = container.mask == MASK_OPTIONAL;
    if (is_optional)
        container = cel_stype_inside(container);
    if (!is_optional && !node->optional)
        return cel_stype_inside(container);
    return cel_stype_optional(c->arena, cel_stype_inside(container));
}

/* The type that the flags of an overload give its result. */
static struct cel_stype type_of_result(struct checker *c, const struct tree *node, const struct cel_op *op,
                                       uint32_t result, bool dyn)
{
    struct cel_stype type = cel_stype_of(result);
    if (node->style == STYLE_INDEX)
        return cel_type_inside(c, node);
    if (op->flags & OP_ARITH)
        type.dyn = dyn;
    if (op->flags & OP_INSIDE)
        return cel_stype_inside(node->args[0]->type);
    if (op->flags & OP_WRAP)
        return cel_stype_optional(c->arena, node->args[0]->type);
    if (node->style == STYLE_INFIX && (result & MASK_LIST)) {
        struct cel_stype joined = cel_stype_join(c->arena, node->args[0]->type, node->args[1]->type);
        type.elem = joined.elem;
        type.key = joined.key;
    }
    return type;
}

/* The overloads that are possible for the static types: sets mixed, exact and the type of the result. */
static bool match_overloads(struct checker *c, struct tree *node)
{
    const struct cel_op *only = NULL;
    size_t possible = 0;
    bool dyn = false, certain = true;
    uint32_t result = 0;
    for (uint32_t i = 0; i < node->count; i++)
        dyn |= node->args[i]->type.dyn;
    for (size_t i = 0; i < node->ops.count; i++) {
        const struct cel_op *op = &node->ops.first[i];
        bool fits = op->argc == node->count && (dyn || !(op->flags & OP_MIXED)), inside = true;
        for (uint32_t k = 0; k < op->argc && fits; k++) {
            fits = op->args[k] & node->args[k]->type.mask;
            inside &= !(node->args[k]->type.mask & ~(uint32_t)op->args[k]);
        }
        if (!fits)
            continue;
        possible++;
        only = op;
        certain &= inside;
        result |= op->result;
    }
    node->mixed = dyn;
    node->type = cel_stype_any;
    if (possible == 0 || !may_match(node))
        return false;
    if (node->optional && !(node->args[0]->type.mask & (MASK_LIST | MASK_MAP | MASK_OPTIONAL)))
        return false;
    node->exact = possible == 1 && certain;
    if (possible == 1)
        node->ops = (struct cel_ops){only, 1};
    node->type = type_of_result(c, node, only, result, dyn);
    return true;
}

/* False, and refused, where no overload takes so many arguments. */
static bool check_count(struct checker *c, struct tree *node)
{
    uint32_t receiver = node->style == STYLE_RECEIVER, least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < node->ops.count; i++) {
        uint32_t argc = node->ops.first[i].argc;
        if (argc == node->count)
            return true;
        least = argc < least ? argc : least;
        most = argc > most ? argc : most;
    }
    if (node->ops.first->flags & OP_VARIADIC)
        cel_refuse(c, node, node->offset, node->len, "%.*s() takes at least 1 argument", CEL_QUOTE(node->name));
    else if (least == most)
        cel_refuse(c, node, node->offset, node->len, "%.*s() takes %u argument%s, not %u", CEL_QUOTE(node->name),
                   least - receiver, least - receiver == 1 ? "" : "s", node->count - receiver);
    else
        cel_refuse(c, node, node->offset, node->len, "%.*s() takes %u to %u arguments, not %u", CEL_QUOTE(node->name),
                   least - receiver, most - receiver, node->count - receiver);
    return false;
}

/* The arguments of math.greatest() and math.least(), put into a list. False, and refused, where one is no number. */
static bool check_numbers(struct checker *c, struct tree *node)
{
    const struct tree *list = node->args[0];
    char type[CEL_STYPE_TEXT_SIZE];
    for (uint32_t i = 0; list->kind == TREE_LIST && i < list->count; i++) {
        const struct tree *arg = list->args[i];
        if (arg->kind == TREE_SPREAD || (arg->type.mask & MASK_NUMBER))
            continue;
        cel_refuse(c, node, arg->begin, arg->end - arg->begin, "%.*s() takes numbers, not %s", CEL_QUOTE(node->name),
                   cel_stype_print(arg->type, type));
        return false;
    }
    return true;
}

/* A time zone: looked up here when it is a constant. False, and refused, where there is none of that name. */
static bool check_zone(struct checker *c, struct tree *node)
{
    struct tree *zone = node->args[node->count - 1];
    const char *near;
    cel_zones(); /* read now, not while an event waits */
    if (zone->kind != TREE_CONST || zone->value.type != CEL_STRING || cel_zone_resolve(&zone->value, &near))
        return true;
    int len = (int)cel_quote_len(zone->value.s);
    cel_refuse(c, node, zone->offset, zone->len,
               near ? "unknown time zone `%.*s`; did you mean `%s`?" : "unknown time zone `%.*s`", len,
               zone->value.s.at, near);
    return false;
}

void cel_check_call(struct checker *c, struct tree *node)
{
    struct cel_value values[CEL_ARGS_MAX], out;
    if (!check_count(c, node))
        return;
    if (cel_fails_by_arg(node))
        return;
    if ((node->ops.first[node->ops.count - 1].flags & OP_ZONE) && node->count == 2 && !check_zone(c, node))
        return;
    if ((node->ops.first->flags & OP_VARIADIC) && !check_numbers(c, node))
        return;
    if (!match_overloads(c, node) && c->env->strict) {
        refuse_overload(c, node);
        return;
    }
    if (node->ops.first->call == cel_matches && !cel_check_matches(c, node))
        return;
    if (!cel_all_const(node) || c->call.steps == 0)
        return;
    for (uint32_t i = 0; i < node->count; i++)
        values[i] = node->args[i]->value;
    const struct cel_op *op = cel_ops_pick(node->ops, values, node->count, node->mixed);
    bool good = node->regex ? cel_match(node->regex, &c->call, node->style, values[0], &out)
                : op        ? op->call(&c->call, values, &out)
                            : cel_fail_types(&c->call, node->ops.first->name, node->style, values, node->count);
    cel_finish_fold(c, node, good, good ? out : values[0]);
}
