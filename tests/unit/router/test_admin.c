/* The admin port: each page, its code and type, over a real socket on a free port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/admin/admin.h"

static bool good(void *ctx, struct vx_buf *out)
{
    (void)ctx;
    vx_buf_str(out, "fine\n");
    return true;
}

static bool bad(void *ctx, struct vx_buf *out)
{
    (void)ctx;
    vx_buf_str(out, "not ready: because\n");
    return false;
}

static struct admin *start(void)
{
    struct admin *a;
    struct vx_err err;
    struct admin_setup setup = {
        .address = "127.0.0.1:0", .healthz = good, .readyz = bad, .metrics = good, .status = good};
    assert_int_equal(admin_start(&setup, &a, &err), VX_OK);
    return a;
}

static const char *ask(const struct admin *a, const char *request)
{
    static char answer[4096];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(admin_port(a))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    size_t len = 0;
    for (ssize_t n; (n = read(fd, answer + len, sizeof answer - 1 - len)) > 0;)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
    return answer;
}

static void each_page_has_its_code_and_type(void **state)
{
    static const struct {
        const char *request, *code, *contains;
    } cases[] = {
        {"GET /healthz HTTP/1.0\r\n\r\n", "200", "\r\n\r\nfine\n"},
        {"GET /readyz HTTP/1.0\r\n\r\n", "503", "\r\n\r\nnot ready: because\n"},
        {"GET /metrics HTTP/1.0\r\n\r\n", "200", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
        {"GET /status HTTP/1.0\r\n\r\n", "200", "Content-Type: application/json\r\n"},
        {"GET /else HTTP/1.0\r\n\r\n", "404", "/healthz /readyz /metrics /status\n"},
        {"POST /healthz HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "405", "only GET here\n"},
        {"nonsense\r\n\r\n", "400", ""},
    };
    (void)state;
    struct admin *a = start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *answer = ask(a, cases[i].request);
        if (cases[i].contains[0]) {
            assert_memory_equal(answer + strlen("HTTP/1.1 "), cases[i].code, 3);
            assert_non_null(strstr(answer, cases[i].contains));
        }
    }
    admin_stop(a);
}

static void a_taken_port_is_an_error_with_its_address(void **state)
{
    (void)state;
    struct admin *a = start(), *b;
    struct vx_err err;
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", admin_port(a));
    struct admin_setup setup = {.address = address, .healthz = good, .readyz = good, .metrics = good, .status = good};
    enum vx_status st = admin_start(&setup, &b, &err);
    if (st == VX_OK)
        admin_stop(b);
    assert_int_equal(st, VX_EIO);
    assert_non_null(strstr(err.message, address));
    admin_stop(a);
}

static void it_answers_where_more_than_1024_files_are_open(void **state)
{
    enum { OPEN = 1100 };
    int files[OPEN];
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < OPEN + 100 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        skip();
    struct admin *a = start();
    for (int i = 0; i < OPEN; i++)
        files[i] = dup(STDOUT_FILENO);
    const char *answer = ask(a, "GET /healthz HTTP/1.0\r\n\r\n");
    for (int i = 0; i < OPEN; i++)
        close(files[i]);
    assert_non_null(strstr(answer, "\r\n\r\nfine\n"));
    admin_stop(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_has_its_code_and_type),
        cmocka_unit_test(a_taken_port_is_an_error_with_its_address),
        cmocka_unit_test(it_answers_where_more_than_1024_files_are_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
