/* The scanner: what it accepts, where it sees the first fault, what it fills into slots; every case on every
 * instruction set, in memory that ends with the text. */
#include "help.h"

static struct json_scanner *scanner;

static int set_up(void **state)
{
    (void)state;
    scanner = json_scanner_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_scanner_free(scanner);
    return 0;
}

/* Scans for one path; the value's text, "(missing)", or "(fault N)". */
static const char *scan_for(const char *path, struct vx_span text)
{
    static char answer[4096];
    struct help_path h;
    struct json_paths *paths = json_paths_new();
    if (path)
        json_paths_add(paths, help_path(&h, path), 0);
    json_paths_seal(paths);
    struct json_value slot = {.kind = 99};
    size_t fault = 0;
    if (json_scan(scanner, paths, text, &slot, &fault))
        snprintf(answer, sizeof answer, "(fault %zu)", fault);
    else if (!path)
        snprintf(answer, sizeof answer, "(valid)");
    else if (slot.kind == JSON_KIND_MISSING)
        snprintf(answer, sizeof answer, "(missing)");
    else
        snprintf(answer, sizeof answer, "%.*s", VX_SPAN_ARG(json_text(slot)));
    json_paths_free(paths);
    return answer;
}

struct row {
    const char *text;
    const char *path; /* NULL: only checked */
    const char *answer;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        for (size_t i = 0; i < count; i++) {
            const struct row *row = &rows[i];
            const char *answer = scan_for(row->path, help_guarded(row->text, strlen(row->text)));
            if (strcmp(answer, row->answer) != 0)
                fail_msg("%s: %s of %s: got %s, expected %s", help_isas[isa], row->path ? row->path : "-", row->text,
                         answer, row->answer);
        }
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof rows / sizeof rows[0])

static void paths_find_their_values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":1}", "a", "1"},
        {"{\"a\":1}", "b", "(missing)"},
        {"{\"a\":1}", "", "{\"a\":1}"},
        {" \t\r\n {\"a\" : 1 } \n", "", "{\"a\" : 1 }"},
        {"  12  ", "", "12"},
        {"-0.5e+3", "", "-0.5e+3"},
        {"true", "", "true"},
        {"null", "", "null"},
        {"\"text\"", "", "\"text\""},
        {" \"te\\\"xt\" ", "", "\"te\\\"xt\""},
        {"\"\"", "", "\"\""},
        {"[]", "", "[]"},
        {"{}", "", "{}"},
        {"[]", "[0]", "(missing)"},
        {"5", "a", "(missing)"},
        {"{\"a\":{\"b\":{\"c\":[1,{\"d\":\"x\"}]}}}", "a.b.c[1].d", "\"x\""},
        {"{\"a\":{\"b\":{\"c\":[1,{\"d\":\"x\"}]}}}", "a.b.c", "[1,{\"d\":\"x\"}]"},
        {"{\"a\":{\"b\":{\"c\":[1,{\"d\":\"x\"}]}}}", "a.b.c[0]", "1"},
        {"{\"a\":{\"b\":{\"c\":[1,{\"d\":\"x\"}]}}}", "a.b.c[2]", "(missing)"},
        {"{ \"a\" : [ 10 , 20 , 30 ] }", "a[1]", "20"},
        {"{ \"a\"  :  \"x\"  , \"b\" : false }", "a", "\"x\""},
        {"{ \"a\"  :  \"x\"  , \"b\" : false }", "b", "false"},
        {"[[[1,2],[3,4]],[[5,6],[7,8]]]", "[1][0][1]", "6"},
        {"[[[1,2],[3,4]],[[5,6],[7,8]]]", "[1][1]", "[7,8]"},
        {"{\"\":{\"\":3}}", "<>.<>", "3"},
        {"{\"x y\":1,\"x.y\":2}", "<x.y>", "2"},
        {"{\"\xc3\xa9\":1}", "\xc3\xa9", "1"},
        {"{\"abcdefghijklmnopqrstuvwxyz0123456789\":1}", "abcdefghijklmnopqrstuvwxyz0123456789", "1"},
        {"{\"ab\":1,\"abc\":2,\"a\":3}", "a", "3"},
    };
    CHECK_ROWS(rows);
}

