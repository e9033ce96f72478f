/* One unary call: tries, endpoints, authentication, and the sentence when all of it was in vain.
 *
 * Runs on the caller's thread, which sleeps while the client's thread does the exchange. A try that failed in a way that
 * another endpoint (or a moment later) may not is repeated until the deadline, if repeating is safe: always when nothing was
 * sent, else when the call is repeatable. The first round over the endpoints is without waiting, then the waits grow.
 * Invariant: what a write's error says about whether it happened is true.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/etcd/client.h"
#include "core/etcd/request.h"
#include "core/etcd/wait.h"

enum { BACKOFF_MAX_MS = 500, TRY_MIN_MS = 50 };

/* What one try came to. */
enum verdict { DONE, FAILED, AGAIN, WANTS_TOKEN };

struct attempt {
    struct http http;
    pthread_cond_t ended_cond;
    bool ended;
    struct etcd *etcd;
};

/* The whole call, for judging and for its last words. */
struct round {
    struct etcd *etcd;
    const struct call *call;
    int64_t until_ms;
    unsigned tries;
    bool reauthenticated;
    bool saw_no_leader;
    bool maybe_done; /* a request was sent and its fate is unknown */
    enum vx_status status;
    size_t endpoint;           /* of the last try */
    char reason[320];          /* why the last try failed */
    struct answer_error error; /* the last that etcd answered; code 0 without one */
};

static void on_end(struct http *http)
{
    struct attempt *attempt = http->ctx;
    pthread_mutex_lock(&attempt->etcd->mutex);
    attempt->ended = true;
    pthread_cond_signal(&attempt->ended_cond);
    pthread_mutex_unlock(&attempt->etcd->mutex);
}

/* Does one exchange and waits for its end. */
static void exchange(struct etcd *etcd, struct attempt *attempt)
{
    attempt->etcd = etcd;
    attempt->ended = false;
    wait_init(&attempt->ended_cond);
    attempt->http.on_end = on_end;
    attempt->http.ctx = attempt;
    attempt->http.cancelable = true;
    if (client_post(etcd, &attempt->http)) {
        pthread_mutex_lock(&etcd->mutex);
        while (!attempt->ended)
            pthread_cond_wait(&attempt->ended_cond, &etcd->mutex);
        pthread_mutex_unlock(&etcd->mutex);
    } else {
        attempt->http.end = HTTP_CANCELED;
    }
    pthread_cond_destroy(&attempt->ended_cond);
}

/* --- judging ----------------------------------------------------------------------------------------------------- */

static enum verdict no_answer(struct round *round, const struct http *http)
{
    /* A last try that had no time left says less than the one before. */
    if (!http->late || http->timeout_ms >= HTTP_CONNECT_MS || !round->reason[0]) {
        snprintf(round->reason, sizeof round->reason, "%s", http->reason);
        round->status = http->end == HTTP_TIMEOUT ? VX_ETIMEOUT : VX_EUNAVAILABLE;
    }
    if (http->end == HTTP_REFUSED)
        return AGAIN;
    round->maybe_done = true;
    return round->call->repeatable ? AGAIN : FAILED;
}

static enum verdict garbage(struct round *round, const struct http *http)
{
    if (answer_refuses_common_name(vx_buf_view(&http->answer))) {
        snprintf(round->reason, sizeof round->reason, "%s", ANSWER_COMMON_NAME);
        round->status = VX_EUNAVAILABLE; /* nothing was done, and a renewed file may do */
        return AGAIN;
    }
    char start[48];
    size_t n = 0;
    for (; n < http->answer.len && n < sizeof start - 1; n++)
        start[n] = http->answer.at[n] >= ' ' && http->answer.at[n] < 127 ? http->answer.at[n] : ' ';
    start[n] = '\0';
    while (n > 0 && start[n - 1] == ' ')
        start[--n] = '\0';
    if (http->answer.len)
        snprintf(round->reason, sizeof round->reason, "this is not etcd's JSON API (HTTP %ld, `%s%s`)", http->status,
                 start, http->answer.len >= sizeof start ? "..." : "");
    else
        snprintf(round->reason, sizeof round->reason, "this is not etcd's JSON API (HTTP %ld, an empty answer)",
                 http->status);
    round->status = VX_EUNAVAILABLE;
    round->maybe_done = true;
    return round->call->repeatable ? AGAIN : FAILED;
}

