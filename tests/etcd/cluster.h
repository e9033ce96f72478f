/* etcd for tests: the one that the environment names, or clusters of our own that may be hurt.
 *
 * Nodes of a cluster listen on free ports of the loopback, keep their data in a temporary directory and die with the thread
 * that started them (so start them on the main thread). A step that fails ends the program with a sentence.
 */
#ifndef VX_TESTS_ETCD_CLUSTER_H
#define VX_TESTS_ETCD_CLUSTER_H

#include <stdbool.h>

#include "core/etcd/etcd.h"
#include "core/store/store.h"

enum { CLUSTER_NODES_MAX = 3 };

struct cluster;

/* `flags` ends with NULL; may be NULL. Returns when it is healthy. */
struct cluster *cluster_start(int nodes, const char *const *flags);
void cluster_stop(struct cluster *cluster);
const char *cluster_endpoint(const struct cluster *cluster, int node);
void cluster_kill(struct cluster *cluster, int node);  /* SIGKILL; its data stays */
void cluster_term(struct cluster *cluster, int node);  /* SIGTERM, and waits */
void cluster_spawn(struct cluster *cluster, int node); /* again, with its data */
void cluster_wipe(struct cluster *cluster, int node);  /* its data, while it is down */
void cluster_pause(struct cluster *cluster, int node);
void cluster_resume(struct cluster *cluster, int node);
/* The node that leads; waits until there is one. */
int cluster_leader(struct cluster *cluster);
void cluster_wait_healthy(struct cluster *cluster, int node);
/* One POST to etcd's JSON gateway, past the client; the answer as it came, head included, freed by the caller; NULL: none. */
char *etcd_post(const char *endpoint, const char *path, const char *body);
char *etcd_post_as(const char *endpoint, const char *path, const char *token, const char *body);
void etcd_compact(const char *endpoint, int64_t revision);

/* A client of all nodes, or of one; of the etcd of the environment, or of a node that was started for this program. */
struct etcd *cluster_client(const struct cluster *cluster);
struct etcd *cluster_client_of(const struct cluster *cluster, int node);
struct etcd *test_client(void);
/* Ends what test_client() started. */
void test_done(void);
/* The endpoints of test_client(), with commas: for child processes. */
const char *test_endpoints(void);
struct etcd *client_of(const char *endpoints_with_commas);

/* A fleet of its own for each test. Returns `name`. */
const char *test_fleet(char name[64]);

/* A port of the loopback that nobody listens on. */
int free_port(void);
void sleep_ms(int ms);

/* For what must not fail: the call gets &must_err; when it fails, its message ends the program. */
extern _Thread_local struct vx_err must_err;
#define MUST(call) ((call) == VX_OK ? (void)0 : test_die(__FILE__, __LINE__, #call, &must_err))
_Noreturn void test_die(const char *file, int line, const char *what, const struct vx_err *err);

#endif
