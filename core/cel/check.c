/* The checker: finds out what every name is, which overloads are possible, and what an expression can only give.
 *
 *     names ── types (sets of run-time types) ── overloads ── folding ──> the tree, typed in place
 *
 * Load time, any one thread. Two kinds of findings:
 *  - what cannot mean anything (unknown names, types that fit no overload) is refused where it stands. An environment
 *    that is not strict (test vectors) turns it into a node that fails when it is evaluated.
 *  - what can only fail although its types fit (`1 / 0`, `[1][5]`) becomes such a node in every environment, because
 *    `||`, `&&` and `?:` may still absorb it; only when the whole expression can do nothing but fail it is refused.
 * Folding runs the implementations of the evaluator, within a budget; what exceeds it stays unfolded.
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/base/diag.h"
#include "core/cel/check.h"
#include "core/cel/env.h"
#include "core/cel/hint.h"
#include "core/cel/lexer.h"
#include "core/cel/tree.h"
#include "core/cel/values.h"

enum { FOLD_STEPS_MAX = 65536 };

void cel_make_fail(struct tree *node, const char *message, uint32_t offset, uint32_t len)
{
    node->kind = TREE_FAIL;
    node->message = message;
    node->offset = offset;
    node->len = len;
    node->count = 0;
    node->type = cel_stype_any;
}

void cel_make_const(struct tree *node, struct cel_value value)
{
    node->kind = TREE_CONST;
    node->value = value;
    node->count = 0;
}

void cel_refuse(struct checker *c, struct tree *node, size_t offset, size_t len, const char *fmt, ...)
{
    char message[2 * sizeof c->error->message]; /* cut in cel_error_set(), which knows characters */
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (c->env->strict && !c->failed)
        c->failed = !cel_error_set(c->error, offset, len, "%s", message);
    cel_make_fail(node, c->env->strict ? "" : vx_arena_str(c->arena, message), (uint32_t)offset, (uint32_t)len);
}

void cel_finish_fold(struct checker *c, struct tree *node, bool good, struct cel_value value)
{
    if (good)
        cel_make_const(node, value);
    else if (c->call.steps > 0)
        cel_make_fail(node, cel_failure_text(&c->call.failure, NULL, c->arena), node->offset, node->len);
}

bool cel_all_const(const struct tree *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->args[i]->kind != TREE_CONST)
            return false;
    }
    return true;
}

bool cel_fails_by_arg(struct tree *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const struct tree *arg = node->args[i];
        if (arg->kind == TREE_FAIL) {
            cel_make_fail(node, arg->message, arg->offset, arg->len);
            return true;
        }
    }
    return false;
}

/* ---- names ---- */

/* The variable called `name`, or NULL. */
static const struct cel_variable *find_variable(const struct cel_env *env, struct vx_span name)
{
    for (size_t i = 0; i < env->count; i++) {
        if (vx_span_is(name, env->vars[i].name))
            return &env->vars[i];
    }
    return NULL;
}

/* True when `name` is a variable or a type; `node` becomes it. */
static bool become_name(struct checker *c, struct tree *node, struct vx_span name)
{
    const struct cel_variable *variable = find_variable(c->env, name);
    if (variable) {
        node->kind = TREE_VAR;
        node->count = 0;
        node->variable = (uint8_t)(variable - c->env->vars);
        node->type = variable->type;
        return true;
    }
    for (enum cel_type type = CEL_NULL; type < CEL_TYPE_COUNT; type++) {
        if (vx_span_is(name, cel_type_name(type))) {
            cel_make_const(node, (struct cel_value){.type = CEL_TYPE, .named = (uint8_t)type});
            node->type = cel_stype_of(MASK_TYPE);
            return true;
        }
    }
    return false;
}

/* `a.b.c` may be one name: the longest that is known wins. Returns the node that became it, or NULL. */
static struct tree *find_name(struct checker *c, struct tree *leaf, const struct tree *top)
{
    char name[128];
    size_t len = 0;
    struct tree *found = NULL, *node = leaf;
    struct vx_span best = {0};
    for (;;) {
        if (node->name.len + 1 >= sizeof name - len)
            break;
        if (node != leaf)
            name[len++] = '.';
        memcpy(name + len, node->name.at, node->name.len);
        len += node->name.len;
        struct tree probe = *node;
        if (become_name(c, &probe, vx_span(name, len))) {
            found = node;
            best.len = len;
        }
        if (node == top || node->up->kind != TREE_SELECT)
            break;
        node = node->up;
    }
    if (found)
        become_name(c, found, vx_span(name, best.len));
    return found;
}

