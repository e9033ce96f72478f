/* `veltrix validate`: what is wrong with a folder? Works without a server. */
#include "configsvc/cli/sample.h"
#include "configsvc/wire/wire.h"

static const struct cli_option rows[] = {SAMPLE_EVENTS_ROW(0), SAMPLE_TOPIC_ROW(0), SAMPLE_ENVELOPE_ROW(0), {0}};

static int run(struct cli *cli, const void *options)
{
    const struct sample_options *sample = options;
    struct vx_diags diags = {0};
    struct source source = {0};
    int code = source_check_folder(cli, cli->words[0], &source, &diags);
    struct vx_buf out = {0};
    if (code == EXIT_DONE && sample->events)
        code = sample_check(cli, &source, sample, &diags);
    if (code == EXIT_USAGE)
        goto done;
    if (cli->json) {
        wire_open(&out, NULL, '{');
        wire_bool(&out, "valid", code == EXIT_DONE);
        wire_int(&out, "documents", source.set ? (int64_t)source.set->document_count : 0);
        wire_findings(&out, "findings", &diags);
        wire_close(&out, '}');
        cli_out_json(&out);
        goto done;
    }
    cli_print_findings(cli, &diags);
    if (code == EXIT_DONE)
        vx_buf_printf(&out, "%s: valid: %zu routing%s, %zu pipeline%s", source.label, source.set->routing_count,
                      source.set->routing_count == 1 ? "" : "s", source.set->processing_count,
                      source.set->processing_count == 1 ? "" : "s");
    if (code == EXIT_DONE && source.set->test_count)
        vx_buf_printf(&out, ", %zu test%s", source.set->test_count, source.set->test_count == 1 ? "" : "s");
    if (code != EXIT_DONE)
        vx_buf_printf(&out, "%s: not valid: %zu error%s", cli->words[0], diags.error_count,
                      diags.error_count == 1 ? "" : "s");
    size_t warnings = diags.count - diags.error_count;
    if (warnings)
        vx_buf_printf(&out, ", %zu warning%s", warnings, warnings == 1 ? "" : "s");
    vx_buf_char(&out, '\n');
    cli_out(&out);
done:
    vx_buf_done(&out);
    source_done(&source);
    vx_diags_done(&diags);
    return code;
}

const struct cli_command validate_command = {
    .name = "validate",
    .usage = "DIR [--events FILE.jsonl [--topic TOPIC] [--envelope]]",
    .summary = "what is wrong with a folder of configs?",
    .help = "Loads every *.yaml and *.yml below DIR as one release, compiles it as a router would, and says\n"
            "all that is wrong, with file, line and column; tests are checked too. Asks no server.\n\n"
            "With a sample of events, it warns of fields that expressions name and no event has, and of rules that\n"
            "take none of them, for the routing of one topic.\n\n"
            "Exit: 0 valid (there may be warnings), 1 not valid, 2 usage, or DIR cannot be read.\n\n"
            "  veltrix validate configs/examples/github\n"
            "  veltrix validate configs/examples/github --events events.jsonl\n"
            "  veltrix validate . -o json | jq '.findings[].message'\n",
    .options = rows,
    .options_size = sizeof(struct sample_options),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
