/* A watch: a stream of its own, made again on whatever endpoint works, without a gap.
 *
 *      WAITING ──due──> (AUTHENTICATING) ──> OPENING ──created──> LIVE ──compacted, another history──> SILENT
 *         ^                    │                │                  │                                     │
 *         └────────────────────┴──── lost ──────┴──────────────────┘<──────────── resume ────────────────┘
 *
 * All of it runs on the client's thread in watch_tick(); only closing and resuming are asked for from outside, under the
 * client's mutex. One create per stream (the gateway loses others), so that ending a watch is closing its connection.
 *
 * Silence is not health: a stream to a frozen or cut-off member stays open for ever. So the `created` message has a deadline,
 * and a LIVE watch has a canary (watch_canary.c). If the cluster id changes, this is another history (a restored snapshot):
 * numbers of the old one mean nothing, and the owner reads everything again as after a compaction.
 * Invariant: everything below next_revision was delivered or given up through on_compacted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/etcd/request.h"
#include "core/etcd/watch_private.h"

enum {
    BACKOFF_MAX_MS = 5000,
    FIRST_RETRY_MS = 50 /* at most, while there are endpoints that were not tried */
};

static void on_stream_end(struct http *http)
{
    ((struct etcd_watch *)http->ctx)->stream_ended = true;
}

static void on_probe_end(struct http *http)
{
    ((struct etcd_watch *)http->ctx)->probe_ended = true;
}

/* --- coming and going -------------------------------------------------------------------------------------------- */

static void drop_stream(struct etcd_watch *watch)
{
    http_stop(watch->etcd, &watch->stream, HTTP_CANCELED, false);
    http_stop(watch->etcd, &watch->probe, HTTP_CANCELED, false);
    http_done(&watch->stream);
    http_done(&watch->probe);
    vx_buf_done(&watch->stream_body);
    vx_buf_done(&watch->probe_body);
    vx_buf_done(&watch->lines.bytes);
    watch->lines = (struct answer_lines){0};
    watch->stream_ended = watch->probe_ended = false;
    watch->behind_revision = 0;
    watch->event_count = watch->event_room = 0;
    watch->events = NULL;
    vx_arena_done(&watch->arena);
}

void watch_lose(struct etcd_watch *watch, const char *reason)
{
    struct etcd *etcd = watch->etcd;
    char text[sizeof watch->reason];
    snprintf(text, sizeof text, "etcd at %s: %s", etcd->endpoints[watch->endpoint], reason);
    drop_stream(watch);
    client_endpoint_failed(etcd, watch->endpoint);
    int64_t wait_ms = watch->failures < etcd->endpoint_count
                          ? (int64_t)arc4random_uniform(FIRST_RETRY_MS)
                          : client_backoff_ms(watch->failures - (unsigned)etcd->endpoint_count, BACKOFF_MAX_MS);
    watch->failures++;
    watch->state = WATCH_WAITING;
    watch->due_ms = vx_clock_ms() + wait_ms;
    bool news = watch->connected || strcmp(watch->reason, text) != 0;
    watch->connected = false;
    memcpy(watch->reason, text, sizeof text);
    if (news && watch->ops.on_state)
        watch->ops.on_state(watch->ctx, false, watch->reason);
}

void watch_fall_silent(struct etcd_watch *watch, int64_t compact_revision)
{
    drop_stream(watch);
    watch->state = WATCH_SILENT;
    watch->due_ms = vx_clock_ms() + WATCH_FAR_MS;
    watch->ops.on_compacted(watch->ctx, compact_revision);
}

void watch_probe(struct etcd_watch *watch, const char *path, bool needs_leader, char *token)
{
    http_done(&watch->probe);
    watch->probe = (struct http){.endpoint = watch->endpoint,
                                 .path = path,
                                 .body = vx_buf_view(&watch->probe_body),
                                 .token = token,
                                 .needs_leader = needs_leader,
                                 .timeout_ms = ETCD_CALL_TIMEOUT_MS,
                                 .on_end = on_probe_end,
                                 .ctx = watch};
    watch->probe_ended = false;
    http_start(watch->etcd, &watch->probe);
}

