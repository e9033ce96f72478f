/* The compiler: checked tree → nodes in an array, constant paths of the event → slots.
 *
 * Load time, any one thread; the program lives in the caller's arena and borrows nothing from the expression. The
 * longest constant path from `event` becomes one slot, read by the scanner in its one pass over the event; what
 * follows a step that is not constant walks the JSON text from there. Comparisons of a field with a constant, which is
 * what most rules are made of, become one node.
 */
#include "core/cel/run/program.h"

#include <stdlib.h>

#include "core/cel/regex/regex.h"
#include "core/cel/run/set.h"
#include "core/cel/syntax/tree.h"
#include "core/cel/values.h"

/* One step per nesting of a path; longer paths go on without slots. */
enum { PATH_STEPS_MAX = 64 };

/* What one node reads: a variable, with the constant steps behind it. */
struct cover {
    const struct tree *last; /* the uppermost tree that is covered */
    struct json_step steps[PATH_STEPS_MAX + 1];
    size_t count;
    size_t needed; /* steps that must be there; fewer than `count` behind a `?` */
    bool or_value; /* `last` is orValue(), whose argument is read where the path leads nowhere */
};

struct compiler {
    struct vx_arena *arena;
    struct cel_slots *slots;
    const struct cel_env *env;
    struct cel_node *nodes; /* heap, until done */
    size_t count, room;
    uint32_t *ids; /* slots read, each once; heap, until done */
    size_t id_count, id_room;
    struct cover cover; /* scratch; not on the stack, because compile() recurses */
    struct json_step steps[PATH_STEPS_MAX];
};

static void compile(struct compiler *c, const struct tree *top);

static size_t add_node(struct compiler *c, enum cel_node_op op, const struct tree *tree)
{
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 16;
        c->nodes = realloc(c->nodes, c->room * sizeof *c->nodes);
        vx_assert(c->nodes != NULL);
    }
    c->nodes[c->count] = (struct cel_node){.op = (uint8_t)op, .size = 1, .offset = tree->offset};
    return c->count++;
}

static uint32_t add_slot(struct compiler *c, struct json_path path)
{
    uint32_t slot = cel_slots_add(c->slots, c->arena, path);
    for (size_t i = 0; i < c->id_count; i++) {
        if (c->ids[i] == slot)
            return slot;
    }
    if (c->id_count == c->id_room) {
        c->id_room = c->id_room ? 2 * c->id_room : 8;
        c->ids = realloc(c->ids, c->id_room * sizeof *c->ids);
        vx_assert(c->ids != NULL);
    }
    c->ids[c->id_count++] = slot;
    return slot;
}

static const struct cel_value *keep(struct compiler *c, struct cel_value value)
{
    struct cel_value *copy = VX_ARENA_NEW(c->arena, struct cel_value);
    *copy = cel_copy(value, c->arena);
    return copy;
}

/* ---- paths ---- */

/* The constant step that `node` adds to its first argument; false when it adds none. It may be an optional one. */
static bool step_of(const struct tree *node, struct json_step *step)
{
    if (node->kind == TREE_SELECT) {
        *step = (struct json_step){.key = node->name};
        return true;
    }
    const struct tree *key = node->kind == TREE_CALL && node->style == STYLE_INDEX ? node->args[1] : NULL;
    if (!key || key->kind != TREE_CONST)
        return false;
    const struct cel_value *v = &key->value;
    if (v->type == CEL_STRING) {
        *step = (struct json_step){.key = v->s};
        return true;
    }
    *step = (struct json_step){.index = (uint32_t)v->u, .is_index = true};
    return (v->type == CEL_INT || v->type == CEL_UINT) && v->u < UINT32_MAX;
}

static bool is_variable(const struct compiler *c, const struct tree *node, uint8_t variable)
{
    return c->env->is_event && node->kind == TREE_VAR && node->variable == variable;
}

static bool is_or_value(const struct tree *node)
{
    return node->kind == TREE_MACRO && node->use->macro->kind == MACRO_OR_VALUE;
}

