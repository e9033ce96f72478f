/* Reading events from a JSONL file. The value of an event keeps its bytes: what is sent is what the file says, number
 * spelling and blanks included. One thread. */
#include "configsvc/cli/dev/events.h"

#include <errno.h>
#include <stdio.h>

#include "configsvc/wire/wire.h"

static enum vx_status read_all(const char *path, struct vx_buf *out, struct vx_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (!file)
        return vx_err_set(err, VX_EIO, "%s cannot be read: %s", path, strerror(errno));
    for (size_t n = 1; n > 0 && out->len <= EVENTS_FILE_MAX_BYTES;) {
        n = fread(vx_buf_reserve(out, 1 << 20), 1, 1 << 20, file);
        out->len += n;
    }
    bool bad = ferror(file);
    if (!standard)
        fclose(file);
    if (bad)
        return vx_err_set(err, VX_EIO, "%s cannot be read", path);
    if (out->len > EVENTS_FILE_MAX_BYTES)
        return vx_err_set(err, VX_ELIMIT, "%s is larger than %d MiB", path, EVENTS_FILE_MAX_BYTES >> 20);
    return VX_OK;
}

/* Has the line the shape of an envelope? */
static bool is_envelope(struct json_value line)
{
    bool has_value = false;
    if (line.kind != JSON_KIND_OBJECT)
        return false;
    for (struct json_iter it = json_iter(line); json_next(&it);) {
        bool value = json_string_equal(it.key, VX_SPAN_LITERAL("value"));
        has_value |= value;
        if (!value && !json_string_equal(it.key, VX_SPAN_LITERAL("key")) &&
            !json_string_equal(it.key, VX_SPAN_LITERAL("headers")) &&
            !json_string_equal(it.key, VX_SPAN_LITERAL("topic")))
            return false;
    }
    return has_value;
}

/* The string member `name`, or none; false when it is something else. */
static bool text_member(struct json_value line, const char *name, struct vx_arena *arena, struct vx_span *out)
{
    struct json_value v = wire_get(line, name);
    if (v.kind == JSON_KIND_MISSING)
        return true;
    if (v.kind != JSON_KIND_STRING)
        return false;
    *out = vx_arena_span(arena, json_unescape(v, arena));
    return true;
}

static const char *envelope_load(struct json_value line, struct vx_arena *arena, struct events_item *out)
{
    struct vx_span topic = {0};
    struct json_value value = json_member(line, VX_SPAN_LITERAL("value")), headers = wire_get(line, "headers");
    if (value.kind != JSON_KIND_NULL)
        out->value = json_text(value);
    if (!text_member(line, "key", arena, &out->key))
        return "`key` must be a string or null";
    if (!text_member(line, "topic", arena, &topic))
        return "`topic` must be a string";
    out->topic = topic.at;
    if (headers.kind == JSON_KIND_MISSING)
        return NULL;
    if (headers.kind != JSON_KIND_OBJECT)
        return "`headers` must be an object of strings";
    size_t room = 0;
    for (struct json_iter it = json_iter(headers); json_next(&it);)
        room++;
    out->headers = VX_ARENA_ARRAY(arena, struct cel_header, room + 1);
    for (struct json_iter it = json_iter(headers); json_next(&it);) {
        if (it.value.kind != JSON_KIND_STRING)
            return "`headers` must be an object of strings";
        out->headers[out->header_count++] =
            (struct cel_header){vx_arena_span(arena, json_unescape(it.key, arena)), json_unescape(it.value, arena)};
    }
    return NULL;
}

enum vx_status events_load(const char *path, struct vx_arena *arena, struct events_item **out, size_t *count,
                           struct vx_err *err)
{
    struct vx_buf file = {0};
    enum vx_status status = read_all(path, &file, err);
    struct vx_span text = status == VX_OK ? vx_arena_span(arena, vx_buf_view(&file)) : vx_span(NULL, 0);
    vx_buf_done(&file);
    if (status != VX_OK)
        return status;
    size_t lines = 1, n = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    struct events_item *items = VX_ARENA_ARRAY(arena, struct events_item, lines);
    int number = 0;
    for (const char *p = text.at, *end = p + text.len; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        struct vx_span line = vx_span(p, (size_t)((newline ? newline : end) - p));
        struct json_value root;
        number++;
        p = newline ? newline + 1 : end;
        while (line.len && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == ' '))
            line.len--;
        if (line.len == 0)
            continue;
        if (wire_parse(line, &root, err) != VX_OK)
            return vx_err_set(err, VX_EINVAL, "%s:%d: the line is not JSON", path, number);
        const char *wrong = NULL;
        if (is_envelope(root))
            wrong = envelope_load(root, arena, &items[n]);
        else
            items[n].value = line;
        if (wrong)
            return vx_err_set(err, VX_EINVAL, "%s:%d: %s", path, number, wrong);
        n++;
    }
    *out = items;
    *count = n;
    return VX_OK;
}
