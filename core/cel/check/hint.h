/* Guesses what an operator meant, for messages. */
#ifndef VX_CEL_HINT_H
#define VX_CEL_HINT_H

#include "core/base/span.h"

enum { CEL_HINT_SIZE = 160 };

/* The `-` at `minus` looks like a part of a field's name (`headers.x-region`): writes what to write instead, and where
 * the whole of it stands in `text`: [*from, *to). False when it looks like a subtraction. */
bool cel_hint_hyphen(struct vx_span text, size_t minus, char hint[CEL_HINT_SIZE], size_t *from, size_t *to);

#endif
