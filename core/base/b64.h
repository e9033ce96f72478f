/* Base64 with the standard alphabet and padding (RFC 4648, section 4). */
#ifndef VX_BASE_B64_H
#define VX_BASE_B64_H

#include "core/base/buf.h"

/* Appends the encoding of `data`. */
void vx_b64_encode(struct vx_buf *out, struct vx_span data);
/* Appends the decoding of `text`; missing padding is accepted. False (nothing appended) when a character is illegal. */
bool vx_b64_decode(struct vx_buf *out, struct vx_span text);

/* The same into memory of the caller's: vx_b64_length() bytes for the encoding, at most text.len for the decoding.
 * Nothing is NUL-terminated. */
size_t vx_b64_length(struct vx_span data);
size_t vx_b64_write(struct vx_span data, char *to);
bool vx_b64_read(struct vx_span text, char *to, size_t *written);

#endif
