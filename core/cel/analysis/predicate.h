/* A condition taken apart: what it asks of an event, as predicates that an index can look up and a check can compare.
 *
 *     typed tree ── negation normal form ── or of ands ──> clauses of predicates
 *
 *     event.type == "a" && (event.n > 5 || !has(headers.x))
 *         {type in ["a"], n in (5, ∞)}   or   {type in ["a"], not has header x}
 *
 * A predicate is true where its expression is *definitely true*: false and failed are both "no". A negated one is a
 * predicate of its own, true where the expression is definitely false: `!(event.a < 5)` is "a is a number, and at least
 * 5", not "all but a < 5". The condition is true exactly where one of its clauses is; a clause is true where all its
 * predicates are and, if it says `whole`, the condition itself, evaluated, is.
 *
 * Load time, any one thread. All results live in the arena given and borrow from the expression.
 */
#ifndef VX_CEL_PREDICATE_H
#define VX_CEL_PREDICATE_H

#include "core/cel/cel.h"
#include "core/cel/analysis/key.h"

enum {
    CEL_CLAUSES_MAX = 4096, /* of one condition; beyond, clauses are merged into one that says `whole` */
    CEL_PRODUCT_MAX = 64,   /* clauses that multiplying out an `&&` of `||`s may make; beyond: `whole` */
};

/* Where a value stands. */
enum cel_place_kind {
    CEL_PLACE_FIELD,  /* event's `path` */
    CEL_PLACE_HEADER, /* headers[`header`] */
    CEL_PLACE_KEY,
    CEL_PLACE_TOPIC,
    CEL_PLACE_PARTITION,
    CEL_PLACE_OFFSET,
    CEL_PLACE_TIMESTAMP,
};
struct cel_place {
    uint8_t kind; /* enum cel_place_kind */
    bool lower;   /* its lowerAscii() */
    struct json_path path;
    struct json_path inner; /* FIELD, if not empty: not the value but what is inside, of which there may be many: a step
                               that cel_step_is_any() goes to every element of a list (every key of a map) */
    struct vx_span header;
};
static inline bool cel_step_is_any(const struct json_step *step)
{
    return step->is_index && step->index == UINT32_MAX;
}
bool cel_place_equal(const struct cel_place *a, const struct cel_place *b);
uint64_t cel_place_hash(const struct cel_place *place);

enum cel_predicate_kind {
    CEL_PREDICATE_IN,       /* the value equals one of keys[0..count); negated: there is one, and it equals none; of an
                               inner place, never negated: one of the values does */
    CEL_PREDICATE_RANGE,    /* the value is a number (a string) between low and high; never negated; of an inner place,
                               one of the values is */
    CEL_PREDICATE_PREFIX,   /* a string that begins with keys[0]; negated: a string that does not; so the next two */
    CEL_PREDICATE_SUFFIX,   /* ends with */
    CEL_PREDICATE_CONTAINS, /* contains */
    CEL_PREDICATE_MATCHES,  /* a string that `regex` matches, whose pattern is keys[0]; negated: that it does not */
    CEL_PREDICATE_HAS,      /* there is a value; negated: has() is false, which is not when it fails */
    CEL_PREDICATE_EXPR,     /* `tree` evaluates to true; negated: to false */
};

enum cel_bound { CEL_BOUND_NONE, CEL_BOUND_OPEN, CEL_BOUND_CLOSED };

struct cel_predicate {
    uint8_t kind; /* enum cel_predicate_kind */
    bool negated;
    uint8_t low_bound, high_bound; /* RANGE: enum cel_bound of keys[0] and keys[1]; both keys have a kind */
    struct cel_place place;        /* unused by EXPR */
    const struct cel_key *keys;    /* IN: sorted, each once */
    uint32_t count;
    const struct tree *tree;       /* EXPR, MATCHES */
    struct vx_span text;           /* of `tree`; equal texts mean the same */
    const struct cel_regex *regex; /* MATCHES: never one that is plain */
};

struct cel_clause {
    const struct cel_predicate **predicates;
    uint32_t count;
    bool whole; /* beside the predicates the whole condition must be evaluated */
};
struct cel_clauses {
    struct cel_clause *clauses; /* none: the condition is never true */
    size_t count;
};

/* The clauses of a condition. Those that contradict themselves are left out (`*contradictions`, may be NULL, counts them);
 * ranges and sets of one place are merged. Cost: linear in the condition, with the two limits above. */
struct cel_clauses cel_clauses_of(struct vx_arena *arena, const struct cel_expr *expr, size_t *contradictions);

/* The program of an EXPR predicate, as cel_compile(); cel_test() says what it is worth. */
const struct cel_program *cel_predicate_compile(struct vx_arena *arena, const struct cel_expr *expr,
                                                const struct cel_predicate *predicate, struct cel_slots *slots);

/* The text of an expression. */
struct vx_span cel_expr_text(const struct cel_expr *expr);
/* Calls `found` for every field of the event that an expression reads, as the longest constant path, with its place in
 * the text: `event.a.b[0] > 1 && event.list.exists(x, x.c)` reads a.b[0] and list. Paths live in `arena`. */
void cel_expr_paths(struct vx_arena *arena, const struct cel_expr *expr,
                    void (*found)(void *ctx, struct json_path path, size_t offset, size_t len), void *ctx);

/* True when it is certain that `b` is true wherever `a` is. */
bool cel_predicate_implies(const struct cel_predicate *a, const struct cel_predicate *b);
/* True when it is certain that clause `b` is true wherever `a` is. Cost: the product of their predicates. */
bool cel_clause_implies(const struct cel_clause *a, const struct cel_clause *b);

#endif
