/* The share: all together have a bound, one that has much to do gets what the others leave, and everybody gets something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/io/share.h"

static void a_partition_gets_what_the_others_leave_and_some_in_any_case(void **state)
{
    static const struct {
        struct share share;
        size_t count, event_bytes, expected;
    } cases[] = {
        {{0, 0}, 0, 1000, SIZE_MAX},
        {{1, 9000}, 9000, 1000, SIZE_MAX},
        {{2, 5001}, 5000, 1000, 6999},                     /* the other one has next to nothing */
        {{120, 219}, 100, 1000, 11781},                    /* nor have these */
        {{12, 12000}, 1000, 1000, 0},                      /* all have their part */
        {{12, 12000}, 100, 1000, 400},                     /* it comes late */
        {{12, 20000}, 0, 1000, 500},                       /* and more than there should be is on its way */
        {{200, 20000}, 40, 1000, 60},                      /* very many */
        {{2, 100}, 0, 1024 * 1024, SHARE_LEAST_EVENTS},    /* large ones: 16 of them fit */
        {{12, 0}, 0, (size_t)1 << 40, SHARE_LEAST_EVENTS}, /* none of them does: the window's bytes are another bound */
        {{12, 3000}, 0, 4096, 1096},                       /* 4096 of them do */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(share_room(&cases[i].share, cases[i].count, cases[i].event_bytes), cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_gets_what_the_others_leave_and_some_in_any_case),
    };
    return cmocka_run_group_tests_name("router_share", tests, NULL, NULL);
}
