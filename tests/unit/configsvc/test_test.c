/* `veltrix test`: what passes, how failures read, coverage, JUnit, and the frozen exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "program.h"

static const char config[] = "kind: routing\n"
                             "name: r\n"
                             "topics: [in]\n"
                             "rules:\n"
                             "  - { name: big, when: event.amount >= 1000, pipeline: p }\n"
                             "  - { name: beat, when: event.type == \"beat\", drop: true }\n"
                             "  - { name: off, enabled: false, drop: true }\n"
                             "otherwise: { dead_letter: true }\n"
                             "dead_letter: in.dlq\n"
                             "---\n"
                             "kind: processing\n"
                             "name: p\n"
                             "stages:\n"
                             "  - filter: event.amount < 5000\n"
                             "  - set: { event.total: \"${event.price * event.qty}\", headers.by: \"${topic}\" }\n"
                             "  - emit: { topic: out, key: \"${event.user}\" }\n"
                             "  - emit: { topic: copy }\n"
                             "dead_letter: p.dlq\n";

/* Everything that a case may say, all of it true. */
static const char passing[] =
    "kind: test\n"
    "name: all\n"
    "owner: me\n"
    "description: what is said here holds\n"
    "topic: in\n"
    "cases:\n"
    "  - name: outputs\n"
    "    given:\n"
    "      value: { amount: 1200, price: 2, qty: 3, user: ann, \"${x}\": \"${y}\", n: 0x10, t: yes }\n"
    "      headers: { a: \"1\" }\n"
    "      key: k\n"
    "    expect:\n"
    "      rule: big\n"
    "      rules: [big]\n"
    "      outcome: emitted\n"
    "      outputs:\n"
    "        - topic: out\n"
    "          key: ann\n"
    "          headers: { by: in, a: \"1\", b: null }\n"
    "          value: { amount: 1200, price: 2, qty: 3, user: ann, \"${x}\": \"${y}\", n: 16, t: yes, "
    "total: 6 }\n"
    "        - { topic: copy, key: k, value_contains: { user: ann } }\n"
    "  - name: the value is text\n"
    "    given: { value_text: '{\"amount\":1200,\"price\":1,\"qty\":1,\"user\":\"u\"}' }\n"
    "    expect:\n"
    "      outputs:\n"
    "        - value_text: '{\"amount\":1200,\"price\":1,\"qty\":1,\"user\":\"u\",\"total\":1}'\n"
    "        - { key: null }\n"
    "  - name: filtered\n"
    "    given: { value: { amount: 9000 } }\n"
    "    expect: { rule: big, outcome: filtered, outputs: [] }\n"
    "  - name: dropped\n"
    "    given: { value: { type: beat }, timestamp: 7, partition: 1, offset: 2 }\n"
    "    expect: { rule: beat, outcome: dropped }\n"
    "  - name: a stage fails\n"
    "    given: { value: { amount: 1200 } }\n"
    "    expect: { dead_letter: { topic: p.dlq, reason: stage_failed } }\n"
    "  - name: a stage fails, in words\n"
    "    given: { value: { amount: 1200 } }\n"
    "    expect: { dead_letter: { reason: \"no such key: price\" }, outputs: [] }\n"
    "  - name: otherwise\n"
    "    given: { value: {} }\n"
    "    expect: { rule: otherwise, outcome: dead_letter }\n"
    "  - name: no JSON\n"
    "    given: { value_base64: AP8= }\n"
    "    expect: { dead_letter: { topic: in.dlq, reason: not_json } }\n"
    "  - name: elsewhere\n"
    "    topic: nowhere\n"
    "    given: {}\n"
    "    expect: { outcome: unrouted }\n";

static char dir[64];

