/* The live routers of a fleet. The one place of the CLI that knows the shape of a router's report. One thread. */
#include "configsvc/cli/routers.h"

#include <stdlib.h>
#include <time.h>

#include "configsvc/wire/wire.h"
#include "core/base/clock.h"

/* Appends "topic/partition: message" for each partition that cannot go on. */
static void note_held(struct cli *cli, struct json_value report, struct vx_buf *notes)
{
    struct json_value held = wire_get(report, "held");
    for (struct json_iter it = json_iter(held); held.kind == JSON_KIND_ARRAY && json_next(&it);)
        vx_buf_printf(
            notes, "%s/%lld is held: %s\n", wire_get_str(it.value, "topic", &cli->arena, "?"),
            (long long)wire_get_int(it.value, "partition", 0),
            wire_get_str(it.value, "message", &cli->arena, wire_get_str(it.value, "reason", &cli->arena, "?")));
    struct json_value missing = wire_get(report, "missing_destinations");
    for (struct json_iter it = json_iter(missing); missing.kind == JSON_KIND_ARRAY && json_next(&it);)
        vx_buf_printf(notes, "destination %s is %s\n", wire_get_str(it.value, "topic", &cli->arena, "?"),
                      wire_get_str(it.value, "state", &cli->arena, "missing"));
}

/* The release that the router loads or refuses besides the one it runs. */
static void load_other(struct cli *cli, struct json_value report, struct routers_view *v, bool *loading)
{
    struct json_value releases = wire_get(report, "releases");
    for (struct json_iter it = json_iter(releases); releases.kind == JSON_KIND_ARRAY && json_next(&it);) {
        const char *state = wire_get_str(it.value, "state", &cli->arena, "");
        *loading |= strcmp(state, "loading") == 0;
        if (strcmp(state, "rejected") != 0)
            continue;
        v->rejected = (uint32_t)wire_get_int(it.value, "release", 0);
        v->error = cli_printable(cli, wire_get_str(it.value, "error", &cli->arena, "it does not say why"));
    }
}

static void view_load(struct cli *cli, struct json_value item, struct routers_view *v)
{
    struct vx_arena *arena = &cli->arena;
    struct json_value report = wire_get(item, "report"), running = wire_get(report, "running");
    struct vx_buf notes = {0};
    bool loading = false;
    *v = (struct routers_view){
        .id = wire_get_str(item, "id", arena, "?"),
        .host = wire_get_str(report, "host", arena, "?"),
        .version = wire_get_str(report, "version", arena, "?"),
        .release = (uint32_t)wire_get_int(report, "workers_release", wire_get_int(running, "release", 0)),
        .generation = wire_get_int(running, "generation", 0),
        .known = wire_get_int(wire_get(report, "known"), "generation", INT64_MAX),
        .since_ms = wire_get_int(running, "since_ms", 0),
        .partitions = wire_get_int(report, "partitions", 0),
        .error = "",
    };
    load_other(cli, report, v, &loading);
    const char *alarm = wire_get_str(report, "alarm", arena, "");
    v->refusing = strcmp(alarm, "generation_fell") == 0 || strcmp(alarm, "another_cluster") == 0;
    bool no_etcd = strcmp(wire_get_str(report, "etcd", arena, "connected"), "connected") != 0;
    bool copy = strcmp(wire_get_str(running, "source", arena, ""), "last_good_copy") == 0;
    v->state = alarm[0]                                     ? alarm
               : v->rejected                                ? "rejecting"
               : wire_get_int(report, "held_partitions", 0) ? "held"
               : no_etcd                                    ? "no etcd"
               : loading                                    ? "loading"
               : !v->release                                ? "waiting"
               : !wire_get_bool(report, "joined", true)     ? "joining"
                                                            : "running";
    if (v->refusing)
        vx_buf_printf(&notes, "does not obey etcd, which %s: `veltrix fleet accept-restore` tells it to\n",
                      strcmp(alarm, "generation_fell") == 0 ? "was set back" : "is another one than before");
    if (v->rejected)
        vx_buf_printf(&notes, "rejects @%u: %s\n", v->rejected, v->error);
    note_held(cli, report, &notes);
    if (no_etcd)
        vx_buf_printf(&notes, "has lost etcd: %s\n", wire_get_str(report, "etcd_error", arena, "?"));
    if (copy)
        vx_buf_str(&notes, "runs from its last good copy on disk\n");
    v->notes = cli_printable(cli, vx_buf_text(&notes));
    vx_buf_done(&notes);
}

