/* The table of macros, and how a call in the text becomes one.
 *
 * Load time, any one thread; the table is immutable. A macro is known by its name and the number of its arguments, as
 * in cel-go; no function has the name of a macro, so a wrong number is a mistake and said to be one.
 */
#include "core/cel/syntax/macro.h"

#include "core/cel/syntax/lexer.h"
#include "core/cel/syntax/tree.h"

static const struct cel_macro table[] = {
    {"all", MACRO_ALL, 1, 2, false, "list.all(x, x > 0)"},
    {"all", MACRO_ALL, 2, 3, false, "list.all(i, x, x > i)"},
    {"exists", MACRO_EXISTS, 1, 2, false, "list.exists(x, x > 0)"},
    {"exists", MACRO_EXISTS, 2, 3, false, "list.exists(i, x, x > i)"},
    {"exists_one", MACRO_EXISTS_ONE, 1, 2, false, "list.exists_one(x, x > 0)"},
    {"existsOne", MACRO_EXISTS_ONE, 1, 2, false, "list.existsOne(x, x > 0)"},
    {"existsOne", MACRO_EXISTS_ONE, 2, 3, false, "list.existsOne(i, x, x > i)"},
    {"map", MACRO_MAP, 1, 2, false, "list.map(x, x + 1)"},
    {"map", MACRO_MAP, 1, 3, true, "list.map(x, x > 0, x + 1)"},
    {"filter", MACRO_FILTER, 1, 2, false, "list.filter(x, x > 0)"},
    {"transformList", MACRO_MAP, 2, 3, false, "list.transformList(i, x, x + i)"},
    {"transformList", MACRO_MAP, 2, 4, true, "list.transformList(i, x, x > 0, x + i)"},
    {"transformMap", MACRO_TRANSFORM_MAP, 2, 3, false, "map.transformMap(k, v, v + 1)"},
    {"transformMap", MACRO_TRANSFORM_MAP, 2, 4, true, "map.transformMap(k, v, v > 0, v + 1)"},
    {"transformMapEntry", MACRO_TRANSFORM_ENTRY, 2, 3, false, "map.transformMapEntry(k, v, {v: k})"},
    {"transformMapEntry", MACRO_TRANSFORM_ENTRY, 2, 4, true, "map.transformMapEntry(k, v, v > 0, {v: k})"},
    {"bind", MACRO_BIND, 1, 3, false, "cel.bind(x, event.a + event.b, x * x)"},
    {"optMap", MACRO_OPT_MAP, 1, 2, false, "event.?a.optMap(x, x + 1)"},
    {"optFlatMap", MACRO_OPT_FLAT_MAP, 1, 2, false, "event.?a.optFlatMap(x, x.?b)"},
    {"or", MACRO_OR, 0, 1, false, "event.?a.or(event.?b)"},
    {"orValue", MACRO_OR_VALUE, 0, 1, false, "event.?a.orValue(0)"},
};

enum { TABLE_COUNT = sizeof table / sizeof *table };

const struct cel_macro *cel_macro_find(struct vx_span name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (vx_span_is(name, table[i].name))
            return &table[i];
    }
    return NULL;
}

size_t cel_macro_names(const char *names[CEL_MACROS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (i == 0 || strcmp(table[i].name, table[i - 1].name) != 0)
            names[count++] = table[i].name;
    }
    return count;
}

/* The names at the start of the arguments. */
static bool take_vars(struct tree *call, struct cel_macro_use *use, struct cel_error *error)
{
    const struct cel_macro *macro = use->macro;
    for (uint32_t i = 0; i < macro->var_count; i++) {
        const struct tree *var = call->args[i + 1];
        if (var->kind != TREE_NAME || var->rooted)
            return cel_error_set(error, var->begin, var->end - var->begin,
                                 "%s() begins with a name for what it looks at, as in %s", macro->name, macro->usage);
        use->vars[i] = var->name;
    }
    if (macro->var_count == 2 && vx_span_equal(use->vars[0], use->vars[1]))
        return cel_error_set(error, call->args[2]->begin, call->args[2]->end - call->args[2]->begin,
                             "%s() needs two different names, as in %s", macro->name, macro->usage);
    return true;
}

struct tree *cel_macro_make(struct vx_arena *arena, struct tree *call, struct cel_error *error)
{
    const struct cel_macro *first = cel_macro_find(call->name), *macro = first;
    bool is_cel = call->args[0]->kind == TREE_NAME && vx_span_is(call->args[0]->name, "cel");
    if (!first || (first->kind == MACRO_BIND) != is_cel)
        return call;
    while (macro < table + TABLE_COUNT && vx_span_is(call->name, macro->name) && macro->argc != call->count - 1)
        macro++;
    if (macro == table + TABLE_COUNT || !vx_span_is(call->name, macro->name)) {
        cel_error_set(error, call->offset, call->end - call->offset, "%s() is written as in %s", first->name,
                      first->usage);
        return NULL;
    }
    struct cel_macro_use *use = VX_ARENA_NEW(arena, struct cel_macro_use);
    use->macro = macro;
    if (!take_vars(call, use, error))
        return NULL;
    call->kind = TREE_MACRO;
    call->use = use;
    /* What is evaluated first stands first; the names are no arguments any more. */
    if (macro->kind != MACRO_BIND)
        call->args[macro->var_count] = call->args[0];
    call->args += macro->kind == MACRO_BIND ? 2 : macro->var_count;
    call->count -= macro->kind == MACRO_BIND ? 2 : macro->var_count;
    return call;
}
