/* Topics that would feed themselves through any number of hops: an event that is sent to a topic which some routing of
 * the fleet reads comes back. Load-time only; any one thread.
 *
 *     routing ── enabled rules, otherwise ──> pipelines (and what they call) ── emit, dead letters ──> topics
 *        └────── handed over ──> routing ──^
 *        ^                                                                                               │
 *        └────────────────────────────────────────── claimed by ─────────────────────────────────────────┘
 *
 * All topics of a routing share its rules, so a way from a routing back to itself is a topic that feeds itself. A breadth
 * first search from each routing finds the shortest one. A prefix in `allow` stands for every claimed topic it covers.
 */
#include "core/config/check.h"

#include "core/config/pattern.h"

struct hop {
    const struct config_routing *from;
    const char *topic;    /* reached; claimed by the next routing */
    const char *pipeline; /* that sends it there; NULL: a routing's dead letter */
    const char *routing;  /* whose dead letter it is: `from`, or one that it hands over to */
    bool dead_letter;
    const struct config_node *node; /* that names it */
};

struct feed {
    struct loader *l;
    const struct config_set *set;
    const struct check_topic *topics; /* claimed, by name */
    size_t topic_count;
    struct hop *arrived; /* by routing: how the search came there; topic NULL: not yet */
    uint32_t *queue;
    size_t queue_count;
    uint32_t *stamps; /* by processing: the last step of the search that went through it */
    uint32_t *handed; /* by routing: likewise, for what is handed over to it */
    uint32_t stamp;
    const struct config_routing *start;
    bool found;
    struct hop last; /* the hop that closes the circle */
    bool *reported;  /* by routing: in a circle that was reported */
};

