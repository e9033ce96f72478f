/* A value that a stage writes: what YAML says it is, with expressions inside, compiled. */
#ifndef VX_PLAN_OPERAND_H
#define VX_PLAN_OPERAND_H

#include "core/plan/compiled.h"

struct operand {
    enum config_value_kind kind;
    struct vx_span json;                        /* CONSTANT */
    struct vx_span text;                        /* CONSTANT; at NULL for null, lists and maps */
    const struct cel_template_program *program; /* TEMPLATE */
    struct vx_span *keys;                       /* MAP */
    struct operand *items;                      /* LIST, MAP */
    size_t count;
};

/* `to` is all zeroes; what it refers to lives in the table. What it reads of an event is added to `reads`. */
void operand_compile(struct compiler *c, const struct config_value *from, struct operand *to, struct reads *reads);

/* The three forms a value is written in. True, or false with *failure: why not, static or in frame->arena ("no such key:
 * price"). What was appended before a failure stays in `out`. */

/* Appends JSON: into an event. */
bool operand_json(const struct operand *operand, struct cel_frame *frame, struct vx_buf *out, const char **failure);
/* Appends text: a header, a topic. Null, lists and maps are no text. */
bool operand_text(const struct operand *operand, struct cel_frame *frame, struct vx_buf *out, const char **failure);
/* A key: null is none (at NULL), strings and bytes as they are, other scalars as text. The result is in frame->arena or the
 * table; `scratch` is as it was. */
bool operand_key(const struct operand *operand, struct cel_frame *frame, struct vx_buf *scratch, struct vx_span *key,
                 const char **failure);

#endif
