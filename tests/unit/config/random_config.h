/* Random releases that are right by construction, with every key and every style of scalar; for properties. */
#ifndef VX_TEST_RANDOM_CONFIG_H
#define VX_TEST_RANDOM_CONFIG_H

#include "core/base/buf.h"

/* Appends the documents of one release. */
void random_config(uint64_t *seed, struct vx_buf *out);

#endif
