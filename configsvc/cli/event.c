/* Loading the event that options describe. See event.h. One thread. */
#include "configsvc/cli/event.h"

#include <errno.h>
#include <stdio.h>

static int read_value(struct cli *cli, const char *path, struct vx_buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (!file)
        return cli_fail(cli, EXIT_USAGE, "%s cannot be read: %s", path, strerror(errno));
    for (size_t n = 1; n > 0 && out->len <= EVENT_MAX_BYTES;) {
        char *to = vx_buf_reserve(out, 65536);
        n = fread(to, 1, 65536, file);
        out->len += n;
    }
    bool bad = ferror(file) || out->len > EVENT_MAX_BYTES;
    if (!standard)
        fclose(file);
    if (bad)
        return cli_fail(cli, EXIT_USAGE, "%s cannot be read, or is larger than 64 MiB", path);
    /* Editors and shells end a file with a newline that no producer would send. */
    out->len -= out->len > 0 && out->at[out->len - 1] == '\n';
    out->len -= out->len > 0 && out->at[out->len - 1] == '\r';
    return EXIT_DONE;
}

int event_load(struct cli *cli, const struct event_options *o, struct vx_buf *text, struct cel_event *ev)
{
    struct cel_header *headers = VX_ARENA_ARRAY(&cli->arena, struct cel_header, o->headers.count + 1);
    *ev = (struct cel_event){.key = vx_span_str(o->key), .headers = headers, .header_count = o->headers.count};
    for (size_t i = 0; i < o->headers.count; i++) {
        const char *pair = o->headers.at[i], *equals = strchr(pair, '=');
        if (!equals || equals == pair)
            return cli_fail(cli, EXIT_USAGE, "--header is NAME=VALUE, not `%s`", pair);
        headers[i] = (struct cel_header){vx_span(pair, (size_t)(equals - pair)), vx_span_str(equals + 1)};
    }
    if (!o->file)
        return EXIT_DONE;
    int code = read_value(cli, o->file, text);
    ev->value = vx_span(vx_buf_text(text), text->len);
    return code;
}
