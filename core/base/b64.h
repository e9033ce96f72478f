/* Base64 with the standard alphabet and padding (RFC 4648, section 4). */
#ifndef VX_BASE_B64_H
#define VX_BASE_B64_H

#include "core/base/buf.h"

/* Appends the encoding of `data`. */
void vx_b64_encode(struct vx_buf *out, struct vx_span data);
/* Appends the decoding of `text`; missing padding is accepted. False (nothing appended) when a character is illegal. */
bool vx_b64_decode(struct vx_buf *out, struct vx_span text);

#endif
