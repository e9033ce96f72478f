/* Following the pointer on a real etcd: order, resync, the re-read, another history. */
#include <pthread.h>

#include "core/store/internal.h"
#include "core/store/keys.h"
#include "tests/etcd/fake.h"
#include "tests/etcd/fixture.h"

enum { SEEN_MAX = 4096 };

struct seen {
    pthread_mutex_t mutex;
    struct store_pointer pointers[SEEN_MAX];
    size_t count;
    int rereads; /* of those, found_by_reread */
    bool connected;
    char reason[512];
    int states;
};

static void on_pointer(void *ctx, const struct store_pointer *pointer, bool found_by_reread)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    vx_assert(seen->count < SEEN_MAX);
    seen->pointers[seen->count++] = *pointer;
    seen->rereads += found_by_reread;
    pthread_mutex_unlock(&seen->mutex);
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    seen->connected = connected;
    seen->states++;
    snprintf(seen->reason, sizeof seen->reason, "%s", reason);
    pthread_mutex_unlock(&seen->mutex);
}

static const struct store_follow_ops ops = {.on_pointer = on_pointer, .on_state = on_state};

#define LAST(seen) ((seen)->pointers[(seen)->count ? (seen)->count - 1 : 0])

static struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    pthread_mutex_init(&seen->mutex, NULL);
    return seen;
}

/* Publishes two releases and points at the first. */
static void begin(struct fixture *f, struct store_pointer *pointer)
{
    MUST(publish_as(f->store, "alice", "one", "1", 0, NULL, &must_err));
    MUST(publish_as(f->store, "alice", "two", "2", 1, NULL, &must_err));
    MUST(store_pointer_read(f->store, pointer, &must_err));
    MUST(store_rollback(f->store, pointer, 1, "alice", pointer, &must_err));
}

static void a_fleet_without_a_pointer_is_told_and_its_first_pointer_too(void **state)
{
    (void)state;
    struct fixture f;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen *seen = seen_new();
    fixture_init(&f);
    MUST(store_follow_start(f.store, &ops, seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->count) == 1));
    assert_int_equal(seen->pointers[0].generation, 0);
    assert_true(seen->pointers[0].cluster_id != 0);
    begin(&f, &pointer);
    assert_true(EVENTUALLY(5, SEEN(seen, LAST(seen).generation) == 1));
    assert_int_equal(LAST(seen).stable, 1);
    assert_string_equal(LAST(seen).by, "alice");
    store_follow_stop(follow);
    fixture_done(&f);
    free(seen);
}

static void every_move_is_told_in_order(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct fixture f;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen *seen = seen_new();
    fixture_init(&f);
    begin(&f, &pointer);
    MUST(store_follow_start(f.store, &ops, seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->count) == 1));
    for (int i = 0; i < COUNT; i++)
        MUST(store_rollback(f.store, &pointer, 1 + (uint32_t)i % 2, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(10, SEEN(seen, LAST(seen).generation) == COUNT + 1));
    for (size_t i = 0; i < seen->count; i++)
        assert_int_equal(seen->pointers[i].generation, i + 1);
    assert_int_equal(seen->rereads, 0);
    assert_true(LAST(seen).mod_revision == pointer.mod_revision);
    assert_true(LAST(seen).cluster_id == pointer.cluster_id);
    store_follow_stop(follow);
    fixture_done(&f);
    free(seen);
}

static void the_periodic_reading_tells_the_pointer_again(void **state)
{
    (void)state;
    struct fixture f;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen *seen = seen_new();
    fixture_init(&f);
    begin(&f, &pointer);
    MUST(follow_start_every(f.store, &ops, seen, 50, &follow, &must_err));
    for (int i = 0; i < 100; i++)
        MUST(store_rollback(f.store, &pointer, 1 + (uint32_t)i % 2, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, LAST(seen).generation) == 101));
    size_t count = SEEN(seen, seen->count);
    assert_true(EVENTUALLY(5, SEEN(seen, seen->count) >= count + 5));
    for (size_t i = 1; i < seen->count; i++) /* never back, though reads and watch race */
        assert_true(seen->pointers[i].generation >= seen->pointers[i - 1].generation);
    assert_int_equal(seen->rereads, 0);
    store_follow_stop(follow);
    fixture_done(&f);
    free(seen);
}

/* A watch that hangs: its connection is muted, while a second client moves the pointer. */
static void what_a_mute_watch_does_not_tell_is_found_by_reading(void **state)
{
    (void)state;
    struct fixture f;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen *seen = seen_new();
    fixture_init(&f);
    begin(&f, &pointer);
    struct fake *mute = fake_proxy(etcd_endpoint(f.etcd), NULL, NULL);
    char list[256];
    snprintf(list, sizeof list, "%s", fake_endpoint(mute));
    struct etcd *etcd = client_of(list);
    struct store *store;
    MUST(store_new(etcd, f.fleet, &store, &must_err));
    MUST(follow_start_every(store, &ops, seen, 100, &follow, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->connected && seen->count > 2)));
    fake_mute_watches(mute, true);
    MUST(store_rollback(f.store, &pointer, 2, "bob", &pointer, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, LAST(seen).generation) == 2));
    assert_int_equal(SEEN(seen, seen->rereads), 1);
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
    fake_stop(mute);
    fixture_done(&f);
    free(seen);
}

