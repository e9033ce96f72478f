/* The rule index: finds the rules of a routing whose conditions hold without looking at the others. Private to core/plan.
 *
 *     build:  conditions ── clauses (core/cel/analysis/predicate.h) ── literals over small integers ── tree of accesses
 *     event:  value at a place ── once ──> id of the constant it equals, position among the bounds ── search
 *
 * Method. Fabret, Jacobsen, Llirbat, Pereira, Ross, Shasha, "Filtering algorithms and implementation for very fast
 * publish/subscribe systems" (SIGMOD 2001): predicates are evaluated once per event in a first phase, and a conjunction
 * is filed under an access predicate, several equalities together under one hash key, so that it is looked at only when
 * that holds. Their clusters are nested here, as in BE-Tree (Sadoghi, Jacobsen, SIGMOD 2011): what is found under a key
 * is again a small index over the literals that are left, until few clauses remain, which are tried in order. The first
 * phase is lazy: a place is read when the search first asks for it. Ranges, and prefixes, which are ranges of strings,
 * are filed in segment trees (Bentley 1977) over the positions of their bounds; where the prefixes of a place have few
 * lengths, they are equalities of the first so many bytes.
 *
 * Every access knows the first rule below it, and the search leaves out what lies behind the best rule found so far. What
 * stands behind a clause that holds wherever it does is not there at all.
 *
 * With ten thousand rules the time goes into waiting for memory and into branches that a processor guesses wrong. So what
 * an event looks at is dense (a value's constants are found by words, ids.h; a key is one word, whatever its width), what
 * mostly says no is small: filters, and guards. A guard (guard.c) stands before what is filed under a key: of the places
 * that most of it asks for, the least and the greatest value that anything there could hold with. Thresholds of the same
 * place are compared several at once (blocks), and short numbers are read without a loop (short.h).
 *
 * Cost of an event: per place that is asked for one reading, one hash look-up for equalities and one binary search for
 * ranges; per equality access one look-up of integers, per range access the logarithm of its ranges; per clause found
 * its remaining literals, each a comparison of integers. So it grows with what matches, not with what there is.
 * Memory: 12 bytes per literal that is not filed, 8 per clause, 20 to 80 for one that is left with a range, up to 32 per
 * key and up to 28 for its guard, 42 to 62 per constant, 32 to 150 per range.
 *
 * Indexes see through hand-overs. Where all that is left goes to another routing, its rules stand behind those of the first,
 * and one search answers for both. Indexes of routings that hand over to one another, with a condition or without,
 * have one numbering of subjects and tests (a group), so what one has found out about the event the next one knows.
 *
 * Thread: built on one thread, then immutable; a worker searches with its own scratch.
 */
#ifndef VX_PLAN_INDEX_INDEX_H
#define VX_PLAN_INDEX_INDEX_H

#include "core/cel/analysis/predicate.h"
#include "core/plan/index/ids.h"
#include "core/plan/match.h"

enum {
    INDEX_RULES_MIN = 4,         /* fewer, of a group, are tried in a loop, which is faster */
    INDEX_WIDTH_MAX = 4,         /* equalities in one key */
    INDEX_GUARDS_MAX = 3,        /* places that guard what stands under a key */
    INDEX_CLAUSE = (int)1 << 30, /* in a reference: a clause, not a node */
    INDEX_NOTHING = INDEX_CLAUSE - 1,
    /* The tree is words, so that what is looked at together stands together; a reference is the place of the first.
     *     clause   rule, count of literals, literals; or rule, INDEX_ELSEWHERE, where the clause stands
     *     node     count of clauses, count of accesses, where these are in `accesses`, count of blocks, their subject; then
     *              the blocks, by rule; then the clauses, by rule
     *     guard    what a key leads to where its access has guards: the reference of what stands under the key; then, for
     *              each guard, the least value with which anything of that can hold, and how many more there are
     *     literal  kind, negated and subject in one word, a, b
     *     block    a struct index_block */
    INDEX_CLAUSE_WORDS = 2, /* before its literals */
    INDEX_NODE_WORDS = 5,
    INDEX_LITERAL_WORDS = 3,
    INDEX_BLOCK = 4, /* clauses of a block */
    INDEX_BLOCK_WORDS = 5 * INDEX_BLOCK,
    INDEX_SUBJECTS_MAX = (1 << 24) - 1,
};
#define INDEX_ELSEWHERE UINT32_MAX
#define INDEX_BARE ((uint32_t)1 << 31) /* under a key of an access with guards: a reference, not a guard */
#define INDEX_NO_POSITION UINT32_MAX   /* a value that is neither number nor string */

