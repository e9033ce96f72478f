/* libyaml's events → nodes with places. Private to core/config. */
#ifndef VX_CONFIG_YAML_H
#define VX_CONFIG_YAML_H

#include "core/config/config.h"

enum {
    YAML_DEPTH_MAX = 64,
    YAML_HINT_MAX_BYTES = 200, /* of a value that a message shows in quotes */
};

struct yaml_document {
    const struct config_node *root;
    size_t begin, end; /* its text in the file, without `---` and `...` */
    int line;          /* of `begin` */
};

struct yaml_stream {
    const struct config_file *file;
    struct yaml_document *documents; /* empty ones are left out */
    size_t count;
};

/* Parses all documents of a source; everything lives in `arena`. Reports what is wrong; false when the text is not YAML
 * (the documents before that place are there). */
bool yaml_load(const struct config_source *source, struct vx_arena *arena, struct yaml_stream *out,
               struct vx_diags *diags);

/* Decides what a plain scalar is by the core schema (YAML 1.2.2, section 10.3.2) and fills its value. */
void yaml_resolve(struct config_node *scalar);

/* Explains a place where libyaml gave up: appends a message and moves `offset` to what should be underlined (`len` bytes)
 * where one of the usual traps is seen, else says what libyaml says. */
void yaml_explain(struct vx_span text, const char *problem, const char *context, int context_line, size_t *offset,
                  size_t *len, struct vx_buf *message);
/* Appends how to write `text` as a scalar: in the quotes that need no escapes, or as a block. */
void yaml_quote(struct vx_span text, struct vx_buf *out);

#endif
