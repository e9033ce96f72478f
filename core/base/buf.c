/* The growable buffer: doubles, always NUL-terminated. The owner's thread only. Invariant: at == NULL or len < size. */
#include "core/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"

void vx_buf_init(struct vx_buf *buf)
{
    memset(buf, 0, sizeof *buf);
}

void vx_buf_done(struct vx_buf *buf)
{
    free(buf->at);
    vx_buf_init(buf);
}

void vx_buf_clear(struct vx_buf *buf)
{
    buf->len = 0;
    if (buf->at)
        buf->at[0] = '\0';
}

char *vx_buf_reserve(struct vx_buf *buf, size_t more)
{
    vx_assert(more < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4);
    size_t need = buf->len + more + 1;
    if (need > buf->size) {
        size_t size = buf->size ? buf->size : 64;
        while (size < need)
            size *= 2;
        buf->at = realloc(buf->at, size);
        vx_assert(buf->at != NULL);
        buf->size = size;
    }
    return buf->at + buf->len;
}

void vx_buf_add(struct vx_buf *buf, const void *bytes, size_t len)
{
    char *to = vx_buf_reserve(buf, len);
    if (len)
        memcpy(to, bytes, len);
    to[len] = '\0';
    buf->len += len;
}

void vx_buf_span(struct vx_buf *buf, struct vx_span s)
{
    vx_buf_add(buf, s.at, s.len);
}

void vx_buf_str(struct vx_buf *buf, const char *text)
{
    vx_buf_add(buf, text, strlen(text));
}

void vx_buf_char(struct vx_buf *buf, char c)
{
    vx_buf_add(buf, &c, 1);
}

void vx_buf_printable(struct vx_buf *buf, struct vx_span s, const char *keep)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i], after = i + 1 < s.len ? (unsigned char)s.at[i + 1] : 0;
        bool c1 = c == 0xc2 && after >= 0x80 && after < 0xa0;
        bool c0 = c < 0x20 && (c == 0 || !strchr(keep, c));
        vx_buf_char(buf, c0 || c1 || c == 0x7f ? '?' : (char)c);
        i += c1;
    }
}

void vx_buf_vprintf(struct vx_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    vx_assert(n >= 0);
    char *to = vx_buf_reserve(buf, (size_t)n);
    vsnprintf(to, (size_t)n + 1, fmt, again);
    va_end(again);
    buf->len += (size_t)n;
}

void vx_buf_printf(struct vx_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vx_buf_vprintf(buf, fmt, args);
    va_end(args);
}

const char *vx_buf_text(const struct vx_buf *buf)
{
    return buf->at ? buf->at : "";
}

char *vx_buf_take(struct vx_buf *buf)
{
    vx_buf_reserve(buf, 0)[0] = '\0';
    char *at = buf->at;
    vx_buf_init(buf);
    return at;
}
