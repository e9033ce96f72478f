/* Destinations as brokers describe them: when one is another incarnation, what a producer then forgets of its partitions,
 * and when a transaction has records for what is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "router/io/opening.h"
#include "router/io/targets.h"

static const struct destination_answer nobody = {.state = DESTINATION_UNKNOWN};
static const struct destination_answer missing = {.state = DESTINATION_MISSING};
static const struct destination_answer forbidden = {.state = DESTINATION_FORBIDDEN};
static const struct destination_answer six = {.state = DESTINATION_THERE, .partition_count = 6};
static const struct destination_answer six_a = {.state = DESTINATION_THERE, .partition_count = 6, .id = {1, 1}};
static const struct destination_answer six_b = {.state = DESTINATION_THERE, .partition_count = 6, .id = {1, 2}};
static const struct destination_answer eight_a = {.state = DESTINATION_THERE, .partition_count = 8, .id = {1, 1}};
static const struct destination_answer two_b = {.state = DESTINATION_THERE, .partition_count = 2, .id = {1, 2}};
static const struct destination_answer six_anew = {.state = DESTINATION_THERE, .partition_count = 6, .gone = true};

static void it_is_another_one_when_it_was_gone_or_has_fewer_partitions_or_another_id(void **state)
{
    const struct {
        const struct destination_answer *first, *second;
        unsigned incarnations;
        bool changed; /* by the second answer */
    } cases[] = {
        {&six, &six, 0, false},         {&six, &nobody, 0, false},  {&six, &forbidden, 0, true},
        {&six, &missing, 1, true},      {&six, &six_anew, 1, true}, {&six, &six_a, 0, false},
        {&six_a, &six, 0, false},       {&six_a, &six_a, 0, false}, {&six_a, &eight_a, 0, false},
        {&six_a, &six_b, 1, true},      {&six_a, &two_b, 1, true},  {&eight_a, &six_a, 1, true},
        {&missing, &missing, 0, false}, {&missing, &six, 0, true},  {&forbidden, &six, 0, true},
        {&nobody, &missing, 0, true},   {&nobody, &six_a, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct destination e = {.name = "archive"};
        (void)!destination_take(&e, cases[i].first);
        assert_int_equal(atomic_load(&e.incarnation), 0);
        assert_int_equal(destination_take(&e, cases[i].second), cases[i].changed);
        assert_int_equal(atomic_load(&e.incarnation), cases[i].incarnations);
    }
}

static void one_that_was_gone_counts_once(void **state)
{
    struct destination e = {.name = "archive"};
    (void)state;
    const struct destination_answer *answers[] = {&six_a, &missing, &nobody, &missing, &two_b, &two_b};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        (void)destination_take(&e, answers[i]);
    assert_int_equal(atomic_load(&e.incarnation), 2); /* that it has fewer partitions is told, too */
    assert_int_equal(atomic_load(&e.partition_count), 2);
}

static void a_producer_that_hears_of_fewer_partitions_makes_it_another_one(void **state)
{
    struct destination e = {.name = "archive"};
    (void)state;
    (void)destination_take(&e, &six);
    destination_resize(&e, 11);
    assert_int_equal(atomic_load(&e.incarnation), 0);
    destination_resize(&e, 2);
    assert_int_equal(atomic_load(&e.incarnation), 1);
    assert_int_equal(atomic_load(&e.partition_count), 2);
}

/* --- openings ---------------------------------------------------------------------------------------------------- */

static void the_first_record_to_a_partition_goes_alone(void **state)
{
    struct opening o = {0};
    (void)state;
    assert_true(opening_may(&o, 0, 3));
    opening_sent(&o, 0, 3);
    assert_true(opening_is_first(&o, 3));
    assert_false(opening_may(&o, 0, 3));
    assert_true(opening_may(&o, 0, 2));
    opening_back(&o, 3, false);
    assert_true(opening_may(&o, 0, 3)); /* it failed: the next one is the first */
    opening_sent(&o, 0, 3);
    assert_false(opening_may(&o, 0, 3));
    opening_back(&o, 3, true);
    for (int i = 0; i < 3; i++) {
        assert_true(opening_may(&o, 0, 3));
        opening_sent(&o, 0, 3);
    }
    assert_false(opening_is_first(&o, 3));
    opening_back(&o, 3, false); /* one of a producer that the broker knows */
    assert_true(opening_may(&o, 0, 3));
    opening_done(&o);
}

