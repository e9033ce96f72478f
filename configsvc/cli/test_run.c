/* Running tests and telling how they went, to people and as JUnit's XML. One thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "configsvc/cli/test.h"
#include "core/base/clock.h"
#include "core/base/utf8.h"

static void run_case(struct cli *cli, const struct table *t, struct decider *d, struct test_result *result,
                     bool *reached)
{
    const struct config_case *of = result->of;
    struct cel_event ev = {.topic = vx_span_str(of->topic),
                           .key = of->given.key,
                           .value = of->given.value,
                           .headers = of->given.headers,
                           .header_count = of->given.header_count,
                           .timestamp_ms = of->given.timestamp_ms,
                           .partition = (int32_t)of->given.partition,
                           .offset = of->given.offset};
    struct decision decision;
    struct vx_buf differences = {0};
    int64_t begin = vx_clock_us();
    decide(d, t, &ev, &decision);
    for (size_t i = 0; i < decision.rule_count; i++)
        reached[decision.rules[i].rule] = true;
    test_compare(&cli->arena, t, &of->expect, &decision, &differences);
    if (differences.len > 0)
        result->differences = vx_arena_span(&cli->arena, vx_span(differences.at, differences.len - 1)).at;
    result->took_us = vx_clock_us() - begin;
    vx_buf_done(&differences);
}

/* Rules are numbered as the table numbers them: of each routing its rules in order, then `otherwise`. */
static void cover(struct cli *cli, const struct config_set *set, const bool *reached, struct test_report *report)
{
    size_t number = 0, room = 0;
    for (size_t i = 0; i < set->routing_count; i++)
        room += set->routings[i].rule_count;
    report->untested = VX_ARENA_ARRAY(&cli->arena, struct test_rule, room);
    for (size_t i = 0; i < set->routing_count; i++, number++) {
        const struct config_routing *r = &set->routings[i];
        for (size_t k = 0; k < r->rule_count; k++, number++) {
            if (!r->rules[k].enabled)
                continue;
            report->rule_count++;
            if (!reached[number])
                report->untested[report->untested_count++] = (struct test_rule){r, &r->rules[k]};
        }
    }
}

void test_run(struct cli *cli, const struct source *source, struct test_report *report)
{
    const struct config_set *set = source->set;
    struct vx_diags diags = {0};
    struct table *t;
    size_t rule_count, count = 0;
    enum vx_status status = table_new(set, 0, &t, &diags);
    vx_diags_done(&diags);
    vx_assert(status == VX_OK); /* loading has compiled it before */
    struct decider *d = decider_new();
    table_rules(t, &rule_count);
    bool *reached = VX_ARENA_ARRAY(&cli->arena, bool, rule_count);
    for (size_t i = 0; i < set->test_count; i++)
        count += set->tests[i].case_count;
    *report = (struct test_report){.results = VX_ARENA_ARRAY(&cli->arena, struct test_result, count)};
    for (size_t i = 0; i < set->test_count; i++) {
        for (size_t k = 0; k < set->tests[i].case_count; k++) {
            struct test_result *result = &report->results[report->count++];
            *result = (struct test_result){.test = &set->tests[i], .of = &set->tests[i].cases[k]};
            run_case(cli, t, d, result, reached);
            report->failed += result->differences != NULL;
        }
    }
    cover(cli, set, reached, report);
    decider_free(d);
    table_unref(t);
}

int test_coverage(const struct test_report *report)
{
    size_t reached = report->rule_count - report->untested_count;
    return report->rule_count ? (int)(reached * 100 / report->rule_count) : 100;
}

/* --- for people --------------------------------------------------------------------------------------------------------- */

static void print_indented(const char *text, const char *indent, struct vx_buf *out)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        vx_buf_printf(out, "%s%.*s\n", indent, (int)len, text);
        text += len + (text[len] == '\n');
    }
}

void test_print_failures(const struct cli *cli, const struct test_report *report, struct vx_buf *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct test_result *r = &report->results[i];
        if (!r->differences)
            continue;
        vx_buf_printf(out, "%s%s:%d:%s %sfailed:%s ", cli->color ? "\033[1m" : "", r->of->node->file->path,
                      r->of->node->line, cli->color ? "\033[0m" : "", cli->color ? "\033[1;31m" : "",
                      cli->color ? "\033[0m" : "");
        vx_buf_printable(out, vx_span_str(r->test->name), "");
        if (r->of->node != r->test->node) {
            vx_buf_str(out, ": ");
            vx_buf_printable(out, vx_span_str(r->of->name), "");
        }
        vx_buf_char(out, '\n');
        print_indented(r->differences, "    ", out);
    }
}

