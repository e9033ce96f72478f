/* The ledger. See transaction.h. Thread: whoever has the producer, the worker's or its helper's (transactor.c); never
 * both at once. */
#include "router/io/transaction.h"

#include <stdlib.h>

#include "core/base/err.h"

void transaction_sent(struct transaction *t, int64_t now_ms)
{
    if (t->state == TRANSACTION_READY) {
        t->state = TRANSACTION_OPEN;
        t->opened_ms = now_ms;
    }
    t->sent++;
}

void transaction_report(struct transaction *t, const struct transaction_report *report)
{
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 1024;
        t->reports = realloc(t->reports, t->room * sizeof *t->reports);
        vx_assert(t->reports != NULL);
    }
    t->reports[t->count++] = *report;
    if (report->ack != LANE_ACK_OK)
        transaction_doom(t, report->why);
}

void transaction_doom(struct transaction *t, const char *reason)
{
    if (!t->doomed)
        t->reason = reason;
    t->doomed = true;
}

bool transaction_due(const struct transaction *t, int64_t now_ms, int64_t interval_ms)
{
    return t->state == TRANSACTION_OPEN && (now_ms - t->opened_ms >= interval_ms || t->sent >= TRANSACTION_RECORDS_MAX);
}

void transaction_settle(struct transaction *t, const struct transaction_ops *ops, void *ctx)
{
    size_t count = t->count;
    t->count = 0;
    t->sent = 0;
    t->doomed = false;
    t->reason = NULL;
    t->state = TRANSACTION_READY;
    for (size_t i = 0; i < count; i++) {
        const struct transaction_report *r = &t->reports[i];
        bool done = r->ack == LANE_ACK_OK && ops->is_done(ctx, lane_ticket_id(r->ticket));
        ops->tell(ctx, r, done ? LANE_ACK_OK : r->ack == LANE_ACK_OK ? LANE_ACK_AGAIN : r->ack);
    }
}

void transaction_done(struct transaction *t)
{
    free(t->reports);
    *t = (struct transaction){0};
}
