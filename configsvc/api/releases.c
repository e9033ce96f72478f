/* Validate, publish, list, show and compare releases. What is published is loaded and compiled here by the code that the
 * routers run, so that nobody can publish what a router would refuse. One request, one thread. */
#include "configsvc/api/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/base/clock.h"
#include "core/config/tests.h"
#include "core/plan/table.h"

enum { MESSAGE_MAX_BYTES = 4096 };

/* Tests stand beside configs; a release that had them would lose them on the next export. */
static bool refuse_tests(const struct config_set *set, struct vx_diags *diags)
{
    for (size_t i = 0; i < set->test_count; i++) {
        struct vx_diag at = {.severity = VX_ERROR};
        config_node_place(set->tests[i].node, &at);
        vx_diags_add(diags, &at, "a `kind: test` document is no part of a release");
    }
    return set->test_count > 0;
}

/* Loads and compiles documents as a router would. */
static enum vx_status compile(const struct config_source *sources, size_t count, struct config_set **out,
                              struct vx_diags *diags)
{
    struct config_set *set;
    struct table *t;
    enum vx_status status = config_load(sources, count, &set, diags);
    if (status != VX_OK)
        return status;
    status = refuse_tests(set, diags) ? VX_EINVAL : table_new(set, 0, &t, diags);
    if (status != VX_OK) {
        config_set_free(set);
        return status;
    }
    table_unref(t);
    *out = set;
    return VX_OK;
}

/* Reads the body's documents; false with the reply filled when they have not even the shape of documents. */
static bool read_documents(struct request *rq, struct reply *re, struct config_source **sources, size_t *count)
{
    struct vx_err err = {0};
    if (wire_documents_load(wire_get(rq->body, "documents"), &rq->arena, sources, count, &err) == VX_OK)
        return true;
    reply_error(re, 400, "bad_request", NULL, "%s", err.message);
    return false;
}

void releases_validate(struct request *rq, struct reply *re)
{
    struct config_source *sources;
    size_t count;
    if (!read_documents(rq, re, &sources, &count))
        return;
    struct vx_diags diags = {0};
    struct config_set *set = NULL;
    enum vx_status status = compile(sources, count, &set, &diags);
    vx_diags_sort(&diags);
    wire_open(&re->body, NULL, '{');
    wire_bool(&re->body, "valid", status == VX_OK);
    wire_int(&re->body, "documents", set ? (int64_t)set->document_count : 0);
    wire_findings(&re->body, "findings", &diags);
    wire_close(&re->body, '}');
    config_set_free(set);
    vx_diags_done(&diags);
}

/* --- publish ------------------------------------------------------------------------------------------------------- */

static const char *new_request_id(struct vx_arena *arena)
{
    uint64_t r[2];
    vx_assert(getrandom(r, sizeof r, 0) == (ssize_t)sizeof r);
    return vx_arena_printf(arena, "%016llx%016llx", (unsigned long long)r[0], (unsigned long long)r[1]);
}

static void manifest_fill(struct request *rq, const struct config_set *set, struct store_manifest *m)
{
    m->entries = VX_ARENA_ARRAY(&rq->arena, struct store_entry, set->document_count);
    m->entry_count = set->document_count;
    for (size_t i = 0; i < set->document_count; i++) {
        const struct config_document *doc = &set->documents[i];
        m->entries[i] = (struct store_entry){
            .kind = config_kind_name(doc->kind),
            .name = doc->name,
            .path = doc->path,
            .line = doc->line,
            .size = doc->text.len,
            .text = doc->text,
        };
    }
    m->language = STORE_LANGUAGE;
    m->time_ms = vx_clock_wall_ms();
}

/* The guarded part: lock, write, unlock. */
static enum vx_status publish_locked(struct request *rq, struct store_manifest *m, struct vx_err *err)
{
    struct store_lock *lock;
    const char *who = vx_arena_printf(&rq->arena, "%s via %s", rq->author, rq->replica);
    enum vx_status status = store_lock_acquire(rq->store, who, "publish", API_LOCK_WAIT_MS, &lock, err);
    if (status != VX_OK)
        return status;
    status = store_publish(rq->store, lock, wire_get_int(rq->body, "expect_head", -1), m, err);
    store_lock_release(lock);
    return status;
}

