/* `veltrix fleet`: who runs what, since when, and what is wrong. */
#include "configsvc/cli/routers.h"
#include "configsvc/wire/wire.h"

static const char *release_cell(struct cli *cli, uint32_t release)
{
    return release ? vx_arena_printf(&cli->arena, "@%u", release) : "-";
}

/* What is wrong with a router, each line with its name in front. */
static void print_notes(struct cli *cli, const struct routers_view *v, struct vx_buf *out)
{
    for (const char *line = v->notes; *line;) {
        size_t len = strcspn(line, "\n");
        vx_buf_printf(out, "%s%s %.*s%s\n", cli->color ? "\033[1;31m" : "", v->id, (int)len, line,
                      cli->color ? "\033[0m" : "");
        line += len + (line[len] == '\n');
    }
}

static void print(struct cli *cli, const char *fleet, struct json_value pointer, const struct routers_view *views,
                  size_t count)
{
    struct cli_table table = {0};
    struct vx_buf out = {0};
    uint32_t stable = (uint32_t)wire_get_int(pointer, "stable", 0);
    if (stable)
        vx_buf_printf(&out, "fleet %s runs @%u, since %s, by %s\n\n", fleet, stable,
                      cli_ago(cli, cli_time_load(wire_get_str(pointer, "time", &cli->arena, ""))),
                      cli_printable(cli, wire_get_str(pointer, "by", &cli->arena, "?")));
    else
        vx_buf_printf(&out, "fleet %s runs nothing yet; `veltrix apply DIR -m MESSAGE` starts it\n\n", fleet);
    cli_table_row(cli, &table, 7,
                  (const char *const[]){"ROUTER", "HOST", "VERSION", "STATE", "RELEASE", "SINCE", "PARTITIONS"});
    for (size_t i = 0; i < count; i++) {
        const struct routers_view *v = &views[i];
        const char *cells[] = {v->id,
                               v->host,
                               v->version,
                               v->state,
                               release_cell(cli, v->release),
                               cli_ago(cli, v->since_ms),
                               vx_arena_printf(&cli->arena, "%lld", (long long)v->partitions)};
        cli_table_row(cli, &table, 7, cells);
    }
    if (count)
        cli_table_print(cli, &table, &out);
    else
        vx_buf_str(&out, "no router is live\n");
    for (size_t i = 0; i < count; i++)
        print_notes(cli, &views[i], &out);
    cli_out(&out);
    vx_buf_done(&out);
}

static int run(struct cli *cli, const void *options)
{
    (void)options;
    struct client_answer pointer, answer;
    struct routers_view *views;
    size_t count;
    int code = EXIT_DONE;
    const char *fleet = client_fleet(cli, NULL, &code);
    if (!fleet)
        return code;
    if (!client_call(cli, "GET", fleet, "/pointer", vx_span(NULL, 0), &pointer) ||
        !client_has(cli, &pointer, pointer.json, "stable", JSON_KIND_INT))
        return client_fail(cli, &pointer, NULL);
    if (!routers_fetch(cli, fleet, NULL, &views, &count, &answer))
        return client_fail(cli, &answer, NULL);
    if (!cli->json) {
        print(cli, fleet, pointer.json, views, count);
        return EXIT_DONE;
    }
    struct vx_buf out = {0};
    wire_open(&out, NULL, '{');
    wire_str(&out, "fleet", fleet);
    wire_raw(&out, "pointer", json_text(pointer.json));
    wire_raw(&out, "routers", json_text(wire_get(answer.json, "routers")));
    wire_close(&out, '}');
    cli_out_json(&out);
    vx_buf_done(&out);
    return EXIT_DONE;
}

const struct cli_command fleet_command = {
    .name = "fleet",
    .usage = "",
    .summary = "who runs what, since when, and what is wrong",
    .help = "Shows what the fleet runs and every live router: its state, its release and since when, how many\n"
            "partitions it has, and what is wrong, in its own words.\n\n"
            "Exit: 0 done, 1 refused, 2 usage or unreachable.\n\n"
            "  veltrix fleet\n"
            "  veltrix fleet -o json | jq '.routers[].report'\n",
    .run = run,
};
