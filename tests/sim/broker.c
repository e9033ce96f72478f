/* The broker and what lies between it and the routers' producers.
 *
 *     produceva ──> line of a destination partition ──batch arrives──> appended ──answer──> report ──> worker
 *                              │                                └─ refused as a whole: a gapless producer is done for
 *                              └─ the producer dies: a front part of the line may get in late (ghosts)
 *
 * A line is what librdkafka keeps per partition: in order, idempotent (what was appended is not appended again by the
 * same producer), gapless (nothing behind a refused batch gets in) as soon as the broker knows the producer there: it
 * watches over sequence numbers from the first batch on that it took. What is in a transaction is unseen until its
 * end. */
#include <string.h>

#include "world.h"

void broker_write(struct sim_world *w)
{
    struct sim_partition *p = &w->partitions[draw(w, (uint32_t)w->mix.partitions)];
    int number = (int)(p - w->partitions);
    if (p->source == 1 && !w->second)
        return;
    for (int n = 1 + (int)draw(w, 6); n > 0 && p->count < w->mix.events; n--) {
        while (of16(w, w->mix.holes))
            p->end += 1 + draw(w, w->mix.far ? 9000 : 3);
        struct sim_event *e = &p->events[p->count];
        *e = (struct sim_event){
            .template = (uint8_t)draw(w, SIM_TEMPLATES), .partition = (uint8_t)number, .index = (uint8_t)p->count};
        const struct sim_template *t = &w->family->templates[e->template];
        e->message = (rd_kafka_message_t){.partition = number,
                                          .offset = p->end++,
                                          .payload = (void *)vx_buf_text(&t->value),
                                          .len = t->value.len,
                                          .key = (void *)sim_key(t).at,
                                          .key_len = sim_key(t).len};
        p->count++;
    }
    TRACE(w, "source %d ends at %d", number, (int)p->end);
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

static bool is_transactional(const rd_kafka_t *rk)
{
    return rk->conf.transactional_id[0] != '\0';
}

static bool is_gone(const struct sim_world *w, const struct sim_flight *f)
{
    const struct sim_destination *d = &w->destinations[f->topic];
    return f->doomed || d->missing || f->line % SIM_SPREAD >= d->spread;
}

static int first_not_appended(const struct sim_line *line)
{
    int n = 0;
    while (n < line->count && line->at[n].appended)
        n++;
    return n;
}

/* The broker's answers for the front of a line come back. */
static void answer(rd_kafka_t *rk, struct sim_line *line, int n)
{
    for (int i = 0; i < n; i++)
        client_report(rk, &line->at[i], RD_KAFKA_RESP_ERR_NO_ERROR);
    line_cut(line, n);
    rk->flying -= n;
}

static void append(rd_kafka_t *rk, struct sim_flight *f)
{
    f->appended = true;
    rk->known |= 1u << f->line;
    if (is_transactional(rk))
        line_add(&rk->unseen, f);
    else
        check_append(rk->r->world, f);
}

/* How many records from there on make a batch, `n` at most. */
static int batch_of(const rd_kafka_t *rk, const struct sim_line *line, int from, int n, size_t *bytes)
{
    const struct sim_world *w = rk->r->world;
    bool gone = is_gone(w, &line->at[from]);
    int count = 0;
    for (*bytes = 0; count < n && (size_t)count < rk->conf.batch_records; count++) {
        const struct sim_flight *f = &line->at[from + count];
        if (count && (is_gone(w, f) != gone || *bytes + f->len + f->key_len > rk->conf.batch_bytes))
            break;
        *bytes += f->len + f->key_len;
    }
    return count;
}

/* Why the broker does not take the batch; 0: it does. */
static rd_kafka_resp_err_t refusal(const rd_kafka_t *rk, const struct sim_line *line, int from, int n, size_t bytes)
{
    const struct sim_world *w = rk->r->world;
    int topic = line->at[from].topic;
    if (is_gone(w, &line->at[from]))
        return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (w->mix.refuse && w->family->sized && sim_refuses(topic, true) && bytes > SIM_TOPIC_BYTES)
        return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    for (int i = from; i < from + n; i++)
        if (line->at[i].refused)
            return RD_KAFKA_RESP_ERR_INVALID_RECORD;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A batch was refused that no broker watches over: of those that were sent behind it, some got in. */
static void overtake(rd_kafka_t *rk, struct sim_line *line)
{
    struct sim_world *w = rk->r->world;
    for (int i = 0, n = (int)draw(w, (uint32_t)line->count + 1); i < n; i++) {
        if (is_gone(w, &line->at[i]) || refusal(rk, line, i, 1, line->at[i].len + line->at[i].key_len))
            break;
        append(rk, &line->at[i]);
    }
}

/* What is on its way comes back from a client that failed for good. */
static void fail_line(rd_kafka_t *rk, struct sim_line *line)
{
    for (int k = 0; k < line->count; k++)
        client_report(rk, &line->at[k],
                      line->at[k].appended && !is_transactional(rk) ? RD_KAFKA_RESP_ERR_NO_ERROR
                                                                    : RD_KAFKA_RESP_ERR__FATAL);
    rk->flying -= line->count;
    line->count = 0;
}

/* A batch arrives. */
static void arrive(rd_kafka_t *rk, struct sim_line *line, int from, int n)
{
    struct sim_world *w = rk->r->world;
    size_t bytes;
    n = batch_of(rk, line, from, n, &bytes);
    rd_kafka_resp_err_t err = refusal(rk, line, from, n, bytes);
    if (!err) {
        for (int i = from; i < from + n; i++)
            append(rk, &line->at[i]);
        return;
    }
    uint32_t bit = 1u << line->at[from].line;
    bool known = rk->known & bit, gone = err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    /* it cannot know that the topic is another one since */
    bool excused = gone || (rk->forgotten & bit && !known);
    w->disturbed = true;
    TRACE(w, "router %d: a batch of %d, %zu bytes, is refused: %s", rk->r->number, n, bytes, rd_kafka_err2name(err));
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && n > 1 && rk->conf.gapless)
        if (!rk->r->too_large[rk->worker] || bytes < rk->r->too_large[rk->worker])
            rk->r->too_large[rk->worker] = bytes;
    answer(rk, line, from); /* what is before it was appended */
    for (int i = 0; i < n; i++) {
        client_report(rk, &line->at[i], err);
        /* later ones may be in the new topic before this one is sent again */
        line->at[i].event->excused |= excused && !is_transactional(rk);
    }
    line_cut(line, n);
    rk->flying -= n;
    if (gone || !rk->conf.gapless || w->bug == BUG_OVERTAKING_FAILURE)
        return;
    if (!known)
        overtake(rk, line);
    fail_line(rk, line); /* nothing behind it gets in */
    broker_break(rk);
}

static bool move_line(rd_kafka_t *rk, struct sim_line *line)
{
    struct sim_world *w = rk->r->world;
    int appended = first_not_appended(line), waiting = line->count - appended;
    if (line->count == 0)
        return false;
    if (waiting == 0 || (appended && draw(w, 2))) {
        answer(rk, line, 1 + (int)draw(w, (uint32_t)appended));
        return true;
    }
    int n = 1 + (int)draw(w, w->family->sized ? 24 : 6);
    arrive(rk, line, appended, n < waiting ? n : waiting);
    return true;
}

bool broker_move(struct sim_router *r)
{
    struct sim_world *w = r->world;
    rd_kafka_t *flying[16];
    int count = 0;
    for (rd_kafka_t *rk = r->clients; rk && count < 16; rk = rk->next)
        if (rk->flying)
            flying[count++] = rk;
    if (count == 0)
        return false;
    rd_kafka_t *rk = flying[draw(w, (uint32_t)count)];
    for (uint32_t i = 0, at = draw(w, SIM_LINES); i < SIM_LINES; i++, at = (at + 1) % SIM_LINES)
        if (move_line(rk, &rk->lines[at]))
            return true;
    return false;
}

void broker_flush(rd_kafka_t *rk)
{
    for (int i = 0; i < SIM_LINES; i++)
        while (move_line(rk, &rk->lines[i]))
            ;
}

/* --- death -------------------------------------------------------------------------------------------------------- */

static struct sim_ghost *free_ghost(struct sim_world *w)
{
    for (int i = 0; i < SIM_GHOSTS; i++)
        if (w->ghosts[i].count == 0)
            return &w->ghosts[i];
    return NULL;
}

/* What is left of a line may get in later, from its front; some of it at once. */
static void haunt(rd_kafka_t *rk, const struct sim_line *line)
{
    struct sim_world *w = rk->r->world;
    struct sim_ghost *ghost = NULL;
    for (int i = first_not_appended(line), n = (int)draw(w, (uint32_t)line->count + 1); i < n; i++) {
        const struct sim_flight *f = &line->at[i];
        if (refusal(rk, line, i, 1, f->len + f->key_len))
            break;
        if (!ghost && draw(w, 2))
            ghost = free_ghost(w);
        if (!ghost)
            check_append(w, f);
        else if (ghost->count < SIM_GHOST_RECORDS)
            ghost->at[ghost->count++] = *f;
        else
            break;
    }
}

void broker_haunt(rd_kafka_t *rk)
{
    if (is_transactional(rk)) /* what is in a transaction that was not committed is not seen */
        return;
    for (int i = 0; i < SIM_LINES; i++)
        haunt(rk, &rk->lines[i]);
}

bool broker_ghost(struct sim_world *w)
{
    struct sim_ghost *g = &w->ghosts[draw(w, SIM_GHOSTS)];
    if (g->count == 0)
        return false;
    struct sim_flight f = g->at[0];
    memmove(g->at, g->at + 1, (size_t)--g->count * sizeof f);
    if (is_gone(w, &f)) {
        g->count = 0;
        return true;
    }
    TRACE(w, "a late record gets in");
    check_append(w, &f);
    return true;
}

void broker_break(rd_kafka_t *rk)
{
    if (rk->fatal)
        return;
    TRACE(rk->r->world, "router %d: a producer fails for good", rk->r->number);
    rk->r->world->disturbed = true;
    broker_haunt(rk);
    rk->fatal = true;
    for (int i = 0; i < SIM_LINES; i++)
        fail_line(rk, &rk->lines[i]);
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

static void forget(rd_kafka_t *rk, uint32_t line)
{
    rk->forgotten |= rk->known & line;
    rk->known &= ~line;
}

static void doom(struct sim_world *w, int topic)
{
    for (int i = 0; i < SIM_GHOSTS; i++)
        for (int k = 0; k < w->ghosts[i].count; k++)
            w->ghosts[i].at[k].doomed |= w->ghosts[i].at[k].topic == topic;
    for (int r = 0; r < SIM_ROUTERS; r++)
        for (rd_kafka_t *rk = w->routers[r].clients; rk; rk = rk->next)
            for (int i = 0; i < SIM_LINES; i++)
                for (int k = 0; k < rk->lines[i].count; k++) {
                    struct sim_flight *f = &rk->lines[i].at[k];
                    f->doomed |= f->topic == topic && !f->appended;
                }
    for (int r = 0; r < SIM_ROUTERS; r++)
        for (rd_kafka_t *rk = w->routers[r].clients; rk; rk = rk->next)
            for (int i = 0; i < SIM_SPREAD && topic != SIM_DLQ; i++)
                forget(rk, 1u << (topic * SIM_SPREAD + i));
}

/* A topic goes, or is made again, perhaps with fewer partitions; what is on its way to it fails either way. */
void broker_toggle(struct sim_world *w, int topic)
{
    struct sim_destination *d = &w->destinations[topic];
    d->missing = !d->missing;
    if (!d->missing) {
        d->incarnation++;
        if (topic != SIM_DLQ && draw(w, 2))
            d->spread = 1 + (int)draw(w, SIM_SPREAD);
    }
    TRACE(w, "topic %s is %s, %d partitions", sim_topics[topic], d->missing ? "deleted" : "made", d->spread);
    w->disturbed = true;
    doom(w, topic);
}

void broker_grow(struct sim_world *w, int topic)
{
    struct sim_destination *d = &w->destinations[topic];
    if (d->missing || topic == SIM_DLQ || d->spread == SIM_SPREAD)
        return;
    d->spread++;
    TRACE(w, "topic %s has %d partitions", sim_topics[topic], d->spread);
}
