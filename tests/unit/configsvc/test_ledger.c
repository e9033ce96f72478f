/* What should come out and what did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "configsvc/cli/dev/ledger.h"

static uint64_t hash(const char *topic, const char *key, const char *value)
{
    return ledger_hash(vx_span_str(topic), vx_span_str(key), vx_span_str(value));
}

static void none_and_empty_are_different_records(void **state)
{
    (void)state;
    assert_int_not_equal(hash("t", NULL, "v"), hash("t", "", "v"));
    assert_int_not_equal(hash("t", "k", NULL), hash("t", "k", ""));
    assert_int_not_equal(hash("t", "a", "b"), hash("t", "b", "a"));
    assert_int_not_equal(hash("t", "k", "v"), hash("u", "k", "v"));
    assert_int_equal(hash("t", "k", "v"), hash("t", "k", "v"));
}

static void order_of_expecting_and_seeing_does_not_matter(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct ledger l = {0};
        struct ledger_sum sum;
        if (first)
            ledger_see(&l, hash("t", "k", "v"));
        ledger_expect(&l, 0, VX_SPAN_LITERAL("t"), false, hash("t", "k", "v"));
        assert_int_equal(l.missing, !first);
        if (!first)
            ledger_see(&l, hash("t", "k", "v"));
        assert_int_equal(l.missing, 0);
        ledger_sum(&l, &sum);
        assert_int_equal(sum.arrived, 1);
        assert_int_equal(sum.lost + sum.doubled + sum.unexpected, 0);
        ledger_done(&l);
    }
}

static void lost_doubled_and_unexpected_are_told_apart(void **state)
{
    (void)state;
    struct ledger l = {0};
    struct ledger_sum sum;
    /* twice the same record, once seen; one seen three times; one never expected */
    ledger_expect(&l, 1, VX_SPAN_LITERAL("t"), false, hash("t", "k", "same"));
    ledger_expect(&l, 1, VX_SPAN_LITERAL("t"), false, hash("t", "k", "same"));
    ledger_expect(&l, 2, VX_SPAN_LITERAL("u"), true, hash("u", "k", "thrice"));
    ledger_see(&l, hash("t", "k", "same"));
    for (int i = 0; i < 3; i++)
        ledger_see(&l, hash("u", "k", "thrice"));
    ledger_see(&l, hash("u", "k", "stranger"));
    assert_int_equal(l.missing, 1);
    ledger_sum(&l, &sum);
    assert_int_equal(sum.expected, 3);
    assert_int_equal(sum.arrived, 2);
    assert_int_equal(sum.lost, 1);
    assert_int_equal(sum.doubled, 2);
    assert_int_equal(sum.unexpected, 1);
    assert_int_equal(l.line_count, 2);
    assert_int_equal(l.lines[0].expected, 2);
    assert_int_equal(l.lines[0].seen, 1);
    assert_int_equal(l.lines[1].seen, 1);
    assert_true(l.lines[1].dead_letter);
    ledger_done(&l);
}

static void it_grows(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct ledger l = {0};
    struct ledger_sum sum;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t h = ledger_hash(VX_SPAN_LITERAL("t"), vx_span((const char *)&i, sizeof i), vx_span(NULL, 0));
        ledger_expect(&l, i % 7, VX_SPAN_LITERAL("t"), false, h);
        if (i % 2)
            ledger_see(&l, h);
    }
    assert_int_equal(l.missing, COUNT / 2);
    ledger_sum(&l, &sum);
    assert_int_equal(sum.lost, COUNT / 2);
    assert_int_equal(l.line_count, 7);
    ledger_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_and_empty_are_different_records),
        cmocka_unit_test(order_of_expecting_and_seeing_does_not_matter),
        cmocka_unit_test(lost_doubled_and_unexpected_are_told_apart),
        cmocka_unit_test(it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
