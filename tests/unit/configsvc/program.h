/* Running a program and keeping what it said; for tests of commands. */
#ifndef TEST_CONFIGSVC_PROGRAM_H
#define TEST_CONFIGSVC_PROGRAM_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct program_result {
    int code; /* exit code; 128 + signal */
    char out[65536], err[65536];
};

static inline void program_read(const char *path, char *to, size_t size)
{
    FILE *file = fopen(path, "r");
    vx_assert(file != NULL);
    size_t n = fread(to, 1, size - 1, file);
    to[n] = '\0';
    fclose(file);
}

/* A new empty directory below the temporary one; the caller leaves it to program_clean(). */
static inline const char *program_dir(void)
{
    static char dir[64];
    strcpy(dir, "/tmp/veltrix-test-XXXXXX");
    vx_assert(mkdtemp(dir) != NULL);
    return dir;
}

static inline void program_clean(const char *dir)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    vx_assert(system(command) == 0);
}

/* Writes dir/name. */
static inline void program_write(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    vx_assert(file != NULL && fputs(text, file) >= 0);
    vx_assert(fclose(file) == 0);
}

/* Runs `command` by the shell, in `dir`, with the built programs first in PATH. */
static inline struct program_result *program_run(const char *dir, const char *command)
{
    static struct program_result r;
    char out[128], err[128];
    snprintf(out, sizeof out, "%s/.out", dir);
    snprintf(err, sizeof err, "%s/.err", dir);
    fflush(NULL);
    pid_t pid = fork();
    vx_assert(pid >= 0);
    if (pid == 0) {
        struct vx_buf path = {0};
        int fd_out = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600),
            fd_err = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        vx_buf_printf(&path, "%s:%s", VELTRIX_BIN, getenv("PATH"));
        setenv("PATH", vx_buf_text(&path), 1);
        unsetenv("VELTRIX_FLEET");
        if (!getenv("TEST_SERVER"))
            unsetenv("VELTRIX_SERVER");
        if (chdir(dir) != 0 || dup2(fd_out, 1) < 0 || dup2(fd_err, 2) < 0)
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    vx_assert(waitpid(pid, &status, 0) == pid);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    program_read(out, r.out, sizeof r.out);
    program_read(err, r.err, sizeof r.err);
    return &r;
}

#endif
