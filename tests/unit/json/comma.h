/* A locale with a decimal comma: the installed one, or one that is built for the test in a folder of its own. */
#ifndef JSON_TEST_COMMA_H
#define JSON_TEST_COMMA_H

#include "help.h"

#include <locale.h>
#include <spawn.h>
#include <sys/wait.h>

#define COMMA_LOCALE "de_DE.UTF-8"

/* The exit status of a program, or -1 when there is no such program. */
static inline int comma_run(const char *const *args)
{
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, args[0], NULL, NULL, (char *const *)args, environ) != 0)
        return -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void comma_skip(const char *reason)
{
    printf("# SKIP: no locale with a decimal comma: %s\n", reason);
    skip();
}

/* Builds the locale, puts it in force, and removes the folder: what is in force stays mapped. */
static inline void comma_build(void)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256], path[sizeof dir + sizeof "/" COMMA_LOCALE];
    snprintf(dir, sizeof dir, "%.200s/veltrix-locale-XXXXXX", tmp ? tmp : P_tmpdir);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/" COMMA_LOCALE, dir);
    const char *build[] = {"localedef", "--no-archive", "--quiet", "-i", "de_DE", "-f", "UTF-8", path, NULL};
    const char *clear[] = {"rm", "-r", dir, NULL};
    int status = comma_run(build);
    setenv("LOCPATH", dir, 1);
    bool in_force = setlocale(LC_ALL, COMMA_LOCALE) != NULL;
    unsetenv("LOCPATH");
    assert_int_equal(comma_run(clear), 0);
    if (status == -1)
        comma_skip("localedef is missing");
    if (!in_force && access("/usr/share/i18n/locales/de_DE", R_OK) != 0)
        comma_skip("the sources of locales are missing (scripts/setup --test)");
    if (!in_force)
        fail_msg("localedef ended with %d, and " COMMA_LOCALE " cannot be set", status);
}

/* From here to setlocale(LC_ALL, "C") the C library reads and writes 0,5. Skips the test where that cannot be. */
static inline void comma_begin(void)
{
    if (!setlocale(LC_ALL, COMMA_LOCALE))
        comma_build();
    assert_string_equal(localeconv()->decimal_point, ",");
}

#endif
