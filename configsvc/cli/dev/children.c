/* Starting, watching and stopping the processes of `veltrix dev`. See children.h. Main thread only. */
#include "configsvc/cli/dev/children.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"

#define DIR_PREFIX "veltrix-dev-"

enum { PORT_FIRST = 20000, PORT_LAST = 31999, PORT_TRIES = 200 };

static void wanted_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_dir(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Is `dir` what a process of ours left that lives no more? Then its lock is free. */
static bool is_left(const char *dir)
{
    struct stat st;
    struct vx_buf path = {0};
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return false;
    vx_buf_printf(&path, "%s/lock", dir);
    int fd = open(vx_buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool left = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    vx_buf_done(&path);
    return left;
}

static void sweep(const char *tmp)
{
    DIR *dir = opendir(tmp);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        struct vx_buf path = {0};
        vx_buf_printf(&path, "%s/%s", tmp, entry->d_name);
        if (strncmp(entry->d_name, DIR_PREFIX, strlen(DIR_PREFIX)) == 0 && is_left(vx_buf_text(&path)))
            remove_dir(vx_buf_text(&path));
        vx_buf_done(&path);
    }
    if (dir)
        closedir(dir);
}

/* Makes DIR/lock under another name first: a directory with a lock that nobody holds would be swept. */
static int take_lock(struct children *c)
{
    const char *making = vx_arena_printf(&c->arena, "%s/.lock", c->dir);
    int fd = open(making, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        rename(making, vx_arena_printf(&c->arena, "%s/lock", c->dir)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

enum vx_status children_init(struct children *c, struct vx_err *err)
{
    const char *tmp = getenv("TMPDIR");
    sigset_t set;
    *c = (struct children){.lock = -1};
    if (!tmp || !tmp[0])
        tmp = "/tmp";
    sweep(tmp);
    char *dir = vx_arena_printf(&c->arena, "%s/" DIR_PREFIX "XXXXXX", tmp);
    if (!mkdtemp(dir))
        return vx_err_set(err, VX_EIO, "no temporary directory can be made (%s): %s", dir, strerror(errno));
    c->dir = dir;
    if ((c->lock = take_lock(c)) < 0)
        return vx_err_set(err, VX_EIO, "%s/lock cannot be made: %s", dir, strerror(errno));
    wanted_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return VX_OK;
}

static void unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
}

enum vx_status children_start(struct children *c, const char *name, const char *const *argv, struct vx_err *err)
{
    vx_assert(c->count < CHILDREN_MAX);
    const char *log = vx_arena_printf(&c->arena, "%s/%s.log", c->dir, name);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t parent = getpid(), pid = fd < 0 ? -1 : fork();
    if (pid < 0) {
        if (fd >= 0)
            close(fd);
        return vx_err_set(err, VX_EIO, "%s cannot be started: %s", name, strerror(errno));
    }
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        unblock_signals();
        int null = open("/dev/null", O_RDONLY);
        dup2(null, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execvp(argv[0], (char *const *)argv);
        dprintf(STDERR_FILENO, "%s cannot be run: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    close(fd);
    c->at[c->count++] = (struct child){.name = name, .log = log, .pid = pid};
    return VX_OK;
}

pid_t children_run(struct children *c, char **argv)
{
    (void)c;
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    unblock_signals();
    execvp(argv[0], argv);
    fprintf(stderr, "veltrix: %s cannot be run: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Takes the news of ended processes, one at a time; false when there is none. */
static bool reap(struct children *c, pid_t command, const struct child **died, int *command_code,
                 enum children_news *news)
{
    int status;
    for (size_t i = 0; i < c->count; i++)
        if (c->at[i].pid > 0 && waitpid(c->at[i].pid, &status, WNOHANG) == c->at[i].pid) {
            c->at[i].pid = 0;
            *died = &c->at[i];
            *news = CHILDREN_DIED;
            return true;
        }
    if (command > 0 && waitpid(command, &status, WNOHANG) == command) {
        *command_code = exit_code(status);
        *news = CHILDREN_COMMAND;
        return true;
    }
    return false;
}

enum children_news children_wait(struct children *c, int timeout_ms, pid_t command, const struct child **died,
                                 int *command_code)
{
    int64_t deadline = vx_clock_ms() + timeout_ms;
    enum children_news news;
    sigset_t set;
    wanted_signals(&set);
    for (;;) {
        if (reap(c, command, died, command_code, &news))
            return news;
        int64_t left = deadline - vx_clock_ms();
        if (left < 0)
            left = 0;
        struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        int sig = sigtimedwait(&set, NULL, &timeout);
        if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP)
            return CHILDREN_STOP;
        if (sig < 0 && errno == EAGAIN)
            return CHILDREN_QUIET;
    }
}

void children_obituary(const struct child *child, struct vx_buf *out)
{
    char text[8192];
    int fd = open(child->log, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t from = size > (off_t)sizeof text ? size - (off_t)sizeof text : 0;
    ssize_t n = fd < 0 ? 0 : pread(fd, text, sizeof text, from);
    if (fd >= 0)
        close(fd);
    size_t begin = n > 0 ? (size_t)n : 0;
    for (int lines = 0; begin > 0; begin--)
        if (text[begin - 1] == '\n' && begin != (size_t)n && ++lines == CHILDREN_TAIL_LINES)
            break;
    vx_buf_printf(out, "%s has ended; the end of its log:\n", child->name);
    if (n > 0)
        vx_buf_add(out, text + begin, (size_t)n - begin);
}

/* Politely, and after CHILDREN_STOP_MS for certain; returns how it ended, as waitpid() has it. */
static int end(pid_t pid)
{
    int64_t deadline = vx_clock_ms() + CHILDREN_STOP_MS;
    int status = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    kill(pid, SIGTERM);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (vx_clock_ms() > deadline)
            kill(pid, SIGKILL);
        sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = 50 * 1000 * 1000});
    }
    return status;
}

int children_end_command(pid_t command)
{
    return command > 0 ? exit_code(end(command)) : 0;
}

void children_done(struct children *c)
{
    for (size_t i = c->count; i-- > 0;)
        if (c->at[i].pid > 0)
            end(c->at[i].pid);
    if (c->dir)
        remove_dir(c->dir);
    if (c->lock >= 0)
        close(c->lock);
    vx_arena_done(&c->arena);
    *c = (struct children){.lock = -1};
}

int children_free_port(void)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        uint32_t r;
        vx_assert(getrandom(&r, sizeof r, 0) == (ssize_t)sizeof r);
        int port = PORT_FIRST + (int)(r % (PORT_LAST - PORT_FIRST + 1));
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
        if (fd >= 0)
            close(fd);
        if (is_free)
            return port;
    }
    return 0;
}
