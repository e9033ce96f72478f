/* The client: its thread, its endpoints, its queue of exchanges.
 *
 *     callers ── call.c: tries, back-off ──┐ post                       ┌── watch.c: one stream and one canary each
 *     (block on a condition)               v                            v
 *                                   client's thread: post -> http_drive -> on_end -> watch_tick -> poll
 *                                                        one curl multi handle, all sockets
 *
 * The client's thread owns every libcurl handle and every active exchange. Callers own theirs on their stack and stay until
 * on_end has come: each exchange has a time-out, and etcd_cancel() ends them all. `mutex` guards what both sides touch.
 * Invariant: an exchange that was posted ends exactly once.
 */
#include "core/etcd/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/etcd/request.h"
#include "core/etcd/tls.h"
#include "core/etcd/wait.h"

enum { POLL_MAX_MS = 60000, CONNECTIONS_KEPT = 16 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
    vx_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void cancel_all(struct etcd *etcd, bool streams_too)
{
    for (struct http *http = etcd->active, *next; http; http = next) {
        next = http->next;
        if (http->cancelable || streams_too)
            http_stop(etcd, http, HTTP_CANCELED, true);
    }
}

/* Starts what was posted, oldest first; takes over new watches. False when the thread is to end. */
static bool take_posted(struct etcd *etcd)
{
    pthread_mutex_lock(&etcd->mutex);
    struct http *newest = etcd->posted;
    etcd->posted = NULL;
    while (etcd->new_watches) {
        struct etcd_watch *watch = etcd->new_watches;
        etcd->new_watches = *watch_next(watch);
        *watch_next(watch) = etcd->watches;
        etcd->watches = watch;
    }
    bool canceled = etcd->canceled, stopping = etcd->stopping;
    pthread_mutex_unlock(&etcd->mutex);
    struct http *oldest = NULL;
    while (newest) {
        struct http *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct http *next = oldest->next;
        http_start(etcd, oldest);
        oldest = next;
    }
    if (canceled)
        cancel_all(etcd, false);
    return !stopping;
}

static int64_t tick_watches(struct etcd *etcd)
{
    int64_t now_ms = vx_clock_ms(), wake_ms = now_ms + POLL_MAX_MS;
    for (struct etcd_watch **at = &etcd->watches; *at;) {
        struct etcd_watch *watch = *at;
        int64_t due_ms = watch_tick(watch, now_ms);
        if (due_ms < wake_ms)
            wake_ms = due_ms;
        if (!watch_is_closed(watch)) {
            at = watch_next(watch);
            continue;
        }
        *at = *watch_next(watch);
        watch_destroy(watch);
    }
    return wake_ms;
}

static void *client_main(void *arg)
{
    struct etcd *etcd = arg;
    while (take_posted(etcd)) {
        http_drive(etcd);
        int64_t wait_ms = tick_watches(etcd) - vx_clock_ms();
        curl_multi_poll(etcd->multi, NULL, 0, wait_ms > 0 ? (int)wait_ms : 0, NULL);
    }
    cancel_all(etcd, true);
    for (struct etcd_watch *watch; (watch = etcd->watches) != NULL;) {
        etcd->watches = *watch_next(watch);
        watch_close(watch);
        watch_destroy(watch);
    }
    return NULL;
}

bool client_post(struct etcd *etcd, struct http *http)
{
    pthread_mutex_lock(&etcd->mutex);
    bool ok = !etcd->canceled;
    if (ok) {
        http->next = etcd->posted;
        etcd->posted = http;
    }
    pthread_mutex_unlock(&etcd->mutex);
    if (ok)
        client_wake(etcd);
    return ok;
}

void client_wake(struct etcd *etcd)
{
    curl_multi_wakeup(etcd->multi);
}

/* --- endpoints and the token ------------------------------------------------------------------------------------- */

static char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    vx_assert(!text || copy);
    return copy;
}

size_t client_endpoint(struct etcd *etcd)
{
    return atomic_load(&etcd->current);
}

void client_endpoint_failed(struct etcd *etcd, size_t endpoint)
{
    /* Of many that fail on one endpoint, the first moves on. */
    size_t expected = endpoint;
    atomic_compare_exchange_strong(&etcd->current, &expected, (endpoint + 1) % etcd->endpoint_count);
}

const char *etcd_endpoint(const struct etcd *etcd)
{
    return etcd->endpoints[atomic_load(&((struct etcd *)etcd)->current)];
}

char *client_token(struct etcd *etcd, bool *needed)
{
    pthread_mutex_lock(&etcd->mutex);
    char *copy = etcd->token ? strdup(etcd->token) : NULL;
    *needed = etcd->user && !etcd->token && !etcd->auth_is_off;
    pthread_mutex_unlock(&etcd->mutex);
    return copy;
}

void client_token_set(struct etcd *etcd, const char *token)
{
    pthread_mutex_lock(&etcd->mutex);
    free(etcd->token);
    etcd->token = token ? strdup(token) : NULL;
    etcd->auth_is_off = !token;
    pthread_mutex_unlock(&etcd->mutex);
}

void client_ask_token(struct etcd *etcd, struct vx_buf *out)
{
    pthread_mutex_lock(&etcd->mutex);
    request_authenticate(out, etcd->user, etcd->password);
    pthread_mutex_unlock(&etcd->mutex);
}

