/* The API over its socket: what is refused before any handler runs, that no client can hold up another, and that a stop
 * lets running requests finish. etcd is not there: what needs it answers 503 or 504. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "configsvc/api/api.h"
#include "core/base/clock.h"
#include "core/base/log.h"

static struct etcd *etcd;
static struct api *api;
static int silent = -1; /* a listener that accepts connections and never answers */
static int port;

static int start(void)
{
    const struct api_config config = {.listen = "127.0.0.1:0", .name = "configsvc@test", .etcd = etcd};
    struct vx_err err = {0};
    if (api_start(&config, &api, &err) != VX_OK)
        return 1;
    port = atoi(strrchr(api_address(api), ':') + 1);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    char url[64];
    vx_log_set_level(VX_LOG_ERROR);
    silent = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(silent, (struct sockaddr *)&at, sizeof at) || listen(silent, 64) ||
        getsockname(silent, (struct sockaddr *)&at, &len))
        return 1;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    const char *endpoints[] = {url};
    const struct etcd_config config = {.endpoints = endpoints, .endpoint_count = 1};
    return etcd_new(&config, &etcd, NULL) != VX_OK || start();
}

static int tear_down(void **state)
{
    (void)state;
    api_stop(api);
    etcd_free(etcd);
    close(silent);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Reads until the other side closes; NUL-terminated, freed by the caller. */
static char *hear(int fd)
{
    size_t len = 0, room = 1 << 20;
    char *text = malloc(room);
    assert_non_null(text);
    for (ssize_t n = 1; n > 0 && len < room - 1; len += (size_t)n)
        if ((n = recv(fd, text + len, room - 1 - len, 0)) < 0)
            n = 0;
    text[len] = '\0';
    close(fd);
    return text;
}

/* Sends a whole request and checks the start of the status line and a piece of the answer. */
static void ask(const char *request, const char *status, const char *piece)
{
    int fd = dial();
    say(fd, request);
    char *answer = hear(fd);
    if (strncmp(answer, status, strlen(status)) != 0 || !strstr(answer, piece))
        fail_msg("%s\n--- wanted %s ... %s\n--- got\n%s", request, status, piece, answer);
    free(answer);
}

/* The same for a POST with a JSON body. */
static void ask_json(const char *path, const char *body, const char *status, const char *piece)
{
    char request[4096];
    snprintf(request, sizeof request,
             "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s",
             path, strlen(body), body);
    ask(request, status, piece);
}

#define CLOSE "Connection: close\r\n\r\n"
#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"

static void good_requests_are_answered(void **state)
{
    (void)state;
    ask("GET /healthz HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200", "{\"status\":\"ok\",\"name\":\"configsvc@test\"");
    ask("HEAD /healthz HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200", "Content-Length: ");
    ask("GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1", "\"status\":\"ok\"");
    ask("GET /healthz HTTP/1.1\r\nHost: [::1]:9643\r\nOrigin: http://localhost:9643\r\n" CLOSE, "HTTP/1.1 200", "ok");
}

static void foreign_hosts_and_pages_are_refused(void **state)
{
    (void)state;
    ask("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n" CLOSE, "HTTP/1.1 403", "\"code\":\"forbidden\"");
    ask("GET /healthz HTTP/1.1\r\n" HOST "Origin: https://evil.example\r\n" CLOSE, "HTTP/1.1 403",
        "\"code\":\"forbidden\"");
    ask("DELETE /v1/fleets/a/lock HTTP/1.1\r\n" HOST "Origin: null\r\n" CLOSE, "HTTP/1.1 403",
        "\"code\":\"forbidden\"");
}

static void a_post_that_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const types[] = {"", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n",
                                        "Content-Type: application/x-www-form-urlencoded\r\n"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "POST /v1/fleets/a/activate HTTP/1.1\r\n" HOST "%sContent-Length: 2\r\n" CLOSE "{}", types[i]);
        ask(request, "HTTP/1.1 415", "a POST needs the header Content-Type: application/json");
    }
    ask("POST /v1/fleets/a/activate HTTP/1.1\r\n" HOST
        "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n" CLOSE "{}",
        "HTTP/1.1 400", "`release` must be the number of a release");
}

