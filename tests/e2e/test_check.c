/* veltrix-check's judgement against planted faults: what it must find, and what it must not cry about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "check.h"

enum { EVENTS = 40 };

/* One source partition of numbered events, and the outputs a right router makes of them. */
struct world {
    struct vx_arena arena;
    struct check *check;
    struct table *tables[2];
    struct check_record sources[EVENTS];
    struct check_record outputs[8 * EVENTS];
    size_t output_count;
    struct decider *decider;
};

static struct table *make_table(uint32_t number, const char *topic)
{
    char text[1024];
    snprintf(text, sizeof text,
             "kind: routing\nname: r\ntopics: [in]\nrules:\n"
             "  - name: skip\n    when: event.n == 7\n    drop: true\n"
             "  - name: both\n    when: event.n %% 5 == 0\n    pipelines: [a, b]\n"
             "otherwise: { pipeline: a }\n---\n"
             "kind: processing\nname: a\nstages: [emit: { topic: %s }]\n---\n"
             "kind: processing\nname: b\nstages: [set: { event.b: true }, emit: { topic: out-b }]\n",
             topic);
    struct config_source source = {.path = "test.yaml", .text = vx_span_str(text), .first_line = 1};
    struct config_set *set;
    struct table *t;
    struct vx_diags diags = {0};
    assert_int_equal(config_load(&source, 1, &set, &diags), VX_OK);
    assert_int_equal(table_new(set, number, &t, &diags), VX_OK);
    config_set_free(set);
    vx_diags_done(&diags);
    return t;
}

static const struct cel_header *make_headers(struct world *w, const struct cel_header *from, size_t count,
                                             const char *name, uint64_t number)
{
    struct cel_header *headers = VX_ARENA_ARRAY(&w->arena, struct cel_header, count + 1);
    for (size_t i = 0; i < count; i++)
        headers[i] = from[i];
    headers[count] = (struct cel_header){vx_span_str(name),
                                         vx_span_str(vx_arena_printf(&w->arena, "%llu", (unsigned long long)number))};
    return headers;
}

static void emit(struct world *w, size_t event, size_t table)
{
    const struct check_record *s = &w->sources[event];
    struct cel_event ev = {.topic = s->topic,
                           .partition = s->partition,
                           .offset = s->offset,
                           .timestamp_ms = s->timestamp_ms,
                           .key = s->key,
                           .value = s->value,
                           .headers = s->headers,
                           .header_count = s->header_count};
    struct decision d;
    decide(w->decider, w->tables[table], &ev, &d);
    for (size_t i = 0; i < d.record_count; i++) {
        struct check_record *out = &w->outputs[w->output_count++];
        *out = (struct check_record){.topic = vx_arena_span(&w->arena, d.records[i].topic),
                                     .offset = (int64_t)w->output_count,
                                     .key = s->key,
                                     .value = vx_arena_span(&w->arena, d.records[i].value),
                                     .header_count = d.records[i].header_count + 1};
        out->headers = make_headers(w, s->headers, s->header_count, CHECK_RELEASE_HEADER, table + 1);
    }
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->check = check_new();
    w->decider = decider_new();
    w->tables[0] = make_table(1, "out-a");
    w->tables[1] = make_table(2, "out-c");
    for (size_t i = 0; i < EVENTS; i++) {
        struct check_record *s = &w->sources[i];
        *s = (struct check_record){.topic = vx_span_str("in"),
                                   .partition = 3,
                                   .offset = (int64_t)i * 2,
                                   .key = vx_span_str("k"),
                                   .header_count = 1};
        s->value = vx_span_str(vx_arena_printf(&w->arena, "{\"n\":%zu}", i));
        s->headers = make_headers(w, NULL, 0, CHECK_ID_HEADER, i);
    }
    return w;
}

static struct check_verdict judge(struct world *w)
{
    struct check_verdict v;
    check_add_table(w->check, w->tables[0]);
    check_add_table(w->check, w->tables[1]);
    for (size_t i = 0; i < EVENTS; i++)
        check_add_source(w->check, &w->sources[i]);
    for (size_t i = 0; i < w->output_count; i++)
        check_add_output(w->check, &w->outputs[i]);
    check_judge(w->check, &v, NULL, NULL);
    table_unref(w->tables[0]);
    table_unref(w->tables[1]);
    check_free(w->check);
    decider_free(w->decider);
    vx_arena_done(&w->arena);
    free(w);
    return v;
}

static struct world *good_world(void)
{
    struct world *w = world_new();
    for (size_t i = 0; i < EVENTS; i++)
        emit(w, i, i >= EVENTS / 2);
    return w;
}

static void expect(struct check_verdict v, uint64_t lost, uint64_t duplicated, uint64_t out_of_order,
                   uint64_t misrouted, uint64_t unknown)
{
    assert_int_equal(v.events, EVENTS);
    assert_int_equal(v.lost, lost);
    assert_int_equal(v.duplicated, duplicated);
    assert_int_equal(v.out_of_order, out_of_order);
    assert_int_equal(v.misrouted, misrouted);
    assert_int_equal(v.unknown, unknown);
}