static void steps_match_only_their_kind(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"0\":1}", "[0]", "(missing)"},           {"[1]", "<0>", "(missing)"},
        {"{\"a\":[{\"b\":1}]}", "a.b", "(missing)"}, {"{\"a\":{\"b\":1}}", "a[0]", "(missing)"},
        {"{\"a\":\"b\"}", "a.b", "(missing)"},       {"{\"a\":null}", "a.b", "(missing)"},
        {"[{\"a\":1},{\"a\":2}]", "[1].a", "2"},
    };
    CHECK_ROWS(rows);
}

static void last_of_a_repeated_key_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"a\":1,\"a\":2}", "a", "2"},
        {"{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "a.b", "(missing)"},
        {"{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "a.c", "2"},
        {"{\"a\":{\"b\":1},\"a\":5}", "a.b", "(missing)"},
        {"{\"a\":{\"b\":1},\"a\":5}", "a", "5"},
        {"{\"a\":5,\"a\":{\"b\":1}}", "a.b", "1"},
        {"{\"a\":[1,2],\"a\":[3]}", "a[1]", "(missing)"},
        {"{\"a\":[1,2],\"a\":[3]}", "a[0]", "3"},
        {"{\"a\":{\"b\":{\"c\":1}},\"a\":{\"b\":{}}}", "a.b.c", "(missing)"},
        {"{\"a\":{\"b\":{\"c\":1},\"b\":2}}", "a.b.c", "(missing)"},
        {"{\"a\":{\"b\":{\"c\":1}},\"\\u0061\":{}}", "a.b.c", "(missing)"},
        {"[{\"a\":1,\"a\":\"x\"}]", "[0].a", "\"x\""},
        {"{\"a\":{\"b\":1},\"a\":{\"b\":2},\"a\":{\"b\":3,\"b\":4}}", "a.b", "4"},
    };
    CHECK_ROWS(rows);
}

static void keys_compare_unescaped(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"\\u0061\":1}", "a", "1"},
        {"{\"\\u0061\\u0062\":1}", "ab", "1"},
        {"{\"a\\/b\":1}", "<a/b>", "1"},
        {"{\"a\\\"b\":1}", "<a\"b>", "1"},
        {"{\"a\\\"b\":1}", "<a\\>", "(missing)"},
        {"{\"a\\\\\":1}", "<a\\>", "1"},
        {"{\"a\\\\\":1}", "<a\\\\>", "(missing)"},
        {"{\"\\u00e9\":1}", "\xc3\xa9", "1"},
        {"{\"\\ud83d\\ude00\":1}", "\xf0\x9f\x98\x80", "1"},
        {"{\"\\ud83d\":1}", "\xef\xbf\xbd", "1"},
        {"{\"x\":\"\\n\",\"a\":1}", "a", "1"},
        {"{\"\\\\u0061\":1}", "a", "(missing)"},
        {"{\"\\u0061\":{\"\\u0062\":[0,7]}}", "a.b[1]", "7"},
    };
    CHECK_ROWS(rows);
}

