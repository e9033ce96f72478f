/* The judgement of veltrix-check. One thread.
 *
 *     outputs in order of offset ── find source by number ── decide() under the named release ── tick off the record it is
 *     sources ── is every record of one release ticked off? ── lost, duplicated
 *
 * An event whose attempt was repeated (a crash, a failed record) may have outputs under two releases; it is not lost when
 * the outputs of at least one release are complete, and all other records of it are duplicates.
 *
 * Order is judged per source partition and destination partition over first occurrences, as the promise says: what is
 * compared is the source offset of each event when its first record reaches that destination partition.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/hash.h"

enum { PROBLEMS_SHOWN = 20, RECORDS_PER_EVENT = 16 };

/* How often each expected record of one release was seen for one event. */
struct attempt {
    struct attempt *next;
    uint32_t release;
    uint32_t expected;
    uint32_t seen[RECORDS_PER_EVENT];
};

struct source {
    struct check_record record;
    struct attempt *attempts;
    uint64_t outputs;
    bool present;
};

/* The furthest source offset seen in a destination partition, per source partition. */
struct lane {
    struct lane *next;
    uint64_t key;
    struct vx_span source_topic, topic;
    int32_t source_partition, partition;
    int64_t furthest;
};

struct seen {
    struct seen *next;
    uint64_t id;
    struct vx_span topic;
    int32_t partition;
};

enum problem { LOST, DUPLICATED, OUT_OF_ORDER, MISROUTED, UNKNOWN, PROBLEM_COUNT };

struct check {
    struct vx_arena arena;
    const struct table *tables[64];
    size_t table_count;
    struct source *sources; /* by number */
    size_t source_room;
    struct check_record *outputs;
    size_t output_count, output_room;
    struct lane *lanes[4096];
    struct seen **seen; /* first occurrences, hashed by number and destination */
    size_t seen_size;
    struct decider *decider;
    unsigned shown[PROBLEM_COUNT];
    void (*problem)(void *ctx, const char *text);
    void *ctx;
};

struct check *check_new(void)
{
    struct check *check = calloc(1, sizeof *check);
    vx_assert(check != NULL);
    check->decider = decider_new();
    return check;
}

void check_free(struct check *check)
{
    if (!check)
        return;
    decider_free(check->decider);
    free(check->sources);
    free(check->outputs);
    free(check->seen);
    vx_arena_done(&check->arena);
    free(check);
}

void check_add_table(struct check *check, const struct table *t)
{
    vx_assert(check->table_count < sizeof check->tables / sizeof check->tables[0]);
    check->tables[check->table_count++] = t;
}

static bool find_number(const struct check_record *record, const char *header, uint64_t *out)
{
    for (size_t i = record->header_count; i-- > 0;) {
        const struct cel_header *h = &record->headers[i];
        if (!vx_span_is(h->name, header) || h->value.len == 0 || h->value.len > 18)
            continue;
        uint64_t number = 0;
        for (size_t k = 0; k < h->value.len; k++) {
            if (h->value.at[k] < '0' || h->value.at[k] > '9')
                return false;
            number = number * 10 + (uint64_t)(h->value.at[k] - '0');
        }
        *out = number;
        return true;
    }
    return false;
}

void check_add_source(struct check *check, const struct check_record *record)
{
    uint64_t id;
    if (!find_number(record, CHECK_ID_HEADER, &id) || id > 100000000)
        return;
    if (id >= check->source_room) {
        size_t room = check->source_room ? check->source_room * 2 : 1024;
        while (room <= id)
            room *= 2;
        check->sources = realloc(check->sources, room * sizeof *check->sources);
        vx_assert(check->sources != NULL);
        memset(check->sources + check->source_room, 0, (room - check->source_room) * sizeof *check->sources);
        check->source_room = room;
    }
    check->sources[id].record = *record;
    check->sources[id].present = true;
}

void check_add_output(struct check *check, const struct check_record *record)
{
    if (check->output_count == check->output_room) {
        check->output_room = check->output_room ? check->output_room * 2 : 1024;
        check->outputs = realloc(check->outputs, check->output_room * sizeof *check->outputs);
        vx_assert(check->outputs != NULL);
    }
    check->outputs[check->output_count++] = *record;
}

static void report(struct check *check, enum problem kind, uint64_t id, const struct check_record *record,
                   const char *what)
{
    static const char *const names[] = {"lost", "duplicated", "out of order", "misrouted", "unknown"};
    if (check->shown[kind]++ >= PROBLEMS_SHOWN || !check->problem)
        return;
    char text[512];
    snprintf(text, sizeof text, "%s: event %llu, %s[%d]@%lld: %s", names[kind], (unsigned long long)id,
             record->topic.at, record->partition, (long long)record->offset, what);
    check->problem(check->ctx, text);
}

