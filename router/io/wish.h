/* What is to be subscribed to: the topics that a release names, and those of the cluster that its patterns take.
 *
 * Pure: no clock, no thread, no Kafka. Immutable once made.
 */
#ifndef ROUTER_IO_WISH_H
#define ROUTER_IO_WISH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/config/field.h"
#include "core/plan/table.h"

/* Topics, sorted by name. All owned. */
struct wish {
    char **names;
    enum config_start *starts;
    enum config_delivery *deliveries;
    size_t count;
};

/* The topics of `t`, and those of `there` (NULL: none) that its patterns take. */
struct wish *wish_new(const struct table *t, const struct vx_strings *there);
/* NULL is fine. */
void wish_free(struct wish *wish);
/* Are they the same topics? `a` may be NULL: nothing was wished for yet. */
bool wish_is_same(const struct wish *a, const struct wish *b);
/* The place of a topic; -1: it is not among them. */
int wish_find(const struct wish *wish, const char *topic);

#endif
