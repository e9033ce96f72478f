/* Which fields of the event an expression names, and where. Load-time only; any one thread.
 *
 * The longest constant path counts: of `event.user["x y"].tags.exists(t, t == 1)` it is event.user["x y"].tags. Walks go
 * down the spine in a loop and recurse into the rest, as tree.h asks for.
 */
#include "core/cel/env.h"
#include "core/cel/syntax/tree.h"

enum { FIELD_STEPS_MAX = 64 /* of one path; longer ones are cut */ };

struct walk {
    cel_fields_fn *use;
    void *ctx;
};

/* The step that a node makes from its first argument; false where it makes none that is constant. */
static bool step_of(const struct tree *node, struct json_step *step)
{
    if (node->kind == TREE_SELECT || node->kind == TREE_HAS) {
        *step = (struct json_step){.key = node->name};
        return true;
    }
    const struct tree *key = node->kind == TREE_CALL && node->style == STYLE_INDEX ? node->args[1] : NULL;
    if (!key || key->kind != TREE_CONST)
        return false;
    if (key->value.type == CEL_STRING)
        *step = (struct json_step){.key = key->value.s};
    else
        *step = (struct json_step){.index = (uint32_t)key->value.u, .is_index = true};
    return key->value.type == CEL_STRING ||
           ((key->value.type == CEL_INT || key->value.type == CEL_UINT) && key->value.u < UINT32_MAX);
}

/* Is `node` a path of the event and nothing else? Then it is told. */
static bool tell_path(const struct walk *walk, const struct tree *node)
{
    struct json_step steps[FIELD_STEPS_MAX];
    size_t count = 0;
    const struct tree *leaf = node;
    struct json_step step;
    while (step_of(leaf, &step)) {
        leaf = leaf->args[0];
        count++;
    }
    if (leaf->kind != TREE_VAR || leaf->variable != CEL_VAR_EVENT || count == 0)
        return false;
    const struct tree *last = node;
    for (; count > FIELD_STEPS_MAX; count--)
        last = last->args[0];
    for (const struct tree *at = last; at != leaf; at = at->args[0])
        step_of(at, &steps[--count]);
    for (const struct tree *at = last; at != leaf; at = at->args[0])
        count++;
    walk->use(walk->ctx, (struct json_path){steps, count}, last->offset, last->len);
    return true;
}

static void visit(const struct walk *walk, const struct tree *node)
{
    while (!tell_path(walk, node)) {
        for (uint32_t i = tree_is_strict(node) ? 1 : 0; i < node->count; i++)
            visit(walk, node->args[i]);
        if (!tree_is_strict(node) || node->count == 0)
            return;
        node = node->args[0];
    }
}

void cel_expr_fields(const struct cel_expr *expr, cel_fields_fn *use, void *ctx)
{
    struct walk walk = {use, ctx};
    if (expr->env->is_event)
        visit(&walk, expr->root);
}
