/* Decisions as text: one event a line in, one decision a line out. What `veltrix simulate`, `veltrix-router --simulate`
 * and the golden tests are made of; no Kafka, no etcd.
 *
 *     {"topic":"t","key":"k","headers":{"h":"v"},"timestamp":0,"partition":0,"offset":7,"value":{"a":1}}
 *       ──simulate_load──> cel_event ──decide──> decision ──simulate_print──>
 *     {"n":0,"topic":"t","rule":"r","outcome":"emitted","pipelines":["p"],"outputs":[{"topic","key","headers","value"}],
 *      "error":null}                                      simulate_run() does it for all lines of an input
 *
 * `rule` is the rule that took the event, null for `otherwise` and where none was reached; "routing" stands behind it where
 * the rule is of a routing that the event was handed over to. With `match: all`, `rule` is the first one, and
 * "rules":[{"rule":"r"},{"rule":null,"routing":"other"}] has them all, in order.
 *
 * Bytes that are no text: `value` is JSON as it stands, or `value_base64`; `key` a string, or `key_base64`; a header a
 * string, null, or {"base64":"…"}. A `value` that is null or not there is a tombstone (the JSON text null is
 * "value_base64":"bnVsbA=="), a `key` that is null or not there is none. A header that comes twice is written twice.
 * One thread.
 */
#ifndef VX_PLAN_SIMULATE_H
#define VX_PLAN_SIMULATE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/plan/decide.h"

struct simulate;
struct simulate *simulate_new(void);
void simulate_free(struct simulate *s);

/* Reads an envelope. What it leaves out is taken from `defaults`, which may be NULL (topic, partition, offset, timestamp).
 * `ev` borrows from `line`, `defaults` and `s` until the next call. VX_EINVAL with a message that begins with what is wrong:
 * no JSON, an unknown member, a wrong type, a key or a value told in two ways, no topic. */
VX_MUSTCHECK enum vx_status simulate_load(struct simulate *s, struct vx_span line, const struct cel_event *defaults,
                                          struct cel_event *ev, struct vx_err *err);

/* Appends the decision about event number `n` as one line, with its newline. */
void simulate_print(struct simulate *s, const struct table *t, uint64_t n, const struct cel_event *ev,
                    const struct decision *decision, struct vx_buf *out);

/* "emitted", "filtered", "dropped", "dead_letter", "stuck", "unrouted". */
const char *simulate_outcome(enum decide_outcome outcome);

/* --- whole inputs ---------------------------------------------------------------------------------------------------- */

enum {
    SIMULATE_LINE_MAX_BYTES = 64 * 1024 * 1024, /* of the input; a longer one is a bad line */
    SIMULATE_OUTCOMES = OUTCOME_UNROUTED + 1,
};

struct simulate_stream {
    int in, out;          /* file descriptors */
    const char *name;     /* of the input, for messages: "standard input" */
    bool envelope;        /* a line is an envelope; else it is an event's value as it stands, its number the offset */
    struct vx_span topic; /* of events that do not name one; at == NULL (with `envelope` only): every one must */
    bool counts_only;     /* decide and count, write nothing */
    void (*on_bad_line)(void *ctx, uint64_t line, const char *message); /* lines count from 1 */
    void (*on_event)(void *ctx, const struct cel_event *ev); /* every event, before it is decided; NULL: nobody cares */
    void *ctx;
};

/* How many events went which way. */
struct simulate_counts {
    uint64_t events;                        /* lines that are not empty */
    uint64_t bad_lines;                     /* of them: not decided */
    uint64_t (*by_rule)[SIMULATE_OUTCOMES]; /* rule_count + 1 rows: as table_rules() numbers them; one for no rule. With
                                               `match: all` an event counts once at each rule that took it */
    uint64_t *took;                         /* by the same numbers: events that the rule took, or handed over */
    size_t rule_count;
};

/* Decides every line that is not empty. A bad line (no envelope, or too long) is told to on_bad_line(), keeps its number
 * and has no decision; the others go on. `counts` is filled in every case; simulate_counts_done() frees it.
 * VX_ECANCELED: SIGINT came; everything read until then is decided and written. VX_EIO: `err` says which side. */
VX_MUSTCHECK enum vx_status simulate_run(const struct table *t, const struct simulate_stream *how,
                                         struct simulate_counts *counts, struct vx_err *err);
void simulate_counts_done(struct simulate_counts *counts);
/* Appends a table for people: a line a rule, a column an outcome that occurred. */
void simulate_counts_print(const struct table *t, const struct simulate_counts *counts, struct vx_buf *out);

/* The topic of events that do not name one: `wanted`, or the only one of the table where that is NULL. VX_EINVAL,
 * VX_ENOTFOUND: `err` lists what there is. */
VX_MUSTCHECK enum vx_status simulate_topic(const struct table *t, const char *wanted, struct vx_span *topic,
                                           struct vx_err *err);

#endif