static void first_fault_is_named(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", NULL, "(fault 0)"},
        {"   ", NULL, "(fault 3)"},
        {"{", NULL, "(fault 1)"},
        {"[", NULL, "(fault 1)"},
        {"[[]", NULL, "(fault 3)"},
        {"[[] ", NULL, "(fault 4)"},
        {"{\"a\":[1,2}", NULL, "(fault 9)"},
        {"[1,2", NULL, "(fault 4)"},
        {"[1,]", NULL, "(fault 3)"},
        {"[,1]", NULL, "(fault 1)"},
        {"[1 2]", NULL, "(fault 3)"},
        {"[1:2]", NULL, "(fault 2)"},
        {"[}", NULL, "(fault 1)"},
        {"{]", NULL, "(fault 1)"},
        {"{\"a\"}", NULL, "(fault 4)"},
        {"{\"a\":}", NULL, "(fault 5)"},
        {"{\"a\":1,}", NULL, "(fault 7)"},
        {"{\"a\" 1}", NULL, "(fault 5)"},
        {"{\"a\",1}", NULL, "(fault 4)"},
        {"{1:2}", NULL, "(fault 1)"},
        {"{\"a\":1 \"b\":2}", NULL, "(fault 7)"},
        {"{\"a\":1,,\"b\":2}", NULL, "(fault 7)"},
        {"{\"a\"", NULL, "(fault 4)"},
        {"{\"a\":", NULL, "(fault 5)"},
        {"{\"a\":1", NULL, "(fault 6)"},
        {"[] []", NULL, "(fault 3)"},
        {"[]]", NULL, "(fault 2)"},
        {"1 2", NULL, "(fault 2)"},
        {"]", NULL, "(fault 0)"},
        {":", NULL, "(fault 0)"},
        {"\"abc", NULL, "(fault 4)"},
        {"\"abc\\\"", NULL, "(fault 6)"},
        {"[\"abc}", NULL, "(fault 6)"},
        {"[\"a\"\"b\"]", NULL, "(fault 4)"},
        {"[\"a\"b]", NULL, "(fault 4)"},
        {"[1\"b\"]", NULL, "(fault 2)"},
        {"[tru]", NULL, "(fault 1)"},
        {"[truex]", NULL, "(fault 1)"},
        {"[nul", NULL, "(fault 1)"},
        {"fals", NULL, "(fault 0)"},
        {"True", NULL, "(fault 0)"},
        {"[01]", NULL, "(fault 2)"},
        {"[-]", NULL, "(fault 2)"},
        {"-", NULL, "(fault 1)"},
        {"[1.]", NULL, "(fault 3)"},
        {"1.", NULL, "(fault 2)"},
        {"[.5]", NULL, "(fault 1)"},
        {"[1e]", NULL, "(fault 3)"},
        {"[1e+]", NULL, "(fault 4)"},
        {"[1.5x]", NULL, "(fault 4)"},
        {"[0x10]", NULL, "(fault 2)"},
        {"[+1]", NULL, "(fault 1)"},
        {"[1_000]", NULL, "(fault 2)"},
        {"[1.00000000x]", NULL, "(fault 11)"},
        {"[\"\t\"]", NULL, "(fault 2)"},
        {"[\"\x1f\"]", NULL, "(fault 2)"},
        {"[\x0b]", NULL, "(fault 1)"},
        {"[1\x0b]", NULL, "(fault 2)"},
        {"[\"\\x\"]", NULL, "(fault 2)"},
        {"[\"\\u12g4\"]", NULL, "(fault 2)"},
        {"[\"\\u12", NULL, "(fault 2)"},
        {"[\"\\", NULL, "(fault 2)"},
        {"[\\n]", NULL, "(fault 1)"},
        {"[1\\n]", NULL, "(fault 2)"},
        {"[\"\x80\"]", NULL, "(fault 2)"},
        {"[\"\xc3\"]", NULL, "(fault 2)"},
        {"[\"\xc0\xaf\"]", NULL, "(fault 2)"},
        {"[\"\xed\xa0\x80\"]", NULL, "(fault 2)"},
        {"[\"\xf4\x90\x80\x80\"]", NULL, "(fault 2)"},
        {"[\"\xe2\x82\"]", NULL, "(fault 2)"},
        {"[\xc3\xa9]", NULL, "(fault 1)"},
        {"\xef\xbb\xbf{}", NULL, "(fault 0)"},
        {"[1,\"\x01\",}", NULL, "(fault 4)"},
        {"[1,},\"\x01\"]", NULL, "(fault 3)"},
        {"{}\"\x01\"", NULL, "(fault 2)"},
        {"{}\"\x01\"", "a", "(fault 2)"},
        {"{\"a\":\"x", "a", "(fault 7)"},
        {"{\"a", "a", "(fault 3)"},
        {"\"\\n", "", "(fault 3)"},
        {"{\"a\":\"\\n", "a", "(fault 8)"},
    };
    CHECK_ROWS(rows);
}

static void control_bytes_do_not_pass_for_comma_and_colon(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[1\x0c"
         "2]",
         NULL, "(fault 2)"},
        {"{\"a\"\x1a"
         "1}",
         NULL, "(fault 4)"},
        {"[1,\x0c"
         "2]",
         NULL, "(fault 3)"},
        {"[1\x1a]", NULL, "(fault 2)"},
        {"\x0c[]", NULL, "(fault 0)"},
        {"[]\x1a", NULL, "(fault 2)"},
    };
    CHECK_ROWS(rows);
}

