/* The live routers of a fleet, as their reports say, and waiting until all of them run a release. One thread. */
#ifndef VX_CLI_ROUTERS_H
#define VX_CLI_ROUTERS_H

#include "configsvc/cli/client.h"

enum {
    ROUTERS_WAIT_S = 60,    /* unless --wait=SECONDS says otherwise */
    ROUTERS_WAIT_MS = 5000, /* configsvc answers when something changes, or after so long */
    ROUTERS_AGAIN_MS = 200, /* after an answer that did not wait: configsvc was away, or is an older one */
};

/* One router, from its report; texts are never NULL. */
struct routers_view {
    const char *id;
    const char *host;
    const char *version;
    const char *state; /* the worst that is true: "rejecting", "held", "no etcd", "joining", "loading", "running", … */
    uint32_t release;  /* that all its workers route by; 0: none yet, or some are still changing over */
    int64_t generation; /* of the pointer under which it runs that release; a number may have been given out twice */
    int64_t known;      /* generation of the pointer that it obeyed last; INT64_MAX: it does not say */
    int64_t since_ms;   /* wall clock, of that release; 0: unknown */
    int64_t partitions;
    bool refusing;     /* it does not obey etcd, which was set back or is another one */
    uint32_t rejected; /* the release that it refuses; 0: none */
    const char *error; /* why, in its own words */
    const char *notes; /* what a person should know, a line each; "" when all is well */
};

/* What is waited for: news after `revision`, at most `wait_ms`; a revision of 0 does not wait. The answer's revision is
 * left in it (0: configsvc is an older one, which does not wait). */
struct routers_since {
    int64_t revision, wait_ms;
};
/* Asks for the live routers; `since` may be NULL. False when configsvc did not answer as it should (client_fail() says it). */
VX_MUSTCHECK bool routers_fetch(struct cli *cli, const char *fleet, struct routers_since *since,
                                struct routers_view **out, size_t *count, struct client_answer *answer);

/* Waits until every live router runs `release`, with progress on standard error, as long as the pointer stays at
 * `generation`. One that runs a release of that number under a generation before does not run it yet. */
enum routers_outcome {
    ROUTERS_ALL,      /* every live router runs it */
    ROUTERS_NONE,     /* no router is live: the next one that starts will run it */
    ROUTERS_REJECTED, /* one refused it */
    ROUTERS_MOVED,    /* somebody has moved the pointer meanwhile */
    ROUTERS_LATE,     /* time is up */
};
struct routers_result {
    enum routers_outcome outcome;
    size_t live, running;
    struct routers_view rejecting; /* REJECTED: who */
    const char *late;              /* LATE: the routers that do not run it yet, "a, b" */
};
void routers_wait(struct cli *cli, const char *fleet, uint32_t release, int64_t generation, int64_t seconds,
                  struct routers_result *out);

/* Reads --wait[=SECONDS]: NULL and "" are the default. False after a sentence. */
VX_MUSTCHECK bool routers_wait_option(struct cli *cli, const char *text, int64_t *seconds);

#endif
