/* A release: documents from all sources, put in order, checked as a whole. Load-time only; any one thread; everything lives
 * in the set's arena.
 */
#include "core/config/config.h"

#include <stdlib.h>

#include "core/cel/regex/regex.h"
#include "core/config/check.h"
#include "core/config/folder.h"
#include "core/config/load_test.h"
#include "core/config/yaml.h"

static const char *const kind_names[] = {
    [CONFIG_KIND_FLEET] = "fleet",
    [CONFIG_KIND_ROUTING] = "routing",
    [CONFIG_KIND_PROCESSING] = "processing",
    [CONFIG_KIND_TEST] = "test",
};

/* What was found so far, in no order; the arrays are freed when they are in the arena. */
struct findings {
    struct config_document *documents;
    struct config_routing *routings;
    struct config_processing *processings;
    struct config_test *tests;
    size_t document_count, routing_count, processing_count, test_count;
    size_t document_room, routing_room, processing_room, test_room;
};

const char *config_kind_name(enum config_kind kind)
{
    return (unsigned)kind < CONFIG_KIND_COUNT ? kind_names[kind] : "unknown";
}

enum config_kind config_kind_load(struct vx_span name)
{
    enum config_kind kind = 0;
    while (kind < CONFIG_KIND_COUNT && !vx_span_is(name, kind_names[kind]))
        kind++;
    return kind;
}

bool config_topic_valid(struct vx_span topic)
{
    return field_topic_valid(topic);
}

static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 16;
    array = realloc(array, *room * size);
    vx_assert(array != NULL);
    return array;
}

