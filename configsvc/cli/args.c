/* The command line: global options, the command, its options and words. Options may stand anywhere; `--` ends them. What
 * is unknown is answered with the nearest known name. One thread. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "configsvc/cli/cli.h"

#define GLOBAL(member) offsetof(struct cli, member)
static const struct cli_option global_options[] = {
    {"server", 0, CLI_TEXT, GLOBAL(server), "URL", "configsvc (default $VELTRIX_SERVER, or http://127.0.0.1:9643)"},
    {"fleet", 0, CLI_TEXT, GLOBAL(fleet), "NAME",
     "the fleet (default $VELTRIX_FLEET, or the one that the folder names, or the only one there is)"},
    {"output", 'o', CLI_TEXT, GLOBAL(output), "text|json", "what standard output is (default text)"},
    {"color", 0, CLI_TEXT, GLOBAL(color_when), "WHEN", "auto, always or never (default auto; NO_COLOR is never)"},
    {"help", 'h', CLI_FLAG, GLOBAL(help), NULL, "help; of a command when there is one"},
    {"version", 'V', CLI_FLAG, GLOBAL(version), NULL, "the version of this program"},
    {0},
};

/* --- help ------------------------------------------------------------------------------------------------------------ */

static void print_options(const struct cli_option *rows, struct vx_buf *out)
{
    for (const struct cli_option *o = rows; o && o->name; o++) {
        char left[64];
        const char *join = o->kind == CLI_OPTIONAL ? "[=" : o->value ? " " : "";
        if (o->letter)
            snprintf(left, sizeof left, "-%c, --%s%s%s%s", o->letter, o->name, join, o->value ? o->value : "",
                     o->kind == CLI_OPTIONAL ? "]" : "");
        else
            snprintf(left, sizeof left, "    --%s%s%s%s", o->name, join, o->value ? o->value : "",
                     o->kind == CLI_OPTIONAL ? "]" : "");
        vx_buf_printf(out, "  %-26s %s\n", left, o->help);
    }
}

