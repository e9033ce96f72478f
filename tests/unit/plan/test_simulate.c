/* Envelopes and decisions as text. */
#include "fixture.h"

#include "core/plan/simulate.h"

static void a_bad_envelope_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *message;
    } cases[] = {
        {"", "the line is not JSON, at byte 0"},
        {"{\"topic\":\"t\"", "the line is not JSON, at byte 12"},
        {"[]", "the line is not a JSON object"},
        {"{}", "\"topic\" is missing"},
        {"{\"value\":{}}", "\"topic\" is missing"},
        {"{\"topic\":null}", "\"topic\" must be a string"},
        {"{\"topic\":\"t\",\"key\":1}", "\"key\" must be a string or null"},
        {"{\"topic\":\"t\",\"key_base64\":\"*\"}", "\"key_base64\" must be a string of base64"},
        {"{\"topic\":\"t\",\"value_base64\":{}}", "\"value_base64\" must be a string of base64"},
        {"{\"topic\":\"t\",\"partition\":-1}", "\"partition\" must be an integer from 0 to 2147483647"},
        {"{\"topic\":\"t\",\"partition\":2147483648}", "\"partition\" must be an integer from 0 to 2147483647"},
        {"{\"topic\":\"t\",\"offset\":1.0}", "\"offset\" must be an integer from 0 to 9223372036854775807"},
        {"{\"topic\":\"t\",\"timestamp\":\"1\"}",
         "\"timestamp\" must be an integer from -9223372036854775808 to 9223372036854775807"},
        {"{\"topic\":\"t\",\"headers\":[]}", "\"headers\" must be an object"},
        {"{\"topic\":\"t\",\"headers\":{\"a\":1}}", "header \"a\" must be a string, null, or {\"base64\": text}"},
        {"{\"topic\":\"t\",\"headers\":{\"a\":{}}}", "header \"a\" must be a string, null, or {\"base64\": text}"},
        {"{\"topic\":\"t\",\"header\":{}}", "unknown member \"header\"; did you mean \"headers\"?"},
        {"{\"topic\":\"t\",\"colour\":1}", "unknown member \"colour\""},
        {"{\"topic\":\"t\",\"value\":1,\"value_base64\":\"MQ==\"}",
         "there are \"value\" and \"value_base64\"; one of them is enough"},
        {"{\"topic\":\"t\",\"key_base64\":\"MQ==\",\"key\":null}",
         "there are \"key\" and \"key_base64\"; one of them is enough"},
    };
    struct simulate *s = simulate_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cel_event ev;
        struct vx_err err = {0};
        assert_int_equal(simulate_load(s, vx_span_str(cases[i].line), NULL, &ev, &err), VX_EINVAL);
        assert_string_equal(err.message, cases[i].message);
    }
    simulate_free(s);
}

/* With the levels of a value that a router would take, but for those of the envelope around it. */
static void an_envelope_that_is_nested_too_deep_is_not_called_no_json(void **state)
{
    (void)state;
    char line[1024] = "{\"topic\":\"t\",\"value\":";
    size_t len = strlen(line);
    memset(line + len, '[', 512);
    memset(line + len + 512, ']', 512 - len);
    struct simulate *s = simulate_new();
    struct cel_event ev;
    struct vx_err err = {0};
    assert_int_equal(simulate_load(s, vx_span(line, sizeof line), NULL, &ev, &err), VX_EINVAL);
    assert_string_equal(err.message, "the line is nested too deep, at byte 532");
    simulate_free(s);
}

