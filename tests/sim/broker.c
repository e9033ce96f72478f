/* The broker and what lies between it and a router's producers.
 *
 *     broker_produce ──> line of a destination partition ──batch arrives──> appended ──answer──> report ──> worker
 *                              │                                └─ refused as a whole: the producer is broken
 *                              └─ the producer dies: reported at once; a front part of the line may get in late (ghosts)
 *
 * A line is what librdkafka keeps per partition: in order, idempotent (what was appended is not appended again by the
 * same producer), gapless (nothing behind a refused batch gets in). Records sent alone have one line of their own. */
#include <string.h>

#include "world.h"

void broker_write(struct sim_world *w)
{
    struct sim_partition *p = &w->partitions[draw(w, (uint32_t)w->mix.partitions)];
    int number = (int)(p - w->partitions);
    for (int n = 1 + (int)draw(w, 6); n > 0 && p->count < w->mix.events; n--) {
        while (of16(w, w->mix.holes))
            p->end += 1 + draw(w, 3);
        p->events[p->count] = (struct sim_event){.offset = p->end++,
                                                 .template = (uint8_t)draw(w, SIM_TEMPLATES),
                                                 .partition = (uint8_t)number,
                                                 .index = (uint8_t)p->count};
        p->count++;
    }
    TRACE(w, "source %d ends at %d", number, (int)p->end);
}

/* --- the producers' side ----------------------------------------------------------------------------------------- */

bool broker_has_room(const struct sim_router *r)
{
    const struct sim_producer *p = &r->producer;
    int max = r->world->mix.room ? r->world->mix.room : SIM_FLIGHTS - SIM_RECORDS;
    return !p->broken && (p->outstanding == 0 || p->outstanding < max);
}

enum lane_sent broker_produce(struct sim_router *r, const struct sim_flight *f)
{
    struct sim_producer *p = &r->producer;
    if (f->alone && !p->alone_there) {
        p->alone_wanted = true;
        return LANE_AGAIN;
    }
    struct sim_line *line = f->alone ? &p->alone : &p->lines[f->line];
    bool full = line->count == SIM_FLIGHTS || (!r->world->quiet && chance(r->world, r->world->mix.full));
    r->world->disturbed |= full; /* half an event may be there when the partition goes */
    if ((!f->alone && p->broken) || full)
        return LANE_AGAIN;
    line->at[line->count++] = *f;
    p->outstanding++;
    return LANE_SENT;
}

static void report(struct sim_router *r, const struct sim_flight *f, enum lane_ack ack)
{
    struct sim_producer *p = &r->producer;
    vx_assert(p->report_count < SIM_FLIGHTS * 2);
    p->reports[p->report_count++] = (struct sim_report){f->ticket, ack, f->alone, *f};
}

static void cut(struct sim_line *line, int n)
{
    line->count -= n;
    memmove(line->at, line->at + n, (size_t)line->count * sizeof line->at[0]);
}

static bool is_gone(const struct sim_world *w, const struct sim_flight *f)
{
    return f->doomed || w->missing[f->topic];
}

static int first_not_appended(const struct sim_line *line)
{
    int n = 0;
    while (n < line->count && line->at[n].appended)
        n++;
    return n;
}

/* The broker's answers for the front of a line come back. */
static void answer(struct sim_router *r, struct sim_line *line, int n)
{
    for (int i = 0; i < n; i++)
        report(r, &line->at[i], LANE_ACK_OK);
    cut(line, n);
}

/* A batch arrives. */
static void arrive(struct sim_router *r, struct sim_line *line, int from, int n)
{
    struct sim_world *w = r->world;
    bool gone = is_gone(w, &line->at[from]), refused = false;
    for (int i = 1; i < n; i++)
        if (is_gone(w, &line->at[from + i]) != gone)
            n = i;
    for (int i = from; i < from + n; i++)
        refused |= !gone && line->at[i].refused;
    if (!gone && !refused) {
        for (int i = from; i < from + n; i++) {
            line->at[i].appended = true;
            if (!w->mix.exact)
                check_append(w, &line->at[i]);
        }
        return;
    }
    bool alone = line->at[from].alone;
    w->disturbed = true;
    answer(r, line, from); /* what is before it was appended */
    TRACE(w, "router %d: a batch of %d is refused: %s", r->number, n, gone ? "its topic is gone" : "too large");
    for (int i = 0; i < n; i++) {
        report(r, &line->at[i], gone ? LANE_ACK_DESTINATION : LANE_ACK_REFUSED);
        line->at[i].event->excused |= gone; /* later ones may be in the new topic before this one is sent again */
    }
    cut(line, n);
    if (refused && !alone &&
        w->bug != BUG_OVERTAKING_FAILURE) { /* gapless: nothing behind it gets in, and the producer is done for */
        r->producer.broken = true;
        for (int i = 0; i < line->count; i++)
            report(r, &line->at[i], LANE_ACK_AGAIN);
        line->count = 0;
    }
}

