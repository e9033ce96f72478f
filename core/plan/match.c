/* Which rule takes an event. A worker's thread; cost: one evaluation per rule up to the one that matches.
 *
 * This is the one place that knows how rules are searched: the plain loop is the definition, and whatever finds the same
 * rule faster may replace it.
 */
#include "core/plan/compiled.h"

const struct rule *match(const struct route *route, struct cel_frame *frame, uint32_t *failed)
{
    for (size_t i = 0; i < route->rule_count; i++) {
        const struct rule *rule = &route->rules[i];
        bool broke = false;
        if (!rule->when || cel_test(rule->when, frame, &broke))
            return rule;
        *failed += broke;
    }
    return &route->otherwise;
}
