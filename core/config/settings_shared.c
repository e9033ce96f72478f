/* The rows that router.conf and configsvc.conf have in common. Constant data; any thread. */
#include "core/config/settings_shared.h"

#include <stddef.h>

const char *const settings_log_levels[] = {"error", "warn", "info", "debug", NULL};

#define ROW(member) offsetof(struct settings_etcd, member)
const struct vx_field settings_etcd_fields[] = {
    {.name = "endpoints",
     .type = VX_FIELD_STRINGS,
     .offset = ROW(endpoints),
     .flags = VX_FIELD_REQUIRED,
     .help = "Client URLs of etcd, all members: {\"http://127.0.0.1:2379\"}."},
    {.name = "user", .type = VX_FIELD_STRING, .offset = ROW(user), .help = "etcd user, where auth is on."},
    {.name = "password",
     .type = VX_FIELD_STRING,
     .offset = ROW(password),
     .flags = VX_FIELD_SECRET | VX_FIELD_LIVE,
     .help = "Its password: \"${ETCD_PASSWORD}\"."},
    {.name = "ca_file",
     .type = VX_FIELD_STRING,
     .offset = ROW(ca_file),
     .help = "PEM file that etcd's certificate is checked by."},
    {.name = "cert_file",
     .type = VX_FIELD_STRING,
     .offset = ROW(cert_file),
     .help = "PEM file of the client certificate."},
    {.name = "key_file", .type = VX_FIELD_STRING, .offset = ROW(key_file), .help = "PEM file of its key."},
    {.name = NULL},
};
