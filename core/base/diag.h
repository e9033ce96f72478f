/* A list of everything that is wrong with some text, each with its place: what a person reads after a typo.
 *
 *     player-events.yaml:12:13: error: unknown key `whenn` in a rule; did you mean `when`?
 *        12 |   - whenn: event.type == "purchase"
 *           |     ^~~~~
 *
 * Collected in the order found, printed sorted by file, line and column. One thread.
 */
#ifndef VX_BASE_DIAG_H
#define VX_BASE_DIAG_H

#include "core/base/arena.h"
#include "core/base/buf.h"

enum vx_severity { VX_WARNING, VX_ERROR };

struct vx_diag {
    enum vx_severity severity;
    const char *file; /* "" where there is none */
    int line;         /* from 1; 0 where there is none */
    int column;       /* from 1, in code points */
    int width;        /* code points to underline, at least 1 */
    const char *message;
    struct vx_span quoted; /* the line of the source, without its newline; empty where there is none */
};

struct vx_diags {
    struct vx_arena arena; /* owns all texts */
    struct vx_diag *items;
    size_t count;
    size_t room;
    size_t error_count;
};

/* Lists of all zeroes are valid and empty. */
void vx_diags_init(struct vx_diags *diags);
void vx_diags_done(struct vx_diags *diags);

/* Appends one finding; texts are copied. `at` describes place and severity, its `message` is ignored. */
void vx_diags_add(struct vx_diags *diags, const struct vx_diag *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Sorts by file, line, column (stable). */
void vx_diags_sort(struct vx_diags *diags);

/* Appends all findings as text, three lines each as shown above (one where there is no source line). With `color`,
 * ANSI colours. */
void vx_diags_print(const struct vx_diags *diags, struct vx_buf *out, bool color);

/* The known name nearest to `name`, or NULL when none is near (Damerau-Levenshtein distance at most a third of the
 * length, at least 1). `names[i]` for i < count. */
const char *vx_nearest(struct vx_span name, const char *const *names, size_t count);

#endif
