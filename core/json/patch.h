/* Changing a JSON text in place: the bytes that an edit touches are replaced, all others stay as they are, key order
 * and number spelling included. */
#ifndef VX_JSON_PATCH_H
#define VX_JSON_PATCH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/json/path.h"

/* One edit. With `value.at` NULL the place is removed, wherever the path leads when each of its keys may be any of the
 * repeated ones: no copy is left that a reader of another taste could find. What is not there, or cannot be there
 * because a parent is something else, changes nothing.
 * With `value.at` set, the place gets that JSON text: a member is replaced (of a repeated key the last one, the others
 * are removed) or added behind the last member, in the order of the edits; missing parents are created as objects; an
 * array element must exist. The path leads through the last of a repeated key, which is the one that counts; what
 * stands below the others stays, so a value to be kept from readers is removed, not set. */
struct json_edit {
    struct json_path path; /* count >= 1 */
    struct vx_span value;  /* raw JSON, or at == NULL: remove */
};

/* Appends to `out` the text with all edits applied; each edit sees the text as it was (array indexes included). No path
 * may be equal to or hold another (the config check refuses that). `text` must have passed json_scan().
 * Costs one look at every byte of each container on a path, and where something is set in it another one from the first
 * member that an edit names to the last; asks for no memory but that of `out`, unless edits are many.
 * Errors, with nothing appended: VX_EINVAL when the parent of a place to set is neither an object nor (for an index) an
 * array long enough, or a path has more than JSON_DEPTH_MAX steps. The message begins with the place as it is written
 * behind the variable, so that the caller puts the variable's name in front: "event" and `.a["x y"] is a number, not an
 * object`. */
VX_MUSTCHECK enum vx_status json_patch(struct vx_buf *out, struct vx_span text, const struct json_edit *edits,
                                       size_t count, struct vx_err *err);

#endif
