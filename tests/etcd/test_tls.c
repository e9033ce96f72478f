/* An etcd behind TLS that wants client certificates: what works, what is said when a certificate is wrong, and that renewed
 * files are used without a call. The etcd and its certificates are of scripts/etcd. */
#include <pthread.h>
#include <unistd.h>

#include "tests/etcd/fixture.h"

static char name[32];     /* of the etcd */
static char endpoint[64]; /* "https://127.0.0.1:2379" */
static char dir[200];     /* of its certificates */

/* Runs scripts/etcd with these words; the first line that it prints. */
static void script(const char *words, char *line, size_t size)
{
    char command[512], rest[512];
    snprintf(command, sizeof command, "%s/scripts/etcd %s --name %s 2>&1", VELTRIX_SOURCE_DIR, words, name);
    FILE *out = popen(command, "re");
    assert_non_null(out);
    line[0] = '\0';
    (void)!fgets(line, (int)size, out);
    while (fgets(rest, sizeof rest, out))
        continue;
    if (pclose(out) != 0)
        fail_msg("%s: %s", command, line);
}

static void etcd_script(const char *words)
{
    char line[512];
    script(words, line, sizeof line);
}

static void stop(void)
{
    etcd_script("stop");
}

static int begin(void **state)
{
    (void)state;
    char line[512];
    snprintf(name, sizeof name, "tls-%d", (int)getpid());
    script("start --tls", line, sizeof line);
    assert_int_equal(sscanf(line, "endpoints=%63s ca=%199s", endpoint, dir), 2);
    *strrchr(dir, '/') = '\0';
    atexit(stop);
    return 0;
}

/* A file of the etcd's certificates; "/..." stays as it is. */
static const char *file(const char *base, char path[256])
{
    if (base)
        snprintf(path, 256, "%s/%s", dir, base);
    return base ? path : NULL;
}

static struct etcd *client_of_files(const char *url, const char *ca, const char *cert, const char *key)
{
    struct etcd *etcd = NULL;
    char paths[3][256];
    struct etcd_config config = {.endpoints = &url,
                                 .endpoint_count = 1,
                                 .ca_file = file(ca, paths[0]),
                                 .cert_file = file(cert, paths[1]),
                                 .key_file = file(key, paths[2]),
                                 .canary_ms = 300};
    MUST(etcd_new(&config, &etcd, &must_err));
    return etcd;
}

static struct etcd *good_client(void)
{
    return client_of_files(endpoint, "ca.pem", "client.pem", "client.key");
}

/* A read. A machine so busy that it ends in a time-out says nothing of certificates: again. */
static enum vx_status get(struct etcd *etcd, struct vx_err *err)
{
    enum { ONCE_MS = 1500, ATTEMPTS = 6 };
    struct vx_arena arena = {0};
    struct etcd_range range;
    enum vx_status status = VX_ETIMEOUT;
    for (int i = 0; i < ATTEMPTS && status == VX_ETIMEOUT; i++)
        status = etcd_get_within(etcd, &arena, VX_SPAN_LITERAL("/k"), ETCD_LINEARIZABLE, ONCE_MS, &range, err);
    vx_arena_done(&arena);
    return status == VX_ENOTFOUND ? VX_OK : status;
}

