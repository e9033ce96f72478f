/* Paths into JSON: which place inside a value a config names (`event.user.name`, `event["x y"].c`, `event.list[0]`).
 * A path is an array of steps from the root of the value. Keys are compared unescaped. */
#ifndef VX_JSON_PATH_H
#define VX_JSON_PATH_H

#include "core/base/span.h"

struct json_step {
    struct vx_span key; /* member of an object, unescaped UTF-8; unused when is_index */
    uint32_t index;     /* element of an array, from 0 */
    bool is_index;
};

struct json_path {
    const struct json_step *steps;
    size_t count; /* 0 is the root itself */
};

#endif