void etcd_set_password(struct etcd *etcd, const char *password)
{
    char *copy = copy_text(password ? password : "");
    pthread_mutex_lock(&etcd->mutex);
    char *old = etcd->password;
    etcd->password = copy;
    pthread_mutex_unlock(&etcd->mutex);
    free(old);
}

void client_token_drop(struct etcd *etcd, const char *token)
{
    pthread_mutex_lock(&etcd->mutex);
    /* Somebody else may have a new one already. */
    if (!token || (etcd->token && strcmp(etcd->token, token) == 0)) {
        free(etcd->token);
        etcd->token = NULL;
    }
    etcd->auth_is_off = false;
    pthread_mutex_unlock(&etcd->mutex);
}

int64_t client_backoff_ms(unsigned attempt, int64_t max_ms)
{
    int64_t ms = 100;
    while (attempt-- > 0 && ms < max_ms)
        ms *= 2;
    if (ms > max_ms)
        ms = max_ms;
    return ms / 2 + arc4random_uniform((uint32_t)(ms / 2 + 1));
}

/* --- life -------------------------------------------------------------------------------------------------------- */

/* "http://host:port", without what would break the URL of a request. */
static enum vx_status check_endpoint(const char *text, struct vx_err *err)
{
    const char *host = strstr(text, "://");
    size_t scheme = host ? (size_t)(host - text) : 0;
    if (!host || !((scheme == 4 && strncmp(text, "http", 4) == 0) || (scheme == 5 && strncmp(text, "https", 5) == 0)))
        return vx_err_set(err, VX_EINVAL, "etcd endpoint `%s`: expected http://host:port or https://host:port", text);
    host += 3;
    const char *port = strrchr(host, ':');
    if (!*host || strpbrk(host, "/?#@ \t\r\n") || !port || port == host || !port[1] ||
        strspn(port + 1, "0123456789") != strlen(port + 1) || strlen(port + 1) > 5)
        return vx_err_set(err, VX_EINVAL, "etcd endpoint `%s`: expected host:port after %.*s://", text, (int)scheme,
                          text);
    return VX_OK;
}

static void client_release(struct etcd *etcd)
{
    for (size_t i = 0; i < etcd->endpoint_count; i++)
        free(etcd->endpoints[i]);
    free(etcd->endpoints);
    free(etcd->user);
    free(etcd->password);
    free(etcd->ca_file);
    free(etcd->cert_file);
    free(etcd->key_file);
    free(etcd->token);
    curl_multi_cleanup(etcd->multi);
    pthread_cond_destroy(&etcd->changed);
    pthread_mutex_destroy(&etcd->mutex);
    free(etcd);
}

enum vx_status etcd_config_check(const struct etcd_config *config, struct vx_err *err)
{
    if (config->endpoint_count == 0)
        return vx_err_set(err, VX_EINVAL, "no etcd endpoint is given");
    for (size_t i = 0; i < config->endpoint_count; i++) {
        enum vx_status status = check_endpoint(config->endpoints[i], err);
        if (status)
            return status;
    }
    return tls_check(config, err);
}

enum vx_status etcd_new(const struct etcd_config *config, struct etcd **out, struct vx_err *err)
{
    enum vx_status status = etcd_config_check(config, err);
    if (status)
        return status;
    pthread_once(&curl_once, curl_begin);
    struct etcd *etcd = calloc(1, sizeof *etcd);
    vx_assert(etcd != NULL);
    etcd->endpoint_count = config->endpoint_count;
    etcd->endpoints = calloc(config->endpoint_count, sizeof *etcd->endpoints);
    vx_assert(etcd->endpoints != NULL);
    for (size_t i = 0; i < config->endpoint_count; i++)
        etcd->endpoints[i] = copy_text(config->endpoints[i]);
    etcd->user = copy_text(config->user);
    etcd->password = copy_text(config->user && !config->password ? "" : config->password);
    etcd->ca_file = copy_text(config->ca_file);
    etcd->cert_file = copy_text(config->cert_file);
    etcd->key_file = copy_text(config->key_file);
    etcd->canary_ms = config->canary_ms ? config->canary_ms : ETCD_WATCH_CANARY_MS;
    /* A fleet's processes have the same list; they should not all lean on its first member. */
    atomic_init(&etcd->current, arc4random_uniform((uint32_t)config->endpoint_count));
    pthread_mutex_init(&etcd->mutex, NULL);
    wait_init(&etcd->changed);
    etcd->multi = curl_multi_init();
    vx_assert(etcd->multi != NULL);
    curl_multi_setopt(etcd->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    vx_assert(pthread_create(&etcd->thread, NULL, client_main, etcd) == 0);
    *out = etcd;
    return VX_OK;
}

void etcd_cancel(struct etcd *etcd)
{
    pthread_mutex_lock(&etcd->mutex);
    etcd->canceled = true;
    pthread_cond_broadcast(&etcd->changed);
    pthread_mutex_unlock(&etcd->mutex);
    client_wake(etcd);
}

void etcd_free(struct etcd *etcd)
{
    if (!etcd)
        return;
    etcd_cancel(etcd);
    pthread_mutex_lock(&etcd->mutex);
    while (etcd->caller_count > 0)
        pthread_cond_wait(&etcd->changed, &etcd->mutex);
    etcd->stopping = true;
    pthread_mutex_unlock(&etcd->mutex);
    client_wake(etcd);
    pthread_join(etcd->thread, NULL);
    client_release(etcd);
}
