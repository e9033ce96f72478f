/* `veltrix show` and `veltrix export`: look into a release, and write it out as a folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configsvc/cli/source.h"
#include "configsvc/wire/wire.h"

static bool fetch(struct cli *cli, bool texts, struct client_answer *answer, int *code)
{
    const char *name = source_release_name(cli, cli->words[0]);
    const char *fleet = name ? client_fleet(cli, NULL, code) : NULL;
    if (!name)
        *code = EXIT_USAGE;
    if (!fleet)
        return false;
    const char *path = vx_arena_printf(&cli->arena, "/releases/%s%s", name, texts ? "?texts=1" : "");
    if (client_call(cli, "GET", fleet, path, vx_span(NULL, 0), answer) &&
        client_has(cli, answer, answer->json, "release", JSON_KIND_INT) &&
        client_has(cli, answer, answer->json, "documents", JSON_KIND_ARRAY))
        return true;
    *code = client_fail(cli, answer, NULL);
    return false;
}

static const char *text_of(struct cli *cli, struct json_value object, const char *key)
{
    return wire_get_str(object, key, &cli->arena, "");
}

static void print_release(struct cli *cli, struct json_value release, struct vx_buf *out)
{
    struct cli_table table = {0};
    vx_buf_printf(out, "release @%lld (on @%lld)\nauthor  %s\ntime    %s\nmessage %s\n\n",
                  (long long)wire_get_int(release, "release", 0), (long long)wire_get_int(release, "parent", 0),
                  cli_printable(cli, text_of(cli, release, "author")),
                  cli_printable(cli, text_of(cli, release, "time")),
                  cli_printable(cli, text_of(cli, release, "message")));
    cli_table_row(cli, &table, 5, (const char *const[]){"KIND", "NAME", "FILE", "BYTES", "SHA256"});
    struct json_value documents = wire_get(release, "documents");
    for (struct json_iter it = json_iter(documents); documents.kind == JSON_KIND_ARRAY && json_next(&it);) {
        const char *cells[] = {
            text_of(cli, it.value, "kind"),
            text_of(cli, it.value, "name"),
            vx_arena_printf(&cli->arena, "%s:%lld", text_of(cli, it.value, "path"),
                            (long long)wire_get_int(it.value, "line", 1)),
            vx_arena_printf(&cli->arena, "%lld", (long long)wire_get_int(it.value, "size", 0)),
            vx_arena_printf(&cli->arena, "%.12s", text_of(cli, it.value, "sha256")),
        };
        cli_table_row(cli, &table, 5, cells);
    }
    cli_table_print(cli, &table, out);
}

/* The text of the document called `name` or "kind/name". */
static int print_document(struct cli *cli, struct json_value release, const char *name, struct vx_buf *out)
{
    const char *names[256];
    size_t count = 0, found = 0;
    struct json_value documents = wire_get(release, "documents");
    for (struct json_iter it = json_iter(documents); documents.kind == JSON_KIND_ARRAY && json_next(&it);) {
        const char *plain = text_of(cli, it.value, "name");
        const char *full = vx_arena_printf(&cli->arena, "%s/%s", text_of(cli, it.value, "kind"), plain);
        if (count < 256)
            names[count++] = plain;
        if (strcmp(name, plain) != 0 && strcmp(name, full) != 0)
            continue;
        if (found++)
            return cli_fail(cli, EXIT_USAGE, "%s has several documents called `%s`; say which kind: %s", cli->words[0],
                            name, full);
        vx_buf_clear(out);
        vx_buf_span(out, json_unescape(wire_get(it.value, "text"), &cli->arena));
    }
    const char *near = vx_nearest(vx_span_str(name), names, count);
    if (!found && near)
        return cli_fail(cli, EXIT_NO, "%s has no document `%s`; did you mean `%s`?", cli->words[0], name, near);
    if (!found)
        return cli_fail(cli, EXIT_NO, "%s has no document `%s`", cli->words[0], name);
    if (out->len && out->at[out->len - 1] != '\n')
        vx_buf_char(out, '\n');
    return EXIT_DONE;
}

static int run_show(struct cli *cli, const void *options)
{
    (void)options;
    struct client_answer answer;
    struct vx_buf out = {0};
    int code = EXIT_DONE;
    if (!fetch(cli, cli->word_count > 1 || cli->json, &answer, &code))
        return code;
    if (cli->word_count > 1) {
        code = print_document(cli, answer.json, cli->words[1], &out);
        if (code == EXIT_DONE && cli->json) {
            struct vx_buf json = {0};
            wire_open(&json, NULL, '{');
            wire_str(&json, "name", cli->words[1]);
            wire_text(&json, "text", vx_buf_view(&out));
            wire_close(&json, '}');
            cli_out_json(&json);
            vx_buf_done(&json);
        } else if (code == EXIT_DONE) {
            cli_out(&out);
        }
    } else if (cli->json) {
        vx_buf_span(&out, answer.text);
        cli_out_json(&out);
    } else {
        print_release(cli, answer.json, &out);
        cli_out(&out);
    }
    vx_buf_done(&out);
    return code;
}

