/* The table of routes: what is found, what is refused, and how it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "configsvc/api/routes.h"

static void paths_find_their_route(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *pattern, *fleet, *release;
    } table[] = {
        {"GET", "/v1/fleets", "/v1/fleets", "", ""},
        {"GET", "/v1/fleets/github/releases", "/v1/fleets/{fleet}/releases", "github", ""},
        {"POST", "/v1/fleets/github/releases", "/v1/fleets/{fleet}/releases", "github", ""},
        {"GET", "/v1/fleets/a/releases/42", "/v1/fleets/{fleet}/releases/{release}", "a", "42"},
        {"GET", "/v1/fleets/a/releases/running", "/v1/fleets/{fleet}/releases/{release}", "a", "running"},
        {"HEAD", "/healthz", "/healthz", "", ""},
        {"DELETE", "/v1/fleets/a/lock", "/v1/fleets/{fleet}/lock", "a", ""},
        {"POST", "/v1/fleets/validate/validate", "/v1/fleets/{fleet}/validate", "validate", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct routes_match m;
        routes_find(table[i].method, table[i].path, &m);
        assert_non_null(m.route);
        assert_string_equal(m.route->pattern, table[i].pattern);
        assert_true(vx_span_is(m.fleet, table[i].fleet));
        assert_true(vx_span_is(m.release, table[i].release));
    }
}

static void unknown_paths_and_methods_find_none(void **state)
{
    (void)state;
    static const char *const table[][3] = {
        /* method, path, what is allowed there */
        {"PUT", "/v1/fleets/a/lock", "GET, DELETE"},
        {"GET", "/v1/fleets/a/activate", "POST"},
        {"DELETE", "/v1/fleets", "GET"},
        {"POST", "/healthz", "GET"},
        {"GET", "/", ""},
        {"GET", "", ""},
        {"GET", "/v1/fleets/", ""},
        {"GET", "/v1/fleets//pointer", ""},
        {"GET", "/v1/fleets/a/pointer/", ""},
        {"GET", "/v1/fleets/a/pointer/x", ""},
        {"GET", "/v2/fleets", ""},
        {"GET", "v1/fleets", ""},
        {"GET", "/healthz/", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct routes_match m;
        routes_find(table[i][0], table[i][1], &m);
        assert_null(m.route);
        assert_string_equal(m.allow, table[i][2]);
    }
}

static void every_row_is_complete_and_there_once(void **state)
{
    (void)state;
    size_t count;
    const struct api_route *rows = routes_all(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(strcmp(rows[i].method, "GET") == 0 || strcmp(rows[i].method, "POST") == 0 ||
                    strcmp(rows[i].method, "DELETE") == 0);
        assert_non_null(rows[i].handle);
        assert_true(rows[i].help[0] != '\0');
        assert_true(strcmp(rows[i].method, "POST") == 0 || rows[i].fields[0] == '\0');
        for (size_t k = 0; k < i; k++)
            assert_false(strcmp(rows[i].method, rows[k].method) == 0 && strcmp(rows[i].pattern, rows[k].pattern) == 0);
    }
}

static void a_wrong_method_says_which_are_right(void **state)
{
    (void)state;
    struct routes_match m;
    struct reply re = {0};
    routes_find("PUT", "/v1/fleets/a/lock", &m);
    routes_unknown(&m, "PUT", "/v1/fleets/a/lock", &re);
    assert_int_equal(re.status, 405);
    assert_string_equal(
        vx_buf_text(&re.body),
        "{\"error\":{\"code\":\"method_not_allowed\",\"message\":\"/v1/fleets/a/lock does not know PUT; it "
        "knows GET, DELETE\",\"findings\":[]}}");
    vx_buf_done(&re.body);
}

static void an_unknown_path_lists_what_there_is(void **state)
{
    (void)state;
    struct routes_match m;
    struct reply re = {0};
    size_t count;
    const struct api_route *rows = routes_all(&count);
    routes_find("GET", "/v1/flets", &m);
    routes_unknown(&m, "GET", "/v1/flets", &re);
    assert_int_equal(re.status, 404);
    for (size_t i = 0; i < count; i++)
        assert_non_null(strstr(vx_buf_text(&re.body), rows[i].pattern));
    vx_buf_done(&re.body);
}

