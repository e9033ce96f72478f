/* configsvc.conf. One row of settings.c is the whole truth of a setting. */
#ifndef VX_CONFIGSVC_SETTINGS_H
#define VX_CONFIGSVC_SETTINGS_H

#include "core/base/log.h"
#include "core/config/settings.h"
#include "core/config/settings_shared.h"

struct configsvc_settings {
    const char *listen;
    int log_level; /* enum vx_log_level */
    struct settings_etcd etcd;
};

/* Ended by a row without a name. */
extern const struct vx_field configsvc_fields[];

#endif
