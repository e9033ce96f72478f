/* Rules that can never match because an earlier one covers them, where that can be proved: warnings, for order decides
 * and somebody may be in the middle of a change. Load-time only; any one thread.
 */
#include "core/base/hash.h"
#include "core/config/check.h"

/* True when the condition folds to the constant `value`. */
static bool always(const struct config_rule *rule, bool value)
{
    if (!rule->when.cel)
        return value && !rule->when.node;
    const struct cel_value *constant = cel_expr_constant(rule->when.cel);
    return constant && constant->type == CEL_BOOL && constant->boolean == value;
}

static const struct config_node *name_node(const struct config_rule *rule)
{
    return config_node_find(rule->node, "name");
}

static void check_routing(struct loader *l, const struct config_routing *routing)
{
    size_t room = 16;
    while (room < routing->rule_count * 2)
        room *= 2;
    const struct config_rule **table = VX_ARENA_ARRAY(l->arena, const struct config_rule *, room);
    struct vx_span *texts = VX_ARENA_ARRAY(l->arena, struct vx_span, room);
    for (size_t i = 0; i < routing->rule_count; i++) {
        const struct config_rule *rule = &routing->rules[i];
        if (!rule->enabled)
            continue;
        if (always(rule, false)) {
            load_warning(l, name_node(rule), "rule `%s` can never match: its condition is always false", rule->name);
            continue;
        }
        struct vx_span text = config_expr_canonical(l->arena, rule->when.text);
        if (always(rule, true)) {
            if (i + 1 < routing->rule_count)
                load_warning(l, name_node(&routing->rules[i + 1]),
                             "this rule and all behind it can never match: rule `%s` (line %d) matches every event",
                             rule->name, name_node(rule)->line);
            return;
        }
        size_t at = vx_hash64(text) & (room - 1);
        while (table[at] && !vx_span_equal(texts[at], text))
            at = (at + 1) & (room - 1);
        if (table[at])
            load_warning(l, name_node(rule), "rule `%s` can never match: rule `%s` (line %d) has the same condition",
                         rule->name, table[at]->name, name_node(table[at])->line);
        else
            table[at] = rule;
        texts[at] = text;
    }
}

void check_rules(struct loader *l, const struct config_set *set)
{
    for (size_t i = 0; i < set->routing_count; i++)
        check_routing(l, &set->routings[i]);
}
