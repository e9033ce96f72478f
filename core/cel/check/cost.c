/* The cost of an expression: an upper bound of the steps of one evaluation, known before any event is seen.
 *
 * Load time, any one thread. What an event will hold is not known, so it is assumed (cel.h): all its lists and maps
 * together hold CEL_COST_ELEMENTS values, nested ones included, with 16 bytes of text each; a value that is compared or
 * added without being known to be a list or a map is a text of CEL_COST_TEXT_BYTES; a double that becomes a text has 15
 * digits at most. The budget of an evaluation does not
 * rest on that: an event that holds more may run out of steps, and then the expression fails.
 *
 * A bound is linear in the sizes of what names of macros stand for, because the lists inside the elements of a list hold
 * no more in all than the list does:
 *
 *     event.items.exists(x, x.tags.exists(t, t == "a"))         x.tags: as many as there are elements in all; linear
 *     event.items.exists(x, event.tags.exists(t, t == x.tag))   every tag for every item; quadratic, refused
 *
 * Where two such sizes meet in a product, one of them is taken for the whole event.
 */
#include "core/cel/check/cost.h"

#include "core/cel/env.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/run/set.h"
#include "core/cel/values.h"

enum { TRACKED = 8, TEXT_STEPS = CEL_COST_TEXT_BYTES / 64, HEADERS = 64 };
enum { SORT_STEPS = 4 }; /* for each key of a map that is sorted, of 2^16 at most */

/* fixed + Σ per[n] × (the size of what the name n stands for) */
struct linear {
    uint64_t fixed;
    uint64_t per[TRACKED]; /* of names beyond that: in `fixed`, taken for the whole event */
};

struct bound {
    struct linear cost;  /* steps */
    struct linear size;  /* values, this one and all inside */
    struct linear count; /* elements of a list, keys of a map */
    bool path;           /* a constant path of the event: read by the scanner, whatever its length */
    bool made;           /* a list or a map that the expression makes: to go over it costs no text */
};

struct counter {
    const struct cel_env *env;
    const struct tree *worst; /* the innermost macro that is too much */
    uint64_t rounds, each;    /* of that: so often, so many steps */
};

static uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static struct linear fixed(uint64_t n)
{
    return (struct linear){.fixed = n};
}

static struct linear sum(struct linear a, struct linear b)
{
    a.fixed = plus(a.fixed, b.fixed);
    for (int i = 0; i < TRACKED; i++)
        a.per[i] = plus(a.per[i], b.per[i]);
    return a;
}

static struct linear larger(struct linear a, struct linear b)
{
    a.fixed = a.fixed > b.fixed ? a.fixed : b.fixed;
    for (int i = 0; i < TRACKED; i++)
        a.per[i] = a.per[i] > b.per[i] ? a.per[i] : b.per[i];
    return a;
}

static struct linear scaled(struct linear a, uint64_t n)
{
    a.fixed = times(a.fixed, n);
    for (int i = 0; i < TRACKED; i++)
        a.per[i] = times(a.per[i], n);
    return a;
}

/* With every name taken for the whole event. */
static uint64_t most(struct linear a)
{
    uint64_t n = a.fixed;
    for (int i = 0; i < TRACKED; i++)
        n = plus(n, times(a.per[i], CEL_COST_ELEMENTS));
    return n;
}

static struct linear product(struct linear a, struct linear b)
{
    bool constant = most(a) == a.fixed;
    return constant ? scaled(b, a.fixed) : scaled(a, most(b));
}

/* `a` with the size of the name `local` known. */
static struct linear put(struct linear a, uint8_t local, struct linear size)
{
    if (local >= TRACKED || a.per[local] == 0)
        return a;
    uint64_t n = a.per[local];
    a.per[local] = 0;
    return sum(a, scaled(size, n));
}

static struct linear smaller(struct linear a, struct linear b)
{
    return most(a) < most(b) ? a : b;
}

/* ---- leaves ---- */

