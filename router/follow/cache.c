/* The last good copy on disk. The follower's thread; no state.
 *
 *     veltrix last good copy 1
 *     fleet payments
 *     pointer 42 7 14841639068965178418 7120945            release, generation, cluster, move where known
 *     entry routing player-events 1 1234 <sha256> a.yaml    kind, name, line, bytes, hash, path
 *     <the text>
 *     ...
 *     end <sha256 of all above>
 */
#include "router/follow/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"

#define MAGIC "veltrix last good copy 1"

enum { PATH_SIZE = 4096 };

static enum vx_status io_error(struct vx_err *err, const char *what, const char *path)
{
    int code = errno;
    enum vx_status st = code == ENOSPC || code == EDQUOT                   ? VX_ENOSPACE
                        : code == EACCES || code == EPERM || code == EROFS ? VX_EDENIED
                        : code == ENOENT                                   ? VX_ENOTFOUND
                                                                           : VX_EIO;
    return vx_err_set(err, st, "%s %s: %s", what, path, strerror(code));
}

enum vx_status cache_check(const char *dir, struct vx_err *err)
{
    struct stat st;
    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return io_error(err, "state_dir: cannot make", dir);
    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return vx_err_set(err, VX_EINVAL, "state_dir: %s is not a directory", dir);
    if (access(dir, W_OK | X_OK) != 0)
        return io_error(err, "state_dir: cannot write to", dir);
    return VX_OK;
}

static void print_entry(struct vx_buf *out, const struct store_entry *e)
{
    vx_buf_printf(out, "entry %s %s %d %zu %s ", e->kind, e->name, e->line, e->text.len, e->sha256);
    for (const char *p = e->path; *p; p++)
        vx_buf_char(out, *p == '\n' ? '?' : *p);
    vx_buf_char(out, '\n');
    vx_buf_span(out, e->text);
    vx_buf_char(out, '\n');
}

void cache_print(struct vx_buf *out, const char *fleet, const struct cache_copy *copy)
{
    char hex[VX_SHA256_HEX_SIZE];
    vx_buf_printf(out, MAGIC "\nfleet %s\npointer %" PRIu32 " %" PRIu64 " %" PRIu64, fleet, copy->pointer.release,
                  copy->pointer.generation, copy->pointer.cluster_id);
    if (copy->pointer.move_id)
        vx_buf_printf(out, " %" PRIu64, copy->pointer.move_id);
    vx_buf_char(out, '\n');
    for (size_t i = 0; i < copy->entry_count; i++)
        print_entry(out, &copy->entries[i]);
    vx_sha256_hex(vx_buf_view(out), hex);
    vx_buf_printf(out, "end %s\n", hex);
}

static bool write_all(int fd, struct vx_span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text = vx_span(text.at + n, text.len - (size_t)n);
    }
    return true;
}

static bool sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

enum vx_status cache_write(const char *dir, const char *fleet, const struct cache_copy *copy, struct vx_err *err)
{
    char path[PATH_SIZE], temp[PATH_SIZE + 8];
    snprintf(path, sizeof path, "%s/%s.release", dir, fleet);
    snprintf(temp, sizeof temp, "%s.tmp", path);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return io_error(err, "cannot write", temp);
    struct vx_buf text = {0};
    cache_print(&text, fleet, copy);
    bool ok = write_all(fd, vx_buf_view(&text)) && fsync(fd) == 0;
    enum vx_status st = ok ? VX_OK : io_error(err, "cannot write", temp);
    vx_buf_done(&text);
    if (close(fd) != 0 && st == VX_OK)
        st = io_error(err, "cannot write", temp);
    if (st == VX_OK && (rename(temp, path) != 0 || !sync_dir(dir)))
        st = io_error(err, "cannot replace", path);
    if (st != VX_OK)
        unlink(temp);
    return st;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

struct reader {
    struct vx_span rest;
    struct vx_arena *arena;
};

static bool take_line(struct reader *r, struct vx_span *line)
{
    const char *end = r->rest.len ? memchr(r->rest.at, '\n', r->rest.len) : NULL;
    if (!end)
        return false;
    *line = vx_span(r->rest.at, (size_t)(end - r->rest.at));
    r->rest = vx_span(end + 1, r->rest.len - line->len - 1);
    return true;
}

static bool take_word(struct vx_span *line, struct vx_span *word)
{
    const char *end = line->len ? memchr(line->at, ' ', line->len) : NULL;
    *word = vx_span(line->at, end ? (size_t)(end - line->at) : line->len);
    size_t skip = word->len + (end ? 1 : 0);
    *line = vx_span(line->at + skip, line->len - skip);
    return word->len > 0;
}

static bool take_number(struct vx_span *line, uint64_t *out)
{
    struct vx_span word;
    if (!take_word(line, &word) || word.len > 20)
        return false;
    *out = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(word.at[i] - '0');
    }
    return true;
}

