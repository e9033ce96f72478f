/* The difference of two releases as an operator thinks of it: by config, rule and key, not by lines of text.
 *
 * Order of keys, comments and quoting are no change. A rule that moved is shown as moved, because order decides. A topic
 * that begins (or ceases) to be parsed as JSON is said.
 */
#ifndef VX_CONFIG_DIFF_H
#define VX_CONFIG_DIFF_H

#include "core/config/config.h"

enum config_change_kind { CONFIG_ADDED, CONFIG_REMOVED, CONFIG_CHANGED, CONFIG_MOVED, CONFIG_NOTE };
struct config_change {
    enum config_change_kind kind;
    enum config_kind config;
    const char *name;  /* of the config */
    const char *where; /* "rules[big-spender].when", "stages[2].emit.topic" (from 1), "" for the whole config */
    const char *was;   /* the value as text; NULL when added */
    const char *now;   /* NULL when removed */
};
struct config_diff {
    struct vx_arena arena;
    struct config_change *changes;
    size_t count;
};

/* `a`, `b`: NULL is an empty release. Never fails. */
void config_diff(const struct config_set *a, const struct config_set *b, struct config_diff *out);
void config_diff_done(struct config_diff *diff);
/* For people; with `color`, ANSI colours. Nothing when there is no change. */
void config_diff_print(const struct config_diff *diff, struct vx_buf *out, bool color);
/* A classic unified diff of the documents' texts. */
void config_diff_unified(const struct config_set *a, const struct config_set *b, struct vx_buf *out);

/* True when the topic's rules or stages read `event`, so that its values must be JSON. */
bool config_routing_parses(const struct config_set *set, const struct config_routing *routing);

#endif
