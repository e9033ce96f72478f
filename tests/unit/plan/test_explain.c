/* Explaining: that it says what deciding does, whatever the release and the event are, and how it reads. */
#include "fixture.h"

#include <stdio.h>

#include "core/base/utf8.h"
#include "core/json/scan.h"
#include "core/plan/compiled.h"
#include "core/plan/explain.h"
#include "core/plan/simulate.h"

/* ---- random releases and events ---- */

enum { RELEASES = 400, EVENTS = 40, ROUTINGS = 5, PIPELINES = 4 };

static uint32_t below(uint64_t *seed, uint32_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 33) % n;
}

static bool chance(uint64_t *seed, uint32_t in)
{
    return below(seed, in) == 0;
}
#define PICK(seed, array) ((array)[below((seed), sizeof(array) / sizeof *(array))])

static const char *const conditions[] = {
    "event.a == 1",
    "event.a > 1 && event.b == 'x'",
    "event.a > 1 || event.b == 'x'",
    "!(event.a < 2)",
    "has(event.b) ? event.b == 'x' : event.a == 3",
    "has(headers.h) && headers.h.startsWith('v')",
    "event.c",
    "event.c && event.a / event.b == 1",
    "event.a in [1, 2] || !event.c",
    "topic == 'in'",
    "key == 'k' || event.missing > 1",
    "size(event.list) > 1 && event.list[0] == event.a",
    "event.m.x + event.a > 3",
    "true",
    "event.b.contains('y') && !(event.a == 1 || event.a == 2)",
};
static const char *const values[] = {
    "{\"a\":1,\"b\":\"x\",\"c\":true,\"list\":[1,2],\"m\":{\"x\":3}}",
    "{\"a\":2,\"b\":\"xy\",\"c\":false}",
    "{\"a\":3}",
    "{\"a\":0,\"b\":0,\"c\":1}",
    "{\"b\":\"x\"}",
    "{\"a\":2.5,\"b\":\"y\",\"list\":[2.5],\"m\":{\"x\":\"t\"}}",
    "{}",
    "[1]",
    "7",
    "not JSON",
};

static void rules(uint64_t *seed, int routing, struct vx_buf *out)
{
    int count = (int)below(seed, 6);
    vx_buf_str(out, count ? "rules:\n" : "");
    for (int i = 0; i < count; i++) {
        vx_buf_printf(out, "  - name: r%d\n", i);
        if (!chance(seed, 8))
            vx_buf_printf(out, "    when: \"%s\"\n", PICK(seed, conditions));
        if (routing + 1 < ROUTINGS && chance(seed, 3))
            vx_buf_printf(out, "    routing: to-%d\n",
                          routing + 1 + (int)below(seed, (uint32_t)(ROUTINGS - routing - 1)));
        else if (chance(seed, 4))
            vx_buf_str(out, "    drop: true\n");
        else if (chance(seed, 3))
            vx_buf_printf(out, "    pipelines: [p0, p%d]\n", 1 + (int)below(seed, PIPELINES - 1));
        else
            vx_buf_printf(out, "    pipeline: p%d\n", (int)below(seed, PIPELINES));
        if (chance(seed, 6))
            vx_buf_str(out, "    enabled: false\n");
    }
}

static void routing(uint64_t *seed, int number, struct vx_buf *out)
{
    bool dead_letter = chance(seed, 2);
    if (number == 0)
        vx_buf_str(out, "kind: routing\nname: top\ntopics: [in]\n");
    else
        vx_buf_printf(out, "---\nkind: routing\nname: to-%d\n", number);
    if (chance(seed, 2))
        vx_buf_printf(out, "match: %s\n", chance(seed, 3) ? "first" : "all");
    rules(seed, number, out);
    if (dead_letter)
        vx_buf_printf(out, "dead_letter: dead-%d\n", number);
    if (dead_letter && chance(seed, 2))
        vx_buf_str(out, "otherwise: { dead_letter: true }\n");
    else if (chance(seed, 3))
        vx_buf_str(out, "otherwise: { drop: true }\n");
    else
        vx_buf_printf(out, "otherwise: { pipeline: p%d }\n", (int)below(seed, PIPELINES));
}

