/* What happens at each limit of config.h: its value passes, one more is refused, with its place. */
#include "help.h"

static void expect(const char *text, const char *message)
{
    char *found = findings(text);
    if (!message && strstr(found, "error"))
        fail_msg("%s", found);
    if (message && !strstr(found, message))
        fail_msg("expected %s, found %.2000s", message, found);
    free(found);
}

static void add_rules(struct vx_buf *out, int first, int count)
{
    for (int i = first; i < first + count; i++)
        vx_buf_printf(out, "  - { name: r%d, when: 'event.a == %d', drop: true }\n", i, i);
}

static void rules_of_a_release(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    vx_buf_str(&text, "kind: routing\nname: a\ntopics: [a]\notherwise: { drop: true }\nrules:\n");
    add_rules(&text, 0, 6000);
    vx_buf_str(&text, "---\nkind: routing\nname: b\ntopics: [b]\notherwise: { drop: true }\nrules:\n");
    add_rules(&text, 0, 4000);
    expect(vx_buf_text(&text), NULL);
    add_rules(&text, 4000, 1);
    expect(vx_buf_text(&text), "test.yaml:10012:5: error: a release has at most 10000 rules; this is one more");
    vx_buf_done(&text);
}

static void pipelines_and_routings_of_a_release(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    for (int i = 0; i <= CONFIG_PIPELINES_MAX; i++) {
        if (i == CONFIG_PIPELINES_MAX)
            expect(vx_buf_text(&text), NULL);
        vx_buf_printf(&text, "--- { kind: processing, name: p%04d, stages: [emit: { topic: t }] }\n", i);
    }
    expect(vx_buf_text(&text), "test.yaml:1001:5: error: a release has at most 1000 pipelines; this is one more");
    vx_buf_clear(&text);
    for (int i = 0; i <= CONFIG_ROUTINGS_MAX; i++) {
        if (i == CONFIG_ROUTINGS_MAX)
            expect(vx_buf_text(&text), NULL);
        vx_buf_printf(&text, "--- { kind: routing, name: r%04d, topics: [t%d], otherwise: { drop: true } }\n", i, i);
    }
    expect(vx_buf_text(&text), "test.yaml:1001:5: error: a release has at most 1000 routings; this is one more");
    vx_buf_done(&text);
}

static void bytes_of_a_document(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    vx_buf_str(&text, "kind: fleet\nname: f\n#");
    while (text.len < CONFIG_DOCUMENT_MAX_BYTES - 1)
        vx_buf_char(&text, 'x');
    vx_buf_char(&text, '\n');
    expect(vx_buf_text(&text), NULL);
    vx_buf_char(&text, '\n');
    expect(vx_buf_text(&text), "test.yaml:1:1: error: this document has 1048577 bytes; at most 1048576 are allowed");
    vx_buf_done(&text);
}

static void stages_of_a_pipeline(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    vx_buf_str(&text, "kind: processing\nname: p\nstages:\n");
    for (int i = 0; i < CONFIG_STAGES_MAX; i++)
        vx_buf_str(&text, "  - emit: { topic: t }\n");
    expect(vx_buf_text(&text), NULL);
    vx_buf_str(&text, "  - emit: { topic: t }\n");
    expect(vx_buf_text(&text), "test.yaml:104:5: error: `stages` has 101 items; at most 100 are allowed");
    vx_buf_done(&text);
}

static void pipelines_in_pipelines(void **state)
{
    (void)state;
    for (int deep = CONFIG_CALL_DEPTH_MAX; deep <= CONFIG_CALL_DEPTH_MAX + 1; deep++) {
        struct vx_buf text = {0};
        for (int i = 0; i < deep; i++) {
            vx_buf_printf(&text, "--- { kind: processing, name: p%d, stages: [", i);
            if (i + 1 < deep)
                vx_buf_printf(&text, "pipeline: p%d] }\n", i + 1);
            else
                vx_buf_str(&text, "emit: { topic: t }] }\n");
        }
        expect(vx_buf_text(&text),
               deep > CONFIG_CALL_DEPTH_MAX ? "pipelines stand in pipelines more than 16 deep" : NULL);
        vx_buf_done(&text);
    }
}

static void names_and_topics(void **state)
{
    (void)state;
    char text[1024], name[300];
    memset(name, 'x', sizeof name);
    snprintf(text, sizeof text, "kind: fleet\nname: %.63s\n", name);
    expect(text, NULL);
    snprintf(text, sizeof text, "kind: fleet\nname: %.64s\n", name);
    expect(text, "must be a name");
    snprintf(text, sizeof text, "{ kind: routing, name: r, topics: [%.249s], otherwise: { drop: true } }", name);
    expect(text, NULL);
    snprintf(text, sizeof text, "{ kind: routing, name: r, topics: [%.250s], otherwise: { drop: true } }", name);
    expect(text, "must be a topic name");
    assert_int_equal(CONFIG_NAME_MAX_BYTES, 63);
    assert_int_equal(CONFIG_TOPIC_MAX_BYTES, 249);
}

/* The finding's line for a text whose fourth line is wrong. */
static int line_of_finding(int first_line)
{
    struct config_source source = {"t.yaml", VX_SPAN_LITERAL("kind: fleet\nname: f\n\nnome: x\n"), first_line};
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    assert_int_equal(config_load(&source, 1, &set, &diags), VX_EINVAL);
    int line = diags.items[0].line;
    vx_diags_done(&diags);
    return line;
}

static void a_first_line_that_makes_no_sense_is_1(void **state)
{
    (void)state;
    assert_int_equal(line_of_finding(7), 10);
    assert_int_equal(line_of_finding(CONFIG_LINE_MAX), CONFIG_LINE_MAX + 3);
    assert_int_equal(line_of_finding(CONFIG_LINE_MAX + 1), 4);
    assert_int_equal(line_of_finding(INT32_MAX), 4);
    assert_int_equal(line_of_finding(-1), 4);
}

static void expressions(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    vx_buf_str(&text, "{ kind: routing, name: r, topics: [a], rules: [{ name: a, drop: true, when: '");
    for (int i = 0; i < CEL_TEXT_MAX_BYTES; i++)
        vx_buf_char(&text, i == 0 ? '!' : 'x');
    vx_buf_str(&text, "' }], otherwise: { drop: true } }");
    expect(vx_buf_text(&text), "error");
    vx_buf_done(&text);
}

static void a_wide_graph_takes_no_square_time(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    for (int i = 0; i < 900; i++) {
        vx_buf_printf(&text, "--- { kind: routing, name: r%d, topics: [a%d], otherwise: { pipeline: p%d } }\n", i, i,
                      i);
        vx_buf_printf(&text, "--- { kind: processing, name: p%d, stages: [emit: { topic: 'a${topic}', allow: [", i);
        for (int k = i + 1; k < 900 && k < i + 100; k++)
            vx_buf_printf(&text, "%sa%d", k > i + 1 ? ", " : "", k);
        vx_buf_str(&text, i == 899 ? "a900] }] }\n" : "] }] }\n");
    }
    expect(vx_buf_text(&text), NULL);
    vx_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_a_release),
        cmocka_unit_test(pipelines_and_routings_of_a_release),
        cmocka_unit_test(bytes_of_a_document),
        cmocka_unit_test(stages_of_a_pipeline),
        cmocka_unit_test(pipelines_in_pipelines),
        cmocka_unit_test(names_and_topics),
        cmocka_unit_test(a_first_line_that_makes_no_sense_is_1),
        cmocka_unit_test(expressions),
        cmocka_unit_test(a_wide_graph_takes_no_square_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
