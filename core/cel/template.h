/* Text with expressions inside: `"fraud-${event.country}"`.
 *
 * `${CEL}` is an expression, `$${` a literal `${`, everything else stands for itself. A text that is one `${…}` and nothing
 * else takes the expression's value and type; any other gives a string. The end of `${…}` is found by the lexer, so braces
 * and quotes inside the expression are no problem.
 */
#ifndef VX_CEL_TEMPLATE_H
#define VX_CEL_TEMPLATE_H

#include "core/cel/cel.h"

struct cel_template;

/* Parses and checks; offsets in `error` are bytes into `text`. */
VX_MUSTCHECK enum vx_status cel_template_parse(struct vx_arena *arena, struct vx_span text, const struct cel_env *env,
                                               const struct cel_template **out, struct cel_error *error);
/* The text, unescaped, when there is no expression inside; `at` NULL when there is one. */
struct vx_span cel_template_constant(const struct cel_template *template);
/* The one expression a text consists of, or NULL. */
const struct cel_expr *cel_template_single(const struct cel_template *template);
/* The longest literal text that every result begins with. */
struct vx_span cel_template_prefix(const struct cel_template *template);
/* cel_expr_fields() of all its expressions; offsets are bytes into the template's text. */
void cel_template_fields(const struct cel_template *template, cel_fields_fn *use, void *ctx);
bool cel_template_reads(const struct cel_template *template, const char *name);

struct cel_template_program;
const struct cel_template_program *cel_template_compile(struct vx_arena *arena, const struct cel_template *template,
                                                        struct cel_slots *slots);
/* The slots it reads: calls `add(ctx, slot)` for each. */
void cel_template_slots(const struct cel_template_program *program, void (*add)(void *ctx, uint32_t slot), void *ctx);
/* Evaluates to a value (a string unless it is a single expression). VX_EINVAL and frame->failure as cel_eval(). */
VX_MUSTCHECK enum vx_status cel_template_eval(const struct cel_template_program *program, struct cel_frame *frame,
                                              struct cel_value *out);

#endif
