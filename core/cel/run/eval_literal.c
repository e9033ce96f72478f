/* Lists and maps as they are written, [a, ?b] and {k: v, ?k: w}, what is optional among it left out where it is not there. A
 * worker's thread; they lie in the arena of the evaluation.
 */
#include "core/cel/run/run.h"
#include "core/cel/values.h"

/* An element of a list or a value of a map; *there is false where `?x` holds nothing. */
static bool eval_item(struct run *run, const struct cel_node *node, struct cel_value *out, bool *there)
{
    *there = true;
    if (node->op != NODE_SPREAD)
        return cel_run_eval(run, node, out);
    if (!cel_run_eval(run, node + 1, out))
        return false;
    if (out->type != CEL_OPTIONAL) {
        cel_fail_about(&run->call, FAIL_OPTIONAL, NULL, *out);
        return cel_run_failed(run, node);
    }
    *there = out->some != NULL;
    if (*there)
        *out = *out->some;
    return true;
}

bool cel_run_list(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value *cells = VX_ARENA_ARRAY(run->call.arena, struct cel_value, node->count);
    const struct cel_node *arg = node + 1;
    size_t count = 0;
    bool there;
    for (uint32_t i = 0; i < node->count; i++, arg += arg->size) {
        if (!eval_item(run, arg, &cells[count], &there))
            return false;
        count += there;
    }
    return cel_make_list(&run->call, cells, count, out) || cel_run_failed(run, node);
}

bool cel_run_map(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    struct cel_entry *entries = VX_ARENA_ARRAY(run->call.arena, struct cel_entry, node->count / 2);
    const struct cel_node *arg = node + 1;
    size_t count = 0;
    bool there;
    for (uint32_t i = 0; i < node->count; i += 2) {
        if (!cel_run_eval(run, arg, &entries[count].key))
            return false;
        arg += arg->size;
        if (!eval_item(run, arg, &entries[count].value, &there))
            return false;
        arg += arg->size;
        count += there;
    }
    return cel_make_map(&run->call, entries, count, out) || cel_run_failed(run, node);
}
