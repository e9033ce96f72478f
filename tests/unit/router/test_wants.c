/* Older releases that are wanted: when each is fetched, and when it is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/follow/wants.h"

static void a_release_is_wanted_once_and_at_once(void **state)
{
    (void)state;
    struct wants w = {0};
    struct want want;
    int64_t until_ms = INT64_MAX;
    assert_true(wants_add(&w, 7, 1000));
    assert_true(wants_add(&w, 7, 1500));
    assert_true(wants_take(&w, 1000, &want, &until_ms));
    assert_int_equal(want.release, 7);
    assert_false(wants_take(&w, 1000, &want, &until_ms));
    assert_true(until_ms == INT64_MAX);
}

static void what_cannot_be_fetched_is_tried_later_and_given_up_in_time(void **state)
{
    (void)state;
    struct wants w = {0};
    struct want want;
    int64_t until_ms = INT64_MAX;
    assert_true(wants_add(&w, 7, 1000));
    assert_true(wants_take(&w, 1000, &want, &until_ms));
    assert_true(wants_again(&w, &want, 1010));
    assert_false(wants_take(&w, 1010, &want, &until_ms));
    assert_int_equal(until_ms, 1010 + WANTS_AGAIN_MS);
    assert_true(wants_take(&w, until_ms, &want, &until_ms));
    assert_true(wants_again(&w, &want, 1000 + WANTS_MS - 1));
    assert_true(wants_take(&w, 1000 + WANTS_MS + WANTS_AGAIN_MS, &want, &until_ms));
    assert_false(wants_again(&w, &want, 1000 + WANTS_MS));
    assert_int_equal(w.count, 0);
}

static void beyond_the_bound_none_is_taken(void **state)
{
    (void)state;
    struct wants w = {0};
    for (uint32_t i = 1; i <= WANTS_MAX; i++)
        assert_true(wants_add(&w, i, 0));
    assert_true(wants_add(&w, WANTS_MAX, 0));
    assert_false(wants_add(&w, WANTS_MAX + 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_is_wanted_once_and_at_once),
        cmocka_unit_test(what_cannot_be_fetched_is_tried_later_and_given_up_in_time),
        cmocka_unit_test(beyond_the_bound_none_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
