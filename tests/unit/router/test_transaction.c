/* The ledger of a transaction: when it is due, what dooms it, and what becomes of its records at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/io/ledger.h"
#include "router/io/transaction.h"

enum { DONE_LANE = 1, OTHER_LANE = 2, TOLD_MAX = 8 };

struct told {
    uint64_t tickets[TOLD_MAX];
    enum lane_ack acks[TOLD_MAX];
    size_t count;
};

static bool is_done(void *ctx, uint32_t lane_id)
{
    (void)ctx;
    return lane_id == DONE_LANE;
}

static void tell(void *ctx, const struct transaction_report *report, enum lane_ack ack)
{
    struct told *told = ctx;
    told->tickets[told->count] = report->ticket;
    told->acks[told->count++] = ack;
}

static const struct transaction_ops ops = {.is_done = is_done, .tell = tell};

static uint64_t ticket(uint32_t lane, uint64_t n)
{
    return (uint64_t)lane << WINDOW_TICKET_BITS | n << WINDOW_RECORD_BITS;
}

static void report(struct transaction *t, uint32_t lane, uint64_t n, enum lane_ack ack, const char *why)
{
    transaction_report(t, &(struct transaction_report){.ticket = ticket(lane, n), .ack = ack, .why = why});
}

static void the_first_record_opens_it_and_time_or_size_end_it(void **state)
{
    (void)state;
    struct transaction t = {.state = TRANSACTION_READY};
    assert_false(transaction_due(&t, 1000, 100));
    transaction_sent(&t, 1000);
    assert_int_equal(t.state, TRANSACTION_OPEN);
    assert_false(transaction_due(&t, 1099, 100));
    assert_true(transaction_due(&t, 1100, 100));
    for (int i = 1; i < TRANSACTION_RECORDS_MAX; i++) {
        assert_false(transaction_due(&t, 1001, 100));
        transaction_sent(&t, 1001);
    }
    assert_true(transaction_due(&t, 1001, 100));
    transaction_done(&t);
}

static void the_end_tells_every_record_its_fate(void **state)
{
    (void)state;
    static const struct {
        uint32_t lane;
        enum lane_ack came, told;
    } rows[] = {
        {DONE_LANE, LANE_ACK_OK, LANE_ACK_OK},           {OTHER_LANE, LANE_ACK_OK, LANE_ACK_AGAIN},
        {DONE_LANE, LANE_ACK_REFUSED, LANE_ACK_REFUSED}, {OTHER_LANE, LANE_ACK_DESTINATION, LANE_ACK_DESTINATION},
        {OTHER_LANE, LANE_ACK_AGAIN, LANE_ACK_AGAIN},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct transaction t = {.state = TRANSACTION_READY};
    struct told told = {.count = 0};
    for (size_t i = 0; i < ROWS; i++) {
        transaction_sent(&t, 1);
        report(&t, rows[i].lane, i, rows[i].came, rows[i].came == LANE_ACK_OK ? NULL : "no");
    }
    t.state = TRANSACTION_ENDING;
    transaction_settle(&t, &ops, &told);
    assert_int_equal(told.count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(told.tickets[i], ticket(rows[i].lane, i));
        assert_int_equal(told.acks[i], rows[i].told);
    }
    assert_int_equal(t.state, TRANSACTION_READY);
    assert_false(t.doomed);
    assert_int_equal(t.sent, 0);
    transaction_done(&t);
}

static void a_record_that_failed_dooms_it_for_the_first_reason(void **state)
{
    (void)state;
    struct transaction t = {.state = TRANSACTION_READY};
    transaction_sent(&t, 1);
    report(&t, DONE_LANE, 0, LANE_ACK_OK, NULL);
    assert_false(t.doomed);
    report(&t, DONE_LANE, 1, LANE_ACK_REFUSED, "too large");
    report(&t, DONE_LANE, 2, LANE_ACK_AGAIN, "purged");
    assert_true(t.doomed);
    assert_string_equal(t.reason, "too large");
    transaction_done(&t);
}

static void a_partition_goes_to_transactions_when_its_last_commit_is_on_record(void **state)
{
    (void)state;
    struct course course;
    struct ledger g;
    struct ledger_commit commit;
    course_init(&course, 10);
    ledger_init(&g, &course, 10, false, -1);
    g.committable = 20;
    assert_false(ledger_set_exact(&g, true)); /* 20 is not committed */
    assert_true(ledger_offer(&g, &commit));
    assert_int_equal(commit.offset, 20);
    g.committed = 20;
    assert_false(ledger_set_exact(&g, true)); /* it is on its way: it could come behind a transaction's */
    ledger_accept(&g, 20);
    assert_true(ledger_set_exact(&g, true));
    g.committable = 30;
    assert_false(ledger_offer(&g, &commit)); /* the plain path commits nothing of it */
    ledger_commit_exact(&g, 30);
    assert_true(ledger_set_exact(&g, false));
    assert_int_equal(g.committed, 30);
    g.committable = 40;
    assert_true(ledger_offer(&g, &commit));
}

static void a_partition_of_which_nothing_was_committed_changes_at_once(void **state)
{
    (void)state;
    struct course course;
    struct ledger g;
    course_init(&course, -1);
    ledger_init(&g, &course, -2, false, -1);
    assert_true(ledger_set_exact(&g, true));
    assert_true(ledger_set_exact(&g, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_record_opens_it_and_time_or_size_end_it),
        cmocka_unit_test(the_end_tells_every_record_its_fate),
        cmocka_unit_test(a_record_that_failed_dooms_it_for_the_first_reason),
        cmocka_unit_test(a_partition_goes_to_transactions_when_its_last_commit_is_on_record),
        cmocka_unit_test(a_partition_of_which_nothing_was_committed_changes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
