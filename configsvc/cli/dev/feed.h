/* Feeding events through a fleet and counting what comes out, at the outputs. One thread. */
#ifndef VX_CLI_FEED_H
#define VX_CLI_FEED_H

#include "configsvc/cli/client.h"

enum {
    FEED_AHEAD = 64,       /* records still missing at the outputs, beyond which sending waits */
    FEED_QUIET_MS = 15000, /* nothing came out for so long: what is missing then is lost */
    FEED_EXTRA_MS = 300,   /* and so long after the last one it is looked whether one comes twice */
};

struct feed_options {
    const char *events; /* path; "-" is standard input */
    const char *topic;  /* for events that name none; NULL: the only one that the release routes */
    const char *kafka;  /* bootstrap servers */
};

/* Sends the events, reads the outputs meanwhile, prints the table. EXIT_DONE when every record that the running release
 * makes of them came out, and no other; EXIT_NO otherwise; EXIT_USAGE when it could not begin. */
VX_MUSTCHECK int feed_run(struct cli *cli, const char *fleet, const struct feed_options *o);

#endif
