/* Tables: what a release is made of, as others ask for it. */
#include "fixture.h"

#include <stdio.h>

#include "core/config/diff.h"

static const char RELEASE[] = "kind: routing\n"
                              "name: players\n"
                              "topics: [player-events, player-moves]\n"
                              "start: latest\n"
                              "dead_letter: players.dlq\n"
                              "rules:\n"
                              "  - { name: big, when: event.amount > 10, pipeline: outer }\n"
                              "  - { name: off, when: event.amount > 5, pipeline: inner, enabled: false }\n"
                              "otherwise: { drop: true }\n"
                              "---\n"
                              "kind: routing\n"
                              "name: bytes\n"
                              "topics: [blobs]\n"
                              "start: earliest\n"
                              "rules:\n"
                              "  - { name: keyed, when: 'key == \"k\"', pipeline: inner }\n"
                              "  - { name: json, when: event.x == 1, drop: true, enabled: false }\n"
                              "otherwise: { pipeline: inner }\n"
                              "---\n"
                              "kind: routing\n"
                              "name: changed\n"
                              "topics: [changed]\n"
                              "otherwise: { pipeline: outer }\n"
                              "---\n"
                              "kind: processing\n"
                              "name: outer\n"
                              "dead_letter: outer.dlq\n"
                              "stages:\n"
                              "  - remove: [event.secret]\n"
                              "  - pipeline: inner\n"
                              "  - emit: { topic: 'out-${key}', allow: [out-a, 'out-*', out-b] }\n"
                              "---\n"
                              "kind: processing\n"
                              "name: inner\n"
                              "stages:\n"
                              "  - emit: { topic: out-b }\n"
                              "  - emit: { topic: archive }\n";

static void topics_are_sorted_and_say_whether_they_are_parsed(void **state)
{
    (void)state;
    static const struct table_topic want[] = {
        {"blobs", "bytes", CONFIG_EARLIEST, CONFIG_AT_LEAST_ONCE, false},
        {"changed", "changed", CONFIG_EARLIEST, CONFIG_AT_LEAST_ONCE, true},
        {"player-events", "players", CONFIG_LATEST, CONFIG_AT_LEAST_ONCE, true},
        {"player-moves", "players", CONFIG_LATEST, CONFIG_AT_LEAST_ONCE, true},
    };
    struct table *t = table_of(RELEASE);
    size_t count;
    const struct table_topic *topics = table_topics(t, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(topics[i].name, want[i].name);
        assert_string_equal(topics[i].routing, want[i].routing);
        assert_int_equal(topics[i].start, want[i].start);
        assert_int_equal(topics[i].parsed, want[i].parsed);
        assert_non_null(table_route(t, vx_span_str(topics[i].name)));
    }
    assert_ptr_equal(table_route(t, VX_SPAN_LITERAL("player-events")), table_route(t, VX_SPAN_LITERAL("player-moves")));
    table_unref(t);
}

static void a_topic_of_no_routing_has_no_route(void **state)
{
    (void)state;
    static const char *const topics[] = {"", "blob", "blobs2", "player", "outer.dlq", "out-a"};
    struct table *t = table_of(RELEASE);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        assert_null(table_route(t, vx_span_str(topics[i])));
    assert_null(table_route(t, vx_span("blobs\0", 6)));
    assert_null(table_route(t, vx_span(NULL, 0)));
    table_unref(t);
}

static void destinations_are_those_known_by_name(void **state)
{
    (void)state;
    static const char *const want[] = {"archive", "out-a", "out-b", "outer.dlq", "players.dlq"};
    struct table *t = table_of(RELEASE);
    size_t count;
    const char *const *names = table_destinations(t, &count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names[i], want[i]);
    table_unref(t);
}

