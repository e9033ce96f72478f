/* A sample of events against the configs that are to handle them.
 *
 *     config_fields ──> wanted paths, each with all its beginnings, in one json_paths
 *     events ── simulate_run ──> decide (which rules took it) ── on_event: scan ──> which paths were there
 *
 * A field that is missing throughout is told at its first place, and with it the first step that is not there: of
 * `event.usr.id` that is `usr`, and the nearest key that events do have beside it. Arena: the cli's.
 */
#include "configsvc/cli/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "configsvc/wire/wire.h"
#include "core/config/fields.h"
#include "core/json/scan.h"
#include "core/plan/simulate.h"

enum { EXAMPLE_MAX_BYTES = 64 * 1024, NEAR_NAMES_MAX = 256 };

/* A path that an expression names, or a beginning of one. */
struct wanted {
    struct json_path path;
    const struct config_node *scalar; /* where a path is named first; NULL: only a beginning */
    size_t offset, len;
    uint64_t seen;          /* events that have it */
    struct vx_span example; /* of a parent: one of its values, an object */
};

struct sample {
    struct cli *cli;
    struct cel_slots slots; /* numbers the paths */
    struct wanted *wanted;  /* by slot; the first one is the root */
    size_t count, room;
    struct json_paths *paths;
    struct json_scanner *scanner;
    struct json_value *values;
    const char *topic; /* only its events are looked into */
};

static struct wanted *want(struct sample *s, struct json_path path)
{
    uint32_t slot = cel_slots_add(&s->slots, &s->cli->arena, path);
    if (slot == s->count) {
        if (s->count == s->room) {
            s->room = s->room ? s->room * 2 : 64;
            s->wanted = realloc(s->wanted, s->room * sizeof *s->wanted);
            vx_assert(s->wanted != NULL);
        }
        s->wanted[s->count++] = (struct wanted){.path = s->slots.paths[slot]};
    }
    return &s->wanted[slot];
}

static bool is_earlier(const struct config_node *a, size_t a_offset, const struct config_node *b, size_t b_offset)
{
    int c = strcmp(a->file->path, b->file->path);
    if (c == 0)
        c = (a->begin > b->begin) - (a->begin < b->begin);
    return c < 0 || (c == 0 && a_offset < b_offset);
}

static void on_field(void *ctx, struct json_path path, const struct config_node *scalar, size_t offset, size_t len)
{
    struct sample *s = ctx;
    for (size_t n = 0; n < path.count; n++)
        want(s, (struct json_path){path.steps, n});
    struct wanted *w = want(s, path);
    if (w->scalar && !is_earlier(scalar, offset, w->scalar, w->offset))
        return;
    w->scalar = scalar;
    w->offset = offset;
    w->len = len;
}

static void on_event(void *ctx, const struct cel_event *ev)
{
    struct sample *s = ctx;
    if (!ev->value.at || !vx_span_is(ev->topic, s->topic) ||
        json_scan(s->scanner, s->paths, ev->value, s->values, NULL) != VX_OK)
        return;
    for (size_t i = 0; i < s->count; i++) {
        struct wanted *w = &s->wanted[i];
        w->seen += s->values[i].kind != JSON_KIND_MISSING;
        if (!w->example.at && s->values[i].kind == JSON_KIND_OBJECT && s->values[i].len <= EXAMPLE_MAX_BYTES)
            w->example = vx_arena_span(&s->cli->arena, json_text(s->values[i]));
    }
}

static void on_bad_line(void *ctx, uint64_t line, const char *message)
{
    struct sample *s = ctx;
    cli_progress(s->cli, "events:%llu: error: %s", (unsigned long long)line, message);
}

/* --- telling ------------------------------------------------------------------------------------------------------------ */

static bool is_plain(struct vx_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.len > 0;
}

static void print_path(struct json_path path, struct vx_buf *out)
{
    vx_buf_str(out, "event");
    for (size_t i = 0; i < path.count; i++) {
        const struct json_step *step = &path.steps[i];
        if (step->is_index)
            vx_buf_printf(out, "[%u]", step->index);
        else
            vx_buf_printf(out, is_plain(step->key) ? ".%.*s" : "[\"%.*s\"]", VX_SPAN_ARG(step->key));
    }
}

/* The key nearest to `name` that the example has; NULL when none is near. */
static const char *near_key(struct sample *s, const struct wanted *parent, struct vx_span name)
{
    const char *names[NEAR_NAMES_MAX];
    size_t count = 0;
    struct json_value root;
    if (!parent->example.at || wire_parse(parent->example, &root, NULL) != VX_OK)
        return NULL;
    for (struct json_iter it = json_iter(root); json_next(&it) && count < NEAR_NAMES_MAX;)
        names[count++] = vx_arena_span(&s->cli->arena, json_unescape(it.key, &s->cli->arena)).at;
    return vx_nearest(name, names, count);
}

