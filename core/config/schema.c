/* JSON Schemas (draft-07) from the field tables, for editors. They say what can be said of one document without reading
 * its expressions; `veltrix validate` says the rest. Load-time only; any one thread.
 */
#include <inttypes.h>

#include "core/config/load.h"
#include "core/config/print.h"
#include "core/json/write.h"

#define NAME_PATTERN "^[a-z0-9][a-z0-9._-]{0,62}$"
#define TOPIC_PATTERN "^[a-zA-Z0-9._-]{1,249}$"
#define TOPICS_PATTERN "^([a-zA-Z0-9._-]{1,249}|\\^.*)$"
#define ALLOW_PATTERN "^[a-zA-Z0-9._-]{0,249}[*]?$"
#define PATH_PATTERN "^(key$|event[.\\[]|headers[.\\[])"

/* A JSON text being written; `first` is true where no comma is due. */
struct writer {
    struct vx_buf *out;
    int depth;
    bool first;
};

static void newline(struct writer *w)
{
    vx_buf_printf(w->out, "%s\n%*s", w->first ? "" : ",", w->depth * 2, "");
    w->first = false;
}

static void key(struct writer *w, const char *name)
{
    newline(w);
    json_write_string(w->out, vx_span_str(name));
    vx_buf_str(w->out, ": ");
}

static void begin(struct writer *w, char bracket)
{
    vx_buf_char(w->out, bracket);
    w->depth++;
    w->first = true;
}

static void end(struct writer *w, char bracket)
{
    w->depth--;
    if (!w->first)
        vx_buf_printf(w->out, "\n%*s", w->depth * 2, "");
    vx_buf_char(w->out, bracket);
    w->first = false;
}

static void text(struct writer *w, const char *name, const char *value)
{
    key(w, name);
    json_write_string(w->out, vx_span_str(value));
}

static void number(struct writer *w, const char *name, int64_t value)
{
    key(w, name);
    json_write_int(w->out, value);
}

static void flag(struct writer *w, const char *name, bool value)
{
    key(w, name);
    vx_buf_str(w->out, value ? "true" : "false");
}

static void pattern(struct writer *w, const char *value)
{
    text(w, "type", "string");
    text(w, "pattern", value);
}

/* A list of texts that follow a pattern. */
static void list(struct writer *w, const char *value)
{
    text(w, "type", "array");
    number(w, "minItems", 1);
    number(w, "maxItems", CONFIG_LIST_MAX);
    key(w, "items");
    begin(w, '{');
    pattern(w, value);
    end(w, '}');
}

static void members(struct writer *w, const struct vx_field *rows);

static void items(struct writer *w, const struct config_shape *shape, int64_t least, int64_t most)
{
    text(w, "type", "array");
    if (least > 0)
        number(w, "minItems", least);
    number(w, "maxItems", most);
    key(w, "items");
    begin(w, '{');
    members(w, shape->rows);
    if (shape->kind == CONFIG_SHAPE_STAGES) {
        number(w, "minProperties", 1);
        number(w, "maxProperties", 1);
    }
    end(w, '}');
}

static void set_members(struct writer *w)
{
    text(w, "type", "object");
    number(w, "minProperties", 1);
    number(w, "maxProperties", CONFIG_LIST_MAX);
    key(w, "propertyNames");
    begin(w, '{');
    text(w, "pattern", PATH_PATTERN);
    end(w, '}');
}

static void shape_members(struct writer *w, const struct config_shape *shape, enum config_kind kind)
{
    switch (shape->kind) {
    case CONFIG_SHAPE_KIND:
        text(w, "const", config_kind_name(kind));
        break;
    case CONFIG_SHAPE_CONDITION:
        key(w, "type");
        vx_buf_str(w->out, "[\"string\", \"boolean\"]");
        number(w, "minLength", 1);
        break;
    case CONFIG_SHAPE_VALUE:
        break;
    case CONFIG_SHAPE_TOPIC:
        text(w, "type", "string");
        number(w, "minLength", 1);
        break;
    case CONFIG_SHAPE_NAMES:
        list(w, NAME_PATTERN);
        break;
    case CONFIG_SHAPE_PATTERNS:
        list(w, ALLOW_PATTERN);
        break;
    case CONFIG_SHAPE_PATHS:
        list(w, PATH_PATTERN);
        break;
    case CONFIG_SHAPE_TRUE:
        flag(w, "const", true);
        break;
    case CONFIG_SHAPE_OBJECT:
    case CONFIG_SHAPE_ACTION:
        members(w, shape->rows);
        break;
    case CONFIG_SHAPE_RULES:
        items(w, shape, 0, CONFIG_RULES_MAX);
        break;
    case CONFIG_SHAPE_LIST:
        items(w, shape, 0, CONFIG_LIST_MAX);
        break;
    case CONFIG_SHAPE_TEXT:
        key(w, "type");
        vx_buf_str(w->out, "[\"string\", \"null\"]");
        break;
    case CONFIG_SHAPE_TEXTS:
        text(w, "type", "object");
        key(w, "additionalProperties");
        vx_buf_str(w->out, "{ \"type\": [\"string\", \"null\"] }");
        break;
    case CONFIG_SHAPE_STAGES:
        items(w, shape, 1, CONFIG_STAGES_MAX);
        break;
    case CONFIG_SHAPE_SET:
        set_members(w);
        break;
    }
}

