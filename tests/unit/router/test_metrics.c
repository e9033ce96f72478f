/* Counters: numbers stay, shards add up, the text is Prometheus'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "router/metrics.h"

static void a_name_keeps_its_number(void **state)
{
    (void)state;
    struct metrics *m = metrics_new(1);
    uint32_t a = metrics_counter(m, METRIC_RULES, "r", "one"), b = metrics_counter(m, METRIC_RULES, "r", "two");
    assert_int_not_equal(a, b);
    assert_int_not_equal(a, metrics_counter(m, METRIC_RULES, "one", "r"));
    assert_int_not_equal(metrics_counter(m, METRIC_EVENTS, "r", NULL), metrics_counter(m, METRIC_RECORDS, "r", NULL));
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        metrics_counter(m, METRIC_EVENTS, name, NULL);
    }
    assert_int_equal(a, metrics_counter(m, METRIC_RULES, "r", "one"));
    metrics_free(m);
}

static void shards_add_up(void **state)
{
    (void)state;
    struct metrics *m = metrics_new(3);
    uint32_t a = metrics_counter(m, METRIC_EVENTS, "x", NULL), b = metrics_counter(m, METRIC_EVENTS, "y", NULL);
    metrics_add(m, 0, a, 1);
    metrics_add(m, 2, a, 10);
    metrics_add(m, 1, b, 100);
    assert_int_equal(metrics_sum(m, a), 11);
    assert_int_equal(metrics_total(m, METRIC_EVENTS), 111);
    assert_int_equal(metrics_total(m, METRIC_RECORDS), 0);
    metrics_free(m);
}

static void the_text_is_prometheus(void **state)
{
    (void)state;
    struct metrics *m = metrics_new(1);
    struct vx_buf out = {0};
    metrics_add(m, 0, metrics_counter(m, METRIC_RULES, "a\"b\\c", "l1\nl2"), 5);
    metrics_add(m, 0, metrics_counter(m, METRIC_AGAIN, NULL, NULL), 6);
    metrics_print(m, &out);
    assert_non_null(
        strstr(vx_buf_text(&out), "\nveltrix_rule_events_total{routing=\"a\\\"b\\\\c\",rule=\"l1\\nl2\"} 5\n"));
    assert_non_null(strstr(vx_buf_text(&out), "\n# TYPE veltrix_attempts_repeated_total counter\n"
                                              "veltrix_attempts_repeated_total 6\n"));
    vx_buf_done(&out);
    metrics_free(m);
}

static void too_many_names_share_one_counter(void **state)
{
    (void)state;
    struct metrics *m = metrics_new(1);
    uint32_t last = 0;
    for (int i = 0; i < METRICS_COUNTERS_MAX + 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        last = metrics_counter(m, METRIC_EVENTS, name, NULL);
    }
    assert_int_equal(last, metrics_counter(m, METRIC_EVENTS, "overflow", NULL));
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_number),
        cmocka_unit_test(shards_add_up),
        cmocka_unit_test(the_text_is_prometheus),
        cmocka_unit_test(too_many_names_share_one_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