static void folder(const char *name, const char *tests)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/r.yaml", name);
    program_write(dir, path, config);
    snprintf(path, sizeof path, "%s/t.yaml", name);
    program_write(dir, path, tests);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, program_dir());
    folder("good", passing);
    folder("none", "# nothing\n");
    folder("typo", "kind: test\nname: t\ntopic: in\ngiven: { vlaue: 1 }\nexpect: { rule: big }\n");
    folder("one", "kind: test\nname: one\ntopic: in\ngiven: { value: { type: beat } }\nexpect: { outcome: dropped }\n");
    folder("wrong", "kind: test\nname: wrong\ntopic: in\ncases:\n"
                    "  - name: much\n"
                    "    given: { value: { amount: 1200, price: 2, qty: 3, user: ann } }\n"
                    "    expect:\n"
                    "      rule: beat\n"
                    "      rules: [beat, off]\n"
                    "      outcome: dropped\n"
                    "      outputs:\n"
                    "        - topic: outt\n"
                    "          key: null\n"
                    "          headers: { by: you, b: x }\n"
                    "          value: { amount: 1200, price: 2, qty: 3, user: ann, total: 7 }\n"
                    "        - { value: null }\n"
                    "        - {}\n"
                    "  - name: a <dead> & \"refused\" one\n"
                    "    given: { value: { amount: 1200 } }\n"
                    "    expect: { outputs: [] }\n"
                    "  - name: alive\n"
                    "    given: { value: { type: beat } }\n"
                    "    expect: { dead_letter: {} }\n"
                    "  - name: other reasons\n"
                    "    given: { value: {} }\n"
                    "    expect: { dead_letter: { topic: p.dlq, reason: not_json } }\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_clean(dir);
    return 0;
}

static void check(const char *command, int code, const char *out, const char *err)
{
    const struct program_result *r = program_run(dir, command);
    if (r->code != code || (out && strcmp(r->out, out) != 0) || (err && strcmp(r->err, err) != 0))
        fail_msg("%s\n--- exit %d, want %d\n--- stdout\n%s--- stderr\n%s", command, r->code, code, r->out, r->err);
}

static void what_holds_passes(void **state)
{
    (void)state;
    check("veltrix test good", 0, "9 cases, all passed; 2 of 2 rules reached (100 %)\n", "");
    check("veltrix test one", 0,
          "one/r.yaml:5: no case reaches rule `big` of routing `r`\n1 case, it passed; 1 of 2 rules reached (50 %)\n",
          "");
    check("veltrix validate good", 0, "good: valid: 1 routing, 1 pipeline, 1 test\n", "");
}

static void failures_say_where_and_how(void **state)
{
    (void)state;
    check(
        "veltrix test wrong", 1,
        "wrong/t.yaml:5: failed: wrong: much\n"
        "    rule: expected beat, got big\n"
        "    rules: expected beat, off, got big\n"
        "    outcome: expected dropped, got emitted\n"
        "    outputs[0].topic: expected outt, got out\n"
        "    outputs[0].key: expected none, got \"ann\"\n"
        "    outputs[0].headers.by: expected \"you\", got \"in\"\n"
        "    outputs[0].headers.b: expected \"x\", got nothing\n"
        "    outputs[0].value.total: expected 7, got 6\n"
        "    outputs[1].value: expected a tombstone, got "
        "\"{\\\"amount\\\":1200,\\\"price\\\":2,\\\"qty\\\":3,\\\"user\\\":\\\"ann\\\",\\\"total\\\":6}\"\n"
        "    outputs: expected 3, got 2 (out, copy)\n"
        "wrong/t.yaml:18: failed: wrong: a <dead> & \"refused\" one\n"
        "    dead_letter: expected none, got stage_failed (pipeline p, stages[1] (set): event.total: no such key: "
        "price)\n"
        "wrong/t.yaml:21: failed: wrong: alive\n"
        "    dead_letter: expected one, got none\n"
        "wrong/t.yaml:24: failed: wrong: other reasons\n"
        "    dead_letter.topic: expected p.dlq, got in.dlq\n"
        "    dead_letter.reason: expected not_json, got by_rule (routing r: no rule matches, and `otherwise` sends the "
        "event to the dead letters)\n"
        "4 cases, 4 failed; 2 of 2 rules reached (100 %)\n",
        "");
}

static void too_little_coverage_fails(void **state)
{
    (void)state;
    check("veltrix test one --coverage-threshold 50", 0, NULL, "");
    check("veltrix test one --coverage-threshold 51", 1, NULL,
          "veltrix: test: 50 % of the rules are reached; 51 % are wanted\n");
    check("veltrix test one --coverage-threshold 101", 2, "",
          "veltrix: --coverage-threshold is a whole number from 0 to 100, not `101`\n");
    check("veltrix test one --coverage-threshold x", 2, "", NULL);
}

