/* See wish.h. An exact name beats a pattern: what is named is taken from the release as it stands there. */
#include "router/io/wish.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

struct wished {
    char *name;
    enum config_start start;
    enum config_delivery delivery;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct wished *)a)->name, ((const struct wished *)b)->name);
}

/* Adds those of `there` that no routing names and a pattern takes. */
static size_t add_matches(const struct table *t, const struct vx_strings *there, struct wished *out)
{
    struct table_match match;
    size_t count, n = 0;
    const struct table_topic *topics = table_topics(t, &count);
    for (size_t i = 0; i < there->count; i++) {
        bool named = false;
        for (size_t k = 0; k < count && !named; k++)
            named = strcmp(topics[k].name, there->at[i]) == 0;
        if (named || !table_match(t, vx_span_str(there->at[i]), &match))
            continue;
        out[n].name = strdup(there->at[i]);
        vx_assert(out[n].name != NULL);
        out[n].delivery = match.delivery;
        out[n++].start = match.start;
    }
    return n;
}

struct wish *wish_new(const struct table *t, const struct vx_strings *there)
{
    struct wish *wish = calloc(1, sizeof *wish);
    size_t count, more = there && table_has_patterns(t) ? there->count : 0;
    const struct table_topic *topics = table_topics(t, &count);
    struct wished *all = calloc(count + more + 1, sizeof *all);
    vx_assert(wish && all);
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct wished){strdup(topics[i].name), topics[i].start, topics[i].delivery};
        vx_assert(all[i].name != NULL);
    }
    wish->count = count + (more ? add_matches(t, there, all + count) : 0);
    qsort(all, wish->count, sizeof *all, by_name);
    wish->names = calloc(wish->count + 1, sizeof *wish->names);
    wish->starts = calloc(wish->count + 1, sizeof *wish->starts);
    wish->deliveries = calloc(wish->count + 1, sizeof *wish->deliveries);
    vx_assert(wish->names && wish->starts && wish->deliveries);
    for (size_t i = 0; i < wish->count; i++) {
        wish->names[i] = all[i].name;
        wish->starts[i] = all[i].start;
        wish->deliveries[i] = all[i].delivery;
    }
    free(all);
    return wish;
}

void wish_free(struct wish *wish)
{
    if (!wish)
        return;
    for (size_t i = 0; i < wish->count; i++)
        free(wish->names[i]);
    free(wish->names);
    free(wish->starts);
    free(wish->deliveries);
    free(wish);
}

bool wish_is_same(const struct wish *a, const struct wish *b)
{
    if (!a || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    return true;
}

int wish_find(const struct wish *wish, const char *topic)
{
    for (size_t i = 0; wish && i < wish->count; i++)
        if (strcmp(wish->names[i], topic) == 0)
            return (int)i;
    return -1;
}