static uint64_t size_of(struct cel_value v)
{
    uint64_t n = 1;
    for (size_t i = 0; v.type == CEL_LIST && i < v.list.count; i++)
        n += size_of(v.list.at[i]);
    for (size_t i = 0; v.type == CEL_MAP && i < v.map.count; i++)
        n += size_of(v.map.at[i].key) + size_of(v.map.at[i].value);
    return n + (v.type == CEL_OPTIONAL && v.some ? size_of(*v.some) : 0);
}

static struct bound of_constant(struct cel_value v)
{
    uint64_t count = v.type == CEL_LIST ? v.list.count : v.type == CEL_MAP ? v.map.count : 1;
    return (struct bound){.cost = fixed(1), .size = fixed(size_of(v)), .count = fixed(count), .made = true};
}

/* Nothing is inside a number. */
static struct bound settled(const struct tree *node, struct bound b)
{
    if (!(node->type.mask & (MASK_LIST | MASK_MAP | MASK_OPTIONAL)))
        b.size = b.count = fixed(1);
    return b;
}

static struct bound of_variable(const struct counter *c, const struct tree *node)
{
    struct bound b = {.cost = fixed(1), .size = fixed(CEL_COST_ELEMENTS), .count = fixed(CEL_COST_ELEMENTS)};
    if (!c->env->is_event)
        return b;
    b.path = node->variable == CEL_VAR_EVENT;
    if (node->variable == CEL_VAR_HEADERS)
        b.size = b.count = fixed(HEADERS);
    if (!b.path)
        b.cost = fixed(1 + TEXT_STEPS); /* the key is checked to be UTF-8 */
    return settled(node, b);
}

static struct bound of_local(const struct tree *node)
{
    struct bound b = {.cost = fixed(1)};
    if (node->variable < TRACKED)
        b.size.per[node->variable] = 1;
    else
        b.size = fixed(CEL_COST_ELEMENTS);
    b.count = b.size;
    return settled(node, b);
}

/* ---- calls ---- */

/* What reading a value as a text takes. */
static uint64_t text_steps(const struct tree *arg)
{
    if (!(arg->type.mask & (MASK_STRING | MASK_BYTES)))
        return 0;
    return arg->kind == TREE_CONST && arg->value.type >= CEL_STRING ? arg->value.s.len / 64 : TEXT_STEPS;
}

/* What going over a value takes: its elements, and where it is JSON the text of all that is inside. */
static struct linear walk_steps(struct bound b)
{
    return b.made ? b.count : sum(b.count, b.size);
}

static bool is_container(const struct tree *node)
{
    return !(node->type.mask & ~(uint32_t)(MASK_LIST | MASK_MAP | MASK_OPTIONAL));
}

static bool is_comparison(struct vx_span name)
{
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (vx_span_is(name, names[i]))
            return true;
    }
    return false;
}

static struct linear cost_in(const struct tree *node, const struct bound args[])
{
    const struct tree *list = node->args[1];
    struct linear cost = fixed(text_steps(node->args[0]) + 4);
    if (list->kind == TREE_CONST && list->value.type == CEL_LIST && cel_set_fits(list->value))
        return cost;
    return sum(cost, walk_steps(args[1]));
}

static struct linear cost_of_index(const struct tree *node, const struct bound args[])
{
    bool list = node->args[0]->type.mask == MASK_LIST;
    if (args[0].path && node->args[1]->kind == TREE_CONST)
        return fixed(1);
    return sum(fixed(2 + TEXT_STEPS), args[0].made && list ? fixed(0) : walk_steps(args[0]));
}

/* Two lists are compared to the end of the shorter one; of maps the keys are counted first, and sorted. */
static struct linear cost_of_comparison(const struct tree *a, const struct tree *b, const struct bound args[])
{
    uint32_t both = a->type.mask & b->type.mask;
    uint64_t left = text_steps(a), right = text_steps(b);
    /* A text differs from what is none without a look. */
    struct linear cost = fixed(left < right ? left : right);
    if (!is_container(a) && !is_container(b))
        return cost;
    if (both & (MASK_LIST | MASK_OPTIONAL))
        cost = sum(cost, scaled(smaller(args[0].size, args[1].size), 4));
    if (both & MASK_MAP)
        cost = sum(cost, scaled(sum(args[0].size, args[1].size), 4 + SORT_STEPS));
    return cost;
}

