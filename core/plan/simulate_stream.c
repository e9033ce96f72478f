/* The loop of `veltrix simulate` and `veltrix-router --simulate`: lines in, decisions out. The one file of core/plan that
 * reads and writes; it knows two file descriptors and nothing of what is behind them. One thread, until the input ends.
 *
 *     read ──> input ── a line in place ── simulate_load, or the line is the value ── decide ── print ──> output ──> write
 *
 * Cost: no allocation per line once the buffers have their sizes; what is read and written goes through in big pieces, but
 * output never waits for input that has not come yet. Invariant: only whole lines are written, also when it is interrupted.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/diag.h"
#include "core/json/write.h"
#include "core/plan/simulate.h"

enum {
    INPUT_FIRST_BYTES = 1 << 20,
    OUTPUT_PIECE_BYTES = 256 * 1024, /* written when it holds so much */
    TOPICS_SHOWN_MAX = 12,           /* of a message that lists topics */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct stream {
    const struct simulate_stream *how;
    const struct table *table;
    struct simulate *simulate;
    struct decider *decider;
    struct simulate_counts *counts;
    uint64_t *counted; /* by rule: the last event (from 1) that was counted there */
    struct vx_err *err;

    char *input; /* the bytes from `begin` to `end` are not decided yet */
    size_t room, begin, end;
    size_t seen; /* from `begin` up to here there is no newline */
    bool ended;  /* the input */
    uint64_t line;

    struct vx_buf output; /* whole lines */
};

