/* Whatever stands in a file: it loads or is refused with findings, and every finding has a place that exists. Run it with
 * the sanitizers. */
#include "help.h"
#include "random_config.h"

#include "core/base/utf8.h"

static const char *const fragments[] = {
    ": ",   "- ",   "\n",           "  ",   "\t",    " #",    "'",    "\"",   "{",  "}",    "[",     "]",
    "!",    "&a",   "*a",           "|",    ">",     "%",     "@",    "?",    "${", "}",    "\\",    "<<: ",
    "\xff", "\xc3", "\xef\xbb\xbf", "\r\n", "---\n", "...\n", "true", "null", "0x", ".inf", "event", "\x01",
    "",     "kind", "name",         "*",    ","};

static void mutate(uint64_t *seed, struct vx_buf *text)
{
    struct vx_buf out = {0};
    size_t at = random_below(seed, (uint32_t)text->len + 1),
           cut = random_below(seed, 3) ? random_below(seed, 6) : random_below(seed, 200);
    if (cut > text->len - at)
        cut = text->len - at;
    vx_buf_add(&out, text->at, at);
    vx_buf_str(&out, fragments[random_below(seed, sizeof fragments / sizeof *fragments)]);
    vx_buf_add(&out, text->at + at + cut, text->len - at - cut);
    vx_buf_done(text);
    *text = out;
}

static void check_findings(const struct vx_diags *diags, struct vx_span text)
{
    int lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    for (size_t i = 0; i < diags->count; i++) {
        const struct vx_diag *d = &diags->items[i];
        if (!d->file[0])
            continue;
        assert_in_range(d->line, 1, lines);
        assert_true(d->column >= 1);
        assert_true(d->width >= 1);
        assert_true(d->message[0] != 0);
        if (d->quoted.len > 0)
            assert_in_range(d->column, 1, vx_utf8_count(d->quoted) + 1);
    }
}

static uint64_t wanted_seed(void)
{
    const char *seed = getenv("VELTRIX_SEED");
    return seed ? strtoull(seed, NULL, 10) * 2 + 1 : 99;
}

static void mutated_documents_load_or_are_refused_with_a_place(void **state)
{
    (void)state;
    uint64_t seed = wanted_seed();
    int good = 0, bad = 0;
    const char *wanted = getenv("VELTRIX_ROUNDS"); /* for a longer run */
    int rounds = wanted ? atoi(wanted) : 6000;
    for (int round = 0; round < rounds; round++) {
        struct vx_buf text = {0}, printed = {0};
        random_config(&seed, &text);
        for (uint32_t n = random_below(&seed, 4); n > 0; n--)
            mutate(&seed, &text);
        struct config_source source = {"m.yaml", vx_buf_view(&text), 1};
        struct config_set *set = NULL;
        struct vx_diags diags = {0};
        enum vx_status status = config_load(&source, 1, &set, &diags);
        assert_int_equal(status == VX_OK, diags.error_count == 0);
        check_findings(&diags, vx_buf_view(&text));
        vx_diags_print(&diags, &printed, true);
        good += status == VX_OK;
        bad += status != VX_OK;
        config_set_free(set);
        vx_diags_done(&diags);
        vx_buf_done(&text);
        vx_buf_done(&printed);
    }
    assert_true(good > rounds / 60);
    assert_true(bad > rounds / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mutated_documents_load_or_are_refused_with_a_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
