/* Starts, hurts and ends etcd for tests. The program's main thread. */
#include "tests/etcd/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"

enum { ARGS_MAX = 40, HEALTHY_MS = 20000 };

struct node {
    pid_t pid; /* 0: down */
    int client_port, peer_port;
    char endpoint[64];
    char dir[128];
};

struct cluster {
    struct node nodes[CLUSTER_NODES_MAX];
    int node_count;
    const char *const *flags;
    char dir[96];
    char initial[256];
};

_Thread_local struct vx_err must_err;
static struct cluster *own; /* what test_client() started */
static char own_endpoints[512];

/* All that run, so that none is left over when a test fails. */
enum { CLUSTERS_MAX = 8 };
static struct cluster *running[CLUSTERS_MAX];

_Noreturn void test_die(const char *file, int line, const char *what, const struct vx_err *err)
{
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, err ? err->message : "failed");
    exit(1);
}

#define CHECK(cond) ((cond) ? (void)0 : test_die(__FILE__, __LINE__, #cond, NULL))

void sleep_ms(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* Runs a program; its output goes to `log` (NULL: nowhere). */
static pid_t spawn(const char *const *args, const char *log)
{
    pid_t parent = getpid(), pid = fork();
    CHECK(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    int fd = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    execvp(args[0], (char *const *)args);
    _exit(127);
}

/* The etcd of the version that the environment wants, or the system's. */
static const char *etcd_program(void)
{
    static char path[256] = "etcd";
    if (!getenv("VELTRIX_ETCD_VERSION") || path[0] == '/')
        return path;
    FILE *fetch = popen(VELTRIX_SOURCE_DIR "/scripts/etcd fetch", "re");
    CHECK(fetch && fgets(path, sizeof path, fetch) && pclose(fetch) == 0);
    path[strcspn(path, "\n")] = '\0';
    return path;
}

void cluster_spawn(struct cluster *cluster, int n)
{
    struct node *node = &cluster->nodes[n];
    char name[8], peer[64], log[160], data[160];
    snprintf(name, sizeof name, "n%d", n);
    snprintf(peer, sizeof peer, "http://127.0.0.1:%d", node->peer_port);
    snprintf(log, sizeof log, "%s/log", node->dir);
    snprintf(data, sizeof data, "%s/data", node->dir);
    const char *args[ARGS_MAX] = {etcd_program(),
                                  "--name",
                                  name,
                                  "--data-dir",
                                  data,
                                  "--listen-client-urls",
                                  node->endpoint,
                                  "--advertise-client-urls",
                                  node->endpoint,
                                  "--listen-peer-urls",
                                  peer,
                                  "--initial-advertise-peer-urls",
                                  peer,
                                  "--initial-cluster",
                                  cluster->initial,
                                  "--logger",
                                  "zap",
                                  "--unsafe-no-fsync"};
    int count = 0;
    while (args[count])
        count++;
    for (int i = 0; cluster->flags && cluster->flags[i]; i++)
        args[count++] = cluster->flags[i];
    vx_assert(count < ARGS_MAX);
    node->pid = spawn(args, log);
}

static void stop_all(void)
{
    for (int i = 0; i < CLUSTERS_MAX; i++)
        cluster_stop(running[i]);
}

/* Puts `now` where `was` is in the list of those that run. */
static void replace_running(struct cluster *was, struct cluster *now)
{
    for (int i = 0; i < CLUSTERS_MAX; i++) {
        if (running[i] == was) {
            running[i] = now;
            return;
        }
    }
    CHECK(!"a place in the list of clusters");
}

struct cluster *cluster_start(int nodes, const char *const *flags)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    CHECK(cluster && nodes <= CLUSTER_NODES_MAX);
    static bool registered;
    if (!registered)
        CHECK(atexit(stop_all) == 0);
    registered = true;
    replace_running(NULL, cluster);
    cluster->node_count = nodes;
    cluster->flags = flags;
    const char *tmp = getenv("TMPDIR");
    snprintf(cluster->dir, sizeof cluster->dir, "%.60s/veltrix-etcd-XXXXXX", tmp ? tmp : P_tmpdir);
    CHECK(mkdtemp(cluster->dir) != NULL);
    for (int i = 0; i < nodes; i++) {
        struct node *node = &cluster->nodes[i];
        node->client_port = free_port();
        node->peer_port = free_port();
        snprintf(node->endpoint, sizeof node->endpoint, "http://127.0.0.1:%d", node->client_port);
        snprintf(node->dir, sizeof node->dir, "%s/n%d", cluster->dir, i);
        CHECK(mkdir(node->dir, 0700) == 0);
        size_t len = strlen(cluster->initial);
        snprintf(cluster->initial + len, sizeof cluster->initial - len, "%sn%d=http://127.0.0.1:%d", i ? "," : "", i,
                 node->peer_port);
    }
    for (int i = 0; i < nodes; i++)
        cluster_spawn(cluster, i);
    for (int i = 0; i < nodes; i++)
        cluster_wait_healthy(cluster, i);
    return cluster;
}

static void end_node(struct cluster *cluster, int n, int sig)
{
    struct node *node = &cluster->nodes[n];
    if (!node->pid)
        return;
    kill(node->pid, sig);
    kill(node->pid, SIGCONT);
    waitpid(node->pid, NULL, 0);
    node->pid = 0;
}

void cluster_kill(struct cluster *cluster, int node)
{
    end_node(cluster, node, SIGKILL);
}

void cluster_term(struct cluster *cluster, int node)
{
    end_node(cluster, node, SIGTERM);
}

void cluster_pause(struct cluster *cluster, int node)
{
    kill(cluster->nodes[node].pid, SIGSTOP);
}

void cluster_resume(struct cluster *cluster, int node)
{
    kill(cluster->nodes[node].pid, SIGCONT);
}

static void remove_dir(const char *dir)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf -- '%s'", dir);
    CHECK(system(command) == 0);
}

