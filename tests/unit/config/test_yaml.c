/* YAML: what plain scalars are by the core schema, where documents begin and end, and that every byte of a decoded scalar
 * is found again in the file, whatever its style. */
#include "core/config/yaml.h"
#include "help.h"

#include <math.h>

#include "core/base/utf8.h"
#include "core/config/text.h"

struct parsed {
    struct vx_arena arena;
    struct vx_diags diags;
    struct yaml_stream stream;
    bool ok;
};

static void parse(struct parsed *p, struct vx_span text, int first_line)
{
    struct config_source source = {"t.yaml", text, first_line};
    *p = (struct parsed){0};
    p->ok = yaml_load(&source, &p->arena, &p->stream, &p->diags);
}

static void done(struct parsed *p)
{
    vx_arena_done(&p->arena);
    vx_diags_done(&p->diags);
}

static void plain_scalars_are_what_yaml_1_2_core_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum config_scalar scalar;
        double number;
    } cases[] = {
        {"", CONFIG_NULL, 0},
        {"~", CONFIG_NULL, 0},
        {"null", CONFIG_NULL, 0},
        {"NULL", CONFIG_NULL, 0},
        {"nUll", CONFIG_STRING, 0},
        {"true", CONFIG_BOOL, 1},
        {"False", CONFIG_BOOL, 0},
        {"tRue", CONFIG_STRING, 0},
        {"no", CONFIG_STRING, 0},
        {"yes", CONFIG_STRING, 0},
        {"on", CONFIG_STRING, 0},
        {"off", CONFIG_STRING, 0},
        {"y", CONFIG_STRING, 0},
        {"0", CONFIG_INT, 0},
        {"-12", CONFIG_INT, -12},
        {"+12", CONFIG_INT, 12},
        {"0777", CONFIG_INT, 777},
        {"0o17", CONFIG_INT, 15},
        {"0x1F", CONFIG_INT, 31},
        {"-0x1F", CONFIG_STRING, 0},
        {"0b11", CONFIG_STRING, 0},
        {"0o8", CONFIG_STRING, 0},
        {"1_000", CONFIG_STRING, 0},
        {"12e3", CONFIG_FLOAT, 12000},
        {"1.5", CONFIG_FLOAT, 1.5},
        {".5", CONFIG_FLOAT, 0.5},
        {"5.", CONFIG_FLOAT, 5},
        {".", CONFIG_STRING, 0},
        {"1.5e-1", CONFIG_FLOAT, 0.15},
        {"1e", CONFIG_STRING, 0},
        {"1.2.3", CONFIG_STRING, 0},
        {".inf", CONFIG_FLOAT, INFINITY},
        {"-.INF", CONFIG_FLOAT, -INFINITY},
        {"inf", CONFIG_STRING, 0},
        {"9223372036854775807", CONFIG_INT, 9223372036854775807.0},
        {"9223372036854775808", CONFIG_FLOAT, 9223372036854775808.0},
        {"1:30", CONFIG_STRING, 0},
        {"2001-01-01", CONFIG_STRING, 0},
        {"-", CONFIG_STRING, 0},
        {"+", CONFIG_STRING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_node node = {.style = CONFIG_PLAIN, .text = vx_span_str(cases[i].text)};
        yaml_resolve(&node);
        if (node.scalar != cases[i].scalar)
            fail_msg("%s is %d", cases[i].text, node.scalar);
        if (node.scalar == CONFIG_BOOL)
            assert_int_equal(node.boolean, (int)cases[i].number);
        if (node.scalar == CONFIG_INT || node.scalar == CONFIG_FLOAT)
            assert_true(node.number == cases[i].number);
        node = (struct config_node){.style = CONFIG_SINGLE_QUOTED, .text = vx_span_str(cases[i].text)};
        yaml_resolve(&node);
        assert_int_equal(node.scalar, CONFIG_STRING);
    }
    struct config_node nan = {.style = CONFIG_PLAIN, .text = VX_SPAN_LITERAL(".NaN")};
    yaml_resolve(&nan);
    assert_int_equal(nan.scalar, CONFIG_FLOAT);
    assert_true(nan.number != nan.number);
}