const struct cli_command show_command = {
    .name = "show",
    .usage = "@N [NAME]",
    .summary = "a release, or one document of it",
    .help = "Shows who published release N and what is in it; with NAME (or kind/NAME) the text of that document.\n\n"
            "Exit: 0 done, 1 there is no such release or document, 2 usage or unreachable.\n\n"
            "  veltrix show @42\n"
            "  veltrix show @running player-events\n",
    .min_words = 1,
    .max_words = 2,
    .run = run_show,
};

/* --- export ---------------------------------------------------------------------------------------------------------- */

/* Opens folder/path for appending, making the folders between; -1 with errno. `path` has been checked. */
static int open_below(struct cli *cli, const char *folder, const char *path)
{
    char *full = vx_arena_printf(&cli->arena, "%s/%s", folder, path);
    for (char *p = full + strlen(folder) + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        int made = mkdir(full, 0777);
        *p = '/';
        if (made != 0 && errno != EEXIST)
            return -1;
    }
    return open(full, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
}

static bool append_document(struct cli *cli, const char *folder, const char *path, struct vx_span text)
{
    int fd = open_below(cli, folder, path);
    if (fd < 0)
        return false;
    struct vx_buf bytes = {0};
    if (lseek(fd, 0, SEEK_END) > 0)
        vx_buf_str(&bytes, "---\n");
    vx_buf_span(&bytes, text);
    if (text.len && text.at[text.len - 1] != '\n')
        vx_buf_char(&bytes, '\n');
    bool ok = write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len;
    vx_buf_done(&bytes);
    return close(fd) == 0 && ok;
}

/* Documents of one file go back into it in the order they stood in: smallest line first, again and again. */
static int write_documents(struct cli *cli, struct json_value documents, const char *folder, size_t *written)
{
    size_t count = json_count(documents, NULL);
    int64_t done_line = 0;
    for (int64_t next; *written < count; done_line = next) {
        next = INT64_MAX;
        for (struct json_iter it = json_iter(documents); json_next(&it);) {
            int64_t line = wire_get_int(it.value, "line", 1);
            if (line > done_line && line < next)
                next = line;
        }
        if (next == INT64_MAX)
            break;
        for (struct json_iter it = json_iter(documents); json_next(&it);) {
            const char *path = text_of(cli, it.value, "path");
            if (wire_get_int(it.value, "line", 1) != next)
                continue;
            if (!wire_path_valid(path))
                return cli_fail(cli, EXIT_NO, "the release names a file that is not below its folder: `%s`",
                                cli_printable(cli, path));
            if (!append_document(cli, folder, path, json_unescape(wire_get(it.value, "text"), &cli->arena)))
                return cli_fail(cli, EXIT_USAGE, "%s/%s cannot be written: %s", folder, path, strerror(errno));
            ++*written;
        }
    }
    return EXIT_DONE;
}

static int run_export(struct cli *cli, const void *options)
{
    (void)options;
    struct client_answer answer;
    const char *folder = cli->words[1];
    size_t written = 0;
    int code = EXIT_DONE;
    if (!fetch(cli, true, &answer, &code))
        return code;
    /* rmdir() says without a race whether there is something in it. */
    if (rmdir(folder) != 0 && errno != ENOENT)
        return cli_fail(cli, EXIT_USAGE, "%s is there and not an empty folder: nothing is written over", folder);
    if (mkdir(folder, 0777) != 0)
        return cli_fail(cli, EXIT_USAGE, "%s cannot be made: %s", folder, strerror(errno));
    struct json_value documents = wire_get(answer.json, "documents");
    if (documents.kind == JSON_KIND_ARRAY)
        code = write_documents(cli, documents, folder, &written);
    struct vx_buf out = {0};
    if (code == EXIT_DONE && cli->json) {
        wire_open(&out, NULL, '{');
        wire_int(&out, "release", wire_get_int(answer.json, "release", 0));
        wire_str(&out, "folder", folder);
        wire_int(&out, "documents", (int64_t)written);
        wire_close(&out, '}');
        cli_out_json(&out);
    } else if (code == EXIT_DONE) {
        vx_buf_printf(&out, "release @%lld: %zu documents written to %s\n",
                      (long long)wire_get_int(answer.json, "release", 0), written, folder);
        cli_out(&out);
    }
    vx_buf_done(&out);
    return code;
}

const struct cli_command export_command = {
    .name = "export",
    .usage = "@N DIR",
    .summary = "write a release out as a folder",
    .help = "Writes the documents of release N to their files below DIR, which must be empty or not there.\n\n"
            "Exit: 0 done, 1 there is no such release, 2 usage, unreachable, or DIR cannot be written.\n\n"
            "  veltrix export @running work/ && $EDITOR work/*.yaml && veltrix apply work/ -m 'raise the limit'\n",
    .min_words = 2,
    .max_words = 2,
    .run = run_export,
};