/* Clauses that are left with a range of one subject, which is of numbers: what is in it, as doubles. The last block of a node
 * may have fewer, and empty ranges in their place. */
struct index_block {
    uint32_t rules[INDEX_BLOCK];
    double least[INDEX_BLOCK], most[INDEX_BLOCK];
};
_Static_assert(sizeof(struct index_block) == INDEX_BLOCK_WORDS * sizeof(uint32_t), "a block is words");

/* Positions of a value among n sorted bounds: 2i + 1 at bound i, 2i between bounds i - 1 and i. Of the bounds of a place
 * the numbers come first; strings begin at position 2 * numbers + 1. */
struct index_bounds {
    const struct cel_key *keys;
    uint32_t numbers, strings;
    const struct index_prints *number_prints, *string_prints; /* NULL: few */
};

/* Where among sorted keys to look, in a step or two: `prints` has 32 bits of each key, in the same order; from[p >> shift]
 * is the first whose print begins with the same bits as p. Keys of the same print have to be compared. Of numbers the
 * bits are those behind `low`, of strings those behind the bytes that all of them have in common. */
struct index_prints {
    uint64_t low, high; /* of the first and the last key, before they are cut to 32 bits */
    struct vx_span common;
    const uint32_t *prints, *from;
    uint32_t count, buckets;
    uint8_t cut, shift;
};

/* Many texts to be found in one pass over a string: by three bytes of each, those that fewest of them have. A filter of
 * bits says where to look; then buckets, then the texts themselves. Cost: a few instructions per byte of the string, and a
 * comparison for each text that has its three bytes there. */
struct index_parts {
    const uint64_t *filter;
    const uint32_t *buckets; /* by the hash of three bytes: an id, 0 is none */
    const uint32_t *next;    /* by id: of the same bucket, 0 is none */
    const uint32_t *at;      /* by id: where its three bytes stand in the text; UINT32_MAX: it is shorter */
    const uint32_t *shorts;  /* ids of the shorter ones */
    uint32_t short_count, mask;
};

/* Paths inside a list, as a trie, so that one walk over the list serves all conditions on its elements. */
struct index_inner {
    struct json_step step;         /* from the node above */
    struct index_inner **children; /* elements by their index, in order, then members, in the order of their keys */
    struct index_inner *any;       /* every element */
    uint32_t child_count, child_room;
    uint32_t element_count; /* of the children */
    uint32_t subject;       /* whose path ends here; UINT32_MAX: nobody's */
};

/* What a subject's readings are. */
enum index_source {
    SOURCE_VALUE,    /* the value at its place */
    SOURCE_ELEMENTS, /* many: the constants that are among the values inside a list, and the positions of these */
    SOURCE_HEAD,     /* the first bytes of the string at `base`, if it has so many */
    SOURCE_PARTS,    /* many: the constants that the string at `base` contains */
    SOURCE_REGEXES,  /* many: the constants, patterns, that match the string at `base` */
};

/* A place, and all constants and bounds that any condition compares it with. */
struct index_subject {
    uint8_t source;       /* enum index_source */
    bool field;           /* VALUE of a field, which most are */
    bool certain;         /* and as it stands: reading it is never counted as failed */
    uint32_t slot;        /* FIELD: of the value */
    uint32_t base;        /* lower, but of no field: the subject without it; HEAD, PARTS, REGEXES: the string's */
    uint32_t head;        /* HEAD: how many bytes */
    struct index_ids ids; /* of VALUE, HEAD and ELEMENTS */
    uint32_t constant_count;
    uint32_t members_at;             /* many: its places in match_scratch.members and .found */
    const struct cel_key *constants; /* constant `id` is constants[id - 1]; of PARTS, of others only while building */
    const struct index_inner *inner; /* ELEMENTS: the list's trie */
    const struct index_parts *parts;
    const struct cel_regex_set *regexes;
    struct cel_place place;
    struct index_bounds bounds;
    struct index_bounds tails; /* of strings read backwards; their keys are reversed too */
};

