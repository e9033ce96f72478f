/* What a lane does to the world, as a simulated router does it (the product's: router/io/worker_ops.c). Each attempt and
 * each record is held against what decide() makes of the event. */
#include "world.h"

static void on_view(void *ctx, const struct lane *l, void *message, struct cel_event *ev)
{
    struct sim_router *r = ctx;
    struct sim_event *e = message;
    const struct sim_template *t = &r->world->family->templates[e->template];
    *ev = (struct cel_event){.topic = VX_SPAN_LITERAL("in"),
                             .partition = l->partition,
                             .offset = e->offset,
                             .timestamp_ms = 1,
                             .key = vx_span_str(t->key),
                             .value = vx_span_str(t->value)};
    r->viewed = e;
    r->attempt_release = 0;
    r->attempt_sent = 0;
}

static uint32_t on_release(void *ctx)
{
    const struct sim_router *r = ctx;
    return r->releases.now ? table_release(r->releases.now->t) : 0;
}

static uint64_t on_generation(void *ctx)
{
    const struct sim_router *r = ctx;
    return r->releases.now ? r->releases.now->generation : 0;
}

static enum lane_release on_find_release(void *ctx, uint32_t release)
{
    struct sim_router *r = ctx;
    bool ask = false;
    enum lane_release there = releases_look(&r->releases, release, &ask);
    if (ask)
        follower_want_older(r, release);
    return there;
}

/* An older release does not get the event through: order is not promised for it. */
static void excuse(struct sim_router *r, uint32_t release)
{
    if (release == on_release(r) || r->viewed->excused)
        return;
    r->viewed->excused = true;
    r->world->excused++;
}

static void on_decide(void *ctx, uint32_t release, const struct cel_event *ev, struct decision *out)
{
    struct sim_router *r = ctx;
    struct sim_world *w = r->world;
    const struct adoption *a = releases_find(&r->releases, release);
    r->attempt_release = release;
    if (!a) {
        sim_fail(w, "router %d decides under release %u, which is not at hand", r->number, release);
        *out = (struct decision){.outcome = OUTCOME_DROPPED};
        return;
    }
    decide(w->decider, a->t, ev, out);
    if (w->bug == BUG_HALF_TABLE && out->record_count > 1 && r->releases.older_count) {
        uint32_t other = table_release(r->releases.older[0]->t);
        const struct sim_decision *d = &w->family->decisions[other][r->viewed->template];
        if (d->count)
            out->records[out->record_count - 1].topic = vx_span_str(sim_topics[d->outputs[d->count - 1].topic]);
    }
    const struct sim_decision *truth = &w->family->decisions[release][r->viewed->template];
    if (truth->stuck || (w->mix.refuse && truth->stuck_if_refused))
        excuse(r, release);
}

static bool on_decide_refused(void *ctx, uint32_t release, const struct cel_event *ev,
                              const struct decide_record *refused, const char *message, struct decide_record *out)
{
    struct sim_router *r = ctx;
    return decide_refused(r->world->decider, releases_find(&r->releases, release)->t, ev, refused, message, out);
}

static bool on_has_room(void *ctx)
{
    const struct sim_router *r = ctx;
    return r->releases.now && broker_has_room(r) && (!r->world->mix.exact || exact_takes(r));
}

static enum lane_hold on_destination(void *ctx, struct vx_span topic, void **handle)
{
    struct sim_router *r = ctx;
    int t = sim_topic(topic);
    *handle = (void *)(intptr_t)t;
    enum lane_hold hold = (enum lane_hold)r->destinations[t];
    if (hold == HOLD_MISSING)
        excuse(r, r->attempt_release);
    return hold;
}

/* Which record of the attempt it is: its place stands in the ticket. */
static enum lane_sent on_produce(void *ctx, void *handle, const struct decide_record *record,
                                 const struct cel_event *ev, uint32_t release, uint64_t ticket, bool alone)
{
    struct sim_router *r = ctx;
    (void)handle, (void)ev;
    int topic = sim_topic(record->topic);
    const struct sim_template *t = &r->world->family->templates[r->viewed->template];
    struct sim_flight f = {
        .ticket = ticket,
        .event = r->viewed,
        .release = (uint8_t)release,
        .record = (uint8_t)window_ticket_record(ticket),
        .line = (uint8_t)sim_line(topic, record->key),
        .topic = (uint8_t)topic,
        .alone = alone,
        .refused = r->world->mix.refuse && !record->dead_letter && sim_refuses(topic, t->large),
        .dead = record->dead_letter,
    };
    check_produce(r, &f, record);
    enum lane_sent sent = broker_produce(r, &f);
    if (sent == LANE_SENT && r->world->mix.exact)
        transaction_sent(&r->tx, r->world->now_ms);
    if (sent == LANE_SENT) {
        r->attempt_sent |= (uint16_t)(1u << f.record);
        f.event->sent[release] |= (uint16_t)(1u << f.record);
    }
    TRACE(r->world, "router %d: event %d/%d, release %u, record %u to line %u%s%s", r->number, f.event->partition,
          (int)f.event->offset, release, f.record, f.line, alone ? ", alone" : "",
          sent == LANE_SENT ? "" : ": not now");
    return sent;
}

static void on_decided(void *ctx, struct lane *l, uint32_t release, const struct decision *d, bool again)
{
    struct sim_router *r = ctx;
    (void)d, (void)again;
    check_decided(r, shell_lane(r, l->partition), release);
    r->viewed->decided |= 1u << release;
    TRACE(r->world, "router %d: event %d/%d is decided by release %u%s", r->number, r->viewed->partition,
          (int)r->viewed->offset, release, again ? ", again" : "");
}

static void on_dead_letter(void *ctx, struct lane *l, uint32_t pipeline)
{
    (void)ctx, (void)l, (void)pipeline;
}

static void on_held(void *ctx, struct lane *l)
{
    struct sim_router *r = ctx;
    TRACE(r->world, "router %d: partition %d is held: %s, %s", r->number, l->partition, lane_hold_label(l->hold),
          l->message);
}

static void on_resumed(void *ctx, struct lane *l)
{
    struct sim_router *r = ctx;
    TRACE(r->world, "router %d: partition %d goes on", r->number, l->partition);
}

static void on_unsure(void *ctx, struct lane *l, int64_t offset, uint32_t release, const char *why)
{
    struct sim_router *r = ctx;
    struct sim_partition *p = &r->world->partitions[l->partition];
    TRACE(r->world, "router %d: order is not sure in partition %d from %d on: release %u, %s", r->number, l->partition,
          (int)offset, release, why);
    r->world->unsure++;
    if (offset < p->unsure_from || p->unsure_to == 0)
        p->unsure_from = offset;
    p->unsure_to = p->end;
}

struct sim_router *sim_freeing;

static void free_message(void *message)
{
    (void)message;
    sim_freeing->messages--;
}

const struct lane_ops sim_ops = {
    .view = on_view,
    .release = on_release,
    .generation = on_generation,
    .find_release = on_find_release,
    .decide = on_decide,
    .decide_refused = on_decide_refused,
    .has_room = on_has_room,
    .destination = on_destination,
    .produce = on_produce,
    .on_decided = on_decided,
    .on_dead_letter = on_dead_letter,
    .on_held = on_held,
    .on_resumed = on_resumed,
    .on_unsure = on_unsure,
    .free_message = free_message,
};