static void documents_are_cut_at_their_marks(void **state)
{
    (void)state;
    static const char text[] =
        "# first\na: 1\n---\n# second\nb: 2\n--- # third\nc: 3\n...\n%YAML 1.2\n---\nd: 4\n---\n---\ne: 5\n";
    static const struct {
        const char *text;
        int line;
    } expected[] = {
        {"# first\na: 1\n", 7}, {"# second\nb: 2\n", 10}, {" # third\nc: 3\n", 12}, {"d: 4\n", 17}, {"e: 5\n", 20}};
    struct parsed p;
    parse(&p, vx_span_str(text), 7);
    assert_true(p.ok);
    assert_int_equal(p.stream.count, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct yaml_document *doc = &p.stream.documents[i];
        assert_true(vx_span_is(vx_span(text + doc->begin, doc->end - doc->begin), expected[i].text));
        assert_int_equal(doc->line, expected[i].line);
    }
    done(&p);
}

static void nodes_know_their_line_and_column(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbfk\xc3\xa4se:   [1, \"\xe6\x9d\xb1\xe4\xba\xac\", x]\r\nb:\r\n  c: |\r\n   t\r\n";
    struct parsed p;
    parse(&p, vx_span_str(text), 1);
    assert_true(p.ok);
    const struct config_node *root = p.stream.documents[0].root, *list = &root->items[0];
    assert_int_equal(root->column, 1);
    assert_int_equal(list->column, 9);
    assert_int_equal(list->items[0].column, 10);
    assert_int_equal(list->items[1].column, 13);
    assert_int_equal(list->items[2].column, 19);
    const struct config_node *c = config_node_find(config_node_find(root, "b"), "c");
    assert_int_equal(c->line, 3);
    assert_int_equal(c->column, 6);
    assert_true(vx_span_is(c->text, "t\n"));
    done(&p);
}

/* A text of words, blanks, quotes, escapes and wide characters, without blanks at line ends (which folding eats). */
static void random_text(uint64_t *seed, bool lines, struct vx_buf *out)
{
    static const char *const pieces[] = {
        "a",   "event.x", "==", "\"",   "'", "\\", "\xc3\xbc", "\xe6\x9d\xb1", "\xf0\x9f\x98\x80",
        "&&",  "(",       ")",  "${x}", "#", ":",  "-",        "1.5",          "''",
        "\\n", "|",       ">"};
    uint32_t count = 1 + random_below(seed, 12);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && random_below(seed, 3) == 0)
            vx_buf_str(out, lines && random_below(seed, 3) == 0 ? "\n" : random_below(seed, 4) == 0 ? "  " : " ");
        vx_buf_str(out, pieces[random_below(seed, sizeof pieces / sizeof *pieces)]);
    }
}

