/* Pipelines inside pipelines: cycles, depth, and whether anything is ever sent. One depth-first walk over the calls.
 * Load-time only; any one thread.
 */
#include "core/config/check.h"

enum colour { WHITE, GREY, BLACK };

struct walk {
    struct loader *l;
    const struct config_set *set;
    uint8_t *colour; /* by index of the processing, as all below */
    uint16_t *depth; /* pipelines in the longest chain that begins here */
    bool *emits;     /* in itself or in what it calls */
    uint32_t *path;  /* the chain being walked */
    size_t path_count;
};

/* "`a` → `b` → `a`", from where the chain first met `target`. */
static void print_cycle(const struct walk *w, uint32_t target, struct vx_buf *out)
{
    size_t i = 0;
    while (w->path[i] != target)
        i++;
    for (; i < w->path_count; i++)
        vx_buf_printf(out, "`%s` → ", w->set->processings[w->path[i]].name);
    vx_buf_printf(out, "`%s`", w->set->processings[target].name);
}

static void walk(struct walk *w, uint32_t index);

static void walk_call(struct walk *w, uint32_t caller, const struct config_stage *stage)
{
    const struct config_processing *called = stage->pipeline ? config_find_processing(w->set, stage->pipeline) : NULL;
    if (!called) {
        w->emits[caller] = true; /* reported elsewhere */
        return;
    }
    uint32_t index = (uint32_t)(called - w->set->processings);
    if (w->colour[index] == GREY) {
        struct vx_buf cycle = {0};
        print_cycle(w, index, &cycle);
        load_error(w->l, config_node_find(stage->node, "pipeline"), "pipelines must not call themselves: %s",
                   vx_buf_text(&cycle));
        vx_buf_done(&cycle);
        w->emits[caller] = true;
        return;
    }
    if (w->colour[index] == WHITE)
        walk(w, index);
    w->emits[caller] |= w->emits[index];
    if (w->depth[index] + 1 > w->depth[caller])
        w->depth[caller] = (uint16_t)(w->depth[index] + 1);
    if (w->depth[index] == CONFIG_CALL_DEPTH_MAX)
        load_error(w->l, config_node_find(stage->node, "pipeline"),
                   "with this call pipelines stand in pipelines more than %d deep", CONFIG_CALL_DEPTH_MAX);
}

static void walk(struct walk *w, uint32_t index)
{
    const struct config_processing *p = &w->set->processings[index];
    const struct config_node *stages = config_node_find(p->node, "stages");
    w->colour[index] = GREY;
    w->depth[index] = 1;
    w->path[w->path_count++] = index;
    for (size_t i = 0; i < p->stage_count; i++) {
        if (p->stages[i].kind == CONFIG_PIPELINE)
            walk_call(w, index, &p->stages[i]);
        w->emits[index] |= p->stages[i].kind == CONFIG_EMIT;
    }
    if (!stages || stages->count != p->stage_count || p->stage_count == 0)
        w->emits[index] = true; /* a stage of it was refused, or all are missing */
    w->path_count--;
    w->colour[index] = BLACK;
}

void check_pipelines(struct loader *l, const struct config_set *set)
{
    size_t count = set->processing_count;
    struct walk w = {
        .l = l,
        .set = set,
        .colour = VX_ARENA_ARRAY(l->arena, uint8_t, count),
        .depth = VX_ARENA_ARRAY(l->arena, uint16_t, count),
        .emits = VX_ARENA_ARRAY(l->arena, bool, count),
        .path = VX_ARENA_ARRAY(l->arena, uint32_t, count),
    };
    for (uint32_t i = 0; i < count; i++) {
        if (w.colour[i] == WHITE)
            walk(&w, i);
        const struct config_processing *p = &set->processings[i];
        if (!w.emits[i])
            load_error(l, config_node_find(p->node, "name"),
                       "pipeline `%s` never emits, so its events would vanish; drop them by a rule instead", p->name);
        const struct config_stage *last = p->stage_count ? &p->stages[p->stage_count - 1] : NULL;
        for (const struct config_stage *s = p->stages; last && s < last; s++) {
            const struct cel_value *v =
                s->kind == CONFIG_FILTER && s->filter.cel ? cel_expr_constant(s->filter.cel) : NULL;
            if (v && v->type == CEL_BOOL && !v->boolean)
                load_warning(l, s->filter.node, "this filter never holds; no stage behind it ever runs");
        }
    }
}
