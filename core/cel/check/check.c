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
#include "core/cel/check/check.h"
#include "core/cel/env.h"
#include "core/cel/check/hint.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/syntax/tree.h"
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

void cel_become(struct tree *node, const struct tree *chosen)
{
    struct tree *up = node->up;
    *node = *chosen;
    node->up = up;
    if (tree_is_strict(node) && node->count > 0)
        node->args[0]->up = node;
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

static const struct scope *find_scope(const struct checker *c, struct vx_span name)
{
    const struct scope *scope = c->scope;
    while (scope && !vx_span_equal(scope->name, name))
        scope = scope->outer;
    return scope;
}

bool cel_is_named(const struct checker *c, struct vx_span name)
{
    return find_scope(c, name) || find_variable(c->env, name);
}

/* True when `node` names what a macro around it binds; it becomes that. */
static bool become_local(struct checker *c, struct tree *node)
{
    const struct scope *scope = node->rooted ? NULL : find_scope(c, node->name);
    if (!scope)
        return false;
    node->type = scope->type;
    if (scope->constant) {
        cel_make_const(node, *scope->constant);
    } else {
        node->kind = TREE_LOCAL;
        node->variable = scope->local;
    }
    return true;
}

/* `a.b.c` may be one name: a macro's comes first, else the longest that is known wins. Returns the node that became it,
 * or NULL. */
static struct tree *find_name(struct checker *c, struct tree *leaf, const struct tree *top)
{
    if (become_local(c, leaf))
        return leaf;
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
        if (node == top || node->up->kind != TREE_SELECT || node->up->optional)
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
    const char *near = NULL, *names[CEL_VARS_MAX + CEL_TYPE_COUNT + 2 * CEL_DEPTH_MAX];
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
    for (const struct scope *scope = c->scope; scope && !node->rooted; scope = scope->outer)
        names[count++] = vx_arena_span(c->arena, scope->name).at;
    near = vx_nearest(node->name, names, count);
    cel_refuse(c, node, node->offset, node->len,
               near ? "unknown variable `%.*s`; did you mean `%s`?" : "unknown variable `%.*s`", CEL_QUOTE(node->name),
               near);
}

/* ---- fields ---- */

static void check_select(struct checker *c, struct tree *node)
{
    const struct tree *inside = node->args[0];
    struct cel_value out;
    char type[CEL_STYPE_TEXT_SIZE];
    if (cel_fails_by_arg(node))
        return;
    struct cel_stype container = inside->type;
    if (container.mask == MASK_OPTIONAL)
        container = cel_stype_inside(container);
    if (!(container.mask & MASK_MAP) && c->env->strict) {
        cel_refuse(c, node, node->offset, node->len, "%s has no field `%.*s`", cel_stype_print(container, type),
                   CEL_QUOTE(node->name));
        return;
    }
    bool has = node->kind == TREE_HAS;
    node->type = has ? cel_stype_of(MASK_BOOL) : cel_type_inside(c, node);
    if (inside->kind == TREE_CONST && c->call.steps > 0) {
        bool good = has              ? cel_has(&c->call, inside->value, node->name, &out)
                    : node->optional ? cel_select_optional(&c->call, inside->value, cel_string_value(node->name), &out)
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
        cel_check_call(c, node);
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
            cel_find_function(c, node);
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
        if (node->kind == TREE_MACRO) {
            cel_check_macro(c, node);
            continue;
        }
        for (uint32_t i = 1; i < node->count && !c->failed; i++)
            cel_check_tree(c, node->args[i]);
        if (c->failed)
            return;
        if (node->kind == TREE_CALL)
            cel_check_call(c, node);
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
