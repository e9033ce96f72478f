/* The ledger: what is offered for a commit, and when one is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "router/io/ledger.h"

enum { AHEAD = 100 };

static struct ledger g;
static struct lane l;
static struct ledger_commit commit;

/* A lane that begins at `offset`, where release 7 decides. */
static void begin(int64_t offset)
{
    struct course course;
    course_init(&course, offset);
    memset(&l, 0, sizeof l);
    l.course = course;
    l.delivered = offset;
    l.window.committable = l.window.leader_epoch = -1;
    ledger_init(&g, &course, offset, false, 3);
    assert_true(course_turn(&l.course, offset, 7, 1));
}

static void take(void)
{
    assert_true(ledger_offer(&g, &commit));
    ledger_accept(&g, commit.offset);
    ledger_hear(&g, &l);
}

static void a_new_course_asks_for_one_commit(void **state)
{
    (void)state;
    begin(10);
    assert_true(ledger_write(&g, &l, AHEAD));
    assert_false(ledger_write(&g, &l, AHEAD));
    take();
    assert_int_equal(commit.offset, 10);
    assert_string_equal(commit.text, "veltrix release=7 generation=1 until=110");
    assert_int_equal(l.course.safe, 110);
    assert_false(ledger_write(&g, &l, AHEAD));
    assert_false(ledger_offer(&g, &commit));
}

static void only_what_the_window_passed_is_offered(void **state)
{
    (void)state;
    begin(10);
    assert_true(ledger_write(&g, &l, AHEAD));
    take();
    l.delivered = 15;
    course_decided(&l.course, 14);
    assert_false(ledger_write(&g, &l, AHEAD));
    assert_false(ledger_offer(&g, &commit));
    l.window.committable = 12;
    assert_false(ledger_write(&g, &l, AHEAD));
    take();
    assert_int_equal(commit.offset, 12);
}

static void what_was_sent_is_not_on_record(void **state)
{
    (void)state;
    begin(10);
    assert_true(ledger_write(&g, &l, AHEAD));
    assert_true(ledger_offer(&g, &commit));
    ledger_hear(&g, &l);
    assert_false(course_may(&l.course, 10));
    assert_true(course_is_pending(&l.course));
}

static void what_runs_out_is_asked_for_in_time(void **state)
{
    (void)state;
    begin(10);
    assert_true(ledger_write(&g, &l, AHEAD));
    take();
    l.delivered = 61;
    course_decided(&l.course, 59);
    assert_false(ledger_write(&g, &l, AHEAD));
    course_decided(&l.course, 60);
    assert_true(ledger_write(&g, &l, AHEAD));
    take();
    assert_int_equal(l.course.safe, 161);
}

/* The hole is wider than what was recorded ahead: nothing is decided, so nothing runs out, and yet it must go on. */
static void behind_a_wide_hole_it_goes_on(void **state)
{
    (void)state;
    begin(10);
    assert_true(ledger_write(&g, &l, AHEAD));
    take();
    assert_false(ledger_write(&g, &l, AHEAD));
    l.delivered = 5001;
    assert_false(course_may(&l.course, 5000));
    assert_true(ledger_write(&g, &l, AHEAD));
    take();
    assert_int_equal(commit.offset, 10);
    assert_true(course_may(&l.course, 5000));
}

static void what_is_given_up_says_exactly_what_was_decided(void **state)
{
    (void)state;
    begin(10);
    assert_true(ledger_write(&g, &l, AHEAD));
    take();
    l.delivered = 30;
    course_decided(&l.course, 19);
    l.window.committable = 18;
    l.state = LANE_CLOSING;
    assert_false(ledger_write(&g, &l, AHEAD));
    take();
    assert_string_equal(commit.text, "veltrix release=7 generation=1 until=20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_course_asks_for_one_commit),
        cmocka_unit_test(only_what_the_window_passed_is_offered),
        cmocka_unit_test(what_was_sent_is_not_on_record),
        cmocka_unit_test(what_runs_out_is_asked_for_in_time),
        cmocka_unit_test(behind_a_wide_hole_it_goes_on),
        cmocka_unit_test(what_is_given_up_says_exactly_what_was_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
