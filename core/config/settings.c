/* Settings files by libconfuse over field tables. libconfuse parses; the rows say what is allowed; settings_text.c knows
 * where it stands. Load-time only; one thread at a time (libconfuse's lexer is global).
 *
 *     text ── settings_scan ──> entries with places ── check_entries ──> unknown, repeated, misused keys
 *       └──── libconfuse ─────> values as texts ────── load ───────────> the caller's struct
 *
 * All options are strings for libconfuse, so that numbers and durations are read and refused as in configs. Sections take
 * free keys (CFGF_KEYSTRVAL): libconfuse would stop at the first unknown key, we report all of them.
 */
#include "core/config/settings.h"

#include <confuse.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/utf8.h"
#include "core/config/settings_text.h"

enum { SETTINGS_MAX_BYTES = 1024 * 1024 };

struct loader {
    const struct settings_text *text;
    struct vx_arena *arena;
    struct vx_diags *diags;
};

/* libconfuse's error function has no argument for its owner. */
static struct loader *parsing;

static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
    /* it says so of every free key before it takes it; unknown ones are reported by check_entry() */
    if (strncmp(fmt, "no such option", strlen("no such option")) == 0)
        return;
    struct vx_buf message = {0};
    struct vx_diag at;
    vx_buf_vprintf(&message, fmt, args);
    settings_place_line(parsing->text, cfg->line, &at);
    vx_diags_add(parsing->diags, &at, "%s", vx_buf_text(&message));
    vx_buf_done(&message);
}

static cfg_opt_t *options(const struct vx_field *fields, struct vx_arena *arena)
{
    size_t count = 0;
    while (fields[count].name)
        count++;
    cfg_opt_t *opts = VX_ARENA_ARRAY(arena, cfg_opt_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct vx_field *f = &fields[i];
        cfg_opt_t *opt = &opts[i];
        *opt = (cfg_opt_t){.name = f->name, .type = CFGT_STR, .flags = CFGF_NODEFAULT};
        if (f->type == VX_FIELD_STRINGS || f->type == VX_FIELD_TOPICS)
            opt->flags |= CFGF_LIST;
        if (f->type == VX_FIELD_SECTION)
            *opt = (cfg_opt_t)CFG_SEC(f->name, options(f->section, arena), CFGF_KEYSTRVAL);
        if (f->type == VX_FIELD_MAP)
            *opt = (cfg_opt_t)CFG_SEC(f->name, VX_ARENA_NEW(arena, cfg_opt_t), CFGF_KEYSTRVAL);
    }
    return opts;
}

static const char *join(struct vx_arena *arena, const char *section, const char *name)
{
    return vx_arena_printf(arena, "%s%s%s", section, section[0] ? "/" : "", name);
}

/* The rows that a section is read by; NULL where its keys are free or the section itself is unknown. */
static const struct vx_field *rows_of(const struct vx_field *fields, const char *section)
{
    while (section[0] && fields) {
        const char *slash = strchr(section, '/');
        struct vx_span name = slash ? vx_span(section, (size_t)(slash - section)) : vx_span_str(section);
        const struct vx_field *f = field_find(fields, name);
        fields = f && f->type == VX_FIELD_SECTION ? f->section : NULL;
        section += name.len + (slash ? 1 : 0);
    }
    return fields;
}

/* What is wrong with a key and the shape of its value. False when libconfuse would stumble over it. */
static bool check_entry(struct loader *l, const struct vx_field *rows, const struct settings_entry *e)
{
    bool is_list = e->value.len > 0 && e->value.at[0] == '{';
    struct vx_diag at;
    settings_place(l->text, e->key, &at);
    const struct vx_field *f = rows ? field_find(rows, e->key) : NULL;
    if (rows && !f) {
        const char *near = field_nearest(rows, e->key);
        struct vx_buf message = {0};
        vx_buf_printf(&message, "unknown setting `%.*s`", VX_SPAN_ARG(e->key));
        if (e->section[0])
            vx_buf_printf(&message, " in `%s`", e->section);
        if (near)
            vx_buf_printf(&message, "; did you mean `%s`?", near);
        vx_diags_add(l->diags, &at, "%s", vx_buf_text(&message));
        vx_buf_done(&message);
        return !e->is_section && !is_list;
    }
    if (f && f->type == VX_FIELD_LATER) {
        vx_diags_add(l->diags, &at, "`%s` is not supported yet", f->name);
        return false;
    }
    bool takes_section = f && (f->type == VX_FIELD_SECTION || f->type == VX_FIELD_MAP);
    bool takes_list = f && (f->type == VX_FIELD_STRINGS || f->type == VX_FIELD_TOPICS);
    if (takes_section != e->is_section) {
        vx_diags_add(l->diags, &at,
                     takes_section ? "`%.*s` is a section: write %.*s { ... }"
                                   : "`%.*s` is not a section: write %.*s = ...",
                     VX_SPAN_ARG(e->key), VX_SPAN_ARG(e->key));
        return false;
    }
    if (is_list && !takes_list) {
        settings_place(l->text, e->value, &at);
        vx_diags_add(l->diags, &at, "`%.*s` takes one value, not a list", VX_SPAN_ARG(e->key));
        return false;
    }
    return true;
}

