/* Fake servers. One thread accepts, one serves each connection; all end with fake_stop(). */
#include "tests/etcd/fake.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum { TICK_MS = 20 };

struct fake {
    const char *answer;
    int upstream_port; /* 0: not a proxy */
    bool (*lose)(void *ctx, const char *request);
    void *ctx;
    int fd;
    char endpoint[64];
    pthread_t thread;
    pthread_mutex_t mutex; /* `lose` */
    _Atomic bool stopping, mute_watches, refuse;
    _Atomic int requests, connections, range_delay_ms;
    _Atomic int epoch; /* connections of an older one are broken */
};

/* One client. */
struct connection {
    struct fake *fake;
    int fd;
    int epoch;
};

static bool readable(struct fake *fake, int fd, int epoch)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (!fake->stopping && fake->epoch == epoch)
        if (poll(&poll_fd, 1, TICK_MS) > 0)
            return true;
    return false;
}

/* Reads one request: head, and as much body as it announces. */
static bool read_request(const struct connection *connection, struct vx_buf *request)
{
    struct fake *fake = connection->fake;
    int fd = connection->fd;
    size_t need = SIZE_MAX;
    while (request->len < need) {
        if (!readable(fake, fd, connection->epoch))
            return false;
        char bytes[65536];
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return false;
        vx_buf_add(request, bytes, (size_t)n);
        const char *end = strstr(request->at, "\r\n\r\n"), *length = strcasestr(request->at, "\r\ncontent-length:");
        if (end && need == SIZE_MAX)
            need = (size_t)(end - request->at) + 4 + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
    }
    fake->requests++;
    return true;
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static int connect_to(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Passes one request on, with "Connection: close", so that the end of the answer is the end of the connection. */
static void pass_on(const struct connection *connection, const struct vx_buf *request)
{
    struct fake *fake = connection->fake;
    int fd = connection->fd;
    pthread_mutex_lock(&fake->mutex);
    bool lost = fake->lose && fake->lose(fake->ctx, request->at);
    pthread_mutex_unlock(&fake->mutex);
    int upstream = connect_to(fake->upstream_port);
    if (upstream < 0)
        return;
    size_t line = (size_t)(strstr(request->at, "\r\n") - request->at) + 2;
    bool ok = write_all(upstream, request->at, line) && write_all(upstream, "Connection: close\r\n", 19) &&
              write_all(upstream, request->at + line, request->len - line);
    bool watch = strncmp(request->at, "POST /v3/watch", 14) == 0;
    char bytes[65536];
    while (ok && readable(fake, upstream, connection->epoch)) {
        struct pollfd client = {.fd = fd, .events = POLLRDHUP};
        ssize_t n = read(upstream, bytes, sizeof bytes);
        if (strncmp(request->at, "POST /v3/kv/range", 17) == 0)
            poll(NULL, 0, fake->range_delay_ms);
        if (n <= 0 || lost || poll(&client, 1, 0) > 0)
            break;
        ok = (watch && fake->mute_watches) || write_all(fd, bytes, (size_t)n);
    }
    close(upstream);
}

static void *connection_main(void *arg)
{
    struct connection *connection = arg;
    struct fake *fake = connection->fake;
    struct vx_buf request = {0};
    if (fake->refuse) {
        fake->requests++;
    } else if (fake->upstream_port) {
        if (read_request(connection, &request))
            pass_on(connection, &request);
    } else if (!fake->answer) {
        while (read_request(connection, &request))
            vx_buf_clear(&request);
    } else if (read_request(connection, &request)) {
        write_all(connection->fd, fake->answer, strlen(fake->answer));
    }
    close(connection->fd);
    vx_buf_done(&request);
    free(connection);
    fake->connections--;
    return NULL;
}

static void *accept_main(void *arg)
{
    struct fake *fake = arg;
    while (!fake->stopping) {
        if (!readable(fake, fake->fd, fake->epoch))
            continue;
        struct connection *connection = calloc(1, sizeof *connection);
        vx_assert(connection != NULL);
        *connection = (struct connection){.fake = fake, .fd = accept(fake->fd, NULL, NULL), .epoch = fake->epoch};
        fake->connections++;
        pthread_t thread;
        vx_assert(pthread_create(&thread, NULL, connection_main, connection) == 0);
        pthread_detach(thread);
    }
    return NULL;
}

static struct fake *start(const char *answer, int upstream_port, bool (*lose)(void *, const char *), void *ctx)
{
    struct fake *fake = calloc(1, sizeof *fake);
    vx_assert(fake != NULL);
    fake->answer = answer;
    fake->upstream_port = upstream_port;
    fake->lose = lose;
    fake->ctx = ctx;
    pthread_mutex_init(&fake->mutex, NULL);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    vx_assert(fake->fd >= 0 && bind(fake->fd, (struct sockaddr *)&at, len) == 0 && listen(fake->fd, 64) == 0);
    vx_assert(getsockname(fake->fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(fake->endpoint, sizeof fake->endpoint, "http://127.0.0.1:%d", ntohs(at.sin_port));
    vx_assert(pthread_create(&fake->thread, NULL, accept_main, fake) == 0);
    return fake;
}

struct fake *fake_start(const char *answer)
{
    return start(answer, 0, NULL, NULL);
}

struct fake *fake_proxy(const char *endpoint, bool (*lose)(void *ctx, const char *request), void *ctx)
{
    return start(NULL, atoi(strrchr(endpoint, ':') + 1), lose, ctx);
}

void fake_stop(struct fake *fake)
{
    fake->stopping = true;
    pthread_join(fake->thread, NULL);
    while (fake->connections > 0)
        poll(NULL, 0, 1);
    close(fake->fd);
    pthread_mutex_destroy(&fake->mutex);
    free(fake);
}

const char *fake_endpoint(const struct fake *fake)
{
    return fake->endpoint;
}

int fake_requests(struct fake *fake)
{
    return fake->requests;
}

void fake_mute_watches(struct fake *fake, bool mute)
{
    fake->mute_watches = mute;
}

void fake_delay_ranges(struct fake *fake, int ms)
{
    fake->range_delay_ms = ms;
}

void fake_refuse(struct fake *fake, bool refuse)
{
    fake->refuse = refuse;
}

void fake_break(struct fake *fake)
{
    fake->epoch++;
}
