/* veltrix-check: feeds numbered events and judges what came out, from the topics themselves.
 *
 *     veltrix-check topics  --kafka B [--replicas N] NAME:PARTITIONS[:CONFIG=VALUE...]...
 *     veltrix-check delete  --kafka B NAME...
 *     veltrix-check produce --kafka B --topic T [--count N] [--first ID] [--keys K] [--size BYTES] [--rate R] [--seed S]
 *                           [--file EVENTS.jsonl]            (K 0: events without a key)
 *     veltrix-check wait    --kafka B --group G [--timeout S] TOPIC...
 *     veltrix-check count   --kafka B PATTERN...                 one line "topic records" each
 *     veltrix-check verify  --kafka B --source T[,T...] --release N=DIR... [--allow-duplicates] [--allow-refused]
 *                           [--outputs PATTERN,...]
 *
 * verify prints one JSON line and ends with 0 when nothing is lost, doubled or refused by a broker (unless allowed), out of
 * order, misrouted or unknown; with 1 otherwise, after a sentence per problem on standard error. Usage and Kafka errors: 2.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config.h"
#include "kafka.h"

struct args {
    const char *kafka, *group, *outputs;
    char *source;
    struct kafka_load load;
    int timeout_s, replicas;
    bool allow_duplicates, allow_refused;
    char *releases[64];
    int release_count;
};

static const struct option options[] = {
    {"kafka", required_argument, NULL, 'k'},      {"topic", required_argument, NULL, 't'},
    {"count", required_argument, NULL, 'n'},      {"first", required_argument, NULL, 'f'},
    {"keys", required_argument, NULL, 'K'},       {"size", required_argument, NULL, 's'},
    {"rate", required_argument, NULL, 'r'},       {"seed", required_argument, NULL, 'S'},
    {"file", required_argument, NULL, 'F'},       {"group", required_argument, NULL, 'g'},
    {"timeout", required_argument, NULL, 'T'},    {"source", required_argument, NULL, 'i'},
    {"release", required_argument, NULL, 'R'},    {"outputs", required_argument, NULL, 'o'},
    {"allow-duplicates", no_argument, NULL, 'd'}, {"replicas", required_argument, NULL, 'p'},
    {"allow-refused", no_argument, NULL, 'e'},    {NULL, 0, NULL, 0}};

static void set_option(struct args *args, int c)
{
    switch (c) {
    case 'k':
        args->kafka = optarg;
        break;
    case 't':
        args->load.topic = optarg;
        break;
    case 'n':
        args->load.count = strtoull(optarg, NULL, 10);
        break;
    case 'f':
        args->load.first_id = strtoull(optarg, NULL, 10);
        break;
    case 'K':
        args->load.keys = (uint32_t)strtoul(optarg, NULL, 10);
        break;
    case 's':
        args->load.size = (uint32_t)strtoul(optarg, NULL, 10);
        break;
    case 'r':
        args->load.rate = strtoull(optarg, NULL, 10);
        break;
    case 'S':
        args->load.seed = strtoull(optarg, NULL, 10);
        break;
    case 'F':
        args->load.file = optarg;
        break;
    case 'g':
        args->group = optarg;
        break;
    case 'T':
        args->timeout_s = atoi(optarg);
        break;
    case 'i':
        args->source = optarg;
        break;
    case 'o':
        args->outputs = optarg;
        break;
    case 'p':
        args->replicas = atoi(optarg);
        break;
    case 'e':
        args->allow_refused = true;
        break;
    case 'd':
        args->allow_duplicates = true;
        break;
    case 'R':
        if (args->release_count == 64)
            fail("at most 64 releases");
        args->releases[args->release_count++] = optarg;
        break;
    default:
        exit(2);
    }
}

/* Compiles the folder of `N=DIR` as release N into `*t`. */
static void load_release(struct check *check, struct table **t, const char *arg)
{
    char *folder;
    unsigned long number = strtoul(arg, &folder, 10);
    if (*folder != '=')
        fail("--release takes N=DIR");
    struct config_set *set;
    struct vx_err err;
    struct vx_diags diags = {0};
    struct vx_buf text = {0};
    enum vx_status st = config_load_folder(folder + 1, &set, &diags, &err);
    if (st == VX_OK)
        st = table_new(set, (uint32_t)number, t, &diags);
    if (st) {
        vx_diags_print(&diags, &text, false);
        fail("release %lu: %s\n%s", number, vx_status_text(st), vx_buf_text(&text));
    }
    config_set_free(set);
    vx_diags_done(&diags);
    check_add_table(check, *t);
}

static void add_source(void *check, const struct check_record *record)
{
    check_add_source(check, record);
}

static void add_output(void *check, const struct check_record *record)
{
    check_add_output(check, record);
}

