/* Settings files: values of every type, free names, variables of the environment, print and help. What is refused, and
 * how, is in tests/bad/settings_*. */
#include "help.h"

#include <unistd.h>

#include "core/config/settings.h"

struct sample {
    const char *fleet, *id, *topic;
    int64_t workers;
    int64_t deadline_ms;
    bool verbose;
    int mode;
    struct vx_strings topics;
    struct sample_etcd {
        struct vx_strings endpoints;
        const char *password;
        struct sample_tls {
            const char *ca;
        } tls;
    } etcd;
    struct vx_pairs kafka;
};

#define AT(member) .offset = offsetof(struct sample, member)
static const char *const modes[] = {"fast", "careful", NULL};
static const struct vx_field tls_rows[] = {
    {.name = "ca", .type = VX_FIELD_STRING, .help = "file of certificates"},
    {0},
};
static const struct vx_field etcd_rows[] = {
    {.name = "endpoints",
     .type = VX_FIELD_STRINGS,
     .fallback = "http://127.0.0.1:2379,http://127.0.0.2:2379",
     .help = "where etcd listens"},
    {.name = "password",
     .type = VX_FIELD_STRING,
     .offset = offsetof(struct sample_etcd, password),
     .flags = VX_FIELD_SECRET,
     .help = "of the user"},
    {.name = "tls", .type = VX_FIELD_SECTION, .offset = offsetof(struct sample_etcd, tls), .section = tls_rows},
    {0},
};
static const struct vx_field rows[] = {
    {.name = "fleet", .type = VX_FIELD_NAME, AT(fleet), .flags = VX_FIELD_REQUIRED, .help = "the fleet to belong to"},
    {.name = "id", .type = VX_FIELD_STRING, AT(id), .help = "of this router"},
    {.name = "topic", .type = VX_FIELD_TOPIC, AT(topic), .fallback = "events", .help = "to read"},
    {.name = "workers", .type = VX_FIELD_INT, AT(workers), .fallback = "2", .min = 1, .max = 64, .help = "threads"},
    {.name = "deadline", .type = VX_FIELD_DURATION, AT(deadline_ms), .fallback = "90s", .help = "to stop"},
    {.name = "verbose", .type = VX_FIELD_BOOL, AT(verbose), .fallback = "true", .help = "say more"},
    {.name = "mode", .type = VX_FIELD_ENUM, AT(mode), .fallback = "careful", .choices = modes, .help = "how"},
    {.name = "topics", .type = VX_FIELD_TOPICS, AT(topics), .help = "more of them"},
    {.name = "etcd", .type = VX_FIELD_SECTION, AT(etcd), .section = etcd_rows},
    {.name = "kafka", .type = VX_FIELD_MAP, AT(kafka), .help = "any property of librdkafka"},
    {.name = "tracing", .type = VX_FIELD_LATER},
    {0},
};

struct loaded {
    struct sample s;
    struct vx_arena arena;
    struct vx_diags diags;
    enum vx_status status;
};

static void load_text(struct loaded *l, const char *text)
{
    char path[] = P_tmpdir "/veltrix-settings-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    *l = (struct loaded){0};
    l->status = settings_load(path, rows, &l->s, &l->arena, &l->diags);
    unlink(path);
}

static void load_ok(struct loaded *l, const char *text)
{
    load_text(l, text);
    if (l->status != VX_OK)
        fail_msg("%s", l->diags.count ? l->diags.items[0].message : "no finding");
}

static void done(struct loaded *l)
{
    vx_arena_done(&l->arena);
    vx_diags_done(&l->diags);
}

static void defaults_fill_what_is_left_out(void **state)
{
    (void)state;
    struct loaded l;
    load_ok(&l, "fleet = games\n");
    assert_string_equal(l.s.fleet, "games");
    assert_null(l.s.id);
    assert_string_equal(l.s.topic, "events");
    assert_int_equal(l.s.workers, 2);
    assert_int_equal(l.s.deadline_ms, 90000);
    assert_true(l.s.verbose);
    assert_int_equal(l.s.mode, 1);
    assert_int_equal(l.s.topics.count, 0);
    assert_int_equal(l.s.etcd.endpoints.count, 2);
    assert_string_equal(l.s.etcd.endpoints.at[1], "http://127.0.0.2:2379");
    assert_int_equal(l.s.kafka.count, 0);
    done(&l);
}

