/* A client is told where to begin again once for each silence after it has lost all its brokers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/io/lifeline.h"

static void one_that_lost_nothing_is_told_nothing(void **state)
{
    (void)state;
    struct lifeline_memory m = {0};
    assert_false(lifeline_is_due(&m, 1));
    assert_false(lifeline_is_due(&m, INT64_MAX));
}

static void one_that_complains_is_left_alone_and_one_that_fell_silent_is_told_once(void **state)
{
    (void)state;
    struct lifeline_memory m = {0};
    int64_t now_ms = 7;
    for (int i = 0; i < 10; i++, now_ms += LIFELINE_SILENT_MS - 1) {
        lifeline_note(&m, now_ms);
        assert_false(lifeline_is_due(&m, now_ms + LIFELINE_SILENT_MS - 1));
    }
    lifeline_note(&m, now_ms);
    assert_true(lifeline_is_due(&m, now_ms + LIFELINE_SILENT_MS));
    assert_false(lifeline_is_due(&m, now_ms + 100 * LIFELINE_SILENT_MS));
}

static void one_that_was_told_is_told_again_after_the_next_loss(void **state)
{
    (void)state;
    struct lifeline_memory m = {0};
    lifeline_note(&m, 5);
    assert_true(lifeline_is_due(&m, 5 + LIFELINE_SILENT_MS));
    lifeline_note(&m, 100000);
    assert_false(lifeline_is_due(&m, 100000));
    assert_true(lifeline_is_due(&m, 100000 + LIFELINE_SILENT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_lost_nothing_is_told_nothing),
        cmocka_unit_test(one_that_complains_is_left_alone_and_one_that_fell_silent_is_told_once),
        cmocka_unit_test(one_that_was_told_is_told_again_after_the_next_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
