/* The course of a partition: what stands in a commit's metadata, what it lets be decided, and when. How it keeps order
 * over owners that die is the property test of test_lane.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "router/io/course.h"

static void turn(struct course *c, int64_t from, uint32_t release)
{
    assert_true(course_turn(c, from, release, release + 100));
}

static const char *print(const struct course *c, int64_t offset, int64_t until)
{
    static char text[COURSE_TEXT_SIZE];
    course_print(c, offset, until, text);
    return text;
}

static void nothing_is_decided_before_it_is_on_record(void **state)
{
    (void)state;
    struct course c;
    course_init(&c, -1);
    assert_false(course_may(&c, 0));
    course_meet(&c, 40);
    assert_string_equal(print(&c, 40, 90), "");
    turn(&c, 40, 1);
    assert_true(course_is_pending(&c));
    assert_false(course_may(&c, 40));
    course_recorded(&c, c.version, 90);
    assert_false(course_is_pending(&c));
    assert_true(course_may(&c, 40));
    assert_true(course_may(&c, 89));
    assert_false(course_may(&c, 90));
}

static void the_old_release_goes_on_up_to_a_change_that_is_not_on_record(void **state)
{
    (void)state;
    struct course c;
    course_init(&c, 10);
    turn(&c, 10, 1);
    course_recorded(&c, 1, 1000);
    turn(&c, 50, 2);
    assert_true(course_may(&c, 49));
    assert_false(course_may(&c, 50));
    assert_int_equal(course_release(&c, 49), 1);
    assert_int_equal(course_release(&c, 50), 2);
    course_recorded(&c, 1, 1100); /* a commit that was sent before the change */
    assert_false(course_may(&c, 50));
    course_recorded(&c, 2, 1100);
    assert_true(course_may(&c, 1099));
    course_recorded(&c, 1, 2000); /* an answer that is late says nothing */
    assert_false(course_may(&c, 1100));
}

static void a_change_brought_forward_waits_for_its_own_record(void **state)
{
    (void)state;
    struct course c;
    course_init(&c, 10);
    turn(&c, 10, 1);
    turn(&c, 50, 2);
    course_recorded(&c, 2, 1000);
    turn(&c, 20, 2);
    assert_int_equal(c.count, 2);
    assert_true(course_may(&c, 19));
    assert_false(course_may(&c, 20));
    course_recorded(&c, 2, 1000);
    assert_false(course_may(&c, 20));
    course_recorded(&c, 3, 1000);
    assert_true(course_may(&c, 20));
}

static void print_and_load_are_one_anothers_reverse(void **state)
{
    static const struct {
        int64_t offset;
        const char *text;
    } cases[] = {
        {0, "veltrix release=1 generation=101 until=900 then=150:2:102,170:3:103"},
        {149, "veltrix release=1 generation=101 until=900 then=150:2:102,170:3:103"},
        {150, "veltrix release=2 generation=102 until=900 then=170:3:103"},
        {400, "veltrix release=3 generation=103 until=900"},
    };
    (void)state;
    struct course c, d;
    course_init(&c, 0);
    turn(&c, 0, 1);
    turn(&c, 150, 2);
    turn(&c, 170, 3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(print(&c, cases[i].offset, 900), cases[i].text);
        assert_true(course_load(&d, cases[i].text, strlen(cases[i].text), cases[i].offset, -1));
        assert_string_equal(print(&d, cases[i].offset, 900), cases[i].text);
        for (int64_t o = cases[i].offset; o < 1000; o += 10)
            assert_int_equal(course_release(&d, o), course_release(&c, o));
    }
}

static void the_longest_text_fits(void **state)
{
    (void)state;
    struct course c;
    course_init(&c, INT64_MAX - 100);
    for (int i = 0; i < COURSE_LEGS_MAX; i++)
        assert_true(course_turn(&c, INT64_MAX - 100 + i, UINT32_MAX, UINT64_MAX));
    assert_false(course_turn(&c, INT64_MAX - 1, UINT32_MAX, UINT64_MAX));
    c.takeovers = COURSE_TAKEOVERS_MAX;
    const char *text = print(&c, INT64_MAX - 100, INT64_MAX);
    struct course d;
    assert_true(course_load(&d, text, strlen(text), INT64_MAX - 100, -1));
    assert_int_equal(d.count, COURSE_LEGS_MAX);
    course_drop(&c, INT64_MAX - 99);
    assert_true(course_turn(&c, INT64_MAX - 1, 1, 1));
}

static void what_is_not_ours_is_no_course(void **state)
{
    static const char *const texts[] = {
        "",
        "veltrix",
        "veltrix release=7 generation=3",
        "veltrix release=0 generation=3 until=9",
        "veltrix release=4294967296 generation=3 until=90",
        "veltrix release=1 generation=3 until=90 ",
        "veltrix release=1 generation=3 until=90 then=",
        "veltrix release=1 generation=3 until=90 then=5:2:1,4:3:1",
        "veltrix release=1 generation=3 until=90 then=5:2",
        "veltrix release=1 generation=3 until=9223372036854775808",
        "veltrix release=-1 generation=3 until=90",
        "{\"release\":1}",
        "veltrix release=1 generation=18446744073709551616 until=90",
        "veltrix release=1 generation=1 until=4",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct course c;
        assert_false(course_load(&c, texts[i], strlen(texts[i]), 5, 100));
        assert_int_equal(c.count, 0);
        assert_int_equal(c.begin, 5);
        assert_false(course_may(&c, 5));
    }
}

