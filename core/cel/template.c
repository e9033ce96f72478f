/* Text with expressions inside, at load and per event.
 *
 * Parsing is load time, evaluation a worker's thread. Parts alternate freely between literal text and expressions; a
 * constant expression inside a longer text becomes text at load. Invariant: a template has no two literal parts in a
 * row, so its constant prefix is its first part, or nothing.
 */
#include "core/cel/template.h"

#include <math.h>

#include "core/cel/syntax/lexer.h"
#include "core/cel/syntax/tree.h"
#include "core/cel/values.h"

struct part {
    struct vx_span literal; /* unescaped; where expr is NULL */
    const struct cel_expr *expr;
    size_t offset; /* of the expression in the template's text */
};

struct cel_template {
    struct part *parts;
    size_t count;
    size_t room;
};

struct program_part {
    struct vx_span literal;
    const struct cel_program *program; /* NULL: literal */
    size_t offset;
};

struct cel_template_program {
    const struct program_part *parts;
    size_t count;
    bool single;
};

static struct part *add_part(struct vx_arena *arena, struct cel_template *t)
{
    if (t->count == t->room) {
        struct part *more = VX_ARENA_ARRAY(arena, struct part, t->room ? 2 * t->room : 4);
        if (t->count > 0)
            memcpy(more, t->parts, t->count * sizeof *more);
        t->parts = more;
        t->room = t->room ? 2 * t->room : 4;
    }
    return &t->parts[t->count++];
}

/* Appends text, to the last part where that is text too. */
static void add_literal(struct vx_arena *arena, struct cel_template *t, struct vx_span text)
{
    if (text.len == 0)
        return;
    if (t->count == 0 || t->parts[t->count - 1].expr) {
        *add_part(arena, t) = (struct part){.literal = text};
        return;
    }
    struct vx_span *literal = &t->parts[t->count - 1].literal;
    if (literal->at + literal->len != text.at) {
        char *joined = vx_arena_bytes(arena, literal->len + text.len);
        memcpy(joined, literal->at, literal->len);
        memcpy(joined + literal->len, text.at, text.len);
        literal->at = joined;
    }
    literal->len += text.len;
}

/* Finds the `}` that closes the expression from `from` on; its offset, or 0 with `error` filled. */
static size_t find_end(struct vx_arena *arena, struct vx_span text, size_t from, struct cel_error *error)
{
    struct cel_lexer lexer = {.arena = arena, .text = text, .at = from, .error = error};
    struct cel_token token;
    size_t depth = 0;
    bool good;
    while ((good = cel_lexer_next(&lexer, &token)) && token.kind != TOKEN_END) {
        depth += token.kind == TOKEN_OPEN_MAP;
        if (token.kind == TOKEN_CLOSE_MAP && depth-- == 0)
            return token.offset;
    }
    /* A fault inside is reported as it is, unless there is no `}` at all: then the rest was never meant as CEL. */
    if (good || !memchr(text.at + from, '}', text.len - from))
        cel_error_set(error, from - 2, 2, "`${` is not closed by `}`");
    return 0;
}

static enum vx_status parse_part(struct vx_arena *arena, struct vx_span text, size_t *at, const struct cel_env *env,
                                 struct cel_template *t, struct cel_error *error)
{
    size_t from = *at + 2, end = find_end(arena, text, from, error);
    if (end == 0)
        return VX_EINVAL;
    struct vx_span inside = vx_span(text.at + from, end - from);
    struct part part = {.offset = from};
    size_t blanks = 0;
    while (blanks < inside.len && strchr(" \t\r\n", inside.at[blanks]))
        blanks++;
    if (blanks == inside.len) {
        cel_error_set(error, *at, end + 1 - *at, "`${}` holds no expression");
        return VX_EINVAL;
    }
    if (cel_parse(arena, inside, env, &part.expr, error) != VX_OK) {
        error->offset += from;
        return VX_EINVAL;
    }
    *add_part(arena, t) = part;
    *at = end + 1;
    return VX_OK;
}

/* A value as a part of a text; NaN and infinity are none. */
static bool part_text(struct cel_value v, struct vx_arena *arena, struct vx_span *text)
{
    return !(v.type == CEL_DOUBLE && !isfinite(v.d)) && cel_text_of(v, arena, text);
}

/* A part of a longer text must be something that has a text; constants turn into it here. */
static enum vx_status settle(struct vx_arena *arena, struct cel_template *t, struct cel_error *error)
{
    struct cel_template settled = {0};
    for (size_t i = 0; i < t->count; i++) {
        struct part *part = &t->parts[i];
        struct vx_span text = part->literal;
        const struct tree *root = part->expr ? part->expr->root : NULL;
        char type[CEL_STYPE_TEXT_SIZE];
        if (root && !(root->type.mask & MASK_TEXT)) {
            cel_error_set(error, part->offset + root->begin, root->end - root->begin, "%s cannot be part of a text",
                          cel_stype_print(root->type, type));
            return VX_EINVAL;
        }
        if (!root || (root->kind == TREE_CONST && part_text(root->value, arena, &text)))
            add_literal(arena, &settled, text);
        else
            *add_part(arena, &settled) = *part;
    }
    *t = settled;
    return VX_OK;
}

