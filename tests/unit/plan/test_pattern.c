/* Topic patterns of a table: what takes a topic that no routing names. */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>

#include "core/config/pattern.h"

static const char RELEASE[] = "kind: routing\n"
                              "name: a\n"
                              "topics: ['^player\\..*', exact.a]\n"
                              "start: latest\n"
                              "dead_letter: player.dlq\n"
                              "otherwise: { pipeline: out }\n"
                              "---\n"
                              "kind: routing\n"
                              "name: b\n"
                              "topics: ['^player\\.(x|y)$', '^other', player.exact]\n"
                              "otherwise: { pipeline: out }\n"
                              "---\n"
                              "kind: processing\n"
                              "name: out\n"
                              "dead_letter: other.dlq\n"
                              "stages: [emit: { topic: out }]\n";

static void patterns_take_what_no_routing_names(void **state)
{
    (void)state;
    static const struct {
        const char *topic, *routing, *other; /* by table_match() */
        const char *like;                    /* a topic of the same route; NULL: none routes it */
    } cases[] = {
        {"player.a", "a", NULL, "exact.a"},    {"player.x", "a", "b", "exact.a"}, {"player.", "a", NULL, "exact.a"},
        {"other1", "b", NULL, "player.exact"}, {"player", NULL, NULL, NULL},      {"my.player.a", NULL, NULL, NULL},
        {"player.dlq", NULL, NULL, NULL},      {"other.dlq", NULL, NULL, NULL},   {"out", NULL, NULL, NULL},
        {"__player.a", NULL, NULL, NULL},
    };
    struct table *t = table_of(RELEASE);
    assert_true(table_has_patterns(t));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table_match match = {0};
        struct vx_span topic = vx_span_str(cases[i].topic);
        assert_int_equal(table_match(t, topic, &match), cases[i].routing != NULL);
        if (cases[i].routing)
            assert_string_equal(match.routing, cases[i].routing);
        assert_int_equal(match.other != NULL, cases[i].other != NULL);
        const struct route *like = cases[i].like ? table_route(t, vx_span_str(cases[i].like)) : NULL;
        for (int again = 0; again < 2; again++)
            assert_ptr_equal(table_route(t, topic), like);
    }
    assert_ptr_not_equal(table_route(t, VX_SPAN_LITERAL("player.exact")), table_route(t, VX_SPAN_LITERAL("player.a")));
    size_t count;
    table_topics(t, &count);
    assert_int_equal(count, 2); /* the names */
    table_unref(t);
}

static void more_topics_than_are_remembered_are_routed_all_the_same(void **state)
{
    (void)state;
    struct table *t = table_of(RELEASE);
    const struct route *route = table_route(t, VX_SPAN_LITERAL("exact.a"));
    for (int i = 0; i < 6000; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s.%d", i % 2 ? "player" : "nobody", i);
        assert_ptr_equal(table_route(t, vx_span_str(name)), i % 2 ? route : NULL);
    }
    table_unref(t);
}

static void *ask(void *arg)
{
    struct table *t = arg;
    const struct route *route = table_route(t, VX_SPAN_LITERAL("exact.a"));
    for (int i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof name, "player.%d", i % 1500);
        if (table_route(t, vx_span_str(name)) != route)
            return "wrong";
    }
    return NULL;
}

static void threads_may_ask_at_once(void **state)
{
    (void)state;
    struct table *t = table_of(RELEASE);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, t), 0);
    for (int i = 0; i < 4; i++) {
        void *answer;
        pthread_join(threads[i], &answer);
        assert_null(answer);
    }
    table_unref(t);
}

static void what_is_no_expression_is_refused(void **state)
{
    (void)state;
    struct vx_err err;
    assert_int_equal(pattern_check(VX_SPAN_LITERAL("^a(b|c)+$"), &err), VX_OK);
    assert_int_equal(pattern_check(VX_SPAN_LITERAL("^a["), &err), VX_EINVAL);
    assert_int_equal(pattern_check(vx_span("^a\0b", 4), &err), VX_EINVAL);
    char long_one[PATTERN_MAX_BYTES + 2];
    memset(long_one, 'a', sizeof long_one);
    long_one[0] = '^';
    assert_int_equal(pattern_check(vx_span(long_one, PATTERN_MAX_BYTES), &err), VX_OK);
    assert_int_equal(pattern_check(vx_span(long_one, PATTERN_MAX_BYTES + 1), &err), VX_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_take_what_no_routing_names),
        cmocka_unit_test(more_topics_than_are_remembered_are_routed_all_the_same),
        cmocka_unit_test(threads_may_ask_at_once),
        cmocka_unit_test(what_is_no_expression_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
