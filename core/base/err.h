/* One error space for the whole of Veltrix.
 *
 * Hot paths return an `enum vx_status` and nothing else; cold paths also fill a `struct vx_err`. Texts and metric
 * labels come from the one list below. Libraries in core/ return errors and never log them.
 */
#ifndef VX_BASE_ERR_H
#define VX_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define VX_MUSTCHECK __attribute__((warn_unused_result))
#define VX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*    name          label            text */
#define VX_STATUS_LIST(X)                                                                                              \
    X(VX_OK, "ok", "success")                                                                                          \
    X(VX_EINVAL, "invalid", "invalid input")                                                                           \
    X(VX_ELIMIT, "limit", "a limit is exceeded")                                                                       \
    X(VX_ENOTFOUND, "not_found", "not found")                                                                          \
    X(VX_EEXIST, "exists", "exists already")                                                                           \
    X(VX_ECONFLICT, "conflict", "somebody else was faster")                                                            \
    X(VX_EDENIED, "denied", "permission denied")                                                                       \
    X(VX_ETIMEOUT, "timeout", "deadline exceeded")                                                                     \
    X(VX_EUNAVAILABLE, "unavailable", "the other side is unavailable")                                                 \
    X(VX_ENOSPACE, "no_space", "no space left")                                                                        \
    X(VX_ECORRUPT, "corrupt", "stored data is corrupt")                                                                \
    X(VX_ECANCELED, "canceled", "canceled")                                                                            \
    X(VX_EIO, "io", "input/output error")                                                                              \
    X(VX_EUNSUPPORTED, "unsupported", "not supported")                                                                 \
    X(VX_EINTERNAL, "internal", "internal error")

enum vx_status {
#define X(name, label, text) name,
    VX_STATUS_LIST(X)
#undef X
        VX_STATUS_COUNT
};

/* What went wrong, for a person. `file` is empty and `line` 0 where there is no place. Lines and columns count from 1;
 * columns count Unicode code points, as editors do. */
struct vx_err {
    enum vx_status code;
    char file[256];
    int line;
    int column;
    char message[512];
};

/* Returns the text ("not found") or the metric label ("not_found") of a status; never NULL. */
const char *vx_status_text(enum vx_status code);
const char *vx_status_label(enum vx_status code);

/* Fills `err` (may be NULL) with a code and a message, without a place, and returns `code`, so that a caller can write
 * `return vx_err_set(err, VX_EINVAL, ...)`. The message is cut at the size of the field. */
enum vx_status vx_err_set(struct vx_err *err, enum vx_status code, const char *fmt, ...) VX_PRINTF(3, 4);

/* Puts "context: " before the message of `err` (may be NULL); keeps code and place. Returns the code. */
enum vx_status vx_err_wrap(struct vx_err *err, const char *fmt, ...) VX_PRINTF(2, 3);

/* An invariant that holds or the process dies, in every build. Dying is safe: offsets are stored only after delivery. */
#define vx_assert(cond) ((cond) ? (void)0 : vx_die(__FILE__, __LINE__, #cond))
_Noreturn void vx_die(const char *file, int line, const char *what);

#endif
