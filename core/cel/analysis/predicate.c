/* Typed tree → negation normal form over predicates. Load time, any one thread; results in the caller's arena.
 *
 * Why this is right. CEL's && and || are Kleene's strong connectives (a failure is the third value): `a && b` is true iff
 * both are true and false iff one is false; `a || b` the other way round; `!a` is true iff a is false, and false iff a is
 * true. So with T(e) = "e is true" and F(e) = "e is false"
 *
 *     T(a && b) = T(a) and T(b)      F(a && b) = F(a) or F(b)      T(!a) = F(a)
 *     T(a || b) = T(a) or T(b)       F(a || b) = F(a) and F(b)     F(!a) = T(a)
 *     T(c ? a : b) = (T(c) and T(a)) or (F(c) and T(b)), F alike: a failing c gives neither
 *
 * where the right sides are two-valued: a formula without negation over the T and F of the leaves. Each leaf with its
 * sign becomes a predicate; below, x is the value at a place, and every one fails, so is neither T nor F, where x is
 * missing or cannot be read:
 *
 *     x == c, x in [c…]    never fail otherwise: F is "there is an x that equals none"
 *     x != c               T and F of == exchanged
 *     x < c                fails unless x has the kind of c: T is x < c, F is x >= c, both of that kind. Order is total
 *                          on numbers (JSON has no NaN, a constant NaN is refused here) and on strings
 *     x.startsWith(c) …    fails unless x is a string
 *     x                    T: x is true; F: x is false; fails otherwise
 *     has(x)               see cel_predicate.negated
 *     (e) == true          for an e that can only give a bool: T(e) and F(e); the same for the other three
 *
 * Whatever is none of these is an EXPR, which is evaluated; that is always right, so giving up is always allowed.
 */
#include "core/cel/analysis/predicate.h"

#include "core/cel/analysis/analysis.h"
#include "core/cel/run/program.h"
#include "core/cel/regex/regex.h"

static const struct formula *normal_form(struct analysis *a, const struct tree *tree, bool negated);

/* ---- formulas ---- */

struct formula *formula_new(struct analysis *a, enum formula_kind kind)
{
    struct formula *f = VX_ARENA_NEW(a->arena, struct formula);
    f->kind = (uint8_t)kind;
    return f;
}

const struct formula *formula_constant(struct analysis *a, bool yes)
{
    return formula_new(a, yes ? FORMULA_TRUE : FORMULA_FALSE);
}

static const struct formula *leaf(struct analysis *a, struct cel_predicate predicate)
{
    struct formula *f = formula_new(a, FORMULA_PREDICATE);
    struct cel_predicate *kept = VX_ARENA_NEW(a->arena, struct cel_predicate);
    *kept = predicate;
    f->predicate = kept;
    return f;
}

static struct vx_span text_of(const struct analysis *a, const struct tree *tree)
{
    return vx_span(a->expr->text.at + tree->begin, tree->end - tree->begin);
}

const struct formula *formula_expr(struct analysis *a, const struct tree *tree, bool negated)
{
    return leaf(a, (struct cel_predicate){
                       .kind = CEL_PREDICATE_EXPR,
                       .negated = negated,
                       .tree = tree,
                       .text = text_of(a, tree),
                   });
}

const struct formula *formula_keys(struct analysis *a, enum cel_predicate_kind kind, bool negated,
                                   const struct cel_place *place, const struct cel_key *keys, uint32_t count)
{
    struct cel_predicate p = {.kind = (uint8_t)kind, .negated = negated, .place = *place, .count = count};
    struct cel_key *kept = VX_ARENA_ARRAY(a->arena, struct cel_key, count);
    if (count > 0)
        memcpy(kept, keys, count * sizeof *keys);
    p.keys = kept;
    return leaf(a, p);
}

static const struct formula *leaf_bool(struct analysis *a, const struct cel_place *place, bool negated)
{
    struct cel_key key = {.kind = negated ? CEL_KEY_FALSE : CEL_KEY_TRUE};
    return formula_keys(a, CEL_PREDICATE_IN, false, place, &key, 1);
}

