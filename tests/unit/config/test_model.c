/* The typed model that a table is compiled from: what each key of the language becomes. */
#include "help.h"

#include "core/config/diff.h"

static const char example[] =
    "kind: fleet\nname: games\nprovenance: none\nowner: me\n"
    "---\n"
    "kind: routing\nname: player-events\nowner: game-platform\ndescription: all of it\ntopics: [b-topic, a-topic]\n"
    "start: latest\ndelivery: exactly_once\n"
    "rules:\n"
    "  - name: big-spender\n    owner: shop\n    when: event.type == \"purchase\" && event.amount >= 1000\n    "
    "pipeline: fraud-check\n"
    "  - { name: heartbeat, when: 'event.type == \"heartbeat\"', drop: true }\n"
    "  - { name: europe, when: 'headers[\"x\"] == \"eu\"', pipelines: [archive, score], enabled: false }\n"
    "  - { name: rest, pipeline: archive }\n"
    "otherwise: { dead_letter: true }\n"
    "dead_letter: player-events.dlq\n"
    "---\n"
    "kind: processing\nname: fraud-check\ndead_letter: fraud.dlq\n"
    "stages:\n"
    "  - filter: event.amount > 0\n"
    "  - set:\n"
    "      event.currency: EUR\n"
    "      event.total: ${event.price * event.qty}\n"
    "      headers.checked-by: \"fraud-${event.country}\"\n"
    "      key: $${plain}\n"
    "  - remove: [event.card, headers.x, 'event.list[0]']\n"
    "  - pipeline: score\n"
    "  - emit: { topic: \"fraud-${event.country}\", allow: [\"fraud-*\", fraud-x], key: \"${event.user.id}\" }\n"
    "---\n{kind: processing, name: score, stages: [emit: {topic: scores}]}\n"
    "---\n{kind: processing, name: archive, stages: [emit: {topic: archive}]}\n";

