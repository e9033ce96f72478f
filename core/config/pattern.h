/* Topic patterns: an entry of `topics` that begins with `^` is a regular expression, in the language of `matches` (RE2's);
 * it takes the topics in whose name it is found. Load-time and once per topic: not for the hot path. Any thread. */
#ifndef VX_CONFIG_PATTERN_H
#define VX_CONFIG_PATTERN_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/span.h"

enum { PATTERN_MAX_BYTES = 500 };

static inline bool pattern_is(struct vx_span topic)
{
    return topic.len > 0 && topic.at[0] == '^';
}

/* Is it a regular expression that libhs takes? `err` says what is wrong. */
VX_MUSTCHECK enum vx_status pattern_check(struct vx_span pattern, struct vx_err *err);
/* A checked pattern, ready to use by any thread; dies when it is none. */
struct pattern;
struct pattern *pattern_new(const char *text);
void pattern_free(struct pattern *p);
/* Does it take the topic? Names that begin with `__` are Kafka's own and never taken. Cost: some microseconds. */
bool pattern_takes(const struct pattern *p, struct vx_span topic);

#endif
