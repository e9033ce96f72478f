/* Waiting for news of a fleet on a real etcd: what has happened already, what happens meanwhile, and nothing. */
#include <pthread.h>

#include "core/store/keys.h"
#include "tests/etcd/fixture.h"

enum { LONG_MS = 20000, SHORT_MS = 50 };

static int64_t revision_of(struct fixture *f)
{
    int64_t revision = 0;
    MUST(store_revision(f->store, &revision, &must_err));
    assert_true(revision > 0);
    return revision;
}

static void put(struct fixture *f, bool router)
{
    struct vx_arena arena = {0};
    struct vx_span key = router ? keys_router(&arena, f->fleet, "r1") : keys_lock(&arena, f->fleet);
    struct etcd_op then[] = {{.kind = ETCD_PUT, .key = key, .value = VX_SPAN_LITERAL("{}")}};
    struct etcd_txn txn = {.then = then, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result;
    MUST(etcd_txn(f->etcd, &arena, &txn, &result, &must_err));
    vx_arena_done(&arena);
}

static void what_has_happened_since_is_told_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    int64_t before = revision_of(&f);
    put(&f, true);
    assert_true(store_await(f.store, before, LONG_MS));
    assert_true(revision_of(&f) > before);
    fixture_done(&f);
}

static void without_news_the_time_runs_out(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    put(&f, true);
    int64_t now = revision_of(&f);
    put(&f, false); /* another key of the fleet is no news */
    assert_false(store_await(f.store, now, SHORT_MS));
    fixture_done(&f);
}

static void *put_later(void *ctx)
{
    sleep_ms(SHORT_MS);
    put(ctx, true);
    return NULL;
}

static void what_happens_meanwhile_ends_the_wait(void **state)
{
    (void)state;
    struct fixture f;
    pthread_t thread;
    fixture_init(&f);
    int64_t now = revision_of(&f);
    assert_int_equal(pthread_create(&thread, NULL, put_later, &f), 0);
    assert_true(store_await(f.store, now, LONG_MS));
    pthread_join(thread, NULL);
    fixture_done(&f);
}

static void a_moved_pointer_is_news(void **state)
{
    (void)state;
    struct fixture f;
    struct store_pointer seen, now;
    struct store_lock *lock;
    uint32_t number;
    fixture_init(&f);
    MUST(publish_as(f.store, "ann", "one", "request-1", -1, &number, &must_err));
    int64_t before = revision_of(&f);
    MUST(store_pointer_read(f.store, &seen, &must_err));
    MUST(store_lock_acquire(f.store, "ann", "activate", LONG_MS, &lock, &must_err));
    MUST(store_activate(f.store, lock, &seen, number, "ann", &now, &must_err));
    store_lock_release(lock);
    assert_true(store_await(f.store, before, LONG_MS));
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_happened_since_is_told_at_once),
        cmocka_unit_test(without_news_the_time_runs_out),
        cmocka_unit_test(what_happens_meanwhile_ends_the_wait),
        cmocka_unit_test(a_moved_pointer_is_news),
    };
    int failed = cmocka_run_group_tests_name("store_await", tests, NULL, NULL);
    test_done();
    return failed;
}
