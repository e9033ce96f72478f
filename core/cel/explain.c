/* Taking conditions apart, and saying which parts decided. See explain.h.
 *
 *     AND ─┬─ LEAF event.type == "purchase"     program, and what it looks at: event.type
 *          └─ NOT ── LEAF has(event.test)
 *
 * Leaves are compiled as expressions of their own and evaluated all, as if nothing were ever skipped; what the whole gives
 * follows from them by CEL's rules for `&&`, `||`, `!` and `?:`. Nothing inside a macro is taken apart: it has names that
 * have no value outside. Invariant, held by a property test: `holds` and `failed` are those of cel_test().
 */
#include "core/cel/explain.h"

#include "core/cel/syntax/tree.h"

enum part_kind { PART_LEAF, PART_AND, PART_OR, PART_NOT, PART_COND };

/* Something to show the value of. */
struct shown {
    const struct tree *tree;
    const struct cel_program *program;
};

struct part {
    enum part_kind kind;
    struct part *parts; /* AND, OR, NOT, COND */
    size_t count;
    struct shown self; /* LEAF */
    struct shown *looks;
    size_t look_count;
    uint32_t leaf; /* LEAF: its number */
};

struct cel_explain {
    const struct cel_expr *expr;
    struct part root;
    uint32_t leaf_count;
};

/* ---- taking apart ---- */

struct taker {
    struct vx_arena *arena;
    struct cel_explain *explain;
    struct cel_slots *slots;
};

static struct shown show(struct taker *t, const struct tree *tree)
{
    struct cel_expr expr = *t->explain->expr;
    expr.root = tree;
    return (struct shown){tree, cel_compile(t->arena, &expr, t->slots)};
}

/* True for what is read as one thing: a constant index into something is part of a path. */
static bool is_path(const struct tree *tree)
{
    return tree->kind == TREE_SELECT ||
           (tree->kind == TREE_CALL && tree->style == STYLE_INDEX && tree->args[1]->kind == TREE_CONST);
}

/* Adds what `tree` looks at: its arguments that are no constants, and what they look at where they compute something. */
static void take_looks(struct taker *t, const struct tree *tree, struct part *leaf)
{
    bool computes = (tree->kind == TREE_CALL && !is_path(tree)) || tree->kind == TREE_MACRO;
    size_t count = tree->kind == TREE_MACRO ? 1 : tree->count; /* the list; the rest has the macro's names in it */
    for (size_t i = 0; computes && i < count && leaf->look_count < CEL_EXPLAIN_SEEN_MAX; i++) {
        const struct tree *arg = tree->args[i];
        if (arg->kind == TREE_CONST || arg->kind == TREE_SPREAD)
            continue;
        leaf->looks[leaf->look_count++] = show(t, arg);
        take_looks(t, arg, leaf);
    }
}

static void take(struct taker *t, const struct tree *tree, struct part *part)
{
    bool is_not = tree->kind == TREE_CALL && tree->style == STYLE_PREFIX && vx_span_is(tree->name, "!");
    if (tree->kind != TREE_AND && tree->kind != TREE_OR && tree->kind != TREE_COND && !is_not) {
        part->kind = PART_LEAF;
        part->leaf = t->explain->leaf_count++;
        part->self = show(t, tree);
        part->looks = VX_ARENA_ARRAY(t->arena, struct shown, CEL_EXPLAIN_SEEN_MAX);
        take_looks(t, tree, part);
        return;
    }
    part->kind = is_not ? PART_NOT : tree->kind == TREE_AND ? PART_AND : tree->kind == TREE_OR ? PART_OR : PART_COND;
    part->count = tree->count;
    part->parts = VX_ARENA_ARRAY(t->arena, struct part, tree->count);
    for (size_t i = 0; i < tree->count; i++)
        take(t, tree->args[i], &part->parts[i]);
}

const struct cel_explain *cel_explain_new(struct vx_arena *arena, const struct cel_expr *expr, struct cel_slots *slots)
{
    struct cel_explain *explain = VX_ARENA_NEW(arena, struct cel_explain);
    struct taker t = {arena, explain, slots};
    explain->expr = expr;
    take(&t, expr->root, &explain->root);
    return explain;
}

/* ---- what the parts give ---- */

enum verdict { IS_FALSE, IS_TRUE, IS_NEITHER }; /* NEITHER: it failed, or is no bool */

struct result {
    enum vx_status status;
    struct cel_value value;
    const char *failure;
};

struct teller {
    const struct cel_explain *explain;
    struct cel_frame *frame;
    struct result *results; /* of leaves; those that were evaluated: below `done` */
    bool *done;
    struct cel_reason *reasons;
    size_t count;
};