static enum verdict refused(struct round *round)
{
    round->status = answer_status(&round->error);
    snprintf(round->reason, sizeof round->reason, "%s", round->error.message);
    if (answer_wants_token(&round->error) && round->etcd->user && !round->reauthenticated)
        return WANTS_TOKEN;
    if (round->status != VX_EUNAVAILABLE && round->status != VX_ETIMEOUT)
        return FAILED;
    if (answer_is_no_leader(&round->error)) {
        round->saw_no_leader = true;
        return AGAIN; /* refused before it was proposed: see Grpc-Metadata-hasleader */
    }
    round->maybe_done = true;
    return round->call->repeatable ? AGAIN : FAILED;
}

static enum verdict judge(struct round *round, const struct http *http, json_t **root)
{
    round->error.code = 0;
    if (http->end == HTTP_CANCELED) {
        round->status = VX_ECANCELED;
        return FAILED;
    }
    if (http->end != HTTP_ANSWERED)
        return no_answer(round, http);
    switch (answer_parse(vx_buf_view(&http->answer), root, &round->error)) {
    case ANSWER_GOOD:
        round->status = VX_OK;
        return DONE;
    case ANSWER_ERROR:
        return refused(round);
    default:
        return garbage(round, http);
    }
}

/* --- authentication ---------------------------------------------------------------------------------------------- */

/* Fetches a token from the endpoint; its failures are judged like those of any try. */
static enum verdict authenticate(struct round *round, long timeout_ms)
{
    struct etcd *etcd = round->etcd;
    struct vx_buf body = {0};
    client_ask_token(etcd, &body);
    struct attempt attempt = {.http = {.endpoint = round->endpoint,
                                       .path = "/v3/auth/authenticate",
                                       .body = vx_buf_view(&body),
                                       .timeout_ms = timeout_ms}};
    exchange(etcd, &attempt);
    json_t *root = NULL;
    bool maybe_done = round->maybe_done;
    enum verdict verdict = judge(round, &attempt.http, &root);
    round->maybe_done = maybe_done;
    if (verdict == DONE) {
        struct vx_arena arena = {0};
        const char *token;
        if (answer_token(root, &arena, &token))
            client_token_set(etcd, token);
        else
            verdict = garbage(round, &attempt.http);
        vx_arena_done(&arena);
        json_decref(root);
    } else if (round->error.code == ANSWER_PRECONDITION) {
        client_token_set(etcd, NULL); /* "authentication is not enabled" */
        verdict = DONE;
    } else if (verdict != AGAIN && round->status != VX_ECANCELED) {
        /* A time-out here repeats nothing but the question for a token. */
        verdict = round->status == VX_EUNAVAILABLE || round->status == VX_ETIMEOUT ? AGAIN : FAILED;
    }
    http_done(&attempt.http);
    vx_buf_done(&body);
    return verdict;
}

/* --- trying ------------------------------------------------------------------------------------------------------ */

static long try_ms(const struct round *round)
{
    int64_t left_ms = round->until_ms - vx_clock_ms();
    if (left_ms < TRY_MIN_MS)
        left_ms = TRY_MIN_MS;
    return left_ms < ETCD_CALL_TIMEOUT_MS ? (long)left_ms : (long)ETCD_CALL_TIMEOUT_MS;
}

static enum verdict try_once(struct round *round, json_t **root)
{
    struct etcd *etcd = round->etcd;
    bool token_needed;
    char *token = client_token(etcd, &token_needed);
    round->endpoint = client_endpoint(etcd);
    if (token_needed) {
        enum verdict verdict = authenticate(round, try_ms(round));
        if (verdict != DONE)
            return verdict;
        token = client_token(etcd, &token_needed);
    }
    struct attempt attempt = {.http = {.endpoint = round->endpoint,
                                       .path = round->call->path,
                                       .body = vx_buf_view(&round->call->body),
                                       .token = token,
                                       .needs_leader = round->call->needs_leader,
                                       .once = !round->call->repeatable,
                                       .timeout_ms = try_ms(round)}};
    exchange(etcd, &attempt);
    enum verdict verdict = judge(round, &attempt.http, root);
    if (verdict == WANTS_TOKEN) {
        client_token_drop(etcd, token);
        round->reauthenticated = true;
    }
    http_done(&attempt.http);
    return verdict;
}

