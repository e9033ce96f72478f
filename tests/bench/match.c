/* How fast one core decides: 1 KB game events, rules of type, region and amount; JSON in, rule out, no records copied.
 *
 *     bench_match [RULES [SECONDS]]      defaults: 100 rules, 2 s; one JSON line per measurement
 *
 * "drop" ends every event at its rule (scan and match alone); "emit" lets a pipeline pass it on unchanged; "set" lets one
 * change it. Events and rules come from a fixed seed. The figure is the best of five rounds: noise only adds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/json/scan.h"
#include "core/plan/decide.h"

enum { EVENTS = 1000, EVENT_BYTES = 1024, ROUNDS = 5, TYPES = 10, REGIONS = 10 };

static uint64_t seed = 42;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % below;
}

/* A game event, padded to EVENT_BYTES by what such events carry: ids, positions, an inventory. */
static void build_event(struct vx_buf *out)
{
    size_t begin = out->len;
    vx_buf_printf(out,
                  "{\"id\":\"%08x-%08x\",\"type\":\"type-%u\",\"time\":%u,\"player\":{\"id\":\"p-%u\",\"level\":%u,"
                  "\"name\":\"Player %u\"},\"region\":\"region-%u\",\"amount\":%u.%02u,\"inventory\":[",
                  draw(UINT32_MAX), draw(UINT32_MAX), draw(TYPES), draw(1000000), draw(100000), draw(90), draw(100000),
                  draw(REGIONS), draw(1000), draw(100));
    for (int i = 0; out->len - begin < EVENT_BYTES - 90; i++)
        vx_buf_printf(out, "%s{\"item\":\"item-%u\",\"count\":%u,\"rare\":%s}", i ? "," : "", draw(500), draw(9),
                      draw(2) ? "true" : "false");
    vx_buf_str(out, "],\"session\":\"");
    while (out->len - begin < EVENT_BYTES - 2)
        vx_buf_char(out, (char)('a' + draw(26)));
    vx_buf_str(out, "\"}");
}

static struct table *build_table(int rules, const char *action)
{
    struct vx_buf yaml = {0}, text = {0};
    struct vx_diags diags = {0};
    struct config_set *set = NULL;
    struct table *t = NULL;
    vx_buf_str(&yaml, "kind: routing\nname: r\ntopics: [in]\nrules:\n");
    for (int i = 0; i < rules; i++)
        vx_buf_printf(&yaml,
                      "  - { name: rule-%d, when: 'event.type == \"type-%u\" && event.region == \"region-%u\" && "
                      "event.amount >= %u.0', %s }\n",
                      i, draw(TYPES), draw(REGIONS), 500 + draw(500), action);
    vx_buf_printf(&yaml, "otherwise: { %s }\n", action);
    vx_buf_str(&yaml, "---\n{ kind: processing, name: emit, stages: [ emit: { topic: out } ] }\n");
    vx_buf_str(&yaml, "---\n{ kind: processing, name: set, stages: [ set: { event.twice: '${event.amount * 2.0}' }, "
                      "emit: { topic: out } ] }\n");
    struct config_source source = {"bench.yaml", vx_buf_view(&yaml), 1};
    if (config_load(&source, 1, &set, &diags) || table_new(set, 1, &t, &diags)) {
        vx_diags_print(&diags, &text, false);
        fprintf(stderr, "%s", vx_buf_text(&text));
        exit(2);
    }
    config_set_free(set);
    vx_diags_done(&diags);
    vx_buf_done(&yaml);
    return t;
}

static void measure(const char *name, const char *action, int rules, double seconds)
{
    seed = 42;
    int64_t load_us = vx_clock_us();
    struct table *t = build_table(rules, action);
    load_us = vx_clock_us() - load_us;
    struct decider *d = decider_new();
    static struct vx_buf events[EVENTS];
    uint64_t matched = 0, decided = 0;
    double best_ns = 0;
    for (int i = 0; i < EVENTS; i++) {
        vx_buf_clear(&events[i]);
        build_event(&events[i]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int64_t begin = vx_clock_us(), end;
        uint64_t count = 0;
        do {
            for (int i = 0; i < EVENTS; i++) {
                struct cel_event ev = {.topic = VX_SPAN_LITERAL("in"), .value = vx_buf_view(&events[i])};
                struct decision out;
                decide(d, t, &ev, &out);
                matched += out.rule != (uint32_t)rules;
            }
            count += EVENTS;
            end = vx_clock_us();
        } while (end - begin < (int64_t)(seconds * 1e6 / ROUNDS));
        double ns = (double)(end - begin) * 1000 / (double)count;
        best_ns = best_ns == 0 || ns < best_ns ? ns : best_ns;
        decided += count;
    }
    printf("{\"bench\":\"match\",\"case\":\"%s\",\"isa\":\"%s\",\"rules\":%d,\"event_bytes\":%d,\"ns_per_event\":%.0f,"
           "\"events_per_s\":%.0f,\"matched\":%.3f,\"load_ms\":%.1f,\"table_bytes\":%zu}\n",
           name, json_scan_isa(), rules, EVENT_BYTES, best_ns, 1e9 / best_ns, (double)matched / (double)decided,
           (double)load_us / 1000, table_bytes(t));
    decider_free(d);
    table_unref(t);
}

int main(int argc, char **argv)
{
    int rules = argc > 1 ? atoi(argv[1]) : 100;
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    measure("drop", "drop: true", rules, seconds);
    measure("emit", "pipeline: emit", rules, seconds);
    measure("set", "pipeline: set", rules, seconds);
    return 0;
}
