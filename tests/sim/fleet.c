/* Families of releases: small configs, drawn from the family's number, compiled by the product into real tables; and what
 * each of them makes of each event, asked once of decide(), for the checks to compare with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "world.h"

const char *const sim_topics[SIM_TOPICS] = {"t0", "t1", "t2", "t3", "dlq"};
const char *const sim_sources[SIM_SOURCES] = {"in", "in-later"};

static struct sim_family *families[SIM_FAMILIES];

static const char *const labels[] = {
#define X(name, label, symptom) label,
    SIM_BUG_LIST(X)
#undef X
};

static const char *const symptoms[] = {
#define X(name, label, symptom) symptom,
    SIM_BUG_LIST(X)
#undef X
};

const char *sim_bug_label(enum sim_bug bug)
{
    return labels[bug];
}

const char *sim_bug_symptom(enum sim_bug bug)
{
    return symptoms[bug];
}

int sim_topic(struct vx_span name)
{
    for (int t = 0; t < SIM_TOPICS; t++)
        if (vx_span_is(name, sim_topics[t]))
            return t;
    return -1;
}

struct vx_span sim_key(const struct sim_template *t)
{
    return t->key[0] ? vx_span_str(t->key) : vx_span(NULL, 0);
}

bool sim_refuses(int topic, bool large)
{
    return large && topic < 2;
}

uint64_t sim_record_hash(struct vx_span value, struct vx_span key, size_t header_count, bool dead_letter)
{
    uint64_t h = vx_hash64(value) * 31 + vx_hash64(key);
    return h * 31 + header_count + (dead_letter ? 7 : 0);
}

/* How the releases of a family deliver. */
enum delivery { DELIVERY_PLAIN, DELIVERY_EXACT, DELIVERY_CHANGES };

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

static const char *sources(struct sim_world *w, const struct sim_family *f, bool last)
{
    static const char *const texts[] = {"in", "in, in-later", "in, \"^in-.*\"", "\"^in.*\""};
    return !f->patterns ? texts[0] : last ? texts[3] : texts[draw(w, 4)];
}

static void config(struct sim_world *w, const struct sim_family *f, struct vx_buf *out, unsigned release,
                   enum delivery delivery)
{
    bool last = release == SIM_RELEASES, dead_letters = last || draw(w, 6);
    vx_buf_printf(out, "kind: routing\nname: in\ntopics: [%s]\n", sources(w, f, last));
    if (delivery == DELIVERY_EXACT || (delivery == DELIVERY_CHANGES && draw(w, 2)))
        vx_buf_str(out, "delivery: exactly_once\n");
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
        if (!f->keyless || draw(w, 2))
            snprintf(t->key, sizeof t->key, "k%u", draw(w, 6));
        t->large = draw(w, 8) == 0;
        if (draw(w, 16) == 0 && !t->large) {
            vx_buf_str(&t->value, "no json");
            continue;
        }
        vx_buf_printf(&t->value, "{\"kind\":%u,\"amount\":%u,\"to\":\"%c\"", draw(w, 6), draw(w, 100),
                      'a' + (char)draw(w, 4));
        if (f->sized)
            vx_buf_printf(&t->value, ",\"pad\":\"%0*u\"", t->large ? SIM_TOPIC_BYTES : 100 + (int)draw(w, 2400), 0u);
        vx_buf_str(&t->value, "}");
    }
}

static bool takes_second(const struct table *table)
{
    struct decider *d = decider_new();
    struct decision decision;
    struct cel_event ev = {.topic = vx_span_str(sim_sources[1]), .value = VX_SPAN_LITERAL("{}")};
    decide(d, table, &ev, &decision);
    bool takes = decision.outcome != OUTCOME_UNROUTED;
    decider_free(d);
    return takes;
}

static void ask(const struct sim_template *t, const struct table *table, struct sim_decision *out)
{
    struct decider *d = decider_new();
    struct decision decision;
    struct cel_event ev = {
        .topic = vx_span_str(sim_sources[0]), .key = sim_key(t), .value = vx_buf_view(&t->value), .timestamp_ms = 1};
    decide(d, table, &ev, &decision);
    vx_assert(decision.record_count <= SIM_RECORDS);
    *out = (struct sim_decision){.outcome = decision.outcome, .count = decision.record_count};
    out->stuck = decision.outcome == OUTCOME_STUCK || decision.outcome == OUTCOME_UNROUTED;
    for (size_t i = 0; i < decision.record_count; i++) {
        const struct decide_record *r = &decision.records[i];
        int topic = sim_topic(r->topic);
        vx_assert(topic >= 0 && r->dead_letter == (topic == SIM_DLQ));
        out->outputs[i] =
            (struct sim_output){.topic = (uint8_t)topic,
                                .dead = r->dead_letter,
                                .refused = sim_refuses(topic, t->large),
                                .hash = sim_record_hash(r->value, r->key, r->header_count, r->dead_letter)};
        out->stuck_if_refused |= out->outputs[i].refused && !r->refused_to;
    }
    decider_free(d);
}

const struct sim_family *sim_family(unsigned number)
{
    if (families[number])
        return families[number];
    struct sim_family *f = families[number] = calloc(1, sizeof *f);
    vx_assert(f != NULL);
    static struct sim_world draws;
    struct sim_router *now = sim_now;
    sim_now = NULL;
    draws.state = number * 7919u + 1;
    f->sized = number % 8 == 7;
    f->keyless = number % 4 == 1;
    f->patterns = number % 4 == 2;
    enum delivery delivery = number % 16 < 9 ? DELIVERY_PLAIN : number % 16 < 12 ? DELIVERY_EXACT : DELIVERY_CHANGES;
    make_templates(&draws, f);
    for (unsigned r = 1; r <= SIM_RELEASES; r++) {
        struct vx_buf text = {0};
        config(&draws, f, &text, r, delivery);
        f->texts[r] = strdup(vx_buf_text(&text));
        vx_assert(f->texts[r] != NULL);
        vx_sha256_hex(vx_span_str(f->texts[r]), f->sha256[r]);
        f->tables[r] = compile(f->texts[r], r);
        f->exact |= table_delivery(f->tables[r], vx_span_str(sim_sources[0])) == CONFIG_EXACTLY_ONCE;
        f->takes_second[r] = takes_second(f->tables[r]);
        for (int t = 0; t < SIM_TEMPLATES; t++)
            ask(&f->templates[t], f->tables[r], &f->decisions[r][t]);
        vx_buf_done(&text);
    }
    sim_now = now;
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
        for (int i = 0; f && i < SIM_TEMPLATES; i++)
            vx_buf_done(&f->templates[i].value);
        free(f);
    }
}
