/* Unary calls: compare and swap, lists, leases, lost answers, and endpoints that are not etcd. */
#include <pthread.h>

#include "tests/etcd/fake.h"
#include "tests/etcd/fixture.h"

static struct vx_span own_key(char buf[96], const char *name)
{
    snprintf(buf, 96, "%s/%s", test_fleet((char[64]){0}), name);
    return vx_span_str(buf);
}

/* Puts `value` if the key's mod revision is `revision`; its new revision, or 0. */
static int64_t put_if(struct etcd *etcd, struct vx_span key, const char *value, int64_t revision)
{
    struct vx_arena arena = {0};
    struct etcd_compare compare = {.key = key, .target = ETCD_MOD_REVISION, .number = revision};
    struct etcd_op put = {.kind = ETCD_PUT, .key = key, .value = vx_span_str(value)};
    struct etcd_txn txn = {.compares = &compare, .compare_count = 1, .then = &put, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    vx_arena_done(&arena);
    return result.succeeded ? result.revision : 0;
}

static void compare_and_swap_lets_one_win(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct vx_arena arena = {0};
    char buf[96];
    struct vx_span key = own_key(buf, "cas");
    struct etcd_range range;
    int64_t first = put_if(etcd, key, "a", 0);
    assert_true(first > 0);
    assert_int_equal(put_if(etcd, key, "b", 0), 0);
    assert_int_equal(put_if(etcd, key, "b", first - 1), 0);
    int64_t second = put_if(etcd, key, "b", first);
    assert_true(second > first);
    assert_int_equal(put_if(etcd, key, "c", first), 0);
    MUST(etcd_get(etcd, &arena, key, ETCD_LINEARIZABLE, &range, &must_err));
    assert_true(vx_span_is(range.kvs[0].value, "b"));
    assert_int_equal(range.kvs[0].mod_revision, second);
    assert_int_equal(range.kvs[0].create_revision, first);
    assert_int_equal(range.kvs[0].version, 2);
    vx_arena_done(&arena);
    etcd_free(etcd);
}

static void every_comparison_compares(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    char buf[96];
    struct vx_span key = own_key(buf, "compare");
    int64_t created = put_if(etcd, key, "m", 0), changed = put_if(etcd, key, "n", created);
    const struct {
        struct etcd_compare compare;
        bool holds;
    } cases[] = {
        {{key, ETCD_CREATE_REVISION, ETCD_EQUAL, created, {0}}, true},
        {{key, ETCD_CREATE_REVISION, ETCD_EQUAL, changed, {0}}, false},
        {{key, ETCD_CREATE_REVISION, ETCD_GREATER, 0, {0}}, true},
        {{key, ETCD_CREATE_REVISION, ETCD_NOT_EQUAL, created, {0}}, false},
        {{key, ETCD_MOD_REVISION, ETCD_EQUAL, changed, {0}}, true},
        {{key, ETCD_MOD_REVISION, ETCD_LESS, changed, {0}}, false},
        {{key, ETCD_MOD_REVISION, ETCD_LESS, changed + 1, {0}}, true},
        {{key, ETCD_VERSION, ETCD_EQUAL, 2, {0}}, true},
        {{key, ETCD_VERSION, ETCD_GREATER, 2, {0}}, false},
        {{key, ETCD_VALUE, ETCD_EQUAL, 0, VX_SPAN_LITERAL("n")}, true},
        {{key, ETCD_VALUE, ETCD_EQUAL, 0, VX_SPAN_LITERAL("m")}, false},
        {{key, ETCD_VALUE, ETCD_NOT_EQUAL, 0, VX_SPAN_LITERAL("m")}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_arena arena = {0};
        struct etcd_op get = {.kind = ETCD_GET, .key = key};
        struct etcd_txn txn = {.compares = &cases[i].compare, .compare_count = 1, .then = &get, .then_count = 1};
        struct etcd_txn_result result;
        MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
        if (result.succeeded != cases[i].holds)
            fail_msg("case %zu", i);
        assert_int_equal(result.get_count, cases[i].holds ? 1 : 0);
        vx_arena_done(&arena);
    }
    etcd_free(etcd);
}

static void bytes_of_every_value_survive(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct vx_arena arena = {0};
    struct etcd_range range;
    char all[256], buf[96];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct vx_span prefix = own_key(buf, "bytes"), key = vx_arena_span(&arena, prefix);
    char *longer = vx_arena_bytes(&arena, key.len + 256);
    memcpy(longer, key.at, key.len);
    memcpy(longer + key.len, all, 256);
    struct etcd_op put = {.kind = ETCD_PUT, .key = {longer, key.len + 256}, .value = {all, 256}};
    struct etcd_txn txn = {.then = &put, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    MUST(etcd_list(etcd, &arena, prefix, NULL, &range, &must_err));
    assert_int_equal(range.count, 1);
    assert_true(vx_span_equal(range.kvs[0].key, put.key));
    assert_true(vx_span_equal(range.kvs[0].value, put.value));
    vx_arena_done(&arena);
    etcd_free(etcd);
}

static void lists_of_any_length_are_whole_and_ordered(void **state)
{
    (void)state;
    enum { COUNT = 2500 };
    struct etcd *etcd = test_client();
    struct vx_arena arena = {0};
    const char *prefix = vx_arena_printf(&arena, "%s/", test_fleet((char[64]){0}));
    for (int i = 0; i < COUNT; i += 100) {
        struct etcd_op put[100];
        for (int j = 0; j < 100; j++)
            put[j] = (struct etcd_op){.kind = ETCD_PUT,
                                      .key = vx_span_str(vx_arena_printf(&arena, "%s%05d", prefix, i + j)),
                                      .value = vx_span_str(vx_arena_printf(&arena, "%0*d", 1 + (i + j) % 3000, i + j))};
        struct etcd_txn txn = {.then = put, .then_count = 100};
        struct etcd_txn_result result;
        MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    }
    static const struct {
        const char *start, *before;
        int64_t limit;
        bool keys_only, descending;
        int first, count;
    } cases[] = {
        {NULL, NULL, 0, false, false, 0, COUNT},        {NULL, NULL, 0, true, false, 0, COUNT},
        {NULL, NULL, 0, false, true, COUNT - 1, COUNT}, {NULL, NULL, 1, false, true, COUNT - 1, 1},
        {NULL, NULL, 1700, true, false, 0, 1700},       {"01000", NULL, 0, false, false, 1000, COUNT - 1000},
        {"01000", "01010", 0, false, false, 1000, 10},  {NULL, "01010", 5, false, true, 1009, 5},
        {"02499", NULL, 10, false, false, 2499, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etcd_range_options options = {
            .limit = cases[i].limit, .keys_only = cases[i].keys_only, .descending = cases[i].descending};
        if (cases[i].start)
            options.start = vx_span_str(vx_arena_printf(&arena, "%s%s", prefix, cases[i].start));
        if (cases[i].before)
            options.before = vx_span_str(vx_arena_printf(&arena, "%s%s", prefix, cases[i].before));
        struct etcd_range range;
        MUST(etcd_list(etcd, &arena, vx_span_str(prefix), &options, &range, &must_err));
        assert_int_equal(range.count, cases[i].count);
        for (int j = 0; j < cases[i].count; j++) {
            int number = cases[i].descending ? cases[i].first - j : cases[i].first + j;
            char key[128];
            snprintf(key, sizeof key, "%s%05d", prefix, number);
            assert_true(vx_span_is(range.kvs[j].key, key));
            assert_int_equal(range.kvs[j].value.len != 0, !cases[i].keys_only);
        }
    }
    vx_arena_done(&arena);
    etcd_free(etcd);
}

static void leases_live_and_die(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct vx_arena arena = {0};
    struct vx_err err;
    struct etcd_range range;
    char buf[96];
    int64_t lease;
    MUST(etcd_lease_grant(etcd, 2, &lease, &must_err));
    struct etcd_op put = {
        .kind = ETCD_PUT, .key = own_key(buf, "leased"), .value = VX_SPAN_LITERAL("v"), .lease = lease};
    struct etcd_txn txn = {.then = &put, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    for (int i = 0; i < 4; i++) {
        sleep_ms(600);
        MUST(etcd_lease_keepalive(etcd, lease, &must_err));
    }
    MUST(etcd_get(etcd, &arena, put.key, ETCD_LINEARIZABLE, &range, &must_err));
    assert_int_equal(range.kvs[0].lease, lease);
    MUST(etcd_lease_revoke(etcd, lease, &must_err));
    MUST(etcd_lease_revoke(etcd, lease, &must_err)); /* twice is once */
    assert_int_equal(etcd_get(etcd, &arena, put.key, ETCD_LINEARIZABLE, &range, &err), VX_ENOTFOUND);
    assert_int_equal(etcd_lease_keepalive(etcd, lease, &err), VX_ENOTFOUND);
    assert_contains(err.message, "has expired");
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_ENOTFOUND);
    assert_contains(err.message, "requested lease not found");
    vx_arena_done(&arena);
    etcd_free(etcd);
}

static void limits_are_refused_before_etcd_does(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct vx_arena arena = {0};
    struct vx_err err;
    struct etcd_txn_result result;
    struct etcd_op ops[129] = {0};
    for (int i = 0; i < 129; i++)
        ops[i] = (struct etcd_op){.kind = ETCD_GET, .key = VX_SPAN_LITERAL("k")};
    struct etcd_txn txn = {.then = ops, .then_count = 129};
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_ELIMIT);
    assert_string_equal(err.message, "129 operations in one etcd transaction; the limit is 128");
    txn.then_count = 128;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    assert_int_equal(result.get_count, 128);
    char *big = calloc(1, ETCD_VALUE_MAX_BYTES + 1);
    ops[0] = (struct etcd_op){.kind = ETCD_PUT, .key = VX_SPAN_LITERAL("k"), .value = {big, ETCD_VALUE_MAX_BYTES + 1}};
    txn.then_count = 1;
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_ELIMIT);
    assert_string_equal(err.message, "the value of etcd key k has 1048577 bytes; the limit is 1048576");
    /* What etcd itself refuses is a limit, too. */
    ops[0].value.len = ops[1].value.len = ETCD_VALUE_MAX_BYTES;
    ops[1] = (struct etcd_op){.kind = ETCD_PUT, .key = VX_SPAN_LITERAL("l"), .value = {big, ETCD_VALUE_MAX_BYTES}};
    txn.then_count = 2;
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_ELIMIT);
    ops[0].key = vx_span("", 0);
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_EINVAL);
    free(big);
    vx_arena_done(&arena);
    etcd_free(etcd);
}

