/* Random JSON texts from a seed, sound ones and broken ones. */
#ifndef JSON_TEST_RANDOM_H
#define JSON_TEST_RANDOM_H

#include "help.h"

#include "core/base/buf.h"

#define RANDOM_PICK(seed, list) list[help_below(seed, sizeof list / sizeof list[0])]

static inline void random_blanks(struct vx_buf *out, uint64_t *seed)
{
    static const char *const blanks[] = {"",  "",  "",   "",   "",       "",
                                         " ", " ", "  ", "\n", "\r\n\t", "                    "};
    vx_buf_str(out, RANDOM_PICK(seed, blanks));
}

static inline void random_string(struct vx_buf *out, uint64_t *seed)
{
    static const char *const parts[] = {
        "a",
        "b",
        "c",
        "xyz",
        "0",
        " ",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        "\\\"",
        "\\\\",
        "\\/",
        "\\n",
        "\\u0041",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\x7f",
        "twenty characters....",
        "a text that is longer than a block of sixty-four bytes so that some block is wholly inside it ",
    };
    vx_buf_char(out, '"');
    for (size_t n = help_below(seed, 5); n > 0; n--)
        vx_buf_str(out, RANDOM_PICK(seed, parts));
    vx_buf_char(out, '"');
}

/* Few different keys, so that they repeat and paths meet them. */
static inline void random_key(struct vx_buf *out, uint64_t *seed)
{
    static const char *const keys[] = {
        "\"a\"",
        "\"b\"",
        "\"c\"",
        "\"ab\"",
        "\"\"",
        "\"a.b\"",
        "\"\xc3\xa9\"",
        "\"\\u0061\"",
        "\"a\\\"b\"",
        "\"\\u00e9\"",
        "\"a_rather_long_key_of_more_than_sixteen_bytes\"",
    };
    vx_buf_str(out, RANDOM_PICK(seed, keys));
}

static inline void random_number(struct vx_buf *out, uint64_t *seed)
{
    static const char *const numbers[] = {
        "0",
        "-0",
        "1",
        "-1",
        "12",
        "123456789",
        "9223372036854775807",
        "-9223372036854775808",
        "0.5",
        "-0.0",
        "1.25",
        "3.14159265358979",
        "0.1234567890123456789",
        "1e5",
        "1E-5",
        "2.5e+10",
        "-7.125e-3",
        "1e22",
        "1e23",
        "0e0",
        "123.456789012345",
    };
    vx_buf_str(out, RANDOM_PICK(seed, numbers));
}

static inline void random_value(struct vx_buf *out, uint64_t *seed, int depth)
{
    static const char *const literals[] = {"null", "true", "false"};
    size_t what = help_below(seed, depth > 0 ? 10 : 5);
    if (what < 2) {
        random_string(out, seed);
    } else if (what < 4) {
        random_number(out, seed);
    } else if (what < 5) {
        vx_buf_str(out, RANDOM_PICK(seed, literals));
    } else {
        bool object = what < 8;
        vx_buf_char(out, object ? '{' : '[');
        random_blanks(out, seed);
        for (size_t i = 0, n = help_below(seed, 6); i < n; i++) {
            if (i)
                vx_buf_char(out, ',');
            random_blanks(out, seed);
            if (object) {
                random_key(out, seed);
                random_blanks(out, seed);
                vx_buf_char(out, ':');
                random_blanks(out, seed);
            }
            random_value(out, seed, depth - 1);
            random_blanks(out, seed);
        }
        vx_buf_char(out, object ? '}' : ']');
    }
}

static inline void random_text(struct vx_buf *out, uint64_t *seed)
{
    vx_buf_clear(out);
    random_blanks(out, seed);
    random_value(out, seed, 1 + (int)help_below(seed, 5));
    random_blanks(out, seed);
}

/* Changes one to four bytes, or cuts, or repeats a part. */
static inline void random_damage(struct vx_buf *text, uint64_t *seed)
{
    static const char bytes[] = "\"\"\"\\\\{}[],:,: \n\t\r\f\x1a\x00\x01\x1f\x7f\x80\xbf\xc3\xe2\xed\xf0\xf4\xff"
                                "0019-+.eEutfnldx";
    for (size_t n = 1 + help_below(seed, 4); n > 0 && text->len > 0; n--) {
        size_t at = help_below(seed, text->len), more = 1 + help_below(seed, 8);
        char c = bytes[help_below(seed, sizeof bytes - 1)];
        if (more > text->len - at)
            more = text->len - at;
        switch (help_below(seed, 6)) {
        case 0: /* insert */
            vx_buf_reserve(text, 1);
            memmove(text->at + at + 1, text->at + at, text->len - at);
            text->at[at] = c;
            text->len++;
            break;
        case 1: /* take out */
            memmove(text->at + at, text->at + at + more, text->len - at - more);
            text->len -= more;
            break;
        case 2: /* repeat */
            vx_buf_reserve(text, more);
            memmove(text->at + at + more, text->at + at, text->len - at);
            text->len += more;
            break;
        case 3:
            text->at[at] ^= (char)(1 << help_below(seed, 8));
            break;
        default:
            text->at[at] = c;
        }
    }
}

#endif