static void malformed_json_has_its_place(void **state)
{
    (void)state;
    ask("POST /v1/fleets/a/activate HTTP/1.1\r\n" HOST JSON "Content-Length: 14\r\n" CLOSE "{\n \"release\":}",
        "HTTP/1.1 400", "the body is not JSON at line 2, column 12");
    ask("POST /v1/fleets/a/activate HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n" CLOSE "[]", "HTTP/1.1 400",
        "the body must be a JSON object");
    ask("POST /v1/fleets/a/releases HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n" CLOSE "{}", "HTTP/1.1 400",
        "`message` must say what this release changes");
    ask("POST /v1/fleets/a/validate HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n" CLOSE "{}", "HTTP/1.1 400",
        "`documents` must be a list of");
}

static void too_large_bodies_are_refused_unread(void **state)
{
    (void)state;
    ask("POST /v1/fleets/a/validate HTTP/1.1\r\n" HOST JSON "Content-Length: 67108865\r\n" CLOSE, "HTTP/1.1 413",
        "the body is larger than 64 MiB");
    ask("POST /v1/fleets/a/validate HTTP/1.1\r\n" HOST JSON "Content-Length: 99999999999999999999\r\n" CLOSE,
        "HTTP/1.1 4", "");
}

static void chunked_bodies_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    enum { CHUNK = 1024 * 1024 };
    char *chunk = malloc(CHUNK + 1);
    assert_non_null(chunk);
    memset(chunk, ' ', CHUNK);
    chunk[CHUNK] = '\0';
    int fd = dial();
    say(fd, "POST /v1/fleets/a/validate HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n" CLOSE);
    for (int i = 0; i <= API_BODY_MAX_BYTES / CHUNK; i++) {
        say(fd, "100000\r\n");
        say(fd, chunk);
        say(fd, "\r\n");
    }
    say(fd, "0\r\n\r\n");
    char *answer = hear(fd);
    assert_int_equal(strncmp(answer, "HTTP/1.1 413", 12), 0);
    free(answer);
    free(chunk);
}

static void unknown_routes_and_methods_say_what_there_is(void **state)
{
    (void)state;
    ask("GET /nope HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 404", "there is no /nope; there is: GET /v1/fleets, ");
    ask("PUT /v1/fleets/a/lock HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 405", "Allow: GET, DELETE\r\n");
    ask("GET /v1/fleets/a/audit?limt=1 HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 400", "did you mean `limit`?");
}

static void documents_are_checked_without_etcd(void **state)
{
    (void)state;
    ask_json(
        "/v1/fleets/a/validate", "{\"documents\":[{\"path\":\"f\",\"text\":\"kind: flet\\nname: x\\n\"}]}",
        "HTTP/1.1 200",
        "\"valid\":false,\"documents\":0,\"findings\":[{\"severity\":\"error\",\"file\":\"f\",\"line\":1,\"column\":7");
    ask_json("/v1/fleets/a/validate",
             "{\"documents\":[{\"path\":\"f\",\"line\":7,\"text\":\"kind: flet\\nname: x\\n\"}]}", "HTTP/1.1 200",
             "\"file\":\"f\",\"line\":7,\"column\":7");
    ask_json("/v1/fleets/a/validate", "{\"documents\":[{\"path\":\"f\",\"text\":\"kind: fleet\\nname: x\\n\"}]}",
             "HTTP/1.1 200", "{\"valid\":true,\"documents\":1,\"findings\":[]}");
    ask_json("/v1/fleets/a/releases",
             "{\"message\":\"m\",\"documents\":[{\"path\":\"f\",\"text\":\"kind: flet\\nname: x\\n\"}]}",
             "HTTP/1.1 422", "{\"error\":{\"code\":\"invalid\",\"message\":\"refused: 1 error\",\"findings\":[{");
}

static void texts_of_any_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char *const texts[] = {"\\u0000",
                                        "kind: fleet\\nname: \\u0000",
                                        "\\ud800",
                                        "\\ufeffkind: fleet\\nname: x",
                                        "[[[[[[[[[[",
                                        "&a [*a]",
                                        "%YAML 9.9\\n---\\n",
                                        "- - - - -",
                                        "? : ? :",
                                        "\\t\\t",
                                        ""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"documents\":[{\"path\":\"f\",\"text\":\"%s\"}]}", texts[i]);
        ask_json("/v1/fleets/a/validate", body, "HTTP/1.1 200", "{\"valid\":");
    }
}

