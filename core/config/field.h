/* Field tables: one row is the whole truth of a key. Rows drive loading, defaults, range checks, "did you mean", diff,
 * print, --help and the JSON Schema; libyaml (configs) and libconfuse (router.conf, configsvc.conf) are two syntaxes over
 * the same rows. There is no second list of the same names anywhere.
 */
#ifndef VX_CONFIG_FIELD_H
#define VX_CONFIG_FIELD_H

#include "core/base/err.h"
#include "core/base/span.h"

struct vx_buf;

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
    const char *help; /* one sentence, for --help and the schema */
    const char *const *choices;     /* ENUM: NULL-terminated */
    const struct vx_field *section; /* SECTION: rows, ended by a NULL name */
    const struct config_shape *custom; /* CUSTOM: how it is loaded and what its schema is (load.h) */
};

#endif