static int64_t put(struct etcd *etcd)
{
    struct vx_arena arena = {0};
    struct etcd_op op = {.kind = ETCD_PUT, .key = VX_SPAN_LITERAL("/watched"), .value = VX_SPAN_LITERAL("v")};
    struct etcd_txn txn = {.then = &op, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result = {0};
    MUST(etcd_txn(etcd, &arena, &txn, &result, &must_err));
    vx_arena_done(&arena);
    return result.revision;
}

/* Connections that exist end, the next ones meet the certificates as they are now. */
static void restart(void)
{
    etcd_script("node 1 kill");
    etcd_script("node 1 start");
}

struct seen {
    _Atomic int64_t revision;
    _Atomic int losses;
    _Atomic bool connected;
    pthread_mutex_t mutex;
    char reason[512];
};

static void on_events(void *ctx, const struct etcd_event *events, size_t count, int64_t revision, uint64_t cluster_id)
{
    (void)events, (void)count, (void)cluster_id;
    ((struct seen *)ctx)->revision = revision;
}

static void on_compacted(void *ctx, int64_t compact_revision)
{
    (void)ctx, (void)compact_revision;
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    struct seen *seen = ctx;
    pthread_mutex_lock(&seen->mutex);
    snprintf(seen->reason, sizeof seen->reason, "%s", reason);
    pthread_mutex_unlock(&seen->mutex);
    seen->losses += !connected;
    seen->connected = connected;
}

static const struct etcd_watch_ops ops = {.on_events = on_events, .on_compacted = on_compacted, .on_state = on_state};

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void calls_and_watches_go_through_tls(void **state)
{
    (void)state;
    struct etcd *etcd = good_client();
    struct seen seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct etcd_watch *watch = etcd_watch_new(etcd, VX_SPAN_LITERAL("/watched"), false, 0, &ops, &seen);
    assert_true(EVENTUALLY(5, seen.connected));
    int64_t revision = put(etcd);
    assert_true(EVENTUALLY(5, seen.revision == revision));
    struct etcd_status status;
    MUST(etcd_status(etcd, &status, &must_err));
    assert_true(status.has_leader);
    etcd_watch_free(watch);
    etcd_free(etcd);
}

static void what_is_wrong_with_a_certificate_is_told(void **state)
{
    (void)state;
    char plain[64];
    snprintf(plain, sizeof plain, "http://%s", endpoint + 8);
    static const struct {
        const char *issue; /* before, with scripts/etcd */
        const char *ca, *cert, *key;
        const char *says;
    } cases[] = {
        {NULL, NULL, "client.pem", "client.key",
         "its certificate is of a CA that this system does not know: set ca_file"},
        {NULL, "ca.pem", NULL, NULL, "it wants a client certificate: set cert_file and key_file"},
        {"issue client expired", "ca.pem", "client.pem", "client.key", "it refused our client certificate"},
        {"issue client stranger", "ca.pem", "client.pem", "client.key", "it refused our client certificate"},
        {"issue client", "ca.pem", "client.pem", "client.key", NULL},
        {"issue server expired", "ca.pem", "client.pem", "client.key",
         "its certificate has expired: renew etcd's certificate (or this host's clock is wrong)"},
        {"issue server stranger", "ca.pem", "client.pem", "client.key",
         "its certificate is of a CA that is not in ca_file ("},
        {"issue server host etcd.example", "ca.pem", "client.pem", "client.key",
         "its certificate is for another host: it must name the one of the endpoint"},
        {"issue server", "ca.pem", "client.pem", "client.key", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].issue)
            etcd_script(cases[i].issue);
        struct etcd *etcd = client_of_files(endpoint, cases[i].ca, cases[i].cert, cases[i].key);
        struct vx_err err = {0};
        enum vx_status status = get(etcd, &err);
        if (cases[i].says) {
            assert_int_equal(status, VX_EUNAVAILABLE);
            /* etcd's alert may be lost on its way; then there is a question instead. */
            if (strncmp(cases[i].says, "it ", 3) != 0 || !strstr(err.message, " after the TLS handshake: does it "))
                assert_contains(err.message, cases[i].says);
        } else {
            assert_int_equal(status, VX_OK);
        }
        etcd_free(etcd);
    }
    struct etcd *etcd = client_of_files(plain, NULL, NULL, NULL);
    struct vx_err err;
    assert_int_equal(get(etcd, &err), VX_EUNAVAILABLE);
    etcd_free(etcd);
}

static void https_to_an_etcd_without_tls_is_told(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_start(1, NULL);
    char url[80];
    snprintf(url, sizeof url, "https://%s", cluster_endpoint(cluster, 0) + 7);
    struct etcd *etcd = client_of_files(url, "ca.pem", NULL, NULL);
    struct vx_err err;
    assert_int_equal(get(etcd, &err), VX_EUNAVAILABLE);
    assert_contains(err.message, "it ended the TLS handshake: does it speak TLS, or only http://?");
    etcd_free(etcd);
    cluster_stop(cluster);
}

