/* `veltrix dev`: a whole fleet on this machine, for trying a folder of configs.
 *
 *     dev ── etcd, broker, configsvc, router: children with a log each, on free ports, in a temporary directory
 *      └── apply FOLDER ── feed --events ── wait for Ctrl-C, or run the command after `--`
 *
 * Nothing stays: children_done() stops them all and removes the directory, also when one of them crashes; the kernel kills
 * them when dev itself is killed. Main thread only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "configsvc/cli/apply.h"
#include "configsvc/cli/dev/children.h"
#include "configsvc/cli/dev/feed.h"
#include "configsvc/cli/dev/kafka.h"
#include "configsvc/cli/source.h"
#include "core/base/clock.h"
#include "core/plan/table.h"

enum { START_MS = 30000 };

struct options {
    const char *events;
    const char *topic;
    const char *kafka;
};

struct dev {
    struct cli *cli;
    struct children children;
    const char *folder;
    const char *fleet;
    const char *bin; /* directory of our own executable */
    const char *kafka;
    const char *router_url;
    const char *etcd_url;
    bool embedded; /* the broker is ours */
    bool stopped;  /* by the operator, while starting */
};

/* --- starting -------------------------------------------------------------------------------------------------------- */

static bool write_file(const char *path, const struct vx_buf *text)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool ok = fwrite(text->at, 1, text->len, file) == text->len;
    return fclose(file) == 0 && ok;
}

/* The directory that our own executable is in: configsvc and router are beside it. */
static const char *own_dir(struct cli *cli)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return ".";
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return vx_arena_str(&cli->arena, path);
}

static int fail_child(struct dev *d, const struct child *child)
{
    struct vx_buf text = {0};
    children_obituary(child, &text);
    int code = cli_fail(d->cli, EXIT_NO, "%s", vx_buf_text(&text));
    vx_buf_done(&text);
    return code;
}

/* Waits until `ready(d)` holds. EXIT_DONE; EXIT_NO after a sentence, or when the operator stopped it. */
static int await(struct dev *d, const char *what, bool (*ready)(struct dev *d))
{
    int64_t deadline = vx_clock_ms() + START_MS;
    while (!ready(d)) {
        const struct child *died = NULL;
        enum children_news news = children_wait(&d->children, 50, 0, &died, NULL);
        if (news == CHILDREN_DIED)
            return fail_child(d, died);
        if (news == CHILDREN_STOP) {
            d->stopped = true;
            return EXIT_NO;
        }
        if (vx_clock_ms() > deadline)
            return cli_fail(d->cli, EXIT_NO, "%s is not ready after %d s", what, START_MS / 1000);
    }
    return EXIT_DONE;
}

static bool start_etcd(struct dev *d, struct vx_err *err)
{
    struct vx_arena *arena = &d->cli->arena;
    int client = children_free_port(), peer = children_free_port();
    d->etcd_url = vx_arena_printf(arena, "http://127.0.0.1:%d", client);
    const char *peer_url = vx_arena_printf(arena, "http://127.0.0.1:%d", peer);
    const char *argv[] = {"etcd",
                          "--name",
                          "dev",
                          "--data-dir",
                          vx_arena_printf(arena, "%s/etcd", d->children.dir),
                          "--listen-client-urls",
                          d->etcd_url,
                          "--advertise-client-urls",
                          d->etcd_url,
                          "--listen-peer-urls",
                          peer_url,
                          "--initial-advertise-peer-urls",
                          peer_url,
                          "--initial-cluster",
                          vx_arena_printf(arena, "dev=%s", peer_url),
                          NULL};
    return children_start(&d->children, "etcd", argv, err) == VX_OK;
}

static bool start_broker(struct dev *d, struct vx_err *err)
{
    struct vx_arena *arena = &d->cli->arena;
    const char *argv[] = {"/proc/self/exe", "dev-broker", "--ready",
                          vx_arena_printf(arena, "%s/broker.address", d->children.dir), NULL};
    return children_start(&d->children, "broker", argv, err) == VX_OK;
}

