/* The JSON spelling of documents, findings and changes. What comes in is checked here; what a document's text means is
 * core/config's business. */
#include "configsvc/wire/wire.h"

#include "core/base/utf8.h"

void wire_findings(struct vx_buf *out, const char *key, const struct vx_diags *diags)
{
    wire_open(out, key, '[');
    for (size_t i = 0; i < diags->count; i++) {
        const struct vx_diag *item = &diags->items[i];
        wire_open(out, NULL, '{');
        wire_str(out, "severity", item->severity == VX_ERROR ? "error" : "warning");
        wire_str(out, "file", item->file);
        wire_int(out, "line", item->line);
        wire_int(out, "column", item->column);
        wire_int(out, "width", item->width);
        wire_str(out, "message", item->message);
        wire_text(out, "quoted", item->quoted);
        wire_close(out, '}');
    }
    wire_close(out, ']');
}

static int place_of(struct json_value item, const char *key)
{
    int64_t n = wire_get_int(item, key, 0);
    return n > 0 && n < INT32_MAX ? (int)n : 0;
}

void wire_findings_load(struct json_value findings, const char *folder, struct vx_diags *diags)
{
    struct vx_arena arena = {0};
    for (struct json_iter it = json_iter(findings); findings.kind == JSON_KIND_ARRAY && json_next(&it);) {
        const char *file = wire_get_str(it.value, "file", &arena, "");
        struct vx_diag at = {
            .severity = strcmp(wire_get_str(it.value, "severity", &arena, ""), "warning") ? VX_ERROR : VX_WARNING,
            .file = folder && file[0] ? vx_arena_printf(&arena, "%s/%s", folder, file) : file,
            .line = place_of(it.value, "line"),
            .column = place_of(it.value, "column"),
            .width = place_of(it.value, "width"),
            .quoted = vx_span_str(wire_get_str(it.value, "quoted", &arena, "")),
        };
        vx_diags_add(diags, &at, "%s", wire_get_str(it.value, "message", &arena, ""));
    }
    vx_arena_done(&arena);
}

void wire_documents(struct vx_buf *out, const char *key, const struct config_set *set)
{
    wire_open(out, key, '[');
    for (size_t i = 0; i < set->document_count; i++) {
        const struct config_document *doc = &set->documents[i];
        wire_open(out, NULL, '{');
        wire_str(out, "kind", config_kind_name(doc->kind));
        wire_str(out, "name", doc->name);
        wire_str(out, "path", doc->path);
        wire_int(out, "line", doc->line);
        wire_text(out, "text", doc->text);
        wire_close(out, '}');
    }
    wire_close(out, ']');
}

bool wire_path_valid(const char *path)
{
    size_t len = strlen(path);
    if (len == 0 || len > WIRE_PATH_MAX_BYTES || !vx_utf8_valid(vx_span_str(path)))
        return false;
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '\\')
            return false;
    for (const char *step = path;;) {
        size_t n = strcspn(step, "/");
        if (n == 0 || (n == 1 && step[0] == '.') || (n == 2 && step[0] == '.' && step[1] == '.'))
            return false;
        if (!step[n])
            return true;
        step += n + 1;
    }
}

static enum vx_status document_load(struct json_value doc, size_t i, struct vx_arena *arena, struct config_source *out,
                                    struct vx_err *err)
{
    const char *path = wire_get_str(doc, "path", arena, NULL);
    struct json_value text = wire_get(doc, "text");
    int64_t line = wire_get_int(doc, "line", wire_get(doc, "line").kind == JSON_KIND_MISSING ? 1 : 0);
    if (!path || text.kind != JSON_KIND_STRING)
        return vx_err_set(err, VX_EINVAL, "documents[%zu] must have `path` and `text`, both strings", i);
    if (!wire_path_valid(path))
        return vx_err_set(err, VX_EINVAL, "documents[%zu]: `path` must be a relative path without `.` and `..`", i);
    if (line < 1 || line > CONFIG_LINE_MAX)
        return vx_err_set(err, VX_EINVAL, "documents[%zu]: `line` must be a whole number from 1 to %d", i,
                          CONFIG_LINE_MAX);
    *out = (struct config_source){.path = path, .text = json_unescape(text, arena), .first_line = (int)line};
    return VX_OK;
}

enum vx_status wire_documents_load(struct json_value documents, struct vx_arena *arena, struct config_source **out,
                                   size_t *count, struct vx_err *err)
{
    if (documents.kind != JSON_KIND_ARRAY)
        return vx_err_set(err, VX_EINVAL, "`documents` must be a list of {\"path\", \"text\"}");
    size_t room = json_count(documents, NULL), n = 0;
    if (room == 0)
        return vx_err_set(err, VX_EINVAL, "`documents` is empty: a release has at least one document");
    if (room > WIRE_DOCUMENTS_MAX)
        return vx_err_set(err, VX_ELIMIT, "%zu documents are too many: a release has at most %d", room,
                          WIRE_DOCUMENTS_MAX);
    struct config_source *sources = VX_ARENA_ARRAY(arena, struct config_source, room);
    for (struct json_iter it = json_iter(documents); json_next(&it); n++) {
        enum vx_status status = document_load(it.value, n, arena, &sources[n], err);
        if (status != VX_OK)
            return status;
    }
    *out = sources;
    *count = n;
    return VX_OK;
}

void wire_changes(struct vx_buf *out, const char *key, const struct config_diff *diff)
{
    static const char *const kinds[] = {[CONFIG_ADDED] = "added",
                                        [CONFIG_REMOVED] = "removed",
                                        [CONFIG_CHANGED] = "changed",
                                        [CONFIG_MOVED] = "moved",
                                        [CONFIG_NOTE] = "note"};
    wire_open(out, key, '[');
    for (size_t i = 0; i < diff->count; i++) {
        const struct config_change *c = &diff->changes[i];
        wire_open(out, NULL, '{');
        wire_str(out, "kind", kinds[c->kind]);
        wire_str(out, "config", config_kind_name(c->config));
        wire_str(out, "name", c->name);
        wire_str(out, "where", c->where);
        wire_str(out, "was", c->was);
        wire_str(out, "now", c->now);
        wire_close(out, '}');
    }
    wire_close(out, ']');
}
