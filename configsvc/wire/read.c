/* Reading JSON: one strict check of the whole text, then looking inside in place. */
#include "configsvc/wire/wire.h"

#include "core/base/utf8.h"
#include "core/json/scan.h"

/* Line and column, both from 1, of byte `offset`. */
static void locate(struct vx_span text, size_t offset, struct vx_err *err)
{
    err->line = err->column = 1;
    for (const char *p = text.at, *end = p + (offset < text.len ? offset : text.len); p < end;) {
        int len;
        vx_utf8_decode(p, text.at + text.len, &len);
        err->column++;
        if (*p == '\n') {
            err->line++;
            err->column = 1;
        }
        p += len;
    }
}

enum vx_status wire_parse(struct vx_span text, struct json_value *root, struct vx_err *err)
{
    struct json_scanner *scanner = json_scanner_new();
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, (struct json_path){NULL, 0}, 0);
    json_paths_seal(paths);
    struct json_value slot = {.kind = JSON_KIND_MISSING};
    size_t error_at = 0;
    enum vx_status status = json_scan(scanner, paths, text, &slot, &error_at);
    json_paths_free(paths);
    json_scanner_free(scanner);
    if (status == VX_OK) {
        *root = slot;
        return VX_OK;
    }
    struct vx_err place = {0};
    locate(text, error_at, &place);
    status = json_is_too_deep(text, error_at) ? VX_ELIMIT : VX_EINVAL;
    if (status == VX_ELIMIT)
        vx_err_set(err, status, "nested deeper than %d levels at line %d, column %d", JSON_DEPTH_MAX, place.line,
                   place.column);
    else
        vx_err_set(err, status, "not JSON at line %d, column %d", place.line, place.column);
    if (err) {
        err->line = place.line;
        err->column = place.column;
    }
    return status;
}

struct json_value wire_get(struct json_value object, const char *key)
{
    struct json_value v = json_member(object, vx_span_str(key));
    if (v.kind == JSON_KIND_NULL)
        v.kind = JSON_KIND_MISSING;
    return v;
}

const char *wire_get_str(struct json_value object, const char *key, struct vx_arena *arena, const char *fallback)
{
    struct json_value v = wire_get(object, key);
    if (v.kind != JSON_KIND_STRING)
        return fallback;
    struct vx_span text = json_unescape(v, arena);
    if (text.len && memchr(text.at, '\0', text.len))
        return fallback;
    return vx_arena_span(arena, text).at;
}

int64_t wire_get_int(struct json_value object, const char *key, int64_t fallback)
{
    struct json_value v = wire_get(object, key);
    int64_t n;
    return v.kind == JSON_KIND_INT && json_int64(v, &n) ? n : fallback;
}

bool wire_get_bool(struct json_value object, const char *key, bool fallback)
{
    struct json_value v = wire_get(object, key);
    return v.kind == JSON_KIND_TRUE || (v.kind != JSON_KIND_FALSE && fallback);
}