enum vx_status cel_template_parse(struct vx_arena *arena, struct vx_span text, const struct cel_env *env,
                                  const struct cel_template **out, struct cel_error *error)
{
    struct cel_error ignored;
    struct cel_template *t = VX_ARENA_NEW(arena, struct cel_template);
    size_t from = 0, at = 0;
    error = error ? error : &ignored;
    text = vx_arena_span(arena, vx_span(text.at ? text.at : "", text.len));
    while (at < text.len) {
        if (text.at[at] != '$') {
            at++;
        } else if (vx_span_starts_with(vx_span(text.at + at, text.len - at), VX_SPAN_LITERAL("$${"))) {
            add_literal(arena, t, vx_span(text.at + from, at - from));
            from = at + 1; /* the second `$` and what follows stand for themselves */
            at += 3;
        } else if (at + 1 < text.len && text.at[at + 1] == '{') {
            add_literal(arena, t, vx_span(text.at + from, at - from));
            if (parse_part(arena, text, &at, env, t, error) != VX_OK)
                return VX_EINVAL;
            from = at;
        } else {
            at++;
        }
    }
    add_literal(arena, t, vx_span(text.at + from, at - from));
    if (t->count > 1 && settle(arena, t, error) != VX_OK)
        return VX_EINVAL;
    *out = t;
    return VX_OK;
}

struct vx_span cel_template_constant(const struct cel_template *t)
{
    if (t->count == 0)
        return VX_SPAN_LITERAL("");
    return t->count == 1 && !t->parts[0].expr ? t->parts[0].literal : vx_span(NULL, 0);
}

const struct cel_expr *cel_template_single(const struct cel_template *t)
{
    return t->count == 1 ? t->parts[0].expr : NULL;
}

struct vx_span cel_template_prefix(const struct cel_template *t)
{
    return t->count > 0 && !t->parts[0].expr ? t->parts[0].literal : VX_SPAN_LITERAL("");
}

struct shifted {
    cel_fields_fn *use;
    void *ctx;
    size_t by;
};

static void use_shifted(void *ctx, struct json_path path, size_t offset, size_t len)
{
    const struct shifted *shifted = ctx;
    shifted->use(shifted->ctx, path, shifted->by + offset, len);
}

void cel_template_fields(const struct cel_template *template, cel_fields_fn *use, void *ctx)
{
    for (size_t i = 0; i < template->count; i++) {
        struct shifted shifted = {use, ctx, template->parts[i].offset};
        if (template->parts[i].expr)
            cel_expr_fields(template->parts[i].expr, use_shifted, &shifted);
    }
}

bool cel_template_reads(const struct cel_template *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->parts[i].expr && cel_expr_reads(t->parts[i].expr, name))
            return true;
    }
    return false;
}

const struct cel_template_program *cel_template_compile(struct vx_arena *arena, const struct cel_template *t,
                                                        struct cel_slots *slots)
{
    struct cel_template_program *program = VX_ARENA_NEW(arena, struct cel_template_program);
    struct program_part *parts = VX_ARENA_ARRAY(arena, struct program_part, t->count);
    for (size_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        parts[i].offset = part->offset;
        if (part->expr)
            parts[i].program = cel_compile(arena, part->expr, slots);
        else
            parts[i].literal = vx_arena_span(arena, part->literal);
    }
    *program = (struct cel_template_program){parts, t->count, cel_template_single(t) != NULL};
    return program;
}

void cel_template_slots(const struct cel_template_program *program, void (*add)(void *ctx, uint32_t slot), void *ctx)
{
    for (size_t i = 0; i < program->count; i++) {
        size_t count = 0;
        const uint32_t *slots = program->parts[i].program ? cel_program_slots(program->parts[i].program, &count) : NULL;
        for (size_t k = 0; k < count; k++)
            add(ctx, slots[k]);
    }
}

static enum vx_status eval_part(const struct program_part *part, struct cel_frame *frame, struct vx_span *text)
{
    struct cel_value v;
    if (!part->program) {
        *text = part->literal;
        return VX_OK;
    }
    if (cel_eval(part->program, frame, &v) != VX_OK) {
        frame->failure_offset += part->offset;
        return VX_EINVAL;
    }
    if (part_text(v, frame->arena, text))
        return VX_OK;
    frame->failure = v.type == CEL_BYTES    ? "bytes that are not UTF-8 cannot be part of a text"
                     : v.type == CEL_DOUBLE ? "NaN and infinity cannot be part of a text"
                                            : vx_arena_printf(frame->arena, "%s cannot be part of a text",
                                                              cel_type_short((enum cel_type)v.type));
    frame->failure_offset = part->offset;
    return VX_EINVAL;
}

enum vx_status cel_template_eval(const struct cel_template_program *program, struct cel_frame *frame,
                                 struct cel_value *out)
{
    size_t len = 0;
    if (program->single) {
        enum vx_status status = cel_eval(program->parts[0].program, frame, out);
        if (status != VX_OK)
            frame->failure_offset += program->parts[0].offset;
        return status;
    }
    struct vx_span *texts = VX_ARENA_ARRAY(frame->arena, struct vx_span, program->count);
    for (size_t i = 0; i < program->count; i++) {
        if (eval_part(&program->parts[i], frame, &texts[i]) != VX_OK)
            return VX_EINVAL;
        len += texts[i].len;
    }
    char *text = vx_arena_bytes(frame->arena, len + 1), *to = text;
    for (size_t i = 0; i < program->count; i++) {
        if (texts[i].len)
            memcpy(to, texts[i].at, texts[i].len);
        to += texts[i].len;
    }
    *out = cel_string_value(vx_span(text, len));
    return VX_OK;
}