static void every_type_is_read(void **state)
{
    (void)state;
    struct loaded l;
    load_ok(&l, "# a comment\n// another\n/* and\n   another */\nfleet = games\nid = 'r-1'\nworkers=64\ndeadline = "
                "250ms\nverbose = false\n"
                "mode = \"fast\"\ntopics = {a, \"b\",\n  c}\netcd {\n  endpoints = {\"http://x:1\"}\n  password = "
                "\"a\\\"b\\\\c\"\n"
                "  tls { ca = \"/etc/ca.pem\" }\n}\n");
    assert_string_equal(l.s.id, "r-1");
    assert_int_equal(l.s.workers, 64);
    assert_int_equal(l.s.deadline_ms, 250);
    assert_false(l.s.verbose);
    assert_int_equal(l.s.mode, 0);
    assert_int_equal(l.s.topics.count, 3);
    assert_string_equal(l.s.topics.at[2], "c");
    assert_int_equal(l.s.etcd.endpoints.count, 1);
    assert_string_equal(l.s.etcd.password, "a\"b\\c");
    assert_string_equal(l.s.etcd.tls.ca, "/etc/ca.pem");
    done(&l);
}

static void a_map_takes_any_name(void **state)
{
    (void)state;
    struct loaded l;
    load_ok(&l, "fleet = games\nkafka {\n  bootstrap.servers = \"a:1,b:2\"\n  linger.ms = 5\n  \"ssl.ca.location\" = "
                "/etc/ca\n  x-y_z = ''\n}\n");
    static const struct vx_pair expected[] = {
        {"bootstrap.servers", "a:1,b:2"}, {"linger.ms", "5"}, {"ssl.ca.location", "/etc/ca"}, {"x-y_z", ""}};
    assert_int_equal(l.s.kafka.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(l.s.kafka.at[i].name, expected[i].name);
        assert_string_equal(l.s.kafka.at[i].value, expected[i].value);
    }
    done(&l);
}

static void variables_of_the_environment_are_put_in(void **state)
{
    (void)state;
    struct loaded l;
    setenv("VELTRIX_TEST_NAME", "secret \"x\"", 1);
    setenv("VELTRIX_TEST_EMPTY", "", 1);
    load_ok(&l,
            "fleet = games\nid = \"<${VELTRIX_TEST_NAME}|${VELTRIX_TEST_EMPTY}|${VELTRIX_TEST_NOT:-other}>\"\n"
            "kafka {\n a = ${VELTRIX_TEST_NAME}\n b = '${VELTRIX_TEST_NAME}'\n c = \"\\${VELTRIX_TEST_NAME}\"\n}\n");
    assert_string_equal(l.s.id, "<secret \"x\"||other>");
    assert_string_equal(l.s.kafka.at[0].value, "secret \"x\"");
    assert_string_equal(l.s.kafka.at[1].value, "${VELTRIX_TEST_NAME}");
    assert_string_equal(l.s.kafka.at[2].value, "${VELTRIX_TEST_NAME}");
    done(&l);
    load_text(&l, "fleet = games\nid = \"${VELTRIX_TEST_NOT}\"\n");
    assert_int_equal(l.status, VX_EINVAL);
    assert_int_equal(l.diags.items[0].line, 2);
    assert_int_equal(l.diags.items[0].column, 7);
    done(&l);
}

static void durations_are_spelled_with_their_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"0ms", 0},
                 {"0s", 0},
                 {"1ms", 1},
                 {"250ms", 250},
                 {"1s", 1000},
                 {"10m", 600000},
                 {"1h", 3600000},
                 {"48h", 172800000},
                 {"", -1},
                 {"5", -1},
                 {"1d", -1},
                 {"-1s", -1},
                 {"1 s", -1},
                 {"s", -1},
                 {"1.5s", -1},
                 {"1S", -1},
                 {"99999999999999999999s", -1},
                 {"9223372036854775807h", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        assert_int_equal(field_duration_load(vx_span_str(cases[i].text), &ms), cases[i].ms >= 0);
        assert_int_equal(ms, cases[i].ms);
        if (ms <= 0)
            continue;
        struct vx_buf text = {0};
        field_duration_print(ms, &text);
        int64_t again;
        assert_true(field_duration_load(vx_buf_view(&text), &again));
        assert_int_equal(again, ms);
        vx_buf_done(&text);
    }
    struct vx_buf text = {0};
    field_duration_print(90000, &text);
    assert_string_equal(vx_buf_text(&text), "90s");
    vx_buf_done(&text);
}

static void what_is_printed_reads_back(void **state)
{
    (void)state;
    struct loaded l, again;
    struct vx_buf text = {0}, second = {0};
    load_ok(
        &l,
        "fleet = games\nid = \"a\\\"b\\\\c\\n\\x01 \\${HOME} # x\"\nworkers = 3\ndeadline = 1500ms\ntopics = {a, b}\n"
        "kafka {\n  \"a b\" = \"1\"\n  linger.ms = 5\n}\n");
    settings_print(rows, &l.s, &text);
    load_ok(&again, vx_buf_text(&text));
    assert_string_equal(again.s.id, l.s.id);
    assert_string_equal(again.s.id, "a\"b\\c\n\x01 ${HOME} # x");
    assert_string_equal(again.s.kafka.at[0].name, "a b");
    settings_print(rows, &again.s, &second);
    assert_string_equal(vx_buf_text(&second), vx_buf_text(&text));
    vx_buf_done(&text);
    vx_buf_done(&second);
    done(&l);
    done(&again);
}

