/* Nodes on one line for people, and their equality by value. No state; any one thread. */
#include "core/config/text.h"

void text_flow(const struct config_node *node, struct vx_buf *out)
{
    bool map = node->kind == CONFIG_MAPPING;
    if (node->kind == CONFIG_SCALAR) {
        print_scalar(node, out);
        return;
    }
    vx_buf_char(out, map ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        vx_buf_str(out, i ? ", " : "");
        if (map) {
            print_text(node->keys[i].text, out);
            vx_buf_str(out, ": ");
        }
        text_flow(&node->items[i], out);
    }
    vx_buf_char(out, map ? '}' : ']');
}

static bool scalar_equal(const struct config_node *a, const struct config_node *b)
{
    if (a->scalar != b->scalar)
        return false;
    switch (a->scalar) {
    case CONFIG_NULL:
        return true;
    case CONFIG_BOOL:
        return a->boolean == b->boolean;
    case CONFIG_INT:
        return a->integer == b->integer;
    default: /* floats too: their spelling goes into the event */
        return vx_span_equal(a->text, b->text);
    }
}

bool text_equal(const struct config_node *a, const struct config_node *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == CONFIG_SCALAR)
        return scalar_equal(a, b);
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct config_node *other = &b->items[i];
        if (a->kind == CONFIG_MAPPING && !vx_span_equal(a->keys[i].text, b->keys[i].text))
            other = config_node_find(b, a->keys[i].text.at);
        if (!other || !text_equal(&a->items[i], other))
            return false;
    }
    return true;
}