static void pipeline(uint64_t *seed, int number, struct vx_buf *out)
{
    static const char *const stages[] = {
        "  - set: { event.new: '${event.a + 1}', headers.h: 'v${event.b}' }\n",
        "  - set: { event.list: [1, '${event.b}'], key: '${event.a}' }\n",
        "  - remove: [event.a, headers.h, key]\n",
        "  - emit: { topic: 'o-${event.b}', allow: ['o-x*'] }\n",
        "  - emit: { topic: out, key: fixed }\n",
    };
    vx_buf_printf(out, "---\nkind: processing\nname: p%d\n%sstages:\n", number,
                  chance(seed, 3) ? "dead_letter: pd\n" : "");
    for (uint32_t n = below(seed, 4); n > 0; n--) {
        if (chance(seed, 4))
            vx_buf_printf(out, "  - filter: \"%s\"\n", PICK(seed, conditions));
        else if (number + 1 < PIPELINES && chance(seed, 4))
            vx_buf_printf(out, "  - pipeline: p%d\n", number + 1);
        else
            vx_buf_str(out, PICK(seed, stages));
    }
    vx_buf_str(out, "  - emit: { topic: end }\n");
}

static struct config_set *random_set(uint64_t *seed, struct vx_buf *yaml)
{
    vx_buf_clear(yaml);
    for (int i = 0; i < ROUTINGS; i++)
        routing(seed, i, yaml);
    for (int i = 0; i < PIPELINES; i++)
        pipeline(seed, i, yaml);
    return set_of(vx_buf_text(yaml));
}

/* ---- explain equals route ---- */

struct check {
    const struct explain_step *steps;
    size_t count, at;
    const struct decision *decision;
    size_t taken; /* rules of the decision that were met */
    const struct table *t;
};

/* The condition taken apart says what the condition says. */
static void check_reasons(const struct explain_rule *rule)
{
    bool asked = rule->verdict != EXPLAIN_DISABLED && rule->verdict != EXPLAIN_BEHIND;
    assert_int_equal(rule->config->enabled, rule->verdict != EXPLAIN_DISABLED);
    if (!asked || !rule->config->when.cel)
        return;
    assert_int_equal(rule->why.holds, rule->verdict == EXPLAIN_MATCHES);
    assert_int_equal(rule->why.failed, rule->verdict == EXPLAIN_FAILS);
    assert_true(rule->why.count > 0);
}

/* What the loop found at one routing is what was taken there, hand-overs followed; false when the event was done with
 * before all was met (stuck, too many). */
static bool check_routing(struct check *c)
{
    const struct explain_step *step = &c->steps[c->at++];
    size_t rule_count, found = 0, n = step->routing->rule_count;
    const struct table_rule *names = table_rules(c->t, &rule_count);
    assert_int_equal(step->kind, EXPLAIN_ROUTING);
    for (size_t i = 0; i < n; i++) {
        check_reasons(&step->rules[i]);
        found += step->rules[i].verdict == EXPLAIN_MATCHES;
    }
    assert_true(step->routing->match == CONFIG_MATCH_ALL || found <= 1);
    for (size_t i = 0; i <= n; i++) {
        if (i < n ? step->rules[i].verdict != EXPLAIN_MATCHES : found > 0)
            continue;
        if (c->at == c->count)
            return false;
        const struct explain_step *taken = &c->steps[c->at++];
        const struct decide_rule *decided = &c->decision->rules[c->taken++];
        assert_int_equal(taken->kind, EXPLAIN_TAKEN);
        assert_ptr_equal(taken->routing, step->routing);
        assert_ptr_equal(taken->rule, i < n ? step->rules[i].config : NULL);
        assert_string_equal(names[decided->rule].name, i < n ? step->rules[i].config->name : "otherwise");
        assert_string_equal(names[decided->rule].routing, step->routing->name);
        assert_int_equal(decided->hands_over, taken->action->kind == CONFIG_HAND_OVER);
        if (decided->hands_over && !check_routing(c))
            return false;
        while (c->at < c->count && c->steps[c->at].kind >= EXPLAIN_PIPELINE)
            c->at++;
    }
    return true;
}

static void check_steps(const struct explain *x, const struct table *t)
{
    struct check c = {.decision = explain_decision(x), .t = t};
    c.steps = explain_steps(x, &c.count);
    if (c.count == 0) {
        assert_int_equal(c.decision->rule, UINT32_MAX);
        return;
    }
    bool all = check_routing(&c);
    assert_int_equal(c.at, c.count);
    assert_int_equal(c.taken, c.decision->rule_count);
    if (!all)
        assert_true(c.decision->outcome == OUTCOME_STUCK || c.decision->reason == REASON_TOO_MANY);
}

