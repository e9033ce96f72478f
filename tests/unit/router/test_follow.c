/* What to run: every rule of follow.h as a claim. Time is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/follow/follow.h"

static const struct follow_pointer one = {.generation = 1, .release = 10, .cluster_id = 7};
static const struct follow_pointer two = {.generation = 2, .release = 11, .cluster_id = 7};
static const struct follow_pointer none = {.generation = 0, .release = 0, .cluster_id = 7};

static void expect(struct follow *f, int64_t now_ms, enum follow_do what, uint32_t release)
{
    struct follow_action a = follow_next(f, now_ms);
    assert_int_equal(a.what, what);
    if (what != FOLLOW_WAIT)
        assert_int_equal(a.release, release);
}

/* A load ended that began under the pointer that is known now. */
static bool loaded(struct follow *f, uint32_t release, enum follow_load how, const char *why, int64_t now_ms)
{
    return follow_loaded(f, release, f->known.generation, how, why, now_ms);
}

/* A follower that runs release 10. */
static struct follow running(void)
{
    struct follow f;
    follow_init(&f, 0, 1);
    assert_int_equal(follow_pointer(&f, &one, 0), FOLLOW_NEW);
    expect(&f, 0, FOLLOW_LOAD, 10);
    assert_true(loaded(&f, 10, FOLLOW_LOADED, NULL, 5));
    assert_int_equal(f.running, 10);
    return f;
}

static void without_a_pointer_it_waits_and_says_so(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 0, 1);
    assert_int_equal(follow_pointer(&f, &none, 0), FOLLOW_MISSING);
    assert_true(f.missing);
    assert_int_equal(follow_next(&f, 100000).until_ms, INT64_MAX);
    assert_int_equal(follow_pointer(&f, &one, 1), FOLLOW_NEW);
    assert_false(f.missing);
    expect(&f, 1, FOLLOW_LOAD, 10);
}

static void the_pointers_release_is_loaded_and_run(void **state)
{
    (void)state;
    struct follow f = running();
    expect(&f, 10, FOLLOW_WAIT, 0);
    assert_int_equal(follow_pointer(&f, &two, 10), FOLLOW_NEW);
    expect(&f, 10, FOLLOW_LOAD, 11);
    assert_true(loaded(&f, 11, FOLLOW_LOADED, NULL, 20));
    assert_int_equal(f.running, 11);
    assert_int_equal(f.running_generation, 2);
}

static void a_repeated_pointer_changes_nothing(void **state)
{
    (void)state;
    struct follow f = running();
    assert_int_equal(follow_pointer(&f, &one, 10), FOLLOW_SAME);
    expect(&f, 10, FOLLOW_WAIT, 0);
}

static void a_bad_release_keeps_the_old_one(void **state)
{
    (void)state;
    struct follow f = running();
    follow_pointer(&f, &two, 10);
    expect(&f, 10, FOLLOW_LOAD, 11);
    assert_false(loaded(&f, 11, FOLLOW_BAD, "a.yaml:3:1: no", 20));
    assert_int_equal(f.running, 10);
    assert_int_equal(f.rejected, 11);
    assert_string_equal(f.rejected_why, "a.yaml:3:1: no");
    /* final: it is not tried again */
    assert_int_equal(follow_next(&f, 1000000).what, FOLLOW_WAIT);
    assert_int_equal(follow_next(&f, 1000000).until_ms, INT64_MAX);
    /* until the pointer goes elsewhere, back to what runs included */
    struct follow_pointer back = {.generation = 3, .release = 10, .cluster_id = 7};
    assert_int_equal(follow_pointer(&f, &back, 1000000), FOLLOW_NEW);
    assert_int_equal(f.rejected, 0);
    expect(&f, 1000000, FOLLOW_MOVE, 10);
    assert_true(follow_moved(&f, 3, FOLLOW_LOOKED_SAME, 1000000));
    expect(&f, 1000000, FOLLOW_WAIT, 0);
    assert_int_equal(f.running_generation, 3);
}

