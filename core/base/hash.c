/* SHA-256 through libcrypto and XXH64 from its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). Any
 * thread; no state. */
#include "core/base/hash.h"

#include <openssl/sha.h>

void vx_sha256_hex(struct vx_span data, char hex[VX_SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)data.at, data.len, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = '\0';
}

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u,
                      P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t x, int r)
{
    return (x << r) | (x >> (64 - r));
}

static uint64_t read64(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static uint32_t read32(const char *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    return x;
}

static uint64_t mix(uint64_t acc, uint64_t lane)
{
    return rotate(acc + lane * P2, 31) * P1;
}

static uint64_t hash_stripes(const char **at, const char *end)
{
    uint64_t acc[4] = {P1 + P2, P2, 0, 0 - P1};
    const char *p = *at;
    do {
        for (int i = 0; i < 4; i++)
            acc[i] = mix(acc[i], read64(p + 8 * i));
        p += 32;
    } while (end - p >= 32);
    *at = p;
    uint64_t h = rotate(acc[0], 1) + rotate(acc[1], 7) + rotate(acc[2], 12) + rotate(acc[3], 18);
    for (int i = 0; i < 4; i++)
        h = (h ^ mix(0, acc[i])) * P1 + P4;
    return h;
}

uint64_t vx_hash64(struct vx_span data)
{
    const char *p = data.at, *end = p + data.len;
    uint64_t h = data.len >= 32 ? hash_stripes(&p, end) : P5;
    h += data.len;
    for (; end - p >= 8; p += 8)
        h = rotate(h ^ mix(0, read64(p)), 27) * P1 + P4;
    if (end - p >= 4) {
        h = rotate(h ^ (uint64_t)read32(p) * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p < end; p++)
        h = rotate(h ^ (uint64_t)(unsigned char)*p * P5, 11) * P1;
    h = (h ^ (h >> 33)) * P2;
    h = (h ^ (h >> 29)) * P3;
    return h ^ (h >> 32);
}
