/* apply, rollback and fleet against a configsvc that can be made to say anything: what is asked, what is printed, and the
 * frozen exit codes. The real one is met in tests/e2e. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "program.h"

enum routers { RUN, NONE, LATE, REJECT, RUN_BEFORE };

/* The pretended configsvc; set by a test, read by its thread between requests. */
static struct {
    enum routers routers;
    bool conflict;  /* publishing answers 409 */
    bool refuse;    /* publishing and validating answer with a finding */
    bool supersede; /* somebody moves the pointer right after us */
    bool garbage;   /* answers are no JSON */
    bool empty;     /* answers are {} */
    bool mute;      /* connections are closed without an answer */
    int extra;      /* pipelines besides the one document of every release */
    bool fleet;     /* and a fleet document */
    bool refusing;  /* the router does not obey etcd, until that is accepted */
    int known;      /* generation that the router obeyed last; 0: it does not say */
    bool waits;     /* GET /routers tells revisions: the second time that somebody asks, the router has followed */
    int generation, stable, head;
    char running[1024]; /* the text of the one document of every release */
    char log[4096];     /* "POST /releases\n..." */
    char published[8192];
    char asked[600]; /* the last question about routers */
} fake;

/* Held by the test but while a command runs; then by the pretended configsvc for each request. Guards `fake`. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int listener = -1;
static char dir[64];

static const char text[] = "kind: routing\nname: r\ntopics: [t]\nrules: []\notherwise: { drop: true }\n";

/* --- the pretended configsvc ----------------------------------------------------------------------------------------- */

static void routers_json(struct vx_buf *out)
{
    bool same = fake.routers == RUN || fake.routers == RUN_BEFORE; /* BEFORE: what had that number before a restore */
    int runs = same ? fake.stable : 1, generation = fake.routers == RUN ? fake.generation : 1;
    vx_buf_printf(out, "{%s\"routers\":[", fake.waits ? "\"revision\":7," : "");
    if (fake.routers != NONE)
        vx_buf_printf(
            out,
            "{\"id\":\"r1\",\"instance\":\"i\",\"since_revision\":1,\"report\":{\"host\":\"h1\",\"version\":\"1\","
            "\"joined\":true,\"running\":{\"release\":%d,\"generation\":%d,\"since_ms\":1},\"workers_release\":%d,"
            "\"partitions\":4,",
            runs, generation, runs);
    if ((fake.routers == REJECT && fake.stable > 1) || fake.routers == RUN_BEFORE)
        vx_buf_printf(
            out, "\"releases\":[{\"release\":%d,\"state\":\"rejected\",\"error\":\"r.yaml:1:1: too \\u001b[31mnew\"}],",
            fake.stable);
    if (fake.known && fake.routers != NONE)
        vx_buf_printf(out, "\"known\":{\"generation\":%d,\"cluster\":\"1\"},", fake.known);
    if (fake.refusing && fake.routers != NONE)
        vx_buf_str(out, "\"alarm\":\"generation_fell\",");
    vx_buf_str(out, fake.routers == NONE ? "]}" : "\"etcd\":\"connected\"}}]}");
}

static void document_json(struct vx_buf *out)
{
    vx_buf_str(out, "[{\"kind\":\"routing\",\"name\":\"r\",\"path\":\"r.yaml\",\"line\":1,\"text\":\"");
    for (const char *p = fake.running; *p; p++)
        vx_buf_str(out, *p == '\n' ? "\\n" : (char[]){*p, 0});
    vx_buf_str(out, "\"}");
    for (int i = 0; i < fake.extra; i++)
        vx_buf_printf(out,
                      ",{\"path\":\"p%d.yaml\",\"line\":1,\"text\":\"{ kind: processing, name: p%d, stages: [ emit: { "
                      "topic: o } ] }\"}",
                      i, i);
    if (fake.fleet)
        vx_buf_str(out, ",{\"path\":\"f.yaml\",\"line\":1,\"text\":\"{ kind: fleet, name: f }\"}");
    vx_buf_char(out, ']');
}

static void pointer_json(struct vx_buf *out)
{
    vx_buf_printf(out, "{\"generation\":%d,\"stable\":%d,\"by\":\"ann\",\"time\":\"2026-11-21T03:00:00.000Z\"}",
                  fake.generation, fake.stable);
}

