/* Clusters that are hurt: what goes on, what recovers in which time, and what is said. */
#include <pthread.h>

#include "tests/etcd/fake.h"
#include "tests/etcd/fixture.h"

struct seen {
    _Atomic int64_t revision;
    _Atomic int events, losses, compactions;
    _Atomic bool connected;
};

static void on_events(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    (void)events, (void)cluster_id;
    struct seen *seen = ctx;
    vx_assert(revision > seen->revision);
    seen->revision = revision;
    seen->events += (int)count;
}

static void on_compacted(void *ctx, int64_t compact_revision)
{
    (void)compact_revision;
    ((struct seen *)ctx)->compactions++;
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    (void)reason;
    struct seen *seen = ctx;
    seen->connected = connected;
    seen->losses += !connected;
}

static const struct etcd_watch_ops ops = {.on_events = on_events, .on_compacted = on_compacted, .on_state = on_state};

static enum vx_status put(struct etcd *etcd, struct vx_span value, int64_t *revision, struct vx_err *err)
{
    struct vx_arena arena = {0};
    struct etcd_op op = {.kind = ETCD_PUT, .key = VX_SPAN_LITERAL("/k"), .value = value};
    struct etcd_txn txn = {.then = &op, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result = {0};
    enum vx_status status = etcd_txn(etcd, &arena, &txn, &result, err);
    vx_arena_done(&arena);
    *revision = result.revision;
    return status;
}

/* A client in a hurry whose endpoint in use is the one of this node. */
static struct etcd *client_at(struct cluster *cluster, int node)
{
    const char *endpoints[CLUSTER_NODES_MAX];
    for (int i = 0; i < CLUSTER_NODES_MAX; i++)
        endpoints[i] = cluster_endpoint(cluster, i);
    for (;;) {
        struct etcd *etcd;
        struct etcd_config config = {.endpoints = endpoints, .endpoint_count = CLUSTER_NODES_MAX, .canary_ms = 1000};
        MUST(etcd_new(&config, &etcd, &must_err));
        if (strcmp(etcd_endpoint(etcd), cluster_endpoint(cluster, node)) == 0)
            return etcd;
        etcd_free(etcd);
    }
}

static int64_t watch_begins(struct etcd *etcd, struct seen *seen, struct etcd_watch **watch)
{
    int64_t revision;
    MUST(put(etcd, VX_SPAN_LITERAL("begin"), &revision, &must_err));
    *watch = etcd_watch_new(etcd, VX_SPAN_LITERAL("/k"), false, revision + 1, &ops, seen);
    assert_true(EVENTUALLY(5, seen->connected));
    return revision;
}

static void after_the_leader_was_killed_calls_and_watch_go_on(void **state)
{
    struct cluster *cluster = *state;
    int leader = cluster_leader(cluster);
    struct etcd *etcd = client_at(cluster, leader);
    struct seen seen = {0};
    struct etcd_watch *watch;
    int64_t revision = watch_begins(etcd, &seen, &watch), now;
    for (int i = 0; i < 20; i++)
        MUST(put(etcd, VX_SPAN_LITERAL("v"), &revision, &must_err));
    cluster_kill(cluster, leader);
    int64_t began_ms = vx_clock_ms();
    MUST(put(etcd, VX_SPAN_LITERAL("after"), &now, &must_err));
    int64_t took_ms = vx_clock_ms() - began_ms;
    print_message("unary recovered %lld ms after the leader was killed\n", (long long)took_ms);
    assert_true(took_ms < 6000);
    assert_true(EVENTUALLY(5, seen.revision >= now));
    assert_true(seen.events >= 21); /* a put whose answer was lost may have been done twice */
    assert_true(seen.losses >= 1);
    etcd_watch_free(watch);
    etcd_free(etcd);
    cluster_spawn(cluster, leader);
    cluster_wait_healthy(cluster, leader);
}

/* A frozen leader says nothing at all: deadlines and the canary find out. */
static void after_the_leader_froze_calls_and_watch_go_on(void **state)
{
    struct cluster *cluster = *state;
    int leader = cluster_leader(cluster);
    struct etcd *etcd = client_at(cluster, leader);
    struct seen seen = {0};
    struct etcd_watch *watch;
    int64_t now;
    watch_begins(etcd, &seen, &watch);
    cluster_pause(cluster, leader);
    int64_t began_ms = vx_clock_ms();
    MUST(put(etcd, VX_SPAN_LITERAL("past the frozen one"), &now, &must_err));
    int64_t took_ms = vx_clock_ms() - began_ms;
    print_message("unary recovered %lld ms after the leader froze\n", (long long)took_ms);
    assert_true(took_ms < 8000);
    assert_true(EVENTUALLY(8, seen.revision >= now));
    print_message("the watch told it %lld ms after the leader froze\n", (long long)(vx_clock_ms() - began_ms));
    cluster_resume(cluster, leader);
    etcd_watch_free(watch);
    etcd_free(etcd);
}

static void without_a_majority_a_sentence_says_so_and_all_is_well_when_it_is_back(void **state)
{
    struct cluster *cluster = *state;
    struct etcd *etcd = client_at(cluster, 0), *rest = cluster_client_of(cluster, 0);
    struct seen seen = {0};
    struct etcd_watch *watch;
    struct vx_err err;
    int64_t now;
    watch_begins(etcd, &seen, &watch);
    cluster_kill(cluster, 1);
    cluster_kill(cluster, 2);
    struct vx_arena arena = {0};
    struct etcd_range range;
    assert_int_equal(etcd_get_within(rest, &arena, VX_SPAN_LITERAL("/k"), ETCD_LINEARIZABLE, 6000, &range, &err),
                     VX_EUNAVAILABLE);
    vx_arena_done(&arena);
    assert_contains(err.message, " has no leader: a majority of its members is down or cut off; nothing can be changed "
                                 "until they are back");
    assert_true(seen.losses > 0);
    cluster_spawn(cluster, 1);
    MUST(put(rest, VX_SPAN_LITERAL("back"), &now, &must_err));
    assert_true(EVENTUALLY(15, seen.revision >= now));
    etcd_watch_free(watch);
    etcd_free(rest);
    etcd_free(etcd);
}

static int begin_three(void **state)
{
    *state = cluster_start(3, NULL);
    return 0;
}

static int end_three(void **state)
{
    cluster_stop(*state);
    return 0;
}

static void a_store_out_of_space_is_explained_and_reading_goes_on(void **state)
{
    (void)state;
    static const char *const flags[] = {"--quota-backend-bytes", "2000000", NULL};
    struct cluster *cluster = cluster_start(1, flags);
    struct etcd *etcd = cluster_client(cluster);
    struct store *store;
    struct vx_err err = {0};
    uint32_t number;
    MUST(store_new(etcd, "full", &store, &must_err));
    MUST(publish_as(store, "alice", "one", "1", 0, &number, &must_err));
    char *big = malloc(600000);
    int64_t revision;
    enum vx_status status = VX_OK;
    for (int i = 0; i < 20 && !status; i++) {
        memset(big, 'a' + i, 600000);
        status = put(etcd, vx_span(big, 600000), &revision, &err);
    }
    free(big);
    assert_int_equal(status, VX_ENOSPACE);
    char expected[256];
    snprintf(
        expected, sizeof expected,
        "etcd at %s is out of space (NOSPACE alarm): compact and defragment it, then disarm the alarm; nothing was "
        "changed",
        cluster_endpoint(cluster, 0));
    assert_string_equal(err.message, expected);
    assert_int_equal(publish_as(store, "alice", "two", "2", 1, &number, &err), VX_ENOSPACE);
    struct etcd_status member;
    MUST(etcd_status(etcd, &member, &must_err));
    assert_true(member.no_space);
    MUST(store_head(store, &number, NULL, &must_err));
    assert_int_equal(number, 1);
    store_free(store);
    etcd_free(etcd);
    cluster_stop(cluster);
}

/* One node: while it is down calls fail with a sentence; afterwards the same client and the same watch work. */
static void a_restart_of_etcd_is_survived(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(1, NULL);
    struct etcd *etcd = cluster_client(cluster);
    struct seen seen = {0};
    struct etcd_watch *watch;
    int64_t revision = watch_begins(etcd, &seen, &watch);
    cluster_term(cluster, 0);
    assert_true(EVENTUALLY(5, !seen.connected));
    struct vx_err err;
    struct etcd_status member;
    assert_int_equal(etcd_status(etcd, &member, &err), VX_EUNAVAILABLE);
    assert_contains(err.message, ": Connection refused");
    cluster_spawn(cluster, 0);
    cluster_wait_healthy(cluster, 0);
    MUST(put(etcd, VX_SPAN_LITERAL("again"), &revision, &must_err));
    assert_true(EVENTUALLY(8, seen.revision == revision));
    assert_int_equal(seen.compactions, 0);

    /* Its data gone: another history. */
    cluster_kill(cluster, 0);
    cluster_wipe(cluster, 0);
    cluster_spawn(cluster, 0);
    cluster_wait_healthy(cluster, 0);
    assert_true(EVENTUALLY(8, seen.compactions == 1));
    etcd_watch_free(watch);
    etcd_free(etcd);
    cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_the_leader_was_killed_calls_and_watch_go_on),
        cmocka_unit_test(after_the_leader_froze_calls_and_watch_go_on),
        cmocka_unit_test(without_a_majority_a_sentence_says_so_and_all_is_well_when_it_is_back),
        cmocka_unit_test(a_restart_of_etcd_is_survived),
        cmocka_unit_test(a_store_out_of_space_is_explained_and_reading_goes_on),
    };
    return cmocka_run_group_tests_name("etcd_faults", tests, begin_three, end_three);
}
