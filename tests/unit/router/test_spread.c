/* The spread: a new partition goes where there are fewest; moves end, and never lead to or from a worker that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/io/spread.h"

enum { WORKERS = 4 };

static void a_new_partition_goes_to_the_worker_that_moves_and_has_fewest(void **state)
{
    static const struct {
        struct spread_worker at[WORKERS];
        size_t count, expected;
    } cases[] = {
        {{{0, true}}, 1, 0},
        {{{0, true}, {0, true}}, 2, 0},
        {{{1, true}, {0, true}}, 2, 1},
        {{{2, true}, {1, true}, {1, true}}, 3, 1},
        {{{0, false}, {5, true}, {6, true}}, 3, 1},   /* one that hangs is given none */
        {{{3, false}, {2, false}, {2, false}}, 3, 1}, /* unless all do */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(spread_least(cases[i].at, cases[i].count), cases[i].expected);
}

static void it_is_uneven_when_two_workers_that_move_differ_by_two(void **state)
{
    enum { EVEN = 99 };
    static const struct {
        struct spread_worker at[WORKERS];
        size_t count, from, to;
    } cases[] = {
        {{{9, true}}, 1, EVEN, EVEN},
        {{{0, true}, {0, true}}, 2, EVEN, EVEN},
        {{{1, true}, {0, true}}, 2, EVEN, EVEN},
        {{{2, true}, {0, true}}, 2, 0, 1},
        {{{0, true}, {3, true}}, 2, 1, 0},
        {{{2, true}, {4, true}, {1, true}, {3, true}}, 4, 1, 2},
        {{{2, true}, {9, false}, {1, true}}, 3, EVEN, EVEN}, /* nothing is had from one that hangs */
        {{{2, true}, {0, false}, {1, true}}, 3, EVEN, EVEN}, /* and nothing given to it */
        {{{9, false}, {3, true}, {0, false}, {1, true}}, 4, 1, 3},
        {{{9, false}, {0, false}}, 2, EVEN, EVEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t from = EVEN, to = EVEN;
        assert_int_equal(spread_is_uneven(cases[i].at, cases[i].count, &from, &to), cases[i].from != EVEN);
        assert_int_equal(from, cases[i].from);
        assert_int_equal(to, cases[i].to);
    }
}

/* Each move takes one from the most: so many are made as the fewest lack, and then none. */
static void moves_come_to_an_end_and_leave_it_even(void **state)
{
    static const struct {
        struct spread_worker at[WORKERS];
        size_t moves;
    } cases[] = {
        {{{12, true}, {0, true}, {0, true}, {0, true}}, 9}, {{{5, true}, {5, true}, {5, true}, {0, true}}, 3},
        {{{7, true}, {0, true}, {7, true}, {0, true}}, 6},  {{{3, true}, {4, true}, {3, true}, {4, true}}, 0},
        {{{8, true}, {8, false}, {0, true}, {1, true}}, 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct spread_worker at[WORKERS];
        size_t moves = 0, from = 0, to = 0;
        for (size_t k = 0; k < WORKERS; k++)
            at[k] = cases[i].at[k];
        for (; spread_is_uneven(at, WORKERS, &from, &to); moves++) {
            assert_true(moves < 20);
            at[from].load--;
            at[to].load++;
        }
        assert_int_equal(moves, cases[i].moves);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_partition_goes_to_the_worker_that_moves_and_has_fewest),
        cmocka_unit_test(it_is_uneven_when_two_workers_that_move_differ_by_two),
        cmocka_unit_test(moves_come_to_an_end_and_leave_it_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
