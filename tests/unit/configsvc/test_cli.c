/* The command without a server: exact words and exit codes. Exit codes are an interface; this test freezes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "program.h"

static const char good[] = "kind: routing\n"
                           "name: events\n"
                           "topics: [in]\n"
                           "rules:\n"
                           "  - name: big\n"
                           "    when: event.amount >= 1000\n"
                           "    pipeline: archive\n"
                           "otherwise: { drop: true }\n"
                           "---\n"
                           "kind: processing\n"
                           "name: archive\n"
                           "stages:\n"
                           "  - emit: { topic: out }\n";

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    strcpy(dir, program_dir());
    char path[128];
    static const char *const folders[] = {"good", "other", "bad", "empty"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        mkdir(path, 0700);
    }
    program_write(dir, "good/events.yaml", good);
    vx_buf_str(&text, good);
    char *at = strstr(text.at, "1000");
    memcpy(at, "2000", 4);
    program_write(dir, "other/events.yaml", vx_buf_text(&text));
    memcpy(strstr(text.at, "when:"), "whem:", 5);
    program_write(dir, "bad/events.yaml", vx_buf_text(&text));
    program_write(dir, "event.json", "{\"amount\": 1200, \"price\": 2.5, \"who\": \"ann\", \"list\": [1, \"x\"]}");
    program_write(dir, "broken.json", "{\"amount\": 12,\n}");
    char deep[520];
    memset(deep, '[', sizeof deep - 1);
    deep[0] = '\n';
    deep[sizeof deep - 1] = '\0';
    program_write(dir, "deep.json", deep);
    vx_buf_done(&text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_clean(dir);
    return 0;
}

/* NULL: not compared. */
struct expectation {
    const char *command;
    int code;
    const char *out, *err;
};

static void check_all(const struct expectation *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct program_result *r = program_run(dir, table[i].command);
        if (r->code != table[i].code || (table[i].out && strcmp(r->out, table[i].out) != 0) ||
            (table[i].err && strcmp(r->err, table[i].err) != 0))
            fail_msg("%s\n--- exit %d, want %d\n--- stdout\n%s--- stderr\n%s", table[i].command, r->code, table[i].code,
                     r->out, r->err);
    }
}
#define CHECK(table) check_all(table, sizeof table / sizeof table[0])

static void validate_exits_0_1_2(void **state)
{
    (void)state;
    static const struct expectation table[] = {
        {"veltrix validate good", 0, "good: valid: 1 routing, 1 pipeline\n", ""},
        {"veltrix validate bad", 1, "bad: not valid: 1 error\n",
         "bad/events.yaml:6:5: error: unknown key `whem` in a rule; did you mean `when`?\n"
         "    6 |     whem: event.amount >= 2000\n"
         "      |     ^~~~\n"},
        {"veltrix validate -- good", 0, "good: valid: 1 routing, 1 pipeline\n", ""},
        {"veltrix --color=never validate -otext good", 0, "good: valid: 1 routing, 1 pipeline\n", ""},
        {"veltrix validate empty", 2, "", NULL},
        {"veltrix validate nosuch", 2, "", "veltrix: nosuch: No such file or directory\n"},
        {"veltrix validate", 2, "",
         "veltrix: validate: something is missing; usage: veltrix validate DIR [--events FILE.jsonl [--topic TOPIC] "
         "[--envelope]]\n"},
        {"veltrix validate good bad", 2, "",
         "veltrix: validate: `bad` is one word too many; usage: veltrix validate DIR [--events FILE.jsonl [--topic "
         "TOPIC] "
         "[--envelope]]\n"},
        {"veltrix validate good -o json", 0, "{\"valid\":true,\"documents\":2,\"findings\":[]}\n", ""},
        {"veltrix -o json validate bad", 1,
         "{\"valid\":false,\"documents\":0,\"findings\":[{\"severity\":\"error\",\"file\":\"bad/"
         "events.yaml\",\"line\":6,"
         "\"column\":5,\"width\":4,\"message\":\"unknown key `whem` in a rule; did you mean `when`?\","
         "\"quoted\":\"    whem: event.amount >= 2000\"}]}\n",
         ""},
    };
    CHECK(table);
}