static int answer(const char *route, const char *body, struct vx_buf *out)
{
    static const char finding[] = "[{\"severity\":\"error\",\"file\":\"r.yaml\",\"line\":2,\"column\":7,\"width\":1,"
                                  "\"message\":\"too new\",\"quoted\":\"name: r\"}]";
    const char *release = strstr(body, "\"release\":");
    if (strcmp(route, "GET /v1/fleets") == 0) {
        vx_buf_str(out, "{\"fleets\":[\"f\",\"games\"]}");
    } else if (strcmp(route, "GET /pointer") == 0) {
        pointer_json(out);
    } else if (strncmp(route, "GET /releases?", 14) == 0) {
        vx_buf_printf(out, "{\"head\":%d,\"running\":%d,\"releases\":[]}", fake.head, fake.stable);
    } else if (strncmp(route, "GET /releases/", 14) == 0) {
        vx_buf_printf(out, "{\"release\":%d,\"documents\":", atoi(route + 14) ? atoi(route + 14) : fake.stable);
        document_json(out);
        vx_buf_char(out, '}');
    } else if (strcmp(route, "POST /releases") == 0 && fake.conflict) {
        vx_buf_str(out,
                   "{\"error\":{\"code\":\"conflict\",\"message\":\"bob was faster: release 8\",\"findings\":[]}}");
        return 409;
    } else if (strcmp(route, "POST /releases") == 0 && fake.refuse) {
        vx_buf_printf(out, "{\"error\":{\"code\":\"invalid\",\"message\":\"refused: 1 error\",\"findings\":%s}}",
                      finding);
        return 422;
    } else if (strcmp(route, "POST /releases") == 0) {
        snprintf(fake.published, sizeof fake.published, "%s", body);
        vx_buf_printf(out, "{\"release\":%d,\"parent\":%d,\"findings\":[]}", fake.head + 1, fake.head);
        fake.head++;
        return 201;
    } else if (strcmp(route, "POST /validate") == 0) {
        vx_buf_printf(out, "{\"valid\":%s,\"documents\":1,\"findings\":%s}", fake.refuse ? "false" : "true",
                      fake.refuse ? finding : "[]");
    } else if (strcmp(route, "POST /activate") == 0 || strcmp(route, "POST /rollback") == 0 ||
               strcmp(route, "POST /accept-restore") == 0) {
        int was = fake.stable;
        if (strcmp(route, "POST /accept-restore") == 0)
            fake.refusing = false;
        else
            fake.stable = release ? atoi(release + 10) : fake.stable - 1;
        fake.generation++;
        vx_buf_str(out, "{\"pointer\":");
        pointer_json(out);
        vx_buf_printf(out, ",\"was\":%d}", was);
        fake.generation += fake.supersede;
    } else if (strncmp(route, "GET /routers", 12) == 0) {
        if (fake.waits && strcmp(route, "GET /routers") != 0)
            fake.routers = RUN;
        strcpy(fake.asked, route);
        routers_json(out);
    } else {
        vx_buf_str(out, "{\"error\":{\"code\":\"no_such_route\",\"message\":\"what?\",\"findings\":[]}}");
        return 404;
    }
    return 200;
}

static void serve_one(int fd)
{
    static char request[1 << 20];
    size_t len = 0;
    const char *head = NULL, *length;
    for (ssize_t n = 1; n > 0 && len < sizeof request - 1;) {
        n = recv(fd, request + len, sizeof request - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        request[len] = '\0';
        if ((head = strstr(request, "\r\n\r\n")) &&
            len >= (size_t)(head + 4 - request) + ((length = strcasestr(request, "content-length:")) && length < head
                                                       ? (size_t)atol(length + 15)
                                                       : 0))
            break;
    }
    char method[16] = "", path[512] = "", route[600];
    if (!head || sscanf(request, "%15s %511s", method, path) != 2 || fake.mute)
        return;
    const char *rest = strncmp(path, "/v1/fleets/", 11) == 0 ? strchr(path + 11, '/') : path;
    snprintf(route, sizeof route, "%s %s", method, rest);
    if (strcmp(method, "POST") == 0) {
        strcat(fake.log, route);
        strcat(fake.log, "\n");
    }
    struct vx_buf body = {0}, out = {0};
    int status = answer(route, head + 4, &body);
    if (fake.garbage || fake.empty) {
        status = 200;
        vx_buf_clear(&body);
        vx_buf_str(&body, fake.empty ? "{}" : "<html>hello</html>");
    }
    vx_buf_printf(&out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status, body.len,
                  vx_buf_text(&body));
    if (send(fd, out.at, out.len, MSG_NOSIGNAL) < 0)
        perror("send");
    vx_buf_done(&body);
    vx_buf_done(&out);
}

static void *serve(void *arg)
{
    (void)arg;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        pthread_mutex_lock(&turn);
        serve_one(fd);
        pthread_mutex_unlock(&turn);
    }
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    pthread_t thread;
    pthread_mutex_lock(&turn);
    char url[64], path[128];
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&at, &len))
        return 1;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    setenv("VELTRIX_SERVER", url, 1);
    setenv("TEST_SERVER", "1", 1);
    setenv("USER", "ann", 1);
    strcpy(dir, program_dir());
    snprintf(path, sizeof path, "%s/d", dir);
    mkdir(path, 0700);
    program_write(dir, "d/r.yaml", text);
    return pthread_create(&thread, NULL, serve, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    program_clean(dir);
    return 0;
}

