/* An etcd that wants users: tokens that are fetched, expire and are renewed, and what is said when it refuses. */
#include <pthread.h>

#include "core/base/b64.h"
#include "tests/etcd/fixture.h"

static struct cluster *cluster;

static void post(const char *path, const char *body)
{
    char *answer = etcd_post(cluster_endpoint(cluster, 0), path, body);
    if (!answer || !strstr(answer, "\"header\""))
        fail_msg("%s: %s", path, answer ? answer : "no answer");
    free(answer);
}

/* A user `router` who may do everything under the fleet "allowed", and nothing else. */
static int begin(void **state)
{
    (void)state;
    static const char *const flags[] = {"--auth-token-ttl", "2", "--bcrypt-cost", "4", NULL};
    cluster = cluster_start(1, flags);
    struct vx_buf body = {0};
    post("/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"rootpw\"}");
    post("/v3/auth/role/add", "{\"name\":\"root\"}");
    post("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}");
    post("/v3/auth/user/add", "{\"name\":\"router\",\"password\":\"p\\\"w\"}");
    post("/v3/auth/role/add", "{\"name\":\"fleet\"}");
    vx_buf_str(&body, "{\"name\":\"fleet\",\"perm\":{\"permType\":\"READWRITE\",\"key\":\"");
    vx_b64_encode(&body, VX_SPAN_LITERAL("/veltrix/v1/allowed/"));
    vx_buf_str(&body, "\",\"range_end\":\"");
    vx_b64_encode(&body, VX_SPAN_LITERAL("/veltrix/v1/allowed0"));
    vx_buf_str(&body, "\"}}");
    post("/v3/auth/role/grant", vx_buf_text(&body));
    post("/v3/auth/user/grant", "{\"user\":\"router\",\"role\":\"fleet\"}");
    post("/v3/auth/enable", "{}");
    vx_buf_done(&body);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_stop(cluster);
    return 0;
}

static struct etcd *client_with(const char *user, const char *password)
{
    const char *endpoint = cluster_endpoint(cluster, 0);
    struct etcd *etcd;
    struct etcd_config config = {
        .endpoints = &endpoint, .endpoint_count = 1, .user = user, .password = password, .canary_ms = 300};
    MUST(etcd_new(&config, &etcd, &must_err));
    return etcd;
}

struct seen {
    _Atomic uint64_t generation;
    _Atomic int losses, connects;
    char reason[512];
};

static void on_pointer(void *ctx, const struct store_pointer *pointer, bool found_by_reread)
{
    (void)found_by_reread;
    ((struct seen *)ctx)->generation = pointer->generation;
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    struct seen *seen = ctx;
    snprintf(seen->reason, sizeof seen->reason, "%s", reason);
    seen->losses += !connected;
    seen->connects += connected;
}

static const struct store_follow_ops ops = {.on_pointer = on_pointer, .on_state = on_state};