/* A condition on one subject, as integers. */
enum literal_kind {
    LITERAL_ID,       /* the value's id is a */
    LITERAL_IDS,      /* it is one of sets[a..a + b) */
    LITERAL_RANGE,    /* its position is in [a, b) */
    LITERAL_OUTSIDE,  /* it is a string whose position is not in [a, b) */
    LITERAL_AMONG,    /* the position of one of the many is in [a, b) */
    LITERAL_HAS,      /* there is one; a: the slot of the parent of a field */
    LITERAL_TAIL,     /* the position of the string read backwards is in [a, b) */
    LITERAL_MEMBER,   /* id a, or one of sets[a..a + b) if b, is among the many; negated: not, but there is a string */
    LITERAL_CONTAINS, /* test a: the string contains a text */
    LITERAL_EXPR,     /* test a: a program */
};
struct literal {
    uint8_t kind; /* enum literal_kind, cheap ones first */
    bool negated; /* definitely not; but see predicate.h for what that means */
    uint32_t subject;
    uint32_t a, b;
};

/* What is remembered per event once it is known. */
struct index_test {
    const struct cel_program *program; /* EXPR */
    struct vx_span text;               /* CONTAINS: what is looked for; EXPR: only while building */
    uint32_t subject;                  /* CONTAINS */
};

struct index_entry {
    uint32_t key; /* 0: free */
    uint32_t reference;
};

enum access_kind { ACCESS_KEY, ACCESS_MEMBER, ACCESS_RANGE, ACCESS_TAIL, ACCESS_AMONG };
struct index_access {
    uint8_t kind;  /* enum access_kind */
    uint8_t width; /* KEY: subjects in the key; others: 1 */
    bool certain;  /* the first subject is */
    uint32_t first_rule;
    uint32_t subjects[INDEX_WIDTH_MAX];
    uint8_t guard_count;
    uint32_t guards[INDEX_GUARDS_MAX]; /* KEY: slots of certain subjects, times two; + 1: of which the head of a string
                                          counts, not the whole part of a number */
    uint32_t scales[INDEX_WIDTH_MAX];  /* KEY: the key is the sum of the ids, each times its scale; as a number with
                                         several digits is, so no two have the same */
    /* KEY: a hash table, or NULL where a table of all keys, `children`, is no larger; MEMBER: a hash table, looked up for
     * each id. */
    const struct index_entry *entries;
    /* RANGE, TAIL, AMONG (which looks up each position): keys[0..count) cut the positions into segments; leaf n of a
     * segment tree over 2^k leaves, from keys[n] to keys[n + 1], is children[2^k + n], its parent
     * children[(2^k + n) / 2], and so on to 1. */
    const uint32_t *keys;
    const uint32_t *children; /* RANGE and, by key, KEY: references */
    uint32_t mask;            /* KEY: entries - 1; RANGE: leaves - 1 */
    uint32_t count;
};