/* A fleet that runs release 1 of 7, which says something else than d/. */
static int fresh(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.generation = 5;
    fake.stable = 1;
    fake.head = 7;
    strcpy(fake.running, text);
    memcpy(strstr(fake.running, "[t]"), "[u]", 3);
    return 0;
}

static const struct program_result *run(const char *command)
{
    pthread_mutex_unlock(&turn);
    const struct program_result *r = program_run(dir, command);
    pthread_mutex_lock(&turn);
    return r;
}

static void check(const char *command, int code, const char *out, const char *err, const char *asked)
{
    const struct program_result *r = run(command);
    if (r->code != code || strcmp(r->out, out) != 0 || strcmp(r->err, err) != 0 || strcmp(fake.log, asked) != 0)
        fail_msg(
            "%s\n--- exit %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s--- want\n%s--- asked\n%s--- want\n%s",
            command, r->code, code, r->out, out, r->err, err, fake.log, asked);
}

#define APPLY_WORDS "apply d -m why"
#define APPLY "veltrix " APPLY_WORDS " --fleet f"

/* --- tests ----------------------------------------------------------------------------------------------------------- */

static const char *diff_text(void)
{
    static char diff[1024];
    const struct program_result *r = run("veltrix diff d --fleet f");
    assert_int_equal(r->code, 1);
    strcpy(diff, r->out);
    return diff;
}

static void check_apply(const char *options, int code, const char *after_diff, const char *err, const char *asked)
{
    char command[256], out[4096];
    snprintf(out, sizeof out, "%s%s", diff_text(), after_diff);
    snprintf(command, sizeof command, APPLY "%s", options);
    check(command, code, out, err, asked);
}

static void apply_exits_0_when_every_router_runs_it(void **state)
{
    (void)state;
    fake.routers = RUN;
    check_apply("", 0, "@8 runs on every router (1)\n", "published @8\n", "POST /releases\nPOST /activate\n");
    assert_int_equal(fake.stable, 8);
}

static void apply_without_routers_says_so(void **state)
{
    (void)state;
    fake.routers = NONE;
    check_apply("", 0, "@8 is the running release; no router is live yet\n", "published @8\n",
                "POST /releases\nPOST /activate\n");
}

static void apply_does_not_wait_when_told_so(void **state)
{
    (void)state;
    fake.routers = LATE;
    check_apply(" --wait=0", 0, "@8 is the running release\n", "published @8\n", "POST /releases\nPOST /activate\n");
}

static void apply_of_what_runs_does_nothing(void **state)
{
    (void)state;
    strcpy(fake.running, text);
    check(APPLY, 0, "nothing to do: the folder says the same; @1 runs on every router (1)\n", "", "");
    check(APPLY " --wait=0", 0, "nothing to do: the folder says the same; @1 is the running release\n", "", "");
    check(APPLY " --dry-run", 0, "nothing to do: the folder says the same; @1 is the running release\n", "", "");
    check(APPLY " -o json", 0, "{\"result\":\"unchanged\",\"release\":1,\"was\":1,\"routers\":1,\"running\":1}\n", "",
          "");
    fake.routers = NONE;
    check(APPLY, 0, "nothing to do: the folder says the same; @1 is the running release; no router is live yet\n", "",
          "");
}