static void refuse_name(struct checker *c, struct tree *node)
{
    char hint[CEL_HINT_SIZE];
    size_t from, to;
    const char *near = NULL, *names[CEL_VARS_MAX + CEL_TYPE_COUNT];
    size_t count = 0;
    if (node->begin > 0 && cel_hint_hyphen(c->text, node->begin - 1, hint, &from, &to)) {
        cel_refuse(c, node, from, to - from, "unknown variable `%.*s`: %s", CEL_QUOTE(node->name), hint);
        return;
    }
    if (cel_ops_find(node->name, STYLE_GLOBAL).first || vx_span_is(node->name, "has")) {
        cel_refuse(c, node, node->offset, node->len, "`%.*s` is a function: write %.*s(…)", CEL_QUOTE(node->name),
                   CEL_QUOTE(node->name));
        return;
    }
    for (size_t i = 0; i < c->env->count; i++)
        names[count++] = c->env->vars[i].name;
    for (enum cel_type type = CEL_NULL; type < CEL_TYPE_COUNT; type++)
        names[count++] = cel_type_name(type);
    near = vx_nearest(node->name, names, count);
    cel_refuse(c, node, node->offset, node->len,
               near ? "unknown variable `%.*s`; did you mean `%s`?" : "unknown variable `%.*s`", CEL_QUOTE(node->name),
               near);
}

/* ---- functions and operators ---- */