/* A file of events: what expressions name and no event has, with the nearest key beside it; rules that took none. */
static void validate_warns_of_what_a_sample_lacks(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/sample", dir);
    mkdir(path, 0700);
    program_write(dir, "sample/a.yaml",
                  "kind: routing\nname: r\ntopics: [in]\nrules:\n"
                  "  - { name: a, when: event.typ == \"x\" && has(event.usr.id), pipeline: p }\n"
                  "  - { name: b, when: event.amount > 1, pipeline: p }\n"
                  "  - { name: c, enabled: false, when: event.zz > 1, pipeline: p }\n"
                  "otherwise: { drop: true }\n---\nkind: processing\nname: p\nstages:\n"
                  "  - set: { event.total: \"${event.amount * event.price}\" }\n"
                  "  - filter: event.total > 1 && event.tags.exists(t, t == event.tag)\n"
                  "  - remove: [event.card_numbr]\n"
                  "  - emit: { topic: \"out-${event['a b'].c}\", allow: [\"out-*\"] }\n");
    program_write(dir, "sample.jsonl",
                  "{\"type\":\"x\",\"amount\":3,\"user\":{\"id\":1},\"card_number\":7,\"tags\":[]}\n"
                  "not JSON\n{\"amount\":1}\n");
    program_write(dir, "full.jsonl",
                  "{\"typ\":\"x\",\"usr\":{\"id\":1},\"amount\":3,\"price\":1,\"tags\":[1],\"tag\":1,\"card_numbr\":1,"
                  "\"a b\":{\"c\":1}}\n{\"amount\":3}\n");
    program_write(dir, "envelopes.jsonl", "{\"topic\":\"in\",\"value\":{}}\n{}\n");
    static const struct expectation table[] = {
        {"veltrix validate sample --events sample.jsonl", 0, "sample: valid: 1 routing, 1 pipeline, 7 warnings\n",
         "sample/a.yaml:5:13: warning: rule `a` takes none of the 3 events\n"
         "    5 |   - { name: a, when: event.typ == \"x\" && has(event.usr.id), pipeline: p }\n"
         "      |             ^\n"
         "sample/a.yaml:5:28: warning: none of the 3 events has `event.typ`; did you mean `type`?\n"
         "    5 |   - { name: a, when: event.typ == \"x\" && has(event.usr.id), pipeline: p }\n"
         "      |                            ^~~\n"
         "sample/a.yaml:5:56: warning: none of the 3 events has `event.usr.id` (there is no `event.usr`); did you mean "
         "`user`?\n"
         "    5 |   - { name: a, when: event.typ == \"x\" && has(event.usr.id), pipeline: p }\n"
         "      |                                                        ^~\n"
         "sample/a.yaml:13:49: warning: none of the 3 events has `event.price`\n"
         "   13 |   - set: { event.total: \"${event.amount * event.price}\" }\n"
         "      |                                                 ^~~~~\n"
         "sample/a.yaml:14:64: warning: none of the 3 events has `event.tag`; did you mean `tags`?\n"
         "   14 |   - filter: event.total > 1 && event.tags.exists(t, t == event.tag)\n"
         "      |                                                                ^~~\n"
         "sample/a.yaml:15:14: warning: none of the 3 events has `event.card_numbr`; did you mean `card_number`?\n"
         "   15 |   - remove: [event.card_numbr]\n"
         "      |              ^~~~~~~~~~~~~~~~\n"
         "sample/a.yaml:16:40: warning: none of the 3 events has `event[\"a b\"].c` (there is no `event[\"a b\"]`)\n"
         "   16 |   - emit: { topic: \"out-${event['a b'].c}\", allow: [\"out-*\"] }\n"
         "      |                                        ^\n"},
        {"veltrix validate sample --events full.jsonl", 0, "sample: valid: 1 routing, 1 pipeline\n", ""},
        {"veltrix validate sample --events /dev/null", 0, "sample: valid: 1 routing, 1 pipeline\n", ""},
        {"veltrix validate sample --events envelopes.jsonl --envelope --topic in 2>&1 | grep -c 'of the 2 events'", 0,
         "10\n", ""},
        {"veltrix validate sample --events nosuch.jsonl", 2, "",
         "veltrix: nosuch.jsonl cannot be read: No such file or directory\n"},
        {"veltrix validate sample --events full.jsonl --topic inn", 2, "",
         "veltrix: no routing has the topic `inn`; did you mean `in`?\n"},
        {"veltrix validate sample --events sample.jsonl -o json | grep -o '\"valid\":true'", 0, "\"valid\":true\n", ""},
    };
    CHECK(table);
}

