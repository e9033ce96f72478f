/* The canary of a watch: the proof that a quiet stream is a healthy one.
 *
 *      watch_canary_guard() ──due──> newest key of the range, linearizable, on the stream's endpoint
 *            ^                              │
 *            │                              ├── no answer, or no good one ───────────> lost
 *            │                              ├── another cluster, or an older store ──> silent
 *            │                              ├── newer than what was delivered ───────> lost, unless told within BEHIND_MS
 *            └───────────── healthy ────────┘
 *
 * A store older than what was already delivered is another history (a restored snapshot), like a cluster id that changes:
 * numbers of the old one mean nothing, and the owner reads everything again as after a compaction.
 * All of it runs on the client's thread, while the watch is LIVE. The probe belongs to the watch, which drops it together
 * with the stream.
 * Invariant: at most one canary is on its way; a store is called older only by what was delivered when it was sent.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/etcd/request.h"
#include "core/etcd/watch_private.h"

enum { BEHIND_MS = 2000 }; /* a stream may be this late against the canary */

static void start_canary(struct etcd_watch *watch, int64_t now_ms)
{
    struct request_range range = {.key = vx_buf_view(&watch->key),
                                  .end = vx_buf_view(&watch->end),
                                  .limit = 1,
                                  .newest_first = true,
                                  .keys_only = true};
    bool token_needed;
    char *token = client_token(watch->etcd, &token_needed);
    vx_buf_clear(&watch->probe_body);
    request_range(&watch->probe_body, &range);
    watch_probe(watch, "/v3/kv/range", true, token);
    watch->canary_floor = watch->next_revision;
    int64_t every_ms = watch->etcd->canary_ms;
    watch->canary_ms = now_ms + every_ms - arc4random_uniform((uint32_t)(every_ms / 10 + 1));
}

static void take_canary(struct etcd_watch *watch, int64_t now_ms)
{
    json_t *root = NULL;
    struct answer_error error = {0};
    struct etcd_range range;
    bool more;
    char reason[320];
    watch->probe_ended = false;
    if (watch->probe.end != HTTP_ANSWERED) {
        snprintf(reason, sizeof reason, "it stopped answering: %s", watch->probe.reason);
        watch_lose(watch, reason);
        return;
    }
    enum answer_shape shape = answer_parse(vx_buf_view(&watch->probe.answer), &root, &error);
    struct vx_arena arena = {0};
    bool readable = shape == ANSWER_GOOD && answer_range(root, &arena, &range, &more);
    int64_t newest = readable && range.count ? range.kvs[0].mod_revision : 0;
    vx_arena_done(&arena);
    json_decref(root);
    if (!readable) {
        if (shape == ANSWER_ERROR && answer_wants_token(&error))
            client_token_drop(watch->etcd, watch->probe.token);
        watch_lose(watch, shape == ANSWER_ERROR ? error.message : "its answers are not etcd's");
    } else if (range.cluster_id != watch->cluster_id || range.revision < watch->canary_floor - 1) {
        watch->cluster_id = range.cluster_id;
        watch_fall_silent(watch, 0);
    } else if (newest < watch->next_revision) {
        watch->failures = 0;
    } else if (!watch->behind_revision) {
        watch->behind_revision = newest;
        watch->behind_ms = now_ms + BEHIND_MS;
    }
}

void watch_canary_guard(struct etcd_watch *watch, int64_t now_ms)
{
    if (watch->probe_ended)
        take_canary(watch, now_ms);
    if (watch->state != WATCH_LIVE)
        return;
    if (watch->behind_revision && watch->behind_revision < watch->next_revision)
        watch->behind_revision = 0;
    if (watch->behind_revision && now_ms >= watch->behind_ms) {
        char reason[128];
        snprintf(reason, sizeof reason, "the watch has not told revision %" PRId64, watch->behind_revision);
        watch_lose(watch, reason);
        return;
    }
    if (!watch->probe.active && now_ms >= watch->canary_ms)
        start_canary(watch, now_ms);
    watch->due_ms = watch->canary_ms;
    if (watch->probe.active)
        watch->due_ms = now_ms + WATCH_FAR_MS;
    if (watch->behind_revision && watch->behind_ms < watch->due_ms)
        watch->due_ms = watch->behind_ms;
}