static void apply_of_what_runs_waits_for_the_routers_too(void **state)
{
    (void)state;
    strcpy(fake.running, text);
    fake.stable = 2;
    fake.routers = LATE;
    check(APPLY " --wait=1", 3, "",
          "release @2: 0 of 1 routers run it\n"
          "veltrix: after 1 s, @2 runs on 0 of 1 routers; it stays the running release. Still missing: r1\n",
          "");
    fake.routers = REJECT;
    check(APPLY, 1, "", "veltrix: router r1 rejected @2: r.yaml:1:1: too ?[31mnew\n", "");
}

static void apply_exits_1_and_puts_back_what_a_router_rejects(void **state)
{
    (void)state;
    fake.routers = REJECT;
    check_apply(
        "", 1, "",
        "published @8\nrouter r1 rejected @8: r.yaml:1:1: too ?[31mnew\nveltrix: rejected; the fleet runs @1 again\n",
        "POST /releases\nPOST /activate\nPOST /rollback\n");
    assert_int_equal(fake.stable, 1);
}

static void a_first_release_cannot_be_put_back(void **state)
{
    (void)state;
    fake.routers = REJECT;
    fake.stable = fake.generation = 0;
    const struct program_result *r = run(APPLY);
    assert_int_equal(r->code, 1);
    assert_string_equal(fake.log, "POST /releases\nPOST /activate\n");
    assert_non_null(
        strstr(r->err, "veltrix: rejected; nothing ran before, so nothing could be put back: the fleet waits\n"));
}

static void apply_exits_3_when_a_router_does_not_follow(void **state)
{
    (void)state;
    fake.routers = LATE;
    check_apply(" --wait=1", 3, "",
                "published @8\nrelease @8: 0 of 1 routers run it\n"
                "veltrix: after 1 s, @8 runs on 0 of 1 routers; it stays the running release. Still missing: r1\n",
                "POST /releases\nPOST /activate\n");
    assert_int_equal(fake.stable, 8);
}

static void apply_exits_1_when_somebody_was_faster(void **state)
{
    (void)state;
    fake.conflict = true;
    check_apply("", 1, "", "veltrix: bob was faster: release 8\n", "POST /releases\n");
}

static void apply_exits_1_when_configsvc_refuses(void **state)
{
    (void)state;
    fake.refuse = true;
    check_apply("", 1, "",
                "d/r.yaml:2:7: error: too new\n    2 | name: r\n      |       ^\nveltrix: refused: 1 error\n",
                "POST /releases\n");
}

static void apply_exits_1_when_the_pointer_moves_meanwhile(void **state)
{
    (void)state;
    fake.supersede = true;
    check_apply("", 1, "",
                "published @8\nveltrix: somebody has changed what the fleet runs meanwhile: see `veltrix audit`\n",
                "POST /releases\nPOST /activate\n");
}

static void a_dry_run_changes_nothing(void **state)
{
    (void)state;
    check_apply(" --dry-run", 0, "dry run: configsvc would accept this; nothing was changed\n", "", "POST /validate\n");
    fresh(NULL);
    fake.refuse = true;
    check_apply(" --dry-run", 1, "",
                "d/r.yaml:2:7: error: too new\n    2 | name: r\n      |       ^\nveltrix: configsvc refuses this\n",
                "POST /validate\n");
}

static void apply_as_json_is_one_value(void **state)
{
    (void)state;
    fake.routers = RUN;
    const struct program_result *r = run(APPLY " -o json");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "{\"result\":\"applied\",\"release\":8,\"was\":1,\"routers\":1,\"running\":1}\n");
    fresh(NULL);
    fake.routers = REJECT;
    r = run(APPLY " -o json");
    assert_int_equal(r->code, 1);
    assert_string_equal(
        r->out, "{\"result\":\"rejected\",\"release\":8,\"was\":1,\"routers\":1,\"running\":0,\"router\":\"r1\","
                "\"error\":\"r.yaml:1:1: too ?[31mnew\"}\n");
}

static void what_runs_need_not_load_to_be_replaced(void **state)
{
    (void)state;
    fake.routers = RUN;
    strcpy(fake.running, "kind: routing\nname: r\nteleport: mars\n");
    const struct program_result *r = run(APPLY);
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err,
                        "@1 does not load in this version of veltrix, so it cannot be compared\npublished @8\n");
    assert_string_equal(fake.log, "POST /releases\nPOST /activate\n");
    assert_int_equal(run("veltrix diff d --fleet f")->code, 2);
}

