/* The rows of configsvc.conf: loading, defaults, --check, --print and --help all come from them. */
#include "settings.h"

#define ROW(member) offsetof(struct configsvc_settings, member)
const struct vx_field configsvc_fields[] = {
    {.name = "listen",
     .type = VX_FIELD_STRING,
     .offset = ROW(listen),
     .fallback = "127.0.0.1:9643",
     .help = "Address and port of the API; of the loopback only, because there is no authentication yet."},
    {.name = "log_level",
     .type = VX_FIELD_ENUM,
     .offset = ROW(log_level),
     .fallback = "info",
     .choices = settings_log_levels,
     .help = "Lines above this level are not written."},
    {.name = "etcd",
     .type = VX_FIELD_SECTION,
     .offset = ROW(etcd),
     .section = settings_etcd_fields,
     .help = "Where the releases are."},
    {0},
};
