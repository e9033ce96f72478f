/* Which release this router runs: follows the fleet's pointer, loads what it names, keeps what it has when that fails.
 *
 *     pointer ──> ordered by generation ──> load (fetch, verify, compile) ──> run it | rejected: keep the old one
 *                      │                                   │
 *                 falls, or another cluster:          etcd is away:
 *                 alarm, keep running                 again with back-off; at the start the last good copy
 *
 * The alarm ends with a pointer that goes on from what was obeyed last: a higher generation of the same cluster, or of
 * one whose pointer names the old one as its own by an operator's word (store_accept_restore). An etcd that was set back
 * gives numbers of releases out twice, so a release that seems to run already is looked at before it is believed.
 *
 * Pure: what happened and the time go in, what to do next comes out of follow_next(). The follower's thread does it.
 */
#ifndef ROUTER_FOLLOW_FOLLOW_H
#define ROUTER_FOLLOW_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/store/store.h"

enum {
    FOLLOW_RETRY_MIN_MS = 200, /* back-off of a load that failed for want of etcd */
    FOLLOW_RETRY_MAX_MS = 10000,
    FOLLOW_REJECTED_MS = 60000, /* a release that is corrupt in etcd is tried, or looked at, again this often */
    FOLLOW_GRACE_MS = 5000,     /* how long a start waits for etcd before it takes the last good copy */
    FOLLOW_TEXT_SIZE = 2048,
    FOLLOW_FORMER_MAX = STORE_FORMER_MAX,
};

/* What a pointer meant. */
enum follow_verdict {
    FOLLOW_NEW,     /* another generation: obeyed */
    FOLLOW_SAME,    /* nothing new */
    FOLLOW_MISSING, /* the fleet has no pointer yet: wait */
    FOLLOW_FELL,    /* the generation fell, or was given out a second time (a restored snapshot): not obeyed, alarm */
    FOLLOW_CLUSTER, /* another etcd cluster: not obeyed, alarm */
};

/* How a load went. */
enum follow_load {
    FOLLOW_LOADED,      /* compiled: it runs from now on */
    FOLLOW_UNAVAILABLE, /* etcd is away */
    FOLLOW_CORRUPT,     /* an object fails its hash, or is not there: somebody may repair it */
    FOLLOW_BAD,         /* it does not compile, or needs a newer router: final until the pointer moves */
};

enum follow_do {
    FOLLOW_WAIT, /* until `until_ms` (INT64_MAX: until something happens) */
    FOLLOW_LOAD, /* `release`, then follow_loaded() */
    FOLLOW_COPY, /* run the last good copy, then follow_copied() */
    FOLLOW_MOVE, /* the release's number stays, its generation is new: is it still that one? then follow_moved() */
};

struct follow_action {
    enum follow_do what;
    uint32_t release;
    uint64_t generation;
    int64_t until_ms;
};

struct follow_pointer {
    uint64_t generation; /* 0: there is none */
    uint32_t release;
    uint64_t cluster_id;
    uint64_t move_id;                   /* two that differ were written by two calls; 0: unknown */
    uint64_t former[FOLLOW_FORMER_MAX]; /* clusters that this one goes on with; 0: no more */
};

/* How a look at the release that seems to run already ended. */
enum follow_look {
    FOLLOW_LOOKED_SAME,
    FOLLOW_LOOKED_OTHER,
    FOLLOW_LOOKED_UNREADABLE, /* it is corrupt in etcd, or not there: what runs stays, and nobody knows whether it is it */
    FOLLOW_LOOKED_AWAY,       /* etcd is */
};

struct follow {
    int64_t grace_ms;            /* until when a start waits for etcd */
    struct follow_pointer known; /* newest obeyed, from the last good copy or etcd; generation 0: none */
    bool seen;                   /* a pointer was read from etcd and obeyed */
    bool has_copy;
    struct follow_pointer copy;
    uint32_t running; /* release in force; 0: none */
    uint64_t running_generation;
    bool other;        /* what runs has the number of the wanted release, and is another one */
    bool unreadable;   /* or may be: that one cannot be read in etcd */
    bool from_copy;    /* what runs came from the last good copy */
    uint32_t rejected; /* release that failed for good, or is corrupt; 0: none */
    enum follow_load rejected_how;
    char rejected_why[FOLLOW_TEXT_SIZE];
    enum follow_verdict alarm; /* FOLLOW_SAME: none */
    bool missing;              /* the fleet has no pointer yet */
    unsigned tries;            /* loads of `known` that failed in a row */
    int64_t retry_ms;          /* when to load again */
    uint64_t seed;             /* of the jitter */
};

/* Nothing is known yet; the time of grace begins. */
void follow_init(struct follow *f, int64_t now_ms, uint64_t seed);
/* There is a last good copy, verified. */
void follow_has_copy(struct follow *f, const struct follow_pointer *copy);
/* A pointer was read or watched. */
enum follow_verdict follow_pointer(struct follow *f, const struct follow_pointer *p, int64_t now_ms);
/* The load of `release` that follow_next() asked for ended, begun under the pointer of `generation`; `why` (NULL when
 * loaded) is for people. True when it is to be run: it is still what the fleet wants. A pointer that has moved meanwhile
 * and names the same number leads to another look, or load. */
bool follow_loaded(struct follow *f, uint32_t release, uint64_t generation, enum follow_load how, const char *why,
                   int64_t now_ms);
/* The look that FOLLOW_MOVE asked for ended; it was for the pointer of `generation`. True when the release stays, under
 * that generation. */
bool follow_moved(struct follow *f, uint64_t generation, enum follow_look how, int64_t now_ms);
/* The last good copy runs (true), or is of no use. */
void follow_copied(struct follow *f, bool ok);
/* What to do next. */
struct follow_action follow_next(struct follow *f, int64_t now_ms);

#endif
