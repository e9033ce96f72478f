/* Borrowed bytes: a pointer and a length, never owned, never NUL-terminated. `at` is NULL for "none". */
#ifndef VX_BASE_SPAN_H
#define VX_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct vx_span {
    const char *at;
    size_t len;
};

#define VX_SPAN_LITERAL(text) ((struct vx_span){text, sizeof(text) - 1})

/* For "%.*s": `printf("%.*s", VX_SPAN_ARG(s))`. */
#define VX_SPAN_ARG(s) (int)(s).len, ((s).at ? (s).at : "")

static inline struct vx_span vx_span(const char *at, size_t len)
{
    return (struct vx_span){at, len};
}

/* The bytes of a C string (NULL gives "none"). */
static inline struct vx_span vx_span_str(const char *text)
{
    return (struct vx_span){text, text ? strlen(text) : 0};
}

static inline bool vx_span_equal(struct vx_span a, struct vx_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool vx_span_is(struct vx_span a, const char *text)
{
    return vx_span_equal(a, vx_span_str(text));
}

static inline bool vx_span_starts_with(struct vx_span a, struct vx_span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.at, prefix.at, prefix.len) == 0);
}

static inline bool vx_span_ends_with(struct vx_span a, struct vx_span suffix)
{
    return a.len >= suffix.len && (suffix.len == 0 || memcmp(a.at + a.len - suffix.len, suffix.at, suffix.len) == 0);
}

/* Byte order, shorter first when one is a prefix of the other: <0, 0, >0. */
static inline int vx_span_compare(struct vx_span a, struct vx_span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.at, b.at, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

#endif
