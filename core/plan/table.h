/* A table: a whole release, compiled. Immutable, shared by all workers, swapped by one pointer, freed when nothing refers
 * to it. It owns everything it needs (one arena); the config_set it was made from may go.
 *
 *     config_set ──table_new──> table: topic → route (rules in order, otherwise) → pipeline programs
 *
 * Any thread; references are counted atomically.
 */
#ifndef VX_PLAN_TABLE_H
#define VX_PLAN_TABLE_H

#include "core/base/diag.h"
#include "core/base/err.h"
#include "core/config/config.h"

/* Limit: VX_ELIMIT beyond. */
enum {
    TABLE_STAGE_RUNS_MAX = 10000, /* stages that an event runs through in one pipeline, called ones included */
};

struct table;
struct route; /* what happens to the events of one routing */

/* Compiles `set` as release `number`. config_load() has found what is wrong before; what can still fail are limits of the
 * compiled form (VX_ELIMIT, with a finding in `diags`). */
VX_MUSTCHECK enum vx_status table_new(const struct config_set *set, uint32_t number, struct table **out,
                                      struct vx_diags *diags);
struct table *table_ref(struct table *t);
void table_unref(struct table *t);

/* The number that table_new() was given. */
uint32_t table_release(const struct table *t);
/* A hash of the documents it was made of: a number that etcd gave out twice (a snapshot was restored) has two. */
uint64_t table_content(const struct table *t);
/* Output records carry the header veltrix-release. */
bool table_provenance(const struct table *t);
/* Memory held, in bytes. */
size_t table_bytes(const struct table *t);

/* The route of a topic, or NULL when no routing claims it, by name or by pattern. */
const struct route *table_route(const struct table *t, struct vx_span topic);

/* How the events of a topic are delivered; at least once where no routing claims it. Where rules hand over, the routing
 * of the topic says so. */
enum config_delivery table_delivery(const struct table *t, struct vx_span topic);

/* What the table consumes: one row per source topic, sorted by name. */
struct table_topic {
    const char *name;
    const char *routing;
    enum config_start start;
    enum config_delivery delivery;
    bool parsed; /* its values must be JSON */
};
const struct table_topic *table_topics(const struct table *t, size_t *count);

/* Topic patterns (core/config/pattern.h). Whether the table has any; and what takes a topic that no routing names:
 * false when nothing does. Not for the hot path. */
bool table_has_patterns(const struct table *t);
struct table_match {
    const char *routing; /* the first by name that takes it */
    const char *pattern;
    const char *other; /* a second one that would; NULL: none */
    enum config_start start;
    enum config_delivery delivery;
    const struct route *route;
};
bool table_match(const struct table *t, struct vx_span topic, struct table_match *out);

/* Every destination that is known by name: constant emit topics, allow entries without `*`, dead-letter topics; sorted,
 * no doubles. */
const char *const *table_destinations(const struct table *t, size_t *count);

/* Rules and pipelines are numbered within a table, for counters. Of each routing its rules in order, then its `otherwise`
 * (named "otherwise"). */
struct table_rule {
    const char *routing;
    const char *name;
};
const struct table_rule *table_rules(const struct table *t, size_t *count);
const char *const *table_pipelines(const struct table *t, size_t *count);

#endif