static void check_prints(struct json_scanner *scanner, const struct json_paths *nothing, const struct explain *x)
{
    struct vx_buf text = {0}, json = {0};
    size_t error_at = 0;
    explain_print(x, false, &text);
    explain_print_json(x, &json);
    assert_true(vx_utf8_valid(vx_buf_view(&text)));
    assert_null(strstr(vx_buf_text(&text), "\033"));
    assert_int_equal(json_scan(scanner, nothing, vx_buf_view(&json), NULL, &error_at), VX_OK);
    vx_buf_done(&text);
    vx_buf_done(&json);
}

static struct cel_event random_event(uint64_t *seed)
{
    static const struct cel_header headers[] = {{VX_SPAN_LITERAL("h"), VX_SPAN_LITERAL("v1")},
                                                {VX_SPAN_LITERAL("h"), VX_SPAN_LITERAL("\xff\xfe")}};
    struct cel_event ev = {.topic = VX_SPAN_LITERAL("in"), .headers = headers, .header_count = below(seed, 3)};
    if (chance(seed, 2))
        ev.key = VX_SPAN_LITERAL("k");
    if (!chance(seed, 12))
        ev.value = vx_span_str(PICK(seed, values));
    return ev;
}

static void explain_equals_route(void **state)
{
    (void)state;
    uint64_t seed = 20260711;
    struct vx_buf yaml = {0}, routed = {0}, explained = {0};
    struct decider *d = decider_new();
    struct simulate *s = simulate_new();
    struct json_scanner *scanner = json_scanner_new();
    struct json_paths *nothing = json_paths_new();
    json_paths_seal(nothing);
    size_t handed = 0, several = 0;
    for (int release = 0; release < RELEASES; release++) {
        struct config_set *set = random_set(&seed, &yaml);
        struct vx_diags diags = {0};
        struct table *t = NULL;
        assert_int_equal(table_new(set, 1, &t, &diags), VX_OK);
        struct explain *x = explain_new(set, t);
        for (int i = 0; i < EVENTS; i++) {
            struct cel_event ev = random_event(&seed);
            struct decision out;
            vx_buf_clear(&routed);
            vx_buf_clear(&explained);
            decide(d, t, &ev, &out);
            simulate_print(s, t, 0, &ev, &out, &routed);
            explain_event(x, &ev);
            simulate_print(s, t, 0, &ev, explain_decision(x), &explained);
            if (strcmp(vx_buf_text(&routed), vx_buf_text(&explained)) != 0)
                print_message("%s\n", vx_buf_text(&yaml));
            assert_string_equal(vx_buf_text(&routed), vx_buf_text(&explained));
            check_steps(x, t);
            check_prints(scanner, nothing, x);
            handed += out.rule_count > 0 && out.rules[0].hands_over;
            several += out.match_all && out.rule_count > 1;
        }
        explain_free(x);
        table_unref(t);
        config_set_free(set);
        vx_diags_done(&diags);
    }
    assert_true(handed > 500 && several > 500); /* the test is about something */
    json_paths_free(nothing);
    json_scanner_free(scanner);
    simulate_free(s);
    decider_free(d);
    vx_buf_done(&yaml);
    vx_buf_done(&routed);
    vx_buf_done(&explained);
}

/* ---- how it reads ---- */

static const char RELEASE[] =
    "kind: routing\n"
    "name: player-events\n"
    "owner: game-platform\n"
    "topics: [player-events]\n"
    "rules:\n"
    "  - name: heartbeat\n"
    "    when: event.type == 'heartbeat'\n"
    "    drop: true\n"
    "  - name: partners\n"
    "    when: has(headers.partner)\n"
    "    routing: partner-rules\n"
    "  - name: europe\n"
    "    when: headers['x-region'].startsWith('eu-')\n"
    "    pipeline: archive\n"
    "    enabled: false\n"
    "  - name: big-spender\n"
    "    when: |\n"
    "      event.type == 'purchase'\n"
    "        && event.amount * event.qty >= 1000\n"
    "    pipeline: fraud-check\n"
    "  - { name: a, drop: true, when: event.a }\n"
    "  - { name: b, drop: true, when: event.a }\n"
    "otherwise: { dead_letter: true }\n"
    "dead_letter: player-events.dlq\n"
    "---\n"
    "kind: routing\n"
    "name: partner-rules\n"
    "match: all\n"
    "rules:\n"
    "  - { name: acme, owner: acme-team, when: headers.partner == 'acme' && !(event.test), "
    "pipeline: archive }\n"
    "  - { name: gold, when: \"event.tier in ['gold']\", pipelines: [archive, fraud-check] }\n"
    "  - { name: rest, drop: true }\n"
    "otherwise: { drop: true }\n"
    "---\n"
    "kind: processing\n"
    "name: fraud-check\n"
    "stages:\n"
    "  - filter: event.amount > 0\n"
    "  - set: { event.currency: EUR, event.total: '${event.amount * event.qty}', headers.by: "
    "'f-${event.country}' }\n"
    "  - remove: [event.card, headers.none]\n"
    "  - pipeline: archive\n"
    "  - emit: { topic: 'fraud-${event.country}', allow: ['fraud-*'], key: '${event.user.id}' }\n"
    "---\n"
    "{ kind: processing, name: archive, stages: [ emit: { topic: archive } ] }\n";