static enum config_kind find_kind(struct loader *l, const struct config_node *root)
{
    const struct config_node *node = config_node_find(root, "kind");
    struct vx_span text;
    if (root->refused)
        return CONFIG_KIND_COUNT;
    if (root->kind != CONFIG_MAPPING) {
        load_error(l, root, "a document must be a mapping with `kind` and `name`, not %s", load_node_name(root));
        return CONFIG_KIND_COUNT;
    }
    if (!node) {
        load_error(l, root, "a document needs `kind`: fleet, routing, processing or test");
        return CONFIG_KIND_COUNT;
    }
    if (!load_text(l, "kind", node, "fleet, routing, processing or test", &text))
        return CONFIG_KIND_COUNT;
    enum config_kind kind = config_kind_load(text);
    const char *near = vx_nearest(text, kind_names, CONFIG_KIND_COUNT);
    if (kind == CONFIG_KIND_COUNT)
        load_error(l, node, "`kind` must be fleet, routing, processing or test, not \"%.*s\"%s%s%s", VX_SPAN_ARG(text),
                   near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    return kind;
}

static void load_test_document(struct loader *l, struct findings *f, const struct config_node *root)
{
    struct config_test test = {.node = root, .only.expect.outcome = CONFIG_OUTCOME_ANY};
    load_rows(l, &config_document_shapes[CONFIG_KIND_TEST], root, &test);
    load_test(l, root, &test);
    if (!test.name)
        return;
    f->tests = grow(f->tests, f->test_count, &f->test_room, sizeof test);
    f->tests[f->test_count++] = test;
}

static void load_document(struct loader *l, struct config_set *set, struct findings *f,
                          const struct yaml_stream *stream, const struct yaml_document *doc, const char *path)
{
    const struct config_node *root = doc->root;
    if (doc->end - doc->begin > CONFIG_DOCUMENT_MAX_BYTES) {
        load_error(l, root, "this document has %zu bytes; at most %d are allowed", doc->end - doc->begin,
                   CONFIG_DOCUMENT_MAX_BYTES);
        return;
    }
    enum config_kind kind = find_kind(l, root);
    if (kind == CONFIG_KIND_COUNT)
        return;
    struct config_routing routing = {.node = root};
    struct config_processing processing = {.node = root};
    struct config_fleet fleet = {.node = root};
    void *bases[] = {
        [CONFIG_KIND_FLEET] = &fleet, [CONFIG_KIND_ROUTING] = &routing, [CONFIG_KIND_PROCESSING] = &processing};
    if (kind == CONFIG_KIND_TEST) {
        load_test_document(l, f, root);
        return;
    }
    load_rows(l, &config_document_shapes[kind], root, bases[kind]);
    const char *names[] = {[CONFIG_KIND_FLEET] = fleet.name,
                           [CONFIG_KIND_ROUTING] = routing.name,
                           [CONFIG_KIND_PROCESSING] = processing.name};
    if (!names[kind])
        return;
    f->documents = grow(f->documents, f->document_count, &f->document_room, sizeof *f->documents);
    f->documents[f->document_count++] = (struct config_document){
        .kind = kind,
        .name = names[kind],
        .path = vx_arena_str(l->arena, path),
        .line = doc->line,
        .text = vx_span(stream->file->text.at + doc->begin, doc->end - doc->begin),
        .node = root,
    };
    if (kind == CONFIG_KIND_ROUTING) {
        f->routings = grow(f->routings, f->routing_count, &f->routing_room, sizeof routing);
        f->routings[f->routing_count++] = routing;
    } else if (kind == CONFIG_KIND_PROCESSING) {
        f->processings = grow(f->processings, f->processing_count, &f->processing_room, sizeof processing);
        f->processings[f->processing_count++] = processing;
    } else if (!set->fleet.name) {
        set->fleet = fleet;
    }
}

/* By kind and name; the same twice: in the order of the sources. */
static int compare_documents(const void *a, const void *b)
{
    const struct config_document *x = a, *y = b;
    int c = (x->kind > y->kind) - (x->kind < y->kind);
    if (!c)
        c = strcmp(x->name, y->name);
    if (!c)
        c = strcmp(x->node->file->path, y->node->file->path);
    return c ? c : (x->node->line > y->node->line) - (x->node->line < y->node->line);
}

static int compare_routings(const void *a, const void *b)
{
    return strcmp(((const struct config_routing *)a)->name, ((const struct config_routing *)b)->name);
}

static int compare_processings(const void *a, const void *b)
{
    return strcmp(((const struct config_processing *)a)->name, ((const struct config_processing *)b)->name);
}

static void *sorted(struct vx_arena *arena, void *items, size_t count, size_t size,
                    int (*compare)(const void *, const void *))
{
    void *kept = vx_arena_alloc(arena, count * size);
    if (count > 0) {
        memcpy(kept, items, count * size);
        qsort(kept, count, size, compare);
    }
    free(items);
    return kept;
}

static void check_documents(struct loader *l, const struct config_set *set)
{
    for (size_t i = 1; i < set->document_count; i++) {
        const struct config_document *first = &set->documents[i - 1], *second = &set->documents[i];
        const struct config_node *name = config_node_find(second->node, "name");
        if (first->kind == second->kind && strcmp(first->name, second->name) == 0)
            load_error(l, name, "%s `%s` is defined twice; first in %s:%d", kind_names[first->kind], first->name,
                       first->node->file->path, first->node->line);
        else if (first->kind == CONFIG_KIND_FLEET && second->kind == CONFIG_KIND_FLEET)
            load_error(l, name, "there can be one fleet; the first is in %s:%d", first->node->file->path,
                       first->node->line);
    }
}

/* Limits of a release, at the first thing beyond. */
static void check_limits(struct loader *l, const struct config_set *set)
{
    size_t rules = 0;
    for (size_t i = 0; i < set->routing_count; i++) {
        const struct config_routing *r = &set->routings[i];
        if (rules <= CONFIG_RULES_MAX && rules + r->rule_count > CONFIG_RULES_MAX)
            load_error(l, r->rules[CONFIG_RULES_MAX - rules].node, "a release has at most %d rules; this is one more",
                       CONFIG_RULES_MAX);
        rules += r->rule_count;
    }
    if (set->processing_count > CONFIG_PIPELINES_MAX)
        load_error(l, set->processings[CONFIG_PIPELINES_MAX].node,
                   "a release has at most %d pipelines; this is one more", CONFIG_PIPELINES_MAX);
    if (set->routing_count > CONFIG_ROUTINGS_MAX)
        load_error(l, set->routings[CONFIG_ROUTINGS_MAX].node, "a release has at most %d routings; this is one more",
                   CONFIG_ROUTINGS_MAX);
}

enum vx_status config_load_sources(const struct config_source *sources, size_t count, size_t prefix,
                                   struct config_set **out, struct vx_diags *diags)
{
    struct config_set *set = calloc(1, sizeof *set);
    vx_assert(set != NULL);
    struct cel_regex_pool *regexes = cel_regex_pool_new();
    struct loader l = {.arena = &set->arena,
                       .diags = diags,
                       .env = cel_env_sharing(&set->arena, regexes),
                       .errors_before = diags->error_count};
    struct findings f = {0};
    bool parsed = true;
    for (size_t i = 0; i < count; i++) {
        struct yaml_stream stream;
        parsed &= yaml_load(&sources[i], &set->arena, &stream, diags);
        for (size_t k = 0; k < stream.count; k++)
            load_document(&l, set, &f, &stream, &stream.documents[k], sources[i].path + prefix);
    }
    set->document_count = f.document_count;
    set->routing_count = f.routing_count;
    set->processing_count = f.processing_count;
    set->documents = sorted(&set->arena, f.documents, f.document_count, sizeof *f.documents, compare_documents);
    set->routings = sorted(&set->arena, f.routings, f.routing_count, sizeof *f.routings, compare_routings);
    set->processings =
        sorted(&set->arena, f.processings, f.processing_count, sizeof *f.processings, compare_processings);
    set->test_count = f.test_count;
    set->tests = vx_arena_alloc(&set->arena, f.test_count * sizeof *f.tests);
    if (f.test_count)
        memcpy(set->tests, f.tests, f.test_count * sizeof *f.tests);
    free(f.tests);
    check_documents(&l, set);
    check_limits(&l, set);
    if (parsed) { /* else names may be defined where we could not read */
        check_names(&l, set);
        check_pipelines(&l, set);
        check_handover(&l, set);
        check_feed(&l, set);
        check_rules(&l, set);
        check_tests(&l, set);
    }
    if (diags->error_count - l.errors_before >= CONFIG_FINDINGS_MAX) {
        struct vx_diag nowhere = {.severity = VX_WARNING, .file = ""};
        vx_diags_add(diags, &nowhere, "there are more findings; the first %d errors are shown", CONFIG_FINDINGS_MAX);
    }
    vx_diags_sort(diags);
    cel_regex_pool_free(regexes);
    if (load_failed(&l)) {
        config_set_free(set);
        return VX_EINVAL;
    }
    *out = set;
    return VX_OK;
}

enum vx_status config_load(const struct config_source *sources, size_t count, struct config_set **out,
                           struct vx_diags *diags)
{
    return config_load_sources(sources, count, 0, out, diags);
}

void config_set_free(struct config_set *set)
{
    if (!set)
        return;
    vx_arena_done(&set->arena);
    free(set);
}

const struct config_routing *config_find_routing(const struct config_set *set, const char *name)
{
    struct config_routing key = {.name = name};
    if (set->routing_count == 0)
        return NULL;
    return bsearch(&key, set->routings, set->routing_count, sizeof key, compare_routings);
}

const struct config_processing *config_find_processing(const struct config_set *set, const char *name)
{
    struct config_processing key = {.name = name};
    if (set->processing_count == 0)
        return NULL;
    return bsearch(&key, set->processings, set->processing_count, sizeof key, compare_processings);
}
