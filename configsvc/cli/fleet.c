/* `veltrix fleet`: who runs what, since when, and what is wrong; and the word that routers wait for after etcd was
 * restored. */
#include "configsvc/cli/apply.h"
#include "configsvc/cli/routers.h"
#include "configsvc/wire/wire.h"

struct options {
    const char *wait;
};

static const struct cli_option rows[] = {
    {"wait", 0, CLI_OPTIONAL, offsetof(struct options, wait), "SECONDS",
     "with accept-restore: for the routers (default 60; 0: do not wait)"},
    {0},
};

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
    const struct options *o = options;
    struct client_answer pointer, answer;
    struct routers_view *views;
    size_t count;
    int64_t seconds;
    int code = EXIT_DONE;
    if (cli->word_count && strcmp(cli->words[0], "accept-restore") != 0)
        return cli_fail(cli, EXIT_USAGE, "fleet: `%s`? It is `veltrix fleet` or `veltrix fleet accept-restore`",
                        cli->words[0]);
    if (!routers_wait_option(cli, o->wait, &seconds))
        return EXIT_USAGE;
    const char *fleet = client_fleet(cli, NULL, &code);
    if (!fleet)
        return code;
    if (cli->word_count)
        return apply_restored(cli, fleet, seconds);
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
    .usage = "[accept-restore [--wait[=SECONDS]]]",
    .summary = "who runs what, since when, and what is wrong",
    .help = "Shows what the fleet runs and every live router: its state, its release and since when, how many\n"
            "partitions it has, and what is wrong, in its own words.\n\n"
            "Routers do not obey an etcd that was set back (a snapshot was restored) or that is another one: they\n"
            "go on with what they run, and say so. `fleet accept-restore` tells those that are live to obey it, and\n"
            "waits until they run what it names. Say it once the etcd is the one to go on with, and when `veltrix\n"
            "history` names the release that shall run: what was published behind the snapshot is gone, and its\n"
            "numbers are given out again.\n\n"
            "Exit: 0 done, 1 refused, 2 usage or unreachable, 3 timed out.\n\n"
            "  veltrix fleet\n"
            "  veltrix fleet -o json | jq '.routers[].report'\n"
            "  veltrix fleet accept-restore\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .max_words = 1,
    .run = run,
};