static void rules_and_pipelines_are_numbered_by_name_and_order(void **state)
{
    (void)state;
    static const struct table_rule want[] = {
        {"bytes", "keyed"}, {"bytes", "json"},  {"bytes", "otherwise"},   {"changed", "otherwise"},
        {"players", "big"}, {"players", "off"}, {"players", "otherwise"},
    };
    struct table *t = table_of(RELEASE);
    size_t count;
    const struct table_rule *rules = table_rules(t, &count);
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(rules[i].routing, want[i].routing);
        assert_string_equal(rules[i].name, want[i].name);
    }
    const char *const *pipelines = table_pipelines(t, &count);
    assert_int_equal(count, 2);
    assert_string_equal(pipelines[0], "inner");
    assert_string_equal(pipelines[1], "outer");
    table_unref(t);
}

static void parsed_is_what_the_diff_says(void **state)
{
    (void)state;
    struct config_set *set = set_of(RELEASE);
    struct vx_diags diags = {0};
    struct table *t = NULL;
    assert_int_equal(table_new(set, 1, &t, &diags), VX_OK);
    size_t count;
    const struct table_topic *topics = table_topics(t, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < set->routing_count; k++) {
            if (strcmp(set->routings[k].name, topics[i].routing) == 0)
                assert_int_equal(config_routing_parses(set, &set->routings[k]), topics[i].parsed);
        }
    }
    table_unref(t);
    config_set_free(set);
    vx_diags_done(&diags);
}

static void what_is_handed_over_counts_for_the_topic(void **state)
{
    (void)state;
    struct table *t = table_of(
        "{ kind: routing, name: a, topics: [in], otherwise: { drop: true }, rules: [ { name: on, routing: b } ] }\n"
        "---\n{ kind: routing, name: b, otherwise: { drop: true }, rules: [ { name: on, routing: c } ] }\n"
        "---\n{ kind: routing, name: c, dead_letter: c.dlq, otherwise: { drop: true }, rules: [\n"
        "  { name: x, when: event.x == 1, drop: true } ] }\n"
        "---\n{ kind: routing, name: other, topics: [other], otherwise: { drop: true } }\n");
    size_t count;
    const struct table_topic *topics = table_topics(t, &count);
    assert_int_equal(count, 2);
    assert_true(topics[0].parsed);  /* two hand-overs away a rule reads the event */
    assert_false(topics[1].parsed); /* nothing does */
    const char *const *names = table_destinations(t, &count);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "c.dlq");
    table_rules(t, &count);
    assert_int_equal(count, 7); /* each of a routing once, however many hand over to it */
    table_unref(t);
}

static void an_empty_release_is_a_table(void **state)
{
    (void)state;
    struct config_set set = {0};
    struct vx_diags diags = {0};
    struct table *t = NULL;
    size_t count;
    assert_int_equal(table_new(&set, 1, &t, &diags), VX_OK);
    assert_null(table_route(t, VX_SPAN_LITERAL("x")));
    table_topics(t, &count);
    assert_int_equal(count, 0);
    table_destinations(t, &count);
    assert_int_equal(count, 0);
    table_unref(t);
}

static void provenance_is_the_fleets(void **state)
{
    (void)state;
    struct table *t = table_of("{ kind: fleet, name: f, provenance: none }");
    assert_false(table_provenance(t));
    assert_int_equal(table_release(t), 42);
    table_unref(t);
    t = table_of("{ kind: fleet, name: f }");
    assert_true(table_provenance(t));
    table_unref(t);
    t = table_of(RELEASE);
    assert_true(table_provenance(t));
    assert_true(table_bytes(t) > 1000);
    table_unref(t);
}

static void a_table_lives_as_long_as_its_references(void **state)
{
    (void)state;
    struct table *t = table_of(RELEASE);
    assert_ptr_equal(table_ref(t), t);
    table_unref(t);
    assert_non_null(table_route(t, VX_SPAN_LITERAL("blobs")));
    table_unref(t);
    table_unref(NULL);
}

