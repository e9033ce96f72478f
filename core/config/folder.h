/* A folder of YAML as sources. Private to core/config. */
#ifndef VX_CONFIG_FOLDER_H
#define VX_CONFIG_FOLDER_H

#include "core/config/config.h"

enum { FOLDER_FILES_MAX = 10000, FOLDER_FILE_MAX_BYTES = 64 * 1024 * 1024, FOLDER_DEPTH_MAX = 16 };

/* config_load() with documents' paths cut by `prefix` bytes. */
enum vx_status config_load_sources(const struct config_source *sources, size_t count, size_t prefix,
                                   struct config_set **out, struct vx_diags *diags);

#endif