static void a_corrupt_release_keeps_the_old_one_and_is_tried_again(void **state)
{
    (void)state;
    struct follow f = running();
    follow_pointer(&f, &two, 10);
    assert_false(loaded(&f, 11, FOLLOW_CORRUPT, "object 12ab is not what its name says", 10));
    assert_int_equal(f.rejected, 11);
    expect(&f, 10 + FOLLOW_REJECTED_MS - 1, FOLLOW_WAIT, 0);
    expect(&f, 10 + FOLLOW_REJECTED_MS, FOLLOW_LOAD, 11);
    assert_true(loaded(&f, 11, FOLLOW_LOADED, NULL, 10 + FOLLOW_REJECTED_MS));
    assert_int_equal(f.rejected, 0);
}

static void an_absent_etcd_is_tried_again_later_and_later(void **state)
{
    (void)state;
    struct follow f = running();
    follow_pointer(&f, &two, 0);
    int64_t now_ms = 0, longest_ms = 0;
    for (int i = 0; i < 30; i++) {
        expect(&f, now_ms, FOLLOW_LOAD, 11);
        assert_false(loaded(&f, 11, FOLLOW_UNAVAILABLE, "no answer", now_ms));
        int64_t wait_ms = follow_next(&f, now_ms).until_ms - now_ms;
        assert_in_range(wait_ms, 1, FOLLOW_RETRY_MAX_MS);
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
        now_ms += wait_ms;
    }
    assert_in_range(longest_ms, FOLLOW_RETRY_MAX_MS / 2, FOLLOW_RETRY_MAX_MS);
    assert_int_equal(f.rejected, 0);
    assert_int_equal(f.running, 10);
}

static void a_load_that_the_pointer_overtook_is_dropped(void **state)
{
    (void)state;
    struct follow f = running();
    follow_pointer(&f, &two, 10);
    expect(&f, 10, FOLLOW_LOAD, 11);
    struct follow_pointer three = {.generation = 3, .release = 12, .cluster_id = 7};
    follow_pointer(&f, &three, 11);
    assert_false(loaded(&f, 11, FOLLOW_LOADED, NULL, 12));
    assert_int_equal(f.running, 10);
    expect(&f, 12, FOLLOW_LOAD, 12);
    assert_false(loaded(&f, 11, FOLLOW_BAD, "late", 12));
    assert_int_equal(f.rejected, 0);
}

static void a_falling_generation_is_not_obeyed(void **state)
{
    (void)state;
    struct follow f = running();
    follow_pointer(&f, &two, 10);
    loaded(&f, 11, FOLLOW_LOADED, NULL, 10);
    assert_int_equal(follow_pointer(&f, &one, 20), FOLLOW_FELL);
    assert_int_equal(f.alarm, FOLLOW_FELL);
    expect(&f, 20, FOLLOW_WAIT, 0);
    assert_int_equal(f.running, 11);
    /* a pointer that vanished fell to nothing */
    assert_int_equal(follow_pointer(&f, &none, 30), FOLLOW_FELL);
    assert_false(f.missing);
    /* and the alarm ends when the generation is there again */
    assert_int_equal(follow_pointer(&f, &two, 40), FOLLOW_SAME);
    assert_int_equal(f.alarm, FOLLOW_SAME);
}

static void a_generation_given_to_two_releases_is_not_obeyed(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer twice = {.generation = 1, .release = 12, .cluster_id = 7};
    follow_pointer(&f, &none, 10);
    assert_int_equal(follow_pointer(&f, &twice, 20), FOLLOW_FELL);
    assert_int_equal(f.alarm, FOLLOW_FELL);
    expect(&f, 20, FOLLOW_WAIT, 0);
    /* a higher generation is: the etcd that forgot has caught up */
    assert_int_equal(follow_pointer(&f, &two, 30), FOLLOW_NEW);
    expect(&f, 30, FOLLOW_LOAD, 11);
}

static void another_cluster_is_not_obeyed(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer other = {.generation = 99, .release = 50, .cluster_id = 8};
    assert_int_equal(follow_pointer(&f, &other, 10), FOLLOW_CLUSTER);
    expect(&f, 10, FOLLOW_WAIT, 0);
    assert_int_equal(f.running, 10);
}

static void a_generation_given_out_twice_to_one_number_is_not_obeyed(void **state)
{
    (void)state;
    struct follow f;
    struct follow_pointer first = one, second = one;
    first.move_id = 5;
    second.move_id = 6;
    follow_init(&f, 0, 1);
    follow_pointer(&f, &first, 0);
    loaded(&f, 10, FOLLOW_LOADED, NULL, 5);
    assert_int_equal(follow_pointer(&f, &second, 10), FOLLOW_FELL);
    expect(&f, 10, FOLLOW_WAIT, 0);
    assert_int_equal(follow_pointer(&f, &first, 20), FOLLOW_SAME);
}

