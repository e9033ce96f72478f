/* Classes of bytes and escapes (RFC 8259, section 7). Pure functions; any thread. Decoded text is never longer than
 * its spelling. */
#include "core/json/text.h"

#include "core/base/utf8.h"

const uint8_t json_classes[256] = {
    [' '] = JSON_BLANK, ['\t'] = JSON_BLANK, ['\r'] = JSON_BLANK, ['\n'] = JSON_BLANK,
    ['{'] = JSON_OPEN,  ['['] = JSON_OPEN,   ['}'] = JSON_CLOSE,  [']'] = JSON_CLOSE,
    [','] = JSON_MARK,  [':'] = JSON_MARK,   ['"'] = JSON_QUOTE,
};

static const int8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* What stands for an escape's letter; `u` stands for itself. */
static const char escape_values[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b', ['f'] = '\f',
    ['n'] = '\n', ['r'] = '\r',  ['t'] = '\t', ['u'] = 'u',
};

/* The value of four hex digits, or -1. */
static int32_t hex4(const char *p)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_values[(unsigned char)p[i]] - 1;
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

bool json_escape_valid(const char *p, const char *end)
{
    if (end - p < 2 || !escape_values[(unsigned char)p[1]])
        return false;
    return p[1] != 'u' || (end - p >= 6 && hex4(p + 2) >= 0);
}

/* Decodes \uXXXX, and the low surrogate behind a high one, at *p. */
static uint32_t decode_unicode(const char **p, const char *end)
{
    enum { REPLACEMENT = 0xfffd };
    int32_t code = end - *p >= 6 ? hex4(*p + 2) : -1;
    if (code < 0) { /* not valid text: only not to run away, nor to write more than was read */
        *p = end;
        return '?';
    }
    *p += 6;
    if (code < 0xd800 || code > 0xdfff)
        return (uint32_t)code;
    if (code > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return REPLACEMENT;
    int32_t low = hex4(*p + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT;
    *p += 6;
    return 0x10000u + ((uint32_t)(code - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

int json_decode(const char **p, const char *end, char out[4])
{
    const char *at = *p;
    if (*at != '\\' || end - at < 2) {
        out[0] = *at;
        *p = at + 1;
        return 1;
    }
    if (at[1] == 'u')
        return vx_utf8_encode(decode_unicode(p, end), out);
    out[0] = escape_values[(unsigned char)at[1]];
    *p = at + 2;
    return 1;
}

size_t json_decode_all(const char *p, const char *end, char *out)
{
    char *to = out;
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((escape ? escape : end) - p);
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (p < end) {
            char text[4];
            int len = json_decode(&p, end, text);
            memcpy(to, text, (size_t)len);
            to += len;
        }
    }
    return (size_t)(to - out);
}