void args_print_overview(struct vx_buf *out)
{
    size_t count;
    const struct cli_command *const *commands = cli_commands(&count);
    vx_buf_str(out, "veltrix: publish and follow what a fleet of event routers does\n\n"
                    "usage: veltrix COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < count; i++)
        if (!commands[i]->hidden)
            vx_buf_printf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    vx_buf_str(out, "\nOptions of every command:\n");
    print_options(global_options, out);
    vx_buf_str(out,
               "\n`veltrix help COMMAND` explains a command. A release is written @42; @running is the one that the\n"
               "fleet runs. Exit: 0 done, 1 no (refused, not valid, not there), 2 usage, or nothing could be asked.\n");
}

void args_print_command(const struct cli_command *command, struct vx_buf *out)
{
    vx_buf_printf(out, "usage: veltrix %s%s%s\n\n%s", command->name, command->usage[0] ? " " : "", command->usage,
                  command->help);
    if (command->options) {
        vx_buf_str(out, "\nOptions:\n");
        print_options(command->options, out);
    }
    vx_buf_str(out, "\nOptions of every command: --server URL, --fleet NAME, -o text|json, --color WHEN, --help\n");
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* What is being read. */
struct args {
    struct cli *cli;
    void *options;
    int argc, at;
    char **argv;
};

static const struct cli_option *find_row(const struct cli_option *rows, struct vx_span name, char letter)
{
    for (; rows && rows->name; rows++)
        if (letter ? rows->letter == letter : vx_span_is(name, rows->name))
            return rows;
    return NULL;
}

static int unknown_option(struct cli *cli, const char *text, struct vx_span name)
{
    const char *names[64];
    size_t count = 0;
    for (const struct cli_option *o = cli->command ? cli->command->options : NULL; o && o->name && count < 32; o++)
        names[count++] = o->name;
    for (const struct cli_option *o = global_options; o->name; o++)
        names[count++] = o->name;
    const char *near = vx_nearest(name, names, count);
    const char *where = cli->command ? cli->command->name : "";
    if (cli->command && cli->command->signed_words && cli->word_count < cli->command->max_words)
        return cli_fail(cli, EXIT_USAGE, "unknown option %s; an expression that begins with - stands behind --: %s",
                        text, vx_arena_printf(&cli->arena, "veltrix %s -- '%s'", where, text));
    if (near)
        return cli_fail(cli, EXIT_USAGE, "unknown option %s; did you mean --%s?", text, near);
    return cli_fail(cli, EXIT_USAGE, "unknown option %s; see `veltrix help%s%s`", text, where[0] ? " " : "", where);
}

/* Puts `value` where the row says; NULL for an option without one. */
static int store(struct args *args, const struct cli_option *row, bool global, const char *value)
{
    char *to = (char *)(global ? (void *)args->cli : args->options) + row->offset;
    struct cli_list *list = (struct cli_list *)to;
    switch (row->kind) {
    case CLI_FLAG:
        *(bool *)to = true;
        return EXIT_DONE;
    case CLI_TEXT:
    case CLI_OPTIONAL:
        *(const char **)to = value ? value : "";
        return EXIT_DONE;
    case CLI_NUMBER: {
        size_t len = strlen(value);
        if (len == 0 || len > 12 || strspn(value, "0123456789") != len)
            return cli_fail(args->cli, EXIT_USAGE, "--%s needs a whole number, not `%s`", row->name, value);
        *(int64_t *)to = atoll(value);
        return EXIT_DONE;
    }
    case CLI_LIST:
        if (list->count == sizeof list->at / sizeof list->at[0])
            return cli_fail(args->cli, EXIT_USAGE, "too many --%s", row->name);
        list->at[list->count++] = value;
        return EXIT_DONE;
    }
    return EXIT_DONE;
}

/* Reads the option at args->at, with its value. */
static int load_option(struct args *args)
{
    const char *text = args->argv[args->at], *equals = NULL, *value = NULL;
    bool is_long = text[1] == '-';
    struct vx_span name = vx_span(text + 2, 0);
    if (is_long) {
        equals = strchr(text, '=');
        name.len = equals ? (size_t)(equals - text) - 2 : strlen(text) - 2;
    }
    char letter = is_long ? 0 : text[1];
    const struct cli_option *row = find_row(global_options, name, letter);
    bool global = row != NULL;
    if (!row && args->cli->command)
        row = find_row(args->cli->command->options, name, letter);
    if (!row)
        return unknown_option(args->cli, text, is_long ? name : vx_span(text + 1, 1));
    if (is_long && equals)
        value = equals + 1;
    else if (!is_long && text[2])
        value = text + 2;
    if (row->kind == CLI_FLAG && value)
        return cli_fail(args->cli, EXIT_USAGE, "--%s takes no value", row->name);
    if (row->kind != CLI_FLAG && row->kind != CLI_OPTIONAL && !value) {
        if (args->at + 1 >= args->argc)
            return cli_fail(args->cli, EXIT_USAGE, "--%s needs a value: %s", row->name, row->value);
        value = args->argv[++args->at];
    }
    return store(args, row, global, value);
}

static int find_command(struct args *args, const char *name)
{
    size_t count;
    const char *names[32];
    const struct cli_command *const *commands = cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        names[i] = commands[i]->hidden ? "" : commands[i]->name;
        if (strcmp(commands[i]->name, name) == 0) {
            args->cli->command = commands[i];
            args->options = vx_arena_alloc(&args->cli->arena, commands[i]->options_size + 1);
            return EXIT_DONE;
        }
    }
    const char *near = vx_nearest(vx_span_str(name), names, count);
    if (near)
        return cli_fail(args->cli, EXIT_USAGE, "unknown command `%s`; did you mean `%s`?", name, near);
    return cli_fail(args->cli, EXIT_USAGE, "unknown command `%s`; `veltrix help` lists them", name);
}

/* Whether an argument that begins with `-` can be no option of the command. */
static bool is_signed_word(const struct cli *cli, const char *text)
{
    bool letter = (text[1] >= 'a' && text[1] <= 'z') || (text[1] >= 'A' && text[1] <= 'Z');
    return cli->command && cli->command->signed_words && cli->word_count < cli->command->max_words && text[1] != '-' &&
           !letter;
}

static const char *usage_of(struct cli *cli)
{
    const struct cli_command *command = cli->command;
    return vx_arena_printf(&cli->arena, "veltrix %s%s%s", command->name, command->usage[0] ? " " : "", command->usage);
}

static int load_word(struct args *args, const char *word)
{
    struct cli *cli = args->cli;
    if (!cli->command)
        return find_command(args, word);
    if (cli->word_count >= cli->command->max_words)
        return cli_fail(cli, EXIT_USAGE, "%s: `%s` is one word too many; usage: %s", cli->command->name, word,
                        usage_of(cli));
    cli->words[cli->word_count++] = word;
    return EXIT_DONE;
}

/* Settles what options and environment say together. */
static int settle(struct cli *cli)
{
    const char *env;
    if (!cli->server)
        cli->server = (env = getenv("VELTRIX_SERVER")) && env[0] ? env : "http://127.0.0.1:9643";
    cli->json = cli->output && strcmp(cli->output, "json") == 0;
    if (cli->output && !cli->json && strcmp(cli->output, "text") != 0)
        return cli_fail(cli, EXIT_USAGE, "-o is text or json, not `%s`", cli->output);
    const char *when = cli->color_when ? cli->color_when : "auto";
    bool always = strcmp(when, "always") == 0, never = strcmp(when, "never") == 0;
    if (!always && !never && strcmp(when, "auto") != 0)
        return cli_fail(cli, EXIT_USAGE, "--color is auto, always or never, not `%s`", when);
    bool wanted = !(env = getenv("NO_COLOR")) || !env[0];
    cli->color = !cli->json && (always || (!never && wanted && isatty(STDOUT_FILENO)));
    cli->color_err = always || (!never && wanted && isatty(STDERR_FILENO));
    return EXIT_DONE;
}

/* Is JSON asked for anywhere? Looked for first, so that a mistake in front of -o is said as JSON too. */
static const char *wanted_output(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "-ojson") == 0 || strcmp(argv[i], "--output=json") == 0 ||
            ((strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0) && strcmp(next, "json") == 0))
            return "json";
    }
    return NULL;
}

