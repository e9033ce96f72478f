/* The least permissions: a router and a configsvc work with exactly those of the README's table, and with none less. The
 * table is here once more, as etcd's API wants it; each row is taken away and something must be refused. */
#include "core/base/b64.h"
#include "tests/etcd/fixture.h"

#define FLEET "exact"
#define AT "/veltrix/v1/" FLEET "/"

struct permission {
    const char *user, *type, *key;
    bool prefix;
};

/* The user is also the role. */
static const struct permission table[] = {
    {"router", "READ", AT "pointer", false},      {"router", "READ", AT "releases/", true},
    {"router", "READ", AT "objects/", true},      {"router", "READWRITE", AT "routers/r1", false},
    {"configsvc", "READ", "/veltrix/v1/", true},  {"configsvc", "WRITE", AT "objects/", true},
    {"configsvc", "WRITE", AT "releases/", true}, {"configsvc", "WRITE", AT "head", false},
    {"configsvc", "WRITE", AT "pointer", false},  {"configsvc", "WRITE", AT "locks/edit", true},
    {"configsvc", "WRITE", AT "gc", false}, /* made by the first publication */
    {"configsvc", "WRITE", AT "audit/", true},
};

static struct cluster *cluster;
static char *token; /* of root */

/* One POST as root. */
static void post(const char *path, const char *body)
{
    char *answer = etcd_post_as(cluster_endpoint(cluster, 0), path, token, body);
    if (!answer || !strstr(answer, "\"header\""))
        fail_msg("%s %s: %s", path, body, answer ? answer : "no answer");
    free(answer);
}

static void permit(const struct permission *permission, bool grant)
{
    struct vx_buf body = {0}, end = {0};
    struct vx_span key = vx_span_str(permission->key);
    vx_buf_printf(&body,
                  grant ? "{\"name\":\"%s\",\"perm\":{\"permType\":\"%s\",\"key\":\"" : "{\"role\":\"%s\",\"key\":\"",
                  permission->user, permission->type);
    vx_b64_encode(&body, key);
    if (permission->prefix) {
        vx_buf_span(&end, key);
        end.at[end.len - 1]++;
        vx_buf_str(&body, "\",\"range_end\":\"");
        vx_b64_encode(&body, vx_buf_view(&end));
    }
    vx_buf_str(&body, grant ? "\"}}" : "\"}");
    post(grant ? "/v3/auth/role/grant" : "/v3/auth/role/revoke", vx_buf_text(&body));
    vx_buf_done(&body);
    vx_buf_done(&end);
}

static int begin(void **state)
{
    (void)state;
    static const char *const flags[] = {"--bcrypt-cost", "4", NULL};
    static const char *const users[] = {"root", "router", "configsvc"};
    cluster = cluster_start(1, flags);
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"pw\"}", users[i]);
        post("/v3/auth/user/add", body);
        snprintf(body, sizeof body, "{\"name\":\"%s\"}", users[i]);
        post("/v3/auth/role/add", body);
        snprintf(body, sizeof body, "{\"user\":\"%s\",\"role\":\"%s\"}", users[i], users[i]);
        post("/v3/auth/user/grant", body);
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        permit(&table[i], true);
    post("/v3/auth/enable", "{}");
    char *answer =
        etcd_post(cluster_endpoint(cluster, 0), "/v3/auth/authenticate", "{\"name\":\"root\",\"password\":\"pw\"}");
    char *found = answer ? strstr(answer, "\"token\":") : NULL;
    assert_non_null(found);
    found = strchr(found + 8, '"') + 1;
    token = strndup(found, strcspn(found, "\""));
    free(answer);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(token);
    cluster_stop(cluster);
    return 0;
}

static struct etcd *client_as(const char *user)
{
    const char *endpoint = cluster_endpoint(cluster, 0);
    struct etcd *etcd;
    struct etcd_config config = {
        .endpoints = &endpoint, .endpoint_count = 1, .user = user, .password = "pw", .canary_ms = 200};
    MUST(etcd_new(&config, &etcd, &must_err));
    return etcd;
}

/* --- what each of them does -------------------------------------------------------------------------------------- */

struct seen {
    _Atomic uint64_t generation;
    _Atomic bool present, connected;
    _Atomic int refusals; /* sentences with "permission denied" */
};

static void note(struct seen *seen, const char *reason)
{
    seen->refusals += strstr(reason, "permission denied") != NULL || strstr(reason, "PermissionDenied") != NULL;
}

static void on_pointer(void *ctx, const struct store_pointer *pointer, bool found_by_reread)
{
    (void)found_by_reread;
    ((struct seen *)ctx)->generation = pointer->generation;
}

static void on_follow(void *ctx, bool connected, const char *reason)
{
    ((struct seen *)ctx)->connected = connected;
    note(ctx, reason);
}

static void on_presence(void *ctx, bool present, const char *reason)
{
    ((struct seen *)ctx)->present = present;
    note(ctx, reason);
}

static const struct store_follow_ops follow_ops = {.on_pointer = on_pointer, .on_state = on_follow};
static const struct store_presence_ops presence_ops = {.on_state = on_presence};