/* Finds the overloads of a call's name; refuses a name that is unknown. */
static void find_function(struct checker *c, struct tree *node)
{
    enum cel_style other = node->style == STYLE_GLOBAL ? STYLE_RECEIVER : STYLE_GLOBAL;
    int len = (int)cel_quote_len(node->name);
    const char *name = node->name.at;
    node->ops = cel_ops_find(node->name, node->style);
    if (node->ops.first && node->ops.first->call)
        return;
    const char *near = cel_ops_nearest(node->name, node->style);
    if (node->ops.first)
        cel_refuse(c, node, node->offset, node->len, "%.*s() is not supported yet", len, name);
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

static void refuse_overload(struct checker *c, struct tree *node)
{
    char texts[CEL_ARGS_MAX][CEL_STYPE_TEXT_SIZE], call[CEL_CALL_TEXT_SIZE], hint[CEL_HINT_SIZE], name[32];
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
    bool numbers = node->style == STYLE_INFIX && !(masks & ~(uint32_t)MASK_NUMBER);
    cel_refuse(c, node, node->offset, node->len, "no matching overload for %s%s", call,
               numbers && node->name.at[0] != '%' ? "; convert one side with int(), uint() or double()" : "");
}

/* False for what overloads cannot say: `"a" == 1` and `"a" in [1]` can never be true. */
static bool may_match(const struct tree *node)
{
    struct cel_stype a = node->args[0]->type;
    if (node->style != STYLE_INFIX)
        return true;
    struct cel_stype b = node->args[1]->type;
    if (vx_span_is(node->name, "==") || vx_span_is(node->name, "!="))
        return cel_stype_comparable(a, b);
    if (!vx_span_is(node->name, "in") || b.dyn)
        return true;
    const struct cel_stype *inside = b.mask & MASK_MAP ? b.key : b.elem;
    return !inside || cel_stype_comparable(a, *inside);
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
    node->exact = possible == 1 && certain;
    if (possible == 1)
        node->ops = (struct cel_ops){only, 1};
    node->type = cel_stype_of(result);
    if (only->flags & OP_ARITH)
        node->type.dyn = dyn;
    if (node->style == STYLE_INDEX) {
        node->type = cel_stype_inside(node->args[0]->type);
    } else if ((result & MASK_LIST) && result != MASK_ANY) {
        struct cel_stype joined = cel_stype_join(c->arena, node->args[0]->type, node->args[1]->type);
        node->type.elem = joined.elem;
        node->type.key = joined.key;
    }
    return true;
}

static void check_call(struct checker *c, struct tree *node)
{
    struct cel_value values[CEL_ARGS_MAX], out;
    uint32_t wanted = node->ops.first->argc, receiver = node->style == STYLE_RECEIVER;
    if (node->count != wanted) {
        cel_refuse(c, node, node->offset, node->len, "%.*s() takes %u argument%s, not %u", CEL_QUOTE(node->name),
                   wanted - receiver, wanted - receiver == 1 ? "" : "s", node->count - receiver);
        return;
    }
    if (cel_fails_by_arg(node))
        return;
    if (!match_overloads(c, node) && c->env->strict) {
        refuse_overload(c, node);
        return;
    }
    if (!cel_all_const(node) || c->call.steps == 0)
        return;
    for (uint32_t i = 0; i < node->count; i++)
        values[i] = node->args[i]->value;
    const struct cel_op *op = cel_ops_pick(node->ops, values, node->mixed);
    bool good = op ? op->call(&c->call, values, &out)
                   : cel_fail_types(&c->call, node->ops.first->name, node->style, values, node->count);
    cel_finish_fold(c, node, good, good ? out : values[0]);
}

/* ---- fields ---- */

static void check_select(struct checker *c, struct tree *node)
{
    const struct tree *inside = node->args[0];
    struct cel_value out;
    char type[CEL_STYPE_TEXT_SIZE];
    if (cel_fails_by_arg(node))
        return;
    if (!(inside->type.mask & MASK_MAP) && c->env->strict) {
        cel_refuse(c, node, node->offset, node->len, "%s has no field `%.*s`", cel_stype_print(inside->type, type),
                   CEL_QUOTE(node->name));
        return;
    }
    bool has = node->kind == TREE_HAS;
    node->type = has ? cel_stype_of(MASK_BOOL) : cel_stype_inside(inside->type);
    if (inside->kind == TREE_CONST && c->call.steps > 0) {
        bool good = has ? cel_has(&c->call, inside->value, node->name, &out)
                        : cel_select(&c->call, inside->value, node->name, &out);
        cel_finish_fold(c, node, good, good ? out : inside->value);
    }
}

static void check_leaf(struct checker *c, struct tree *node)
{
    switch (node->kind) {
    case TREE_CONST:
        node->type = cel_stype_of((uint32_t)(1u << node->value.type));
        break;
    case TREE_NAME:
        refuse_name(c, node);
        break;
    case TREE_CALL: /* of no arguments */
        check_call(c, node);
        break;
    case TREE_AND:
    case TREE_OR:
        cel_check_logic(c, node);
        break;
    case TREE_COND:
        cel_check_cond(c, node);
        break;
    case TREE_LIST:
        cel_check_list(c, node);
        break;
    case TREE_MAP:
        cel_check_map(c, node);
        break;
    default:
        break;
    }
}

/* Down the spine of first arguments in a loop, then up again, checking the other arguments on the way. */
void cel_check_tree(struct checker *c, struct tree *top)
{
    struct tree *node = top, *named = NULL;
    top->up = NULL;
    while (tree_is_strict(node) && !c->failed) {
        if (node->kind == TREE_CALL)
            find_function(c, node);
        if (node->count == 0)
            break;
        node->args[0]->up = node;
        node = node->args[0];
    }
    if (!c->failed && node->kind == TREE_NAME)
        named = find_name(c, node, top);
    if (named)
        node = named;
    else if (!c->failed)
        check_leaf(c, node);
    while (node != top && !c->failed) {
        node = node->up;
        for (uint32_t i = 1; i < node->count && !c->failed; i++)
            cel_check_tree(c, node->args[i]);
        if (c->failed)
            return;
        if (node->kind == TREE_CALL)
            check_call(c, node);
        else
            check_select(c, node);
    }
}

bool cel_check(struct vx_arena *arena, struct vx_span text, const struct cel_env *env, struct tree *root,
               struct cel_error *error)
{
    struct checker c = {.arena = arena,
                        .text = text,
                        .env = env,
                        .error = error,
                        .call = {.arena = arena, .steps = env->unfolded ? 0 : FOLD_STEPS_MAX}};
    cel_check_tree(&c, root);
    if (!c.failed && root->kind == TREE_FAIL && env->strict)
        c.failed = !cel_error_set(error, root->offset, root->len, "%s", root->message);
    return !c.failed;
}
