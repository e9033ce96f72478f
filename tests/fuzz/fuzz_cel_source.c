/* Any text as an expression and as a text with expressions inside: it is refused with a place inside of it, or it loads
 * and compiles. */
#include "core/cel/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct cel_error *error, size_t size)
{
    vx_assert(error->offset <= size);
    vx_assert(error->len >= 1 && error->offset + error->len <= size + 1);
    vx_assert(error->message[0] && memchr(error->message, '\0', sizeof error->message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vx_arena arena = {0};
    struct vx_span text = vx_span((const char *)data, size);
    struct cel_slots slots = {0};
    struct cel_error error = {0};
    const struct cel_expr *expr;
    const struct cel_template *template;
    if (cel_parse(&arena, text, cel_env_event(), &expr, &error) == VX_OK)
        vx_assert(cel_compile(&arena, expr, &slots) != NULL);
    else
        check_place(&error, size);
    if (cel_template_parse(&arena, text, cel_env_event(), &template, &error) == VX_OK)
        vx_assert(cel_template_compile(&arena, template, &slots) != NULL);
    else
        check_place(&error, size);
    cel_slots_done(&slots);
    vx_arena_done(&arena);
    return 0;
}