/* A write that TLS refused in so many words was not made. */
static void a_write_that_tls_refused_is_not_called_unknown(void **state)
{
    (void)state;
    struct etcd *etcd = client_of_files(endpoint, "ca.pem", NULL, NULL);
    struct vx_arena arena = {0};
    struct etcd_op op = {.kind = ETCD_PUT, .key = VX_SPAN_LITERAL("/k"), .value = VX_SPAN_LITERAL("v")};
    struct etcd_txn txn = {.then = &op, .then_count = 1};
    struct etcd_txn_result result;
    struct vx_err err;
    assert_int_equal(etcd_txn(etcd, &arena, &txn, &result, &err), VX_EUNAVAILABLE);
    if (strstr(err.message, "it wants a client certificate: set cert_file and key_file"))
        assert_null(strstr(err.message, "not known"));
    else
        assert_contains(err.message, " after the TLS handshake: does it want a client certificate");
    vx_arena_done(&arena);
    etcd_free(etcd);
}

/* The number of lines of etcd's log that tell of a connection without TLS. */
static int rejected(void)
{
    char path[300], line[2048];
    int count = 0;
    snprintf(path, sizeof path, "%.*s/node1/log", (int)(strrchr(dir, '/') - dir), dir);
    FILE *log = fopen(path, "re");
    assert_non_null(log);
    while (fgets(line, sizeof line, log))
        count += strstr(line, "rejected connection") != NULL;
    fclose(log);
    return count;
}

static void an_expired_certificate_ends_the_watch_and_a_renewed_one_heals_it(void **state)
{
    (void)state;
    enum { TRIES = 7, TRIES_MS = 1500 }; /* the back-off's least: 50 + 100 + 200 + 400 + 800 */
    struct etcd *etcd = good_client();
    struct seen seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct etcd_watch *watch = etcd_watch_new(etcd, VX_SPAN_LITERAL("/watched"), false, 0, &ops, &seen);
    assert_true(EVENTUALLY(5, seen.connected));
    int64_t revision = put(etcd);
    assert_true(EVENTUALLY(5, seen.revision == revision));
    etcd_script("issue server expired");
    etcd_script("node 1 kill");
    assert_true(EVENTUALLY(5, !seen.connected));
    int before = rejected();
    etcd_script("node 1 start");
    assert_true(EVENTUALLY(20, SEEN(&seen, strstr(seen.reason, "its certificate has expired") != NULL)));
    int losses = seen.losses;
    int64_t since_ms = vx_clock_ms();
    assert_true(EVENTUALLY(30, rejected() >= before + TRIES));
    print_message("%d tries in %lld ms\n", TRIES, (long long)(vx_clock_ms() - since_ms));
    assert_true(vx_clock_ms() - since_ms >= TRIES_MS / 2); /* the first ones may have been before */
    assert_int_equal(seen.losses, losses);                 /* one sentence for all of them */
    etcd_script("issue server");
    assert_true(EVENTUALLY(20, seen.connected));
    revision = put(etcd);
    assert_true(EVENTUALLY(5, seen.revision == revision));
    etcd_watch_free(watch);
    etcd_free(etcd);
}

static void a_renewed_client_certificate_is_used_without_a_call(void **state)
{
    (void)state;
    struct vx_err err;
    etcd_script("issue client expired");
    struct etcd *etcd = good_client();
    assert_int_equal(get(etcd, &err), VX_EUNAVAILABLE);
    etcd_script("issue client");
    assert_int_equal(get(etcd, &err), VX_OK);
    etcd_free(etcd);
}

static void copy_file(const char *from, const char *to)
{
    char command[600];
    snprintf(command, sizeof command, "cp '%s/%s' '%s/%s'", dir, from, dir, to);
    assert_int_equal(system(command), 0);
}

/* libcurl would keep the old one for a day. */
static void a_renewed_ca_file_is_used_without_a_call(void **state)
{
    (void)state;
    struct vx_err err;
    etcd_script("issue client stranger");
    etcd_script("issue client");
    copy_file("ca.pem", "mine.pem");
    struct etcd *etcd = client_of_files(endpoint, "mine.pem", "client.pem", "client.key");
    MUST(get(etcd, &must_err));
    copy_file("stranger.pem", "mine.pem");
    MUST(get(etcd, &must_err)); /* the connection stays */
    restart();
    assert_int_equal(get(etcd, &err), VX_EUNAVAILABLE);
    assert_contains(err.message, "its certificate is of a CA that is not in ca_file (");
    copy_file("ca.pem", "mine.pem");
    MUST(get(etcd, &must_err));
    etcd_free(etcd);
}

