/* UTF-8 checking and coding (RFC 3629). Any thread; no state. */
#include "core/base/utf8.h"

int32_t vx_utf8_decode(const char *p, const char *end, int *len)
{
    unsigned char c = (unsigned char)*p;
    *len = 1;
    if (c < 0x80)
        return c;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || end - p <= more)
        return -1;
    int32_t code = c & (0x3f >> more);
    for (int i = 1; i <= more; i++) {
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return -1;
        code = code << 6 | (p[i] & 0x3f);
    }
    static const int32_t lowest[] = {0, 0x80, 0x800, 0x10000};
    if (code < lowest[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return -1;
    *len = more + 1;
    return code;
}

bool vx_utf8_valid(struct vx_span s)
{
    const char *p = s.at, *end = p + s.len;
    while (p < end) {
        int len;
        if (vx_utf8_decode(p, end, &len) < 0)
            return false;
        p += len;
    }
    return true;
}

size_t vx_utf8_count(struct vx_span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}

int vx_utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (int i = more; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | code);
    return more + 1;
}
