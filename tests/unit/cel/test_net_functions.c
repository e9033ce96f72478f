/* Addresses and blocks: the examples of Kubernetes' documentation of its CEL library, and what Go's netip refuses. */
#include "functions.h"

#include <stdio.h>
#include <string.h>

static void addresses_are_read_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "2001:db8::abcd",
        "2001:DB8::ABCD",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "::1.2.3.4",
        "64:ff9b::1.2.3.4",
        "0001:0002::",
    };
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "127.0.0.256",
        "127.0.0.01",
        "127.0.0.1 ",
        " 127.0.0.1",
        "1.2.3.-4",
        "0x7f.0.0.1",
        "127.1",
        ":::1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "1::2::3",
        "12345::",
        "g::",
        "fe80::1%eth0",
        "::ffff:1.2.3.4",
        "::ffff:102:304",
        "::1.2.3.04",
        "[::1]",
        "1.2.3.4/32",
        "::1.2.3",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
    };
    char expr[128], expected[192];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(expr, sizeof expr, "isIP('%s')", good[i]);
        check_functions(&(struct function_row){expr, "true"}, 1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(expr, sizeof expr, "isIP('%s')", bad[i]);
        check_functions(&(struct function_row){expr, "false"}, 1);
        snprintf(expr, sizeof expr, "ip('%s')", bad[i]);
        snprintf(expected, sizeof expected, "error: string \"%s\" is not an IP address", bad[i]);
        if (strlen(bad[i]) < 40)
            check_functions(&(struct function_row){expr, expected}, 1);
    }
}

static void an_address_has_one_canonical_form(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"ip('127.0.0.1')", "ip(\"127.0.0.1\")"},
        {"string(ip('2001:DB8:0:0:0:0:0:ABCD'))", "\"2001:db8::abcd\""},
        {"string(ip('::'))", "\"::\""},
        {"string(ip('1::'))", "\"1::\""},
        {"string(ip('0:0:0:1:0:0:0:0'))", "\"0:0:0:1::\""},
        {"string(ip('0:0:0:1:1:0:0:0'))", "\"::1:1:0:0:0\""},
        {"string(ip('1:0:2:3:4:5:6:7'))", "\"1:0:2:3:4:5:6:7\""},
        {"string(ip('1:0:0:2:0:0:0:3'))", "\"1:0:0:2::3\""},
        {"string(ip('::1.2.3.4'))", "\"::102:304\""},
        {"string(ip('1111:2222:3333:4444:5555:6666:7777:8888'))", "\"1111:2222:3333:4444:5555:6666:7777:8888\""},
        {"string(cidr('2001:DB8::1/64'))", "\"2001:db8::1/64\""},
        {"ip.isCanonical('127.0.0.1')", "true"},
        {"ip.isCanonical('2001:db8::abcd')", "true"},
        {"ip.isCanonical('2001:DB8::ABCD')", "false"},
        {"ip.isCanonical('2001:db8::0:0:0:abcd')", "false"},
        {"ip.isCanonical('127.0.0.1.0')", "error: string \"127.0.0.1.0\" is not an IP address"},
        {"ip('2001:db8::1') == ip('2001:DB8::0001')", "true"},
        {"ip('1.2.3.4') == ip('1.2.3.5')", "false"},
        {"ip('1.2.3.4') == ip('::1.2.3.4')", "false"},
        {"ip('1.2.3.4') != ip('1.2.3.5')", "true"},
        {"ip('1.2.3.4') in [ip('1.2.3.3'), ip('1.2.3.4')]", "true"},
        {"cidr('10.0.0.0/8') == cidr('10.0.0.0/8')", "true"},
        {"cidr('10.0.0.0/8') == cidr('10.0.0.0/9')", "false"},
        {"type(ip('1.2.3.4'))", "net.IP"},
        {"type(cidr('1.2.3.4/32')) == net.CIDR", "true"},
    };
    CHECK(rows);
}

