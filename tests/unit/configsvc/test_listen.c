/* Which addresses configsvc listens on, and which Host and Origin it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "configsvc/api/listen.h"

static void loopback_addresses_load_and_print_back(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"127.0.0.1:9643", "127.0.0.1:9643"}, {"127.3.2.1:1", "127.3.2.1:1"},         {"localhost:80", "127.0.0.1:80"},
        {"[::1]:9643", "[::1]:9643"},         {"127.0.0.1:65535", "127.0.0.1:65535"}, {"127.0.0.1:0", "127.0.0.1:0"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct listen_address a;
        char text[LISTEN_TEXT_SIZE];
        assert_int_equal(listen_load(table[i][0], &a, NULL), VX_OK);
        listen_print(&a, text);
        assert_string_equal(text, table[i][1]);
    }
}

static void other_addresses_are_refused_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum vx_status code;
        const char *message;
    } table[] = {
        {"0.0.0.0:9643", VX_EDENIED,
         "will not listen on 0.0.0.0:9643: there is no authentication yet, so only addresses of the loopback are "
         "allowed, such "
         "as 127.0.0.1:9643"},
        {"192.168.1.5:80", VX_EDENIED,
         "will not listen on 192.168.1.5:80: there is no authentication yet, so only addresses of the loopback are "
         "allowed, "
         "such as 127.0.0.1:80"},
        {"[::]:1", VX_EDENIED,
         "will not listen on [::]:1: there is no authentication yet, so only addresses of the loopback are allowed, "
         "such as "
         "127.0.0.1:1"},
        {"127.0.0.1", VX_EINVAL, "`127.0.0.1` is not an address with a port, such as 127.0.0.1:9643"},
        {"127.0.0.1:65536", VX_EINVAL, "`127.0.0.1:65536` is not an address with a port, such as 127.0.0.1:9643"},
        {"127.0.0.1:x", VX_EINVAL, "`127.0.0.1:x` is not an address with a port, such as 127.0.0.1:9643"},
        {":9643", VX_EINVAL, "`:9643` is not an address with a port, such as 127.0.0.1:9643"},
        {"::1:9643", VX_EINVAL, "`::1:9643` is not an address with a port, such as 127.0.0.1:9643"},
        {"[::1", VX_EINVAL, "`[::1` is not an address with a port, such as 127.0.0.1:9643"},
        {"example.org:80", VX_EINVAL, "`example.org:80` is not an address with a port, such as 127.0.0.1:9643"},
        {"", VX_EINVAL, "`` is not an address with a port, such as 127.0.0.1:9643"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct listen_address a;
        struct vx_err err = {0};
        assert_int_equal(listen_load(table[i].text, &a, &err), table[i].code);
        assert_string_equal(err.message, table[i].message);
    }
}

static void only_hosts_of_this_machine_are_answered(void **state)
{
    (void)state;
    static const char *const yes[] = {"localhost",   "LocalHost:9643", "127.0.0.1", "127.0.0.1:9643",
                                      "127.9.9.9:1", "[::1]",          "[::1]:9643"};
    static const char *const no[] = {"",           "evil.example", "evil.example:9643", "localhost.evil.example",
                                     "10.0.0.1",   "127.0.0.1.x",  "127.0.0.1:99999",   "[::2]",
                                     "::1",        "localhost:",   "localhost:1:2",     "[127.0.0.1]",
                                     "0x7f.1:9643"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(listen_host_allowed(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(listen_host_allowed(no[i]));
}

static void only_pages_of_this_machine_may_ask(void **state)
{
    (void)state;
    assert_true(listen_origin_allowed("http://localhost:9643"));
    assert_true(listen_origin_allowed("http://127.0.0.1:3000"));
    assert_false(listen_origin_allowed("null"));
    assert_false(listen_origin_allowed("https://evil.example"));
    assert_false(listen_origin_allowed("http://evil.example"));
    assert_false(listen_origin_allowed("http://localhost.evil.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_addresses_load_and_print_back),
        cmocka_unit_test(other_addresses_are_refused_with_a_sentence),
        cmocka_unit_test(only_hosts_of_this_machine_are_answered),
        cmocka_unit_test(only_pages_of_this_machine_may_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
