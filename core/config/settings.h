/* Settings files of the programs (router.conf, configsvc.conf): libconfuse syntax over field tables.
 *
 * `${NAME}` inside a string is the environment variable NAME; one that is not set is an error with its place.
 */
#ifndef VX_CONFIG_SETTINGS_H
#define VX_CONFIG_SETTINGS_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/diag.h"
#include "core/config/field.h"

/* Loads `path` into the struct `out` by `fields` (ended by a NULL name); texts live in `arena`. Defaults fill what the file
 * leaves out. All errors go to `diags` with file and line; VX_EINVAL when there is one, VX_EIO when the file cannot be
 * read (also in diags). */
VX_MUSTCHECK enum vx_status settings_load(const char *path, const struct vx_field *fields, void *out,
                                          struct vx_arena *arena, struct vx_diags *diags);
/* Appends what is in force, in the syntax that settings_load() reads; secrets as "***". */
void settings_print(const struct vx_field *fields, const void *settings, struct vx_buf *out);
/* Appends one line per setting: name, type, default, help. For --help. */
void settings_help(const struct vx_field *fields, struct vx_buf *out);

#endif