static const struct table *find_table(const struct check *check, uint64_t release)
{
    for (size_t i = 0; i < check->table_count; i++)
        if (table_release(check->tables[i]) == release)
            return check->tables[i];
    return NULL;
}

static struct cel_event view(const struct check_record *record)
{
    return (struct cel_event){.topic = record->topic,
                              .partition = record->partition,
                              .offset = record->offset,
                              .timestamp_ms = record->timestamp_ms,
                              .key = record->key,
                              .value = record->value,
                              .headers = record->headers,
                              .header_count = record->header_count};
}

static void decide_source(struct check *check, const struct table *t, const struct check_record *record,
                          struct decision *out)
{
    struct cel_event ev = view(record);
    decide(check->decider, t, &ev, out);
}

static bool same_bytes(struct vx_span a, struct vx_span b)
{
    return (a.at == NULL) == (b.at == NULL) && vx_span_equal(a, b);
}

/* Every header the decision has must stand in the output in the same order; the output has veltrix-release besides. */
static bool same_headers(const struct decide_record *want, const struct check_record *got)
{
    size_t k = 0;
    for (size_t i = 0; i < got->header_count; i++) {
        const struct cel_header *h = &got->headers[i];
        if (k < want->header_count && vx_span_equal(h->name, want->headers[k].name) &&
            same_bytes(h->value, want->headers[k].value))
            k++;
        else if (!vx_span_is(h->name, CHECK_RELEASE_HEADER))
            return false;
    }
    return k == want->header_count;
}

static bool same_record(const struct decide_record *want, const struct check_record *got, bool compare_headers)
{
    return vx_span_equal(want->topic, got->topic) && same_bytes(want->key, got->key) &&
           same_bytes(want->value, got->value) && (!compare_headers || same_headers(want, got));
}

static struct attempt *get_attempt(struct check *check, struct source *source, uint32_t release, size_t expected)
{
    for (struct attempt *a = source->attempts; a; a = a->next)
        if (a->release == release)
            return a;
    struct attempt *a = VX_ARENA_NEW(&check->arena, struct attempt);
    a->release = release;
    a->expected = (uint32_t)(expected < RECORDS_PER_EVENT ? expected : RECORDS_PER_EVENT);
    a->next = source->attempts;
    source->attempts = a;
    return a;
}

/* The dead letter of expected record `want` came in its place: a broker would not take it. */
static bool is_refusal(struct check *check, const struct table *t, const struct check_record *source,
                       const struct decide_record *want, const struct check_record *output)
{
    struct cel_event ev = view(source);
    struct decide_record dead;
    return !want->dead_letter && decide_refused(check->decider, t, &ev, want, "", &dead) &&
           same_record(&dead, output, false);
}

/* Ticks off the expected record that `output` is: the least seen of those that are equal. */
static bool tick_off(struct check *check, struct source *source, const struct table *t,
                     const struct check_record *output, struct check_verdict *out)
{
    struct decision decision;
    decide_source(check, t, &source->record, &decision);
    struct attempt *attempt = get_attempt(check, source, table_release(t), decision.record_count);
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < attempt->expected; i++)
        if (same_record(&decision.records[i], output, !decision.records[i].dead_letter) &&
            (best == SIZE_MAX || attempt->seen[i] < attempt->seen[best]))
            best = i;
    bool dead = find_number(output, "__connect.errors.partition", &(uint64_t){0});
    for (size_t i = 0; i < attempt->expected && dead && best == SIZE_MAX; i++)
        if (is_refusal(check, t, &source->record, &decision.records[i], output)) {
            out->refused++;
            best = i;
        }
    if (best == SIZE_MAX)
        return false;
    attempt->seen[best]++;
    return true;
}

static uint64_t hash_place(struct vx_span topic, int32_t partition, uint64_t seed)
{
    return (vx_hash64(topic) ^ (uint64_t)(uint32_t)partition * 0x9E3779B97F4A7C15u) + seed * 0xC2B2AE3D27D4EB4Fu;
}

/* True the first time the event shows up in this destination partition; `*moved`: but it did in another one. */
static bool first_occurrence(struct check *check, uint64_t id, const struct check_record *output, bool *moved)
{
    struct seen **slot = &check->seen[hash_place(output->topic, 0, id) & (check->seen_size - 1)];
    *moved = false;
    for (struct seen *s = *slot; s; s = s->next) {
        if (s->id != id || !vx_span_equal(s->topic, output->topic))
            continue;
        if (s->partition == output->partition)
            return false;
        *moved = true;
    }
    struct seen *s = VX_ARENA_NEW(&check->arena, struct seen);
    *s = (struct seen){.next = *slot, .id = id, .topic = output->topic, .partition = output->partition};
    *slot = s;
    return true;
}