void cluster_wipe(struct cluster *cluster, int node)
{
    char data[160];
    snprintf(data, sizeof data, "%s/data", cluster->nodes[node].dir);
    remove_dir(data);
}

void cluster_stop(struct cluster *cluster)
{
    if (!cluster)
        return;
    for (int i = 0; i < cluster->node_count; i++)
        end_node(cluster, i, SIGKILL);
    remove_dir(cluster->dir);
    replace_running(cluster, NULL);
    free(cluster);
}

const char *cluster_endpoint(const struct cluster *cluster, int node)
{
    return cluster->nodes[node].endpoint;
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

struct etcd *cluster_client_of(const struct cluster *cluster, int node)
{
    const char *endpoint = cluster->nodes[node].endpoint;
    struct etcd *etcd = NULL;
    MUST(etcd_new(&(struct etcd_config){.endpoints = &endpoint, .endpoint_count = 1}, &etcd, &must_err));
    return etcd;
}

struct etcd *cluster_client(const struct cluster *cluster)
{
    const char *endpoints[CLUSTER_NODES_MAX];
    struct etcd *etcd = NULL;
    for (int i = 0; i < cluster->node_count; i++)
        endpoints[i] = cluster->nodes[i].endpoint;
    struct etcd_config config = {.endpoints = endpoints, .endpoint_count = (size_t)cluster->node_count};
    MUST(etcd_new(&config, &etcd, &must_err));
    return etcd;
}

void cluster_wait_healthy(struct cluster *cluster, int node)
{
    struct etcd *etcd = cluster_client_of(cluster, node);
    int64_t until_ms = vx_clock_ms() + HEALTHY_MS;
    struct etcd_status status = {0};
    while (!status.has_leader) {
        struct vx_arena arena = {0};
        struct etcd_range range;
        struct vx_err err = {0};
        if (vx_clock_ms() > until_ms)
            test_die(__FILE__, __LINE__, "etcd does not become healthy", &err);
        if (etcd_status(etcd, &status, &err) != VX_OK || !status.has_leader)
            sleep_ms(50);
        else if (etcd_get(etcd, &arena, VX_SPAN_LITERAL("health"), ETCD_LINEARIZABLE, &range, &err) != VX_ENOTFOUND)
            status.has_leader = false;
        vx_arena_done(&arena);
    }
    etcd_free(etcd);
}

char *etcd_post_as(const char *endpoint, const char *path, const char *token, const char *body)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1))};
    struct timeval patience = {.tv_sec = 2};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct vx_buf text = {0};
    vx_buf_printf(&text, "POST %s HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\nContent-Length: %zu\r\n", path,
                  strlen(body));
    if (token)
        vx_buf_printf(&text, "Authorization: %s\r\n", token);
    vx_buf_printf(&text, "\r\n%s", body);
    bool ok = connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
              send(fd, text.at, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
    vx_buf_clear(&text);
    for (ssize_t n; ok && (n = read(fd, vx_buf_reserve(&text, 4096), 4096)) != 0; text.len += (size_t)n)
        ok = n > 0;
    close(fd);
    char *answer = ok ? vx_buf_take(&text) : NULL;
    vx_buf_done(&text);
    return answer;
}

