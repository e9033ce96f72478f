/* Values: what YAML says they are, with `${CEL}` inside texts. What needs no event is turned into JSON here and now.
 * Load-time only; any one thread.
 */
#include <math.h>

#include "core/config/load.h"
#include "core/json/write.h"

/* A number as JSON: as it is spelled where JSON spells it so too. */
static bool write_number(const struct config_node *node, struct vx_buf *out)
{
    struct vx_span t = node->text;
    size_t at = t.len > 0 && t.at[0] == '-';
    bool json = at < t.len && t.at[at] >= '0' && t.at[at] <= '9';
    if (json && t.at[at] == '0' && at + 1 < t.len && t.at[at + 1] >= '0' && t.at[at + 1] <= '9')
        json = false; /* 007 */
    for (size_t i = at; json && i < t.len; i++) {
        bool digit_behind = i + 1 < t.len && t.at[i + 1] >= '0' && t.at[i + 1] <= '9';
        json = strchr("0123456789.eE+-", t.at[i]) != NULL && (t.at[i] != '.' || digit_behind);
    }
    if (json)
        vx_buf_span(out, t);
    else if (node->scalar == CONFIG_INT)
        json_write_int(out, node->integer);
    else if (isfinite(node->number))
        json_write_double(out, node->number);
    else
        return false;
    return true;
}

static void constant(struct loader *l, struct vx_buf *json, struct config_value *out)
{
    out->kind = CONFIG_VALUE_CONSTANT;
    out->json = vx_arena_span(l->arena, vx_buf_view(json));
}

static bool load_string(struct loader *l, const struct config_node *node, struct config_value *out)
{
    struct vx_span text = node->text;
    if (memmem(text.at, text.len, "${", 2)) {
        struct cel_error error = {0};
        if (cel_template_parse(l->arena, text, l->env, &out->cel, &error) != VX_OK) {
            load_cel_error(l, node, &error);
            return false;
        }
        text = cel_template_constant(out->cel);
        if (!text.at) {
            out->kind = CONFIG_VALUE_TEMPLATE;
            if (value_type(out) != CEL_TYPE)
                return true;
            load_error(l, node, "a type is no value; write string(type(...))");
            return false;
        }
    }
    struct vx_buf json = {0};
    json_write_string(&json, text);
    constant(l, &json, out);
    out->text = text;
    vx_buf_done(&json);
    return true;
}

static bool load_plain(struct loader *l, const struct config_node *node, struct config_value *out)
{
    struct vx_buf json = {0};
    bool ok = true;
    if (node->scalar == CONFIG_NULL)
        vx_buf_str(&json, "null");
    else if (node->scalar == CONFIG_BOOL)
        vx_buf_str(&json, node->boolean ? "true" : "false");
    else
        ok = write_number(node, &json);
    if (ok) {
        constant(l, &json, out);
        out->text = node->scalar == CONFIG_NULL ? (struct vx_span){0} : out->json;
    } else {
        load_error(l, node, "JSON has neither infinity nor NaN");
    }
    vx_buf_done(&json);
    return ok;
}

/* A list or mapping of constants is a constant. */
static void fold(struct loader *l, struct config_value *value)
{
    bool map = value->kind == CONFIG_VALUE_MAP;
    struct vx_buf json = {0};
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i].kind != CONFIG_VALUE_CONSTANT) {
            vx_buf_done(&json);
            return;
        }
        vx_buf_char(&json, i ? ',' : map ? '{' : '[');
        if (map) {
            json_write_string(&json, value->keys[i]);
            vx_buf_char(&json, ':');
        }
        vx_buf_span(&json, value->items[i].json);
    }
    vx_buf_str(&json, value->count ? "" : map ? "{" : "[");
    vx_buf_char(&json, map ? '}' : ']');
    constant(l, &json, value);
    vx_buf_done(&json);
}

static bool load_items(struct loader *l, const char *what, const struct config_node *node, struct config_value *out)
{
    bool map = node->kind == CONFIG_MAPPING, ok = true;
    out->kind = map ? CONFIG_VALUE_MAP : CONFIG_VALUE_LIST;
    out->items = VX_ARENA_ARRAY(l->arena, struct config_value, node->count);
    out->keys = map ? VX_ARENA_ARRAY(l->arena, struct vx_span, node->count) : NULL;
    out->count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        if (map) {
            out->keys[i] = node->keys[i].text;
            if (memmem(out->keys[i].at, out->keys[i].len, "${", 2)) {
                load_error(l, &node->keys[i], "a key is a text as it stands; ${...} is for values");
                ok = false;
            }
        }
        if (!value_load(l, what, &node->items[i], &out->items[i]))
            ok = false;
    }
    if (ok)
        fold(l, out);
    return ok;
}

bool value_load(struct loader *l, const char *what, const struct config_node *node, struct config_value *out)
{
    *out = (struct config_value){.node = node};
    if (node->refused)
        return false;
    if (node->kind != CONFIG_SCALAR)
        return load_items(l, what, node, out);
    return node->scalar == CONFIG_STRING ? load_string(l, node, out) : load_plain(l, node, out);
}

bool value_json(struct loader *l, const struct config_node *node, struct vx_buf *json)
{
    bool map = node->kind == CONFIG_MAPPING, ok = !node->refused;
    if (node->kind == CONFIG_SCALAR) {
        if (node->scalar == CONFIG_STRING)
            json_write_string(json, node->text);
        else if (node->scalar == CONFIG_NULL)
            vx_buf_str(json, "null");
        else if (node->scalar == CONFIG_BOOL)
            vx_buf_str(json, node->boolean ? "true" : "false");
        else if (!write_number(node, json))
            load_error(l, node, "JSON has neither infinity nor NaN"), ok = false;
        return ok;
    }
    vx_buf_char(json, map ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        vx_buf_str(json, i ? "," : "");
        if (map) {
            json_write_string(json, node->keys[i].text);
            vx_buf_char(json, ':');
        }
        ok &= value_json(l, &node->items[i], json);
    }
    vx_buf_char(json, map ? '}' : ']');
    return ok;
}

enum cel_type value_type(const struct config_value *value)
{
    const struct cel_expr *single;
    switch (value->kind) {
    case CONFIG_VALUE_TEMPLATE:
        single = cel_template_single(value->cel);
        return single ? cel_expr_type(single) : CEL_STRING;
    case CONFIG_VALUE_LIST:
        return CEL_LIST;
    case CONFIG_VALUE_MAP:
        return CEL_MAP;
    default:
        break;
    }
    if (value->json.len == 0)
        return CEL_DYN; /* it was refused */
    switch (value->json.at[0]) {
    case '"':
        return CEL_STRING;
    case '{':
        return CEL_MAP;
    case '[':
        return CEL_LIST;
    case 'n':
        return CEL_NULL;
    case 't':
    case 'f':
        return CEL_BOOL;
    default:
        return memchr(value->json.at, '.', value->json.len) ? CEL_DOUBLE : CEL_INT;
    }
}
