/* Building the indexes of a group: what collect.c gathers from the conditions of all of them and build.c files into their
 * trees. Private to this folder; the thread that builds the table. Memory is the heap's until the group takes its final
 * arrays. */
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

/* A rule, as its index numbers it, with what its condition was compiled from. */
struct collected_rule {
    const struct rule *compiled;
    const struct config_rule *from;
    struct cel_clauses clauses;
};

/* An index while it is being built. */
struct collected_index {
    struct match_index *index;
    uint32_t rules_at; /* in index_builder.rules; those behind one that takes everything have no clauses */
    uint32_t clauses_at, clause_end; /* in index_builder.clauses */
};

/* A clause as collected: its literals, cheap ones first. */
struct collected_clause {
    uint32_t rule; /* of its index */
    uint32_t literals_at, literal_count;
    bool expr;          /* a literal is an EXPR */
    uint32_t kept;      /* where the clause made of it last stands in the words, + 1; 0: none */
    uint64_t kept_used; /* without these literals */
};

struct collected_regex {
    struct cel_key pattern;
    const struct cel_regex *regex;
};

enum { INDEX_HEADS_MAX = 4 }; /* lengths of prefixes of one place that are worth a look-up each */

/* A subject while its constants are being collected. */
struct collected_subject {
    uint32_t heads[INDEX_HEADS_MAX]; /* the lengths of prefixes, each once */
    uint32_t head_count;             /* INDEX_HEADS_MAX + 1: too many, prefixes are ranges */
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
    struct compiler *c;
    struct vx_arena *arena;   /* of the table's indexes */
    struct vx_arena analysis; /* clauses and predicates */
    struct index_group group;
    struct match_index *index; /* whose clauses are being filed */
    INDEX_VEC(struct collected_index) indexes;
    INDEX_VEC(struct collected_rule) rules; /* of all of them */

    INDEX_VEC(struct index_subject) subjects;
    INDEX_VEC(struct collected_subject) collected;
    INDEX_VEC(struct index_test) tests;
    INDEX_VEC(uint32_t) sets;
    INDEX_VEC(struct literal) literals;
    INDEX_VEC(struct collected_clause) clauses;
    struct number_table subject_numbers, test_numbers;

    /* What becomes the trees. */
    INDEX_VEC(uint32_t) words;
    INDEX_VEC(struct index_access) accesses;
};

enum { ITEM_LITERALS_MAX = 64 }; /* literals of a clause that may be filed; the rest is only tried */

/* A clause on its way into the tree. */
struct item {
    uint32_t clause;
    uint64_t used; /* bit n: literal n of the clause holds already */
};
static inline const struct literal *item_literal(const struct index_builder *b, const struct item *item, uint32_t n)
{
    return &b->literals.at[b->clauses.at[item->clause].literals_at + n];
}

static inline bool item_is_used(const struct item *item, uint32_t n)
{
    return n < ITEM_LITERALS_MAX && item->used >> n & 1;
}

static inline uint32_t item_rule(const struct index_builder *b, const struct item *item)
{
    return b->clauses.at[item->clause].rule;
}

/* How an item may be reached. */
struct way {
    uint8_t kind; /* enum access_kind, or WAY_LEAF */
    uint8_t width;
    uint32_t subjects[INDEX_WIDTH_MAX]; /* unused ones INDEX_NO_POSITION */
    uint8_t literals[INDEX_WIDTH_MAX];  /* of the clause, by subject */
    struct item item;
};
enum { WAY_LEAF = ACCESS_AMONG + 1 };

/* way.c */
/* Orders for qsort(): numbers of 32 bits; items by rule; ways by how, then by rule. */
int number_order(const void *a, const void *b);
int item_order(const void *a, const void *b);
int way_order(const void *a, const void *b);
/* How many values of the subject make the literal true: 1, or those of its set. */
uint32_t literal_values(const struct literal *literal);
/* The best way to reach an item by the literals that are left; `ranges`: also by ranges. */
struct way way_of(const struct index_builder *b, struct item item, bool ranges);
/* Of sorted ways, the end of those that are like ways[from]. */
uint32_t way_end(const struct way *ways, uint32_t from, uint32_t count);
/* Fewer different ways where there are too many; sorts again. */
void ways_simplify(const struct index_builder *b, struct way *ways, uint32_t count);
/* Fewer still: keys that have a part that is the key of many more; sorts again. */
void ways_join(struct way *ways, uint32_t count);
/* Where the first match counts: leaves out what can never be it, items, sorted by rule, behind one that holds wherever they
 * do. Returns how many are left. */
uint32_t items_leave_out(const struct index_builder *b, struct item *items, uint32_t count);

/* subject.c */
/* Notes how long a prefix is: before all the rest, for lengths decide which subject is asked. */
void subject_weigh(struct index_builder *b, const struct cel_predicate *p);
/* Notes what a predicate compares its place with; when all are noted, subjects_finish() numbers them. */
void subject_gather(struct index_builder *b, const struct cel_predicate *p);
void subjects_finish(struct index_builder *b);
/* The subject that a predicate asks. */
uint32_t subject_asked(struct index_builder *b, const struct cel_predicate *p);
/* Few texts, or patterns, are looked for one by one. */
bool subject_is_few(const struct index_subject *subject);
/* The number of the test for a text in a string, or for a program: of a part of a rule's condition, or, `p` NULL, of all
 * of it. */
uint32_t test_of_text(struct index_builder *b, uint32_t subject, struct vx_span text);
uint32_t test_of_expr(struct index_builder *b, const struct collected_rule *rule, const struct cel_predicate *p);
/* The text backwards. */
struct vx_span text_reversed(struct vx_arena *arena, struct vx_span text);
/* The first string behind all that begin with `text`; false when there is none. */
bool text_behind(struct vx_arena *arena, struct vx_span text, struct cel_key *key);

/* leaf.c */
/* Appends to the tree; where it stands. */
uint32_t index_add_word(struct index_builder *b, uint32_t word);
/* The clause with the literals that are left, and nothing around it. */
uint32_t index_keep_clause(struct index_builder *b, const struct item *item);
/* The bounds between which a range of numbers lies, NULL where it is open; false where the literal is none. Positions tell
 * whether a bound is in it, see index_bounds. */
bool index_range_keys(const struct index_builder *b, const struct literal *literal, const struct cel_key **least,
                      const struct cel_key **most);
/* A node of clauses and accesses, both of which it sorts by rule. */
uint32_t index_add_node(struct index_builder *b, struct item *leaf, uint32_t leaf_count, struct index_access *accesses,
                        uint32_t access_count);

/* access.c: `ways` that are alike. What is found under one key, or in one node of a segment tree, goes to index_file(). */
struct index_access index_make_access(struct index_builder *b, const struct way *ways, uint32_t count);

/* guard.c: chooses the guards of an access that has these items, by its keys. */
void guards_choose(const struct index_builder *b, const struct item *items, uint32_t count, struct index_access *to);
/* Fills the words of one key's guard at `at`; false when some of its items have nothing that is guarded. */
bool guards_fill(struct index_builder *b, const struct index_access *access, const struct item *items, uint32_t count,
                 uint32_t at);

/* build.c */
/* Files items, by rule and each clause once; returns the reference to where. `in_range`: in a segment tree. */
uint32_t index_file(struct index_builder *b, struct item *items, uint32_t count, bool in_range);
/* Makes what b->indexes has, of whose rules nothing is known yet but what they are, and ends the builder. */
void index_group_make(struct index_builder *b);

/* collect.c: conditions → subjects, tests, literals and clauses. */
void index_collect(struct index_builder *b);

#endif
