/* CEL, the Common Expression Language (github.com/google/cel-spec): text → checked expression → program → value.
 *
 *     text ── lexer ── parser ──> tree ── checker ──> typed tree ── compile ──> program ── eval(frame) ──> value
 *              positions (byte offsets into the text) are kept all the way; errors point with them
 *
 * Semantics are cel-spec's, with the one extension of the design: arithmetic of an int and a double is done in double
 * where the static type of at least one is dyn. Static checks refuse at load what can only fail.
 *
 * Thread: load-time functions run on any one thread; programs are immutable and shared; a frame belongs to a worker.
 */
#ifndef VX_CEL_CEL_H
#define VX_CEL_CEL_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/cel/value.h"
#include "core/json/path.h"

enum {
    CEL_TEXT_MAX_BYTES = 64 * 1024, /* one expression */
    CEL_DEPTH_MAX = 64,             /* nesting of an expression */
    CEL_STEPS_MAX = 1000000,        /* evaluation steps of one evaluation; beyond: an error */
    /* What an event is assumed to hold when the cost of an expression is bounded at load. */
    CEL_COST_ELEMENTS = 10000,  /* values in all its lists and maps together, of 16 bytes each */
    CEL_COST_TEXT_BYTES = 1024, /* of a text, and of whatever is compared or added and may be a text */
};

/* What is wrong with an expression, as a place inside its text. */
struct cel_error {
    size_t offset; /* bytes from the start of the text */
    size_t len;    /* bytes to underline, at least 1 */
    char message[256];
};

/* The variables an expression may name, with their static types. cel_env_event() is the one of configs: event, value,
 * key, key_bytes, headers, topic, partition, offset, timestamp. cel_env_none() has none. */
struct cel_env;
const struct cel_env *cel_env_event(void);
const struct cel_env *cel_env_none(void);
/* cel_env_event() for the expressions of one release, all in one arena: the same regular expression is compiled once, and
 * all of them have a limit together (regex.h). Used until `regexes` is freed; what was parsed may live on. */
struct cel_regex_pool;
struct cel_env *cel_env_sharing(struct vx_arena *arena, struct cel_regex_pool *regexes);
/* An environment of names of type dyn whose values come from cel_frame.bindings in the same order (at most 64); for
 * test vectors: what the checker refuses elsewhere fails here when it is evaluated. */
struct cel_env *cel_env_bindings(struct vx_arena *arena, const char *const *names, size_t count);

/* A parsed and checked expression: immutable, lives in the arena. */
struct cel_expr;

/* Parses and checks `text` (copied). On failure returns VX_EINVAL and fills `error`; the first error counts. What may
 * cost more than CEL_STEPS_MAX is refused too. */
VX_MUSTCHECK enum vx_status cel_parse(struct vx_arena *arena, struct vx_span text, const struct cel_env *env,
                                      const struct cel_expr **out, struct cel_error *error);

/* The static type; CEL_DYN where it is known only at run time. */
enum cel_type cel_expr_type(const struct cel_expr *expr);
/* False when the value is never of that type: `event.a + 1` is an int or a double, and never a bool. */
bool cel_expr_may_be(const struct cel_expr *expr, enum cel_type type);
/* True when the expression reads the variable `name`: a config whose expressions never read `event` is not parsed. */
bool cel_expr_reads(const struct cel_expr *expr, const char *name);
/* The most steps that an evaluation takes of an event as assumed above; at most CEL_STEPS_MAX. A larger event may need
 * more, and fails where CEL_STEPS_MAX are not enough. */
uint64_t cel_expr_cost(const struct cel_expr *expr);
/* Calls `use` for each field of `event` that the expression names: the longest constant path, and the bytes of the text
 * that name its last step. The path is borrowed during the call. What was folded away is not named any more. */
typedef void cel_fields_fn(void *ctx, struct json_path path, size_t offset, size_t len);
void cel_expr_fields(const struct cel_expr *expr, cel_fields_fn *use, void *ctx);
/* The constant it folds to, or NULL. */
const struct cel_value *cel_expr_constant(const struct cel_expr *expr);

