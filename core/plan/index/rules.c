/* Which rules stand in which index. The thread that builds the table.
 *
 *     first ── rules … ── hands all that is left to ──> second ── rules … ──> …
 *     └────────────── one index ──────────────────────────────────┘
 *
 * A rule without a condition that hands over ends a routing: what follows is the other one's rules, as if they stood there.
 * One search then answers for both (index_known).
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

/* The rule by which `route` hands on to a route that events reach on no other way, or NULL. `ways`: by route, how many
 * there are. */
static const struct rule *followed(const struct table *t, const uint32_t *ways, const struct route *route)
{
    const struct rule *over = match_hands_on(route);
    return over && ways[over->action.route - t->routes] == 1 ? over : NULL;
}

/* Notes the rules of `entry` and of what it hands on to. */
void index_take_rules(struct index_builder *b, const uint32_t *ways, const struct route *entry)
{
    struct match_index *index = b->index;
    const struct table *t = b->c->table;
    INDEX_VEC(struct index_part) parts = {0};
    for (const struct route *route = entry; route;) {
        const struct rule *over = followed(t, ways, route);
        struct index_part part = {route, index->rule_count, (uint32_t)route->rule_count, over};
        if (over)
            part.count = (uint32_t)(over - route->rules);
        *INDEX_VEC_MORE(&parts) = part;
        index->rule_count += part.count;
        route = over ? over->action.route : NULL;
    }
    b->compiled = calloc(index->rule_count + 1, sizeof *b->compiled);
    b->from = calloc(index->rule_count + 1, sizeof *b->from);
    vx_assert(b->compiled != NULL && b->from != NULL);
    for (uint32_t i = 0; i < parts.count; i++) {
        const struct route *route = parts.at[i].route;
        const struct config_routing *from = &b->c->set->routings[route - t->routes];
        for (uint32_t k = 0; k < parts.at[i].count; k++) {
            const struct rule *rule = &route->rules[k];
            b->compiled[parts.at[i].first + k] = rule;
            b->from[parts.at[i].first + k] = &from->rules[rule->number - route->first_rule];
        }
    }
    index->part_count = parts.count;
    struct index_part *kept = VX_ARENA_ARRAY(&index->arena, struct index_part, parts.count);
    memcpy(kept, parts.at, parts.count * sizeof *kept);
    free(parts.at);
    index->parts = kept;
}

/* A route is searched with the one that hands on to it, unless events come to it on another way too: then it would stand
 * in several indexes. */
void match_indexes_make(struct compiler *c)
{
    struct table *t = c->table;
    uint32_t *ways = calloc(t->route_count + 1, sizeof *ways);
    vx_assert(ways != NULL);
    for (size_t i = 0; i < t->route_count; i++) {
        const struct route *route = &t->routes[i];
        ways[i] += route->has_topics;
        for (size_t k = 0; k < route->rule_count; k++) {
            if (route->rules[k].action.kind == ACTION_HAND_OVER)
                ways[route->rules[k].action.route - t->routes]++;
        }
    }
    bool *covered = calloc(t->route_count + 1, sizeof *covered);
    vx_assert(covered != NULL);
    for (size_t i = 0; i < t->route_count; i++) {
        const struct rule *over = followed(t, ways, &t->routes[i]);
        if (over)
            covered[over->action.route - t->routes] = true;
    }
    for (size_t i = 0; i < t->route_count; i++) {
        if (!covered[i])
            t->routes[i].index = index_make(c, ways, &t->routes[i]);
    }
    free(covered);
    free(ways);
}
