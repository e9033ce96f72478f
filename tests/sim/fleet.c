/* Families of releases: small configs, drawn from the family's number, compiled by the product into real tables; and what
 * each of them makes of each event, asked once of decide(), for the checks to compare with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "world.h"

const char *const sim_topics[SIM_TOPICS] = {"t0", "t1", "t2", "t3", "dlq"};

static struct sim_family *families[SIM_FAMILIES];

static const char *const labels[] = {
#define X(name, label) label,
    SIM_BUG_LIST(X)
#undef X
};

const char *sim_bug_label(enum sim_bug bug)
{
    return labels[bug];
}

int sim_topic(struct vx_span name)
{
    for (int t = 0; t < SIM_TOPICS; t++)
        if (vx_span_is(name, sim_topics[t]))
            return t;
    return -1;
}

int sim_line(int topic, struct vx_span key)
{
    return topic == SIM_DLQ ? SIM_LINES - 1 : topic * 2 + (int)(vx_hash64(key) & 1);
}

bool sim_refuses(int topic, bool large)
{
    return large && topic < 2;
}

uint64_t sim_record_hash(const struct decide_record *record)
{
    uint64_t h = vx_hash64(record->value) * 31 + vx_hash64(record->key);
    return h * 31 + record->header_count + (record->dead_letter ? 7 : 0);
}

/* --- configs ----------------------------------------------------------------------------------------------------- */

static void condition(struct sim_world *w, struct vx_buf *out)
{
    switch (draw(w, 5)) {
    case 0:
        vx_buf_printf(out, "event.kind == %u", draw(w, 6));
        break;
    case 1:
        vx_buf_printf(out, "event.amount > %u", draw(w, 100));
        break;
    case 2:
        vx_buf_printf(out, "event.to == \"%c\"", 'a' + (char)draw(w, 4));
        break;
    case 3:
        vx_buf_printf(out, "event.kind == %u || event.amount < %u", draw(w, 6), draw(w, 50));
        break;
    default:
        vx_buf_printf(out, "key == \"k%u\"", draw(w, 6));
    }
}

static void action(struct sim_world *w, struct vx_buf *out, bool may_refuse)
{
    uint32_t a = draw(w, 4), b = (a + 1 + draw(w, 3)) % 4;
    switch (draw(w, 8)) {
    case 0:
        vx_buf_str(out, "drop: true");
        break;
    case 1:
        vx_buf_str(out, may_refuse ? "dead_letter: true" : "drop: true");
        break;
    case 2:
    case 3:
        vx_buf_printf(out, "pipelines: [p%u, p%u]", a, b);
        break;
    default:
        vx_buf_printf(out, "pipeline: p%u", a);
    }
}

static void pipeline(struct sim_world *w, struct vx_buf *out, unsigned n, unsigned release)
{
    vx_buf_printf(out, "---\nkind: processing\nname: p%u\nstages:\n", n);
    if (draw(w, 4) == 0)
        vx_buf_printf(out, "  - filter: event.amount > %u\n", draw(w, 60));
    if (draw(w, 2))
        vx_buf_printf(out, "  - set: { event.by: %u }\n", release);
    if (draw(w, 6) == 0)
        vx_buf_str(out, "  - set: { event.sum: \"${event.amount + event.kind}\" }\n");
    vx_buf_printf(out, "  - emit: { topic: t%u }\n", draw(w, 4));
    if (draw(w, 3) == 0)
        vx_buf_printf(out, "  - emit: { topic: t%u }\n", draw(w, 4));
}

static void config(struct sim_world *w, struct vx_buf *out, unsigned release)
{
    bool last = release == SIM_RELEASES, dead_letters = last || draw(w, 6);
    vx_buf_str(out, "kind: routing\nname: in\ntopics: [in]\n");
    if (draw(w, 3) == 0)
        vx_buf_str(out, "match: all\n");
    if (dead_letters)
        vx_buf_str(out, "dead_letter: dlq\n");
    vx_buf_str(out, "rules:\n");
    for (unsigned i = 0, n = 1 + draw(w, 3); i < n; i++) {
        vx_buf_printf(out, "  - { name: r%u, when: '", i);
        condition(w, out);
        vx_buf_str(out, "', ");
        action(w, out, false);
        vx_buf_str(out, " }\n");
    }
    vx_buf_printf(out, "  - { name: all, when: event.kind < 100, pipelines: [p0, p1, p2, p3], enabled: %s }\n",
                  last ? "true" : "false");
    vx_buf_str(out, "otherwise: { ");
    action(w, out, dead_letters);
    vx_buf_str(out, " }\n");
    for (unsigned i = 0; i < 4; i++)
        pipeline(w, out, i, release);
}

