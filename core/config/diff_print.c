/* A semantic diff for people. No state; any one thread.
 *
 *     routing player-events
 *       + rules[europe]: when headers["x-region"] == "eu" → pipeline archive
 *       ~ rules[big-spender].when: event.amount >= 1000 → event.amount >= 2000
 *       > rules[heartbeat]: place 2 → 1
 *       ! topics[player-events]: any bytes → JSON
 */
#include "core/config/diff.h"

enum { LINE_MAX_BYTES = 100 };

static const char *const colours[] = {
    [CONFIG_ADDED] = "\033[32m", [CONFIG_REMOVED] = "\033[31m", [CONFIG_CHANGED] = "\033[33m",
    [CONFIG_MOVED] = "\033[36m", [CONFIG_NOTE] = "\033[35m",
};
static const char signs[] = {
    [CONFIG_ADDED] = '+', [CONFIG_REMOVED] = '-', [CONFIG_CHANGED] = '~', [CONFIG_MOVED] = '>', [CONFIG_NOTE] = '!'};

/* A value of several lines, each behind `margin`. */
static void print_lines(const char *margin, const char *text, struct vx_buf *out)
{
    for (;;) {
        const char *end = strchr(text, '\n');
        vx_buf_printf(out, "\n%s", margin);
        vx_buf_printable(out, vx_span(text, end ? (size_t)(end - text) : strlen(text)), "\t");
        if (!end)
            return;
        text = end + 1;
    }
}

static void print_values(const struct config_change *c, struct vx_buf *out)
{
    size_t len = (c->was ? strlen(c->was) : 0) + (c->now ? strlen(c->now) : 0);
    bool lines = (c->was && strchr(c->was, '\n')) || (c->now && strchr(c->now, '\n'));
    if (c->where[0])
        vx_buf_char(out, ':');
    if (c->was && c->now && (lines || len > LINE_MAX_BYTES)) {
        print_lines("      - ", c->was, out);
        print_lines("      + ", c->now, out);
    } else if (c->was && c->now) {
        vx_buf_str(out, c->kind == CONFIG_MOVED ? " place " : " ");
        vx_buf_printable(out, vx_span_str(c->was), "\t");
        vx_buf_str(out, " → ");
        vx_buf_printable(out, vx_span_str(c->now), "\t");
    } else if (lines) {
        print_lines("      ", c->was ? c->was : c->now, out);
    } else {
        vx_buf_char(out, ' ');
        vx_buf_printable(out, vx_span_str(c->was ? c->was : c->now), "\t");
    }
}

/* What a note means for the fleet. */
static const char *note_of(const char *now)
{
    if (strcmp(now, "JSON") == 0)
        return " (its values must be JSON from now on; others go to the dead letter)";
    if (strcmp(now, "any bytes") == 0)
        return " (its values are no longer looked into)";
    return " (each partition is drained before it changes)";
}

void config_diff_print(const struct config_diff *diff, struct vx_buf *out, bool color)
{
    const struct config_change *last = NULL;
    for (size_t i = 0; i < diff->count; i++) {
        const struct config_change *c = &diff->changes[i];
        const char *paint = color ? colours[c->kind] : "", *plain = color ? "\033[0m" : "";
        if (!c->where[0]) {
            vx_buf_printf(out, "%s%c %s %s%s (", paint, signs[c->kind], config_kind_name(c->config), c->name, plain);
            vx_buf_printable(out, vx_span_str(c->was ? c->was : c->now), "");
            vx_buf_str(out, ")\n");
            continue;
        }
        if (!last || last->config != c->config || strcmp(last->name, c->name) != 0)
            vx_buf_printf(out, "  %s %s\n", config_kind_name(c->config), c->name);
        last = c;
        vx_buf_printf(out, "  %s%c ", paint, signs[c->kind]);
        vx_buf_printable(out, vx_span_str(c->where), "");
        vx_buf_str(out, plain);
        print_values(c, out);
        if (c->kind == CONFIG_NOTE)
            vx_buf_str(out, note_of(c->now));
        vx_buf_char(out, '\n');
    }
}
