/* Answers of etcd 3.4 to 3.6, as measured, and everything that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/etcd/answer.h"

#define HEADER                                                                                                         \
    "\"header\":{\"cluster_id\":\"12197483443209476571\",\"member_id\":\"3319\",\"revision\":\"40\",\"raft_term\":"    \
    "\"2\"}"

static json_t *parse(const char *text)
{
    json_t *root = NULL;
    struct answer_error error;
    assert_int_equal(answer_parse(vx_span_str(text), &root, &error), ANSWER_GOOD);
    return root;
}

/* --- errors ------------------------------------------------------------------------------------------------------ */

static void every_shape_of_error_is_read_and_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *message;
        enum vx_status status;
    } cases[] = {
        /* 3.4, 3.5: unary */
        {"{\"error\":\"etcdserver: requested lease not found\",\"message\":\"etcdserver: requested lease not "
         "found\",\"code\":5}",
         5, "etcdserver: requested lease not found", VX_ENOTFOUND},
        {"{\"error\":\"illegal base64 data at input byte 4\",\"message\":\"illegal base64 data at input byte "
         "4\",\"code\":3}",
         3, "illegal base64 data at input byte 4", VX_EINVAL},
        {"{\"error\":\"etcdserver: lease already exists\",\"message\":\"etcdserver: lease already exists\",\"code\":9}",
         9, "etcdserver: lease already exists", VX_EEXIST},
        {"{\"error\":\"authentication is not enabled\",\"code\":9}", 9, "authentication is not enabled", VX_EINVAL},
        {"{\"error\":\"etcdserver: request is too large\",\"message\":\"etcdserver: request is too large\",\"code\":3}",
         3, "etcdserver: request is too large", VX_ELIMIT},
        {"{\"error\":\"etcdserver: too many operations in txn request\",\"code\":3}", 3,
         "etcdserver: too many operations in txn request", VX_ELIMIT},
        {"{\"error\":\"grpc: received message larger than max (2200010 vs. 2097152)\",\"code\":8}", 8,
         "grpc: received message larger than max (2200010 vs. 2097152)", VX_ELIMIT},
        {"{\"error\":\"etcdserver: mvcc: database space exceeded\",\"code\":8}", 8,
         "etcdserver: mvcc: database space exceeded", VX_ENOSPACE},
        {"{\"error\":\"etcdserver: too many requests\",\"code\":8}", 8, "etcdserver: too many requests",
         VX_EUNAVAILABLE},
        {"{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11}", 11,
         "etcdserver: mvcc: required revision has been compacted", VX_EINVAL},
        {"{\"error\":\"etcdserver: request timed out, possibly due to previous leader failure\",\"code\":14}", 14,
         "etcdserver: request timed out, possibly due to previous leader failure", VX_EUNAVAILABLE},
        {"{\"error\":\"context deadline exceeded\",\"code\":4}", 4, "context deadline exceeded", VX_ETIMEOUT},
        {"{\"error\":\"context deadline exceeded\",\"code\":2}", 2, "context deadline exceeded", VX_ETIMEOUT},
        {"{\"error\":\"something\",\"code\":2}", 2, "something", VX_EINTERNAL},
        {"{\"error\":\"etcdserver: user name is empty\",\"code\":3}", 3, "etcdserver: user name is empty", VX_EDENIED},
        {"{\"error\":\"etcdserver: authentication failed, invalid user ID or password\",\"code\":3}", 3,
         "etcdserver: authentication failed, invalid user ID or password", VX_EDENIED},
        {"{\"error\":\"etcdserver: permission denied\",\"code\":7}", 7, "etcdserver: permission denied", VX_EDENIED},
        {"{\"error\":\"etcdserver: invalid auth token\",\"code\":16}", 16, "etcdserver: invalid auth token",
         VX_EDENIED},
        {"{\"error\":\"etcdserver: revision of auth store is old\",\"code\":3}", 3,
         "etcdserver: revision of auth store is old", VX_EDENIED},
        {"{\"error\":\"no code\"}", 2, "no code", VX_EINTERNAL},
        {"{\"error\":\"x\",\"code\":99999999999}", 2, "x", VX_EINTERNAL},
        {"{\"error\":\"x\",\"code\":\"5\"}", 2, "x", VX_EINTERNAL},
        {"{\"error\":\"x\",\"code\":12}", 12, "x", VX_EUNSUPPORTED},
        {"{\"error\":\"x\",\"code\":1}", 1, "x", VX_EUNAVAILABLE},
        /* 3.6: unary, with blanks */
        {"{\"code\":5, \"message\":\"etcdserver: requested lease not found\"}", 5,
         "etcdserver: requested lease not found", VX_ENOTFOUND},
        /* 3.4, 3.5: in a stream */
        {"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"transport is "
         "closing\",\"http_status\":\"Service "
         "Unavailable\"}}",
         14, "transport is closing", VX_EUNAVAILABLE},
        {"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}", 14,
         "etcdserver: no leader", VX_EUNAVAILABLE},
        {"{\"error\":{\"grpc_code\":13,\"http_code\":500,\"message\":\"transport is closing\"}}", 13,
         "transport is closing", VX_EUNAVAILABLE},
        /* 3.6: in a stream */
        {"{\"error\":{\"code\":14, \"message\":\"etcdserver: no leader\"}}", 14, "etcdserver: no leader",
         VX_EUNAVAILABLE},
        {"{\"error\":{}}", 2, "an error without a message", VX_EINTERNAL},
        {"{\"error\":null}", 2, "an error without a message", VX_EINTERNAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = NULL;
        struct answer_error error;
        if (answer_parse(vx_span_str(cases[i].text), &root, &error) != ANSWER_ERROR)
            fail_msg("not an error: %s", cases[i].text);
        assert_null(root);
        assert_int_equal(error.code, cases[i].code);
        assert_string_equal(error.message, cases[i].message);
        if (answer_status(&error) != cases[i].status)
            fail_msg("%s: %s", cases[i].text, vx_status_label(answer_status(&error)));
        assert_int_equal(answer_is_no_leader(&error), strstr(cases[i].text, "no leader") != NULL);
        assert_int_equal(answer_is_compacted(&error), strstr(cases[i].text, "has been compacted") != NULL);
        assert_int_equal(answer_wants_token(&error), cases[i].code == 16 ||
                                                         strstr(cases[i].text, "user name is empty") ||
                                                         strstr(cases[i].text, "auth store is old"));
    }
}

