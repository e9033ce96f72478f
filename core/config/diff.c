/* What changed between two releases, walked by the rows of the field tables: two mappings are compared key by key, a key
 * by its type or shape. Load-time only; any one thread; the result owns its texts.
 *
 *     documents by kind and name ── rows ──> values | lists as sets | rules by name, in order | stages aligned
 */
#include "core/config/diff.h"

#include <stdlib.h>

#include "core/config/diff_order.h"
#include "core/config/load.h"
#include "core/config/text.h"

struct differ {
    struct config_diff *out;
    size_t room;
    enum config_kind config;
    const char *name;
};

static void add(struct differ *d, enum config_change_kind kind, const char *where, const char *was, const char *now)
{
    struct config_diff *out = d->out;
    if (out->count == d->room) {
        struct config_change *old = out->changes;
        d->room = d->room ? d->room * 2 : 16;
        out->changes = VX_ARENA_ARRAY(&out->arena, struct config_change, d->room);
        if (out->count)
            memcpy(out->changes, old, out->count * sizeof *old);
    }
    struct config_change *c = &out->changes[out->count++];
    *c = (struct config_change){.kind = kind, .config = d->config, .name = vx_arena_str(&out->arena, d->name)};
    c->where = vx_arena_str(&out->arena, where);
    c->was = was ? vx_arena_str(&out->arena, was) : NULL;
    c->now = now ? vx_arena_str(&out->arena, now) : NULL;
}

static const char *join(struct differ *d, const char *prefix, struct vx_span name)
{
    return vx_arena_printf(&d->out->arena, "%s%s%.*s", prefix, prefix[0] ? "." : "", VX_SPAN_ARG(name));
}

/* A node as one line of text; a condition as it stands. */
static const char *node_text(struct differ *d, const struct config_shape *shape, const struct config_node *node)
{
    struct vx_buf text = {0};
    if (!node)
        return NULL;
    if (shape && shape->kind == CONFIG_SHAPE_CONDITION)
        vx_buf_span(&text, node->text);
    else
        text_flow(node, &text);
    while (text.len > 0 && strchr(" \n", text.at[text.len - 1]))
        text.len--;
    const char *kept = vx_arena_span(&d->out->arena, vx_buf_view(&text)).at;
    vx_buf_done(&text);
    return kept;
}

static void diff_values(struct differ *d, const struct config_shape *shape, const char *where,
                        const struct config_node *a, const struct config_node *b)
{
    if (!a || !b)
        add(d, a ? CONFIG_REMOVED : CONFIG_ADDED, where, node_text(d, shape, a), node_text(d, shape, b));
    else if (!text_equal(a, b))
        add(d, CONFIG_CHANGED, where, node_text(d, shape, a), node_text(d, shape, b));
}

/* A scalar by its row: one that is left out has its default. */
static void diff_scalar(struct differ *d, const struct vx_field *f, const char *where, const struct config_node *a,
                        const struct config_node *b)
{
    struct vx_span was = a ? a->text : vx_span_str(f->fallback), now = b ? b->text : vx_span_str(f->fallback);
    if (f->type == VX_FIELD_BOOL && a && b && a->boolean == b->boolean)
        return;
    if (was.at && now.at && vx_span_equal(was, now))
        return;
    if (!f->fallback)
        diff_values(d, NULL, where, a, b);
    else
        add(d, CONFIG_CHANGED, where, a ? node_text(d, NULL, a) : f->fallback, b ? node_text(d, NULL, b) : f->fallback);
}

static bool holds(const struct config_node *list, const struct config_node *item)
{
    for (size_t i = 0; list && i < list->count; i++) {
        if (text_equal(&list->items[i], item))
            return true;
    }
    return false;
}

/* A list whose order means nothing: each item that came or went. */
static void diff_items(struct differ *d, const char *where, const struct config_node *a, const struct config_node *b)
{
    for (size_t i = 0; a && i < a->count; i++) {
        if (!holds(b, &a->items[i]))
            add(d, CONFIG_REMOVED, where, node_text(d, NULL, &a->items[i]), NULL);
    }
    for (size_t i = 0; b && i < b->count; i++) {
        if (!holds(a, &b->items[i]))
            add(d, CONFIG_ADDED, where, NULL, node_text(d, NULL, &b->items[i]));
    }
}

static void diff_condition(struct differ *d, const struct config_shape *shape, const char *where,
                           const struct config_node *a, const struct config_node *b)
{
    if (a && b &&
        vx_span_equal(config_expr_canonical(&d->out->arena, a->text), config_expr_canonical(&d->out->arena, b->text)))
        return;
    if (a && b)
        add(d, CONFIG_CHANGED, where, node_text(d, shape, a), node_text(d, shape, b));
    else
        diff_values(d, shape, where, a, b);
}

