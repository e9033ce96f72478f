/* Operands: compiling a config_value into a table, and evaluating it for an event as JSON, as text or as a key.
 *
 * Compiling runs once on the thread that builds the table; evaluating on a worker, with its frame. A list or a map is
 * built from its parts only where one of them holds an expression; otherwise it is one constant JSON text.
 */
#include "core/plan/operand.h"

#include <math.h>

#include "core/json/write.h"

void operand_compile(struct compiler *c, const struct config_value *from, struct operand *to, struct reads *reads)
{
    struct vx_arena *arena = &c->table->arena;
    to->kind = from->kind;
    switch (from->kind) {
    case CONFIG_VALUE_CONSTANT:
        to->json = vx_arena_span(arena, from->json);
        if (from->text.at)
            to->text = vx_arena_span(arena, from->text);
        return;
    case CONFIG_VALUE_TEMPLATE:
        to->program = cel_template_compile(arena, from->cel, &c->table->slots);
        cel_template_slots(to->program, reads_slot, reads);
        if (cel_template_reads(from->cel, "event"))
            reads->event = true;
        return;
    case CONFIG_VALUE_LIST:
    case CONFIG_VALUE_MAP:
        break;
    }
    to->count = from->count;
    to->items = VX_ARENA_ARRAY(arena, struct operand, from->count);
    if (from->kind == CONFIG_VALUE_MAP)
        to->keys = VX_ARENA_ARRAY(arena, struct vx_span, from->count);
    for (size_t i = 0; i < from->count; i++) {
        if (to->keys)
            to->keys[i] = vx_arena_span(arena, from->keys[i]);
        operand_compile(c, &from->items[i], &to->items[i], reads);
    }
}

/* "a list", "an int": a value as a sentence names it. */
static const char *name_of(struct cel_value v)
{
    switch ((enum cel_type)v.type) {
    case CEL_NULL:
        return "null";
    case CEL_BOOL:
        return "a bool";
    case CEL_INT:
        return "an int";
    case CEL_UINT:
        return "a uint";
    case CEL_DOUBLE:
        return "a double";
    case CEL_STRING:
        return "a string";
    case CEL_BYTES:
        return "bytes that are not UTF-8"; /* only these are ever refused */
    case CEL_LIST:
        return "a list";
    case CEL_MAP:
        return "a map";
    case CEL_TIMESTAMP:
        return "a timestamp";
    case CEL_DURATION:
        return "a duration";
    case CEL_TYPE:
        return "a type";
    case CEL_OPTIONAL:
        return "an optional";
    case CEL_IP:
        return "an ip";
    case CEL_CIDR:
        return "a cidr";
    case CEL_TYPE_COUNT:
    case CEL_DYN:
        break;
    }
    return "a value";
}

static const char *why_not_json(struct cel_value v, struct vx_arena *arena)
{
    if (v.type == CEL_DOUBLE)
        return isnan(v.d) ? "NaN is not a JSON number" : "infinity is not a JSON number";
    if (v.type == CEL_LIST)
        return "the list holds something that JSON cannot";
    if (v.type == CEL_MAP)
        return v.is_headers ? "a header is not UTF-8" : "the map holds something that JSON cannot";
    return vx_arena_printf(arena, "%s cannot be written as JSON", name_of(v));
}

bool operand_json(const struct operand *operand, struct cel_frame *frame, struct vx_buf *out, const char **failure)
{
    struct cel_value v;
    switch (operand->kind) {
    case CONFIG_VALUE_CONSTANT:
        vx_buf_span(out, operand->json);
        return true;
    case CONFIG_VALUE_TEMPLATE:
        if (cel_template_eval(operand->program, frame, &v)) {
            *failure = frame->failure;
            return false;
        }
        if (cel_write_json(v, out))
            return true;
        *failure = why_not_json(v, frame->arena);
        return false;
    case CONFIG_VALUE_LIST:
    case CONFIG_VALUE_MAP:
        break;
    }
    bool map = operand->kind == CONFIG_VALUE_MAP;
    vx_buf_char(out, map ? '{' : '[');
    for (size_t i = 0; i < operand->count; i++) {
        if (i)
            vx_buf_char(out, ',');
        if (map) {
            json_write_string(out, operand->keys[i]);
            vx_buf_char(out, ':');
        }
        if (!operand_json(&operand->items[i], frame, out, failure))
            return false;
    }
    vx_buf_char(out, map ? '}' : ']');
    return true;
}

/* cel_write_text(), with what it decodes in `arena`. */
static bool write_text(struct cel_value v, struct vx_arena *arena, struct vx_buf *out)
{
    if (v.type != CEL_STRING)
        return cel_write_text(v, out);
    vx_buf_span(out, cel_string(v, arena));
    return true;
}

bool operand_text(const struct operand *operand, struct cel_frame *frame, struct vx_buf *out, const char **failure)
{
    if (operand->kind == CONFIG_VALUE_CONSTANT && operand->text.at) {
        vx_buf_span(out, operand->text);
        return true;
    }
    if (operand->kind != CONFIG_VALUE_TEMPLATE) {
        *failure = operand->kind == CONFIG_VALUE_MAP    ? "a map is not text"
                   : operand->kind == CONFIG_VALUE_LIST ? "a list is not text"
                                                        : "null, a list or a map is not text";
        return false;
    }
    struct cel_value v;
    if (cel_template_eval(operand->program, frame, &v)) {
        *failure = frame->failure;
        return false;
    }
    if (write_text(v, frame->arena, out))
        return true;
    *failure = vx_arena_printf(frame->arena, v.type == CEL_BYTES ? "%s are not text" : "%s is not text", name_of(v));
    return false;
}

bool operand_key(const struct operand *operand, struct cel_frame *frame, struct vx_buf *scratch, struct vx_span *key,
                 const char **failure)
{
    if (operand->kind == CONFIG_VALUE_CONSTANT) {
        if (!operand->text.at && !vx_span_is(operand->json, "null")) {
            *failure = "a list or a map is not a key";
            return false;
        }
        *key = operand->text;
        return true;
    }
    if (operand->kind != CONFIG_VALUE_TEMPLATE) {
        *failure = operand->kind == CONFIG_VALUE_MAP ? "a map is not a key" : "a list is not a key";
        return false;
    }
    struct cel_value v;
    if (cel_template_eval(operand->program, frame, &v)) {
        *failure = frame->failure;
        return false;
    }
    if (v.type == CEL_NULL) {
        *key = vx_span(NULL, 0);
        return true;
    }
    if (v.type == CEL_BYTES) {
        *key = vx_arena_span(frame->arena, v.s);
        return true;
    }
    size_t begin = scratch->len;
    if (!write_text(v, frame->arena, scratch)) {
        *failure = vx_arena_printf(frame->arena, "%s is not a key", name_of(v));
        return false;
    }
    *key = vx_arena_span(frame->arena, vx_span(scratch->at + begin, scratch->len - begin));
    scratch->len = begin;
    return true;
}
