/* Making a folder what a fleet runs, for commands that do it on the way. One thread. */
#ifndef VX_CLI_APPLY_H
#define VX_CLI_APPLY_H

#include "configsvc/cli/source.h"

/* Publishes `source` as the next release of `fleet` and activates it, without waiting; says so on standard error only.
 * EXIT_DONE, or a command's exit code after a sentence. */
VX_MUSTCHECK int apply_folder(struct cli *cli, const char *fleet, const struct source *source, const char *message);

/* Has the routers of `fleet` obey an etcd that was restored, and waits until they do, at most `seconds`. */
VX_MUSTCHECK int apply_restored(struct cli *cli, const char *fleet, int64_t seconds);

#endif
