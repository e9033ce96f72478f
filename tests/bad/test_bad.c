/* What an operator reads after a mistake, word for word and column for column: each folder beside this file is a case, its
 * *.yaml (or settings.conf) the mistake, expected.txt what must be printed. One cmocka test per folder.
 *
 * VELTRIX_BLESS=NAME writes that case's expected.txt anew; read the difference before you commit it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/config/config.h"
#include "core/config/settings.h"

/* The rows that the cases of settings are about. */
struct sample {
    const char *fleet;
    int64_t workers;
    int64_t deadline_ms;
    bool verbose;
    int mode;
    struct vx_strings topics;
    struct {
        struct vx_strings endpoints;
        const char *password;
    } etcd;
    struct vx_pairs kafka;
};

#define AT(member) .offset = offsetof(struct sample, member)
static const char *const modes[] = {"fast", "careful", NULL};
static const struct vx_field etcd_rows[] = {
    {.name = "endpoints", .type = VX_FIELD_STRINGS, .fallback = "http://127.0.0.1:2379"},
    {.name = "password", .type = VX_FIELD_NAME, .offset = sizeof(struct vx_strings), .flags = VX_FIELD_SECRET},
    {0},
};
static const struct vx_field sample_rows[] = {
    {.name = "fleet", .type = VX_FIELD_NAME, AT(fleet), .flags = VX_FIELD_REQUIRED, .help = "the fleet to belong to"},
    {.name = "workers", .type = VX_FIELD_INT, AT(workers), .fallback = "2", .min = 1, .max = 64},
    {.name = "deadline", .type = VX_FIELD_DURATION, AT(deadline_ms), .fallback = "10s", .min = 1, .max = 3600000},
    {.name = "verbose", .type = VX_FIELD_BOOL, AT(verbose), .fallback = "false"},
    {.name = "mode", .type = VX_FIELD_ENUM, AT(mode), .fallback = "fast", .choices = modes},
    {.name = "topics", .type = VX_FIELD_TOPICS, AT(topics)},
    {.name = "etcd", .type = VX_FIELD_SECTION, AT(etcd), .section = etcd_rows},
    {.name = "kafka", .type = VX_FIELD_MAP, AT(kafka)},
    {.name = "tracing", .type = VX_FIELD_LATER},
    {0},
};

static void run_settings(const char *path, struct vx_buf *out)
{
    struct vx_arena arena = {0};
    struct vx_diags diags = {0};
    struct sample sample = {0};
    enum vx_status status = settings_load(path, sample_rows, &sample, &arena, &diags);
    vx_diags_sort(&diags);
    vx_diags_print(&diags, out, false);
    vx_buf_printf(out, "%s\n", vx_status_label(status));
    vx_diags_done(&diags);
    vx_arena_done(&arena);
}

static void run_configs(const char *folder, struct vx_buf *out)
{
    struct vx_diags diags = {0};
    struct config_set *set = NULL;
    struct vx_err err = {0};
    enum vx_status status = config_load_folder(folder, &set, &diags, &err);
    vx_diags_print(&diags, out, false);
    if (err.message[0])
        vx_buf_printf(out, "%s\n", err.message);
    vx_buf_printf(out, "%s\n", vx_status_label(status));
    config_set_free(set);
    vx_diags_done(&diags);
}

static bool read_file(const char *path, struct vx_buf *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    for (size_t got = 1; got > 0; out->len += got)
        got = fread(vx_buf_reserve(out, 4096), 1, 4096, file);
    fclose(file);
    return true;
}

static void prints_what_is_expected(void **state)
{
    const char *name = *state;
    char path[512];
    struct vx_buf now = {0}, expected = {0};
    snprintf(path, sizeof path, "%s/settings.conf", name);
    if (access(path, R_OK) == 0)
        run_settings(path, &now);
    else
        run_configs(name, &now);
    snprintf(path, sizeof path, "%s/expected.txt", name);
    const char *bless = getenv("VELTRIX_BLESS");
    if (bless && strcmp(bless, name) == 0) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(vx_buf_text(&now), file);
        fclose(file);
    }
    assert_true(read_file(path, &expected));
    vx_buf_str(&expected, "");
    assert_string_equal(vx_buf_text(&now), vx_buf_text(&expected));
    vx_buf_done(&now);
    vx_buf_done(&expected);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

int main(void)
{
    struct dirent **entries;
    if (chdir(VELTRIX_SOURCE_DIR "/tests/bad") != 0)
        return 1;
    unsetenv("VELTRIX_BAD_UNSET");
    int count = scandir(".", &entries, is_case, alphasort);
    struct CMUnitTest *tests = calloc((size_t)count + 1, sizeof *tests);
    if (count <= 0 || !tests)
        return 1;
    for (int i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){
            .name = entries[i]->d_name, .test_func = prints_what_is_expected, .initial_state = entries[i]->d_name};
    int failed = _cmocka_run_group_tests("bad", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    free(tests);
    return failed;
}