static bool broker_ready(struct dev *d)
{
    char text[256] = "";
    FILE *file = fopen(vx_arena_printf(&d->cli->arena, "%s/broker.address", d->children.dir), "re");
    if (!file)
        return false;
    char *line = fgets(text, sizeof text, file);
    fclose(file);
    if (line)
        d->kafka = vx_arena_str(&d->cli->arena, text);
    return line != NULL;
}

static bool start_configsvc(struct dev *d, struct vx_err *err)
{
    struct vx_arena *arena = &d->cli->arena;
    struct vx_buf conf = {0};
    int port = children_free_port();
    const char *path = vx_arena_printf(arena, "%s/configsvc.conf", d->children.dir);
    d->cli->server = vx_arena_printf(arena, "http://127.0.0.1:%d", port);
    vx_buf_printf(&conf, "listen = \"127.0.0.1:%d\"\netcd {\n  endpoints = {\"%s\"}\n}\n", port, d->etcd_url);
    bool ok = write_file(path, &conf);
    vx_buf_done(&conf);
    if (!ok)
        return vx_err_set(err, VX_EIO, "%s cannot be written", path) == VX_OK;
    const char *argv[] = {vx_arena_printf(arena, "%s/veltrix-configsvc", d->bin), "-c", path, NULL};
    return children_start(&d->children, "configsvc", argv, err) == VX_OK;
}

static bool configsvc_ready(struct dev *d)
{
    struct client_answer answer;
    return client_call(d->cli, "GET", NULL, "/readyz", vx_span(NULL, 0), &answer);
}

static bool start_router(struct dev *d, struct vx_err *err)
{
    struct vx_arena *arena = &d->cli->arena;
    struct vx_buf conf = {0};
    int port = children_free_port();
    const char *path = vx_arena_printf(arena, "%s/router.conf", d->children.dir);
    d->router_url = vx_arena_printf(arena, "http://127.0.0.1:%d", port);
    vx_buf_printf(&conf,
                  "fleet = \"%s\"\nid = \"dev-router\"\nadmin = \"127.0.0.1:%d\"\nstate_dir = \"%s/state\"\n"
                  "etcd {\n  endpoints = {\"%s\"}\n}\n"
                  "kafka {\n  bootstrap.servers = \"%s\"\n",
                  d->fleet, port, d->children.dir, d->etcd_url, d->kafka);
    if (d->embedded) /* an empty fetch of the mock waits its full time; its first join takes as long as a session */
        vx_buf_str(&conf, "  consumer.fetch.wait.max.ms = \"5\"\n  consumer.session.timeout.ms = \"4000\"\n"
                          "  consumer.heartbeat.interval.ms = \"500\"\n");
    vx_buf_str(&conf, "}\n");
    bool ok = write_file(path, &conf);
    vx_buf_done(&conf);
    if (!ok)
        return vx_err_set(err, VX_EIO, "%s cannot be written", path) == VX_OK;
    const char *argv[] = {vx_arena_printf(arena, "%s/veltrix-router", d->bin), "-c", path, NULL};
    return children_start(&d->children, "router", argv, err) == VX_OK;
}

static bool router_ready(struct dev *d)
{
    struct client_answer answer;
    const char *server = d->cli->server;
    d->cli->server = d->router_url;
    if (!client_call(d->cli, "GET", NULL, "/readyz", vx_span(NULL, 0), &answer))
        answer.json.kind = JSON_KIND_MISSING; /* what counts is the status: a router may answer in plain text */
    d->cli->server = server;
    return answer.status == 200;
}