/* The first four bytes, as a number that has the order of the strings. */
static inline uint32_t index_text_head(struct vx_span text)
{
    unsigned char head[4] = {0};
    memcpy(head, text.at, text.len < sizeof head ? text.len : sizeof head);
    return (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
}

static inline uint32_t index_guard_words(const struct index_access *access)
{
    return 1 + 2 * (uint32_t)access->guard_count;
}

/* Rules of one route that the index holds. */
struct index_part {
    const struct route *route;
    uint32_t first, count;   /* rules [first, first + count) of the index are the first ones of the route */
    const struct rule *over; /* behind them: hands over to the route of the next part; NULL: the last part */
};

/* What the indexes of one group have in common. */
struct index_group {
    const struct index_subject *subjects;
    const struct index_test *tests;
    const uint32_t *sets;
    const uint32_t *words;               /* the trees */
    const struct index_access *accesses; /* of a node: by first_rule */
    uint32_t subject_count, test_count, member_count;
};

/* Is a rule's own program asked once more when a clause of it holds? See search.c. */
enum index_confirm {
    CONFIRM_HEAVY,  /* where the event, or what ran for it, is heavy */
    CONFIRM_ALWAYS, /* it has several clauses, some with programs */
    CONFIRM_NEVER,  /* all there is to its clause is that program */
};

struct match_index {
    struct index_group group; /* as every index of the group has it */
    uint64_t serial;          /* of all indexes ever made */
    const struct route *route;
    const struct index_part *parts; /* of `route`, then of those that it hands on to, see match_hands_on() */
    uint32_t part_count, rule_count;
    uint32_t most_clauses;  /* of a node */
    uint32_t roots[2];      /* references: clauses without and with EXPR */
    const uint8_t *confirm; /* per rule: enum index_confirm */
    bool headers;           /* some condition reads headers */
    size_t heavy_bytes;     /* an event this big may exhaust the budget of an evaluation in the plain loop */
};

/* What is known of a subject in this event. */
struct reading {
    uint32_t epoch; /* of another event: nothing */
    uint8_t known;  /* READ_ bits; MIXED: the text of `key` is still to be lower-cased, see reading_is_string();
                       SORTED: the positions of many are in order */
    bool present;
    struct cel_key key;
    uint32_t id, position, tail;
    uint32_t found_count, position_count; /* many: of match_scratch.found */
};

struct match_scratch {
    uint64_t fitted; /* the serial of the index that it was last made large enough for */
    uint32_t epoch;  /* one per event */
    uint32_t reading_room, test_room, rule_room, member_room, found_room;
    struct reading *readings; /* by subject */
    uint32_t *tests;          /* by test: epoch << 2 | enum index_answer */
    uint32_t *members;        /* by subject's members_at + id - 1: epoch in which it was found; behind the last id: the
                                 same by position */
    uint32_t *found;          /* from a subject's members_at on: the ids found; behind the last id: the positions */
    struct cel_numbers numbers;
    uint64_t *rules; /* a bit per rule of the route; all 0 between questions */
};

enum index_answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES, ANSWER_FAILED };

/* One question. */
struct search {
    const struct match_index *index;
    struct match_scratch *scratch;
    struct cel_frame *frame;
    uint32_t epoch;
    uint32_t best; /* the first rule found so far; UINT32_MAX: none. Asking for all: UINT32_MAX for ever */
    bool all;
    bool heavy;     /* conditions that hold are confirmed */
    bool lost;      /* one was not: the plain loop has to answer */
    uint64_t steps; /* of all programs that ran for the event */
    uint32_t failed;
};

/* read.c */
enum { READ_ID = 1, READ_POSITION = 2, READ_TAIL = 4, READ_TEXT_FAILED = 8, READ_MIXED = 16, READ_SORTED = 32 };
/* The value, its id, its positions; each is found out when it is first asked for. */
void reading_fetch(struct search *s, uint32_t subject, struct reading *r);
uint32_t reading_find_id(struct search *s, uint32_t subject, struct reading *r);
void reading_find_position(struct search *s, const struct index_subject *subject, struct reading *r);
void reading_find_tail(struct search *s, const struct index_subject *subject, struct reading *r);

static inline struct reading *index_read(struct search *s, uint32_t subject)
{
    struct reading *r = &s->scratch->readings[subject];
    if (r->epoch != s->epoch)
        reading_fetch(s, subject, r);
    return r;
}

static inline uint32_t index_id(struct search *s, uint32_t subject)
{
    struct reading *r = &s->scratch->readings[subject];
    return r->epoch == s->epoch && (r->known & READ_ID) ? r->id : reading_find_id(s, subject, r);
}

static inline uint32_t index_position(struct search *s, uint32_t subject)
{
    struct reading *r = index_read(s, subject);
    if (!(r->known & READ_POSITION))
        reading_find_position(s, &s->index->group.subjects[subject], r);
    return r->position;
}

