/* See adoption.h. Made by the follower, read by workers, freed by whoever lets go last. */
#include "router/io/adoption.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t *numbers(size_t count)
{
    uint32_t *n = calloc(count ? count : 1, sizeof *n);
    vx_assert(n != NULL);
    return n;
}

struct adoption *adoption_new(struct table *t, uint64_t generation, struct metrics *metrics)
{
    struct adoption *a = calloc(1, sizeof *a);
    vx_assert(a != NULL);
    atomic_init(&a->refs, 1);
    a->t = t;
    a->generation = generation;

    size_t count;
    const struct table_rule *rules = table_rules(t, &count);
    a->rules = numbers(count);
    for (size_t i = 0; i < count; i++)
        a->rules[i] = metrics_counter(metrics, METRIC_RULES, rules[i].routing, rules[i].name);
    const char *const *pipelines = table_pipelines(t, &count);
    a->pipelines = numbers(count);
    a->filtered = numbers(count);
    a->failed = numbers(count);
    for (size_t i = 0; i < count; i++) {
        a->pipelines[i] = metrics_counter(metrics, METRIC_PIPELINES, pipelines[i], NULL);
        a->filtered[i] = metrics_counter(metrics, METRIC_FILTERED, pipelines[i], NULL);
        a->failed[i] = metrics_counter(metrics, METRIC_FAILED, pipelines[i], NULL);
    }
    snprintf(a->release_text, sizeof a->release_text, "%u", table_release(t));
    a->release_counter = metrics_counter(metrics, METRIC_RELEASES, a->release_text, NULL);
    return a;
}

struct adoption *adoption_ref(struct adoption *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

void adoption_unref(struct adoption *a)
{
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
        return;
    table_unref(a->t);
    free(a->rules);
    free(a->pipelines);
    free(a->filtered);
    free(a->failed);
    free(a);
}
