/* veltrix-router: the data plane. Options, signals, and the order of starting and stopping; everything else is below.
 *
 * Thread: the main thread; all signals are blocked in every thread and taken here. The first SIGTERM or SIGINT drains
 * and leaves within `drain_timeout`; a second one ends the process at once, which is safe: offsets are committed only
 * for what is done. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/reload.h"
#include "router/simulate.h"

enum {
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    TICK_MS = 200,
    OVERTIME_S = 15,
    FILES_MIN =
        128, /* a router of two workers and one broker has 32 open; each more broker costs one for each client */
};

static void print_usage(FILE *to)
{
    fputs("usage: veltrix-router -c FILE [--check | --print]\n"
          "       veltrix-router --simulate DIR [--topic TOPIC] [--envelope] [--counts] < EVENTS > DECISIONS\n"
          "\n"
          "Routes Kafka events as the fleet's release in etcd says.\n"
          "\n"
          "  -c, --config FILE   settings (router.conf)\n"
          "      --check         check the settings, say what is wrong, and end: 0 fine, 1 not\n"
          "      --print         print the settings in force, secrets as ***, and end\n"
          "      --simulate DIR  decide the events of standard input by the configs in DIR, a decision a line,\n"
          "                      without Kafka and etcd: what `veltrix simulate` does (its help says more)\n"
          "      --topic TOPIC   of events that name none\n"
          "      --envelope      a line is an object with topic, key, headers, ... and value\n"
          "      --counts        only a table: rules and what became of events\n"
          "  -h, --help          this, and every setting\n"
          "      --version       the version\n"
          "\n"
          "SIGHUP reads the settings again: the log level, secrets and certificates change without a rebalance; what\n"
          "waits for the next start is in the log.\n"
          "SIGTERM and SIGINT drain what is on its way and leave; a second one ends at once.\n",
          to);
}

static void print_help(void)
{
    struct vx_buf text = {0};
    print_usage(stdout);
    settings_help(router_fields, &text);
    printf("\nSettings:\n%s", vx_buf_text(&text));
    vx_buf_done(&text);
}

struct options {
    const char *config;
    bool check, print;
    struct simulate_request simulate; /* folder NULL: not asked for */
};

/* Whether the options go together; false after a sentence. */
static bool check_options(const struct options *o, const char *word)
{
    bool simulate = o->simulate.folder != NULL;
    if (word)
        fprintf(stderr, "veltrix-router: `%s` is one word too many\n", word);
    else if (simulate && (o->config || o->check || o->print))
        fputs("veltrix-router: --simulate needs no settings: leave out -c, --check and --print\n", stderr);
    else if (!simulate && (o->simulate.topic || o->simulate.envelope || o->simulate.counts))
        fputs("veltrix-router: --topic, --envelope and --counts go with --simulate DIR\n", stderr);
    else if (!simulate && !o->config)
        fputs("veltrix-router: which settings? Name the file with -c FILE\n", stderr);
    else
        return true;
    print_usage(stderr);
    return false;
}

/* Exit code of an option that ends the program, or -1. */
static int read_options(int argc, char **argv, struct options *o)
{
    enum { OPT_CHECK = 256, OPT_PRINT, OPT_VERSION, OPT_SIMULATE, OPT_TOPIC, OPT_ENVELOPE, OPT_COUNTS };
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},      {"check", no_argument, NULL, OPT_CHECK},
        {"print", no_argument, NULL, OPT_PRINT},       {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPT_VERSION},   {"simulate", required_argument, NULL, OPT_SIMULATE},
        {"topic", required_argument, NULL, OPT_TOPIC}, {"envelope", no_argument, NULL, OPT_ENVELOPE},
        {"counts", no_argument, NULL, OPT_COUNTS},     {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;)
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case OPT_CHECK:
            o->check = true;
            break;
        case OPT_PRINT:
            o->print = true;
            break;
        case OPT_SIMULATE:
            o->simulate.folder = optarg;
            break;
        case OPT_TOPIC:
            o->simulate.topic = optarg;
            break;
        case OPT_ENVELOPE:
            o->simulate.envelope = true;
            break;
        case OPT_COUNTS:
            o->simulate.counts = true;
            break;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case OPT_VERSION:
            puts("veltrix-router " VELTRIX_VERSION);
            return EXIT_SUCCESS;
        default:
            print_usage(stderr);
            return EXIT_USAGE;
        }
    return check_options(o, optind < argc ? argv[optind] : NULL) ? -1 : EXIT_USAGE;
}

