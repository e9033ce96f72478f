/* The promises, and what is known to be true of the world that they are held against. A router knows none of this. */
#include <stdarg.h>
#include <stdio.h>

#include "world.h"

void sim_fail(struct sim_world *w, const char *fmt, ...)
{
    va_list args;
    if (w->failed)
        return;
    w->failed = true;
    va_start(args, fmt);
    vsnprintf(w->failure, sizeof w->failure, fmt, args);
    va_end(args);
    TRACE(w, "BROKEN: %s", w->failure);
}

/* --- one release decides an attempt ------------------------------------------------------------------------------- */

static void excuse(struct sim_router *r, struct sim_event *e)
{
    r->world->excused += !e->excused;
    e->excused = true;
}

static struct destination *destination_of(struct sim_router *r, int topic)
{
    return destinations_get(r->destinations, vx_span_str(sim_topics[topic]));
}

/* An older release does not get the event through: order is not promised for it. */
static bool is_through(struct sim_router *r, const struct sim_decision *d, bool stuck)
{
    if (stuck || (r->world->mix.refuse && d->stuck_if_refused))
        return false;
    for (size_t i = 0; i < d->count; i++)
        if (atomic_load(&destination_of(r, d->outputs[i].topic)->state) == DESTINATION_MISSING)
            return false;
    return true;
}

void check_attempt(struct sim_router *r, uint32_t release, const struct cel_event *ev, const struct decision *d)
{
    struct sim_event *e = window_next(&r->w->current->lane->window)->message;
    const struct sim_decision *truth = &r->world->family->decisions[release][e->template];
    if (e->message.offset != ev->offset || e->partition != ev->partition)
        sim_fail(r->world, "event %d/%d is not the one that its lane is at", ev->partition, (int)ev->offset);
    r->viewed = e;
    r->attempt_release = release;
    r->attempt_sent = 0;
    bool unrouted = r->world->partitions[e->partition].source == 1 && !r->world->family->takes_second[release];
    bool stuck = truth->stuck || unrouted;
    if (release != worker_release(r->w) && !is_through(r, truth, stuck))
        excuse(r, e);
    if (!stuck && d->record_count == 0)
        e->decided |= 1u << release;
    TRACE(r->world, "router %d: event %d/%d is decided by release %u: %s, %zu records", r->number, e->partition,
          (int)ev->offset, release, stuck ? "stuck" : "goes on", d->record_count);
}

void check_produce(struct sim_router *r, const struct sim_flight *f, uint64_t hash, bool plain)
{
    struct sim_world *w = r->world;
    struct sim_event *e = f->event;
    const struct sim_decision *d = &w->family->decisions[f->release][e->template];
    struct sim_assignment *sa = shell_assignment(r, e->partition);
    int offset = (int)e->message.offset, count = atomic_load(&destination_of(r, f->topic)->partition_count);
    if (e != r->viewed || f->release != r->attempt_release)
        sim_fail(w, "event %d/%d: a record of release %u in an attempt of release %u", e->partition, offset, f->release,
                 r->attempt_release);
    if (f->record >= d->count) {
        sim_fail(w, "event %d/%d: record %u, and release %u makes %zu of it", e->partition, offset, f->record,
                 f->release, d->count);
        return;
    }
    if (sa && sa->a.w != r->w)
        sim_fail(w, "event %d/%d is produced by worker %d, which does not have the partition", e->partition, offset,
                 r->at);
    const struct sim_output *o = &d->outputs[f->record];
    bool replaced = o->refused && f->dead;
    if (!replaced && (o->topic != f->topic || o->hash != hash))
        sim_fail(w, "event %d/%d: record %u is not what release %u makes of it", e->partition, offset, f->record,
                 f->release);
    if (!sa || sa->a.closed) {
        sim_fail(w, "event %d/%d is produced by router %d, which has let go of the partition", e->partition, offset,
                 r->number);
        return;
    }
    uint16_t acked = sa->acked_release[e->index] == f->release ? sa->acked[e->index] : 0;
    uint16_t all = (uint16_t)((1u << d->count) - 1);
    if (!e->excused && acked & 1u << f->record)
        sim_fail(w, "event %d/%d: record %u was delivered by this owner before", e->partition, offset, f->record);
    if (e->spread[f->topic] && e->spread[f->topic] != count)
        excuse(r, e); /* partitions were added since it was sent first */
    if (plain && !e->spread[f->topic])
        e->spread[f->topic] = (uint8_t)count;
    e->plain |= plain;
    r->attempt_sent |= (uint16_t)(1u << f->record);
    if (((r->attempt_sent | acked) & all) == all)
        e->decided |= 1u << f->release;
}

