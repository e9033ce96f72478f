/* Simulating: the folder is loaded and compiled as a release would be, then the loop of core/plan/simulate runs. The main
 * thread, alone. */
#include "router/simulate.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/plan/simulate.h"

enum { DONE = 0, REFUSED = 1, UNREADABLE = 2 };

static void on_bad_line(void *ctx, uint64_t line, const char *message)
{
    (void)ctx;
    fprintf(stderr, "standard input:%" PRIu64 ": error: %s\n", line, message);
}

static int load(const char *folder, struct table **t)
{
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    struct vx_buf text = {0};
    struct vx_err err = {0};
    enum vx_status status = config_load_folder(folder, &set, &diags, &err);
    if (status == VX_OK)
        status = table_new(set, 0, t, &diags);
    vx_diags_sort(&diags);
    vx_diags_print(&diags, &text, isatty(STDERR_FILENO) && !getenv("NO_COLOR"));
    fputs(vx_buf_text(&text), stderr);
    if (err.message[0])
        fprintf(stderr, "veltrix-router: %s\n", err.message);
    int code = status == VX_OK ? DONE : diags.error_count ? REFUSED : UNREADABLE;
    config_set_free(set);
    vx_buf_done(&text);
    vx_diags_done(&diags);
    return code;
}

static int simulate(const struct simulate_request *rq, const struct table *t)
{
    struct simulate_counts counts = {0};
    struct vx_err err = {0};
    struct simulate_stream how = {.in = STDIN_FILENO,
                                  .out = STDOUT_FILENO,
                                  .name = "standard input",
                                  .envelope = rq->envelope,
                                  .counts_only = rq->counts,
                                  .on_bad_line = on_bad_line};
    enum vx_status status = VX_OK;
    if (rq->topic || !rq->envelope)
        status = simulate_topic(t, rq->topic, &how.topic, &err);
    if (status == VX_OK)
        status = simulate_run(t, &how, &counts, &err);
    if (rq->counts && (status == VX_OK || status == VX_ECANCELED)) {
        struct vx_buf text = {0};
        simulate_counts_print(t, &counts, &text);
        fputs(vx_buf_text(&text), stdout);
        vx_buf_done(&text);
    }
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (status == VX_ECANCELED) /* end as whoever waits for this program expects after Ctrl-C */
        raise(SIGINT);
    if (status != VX_OK)
        fprintf(stderr, "veltrix-router: %s\n", err.message);
    int code = status != VX_OK || !written ? UNREADABLE : counts.bad_lines ? REFUSED : DONE;
    simulate_counts_done(&counts);
    return code;
}

int simulate_folder(const struct simulate_request *rq)
{
    struct table *t = NULL;
    int code = load(rq->folder, &t);
    if (code == DONE)
        code = simulate(rq, t);
    table_unref(t);
    return code;
}
