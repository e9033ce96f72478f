/* Which fields of its events a config names. Load-time only; any one thread. */
#ifndef VX_CONFIG_FIELDS_H
#define VX_CONFIG_FIELDS_H

#include "core/config/config.h"

/* Calls `use` for every field that what decides about the events of `routing` reads or removes: its conditions, those of
 * the routings that it hands over to, and the pipelines that all of them reach. Left out is what a `set` of the release
 * makes. The place is `len` bytes at `offset` of a scalar's decoded text (config_node_locate()). The path is borrowed
 * during the call; a field may come several times. */
typedef void config_fields_fn(void *ctx, struct json_path path, const struct config_node *scalar, size_t offset,
                              size_t len);
void config_fields(const struct config_set *set, const struct config_routing *routing, config_fields_fn *use,
                   void *ctx);

#endif