static void another_cluster_is_obeyed_when_its_pointer_says_that_it_goes_on_with_the_old_one(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer other = {.generation = 2, .release = 50, .cluster_id = 8, .former = {9, 6}};
    assert_int_equal(follow_pointer(&f, &other, 10), FOLLOW_CLUSTER);
    other.former[1] = 7;
    other.generation = 1; /* which this router has seen: the word was for others */
    assert_int_equal(follow_pointer(&f, &other, 20), FOLLOW_FELL);
    other.generation = 2;
    assert_int_equal(follow_pointer(&f, &other, 30), FOLLOW_NEW);
    assert_int_equal(f.alarm, FOLLOW_SAME);
    expect(&f, 30, FOLLOW_LOAD, 50);
    assert_true(loaded(&f, 50, FOLLOW_LOADED, NULL, 40));
    /* from now on the new one is the one that is known */
    struct follow_pointer late = {.generation = 3, .release = 11, .cluster_id = 7};
    assert_int_equal(follow_pointer(&f, &late, 50), FOLLOW_CLUSTER);
}

static void a_number_that_runs_is_looked_at_before_it_is_believed(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer again = {.generation = 4, .release = 10, .cluster_id = 7};
    assert_int_equal(follow_pointer(&f, &again, 10), FOLLOW_NEW);
    expect(&f, 10, FOLLOW_MOVE, 10);
    /* etcd is away: later */
    assert_false(follow_moved(&f, 4, FOLLOW_LOOKED_AWAY, 10));
    int64_t later_ms = follow_next(&f, 10).until_ms;
    assert_in_range(later_ms, 11, 10 + FOLLOW_RETRY_MAX_MS);
    expect(&f, later_ms, FOLLOW_MOVE, 10);
    /* it is another one: loaded like any */
    assert_false(follow_moved(&f, 4, FOLLOW_LOOKED_OTHER, later_ms));
    expect(&f, later_ms, FOLLOW_LOAD, 10);
    assert_false(loaded(&f, 10, FOLLOW_BAD, "no", later_ms));
    assert_int_equal(f.rejected, 10);
    expect(&f, later_ms, FOLLOW_WAIT, 0);
    /* until the pointer moves, to the same number or elsewhere */
    struct follow_pointer next = {.generation = 5, .release = 10, .cluster_id = 7};
    assert_int_equal(follow_pointer(&f, &next, later_ms), FOLLOW_NEW);
    assert_int_equal(f.rejected, 0);
    expect(&f, later_ms, FOLLOW_MOVE, 10);
    assert_false(follow_moved(&f, 5, FOLLOW_LOOKED_OTHER, later_ms));
    expect(&f, later_ms, FOLLOW_LOAD, 10);
    assert_false(loaded(&f, 10, FOLLOW_UNAVAILABLE, "no answer", later_ms));
    next.generation = 6;
    assert_int_equal(follow_pointer(&f, &next, later_ms), FOLLOW_NEW);
    expect(&f, later_ms, FOLLOW_MOVE, 10);
    next = (struct follow_pointer){.generation = 7, .release = 11, .cluster_id = 7};
    assert_int_equal(follow_pointer(&f, &next, later_ms), FOLLOW_NEW);
    expect(&f, later_ms, FOLLOW_LOAD, 11);
    assert_true(loaded(&f, 11, FOLLOW_LOADED, NULL, later_ms));
    expect(&f, later_ms, FOLLOW_WAIT, 0);
}

static void a_refused_release_is_tried_again_when_the_pointer_names_it_anew(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer again = two;
    follow_pointer(&f, &two, 10);
    assert_false(loaded(&f, 11, FOLLOW_BAD, "no", 10));
    expect(&f, 20, FOLLOW_WAIT, 0);
    again.generation = 3;
    assert_int_equal(follow_pointer(&f, &again, 20), FOLLOW_NEW);
    assert_int_equal(f.rejected, 0);
    expect(&f, 20, FOLLOW_LOAD, 11);
}