static void diff_exits_0_1_2(void **state)
{
    (void)state;
    static const struct expectation table[] = {
        {"veltrix diff good good", 0, "", ""},
        {"veltrix diff good other", 1,
         "  routing events\n  ~ rules[big].when: event.amount >= 1000 → event.amount >= 2000\n", ""},
        {"veltrix diff good other --unified", 1,
         "--- a/events.yaml\n+++ b/events.yaml\n@@ -3,6 +3,6 @@\n topics: [in]\n rules:\n   - name: big\n"
         "-    when: event.amount >= 1000\n+    when: event.amount >= 2000\n     pipeline: archive\n"
         " otherwise: { drop: true }\n",
         ""},
        {"veltrix diff good other -o json", 1,
         "{\"from\":\"good\",\"to\":\"other\",\"changes\":[{\"kind\":\"changed\",\"config\":\"routing\",\"name\":"
         "\"events\","
         "\"where\":\"rules[big].when\",\"was\":\"event.amount >= 1000\",\"now\":\"event.amount >= 2000\"}]}\n",
         ""},
        {"veltrix diff good nosuch", 2, "", "veltrix: nosuch: No such file or directory\n"},
        {"veltrix diff good bad >/dev/null 2>&1", 2, NULL, NULL},
        {"veltrix diff good @x --fleet f", 2, "",
         "veltrix: `@x` is not a release; a release is written @42, and @running is the one in force\n"},
    };
    CHECK(table);
}

static void eval_exits_0_1_2(void **state)
{
    (void)state;
    static const struct expectation table[] = {
        {"veltrix eval '1 + 2 * 3'", 0, "7 (int)\n", ""},
        {"veltrix eval 'event.amount >= 1000' --event event.json", 0, "true (bool)\n", ""},
        {"veltrix eval 'event.amount * event.price' -e event.json", 0, "3000.0 (double)\n", ""},
        {"veltrix eval 'event.list' -e - < event.json", 0, "[1, \"x\"] (list)\n", ""},
        {"veltrix eval 'key + \"/\" + topic' --key k --topic t", 0, "\"k/t\" (string)\n", ""},
        {"veltrix eval 'headers[\"x-a\"]' --header x-a=1 --header x-a=2=3", 0, "\"2=3\" (string)\n", ""},
        {"veltrix eval 'event.who' -e event.json -o json", 0,
         "{\"type\":\"string\",\"literal\":\"\\\"ann\\\"\",\"value\":\"ann\"}\n", ""},
        {"veltrix eval 'event.nope' -e event.json", 1, "",
         "expression:1:7: error: no such key: nope\n"
         "    1 | event.nope\n"
         "      |       ^\n"},
        {"veltrix eval '1 +'", 1, "",
         "expression:1:4: error: expected an expression after `+`\n"
         "    1 | 1 +\n"
         "      |    ^\n"},
        {"veltrix eval 'event.amount' --event nosuch.json", 2, "",
         "veltrix: nosuch.json cannot be read: No such file or directory\n"},
        {"veltrix eval 'event.amount' --event broken.json", 2, "", "veltrix: broken.json:2:1: the event is not JSON\n"},
        {"veltrix eval 'event.amount' --event deep.json", 2, "",
         "veltrix: deep.json:2:513: the event is nested deeper than 512 levels\n"},
        {"veltrix eval 'key' --header x", 2, "", "veltrix: --header is NAME=VALUE, not `x`\n"},
        {"veltrix eval", 2, "", NULL},
        {"veltrix eval -1", 0, "-1 (int)\n", ""},
        {"veltrix eval '-(1 + 2)'", 0, "-3 (int)\n", ""},
        {"veltrix eval -e event.json -- -event.amount", 0, "-1200 (int)\n", ""},
        {"veltrix eval -x", 2, "",
         "veltrix: unknown option -x; an expression that begins with - stands behind --: veltrix eval -- '-x'\n"},
        {"veltrix eval -event.amount", 2, "",
         "veltrix: eval: something is missing; usage: veltrix eval EXPR [--event FILE] [--header NAME=VALUE] [--key "
         "KEY] [--topic TOPIC] [--cost] (what begins with - and is no option stands behind --)\n"},
        {"veltrix eval 1 --cost", 0, "at most 1 step (an expression may have 1000000)\n", ""},
        {"veltrix eval 1 --cost -o json", 0, "{\"steps\":1,\"limit\":1000000}\n", ""},
    };
    CHECK(table);
}

