/* The rows of configsvc.conf: loading, defaults, --check, --print and --help all come from them. */
#include "settings.h"

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

#define ETCD(member) offsetof(struct configsvc_etcd, member)
static const struct vx_field etcd_fields[] = {
    {.name = "endpoints",
     .type = VX_FIELD_STRINGS,
     .offset = ETCD(endpoints),
     .flags = VX_FIELD_REQUIRED,
     .help = "Where etcd listens for clients, one or several members: {\"http://127.0.0.1:2379\"}."},
    {.name = "user", .type = VX_FIELD_STRING, .offset = ETCD(user), .help = "The user, where etcd has auth."},
    {.name = "password",
     .type = VX_FIELD_STRING,
     .offset = ETCD(password),
     .flags = VX_FIELD_SECRET,
     .help = "Its password: \"${ETCD_PASSWORD}\"."},
    {.name = "ca_file",
     .type = VX_FIELD_STRING,
     .offset = ETCD(ca_file),
     .help = "PEM file that etcd's certificate is checked by."},
    {.name = "cert_file",
     .type = VX_FIELD_STRING,
     .offset = ETCD(cert_file),
     .help = "PEM file of the client certificate."},
    {.name = "key_file", .type = VX_FIELD_STRING, .offset = ETCD(key_file), .help = "PEM file of its key."},
    {0},
};

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
     .choices = log_levels,
     .help = "Lines above this level are not written."},
    {.name = "etcd",
     .type = VX_FIELD_SECTION,
     .offset = ROW(etcd),
     .section = etcd_fields,
     .help = "Where the releases are."},
    {0},
};