/* The topics of the folder, made before the router asks for them. */
static bool make_topics(struct dev *d, const struct config_set *set, struct vx_err *err)
{
    struct table *t;
    struct vx_diags diags = {0};
    struct kafka *k = NULL;
    struct kafka_ops ops = {0};
    size_t topics, destinations;
    if (table_new(set, 0, &t, &diags) != VX_OK) {
        vx_diags_done(&diags);
        return vx_err_set(err, VX_EINVAL, "%s does not compile", d->folder) == VX_OK;
    }
    const struct table_topic *sources = table_topics(t, &topics);
    const char *const *names = table_destinations(t, &destinations);
    bool ok = kafka_open(d->kafka, &ops, NULL, &k, err) == VX_OK;
    for (size_t i = 0; ok && i < topics; i++)
        ok = kafka_ensure_topics(k, &sources[i].name, 1, err) == VX_OK;
    ok = ok && kafka_ensure_topics(k, names, destinations, err) == VX_OK;
    if (k)
        kafka_close(k);
    table_unref(t);
    vx_diags_done(&diags);
    return ok;
}

static int start(struct dev *d, const struct source *source)
{
    struct vx_err err = {0};
    int code = EXIT_DONE;
    bool ok = start_etcd(d, &err) && start_configsvc(d, &err) && (!d->embedded || start_broker(d, &err));
    if (ok && d->embedded)
        code = await(d, "the embedded broker", broker_ready);
    ok = ok && code == EXIT_DONE && make_topics(d, source->set, &err) && start_router(d, &err);
    if (code == EXIT_DONE && !ok)
        return cli_fail(d->cli, EXIT_USAGE, "%s", err.message);
    return code == EXIT_DONE ? await(d, "configsvc", configsvc_ready) : code;
}

/* --- what it is for -------------------------------------------------------------------------------------------------- */

static void say_where(struct dev *d)
{
    cli_progress(d->cli, "etcd       %s", d->etcd_url);
    cli_progress(d->cli, "kafka      %s%s", d->kafka, d->embedded ? " (embedded: keeps 5 MiB a partition)" : "");
    cli_progress(d->cli, "configsvc  %s", d->cli->server);
    cli_progress(d->cli, "router     %s/status", d->router_url);
    cli_progress(d->cli, "logs       %s/*.log", d->children.dir);
}

static void say_next(struct dev *d)
{
    cli_progress(d->cli, "\nIt runs. Try, in another terminal:");
    cli_progress(d->cli, "  export VELTRIX_SERVER=%s VELTRIX_FLEET=%s VELTRIX_KAFKA=%s", d->cli->server, d->fleet,
                 d->kafka);
    cli_progress(d->cli, "  veltrix fleet");
    cli_progress(d->cli, "  $EDITOR %s/*.yaml && veltrix diff %s%s", d->folder, d->folder,
                 d->embedded ? "" : vx_arena_printf(&d->cli->arena, " --fleet %s", d->fleet));
    cli_progress(d->cli, "  veltrix apply %s -m 'try it'%s", d->folder,
                 d->embedded ? "" : vx_arena_printf(&d->cli->arena, " --fleet %s", d->fleet));
    cli_progress(d->cli, "  veltrix feed --events FILE.jsonl");
    cli_progress(d->cli, "Ctrl-C stops all of it.");
}

/* Stays until the operator stops it, a child dies, or the command after `--` ends. */
static int stay(struct dev *d)
{
    const struct child *died = NULL;
    int command_code = 0;
    pid_t command = 0;
    if (d->cli->rest && d->cli->rest[0]) {
        setenv("VELTRIX_SERVER", d->cli->server, 1);
        setenv("VELTRIX_FLEET", d->fleet, 1);
        setenv("VELTRIX_KAFKA", d->kafka, 1);
        fflush(stdout);
        command = children_run(&d->children, d->cli->rest);
        if (command < 0)
            return cli_fail(d->cli, EXIT_USAGE, "%s cannot be run: %s", d->cli->rest[0], strerror(errno));
    } else {
        say_next(d);
    }
    for (;;) {
        switch (children_wait(&d->children, 1000, command, &died, &command_code)) {
        case CHILDREN_DIED:
            children_end_command(command);
            return fail_child(d, died);
        case CHILDREN_COMMAND:
            return command_code;
        case CHILDREN_STOP:
            return children_end_command(command);
        case CHILDREN_QUIET:
            break;
        }
    }
}

