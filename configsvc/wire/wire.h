/* The JSON that the API and the CLI exchange: how both sides write it, read it, and spell what they share.
 *
 *     document  {"kind", "name", "path", "line", "text"}                      only path, line and text count when reading
 *     finding   {"severity", "file", "line", "column", "width", "message", "quoted"}
 *     change    {"kind", "config", "name", "where", "was", "now"}
 *
 * Reading is core/json: the text is checked as a whole once, then looked into in place. Writing appends to a buffer.
 * Any thread; no state.
 */
#ifndef VX_CONFIGSVC_WIRE_H
#define VX_CONFIGSVC_WIRE_H

#include "core/base/buf.h"
#include "core/base/diag.h"
#include "core/config/config.h"
#include "core/config/diff.h"
#include "core/json/value.h"

enum {
    WIRE_DOCUMENTS_MAX = 4096, /* of one request; the same as of one release */
    WIRE_PATH_MAX_BYTES = 512, /* of a document's path */
};

/* --- writing: a comma goes in front where one is due. `key` is NULL inside a list and at the top ------------------- */

/* Begins and ends an object or a list: '{' and '}', '[' and ']'. */
void wire_open(struct vx_buf *out, const char *key, char bracket);
void wire_close(struct vx_buf *out, char bracket);
/* Text; what is not UTF-8 in it becomes U+FFFD, because JSON cannot carry it. */
void wire_text(struct vx_buf *out, const char *key, struct vx_span text);
/* A C string, or null. */
void wire_str(struct vx_buf *out, const char *key, const char *text);
void wire_int(struct vx_buf *out, const char *key, int64_t value);
void wire_bool(struct vx_buf *out, const char *key, bool value);
/* "2026-11-21T03:00:00.123Z"; null for 0. */
void wire_time(struct vx_buf *out, const char *key, int64_t wall_ms);
/* JSON text as it stands. */
void wire_raw(struct vx_buf *out, const char *key, struct vx_span json);

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* Checks that `text` is JSON; `*root` borrows from it. VX_EINVAL, or VX_ELIMIT where it is nested deeper than
 * JSON_DEPTH_MAX: err has line and column of the first fault. */
VX_MUSTCHECK enum vx_status wire_parse(struct vx_span text, struct json_value *root, struct vx_err *err);
/* The member `key` of an object; JSON_KIND_MISSING when it is not there or null. */
struct json_value wire_get(struct json_value object, const char *key);
/* Its text, NUL-terminated, in `arena`; `fallback` when it is missing, not a string, or holds a NUL. */
const char *wire_get_str(struct json_value object, const char *key, struct vx_arena *arena, const char *fallback);
/* Its number; `fallback` when it is missing or not a whole number. */
int64_t wire_get_int(struct json_value object, const char *key, int64_t fallback);
bool wire_get_bool(struct json_value object, const char *key, bool fallback);

/* --- what both sides share ------------------------------------------------------------------------------------------ */

/* A list of findings, in the order they have. */
void wire_findings(struct vx_buf *out, const char *key, const struct vx_diags *diags);
/* Adds findings that wire_findings() wrote to `diags`, as far as they have that shape; each file gets `folder` + "/" in
 * front when `folder` is not NULL. */
void wire_findings_load(struct json_value findings, const char *folder, struct vx_diags *diags);

/* All documents of `set`. */
void wire_documents(struct vx_buf *out, const char *key, const struct config_set *set);
/* Reads documents as sources for config_load(); texts live in `arena`. VX_EINVAL, VX_ELIMIT: `err` says which document is
 * wrong and how. */
VX_MUSTCHECK enum vx_status wire_documents_load(struct json_value documents, struct vx_arena *arena,
                                                struct config_source **out, size_t *count, struct vx_err *err);
/* True for a path that is safe below any folder: relative, no empty, "." or ".." step, no control character, UTF-8. */
bool wire_path_valid(const char *path);

/* A list of changes. */
void wire_changes(struct vx_buf *out, const char *key, const struct config_diff *diff);

#endif