const struct formula *formula_range(struct analysis *a, const struct cel_place *place, enum cel_test test,
                                    struct cel_key key)
{
    bool closed = test == TEST_LE || test == TEST_GE, low = test == TEST_GT || test == TEST_GE;
    struct cel_predicate p = {.kind = CEL_PREDICATE_RANGE, .place = *place, .count = 2};
    struct cel_key *keys = VX_ARENA_ARRAY(a->arena, struct cel_key, 2);
    keys[0] = keys[1] = key;
    p.keys = keys;
    *(low ? &p.low_bound : &p.high_bound) = closed ? CEL_BOUND_CLOSED : CEL_BOUND_OPEN;
    return leaf(a, p);
}

const struct formula *formula_pair(struct analysis *a, enum formula_kind kind, const struct formula *x,
                                   const struct formula *y)
{
    struct formula *f = formula_new(a, kind);
    f->args = VX_ARENA_ARRAY(a->arena, const struct formula *, 2);
    f->args[0] = x;
    f->args[1] = y;
    f->count = 2;
    return f;
}

/* ---- comparisons ---- */

static bool find_test(const struct tree *node, enum cel_test *test)
{
    static const char names[][3] = {"==", "!=", "<", "<=", ">", ">="};
    for (int i = 0; i < 6; i++) {
        if (vx_span_is(node->name, names[i])) {
            *test = (enum cel_test)i;
            return true;
        }
    }
    return false;
}

bool comparison_test(const struct tree *node, bool flip, bool negated, enum cel_test *test)
{
    static const uint8_t flipped[] = {TEST_EQ, TEST_NE, TEST_GT, TEST_GE, TEST_LT, TEST_LE};
    static const uint8_t opposite[] = {TEST_NE, TEST_EQ, TEST_GE, TEST_GT, TEST_LE, TEST_LT};
    enum cel_test found;
    if (!find_test(node, &found))
        return false;
    found = flip ? flipped[found] : found;
    *test = negated ? opposite[found] : found;
    return true;
}

/* A value compared with a constant, on either side. NULL: it is something else. */
static const struct formula *comparison(struct analysis *a, const struct tree *node, bool negated)
{
    enum cel_test test;
    struct cel_place place;
    struct cel_key key;
    bool flip = node->args[0]->kind == TREE_CONST;
    if (!comparison_test(node, flip, negated, &test))
        return NULL;
    const struct tree *inner = node->args[flip], *other = node->args[!flip];
    if (other->kind != TREE_CONST)
        return NULL;
    if (test <= TEST_NE && other->value.type == CEL_BOOL && inner->type.mask == MASK_BOOL)
        return normal_form(a, inner, (test == TEST_EQ) != other->value.boolean);
    if (!place_of(a, inner, &place) || !place_key(&other->value, place.kind == CEL_PLACE_TIMESTAMP, &key))
        return NULL;
    if (test <= TEST_NE)
        return formula_keys(a, CEL_PREDICATE_IN, test == TEST_NE, &place, &key, 1);
    if (key.kind != CEL_KEY_NUMBER && key.kind != CEL_KEY_STRING)
        return NULL;
    return formula_range(a, &place, test, key);
}

/* x in [c, c, …], and "name" in headers. */
static const struct formula *membership(struct analysis *a, const struct tree *node, bool negated)
{
    struct cel_place place = {0};
    const struct tree *left = node->args[0], *right = node->args[1];
    const struct cel_env *env = a->expr->env;
    if (env->is_event && right->kind == TREE_VAR && right->variable == CEL_VAR_HEADERS && left->kind == TREE_CONST &&
        left->value.type == CEL_STRING) {
        place.kind = CEL_PLACE_HEADER;
        place.header = left->value.s;
        return formula_keys(a, CEL_PREDICATE_HAS, negated, &place, NULL, 0);
    }
    if (right->kind != TREE_CONST || right->value.type != CEL_LIST || right->value.list.count > UINT32_MAX ||
        !place_of(a, left, &place))
        return NULL;
    uint32_t count = (uint32_t)right->value.list.count;
    struct cel_predicate p = {.kind = CEL_PREDICATE_IN, .negated = negated, .place = place};
    struct cel_key *keys = VX_ARENA_ARRAY(a->arena, struct cel_key, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!place_key(&right->value.list.at[i], place.kind == CEL_PLACE_TIMESTAMP, &keys[i]))
            return NULL;
    }
    p.keys = keys;
    p.count = cel_keys_sort(keys, count);
    return leaf(a, p);
}