/* All that a router asks of etcd; true when none of it was refused. */
static bool route(void)
{
    struct etcd *etcd = client_as("router");
    struct store *store;
    struct store_follow *follow;
    struct store_presence *presence;
    struct store_manifest manifest;
    struct seen seen = {0};
    struct vx_arena arena = {0};
    struct vx_err err;
    MUST(store_new(etcd, FLEET, &store, &must_err));
    MUST(store_follow_start(store, &follow_ops, &seen, &follow, &must_err));
    MUST(store_presence_start(store, "r1", "i1", &presence_ops, &seen, &presence, &must_err));
    store_presence_report(presence, "{\"running\":1}");
    bool ok = EVENTUALLY(10, (seen.generation && seen.connected && seen.present) || seen.refusals) && !seen.refusals;
    enum vx_status status = store_manifest(store, &arena, 1, &manifest, &err);
    if (!status)
        status = store_objects(store, &arena, &manifest, NULL, NULL, &err);
    ok = ok && !status;
    store_presence_stop(presence);
    store_follow_stop(follow);
    vx_arena_done(&arena);
    store_free(store);
    etcd_free(etcd);
    return ok;
}

static enum vx_status steer_reads(struct etcd *etcd, struct store *store, struct vx_err *err)
{
    struct vx_arena arena = {0};
    const char **fleets;
    struct store_router *routers;
    struct store_manifest *history;
    struct store_audit *audits;
    struct store_lock_info info;
    struct etcd_status member;
    size_t count;
    int64_t revision;
    enum vx_status status = store_fleets(etcd, &arena, &fleets, &count, err);
    status = status ? status : store_routers(store, &arena, &routers, &count, err);
    status = status ? status : store_history(store, &arena, 0, 10, &history, &count, err);
    status = status ? status : store_lock_info(store, &arena, &info, err);
    status = status ? status : store_revision(store, &revision, err);
    status = status ? status : etcd_status(etcd, &member, err);
    status = status ? status : store_audit_list(store, &arena, 10, &audits, &count, err);
    vx_arena_done(&arena);
    return status;
}

/* As if nothing had been published yet: the next publication makes the key. */
static void forget_gc(void)
{
    struct vx_buf body = {0};
    vx_buf_str(&body, "{\"key\":\"");
    vx_b64_encode(&body, VX_SPAN_LITERAL(AT "gc"));
    vx_buf_str(&body, "\"}");
    post("/v3/kv/deleterange", vx_buf_text(&body));
    vx_buf_done(&body);
}

/* All that a configsvc asks of etcd. */
static enum vx_status steer(struct vx_err *err)
{
    static int round;
    char id[16];
    struct etcd *etcd = client_as("configsvc");
    struct store *store;
    struct store_lock *lock = NULL;
    struct store_pointer pointer;
    uint32_t number;
    forget_gc();
    MUST(store_new(etcd, FLEET, &store, &must_err));
    snprintf(id, sizeof id, "%d", ++round);
    enum vx_status status = publish_as(store, "alice", id, id, -1, &number, err);
    status = status ? status : store_pointer_read(store, &pointer, err);
    status = status ? status : store_lock_acquire(store, "alice", "activate", 5000, &lock, err);
    status = status ? status : store_activate(store, lock, &pointer, number, "alice", &pointer, err);
    store_lock_release(lock);
    status = status ? status : store_rollback(store, &pointer, number, "alice", &pointer, err);
    struct store_audit audit = {.time_ms = 1, .who = "alice", .action = "publish", .from = "here", .detail = "x"};
    status = status ? status : store_audit_add(store, &audit, err);
    status = status ? status : steer_reads(etcd, store, err);
    store_free(store);
    etcd_free(etcd);
    return status;
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void a_router_and_a_configsvc_work_with_exactly_the_table(void **state)
{
    (void)state;
    MUST(steer(&must_err));
    assert_true(route());
}

/* "No row is needed" would be a table that permits too much. */
static void without_any_row_of_the_table_something_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct vx_err err = {0};
        bool refused;
        permit(&table[i], false);
        if (strcmp(table[i].user, "router") == 0)
            refused = !route();
        else
            refused = steer(&err) == VX_EDENIED;
        if (!refused)
            fail_msg("%s without %s of %s works: %s", table[i].user, table[i].type, table[i].key, err.message);
        permit(&table[i], true);
    }
    MUST(steer(&must_err));
    assert_true(route());
}

static void a_router_cannot_write_what_is_not_its_own(void **state)
{
    (void)state;
    static const char *const keys[] = {AT "pointer",    AT "head",       AT "releases/0000000001",   AT "objects/x",
                                       AT "routers/r2", AT "locks/edit", "/veltrix/v1/other/pointer"};
    struct etcd *etcd = client_as("router");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct vx_arena arena = {0};
        struct etcd_op op = {.kind = ETCD_PUT, .key = vx_span_str(keys[i]), .value = VX_SPAN_LITERAL("mine")};
        struct etcd_txn txn = {.then = &op, .then_count = 1, .repeatable = true};
        struct etcd_txn_result result;
        struct vx_err err;
        assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_EDENIED);
        assert_contains(err.message, "refused user `router`: etcdserver: permission denied");
        vx_arena_done(&arena);
    }
    etcd_free(etcd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_router_and_a_configsvc_work_with_exactly_the_table),
        cmocka_unit_test(without_any_row_of_the_table_something_is_refused),
        cmocka_unit_test(a_router_cannot_write_what_is_not_its_own),
    };
    return cmocka_run_group_tests_name("etcd_permissions", tests, begin, end);
}
