/* Named configurations: a folder of YAML → documents with places → a typed, checked model.
 *
 *     sources ── yaml.c ──> nodes with places ── load.c, field tables ──> model ── check.c ──> findings, or a config_set
 *
 * A config_set is one whole release: everything that a table is compiled from. It owns its memory in one arena and is
 * immutable after loading. All findings of all documents are reported in one go. Load-time only; any one thread.
 */
#ifndef VX_CONFIG_CONFIG_H
#define VX_CONFIG_CONFIG_H

#include "core/base/diag.h"
#include "core/base/err.h"
#include "core/cel/cel.h"
#include "core/cel/template.h"
#include "core/config/field.h"
#include "core/config/node.h"

enum {
    CONFIG_DOCUMENT_MAX_BYTES = 1024 * 1024,
    CONFIG_RULES_MAX = 10000,    /* of one release */
    CONFIG_PIPELINES_MAX = 1000, /* of one release */
    CONFIG_ROUTINGS_MAX = 1000,
    CONFIG_STAGES_MAX = 100,                     /* of one pipeline */
    CONFIG_TOPIC_MAX_BYTES = VX_TOPIC_MAX_BYTES, /* Kafka's limit of a topic name */
    CONFIG_NAME_MAX_BYTES = VX_NAME_MAX_BYTES,
    CONFIG_CALL_DEPTH_MAX = 16,      /* pipelines inside pipelines, routings behind routings */
    CONFIG_RULE_VISITS_MAX = 100000, /* rules that one event meets, those of routings it is handed over to included */
    CONFIG_LIST_MAX = 1000,          /* topics of a routing, pipelines of a rule, places of a stage, names in `allow` */
    CONFIG_PATH_STEPS_MAX = 32,      /* of `event.a.b[0]` */
    CONFIG_LINE_MAX = 1000000000,    /* of the line on which a source may begin: places behind it still fit an int */
    CONFIG_FINDINGS_MAX = 200,       /* errors reported of one load and of the YAML of one file; more are left out */
};

/* A text to load: one file of a folder, or one document of a release. */
struct config_source {
    const char *path;    /* for messages */
    struct vx_span text; /* borrowed until config_load() returns */
    int first_line;      /* the line of the file on which the text begins: 1 for whole files; from 1 to
                            CONFIG_LINE_MAX, or else taken for 1 */
};

/* A condition (`when`, `filter`): CEL as it stands. */
struct config_expr {
    const struct config_node *node;
    struct vx_span text;
    const struct cel_expr *cel; /* NULL: there is no condition, it always holds */
};

/* A value: what YAML says it is, with `${CEL}` inside texts. */
enum config_value_kind { CONFIG_VALUE_CONSTANT, CONFIG_VALUE_TEMPLATE, CONFIG_VALUE_LIST, CONFIG_VALUE_MAP };
struct config_value {
    enum config_value_kind kind;
    const struct config_node *node;
    struct vx_span json;            /* CONSTANT: its JSON text ("\"EUR\"", "12", "null") */
    struct vx_span text;            /* CONSTANT: its plain text ("EUR", "12"); at NULL for null, lists and maps */
    const struct cel_template *cel; /* TEMPLATE */
    struct vx_span *keys;           /* MAP */
    struct config_value *items;     /* LIST, MAP */
    size_t count;
};

/* The place a `set` or `remove` changes. */
enum config_root { CONFIG_EVENT, CONFIG_HEADER, CONFIG_KEY };
struct config_path {
    enum config_root root;
    struct json_path path; /* EVENT: below event, at least one step */
    struct vx_span header; /* HEADER */
    struct vx_span text;   /* as written */
    const struct config_node *node;
};

enum config_stage_kind { CONFIG_FILTER, CONFIG_SET, CONFIG_REMOVE, CONFIG_PIPELINE, CONFIG_EMIT };
struct config_assignment {
    struct config_path path;
    struct config_value value;
};
struct config_emit {
    struct config_value topic;
    struct vx_span *allow; /* names, or prefixes ending in `*`; only with a topic built per event */
    size_t allow_count;
    bool has_key;
    struct config_value key;
};
struct config_stage {
    enum config_stage_kind kind;
    const struct config_node *node;
    struct config_expr filter;
    struct config_assignment *set;
    size_t set_count;
    struct config_path *remove;
    size_t remove_count;
    const char *pipeline; /* name */
    struct config_emit emit;
};

struct config_processing {
    const char *name, *owner, *description; /* owner, description: NULL when not given */
    const struct config_node *node;
    struct config_stage *stages;
    size_t stage_count;
    const char *dead_letter; /* topic, or NULL */
};