static void an_envelope_gives_every_part_of_an_event(void **state)
{
    (void)state;
    struct simulate *s = simulate_new();
    struct cel_event ev;
    struct vx_err err;
    static const char line[] =
        "{\"topic\":\"t\\u0041\",\"key_base64\":\"/wA=\",\"timestamp\":-5,\"partition\":3,\"offset\":7,"
        "\"headers\":{\"a\":\"1\",\"a\":null,\"b\":{\"base64\":\"AA==\"}},\"value\": \"x\\ny\" }";
    assert_int_equal(simulate_load(s, vx_span_str(line), NULL, &ev, &err), VX_OK);
    assert_true(vx_span_is(ev.topic, "tA"));
    assert_true(vx_span_equal(ev.key, vx_span("\xff\0", 2)));
    assert_int_equal(ev.timestamp_ms, -5);
    assert_int_equal(ev.partition, 3);
    assert_int_equal(ev.offset, 7);
    assert_int_equal(ev.header_count, 3);
    assert_true(vx_span_is(ev.headers[0].name, "a") && vx_span_is(ev.headers[0].value, "1"));
    assert_true(vx_span_is(ev.headers[1].name, "a") && !ev.headers[1].value.at);
    assert_true(vx_span_equal(ev.headers[2].value, vx_span("\0", 1)));
    assert_true(vx_span_is(ev.value, "\"x\\ny\""));
    simulate_free(s);
}

static void what_an_envelope_leaves_out_is_the_default(void **state)
{
    (void)state;
    struct simulate *s = simulate_new();
    const struct cel_event defaults = {
        .topic = VX_SPAN_LITERAL("d"), .partition = 1, .offset = 2, .timestamp_ms = 3, .key = VX_SPAN_LITERAL("no")};
    struct cel_event ev;
    struct vx_err err;
    assert_int_equal(simulate_load(s, VX_SPAN_LITERAL("{\"offset\":9,\"value\":null}"), &defaults, &ev, &err), VX_OK);
    assert_true(vx_span_is(ev.topic, "d"));
    assert_int_equal(ev.partition, 1);
    assert_int_equal(ev.offset, 9);
    assert_int_equal(ev.timestamp_ms, 3);
    assert_null(ev.key.at);
    assert_null(ev.value.at);
    assert_int_equal(ev.header_count, 0);
    simulate_free(s);
}

/* What is printed as an output is read back as the same bytes. */
static void values_survive_the_round_trip(void **state)
{
    (void)state;
    static const struct vx_span values[] = {
        {NULL, 0},
        {"", 0},
        VX_SPAN_LITERAL("{}"),
        VX_SPAN_LITERAL("null"),
        VX_SPAN_LITERAL(" null"),
        VX_SPAN_LITERAL("{ \"a\" : 1.50 }"),
        VX_SPAN_LITERAL("{\n}"),
        VX_SPAN_LITERAL("{}\r"),
        VX_SPAN_LITERAL(" {}"),
        VX_SPAN_LITERAL("{"),
        VX_SPAN_LITERAL("\xff\x00\x01"),
        VX_SPAN_LITERAL("\"\\ud800\""),
    };
    struct table *t = table_of("{ kind: routing, name: r, topics: [t], otherwise: { pipeline: p } }\n---\n"
                               "{ kind: processing, name: p, stages: [ emit: { topic: out } ] }\n");
    struct simulate *s = simulate_new();
    struct decider *d = decider_new();
    struct vx_buf text = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct cel_event ev = {.topic = VX_SPAN_LITERAL("t"), .value = values[i], .key = values[i]}, back;
        struct decision decision;
        struct vx_err err = {0};
        decide(d, t, &ev, &decision);
        vx_buf_clear(&text);
        simulate_print(s, t, i, &ev, &decision, &text);
        const char *begin = strstr(text.at, "\"outputs\":[") + strlen("\"outputs\":[");
        const char *end = strstr(text.at, "],\"error\"");
        assert_int_equal(simulate_load(s, vx_span(begin, (size_t)(end - begin)), NULL, &back, &err), VX_OK);
        assert_true(vx_span_equal(back.value, values[i]));
        assert_int_equal(back.value.at == NULL, values[i].at == NULL);
        assert_true(vx_span_equal(back.key, values[i]));
        assert_int_equal(back.key.at == NULL, values[i].at == NULL);
    }
    vx_buf_done(&text);
    decider_free(d);
    simulate_free(s);
    table_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_envelope_says_what_is_wrong),
        cmocka_unit_test(an_envelope_that_is_nested_too_deep_is_not_called_no_json),
        cmocka_unit_test(an_envelope_gives_every_part_of_an_event),
        cmocka_unit_test(what_an_envelope_leaves_out_is_the_default),
        cmocka_unit_test(values_survive_the_round_trip),
    };
    return cmocka_run_group_tests_name("plan_simulate", tests, NULL, NULL);
}
