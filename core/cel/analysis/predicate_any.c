/* Conditions on elements of lists, as predicates. Load time, any one thread; see predicate.c.
 *
 * list.exists(x, body): T of it is "T(body) for some element" (failures of others are absorbed, as by ||), and "some" goes
 * into an || but not into an &&. So the form of an && is only necessary: then `exact` is false, and the macro itself is
 * asked too. The same for whatever is not understood, which stands for "true". */
#include "core/cel/analysis/analysis.h"

struct any {
    struct analysis *a;
    struct cel_place list;
    struct json_step steps[ANALYSIS_STEPS_MAX]; /* from the list to where the body is */
    size_t count;
    bool exact;
};

static const struct formula *any_form(struct any *any, const struct tree *body, uint8_t local, bool negated);

/* Adds the steps from the element `local` to `node`, behind any->count; false when it is more than a path. */
static bool local_path(struct any *any, const struct tree *node, uint8_t local, size_t *count)
{
    struct json_step step;
    const struct tree *leaf = node;
    size_t n = 0;
    for (; place_step(leaf, &step); leaf = leaf->args[0])
        n++;
    if (leaf->kind != TREE_LOCAL || leaf->variable != local || any->count + n >= ANALYSIS_STEPS_MAX)
        return false;
    *count = any->count + n;
    for (; n > 0; node = node->args[0])
        place_step(node, &any->steps[any->count + --n]);
    return true;
}

static struct cel_place place_any(struct any *any, size_t steps)
{
    struct cel_place place = any->list;
    struct json_step *inner = VX_ARENA_ARRAY(any->a->arena, struct json_step, steps);
    memcpy(inner, any->steps, steps * sizeof *inner);
    place.inner = (struct json_path){inner, steps};
    return place;
}

static const struct formula *leaf_any(struct any *any, size_t steps, const struct cel_key *keys, uint32_t count)
{
    struct cel_place place = place_any(any, steps);
    return formula_keys(any->a, CEL_PREDICATE_IN, false, &place, keys, count);
}

/* x.f == c, x.f < c and its kin, x.f in [c…]. NULL: something else. */
static const struct formula *any_compared(struct any *any, const struct tree *body, uint8_t local, bool negated)
{
    struct cel_key key;
    enum cel_test test;
    size_t steps;
    bool flip = body->args[0]->kind == TREE_CONST, in = vx_span_is(body->name, "in");
    const struct tree *place = body->args[flip], *other = body->args[!flip];
    if (other->kind != TREE_CONST || !local_path(any, place, local, &steps))
        return NULL;
    if (in && !flip && !negated && other->value.type == CEL_LIST) {
        size_t count = other->value.list.count;
        struct cel_key *keys = VX_ARENA_ARRAY(any->a->arena, struct cel_key, count);
        for (size_t i = 0; i < count; i++) {
            if (!place_key(&other->value.list.at[i], false, &keys[i]))
                return NULL;
        }
        return leaf_any(any, steps, keys, cel_keys_sort(keys, (uint32_t)count));
    }
    if (!comparison_test(body, flip, negated, &test) || test == TEST_NE || !place_key(&other->value, false, &key))
        return NULL;
    if (test == TEST_EQ)
        return leaf_any(any, steps, &key, 1);
    if (key.kind != CEL_KEY_NUMBER && key.kind != CEL_KEY_STRING)
        return NULL;
    struct cel_place inner = place_any(any, steps);
    return formula_range(any->a, &inner, test, key);
}

bool formula_is_exists(const struct tree *tree)
{
    return tree->kind == TREE_MACRO && tree->use->macro->kind == MACRO_EXISTS && tree->use->macro->var_count == 1;
}

static const struct formula *any_inside(struct any *any, const struct tree *macro, uint8_t local)
{
    const size_t before = any->count;
    size_t steps;
    if (!local_path(any, macro->args[0], local, &steps) || steps + 1 >= ANALYSIS_STEPS_MAX)
        return NULL;
    any->count = steps;
    any->steps[any->count++] = (struct json_step){.index = UINT32_MAX, .is_index = true};
    const struct formula *f = any_form(any, macro->args[1], macro->use->local, false);
    any->count = before;
    return f;
}

static const struct formula *any_form(struct any *any, const struct tree *body, uint8_t local, bool negated)
{
    const struct formula *f = NULL;
    struct cel_key key = {.kind = negated ? CEL_KEY_FALSE : CEL_KEY_TRUE};
    size_t steps;
    if (any->a->nodes++ >= ANALYSIS_NODES_MAX) {
        any->exact = false;
        return formula_constant(any->a, true);
    }
    if (body->kind == TREE_AND || body->kind == TREE_OR) {
        bool is_or = (body->kind == TREE_OR) != negated;
        struct formula *all = formula_new(any->a, is_or ? FORMULA_OR : FORMULA_AND);
        all->args = VX_ARENA_ARRAY(any->a->arena, const struct formula *, body->count);
        for (uint32_t i = 0; i < body->count; i++)
            all->args[all->count++] = any_form(any, body->args[i], local, negated);
        any->exact &= is_or;
        formula_join_sets(any->a->arena, all);
        return all;
    }
    if (body->kind == TREE_CALL && body->style == STYLE_PREFIX && vx_span_is(body->name, "!") &&
        any->a->depth < ANALYSIS_DEPTH_MAX)
        return any_form(any, body->args[0], local, !negated);
    if (body->kind == TREE_CALL && body->style == STYLE_INFIX)
        f = any_compared(any, body, local, negated);
    else if (formula_is_exists(body) && !negated)
        f = any_inside(any, body, local);
    else if (body->kind != TREE_HAS && local_path(any, body, local, &steps))
        f = leaf_any(any, steps, &key, 1);
    if (f)
        return f;
    any->exact = false;
    return formula_constant(any->a, true);
}

const struct formula *formula_exists(struct analysis *a, const struct tree *macro)
{
    struct any any = {.a = a, .exact = true, .count = 1, .steps = {{.index = UINT32_MAX, .is_index = true}}};
    if (!place_of(a, macro->args[0], &any.list) || any.list.kind != CEL_PLACE_FIELD || any.list.lower)
        return formula_expr(a, macro, false);
    const struct formula *f = any_form(&any, macro->args[1], macro->use->local, false);
    if (any.exact)
        return f;
    return f->kind == FORMULA_TRUE ? formula_expr(a, macro, false)
                                   : formula_pair(a, FORMULA_AND, f, formula_expr(a, macro, false));
}