/* Writes `text` as a value in the given style. */
static void write_scalar(uint64_t *seed, struct vx_span text, enum config_style style, struct vx_buf *out)
{
    bool block = style == CONFIG_LITERAL || style == CONFIG_FOLDED;
    vx_buf_str(out, style == CONFIG_SINGLE_QUOTED   ? "'"
                    : style == CONFIG_DOUBLE_QUOTED ? "\""
                    : style == CONFIG_LITERAL       ? "|2\n    "
                    : style == CONFIG_FOLDED        ? ">2-\n    "
                                                    : "");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n' && block)
            vx_buf_str(out, style == CONFIG_LITERAL ? "\n    " : "\n\n    ");
        else if (c == '\n' && style == CONFIG_DOUBLE_QUOTED && random_below(seed, 2))
            vx_buf_str(out, "\\n");
        else if (c == '\n')
            vx_buf_str(out, "\n\n      ");
        else if (c == '\'' && style == CONFIG_SINGLE_QUOTED)
            vx_buf_str(out, "''");
        else if ((c == '"' || c == '\\') && style == CONFIG_DOUBLE_QUOTED)
            vx_buf_printf(out, "\\%c", c);
        else if (style == CONFIG_DOUBLE_QUOTED && (unsigned char)c < 0x80 && c != ' ' && random_below(seed, 6) == 0)
            vx_buf_printf(out, random_below(seed, 2) ? "\\x%02x" : "\\u%04x", (unsigned)c);
        else if (c == ' ' && style == CONFIG_DOUBLE_QUOTED && random_below(seed, 6) == 0 && i > 0 &&
                 text.at[i - 1] != ' ' && text.at[i + 1] != ' ')
            vx_buf_str(out, " \\\n     ");
        else if (c == ' ' &&
                 (style == CONFIG_SINGLE_QUOTED || style == CONFIG_DOUBLE_QUOTED || style == CONFIG_PLAIN) &&
                 random_below(seed, 5) == 0 && i > 0 && text.at[i - 1] != ' ' && text.at[i + 1] != ' ')
            vx_buf_str(out, random_below(seed, 2) ? "\n     " : "  \n \t   ");
        else
            vx_buf_char(out, c);
    }
    vx_buf_str(out, style == CONFIG_SINGLE_QUOTED ? "'" : style == CONFIG_DOUBLE_QUOTED ? "\"" : "");
    vx_buf_char(out, '\n');
}

/* The decoded code point that stands at line:column of the file, undoing an escape. */
static int32_t code_at(struct vx_span file, int line, int column, enum config_style style)
{
    const char *p = file.at, *end = file.at + file.len;
    int len;
    for (; line > 1; p++)
        line -= *p == '\n';
    for (; column > 1; column--) {
        vx_utf8_decode(p, end, &len);
        p += len;
    }
    if (style == CONFIG_DOUBLE_QUOTED && *p == '\\') {
        if (p[1] == 'x' || p[1] == 'u')
            return (int32_t)strtol(vx_utf8_valid(vx_span(p + 2, 2))
                                       ? (char[]){p[2], p[3], p[1] == 'u' ? p[4] : 0, p[1] == 'u' ? p[5] : 0, 0}
                                       : "",
                                   NULL, 16);
        return p[1];
    }
    return vx_utf8_decode(p, end, &len);
}

static void every_byte_of_a_scalar_is_found_in_the_file(void **state)
{
    (void)state;
    uint64_t seed = 20260214;
    int checked = 0;
    for (int round = 0; round < 4000; round++) {
        enum config_style style = (enum config_style)(round % 5);
        struct vx_buf text = {0}, file = {0};
        random_text(&seed, style != CONFIG_PLAIN, &text);
        vx_buf_str(&file, "a: 1\n\xc3\xa4:\n  b: ");
        write_scalar(&seed, vx_buf_view(&text), style, &file);
        struct parsed p;
        parse(&p, vx_buf_view(&file), 1);
        const struct config_node *node =
            p.ok ? config_node_find(config_node_find(p.stream.documents[0].root, "\xc3\xa4"), "b") : NULL;
        /* plain texts may not be YAML, or another text (a comment); folded ones end without the newline */
        if (node && node->kind == CONFIG_SCALAR && node->style == style && !node->refused) {
            if (style != CONFIG_PLAIN && style != CONFIG_LITERAL && !vx_span_equal(node->text, vx_buf_view(&text)))
                fail_msg("decoded otherwise: %s", vx_buf_text(&file));
            const char *at = node->text.at, *end = at + node->text.len;
            for (int len; at < end; at += len) {
                int32_t code = vx_utf8_decode(at, end, &len);
                if (code == ' ' || code == '\n' || code == '\t')
                    continue;
                struct vx_diag place = {0};
                config_node_locate(node, (size_t)(at - node->text.at), (size_t)len, &place);
                int32_t found = code_at(vx_buf_view(&file), place.line, place.column, style);
                if (found != code)
                    fail_msg("byte %zu of %.*s is at %d:%d of\n%s", (size_t)(at - node->text.at),
                             VX_SPAN_ARG(node->text), place.line, place.column, vx_buf_text(&file));
                checked++;
            }
        }
        done(&p);
        vx_buf_done(&text);
        vx_buf_done(&file);
    }
    assert_true(checked > 20000);
}