static void addresses_have_kinds(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"ip('127.0.0.1').family()", "4"},
        {"ip('::1').family()", "6"},
        {"ip('0.0.0.0').isUnspecified()", "true"},
        {"ip('127.0.0.1').isUnspecified()", "false"},
        {"ip('::').isUnspecified()", "true"},
        {"ip('::1').isUnspecified()", "false"},
        {"ip('127.0.0.1').isLoopback()", "true"},
        {"ip('127.255.0.1').isLoopback()", "true"},
        {"ip('192.168.0.1').isLoopback()", "false"},
        {"ip('::1').isLoopback()", "true"},
        {"ip('2001:db8::abcd').isLoopback()", "false"},
        {"ip('224.0.0.1').isLinkLocalMulticast()", "true"},
        {"ip('224.0.1.1').isLinkLocalMulticast()", "false"},
        {"ip('ff02::1').isLinkLocalMulticast()", "true"},
        {"ip('ff12::1').isLinkLocalMulticast()", "true"},
        {"ip('ff05::1').isLinkLocalMulticast()", "false"},
        {"ip('fd00::1').isLinkLocalMulticast()", "false"},
        {"ip('169.254.169.254').isLinkLocalUnicast()", "true"},
        {"ip('192.168.0.1').isLinkLocalUnicast()", "false"},
        {"ip('fe80::1').isLinkLocalUnicast()", "true"},
        {"ip('febf::1').isLinkLocalUnicast()", "true"},
        {"ip('fec0::1').isLinkLocalUnicast()", "false"},
        {"ip('fd80::1').isLinkLocalUnicast()", "false"},
        {"ip('192.168.0.1').isGlobalUnicast()", "true"},
        {"ip('255.255.255.255').isGlobalUnicast()", "false"},
        {"ip('0.0.0.0').isGlobalUnicast()", "false"},
        {"ip('127.0.0.1').isGlobalUnicast()", "false"},
        {"ip('224.0.0.1').isGlobalUnicast()", "false"},
        {"ip('2001:db8::abcd').isGlobalUnicast()", "true"},
        {"ip('ff00::1').isGlobalUnicast()", "false"},
        {"ip('::1').isGlobalUnicast()", "false"},
    };
    CHECK(rows);
}

static void blocks_are_read_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {"192.168.0.0/16", "::1/128", "10.0.0.1/8", "0.0.0.0/0", "::/0", "1.2.3.4/32"};
    static const char *const bad[] = {
        "192.168.0.0/33",     "::1/129",        "192.168.0.0", "192.168.0.0/",
        "192.168.0.0/-1",     "192.168.0.0/08", "/8",          "",
        "10.0.0.0/8/8",       "::1/+8",         "::1/0008",    "fe80::1%a/64",
        "::ffff:1.2.3.4/120", "1.2.3/24",       "::/1000",
    };
    char expr[128], expected[192];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(expr, sizeof expr, "isCIDR('%s')", good[i]);
        check_functions(&(struct function_row){expr, "true"}, 1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(expr, sizeof expr, "isCIDR('%s')", bad[i]);
        check_functions(&(struct function_row){expr, "false"}, 1);
        snprintf(expr, sizeof expr, "cidr('%s')", bad[i]);
        snprintf(expected, sizeof expected, "error: string \"%s\" is not a CIDR block (address/bits)", bad[i]);
        check_functions(&(struct function_row){expr, expected}, 1);
    }
}

