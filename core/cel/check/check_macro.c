/* The checker of macros: what their names stand for, which types come out, and what is constant about them.
 *
 * Load time, any one thread; called by the walk in check.c once the first argument is checked. A macro over a constant
 * whose bodies look at nothing but its own names is run here, by the evaluator, within the budget of folding; what is
 * constant inside a body has been folded by then as anywhere else.
 */
#include <stdio.h>

#include "core/cel/check/check.h"
#include "core/cel/env.h"
#include "core/cel/run/program.h"
#include "core/cel/values.h"

enum { BOUND_TEXT_MAX_BYTES = 64 };

/* False, and refused, where what the macro works on is none of `wanted`. */
static bool check_subject(struct checker *c, struct tree *node, uint32_t wanted, const char *what)
{
    const struct cel_macro *macro = node->use->macro;
    const struct tree *subject = node->args[0];
    char type[CEL_STYPE_TEXT_SIZE];
    if (!c->env->strict || (subject->type.mask & wanted))
        return true;
    cel_refuse(c, node, node->offset, node->len, "%s() works on %s, as in %s, not on %s", macro->name, what,
               macro->usage, cel_stype_print(subject->type, type));
    return false;
}

/* ---- the types of names ---- */

/* The one of two types that a subject leads to: a list or a map; both where it may be either. */
static struct cel_stype choose(struct checker *c, struct cel_stype subject, struct cel_stype list, struct cel_stype map)
{
    if (!(subject.mask & MASK_MAP))
        return list;
    return subject.mask & MASK_LIST ? cel_stype_join(c->arena, list, map) : map;
}

/* What the first of two names stands for: the index in a list, the key in a map. */
static struct cel_stype type_of_key(struct checker *c, struct cel_stype subject)
{
    return choose(c, subject, cel_stype_of(MASK_INT), subject.key ? *subject.key : cel_stype_any);
}

/* What a single name stands for: an element of a list, a key of a map. */
static struct cel_stype type_of_element(struct checker *c, struct cel_stype subject)
{
    return choose(c, subject, cel_stype_inside(subject), subject.key ? *subject.key : cel_stype_any);
}

static struct cel_stype type_of_var(struct checker *c, const struct tree *node, uint8_t number)
{
    const struct cel_stype subject = node->args[0]->type;
    const struct cel_macro *macro = node->use->macro;
    if (macro->kind == MACRO_BIND)
        return subject;
    if (macro->kind > MACRO_BIND || number == 1)
        return cel_stype_inside(subject);
    return macro->var_count == 2 ? type_of_key(c, subject) : type_of_element(c, subject);
}

/* A bound constant that may stand wherever its name does: small, since every place gets a copy. */
static const struct cel_value *bound_constant(const struct checker *c, const struct tree *node)
{
    const struct tree *subject = node->args[0];
    const struct cel_value *v = &subject->value;
    if (node->use->macro->kind != MACRO_BIND || subject->kind != TREE_CONST || c->call.steps == 0)
        return NULL;
    if (v->type == CEL_STRING || v->type == CEL_BYTES)
        return v->s.len <= BOUND_TEXT_MAX_BYTES ? v : NULL;
    return v->type == CEL_LIST || v->type == CEL_MAP || v->type == CEL_OPTIONAL ? NULL : v;
}

/* Checks the bodies with the names known. */
static void check_bodies(struct checker *c, struct tree *node)
{
    const uint8_t var_count = node->use->macro->var_count;
    const struct scope *outer = c->scope;
    struct scope scopes[CEL_MACRO_VARS_MAX];
    node->use->local = c->local_count;
    vx_assert(var_count <= CEL_MACRO_VARS_MAX && c->local_count + var_count <= CEL_LOCALS_MAX);
    for (uint8_t i = 0; i < var_count; i++) {
        scopes[i] = (struct scope){.name = node->use->vars[i],
                                   .type = type_of_var(c, node, i),
                                   .constant = bound_constant(c, node),
                                   .local = c->local_count++,
                                   .outer = c->scope};
        c->scope = &scopes[i];
    }
    for (uint32_t i = 1; i < node->count && !c->failed; i++)
        cel_check_tree(c, node->args[i]);
    c->scope = outer;
    c->local_count = (uint8_t)(c->local_count - var_count);
}

/* ---- what comes out ---- */

static struct cel_stype list_of(struct checker *c, struct cel_stype elem)
{
    struct cel_stype *inner = VX_ARENA_NEW(c->arena, struct cel_stype);
    *inner = elem;
    return (struct cel_stype){.mask = MASK_LIST, .elem = inner};
}

static struct cel_stype map_of(struct checker *c, struct cel_stype key, struct cel_stype elem)
{
    struct cel_stype *inner = VX_ARENA_ARRAY(c->arena, struct cel_stype, 2);
    inner[0] = key;
    inner[1] = elem;
    return (struct cel_stype){.mask = MASK_MAP, .key = &inner[0], .elem = &inner[1]};
}

