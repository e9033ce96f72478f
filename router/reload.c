/* Reload. The main thread. Owns the settings of every reload until the end. */
#include "router/reload.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "router/io/properties.h"

struct reload {
    struct reload *older;
    struct vx_arena arena;
    struct router_settings settings;
};

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_strings(const struct vx_strings *a, const struct vx_strings *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->at[i], b->at[i]);
    return same;
}

static bool same_value(const struct vx_field *field, const void *a, const void *b)
{
    switch (field->type) {
    case VX_FIELD_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case VX_FIELD_ENUM:
        return *(const int *)a == *(const int *)b;
    case VX_FIELD_INT:
    case VX_FIELD_DURATION:
        return *(const int64_t *)a == *(const int64_t *)b;
    case VX_FIELD_STRINGS:
        return same_strings(a, b);
    default:
        return same_text(*(const char *const *)a, *(const char *const *)b);
    }
}

/* Appends the names of rows that changed and are not live. The map of Kafka's properties is compared elsewhere. */
static void compare(const struct vx_field *fields, const char *section, const void *was, const void *is,
                    struct vx_buf *out)
{
    for (const struct vx_field *f = fields; f->name; f++) {
        const char *a = (const char *)was + f->offset, *b = (const char *)is + f->offset;
        if (f->type == VX_FIELD_SECTION)
            compare(f->section, f->name, a, b, out);
        else if (f->type != VX_FIELD_MAP && !(f->flags & VX_FIELD_LIVE) && !same_value(f, a, b))
            vx_buf_printf(out, "%s%s%s%s", out->len ? " " : "", section, section[0] ? "." : "", f->name);
    }
}

static const char *find(const struct vx_pairs *pairs, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->at[i].name, name) == 0)
            value = pairs->at[i].value;
    return value;
}

/* Properties of `a` that `b` has not, or has otherwise; `both`: also those that differ, said once. `anew`: the consumer's
 * client is made anew as producers are. True when one of them is live. */
static bool compare_properties(const struct vx_pairs *a, const struct vx_pairs *b, bool both, bool anew,
                               struct vx_buf *out)
{
    bool live = false;
    for (size_t i = 0; i < a->count; i++) {
        const char *name = a->at[i].name, *other = find(b, name);
        if (other ? !both || strcmp(other, a->at[i].value) == 0 : false)
            continue;
        enum properties_life life = properties_life(name);
        bool of_client = life == PROPERTIES_CLIENTS || life == PROPERTIES_CONSUMER_CLIENT;
        live |= life == PROPERTIES_LIVE || life == PROPERTIES_CLIENTS || (of_client && anew);
        if (life == PROPERTIES_RESTART || (of_client && !anew))
            vx_buf_printf(out, "%skafka.%s%s", out->len ? " " : "", name,
                          life == PROPERTIES_CLIENTS ? "(consumer)" : "");
    }
    return live;
}

static bool read_settings(const char *path, struct reload *fresh)
{
    struct vx_diags diags = {0};
    struct vx_buf text = {0};
    char quoted[VX_LOG_QUOTE_SIZE];
    enum vx_status st = router_settings_load(path, &fresh->settings, &fresh->arena, &diags);
    vx_diags_sort(&diags);
    vx_diags_print(&diags, &text, false);
    if (st != VX_OK)
        vx_log(VX_LOG_ERROR, "settings.refused", "detail=\"what is in force stays\" errors=%s",
               vx_log_quote(vx_buf_text(&text), quoted));
    vx_buf_done(&text);
    vx_diags_done(&diags);
    return st == VX_OK;
}

void reload(struct reload **chain, const char *path, const struct router_settings *first, struct router *r)
{
    const struct router_settings *was = *chain ? &(*chain)->settings : first;
    struct reload *fresh = calloc(1, sizeof *fresh);
    vx_assert(fresh != NULL);
    if (!read_settings(path, fresh)) {
        vx_arena_done(&fresh->arena);
        free(fresh);
        return;
    }
    fresh->older = *chain;
    *chain = fresh;
    const struct router_settings *is = &fresh->settings;
    struct vx_buf late = {0};
    char quoted[VX_LOG_QUOTE_SIZE];
    compare(router_fields, "", was, is, &late);
    bool anew = first->instance_id != NULL;
    bool renew = compare_properties(&was->kafka, &is->kafka, true, anew, &late);
    renew |= compare_properties(&is->kafka, &was->kafka, false, anew, &late);
    renew |= properties_use_tls(&is->kafka); /* the files may be other ones */
    vx_log_set_level((enum vx_log_level)is->log_level);
    if (renew)
        router_renew(r, &is->kafka);
    if (!same_text(was->etcd.password, is->etcd.password))
        router_renew_etcd(r, is->etcd.password);
    vx_log(VX_LOG_INFO, "settings.reloaded", "log_level=%s clients=%s at_restart=%s",
           settings_log_levels[is->log_level], renew ? "renewed" : "kept", vx_log_quote(vx_buf_text(&late), quoted));
    vx_buf_done(&late);
}

void reload_free(struct reload *chain)
{
    for (struct reload *older; chain; chain = older) {
        older = chain->older;
        vx_arena_done(&chain->arena);
        free(chain);
    }
}
