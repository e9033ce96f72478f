/* See pattern.h. A compiled pattern is never written again; regexec() takes a lock of its own. */
#include "core/config/pattern.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/field.h"

struct pattern {
    regex_t regex;
};

static int compile(struct vx_span pattern, regex_t *out)
{
    char text[PATTERN_MAX_BYTES + 1];
    memcpy(text, pattern.at, pattern.len);
    text[pattern.len] = '\0';
    return regcomp(out, text, REG_EXTENDED | REG_NOSUB);
}

enum vx_status pattern_check(struct vx_span pattern, struct vx_err *err)
{
    regex_t regex;
    char why[128];
    if (pattern.len > PATTERN_MAX_BYTES || memchr(pattern.at, '\0', pattern.len))
        return vx_err_set(err, VX_EINVAL, "a pattern has at most %d bytes, none of them zero", PATTERN_MAX_BYTES);
    int code = compile(pattern, &regex);
    if (code == 0) {
        regfree(&regex);
        return VX_OK;
    }
    regerror(code, &regex, why, sizeof why);
    return vx_err_set(err, VX_EINVAL, "is not a POSIX extended regular expression: %s", why);
}

struct pattern *pattern_new(const char *text)
{
    struct pattern *p = calloc(1, sizeof *p);
    vx_assert(p != NULL && compile(vx_span_str(text), &p->regex) == 0);
    return p;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    regfree(&p->regex);
    free(p);
}

bool pattern_takes(const struct pattern *p, struct vx_span topic)
{
    char name[VX_TOPIC_MAX_BYTES + 1];
    if (topic.len > VX_TOPIC_MAX_BYTES || vx_span_starts_with(topic, VX_SPAN_LITERAL("__")))
        return false;
    memcpy(name, topic.at, topic.len);
    name[topic.len] = '\0';
    return regexec(&p->regex, name, 0, NULL, 0) == 0;
}
