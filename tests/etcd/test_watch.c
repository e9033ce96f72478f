/* Watches on a real etcd: order, wholeness, resuming. */
#include <pthread.h>

#include "tests/etcd/fake.h"
#include "tests/etcd/fixture.h"

enum { SEEN_MAX = 4096 };

/* What a watch has told. */
struct seen {
    pthread_mutex_t mutex;
    int64_t revisions[SEEN_MAX];
    size_t counts[SEEN_MAX];
    bool deleted[SEEN_MAX];
    size_t value_bytes[SEEN_MAX];
    char first_value[SEEN_MAX];
    size_t calls;
    size_t events;
    int compactions;
    int64_t compact_revision;
    int connects, losses;
    char reason[256];
    uint64_t cluster_id;
};

static void on_events(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    vx_assert(seen->calls < SEEN_MAX);
    seen->revisions[seen->calls] = revision;
    seen->counts[seen->calls] = count;
    seen->deleted[seen->calls] = events[0].deleted;
    seen->value_bytes[seen->calls] = events[0].kv.value.len;
    seen->first_value[seen->calls] = events[0].kv.value.len ? events[0].kv.value.at[0] : 0;
    seen->calls++;
    seen->events += count;
    seen->cluster_id = cluster_id;
    pthread_mutex_unlock(&seen->mutex);
}

static void on_compacted(void *ctx, int64_t compact_revision)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    seen->compactions++;
    seen->compact_revision = compact_revision;
    pthread_mutex_unlock(&seen->mutex);
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    *(connected ? &seen->connects : &seen->losses) += 1;
    snprintf(seen->reason, sizeof seen->reason, "%s", reason);
    pthread_mutex_unlock(&seen->mutex);
}

static const struct etcd_watch_ops ops = {.on_events = on_events, .on_compacted = on_compacted, .on_state = on_state};

static struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    pthread_mutex_init(&seen->mutex, NULL);
    return seen;
}

static int64_t put(struct etcd *etcd, const char *key, struct vx_span value)
{
    struct vx_arena arena = {0};
    struct etcd_op op = {.kind = ETCD_PUT, .key = vx_span_str(key), .value = value};
    struct etcd_txn txn = {.then = &op, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    vx_arena_done(&arena);
    return result.revision;
}

static int64_t revision_now(struct etcd *etcd)
{
    struct vx_arena arena = {0};
    struct etcd_range range;
    struct vx_err err;
    enum vx_status status = etcd_get(etcd, &arena, VX_SPAN_LITERAL("nothing"), ETCD_LINEARIZABLE, &range, &err);
    vx_assert(status == VX_ENOTFOUND);
    vx_arena_done(&arena);
    return range.revision;
}

static void every_change_is_told_once_in_order(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct etcd *etcd = test_client();
    struct seen *seen = seen_new();
    char prefix[80], key[96];
    snprintf(prefix, sizeof prefix, "%s/", test_fleet((char[64]){0}));
    int64_t first = revision_now(etcd) + 1;
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(prefix), true, first, &ops, seen);
    int64_t revisions[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "%s%d", prefix, i % 7);
        revisions[i] = put(etcd, key, VX_SPAN_LITERAL("v"));
    }
    if (!EVENTUALLY(10, SEEN(seen, seen->calls) >= COUNT))
        fail_msg("%zu of %d told; %d connects, %d losses: %s", seen->calls, COUNT, seen->connects, seen->losses,
                 seen->reason);
    sleep_ms(50);
    assert_int_equal(SEEN(seen, seen->calls), COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen->revisions[i], revisions[i]);
    assert_int_equal(seen->connects, 1);
    assert_int_equal(seen->losses, 0);
    etcd_watch_free(watch);
    etcd_free(etcd);
    free(seen);
}

static void changes_of_one_revision_come_in_one_call(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct vx_arena arena = {0};
    struct seen *seen = seen_new();
    const char *prefix = vx_arena_printf(&arena, "%s/", test_fleet((char[64]){0}));
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(prefix), true, revision_now(etcd) + 1, &ops, seen);
    struct etcd_op op[9];
    for (int i = 0; i < 9; i++)
        op[i] = (struct etcd_op){.kind = ETCD_PUT, .key = vx_span_str(vx_arena_printf(&arena, "%s%d", prefix, i))};
    struct etcd_txn txn = {.then = op, .then_count = 9};
    struct etcd_txn_result result;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    struct etcd_op gone = {.kind = ETCD_DELETE, .key = vx_span_str(prefix), .prefix = true};
    txn = (struct etcd_txn){.then = &gone, .then_count = 1};
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->calls) >= 2));
    assert_int_equal(seen->calls, 2);
    assert_int_equal(seen->counts[0], 9);
    assert_int_equal(seen->counts[1], 9);
    assert_false(seen->deleted[0]);
    assert_true(seen->deleted[1]);
    assert_int_equal(seen->revisions[1], result.revision);
    assert_true(seen->cluster_id == result.cluster_id);
    etcd_watch_free(watch);
    etcd_free(etcd);
    vx_arena_done(&arena);
    free(seen);
}

