/* The JSON Schemas: the committed ones are those of the field tables, they take the examples, and they refuse what the
 * loader refuses. A validator of the few keywords that they use stands here, over YAML nodes. */
#include "help.h"

#include <jansson.h>
#include <regex.h>

#include "core/config/print.h"
#include "core/config/tests.h"
#include "core/config/yaml.h"

static bool valid(json_t *schema, const struct config_node *node);

static bool matches(json_t *pattern, struct vx_span text)
{
    regex_t regex;
    char copy[2048];
    snprintf(copy, sizeof copy, "%.*s", VX_SPAN_ARG(text));
    assert_int_equal(regcomp(&regex, json_string_value(pattern), REG_EXTENDED | REG_NOSUB), 0);
    bool yes = regexec(&regex, copy, 0, NULL, 0) == 0;
    regfree(&regex);
    return yes;
}

static bool is_type(const char *type, const struct config_node *node)
{
    if (strcmp(type, "object") == 0)
        return node->kind == CONFIG_MAPPING;
    if (strcmp(type, "array") == 0)
        return node->kind == CONFIG_SEQUENCE;
    if (node->kind != CONFIG_SCALAR)
        return false;
    return (strcmp(type, "string") == 0 && node->scalar == CONFIG_STRING) ||
           (strcmp(type, "boolean") == 0 && node->scalar == CONFIG_BOOL) ||
           (strcmp(type, "null") == 0 && node->scalar == CONFIG_NULL) ||
           (strcmp(type, "integer") == 0 && node->scalar == CONFIG_INT);
}

static bool type_valid(json_t *type, const struct config_node *node)
{
    if (json_is_string(type))
        return is_type(json_string_value(type), node);
    for (size_t i = 0; i < json_array_size(type); i++) {
        if (is_type(json_string_value(json_array_get(type, i)), node))
            return true;
    }
    return false;
}

static bool same(json_t *value, const struct config_node *node)
{
    if (json_is_boolean(value))
        return node->scalar == CONFIG_BOOL && node->boolean == json_is_true(value);
    return node->scalar == CONFIG_STRING && vx_span_is(node->text, json_string_value(value));
}

static bool object_valid(json_t *schema, const struct config_node *node)
{
    json_t *properties = json_object_get(schema, "properties"), *names = json_object_get(schema, "propertyNames");
    json_t *required = json_object_get(schema, "required"), *one_of = json_object_get(schema, "oneOf");
    for (size_t i = 0; i < node->count; i++) {
        json_t *property = json_object_get(properties, node->keys[i].text.at);
        json_t *others = json_object_get(schema, "additionalProperties");
        if (property ? !valid(property, &node->items[i])
                     : json_is_false(others) || (json_is_object(others) && !valid(others, &node->items[i])))
            return false;
        if (names && !matches(json_object_get(names, "pattern"), node->keys[i].text))
            return false;
    }
    for (size_t i = 0; i < json_array_size(required); i++) {
        if (!config_node_find(node, json_string_value(json_array_get(required, i))))
            return false;
    }
    int alternatives = 0;
    for (size_t i = 0; i < json_array_size(one_of); i++)
        alternatives += config_node_find(node, json_string_value(json_array_get(
                                                   json_object_get(json_array_get(one_of, i), "required"), 0))) != NULL;
    json_t *least = json_object_get(schema, "minProperties"), *most = json_object_get(schema, "maxProperties");
    return (!one_of || alternatives == 1) && (!least || (json_int_t)node->count >= json_integer_value(least)) &&
           (!most || (json_int_t)node->count <= json_integer_value(most));
}

static bool array_valid(json_t *schema, const struct config_node *node)
{
    json_t *least = json_object_get(schema, "minItems"), *most = json_object_get(schema, "maxItems");
    for (size_t i = 0; i < node->count; i++) {
        if (!valid(json_object_get(schema, "items"), &node->items[i]))
            return false;
    }
    return (!least || (json_int_t)node->count >= json_integer_value(least)) &&
           (!most || (json_int_t)node->count <= json_integer_value(most));
}

static bool valid(json_t *schema, const struct config_node *node)
{
    json_t *type = json_object_get(schema, "type"), *constant = json_object_get(schema, "const");
    json_t *choices = json_object_get(schema, "enum"), *pattern = json_object_get(schema, "pattern");
    json_t *least = json_object_get(schema, "minLength");
    bool chosen = choices == NULL;
    for (size_t i = 0; i < json_array_size(choices); i++)
        chosen |= same(json_array_get(choices, i), node);
    if (!chosen || (type && !type_valid(type, node)) || (constant && !same(constant, node)))
        return false;
    if (node->kind == CONFIG_MAPPING)
        return object_valid(schema, node);
    if (node->kind == CONFIG_SEQUENCE)
        return array_valid(schema, node);
    return (!pattern || matches(pattern, node->text)) &&
           (!least || (json_int_t)node->text.len >= json_integer_value(least));
}

static json_t *schema_of(enum config_kind kind)
{
    struct vx_buf text = {0};
    json_error_t error;
    config_schema(kind, &text);
    json_t *schema = json_loads(vx_buf_text(&text), JSON_REJECT_DUPLICATES, &error);
    if (!schema)
        fail_msg("line %d: %s", error.line, error.text);
    vx_buf_done(&text);
    return schema;
}

