/* Running the test documents of a folder: each case is an event that is decided by the very function that routers call,
 * and compared with what the case expects. One thread.
 *
 *     config_set ── tests, table ──> decide ── test_compare ──> test_report ──> text, JSON, JUnit
 */
#ifndef VX_CLI_TEST_H
#define VX_CLI_TEST_H

#include "configsvc/cli/source.h"
#include "core/config/tests.h"
#include "core/plan/decide.h"

enum { TEST_DIFFERENCES_MAX = 20 /* shown of one case */ };

/* How one case went. */
struct test_result {
    const struct config_test *test;
    const struct config_case *of;
    const char *differences; /* a line each, without a newline at the end; NULL: passed */
    int64_t took_us;
};

/* A rule that no case reached. */
struct test_rule {
    const struct config_routing *routing;
    const struct config_rule *rule;
};

struct test_report {
    struct test_result *results; /* in the order of the files */
    size_t count, failed;
    size_t rule_count;          /* the enabled ones; `otherwise` is none */
    struct test_rule *untested; /* those that no case reached */
    size_t untested_count;
};

/* Runs all tests of `source`; the report lives in the cli's arena and borrows from `source`. */
void test_run(struct cli *cli, const struct source *source, struct test_report *report);
/* Reached rules in percent, rounded down; 100 where there is none. */
int test_coverage(const struct test_report *report);
/* Appends what failed, case by case, with places and differences. */
void test_print_failures(const struct cli *cli, const struct test_report *report, struct vx_buf *out);
/* Appends "12 cases, 1 failed; 8 of 10 rules reached (80 %)" and a newline. */
void test_print_summary(const struct test_report *report, struct vx_buf *out);
/* Appends the report as JUnit's XML: a testsuite a document, a testcase a case. */
void test_print_junit(const struct test_report *report, int64_t wall_ms, struct vx_buf *out);

/* Appends how a decision differs from what is expected, a line each, nothing where it does not:
 * "outputs[0].value.amount: expected 12, got 13". */
void test_compare(struct vx_arena *arena, const struct table *t, const struct config_expect *expect,
                  const struct decision *decision, struct vx_buf *out);
/* The same for two JSON texts, at `path`; `contains`: objects may have members that `want` does not name. */
void test_compare_json(struct vx_arena *arena, const char *path, struct vx_span want, struct vx_span got, bool contains,
                       struct vx_buf *out);

#endif
