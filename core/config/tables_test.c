/* The keys of `kind: test` documents; see tables.c.
 *
 *     test ── given, expect          cases ──> case ── given (an event) ── expect ── outputs ──> output
 *                                                                            └────── dead_letter
 */
#include "core/config/load_test.h"

#define AT(of, member) .offset = offsetof(struct of, member)

/* In the order of enum decide_outcome (core/plan/decide.h), whose names these are. */
const char *const config_outcomes[] = {"emitted", "filtered", "dropped", "dead_letter", "stuck", "unrouted", NULL};

static const struct config_shape kind_shape = {.kind = CONFIG_SHAPE_KIND, .load = load_kind};
static const struct config_shape names_shape = {.kind = CONFIG_SHAPE_NAMES, .load = load_names};
static const struct config_shape json_shape = {.kind = CONFIG_SHAPE_VALUE, .load = load_given_json};
static const struct config_shape text_shape = {.kind = CONFIG_SHAPE_TEXT, .load = load_given_text};
static const struct config_shape base64_shape = {.kind = CONFIG_SHAPE_TEXT, .load = load_given_base64};
static const struct config_shape headers_shape = {.kind = CONFIG_SHAPE_TEXTS, .load = load_test_headers};

/* lists are a pointer and the count behind it, as in struct vx_strings */
_Static_assert(offsetof(struct config_expect, rule_count) ==
                   offsetof(struct config_expect, rules) + offsetof(struct vx_strings, count),
               "rules is a vx_strings");

static const struct vx_field given_rows[] = {
    {.name = "value",
     .type = VX_FIELD_CUSTOM,
     AT(test_event, value),
     .custom = &json_shape,
     .help = "The value, as JSON: what YAML says it is. Without a value the event is a tombstone."},
    {.name = "value_text",
     .type = VX_FIELD_CUSTOM,
     AT(test_event, value),
     .custom = &text_shape,
     .help = "The value, byte for byte."},
    {.name = "value_base64",
     .type = VX_FIELD_CUSTOM,
     AT(test_event, value),
     .custom = &base64_shape,
     .help = "The value as bytes, in base64."},
    {.name = "key",
     .type = VX_FIELD_CUSTOM,
     AT(test_event, key),
     .custom = &text_shape,
     .help = "The key; without it, or with null, there is none."},
    {.name = "headers",
     .type = VX_FIELD_CUSTOM,
     AT(test_event, headers),
     .custom = &headers_shape,
     .help = "The headers, each a text or null."},
    {.name = "timestamp",
     .type = VX_FIELD_INT,
     AT(test_event, timestamp_ms),
     .min = 0,
     .max = 253402300799999,
     .help = "The time of the event, in milliseconds since 1970."},
    {.name = "partition",
     .type = VX_FIELD_INT,
     AT(test_event, partition),
     .min = 0,
     .max = INT32_MAX,
     .help = "The partition of the event."},
    {.name = "offset",
     .type = VX_FIELD_INT,
     AT(test_event, offset),
     .min = 0,
     .max = INT64_MAX,
     .help = "The offset of the event."},
    {0},
};

static const struct vx_field output_rows[] = {
    {.name = "topic", .type = VX_FIELD_TOPIC, AT(test_output, topic), .help = "The topic that the record goes to."},
    {.name = "key",
     .type = VX_FIELD_CUSTOM,
     AT(test_output, key),
     .custom = &text_shape,
     .help = "The key of the record; with null there must be none."},
    {.name = "headers",
     .type = VX_FIELD_CUSTOM,
     AT(test_output, headers),
     .custom = &headers_shape,
     .help = "Headers of the record; with null there must be none of that name. Others are not compared."},
    {.name = "value",
     .type = VX_FIELD_CUSTOM,
     AT(test_output, value),
     .custom = &json_shape,
     .help = "The value, compared as JSON; null is a tombstone."},
    {.name = "value_contains",
     .type = VX_FIELD_CUSTOM,
     AT(test_output, value),
     .custom = &json_shape,
     .help = "The value, compared as JSON in the members that are named here; there may be others."},
    {.name = "value_text",
     .type = VX_FIELD_CUSTOM,
     AT(test_output, value),
     .custom = &text_shape,
     .help = "The value, byte for byte."},
    {.name = "value_base64",
     .type = VX_FIELD_CUSTOM,
     AT(test_output, value),
     .custom = &base64_shape,
     .help = "The value as bytes, in base64."},
    {0},
};
static const struct config_shape outputs_shape = {
    .kind = CONFIG_SHAPE_LIST, .title = "an output", .rows = output_rows, .load = load_outputs};