/* The body of a macro that can only fail because of its type. */
static void check_body_type(struct checker *c, struct tree *node, struct tree *body, uint32_t wanted, const char *what)
{
    char type[CEL_STYPE_TEXT_SIZE];
    if (c->env->strict && body->kind != TREE_FAIL && !(body->type.mask & wanted))
        cel_refuse(c, body, body->begin, body->end - body->begin, "the last argument of %s() must be %s, not %s",
                   node->use->macro->name, what, cel_stype_print(body->type, type));
}

static void check_result(struct checker *c, struct tree *node)
{
    const struct cel_stype subject = node->args[0]->type;
    struct tree *body = node->args[node->count - 1];
    char what[64];
    snprintf(what, sizeof what, "the condition of `%s()`", node->use->macro->name);
    if (node->use->macro->filtered)
        cel_check_bool(c, node->args[1], what);
    switch (node->use->macro->kind) {
    case MACRO_ALL:
    case MACRO_EXISTS:
    case MACRO_EXISTS_ONE:
        cel_check_bool(c, body, what);
        node->type = cel_stype_of(MASK_BOOL);
        break;
    case MACRO_MAP:
        node->type = list_of(c, body->type);
        break;
    case MACRO_FILTER:
        cel_check_bool(c, body, what);
        node->type = list_of(c, type_of_element(c, subject));
        break;
    case MACRO_TRANSFORM_MAP:
        node->type = map_of(c, type_of_key(c, subject), body->type);
        break;
    case MACRO_TRANSFORM_ENTRY:
        check_body_type(c, node, body, MASK_MAP, "a map");
        node->type = cel_stype_of(MASK_MAP);
        node->type.key = body->type.key;
        node->type.elem = body->type.elem;
        break;
    case MACRO_OPT_MAP:
        node->type = cel_stype_optional(c->arena, body->type);
        break;
    case MACRO_OPT_FLAT_MAP:
        check_body_type(c, node, body, MASK_OPTIONAL, "an optional");
        node->type = body->type;
        break;
    case MACRO_OR:
        check_body_type(c, node, body, MASK_OPTIONAL, "an optional");
        node->type = cel_stype_join(c->arena, subject, body->type);
        break;
    case MACRO_OR_VALUE:
        node->type = cel_stype_join(c->arena, cel_stype_inside(subject), body->type);
        break;
    default: /* BIND */
        node->type = body->type;
    }
}

/* ---- folding ---- */

/* True when `node` looks at nothing but constants and the names from number `local` on. */
static bool is_closed(const struct tree *node, uint8_t local)
{
    for (;;) {
        if (node->kind == TREE_VAR || (node->kind == TREE_LOCAL && node->variable < local))
            return false;
        for (uint32_t i = 1; i < node->count; i++) {
            if (!is_closed(node->args[i], local))
                return false;
        }
        if (node->count == 0)
            return true;
        node = node->args[0];
    }
}

/* Runs the macro, as it would run for an event. */
static void run(struct checker *c, struct tree *node)
{
    struct vx_arena scratch = {0}, *own = c->call.arena;
    struct cel_slots slots = {0};
    struct cel_value value;
    const struct cel_expr expr = {.text = c->text, .env = c->env, .root = node};
    const struct cel_program *program = cel_compile(&scratch, &expr, &slots);
    c->call.arena = &scratch;
    if (cel_eval_call(program, &c->call, &value)) {
        cel_make_const(node, cel_copy(value, c->arena));
    } else if (c->call.steps > 0) {
        const char *text = vx_arena_str(c->arena, cel_failure_text(&c->call.failure, NULL, &scratch));
        cel_make_fail(node, text, c->call.failure.offset, 1);
    }
    c->call.arena = own;
    cel_slots_done(&slots);
    vx_arena_done(&scratch);
}

static void fold(struct checker *c, struct tree *node)
{
    const struct cel_value *subject = &node->args[0]->value;
    const uint8_t kind = node->use->macro->kind;
    if (node->args[0]->kind != TREE_CONST || c->call.steps == 0)
        return;
    if (bound_constant(c, node) || (kind >= MACRO_OR && subject->type == CEL_OPTIONAL && !subject->some)) {
        cel_become(node, node->args[1]);
        return;
    }
    if (kind >= MACRO_OR && subject->type == CEL_OPTIONAL) {
        cel_make_const(node, kind == MACRO_OR ? *subject : *subject->some);
        return;
    }
    for (uint32_t i = 1; i < node->count; i++) {
        if (!is_closed(node->args[i], node->use->local))
            return;
    }
    run(c, node);
}

void cel_check_macro(struct checker *c, struct tree *node)
{
    const struct tree *subject = node->args[0];
    bool lists = node->use->macro->kind<MACRO_BIND, optionals = node->use->macro->kind> MACRO_BIND;
    if (subject->kind == TREE_FAIL) {
        cel_make_fail(node, subject->message, subject->offset, subject->len);
        return;
    }
    if ((lists && !check_subject(c, node, MASK_LIST | MASK_MAP, "a list or a map")) ||
        (optionals && !check_subject(c, node, MASK_OPTIONAL, "an optional")))
        return;
    check_bodies(c, node);
    if (!c->failed)
        check_result(c, node);
    if (!c->failed)
        fold(c, node);
}