bool routers_fetch(struct cli *cli, const char *fleet, struct routers_since *since, struct routers_view **out,
                   size_t *count, struct client_answer *answer)
{
    const char *path = "/routers";
    if (since && since->revision)
        path = vx_arena_printf(&cli->arena, "/routers?after=%lld&wait=%lld", (long long)since->revision,
                               (long long)since->wait_ms);
    if (since)
        since->revision = 0;
    if (!client_call(cli, "GET", fleet, path, vx_span(NULL, 0), answer) ||
        !client_has(cli, answer, answer->json, "routers", JSON_KIND_ARRAY))
        return false;
    if (since)
        since->revision = wire_get_int(answer->json, "revision", 0);
    struct json_value list = wire_get(answer->json, "routers");
    size_t n = 0;
    *out = VX_ARENA_ARRAY(&cli->arena, struct routers_view, json_count(list, NULL) + 1);
    for (struct json_iter it = json_iter(list); list.kind == JSON_KIND_ARRAY && json_next(&it);)
        view_load(cli, it.value, &(*out)[n++]);
    *count = n;
    return true;
}

bool routers_wait_option(struct cli *cli, const char *text, int64_t *seconds)
{
    *seconds = ROUTERS_WAIT_S;
    if (!text || !text[0])
        return true;
    size_t len = strlen(text);
    if (len > 6 || strspn(text, "0123456789") != len) {
        cli_fail(cli, EXIT_USAGE, "--wait=SECONDS needs a whole number, not `%s`; 0 does not wait", text);
        return false;
    }
    *seconds = atol(text);
    return true;
}

/* One look at the fleet: true when waiting is over. */
static bool look(struct cli *cli, const char *fleet, uint32_t release, int64_t generation, struct routers_since *since,
                 struct routers_result *r)
{
    struct client_answer answer;
    struct routers_view *views;
    struct vx_buf late = {0};
    /* The pointer is read behind the routers: what is said of them is said of that generation. */
    if (!routers_fetch(cli, fleet, since, &views, &r->live, &answer) ||
        !client_call(cli, "GET", fleet, "/pointer", vx_span(NULL, 0), &answer))
        return false; /* configsvc may be away for a moment: the deadline decides */
    if (wire_get_int(answer.json, "generation", 0) != generation) {
        r->outcome = ROUTERS_MOVED;
        return true;
    }
    r->running = 0;
    for (size_t i = 0; i < r->live; i++) {
        /* it may run a release of that number from before, whether it obeys etcd now or not */
        bool running = views[i].release == release && views[i].generation >= generation && !views[i].refusing;
        if (views[i].rejected == release && views[i].known >= generation && !running) {
            r->rejecting = views[i];
            r->outcome = ROUTERS_REJECTED;
        }
        if (running)
            r->running++;
        else
            vx_buf_printf(&late, "%s%s%s", late.len ? ", " : "", views[i].id,
                          views[i].refusing ? " (does not obey etcd: see `veltrix fleet`)" : "");
    }
    r->late = vx_arena_str(&cli->arena, vx_buf_text(&late));
    vx_buf_done(&late);
    if (r->outcome == ROUTERS_REJECTED)
        return true;
    r->outcome = r->live == 0 ? ROUTERS_NONE : r->running == r->live ? ROUTERS_ALL : ROUTERS_LATE;
    return r->outcome != ROUTERS_LATE;
}

void routers_wait(struct cli *cli, const char *fleet, uint32_t release, int64_t generation, int64_t seconds,
                  struct routers_result *out)
{
    int64_t deadline = vx_clock_ms() + seconds * 1000;
    size_t shown_running = SIZE_MAX, shown_live = 0;
    struct routers_since since = {0};
    *out = (struct routers_result){.outcome = ROUTERS_LATE, .late = "every one: configsvc gave no answer"};
    for (;;) {
        int64_t asked_ms = vx_clock_ms(), before = since.revision;
        since.wait_ms = deadline - asked_ms < ROUTERS_WAIT_MS ? deadline - asked_ms : ROUTERS_WAIT_MS;
        if (look(cli, fleet, release, generation, &since, out) || vx_clock_ms() >= deadline)
            return;
        if (out->live && (out->running != shown_running || out->live != shown_live))
            cli_progress(cli, "release @%u: %zu of %zu routers run it", release, out->running, out->live);
        shown_running = out->running;
        shown_live = out->live;
        bool waited = since.revision > before || vx_clock_ms() - asked_ms >= since.wait_ms;
        if (since.revision == 0 || !waited)
            nanosleep(&(struct timespec){.tv_nsec = ROUTERS_AGAIN_MS * 1000000L}, NULL);
    }
}
