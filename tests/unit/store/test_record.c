/* Records: printed and read back, and whatever else somebody may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/store/record.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_manifest_survives_its_text(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct store_entry entries[] = {
        {.kind = "routing",
         .name = "m\"x",
         .path = "a/b.yaml",
         .line = 12,
         .sha256 = SHA,
         .size = STORE_OBJECT_MAX_BYTES},
        {.kind = "fleet", .name = "f", .path = "", .line = 0, .sha256 = SHA, .size = 0},
    };
    struct store_manifest manifest = {.number = UINT32_MAX,
                                      .parent = 41,
                                      .author = "älice",
                                      .message = "line\nline",
                                      .request_id = "r",
                                      .time_ms = 1700000000123,
                                      .language = 1,
                                      .entries = entries,
                                      .entry_count = 2};
    struct store_manifest read;
    struct vx_span text = record_manifest_print(&arena, &manifest);
    assert_true(record_manifest_load(&arena, text, &read));
    assert_true(read.number == UINT32_MAX && read.parent == 41 && read.language == 1 && read.entry_count == 2);
    assert_true(read.time_ms == 1700000000123);
    assert_string_equal(read.author, "älice");
    assert_string_equal(read.message, "line\nline");
    assert_string_equal(read.request_id, "r");
    assert_string_equal(read.entries[0].name, "m\"x");
    assert_string_equal(read.entries[0].path, "a/b.yaml");
    assert_int_equal(read.entries[0].line, 12);
    assert_string_equal(read.entries[0].sha256, SHA);
    assert_int_equal(read.entries[0].size, STORE_OBJECT_MAX_BYTES);
    assert_string_equal(read.entries[1].kind, "fleet");
    vx_arena_done(&arena);
}

static void the_texts_of_records_are_what_other_versions_will_read(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct store_entry entry = {.kind = "routing", .name = "m", .path = "m.yaml", .line = 1, .sha256 = SHA, .size = 5};
    struct store_manifest manifest = {.number = 2,
                                      .parent = 1,
                                      .author = "a",
                                      .message = "m",
                                      .request_id = "r",
                                      .time_ms = 3,
                                      .language = 1,
                                      .entries = &entry,
                                      .entry_count = 1};
    assert_string_equal(
        record_manifest_print(&arena, &manifest).at,
        "{\"number\":2,\"parent\":1,\"author\":\"a\",\"message\":\"m\",\"request_id\":\"r\",\"time_ms\":3,"
        "\"language\":1,\"entries\":[{\"kind\":\"routing\",\"name\":\"m\",\"path\":\"m.yaml\",\"line\":1,"
        "\"sha256\":\"" SHA "\",\"size\":5}]}");
    struct store_pointer pointer = {.generation = 9,
                                    .stable = 2,
                                    .candidate = 3,
                                    .weight = 10000,
                                    .shadow = true,
                                    .rollout = "x",
                                    .by = "b",
                                    .time_ms = 4};
    assert_string_equal(
        record_pointer_print(&arena, &pointer, "q").at,
        "{\"generation\":9,\"stable\":2,\"candidate\":3,\"weight\":10000,\"shadow\":true,\"rollout\":\"x\","
        "\"by\":\"b\",\"time_ms\":4,\"request_id\":\"q\"}");
    pointer.former[0] = UINT64_MAX;
    pointer.former[1] = 8;
    assert_string_equal(
        record_pointer_print(&arena, &pointer, "q").at,
        "{\"generation\":9,\"stable\":2,\"candidate\":3,\"weight\":10000,\"shadow\":true,\"rollout\":\"x\","
        "\"by\":\"b\",\"time_ms\":4,\"request_id\":\"q\",\"former\":[\"18446744073709551615\",\"8\"]}");
    struct store_pointer back;
    char id[RECORD_ID_SIZE];
    assert_true(record_pointer_load(record_pointer_print(&arena, &pointer, "q"), &back, id));
    assert_memory_equal(back.former, pointer.former, sizeof back.former);
    assert_true(record_pointer_load(record_pointer_print(&arena, &pointer, "r"), &pointer, id));
    assert_true(back.move_id && pointer.move_id && back.move_id != pointer.move_id);
    assert_string_equal(
        record_editor_print(&arena, &(struct record_editor){.who = "w", .purpose = "p", .since_ms = 5}).at,
        "{\"who\":\"w\",\"purpose\":\"p\",\"since_ms\":5}");
    assert_string_equal(
        record_router_print(
            &arena,
            &(struct store_router){.id = "i", .instance = "n", .host = "h", .since_ms = 6, .report = "{ \"a\": 1 }"})
            .at,
        "{\"id\":\"i\",\"instance\":\"n\",\"host\":\"h\",\"since_ms\":6,\"report\":{\"a\":1}}");
    assert_string_equal(
        record_audit_print(&arena,
                           &(struct store_audit){.time_ms = 7, .who = "w", .action = "a", .from = "f", .detail = "d"})
            .at,
        "{\"time_ms\":7,\"who\":\"w\",\"action\":\"a\",\"from\":\"f\",\"detail\":\"d\"}");
    vx_arena_done(&arena);
}

#define POINTER(generation, stable, weight, shadow, rollout, id)                                                       \
    "{\"generation\":" generation ",\"stable\":" stable ",\"candidate\":0,\"weight\":" weight ",\"shadow\":" shadow    \
    ",\"rollout\":" rollout ",\"by\":\"b\",\"time_ms\":4,\"request_id\":" id "}"

static void a_pointer_is_read_or_refused_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool readable;
    } cases[] = {
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\""), true},
        {POINTER("9223372036854775807", "4294967295", "10000", "true", "\"x\"", "\"\""), true},
        {"{\"new\":[1],"
         "\"generation\":9,\"stable\":2,\"candidate\":0,\"weight\":0,\"shadow\":false,\"rollout\":\"\",\"by\":\"b\","
         "\"time_ms\":4,\"request_id\":\"q\"}",
         true},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":[\"7\"]"), true},
        {POINTER("9", "2", "0", "false", "\"\"",
                 "\"q\",\"former\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]"),
         true},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":\"7\""), false},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":[7]"), false},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":[\"\"]"), false},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":[\"-7\"]"), false},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":[\"7x\"]"), false},
        {POINTER("9", "2", "0", "false", "\"\"", "\"q\",\"former\":[\"18446744073709551616\"]"), false},
        {POINTER("0", "2", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("-1", "2", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("9223372036854775808", "2", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("\"9\"", "2", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("9.0", "2", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("9", "0", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("9", "4294967296", "0", "false", "\"\"", "\"q\""), false},
        {POINTER("9", "2", "10001", "false", "\"\"", "\"q\""), false},
        {POINTER("9", "2", "0", "0", "\"\"", "\"q\""), false},
        {POINTER("9", "2", "0", "false", "null", "\"q\""), false},
        {POINTER("9", "2", "0", "false", "\"1234567890123456789012345678901234567890123456789012345678901234\"",
                 "\"q\""),
         false},
        {POINTER("9", "2", "0", "false", "\"\"", "\"123456789012345678901234567890123\""), false},
        {"{\"generation\":9,\"generation\":9}", false},
        {"{}", false},
        {"", false},
        {"[]", false},
        {"null", false},
        {"{", false},
        {"\xff", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_pointer pointer = {.generation = 77};
        char id[RECORD_ID_SIZE] = "untouched";
        if (record_pointer_load(vx_span_str(cases[i].text), &pointer, id) != cases[i].readable)
            fail_msg("%s", cases[i].text);
        if (!cases[i].readable) {
            assert_int_equal(pointer.generation, 77);
            assert_string_equal(id, "untouched");
        }
    }
}

static void manifests_are_read_or_refused_whole(void **state)
{
    (void)state;
    static const char start[] =
        "{\"number\":2,\"parent\":1,\"author\":\"a\",\"message\":\"m\",\"request_id\":\"r\",\"time_ms\":3,"
        "\"language\":1,\"entries\":";
    static const struct {
        const char *entries;
        bool readable;
    } cases[] = {
        {"[]", true},
        {"[{\"kind\":\"k\",\"name\":\"n\",\"path\":\"p\",\"line\":1,\"sha256\":\"" SHA "\",\"size\":1}]", true},
        {"[{\"kind\":\"k\",\"name\":\"n\",\"path\":\"p\",\"line\":-1,\"sha256\":\"" SHA "\",\"size\":1}]", false},
        {"[{\"kind\":\"k\",\"name\":\"n\",\"path\":\"p\",\"line\":1,\"sha256\":\"" SHA "0\",\"size\":1}]", false},
        {"[{\"kind\":\"k\",\"name\":\"n\",\"path\":\"p\",\"line\":1,\"sha256\":\"../../head\",\"size\":1}]", false},
        {"[{\"kind\":\"k\",\"name\":\"n\",\"path\":\"p\",\"line\":1,\"sha256\":\"" SHA "\",\"size\":1048577}]", false},
        {"[{\"kind\":\"k\",\"name\":\"n\",\"path\":\"p\",\"line\":1,\"sha256\":\"" SHA "\"}]", false},
        {"[5]", false},
        {"{}", false},
        {"null", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_arena arena = {0};
        struct store_manifest manifest;
        const char *text = vx_arena_printf(&arena, "%s%s}", start, cases[i].entries);
        if (record_manifest_load(&arena, vx_span_str(text), &manifest) != cases[i].readable)
            fail_msg("%s", text);
        vx_arena_done(&arena);
    }
}

static void damaged_records_never_do_harm(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct store_entry entry = {.kind = "routing", .name = "m", .path = "m.yaml", .line = 1, .sha256 = SHA, .size = 5};
    struct store_manifest manifest = {
        .number = 2, .author = "a", .message = "m", .request_id = "r", .entries = &entry, .entry_count = 1};
    struct store_pointer pointer = {.generation = 9, .stable = 2};
    struct store_router router = {.id = "i", .instance = "n", .host = "h", .report = "{\"a\":[1,2]}"};
    const struct vx_span texts[] = {record_manifest_print(&arena, &manifest),
                                    record_pointer_print(&arena, &pointer, "q"), record_router_print(&arena, &router)};
    uint64_t seed = 1;
    for (int round = 0; round < 30000; round++) {
        struct vx_arena scratch = {0};
        struct vx_span text = vx_arena_span(&scratch, texts[round % 3]);
        for (int i = 0; i < 1 + round % 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            ((char *)text.at)[(seed >> 33) % text.len] = "{}[]\",:0-9\\x\xff\x01"[(seed >> 20) % 15];
        }
        if (round < 1000)
            text.len = (size_t)round % text.len;
        char id[RECORD_ID_SIZE];
        struct record_editor editor;
        struct store_audit audit;
        (void)record_manifest_load(&scratch, text, &manifest);
        (void)record_pointer_load(text, &pointer, id);
        (void)record_router_load(&scratch, text, &router);
        (void)record_editor_load(&scratch, text, &editor);
        (void)record_audit_load(&scratch, text, &audit);
        vx_arena_done(&scratch);
    }
    vx_arena_done(&arena);
}

static void numbers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t number; /* 0: refused */
    } cases[] = {
        {"1", 1},  {"0000000042", 42}, {"4294967295", UINT32_MAX}, {"4294967296", 0}, {"0", 0}, {"", 0}, {"-1", 0},
        {"1 ", 0}, {"1a", 0},          {"99999999999999999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t number = 0;
        assert_int_equal(record_number_load(vx_span_str(cases[i].text), &number), cases[i].number != 0);
        assert_int_equal(number, cases[i].number);
    }
    assert_true(record_report_valid("{\"a\":1}"));
    assert_false(record_report_valid("[]"));
    assert_false(record_report_valid(""));
    assert_false(record_report_valid("{\"a\":1} x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_survives_its_text),
        cmocka_unit_test(the_texts_of_records_are_what_other_versions_will_read),
        cmocka_unit_test(a_pointer_is_read_or_refused_whole),
        cmocka_unit_test(manifests_are_read_or_refused_whole),
        cmocka_unit_test(damaged_records_never_do_harm),
        cmocka_unit_test(numbers_are_strict),
    };
    return cmocka_run_group_tests_name("store_record", tests, NULL, NULL);
}
