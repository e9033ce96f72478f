/* Settings as text: the file that would say what is in force, and the lines of --help. No state; any one thread. */
#include <inttypes.h>

#include "core/config/settings.h"

static bool secret(const struct vx_field *f, const char *name)
{
    static const char *const words[] = {"password", "secret", ".pem", "passphrase", "jaas.config", "token"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (f->type == VX_FIELD_MAP && strstr(name, words[i]))
            return true;
    }
    return f->flags & VX_FIELD_SECRET;
}

/* A text in double quotes as libconfuse reads it; `${` must not be taken for a variable again. */
static void print_text(const char *text, struct vx_buf *out)
{
    vx_buf_char(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || (c == '$' && text[1] == '{'))
            vx_buf_char(out, '\\');
        if (c == '\n')
            vx_buf_str(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            vx_buf_printf(out, "\\x%02x", c);
        else
            vx_buf_char(out, (char)c);
    }
    vx_buf_char(out, '"');
}

static void print_list(const struct vx_strings *list, struct vx_buf *out)
{
    vx_buf_char(out, '{');
    for (size_t i = 0; i < list->count; i++) {
        vx_buf_str(out, i ? ", " : "");
        print_text(list->at[i], out);
    }
    vx_buf_char(out, '}');
}

static void print_value(const struct vx_field *f, const void *member, struct vx_buf *out)
{
    switch (f->type) {
    case VX_FIELD_BOOL:
        vx_buf_str(out, *(const bool *)member ? "true" : "false");
        break;
    case VX_FIELD_INT:
        vx_buf_printf(out, "%" PRId64, *(const int64_t *)member);
        break;
    case VX_FIELD_DURATION:
        field_duration_print(*(const int64_t *)member, out);
        break;
    case VX_FIELD_ENUM:
        vx_buf_str(out, f->choices[*(const int *)member]);
        break;
    case VX_FIELD_STRINGS:
    case VX_FIELD_TOPICS:
        print_list(member, out);
        break;
    default:
        print_text(*(const char *const *)member, out);
    }
}

static bool is_text(const struct vx_field *f)
{
    return f->type == VX_FIELD_STRING || f->type == VX_FIELD_NAME || f->type == VX_FIELD_TOPIC;
}

static bool bare(const char *name)
{
    return *name && name[strcspn(name, " #\"'\t\n\r={}()+,*/$\\")] == 0;
}

static void print_pairs(const struct vx_field *f, const struct vx_pairs *pairs, int depth, struct vx_buf *out)
{
    for (size_t i = 0; i < pairs->count; i++) {
        vx_buf_printf(out, "%*s", depth * 4, "");
        if (bare(pairs->at[i].name))
            vx_buf_str(out, pairs->at[i].name);
        else
            print_text(pairs->at[i].name, out);
        vx_buf_str(out, " = ");
        print_text(secret(f, pairs->at[i].name) ? "***" : pairs->at[i].value, out);
        vx_buf_char(out, '\n');
    }
}

static void print_rows(const struct vx_field *fields, const void *base, int depth, struct vx_buf *out)
{
    for (const struct vx_field *f = fields; f->name; f++) {
        const void *member = (const char *)base + f->offset;
        if (f->type == VX_FIELD_LATER)
            continue;
        if (f->type == VX_FIELD_SECTION || f->type == VX_FIELD_MAP) {
            vx_buf_printf(out, "%*s%s {\n", depth * 4, "", f->name);
            if (f->type == VX_FIELD_MAP)
                print_pairs(f, member, depth + 1, out);
            else
                print_rows(f->section, member, depth + 1, out);
            vx_buf_printf(out, "%*s}\n", depth * 4, "");
            continue;
        }
        if (is_text(f) && *(const char *const *)member == NULL) {
            vx_buf_printf(out, "%*s# %s is not set\n", depth * 4, "", f->name);
            continue;
        }
        vx_buf_printf(out, "%*s%s = ", depth * 4, "", f->name);
        if (f->flags & VX_FIELD_SECRET)
            vx_buf_str(out, "\"***\"");
        else
            print_value(f, member, out);
        vx_buf_char(out, '\n');
    }
}

void settings_print(const struct vx_field *fields, const void *settings, struct vx_buf *out)
{
    print_rows(fields, settings, 0, out);
}

static const char *type_name(const struct vx_field *f)
{
    static const char *const names[] = {
        [VX_FIELD_STRING] = "text",     [VX_FIELD_NAME] = "name",    [VX_FIELD_TOPIC] = "topic",
        [VX_FIELD_BOOL] = "true|false", [VX_FIELD_INT] = "number",   [VX_FIELD_DURATION] = "duration",
        [VX_FIELD_ENUM] = "choice",     [VX_FIELD_STRINGS] = "list", [VX_FIELD_TOPICS] = "topics",
        [VX_FIELD_MAP] = "section",
    };
    return names[f->type] ? names[f->type] : "";
}

static void help_rows(const struct vx_field *fields, const char *section, struct vx_buf *out)
{
    for (const struct vx_field *f = fields; f->name; f++) {
        struct vx_buf name = {0};
        vx_buf_printf(&name, "%s%s%s", section, section[0] ? "/" : "", f->name);
        if (f->type == VX_FIELD_SECTION) {
            help_rows(f->section, vx_buf_text(&name), out);
        } else if (f->type != VX_FIELD_LATER) {
            vx_buf_printf(out, "  %-28s %-10s ", vx_buf_text(&name), type_name(f));
            if (f->flags & VX_FIELD_REQUIRED)
                vx_buf_printf(out, "%-24s", "(required)");
            else
                vx_buf_printf(out, "%-24s", f->fallback ? f->fallback : "");
            vx_buf_printf(out, " %s", f->help ? f->help : "");
            for (int i = 0; f->type == VX_FIELD_ENUM && f->choices[i]; i++)
                vx_buf_printf(out, "%s%s", i ? ", " : " One of: ", f->choices[i]);
            vx_buf_char(out, '\n');
        }
        vx_buf_done(&name);
    }
}

void settings_help(const struct vx_field *fields, struct vx_buf *out)
{
    help_rows(fields, "", out);
}