static void several_paths_are_filled_at_once(void **state)
{
    (void)state;
    static const char *const wanted[] = {"", "a", "a.b", "a.b[1]", "a.c", "d[0].e", "d", "d[2]", "x.y"};
    static const char *const values[] = {"{\"d\":[{\"e\":1},2,3],\"a\":{\"b\":[5,6],\"c\":\"t\"}}",
                                         "{\"b\":[5,6],\"c\":\"t\"}",
                                         "[5,6]",
                                         "6",
                                         "\"t\"",
                                         "1",
                                         "[{\"e\":1},2,3]",
                                         "3",
                                         NULL};
    enum { COUNT = sizeof wanted / sizeof wanted[0] };
    struct help_path h;
    struct json_paths *paths = json_paths_new();
    for (uint32_t i = 0; i < COUNT; i++)
        json_paths_add(paths, help_path(&h, wanted[i]), 2 * i + 1);
    json_paths_add(paths, help_path(&h, "a.c"), 0); /* a second slot for the same place */
    json_paths_add(paths, help_path(&h, "a.c"), 0);
    json_paths_seal(paths);
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        struct json_value slots[2 * COUNT];
        memset(slots, 0x55, sizeof slots);
        assert_int_equal(json_scan(scanner, paths, help_guarded(values[0], strlen(values[0])), slots, NULL), VX_OK);
        for (size_t i = 0; i < COUNT; i++) {
            struct json_value v = slots[2 * i + 1];
            assert_int_equal(v.kind == JSON_KIND_MISSING, values[i] == NULL);
            assert_true(!values[i] || vx_span_is(json_text(v), values[i]));
            assert_int_equal(i ? slots[2 * i].kind : 0x55, 0x55); /* slots that nobody asked for */
        }
        assert_true(vx_span_is(json_text(slots[0]), "\"t\""));
    }
    json_paths_free(paths);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    static const char text[] = "[null,false,true,12,-0,1.0,1e2,1E-2,\"\",\"a\\n\",[],{}]";
    static const uint8_t kinds[] = {JSON_KIND_NULL,   JSON_KIND_FALSE,  JSON_KIND_TRUE,   JSON_KIND_INT,
                                    JSON_KIND_INT,    JSON_KIND_DOUBLE, JSON_KIND_DOUBLE, JSON_KIND_DOUBLE,
                                    JSON_KIND_STRING, JSON_KIND_STRING, JSON_KIND_ARRAY,  JSON_KIND_OBJECT};
    struct json_paths *paths = json_paths_new();
    for (uint32_t i = 0; i < sizeof kinds; i++)
        json_paths_add(paths, (struct json_path){&(struct json_step){.is_index = true, .index = i}, 1}, i);
    json_paths_seal(paths);
    struct json_value slots[sizeof kinds];
    assert_int_equal(json_scan(scanner, paths, vx_span_str(text), slots, NULL), VX_OK);
    for (size_t i = 0; i < sizeof kinds; i++) {
        assert_int_equal(slots[i].kind, kinds[i]);
        assert_int_equal(slots[i].escaped, i == 9);
    }
    assert_int_equal(slots[8].len, 0);
    assert_int_equal(slots[9].len, 3);
    json_paths_free(paths);
}

/* 1000 keys beside each other, which a hash finds, and keys that only the filter can hold back. */
static void many_paths_are_found(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct json_paths *paths = json_paths_new();
    struct vx_buf text = {0};
    char key[32];
    vx_buf_char(&text, '{');
    for (uint32_t i = 0; i < COUNT; i++) {
        size_t len = (size_t)snprintf(key, sizeof key, "field_%u", i);
        json_paths_add(paths, (struct json_path){&(struct json_step){.key = {key, len}}, 1}, i);
        vx_buf_printf(&text, "\"field_%u\":%u,\"other_%u\":0,", i, i, i);
    }
    vx_buf_str(&text, "\"\\u0066ield_7\":\"seven\",\"\":1}");
    json_paths_seal(paths);
    struct json_value *slots = calloc(COUNT, sizeof *slots);
    assert_int_equal(json_scan(scanner, paths, vx_buf_view(&text), slots, NULL), VX_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, i == 7 ? "\"seven\"" : "%u", i);
        assert_true(vx_span_is(json_text(slots[i]), key));
    }
    free(slots);
    vx_buf_done(&text);
    json_paths_free(paths);
}