static void a_user_works_also_after_its_token_expired(void **state)
{
    (void)state;
    struct etcd *etcd = client_with("router", "p\"w");
    struct store *store;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen seen = {0};
    MUST(store_new(etcd, "allowed", &store, &must_err));
    MUST(store_follow_start(store, &ops, &seen, &follow, &must_err));
    MUST(publish_as(store, "alice", "one", "1", 0, NULL, &must_err));
    MUST(store_pointer_read(store, &pointer, &must_err));
    MUST(store_rollback(store, &pointer, 1, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(5, seen.generation == 1));
    store_follow_stop(follow);
    sleep_ms(3100); /* the token is unknown now */
    MUST(store_rollback(store, &pointer, 1, "alice", &pointer, &must_err));
    sleep_ms(3100);
    /* Now the watch finds out first: the follower's first read and its watch both come late. */
    struct seen again = {0};
    MUST(store_follow_start(store, &ops, &again, &follow, &must_err));
    assert_true(EVENTUALLY(5, again.generation == 2 && again.connects > 0));
    MUST(store_rollback(store, &pointer, 1, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(5, again.generation == 3));
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
}

static void who_may_not_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *user, *password, *fleet, *says;
    } cases[] = {
        {"router", "p\"w", "other", "refused user `router`: etcdserver: permission denied"},
        {"router", "wrong", "allowed",
         "refused user `router`: etcdserver: authentication failed, invalid user ID or password"},
        {"nobody", "x", "allowed", "refused user `nobody`: etcdserver: authentication failed"},
        {NULL, NULL, "allowed", "wants a user and a password, and none is set"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etcd *etcd = client_with(cases[i].user, cases[i].password);
        struct store *store;
        struct store_pointer pointer;
        struct vx_err err;
        MUST(store_new(etcd, cases[i].fleet, &store, &must_err));
        assert_int_equal(store_pointer_read(store, &pointer, &err), VX_EDENIED);
        assert_contains(err.message, cases[i].says);
        store_free(store);
        etcd_free(etcd);
    }
}

static void a_watch_that_may_not_says_so_and_does_not_storm(void **state)
{
    (void)state;
    struct etcd *etcd = client_with("router", "p\"w");
    struct store *store;
    struct store_follow *follow;
    struct seen seen = {0};
    MUST(store_new(etcd, "other", &store, &must_err));
    MUST(store_follow_start(store, &ops, &seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, seen.losses == 1));
    sleep_ms(1000);
    assert_int_equal(seen.losses, 1);
    assert_contains(seen.reason, "permission denied");
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
}

static void on_events(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    (void)ctx, (void)events, (void)count, (void)revision, (void)cluster_id;
}

static void on_compacted(void *ctx, int64_t compact_revision)
{
    (void)ctx, (void)compact_revision;
}

static void a_watch_without_permission_is_canceled_and_says_so(void **state)
{
    (void)state;
    static const struct etcd_watch_ops watch_ops = {
        .on_events = on_events, .on_compacted = on_compacted, .on_state = on_state};
    struct etcd *etcd = client_with("router", "p\"w");
    struct seen seen = {0};
    struct etcd_watch *watch = etcd_watch_new(etcd, VX_SPAN_LITERAL("/forbidden"), false, 1, &watch_ops, &seen);
    assert_true(EVENTUALLY(5, seen.losses == 1));
    etcd_watch_free(watch);
    assert_contains(seen.reason, "the watch was canceled: rpc error: code = PermissionDenied");
    assert_int_equal(seen.connects, 0);
    etcd_free(etcd);
}

/* One POST as root; the answer must be good. */
static void post_as_root(const char *path, const char *body)
{
    char *login =
        etcd_post(cluster_endpoint(cluster, 0), "/v3/auth/authenticate", "{\"name\":\"root\",\"password\":\"rootpw\"}");
    char *token = login ? strstr(login, "\"token\":") : NULL;
    assert_non_null(token);
    token = strchr(token + 8, '"') + 1;
    token[strcspn(token, "\"")] = '\0';
    char *answer = etcd_post_as(cluster_endpoint(cluster, 0), path, token, body);
    if (!answer || !strstr(answer, "\"header\""))
        fail_msg("%s: %s", path, answer ? answer : "no answer");
    free(answer);
    free(login);
}

struct registered {
    _Atomic int presents, absences;
};

static void on_presence(void *ctx, bool present, const char *reason)
{
    (void)reason;
    struct registered *registered = ctx;
    registered->presents += present;
    registered->absences += !present;
}

static const struct store_presence_ops presence_ops = {.on_state = on_presence};

/* A watch, a lease and reads over several lives of a token. */
static void watch_lease_and_reads_go_on_while_tokens_expire(void **state)
{
    (void)state;
    enum { LIVES = 3, LIFE_MS = 2000 };
    struct etcd *etcd = client_with("router", "p\"w");
    struct store *store;
    struct store_follow *follow;
    struct store_presence *presence;
    struct store_pointer pointer;
    struct seen seen = {0};
    struct registered registered = {0};
    MUST(store_new(etcd, "allowed", &store, &must_err));
    MUST(store_pointer_read(store, &pointer, &must_err));
    MUST(store_follow_start(store, &ops, &seen, &follow, &must_err));
    MUST(store_presence_start(store, "r1", "i1", &presence_ops, &registered, &presence, &must_err));
    assert_true(EVENTUALLY(5, seen.connects > 0 && registered.presents == 1));
    for (int64_t until_ms = vx_clock_ms() + LIVES * LIFE_MS; vx_clock_ms() < until_ms;) {
        char report[32];
        MUST(store_rollback(store, &pointer, 1, "alice", &pointer, &must_err));
        snprintf(report, sizeof report, "{\"generation\":%d}", (int)pointer.generation);
        store_presence_report(presence, report);
        assert_true(EVENTUALLY(8, seen.generation == pointer.generation));
    }
    assert_int_equal(registered.presents, 1);
    assert_int_equal(registered.absences, 0);
    store_presence_stop(presence);
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
}

static void a_changed_password_is_told_and_the_new_one_heals_it(void **state)
{
    (void)state;
    struct etcd *etcd = client_with("router", "p\"w");
    struct store *store;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen seen = {0};
    struct vx_err err;
    MUST(store_new(etcd, "allowed", &store, &must_err));
    MUST(store_pointer_read(store, &pointer, &must_err));
    MUST(store_follow_start(store, &ops, &seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, seen.connects > 0 && seen.generation == pointer.generation));
    post_as_root("/v3/auth/user/changepw", "{\"name\":\"router\",\"password\":\"new\"}");
    assert_true(EVENTUALLY(8, store_pointer_read(store, &pointer, &err) == VX_EDENIED));
    assert_contains(err.message, "refused user `router`: etcdserver: authentication failed");
    assert_true(EVENTUALLY(8, seen.losses > 0));
    assert_int_equal(seen.generation, pointer.generation);
    etcd_set_password(etcd, "new");
    MUST(store_pointer_read(store, &pointer, &must_err));
    MUST(store_rollback(store, &pointer, 1, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(12, seen.generation == pointer.generation));
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
    post_as_root("/v3/auth/user/changepw", "{\"name\":\"router\",\"password\":\"p\\\"w\"}");
}

static void a_role_taken_away_is_told_and_given_back_heals_it(void **state)
{
    (void)state;
    struct etcd *etcd = client_with("router", "p\"w");
    struct store *store;
    struct store_follow *follow;
    struct store_pointer pointer;
    struct seen seen = {0};
    struct vx_err err;
    MUST(store_new(etcd, "allowed", &store, &must_err));
    MUST(store_pointer_read(store, &pointer, &must_err));
    MUST(store_follow_start(store, &ops, &seen, &follow, &must_err));
    assert_true(EVENTUALLY(5, seen.connects > 0 && seen.generation == pointer.generation));
    post_as_root("/v3/auth/user/revoke", "{\"name\":\"router\",\"role\":\"fleet\"}");
    assert_true(EVENTUALLY(8, store_pointer_read(store, &pointer, &err) == VX_EDENIED));
    assert_contains(err.message, "refused user `router`: etcdserver: permission denied");
    assert_true(EVENTUALLY(8, seen.losses > 0));
    assert_int_equal(seen.generation, pointer.generation);
    post_as_root("/v3/auth/user/grant", "{\"user\":\"router\",\"role\":\"fleet\"}");
    MUST(store_pointer_read(store, &pointer, &must_err));
    MUST(store_rollback(store, &pointer, 1, "alice", &pointer, &must_err));
    assert_true(EVENTUALLY(12, seen.generation == pointer.generation));
    store_follow_stop(follow);
    store_free(store);
    etcd_free(etcd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_works_also_after_its_token_expired),
        cmocka_unit_test(who_may_not_is_told),
        cmocka_unit_test(a_watch_without_permission_is_canceled_and_says_so),
        cmocka_unit_test(a_watch_that_may_not_says_so_and_does_not_storm),
        cmocka_unit_test(watch_lease_and_reads_go_on_while_tokens_expire),
        cmocka_unit_test(a_changed_password_is_told_and_the_new_one_heals_it),
        cmocka_unit_test(a_role_taken_away_is_told_and_given_back_heals_it),
    };
    return cmocka_run_group_tests_name("etcd_auth", tests, begin, end);
}