char *etcd_post(const char *endpoint, const char *path, const char *body)
{
    return etcd_post_as(endpoint, path, NULL, body);
}

void etcd_compact(const char *endpoint, int64_t revision)
{
    char body[80];
    snprintf(body, sizeof body, "{\"revision\":\"%lld\",\"physical\":true}", (long long)revision);
    char *answer = etcd_post(endpoint, "/v3/kv/compaction", body);
    CHECK(answer && strstr(answer, "\"header\""));
    free(answer);
}

/* Does the member say that it is the leader? */
static bool leads(const struct node *node)
{
    char *answer = node->pid ? etcd_post(node->endpoint, "/v3/maintenance/status", "{}") : NULL;
    const char *self = answer ? strstr(answer, "\"member_id\":\"") : NULL;
    const char *leader = answer ? strstr(answer, "\"leader\":\"") : NULL;
    bool yes = self && leader && strtoull(self + 13, NULL, 10) == strtoull(leader + 10, NULL, 10);
    free(answer);
    return yes;
}

int cluster_leader(struct cluster *cluster)
{
    for (int64_t until_ms = vx_clock_ms() + HEALTHY_MS; vx_clock_ms() < until_ms; sleep_ms(100))
        for (int i = 0; i < cluster->node_count; i++)
            if (leads(&cluster->nodes[i]))
                return i;
    test_die(__FILE__, __LINE__, "no node leads", NULL);
}

struct etcd *client_of(const char *endpoints_with_commas)
{
    char *copy = strdup(endpoints_with_commas), *rest = copy;
    const char *endpoints[16];
    size_t count = 0;
    for (char *one; count < 16 && (one = strsep(&rest, ",")) != NULL;)
        endpoints[count++] = one;
    struct etcd *etcd = NULL;
    MUST(etcd_new(&(struct etcd_config){.endpoints = endpoints, .endpoint_count = count}, &etcd, &must_err));
    free(copy);
    return etcd;
}

const char *test_endpoints(void)
{
    const char *given = getenv("VELTRIX_TEST_ETCD");
    if (given && *given)
        return given;
    if (!own) {
        own = cluster_start(1, NULL);
        snprintf(own_endpoints, sizeof own_endpoints, "%s", own->nodes[0].endpoint);
    }
    return own_endpoints;
}

struct etcd *test_client(void)
{
    return client_of(test_endpoints());
}

void test_done(void)
{
    cluster_stop(own);
    own = NULL;
}

const char *test_fleet(char name[64])
{
    static int count;
    snprintf(name, 64, "t%d-%d-%d", (int)getpid(), ++count, (int)(vx_clock_wall_ms() % 1000000));
    return name;
}