static void places_beyond_the_text_are_behind_its_end(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, VX_SPAN_LITERAL("a: 'b c'\nd:\ne: \"x\xc3\xbc\"\n"), 1);
    struct vx_diag place = {0};
    config_node_locate(&p.stream.documents[0].root->items[0], 99, 5, &place);
    assert_int_equal(place.column, 8);
    config_node_locate(&p.stream.documents[0].root->items[1], 0, 1, &place);
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 3);
    config_node_locate(&p.stream.documents[0].root->items[2], 3, 1, &place);
    assert_int_equal(place.column, 7);
    done(&p);
}

static void texts_print_as_yaml_that_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "a",
                                        "no",
                                        "true",
                                        "12",
                                        "1_000",
                                        "0x1F",
                                        ".inf",
                                        "~",
                                        "null",
                                        "a: b",
                                        "a #b",
                                        "a:",
                                        " a",
                                        "a ",
                                        "- a",
                                        "? a",
                                        "'",
                                        "\"",
                                        "\\",
                                        "a\nb",
                                        "a\tb",
                                        "\x01\x7f",
                                        "\xc3\xbc",
                                        "\xe2\x80\xa8",
                                        "\xef\xbb\xbf",
                                        "*a",
                                        "&a",
                                        "!a",
                                        "%a",
                                        "@a",
                                        "`a",
                                        "{a",
                                        "[a",
                                        "#a",
                                        "|",
                                        ">",
                                        "${a ? b : c}",
                                        "a${b}",
                                        "<<",
                                        "=",
                                        "---",
                                        "..."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vx_buf file = {0};
        vx_buf_str(&file, "k: ");
        print_text(vx_span_str(texts[i]), &file);
        vx_buf_str(&file, "\n");
        struct parsed p;
        parse(&p, vx_buf_view(&file), 1);
        if (!p.ok || !vx_span_is(p.stream.documents[0].root->items[0].text, texts[i]) ||
            p.stream.documents[0].root->items[0].scalar != CONFIG_STRING)
            fail_msg("%s", vx_buf_text(&file));
        done(&p);
        vx_buf_done(&file);
    }
}

static void many_small_documents_take_no_square_time(void **state)
{
    (void)state;
    struct vx_buf file = {0};
    for (int i = 0; i < 200000; i++)
        vx_buf_str(&file, "---\n");
    struct parsed p;
    parse(&p, vx_buf_view(&file), 1);
    assert_true(p.ok);
    assert_int_equal(p.stream.count, 0);
    done(&p);
    vx_buf_clear(&file);
    vx_buf_str(&file, "a: [");
    for (int i = 0; i < 100000; i++)
        vx_buf_str(&file, "!x,");
    vx_buf_str(&file, "]\n");
    parse(&p, vx_buf_view(&file), 1);
    assert_int_equal(p.diags.error_count, CONFIG_FINDINGS_MAX);
    done(&p);
    vx_buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_are_what_yaml_1_2_core_says),
        cmocka_unit_test(documents_are_cut_at_their_marks),
        cmocka_unit_test(nodes_know_their_line_and_column),
        cmocka_unit_test(every_byte_of_a_scalar_is_found_in_the_file),
        cmocka_unit_test(places_beyond_the_text_are_behind_its_end),
        cmocka_unit_test(texts_print_as_yaml_that_reads_back),
        cmocka_unit_test(many_small_documents_take_no_square_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