static bool take_entry(struct reader *r, struct vx_span line, struct store_entry *e)
{
    struct vx_span word, kind, name, sha;
    uint64_t first_line, size;
    if (!take_word(&line, &word) || !vx_span_is(word, "entry") || !take_word(&line, &kind) ||
        !take_word(&line, &name) || !take_number(&line, &first_line) || !take_number(&line, &size) ||
        !take_word(&line, &sha) || sha.len != VX_SHA256_HEX_SIZE - 1 || size >= r->rest.len || first_line > INT32_MAX)
        return false;
    *e = (struct store_entry){
        .kind = vx_arena_span(r->arena, kind).at,
        .name = vx_arena_span(r->arena, name).at,
        .path = vx_arena_span(r->arena, line).at,
        .line = (int)first_line,
        .size = (size_t)size,
        .text = vx_arena_span(r->arena, vx_span(r->rest.at, (size_t)size)),
    };
    memcpy(e->sha256, sha.at, sha.len);
    r->rest = vx_span(r->rest.at + size + 1, r->rest.len - (size_t)size - 1);
    char hex[VX_SHA256_HEX_SIZE];
    vx_sha256_hex(e->text, hex);
    return strcmp(hex, e->sha256) == 0;
}

static bool take_pointer(struct vx_span line, struct follow_pointer *out)
{
    struct vx_span word;
    uint64_t release, generation, cluster, move = 0;
    if (!take_word(&line, &word) || !vx_span_is(word, "pointer") || !take_number(&line, &release) ||
        !take_number(&line, &generation) || !take_number(&line, &cluster) || release == 0 || release > UINT32_MAX ||
        (line.len && !take_number(&line, &move)))
        return false;
    *out = (struct follow_pointer){
        .release = (uint32_t)release, .generation = generation, .cluster_id = cluster, .move_id = move};
    return true;
}

bool cache_load(struct vx_span text, const char *fleet, struct vx_arena *arena, struct cache_copy *out)
{
    struct reader r = {.rest = text, .arena = arena};
    struct vx_span line;
    struct cache_copy copy = {0};
    size_t room = 0;
    char want[STORE_NAME_SIZE + 8], hex[VX_SHA256_HEX_SIZE];
    snprintf(want, sizeof want, "fleet %s", fleet);
    if (!take_line(&r, &line) || !vx_span_is(line, MAGIC) || !take_line(&r, &line) || !vx_span_is(line, want) ||
        !take_line(&r, &line) || !take_pointer(line, &copy.pointer))
        return false;
    for (;;) {
        size_t above = text.len - r.rest.len;
        if (!take_line(&r, &line))
            return false;
        if (vx_span_starts_with(line, VX_SPAN_LITERAL("end "))) {
            vx_sha256_hex(vx_span(text.at, above), hex);
            *out = copy;
            return r.rest.len == 0 && vx_span_is(vx_span(line.at + 4, line.len - 4), hex);
        }
        if (copy.entry_count == room) {
            struct store_entry *more = VX_ARENA_ARRAY(arena, struct store_entry, room ? room * 2 : 64);
            if (room)
                memcpy(more, copy.entries, room * sizeof *more);
            copy.entries = more;
            room = room ? room * 2 : 64;
        }
        if (!take_entry(&r, line, &copy.entries[copy.entry_count++]))
            return false;
    }
}

enum vx_status cache_read(const char *dir, const char *fleet, struct vx_arena *arena, struct cache_copy *out,
                          struct vx_err *err)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s.release", dir, fleet);
    FILE *file = fopen(path, "re");
    if (!file)
        return io_error(err, "cannot read", path);
    struct vx_buf text = {0};
    size_t n;
    while ((n = fread(vx_buf_reserve(&text, 65536), 1, 65536, file)) > 0 && text.len < CACHE_MAX_BYTES)
        text.len += n;
    bool failed = ferror(file);
    fclose(file);
    enum vx_status st = VX_OK;
    if (failed)
        st = vx_err_set(err, VX_EIO, "cannot read %s", path);
    else if (!cache_load(vx_buf_view(&text), fleet, arena, out))
        st = vx_err_set(err, VX_ECORRUPT, "%s is damaged: it is not used", path);
    vx_buf_done(&text);
    return st;
}
