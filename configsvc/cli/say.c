/* How commands speak: sentences, findings, JSON, tables, times. Standard output carries results only. One thread. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "configsvc/cli/cli.h"
#include "configsvc/wire/wire.h"
#include "core/base/clock.h"
#include "core/base/utf8.h"

int cli_fail_findings(struct cli *cli, int code, const char *label, const struct vx_diags *findings,
                      const char *message)
{
    fflush(stdout);
    fprintf(stderr, "veltrix: %s\n", message);
    if (cli->output && strcmp(cli->output, "json") == 0) {
        struct vx_buf out = {0};
        struct vx_diags none = {0};
        wire_open(&out, NULL, '{');
        wire_open(&out, "error", '{');
        wire_str(&out, "code", label);
        wire_str(&out, "message", message);
        wire_findings(&out, "findings", findings ? findings : &none);
        wire_close(&out, '}');
        wire_close(&out, '}');
        cli_out_json(&out);
        vx_buf_done(&out);
    }
    return code;
}

int cli_fail(struct cli *cli, int code, const char *fmt, ...)
{
    struct vx_buf message = {0};
    va_list args;
    va_start(args, fmt);
    vx_buf_vprintf(&message, fmt, args);
    va_end(args);
    cli_fail_findings(cli, code, code == EXIT_USAGE ? "usage" : "refused", NULL, vx_buf_text(&message));
    vx_buf_done(&message);
    return code;
}

void cli_print_findings(const struct cli *cli, struct vx_diags *findings)
{
    struct vx_buf text = {0};
    vx_diags_sort(findings);
    vx_diags_print(findings, &text, cli->color_err);
    fflush(stdout);
    fputs(vx_buf_text(&text), stderr);
    vx_buf_done(&text);
}

void cli_progress(const struct cli *cli, const char *fmt, ...)
{
    va_list args;
    (void)cli;
    fflush(stdout);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

void cli_out(const struct vx_buf *text)
{
    fwrite(vx_buf_text(text), 1, text->len, stdout);
}

void cli_out_json(struct vx_buf *json)
{
    if (json->len == 0 || json->at[json->len - 1] != '\n')
        vx_buf_char(json, '\n');
    cli_out(json);
}

const char *cli_author(struct cli *cli)
{
    char host[128] = "localhost";
    const struct passwd *pw = getpwuid(getuid());
    const char *user = getenv("USER");
    gethostname(host, sizeof host - 1);
    return vx_arena_printf(&cli->arena, "%s@%s", user && user[0] ? user : pw ? pw->pw_name : "unknown", host);
}

int64_t cli_time_load(const char *text)
{
    struct tm tm = {0};
    int ms = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return 0;
    if (sscanf(rest, ".%3dZ", &ms) != 1)
        ms = 0;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

const char *cli_ago(struct cli *cli, int64_t wall_ms)
{
    int64_t s = (vx_clock_wall_ms() - wall_ms) / 1000;
    if (wall_ms == 0)
        return "-";
    if (s < 2)
        return "just now";
    if (s < 120)
        return vx_arena_printf(&cli->arena, "%lld s ago", (long long)s);
    if (s < 2 * 3600)
        return vx_arena_printf(&cli->arena, "%lld min ago", (long long)(s / 60));
    if (s < 48 * 3600)
        return vx_arena_printf(&cli->arena, "%lld h ago", (long long)(s / 3600));
    return vx_arena_printf(&cli->arena, "%lld days ago", (long long)(s / 86400));
}

uint32_t cli_release(const char *text)
{
    size_t len = text[0] == '@' ? strlen(text + 1) : 0;
    if (len == 0 || len > 9 || strspn(text + 1, "0123456789") != len)
        return 0;
    return (uint32_t)atol(text + 1);
}

const char *cli_printable(struct cli *cli, const char *text)
{
    struct vx_buf clean = {0};
    vx_buf_printable(&clean, vx_span_str(text), "\n");
    const char *copy = vx_arena_str(&cli->arena, vx_buf_text(&clean));
    vx_buf_done(&clean);
    return copy;
}

void cli_out_help(const struct cli *cli, const struct vx_buf *text)
{
    if (!cli->json) {
        cli_out(text);
        return;
    }
    struct vx_buf out = {0};
    wire_open(&out, NULL, '{');
    wire_text(&out, "help", vx_buf_view(text));
    wire_close(&out, '}');
    cli_out_json(&out);
    vx_buf_done(&out);
}

/* --- tables ---------------------------------------------------------------------------------------------------------- */

void cli_table_row(struct cli *cli, struct cli_table *table, size_t columns, const char *const *cells)
{
    if (table->count + columns > table->room) {
        size_t room = table->room ? table->room * 2 : 64 * columns;
        const char **grown = VX_ARENA_ARRAY(&cli->arena, const char *, room);
        if (table->count)
            memcpy(grown, table->cells, table->count * sizeof *grown);
        table->cells = grown;
        table->room = room;
    }
    table->columns = columns;
    for (size_t i = 0; i < columns; i++)
        table->cells[table->count++] = cli_printable(cli, cells[i] ? cells[i] : "-");
}

/* Columns on a screen, near enough: code points, or bytes where it is not UTF-8. */
static size_t width_of(const char *text)
{
    struct vx_span s = vx_span_str(text);
    return vx_utf8_valid(s) ? vx_utf8_count(s) : s.len;
}

void cli_table_print(const struct cli *cli, const struct cli_table *table, struct vx_buf *out)
{
    size_t widths[16] = {0};
    vx_assert(table->columns <= 16);
    for (size_t i = 0; i < table->count; i++) {
        size_t w = width_of(table->cells[i]);
        if (w > widths[i % table->columns])
            widths[i % table->columns] = w;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        bool head = i < table->columns && cli->color, last = column + 1 == table->columns;
        vx_buf_printf(out, "%s%s%s", head ? "\033[1m" : "", table->cells[i], head ? "\033[0m" : "");
        if (last)
            vx_buf_char(out, '\n');
        else
            vx_buf_printf(out, "%*s", (int)(widths[column] - width_of(table->cells[i]) + 2), "");
    }
}