static int run_started(struct dev *d, const struct options *o, const struct source *source)
{
    struct feed_options feed = {.events = o->events, .topic = o->topic};
    int code = start(d, source);
    if (code != EXIT_DONE)
        return d->stopped ? EXIT_DONE : code;
    say_where(d);
    code = apply_folder(d->cli, d->fleet, source, "veltrix dev");
    if (code == EXIT_DONE)
        code = await(d, "the router", router_ready);
    if (code != EXIT_DONE)
        return d->stopped ? EXIT_DONE : code;
    feed.kafka = d->kafka;
    if (o->events)
        code = feed_run(d->cli, d->fleet, &feed);
    return code == EXIT_DONE ? stay(d) : code;
}

static const char *choose_fleet(struct dev *d, const struct source *source)
{
    uint32_t r;
    if (d->cli->fleet)
        return d->cli->fleet;
    if (d->embedded)
        return source->set->fleet.name ? vx_arena_str(&d->cli->arena, source->set->fleet.name) : "dev";
    /* On a broker that others use, the fleet's own name would join its consumer group and take its events. */
    vx_assert(getrandom(&r, sizeof r, 0) == (ssize_t)sizeof r);
    return vx_arena_printf(&d->cli->arena, "dev-%08x", r);
}

static int run(struct cli *cli, const void *options)
{
    const struct options *o = options;
    struct dev d = {.cli = cli, .folder = cli->words[0], .kafka = o->kafka, .embedded = !o->kafka};
    struct source source = {0};
    struct vx_err err = {0};
    if (o->events && strcmp(o->events, "-") != 0 && access(o->events, R_OK) != 0)
        return cli_fail(cli, EXIT_USAGE, "%s cannot be read: %s", o->events, strerror(errno));
    int code = source_load_folder(cli, d.folder, &source);
    if (code != EXIT_DONE)
        return code;
    d.fleet = choose_fleet(&d, &source);
    cli->fleet = d.fleet;
    d.bin = own_dir(cli);
    if (children_init(&d.children, &err) != VX_OK)
        code = cli_fail(cli, EXIT_USAGE, "%s", err.message);
    else
        code = run_started(&d, o, &source);
    children_done(&d.children);
    source_done(&source);
    return code;
}

static const struct cli_option rows[] = {
    {"events", 'e', CLI_TEXT, offsetof(struct options, events), "FILE.jsonl", "feed these events first (see feed)"},
    {"topic", 't', CLI_TEXT, offsetof(struct options, topic), "TOPIC", "where events go that name no topic"},
    {"kafka", 0, CLI_TEXT, offsetof(struct options, kafka), "HOST:PORT", "real brokers instead of the embedded one"},
    {0},
};

const struct cli_command dev_command = {
    .name = "dev",
    .usage = "FOLDER [--events FILE.jsonl] [--topic TOPIC] [--kafka HOST:PORT] [-- COMMAND...]",
    .summary = "a whole fleet on this machine, to try a folder of configs",
    .help = "Starts etcd, an embedded Kafka broker, configsvc and a router on free local ports, in a temporary\n"
            "directory; publishes FOLDER, feeds the events, and runs until Ctrl-C, which stops and removes\n"
            "everything. With a command after --, it runs until that ends, with VELTRIX_SERVER, VELTRIX_FLEET\n"
            "and VELTRIX_KAFKA set for it, and exits with its code.\n\n"
            "The embedded broker keeps 5 MiB a partition and creates topics on demand. With --kafka, missing\n"
            "topics are created, and the fleet gets a name of its own, so that it does not take another fleet's\n"
            "events; but it reads the folder's topics from where `start` says and writes to its destinations:\n"
            "they are the real ones.\n\n"
            "Exit: 0 stopped, 1 something failed, 2 usage, or it could not start; with a command, the command's.\n\n"
            "  veltrix dev configs/examples/github --events events.jsonl\n"
            "  veltrix dev configs/examples/github -- bash -c 'veltrix fleet && veltrix history'\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 1,
    .takes_command = true,
    .run = run,
};