/* Every string begins with the empty one: what begins with it is a string, and that is all. */
static const struct formula *leaf_text(struct analysis *a, enum cel_predicate_kind kind, bool negated,
                                       const struct cel_place *place, struct vx_span text)
{
    struct cel_key key = cel_key_string(text);
    if (text.len > 0)
        return formula_keys(a, kind, negated, place, &key, 1);
    return negated ? formula_constant(a, false) : formula_keys(a, CEL_PREDICATE_PREFIX, false, place, &key, 1);
}

/* x.matches("c"). Plain patterns are the tests that they stand for. */
static const struct formula *regex_test(struct analysis *a, const struct tree *node, bool negated)
{
    const struct cel_regex *regex = node->regex;
    const struct vx_span nothing = VX_SPAN_LITERAL("");
    struct cel_place place;
    if (!regex || node->count != 2 || node->args[1]->kind != TREE_CONST || !place_of(a, node->args[0], &place))
        return NULL;
    struct cel_key key = cel_key_string(regex->literal);
    switch (regex->plain) {
    case CEL_REGEX_ALWAYS:
        return leaf_text(a, CEL_PREDICATE_PREFIX, negated, &place, nothing);
    case CEL_REGEX_NEVER:
        return leaf_text(a, CEL_PREDICATE_PREFIX, !negated, &place, nothing);
    case CEL_REGEX_EQUAL:
        if (!negated)
            return formula_keys(a, CEL_PREDICATE_IN, false, &place, &key, 1);
        return formula_pair(a, FORMULA_AND, formula_keys(a, CEL_PREDICATE_IN, true, &place, &key, 1),
                            leaf_text(a, CEL_PREDICATE_PREFIX, false, &place, nothing));
    case CEL_REGEX_PREFIX:
        return leaf_text(a, CEL_PREDICATE_PREFIX, negated, &place, regex->literal);
    case CEL_REGEX_SUFFIX:
        return leaf_text(a, CEL_PREDICATE_SUFFIX, negated, &place, regex->literal);
    case CEL_REGEX_PART:
        return leaf_text(a, CEL_PREDICATE_CONTAINS, negated, &place, regex->literal);
    default:
        break;
    }
    struct cel_predicate p = {.kind = CEL_PREDICATE_MATCHES, .negated = negated, .place = place, .count = 1};
    struct cel_key *kept = VX_ARENA_NEW(a->arena, struct cel_key);
    *kept = cel_key_string(regex->pattern);
    p.keys = kept;
    p.tree = node;
    p.text = text_of(a, node);
    p.regex = regex;
    return leaf(a, p);
}

/* x.startsWith("c") and its kin. */
static const struct formula *text_test(struct analysis *a, const struct tree *node, bool negated)
{
    static const struct {
        const char *name;
        enum cel_predicate_kind kind;
    } tests[] = {
        {"startsWith", CEL_PREDICATE_PREFIX}, {"endsWith", CEL_PREDICATE_SUFFIX}, {"contains", CEL_PREDICATE_CONTAINS}};
    struct cel_place place;
    struct cel_key key;
    if (node->style != STYLE_RECEIVER || node->count != 2 || node->args[1]->kind != TREE_CONST)
        return NULL;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (vx_span_is(node->name, tests[i].name) && place_of(a, node->args[0], &place) &&
            place_key(&node->args[1]->value, false, &key) && key.kind == CEL_KEY_STRING)
            return leaf_text(a, tests[i].kind, negated, &place, key.text);
    }
    return NULL;
}

