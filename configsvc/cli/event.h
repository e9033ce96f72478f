/* The event that options of a command describe: --event, --header, --key. One thread. */
#ifndef VX_CLI_EVENT_H
#define VX_CLI_EVENT_H

#include "configsvc/cli/cli.h"
#include "core/cel/cel.h"

enum { EVENT_MAX_BYTES = 64 * 1024 * 1024 };

struct event_options {
    const char *file; /* its value; NULL: a tombstone; "-": standard input */
    struct cli_list headers;
    const char *key; /* NULL: none */
};

/* The rows of these options; `of` is the command's struct, `member` its struct event_options. */
#define EVENT_ROWS(of, member)                                                                                         \
    {"event",  'e',                                                                                                    \
     CLI_TEXT, offsetof(of, member.file),                                                                              \
     "FILE",   "the event's value; - is standard input (default: none, a tombstone)"},                                 \
        {"header", 0, CLI_LIST, offsetof(of, member.headers), "NAME=VALUE", "a header; may be repeated"},              \
    {                                                                                                                  \
        "key", 0, CLI_TEXT, offsetof(of, member.key), "KEY", "the event's key"                                         \
    }

/* Fills `ev`, but for its topic; it borrows from `text`, which holds the value, and from the arena. EXIT_USAGE after a
 * sentence. */
VX_MUSTCHECK int event_load(struct cli *cli, const struct event_options *o, struct vx_buf *text, struct cel_event *ev);

#endif