static void it_reads_as_expected(void **state)
{
    (void)state;
    static const struct cel_header partner[] = {{VX_SPAN_LITERAL("partner"), VX_SPAN_LITERAL("acme")}};
    static const struct {
        const char *value;
        size_t headers;
        const char *want;
    } cases[] = {
        {"{\"type\":\"purchase\",\"amount\":600,\"qty\":2,\"country\":\"DE\",\"card\":\"4111\",\"user\":{\"id\":\"u7\"}"
         "}",
         0,
         "event of player-events, key \"k\", 88 bytes\n"
         "\n"
         "routing player-events, owner game-platform: the first rule that matches\n"
         "  no         heartbeat    event.type == 'heartbeat'\n"
         "                            event.type = \"purchase\" → false\n"
         "  no         partners     has(headers.partner)\n"
         "                            has(headers.partner) = false\n"
         "  disabled   europe       headers['x-region'].startsWith('eu-')\n"
         "  matches    big-spender  event.type == 'purchase' && event.amount * event.qty >= 1000\n"
         "                            event.type = \"purchase\" → true\n"
         "                            event.amount * event.qty >= 1000:  event.amount * event.qty = 1200, event.amount "
         "= "
         "600, event.qty = 2 → true\n"
         "  not asked  a, b\n"
         "\n"
         "→ rule big-spender: pipeline fraud-check\n"
         "\n"
         "pipeline fraud-check\n"
         "  1  filter     event.amount > 0\n"
         "                  event.amount = 600 → true\n"
         "  2  set        event.currency  (not there) → \"EUR\"\n"
         "                event.total     (not there) → 1200\n"
         "                headers.by      (not there) → \"f-DE\"\n"
         "  3  remove     event.card    \"4111\" → (not there)\n"
         "                headers.none  (not there)\n"
         "  4  pipeline   archive\n"
         "    1  emit       archive, key \"k\"\n"
         "  5  emit       fraud-DE, key \"u7\"\n"
         "\n"
         "emitted, 2 records\n"
         "  archive, key \"k\"\n"
         "    by: f-DE\n"
         "    "
         "{\"type\":\"purchase\",\"amount\":600,\"qty\":2,\"country\":\"DE\",\"user\":{\"id\":\"u7\"},\"currency\":"
         "\"EUR\","
         "\"total\":1200}\n"
         "  fraud-DE, key \"u7\"\n"
         "    by: f-DE\n"
         "    "
         "{\"type\":\"purchase\",\"amount\":600,\"qty\":2,\"country\":\"DE\",\"user\":{\"id\":\"u7\"},\"currency\":"
         "\"EUR\","
         "\"total\":1200}\n"},
        {"{\"tier\":\"gold\",\"amount\":0}", 1,
         "event of player-events, key \"k\", 26 bytes\n"
         "\n"
         "routing player-events, owner game-platform: the first rule that matches\n"
         "  fails      heartbeat  event.type == 'heartbeat'\n"
         "                          event.type: no such key: type\n"
         "  matches    partners   has(headers.partner)\n"
         "                          has(headers.partner) = true\n"
         "  disabled   europe     headers['x-region'].startsWith('eu-')\n"
         "  not asked  big-spender, a, b\n"
         "\n"
         "→ rule partners: hands over to routing partner-rules\n"
         "\n"
         "routing partner-rules: all rules that match\n"
         "  fails      acme  headers.partner == 'acme' && !(event.test)\n"
         "                     event.test: no such key: test\n"
         "  matches    gold  event.tier in ['gold']\n"
         "                     event.tier = \"gold\" → true\n"
         "  matches    rest  (every event)\n"
         "\n"
         "→ rule gold: pipelines archive, fraud-check\n"
         "\n"
         "pipeline archive\n"
         "  1  emit       archive, key \"k\"\n"
         "\n"
         "pipeline fraud-check\n"
         "  1  filter     event.amount > 0: the event ends here\n"
         "                  event.amount = 0 → false\n"
         "\n"
         "→ rule rest: drop\n"
         "\n"
         "emitted, 1 record\n"
         "  archive, key \"k\"\n"
         "    partner: acme\n"
         "    {\"tier\":\"gold\",\"amount\":0}\n"},
        {"{\"type\":\"purchase\",\"amount\":1000,\"qty\":1}", 0,
         "event of player-events, key \"k\", 41 bytes\n"
         "\n"
         "routing player-events, owner game-platform: the first rule that matches\n"
         "  no         heartbeat    event.type == 'heartbeat'\n"
         "                            event.type = \"purchase\" → false\n"
         "  no         partners     has(headers.partner)\n"
         "                            has(headers.partner) = false\n"
         "  disabled   europe       headers['x-region'].startsWith('eu-')\n"
         "  matches    big-spender  event.type == 'purchase' && event.amount * event.qty >= 1000\n"
         "                            event.type = \"purchase\" → true\n"
         "                            event.amount * event.qty >= 1000:  event.amount * event.qty = 1000, event.amount "
         "= "
         "1000, event.qty = 1 → true\n"
         "  not asked  a, b\n"
         "\n"
         "→ rule big-spender: pipeline fraud-check\n"
         "\n"
         "pipeline fraud-check\n"
         "  1  filter     event.amount > 0\n"
         "                  event.amount = 1000 → true\n"
         "  2  set        fails: headers.by: no such key: country\n"
         "\n"
         "dead letter, 1 record\n"
         "  stage_failed: pipeline fraud-check, stages[1] (set): headers.by: no such key: country\n"
         "  player-events.dlq, key \"k\", dead letter: stage_failed\n"
         "    __connect.errors.topic: player-events\n"
         "    __connect.errors.partition: 0\n"
         "    __connect.errors.offset: 0\n"
         "    __connect.errors.connector.name: veltrix\n"
         "    __connect.errors.stage: fraud-check/stages[1].set\n"
         "    __connect.errors.exception.class.name: stage_failed\n"
         "    __connect.errors.exception.message: pipeline fraud-check, stages[1] (set): headers.by: no such key: "
         "country\n"
         "    veltrix-pipeline: fraud-check\n"
         "    {\"type\":\"purchase\",\"amount\":1000,\"qty\":1}\n"},
    };
    struct config_set *set = set_of(RELEASE);
    struct table *t = table_of(RELEASE);
    struct explain *x = explain_new(set, t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_buf out = {0};
        struct cel_event ev = {.topic = VX_SPAN_LITERAL("player-events"),
                               .key = VX_SPAN_LITERAL("k"),
                               .value = vx_span_str(cases[i].value),
                               .headers = partner,
                               .header_count = cases[i].headers};
        explain_event(x, &ev);
        explain_print(x, false, &out);
        assert_string_equal(vx_buf_text(&out), cases[i].want);
        vx_buf_done(&out);
    }
    explain_free(x);
    table_unref(t);
    config_set_free(set);
}

