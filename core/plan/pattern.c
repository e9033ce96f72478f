/* Topics that no routing names and a pattern takes: an exact name beats a pattern, dead letters of the release are never
 * taken, of two patterns the first routing by name wins. Any thread.
 *
 * What was found is remembered in a small hash table of pointers that are published once and never change, so that an
 * event costs one look-up as with exact names. Invariant: after table_new() only these pointers change, from NULL. */
#include "core/config/pattern.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/plan/compiled.h"

enum { FOUND_SIZE = 1024, FOUND_PROBES = 8 }; /* topics beyond are looked up each time */

struct found {
    const struct route *route; /* NULL: no pattern takes it */
    size_t len;
    char topic[];
};

struct route_pattern {
    const struct route *route;
    enum config_start start;
    const char *text;  /* the table's */
    struct pattern *p; /* owned */
};

struct patterns {
    struct route_pattern *list; /* the table's; by name of the routing */
    size_t count;
    _Atomic(struct found *) found[FOUND_SIZE];
};

void patterns_compile(struct compiler *c)
{
    struct table *t = c->table;
    size_t count = 0, dead = 0;
    for (size_t i = 0; i < t->route_count; i++)
        for (size_t k = 0; k < t->routes[i].topic_count; k++)
            count += pattern_is(vx_span_str(t->routes[i].topics[k]));
    if (count == 0)
        return;
    t->patterns = calloc(1, sizeof *t->patterns);
    vx_assert(t->patterns != NULL);
    t->dead_letters = VX_ARENA_ARRAY(&t->arena, const char *, c->set->routing_count + c->set->processing_count);
    for (size_t i = 0; i < c->set->routing_count; i++)
        if (c->set->routings[i].dead_letter)
            t->dead_letters[dead++] = vx_arena_str(&t->arena, c->set->routings[i].dead_letter);
    for (size_t i = 0; i < c->set->processing_count; i++)
        if (c->set->processings[i].dead_letter)
            t->dead_letters[dead++] = vx_arena_str(&t->arena, c->set->processings[i].dead_letter);
    t->dead_letter_count = dead;
    t->patterns->list = VX_ARENA_ARRAY(&t->arena, struct route_pattern, count);
    for (size_t i = 0; i < t->route_count; i++)
        for (size_t k = 0; k < t->routes[i].topic_count; k++) {
            const char *text = t->routes[i].topics[k];
            if (pattern_is(vx_span_str(text)))
                t->patterns->list[t->patterns->count++] =
                    (struct route_pattern){&t->routes[i], c->set->routings[i].start, text, pattern_new(text)};
        }
}

void patterns_free(struct patterns *patterns)
{
    for (size_t i = 0; patterns && i < FOUND_SIZE; i++)
        free(atomic_load(&patterns->found[i]));
    for (size_t i = 0; patterns && i < patterns->count; i++)
        pattern_free(patterns->list[i].p);
    free(patterns);
}

bool table_match(const struct table *t, struct vx_span topic, struct table_match *out)
{
    struct table_match match = {0};
    for (size_t i = 0; t->patterns && i < t->dead_letter_count; i++)
        if (vx_span_is(topic, t->dead_letters[i]))
            return false;
    for (size_t i = 0; t->patterns && i < t->patterns->count && !match.other; i++) {
        const struct route_pattern *rp = &t->patterns->list[i];
        if (rp->route == match.route || !pattern_takes(rp->p, topic))
            continue;
        if (match.route)
            match.other = rp->route->name;
        else
            match = (struct table_match){.routing = rp->route->name,
                                         .pattern = rp->text,
                                         .start = rp->start,
                                         .delivery = rp->route->delivery,
                                         .route = rp->route};
    }
    if (match.route)
        *out = match;
    return match.route != NULL;
}

bool table_has_patterns(const struct table *t)
{
    return t->patterns != NULL;
}

static const struct route *look_up(const struct table *t, struct vx_span topic)
{
    struct table_match match;
    return table_match(t, topic, &match) ? match.route : NULL;
}

const struct route *patterns_route(const struct table *t, struct vx_span topic)
{
    uint64_t hash = vx_hash64(topic);
    for (size_t i = 0; i < FOUND_PROBES; i++) {
        _Atomic(struct found *) *at = &t->patterns->found[(hash + i) % FOUND_SIZE];
        struct found *found = atomic_load_explicit(at, memory_order_acquire);
        if (!found) {
            found = malloc(sizeof *found + topic.len);
            vx_assert(found != NULL);
            found->route = look_up(t, topic);
            found->len = topic.len;
            memcpy(found->topic, topic.at, topic.len);
            struct found *none = NULL;
            const struct route *route = found->route;
            if (!atomic_compare_exchange_strong_explicit(at, &none, found, memory_order_acq_rel, memory_order_acquire))
                free(found);
            return route;
        }
        if (vx_span_equal(vx_span(found->topic, found->len), topic))
            return found->route;
    }
    return look_up(t, topic);
}