bool broker_move(struct sim_router *r)
{
    struct sim_world *w = r->world;
    struct sim_producer *p = &r->producer;
    for (uint32_t i = 0, at = draw(w, SIM_LINES + 1); i <= SIM_LINES; i++, at = (at + 1) % (SIM_LINES + 1)) {
        struct sim_line *line = at == SIM_LINES ? &p->alone : &p->lines[at];
        if (line->count == 0)
            continue;
        int appended = first_not_appended(line), waiting = line->count - appended;
        if (waiting == 0 || (appended && draw(w, 2))) {
            answer(r, line, 1 + (int)draw(w, (uint32_t)appended));
            return true;
        }
        int n = 1 + (int)draw(w, at == SIM_LINES ? 1 : 6);
        arrive(r, line, appended, n < waiting ? n : waiting);
        return true;
    }
    return false;
}

/* --- death ------------------------------------------------------------------------------------------------------- */

/* What is left of a line may get in later, from its front; where a ghost of this line is there already, it goes now. */
static void haunt(struct sim_router *r, const struct sim_line *line, bool alone)
{
    struct sim_world *w = r->world;
    struct sim_line *ghost = &w->ghosts[r->number][alone].line;
    for (int i = first_not_appended(line), n = (int)draw(w, (uint32_t)line->count + 1); i < n; i++) {
        const struct sim_flight *f = &line->at[i];
        if (f->refused || is_gone(w, f))
            break;
        if (ghost->count < SIM_FLIGHTS && draw(w, 2))
            ghost->at[ghost->count++] = *f;
        else if (ghost->count == 0 || ghost->at[ghost->count - 1].line != f->line)
            check_append(w, f);
        else
            break;
    }
}

bool broker_ghost(struct sim_world *w)
{
    struct sim_ghosts *g = &w->ghosts[draw(w, SIM_ROUTERS)][draw(w, 2)];
    if (g->line.count == 0)
        return false;
    struct sim_flight f = g->line.at[0];
    cut(&g->line, 1);
    if (is_gone(w, &f)) {
        g->line.count = 0;
        return true;
    }
    TRACE(w, "a late record gets in");
    check_append(w, &f);
    return true;
}

void broker_purge(struct sim_router *r)
{
    struct sim_producer *p = &r->producer;
    for (int i = 0; i < SIM_LINES; i++) {
        for (int k = 0; k < p->lines[i].count; k++)
            report(r, &p->lines[i].at[k], LANE_ACK_AGAIN);
        p->lines[i].count = 0;
    }
    for (int i = 0; i < p->report_count; i++)
        exact_report(r, &p->reports[i]);
    p->report_count = p->outstanding = 0;
}

void broker_kill(struct sim_router *r, bool reported)
{
    struct sim_producer *p = &r->producer;
    r->world->disturbed = true;
    for (int i = 0; i <= SIM_LINES; i++) {
        struct sim_line *line = i == SIM_LINES ? &p->alone : &p->lines[i];
        if (!r->world->mix.exact) /* what is in a transaction that was not committed is not seen */
            haunt(r, line, i == SIM_LINES);
        for (int k = 0; k < line->count && reported; k++)
            report(r, &line->at[k], LANE_ACK_AGAIN);
        line->count = 0;
    }
    p->broken = false;
    if (!reported)
        p->report_count = p->outstanding = 0;
}

/* A topic goes, or is made again; what is on its way to it fails either way. */
void broker_toggle(struct sim_world *w, int topic)
{
    w->missing[topic] = !w->missing[topic];
    TRACE(w, "topic %s is %s", sim_topics[topic], w->missing[topic] ? "deleted" : "made");
    w->disturbed = true;
    for (int i = 0; i < SIM_ROUTERS * 2; i++) {
        struct sim_line *ghost = &w->ghosts[i / 2][i % 2].line;
        for (int k = 0; k < ghost->count; k++)
            ghost->at[k].doomed |= ghost->at[k].topic == topic;
    }
    for (int r = 0; r < SIM_ROUTERS; r++)
        for (int i = 0; i <= SIM_LINES; i++) {
            struct sim_producer *p = &w->routers[r].producer;
            struct sim_line *line = i == SIM_LINES ? &p->alone : &p->lines[i];
            for (int k = 0; k < line->count; k++)
                line->at[k].doomed |= line->at[k].topic == topic && !line->at[k].appended;
        }
}