/* The steps that an operator or a function takes itself. */
static struct linear cost_of_call(const struct tree *node, const struct bound args[])
{
    struct linear cost = fixed(1);
    bool size = vx_span_is(node->name, "size"), string = vx_span_is(node->name, "string");
    if (vx_span_is(node->name, "in"))
        return cost_in(node, args);
    if (node->style == STYLE_INDEX)
        return cost_of_index(node, args);
    if (is_comparison(node->name))
        return sum(cost, cost_of_comparison(node->args[0], node->args[1], args));
    for (uint32_t i = 0; i < node->count; i++) {
        uint64_t steps = text_steps(node->args[i]);
        if (string && (node->args[i]->type.mask & MASK_DOUBLE) && steps < CEL_DOUBLE_TEXT_STEPS)
            steps = CEL_DOUBLE_TEXT_STEPS;
        cost = sum(cost, fixed(steps));
        if (is_container(node->args[i]) || size)
            cost = sum(cost, sum(walk_steps(args[i]), args[i].size));
    }
    return cost;
}

static struct bound walk(struct counter *c, const struct tree *top);

static struct bound of_call(struct counter *c, const struct tree *node, struct bound first)
{
    struct bound args[CEL_ARGS_MAX] = {first}, b = {.made = node->style != STYLE_INDEX};
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            args[i] = walk(c, node->args[i]);
        b.cost = sum(b.cost, args[i].cost);
        b.size = sum(b.size, args[i].size);
        b.count = sum(b.count, args[i].count);
        b.made &= args[i].made || (node->type.mask == MASK_LIST && node->style == STYLE_INFIX);
    }
    b.cost = sum(b.cost, cost_of_call(node, args));
    if (node->style == STYLE_INDEX) {
        b.path = first.path && node->args[1]->kind == TREE_CONST;
        b.size = b.count = first.size;
    }
    return settled(node, b);
}

static struct bound of_select(const struct tree *node, struct bound b)
{
    b.cost = sum(b.cost, fixed(1 + node->optional));
    if (!b.path)
        b.cost = sum(b.cost, walk_steps(b));
    if (node->kind == TREE_HAS)
        b.path = false;
    b.made = false;
    b.count = b.size;
    return settled(node, b);
}

/* ---- macros ---- */

/* What the body comes to over all rounds: `what` of one round, with the names put in. */
static struct linear over_rounds(const struct tree *node, struct linear what, struct linear rounds, struct linear size)
{
    struct linear inside = fixed(0);
    for (uint8_t i = 0; i < node->use->macro->var_count; i++) {
        uint8_t local = (uint8_t)(node->use->local + i);
        if (local < TRACKED) {
            inside.per[local] = what.per[local];
            what.per[local] = 0;
            inside = put(inside, local, size);
        }
    }
    return sum(product(what, rounds), inside);
}

static struct bound of_macro(struct counter *c, const struct tree *node, struct bound subject)
{
    const uint8_t kind = node->use->macro->kind;
    const bool loop = kind < MACRO_BIND;
    struct linear rounds = loop ? subject.count : fixed(1), round = fixed(2);
    struct bound body = {.made = false}, b = {.cost = subject.cost};
    for (uint32_t i = 1; i < node->count; i++) {
        body = walk(c, node->args[i]);
        round = sum(round, body.cost);
    }
    b.cost = sum(b.cost, over_rounds(node, round, rounds, subject.size));
    b.cost = sum(b.cost, loop ? sum(walk_steps(subject), fixed(1)) : fixed(2));
    b.made = kind < MACRO_BIND || (body.made && kind < MACRO_OR);
    if (kind == MACRO_FILTER) {
        b.size = subject.size;
        b.count = subject.count;
    } else if (kind >= MACRO_OR) {
        b.size = larger(subject.size, body.size);
        b.count = larger(subject.size, body.count);
    } else {
        b.size = sum(over_rounds(node, body.size, rounds, subject.size), sum(rounds, fixed(1)));
        b.count = loop && kind != MACRO_TRANSFORM_ENTRY ? rounds : over_rounds(node, body.count, rounds, subject.size);
    }
    /* What is made is paid for once more when it is put together. */
    if (loop && b.made && is_container(node))
        b.cost = sum(b.cost, scaled(b.count, node->type.mask & MASK_MAP ? 2 + SORT_STEPS : 2));
    if (loop && !c->worst && most(b.cost) > CEL_STEPS_MAX) {
        c->worst = node;
        c->rounds = most(rounds);
        c->each = most(round);
    }
    return settled(node, b);
}

