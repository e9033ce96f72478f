/* Tables: a config_set compiled into one arena, and what can be asked of it. Built on one thread, then immutable and
 * shared; the last reference frees it, whichever thread holds it.
 *
 * Order of building: pipelines (their programs number the event fields), then routes (which need to know what the
 * pipelines read), then the lists that others ask for. Invariant: after table_new() only `refs` changes.
 */
#include "core/plan/table.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "core/config/pattern.h"
#include "core/plan/compiled.h"
#include "core/plan/match.h"

const struct pipeline *compiler_pipeline(const struct compiler *c, const char *name)
{
    const struct table *t = c->table;
    size_t low = 0, high = t->pipeline_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, t->pipelines[middle].name);
        if (order == 0)
            return &t->pipelines[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    vx_die(__FILE__, __LINE__, "a pipeline that config_load() has checked"); /* it found every name */
}

static void compile_routes(struct compiler *c)
{
    struct table *t = c->table;
    const struct config_set *set = c->set;
    t->route_count = set->routing_count;
    t->routes = VX_ARENA_ARRAY(&t->arena, struct route, t->route_count);
    for (size_t i = 0; i < set->routing_count; i++)
        t->rule_count += set->routings[i].rule_count + 1;
    t->rules = VX_ARENA_ARRAY(&t->arena, struct table_rule, t->rule_count);
    routes_compile(c);
}

/* A source topic while they are being sorted. */
struct source {
    struct table_topic row;
    const struct route *route;
};

static int by_topic(const void *a, const void *b)
{
    return strcmp(((const struct source *)a)->row.name, ((const struct source *)b)->row.name);
}

static void index_topics(struct table *t)
{
    uint32_t size = 8;
    while (size < t->topic_count * 2)
        size *= 2;
    t->topic_mask = size - 1;
    t->topic_index = VX_ARENA_ARRAY(&t->arena, uint32_t, size);
    for (size_t i = 0; i < t->topic_count; i++) {
        uint32_t at = (uint32_t)vx_hash64(vx_span_str(t->topics[i].name)) & t->topic_mask;
        while (t->topic_index[at])
            at = (at + 1) & t->topic_mask;
        t->topic_index[at] = (uint32_t)i + 1;
    }
}

static void list_topics(struct compiler *c)
{
    struct table *t = c->table;
    size_t count = 0, n = 0;
    for (size_t i = 0; i < t->route_count; i++)
        for (size_t k = 0; k < t->routes[i].topic_count; k++)
            count += !pattern_is(vx_span_str(t->routes[i].topics[k]));
    struct source *sources = calloc(count + 1, sizeof *sources);
    vx_assert(sources != NULL);
    for (size_t i = 0; i < t->route_count; i++) {
        const struct route *route = &t->routes[i];
        for (size_t k = 0; k < route->topic_count; k++)
            if (!pattern_is(vx_span_str(route->topics[k])))
                sources[n++] = (struct source){
                    {route->topics[k], route->name, c->set->routings[i].start, route->delivery, route->parsed}, route};
    }
    qsort(sources, count, sizeof *sources, by_topic);
    t->topic_count = count;
    t->topics = VX_ARENA_ARRAY(&t->arena, struct table_topic, count);
    t->topic_routes = VX_ARENA_ARRAY(&t->arena, const struct route *, count);
    for (size_t i = 0; i < count; i++) {
        t->topics[i] = sources[i].row;
        t->topic_routes[i] = sources[i].route;
    }
    free(sources);
    index_topics(t);
}

/* Names while they are being collected. */
struct names {
    struct vx_arena *arena;
    const char **at;
    size_t count, room;
};

static void names_add(struct names *names, struct vx_span name)
{
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : 64;
        names->at = realloc(names->at, names->room * sizeof *names->at);
        vx_assert(names->at != NULL);
    }
    names->at[names->count++] = vx_arena_span(names->arena, name).at;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void collect_emit(struct names *names, const struct config_emit *emit)
{
    if (emit->topic.kind == CONFIG_VALUE_CONSTANT)
        names_add(names, emit->topic.text);
    for (size_t i = 0; i < emit->allow_count; i++) {
        if (emit->allow[i].len && emit->allow[i].at[emit->allow[i].len - 1] != '*')
            names_add(names, emit->allow[i]);
    }
}

