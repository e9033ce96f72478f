/* The config language, key by key: what each kind of document may hold. Everything that must know the keys (loading,
 * unknown keys, defaults, diff, print, JSON Schema) reads these rows; there is no second list.
 *
 *     document ── kind ──> fleet | routing | processing | test (tables_test.c)
 *                          routing ── rules ──> rule (an action and its condition)      otherwise ──> action
 *                          processing ── stages ──> stage (one of filter set remove pipeline emit)
 */
#include "core/config/load_test.h"

#define AT(of, member) .offset = offsetof(struct of, member)

/* lists are a pointer and the count behind it, as in struct vx_strings */
_Static_assert(offsetof(struct config_routing, topic_count) ==
                   offsetof(struct config_routing, topics) + offsetof(struct vx_strings, count),
               "topics is a vx_strings");

static const char *const starts[] = {"earliest", "latest", NULL};
static const char *const matches[] = {"first", "all", NULL};
static const char *const deliveries[] = {"at_least_once", "exactly_once", NULL};
static const char *const provenances[] = {"header", "none", NULL};

static const struct config_shape kind_shape = {.kind = CONFIG_SHAPE_KIND, .load = load_kind};
static const struct config_shape condition_shape = {.kind = CONFIG_SHAPE_CONDITION, .load = load_condition};
static const struct config_shape value_shape = {.kind = CONFIG_SHAPE_VALUE, .load = load_value};
static const struct config_shape topic_shape = {.kind = CONFIG_SHAPE_TOPIC, .load = load_topic};
static const struct config_shape names_shape = {.kind = CONFIG_SHAPE_NAMES, .load = load_names};
static const struct config_shape true_shape = {.kind = CONFIG_SHAPE_TRUE, .load = load_true};
static const struct config_shape set_shape = {.kind = CONFIG_SHAPE_SET, .load = load_set};
static const struct config_shape paths_shape = {.kind = CONFIG_SHAPE_PATHS, .load = load_remove};
static const struct config_shape allow_shape = {.kind = CONFIG_SHAPE_PATTERNS, .load = load_allow};

#define KIND                                                                                                           \
    {                                                                                                                  \
        .name = "kind", .type = VX_FIELD_CUSTOM, .custom = &kind_shape, .flags = VX_FIELD_REQUIRED,                    \
        .help = "What this document configures."                                                                       \
    }
#define OWNER(of, at)                                                                                                  \
    {                                                                                                                  \
        .name = "owner", .type = VX_FIELD_STRING, AT(of, at owner), .help = "Who answers for it: a team or a person."  \
    }
#define DESCRIPTION(of, at)                                                                                            \
    {                                                                                                                  \
        .name = "description", .type = VX_FIELD_STRING, AT(of, at description), .help = "What it is for."              \
    }
#define LATER(text)                                                                                                    \
    {                                                                                                                  \
        .name = text, .type = VX_FIELD_LATER                                                                           \
    }

/* the actions, wherever one may stand; `keys` is the way to a struct action_keys */
#define PIPELINE(of, keys)                                                                                             \
    {                                                                                                                  \
        .name = "pipeline", .type = VX_FIELD_NAME, AT(of, keys pipeline), .flags = VX_FIELD_ONE_OF,                    \
        .help = "The pipeline that the event goes through."                                                            \
    }
#define PIPELINES(of, keys)                                                                                            \
    {                                                                                                                  \
        .name = "pipelines", .type = VX_FIELD_CUSTOM, AT(of, keys pipelines), .custom = &names_shape,                  \
        .flags = VX_FIELD_ONE_OF, .help = "Several pipelines, each with a copy of the event."                          \
    }
#define DROP(of, keys)                                                                                                 \
    {                                                                                                                  \
        .name = "drop", .type = VX_FIELD_CUSTOM, AT(of, keys drop), .custom = &true_shape, .flags = VX_FIELD_ONE_OF,   \
        .help = "The event is done: it goes nowhere."                                                                  \
    }

