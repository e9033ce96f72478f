/* Places of an event and constants that are compared with them, found in typed trees. Load time, any one thread. */
#include <math.h>

#include "core/cel/analysis/analysis.h"
#include "core/cel/env.h"

#define EXACT_MAX 4611686018427387904 /* 2^62, see key.h */

/* ---- constants ---- */

/* False for what has no key: lists, maps, bytes, durations, NaN, numbers of more than 62 bits. */
bool place_key(const struct cel_value *v, bool time, struct cel_key *key)
{
    *key = (struct cel_key){0};
    if (time) {
        if (v->type == CEL_TIMESTAMP)
            *key = cel_key_time(v->time.seconds, v->time.nanos);
        return v->type == CEL_TIMESTAMP;
    }
    switch (v->type) {
    case CEL_NULL:
        key->kind = CEL_KEY_NULL;
        return true;
    case CEL_BOOL:
        key->kind = v->boolean ? CEL_KEY_TRUE : CEL_KEY_FALSE;
        return true;
    case CEL_INT:
        *key = cel_key_int(v->i);
        return v->i >= -EXACT_MAX && v->i <= EXACT_MAX;
    case CEL_UINT:
        *key = cel_key_int((int64_t)(v->u & INT64_MAX));
        return v->u <= EXACT_MAX;
    case CEL_DOUBLE:
        if (!(fabs(v->d) <= (double)EXACT_MAX))
            return false;
        *key = cel_key_double(v->d);
        return true;
    case CEL_STRING:
        key->kind = CEL_KEY_STRING;
        key->text = v->s;
        return !v->is_json;
    default:
        return false;
    }
}

/* ---- places ---- */

/* The constant step that `node` adds to its first argument; false when it adds none. As core/cel/run/program.c sees it. */
bool place_step(const struct tree *node, struct json_step *step)
{
    if (node->optional)
        return false;
    if (node->kind == TREE_SELECT || node->kind == TREE_HAS) {
        *step = (struct json_step){.key = node->name};
        return true;
    }
    const struct tree *key = node->kind == TREE_CALL && node->style == STYLE_INDEX ? node->args[1] : NULL;
    if (!key || key->kind != TREE_CONST)
        return false;
    if (key->value.type == CEL_STRING) {
        *step = (struct json_step){.key = key->value.s};
        return true;
    }
    *step = (struct json_step){.index = (uint32_t)key->value.u, .is_index = true};
    return (key->value.type == CEL_INT || key->value.type == CEL_UINT) && key->value.u < UINT32_MAX;
}

static bool is_lower(const struct tree *node)
{
    return node->kind == TREE_CALL && node->style == STYLE_RECEIVER && node->count == 1 &&
           vx_span_is(node->name, "lowerAscii");
}

/* A variable that is a value by itself. */
static bool variable_place(const struct cel_variable *variable, struct cel_place *place)
{
    static const struct {
        const char *name;
        enum cel_place_kind kind;
    } places[] = {{"key", CEL_PLACE_KEY},
                  {"topic", CEL_PLACE_TOPIC},
                  {"partition", CEL_PLACE_PARTITION},
                  {"offset", CEL_PLACE_OFFSET},
                  {"timestamp", CEL_PLACE_TIMESTAMP}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(variable->name, places[i].name) == 0) {
            place->kind = (uint8_t)places[i].kind;
            return true;
        }
    }
    return false;
}

/* True when `node` is a place and nothing else. */
bool place_of(struct analysis *a, const struct tree *node, struct cel_place *place)
{
    struct json_step steps[ANALYSIS_STEPS_MAX];
    size_t count = 0;
    const struct cel_env *env = a->expr->env;
    *place = (struct cel_place){0};
    for (; is_lower(node); node = node->args[0])
        place->lower = true;
    for (; count < ANALYSIS_STEPS_MAX && place_step(node, &steps[count]); node = node->args[0])
        count++;
    if (node->kind != TREE_VAR || !env->is_event)
        return false;
    if (node->variable == CEL_VAR_HEADERS) {
        place->kind = CEL_PLACE_HEADER;
        place->header = steps[0].key;
        return count == 1 && !steps[0].is_index;
    }
    if (node->variable != CEL_VAR_EVENT)
        return count == 0 && variable_place(&env->vars[node->variable], place);
    struct json_step *path = VX_ARENA_ARRAY(a->arena, struct json_step, count);
    for (size_t i = 0; i < count; i++)
        path[i] = steps[count - 1 - i];
    place->kind = CEL_PLACE_FIELD;
    place->path = (struct json_path){path, count};
    return true;
}

/* ---- places as keys of tables ---- */

static bool equal_paths(struct json_path a, struct json_path b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        const struct json_step *x = &a.steps[i], *y = &b.steps[i];
        if (x->is_index != y->is_index || (x->is_index ? x->index != y->index : !vx_span_equal(x->key, y->key)))
            return false;
    }
    return true;
}

static uint64_t hash_path(uint64_t h, struct json_path path)
{
    for (size_t i = 0; i < path.count; i++) {
        const struct json_step *step = &path.steps[i];
        h = cel_key_mix(h ^ (step->is_index ? step->index + 1ull : vx_hash64(step->key)));
    }
    return h;
}

bool cel_place_equal(const struct cel_place *a, const struct cel_place *b)
{
    if (a->kind != b->kind || a->lower != b->lower)
        return false;
    if (a->kind == CEL_PLACE_HEADER)
        return vx_span_equal(a->header, b->header);
    return equal_paths(a->path, b->path) && equal_paths(a->inner, b->inner);
}

uint64_t cel_place_hash(const struct cel_place *place)
{
    uint64_t h = cel_key_mix(place->kind * 2u + place->lower + 1u);
    if (place->kind == CEL_PLACE_HEADER)
        return cel_key_mix(h ^ vx_hash64(place->header));
    return hash_path(hash_path(h, place->path), place->inner);
}

/* ---- what an expression reads ---- */

struct vx_span cel_expr_text(const struct cel_expr *expr)
{
    return expr->text;
}

/* Looks for places on the spine from `node` down: the uppermost is the longest. */
static bool visit_place(struct analysis *a, const struct tree *node,
                        void (*found)(void *, struct json_path, size_t, size_t), void *ctx)
{
    struct cel_place place;
    if (!place_of(a, node, &place))
        return false;
    if (place.kind == CEL_PLACE_FIELD && place.path.count > 0)
        found(ctx, place.path, node->begin, node->end - node->begin);
    return true;
}

static void visit_tree(struct analysis *a, const struct tree *node,
                       void (*found)(void *, struct json_path, size_t, size_t), void *ctx)
{
    while (!visit_place(a, node, found, ctx)) {
        for (uint32_t i = 1; i < node->count; i++)
            visit_tree(a, node->args[i], found, ctx);
        if (node->count == 0)
            return;
        node = node->args[0];
    }
}

void cel_expr_paths(struct vx_arena *arena, const struct cel_expr *expr,
                    void (*found)(void *ctx, struct json_path path, size_t offset, size_t len), void *ctx)
{
    struct analysis a = {.arena = arena, .expr = expr};
    visit_tree(&a, expr->root, found, ctx);
}
