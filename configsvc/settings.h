/* configsvc.conf. One row of settings.c is the whole truth of a setting. */
#ifndef VX_CONFIGSVC_SETTINGS_H
#define VX_CONFIGSVC_SETTINGS_H

#include "core/base/log.h"
#include "core/config/settings.h"

struct configsvc_etcd {
    struct vx_strings endpoints;
    const char *user;
    const char *password;
    const char *ca_file, *cert_file, *key_file;
};

struct configsvc_settings {
    const char *listen;
    int log_level; /* enum vx_log_level */
    struct configsvc_etcd etcd;
};

/* Ended by a row without a name. */
extern const struct vx_field configsvc_fields[];

#endif