/* How much of the spine from `leaf`, a variable, up to `top` its node covers. Behind a `?` all steps are optional. */
static void find_cover(struct compiler *c, const struct tree *leaf, const struct tree *top)
{
    struct cover *cover = &c->cover;
    struct json_step step;
    bool is_event = is_variable(c, leaf, CEL_VAR_EVENT), optional = false;
    size_t most = is_event ? PATH_STEPS_MAX : is_variable(c, leaf, CEL_VAR_HEADERS) ? 1 : 0;
    cover->last = leaf;
    cover->count = 0;
    cover->or_value = false;
    while (cover->count < most && cover->last != top && step_of(cover->last->up, &step) &&
           (is_event || (!step.is_index && !cover->last->up->optional))) {
        if (cover->last->up->optional && !optional) {
            cover->needed = cover->count;
            optional = true;
        }
        cover->steps[cover->count++] = step;
        cover->last = cover->last->up;
    }
    if (!optional)
        cover->needed = cover->count;
    if (optional && cover->last != top && is_or_value(cover->last->up)) {
        cover->last = cover->last->up;
        cover->or_value = true;
    } else if (is_event && !optional && cover->last != top && cover->last->up->kind == TREE_HAS) {
        cover->last = cover->last->up;
        cover->steps[cover->count++] = (struct json_step){.key = cover->last->name};
    }
}

/* The steps of a tree that is a constant path of some leaf and nothing else, in c->steps; the leaf. */
static const struct tree *find_path(struct compiler *c, const struct tree *node, size_t *count)
{
    size_t n = 0;
    const struct tree *leaf = node;
    struct json_step step;
    while (n < PATH_STEPS_MAX && !leaf->optional && step_of(leaf, &step)) {
        leaf = leaf->args[0];
        n++;
    }
    *count = n;
    for (; n > 0; node = node->args[0])
        step_of(node, &c->steps[--n]);
    return leaf;
}

/* A constant path of the event and nothing else, in c->steps. */
static bool whole_path(struct compiler *c, const struct tree *node, size_t *count)
{
    return is_variable(c, find_path(c, node, count), CEL_VAR_EVENT);
}

static void set_field(struct compiler *c, struct cel_node *node, struct json_path path,
                      const struct cel_value *constant)
{
    node->slot = add_slot(c, path);
    node->field = cel_slots_field(c->slots, c->arena, node->slot, constant);
}

/* ---- nodes ---- */

static bool find_test(const struct tree *node, enum cel_test *test)
{
    static const char names[][3] = {"==", "!=", "<", "<=", ">", ">="};
    if (node->kind != TREE_CALL || node->style != STYLE_INFIX)
        return false;
    for (int i = 0; i < 6; i++) {
        if (vx_span_is(node->name, names[i])) {
            *test = (enum cel_test)i;
            return true;
        }
    }
    return false;
}

/* field < constant, or constant < field: the field, the constant and the test as if the field came first. */
static bool find_compare(const struct tree *node, const struct tree **place, const struct cel_value **constant,
                         enum cel_test *test)
{
    static const uint8_t flipped[] = {TEST_EQ, TEST_NE, TEST_GT, TEST_GE, TEST_LT, TEST_LE};
    if (!find_test(node, test))
        return false;
    bool flip = node->args[0]->kind == TREE_CONST;
    *place = node->args[flip];
    *constant = &node->args[!flip]->value;
    if (flip)
        *test = (enum cel_test)flipped[*test];
    /* Ordering needs an overload for the constant; lists and null have none, equality takes everything. */
    return node->args[!flip]->kind == TREE_CONST &&
           (*test <= TEST_NE || ((MASK_KEY | MASK_DOUBLE) >> (*constant)->type & 1));
}

static bool compile_compare(struct compiler *c, const struct tree *node)
{
    size_t count;
    enum cel_test test;
    const struct tree *place;
    const struct cel_value *constant;
    if (!find_compare(node, &place, &constant, &test) || !whole_path(c, place, &count))
        return false;
    size_t at = add_node(c, NODE_COMPARE, node);
    set_field(c, &c->nodes[at], (struct json_path){c->steps, count}, constant);
    c->nodes[at].test = (uint8_t)test;
    return true;
}

