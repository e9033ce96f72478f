/* veltrix-configsvc: the control plane's process. Reads its settings, connects to etcd, answers the API until SIGTERM or
 * SIGINT. Keeps no state of its own: any number of replicas may run.
 *
 * The main thread only waits for signals; the API's threads do the work. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "configsvc/api/api.h"
#include "configsvc/api/listen.h"
#include "settings.h"

enum { EXIT_USAGE = 2 };

static void print_help(void)
{
    struct vx_buf rows = {0};
    settings_help(configsvc_fields, &rows);
    printf("usage: veltrix-configsvc -c FILE [--check | --print]\n\n"
           "The control plane of Veltrix: checks, publishes and activates releases, over HTTP on the loopback.\n\n"
           "  -c, --config FILE  the settings (configs/configsvc.conf is an example)\n"
           "      --check        say whether FILE is right, and exit: 0 it is, 1 it is not\n"
           "      --print        print the settings in force, defaults included, and exit\n"
           "      --help         this\n"
           "      --version      the version\n\n"
           "Settings:\n%s",
           vx_buf_text(&rows));
    vx_buf_done(&rows);
}

static struct etcd_config etcd_config_of(const struct configsvc_settings *settings)
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

/* Loads the settings and checks what the rows cannot say; findings go to standard error. */
static bool load(const char *path, struct configsvc_settings *settings, struct vx_arena *arena)
{
    struct vx_diags diags = {0};
    struct listen_address address;
    struct vx_err err = {0};
    bool ok = settings_load(path, configsvc_fields, settings, arena, &diags) == VX_OK;
    if (ok && listen_load(settings->listen, &address, &err) != VX_OK) {
        struct vx_diag at = {.severity = VX_ERROR, .file = path};
        vx_diags_add(&diags, &at, "listen: %s", err.message);
        ok = false;
    }
    struct etcd_config etcd_config = etcd_config_of(settings);
    if (ok && etcd_config_check(&etcd_config, &err) != VX_OK) {
        struct vx_diag at = {.severity = VX_ERROR, .file = path};
        vx_diags_add(&diags, &at, "%s", err.message);
        ok = false;
    }
    struct vx_buf text = {0};
    vx_diags_sort(&diags);
    vx_diags_print(&diags, &text, isatty(STDERR_FILENO) && !getenv("NO_COLOR"));
    fputs(vx_buf_text(&text), stderr);
    vx_buf_done(&text);
    vx_diags_done(&diags);
    return ok;
}

static int serve(const struct configsvc_settings *settings)
{
    struct vx_err err = {0};
    struct etcd *etcd = NULL;
    struct api *api = NULL;
    char host[128] = "localhost", name[160], quoted[VX_LOG_QUOTE_SIZE];
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "configsvc@%s", host);

    /* Blocked before any thread starts, so that they all inherit it and sigwait() below is the only taker. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    struct etcd_config etcd_config = etcd_config_of(settings);
    if (etcd_new(&etcd_config, &etcd, &err) != VX_OK)
        goto fail;
    struct api_config api_config = {.listen = settings->listen, .name = name, .etcd = etcd};
    if (api_start(&api_config, &api, &err) != VX_OK)
        goto fail;
    vx_log(VX_LOG_INFO, "configsvc.started", "version=%s listen=%s etcd=%s", VELTRIX_VERSION, api_address(api),
           vx_log_quote(etcd_endpoint(etcd), quoted));
    int sig = 0;
    while (sigwait(&signals, &sig) != 0)
        continue;
    vx_log(VX_LOG_INFO, "configsvc.stopping", "signal=%d", sig);
    api_stop(api);
    etcd_free(etcd);
    vx_log(VX_LOG_INFO, "configsvc.stopped", "listen=%s", settings->listen);
    return EXIT_SUCCESS;
fail:
    vx_log(VX_LOG_ERROR, "configsvc.failed", "reason=%s", vx_log_quote(err.message, quoted));
    api_stop(api);
    etcd_free(etcd);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    enum { CHECK = 1000, PRINT, HELP, VERSION };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, CHECK},
        {"print", no_argument, NULL, PRINT},      {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},  {0}};
    const char *path = NULL;
    int mode = 0;
    for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        if (c == 'c')
            path = optarg;
        else if (c == HELP || c == 'h')
            return print_help(), EXIT_SUCCESS;
        else if (c == VERSION)
            return puts("veltrix-configsvc " VELTRIX_VERSION), EXIT_SUCCESS;
        else if (c == '?')
            return EXIT_USAGE;
        else
            mode = c;
    }
    if (!path || optind < argc) {
        fprintf(stderr, "veltrix-configsvc: %s\nusage: veltrix-configsvc -c FILE [--check | --print]\n",
                path ? "one settings file, and no further words" : "which settings? Give them with -c FILE");
        return EXIT_USAGE;
    }
    struct vx_arena arena = {0};
    struct configsvc_settings settings = {0};
    int code = EXIT_FAILURE;
    if (load(path, &settings, &arena)) {
        vx_log_set_level((enum vx_log_level)settings.log_level);
        if (mode == PRINT) {
            struct vx_buf text = {0};
            settings_print(configsvc_fields, &settings, &text);
            fputs(vx_buf_text(&text), stdout);
            vx_buf_done(&text);
            code = EXIT_SUCCESS;
        } else {
            if (mode == CHECK)
                printf("%s: fine\n", path);
            code = mode == CHECK ? EXIT_SUCCESS : serve(&settings);
        }
    }
    vx_arena_done(&arena);
    return code;
}
