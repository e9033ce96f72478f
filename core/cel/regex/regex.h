/* Regular expressions: RE2's language, matched by libhs (hyperscan or vectorscan) in time linear in the subject.
 *
 * `matches` is a search: true when the pattern matches somewhere. What libhs means differently is translated; what it
 * cannot do is refused when the pattern is loaded, with the reason and the place. No engine here backtracks.
 *
 *     load:   cel_regex_new ──> struct cel_regex, in the expression's arena (the checker makes it)
 *             cel_regex_shared ──> the same for all expressions of a release: each pattern once, and within a limit
 *             cel_slots_regex ──> the table's copy, the same pattern once
 *             cel_regex_set_new ──> many patterns as one, for the rule index
 *     event:  cel_regex_match, cel_regex_set_scan, with the worker's scratch
 *
 * Subjects are well-formed UTF-8: CEL strings are by construction (JSON is checked by the scanner, keys and headers where
 * they are read). libhs is given bytes and asked nothing about characters, so that even others could do no harm.
 * Thread: patterns and sets are immutable and shared; a scratch belongs to a worker.
 */
#ifndef VX_CEL_REGEX_H
#define VX_CEL_REGEX_H

#include "core/cel/cel.h"

enum {
    CEL_REGEX_TEXT_MAX_BYTES = 4096, /* one pattern */
    /* Characters with repetitions written out, a class counting its Unicode ranges. What libhs needs for compiling grows
     * with the square: this much is a second or two. */
    CEL_REGEX_STATES_MAX = 5000,
    /* What the patterns of one release weigh together (regex_weight): two to three seconds of compiling. 2,000 of 20
     * characters, or two of the largest. */
    CEL_REGEX_WEIGHT_MAX = 60000,
};

/* Patterns that need no regular expression. */
enum cel_regex_plain {
    CEL_REGEX_NOT_PLAIN,
    CEL_REGEX_ALWAYS, /* matches every string */
    CEL_REGEX_NEVER,  /* matches none */
    CEL_REGEX_EQUAL,  /* ^abc$ */
    CEL_REGEX_PREFIX, /* ^abc, ^abc.* */
    CEL_REGEX_SUFFIX, /* abc$ */
    CEL_REGEX_PART,   /* abc, .*abc.* */
};

struct cel_call;
struct cel_regex {
    struct vx_span pattern;
    uint8_t plain;          /* enum cel_regex_plain */
    bool matches_empty;     /* finds something in the empty string */
    struct vx_span literal; /* EQUAL, PREFIX, SUFFIX, PART: the text to compare with */
    const char *written;    /* NOT_PLAIN: what libhs was given */
    const void *database;   /* NOT_PLAIN: libhs's, in the arena */
    uint32_t states;        /* characters with repetitions written out; what compiling takes grows with their square */
};

/* What plain test `pattern` is, and its literal (in `arena`; untouched where there is none). NOT_PLAIN also for a pattern
 * that is wrong. */
enum cel_regex_plain cel_regex_classify(struct vx_arena *arena, struct vx_span pattern, struct vx_span *literal);
/* True when `subject` passes the plain test. */
bool cel_regex_plain_match(enum cel_regex_plain plain, struct vx_span literal, struct vx_span subject);

/* Compiles a pattern into `arena` (nothing outside it: no _free). VX_EINVAL: not RE2's language; VX_EUNSUPPORTED: libhs
 * cannot do it, or this CPU cannot run libhs; both with `error` (may be NULL) as a place inside the pattern. Cost: about a
 * millisecond and 2 to 8 KB, up to a second or two and 100 KB for large counted repetitions; next to nothing where it is
 * plain. */
VX_MUSTCHECK enum vx_status cel_regex_new(struct vx_arena *arena, struct vx_span pattern, const struct cel_regex **out,
                                          struct cel_error *error);
/* The same for expressions of one release, which share `pool` and one arena: a pattern is compiled the first time only.
 * VX_ELIMIT: it would make the patterns of the pool heavier than CEL_REGEX_WEIGHT_MAX. */
struct cel_regex_pool *cel_regex_pool_new(void);
VX_MUSTCHECK enum vx_status cel_regex_shared(struct cel_regex_pool *pool, struct vx_arena *arena,
                                             struct vx_span pattern, const struct cel_regex **out,
                                             struct cel_error *error);
/* The table's copy of a pattern: `slots` remembers it, so that the same one is there once; it lives in `arena`, which is
 * that of the slots' other users. */
const struct cel_regex *cel_slots_regex(struct cel_slots *slots, struct vx_arena *arena, const struct cel_regex *regex);

/* Working memory of libhs, one per worker. */
struct cel_scratch;
struct cel_scratch *cel_scratch_new(void);
void cel_scratch_free(struct cel_scratch *scratch);
/* Makes it large enough for every pattern and set of a table; to be called before the table's first event, and cheap
 * enough to be called before each (it knows the tables it has seen last). */
void cel_scratch_fit(struct cel_scratch *scratch, const struct cel_slots *slots);

/* matches() in an evaluation: a string gives a bool, anything else a failure in `call`. */
bool cel_match(const struct cel_regex *regex, struct cel_call *call, uint8_t style, struct cel_value subject,
               struct cel_value *out);

/* True when the pattern matches somewhere in `subject`. `scratch` has been fitted to the regex's table; NULL: memory is
 * taken for this one call (tools and folding). Linear in the subject. */
bool cel_regex_match(const struct cel_regex *regex, struct cel_scratch *scratch, struct vx_span subject);

/* Many patterns on one subject in one scan. Owned by `slots`, freed by cel_slots_done(). `regexes` are of the same slots;
 * the number of each is its place in the array. Cost: milliseconds to seconds, by the patterns. */
struct cel_regex_set;
const struct cel_regex_set *cel_regex_set_new(struct cel_slots *slots, const struct cel_regex *const *regexes,
                                              uint32_t count);
/* Calls on_match once for each pattern that matches, in no order. */
void cel_regex_set_scan(const struct cel_regex_set *set, struct cel_scratch *scratch, struct vx_span subject,
                        void (*on_match)(void *ctx, uint32_t number), void *ctx);
/* The memory it holds, in bytes. */
size_t cel_regex_set_bytes(const struct cel_regex_set *set);

/* NULL does nothing. cel_slots_done() frees that of the slots. */
void cel_regex_pool_free(struct cel_regex_pool *pool);

#endif