static void tell_missing(struct sample *s, const struct wanted *w, uint64_t events, struct vx_diags *diags)
{
    struct vx_diag at = {.severity = VX_WARNING};
    struct json_path first = w->path;
    struct vx_buf whole = {0}, missing = {0};
    const struct wanted *parent = want(s, (struct json_path){first.steps, first.count - 1});
    while (parent->seen == 0 && first.count > 1) {
        first.count--;
        parent = want(s, (struct json_path){first.steps, first.count - 1});
    }
    print_path(w->path, &whole);
    print_path(first, &missing);
    const struct json_step *step = &first.steps[first.count - 1];
    const char *near = step->is_index ? NULL : near_key(s, parent, step->key);
    config_node_locate(w->scalar, w->offset, w->len, &at);
    vx_diags_add(diags, &at, "none of the %llu event%s has `%s`%s%s%s%s%s%s", (unsigned long long)events,
                 events == 1 ? "" : "s", vx_buf_text(&whole), first.count < w->path.count ? " (there is no `" : "",
                 first.count < w->path.count ? vx_buf_text(&missing) : "", first.count < w->path.count ? "`)" : "",
                 near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
    vx_buf_done(&whole);
    vx_buf_done(&missing);
}

/* Rules of `routing` that took no event; numbered as the table numbers them. */
static void tell_unmet(const struct config_set *set, const struct config_routing *routing,
                       const struct simulate_counts *counts, uint64_t events, struct vx_diags *diags)
{
    size_t number = 0;
    for (size_t i = 0; i < set->routing_count && &set->routings[i] != routing; i++)
        number += set->routings[i].rule_count + 1;
    for (size_t k = 0; k < routing->rule_count; k++) {
        struct vx_diag at = {.severity = VX_WARNING};
        if (!routing->rules[k].enabled || counts->took[number + k] > 0)
            continue;
        const struct config_node *name = config_node_find(routing->rules[k].node, "name");
        config_node_place(name, &at);
        vx_diags_add(diags, &at, "rule `%s` takes none of the %llu event%s", routing->rules[k].name,
                     (unsigned long long)events, events == 1 ? "" : "s");
    }
}

static void tell(struct sample *s, const struct config_set *set, const struct config_routing *routing,
                 const struct simulate_counts *counts, struct vx_diags *diags)
{
    uint64_t events = counts->events - counts->bad_lines;
    size_t count = s->count;
    if (events == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (s->wanted[i].scalar && s->wanted[i].seen == 0)
            tell_missing(s, &s->wanted[i], events, diags);
    tell_unmet(set, routing, counts, events, diags);
    vx_diags_sort(diags);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

static void prepare(struct sample *s, const struct config_set *set, const struct config_routing *routing)
{
    want(s, (struct json_path){NULL, 0});
    config_fields(set, routing, on_field, s);
    s->scanner = json_scanner_new();
    s->paths = json_paths_new();
    for (size_t i = 0; i < s->count; i++)
        json_paths_add(s->paths, s->wanted[i].path, (uint32_t)i);
    json_paths_seal(s->paths);
    s->values = calloc(s->count, sizeof *s->values);
    vx_assert(s->values != NULL);
}

static const struct config_routing *routing_of(const struct config_set *set, const struct table *t, const char *topic)
{
    size_t count;
    const struct table_topic *topics = table_topics(t, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, topic) == 0)
            return config_find_routing(set, topics[i].routing);
    struct table_match match;
    bool taken = table_match(t, vx_span_str(topic), &match);
    vx_assert(taken); /* simulate_topic() has looked */
    return config_find_routing(set, match.routing);
}

static int run_events(struct sample *s, const struct source *source, const struct table *t,
                      const struct sample_options *o, struct vx_span topic, struct vx_diags *diags)
{
    struct vx_err err = {0};
    struct simulate_counts counts;
    bool standard = strcmp(o->events, "-") == 0;
    const struct config_routing *routing = routing_of(source->set, t, topic.at);
    int fd = standard ? STDIN_FILENO : open(o->events, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail(s->cli, EXIT_USAGE, "%s cannot be read: %s", o->events, strerror(errno));
    s->topic = topic.at;
    prepare(s, source->set, routing);
    struct simulate_stream how = {.in = fd,
                                  .out = STDOUT_FILENO,
                                  .name = o->events,
                                  .envelope = o->envelope,
                                  .topic = topic,
                                  .counts_only = true,
                                  .on_bad_line = on_bad_line,
                                  .on_event = on_event,
                                  .ctx = s};
    enum vx_status status = simulate_run(t, &how, &counts, &err);
    if (!standard)
        close(fd);
    if (status == VX_OK)
        tell(s, source->set, routing, &counts, diags);
    simulate_counts_done(&counts);
    if (status == VX_OK)
        return EXIT_DONE;
    return cli_fail(s->cli, EXIT_USAGE, "%s", status == VX_ECANCELED ? "interrupted" : err.message);
}

int sample_check(struct cli *cli, const struct source *source, const struct sample_options *options,
                 struct vx_diags *diags)
{
    struct sample s = {.cli = cli};
    struct vx_span topic;
    struct vx_err err = {0};
    struct vx_diags none = {0};
    struct table *t;
    enum vx_status status = table_new(source->set, 0, &t, &none);
    vx_diags_done(&none);
    vx_assert(status == VX_OK); /* loading has compiled it before */
    int code = simulate_topic(t, options->topic, &topic, &err) == VX_OK
                   ? run_events(&s, source, t, options, topic, diags)
                   : cli_fail(cli, EXIT_USAGE, "%s", err.message);
    cel_slots_done(&s.slots);
    json_paths_free(s.paths);
    json_scanner_free(s.scanner);
    free(s.wanted);
    free(s.values);
    table_unref(t);
    return code;
}