static void files_that_cannot_work_are_found_by_the_check(void **state)
{
    (void)state;
    char command[1200], paths[3][256];
    snprintf(command, sizeof command,
             "openssl genpkey -quiet -algorithm ed25519 -aes256 -pass pass:secret -out '%s/locked.key' 2>/dev/null || "
             "openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret -out '%s/locked.key' 2>/dev/null",
             dir, dir);
    assert_int_equal(system(command), 0);
    static const struct {
        const char *url, *ca, *cert, *key, *says;
    } cases[] = {
        {"https://h:1", "ca.pem", "client.pem", "client.key", NULL},
        {"https://h:1", NULL, NULL, NULL, NULL},
        {"https://h:1", "none.pem", NULL, NULL, "none.pem: No such file or directory"},
        {"https://h:1", "ca.key", NULL, NULL, "ca.key: this file has no certificate in PEM form"},
        {"https://h:1", NULL, "client.pem", "ca.pem", "ca.pem: this file has no private key in PEM form"},
        {"https://h:1", NULL, "client.pem", NULL, "client.pem: this file has no private key in PEM form"},
        {"https://h:1", NULL, "client.pem", "server.key", "server.key: this key is not the one of the certificate in "},
        {"https://h:1", NULL, "client.pem", "locked.key", "locked.key: the key has a passphrase; expected one without"},
        {"https://h:1", NULL, NULL, "client.key", "key_file is set without cert_file"},
        {"http://h:1", "ca.pem", NULL, NULL,
         "etcd endpoint `http://h:1` does not use TLS, but ca_file is set: expected https://"},
        {"http://h:1", NULL, "client.pem", "client.key",
         "etcd endpoint `http://h:1` does not use TLS, but cert_file is set: expected https://"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etcd_config config = {.endpoints = &cases[i].url,
                                     .endpoint_count = 1,
                                     .ca_file = file(cases[i].ca, paths[0]),
                                     .cert_file = file(cases[i].cert, paths[1]),
                                     .key_file = file(cases[i].key, paths[2])};
        struct vx_err err;
        assert_int_equal(etcd_config_check(&config, &err), cases[i].says ? VX_EINVAL : VX_OK);
        if (cases[i].says)
            assert_contains(err.message, cases[i].says);
    }
}

/* The last one: it leaves users behind. */
static void a_common_name_where_there_are_users_is_told(void **state)
{
    (void)state;
    static const char *const words[] = {"user add root:root", "user grant-role root root", "auth enable"};
    char command[512], paths[3][256];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(command, sizeof command, "%s/scripts/etcd --name %s ctl %s >/dev/null", VELTRIX_SOURCE_DIR, name,
                 words[i]);
        assert_int_equal(system(command), 0);
    }
    struct etcd_config config = {.endpoints = (const char *const[]){endpoint},
                                 .endpoint_count = 1,
                                 .user = "root",
                                 .password = "root",
                                 .ca_file = file("ca.pem", paths[0]),
                                 .cert_file = file("client.pem", paths[1]),
                                 .key_file = file("client.key", paths[2])};
    struct etcd *etcd;
    struct vx_err err;
    etcd_script("issue client named");
    MUST(etcd_new(&config, &etcd, &must_err));
    assert_int_equal(get(etcd, &err), VX_EUNAVAILABLE);
    assert_contains(err.message, ": it refuses a client certificate that has a common name (CN) while it has users: "
                                 "cert_file must be one without");
    etcd_free(etcd);
    etcd_script("issue client");
    MUST(etcd_new(&config, &etcd, &must_err));
    MUST(get(etcd, &must_err));
    etcd_free(etcd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_watches_go_through_tls),
        cmocka_unit_test(what_is_wrong_with_a_certificate_is_told),
        cmocka_unit_test(https_to_an_etcd_without_tls_is_told),
        cmocka_unit_test(a_write_that_tls_refused_is_not_called_unknown),
        cmocka_unit_test(an_expired_certificate_ends_the_watch_and_a_renewed_one_heals_it),
        cmocka_unit_test(a_renewed_client_certificate_is_used_without_a_call),
        cmocka_unit_test(a_renewed_ca_file_is_used_without_a_call),
        cmocka_unit_test(files_that_cannot_work_are_found_by_the_check),
        cmocka_unit_test(a_common_name_where_there_are_users_is_told),
    };
    return cmocka_run_group_tests_name("etcd_tls", tests, begin, NULL);
}