static void the_form_of_endpoints_is_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "localhost:2379",
                                      "ftp://a:1",
                                      "http://",
                                      "http://a",
                                      "http://a:",
                                      "http://a:12x",
                                      "http://a:1/v3",
                                      "http://:1",
                                      "http://user:pw@a:2379",
                                      "http://a:123456",
                                      "http://a b:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct etcd *etcd = NULL;
        struct vx_err err;
        if (etcd_new(&(struct etcd_config){.endpoints = &bad[i], .endpoint_count = 1}, &etcd, &err) != VX_EINVAL)
            fail_msg("accepted: %s", bad[i]);
        assert_contains(err.message, bad[i]);
        assert_contains(err.message, "expected ");
    }
    static const char *const good[] = {"http://localhost:2379", "https://etcd-1.example:2379", "http://[::1]:2379"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct etcd *etcd = NULL;
        MUST(etcd_new(&(struct etcd_config){.endpoints = &good[i], .endpoint_count = 1}, &etcd, &must_err));
        etcd_free(etcd);
    }
    struct etcd *etcd = NULL;
    struct vx_err err;
    assert_int_equal(etcd_new(&(struct etcd_config){0}, &etcd, &err), VX_EINVAL);
    assert_string_equal(err.message, "no etcd endpoint is given");
}

