/* Base64 (RFC 4648, section 4). Any thread; no state. */
#include "core/base/b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t vx_b64_length(struct vx_span data)
{
    return (data.len + 2) / 3 * 4;
}

size_t vx_b64_write(struct vx_span data, char *to)
{
    const unsigned char *p = (const unsigned char *)data.at;
    size_t n = 0;
    for (size_t i = 0; i < data.len; i += 3) {
        size_t left = data.len - i;
        unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        to[n++] = alphabet[v >> 18];
        to[n++] = alphabet[v >> 12 & 63];
        to[n++] = left > 1 ? alphabet[v >> 6 & 63] : '=';
        to[n++] = left > 2 ? alphabet[v & 63] : '=';
    }
    return n;
}

void vx_b64_encode(struct vx_buf *out, struct vx_span data)
{
    char *to = vx_buf_reserve(out, vx_b64_length(data));
    size_t n = vx_b64_write(data, to);
    to[n] = '\0';
    out->len += n;
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool vx_b64_read(struct vx_span text, char *to, size_t *written)
{
    size_t len = text.len;
    for (int pad = 0; pad < 2 && len > 0 && text.at[len - 1] == '='; pad++)
        len--;
    if (len % 4 == 1)
        return false;
    size_t n = 0;
    unsigned v = 0;
    for (size_t i = 0; i < len; i++) {
        int d = digit(text.at[i]);
        if (d < 0)
            return false;
        v = v << 6 | (unsigned)d;
        if (i % 4 == 1)
            to[n++] = (char)(v >> 4 & 255);
        else if (i % 4 == 2)
            to[n++] = (char)(v >> 2 & 255);
        else if (i % 4 == 3)
            to[n++] = (char)(v & 255);
    }
    *written = n;
    return true;
}

bool vx_b64_decode(struct vx_buf *out, struct vx_span text)
{
    char *to = vx_buf_reserve(out, text.len / 4 * 3 + 3);
    size_t n;
    if (!vx_b64_read(text, to, &n)) {
        *to = '\0'; /* what was written before the fault found is no part of the text */
        return false;
    }
    to[n] = '\0';
    out->len += n;
    return true;
}