static struct lane *get_lane(struct check *check, const struct check_record *from, const struct check_record *to)
{
    uint64_t key = hash_place(from->topic, from->partition, 1) ^ hash_place(to->topic, to->partition, 2);
    struct lane **slot = &check->lanes[key & 4095];
    for (struct lane *lane = *slot; lane; lane = lane->next)
        if (lane->key == key && lane->source_partition == from->partition && lane->partition == to->partition &&
            vx_span_equal(lane->source_topic, from->topic) && vx_span_equal(lane->topic, to->topic))
            return lane;
    struct lane *lane = VX_ARENA_NEW(&check->arena, struct lane);
    *lane = (struct lane){.next = *slot,
                          .key = key,
                          .source_topic = from->topic,
                          .topic = to->topic,
                          .source_partition = from->partition,
                          .partition = to->partition,
                          .furthest = -1};
    *slot = lane;
    return lane;
}

static void count_release(struct check_verdict *out, uint32_t release)
{
    size_t i = 0;
    while (i < out->release_count && out->releases[i].release != release)
        i++;
    if (i == sizeof out->releases / sizeof out->releases[0])
        return;
    if (i == out->release_count) {
        out->releases[i].release = release;
        out->releases[i].records = 0;
        out->release_count++;
    }
    out->releases[i].records++;
}

static void judge_output(struct check *check, const struct check_record *output, struct check_verdict *out)
{
    uint64_t id = 0, release = 0, unused;
    out->outputs++;
    out->dead_letters += find_number(output, "__connect.errors.partition", &unused);
    if (!find_number(output, CHECK_ID_HEADER, &id) || id >= check->source_room || !check->sources[id].present) {
        out->unknown++;
        report(check, UNKNOWN, id, output, "no source event has this number");
        return;
    }
    struct source *source = &check->sources[id];
    source->outputs++;
    const struct table *t = find_number(output, CHECK_RELEASE_HEADER, &release) ? find_table(check, release) : NULL;
    if (t)
        count_release(out, (uint32_t)release);
    if (!t || !tick_off(check, source, t, output, out)) {
        out->misrouted++;
        report(check, MISROUTED, id, output, t ? "its release would not make this record" : "no such release");
        return;
    }
    bool moved;
    if (!first_occurrence(check, id, output, &moved))
        return;
    out->moved += moved;
    struct lane *lane = get_lane(check, &source->record, output);
    if (source->record.offset < lane->furthest) {
        out->out_of_order++;
        report(check, OUT_OF_ORDER, id, output, "a later event of its source partition came first");
    } else {
        lane->furthest = source->record.offset;
    }
}

/* The size of a complete set of outputs of `source`, 0 when there is none. */
static uint64_t find_complete(const struct source *source)
{
    for (const struct attempt *a = source->attempts; a; a = a->next) {
        uint32_t i = 0;
        while (i < a->expected && a->seen[i] > 0)
            i++;
        if (i == a->expected && i > 0)
            return a->expected;
    }
    return 0;
}

static bool may_be_silent(struct check *check, const struct source *source)
{
    struct decision decision;
    for (size_t i = 0; i < check->table_count; i++) {
        decide_source(check, check->tables[i], &source->record, &decision);
        if (decision.record_count == 0 && decision.outcome != OUTCOME_STUCK && decision.outcome != OUTCOME_UNROUTED)
            return true;
    }
    return false;
}

static void judge_source(struct check *check, uint64_t id, struct check_verdict *out)
{
    struct source *source = &check->sources[id];
    out->events++;
    uint64_t complete = find_complete(source);
    if (complete == 0 && may_be_silent(check, source)) {
        out->silent++;
        out->duplicated += source->outputs;
    } else if (complete == 0) {
        out->lost++;
        report(check, LOST, id, &source->record, source->outputs ? "only a part came out" : "nothing came out");
    } else if (source->outputs > complete) {
        out->duplicated += source->outputs - complete;
        report(check, DUPLICATED, id, &source->record, "came out more than once");
    }
}

void check_judge(struct check *check, struct check_verdict *out, void (*problem)(void *ctx, const char *text),
                 void *ctx)
{
    memset(out, 0, sizeof *out);
    check->problem = problem;
    check->ctx = ctx;
    check->seen_size = 1024;
    while (check->seen_size < check->output_count * 2)
        check->seen_size *= 2;
    check->seen = calloc(check->seen_size, sizeof(struct seen *));
    vx_assert(check->seen != NULL);
    for (size_t i = 0; i < check->output_count; i++)
        judge_output(check, &check->outputs[i], out);
    for (uint64_t id = 0; id < check->source_room; id++)
        if (check->sources[id].present)
            judge_source(check, id, out);
}
