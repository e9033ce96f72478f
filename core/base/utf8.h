/* UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef VX_BASE_UTF8_H
#define VX_BASE_UTF8_H

#include "core/base/span.h"

/* True when all of `s` is well-formed UTF-8. */
bool vx_utf8_valid(struct vx_span s);
/* The code points in `s`, which must be valid. */
size_t vx_utf8_count(struct vx_span s);
/* Decodes the code point at `p` (p < end) and its length in bytes; returns -1 and length 1 where it is malformed. */
int32_t vx_utf8_decode(const char *p, const char *end, int *len);
/* Writes `code` (at most 0x10FFFF) as 1 to 4 bytes and returns how many. */
int vx_utf8_encode(uint32_t code, char out[4]);

#endif
