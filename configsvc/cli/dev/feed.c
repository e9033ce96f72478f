/* `veltrix feed`: sends events to a fleet and counts, at the outputs, what becomes of them.
 *
 *     events ──> source topic ──> routers ──> output topics ──> count
 *        └── decide(), as the running release has it ──> expected ──┘
 *
 * What each rule should send is worked out here with the function that the routers run; what did come out is read from the
 * topics. So the table says which rule sent how many where, and that nothing is missing, without asking a router. One
 * thread. */
#include "configsvc/cli/dev/feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "configsvc/cli/dev/kafka.h"
#include "configsvc/cli/dev/ledger.h"
#include "configsvc/cli/source.h"
#include "configsvc/wire/wire.h"
#include "core/base/clock.h"
#include "core/plan/decide.h"

/* How many events a rule took, and what became of them besides records. */
struct tally {
    uint64_t events, dropped, filtered, stuck;
};

struct feed {
    struct cli *cli;
    struct table *table;
    struct decider *decider;
    struct events_item *events;
    size_t event_count, sent, taken;
    const char *send_error;
    const char **topics; /* output topics that are watched */
    size_t topic_count, topic_room;
    struct ledger ledger;
    struct tally *tallies; /* per table rule; one more for what no rule took */
    size_t rule_count;
    int64_t last_ms; /* when something came out or was taken */
    uint64_t came;
};

static struct cel_event event_of(const struct events_item *item, int32_t partition, int64_t offset,
                                 int64_t timestamp_ms)
{
    return (struct cel_event){
        .topic = vx_span_str(item->topic),
        .partition = partition,
        .offset = offset,
        .timestamp_ms = timestamp_ms,
        .key = item->key,
        .value = item->value,
        .headers = item->headers,
        .header_count = item->header_count,
    };
}

/* Works out what the routers make of an event that is in a source topic now. Dead letters carry the partition and offset in
 * their headers only, so topic, key and value tell records apart. */
static void account(struct feed *f, const struct cel_event *ev)
{
    struct decision d;
    decide(f->decider, f->table, ev, &d);
    size_t rule = d.rule < f->rule_count ? d.rule : f->rule_count;
    struct tally *t = &f->tallies[rule];
    t->events++;
    t->dropped += d.outcome == OUTCOME_DROPPED;
    t->filtered += d.outcome == OUTCOME_FILTERED;
    t->stuck += d.outcome == OUTCOME_STUCK || d.outcome == OUTCOME_UNROUTED;
    for (size_t i = 0; i < d.record_count; i++) {
        const struct decide_record *r = &d.records[i];
        ledger_expect(&f->ledger, (uint32_t)rule, r->topic, r->dead_letter, ledger_hash(r->topic, r->key, r->value));
    }
}

static void on_sent(void *ctx, size_t number, int32_t partition, int64_t offset, int64_t timestamp_ms,
                    const char *error)
{
    struct feed *f = ctx;
    f->taken++;
    f->last_ms = vx_clock_ms();
    if (error) {
        f->send_error = vx_arena_str(&f->cli->arena, error);
        return;
    }
    struct cel_event ev = event_of(&f->events[number], partition, offset, timestamp_ms);
    account(f, &ev);
}

/* A record in a topic that the release routes too is an event in its turn. */
static void on_record(void *ctx, const struct cel_event *record)
{
    struct feed *f = ctx;
    f->last_ms = vx_clock_ms();
    f->came++;
    ledger_see(&f->ledger, ledger_hash(record->topic, record->key, record->value));
    if (table_route(f->table, record->topic))
        account(f, record);
}

static void add_topic(struct feed *f, struct vx_span topic)
{
    for (size_t i = 0; i < f->topic_count; i++)
        if (vx_span_is(topic, f->topics[i]))
            return;
    if (f->topic_count == f->topic_room) {
        f->topic_room = f->topic_room ? f->topic_room * 2 : 64;
        f->topics = realloc(f->topics, f->topic_room * sizeof *f->topics);
        vx_assert(f->topics != NULL);
    }
    f->topics[f->topic_count++] = vx_arena_span(&f->cli->arena, topic).at;
}

