/* Destinations: which topics can be produced to. Shared by all workers; kept up to date by a thread of its own, which
 * asks the brokers, so that a worker never waits for an answer.
 *
 *     unknown ── asked ──> there | missing | forbidden ── asked again with back-off ──> ...
 *
 * A record is produced only to a destination that is there: what is missing holds the events that need it before
 * anything can overtake them.
 */
#ifndef ROUTER_IO_DESTINATIONS_H
#define ROUTER_IO_DESTINATIONS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/config/field.h"
#include "router/io/destination.h"

enum {
    DESTINATIONS_RETRY_MIN_MS = 500,
    DESTINATIONS_RETRY_MAX_MS = 15000,
    /* what every topic takes unless it is told to take less (its max.message.bytes is a little more) */
    DESTINATIONS_RECORD_BYTES = 1000000,
    DESTINATIONS_MAX = 100000, /* names ever seen; those beyond are held as missing */
};

struct destinations;

/* Starts the thread. `on_change` is called from it after a state changed, or a topic became another one of its name.
 * `kafka` is borrowed while it lives. */
VX_MUSTCHECK enum vx_status destinations_start(const struct vx_pairs *kafka, void (*on_change)(void *ctx), void *ctx,
                                               struct destinations **out, struct vx_err *err);
/* Asks again about those that are there, at that interval: their partitions may have become more. 0, at first: never. So
 * many destinations that there would be more than 100 questions a second are asked about less often. */
void destinations_refresh(struct destinations *d, int64_t interval_ms);
/* Asks through a new client, made of `kafka` (borrowed), from now on. Any thread; returns at once. */
void destinations_renew(struct destinations *d, const struct vx_pairs *kafka);
/* With `interval_ms` > 0: every topic of the cluster is listed, at once and then at that interval, and given to
 * `on_topics` (its texts live as long as the call), from the registry's thread. 0: no more. Any thread. */
void destinations_list(struct destinations *d, int64_t interval_ms,
                       void (*on_topics)(void *ctx, const struct vx_strings *topics));
/* Ends the thread; `on_change` is not called any more. */
void destinations_stop(struct destinations *d);
/* After _stop, when nobody holds a destination any more. */
void destinations_free(struct destinations *d);

/* The destination of that name, new or old; lives as long as `d`; NULL beyond DESTINATIONS_MAX. A new one is asked
 * about at once. */
struct destination *destinations_get(struct destinations *d, struct vx_span name);
/* A broker said otherwise when it was produced to: not to be used until asked again, later and later. */
void destinations_doubt(struct destinations *d, struct destination *destination, enum destination_state state);
/* A record got there: forgets earlier doubts. Cheap when there are none. */
void destinations_confirm(struct destinations *d, struct destination *destination);
/* Asks again about one that is there, as soon as it can: what was sent to it is long in coming back. Any thread. */
void destinations_ask(struct destinations *d, struct destination *destination);
/* A record of `bytes` (key and value) that was sent alone got there, or was too large. Any thread. */
void destinations_learn(struct destination *destination, size_t bytes, bool taken);
/* Calls `each` for every destination that is missing or forbidden; under the lock: be quick. */
void destinations_missing(struct destinations *d, void (*each)(void *ctx, const char *name, bool forbidden), void *ctx);

#endif