static void a_topic_made_again_while_nothing_is_on_its_way_is_opened_again(void **state)
{
    struct opening o = {0};
    (void)state;
    for (int32_t partition = 0; partition < 6; partition++) {
        opening_sent(&o, 0, partition);
        opening_back(&o, partition, true);
    }
    assert_true(opening_may(&o, 1, 1));
    opening_sent(&o, 1, 1);
    assert_true(opening_is_first(&o, 1));
    assert_false(opening_may(&o, 1, 1));
    assert_true(opening_may(&o, 1, 0));
    opening_sent(&o, 1, 0);
    assert_true(opening_is_first(&o, 0)); /* known to the one before only */
    opening_back(&o, 1, true);
    opening_back(&o, 0, true);
    assert_true(opening_may(&o, 1, 0));
    opening_done(&o);
}

static void what_is_on_its_way_to_the_one_before_comes_back_first(void **state)
{
    struct opening o = {0};
    (void)state;
    opening_sent(&o, 0, 1);
    opening_back(&o, 1, true);
    opening_sent(&o, 0, 1);
    opening_sent(&o, 0, 1);
    assert_true(opening_may(&o, 0, 1));
    assert_false(opening_may(&o, 1, 1));
    assert_false(opening_may(&o, 1, 0));
    opening_back(&o, 1, true); /* the old one's: it opens nothing */
    assert_false(opening_may(&o, 1, 1));
    opening_back(&o, 1, false);
    assert_true(opening_may(&o, 1, 1));
    opening_sent(&o, 1, 1);
    assert_true(opening_is_first(&o, 1));
    opening_back(&o, -1, false); /* one whose partition is not known any more */
    assert_int_equal(o.outstanding, 0);
    opening_done(&o);
}

/* --- targets ----------------------------------------------------------------------------------------------------- */

static void a_transaction_notices_that_a_destination_of_its_records_is_gone(void **state)
{
    const struct {
        int32_t partition;
        const struct destination_answer *then;
        bool gone;
    } cases[] = {
        {5, &six_a, false}, {5, &eight_a, false}, {5, &nobody, false}, {5, &forbidden, false},
        {5, &two_b, true},  {1, &two_b, true},    {0, &six_b, true},   {0, &missing, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct destination e = {.name = "archive"}, other = {.name = "other"};
        struct targets targets = {0};
        struct target to_it = {0}, to_other = {0};
        (void)destination_take(&e, &six_a);
        (void)destination_take(&other, &six_a);
        targets_add(&targets, &to_it, &e, 0);
        targets_add(&targets, &to_other, &other, 5);
        targets_add(&targets, &to_it, &e, cases[i].partition);
        targets_add(&targets, &to_it, &e, 0);
        assert_null(targets_gone(&targets));
        (void)destination_take(&e, cases[i].then);
        assert_ptr_equal(targets_gone(&targets), cases[i].gone ? &e : NULL);
        targets_clear(&targets);
        assert_null(targets_gone(&targets));
        targets_add(&targets, &to_other, &other, 5);
        assert_null(targets_gone(&targets));
    }
}

/* The registry's answer may come between the choice of a partition and the record's sending. */
static void a_partition_that_was_chosen_before_there_were_fewer_is_noticed_too(void **state)
{
    struct destination e = {.name = "archive"};
    struct targets targets = {0};
    struct target target = {0};
    (void)state;
    (void)destination_take(&e, &two_b);
    targets_add(&targets, &target, &e, 5);
    assert_ptr_equal(targets_gone(&targets), &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_another_one_when_it_was_gone_or_has_fewer_partitions_or_another_id),
        cmocka_unit_test(one_that_was_gone_counts_once),
        cmocka_unit_test(a_producer_that_hears_of_fewer_partitions_makes_it_another_one),
        cmocka_unit_test(the_first_record_to_a_partition_goes_alone),
        cmocka_unit_test(a_topic_made_again_while_nothing_is_on_its_way_is_opened_again),
        cmocka_unit_test(what_is_on_its_way_to_the_one_before_comes_back_first),
        cmocka_unit_test(a_transaction_notices_that_a_destination_of_its_records_is_gone),
        cmocka_unit_test(a_partition_that_was_chosen_before_there_were_fewer_is_noticed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
