/* Presence on a real etcd: one router for each id, the newest report, and taking over from the dead. */
#include <pthread.h>

#include "core/store/keys.h"
#include "tests/etcd/fake.h"
#include "tests/etcd/fixture.h"

struct seen {
    pthread_mutex_t mutex;
    bool present;
    int states, refusals;
    char reason[512], refusal[512];
};

static void on_refused(void *ctx, const char *message)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    seen->refusals++;
    snprintf(seen->refusal, sizeof seen->refusal, "%s", message);
    pthread_mutex_unlock(&seen->mutex);
}

static void on_state(void *ctx, bool present, const char *reason)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    seen->present = present;
    seen->states++;
    snprintf(seen->reason, sizeof seen->reason, "%s", reason);
    pthread_mutex_unlock(&seen->mutex);
}

static const struct store_presence_ops ops = {.on_refused = on_refused, .on_state = on_state};

#define SEEN_INIT                                                                                                      \
    {                                                                                                                  \
        .mutex = PTHREAD_MUTEX_INITIALIZER                                                                             \
    }

/* True when etcd has exactly one router, this one with this report. */
static bool registered(struct fixture *f, const char *id, const char *instance, const char *report)
{
    struct vx_arena arena = {0};
    struct store_router *routers;
    size_t count;
    MUST(store_routers(f->store, &arena, &routers, &count, &must_err));
    bool yes = count == 1 && strcmp(routers[0].id, id) == 0 && strcmp(routers[0].instance, instance) == 0 &&
               strcmp(routers[0].report, report) == 0 && routers[0].since_revision > 0 && routers[0].host[0] &&
               routers[0].since_ms > 0;
    vx_arena_done(&arena);
    return yes;
}

static size_t router_count(struct fixture *f)
{
    struct vx_arena arena = {0};
    struct store_router *routers;
    size_t count;
    MUST(store_routers(f->store, &arena, &routers, &count, &must_err));
    vx_arena_done(&arena);
    return count;
}

static void the_newest_report_is_shown_and_gone_after_the_end(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = SEEN_INIT;
    struct store_presence *presence;
    fixture_init(&f);
    MUST(store_presence_start(f.store, "router-1", "i1", &ops, &seen, &presence, &must_err));
    assert_true(EVENTUALLY(5, SEEN(&seen, seen.present)));
    assert_true(registered(&f, "router-1", "i1", "{}"));
    char report[32];
    for (int i = 0; i <= 1000; i++) {
        snprintf(report, sizeof report, "{\"n\":%d}", i);
        store_presence_report(presence, report);
    }
    assert_true(EVENTUALLY(2, registered(&f, "router-1", "i1", "{\"n\":1000}")));
    store_presence_report(presence, "{ \"release\": 7, \"why\": \"ü\" }");
    assert_true(EVENTUALLY(2, registered(&f, "router-1", "i1", "{\"release\":7,\"why\":\"ü\"}")));
    store_presence_stop(presence);
    assert_int_equal(router_count(&f), 0);
    assert_int_equal(seen.states, 1);
    fixture_done(&f);
}

static void a_second_router_with_the_same_id_is_refused_until_the_first_is_gone(void **state)
{
    (void)state;
    struct fixture f;
    struct seen first = SEEN_INIT, second = SEEN_INIT;
    struct store_presence *a, *b;
    fixture_init(&f);
    MUST(store_presence_start(f.store, "r", "i1", &ops, &first, &a, &must_err));
    assert_true(EVENTUALLY(5, SEEN(&first, first.present)));
    MUST(store_presence_start(f.store, "r", "i2", &ops, &second, &b, &must_err));
    store_presence_report(b, "{\"mine\":2}");
    assert_true(EVENTUALLY(5, SEEN(&second, second.refusals) == 1));
    assert_contains(second.refusal, "router id `r` is in use since 20");
    assert_contains(second.refusal, " by another process on host ");
    assert_contains(second.refusal, "(instance i1): give each router its own id; trying again until that one is gone");
    sleep_ms(2500);
    assert_int_equal(SEEN(&second, second.refusals), 1); /* said once, not with every try */
    assert_true(registered(&f, "r", "i1", "{}"));
    store_presence_stop(a);
    assert_true(EVENTUALLY(5, SEEN(&second, second.present)));
    assert_true(EVENTUALLY(2, registered(&f, "r", "i2", "{\"mine\":2}")));
    store_presence_stop(b);
    fixture_done(&f);
}