static void history_of_many_mebibytes_is_told_whole(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    struct etcd *etcd = test_client();
    struct seen *seen = seen_new();
    char key[80], *big = malloc(ETCD_VALUE_MAX_BYTES);
    snprintf(key, sizeof key, "%s/big", test_fleet((char[64]){0}));
    int64_t first = revision_now(etcd) + 1;
    for (int i = 0; i < COUNT; i++) {
        memset(big, 'a' + i, ETCD_VALUE_MAX_BYTES);
        put(etcd, key, vx_span(big, ETCD_VALUE_MAX_BYTES));
    }
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(key), false, first, &ops, seen);
    assert_true(EVENTUALLY(20, SEEN(seen, seen->calls) >= COUNT));
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(seen->revisions[i], first + i);
        assert_int_equal(seen->value_bytes[i], ETCD_VALUE_MAX_BYTES);
        assert_int_equal(seen->first_value[i], 'a' + i);
    }
    etcd_watch_free(watch);
    etcd_free(etcd);
    free(big);
    free(seen);
}

static void compaction_behind_the_watch_asks_for_a_full_read_and_goes_on(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct seen *seen = seen_new();
    char key[80];
    snprintf(key, sizeof key, "%s/k", test_fleet((char[64]){0}));
    int64_t first = put(etcd, key, VX_SPAN_LITERAL("1"));
    for (int i = 0; i < 5; i++)
        put(etcd, key, VX_SPAN_LITERAL("2"));
    int64_t last = revision_now(etcd);
    etcd_compact(etcd_endpoint(etcd), last);
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(key), false, first, &ops, seen);
    assert_true(EVENTUALLY(5, SEEN(seen, seen->compactions) == 1));
    assert_int_equal(seen->compact_revision, last);
    int64_t silent = put(etcd, key, VX_SPAN_LITERAL("3"));
    sleep_ms(200);
    assert_int_equal(SEEN(seen, seen->calls), 0);
    etcd_watch_resume(watch, last + 1);
    assert_true(EVENTUALLY(5, SEEN(seen, seen->calls) == 1));
    assert_int_equal(seen->revisions[0], silent);
    assert_int_equal(put(etcd, key, VX_SPAN_LITERAL("4")), silent + 1);
    assert_true(EVENTUALLY(5, SEEN(seen, seen->calls) == 2));
    etcd_watch_free(watch);
    etcd_free(etcd);
    free(seen);
}

static void a_watch_may_be_freed_at_any_time(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct seen *seen = seen_new();
    for (int i = 0; i < 60; i++) {
        struct etcd_watch *watch = etcd_watch_new(etcd, VX_SPAN_LITERAL("/"), true, 1 + i % 2, &ops, seen);
        if (i % 3)
            sleep_ms(i % 5);
        etcd_watch_free(watch);
        pthread_mutex_lock(&seen->mutex);
        seen->calls = 0;
        pthread_mutex_unlock(&seen->mutex);
    }
    /* Those that are left are freed with the client. */
    (void)etcd_watch_new(etcd, VX_SPAN_LITERAL("/"), true, 1, &ops, seen);
    (void)etcd_watch_new(etcd, VX_SPAN_LITERAL("/"), true, 1, &ops, seen);
    etcd_free(etcd);
    free(seen);
}

static void a_watch_whose_connection_breaks_goes_on_without_gap_or_repetition(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct etcd *direct = test_client();
    struct fake *proxy = fake_proxy(etcd_endpoint(direct), NULL, NULL);
    struct etcd *etcd = client_of(fake_endpoint(proxy));
    struct seen *seen = seen_new();
    int64_t revisions[COUNT];
    char key[80];
    snprintf(key, sizeof key, "%s/k", test_fleet((char[64]){0}));
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(key), false, revision_now(direct) + 1, &ops, seen);
    for (int i = 0; i < COUNT; i++) {
        revisions[i] = put(direct, key, VX_SPAN_LITERAL("v"));
        if (i % 20 == 10)
            fake_break(proxy);
        sleep_ms((int)arc4random_uniform(8));
    }
    assert_true(EVENTUALLY(20, SEEN(seen, seen->calls) >= COUNT));
    sleep_ms(100);
    assert_int_equal(SEEN(seen, seen->calls), COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen->revisions[i], revisions[i]);
    assert_true(seen->losses > 0);
    etcd_watch_free(watch);
    etcd_free(etcd);
    etcd_free(direct);
    fake_stop(proxy);
    free(seen);
}