static enum vx_status flush(struct stream *s)
{
    for (size_t at = 0; at < s->output.len;) {
        ssize_t n = write(s->how->out, s->output.at + at, s->output.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vx_err_set(s->err, VX_EIO, "the decisions cannot be written: %s", strerror(errno));
        at += (size_t)n;
    }
    vx_buf_clear(&s->output);
    return VX_OK;
}

/* Makes room behind `end`: moves what is left to the front, then grows. */
static void make_room(struct stream *s)
{
    if (s->begin > 0) {
        memmove(s->input, s->input + s->begin, s->end - s->begin);
        s->seen -= s->begin;
        s->end -= s->begin;
        s->begin = 0;
    }
    if (s->end < s->room)
        return;
    s->room = s->room ? s->room * 2 : INPUT_FIRST_BYTES;
    s->input = realloc(s->input, s->room);
    vx_assert(s->input != NULL);
}

/* Reads what there is; sets `ended` when there will be no more. */
static enum vx_status fill(struct stream *s)
{
    struct pollfd ready = {.fd = s->how->in, .events = POLLIN};
    if (s->output.len > 0 && poll(&ready, 1, 0) == 0 && flush(s) != VX_OK)
        return VX_EIO;
    if (s->end == s->room)
        make_room(s);
    while (!interrupted) {
        ssize_t n = read(s->how->in, s->input + s->end, s->room - s->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vx_err_set(s->err, VX_EIO, "%s cannot be read: %s", s->how->name, strerror(errno));
        s->end += (size_t)n;
        s->ended = n == 0;
        return VX_OK;
    }
    return VX_ECANCELED;
}

static void bad_line(struct stream *s, const char *message)
{
    s->counts->bad_lines++;
    s->how->on_bad_line(s->how->ctx, s->line, message);
}

/* Drops the rest of a line that is too long. */
static enum vx_status skip_line(struct stream *s)
{
    for (;;) {
        const char *newline = memchr(s->input + s->begin, '\n', s->end - s->begin);
        s->begin = newline ? (size_t)(newline - s->input) + 1 : s->end;
        s->seen = s->begin;
        if (newline || s->ended)
            return VX_OK;
        s->begin = s->end = s->seen = 0;
        enum vx_status status = fill(s);
        if (status != VX_OK)
            return status;
    }
}

/* The next line, without its newline and a carriage return before that; at == NULL at the end. */
static enum vx_status next_line(struct stream *s, struct vx_span *line)
{
    *line = vx_span(NULL, 0);
    for (;;) {
        const char *newline = s->end > s->seen ? memchr(s->input + s->seen, '\n', s->end - s->seen) : NULL;
        size_t stop = newline ? (size_t)(newline - s->input) : s->end;
        if (stop - s->begin > SIMULATE_LINE_MAX_BYTES) {
            s->line++;
            s->counts->events++;
            bad_line(s, "the line is longer than 64 MiB");
            enum vx_status status = skip_line(s);
            if (status != VX_OK)
                return status;
            continue;
        }
        if (newline || (s->ended && stop > s->begin)) {
            *line = vx_span(s->input + s->begin, stop - s->begin);
            s->begin = s->seen = newline ? stop + 1 : stop;
            s->line++;
            line->len -= line->len > 0 && line->at[line->len - 1] == '\r';
            return VX_OK;
        }
        if (s->ended)
            return VX_OK;
        s->seen = s->end;
        enum vx_status status = fill(s);
        if (status != VX_OK)
            return status;
    }
}

/* With `match: all` an event counts once at each rule that took it, but not at those that only handed it over. */
static void count(struct stream *s, const struct decision *decision)
{
    size_t rule = decision->rule < s->counts->rule_count ? decision->rule : s->counts->rule_count;
    bool counted = false;
    for (size_t i = 0; i < decision->rule_count; i++) {
        const struct decide_rule *by = &decision->rules[i];
        s->counts->took[by->rule]++;
        if (!decision->match_all || by->hands_over)
            continue;
        counted = true;
        if (s->counted[by->rule] != s->counts->events)
            s->counts->by_rule[by->rule][decision->outcome]++;
        s->counted[by->rule] = s->counts->events;
    }
    if (!counted)
        s->counts->by_rule[rule][decision->outcome]++;
}

static enum vx_status decide_line(struct stream *s, struct vx_span line)
{
    uint64_t n = s->counts->events++;
    struct cel_event ev = {.topic = s->how->topic, .offset = (int64_t)n};
    struct decision decision;
    struct vx_err why;
    if (!s->how->envelope) {
        ev.value = line;
    } else if (simulate_load(s->simulate, line, &ev, &ev, &why) != VX_OK) {
        bad_line(s, why.message);
        return VX_OK;
    }
    if (s->how->on_event)
        s->how->on_event(s->how->ctx, &ev);
    decide(s->decider, s->table, &ev, &decision);
    count(s, &decision);
    if (s->how->counts_only)
        return VX_OK;
    simulate_print(s->simulate, s->table, n, &ev, &decision, &s->output);
    return s->output.len >= OUTPUT_PIECE_BYTES ? flush(s) : VX_OK;
}

static enum vx_status decide_all(struct stream *s)
{
    enum vx_status status;
    struct vx_span line;
    while ((status = next_line(s, &line)) == VX_OK && line.at) {
        if (line.len > 0)
            status = decide_line(s, line);
        if (status != VX_OK || interrupted)
            break;
    }
    if (interrupted)
        status = VX_ECANCELED;
    if ((status == VX_OK || status == VX_ECANCELED) && flush(s) != VX_OK)
        status = VX_EIO;
    return status;
}

enum vx_status simulate_run(const struct table *t, const struct simulate_stream *how, struct simulate_counts *counts,
                            struct vx_err *err)
{
    struct stream s = {.how = how, .table = t, .counts = counts, .err = err};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND}, before;
    *counts = (struct simulate_counts){0};
    table_rules(t, &counts->rule_count);
    counts->by_rule = calloc(counts->rule_count + 1, sizeof *counts->by_rule);
    counts->took = calloc(counts->rule_count + 1, sizeof *counts->took);
    s.counted = calloc(counts->rule_count + 1, sizeof *s.counted);
    vx_assert(counts->by_rule != NULL && counts->took != NULL && s.counted != NULL);
    s.simulate = simulate_new();
    s.decider = decider_new();
    interrupted = 0;
    sigaction(SIGINT, &action, &before);
    if (before.sa_handler == SIG_IGN) /* whoever started this wants it so */
        sigaction(SIGINT, &before, NULL);
    enum vx_status status = decide_all(&s);
    sigaction(SIGINT, &before, NULL);
    decider_free(s.decider);
    simulate_free(s.simulate);
    vx_buf_done(&s.output);
    free(s.input);
    free(s.counted);
    return status;
}

void simulate_counts_done(struct simulate_counts *counts)
{
    free(counts->by_rule);
    free(counts->took);
    *counts = (struct simulate_counts){0};
}

/* --- counts as a table ------------------------------------------------------------------------------------------------ */

enum { COLUMNS = 2 + SIMULATE_OUTCOMES + 1 };
struct row {
    const char *cells[2];
    uint64_t numbers[SIMULATE_OUTCOMES + 1]; /* the last one is their sum */
};

static struct row row_of(const struct table *t, const struct simulate_counts *counts, size_t rule)
{
    size_t rule_count;
    const struct table_rule *rules = table_rules(t, &rule_count);
    struct row row = {.cells = {"-", "(no rule)"}};
    if (rule < rule_count) {
        row.cells[0] = rules[rule].routing;
        row.cells[1] = rules[rule].name;
    }
    for (size_t i = 0; i < SIMULATE_OUTCOMES; i++) {
        row.numbers[i] = counts->by_rule[rule][i];
        row.numbers[SIMULATE_OUTCOMES] += row.numbers[i];
    }
    return row;
}

static void print_cells(const size_t *widths, const struct row *row, const bool *shown, struct vx_buf *out)
{
    for (size_t i = 0; i < 2; i++)
        vx_buf_printf(out, "%-*s  ", (int)widths[i], row->cells[i]);
    for (size_t i = 0; i <= SIMULATE_OUTCOMES; i++)
        if (shown[i])
            vx_buf_printf(out, "%*" PRIu64 "%s", (int)widths[2 + i], row->numbers[i],
                          i == SIMULATE_OUTCOMES ? "\n" : "  ");
}

void simulate_counts_print(const struct table *t, const struct simulate_counts *counts, struct vx_buf *out)
{
    static const char *const heads[2] = {"ROUTING", "RULE"};
    const char *names[SIMULATE_OUTCOMES + 1] = {[SIMULATE_OUTCOMES] = "events"};
    bool shown[SIMULATE_OUTCOMES + 1] = {[SIMULATE_OUTCOMES] = true};
    size_t widths[COLUMNS];
    for (size_t i = 0; i < 2; i++)
        widths[i] = strlen(heads[i]);
    for (size_t i = 0; i < SIMULATE_OUTCOMES; i++)
        names[i] = simulate_outcome((enum decide_outcome)i);
    for (size_t rule = 0; rule <= counts->rule_count; rule++) {
        struct row row = row_of(t, counts, rule);
        for (size_t i = 0; i < 2; i++)
            widths[i] = strlen(row.cells[i]) > widths[i] ? strlen(row.cells[i]) : widths[i];
        for (size_t i = 0; i < SIMULATE_OUTCOMES; i++)
            shown[i] |= row.numbers[i] > 0;
    }
    for (size_t i = 0; i <= SIMULATE_OUTCOMES; i++)
        widths[2 + i] = strlen(names[i]) > 10 ? strlen(names[i]) : 10;
    vx_buf_printf(out, "%-*s  %-*s  ", (int)widths[0], heads[0], (int)widths[1], heads[1]);
    for (size_t i = 0; i <= SIMULATE_OUTCOMES; i++)
        if (shown[i])
            vx_buf_printf(out, "%*s%s", (int)widths[2 + i], names[i], i == SIMULATE_OUTCOMES ? "\n" : "  ");
    for (size_t rule = 0; rule <= counts->rule_count; rule++) {
        struct row row = row_of(t, counts, rule);
        if (rule < counts->rule_count || row.numbers[SIMULATE_OUTCOMES] > 0)
            print_cells(widths, &row, shown, out);
    }
}

/* --- which topic -------------------------------------------------------------------------------------------------------- */

static void list_topics(const struct table *t, struct vx_buf *out)
{
    size_t n;
    const struct table_topic *topics = table_topics(t, &n);
    for (size_t i = 0; i < n && i < TOPICS_SHOWN_MAX; i++)
        vx_buf_printf(out, "%s%s", i ? ", " : "", topics[i].name);
    if (n > TOPICS_SHOWN_MAX)
        vx_buf_printf(out, ", … (%zu more)", n - TOPICS_SHOWN_MAX);
    if (table_has_patterns(t))
        vx_buf_printf(out, "%sthose that a pattern takes", n ? ", and " : "");
}

static enum vx_status unknown_topic(const struct table *t, const char *wanted, const char *list, struct vx_err *err)
{
    size_t n;
    const struct table_topic *topics = table_topics(t, &n);
    const char **names = calloc(n + 1, sizeof *names);
    vx_assert(names != NULL);
    for (size_t i = 0; i < n; i++)
        names[i] = topics[i].name;
    const char *near = vx_nearest(vx_span_str(wanted), names, n);
    free(names);
    if (near)
        return vx_err_set(err, VX_ENOTFOUND, "no routing has the topic `%s`; did you mean `%s`?", wanted, near);
    return vx_err_set(err, VX_ENOTFOUND, "no routing has the topic `%s`; there are: %s", wanted, list);
}

enum vx_status simulate_topic(const struct table *t, const char *wanted, struct vx_span *topic, struct vx_err *err)
{
    size_t n;
    const struct table_topic *topics = table_topics(t, &n);
    struct vx_buf list = {0};
    enum vx_status status = VX_OK;
    list_topics(t, &list);
    if (wanted && table_route(t, vx_span_str(wanted)))
        *topic = vx_span_str(wanted);
    else if (list.len == 0)
        status = vx_err_set(err, VX_ENOTFOUND, "there is no routing, so there is no topic");
    else if (wanted)
        status = unknown_topic(t, wanted, vx_buf_text(&list), err);
    else if (n == 1 && !table_has_patterns(t))
        *topic = vx_span_str(topics[0].name);
    else
        status =
            vx_err_set(err, VX_EINVAL, "of which topic are the events? Name one with --topic: %s", vx_buf_text(&list));
    vx_buf_done(&list);
    return status;
}
