/* configsvc.conf and the command line of veltrix-configsvc: exact words and exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "program.h"

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, program_dir());
    program_write(dir, "good.conf",
                  "listen = \"127.0.0.1:9000\"\netcd {\n  endpoints = {\"http://127.0.0.1:2379\"}\n"
                  "  password = \"${SECRET}\"\n}\n");
    program_write(dir, "open.conf",
                  "listen = \"0.0.0.0:9643\"\netcd {\n  endpoints = {\"http://127.0.0.1:2379\"}\n}\n");
    program_write(dir, "short.conf", "log_level = info\n");
    program_write(dir, "typo.conf",
                  "lissten = \"127.0.0.1:1\"\netcd {\n  endpoints = {\"http://127.0.0.1:2379\"}\n}\n");
    program_write(dir, "url.conf", "etcd {\n  endpoints = {\"127.0.0.1\"}\n}\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_clean(dir);
    return 0;
}

static void the_sample_is_right(void **state)
{
    (void)state;
    const struct program_result *r =
        program_run(dir, "veltrix-configsvc -c " VELTRIX_SOURCE_DIR "/configs/configsvc.conf --check");
    assert_string_equal(r->err, "");
    assert_string_equal(r->out, VELTRIX_SOURCE_DIR "/configs/configsvc.conf: fine\n");
    assert_int_equal(r->code, 0);
}

static void what_is_printed_loads_again_and_hides_secrets(void **state)
{
    (void)state;
    struct program_result first = *program_run(dir, "SECRET=hush veltrix-configsvc -c good.conf --print");
    assert_int_equal(first.code, 0);
    assert_non_null(strstr(first.out, "listen = \"127.0.0.1:9000\"\n"));
    assert_non_null(strstr(first.out, "log_level = info\n"));
    assert_null(strstr(first.out, "hush"));
    program_write(dir, "again.conf", first.out);
    assert_string_equal(program_run(dir, "veltrix-configsvc -c again.conf --print")->out, first.out);
}

static void a_public_address_is_refused(void **state)
{
    (void)state;
    const struct program_result *r = program_run(dir, "veltrix-configsvc -c open.conf");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->err,
                        "open.conf: error: listen: will not listen on 0.0.0.0:9643: there is no authentication yet, "
                        "so only addresses of the loopback are allowed, such as 127.0.0.1:9643\n");
}

static void errors_of_the_file_have_their_place(void **state)
{
    (void)state;
    const struct program_result *r = program_run(dir, "veltrix-configsvc -c typo.conf --check");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->err, "typo.conf:1:"));
    assert_non_null(strstr(r->err, "did you mean `listen`?"));
    r = program_run(dir, "veltrix-configsvc -c short.conf --check");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->err, "endpoints"));
    r = program_run(dir, "veltrix-configsvc -c nosuch.conf --check");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->err, "nosuch.conf: error: cannot be read: No such file or directory"));
    r = program_run(dir, "env -u SECRET veltrix-configsvc -c good.conf --check");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->err, "SECRET"));
}

static void a_wrong_endpoint_is_found_by_check_and_by_start(void **state)
{
    (void)state;
    static const char *const commands[] = {"veltrix-configsvc -c url.conf --check", "veltrix-configsvc -c url.conf"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct program_result *r = program_run(dir, commands[i]);
        assert_int_equal(r->code, 1);
        assert_non_null(strstr(r->err, "url.conf: error: etcd endpoint `"));
    }
}

static void a_wrong_call_is_usage(void **state)
{
    (void)state;
    assert_int_equal(program_run(dir, "veltrix-configsvc")->code, 2);
    assert_int_equal(program_run(dir, "veltrix-configsvc -c good.conf more")->code, 2);
    assert_int_equal(program_run(dir, "veltrix-configsvc --nope")->code, 2);
    assert_int_equal(program_run(dir, "veltrix-configsvc --help")->code, 0);
    assert_string_equal(program_run(dir, "veltrix-configsvc --version")->out,
                        "veltrix-configsvc " VELTRIX_VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_right),
        cmocka_unit_test(what_is_printed_loads_again_and_hides_secrets),
        cmocka_unit_test(a_public_address_is_refused),
        cmocka_unit_test(errors_of_the_file_have_their_place),
        cmocka_unit_test(a_wrong_endpoint_is_found_by_check_and_by_start),
        cmocka_unit_test(a_wrong_call_is_usage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
