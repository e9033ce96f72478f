/* Failures: recorded in a few words of memory, worded when somebody asks.
 *
 * A worker's thread. Wording a missing field reads the event again from its root, to name the key that is missing and
 * not only the last one of the path; that is the slow path by design.
 */
#include "core/cel/run/failure.h"

#include "core/cel/syntax/lexer.h"
#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

bool cel_fail(struct cel_call *call, const char *text)
{
    call->failure = (struct cel_failure){.kind = FAIL_TEXT, .text = text};
    return false;
}

bool cel_fail_about(struct cel_call *call, enum cel_failure_kind kind, const char *text, struct cel_value subject)
{
    call->failure = (struct cel_failure){.kind = (uint8_t)kind, .text = text, .subject = subject};
    return false;
}

bool cel_fail_types(struct cel_call *call, const char *name, uint8_t style, const struct cel_value *args, size_t argc)
{
    call->failure = (struct cel_failure){.kind = FAIL_TYPES, .text = name, .style = style, .argc = (uint8_t)argc};
    for (size_t i = 0; i < argc && i < CEL_ARGS_MAX; i++)
        call->failure.types[i] = args[i].type;
    return false;
}

/* What stands at the start of an event's value, which json_scan() has accepted. */
static struct json_value root_of(struct vx_span text)
{
    struct json_value root = {.at = text.at, .len = (uint32_t)text.len};
    while (root.len > 0 && strchr(" \t\r\n", *root.at)) {
        root.at++;
        root.len--;
    }
    while (root.len > 0 && strchr(" \t\r\n", root.at[root.len - 1]))
        root.len--;
    char c = root.len > 0 ? *root.at : '\0';
    root.kind = c == '{'   ? JSON_KIND_OBJECT
                : c == '[' ? JSON_KIND_ARRAY
                : c == '"' ? JSON_KIND_STRING
                : c == 'n' ? JSON_KIND_NULL
                : c == 't' ? JSON_KIND_TRUE
                : c == 'f' ? JSON_KIND_FALSE
                           : JSON_KIND_INT;
    return root;
}

static const char *json_type(struct json_value v)
{
    return v.kind == JSON_KIND_INT ? "a number" : cel_type_short((enum cel_type)cel_from_json(v).type);
}

static const char *slot_text(const struct json_path *path, const struct cel_event *event, struct vx_arena *arena)
{
    if (!event || !event->value.at)
        return "no event: the value is null";
    struct json_value at = root_of(event->value);
    for (size_t i = 0; i < path->count; i++) {
        const struct json_step *step = &path->steps[i];
        struct json_value next = step->is_index ? json_element(at, step->index) : json_member(at, step->key);
        if (next.kind != JSON_KIND_MISSING) {
            at = next;
            continue;
        }
        if (at.kind == JSON_KIND_ARRAY && step->is_index)
            return vx_arena_printf(arena, "index out of range: %u", step->index);
        if (at.kind == JSON_KIND_OBJECT && step->is_index)
            return vx_arena_printf(arena, "no such key: %u", step->index);
        if (at.kind == JSON_KIND_OBJECT)
            return vx_arena_printf(arena, "no such key: %.*s", CEL_QUOTE(step->key));
        if (step->is_index)
            return vx_arena_printf(arena, "%s has no element [%u]", json_type(at), step->index);
        return vx_arena_printf(arena, "%s has no field `%.*s`", json_type(at), CEL_QUOTE(step->key));
    }
    return "no such key";
}

/* "<before><value><after>" */
static const char *about(const char *before, struct cel_value v, const char *after, struct vx_arena *arena)
{
    struct vx_span text = VX_SPAN_LITERAL("…");
    if (!cel_text_of(v, arena, &text))
        text = vx_span_str(cel_type_short((enum cel_type)v.type));
    return vx_arena_printf(arena, "%s%.*s%s", before, CEL_QUOTE(text), after);
}

static const char *convert_text(const struct cel_failure *failure, struct vx_arena *arena)
{
    struct vx_span text;
    struct cel_value v = failure->subject;
    const char *article = strchr("aeioI", failure->text[0]) ? "an" : "a"; /* a uint, a UTF-8 string, an IP … */
    const char *type = cel_type_short((enum cel_type)v.type);
    if (!cel_text_of(v, arena, &text))
        return vx_arena_printf(arena, "%s is not %s %s", type, article, failure->text);
    const char *quote = v.type == CEL_STRING ? "\"" : "";
    return vx_arena_printf(arena, "%s %s%.*s%s is not %s %s", type, quote, CEL_QUOTE(text), quote, article,
                           failure->text);
}

const char *cel_failure_text(const struct cel_failure *failure, const struct cel_event *event, struct vx_arena *arena)
{
    const char *types[CEL_ARGS_MAX];
    char text[CEL_CALL_TEXT_SIZE];
    switch (failure->kind) {
    case FAIL_KEY:
        return about("no such key: ", failure->subject, "", arena);
    case FAIL_REPEATED:
        return about("repeated key: ", failure->subject, "", arena);
    case FAIL_INDEX:
        return about("index out of range: ", failure->subject, "", arena);
    case FAIL_FIELD:
        return vx_arena_printf(arena, "%s has no field `%.*s`", cel_type_short((enum cel_type)failure->types[0]),
                               CEL_QUOTE(failure->subject.s));
    case FAIL_HEADER:
        return about("header ", failure->subject, " is not UTF-8", arena);
    case FAIL_BOOL:
        return vx_arena_printf(arena, "%s must be bool, not %s", failure->text,
                               cel_type_short((enum cel_type)failure->subject.type));
    case FAIL_SUBJECT:
        return vx_arena_printf(arena, "%s() works on %s, not on %s", failure->text,
                               failure->style ? "an optional" : "a list or a map",
                               cel_type_short((enum cel_type)failure->subject.type));
    case FAIL_OPTIONAL:
        return vx_arena_printf(arena, "expected an optional, not %s",
                               cel_type_short((enum cel_type)failure->subject.type));
    case FAIL_ENTRY:
        return vx_arena_printf(arena, "expected a map of new entries, not %s",
                               cel_type_short((enum cel_type)failure->subject.type));
    case FAIL_TYPES:
        for (size_t i = 0; i < failure->argc; i++)
            types[i] = cel_type_short((enum cel_type)failure->types[i]);
        cel_ops_print(failure->text, failure->style, types, failure->argc, text);
        return vx_arena_printf(arena, "no matching overload for %s", text);
    case FAIL_SLOT:
        return slot_text(failure->path, event, arena);
    case FAIL_CONVERT:
        return convert_text(failure, arena);
    default:
        return failure->text;
    }
}
