/* `veltrix test`: do the configs of a folder do what their tests say? Works without a server. */
#include "configsvc/cli/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "configsvc/wire/wire.h"
#include "core/base/clock.h"

struct options {
    const char *junit;
    const char *threshold;
};

static const struct cli_option rows[] = {
    {"junit", 0, CLI_TEXT, offsetof(struct options, junit), "FILE", "writes the results as JUnit's XML too"},
    {"coverage-threshold", 0, CLI_TEXT, offsetof(struct options, threshold), "PERCENT",
     "fails when the cases reach fewer of the rules"},
    {0},
};

static bool load_threshold(struct cli *cli, const char *text, int *percent)
{
    size_t len = text ? strlen(text) : 0;
    *percent = 0;
    if (!text)
        return true;
    if (len > 0 && len <= 3 && strspn(text, "0123456789") == len)
        *percent = atoi(text);
    if (len > 0 && len <= 3 && strspn(text, "0123456789") == len && *percent <= 100)
        return true;
    cli_fail(cli, EXIT_USAGE, "--coverage-threshold is a whole number from 0 to 100, not `%s`", text);
    return false;
}

static int write_junit(struct cli *cli, const char *path, const struct test_report *report)
{
    if (!*path)
        return cli_fail(cli, EXIT_USAGE, "--junit is the name of a file, not ``");
    struct vx_buf xml = {0};
    test_print_junit(report, vx_clock_wall_ms(), &xml);
    FILE *file = fopen(path, "we");
    bool written = file && fwrite(xml.at, 1, xml.len, file) == xml.len;
    int why = errno;
    if (file && fclose(file) != 0 && written) {
        why = errno;
        written = false;
    }
    vx_buf_done(&xml);
    return written ? EXIT_DONE : cli_fail(cli, EXIT_USAGE, "%s cannot be written: %s", path, strerror(why));
}

static void print_json(const struct test_report *report)
{
    struct vx_buf out = {0};
    wire_open(&out, NULL, '{');
    wire_bool(&out, "passed", report->failed == 0);
    wire_int(&out, "failed", (int64_t)report->failed);
    wire_open(&out, "cases", '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct test_result *r = &report->results[i];
        wire_open(&out, NULL, '{');
        wire_str(&out, "test", r->test->name);
        wire_str(&out, "name", r->of->name);
        wire_str(&out, "file", r->of->node->file->path);
        wire_int(&out, "line", r->of->node->line);
        wire_bool(&out, "passed", !r->differences);
        wire_str(&out, "differences", r->differences);
        wire_close(&out, '}');
    }
    wire_close(&out, ']');
    wire_open(&out, "coverage", '{');
    wire_int(&out, "rules", (int64_t)report->rule_count);
    wire_int(&out, "reached", (int64_t)(report->rule_count - report->untested_count));
    wire_int(&out, "percent", test_coverage(report));
    wire_open(&out, "untested", '[');
    for (size_t i = 0; i < report->untested_count; i++) {
        const struct test_rule *u = &report->untested[i];
        wire_open(&out, NULL, '{');
        wire_str(&out, "routing", u->routing->name);
        wire_str(&out, "rule", u->rule->name);
        wire_str(&out, "file", u->rule->node->file->path);
        wire_int(&out, "line", u->rule->node->line);
        wire_close(&out, '}');
    }
    wire_close(&out, ']');
    wire_close(&out, '}');
    wire_close(&out, '}');
    cli_out_json(&out);
    vx_buf_done(&out);
}

static void print_text(const struct cli *cli, const struct test_report *report)
{
    struct vx_buf out = {0};
    test_print_failures(cli, report, &out);
    for (size_t i = 0; i < report->untested_count; i++) {
        const struct test_rule *u = &report->untested[i];
        vx_buf_printf(&out, "%s:%d: no case reaches rule `%s` of routing `%s`\n", u->rule->node->file->path,
                      u->rule->node->line, u->rule->name, u->routing->name);
    }
    test_print_summary(report, &out);
    cli_out(&out);
    vx_buf_done(&out);
}

static int run(struct cli *cli, const void *options)
{
    const struct options *o = options;
    struct source source = {0};
    struct test_report report;
    int percent;
    if (!load_threshold(cli, o->threshold, &percent))
        return EXIT_USAGE;
    if (source_load_folder(cli, cli->words[0], &source) != EXIT_DONE)
        return EXIT_USAGE;
    int code = EXIT_DONE;
    if (source.set->test_count == 0) {
        code = cli_fail(cli, EXIT_USAGE, "test: there is no document of `kind: test` in %s", cli->words[0]);
        goto done;
    }
    test_run(cli, &source, &report);
    if (cli->json)
        print_json(&report);
    else
        print_text(cli, &report);
    code = report.failed ? EXIT_NO : EXIT_DONE;
    if (test_coverage(&report) < percent) {
        cli_progress(cli, "veltrix: test: %d %% of the rules are reached; %d %% are wanted", test_coverage(&report),
                     percent);
        code = EXIT_NO;
    }
    if (o->junit && write_junit(cli, o->junit, &report) != EXIT_DONE)
        code = EXIT_USAGE;
done:
    source_done(&source);
    return code;
}

const struct cli_command test_command = {
    .name = "test",
    .usage = "DIR [--junit FILE] [--coverage-threshold PERCENT]",
    .summary = "do the configs of a folder do what its tests say?",
    .help = "Runs the documents of `kind: test` that stand beside the configs below DIR: each case is an event and\n"
            "what must become of it. It is decided by the very code that routers run. Tests are no part of a\n"
            "release: `apply` runs them, and publishes the configs only. Asks no server.\n\n"
            "  kind: test\n"
            "  name: fraud\n"
            "  topic: player-events\n"
            "  cases:\n"
            "    - name: big spenders are looked at\n"
            "      given:                   # value (as JSON), value_text or value_base64, key, headers,\n"
            "        value: { type: purchase, amount: 1200 }            # timestamp, partition, offset\n"
            "      expect:                  # rule, outcome, outputs, dead_letter: what is named is compared\n"
            "        rule: big-spender\n"
            "        outputs:               # all of them, in order; topic, key, headers, value (as JSON),\n"
            "          - topic: fraud-DE    # value_contains, value_text, value_base64\n"
            "            value_contains: { amount: 1200 }\n"
            "    - name: a purchase needs an amount\n"
            "      given: { value: { type: purchase } }\n"
            "      expect: { dead_letter: { topic: fraud.dlq, reason: no such key } }\n\n"
            "Exit: 0 all passed, 1 a case failed or too few rules are reached, 2 usage, the configs or tests do\n"
            "not load, or there are no tests.\n\n"
            "  veltrix test configs/github --junit results.xml --coverage-threshold 80\n"
            "  veltrix schema test      (for editors)\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
