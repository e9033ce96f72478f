/* The processes that `veltrix dev` starts: each with a log of its own, all of them gone when dev is, however it ends.
 *
 * A child is in a process group of its own (Ctrl-C reaches dev only, which then stops them in order) and is killed by the
 * kernel when dev dies. Main thread only: the kernel ties that to the thread that forked.
 */
#ifndef VX_CLI_CHILDREN_H
#define VX_CLI_CHILDREN_H

#include <sys/types.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"

enum { CHILDREN_MAX = 8, CHILDREN_STOP_MS = 5000, CHILDREN_TAIL_LINES = 15 };

struct child {
    const char *name;
    const char *log; /* path */
    pid_t pid;       /* 0: it has ended */
};

struct children {
    struct vx_arena arena;
    const char *dir; /* temporary, for logs, settings and data; removed by children_done() */
    int lock;        /* of DIR/lock, held as long as this process lives: whoever is killed leaves a DIR without it */
    struct child at[CHILDREN_MAX];
    size_t count;
};

/* Removes the directories that killed predecessors left, makes the temporary one, and blocks SIGINT, SIGTERM, SIGHUP and
 * SIGCHLD for children_wait(). */
VX_MUSTCHECK enum vx_status children_init(struct children *c, struct vx_err *err);
/* Starts argv[0] (looked for in PATH); its output goes to DIR/<name>.log. */
VX_MUSTCHECK enum vx_status children_start(struct children *c, const char *name, const char *const *argv,
                                           struct vx_err *err);
/* Starts a command of the operator's: same terminal, not counted as a child; returns its pid, -1 when it cannot start. */
pid_t children_run(struct children *c, char **argv);

/* Ends that command, waits for it, and returns its exit code; 0 for no command. */
int children_end_command(pid_t command);

/* What children_wait() has seen. */
enum children_news {
    CHILDREN_QUIET,   /* nothing for `timeout_ms` */
    CHILDREN_STOP,    /* SIGINT, SIGTERM or SIGHUP */
    CHILDREN_DIED,    /* one of them ended: *died */
    CHILDREN_COMMAND, /* the command of children_run() ended: *command_code */
};
enum children_news children_wait(struct children *c, int timeout_ms, pid_t command, const struct child **died,
                                 int *command_code);
/* Appends how a child ended and the last lines of its log. */
void children_obituary(const struct child *child, struct vx_buf *out);

/* Stops all, newest first, removes the directory. */
void children_done(struct children *c);

/* A free port of 127.0.0.1, below the range that the kernel hands out by itself; 0 when none was found. */
int children_free_port(void);

#endif