static void a_right_run_is_clean_and_names_both_releases(void **state)
{
    (void)state;
    struct check_verdict v = judge(good_world());
    expect(v, 0, 0, 0, 0, 0);
    assert_int_equal(v.moved, 0);
    assert_int_equal(v.silent, 1);
    assert_int_equal(v.release_count, 2);
    assert_int_equal(v.outputs, EVENTS - 1 + EVENTS / 5);
}

static void a_missing_output_is_lost(void **state)
{
    (void)state;
    struct world *w = good_world();
    w->output_count--;
    expect(judge(w), 1, 0, 0, 0, 0);
}

static void one_missing_output_of_two_is_lost(void **state)
{
    (void)state;
    struct world *w = good_world();
    memmove(&w->outputs[1], &w->outputs[2], (w->output_count - 2) * sizeof w->outputs[0]);
    w->output_count--;
    expect(judge(w), 1, 0, 0, 0, 0);
}

static void a_repeated_output_is_duplicated_not_out_of_order(void **state)
{
    (void)state;
    struct world *w = good_world();
    emit(w, 3, 0);
    emit(w, 10, 0);
    expect(judge(w), 0, 3, 0, 0, 0);
}

static void a_repeated_output_in_another_partition_has_moved_and_may_be_out_of_order(void **state)
{
    (void)state;
    struct world *w = good_world();
    emit(w, 6, 0);
    w->outputs[w->output_count - 1].partition = 1;
    emit(w, 3, 0);
    w->outputs[w->output_count - 1].partition = 1;
    struct check_verdict v = judge(w);
    expect(v, 0, 2, 1, 0, 0);
    assert_int_equal(v.moved, 2);
}

static void swapped_outputs_are_out_of_order(void **state)
{
    (void)state;
    struct world *w = good_world();
    struct check_record swap = w->outputs[3];
    w->outputs[3] = w->outputs[4];
    w->outputs[4] = swap;
    expect(judge(w), 0, 0, 1, 0, 0);
}

static void a_record_of_another_release_is_misrouted(void **state)
{
    (void)state;
    struct world *w = good_world();
    w->outputs[4].headers = make_headers(w, w->sources[2].headers, 1, CHECK_RELEASE_HEADER, 2);
    assert_int_equal(judge(w).misrouted, 1);
}

static void a_changed_value_key_or_header_is_misrouted(void **state)
{
    (void)state;
    struct world *w = good_world();
    w->outputs[2].value = vx_span_str("{\"n\": 1}");
    w->outputs[3].key = vx_span_str("other");
    w->outputs[4].key = vx_span(NULL, 0);
    struct cel_header *headers = VX_ARENA_ARRAY(&w->arena, struct cel_header, 3);
    memcpy(headers, w->outputs[5].headers, 2 * sizeof *headers);
    headers[2] = (struct cel_header){vx_span_str("x"), vx_span_str("y")};
    w->outputs[5].headers = headers;
    w->outputs[5].header_count = 3;
    struct check_verdict v = judge(w);
    assert_int_equal(v.misrouted, 4);
    assert_int_equal(v.lost, 4);
}

static void a_dropped_event_that_comes_out_is_misrouted(void **state)
{
    (void)state;
    struct world *w = good_world();
    struct check_record *out = &w->outputs[w->output_count++];
    *out = w->outputs[w->output_count - 2];
    out->headers = make_headers(w, w->sources[7].headers, 1, CHECK_RELEASE_HEADER, 2);
    out->value = w->sources[7].value;
    assert_int_equal(judge(w).misrouted, 1);
}

static void a_record_nobody_sent_is_unknown(void **state)
{
    (void)state;
    struct world *w = good_world();
    struct check_record *out = &w->outputs[w->output_count++];
    *out = w->outputs[0];
    out->headers = make_headers(w, NULL, 0, CHECK_ID_HEADER, 4711);
    out->header_count = 1;
    expect(judge(w), 0, 0, 0, 0, 1);
}

static void an_attempt_repeated_under_a_new_release_is_not_lost(void **state)
{
    (void)state;
    struct world *w = good_world();
    emit(w, EVENTS / 2 - 1, 1);
    struct check_verdict v = judge(w);
    assert_int_equal(v.lost, 0);
    assert_int_equal(v.duplicated, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_run_is_clean_and_names_both_releases),
        cmocka_unit_test(a_missing_output_is_lost),
        cmocka_unit_test(one_missing_output_of_two_is_lost),
        cmocka_unit_test(a_repeated_output_is_duplicated_not_out_of_order),
        cmocka_unit_test(a_repeated_output_in_another_partition_has_moved_and_may_be_out_of_order),
        cmocka_unit_test(swapped_outputs_are_out_of_order),
        cmocka_unit_test(a_record_of_another_release_is_misrouted),
        cmocka_unit_test(a_changed_value_key_or_header_is_misrouted),
        cmocka_unit_test(a_dropped_event_that_comes_out_is_misrouted),
        cmocka_unit_test(a_record_nobody_sent_is_unknown),
        cmocka_unit_test(an_attempt_repeated_under_a_new_release_is_not_lost),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
