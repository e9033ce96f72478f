/* A classic unified diff of two releases' documents, line by line (E. Myers, "An O(ND) difference algorithm", 1986), with
 * three lines around each change. No state; any one thread.
 */
#include <stdlib.h>

#include "core/config/diff.h"

enum {
    AROUND = 3,       /* lines */
    EDITS_MAX = 1000, /* beyond, what differs is shown as replaced: the trace takes the square of it */
};

struct lines {
    struct vx_span *at;
    int count;
};

/* One line of the result: ' ' in both, '-' only in a, '+' only in b. */
struct edit {
    char sign;
    int a, b; /* lines before it, in either text */
    struct vx_span text;
};

struct script {
    struct edit *at;
    int count;
};

static struct lines split(struct vx_span text)
{
    struct lines lines = {0};
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    lines.at = calloc(count, sizeof *lines.at);
    vx_assert(lines.at != NULL);
    for (size_t begin = 0; begin < text.len;) {
        const char *end = memchr(text.at + begin, '\n', text.len - begin);
        size_t stop = end ? (size_t)(end - text.at) : text.len;
        lines.at[lines.count++] = vx_span(text.at + begin, stop - begin);
        begin = stop + 1;
    }
    return lines;
}

/* The lines that the shortest script keeps: keep[i] of a is the line of b it equals, else -1. `from`..: what differs. */
static void keep_lines(const struct lines *a, const struct lines *b, int a_from, int a_to, int b_from, int b_to,
                       int *keep)
{
    int n = a_to - a_from, m = b_to - b_from, most = n + m < EDITS_MAX ? n + m : EDITS_MAX;
    int *v = calloc((size_t)(2 * most + 3), sizeof *v), **trace = calloc((size_t)most + 1, sizeof *trace);
    vx_assert(v != NULL && trace != NULL);
    int found = -1, d;
    for (d = 0; d <= most && found < 0; d++) {
        trace[d] = malloc((size_t)(2 * d + 3) * sizeof **trace);
        vx_assert(trace[d] != NULL);
        memcpy(trace[d], v + most - d, (size_t)(2 * d + 3) * sizeof **trace); /* k = -d-1 .. d+1 of the step before */
        for (int k = -d; k <= d && found < 0; k += 2) {
            int *row = v + most + 1;
            int x = k == -d || (k != d && row[k - 1] < row[k + 1]) ? row[k + 1] : row[k - 1] + 1;
            while (x < n && x - k < m && x - k >= 0 && vx_span_equal(a->at[a_from + x], b->at[b_from + x - k]))
                x++;
            row[k] = x;
            found = x >= n && x - k >= m ? d : -1;
        }
    }
    for (int x = n, y = m, step = found; step >= 0; step--) {
        const int *row = trace[step] + step + 1;
        int k = x - y;
        int before = k == -step || (k != step && row[k - 1] < row[k + 1]) ? k + 1 : k - 1;
        int begin = step > 0 ? row[before] : 0;
        int x_from = step == 0 ? 0 : before == k + 1 ? begin : begin + 1;
        while (x > x_from) {
            x--;
            y--;
            keep[a_from + x] = b_from + y;
        }
        x = begin;
        y = begin - before;
    }
    for (int i = 0; i < d; i++)
        free(trace[i]);
    free(trace);
    free(v);
}

static struct script compare(const struct lines *a, const struct lines *b)
{
    struct script script = {calloc((size_t)(a->count + b->count) + 1, sizeof *script.at), 0};
    int *keep = calloc((size_t)a->count + 1, sizeof *keep);
    vx_assert(script.at != NULL && keep != NULL);
    int head = 0, tail = 0;
    while (head < a->count && head < b->count && vx_span_equal(a->at[head], b->at[head]))
        head++;
    while (tail < a->count - head && tail < b->count - head &&
           vx_span_equal(a->at[a->count - 1 - tail], b->at[b->count - 1 - tail]))
        tail++;
    for (int i = 0; i < a->count; i++)
        keep[i] = i < head ? i : i >= a->count - tail ? i + b->count - a->count : -1;
    keep_lines(a, b, head, a->count - tail, head, b->count - tail, keep);
    int y = 0;
    for (int x = 0; x <= a->count; x++) {
        int until = x == a->count ? b->count : keep[x];
        for (; until >= 0 && y < until; y++)
            script.at[script.count++] = (struct edit){'+', x, y, b->at[y]};
        if (x == a->count)
            break;
        script.at[script.count++] = (struct edit){keep[x] >= 0 ? ' ' : '-', x, y, a->at[x]};
        y += keep[x] >= 0;
    }
    free(keep);
    return script;
}

static void print_range(char sign, int first, int count, struct vx_buf *out)
{
    vx_buf_printf(out, "%c%d", sign, count ? first : first - 1);
    if (count != 1)
        vx_buf_printf(out, ",%d", count);
}

/* `a_line`, `b_line`: the lines of the files on which the texts begin. */
static void print_hunks(const struct script *s, int a_line, int b_line, struct vx_buf *out)
{
    for (int i = 0; i < s->count;) {
        if (s->at[i].sign == ' ') {
            i++;
            continue;
        }
        int begin = i > AROUND ? i - AROUND : 0, end = i, quiet = 0;
        while (end < s->count && quiet <= 2 * AROUND)
            quiet = s->at[end++].sign == ' ' ? quiet + 1 : 0;
        end -= quiet > AROUND ? quiet - AROUND : 0;
        int a_count = 0, b_count = 0;
        for (int k = begin; k < end; k++) {
            a_count += s->at[k].sign != '+';
            b_count += s->at[k].sign != '-';
        }
        vx_buf_str(out, "@@ ");
        print_range('-', s->at[begin].a + a_line, a_count, out);
        vx_buf_char(out, ' ');
        print_range('+', s->at[begin].b + b_line, b_count, out);
        vx_buf_str(out, " @@\n");
        for (int k = begin; k < end; k++)
            vx_buf_printf(out, "%c%.*s\n", s->at[k].sign, VX_SPAN_ARG(s->at[k].text));
        i = end;
    }
}

static void print_document(const struct config_document *a, const struct config_document *b, struct vx_buf *out)
{
    struct vx_span none = {0};
    if (a && b && vx_span_equal(a->text, b->text))
        return;
    struct lines was = split(a ? a->text : none), now = split(b ? b->text : none);
    struct script script = compare(&was, &now);
    vx_buf_printf(out, "--- %s%s\n", a ? "a/" : "/dev/null", a ? a->path : "");
    vx_buf_printf(out, "+++ %s%s\n", b ? "b/" : "/dev/null", b ? b->path : "");
    print_hunks(&script, a ? a->line : 1, b ? b->line : 1, out);
    free(script.at);
    free(was.at);
    free(now.at);
}

void config_diff_unified(const struct config_set *a, const struct config_set *b, struct vx_buf *out)
{
    size_t i = 0, k = 0, a_count = a ? a->document_count : 0, b_count = b ? b->document_count : 0;
    while (i < a_count || k < b_count) {
        const struct config_document *was = i < a_count ? &a->documents[i] : NULL;
        const struct config_document *now = k < b_count ? &b->documents[k] : NULL;
        int c = !was ? 1 : !now ? -1 : (was->kind > now->kind) - (was->kind < now->kind);
        if (was && now && c == 0)
            c = strcmp(was->name, now->name);
        print_document(c <= 0 ? was : NULL, c >= 0 ? now : NULL, out);
        i += c <= 0;
        k += c >= 0;
    }
}