static inline uint32_t index_tail(struct search *s, uint32_t subject)
{
    struct reading *r = index_read(s, subject);
    if (!(r->known & READ_TAIL))
        reading_find_tail(s, &s->index->group.subjects[subject], r);
    return r->tail;
}

/* members.c: a subject of many. */
void reading_find_members(struct search *s, uint32_t subject);
/* Adds a path below a list to its trie, *root, which may be NULL yet; `path` lives as long as the trie. */
void index_inner_add(struct vx_arena *arena, struct index_inner **root, struct json_path path, uint32_t subject);
const struct index_parts *index_parts_new(struct vx_arena *arena, const struct cel_key *texts, uint32_t count);

static inline struct reading *index_members(struct search *s, uint32_t subject)
{
    struct reading *r = &s->scratch->readings[subject];
    if (r->epoch != s->epoch)
        reading_find_members(s, subject);
    return r;
}

/* Positions of the many, sorted, each once. */
struct index_positions {
    const uint32_t *at;
    uint32_t count;
};
struct index_positions index_positions_of(struct search *s, uint32_t subject);
/* The first of sorted numbers [low, high) that is not below `wanted`; `high`: there is none. */
uint32_t index_first_from(const uint32_t *sorted, uint32_t low, uint32_t high, uint32_t wanted);

/* The nodes of a segment tree that are above any of the positions, each once: from the first position's leaf to the root,
 * then from the next one's to where that path meets the one before, and so on. Positions of one segment are one, so there
 * is no more to do than there are segments. To begin with all is 0 but `access`, AMONG, and `positions`. */
struct index_climb {
    const struct index_access *access;
    struct index_positions positions;
    uint32_t next;       /* of the positions */
    uint32_t segment;    /* number of the access's keys that are not behind the last position */
    uint32_t leaf;       /* of that segment */
    uint32_t at, before; /* the next node, and the one of the path before at the same height */
};
/* The next one, a number as in index_access.children; 0: there is none. Cost: two binary searches per leaf. */
uint32_t index_climb_next(struct index_climb *climb);

/* True when the value is a string, in `key` as it is to be compared; counts once when it is something else. */
bool reading_is_string(struct search *s, struct reading *r);
void key_of_json(struct json_value json, struct vx_arena *arena, struct cel_key *key);

/* Is it definitely true for this event? */
bool literal_holds(struct search *s, const struct literal *literal);
/* The position of a key among all bounds; INDEX_NO_POSITION: it is neither number nor string. */
uint32_t index_position_of(const struct index_bounds *bounds, const struct cel_key *key);
/* The position of a key among sorted keys of its kind; see index_bounds. `prints` may be NULL. */
uint32_t bounds_position(const struct cel_key *keys, uint32_t count, const struct index_prints *prints,
                         const struct cel_key *key);
/* prints.c */
const struct index_prints *index_prints_new(struct vx_arena *arena, const struct cel_key *keys, uint32_t count);
/* Narrows [*low, *high), where a key would be among the keys that `prints` was made of: all before *low are less, all from
 * *high on are greater. */
void index_prints_find(const struct index_prints *prints, const struct cel_key *key, uint32_t *low, uint32_t *high);
/* The same for a string that is read backwards; `keys` are backwards already. */
uint32_t tails_position(const struct cel_key *keys, uint32_t count, struct vx_span text);

static inline uint32_t index_hash_key(uint32_t key)
{
    return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32);
}

/* search.c */
/* A new event: nothing is known of it. */
void index_next_event(struct match_scratch *scratch);
static inline uint32_t index_literal_head(const struct literal *literal)
{
    return literal->kind | (uint32_t)literal->negated << 7 | literal->subject << 8;
}
/* The rule of a number. */
const struct rule *index_rule(const struct match_index *index, uint32_t number);
/* The answers; what failed is added to m->failed. */
const struct rule *index_first(const struct match_index *index, struct match *m);
/* What the search for the first rule said about a route that is handed on to; NULL: nothing. */
const struct rule *index_known(const struct match *m, const struct route *route);
const struct rule *const *index_all(const struct match_index *index, struct match *m, size_t *count);

#endif
