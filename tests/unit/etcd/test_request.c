/* Requests, compared as whole texts: the gateway ignores names that it does not know, so a typo would go unnoticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/utf8.h"
#include "core/etcd/request.h"

static void assert_text(struct vx_buf *out, const char *expected)
{
    assert_string_equal(vx_buf_text(out), expected);
    vx_buf_done(out);
}

static void ranges_are_spelled_exactly(void **state)
{
    (void)state;
    static const struct {
        struct request_range range;
        const char *text;
    } cases[] = {
        {{.key = VX_SPAN_LITERAL("/r/a")}, "{\"key\":\"L3IvYQ==\"}"},
        {{.key = VX_SPAN_LITERAL("/r/"), .end = VX_SPAN_LITERAL("/r0")}, "{\"key\":\"L3Iv\",\"range_end\":\"L3Iw\"}"},
        {{.key = VX_SPAN_LITERAL("\0"), .limit = 5, .revision = 9},
         "{\"key\":\"AA==\",\"limit\":\"5\",\"revision\":\"9\"}"},
        {{.key = VX_SPAN_LITERAL("a"), .descending = true},
         "{\"key\":\"YQ==\",\"sort_order\":\"DESCEND\",\"sort_target\":\"KEY\"}"},
        {{.key = VX_SPAN_LITERAL("a"), .newest_first = true, .keys_only = true},
         "{\"key\":\"YQ==\",\"sort_order\":\"DESCEND\",\"sort_target\":\"MOD\",\"keys_only\":true}"},
        {{.key = VX_SPAN_LITERAL("a"), .serializable = true}, "{\"key\":\"YQ==\",\"serializable\":true}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_buf out = {0};
        request_range(&out, &cases[i].range);
        assert_text(&out, cases[i].text);
    }
}

static void the_end_of_a_prefix_is_the_next_one(void **state)
{
    (void)state;
    static const struct {
        struct vx_span prefix, end;
    } cases[] = {
        {VX_SPAN_LITERAL("/r/"), VX_SPAN_LITERAL("/r0")},     {VX_SPAN_LITERAL("a\xff"), VX_SPAN_LITERAL("b")},
        {VX_SPAN_LITERAL("a\xfe"), VX_SPAN_LITERAL("a\xff")}, {VX_SPAN_LITERAL("a\xff\xff"), VX_SPAN_LITERAL("b")},
        {VX_SPAN_LITERAL("\xff\xff"), VX_SPAN_LITERAL("\0")}, {VX_SPAN_LITERAL(""), VX_SPAN_LITERAL("\0")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_buf out = {0};
        request_prefix_end(&out, cases[i].prefix);
        assert_true(vx_span_equal(vx_buf_view(&out), cases[i].end));
        vx_buf_done(&out);
    }
}

static void transactions_are_spelled_exactly(void **state)
{
    (void)state;
    const struct vx_span k = VX_SPAN_LITERAL("k"), v = VX_SPAN_LITERAL("v");
    const struct etcd_compare compares[] = {
        {.key = k, .target = ETCD_CREATE_REVISION, .result = ETCD_EQUAL, .number = 0},
        {.key = k, .target = ETCD_MOD_REVISION, .result = ETCD_GREATER, .number = 3},
        {.key = k, .target = ETCD_VERSION, .result = ETCD_LESS, .number = INT64_MAX},
        {.key = k, .target = ETCD_VALUE, .result = ETCD_NOT_EQUAL, .value = v},
    };
    const struct etcd_op then[] = {
        {.kind = ETCD_PUT, .key = k, .value = v, .lease = 7777},
        {.kind = ETCD_PUT, .key = k},
        {.kind = ETCD_DELETE, .key = k},
        {.kind = ETCD_DELETE, .key = k, .prefix = true},
    };
    const struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = k},
                                        {.kind = ETCD_GET, .key = k, .prefix = true, .keys_only = true}};
    struct vx_buf out = {0};
    request_txn(&out, &(struct etcd_txn){.compares = compares,
                                         .compare_count = 4,
                                         .then = then,
                                         .then_count = 4,
                                         .otherwise = otherwise,
                                         .otherwise_count = 2});
    assert_text(&out,
                "{\"compare\":["
                "{\"key\":\"aw==\",\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\"0\"},"
                "{\"key\":\"aw==\",\"target\":\"MOD\",\"result\":\"GREATER\",\"mod_revision\":\"3\"},"
                "{\"key\":\"aw==\",\"target\":\"VERSION\",\"result\":\"LESS\",\"version\":\"9223372036854775807\"},"
                "{\"key\":\"aw==\",\"target\":\"VALUE\",\"result\":\"NOT_EQUAL\",\"value\":\"dg==\"}],"
                "\"success\":["
                "{\"request_put\":{\"key\":\"aw==\",\"value\":\"dg==\",\"lease\":\"7777\"}},"
                "{\"request_put\":{\"key\":\"aw==\",\"value\":\"\"}},"
                "{\"request_delete_range\":{\"key\":\"aw==\"}},"
                "{\"request_delete_range\":{\"key\":\"aw==\",\"range_end\":\"bA==\"}}],"
                "\"failure\":["
                "{\"request_range\":{\"key\":\"aw==\"}},"
                "{\"request_range\":{\"key\":\"aw==\",\"range_end\":\"bA==\",\"keys_only\":true}}]}");
    request_txn(&out, &(struct etcd_txn){0});
    assert_text(&out, "{\"compare\":[],\"success\":[],\"failure\":[]}");
}

static void leases_watches_and_users_are_spelled_exactly(void **state)
{
    (void)state;
    struct vx_buf out = {0};
    request_lease_grant(&out, 10);
    assert_text(&out, "{\"TTL\":\"10\"}");
    request_lease(&out, INT64_MAX);
    assert_text(&out, "{\"ID\":\"9223372036854775807\"}");
    request_watch(&out, VX_SPAN_LITERAL("wo/"), VX_SPAN_LITERAL("wo0"), 37);
    assert_text(
        &out,
        "{\"create_request\":{\"key\":\"d28v\",\"range_end\":\"d28w\",\"start_revision\":\"37\",\"fragment\":true}}");
    request_watch(&out, VX_SPAN_LITERAL("wo"), vx_span(NULL, 0), 1);
    assert_text(&out, "{\"create_request\":{\"key\":\"d28=\",\"start_revision\":\"1\",\"fragment\":true}}");
    request_authenticate(&out, "ro\"uter", "p\\w\n");
    assert_text(&out, "{\"name\":\"ro\\\"uter\",\"password\":\"p\\\\w\\n\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_spelled_exactly),
        cmocka_unit_test(the_end_of_a_prefix_is_the_next_one),
        cmocka_unit_test(transactions_are_spelled_exactly),
        cmocka_unit_test(leases_watches_and_users_are_spelled_exactly),
    };
    return cmocka_run_group_tests_name("etcd_request", tests, NULL, NULL);
}
