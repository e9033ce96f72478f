/* Servers that are not etcd, or not quite: for what a real one cannot be made to do on demand.
 *
 * Each listens on a free port of the loopback, with a thread for each connection. */
#ifndef VX_TESTS_ETCD_FAKE_H
#define VX_TESTS_ETCD_FAKE_H

#include <stdbool.h>
#include <stddef.h>

struct fake;

/* Answers every request with these bytes and closes; NULL: accepts and never answers; "": closes at once. */
struct fake *fake_start(const char *answer);
/* Passes requests on to an etcd and answers back. Where `lose` says so (it sees the whole request), the request is passed on,
 * but instead of the answer the connection is closed. It is called by one thread at a time. */
struct fake *fake_proxy(const char *endpoint, bool (*lose)(void *ctx, const char *request), void *ctx);
void fake_stop(struct fake *fake);
const char *fake_endpoint(const struct fake *fake);
/* Whole requests that came. */
int fake_requests(struct fake *fake);
/* While they are muted, a proxy passes on nothing that an existing or new watch says. */
void fake_mute_watches(struct fake *fake, bool mute);
/* Answers of a proxy to range requests come this much later. */
void fake_delay_ranges(struct fake *fake, int ms);
/* While it refuses, new connections are closed at once. */
void fake_refuse(struct fake *fake, bool refuse);
/* Breaks the connections that exist. */
void fake_break(struct fake *fake);

#endif
