/* A release in force: its table, and the numbers of the counters of its rules and pipelines, so that counting needs no
 * look-up by name. Immutable, counted; handed to each worker by one pointer exchange. Any thread. */
#ifndef ROUTER_IO_ADOPTION_H
#define ROUTER_IO_ADOPTION_H

#include <stdatomic.h>

#include "core/plan/table.h"
#include "router/metrics.h"

struct adoption {
    atomic_uint refs;
    struct table *t;       /* owned */
    uint64_t generation;   /* of the pointer that named it */
    char release_text[12]; /* value of the header veltrix-release */
    uint32_t release_counter;
    uint32_t *rules;     /* counter of rule n of table_rules() */
    uint32_t *pipelines; /* counter of pipeline n of table_pipelines(); likewise the two below */
    uint32_t *filtered;
    uint32_t *failed;
};

/* Takes the table over. */
struct adoption *adoption_new(struct table *t, uint64_t generation, struct metrics *metrics);
struct adoption *adoption_ref(struct adoption *a);
void adoption_unref(struct adoption *a);

#endif
