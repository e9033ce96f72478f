/* The worker's producers for topics that are delivered at least once: how many there are, which of them a record goes
 * through, and how they are made anew.
 *
 *     record ── placement_choose() ──> destination partition ── hash ──> the one producer that owns it
 *
 * Order rests on both steps: an event that is decided again finds the partition that it went to before, where later
 * events have not overtaken it, and outputs of one source partition into one destination partition go through one
 * producer, always the same. How many partitions a topic has is the registry's to know (destinations_refresh); a number
 * that has grown is used a little later.
 *
 * More than one is for latency over many destination partitions: librdkafka sends one partition in a request, five in
 * flight. One is cheapest: more cost threads, connections and smaller requests.
 *
 * Thread: the worker's. Owns the producers. Invariant: between worker_serve_producers() calls their number stays. */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "router/io/properties.h"
#include "router/io/worker_private.h"

enum { PRODUCER_RETRY_MS = 1000 };

bool worker_producers_have_room(const struct worker *w, const struct worker_lane *wl)
{
    size_t records = wl->lane->window.outstanding, bytes = records * wl->average_bytes;
    for (size_t i = 0; i < w->producer_count; i++)
        if (!w->producers[i] || !producer_has_room(w->producers[i]) ||
            !producer_shares_room(w->producers[i], w->lane_room, records, bytes))
            return false;
    return !w->alone || producer_has_room(w->alone);
}

void worker_place(const struct worker *w, const struct producer_topic *topic, const struct cel_event *ev,
                  struct producer_record *r)
{
    r->partition_count = atomic_load_explicit(&topic->destination->partition_count, memory_order_relaxed);
    vx_assert(r->partition_count > 0); /* it is known to be there, and so how many it has */
    r->partition = placement_choose(w->placement, r->record->key, ev->partition, ev->offset, r->partition_count);
}

size_t worker_owner_of(const char *topic, int32_t partition, size_t producer_count)
{
    return (size_t)((vx_hash64(vx_span_str(topic)) + (uint64_t)(uint32_t)partition) % producer_count);
}

enum lane_sent worker_send_owned(struct worker *w, struct producer_topic *topic, const struct producer_record *r,
                                 struct worker_wait *wait)
{
    size_t owner = w->producer_count == 1 ? 0 : worker_owner_of(topic->name, r->partition, w->producer_count);
    struct producer *p = w->producers[owner];
    topic = p == w->producers[0] ? topic : producer_topic(p, r->record->topic);
    enum lane_sent sent = producer_send(p, topic, r);
    if (sent == LANE_AGAIN && producer_is_opening(topic, r->partition)) {
        wait->kind = WAIT_OPENING;
        wait->topic = topic;
        wait->made = w->producers_made;
    }
    return sent;
}

bool worker_may_again(const struct worker *w, const struct worker_lane *wl)
{
    const struct worker_wait *wait = &wl->wait;
    if (wait->kind == WAIT_NOT)
        return true;
    if (wait->kind == WAIT_ALONE)
        return w->alone != NULL;
    if (atomic_load(&wait->destination->state) != DESTINATION_THERE ||
        atomic_load(&wait->destination->partition_count) != wait->partition_count)
        return true; /* it goes elsewhere, or is held */
    if (wait->kind == WAIT_MOMENT)
        return atomic_load_explicit(&w->moved_ms, memory_order_relaxed) >= wait->until_ms;
    return wait->made != w->producers_made || !producer_is_opening(wait->topic, wait->partition);
}