/* The members of a mapping with free keys. */
static void diff_members(struct differ *d, const char *where, const struct config_node *a, const struct config_node *b)
{
    for (size_t i = 0; a && i < a->count; i++)
        diff_values(d, NULL, join(d, where, a->keys[i].text), &a->items[i],
                    b ? config_node_find(b, a->keys[i].text.at) : NULL);
    for (size_t i = 0; b && i < b->count; i++) {
        if (!a || !config_node_find(a, b->keys[i].text.at))
            diff_values(d, NULL, join(d, where, b->keys[i].text), NULL, &b->items[i]);
    }
}

static void diff_rows(struct differ *d, const struct config_shape *shape, const char *prefix,
                      const struct config_node *a, const struct config_node *b);

/* A rule in one line: its condition and what it leads to. */
static const char *rule_text(struct differ *d, const struct config_node *rule)
{
    struct vx_buf text = {0};
    const struct config_node *when = config_node_find(rule, "when"), *enabled = config_node_find(rule, "enabled");
    const char *condition = when ? node_text(d, NULL, when) : NULL;
    vx_buf_printf(&text, "%s%s →", when ? "when " : "always", condition ? condition : "");
    for (size_t i = 0; i < rule->count; i++) {
        const struct vx_field *f =
            field_find(config_document_shapes[CONFIG_KIND_ROUTING].rows, VX_SPAN_LITERAL("rules"));
        f = field_find(f->custom->rows, rule->keys[i].text);
        if (!f || !(f->flags & VX_FIELD_ONE_OF))
            continue;
        vx_buf_printf(&text, " %s", f->name);
        if (!vx_span_is(rule->items[i].text, "true"))
            vx_buf_printf(&text, " %s", node_text(d, NULL, &rule->items[i]));
    }
    if (enabled && enabled->scalar == CONFIG_BOOL && !enabled->boolean)
        vx_buf_str(&text, " (not enabled)");
    const char *kept = vx_arena_str(&d->out->arena, vx_buf_text(&text));
    vx_buf_done(&text);
    return kept;
}

static void diff_rule_pair(struct differ *d, const struct config_shape *shape, const char *where,
                           const struct config_node *a, const struct config_node *b, const struct order_pair *pair)
{
    struct vx_arena *arena = &d->out->arena;
    const struct config_node *was = pair->a >= 0 ? &a->items[pair->a] : NULL;
    const struct config_node *now = pair->b >= 0 ? &b->items[pair->b] : NULL;
    struct vx_span name = config_node_find(was ? was : now, "name")->text;
    const char *place = vx_arena_printf(arena, "%s[%.*s]", where, VX_SPAN_ARG(name));
    if (!was || !now) {
        add(d, was ? CONFIG_REMOVED : CONFIG_ADDED, place, was ? rule_text(d, was) : NULL,
            now ? rule_text(d, now) : NULL);
        return;
    }
    if (pair->moved)
        add(d, CONFIG_MOVED, place, vx_arena_printf(arena, "%d", pair->a + 1),
            vx_arena_printf(arena, "%d", pair->b + 1));
    diff_rows(d, shape, place, was, now);
}

static void diff_rules(struct differ *d, const struct config_shape *shape, const char *where,
                       const struct config_node *a, const struct config_node *b)
{
    size_t count;
    struct order_pair *pairs = order_by_name(a, b, &count);
    for (size_t i = 0; i < count; i++)
        diff_rule_pair(d, shape, where, a, b, &pairs[i]);
    free(pairs);
}

/* A stage has one key; two stages are of a kind when it is the same. */
static bool same_kind(const struct config_node *a, const struct config_node *b)
{
    return vx_span_equal(a->keys[0].text, b->keys[0].text);
}

static void diff_stages(struct differ *d, const struct config_shape *shape, const char *where,
                        const struct config_node *a, const struct config_node *b)
{
    struct vx_arena *arena = &d->out->arena;
    size_t count;
    struct order_pair *pairs = order_by_value(a, b, text_equal, same_kind, &count);
    for (size_t i = 0; i < count; i++) {
        const struct order_pair *pair = &pairs[i];
        const char *place = vx_arena_printf(arena, "%s[%d]", where, (pair->b >= 0 ? pair->b : pair->a) + 1);
        if (pair->a >= 0 && pair->b >= 0 && pair->moved)
            add(d, CONFIG_MOVED, place, vx_arena_printf(arena, "%d", pair->a + 1),
                vx_arena_printf(arena, "%d", pair->b + 1));
        else if (pair->a >= 0 && pair->b >= 0)
            diff_rows(d, shape, place, &a->items[pair->a], &b->items[pair->b]);
        else
            diff_values(d, NULL, place, pair->a >= 0 ? &a->items[pair->a] : NULL,
                        pair->b >= 0 ? &b->items[pair->b] : NULL);
    }
    free(pairs);
}

