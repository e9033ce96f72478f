/* Values as text: as string() gives them, as JSON, as CEL literals.
 *
 * Any thread. Numbers are spelt without the C library's locale. Invariant: cel_write_json() appends a whole value or
 * nothing.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/b64.h"
#include "core/base/utf8.h"
#include "core/cel/cel.h"
#include "core/cel/functions/net.h"
#include "core/cel/functions/time.h"
#include "core/cel/check/types.h"
#include "core/cel/values.h"
#include "core/json/text.h"
#include "core/json/write.h"

enum { SCALAR_TEXT_SIZE = 64, DIGITS_MAX = 17 };

/* So many decimal digits survive a positive double: a shorter spelling of it ends in zeros there. At most two more tell
 * it from its neighbours. 15 for most; a subnormal one has fewer bits. */
static int surviving_digits(double d)
{
    if (d >= DBL_MIN)
        return DBL_DIG;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    int lower = 63 - (bits ? __builtin_clzll(bits) : 63); /* bits below the highest */
    int digits = lower * 30103 / 100000;                  /* × log10(2) */
    return digits > 0 ? digits : 1;
}

/* The fewest digits d1 d2 … and the exponent so that d1.d2… × 10^exponent reads back as `d`; returns how many. Cost: at
 * most three attempts. */
static int shortest_digits(double d, char digits[DIGITS_MAX], int *exponent)
{
    char text[48];
    int count = 0, enough = surviving_digits(d), most = enough + 2;
    for (; enough <= most; enough++) {
        snprintf(text, sizeof text, "%.*e", enough - 1, d);
        if (enough == DIGITS_MAX || strtod(text, NULL) == d)
            break;
    }
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9' && count < DIGITS_MAX)
            digits[count++] = *p;
    }
    *exponent = atoi(p + 1);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count;
}

static size_t print_digits(const char *digits, int count, int exponent, char *text)
{
    size_t n = 0;
    bool plain = exponent >= -6 && exponent < 21;
    int point = plain ? exponent + 1 : 1; /* digits before the point */
    for (int i = point < 1 ? point - 1 : 0; i < (count > point ? count : point); i++) {
        if (i == point && i > 0)
            text[n++] = '.';
        text[n++] = i >= 0 && i < count ? digits[i] : '0';
        if (point < 1 && i == point - 1)
            text[n++] = '.';
    }
    if (!plain)
        n += (size_t)sprintf(text + n, "e%+d", exponent);
    return n;
}

/* Decimal from 1e-6 to 1e21, scientific beyond, as ECMAScript's Number::toString has it. */
size_t cel_print_double(double d, char text[CEL_DOUBLE_TEXT_SIZE])
{
    char digits[DIGITS_MAX];
    int exponent;
    size_t n = 0;
    if (isnan(d) || isinf(d))
        return (size_t)snprintf(text, CEL_DOUBLE_TEXT_SIZE, "%s", isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
    if (signbit(d))
        text[n++] = '-';
    int count = shortest_digits(fabs(d), digits, &exponent);
    return n + print_digits(digits, count, exponent, text + n);
}

/* The text of what is no string; 0 where there is none. */
static size_t print_scalar(struct cel_value v, char text[SCALAR_TEXT_SIZE])
{
    switch (v.type) {
    case CEL_BOOL:
        return (size_t)sprintf(text, "%s", v.boolean ? "true" : "false");
    case CEL_INT:
        return (size_t)sprintf(text, "%lld", (long long)v.i);
    case CEL_UINT:
        return (size_t)sprintf(text, "%llu", (unsigned long long)v.u);
    case CEL_DOUBLE:
        return cel_print_double(v.d, text);
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return cel_time_print(v, text);
    case CEL_IP:
    case CEL_CIDR:
        return cel_net_print(v, text);
    default:
        return 0;
    }
}

bool cel_text_of(struct cel_value v, struct vx_arena *arena, struct vx_span *text)
{
    char scalar[SCALAR_TEXT_SIZE];
    if (v.type == CEL_STRING) {
        *text = cel_string(v, arena);
        return true;
    }
    if (v.type == CEL_BYTES) {
        *text = v.s;
        return vx_utf8_valid(v.s);
    }
    size_t n = print_scalar(v, scalar);
    if (n > 0)
        *text = vx_arena_span(arena, vx_span(scalar, n));
    return n > 0;
}

bool cel_write_text(struct cel_value v, struct vx_buf *out)
{
    if (v.type == CEL_BYTES || (v.type == CEL_STRING && !v.is_json)) {
        bool good = v.type == CEL_STRING || vx_utf8_valid(v.s);
        if (good)
            vx_buf_span(out, v.s);
        return good;
    }
    if (v.type == CEL_STRING) {
        char *to = vx_buf_reserve(out, v.json.len);
        size_t len = json_decode_all(v.json.at, v.json.at + v.json.len, to);
        to[len] = '\0';
        out->len += len;
        return true;
    }
    if (v.type == CEL_DOUBLE && !isfinite(v.d))
        return false;
    char scalar[SCALAR_TEXT_SIZE];
    size_t n = print_scalar(v, scalar);
    vx_buf_add(out, scalar, n);
    return n > 0;
}

static bool write_json(struct cel_value v, struct vx_buf *out);

static bool write_json_map(struct cel_value map, struct vx_buf *out)
{
    struct cel_map_iter it = cel_map_iter(map, NULL); /* never JSON here: that is written as it stands */
    struct cel_value key, value;
    vx_buf_char(out, '{');
    for (size_t n = 0; cel_map_next(&it, &key, &value); n++) {
        if (n > 0)
            vx_buf_char(out, ',');
        if (key.type != CEL_STRING || !write_json(key, out))
            return false;
        vx_buf_char(out, ':');
        if (!write_json(value, out))
            return false;
    }
    vx_buf_char(out, '}');
    return true;
}

static bool write_json_list(struct cel_value list, struct vx_buf *out)
{
    vx_buf_char(out, '[');
    for (size_t i = 0; i < list.list.count; i++) {
        if (i > 0)
            vx_buf_char(out, ',');
        if (!write_json(list.list.at[i], out))
            return false;
    }
    vx_buf_char(out, ']');
    return true;
}

static bool write_json(struct cel_value v, struct vx_buf *out)
{
    char scalar[SCALAR_TEXT_SIZE];
    if (v.is_json) {
        vx_buf_span(out, json_text(v.json));
        return true;
    }
    switch (v.type) {
    case CEL_NULL:
        vx_buf_str(out, "null");
        return true;
    case CEL_BOOL:
    case CEL_INT:
    case CEL_UINT:
        vx_buf_add(out, scalar, print_scalar(v, scalar));
        return true;
    case CEL_DOUBLE:
        if (isfinite(v.d))
            json_write_double(out, v.d);
        return isfinite(v.d);
    case CEL_STRING:
        if (vx_utf8_valid(v.s))
            json_write_string(out, v.s);
        return vx_utf8_valid(v.s); /* a header's value may be anything */
    case CEL_BYTES:
        vx_buf_char(out, '"');
        vx_b64_encode(out, v.s);
        vx_buf_char(out, '"');
        return true;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
    case CEL_IP:
    case CEL_CIDR:
        json_write_string(out, vx_span(scalar, print_scalar(v, scalar)));
        return true;
    case CEL_LIST:
        return write_json_list(v, out);
    case CEL_MAP:
        return write_json_map(v, out);
    default:
        return false;
    }
}

bool cel_write_json(struct cel_value v, struct vx_buf *out)
{
    size_t before = out->len;
    bool good = write_json(v, out);
    if (!good) {
        out->len = before;
        if (out->at)
            out->at[before] = '\0';
    }
    return good;
}

/* A string or bytes in double quotes, so that CEL reads the same back. */
static void write_quoted(struct vx_span s, bool bytes, struct vx_buf *out)
{
    static const char letters[] = "\"\\\a\b\f\n\r\t\v", names[] = "\"\\abfnrtv";
    vx_buf_str(out, bytes ? "b\"" : "\"");
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        const char *letter = c ? strchr(letters, c) : NULL;
        if (letter)
            vx_buf_printf(out, "\\%c", names[letter - letters]);
        else if (c < 0x20 || c == 0x7f || (bytes && c >= 0x80))
            vx_buf_printf(out, bytes ? "\\x%02x" : "\\u%04x", c);
        else
            vx_buf_char(out, (char)c);
    }
    vx_buf_char(out, '"');
}