/* What the programs of a table share: the numbering of the event fields that they read, from which the owner builds
 * scanner paths, and their regular expressions (regex.h). cel_compile() adds to it. */
struct cel_slots {
    struct json_path *paths; /* slot n reads paths[n]; slot texts live in the arena given to _add */
    uint32_t count;
    uint32_t room;
    struct cel_regex_pool *regexes; /* NULL: none */
    struct cel_field_pool *fields;  /* the same field with the same constant is held once; NULL: none yet */
};
void cel_slots_done(struct cel_slots *slots);
/* Gives back what only compiling needs; more may be compiled, which shares nothing with what was. */
void cel_slots_settle(struct cel_slots *slots);
/* The slot of `path`, new or old. */
uint32_t cel_slots_add(struct cel_slots *slots, struct vx_arena *arena, struct json_path path);

/* An executable expression: immutable, lives in the arena it was compiled into. */
struct cel_program;
const struct cel_program *cel_compile(struct vx_arena *arena, const struct cel_expr *expr, struct cel_slots *slots);
/* The slots that a program reads: ids[0..count). */
const uint32_t *cel_program_slots(const struct cel_program *program, size_t *count);
bool cel_program_reads(const struct cel_program *program, const char *name);

/* An event as expressions see it. All borrowed. */
struct cel_header {
    struct vx_span name;
    struct vx_span value; /* at == NULL: a header with a null value */
};
struct cel_event {
    struct vx_span topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    struct vx_span key;   /* at == NULL: no key */
    struct vx_span value; /* at == NULL: tombstone */
    const struct cel_header *headers;
    size_t header_count;
    const struct json_value *slots; /* as filled by json_scan() for this event; all JSON_KIND_MISSING for a tombstone */
};

/* Numbers that were read from the slots of an event, so that the next evaluation need not. Whoever fills the slots gives
 * the event an epoch of its own, not 0; at[n] is known when it has the same. */
struct cel_number {
    uint32_t epoch;
    bool is_double;
    union {
        int64_t i;
        double d;
    };
};
struct cel_numbers {
    struct cel_number *at; /* by slot; owned by whoever owns this */
    uint32_t count;
    uint32_t epoch;
};

/* What an evaluation needs; a worker has one and resets `arena` after each event. No heap beyond the arena is used. */
struct cel_scratch;
struct cel_frame {
    const struct cel_event *event;    /* NULL in an environment without event variables */
    const struct cel_value *bindings; /* of cel_env_bindings(), else NULL */
    struct vx_arena *arena;           /* strings, lists and maps that the evaluation makes */
    struct cel_scratch *scratch;      /* for regular expressions, fitted to the table (regex.h); NULL: slower */
    struct cel_numbers *numbers;      /* of event->slots; NULL: none are kept */
    uint64_t steps_left;              /* CEL_STEPS_MAX without those taken; set by cel_eval() */
    uint64_t *budget;                 /* of all evaluations together, from which each takes its steps; NULL: none */
    const char *failure;              /* after VX_EINVAL: what failed ("no such key: amount"); static or in arena */
    size_t failure_offset;            /* and where: byte offset in the expression's text */
    bool absent;                      /* after cel_test() has set *failed: of something that is not there */
};

/* Evaluates. VX_OK and `*out` (borrowing from event and arena), or VX_EINVAL and frame->failure. */
VX_MUSTCHECK enum vx_status cel_eval(const struct cel_program *program, struct cel_frame *frame, struct cel_value *out);

/* Condition semantics of the design: true only when the value is the bool true. A failure is false and sets *failed;
 * it is not worded (frame->failure stays NULL): cel_eval() does that, for explain. frame->absent tells whether what failed
 * (of several parts the first) did so because there is no such field, key, element or header: events lack fields as a
 * matter of course, and only other failures (types, overflow, division by zero, a budget that is spent) are mistakes. */
bool cel_test(const struct cel_program *program, struct cel_frame *frame, bool *failed);

#endif