static void apply_asks_for_news_instead_of_asking_again(void **state)
{
    (void)state;
    fake.routers = LATE;
    fake.waits = true;
    check_apply("", 0, "@8 runs on every router (1)\n", "published @8\nrelease @8: 0 of 1 routers run it\n",
                "POST /releases\nPOST /activate\n");
    assert_string_equal(fake.asked, "GET /routers?after=7&wait=5000");
}

static void write_test(const char *outcome)
{
    struct vx_buf document = {0};
    vx_buf_printf(&document, "{ kind: test, name: t, topic: t, given: {}, expect: { outcome: %s } }\n", outcome);
    program_write(dir, "d/t.yaml", vx_buf_text(&document));
    vx_buf_done(&document);
}

static void apply_runs_the_tests_first(void **state)
{
    (void)state;
    fake.routers = RUN;
    write_test("dropped");
    check_apply("", 0, "@8 runs on every router (1)\n",
                "tests: 1 case, it passed; 0 of 0 rules reached (100 %)\npublished @8\n",
                "POST /releases\nPOST /activate\n");
    assert_null(strstr(fake.published, "kind: test"));
    fresh(NULL);
    write_test("emitted");
    static const char *const options[] = {"", " --dry-run"};
    for (size_t i = 0; i < 2; i++)
        check_apply(options[i], 1, "",
                    "d/t.yaml:1: failed: t\n    outcome: expected emitted, got dropped\n"
                    "tests: 1 case, 1 failed; 0 of 0 rules reached (100 %)\n"
                    "veltrix: apply: 1 of 1 test cases failed, nothing was changed (--skip-tests applies anyway)\n",
                    "");
    fake.routers = RUN;
    check_apply(" --skip-tests", 0, "@8 runs on every router (1)\n", "published @8\n",
                "POST /releases\nPOST /activate\n");
    assert_non_null(strstr(fake.published, "\"message\":\"why [TESTS SKIPPED]\""));
    run("rm d/t.yaml");
}

/* What a sample of events never has is said, and no more than that; a sample that cannot be read ends it. */
static void apply_warns_of_what_a_sample_lacks(void **state)
{
    static const char config[] = "kind: routing\nname: r\ntopics: [t]\nrules:\n"
                                 "  - { name: a, when: event.typ == \"x\", drop: true }\n"
                                 "otherwise: { drop: true }\n";
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/sampled", dir);
    mkdir(path, 0700);
    program_write(dir, "sampled/r.yaml", config);
    program_write(dir, "sample.jsonl", "{\"type\":\"x\"}\n{\"type\":\"y\"}\n");
    fake.routers = RUN;
    const struct program_result *result = run("veltrix apply sampled -m change --fleet f --events sample.jsonl");
    assert_int_equal(result->code, 0);
    assert_non_null(strstr(result->err,
                           "sampled/r.yaml:5:28: warning: none of the 2 events has `event.typ`; did you mean "
                           "`type`?\n"));
    assert_non_null(strstr(result->err, "sampled/r.yaml:5:13: warning: rule `a` takes none of the 2 events\n"));
    assert_non_null(strstr(result->err, "published @8\n"));
    fresh(NULL);
    result = run("veltrix apply sampled -m change --fleet f --events nowhere.jsonl");
    assert_int_equal(result->code, 2);
    assert_string_equal(result->err, "veltrix: nowhere.jsonl cannot be read: No such file or directory\n");
    assert_string_equal(fake.log, "");
}

static void apply_asks_before_it_removes_much(void **state)
{
    (void)state;
    fake.routers = RUN;
    fake.extra = 2; /* too few to mind */
    check_apply("", 0, "@8 runs on every router (1)\n", "published @8\n", "POST /releases\nPOST /activate\n");
    fresh(NULL);
    fake.routers = RUN;
    fake.extra = 3;
    check_apply("", 1, "",
                "veltrix: apply: 3 of the 4 documents that run would be removed: is it the right folder? "
                "--allow-removal applies it\n",
                "");
    check_apply(" --allow-removal", 0, "@8 runs on every router (1)\n", "published @8\n",
                "POST /releases\nPOST /activate\n");
    fresh(NULL);
    fake.fleet = true;
    check_apply(
        "", 1, "",
        "veltrix: apply: @1 has a `kind: fleet` document, `f`, and the folder has none: is it the right folder? "
        "--allow-removal applies it\n",
        "");
}