void releases_publish(struct request *rq, struct reply *re)
{
    struct store_manifest m = {
        .author = rq->author,
        .message = wire_get_str(rq->body, "message", &rq->arena, ""),
        .request_id = wire_get_str(rq->body, "request_id", &rq->arena, NULL),
    };
    struct config_source *sources;
    size_t count;
    if (!m.message[0] || strlen(m.message) > MESSAGE_MAX_BYTES) {
        reply_error(re, 400, "bad_request", NULL, "`message` must say what this release changes, in 1 to %d bytes",
                    MESSAGE_MAX_BYTES);
        return;
    }
    if (!read_documents(rq, re, &sources, &count))
        return;
    if (!m.request_id || !m.request_id[0])
        m.request_id = new_request_id(&rq->arena);

    struct vx_diags diags = {0};
    struct config_set *set = NULL;
    struct vx_err err = {0};
    enum vx_status status = compile(sources, count, &set, &diags);
    vx_diags_sort(&diags);
    if (status != VX_OK) {
        reply_error(re, 422, vx_status_label(status), &diags, "refused: %zu error%s", diags.error_count,
                    diags.error_count == 1 ? "" : "s");
        goto done;
    }
    if (set->document_count == 0) { /* activating it would end all routing */
        reply_error(re, 422, "invalid", &diags, "refused: there is no document in these texts");
        goto done;
    }
    manifest_fill(rq, set, &m);
    if (publish_locked(rq, &m, &err) != VX_OK) {
        reply_failure(re, &err);
        goto done;
    }
    request_audit(rq, "publish", "release %u (on %u): %s", m.number, m.parent, m.message);
    re->status = 201;
    wire_open(&re->body, NULL, '{');
    wire_int(&re->body, "release", m.number);
    wire_int(&re->body, "parent", m.parent);
    wire_findings(&re->body, "findings", &diags);
    wire_close(&re->body, '}');
done:
    config_set_free(set);
    vx_diags_done(&diags);
}

/* --- list and show ------------------------------------------------------------------------------------------------- */

static void write_manifest(struct vx_buf *out, const struct store_manifest *m)
{
    wire_int(out, "release", m->number);
    wire_int(out, "parent", m->parent);
    wire_str(out, "author", m->author);
    wire_str(out, "message", m->message);
    wire_time(out, "time", m->time_ms);
    wire_str(out, "request_id", m->request_id);
    wire_int(out, "language", m->language);
    wire_int(out, "document_count", (int64_t)m->entry_count);
}

