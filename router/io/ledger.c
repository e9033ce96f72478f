/* The ledger. See ledger.h. Any thread, under the assignment's lock.
 *
 * Invariant: `until` never falls while the lane decides: events up to it may be decided while a commit is on its way. */
#include "router/io/ledger.h"

void ledger_init(struct ledger *g, const struct course *course, int64_t offset, bool found, int32_t leader_epoch)
{
    *g = (struct ledger){
        .answered = true,
        .committable = found ? offset : -1,
        .leader_epoch = leader_epoch,
        .committed = offset >= 0 && !found ? offset : -1,
        .course = *course,
        .until = course->until,
        .recorded_until = course->until,
        .asked = course->version,
    };
}

/* Nothing is to be committed, and nothing is on its way. */
static bool is_settled(const struct ledger *g)
{
    return g->answered && (g->committable < 0 || g->committable == g->committed);
}

bool ledger_write(struct ledger *g, const struct lane *l, int64_t ahead)
{
    const struct course *c = &l->course;
    /* the second: behind a hole in the offsets the next event may lie beyond what is on record, however far that is */
    bool runs_out = c->reached > c->until - ahead / 2 || l->delivered > c->until;
    if (l->window.committable >= 0) {
        g->committable = l->window.committable;
        g->leader_epoch = l->window.leader_epoch;
    } else if (c->begin >= 0) { /* nothing is done, but a course has to stand somewhere */
        g->committable = c->begin;
    }
    if (g->course.version != c->version)
        g->course = *c;
    g->final = l->state == LANE_CLOSING;
    int64_t until = course_until(c, g->final ? c->reached : l->delivered + ahead);
    if (until > g->until || g->final)
        g->until = until;
    g->unrecorded = c->count > 0 && (course_is_pending(c) || runs_out || (g->final && until != c->until));
    g->unrecorded = !g->exact && (g->unrecorded || (g->draining && !is_settled(g)));
    bool ask = g->unrecorded && !g->final && (g->asked != c->version || !g->asked_until);
    g->asked = c->version;
    g->asked_until = g->unrecorded;
    return ask;
}

bool ledger_offer(struct ledger *g, struct ledger_commit *out)
{
    if (g->exact || g->committable < 0 || (g->committable == g->committed && !g->unrecorded))
        return false;
    out->offset = g->committable;
    out->leader_epoch = g->leader_epoch;
    out->text[0] = '\0';
    course_print(&g->course, g->committable, g->until, out->text);
    g->answered = false;
    g->sent = g->course.version;
    g->sent_until = g->until;
    return true;
}

bool ledger_set_exact(struct ledger *g, bool exact)
{
    g->draining = exact && !g->exact && !is_settled(g);
    if (!g->draining)
        g->exact = exact;
    return !g->draining;
}

void ledger_accept(struct ledger *g, int64_t offset)
{
    g->answered = true;
    g->committed = offset;
    g->recorded = g->sent;
    g->recorded_until = g->sent_until;
}

void ledger_commit_exact(struct ledger *g, int64_t offset)
{
    g->committed = offset;
}

void ledger_hear(const struct ledger *g, struct lane *l)
{
    lane_recorded(l, g->recorded, g->recorded_until);
}
