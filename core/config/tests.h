/* What `kind: test` documents say: events, and what must become of them. They stand beside the configs of a fleet and are
 * no part of a release. Everything lives in the config_set. */
#ifndef VX_CONFIG_TESTS_H
#define VX_CONFIG_TESTS_H

#include "core/config/config.h"

/* The event of a case. */
struct config_given {
    const struct config_node *node;
    struct vx_span value; /* at == NULL: a tombstone */
    struct vx_span key;   /* at == NULL: none */
    struct cel_header *headers;
    size_t header_count;
    int64_t timestamp_ms, partition, offset;
};

/* How a value is compared. */
enum config_compare {
    CONFIG_COMPARE_NOTHING,
    CONFIG_COMPARE_JSON,     /* the same JSON value */
    CONFIG_COMPARE_CONTAINS, /* the same in what is named: members of objects may be more */
    CONFIG_COMPARE_BYTES,
    CONFIG_COMPARE_TOMBSTONE,
};

/* A record that must come out; what is not named is not compared. */
struct config_output {
    const struct config_node *node;
    const char *topic; /* NULL: not compared */
    bool has_key;
    struct vx_span key;         /* at == NULL: there is none */
    struct cel_header *headers; /* each must be there, with this value; value.at == NULL: must not be there */
    size_t header_count;
    enum config_compare compare;
    struct vx_span value; /* JSON text, or bytes */
};

enum { CONFIG_OUTCOME_ANY = -1 };
struct config_expect {
    const struct config_node *node; /* NULL: not given */
    const char *rule;               /* "otherwise", or the name of a rule; NULL: not compared */
    const char **rules;             /* all rules that take it, in order (`match: all`) */
    size_t rule_count;              /* 0: not compared */
    int outcome;                    /* index into config_outcomes, or CONFIG_OUTCOME_ANY */
    bool has_outputs;               /* `outputs` are all the records but dead letters, in order */
    struct config_output *outputs;
    size_t output_count;
    bool has_dead_letter;
    const char *dead_letter_topic;  /* NULL: not compared */
    const char *dead_letter_reason; /* its label, or a part of its message; NULL: not compared */
};

struct config_case {
    const char *name;
    const struct config_node *node;
    const char *topic;
    struct config_given given;
    struct config_expect expect;
};

struct config_test {
    const char *name, *owner, *description;
    const struct config_node *node;
    const char *topic; /* of cases that name none; NULL: they all do */
    struct config_case *cases;
    size_t case_count;
    struct config_case only; /* while loading: the one of a document without `cases` */
};

#endif
