/* Key names: exact, ordered, and taken apart again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/store/keys.h"
#include "core/store/store.h"

static void every_key_has_its_name(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    const struct {
        struct vx_span key;
        const char *name;
    } cases[] = {
        {keys_object(&arena, "eu", "00ff"), "/veltrix/v1/eu/objects/00ff"},
        {keys_release(&arena, "eu", 7), "/veltrix/v1/eu/releases/0000000007"},
        {keys_release(&arena, "eu", UINT32_MAX), "/veltrix/v1/eu/releases/4294967295"},
        {keys_releases(&arena, "eu"), "/veltrix/v1/eu/releases/"},
        {keys_head(&arena, "eu"), "/veltrix/v1/eu/head"},
        {keys_pointer(&arena, "eu"), "/veltrix/v1/eu/pointer"},
        {keys_gc(&arena, "eu"), "/veltrix/v1/eu/gc"},
        {keys_router(&arena, "eu", "r-1"), "/veltrix/v1/eu/routers/r-1"},
        {keys_routers(&arena, "eu"), "/veltrix/v1/eu/routers/"},
        {keys_lock(&arena, "eu"), "/veltrix/v1/eu/locks/edit"},
        {keys_lock_queue(&arena, "eu"), "/veltrix/v1/eu/locks/edit.queue/"},
        {keys_lock_waiter(&arena, "eu", "ab"), "/veltrix/v1/eu/locks/edit.queue/ab"},
        {keys_audit(&arena, "eu", 1700000000123, "ab"), "/veltrix/v1/eu/audit/00000001700000000123-ab"},
        {keys_audits(&arena, "eu"), "/veltrix/v1/eu/audit/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!vx_span_is(cases[i].key, cases[i].name))
            fail_msg("%.*s instead of %s", VX_SPAN_ARG(cases[i].key), cases[i].name);
    vx_arena_done(&arena);
}

static void the_order_of_keys_is_the_order_of_numbers(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    static const uint32_t numbers[] = {1, 2, 9, 10, 99, 100, 999999, 1000000, 2147483648u, UINT32_MAX};
    for (size_t i = 1; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(vx_span_compare(keys_release(&arena, "f", numbers[i - 1]), keys_release(&arena, "f", numbers[i])) <
                    0);
    assert_true(vx_span_compare(keys_audit(&arena, "f", 999, "z"), keys_audit(&arena, "f", 1000, "a")) < 0);
    vx_arena_done(&arena);
}

static void a_key_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *key, *fleet, *last; /* fleet NULL: not ours */
    } cases[] = {
        {"/veltrix/v1/eu/head", "eu", "head"}, {"/veltrix/v1/eu/routers/r-1", "eu", "r-1"},
        {"/veltrix/v1/eu/routers/", "eu", ""}, {"/veltrix/v1/eu", NULL, "eu"},
        {"/veltrix/v1//head", NULL, "head"},   {"/veltrix/v1/", NULL, ""},
        {"/veltrix/v2/eu/head", NULL, "head"}, {"plain", NULL, "plain"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_span key = vx_span_str(cases[i].key), fleet;
        assert_int_equal(keys_fleet_of(key, &fleet), cases[i].fleet != NULL);
        if (cases[i].fleet)
            assert_true(vx_span_is(fleet, cases[i].fleet));
        assert_true(vx_span_is(keys_last_part(key), cases[i].last));
    }
}

static void names_that_would_break_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool fleet, id;
    } cases[] = {
        {"eu", true, true},
        {"a", true, true},
        {"0-9", true, true},
        {"-a", false, true},
        {"", false, false},
        {"A", false, true},
        {"a_b", false, true},
        {"a.b", false, true},
        {".a", false, false},
        {"a/b", false, false},
        {"a b", false, false},
        {"\xc3\xa4", false, false},
        {"a\n", false, false},
        {"123456789012345678901234567890123456789012345678901234567890123", true, true},
        {"1234567890123456789012345678901234567890123456789012345678901234", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(store_fleet_name_valid(cases[i].name), cases[i].fleet);
        assert_int_equal(keys_name_valid(cases[i].name), cases[i].id);
    }
    struct store *store = NULL;
    struct vx_err err;
    assert_int_equal(store_new(NULL, "My Fleet", &store, &err), VX_EINVAL);
    assert_string_equal(err.message, "`My Fleet` is not the name of a fleet: expected 1 to 63 of a-z, 0-9 and -, not "
                                     "beginning with -");
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_name),
        cmocka_unit_test(the_order_of_keys_is_the_order_of_numbers),
        cmocka_unit_test(a_key_is_taken_apart),
        cmocka_unit_test(names_that_would_break_keys_are_refused),
    };
    return cmocka_run_group_tests_name("store_keys", tests, NULL, NULL);
}
