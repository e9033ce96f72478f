/* The transactions of a simulated client, and the errors of its calls.
 *
 *     records ──> broker, unseen by readers ──> commit with the offsets, if the group still knows the member ──> seen
 *                                          └──> abort: as if they had never been
 *
 * A call may be late (it is made again), and the end of a commit may be told to nobody but the group. From the thread of
 * the product's that waits for it (hooks.c). */
#include <stdlib.h>

#include "world.h"

/* An error of a call. */
struct rd_kafka_error_s {
    rd_kafka_resp_err_t code;
    bool fatal, retriable, to_abort;
};

struct rd_kafka_consumer_group_metadata_s {
    uint32_t member, generation;
};

/* --- errors ------------------------------------------------------------------------------------------------------- */

rd_kafka_error_t *client_error(rd_kafka_resp_err_t code)
{
    rd_kafka_error_t *error = calloc(1, sizeof *error);
    vx_assert(error != NULL);
    error->code = code;
    return error;
}

rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error)
{
    return error->code;
}

const char *rd_kafka_error_string(const rd_kafka_error_t *error)
{
    return rd_kafka_err2str(error->code);
}

int rd_kafka_error_is_fatal(const rd_kafka_error_t *error)
{
    return error->fatal;
}

int rd_kafka_error_is_retriable(const rd_kafka_error_t *error)
{
    return error->retriable;
}

int rd_kafka_error_txn_requires_abort(const rd_kafka_error_t *error)
{
    return error->to_abort;
}

void rd_kafka_error_destroy(rd_kafka_error_t *error)
{
    free(error);
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

static rd_kafka_error_t *fatal_error(void)
{
    rd_kafka_error_t *error = client_error(RD_KAFKA_RESP_ERR__FATAL);
    error->fatal = true;
    return error;
}

static rd_kafka_error_t *abortable_error(rd_kafka_resp_err_t code)
{
    rd_kafka_error_t *error = client_error(code);
    error->to_abort = true;
    return error;
}

static rd_kafka_error_t *late_error(struct sim_world *w)
{
    if (w->quiet || !of16(w, w->mix.commit_lost))
        return NULL;
    rd_kafka_error_t *error = client_error(RD_KAFKA_RESP_ERR__TIMED_OUT);
    error->retriable = true;
    return error;
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms)
{
    (void)timeout_ms;
    return rk->fatal ? fatal_error() : late_error(rk->r->world);
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk)
{
    rk->spoilt = false;
    return rk->fatal ? fatal_error() : NULL;
}

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
                                                       const rd_kafka_consumer_group_metadata_t *group, int timeout_ms)
{
    struct sim_world *w = rk->r->world;
    rd_kafka_error_t *error = rk->fatal ? fatal_error() : late_error(w);
    (void)timeout_ms;
    if (error)
        return error;
    if (!group_knows(rk->r, group->member, group->generation) || (!w->quiet && of16(w, w->mix.early)))
        return abortable_error(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    free(rk->offsets);
    rk->offsets = calloc(1, sizeof *rk->offsets);
    vx_assert(rk->offsets != NULL);
    rk->offsets->member = group->member;
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &offsets->elems[i];
        struct ledger_commit *c = &rk->offsets->commits[p->partition];
        rk->offsets->partitions |= 1u << p->partition;
        c->offset = p->offset;
        vx_assert(p->metadata_size < sizeof c->text);
        memcpy(c->text, p->metadata, p->metadata_size);
    }
    return NULL;
}

/* All of it or nothing. */
static void store(rd_kafka_t *rk)
{
    struct sim_world *w = rk->r->world;
    TRACE(w, "router %d: its transaction is committed", rk->r->number);
    for (int i = 0; i < rk->unseen.count; i++)
        check_append(w, &rk->unseen.at[i]);
    rk->unseen.count = 0;
    group_store(w, rk->offsets);
    free(rk->offsets);
    rk->offsets = NULL;
}

static bool has_failed(const rd_kafka_t *rk)
{
    for (int i = 0; i < rk->reports.count; i++)
        if (rk->reports.at[i].err)
            return true;
    return rk->spoilt;
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int timeout_ms)
{
    struct sim_world *w = rk->r->world;
    broker_flush(rk);
    bool failed = has_failed(rk);
    rd_kafka_poll(rk, timeout_ms);
    if (rk->fatal)
        return fatal_error();
    if (failed)
        return abortable_error(RD_KAFKA_RESP_ERR__INCONSISTENT);
    rd_kafka_error_t *error = late_error(w);
    if (error)
        return error;
    bool lost = !w->quiet && of16(w, w->mix.commit_lost);
    if (!lost || draw(w, 2))
        store(rk);
    if (!lost)
        return NULL;
    TRACE(w, "router %d: how its transaction ended is not known to it", rk->r->number);
    w->disturbed = true;
    rk->fatal = true;
    return fatal_error();
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *rk, int timeout_ms)
{
    struct sim_world *w = rk->r->world;
    w->disturbed = true;
    if (rk->fatal)
        return fatal_error();
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_poll(rk, timeout_ms);
    rd_kafka_error_t *error = late_error(w);
    if (error)
        return error;
    TRACE(w, "router %d: its transaction is aborted", rk->r->number);
    rk->unseen.count = 0;
    free(rk->offsets);
    rk->offsets = NULL;
    return NULL;
}

rd_kafka_consumer_group_metadata_t *client_group(const struct sim_router *r)
{
    rd_kafka_consumer_group_metadata_t *group = calloc(1, sizeof *group);
    vx_assert(group != NULL);
    *group = (rd_kafka_consumer_group_metadata_t){r->member, r->generation};
    return group;
}

void rd_kafka_consumer_group_metadata_destroy(rd_kafka_consumer_group_metadata_t *group)
{
    free(group);
}
