/* The checker's other half: what has no overloads. && || ?: need not all their arguments, so one that can only fail does
 * not make them fail; lists and maps take their type from what they hold.
 *
 * Load time, any one thread; called by the walk in check.c, and calls it for every argument.
 */
#include "core/cel/check/check.h"
#include "core/cel/env.h"
#include "core/cel/values.h"

void cel_check_bool(struct checker *c, struct tree *arg, const char *what)
{
    char type[CEL_STYPE_TEXT_SIZE];
    if (arg->kind == TREE_FAIL)
        return;
    if (!(arg->type.mask & MASK_BOOL))
        cel_refuse(c, arg, arg->begin, arg->end - arg->begin, "%s must be bool, not %s", what,
                   cel_stype_print(arg->type, type));
    else if (arg->kind == TREE_CONST && arg->value.type != CEL_BOOL)
        cel_make_fail(arg, vx_arena_printf(c->arena, "%s must be bool, not %s", what, cel_type_short(arg->value.type)),
                      arg->offset, arg->len);
}

/* Drops what decides nothing, keeps what may; false operands end an AND, true ones an OR. */
void cel_check_logic(struct checker *c, struct tree *node)
{
    bool is_or = node->kind == TREE_OR, decided = false;
    uint32_t kept = 0, failing = 0;
    for (uint32_t i = 0; i < node->count && !c->failed; i++) {
        struct tree *arg = node->args[i];
        cel_check_tree(c, arg);
        if (!c->failed)
            cel_check_bool(c, arg, is_or ? "an operand of `||`" : "an operand of `&&`");
        if (arg->kind == TREE_CONST)
            decided |= arg->value.boolean == is_or;
        else
            node->args[kept++] = arg;
        failing += arg->kind == TREE_FAIL;
    }
    if (c->failed)
        return;
    node->count = kept;
    node->type = cel_stype_of(MASK_BOOL);
    if (decided || kept == 0)
        cel_make_const(node, (struct cel_value){.type = CEL_BOOL, .boolean = decided == is_or});
    else if (failing == kept)
        cel_fails_by_arg(node);
}

void cel_check_cond(struct checker *c, struct tree *node)
{
    for (uint32_t i = 0; i < 3 && !c->failed; i++) {
        cel_check_tree(c, node->args[i]);
        if (i == 0 && !c->failed)
            cel_check_bool(c, node->args[0], "the condition of `? :`");
    }
    if (c->failed)
        return;
    struct tree *cond = node->args[0], *yes = node->args[1], *no = node->args[2];
    node->type = cel_stype_join(c->arena, yes->type, no->type);
    if (cond->kind == TREE_FAIL || (yes->kind == TREE_FAIL && no->kind == TREE_FAIL && cond->kind != TREE_CONST)) {
        cel_fails_by_arg(node);
    } else if (cond->kind == TREE_CONST) {
        cel_become(node, cond->value.boolean ? yes : no);
    }
}

/* `?x` inside a list or a map: its type is what x holds. */
static void check_spread(struct checker *c, struct tree *node)
{
    struct tree *arg = node->args[0];
    char type[CEL_STYPE_TEXT_SIZE];
    cel_check_tree(c, arg);
    if (c->failed || cel_fails_by_arg(node))
        return;
    node->type = cel_stype_inside(arg->type);
    if (c->env->strict && !(arg->type.mask & MASK_OPTIONAL))
        cel_refuse(c, node, arg->begin, arg->end - arg->begin, "what follows `?` here must be an optional, not %s",
                   cel_stype_print(arg->type, type));
}

/* An element of a list, or a key or a value of a map. */
static void check_item(struct checker *c, struct tree *item)
{
    if (item->kind == TREE_SPREAD)
        check_spread(c, item);
    else
        cel_check_tree(c, item);
}

void cel_check_list(struct checker *c, struct tree *node)
{
    struct cel_stype *elem = VX_ARENA_NEW(c->arena, struct cel_stype);
    for (uint32_t i = 0; i < node->count && !c->failed; i++) {
        check_item(c, node->args[i]);
        *elem = i == 0 ? node->args[0]->type : cel_stype_join(c->arena, *elem, node->args[i]->type);
    }
    if (elem->mask & (elem->mask - 1)) /* of several types: CEL says dyn */
        elem->dyn = true;
    node->type = (struct cel_stype){.mask = MASK_LIST, .elem = node->count ? elem : NULL};
    if (c->failed || cel_fails_by_arg(node) || !cel_all_const(node) || c->call.steps == 0)
        return;
    struct cel_value *cells = VX_ARENA_ARRAY(c->arena, struct cel_value, node->count), list = {0};
    for (uint32_t i = 0; i < node->count; i++)
        cells[i] = node->args[i]->value;
    cel_finish_fold(c, node, cel_make_list(&c->call, cells, node->count, &list), list);
}

static void check_map_key(struct checker *c, struct tree *key)
{
    char type[CEL_STYPE_TEXT_SIZE];
    if (!c->failed && c->env->strict && key->kind != TREE_FAIL && !(key->type.mask & MASK_KEY))
        cel_refuse(c, key, key->begin, key->end - key->begin,
                   "a key of a map must be bool, int, uint or string, not %s", cel_stype_print(key->type, type));
}

void cel_check_map(struct checker *c, struct tree *node)
{
    struct cel_stype *types = VX_ARENA_ARRAY(c->arena, struct cel_stype, 2); /* of keys, of values */
    bool const_keys = true;
    for (uint32_t i = 0; i < node->count && !c->failed; i++) {
        struct cel_stype *type = &types[i % 2];
        check_item(c, node->args[i]);
        if (i % 2 == 0)
            check_map_key(c, node->args[i]);
        const_keys &= i % 2 ? node->args[i]->kind != TREE_SPREAD : node->args[i]->kind == TREE_CONST;
        *type = i < 2 ? node->args[i]->type : cel_stype_join(c->arena, *type, node->args[i]->type);
        type->dyn |= (type->mask & (type->mask - 1)) != 0;
    }
    node->type = (struct cel_stype){.mask = MASK_MAP};
    if (node->count > 0)
        node->type.key = &types[0], node->type.elem = &types[1];
    if (c->failed || cel_fails_by_arg(node) || !const_keys || c->call.steps == 0)
        return;
    struct cel_entry *entries = VX_ARENA_ARRAY(c->arena, struct cel_entry, node->count / 2);
    bool constant = cel_all_const(node);
    for (uint32_t i = 0; i < node->count; i += 2) {
        entries[i / 2].key = node->args[i]->value;
        if (constant)
            entries[i / 2].value = node->args[i + 1]->value;
    }
    struct cel_value map = {0};
    bool good = cel_make_map(&c->call, entries, node->count / 2, &map);
    if (constant || !good) /* with keys alone: only whether one is repeated */
        cel_finish_fold(c, node, good, map);
}
