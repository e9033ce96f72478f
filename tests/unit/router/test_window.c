/* The offset window: single rules, and a property test against a model that is too simple to be wrong (a list of
 * events, each with a count of what is missing). The seed is fixed; VELTRIX_SEED and VELTRIX_RUNS change it for longer
 * runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "router/io/window.h"

static int live; /* messages that are not freed */

static void *make(int64_t offset)
{
    int64_t *message = malloc(sizeof *message);
    *message = offset;
    live++;
    return message;
}

static void drop(void *message)
{
    free(message);
    live--;
}

static void deliver(struct window *w, int64_t offset)
{
    window_push(w, make(offset), offset, 7, 100);
}

/* Sends the next event as `records` records and returns the ticket of the first; the others follow by one. */
static uint64_t send_next(struct window *w, uint32_t records)
{
    struct window_entry *e = window_next(w);
    assert_non_null(e);
    uint64_t first = window_ticket(w, 0);
    for (uint32_t i = 0; i < records; i++)
        window_sent(w, i);
    window_passed(w);
    return first;
}

static void begin(struct window *w)
{
    live = 0;
    window_init(w, 1000, 1 << 20, drop);
}

static void end(struct window *w)
{
    window_done(w);
    assert_int_equal(live, 0);
}

static void nothing_done_commits_nothing(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 5);
    send_next(&w, 1);
    assert_int_equal(w.committable, -1);
    end(&w);
}

static void a_hole_in_acks_holds_the_offset(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    uint64_t t[3];
    for (int i = 0; i < 3; i++)
        deliver(&w, 10 + i);
    for (int i = 0; i < 3; i++)
        t[i] = send_next(&w, 1);
    window_ack(&w, t[1], true);
    window_ack(&w, t[2], true);
    assert_int_equal(w.committable, -1);
    window_ack(&w, t[0], true);
    assert_int_equal(w.committable, 13);
    assert_int_equal(window_count(&w), 0);
    end(&w);
}

static void holes_in_offsets_do_not_count(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 10);
    deliver(&w, 500);
    uint64_t a = send_next(&w, 1), b = send_next(&w, 1);
    window_ack(&w, a, true);
    assert_int_equal(w.committable, 11);
    window_ack(&w, b, true);
    assert_int_equal(w.committable, 501);
    end(&w);
}

static void an_event_without_records_is_done_at_once(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 3);
    send_next(&w, 0);
    assert_int_equal(w.committable, 4);
    assert_int_equal(live, 0);
    assert_int_equal(w.leader_epoch, 7);
    end(&w);
}

static void a_record_that_comes_back_twice_counts_once(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 3);
    uint64_t t = send_next(&w, 2);
    assert_non_null(window_ack(&w, t, true));
    assert_null(window_ack(&w, t, true));
    assert_null(window_ack(&w, t, false));
    assert_int_equal(w.outstanding, 1);
    assert_int_equal(w.committable, -1);
    assert_non_null(window_ack(&w, t + 1, true));
    assert_int_equal(w.committable, 4);
    end(&w);
}

static void an_event_waits_for_all_its_records(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 3);
    uint64_t t = send_next(&w, 3);
    window_ack(&w, t + 2, true);
    window_ack(&w, t, true);
    assert_int_equal(w.committable, -1);
    assert_int_equal(live, 1);
    window_ack(&w, t + 1, true);
    assert_int_equal(w.committable, 4);
    assert_int_equal(live, 0);
    end(&w);
}

static void an_acknowledgement_before_the_attempt_ends_is_not_the_end(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 3);
    assert_non_null(window_next(&w));
    uint64_t t = window_ticket(&w, 0);
    window_sent(&w, 0);
    window_ack(&w, t, true);
    assert_int_equal(w.committable, -1);
    window_passed(&w);
    assert_int_equal(w.committable, 4);
    end(&w);
}

static void going_back_repeats_what_is_not_done_and_nothing_else(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    uint64_t t[3];
    for (int i = 0; i < 3; i++)
        deliver(&w, i);
    for (int i = 0; i < 3; i++)
        t[i] = send_next(&w, 1);
    window_ack(&w, t[1], true);
    window_ack(&w, t[0], false);
    window_ack(&w, t[2], false);
    assert_int_equal(w.committable, -1);
    window_back(&w);
    assert_int_equal(window_next(&w)->offset, 0);
    t[0] = send_next(&w, 1);
    assert_int_equal(window_next(&w)->offset, 2);
    t[2] = send_next(&w, 1);
    window_ack(&w, t[0], true);
    assert_int_equal(w.committable, 2);
    window_ack(&w, t[2], true);
    assert_int_equal(w.committable, 3);
    end(&w);
}

