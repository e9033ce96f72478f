/* `veltrix history` and `veltrix audit`: what was published, and who did what. */
#include "configsvc/cli/client.h"
#include "configsvc/wire/wire.h"

struct options {
    int64_t limit;
};

static const struct cli_option rows[] = {
    {"limit", 'n', CLI_NUMBER, offsetof(struct options, limit), "COUNT", "at most so many (default 50)"},
    {0},
};

/* Nothing has happened yet: is there such a fleet at all? EXIT_DONE where there is. */
static int check_fleet(struct cli *cli, const char *fleet)
{
    struct client_answer answer;
    const char *names[256];
    size_t count = 0;
    if (!client_call(cli, "GET", NULL, "/v1/fleets", vx_span(NULL, 0), &answer) ||
        !client_has(cli, &answer, answer.json, "fleets", JSON_KIND_ARRAY))
        return client_fail(cli, &answer, NULL);
    for (struct json_iter it = json_iter(wire_get(answer.json, "fleets")); json_next(&it) && count < 256;) {
        names[count] = vx_arena_span(&cli->arena, json_unescape(it.value, &cli->arena)).at;
        if (strcmp(names[count++], fleet) == 0)
            return EXIT_DONE;
    }
    const char *near = vx_nearest(vx_span_str(fleet), names, count);
    if (near)
        return cli_fail(cli, EXIT_NO, "there is no fleet `%s`; did you mean `%s`?", fleet, near);
    return cli_fail(cli, EXIT_NO, "there is no fleet `%s`", fleet);
}

/* `list` is the member of the answer that holds it. */
static bool fetch(struct cli *cli, const char *what, const char *list, const struct options *o,
                  struct client_answer *answer, int *code)
{
    const char *fleet = client_fleet(cli, NULL, code);
    if (!fleet)
        return false;
    const char *path = vx_arena_printf(&cli->arena, "/%s?limit=%lld", what, (long long)(o->limit ? o->limit : 50));
    if (!client_call(cli, "GET", fleet, path, vx_span(NULL, 0), answer) ||
        !client_has(cli, answer, answer->json, list, JSON_KIND_ARRAY)) {
        *code = client_fail(cli, answer, NULL);
        return false;
    }
    if (json_count(wire_get(answer->json, list), NULL) == 0)
        *code = check_fleet(cli, fleet);
    return *code == EXIT_DONE;
}

/* Prints the answer as it came with -o json, else the table. */
static int finish(struct cli *cli, const struct client_answer *answer, const struct cli_table *table)
{
    struct vx_buf out = {0};
    if (cli->json) {
        vx_buf_span(&out, answer->text);
        cli_out_json(&out);
    } else {
        cli_table_print(cli, table, &out);
        cli_out(&out);
    }
    vx_buf_done(&out);
    return EXIT_DONE;
}

static int run_history(struct cli *cli, const void *options)
{
    struct client_answer answer;
    struct cli_table table = {0};
    int code = EXIT_DONE;
    if (!fetch(cli, "releases", "releases", options, &answer, &code))
        return code;
    int64_t running = wire_get_int(answer.json, "running", 0);
    cli_table_row(cli, &table, 5, (const char *const[]){"RELEASE", "", "WHEN", "AUTHOR", "MESSAGE"});
    struct json_value list = wire_get(answer.json, "releases");
    for (struct json_iter it = json_iter(list); list.kind == JSON_KIND_ARRAY && json_next(&it);) {
        int64_t number = wire_get_int(it.value, "release", 0);
        const char *message = wire_get_str(it.value, "message", &cli->arena, "");
        const char *cells[] = {
            vx_arena_printf(&cli->arena, "@%lld", (long long)number),
            number == running ? "running" : "",
            cli_ago(cli, cli_time_load(wire_get_str(it.value, "time", &cli->arena, ""))),
            wire_get_str(it.value, "author", &cli->arena, ""),
            vx_arena_printf(&cli->arena, "%.*s", (int)strcspn(message, "\n"), message),
        };
        cli_table_row(cli, &table, 5, cells);
    }
    return finish(cli, &answer, &table);
}

const struct cli_command history_command = {
    .name = "history",
    .usage = "[-n COUNT]",
    .summary = "the releases of a fleet, newest first",
    .help = "Lists releases: number, which one runs, when, by whom, and why.\n\n"
            "Exit: 0 done, 1 refused, 2 usage or unreachable.\n\n"
            "  veltrix history -n 5\n"
            "  veltrix history -o json | jq '.releases[].message'\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .run = run_history,
};

static int run_audit(struct cli *cli, const void *options)
{
    struct client_answer answer;
    struct cli_table table = {0};
    int code = EXIT_DONE;
    if (!fetch(cli, "audit", "entries", options, &answer, &code))
        return code;
    cli_table_row(cli, &table, 5, (const char *const[]){"TIME", "WHO", "FROM", "ACTION", "DETAIL"});
    struct json_value list = wire_get(answer.json, "entries");
    for (struct json_iter it = json_iter(list); list.kind == JSON_KIND_ARRAY && json_next(&it);) {
        const char *detail = wire_get_str(it.value, "detail", &cli->arena, "");
        const char *cells[] = {
            wire_get_str(it.value, "time", &cli->arena, ""),
            wire_get_str(it.value, "who", &cli->arena, ""),
            wire_get_str(it.value, "from", &cli->arena, ""),
            wire_get_str(it.value, "action", &cli->arena, ""),
            vx_arena_printf(&cli->arena, "%.*s", (int)strcspn(detail, "\n"), detail),
        };
        cli_table_row(cli, &table, 5, cells);
    }
    return finish(cli, &answer, &table);
}

const struct cli_command audit_command = {
    .name = "audit",
    .usage = "[-n COUNT]",
    .summary = "who did what to a fleet, newest first",
    .help = "Lists every change: when, who, from where, what.\n\n"
            "Exit: 0 done, 1 refused, 2 usage or unreachable.\n\n"
            "  veltrix audit -n 20\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .run = run_audit,
};
