/* SIGHUP: what of router.conf can change while the router runs.
 *
 *     live                                     at the next start
 *     log_level                                everything else; the log names what of it has changed
 *     SASL user name and password              the consumer's certificates without `instance_id`: librdkafka reads them
 *     certificates and keys of producers       when a client is made, and a new member of the group rebalances it twice
 *     those of the consumer, with
 *     `instance_id` (handover.c)
 *
 * The etcd client reads its certificate files at each new connection, without a signal. `${NAME}` is the environment of
 * the process, which a signal does not change: what is to be renewed stands in the file.
 */
#ifndef ROUTER_RELOAD_H
#define ROUTER_RELOAD_H

#include "router/router.h"

/* Settings read by a reload, newest first: clients may borrow from older ones to the end. */
struct reload;

/* Reads `path` again, puts into force what can be, and logs the rest; a file with errors changes nothing. `first` are
 * the settings that the router was started with. */
void reload(struct reload **chain, const char *path, const struct router_settings *first, struct router *r);
/* After router_stop(). */
void reload_free(struct reload *chain);

#endif