static void what_runs_stays_and_is_not_refused_when_etcd_cannot_read_it(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer again = {.generation = 4, .release = 10, .cluster_id = 7};
    follow_pointer(&f, &again, 10);
    expect(&f, 10, FOLLOW_MOVE, 10);
    assert_false(follow_moved(&f, 4, FOLLOW_LOOKED_UNREADABLE, 10));
    assert_true(f.unreadable);
    assert_false(f.other);
    assert_int_equal(f.rejected, 0);
    assert_int_equal(f.running_generation, 1);
    /* somebody may repair it */
    expect(&f, 9 + FOLLOW_REJECTED_MS, FOLLOW_WAIT, 0);
    expect(&f, 10 + FOLLOW_REJECTED_MS, FOLLOW_MOVE, 10);
    /* or move the pointer */
    again.generation = 5;
    follow_pointer(&f, &again, 20);
    assert_false(f.unreadable);
    expect(&f, 20, FOLLOW_MOVE, 10);
    assert_true(follow_moved(&f, 5, FOLLOW_LOOKED_SAME, 20));
    expect(&f, 20, FOLLOW_WAIT, 0);
}

static void a_load_of_a_number_that_the_pointer_named_anew_meanwhile_is_looked_at(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer again = two;
    follow_pointer(&f, &two, 10);
    expect(&f, 10, FOLLOW_LOAD, 11);
    again.generation = 3;
    follow_pointer(&f, &again, 11);
    /* a failure says nothing of what is wanted now */
    assert_false(follow_loaded(&f, 11, 2, FOLLOW_BAD, "late", 12));
    assert_int_equal(f.rejected, 0);
    expect(&f, 12, FOLLOW_LOAD, 11);
    assert_true(follow_loaded(&f, 11, 2, FOLLOW_LOADED, NULL, 13));
    assert_int_equal(f.running_generation, 2);
    expect(&f, 13, FOLLOW_MOVE, 11);
    assert_true(follow_moved(&f, 3, FOLLOW_LOOKED_SAME, 14));
    expect(&f, 14, FOLLOW_WAIT, 0);
}

static void the_copy_remembers_which_move_it_was(void **state)
{
    (void)state;
    struct follow f;
    struct follow_pointer first = one, second = one;
    first.move_id = 5;
    second.move_id = 6;
    follow_init(&f, 0, 1);
    follow_has_copy(&f, &first);
    assert_int_equal(follow_pointer(&f, &second, 10), FOLLOW_FELL);
    expect(&f, 10, FOLLOW_COPY, 10);
}

static void a_look_that_the_pointer_overtook_says_nothing(void **state)
{
    (void)state;
    struct follow f = running();
    struct follow_pointer again = {.generation = 4, .release = 10, .cluster_id = 7};
    follow_pointer(&f, &again, 10);
    expect(&f, 10, FOLLOW_MOVE, 10);
    again.generation = 5;
    follow_pointer(&f, &again, 11);
    assert_false(follow_moved(&f, 4, FOLLOW_LOOKED_SAME, 12));
    expect(&f, 12, FOLLOW_MOVE, 10);
    assert_true(follow_moved(&f, 5, FOLLOW_LOOKED_SAME, 13));
    assert_int_equal(f.running_generation, 5);
    expect(&f, 13, FOLLOW_WAIT, 0);
}

static void without_etcd_a_start_takes_the_last_good_copy(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 1000, 1);
    follow_has_copy(&f, &one);
    struct follow_action a = follow_next(&f, 1000);
    assert_int_equal(a.what, FOLLOW_WAIT);
    assert_int_equal(a.until_ms, 1000 + FOLLOW_GRACE_MS);
    expect(&f, 1000 + FOLLOW_GRACE_MS, FOLLOW_COPY, 10);
    follow_copied(&f, true);
    assert_int_equal(f.running, 10);
    assert_true(f.from_copy);
    assert_int_equal(follow_next(&f, 99999).until_ms, INT64_MAX);
    /* etcd is back and says the same */
    assert_int_equal(follow_pointer(&f, &one, 100000), FOLLOW_NEW);
    expect(&f, 100000, FOLLOW_MOVE, 10);
    assert_true(follow_moved(&f, 1, FOLLOW_LOOKED_SAME, 100000));
    assert_false(f.from_copy);
    /* or something newer */
    assert_int_equal(follow_pointer(&f, &two, 100001), FOLLOW_NEW);
    expect(&f, 100001, FOLLOW_LOAD, 11);
}