/* --- endpoints that are not etcd --------------------------------------------------------------------------------- */

#define HTTP(head, body) "HTTP/1.1 " head "\r\nConnection: close\r\n\r\n" body

#define RANGE(range)                                                                                                   \
    "{\"header\":{\"revision\":\"5\"},\"succeeded\":true,\"responses\":[{\"response_range\":" range "}]}"

static void nonsense_from_an_endpoint_is_told_as_such(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *says;
    } cases[] = {
        {HTTP("200 OK", "<html>welcome</html>"), "this is not etcd's JSON API (HTTP 200, `<html>welcome</html>`)"},
        {HTTP("404 Not Found", "Not Found\n"), "this is not etcd's JSON API (HTTP 404, `Not Found`)"},
        {HTTP("200 OK", ""), "this is not etcd's JSON API (HTTP 200, an empty answer)"},
        {HTTP("200 OK", "{\"hello\":1}"), "this is not etcd's JSON API"},
        {HTTP("200 OK", "{\"header\":{\"revision\":\"x\"}}"), "sent an answer that cannot be read"},
        {HTTP("200 OK", RANGE("{\"kvs\":[{\"key\":\"%%\"}]}")), "cannot be read"},
        {HTTP("200 OK", RANGE("{\"kvs\":[1,2]}")), "cannot be read"},
        {HTTP("200 OK", RANGE("{\"kvs\":{}}")), "cannot be read"},
        {HTTP("200 OK", "{\"header\":{\"revision\":\"5\"}}"), "cannot be read"},
        {HTTP("200 OK", "{}"), "cannot be read"},
        {HTTP("200 OK", "{\"header\":"), "this is not etcd's JSON API"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "etcd at http://127.0.0.1:"},
        {"\0\0\0\0", "etcd at http://127.0.0.1:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *fake = fake_start(cases[i].answer);
        struct etcd *etcd = client_of(fake_endpoint(fake));
        struct vx_arena arena = {0};
        struct vx_err err = {0};
        struct etcd_txn txn = {0};
        struct etcd_txn_result result;
        /* Not repeatable, so that it ends at once. */
        struct etcd_op op = {.kind = ETCD_GET, .key = VX_SPAN_LITERAL("k")};
        txn.then = &op;
        txn.then_count = 1;
        enum vx_status status = etcd_txn(etcd, &arena, &txn, &result, &err);
        if (status != VX_EUNAVAILABLE && status != VX_ECORRUPT)
            fail_msg("case %zu: %s: %s", i, vx_status_label(status), err.message);
        assert_contains(err.message, cases[i].says);
        etcd_free(etcd);
        fake_stop(fake);
        vx_arena_done(&arena);
    }
}

