/* Golden folders: a config and events in, decisions out, compared byte for byte.
 *
 *     tests/golden/<case>/config/    *.yaml     a release
 *     tests/golden/<case>/events.jsonl          one envelope a line (core/plan/simulate.h)
 *     tests/golden/<case>/decisions.jsonl       what comes of them, in the same order
 *     tests/golden/<case>/config.ref            instead of config/: a folder of configs, from the root of the tree
 *
 * A line of events.jsonl that is empty or begins with # is skipped. VELTRIX_BLESS=1 writes decisions.jsonl instead of
 * comparing: look at what changes in it. Arguments choose cases by name. Each case is also run with its values damaged in
 * some places (the same ones every time), to see that what holds for every decision holds then too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/utf8.h"
#include "core/json/scan.h"
#include "core/plan/simulate.h"

#define GOLDEN VELTRIX_SOURCE_DIR "/tests/golden"

enum { CASES_MAX = 500, MUTATIONS = 200 };

static bool read_file(const char *path, struct vx_buf *out)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t got;
    do {
        char *to = vx_buf_reserve(out, 65536);
        got = fread(to, 1, 65536, file);
        out->len += got;
        to[got] = '\0';
    } while (got);
    fclose(file);
    return true;
}

static struct config_set *load_config(const char *name)
{
    char path[4096];
    struct vx_buf ref = {0}, text = {0};
    struct vx_diags diags = {0};
    struct vx_err err = {0};
    struct config_set *set = NULL;
    snprintf(path, sizeof path, "%s/%s/config.ref", GOLDEN, name);
    if (read_file(path, &ref))
        snprintf(path, sizeof path, "%s/%.*s", VELTRIX_SOURCE_DIR, (int)strcspn(vx_buf_text(&ref), "\n"), ref.at);
    else
        snprintf(path, sizeof path, "%s/%s/config", GOLDEN, name);
    enum vx_status status = config_load_folder(path, &set, &diags, &err);
    vx_diags_print(&diags, &text, false);
    if (text.len)
        print_message("%s", vx_buf_text(&text));
    if (status)
        fail_msg("%s: %s %s", path, vx_status_text(status), err.message);
    vx_buf_done(&ref);
    vx_buf_done(&text);
    vx_diags_done(&diags);
    return set;
}

static struct table *load_table(const char *name)
{
    struct vx_diags diags = {0};
    struct table *t = NULL;
    struct config_set *set = load_config(name);
    assert_int_equal(table_new(set, 1, &t, &diags), VX_OK);
    config_set_free(set); /* a table owns what it needs */
    vx_diags_done(&diags);
    return t;
}

/* Decides every event of the case twice: the second time must say the same as the first. */
static void decide_all(const char *name, struct vx_span events, struct vx_buf *out)
{
    struct table *t = load_table(name);
    struct decider *d = decider_new();
    struct simulate *s = simulate_new();
    struct vx_buf again = {0};
    uint64_t n = 0;
    int line_number = 0;
    for (const char *at = events.at, *end = at + events.len; at < end; line_number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct vx_span line = vx_span(at, (size_t)((newline ? newline : end) - at));
        at = newline ? newline + 1 : end;
        if (line.len == 0 || line.at[0] == '#')
            continue;
        struct cel_event ev;
        struct decision decision;
        struct vx_err err;
        if (simulate_load(s, line, NULL, &ev, &err))
            fail_msg("%s/events.jsonl:%d: %s", name, line_number + 1, err.message);
        size_t begin = out->len;
        decide(d, t, &ev, &decision);
        simulate_print(s, t, n, &ev, &decision, out);
        vx_buf_clear(&again);
        decide(d, t, &ev, &decision);
        simulate_print(s, t, n, &ev, &decision, &again);
        assert_string_equal(out->at + begin, vx_buf_text(&again));
        n++;
    }
    vx_buf_done(&again);
    simulate_free(s);
    decider_free(d);
    table_unref(t);
}

static void compare(const char *name, const char *want, const char *got)
{
    for (int line = 1; *want || *got; line++) {
        size_t want_len = strcspn(want, "\n"), got_len = strcspn(got, "\n");
        if (want_len != got_len || memcmp(want, got, want_len) != 0)
            fail_msg("%s/decisions.jsonl:%d:\n  want %.*s\n  got  %.*s", name, line, (int)want_len, want, (int)got_len,
                     got);
        want += want_len + (want[want_len] == '\n');
        got += got_len + (got[got_len] == '\n');
    }
}

static void case_is_decided_as_written(void **state)
{
    const char *name = *state;
    char path[4096];
    struct vx_buf events = {0}, want = {0}, got = {0};
    snprintf(path, sizeof path, "%s/%s/events.jsonl", GOLDEN, name);
    if (!read_file(path, &events))
        fail_msg("%s is missing", path);
    decide_all(name, vx_buf_view(&events), &got);
    snprintf(path, sizeof path, "%s/%s/decisions.jsonl", GOLDEN, name);
    if (getenv("VELTRIX_BLESS")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(vx_buf_text(&got), 1, got.len, file), got.len);
        assert_int_equal(fclose(file), 0);
    } else {
        if (!read_file(path, &want))
            fail_msg("%s is missing; VELTRIX_BLESS=1 writes it", path);
        compare(name, vx_buf_text(&want), vx_buf_text(&got));
    }
    vx_buf_done(&events);
    vx_buf_done(&want);
    vx_buf_done(&got);
}

