/* `veltrix schema`: the JSON Schema of a kind of document, for editors. Needs no server. */
#include "configsvc/cli/cli.h"
#include "core/config/print.h"

static int run(struct cli *cli, const void *options)
{
    (void)options;
    struct vx_buf out = {0};
    const char *names[CONFIG_KIND_COUNT];
    enum config_kind kind = config_kind_load(vx_span_str(cli->words[0]));
    for (int i = 0; i < CONFIG_KIND_COUNT; i++)
        names[i] = config_kind_name((enum config_kind)i);
    if (kind == CONFIG_KIND_COUNT) {
        const char *near = vx_nearest(vx_span_str(cli->words[0]), names, CONFIG_KIND_COUNT);
        if (near)
            return cli_fail(cli, EXIT_USAGE, "unknown kind `%s`; did you mean `%s`?", cli->words[0], near);
        return cli_fail(cli, EXIT_USAGE, "unknown kind `%s`; known: fleet, routing, processing, test", cli->words[0]);
    }
    config_schema(kind, &out);
    cli_out(&out);
    vx_buf_done(&out);
    return EXIT_DONE;
}

const struct cli_command schema_command = {
    .name = "schema",
    .usage = "KIND",
    .summary = "the JSON Schema of a kind of document",
    .help = "Prints the JSON Schema (draft-07) of `fleet`, `routing`, `processing` or `test`, for an editor's YAML\n"
            "support.\n\n"
            "Exit: 0 done, 2 usage.\n\n"
            "  veltrix schema routing > routing.schema.json\n",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
