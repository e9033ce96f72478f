/* An expression: text, parsed and checked. Load time, any one thread; immutable afterwards; lives in the caller's
 * arena. */
#include "core/cel/cel.h"
#include "core/cel/check/cost.h"
#include "core/cel/env.h"
#include "core/cel/syntax/tree.h"

/* The variables that are left after folding: `false && event.x` reads nothing. */
static uint64_t find_reads(const struct tree *node)
{
    uint64_t reads = 0;
    for (;;) {
        if (node->kind == TREE_VAR)
            reads |= 1ull << node->variable;
        for (uint32_t i = 1; i < node->count; i++)
            reads |= find_reads(node->args[i]);
        if (node->count == 0)
            return reads;
        node = node->args[0];
    }
}

enum vx_status cel_parse(struct vx_arena *arena, struct vx_span text, const struct cel_env *env,
                         const struct cel_expr **out, struct cel_error *error)
{
    struct cel_error ignored;
    error = error ? error : &ignored;
    text = vx_arena_span(arena, vx_span(text.at ? text.at : "", text.len));
    struct tree *root = cel_parse_tree(arena, text, error);
    if (!root || !cel_check(arena, text, env, root, error))
        return VX_EINVAL;
    struct cel_expr *expr = VX_ARENA_NEW(arena, struct cel_expr);
    *expr =
        (struct cel_expr){.text = text, .env = env->base ? env->base : env, .root = root, .reads = find_reads(root)};
    if (!cel_cost_check(root, env, &expr->cost, error))
        return VX_EINVAL;
    *out = expr;
    return VX_OK;
}

enum cel_type cel_expr_type(const struct cel_expr *expr)
{
    return cel_stype_single(expr->root->type);
}

bool cel_expr_may_be(const struct cel_expr *expr, enum cel_type type)
{
    return expr->root->type.mask >> type & 1;
}

bool cel_env_reads(const struct cel_env *env, uint64_t reads, const char *name)
{
    for (size_t i = 0; i < env->count; i++) {
        if (strcmp(env->vars[i].name, name) == 0)
            return reads >> i & 1;
    }
    return false;
}

bool cel_expr_reads(const struct cel_expr *expr, const char *name)
{
    return cel_env_reads(expr->env, expr->reads, name);
}

uint64_t cel_expr_cost(const struct cel_expr *expr)
{
    return expr->cost;
}

const struct cel_value *cel_expr_constant(const struct cel_expr *expr)
{
    return expr->root->kind == TREE_CONST ? &expr->root->value : NULL;
}
