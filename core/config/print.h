/* The canonical text of a document and the JSON Schema of a kind; both from the field tables. */
#ifndef VX_CONFIG_PRINT_H
#define VX_CONFIG_PRINT_H

#include "core/config/config.h"

/* Appends a document as YAML that config_load() reads back to the same model: keys in the order of the field table,
 * comments gone. */
void config_print(const struct config_document *document, struct vx_buf *out);
/* Appends the JSON Schema (draft-07) of `kind`, indented by two spaces, with a newline at the end. */
void config_schema(enum config_kind kind, struct vx_buf *out);

#endif