void releases_list(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    uint32_t head, running, before = 0;
    struct store_manifest *list;
    size_t count;
    const char *from = request_query(rq, "before");
    if ((from && request_release(rq, from, &before, &err) != VX_OK) ||
        store_head(rq->store, &head, NULL, &err) != VX_OK || request_release(rq, "running", &running, &err) != VX_OK ||
        store_history(rq->store, &rq->arena, before, request_limit(rq), &list, &count, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    wire_open(&re->body, NULL, '{');
    wire_int(&re->body, "head", head);
    wire_int(&re->body, "running", running);
    wire_open(&re->body, "releases", '[');
    for (size_t i = 0; i < count; i++) {
        wire_open(&re->body, NULL, '{');
        write_manifest(&re->body, &list[i]);
        wire_close(&re->body, '}');
    }
    wire_close(&re->body, ']');
    wire_close(&re->body, '}');
}

/* Finds the release that `text` names and reads it, with its documents' texts where asked. */
static enum vx_status read_release(struct request *rq, const char *text, bool texts, struct store_manifest *m,
                                   struct vx_err *err)
{
    uint32_t number;
    enum vx_status status = request_release(rq, text, &number, err);
    if (status != VX_OK)
        return status;
    if (number == 0)
        return vx_err_set(err, VX_ENOTFOUND, "fleet %s has no %s release yet", store_fleet(rq->store), text);
    status = store_manifest(rq->store, &rq->arena, number, m, err);
    if (status == VX_OK && texts)
        status = store_objects(rq->store, &rq->arena, m, NULL, NULL, err);
    return status;
}

void releases_show(struct request *rq, struct reply *re)
{
    struct store_manifest m;
    struct vx_err err = {0};
    const char *texts = request_query(rq, "texts");
    bool with_texts = texts && strcmp(texts, "0") != 0;
    if (read_release(rq, rq->release, with_texts, &m, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    wire_open(&re->body, NULL, '{');
    write_manifest(&re->body, &m);
    wire_open(&re->body, "documents", '[');
    for (size_t i = 0; i < m.entry_count; i++) {
        const struct store_entry *e = &m.entries[i];
        wire_open(&re->body, NULL, '{');
        wire_str(&re->body, "kind", e->kind);
        wire_str(&re->body, "name", e->name);
        wire_str(&re->body, "path", e->path);
        wire_int(&re->body, "line", e->line);
        wire_str(&re->body, "sha256", e->sha256);
        wire_int(&re->body, "size", (int64_t)e->size);
        if (with_texts)
            wire_text(&re->body, "text", e->text);
        wire_close(&re->body, '}');
    }
    wire_close(&re->body, ']');
    wire_close(&re->body, '}');
}

/* --- diff ------------------------------------------------------------------------------------------------------------ */

/* One side of a comparison: a release, or nothing. False with the reply filled. */
static bool load_side(struct request *rq, struct reply *re, const char *text, struct config_set **set, uint32_t *number)
{
    struct store_manifest m;
    struct vx_err err = {0};
    *set = NULL;
    *number = 0;
    if (strcmp(text, "empty") == 0)
        return true;
    enum vx_status status = read_release(rq, text, true, &m, &err);
    if (status == VX_ENOTFOUND && (strcmp(text, "running") == 0 || strcmp(text, "head") == 0))
        return true; /* nothing runs yet: compare with nothing */
    if (status != VX_OK) {
        reply_failure(re, &err);
        return false;
    }
    struct config_source *sources = VX_ARENA_ARRAY(&rq->arena, struct config_source, m.entry_count);
    for (size_t i = 0; i < m.entry_count; i++)
        sources[i] = (struct config_source){m.entries[i].path, m.entries[i].text, m.entries[i].line};
    struct vx_diags diags = {0};
    status = config_load(sources, m.entry_count, set, &diags);
    if (status != VX_OK)
        reply_error(re, 422, vx_status_label(status), &diags, "release %u does not load", m.number);
    vx_diags_done(&diags);
    *number = m.number;
    return status == VX_OK;
}

static bool load_documents(struct request *rq, struct reply *re, struct config_set **set)
{
    struct config_source *sources;
    size_t count;
    if (!read_documents(rq, re, &sources, &count))
        return false;
    struct vx_diags diags = {0};
    enum vx_status status = config_load(sources, count, set, &diags);
    vx_diags_sort(&diags);
    if (status != VX_OK)
        reply_error(re, 422, vx_status_label(status), &diags, "refused: %zu error%s", diags.error_count,
                    diags.error_count == 1 ? "" : "s");
    vx_diags_done(&diags);
    return status == VX_OK;
}

void releases_diff(struct request *rq, struct reply *re)
{
    const char *from = request_query(rq, "from"), *to = request_query(rq, "to");
    const char *unified = request_query(rq, "unified");
    struct config_set *a = NULL, *b = NULL;
    uint32_t number_a = 0, number_b = 0;
    bool posted = rq->body.kind == JSON_KIND_OBJECT;
    if (!load_side(rq, re, from ? from : "running", &a, &number_a) ||
        !(posted ? load_documents(rq, re, &b) : load_side(rq, re, to ? to : "head", &b, &number_b)))
        goto done;
    struct config_diff diff;
    struct vx_buf text = {0};
    config_diff(a, b, &diff);
    config_diff_print(&diff, &text, false);
    wire_open(&re->body, NULL, '{');
    wire_int(&re->body, "from", number_a);
    wire_int(&re->body, "to", number_b);
    wire_changes(&re->body, "changes", &diff);
    wire_text(&re->body, "text", vx_buf_view(&text));
    if (unified && strcmp(unified, "0") != 0) {
        vx_buf_clear(&text);
        config_diff_unified(a, b, &text);
        wire_text(&re->body, "unified", vx_buf_view(&text));
    }
    wire_close(&re->body, '}');
    vx_buf_done(&text);
    config_diff_done(&diff);
done:
    config_set_free(a);
    config_set_free(b);
}