static void no_wanted_paths_is_pure_checking(void **state)
{
    (void)state;
    assert_int_equal(json_scan(scanner, NULL, VX_SPAN_LITERAL("{\"a\":[1]}"), NULL, NULL), VX_OK);
    assert_int_equal(json_scan(scanner, NULL, VX_SPAN_LITERAL("{\"a\":[1}"), NULL, NULL), VX_EINVAL);
    assert_int_equal(json_scan(scanner, NULL, vx_span(NULL, 0), NULL, NULL), VX_EINVAL);
}

/* However deep what is wanted lies: there the scanner compares keys, below it only checks. */
static void depth_is_limited(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close, *wanted[4];
    } kinds[] = {{"[", "]", {NULL, "", "[0]", "[0][0][0]"}}, {"{\"a\":", "}", {NULL, "", "a", "a.a.a"}}};
    for (int kind = 0; kind < 2; kind++) {
        for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
            struct vx_buf text = {0};
            size_t open_len = strlen(kinds[kind].open);
            for (size_t i = 0; i < depth; i++)
                vx_buf_str(&text, kinds[kind].open);
            vx_buf_str(&text, "1");
            for (size_t i = 0; i < depth; i++)
                vx_buf_str(&text, kinds[kind].close);
            for (int i = 0; i < 4; i++) {
                const char *answer = scan_for(kinds[kind].wanted[i], vx_buf_view(&text));
                char refusal[32];
                snprintf(refusal, sizeof refusal, "(fault %zu)", JSON_DEPTH_MAX * open_len);
                assert_int_equal(strcmp(answer, refusal) == 0, depth > JSON_DEPTH_MAX);
            }
            vx_buf_done(&text);
        }
    }
}

/* In one event a key may come a thousand times, with a thousand places wanted below it. */
static void repeats_of_a_key_above_many_paths_count_once(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct json_paths *paths = json_paths_new();
    struct vx_buf text = {0};
    char keys[COUNT][16];
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        struct json_step steps[] = {{.key = VX_SPAN_LITERAL("a")}, {.key = vx_span_str(keys[i])}};
        json_paths_add(paths, (struct json_path){steps, 2}, i);
    }
    json_paths_seal(paths);
    vx_buf_char(&text, '{');
    for (uint32_t i = 0; i < COUNT; i++)
        vx_buf_printf(&text, "\"a\":{\"k%u\":%u},", i, i);
    vx_buf_str(&text, "\"a\":{\"k3\":\"three\",\"k5\":5}}");
    struct json_value slots[COUNT];
    for (int round = 0; round < 2; round++) {
        assert_int_equal(json_scan(scanner, paths, vx_buf_view(&text), slots, NULL), VX_OK);
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(slots[i].kind, i == 3 ? JSON_KIND_STRING : i == 5 ? JSON_KIND_INT : JSON_KIND_MISSING);
    }
    json_paths_free(paths);
    vx_buf_done(&text);
}

static void paths_deeper_than_any_text_stay_missing(void **state)
{
    (void)state;
    enum { STEPS = 100000 };
    struct json_step *steps = calloc(STEPS, sizeof *steps);
    for (size_t i = 0; i < STEPS; i++)
        steps[i].key = VX_SPAN_LITERAL("a");
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, (struct json_path){steps, STEPS}, 0);
    json_paths_add(paths, (struct json_path){steps, JSON_DEPTH_MAX}, 1);
    json_paths_seal(paths);
    struct vx_buf text = {0};
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        vx_buf_str(&text, "{\"a\":");
    vx_buf_str(&text, "7");
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        vx_buf_str(&text, "}");
    struct json_value slots[2];
    assert_int_equal(json_scan(scanner, paths, vx_buf_view(&text), slots, NULL), VX_OK);
    assert_int_equal(slots[0].kind, JSON_KIND_MISSING);
    assert_true(vx_span_is(json_text(slots[1]), "7"));
    vx_buf_done(&text);
    json_paths_free(paths);
    free(steps);
}