/* The same of what a macro's name stands for: a look that settles most cases, in front of the nodes that settle all. */
static bool compile_glance(struct compiler *c, const struct tree *node)
{
    size_t count;
    enum cel_test test;
    const struct tree *place, *leaf;
    const struct cel_value *constant;
    if (!find_compare(node, &place, &constant, &test) ||
        (constant->type != CEL_INT && constant->type != CEL_DOUBLE &&
         (constant->type != CEL_STRING || test > TEST_NE)) ||
        (leaf = find_path(c, place, &count))->kind != TREE_LOCAL)
        return false;
    size_t at = add_node(c, NODE_COMPARE_LOCAL, node);
    struct cel_field *field = VX_ARENA_NEW(c->arena, struct cel_field);
    struct json_step *steps = VX_ARENA_ARRAY(c->arena, struct json_step, count);
    for (size_t i = 0; i < count; i++) {
        steps[i] = c->steps[i];
        if (!steps[i].is_index)
            steps[i].key = vx_arena_span(c->arena, steps[i].key);
    }
    field->path = (struct json_path){steps, count};
    field->constant = cel_copy(*constant, c->arena);
    c->nodes[at].field = field;
    c->nodes[at].number = leaf->variable;
    c->nodes[at].test = (uint8_t)test;
    return true;
}

/* The node of the path of the event in c->cover. */
static void compile_path(struct compiler *c)
{
    const struct tree *last = c->cover.last;
    const bool or_value = c->cover.or_value, optional = c->cover.needed < c->cover.count;
    const struct json_path path = {c->cover.steps, c->cover.count}, needed = {c->cover.steps, c->cover.needed};
    size_t at = add_node(c,
                         last->kind == TREE_HAS ? NODE_HAS_SLOT
                         : or_value             ? NODE_SLOT_OR
                         : optional             ? NODE_OPT_SLOT
                                                : NODE_SLOT,
                         last);
    set_field(c, &c->nodes[at], path, NULL);
    if (optional) {
        struct cel_field *field = VX_ARENA_NEW(c->arena, struct cel_field);
        struct json_path *before = VX_ARENA_NEW(c->arena, struct json_path);
        uint32_t parent = add_slot(c, needed);
        *before = c->slots->paths[parent];
        field->path = c->nodes[at].field->path;
        field->before = before;
        c->nodes[at].parent = parent;
        c->nodes[at].field = field;
    }
    if (or_value) {
        compile(c, last->args[1]);
        c->nodes[at].size = (uint32_t)(c->count - at);
    }
}

/* The node of what c->cover says. */
static void compile_variable(struct compiler *c, const struct tree *leaf)
{
    const struct cover *cover = &c->cover;
    size_t at;
    if (is_variable(c, leaf, CEL_VAR_EVENT)) {
        compile_path(c);
    } else if (cover->count > 0) {
        at = add_node(c, NODE_HEADER, cover->last);
        c->nodes[at].text = vx_arena_span(c->arena, cover->steps[0].key).at;
        c->nodes[at].name_len = (uint32_t)cover->steps[0].key.len;
    } else {
        at = add_node(c, c->env->is_event ? NODE_VAR : NODE_BINDING, leaf);
        c->nodes[at].variable = &c->env->vars[leaf->variable];
        c->nodes[at].number = leaf->variable;
    }
}