static void list_destinations(struct compiler *c)
{
    struct table *t = c->table;
    struct names names = {.arena = &t->arena};
    for (size_t i = 0; i < c->set->processing_count; i++) {
        const struct config_processing *p = &c->set->processings[i];
        if (p->dead_letter)
            names_add(&names, vx_span_str(p->dead_letter));
        for (size_t k = 0; k < p->stage_count; k++) {
            if (p->stages[k].kind == CONFIG_EMIT)
                collect_emit(&names, &p->stages[k].emit);
        }
    }
    for (size_t i = 0; i < t->route_count; i++) {
        if (t->routes[i].dead_letter)
            names_add(&names, vx_span_str(t->routes[i].dead_letter));
    }
    if (names.count)
        qsort(names.at, names.count, sizeof *names.at, by_name);
    t->destinations = VX_ARENA_ARRAY(&t->arena, const char *, names.count);
    for (size_t i = 0; i < names.count; i++) {
        if (i == 0 || strcmp(names.at[i], names.at[i - 1]) != 0)
            t->destinations[t->destination_count++] = names.at[i];
    }
    free(names.at);
}

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->route_count; i++)
        json_paths_free(t->routes[i].paths);
    patterns_free(t->patterns);
    cel_slots_done(&t->slots);
    vx_arena_done(&t->indexes);
    vx_arena_done(&t->arena);
    free(t);
}

static uint64_t hash_documents(const struct config_set *set)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < set->document_count; i++) {
        uint64_t both[] = {hash, vx_hash64(set->documents[i].text)};
        hash = vx_hash64(vx_span((const char *)both, sizeof both));
    }
    return hash;
}

enum vx_status table_new(const struct config_set *set, uint32_t number, struct table **out, struct vx_diags *diags)
{
    struct table *t = calloc(1, sizeof *t);
    vx_assert(t != NULL);
    t->refs = 1;
    t->release = number;
    t->content = hash_documents(set);
    t->provenance = set->fleet.provenance == CONFIG_PROVENANCE_HEADER;

    struct compiler c = {t, set, diags, calloc(set->processing_count + 1, sizeof *c.pipeline_reads),
                         calloc(set->routing_count + 1, sizeof *c.route_reads)};
    vx_assert(c.pipeline_reads != NULL && c.route_reads != NULL);
    enum vx_status status = pipelines_compile(&c);
    if (!status) {
        compile_routes(&c);
        list_topics(&c);
        patterns_compile(&c);
        list_destinations(&c);
        match_indexes_make(&c);
        cel_slots_settle(&t->slots);
        *out = t;
    } else {
        table_free(t);
    }
    for (size_t i = 0; i < set->processing_count; i++)
        reads_done(&c.pipeline_reads[i]);
    for (size_t i = 0; i < set->routing_count; i++)
        reads_done(&c.route_reads[i]);
    free(c.pipeline_reads);
    free(c.route_reads);
    return status;
}

struct table *table_ref(struct table *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void table_unref(struct table *t)
{
    if (t && __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) == 0)
        table_free(t);
}

uint64_t table_content(const struct table *t)
{
    return t->content;
}

uint32_t table_release(const struct table *t)
{
    return t->release;
}

bool table_provenance(const struct table *t)
{
    return t->provenance;
}

size_t table_bytes(const struct table *t)
{
    return sizeof *t + t->arena.held_bytes + t->indexes.held_bytes + t->slots.room * sizeof *t->slots.paths;
}

const struct route *table_route(const struct table *t, struct vx_span topic)
{
    uint32_t at = (uint32_t)vx_hash64(topic) & t->topic_mask;
    for (; t->topic_index[at]; at = (at + 1) & t->topic_mask) {
        uint32_t row = t->topic_index[at] - 1;
        if (vx_span_is(topic, t->topics[row].name))
            return t->topic_routes[row];
    }
    return t->patterns ? patterns_route(t, topic) : NULL;
}

enum config_delivery table_delivery(const struct table *t, struct vx_span topic)
{
    const struct route *route = table_route(t, topic);
    return route ? route->delivery : CONFIG_AT_LEAST_ONCE;
}

const struct table_topic *table_topics(const struct table *t, size_t *count)
{
    *count = t->topic_count;
    return t->topics;
}

const char *const *table_destinations(const struct table *t, size_t *count)
{
    *count = t->destination_count;
    return t->destinations;
}

const struct table_rule *table_rules(const struct table *t, size_t *count)
{
    *count = t->rule_count;
    return t->rules;
}

const char *const *table_pipelines(const struct table *t, size_t *count)
{
    *count = t->pipeline_count;
    return t->pipeline_names;
}
