/* The field table of router.conf, and what the rows cannot say: the fleet's name, the admin address, Kafka's
 * properties. Load-time only, one thread. */
#include "router/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/config/settings_text.h"
#include "core/etcd/etcd.h"
#include "core/store/store.h"
#include "router/admin/admin.h"
#include "router/io/placement.h"
#include "router/io/properties.h"
#include "router/io/window.h"
#include "router/io/worker.h"

enum { WORKERS_MAX = 256, ID_SIZE = STORE_NAME_SIZE, FILE_MAX_BYTES = 1 << 20 };

#define FIELD(member) offsetof(struct router_settings, member)
const struct vx_field router_fields[] = {
    {.name = "fleet",
     .type = VX_FIELD_STRING,
     .offset = FIELD(fleet),
     .flags = VX_FIELD_REQUIRED,
     .help = "The fleet this router belongs to; also its Kafka consumer group."},
    {.name = "id",
     .type = VX_FIELD_STRING,
     .offset = FIELD(id),
     .help = "The router's name in its fleet; the host name unless told."},
    {.name = "instance_id",
     .type = VX_FIELD_STRING,
     .offset = FIELD(instance_id),
     .help = "Static membership (group.instance.id), one of its own for each router: a router that is back within the "
             "session has its partitions again, without a rebalance."},
    {.name = "etcd",
     .type = VX_FIELD_SECTION,
     .section = settings_etcd_fields,
     .offset = FIELD(etcd),
     .flags = VX_FIELD_REQUIRED,
     .help = "Where the fleet's releases are."},
    {.name = "kafka",
     .type = VX_FIELD_MAP,
     .offset = FIELD(kafka),
     .flags = VX_FIELD_REQUIRED,
     .help = "Any property of librdkafka; with consumer. or producer. before its name for that client only. SIGHUP "
             "renews sasl.username and sasl.password for all clients and ssl.* for producers, made anew, and with "
             "instance_id for the consumer; its ssl.* without it and all others wait for the next start."},
    {.name = "workers",
     .type = VX_FIELD_INT,
     .offset = FIELD(workers_count),
     .fallback = "0",
     .min = 0,
     .max = WORKERS_MAX,
     .help = "Threads that route; 0 is one for two cores: librdkafka's threads need the rest, and larger batches cost "
             "less."},
    {.name = "producers",
     .type = VX_FIELD_INT,
     .offset = FIELD(producers_count),
     .fallback = "1",
     .min = 1,
     .max = WORKER_PRODUCERS_MAX,
     .help =
         "Producers of each worker. One is cheapest; more shorten latency over many destination partitions, each of "
         "which goes through one of them. Transactions have their own."},
    {.name = "admin",
     .type = VX_FIELD_STRING,
     .offset = FIELD(admin),
     .fallback = "127.0.0.1:9644",
     .help = "Address of /healthz, /readyz, /metrics and /status."},
    {.name = "state_dir",
     .type = VX_FIELD_STRING,
     .offset = FIELD(state_dir),
     .help = "Directory of the last good copy of the release, to start from when etcd is away."},
    {.name = "window_events",
     .type = VX_FIELD_INT,
     .offset = FIELD(window_events),
     .fallback = "5000",
     .min = 1,
     .max = WINDOW_EVENTS_MAX,
     .help =
         "Events of one partition that may be on their way at once. Those of a worker together have 12000, or 16 MiB, "
         "and each its fair part of them; partitions that are delivered exactly once are apart."},
    {.name = "window_bytes",
     .type = VX_FIELD_INT,
     .offset = FIELD(window_bytes),
     .fallback = "16777216",
     .min = 1,
     .max = (int64_t)1 << 40,
     .help = "Bytes of one partition on their way, after which no more is read."},
    {.name = "drain_timeout",
     .type = VX_FIELD_DURATION,
     .offset = FIELD(drain_timeout_ms),
     .fallback = "10s",
     .min = 100,
     .max = 600000,
     .help = "How long a stop or a revoked partition waits for what is on its way."},
    {.name = "commit_interval",
     .type = VX_FIELD_DURATION,
     .offset = FIELD(commit_interval_ms),
     .fallback = "1s",
     .min = 10,
     .max = 60000,
     .help = "How often offsets are committed."},
    {.name = "transaction_interval",
     .type = VX_FIELD_DURATION,
     .offset = FIELD(transaction_interval_ms),
     .fallback = "100ms",
     .min = 5,
     .max = 5000,
     .help =
         "How often transactions are committed, where `delivery` of a routing is exactly_once: what readers wait for."},
    {.name = "worker_timeout",
     .type = VX_FIELD_DURATION,
     .offset = FIELD(worker_timeout_ms),
     .fallback = "15s",
     .min = 1000,
     .max = 600000,
     .help = "A worker that does not move for so long is reported as hung and turns /healthz red."},
    {.name = "log_level",
     .type = VX_FIELD_ENUM,
     .offset = FIELD(log_level),
     .fallback = "info",
     .choices = settings_log_levels,
     .flags = VX_FIELD_LIVE,
     .help = "Lines above this level are not written."},
    {.name = NULL},
};