static void compile_leaf(struct compiler *c, const struct tree *node)
{
    static const uint8_t ops[] = {
        [TREE_CONST] = NODE_CONST, [TREE_FAIL] = NODE_FAIL,    [TREE_AND] = NODE_AND, [TREE_OR] = NODE_OR,
        [TREE_COND] = NODE_COND,   [TREE_LIST] = NODE_LIST,    [TREE_MAP] = NODE_MAP, [TREE_CALL] = NODE_CALL_NONE,
        [TREE_LOCAL] = NODE_LOCAL, [TREE_SPREAD] = NODE_SPREAD};
    size_t at = add_node(c, (enum cel_node_op)ops[node->kind], node);
    if (node->kind == TREE_CONST) {
        c->nodes[at].constant = keep(c, node->value);
        return;
    }
    if (node->kind == TREE_FAIL) {
        c->nodes[at].text = vx_arena_str(c->arena, node->message);
        return;
    }
    if (node->kind == TREE_LOCAL) {
        c->nodes[at].number = node->variable;
        return;
    }
    c->nodes[at].count = node->count;
    c->nodes[at].ops = node->ops.first;
    for (uint32_t i = 0; i < node->count; i++)
        compile(c, node->args[i]);
    c->nodes[at].size = (uint32_t)(c->count - at);
}

/* `x in [constants]`, where a set can stand for the list. */
static const struct cel_set *set_of(struct compiler *c, const struct tree *tree)
{
    bool is_in = tree->style == STYLE_INFIX && vx_span_is(tree->name, "in");
    if (!is_in || tree->args[1]->kind != TREE_CONST || tree->args[1]->value.type != CEL_LIST)
        return NULL;
    return cel_set_new(c->arena, tree->args[1]->value);
}

static enum cel_quick quick_operator(const struct tree *tree);

static void compile_call(struct compiler *c, const struct tree *tree, struct cel_node *node)
{
    node->set = set_of(c, tree);
    if (node->set) {
        node->op = NODE_IN_SET;
        return;
    }
    node->style = tree->style;
    if (tree->regex) {
        node->op = NODE_MATCH;
        node->regex = cel_slots_regex(c->slots, c->arena, tree->regex);
        return;
    }
    node->argc = (uint8_t)tree->count;
    node->mixed = tree->mixed;
    node->ops = tree->ops.first;
    node->op_count = tree->exact ? 0 : (uint32_t)tree->ops.count;
    node->test = (uint8_t)quick_operator(tree);
}

/* ---- comparisons of numbers ---- */

enum { QUICK_NODES_MAX = 24 };