static void what_is_not_etcd_is_garbage(void **state)
{
    (void)state;
    static const char *const cases[] = {"",        "Not Found\n",   "<html></html>",
                                        "[]",      "[{}]",          "null",
                                        "1",       "\"text\"",      "{",
                                        "{\"a\":", "{\"hello\":1}", "{\"header\":5}",
                                        "{}}",     "{} {}",         "{\"code\":5}",
                                        "\xff",    "{\"\xff\":1}",  "{\"header\":[]}",
                                        "{a:1}"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = NULL;
        struct answer_error error;
        if (answer_parse(vx_span_str(cases[i]), &root, &error) != ANSWER_GARBAGE)
            fail_msg("not garbage: %s", cases[i]);
        assert_null(root);
    }
    /* Deeper than any answer: refused, not crashed on. */
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    json_t *root = NULL;
    struct answer_error error;
    assert_int_equal(answer_parse(vx_span(deep, 200000), &root, &error), ANSWER_GARBAGE);
    free(deep);
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void a_range_is_read_with_its_64_bit_numbers(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct etcd_range range;
    bool more;
    json_t *root = parse("{" HEADER ",\"kvs\":[{\"key\":\"L3IvYw==\",\"create_revision\":\"2\",\"mod_revision\":\"3\","
                         "\"version\":\"9\",\"value\":\"djI=\",\"lease\":\"7587881234567890123\"},{\"key\":\"YQ\"}],"
                         "\"more\":true,\"count\":\"3\"}");
    assert_true(answer_range(root, &arena, &range, &more));
    assert_true(range.cluster_id == 12197483443209476571u);
    assert_int_equal(range.revision, 40);
    assert_int_equal(range.total, 3);
    assert_true(more);
    assert_int_equal(range.count, 2);
    assert_true(vx_span_is(range.kvs[0].key, "/r/c"));
    assert_true(vx_span_is(range.kvs[0].value, "v2"));
    assert_int_equal(range.kvs[0].create_revision, 2);
    assert_int_equal(range.kvs[0].mod_revision, 3);
    assert_int_equal(range.kvs[0].version, 9);
    assert_true(range.kvs[0].lease == 7587881234567890123);
    assert_true(vx_span_is(range.kvs[1].key, "a")); /* without padding, as 3.6 takes it */
    assert_int_equal(range.kvs[1].value.len, 0);
    json_decref(root);
    root = parse("{" HEADER "}"); /* zeroes are left out */
    assert_true(answer_range(root, &arena, &range, &more));
    assert_int_equal(range.count, 0);
    assert_false(more);
    json_decref(root);
    vx_arena_done(&arena);
}

static void ill_typed_members_make_an_answer_unreadable(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"header\":{\"revision\":\"x\"}}",
        "{\"header\":{\"revision\":true}}",
        "{\"header\":{\"revision\":\" 5\"}}",
        "{\"header\":{\"revision\":\"0x5\"}}",
        "{\"header\":{\"revision\":\"9223372036854775808\"}}",
        "{\"header\":{\"revision\":\"\"}}",
        "{\"header\":{\"revision\":5.5}}",
        "{\"header\":{}}",
        "{\"header\":{\"revision\":\"5\",\"cluster_id\":\"-1\"}}",
        "{\"header\":{\"revision\":\"5\",\"cluster_id\":-1}}",
        "{\"header\":{\"revision\":\"5\",\"cluster_id\":\"18446744073709551616\"}}",
        "{\"header\":{\"revision\":\"5\"},\"kvs\":{}}",
        "{\"header\":{\"revision\":\"5\"},\"kvs\":[7]}",
        "{\"header\":{\"revision\":\"5\"},\"kvs\":[{\"key\":\"_-8=\"}]}",
        "{\"header\":{\"revision\":\"5\"},\"kvs\":[{\"key\":5}]}",
        "{\"header\":{\"revision\":\"5\"},\"kvs\":[{\"key\":\"YQ==\",\"mod_revision\":\"1e3\"}]}",
        "{\"header\":{\"revision\":\"5\"},\"more\":\"yes\"}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_arena arena = {0};
        struct etcd_range range;
        bool more;
        json_t *root = parse(cases[i]);
        if (answer_range(root, &arena, &range, &more))
            fail_msg("read: %s", cases[i]);
        json_decref(root);
        vx_arena_done(&arena);
    }
}