static void what_does_not_load_exits_2(void **state)
{
    (void)state;
    check("veltrix test typo", 2, "",
          "typo/t.yaml:4:10: error: unknown key `vlaue` in `given`; did you mean `value`?\n"
          "    4 | given: { vlaue: 1 }\n"
          "      |          ^~~~~\n"
          "veltrix: typo: 1 error\n");
    check("veltrix validate typo", 1, "typo: not valid: 1 error\n", NULL);
    check("veltrix test none", 2, "", "veltrix: test: there is no document of `kind: test` in none\n");
    check("veltrix test nosuch", 2, "", NULL);
    check("veltrix test", 2, "", NULL);
}

static void tests_are_no_part_of_a_release(void **state)
{
    (void)state;
    check("veltrix diff none good", 0, "", "");
    check("veltrix simulate good --counts < /dev/null >/dev/null", 0, "", "");
}

static void junit_has_a_suite_a_document_and_a_case_a_case(void **state)
{
    (void)state;
    check("veltrix test one --junit one.xml > /dev/null; sed -E 's/(time|timestamp|hostname)=\"[^\"]+\"/\\1=\"-\"/g' "
          "one.xml",
          0,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<testsuites>\n"
          "  <testsuite id=\"0\" package=\"veltrix\" name=\"one\" timestamp=\"-\" hostname=\"-\" tests=\"1\" "
          "failures=\"0\" "
          "errors=\"0\" skipped=\"0\" time=\"-\">\n"
          "    <properties>\n"
          "      <property name=\"file\" value=\"one/t.yaml\"/>\n"
          "    </properties>\n"
          "    <testcase name=\"one\" classname=\"one\" time=\"-\"/>\n"
          "    <system-out/>\n"
          "    <system-err/>\n"
          "  </testsuite>\n"
          "</testsuites>\n",
          "");
    check("veltrix test wrong --junit w.xml > /dev/null; grep -A4 'a &lt;dead' w.xml | sed -E "
          "'s/time=\"[^\"]+\"/time=\"-\"/'",
          0,
          "    <testcase name=\"a &lt;dead&gt; &amp; &quot;refused&quot; one\" classname=\"wrong\" time=\"-\">\n"
          "      <failure type=\"difference\" message=\"dead_letter: expected none, got stage_failed (pipeline p, "
          "stages[1] "
          "(set): event.total: no such key: price)\">wrong/t.yaml:18\n"
          "dead_letter: expected none, got stage_failed (pipeline p, stages[1] (set): event.total: no such key: "
          "price)</failure>\n"
          "    </testcase>\n"
          "    <testcase name=\"alive\" classname=\"wrong\" time=\"-\">\n",
          "");
    check("veltrix test one --junit ''", 2, NULL, "veltrix: --junit is the name of a file, not ``\n");
    check("veltrix test one --junit nosuch/x.xml", 2, NULL,
          "veltrix: nosuch/x.xml cannot be written: No such file or directory\n");
}

static void results_as_json_are_one_value(void **state)
{
    (void)state;
    check(
        "veltrix test one -o json", 0,
        "{\"passed\":true,\"failed\":0,\"cases\":[{\"test\":\"one\",\"name\":\"one\",\"file\":\"one/"
        "t.yaml\",\"line\":1,"
        "\"passed\":true,\"differences\":null}],\"coverage\":{\"rules\":2,\"reached\":1,\"percent\":50,\"untested\":[{"
        "\"routing\":\"r\",\"rule\":\"big\",\"file\":\"one/r.yaml\",\"line\":5}]}}\n",
        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_passes),
        cmocka_unit_test(failures_say_where_and_how),
        cmocka_unit_test(too_little_coverage_fails),
        cmocka_unit_test(what_does_not_load_exits_2),
        cmocka_unit_test(tests_are_no_part_of_a_release),
        cmocka_unit_test(junit_has_a_suite_a_document_and_a_case_a_case),
        cmocka_unit_test(results_as_json_are_one_value),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
