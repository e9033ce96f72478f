/* `veltrix dev-broker`: the embedded broker of `veltrix dev`, librdkafka's mock cluster, in a process of its own. Hidden:
 * dev starts it. Good for trying a config; it keeps 5 MiB a partition and forgets everything when it ends. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>

#include "configsvc/cli/cli.h"

struct options {
    const char *ready;
};

static const struct cli_option rows[] = {
    {"ready", 0, CLI_TEXT, offsetof(struct options, ready), "FILE", "where its address is written when it listens"},
    {0},
};

/* Whole or not at all: the reader polls for it. */
static bool write_ready(struct cli *cli, const char *path, const char *text)
{
    const char *part = vx_arena_printf(&cli->arena, "%s.part", path);
    FILE *file = fopen(part, "we");
    if (!file)
        return false;
    bool ok = fputs(text, file) >= 0;
    return fclose(file) == 0 && ok && rename(part, path) == 0;
}

static int run(struct cli *cli, const void *options)
{
    const struct options *o = options;
    char errstr[512];
    sigset_t set;
    int sig;
    if (!o->ready)
        return cli_fail(cli, EXIT_USAGE, "dev-broker: --ready FILE is missing");
    /* Blocked before librdkafka starts threads, so that only sigwait() takes it. */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), errstr, sizeof errstr);
    rd_kafka_mock_cluster_t *cluster = rk ? rd_kafka_mock_cluster_new(rk, 1) : NULL;
    if (!cluster || !write_ready(cli, o->ready, rd_kafka_mock_cluster_bootstraps(cluster)))
        return cli_fail(cli, EXIT_NO, "the embedded broker cannot start");
    while (sigwait(&set, &sig) != 0)
        continue;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
    return EXIT_DONE;
}

const struct cli_command broker_command = {
    .name = "dev-broker",
    .usage = "--ready FILE",
    .summary = "the embedded broker of dev",
    .help = "Started by `veltrix dev`.\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .hidden = true,
    .run = run,
};
