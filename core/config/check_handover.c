/* Hand-overs: rules whose events another routing's rules decide. Such a routing has no topics and does not hand back, so
 * the ways from a routing make a graph without cycles; its depth and the rules that one event may meet are bounded here.
 * One depth-first walk. Load-time only; any one thread.
 */
#include "core/config/check.h"

enum colour { WHITE, GREY, BLACK };

struct walk {
    struct loader *l;
    const struct config_set *set;
    const char **names; /* of all routings */
    uint8_t *colour;    /* by index of the routing, as all below */
    bool *reached;      /* some rule hands over to it */
    uint16_t *depth;    /* routings in the longest chain that begins here */
    uint64_t *visits;   /* rules that an event meets at most, from here on; beyond the limit: any number beyond */
    uint32_t *path;     /* the chain being walked */
    size_t path_count;
};

static bool has_topics(const struct config_routing *routing)
{
    return config_node_find(routing->node, "topics") != NULL;
}

/* "`a` → `b` → `a`", from where the chain first met `target`. */
static void print_cycle(const struct walk *w, uint32_t target, struct vx_buf *out)
{
    size_t i = 0;
    while (w->path[i] != target)
        i++;
    for (; i < w->path_count; i++)
        vx_buf_printf(out, "`%s` → ", w->set->routings[w->path[i]].name);
    vx_buf_printf(out, "`%s`", w->set->routings[target].name);
}

/* The index of the routing that a rule hands over to; -1, reported, when there is none or it has topics. */
static int64_t find_target(struct walk *w, const struct config_node *node, const char *name)
{
    const struct config_routing *target = config_find_routing(w->set, name);
    if (!target) {
        const char *near = vx_nearest(vx_span_str(name), w->names, w->set->routing_count);
        load_error(w->l, node, "there is no routing `%s`%s%s%s", name, near ? "; did you mean `" : "", near ? near : "",
                   near ? "`?" : "");
        return -1;
    }
    if (has_topics(target)) {
        load_error(w->l, node,
                   "routing `%s` has `topics` of its own; a rule can only hand over to a routing without topics", name);
        return -1;
    }
    w->reached[target - w->set->routings] = true;
    return target - w->set->routings;
}

static void walk(struct walk *w, uint32_t index);

/* Follows one rule; returns the rules that its events meet behind it. */
static uint64_t walk_rule(struct walk *w, uint32_t from, const struct config_rule *rule)
{
    const struct config_node *node = config_node_find(rule->action.node, "routing");
    int64_t found = find_target(w, node, rule->action.routing);
    if (found < 0)
        return 0;
    uint32_t target = (uint32_t)found;
    if (w->colour[target] == GREY) {
        struct vx_buf cycle = {0};
        print_cycle(w, target, &cycle);
        load_error(w->l, node, "routings must not hand over to themselves: %s", vx_buf_text(&cycle));
        vx_buf_done(&cycle);
        return 0;
    }
    if (w->colour[target] == WHITE)
        walk(w, target);
    if (w->depth[target] == CONFIG_CALL_DEPTH_MAX)
        load_error(w->l, node, "with this rule routings hand over more than %d deep", CONFIG_CALL_DEPTH_MAX);
    if (w->depth[target] + 1 > w->depth[from])
        w->depth[from] = (uint16_t)(w->depth[target] + 1);
    return rule->enabled ? w->visits[target] : 0;
}

static void walk(struct walk *w, uint32_t index)
{
    const struct config_routing *routing = &w->set->routings[index];
    uint64_t behind = 0;
    bool small = true; /* nothing that it hands over to is beyond the limit, which was reported there */
    w->colour[index] = GREY;
    w->depth[index] = 1;
    w->path[w->path_count++] = index;
    for (size_t i = 0; i < routing->rule_count; i++) {
        if (routing->rules[i].action.kind != CONFIG_HAND_OVER)
            continue;
        uint64_t visits = walk_rule(w, index, &routing->rules[i]);
        small &= visits <= CONFIG_RULE_VISITS_MAX;
        behind = routing->match == CONFIG_MATCH_ALL ? behind + visits : behind > visits ? behind : visits;
        if (behind > CONFIG_RULE_VISITS_MAX)
            behind = CONFIG_RULE_VISITS_MAX + 1;
    }
    w->visits[index] = routing->rule_count + behind;
    if (w->visits[index] > CONFIG_RULE_VISITS_MAX && small)
        load_error(w->l, config_node_find(routing->node, "name"),
                   "an event of routing `%s` could meet more than %d rules, each of a routing as often as it is handed "
                   "over to",
                   routing->name, CONFIG_RULE_VISITS_MAX);
    w->path_count--;
    w->colour[index] = BLACK;
}

static void check_without_topics(struct walk *w, uint32_t index)
{
    const struct config_routing *routing = &w->set->routings[index];
    const struct config_node *start = config_node_find(routing->node, "start");
    if (start)
        load_warning(w->l, start, "routing `%s` has no `topics`; there is nothing that `start` could mean",
                     routing->name);
    if (!w->reached[index] && !load_failed(w->l))
        load_warning(w->l, config_node_find(routing->node, "name"),
                     "routing `%s` has no `topics`, and no rule hands over to it; it is never used", routing->name);
}

void check_handover(struct loader *l, const struct config_set *set)
{
    size_t count = set->routing_count;
    struct walk w = {
        .l = l,
        .set = set,
        .names = VX_ARENA_ARRAY(l->arena, const char *, count),
        .colour = VX_ARENA_ARRAY(l->arena, uint8_t, count),
        .reached = VX_ARENA_ARRAY(l->arena, bool, count),
        .depth = VX_ARENA_ARRAY(l->arena, uint16_t, count),
        .visits = VX_ARENA_ARRAY(l->arena, uint64_t, count),
        .path = VX_ARENA_ARRAY(l->arena, uint32_t, count),
    };
    for (size_t i = 0; i < count; i++)
        w.names[i] = set->routings[i].name;
    for (uint32_t i = 0; i < count; i++) {
        if (w.colour[i] == WHITE)
            walk(&w, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!has_topics(&set->routings[i]))
            check_without_topics(&w, i);
    }
}
