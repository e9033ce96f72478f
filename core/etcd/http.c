/* HTTP exchanges over libcurl: its options (those of TLS: tls.c) and its results. The client's thread only.
 *
 * Facts that decide the options: HTTP/1.1, because the gateway has no h2c; no low-speed limit, because an idle watch is
 * healthy; TCP keepalive and TCP_USER_TIMEOUT, because a peer that is gone without a word is found only by them. No
 * redirects and no proxy from the environment: endpoints are what the operator wrote.
 * Invariant: an exchange is in etcd->active exactly while it has an easy handle.
 */
#include "core/etcd/http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/etcd/client.h"
#include "core/etcd/tls.h"

enum { KEEPALIVE_IDLE_S = 10, KEEPALIVE_INTERVAL_S = 3, TCP_SILENT_MS = 15000 };

#define SET(easy, option, value) vx_assert(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

static size_t on_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http *http = ctx;
    (void)size; /* 1, as libcurl documents */
    if (http->answer.len + count > HTTP_ANSWER_MAX_BYTES)
        return 0; /* ends the transfer */
    vx_buf_add(&http->answer, bytes, count);
    return count;
}

static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    (void)ctx;
    (void)purpose;
    unsigned silent_ms = TCP_SILENT_MS;
    /* Without it a lost peer is found later, by the canary: no reason to fail. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof silent_ms);
    return CURL_SOCKOPT_OK;
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(headers, line);
    vx_assert(longer != NULL);
    return longer;
}

static void set_headers(struct http *http)
{
    struct curl_slist *headers = add_header(NULL, "Content-Type: application/json");
    headers = add_header(headers, "Expect:");
    if (http->needs_leader)
        headers = add_header(headers, "Grpc-Metadata-hasleader: true");
    if (http->token) {
        struct vx_buf line = {0};
        vx_buf_printf(&line, "Authorization: %s", http->token); /* raw: etcd refuses "Bearer" */
        headers = add_header(headers, vx_buf_text(&line));
        vx_buf_done(&line);
    }
    http->headers = headers;
    SET(http->easy, CURLOPT_HTTPHEADER, headers);
}

static void set_transport(CURL *easy, long timeout_ms)
{
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_NOPROXY, "*");
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    SET(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    SET(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
}

void http_start(struct etcd *etcd, struct http *http)
{
    vx_assert(!http->active);
    CURL *easy = curl_easy_init();
    vx_assert(easy != NULL);
    http->easy = easy;
    vx_buf_clear(&http->answer);
    struct vx_buf url = {0};
    vx_buf_printf(&url, "%s%s", etcd->endpoints[http->endpoint], http->path);
    SET(easy, CURLOPT_URL, vx_buf_text(&url));
    vx_buf_done(&url);
    http->error[0] = http->reason[0] = '\0';
    http->late = false;
    SET(easy, CURLOPT_ERRORBUFFER, http->error);
    SET(easy, CURLOPT_POSTFIELDS, http->body.at);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->body.len);
    SET(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    SET(easy, CURLOPT_WRITEDATA, http);
    SET(easy, CURLOPT_PRIVATE, http);
    set_transport(easy, http->timeout_ms);
    /* libcurl repeats a request whose kept connection turns out to be dead. */
    SET(easy, CURLOPT_FRESH_CONNECT, http->once ? 1L : 0L);
    tls_set(etcd, easy);
    set_headers(http);
    vx_assert(curl_multi_add_handle(etcd->multi, easy) == CURLM_OK);
    http->active = true;
    http->next = etcd->active;
    http->link = &etcd->active;
    if (http->next)
        http->next->link = &http->next;
    etcd->active = http;
}

void http_stop(struct etcd *etcd, struct http *http, enum http_end end, bool tell)
{
    if (!http->active)
        return;
    curl_multi_remove_handle(etcd->multi, http->easy);
    curl_easy_cleanup(http->easy);
    curl_slist_free_all(http->headers);
    http->easy = NULL;
    http->headers = NULL;
    http->active = false;
    *http->link = http->next;
    if (http->next)
        http->next->link = http->link;
    http->end = end;
    if (tell)
        http->on_end(http);
}

/* What libcurl's result means, in words where it is a failure. */
static enum http_end judge(const struct etcd *etcd, struct http *http, CURLcode code)
{
    long sent_bytes = 0, os_error = 0;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &http->status);
    curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &os_error);
    bool sent = sent_bytes > 0;
    if (code == CURLE_OK)
        return HTTP_ANSWERED;
    if (tls_explain(etcd, http, code))
        return HTTP_REFUSED;
    if (code == CURLE_OPERATION_TIMEDOUT) {
        http->late = true;
        if (sent)
            snprintf(http->reason, sizeof http->reason, "no answer within %.1f s", (double)http->timeout_ms / 1000);
        else
            snprintf(
                http->reason, sizeof http->reason, "no connection within %.1f s",
                (double)(http->timeout_ms && http->timeout_ms < HTTP_CONNECT_MS ? http->timeout_ms : HTTP_CONNECT_MS) /
                    1000);
        return sent ? HTTP_TIMEOUT : HTTP_REFUSED;
    }
    if (code == CURLE_WRITE_ERROR)
        snprintf(http->reason, sizeof http->reason, "an answer of more than %d MiB", HTTP_ANSWER_MAX_BYTES >> 20);
    else if (code == CURLE_COULDNT_CONNECT && os_error)
        snprintf(http->reason, sizeof http->reason, "%s", strerrordesc_np((int)os_error));
    else if (http->reason[0])
        return sent ? HTTP_BROKEN : HTTP_REFUSED;
    else if (code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE)
        snprintf(http->reason, sizeof http->reason, "connection closed before the whole answer");
    else
        snprintf(http->reason, sizeof http->reason, "%s", http->error[0] ? http->error : curl_easy_strerror(code));
    return sent ? HTTP_BROKEN : HTTP_REFUSED;
}

void http_drive(struct etcd *etcd)
{
    int running, left;
    vx_assert(curl_multi_perform(etcd->multi, &running) == CURLM_OK);
    for (CURLMsg *msg; (msg = curl_multi_info_read(etcd->multi, &left)) != NULL;) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        char *owner = NULL;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &owner);
        struct http *http = (struct http *)(void *)owner;
        http_stop(etcd, http, judge(etcd, http, code), true);
    }
}

void http_done(struct http *http)
{
    vx_assert(!http->active);
    free(http->token);
    http->token = NULL;
    vx_buf_done(&http->answer);
}