static void write_literal_list(struct cel_value list, struct vx_buf *out)
{
    struct cel_list_iter it = cel_list_iter(list);
    struct cel_value element;
    vx_buf_char(out, '[');
    for (size_t n = 0; cel_list_next(&it, &element); n++) {
        vx_buf_str(out, n > 0 ? ", " : "");
        cel_write_literal(element, out);
    }
    vx_buf_char(out, ']');
}

static void write_literal_map(struct cel_value map, struct vx_buf *out)
{
    struct vx_arena arena = {0};
    struct cel_map_iter it = cel_map_iter(map, &arena);
    struct cel_value key, value;
    if (map.is_json)
        it.last = json_last_keys(map.json, &arena);
    vx_buf_char(out, '{');
    for (size_t n = 0; cel_map_next(&it, &key, &value); n++) {
        vx_buf_str(out, n > 0 ? ", " : "");
        cel_write_literal(key, out);
        vx_buf_str(out, ": ");
        cel_write_literal(value, out);
    }
    vx_buf_char(out, '}');
    vx_arena_done(&arena);
}

static void write_literal_string(struct cel_value v, struct vx_buf *out)
{
    struct vx_arena arena = {0};
    struct vx_span s = cel_string(v, &arena);
    /* Not UTF-8: a header that nobody may read, shown all the same. */
    write_quoted(s, v.type == CEL_BYTES || !vx_utf8_valid(s), out);
    vx_arena_done(&arena);
}

void cel_write_literal(struct cel_value v, struct vx_buf *out)
{
    char scalar[SCALAR_TEXT_SIZE];
    size_t n = print_scalar(v, scalar);
    switch (v.type) {
    case CEL_NULL:
        vx_buf_str(out, "null");
        break;
    case CEL_UINT:
        vx_buf_printf(out, "%.*su", (int)n, scalar);
        break;
    case CEL_DOUBLE:
        if (!isfinite(v.d))
            vx_buf_printf(out, "double(\"%.*s\")", (int)n, scalar);
        else
            vx_buf_printf(out, "%.*s%s", (int)n, scalar, memchr(scalar, '.', n) || memchr(scalar, 'e', n) ? "" : ".0");
        break;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
    case CEL_IP:
    case CEL_CIDR:
        vx_buf_printf(out, "%s(\"%.*s\")", cel_type_short(v.type), (int)n, scalar);
        break;
    case CEL_STRING:
    case CEL_BYTES:
        write_literal_string(v, out);
        break;
    case CEL_LIST:
        write_literal_list(v, out);
        break;
    case CEL_MAP:
        write_literal_map(v, out);
        break;
    case CEL_TYPE:
        vx_buf_str(out, cel_type_name(v.named));
        break;
    case CEL_OPTIONAL:
        vx_buf_str(out, v.some ? "optional.of(" : "optional.none()");
        if (v.some) {
            cel_write_literal(*v.some, out);
            vx_buf_char(out, ')');
        }
        break;
    default:
        vx_buf_add(out, scalar, n);
    }
}
