/* Records by jansson. Any thread; no state. Texts that are printed are valid UTF-8: callers have checked them.
 * Loading keeps one sticky flag, checked at the end. */
#include "core/store/record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
    struct vx_arena *arena;
    const json_t *object;
    bool bad;
};

static const char *read_text(struct reader *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    if (!json_is_string(value)) {
        r->bad = true;
        return "";
    }
    return vx_arena_str(r->arena, json_string_value(value));
}

static void read_array(struct reader *r, const char *name, char *out, size_t size)
{
    const json_t *value = json_object_get(r->object, name);
    size_t len = json_string_length(value);
    if (!json_is_string(value) || len >= size) {
        r->bad = true;
        len = 0;
    }
    if (len)
        memcpy(out, json_string_value(value), len);
    out[len] = '\0';
}

static int64_t read_int(struct reader *r, const char *name, int64_t least, int64_t most)
{
    const json_t *value = json_object_get(r->object, name);
    int64_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= least && number <= most)
        return number;
    r->bad = true;
    return least;
}

static struct vx_span print(struct vx_arena *arena, json_t *root)
{
    vx_assert(root != NULL);
    char *text = json_dumps(root, JSON_COMPACT);
    vx_assert(text != NULL);
    struct vx_span copy = vx_arena_span(arena, vx_span_str(text));
    free(text);
    json_decref(root);
    return copy;
}

static json_t *parse(struct vx_span text)
{
    json_t *root = text.len ? json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* --- manifests --------------------------------------------------------------------------------------------------- */

struct vx_span record_manifest_print(struct vx_arena *arena, const struct store_manifest *manifest)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < manifest->entry_count; i++) {
        const struct store_entry *entry = &manifest->entries[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:i, s:s, s:I}", "kind", entry->kind, "name", entry->name, "path", entry->path,
                      "line", entry->line, "sha256", entry->sha256, "size", (json_int_t)entry->size);
        vx_assert(one && json_array_append_new(entries, one) == 0);
    }
    return print(arena, json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:i, s:o}", "number", (json_int_t)manifest->number,
                                  "parent", (json_int_t)manifest->parent, "author", manifest->author, "message",
                                  manifest->message, "request_id", manifest->request_id, "time_ms",
                                  (json_int_t)manifest->time_ms, "language", manifest->language, "entries", entries));
}

static void read_entry(struct reader *r, struct store_entry *out)
{
    static const char digits[] = "0123456789abcdef";
    *out = (struct store_entry){
        .kind = read_text(r, "kind"),
        .name = read_text(r, "name"),
        .path = read_text(r, "path"),
        .line = (int)read_int(r, "line", 0, INT32_MAX),
        .size = (size_t)read_int(r, "size", 0, STORE_OBJECT_MAX_BYTES),
    };
    read_array(r, "sha256", out->sha256, sizeof out->sha256);
    r->bad |= strspn(out->sha256, digits) != VX_SHA256_HEX_SIZE - 1;
}

bool record_manifest_load(struct vx_arena *arena, struct vx_span text, struct store_manifest *out)
{
    json_t *root = parse(text);
    struct reader r = {.arena = arena, .object = root, .bad = !root};
    struct store_manifest manifest = {
        .number = (uint32_t)read_int(&r, "number", 1, UINT32_MAX),
        .parent = (uint32_t)read_int(&r, "parent", 0, UINT32_MAX),
        .author = read_text(&r, "author"),
        .message = read_text(&r, "message"),
        .request_id = read_text(&r, "request_id"),
        .time_ms = read_int(&r, "time_ms", 0, INT64_MAX),
        .language = (int)read_int(&r, "language", 0, INT32_MAX),
    };
    const json_t *entries = json_object_get(root, "entries");
    manifest.entry_count = json_array_size(entries);
    r.bad |= !json_is_array(entries) || manifest.entry_count > STORE_RELEASE_ENTRIES_MAX;
    if (!r.bad)
        manifest.entries = VX_ARENA_ARRAY(arena, struct store_entry, manifest.entry_count);
    for (size_t i = 0; i < manifest.entry_count && !r.bad; i++) {
        r.object = json_array_get(entries, i);
        read_entry(&r, &manifest.entries[i]);
    }
    json_decref(root);
    if (!r.bad)
        *out = manifest;
    return !r.bad;
}

/* --- the pointer ------------------------------------------------------------------------------------------------- */

/* Cluster ids as texts: they take all 64 bits. Left out where there is none. */
static void print_former(json_t *root, const uint64_t former[STORE_FORMER_MAX])
{
    json_t *list = former[0] ? json_array() : NULL;
    for (size_t i = 0; i < STORE_FORMER_MAX && former[i]; i++) {
        char text[24];
        snprintf(text, sizeof text, "%" PRIu64, former[i]);
        vx_assert(json_array_append_new(list, json_string(text)) == 0);
    }
    vx_assert(!list || json_object_set_new(root, "former", list) == 0);
}

struct vx_span record_pointer_print(struct vx_arena *arena, const struct store_pointer *pointer, const char *request_id)
{
    json_t *root =
        json_pack("{s:I, s:I, s:I, s:I, s:b, s:s, s:s, s:I, s:s}", "generation", (json_int_t)pointer->generation,
                  "stable", (json_int_t)pointer->stable, "candidate", (json_int_t)pointer->candidate, "weight",
                  (json_int_t)pointer->weight, "shadow", (int)pointer->shadow, "rollout", pointer->rollout, "by",
                  pointer->by, "time_ms", (json_int_t)pointer->time_ms, "request_id", request_id);
    vx_assert(root != NULL);
    print_former(root, pointer->former);
    return print(arena, root);
}

