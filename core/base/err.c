/* The texts of the error space and the two builders of an error. Any thread; no state. */
#include "core/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
#define X(name, label, text) text,
    VX_STATUS_LIST(X)
#undef X
};

static const char *const labels[] = {
#define X(name, label, text) label,
    VX_STATUS_LIST(X)
#undef X
};

const char *vx_status_text(enum vx_status code)
{
    return (unsigned)code < VX_STATUS_COUNT ? texts[code] : "unknown status";
}

const char *vx_status_label(enum vx_status code)
{
    return (unsigned)code < VX_STATUS_COUNT ? labels[code] : "unknown";
}

enum vx_status vx_err_set(struct vx_err *err, enum vx_status code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, fmt);
    char text[sizeof err->message];
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memset(err, 0, sizeof *err);
    err->code = code;
    memcpy(err->message, text, sizeof text);
    return code;
}

enum vx_status vx_err_wrap(struct vx_err *err, const char *fmt, ...)
{
    if (!err)
        return VX_EINTERNAL;
    char text[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        n = (int)sizeof text - 1;
    snprintf(text + n, sizeof text - (size_t)n, ": %s", err->message);
    memcpy(err->message, text, sizeof text);
    return err->code;
}

_Noreturn void vx_die(const char *file, int line, const char *what)
{
    fprintf(stderr, "level=error event=process.died place=%s:%d invariant=\"%s\"\n", file, line, what);
    abort();
}
