/* Nodes → model, driven by the field tables. Private to core/config.
 *
 * A shape says what stands under a key that is more than a scalar: how it is loaded, and, for print, diff and schema, what
 * it is made of. Tables and shapes are all in tables.c and tables_test.c.
 */
#ifndef VX_CONFIG_LOAD_H
#define VX_CONFIG_LOAD_H

#include "core/config/config.h"
#include "core/config/field.h"

struct loader {
    struct vx_arena *arena; /* of the config_set */
    struct vx_diags *diags;
    const struct cel_env *env; /* of its expressions */
    size_t errors_before;      /* of this load: what diags held when it began */
    size_t warning_count;
};

enum config_shape_kind {
    CONFIG_SHAPE_KIND,      /* the key `kind` */
    CONFIG_SHAPE_CONDITION, /* CEL, a bool */
    CONFIG_SHAPE_VALUE,     /* anything, with ${CEL} in texts */
    CONFIG_SHAPE_TOPIC,     /* a text with ${CEL}, a topic name */
    CONFIG_SHAPE_NAMES,     /* a list of names of configs */
    CONFIG_SHAPE_TRUE,      /* `true` and nothing else */
    CONFIG_SHAPE_PATTERNS,  /* a list of topic names, or prefixes ending in `*` */
    CONFIG_SHAPE_OBJECT,    /* a mapping with `rows` */
    CONFIG_SHAPE_ACTION,    /* an OBJECT with exactly one of its keys */
    CONFIG_SHAPE_RULES,     /* a list of OBJECTs known by their `name` */
    CONFIG_SHAPE_LIST,      /* a list of OBJECTs */
    CONFIG_SHAPE_TEXT,      /* a text, or null */
    CONFIG_SHAPE_TEXTS,     /* a mapping of names to texts, or null */
    CONFIG_SHAPE_STAGES,    /* a list of mappings with exactly one of `rows` */
    CONFIG_SHAPE_SET,       /* a mapping of paths to VALUEs */
    CONFIG_SHAPE_PATHS,     /* a list of paths */
};

struct config_shape {
    enum config_shape_kind kind;
    const char *title;           /* "a rule"; for messages */
    const struct vx_field *rows; /* OBJECT, ACTION, RULES, LIST, STAGES */
    /* Loads `node` into the struct `base` (the one that field->offset is meant for). */
    void (*load)(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base);
};

/* What rows of an action fill, before it is known to be one of them. */
struct action_keys {
    const char *pipeline;
    struct vx_strings pipelines;
    const char *routing;
    bool drop;
    bool dead_letter;
};
struct rule_keys {
    struct config_rule rule;
    struct action_keys action;
};

/* The shape of a whole document, by kind: an OBJECT. */
extern const struct config_shape config_document_shapes[CONFIG_KIND_COUNT];

/* Reports at a node; at `len` bytes from byte `offset` of a scalar's decoded text. The node's own place must be known. */
void load_error(struct loader *l, const struct config_node *node, const char *fmt, ...) VX_PRINTF(3, 4);
void load_warning(struct loader *l, const struct config_node *node, const char *fmt, ...) VX_PRINTF(3, 4);
void load_error_at(struct loader *l, const struct config_node *scalar, size_t offset, size_t len, const char *fmt, ...)
    VX_PRINTF(5, 6);
static inline bool load_failed(const struct loader *l)
{
    return l->diags->error_count > l->errors_before;
}

/* Fills the struct `base` (zeroed) from a mapping: defaults, known keys, unknown and missing ones. False, reported, when
 * it is no mapping. */
bool load_rows(struct loader *l, const struct config_shape *shape, const struct config_node *node, void *base);
/* True for a list of 1 to `max` items; else it is reported. `of` is what it lists: "topic names". */
bool load_list(struct loader *l, const char *name, const struct config_node *node, const char *of, size_t max);
/* The text of a scalar; false, reported, when it is something else. `must` completes "`name` must be ...". */
bool load_text(struct loader *l, const char *name, const struct config_node *node, const char *must,
               struct vx_span *out);
/* What a node is, for "not ...": "a mapping", "a list", "a number". */
const char *load_node_name(const struct config_node *node);

/* The loaders of shapes: load_rule.c, load_stage.c, expr.c, value.c. */
typedef void load_fn(struct loader *l, const struct vx_field *field, const struct config_node *node, void *base);
load_fn load_kind, load_names, load_true, load_topics;             /* load.c */
load_fn load_rules, load_otherwise;                                /* load_rule.c */
load_fn load_stages, load_set, load_remove, load_emit, load_allow; /* load_stage.c */
load_fn load_condition, load_value, load_topic;                    /* expr.c, value.c */

/* The text of an expression without what makes no difference: blanks and comments outside of quotes. */
struct vx_span config_expr_canonical(struct vx_arena *arena, struct vx_span text);
/* Reports what cel_parse() or cel_template_parse() found in a scalar. */
void load_cel_error(struct loader *l, const struct config_node *scalar, const struct cel_error *error);

/* A value; `what` names it in messages. False, reported, when it is none. */
bool value_load(struct loader *l, const char *what, const struct config_node *node, struct config_value *out);
/* Appends the JSON that YAML says a node is; texts stand as they are, `${` included. False, reported, when it has none. */
bool value_json(struct loader *l, const struct config_node *node, struct vx_buf *json);
/* The static type of what the value gives: CEL_DYN when unknown. */
enum cel_type value_type(const struct config_value *value);

/* A path (its node is a scalar) as `set` and `remove` have it; the same, reported. */
bool path_load(struct loader *l, const struct config_node *node, struct config_path *out);
/* A path as `set` and `remove` have it. False and `error` (offset into the text) when it is none. */
bool path_parse(struct vx_span text, struct vx_arena *arena, struct config_path *out, struct cel_error *error);
/* True when one of them is equal to the other or holds it. */
bool path_overlap(const struct config_path *a, const struct config_path *b);

#endif