static void rollback_goes_back_and_waits(void **state)
{
    (void)state;
    fake.routers = RUN;
    fake.stable = 7;
    check("veltrix rollback --fleet f", 0, "@6 runs on every router (1)\n", "back from @7 to @6\n", "POST /rollback\n");
    fresh(NULL);
    fake.stable = 7;
    fake.routers = LATE;
    assert_int_equal(run("veltrix rollback @3 --fleet f --wait=1")->code, 3);
    assert_int_equal(fake.stable, 3);
}

static void a_router_that_does_not_obey_etcd_does_not_count_as_running_what_it_names(void **state)
{
    (void)state;
    fake.routers = RUN;
    fake.refusing = true;
    const struct program_result *r = run(APPLY " --wait=1");
    assert_int_equal(r->code, 3);
    assert_non_null(strstr(r->err, "Still missing: r1 (does not obey etcd: see `veltrix fleet`)\n"));
    r = run("veltrix fleet --fleet f");
    assert_non_null(
        strstr(r->out, "\nr1 does not obey etcd, which was set back: `veltrix fleet accept-restore` tells it to\n"));
}

static void an_accepted_restore_is_waited_for(void **state)
{
    (void)state;
    fake.routers = RUN;
    fake.refusing = true;
    fake.stable = 7;
    check("veltrix fleet accept-restore --fleet f", 0, "@7 runs on every router (1)\n",
          "accepted: the fleet goes on with @7 of this etcd\n", "POST /accept-restore\n");
    fresh(NULL);
    fake.stable = 7;
    fake.routers = LATE;
    assert_int_equal(run("veltrix fleet accept-restore --fleet f --wait=1")->code, 3);
}

/* {7 running}, {7 rejected}: the number was given out twice, and the second one is refused. */
static void a_router_that_runs_the_release_that_had_the_number_before_does_not_run_it(void **state)
{
    static const char *const commands[] = {"fleet accept-restore", "rollback @7"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char command[128];
        snprintf(command, sizeof command, "veltrix %s --fleet f --wait=1", commands[i]);
        fresh(NULL);
        fake.routers = RUN_BEFORE;
        fake.stable = 7;
        fake.refusing = i == 0;
        const struct program_result *r = run(command);
        if (r->code != 1 || !strstr(r->err, "router r1 rejected @7: r.yaml:1:1: too ?[31mnew\n"))
            fail_msg("%s: %d %s", command, r->code, r->err);
        /* what it refused under a generation before says nothing */
        fresh(NULL);
        fake.routers = RUN_BEFORE;
        fake.stable = 7;
        fake.refusing = i == 0;
        fake.known = 5;
        r = run(command);
        if (r->code != 3 || !strstr(r->err, "@7 runs on 0 of 1 routers"))
            fail_msg("%s: %d %s", command, r->code, r->err);
    }
    fresh(NULL);
    fake.routers = RUN_BEFORE;
    check_apply("", 1, "",
                "published @8\nrouter r1 rejected @8: r.yaml:1:1: too ?[31mnew\nveltrix: rejected; the fleet runs @1 "
                "again\n",
                "POST /releases\nPOST /activate\nPOST /rollback\n");
}

static void fleet_shows_who_runs_what(void **state)
{
    (void)state;
    fake.routers = REJECT;
    fake.stable = 8;
    const struct program_result *r = run("veltrix fleet --fleet f");
    assert_int_equal(r->code, 0);
    assert_non_null(strstr(r->out, "fleet f runs @8, since "));
    assert_non_null(strstr(r->out, "ROUTER  HOST  VERSION  STATE      RELEASE  SINCE"));
    assert_non_null(strstr(r->out, "r1      h1    1        rejecting  @1       "));
    assert_non_null(strstr(r->out, "\nr1 rejects @8: r.yaml:1:1: too ?[31mnew\n"));
}