/* Calls a route with a body and a query parameter; etcd is never reached. */
static void call(const char *method, const char *path, const char *body, const char *query, struct reply *re)
{
    struct routes_match m;
    struct request rq = {.author = "test", .client = "127.0.0.1", .replica = "test"};
    routes_find(method, path, &m);
    assert_non_null(m.route);
    if (body)
        assert_int_equal(wire_parse(vx_span_str(body), &rq.body, NULL), VX_OK);
    if (query)
        rq.query[rq.query_count++] = (struct request_pair){query, "1"};
    routes_call(&m, &rq, re);
    vx_arena_done(&rq.arena);
}

static void unknown_names_and_wrong_types_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *body, *query, *message;
    } table[] = {
        {"GET", "/v1/fleets/a/audit", NULL, "limt", "unknown query parameter `limt`; did you mean `limit`?"},
        {"GET", "/v1/fleets/a/audit", NULL, "zzz", "unknown query parameter `zzz`; known: limit"},
        {"GET", "/v1/fleets", NULL, "zzz", "unknown query parameter `zzz`; known: none"},
        {"POST", "/v1/fleets/a/activate", "{\"realease\":1}", NULL,
         "unknown member `realease`; did you mean `release`?"},
        {"POST", "/v1/fleets/a/releases", "{\"expect_head\":\"7\"}", NULL,
         "`expect_head` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/releases", "{\"expect_head\":7.0}", NULL, "`expect_head` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/releases", "{\"expect_head\":-1}", NULL, "`expect_head` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/releases", "{\"expect_head\":99999999999999999999}", NULL,
         "`expect_head` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/releases", "{\"expect_head\":\"7\",\"expect_head\":7}", NULL,
         "`expect_head` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/activate", "{\"expect_generation\":true}", NULL,
         "`expect_generation` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/rollback", "{\"expect_generation\":[]}", NULL,
         "`expect_generation` must be a whole number from 0"},
        {"POST", "/v1/fleets/a/releases", "{\"message\":5}", NULL, "`message` must be a text"},
        {"POST", "/v1/fleets/a/releases", "{\"request_id\":5}", NULL, "`request_id` must be a text"},
        {"POST", "/v1/fleets/a/releases", "{\"author\":{}}", NULL, "`author` must be a text"},
        {"GET", "/v1/fleets/A/audit", NULL, NULL,
         "`A` cannot be a fleet: 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reply re = {0};
        struct json_value root;
        struct vx_arena arena = {0};
        call(table[i].method, table[i].path, table[i].body, table[i].query, &re);
        assert_int_equal(re.status, 400);
        assert_int_equal(wire_parse(vx_buf_view(&re.body), &root, NULL), VX_OK);
        struct json_value error = wire_get(root, "error");
        assert_string_equal(wire_get_str(error, "code", &arena, ""), "bad_request");
        assert_string_equal(wire_get_str(error, "message", &arena, ""), table[i].message);
        vx_arena_done(&arena);
        vx_buf_done(&re.body);
    }
}

static void statuses_become_http(void **state)
{
    (void)state;
    static const struct {
        enum vx_status code;
        int http;
        const char *label;
    } table[] = {
        {VX_EINVAL, 422, "invalid"},           {VX_ELIMIT, 422, "limit"},   {VX_ENOTFOUND, 404, "not_found"},
        {VX_ECONFLICT, 409, "conflict"},       {VX_EEXIST, 409, "exists"},  {VX_ETIMEOUT, 504, "timeout"},
        {VX_EUNAVAILABLE, 503, "unavailable"}, {VX_EDENIED, 503, "denied"}, {VX_ENOSPACE, 507, "no_space"},
        {VX_ECORRUPT, 500, "corrupt"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reply re = {0};
        struct vx_err err = {0};
        vx_err_set(&err, table[i].code, "why");
        reply_failure(&re, &err);
        assert_int_equal(re.status, table[i].http);
        assert_non_null(strstr(vx_buf_text(&re.body), table[i].label));
        assert_non_null(strstr(vx_buf_text(&re.body), "\"message\":\"why\""));
        vx_buf_done(&re.body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_route),
        cmocka_unit_test(unknown_paths_and_methods_find_none),
        cmocka_unit_test(every_row_is_complete_and_there_once),
        cmocka_unit_test(a_wrong_method_says_which_are_right),
        cmocka_unit_test(an_unknown_path_lists_what_there_is),
        cmocka_unit_test(unknown_names_and_wrong_types_are_refused),
        cmocka_unit_test(statuses_become_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