static void garbage_does_no_harm(void **state)
{
    (void)state;
    static const char *const table[] = {"\x16\x03\x01\x02",
                                        "GET\r\n\r\n",
                                        "\r\n\r\n\r\n",
                                        "GET / HTTP/9.9\r\n\r\n",
                                        "POST /v1/fleets HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                        "GET /%00%ff%2e%2e/ HTTP/1.1\r\n" HOST CLOSE,
                                        "GET /\xff\xfe HTTP/1.1\r\n" HOST CLOSE};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int fd = dial();
        say(fd, table[i]);
        shutdown(fd, SHUT_WR);
        free(hear(fd));
    }
    ask("GET /healthz HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200", "ok");
}

static void half_requests_hold_up_nobody(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = dial();
        say(fds[i],
            i % 2 ? "GET /heal" : "POST /v1/fleets/a/validate HTTP/1.1\r\n" HOST JSON "Content-Length: 1000\r\n\r\n{");
    }
    int64_t began = vx_clock_ms();
    ask("GET /healthz HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200", "ok");
    assert_true(vx_clock_ms() - began < 2000);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
}

/* A request that waits for etcd. */
static void *slow_request(void *arg)
{
    char **answer = arg;
    int fd = dial();
    say(fd, "GET /readyz HTTP/1.1\r\n" HOST CLOSE);
    *answer = hear(fd);
    return NULL;
}

static void waiting_for_etcd_holds_up_nobody_and_ends(void **state)
{
    (void)state;
    pthread_t thread;
    char *answer;
    assert_int_equal(pthread_create(&thread, NULL, slow_request, &answer), 0);
    int64_t began = vx_clock_ms();
    ask("GET /healthz HTTP/1.1\r\n" HOST CLOSE, "HTTP/1.1 200", "ok");
    assert_true(vx_clock_ms() - began < 2000);
    pthread_join(thread, NULL);
    assert_int_equal(strncmp(answer, "HTTP/1.1 503", 12), 0);
    assert_non_null(strstr(answer, "\"code\":\"unavailable\""));
    free(answer);
}

static void a_stop_lets_running_requests_finish(void **state)
{
    (void)state;
    pthread_t thread;
    char *answer;
    assert_int_equal(pthread_create(&thread, NULL, slow_request, &answer), 0);
    usleep(300 * 1000); /* it is under way */
    api_stop(api);
    api = NULL;
    pthread_join(thread, NULL);
    assert_int_equal(strncmp(answer, "HTTP/1.1 503", 12), 0);
    free(answer);
    assert_int_equal(start(), 0);
}

static void a_taken_port_is_said(void **state)
{
    (void)state;
    struct api *second;
    struct vx_err err = {0};
    const struct api_config config = {.listen = api_address(api), .name = "x", .etcd = etcd};
    char wanted[128];
    assert_int_equal(api_start(&config, &second, &err), VX_EIO);
    snprintf(wanted, sizeof wanted, "cannot listen on %s: is something else listening there?", api_address(api));
    assert_string_equal(err.message, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_answered),
        cmocka_unit_test(foreign_hosts_and_pages_are_refused),
        cmocka_unit_test(a_post_that_is_not_json_is_refused),
        cmocka_unit_test(malformed_json_has_its_place),
        cmocka_unit_test(too_large_bodies_are_refused_unread),
        cmocka_unit_test(chunked_bodies_beyond_the_limit_are_refused),
        cmocka_unit_test(unknown_routes_and_methods_say_what_there_is),
        cmocka_unit_test(documents_are_checked_without_etcd),
        cmocka_unit_test(texts_of_any_bytes_do_no_harm),
        cmocka_unit_test(garbage_does_no_harm),
        cmocka_unit_test(half_requests_hold_up_nobody),
        cmocka_unit_test(waiting_for_etcd_holds_up_nobody_and_ends),
        cmocka_unit_test(a_taken_port_is_said),
        cmocka_unit_test(a_stop_lets_running_requests_finish),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