static const struct vx_field dead_letter_rows[] = {
    {.name = "topic", .type = VX_FIELD_TOPIC, AT(config_expect, dead_letter_topic), .help = "The dead-letter topic."},
    {.name = "reason",
     .type = VX_FIELD_STRING,
     AT(config_expect, dead_letter_reason),
     .help = "Why: stage_failed, not_json, topic_not_allowed, by_rule, ..., or a part of the message."},
    {0},
};
static const struct config_shape dead_letter_shape = {
    .kind = CONFIG_SHAPE_OBJECT, .title = "`dead_letter`", .rows = dead_letter_rows, .load = load_expected_dead_letter};

static const struct vx_field expect_rows[] = {
    {.name = "rule",
     .type = VX_FIELD_NAME,
     AT(config_expect, rule),
     .help = "The rule that takes the event (the first one of several), or `otherwise`."},
    {.name = "rules",
     .type = VX_FIELD_CUSTOM,
     AT(config_expect, rules),
     .custom = &names_shape,
     .help = "All rules that take the event, in order, where a routing has `match: all`."},
    {.name = "outcome",
     .type = VX_FIELD_ENUM,
     AT(config_expect, outcome),
     .choices = config_outcomes,
     .help = "What becomes of the event."},
    {.name = "outputs",
     .type = VX_FIELD_CUSTOM,
     .custom = &outputs_shape,
     .help = "All records that come out but dead letters, in order; what is not named is not compared."},
    {.name = "dead_letter", .type = VX_FIELD_CUSTOM, .custom = &dead_letter_shape, .help = "There is a dead letter."},
    {0},
};

static const struct config_shape given_shape = {
    .kind = CONFIG_SHAPE_OBJECT, .title = "`given`", .rows = given_rows, .load = load_given};
static const struct config_shape expect_shape = {
    .kind = CONFIG_SHAPE_OBJECT, .title = "`expect`", .rows = expect_rows, .load = load_expect};

#define TOPIC(of, text)                                                                                                \
    {                                                                                                                  \
        .name = "topic", .type = VX_FIELD_TOPIC, AT(of, topic), .help = text                                           \
    }
#define GIVEN(of, at, must)                                                                                            \
    {                                                                                                                  \
        .name = "given", .type = VX_FIELD_CUSTOM, AT(of, at given), .custom = &given_shape, .flags = must,             \
        .help = "The event."                                                                                           \
    }
#define EXPECT(of, at, must)                                                                                           \
    {                                                                                                                  \
        .name = "expect", .type = VX_FIELD_CUSTOM, AT(of, at expect), .custom = &expect_shape, .flags = must,          \
        .help = "What must become of it; what is not named is not compared."                                           \
    }

static const struct vx_field case_rows[] = {
    {.name = "name",
     .type = VX_FIELD_STRING,
     AT(config_case, name),
     .flags = VX_FIELD_REQUIRED,
     .help = "Says what is claimed; unique in its document."},
    TOPIC(config_case, "The topic that the event comes from; without it the one of the document."),
    GIVEN(config_case, , VX_FIELD_REQUIRED),
    EXPECT(config_case, , VX_FIELD_REQUIRED),
    {0},
};
static const struct config_shape cases_shape = {
    .kind = CONFIG_SHAPE_LIST, .title = "a case", .rows = case_rows, .load = load_cases};

const struct vx_field config_test_rows[] = {
    {.name = "kind",
     .type = VX_FIELD_CUSTOM,
     .custom = &kind_shape,
     .flags = VX_FIELD_REQUIRED,
     .help = "What this document configures."},
    {.name = "name",
     .type = VX_FIELD_NAME,
     AT(config_test, name),
     .flags = VX_FIELD_REQUIRED,
     .help = "Names the test; unique among the tests of a folder."},
    {.name = "owner",
     .type = VX_FIELD_STRING,
     AT(config_test, owner),
     .help = "Who answers for it: a team or a person."},
    {.name = "description", .type = VX_FIELD_STRING, AT(config_test, description), .help = "What it is for."},
    TOPIC(config_test, "The topic that events come from, of cases that name none."),
    GIVEN(config_test, only., VX_FIELD_ONE_OF),
    EXPECT(config_test, only., 0),
    {.name = "cases",
     .type = VX_FIELD_CUSTOM,
     .custom = &cases_shape,
     .flags = VX_FIELD_ONE_OF,
     .help = "Several events, each with what must become of it; instead of `given` and `expect`."},
    {0},
};