static const struct vx_field action_rows[] = {
    PIPELINE(action_keys, ),
    PIPELINES(action_keys, ),
    DROP(action_keys, ),
    {.name = "dead_letter",
     .type = VX_FIELD_CUSTOM,
     AT(action_keys, dead_letter),
     .custom = &true_shape,
     .flags = VX_FIELD_ONE_OF,
     .help = "The event goes to the dead-letter topic of the routing."},
    {0},
};
static const struct config_shape otherwise_shape = {
    .kind = CONFIG_SHAPE_ACTION, .title = "`otherwise`", .rows = action_rows, .load = load_otherwise};

static const struct vx_field rule_rows[] = {
    {.name = "name",
     .type = VX_FIELD_NAME,
     AT(rule_keys, rule.name),
     .flags = VX_FIELD_REQUIRED,
     .help = "Names the rule in metrics, diff and explain; unique in its routing."},
    OWNER(rule_keys, rule.),
    DESCRIPTION(rule_keys, rule.),
    {.name = "when",
     .type = VX_FIELD_CUSTOM,
     AT(rule_keys, rule.when),
     .custom = &condition_shape,
     .help = "A CEL condition; without it the rule matches every event."},
    PIPELINE(rule_keys, action.),
    PIPELINES(rule_keys, action.),
    DROP(rule_keys, action.),
    {.name = "routing",
     .type = VX_FIELD_NAME,
     AT(rule_keys, action.routing),
     .flags = VX_FIELD_ONE_OF,
     .help = "The routing without topics whose rules decide from here on; the event does not come back."},
    {.name = "enabled",
     .type = VX_FIELD_BOOL,
     AT(rule_keys, rule.enabled),
     .fallback = "true",
     .help = "With false the rule is kept and checked, not used."},
    {0},
};
static const struct config_shape rules_shape = {
    .kind = CONFIG_SHAPE_RULES, .title = "a rule", .rows = rule_rows, .load = load_rules};

static const struct vx_field routing_rows[] = {
    KIND,
    {.name = "name",
     .type = VX_FIELD_NAME,
     AT(config_routing, name),
     .flags = VX_FIELD_REQUIRED,
     .help = "Names the routing; unique among the routings of a fleet."},
    OWNER(config_routing, ),
    DESCRIPTION(config_routing, ),
    {.name = "topics",
     .type = VX_FIELD_TOPICS,
     AT(config_routing, topics),
     .help = "The topics whose events these rules route; without it they route what other rules hand over."},
    {.name = "start",
     .type = VX_FIELD_ENUM,
     AT(config_routing, start),
     .fallback = "earliest",
     .choices = starts,
     .help = "Where a topic without a committed offset begins."},
    {.name = "match",
     .type = VX_FIELD_ENUM,
     AT(config_routing, match),
     .fallback = "first",
     .choices = matches,
     .help = "Which rules run: the first that matches, or all that match."},
    {.name = "rules", .type = VX_FIELD_CUSTOM, .custom = &rules_shape, .help = "The rules, in order."},
    {.name = "otherwise",
     .type = VX_FIELD_CUSTOM,
     .custom = &otherwise_shape,
     .flags = VX_FIELD_REQUIRED,
     .help = "What happens to an event that no rule matches."},
    {.name = "dead_letter",
     .type = VX_FIELD_TOPIC,
     AT(config_routing, dead_letter),
     .help = "The topic for events that cannot be handled."},
    {.name = "delivery",
     .type = VX_FIELD_ENUM,
     AT(config_routing, delivery),
     .fallback = "at_least_once",
     .choices = deliveries,
     .help = "Whether an event may come out twice after a failure, or exactly once (Kafka transactions)."},
    LATER("retry"),
    {0},
};