static void documents_are_in_order_of_kind_and_name(void **state)
{
    (void)state;
    struct config_set *set = load_good(example);
    static const char *const names[] = {"games", "player-events", "archive", "fraud-check", "score"};
    assert_int_equal(set->document_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(set->documents[i].name, names[i]);
    assert_int_equal(set->documents[0].kind, CONFIG_KIND_FLEET);
    assert_int_equal(set->documents[1].line, 6);
    assert_true(vx_span_starts_with(set->documents[1].text, VX_SPAN_LITERAL("kind: routing\n")));
    assert_string_equal(set->documents[1].path, "test.yaml");
    assert_ptr_equal(config_find_processing(set, "score"), &set->processings[2]);
    assert_null(config_find_processing(set, "nothing"));
    config_set_free(set);
}

static void the_fleet_has_its_policy(void **state)
{
    (void)state;
    struct config_set *set = load_good(example);
    assert_string_equal(set->fleet.name, "games");
    assert_string_equal(set->fleet.owner, "me");
    assert_null(set->fleet.description);
    assert_int_equal(set->fleet.provenance, CONFIG_PROVENANCE_NONE);
    config_set_free(set);
    set = load_good("kind: fleet\nname: no\n");
    assert_string_equal(set->fleet.name, "no");
    assert_int_equal(set->fleet.provenance, CONFIG_PROVENANCE_HEADER);
    config_set_free(set);
    set = load_good("# nothing\n");
    assert_null(set->fleet.name);
    config_set_free(set);
}

static void a_routing_has_its_topics_and_rules(void **state)
{
    (void)state;
    struct config_set *set = load_good(example);
    const struct config_routing *r = &set->routings[0];
    assert_int_equal(r->topic_count, 2);
    assert_string_equal(r->topics[0], "b-topic");
    assert_int_equal(r->start, CONFIG_LATEST);
    assert_string_equal(r->description, "all of it");
    assert_int_equal(r->rule_count, 4);
    assert_string_equal(r->rules[0].name, "big-spender");
    assert_string_equal(r->rules[0].owner, "shop");
    assert_true(vx_span_is(r->rules[0].when.text, "event.type == \"purchase\" && event.amount >= 1000"));
    assert_non_null(r->rules[0].when.cel);
    assert_int_equal(r->rules[0].action.kind, CONFIG_RUN);
    assert_string_equal(r->rules[0].action.pipelines[0], "fraud-check");
    assert_true(r->rules[0].enabled);
    assert_int_equal(r->rules[1].action.kind, CONFIG_DROP);
    assert_false(r->rules[2].enabled);
    assert_int_equal(r->rules[2].action.pipeline_count, 2);
    assert_string_equal(r->rules[2].action.pipelines[1], "score");
    assert_null(r->rules[3].when.cel);
    assert_int_equal(r->otherwise.kind, CONFIG_DEAD_LETTER);
    assert_string_equal(r->dead_letter, "player-events.dlq");
    config_set_free(set);
}

static void rules_hand_over_to_routings_without_topics(void **state)
{
    (void)state;
    struct config_set *set = load_good(
        "{ kind: routing, name: top, topics: [t], match: all, otherwise: { drop: true }, rules: [\n"
        "  { name: a, when: 'headers.a == \"1\"', routing: below }, { name: b, pipeline: p } ] }\n"
        "---\n{ kind: routing, name: below, otherwise: { drop: true }, rules: [ { name: c, routing: last } ] }\n"
        "---\n{ kind: routing, name: last, match: first, otherwise: { drop: true }, rules: [\n"
        "  { name: d, when: event.x == 1, drop: true } ] }\n"
        "---\n{ kind: routing, name: unparsed, topics: [u], otherwise: { drop: true }, rules: [\n"
        "  { name: e, routing: below, enabled: false } ] }\n"
        "---\n{ kind: processing, name: p, stages: [ emit: { topic: out } ] }\n");
    const struct config_routing *top = config_find_routing(set, "top");
    assert_non_null(top);
    assert_null(config_find_routing(set, "nothing"));
    assert_int_equal(top->match, CONFIG_MATCH_ALL);
    assert_int_equal(top->rules[0].action.kind, CONFIG_HAND_OVER);
    assert_string_equal(top->rules[0].action.routing, "below");
    assert_int_equal(top->rules[0].action.pipeline_count, 0);
    assert_int_equal(top->rules[1].action.kind, CONFIG_RUN);
    assert_int_equal(config_find_routing(set, "below")->match, CONFIG_MATCH_FIRST);
    assert_int_equal(config_find_routing(set, "below")->topic_count, 0);
    /* What a topic's events can reach counts, also two hand-overs away; what is disabled does not. */
    assert_true(config_routing_parses(set, top));
    assert_false(config_routing_parses(set, config_find_routing(set, "unparsed")));
    config_set_free(set);
}

static void stages_are_typed(void **state)
{
    (void)state;
    struct config_set *set = load_good(example);
    const struct config_processing *p = config_find_processing(set, "fraud-check");
    assert_int_equal(p->stage_count, 5);
    assert_string_equal(p->dead_letter, "fraud.dlq");
    assert_int_equal(p->stages[0].kind, CONFIG_FILTER);
    assert_non_null(p->stages[0].filter.cel);
    const struct config_stage *s = &p->stages[1];
    assert_int_equal(s->kind, CONFIG_SET);
    assert_int_equal(s->set_count, 4);
    assert_int_equal(s->set[0].value.kind, CONFIG_VALUE_CONSTANT);
    assert_true(vx_span_is(s->set[0].value.json, "\"EUR\""));
    assert_true(vx_span_is(s->set[0].value.text, "EUR"));
    assert_int_equal(s->set[1].value.kind, CONFIG_VALUE_TEMPLATE);
    assert_non_null(cel_template_single(s->set[1].value.cel));
    assert_int_equal(s->set[2].path.root, CONFIG_HEADER);
    assert_true(vx_span_is(s->set[2].path.header, "checked-by"));
    assert_null(cel_template_single(s->set[2].value.cel));
    assert_int_equal(s->set[3].path.root, CONFIG_KEY);
    assert_true(vx_span_is(s->set[3].value.text, "${plain}"));
    assert_int_equal(p->stages[2].kind, CONFIG_REMOVE);
    assert_int_equal(p->stages[2].remove_count, 3);
    assert_int_equal(p->stages[2].remove[2].path.count, 2);
    assert_int_equal(p->stages[3].kind, CONFIG_PIPELINE);
    assert_string_equal(p->stages[3].pipeline, "score");
    assert_int_equal(p->stages[4].kind, CONFIG_EMIT);
    assert_int_equal(p->stages[4].emit.topic.kind, CONFIG_VALUE_TEMPLATE);
    assert_int_equal(p->stages[4].emit.allow_count, 2);
    assert_true(vx_span_is(p->stages[4].emit.allow[0], "fraud-*"));
    assert_true(p->stages[4].emit.has_key);
    assert_false(config_find_processing(set, "score")->stages[0].emit.has_key);
    config_set_free(set);
}

static void values_are_what_yaml_says(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *json, *text;
    } cases[] = {
        {"EUR", "\"EUR\"", "EUR"},
        {"no", "\"no\"", "no"},
        {"1_000", "\"1_000\"", "1_000"},
        {"'12'", "\"12\"", "12"},
        {"12", "12", "12"},
        {"+12", "12", "12"},
        {"0x1F", "31", "31"},
        {"0o17", "15", "15"},
        {"007", "7", "7"},
        {"1.50", "1.50", "1.50"},
        {"1.", "1.0", "1.0"},
        {".5", "0.5", "0.5"},
        {"1.5e3", "1.5e3", "1.5e3"},
        {"12345678901234567890", "12345678901234567890", "12345678901234567890"},
        {"true", "true", "true"},
        {"FALSE", "false", "false"},
        {"null", "null", NULL},
        {"~", "null", NULL},
        {"", "null", NULL},
        {"''", "\"\"", ""},
        {"\"a\\\"\\n\\u00fc\"", "\"a\\\"\\n\xc3\xbc\"", "a\"\n\xc3\xbc"},
        {"[]", "[]", NULL},
        {"{}", "{}", NULL},
        {"[1, a, [~]]", "[1,\"a\",[null]]", NULL},
        {"{ a: 1, \"b c\": { d: x } }", "{\"a\":1,\"b c\":{\"d\":\"x\"}}", NULL},
        {"$${x}", "\"${x}\"", "${x}"},
        {"$x", "\"$x\"", "$x"},
        {"\"${event.x}\"", NULL, NULL},
        {"\"[${event.x}]\"", NULL, NULL},
        {"[1, \"${event.x}\"]", NULL, NULL},
        {"{ a: \"${event.x}\" }", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_buf text = {0};
        vx_buf_printf(&text,
                      "kind: processing\nname: p\nstages:\n  - set:\n      event.a: %s\n  - emit: { topic: t }\n",
                      cases[i].yaml);
        struct config_set *set = load_good(vx_buf_text(&text));
        const struct config_value *v = &set->processings[0].stages[0].set[0].value;
        if (!cases[i].json) {
            assert_int_not_equal(v->kind, CONFIG_VALUE_CONSTANT);
        } else {
            assert_int_equal(v->kind, CONFIG_VALUE_CONSTANT);
            if (!vx_span_is(v->json, cases[i].json))
                fail_msg("%s gives %.*s", cases[i].yaml, VX_SPAN_ARG(v->json));
            assert_int_equal(v->text.at != NULL, cases[i].text != NULL);
            assert_true(!cases[i].text || vx_span_is(v->text, cases[i].text));
        }
        config_set_free(set);
        vx_buf_done(&text);
    }
}

static void lists_and_maps_keep_what_is_dynamic(void **state)
{
    (void)state;
    struct config_set *set = load_good("kind: processing\nname: p\nstages:\n  - set:\n      event.a: { x: [1, "
                                       "\"${topic}\"], y: [1, 2] }\n  - emit: { topic: t }\n");
    const struct config_value *v = &set->processings[0].stages[0].set[0].value;
    assert_int_equal(v->kind, CONFIG_VALUE_MAP);
    assert_int_equal(v->count, 2);
    assert_true(vx_span_is(v->keys[0], "x"));
    assert_int_equal(v->items[0].kind, CONFIG_VALUE_LIST);
    assert_int_equal(v->items[0].items[1].kind, CONFIG_VALUE_TEMPLATE);
    assert_int_equal(v->items[1].kind, CONFIG_VALUE_CONSTANT);
    assert_true(vx_span_is(v->items[1].json, "[1,2]"));
    config_set_free(set);
}

static void a_topic_is_parsed_only_when_something_reads_the_event(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *stage;
        bool parses;
    } cases[] = {
        {"", "", false},
        {"{ name: a, when: 'headers.x == \"y\"', drop: true }", "", false},
        {"{ name: a, when: 'event.x == \"y\"', drop: true }", "", true},
        {"{ name: a, when: 'has(event.x)', drop: true, enabled: false }", "", false},
        {"{ name: a, when: 'size(value) > 3', drop: true }", "", false},
        {"", "{ filter: event.x }", true},
        {"", "{ filter: topic == 'x' }", false},
        {"", "{ set: { event.x: 1 } }", true},
        {"", "{ set: { headers.x: 1 } }", false},
        {"", "{ set: { headers.x: '${event.x}' } }", true},
        {"", "{ set: { headers.x: 'a ${event.x}' } }", true},
        {"", "{ remove: [headers.x, key] }", false},
        {"", "{ remove: [event.x] }", true},
        {"", "{ pipeline: other }", true},
        {"", "{ emit: { topic: u, key: '${event.x}' } }", true},
        {"", "{ emit: { topic: 'u-${event.x}', allow: ['u*'] } }", true},
        {"", "{ emit: { topic: 'u-${headers.x}', allow: ['u*'] } }", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_buf text = {0};
        vx_buf_printf(&text, "{ kind: routing, name: r, topics: [a], rules: [%s], otherwise: { pipeline: p } }\n---\n",
                      cases[i].rule);
        vx_buf_printf(&text, "{ kind: processing, name: p, stages: [%s%semit: { topic: t }] }\n---\n", cases[i].stage,
                      cases[i].stage[0] ? ", " : "");
        vx_buf_str(&text, "{ kind: processing, name: other, stages: [filter: event.y, emit: { topic: t }] }\n");
        struct config_set *set = load_good(vx_buf_text(&text));
        if (config_routing_parses(set, &set->routings[0]) != cases[i].parses)
            fail_msg("%s %s", cases[i].rule, cases[i].stage);
        config_set_free(set);
        vx_buf_done(&text);
    }
}

static void names_and_kinds_go_both_ways(void **state)
{
    (void)state;
    for (enum config_kind kind = 0; kind < CONFIG_KIND_COUNT; kind++)
        assert_int_equal(config_kind_load(vx_span_str(config_kind_name(kind))), kind);
    assert_int_equal(config_kind_load(VX_SPAN_LITERAL("x")), CONFIG_KIND_COUNT);
    assert_true(config_topic_valid(VX_SPAN_LITERAL("Az09._-")));
    assert_false(config_topic_valid(VX_SPAN_LITERAL("..")));
    assert_false(config_topic_valid(VX_SPAN_LITERAL("a b")));
    assert_false(config_topic_valid(VX_SPAN_LITERAL("")));
}

static void documents_of_a_release_load_one_by_one(void **state)
{
    (void)state;
    struct config_set *whole = load_good(example), *again = NULL;
    struct config_source sources[8];
    for (size_t i = 0; i < whole->document_count; i++)
        sources[i] =
            (struct config_source){whole->documents[i].path, whole->documents[i].text, whole->documents[i].line};
    struct vx_diags diags = {0};
    assert_int_equal(config_load(sources, whole->document_count, &again, &diags), VX_OK);
    struct config_diff diff;
    config_diff(whole, again, &diff);
    assert_int_equal(diff.count, 0);
    for (size_t i = 0; i < whole->document_count; i++) {
        assert_int_equal(again->documents[i].line, whole->documents[i].line);
        assert_int_equal(again->documents[i].node->line, whole->documents[i].node->line);
        assert_true(vx_span_equal(again->documents[i].text, whole->documents[i].text));
    }
    config_diff_done(&diff);
    vx_diags_done(&diags);
    config_set_free(whole);
    config_set_free(again);
}

static void examples_are_good(void **state)
{
    (void)state;
    static const char *const folders[] = {"github", "treasure-hunt"};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        struct config_set *set = NULL;
        struct vx_diags diags = {0};
        struct vx_err err = {0};
        snprintf(path, sizeof path, "%s/configs/examples/%s", VELTRIX_SOURCE_DIR, folders[i]);
        assert_int_equal(config_load_folder(path, &set, &diags, &err), VX_OK);
        assert_int_equal(diags.count, 0);
        assert_string_equal(set->fleet.name, folders[i]);
        config_set_free(set);
        vx_diags_done(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_in_order_of_kind_and_name),
        cmocka_unit_test(the_fleet_has_its_policy),
        cmocka_unit_test(a_routing_has_its_topics_and_rules),
        cmocka_unit_test(rules_hand_over_to_routings_without_topics),
        cmocka_unit_test(stages_are_typed),
        cmocka_unit_test(values_are_what_yaml_says),
        cmocka_unit_test(lists_and_maps_keep_what_is_dynamic),
        cmocka_unit_test(a_topic_is_parsed_only_when_something_reads_the_event),
        cmocka_unit_test(names_and_kinds_go_both_ways),
        cmocka_unit_test(documents_of_a_release_load_one_by_one),
        cmocka_unit_test(examples_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