static void blocks_contain_addresses_and_blocks(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", "true"},
        {"cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", "false"},
        {"cidr('192.168.0.0/24').containsIP('192.168.0.1')", "true"},
        {"cidr('192.168.0.0/24').containsIP('192.168.1.1')", "false"},
        {"cidr('192.168.0.0/24').containsIP('192.168.1')", "error: string \"192.168.1\" is not an IP address"},
        {"cidr('192.168.0.77/24').containsIP('192.168.0.1')", "true"},
        {"cidr('10.128.0.0/9').containsIP('10.127.255.255')", "false"},
        {"cidr('10.128.0.0/9').containsIP('10.255.255.255')", "true"},
        {"cidr('0.0.0.0/0').containsIP('255.1.2.3')", "true"},
        {"cidr('0.0.0.0/0').containsIP('::1')", "false"},
        {"cidr('::/0').containsIP('1.2.3.4')", "false"},
        {"cidr('2001:db8::/32').containsIP('2001:db8:ffff::1')", "true"},
        {"cidr('1.2.3.4/32').containsIP('1.2.3.4')", "true"},
        {"cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))", "true"},
        {"cidr('192.168.1.0/24').containsCIDR(cidr('192.168.2.0/24'))", "false"},
        {"cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')", "true"},
        {"cidr('192.168.1.0/24').containsCIDR('192.168.2.0/24')", "false"},
        {"cidr('192.168.1.0/24').containsCIDR('192.168.0.0/16')", "false"},
        {"cidr('192.168.0.0/16').containsCIDR('192.168.0.0/16')", "true"},
        {"cidr('0.0.0.0/0').containsCIDR('::/0')", "false"},
        {"cidr('10.0.0.0/8').containsCIDR('10.0.0.0')",
         "error: string \"10.0.0.0\" is not a CIDR block (address/bits)"},
        {"cidr('192.168.0.1/24').ip()", "ip(\"192.168.0.1\")"},
        {"cidr('192.168.0.1/24').ip() == ip('192.168.0.1')", "true"},
        {"cidr('::1/128').ip().family()", "6"},
        {"cidr('192.168.0.0/24').masked()", "cidr(\"192.168.0.0/24\")"},
        {"cidr('192.168.0.1/24').masked()", "cidr(\"192.168.0.0/24\")"},
        {"cidr('192.168.255.255/17').masked()", "cidr(\"192.168.128.0/17\")"},
        {"cidr('2001:db8::1/0').masked()", "cidr(\"::/0\")"},
        {"cidr('192.168.0.0/24') == cidr('192.168.0.0/24').masked()", "true"},
        {"cidr('192.168.0.1/24') == cidr('192.168.0.1/24').masked()", "false"},
        {"cidr('192.168.0.0/16').prefixLength()", "16"},
        {"cidr('::1/128').prefixLength()", "128"},
    };
    CHECK(rows);
}

static void constants_are_read_once_and_events_in_place(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    const struct cel_expr *expr;
    struct cel_error error;
    assert_int_equal(cel_parse(&arena, vx_span_str("cidr('10.0.0.0/8')"), cel_env_event(), &expr, &error), VX_OK);
    assert_non_null(cel_expr_constant(expr));
    assert_int_equal(cel_expr_constant(expr)->type, CEL_CIDR);
    vx_arena_done(&arena);
    static const struct {
        const char *expr, *event, *expected;
    } rows[] = {
        {"cidr('10.0.0.0/8').containsIP(event.ip)", "{\"ip\":\"10.1.2.3\"}", "true"},
        {"cidr('10.0.0.0/8').containsIP(event.ip)", "{\"ip\":\"10.1\\u002e2.3\"}", "true"},
        {"cidr('10.0.0.0/8').containsIP(event.ip)", "{\"ip\":5}",
         "error 19: no matching overload for cidr.containsIP(int)"},
        {"isIP(event.ip)", "{\"ip\":\"10.1.2.3\\u0000\"}", "false"},
        {"isIP(event.ip) && ip(event.ip).isLoopback()", "{\"ip\":\"127.0.0.1\"}", "true"},
        {"ip(event.ip) in [ip('10.0.0.1'), ip('::1')]", "{\"ip\":\"0::1\"}", "true"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = eval_text(rows[i].expr, &(struct event){.json = rows[i].event});
        assert_string_equal(got, rows[i].expected);
    }
    assert_string_equal(template_text("from ${ip(event.ip)}", &(struct event){.json = "{\"ip\":\"0::1\"}"}),
                        "\"from ::1\"");
    assert_string_equal(load_text("ip(key).isLopback()", 19),
                        "refused 8+9: unknown function `isLopback`; did you mean `isLoopback`?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_strictly),
        cmocka_unit_test(an_address_has_one_canonical_form),
        cmocka_unit_test(addresses_have_kinds),
        cmocka_unit_test(blocks_are_read_strictly),
        cmocka_unit_test(blocks_contain_addresses_and_blocks),
        cmocka_unit_test(constants_are_read_once_and_events_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
