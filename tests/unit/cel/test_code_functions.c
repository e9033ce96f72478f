/* base64 and hash(): the bytes they stand for. */
#include "functions.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

static void base64_is_that_of_rfc_4648(void **state)
{
    (void)state;
    static const struct function_row rows[] = {
        {"base64.encode(b'hello')", "\"aGVsbG8=\""},
        {"base64.encode(b'')", "\"\""},
        {"base64.encode(b'f')", "\"Zg==\""},
        {"base64.encode(b'foobar')", "\"Zm9vYmFy\""},
        {"base64.encode(b'\\xff\\xfe')", "\"//4=\""},
        {"base64.decode('aGVsbG8=')", "b\"hello\""},
        {"base64.decode('aGVsbG8')", "b\"hello\""},
        {"base64.decode('')", "b\"\""},
        {"base64.decode('//4=')", "b\"\\xff\\xfe\""},
        {"string(base64.decode('aGVsbG8='))", "\"hello\""},
        {"base64.decode('a')", "error: string \"a\" is not a base64 text"},
        {"base64.decode('aGVsbG8==')", "error: string \"aGVsbG8==\" is not a base64 text"},
        {"base64.decode('Zg=')", "error: string \"Zg=\" is not a base64 text"},
        {"base64.decode('=')", "error: string \"=\" is not a base64 text"},
        {"base64.decode('====')", "error: string \"====\" is not a base64 text"},
        {"base64.decode('aGVs bG8=')", "error: string \"aGVs bG8=\" is not a base64 text"},
        {"base64.decode('__4=')", "error: string \"__4=\" is not a base64 text"},
    };
    CHECK(rows);
}

static void a_hash_is_that_of_the_text_a_value_has(void **state)
{
    (void)state;
    /* XXH64 of "" is ef46db3751d8e999, of "abc" 44bc2cf5ad770999: the specification's; the top bit is cut off. */
    static const struct function_row rows[] = {
        {"hash('')", "8018337217222601113"},
        {"hash('abc')", "4952883123889572249"},
        {"hash(b'abc')", "4952883123889572249"},
        {"hash(42) == hash('42')", "true"},
        {"hash(42) == hash(42u)", "true"},
        {"hash(42) == hash(42.0)", "true"},
        {"hash(42) == hash(43)", "false"},
        {"hash(-9223372036854775808) == hash('-9223372036854775808')", "true"},
        {"hash(9223372036854775807) == hash('9223372036854775807')", "true"},
        {"hash(18446744073709551615u) == hash('18446744073709551615')", "true"},
        {"hash(0) == hash('0')", "true"},
        {"hash(-7) == hash('-7')", "true"},
        {"hash(1.5) == hash('1.5')", "true"},
        {"hash(true) == hash('true')", "true"},
        {"hash(timestamp('2009-02-13T23:31:30Z')) == hash('2009-02-13T23:31:30Z')", "true"},
        {"hash(duration('1m')) == hash('60s')", "true"},
        {"hash(ip('::0001')) == hash('::1')", "true"},
        {"hash(b'\\xff') == hash(b'\\xfe')", "false"},
        {"hash('\303\251') == hash(b'\\xc3\\xa9')", "true"},
    };
    CHECK(rows);
}

static void a_hash_samples_evenly_and_is_never_negative(void **state)
{
    (void)state;
    int hits = 0;
    for (int i = 0; i < 20000; i++) {
        char expr[64];
        snprintf(expr, sizeof expr, "hash('user-%d') %% 100 < 5", i);
        hits += strcmp(give_text(expr, true), "true") == 0;
        snprintf(expr, sizeof expr, "hash('user-%d') >= 0", i);
        assert_string_equal(give_text(expr, true), "true");
    }
    assert_in_range(hits, 900, 1100); /* 1000 by chance; the input is fixed, so is the count */
}

static void an_event_is_hashed_decoded(void **state)
{
    (void)state;
    struct event plain = {.json = "{\"id\":\"abc\"}", .key = "abc"}, escaped = {.json = "{\"id\":\"\\u0061bc\"}"};
    assert_string_equal(eval_text("hash(event.id)", &plain), "4952883123889572249");
    assert_string_equal(eval_text("hash(event.id)", &escaped), "4952883123889572249");
    assert_string_equal(eval_text("hash(key) == hash(key_bytes)", &plain), "true");
    assert_string_equal(eval_text("hash(event.id)", &(struct event){.json = "{\"id\":null}"}),
                        "error 0: no matching overload for hash(null)");
    assert_string_equal(load_text("hash([1])", 9),
                        "refused 0+4: no matching overload for hash(list(int)); there is hash(dyn)");
    assert_string_equal(load_text("hash(headers)", 13),
                        "refused 0+4: no matching overload for hash(map(string, string)); there is hash(dyn)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(a_hash_is_that_of_the_text_a_value_has),
        cmocka_unit_test(a_hash_samples_evenly_and_is_never_negative),
        cmocka_unit_test(an_event_is_hashed_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
