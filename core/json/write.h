/* Writing JSON: the few spellings that Veltrix itself produces. */
#ifndef VX_JSON_WRITE_H
#define VX_JSON_WRITE_H

#include "core/base/buf.h"

/* Appends `text` (valid UTF-8) as a JSON string with quotes; escapes only what must be. */
void json_write_string(struct vx_buf *out, struct vx_span text);
void json_write_int(struct vx_buf *out, int64_t value);
/* The shortest spelling that reads back as the same double; whole numbers keep ".0" so that they stay doubles. The
 * value must be finite. */
void json_write_double(struct vx_buf *out, double value);

#endif