static void secrets_are_never_printed(void **state)
{
    (void)state;
    struct loaded l;
    struct vx_buf text = {0};
    load_ok(
        &l,
        "fleet = games\netcd { password = hunter2 }\nkafka {\n  sasl.password = hunter2\n  ssl.key.password = hunter2\n"
        "  ssl.key.pem = hunter2\n  sasl.oauthbearer.client.secret = hunter2\n  sasl.username = me\n}\n");
    settings_print(rows, &l.s, &text);
    assert_null(strstr(vx_buf_text(&text), "hunter2"));
    assert_non_null(strstr(vx_buf_text(&text), "sasl.username = \"me\""));
    assert_non_null(strstr(vx_buf_text(&text), "password = \"***\""));
    vx_buf_done(&text);
    done(&l);
}

static void help_has_a_line_for_each_setting(void **state)
{
    (void)state;
    struct vx_buf text = {0};
    settings_help(rows, &text);
    assert_string_equal(
        vx_buf_text(&text),
        "  fleet                        name       (required)               the fleet to belong to\n"
        "  id                           text                                of this router\n"
        "  topic                        topic      events                   to read\n"
        "  workers                      number     2                        threads\n"
        "  deadline                     duration   90s                      to stop\n"
        "  verbose                      true|false true                     say more\n"
        "  mode                         choice     careful                  how One of: fast, careful\n"
        "  topics                       topics                              more of them\n"
        "  etcd/endpoints               list       http://127.0.0.1:2379,http://127.0.0.2:2379 where etcd listens\n"
        "  etcd/password                text                                of the user\n"
        "  etcd/tls/ca                  text                                file of certificates\n"
        "  kafka                        section                             any property of librdkafka\n");
    vx_buf_done(&text);
}

static void a_file_that_cannot_be_read_is_an_io_error(void **state)
{
    (void)state;
    struct loaded l = {0};
    l.status = settings_load("no-such-file.conf", rows, &l.s, &l.arena, &l.diags);
    assert_int_equal(l.status, VX_EIO);
    assert_string_equal(l.diags.items[0].message, "cannot be read: No such file or directory");
    done(&l);
}

/* libconfuse's lexer keeps its state in globals: a file that ends inside a string must not spoil the next one. */
static void a_broken_file_does_not_spoil_the_next(void **state)
{
    (void)state;
    static const char *const broken[] = {"fleet = \"abc",
                                         "fleet = 'abc",
                                         "/* abc",
                                         "fleet = {a, b",
                                         "etcd {",
                                         "}",
                                         "fleet",
                                         "=",
                                         "{{{",
                                         "fleet = ${",
                                         "a = \\",
                                         "fleet += x",
                                         "kafka { a { b = c } }",
                                         "etcd { etcd { etcd {",
                                         "x = \"${\"",
                                         "fleet = a fleet",
                                         "\"\" = 1"};
    struct loaded l;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        load_text(&l, broken[i]);
        assert_int_equal(l.status, VX_EINVAL);
        done(&l);
        load_ok(&l, "fleet = games\n");
        assert_string_equal(l.s.fleet, "games");
        done(&l);
    }
}

static void mutated_files_are_refused_or_read(void **state)
{
    (void)state;
    static const char good[] = "fleet = games # x\nid = \"a${HOME}b\"\netcd {\n  endpoints = {\"http://x:1\", y}\n  "
                               "tls { ca = 'z' }\n}\nkafka {\n  linger.ms = 5\n}\n";
    static const char bytes[] = "\"'{}=,#/*\\$\n a0\x01\xff+()";
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char text[sizeof good + 1];
        memcpy(text, good, sizeof good);
        for (uint32_t n = 1 + random_below(&seed, 3); n > 0; n--)
            text[random_below(&seed, sizeof good - 1)] = bytes[random_below(&seed, sizeof bytes - 1)];
        struct loaded l;
        load_text(&l, text);
        if ((l.status == VX_OK) != (l.diags.error_count == 0))
            fail_msg("%s", text);
        done(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_what_is_left_out),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(a_map_takes_any_name),
        cmocka_unit_test(variables_of_the_environment_are_put_in),
        cmocka_unit_test(durations_are_spelled_with_their_unit),
        cmocka_unit_test(what_is_printed_reads_back),
        cmocka_unit_test(secrets_are_never_printed),
        cmocka_unit_test(help_has_a_line_for_each_setting),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error),
        cmocka_unit_test(a_broken_file_does_not_spoil_the_next),
        cmocka_unit_test(mutated_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