static void on_problem(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s\n", text);
}

static int split(char *list, char *parts[64])
{
    int count = 0;
    for (char *part = strtok(list, ","); part && count < 64; part = strtok(NULL, ","))
        parts[count++] = part;
    return count;
}

static int verify(struct args *args)
{
    struct vx_arena arena = {0};
    struct check *check = check_new();
    struct table *tables[64];
    for (int i = 0; i < args->release_count; i++)
        load_release(check, &tables[i], args->releases[i]);
    char *parts[64], *outputs = strdup(args->outputs ? args->outputs : "*");
    int source_count = split(args->source, parts);
    for (int i = 0; i < source_count; i++)
        kafka_read(args->kafka, parts[i], &arena, add_source, check);
    char *patterns[64];
    int pattern_count = split(outputs, patterns);
    size_t topic_count;
    const char **topics = kafka_topics(args->kafka, patterns, pattern_count, &arena, &topic_count);
    for (size_t i = 0; i < topic_count; i++) {
        bool skip = strncmp(topics[i], "__", 2) == 0;
        for (int k = 0; k < source_count; k++)
            skip |= strcmp(topics[i], parts[k]) == 0;
        if (!skip)
            kafka_read(args->kafka, topics[i], &arena, add_output, check);
    }
    struct check_verdict v;
    check_judge(check, &v, on_problem, NULL);
    printf("{\"events\":%llu,\"outputs\":%llu,\"dead_letters\":%llu,\"refused\":%llu,\"lost\":%llu,\"duplicated\":%llu,"
           "\"out_of_order\":%llu,\"moved\":%llu,\"misrouted\":%llu,\"unknown\":%llu,\"silent\":%llu,\"releases\":{",
           (unsigned long long)v.events, (unsigned long long)v.outputs, (unsigned long long)v.dead_letters,
           (unsigned long long)v.refused, (unsigned long long)v.lost, (unsigned long long)v.duplicated,
           (unsigned long long)v.out_of_order, (unsigned long long)v.moved, (unsigned long long)v.misrouted,
           (unsigned long long)v.unknown, (unsigned long long)v.silent);
    for (size_t i = 0; i < v.release_count; i++)
        printf("%s\"%u\":%llu", i ? "," : "", v.releases[i].release, (unsigned long long)v.releases[i].records);
    puts("}}");
    bool good = !v.lost && !v.out_of_order && !v.misrouted && !v.unknown && (args->allow_duplicates || !v.duplicated) &&
                (args->allow_refused || !v.refused);
    check_free(check);
    for (int i = 0; i < args->release_count; i++)
        table_unref(tables[i]);
    free(outputs);
    vx_arena_done(&arena);
    return good ? 0 : 1;
}

static void count_record(void *count, const struct check_record *record)
{
    (void)record;
    ++*(uint64_t *)count;
}

static int count_topics(struct args *args, char **patterns, int pattern_count)
{
    struct vx_arena arena = {0};
    size_t topic_count;
    const char **topics = kafka_topics(args->kafka, patterns, pattern_count, &arena, &topic_count);
    for (size_t i = 0; i < topic_count; i++) {
        uint64_t count = 0;
        kafka_read(args->kafka, topics[i], &arena, count_record, &count);
        printf("%s %llu\n", topics[i], (unsigned long long)count);
    }
    vx_arena_done(&arena);
    return 0;
}

int main(int argc, char **argv)
{
    struct args args = {.load = {.keys = 1000, .size = 200, .count = 1000, .seed = 1}, .timeout_s = 60, .replicas = 1};
    int c;
    if (argc < 2)
        fail("a command is missing: topics, delete, produce, wait, count or verify");
    const char *command = argv[1];
    argv++, argc--;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        set_option(&args, c);
    char **rest = argv + optind;
    int rest_count = argc - optind;
    if (!args.kafka)
        fail("--kafka is missing");
    if (strcmp(command, "topics") == 0)
        kafka_create_topics(args.kafka, rest, rest_count, args.replicas);
    else if (strcmp(command, "delete") == 0)
        kafka_delete_topics(args.kafka, rest, rest_count);
    else if (strcmp(command, "produce") == 0 && args.load.topic)
        kafka_produce(args.kafka, &args.load);
    else if (strcmp(command, "wait") == 0 && args.group)
        return kafka_wait(args.kafka, args.group, rest, rest_count, args.timeout_s) ? 0 : 1;
    else if (strcmp(command, "count") == 0)
        return count_topics(&args, rest, rest_count);
    else if (strcmp(command, "verify") == 0 && args.source && args.release_count > 0)
        return verify(&args);
    else
        fail("unknown command `%s`, or an option of it is missing", command);
    return 0;
}
