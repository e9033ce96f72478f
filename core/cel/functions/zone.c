/* All time zones of a tz database, by name.
 *
 * Built at load by one thread, immutable afterwards and shared by all. The table of the system lives as long as the
 * process. Zones that are links to one file (most old names are) share what was read from it. What is left out, because
 * it is no name of a zone that two machines would agree on: `localtime`, `posixrules`, `Factory`, and the copies of
 * everything under `posix` and `right`.
 *
 *     dir/Europe/Paris ──> zones[n] {name, tz} <── index (open addressing, n + 1, 0 is free)
 */
#include "core/cel/functions/zone.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/diag.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/cel/functions/tzif.h"

enum {
    DEPTH_MAX = 4,            /* folders: America/Argentina/Salta */
    NAME_SIZE = 128,          /* a zone's name */
    FILE_MAX_BYTES = 1 << 17, /* the largest of today has 4 KiB */
    ZONES_MAX = 4096,         /* files beyond are passed over; tzdata has 600 */
    INDEX_ROOM = 2 * ZONES_MAX,
};

struct zone {
    struct vx_span name;
    const struct tz *tz;
    dev_t device; /* and inode: what file it was read from */
    ino_t inode;
};

struct cel_zones {
    struct vx_arena arena; /* owns names and tz */
    struct zone *zones;    /* heap */
    size_t count, room;
    uint16_t index[INDEX_ROOM];
};

static uint16_t *find_place(struct cel_zones *zones, struct vx_span name)
{
    size_t at = vx_hash64(name) % INDEX_ROOM;
    while (zones->index[at] && !vx_span_equal(zones->zones[zones->index[at] - 1].name, name))
        at = (at + 1) % INDEX_ROOM;
    return &zones->index[at];
}

static void add_zone(struct cel_zones *zones, struct vx_span name, const struct tz *tz, const struct stat *file)
{
    uint16_t *place = find_place(zones, name);
    if (*place || zones->count == ZONES_MAX)
        return;
    if (zones->count == zones->room) {
        zones->room = zones->room ? 2 * zones->room : 1024;
        zones->zones = realloc(zones->zones, zones->room * sizeof *zones->zones);
        vx_assert(zones->zones != NULL);
    }
    zones->zones[zones->count++] = (struct zone){vx_arena_span(&zones->arena, name), tz, file->st_dev, file->st_ino};
    *place = (uint16_t)zones->count;
}

/* ---- reading ---- */

static const struct tz *find_file(const struct cel_zones *zones, const struct stat *file)
{
    for (size_t i = 0; i < zones->count; i++) {
        if (zones->zones[i].inode == file->st_ino && zones->zones[i].device == file->st_dev)
            return zones->zones[i].tz;
    }
    return NULL;
}

static void read_file(struct cel_zones *zones, int fd, const struct stat *file, const char *name)
{
    const struct tz *tz = find_file(zones, file);
    if (!tz && file->st_size > 0 && file->st_size <= FILE_MAX_BYTES) {
        size_t size = (size_t)file->st_size;
        char *bytes = malloc(size);
        vx_assert(bytes != NULL);
        struct tz *own = VX_ARENA_NEW(&zones->arena, struct tz);
        if (read(fd, bytes, size) == (ssize_t)size && tz_read(&zones->arena, vx_span(bytes, size), own))
            tz = own;
        free(bytes);
    }
    if (tz)
        add_zone(zones, vx_span_str(name), tz, file);
}

static bool is_left_out(const char *name, int depth)
{
    static const char *const names[] = {"localtime", "posixrules", "Factory", "posix", "right"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (depth == 0 && strcmp(name, names[i]) == 0)
            return true;
    }
    return name[0] == '.';
}

/* Reads what is in the folder `fd`, which it closes; `path` is its name, with a slash behind, or "". */
static void read_folder(struct cel_zones *zones, int fd, const char *path, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[NAME_SIZE];
        struct stat file;
        size_t len = strlen(path), more = strlen(entry->d_name);
        int at = -1;
        if (is_left_out(entry->d_name, depth) || len + more + 2 > sizeof name ||
            (at = openat(fd, entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
            continue;
        memcpy(name, path, len);
        memcpy(name + len, entry->d_name, more + 1);
        bool known = fstat(at, &file) == 0;
        if (known && S_ISDIR(file.st_mode) && depth + 1 < DEPTH_MAX) {
            memcpy(name + len + more, "/", 2);
            read_folder(zones, at, name, depth + 1);
            continue;
        }
        if (known && S_ISREG(file.st_mode))
            read_file(zones, at, &file, name);
        close(at);
    }
    closedir(dir);
}

struct cel_zones *cel_zones_load(const char *dir)
{
    struct cel_zones *zones = calloc(1, sizeof *zones);
    vx_assert(zones != NULL);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        read_folder(zones, fd, "", 0);
    struct tz *utc = VX_ARENA_NEW(&zones->arena, struct tz);
    utc->has_rule = true;
    add_zone(zones, VX_SPAN_LITERAL("UTC"), utc, &(struct stat){0});
    return zones;
}

void cel_zones_free(struct cel_zones *zones)
{
    if (!zones)
        return;
    vx_arena_done(&zones->arena);
    free(zones->zones);
    free(zones);
}

static const struct cel_zones *system_zones;

static void load_system(void)
{
    system_zones = cel_zones_load("/usr/share/zoneinfo");
}

const struct cel_zones *cel_zones(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_system);
    return system_zones;
}

/* ---- looking up ---- */

uint16_t cel_zones_find(const struct cel_zones *zones, struct vx_span name)
{
    return *find_place((struct cel_zones *)zones, name);
}

const char *cel_zones_nearest(const struct cel_zones *zones, struct vx_span name)
{
    const char **names = malloc(zones->count * sizeof *names);
    vx_assert(names != NULL);
    for (size_t i = 0; i < zones->count; i++)
        names[i] = zones->zones[i].name.at;
    const char *near = vx_nearest(name, names, zones->count);
    free(names);
    return near;
}

int32_t cel_zones_offset(const struct cel_zones *zones, uint16_t zone, int64_t at)
{
    return tz_offset(zones->zones[zone - 1].tz, at);
}

size_t cel_zones_count(const struct cel_zones *zones)
{
    return zones->count;
}
