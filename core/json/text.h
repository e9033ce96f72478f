/* Small things that all of core/json reads text with: classes of bytes and the escapes of strings. Private to
 * core/json. */
#ifndef VX_JSON_TEXT_H
#define VX_JSON_TEXT_H

#include "core/base/span.h"

enum json_class {
    JSON_SCALAR, /* a byte of a number or a literal, or junk */
    JSON_BLANK,  /* space, \t, \r, \n */
    JSON_OPEN,   /* { [ */
    JSON_CLOSE,  /* } ] */
    JSON_MARK,   /* , : */
    JSON_QUOTE,
};
extern const uint8_t json_classes[256]; /* enum json_class */

static inline enum json_class json_class(char c)
{
    return (enum json_class)json_classes[(unsigned char)c];
}

/* True when `c` may stand behind a number or a literal. */
static inline bool json_ends_scalar(char c)
{
    return json_class(c) != JSON_SCALAR;
}

static inline bool json_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* True when the text at `p`, a backslash, is a legal escape that ends before `end`. */
bool json_escape_valid(const char *p, const char *end);

/* Decodes what stands at *p (p < end, valid string text), one byte or one escape, into `out`, moves *p behind it,
 * returns the length written. A lone surrogate becomes U+FFFD. */
int json_decode(const char **p, const char *end, char out[4]);

/* Decodes a whole string into `out`, which has room for end - p bytes; returns the length. */
size_t json_decode_all(const char *p, const char *end, char *out);

#endif