static void an_answer_that_is_not_configsvcs_is_said(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "fleet",
        "fleet -o json",
        "history",
        "audit",
        "lock",
        "lock break",
        "show @1",
        "show @1 r",
        "export @1 new",
        "rollback",
        "fleet accept-restore",
        "diff @1 d",
        APPLY_WORDS,
        APPLY_WORDS " --dry-run",
    };
    for (size_t i = 0; i < 2 * sizeof commands / sizeof commands[0]; i++) {
        char command[128];
        fake.garbage = i % 2;
        fake.empty = !fake.garbage;
        snprintf(command, sizeof command, "veltrix %s --fleet f", commands[i / 2]);
        const struct program_result *r = run(command);
        int code = strncmp(commands[i / 2], "diff", 4) == 0 ? 2 : 1;
        if (r->code != code || !strstr(r->err, "answered with HTTP status 200, and not as configsvc does: is something "
                                               "else listening there?\n"))
            fail_msg("%s: %d %s", command, r->code, r->err);
        assert_true(!r->out[0] || strcmp(commands[i / 2], "fleet -o json") == 0);
    }
    assert_string_equal(fake.log, "");
}

static void a_fleet_that_is_not_there_has_no_history(void **state)
{
    (void)state;
    check("veltrix history --fleet f", 0, "RELEASE    WHEN  AUTHOR  MESSAGE\n", "", "");
    check("veltrix history --fleet gamse", 1, "", "veltrix: there is no fleet `gamse`; did you mean `games`?\n", "");
    check("veltrix history --fleet elsewhere", 1, "", "veltrix: there is no fleet `elsewhere`\n", "");
}

static void a_lost_answer_says_how_to_find_out(void **state)
{
    (void)state;
    fake.mute = true;
    const struct program_result *r = run("veltrix rollback --fleet f");
    assert_int_equal(r->code, 2);
    assert_non_null(strstr(r->err, "gave no answer ("));
    assert_non_null(strstr(r->err, "`veltrix history` and `veltrix fleet` show whether the change was made\n"));
}

static void folder_and_environment_must_not_disagree(void **state)
{
    (void)state;
    program_write(dir, "d/f.yaml", "kind: fleet\nname: g\n");
    check("VELTRIX_FLEET=f veltrix apply d -m x", 2, "",
          "veltrix: the folder is fleet `g`, VELTRIX_FLEET is `f`: say which with --fleet\n", "");
    run("rm d/f.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(apply_exits_0_when_every_router_runs_it, fresh),
        cmocka_unit_test_setup(apply_without_routers_says_so, fresh),
        cmocka_unit_test_setup(apply_does_not_wait_when_told_so, fresh),
        cmocka_unit_test_setup(apply_of_what_runs_does_nothing, fresh),
        cmocka_unit_test_setup(apply_of_what_runs_waits_for_the_routers_too, fresh),
        cmocka_unit_test_setup(apply_exits_1_and_puts_back_what_a_router_rejects, fresh),
        cmocka_unit_test_setup(a_first_release_cannot_be_put_back, fresh),
        cmocka_unit_test_setup(apply_exits_3_when_a_router_does_not_follow, fresh),
        cmocka_unit_test_setup(apply_exits_1_when_somebody_was_faster, fresh),
        cmocka_unit_test_setup(apply_exits_1_when_configsvc_refuses, fresh),
        cmocka_unit_test_setup(apply_exits_1_when_the_pointer_moves_meanwhile, fresh),
        cmocka_unit_test_setup(a_dry_run_changes_nothing, fresh),
        cmocka_unit_test_setup(apply_as_json_is_one_value, fresh),
        cmocka_unit_test_setup(what_runs_need_not_load_to_be_replaced, fresh),
        cmocka_unit_test_setup(apply_asks_for_news_instead_of_asking_again, fresh),
        cmocka_unit_test_setup(apply_runs_the_tests_first, fresh),
        cmocka_unit_test_setup(apply_warns_of_what_a_sample_lacks, fresh),
        cmocka_unit_test_setup(apply_asks_before_it_removes_much, fresh),
        cmocka_unit_test_setup(rollback_goes_back_and_waits, fresh),
        cmocka_unit_test_setup(a_router_that_does_not_obey_etcd_does_not_count_as_running_what_it_names, fresh),
        cmocka_unit_test_setup(an_accepted_restore_is_waited_for, fresh),
        cmocka_unit_test_setup(a_router_that_runs_the_release_that_had_the_number_before_does_not_run_it, fresh),
        cmocka_unit_test_setup(fleet_shows_who_runs_what, fresh),
        cmocka_unit_test_setup(an_answer_that_is_not_configsvcs_is_said, fresh),
        cmocka_unit_test_setup(a_fleet_that_is_not_there_has_no_history, fresh),
        cmocka_unit_test_setup(a_lost_answer_says_how_to_find_out, fresh),
        cmocka_unit_test_setup(folder_and_environment_must_not_disagree, fresh),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