static const struct vx_field emit_rows[] = {
    {.name = "topic",
     .type = VX_FIELD_CUSTOM,
     AT(config_emit, topic),
     .custom = &topic_shape,
     .flags = VX_FIELD_REQUIRED,
     .help = "Where the event goes: a topic name; with ${CEL} it is built per event."},
    {.name = "allow",
     .type = VX_FIELD_CUSTOM,
     AT(config_emit, allow),
     .custom = &allow_shape,
     .help = "The topics that a topic built per event may be: names, or prefixes ending in `*`."},
    {.name = "key",
     .type = VX_FIELD_CUSTOM,
     AT(config_emit, key),
     .custom = &value_shape,
     .help = "The key of the record; without it the event keeps its own."},
    {0},
};
static const struct config_shape emit_shape = {
    .kind = CONFIG_SHAPE_OBJECT, .title = "`emit`", .rows = emit_rows, .load = load_emit};

/* in the order of enum config_stage_kind */
static const struct vx_field stage_rows[] = {
    {.name = "filter",
     .type = VX_FIELD_CUSTOM,
     AT(config_stage, filter),
     .custom = &condition_shape,
     .help = "A CEL condition; where it does not hold the event ends here, done."},
    {.name = "set",
     .type = VX_FIELD_CUSTOM,
     .custom = &set_shape,
     .help = "Places of the event, headers and key, each with its new value."},
    {.name = "remove",
     .type = VX_FIELD_CUSTOM,
     .custom = &paths_shape,
     .help = "Places of the event, headers and key that go."},
    {.name = "pipeline",
     .type = VX_FIELD_NAME,
     AT(config_stage, pipeline),
     .help = "Another pipeline that the event goes through, and on."},
    {.name = "emit", .type = VX_FIELD_CUSTOM, .custom = &emit_shape, .help = "Sends the event as it is now."},
    LATER("retry"),
    LATER("breaker"),
    {0},
};
static const struct config_shape stages_shape = {
    .kind = CONFIG_SHAPE_STAGES, .title = "a stage", .rows = stage_rows, .load = load_stages};

static const struct vx_field processing_rows[] = {
    KIND,
    {.name = "name",
     .type = VX_FIELD_NAME,
     AT(config_processing, name),
     .flags = VX_FIELD_REQUIRED,
     .help = "Names the pipeline; unique among the pipelines of a fleet."},
    OWNER(config_processing, ),
    DESCRIPTION(config_processing, ),
    {.name = "stages",
     .type = VX_FIELD_CUSTOM,
     .custom = &stages_shape,
     .flags = VX_FIELD_REQUIRED,
     .help = "The steps that an event goes through, in this order."},
    {.name = "dead_letter",
     .type = VX_FIELD_TOPIC,
     AT(config_processing, dead_letter),
     .help = "The topic for events that a stage refuses; without it the one of the routing."},
    LATER("retry"),
    LATER("limits"),
    {0},
};

static const struct vx_field fleet_rows[] = {
    KIND,
    {.name = "name",
     .type = VX_FIELD_NAME,
     AT(config_fleet, name),
     .flags = VX_FIELD_REQUIRED,
     .help = "Names the fleet."},
    OWNER(config_fleet, ),
    DESCRIPTION(config_fleet, ),
    {.name = "provenance",
     .type = VX_FIELD_ENUM,
     AT(config_fleet, provenance),
     .fallback = "header",
     .choices = provenances,
     .help = "Whether every output record names its release in the header veltrix-release."},
    LATER("rollout"),
    LATER("limits"),
    LATER("defaults"),
    {0},
};

const struct config_shape config_document_shapes[CONFIG_KIND_COUNT] = {
    [CONFIG_KIND_FLEET] = {.kind = CONFIG_SHAPE_OBJECT, .title = "a fleet", .rows = fleet_rows},
    [CONFIG_KIND_ROUTING] = {.kind = CONFIG_SHAPE_OBJECT, .title = "a routing", .rows = routing_rows},
    [CONFIG_KIND_PROCESSING] = {.kind = CONFIG_SHAPE_OBJECT, .title = "a processing", .rows = processing_rows},
    [CONFIG_KIND_TEST] = {.kind = CONFIG_SHAPE_OBJECT, .title = "a test", .rows = config_test_rows},
};
