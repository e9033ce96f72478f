/* The group's coordinator: who has which partition, what is committed, who is still there. Rebalances are cooperative: a
 * partition that moves is given up by its owner before somebody else gets it; only a member that was not heard of for
 * too long loses what it has without a word.
 *
 * What a router sends arrives in order; answers and orders reach its consumer in order, late. */
#include <string.h>

#include "world.h"

static void push(struct sim_router *r, struct sim_op op)
{
    vx_assert(r->op_count < SIM_QUEUE);
    r->ops[r->op_count++] = op;
}

void group_join(struct sim_router *r)
{
    r->member = ++r->world->members;
    r->generation = r->group_generation = 1;
    r->expired = false;
    TRACE(r->world, "router %d joins as member %u", r->number, r->member);
}

static struct sim_router *member(struct sim_world *w, uint32_t number)
{
    for (int i = 0; i < w->mix.routers; i++)
        if (number && w->routers[i].member == number && !w->routers[i].expired)
            return &w->routers[i];
    return NULL;
}

/* One partition finds an owner, or is asked back. */
void group_balance(struct sim_world *w)
{
    uint32_t n = draw(w, (uint32_t)w->mix.partitions);
    struct sim_partition *p = &w->partitions[n];
    struct sim_router *r = &w->routers[draw(w, (uint32_t)w->mix.routers)];
    if (p->owner == 0) {
        bool wanted = r->subscribed & 1u << p->source && (p->source == 0 || w->second);
        if (!wanted || !r->up || r->member == 0 || r->expired || r->op_count > SIM_QUEUE / 2)
            return;
        p->owner = r->member;
        p->moving = false;
        TRACE(w, "group: partition %u goes to member %u", n, r->member);
        push(r, (struct sim_op){.kind = OP_ASSIGN, .partitions = 1u << n});
        return;
    }
    struct sim_router *has = member(w, p->owner);
    bool unwanted = has && !(has->subscribed & 1u << p->source);
    if (!has || p->moving || !(unwanted || chance(w, w->mix.move * 8)) || has->op_count > SIM_QUEUE / 2)
        return;
    p->moving = true;
    TRACE(w, "group: partition %u is asked back from member %u", n, p->owner);
    push(has, (struct sim_op){.kind = OP_REVOKE, .partitions = 1u << n});
}

void group_expire(struct sim_router *r)
{
    struct sim_world *w = r->world;
    if (r->member == 0 || r->expired)
        return;
    w->disturbed = true;
    TRACE(w, "group: member %u was not heard of and is out", r->member);
    for (int i = 0; i < w->mix.partitions; i++)
        if (w->partitions[i].owner == r->member) {
            w->partitions[i].owner = 0;
            w->partitions[i].moving = false;
        }
    /* It may go on with what it has fetched, and cannot know better. That it fetches no more is an assumption: librdkafka
     * notices by its own clock, within a round trip, that no heartbeat was answered for the session's time. */
    for (int i = 0; i < SIM_ASSIGNMENTS; i++) {
        struct sim_assignment *sa = &r->assignments[i];
        if (sa->a.topic && sa->listed)
            sa->queue.fence = w->partitions[sa->a.partition].count;
    }
    r->expired = true;
    if (!r->up)
        r->member = 0;
}

void group_tell_lost(struct sim_router *r)
{
    uint32_t all = (1u << r->world->mix.partitions) - 1;
    if (!r->expired || r->member == 0 || r->op_count > SIM_QUEUE / 2)
        return;
    r->member = 0;
    push(r, (struct sim_op){.kind = OP_LOST, .partitions = all});
}

/* --- offsets within a transaction ---------------------------------------------------------------------------------- */

bool group_knows(struct sim_router *r, uint32_t of_member, uint32_t of_generation)
{
    bool fenced = of_generation != r->group_generation && r->world->bug != BUG_NO_FENCE;
    return of_member != 0 && r->member == of_member && !r->expired && !fenced;
}

void group_store(struct sim_world *w, const struct sim_request *q)
{
    for (int i = 0; i < w->mix.partitions; i++) {
        struct sim_partition *p = &w->partitions[i];
        if (!(q->partitions & 1u << i))
            continue;
        TRACE(w, "group: member %u commits %d of partition %d: %s", q->member, (int)q->commits[i].offset, i,
              q->commits[i].text);
        check_commit(w, q->member, i, &q->commits[i]);
        p->committed = q->commits[i].offset;
        memcpy(p->text, q->commits[i].text, sizeof p->text);
    }
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static bool is_member(struct sim_world *w, const struct sim_router *r, uint32_t number)
{
    (void)w;
    return number != 0 && r->member == number && !r->expired;
}

static void serve_commit(struct sim_router *r, const struct sim_request *q)
{
    struct sim_world *w = r->world;
    struct sim_op op = {.kind = OP_ANSWER, .partitions = q->partitions, .sync = q->sync};
    bool lost = of16(w, w->mix.commit_lost); /* the request, or its answer */
    bool stored = !lost || draw(w, 2);
    if (!is_member(w, r, q->member)) {
        op.early = draw(w, 2);
        stored = false;
    } else if (of16(w, w->mix.early)) {
        op.early = true;
        stored = false;
    }
    for (int i = 0; i < w->mix.partitions; i++)
        op.offsets[i] = q->commits[i].offset;
    if (stored)
        group_store(w, q);
    op.taken = stored && !lost;
    w->disturbed |= !stored;
    if (!op.taken)
        TRACE(w, "group: the commit of router %d is %s", r->number,
              op.early ? "refused as early"
              : stored ? "stored without an answer"
                       : "not stored");
    push(r, op);
}

bool group_serve(struct sim_router *r)
{
    struct sim_world *w = r->world;
    if (r->request_count == 0 || r->op_count > SIM_QUEUE / 2 || of16(w, w->mix.commit_late))
        return false;
    struct sim_request q = r->requests[0];
    memmove(r->requests, r->requests + 1, (size_t)--r->request_count * sizeof q);
    if (!q.give_up) {
        serve_commit(r, &q);
        return true;
    }
    if (q.member == r->member)
        r->group_generation = q.generation; /* it joins anew, without them */
    for (int i = 0; i < w->mix.partitions; i++)
        if (q.partitions & 1u << i && w->partitions[i].owner == q.member) {
            TRACE(w, "group: member %u has given up partition %d", q.member, i);
            w->partitions[i].owner = 0;
            w->partitions[i].moving = false;
        }
    return true;
}
