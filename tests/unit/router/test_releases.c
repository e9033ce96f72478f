/* The releases at hand: which stay, which go, which are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/io/releases.h"

static struct metrics *metrics;
static uint32_t used; /* release that is in use */

static struct adoption *release_of(uint32_t number, const char *text)
{
    struct config_source source = {.path = "a.yaml", .text = vx_span_str(text), .first_line = 1};
    struct vx_diags diags = {0};
    struct config_set *set;
    struct table *t;
    assert_int_equal(config_load(&source, 1, &set, &diags), VX_OK);
    assert_int_equal(table_new(set, number, &t, &diags), VX_OK);
    config_set_free(set);
    vx_diags_done(&diags);
    return adoption_new(t, 100 + number, metrics);
}

static struct adoption *release(uint32_t number)
{
    return release_of(number, "kind: routing\nname: in\ntopics: [in]\notherwise: { drop: true }\n");
}

static bool is_used(void *ctx, uint32_t number)
{
    (void)ctx;
    return number == used;
}

static bool is_here(const struct releases *r, uint32_t number)
{
    const struct adoption *a = releases_find(r, number);
    return a && table_release(a->t) == number;
}

static void an_older_release_stays_while_it_is_used(void **state)
{
    (void)state;
    struct releases r = {0};
    assert_null(releases_find(&r, 1));
    for (uint32_t n = 1; n <= 3; n++)
        assert_false(releases_adopt(&r, release(n)));
    used = 2;
    releases_drop(&r, is_used, NULL);
    assert_false(is_here(&r, 1));
    assert_true(is_here(&r, 2));
    assert_true(is_here(&r, 3));
    used = 0;
    releases_drop(&r, is_used, NULL);
    assert_false(is_here(&r, 2));
    assert_true(is_here(&r, 3));
    releases_done(&r);
}

static void beyond_the_bound_the_oldest_goes(void **state)
{
    (void)state;
    struct releases r = {0};
    for (uint32_t n = 1; n <= RELEASES_OLDER_MAX + 2; n++)
        assert_false(releases_adopt(&r, release(n)));
    assert_int_equal(r.older_count, RELEASES_OLDER_MAX);
    assert_false(is_here(&r, 1));
    assert_true(is_here(&r, 2));
    releases_done(&r);
}

static void one_that_is_missing_is_asked_for_once(void **state)
{
    (void)state;
    struct releases r = {0};
    bool ask = false;
    assert_false(releases_adopt(&r, release(5)));
    assert_int_equal(releases_look(&r, 5, &ask), LANE_RELEASE_HERE);
    assert_false(ask);
    assert_int_equal(releases_look(&r, 4, &ask), LANE_RELEASE_COMING);
    assert_true(ask);
    ask = false;
    assert_int_equal(releases_look(&r, 4, &ask), LANE_RELEASE_COMING);
    assert_false(ask);
    releases_came(&r, 4, release(4));
    assert_int_equal(releases_look(&r, 4, &ask), LANE_RELEASE_HERE);
    releases_done(&r);
}

static void one_that_is_not_to_be_had_is_asked_for_again_after_the_next_release(void **state)
{
    (void)state;
    struct releases r = {0};
    bool ask = false;
    assert_false(releases_adopt(&r, release(5)));
    assert_int_equal(releases_look(&r, 4, &ask), LANE_RELEASE_COMING);
    releases_came(&r, 4, NULL);
    ask = false;
    assert_int_equal(releases_look(&r, 4, &ask), LANE_RELEASE_GONE);
    assert_false(ask);
    assert_false(releases_adopt(&r, release(6)));
    assert_int_equal(releases_look(&r, 4, &ask), LANE_RELEASE_COMING);
    assert_true(ask);
    releases_done(&r);
}

static void another_release_of_the_same_number_takes_its_place(void **state)
{
    (void)state;
    struct releases r = {0};
    assert_false(releases_adopt(&r, release(5)));
    assert_false(releases_adopt(&r, release(6)));
    struct adoption *again = release(5);
    assert_false(releases_adopt(&r, again)); /* etcd was restored: 5 was given out again */
    assert_ptr_equal(releases_find(&r, 5), again);
    assert_int_equal(r.older_count, 1);
    again = release(5);
    assert_false(releases_adopt(&r, again));
    assert_ptr_equal(releases_find(&r, 5), again);
    assert_int_equal(r.older_count, 1);
    assert_true(is_here(&r, 6));
    releases_done(&r);
}

/* Then nothing that is known by that number is to be believed. */
static void another_content_under_a_number_that_was_in_force_is_told(void **state)
{
    static const char other[] = "kind: routing\nname: in\ntopics: [in, also]\notherwise: { drop: true }\n";
    (void)state;
    struct releases r = {0};
    assert_false(releases_adopt(&r, release(5)));
    assert_true(releases_adopt(&r, release_of(5, other)));
    assert_false(releases_adopt(&r, release_of(5, other)));
    assert_false(releases_adopt(&r, release(6)));
    assert_true(releases_adopt(&r, release(5))); /* an older one */
    assert_false(releases_adopt(&r, release(6)));
    used = 0;
    releases_drop(&r, is_used, NULL);
    assert_true(releases_adopt(&r, release(5))); /* it is not at hand: who knows? */
    assert_false(releases_adopt(&r, release(7)));
    releases_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_release_stays_while_it_is_used),
        cmocka_unit_test(beyond_the_bound_the_oldest_goes),
        cmocka_unit_test(one_that_is_missing_is_asked_for_once),
        cmocka_unit_test(another_release_of_the_same_number_takes_its_place),
        cmocka_unit_test(another_content_under_a_number_that_was_in_force_is_told),
        cmocka_unit_test(one_that_is_not_to_be_had_is_asked_for_again_after_the_next_release),
    };
    metrics = metrics_new(1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    metrics_free(metrics);
    return failed;
}
