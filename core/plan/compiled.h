/* The compiled form of a release: what a table consists of. Private to core/plan.
 *
 *     table ── topics (hash) ──> route ── rules, otherwise ──> action ──> pipelines ──> stages ──> operands, programs
 *       │                          ^───────── hand-over ─────────┘
 *       └── slots: the numbering of all event fields that any program reads; a route scans for its own subset
 *
 * Built by table_new() on one thread, then never written again; all workers read it. Everything lies in the table's arenas,
 * except what the libraries below hand out with a _free of their own (json_paths, cel_slots).
 */
#ifndef VX_PLAN_COMPILED_H
#define VX_PLAN_COMPILED_H

#include "core/cel/cel.h"
#include "core/json/scan.h"
#include "core/plan/table.h"

struct stage;
struct route;
struct match_index;

struct pipeline {
    const char *name;
    uint32_t number; /* in table_pipelines() */
    const struct stage *stages;
    size_t stage_count;
    const char *dead_letter; /* topic, or NULL */
    uint32_t stage_runs;     /* stages that an event runs through at most, those of called pipelines included */
};

enum action_kind { ACTION_RUN, ACTION_DROP, ACTION_DEAD_LETTER, ACTION_HAND_OVER };
struct action {
    enum action_kind kind;
    const struct route *route;         /* HAND_OVER: the routing that decides from here on */
    const struct pipeline **pipelines; /* RUN */
    size_t pipeline_count;
};

struct rule {
    const char *name;
    uint32_t number;                /* in table_rules(); rules of a routing that several hand over to have one number */
    const struct cel_program *when; /* NULL: always */
    struct action action;
};

struct route {
    const char *name;         /* of the routing */
    const struct rule *rules; /* the enabled ones, in order */
    size_t rule_count;
    uint32_t first_rule;   /* the number of the first rule of its config, also where that is disabled: rule
                                 `number` was compiled from config_routing.rules[number - first_rule] */
    struct rule otherwise; /* `when` NULL */
    bool match_all;        /* every rule that matches runs, not the first alone */
    enum config_delivery delivery;
    const char *dead_letter; /* topic, or NULL */
    bool has_topics;         /* events enter here; without, they are handed over by other routings' rules */
    const char **topics;     /* its source topics */
    size_t topic_count;
    bool parsed;              /* something reads or changes `event`: the value must be JSON */
    struct json_paths *paths; /* what to scan for; NULL unless parsed */
    const uint32_t *slots;    /* the slots of `paths` */
    size_t slot_count;
    uint32_t slot_end;         /* behind the highest of them */
    struct match_index *index; /* over its rules and those of the routings it hands on to; NULL: none */
};

struct table {
    unsigned refs; /* atomic */
    struct vx_arena arena;
    struct vx_arena indexes; /* the rule indexes */
    uint32_t release;
    uint64_t content; /* table_content() */
    bool provenance;
    struct cel_slots slots;

    struct route *routes; /* by name */
    size_t route_count;
    struct pipeline *pipelines; /* by name */
    size_t pipeline_count;

    struct table_topic *topics;        /* by name */
    const struct route **topic_routes; /* of topics[i] */
    size_t topic_count;
    uint32_t *topic_index; /* open addressing by vx_hash64: row of `topics` + 1, 0 is free */
    uint32_t topic_mask;

    struct patterns *patterns; /* NULL: no routing has one */
    const char **dead_letters; /* no pattern takes these */
    size_t dead_letter_count;

    const char **destinations;
    size_t destination_count;
    struct table_rule *rules;
    size_t rule_count;
    const char **pipeline_names;
};

/* What an expression or a stage reads, collected while compiling. Zeroes are valid and empty; heap, freed by _done. */
struct reads {
    uint32_t *slots; /* may repeat */
    size_t count, room;
    bool event; /* reads or changes `event` */
};
void reads_done(struct reads *reads);
void reads_slot(void *reads, uint32_t slot); /* in the shape that cel_template_slots() calls */
void reads_program(struct reads *reads, const struct cel_program *program);
void reads_merge(struct reads *into, const struct reads *from);

/* What compiling a part of a table needs. */
struct compiler {
    struct table *table;
    const struct config_set *set;
    struct vx_diags *diags;
    struct reads *pipeline_reads; /* one per pipeline, of its own stages */
    struct reads *route_reads;    /* one per route, of its own rules and the pipelines they reach */
};
const struct pipeline *compiler_pipeline(const struct compiler *c, const char *name);
/* Compiles a condition; NULL where there is none. */
const struct cel_program *compile_condition(struct compiler *c, const struct config_expr *expr, struct reads *reads);
/* Copies a path into the table. */
struct json_path compile_path(struct compiler *c, struct json_path path);

/* pipeline.c: fills c->table->pipelines[] from the config set. VX_ELIMIT with a finding. */
VX_MUSTCHECK enum vx_status pipelines_compile(struct compiler *c);
/* route.c: fills all routes, which are there (by name) but empty, and the table's rules. */
void routes_compile(struct compiler *c);

/* pattern.c: topic patterns, after the routes. */
struct patterns;
void patterns_compile(struct compiler *c);
void patterns_free(struct patterns *patterns);
/* The route of a topic that no routing names; the table has patterns. */
const struct route *patterns_route(const struct table *t, struct vx_span topic);

#endif