enum config_action_kind { CONFIG_RUN, CONFIG_DROP, CONFIG_DEAD_LETTER, CONFIG_HAND_OVER };
struct config_action {
    enum config_action_kind kind;
    const char **pipelines; /* RUN: names, at least one */
    size_t pipeline_count;
    const char *routing; /* HAND_OVER: name */
    const struct config_node *node;
};
struct config_rule {
    const char *name, *owner, *description;
    const struct config_node *node;
    struct config_expr when;
    struct config_action action;
    bool enabled;
};

enum config_start { CONFIG_EARLIEST, CONFIG_LATEST };
enum config_match { CONFIG_MATCH_FIRST, CONFIG_MATCH_ALL };
enum config_delivery { CONFIG_AT_LEAST_ONCE, CONFIG_EXACTLY_ONCE };
struct config_routing {
    const char *name, *owner, *description;
    const struct config_node *node;
    const char **topics; /* none: its rules are for those that rules of others hand over */
    size_t topic_count;
    enum config_start start;
    enum config_match match;
    enum config_delivery delivery;
    struct config_rule *rules;
    size_t rule_count;
    struct config_action otherwise;
    const char *dead_letter; /* topic, or NULL */
};

enum config_provenance { CONFIG_PROVENANCE_HEADER, CONFIG_PROVENANCE_NONE };
struct config_fleet {
    const char *name, *owner, *description; /* name: NULL when the release has no fleet document */
    const struct config_node *node;
    enum config_provenance provenance;
};

enum config_kind {
    CONFIG_KIND_FLEET,
    CONFIG_KIND_ROUTING,
    CONFIG_KIND_PROCESSING,
    CONFIG_KIND_TEST,
    CONFIG_KIND_COUNT
};
/* "fleet", "routing", "processing", "test"; and back (CONFIG_KIND_COUNT when unknown). */
const char *config_kind_name(enum config_kind kind);
enum config_kind config_kind_load(struct vx_span name);

/* One document, as it is stored: its text is what is published. */
struct config_document {
    enum config_kind kind;
    const char *name;
    const char *path;
    int line;            /* of the file, on which `text` begins */
    struct vx_span text; /* without `---`; copied */
    const struct config_node *node;
};

struct config_set {
    struct vx_arena arena;
    struct config_document *documents; /* by kind and name */
    size_t document_count;
    struct config_fleet fleet;
    struct config_routing *routings; /* by name */
    size_t routing_count;
    struct config_processing *processings; /* by name */
    size_t processing_count;
    struct config_test *tests; /* tests.h; in the order they were found, none of `documents`: no part of a release */
    size_t test_count;
};
/* What becomes of an event: "emitted", ...; in the order of enum decide_outcome (core/plan/decide.h), then NULL. */
extern const char *const config_outcomes[];

/* Loads and checks all sources as one release. VX_OK and a set when there is no error (there may be warnings); VX_EINVAL
 * and no set when there is one; findings go to `diags` in either case. */
VX_MUSTCHECK enum vx_status config_load(const struct config_source *sources, size_t count, struct config_set **out,
                                        struct vx_diags *diags);
/* The same for every *.yaml and *.yml below `folder` (hidden files are left out, links out of it refused); paths in
 * messages are relative to where the caller stands (`folder` as given + "/" + path). VX_EIO, VX_ENOTFOUND, and VX_EINVAL or
 * VX_ELIMIT without findings: `err` says why. Paths in config_document are relative to the folder. */
VX_MUSTCHECK enum vx_status config_load_folder(const char *folder, struct config_set **out, struct vx_diags *diags,
                                               struct vx_err *err);
void config_set_free(struct config_set *set);

/* The processing `name` of a set, or NULL. Cost: the logarithm of their number. */
const struct config_processing *config_find_processing(const struct config_set *set, const char *name);

/* The routing `name` of a set, or NULL. Cost: the logarithm of their number. */
const struct config_routing *config_find_routing(const struct config_set *set, const char *name);

/* A field of the event that a rule's condition reads: `path` below event, written at text[offset..offset + len) of the
 * condition (rule->when.text, whose place in the file is rule->when.node). */
struct config_read {
    const struct config_rule *rule;
    struct json_path path;
    size_t offset, len;
};
/* Calls `found` for every field that the enabled rules of a routing read, as the longest constant path, in the order of the
 * rules, of each in no order; the same field comes as often as it is written. Paths live in `arena`. For telling which of
 * them a sample of events never has. */
void config_routing_reads(const struct config_routing *routing, struct vx_arena *arena,
                          void (*found)(void *ctx, const struct config_read *read), void *ctx);

/* True for a name that Kafka takes: 1 to 249 of [a-zA-Z0-9._-], not "." or "..". */
bool config_topic_valid(struct vx_span topic);

#endif