/* Asks for the state of a member; the answer is a status. */
struct asking {
    struct etcd *etcd;
    enum vx_status status;
    struct vx_err err;
    int64_t took_ms;
    pthread_t thread;
};

static void *ask_main(void *arg)
{
    struct asking *asking = arg;
    struct etcd_status status;
    int64_t began_ms = vx_clock_ms();
    asking->status = etcd_status(asking->etcd, &status, &asking->err);
    asking->took_ms = vx_clock_ms() - began_ms;
    return NULL;
}

static void ask(struct asking *asking, const char *endpoint)
{
    *asking = (struct asking){.etcd = client_of(endpoint)};
    assert_int_equal(pthread_create(&asking->thread, NULL, ask_main, asking), 0);
}

static void ports_that_never_answer_or_refuse_are_given_up_in_time(void **state)
{
    (void)state;
    struct fake *fake = fake_start(NULL);
    struct asking silent, closed;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", free_port());
    ask(&silent, fake_endpoint(fake));
    ask(&closed, endpoint);
    pthread_join(silent.thread, NULL);
    pthread_join(closed.thread, NULL);
    assert_int_equal(silent.status, VX_ETIMEOUT);
    assert_in_range(silent.took_ms, 2500, 5000);
    assert_contains(silent.err.message, ": no answer within ");
    assert_int_equal(closed.status, VX_EUNAVAILABLE);
    assert_in_range(closed.took_ms, 0, 5000);
    assert_contains(closed.err.message, endpoint);
    assert_contains(closed.err.message, "Connection refused");
    etcd_free(silent.etcd);
    etcd_free(closed.etcd);
    fake_stop(fake);
}