/* Each level calls the next ten times: 10^level stages. */
static void a_pipeline_that_runs_through_too_many_stages_is_refused(void **state)
{
    (void)state;
    struct vx_buf yaml = {0};
    for (int level = 0; level < 5; level++) {
        vx_buf_printf(&yaml, "---\nkind: processing\nname: p%d\nstages:\n", level);
        for (int i = 0; i < 10; i++) {
            if (level == 0)
                vx_buf_str(&yaml, "  - emit: { topic: out }\n");
            else
                vx_buf_printf(&yaml, "  - pipeline: p%d\n", level - 1);
        }
    }
    struct config_set *set = set_of(vx_buf_text(&yaml));
    struct vx_diags diags = {0};
    struct table *t = NULL;
    assert_int_equal(table_new(set, 1, &t, &diags), VX_ELIMIT);
    assert_null(t);
    assert_int_equal(diags.error_count, 2);
    assert_string_equal(diags.items[0].message,
                        "pipeline `p3` runs through more than 10000 stages, called pipelines included");
    assert_string_equal(diags.items[0].file, "config.yaml");
    assert_int_equal(diags.items[0].line, 44);
    assert_string_equal(diags.items[1].message,
                        "pipeline `p4` runs through more than 10000 stages, called pipelines included");
    config_set_free(set);
    vx_diags_done(&diags);
    vx_buf_done(&yaml);
}

/* As deep as config_load() lets pipelines call each other. */
static void the_deepest_chain_of_pipelines_is_a_table(void **state)
{
    (void)state;
    struct vx_buf yaml = {0};
    vx_buf_str(&yaml, "{ kind: routing, name: r, topics: [in], otherwise: { pipeline: p15 } }\n");
    vx_buf_str(&yaml, "---\n{ kind: processing, name: p0, stages: [ emit: { topic: out } ] }\n");
    for (int i = 1; i < CONFIG_CALL_DEPTH_MAX; i++)
        vx_buf_printf(&yaml, "---\n{ kind: processing, name: p%d, stages: [ pipeline: p%d ] }\n", i, i - 1);
    struct table *t = table_of(vx_buf_text(&yaml));
    struct decider *d = decider_new();
    struct cel_event ev = {.topic = VX_SPAN_LITERAL("in"), .value = VX_SPAN_LITERAL("x")};
    struct decision out;
    decide(d, t, &ev, &out);
    assert_int_equal(out.record_count, 1);
    decider_free(d);
    table_unref(t);
    vx_buf_done(&yaml);
}

static void a_thousand_topics_are_found(void **state)
{
    (void)state;
    struct vx_buf yaml = {0};
    vx_buf_str(&yaml, "{ kind: routing, name: r, otherwise: { drop: true }, topics: [");
    for (int i = 0; i < 1000; i++)
        vx_buf_printf(&yaml, "topic-%d,", i);
    vx_buf_str(&yaml, "] }\n");
    struct table *t = table_of(vx_buf_text(&yaml));
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "topic-%d", i);
        assert_non_null(table_route(t, vx_span_str(name)));
    }
    assert_null(table_route(t, VX_SPAN_LITERAL("topic-1000")));
    table_unref(t);
    vx_buf_done(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_sorted_and_say_whether_they_are_parsed),
        cmocka_unit_test(a_topic_of_no_routing_has_no_route),
        cmocka_unit_test(destinations_are_those_known_by_name),
        cmocka_unit_test(rules_and_pipelines_are_numbered_by_name_and_order),
        cmocka_unit_test(parsed_is_what_the_diff_says),
        cmocka_unit_test(what_is_handed_over_counts_for_the_topic),
        cmocka_unit_test(an_empty_release_is_a_table),
        cmocka_unit_test(provenance_is_the_fleets),
        cmocka_unit_test(a_table_lives_as_long_as_its_references),
        cmocka_unit_test(a_pipeline_that_runs_through_too_many_stages_is_refused),
        cmocka_unit_test(the_deepest_chain_of_pipelines_is_a_table),
        cmocka_unit_test(a_thousand_topics_are_found),
    };
    return cmocka_run_group_tests_name("plan_table", tests, NULL, NULL);
}