int args_load(struct cli *cli, int argc, char **argv, void **options)
{
    struct args args = {.cli = cli, .argc = argc, .argv = argv};
    int code = EXIT_DONE;
    bool only_words = false;
    cli->output = wanted_output(argc, argv);
    for (args.at = 1; args.at < argc && code == EXIT_DONE; args.at++) {
        char *text = argv[args.at];
        if (strcmp(text, "--") == 0 && cli->command && cli->command->takes_command) {
            cli->rest = &argv[args.at + 1];
            break;
        }
        if (strcmp(text, "--") == 0 && !only_words) {
            only_words = true;
            continue;
        }
        bool option = text[0] == '-' && text[1] && !only_words && !is_signed_word(cli, text);
        code = option ? load_option(&args) : load_word(&args, text);
    }
    int settled = settle(cli);
    if (code != EXIT_DONE || settled != EXIT_DONE)
        return EXIT_USAGE;
    if (cli->version && !cli->help) {
        cli->command = &version_command;
        return EXIT_DONE;
    }
    if (!cli->help && !cli->command && cli->json)
        return cli_fail(cli, EXIT_USAGE, "which command? `veltrix help` lists them");
    if (cli->help || !cli->command) {
        struct vx_buf text = {0};
        if (cli->command)
            args_print_command(cli->command, &text);
        else
            args_print_overview(&text);
        if (cli->help)
            cli_out_help(cli, &text);
        else
            fputs(vx_buf_text(&text), stderr);
        vx_buf_done(&text);
        return cli->help ? -1 : EXIT_USAGE;
    }
    if (cli->word_count < cli->command->min_words)
        return cli_fail(cli, EXIT_USAGE, "%s: something is missing; usage: %s%s", cli->command->name, usage_of(cli),
                        cli->command->signed_words ? " (what begins with - and is no option stands behind --)" : "");
    *options = args.options;
    return EXIT_DONE;
}
