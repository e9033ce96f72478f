/* The list of log events is what the sources log: no more, no less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glob.h>

#include <cmocka.h>

#include "router/log_events.h"

static const char *const events[] = {
#define X(name, level, meaning) name,
    ROUTER_LOG_EVENTS(X)
#undef X
};
enum { EVENTS = sizeof events / sizeof events[0] };

static int known(const char *name, size_t len)
{
    for (int i = 0; i < EVENTS; i++)
        if (strlen(events[i]) == len && memcmp(events[i], name, len) == 0)
            return i;
    return -1;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Marks every event named in the statement that begins at `call`; names are the literals before the format. */
static void mark(const char *call, bool seen[EVENTS])
{
    const char *end = strchr(call, ';');
    for (const char *p = strchr(call, '"'); p && p < end; p = strchr(p, '"')) {
        size_t len = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_.");
        if (p[1 + len] != '"' || !memchr(p + 1, '.', len))
            return;
        int i = known(p + 1, len);
        if (i < 0)
            fail_msg("%.*s is not in router/log_events.h", (int)len, p + 1);
        seen[i] = true;
        p += len + 2;
    }
}

static void the_list_is_what_the_sources_log(void **state)
{
    static const char *const patterns[] = {"/router/*.c", "/router/*/*.c"};
    bool seen[EVENTS] = {false};
    (void)state;
    for (int k = 0; k < 2; k++) {
        char pattern[4096];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s%s", VELTRIX_SOURCE_DIR, patterns[k]);
        assert_int_equal(glob(pattern, 0, NULL, &found), 0);
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char *text = read_file(found.gl_pathv[i]);
            for (char *p = strstr(text, "vx_log("); p; p = strstr(p + 1, "vx_log("))
                mark(p, seen);
            if (strstr(text, "event=router.killed"))
                seen[known("router.killed", 13)] = true;
            free(text);
        }
        globfree(&found);
    }
    for (int i = 0; i < EVENTS; i++)
        if (!seen[i])
            fail_msg("%s is listed but never logged", events[i]);
}

/* A row of the table is a row of the list: `name` | level | meaning. */
static void the_readme_has_the_list(void **state)
{
    static const char *const rows[] = {
#define X(name, level, meaning) "| `" name "` | " level " | " meaning " |\n",
        ROUTER_LOG_EVENTS(X)
#undef X
    };
    (void)state;
    char *text = read_file(VELTRIX_SOURCE_DIR "/README.md");
    for (int i = 0; i < EVENTS; i++)
        if (!strstr(text, rows[i]))
            fail_msg("README.md, \"Log events\", lacks this row: %s", rows[i]);
    free(text);
}

static void the_list_is_sorted(void **state)
{
    (void)state;
    for (int i = 1; i < EVENTS; i++)
        assert_true(strcmp(events[i - 1], events[i]) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_what_the_sources_log),
        cmocka_unit_test(the_list_is_sorted),
        cmocka_unit_test(the_readme_has_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
