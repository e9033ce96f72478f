/* The canonical text of a document: it loads back to the same model, and is a fixed point. */
#include "core/config/print.h"
#include "core/config/diff.h"
#include "help.h"
#include "random_config.h"

static void print_all(const struct config_set *set, struct vx_buf *out)
{
    for (size_t i = 0; i < set->document_count; i++) {
        vx_buf_str(out, "---\n");
        config_print(&set->documents[i], out);
    }
}

static void keys_come_in_the_order_of_the_table(void **state)
{
    (void)state;
    struct config_set *set = load_good("otherwise: {drop: true} # c\nrules: [{drop: true, when: \"!event.x\", name: "
                                       "a}]\ntopics: [t]\nname: r\nkind: routing\n");
    struct vx_buf text = {0};
    config_print(&set->documents[0], &text);
    assert_string_equal(vx_buf_text(&text),
                        "kind: routing\nname: r\ntopics:\n  - t\nrules:\n  - name: a\n    when: \"!event.x\"\n"
                        "    drop: true\notherwise:\n  drop: true\n");
    vx_buf_done(&text);
    config_set_free(set);
}

static void long_keys_and_odd_values_survive(void **state)
{
    (void)state;
    struct vx_buf text = {0}, once = {0}, twice = {0};
    vx_buf_str(&text, "kind: processing\nname: p\nstages:\n  - set:\n      ? 'event[\"");
    for (int i = 0; i < 1500; i++)
        vx_buf_char(&text, 'k');
    vx_buf_str(&text, "\"]'\n      : { a: [[], {}, [[1]], {b: {}}], \"c: d\": ~, ? 'e' : |\n");
    text.len -= 9;
    vx_buf_str(&text, "}\n      event.x: >\n        folded\n        text\n\n        with lines\n      event.y: [[1, "
                      "[2, {z: [3]}]]]\n  - emit: { topic: t }\n");
    struct config_set *set = load_good(vx_buf_text(&text));
    print_all(set, &once);
    struct config_set *again = load_good(vx_buf_text(&once));
    print_all(again, &twice);
    assert_string_equal(vx_buf_text(&once), vx_buf_text(&twice));
    struct config_diff diff;
    config_diff(set, again, &diff);
    if (diff.count > 0)
        fail_msg("%s: %s -> %s", diff.changes[0].where, diff.changes[0].was, diff.changes[0].now);
    config_diff_done(&diff);
    config_set_free(set);
    config_set_free(again);
    vx_buf_done(&text);
    vx_buf_done(&once);
    vx_buf_done(&twice);
}

static void print_and_load_change_nothing(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 1500; round++) {
        struct vx_buf text = {0}, once = {0}, twice = {0};
        random_config(&seed, &text);
        struct config_set *set = load_good(vx_buf_text(&text));
        print_all(set, &once);
        struct config_set *again = load_good(vx_buf_text(&once));
        struct config_diff diff;
        config_diff(set, again, &diff);
        if (diff.count > 0)
            fail_msg("%s changed by printing\n%s\ninto\n%s", diff.changes[0].where, vx_buf_text(&text),
                     vx_buf_text(&once));
        print_all(again, &twice);
        assert_string_equal(vx_buf_text(&once), vx_buf_text(&twice));
        config_diff_done(&diff);
        config_set_free(set);
        config_set_free(again);
        vx_buf_done(&text);
        vx_buf_done(&once);
        vx_buf_done(&twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_in_the_order_of_the_table),
        cmocka_unit_test(long_keys_and_odd_values_survive),
        cmocka_unit_test(print_and_load_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
