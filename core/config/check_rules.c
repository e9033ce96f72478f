/* Rules that can never match, where that can be proved: conditions that are false whatever the event is, and conditions
 * that earlier rules cover. Warnings only, for order decides and somebody may be in the middle of a change. Load-time only;
 * any one thread.
 *
 * A condition is an "or" of clauses (core/cel/analysis/predicate.h). It is covered when each of its clauses implies a clause of an
 * earlier rule. To find that one without looking at all: a clause is filed under one of its predicates, by place and, of
 * a set of values, by each value; whatever implies it asks about the same place, and if that is a set, for some of the
 * same values. So a rule looks only under its own places and values, and there at no more than CANDIDATES_MAX: the work
 * is linear in the rules, and what is not found is only not warned about.
 */
#include "core/base/hash.h"
#include "core/cel/analysis/predicate.h"
#include "core/config/check.h"

enum {
    CANDIDATES_MAX = 32, /* clauses looked at under one place */
    CLAUSES_MAX = 64,    /* of a condition that is looked at */
    KEYS_MAX = 16,       /* values of a set that is filed by value */
};

/* A clause of an earlier rule. */
struct cover {
    const struct config_rule *rule;
    const struct cel_clause *clause;
    uint64_t hash;
    struct cover *next; /* of the same bucket, later rules first */
};

struct rules_check {
    struct loader *l;
    const struct config_routing *routing;
    struct vx_arena scratch; /* clauses and covers of one routing */
    struct cover **buckets;
    size_t mask;
    const struct config_rule **by_text; /* by the hash of the condition as written */
    struct vx_span *texts;
};

/* True when the condition folds to the constant `value`. */
static bool always(const struct config_rule *rule, bool value)
{
    if (!rule->when.cel)
        return value && !rule->when.node;
    const struct cel_value *constant = cel_expr_constant(rule->when.cel);
    return constant && constant->type == CEL_BOOL && constant->boolean == value;
}

static const struct config_node *name_node(const struct config_rule *rule)
{
    const struct config_node *name = config_node_find(rule->node, "name");
    return name ? name : rule->node; /* a rule without a name, which is a finding of its own */
}

/* ---- covers ---- */

static uint64_t place_hash(const struct cel_predicate *p)
{
    return p->kind == CEL_PREDICATE_EXPR ? vx_hash64(p->text) : cel_place_hash(&p->place);
}

static uint64_t key_hash(const struct cel_predicate *p, uint32_t key)
{
    return (place_hash(p) ^ cel_key_hash(&p->keys[key])) * 0x9e3779b97f4a7c15ull;
}

static bool is_set(const struct cel_predicate *p)
{
    return p->kind == CEL_PREDICATE_IN && !p->negated && p->count > 0;
}

static void file_under(struct rules_check *c, const struct config_rule *rule, const struct cel_clause *clause,
                       uint64_t hash)
{
    struct cover *cover = VX_ARENA_NEW(&c->scratch, struct cover);
    struct cover **bucket = &c->buckets[(hash ^ hash >> 32) & c->mask];
    *cover = (struct cover){rule, clause, hash, *bucket};
    *bucket = cover;
}

/* Files a clause where all that imply it will look. */
static void file_clause(struct rules_check *c, const struct config_rule *rule, const struct cel_clause *clause)
{
    const struct cel_predicate *best = NULL;
    if (clause->whole || clause->count == 0)
        return;
    for (uint32_t i = 0; i < clause->count; i++) {
        const struct cel_predicate *p = clause->predicates[i];
        if (is_set(p) && p->count <= KEYS_MAX && (!best || p->count < best->count))
            best = p;
    }
    if (!best) {
        file_under(c, rule, clause, place_hash(clause->predicates[0]));
        return;
    }
    for (uint32_t i = 0; i < best->count; i++)
        file_under(c, rule, clause, key_hash(best, i));
}

static bool same_action(const struct config_action *a, const struct config_action *b);

/* `twin`: a rule that may do what this one does, or NULL: any. */
static const struct config_rule *find_under(const struct rules_check *c, uint64_t hash, const struct cel_clause *clause,
                                            const struct config_rule *twin)
{
    const struct cover *cover = c->buckets[(hash ^ hash >> 32) & c->mask];
    for (int tried = 0; cover && tried < CANDIDATES_MAX; cover = cover->next) {
        if (cover->hash != hash)
            continue;
        if (cel_clause_implies(clause, cover->clause) &&
            (!twin || (cel_clause_implies(cover->clause, clause) && same_action(&cover->rule->action, &twin->action))))
            return cover->rule;
        tried++;
    }
    return NULL;
}

/* An earlier rule that holds wherever the clause does, or NULL. With `twin`, one that holds nowhere else and does the same
 * as it. */
static const struct config_rule *find_cover(const struct rules_check *c, const struct cel_clause *clause,
                                            const struct config_rule *twin)
{
    const struct config_rule *found = NULL;
    for (uint32_t i = 0; i < clause->count && !found; i++) {
        const struct cel_predicate *p = clause->predicates[i];
        found = find_under(c, place_hash(p), clause, twin);
        if (!found && is_set(p))
            found = find_under(c, key_hash(p, 0), clause, twin);
    }
    return found;
}

