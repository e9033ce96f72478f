/* The variables of an environment, from the inside. */
#ifndef VX_CEL_ENV_H
#define VX_CEL_ENV_H

#include "core/cel/run/failure.h"
#include "core/cel/check/types.h"

struct cel_variable {
    const char *name;
    struct cel_stype type;
    /* Reads it from an event; NULL: `event`, which is read through slots, or a binding. */
    bool (*read)(struct cel_call *call, const struct cel_event *event, struct cel_value *out);
};

/* The numbers of the two variables of cel_env_event() that the compiler knows by heart. */
enum { CEL_VAR_EVENT = 0, CEL_VAR_HEADERS = 1, CEL_VARS_MAX = 64 };

struct cel_env {
    const struct cel_variable *vars;
    size_t count;
    bool is_event;
    bool unfolded;                  /* tests: leave constants to the evaluator */
    const struct cel_env *base;     /* what expressions remember in its place; NULL: itself */
    struct cel_regex_pool *regexes; /* the patterns of a release while it is loaded; NULL: each on its own */
    bool strict; /* refuse at load; else what the checker finds fails when it is evaluated, as unchecked CEL does */
};

/* True when the bit of the variable `name` is set. */
bool cel_env_reads(const struct cel_env *env, uint64_t reads, const char *name);

#endif
