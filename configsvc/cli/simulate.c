/* `veltrix simulate`: what a folder or a release would do with a file of events. The deciding and the loop are
 * core/plan/simulate, which the router has too; here stand the options and what is said at the end. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "configsvc/cli/source.h"
#include "configsvc/wire/wire.h"
#include "core/plan/simulate.h"

struct options {
    const char *topic;
    bool envelope, counts;
};

static const struct cli_option rows[] = {
    {"topic", 't', CLI_TEXT, offsetof(struct options, topic), "TOPIC",
     "of events that name none (default: the only topic there is)"},
    {"envelope", 0, CLI_FLAG, offsetof(struct options, envelope), NULL,
     "lines are {\"topic\", \"key\", \"headers\", \"timestamp\", \"partition\", \"offset\", \"value\"}"},
    {"counts", 0, CLI_FLAG, offsetof(struct options, counts), NULL, "only a table: rules and what became of events"},
    {0},
};

static void on_bad_line(void *ctx, uint64_t line, const char *message)
{
    cli_progress(ctx, "standard input:%llu: error: %s", (unsigned long long)line, message);
}

static void print_counts(struct cli *cli, const struct table *t, const struct simulate_counts *counts)
{
    struct vx_buf out = {0};
    size_t rule_count;
    const struct table_rule *rules = table_rules(t, &rule_count);
    if (!cli->json) {
        simulate_counts_print(t, counts, &out);
        cli_out(&out);
        vx_buf_done(&out);
        return;
    }
    wire_open(&out, NULL, '{');
    wire_int(&out, "events", (int64_t)counts->events);
    wire_int(&out, "bad_lines", (int64_t)counts->bad_lines);
    wire_open(&out, "rules", '[');
    for (size_t i = 0; i <= rule_count; i++) { /* the last one: no rule was reached */
        wire_open(&out, NULL, '{');
        wire_str(&out, "routing", i < rule_count ? rules[i].routing : NULL);
        wire_str(&out, "rule", i < rule_count ? rules[i].name : NULL);
        for (size_t k = 0; k < SIMULATE_OUTCOMES; k++)
            wire_int(&out, simulate_outcome((enum decide_outcome)k), (int64_t)counts->by_rule[i][k]);
        wire_close(&out, '}');
    }
    wire_close(&out, ']');
    wire_close(&out, '}');
    cli_out_json(&out);
    vx_buf_done(&out);
}

static int simulate(struct cli *cli, const struct options *o, const struct source *source)
{
    struct vx_err err = {0};
    struct vx_diags diags = {0};
    struct table *t;
    struct simulate_counts counts;
    struct simulate_stream how = {.in = STDIN_FILENO,
                                  .out = STDOUT_FILENO,
                                  .name = "standard input",
                                  .envelope = o->envelope,
                                  .counts_only = o->counts,
                                  .on_bad_line = on_bad_line,
                                  .ctx = cli};
    enum vx_status status = table_new(source->set, source->release, &t, &diags);
    vx_diags_done(&diags);
    vx_assert(status == VX_OK); /* loading has compiled it before */
    if ((o->topic || !o->envelope) && simulate_topic(t, o->topic, &how.topic, &err) != VX_OK) {
        table_unref(t);
        return cli_fail(cli, EXIT_USAGE, "simulate: %s", err.message);
    }
    status = simulate_run(t, &how, &counts, &err);
    if (o->counts && (status == VX_OK || status == VX_ECANCELED))
        print_counts(cli, t, &counts);
    if (status == VX_ECANCELED) { /* end as whoever waits for this program expects after Ctrl-C */
        fflush(stdout);
        raise(SIGINT);
    }
    int code = status != VX_OK ? cli_fail(cli, EXIT_USAGE, "simulate: %s", err.message) : EXIT_DONE;
    if (code == EXIT_DONE && counts.bad_lines) {
        cli_progress(cli, "veltrix: simulate: %llu of %llu lines could not be read",
                     (unsigned long long)counts.bad_lines, (unsigned long long)counts.events);
        code = EXIT_NO;
    }
    simulate_counts_done(&counts);
    table_unref(t);
    return code;
}

static int run(struct cli *cli, const void *options)
{
    struct source source = {0};
    int code = source_load(cli, cli->words[0], &source);
    if (code == EXIT_DONE)
        code = simulate(cli, options, &source);
    source_done(&source);
    return code;
}

const struct cli_command simulate_command = {
    .name = "simulate",
    .usage = "DIR|@N [--topic TOPIC] [--envelope] [--counts] < EVENTS > DECISIONS",
    .summary = "what would become of these events?",
    .help =
        "Decides every event of standard input as a router would, without Kafka, and writes one decision a\n"
        "line, in the same order. A line is an event's value; with --envelope it is an object that can name\n"
        "topic, key, headers, timestamp (ms), partition and offset too, and the bytes of a value that is no\n"
        "JSON in base64 (\"value_base64\"). Empty lines are left out.\n\n"
        "  {\"n\":0,\"topic\":\"t\",\"rule\":\"r\",\"outcome\":\"emitted\",\"pipelines\":[\"p\"],\n"
        "   \"outputs\":[{\"topic\":\"o\",\"key\":null,\"headers\":{},\"value\":{}}],\"error\":null}\n\n"
        "`rule` null is `otherwise`; where the rule is of a routing that the event was handed over to, \"routing\"\n"
        "names that; with `match: all`, \"rules\" has all that took it, and --counts counts it at each. Outcomes:\n"
        "emitted, filtered, dropped, dead_letter, stuck (refused, and there is no dead-letter topic), unrouted\n"
        "(no routing has the topic).\n\n"
        "Exit: 0 done, 1 a line was no envelope or too long (the others are decided), or DIR is not valid,\n"
        "2 usage, or something cannot be read or written.\n\n"
        "  veltrix simulate configs/examples/github --topic github.events < events.jsonl > decisions.jsonl\n"
        "  veltrix simulate @running --topic github.events --counts < events.jsonl\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
