/* Building an index: what collect.c gathers from the conditions and build.c files into the tree. Private to this folder;
 * the thread that builds the table. Memory is the heap's until the index takes its final arrays. */
#ifndef VX_PLAN_INDEX_BUILD_H
#define VX_PLAN_INDEX_BUILD_H

#include "core/plan/index/index.h"

/* A growing array; `at` is heap memory of `room` elements. */
#define INDEX_VEC(type)                                                                                                \
    struct {                                                                                                           \
        type *at;                                                                                                      \
        uint32_t count, room;                                                                                          \
    }
/* The address of one more element, whose content is undefined. */
#define INDEX_VEC_MORE(vec)                                                                                            \
    ((vec)->at = index_vec_grow((vec)->at, &(vec)->room, (vec)->count + 1, sizeof *(vec)->at),                         \
     &(vec)->at[(vec)->count++])
void *index_vec_grow(void *at, uint32_t *room, uint32_t count, size_t size);

/* A clause as collected: its literals, cheap ones first. */
struct collected_clause {
    uint32_t rule;
    uint32_t literals_at, literal_count;
    bool expr;          /* a literal is an EXPR */
    uint32_t kept;      /* the clause made of it last, + 1; 0: none */
    uint64_t kept_used; /* without these literals */
};

struct collected_regex {
    struct cel_key pattern;
    const struct cel_regex *regex;
};

/* A subject while its constants are being collected. */
struct collected_subject {
    uint32_t parts, regexes; /* the subjects of what this string contains and matches, + 1; 0: none */
    INDEX_VEC(struct cel_key) constants;
    INDEX_VEC(struct cel_key) bounds;
    INDEX_VEC(struct cel_key) tails;
    INDEX_VEC(struct collected_regex) patterns;
};

/* Names → numbers, by hash. */
struct number_table {
    struct index_slot *slots;
    uint32_t mask, count;
};

struct index_builder {
    struct match_index *index;
    struct compiler *c;
    const struct config_routing *from;
    struct vx_arena analysis;        /* clauses and predicates */
    const struct cel_clauses *rules; /* by rule of the route */
    uint32_t rule_count;             /* those behind a rule that takes everything are left out */

    INDEX_VEC(struct index_subject) subjects;
    INDEX_VEC(struct collected_subject) collected;
    INDEX_VEC(struct index_test) tests;
    INDEX_VEC(uint32_t) sets;
    INDEX_VEC(struct literal) literals;
    INDEX_VEC(struct collected_clause) clauses;
    struct number_table subject_numbers, test_numbers;
    bool *confirm;

    /* What becomes the index. */
    INDEX_VEC(struct literal) kept_literals;
    INDEX_VEC(struct index_clause) kept_clauses;
    INDEX_VEC(uint32_t) leaves;
    INDEX_VEC(struct index_access) accesses;
    INDEX_VEC(struct index_node) nodes;
};

/* collect.c: conditions → subjects, tests, literals and clauses. */
void index_collect(struct index_builder *b);

#endif
