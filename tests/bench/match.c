/* How fast one core decides, JSON in, rule out: the router's own decide() on a table made from YAML. Driven by
 * match.py, one command a line, one JSON line in answer to each:
 *
 *     isa NAME           the scanner's instruction set from here on
 *     events FILE        one value a line
 *     config PATH        a file or folder of YAML; says what loading (parse, check, index) took and the table's size
 *     matches FILE       writes for each event the number at the end of the name of the rule that took it, or -1
 *     time SECONDS       decides events, over and over, as long again before it counts; the median of five rounds
 *
 * An answer with "error" is a refusal; the next command is read all the same. Events have the topic `in`. One
 * thread. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/json/scan.h"
#include "core/json/write.h"
#include "core/plan/decide.h"

enum { ROUNDS = 5, CLOCK_EVERY = 64 };

static struct vx_buf bytes;    /* of all events */
static struct vx_span *events; /* in `bytes` */
static size_t event_count;
static struct table *table;
static struct decider *decider;

static void refuse(struct vx_span why)
{
    struct vx_buf out = {0};
    vx_buf_str(&out, "{\"error\":");
    json_write_string(&out, why);
    printf("%s}\n", vx_buf_text(&out));
    vx_buf_done(&out);
}

static bool read_file(const char *path, struct vx_buf *out)
{
    FILE *file = fopen(path, "r");
    size_t n;
    vx_buf_clear(out);
    if (!file)
        return false;
    while ((n = fread(vx_buf_reserve(out, 1 << 20), 1, 1 << 20, file)) > 0)
        out->len += n;
    bool read = !ferror(file);
    fclose(file);
    return read;
}

static void load_events(const char *path)
{
    size_t room = 0;
    event_count = 0;
    if (!read_file(path, &bytes)) {
        refuse(VX_SPAN_LITERAL("the events cannot be read"));
        return;
    }
    for (char *p = bytes.at, *end = p + bytes.len; p < end;) {
        char *line_end = memchr(p, '\n', (size_t)(end - p));
        line_end = line_end ? line_end : end;
        if (event_count == room) {
            room = room ? 2 * room : 1024;
            events = realloc(events, room * sizeof *events);
            vx_assert(events != NULL);
        }
        events[event_count++] = vx_span(p, (size_t)(line_end - p));
        p = line_end + 1;
    }
    printf("{\"events\":%zu,\"mean_bytes\":%.0f}\n", event_count,
           event_count ? (double)bytes.len / (double)event_count - 1 : 0);
}

static enum vx_status load_set(const char *path, struct vx_buf *text, struct config_set **set, struct vx_diags *diags,
                               struct vx_err *err)
{
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return config_load_folder(path, set, diags, err);
    if (!read_file(path, text))
        return vx_err_set(err, VX_EIO, "the config cannot be read");
    struct config_source source = {path, vx_buf_view(text), 1};
    return config_load(&source, 1, set, diags);
}

static void load_config(const char *path)
{
    struct vx_diags diags = {0};
    struct vx_err err = {0};
    struct vx_buf text = {0}, why = {0};
    struct config_set *set = NULL;
    struct table *loaded = NULL;
    int64_t start_us = vx_clock_us();
    enum vx_status status = load_set(path, &text, &set, &diags, &err);
    if (status == VX_OK)
        status = table_new(set, 1, &loaded, &diags);
    int64_t took_us = vx_clock_us() - start_us;
    table_unref(table);
    table = loaded;
    if (status == VX_OK) {
        size_t rules;
        table_rules(table, &rules);
        printf("{\"rules\":%zu,\"load_ms\":%.1f,\"table_bytes\":%zu}\n", rules, (double)took_us / 1000,
               table_bytes(table));
    } else {
        vx_buf_str(&why, err.message);
        for (size_t i = 0; i < diags.count && !why.len;
             i++) /* the first error: there may be a warning for every rule */
            if (diags.items[i].severity == VX_ERROR)
                vx_buf_str(&why, diags.items[i].message);
        refuse(vx_buf_view(&why));
    }
    config_set_free(set);
    vx_diags_done(&diags);
    vx_buf_done(&text);
    vx_buf_done(&why);
}

static void decide_event(size_t i, struct decision *out)
{
    struct cel_event ev = {.topic = VX_SPAN_LITERAL("in"), .value = events[i]};
    decide(decider, table, &ev, out);
}

static void write_matches(const char *path)
{
    size_t rule_count, matched = 0, failed = 0;
    const struct table_rule *rules = table_rules(table, &rule_count);
    FILE *file = fopen(path, "w");
    if (!file) {
        refuse(VX_SPAN_LITERAL("the matches cannot be written"));
        return;
    }
    for (size_t i = 0; i < event_count; i++) {
        struct decision out;
        decide_event(i, &out);
        const char *name = out.rule < rule_count ? rules[out.rule].name : "", *number = strrchr(name, '-');
        fprintf(file, "%s\n", number ? number + 1 : "-1");
        matched += number != NULL;
        failed += out.reason != REASON_NONE;
    }
    if (fclose(file) != 0)
        refuse(VX_SPAN_LITERAL("the matches cannot be written"));
    else
        printf("{\"matched\":%zu,\"refused\":%zu}\n", matched, failed);
}

/* Decides events from *next on for so long; returns how many a second. */
static double run(size_t *next, double seconds)
{
    int64_t start_us = vx_clock_us(), now_us;
    uint64_t count = 0;
    struct decision out;
    do {
        for (int i = 0; i < CLOCK_EVERY; i++) {
            decide_event(*next, &out);
            *next = *next + 1 < event_count ? *next + 1 : 0;
        }
        count += CLOCK_EVERY;
        now_us = vx_clock_us();
    } while ((double)(now_us - start_us) < seconds * 1e6);
    return (double)count * 1e6 / (double)(now_us - start_us);
}

static int compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void time_events(double seconds)
{
    double rates[ROUNDS];
    size_t next = 0;
    run(&next, seconds);
    for (int i = 0; i < ROUNDS; i++)
        rates[i] = run(&next, seconds / ROUNDS);
    qsort(rates, ROUNDS, sizeof rates[0], compare_doubles);
    printf("{\"isa\":\"%s\",\"events_per_s\":%.0f,\"slowest\":%.0f,\"fastest\":%.0f}\n", json_scan_isa(),
           rates[ROUNDS / 2], rates[0], rates[ROUNDS - 1]);
}

static void obey(const char *command, const char *argument)
{
    if (strcmp(command, "isa") == 0) {
        if (json_scan_force(argument))
            printf("{\"isa\":\"%s\"}\n", argument);
        else
            refuse(VX_SPAN_LITERAL("this machine lacks the instruction set"));
    } else if (strcmp(command, "events") == 0) {
        load_events(argument);
    } else if (strcmp(command, "config") == 0) {
        load_config(argument);
    } else if (!table || !event_count) {
        refuse(VX_SPAN_LITERAL("there is no config, or there are no events"));
    } else if (strcmp(command, "matches") == 0) {
        write_matches(argument);
    } else if (strcmp(command, "time") == 0) {
        time_events(atof(argument));
    } else {
        refuse(VX_SPAN_LITERAL("no such command"));
    }
    fflush(stdout);
}

int main(void)
{
    char line[4096];
    decider = decider_new();
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *argument = strchr(line, ' ');
        if (argument)
            *argument++ = 0;
        obey(line, argument ? argument : "");
    }
    decider_free(decider);
    table_unref(table);
    free(events);
    vx_buf_done(&bytes);
    return 0;
}
