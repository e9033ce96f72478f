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

void check_produce(struct sim_router *r, const struct sim_flight *f, const struct decide_record *record)
{
    struct sim_world *w = r->world;
    struct sim_event *e = f->event;
    const struct sim_decision *d = &w->family->decisions[f->release][e->template];
    struct sim_lane *sl = shell_lane(r, e->partition);
    if (f->release != r->attempt_release)
        sim_fail(w, "event %d/%d: a record of release %u in an attempt of release %u", e->partition, (int)e->offset,
                 f->release, r->attempt_release);
    if (f->record >= d->count)
        sim_fail(w, "event %d/%d: record %u, and release %u makes %zu of it", e->partition, (int)e->offset, f->record,
                 f->release, d->count);
    const struct sim_output *o = &d->outputs[f->record];
    bool replaced = o->refused && f->dead && f->topic == SIM_DLQ;
    if (!replaced && (o->line != f->line || o->hash != sim_record_hash(record)))
        sim_fail(w, "event %d/%d: record %u is not what release %u makes of it", e->partition, (int)e->offset,
                 f->record, f->release);
    if (!sl || !sl->assigned)
        sim_fail(w, "event %d/%d is produced by router %d, which has let go of the partition", e->partition,
                 (int)e->offset, r->number);
    else if (!e->excused && sl->acked_release[e->index] == f->release && sl->acked[e->index] & 1u << f->record)
        sim_fail(w, "event %d/%d: record %u was delivered by this owner before", e->partition, (int)e->offset,
                 f->record);
}

void check_decided(struct sim_router *r, struct sim_lane *sl, uint32_t release)
{
    struct sim_event *e = r->viewed;
    const struct sim_decision *d = &r->world->family->decisions[release][e->template];
    uint16_t acked = sl && sl->acked_release[e->index] == release ? sl->acked[e->index] : 0;
    uint16_t all = (uint16_t)((1u << d->count) - 1);
    if (((r->attempt_sent | acked) & all) != all)
        sim_fail(r->world, "event %d/%d: an attempt of release %u is called whole, and is not: %#x of %#x",
                 e->partition, (int)e->offset, release, (unsigned)(r->attempt_sent | acked), all);
}

/* --- order, and what got in --------------------------------------------------------------------------------------- */

static bool is_excused(const struct sim_partition *p, const struct sim_event *e)
{
    return e->excused || (p->unsure_to && e->offset >= p->unsure_from && e->offset < p->unsure_to);
}

void check_append(struct sim_world *w, const struct sim_flight *f)
{
    struct sim_event *e = f->event;
    struct sim_partition *p = &w->partitions[e->partition];
    uint16_t bit = (uint16_t)(1u << f->record);
    w->appended++;
    for (uint32_t r = 1; r <= SIM_RELEASES && w->mix.exact; r++)
        if (r == f->release ? e->got[r] & bit : e->got[r])
            sim_fail(w, "event %d/%d is doubled, and delivery is exactly_once", e->partition, (int)e->offset);
    if (e->got[f->release] & bit)
        w->duplicates++;
    e->got[f->release] |= bit;
    TRACE(w, "line %u: event %d/%d, release %u, record %u", f->line, e->partition, (int)e->offset, f->release,
          f->record);
    if (f->topic == SIM_DLQ || e->seen & 1u << f->line)
        return;
    e->seen |= 1u << f->line;
    if (is_excused(p, e))
        return;
    if (e->index < p->last[f->line])
        sim_fail(w, "line %u: event %d/%d first occurs after event %d", f->line, e->partition, (int)e->offset,
                 (int)p->events[p->last[f->line]].offset);
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
    for (; p->checked < p->count && p->events[p->checked].offset < commit->offset; p->checked++)
        if (!check_is_done(w, &p->events[p->checked]))
            sim_fail(w, "partition %d: %d is committed, and event %d is not done", partition, (int)commit->offset,
                     (int)p->events[p->checked].offset);
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

void check_router(struct sim_router *r)
{
    struct sim_world *w = r->world;
    long held = 0;
    for (int i = 0; i < SIM_LANES; i++) {
        const struct lane *l = r->lanes[i].lane;
        if (!l)
            continue;
        const struct window *win = &l->window;
        if (window_count(win) > (size_t)w->mix.window_events)
            sim_fail(w, "router %d: a window holds %zu events of %d", r->number, window_count(win),
                     w->mix.window_events);
        if (win->bytes > (size_t)w->mix.window_bytes + 100)
            sim_fail(w, "router %d: a window holds %zu bytes of %d", r->number, win->bytes, w->mix.window_bytes);
        held += (long)(win->bytes / 100);
    }
    if (held != r->messages)
        sim_fail(w, "router %d holds %ld events, its windows know of %ld", r->number, r->messages, held);
    if (w->mix.room && r->producer.outstanding > w->mix.room + SIM_RECORDS)
        sim_fail(w, "router %d has %d records on their way, bound %d", r->number, r->producer.outstanding, w->mix.room);
    if (r->releases.older_count > RELEASES_OLDER_MAX)
        sim_fail(w, "router %d keeps %zu older releases", r->number, r->releases.older_count);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void check_end(struct sim_world *w)
{
    for (int i = 0; i < w->mix.partitions; i++) {
        struct sim_partition *p = &w->partitions[i];
        for (int k = 0; k < p->count; k++)
            if (!check_is_done(w, &p->events[k])) {
                sim_fail(w, "event %d/%d is lost: decided %#x", i, (int)p->events[k].offset, p->events[k].decided);
                return;
            }
        if (p->checked < p->count)
            sim_fail(w, "partition %d: all is done, and only %d is committed", i, (int)p->committed);
    }
    if (!w->disturbed && w->duplicates)
        sim_fail(w, "%ld records are doubled and nothing went wrong", w->duplicates);
}
