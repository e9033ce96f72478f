/* The processes of `veltrix dev`: their end is noticed, and none outlives the parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configsvc/cli/dev/children.h"
#include "core/base/clock.h"

static const char *const sleeper[] = {"sleep", "1000", NULL};
static const char *const stubborn[] = {"sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL};
static const char *const crasher[] = {"sh", "-c", "echo first; echo the reason >&2; exit 3", NULL};

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 100; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        usleep(20 * 1000);
    }
    return false;
}

static void a_child_that_dies_is_reported_with_the_end_of_its_log(void **state)
{
    (void)state;
    struct children c;
    const struct child *died = NULL;
    struct vx_buf text = {0};
    assert_int_equal(children_init(&c, NULL), VX_OK);
    assert_int_equal(children_start(&c, "sleeper", sleeper, NULL), VX_OK);
    assert_int_equal(children_start(&c, "crasher", crasher, NULL), VX_OK);
    assert_int_equal(children_wait(&c, 5000, 0, &died, NULL), CHILDREN_DIED);
    children_obituary(died, &text);
    assert_string_equal(vx_buf_text(&text), "crasher has ended; the end of its log:\nfirst\nthe reason\n");
    vx_buf_done(&text);
    children_done(&c);
}

static void a_program_that_is_not_there_is_reported(void **state)
{
    (void)state;
    struct children c;
    const struct child *died = NULL;
    struct vx_buf text = {0};
    const char *argv[] = {"/nosuch/program", NULL};
    assert_int_equal(children_init(&c, NULL), VX_OK);
    assert_int_equal(children_start(&c, "ghost", argv, NULL), VX_OK);
    assert_int_equal(children_wait(&c, 5000, 0, &died, NULL), CHILDREN_DIED);
    children_obituary(died, &text);
    assert_non_null(strstr(vx_buf_text(&text), "/nosuch/program cannot be run: No such file or directory"));
    vx_buf_done(&text);
    children_done(&c);
}

static void done_stops_all_and_removes_the_directory(void **state)
{
    (void)state;
    struct children c;
    char dir[256];
    assert_int_equal(children_init(&c, NULL), VX_OK);
    snprintf(dir, sizeof dir, "%s", c.dir);
    assert_int_equal(children_start(&c, "sleeper", sleeper, NULL), VX_OK);
    pid_t pid = c.at[0].pid;
    assert_int_equal(access(dir, F_OK), 0);
    children_done(&c);
    assert_true(is_gone(pid));
    assert_int_not_equal(access(dir, F_OK), 0);
}

/* What a process that was killed leaves is removed by the next one; what another one uses, or is none of ours, stays. */
static void the_next_one_removes_what_a_killed_one_left(void **state)
{
    (void)state;
    struct children c, other;
    char left[256] = "", foreign[300];
    int tell[2], status;
    assert_int_equal(pipe(tell), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct children killed;
        if (children_init(&killed, NULL) != VX_OK || write(tell[1], killed.dir, strlen(killed.dir)) < 0)
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(read(tell[0], left, sizeof left - 1) > 0);
    assert_int_equal(access(left, F_OK), 0);
    assert_int_equal(children_init(&other, NULL), VX_OK);
    assert_int_not_equal(access(left, F_OK), 0);
    snprintf(foreign, sizeof foreign, "%.200s-of-somebody-else", other.dir);
    assert_int_equal(mkdir(foreign, 0700), 0);
    assert_int_equal(children_init(&c, NULL), VX_OK);
    assert_int_equal(access(other.dir, F_OK), 0);
    assert_int_equal(access(foreign, F_OK), 0);
    assert_int_equal(rmdir(foreign), 0);
    children_done(&c);
    children_done(&other);
    close(tell[0]);
    close(tell[1]);
}

static void a_child_that_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    struct children c;
    assert_int_equal(children_init(&c, NULL), VX_OK);
    assert_int_equal(children_start(&c, "stubborn", stubborn, NULL), VX_OK);
    pid_t pid = c.at[0].pid;
    usleep(200 * 1000); /* its trap is set */
    int64_t began = vx_clock_ms();
    children_done(&c);
    assert_true(vx_clock_ms() - began < CHILDREN_STOP_MS + 3000);
    assert_true(is_gone(pid));
}

static void children_die_with_their_parent(void **state)
{
    (void)state;
    int ends[2];
    pid_t grandchild = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t parent = fork();
    if (parent == 0) {
        struct children c;
        if (children_init(&c, NULL) != VX_OK || children_start(&c, "sleeper", sleeper, NULL) != VX_OK)
            _exit(1);
        unlink(c.at[0].log); /* nobody is left to do it */
        rmdir(c.dir);
        if (write(ends[1], &c.at[0].pid, sizeof c.at[0].pid) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends[0], &grandchild, sizeof grandchild), sizeof grandchild);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_true(is_gone(grandchild));
    close(ends[0]);
    close(ends[1]);
}

static void the_commands_exit_code_is_passed_on(void **state)
{
    (void)state;
    struct children c;
    const struct child *died = NULL;
    int code = -1;
    char *argv[] = {"sh", "-c", "exit 7", NULL};
    assert_int_equal(children_init(&c, NULL), VX_OK);
    pid_t pid = children_run(&c, argv);
    assert_true(pid > 0);
    assert_int_equal(children_wait(&c, 5000, pid, &died, &code), CHILDREN_COMMAND);
    assert_int_equal(code, 7);
    children_done(&c);
}

static void a_signal_is_news(void **state)
{
    (void)state;
    struct children c;
    const struct child *died = NULL;
    assert_int_equal(children_init(&c, NULL), VX_OK);
    assert_int_equal(children_wait(&c, 10, 0, &died, NULL), CHILDREN_QUIET);
    kill(getpid(), SIGTERM);
    assert_int_equal(children_wait(&c, 5000, 0, &died, NULL), CHILDREN_STOP);
    children_done(&c);
}

static void free_ports_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_in_range(children_free_port(), 20000, 31999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_that_dies_is_reported_with_the_end_of_its_log),
        cmocka_unit_test(a_program_that_is_not_there_is_reported),
        cmocka_unit_test(done_stops_all_and_removes_the_directory),
        cmocka_unit_test(the_next_one_removes_what_a_killed_one_left),
        cmocka_unit_test(a_child_that_ignores_sigterm_is_killed),
        cmocka_unit_test(children_die_with_their_parent),
        cmocka_unit_test(the_commands_exit_code_is_passed_on),
        cmocka_unit_test(a_signal_is_news),
        cmocka_unit_test(free_ports_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
