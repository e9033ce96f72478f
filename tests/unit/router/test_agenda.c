/* The agenda: against a plain list, and what a change of it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "router/io/agenda.h"

enum { ENTRIES = 300, STEPS = 20000 };

static uint64_t seed = 20261121;

static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 11) % below);
}

static void check(const struct agenda *a, const struct agenda_entry *entries, size_t count)
{
    size_t on = 0;
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].place == 0)
            continue;
        on++;
        assert_ptr_equal(a->at[entries[i].place - 1], &entries[i]);
        if (entries[i].place > 1)
            assert_true(a->at[entries[i].place / 2 - 1]->due_ms <= entries[i].due_ms);
        first = entries[i].due_ms < first ? entries[i].due_ms : first;
    }
    assert_int_equal(on, a->count);
    struct agenda_entry *e = agenda_first(a);
    assert_int_equal(e ? e->due_ms : INT64_MAX, first);
}

static void the_first_is_due_first_whatever_comes_moves_and_goes(void **state)
{
    struct agenda a = {0};
    struct agenda_entry entries[ENTRIES] = {0};
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        struct agenda_entry *e = &entries[rnd(ENTRIES)];
        if (rnd(3) == 0)
            agenda_drop(&a, e);
        else
            agenda_put(&a, e, rnd(100));
        check(&a, entries, ENTRIES);
    }
    agenda_done(&a);
}

static void all_come_off_in_order(void **state)
{
    struct agenda a = {0};
    struct agenda_entry entries[ENTRIES] = {0};
    int64_t last = 0;
    (void)state;
    for (int i = 0; i < ENTRIES; i++)
        agenda_put(&a, &entries[i], rnd(1000));
    for (int i = 0; i < ENTRIES; i++) {
        struct agenda_entry *e = agenda_first(&a);
        assert_true(e->due_ms >= last);
        last = e->due_ms;
        agenda_drop(&a, e);
    }
    assert_null(agenda_first(&a));
    agenda_drop(&a, &entries[0]); /* one that is off stays off */
    assert_null(agenda_first(&a));
    agenda_done(&a);
}

/* How many entries have another place after a change than before it: what a change costs, whatever the time. */
static size_t moved(struct agenda *a, struct agenda_entry *entries, size_t *places, size_t count,
                    struct agenda_entry *e, int64_t due_ms)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        places[i] = entries[i].place;
    agenda_put(a, e, due_ms);
    for (size_t i = 0; i < count; i++)
        n += places[i] != entries[i].place;
    return n;
}

static void a_change_among_a_hundred_thousand_moves_seventeen_at_most(void **state)
{
    enum { MANY = 100000, LEVELS = 17 };
    struct agenda a = {0};
    struct agenda_entry *entries = calloc(MANY, sizeof *entries);
    size_t *places = calloc(MANY, sizeof *places);
    (void)state;
    for (int i = 0; i < MANY; i++)
        agenda_put(&a, &entries[i], i);
    assert_in_range(moved(&a, entries, places, MANY, agenda_first(&a), MANY), 2, LEVELS);
    assert_in_range(moved(&a, entries, places, MANY, &entries[MANY - 1], -1), 2, LEVELS);
    agenda_done(&a);
    free(entries);
    free(places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_due_first_whatever_comes_moves_and_goes),
        cmocka_unit_test(all_come_off_in_order),
        cmocka_unit_test(a_change_among_a_hundred_thousand_moves_seventeen_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
