/* Taking conditions apart, from the inside: what place.c, predicate.c, predicate_any.c and clause.c share. */
#ifndef VX_CEL_ANALYSIS_H
#define VX_CEL_ANALYSIS_H

#include "core/cel/analysis/predicate.h"
#include "core/cel/run/program.h"
#include "core/cel/syntax/tree.h"

enum {
    ANALYSIS_STEPS_MAX = 64,    /* of a path; longer ones are evaluated */
    ANALYSIS_NODES_MAX = 16384, /* of one normal form: `? :` doubles its condition, and would without end */
    ANALYSIS_DEPTH_MAX = 128,   /* of one normal form: `(a == b) == true == true …` is as deep as it is long */
};

struct analysis {
    struct vx_arena *arena;
    const struct cel_expr *expr;
    size_t nodes; /* made so far */
    size_t depth; /* of the recursion */
};

/* place.c */
/* The key of a constant; false for what has none: lists, maps, bytes, durations, NaN, numbers of more than 62 bits. `time`:
 * it is compared with a timestamp. */
bool place_key(const struct cel_value *v, bool time, struct cel_key *key);
/* The constant step that `node` adds to its first argument; false when it adds none. As core/cel/run/program.c sees it. */
bool place_step(const struct tree *node, struct json_step *step);
/* True when `node` is a place and nothing else. */
bool place_of(struct analysis *a, const struct tree *node, struct cel_place *place);

/* Formulas over predicates, on their way to clauses. */
enum formula_kind { FORMULA_FALSE, FORMULA_TRUE, FORMULA_PREDICATE, FORMULA_AND, FORMULA_OR };

/* A formula without negation: the predicates carry it. */
struct formula {
    uint8_t kind; /* enum formula_kind */
    uint32_t count;
    const struct formula **args;           /* AND, OR */
    const struct cel_predicate *predicate; /* PREDICATE */
};

/* In an OR, neighbours that are sets of values of one place become one set; in an AND, those that exclude sets do. */
void formula_join_sets(struct vx_arena *arena, struct formula *f);

/* The disjunctive normal form, within the limits of predicate.h. Adds to *contradictions what can never be true. */
struct cel_clauses clauses_make(struct vx_arena *arena, const struct formula *f, size_t *contradictions);

/* predicate.c: makers. */
struct formula *formula_new(struct analysis *a, enum formula_kind kind);
const struct formula *formula_constant(struct analysis *a, bool yes);
const struct formula *formula_pair(struct analysis *a, enum formula_kind kind, const struct formula *x,
                                   const struct formula *y);
const struct formula *formula_keys(struct analysis *a, enum cel_predicate_kind kind, bool negated,
                                   const struct cel_place *place, const struct cel_key *keys, uint32_t count);
const struct formula *formula_range(struct analysis *a, const struct cel_place *place, enum cel_test test,
                                    struct cel_key key);
const struct formula *formula_expr(struct analysis *a, const struct tree *tree, bool negated);

/* What `node`, a comparison, or its negation, says of the one side about the other; `flip`: of the right one. */
bool comparison_test(const struct tree *node, bool flip, bool negated, enum cel_test *test);

/* predicate_any.c: list.exists(x, body). */
bool formula_is_exists(const struct tree *tree);
const struct formula *formula_exists(struct analysis *a, const struct tree *macro);

#endif