static void a_ticket_acknowledged_twice_counts_once(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 1);
    deliver(&w, 2);
    uint64_t a = send_next(&w, 1);
    send_next(&w, 1);
    assert_non_null(window_ack(&w, a, true));
    assert_null(window_ack(&w, a, true));
    assert_null(window_ack(&w, a + ((uint64_t)77 << WINDOW_RECORD_BITS), true));
    assert_int_equal(w.committable, 2);
    w.outstanding = 0;
    end(&w);
}

static void bounds_hold_in_events_and_bytes(void **state)
{
    (void)state;
    struct window w;
    live = 0;
    window_init(&w, 2, 250, drop);
    assert_int_equal(window_room(&w), 2);
    deliver(&w, 1);
    deliver(&w, 2);
    assert_int_equal(window_room(&w), 0);
    end(&w);

    window_init(&w, 100, 250, drop);
    deliver(&w, 1);
    deliver(&w, 2);
    assert_int_equal(window_room(&w), 98);
    deliver(&w, 3);
    assert_int_equal(window_room(&w), 0);
    end(&w);

    /* the smallest window takes one event of any size */
    window_init(&w, 1, 1, drop);
    assert_int_equal(window_room(&w), 1);
    window_push(&w, make(1), 1, -1, 1 << 30);
    assert_int_equal(window_room(&w), 0);
    send_next(&w, 0);
    assert_int_equal(window_room(&w), 1);
    end(&w);
}

/* --- the property test ------------------------------------------------------------------------------------------- */

enum { MODEL_MAX = 4000, WINDOW_MAX = 37, TICKETS_MAX = WINDOW_MAX * 5 };

struct model {
    int64_t offset[MODEL_MAX];
    int missing[MODEL_MAX]; /* records not acknowledged; -1: not attempted */
    bool done[MODEL_MAX];
    size_t delivered;
};

static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 11) % below);
}

static int64_t model_committable(const struct model *m)
{
    size_t i = 0;
    while (i < m->delivered && m->done[i])
        i++;
    return i ? m->offset[i - 1] + 1 : -1;
}

struct flight {
    uint64_t ticket;
    size_t event;
};

static void attempt_one(struct window *w, struct model *m, struct flight *flights, size_t *count)
{
    struct window_entry *e = window_next(w);
    size_t i = 0;
    while (i < m->delivered && (m->done[i] || m->missing[i] >= 0))
        i++;
    if (!e) {
        assert_true(i == m->delivered);
        return;
    }
    assert_int_equal(e->offset, m->offset[i]);
    assert_int_equal(*(int64_t *)e->message, m->offset[i]);
    int records = (int)rnd(5);
    m->missing[i] = records;
    for (int k = 0; k < records; k++) {
        flights[(*count)++] = (struct flight){window_ticket(w, (uint32_t)k), i};
        window_sent(w, (uint32_t)k);
    }
    window_passed(w);
    m->done[i] = records == 0;
}

/* One record at random comes back. Returns whether it failed. */
static bool land_one(struct window *w, struct model *m, struct flight *flights, size_t *count, bool may_fail)
{
    size_t k = rnd((uint32_t)*count);
    struct flight f = flights[k];
    flights[k] = flights[--*count];
    bool ok = !may_fail || rnd(20) != 0;
    assert_non_null(window_ack(w, f.ticket, ok));
    if (!ok)
        m->missing[f.event] += 1000; /* never done in this attempt */
    m->missing[f.event]--;
    m->done[f.event] |= m->missing[f.event] == 0;
    return !ok;
}

