/* Writing JSON into a buffer. A comma is due unless the buffer is empty or ends in an opening bracket: a string always
 * ends in a quote, so the last byte tells. */
#include "configsvc/wire/wire.h"

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/json/write.h"

static void begin(struct vx_buf *out, const char *key)
{
    char last = out->len ? out->at[out->len - 1] : '{';
    if (last != '{' && last != '[')
        vx_buf_char(out, ',');
    if (key) {
        json_write_string(out, vx_span_str(key));
        vx_buf_char(out, ':');
    }
}

void wire_open(struct vx_buf *out, const char *key, char bracket)
{
    begin(out, key);
    vx_buf_char(out, bracket);
}

void wire_close(struct vx_buf *out, char bracket)
{
    vx_buf_char(out, bracket);
}

void wire_text(struct vx_buf *out, const char *key, struct vx_span text)
{
    begin(out, key);
    if (vx_utf8_valid(text)) {
        json_write_string(out, text);
        return;
    }
    struct vx_buf mended = {0};
    for (const char *p = text.at, *end = p + text.len; p < end;) {
        int len;
        if (vx_utf8_decode(p, end, &len) < 0)
            vx_buf_str(&mended, "\xef\xbf\xbd");
        else
            vx_buf_add(&mended, p, (size_t)len);
        p += len;
    }
    json_write_string(out, vx_buf_view(&mended));
    vx_buf_done(&mended);
}

void wire_str(struct vx_buf *out, const char *key, const char *text)
{
    if (text)
        wire_text(out, key, vx_span_str(text));
    else
        wire_raw(out, key, VX_SPAN_LITERAL("null"));
}

void wire_int(struct vx_buf *out, const char *key, int64_t value)
{
    begin(out, key);
    json_write_int(out, value);
}

void wire_bool(struct vx_buf *out, const char *key, bool value)
{
    wire_raw(out, key, vx_span_str(value ? "true" : "false"));
}

void wire_time(struct vx_buf *out, const char *key, int64_t wall_ms)
{
    char text[VX_TIME_TEXT_SIZE];
    wire_str(out, key, wall_ms ? vx_time_print(wall_ms, text) : NULL);
}

void wire_raw(struct vx_buf *out, const char *key, struct vx_span json)
{
    begin(out, key);
    vx_buf_span(out, json);
}
