/* The course of one partition: which release decides which offsets, and how much of that is on record.
 *
 *     offsets   ...[committed)....[reached)............[safe)........[until)
 *     legs      |--- release 41 ------------|--- release 42 ---------------->
 *                undone, or to be decided    on record: the commit's metadata says so
 *
 * Why. Order by first occurrence over a change of release holds as long as every attempt at an event that may have been
 * decided before is made by the release that decided it: where it is decided by another one it may be sent to a place
 * that later events have reached already. Within one owner the window remembers. An owner that is lost without notice
 * takes that with it, and the next one begins again at the committed offset. So the course is kept where the next one
 * begins to read: in the metadata of the commit.
 *
 *     veltrix release=41 generation=7 until=5300 then=150:42:8
 *
 * from the committed offset on release 41 decides, from offset 150 on release 42, and nothing from 5300 on was decided.
 * Where the topic was begun at its end, `partitions=8` in front says how many partitions it had then (begin.c).
 *
 * The rule. An event is decided only when a course that names its release is on record (course_may): a change of
 * release is written down with the offset from which it applies, ahead of the events that are coming in, and the old
 * release goes on up to there; so nothing waits for the commit unless more came in than was expected. The next owner
 * follows the legs up to the floor: the end of what its forerunner can have decided (`until`, or where the partition
 * ended when it took over), and from there on is free. In doubt the floor is too high, never too low.
 *
 * Pure: no clock, no thread, no Kafka. Each change of the course has a version; a commit carries the newest one, and
 * its acknowledgement (course_recorded) names it.
 */
#ifndef ROUTER_IO_COURSE_H
#define ROUTER_IO_COURSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
    COURSE_LEGS_MAX = 16,     /* releases under way on one partition; at the limit a change waits until one is done */
    COURSE_AHEAD = 8192,      /* `until` is recorded at least this far ahead of what was delivered; where commits are
                                 not answered, a partition waits there */
    COURSE_TAKEOVERS_MAX = 5, /* by owners that died and got nothing done under an older release; the next one lets go
                                 of it: a release that kills routers must not be what they begin with for ever */
    COURSE_TEXT_SIZE = 1024,  /* of the metadata; brokers take 4096 bytes */
};

struct course_leg {
    int64_t from; /* offset; the first leg's counts for everything before it, too */
    uint64_t generation;
    uint64_t version; /* of the course, when this leg was last changed */
    uint32_t release;
};

/* All zero but the offsets: course_init(). */
struct course {
    struct course_leg legs[COURSE_LEGS_MAX];
    size_t count;        /* 0: nothing was ever decided */
    uint64_t version;    /* newest */
    uint64_t recorded;   /* newest that is on record */
    int64_t begin;       /* offset at which this owner began; -1: not known before the first event */
    int64_t reached;     /* offset after the furthest event decided by this owner; -1 as above */
    int64_t floor;       /* an owner before may have decided events below */
    int64_t safe;        /* events below may be decided: their legs are on record */
    int64_t until;       /* on record */
    uint32_t partitions; /* of the topic when the fleet began it with `start: latest`; 0: it did not. For good */
    unsigned takeovers;  /* owners in a row, this one included, that began at `begin` with an older release and did not
                           let go of the partition in order */
};

/* The course of a partition that nobody was on; `offset` is where it begins, -1: not known yet. */
void course_init(struct course *c, int64_t offset);
/* The course that stands in the metadata of a commit at `offset`. `end` is the end of the partition at a moment after
 * the forerunner had lost it; -1: unknown. What is not ours gives a course as course_init() does, and false. */
bool course_load(struct course *c, const char *text, size_t len, int64_t offset, int64_t end);
/* The metadata for a commit at `offset`: legs from there on. `out` holds COURSE_TEXT_SIZE bytes. */
void course_print(const struct course *c, int64_t offset, int64_t until, char *out);

/* The first event was delivered: where a course without a beginning begins. */
static inline void course_meet(struct course *c, int64_t offset)
{
    if (c->begin < 0)
        c->begin = c->reached = c->floor = c->safe = offset;
}

/* From `from` on `release` decides; what was planned from there on is dropped. Nothing from there on may have been
 * decided by this owner. False when there are too many legs: again when some are done (course_drop). */
VX_MUSTCHECK bool course_turn(struct course *c, int64_t from, uint32_t release, uint64_t generation);
/* The first leg's release is older than the one in force, and an owner before began with it: counted, on record, before
 * it is tried again. False when it has been tried often enough. */
VX_MUSTCHECK bool course_take_over(struct course *c);
/* This owner lets go in order. */
void course_hand_over(struct course *c);
/* The release for the event at `offset`; 0 when nothing was planned. */
uint32_t course_release(const struct course *c, int64_t offset);
/* May the event at `offset` be decided? */
static inline bool course_may(const struct course *c, int64_t offset)
{
    return offset < c->safe;
}
/* The event at `offset` was decided. */
static inline void course_decided(struct course *c, int64_t offset)
{
    if (c->reached <= offset)
        c->reached = offset + 1;
}
/* From now on commits leave a trace only of what they hold: what this owner has decided is as if an owner before had. */
void course_raise_floor(struct course *c);
/* The `until` for a commit when nothing from `offset` on is decided before the next one: what an owner before may have
 * decided stays below it. */
static inline int64_t course_until(const struct course *c, int64_t offset)
{
    return offset > c->floor ? offset : c->floor;
}
/* A commit of `version` with `until` was acknowledged. */
void course_recorded(struct course *c, uint64_t version, int64_t until);
/* Something planned is not on record yet. */
static inline bool course_is_pending(const struct course *c)
{
    return c->version != c->recorded;
}
/* Everything below `offset` is done: legs that end before it are forgotten. */
void course_drop(struct course *c, int64_t offset);
/* True while a leg is of that release. */
bool course_names(const struct course *c, uint32_t release);
/* The last leg; NULL without any. */
static inline struct course_leg *course_last(struct course *c)
{
    return c->count ? &c->legs[c->count - 1] : NULL;
}

#endif
