/* Decisions as text: one event a line in, one decision a line out. What `veltrix simulate` and the golden tests are made
 * of; no Kafka, no etcd, no files.
 *
 *     {"topic":"t","key":"k","headers":{"h":"v"},"timestamp":0,"partition":0,"offset":7,"value":{"a":1}}
 *       ──simulate_load──> cel_event ──decide──> decision ──simulate_print──>
 *     {"n":0,"topic":"t","rule":"r","outcome":"emitted","pipelines":["p"],"outputs":[{"topic","key","headers","value"}],
 *      "error":null}
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
 * no JSON, an unknown member, a wrong type, no topic. */
VX_MUSTCHECK enum vx_status simulate_load(struct simulate *s, struct vx_span line, const struct cel_event *defaults,
                                          struct cel_event *ev, struct vx_err *err);

/* Appends the decision about event number `n` as one line, with its newline. */
void simulate_print(struct simulate *s, const struct table *t, uint64_t n, const struct cel_event *ev,
                    const struct decision *decision, struct vx_buf *out);

/* "emitted", "filtered", "dropped", "dead_letter", "stuck", "unrouted". */
const char *simulate_outcome(enum decide_outcome outcome);

#endif
