/* Reading events from a JSONL file. One thread. */
#ifndef VX_CLI_EVENTS_H
#define VX_CLI_EVENTS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/cel/cel.h"

enum { EVENTS_FILE_MAX_BYTES = 512 * 1024 * 1024 };

/* One event to send; all in the arena. */
struct events_item {
    const char *topic;    /* NULL: the line names none */
    struct vx_span key;   /* at == NULL: none */
    struct vx_span value; /* the bytes as they stand in the file; at == NULL: tombstone */
    struct cel_header *headers;
    size_t header_count;
};

/* Reads `path` ("-": standard input): one event a line, empty lines left out. A line is
 *     {"headers": {"name": "text"}, "key": "text" or null, "value": any JSON, "topic": "name"}
 * where only `value` must be there and nothing else may be, or, else, just the value. VX_EIO, VX_EINVAL, VX_ELIMIT with a
 * sentence that names the line. */
VX_MUSTCHECK enum vx_status events_load(const char *path, struct vx_arena *arena, struct events_item **out,
                                        size_t *count, struct vx_err *err);

#endif
