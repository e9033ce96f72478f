/* Reading events from JSON lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "configsvc/cli/dev/events.h"

static char path[] = "/tmp/veltrix-events-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static enum vx_status load(const char *text, struct vx_arena *arena, struct events_item **out, size_t *count,
                           struct vx_err *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return events_load(path, arena, out, count, err);
}

static void values_keep_their_bytes(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct events_item *items;
    size_t count;
    assert_int_equal(
        load("{\"headers\":{\"a\":\"1\",\"a\":\"\\u00e9\"},\"key\":\"k\",\"value\":{\"n\": 1.50,\"b\":[ ]},"
             "\"topic\":\"t\"}\n"
             "\n"
             "  {\"value\": 3, \"other\": 1}\r\n"
             "{\"value\":null}\n"
             "{\"key\":null,\"value\":\"x\\ny\"}\n"
             "[1]",
             &arena, &items, &count, NULL),
        VX_OK);
    assert_int_equal(count, 5);
    assert_true(vx_span_is(items[0].value, "{\"n\": 1.50,\"b\":[ ]}"));
    assert_true(vx_span_is(items[0].key, "k"));
    assert_string_equal(items[0].topic, "t");
    assert_int_equal(items[0].header_count, 2);
    assert_true(vx_span_is(items[0].headers[1].value, "\xc3\xa9"));
    assert_true(vx_span_is(items[1].value, "  {\"value\": 3, \"other\": 1}")); /* not an envelope: the value itself */
    assert_null(items[2].value.at);                                            /* a tombstone */
    assert_true(vx_span_is(items[3].value, "\"x\\ny\""));
    assert_null(items[3].key.at);
    assert_null(items[3].topic);
    assert_true(vx_span_is(items[4].value, "[1]"));
    vx_arena_done(&arena);
}

static void what_is_wrong_names_its_line(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"{}\n{\"a\":}\n", ":2: the line is not JSON"},
        {"{\"key\":1,\"value\":1}", ":1: `key` must be a string or null"},
        {"{\"topic\":1,\"value\":1}", ":1: `topic` must be a string"},
        {"1\n\n{\"headers\":[],\"value\":1}", ":3: `headers` must be an object of strings"},
        {"{\"headers\":{\"a\":1},\"value\":1}", ":1: `headers` must be an object of strings"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct vx_arena arena = {0};
        struct events_item *items;
        size_t count;
        struct vx_err err = {0};
        assert_int_equal(load(table[i][0], &arena, &items, &count, &err), VX_EINVAL);
        assert_string_equal(err.message + strlen(path), table[i][1]);
        vx_arena_done(&arena);
    }
}

static void an_empty_file_has_no_events(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct events_item *items;
    size_t count = 7;
    assert_int_equal(load("", &arena, &items, &count, NULL), VX_OK);
    assert_int_equal(count, 0);
    vx_arena_done(&arena);
}

static void a_file_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct events_item *items;
    size_t count;
    struct vx_err err = {0};
    assert_int_equal(events_load("/nosuch/file", &arena, &items, &count, &err), VX_EIO);
    assert_string_equal(err.message, "/nosuch/file cannot be read: No such file or directory");
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_their_bytes),
        cmocka_unit_test(what_is_wrong_names_its_line),
        cmocka_unit_test(an_empty_file_has_no_events),
        cmocka_unit_test(a_file_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