void test_print_summary(const struct test_report *report, struct vx_buf *out)
{
    vx_buf_printf(out, "%zu case%s, ", report->count, report->count == 1 ? "" : "s");
    if (report->failed)
        vx_buf_printf(out, "%zu failed", report->failed);
    else
        vx_buf_str(out, report->count == 1 ? "it passed" : "all passed");
    vx_buf_printf(out, "; %zu of %zu rules reached (%d %%)\n", report->rule_count - report->untested_count,
                  report->rule_count, test_coverage(report));
}

/* --- JUnit -------------------------------------------------------------------------------------------------------------- */

/* XML 1.0 has no place for most control characters, however they are spelled; they become `?`. */
static void xml_text(struct vx_buf *out, const char *text, bool attribute)
{
    const char *end = text + strlen(text);
    for (int len; text < end; text += len) {
        int32_t code = vx_utf8_decode(text, end, &len);
        if (code == '&')
            vx_buf_str(out, "&amp;");
        else if (code == '<')
            vx_buf_str(out, "&lt;");
        else if (code == '>')
            vx_buf_str(out, "&gt;");
        else if (code == '"')
            vx_buf_str(out, "&quot;");
        else if (code == '\n')
            vx_buf_str(out, attribute ? "&#10;" : "\n");
        else if (code < 0x20 || code == 0xfffe || code == 0xffff)
            vx_buf_char(out, '?');
        else
            vx_buf_add(out, text, (size_t)len);
    }
}

static void xml_attribute(struct vx_buf *out, const char *name, const char *value)
{
    vx_buf_printf(out, " %s=\"", name);
    xml_text(out, value, true);
    vx_buf_char(out, '"');
}

static void xml_seconds(struct vx_buf *out, int64_t us)
{
    vx_buf_printf(out, " time=\"%" PRId64 ".%06" PRId64 "\"", us / 1000000, us % 1000000);
}

static void junit_case(const struct test_result *r, struct vx_buf *out)
{
    vx_buf_str(out, "    <testcase");
    xml_attribute(out, "name", r->of->name);
    xml_attribute(out, "classname", r->test->name);
    xml_seconds(out, r->took_us);
    if (!r->differences) {
        vx_buf_str(out, "/>\n");
        return;
    }
    vx_buf_str(out, ">\n      <failure type=\"difference\" message=\"");
    char *first = strndup(r->differences, strcspn(r->differences, "\n"));
    vx_assert(first != NULL);
    xml_text(out, first, true);
    free(first);
    vx_buf_str(out, "\">");
    xml_text(out, r->of->node->file->path, false);
    vx_buf_printf(out, ":%d\n", r->of->node->line);
    xml_text(out, r->differences, false);
    vx_buf_str(out, "</failure>\n    </testcase>\n");
}

/* The results from `at` on that are of the same document, as a testsuite; returns the one behind them. */
static size_t junit_suite(const struct test_report *report, size_t at, size_t id, const char *when, struct vx_buf *out)
{
    const struct config_test *test = report->results[at].test;
    size_t end = at, failed = 0;
    int64_t us = 0;
    char host[128] = "localhost";
    gethostname(host, sizeof host - 1);
    for (; end < report->count && report->results[end].test == test; end++) {
        failed += report->results[end].differences != NULL;
        us += report->results[end].took_us;
    }
    vx_buf_printf(out, "  <testsuite id=\"%zu\" package=\"veltrix\"", id);
    xml_attribute(out, "name", test->name);
    xml_attribute(out, "timestamp", when);
    xml_attribute(out, "hostname", host);
    vx_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\"", end - at, failed);
    xml_seconds(out, us);
    vx_buf_str(out, ">\n    <properties>\n      <property name=\"file\"");
    xml_attribute(out, "value", test->node->file->path);
    vx_buf_str(out, "/>\n    </properties>\n");
    for (; at < end; at++)
        junit_case(&report->results[at], out);
    vx_buf_str(out, "    <system-out/>\n    <system-err/>\n  </testsuite>\n");
    return end;
}

void test_print_junit(const struct test_report *report, int64_t wall_ms, struct vx_buf *out)
{
    char when[VX_TIME_TEXT_SIZE];
    vx_time_print(wall_ms, when);
    when[strlen("2026-11-21T03:00:00")] = '\0'; /* the schema knows neither fractions nor a zone */
    vx_buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    size_t id = 0;
    for (size_t at = 0; at < report->count; id++)
        at = junit_suite(report, at, id, when, out);
    vx_buf_str(out, "</testsuites>\n");
}