static bool check_entries(struct loader *l, const struct vx_field *fields)
{
    bool parseable = true;
    const struct settings_text *text = l->text;
    for (size_t i = 0; i < text->count; i++) {
        const struct settings_entry *e = &text->entries[i];
        const struct vx_field *rows = rows_of(fields, e->section);
        bool free_keys = rows == NULL && field_find(fields, vx_span_str(e->section)) != NULL;
        if ((rows || free_keys) && !check_entry(l, rows, e))
            parseable = false;
        for (size_t k = 0; k < i; k++) {
            const struct settings_entry *first = &text->entries[k];
            if (!vx_span_equal(first->key, e->key) || strcmp(first->section, e->section) != 0)
                continue;
            struct vx_diag at, before;
            settings_place(text, first->key, &before);
            settings_place(text, e->key, &at);
            vx_diags_add(l->diags, &at, "`%.*s` is set twice; first on line %d", VX_SPAN_ARG(e->key), before.line);
            break;
        }
    }
    return parseable;
}

static bool load_value(struct loader *l, const struct vx_field *f, const char *section, const char *value, void *base)
{
    struct vx_span text = vx_span_str(value);
    if (field_load(f, text, l->arena, base))
        return true;
    struct vx_diag at = {.severity = VX_ERROR, .file = l->text->path};
    const struct settings_entry *e = settings_entry_find(l->text, section, f->name);
    if (e)
        settings_place(l->text, e->value, &at);
    struct vx_buf message = {0};
    vx_buf_printf(&message, "`%s` must be ", f->name);
    field_expect(f, &message);
    if (f->flags & VX_FIELD_SECRET)
        at.quoted = (struct vx_span){0};
    else
        vx_buf_printf(&message, ", not \"%s\"", value);
    field_hint(f, text, &message);
    vx_diags_add(l->diags, &at, "%s", vx_buf_text(&message));
    vx_buf_done(&message);
    return false;
}

static void load_list(struct loader *l, const struct vx_field *f, const char *section, cfg_opt_t *opt, void *base)
{
    struct vx_strings list = {VX_ARENA_ARRAY(l->arena, const char *, cfg_opt_size(opt) + 1), 0};
    struct vx_field item = *f;
    item.type = f->type == VX_FIELD_TOPICS ? VX_FIELD_TOPIC : VX_FIELD_STRING;
    item.offset = 0;
    for (unsigned i = 0; i < cfg_opt_size(opt); i++)
        list.count += load_value(l, &item, section, cfg_opt_getnstr(opt, i), &list.at[list.count]);
    *(struct vx_strings *)((char *)base + f->offset) = list;
}

static void load_map(struct loader *l, const struct vx_field *f, cfg_t *sec, void *base)
{
    struct vx_pairs pairs = {VX_ARENA_ARRAY(l->arena, struct vx_pair, cfg_num(sec) + 1), 0};
    for (unsigned i = 0; i < cfg_num(sec); i++) {
        cfg_opt_t *opt = cfg_getnopt(sec, i);
        const char *value = cfg_opt_size(opt) ? cfg_opt_getnstr(opt, 0) : "";
        pairs.at[pairs.count++] =
            (struct vx_pair){vx_arena_str(l->arena, cfg_opt_name(opt)), vx_arena_str(l->arena, value)};
    }
    *(struct vx_pairs *)((char *)base + f->offset) = pairs;
}