static void the_next_owner_is_bound_up_to_what_its_forerunner_can_have_decided(void **state)
{
    static const char text[] = "veltrix release=1 generation=3 until=90";
    (void)state;
    static const struct {
        int64_t end, floor;
    } cases[] = {{-1, 90}, {200, 90}, {90, 90}, {60, 60}, {5, 5}, {4, 90}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct course c;
        assert_true(course_load(&c, text, sizeof text - 1, 5, cases[i].end));
        assert_int_equal(c.floor, cases[i].floor);
        assert_true(course_may(&c, 89)); /* it stands in the record already */
        assert_false(course_may(&c, 90));
        assert_int_equal(course_until(&c, 20), cases[i].floor > 20 ? cases[i].floor : 20);
    }
}

static void what_was_decided_stays_below_until_though_commits_begin_anew(void **state)
{
    (void)state;
    struct course c;
    course_init(&c, 10);
    turn(&c, 10, 1);
    course_recorded(&c, c.version, 1000);
    course_decided(&c, 29);
    assert_int_equal(course_until(&c, 12), 12);
    course_raise_floor(&c);
    assert_int_equal(course_until(&c, 12), 30);
    assert_int_equal(course_until(&c, 40), 40);
    c.floor = 50; /* never lower */
    course_raise_floor(&c);
    assert_int_equal(course_until(&c, 12), 50);
}

static void how_many_partitions_a_topic_began_with_stays_on_record(void **state)
{
    static const char *const bad[] = {"veltrix partitions=",   "veltrix partitions=x",
                                      "veltrix partitions=0",  "veltrix partitions=4294967296",
                                      "veltrix partitions=8 ", "veltrix partitions=8release=1 generation=1 until=9"};
    char text[COURSE_TEXT_SIZE];
    struct course c, d;
    (void)state;
    course_init(&c, 5);
    c.partitions = 8;
    course_print(&c, 5, 5, text);
    assert_string_equal(text, "veltrix partitions=8");
    assert_true(course_load(&d, text, strlen(text), 5, 9));
    assert_int_equal(d.partitions, 8);
    assert_int_equal(d.count, 0);
    assert_int_equal(d.safe, 5);
    turn(&d, 5, 1);
    course_print(&d, 5, 90, text);
    assert_string_equal(text, "veltrix partitions=8 release=1 generation=101 until=90");
    assert_true(course_load(&c, text, strlen(text), 5, -1));
    assert_int_equal(c.partitions, 8);
    assert_int_equal(course_release(&c, 5), 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(course_load(&c, bad[i], strlen(bad[i]), 5, 9));
        assert_int_equal(c.partitions, 0);
    }
}

static void a_release_that_kills_its_owners_is_let_go_of(void **state)
{
    (void)state;
    char text[COURSE_TEXT_SIZE];
    struct course c;
    course_init(&c, 5);
    turn(&c, 5, 1);
    course_print(&c, 5, 90, text);
    for (int owner = 1; owner <= COURSE_TAKEOVERS_MAX; owner++) {
        assert_true(course_load(&c, text, strlen(text), 5, -1));
        assert_true(course_take_over(&c));
        assert_false(course_may(&c, 5)); /* counted before it is tried */
        course_recorded(&c, c.version, 90);
        assert_true(course_may(&c, 5));
        course_print(&c, 5, 90, text);
    }
    assert_true(course_load(&c, text, strlen(text), 5, -1));
    assert_false(course_take_over(&c));
    course_print(&c, 6, 90, text); /* something was done after all */
    assert_true(course_load(&c, text, strlen(text), 6, -1));
    assert_true(course_take_over(&c));
    course_hand_over(&c);
    assert_int_equal(c.takeovers, 0);
}

static void an_older_release_is_named_until_its_events_are_done(void **state)
{
    (void)state;
    struct course c;
    course_init(&c, 0);
    turn(&c, 0, 1);
    turn(&c, 10, 2);
    turn(&c, 20, 3);
    course_drop(&c, 9);
    assert_true(course_names(&c, 1));
    course_drop(&c, 10);
    assert_false(course_names(&c, 1));
    course_drop(&c, 1000);
    assert_int_equal(c.count, 1);
    assert_true(course_names(&c, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_decided_before_it_is_on_record),
        cmocka_unit_test(the_old_release_goes_on_up_to_a_change_that_is_not_on_record),
        cmocka_unit_test(a_change_brought_forward_waits_for_its_own_record),
        cmocka_unit_test(print_and_load_are_one_anothers_reverse),
        cmocka_unit_test(the_longest_text_fits),
        cmocka_unit_test(what_is_not_ours_is_no_course),
        cmocka_unit_test(the_next_owner_is_bound_up_to_what_its_forerunner_can_have_decided),
        cmocka_unit_test(what_was_decided_stays_below_until_though_commits_begin_anew),
        cmocka_unit_test(how_many_partitions_a_topic_began_with_stays_on_record),
        cmocka_unit_test(a_release_that_kills_its_owners_is_let_go_of),
        cmocka_unit_test(an_older_release_is_named_until_its_events_are_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
