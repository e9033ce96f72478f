/* A growable byte buffer for building text and payloads. Its memory is its own, kept across _clear, freed by _done.
 * Growing beyond memory kills the process; so appends cannot fail and need no check. */
#ifndef VX_BASE_BUF_H
#define VX_BASE_BUF_H

#include <stdarg.h>

#include "core/base/span.h"

struct vx_buf {
    char *at; /* NUL-terminated whenever it is not NULL */
    size_t len;
    size_t size; /* bytes held */
};

/* A buffer of all zeroes is valid and empty. */
void vx_buf_init(struct vx_buf *buf);
void vx_buf_done(struct vx_buf *buf);
void vx_buf_clear(struct vx_buf *buf);

/* Makes room for `more` bytes behind the end and returns where they start; the caller adds to `len` what it wrote. */
char *vx_buf_reserve(struct vx_buf *buf, size_t more);

/* Each appends a copy. */
void vx_buf_add(struct vx_buf *buf, const void *bytes, size_t len);
void vx_buf_span(struct vx_buf *buf, struct vx_span s);
void vx_buf_str(struct vx_buf *buf, const char *text);
void vx_buf_char(struct vx_buf *buf, char c);
/* The same for text from outside that a terminal will show: control characters (C0 but those in `keep`, DEL, and C1, which
 * some terminals obey in UTF-8 too) become `?`. */
void vx_buf_printable(struct vx_buf *buf, struct vx_span s, const char *keep);
void vx_buf_printf(struct vx_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vx_buf_vprintf(struct vx_buf *buf, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

/* The text so far; valid until the next append. Never NULL. */
const char *vx_buf_text(const struct vx_buf *buf);
/* Hands the memory over to the caller, who frees it with free(); the buffer is empty afterwards. Never NULL. */
char *vx_buf_take(struct vx_buf *buf);

static inline struct vx_span vx_buf_view(const struct vx_buf *buf)
{
    return vx_span(buf->at, buf->len);
}

#endif