static void open_stream(struct etcd_watch *watch, int64_t now_ms)
{
    struct etcd *etcd = watch->etcd;
    bool token_needed;
    char *token = client_token(etcd, &token_needed);
    watch->endpoint = client_endpoint(etcd);
    if (token_needed) {
        vx_buf_clear(&watch->probe_body);
        client_ask_token(etcd, &watch->probe_body);
        watch_probe(watch, "/v3/auth/authenticate", false, NULL);
        watch->state = WATCH_AUTHENTICATING;
        watch->due_ms = now_ms + WATCH_FAR_MS; /* the probe has a time-out of its own */
        return;
    }
    vx_buf_clear(&watch->stream_body);
    request_watch(&watch->stream_body, vx_buf_view(&watch->key), vx_buf_view(&watch->end), watch->next_revision);
    watch->stream = (struct http){.endpoint = watch->endpoint,
                                  .path = "/v3/watch",
                                  .body = vx_buf_view(&watch->stream_body),
                                  .token = token,
                                  .needs_leader = true,
                                  .on_end = on_stream_end,
                                  .ctx = watch};
    watch->stream_ended = false;
    http_start(etcd, &watch->stream);
    watch->state = WATCH_OPENING;
    watch->due_ms = now_ms + ETCD_WATCH_CREATED_MS;
}

/* --- what the stream says ---------------------------------------------------------------------------------------- */

/* Hands over what has been put together, a call for each revision. */
static void deliver(struct etcd_watch *watch)
{
    for (size_t i = 0, n; i < watch->event_count; i += n) {
        int64_t revision = watch->events[i].kv.mod_revision;
        for (n = 1; i + n < watch->event_count && watch->events[i + n].kv.mod_revision == revision; n++)
            ;
        if (revision < watch->next_revision)
            continue;
        watch->next_revision = revision + 1;
        watch->ops.on_events(watch->ctx, watch->events + i, n, revision, watch->cluster_id);
    }
    watch->event_count = watch->event_room = 0;
    watch->events = NULL;
    vx_arena_reset(&watch->arena, 1 << 16);
}

static void keep_events(struct etcd_watch *watch, const struct answer_watch *message)
{
    if (watch->event_count + message->count > watch->event_room) {
        size_t room = (watch->event_count + message->count) * 2;
        struct etcd_event *longer = VX_ARENA_ARRAY(&watch->arena, struct etcd_event, room);
        if (watch->event_count)
            memcpy(longer, watch->events, watch->event_count * sizeof *longer);
        watch->events = longer;
        watch->event_room = room;
    }
    if (message->count)
        memcpy(watch->events + watch->event_count, message->events, message->count * sizeof *message->events);
    watch->event_count += message->count;
}

static void created(struct etcd_watch *watch, const struct answer_watch *message)
{
    if (watch->cluster_id && watch->cluster_id != message->cluster_id) {
        watch->cluster_id = message->cluster_id;
        watch_fall_silent(watch, 0);
        return;
    }
    watch->cluster_id = message->cluster_id;
    if (watch->next_revision == 0)
        watch->next_revision = message->revision + 1;
    watch->state = WATCH_LIVE;
    watch->canary_ms = vx_clock_ms(); /* at once: is this the history that we know? */
    watch->connected = true;
    watch->reason[0] = '\0';
    if (watch->ops.on_state)
        watch->ops.on_state(watch->ctx, true, "");
}

static void canceled(struct etcd_watch *watch, const struct answer_watch *message)
{
    if (message->compact_revision > 0) {
        watch->cluster_id = message->cluster_id;
        watch_fall_silent(watch, message->compact_revision);
        return;
    }
    const char *reason = message->cancel_reason;
    /* A token that is not good any more is told like a missing permission: fetch another before the next try. */
    if (strstr(reason, "PermissionDenied") || strstr(reason, "auth token") || strstr(reason, "auth store"))
        client_token_drop(watch->etcd, watch->stream.token);
    char text[200];
    snprintf(text, sizeof text, "the watch was canceled: %.150s", *reason ? reason : "no reason given");
    watch_lose(watch, text);
}

