/* Where the settings of a libconfuse file stand: libconfuse decodes values but forgets their places. */
#ifndef VX_CONFIG_SETTINGS_TEXT_H
#define VX_CONFIG_SETTINGS_TEXT_H

#include "core/base/arena.h"
#include "core/base/diag.h"

/* One `key = value` or `key {`, in the order written. */
struct settings_entry {
    const char *section;  /* sections around it joined by `/`; "" at the top */
    struct vx_span key;   /* in place */
    struct vx_span value; /* in place, as written; empty for a section */
    bool is_section;
};

struct settings_text {
    const char *path;
    struct vx_span text;
    struct settings_entry *entries;
    size_t count;
};

/* Scans `text` (borrowed). Reports what libconfuse would take wrongly or in silence: an unterminated string, an
 * environment variable that is not set. False when one was reported. What else is wrong with the syntax is left to
 * libconfuse; entries end there. */
bool settings_scan(const char *path, struct vx_span text, struct vx_arena *arena, struct settings_text *out,
                   struct vx_diags *diags);
/* The entry `key` of `section`, or NULL. */
const struct settings_entry *settings_entry_find(const struct settings_text *text, const char *section,
                                                 const char *key);
/* The place of `part` (inside the text), and of a whole line. */
void settings_place(const struct settings_text *text, struct vx_span part, struct vx_diag *at);
void settings_place_line(const struct settings_text *text, int line, struct vx_diag *at);

#endif