/* Adds the topics that `ev` comes out of, on as many hops as there are (a topic that feeds itself is no valid release). */
static void follow_event(struct feed *f, const struct cel_event *ev)
{
    struct decision d;
    decide(f->decider, f->table, ev, &d);
    struct cel_event *next = VX_ARENA_ARRAY(&f->cli->arena, struct cel_event, d.record_count);
    size_t count = 0;
    for (size_t i = 0; i < d.record_count; i++) {
        const struct decide_record *r = &d.records[i];
        add_topic(f, r->topic);
        if (!table_route(f->table, r->topic))
            continue;
        next[count] = *ev;
        next[count].topic = vx_arena_span(&f->cli->arena, r->topic);
        next[count].key = r->key.at ? vx_arena_span(&f->cli->arena, r->key) : r->key;
        next[count].value = r->value.at ? vx_arena_span(&f->cli->arena, r->value) : r->value;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        follow_event(f, &next[i]);
}

/* Every topic that these events may come out of: those the release names, and those built per event. */
static void find_topics(struct feed *f)
{
    size_t count;
    const char *const *names = table_destinations(f->table, &count);
    for (size_t i = 0; i < count; i++)
        add_topic(f, vx_span_str(names[i]));
    for (size_t i = 0; i < f->event_count; i++) {
        struct cel_event ev = event_of(&f->events[i], 0, 0, vx_clock_wall_ms());
        follow_event(f, &ev);
    }
}

/* Gives every event a topic that the release routes. */
static int settle_topics(struct feed *f, const char *fallback)
{
    size_t count;
    const struct table_topic *topics = table_topics(f->table, &count);
    if (!fallback && count == 1)
        fallback = topics[0].name;
    for (size_t i = 0; i < f->event_count; i++) {
        struct events_item *item = &f->events[i];
        if (!item->topic)
            item->topic = fallback;
        if (!item->topic)
            return cli_fail(f->cli, EXIT_USAGE, "which topic? The release routes %zu: name one with --topic", count);
        if (!table_route(f->table, vx_span_str(item->topic)))
            return cli_fail(f->cli, EXIT_USAGE, "the running release does not route topic `%s`", item->topic);
    }
    return EXIT_DONE;
}

static bool pump(struct feed *f, struct kafka *k, struct vx_err *err)
{
    f->last_ms = vx_clock_ms();
    while (f->sent < f->event_count || f->taken < f->sent || f->ledger.missing) {
        if (f->sent < f->event_count && f->ledger.missing < FEED_AHEAD && f->sent - f->taken < FEED_AHEAD) {
            if (kafka_send(k, f->events[f->sent].topic, &f->events[f->sent], f->sent, err) != VX_OK)
                return false;
            f->sent++;
            kafka_poll(k, 0);
            continue;
        }
        kafka_poll(k, 20);
        if (vx_clock_ms() - f->last_ms > FEED_QUIET_MS)
            break;
    }
    for (int64_t until = vx_clock_ms() + FEED_EXTRA_MS; vx_clock_ms() < until;)
        kafka_poll(k, 20);
    return true;
}

/* --- the result ------------------------------------------------------------------------------------------------------ */

static const char *number(struct cli *cli, uint64_t n)
{
    return vx_arena_printf(&cli->arena, "%llu", (unsigned long long)n);
}

static void add_rule(struct feed *f, struct cli_table *table, size_t rule)
{
    struct cli *cli = f->cli;
    const struct tally *t = &f->tallies[rule];
    size_t count;
    const struct table_rule *rules = table_rules(f->table, &count);
    const char *name = rule < count ? rules[rule].name : "(none)";
    const char *events = number(cli, t->events);
    if (t->events == 0)
        return;
    for (size_t i = 0; i < f->ledger.line_count; i++) {
        const struct ledger_line *line = &f->ledger.lines[i];
        if (line->rule != rule)
            continue;
        const char *arrived = line->seen == line->expected
                                  ? number(cli, line->seen)
                                  : vx_arena_printf(&cli->arena, "%llu of %llu", (unsigned long long)line->seen,
                                                    (unsigned long long)line->expected);
        const char *to = vx_arena_printf(&cli->arena, "%s%s", line->topic, line->dead_letter ? " (dead letter)" : "");
        cli_table_row(cli, table, 4, (const char *const[]){name, events, to, arrived});
        name = events = "";
    }
    const struct {
        uint64_t count;
        const char *what;
    } rest[] = {{t->dropped, "dropped"}, {t->filtered, "filtered"}, {t->stuck, "STUCK: no dead-letter topic"}};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        if (rest[i].count) {
            cli_table_row(cli, table, 4, (const char *const[]){name, events, rest[i].what, number(cli, rest[i].count)});
            name = events = "";
        }
}

static void print_json(struct feed *f, const struct ledger_sum *sum)
{
    struct vx_buf out = {0};
    size_t count;
    const struct table_rule *rules = table_rules(f->table, &count);
    wire_open(&out, NULL, '{');
    wire_int(&out, "release", table_release(f->table));
    wire_int(&out, "events", (int64_t)f->taken);
    wire_open(&out, "rules", '[');
    for (size_t i = 0; i <= count; i++) {
        wire_open(&out, NULL, '{');
        wire_str(&out, "routing", i < count ? rules[i].routing : NULL);
        wire_str(&out, "rule", i < count ? rules[i].name : NULL);
        wire_int(&out, "events", (int64_t)f->tallies[i].events);
        wire_int(&out, "dropped", (int64_t)f->tallies[i].dropped);
        wire_int(&out, "filtered", (int64_t)f->tallies[i].filtered);
        wire_open(&out, "topics", '[');
        for (size_t l = 0; l < f->ledger.line_count; l++) {
            const struct ledger_line *line = &f->ledger.lines[l];
            if (line->rule != i)
                continue;
            wire_open(&out, NULL, '{');
            wire_str(&out, "topic", line->topic);
            wire_bool(&out, "dead_letter", line->dead_letter);
            wire_int(&out, "expected", (int64_t)line->expected);
            wire_int(&out, "arrived", (int64_t)line->seen);
            wire_close(&out, '}');
        }
        wire_close(&out, ']');
        wire_close(&out, '}');
    }
    wire_close(&out, ']');
    wire_int(&out, "expected", (int64_t)sum->expected);
    wire_int(&out, "arrived", (int64_t)sum->arrived);
    wire_int(&out, "lost", (int64_t)sum->lost);
    wire_int(&out, "doubled", (int64_t)sum->doubled);
    wire_int(&out, "unexpected", (int64_t)sum->unexpected);
    wire_close(&out, '}');
    cli_out_json(&out);
    vx_buf_done(&out);
}

static int report(struct feed *f)
{
    struct ledger_sum sum;
    struct cli_table table = {0};
    struct vx_buf out = {0};
    ledger_sum(&f->ledger, &sum);
    int code = sum.lost || sum.unexpected || f->taken < f->event_count ? EXIT_NO : EXIT_DONE;
    if (f->cli->json) {
        print_json(f, &sum);
    } else {
        cli_table_row(f->cli, &table, 4, (const char *const[]){"RULE", "EVENTS", "WENT TO", "ARRIVED"});
        for (size_t i = 0; i <= f->rule_count; i++)
            add_rule(f, &table, i);
        cli_table_print(f->cli, &table, &out);
        vx_buf_printf(
            &out,
            "release @%u: %zu events sent, %llu records due, %llu arrived: %llu lost, %llu doubled, %llu not due\n",
            table_release(f->table), f->taken, (unsigned long long)sum.expected, (unsigned long long)sum.arrived,
            (unsigned long long)sum.lost, (unsigned long long)sum.doubled, (unsigned long long)sum.unexpected);
        cli_out(&out);
    }
    vx_buf_done(&out);
    if (f->send_error)
        return cli_fail(f->cli, EXIT_NO, "not every event was taken by Kafka: %s", f->send_error);
    return code;
}

/* --- the command ----------------------------------------------------------------------------------------------------- */

static int run_with(struct feed *f, const char *brokers)
{
    static const struct kafka_ops ops = {.on_sent = on_sent, .on_record = on_record};
    struct kafka *k = NULL;
    struct vx_err err = {0};
    const char *first = f->event_count ? f->events[0].topic : NULL;
    int code = EXIT_USAGE;
    find_topics(f);
    if (kafka_open(brokers, &ops, f, &k, &err) != VX_OK ||
        kafka_ensure_topics(k, &first, first ? 1 : 0, &err) != VX_OK ||
        kafka_ensure_topics(k, f->topics, f->topic_count, &err) != VX_OK ||
        kafka_watch(k, f->topics, f->topic_count, &err) != VX_OK || !pump(f, k, &err))
        cli_fail(f->cli, EXIT_USAGE, "%s", err.message);
    else
        code = report(f);
    kafka_close(k);
    return code;
}

int feed_run(struct cli *cli, const char *fleet, const struct feed_options *o)
{
    struct feed f = {.cli = cli};
    struct source source = {0};
    struct vx_err err = {0};
    struct vx_diags diags = {0};
    int code = source_load_release(cli, fleet, "@running", false, &source);
    if (code != EXIT_DONE)
        return code;
    if (!source.set)
        return cli_fail(cli, EXIT_USAGE, "fleet %s runs nothing yet", fleet);
    code = EXIT_USAGE;
    if (events_load(o->events, &cli->arena, &f.events, &f.event_count, &err) != VX_OK) {
        cli_fail(cli, EXIT_USAGE, "%s", err.message);
    } else if (table_new(source.set, source.release, &f.table, &diags) != VX_OK) {
        cli_print_findings(cli, &diags);
        cli_fail(cli, EXIT_USAGE, "the running release does not compile in this version of veltrix");
    } else if (settle_topics(&f, o->topic) == EXIT_DONE) {
        table_rules(f.table, &f.rule_count);
        f.decider = decider_new();
        f.tallies = VX_ARENA_ARRAY(&cli->arena, struct tally, f.rule_count + 1);
        code = run_with(&f, o->kafka);
    }
    decider_free(f.decider);
    table_unref(f.table);
    ledger_done(&f.ledger);
    free(f.topics);
    vx_diags_done(&diags);
    source_done(&source);
    return code;
}

static const struct cli_option rows[] = {
    {"events", 'e', CLI_TEXT, offsetof(struct feed_options, events), "FILE.jsonl", "the events; - is standard input"},
    {"topic", 't', CLI_TEXT, offsetof(struct feed_options, topic), "TOPIC",
     "where events go that name no topic (default: the only one that is routed)"},
    {"kafka", 0, CLI_TEXT, offsetof(struct feed_options, kafka), "HOST:PORT", "the brokers (default $VELTRIX_KAFKA)"},
    {0},
};

static int run(struct cli *cli, const void *options)
{
    struct feed_options o = *(const struct feed_options *)options;
    int code = EXIT_DONE;
    if (!o.events)
        return cli_fail(cli, EXIT_USAGE, "feed: which events? Name a file with --events");
    if (!o.kafka)
        o.kafka = getenv("VELTRIX_KAFKA");
    if (!o.kafka || !o.kafka[0])
        return cli_fail(cli, EXIT_USAGE, "feed: which Kafka? Name its brokers with --kafka or VELTRIX_KAFKA");
    const char *fleet = client_fleet(cli, NULL, &code);
    return fleet ? feed_run(cli, fleet, &o) : code;
}

const struct cli_command feed_command = {
    .name = "feed",
    .usage = "--events FILE.jsonl [--topic TOPIC] [--kafka HOST:PORT]",
    .summary = "send events to a fleet, count what comes out",
    .help = "Sends events to a topic of the fleet, reads the output topics meanwhile, and prints how many events\n"
            "each rule sent where. What should come out is worked out here from the running release; what did is\n"
            "counted in the topics: lost, doubled, and records that were not due (on a shared Kafka: somebody\n"
            "else's). Meant for a development fleet: the events are real to the routers.\n\n"
            "A line of the file is an event, of which only \"value\" must be there:\n"
            "  {\"headers\": {\"name\": \"text\"}, \"key\": \"text\", \"value\": .., \"topic\": \"name\"}\n"
            "Any other JSON is a value without key and headers.\n\n"
            "Exit: 0 all came out, 1 something is lost or was not due, 2 usage, or it could not begin.\n\n"
            "  veltrix feed --events events.jsonl --topic player-events --kafka 127.0.0.1:9092\n",
    .options = rows,
    .options_size = sizeof(struct feed_options),
    .run = run,
};