/* One assignment, from beginning to revocation. */
static void run_once(void)
{
    static struct model m;
    struct window w;
    struct flight flights[TICKETS_MAX];
    size_t count = 0;
    int64_t offset = rnd(1000);
    bool failed = false;
    m.delivered = 0;
    live = 0;
    window_init(&w, WINDOW_MAX, 1 << 20, drop);
    uint32_t steps = 50 + rnd(2000);
    for (uint32_t s = 0; s < steps; s++) {
        switch (rnd(4)) {
        case 0:
            if (window_room(&w) && m.delivered < MODEL_MAX) {
                offset += 1 + (rnd(10) == 0 ? rnd(100) : 0);
                m.offset[m.delivered] = offset;
                m.missing[m.delivered] = -1;
                m.done[m.delivered++] = false;
                deliver(&w, offset);
            }
            break;
        case 1:
            if (!failed)
                attempt_one(&w, &m, flights, &count);
            break;
        default:
            if (count)
                failed |= land_one(&w, &m, flights, &count, true);
        }
        if (failed && count == 0) {
            window_back(&w);
            for (size_t i = 0; i < m.delivered; i++)
                if (!m.done[i])
                    m.missing[i] = -1;
            failed = false;
        }
        assert_int_equal(w.committable, model_committable(&m));
        assert_int_equal(w.outstanding, count);
        assert_true(window_count(&w) <= WINDOW_MAX);
    }
    /* revoked: what is late still finds its event and nothing else */
    while (count)
        land_one(&w, &m, flights, &count, false);
    assert_int_equal(w.committable, model_committable(&m));
    window_done(&w);
    assert_int_equal(live, 0);
}

static void what_a_transaction_would_commit_is_what_acknowledgements_make_committable(void **state)
{
    (void)state;
    struct window w;
    int32_t epoch = 7;
    window_init(&w, 8, 1 << 20, drop);
    assert_int_equal(window_passed_offset(&w, &epoch), -1);
    uint64_t tickets[4];
    for (int i = 0; i < 4; i++)
        deliver(&w, 10 + 2 * i);
    for (int i = 0; i < 3; i++) { /* the second leads to nothing, the fourth is not attempted */
        window_next(&w)->release = 1;
        tickets[i] = window_ticket(&w, 0);
        if (i != 1)
            window_sent(&w, 0);
        window_passed(&w);
    }
    assert_int_equal(w.committable, -1);
    assert_int_equal(window_passed_offset(&w, &epoch), 15);
    assert_int_equal(epoch, window_next(&w)->leader_epoch);
    window_ack(&w, tickets[0], true);
    window_ack(&w, tickets[2], true);
    assert_int_equal(w.committable, 15);
    assert_int_equal(window_passed_offset(&w, &epoch), 15);
    window_next(&w)->release = 1; /* aborted: what is committed stays, however far it had come */
    tickets[3] = window_ticket(&w, 0);
    window_sent(&w, 0);
    window_passed(&w);
    assert_int_equal(window_passed_offset(&w, &epoch), 17);
    window_ack(&w, tickets[3], false);
    assert_int_equal(window_passed_offset(&w, &epoch), 15);
    window_done(&w);
}

static void an_event_whose_transaction_was_aborted_is_no_release_s_any_more(void **state)
{
    (void)state;
    struct window w;
    begin(&w);
    deliver(&w, 10);
    window_next(&w)->release = 7;
    uint64_t ticket = send_next(&w, 1);
    assert_true(window_uses(&w, 7));
    window_ack(&w, ticket, false);
    window_back(&w);
    assert_true(window_next(&w)->flags & WINDOW_HANDED);
    window_unhand_all(&w);
    assert_false(window_next(&w)->flags & WINDOW_HANDED);
    assert_false(window_uses(&w, 7));
    end(&w);
}

static void any_schedule_commits_exactly_the_done_prefix(void **state)
{
    (void)state;
    const char *s = getenv("VELTRIX_SEED"), *r = getenv("VELTRIX_RUNS");
    uint64_t first = s ? strtoull(s, NULL, 0) : 20261121;
    long runs = r ? atol(r) : 2000;
    for (long i = 0; i < runs; i++) {
        seed = (first + (uint64_t)i) * 0x9E3779B97F4A7C15u | 1;
        run_once();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_done_commits_nothing),
        cmocka_unit_test(a_hole_in_acks_holds_the_offset),
        cmocka_unit_test(holes_in_offsets_do_not_count),
        cmocka_unit_test(an_event_without_records_is_done_at_once),
        cmocka_unit_test(a_record_that_comes_back_twice_counts_once),
        cmocka_unit_test(an_event_waits_for_all_its_records),
        cmocka_unit_test(an_acknowledgement_before_the_attempt_ends_is_not_the_end),
        cmocka_unit_test(going_back_repeats_what_is_not_done_and_nothing_else),
        cmocka_unit_test(a_ticket_acknowledged_twice_counts_once),
        cmocka_unit_test(bounds_hold_in_events_and_bytes),
        cmocka_unit_test(what_a_transaction_would_commit_is_what_acknowledgements_make_committable),
        cmocka_unit_test(an_event_whose_transaction_was_aborted_is_no_release_s_any_more),
        cmocka_unit_test(any_schedule_commits_exactly_the_done_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
