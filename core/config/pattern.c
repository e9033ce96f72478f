/* See pattern.h. A pattern and its compiled form live in an arena of its own; nothing is written after pattern_new(). */
#include "core/config/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "core/cel/regex/regex.h"
#include "core/config/field.h"

struct pattern {
    struct vx_arena arena;
    const struct cel_regex *regex;
};

enum vx_status pattern_check(struct vx_span pattern, struct vx_err *err)
{
    if (pattern.len > PATTERN_MAX_BYTES || memchr(pattern.at, '\0', pattern.len))
        return vx_err_set(err, VX_EINVAL, "a pattern has at most %d bytes, none of them zero", PATTERN_MAX_BYTES);
    struct vx_arena arena = {0};
    struct cel_error error;
    const struct cel_regex *regex;
    enum vx_status status = cel_regex_new(&arena, pattern, &regex, &error);
    vx_arena_done(&arena);
    return status ? vx_err_set(err, status, "%s", error.message) : VX_OK;
}

struct pattern *pattern_new(const char *text)
{
    struct pattern *p = calloc(1, sizeof *p);
    vx_assert(p != NULL);
    vx_assert(cel_regex_new(&p->arena, vx_span_str(text), &p->regex, NULL) == VX_OK);
    return p;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    vx_arena_done(&p->arena);
    free(p);
}

bool pattern_takes(const struct pattern *p, struct vx_span topic)
{
    return !vx_span_starts_with(topic, VX_SPAN_LITERAL("__")) && cel_regex_match(p->regex, NULL, topic);
}