static void diff_shape(struct differ *d, const struct config_shape *shape, const char *where,
                       const struct config_node *a, const struct config_node *b)
{
    switch (shape->kind) {
    case CONFIG_SHAPE_KIND:
        break;
    case CONFIG_SHAPE_CONDITION:
        diff_condition(d, shape, where, a, b);
        break;
    case CONFIG_SHAPE_NAMES:
    case CONFIG_SHAPE_PATTERNS:
    case CONFIG_SHAPE_PATHS:
        diff_items(d, where, a, b);
        break;
    case CONFIG_SHAPE_OBJECT:
    case CONFIG_SHAPE_ACTION:
        diff_rows(d, shape, where, a, b);
        break;
    case CONFIG_SHAPE_RULES:
        diff_rules(d, shape, where, a, b);
        break;
    case CONFIG_SHAPE_STAGES:
        diff_stages(d, shape, where, a, b);
        break;
    case CONFIG_SHAPE_SET:
        diff_members(d, where, a, b);
        break;
    default:
        diff_values(d, shape, where, a, b);
    }
}

/* Two mappings with the same rows; one of them may be NULL. */
static void diff_rows(struct differ *d, const struct config_shape *shape, const char *prefix,
                      const struct config_node *a, const struct config_node *b)
{
    for (const struct vx_field *f = shape->rows; f->name; f++) {
        const struct config_node *was = config_node_find(a, f->name), *now = config_node_find(b, f->name);
        if (!was && !now)
            continue;
        const char *where = join(d, prefix, vx_span_str(f->name));
        if (f->type == VX_FIELD_CUSTOM)
            diff_shape(d, f->custom, where, was, now);
        else if (f->type == VX_FIELD_TOPICS)
            diff_items(d, where, was, now);
        else
            diff_scalar(d, f, where, was, now);
    }
}

/* The routing that claims `topic`, or NULL. */
static const struct config_routing *claims(const struct config_set *set, const char *topic)
{
    for (size_t i = 0; set && i < set->routing_count; i++) {
        for (size_t k = 0; k < set->routings[i].topic_count; k++) {
            if (strcmp(set->routings[i].topics[k], topic) == 0)
                return &set->routings[i];
        }
    }
    return NULL;
}

/* Topics of this routing that were read as bytes and must be JSON from now on, or the other way round. */
static void diff_parsing(struct differ *d, const struct config_set *a, const struct config_set *b,
                         const struct config_routing *routing)
{
    bool now = config_routing_parses(b, routing);
    for (size_t i = 0; i < routing->topic_count; i++) {
        const struct config_routing *before = claims(a, routing->topics[i]);
        if (before && config_routing_parses(a, before) != now)
            add(d, CONFIG_NOTE, vx_arena_printf(&d->out->arena, "topics[%s]", routing->topics[i]),
                now ? "any bytes" : "JSON", now ? "JSON" : "any bytes");
    }
}

/* Topics whose delivery changes, by their routing's or because another routing claims them. */
static void diff_delivery(struct differ *d, const struct config_set *a, const struct config_routing *routing)
{
    static const char *const names[] = {"at_least_once", "exactly_once"};
    for (size_t i = 0; i < routing->topic_count; i++) {
        const struct config_routing *before = claims(a, routing->topics[i]);
        if (before && before->delivery != routing->delivery)
            add(d, CONFIG_NOTE, vx_arena_printf(&d->out->arena, "topics[%s]", routing->topics[i]),
                names[before->delivery], names[routing->delivery]);
    }
}

static const struct config_routing *find_routing(const struct config_set *set, const char *name)
{
    for (size_t i = 0; i < set->routing_count; i++) {
        if (strcmp(set->routings[i].name, name) == 0)
            return &set->routings[i];
    }
    return NULL;
}

static int compare(const struct config_document *a, const struct config_document *b)
{
    if (!a || !b)
        return a ? -1 : 1;
    int c = (a->kind > b->kind) - (a->kind < b->kind);
    return c ? c : strcmp(a->name, b->name);
}

void config_diff(const struct config_set *a, const struct config_set *b, struct config_diff *out)
{
    *out = (struct config_diff){0};
    struct differ d = {.out = out};
    size_t i = 0, k = 0, a_count = a ? a->document_count : 0, b_count = b ? b->document_count : 0;
    while (i < a_count || k < b_count) {
        const struct config_document *was = i < a_count ? &a->documents[i] : NULL;
        const struct config_document *now = k < b_count ? &b->documents[k] : NULL;
        int c = compare(was, now);
        d.config = c <= 0 ? was->kind : now->kind;
        d.name = c <= 0 ? was->name : now->name;
        if (c == 0)
            diff_rows(&d, &config_document_shapes[d.config], "", was->node, now->node);
        else
            add(&d, c < 0 ? CONFIG_REMOVED : CONFIG_ADDED, "", c < 0 ? was->path : NULL, c < 0 ? NULL : now->path);
        if (c >= 0 && d.config == CONFIG_KIND_ROUTING) {
            diff_parsing(&d, a, b, find_routing(b, now->name));
            diff_delivery(&d, a, find_routing(b, now->name));
        }
        i += c <= 0;
        k += c >= 0;
    }
}

void config_diff_done(struct config_diff *diff)
{
    vx_arena_done(&diff->arena);
    *diff = (struct config_diff){0};
}
