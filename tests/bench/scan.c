/* Times the JSON scanner: nanoseconds per text on every instruction set this machine has, one JSON line each.
 *
 *     zcat events.jsonl.gz | bench_scan [ROUNDS] [PATH...]        one text a line; PATH: a.b.c
 *
 * All texts lie in memory, one behind the other; the fastest of ROUNDS passes counts. `index` is the first pass alone,
 * `check` validates, `fields` extracts the paths too, `set` patches the first path. One thread. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/json/index.h"
#include "core/json/patch.h"
#include "core/json/scan.h"

enum { TEXTS_MAX = 1 << 20, PATHS_MAX = 16, STEPS_MAX = 16 };

static struct vx_span texts[TEXTS_MAX];
static size_t text_count;
static struct json_step steps[PATHS_MAX][STEPS_MAX];
static struct json_path paths[PATHS_MAX];
static size_t path_count;

static void read_texts(struct vx_buf *all)
{
    size_t n;
    while ((n = fread(vx_buf_reserve(all, 1 << 20), 1, 1 << 20, stdin)) > 0)
        all->len += n;
    for (char *p = all->at, *end = p + all->len; p < end && text_count < TEXTS_MAX;) {
        char *line_end = memchr(p, '\n', (size_t)(end - p));
        line_end = line_end ? line_end : end;
        texts[text_count++] = vx_span(p, (size_t)(line_end - p));
        p = line_end + 1;
    }
}

static void add_path(char *text)
{
    vx_assert(path_count < PATHS_MAX);
    struct json_path *path = &paths[path_count];
    path->steps = steps[path_count++];
    for (char *step = strtok(text, "."); step; step = strtok(NULL, ".")) {
        vx_assert(path->count < STEPS_MAX);
        steps[path_count - 1][path->count++].key = vx_span_str(step);
    }
}

/* One pass over all texts; returns how many were fine. */
static size_t pass(const char *what, struct json_scanner *scanner, const struct json_paths *wanted, uint32_t *tokens,
                   struct vx_buf *out)
{
    size_t fine = 0;
    struct json_value slots[PATHS_MAX];
    struct json_index index = {.tokens = tokens};
    struct json_edit edit = {paths[0], VX_SPAN_LITERAL("\"new\"")};
    for (size_t i = 0; i < text_count; i++) {
        if (*what == 'i') {
            json_index_get()(&index, texts[i]);
            fine += index.fault == JSON_NO_FAULT;
        } else if (*what == 's') {
            vx_buf_clear(out);
            fine += json_patch(out, texts[i], &edit, 1, NULL) == VX_OK;
        } else {
            fine += json_scan(scanner, *what == 'f' ? wanted : NULL, texts[i], slots, NULL) == VX_OK;
        }
    }
    return fine;
}

int main(int argc, char **argv)
{
    static const char *const isas[] = {"avx512", "avx2", "sse2", "portable"};
    static const char *const works[] = {"index", "check", "fields", "set"};
    static char action[] = "value.action", repository[] = "value.repository.full_name", sender[] = "value.sender.login";
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    for (int i = 2; i < argc; i++)
        add_path(argv[i]);
    if (!path_count)
        add_path(action), add_path(repository), add_path(sender);
    struct vx_buf all = {0}, out = {0};
    read_texts(&all);
    size_t longest = 0;
    for (size_t i = 0; i < text_count; i++)
        longest = texts[i].len > longest ? texts[i].len : longest;
    uint32_t *tokens = calloc(longest + JSON_INDEX_SLACK, sizeof *tokens);
    struct json_scanner *scanner = json_scanner_new();
    struct json_paths *wanted = json_paths_new();
    for (uint32_t i = 0; i < path_count; i++)
        json_paths_add(wanted, paths[i], i);
    json_paths_seal(wanted);
    for (size_t isa = 0; isa < sizeof isas / sizeof isas[0] && text_count; isa++) {
        if (!json_scan_force(isas[isa]))
            continue;
        for (size_t w = 0; w < sizeof works / sizeof works[0]; w++) {
            int64_t best = INT64_MAX;
            size_t fine = 0;
            for (int i = 0; i < rounds; i++) {
                int64_t start = vx_clock_us();
                fine = pass(works[w], scanner, wanted, tokens, &out);
                int64_t took = vx_clock_us() - start;
                best = took < best ? took : best;
            }
            printf("{\"isa\":\"%s\",\"what\":\"%s\",\"texts\":%zu,\"fine\":%zu,\"bytes\":%zu,\"ns\":%.1f}\n", isas[isa],
                   works[w], text_count, fine, all.len / text_count, 1e3 * (double)best / (double)text_count);
        }
    }
    json_paths_free(wanted);
    json_scanner_free(scanner);
    free(tokens);
    vx_buf_done(&all);
    vx_buf_done(&out);
    return 0;
}