/* A string of `run` backslashes that begins at every offset of a block: an odd run escapes the quote behind it. */
static void backslash_runs_cross_blocks(void **state)
{
    (void)state;
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        for (int pad = 0; pad < 130; pad++) {
            for (int run = 1; run <= 9; run++) {
                char text[256], expected[64];
                int quotes_at = snprintf(text, sizeof text, "[%*s\"%.*s", pad, "", run, "\\\\\\\\\\\\\\\\\\") - run - 1;
                snprintf(text + quotes_at + 1 + run, 16, "\",7]");
                snprintf(expected, sizeof expected, "7");
                if (run % 2) /* the string ends at the end of the text */
                    snprintf(expected, sizeof expected, "(fault %zu)", strlen(text));
                assert_string_equal(scan_for("[1]", help_guarded(text, strlen(text))), expected);
            }
        }
    }
}

/* One string, escape, code point, number or literal laid over every border of a block. */
static void tokens_cross_blocks(void **state)
{
    (void)state;
    static const char *const values[] = {
        "\"\"",
        "\"a\"",
        "\"{}[],:\"",
        "\"\\\"\"",
        "\"\\u12aB\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\"",
        "\"\xf0\x9f\x98\x80\"",
        "-12.5e-10",
        "123456789012345678901234567890.12345678901234567890",
        "true",
        "false",
        "null",
        "[]",
        "{ }",
        "\"this string is longer than a block of sixty-four bytes, so that one block lies wholly inside of it, {}[],: "
        "and all\"",
        "\"and this one too, but with an escape \\\\ and a quote \\\" somewhere in the middle of it, and \xe2\x82\xac "
        "in the end\"",
    };
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            for (int pad = 0; pad < 140; pad++) {
                char text[512];
                snprintf(text, sizeof text, "{\"k\":%*s%s,\"l\":[%s%*s]}", pad, "", values[i], values[i], pad % 7, "");
                struct vx_span guarded = help_guarded(text, strlen(text));
                assert_string_equal(scan_for("k", guarded), values[i]);
                assert_string_equal(scan_for("l[0]", guarded), values[i]);
                snprintf(text, sizeof text, "%*s%s", pad, "", values[i]);
                assert_string_equal(scan_for("", help_guarded(text, strlen(text))), values[i]);
                if (pad < 100)
                    assert_string_equal(scan_for("", help_guarded_before(text, strlen(text))), values[i]);
            }
        }
    }
}

/* Every prefix of a text is refused, at its end, without a look behind it. */
static void cut_texts_are_refused_at_their_end(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,2.5e3,-0,true,false,null,\"x\\n\\u00e9\xc3\xa9\"],\"b\":{\"c\":{},\"d\":[]},\"long\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123456789\",\"e\":[[1],[2]]}";
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        for (size_t len = 0; len < sizeof text - 1; len++) {
            struct vx_span cut = help_guarded(text, len);
            size_t fault = SIZE_MAX;
            assert_int_equal(json_scan(scanner, NULL, cut, NULL, &fault), VX_EINVAL);
            assert_true(fault <= len &&
                        fault + 6 > len); /* at most a literal, an escape or a code point before the end */
            assert_memory_equal(scan_for("e[1]", cut), "(fault", 6);
        }
        assert_string_equal(scan_for("e[1]", help_guarded(text, sizeof text - 1)), "[2]");
    }
}

/* Texts of 0..200 bytes at each alignment, ending at the border: nothing outside is read, whatever stands at the
 * end. */
static void nothing_outside_is_read(void **state)
{
    (void)state;
    static const char fillers[] = "1[{\"\\ t,:]}e.-\xc3";
    for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
        if (!json_scan_force(help_isas[isa]))
            continue;
        for (size_t len = 0; len <= 200; len++) {
            for (const char *filler = fillers; *filler; filler++) {
                char text[200];
                memset(text, *filler, len);
                size_t fault;
                (void)!json_scan(scanner, NULL, help_guarded(text, len), NULL, &fault);
                (void)!json_scan(scanner, NULL, help_guarded_before(text, len), NULL, &fault);
                memset(text, 'x', len);
                if (len >= 4) {
                    memcpy(text, "[\"", 2);
                    memcpy(text + len - 2, "\"]", 2);
                    assert_int_equal(json_scan(scanner, NULL, help_guarded(text, len), NULL, &fault), VX_OK);
                    assert_int_equal(json_scan(scanner, NULL, help_guarded_before(text, len), NULL, &fault), VX_OK);
                }
            }
        }
    }
}

