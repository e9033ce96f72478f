/* Hashes: SHA-256 for what is stored (by libcrypto), a fast 64-bit one for tables in memory. */
#ifndef VX_BASE_HASH_H
#define VX_BASE_HASH_H

#include "core/base/span.h"

enum { VX_SHA256_HEX_SIZE = 65 };

/* Writes the SHA-256 of `data` as 64 lower-case hex digits and a NUL (FIPS 180-4). */
void vx_sha256_hex(struct vx_span data, char hex[VX_SHA256_HEX_SIZE]);

/* XXH64 with seed 0 (the xxHash specification, Y. Collet): stable across machines and versions. */
uint64_t vx_hash64(struct vx_span data);

#endif