/* One message of the stream; false when the stream is not to be read on. */
static bool take_message(struct etcd_watch *watch, struct vx_span line)
{
    json_t *root = NULL;
    struct answer_error error;
    struct answer_watch message;
    enum answer_shape shape = answer_parse(line, &root, &error);
    if (shape == ANSWER_ERROR) {
        if (answer_wants_token(&error))
            client_token_drop(watch->etcd, watch->stream.token);
        watch_lose(watch, error.message);
        return false;
    }
    bool readable = shape == ANSWER_GOOD && answer_watch(root, &watch->arena, &message);
    json_decref(root);
    if (!readable) {
        watch_lose(watch,
                   answer_refuses_common_name(line) ? ANSWER_COMMON_NAME : "the answer to a watch is not etcd's");
        return false;
    }
    if (message.canceled) {
        canceled(watch, &message);
        return false;
    }
    if (message.created && watch->state == WATCH_OPENING)
        created(watch, &message);
    if (watch->state != WATCH_LIVE)
        return watch->state == WATCH_OPENING;
    keep_events(watch, &message);
    if (!message.fragment)
        deliver(watch);
    return true;
}

static void read_stream(struct etcd_watch *watch)
{
    vx_buf_span(&watch->lines.bytes, vx_buf_view(&watch->stream.answer));
    vx_buf_clear(&watch->stream.answer);
    for (struct vx_span line; answer_lines_next(&watch->lines, &line);)
        if (!take_message(watch, line))
            return;
    if (watch->lines.bytes.len > HTTP_ANSWER_MAX_BYTES) {
        watch_lose(watch, "a message without an end");
        return;
    }
    if (!watch->stream_ended)
        return;
    struct vx_span rest = answer_lines_rest(&watch->lines);
    if (rest.len && watch->stream.end == HTTP_ANSWERED)
        (void)take_message(watch, rest);
    if (watch->state == WATCH_OPENING || watch->state == WATCH_LIVE)
        watch_lose(watch, watch->stream.end == HTTP_ANSWERED ? "the stream ended" : watch->stream.reason);
}

/* --- the token --------------------------------------------------------------------------------------------------- */

/* The answer to the request for a token. */
static void take_token(struct etcd_watch *watch, int64_t now_ms)
{
    json_t *root = NULL;
    struct answer_error error = {0};
    const char *token;
    char reason[300] = "";
    enum answer_shape shape = ANSWER_GARBAGE;
    if (watch->probe.end == HTTP_ANSWERED)
        shape = answer_parse(vx_buf_view(&watch->probe.answer), &root, &error);
    if (watch->probe.end != HTTP_ANSWERED)
        snprintf(reason, sizeof reason, "%s", watch->probe.reason);
    else if (shape == ANSWER_ERROR && error.code == ANSWER_PRECONDITION)
        client_token_set(watch->etcd, NULL); /* "authentication is not enabled" */
    else if (shape == ANSWER_ERROR)
        snprintf(reason, sizeof reason, "%s", error.message);
    else if (shape == ANSWER_GOOD && answer_token(root, &watch->arena, &token))
        client_token_set(watch->etcd, token);
    else
        snprintf(reason, sizeof reason, "the answer to the request for a token is not etcd's");
    json_decref(root);
    watch->probe_ended = false;
    watch->state = WATCH_WAITING;
    watch->due_ms = now_ms;
    if (reason[0])
        watch_lose(watch, reason);
}

/* --- the client's side ------------------------------------------------------------------------------------------- */

