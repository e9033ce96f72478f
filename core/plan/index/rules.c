/* Which rules stand in which index, and which indexes in which group. The thread that builds the table.
 *
 *     first ── rules … ── hands all that is left to ──> second ── rules … ──> …
 *     │   └────────────── one index ──────────────────────────────────┘
 *     └── a rule hands what it takes to ──> third: an index of its own, in the same group
 *
 * A rule without a condition that hands over ends a routing: what follows is the other one's rules, as if they stood there.
 * One search then answers for both (index_known). Routes that a rule leads from one to the other, whatever its condition,
 * are a group.
 */
#include <stdlib.h>

#include "core/plan/index/build.h"

/* What is known of a route before there are indexes. */
struct reach {
    uint32_t ways;  /* that lead to it: topics, and rules that hand over */
    uint32_t group; /* the first route of its group */
    uint32_t next;  /* one more of the group, + 1; 0: the last */
    uint32_t rules; /* of the group; by its first route */
    bool covered;   /* it stands in the index of the one that hands on to it */
};

/* The rule by which `route` hands on to a route that events reach on no other way, or NULL: else that one would stand in
 * several indexes. */
static const struct rule *followed(const struct table *t, const struct reach *reach, const struct route *route)
{
    const struct rule *over = match_hands_on(route);
    return over && reach[over->action.route - t->routes].ways == 1 ? over : NULL;
}

static uint32_t group_of(struct reach *reach, uint32_t route)
{
    while (reach[route].group != route)
        route = reach[route].group = reach[reach[route].group].group;
    return route;
}

static struct reach *reach_of(const struct table *t)
{
    struct reach *reach = calloc(t->route_count + 1, sizeof *reach);
    vx_assert(reach != NULL);
    for (uint32_t i = 0; i < t->route_count; i++)
        reach[i] = (struct reach){.ways = t->routes[i].has_topics, .group = i};
    for (uint32_t i = 0; i < t->route_count; i++) {
        for (size_t k = 0; k < t->routes[i].rule_count; k++) {
            const struct action *action = &t->routes[i].rules[k].action;
            if (action->kind != ACTION_HAND_OVER)
                continue;
            uint32_t to = (uint32_t)(action->route - t->routes), a = group_of(reach, i), b = group_of(reach, to);
            reach[to].ways++;
            reach[a > b ? a : b].group = a > b ? b : a;
        }
    }
    for (uint32_t i = (uint32_t)t->route_count; i-- > 0;) {
        const struct rule *over = followed(t, reach, &t->routes[i]);
        struct reach *first = &reach[group_of(reach, i)];
        if (over)
            reach[over->action.route - t->routes].covered = true;
        first->rules += (uint32_t)t->routes[i].rule_count;
        if (first == &reach[i])
            continue;
        reach[i].next = first->next;
        first->next = i + 1;
    }
    return reach;
}

/* Adds an index of the rules of `entry` and of what it hands on to. */
static void take_rules(struct index_builder *b, const struct reach *reach, struct route *entry)
{
    const struct table *t = b->c->table;
    struct match_index *index = VX_ARENA_NEW(b->arena, struct match_index);
    INDEX_VEC(struct index_part) parts = {0};
    *INDEX_VEC_MORE(&b->indexes) = (struct collected_index){.index = index, .rules_at = b->rules.count};
    for (const struct route *route = entry; route;) {
        const struct rule *over = followed(t, reach, route);
        const struct config_routing *from = &b->c->set->routings[route - t->routes];
        struct index_part part = {route, index->rule_count, (uint32_t)route->rule_count, over};
        if (over)
            part.count = (uint32_t)(over - route->rules);
        for (uint32_t i = 0; i < part.count; i++) {
            const struct rule *rule = &route->rules[i];
            *INDEX_VEC_MORE(&b->rules) =
                (struct collected_rule){.compiled = rule, .from = &from->rules[rule->number - route->first_rule]};
        }
        *INDEX_VEC_MORE(&parts) = part;
        index->rule_count += part.count;
        route = over ? over->action.route : NULL;
    }
    struct index_part *kept = VX_ARENA_ARRAY(b->arena, struct index_part, parts.count);
    memcpy(kept, parts.at, parts.count * sizeof *kept);
    free(parts.at);
    index->route = entry;
    index->parts = kept;
    index->part_count = parts.count;
    entry->index = index;
}

void match_indexes_make(struct compiler *c)
{
    struct table *t = c->table;
    struct reach *reach = reach_of(t);
    for (uint32_t i = 0; i < t->route_count; i++) {
        struct index_builder b = {.c = c, .arena = &t->indexes};
        if (group_of(reach, i) != i || reach[i].rules < INDEX_RULES_MIN)
            continue;
        for (uint32_t of = i + 1; of > 0; of = reach[of - 1].next) {
            if (!reach[of - 1].covered)
                take_rules(&b, reach, &t->routes[of - 1]);
        }
        index_group_make(&b);
    }
    free(reach);
}
