/* The rows that router.conf and configsvc.conf have in common. */
#ifndef VX_CONFIG_SETTINGS_SHARED_H
#define VX_CONFIG_SETTINGS_SHARED_H

#include "core/config/field.h"

/* How to reach etcd: the section `etcd`. */
struct settings_etcd {
    struct vx_strings endpoints; /* "http://host:port" */
    const char *user;            /* NULL without auth */
    const char *password;
    const char *ca_file, *cert_file, *key_file; /* NULL where not used */
};
extern const struct vx_field settings_etcd_fields[];

/* The choices of `log_level`, numbered as enum vx_log_level. */
extern const char *const settings_log_levels[];

#endif