/* Its canary reads the store before the changes, and its answer arrives after them: that is no older history. */
static void a_slow_canary_is_no_alarm(void **state)
{
    (void)state;
    struct etcd *direct = test_client();
    struct fake *proxy = fake_proxy(etcd_endpoint(direct), NULL, NULL);
    struct etcd *etcd = client_of(fake_endpoint(proxy));
    struct seen *seen = seen_new();
    char key[80];
    snprintf(key, sizeof key, "%s/k", test_fleet((char[64]){0}));
    fake_delay_ranges(proxy, 300);
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(key), false, revision_now(direct) + 1, &ops, seen);
    assert_true(EVENTUALLY(5, SEEN(seen, seen->connects) == 1));
    sleep_ms(100);
    for (int i = 0; i < 50; i++) {
        put(direct, key, VX_SPAN_LITERAL("v"));
        sleep_ms(10);
    }
    assert_true(EVENTUALLY(5, SEEN(seen, seen->calls) == 50));
    assert_int_equal(SEEN(seen, seen->compactions), 0);
    assert_int_equal(SEEN(seen, seen->losses), 0);
    etcd_watch_free(watch);
    etcd_free(etcd);
    etcd_free(direct);
    fake_stop(proxy);
    free(seen);
}

/* A client that begins at `first` and has `second` too. */
static struct etcd *client_beginning_at(const char *first, const char *second, int64_t canary_ms)
{
    const char *endpoints[] = {first, second};
    for (;;) {
        struct etcd *etcd;
        MUST(etcd_new(&(struct etcd_config){.endpoints = endpoints, .endpoint_count = 2, .canary_ms = canary_ms}, &etcd,
                      &must_err));
        if (strcmp(etcd_endpoint(etcd), first) == 0)
            return etcd;
        etcd_free(etcd);
    }
}

static void a_watch_that_is_never_confirmed_is_made_elsewhere(void **state)
{
    (void)state;
    struct etcd *direct = test_client();
    struct fake *mute = fake_proxy(etcd_endpoint(direct), NULL, NULL);
    fake_mute_watches(mute, true);
    struct etcd *etcd = client_beginning_at(fake_endpoint(mute), etcd_endpoint(direct), 0);
    struct seen *seen = seen_new();
    int64_t began_ms = vx_clock_ms();
    struct etcd_watch *watch = etcd_watch_new(etcd, VX_SPAN_LITERAL("/x"), false, 1, &ops, seen);
    assert_true(EVENTUALLY(ETCD_WATCH_CREATED_MS / 1000 + 2, SEEN(seen, seen->connects) == 1));
    assert_true(vx_clock_ms() - began_ms >= ETCD_WATCH_CREATED_MS);
    assert_int_equal(seen->losses, 1);
    etcd_watch_free(watch);
    etcd_free(etcd);
    etcd_free(direct);
    fake_stop(mute);
    free(seen);
}

static void a_change_that_the_stream_keeps_back_is_found_by_the_canary(void **state)
{
    (void)state;
    struct etcd *direct = test_client();
    struct fake *mute = fake_proxy(etcd_endpoint(direct), NULL, NULL);
    struct etcd *etcd = client_beginning_at(fake_endpoint(mute), etcd_endpoint(direct), 200);
    struct seen *seen = seen_new();
    char key[80];
    snprintf(key, sizeof key, "%s/k", test_fleet((char[64]){0}));
    struct etcd_watch *watch = etcd_watch_new(etcd, vx_span_str(key), false, revision_now(direct) + 1, &ops, seen);
    assert_true(EVENTUALLY(5, SEEN(seen, seen->connects) == 1));
    fake_mute_watches(mute, true);
    int64_t revision = put(direct, key, VX_SPAN_LITERAL("v"));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->calls) == 1));
    assert_int_equal(seen->revisions[0], revision);
    assert_int_equal(seen->losses, 1);
    etcd_watch_free(watch);
    etcd_free(etcd);
    etcd_free(direct);
    fake_stop(mute);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_told_once_in_order),
        cmocka_unit_test(changes_of_one_revision_come_in_one_call),
        cmocka_unit_test(history_of_many_mebibytes_is_told_whole),
        cmocka_unit_test(compaction_behind_the_watch_asks_for_a_full_read_and_goes_on),
        cmocka_unit_test(a_watch_may_be_freed_at_any_time),
        cmocka_unit_test(a_watch_that_is_never_confirmed_is_made_elsewhere),
        cmocka_unit_test(a_change_that_the_stream_keeps_back_is_found_by_the_canary),
        cmocka_unit_test(a_slow_canary_is_no_alarm),
        cmocka_unit_test(a_watch_whose_connection_breaks_goes_on_without_gap_or_repetition),
    };
    int failed = cmocka_run_group_tests_name("etcd_watch", tests, NULL, NULL);
    test_done();
    return failed;
}