static void check_required(struct loader *l, const struct vx_field *fields, const char *section)
{
    for (const struct vx_field *f = fields; f->name; f++) {
        if (f->type == VX_FIELD_SECTION)
            check_required(l, f->section, join(l->arena, section, f->name));
        if (!(f->flags & VX_FIELD_REQUIRED) || settings_entry_find(l->text, section, f->name))
            continue;
        struct vx_diag at = {.severity = VX_ERROR, .file = l->text->path};
        vx_diags_add(l->diags, &at, "setting `%s%s%s` is missing: %s", section, section[0] ? "/" : "", f->name,
                     f->help);
    }
}

static void load(struct loader *l, const struct vx_field *fields, const char *section, cfg_t *cfg, void *base)
{
    for (const struct vx_field *f = fields; f->name; f++) {
        if (f->type == VX_FIELD_LATER)
            continue;
        if (f->type == VX_FIELD_SECTION) {
            load(l, f->section, join(l->arena, section, f->name), cfg_getsec(cfg, f->name), (char *)base + f->offset);
            continue;
        }
        if (f->type == VX_FIELD_MAP) {
            load_map(l, f, cfg_getsec(cfg, f->name), base);
            continue;
        }
        cfg_opt_t *opt = cfg_getopt(cfg, f->name);
        if (!settings_entry_find(l->text, section, f->name))
            continue;
        if (f->type == VX_FIELD_STRINGS || f->type == VX_FIELD_TOPICS)
            load_list(l, f, section, opt, base);
        else if (cfg_opt_size(opt) > 0 && cfg_opt_getnstr(opt, 0))
            load_value(l, f, section, cfg_opt_getnstr(opt, 0), base);
    }
}

/* The whole file into `text`. */
static enum vx_status read_file(const char *path, struct vx_buf *text, struct vx_diags *diags)
{
    struct vx_diag at = {.severity = VX_ERROR, .file = path};
    FILE *file = fopen(path, "re");
    size_t got = 1;
    while (file && got > 0 && text->len <= SETTINGS_MAX_BYTES) {
        char *room = vx_buf_reserve(text, 65536);
        got = fread(room, 1, 65536, file);
        text->len += got;
    }
    bool failed = !file || ferror(file);
    int why = errno;
    if (file)
        fclose(file);
    if (failed) {
        vx_diags_add(diags, &at, "cannot be read: %s", strerror(why));
        return VX_EIO;
    }
    vx_buf_str(text, "");
    if (text->len > SETTINGS_MAX_BYTES || !vx_utf8_valid(vx_buf_view(text)) || memchr(text->at, 0, text->len)) {
        vx_diags_add(diags, &at, "is not UTF-8 text of at most %d bytes", SETTINGS_MAX_BYTES);
        return VX_EINVAL;
    }
    return VX_OK;
}

static bool parse(struct loader *l, const struct vx_field *fields, void *out)
{
    size_t errors = l->diags->error_count;
    cfg_t *cfg = cfg_init(options(fields, l->arena), CFGF_KEYSTRVAL);
    vx_assert(cfg != NULL);
    cfg_set_error_function(cfg, on_error);
    parsing = l;
    bool ok = cfg_parse_buf(cfg, l->text->text.at) == CFG_SUCCESS;
    parsing = NULL;
    if (ok)
        load(l, fields, "", cfg, out);
    cfg_free(cfg);
    if (!ok && l->diags->error_count == errors) {
        struct vx_diag at = {.severity = VX_ERROR, .file = l->text->path};
        vx_diags_add(l->diags, &at, "is not a settings file: lines of `key = value` and `section { ... }`");
    }
    return ok;
}

enum vx_status settings_load(const char *path, const struct vx_field *fields, void *out, struct vx_arena *arena,
                             struct vx_diags *diags)
{
    size_t errors = diags->error_count;
    struct vx_buf bytes = {0};
    struct settings_text text;
    struct loader l = {&text, arena, diags};
    enum vx_status status = read_file(path, &bytes, diags);
    field_defaults(fields, arena, out);
    if (status == VX_OK) {
        bool scanned = settings_scan(path, vx_span(vx_buf_text(&bytes), bytes.len), arena, &text, diags);
        if (check_entries(&l, fields) && scanned && parse(&l, fields, out))
            check_required(&l, fields, "");
        status = diags->error_count > errors ? VX_EINVAL : VX_OK;
    }
    vx_buf_done(&bytes);
    return status;
}