/* After a fatal error: a new producer. Its reports have sent every lane back to its first event that is not done. */
static void mend(struct worker *w, struct producer **p, bool alone, int64_t now_ms)
{
    const char *why;
    char quoted[VX_LOG_QUOTE_SIZE];
    if (*p && producer_is_broken(*p, &why)) {
        vx_log(VX_LOG_WARN, "producer.recreated", "worker=%zu outstanding=%zu batch_bytes=%zu reason=%s",
               w->setup.number, producer_outstanding(*p), producer_batch_bytes(*p), vx_log_quote(why, quoted));
        metrics_add(w->setup.metrics, w->setup.number, w->producers_counter, 1);
        if (!alone) {
            producer_learn(*p);
            size_t bytes = producer_batch_bytes(*p);
            w->batch_bytes = w->batch_bytes && w->batch_bytes < bytes ? w->batch_bytes : bytes;
        }
        producer_free(*p);
        *p = NULL;
        w->producers_made++;
    }
    if (*p || (alone && !w->alone_wanted) || now_ms < w->producer_retry_ms)
        return;
    struct producer_setup setup = worker_producer_setup(w, alone);
    struct vx_err err;
    if (producer_new(&setup, p, &err) == VX_OK)
        return;
    *p = NULL;
    w->producer_retry_ms = now_ms + PRODUCER_RETRY_MS;
    vx_log(VX_LOG_ERROR, "producer.failed", "worker=%zu reason=%s", w->setup.number, vx_log_quote(err.message, quoted));
}

void worker_free_producers(struct worker *w)
{
    w->producers_made++;
    for (size_t i = 0; i < w->producer_count; i++) {
        producer_free(w->producers[i]);
        w->producers[i] = NULL;
    }
    producer_free(w->alone);
    w->alone = NULL;
}

/* All of the main ones, or none. */
static enum vx_status make_all(struct worker *w, struct producer **out, struct vx_err *err)
{
    struct producer_setup setup = worker_producer_setup(w, false);
    for (size_t i = 0; i < w->producer_count; i++) {
        enum vx_status st = producer_new(&setup, &out[i], err);
        if (st == VX_OK)
            continue;
        while (i-- > 0)
            producer_free(out[i]);
        return st;
    }
    return VX_OK;
}

enum vx_status worker_make_producers(struct worker *w, struct vx_err *err)
{
    struct producer *made[WORKER_PRODUCERS_MAX];
    w->placement = placement_find(properties_value(w->kafka, PROPERTIES_PRODUCER, "partitioner"));
    vx_assert(w->placement != NULL); /* the settings were checked */
    enum vx_status st = make_all(w, made, err);
    if (st == VX_OK)
        memcpy(w->producers, made, w->producer_count * sizeof(struct producer *));
    return st;
}

static bool are_idle(const struct worker *w)
{
    for (size_t i = 0; i < w->producer_count; i++)
        if (w->producers[i] && producer_outstanding(w->producers[i]))
            return false;
    return !w->alone || producer_outstanding(w->alone) == 0;
}

/* New ones, when nothing is on its way through the old ones. They are made before the old ones go. */
static void renew(struct worker *w)
{
    if (!w->fresh || !are_idle(w) || !worker_exact_drop(w))
        return;
    const struct vx_pairs *was = w->kafka;
    struct producer *made[WORKER_PRODUCERS_MAX];
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    w->kafka = w->fresh;
    w->fresh = NULL;
    if (make_all(w, made, &err) != VX_OK) {
        w->kafka = was;
        vx_log(VX_LOG_ERROR, "renewal.failed", "client=producer worker=%zu reason=%s", w->setup.number,
               vx_log_quote(err.message, quoted));
        return;
    }
    worker_free_producers(w); /* the one for suspects is made again when it is wanted */
    memcpy(w->producers, made, w->producer_count * sizeof(struct producer *));
    vx_log(VX_LOG_INFO, "producer.renewed", "worker=%zu", w->setup.number);
}

bool worker_serve_producers(struct worker *w, int64_t now_ms)
{
    bool busy = false;
    for (size_t i = 0; i < w->producer_count; i++)
        busy |= w->producers[i] && producer_serve(w->producers[i]) > 0;
    busy |= w->alone && producer_serve(w->alone) > 0;
    renew(w);
    for (size_t i = 0; i < w->producer_count; i++)
        mend(w, &w->producers[i], false, now_ms);
    mend(w, &w->alone, true, now_ms);
    return busy;
}