static void move_on(struct etcd_watch *watch, int64_t now_ms)
{
    switch (watch->state) {
    case WATCH_WAITING:
        if (now_ms >= watch->due_ms)
            open_stream(watch, now_ms);
        break;
    case WATCH_AUTHENTICATING:
        if (watch->probe_ended)
            take_token(watch, now_ms);
        break;
    case WATCH_OPENING:
    case WATCH_LIVE:
        read_stream(watch);
        if (watch->state == WATCH_OPENING && now_ms >= watch->due_ms)
            watch_lose(watch, "it did not confirm a watch in time");
        if (watch->state == WATCH_LIVE)
            watch_canary_guard(watch, now_ms);
        break;
    case WATCH_SILENT:
    case WATCH_CLOSED:
        break;
    }
}

int64_t watch_tick(struct etcd_watch *watch, int64_t now_ms)
{
    pthread_mutex_lock(&watch->etcd->mutex);
    bool closing = watch->closing;
    int64_t resume_revision = watch->resume_revision;
    watch->resume_revision = 0;
    pthread_mutex_unlock(&watch->etcd->mutex);
    if (closing) {
        watch_close(watch);
        return now_ms;
    }
    if (resume_revision) {
        drop_stream(watch);
        watch->next_revision = resume_revision;
        watch->cluster_id = 0;
        watch->state = WATCH_WAITING;
        watch->due_ms = now_ms;
    }
    move_on(watch, now_ms);
    return watch->due_ms;
}

void watch_close(struct etcd_watch *watch)
{
    drop_stream(watch);
    watch->state = WATCH_CLOSED;
}

struct etcd_watch **watch_next(struct etcd_watch *watch)
{
    return &watch->next;
}

bool watch_is_closed(const struct etcd_watch *watch)
{
    return watch->state == WATCH_CLOSED;
}

static void release(struct etcd_watch *watch)
{
    vx_buf_done(&watch->key);
    vx_buf_done(&watch->end);
    free(watch);
}

void watch_destroy(struct etcd_watch *watch)
{
    struct etcd *etcd = watch->etcd;
    pthread_mutex_lock(&etcd->mutex);
    bool waited_for = watch->closing;
    watch->closed = true;
    pthread_cond_broadcast(&etcd->changed);
    pthread_mutex_unlock(&etcd->mutex);
    if (!waited_for)
        release(watch);
}

/* --- the owner's side -------------------------------------------------------------------------------------------- */

struct etcd_watch *etcd_watch_new(struct etcd *etcd, struct vx_span key, bool prefix, int64_t start_revision,
                                  const struct etcd_watch_ops *ops, void *ctx)
{
    struct etcd_watch *watch = calloc(1, sizeof *watch);
    vx_assert(watch != NULL && key.len > 0);
    watch->etcd = etcd;
    watch->ops = *ops;
    watch->ctx = ctx;
    watch->next_revision = start_revision;
    vx_buf_span(&watch->key, key);
    if (prefix)
        request_prefix_end(&watch->end, key);
    watch->state = WATCH_WAITING;
    pthread_mutex_lock(&etcd->mutex);
    watch->next = etcd->new_watches;
    etcd->new_watches = watch;
    pthread_mutex_unlock(&etcd->mutex);
    client_wake(etcd);
    return watch;
}

void etcd_watch_resume(struct etcd_watch *watch, int64_t next_revision)
{
    pthread_mutex_lock(&watch->etcd->mutex);
    watch->resume_revision = next_revision;
    pthread_mutex_unlock(&watch->etcd->mutex);
    client_wake(watch->etcd);
}

void etcd_watch_free(struct etcd_watch *watch)
{
    if (!watch)
        return;
    struct etcd *etcd = watch->etcd;
    vx_assert(!pthread_equal(pthread_self(), etcd->thread));
    pthread_mutex_lock(&etcd->mutex);
    watch->closing = true;
    client_wake(etcd);
    while (!watch->closed)
        pthread_cond_wait(&etcd->changed, &etcd->mutex);
    pthread_mutex_unlock(&etcd->mutex);
    release(watch);
}
