/* router.conf: the sample loads, every message has its text and place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/io/properties.h"
#include "router/settings.h"

#define ETCD "etcd { endpoints = {\"http://127.0.0.1:2379\"} }\n"
#define KAFKA "kafka { bootstrap.servers = \"127.0.0.1:9092\" }\n"

/* Loads `text`; the findings as text, "" when there are none. */
static const char *load(const char *text, struct router_settings *out, struct vx_arena *arena)
{
    static struct vx_buf findings;
    struct vx_diags diags = {0};
    char path[] = "router-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    enum vx_status st = router_settings_load(path, out, arena, &diags);
    unlink(path);
    vx_diags_sort(&diags);
    vx_buf_done(&findings);
    for (size_t i = 0; i < diags.count; i++)
        vx_buf_printf(&findings, "%d:%d: %s\n", diags.items[i].line, diags.items[i].column, diags.items[i].message);
    assert_int_equal(st == VX_OK, diags.error_count == 0);
    vx_diags_done(&diags);
    return vx_buf_text(&findings);
}

static void the_sample_loads(void **state)
{
    (void)state;
    struct router_settings s;
    struct vx_arena arena = {0};
    struct vx_diags diags = {0};
    assert_int_equal(router_settings_load(VELTRIX_SOURCE_DIR "/configs/router.conf", &s, &arena, &diags), VX_OK);
    assert_int_equal(diags.count, 0);
    assert_string_equal(s.fleet, "demo");
    assert_int_equal(s.etcd.endpoints.count, 1);
    vx_diags_done(&diags);
    vx_arena_done(&arena);
}

static void what_is_left_out_has_defaults(void **state)
{
    (void)state;
    struct router_settings s;
    struct vx_arena arena = {0};
    assert_string_equal(load("fleet = \"a-1\"\n" ETCD KAFKA, &s, &arena), "");
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    assert_string_equal(s.id, host);
    long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;
    assert_int_equal(s.workers_count, half < 1 ? 1 : half);
    assert_int_equal(s.producers_count, 1);
    assert_string_equal(s.admin, "127.0.0.1:9644");
    assert_null(s.state_dir);
    assert_int_equal(s.drain_timeout_ms, 10000);
    assert_int_equal(s.commit_interval_ms, 1000);
    vx_arena_done(&arena);
}

static void every_mistake_has_its_message(void **state)
{
    (void)state;
    static const struct {
        const char *text, *findings;
    } cases[] = {
        {"fleet = \"De mo\"\n" ETCD KAFKA,
         "1:1: a fleet's name is 1 to 63 of a-z, 0-9 and -, and begins with a letter or digit\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  producer.linger.mss = \"5\"\n}\n",
         "5:3: librdkafka has no property `linger.mss`; did you mean `linger.ms`?\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  utter.nonsense = \"5\"\n}\n",
         "5:3: librdkafka has no property `utter.nonsense`\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  partitioner = \"random\"\n}\n",
         "5:3: with `random` an event that is sent again would go elsewhere, which breaks order\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  partitioner = \"murmur3\"\n}\n",
         "5:3: `partitioner`: Invalid value for configuration property \"partitioner\": murmur3\n"},
        {"fleet = \"a\"\n" ETCD
         "kafka {\n  bootstrap.servers = \"x\"\n  producer.partitioner = \"fnv1a\"\n}\nproducers = 2\n",
         ""},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  linger.ms = \"soon\"\n}\n",
         "5:3: `linger.ms`: Invalid value for configuration property \"queue.buffering.max.ms\"\n"},
        {"fleet = \"a\"\n" ETCD
         "kafka {\n  bootstrap.servers = \"x\"\n  producer.acks = \"1\"\n  group.id = \"g\"\n}\n",
         "5:3: `acks` cannot be set: it is always all\n6:3: `group.id` cannot be set: it is the name of the fleet\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  client.id = \"x\"\n}\n",
         "3:1: `kafka` needs bootstrap.servers = \"host:port,...\"\n"},
        {"fleet = \"a\"\nadmin = \"9644\"\n" ETCD KAFKA,
         "2:1: `9644` is not an address: write host:port, \"127.0.0.1:9644\"\n"},
        {"fleet = \"a\"\nadmin = \"::1:9644\"\n" ETCD KAFKA,
         "2:1: `::1:9644` is not an address: write host:port, \"127.0.0.1:9644\"\n"},
        {"fleet = \"a\"\netcd { endpoints = {\"127.0.0.1:2379\"} }\n" KAFKA,
         "2:1: etcd endpoint `127.0.0.1:2379`: expected http://host:port or https://host:port\n"},
        {"fleet = \"a\"\netcd { endpoints = {} }\n" KAFKA, "2:1: no etcd endpoint is given\n"},
        {"fleet = \"a\"\netcd { endpoints = {\"http://h:1\"} ca_file = \"/no/such.pem\" }\n" KAFKA,
         "2:1: /no/such.pem: No such file or directory\n"},
        {"fleet = \"a\"\nid = \"\"\n" ETCD KAFKA, "2:1: a router's id is 1 to 127 bytes long\n"},
        {"fleet = \"a\"\ninstance_id = \"\"\n" ETCD KAFKA, "2:1: an instance id is 1 to 127 bytes long\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  group.instance.id = \"r\"\n}\n",
         "5:3: `group.instance.id` cannot be set: it is `instance_id`, beside `kafka`\n"},
        {"fleet = \"a\"\n" ETCD "kafka {\n  bootstrap.servers = \"x\"\n  group.protocol = \"consumer\"\n  "
         "session.timeout.ms = \"6000\"\n}\n",
         "6:3: `session.timeout.ms` cannot be set with group.protocol = consumer: it is the broker's\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct router_settings s;
        struct vx_arena arena = {0};
        assert_string_equal(load(cases[i].text, &s, &arena), cases[i].findings);
        vx_arena_done(&arena);
    }
}

static void addresses_of_every_form_are_taken(void **state)
{
    (void)state;
    static const char *const forms[] = {"127.0.0.1:9644", "[::1]:9644", ":9644", "localhost:0", "0.0.0.0:80"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct router_settings s;
        struct vx_arena arena = {0};
        char text[256];
        snprintf(text, sizeof text, "fleet = \"a\"\nadmin = \"%s\"\n" ETCD KAFKA, forms[i]);
        assert_string_equal(load(text, &s, &arena), "");
        vx_arena_done(&arena);
    }
}

static void a_secret_comes_from_the_environment_and_is_not_printed(void **state)
{
    (void)state;
    struct router_settings s;
    struct vx_arena arena = {0};
    setenv("ROUTER_TEST_SECRET", "hunter2", 1);
    assert_string_equal(load("fleet = \"a\"\netcd { endpoints = {\"http://h:1\"} user = \"u\" password = "
                             "\"${ROUTER_TEST_SECRET}\" }\nkafka { bootstrap.servers = \"x\" sasl.password = "
                             "\"${ROUTER_TEST_SECRET}\" }\n",
                             &s, &arena),
                        "");
    assert_string_equal(s.etcd.password, "hunter2");
    struct vx_buf out = {0};
    settings_print(router_fields, &s, &out);
    assert_null(strstr(vx_buf_text(&out), "hunter2"));
    assert_non_null(strstr(vx_buf_text(&out), "***"));
    vx_buf_done(&out);
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_loads),
        cmocka_unit_test(what_is_left_out_has_defaults),
        cmocka_unit_test(every_mistake_has_its_message),
        cmocka_unit_test(addresses_of_every_form_are_taken),
        cmocka_unit_test(a_secret_comes_from_the_environment_and_is_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
