/* `veltrix explain`: why an event goes where it goes. The explaining is core/plan/explain; here stand the options and the
 * event that they describe. */
#include "configsvc/cli/event.h"
#include "configsvc/cli/source.h"
#include "core/plan/explain.h"
#include "core/plan/simulate.h"

struct options {
    const char *topic;
    struct event_options event;
};

static const struct cli_option rows[] = {
    {"topic", 't', CLI_TEXT, offsetof(struct options, topic), "TOPIC", "of the event (default: the only one there is)"},
    EVENT_ROWS(struct options, event),
    {0},
};

static void print(struct cli *cli, const struct source *source, const struct table *t, const struct cel_event *ev)
{
    struct explain *x = explain_new(source->set, t);
    struct vx_buf out = {0};
    explain_event(x, ev);
    if (cli->json)
        explain_print_json(x, &out);
    else
        explain_print(x, cli->color, &out);
    cli_out(&out);
    vx_buf_done(&out);
    explain_free(x);
}

static int explain(struct cli *cli, const struct options *o, const struct source *source)
{
    struct vx_err err = {0};
    struct vx_diags diags = {0};
    struct vx_buf value = {0};
    struct table *t;
    struct cel_event ev;
    enum vx_status status = table_new(source->set, source->release, &t, &diags);
    vx_diags_done(&diags);
    vx_assert(status == VX_OK); /* loading has compiled it before */
    int code = event_load(cli, &o->event, &value, &ev);
    if (code == EXIT_DONE && simulate_topic(t, o->topic, &ev.topic, &err) != VX_OK)
        code = cli_fail(cli, EXIT_USAGE, "explain: %s", err.message);
    if (code == EXIT_DONE)
        print(cli, source, t, &ev);
    vx_buf_done(&value);
    table_unref(t);
    return code;
}

static int run(struct cli *cli, const void *options)
{
    struct source source = {0};
    int code = source_load(cli, cli->words[0], &source);
    if (code == EXIT_DONE)
        code = explain(cli, options, &source);
    source_done(&source);
    return code;
}

const struct cli_command explain_command = {
    .name = "explain",
    .usage = "DIR|@N [--topic TOPIC] [--event FILE] [--header NAME=VALUE] [--key KEY]",
    .summary = "why does an event go where it goes?",
    .help = "Decides one event as a router would, and shows every rule in order with the values that decided, the\n"
            "rule that took the event, what each stage of its pipelines changed, and the records that come out\n"
            "(but for the header veltrix-release). A condition that fails counts as false; why is shown. Rules\n"
            "behind the one that matched are not asked.\n\n"
            "Exit: 0 explained, 1 DIR is not valid or there is no such release, 2 usage or unreachable.\n\n"
            "  veltrix explain configs/examples/github --topic github.events --event event.json\n"
            "  veltrix explain @running --topic player-events --event - --header x-region=eu-west < event.json\n"
            "  veltrix explain . --event event.json -o json | jq .decision.outputs\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