static void with_etcd_a_start_takes_the_pointer_and_not_the_copy(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 0, 1);
    follow_has_copy(&f, &one);
    assert_int_equal(follow_pointer(&f, &two, 10), FOLLOW_NEW);
    expect(&f, 10, FOLLOW_LOAD, 11);
}

static void a_start_on_a_bad_release_keeps_running_the_copy(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 0, 1);
    follow_has_copy(&f, &one);
    follow_pointer(&f, &two, 10);
    assert_false(loaded(&f, 11, FOLLOW_BAD, "no", 20));
    expect(&f, 20, FOLLOW_COPY, 10);
    follow_copied(&f, true);
    assert_int_equal(f.running, 10);
    assert_int_equal(f.rejected, 11);
    expect(&f, 30, FOLLOW_WAIT, 0);
}

static void a_start_without_a_copy_on_a_bad_release_runs_nothing(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 0, 1);
    follow_pointer(&f, &one, 0);
    assert_false(loaded(&f, 10, FOLLOW_BAD, "no", 20));
    assert_int_equal(f.running, 0);
    assert_int_equal(follow_next(&f, 1000000).until_ms, INT64_MAX);
}

static void the_copy_remembers_the_generation(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 0, 1);
    follow_has_copy(&f, &two);
    assert_int_equal(follow_pointer(&f, &one, 10), FOLLOW_FELL);
    expect(&f, 10, FOLLOW_COPY, 11);
    follow_copied(&f, true);
    assert_int_equal(f.running, 11);
    assert_int_equal(f.alarm, FOLLOW_FELL);
}

static void a_copy_of_no_use_is_not_tried_twice(void **state)
{
    (void)state;
    struct follow f;
    follow_init(&f, 0, 1);
    follow_has_copy(&f, &one);
    expect(&f, FOLLOW_GRACE_MS, FOLLOW_COPY, 10);
    follow_copied(&f, false);
    expect(&f, FOLLOW_GRACE_MS, FOLLOW_WAIT, 0);
    assert_int_equal(f.running, 0);
    follow_pointer(&f, &one, FOLLOW_GRACE_MS);
    expect(&f, FOLLOW_GRACE_MS, FOLLOW_LOAD, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_pointer_it_waits_and_says_so),
        cmocka_unit_test(the_pointers_release_is_loaded_and_run),
        cmocka_unit_test(a_repeated_pointer_changes_nothing),
        cmocka_unit_test(a_bad_release_keeps_the_old_one),
        cmocka_unit_test(a_corrupt_release_keeps_the_old_one_and_is_tried_again),
        cmocka_unit_test(an_absent_etcd_is_tried_again_later_and_later),
        cmocka_unit_test(a_load_that_the_pointer_overtook_is_dropped),
        cmocka_unit_test(a_falling_generation_is_not_obeyed),
        cmocka_unit_test(a_generation_given_to_two_releases_is_not_obeyed),
        cmocka_unit_test(another_cluster_is_not_obeyed),
        cmocka_unit_test(a_generation_given_out_twice_to_one_number_is_not_obeyed),
        cmocka_unit_test(another_cluster_is_obeyed_when_its_pointer_says_that_it_goes_on_with_the_old_one),
        cmocka_unit_test(a_number_that_runs_is_looked_at_before_it_is_believed),
        cmocka_unit_test(a_refused_release_is_tried_again_when_the_pointer_names_it_anew),
        cmocka_unit_test(what_runs_stays_and_is_not_refused_when_etcd_cannot_read_it),
        cmocka_unit_test(a_load_of_a_number_that_the_pointer_named_anew_meanwhile_is_looked_at),
        cmocka_unit_test(the_copy_remembers_which_move_it_was),
        cmocka_unit_test(a_look_that_the_pointer_overtook_says_nothing),
        cmocka_unit_test(without_etcd_a_start_takes_the_last_good_copy),
        cmocka_unit_test(with_etcd_a_start_takes_the_pointer_and_not_the_copy),
        cmocka_unit_test(a_start_on_a_bad_release_keeps_running_the_copy),
        cmocka_unit_test(a_start_without_a_copy_on_a_bad_release_runs_nothing),
        cmocka_unit_test(the_copy_remembers_the_generation),
        cmocka_unit_test(a_copy_of_no_use_is_not_tried_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
