/* The foundations: arena, buffer, base64, hashes, UTF-8, findings, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/b64.h"
#include "core/base/clock.h"
#include "core/base/diag.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/utf8.h"

static void arena_memory_is_aligned_zeroed_and_reused_after_reset(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 3000; size += 7) {
            unsigned char *p = vx_arena_alloc(&arena, size);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, size);
        }
        vx_arena_reset(&arena, SIZE_MAX);
    }
    size_t held = arena.held_bytes;
    for (size_t size = 0; size < 3000; size += 7)
        vx_arena_alloc(&arena, size);
    assert_int_equal(arena.held_bytes, held);
    vx_arena_reset(&arena, 0);
    assert_int_equal(arena.held_bytes, 0);
    vx_arena_done(&arena);
}

static void arena_takes_requests_larger_than_a_block(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    char *big = vx_arena_alloc(&arena, 5 << 20);
    big[(5 << 20) - 1] = 1;
    assert_string_equal(vx_arena_printf(&arena, "%s-%d", "a", 7), "a-7");
    vx_arena_done(&arena);
}

static void base64_matches_rfc_4648_and_refuses_garbage(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vx_buf out = {0};
        vx_b64_encode(&out, vx_span_str(rows[i][0]));
        assert_string_equal(vx_buf_text(&out), rows[i][1]);
        vx_buf_clear(&out);
        assert_true(vx_b64_decode(&out, vx_span_str(rows[i][1])));
        assert_string_equal(vx_buf_text(&out), rows[i][0]);
        vx_buf_done(&out);
    }
    static const char *const bad[] = {"Z", "Zg=a", "Z*==", "====", "Zm9v-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vx_buf out = {0};
        assert_false(vx_b64_decode(&out, vx_span_str(bad[i])));
        assert_int_equal(out.len, 0);
        vx_buf_done(&out);
    }
}

static void hashes_match_their_published_vectors(void **state)
{
    (void)state;
    char hex[VX_SHA256_HEX_SIZE];
    vx_sha256_hex(vx_span_str("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(vx_hash64(vx_span_str("")), 0xEF46DB3751D8E999u);
    assert_int_equal(vx_hash64(vx_span_str("a")), 0xD24EC4F1A98C6E5Bu);
    assert_int_equal(vx_hash64(vx_span_str("abc")), 0x44BC2CF5AD770999u);
    assert_int_equal(vx_hash64(vx_span_str("Nobody inspects the spammish repetition")), 0xFBCEA83C8A378BF1u);
}

static void utf8_refuses_what_rfc_3629_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\x80", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xe0\x80\x80", false},
        {"\xed\xa0\x80", false},
        {"\xf0\x80\x80\x80", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xe2\x82", false},
        {"\xed\x9f\xbf", true},
        {"\xf4\x8f\xbf\xbf", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(vx_utf8_valid(vx_span_str(rows[i].text)), rows[i].valid);
    for (int32_t code = 0; code <= 0x10ffff; code++) {
        char bytes[4];
        int len, n = vx_utf8_encode((uint32_t)code, bytes);
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        assert_int_equal(vx_utf8_decode(bytes, bytes + n, &len), surrogate ? -1 : code);
    }
    assert_int_equal(vx_utf8_count(vx_span_str("a\xc3\xa9\xe2\x82\xac")), 3);
}

static void findings_print_place_line_and_caret(void **state)
{
    (void)state;
    struct vx_diags diags = {0};
    struct vx_diag at = {.severity = VX_ERROR,
                         .file = "b.yaml",
                         .line = 2,
                         .column = 5,
                         .width = 4,
                         .quoted = vx_span_str("\tn\xc3\xa4me: x")};
    vx_diags_add(&diags, &at, "unknown key `%s`", "n\xc3\xa4me");
    struct vx_diag warning = {
        .severity = VX_WARNING, .file = "a.yaml", .line = 9, .column = 1, .quoted = vx_span_str("x")};
    vx_diags_add(&diags, &warning, "never matches");
    vx_diags_add(&diags, &(struct vx_diag){.severity = VX_ERROR}, "no file");
    vx_diags_sort(&diags);
    struct vx_buf out = {0};
    vx_diags_print(&diags, &out, false);
    assert_string_equal(vx_buf_text(&out), "error: no file\n"
                                           "a.yaml:9:1: warning: never matches\n"
                                           "    9 | x\n"
                                           "      | ^\n"
                                           "b.yaml:2:5: error: unknown key `n\xc3\xa4me`\n"
                                           "    2 | \tn\xc3\xa4me: x\n"
                                           "      | \t   ^~~~\n");
    assert_int_equal(diags.error_count, 2);
    vx_buf_done(&out);
    vx_diags_done(&diags);
}

static void what_a_terminal_would_obey_is_not_printed(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    vx_buf_printable(&text, VX_SPAN_LITERAL("a\0\x1b[31m\tb\n\x7f\xc2\x9b\xc2\xa0\xc2"), "\t");
    assert_string_equal(vx_buf_text(&text), "a??[31m\tb???\xc2\xa0\xc2");
    vx_buf_clear(&text);
    struct vx_diags diags = {0};
    struct vx_diag at = {VX_ERROR, "\x1b]0;x.yaml", 2, 1, 1, NULL, VX_SPAN_LITERAL("\xc2\x9b")};
    vx_diags_add(&diags, &at, "no \x1b[2J");
    vx_diags_print(&diags, &text, false);
    assert_string_equal(vx_buf_text(&text), "?]0;x.yaml:2:1: error: no ?[2J\n    2 | ?\n      | ^\n");
    vx_diags_done(&diags);
    vx_buf_done(&text);
}

static void nearest_name_is_found_only_when_it_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"when", "pipeline", "pipelines", "drop", "description"};
    static const char *const rows[][2] = {{"whenn", "when"},         {"wehn", "when"}, {"pipelin", "pipeline"},
                                          {"piplines", "pipelines"}, {"x", NULL},      {"decsription", "description"},
                                          {"colour", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = vx_nearest(vx_span_str(rows[i][0]), names, 5);
        if (rows[i][1])
            assert_string_equal(found, rows[i][1]);
        else
            assert_null(found);
    }
}

static void errors_keep_their_code_when_wrapped(void **state)
{
    (void)state;
    struct vx_err err;
    assert_int_equal(vx_err_set(&err, VX_ENOTFOUND, "release %d does not exist", 7), VX_ENOTFOUND);
    assert_int_equal(vx_err_wrap(&err, "show"), VX_ENOTFOUND);
    assert_string_equal(err.message, "show: release 7 does not exist");
    assert_string_equal(vx_status_label(VX_ECONFLICT), "conflict");
    assert_string_equal(vx_status_text((enum vx_status)99), "unknown status");
}

static void times_and_log_values_are_spelled_one_way(void **state)
{
    (void)state;
    char time[VX_TIME_TEXT_SIZE], out[VX_LOG_QUOTE_SIZE];
    assert_string_equal(vx_time_print(1795230000123, time), "2026-11-21T03:00:00.123Z");
    assert_string_equal(vx_time_print(-1, time), "1969-12-31T23:59:59.999Z");
    assert_string_equal(vx_log_quote("plain-value", out), "plain-value");
    assert_string_equal(vx_log_quote("", out), "\"\"");
    assert_string_equal(vx_log_quote("a \"b\"\n\x01", out), "\"a \\\"b\\\"\\n\\x01\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_aligned_zeroed_and_reused_after_reset),
        cmocka_unit_test(arena_takes_requests_larger_than_a_block),
        cmocka_unit_test(base64_matches_rfc_4648_and_refuses_garbage),
        cmocka_unit_test(hashes_match_their_published_vectors),
        cmocka_unit_test(utf8_refuses_what_rfc_3629_refuses),
        cmocka_unit_test(findings_print_place_line_and_caret),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_printed),
        cmocka_unit_test(nearest_name_is_found_only_when_it_is_near),
        cmocka_unit_test(errors_keep_their_code_when_wrapped),
        cmocka_unit_test(times_and_log_values_are_spelled_one_way),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
