/* Nodes as text again, and whether two say the same. Private to core/config; print.c, text.c. */
#ifndef VX_CONFIG_TEXT_H
#define VX_CONFIG_TEXT_H

#include "core/base/buf.h"
#include "core/config/node.h"

/* Appends a text so that YAML reads it back as that text: plain where it can be, else in double quotes. */
void print_text(struct vx_span text, struct vx_buf *out);
/* Appends a scalar as what it is. */
void print_scalar(const struct config_node *node, struct vx_buf *out);
/* Appends a node on one line: `[a, b]`, `{x: 1}`. Not always YAML that can be read back (for people). */
void text_flow(const struct config_node *node, struct vx_buf *out);
/* True when two nodes hold the same value: style, order of keys and comments make no difference. */
bool text_equal(const struct config_node *a, const struct config_node *b);

#endif
