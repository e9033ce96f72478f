/* Field tables: one row is the whole truth of a key. Rows drive loading, defaults, range checks, "did you mean", diff,
 * print, --help and the JSON Schema; libyaml (configs) and libconfuse (router.conf, configsvc.conf) are two syntaxes over
 * the same rows. There is no second list of the same names anywhere.
 */
#ifndef VX_CONFIG_FIELD_H
#define VX_CONFIG_FIELD_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/span.h"

enum vx_field_type {
    VX_FIELD_STRING,   /* const char * */
    VX_FIELD_NAME,     /* const char *: a name of a config: [a-z0-9][a-z0-9._-]* */
    VX_FIELD_TOPIC,    /* const char *: a Kafka topic name */
    VX_FIELD_BOOL,     /* bool */
    VX_FIELD_INT,      /* int64_t, min..max */
    VX_FIELD_DURATION, /* int64_t milliseconds, written 250ms, 1s, 10m, 1h; min..max in milliseconds */
    VX_FIELD_ENUM,     /* int: index into choices */
    VX_FIELD_STRINGS,  /* struct vx_strings: a list */
    VX_FIELD_TOPICS,   /* struct vx_strings of topic names */
    VX_FIELD_MAP,      /* struct vx_pairs: name = value, names free (kafka properties) */
    VX_FIELD_SECTION,  /* a struct in place with rows of its own */
    VX_FIELD_CUSTOM,   /* configs only: loaded by `custom` (conditions, stages, values) */
    VX_FIELD_LATER,    /* known, refused as "not supported yet" */
};

enum vx_field_flags {
    VX_FIELD_REQUIRED = 1,
    VX_FIELD_LIVE = 2,   /* settings: may change without a restart */
    VX_FIELD_SECRET = 4, /* never printed */
    VX_FIELD_ONE_OF = 8, /* exactly one of the rows with this flag is given */
};

struct vx_strings {
    const char **at;
    size_t count;
};
struct vx_pair {
    const char *name;
    const char *value;
};
struct vx_pairs {
    struct vx_pair *at;
    size_t count;
};

struct vx_field {
    const char *name;
    enum vx_field_type type;
    size_t offset;
    const char *fallback; /* default as text; NULL: none (zero) */
    int64_t min, max;
    unsigned flags;
    const char *help;                  /* one sentence, for --help and the schema */
    const char *const *choices;        /* ENUM: NULL-terminated */
    const struct vx_field *section;    /* SECTION: rows, ended by a NULL name */
    const struct config_shape *custom; /* CUSTOM: how it is loaded and what its schema is (load.h) */
};

enum { VX_NAME_MAX_BYTES = 63, VX_TOPIC_MAX_BYTES = 249 };

/* The row `name` of a table (ended by a NULL name), or NULL; and the known name nearest to it, or NULL. */
const struct vx_field *field_find(const struct vx_field *fields, struct vx_span name);
const char *field_nearest(const struct vx_field *fields, struct vx_span name);

/* Loads a text into the member of the struct `base` by its row: STRING, NAME, TOPIC, BOOL, INT, DURATION, ENUM, and the
 * lists from texts separated by commas (as defaults are written). Texts are copied into `arena`. False, and nothing
 * stored, when the text is not what field_expect() says. */
bool field_load(const struct vx_field *field, struct vx_span text, struct vx_arena *arena, void *base);
/* Stores the defaults of a table into the struct `base`, sections included. A default that does not load is a bug. */
void field_defaults(const struct vx_field *fields, struct vx_arena *arena, void *base);
/* Appends what a value must be: "a number from 1 to 64", "one of `earliest`, `latest`". */
void field_expect(const struct vx_field *field, struct vx_buf *out);
/* Appends "; did you mean `x`?" where `text` is near to a choice of an ENUM. */
void field_hint(const struct vx_field *field, struct vx_span text, struct vx_buf *out);

/* A duration (250ms, 1s, 10m, 1h) as milliseconds, and back in the largest unit that divides it. */
bool field_duration_load(struct vx_span text, int64_t *ms);
void field_duration_print(int64_t ms, struct vx_buf *out);

/* True for a config's name: [a-z0-9][a-z0-9._-]{0,62}. */
bool field_name_valid(struct vx_span name);
/* True for a name that Kafka takes: 1 to 249 of [a-zA-Z0-9._-], not "." or "..". */
bool field_topic_valid(struct vx_span topic);

#endif