static struct table *compile(const char *text, unsigned release)
{
    struct config_source source = {.path = "sim.yaml", .text = vx_span_str(text), .first_line = 1};
    struct vx_diags diags = {0};
    struct config_set *set = NULL;
    struct table *t = NULL;
    enum vx_status st = config_load(&source, 1, &set, &diags);
    if (st == VX_OK)
        st = table_new(set, release, &t, &diags);
    if (st != VX_OK) {
        struct vx_buf why = {0};
        vx_diags_print(&diags, &why, false);
        fprintf(stderr, "%s\n%s\n", text, vx_buf_text(&why));
        abort();
    }
    config_set_free(set);
    vx_diags_done(&diags);
    return t;
}

static void make_templates(struct sim_world *w, struct sim_family *f)
{
    for (int i = 0; i < SIM_TEMPLATES; i++) {
        struct sim_template *t = &f->templates[i];
        snprintf(t->key, sizeof t->key, "k%u", draw(w, 6));
        t->large = draw(w, 8) == 0;
        if (draw(w, 16) == 0)
            snprintf(t->value, sizeof t->value, "no json");
        else
            snprintf(t->value, sizeof t->value, "{\"kind\":%u,\"amount\":%u,\"to\":\"%c\"}", draw(w, 6), draw(w, 100),
                     'a' + (char)draw(w, 4));
    }
}

static void ask(const struct sim_template *t, const struct table *table, struct sim_decision *out)
{
    static struct decider *d;
    struct decision decision;
    struct cel_event ev = {
        .topic = VX_SPAN_LITERAL("in"), .key = vx_span_str(t->key), .value = vx_span_str(t->value), .timestamp_ms = 1};
    if (!d)
        d = decider_new();
    decide(d, table, &ev, &decision);
    vx_assert(decision.record_count <= SIM_RECORDS);
    *out = (struct sim_decision){.outcome = decision.outcome, .count = decision.record_count};
    out->stuck = decision.outcome == OUTCOME_STUCK || decision.outcome == OUTCOME_UNROUTED;
    for (size_t i = 0; i < decision.record_count; i++) {
        const struct decide_record *r = &decision.records[i];
        int topic = sim_topic(r->topic);
        vx_assert(topic >= 0);
        out->outputs[i] = (struct sim_output){.topic = (uint8_t)topic,
                                              .line = (uint8_t)sim_line(topic, r->key),
                                              .dead = r->dead_letter,
                                              .refused = sim_refuses(topic, t->large),
                                              .hash = sim_record_hash(r)};
        out->stuck_if_refused |= out->outputs[i].refused && !r->refused_to;
    }
}

const struct sim_family *sim_family(unsigned number)
{
    if (families[number])
        return families[number];
    struct sim_family *f = families[number] = calloc(1, sizeof *f);
    vx_assert(f != NULL);
    static struct sim_world draws;
    draws.state = number * 7919u + 1;
    make_templates(&draws, f);
    for (unsigned r = 1; r <= SIM_RELEASES; r++) {
        struct vx_buf text = {0};
        config(&draws, &text, r);
        f->texts[r] = strdup(vx_buf_text(&text));
        vx_assert(f->texts[r] != NULL);
        vx_sha256_hex(vx_span_str(f->texts[r]), f->sha256[r]);
        f->tables[r] = compile(f->texts[r], r);
        for (int t = 0; t < SIM_TEMPLATES; t++)
            ask(&f->templates[t], f->tables[r], &f->decisions[r][t]);
        vx_buf_done(&text);
    }
    return f;
}

void sim_families_free(void)
{
    for (unsigned n = 0; n < SIM_FAMILIES; n++) {
        struct sim_family *f = families[n];
        families[n] = NULL;
        for (unsigned r = 1; f && r <= SIM_RELEASES; r++) {
            table_unref(f->tables[r]);
            free(f->texts[r]);
        }
        free(f);
    }
}
