/* `veltrix lock`: who is publishing or activating, and taking the lock away from one who hangs. */
#include "configsvc/cli/client.h"
#include "configsvc/wire/wire.h"

/* A text of the answer, for a terminal. */
static const char *text_of(struct cli *cli, struct json_value object, const char *key, const char *fallback)
{
    return cli_printable(cli, wire_get_str(object, key, &cli->arena, fallback));
}

static int print(struct cli *cli, const struct client_answer *answer)
{
    struct vx_buf out = {0};
    struct json_value waiters = wire_get(answer->json, "waiters");
    if (cli->json) {
        vx_buf_span(&out, answer->text);
        cli_out_json(&out);
        vx_buf_done(&out);
        return EXIT_DONE;
    }
    if (!wire_get_bool(answer->json, "held", false)) {
        vx_buf_str(&out, "nobody holds the edit lock\n");
    } else {
        const char *since = text_of(cli, answer->json, "since", "");
        vx_buf_printf(&out, "held by %s to %s, since %s (%s)\n", text_of(cli, answer->json, "holder", "?"),
                      text_of(cli, answer->json, "purpose", "?"), cli_ago(cli, cli_time_load(since)), since);
    }
    for (struct json_iter it = json_iter(waiters); waiters.kind == JSON_KIND_ARRAY && json_next(&it);) {
        vx_buf_str(&out, "waiting: ");
        vx_buf_printable(&out, json_unescape(it.value, &cli->arena), "");
        vx_buf_char(&out, '\n');
    }
    cli_out(&out);
    vx_buf_done(&out);
    return EXIT_DONE;
}

static int break_lock(struct cli *cli, const char *fleet, const struct client_answer *seen)
{
    struct client_answer answer;
    struct vx_buf out = {0};
    const char *holder = text_of(cli, seen->json, "holder", "?");
    if (!wire_get_bool(seen->json, "held", false))
        return cli_fail(cli, EXIT_NO, "nobody holds the edit lock");
    const char *path =
        vx_arena_printf(&cli->arena, "/lock?revision=%lld", (long long)wire_get_int(seen->json, "revision", 0));
    if (!client_call(cli, "DELETE", fleet, path, vx_span(NULL, 0), &answer))
        return client_fail(cli, &answer, NULL);
    if (cli->json) {
        vx_buf_span(&out, answer.text);
        cli_out_json(&out);
    } else {
        vx_buf_printf(&out, "taken from %s: what it was about to write will be refused\n", holder);
        cli_out(&out);
    }
    vx_buf_done(&out);
    return EXIT_DONE;
}

static int run(struct cli *cli, const void *options)
{
    (void)options;
    struct client_answer answer;
    int code = EXIT_DONE;
    if (cli->word_count && strcmp(cli->words[0], "break") != 0)
        return cli_fail(cli, EXIT_USAGE, "lock: `%s`? It is `veltrix lock` or `veltrix lock break`", cli->words[0]);
    const char *fleet = client_fleet(cli, NULL, &code);
    if (!fleet)
        return code;
    if (!client_call(cli, "GET", fleet, "/lock", vx_span(NULL, 0), &answer) ||
        (wire_get(answer.json, "held").kind != JSON_KIND_TRUE &&
         !client_has(cli, &answer, answer.json, "held", JSON_KIND_FALSE)))
        return client_fail(cli, &answer, NULL);
    return cli->word_count ? break_lock(cli, fleet, &answer) : print(cli, &answer);
}

const struct cli_command lock_command = {
    .name = "lock",
    .usage = "[break]",
    .summary = "who is editing, and taking the lock from one who hangs",
    .help = "Publishing and activating take the fleet's edit lock for a moment. `lock` says who has it and who\n"
            "waits; `lock break` takes it from its holder, whose next write is then refused. A holder that died\n"
            "loses it by itself within 10 s.\n\n"
            "Exit: 0 done, 1 refused, or nobody holds it, 2 usage or unreachable.\n",
    .max_words = 1,
    .run = run,
};