static const struct formula *call(struct analysis *a, const struct tree *node, bool negated)
{
    const struct formula *f = NULL;
    if (node->style == STYLE_INFIX)
        f = vx_span_is(node->name, "in") ? membership(a, node, negated) : comparison(a, node, negated);
    else
        f = node->regex ? regex_test(a, node, negated) : text_test(a, node, negated);
    return f ? f : formula_expr(a, node, negated);
}

/* has(event.a.b), has(headers.a). */
static const struct formula *presence(struct analysis *a, const struct tree *node, bool negated)
{
    struct cel_place place;
    if (!place_of(a, node, &place) || place.lower)
        return formula_expr(a, node, negated);
    return formula_keys(a, CEL_PREDICATE_HAS, negated, &place, NULL, 0);
}

/* ---- connectives ---- */

/* `and`/`or` of the forms of all arguments; neighbours that ask for a value of the same place become one set. */
static const struct formula *connective(struct analysis *a, const struct tree *node, bool negated)
{
    bool is_or = (node->kind == TREE_OR) != negated;
    struct formula *f = formula_new(a, is_or ? FORMULA_OR : FORMULA_AND);
    f->args = VX_ARENA_ARRAY(a->arena, const struct formula *, node->count);
    for (uint32_t i = 0; i < node->count; i++)
        f->args[f->count++] = normal_form(a, node->args[i], negated);
    formula_join_sets(a->arena, f);
    return f;
}

static const struct formula *choice(struct analysis *a, const struct tree *node, bool negated)
{
    const struct formula *yes =
        formula_pair(a, FORMULA_AND, normal_form(a, node->args[0], false), normal_form(a, node->args[1], negated));
    const struct formula *no =
        formula_pair(a, FORMULA_AND, normal_form(a, node->args[0], true), normal_form(a, node->args[2], negated));
    return formula_pair(a, FORMULA_OR, yes, no);
}

static const struct formula *inner_form(struct analysis *a, const struct tree *tree, bool negated)
{
    struct cel_place place;
    switch (tree->kind) {
    case TREE_CONST:
        return formula_constant(a, tree->value.type == CEL_BOOL && tree->value.boolean != negated);
    case TREE_FAIL:
        return formula_constant(a, false);
    case TREE_AND:
    case TREE_OR:
        return connective(a, tree, negated);
    case TREE_COND:
        return choice(a, tree, negated);
    case TREE_HAS:
        return presence(a, tree, negated);
    default:
        break;
    }
    if (tree->kind == TREE_CALL && tree->style == STYLE_PREFIX && vx_span_is(tree->name, "!"))
        return normal_form(a, tree->args[0], !negated);
    if (formula_is_exists(tree) && !negated)
        return formula_exists(a, tree);
    if (place_of(a, tree, &place) && !place.lower)
        return leaf_bool(a, &place, negated);
    return tree->kind == TREE_CALL ? call(a, tree, negated) : formula_expr(a, tree, negated);
}

/* T(tree), or F(tree) where it is `negated`. */
static const struct formula *normal_form(struct analysis *a, const struct tree *tree, bool negated)
{
    if (a->nodes++ >= ANALYSIS_NODES_MAX || a->depth >= ANALYSIS_DEPTH_MAX)
        return formula_expr(a, tree, negated);
    a->depth++;
    const struct formula *f = inner_form(a, tree, negated);
    a->depth--;
    return f;
}

struct cel_clauses cel_clauses_of(struct vx_arena *arena, const struct cel_expr *expr, size_t *contradictions)
{
    struct analysis a = {.arena = arena, .expr = expr};
    size_t ignored = 0;
    return clauses_make(arena, normal_form(&a, expr->root, false), contradictions ? contradictions : &ignored);
}

/* `reads` stays that of the whole: a little too much does no harm. */
const struct cel_program *cel_predicate_compile(struct vx_arena *arena, const struct cel_expr *expr,
                                                const struct cel_predicate *predicate, struct cel_slots *slots)
{
    struct cel_expr part = *expr;
    part.root = predicate->tree;
    return cel_compile(arena, &part, slots);
}
