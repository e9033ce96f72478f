/* `veltrix simulate` and `veltrix-router --simulate`: lines in, decisions out, and what happens at the edges of an input.
 * Both programs must say the same, but for their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>

#include "program.h"

static const char config[] = "kind: routing\n"
                             "name: r\n"
                             "topics: [in]\n"
                             "rules:\n"
                             "  - { name: big, when: event.amount >= 1000, pipeline: p }\n"
                             "  - { name: beat, when: event.type == \"beat\", drop: true }\n"
                             "otherwise: { dead_letter: true }\n"
                             "dead_letter: in.dlq\n"
                             "---\n"
                             "kind: processing\n"
                             "name: p\n"
                             "stages:\n"
                             "  - filter: event.amount < 5000\n"
                             "  - emit: { topic: out }\n";

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, program_dir());
    char path[128];
    static const char *const folders[] = {"one", "two", "all", "bad"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        mkdir(path, 0700);
    }
    program_write(dir, "one/r.yaml", config);
    program_write(dir, "two/r.yaml", config);
    program_write(dir, "two/s.yaml", "{ kind: routing, name: s, topics: [more, other], otherwise: { drop: true } }\n");
    program_write(
        dir, "all/r.yaml",
        "kind: routing\n"
        "name: r\n"
        "topics: [in]\n"
        "match: all\n"
        "rules:\n"
        "  - { name: a, when: event.n > 1, pipeline: p }\n"
        "  - { name: b, when: event.n > 2, drop: true }\n"
        "  - { name: c, when: event.n > 3, routing: s }\n"
        "  - { name: twice, when: event.n > 4, routing: s }\n"
        "otherwise: { drop: true }\n"
        "---\n"
        "{ kind: routing, name: s, rules: [ { name: d, when: event.n > 4, drop: true } ], otherwise: { drop: true } }\n"
        "---\n"
        "{ kind: processing, name: p, stages: [ emit: { topic: out } ] }\n");
    program_write(dir, "bad/r.yaml", "kind: rooting\nname: r\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_clean(dir);
    return 0;
}

/* Runs `printf INPUT | PROGRAM simulate ...` with both programs. */
static void check(const char *input, const char *words, int code, const char *out, const char *err)
{
    static const char *const programs[] = {"veltrix simulate", "veltrix-router --simulate"};
    for (size_t i = 0; i < 2; i++) {
        char command[512], without[65536];
        snprintf(command, sizeof command, "%s | %s %s", input, programs[i], words);
        const struct program_result *r = program_run(dir, command);
        const char *said = strncmp(r->err, "veltrix: simulate: ", 19) == 0 ? r->err + 19
                           : strncmp(r->err, "veltrix-router: ", 16) == 0  ? r->err + 16
                                                                           : r->err;
        snprintf(without, sizeof without, "%s", said);
        if (r->code != code || strcmp(r->out, out) != 0 || (err && strcmp(without, err) != 0))
            fail_msg("%s\n--- exit %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s", command, r->code, code,
                     r->out, out, r->err);
    }
}

#define BEAT(n)                                                                                                        \
    "{\"n\":" #n ",\"topic\":\"in\",\"rule\":\"beat\",\"outcome\":\"dropped\",\"pipelines\":[],\"outputs\":[],"        \
    "\"error\":null}\n"

static void every_line_is_decided_in_order(void **state)
{
    (void)state;
    check("printf '{\"amount\":1200}\\n{\"type\":\"beat\"}\\n{\"amount\":9000}\\n{\"amount\":1}\\n'", "one", 0,
          "{\"n\":0,\"topic\":\"in\",\"rule\":\"big\",\"outcome\":\"emitted\",\"pipelines\":[\"p\"],\"outputs\":["
          "{\"topic\":\"out\",\"key\":null,\"headers\":{},\"value\":{\"amount\":1200}}],\"error\":null}\n" BEAT(
              1) "{\"n\":2,\"topic\":\"in\",\"rule\":\"big\",\"outcome\":\"filtered\",\"pipelines\":[\"p\"],"
                 "\"outputs\":[],"
                 "\"error\":null}\n"
                 "{\"n\":3,\"topic\":\"in\",\"rule\":null,\"outcome\":\"dead_letter\",\"pipelines\":[],\"outputs\":["
                 "{\"topic\":\"in.dlq\",\"key\":null,\"headers\":{\"__connect.errors.topic\":\"in\","
                 "\"__connect.errors.partition\":\"0\",\"__connect.errors.offset\":\"3\","
                 "\"__connect.errors.connector.name\":\"veltrix\",\"__connect.errors.stage\":\"r/otherwise\","
                 "\"__connect.errors.exception.class.name\":\"by_rule\",\"__connect.errors.exception.message\":"
                 "\"routing r: no rule matches, and `otherwise` sends the event to the dead letters\"},"
                 "\"value\":{\"amount\":1}}],\"error\":"
                 "\"routing r: no rule matches, and `otherwise` sends the event to the dead letters\"}\n",
          "");
}