static size_t first_topic(const struct feed *f, struct vx_span name)
{
    size_t low = 0, high = f->topic_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (vx_span_compare(vx_span_str(f->topics[mid].name), name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The routing whose pattern takes a topic that no routing names; dead letters are never taken. */
static const struct check_topic *find_pattern(const struct feed *f, struct vx_span name)
{
    for (size_t i = 0; i < f->set->routing_count; i++)
        if (f->set->routings[i].dead_letter && vx_span_is(name, f->set->routings[i].dead_letter))
            return NULL;
    for (size_t i = 0; i < f->set->processing_count; i++)
        if (f->set->processings[i].dead_letter && vx_span_is(name, f->set->processings[i].dead_letter))
            return NULL;
    const struct check_topic *found = NULL;
    for (size_t i = 0; i < f->topic_count; i++) {
        const struct check_topic *t = &f->topics[i];
        if (!pattern_is(vx_span_str(t->name)) || (found && t->routing >= found->routing))
            continue;
        struct pattern *p = pattern_new(t->name);
        found = pattern_takes(p, name) ? t : found;
        pattern_free(p);
    }
    return found;
}

/* Arrives at the routing of a claimed topic. */
static void arrive(struct feed *f, struct hop hop, const struct check_topic *t, const char *name)
{
    size_t index = (size_t)(t->routing - f->set->routings);
    hop.topic = name;
    if (t->routing == f->start) {
        f->last = hop;
        f->found = true;
    } else if (!f->arrived[index].topic) {
        f->arrived[index] = hop;
        f->queue[f->queue_count++] = (uint32_t)index;
    }
}

/* Follows what is sent to `name`, or to everything that begins with it. */
static void send_to(struct feed *f, struct hop hop, struct vx_span name, bool prefix)
{
    bool named = false;
    for (size_t i = first_topic(f, name); i < f->topic_count && !f->found; i++) {
        const struct check_topic *t = &f->topics[i];
        if (prefix ? !vx_span_starts_with(vx_span_str(t->name), name) : !vx_span_is(name, t->name))
            break;
        arrive(f, hop, t, t->name);
        named = true;
    }
    const struct check_topic *t = prefix || named ? NULL : find_pattern(f, name);
    if (t && !f->found)
        arrive(f, hop, t, vx_arena_span(f->l->arena, name).at);
}

static void send_emit(struct feed *f, struct hop hop, const struct config_stage *stage)
{
    const struct config_emit *emit = &stage->emit;
    const struct config_node *node = config_node_find(stage->node, "emit");
    if (emit->topic.kind == CONFIG_VALUE_CONSTANT && emit->topic.text.at) {
        hop.node = emit->topic.node;
        send_to(f, hop, emit->topic.text, false);
    }
    const struct config_node *allow = config_node_find(node, "allow");
    for (size_t i = 0; i < emit->allow_count && !f->found; i++) {
        struct vx_span name = emit->allow[i];
        bool prefix = name.at[name.len - 1] == '*';
        hop.node = allow && i < allow->count ? &allow->items[i] : allow;
        name.len -= prefix;
        send_to(f, hop, name, prefix);
    }
}

static void run_pipeline(struct feed *f, const struct config_routing *from, const char *name)
{
    const struct config_processing *p = config_find_processing(f->set, name);
    if (!p || f->found || f->stamps[p - f->set->processings] == f->stamp)
        return;
    f->stamps[p - f->set->processings] = f->stamp;
    struct hop hop = {.from = from, .pipeline = p->name};
    for (size_t i = 0; i < p->stage_count && !f->found; i++) {
        if (p->stages[i].kind == CONFIG_EMIT)
            send_emit(f, hop, &p->stages[i]);
        else if (p->stages[i].kind == CONFIG_PIPELINE && p->stages[i].pipeline)
            run_pipeline(f, from, p->stages[i].pipeline);
    }
    if (p->dead_letter && !f->found) {
        hop.node = config_node_find(p->node, "dead_letter");
        hop.dead_letter = true;
        send_to(f, hop, vx_span_str(p->dead_letter), false);
    }
}

static void run_rules(struct feed *f, const struct config_routing *from, const struct config_routing *r);

static void run_action(struct feed *f, const struct config_routing *from, const struct config_action *action)
{
    const struct config_routing *next =
        action->kind == CONFIG_HAND_OVER ? config_find_routing(f->set, action->routing) : NULL;
    for (size_t i = 0; i < action->pipeline_count; i++)
        run_pipeline(f, from, action->pipelines[i]);
    if (next)
        run_rules(f, from, next);
}

/* What the rules of `r` do with events of `from`. */
static void run_rules(struct feed *f, const struct config_routing *from, const struct config_routing *r)
{
    if (f->found || f->handed[r - f->set->routings] == f->stamp)
        return;
    f->handed[r - f->set->routings] = f->stamp;
    for (size_t i = 0; i < r->rule_count; i++) {
        if (r->rules[i].enabled)
            run_action(f, from, &r->rules[i].action);
    }
    run_action(f, from, &r->otherwise);
    if (r->dead_letter && !f->found) {
        struct hop hop = {
            .from = from, .routing = r->name, .dead_letter = true, .node = config_node_find(r->node, "dead_letter")};
        send_to(f, hop, vx_span_str(r->dead_letter), false);
    }
}

/* Everything that the events of one routing can reach. */
static void run_routing(struct feed *f, const struct config_routing *r)
{
    f->stamp++;
    run_rules(f, r, r);
}

static void report(struct feed *f)
{
    struct hop *hops = VX_ARENA_ARRAY(f->l->arena, struct hop, f->set->routing_count + 1);
    size_t count = 0;
    for (struct hop hop = f->last;; hop = f->arrived[hop.from - f->set->routings]) {
        hops[count++] = hop;
        f->reported[hop.from - f->set->routings] = true;
        if (hop.from == f->start)
            break;
    }
    struct vx_buf way = {0};
    vx_buf_printf(&way, "`%s`", f->last.topic);
    while (count-- > 0) {
        vx_buf_printf(&way, " → `%s` (", hops[count].topic);
        vx_buf_str(&way, hops[count].dead_letter ? "dead letter of " : "");
        vx_buf_printf(&way, "%s `%s`)", hops[count].pipeline ? "pipeline" : "routing",
                      hops[count].pipeline ? hops[count].pipeline : hops[count].routing);
    }
    load_error(f->l, f->last.node, "topic `%s` would feed itself: %s", f->last.topic, vx_buf_text(&way));
    vx_buf_done(&way);
}

void check_feed(struct loader *l, const struct config_set *set)
{
    struct feed f = {
        .l = l,
        .set = set,
        .arrived = VX_ARENA_ARRAY(l->arena, struct hop, set->routing_count),
        .queue = VX_ARENA_ARRAY(l->arena, uint32_t, set->routing_count + 1),
        .stamps = VX_ARENA_ARRAY(l->arena, uint32_t, set->processing_count),
        .handed = VX_ARENA_ARRAY(l->arena, uint32_t, set->routing_count),
        .reported = VX_ARENA_ARRAY(l->arena, bool, set->routing_count),
    };
    f.topics = check_topics(l->arena, set, &f.topic_count);
    for (size_t i = 0; i < set->routing_count; i++) {
        if (f.reported[i])
            continue;
        memset(f.arrived, 0, set->routing_count * sizeof *f.arrived);
        f.start = &set->routings[i];
        f.found = false;
        f.queue[0] = (uint32_t)i;
        f.queue_count = 1;
        for (size_t at = 0; at < f.queue_count && !f.found; at++)
            run_routing(&f, &set->routings[f.queue[at]]);
        if (f.found)
            report(&f);
    }
}
