/* The environments: one row per variable of an event. Immutable; a worker's thread reads through them. */
#include "core/cel/env.h"

#include "core/base/utf8.h"
#include "core/cel/cel.h"
#include "core/cel/values.h"

static bool read_headers(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_MAP, .is_headers = true, .headers = {event->headers, event->header_count}};
    return true;
}

static bool read_key(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    if (!event->key.at) {
        *out = (struct cel_value){.type = CEL_NULL};
        return true;
    }
    *out = cel_string_value(event->key);
    return vx_utf8_valid(event->key) || cel_fail(call, "the key is not UTF-8");
}

static bool give_bytes(struct vx_span s, struct cel_value *out)
{
    *out = (struct cel_value){.type = s.at ? CEL_BYTES : CEL_NULL, .s = s};
    return true;
}

static bool read_key_bytes(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    return give_bytes(event->key, out);
}

static bool read_value(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    return give_bytes(event->value, out);
}

static bool read_topic(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    *out = cel_string_value(event->topic);
    return true;
}

static bool read_partition(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_INT, .i = event->partition};
    return true;
}

static bool read_offset(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    *out = (struct cel_value){.type = CEL_INT, .i = event->offset};
    return true;
}

static bool read_timestamp(struct cel_call *call, const struct cel_event *event, struct cel_value *out)
{
    (void)call;
    int64_t ms = event->timestamp_ms, rest = ms % 1000;
    rest += rest < 0 ? 1000 : 0;
    *out = (struct cel_value){.type = CEL_TIMESTAMP};
    out->time.seconds = (ms - rest) / 1000;
    out->time.nanos = (int32_t)rest * 1000000;
    return true;
}

/* A header may have a null value, a key may be missing. */
static const struct cel_stype string_or_null = {MASK_STRING | MASK_NULL, false, NULL, NULL};

static const struct cel_variable event_vars[] = {
    [CEL_VAR_EVENT] = {"event", {MASK_JSON, true, &cel_stype_string, &cel_stype_json}, NULL},
    [CEL_VAR_HEADERS] = {"headers", {MASK_MAP, false, &cel_stype_string, &string_or_null}, read_headers},
    {"value", {MASK_BYTES | MASK_NULL, false, NULL, NULL}, read_value},
    {"key", {MASK_STRING | MASK_NULL, false, NULL, NULL}, read_key},
    {"key_bytes", {MASK_BYTES | MASK_NULL, false, NULL, NULL}, read_key_bytes},
    {"topic", {MASK_STRING, false, NULL, NULL}, read_topic},
    {"partition", {MASK_INT, false, NULL, NULL}, read_partition},
    {"offset", {MASK_INT, false, NULL, NULL}, read_offset},
    {"timestamp", {MASK_TIMESTAMP, false, NULL, NULL}, read_timestamp},
};

const struct cel_env *cel_env_event(void)
{
    static const struct cel_env env = {
        .vars = event_vars, .count = sizeof event_vars / sizeof *event_vars, .is_event = true, .strict = true};
    return &env;
}

struct cel_env *cel_env_sharing(struct vx_arena *arena, struct cel_regex_pool *regexes)
{
    struct cel_env *env = VX_ARENA_NEW(arena, struct cel_env);
    *env = *cel_env_event();
    env->base = cel_env_event();
    env->regexes = regexes;
    return env;
}

const struct cel_env *cel_env_none(void)
{
    static const struct cel_env env = {.strict = true};
    return &env;
}

struct cel_env *cel_env_bindings(struct vx_arena *arena, const char *const *names, size_t count)
{
    struct cel_env *env = VX_ARENA_NEW(arena, struct cel_env);
    struct cel_variable *vars = VX_ARENA_ARRAY(arena, struct cel_variable, count);
    vx_assert(count <= CEL_VARS_MAX);
    for (size_t i = 0; i < count; i++)
        vars[i] = (struct cel_variable){.name = vx_arena_str(arena, names[i]), .type = cel_stype_any};
    env->vars = vars;
    env->count = count;
    return env;
}