/* --- order, and what got in --------------------------------------------------------------------------------------- */

static bool is_excused(const struct sim_partition *p, const struct sim_event *e)
{
    return e->excused || (p->unsure_to && e->message.offset >= p->unsure_from && e->message.offset < p->unsure_to);
}

void check_append(struct sim_world *w, const struct sim_flight *f)
{
    struct sim_event *e = f->event;
    struct sim_partition *p = &w->partitions[e->partition];
    uint16_t bit = (uint16_t)(1u << f->record);
    w->appended++;
    for (uint32_t r = 1; r <= SIM_RELEASES && !e->plain; r++)
        if (r == f->release ? e->got[r] & bit : e->got[r])
            sim_fail(w, "event %d/%d is doubled, and delivery is exactly_once", e->partition, (int)e->message.offset);
    if (e->got[f->release] & bit)
        w->duplicates++;
    e->got[f->release] |= bit;
    TRACE(w, "line %u: event %d/%d, release %u, record %u", f->line, e->partition, (int)e->message.offset, f->release,
          f->record);
    if (f->topic == SIM_DLQ || e->seen & 1u << f->line)
        return;
    e->seen |= 1u << f->line;
    if (is_excused(p, e))
        return;
    if (e->index < p->last[f->line])
        sim_fail(w, "line %u: event %d/%d first occurs after event %d", f->line, e->partition, (int)e->message.offset,
                 (int)p->events[p->last[f->line]].message.offset);
    else
        p->last[f->line] = e->index;
}

/* Everything that some release that decided it makes of it is there. */
bool check_is_done(const struct sim_world *w, const struct sim_event *e)
{
    for (uint32_t r = 1; r <= SIM_RELEASES; r++) {
        uint16_t all = (uint16_t)((1u << w->family->decisions[r][e->template].count) - 1);
        if (e->decided & 1u << r && (e->got[r] & all) == all)
            return true;
    }
    return false;
}

/* --- nothing is lost ---------------------------------------------------------------------------------------------- */

void check_commit(struct sim_world *w, uint32_t member, int partition, const struct ledger_commit *commit)
{
    struct sim_partition *p = &w->partitions[partition];
    if (p->owner != member)
        sim_fail(w, "member %u commits for partition %d, which is not its own", member, partition);
    if (commit->offset < p->committed)
        sim_fail(w, "partition %d: the committed offset falls from %d to %d", partition, (int)p->committed,
                 (int)commit->offset);
    for (; p->checked < p->count && p->events[p->checked].message.offset < commit->offset; p->checked++)
        if (!check_is_done(w, &p->events[p->checked]))
            sim_fail(w, "partition %d: %d is committed, and event %d is not done", partition, (int)commit->offset,
                     (int)p->events[p->checked].message.offset);
    if (commit->offset > p->end)
        sim_fail(w, "partition %d: %d is committed, beyond its end", partition, (int)commit->offset);
}

/* --- the pointer -------------------------------------------------------------------------------------------------- */

static bool stood(const struct sim_world *w, uint32_t release, uint64_t generation)
{
    for (int i = 0; i < w->etcd.history_count; i++)
        if (w->etcd.history[i].generation == generation && w->etcd.history[i].release == release)
            return true;
    return false;
}

void check_adopted(struct sim_router *r, uint32_t release, uint64_t generation)
{
    struct sim_world *w = r->world;
    if (generation < r->obeyed)
        sim_fail(w, "router %d obeys generation %d after generation %d", r->number, (int)generation, (int)r->obeyed);
    if (!stood(w, release, generation))
        sim_fail(w, "router %d runs release %u as generation %d: no pointer ever said so", r->number, release,
                 (int)generation);
    if (w->etcd.bad & 1u << release)
        sim_fail(w, "router %d runs release %u, which does not compile", r->number, release);
    r->obeyed = generation;
}

