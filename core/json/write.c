/* Spelling JSON values. Any thread, each with its own buffer. */
#include "core/json/write.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/json/number.h"

static void write_escape(struct vx_buf *out, unsigned char c)
{
    static const char letters[] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    static const char hex[] = "0123456789abcdef";
    if (letters[c]) {
        vx_buf_add(out, (char[]){'\\', letters[c]}, 2);
    } else {
        vx_buf_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void json_write_string(struct vx_buf *out, struct vx_span text)
{
    size_t from = 0;
    vx_buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        vx_buf_add(out, text.at + from, i - from);
        write_escape(out, c);
        from = i + 1;
    }
    if (from < text.len)
        vx_buf_add(out, text.at + from, text.len - from);
    vx_buf_char(out, '"');
}

void json_write_int(struct vx_buf *out, int64_t value)
{
    char text[24], *p = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--p = '-';
    vx_buf_add(out, p, (size_t)(text + sizeof text - p));
}

void json_write_double(struct vx_buf *out, double value)
{
    vx_assert(isfinite(value));
    if (fabs(value) < 1e15 && value == (double)(int64_t)value && (value != 0 || !signbit(value))) {
        json_write_int(out, (int64_t)value);
        vx_buf_add(out, ".0", 2);
        return;
    }
    char text[40];
    locale_t before = uselocale(json_c_locale());
    /* 15 digits survive a double, 17 tell all doubles apart; a subnormal one has fewer that count. */
    int digits = fabs(value) < DBL_MIN ? 1 : 15;
    do
        snprintf(text, sizeof text, "%.*g", digits, value);
    while (digits++ < 17 && strtod(text, NULL) != value);
    uselocale(before);
    vx_buf_str(out, text);
    if (!strpbrk(text, ".e"))
        vx_buf_add(out, ".0", 2);
}