static void a_transaction_is_read_by_the_branch_that_was_taken(void **state)
{
    (void)state;
    const struct etcd_op then[] = {{.kind = ETCD_PUT}},
                         otherwise[] = {{.kind = ETCD_GET}, {.kind = ETCD_DELETE}, {.kind = ETCD_GET}};
    const struct etcd_txn txn = {
        .compare_count = 1, .then = then, .then_count = 1, .otherwise = otherwise, .otherwise_count = 3};
    static const struct {
        const char *text;
        bool readable, succeeded;
        size_t gets;
    } cases[] = {
        {"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":\"6\"}}}]}", true,
         true, 0},
        {"{" HEADER
         ",\"responses\":[{\"response_range\":{\"header\":{\"revision\":\"6\"},\"kvs\":[{\"key\":\"YQ==\"}],\"count\":"
         "\"1\"}},{\"response_delete_range\":{}},{\"response_range\":{}}]}",
         true, false, 2},
        {"{" HEADER ",\"succeeded\":true}", false, true, 0},
        {"{" HEADER ",\"responses\":[]}", false, false, 0},
        {"{" HEADER ",\"responses\":[{},{},{}]}", false, false, 0},
        {"{" HEADER ",\"responses\":[1,2,3]}", false, false, 0},
        {"{" HEADER ",\"succeeded\":\"true\",\"responses\":[{}]}", false, false, 0},
        {"{}", false, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_arena arena = {0};
        struct etcd_txn_result result;
        json_t *root = parse(cases[i].text);
        if (answer_txn(root, &arena, &txn, &result) != cases[i].readable)
            fail_msg("case %zu", i);
        if (cases[i].readable) {
            assert_int_equal(result.succeeded, cases[i].succeeded);
            assert_int_equal(result.get_count, cases[i].gets);
            assert_int_equal(result.revision, 40);
            for (size_t g = 0; g < result.get_count; g++)
                assert_true(result.gets[g].cluster_id == 12197483443209476571u && result.gets[g].revision == 40);
        }
        json_decref(root);
        vx_arena_done(&arena);
    }
}

static void leases_tokens_members_and_alarms_are_read(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    int64_t lease, ttl_s;
    json_t *root = parse("{" HEADER ",\"ID\":\"2324035511042514725\",\"TTL\":\"5\"}");
    assert_true(answer_lease(root, &lease, &ttl_s));
    assert_true(lease == 2324035511042514725 && ttl_s == 5);
    json_decref(root);
    root = parse("{\"result\":{" HEADER ",\"ID\":\"7777\"}}\n"); /* a lease that is gone */
    assert_true(answer_lease(root, &lease, &ttl_s));
    assert_true(lease == 7777 && ttl_s == 0);
    json_decref(root);

    const char *token = NULL;
    root = parse("{" HEADER ",\"token\":\"biSyEvJAOhXuCgof.16\"}");
    assert_true(answer_token(root, &arena, &token));
    assert_string_equal(token, "biSyEvJAOhXuCgof.16");
    json_decref(root);
    static const char *const bad_tokens[] = {"{" HEADER "}", "{" HEADER ",\"token\":\"\"}", "{" HEADER ",\"token\":5}",
                                             "{" HEADER ",\"token\":\"a\\r\\nX: y\"}"};
    for (size_t i = 0; i < sizeof bad_tokens / sizeof *bad_tokens; i++) {
        root = parse(bad_tokens[i]);
        assert_false(answer_token(root, &arena, &token));
        json_decref(root);
    }

    struct etcd_status status = {0};
    root = parse("{" HEADER ",\"version\":\"3.4.23\",\"dbSize\":\"32768\",\"leader\":\"14841639068965178418\"}");
    assert_true(answer_status_of_member(root, &status));
    assert_string_equal(status.version, "3.4.23");
    assert_true(status.has_leader);
    json_decref(root);
    root = parse("{" HEADER ",\"version\":\"3.4.23\"}");
    assert_true(answer_status_of_member(root, &status));
    assert_false(status.has_leader);
    json_decref(root);
    root = parse("{" HEADER ",\"version\":\"a version that is longer than any version\"}");
    assert_false(answer_status_of_member(root, &status));
    json_decref(root);

    bool no_space;
    static const struct {
        const char *text;
        bool readable, no_space;
    } alarms[] = {
        {"{}", true, false},
        {"{" HEADER "}", true, false},
        {"{\"alarms\":[{\"memberID\":\"5\",\"alarm\":\"NOSPACE\"}]}", true, true},
        {"{\"alarms\":[{\"memberID\":\"5\",\"alarm\":\"CORRUPT\"},{}]}", true, false},
        {"{\"alarms\":5}", false, false},
    };
    for (size_t i = 0; i < sizeof alarms / sizeof *alarms; i++) {
        root = parse(alarms[i].text);
        assert_int_equal(answer_alarms(root, &no_space), alarms[i].readable);
        if (alarms[i].readable)
            assert_int_equal(no_space, alarms[i].no_space);
        json_decref(root);
    }
    vx_arena_done(&arena);
}

static void every_message_of_a_watch_is_read(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct answer_watch message;
    json_t *root = parse("{\"result\":{" HEADER ",\"watch_id\":\"7\",\"created\":true}}");
    assert_true(answer_watch(root, &arena, &message));
    assert_true(message.created && !message.canceled && message.count == 0 && message.revision == 40);
    json_decref(root);

    root = parse("{\"result\":{" HEADER
                 ",\"events\":[{\"kv\":{\"key\":\"dy9h\",\"create_revision\":\"37\",\"mod_revision\":\"38\","
                 "\"version\":\"2\",\"value\":\"Mg==\"}},{\"type\":\"DELETE\",\"kv\":{\"key\":\"dy9i\",\"mod_"
                 "revision\":\"40\"}},"
                 "{\"type\":\"PUT\",\"kv\":{\"key\":\"dy9h\",\"mod_revision\":\"40\"}}],\"fragment\":true}}");
    assert_true(answer_watch(root, &arena, &message));
    assert_int_equal(message.count, 3);
    assert_true(message.fragment);
    assert_false(message.events[0].deleted);
    assert_true(vx_span_is(message.events[0].kv.value, "2"));
    assert_true(message.events[1].deleted);
    assert_true(vx_span_is(message.events[1].kv.key, "w/b"));
    assert_false(message.events[2].deleted);
    json_decref(root);

    /* Compacted: the header has no revision. */
    root = parse("{\"result\":{\"header\":{\"cluster_id\":\"5\"},\"canceled\":true,\"compact_revision\":\"41\"}}");
    assert_true(answer_watch(root, &arena, &message));
    assert_true(message.canceled && message.compact_revision == 41);
    json_decref(root);

    root = parse("{\"result\":{" HEADER
                 ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,\"cancel_reason\":\"rpc error: code "
                 "= PermissionDenied desc = etcdserver: permission denied\"}}");
    assert_true(answer_watch(root, &arena, &message));
    assert_true(message.canceled && message.compact_revision == 0);
    assert_string_equal(message.cancel_reason,
                        "rpc error: code = PermissionDenied desc = etcdserver: permission denied");
    json_decref(root);

    static const char *const bad[] = {
        "{" HEADER ",\"events\":{}}",
        "{" HEADER ",\"events\":[5]}",
        "{" HEADER ",\"events\":[{}]}",
        "{" HEADER ",\"events\":[{\"kv\":{\"key\":\"YQ==\"}}]}",
        "{" HEADER ",\"events\":[{\"type\":\"MOVE\",\"kv\":{\"key\":\"YQ==\",\"mod_revision\":\"4\"}}]}",
        "{" HEADER ",\"created\":1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        root = parse(bad[i]);
        if (answer_watch(root, &arena, &message))
            fail_msg("read: %s", bad[i]);
        json_decref(root);
    }
    vx_arena_done(&arena);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static void a_stream_is_cut_into_lines_however_it_is_split(void **state)
{
    (void)state;
    static const char stream[] = "first\n\nthird line\n{\"error\":\"without newline\"}";
    static const char *const expected[] = {"first", "", "third line"};
    size_t len = sizeof stream - 1;
    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            struct answer_lines lines = {0};
            const size_t cuts[] = {0, a, b, len};
            size_t count = 0;
            for (int part = 0; part < 3; part++) {
                vx_buf_add(&lines.bytes, stream + cuts[part], cuts[part + 1] - cuts[part]);
                for (struct vx_span line; answer_lines_next(&lines, &line); count++) {
                    assert_true(count < 3);
                    assert_true(vx_span_is(line, expected[count]));
                }
            }
            assert_int_equal(count, 3);
            assert_true(vx_span_is(answer_lines_rest(&lines), "{\"error\":\"without newline\"}"));
            vx_buf_done(&lines.bytes);
        }
    }
    struct answer_lines empty = {0};
    struct vx_span line;
    assert_false(answer_lines_next(&empty, &line));
    assert_int_equal(answer_lines_rest(&empty).len, 0);
}