void check_copy(struct sim_router *r, const struct follow_pointer *p)
{
    if (!stood(r->world, p->release, p->generation))
        sim_fail(r->world, "router %d believes a copy of release %u, generation %d: no pointer ever said so", r->number,
                 p->release, (int)p->generation);
    else if (r->copy_generation == 0)
        sim_fail(r->world, "router %d believes a copy that is damaged", r->number);
}

/* --- bounds ------------------------------------------------------------------------------------------------------- */

/* What was too large once is not tried again; a producer that is made in the same round, one of several or for new
 * properties, may. */
void check_client(const rd_kafka_t *rk)
{
    const struct sim_router *r = rk->r;
    const struct sim_mix *m = &r->world->mix;
    size_t too_large = r->too_large[rk->worker];
    bool again = m->producers == 1 && !m->renew && too_large && rk->conf.batch_bytes >= too_large;
    if (rk->conf.gapless && again)
        sim_fail(r->world, "router %d: batches of %zu bytes, where one of %zu was refused", r->number,
                 rk->conf.batch_bytes, too_large);
}

/* What an attempt handed over was all of it. */
static void check_lane(struct sim_router *r, const struct lane *l, long *held)
{
    struct sim_world *w = r->world;
    const struct window *win = &l->window;
    for (uint64_t s = win->head; s != win->tail; s++) {
        const struct window_entry *entry = &win->ring[s & win->mask];
        const struct sim_event *e = entry->message;
        *held += e != NULL;
        if (e && entry->flags & WINDOW_PASSED && !(e->decided & 1u << entry->release))
            sim_fail(w, "event %d/%d: an attempt of release %u is called whole, and is not", e->partition,
                     (int)e->message.offset, entry->release);
    }
    if (window_count(win) > (size_t)w->mix.window_events)
        sim_fail(w, "router %d: a window holds %zu events of %d", r->number, window_count(win), w->mix.window_events);
    /* a batch is as many events as would fit if they were like those of the last one */
    size_t bytes_max = (size_t)w->mix.window_bytes + (size_t)w->mix.window_bytes / 4 + SIM_EVENT_BYTES;
    if (!w->family->sized && win->bytes > bytes_max)
        sim_fail(w, "router %d: a window holds %zu bytes of %d", r->number, win->bytes, w->mix.window_bytes);
}

void check_router(struct sim_router *r)
{
    struct sim_world *w = r->world;
    long held = 0;
    for (int n = 0; n < w->mix.workers; n++)
        for (uint32_t i = 0; i < r->workers[n]->lane_room; i++)
            if (r->workers[n]->lanes[i])
                check_lane(r, r->workers[n]->lanes[i]->lane, &held);
    if (held != r->messages)
        sim_fail(w, "router %d holds %ld events, its windows know of %ld", r->number, r->messages, held);
    for (const rd_kafka_t *rk = r->clients; rk && w->mix.room; rk = rk->next)
        if (rk->flying + rk->reports.count > w->mix.room + SIM_RECORDS)
            sim_fail(w, "router %d has %d records on their way, bound %d", r->number, rk->flying + rk->reports.count,
                     w->mix.room);
    if (r->w->releases.older_count > RELEASES_OLDER_MAX)
        sim_fail(w, "router %d keeps %zu older releases", r->number, r->w->releases.older_count);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void check_end(struct sim_world *w)
{
    for (int i = 0; i < w->mix.partitions; i++) {
        struct sim_partition *p = &w->partitions[i];
        for (int k = 0; k < p->count; k++)
            if (!check_is_done(w, &p->events[k])) {
                sim_fail(w, "event %d/%d is lost: decided %#x", i, (int)p->events[k].message.offset,
                         p->events[k].decided);
                return;
            }
        if (p->checked < p->count)
            sim_fail(w, "partition %d: all is done, and only %d is committed", i, (int)p->committed);
    }
    if (!w->disturbed && w->duplicates)
        sim_fail(w, "%ld records are doubled and nothing went wrong", w->duplicates);
}
