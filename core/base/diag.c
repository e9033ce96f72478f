/* Findings with a place, and the search for the name that was meant. The owner's thread only. */
#include "core/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/utf8.h"

enum { NAME_MAX_BYTES = 64 };

void vx_diags_init(struct vx_diags *diags)
{
    memset(diags, 0, sizeof *diags);
}

void vx_diags_done(struct vx_diags *diags)
{
    free(diags->items);
    vx_arena_done(&diags->arena);
    vx_diags_init(diags);
}

void vx_diags_add(struct vx_diags *diags, const struct vx_diag *at, const char *fmt, ...)
{
    if (diags->count == diags->room) {
        diags->room = diags->room ? diags->room * 2 : 8;
        diags->items = realloc(diags->items, diags->room * sizeof *diags->items);
        vx_assert(diags->items != NULL);
    }
    struct vx_buf text = {0};
    va_list args;
    va_start(args, fmt);
    vx_buf_vprintf(&text, fmt, args);
    va_end(args);
    struct vx_diag *item = &diags->items[diags->count++];
    *item = *at;
    item->file = vx_arena_str(&diags->arena, at->file ? at->file : "");
    item->message = vx_arena_span(&diags->arena, vx_buf_view(&text)).at;
    item->quoted = vx_arena_span(&diags->arena, at->quoted);
    if (item->width < 1)
        item->width = 1;
    diags->error_count += item->severity == VX_ERROR;
    vx_buf_done(&text);
}

static int compare(const struct vx_diag *a, const struct vx_diag *b)
{
    int c = strcmp(a->file, b->file);
    if (!c)
        c = (a->line > b->line) - (a->line < b->line);
    return c ? c : (a->column > b->column) - (a->column < b->column);
}

void vx_diags_sort(struct vx_diags *diags)
{
    for (size_t i = 1; i < diags->count; i++) {
        struct vx_diag item = diags->items[i];
        size_t k = i;
        for (; k > 0 && compare(&diags->items[k - 1], &item) > 0; k--)
            diags->items[k] = diags->items[k - 1];
        diags->items[k] = item;
    }
}

/* Repeats the blanks before the caret as the source line has them, so that tabs stay aligned. */
static void print_caret(const struct vx_diag *item, struct vx_buf *out, bool color)
{
    const char *p = item->quoted.at, *end = p + item->quoted.len;
    int len;
    vx_buf_str(out, "      | ");
    for (int column = 1; column < item->column; column++) {
        bool tab = p < end && *p == '\t';
        if (p < end) {
            vx_utf8_decode(p, end, &len);
            p += len;
        }
        vx_buf_char(out, tab ? '\t' : ' ');
    }
    vx_buf_str(out, color ? "\033[1;32m^" : "^");
    for (int i = 1; i < item->width && p < end; i++) {
        vx_utf8_decode(p, end, &len);
        p += len;
        if (p < end)
            vx_buf_char(out, '~');
    }
    vx_buf_str(out, color ? "\033[0m\n" : "\n");
}

void vx_diags_print(const struct vx_diags *diags, struct vx_buf *out, bool color)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct vx_diag *item = &diags->items[i];
        const char *name = item->severity == VX_ERROR ? "error" : "warning";
        const char *paint = !color ? "" : item->severity == VX_ERROR ? "\033[1;31m" : "\033[1;35m";
        vx_buf_printable(out, vx_span_str(item->file), "");
        if (item->file[0])
            vx_buf_char(out, ':');
        if (item->line > 0)
            vx_buf_printf(out, "%d:%d:", item->line, item->column);
        vx_buf_printf(out, "%s%s%s:%s ", item->file[0] || item->line > 0 ? " " : "", paint, name,
                      color ? "\033[0m" : "");
        vx_buf_printable(out, vx_span_str(item->message), "\t");
        vx_buf_char(out, '\n');
        if (item->line > 0 && item->quoted.len > 0) {
            vx_buf_printf(out, "%5d | ", item->line);
            vx_buf_printable(out, item->quoted, "\t");
            vx_buf_char(out, '\n');
            print_caret(item, out, color);
        }
    }
}

/* Optimal string alignment distance (Damerau 1964): insert, delete, replace, swap of neighbours. */
static size_t distance(struct vx_span a, struct vx_span b)
{
    size_t row[3][NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = last[j - 1] + (a.at[i - 1] != b.at[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[a.len % 3][b.len];
}

const char *vx_nearest(struct vx_span name, const char *const *names, size_t count)
{
    const char *found = NULL;
    size_t limit = name.len / 3 > 1 ? name.len / 3 : 1;
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct vx_span known = vx_span_str(names[i]);
        if (known.len > NAME_MAX_BYTES)
            continue;
        size_t d = distance(name, known);
        if (d <= limit && d < known.len) {
            found = names[i];
            limit = d > 0 ? d - 1 : 0;
            if (d == 0)
                break;
        }
    }
    return found;
}