static void what_is_misspelt_gets_a_suggestion(void **state)
{
    (void)state;
    static const struct expectation table[] = {
        {"veltrix vlidate", 2, "", "veltrix: unknown command `vlidate`; did you mean `validate`?\n"},
        {"veltrix frobnicate", 2, "", "veltrix: unknown command `frobnicate`; `veltrix help` lists them\n"},
        {"veltrix help aplly", 2, "", "veltrix: unknown command `aplly`; did you mean `apply`?\n"},
        {"veltrix diff good other --unifid", 2, "", "veltrix: unknown option --unifid; did you mean --unified?\n"},
        {"veltrix diff good other --zzz", 2, "", "veltrix: unknown option --zzz; see `veltrix help diff`\n"},
        {"veltrix apply good -x", 2, "", "veltrix: unknown option -x; see `veltrix help apply`\n"},
        {"veltrix schema routin", 2, "", "veltrix: unknown kind `routin`; did you mean `routing`?\n"},
        {"veltrix schema x", 2, "", "veltrix: unknown kind `x`; known: fleet, routing, processing, test\n"},
        {"veltrix validate good -o yaml", 2, "", "veltrix: -o is text or json, not `yaml`\n"},
        {"veltrix validate good --color sometimes", 2, "",
         "veltrix: --color is auto, always or never, not `sometimes`\n"},
        {"veltrix history --limit x", 2, "", "veltrix: --limit needs a whole number, not `x`\n"},
        {"veltrix history --limit", 2, "", "veltrix: --limit needs a value: COUNT\n"},
        {"veltrix validate --help=x good", 2, "", "veltrix: --help takes no value\n"},
        {"veltrix lock brake --fleet f", 2, "",
         "veltrix: lock: `brake`? It is `veltrix lock` or `veltrix lock break`\n"},
        {"veltrix fleet accept --fleet f", 2, "",
         "veltrix: fleet: `accept`? It is `veltrix fleet` or `veltrix fleet accept-restore`\n"},
        {"veltrix rollback 7", 2, "", "veltrix: `7` is not a release; a release is written @42\n"},
        {"veltrix show 7", 2, "",
         "veltrix: `7` is not a release; a release is written @42, and @running is the one in force\n"},
        {"veltrix apply good", 2, "", "veltrix: apply: say with -m what this change is for\n"},
        {"veltrix apply good -m x --wait=soon", 2, "",
         "veltrix: --wait=SECONDS needs a whole number, not `soon`; 0 does not wait\n"},
        {"veltrix feed", 2, "", "veltrix: feed: which events? Name a file with --events\n"},
        {"VELTRIX_KAFKA= veltrix feed --events event.json", 2, "",
         "veltrix: feed: which Kafka? Name its brokers with --kafka or VELTRIX_KAFKA\n"},
    };
    CHECK(table);
}

static void a_server_that_is_not_there_is_said_with_what_to_try(void **state)
{
    (void)state;
    static const char *const commands[] = {"apply good -m x", "history",  "fleet",     "lock",       "audit",
                                           "show @1",         "rollback", "diff good", "export @1 x"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[256];
        snprintf(command, sizeof command, "veltrix %s --fleet f --server http://127.0.0.1:1", commands[i]);
        const struct program_result *r = program_run(dir, command);
        assert_int_equal(r->code, 2);
        assert_string_equal(r->out, "");
        assert_non_null(strstr(r->err, "veltrix: configsvc at http://127.0.0.1:1 cannot be reached ("));
        assert_non_null(strstr(r->err, "is veltrix-configsvc running there? Another address is given with --server or "
                                       "VELTRIX_SERVER\n"));
    }
    const struct program_result *r = program_run(dir, "veltrix history --fleet f --server ftp://x");
    assert_int_equal(r->code, 2);
    assert_non_null(strstr(r->err, "veltrix: `ftp://x` is not a server's URL ("));
}

static void every_command_explains_itself(void **state)
{
    (void)state;
    static const char *const commands[] = {"validate", "diff",  "apply", "history", "show",     "export",
                                           "rollback", "fleet", "lock",  "audit",   "eval",     "schema",
                                           "dev",      "feed",  "help",  "version", "simulate", "test"};
    const struct program_result *r = program_run(dir, "veltrix --help");
    assert_int_equal(r->code, 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_non_null(strstr(r->out, commands[i]));
    assert_null(strstr(r->out, "dev-broker"));
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[128], help[65536];
        snprintf(command, sizeof command, "veltrix %s --help", commands[i]);
        r = program_run(dir, command);
        assert_int_equal(r->code, 0);
        assert_non_null(strstr(r->out, "usage: veltrix "));
        strcpy(help, r->out);
        snprintf(command, sizeof command, "veltrix help %s", commands[i]);
        assert_string_equal(program_run(dir, command)->out, help);
        for (const char *line = help; *line;) { /* a help that wraps teaches nobody */
            size_t len = strcspn(line, "\n");
            assert_true(len <= 120);
            line += len + (line[len] == '\n');
        }
    }
    r = program_run(dir, "veltrix");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->out, "");
}

