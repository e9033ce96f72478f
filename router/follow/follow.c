/* See follow.h. Any one thread; no clock, no etcd.
 *
 * Invariants: `known` only ever moves to a higher generation, of the same cluster or of one that goes on with it; what
 * runs is replaced only by a release that compiled; a rejected release never stops what runs. A move of the pointer is an
 * operator's act: what was refused is tried once more. */
#include "router/follow/follow.h"

#include <stdio.h>
#include <string.h>

void follow_init(struct follow *f, int64_t now_ms, uint64_t seed)
{
    *f = (struct follow){.grace_ms = now_ms + FOLLOW_GRACE_MS, .alarm = FOLLOW_SAME, .seed = seed | 1};
}

void follow_has_copy(struct follow *f, const struct follow_pointer *copy)
{
    f->has_copy = true;
    f->copy = *copy;
    f->known = *copy;
}

/* Has an operator said that this cluster's fleet is the one of `cluster_id`? */
static bool goes_on_with(const struct follow_pointer *p, uint64_t cluster_id)
{
    for (size_t i = 0; i < FOLLOW_FORMER_MAX && p->former[i]; i++)
        if (p->former[i] == cluster_id)
            return true;
    return false;
}

/* The same generation, given out by an etcd that had forgotten the first time. */
static bool is_second(const struct follow_pointer *known, const struct follow_pointer *p)
{
    return p->generation == known->generation && (p->release != known->release || p->cluster_id != known->cluster_id ||
                                                  (p->move_id && known->move_id && p->move_id != known->move_id));
}

static enum follow_verdict judge(const struct follow *f, const struct follow_pointer *p)
{
    if (f->known.generation == 0)
        return p->generation ? FOLLOW_NEW : FOLLOW_MISSING;
    if (p->cluster_id != f->known.cluster_id && !goes_on_with(p, f->known.cluster_id))
        return FOLLOW_CLUSTER;
    if (p->generation < f->known.generation || is_second(&f->known, p))
        return FOLLOW_FELL;
    return p->generation > f->known.generation || !f->seen ? FOLLOW_NEW : FOLLOW_SAME;
}

enum follow_verdict follow_pointer(struct follow *f, const struct follow_pointer *p, int64_t now_ms)
{
    enum follow_verdict verdict = judge(f, p);
    bool doubted = f->alarm != FOLLOW_SAME || p->cluster_id != f->known.cluster_id;
    f->missing = verdict == FOLLOW_MISSING;
    f->alarm = verdict == FOLLOW_FELL || verdict == FOLLOW_CLUSTER ? verdict : FOLLOW_SAME;
    if (verdict != FOLLOW_NEW)
        return verdict;
    bool same_release = f->known.release == p->release && f->seen && !doubted;
    bool waits = f->rejected || f->other || f->unreadable;
    f->known = *p;
    f->seen = true;
    f->other = f->unreadable = false;
    f->rejected = 0;
    if (!same_release || waits) {
        f->tries = 0;
        f->retry_ms = now_ms;
    }
    return verdict;
}

/* Exponential, half of it random, so that a fleet does not come back in step (xorshift64, Marsaglia 2003). */
static int64_t backoff(struct follow *f)
{
    int64_t wait_ms = (int64_t)FOLLOW_RETRY_MIN_MS << (f->tries < 10 ? f->tries : 10);
    if (wait_ms > FOLLOW_RETRY_MAX_MS)
        wait_ms = FOLLOW_RETRY_MAX_MS;
    f->tries++;
    f->seed ^= f->seed << 13;
    f->seed ^= f->seed >> 7;
    f->seed ^= f->seed << 17;
    return wait_ms / 2 + (int64_t)(f->seed % (uint64_t)(wait_ms / 2 + 1));
}

bool follow_loaded(struct follow *f, uint32_t release, uint64_t generation, enum follow_load how, const char *why,
                   int64_t now_ms)
{
    if (release != f->known.release || (how != FOLLOW_LOADED && generation != f->known.generation))
        return false; /* the pointer moved on meanwhile */
    if (how == FOLLOW_LOADED) {
        f->running = release;
        f->running_generation = generation;
        f->from_copy = f->other = f->unreadable = false;
        f->rejected = 0;
        f->tries = 0;
        return true;
    }
    if (how == FOLLOW_UNAVAILABLE) {
        f->retry_ms = now_ms + backoff(f);
        return false;
    }
    f->rejected = release;
    f->rejected_how = how;
    snprintf(f->rejected_why, sizeof f->rejected_why, "%s", why);
    f->retry_ms = how == FOLLOW_CORRUPT ? now_ms + FOLLOW_REJECTED_MS : INT64_MAX;
    return false;
}

bool follow_moved(struct follow *f, uint64_t generation, enum follow_look how, int64_t now_ms)
{
    if (generation != f->known.generation || f->running != f->known.release)
        return false; /* the pointer moved on meanwhile */
    f->other = how == FOLLOW_LOOKED_OTHER;
    f->unreadable = how == FOLLOW_LOOKED_UNREADABLE;
    if (how == FOLLOW_LOOKED_AWAY)
        f->retry_ms = now_ms + backoff(f);
    if (how == FOLLOW_LOOKED_UNREADABLE)
        f->retry_ms = now_ms + FOLLOW_REJECTED_MS;
    if (how != FOLLOW_LOOKED_SAME)
        return false;
    f->running_generation = generation;
    f->from_copy = false;
    f->tries = 0;
    return true;
}

void follow_copied(struct follow *f, bool ok)
{
    f->has_copy = false;
    if (!ok)
        return;
    f->running = f->copy.release;
    f->running_generation = f->copy.generation;
    f->from_copy = true;
}

struct follow_action follow_next(struct follow *f, int64_t now_ms)
{
    struct follow_action wait = {.what = FOLLOW_WAIT, .until_ms = INT64_MAX};
    bool usable = f->has_copy && !f->running;
    bool wanted = f->running == f->known.release && !f->other;
    bool moved = wanted && (f->running_generation != f->known.generation || f->from_copy);
    if (f->seen && moved && f->alarm == FOLLOW_SAME) {
        if (now_ms >= f->retry_ms)
            return (struct follow_action){
                .what = FOLLOW_MOVE, .release = f->running, .generation = f->known.generation};
        wait.until_ms = f->retry_ms;
    }
    if (f->seen && !wanted && f->alarm == FOLLOW_SAME) {
        if (usable && (f->rejected == f->known.release || now_ms >= f->grace_ms))
            return (struct follow_action){.what = FOLLOW_COPY, .release = f->copy.release};
        if (now_ms >= f->retry_ms)
            return (struct follow_action){
                .what = FOLLOW_LOAD, .release = f->known.release, .generation = f->known.generation};
        wait.until_ms = f->retry_ms;
    }
    if (usable && (f->alarm != FOLLOW_SAME || now_ms >= f->grace_ms))
        return (struct follow_action){.what = FOLLOW_COPY, .release = f->copy.release};
    if (usable && wait.until_ms > f->grace_ms)
        wait.until_ms = f->grace_ms;
    return wait;
}