static void a_bad_endpoint_in_the_list_does_not_matter(void **state)
{
    (void)state;
    struct fake *silent = fake_start(""), *nonsense = fake_start(HTTP("200 OK", "hello"));
    char list[256];
    snprintf(list, sizeof list, "http://127.0.0.1:%d,%s,%s,%s", free_port(), fake_endpoint(silent),
             fake_endpoint(nonsense), test_endpoints());
    for (int i = 0; i < 8; i++) { /* each starts anywhere in the list */
        struct etcd *etcd = client_of(list);
        char buf[96];
        assert_true(put_if(etcd, own_key(buf, "k"), "v", 0) > 0);
        assert_true(strstr(test_endpoints(), etcd_endpoint(etcd)) != NULL);
        etcd_free(etcd);
    }
    fake_stop(silent);
    fake_stop(nonsense);
}

/* --- canceling --------------------------------------------------------------------------------------------------- */

static void canceling_ends_calls_at_once(void **state)
{
    (void)state;
    struct fake *fake = fake_start(NULL);
    struct etcd *etcd = client_of(fake_endpoint(fake));
    struct asking asking[4];
    for (int i = 0; i < 4; i++) {
        asking[i] = (struct asking){.etcd = etcd};
        assert_int_equal(pthread_create(&asking[i].thread, NULL, ask_main, &asking[i]), 0);
    }
    assert_true(EVENTUALLY(5, fake_requests(fake) == 4));
    int64_t began_ms = vx_clock_ms();
    etcd_cancel(etcd);
    for (int i = 0; i < 4; i++) {
        pthread_join(asking[i].thread, NULL);
        assert_int_equal(asking[i].status, VX_ECANCELED);
        assert_string_equal(asking[i].err.message, "canceled: this process is stopping");
    }
    assert_true(vx_clock_ms() - began_ms < 1000);
    struct vx_err err;
    struct etcd_status status;
    assert_int_equal(etcd_status(etcd, &status, &err), VX_ECANCELED);
    etcd_free(etcd);
    fake_stop(fake);
}

/* --- lost answers ------------------------------------------------------------------------------------------------ */

static _Atomic int losses;
static bool lose_some(void *ctx, const char *request)
{
    (void)ctx;
    bool lost = strstr(request, "/v3/kv/txn") && arc4random_uniform(3) == 0;
    losses += lost;
    return lost;
}

static void lost_answers_neither_lose_nor_double_a_release(void **state)
{
    (void)state;
    struct etcd *direct = test_client();
    struct fake *proxy = fake_proxy(etcd_endpoint(direct), lose_some, NULL);
    struct etcd *etcd = client_of(fake_endpoint(proxy));
    struct store *store;
    struct store_pointer pointer;
    char fleet[64];
    MUST(store_new(etcd, test_fleet(fleet), &store, &must_err));
    for (int i = 0; i < 7; i++) {
        char id[16];
        uint32_t number = 0, head = 0;
        snprintf(id, sizeof id, "r%d", i);
        MUST(publish_as(store, "alice", id, id, i, &number, &must_err));
        assert_int_equal(number, i + 1);
        MUST(store_head(store, &head, NULL, &must_err));
        assert_int_equal(head, i + 1);
        MUST(store_pointer_read(store, &pointer, &must_err));
        assert_int_equal(pointer.generation, i);
        MUST(store_rollback(store, &pointer, number, "alice", &pointer, &must_err));
        assert_int_equal(pointer.generation, i + 1);
    }
    assert_true(losses > 0);
    store_free(store);
    etcd_free(etcd);
    etcd_free(direct);
    fake_stop(proxy);
}