static bool load(const struct options *o, struct router_settings *settings, struct vx_arena *arena)
{
    struct vx_diags diags = {0};
    struct vx_buf text = {0};
    enum vx_status st = router_settings_load(o->config, settings, arena, &diags);
    vx_diags_sort(&diags);
    vx_diags_print(&diags, &text, isatty(STDERR_FILENO) && !getenv("NO_COLOR"));
    fputs(vx_buf_text(&text), stderr);
    vx_buf_done(&text);
    vx_diags_done(&diags);
    return st == VX_OK;
}

static void on_second_signal(int number)
{
    static const char line[] =
        "level=warn event=router.killed detail=\"stopped at once; what is not committed is done again\"\n";
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
        _exit(128 + number);
    _exit(128 + number);
}

/* From here on a signal, or running out of time, ends the process. */
static void arm(const sigset_t *signals, int64_t drain_ms)
{
    struct sigaction action = {.sa_handler = on_second_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)(drain_ms / 1000 + OVERTIME_S));
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

/* As many open files as the system allows: short of them no connection can be made, and /healthz does not answer. */
static enum vx_status raise_files(struct vx_err *err)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return VX_OK;
    if (files.rlim_max < FILES_MIN)
        return vx_err_set(err, VX_ELIMIT,
                          "%llu open files are allowed, at least %d are needed (ulimit -n, LimitNOFILE=)",
                          (unsigned long long)files.rlim_max, FILES_MIN);
    files.rlim_cur = files.rlim_max;
    (void)!setrlimit(RLIMIT_NOFILE, &files);
    return VX_OK;
}

static int run(const char *path, const struct router_settings *settings)
{
    struct router *r;
    struct reload *reloads = NULL;
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigset_t all = signals;
    sigaddset(&all, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    signal(SIGPIPE, SIG_IGN);

    if (raise_files(&err) != VX_OK || router_start(settings, &r, &err) != VX_OK) {
        vx_log(VX_LOG_ERROR, "router.failed", "error=%s", vx_log_quote(err.message, quoted));
        return EXIT_REFUSED;
    }
    vx_log(VX_LOG_INFO, "router.started", "version=%s fleet=%s id=%s workers=%lld admin=%s", VELTRIX_VERSION,
           settings->fleet, vx_log_quote(settings->id, quoted), (long long)settings->workers_count, settings->admin);
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    int number;
    while ((number = sigtimedwait(&all, NULL, &tick)) < 0 || number == SIGHUP) {
        if (number == SIGHUP)
            reload(&reloads, path, settings, r);
        router_tick(r, vx_clock_ms());
    }

    vx_log(VX_LOG_INFO, "router.stopping", "signal=%s drain_ms=%lld", number == SIGTERM ? "SIGTERM" : "SIGINT",
           (long long)settings->drain_timeout_ms);
    int64_t start_ms = vx_clock_ms();
    arm(&signals, settings->drain_timeout_ms);
    bool clean = router_stop(r);
    vx_log(clean ? VX_LOG_INFO : VX_LOG_WARN, "router.stopped", "took_ms=%lld clean=%s",
           (long long)(vx_clock_ms() - start_ms), clean ? "true" : "false");
    if (!clean)
        _exit(EXIT_SUCCESS);
    reload_free(reloads);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct router_settings settings;
    struct vx_arena arena = {0};
    int code = read_options(argc, argv, &o);
    if (code >= 0)
        return code;
    if (o.simulate.folder)
        return simulate_folder(&o.simulate);
    if (!load(&o, &settings, &arena)) {
        vx_arena_done(&arena);
        return EXIT_REFUSED;
    }
    if (o.print) {
        struct vx_buf text = {0};
        settings_print(router_fields, &settings, &text);
        fputs(vx_buf_text(&text), stdout);
        vx_buf_done(&text);
    } else if (o.check) {
        printf("%s: fine\n", o.config);
    } else {
        vx_log_set_level((enum vx_log_level)settings.log_level);
        code = run(o.config, &settings);
    }
    vx_arena_done(&arena);
    return code < 0 ? EXIT_SUCCESS : code;
}
