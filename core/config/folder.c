/* Reads every *.yaml and *.yml below a folder, in the order of their paths. Hidden files are left out. A link that leads
 * out of the folder, or nowhere, is not followed but refused: left out quietly, its routing would end with the next apply.
 * Load-time only; any one thread.
 */
#include "core/config/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct folder {
    const char *root; /* as given, without a `/` at its end */
    char *real;       /* resolved */
    char **paths;
    size_t count, room;
    struct vx_err *err;
};

static enum vx_status fail(struct folder *f, const char *path, int error)
{
    enum vx_status code = error == ENOENT ? VX_ENOTFOUND : VX_EIO;
    return vx_err_set(f->err, code, "%s: %s", path, strerror(error));
}

static bool is_yaml(const char *name)
{
    struct vx_span s = vx_span_str(name);
    return vx_span_ends_with(s, VX_SPAN_LITERAL(".yaml")) || vx_span_ends_with(s, VX_SPAN_LITERAL(".yml"));
}

static bool inside(const struct folder *f, const char *path)
{
    char *real = realpath(path, NULL);
    size_t len = strlen(f->real);
    bool yes = real && strncmp(real, f->real, len) == 0 && (real[len] == '/' || len == 1);
    free(real);
    return yes;
}

static enum vx_status add(struct folder *f, const char *path)
{
    if (f->count == FOLDER_FILES_MAX)
        return vx_err_set(f->err, VX_ELIMIT, "%s: more than %d files", f->root, FOLDER_FILES_MAX);
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 32;
        f->paths = realloc(f->paths, f->room * sizeof *f->paths);
        vx_assert(f->paths != NULL);
    }
    f->paths[f->count] = strdup(path);
    vx_assert(f->paths[f->count++] != NULL);
    return VX_OK;
}

static enum vx_status walk(struct folder *f, const char *path, int depth);

/* A link to a file inside counts as that file; what a link to a folder inside holds is visited where it stands. */
static enum vx_status visit_link(struct folder *f, const char *path, const char *name)
{
    struct stat st;
    if (inside(f, path) && stat(path, &st) == 0)
        return S_ISREG(st.st_mode) && is_yaml(name) ? add(f, path) : VX_OK;
    if (!is_yaml(name))
        return VX_OK;
    return vx_err_set(f->err, VX_EINVAL,
                      "%s: a link that leads out of the folder, or nowhere; put the file itself there", path);
}

static enum vx_status visit(struct folder *f, const char *path, const char *name, int depth)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return fail(f, path, errno);
    if (S_ISLNK(st.st_mode))
        return visit_link(f, path, name);
    if (!S_ISDIR(st.st_mode))
        return S_ISREG(st.st_mode) && is_yaml(name) ? add(f, path) : VX_OK;
    if (depth < FOLDER_DEPTH_MAX)
        return walk(f, path, depth + 1);
    return vx_err_set(f->err, VX_ELIMIT, "%s: folders stand in folders more than %d deep", path, FOLDER_DEPTH_MAX);
}

static enum vx_status walk(struct folder *f, const char *path, int depth)
{
    DIR *dir = opendir(path);
    enum vx_status status = VX_OK;
    struct dirent *entry;
    if (!dir)
        return fail(f, path, errno);
    while (status == VX_OK && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        struct vx_buf child = {0};
        vx_buf_printf(&child, "%s/%s", path, entry->d_name);
        status = visit(f, vx_buf_text(&child), entry->d_name, depth);
        vx_buf_done(&child);
    }
    closedir(dir);
    return status;
}

static enum vx_status read_file(struct folder *f, const char *path, struct vx_buf *text)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(f, path, errno);
    for (size_t got = 1; got > 0 && text->len <= FOLDER_FILE_MAX_BYTES; text->len += got)
        got = fread(vx_buf_reserve(text, 65536), 1, 65536, file);
    int error = ferror(file) ? EIO : 0;
    fclose(file);
    if (error)
        return fail(f, path, error);
    if (text->len > FOLDER_FILE_MAX_BYTES)
        return vx_err_set(f->err, VX_ELIMIT, "%s: more than %d bytes", path, FOLDER_FILE_MAX_BYTES);
    return VX_OK;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum vx_status load(struct folder *f, struct config_set **out, struct vx_diags *diags)
{
    struct config_source *sources = calloc(f->count + 1, sizeof *sources);
    struct vx_buf *texts = calloc(f->count + 1, sizeof *texts);
    vx_assert(sources != NULL && texts != NULL);
    enum vx_status status = VX_OK;
    size_t read = 0;
    for (; status == VX_OK && read < f->count; read++) {
        status = read_file(f, f->paths[read], &texts[read]);
        sources[read] = (struct config_source){f->paths[read], vx_span(vx_buf_text(&texts[read]), texts[read].len), 1};
    }
    if (status == VX_OK)
        status = config_load_sources(sources, f->count, strlen(f->root) + 1, out, diags);
    for (size_t i = 0; i < read; i++)
        vx_buf_done(&texts[i]);
    free(texts);
    free(sources);
    return status;
}

enum vx_status config_load_folder(const char *folder, struct config_set **out, struct vx_diags *diags,
                                  struct vx_err *err)
{
    struct folder f = {.err = err};
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    char *root = strndup(folder, len);
    vx_assert(root != NULL);
    f.root = root;
    f.real = realpath(root, NULL);
    enum vx_status status = f.real ? walk(&f, root, 0) : fail(&f, root, errno);
    if (status == VX_OK && f.count == 0)
        status = vx_err_set(err, VX_ENOTFOUND, "%s: no *.yaml or *.yml in it", root);
    if (f.count > 0)
        qsort(f.paths, f.count, sizeof *f.paths, compare_paths);
    if (status == VX_OK)
        status = load(&f, out, diags);
    for (size_t i = 0; i < f.count; i++)
        free(f.paths[i]);
    free(f.paths);
    free(f.real);
    free(root);
    return status;
}