/* Waits before the next try; false when there is no time for one, or calls are canceled. */
static bool wait_for_next(struct round *round)
{
    struct etcd *etcd = round->etcd;
    client_endpoint_failed(etcd, round->endpoint);
    round->tries++;
    int64_t now_ms = vx_clock_ms();
    int64_t at_ms = now_ms;
    if (round->tries >= etcd->endpoint_count)
        at_ms += client_backoff_ms(round->tries - (unsigned)etcd->endpoint_count, BACKOFF_MAX_MS);
    if (at_ms + TRY_MIN_MS >= round->until_ms)
        return false;
    pthread_mutex_lock(&etcd->mutex);
    while (!etcd->canceled && vx_clock_ms() < at_ms)
        (void)wait_until(&etcd->changed, &etcd->mutex, at_ms);
    bool canceled = etcd->canceled;
    pthread_mutex_unlock(&etcd->mutex);
    if (canceled)
        round->status = VX_ECANCELED;
    return !canceled;
}

/* --- last words -------------------------------------------------------------------------------------------------- */

static enum vx_status explain(struct round *round, struct vx_err *err)
{
    struct etcd *etcd = round->etcd;
    const char *endpoint = etcd->endpoints[round->endpoint];
    const char *unknown =
        round->maybe_done && !round->call->repeatable ? "; whether the change was made is not known" : "";
    struct vx_buf all = {0};
    for (size_t i = 0; i < etcd->endpoint_count; i++)
        vx_buf_printf(&all, "%s%s", i ? ", " : "", etcd->endpoints[i]);
    enum vx_status status = round->status;
    if (status == VX_ECANCELED)
        vx_err_set(err, status, "canceled: this process is stopping");
    else if (status == VX_ENOSPACE)
        vx_err_set(
            err, status,
            "etcd at %s is out of space (NOSPACE alarm): compact and defragment it, then disarm the alarm; nothing "
            "was changed",
            endpoint);
    else if (round->saw_no_leader && (status == VX_EUNAVAILABLE || status == VX_ETIMEOUT))
        vx_err_set(
            err, status,
            "etcd (%s) has no leader: a majority of its members is down or cut off; nothing can be changed until "
            "they are back%s",
            vx_buf_text(&all), unknown);
    else if (status == VX_EDENIED && !etcd->user && answer_wants_token(&round->error))
        vx_err_set(err, status, "etcd at %s wants a user and a password, and none is set", endpoint);
    else if (status == VX_EDENIED)
        vx_err_set(err, status, "etcd at %s refused user `%s`: %s", endpoint, etcd->user ? etcd->user : "",
                   round->reason);
    else if (status == VX_EUNAVAILABLE && round->tries >= etcd->endpoint_count && etcd->endpoint_count > 1)
        vx_err_set(err, status, "none of etcd's endpoints can be used (%s); the last said: %s%s", vx_buf_text(&all),
                   round->reason, unknown);
    else
        vx_err_set(err, status, "etcd at %s: %s%s", endpoint, round->reason, unknown);
    vx_buf_done(&all);
    return status;
}

enum vx_status call_unreadable(struct etcd *etcd, struct vx_err *err)
{
    return vx_err_set(err, VX_ECORRUPT, "etcd at %s sent an answer that cannot be read", etcd_endpoint(etcd));
}

enum vx_status call_run(struct etcd *etcd, struct call *call, json_t **root, struct answer_error *error,
                        struct vx_err *err)
{
    struct round round = {.etcd = etcd, .call = call, .until_ms = vx_clock_ms() + call->deadline_ms};
    pthread_mutex_lock(&etcd->mutex);
    etcd->caller_count++;
    pthread_mutex_unlock(&etcd->mutex);
    enum verdict verdict;
    do
        verdict = try_once(&round, root);
    while (verdict == WANTS_TOKEN || (verdict == AGAIN && wait_for_next(&round)));
    if (verdict != DONE)
        explain(&round, err);
    if (error)
        *error = round.error;
    pthread_mutex_lock(&etcd->mutex);
    if (--etcd->caller_count == 0)
        pthread_cond_broadcast(&etcd->changed);
    pthread_mutex_unlock(&etcd->mutex);
    vx_buf_done(&call->body);
    return verdict == DONE ? VX_OK : round.status;
}