struct checker {
    struct settings_text text;
    struct vx_diags *diags;
};

static void add(const struct checker *c, const char *section, const char *name, const char *message)
{
    const struct settings_entry *e = settings_entry_find(&c->text, section, name);
    struct vx_diag at = {.severity = VX_ERROR, .file = c->text.path};
    if (e)
        settings_place(&c->text, e->key, &at);
    vx_diags_add(c->diags, &at, "%s", message);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, FILE_MAX_BYTES + 1);
    vx_assert(text != NULL);
    if (file) {
        text[fread(text, 1, FILE_MAX_BYTES, file)] = '\0';
        fclose(file);
    }
    return text;
}

struct etcd_config router_settings_etcd(const struct router_settings *settings)
{
    return (struct etcd_config){
        .endpoints = settings->etcd.endpoints.at,
        .endpoint_count = settings->etcd.endpoints.count,
        .user = settings->etcd.user,
        .password = settings->etcd.password,
        .ca_file = settings->etcd.ca_file,
        .cert_file = settings->etcd.cert_file,
        .key_file = settings->etcd.key_file,
    };
}

static void check(const struct checker *c, const struct router_settings *s)
{
    struct vx_err err;
    if (!store_fleet_name_valid(s->fleet))
        add(c, "", "fleet", "a fleet's name is 1 to 63 of a-z, 0-9 and -, and begins with a letter or digit");
    if (strlen(s->id) >= ID_SIZE || !s->id[0])
        add(c, "", "id", "a router's id is 1 to 127 bytes long");
    if (s->instance_id && (!s->instance_id[0] || strlen(s->instance_id) >= ID_SIZE))
        add(c, "", "instance_id", "an instance id is 1 to 127 bytes long");
    struct etcd_config etcd = router_settings_etcd(s);
    if (etcd_config_check(&etcd, &err) != VX_OK)
        add(c, "", "etcd", err.message);
    if (admin_address_check(s->admin, &err) != VX_OK)
        add(c, "", "admin", err.message);
    bool has_servers = false;
    for (size_t i = 0; i < s->kafka.count; i++) {
        const struct vx_pair *p = &s->kafka.at[i];
        has_servers |= properties_is(p->name, "bootstrap.servers") || properties_is(p->name, "metadata.broker.list");
        if (properties_check(p, &s->kafka, &err) != VX_OK)
            add(c, "kafka", p->name, err.message);
        else if (properties_is(p->name, "partitioner") && !placement_find(p->value))
            add(c, "kafka", p->name,
                "with `random` an event that is sent again would go elsewhere, which breaks order");
    }
    if (!has_servers)
        add(c, "", "kafka", "`kafka` needs bootstrap.servers = \"host:port,...\"");
}

enum vx_status router_settings_load(const char *path, struct router_settings *out, struct vx_arena *arena,
                                    struct vx_diags *diags)
{
    struct router_settings s = {0};
    enum vx_status st = settings_load(path, router_fields, &s, arena, diags);
    if (st != VX_OK)
        return st;
    if (!s.id) {
        char host[ID_SIZE] = "";
        gethostname(host, sizeof host - 1);
        s.id = vx_arena_str(arena, host[0] ? host : "router");
    }
    if (s.workers_count == 0) {
        /* each worker's clients have threads of their own, about as busy as it is; and one worker with all partitions
         * makes larger batches: with two cores two workers cost 15 % more CPU an event than one */
        long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;
        s.workers_count = half < 1 ? 1 : half > WORKERS_MAX ? WORKERS_MAX : half;
    }
    char *text = read_file(path);
    struct checker c = {.diags = diags};
    if (settings_scan(path, vx_span_str(text), arena, &c.text, diags))
        check(&c, &s);
    free(text);
    if (diags->error_count)
        return VX_EINVAL;
    *out = s;
    return VX_OK;
}
