/* The first pass on every instruction set: UTF-8 inside and across blocks, against a decoder that takes one code point
 * after the other; control characters, escapes and tokens at every place of a block. */
#include "help.h"

#include "core/base/buf.h"
#include "core/base/utf8.h"

static struct json_scanner *scanner;

/* Where the first malformed code point stands, or `text.len`. */
static size_t malformed_at(struct vx_span text)
{
    const char *p = text.at, *end = p + text.len;
    for (int len; p < end; p += len)
        if (vx_utf8_decode(p, end, &len) < 0)
            break;
    return (size_t)(p - text.at);
}

/* A string of `text`, which holds no quote, backslash or control character, is judged alike everywhere. */
static void check_string(const char *before, size_t before_len, const char *middle, size_t middle_len)
{
    static char text[512];
    size_t len = 0;
    text[len++] = '"';
    memcpy(text + len, before, before_len);
    len += before_len;
    memcpy(text + len, middle, middle_len);
    len += middle_len;
    text[len++] = '"';
    struct vx_span guarded = help_guarded(text, len);
    size_t expected = malformed_at(guarded);
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        size_t fault = len;
        enum vx_status status = json_scan(scanner, NULL, guarded, NULL, &fault);
        if (status != (expected < len ? VX_EINVAL : VX_OK) || fault != expected)
            fail_msg("%s: %zu bytes, %02x %02x %02x %02x behind %zu: fault %zu, expected %zu", help_isas[isa], len,
                     (unsigned char)middle[0], middle_len > 1 ? (unsigned char)middle[1] : 0,
                     middle_len > 2 ? (unsigned char)middle[2] : 0, middle_len > 3 ? (unsigned char)middle[3] : 0,
                     before_len, fault, expected);
    }
}

static bool is_plain(unsigned c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* The beginnings of strings: how many bytes before the end of a block what follows begins. */
static const size_t places[] = {0, 10, 60, 61, 62, 63, 64, 127};
enum { PLACE_COUNT = sizeof places / sizeof places[0] };

static void every_two_bytes_are_judged_alike(void **state)
{
    (void)state;
    static char before[128];
    memset(before, 'a', sizeof before);
    for (size_t place = 0; place < PLACE_COUNT; place++)
        for (unsigned first = 0x80; first < 0x100; first++)
            for (unsigned second = 0x20; second < 0x100; second++)
                if (is_plain(second))
                    check_string(before, places[place], (char[]){(char)first, (char)second, 'z'}, 3);
}

static void every_longer_code_point_is_judged_alike(void **state)
{
    (void)state;
    static const unsigned char third[] = {'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe1, 0xf1, 0xff};
    static const unsigned char fourth[] = {'a', 0x80, 0xbf, 0xc2, 0xe1};
    static char before[128];
    memset(before, 'a', sizeof before);
    for (size_t place = 1; place < PLACE_COUNT; place++)
        for (unsigned first = 0xdf; first < 0x100; first++)
            for (unsigned second = 0x7f; second <= 0xc2; second++)
                for (size_t i = 0; i < sizeof third; i++)
                    for (size_t j = 0; j < sizeof fourth; j++)
                        check_string(before, places[place],
                                     (char[]){(char)first, (char)second, (char)third[i], (char)fourth[j]}, 4);
}

/* Random code points of all lengths, from a fixed seed; then with one byte changed. */
static void long_runs_of_code_points_are_judged_alike(void **state)
{
    (void)state;
    static const uint32_t limits[] = {0x80, 0x800, 0x10000, 0x110000};
    uint64_t seed = 7;
    for (int round = 0; round < 40000; round++) {
        char text[320];
        size_t len = 0, kind = help_below(&seed, 5), room = help_below(&seed, 300);
        while (len < room) {
            uint32_t limit = limits[kind < 4 ? kind : help_below(&seed, 4)];
            uint32_t code = (uint32_t)help_below(&seed, limit);
            if (is_plain(code) && (code < 0xd800 || code > 0xdfff))
                len += (size_t)vx_utf8_encode(code, text + len);
        }
        check_string(text, len, "z", 1);
        if (!len)
            continue;
        char c = (char)(0x80 + help_below(&seed, 0x80));
        text[help_below(&seed, len)] = help_below(&seed, 4) ? c : 'z';
        check_string(text, len, "z", 1);
    }
}

/* Bytes outside a string, with what the scanner says of them everywhere. */
static void check_alike(struct vx_span given)
{
    size_t first_fault = 0;
    enum vx_status first_status = VX_OK;
    struct vx_span text = help_guarded(given.at, given.len);
    for (int isa = HELP_ISA_COUNT - 1; isa >= 0; isa--) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        size_t fault = 0;
        enum vx_status status = json_scan(scanner, NULL, text, NULL, &fault);
        if (isa == HELP_ISA_COUNT - 1) {
            first_fault = fault;
            first_status = status;
        } else if (status != first_status || fault != first_fault) {
            fail_msg("%s: %zu, portable: %zu: %.*s", help_isas[isa], fault, first_fault, VX_SPAN_ARG(given));
        }
    }
}

static void every_byte_is_judged_alike_at_every_place(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a key of some length\":[1,-2.5e3,true,null,\"a text\",{}],\"b\\\"\\u00e9\":\"\xc3\xa9 "
        "and \xe2\x82\xac\",\"c\":[[],[{}],0.123456789012345,\"some more text, to be longer\"] }";
    char changed[sizeof text];
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int c = 0; c < 256; c++) {
            memcpy(changed, text, sizeof text);
            changed[at] = (char)c;
            check_alike(vx_span(changed, sizeof text - 1));
        }
    }
}

/* Texts of every length around the size of a block, whose last block is filled up. */
static void every_length_is_judged_alike(void **state)
{
    (void)state;
    char text[200];
    for (size_t len = 2; len < sizeof text; len++) {
        static const char *const fills[] = {" ", "1", "[", "]", "\"", "a", "\\", "\xc3\xa9", "\n", ","};
        for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
            for (size_t at = 1; at < len - 1; at++)
                text[at] = fills[i][at % strlen(fills[i])];
            text[0] = '[';
            text[len - 1] = ']';
            check_alike(vx_span(text, len));
            text[0] = text[len - 1] = '"';
            check_alike(vx_span(text, len));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_two_bytes_are_judged_alike),
        cmocka_unit_test(every_longer_code_point_is_judged_alike),
        cmocka_unit_test(long_runs_of_code_points_are_judged_alike),
        cmocka_unit_test(every_byte_is_judged_alike_at_every_place),
        cmocka_unit_test(every_length_is_judged_alike),
    };
    scanner = json_scanner_new();
    int failed = cmocka_run_group_tests_name("json index", tests, NULL, NULL);
    json_scanner_free(scanner);
    return failed;
}