/* More than there is room for were written by a newer Veltrix; the newest are what counts. */
static void read_former(struct reader *r, uint64_t out[STORE_FORMER_MAX])
{
    const json_t *list = json_object_get(r->object, "former"), *item;
    size_t i;
    r->bad |= list && !json_is_array(list);
    json_array_foreach(list, i, item)
    {
        const char *text = json_is_string(item) ? json_string_value(item) : "";
        char *end = NULL;
        errno = 0;
        uint64_t id = *text >= '1' && *text <= '9' ? strtoull(text, &end, 10) : 0;
        r->bad |= id == 0 || *end || errno;
        if (i < STORE_FORMER_MAX && !r->bad)
            out[i] = id;
    }
}

bool record_pointer_load(struct vx_span text, struct store_pointer *out, char request_id[RECORD_ID_SIZE])
{
    json_t *root = parse(text);
    struct reader r = {.object = root, .bad = !root};
    const json_t *shadow = json_object_get(root, "shadow");
    struct store_pointer pointer = {
        .generation = (uint64_t)read_int(&r, "generation", 1, INT64_MAX),
        .stable = (uint32_t)read_int(&r, "stable", 1, UINT32_MAX),
        .candidate = (uint32_t)read_int(&r, "candidate", 0, UINT32_MAX),
        .weight = (uint32_t)read_int(&r, "weight", 0, 10000),
        .shadow = json_is_true(shadow),
        .time_ms = read_int(&r, "time_ms", 0, INT64_MAX),
    };
    r.bad |= !json_is_boolean(shadow);
    read_array(&r, "rollout", pointer.rollout, sizeof pointer.rollout);
    read_array(&r, "by", pointer.by, sizeof pointer.by);
    char id[RECORD_ID_SIZE];
    read_array(&r, "request_id", id, sizeof id);
    read_former(&r, pointer.former);
    json_decref(root);
    if (r.bad)
        return false;
    pointer.move_id = id[0] ? vx_hash64(vx_span_str(id)) | 1 : 0;
    *out = pointer;
    memcpy(request_id, id, sizeof id);
    return true;
}

/* --- editors, routers, audit ------------------------------------------------------------------------------------- */

struct vx_span record_editor_print(struct vx_arena *arena, const struct record_editor *editor)
{
    return print(arena, json_pack("{s:s, s:s, s:I}", "who", editor->who, "purpose", editor->purpose, "since_ms",
                                  (json_int_t)editor->since_ms));
}

bool record_editor_load(struct vx_arena *arena, struct vx_span text, struct record_editor *out)
{
    json_t *root = parse(text);
    struct reader r = {.arena = arena, .object = root, .bad = !root};
    struct record_editor editor = {.who = read_text(&r, "who"),
                                   .purpose = read_text(&r, "purpose"),
                                   .since_ms = read_int(&r, "since_ms", 0, INT64_MAX)};
    json_decref(root);
    if (!r.bad)
        *out = editor;
    return !r.bad;
}

bool record_report_valid(const char *json)
{
    json_t *report = parse(vx_span_str(json));
    json_decref(report);
    return report != NULL;
}

struct vx_span record_router_print(struct vx_arena *arena, const struct store_router *router)
{
    json_t *report = parse(vx_span_str(router->report));
    vx_assert(report != NULL);
    return print(arena, json_pack("{s:s, s:s, s:s, s:I, s:o}", "id", router->id, "instance", router->instance, "host",
                                  router->host, "since_ms", (json_int_t)router->since_ms, "report", report));
}

bool record_router_load(struct vx_arena *arena, struct vx_span text, struct store_router *out)
{
    json_t *root = parse(text);
    struct reader r = {.arena = arena, .object = root, .bad = !root};
    struct store_router router = {.id = read_text(&r, "id"),
                                  .instance = read_text(&r, "instance"),
                                  .host = read_text(&r, "host"),
                                  .since_ms = read_int(&r, "since_ms", 0, INT64_MAX)};
    json_t *report = json_object_get(root, "report");
    if (json_is_object(report))
        router.report = print(arena, json_incref(report)).at;
    else
        r.bad = true;
    json_decref(root);
    if (!r.bad)
        *out = router;
    return !r.bad;
}

struct vx_span record_audit_print(struct vx_arena *arena, const struct store_audit *audit)
{
    return print(arena, json_pack("{s:I, s:s, s:s, s:s, s:s}", "time_ms", (json_int_t)audit->time_ms, "who", audit->who,
                                  "action", audit->action, "from", audit->from, "detail", audit->detail));
}

bool record_audit_load(struct vx_arena *arena, struct vx_span text, struct store_audit *out)
{
    json_t *root = parse(text);
    struct reader r = {.arena = arena, .object = root, .bad = !root};
    struct store_audit audit = {.time_ms = read_int(&r, "time_ms", 0, INT64_MAX),
                                .who = read_text(&r, "who"),
                                .action = read_text(&r, "action"),
                                .from = read_text(&r, "from"),
                                .detail = read_text(&r, "detail")};
    json_decref(root);
    if (!r.bad)
        *out = audit;
    return !r.bad;
}

bool record_number_load(struct vx_span text, uint32_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || number > UINT32_MAX)
            return false;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    if (text.len == 0 || text.len > 10 || number == 0 || number > UINT32_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}