static void colours_only_where_they_are_wanted(void **state)
{
    (void)state;
    assert_null(strstr(program_run(dir, "veltrix diff good other")->out, "\033["));
    assert_non_null(strstr(program_run(dir, "veltrix diff good other --color always")->out, "\033["));
    assert_non_null(strstr(program_run(dir, "NO_COLOR=1 veltrix diff good other --color=always")->out, "\033["));
    assert_null(strstr(program_run(dir, "veltrix diff good other --color always -o json")->out, "\033["));
    assert_non_null(strstr(program_run(dir, "veltrix validate bad --color always")->err, "\033["));
}

static void errors_are_json_where_json_is_wanted(void **state)
{
    (void)state;
    static const struct expectation table[] = {
        {"veltrix apply good -o json", 2,
         "{\"error\":{\"code\":\"usage\",\"message\":\"apply: say with -m what this change is "
         "for\",\"findings\":[]}}\n",
         "veltrix: apply: say with -m what this change is for\n"},
        {"veltrix aply -o json", 2,
         "{\"error\":{\"code\":\"usage\",\"message\":\"unknown command `aply`; did you mean "
         "`apply`?\",\"findings\":[]}}\n",
         NULL},
        {"veltrix validate --nope good --output=json", 2,
         "{\"error\":{\"code\":\"usage\",\"message\":\"unknown option --nope; see `veltrix help "
         "validate`\",\"findings\":[]}}\n",
         NULL},
        {"veltrix -ojson", 2,
         "{\"error\":{\"code\":\"usage\",\"message\":\"which command? `veltrix help` lists "
         "them\",\"findings\":[]}}\n",
         NULL},
        {"veltrix -o json version --help", 0,
         "{\"help\":\"usage: veltrix version\\n\\nPrints the version.\\n\\nOptions of every command: --server URL, "
         "--fleet NAME, -o text|json, --color WHEN, --help\\n\"}\n",
         ""},
        {"veltrix eval '1 +' -o json", 1,
         "{\"error\":{\"code\":\"expression\",\"message\":\"expected an expression after "
         "`+`\",\"findings\":[{\"severity\":"
         "\"error\",\"file\":\"expression\",\"line\":1,\"column\":4,\"width\":1,\"message\":\"expected an expression "
         "after "
         "`+`\",\"quoted\":\"1 +\"}]}}\n",
         NULL},
    };
    CHECK(table);
}

static void version_is_printed(void **state)
{
    (void)state;
    static const struct expectation table[] = {
        {"veltrix version", 0, "veltrix " VELTRIX_VERSION "\n", ""},
        {"veltrix --version", 0, "veltrix " VELTRIX_VERSION "\n", ""},
        {"veltrix -V", 0, "veltrix " VELTRIX_VERSION "\n", ""},
        {"veltrix version x", 2, "", "veltrix: version: `x` is one word too many; usage: veltrix version\n"},
        {"veltrix version -o json", 0, "{\"version\":\"" VELTRIX_VERSION "\"}\n", ""},
    };
    CHECK(table);
}

static void a_full_disk_is_not_success(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(program_run(dir, "veltrix schema routing > /dev/full")->code, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validate_exits_0_1_2),
        cmocka_unit_test(validate_warns_of_what_a_sample_lacks),
        cmocka_unit_test(diff_exits_0_1_2),
        cmocka_unit_test(eval_exits_0_1_2),
        cmocka_unit_test(what_is_misspelt_gets_a_suggestion),
        cmocka_unit_test(a_server_that_is_not_there_is_said_with_what_to_try),
        cmocka_unit_test(every_command_explains_itself),
        cmocka_unit_test(colours_only_where_they_are_wanted),
        cmocka_unit_test(errors_are_json_where_json_is_wanted),
        cmocka_unit_test(version_is_printed),
        cmocka_unit_test(a_full_disk_is_not_success),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