/* ---- one rule ---- */

/* The earlier rule whose condition is written the same, or NULL; then this one is noted. */
static const struct config_rule *find_same_text(struct rules_check *c, const struct config_rule *rule)
{
    struct vx_span text = config_expr_canonical(c->l->arena, rule->when.text);
    size_t at = vx_hash64(text) & c->mask;
    while (c->by_text[at] && !vx_span_equal(c->texts[at], text))
        at = (at + 1) & c->mask;
    if (c->by_text[at])
        return c->by_text[at];
    c->by_text[at] = rule;
    c->texts[at] = text;
    return NULL;
}

static void warn_covered(struct rules_check *c, const struct config_rule *rule, const struct cel_clauses *clauses)
{
    const struct config_rule *by = NULL, *first = NULL;
    bool several = false;
    if (clauses->count > CLAUSES_MAX)
        return;
    for (size_t i = 0; i < clauses->count; i++) {
        by = find_cover(c, &clauses->clauses[i], NULL);
        if (!by)
            return;
        several |= first && by != first;
        first = first ? first : by;
    }
    load_warning(c->l, name_node(rule),
                 several ? "rule `%s` can never match: rule `%s` (line %d) and other rules before it cover it"
                         : "rule `%s` can never match: rule `%s` (line %d) covers it",
                 rule->name, first->name, name_node(first)->line);
}

/* Of a routing where the first match counts. */
static void check_order(struct rules_check *c, const struct config_rule *rule, const struct cel_clauses *clauses)
{
    const struct config_rule *same = find_same_text(c, rule);
    if (same) {
        load_warning(c->l, name_node(rule), "rule `%s` can never match: rule `%s` (line %d) has the same condition",
                     rule->name, same->name, name_node(same)->line);
        return;
    }
    warn_covered(c, rule, clauses);
    for (size_t i = 0; i < clauses->count && i < CLAUSES_MAX; i++)
        file_clause(c, rule, &clauses->clauses[i]);
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_action(const struct config_action *a, const struct config_action *b)
{
    if (a->kind != b->kind || a->pipeline_count != b->pipeline_count || !same_name(a->routing, b->routing))
        return false;
    for (size_t i = 0; i < a->pipeline_count; i++) {
        if (!same_name(a->pipelines[i], b->pipelines[i]))
            return false;
    }
    return true;
}

/* Of a routing where all matches count: what is done twice. Conditions of one clause are compared by what they mean, others
 * as they are written. */
static void check_repeated(struct rules_check *c, const struct config_rule *rule, const struct cel_clauses *clauses)
{
    const struct config_rule *same = find_same_text(c, rule);
    if (same && !same_action(&same->action, &rule->action))
        same = NULL;
    if (!same && clauses->count == 1)
        same = find_cover(c, clauses->clauses, rule);
    if (clauses->count == 1)
        file_clause(c, rule, clauses->clauses);
    if (same)
        load_warning(c->l, name_node(rule), "rule `%s` repeats rule `%s` (line %d): same condition, same action",
                     rule->name, same->name, name_node(same)->line);
}

/* False when no rule behind this one can match. */
static bool check_rule(struct rules_check *c, size_t index)
{
    const struct config_rule *rule = &c->routing->rules[index];
    bool all = c->routing->match == CONFIG_MATCH_ALL;
    if (!rule->enabled || (rule->when.node && !rule->when.cel))
        return true;
    if (always(rule, false)) {
        load_warning(c->l, name_node(rule), "rule `%s` can never match: its condition is always false", rule->name);
        return true;
    }
    if (always(rule, true)) {
        if (!all && index + 1 < c->routing->rule_count)
            load_warning(c->l, name_node(rule + 1),
                         "this rule and all behind it can never match: rule `%s` (line %d) matches every event",
                         rule->name, name_node(rule)->line);
        return all;
    }
    struct cel_clauses clauses = cel_clauses_of(&c->scratch, rule->when.cel, NULL);
    if (clauses.count == 0)
        load_warning(c->l, name_node(rule), "rule `%s` can never match: its condition contradicts itself", rule->name);
    else if (all)
        check_repeated(c, rule, &clauses);
    else
        check_order(c, rule, &clauses);
    return true;
}

static void check_routing(struct loader *l, const struct config_routing *routing)
{
    struct rules_check c = {.l = l, .routing = routing, .mask = 15};
    while (c.mask < routing->rule_count * 2)
        c.mask = c.mask * 2 + 1;
    c.buckets = VX_ARENA_ARRAY(&c.scratch, struct cover *, c.mask + 1);
    c.by_text = VX_ARENA_ARRAY(&c.scratch, const struct config_rule *, c.mask + 1);
    c.texts = VX_ARENA_ARRAY(&c.scratch, struct vx_span, c.mask + 1);
    for (size_t i = 0; i < routing->rule_count && check_rule(&c, i); i++) {
    }
    vx_arena_done(&c.scratch);
}

void check_rules(struct loader *l, const struct config_set *set)
{
    for (size_t i = 0; i < set->routing_count; i++)
        check_routing(l, &set->routings[i]);
}