static void the_ends_of_lines_do_not_matter(void **state)
{
    (void)state;
    check("printf ''", "one", 0, "", "");
    check("printf '\\n\\n'", "one", 0, "", "");
    check("printf '{\"type\":\"beat\"}'", "one", 0, BEAT(0), "");
    check("printf '{\"type\":\"beat\"}\\r\\n\\r\\n\\n{\"type\":\"beat\"}\\r\\n'", "one", 0, BEAT(0) BEAT(1), "");
}

static void a_value_that_is_not_json_is_just_an_event(void **state)
{
    (void)state;
    const struct program_result *r = program_run(dir, "printf 'no\\n' | veltrix simulate one");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err, "");
    assert_non_null(strstr(r->out, "\"rule\":null,\"outcome\":\"dead_letter\""));
    assert_non_null(strstr(r->out, "\"value_base64\":\"bm8=\""));
    assert_non_null(strstr(r->out, "\"error\":\"routing r: the value is not JSON, at byte 0\""));
}

static void a_bad_envelope_is_told_with_its_line_and_the_others_go_on(void **state)
{
    (void)state;
    check("printf '{\"topic\":\"in\",\"value\":{\"type\":\"beat\"}}\\n\\n{\"topik\":\"in\"}\\n{\"topic\":\"in\","
          "\"value\":{\"type\":\"beat\"}}\\n'",
          "one --envelope", 1, BEAT(0) BEAT(2), NULL);
    const struct program_result *r = program_run(dir, "printf '{}\\nx' | veltrix simulate one --envelope");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->err, "standard input:1: error: \"topic\" is missing\n"
                                "standard input:2: error: the line is not JSON, at byte 0\n"
                                "veltrix: simulate: 2 of 2 lines could not be read\n");
    check("printf '{\"value\":{\"type\":\"beat\"}}'", "one --envelope --topic in", 0, BEAT(0), "");
}

static void the_topic_is_asked_for_where_there_are_several(void **state)
{
    (void)state;
    check("printf '{}'", "two", 2, "", "of which topic are the events? Name one with --topic: in, more, other\n");
    check("printf '{}'", "two --topic mor", 2, "", "no routing has the topic `mor`; did you mean `more`?\n");
    check("printf '{}'", "two --topic elsewhere", 2, "",
          "no routing has the topic `elsewhere`; there are: in, more, other\n");
    check("printf '{\"type\":\"beat\"}'", "two --topic in", 0, BEAT(0), "");
}

static void a_topic_that_a_pattern_takes_is_named(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/pattern", dir);
    mkdir(path, 0700);
    program_write(dir, "pattern/r.yaml",
                  "{ kind: routing, name: r, topics: [\"^shop[.]\"], otherwise: { drop: true } }\n---\n"
                  "{ kind: test, name: t, topic: shop.eu, given: {}, expect: { rule: otherwise } }\n");
    check("printf '{}'", "pattern", 2, "",
          "of which topic are the events? Name one with --topic: those that a pattern takes\n");
    check("printf '{}'", "pattern --topic sho.x", 2, "",
          "no routing has the topic `sho.x`; there are: those that a pattern takes\n");
    check("printf '{}'", "pattern --topic shop.x", 0,
          "{\"n\":0,\"topic\":\"shop.x\",\"rule\":null,\"outcome\":\"dropped\",\"pipelines\":[],\"outputs\":[],"
          "\"error\":null}\n",
          "");
    assert_int_equal(program_run(dir, "veltrix test pattern")->code, 0);
    assert_int_equal(program_run(dir, "printf '{}' | veltrix validate pattern --topic shop.x --events -")->code, 0);
}

static void counts_are_a_table(void **state)
{
    (void)state;
    check("printf '{\"amount\":1200}\\n{\"amount\":9000}\\n{}\\nno\\n'", "one --counts", 0,
          "ROUTING  RULE          emitted    filtered  dead_letter      events\n"
          "r        big                 1           1            0           2\n"
          "r        beat                0           0            0           0\n"
          "r        otherwise           0           0            1           1\n"
          "-        (no rule)           0           0            1           1\n",
          "");
    const struct program_result *r =
        program_run(dir, "printf '{\"amount\":1200}' | veltrix simulate one --counts -o json");
    assert_non_null(strstr(r->out, "{\"events\":1,\"bad_lines\":0,\"rules\":[{\"routing\":\"r\",\"rule\":\"big\","
                                   "\"emitted\":1,\"filtered\":0,"));
}

static void where_all_rules_run_an_event_counts_at_each_that_took_it(void **state)
{
    (void)state;
    check("printf '{\"n\":1}\\n{\"n\":2}\\n{\"n\":3}\\n{\"n\":4}\\n{\"n\":5}\\n'", "all --counts", 0,
          "ROUTING  RULE          emitted     dropped      events\n"
          "r        a                   4           0           4\n"
          "r        b                   3           0           3\n"
          "r        c                   0           0           0\n"
          "r        twice               0           0           0\n"
          "r        otherwise           0           1           1\n"
          "s        d                   1           0           1\n"
          "s        otherwise           1           0           1\n",
          "");
}