static void json_has_the_same_steps(void **state)
{
    (void)state;
    struct config_set *set = set_of(RELEASE);
    struct table *t = table_of(RELEASE);
    struct explain *x = explain_new(set, t);
    struct vx_buf out = {0};
    struct cel_event ev = {.topic = VX_SPAN_LITERAL("player-events"),
                           .value = VX_SPAN_LITERAL("{\"type\":\"x\",\"a\":5}")};
    explain_event(x, &ev);
    explain_print_json(x, &out);
    assert_string_equal(
        vx_buf_text(&out),
        "{\"topic\":\"player-events\",\"steps\":[{\"routing\":\"player-events\",\"owner\":\"game-platform\","
        "\"match\":\"first\",\"rules\":["
        "{\"rule\":\"heartbeat\",\"when\":\"event.type == 'heartbeat'\",\"result\":\"no\",\"because\":["
        "{\"expression\":\"event.type == 'heartbeat'\",\"value\":\"false\",\"seen\":["
        "{\"expression\":\"event.type\",\"value\":\"\\\"x\\\"\"}]}]},"
        "{\"rule\":\"partners\",\"when\":\"has(headers.partner)\",\"result\":\"no\",\"because\":["
        "{\"expression\":\"has(headers.partner)\",\"value\":\"false\",\"seen\":[]}]},"
        "{\"rule\":\"europe\",\"when\":\"headers['x-region'].startsWith('eu-')\",\"result\":\"disabled\"},"
        "{\"rule\":\"big-spender\",\"when\":\"event.type == 'purchase'\\n  && event.amount * event.qty >= 1000\\n\","
        "\"result\":\"no\",\"because\":[{\"expression\":\"event.type == 'purchase'\",\"value\":\"false\",\"seen\":["
        "{\"expression\":\"event.type\",\"value\":\"\\\"x\\\"\"}]}]},"
        "{\"rule\":\"a\",\"when\":\"event.a\",\"result\":\"fails\",\"because\":["
        "{\"expression\":\"event.a\",\"value\":\"5\",\"seen\":[]}]},"
        "{\"rule\":\"b\",\"when\":\"event.a\",\"result\":\"fails\",\"because\":["
        "{\"expression\":\"event.a\",\"value\":\"5\",\"seen\":[]}]}]},"
        "{\"takes\":{\"routing\":\"player-events\",\"rule\":null,\"dead_letter\":true}}],"
        "\"decision\":{\"n\":0,\"topic\":\"player-events\",\"rule\":null,\"outcome\":\"dead_letter\",\"pipelines\":[],"
        "\"outputs\":[{\"topic\":\"player-events.dlq\",\"key\":null,\"headers\":{"
        "\"__connect.errors.topic\":\"player-events\",\"__connect.errors.partition\":\"0\","
        "\"__connect.errors.offset\":\"0\",\"__connect.errors.connector.name\":\"veltrix\","
        "\"__connect.errors.stage\":\"player-events/otherwise\","
        "\"__connect.errors.exception.class.name\":\"by_rule\","
        "\"__connect.errors.exception.message\":\"routing player-events: no rule matches, and `otherwise` sends the "
        "event to the dead letters\"},\"value\":{\"type\":\"x\",\"a\":5}}],"
        "\"error\":\"routing player-events: no rule matches, and `otherwise` sends the event to the dead "
        "letters\"}}\n");
    vx_buf_done(&out);
    explain_free(x);
    table_unref(t);
    config_set_free(set);
}

