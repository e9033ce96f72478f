/* Which fields of an event the rules of a routing read. Load-time only; any one thread. */
#include "core/cel/analysis/predicate.h"
#include "core/config/config.h"

struct walk {
    struct config_read read;
    void (*found)(void *ctx, const struct config_read *read);
    void *ctx;
};

static void on_path(void *ctx, struct json_path path, size_t offset, size_t len)
{
    struct walk *walk = ctx;
    walk->read.path = path;
    walk->read.offset = offset;
    walk->read.len = len;
    walk->found(walk->ctx, &walk->read);
}

void config_routing_reads(const struct config_routing *routing, struct vx_arena *arena,
                          void (*found)(void *ctx, const struct config_read *read), void *ctx)
{
    for (size_t i = 0; i < routing->rule_count; i++) {
        const struct config_rule *rule = &routing->rules[i];
        struct walk walk = {.read = {.rule = rule}, .found = found, .ctx = ctx};
        if (rule->enabled && rule->when.cel)
            cel_expr_paths(arena, rule->when.cel, on_path, &walk);
    }
}