static void too_long_texts_are_refused_unread(void **state)
{
    (void)state;
    size_t fault = 0;
    struct vx_span text = vx_span(help_guarded("", 0).at, (size_t)JSON_TEXT_MAX_BYTES + 1);
    assert_int_equal(json_scan(scanner, NULL, text, NULL, &fault), VX_EINVAL);
    assert_int_equal(fault, JSON_TEXT_MAX_BYTES);
}

/* `head`, then so many letters, then `tail`. */
static void fill_long(struct vx_buf *text, const char *head, size_t letters, const char *tail)
{
    vx_buf_clear(text);
    vx_buf_str(text, head);
    memset(vx_buf_reserve(text, letters), 'x', letters);
    text->len += letters;
    vx_buf_str(text, tail);
}

/* What tokens, copies and unescaped keys took. */
static void memory_of_a_long_text_is_given_back(void **state)
{
    (void)state;
    static const struct {
        const char *head, *tail;
        enum vx_status status;
    } rows[] = {
        {"{\"a\":\"", "\"}", VX_OK}, {"{\"a\":1,\"\\u0061", "\":2}", VX_OK}, {"\"", "\"", VX_OK}, {"\"", "", VX_EINVAL},
        {"[\"", "\"", VX_EINVAL},
    };
    enum { LONG_BYTES = 2 * JSON_SCANNER_KEEP_BYTES, SHORT_BYTES = JSON_SCANNER_KEEP_BYTES / 5 };
    struct help_path h;
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, help_path(&h, "a"), 0);
    json_paths_seal(paths);
    struct json_scanner *own = json_scanner_new();
    struct vx_buf text = {0};
    struct json_value slot;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill_long(&text, rows[i].head, LONG_BYTES, rows[i].tail);
        assert_int_equal(json_scan(own, paths, vx_buf_view(&text), &slot, NULL), rows[i].status);
        assert_int_equal(json_scanner_held_bytes(own), 0);
    }
    fill_long(&text, "{\"a\":\"", SHORT_BYTES, "\"}");
    assert_int_equal(json_scan(own, paths, vx_buf_view(&text), &slot, NULL), VX_OK);
    assert_int_equal(slot.len, SHORT_BYTES);
    assert_in_range(json_scanner_held_bytes(own), SHORT_BYTES, JSON_SCANNER_KEEP_BYTES); /* and what is usual is kept */
    vx_buf_done(&text);
    json_scanner_free(own);
    json_paths_free(paths);
}

static void unknown_instruction_sets_are_not_forced(void **state)
{
    (void)state;
    assert_false(json_scan_force("mmx"));
    assert_true(json_scan_force("portable"));
    assert_string_equal(json_scan_isa(), "portable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_values),
        cmocka_unit_test(steps_match_only_their_kind),
        cmocka_unit_test(last_of_a_repeated_key_counts),
        cmocka_unit_test(keys_compare_unescaped),
        cmocka_unit_test(first_fault_is_named),
        cmocka_unit_test(control_bytes_do_not_pass_for_comma_and_colon),
        cmocka_unit_test(several_paths_are_filled_at_once),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(many_paths_are_found),
        cmocka_unit_test(no_wanted_paths_is_pure_checking),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(repeats_of_a_key_above_many_paths_count_once),
        cmocka_unit_test(paths_deeper_than_any_text_stay_missing),
        cmocka_unit_test(backslash_runs_cross_blocks),
        cmocka_unit_test(tokens_cross_blocks),
        cmocka_unit_test(cut_texts_are_refused_at_their_end),
        cmocka_unit_test(nothing_outside_is_read),
        cmocka_unit_test(too_long_texts_are_refused_unread),
        cmocka_unit_test(memory_of_a_long_text_is_given_back),
        cmocka_unit_test(unknown_instruction_sets_are_not_forced),
    };
    return cmocka_run_group_tests_name("json scan", tests, set_up, tear_down);
}
