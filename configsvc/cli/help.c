/* `veltrix help` and `veltrix version`. */
#include <stdio.h>

#include "configsvc/cli/cli.h"
#include "configsvc/wire/wire.h"

static int run_help(struct cli *cli, const void *options)
{
    (void)options;
    struct vx_buf text = {0};
    size_t count;
    const struct cli_command *const *commands = cli_commands(&count);
    const struct cli_command *found = NULL;
    const char *names[32];
    for (size_t i = 0; i < count; i++) {
        names[i] = commands[i]->hidden ? "" : commands[i]->name;
        if (cli->word_count && strcmp(commands[i]->name, cli->words[0]) == 0)
            found = commands[i];
    }
    if (cli->word_count && !found) {
        const char *near = vx_nearest(vx_span_str(cli->words[0]), names, count);
        return cli_fail(cli, EXIT_USAGE, near ? "unknown command `%s`; did you mean `%s`?" : "unknown command `%s`",
                        cli->words[0], near);
    }
    if (found)
        args_print_command(found, &text);
    else
        args_print_overview(&text);
    cli_out_help(cli, &text);
    vx_buf_done(&text);
    return EXIT_DONE;
}

const struct cli_command help_command = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "this list, or one command explained",
    .help = "Lists the commands, or explains one.\n",
    .max_words = 1,
    .run = run_help,
};

static int run_version(struct cli *cli, const void *options)
{
    (void)options;
    if (!cli->json) {
        puts("veltrix " VELTRIX_VERSION);
        return EXIT_DONE;
    }
    struct vx_buf out = {0};
    wire_open(&out, NULL, '{');
    wire_str(&out, "version", VELTRIX_VERSION);
    wire_close(&out, '}');
    cli_out_json(&out);
    vx_buf_done(&out);
    return EXIT_DONE;
}

const struct cli_command version_command = {
    .name = "version",
    .usage = "",
    .summary = "the version of this program",
    .help = "Prints the version.\n",
    .run = run_version,
};