static void committed_schemas_are_those_of_the_tables(void **state)
{
    (void)state;
    for (enum config_kind kind = 0; kind < CONFIG_KIND_COUNT; kind++) {
        struct vx_buf now = {0}, kept = {0};
        char path[512];
        snprintf(path, sizeof path, "%s/schemas/%s.json", VELTRIX_SOURCE_DIR, config_kind_name(kind));
        assert_true(read_whole(path, &kept));
        config_schema(kind, &now);
        if (strcmp(vx_buf_text(&now), vx_buf_text(&kept)) != 0)
            fail_msg("schemas/%s.json is stale: write it anew with `veltrix schema %s`", config_kind_name(kind),
                     config_kind_name(kind));
        vx_buf_done(&now);
        vx_buf_done(&kept);
    }
}

static void examples_are_valid(void **state)
{
    (void)state;
    static const char *const folders[] = {"github", "treasure-hunt"};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        struct config_set *set = NULL;
        struct vx_diags diags = {0};
        struct vx_err err;
        snprintf(path, sizeof path, "%s/configs/examples/%s", VELTRIX_SOURCE_DIR, folders[i]);
        assert_int_equal(config_load_folder(path, &set, &diags, &err), VX_OK);
        for (size_t k = 0; k < set->document_count; k++) {
            json_t *schema = schema_of(set->documents[k].kind);
            if (!valid(schema, set->documents[k].node))
                fail_msg("%s", set->documents[k].name);
            json_decref(schema);
        }
        for (size_t k = 0; k < set->test_count; k++) {
            json_t *schema = schema_of(CONFIG_KIND_TEST);
            if (!valid(schema, set->tests[k].node))
                fail_msg("%s", set->tests[k].name);
            json_decref(schema);
        }
        config_set_free(set);
        vx_diags_done(&diags);
    }
}

static void what_the_loader_refuses_for_its_shape_the_schema_refuses_too(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{ kind: fleet, name: f, colour: blue }",
        "{ kind: fleet, name: f, rollout: {} }",
        "{ kind: fleet, name: F }",
        "{ kind: fleet }",
        "{ kind: fleet, name: f, provenance: yes }",
        "{ kind: routing, name: r, topics: [a] }",
        "{ kind: routing, name: r, topics: [], otherwise: { drop: true } }",
        "{ kind: routing, name: r, topics: [a b], otherwise: { drop: true } }",
        "{ kind: routing, name: r, topics: [a], otherwise: {} }",
        "{ kind: routing, name: r, topics: [a], otherwise: { drop: false } }",
        "{ kind: routing, name: r, topics: [a], otherwise: { drop: true, pipeline: p } }",
        "{ kind: routing, name: r, topics: [a], match: some, otherwise: { drop: true } }",
        "{ kind: routing, name: r, topics: [a], rules: [{ name: a }], otherwise: { drop: true } }",
        "{ kind: routing, name: r, topics: [a], rules: [{ name: a, drop: true, routing: b }], otherwise: { drop: true "
        "} }",
        "{ kind: routing, name: r, topics: [a], rules: [{ name: a, routing: B }], otherwise: { drop: true } }",
        "{ kind: routing, name: r, topics: [a], rules: [{ drop: true }], otherwise: { drop: true } }",
        "{ kind: routing, name: r, topics: [a], rules: [{ name: a, drop: true, enabled: yes }], otherwise: { drop: "
        "true } }",
        "{ kind: routing, name: r, topics: [a], rules: [{ name: a, drop: true, dead_letter: true }], otherwise: { "
        "drop: true } }",
        "{ kind: test, name: t, topic: t }",
        "{ kind: test, name: t, topic: t, given: {}, cases: [{ name: a, given: {}, expect: { rule: r } }] }",
        "{ kind: test, name: t, topic: t, cases: [{ name: a, expect: { rule: r } }] }",
        "{ kind: test, name: t, topic: t, given: { key: 1 }, expect: { rule: r } }",
        "{ kind: test, name: t, topic: t, given: { headers: { a: 1 } }, expect: { rule: r } }",
        "{ kind: test, name: t, topic: t, given: { value_text: [] }, expect: { rule: r } }",
        "{ kind: test, name: t, topic: t, given: {}, expect: { outcome: lost } }",
        "{ kind: test, name: t, topic: t, given: {}, expect: { outputs: [{ topik: a }] } }",
        "{ kind: test, name: t, topic: t, given: {}, expect: { dead_letter: true } }",
        "{ kind: processing, name: p, stages: [] }",
        "{ kind: processing, name: p, stages: [{}] }",
        "{ kind: processing, name: p, stages: [emit: { topic: t }, { filter: a, set: { event.a: 1 } }] }",
        "{ kind: processing, name: p, stages: [emit: { key: t }] }",
        "{ kind: processing, name: p, stages: [emit: t] }",
        "{ kind: processing, name: p, stages: [emit: { topic: t }, set: { topic: 1 }] }",
        "{ kind: processing, name: p, stages: [emit: { topic: t }, remove: event.a] }",
        "{ kind: processing, name: p, stages: [emit: { topic: t }, http: {}] }",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vx_arena arena = {0};
        struct vx_diags diags = {0};
        struct yaml_stream stream;
        struct config_source source = {"s.yaml", vx_span_str(bad[i]), 1};
        assert_true(yaml_load(&source, &arena, &stream, &diags));
        const struct config_node *root = stream.documents[0].root;
        json_t *schema = schema_of(config_kind_load(config_node_find(root, "kind")->text));
        if (valid(schema, root))
            fail_msg("the schema takes %s", bad[i]);
        char *found = findings(bad[i]);
        if (!strstr(found, "error"))
            fail_msg("the loader takes %s", bad[i]);
        free(found);
        json_decref(schema);
        vx_arena_done(&arena);
        vx_diags_done(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_schemas_are_those_of_the_tables),
        cmocka_unit_test(examples_are_valid),
        cmocka_unit_test(what_the_loader_refuses_for_its_shape_the_schema_refuses_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