static void enumeration(struct writer *w, const struct vx_field *f)
{
    key(w, "enum");
    vx_buf_char(w->out, '[');
    for (int i = 0; f->choices[i]; i++) {
        vx_buf_str(w->out, i ? ", " : "");
        json_write_string(w->out, vx_span_str(f->choices[i]));
    }
    vx_buf_char(w->out, ']');
}

static void fallback(struct writer *w, const struct vx_field *f)
{
    if (!f->fallback)
        return;
    key(w, "default");
    if (f->type == VX_FIELD_BOOL || f->type == VX_FIELD_INT)
        vx_buf_str(w->out, f->fallback);
    else
        json_write_string(w->out, vx_span_str(f->fallback));
}

static void member(struct writer *w, const struct vx_field *f, enum config_kind kind)
{
    key(w, f->name);
    begin(w, '{');
    if (f->help)
        text(w, "description", f->help);
    switch (f->type) {
    case VX_FIELD_NAME:
        pattern(w, NAME_PATTERN);
        break;
    case VX_FIELD_TOPIC:
        pattern(w, TOPIC_PATTERN);
        break;
    case VX_FIELD_BOOL:
        text(w, "type", "boolean");
        break;
    case VX_FIELD_INT:
        text(w, "type", "integer");
        if (f->min || f->max) {
            number(w, "minimum", f->min);
            number(w, "maximum", f->max);
        }
        break;
    case VX_FIELD_DURATION:
        pattern(w, "^[0-9]+(ms|s|m|h)$");
        break;
    case VX_FIELD_ENUM:
        enumeration(w, f);
        break;
    case VX_FIELD_TOPICS:
        list(w, TOPICS_PATTERN);
        break;
    case VX_FIELD_CUSTOM:
        shape_members(w, f->custom, kind);
        break;
    default:
        text(w, "type", "string");
    }
    fallback(w, f);
    end(w, '}');
}

static void names(struct writer *w, const struct vx_field *rows, unsigned flag_wanted)
{
    bool any = false;
    for (const struct vx_field *f = rows; f->name; f++)
        any |= (f->flags & flag_wanted) != 0;
    if (!any)
        return;
    key(w, flag_wanted == VX_FIELD_ONE_OF ? "oneOf" : "required");
    begin(w, '[');
    for (const struct vx_field *f = rows; f->name; f++) {
        if (!(f->flags & flag_wanted))
            continue;
        newline(w);
        vx_buf_printf(w->out, flag_wanted == VX_FIELD_ONE_OF ? "{ \"required\": [\"%s\"] }" : "\"%s\"", f->name);
    }
    end(w, ']');
}

static void object(struct writer *w, const struct vx_field *rows, enum config_kind kind)
{
    text(w, "type", "object");
    flag(w, "additionalProperties", false);
    names(w, rows, VX_FIELD_REQUIRED);
    names(w, rows, VX_FIELD_ONE_OF);
    key(w, "properties");
    begin(w, '{');
    for (const struct vx_field *f = rows; f->name; f++) {
        if (f->type != VX_FIELD_LATER)
            member(w, f, kind);
    }
    end(w, '}');
}

static void members(struct writer *w, const struct vx_field *rows)
{
    object(w, rows, CONFIG_KIND_COUNT);
}

void config_schema(enum config_kind kind, struct vx_buf *out)
{
    struct writer w = {.out = out};
    struct vx_buf title = {0};
    vx_buf_printf(&title, "Veltrix: %s", config_kind_name(kind));
    begin(&w, '{');
    text(&w, "$schema", "http://json-schema.org/draft-07/schema#");
    text(&w, "title", vx_buf_text(&title));
    object(&w, config_document_shapes[kind].rows, kind);
    end(&w, '}');
    vx_buf_char(out, '\n');
    vx_buf_done(&title);
}