static void a_router_takes_over_from_a_dead_one_after_its_lease(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = SEEN_INIT;
    struct vx_arena arena = {0};
    struct store_presence *presence;
    int64_t lease;
    fixture_init(&f);
    /* What a router that was killed has left behind. */
    MUST(etcd_lease_grant(f.etcd, 3, &lease, &must_err));
    struct etcd_op put = {.kind = ETCD_PUT,
                          .key = keys_router(&arena, f.fleet, "r"),
                          .value = VX_SPAN_LITERAL("{\"id\":\"r\",\"instance\":\"dead\",\"host\":\"h\",\"since_ms\":1,"
                                                   "\"report\":{}}"),
                          .lease = lease};
    struct etcd_txn txn = {.then = &put, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err));
    MUST(store_presence_start(f.store, "r", "alive", &ops, &seen, &presence, &must_err));
    assert_true(EVENTUALLY(5, SEEN(&seen, seen.refusals) == 1));
    assert_contains(seen.refusal, "router id `r` is in use since 1970-01-01T00:00:00.001Z by another process on host h "
                                  "(instance dead)");
    assert_true(EVENTUALLY(8, SEEN(&seen, seen.present)));
    assert_true(registered(&f, "r", "alive", "{}"));
    store_presence_stop(presence);
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void its_own_record_is_adopted(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = SEEN_INIT;
    struct vx_arena arena = {0};
    struct store_presence *presence;
    fixture_init(&f);
    struct etcd_op put = {.kind = ETCD_PUT,
                          .key = keys_router(&arena, f.fleet, "r"),
                          .value = VX_SPAN_LITERAL("{\"id\":\"r\",\"instance\":\"me\",\"host\":\"h\",\"since_ms\":1,"
                                                   "\"report\":{}}")};
    struct etcd_txn txn = {.then = &put, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err));
    MUST(store_presence_start(f.store, "r", "me", &ops, &seen, &presence, &must_err));
    assert_true(EVENTUALLY(5, SEEN(&seen, seen.present)));
    assert_int_equal(seen.refusals, 0);
    store_presence_stop(presence);
    assert_int_equal(router_count(&f), 0); /* it hangs on our lease now */
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void a_record_that_was_deleted_is_written_again(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = SEEN_INIT;
    struct vx_arena arena = {0};
    struct store_presence *presence;
    fixture_init(&f);
    MUST(store_presence_start(f.store, "r", "me", &ops, &seen, &presence, &must_err));
    assert_true(EVENTUALLY(5, SEEN(&seen, seen.present)));
    struct etcd_op gone = {.kind = ETCD_DELETE, .key = keys_router(&arena, f.fleet, "r")};
    struct etcd_txn txn = {.then = &gone, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err));
    store_presence_report(presence, "{\"n\":2}"); /* finds out */
    assert_true(EVENTUALLY(8, registered(&f, "r", "me", "{\"n\":2}")));
    store_presence_stop(presence);
    vx_arena_done(&arena);
    fixture_done(&f);
}

/* The lease expires while the other tests run. */
static struct outage {
    struct fixture f;
    struct fake *proxy;
    struct etcd *etcd;
    struct store *store;
    struct store_presence *presence;
    struct seen seen;
} outage = {.seen = SEEN_INIT};

static int begin_outage(void **state)
{
    (void)state;
    struct outage *o = &outage;
    fixture_init(&o->f);
    o->proxy = fake_proxy(etcd_endpoint(o->f.etcd), NULL, NULL);
    o->etcd = client_of(fake_endpoint(o->proxy));
    MUST(store_new(o->etcd, o->f.fleet, &o->store, &must_err));
    MUST(store_presence_start(o->store, "r", "me", &ops, &o->seen, &o->presence, &must_err));
    assert_true(EVENTUALLY(5, SEEN(&o->seen, o->seen.present)));
    fake_refuse(o->proxy, true);
    fake_break(o->proxy);
    return 0;
}

static void after_an_outage_longer_than_the_lease_it_is_there_again(void **state)
{
    (void)state;
    struct outage *o = &outage;
    assert_true(EVENTUALLY(STORE_PRESENCE_TTL_S + 5, router_count(&o->f) == 0));
    store_presence_report(o->presence, "{\"n\":2}");
    assert_true(EVENTUALLY(10, SEEN(&o->seen, o->seen.reason[0])));
    assert_contains(o->seen.reason, "etcd at http://127.0.0.1:");
    fake_refuse(o->proxy, false);
    assert_true(EVENTUALLY(10, registered(&o->f, "r", "me", "{\"n\":2}")));
    assert_true(EVENTUALLY(5, SEEN(&o->seen, o->seen.present && !o->seen.reason[0])));
    assert_int_equal(o->seen.refusals, 0);
    store_presence_stop(o->presence);
    store_free(o->store);
    etcd_free(o->etcd);
    fake_stop(o->proxy);
    fixture_done(&o->f);
}

static void ids_that_cannot_be_keys_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_err err;
    struct store_presence *presence;
    fixture_init(&f);
    static const char *const bad[] = {"", "a/b", ".", "a b", "ü"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(store_presence_start(f.store, bad[i], "i", &ops, NULL, &presence, &err), VX_EINVAL);
        assert_contains(err.message, "is not a router id");
    }
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_report_is_shown_and_gone_after_the_end),
        cmocka_unit_test(a_second_router_with_the_same_id_is_refused_until_the_first_is_gone),
        cmocka_unit_test(a_router_takes_over_from_a_dead_one_after_its_lease),
        cmocka_unit_test(its_own_record_is_adopted),
        cmocka_unit_test(a_record_that_was_deleted_is_written_again),
        cmocka_unit_test(ids_that_cannot_be_keys_are_refused),
        cmocka_unit_test(after_an_outage_longer_than_the_lease_it_is_there_again),
    };
    int failed = cmocka_run_group_tests_name("store_presence", tests, begin_outage, NULL);
    test_done();
    return failed;
}