/* What others wrote into an event must not steer the terminal; long values are cut between characters. */
static void what_comes_from_outside_is_tamed(void **state)
{
    (void)state;
    struct config_set *set = set_of(RELEASE);
    struct table *t = table_of(RELEASE);
    struct explain *x = explain_new(set, t);
    struct vx_buf value = {0}, out = {0};
    static const struct cel_header headers[] = {{VX_SPAN_LITERAL("x\033[2J"), VX_SPAN_LITERAL("\033]0;title\a")},
                                                {VX_SPAN_LITERAL("raw"), VX_SPAN_LITERAL("\xff\xfe")}};
    vx_buf_str(&value, "{\"type\":\"\x7f");
    for (int i = 0; i < 3000; i++)
        vx_buf_str(&value, "é");
    vx_buf_str(&value, "\"}");
    struct cel_event ev = {.topic = VX_SPAN_LITERAL("player-events"),
                           .key = VX_SPAN_LITERAL("\xff"),
                           .value = vx_buf_view(&value),
                           .headers = headers,
                           .header_count = 2};
    explain_event(x, &ev);
    explain_print(x, false, &out);
    assert_true(vx_utf8_valid(vx_buf_view(&out)));
    assert_null(strpbrk(vx_buf_text(&out), "\033\a\x7f"));
    assert_non_null(strstr(vx_buf_text(&out), "… (6008 bytes) → false"));
    assert_non_null(strstr(vx_buf_text(&out), "raw: (2 bytes that are no text)"));
    assert_non_null(strstr(vx_buf_text(&out), "with a key of 1 bytes that are no text"));
    vx_buf_done(&value);
    vx_buf_done(&out);
    explain_free(x);
    table_unref(t);
    config_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explain_equals_route),
        cmocka_unit_test(it_reads_as_expected),
        cmocka_unit_test(json_has_the_same_steps),
        cmocka_unit_test(what_comes_from_outside_is_tamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