/* ---- the rest ---- */

/* && and ||, lists and maps: all the parts. */
static struct bound of_parts(struct counter *c, const struct tree *node)
{
    bool holds = node->kind == TREE_LIST || node->kind == TREE_MAP;
    struct bound b = {.cost = fixed(1), .size = fixed(1), .made = true};
    for (uint32_t i = 0; i < node->count; i++) {
        struct bound part = walk(c, node->args[i]);
        b.cost = sum(b.cost, sum(part.cost, fixed(node->kind == TREE_MAP ? SORT_STEPS : holds ? 2 : 0)));
        b.size = sum(b.size, part.size);
    }
    b.count = fixed(node->kind == TREE_MAP ? node->count / 2 : node->count);
    return settled(node, b);
}

static struct bound of_cond(struct counter *c, const struct tree *node)
{
    struct bound cond = walk(c, node->args[0]), yes = walk(c, node->args[1]), no = walk(c, node->args[2]);
    struct bound b = {.cost = sum(sum(cond.cost, fixed(1)), larger(yes.cost, no.cost)),
                      .size = larger(yes.size, no.size),
                      .count = larger(yes.count, no.count),
                      .made = yes.made && no.made};
    return settled(node, b);
}

static struct bound of_leaf(struct counter *c, const struct tree *node)
{
    switch (node->kind) {
    case TREE_CONST:
        return of_constant(node->value);
    case TREE_VAR:
        return of_variable(c, node);
    case TREE_LOCAL:
        return of_local(node);
    case TREE_COND:
        return of_cond(c, node);
    case TREE_SPREAD:
        return walk(c, node->args[0]);
    default:
        return of_parts(c, node);
    }
}

/* Down the spine of first arguments in a loop, then up again. */
static struct bound walk(struct counter *c, const struct tree *top)
{
    const struct tree *node = top;
    while (tree_is_strict(node) && node->count > 0)
        node = node->args[0];
    struct bound b = of_leaf(c, node);
    b.cost.fixed += node != top; /* to enter the spine */
    while (node != top) {
        node = node->up;
        b = node->kind == TREE_CALL    ? of_call(c, node, b)
            : node->kind == TREE_MACRO ? of_macro(c, node, b)
                                       : of_select(node, b);
    }
    return b;
}

bool cel_cost_check(const struct tree *root, const struct cel_env *env, uint64_t *cost, struct cel_error *error)
{
    struct counter c = {.env = env};
    *cost = most(walk(&c, root).cost);
    if (*cost <= CEL_STEPS_MAX || !env->strict)
        return true;
    if (!c.worst)
        return cel_error_set(error, root->begin, root->end - root->begin,
                             "this may take %llu steps, and %d are allowed; split it into several",
                             (unsigned long long)*cost, CEL_STEPS_MAX);
    return cel_error_set(error, c.worst->offset, c.worst->len,
                         "%s() may take %llu rounds of up to %llu steps here, and %d steps are allowed in all; do not "
                         "walk the event again for every element: bind what stays the same before (cel.bind), or take "
                         "both names of a map (k, v)",
                         c.worst->use->macro->name, (unsigned long long)c.rounds, (unsigned long long)c.each,
                         CEL_STEPS_MAX);
}
