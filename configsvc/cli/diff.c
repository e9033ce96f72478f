/* `veltrix diff`: what changes between two releases or folders, by config, rule and key. Folders alone need no server. */
#include "configsvc/cli/source.h"
#include "configsvc/wire/wire.h"
#include "core/config/diff.h"

struct options {
    bool unified;
};

static const struct cli_option rows[] = {
    {"unified", 'u', CLI_FLAG, offsetof(struct options, unified), NULL, "lines of text instead of rules and keys"},
    {0},
};

/* Loads one side. Every error of diff is EXIT_USAGE, because 1 means "there are differences". */
static int load(struct cli *cli, const char *text, const char **fleet, struct source *out)
{
    int code = EXIT_DONE;
    if (!source_is_release(text))
        return source_load_folder(cli, text, out) == EXIT_DONE ? EXIT_DONE : EXIT_USAGE;
    *fleet = client_fleet(cli, *fleet, &code);
    if (!*fleet || source_load_release(cli, *fleet, text, false, out) != EXIT_DONE)
        return EXIT_USAGE;
    return EXIT_DONE;
}

static void print(struct cli *cli, const struct options *o, const struct source *a, const struct source *b,
                  const struct config_diff *diff)
{
    struct vx_buf out = {0}, unified = {0};
    if (o->unified || cli->json)
        config_diff_unified(a->set, b->set, &unified);
    if (cli->json) {
        wire_open(&out, NULL, '{');
        wire_str(&out, "from", a->label);
        wire_str(&out, "to", b->label);
        wire_changes(&out, "changes", diff);
        if (o->unified)
            wire_text(&out, "unified", vx_buf_view(&unified));
        wire_close(&out, '}');
        cli_out_json(&out);
    } else if (o->unified) {
        cli_out(&unified);
    } else {
        config_diff_print(diff, &out, cli->color);
        cli_out(&out);
    }
    vx_buf_done(&unified);
    vx_buf_done(&out);
}

static int run(struct cli *cli, const void *options)
{
    const struct options *o = options;
    const char *first = cli->word_count == 2 ? cli->words[0] : "@running";
    const char *second = cli->word_count == 2 ? cli->words[1] : cli->words[0];
    const char *fleet = NULL; /* that a folder names */
    struct source a = {0}, b = {0};
    struct config_diff diff;
    /* The folder first: it may name the fleet that the release is looked for in. */
    bool folder_first = !source_is_release(first) || source_is_release(second);
    int code = folder_first ? load(cli, first, &fleet, &a) : EXIT_DONE;
    if (code == EXIT_DONE && folder_first && a.set && a.set->fleet.name && !fleet)
        fleet = a.set->fleet.name;
    if (code == EXIT_DONE)
        code = load(cli, second, &fleet, &b);
    if (code == EXIT_DONE && !folder_first) {
        if (!fleet && b.set->fleet.name)
            fleet = b.set->fleet.name;
        code = load(cli, first, &fleet, &a);
    }
    if (code == EXIT_DONE) {
        config_diff(a.set, b.set, &diff);
        print(cli, o, &a, &b, &diff);
        code = diff.count ? EXIT_NO : EXIT_DONE;
        config_diff_done(&diff);
    }
    source_done(&a);
    source_done(&b);
    return code;
}

const struct cli_command diff_command = {
    .name = "diff",
    .usage = "[A] B [--unified]",
    .summary = "what changes between two releases or folders?",
    .help = "Compares A with B: each is a folder, a release @42, or @running. Without A, what runs is compared\n"
            "with B. The order of keys, comments and quoting are no change; a moved rule is, because the first\n"
            "that matches wins.\n\n"
            "Exit: 0 no difference, 1 differences, 2 any error.\n\n"
            "  veltrix diff configs/github              what would `apply` change?\n"
            "  veltrix diff @41 @42\n"
            "  veltrix diff old/ new/ --unified         needs no server\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
