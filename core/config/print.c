/* Documents as canonical YAML: keys in the order of their rows, block style, comments gone. Load-time only; any one
 * thread; no state.
 *
 * A text is written plain where YAML reads it back as the same text wherever it may stand, else in double quotes.
 */
#include "core/config/print.h"

#include <stdlib.h>

#include "core/base/utf8.h"
#include "core/config/load.h"
#include "core/config/text.h"
#include "core/config/yaml.h"

enum { INDENT = 2, SIMPLE_KEY_MAX_BYTES = 500 }; /* libyaml: a key without `? ` has at most 1024 characters */

static bool plain(struct vx_span text)
{
    struct config_node node = {.kind = CONFIG_SCALAR, .style = CONFIG_PLAIN, .text = text};
    if (text.len == 0 || strchr(" -?:,[]{}#&*!|>'\"%@`=<.~", text.at[0]) || strchr(" :", text.at[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 || c >= 0x7f)
            return false;
        if ((c == ':' && text.at[i + 1] == ' ') || (c == ' ' && text.at[i + 1] == '#'))
            return false;
    }
    yaml_resolve(&node);
    return node.scalar == CONFIG_STRING;
}

void print_text(struct vx_span text, struct vx_buf *out)
{
    char *copy = strndup(text.at ? text.at : "", text.len); /* yaml_resolve() looks for the NUL */
    vx_assert(copy != NULL);
    bool is_plain = strlen(copy) == text.len && plain(vx_span(copy, text.len));
    free(copy);
    if (is_plain) {
        vx_buf_span(out, text);
        return;
    }
    vx_buf_char(out, '"');
    const char *p = text.at, *end = p + text.len;
    for (int len; p < end; p += len) {
        int32_t code = vx_utf8_decode(p, end, &len);
        if (code == '"' || code == '\\')
            vx_buf_printf(out, "\\%c", (char)code);
        else if (code == '\n')
            vx_buf_str(out, "\\n");
        else if (code == '\t')
            vx_buf_str(out, "\\t");
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            vx_buf_printf(out, "\\x%02x", (unsigned)code);
        else if (code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff)
            vx_buf_printf(out, "\\u%04x", (unsigned)code);
        else
            vx_buf_add(out, p, (size_t)len);
    }
    vx_buf_char(out, '"');
}

void print_scalar(const struct config_node *node, struct vx_buf *out)
{
    if (node->scalar == CONFIG_STRING)
        print_text(node->text, out);
    else if (node->scalar == CONFIG_NULL)
        vx_buf_str(out, "null");
    else
        vx_buf_span(out, node->text);
}

static void indent(int depth, struct vx_buf *out)
{
    vx_buf_printf(out, "%*s", depth * INDENT, "");
}

/* Writes `key:` at the current place, so that the value may follow. */
static void print_key(const struct config_node *key, int depth, struct vx_buf *out)
{
    struct vx_buf text = {0};
    print_text(key->text, &text); /* keys are texts, whatever they look like */
    if (text.len > SIMPLE_KEY_MAX_BYTES) {
        vx_buf_printf(out, "? %s\n", vx_buf_text(&text));
        indent(depth, out);
        vx_buf_str(out, ":");
    } else {
        vx_buf_printf(out, "%s:", vx_buf_text(&text));
    }
    vx_buf_done(&text);
}

static void print_shape(const struct config_shape *shape, const struct config_node *node, int depth,
                        struct vx_buf *out);

/* A mapping whose first key stands at the current place; with rows, keys in their order. */
static void print_mapping(const struct config_shape *shape, const struct config_node *node, int depth,
                          struct vx_buf *out)
{
    bool first = true;
    size_t rows = 0;
    while (shape && shape->rows && shape->rows[rows].name)
        rows++;
    for (size_t i = 0; i < (rows ? rows : node->count); i++) {
        const struct vx_field *f = rows ? &shape->rows[i] : NULL;
        const struct config_node *item = f ? config_node_find(node, f->name) : &node->items[i];
        if (!item)
            continue;
        if (!first)
            indent(depth, out);
        first = false;
        if (f)
            vx_buf_printf(out, "%s:", f->name);
        else
            print_key(&node->keys[i], depth, out);
        print_shape(f ? f->custom : NULL, item, depth, out);
    }
}

static void print_items(const struct config_shape *shape, const struct config_node *node, int depth, struct vx_buf *out)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *item = &node->items[i];
        indent(depth + 1, out);
        vx_buf_char(out, '-');
        if (item->kind == CONFIG_MAPPING && item->count > 0) {
            vx_buf_char(out, ' ');
            print_mapping(shape, item, depth + 2, out);
        } else {
            print_shape(NULL, item, depth + 1, out);
        }
    }
}

/* What stands behind `key:`: a scalar on the same line, a collection on the next ones. */
static void print_shape(const struct config_shape *shape, const struct config_node *node, int depth, struct vx_buf *out)
{
    bool empty = node->kind != CONFIG_SCALAR && node->count == 0;
    if (node->kind == CONFIG_SCALAR || empty) {
        vx_buf_char(out, ' ');
        if (empty)
            vx_buf_str(out, node->kind == CONFIG_MAPPING ? "{}" : "[]");
        else
            print_scalar(node, out);
        vx_buf_char(out, '\n');
        return;
    }
    vx_buf_char(out, '\n');
    if (node->kind == CONFIG_SEQUENCE) {
        print_items(shape, node, depth, out);
        return;
    }
    indent(depth + 1, out);
    print_mapping(shape, node, depth + 1, out);
}

void config_print(const struct config_document *document, struct vx_buf *out)
{
    print_mapping(&config_document_shapes[document->kind], document->node, 0, out);
}