static void a_folder_that_is_not_valid_decides_nothing(void **state)
{
    (void)state;
    const struct program_result *r = program_run(dir, "printf '{}' | veltrix simulate bad");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out, "");
    r = program_run(dir, "printf '{}' | veltrix-router --simulate bad");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->err, "bad/r.yaml:1:7: error: "));
    assert_int_equal(program_run(dir, "printf '{}' | veltrix-router --simulate nosuch")->code, 2);
}

/* 64 MiB and a byte; the line behind it is decided all the same. */
static void a_line_that_is_too_long_is_left_out(void **state)
{
    (void)state;
    const struct program_result *r =
        program_run(dir, "{ head -c 67108865 /dev/zero | tr '\\0' '1'; printf '\\n{\"type\":\"beat\"}\\n'; } | "
                         "veltrix simulate one");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out, BEAT(1));
    assert_string_equal(r->err, "standard input:1: error: the line is longer than 64 MiB\n"
                                "veltrix: simulate: 1 of 2 lines could not be read\n");
    r = program_run(dir, "head -c 67108864 /dev/zero | tr '\\0' '1' | veltrix simulate one --counts | tail -1");
    assert_int_equal(r->code, 0);
    assert_non_null(strstr(r->out, "otherwise"));
}

static void a_closed_pipe_ends_it(void **state)
{
    (void)state;
    const struct program_result *r =
        program_run(dir, "(yes '{\"type\":\"beat\"}' | veltrix simulate one; echo $? > code) | head -1; cat code");
    assert_non_null(strstr(r->out, BEAT(0) "141\n")); /* by SIGPIPE, as every filter */
    r = program_run(dir,
                    "trap '' PIPE; (yes '{\"type\":\"beat\"}' | veltrix simulate one 2> said; echo $? > code) | head "
                    "-1; cat code said");
    assert_non_null(strstr(r->out, "2\nveltrix: simulate: the decisions cannot be written: Broken pipe\n"));
    if (access("/dev/full", W_OK) == 0)
        assert_int_equal(program_run(dir, "printf '{}' | veltrix simulate one > /dev/full")->code, 2);
}

/* What came is decided before the process ends by the signal. The input does not end: the signal is sent when the first
 * decision is out, and half a line is left. */
static void an_interrupt_leaves_whole_lines(void **state)
{
    (void)state;
    int in[2], out[2], status;
    char text[4096], path[4096], folder[128];
    static const char input[] = "{\"type\":\"beat\"}\n{\"type\":";
    size_t len = 0;
    snprintf(path, sizeof path, "%s/veltrix", VELTRIX_BIN);
    snprintf(folder, sizeof folder, "%s/one", dir);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execl(path, "veltrix", "simulate", folder, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    assert_int_equal(write(in[1], input, sizeof input - 1), sizeof input - 1);
    for (ssize_t n; (n = read(out[0], text + len, sizeof text - len)) > 0;) {
        len += (size_t)n;
        kill(pid, SIGINT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_int_equal(len, strlen(BEAT(0)));
    assert_memory_equal(text, BEAT(0), len);
    close(in[1]);
    close(out[0]);
}

static void options_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *command, *said;
    } table[] = {
        {"veltrix-router", "veltrix-router: which settings? Name the file with -c FILE\n"},
        {"veltrix-router --counts", "veltrix-router: --topic, --envelope and --counts go with --simulate DIR\n"},
        {"veltrix-router --simulate one -c x",
         "veltrix-router: --simulate needs no settings: leave out -c, --check and --print\n"},
        {"veltrix-router -c x y", "veltrix-router: `y` is one word too many\n"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct program_result *r = program_run(dir, table[i].command);
        assert_int_equal(r->code, 2);
        assert_memory_equal(r->err, table[i].said, strlen(table[i].said));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_decided_in_order),
        cmocka_unit_test(the_ends_of_lines_do_not_matter),
        cmocka_unit_test(a_value_that_is_not_json_is_just_an_event),
        cmocka_unit_test(a_bad_envelope_is_told_with_its_line_and_the_others_go_on),
        cmocka_unit_test(the_topic_is_asked_for_where_there_are_several),
        cmocka_unit_test(a_topic_that_a_pattern_takes_is_named),
        cmocka_unit_test(counts_are_a_table),
        cmocka_unit_test(where_all_rules_run_an_event_counts_at_each_that_took_it),
        cmocka_unit_test(a_folder_that_is_not_valid_decides_nothing),
        cmocka_unit_test(a_line_that_is_too_long_is_left_out),
        cmocka_unit_test(a_closed_pipe_ends_it),
        cmocka_unit_test(an_interrupt_leaves_whole_lines),
        cmocka_unit_test(options_that_do_not_go_together_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