static void after_compaction_the_newest_pointer_is_told(void **state)
{
    (void)state;
    struct fixture f;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen *seen = seen_new();
    fixture_init(&f);
    begin(&f, &pointer);
    struct fake *proxy = fake_proxy(etcd_endpoint(f.etcd), NULL, NULL);
    struct etcd *etcd = client_of(fake_endpoint(proxy));
    struct store *store;
    MUST(store_new(etcd, f.fleet, &store, &must_err));
    MUST(store_follow_start(store, &ops, seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->connected && seen->count > 0)));
    /* Cut off, overtaken by compaction, and back. */
    fake_refuse(proxy, true);
    fake_break(proxy);
    assert_true(EVENTUALLY(5, SEEN(seen, !seen->connected)));
    for (int i = 0; i < 10; i++)
        MUST(store_rollback(f.store, &pointer, 1 + (uint32_t)i % 2, "bob", &pointer, &must_err));
    etcd_compact(etcd_endpoint(f.etcd), pointer.mod_revision);
    fake_refuse(proxy, false);
    assert_true(EVENTUALLY(15, SEEN(seen, LAST(seen).generation) == 11));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->connected)));
    MUST(store_rollback(f.store, &pointer, 2, "bob", &pointer, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, LAST(seen).generation) == 12));
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
    fake_stop(proxy);
    fixture_done(&f);
    free(seen);
}

static void a_pointer_that_cannot_be_read_is_said_and_the_next_one_told(void **state)
{
    (void)state;
    struct fixture f;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct vx_arena arena = {0};
    struct seen *seen = seen_new();
    fixture_init(&f);
    begin(&f, &pointer);
    MUST(store_follow_start(f.store, &ops, seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->count == 1 && seen->connected)));
    struct etcd_op put = {
        .kind = ETCD_PUT, .key = keys_pointer(&arena, f.fleet), .value = VX_SPAN_LITERAL("{\"generation\":\"x\"}")};
    struct etcd_txn txn = {.then = &put, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->reason[0])));
    assert_contains(seen->reason, " is corrupt in etcd: `{\"generation\":\"x\"}`");
    assert_int_equal(seen->count, 1);
    put = (struct etcd_op){.kind = ETCD_DELETE, .key = put.key};
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, seen->count) == 2));
    assert_int_equal(LAST(seen).generation, 0);
    vx_arena_done(&arena);
    store_follow_stop(follow);
    fixture_done(&f);
    free(seen);
}

static void without_etcd_it_says_why_and_stops_quickly(void **state)
{
    (void)state;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", free_port());
    struct etcd *etcd = client_of(endpoint);
    struct store *store;
    struct store_follow *follow;
    struct seen *seen = seen_new();
    MUST(store_new(etcd, "nowhere", &store, &must_err));
    MUST(store_follow_start(store, &ops, seen, &follow, &must_err));
    assert_true(EVENTUALLY(15, SEEN(seen, seen->states) > 0));
    assert_false(seen->connected);
    assert_contains(seen->reason, "Connection refused");
    int64_t began_ms = vx_clock_ms();
    etcd_cancel(etcd);
    store_follow_stop(follow);
    assert_true(vx_clock_ms() - began_ms < 1000);
    store_free(store);
    etcd_free(etcd);
    free(seen);
}

/* The history of a restored snapshot: an older pointer, a lower revision, often the same cluster id. */
static void another_history_is_handed_on_and_followed(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(1, NULL);
    struct etcd *etcd = cluster_client(cluster);
    struct fixture f = {.etcd = etcd};
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen *seen = seen_new();
    MUST(store_new(etcd, "restored", &f.store, &must_err));
    begin(&f, &pointer);
    for (int i = 0; i < 20; i++)
        MUST(store_rollback(f.store, &pointer, 1 + (uint32_t)i % 2, "alice", &pointer, &must_err));
    MUST(store_follow_start(f.store, &ops, seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, LAST(seen).generation) == 21));
    cluster_kill(cluster, 0);
    cluster_wipe(cluster, 0);
    cluster_spawn(cluster, 0);
    cluster_wait_healthy(cluster, 0);
    begin(&f, &pointer);
    assert_true(EVENTUALLY(20, SEEN(seen, LAST(seen).generation) == 1));
    MUST(store_rollback(f.store, &pointer, 2, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(5, SEEN(seen, LAST(seen).generation) == 2));
    store_follow_stop(follow);
    store_free(f.store);
    etcd_free(etcd);
    cluster_stop(cluster);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_without_a_pointer_is_told_and_its_first_pointer_too),
        cmocka_unit_test(every_move_is_told_in_order),
        cmocka_unit_test(the_periodic_reading_tells_the_pointer_again),
        cmocka_unit_test(what_a_mute_watch_does_not_tell_is_found_by_reading),
        cmocka_unit_test(after_compaction_the_newest_pointer_is_told),
        cmocka_unit_test(a_pointer_that_cannot_be_read_is_said_and_the_next_one_told),
        cmocka_unit_test(without_etcd_it_says_why_and_stops_quickly),
        cmocka_unit_test(another_history_is_handed_on_and_followed),
    };
    int failed = cmocka_run_group_tests_name("store_follow", tests, NULL, NULL);
    test_done();
    return failed;
}