/* What holds for every decision, whatever the event was. */
static void check_decision(struct json_scanner *scanner, const struct json_paths *nothing,
                           const struct decision *decision)
{
    size_t outputs = 0;
    for (size_t i = 0; i < decision->record_count; i++) {
        const struct decide_record *record = &decision->records[i];
        assert_true(config_topic_valid(record->topic));
        assert_int_equal(record->topic.at[record->topic.len], '\0');
        if (!record->value_is_source)
            assert_int_equal(json_scan(scanner, nothing, record->value, NULL, NULL), VX_OK);
        assert_int_equal(record->dead_letter, record->reason != REASON_NONE);
        outputs += !record->dead_letter;
    }
    assert_int_equal(decision->outcome == OUTCOME_EMITTED, outputs > 0);
    assert_int_equal(decision->outcome == OUTCOME_DEAD_LETTER, decision->record_count > 0 && outputs == 0);
    assert_int_equal(decision->reason != REASON_NONE, decision->message != NULL);
    if (decision->outcome == OUTCOME_DEAD_LETTER || decision->outcome == OUTCOME_STUCK)
        assert_int_not_equal(decision->reason, REASON_NONE);
    if (decision->message)
        assert_true(vx_utf8_valid(vx_span_str(decision->message)));
}

/* Damages a value in one to three places: a byte changed, taken out, or repeated. */
static void mutate(struct vx_buf *value, uint32_t *seed)
{
    static const char interesting[] = "{}[]\",:\\0-.eEntfu \n\x00\xff\xc3";
    for (uint32_t n = 1 + (*seed >> 7) % 3; n > 0 && value->len > 0; n--) {
        *seed = *seed * 1664525 + 1013904223;
        size_t at = (*seed >> 8) % value->len;
        switch ((*seed >> 4) % 3) {
        case 0:
            value->at[at] = interesting[*seed % sizeof interesting];
            break;
        case 1:
            memmove(value->at + at, value->at + at + 1, value->len - at);
            value->len--;
            break;
        default:
            vx_buf_char(value, '\0');
            memmove(value->at + at + 1, value->at + at, value->len - at - 1);
        }
    }
}

static void damaged_events_are_decided_too(void **state)
{
    const char *name = *state;
    char path[4096];
    struct vx_buf events = {0}, value = {0};
    struct table *t = load_table(name);
    struct decider *d = decider_new();
    struct simulate *s = simulate_new();
    struct json_scanner *scanner = json_scanner_new();
    struct json_paths *nothing = json_paths_new();
    json_paths_seal(nothing);
    uint32_t seed = 1;
    snprintf(path, sizeof path, "%s/%s/events.jsonl", GOLDEN, name);
    assert_true(read_file(path, &events));
    for (const char *at = events.at, *end = at + events.len; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct vx_span line = vx_span(at, (size_t)((newline ? newline : end) - at));
        struct cel_event ev;
        struct vx_err err;
        at = newline ? newline + 1 : end;
        if (line.len == 0 || line.at[0] == '#' || simulate_load(s, line, NULL, &ev, &err) || !ev.value.at)
            continue;
        struct vx_span original = ev.value;
        for (int i = 0; i < MUTATIONS; i++) {
            struct decision decision;
            vx_buf_clear(&value);
            vx_buf_span(&value, original);
            mutate(&value, &seed);
            ev.value = vx_span(value.at, value.len);
            decide(d, t, &ev, &decision);
            check_decision(scanner, nothing, &decision);
        }
    }
    json_paths_free(nothing);
    json_scanner_free(scanner);
    simulate_free(s);
    decider_free(d);
    table_unref(t);
    vx_buf_done(&events);
    vx_buf_done(&value);
}

static int is_case(const struct dirent *entry)
{
    char path[4096];
    if (entry->d_name[0] == '.')
        return 0;
    snprintf(path, sizeof path, "%s/%s/events.jsonl", GOLDEN, entry->d_name);
    return access(path, R_OK) == 0;
}

static bool chosen(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(name, argv[i]) == 0)
            return true;
    }
    return argc == 1;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[2 * CASES_MAX];
    static char names[CASES_MAX][300];
    struct dirent **entries;
    int found = scandir(GOLDEN, &entries, is_case, alphasort);
    size_t count = 0;
    for (int i = 0; i < found && i < CASES_MAX; i++) {
        char *name = entries[i]->d_name;
        if (!chosen(name, argc, argv))
            continue;
        snprintf(names[i], sizeof names[i], "%s, damaged", name);
        tests[count++] = (struct CMUnitTest){name, case_is_decided_as_written, NULL, NULL, name};
        tests[count++] = (struct CMUnitTest){names[i], damaged_events_are_decided_too, NULL, NULL, name};
    }
    int failed = _cmocka_run_group_tests("golden", tests, count, NULL, NULL);
    for (int i = 0; i < found; i++)
        free(entries[i]);
    free(entries);
    return failed || count == 0;
}