/* --- damage ------------------------------------------------------------------------------------------------------ */

/* Whatever the bytes are, reading them ends, and ends in one of the three shapes (the sanitizers watch). */
static void damaged_answers_never_do_harm(void **state)
{
    (void)state;
    static const char good[] =
        "{\"result\":{" HEADER
        ",\"created\":true,\"succeeded\":true,\"kvs\":[{\"key\":\"L3IvYw==\",\"mod_revision\":\"3\"}],"
        "\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"YQ==\"}]}}],\"token\":\"t\",\"ID\":\"5\",\"TTL\":"
        "\"5\",\"alarms\":[{}],"
        "\"events\":[{\"type\":\"DELETE\",\"kv\":{\"key\":\"dy9i\",\"mod_revision\":\"40\"}}],\"version\":\"3\"}}";
    const struct etcd_op get = {.kind = ETCD_GET};
    const struct etcd_txn txn = {.then = &get, .then_count = 1};
    char bytes[sizeof good];
    uint64_t seed = 1;
    size_t goods = 0;
    for (int round = 0; round < 60000; round++) {
        memcpy(bytes, good, sizeof good);
        size_t len = sizeof good - 1;
        for (int i = 0; i <= round % 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[(seed >> 33) % len] = "{}[]\",:0-9\\x\xff\x01"[(seed >> 20) % 15];
        }
        if (round < (int)len)
            len = (size_t)round;
        json_t *root = NULL;
        struct answer_error error;
        if (answer_parse(vx_span(bytes, len), &root, &error) != ANSWER_GOOD)
            continue;
        goods++;
        struct vx_arena arena = {0};
        struct etcd_range range;
        struct etcd_txn_result result;
        struct etcd_status status;
        struct answer_watch message;
        const char *token;
        int64_t lease, ttl_s;
        bool more;
        (void)answer_range(root, &arena, &range, &more);
        (void)answer_txn(root, &arena, &txn, &result);
        (void)answer_watch(root, &arena, &message);
        (void)answer_lease(root, &lease, &ttl_s);
        (void)answer_token(root, &arena, &token);
        (void)answer_status_of_member(root, &status);
        (void)answer_alarms(root, &more);
        vx_arena_done(&arena);
        json_decref(root);
    }
    assert_true(goods > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_error_is_read_and_understood),
        cmocka_unit_test(what_is_not_etcd_is_garbage),
        cmocka_unit_test(a_range_is_read_with_its_64_bit_numbers),
        cmocka_unit_test(ill_typed_members_make_an_answer_unreadable),
        cmocka_unit_test(a_transaction_is_read_by_the_branch_that_was_taken),
        cmocka_unit_test(leases_tokens_members_and_alarms_are_read),
        cmocka_unit_test(every_message_of_a_watch_is_read),
        cmocka_unit_test(a_stream_is_cut_into_lines_however_it_is_split),
        cmocka_unit_test(damaged_answers_never_do_harm),
    };
    return cmocka_run_group_tests_name("etcd_answer", tests, NULL, NULL);
}
