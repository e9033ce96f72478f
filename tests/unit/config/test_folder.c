/* A folder as a release: which files count, how paths are shown. */
#include "help.h"

#include "core/config/folder.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = P_tmpdir "/veltrix-folder-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state)
{
    (void)state;
    char path[256], target[256];
    if (!mkdtemp(root))
        return -1;
    for (const char *const *name = (const char *const[]){"in", "in/deep", "in/.hidden", "out", NULL}; *name; name++) {
        snprintf(path, sizeof path, "%s/%s", root, *name);
        if (mkdir(path, 0700) != 0)
            return -1;
    }
    write_file("in/b.yaml", "kind: fleet\nname: f\n");
    write_file("in/deep/a.yml", "\nkind: routing\nname: r\ntopics: [a]\notherwise: { drop: true }\n");
    write_file("in/.hidden/x.yaml", "kind: [\n");
    write_file("in/.x.yaml", "kind: [\n");
    write_file("in/notes.txt", "kind: [\n");
    write_file("out/evil.yaml", "kind: [\n");
    write_file("in/deep/shared", "{ kind: processing, name: p, stages: [emit: { topic: t }] }\n");
    snprintf(path, sizeof path, "%s/in/link.txt", root);
    snprintf(target, sizeof target, "%s/out/evil.yaml", root);
    if (symlink(target, path) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/in/inner.yaml", root);
    if (symlink("deep/shared", path) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/in/loop", root);
    return symlink("../in", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void yaml_files_count_but_hidden_ones_do_not(void **state)
{
    (void)state;
    char path[256];
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    struct vx_err err = {0};
    snprintf(path, sizeof path, "%s/in///", root);
    assert_int_equal(config_load_folder(path, &set, &diags, &err), VX_OK);
    assert_int_equal(set->document_count, 3);
    assert_string_equal(set->documents[0].path, "b.yaml");
    assert_string_equal(set->documents[1].path, "deep/a.yml");
    assert_string_equal(set->documents[2].path, "inner.yaml");
    snprintf(path, sizeof path, "%s/in/deep/a.yml", root);
    assert_string_equal(set->documents[1].node->file->path, path);
    assert_int_equal(set->documents[1].node->line, 2);
    config_set_free(set);
    vx_diags_done(&diags);
}

static void nothing_is_left_out_quietly(void **state)
{
    (void)state;
    static const struct {
        const char *link, *target;
    } table[] = {{"in/out.yaml", "../out/evil.yaml"}, {"in/self.yml", "self.yml"}, {"in/nowhere.yaml", "nothing"}};
    char path[512];
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    struct vx_err err = {0};
    char folder[256];
    snprintf(folder, sizeof folder, "%s/in", root);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", root, table[i].link);
        assert_int_equal(symlink(table[i].target, path), 0);
        assert_int_equal(config_load_folder(folder, &set, &diags, &err), VX_EINVAL);
        assert_non_null(strstr(err.message, table[i].link));
        assert_non_null(
            strstr(err.message, ": a link that leads out of the folder, or nowhere; put the file itself there"));
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s/deep", root);
    for (int i = 0; i <= FOLDER_DEPTH_MAX + 1; i++) {
        assert_int_equal(mkdir(path, 0700), 0);
        strcat(path, "/d");
    }
    snprintf(folder, sizeof folder, "%s/deep", root);
    assert_int_equal(config_load_folder(folder, &set, &diags, &err), VX_ELIMIT);
    assert_non_null(strstr(err.message, "/d: folders stand in folders more than 16 deep"));
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    vx_diags_done(&diags);
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    char path[256];
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    struct vx_err err = {0};
    snprintf(path, sizeof path, "%s/nowhere", root);
    assert_int_equal(config_load_folder(path, &set, &diags, &err), VX_ENOTFOUND);
    assert_non_null(strstr(err.message, "/nowhere: No such file or directory"));
    snprintf(path, sizeof path, "%s/in/b.yaml", root);
    assert_int_equal(config_load_folder(path, &set, &diags, &err), VX_EIO);
    assert_non_null(strstr(err.message, "/in/b.yaml: Not a directory"));
    snprintf(path, sizeof path, "%s/in/.hidden", root);
    assert_int_equal(config_load_folder(path, &set, &diags, &err), VX_EINVAL);
    snprintf(path, sizeof path, "%s", root);
    assert_int_equal(config_load_folder(path, &set, &diags, NULL), VX_EINVAL);
    assert_null(set);
    vx_diags_done(&diags);
}

static void a_folder_that_is_too_large_is_refused(void **state)
{
    (void)state;
    char path[256], folder[256];
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    struct vx_err err = {0};
    snprintf(folder, sizeof folder, "%s/large", root);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file("large/a.yaml", "");
    snprintf(path, sizeof path, "%s/a.yaml", folder);
    assert_int_equal(truncate(path, FOLDER_FILE_MAX_BYTES + 1), 0);
    assert_int_equal(config_load_folder(folder, &set, &diags, &err), VX_ELIMIT);
    assert_non_null(strstr(err.message, "a.yaml: more than 67108864 bytes"));
    assert_int_equal(truncate(path, 0), 0);
    for (int i = 0; i < FOLDER_FILES_MAX; i++) {
        snprintf(path, sizeof path, "large/%d.yaml", i);
        write_file(path, "");
    }
    assert_int_equal(config_load_folder(folder, &set, &diags, &err), VX_ELIMIT);
    assert_non_null(strstr(err.message, "large: more than 10000 files"));
    vx_diags_done(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_files_count_but_hidden_ones_do_not),
        cmocka_unit_test(nothing_is_left_out_quietly),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(a_folder_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
