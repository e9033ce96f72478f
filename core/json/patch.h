/* Changing a JSON text in place: the bytes that an edit touches are replaced, all others stay as they are, key order and
 * number spelling included. */
#ifndef VX_JSON_PATCH_H
#define VX_JSON_PATCH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/json/path.h"

/* One edit. With `value.at` set, the place gets that JSON text: a member is replaced (of a repeated key the last one, the
 * others are removed) or added behind the last member; missing parents are created as objects; an array element must
 * exist. With `value.at` NULL the place is removed (every one of a repeated key); removing what is not there changes
 * nothing. */
struct json_edit {
    struct json_path path; /* count >= 1 */
    struct vx_span value;  /* raw JSON, or at == NULL: remove */
};

/* Appends to `out` the text with all edits applied; each edit sees the text as it was (array indexes included). No path
 * may be equal to or hold another (the config check refuses that). `text` must have passed json_scan().
 * Errors: VX_EINVAL with a message when a parent is neither an object nor (for an index) an array long enough. */
VX_MUSTCHECK enum vx_status json_patch(struct vx_buf *out, struct vx_span text, const struct json_edit *edits,
                                       size_t count, struct vx_err *err);

#endif