static struct result evaluate(struct teller *t, const struct shown *shown)
{
    struct result result = {0};
    result.status = cel_eval(shown->program, t->frame, &result.value);
    result.failure = t->frame->failure;
    return result;
}

static enum verdict verdict_of(struct teller *t, const struct part *part)
{
    enum verdict first;
    bool settled = part->kind == PART_OR, open = true;
    switch (part->kind) {
    case PART_LEAF:
        if (!t->done[part->leaf])
            t->results[part->leaf] = evaluate(t, &part->self);
        t->done[part->leaf] = true;
        const struct result *result = &t->results[part->leaf];
        if (result->status || result->value.type != CEL_BOOL)
            return IS_NEITHER;
        return result->value.boolean ? IS_TRUE : IS_FALSE;
    case PART_NOT:
        first = verdict_of(t, &part->parts[0]);
        return first == IS_NEITHER ? IS_NEITHER : first == IS_TRUE ? IS_FALSE : IS_TRUE;
    case PART_COND:
        first = verdict_of(t, &part->parts[0]);
        return first == IS_NEITHER ? IS_NEITHER : verdict_of(t, &part->parts[first == IS_TRUE ? 1 : 2]);
    case PART_AND:
    case PART_OR:
        break;
    }
    for (size_t i = 0; i < part->count; i++) {
        first = verdict_of(t, &part->parts[i]);
        if (first == (settled ? IS_TRUE : IS_FALSE))
            return first;
        open &= first != IS_NEITHER;
    }
    return !open ? IS_NEITHER : settled ? IS_FALSE : IS_TRUE;
}

/* ---- which of them decided ---- */

static struct cel_seen say(struct teller *t, const struct tree *tree, const struct result *result)
{
    struct vx_arena *arena = t->frame->arena;
    struct cel_seen seen = {.text = vx_span(t->explain->expr->text.at + tree->begin, tree->end - tree->begin)};
    if (result->status) {
        seen.failure = vx_span_str(vx_arena_str(arena, result->failure));
        return seen;
    }
    struct vx_buf literal = {0};
    cel_write_literal(result->value, &literal);
    seen.value = vx_arena_span(arena, vx_buf_view(&literal));
    vx_buf_done(&literal);
    return seen;
}

static void tell_leaf(struct teller *t, const struct part *part)
{
    struct cel_reason *reason = &t->reasons[t->count++];
    struct cel_seen *seen = VX_ARENA_ARRAY(t->frame->arena, struct cel_seen, part->look_count);
    reason->part = say(t, part->self.tree, &t->results[part->leaf]);
    reason->seen = seen;
    reason->seen_count = part->look_count;
    for (size_t i = 0; i < part->look_count; i++) {
        struct result result = evaluate(t, &part->looks[i]);
        seen[i] = say(t, part->looks[i].tree, &result);
    }
}

static void tell(struct teller *t, const struct part *part)
{
    enum verdict all = verdict_of(t, part), chosen;
    switch (part->kind) {
    case PART_LEAF:
        tell_leaf(t, part);
        return;
    case PART_NOT:
        tell(t, &part->parts[0]);
        return;
    case PART_COND:
        chosen = verdict_of(t, &part->parts[0]);
        tell(t, &part->parts[0]);
        if (chosen != IS_NEITHER)
            tell(t, &part->parts[chosen == IS_TRUE ? 1 : 2]);
        return;
    case PART_AND:
    case PART_OR:
        break;
    }
    /* Settled by one: that one; else by all that gave the same. */
    bool one = all == (part->kind == PART_AND ? IS_FALSE : IS_TRUE);
    for (size_t i = 0; i < part->count; i++) {
        if (verdict_of(t, &part->parts[i]) != all)
            continue;
        tell(t, &part->parts[i]);
        if (one)
            return;
    }
}

void cel_explain(const struct cel_explain *explain, struct cel_frame *frame, struct cel_reasons *out)
{
    struct teller t = {
        .explain = explain,
        .frame = frame,
        .results = VX_ARENA_ARRAY(frame->arena, struct result, explain->leaf_count),
        .done = VX_ARENA_ARRAY(frame->arena, bool, explain->leaf_count),
        .reasons = VX_ARENA_ARRAY(frame->arena, struct cel_reason, explain->leaf_count),
    };
    enum verdict verdict = verdict_of(&t, &explain->root);
    tell(&t, &explain->root);
    *out = (struct cel_reasons){verdict == IS_TRUE, verdict == IS_NEITHER, t.reasons, t.count};
}
