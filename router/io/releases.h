/* The releases that a worker has at hand: the one in force, and older ones as long as events that they decided are not
 * done, because such an event is decided again by its own release.
 *
 *     adopt ──> in force ──next adopt──> older ──nothing left that it decided──> dropped
 *                                          ^
 *                     asked for, and come ─┘      (an owner before decided by it: course.h)
 *
 * Pure: no clock, no Kafka; the worker's thread. Owns a reference to each.
 */
#ifndef ROUTER_IO_RELEASES_H
#define ROUTER_IO_RELEASES_H

#include "router/io/adoption.h"
#include "router/io/lane.h"

enum {
    RELEASES_OLDER_MAX = 16,  /* older releases kept; beyond, the oldest goes, and is asked for again when needed */
    RELEASES_WANTED_MAX = 64, /* older releases that were asked for; beyond, the first asked for is forgotten */
};

/* All zero: none at hand. */
struct releases {
    struct adoption *now; /* in force; NULL before the first */
    struct adoption *older[RELEASES_OLDER_MAX];
    size_t older_count; /* newest last */
    uint32_t highest;   /* number that was ever at hand */
    struct releases_want {
        uint32_t release; /* 0: unused */
        bool gone;        /* it is not to be had; else it is being fetched */
    } wanted[RELEASES_WANTED_MAX];
    size_t wanted_count; /* ever; the place of the next one, wrapped */
};

/* `a` is in force from now on; takes the reference over. What was not to be had may be from now on. One that was at hand
 * under the same number goes: after a restore of etcd a number may stand for another release. True when what is known of
 * attempts by that number may be of another release: see lane_forget(). */
VX_MUSTCHECK bool releases_adopt(struct releases *r, struct adoption *a);
/* One that was asked for came, and is taken over; NULL: `release` is not to be had. */
void releases_came(struct releases *r, uint32_t release, struct adoption *a);
/* The release of that number, if it is at hand; else NULL. */
const struct adoption *releases_find(const struct releases *r, uint32_t release);
/* Is it at hand? `*ask` is set where it is to be asked for; untouched elsewhere. */
enum lane_release releases_look(struct releases *r, uint32_t release, bool *ask);
/* Drops the older ones that are not used any more. */
void releases_drop(struct releases *r, bool (*is_used)(void *ctx, uint32_t release), void *ctx);
/* Lets go of all. */
void releases_done(struct releases *r);

#endif
