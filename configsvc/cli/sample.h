/* What a sample of real events says of configs: fields that no event has, rules that none of them met. One thread. */
#ifndef VX_CLI_SAMPLE_H
#define VX_CLI_SAMPLE_H

#include "configsvc/cli/source.h"

struct sample_options {
    const char *events; /* a file of one event a line; "-" is standard input */
    const char *topic;  /* of events that name none; NULL: the only one there is */
    bool envelope;      /* a line is an object with topic, key, headers, ... and value */
};

/* The rows of a command that has them at offset `at` of its options. */
#define SAMPLE_EVENTS_ROW(at)                                                                                          \
    {                                                                                                                  \
        "events", 'e', CLI_TEXT, (at) + offsetof(struct sample_options, events), "FILE.jsonl",                         \
            "a sample of events: warns of fields that none has, and rules that take none"                              \
    }
#define SAMPLE_TOPIC_ROW(at)                                                                                           \
    {                                                                                                                  \
        "topic", 't', CLI_TEXT, (at) + offsetof(struct sample_options, topic), "TOPIC",                                \
            "of events that name none (default: the only topic there is)"                                              \
    }
#define SAMPLE_ENVELOPE_ROW(at)                                                                                        \
    {                                                                                                                  \
        "envelope", 0, CLI_FLAG, (at) + offsetof(struct sample_options, envelope), NULL,                               \
            "lines are objects with topic, key, headers, ... and value (see simulate)"                                 \
    }

/* Runs the events through the configs of `source` and adds what is noteworthy to `diags`, as warnings. EXIT_DONE; or
 * EXIT_USAGE after a sentence: the file cannot be read, or which topic is not clear. */
VX_MUSTCHECK int sample_check(struct cli *cli, const struct source *source, const struct sample_options *options,
                              struct vx_diags *diags);

#endif