static bool lose_first_txn(void *ctx, const char *request)
{
    (void)ctx;
    return strstr(request, "/v3/kv/txn") && losses++ == 0;
}

static void a_write_that_must_not_be_repeated_is_sent_once(void **state)
{
    (void)state;
    struct etcd *direct = test_client();
    struct fake *proxy = fake_proxy(etcd_endpoint(direct), lose_first_txn, NULL);
    struct etcd *etcd = client_of(fake_endpoint(proxy));
    struct vx_arena arena = {0};
    struct vx_err err;
    char buf[96];
    struct etcd_op put = {.kind = ETCD_PUT, .key = own_key(buf, "once"), .value = VX_SPAN_LITERAL("v")};
    struct etcd_txn txn = {.then = &put, .then_count = 1};
    struct etcd_txn_result result;
    losses = 0;
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_EUNAVAILABLE);
    assert_contains(err.message, "; whether the change was made is not known");
    assert_int_equal(fake_requests(proxy), 1);
    txn.repeatable = true;
    losses = 0;
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    assert_int_equal(fake_requests(proxy), 3);
    vx_arena_done(&arena);
    etcd_free(etcd);
    etcd_free(direct);
    fake_stop(proxy);
}

static void a_user_where_auth_is_off_does_not_matter(void **state)
{
    (void)state;
    struct etcd *direct = test_client(), *etcd;
    const char *endpoint = etcd_endpoint(direct);
    struct etcd_config config = {.endpoints = &endpoint, .endpoint_count = 1, .user = "router", .password = "pw"};
    MUST(etcd_new(&config, &etcd, &must_err));
    char buf[96];
    assert_true(put_if(etcd, own_key(buf, "k"), "v", 0) > 0);
    etcd_free(etcd);
    etcd_free(direct);
}

static void the_state_of_a_member_is_told(void **state)
{
    (void)state;
    struct etcd *etcd = test_client();
    struct etcd_status status;
    MUST(etcd_status(etcd, &status, &must_err));
    assert_true(status.has_leader);
    assert_false(status.no_space);
    assert_int_equal(status.version[0], '3');
    etcd_free(etcd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare_and_swap_lets_one_win),
        cmocka_unit_test(every_comparison_compares),
        cmocka_unit_test(bytes_of_every_value_survive),
        cmocka_unit_test(lists_of_any_length_are_whole_and_ordered),
        cmocka_unit_test(leases_live_and_die),
        cmocka_unit_test(limits_are_refused_before_etcd_does),
        cmocka_unit_test(the_form_of_endpoints_is_checked),
        cmocka_unit_test(nonsense_from_an_endpoint_is_told_as_such),
        cmocka_unit_test(ports_that_never_answer_or_refuse_are_given_up_in_time),
        cmocka_unit_test(a_bad_endpoint_in_the_list_does_not_matter),
        cmocka_unit_test(canceling_ends_calls_at_once),
        cmocka_unit_test(lost_answers_neither_lose_nor_double_a_release),
        cmocka_unit_test(a_write_that_must_not_be_repeated_is_sent_once),
        cmocka_unit_test(a_user_where_auth_is_off_does_not_matter),
        cmocka_unit_test(the_state_of_a_member_is_told),
    };
    int failed = cmocka_run_group_tests_name("etcd_client", tests, NULL, NULL);
    test_done();
    return failed;
}
