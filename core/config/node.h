/* YAML 1.2 (core schema) as a tree with places. The tree and its texts live in the arena of their config_set. */
#ifndef VX_CONFIG_NODE_H
#define VX_CONFIG_NODE_H

#include "core/base/arena.h"
#include "core/base/diag.h"

enum config_node_kind { CONFIG_SCALAR, CONFIG_SEQUENCE, CONFIG_MAPPING };
enum config_style { CONFIG_PLAIN, CONFIG_SINGLE_QUOTED, CONFIG_DOUBLE_QUOTED, CONFIG_LITERAL, CONFIG_FOLDED };
/* What a scalar is by the core schema: only a plain one can be other than a string. */
enum config_scalar { CONFIG_STRING, CONFIG_NULL, CONFIG_BOOL, CONFIG_INT, CONFIG_FLOAT };

/* The text that nodes stand in; shared by all nodes of one source. */
struct config_file {
    const char *path;
    struct vx_span text;
    int first_line;
};

struct config_node {
    enum config_node_kind kind;
    const struct config_file *file;
    size_t begin, end; /* byte offsets in file->text */
    int line, column;  /* of `begin`, in the file; column in code points */

    enum config_style style;
    enum config_scalar scalar;
    struct vx_span text; /* SCALAR: decoded */
    bool boolean;
    int64_t integer;
    double number; /* FLOAT */

    bool refused; /* a tag or an alias stands here: reported already, holds no value */

    const struct config_node *keys;  /* MAPPING: count scalars */
    const struct config_node *items; /* SEQUENCE, MAPPING: count nodes */
    size_t count;
};

/* The value under `key`, or NULL. */
const struct config_node *config_node_find(const struct config_node *mapping, const char *key);

/* Where byte `offset` of the decoded text of a scalar stands in the file, whatever its style (escapes, folding, block
 * indentation): fills file, line, column, quoted and width of `at`, for `len` bytes of decoded text. Cost: the length of
 * the scalar; for error paths. */
void config_node_locate(const struct config_node *scalar, size_t offset, size_t len, struct vx_diag *at);
/* The place of a whole node. */
void config_node_place(const struct config_node *node, struct vx_diag *at);

#endif