static enum cel_quick quick_operator(const struct tree *tree)
{
    static const char *const names[] = {"", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*"};
    for (int i = QUICK_EQ; i <= QUICK_MUL && tree->style == STYLE_INFIX; i++) {
        if (vx_span_is(tree->name, names[i]))
            return (enum cel_quick)i;
    }
    return tree->count == 1 && vx_span_is(tree->name, "size") ? QUICK_SIZE : QUICK_NOT;
}

/* True when the node behind `at` on gives a number, as far as its shape tells; `quick` knows of those behind it. */
static bool is_quick(const struct cel_node *nodes, const bool *quick, size_t at)
{
    const struct cel_node *node = &nodes[at];
    size_t second = at + 1 < at + node->size ? at + 1 + nodes[at + 1].size : at;
    if (node->op == NODE_CONST)
        return node->constant->type == CEL_INT || node->constant->type == CEL_DOUBLE;
    if (node->op != NODE_CALL || node->test == QUICK_NOT)
        return node->op == NODE_SLOT;
    if (node->test == QUICK_SIZE)
        return nodes[at + 1].op == NODE_SLOT;
    return quick[at + 1] && quick[second] && node->size <= QUICK_NODES_MAX;
}

/* Leaves the mark on those comparisons that eval_quick.c can compute. */
static void mark_quick(struct compiler *c)
{
    bool *quick = calloc(c->count, sizeof *quick);
    vx_assert(quick != NULL);
    for (size_t at = c->count; at-- > 0;) {
        struct cel_node *node = &c->nodes[at];
        bool comparison = node->op == NODE_CALL && node->test != QUICK_NOT && node->test <= QUICK_GE;
        quick[at] = is_quick(c->nodes, quick, at);
        if (comparison && (!quick[at] || (node->test <= QUICK_NE && node->size == 3))) /* two fields: rarely numbers */
            node->test = QUICK_NOT;
        quick[at] &= !comparison;
    }
    free(quick);
}

/* True when the second argument, a constant, went into the node. */
static bool takes_one(const struct cel_node *node)
{
    return node->op == NODE_IN_SET || node->op == NODE_MATCH;
}

/* The node of a strict tree without its arguments. */
static void compile_strict(struct compiler *c, const struct tree *tree, uint32_t spine)
{
    static const uint8_t ops[] = {
        [TREE_CALL] = NODE_CALL, [TREE_HAS] = NODE_HAS, [TREE_SELECT] = NODE_SELECT, [TREE_MACRO] = NODE_MACRO};
    size_t at = add_node(c, (enum cel_node_op)ops[tree->kind], tree);
    struct cel_node *node = &c->nodes[at];
    node->spine = spine;
    if (tree->kind == TREE_CALL) {
        compile_call(c, tree, node);
    } else if (tree->kind == TREE_MACRO) {
        node->macro = tree->use->macro;
        node->local = tree->use->local;
        node->argc = (uint8_t)tree->count;
    } else {
        node->op = tree->optional ? NODE_SELECT_OPTIONAL : node->op;
        node->text = vx_arena_span(c->arena, tree->name).at;
        node->name_len = (uint32_t)tree->name.len;
    }
}

/* True for a comparison that compile_compare() makes one node of, inside a chain like `(event.a == 1) == event.b`. */
static bool is_compare(struct compiler *c, const struct tree *node)
{
    enum cel_test test;
    size_t count;
    return find_test(node, &test) && test <= TEST_NE && node->args[1]->kind == TREE_CONST &&
           whole_path(c, node->args[0], &count);
}

/* Prefix order: the spine from `top` down, its leaf, then from the leaf up the other arguments of each. */
static void compile(struct compiler *c, const struct tree *top)
{
    const struct tree *leaf = top, *last;
    uint32_t spine = 0;
    if (compile_compare(c, top))
        return;
    size_t glance = c->count;
    bool has_glance = compile_glance(c, top);
    size_t first = c->count;
    while (tree_is_strict(leaf) && leaf->count > 0 && (leaf == top || !is_compare(c, leaf)))
        leaf = leaf->args[0];
    last = leaf;
    if (leaf->kind == TREE_VAR) {
        find_cover(c, leaf, top);
        last = c->cover.last;
    }
    for (const struct tree *node = last; node != top; node = node->up)
        spine++;
    for (const struct tree *node = top; node != last; node = node->args[0])
        compile_strict(c, node, spine - (uint32_t)(c->count - first));
    if (leaf->kind == TREE_VAR)
        compile_variable(c, leaf);
    else if (!compile_compare(c, leaf))
        compile_leaf(c, leaf);
    for (const struct tree *node = last; node != top;) {
        node = node->up;
        for (uint32_t i = 1; i < node->count && !takes_one(&c->nodes[first + spine - 1]); i++)
            compile(c, node->args[i]);
        spine--;
        c->nodes[first + spine].size = (uint32_t)(c->count - first - spine);
    }
    if (has_glance)
        c->nodes[glance].size = (uint32_t)(c->count - glance);
}

const struct cel_program *cel_compile(struct vx_arena *arena, const struct cel_expr *expr, struct cel_slots *slots)
{
    struct compiler c = {.arena = arena, .slots = slots, .env = expr->env};
    compile(&c, expr->root);
    mark_quick(&c);
    struct cel_program *program = VX_ARENA_NEW(arena, struct cel_program);
    struct cel_node *nodes = VX_ARENA_ARRAY(arena, struct cel_node, c.count);
    uint32_t *ids = VX_ARENA_ARRAY(arena, uint32_t, c.id_count);
    memcpy(nodes, c.nodes, c.count * sizeof *nodes);
    if (c.id_count > 0)
        memcpy(ids, c.ids, c.id_count * sizeof *ids);
    free(c.nodes);
    free(c.ids);
    *program = (struct cel_program){nodes, c.count, ids, c.id_count, expr->reads, expr->env};
    return program;
}

const uint32_t *cel_program_slots(const struct cel_program *program, size_t *count)
{
    *count = program->slot_count;
    return program->slots;
}

bool cel_program_reads(const struct cel_program *program, const char *name)
{
    return cel_env_reads(program->env, program->reads, name);
}
